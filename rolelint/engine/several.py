"""One request on several resources: each must be allowed, and all see the same values of the keys that they share."""

from __future__ import annotations

from collections.abc import Container, Sequence

from rolelint.engine.actors import NEVER, Domain
from rolelint.engine.arns import Reach
from rolelint.engine.classes import Part, Solved, of_type, one_type, shared_key
from rolelint.engine.compile import CompiledCondition
from rolelint.engine.extent import meeting, type_shapes
from rolelint.engine.keys import Literal, Undecided, solve_key
from rolelint.engine.scene import Scene
from rolelint.engine.solve import Solution, View
from rolelint.engine.worlds import REGIONS, World
from rolelint.records import replace


def together(stage: Scene, parts: Sequence[Part], keys: dict[str, Domain], world: World) -> Solved | None:
    """Solve for every resource of one request: in one partition (S6.37), and in one Region where that is possible."""
    found = _anywhere(stage, parts, keys, world)
    if found is None:
        return None
    arns = [s.resource.split(":", 4) for _, s in found]
    partitions = dict.fromkeys(arn[1] for arn in arns)
    if len(partitions) > 1:
        placed = (together(replace(stage, partition=p), parts, keys, world) for p in {**partitions, **REGIONS})
        return next((one for one in placed if one is not None), None)
    regions = dict.fromkeys(arn[3] for arn in arns if arn[3])
    if len(regions) > 1 and not world.region:
        for region in (*regions, *REGIONS.get(arns[0][1], ())):
            alike = _anywhere(stage, parts, keys, replace(world, region=region))
            if alike is not None:
                return alike
    return found


def _anywhere(stage: Scene, parts: Sequence[Part], keys: dict[str, Domain], world: World) -> Solved | None:
    """Solve for every resource of one request, under values of the shared keys that are the same for all."""
    found, failed = _in_turn(stage, parts, keys, world)
    if failed is None:
        return found
    if not found or _of_part(stage, failed, keys, world) is None:
        return None
    # What one resource takes does not suit the next: look for values that suit what all have asked for.
    for order in (parts, parts[::-1]):
        suiting = _suiting(stage, order, keys, world)
        if suiting is not None:
            found, failed = _in_turn(stage, parts, {**keys, **suiting}, world)
            if failed is None:
                return found
    if _contradictory(stage, parts, keys, world):
        return None
    raise Undecided("the resources of one request need different values of one context key")


def _contradictory(stage: Scene, parts: Sequence[Part], keys: dict[str, Domain], world: World) -> bool:
    """Tell whether the only Allows that reach the resources of a request ask for what no shared key can be."""
    needed: dict[str, set[Literal]] = {}
    for part in parts:
        shapes = type_shapes(stage, part.kind, world.region, part.resource, world.account)
        for layer in part.layers:
            reaching = [v for v in layer if v.texts is None or v.exclude or meeting(v, shapes)]
            for c in reaching[0].conditions if len(reaching) == 1 else ():
                if shared_key(c.key, keys):
                    needed.setdefault(c.key, set()).add(reaching[0].literal(c, True))
    return any(solve_key(keys.get(k) or stage.domain(k), frozenset(asked)) is None for k, asked in needed.items())


def _suiting(stage: Scene, parts: Sequence[Part], keys: dict[str, Domain], world: World) -> dict[str, Domain] | None:
    """Find values of the shared keys that suit what each resource asks for, as it is solved after the ones before."""
    asked: list[tuple[View, ...]] = []
    refused: list[View] = []
    suiting: dict[str, Domain] = {}
    for part in parts:
        wanted = part._replace(layers=[*part.layers, *asked], denies=[*part.denies, *refused])
        one = _of_part(stage, wanted, keys, world)
        if one is None:
            return None
        picks, carved = one[1].picks, one[1].carved
        asked += [(view,) for pick in picks if (view := _about_shared(pick, pick.conditions, keys)) is not None]
        refused += [v for deny, c in carved if c is not None and (v := _about_shared(deny, (c,), keys)) is not None]
        suiting = _shared(one[1], keys)
    return suiting


def _in_turn(stage: Scene, parts: Sequence[Part], keys: dict[str, Domain], world: World) -> tuple[Solved, Part | None]:
    """Solve for one resource after the other, each under what the ones before it took; tell where that fails."""
    out: Solved = []
    for part in parts:
        one = _of_part(stage, part, keys, world)
        if one is None:
            return out, part
        out.append(one)
        if len(parts) > 1 and (taken := _shared(one[1], keys)):
            keys = {**keys, **taken}
    return out, None


def _of_part(stage: Scene, part: Part, keys: dict[str, Domain], world: World) -> tuple[Reach, Solution] | None:
    own = of_type(keys, part.kind)

    def domain(key: str) -> Domain:
        found = own.get(key)
        return found if found is not None else stage.domain(key)

    return one_type(stage, part.layers, part.denies, part.kind, domain, world, part.resource)


def _shared(solution: Solution, keys: Container[str]) -> dict[str, Domain]:
    taken = {
        k: Domain("always", v, many=True, whole=True) if len(v) > 1 else Domain("always", v)
        for k, v in solution.context.items()
        if shared_key(k, keys)
    }
    return {**dict.fromkeys((k for k in solution.absent if shared_key(k, keys)), NEVER), **taken}


def _about_shared(option: View, conditions: Sequence[CompiledCondition], keys: Container[str]) -> View | None:
    """Take from a statement what it asks of the keys that all resources share, wherever it is."""
    own = tuple(c for c in conditions if shared_key(c.key, keys))
    return View(option.statement, None, False, own, option.pins, option.certain) if own else None
