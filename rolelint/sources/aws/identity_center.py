"""Permission sets of IAM Identity Center, and who holds them where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rolelint.sources.aws.caller import Caller
from rolelint.sources.aws.plain import tag_map

_SERVICE = "sso-admin"


def permission_sets(aws: Caller, regions: Sequence[str]) -> list[dict[str, Any]]:
    """Read every permission set of the instance that these credentials may see.

    Args:
        regions: where to look; an organization has one instance, in one Region.
    """
    for region in regions:
        instances = list(aws.items(_SERVICE, "ListInstances", "Instances", region=region))
        if instances:
            return [
                _permission_set(aws, region, instance["InstanceArn"], arn)
                for instance in instances
                for arn in aws.items(
                    _SERVICE, "ListPermissionSets", "PermissionSets", region=region, InstanceArn=instance["InstanceArn"]
                )
            ]
    return []


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
    accounts = every("ListAccountsForProvisionedPermissionSet", "AccountIds")
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
        "accounts": sorted(accounts),
        "assignments": [
            {"account": account, "type": found["PrincipalType"], "principal": found["PrincipalId"]}
            for account in sorted(accounts)
            for found in every("ListAccountAssignments", "AccountAssignments", AccountId=account)
        ],
    }
    if inline:
        out["inline"] = _json(inline)
    limit = (boundary or {}).get("PermissionsBoundary") or {}
    if limit.get("ManagedPolicyArn"):
        out["boundary"] = limit["ManagedPolicyArn"]
    elif limit.get("CustomerManagedPolicyReference"):
        reference = limit["CustomerManagedPolicyReference"]
        out["boundary"] = reference.get("Path", "/") + reference["Name"]
    return out


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
