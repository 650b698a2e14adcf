"""How far a role's power reaches: what really exists in its account or is declared beside it, what was really used."""

from __future__ import annotations

from rolelint.findings.model import RoleReport
from rolelint.policies.role import Role


def enrich(role: Role, judged: RoleReport, actor_name: str) -> None:
    """Add to the report of a role what stands beside it, who holds it, and when it used its power.

    Does nothing for a role whose input tells none of it.
    """
    if role.assigned is not None:
        judged.extra["assigned"] = [one._asdict() for one in role.assigned]
    if role.inventoried or role.accessed is not None:
        from rolelint.reach.telling import tell

        tell(role, judged, actor_name)
    elif role.environment and judged.findings:
        from rolelint.reach.declared import tell_declared

        tell_declared(role, judged, actor_name)
