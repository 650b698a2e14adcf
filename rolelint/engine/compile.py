"""Compile policy documents, once for each content, into what the set engine computes with."""

from __future__ import annotations

import re
from typing import NamedTuple

from rolelint.catalog import catalog
from rolelint.engine.operators import TABLE, Operator
from rolelint.memory import memo
from rolelint.policies.document import Condition, PolicyDocument, Statement
from rolelint.policies.text import CLOSE, OPEN, VARIABLE, has_unknown

_UNKNOWN_PART = re.compile(f"{OPEN}[^{CLOSE}]*{CLOSE}")
_PERSONAL = ("aws:principal", "aws:user", "aws:sourceidentity")


class CompiledCondition:
    """One condition literal. Equal content is the same object, so identity is equality.

    Attributes:
        refs: lower-cased keys of the policy variables in the values.
        uncertain: whether an unknown value or an unknown operator takes part.
    """

    __slots__ = ("condition", "key", "operator", "refs", "uncertain", "variables")

    def __init__(self, condition: Condition, variables: bool) -> None:
        self.condition = condition
        self.key = condition.key
        self.operator: Operator | None = TABLE.get(condition.operator) if condition.known else None
        self.variables = variables and self.operator is not None and self.operator.variables
        self.refs = variable_keys(condition.values) if self.variables else frozenset()
        self.uncertain = self.operator is None or any(has_unknown(v) for v in condition.values)

    def __repr__(self) -> str:
        return f"{self.condition.operator_text} {self.condition.key_text} {list(self.condition.values)}"


class CompiledStatement:
    """One statement. Equal content is the same object.

    Attributes:
        mask: actions that it certainly names. possible_mask: actions that it names for some value of what is unknown.
        readable_mask: the same without entries of which nothing is known; blank: there are such entries.
        covers_all: it reaches every resource: `Resource: "*"`, or no Resource element.
        personal: a condition or variable depends on who the principal is.
        uncertain: some part is unknown, or AWS would refuse the statement.
        within: patterns of what its policy governs, where its own resources say more; empty where they do not.
    """

    __slots__ = (
        "_content",
        "blank",
        "conditions",
        "covers_all",
        "mask",
        "not_resource",
        "personal",
        "possible_mask",
        "readable_mask",
        "refs",
        "resources",
        "statement",
        "uncertain",
        "variables",
        "within",
    )

    def __init__(self, statement: Statement, variables: bool, within: tuple[str, ...]) -> None:
        self.within = within
        self._content: tuple[object, ...] | None = None
        self.statement = statement
        self.variables = variables
        self.mask, self.possible_mask = _masks(statement, statement.actions)
        readable = tuple(a for a in statement.actions if not _is_blank(a))
        self.blank = len(readable) < len(statement.actions)
        self.readable_mask = self.possible_mask
        if self.blank:
            self.readable_mask = self.mask if statement.not_action else _masks(statement, readable)[1]
        self.resources = statement.resources
        self.not_resource = statement.not_resource
        self.covers_all = statement.resources is None or (not statement.not_resource and "*" in statement.resources)
        self.conditions = tuple(compile_condition(c, variables) for c in statement.conditions)
        refs = {r for c in self.conditions for r in c.refs}
        if variables and statement.resources is not None:
            refs |= variable_keys(statement.resources)
        self.refs = frozenset(refs)
        self.personal = any(k.startswith(_PERSONAL) for k in (*(c.key for c in self.conditions), *refs))
        self.uncertain = (
            bool(statement.doubtful)
            or self.mask != self.possible_mask
            or any(c.uncertain for c in self.conditions)
            or any(has_unknown(r) for r in statement.resources or ())
        )

    @property
    def content(self) -> tuple[object, ...]:
        """What it says, to order statements by."""
        if self._content is None:
            s = self.statement
            self._content = (
                s.actions,
                s.not_action,
                s.resources or (),
                s.not_resource,
                repr(s.conditions),
                self.within,
            )
        return self._content

    def __repr__(self) -> str:
        return f"<{self.statement.effect} {self.statement.sid or self.statement.index}>"


def _is_blank(text: str) -> bool:
    """Tell whether nothing of a text is known."""
    return has_unknown(text) and not _UNKNOWN_PART.sub("", text)


def _masks(statement: Statement, actions: tuple[str, ...]) -> tuple[int, int]:
    known = catalog()
    lower = upper = known.expand_all(actions)
    if any(map(has_unknown, actions)):
        lower = known.expand_all(a for a in actions if not has_unknown(a))
        upper = known.expand_all(_UNKNOWN_PART.sub("*", a) for a in actions)
    if statement.not_action:
        rest = known.full & ~upper
        return rest, rest if lower == upper else known.full & ~lower
    return lower, upper


def variable_keys(texts: tuple[str, ...]) -> frozenset[str]:
    """List the keys of the policy variables in texts, lower-cased; `${*}`, `${?}`, `${$}` are none."""
    return frozenset(name.lower() for name in variable_names(texts))


def variable_names(texts: tuple[str, ...]) -> set[str]:
    """List the keys of the policy variables in texts as they are written."""
    out = set()
    for text in texts:
        if "${" in text:
            for name in VARIABLE.findall(text):
                if name not in ("*", "?", "$"):
                    out.add(name.partition(",")[0].strip())
    return out


class Compiled(NamedTuple):
    """A compiled document: its statements and whether the whole document is unknown."""

    statements: tuple[CompiledStatement, ...]
    unknown: str


_conditions: dict[tuple[Condition, bool], CompiledCondition] = memo()
_statements: dict[tuple[object, ...], CompiledStatement] = memo()
_documents: dict[int, tuple[PolicyDocument, Compiled]] = memo()


def compile_condition(condition: Condition, variables: bool) -> CompiledCondition:
    """Compile a condition; equal content gives the same object."""
    key = (condition, variables)
    found = _conditions.get(key)
    if found is None:
        found = _conditions[key] = CompiledCondition(condition, variables)
    return found


def compile_statement(statement: Statement, variables: bool, within: tuple[str, ...] = ()) -> CompiledStatement:
    """Compile a statement; equal content, whatever its Sid and position, gives the same object."""
    key = (
        statement.effect,
        statement.actions,
        statement.not_action,
        statement.resources,
        statement.not_resource,
        statement.conditions,
        statement.principals,
        statement.not_principal,
        statement.doubtful,
        variables,
        within,
    )
    found = _statements.get(key)
    if found is None:
        found = _statements[key] = CompiledStatement(statement, variables, within)
    return found


def compile_document(document: PolicyDocument) -> Compiled:
    """Compile a document; the same document object is compiled once."""
    found = _documents.get(id(document))
    if found is not None and found[0] is document:
        return found[1]
    compiled = Compiled(tuple(compile_statement(s, document.variables) for s in document.statements), document.unknown)
    _documents[id(document)] = (document, compiled)
    return compiled
