"""Loads rules: the shipped ones from their compiled form, a user's own from YAML."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from rolelint.errors import UsageError
from rolelint.rulebook.model import Details, Example, Rule, Rulebook

if TYPE_CHECKING:
    from pathlib import Path

#: Made by `python -m rolelint.rulebook.compile`.
COMPILED = os.path.join(os.path.dirname(__file__), "compiled.json")


@cache
def rules_folder() -> str:
    """Find the shipped rule files: inside the package in a wheel, beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(__file__))
    inside = os.path.join(package, "rules")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "rules")


@cache
def _shipped() -> Rulebook:
    with open(COMPILED, "rb") as file:
        entries = json.load(file)["rules"]
    folder = rules_folder()
    return Rulebook(tuple(rule_of(entry, os.path.join(folder, entry["path"])) for entry in entries))


def load(extra_folders: Iterable[Path] = ()) -> Rulebook:
    """Load the shipped rules, and those of further folders after them."""
    shipped = _shipped()
    extra = [rule for folder in extra_folders for rule in _folder(folder)]
    if not extra:
        return shipped
    by_key: dict[str, Rule] = {}
    for rule in (*shipped.rules, *extra):
        for key in (rule.id.lower(), rule.name):
            if key in by_key:
                raise UsageError(
                    f"two rules are called `{key.upper() if key == rule.id.lower() else key}`",
                    hint=f"see {by_key[key].path} and {rule.path}",
                )
            by_key[key] = rule
    known = frozenset(rule.id for rule in (*shipped.rules, *extra))
    for rule in extra:
        for code in rule.subsumed_by:
            if code not in known:
                raise UsageError(f"`subsumed_by` of `{rule.id}` names `{code}`, which is no rule", hint=rule.path)
    _refuse_circles(extra)
    return Rulebook((*shipped.rules, *extra))


def _refuse_circles(rules: Iterable[Rule]) -> None:
    """Refuse rules that leave it to one another to tell of a power, so that none would."""
    by_code = {rule.id: rule for rule in rules}
    for rule in by_code.values():
        seen: set[str] = set()
        queue = list(rule.subsumed_by)
        while queue:
            code = queue.pop()
            if code == rule.id:
                raise UsageError(f"`subsumed_by` of `{rule.id}` leads back to it", hint=rule.path)
            if code in by_code and code not in seen:
                seen.add(code)
                queue += by_code[code].subsumed_by


def _folder(folder: Path) -> list[Rule]:
    from rolelint.rulebook.source import read_rule

    if not folder.is_dir():
        raise UsageError(f"`{folder}` is not a folder", hint="--rules takes a folder with rule files")
    files = sorted(p for p in folder.rglob("*.y*ml") if p.suffix in (".yaml", ".yml") and p.is_file())
    if not files:
        raise UsageError(f"no rule files under `{folder}`", hint="rule files end in .yaml")
    return [rule_of(read_rule(path), str(path)) for path in files]


def rule_of(data: Mapping[str, Any], path: str) -> Rule:
    """Make a rule from its data, as YAML or the compiled form hold it."""
    fix = data["fix"]
    rule = Rule(
        id=data["id"],
        name=data["name"],
        title=data["title"],
        severity=data["severity"],
        since=data["since"],
        category=data["category"],
        when=data["when"],
        message=data["message"],
        fix=fix["text"],
        statement=fix.get("statement"),
        adapt=fix.get("adapt", ""),
        path=path,
        subsumed_by=tuple(data.get("subsumed_by", ())),
        lower=tuple(data.get("lower", ())),
    )
    if "why" in data:
        vars(rule)["details"] = _details(data)  # already read: `cached_property` looks here first
    return rule


def _details(data: Mapping[str, Any]) -> Details:
    return Details(
        why=data["why"].strip(),
        references=tuple(data["references"]),
        examples=tuple(
            Example(
                name=e["name"],
                flags=tuple(e["flags"]),
                policy=e.get("policy"),
                role=e.get("role"),
                type=e.get("type", "identity"),
                at_most=e.get("at-most", ""),
            )
            for e in data["examples"]
        ),
    )


def read_details(path: str) -> Details:
    """Read what only people read of a shipped rule, from its YAML file."""
    from pathlib import Path

    from rolelint.rulebook.source import read_rule

    return _details(read_rule(Path(path), check=False))
