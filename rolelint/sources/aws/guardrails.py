"""The organization around an account: its path, with the SCPs and RCPs of each level."""

from __future__ import annotations

import json
from threading import Lock
from typing import Any

from rolelint.sources.aws.caller import Caller, NotSeen

_KINDS = {"scps": "SERVICE_CONTROL_POLICY", "rcps": "RESOURCE_CONTROL_POLICY"}


class Guardrails:
    """Reads levels of an organization, each once, for as many accounts as ask."""

    def __init__(self, aws: Caller) -> None:
        self._aws = aws
        self._lock = Lock()
        self._levels: dict[str, dict[str, Any]] = {}
        self._texts: dict[str, dict[str, Any]] = {}
        self._roots: dict[str, frozenset[str]] | None = None

    def of(self, account: str) -> dict[str, Any] | None:
        """Read what stands around an account.

        Returns:
            None when the account is in no organization. Otherwise `path` is the levels, root first and the account
            last, or None when they could not be read: then `reason` says why.
        """
        try:
            told = self._aws.demand(
                "organizations", "DescribeOrganization", absent=("AWSOrganizationsNotInUseException",)
            )
        except NotSeen as error:
            return {"id": "", "management_account": "", "path": None, "reason": error.reason}
        if told is None:
            return None
        organization = told["Organization"]
        out: dict[str, Any] = {
            "id": organization["Id"],
            "management_account": organization.get("MasterAccountId", ""),
            "path": None,
        }
        if organization.get("FeatureSet") == "CONSOLIDATED_BILLING":
            out["path"] = []  # such an organization has no policies
            return out
        try:
            out["path"] = self._path(account)
        except NotSeen as error:
            out["reason"] = error.reason
        return out

    def _path(self, account: str) -> list[dict[str, Any]]:
        described = self._aws.ask("organizations", "DescribeAccount", where=account, AccountId=account)
        name = described["Account"].get("Name", "") if described else ""
        levels = [self._level(account, "ACCOUNT", name)]
        child = account
        while levels[0]["type"] != "ROOT":
            parents = self._demand("ListParents", where=child, ChildId=child)["Parents"]
            if not parents:
                break
            child, kind = parents[0]["Id"], parents[0]["Type"]
            levels.insert(0, self._level(child, kind))
        enabled = self._enabled().get(levels[0]["id"])
        if enabled is None:
            return levels
        return [{**level, **{k: level[k] if k in enabled else None for k in _KINDS}} for level in levels]

    def _level(self, target: str, kind: str, name: str = "") -> dict[str, Any]:
        with self._lock:
            found = self._levels.get(target)
            if found is None:
                if kind == "ORGANIZATIONAL_UNIT":
                    unit = self._aws.ask(
                        "organizations", "DescribeOrganizationalUnit", where=target, OrganizationalUnitId=target
                    )
                    name = unit["OrganizationalUnit"]["Name"] if unit else ""
                found = {"id": target, "type": kind, "name": name or ("Root" if kind == "ROOT" else "")}
                for key, policy_type in _KINDS.items():
                    found[key] = self._policies(target, policy_type)
                self._levels[target] = found
            return found

    def _policies(self, target: str, policy_type: str) -> list[dict[str, Any]]:
        out = []
        token: dict[str, str] = {}
        while True:
            page = self._demand("ListPoliciesForTarget", where=target, TargetId=target, Filter=policy_type, **token)
            out += [self._text(summary) for summary in page["Policies"]]
            if not page.get("NextToken"):
                return out
            token = {"NextToken": page["NextToken"]}

    def _text(self, summary: dict[str, Any]) -> dict[str, Any]:
        found = self._texts.get(summary["Id"])
        if found is None:
            told = self._demand("DescribePolicy", where=summary["Id"], PolicyId=summary["Id"])
            content = told["Policy"]["Content"]
            found = {"id": summary["Id"], "name": summary.get("Name", ""), "arn": summary.get("Arn", "")}
            try:
                found["document"] = json.loads(content)
            except ValueError:
                found["document"] = content
            self._texts[summary["Id"]] = found
        return found

    def _enabled(self) -> dict[str, frozenset[str]]:
        """List the policy types that are switched on, by root; a root that is not known is not in it."""
        with self._lock:
            if self._roots is None:
                self._roots = {}
                for root in self._aws.items("organizations", "ListRoots", "Roots"):
                    on = {t["Type"] for t in root.get("PolicyTypes") or () if t.get("Status") == "ENABLED"}
                    self._roots[root["Id"]] = frozenset(k for k, policy_type in _KINDS.items() if policy_type in on)
            return self._roots

    def _demand(self, operation: str, **parameters: Any) -> dict[str, Any]:
        told = self._aws.demand("organizations", operation, **parameters)
        assert told is not None
        return told
