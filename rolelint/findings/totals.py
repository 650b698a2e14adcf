"""Counts by account and by unit of an Organization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rolelint.findings.model import SEVERITIES, RoleReport

_DAMAGE = ("resources", "production", "lost", "production_lost")


def account_row(
    number: str, name: str, path: str, roles: Sequence[RoleReport], not_seen: int, status: str, reason: str = ""
) -> dict[str, Any]:
    """Count one account.

    Args:
        status: `read`, `resumed` or `not read`.
    """
    found = dict.fromkeys(SEVERITIES, 0)
    for role in roles:
        for finding in role.findings:
            found[finding.severity] += 1
    row: dict[str, Any] = {
        "id": number,
        "name": name,
        "path": path,
        "status": status,
        "roles": len(roles),
        "findings": found,
        "not_seen": not_seen,
    }
    if reason:
        row["reason"] = reason
    damages = [role.extra["damage"] for role in roles if "damage" in role.extra]
    if damages:
        # What the worst role alone could do: roles reach the same resources, so their numbers must not be added up.
        worst = max(damages, key=lambda d: (d["production_lost"], d["lost"], d["resources"]))
        row["damage"] = {key: worst[key] for key in (*_DAMAGE, "of")}
    return row


def totals(accounts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add accounts up by unit, each unit with everything below it, in the order of paths."""
    units: dict[str, dict[str, Any]] = {}
    for account in accounts:
        steps = [step for step in account["path"].split("/") if step]
        for depth in range(1, len(steps) + 1):
            _add(units.setdefault("/".join(steps[:depth]), _empty()), account)
    return [{"path": path, **unit} for path, unit in sorted(units.items())]


def _empty() -> dict[str, Any]:
    return {"accounts": 0, "not_read": 0, "roles": 0, "findings": dict.fromkeys(SEVERITIES, 0), "not_seen": 0}


def _add(unit: dict[str, Any], account: Mapping[str, Any]) -> None:
    unit["accounts"] += 1
    unit["not_read"] += account["status"] == "not read"
    unit["roles"] += account["roles"]
    unit["not_seen"] += account["not_seen"]
    for severity, count in account["findings"].items():
        unit["findings"][severity] += count
    if "damage" in account:
        damage = unit.setdefault("damage", dict.fromkeys((*_DAMAGE, "of"), 0))
        for key in damage:
            damage[key] += account["damage"][key]
