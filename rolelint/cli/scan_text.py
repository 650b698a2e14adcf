"""What a person reads after the findings of a scan: accounts, units, last use, AWS's own opinion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolelint.errors import counted, printable
from rolelint.findings.model import SEVERITIES

#: Roles and disagreements that the text names.
_NAMED = 10


def closing(report: Any) -> str:
    """Write the totals of a scan; empty when the report is of none."""
    lines = [*_damage(report), *_unused(report)]
    scan = report.extra.get("scan") or {}
    lines += _units(scan)
    lines += _confirm(scan, report)
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _damage(report: Any) -> list[str]:
    ranked = [role for role in report.roles if role.extra.get("damage", {}).get("resources")]
    if not ranked:
        return []
    lines = ["most real damage"]
    for role in ranked[:_NAMED]:
        found = role.extra["damage"]
        lines.append(
            f"  {printable(role.name)}: {found['lost']} of {found['of']} resources for good, "
            f"{found['production_lost']} of them production"
        )
    return [*lines, *_rest(len(ranked), "role")]


def _unused(report: Any) -> list[str]:
    told = [role.extra["unused"] for role in report.roles if role.extra.get("unused", {}).get("actions")]
    if not told:
        return []
    left = sum(1 for facts in told if any(facts["left"].values()))
    return [
        f"unused for {told[0]['days']} days: {sum(f['actions'] for f in told)} of {sum(f['of'] for f in told)} "
        f"destructive permissions, held by {counted(len(told), 'role')}",
        f"  without them {len(told) - left} of these roles could destroy nothing, {left} still could",
    ]


def _units(scan: Mapping[str, Any]) -> list[str]:
    lines = []
    for unit in scan.get("units") or ():
        counts = " · ".join(f"{severity} {unit['findings'][severity]}" for severity in SEVERITIES)
        missing = f", {unit['not_read']} not read" if unit["not_read"] else ""
        size = f"{counted(unit['accounts'], 'account')}{missing}, {counted(unit['roles'], 'role')}"
        lines.append(f"  {printable(unit['path'])}: {size} · {counts}")
        if "damage" in unit:
            damage = unit["damage"]
            lines.append(
                f"    the worst role of each account: {damage['lost']} of {damage['of']} resources for good, "
                f"{damage['production_lost']} of them production"
            )
    failed = [account for account in scan.get("accounts") or () if account["status"] == "not read"]
    for account in failed:
        lines.append(f"  not read: {account['id']} {printable(account['name'])}: {printable(account['reason'])}")
    return ["organization", *lines] if lines else []


def _confirm(scan: Mapping[str, Any], report: Any) -> list[str]:
    counts = scan.get("confirm")
    if not counts:
        return []
    lines = ["AWS's policy simulator " + ", ".join(f"{verdict} {count}" for verdict, count in sorted(counts.items()))]
    against = [f for f in report.all_findings() if (f.extra.get("confirm") or {}).get("verdict") == "disagrees"]
    for finding in against[:_NAMED]:
        told = finding.extra["confirm"]
        why = f": {told['why']}" if told.get("why") else ""
        lines.append(f"  {finding.rule} {printable(finding.role_name)}: {told['decision']}{printable(why)}")
    return [*lines, *_rest(len(against), "finding")]


def _rest(count: int, noun: str) -> list[str]:
    """Say how many are not named."""
    return [f"  and {counted(count - _NAMED, f'more {noun}')}"] if count > _NAMED else []
