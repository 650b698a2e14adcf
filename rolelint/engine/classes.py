"""Classes of actions: grouped by the statements that touch them, solved once for each resource signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from rolelint.algebra.strings import LimitReached, Pattern, literal
from rolelint.catalog import ResourceType, Signature, catalog
from rolelint.engine.actors import Domain
from rolelint.engine.arns import EVERYTHING, Reach, Shape, reach, reach_rank, shape
from rolelint.engine.compile import CompiledCondition, CompiledStatement
from rolelint.engine.keys import Literal, Pins, Undecided, solve_key
from rolelint.engine.scene import Scene
from rolelint.engine.solve import Search, Solution, View, raw_view, view
from rolelint.engine.worlds import World, worlds
from rolelint.policies.role import Role
from rolelint.records import replace

#: Combinations of values of policy variables that one search tries. Past it the answer is UNKNOWN.
MAX_VARIABLE_VALUES = 64

_NEVER = Domain("never")


class Group(NamedTuple):
    """Actions that one Allow statement grants and that exactly the same other statements touch.

    Attributes:
        option: the Allow of the identity side.
        layers: for each ceiling, the Allows that touch the actions; one of each must match.
        denies: the Denies that touch them.
    """

    mask: int
    option: View
    layers: tuple[tuple[View, ...], ...]
    denies: tuple[View, ...]

    @property
    def views(self) -> list[View]:
        """Every statement of the group."""
        return [self.option, *self.denies, *(v for layer in self.layers for v in layer)]

    @property
    def open(self) -> bool:
        """Whether no ceiling takes anything away from the group."""
        return all(any(v.plain for v in layer) for layer in self.layers)


def named_mask(statement: CompiledStatement, certain: bool) -> int:
    """Give the actions a statement names, reading what is unknown against the caller (`certain`) or for it."""
    return (
        statement.possible_mask
        if (statement.statement.effect == "Deny") is certain
        else statement.mask
        if certain
        else statement.possible_mask
    )


class Ceilings(NamedTuple):
    """The layers and Denies around identity statements, in the form that splitting reads."""

    layers: tuple[tuple[CompiledStatement, ...], ...]
    allowed: int
    denies: tuple[CompiledStatement, ...]


_ceilings_memo: dict[tuple[object, ...], Ceilings] = {}


def ceilings(stage: Scene, within: int, certain: bool) -> Ceilings:
    """Collect what every layer can allow at all, and the Denies that do not end a whole action at once."""
    layers = tuple(layer.statements for layer in stage.layers if not layer.unknown)
    key = (layers, stage.denies, within, certain)
    found = _ceilings_memo.get(key)
    if found is not None:
        return found
    allowed = within
    for statements in layers:
        union = 0
        for s in statements:
            union |= named_mask(s, certain)
        allowed &= union
    denies = []
    for s in stage.denies:
        if s.covers_all and not s.conditions and (certain or not s.statement.doubtful):
            allowed &= ~named_mask(s, certain)
        elif certain or not s.statement.doubtful:
            denies.append(s)
    found = _ceilings_memo[key] = Ceilings(layers, allowed, tuple(denies))
    return found


def groups(statement: CompiledStatement, around: Ceilings, certain: bool) -> Iterator[Group]:
    """Split the actions of one Allow by the statements around it, leaving out what is certainly not allowed."""
    total = named_mask(statement, certain) & around.allowed
    if not total:
        return
    option = raw_view(statement, certain)
    if option is None:
        return
    numbered: list[tuple[CompiledStatement, int]] = []
    for number, layer in enumerate(around.layers):
        numbered += [(s, number) for s in layer if named_mask(s, certain) & total]
    numbered += [(s, -1) for s in around.denies if named_mask(s, certain) & total]
    parts: list[tuple[int, tuple[int, ...]]] = [(total, ())]
    for number, (s, _) in enumerate(numbered):
        mask = named_mask(s, certain)
        following = []
        for part, touching in parts:
            inside = part & mask
            if inside:
                following.append((inside, (*touching, number)))
                part &= ~mask
            if part:
                following.append((part, touching))
        parts = following
    for part, touching in parts:
        placed = [(v, numbered[n][1]) for n in touching if (v := raw_view(numbered[n][0], certain)) is not None]
        layers = tuple(tuple(v for v, at in placed if at == n) for n in range(len(around.layers)))
        if all(layers):
            yield Group(part, option, layers, tuple(v for v, at in placed if at == -1))


def cost(option: View) -> tuple[bool, int]:
    """Order statements: those that ask least of a request first."""
    return (option.texts is not None, len(option.conditions))


def conditions_of(group: Group) -> list[CompiledCondition]:
    """List the conditions of every statement of a group, each once."""
    return list(dict.fromkeys(c for v in group.views for c in v.conditions))


def by_support(group: Group) -> list[tuple[int, frozenset[str]]]:
    """Split a group by which of the mentioned keys its actions can carry (S3.12, destruction.md's scopability)."""
    parts: list[tuple[int, frozenset[str]]] = [(group.mask, frozenset())]
    for key in dict.fromkeys(c.key for c in conditions_of(group)):
        supported = catalog().key_mask(key)
        if supported is None or not group.mask & ~supported:
            continue
        following = []
        for mask, missing in parts:
            if mask & supported:
                following.append((mask & supported, missing))
            if mask & ~supported:
                following.append((mask & ~supported, missing | {key}))
        parts = following
    return parts


def can_fire(stage: Scene, deny: View, signature: Signature, unsupported: frozenset[str]) -> bool:
    """Tell whether a Deny takes anything away from a class; undecided counts as yes."""
    group = Group(0, deny, (), ())
    try:
        if deny.statement.refs:
            return True
        # A request of several resources fails when one of them is denied.
        kinds = signature.required or signature.optional
        singles = [Signature(-1, (kind,), ()) for kind in kinds] or [signature]
        return any(solve(stage, group, single, unsupported) is not None for single in singles)
    except (Undecided, LimitReached):
        return True


Solved = list[tuple[Reach, Solution]]


def solve(
    stage: Scene,
    group: Group,
    signature: Signature,
    unsupported: frozenset[str],
    resource: str | None = None,
) -> Solved | None:
    """Find one request that a group's statement allows, with a resource for each required type.

    Args:
        resource: a given ARN that one of the resources must be.

    Returns:
        Reach and solution for each required resource type; one pair where the action takes one of several types,
        or none. None when there is provably no such request.

    Raises:
        Undecided, LimitReached: when a named limit was reached.
    """
    statements = (*group.denies, *(v for layer in group.layers for v in layer))
    facts = stage.facts(group.option.statement, *(v.statement for v in statements))
    key = (
        group.option,
        group.layers,
        group.denies,
        signature.required,
        signature.optional,
        unsupported,
        resource,
        facts,
    )
    found = _solved.get(key)
    if found is None:
        try:
            found = _solve(stage, group, signature, unsupported, resource) or ()
        except (Undecided, LimitReached) as error:
            found = error
        _solved[key] = found
    if isinstance(found, Exception):
        raise found
    return found or None


_solved: dict[tuple[object, ...], Solved | tuple[()] | Exception] = {}


def _solve(
    stage: Scene, group: Group, signature: Signature, unsupported: frozenset[str], resource: str | None
) -> Solved | None:
    conditions = conditions_of(group)
    refs = frozenset(r for v in group.views for r in v.statement.refs)
    mentioned = frozenset(c.key for c in conditions) | refs
    partition = stage.role.partition or "aws"
    trouble: Exception | None = None
    for world in worlds(conditions, mentioned, partition):
        keys: dict[str, Domain] = {**world.keys, **dict.fromkeys(unsupported, _NEVER)}
        if stage.pins:
            keys.update((k, d) for k, d in stage.pins)
        if not refs:
            try:
                found = _solve_world(stage, group, signature, keys, world, resource)
            except (Undecided, LimitReached) as error:
                trouble = error
                continue
            if found is not None:
                return found
            continue
        count = 0
        for pins in _variable_values(stage, refs, conditions, keys):
            count += 1
            if count > MAX_VARIABLE_VALUES:
                trouble = Undecided(f"more than {MAX_VARIABLE_VALUES} combinations of policy variable values")
                break
            try:
                pinned = _repin(group, pins)
                if pinned is None:
                    continue
                fixed = {k: Domain("always", (v,)) if v is not None else _NEVER for k, v in pins}
                found = _solve_world(stage, pinned, signature, {**keys, **fixed}, world, resource)
            except (Undecided, LimitReached) as error:
                trouble = error
                continue
            if found is not None:
                chosen = {k: (v,) for k, v in pins if v is not None}
                return [(r, replace(s, context={**chosen, **s.context})) for r, s in found]
        loose = None
        if not all(_finite(keys.get(r) or stage.domain(r)) for r in refs):
            loose = _repin(group, (), loose=True)
        if loose is not None:
            try:
                if _solve_world(stage, loose, signature, keys, world, resource) is not None and trouble is None:
                    trouble = Undecided("it depends on the values of policy variables")
            except (Undecided, LimitReached) as error:
                trouble = error
    if trouble is not None:
        raise trouble
    return None


def _finite(domain: Domain) -> bool:
    """Tell whether trying the values of a key one by one tries all of them."""
    return domain.presence == "never" or domain.values is not None


def _variable_values(
    stage: Scene, refs: frozenset[str], conditions: Sequence[CompiledCondition], keys: dict[str, Domain]
) -> Iterator[Pins]:
    choices: list[list[tuple[str, str | None]]] = []
    for key in sorted(refs):
        domain = keys.get(key) or stage.domain(key)
        options: list[str | None] = []
        if domain.presence != "never":
            if domain.values is not None:
                options += domain.values
            else:
                value = solve_key(domain, frozenset())
                options += [domain.example or "example", *(value or ())]
                for c in conditions:
                    if key in c.refs:
                        other = keys.get(c.key) or stage.domain(c.key)
                        options += (other.values or ())[:4]
                        options += [other.example] if other.example else []
                    if c.key == key and c.operator is not None:
                        options += [v for v in c.condition.values if not set(v) & {"*", "?", "$"}][:4]
                        fit = solve_key(domain, frozenset((Literal(c, True),))) if not c.refs else None
                        options += fit or ()
        if domain.presence != "always":
            options.append(None)
        choices.append([(key, v) for v in dict.fromkeys(options)])
    yield from product(*choices)


def _repin(group: Group, pins: Pins, loose: bool = False) -> Group | None:
    """Read the statements of a group again, with values for policy variables."""

    def again(v: View, reading: str = "widen") -> View | None:
        return view(v.statement, v.certain, pins, reading if loose else "") if v.statement.refs else v

    option = again(group.option)
    if option is None:
        return None
    layers = tuple(tuple(w for v in layer if (w := again(v)) is not None) for layer in group.layers)
    denies = tuple(w for v in group.denies if (w := again(v, "narrow")) is not None)
    return Group(group.mask, option, layers, denies)


def _solve_world(
    stage: Scene,
    group: Group,
    signature: Signature,
    keys: dict[str, Domain],
    world: World,
    resource: str | None,
) -> Solved | None:
    if not all(group.layers):
        return None
    layers = [[group.option], *(sorted(la, key=cost) for la in group.layers)]
    fixed = dict(keys)

    def domain(key: str) -> Domain:
        found = fixed.get(key)
        return found if found is not None else stage.domain(key)

    def alone(key: str) -> Domain:
        found = keys.get(key)
        return found if found is not None else stage.domain(key)

    types: Sequence[ResourceType] = signature.required or signature.optional
    if not types:
        if resource is not None and resource != "*":
            return None
        found = Search(None, (), domain).run(layers, group.denies)
        if found is None:
            return None
        return [(EVERYTHING, found)]
    out: Solved = []
    given = resource
    if signature.required:
        for kind in signature.required:
            mine = given if given is not None and _is_of(stage, given, kind) else None
            one = _one_type(stage, layers, group, kind, domain, world, mine)
            if one is None:
                if out and _one_type(stage, layers, group, kind, alone, world, mine) is not None:
                    raise Undecided("the resources of one request need different values of one context key")
                return None
            if mine is not None:
                given = None
            out.append(one)
            if len(signature.required) > 1:
                fixed.update(
                    (k, Domain("always", v, many=True, whole=True) if len(v) > 1 else Domain("always", v))
                    for k, v in one[1].context.items()
                    if shared_key(k)
                )
        return out if given is None else None
    best: tuple[Reach, Solution] | None = None
    for kind in signature.optional:
        if resource is not None and not _is_of(stage, resource, kind):
            continue
        one = _one_type(stage, layers, group, kind, domain, world, resource)
        if one is not None and (best is None or reach_rank(one[0]) > reach_rank(best[0])):
            best = one
            if one[0].whole:
                break
    return None if best is None else [best]


def shared_key(key: str) -> bool:
    """Tell whether all resources of one request see the same value of a key (S3.12)."""
    return key.startswith("aws:") and not key.startswith("aws:resource")


def _is_of(stage: Scene, arn: str, kind: ResourceType) -> bool:
    return any(s.pattern.matches(arn) for s in type_shapes(stage.role, kind))


def type_shapes(role: Role, kind: ResourceType, region: str = "") -> list[Shape]:
    """Give the ARN languages of a resource type for a role.

    A role that is assumed may belong to any account: its trust policy judges the request (S6.48).
    """
    account = "" if kind.service == "sts" else role.account
    return [shape(f, role.partition, account, region) for f in kind.formats]


def _one_type(
    stage: Scene,
    layers: Sequence[Sequence[View]],
    group: Group,
    kind: ResourceType,
    domain: Callable[[str], Domain],
    world: World,
    resource: str | None,
) -> tuple[Reach, Solution] | None:
    option = group.option
    all_shapes = type_shapes(stage.role, kind, world.region)
    if resource is not None and not any(s.pattern.matches(resource) for s in all_shapes):
        return None
    if resource is None and option.texts is not None and not option.exclude and not option.pins:
        all_shapes = [s for s in all_shapes if reach(option.written, s).overlap]
        if not all_shapes:
            return None
    targets: list[Pattern] = [literal(resource)] if resource is not None else [s.pattern for s in all_shapes]
    samples = [resource] if resource is not None else [s.sample for s in all_shapes]
    near = tuple(all_shapes)

    def patterns(option: View) -> tuple[Pattern, ...]:
        return _meeting(option, near)

    denies = [d for d in group.denies if d.texts is None or d.exclude or patterns(d)]
    found = Search(targets, samples, domain, patterns).run(layers, denies)
    if found is None:
        return None
    reaches = []
    for s in all_shapes:
        joint: Reach | None = None
        for pick in found.picks:
            one = _pick_reach(pick, s)
            joint = one if joint is None else _narrower(joint, one)
        if joint is not None and joint.overlap:
            reaches.append(joint)
    if not reaches:
        return Reach(True, False, False, False, (found.resource,)), found
    return max(reaches, key=reach_rank), found


_meeting_memo: dict[tuple[View, tuple[Shape, ...]], tuple[Pattern, ...]] = {}


def _meeting(option: View, shapes: tuple[Shape, ...]) -> tuple[Pattern, ...]:
    """Give the resource patterns of a statement that meet one of some shapes: the others cannot matter there."""
    key = (option, shapes)
    found = _meeting_memo.get(key)
    if found is None:
        pairs = zip(option.written, option.patterns or (), strict=True)
        found = tuple(p for text, p in pairs if any(reach((text,), s).overlap for s in shapes))
        _meeting_memo[key] = found
    return found


def _pick_reach(pick: View, into: Shape) -> Reach:
    if pick.texts is None:
        return EVERYTHING
    if pick.exclude:
        # NotResource: broad unless it leaves nothing of the type.
        return Reach(True, False, True, False, tuple(f"not {r}" for r in pick.written))
    return reach(pick.written, into)


def _narrower(one: Reach, other: Reach) -> Reach:
    if one.whole:
        return other
    if other.whole:
        return one
    if not one.overlap or not other.overlap:
        return one if not one.overlap else other
    pick = one if (not one.whole_region, one.named) >= (not other.whole_region, other.named) else other
    return pick._replace(
        whole=False, whole_region=one.whole_region and other.whole_region, named=one.named or other.named
    )
