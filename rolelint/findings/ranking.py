"""The order of roles by the real damage they could do."""

from __future__ import annotations

from rolelint.findings.model import Report, RoleReport


def rank(report: Report) -> None:
    """Order the roles of a report by what they could destroy for good: production first, then by number.

    A report whose inputs tell nothing of that keeps its order.
    """
    if not any("damage" in role.extra for role in report.roles):
        return
    report.roles.sort(key=_rank)
    for number, role in enumerate(report.roles, 1):
        if "damage" in role.extra:
            role.extra["damage"]["rank"] = number


def _rank(role: RoleReport) -> tuple[int, ...]:
    found = role.extra.get("damage")
    if found is None:
        return (1, 0, 0, 0, 0)
    return (0, -found["production_lost"], -found["production"], -found["lost"], -found["resources"])
