"""Roles, users and what applies to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from rolelint.errors import Location, Problem, Route
from rolelint.policies.document import PolicyDocument, PrincipalEntry, Statement
from rolelint.records import field, record, replace


class PolicyType(Enum):
    """The types of policy that take part in a decision (S1.5)."""

    IDENTITY = "identity"
    BOUNDARY = "boundary"
    SESSION = "session"
    SCP = "scp"
    RCP = "rcp"
    TRUST = "trust"
    RESOURCE = "resource"

    #: Members are single objects: the hash of the standard library, which hashes the name, is slower than a lookup.
    __hash__ = object.__hash__


#: Stands where an account is not known, as in AWS's own examples.
EXAMPLE_ACCOUNT = "123456789012"

#: Works out the location of a route inside one policy document; called only for what is reported.
Locate = Callable[[Route], Location]


def ids_apart(holders: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Give an `id` of its own to what stands under one id in several places.

    Args:
        holders: each id with its place: a file, or a report.

    Returns:
        The new id by id and place, for those that share theirs.
    """
    places: dict[str, set[str]] = {}
    for name, place in holders:
        places.setdefault(name, set()).add(place)
    return {(name, one): f"{one}#{name}" for name, found in places.items() if len(found) > 1 for one in found}


@record
class Policy:
    """A policy document at the place where it applies.

    Attributes:
        name: the policy's own name, or what the input calls it.
        arn: for managed policies, else empty.
        locate: gives the place of a route of this document in the user's input.
        resource: for resource policies, the ARN of the resource it hangs on; empty when not known.
        inline: whether the policy belongs to one principal only.
    """

    type: PolicyType
    name: str
    document: PolicyDocument
    locate: Locate = field(compare=False, repr=False)
    arn: str = ""
    resource: str = ""
    inline: bool = True

    @property
    def by_aws(self) -> bool:
        """Tell whether AWS writes it: nobody here can change its text."""
        return self.arn.split(":", 5)[4:5] == ["aws"]


@record
class Unknown:
    """Something about a role that the input does not tell.

    Attributes:
        what: which part: `attached policy`, `permissions boundary`, `trust policy` ...
        reason: one lowercase sentence saying why it is not known.
        widens: whether knowing it could add power (an attached policy); false when it could only remove power.
    """

    what: str
    reason: str
    location: Location
    widens: bool = True


@record(frozen=False)
class Role:
    """A principal with every policy that applies to it, or a lone policy looked at as if a role held it.

    Attributes:
        kind: `role`, `user`, `permission-set`, or `policy` for a lone identity policy.
        arn, account, partition: empty when not known.
        identity: every identity policy; for a user with those of its groups (S6.4).
        boundary: None when there is none.
        session: None when no session policy applies; a tuple is one set (S6.30).
        scps: None when the account has no organization or SCPs are not an input; else levels, root first (S6.11).
        rcps: customer RCPs that apply to the account's resources, or None.
        trust: the trust policy, or None.
        resource_policies: resource policies known for resources of the role's account.
        tags: the role's own tags, or None when not known.
        unknowns: what the input does not tell.
        location: where the role is declared.
        environment: resources known to exist beside the role (a plan, an inventory): `Resource` objects.
        before: the same role before a change, where the input tells (a plan); used for the exact difference.
        accessed: when it last used what, where the input tells.
        assigned: the users and groups that its permission set is assigned to in the account, or None when not known.
        inventoried: whether `environment` is what exists in the account, as somebody went and looked.
        label: its `id` where others have the same ARN or address, or empty.
    """

    kind: str
    name: str
    location: Location
    arn: str = ""
    account: str = ""
    partition: str = ""
    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    scps: tuple[tuple[Policy, ...], ...] | None = None
    rcps: tuple[Policy, ...] | None = None
    trust: Policy | None = None
    resource_policies: tuple[Policy, ...] = ()
    tags: dict[str, str] | None = None
    unknowns: tuple[Unknown, ...] = ()
    environment: tuple[Resource, ...] = ()
    before: Role | None = None
    service_linked: bool = False
    management_account: bool = False
    accessed: Accessed | None = None
    assigned: tuple[Assignee, ...] | None = None
    inventoried: bool = False
    label: str = ""

    @property
    def id(self) -> str:
        """A name that is unique in one report: the ARN, else the address, else file and name; else its label."""
        return self.label or self.arn or self.location.address or f"{self.location.file}#{self.name}"

    @property
    def asked_arn(self) -> str:
        """The ARN that questions about it are asked with: its own, else one with an example's account."""
        kind = "user" if self.kind == "user" else "role"
        account = self.account or EXAMPLE_ACCOUNT
        return self.arn or f"arn:{self.partition or 'aws'}:iam::{account}:{kind}/{self.name}"

    def policies(self) -> list[Policy]:
        """List every policy of the role, in the order a reader expects."""
        out = list(self.identity)
        if self.boundary:
            out.append(self.boundary)
        out += self.session or ()
        for level in self.scps or ():
            out += level
        out += self.rcps or ()
        if self.trust:
            out.append(self.trust)
        return out


@record
class Resource:
    """A resource that exists or will exist beside a role.

    Attributes:
        arn: as far as known; unknown parts as in `policies.text`.
        type: `service:resource-type` in the catalogue's words, for example `rds:cluster`.
        address: what the input calls it.
        tags: known tags.
        protections: names of guards that stand, for example `deletion protection`.
        production: whether name, tag or account marks it as production; None when nothing tells.
        all_tags: whether `tags` is everything that the resource carries.
        backups: copies that an inventory knows of.
    """

    arn: str
    type: str
    address: str
    tags: dict[str, str] = field(default_factory=dict)
    protections: tuple[str, ...] = ()
    production: bool | None = None
    all_tags: bool = False
    backups: tuple[Backup, ...] = ()


class Backup(NamedTuple):
    """A copy of a resource: its ARN, and whether the vault that keeps it is locked."""

    point: str
    locked: bool = False


class Assignee(NamedTuple):
    """A user or group of Identity Center: `USER` or `GROUP`, and its id there."""

    type: str
    id: str


@record
class Accessed:
    """When a principal last used what.

    Attributes:
        read, since: when this was read, and when the principal was made; times as IAM writes them.
        days: a use longer ago than this counts as none.
        services: prefix to the time of the last use; empty where none is remembered.
        actions: action, lower-cased, to the same; only actions that IAM tracks.
    """

    read: str
    since: str
    days: int
    services: Mapping[str, str]
    actions: Mapping[str, str]


@record(frozen=False)
class Reading:
    """What one reader found in one document.

    Attributes:
        roles: principals to check.
        policies: lone policies that belong to no principal here (trust, resource, SCP, RCP, boundary documents):
            they are checked by the rules that judge a policy by itself.
        problems: everything that could not be read as meant, in order of appearance.
        whole: the document was asked for as what it is: without any of these it is clean, and not nothing to check.
    """

    roles: list[Role] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    whole: bool = False

    def take(self, other: Reading) -> None:
        """Add what was found in another document, or in a part of this one."""
        self.roles += other.roles
        self.policies += other.policies
        self.problems += other.problems


def with_principals(policy: Policy, name: Callable[[Statement, PrincipalEntry], PrincipalEntry]) -> Policy:
    """Name the principals of a policy anew; the same object where nothing changes."""
    statements = []
    for statement in policy.document.statements:
        entries = statement.principals and tuple(name(statement, entry) for entry in statement.principals)
        statements.append(statement if entries == statement.principals else replace(statement, principals=entries))
    if all(new is old for new, old in zip(statements, policy.document.statements, strict=True)):
        return policy
    return replace(policy, document=replace(policy.document, statements=tuple(statements)))
