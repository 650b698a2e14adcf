"""How far a role's power reaches in an account that was looked at: what really exists there, what was really used."""

from __future__ import annotations

from rolelint.findings.model import RoleReport
from rolelint.policies.role import Role


def enrich(role: Role, judged: RoleReport, actor_name: str) -> None:
    """Add to the report of a role what its account is known to hold and when the role used its power.

    Does nothing for a role whose input tells neither.
    """
    if role.inventoried or role.accessed is not None:
        from rolelint.reach.telling import tell

        tell(role, judged, actor_name)
