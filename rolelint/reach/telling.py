"""What an account tells about a role, as words and numbers in the report."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

from rolelint.catalog import catalog
from rolelint.catalog.bits import few
from rolelint.catalog.model import DESTRUCTIVE
from rolelint.engine import actor, powers
from rolelint.findings.model import Finding, RoleReport
from rolelint.policies.role import Accessed, Role
from rolelint.reach.damage import Blast, Damage
from rolelint.reach.inventory import Inventory
from rolelint.reach.unused import unused_mask
from rolelint.records import replace

#: Resources that a report names for each role; the worst first.
NAMED = 5
#: Actions that a report names for each role.
NAMED_ACTIONS = 50


def tell(role: Role, judged: RoleReport, actor_name: str) -> None:
    """Add real damage and last use to the report of one role, and to its findings."""
    who = actor(actor_name)
    blast = Blast(role, who) if role.inventoried else None
    if blast is not None:
        judged.extra["damage"] = damage_facts(blast.answer(), blast.inventory)
    idle = 0
    if role.accessed is not None:
        held = powers(role, who, catalog().destructive).mask
        idle = unused_mask(role.accessed, held)
        judged.extra["unused"] = _unused_facts(role.accessed, held, idle, blast)
    judged.findings = [_finding(finding, role, blast, idle) for finding in judged.findings]


def _finding(finding: Finding, role: Role, blast: Blast | None, idle: int) -> Finding:
    extra: dict[str, Any] = {}
    message = finding.message
    if blast is not None:
        # A finding about actions that destroy nothing by themselves tells what the role could do besides.
        direct = blast.answer(finding.mask) if finding.mask else None
        found = direct if direct is not None and direct.struck else blast.answer()
        extra["damage"] = damage_facts(found, blast.inventory)
        message += f"; {damage_text(found, blast.inventory)}"
    if idle & finding.mask:
        count, every = (idle & finding.mask).bit_count(), finding.mask.bit_count()
        assert role.accessed is not None
        extra["unused"] = {"actions": count, "of": every, "days": role.accessed.days}
        which = "none of it" if count == every else f"{count} of these {every} actions not"
        message += f"; {which} used in the last {role.accessed.days} days"
    return replace(finding, message=message, extra={**finding.extra, **extra}) if extra else finding


def damage_facts(found: Damage, inventory: Inventory) -> dict[str, Any]:
    """Give the damage as plain data."""
    production = inventory.production
    lost = found.lost
    worst = chain(few(lost & production), few(lost & ~production), few(found.struck & ~lost))
    return {
        "resources": found.struck.bit_count(),
        "production": (found.struck & production).bit_count(),
        "lost": lost.bit_count(),
        "production_lost": (lost & production).bit_count(),
        "of": len(inventory.resources),
        "unknown": found.unsure.bit_count(),
        "certainty": "proved" if found.certain else "possible",
        "types": {
            kind or "other": (members & found.struck).bit_count()
            for kind, members in sorted(inventory.types.items())
            if members & found.struck
        },
        "guards": {name: bits.bit_count() for name, bits in found.guards.items()},
        "backed_up_out_of_reach": (found.backed & ~found.guarded).bit_count(),
        "examples": [inventory.resources[number].arn for number in islice(worst, NAMED)],
    }


def damage_text(found: Damage, inventory: Inventory) -> str:
    """Say the damage in one phrase."""
    every = len(inventory.resources)
    if not found.struck:
        unsure = f", {found.unsure.bit_count()} could not be decided" if found.unsure else ""
        return f"it could destroy none of the {every} resources found{unsure}"
    struck, production = found.struck.bit_count(), (found.struck & inventory.production).bit_count()
    text = f"it could destroy {struck} of the {every} resources found, {production or 'none'} of them production"
    held = [f"{name} {bits.bit_count()}" for name, bits in found.guards.items()]
    backed = (found.backed & ~found.guarded).bit_count()
    if backed:
        held.append(f"backups out of reach {backed}")
    return f"{text}; {'protected: ' + ', '.join(held) if held else 'no guard stands'}"


def _unused_facts(accessed: Accessed, held: int, idle: int, blast: Blast | None) -> dict[str, Any]:
    known = catalog()
    left = held & ~idle
    facts: dict[str, Any] = {
        "days": accessed.days,
        "actions": idle.bit_count(),
        "of": held.bit_count(),
        "names": known.names(idle)[:NAMED_ACTIONS],
        "left": {cls: count for cls in DESTRUCTIVE if (count := (left & known.class_mask(cls)).bit_count())},
    }
    if blast is not None:
        facts["damage_left"] = damage_facts(blast.answer(left), blast.inventory)
    return facts
