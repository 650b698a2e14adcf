"""One account, read whole: the account dump with sections of our own under the key `Rolelint`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rolelint.records import field, record
from rolelint.sources.aws import accessed, inventory, resource_policies
from rolelint.sources.aws.caller import Caller, NotSeen, stumbled
from rolelint.sources.aws.guardrails import Guardrails
from rolelint.sources.aws.identity_center import IdentityCenter
from rolelint.sources.aws.plain import when
from rolelint.sources.aws.principals import LISTS, account_details, complete_roles, providers
from rolelint.sources.aws.production import Production
from rolelint.sources.aws.tasks import Progress, Task, run

SCHEMA = "rolelint-dump/1"

#: Where a call is about no thing that has a name, as notes say it.
OWN_PLACES = re.compile(r"after page \d+|which Regions are switched on")


@record
class Wanted:
    """What to read.

    Attributes:
        parts: of `calls.PARTS`; principals are always read.
        regions: where resources are looked at; empty for every Region that is switched on.
        production: what marks a resource as production.
        workers: calls made at once.
        unused_days: a use longer ago than this counts as none.
    """

    parts: frozenset[str] = frozenset(("guardrails", "identity-center", "resource-policies"))
    regions: tuple[str, ...] = ()
    production: Production = field(default_factory=Production)
    workers: int = 8
    unused_days: int = 90

    def but(self, *, parts: frozenset[str], workers: int) -> Wanted:
        """Give the same with other parts and workers."""
        return Wanted(parts, self.regions, self.production, workers, self.unused_days)


def read_account(
    aws: Caller,
    wanted: Wanted,
    progress: Progress | None = None,
    guardrails: Guardrails | None = None,
    center: IdentityCenter | None = None,
) -> dict[str, Any]:
    """Read an account.

    Args:
        guardrails: reads the organization with other credentials than the account's own.
        center: reads Identity Center with other credentials than the account's own.

    Raises:
        NotSeen: when not even the caller's identity could be read.
    """
    account, partition = _caller(aws)
    aliases = list(aws.items("iam", "ListAccountAliases", "AccountAliases"))
    own: dict[str, Any] = {
        "schema": SCHEMA,
        "account": account,
        "partition": partition,
        "alias": aliases[0] if aliases else "",
        "name": "",
        "read": when(datetime.now(UTC)),
        "regions": [],
    }
    if "guardrails" in wanted.parts:
        own["organization"] = organization = (guardrails or Guardrails(aws)).of(account)
        if organization and organization["path"]:
            own["name"] = organization["path"][-1]["name"]
    if wanted.parts & {"identity-center", "resource-policies", "inventory"}:
        own["regions"] = list(wanted.regions or switched_on(aws))
    if "last-accessed" in wanted.parts:
        own["unused_days"] = wanted.unused_days
    nobody: dict[str, list[Any]] = {name: [] for name in LISTS}
    details = aws.part("users, groups, roles and policies", lambda: account_details(aws), nobody)
    aws.part("instance profiles", lambda: complete_roles(aws, details), None)
    whole = "identity-center" in wanted.parts
    if center is None and whole:
        management = (own.get("organization") or {}).get("management_account", "")
        center = IdentityCenter(aws, own["regions"], wanted.workers, management)
    if center is not None:
        if whole:
            own["permission_sets"] = center.sets(progress)
            aws.notes.take(center.aws.notes)
        own["assigned"] = center.assigned(account, aws.notes, wanted.workers, progress)
    tasks = _tasks(aws, wanted, own, details)
    empty: dict[str, Any] = {}
    for section in run(aws, tasks, empty, wanted.workers, progress):
        for name, found in section.items():
            if isinstance(found, dict):
                own.setdefault(name, {}).update(found)
            else:
                own.setdefault(name, []).extend(found)
    if "inventory" in wanted.parts:
        names = tuple(text for text in (own["name"], own["alias"]) if text)
        own["inventory"] = inventory.joined(own.get("inventory", ()), wanted.production, account, names)
    own["not_seen"] = [described(note) for note in aws.notes.listed()]
    return {**details, "Rolelint": own}


def _caller(aws: Caller) -> tuple[str, str]:
    """Tell the account and the partition of the credentials.

    Raises:
        NotSeen: when they could not be read.
    """
    told = aws.demand("sts", "GetCallerIdentity") or {}
    try:
        return told["Account"], told["Arn"].split(":")[1]
    except (KeyError, IndexError) as error:
        raise NotSeen("failed", stumbled(error)) from error


def switched_on(aws: Caller) -> tuple[str, ...]:
    """List the Regions that are switched on; the session's own when that cannot be seen."""
    here: tuple[str, ...] = (aws.session.region,)

    def listed() -> tuple[str, ...]:
        told = aws.ask("ec2", "DescribeRegions", where="which Regions are switched on") or {}
        return tuple(sorted(region["RegionName"] for region in told.get("Regions") or ()))

    return aws.part("list of Regions", listed, here) or here


def _tasks(
    aws: Caller, wanted: Wanted, own: dict[str, Any], details: dict[str, list[Any]]
) -> list[Task[dict[str, Any]]]:
    regions: list[str] = own["regions"]
    partition, account = own["partition"], own["account"]
    tasks = [Task("identity providers", lambda: providers(aws))]

    def policies_of(kind: resource_policies.Kind, region: str) -> Callable[[], dict[str, Any]]:
        return lambda: {"resource_policies": list(kind(aws, region))}

    def resources_of(kind: inventory.Kind, region: str) -> Callable[[], dict[str, Any]]:
        return lambda: {"inventory": list(kind(aws, inventory.Where(partition, region, account)))}

    if "resource-policies" in wanted.parts:
        tasks.append(
            Task("bucket policies", lambda: {"resource_policies": list(resource_policies.buckets(aws, partition))})
        )
        tasks += [
            Task(f"policies of {name} in {region}", policies_of(kind, region))
            for region in regions
            for name, kind in resource_policies.REGIONAL
        ]
    if "inventory" in wanted.parts:
        tasks += [Task(name, resources_of(kind, "")) for name, kind in inventory.GLOBAL]
        tasks += [
            Task(f"{name} in {region}", resources_of(kind, region))
            for region in regions
            for name, kind in inventory.REGIONAL
        ]

    def use_of(arn: str) -> Callable[[], dict[str, Any]]:
        return lambda: {"last_accessed": accessed.last_accessed(aws, arn)}

    if "last-accessed" in wanted.parts:
        tasks += [
            Task("last use", use_of(role["Arn"]))
            for role in details["RoleDetailList"] + details["UserDetailList"]
            if not role.get("Path", "").startswith("/aws-service-role/")
        ]
    return tasks


def described(note: dict[str, Any]) -> dict[str, Any]:
    """Say in one sentence what was not seen."""
    where: list[str] = note.get("where") or []
    place = f" in `{note['region']}`" if note.get("region") else ""
    if len(where) == 1:
        place += f" for `{where[0]}`" if not where[0].startswith("after page") else f" {where[0]}"
    elif where:
        place += f" for {len(where)} resources, the first `{where[0]}`"
    return {**note, "text": f"`{note['what']}`{place} was not seen: {note['reason']}"}
