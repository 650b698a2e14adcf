"""What a role can do: its powers, in groups of actions that are allowed under the same terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import NamedTuple

from rolelint.algebra.strings import LimitReached, Pattern
from rolelint.catalog import ResourceType, Signature, catalog
from rolelint.engine.actors import Actor, Domain, actor
from rolelint.engine.arns import EVERYTHING, NOTHING, Reach, Shape, reach, reach_rank, shape
from rolelint.engine.compile import CompiledCondition, CompiledStatement, compile_document
from rolelint.engine.gates import Gate, gate_of, naming_of
from rolelint.engine.keys import Literal, Pins, Undecided, solve_key
from rolelint.engine.scene import Scene, StatementRef, scene
from rolelint.engine.solve import Search, Solution, View, raw_view, view
from rolelint.engine.worlds import World, worlds
from rolelint.errors import Location
from rolelint.policies.document import Statement
from rolelint.policies.role import Policy, Role

#: Combinations of values of policy variables that one search tries. Past it the answer is UNKNOWN.
MAX_VARIABLE_VALUES = 64

_NEVER = Domain("never")


class Grant(NamedTuple):
    """One identity statement that grants a group of actions, and on what terms."""

    statement: CompiledStatement
    reach: Reach
    exact: bool  # no Deny carves resources out, and no other layer narrows them
    gate: Gate
    naming: str
    resources: tuple[str, ...]


class Core(NamedTuple):
    """A power without the places in the input: what is memoised by content."""

    mask: int
    signature: Signature | None
    scope: str
    broad: bool
    resources: tuple[str, ...]
    naming: str
    gate: Gate
    certainty: str
    grants: tuple[CompiledStatement, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """Actions that a role can perform under the same terms.

    Attributes:
        mask: the actions, over the catalogue's order.
        signature: their resource types, or None where they differ.
        scope: `any` (every resource of its type in the account), `pattern` or `named`.
        broad: the grant covers its whole type (of a Region at least), though a Deny may carve something out.
        resources: the broadest allowed resource patterns, as written.
        naming: what names and tag values say: `production`, `disposable` or empty.
        certainty: `proved`, or `possible` where it depends on something unknown.
        gate: what the grant depends on beyond holding the role; empty when nothing.
        gate_kinds: kinds of the keys in the gate, for example `resource-tag`, `network`.
        granted_by: the Allow statements of identity policies that grant it.
    """

    mask: int
    signature: Signature | None
    scope: str
    broad: bool
    resources: tuple[str, ...]
    naming: str
    certainty: str
    gate: str
    gate_kinds: frozenset[str]
    granted_by: tuple[StatementRef, ...]

    @property
    def tag_limited(self) -> bool:
        """Whether an effective resource-tag condition limits it."""
        return "resource-tag" in self.gate_kinds


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that takes power away: its name, and the actions of interest that it removes wholly."""

    name: str
    mask: int


@dataclass(frozen=True, slots=True)
class Undecidedness:
    """Actions that could not be decided, and why."""

    what: str
    reason: str
    location: Location
    mask: int = 0


@dataclass(frozen=True, slots=True)
class Powers:
    """Everything a role can do within a mask of interest, on behalf of an actor."""

    role: Role
    actor: Actor
    powers: tuple[Power, ...]
    mask: int
    limits: tuple[Limit, ...]
    unknown: tuple[Undecidedness, ...]
    #: Identifies the content: equal for roles with equal statements and facts. For memos of later steps.
    content: tuple[object, ...]

    def of(self, mask: int) -> list[tuple[Power, int]]:
        """List the powers that meet a mask, with the actions they share with it."""
        return [(p, p.mask & mask) for p in self.powers if p.mask & mask]


def powers(role: Role, who: Actor | None = None, within: int | None = None) -> Powers:
    """Work out what a role can do.

    Args:
        who: on whose behalf; automation by default.
        within: the actions of interest; every destructive one by default.
    """
    stage = scene(role, who or actor())
    mask = catalog().destructive if within is None else within
    key = content_key(stage, mask)
    found = _core_memo.get(key)
    if found is None:
        found = _core_memo[key] = _cores(stage, mask)
    cores, limits, undecided = found
    refs: dict[CompiledStatement, list[StatementRef]] = {}
    for policy, compiled, statement in _placed(role):
        refs.setdefault(compiled, []).append(StatementRef(policy, statement))
    out = tuple(
        Power(
            c.mask,
            c.signature,
            c.scope,
            c.broad,
            c.resources,
            c.naming,
            c.certainty,
            c.gate.text,
            c.gate.kinds,
            tuple(r for s in c.grants for r in refs.get(s, ())),
        )
        for c in cores
    )
    union = 0
    for power in out:
        union |= power.mask
    unknown = [Undecidedness("actions", reason, role.location, m) for reason, m in undecided]
    unknown += [Undecidedness(u.what, u.reason, u.location) for u in role.unknowns]
    unknown += [
        Undecidedness(f"policy `{p.name}`", p.document.unknown, p.locate(()))
        for p in role.policies()
        if p.document.unknown and p is not role.trust
    ]
    return Powers(role, stage.actor, out, union, limits, tuple(unknown), key)


def content_key(stage: Scene, mask: int) -> tuple[object, ...]:
    """Identify everything an answer about a scene depends on."""
    return (stage.identity, stage.layers, stage.denies, stage.guessed, stage.facts, mask)


_Cores = tuple[tuple[Core, ...], tuple[Limit, ...], tuple[tuple[str, int], ...]]
_core_memo: dict[tuple[object, ...], _Cores] = {}


def _placed(role: Role) -> Iterator[tuple[Policy, CompiledStatement, Statement]]:
    for policy in role.identity:
        compiled = compile_document(policy.document)
        for one, statement in zip(compiled.statements, policy.document.statements, strict=True):
            yield policy, one, statement


def _cores(stage: Scene, within: int) -> _Cores:
    undecided: list[tuple[str, int]] = []
    cores: list[Core] = []
    limits = _limits(stage, within)
    proved = 0
    if not stage.guessed:
        for core in _mode(stage, within, True, undecided):
            cores.append(core)
            proved |= core.mask
    if stage.guessed or stage.uncertain:
        cores += _mode(stage, within & ~proved, False, undecided)
        for core in cores:
            proved |= core.mask
    open_ = [(reason, mask & ~proved) for reason, mask in undecided]
    return _merge(cores), limits, tuple((r, m) for r, m in open_ if m)


def _limits(stage: Scene, within: int) -> tuple[Limit, ...]:
    granted = 0
    for s in stage.identity:
        granted |= s.mask
    granted &= within
    out = []
    for layer in stage.layers:
        allowed = 0
        for s in layer.statements:
            allowed |= s.possible_mask
        if not layer.unknown and granted & ~allowed:
            out.append(Limit(layer.name, granted & ~allowed))
    for deny in stage.denies:
        if deny.covers_all and not deny.conditions and deny.mask & granted and not deny.statement.doubtful:
            sid = deny.statement.sid
            out.append(Limit(f"Deny statement `{sid}`" if sid else "Deny statement", deny.mask & granted))
    return tuple(out)


class Group(NamedTuple):
    """Actions that exactly the same statements touch."""

    mask: int
    identity: tuple[View, ...]
    layers: tuple[tuple[View, ...], ...]
    denies: tuple[View, ...]


def groups(stage: Scene, within: int, certain: bool) -> Iterator[Group]:
    """Split actions into groups that exactly the same statements touch, leaving out what is certainly not allowed."""
    total = 0
    for s in stage.identity:
        total |= s.mask if certain else s.possible_mask
    total &= within
    active = [layer for layer in stage.layers if not layer.unknown]
    for layer in active:
        if not total:
            return
        allowed = 0
        for s in layer.statements:
            allowed |= s.mask if certain else s.possible_mask
        total &= allowed
    denies = []
    for s in stage.denies:
        mask = s.possible_mask if certain else s.mask
        if not mask & total:
            continue
        if s.covers_all and not s.conditions and (certain or not s.statement.doubtful):
            total &= ~mask
        else:
            denies.append(s)
    if not total:
        return
    parts: list[tuple[int, tuple[int, ...]]] = [(total, ())]
    numbered = [*stage.identity, *(s for layer in active for s in layer.statements), *denies]
    for number, s in enumerate(numbered):
        mask = s.possible_mask if (s.statement.effect == "Deny") is certain else s.mask
        if not mask & total:
            continue
        following = []
        for part, touching in parts:
            inside = part & mask
            if inside:
                following.append((inside, (*touching, number)))
                part &= ~mask
            if part:
                following.append((part, touching))
        parts = following
    first_layer = len(stage.identity)
    bounds = [first_layer]
    for layer in active:
        bounds.append(bounds[-1] + len(layer.statements))
    for part, touching in parts:
        views = {n: raw_view(numbered[n], certain) for n in touching}
        yield Group(
            part,
            tuple(v for n in touching if n < first_layer and (v := views[n]) is not None),
            tuple(
                tuple(v for n in touching if low <= n < high and (v := views[n]) is not None)
                for low, high in pairwise(bounds)
            ),
            tuple(v for n in touching if n >= bounds[-1] and (v := views[n]) is not None),
        )


_NO_GATE = Gate("", frozenset())


def _ceilings_open(group: Group) -> bool:
    return all(any(v.plain for v in layer) for layer in group.layers)


def _mode(stage: Scene, within: int, certain: bool, undecided: list[tuple[str, int]]) -> list[Core]:
    out: list[Core] = []
    known = catalog()
    certainty = "proved" if certain else "possible"
    for group in groups(stage, within, certain):
        if not group.identity or not all(group.layers):
            continue
        plain = [v for v in group.identity if v.plain]
        if plain and not group.denies and _ceilings_open(group):
            grants = tuple(v.statement for v in plain)
            out.append(Core(group.mask, None, "any", True, ("*",), "", _NO_GATE, certainty, grants))
            continue
        for mask, unsupported in _by_support(group):
            for signature, part in known.signatures(mask):
                try:
                    core = _class(stage, group, signature, part, unsupported, certainty)
                except (Undecided, LimitReached) as error:
                    reason = str(error) or "a string search passed its limit"
                    undecided.append((reason, part))
                    continue
                if core is not None:
                    out.append(core)
    return out


def _cost(option: View) -> tuple[bool, int]:
    return (option.texts is not None, len(option.conditions))


def _conditions(group: Group) -> list[CompiledCondition]:
    every = [*group.identity, *group.denies, *(v for layer in group.layers for v in layer)]
    return list(dict.fromkeys(c for v in every for c in v.conditions))


def _by_support(group: Group) -> list[tuple[int, frozenset[str]]]:
    """Split a group by which of the mentioned keys its actions can carry (S3.12, destruction.md's scopability)."""
    parts: list[tuple[int, frozenset[str]]] = [(group.mask, frozenset())]
    for key in dict.fromkeys(c.key for c in _conditions(group)):
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


_class_memo: dict[tuple[object, ...], tuple[Grant, ...] | Exception] = {}


def _class(
    stage: Scene, group: Group, signature: Signature, mask: int, unsupported: frozenset[str], certainty: str
) -> Core | None:
    """Solve one class: actions of one group with the same resource types."""
    key = (group.identity, group.layers, group.denies, signature.id, unsupported, stage.facts)
    found = _class_memo.get(key)
    if found is None:
        try:
            found = tuple(_grants(stage, group, signature, unsupported))
        except (Undecided, LimitReached) as error:
            found = error
        _class_memo[key] = found
    if isinstance(found, Exception):
        raise found
    if not found:
        return None
    best = max(found, key=_width)
    scope = "any" if best.reach.whole and best.exact else "named" if best.reach.named else "pattern"
    resources = tuple(dict.fromkeys(r for g in found for r in g.resources))
    if best.reach.whole:
        resources = best.resources
    return Core(
        mask,
        signature,
        scope,
        best.reach.whole_region,
        resources,
        _join_naming(found),
        best.gate,
        certainty,
        tuple(dict.fromkeys(g.statement for g in sorted(found, key=_width, reverse=True))),
    )


def _width(grant: Grant) -> tuple[bool, bool, bool, bool, bool]:
    return (
        not grant.gate.text,
        grant.reach.whole,
        grant.reach.whole_region,
        not grant.reach.named,
        grant.naming == "production",
    )


def _join_naming(grants: Sequence[Grant]) -> str:
    names = {g.naming for g in grants}
    if "production" in names:
        return "production"
    return "disposable" if names == {"disposable"} else ""


def _grants(stage: Scene, group: Group, signature: Signature, unsupported: frozenset[str]) -> Iterator[Grant]:
    carving = [d for d in group.denies if _can_fire(stage, d, signature, unsupported)]
    exact = all(d.conditions for d in carving)
    separable = not carving and _ceilings_open(group)
    for option in sorted(group.identity, key=_cost):
        if separable and not option.exclude and not option.statement.refs:
            grant = _separate(stage, option, signature, unsupported)
        else:
            grant = _searched(stage, option, group, carving, signature, unsupported)
        if grant is not None:
            yield grant._replace(exact=exact)
            if grant.reach.whole and exact and not grant.gate.text:
                return


def _separate(stage: Scene, option: View, signature: Signature, unsupported: frozenset[str]) -> Grant | None:
    """Judge a statement that nothing else limits: its resources and its conditions can be met apart."""
    narrow = _static_reach(stage.role, option, signature)
    if not narrow.overlap:
        return None
    gate = _NO_GATE
    solutions: list[Solution] = []
    if option.conditions:
        ungrouped = Group(0, (option,), (), ())
        anywhere = View(option.statement, None, False, option.conditions, option.pins, option.certain)
        found = solve(stage, anywhere, ungrouped, _UNTYPED, unsupported)
        if found is None:
            return None
        solutions = [s for _, s in found]
        gate = gate_of(stage, solutions, (), unsupported)
    naming = naming_of(narrow.patterns if not narrow.whole_region else (), solutions)
    return Grant(option.statement, narrow, True, gate, naming, narrow.patterns)


_UNTYPED = Signature(-1, (), ())


def _static_reach(role: Role, option: View, signature: Signature) -> Reach:
    """Tell how far a statement's resources reach into what a signature names; of required types the narrowest."""
    if option.texts is None:
        return EVERYTHING
    if signature.required:
        return min((_type_reach(role, option, kind) for kind in signature.required), key=reach_rank)
    if signature.optional:
        return max((_type_reach(role, option, kind) for kind in signature.optional), key=reach_rank)
    return NOTHING


def _type_reach(role: Role, option: View, kind: ResourceType) -> Reach:
    return max((reach(option.written, s) for s in type_shapes(role, kind)), key=reach_rank, default=NOTHING)


def _searched(
    stage: Scene,
    option: View,
    group: Group,
    carving: Sequence[View],
    signature: Signature,
    unsupported: frozenset[str],
) -> Grant | None:
    found = solve(stage, option, group, signature, unsupported)
    if found is None:
        return None
    # Of several required resources, the narrowest decides how far the action reaches.
    narrow = min((r for r, _ in found), key=reach_rank)
    solutions = [s for _, s in found]
    gate = gate_of(stage, solutions, carving, unsupported)
    naming = naming_of(narrow.patterns if not narrow.whole_region else (), solutions)
    return Grant(option.statement, narrow, True, gate, naming, narrow.patterns)


def _can_fire(stage: Scene, deny: View, signature: Signature, unsupported: frozenset[str]) -> bool:
    """Tell whether a Deny takes anything away from a class; undecided counts as yes."""
    group = Group(0, (deny,), (), ())
    try:
        if deny.statement.refs:
            return True
        # A request of several resources fails when one of them is denied.
        kinds = signature.required or signature.optional
        singles = [Signature(-1, (kind,), ()) for kind in kinds] or [signature]
        return any(solve(stage, deny, group, single, unsupported) is not None for single in singles)
    except (Undecided, LimitReached):
        return True


Solved = list[tuple[Reach, Solution]]


def solve(
    stage: Scene,
    option: View,
    group: Group,
    signature: Signature,
    unsupported: frozenset[str],
    resource: str | None = None,
) -> Solved | None:
    """Find one request that an identity statement allows, with a resource for each required type.

    Args:
        resource: a given ARN that one of the resources must be.

    Returns:
        Reach and solution for each required resource type; one pair where the action takes one of several types,
        or none. None when there is provably no such request.

    Raises:
        Undecided, LimitReached: when a named limit was reached.
    """
    conditions = _conditions(group)
    refs = frozenset(
        r for v in (option, *group.denies, *(v for la in group.layers for v in la)) for r in v.statement.refs
    )
    mentioned = frozenset(c.key for c in conditions) | refs
    partition = stage.role.partition or "aws"
    trouble: Exception | None = None
    for world in worlds(conditions, mentioned, partition):
        keys: dict[str, Domain] = {**world.keys, **dict.fromkeys(unsupported, _NEVER)}
        if stage.pins:
            keys.update((k, d) for k, d in stage.pins)
        if not refs:
            try:
                found = _solve_world(stage, option, group, signature, keys, world, resource)
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
                pinned = _repin(option, group, pins)
                if pinned is None:
                    continue
                fixed = {k: Domain("always", (v,)) if v is not None else _NEVER for k, v in pins}
                found = _solve_world(stage, *pinned, signature, {**keys, **fixed}, world, resource)
            except (Undecided, LimitReached) as error:
                trouble = error
                continue
            if found is not None:
                chosen = {k: (v,) for k, v in pins if v is not None}
                return [(r, replace(s, context={**chosen, **s.context})) for r, s in found]
        loose = None
        if not all(_finite(keys.get(r) or stage.domain(r)) for r in refs):
            loose = _repin(option, group, (), loose=True)
        if loose is not None:
            try:
                if _solve_world(stage, *loose, signature, keys, world, resource) is not None and trouble is None:
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


def _repin(option: View, group: Group, pins: Pins, loose: bool = False) -> tuple[View, Group] | None:
    """Read the statements of a group again, with values for policy variables."""

    def again(v: View, reading: str = "widen") -> View | None:
        return view(v.statement, v.certain, pins, reading if loose else "") if v.statement.refs else v

    again_option = again(option)
    if again_option is None:
        return None
    layers = tuple(tuple(w for v in layer if (w := again(v)) is not None) for layer in group.layers)
    denies = tuple(w for v in group.denies if (w := again(v, "narrow")) is not None)
    return again_option, Group(group.mask, (again_option,), layers, denies)


def _solve_world(
    stage: Scene,
    option: View,
    group: Group,
    signature: Signature,
    keys: dict[str, Domain],
    world: World,
    resource: str | None,
) -> Solved | None:
    if not all(group.layers):
        return None
    layers = [
        [option],
        *(sorted(la, key=_cost) for la in group.layers),
    ]
    fixed = dict(keys)

    def domain(key: str) -> Domain:
        found = fixed.get(key)
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
            one = _one_type(stage, option, layers, group, kind, domain, world, mine)
            if one is None:
                return None
            if mine is not None:
                given = None
            out.append(one)
            if len(signature.required) > 1:
                fixed.update(
                    (k, Domain("always", v, many=True, whole=True) if len(v) > 1 else Domain("always", v))
                    for k, v in one[1].context.items()
                    if _shared(k)
                )
        return out if given is None else None
    best: tuple[Reach, Solution] | None = None
    for kind in signature.optional:
        if resource is not None and not _is_of(stage, resource, kind):
            continue
        one = _one_type(stage, option, layers, group, kind, domain, world, resource)
        if one is not None and (best is None or reach_rank(one[0]) > reach_rank(best[0])):
            best = one
            if one[0].whole:
                break
    return None if best is None else [best]


def _shared(key: str) -> bool:
    """Tell whether all resources of one request see the same value of a key (S3.12)."""
    return key.startswith("aws:") and not key.startswith("aws:resource")


def _is_of(stage: Scene, arn: str, kind: ResourceType) -> bool:
    return any(s.pattern.matches(arn) for s in type_shapes(stage.role, kind))


def type_shapes(role: Role, kind: ResourceType, region: str = "") -> list[Shape]:
    """Give the ARN languages of a resource type for a role.

    A role that is assumed may belong to any account: its trust policy judges the request (S6.48).
    """
    account = "" if kind.key == "iam:role" else role.account
    return [shape(f, role.partition, account, region) for f in kind.formats]


def _one_type(
    stage: Scene,
    option: View,
    layers: Sequence[Sequence[View]],
    group: Group,
    kind: ResourceType,
    domain: object,
    world: World,
    resource: str | None,
) -> tuple[Reach, Solution] | None:
    from rolelint.algebra.strings import literal

    all_shapes = type_shapes(stage.role, kind, world.region)
    if resource is None and option.texts is not None and not option.exclude and not option.pins:
        all_shapes = [s for s in all_shapes if reach(option.written, s).overlap]
        if not all_shapes:
            return None
    targets: list[Pattern] = [literal(resource)] if resource is not None else [s.pattern for s in all_shapes]
    samples = [resource] if resource is not None else [s.sample for s in all_shapes]
    found = Search(targets, samples, domain).run(layers, group.denies)  # type: ignore[arg-type]
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


def _merge(cores: Sequence[Core]) -> tuple[Core, ...]:
    """Join powers with the same terms, so that a report has few groups."""
    joined: dict[tuple[object, ...], Core] = {}
    for core in cores:
        key = (core.scope, core.broad, core.resources, core.naming, core.gate, core.certainty, core.grants)
        before = joined.get(key)
        if before is None:
            joined[key] = core
        else:
            same = before.signature is core.signature
            joined[key] = before._replace(mask=before.mask | core.mask, signature=core.signature if same else None)
    return tuple(joined.values())
