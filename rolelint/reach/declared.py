"""Which of the resources declared beside a role it could destroy: those of its plan or template."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, islice
from typing import Any

from rolelint.catalog.bits import few
from rolelint.engine import actor
from rolelint.findings.model import Finding, RoleReport
from rolelint.memory import lasting
from rolelint.policies.role import Resource, Role
from rolelint.policies.text import show
from rolelint.reach.damage import Blast, Damage
from rolelint.reach.inventory import Holder, Inventory
from rolelint.reach.kinds import blows
from rolelint.records import replace

#: Resources that a message names; facts name more.
NAMED = 3
#: Resources that the facts of a finding list.
LISTED = 50


def tell_declared(role: Role, judged: RoleReport, actor_name: str) -> None:
    """Add to the findings of a role which of the resources of its plan or template it could destroy."""
    if not any(finding.mask for finding in judged.findings):
        return
    resources = _destroyable(Holder(role.environment))
    if not resources:
        return
    blast = Blast(role, actor(actor_name), resources)
    every = blast.answer()
    if not every.struck and not every.unsure:
        return
    judged.extra["environment"] = _facts(every, blast.inventory)
    judged.findings = [_finding(finding, blast) for finding in judged.findings]


@lru_cache(maxsize=8)
def _destroyable(held: Holder) -> tuple[Resource, ...]:
    """Choose the resources that hold or do something; principals and policies are what is judged."""
    return tuple(r for r in held.content if not r.type.startswith("iam:") and blows(r.type))


lasting(_destroyable.cache_clear)


def _finding(finding: Finding, blast: Blast) -> Finding:
    found = blast.answer(finding.mask) if finding.mask else None
    if found is None or not (found.struck or found.unsure):
        return finding
    extra = {**finding.extra, "environment": _facts(found, blast.inventory)}
    return replace(finding, message=f"{finding.message}; {_text(found, blast.inventory)}", extra=extra)


def _facts(found: Damage, inventory: Inventory) -> dict[str, Any]:
    return {
        "resources": found.struck.bit_count(),
        "of": len(inventory.resources),
        "unknown": found.unsure.bit_count(),
        "certainty": "proved" if found.certain else "possible",
        "examples": [
            {
                "address": inventory.resources[number].address,
                "type": inventory.resources[number].type,
                "arn": show(inventory.resources[number].arn),
                "guards": _standing(number, found),
                "lifted": [g for g in inventory.resources[number].protections if g not in _standing(number, found)],
            }
            for number in islice(_worst(found), LISTED)
        ],
    }


def _worst(found: Damage) -> chain[int]:
    return chain(few(found.struck & ~found.guarded), few(found.struck & found.guarded))


def _standing(number: int, found: Damage) -> list[str]:
    return [name for name, bits in found.guards.items() if bits >> number & 1]


def _text(found: Damage, inventory: Inventory) -> str:
    every = len(inventory.resources)
    if not found.struck:
        return f"whether it reaches {found.unsure.bit_count()} of the {every} resources declared beside it is not known"
    names = [_named(inventory.resources[n], _standing(n, found)) for n in islice(_worst(found), NAMED)]
    struck = found.struck.bit_count()
    more = f" and {struck - NAMED} more" if struck > NAMED else ""
    return f"it reaches {struck} of the {every} resources declared beside it: {', '.join(names)}{more}"


def _named(resource: Resource, standing: list[str]) -> str:
    if standing:
        return f"`{resource.address}` (guarded by {' and '.join(standing)})"
    if resource.protections:
        return f"`{resource.address}` ({' and '.join(resource.protections)} does not stop it)"
    return f"`{resource.address}` (unguarded)"
