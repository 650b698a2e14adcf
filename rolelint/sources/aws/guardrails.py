"""The organization around an account: its path, with the SCPs and RCPs of each level."""

from __future__ import annotations

from typing import Any

from rolelint.sources.aws.caller import Caller, NotSeen
from rolelint.sources.aws.plain import document

_KINDS = {"scps": "SERVICE_CONTROL_POLICY", "rcps": "RESOURCE_CONTROL_POLICY"}


class Guardrails:
    """Reads levels of an organization, each once, for as many accounts as ask."""

    def __init__(self, aws: Caller) -> None:
        self._aws = aws
        self._homes: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {}

    def place(self, account: str, name: str, units: tuple[tuple[str, str], ...]) -> None:
        """Remember where an account is, so that nobody asks again.

        Args:
            units: ids and names of the levels above it, root first.
        """
        self._homes[account] = name, units

    def management(self) -> str:
        """Tell the management account; empty when that cannot be seen."""
        try:
            told = self._organization()
        except NotSeen:
            return ""
        return str((told or {}).get("Organization", {}).get("MasterAccountId", ""))

    def of(self, account: str) -> dict[str, Any] | None:
        """Read what stands around an account.

        Returns:
            None when the account is in no organization. Otherwise `path` is the levels, root first and the account
            last, or None when they could not be read: then `reason` says why, and `kind` as `NotSeen` does.
        """
        reason = "what AWS says of the organization could not be understood"
        unknown: dict[str, Any] | None = {
            "id": "",
            "management_account": "",
            "path": None,
            "reason": reason,
            "kind": "failed",
        }
        return self._aws.part("guardrails", lambda: self._of(account), unknown)

    def _of(self, account: str) -> dict[str, Any] | None:
        try:
            told = self._organization()
        except NotSeen as error:
            return {"id": "", "management_account": "", "path": None, "reason": error.reason, "kind": error.kind}
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
            out.update(reason=error.reason, kind=error.kind)
        return out

    def _organization(self) -> dict[str, Any] | None:
        absent = ("AWSOrganizationsNotInUseException",)
        return self._aws.once(
            ("organization",), lambda: self._aws.demand("organizations", "DescribeOrganization", absent=absent)
        )

    def _path(self, account: str) -> list[dict[str, Any]]:
        if account in self._homes:
            name, units = self._homes[account]
            kinds = ["ROOT", *("ORGANIZATIONAL_UNIT" for _ in units[1:])]
            levels = [self._level(number, kind, of) for (number, of), kind in zip(units, kinds, strict=True)]
            levels.append(self._level(account, "ACCOUNT", name))
        else:
            levels = self._climb(account)
        # Where a type is switched on, every level holds a policy of it: none anywhere means that it is off, and not
        # that nothing is allowed.
        off = {key: None for key in _KINDS if not any(level[key] for level in levels)}
        return [{**level, **off} for level in levels]

    def _climb(self, account: str) -> list[dict[str, Any]]:
        """Find the path of an account from below."""
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
        return levels

    def _level(self, target: str, kind: str, name: str = "") -> dict[str, Any]:
        return self._aws.once(("level", target), lambda: self._read_level(target, kind, name))

    def _read_level(self, target: str, kind: str, name: str) -> dict[str, Any]:
        if kind == "ORGANIZATIONAL_UNIT" and not name:
            unit = self._aws.ask(
                "organizations", "DescribeOrganizationalUnit", where=target, OrganizationalUnitId=target
            )
            name = unit["OrganizationalUnit"]["Name"] if unit else ""
        level: dict[str, Any] = {"id": target, "type": kind, "name": name or ("Root" if kind == "ROOT" else "")}
        on = self._switched_on()
        for key, policy_type in _KINDS.items():
            # A type that is off is not asked for: some partitions do not know every type.
            level[key] = self._policies(target, policy_type) if on is None or policy_type in on else None
        return level

    def _policies(self, target: str, policy_type: str) -> list[dict[str, Any]]:
        pages = self._aws.pages(
            "organizations", "ListPoliciesForTarget", where=target, whole=True, TargetId=target, Filter=policy_type
        )
        return [self._policy(summary) for page in pages for summary in page["Policies"]]

    def _policy(self, summary: dict[str, Any]) -> dict[str, Any]:
        number = summary["Id"]

        def read() -> dict[str, Any]:
            told = self._demand("DescribePolicy", where=number, PolicyId=number)
            found = {"id": number, "name": summary.get("Name", ""), "arn": summary.get("Arn", "")}
            return {**found, "document": document(told["Policy"]["Content"])}

        return self._aws.once(("policy", number), read)

    def _switched_on(self) -> set[str] | None:
        """List the policy types that are switched on; None when that cannot be seen."""
        roots = self._aws.listed("organizations", "ListRoots", "Roots")
        types = [found for root in roots for found in root.get("PolicyTypes") or ()]
        return {found["Type"] for found in types if found.get("Status") == "ENABLED"} if roots else None

    def _demand(self, operation: str, **parameters: Any) -> dict[str, Any]:
        told = self._aws.demand("organizations", operation, **parameters)
        assert told is not None
        return told
