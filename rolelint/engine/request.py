"""A request, the policies that judge it, and the decision (S6.1, S6.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from rolelint.policies.document import PolicyDocument, Statement
from rolelint.policies.role import PolicyType
from rolelint.records import field, record

#: Request context: lower-cased key -> values; an empty tuple is an absent key.
Context = Mapping[str, tuple[str, ...]]


class Outcome(Enum):
    """The three results of an evaluation."""

    ALLOW = "allow"
    EXPLICIT_DENY = "deny"
    IMPLICIT_DENY = "implicit_deny"


@record
class Principal:
    """Who calls.

    Attributes:
        type: `user`, `role_session`, `federated_user`, `root`, `service`, `oidc`, `saml` or `anonymous`.
        arn: the user, session, federated-user or root ARN; empty for services, identity providers and anonymous.
        role_arn: the role of a `role_session`. user_arn: the user behind a `federated_user`.
        account: 12 digits. name: of a service principal. provider: ARN of an identity provider.
    """

    type: str
    arn: str = ""
    role_arn: str = ""
    user_arn: str = ""
    account: str = ""
    name: str = ""
    provider: str = ""
    service_linked: bool = False
    management_account: bool = False

    @property
    def bare(self) -> bool:
        """Whether the caller has no identity policies of its own (S4.9, S4.20, S6.52)."""
        return self.type in ("service", "oidc", "saml", "anonymous")


@record
class Target:
    """One resource of a request, with the context keys that differ for it (S3.12)."""

    arn: str
    context: Context = field(default_factory=dict)


@record
class Request:
    """One API request as the evaluation sees it. `context` is complete: a key that is not listed is absent."""

    principal: Principal
    action: str
    targets: tuple[Target, ...]
    context: Context = field(default_factory=dict)
    resource_account: str = ""
    resource_in_management_account: bool = False


@record
class PolicySet:
    """Every policy that applies to one request (S6.1).

    Attributes:
        scps: None when the account has no organization or SCPs are off; levels are root first; an empty level
            has nothing attached and so allows nothing (S6.11).
        rcps: customer RCPs, or None. resource: the resource, trust or key policy, or None.
        session: None when no session policy was passed; else one set (S6.30).
    """

    identity: tuple[PolicyDocument, ...] = ()
    boundary: PolicyDocument | None = None
    session: tuple[PolicyDocument, ...] | None = None
    scps: tuple[tuple[PolicyDocument, ...], ...] | None = None
    rcps: tuple[PolicyDocument, ...] | None = None
    resource: PolicyDocument | None = None

    def documents(self) -> Iterator[tuple[str, PolicyDocument]]:
        """Walk every document with its place, as `Deciding.place` names it."""
        for name, several in (("identity", self.identity), ("session", self.session), ("rcp", self.rcps)):
            yield from ((f"{name}[{i}]", one) for i, one in enumerate(several or ()))
        for level, documents in enumerate(self.scps or ()):
            yield from ((f"scp[{level}][{i}]", one) for i, one in enumerate(documents))
        for name, document in (("boundary", self.boundary), ("resource", self.resource)):
            if document is not None:
                yield name, document


class Deciding(NamedTuple):
    """A statement that decided: the policy type, the place in that layer, and the statement."""

    type: PolicyType
    #: Where in the layer: `identity[0]`, `scp[1][0]`, `boundary` ...
    place: str
    statement: Statement

    @property
    def label(self) -> str:
        """What to call the statement: `scp[1][0]/Sid` or `identity[0]/Statement[2]`."""
        return f"{self.place}/{self.statement.sid or f'Statement[{self.statement.index}]'}"


@record
class Decision:
    """The outcome, the statements that decided it, and one sentence saying why."""

    outcome: Outcome
    statements: tuple[Deciding, ...] = ()
    explanation: str = ""
