"""Collect what Terraform resources say about principals: who there is, what is attached, who is in which group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from rolelint.errors import Route
from rolelint.policies.text import has_unknown
from rolelint.readers.terraform.kinds import arn_of
from rolelint.readers.terraform.world import MAYBE, Instance, World, single_unknown
from rolelint.records import field, record


class Inline(NamedTuple):
    """A policy text that belongs to one principal, and where it stands.

    Attributes:
        maybe: what decides whether the policy is there at all, where that is not known; else empty.
    """

    name: str
    value: object
    owner: Instance
    route: Route
    maybe: str = ""


class Attached(NamedTuple):
    """A managed policy by whatever the configuration calls it, and where that stands.

    Attributes:
        by_name: whether `value` is a name (and not an ARN) of a customer managed policy.
        maybe: as in `Inline`.
    """

    value: object
    owner: Instance
    route: Route
    by_name: bool = False
    maybe: str = ""


@record(frozen=False, eq=False)
class Principal:
    """A role, user, group or permission set, as the resources of one world tell it.

    Attributes:
        instance: the resource that declares it, or the first one that names it when `outside` is true.
        outside: whether the plan or source only refers to it.
        groups: for a user, its groups, each with what decides whether the user is in it, where that is not known;
            `unknown_groups` are the attributes that name others.
        members: for a group, how many users are known to be in it.
        closed: kinds of policies, `attached` or `inline`, of which an exclusive resource lists all there will be, with
            what it lists.
    """

    kind: str
    name: str
    instance: Instance
    outside: bool = False
    trust: Inline | None = None
    boundary: Attached | None = None
    inline: list[Inline] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)
    groups: dict[Principal, str] = field(default_factory=dict)
    unknown_groups: list[tuple[Instance, Route]] = field(default_factory=list)
    members: int = 0
    closed: dict[str, list[Any]] = field(default_factory=dict)
    listed: bool = False

    def doubt(self, given: Instance) -> str:
        """Say what decides whether something is given to it; empty where it is as sure as the principal itself."""
        return given.doubt(self.instance if self.declared else None)

    @property
    def declared(self) -> bool:
        """Whether its instance decides whether it is there."""
        return not self.outside or self.instance.mode == "data"


class _Names(NamedTuple):
    """How one resource type declares a principal."""

    kind: str
    name: str


_DECLARED = {
    "aws_iam_role": _Names("role", "name"),
    "aws_iam_user": _Names("user", "name"),
    "aws_iam_group": _Names("group", "name"),
    "awscc_iam_role": _Names("role", "role_name"),
    "awscc_iam_user": _Names("user", "user_name"),
    "awscc_iam_group": _Names("group", "group_name"),
    "aws_ssoadmin_permission_set": _Names("permission-set", "name"),
    "awscc_sso_permission_set": _Names("permission-set", "name"),
}

#: Inline policies: type to (principal kind, attribute that names it, policy attribute, name attribute).
_INLINE = {
    "aws_iam_role_policy": ("role", "role", "policy", "name"),
    "aws_iam_user_policy": ("user", "user", "policy", "name"),
    "aws_iam_group_policy": ("group", "group", "policy", "name"),
    "awscc_iam_role_policy": ("role", "role_name", "policy_document", "policy_name"),
    "awscc_iam_user_policy": ("user", "user_name", "policy_document", "policy_name"),
    "awscc_iam_group_policy": ("group", "group_name", "policy_document", "policy_name"),
    "aws_ssoadmin_permission_set_inline_policy": ("permission-set", "permission_set_arn", "inline_policy", ""),
}

#: Attachments: type to ((principal kind, attribute that names one or several), policy attribute).
_ATTACHED: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "aws_iam_role_policy_attachment": ((("role", "role"),), "policy_arn"),
    "aws_iam_user_policy_attachment": ((("user", "user"),), "policy_arn"),
    "aws_iam_group_policy_attachment": ((("group", "group"),), "policy_arn"),
    "aws_iam_role_policy_attachments_exclusive": ((("role", "role_name"),), "policy_arns"),
    "aws_iam_user_policy_attachments_exclusive": ((("user", "user_name"),), "policy_arns"),
    "aws_iam_group_policy_attachments_exclusive": ((("group", "group_name"),), "policy_arns"),
    "aws_iam_policy_attachment": ((("role", "roles"), ("user", "users"), ("group", "groups")), "policy_arn"),
    "aws_ssoadmin_managed_policy_attachment": ((("permission-set", "permission_set_arn"),), "managed_policy_arn"),
}

#: Resources that list the names of all inline policies: type to (principal kind, attribute that names it).
_CLOSED = {
    "aws_iam_role_policies_exclusive": ("role", "role_name"),
    "aws_iam_user_policies_exclusive": ("user", "user_name"),
    "aws_iam_group_policies_exclusive": ("group", "group_name"),
}

#: Types whose references this module follows; a reader needs no other for roles.
TYPES = (
    frozenset(_DECLARED)
    | frozenset(_CLOSED)
    | frozenset(_INLINE)
    | frozenset(_ATTACHED)
    | {
        "aws_iam_policy",
        "awscc_iam_managed_policy",
        "aws_iam_user_group_membership",
        "aws_iam_group_membership",
        "awscc_iam_user_to_group_addition",
        "aws_iam_policy_document",
        "aws_ssoadmin_customer_managed_policy_attachment",
        "aws_ssoadmin_permissions_boundary_attachment",
    }
)

#: Attributes that name another resource: for these, a single reference means the thing itself.
LINKS: dict[str, frozenset[str]] = {
    "role": frozenset(("aws_iam_role", "awscc_iam_role", "aws_iam_instance_profile")),
    "user": frozenset(("aws_iam_user", "awscc_iam_user")),
    "group": frozenset(("aws_iam_group", "awscc_iam_group")),
    "policy_arn": frozenset(("aws_iam_policy", "awscc_iam_managed_policy")),
    "permission_set_arn": frozenset(("aws_ssoadmin_permission_set", "awscc_sso_permission_set")),
}
_IN_ORGANIZATION = frozenset(
    ("aws_organizations_organization", "aws_organizations_organizational_unit", "aws_organizations_account")
)
#: Attributes that name a resource which is no principal.
LINKS |= {
    "bucket": frozenset(("aws_s3_bucket", "awscc_s3_bucket")),
    "key_id": frozenset(("aws_kms_key", "aws_kms_external_key", "aws_kms_replica_key")),
    "arn": frozenset(("aws_sns_topic",)),
    "identifiers": frozenset(
        ("aws_iam_openid_connect_provider", "aws_iam_saml_provider", "aws_iam_role", "aws_iam_user")
    ),
    "queue_url": frozenset(("aws_sqs_queue",)),
    "secret_arn": frozenset(("aws_secretsmanager_secret",)),
    "repository": frozenset(("aws_ecr_repository",)),
    "file_system_id": frozenset(("aws_efs_file_system",)),
    "domain_name": frozenset(("aws_opensearch_domain", "aws_elasticsearch_domain")),
    "backup_vault_name": frozenset(("aws_backup_vault",)),
    "policy_id": frozenset(("aws_organizations_policy",)),
    "target_id": _IN_ORGANIZATION,
    "parent_id": _IN_ORGANIZATION,
    "resource_arn": frozenset(("aws_dynamodb_table", "aws_kinesis_stream", "aws_codebuild_project")),
}
for _alias, _of in (
    ("role_name", "role"), ("roles", "role"), ("user_name", "user"), ("users", "user"), ("group_name", "group"),
    ("groups", "group"), ("policy_arns", "policy_arn"), ("permissions_boundary", "policy_arn"),
    ("managed_policy_arns", "policy_arn"), ("managed_policy_arn", "policy_arn"),
):  # fmt: skip
    LINKS[_alias] = LINKS[_of]


class Registry:
    """All principals of a world, found by whatever names them.

    Attributes:
        principals: in order of appearance.
        lost: what is given to a principal that is not known: kind of principal, its attribute, the policy.

    Args:
        before: the registry of the world before the change. A role's own list of attached policies, where the
            provider computed it, still names what separate resources attached before; those are left out.
    """

    def __init__(self, world: World, before: Registry | None = None) -> None:
        self.world = world
        self.principals: list[Principal] = []
        self.lost: list[tuple[str, Route, Inline | Attached]] = []
        self._before = before
        self._by_address: dict[tuple[str, str], Principal] = {}
        self._by_name: dict[tuple[str, str, str], Principal] = {}
        self._by_arn: dict[str, Principal] = {}
        for outside in (False, True):
            for instance in world.instances.values():
                names = _DECLARED.get(instance.type)
                if names is not None and (instance.mode == "data") is outside:
                    self._declare(instance, names)
        for instance in world.instances.values():
            if instance.mode == "managed":
                self._collect(instance)

    def _declare(self, instance: Instance, names: _Names) -> None:
        name = instance.text(names.name)
        key = (names.kind, self.world.account(instance.provider), name)
        managed = self._by_name.get(key) if name and instance.mode == "data" else None
        if managed is not None:
            self._by_address[(names.kind, instance.address)] = managed
            return
        principal = Principal(names.kind, instance.label(names.name), instance, outside=instance.mode == "data")
        if not principal.outside:
            principal.listed = True
            self.principals.append(principal)
        self._by_address[(names.kind, instance.address)] = principal
        if name:
            self._by_name[key] = principal
        self._by_arn.setdefault(arn_of(instance, self.world), principal)
        old = self._before.at(names.kind, instance.previous or instance.address) if self._before else None
        _declared_parts(principal, instance, old)

    def at(self, kind: str, address: str) -> Principal | None:
        """Give the principal that a resource declares."""
        return self._by_address.get((kind, address))

    def counterpart(self, principal: Principal, world: World) -> Principal | None:
        """Give what a principal of another world is in this one: at its address before a move, else with its name.

        AWS has no two with one name, so a role that another block declares now is the same role.
        """
        instance = principal.instance
        if not principal.outside:
            found = self.at(principal.kind, instance.previous or instance.address)
            if found is not None:
                return found
        name = principal.name if principal.outside else instance.text(_DECLARED[instance.type].name)
        return self._by_name.get((principal.kind, world.account(instance.provider), name))

    def find(self, kind: str, value: object, owner: Instance) -> Principal | None:
        """Find the principal that an attribute names; one that is not declared here is made, as `outside`."""
        if not isinstance(value, str) or not value:
            return None
        found = self.world.owner(value)
        if found is not None:
            principal = self._by_address.get((kind, found[0].address))
            if principal is not None:
                self._seen(principal)
                return principal
            followed = self.world.follow(value)
            if not isinstance(followed, str) or followed == value:
                return None
            value = followed
        account = self.world.account(owner.provider)
        principal = self._by_arn.get(value) or self._by_name.get((kind, account, value))
        if principal is not None and principal.kind == kind:
            self._seen(principal)
            return principal
        if has_unknown(value):
            return None
        name = value.rsplit("/", 1)[-1]
        principal = self._by_name.get((kind, account, name))
        if principal is None:
            principal = Principal(kind, name, owner, outside=True)
            self._by_name[(kind, account, name)] = principal
        self._seen(principal)
        return principal

    def _seen(self, principal: Principal) -> None:
        if not principal.listed:
            principal.listed = True
            self.principals.append(principal)

    def _collect(self, instance: Instance) -> None:
        kind = instance.type
        if kind in _INLINE:
            who, link, policy, name = _INLINE[kind]
            shown = instance.label(name) if name else "inline"
            self._give(instance, who, link, [Inline(shown, instance.values.get(policy), instance, (policy,))])
        elif kind in _ATTACHED:
            whos, policy = _ATTACHED[kind]
            for who, link in whos:
                self._give(instance, who, link, list(_values(instance, policy)))
                if kind.endswith("_exclusive"):
                    self._close(instance, who, link, "attached", policy)
        elif kind in _CLOSED:
            self._close(instance, *_CLOSED[kind], "inline", "policy_names")
        elif kind == "awscc_iam_managed_policy":
            for who, link in (("role", "roles"), ("user", "users"), ("group", "groups")):
                arn = arn_of(instance, self.world)
                self._give(instance, who, link, [Attached(arn, instance, ("policy_document",))])
        elif kind == "aws_iam_user_group_membership":
            self._join(instance, (user for _, user in self._named(instance, "user", "user") if user), "groups")
        elif kind in ("aws_iam_group_membership", "awscc_iam_user_to_group_addition"):
            link = "group" if kind.startswith("aws_") else "group_name"
            for _, group in self._named(instance, "group", link):
                for _, user in self._named(instance, "user", "users"):
                    if group and user:
                        _add(user, group, instance)
        elif kind == "awscc_iam_user":
            self._join(instance, [self._by_address[("user", instance.address)]], "groups")
        elif kind == "aws_ssoadmin_customer_managed_policy_attachment":
            references = list(_references(instance, "customer_managed_policy_reference"))
            self._give(instance, "permission-set", "permission_set_arn", references)
        elif kind == "aws_ssoadmin_permissions_boundary_attachment":
            for _, principal in self._named(instance, "permission-set", "permission_set_arn"):
                found = _sso_boundary(instance) if principal else None
                if principal and found:
                    principal.boundary = found._replace(maybe=principal.doubt(instance))

    def _give(self, instance: Instance, kind: str, link: str, items: Sequence[Inline | Attached]) -> None:
        """Give policies to the principals that an attribute names; `lost` keeps those of principals not known."""
        named = list(self._named(instance, kind, link))
        if not named and instance.type in _INLINE:
            named = [((link,), None)]
        for route, principal in named:
            either, which = self._either(instance, kind, route) if principal is None else ([principal], "")
            for item in items:
                if not either:
                    self.lost.append((kind, route, item))
                for one in either:
                    doubt = which or one.doubt(instance)
                    if isinstance(item, Inline):
                        one.inline.append(item._replace(maybe=doubt))
                    else:
                        one.attached.append(item._replace(maybe=item.maybe or doubt))

    def _either(self, instance: Instance, kind: str, route: Route) -> tuple[list[Principal], str]:
        """List the principals of which an attribute names one, where each is told, with what decides which."""
        value = instance.values.get(str(route[0]))
        value = value[int(route[1])] if len(route) > 1 and isinstance(value, list) else value
        choices = (instance.choices or {}).get(value, []) if isinstance(value, str) else []
        found = [self.find(kind, choice, instance) for choice in choices if choice]
        known = [principal for principal in found if principal is not None]
        return (known, single_unknown(value)) if len(known) == len(found) else ([], "")

    def _close(self, instance: Instance, kind: str, link: str, what: str, attribute: str) -> None:
        listed = instance.values.get(attribute)
        for _, principal in self._named(instance, kind, link):
            if principal and not principal.doubt(instance):
                principal.closed[what] = listed if isinstance(listed, list) else [listed]

    def _named(self, instance: Instance, kind: str, link: str) -> Iterator[tuple[Route, Principal | None]]:
        value = instance.values.get(link)
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if item is not None and item != "":
                route: Route = (link, index) if isinstance(value, list) else (link,)
                yield route, self.find(kind, item, instance)

    def _join(self, instance: Instance, users: Iterable[Principal], link: str) -> None:
        for user in users:
            for route, group in self._named(instance, "group", link):
                if group:
                    _add(user, group, instance)
                else:
                    user.unknown_groups.append((instance, route))


def _add(user: Principal, group: Principal, by: Instance) -> None:
    """Put a user into a group: for sure where some membership and the group are as sure as the user."""
    doubt = user.doubt(by) or (user.doubt(group.instance) if group.declared else "")
    if group not in user.groups:
        group.members += 1
    user.groups[group] = user.groups.get(group, doubt) and doubt


def _values(instance: Instance, attribute: str) -> Iterator[Attached]:
    value = instance.values.get(attribute)
    listed: list[tuple[Route, object]] = [((attribute,), value)]
    if isinstance(value, list):
        listed = [((attribute, index), item) for index, item in enumerate(value)]
    for route, item in listed:
        choices = (instance.choices or {}).get(item) if isinstance(item, str) else None
        if choices is not None:
            yield from (Attached(choice, instance, route, maybe=single_unknown(item)) for choice in choices if choice)
        elif item:
            yield Attached(item, instance, route)


def _declared_parts(principal: Principal, instance: Instance, old: Principal | None) -> None:
    """Take over what the declaring resource itself says."""
    values = instance.values
    kind = instance.type
    for attribute in ("assume_role_policy", "assume_role_policy_document"):
        if values.get(attribute) is not None:
            principal.trust = Inline("trust policy", values[attribute], instance, (attribute,))
    boundary = values.get("permissions_boundary")
    if kind == "awscc_sso_permission_set":
        principal.boundary = _sso_boundary(instance)
    elif isinstance(boundary, str) and boundary:
        principal.boundary = Attached(boundary, instance, ("permissions_boundary",))
    managed = "managed_policies" if kind == "awscc_sso_permission_set" else "managed_policy_arns"
    others = [a.value for a in old.attached if a.owner is not old.instance] if old else []
    if instance.sets(managed):
        principal.attached.extend(_values(instance, managed))
    elif isinstance(values.get(managed), list):
        principal.attached.extend(a for a in _values(instance, managed) if a.value not in others)
    others = [i.name for i in old.inline if i.owner is not old.instance] if old else []
    for attribute, name, policy in (
        ("inline_policy", "name", "policy"),
        ("policies", "policy_name", "policy_document"),
    ):
        value = values.get(attribute)
        if kind == "awscc_sso_permission_set" and isinstance(value, str | dict) and value:
            principal.inline.append(Inline("inline", value, instance, (attribute,)))
        elif isinstance(value, list | dict):
            # JSON syntax writes one block as an object.
            for index, block in enumerate([value] if isinstance(value, dict) else value):
                if not isinstance(block, dict):
                    principal.inline.append(Inline(attribute, block, instance, (attribute, index)))
                elif block.get(policy) and (instance.sets(attribute) or block.get(name) not in others):
                    shown = block.get(name)
                    shown = shown if isinstance(shown, str) and not has_unknown(shown) else attribute
                    maybe = single_unknown(block.get(MAYBE))
                    route: Route = (attribute, index, policy)
                    principal.inline.append(Inline(shown, block[policy], instance, route, maybe))
        elif isinstance(value, str) and value and instance.configured is not None and attribute in instance.configured:
            principal.inline.append(Inline(attribute, value, instance, (attribute,)))
    if kind == "awscc_sso_permission_set":
        principal.attached.extend(_references(instance, "customer_managed_policy_references"))


def _references(instance: Instance, attribute: str) -> Iterator[Attached]:
    """List customer managed policies that an Identity Center resource refers to by name (S6)."""
    for index, block in enumerate(instance.blocks(attribute)):
        if block.get("name"):
            yield Attached(block["name"], instance, (attribute, index, "name"), by_name=True)


def _sso_boundary(instance: Instance) -> Attached | None:
    attribute = "permissions_boundary"
    for block in instance.blocks(attribute):
        arn = block.get("managed_policy_arn")
        if isinstance(arn, str) and arn:
            return Attached(arn, instance, (attribute, "managed_policy_arn"))
        inner: Any = block.get("customer_managed_policy_reference")
        for reference in [inner] if isinstance(inner, dict) else inner or []:
            if isinstance(reference, dict) and reference.get("name"):
                return Attached(reference["name"], instance, (attribute,), by_name=True)
    return None
