"""AWS's own opinion about requests: `iam:SimulatePrincipalPolicy`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rolelint.sources.aws.caller import Caller, NotSeen

AGREES, DISAGREES, NOT_ASKED = "agrees", "disagrees", "not asked"

_TYPES = {
    "String": "string",
    "ARN": "string",
    "Bool": "boolean",
    "Boolean": "boolean",
    "Date": "date",
    "Numeric": "numeric",
    "Long": "numeric",
    "IPAddress": "ip",
    "Binary": "binary",
    "ArrayOfString": "stringList",
    "ArrayOfARN": "stringList",
    "ArrayOfBool": "booleanList",
    "ArrayOfNumeric": "numericList",
    "ArrayOfIPAddress": "ipList",
}


class Opinion(NamedTuple):
    """What AWS says: `agrees`, `disagrees` or `not asked`, its decision, and why where something is to be said."""

    verdict: str
    decision: str = ""
    why: str = ""


def opinion(
    aws: Caller,
    principal: str,
    action: str,
    resources: Sequence[str],
    context: Mapping[str, Any],
    assumes: Sequence[str] = (),
) -> Opinion:
    """Ask AWS whether it would allow a request.

    The simulator knows no SCP with global conditions, no RCP and no resource policy for roles (S10.19).

    Args:
        assumes: what the request takes for granted beside the principal's own policies: then AWS is not asked.
    """
    if assumes:
        return Opinion(NOT_ASKED, "", f"the simulator cannot know that {assumes[0]}")
    if ":role/aws-service-role/" in principal or ":assumed-role/" in principal:
        return Opinion(NOT_ASKED, "", "the simulator takes no such principal")
    entries = [_entry(key, value) for key, value in context.items() if value is not None]
    parameters: dict[str, Any] = {"PolicySourceArn": principal, "ActionNames": [action]}
    if list(resources) != ["*"]:
        parameters["ResourceArns"] = list(resources)
    if entries:
        parameters["ContextEntries"] = entries
    try:
        told = aws.demand("iam", "SimulatePrincipalPolicy", where=principal, **parameters)
    except NotSeen as error:
        return Opinion(NOT_ASKED, "", error.reason)
    results = (told or {}).get("EvaluationResults") or ()
    decisions = [result.get("EvalDecision", "") for result in results]
    refused = next((result for result in results if result.get("EvalDecision", "allowed") != "allowed"), None)
    if refused is not None:
        return Opinion(DISAGREES, refused["EvalDecision"], _why(refused))
    if not decisions or not all(decisions):
        return Opinion(NOT_ASKED, "", "the simulator gave no answer")
    return Opinion(AGREES, "allowed")


def _entry(key: str, value: Any) -> dict[str, Any]:
    from rolelint.catalog import catalog

    values = [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
    kind = _TYPES.get(catalog().key_type(key.lower()) or "", "")
    if not kind or (len(values) > 1 and not kind.endswith("List")):
        kind = "string" if len(values) == 1 else "stringList"
    return {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": values}


def _why(refused: Mapping[str, Any]) -> str:
    if refused.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False:
        return "an SCP stands in the way"
    if refused.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary") is False:
        return "the permissions boundary stands in the way"
    missing = refused.get("MissingContextValues") or ()
    if missing:
        return f"the simulator misses {', '.join(missing)}"
    named = [s.get("SourcePolicyId", "") for s in refused.get("MatchedStatements") or ()]
    return f"decided by {', '.join(filter(None, named))}" if any(named) else ""
