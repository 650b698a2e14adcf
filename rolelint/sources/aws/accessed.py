"""When a principal last used which service and action, as IAM remembers it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rolelint.sources.aws.caller import Caller
from rolelint.sources.aws.plain import plain

#: Seconds to wait for IAM's report about one principal. Past it the report counts as not seen.
PATIENCE = 90.0


def last_accessed(aws: Caller, arn: str, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Ask for the services that a principal may use, each with its last use and that of its tracked actions.

    Returns:
        The principal's ARN with `services`: namespace to `last` and `actions`; a text is empty where IAM remembers
        no use. Nothing when it could not be read.
    """
    started = aws.ask("iam", "GenerateServiceLastAccessedDetails", where=arn, Arn=arn, Granularity="ACTION_LEVEL")
    if started is None:
        return {}
    services: dict[str, Any] = {}
    waited, pause = 0.0, 0.2
    marker: dict[str, str] = {}
    while True:
        told = aws.ask("iam", "GetServiceLastAccessedDetails", where=arn, JobId=started["JobId"], **marker)
        if told is None:
            return {}
        if told["JobStatus"] == "IN_PROGRESS" and waited < PATIENCE:
            sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 5.0)
            continue
        if told["JobStatus"] != "COMPLETED":
            reason = (
                "IAM did not finish its report in time" if told["JobStatus"] == "IN_PROGRESS" else "IAM's report failed"
            )
            aws.notes.add("iam:GetServiceLastAccessedDetails", "failed", reason, "", arn)
            return {}
        for service in told["ServicesLastAccessed"]:
            services[service["ServiceNamespace"]] = {
                "last": plain(service.get("LastAuthenticated")) or "",
                "actions": {
                    action["ActionName"]: plain(action.get("LastAccessedTime")) or ""
                    for action in service.get("TrackedActionsLastAccessed") or ()
                },
            }
        if not told.get("IsTruncated"):
            return {arn: {"services": services}}
        if marker.get("Marker") == told["Marker"]:
            aws.notes.add("iam:GetServiceLastAccessedDetails", "failed", "the same page came twice", "", arn)
            return {}
        marker = {"Marker": told["Marker"]}
