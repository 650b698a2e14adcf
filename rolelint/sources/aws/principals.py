"""Users, groups, roles and their policies, in the shape of `get-account-authorization-details`."""

from __future__ import annotations

from typing import Any

from rolelint.sources.aws.caller import Caller
from rolelint.sources.aws.plain import plain

LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


def account_details(aws: Caller) -> dict[str, list[Any]]:
    """Read every page of the account's authorization details, and the AWS managed policies that they leave out."""
    found: dict[str, list[Any]] = {name: [] for name in LISTS}
    for page in aws.pages("iam", "GetAccountAuthorizationDetails"):
        for name in LISTS:
            found[name] += plain(page.get(name) or [])
    named = _named(found)
    kept, have = [], set()
    for policy in found["Policies"]:
        arn = policy.get("Arn", "")
        # AWS's own policies that nobody here holds say nothing about the account.
        if ":iam::aws:" not in arn or arn in named:
            kept.append(policy)
            have.add(arn)
    found["Policies"] = kept + managed_policies(aws, sorted(named - have))
    return found


def managed_policies(aws: Caller, arns: list[str]) -> list[dict[str, Any]]:
    """Read policies at their default version, each as an item of the details' `Policies`."""
    out = []
    for arn in arns:
        policy = aws.ask("iam", "GetPolicy", where=arn, PolicyArn=arn)
        if policy is None:
            continue
        version_id = policy["Policy"]["DefaultVersionId"]
        version = aws.ask("iam", "GetPolicyVersion", where=arn, PolicyArn=arn, VersionId=version_id)
        if version is not None:
            out.append(plain({**policy["Policy"], "PolicyVersionList": [version["PolicyVersion"]]}))
    return out


def _named(found: dict[str, list[Any]]) -> set[str]:
    """List the managed policies that somebody holds or is bounded by."""
    out: set[str] = set()
    for name in LISTS[:3]:
        for item in found[name]:
            out.update(entry["PolicyArn"] for entry in item.get("AttachedManagedPolicies") or ())
            boundary = item.get("PermissionsBoundary") or {}
            if boundary.get("PermissionsBoundaryArn"):
                out.add(boundary["PermissionsBoundaryArn"])
    return out


def complete_roles(aws: Caller, details: dict[str, list[Any]]) -> None:
    """Put instance profiles into the roles that lack them."""
    profiles: dict[str, list[Any]] = {}
    for profile in aws.items("iam", "ListInstanceProfiles", "InstanceProfiles"):
        for role in profile.get("Roles") or ():
            short = {k: v for k, v in profile.items() if k not in ("Roles", "Tags")}
            profiles.setdefault(role["Arn"], []).append(plain(short))
    for role in details["RoleDetailList"]:
        if not role.get("InstanceProfileList") and role.get("Arn") in profiles:
            role["InstanceProfileList"] = profiles[role["Arn"]]


def providers(aws: Caller) -> dict[str, list[Any]]:
    """Read the OIDC and SAML providers; metadata documents are left out."""
    oidc = []
    for entry in aws.items("iam", "ListOpenIDConnectProviders", "OpenIDConnectProviderList"):
        arn = entry["Arn"]
        told = aws.ask("iam", "GetOpenIDConnectProvider", where=arn, OpenIDConnectProviderArn=arn) or {}
        oidc.append({"arn": arn, "url": told.get("Url", ""), "audiences": sorted(told.get("ClientIDList") or ())})
    saml = [{"arn": entry["Arn"]} for entry in aws.items("iam", "ListSAMLProviders", "SAMLProviderList")]
    return {"oidc_providers": oidc, "saml_providers": saml}
