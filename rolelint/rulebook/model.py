"""Rules as data, the rulebook that holds them, and the options of a check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from rolelint.errors import UsageError, nearest, printable
from rolelint.records import record

#: What a message may hold in braces; which of them a rule has depends on the word of its `when`.
FIELDS = tuple("role deed text first second layers count statement effect reason hint issuer fault".split())

#: The folders of `rules/`, in the order of their codes.
CATEGORIES = ("teardown", "data", "protection", "lock-out", "indirect", "escalation", "trust", "gates", "hygiene")


@record
class Example:
    """One example of a rule: documentation and test at once.

    Attributes:
        flags: codes of the rules that must fire. Without the rule's own code the rule must stay silent; when
            empty, no rule may say anything at high or above.
        policy: a policy document, or None when `role` is given.
        role: a role bundle, or None.
        type: the type of a lone policy: `identity`, `trust`, `resource`, `scp`, `rcp` or `boundary`.
        at_most: the highest severity that any finding may have, or empty.
    """

    name: str
    flags: tuple[str, ...]
    policy: dict[str, Any] | None = None
    role: dict[str, Any] | None = None
    type: str = "identity"
    at_most: str = ""


@record
class Details:
    """The part of a rule that only people read: loaded from YAML when asked for."""

    why: str
    references: tuple[str, ...]
    examples: tuple[Example, ...]


@record(eq=False, slots=False)
class Rule:
    """One thing to look for.

    Attributes:
        id, name: stable code and readable name: `RL106`, `environment-rebuild`.
        severity: before anything lowers it.
        when: the condition in the words of `rulebook/vocabulary.py`, as plain data.
        message: a template; its fields are listed in `docs/rules/index.md`.
        subsumed_by: codes whose finding, when it rests on the same statements, already says this.
        lower: further reasons to lower the severity, in the same words.
        fix: what to do, one sentence.
        adapt: how `statement` is written anew for other actions, as `rules/schema.json` says; empty for not at all.
        path: the YAML file.
    """

    id: str
    name: str
    title: str
    severity: str
    since: str
    category: str
    when: Mapping[str, Any]
    message: str
    fix: str
    path: str
    statement: Any = None
    adapt: str = ""
    subsumed_by: tuple[str, ...] = ()
    lower: tuple[Mapping[str, Any], ...] = ()

    @cached_property
    def details(self) -> Details:
        """Read the rule's YAML file once for `why`, `references` and `examples`."""
        from rolelint.rulebook.load import read_details

        return read_details(self.path)

    @cached_property
    def advice(self) -> str:
        """What to do, with the statement rewritten where there is one: what a finding says."""
        if self.statement is None:
            return self.fix
        return f"{self.fix} For example: {json.dumps(self.statement, ensure_ascii=False)}"

    @property
    def why(self) -> str:
        """What a tool could do with it."""
        return self.details.why

    @property
    def references(self) -> tuple[str, ...]:
        """AWS pages that state the facts."""
        return self.details.references

    @property
    def examples(self) -> tuple[Example, ...]:
        """Examples, those that must not flag first."""
        return self.details.examples


@record(eq=False, slots=False)
class Rulebook:
    """Rules in the order of their codes."""

    rules: tuple[Rule, ...]

    def find(self, code_or_name: str) -> Rule | None:
        """Find a rule by code or name, ignoring case."""
        wanted = code_or_name.lower()
        return next((rule for rule in self.rules if wanted in (rule.id.lower(), rule.name)), None)

    def resolve(self, names: Iterable[str]) -> frozenset[str]:
        """Turn codes and names as a user writes them into codes.

        Raises:
            UsageError: for a name that no rule has, with the nearest one.
        """
        return frozenset(self.get(name).id for name in names)

    def get(self, code_or_name: str) -> Rule:
        """Find a rule by code or name.

        Raises:
            UsageError: when there is no such rule, with the nearest one.
        """
        rule = self.find(code_or_name)
        if rule is None:
            known = {text.lower(): text for rule in self.rules for text in (rule.id, rule.name)}
            hint = nearest(code_or_name.lower(), known) or "`rolelint rules` lists them"
            raise UsageError(f"unknown rule `{printable(code_or_name)}`", hint=hint)
        return rule


@record
class CheckOptions:
    """What a check takes into account.

    Attributes:
        actor: on whose behalf questions are asked: `automation`, `mcp`, `human` or `any`.
        effects: `full` (complete lists of actions), `summary` (counts) or `none`.
        select: codes of the only rules to apply; empty means all.
        ignore: codes of rules not to apply.
    """

    actor: str = "automation"
    effects: str = "full"
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()

    def wants(self, code: str) -> bool:
        """Tell whether a rule takes part."""
        return code not in self.ignore and (not self.select or code in self.select)
