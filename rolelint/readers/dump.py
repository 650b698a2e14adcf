"""The account dump: what `aws iam get-account-authorization-details` prints, one page or a list of pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rolelint.documents import Document, Place
from rolelint.errors import Problem, Route, printable
from rolelint.policies.document import unknown_document
from rolelint.policies.role import Policy, PolicyType, Reading, Role, Unknown
from rolelint.readers import ReadContext
from rolelint.readers.parts import (
    arn_account,
    arn_partition,
    managed_policy,
    names_principal,
    parsed,
    tag_map,
    unfinished,
)
from rolelint.readers.policy import add_policy

_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList")
_BARE = "they are not printed with it; a role bundle or a whole account dump has them"
_CUT = "the dump ends before its last page: there is more in the account"


def recognise(document: Document) -> bool:
    """Tell whether the document has the lists that only this command prints."""
    pages = document.data if isinstance(document.data, list) else [document.data]
    return bool(pages) and all(isinstance(page, dict) and _is_page(page) for page in pages)


def _is_page(page: dict[str, Any]) -> bool:
    if any(isinstance(page.get(name), list) for name in _LISTS):
        return True
    policies = page.get("Policies")  # alone where `--query` cut it out
    return isinstance(policies, list) and any(isinstance(p, dict) and "PolicyVersionList" in p for p in policies)


def read(document: Document, context: ReadContext) -> Reading:
    """Read every user and role with all policies that count for it (S6.4)."""
    return _Dump(document, context).read()


def read_principal(document: Document, route: Route, context: ReadContext) -> Reading:
    """Read one role or user detail that stands alone, as `--query` cuts it out of the dump."""
    dump = _Dump(document, context)
    item = _at(document.data, route)
    dump.principal("role" if "RoleName" in item else "user", item, route)
    return dump.reading


def _at(data: Any, route: Route) -> Any:
    for step in route:
        data = data[step]
    return data


def _account(item: dict[str, Any]) -> str:
    """Tell whose a user, group, role or policy is."""
    arn = item.get("Arn")
    return arn_account(arn) if isinstance(arn, str) else ""


def _follows(page: dict[str, Any], before: dict[str, Any]) -> bool:
    """Tell whether a page can be the one after another: neither is of an account that the other is not of."""
    found = [
        {
            _account(item)
            for items in one.values()
            if isinstance(items, list)
            for item in items
            if isinstance(item, dict)
        }
        for one in (page, before)
    ]
    one, other = (accounts - {""} for accounts in found)
    return not one or not other or one == other


class _Dump:
    def __init__(self, document: Document, context: ReadContext) -> None:
        self.document = document
        self.context = context
        self.reading = Reading()
        self.managed: dict[str, tuple[Any, Route]] = {}
        #: By account and name: a list may hold the pages of several accounts.
        self.groups: dict[tuple[str, str], tuple[dict[str, Any], Route]] = {}
        self.attachable: dict[tuple[PolicyType, str], Policy] = {}

    def read(self) -> Reading:
        data = self.document.data
        pages = list(enumerate(data)) if isinstance(data, list) else [(None, data)]
        pages_at: list[tuple[dict[str, Any], Route]] = [(page, () if i is None else (i,)) for i, page in pages]
        for page, at in pages_at:
            for item, route in self.items(page, "Policies", at):
                self.policy(item, route)
            for item, route in self.items(page, "GroupDetailList", at):
                self.groups[_account(item), str(item.get("GroupName", ""))] = (item, route)
        for i, (page, at) in enumerate(pages_at):
            key = unfinished(page)
            if key and not any(_follows(other, page) for other, _ in pages_at[i + 1 : i + 2]):
                where = self.document.locate((*at, key))
                self.reading.problems.append(Problem(_CUT, where, "read all pages", "unknown"))
        whole = self.reading
        for page, at in pages_at:
            # What stands around the roles of one scan is not around those of another.
            self.reading = Reading()
            for item, route in self.items(page, "UserDetailList", at):
                self.principal("user", item, route)
            for item, route in self.items(page, "RoleDetailList", at):
                self.principal("role", item, route)
            if "Rolelint" in page:
                from rolelint.readers.account import surround

                place = self.document.at((*at, "Rolelint"))
                surround(place, page["Rolelint"], self.reading, self.context, self.attached)
            whole.take(self.reading)
        self.reading = whole
        if not whole.roles and not any("Rolelint" in page for page, _ in pages_at):
            self.by_themselves()
        return whole

    def by_themselves(self) -> None:
        """Look at groups and policies of a filtered dump, whose holders it leaves out, each by itself."""
        for (account, name), (item, route) in self.groups.items():
            arn = str(item.get("Arn", ""))
            unknowns: list[Unknown] = []
            held = tuple(self.held(item, "GroupPolicyList", route, arn, unknowns))
            location = self.document.lazy(route, arn)
            self.reading.roles.append(
                Role("policy", name, location, "", account, arn_partition(arn), held, unknowns=tuple(unknowns))
            )
        for arn, (content, route) in self.managed.items():
            if ":iam::aws:" not in arn:
                name = arn.rpartition("/")[2]
                add_policy(self.reading, name, content, self.document.at(route, arn), self.context, arn=arn)

    def items(self, holder: dict[str, Any], name: str, at: Route) -> Iterator[tuple[dict[str, Any], Route]]:
        listed = holder.get(name)
        if listed is None:
            return
        if not isinstance(listed, list):
            self.problem(f"`{name}` must be a list", (*at, name))
            return
        for i, item in enumerate(listed):
            if isinstance(item, dict):
                yield item, (*at, name, i)
            else:
                self.problem(f"an item of `{name}` must be an object", (*at, name, i))

    def problem(self, message: str, route: Route) -> None:
        self.reading.problems.append(Problem(message, self.document.locate(route), "is the dump complete?"))

    def policy(self, item: dict[str, Any], route: Route) -> None:
        """Remember a managed policy's default version."""
        arn = item.get("Arn")
        versions = item.get("PolicyVersionList")
        if not isinstance(arn, str) or not isinstance(versions, list):
            return
        default = item.get("DefaultVersionId")
        for i, version in enumerate(versions):
            if not isinstance(version, dict) or "Document" not in version:
                continue
            if version.get("IsDefaultVersion") is True or (default and version.get("VersionId") == default):
                self.managed[arn] = version["Document"], (*route, "PolicyVersionList", i, "Document")
                return

    def principal(self, kind: str, item: dict[str, Any], route: Route) -> None:
        """Add a role, or a user with the policies of its groups."""
        name = item.get("RoleName" if kind == "role" else "UserName")
        if not isinstance(name, str):
            self.problem(f"a {kind} has no name", route)
            return
        arn = item["Arn"] if isinstance(item.get("Arn"), str) else ""
        if arn and not names_principal(arn, kind):
            message = f"`{printable(arn)}` is not the ARN of a {kind}, and is left out"
            self.reading.problems.append(Problem(message, self.document.locate((*route, "Arn")), kind="warning"))
            arn = ""
        unknowns: list[Unknown] = []
        prefix = "Role" if kind == "role" else "User"
        identity = self.held(item, f"{prefix}PolicyList", route, arn, unknowns)
        if kind == "user":
            groups = item.get("GroupList")
            if groups is not None and not isinstance(groups, list):
                listed = self.document.lazy((*route, "GroupList"), arn)
                unknowns.append(Unknown("groups", "`GroupList` is not a list", listed))
            for i, group in enumerate(groups if isinstance(groups, list) else ()):
                if isinstance(group, str) and (arn_account(arn), group) in self.groups:
                    held, at = self.groups[arn_account(arn), group]
                    identity += self.held(held, "GroupPolicyList", at, arn, unknowns)
                else:
                    reason = f"the group `{group}` is not in the input"
                    unknowns.append(Unknown("group", reason, self.document.lazy((*route, "GroupList", i), arn)))
        place = self.document.at(route, arn)
        trust = None
        if item.get("AssumeRolePolicyDocument"):
            where = self.document.at((*route, "AssumeRolePolicyDocument"), arn)
            content = parsed(item["AssumeRolePolicyDocument"], self.context.memo)
            trust = Policy(PolicyType.TRUST, "trust policy", content, where)
        path = item.get("Path")
        self.reading.roles.append(
            Role(
                kind,
                name,
                self.document.lazy(route, arn),
                arn,
                arn_account(arn),
                arn_partition(arn),
                tuple(identity),
                self.boundary(item, place, unknowns),
                trust=trust,
                tags=tag_map(item["Tags"]) if "Tags" in item else None,
                unknowns=tuple(unknowns),
                service_linked=isinstance(path, str) and path.startswith("/aws-service-role/"),
            )
        )

    def held(
        self, item: dict[str, Any], inline: str, route: Route, address: str, unknowns: list[Unknown]
    ) -> list[Policy]:
        """List the inline and attached policies of a role, user or group."""
        out = []
        if inline not in item and "AttachedManagedPolicies" not in item:
            # As commands print it that list roles, or as a query cuts it out: without any it would look harmless.
            place = self.document.at(route, address)
            unknowns.append(Unknown("identity policies", _BARE, place()))
            out.append(Policy(PolicyType.IDENTITY, "not printed", unknown_document(_BARE), place.fixed))
        for entry, at in self.items(item, inline, route):
            if "PolicyDocument" in entry:
                content = parsed(entry["PolicyDocument"], self.context.memo)
                place = self.document.at((*at, "PolicyDocument"), address)
                out.append(Policy(PolicyType.IDENTITY, str(entry.get("PolicyName", "inline")), content, place))
            else:
                self.problem(f"the inline policy `{entry.get('PolicyName', '')}` has no PolicyDocument", at)
        for entry, at in self.items(item, "AttachedManagedPolicies", route):
            arn = entry.get("PolicyArn")
            if isinstance(arn, str):
                place = self.document.at((*at, "PolicyArn"), address)
                out.append(self.attached(arn, PolicyType.IDENTITY, place, unknowns))
            else:
                self.problem("an attached policy has no PolicyArn", at)
        return out

    def attached(self, arn: str, kind: PolicyType, place: Place, unknowns: list[Unknown]) -> Policy:
        """Find a policy by ARN: in the dump itself, else among the AWS managed policies."""
        made = self.attachable.get((kind, arn))
        if made is not None:
            return made
        if arn in self.managed:
            content, route = self.managed[arn]
            at = self.document.at(route, arn)
            made = Policy(kind, arn.rpartition("/")[2], parsed(content, self.context.memo), at, arn, "", False)
            self.attachable[kind, arn] = made
            return made
        policy, missing = managed_policy(arn, kind, place, self.context.memo)
        if missing:
            unknowns.append(missing)
        return policy

    def boundary(self, item: dict[str, Any], place: Place, unknowns: list[Unknown]) -> Policy | None:
        """Find the permissions boundary of a role or user."""
        entry = item.get("PermissionsBoundary")
        if not entry:
            return None
        arn = entry.get("PermissionsBoundaryArn") if isinstance(entry, dict) else entry
        at = self.document.at((*place.route, "PermissionsBoundary"), place.address)
        if isinstance(arn, str) and arn:
            return self.attached(arn, PolicyType.BOUNDARY, at, unknowns)
        self.problem("a permissions boundary has no PermissionsBoundaryArn", at.route)
        return None
