"""Permission sets of IAM Identity Center, and who holds them where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

from rolelint.sources.aws.caller import Caller, Notes, NotSeen
from rolelint.sources.aws.plain import document, tag_map
from rolelint.sources.aws.tasks import Progress, Task, run

_SERVICE = "sso-admin"


class _Place(NamedTuple):
    region: str
    instance: str
    arn: str


class IdentityCenter:
    """Reads the permission sets that credentials may see, once, and who holds them in which account.

    Args:
        regions: where to look for instances.
        workers: calls made at once.
        management: the management account, where it is known: other accounts own no permission sets.
    """

    def __init__(self, aws: Caller, regions: Sequence[str], workers: int = 1, management: str = "") -> None:
        self.aws = aws
        self._regions = regions
        self._workers = workers
        self._management = management
        self._lock = Lock()
        self._places: dict[str, _Place] = {}
        self._sets: list[dict[str, Any]] | None = None

    def sets(self, progress: Progress | None = None) -> list[dict[str, Any]]:
        """Read every permission set; who comes second waits for the first."""
        with self._lock:
            if self._sets is None:
                self._sets = self._read(progress)
            return self._sets

    def _read(self, progress: Progress | None) -> list[dict[str, Any]]:
        none: list[_Place] = []
        found = run(
            self.aws,
            [Task(f"permission sets in {region}", partial(self._listed, region)) for region in self._regions],
            none,
            self._workers,
            progress,
        )
        # An instance that is replicated stands in several Regions.
        self._places = {place.arn: place for places in reversed(found) for place in places}
        listed = sorted(self._places.values(), key=lambda place: self._regions.index(place.region))
        nothing: dict[str, Any] = {}
        tasks = [Task("permission set", partial(_permission_set, self.aws, *place)) for place in listed]
        return [made for made in run(self.aws, tasks, nothing, self._workers, progress) if made]

    def _listed(self, region: str) -> list[_Place]:
        """List the permission sets of the instances in a Region."""
        return [
            _Place(region, instance["InstanceArn"], arn)
            for instance in self.aws.items(_SERVICE, "ListInstances", "Instances", region=region)
            # AWS: identity-center-instances.html: an instance of a member account has no permission sets.
            if instance.get("OwnerAccountId", self._management) == self._management or not self._management
            for arn in self.aws.items(
                _SERVICE, "ListPermissionSets", "PermissionSets", region=region, InstanceArn=instance["InstanceArn"]
            )
        ]

    def assigned(
        self, account: str, notes: Notes, workers: int = 1, progress: Progress | None = None
    ) -> list[dict[str, Any]]:
        """List the users and groups that each permission set used in an account is assigned to there.

        A set for which that was not seen, which is noted, is left out.

        Args:
            notes: of the account.
        """
        aws = Caller(self.aws.session, notes)
        tasks = [
            Task("assignments", partial(self._assigned, aws, made, account))
            for made in self.sets()
            if made["accounts"] is None or account in made["accounts"]
        ]
        nothing: dict[str, Any] = {}
        return [made for made in run(aws, tasks, nothing, workers, progress) if made]

    def _assigned(self, aws: Caller, made: dict[str, Any], account: str) -> dict[str, Any]:
        region, instance, arn = self._places[made["arn"]]
        where = {"InstanceArn": instance, "PermissionSetArn": arn, "AccountId": account}
        try:
            pages = list(aws.pages(_SERVICE, "ListAccountAssignments", region=region, where=arn, whole=True, **where))
        except NotSeen:
            return {}
        to = [
            {"type": found["PrincipalType"], "id": found["PrincipalId"]}
            for page in pages
            for found in page.get("AccountAssignments") or ()
        ]
        return {"name": made["name"], "arn": arn, "to": sorted(to, key=lambda one: (one["type"], one["id"]))}


def _permission_set(aws: Caller, region: str, instance: str, arn: str) -> dict[str, Any]:
    both = {"InstanceArn": instance, "PermissionSetArn": arn}

    def one(operation: str, **more: Any) -> dict[str, Any]:
        return aws.ask(_SERVICE, operation, region=region, where=arn, **both, **more) or {}

    def every(operation: str, key: str, **more: Any) -> list[Any]:
        return list(aws.items(_SERVICE, operation, key, region=region, where=arn, **both, **more))

    told = one("DescribePermissionSet").get("PermissionSet") or {}
    inline = one("GetInlinePolicyForPermissionSet").get("InlinePolicy") or ""
    boundary = one("GetPermissionsBoundaryForPermissionSet", absent=("ResourceNotFoundException",))
    tags = aws.items(_SERVICE, "ListTagsForResource", "Tags", region=region, InstanceArn=instance, ResourceArn=arn)
    accounts: list[str] | None = None
    try:
        pages = aws.pages(
            _SERVICE, "ListAccountsForProvisionedPermissionSet", region=region, where=arn, whole=True, **both
        )
        accounts = sorted({account for page in pages for account in page.get("AccountIds") or ()})
    except NotSeen:
        pass  # noted, and no set that is used nowhere
    out: dict[str, Any] = {
        "arn": arn,
        "name": told.get("Name", arn.rpartition("/")[2]),
        "session_duration": told.get("SessionDuration", ""),
        "tags": tag_map(tags),
        "managed": [p["Arn"] for p in every("ListManagedPoliciesInPermissionSet", "AttachedManagedPolicies")],
        "customer_managed": [
            p.get("Path", "/") + p["Name"]
            for p in every("ListCustomerManagedPolicyReferencesInPermissionSet", "CustomerManagedPolicyReferences")
        ],
        "accounts": accounts,
    }
    if inline:
        out["inline"] = document(inline)
    limit = (boundary or {}).get("PermissionsBoundary") or {}
    if limit.get("ManagedPolicyArn"):
        out["boundary"] = limit["ManagedPolicyArn"]
    elif limit.get("CustomerManagedPolicyReference"):
        reference = limit["CustomerManagedPolicyReference"]
        out["boundary"] = reference.get("Path", "/") + reference["Name"]
    return out
