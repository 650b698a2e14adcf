"""Which of the resources that exist a role could destroy, and which guards stand in its way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from rolelint.catalog import catalog
from rolelint.catalog.bits import few, split
from rolelint.engine import Actor, Powers, can, powers
from rolelint.engine.compile import CompiledStatement, compile_document
from rolelint.engine.decision import ACCOUNT_GRANT, grant_strength, statement_reaches
from rolelint.engine.guarded import sessions
from rolelint.policies.role import Resource, Role
from rolelint.reach.inventory import (
    OWN,
    Inventory,
    Rule,
    has_variable,
    inner_samples,
    inventory_of,
    region_of,
    tag_value,
)
from rolelint.reach.kinds import backup_deleter, blows, removers
from rolelint.records import replace

#: Things inside one resource that are tried, one for each pattern that may reach into it.
INNER_TRIES = 8

_TAG_KEY = re.compile(r"(?:[a-z0-9-]+:resourcetag|rds:[a-z-]*tag)/(.+)")
_REGION_KEY = "aws:requestedregion"
_T = TypeVar("_T")


class Damage(NamedTuple):
    """Resources as bitsets over an inventory.

    Attributes:
        struck: what the role could destroy. unsure: what could not be decided.
        guarded: what of it a guard protects that the role cannot take away, against every way it has.
        backed: what of it has a copy that the role cannot delete.
        guards: guards that stand, with what they protect.
        certain: whether everything in `struck` is proved.
    """

    struck: int
    unsure: int
    guarded: int
    backed: int
    guards: dict[str, int]
    certain: bool

    @property
    def lost(self) -> int:
        """What could be destroyed for good."""
        return self.struck & ~self.guarded & ~self.backed


def interest(inventory: Inventory) -> int:
    """Give every action that destroys something in an inventory, or takes a guard away."""
    mask = 0
    for kind in inventory.types:
        for blow in blows(kind):
            mask |= blow.mask
    for ways in removers().values():
        for way in ways:
            mask |= way.mask
    return mask | catalog().class_mask("destroy-backup")


class Blast:
    """What one role can do to one inventory; asks each question once.

    Args:
        resources: the inventory, where it is not everything in the role's environment.
    """

    def __init__(self, role: Role, who: Actor, resources: tuple[Resource, ...] | None = None) -> None:
        self.role = role
        self.who = who
        self.inventory = inventory = inventory_of(role.environment if resources is None else resources)
        every = inventory.memo.get("interest")
        if every is None:
            every = inventory.memo["interest"] = interest(inventory)
        self.held: Powers = powers(role, who, every)
        #: What policies of the resources say, and what of it is of this role.
        self.said = inventory.rules(role.resource_policies)
        self.rules = self._rules(every)
        #: Roles of equal content get equal answers.
        vague = any(u.widens for u in role.unknowns) or any(p.document.unknown for p in role.identity)
        told = tuple(rule.statement for rule in self.rules)
        facts = self.held.stage.facts(*told) if told else ()
        self.memo: dict[object, Any] = inventory.memo.setdefault((self.held.content, vague, told, facts), {})
        self._statements: list[CompiledStatement] | None = None

    def _once(self, key: object, work: Callable[[], _T]) -> _T:
        """Give what was worked out under a key for a role that can do the same, or work it out."""
        if key not in self.memo:
            self.memo[key] = work()
        found: _T = self.memo[key]
        return found

    def _rules(self, every: int) -> list[Rule]:
        if not self.said.rules:
            return []
        stage = self.held.stage
        callers = (stage.caller, *sessions(self.role, stage.caller))
        bounded = self.role.boundary is not None

        def concerns(rule: Rule) -> bool:
            said = rule.statement.statement
            if not rule.statement.possible_mask & every:
                return False
            if said.effect == "Deny":
                return any(statement_reaches(said, caller, has_boundary=bounded) for caller in callers)
            return any(grant_strength(said, caller) >= ACCOUNT_GRANT for caller in callers)

        return [rule for rule in self.said.rules if concerns(rule)]

    def answer(self, within: int | None = None) -> Damage:
        """Work out what the role could do to the resources.

        Args:
            within: only with these actions; a guard is taken away with any action that the role has.
        """
        limit = -1 if within is None else within
        return self._once(("answer", limit & self.held.mask), lambda: self._answer(limit))

    def _answer(self, limit: int) -> Damage:
        struck = unsure = stopped_everywhere = 0
        certain = True
        guards: dict[str, int] = {}
        for kind, members in self.inventory.types.items():
            open_ = hit = 0
            for blow in blows(kind):
                mask = blow.mask & limit & self.held.mask
                if not mask:
                    continue
                reached, maybe, proved = self.reached(kind, mask, blow.inside)
                unsure |= maybe
                if not reached:
                    continue
                certain &= proved
                hit |= reached
                stopped = 0
                for guard in blow.guards:
                    stands = self.standing(kind, guard) & reached
                    if stands:
                        guards[guard] = guards.get(guard, 0) | stands
                        stopped |= stands
                open_ |= reached & ~stopped
            struck |= hit & members
            stopped_everywhere |= hit & ~open_
        return Damage(
            struck,
            unsure & ~struck,
            stopped_everywhere,
            self.backed(struck),
            {name: bits & stopped_everywhere for name, bits in sorted(guards.items()) if bits & stopped_everywhere},
            certain,
        )

    def reached(self, kind: str, mask: int, inside: str) -> tuple[int, int, bool]:
        """Give the resources of a type that some actions reach, those undecided, and whether all is proved."""
        return self._once((kind, mask, inside), lambda: self._reached(kind, mask, inside))

    def _reached(self, kind: str, mask: int, inside: str) -> tuple[int, int, bool]:
        members = self.inventory.types[kind]
        holding = self.held.of(mask)
        if not holding:
            return 0, 0, True
        rules = [rule for rule in self.rules if rule.statement.possible_mask & mask]
        reached = unsure = 0
        proved = True
        if any(power.scope == "any" and not power.gate and power.certainty == "proved" for power, _ in holding):
            # A power over everything stops at the resources whose own policy may stop it.
            stopping = self.said.keys
            for rule in rules:
                stopping |= rule.bits if rule.statement.statement.effect == "Deny" else 0
            reached = members & ~stopping
            members &= stopping
        own = (self.said.keys, *(rule.bits for rule in rules))
        for part, _ in split(members, chain(self.cuts(mask, inside, members), own)):
            number = (part & -part).bit_length() - 1
            verdict, certain = self.ask(number, mask, inside)
            if verdict == "yes":
                reached |= part
                proved &= certain
            elif verdict == "unknown":
                unsure |= part
        return reached, unsure, proved

    def ask(self, number: int, mask: int, inside: str) -> tuple[str, bool]:
        """Ask the engine about one resource."""
        resource = self.inventory.resources[number]
        context: dict[str, str | list[str]] = {}
        if not inside:
            for key, tag in self.tag_keys():
                value = tag_value(resource, tag)
                if value is not None:
                    context[key] = value
                elif resource.all_tags:
                    context[key] = []
        if region_of(resource.arn) and self.mentions(_REGION_KEY):
            context[_REGION_KEY] = region_of(resource.arn)
        # The policies of other resources have no say: looking through them is what takes time.
        role = replace(self.role, resource_policies=self.said.of(number))
        verdict = "no"
        for arn in self.targets(number, mask, inside):
            answer = can(role, mask, resource=arn, context=context, who=self.who)
            if answer.verdict == "yes":
                return "yes", answer.certainty == "proved"
            if answer.verdict == "unknown":
                verdict = "unknown"
        return verdict, True

    def targets(self, number: int, mask: int, inside: str) -> Iterator[str]:
        """Yield what a request names to strike at a resource."""
        arn = self.inventory.resources[number].arn
        if not inside:
            yield arn
        elif inside == "/":
            tried = {f"{arn}/object"}
            own = (rule.statement for rule in self.rules if rule.bits >> number & 1)
            for statement in chain(own, self.statements()):
                # What an Allow names, and what a Deny spares.
                if statement.not_resource == (statement.statement.effect == "Deny") and statement.possible_mask & mask:
                    for pattern in statement.resources or ():
                        if len(tried) < INNER_TRIES:
                            whole = arn + pattern.removeprefix(OWN) if pattern.startswith(OWN) else pattern
                            tried.add(inner_samples(whole, arn))
            yield from sorted(text for text in tried if text)
        else:
            head = ":".join(arn.split(":", 5)[:5])
            yield f"{head}:{inside}:00000000-0000-0000-0000-000000000000"

    def cuts(self, mask: int, inside: str, members: int) -> Iterator[int]:
        """Yield sets that part resources wherever some statement may tell them apart."""
        if inside not in ("", "/"):
            yield from self.inventory.by_region()
            return
        for statement in self.statements():
            if not statement.possible_mask & mask:
                continue
            for pattern in statement.resources or ():
                matched = self.inventory.matched(pattern, inside)
                yield matched
                if has_variable(pattern):
                    for number in few(matched & members):
                        yield 1 << number
        for _, tag in self.tag_keys():
            yield from self.inventory.by_tag(tag)
        if self.mentions(_REGION_KEY):
            yield from self.inventory.by_region()

    def statements(self) -> list[CompiledStatement]:
        """List the statements of every policy that takes part."""
        if self._statements is None:
            found = [
                s
                for p in self.role.policies()
                if p is not self.role.trust
                for s in compile_document(p.document).statements
            ]
            self._statements = list(dict.fromkeys(found))
        return self._statements

    def tag_keys(self) -> list[tuple[str, str]]:
        """List the condition keys that look at a resource's tags, each with the tag."""
        return self._once("tag keys", self._tag_keys)

    def _tag_keys(self) -> list[tuple[str, str]]:
        keys = {c.key for s in self.statements() for c in s.conditions}
        keys |= {r for s in self.statements() for r in s.refs}
        return [(key, match.group(1)) for key in sorted(keys) if (match := _TAG_KEY.fullmatch(key))]

    def mentions(self, key: str) -> bool:
        """Tell whether some statement looks at a context key."""
        return self._once(key, lambda: any(c.key == key for s in self.statements() for c in s.conditions))

    def standing(self, kind: str, guard: str) -> int:
        """Give the resources over which a guard stands that the role cannot take away."""
        return self._once(("guard", kind, guard), lambda: self._standing(kind, guard))

    def _standing(self, kind: str, guard: str) -> int:
        bits = self.inventory.types[kind] & self.inventory.guarded.get(guard, 0)
        for way in removers().get((kind, guard), ()):
            mask = way.mask & self.held.mask
            if bits and mask:
                reached, unsure, _ = self.reached(kind, mask, way.inside)
                bits &= ~(reached | unsure)
        return bits

    def backed(self, struck: int) -> int:
        """Give the resources that have a copy which the role cannot delete."""
        out = 0
        for number in few(struck & self.inventory.copied):
            backups = self.inventory.resources[number].backups
            if any(backup.locked or not self.deletes(backup.point) for backup in backups):
                out |= 1 << number
        return out

    def deletes(self, point: str) -> bool:
        """Tell whether the role could delete a copy; what is not decided counts as yes."""
        mask = backup_deleter(point)
        if not mask:
            return True
        holding = self.held.of(mask)
        if not holding:
            return False
        if any(p.scope == "any" and not p.gate for p, _ in holding):
            return True
        return self._once(("point", point), lambda: can(self.role, mask, resource=point, who=self.who).verdict != "no")
