"""Policy documents: what one JSON policy says, without where it came from."""

from __future__ import annotations

from typing import Literal, NamedTuple

from rolelint.errors import Route
from rolelint.records import record

Effect = Literal["Allow", "Deny"]


class Condition(NamedTuple):
    """One key under one operator: `[quantifier:]operator[IfExists] {key: values}` (S5.1, S1.16).

    Attributes:
        operator: AWS's spelling of the plain operator, for example `StringEquals`; as written when unknown.
        quantifier: `""`, `"ForAllValues"` or `"ForAnyValue"`.
        if_exists: whether the operator ends in `IfExists`.
        key: lower-cased condition key (S5.7).
        key_text: the key as written.
        values: the policy's values as text; booleans as `true`/`false`, numbers as written.
        known: false when rolelint does not know the operator: the condition is then UNKNOWN.
    """

    operator: str
    quantifier: str
    if_exists: bool
    key: str
    key_text: str
    values: tuple[str, ...]
    known: bool = True

    @property
    def operator_text(self) -> str:
        """The operator as a policy writes it, with quantifier and IfExists."""
        head = f"{self.quantifier}:" if self.quantifier else ""
        return f"{head}{self.operator}{'IfExists' if self.if_exists else ''}"


class PrincipalEntry(NamedTuple):
    """One principal of a statement (S4.1): `kind` is AWS, Service, Federated, CanonicalUser or `*`."""

    kind: str
    value: str


@record
class Statement:
    """One statement of a policy.

    Attributes:
        actions: patterns as written; `not_action` says whether they stand under `NotAction`.
        resources: patterns as written, or None where there is no Resource element (S1.5: trust policies, SCPs).
        principals: entries, or None where the statement has no Principal element.
        index: 0-based position in the document; a lone statement object is 0.
        lone: whether `Statement` was an object and not a list (the route then has no index).
        doubtful: why AWS would refuse or misread this statement, or empty. A doubtful Allow may match,
            a doubtful Deny never protects (S1.20).
    """

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...] | None
    conditions: tuple[Condition, ...] = ()
    principals: tuple[PrincipalEntry, ...] | None = None
    not_action: bool = False
    not_resource: bool = False
    not_principal: bool = False
    sid: str = ""
    index: int = 0
    lone: bool = False
    doubtful: str = ""

    @property
    def route(self) -> Route:
        """The statement's place inside its document."""
        return ("Statement",) if self.lone else ("Statement", self.index)


class DocumentProblem(NamedTuple):
    """A grammar problem inside a policy document, placed by a route relative to the document."""

    message: str
    route: Route
    hint: str = ""
    kind: str = "warning"


@record
class PolicyDocument:
    """What one policy says.

    Attributes:
        version: `2012-10-17` or `2008-10-17`; an absent Version reads as 2008 (S1.3).
        unknown: why the whole document is not known, or empty; it then has no statements.
    """

    version: str
    statements: tuple[Statement, ...]
    problems: tuple[DocumentProblem, ...] = ()
    unknown: str = ""

    @property
    def variables(self) -> bool:
        """Whether `${...}` is a policy variable here and not plain text (S1.3)."""
        return self.version == "2012-10-17"


#: Allows every action on everything: for a side of a request that is taken as given.
ALLOW_ALL = PolicyDocument("2012-10-17", (Statement("Allow", ("*",), ("*",)),))


def unknown_document(reason: str) -> PolicyDocument:
    """Make the document that stands for a policy which is not known, with the reason."""
    return PolicyDocument("2012-10-17", (), (), reason)
