"""What single AWS CLI commands print about policies: `get-role`, `get-policy-version`, `get-bucket-policy` ..."""

from __future__ import annotations

from typing import Any

from rolelint.documents import Document, Place
from rolelint.errors import Problem, Route
from rolelint.policies.document import unknown_document
from rolelint.policies.json_text import PolicyTextError, loads
from rolelint.policies.parse import looks_like_policy
from rolelint.policies.role import Policy, PolicyType, Reading, Role, Unknown
from rolelint.readers import ReadContext
from rolelint.readers.dump import read_principal
from rolelint.readers.parts import arn_account, arn_name, arn_partition, managed_policy, stem, unfinished
from rolelint.readers.policy import add_policy

_ORGANIZATION_TYPES = {"SERVICE_CONTROL_POLICY": PolicyType.SCP, "RESOURCE_CONTROL_POLICY": PolicyType.RCP}
#: Keys under which a command prints a resource's policy as text, and the keys that may name the resource.
_RESOURCE_POLICIES = ("Policy", "ResourcePolicy", "policyText", "PolicyInJson")
_RESOURCE_NAMES = ("ResourceArn", "ARN", "Arn", "BackupVaultArn", "FileSystemArn", "TopicArn", "QueueArn")
_DETAIL_LISTS = frozenset(("RolePolicyList", "UserPolicyList", "AttachedManagedPolicies"))


def recognise(document: Document) -> bool:
    """Tell whether the document has the shape that one of the commands prints."""
    return _command(document.data) is not None


def read(document: Document, context: ReadContext) -> Reading:
    """Read the policies that the command printed; what it cannot print stays unknown."""
    command = _command(document.data)
    assert command is not None
    reading = Reading()
    command(document, context, reading)
    key = unfinished(document.data) if isinstance(document.data, dict) else ""
    if key:
        message = "the list ends before its last page: there is more in the account"
        reading.problems.append(Problem(message, document.locate((key,)), "read all pages", "unknown"))
    return reading


def _command(data: Any) -> Any:
    if isinstance(data, list):  # as `--query RoleDetailList` and `--query Roles` print them
        return next((read for read, fits in ((_details, _is_detail), (_roles, _is_role)) if all(map(fits, data))), None)
    role = data.get("Role")
    roles = data.get("Roles")
    if "PolicyDocument" in data and ("PolicyName" in data or any(k in data for k in ("RoleName", "UserName"))):
        return _inline
    if _is_detail(data):
        return _details
    if _is_role(role) or _is_role(data) or (isinstance(roles, list) and roles and all(map(_is_role, roles))):
        return _roles
    if isinstance(data.get("PolicyVersion"), dict) and "Document" in data["PolicyVersion"]:
        return _version
    policy = data.get("Policy")
    if isinstance(policy, dict) and isinstance(policy.get("PolicySummary"), dict) and "Content" in policy:
        return _organization
    if isinstance(policy, dict) and _is_managed(policy):
        return _managed
    policies = data.get("Policies")
    if isinstance(policies, list) and policies and all(map(_is_managed, policies)):
        return _managed
    attached = data.get("AttachedPolicies")
    if isinstance(attached, list) and attached and all(isinstance(p, dict) and "PolicyArn" in p for p in attached):
        return _attached
    names = data.get("PolicyNames")
    if isinstance(names, list) and names and set(data) <= {"PolicyNames", "IsTruncated", "NextToken", "Marker"}:
        return _names
    if _is_policy_text(data.get("InlinePolicy")):
        return _permission_set
    attributes = data.get("Attributes")
    holder = attributes if isinstance(attributes, dict) else data
    if any(_is_policy_text(holder.get(key)) for key in _RESOURCE_POLICIES):
        return _resource
    return None


def _is_role(value: Any) -> bool:
    return isinstance(value, dict) and "AssumeRolePolicyDocument" in value and isinstance(value.get("RoleName"), str)


def _is_detail(value: Any) -> bool:
    return (
        isinstance(value, dict) and ("RoleName" in value or "UserName" in value) and not _DETAIL_LISTS.isdisjoint(value)
    )


def _is_managed(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("Arn"), str) and ":policy/" in value["Arn"]


def _is_policy_text(value: Any) -> bool:
    if not isinstance(value, str) or "Statement" not in value:
        return False
    try:
        return looks_like_policy(loads(value))
    except PolicyTextError as error:
        return error.is_json


def _details(document: Document, context: ReadContext, reading: Reading) -> None:
    routes: list[Route] = [(i,) for i in range(len(document.data))] if isinstance(document.data, list) else [()]
    for route in routes:
        reading.take(read_principal(document, route, context))


def _inline(document: Document, context: ReadContext, reading: Reading) -> None:
    data = document.data
    owner = next((data[key] for key in ("RoleName", "UserName", "GroupName") if isinstance(data.get(key), str)), "")
    name = str(data.get("PolicyName", stem(document.file)))
    place = document.at(("PolicyDocument",))
    add_policy(reading, f"{owner}/{name}" if owner else name, data["PolicyDocument"], place, context)


def _roles(document: Document, context: ReadContext, reading: Reading) -> None:
    data = document.data
    routes: list[Route]
    if isinstance(data, list):
        routes = [(i,) for i in range(len(data))]
    elif "Roles" in data:
        routes = [("Roles", i) for i in range(len(data["Roles"]))]
    else:
        routes = [("Role",) if "Role" in data else ()]
    for route in routes:
        held = read_principal(document, route, context)
        reading.roles += held.roles
        reading.problems += held.problems


def _version(document: Document, context: ReadContext, reading: Reading) -> None:
    add_policy(
        reading,
        stem(document.file),
        document.data["PolicyVersion"]["Document"],
        document.at(("PolicyVersion", "Document")),
        context,
    )


def _organization(document: Document, context: ReadContext, reading: Reading) -> None:
    policy = document.data["Policy"]
    summary = policy["PolicySummary"]
    kind = _ORGANIZATION_TYPES.get(str(summary.get("Type", "")))
    if kind is None:
        return
    name = str(summary.get("Name", stem(document.file)))
    place = document.at(("Policy", "Content"))
    add_policy(reading, name, policy["Content"], place, context, kind, str(summary.get("Arn", "")))


def _managed(document: Document, context: ReadContext, reading: Reading) -> None:
    data = document.data
    found: list[tuple[dict[str, Any], Route]]
    if isinstance(data.get("Policy"), dict):
        found = [(data["Policy"], ("Policy",))]
    else:
        # All AWS managed policies are printed by default; those that are attached concern the account.
        listed = enumerate(data["Policies"])
        found = [(item, ("Policies", i)) for i, item in listed if item.get("AttachmentCount") != 0]
    for item, route in found:
        arn = item["Arn"]
        place = document.at((*route, "Arn"), arn)
        _hold(reading, str(item.get("PolicyName", arn_name(arn))), [(arn, place)], context)


def _attached(document: Document, context: ReadContext, reading: Reading) -> None:
    entries = document.data["AttachedPolicies"]
    held = [(str(e["PolicyArn"]), document.at(("AttachedPolicies", i, "PolicyArn"))) for i, e in enumerate(entries)]
    _hold(reading, stem(document.file), held, context)


def _hold(reading: Reading, name: str, arns: list[tuple[str, Place]], context: ReadContext) -> None:
    """Add a principal that holds policies of which only the ARNs are printed."""
    identity, unknowns = [], []
    for arn, place in arns:
        policy, missing = managed_policy(arn, PolicyType.IDENTITY, place, context.memo)
        identity.append(policy)
        if missing:
            unknowns.append(missing)
    account = next(filter(None, (arn_account(arn) for arn, _ in arns)), "")
    partition = next(filter(None, (arn_partition(arn) for arn, _ in arns)), "")
    where = arns[0][1]
    location = where.document.lazy(where.route, where.address)
    reading.roles.append(
        Role(
            "policy",
            name,
            location,
            account=account,
            partition=partition,
            identity=tuple(identity),
            unknowns=tuple(unknowns),
        )
    )


def _names(document: Document, context: ReadContext, reading: Reading) -> None:
    reason = "this command prints the names of policies without their text"
    held = []
    for i, name in enumerate(document.data["PolicyNames"]):
        place = document.at(("PolicyNames", i))
        held.append(Policy(PolicyType.IDENTITY, str(name), unknown_document(reason), place.fixed))
    location = document.lazy(("PolicyNames",))
    unknown = Unknown("inline policies", reason, location)
    reading.roles.append(
        Role("policy", stem(document.file), location, identity=tuple(held), unknowns=(unknown,)),
    )


def _permission_set(document: Document, context: ReadContext, reading: Reading) -> None:
    place = document.at(("InlinePolicy",))
    add_policy(reading, stem(document.file), document.data["InlinePolicy"], place, context)


def _resource(document: Document, context: ReadContext, reading: Reading) -> None:
    data = document.data
    attributes = data.get("Attributes")
    holder, at = (attributes, ("Attributes",)) if isinstance(attributes, dict) else (data, ())
    key = next(key for key in _RESOURCE_POLICIES if _is_policy_text(holder.get(key)))
    resource = next((holder[name] for name in _RESOURCE_NAMES if isinstance(holder.get(name), str)), "")
    name = resource or stem(document.file)
    add_policy(reading, name, holder[key], document.at((*at, key)), context, PolicyType.RESOURCE, resource=resource)
