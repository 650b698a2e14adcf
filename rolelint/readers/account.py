"""What a scan of a live account adds to the account dump, under the key `Rolelint`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rolelint.documents import Place
from rolelint.errors import Problem, Route
from rolelint.policies.role import Accessed, Assignee, Backup, Policy, PolicyType, Reading, Resource, Role, Unknown
from rolelint.readers import ReadContext
from rolelint.readers.parts import mapping, parsed, rows, tag_map, texts

SCHEMA = "rolelint-dump/1"

#: Path of the roles that Identity Center makes in an account; their names are `AWSReservedSSO_<set>_<suffix>`.
_CENTER_PATH = "/aws-reserved/sso.amazonaws.com/"


#: Finds a managed policy by ARN, in the dump or the catalogue; what is not known is added to the list.
Attach = Callable[[str, PolicyType, Place, list[Unknown]], Policy]


def surround(place: Place, data: Any, reading: Reading, context: ReadContext, attach: Attach) -> None:
    """Put what stands around the roles of a dump into them: guardrails, resources, last use.

    Args:
        place: of the value of the key `Rolelint`, which is `data`.
        reading: the roles of the dump; permission sets that no role stands for are added.
    """
    _Account(place, data, reading, context, attach).surround()


class _Account:
    def __init__(self, place: Place, data: Any, reading: Reading, context: ReadContext, attach: Attach) -> None:
        self.document = place.document
        self.route = place.route
        self.reading = reading
        self.context = context
        self.attach = attach
        self.data: Mapping[str, Any] = data if isinstance(data, dict) else {}
        self.elsewhere: list[Role] = []

    def surround(self) -> None:
        if self.data.get("schema") != SCHEMA:
            self.problem(f"`Rolelint.schema` is not `{SCHEMA}`", ("schema",), "was the dump made by a newer rolelint?")
            return
        if self.data.get("account") and isinstance(self.document.data, dict):  # a list may hold several accounts
            self.context.origins[self.document.file] = f"aws:{self.data['account']}"
        self.permission_sets()
        self.guardrails()
        resources = self.resources()
        policies = self.resource_policies()
        used = mapping(self.data.get("last_accessed"))
        made = self.made() if used else {}
        for role in self.own_roles():
            role.environment = resources
            role.inventoried = "inventory" in self.data
            role.resource_policies = policies
            if role.arn in used:
                role.accessed = self.accessed(used[role.arn], made.get(role.arn, ""))
        self.reading.policies += policies
        for i, note in enumerate(self.items("not_seen")):
            self.problem(str(note.get("text", "")), ("not_seen", i), "", "unknown")

    def own_roles(self) -> list[Role]:
        return [role for role in self.reading.roles if not any(role is other for other in self.elsewhere)]

    def items(self, name: str) -> list[dict[str, Any]]:
        return rows(self.data.get(name))

    def problem(self, message: str, route: Route, hint: str, kind: str = "error") -> None:
        self.reading.problems.append(Problem(message, self.document.locate((*self.route, *route)), hint, kind))

    def guardrails(self) -> None:
        """Put the SCPs and RCPs of the account's path around every principal."""
        organization = self.data.get("organization")
        if not isinstance(organization, dict):
            return
        path = organization.get("path")
        management = bool(organization.get("management_account")) and (
            organization.get("management_account") == self.data.get("account")
        )
        scps: tuple[tuple[Policy, ...], ...] | None = None
        rcps: tuple[Policy, ...] | None = None
        unknown: tuple[Unknown, ...] = ()
        if isinstance(path, list):
            levels = rows(path)
            where = ("organization", "path")
            if levels and all(isinstance(level.get("scps"), list) for level in levels):
                scps = tuple(
                    self.level(level["scps"], PolicyType.SCP, (*where, i, "scps")) for i, level in enumerate(levels)
                )
            if levels and not management and all(isinstance(level.get("rcps"), list) for level in levels):
                every = [
                    policy
                    for i, level in enumerate(levels)
                    for policy in self.level(level["rcps"], PolicyType.RCP, (*where, i, "rcps"))
                ]
                rcps = tuple({policy.arn or policy.name: policy for policy in every}.values())
        elif not management and self.context.scps is None:
            reason = str(organization.get("reason") or "the organization could not be read")
            place = self.document.locate((*self.route, "organization"))
            unknown = (Unknown("SCPs", reason, place, widens=False),)
        for role in self.own_roles():
            role.scps = scps
            role.rcps = rcps
            role.management_account = management
            role.unknowns += unknown

    def level(self, policies: Sequence[Any], kind: PolicyType, route: Route) -> tuple[Policy, ...]:
        out = []
        for i, entry in enumerate(policies):
            if isinstance(entry, dict) and "document" in entry:
                at = self.document.at((*self.route, *route, i, "document"), str(entry.get("arn", "")))
                content = parsed(entry["document"], self.context.memo)
                name = str(entry.get("name") or entry.get("id", ""))
                out.append(Policy(kind, name, content, at, str(entry.get("arn", "")), "", False))
        return tuple(out)

    def resource_policies(self) -> tuple[Policy, ...]:
        out = []
        for i, entry in enumerate(self.items("resource_policies")):
            arn = str(entry.get("resource", ""))
            at = self.document.at((*self.route, "resource_policies", i, "document"), arn)
            content = parsed(entry.get("document"), self.context.memo)
            name = f"policy of {arn.split(':', 5)[-1]}"
            out.append(Policy(PolicyType.RESOURCE, name, content, at, "", arn))
        return tuple(out)

    def resources(self) -> tuple[Resource, ...]:
        out = []
        for entry in self.items("inventory"):
            arn = str(entry.get("arn", ""))
            production = entry.get("production")
            out.append(
                Resource(
                    arn,
                    str(entry.get("type", "")),
                    arn,
                    tag_map(entry.get("tags")),
                    tuple(texts(entry.get("protections"))),
                    production if isinstance(production, bool) else None,
                    "tags" in entry,
                    tuple(Backup(str(b.get("point", "")), b.get("locked") is True) for b in rows(entry.get("backups"))),
                )
            )
        return tuple(out)

    def accessed(self, data: Any, since: str) -> Accessed:
        last: dict[str, str] = {}
        actions: dict[str, str] = {}
        for prefix, entry in mapping(mapping(data).get("services")).items():
            last[prefix] = str(mapping(entry).get("last", ""))
            for action, moment in mapping(mapping(entry).get("actions")).items():
                actions[f"{prefix}:{action}".lower()] = str(moment)
        days = self.data.get("unused_days")
        return Accessed(str(self.data.get("read", "")), since, days if isinstance(days, int) else 90, last, actions)

    def made(self) -> dict[str, str]:
        """Give when each principal was made."""
        data = self.document.data
        pages = data if isinstance(data, list) else [data]
        return {
            item["Arn"]: str(item.get("CreateDate", ""))
            for page in pages
            for name in ("RoleDetailList", "UserDetailList")
            for item in rows(page.get(name))
            if isinstance(item.get("Arn"), str)
        }

    def permission_sets(self) -> None:
        """Add permission sets as principals where the dump has no role that Identity Center made of them."""
        assigned = {
            str(entry.get("name", "")): tuple(
                Assignee(str(one.get("type", "")), str(one.get("id", ""))) for one in rows(entry.get("to"))
            )
            for entry in self.items("assigned")
        }
        provisioned = set()
        for role in self.reading.roles:
            if _CENTER_PATH in role.arn:
                name = role.name.removeprefix("AWSReservedSSO_").rpartition("_")[0]
                role.assigned = assigned.get(name)
                provisioned.add(name)
        for i, entry in enumerate(self.items("permission_sets")):
            name = str(entry.get("name", ""))
            if name in provisioned or (entry.get("accounts") and self.data.get("whole_organization")):
                continue
            used = texts(entry.get("accounts"))
            # A set that is used only elsewhere: neither this account's policies nor its guardrails are its own.
            here = not used or self.data.get("account") in used
            role = self.permission_set(
                name, entry, ("permission_sets", i), str(self.data.get("account", "")) if here else ""
            )
            role.assigned = assigned.get(name, () if entry.get("accounts") == [] else None)
            self.reading.roles.append(role)
            if not here:
                self.elsewhere.append(role)
                reason = "the set is used in other accounts, which were not read"
                role.unknowns += (Unknown("SCPs", reason, role.location, widens=False),)

    def permission_set(self, name: str, entry: Mapping[str, Any], route: Route, account: str) -> Role:
        arn = str(entry.get("arn", ""))
        unknowns: list[Unknown] = []
        here = (*self.route, *route)
        identity = []
        if entry.get("inline"):
            at = self.document.at((*here, "inline"), arn)
            identity.append(Policy(PolicyType.IDENTITY, "inline", parsed(entry["inline"], self.context.memo), at))
        partition = str(self.data.get("partition", "aws"))
        for key in ("managed", "customer_managed"):
            for j, text in enumerate(texts(entry.get(key))):
                held = text if key == "managed" else f"arn:{partition}:iam::{account}:policy{text}"
                at = self.document.at((*here, key, j), arn)
                identity.append(self.attach(held, PolicyType.IDENTITY, at, unknowns))
        boundary = None
        if entry.get("boundary"):
            text = str(entry["boundary"])
            bound = text if text.startswith("arn:") else f"arn:{partition}:iam::{account}:policy{text}"
            boundary = self.attach(bound, PolicyType.BOUNDARY, self.document.at((*here, "boundary"), arn), unknowns)
        return Role(
            "permission-set",
            name,
            self.document.lazy(here, arn),
            arn,
            account,
            partition,
            tuple(identity),
            boundary,
            tags=tag_map(entry.get("tags")),
            unknowns=tuple(unknowns),
        )
