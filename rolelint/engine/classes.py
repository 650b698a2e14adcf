"""Classes of actions: grouped by the statements that touch them, solved once for each resource signature."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

from rolelint.algebra.strings import ExhaustedError, LimitReached, Pattern, literal
from rolelint.catalog import ResourceType, Signature, catalog
from rolelint.catalog.bits import few, split
from rolelint.engine.actors import NEVER, Domain, account_like
from rolelint.engine.arns import EVERYTHING, Reach, reach_rank
from rolelint.engine.compile import CompiledCondition, CompiledStatement
from rolelint.engine.decision import UNSIGNED
from rolelint.engine.extent import meeting, narrower, pick_reach, type_shapes, used, view_reach
from rolelint.engine.keys import Undecided
from rolelint.engine.scene import Scene
from rolelint.engine.solve import ATTRIBUTE, POLICY_TYPE, Search, Solution, View, laws, raw_view, type_laws
from rolelint.engine.worlds import (
    CALLER_ARN,
    CALLER_KEYS,
    NO_OWNER,
    OWNER_KEYS,
    REGION_KEYS,
    World,
    accounts,
    callers,
    homes,
    owner_of,
    owners,
    partition_of,
    regions_told,
    twin_of,
    worlds,
)
from rolelint.memory import memo
from rolelint.records import replace

_REGION = "aws:requestedregion"
_OWNER = "aws:resourceaccount"
#: How the keys begin that a law ties to others, whether or not a statement speaks of them.
_LAWFUL = (ATTRIBUTE, "aws:requesttag/")
#: Calls that set one attribute at a time. AWS: AWSEC2/latest/APIReference, the page of each. Read 2026-11.
_ONE_ATTRIBUTE = tuple(f"ec2:Modify{of}Attribute" for of in ("Instance", "Image", "NetworkInterface", "Subnet"))


class Group(NamedTuple):
    """Actions that one Allow statement grants and that exactly the same other statements touch.

    Attributes:
        option: the Allow of the identity side.
        layers: for each ceiling, the Allows that touch the actions; one of each must match.
        denies: the Denies that touch them.
        others: further Allows of the identity side that touch them, where the actions take several resources: each
            resource may be allowed by another statement (S3.11).
        at: of the required resource types, the one that `more_layers` and `more_denies` judge.
    """

    mask: int
    option: View
    layers: tuple[tuple[View, ...], ...]
    denies: tuple[View, ...]
    others: tuple[View, ...] = ()
    at: int = -1
    more_layers: tuple[tuple[View, ...], ...] = ()
    more_denies: tuple[View, ...] = ()

    @property
    def views(self) -> list[View]:
        """Every statement of the group."""
        above = (v for layer in (*self.layers, *self.more_layers) for v in layer)
        return [self.option, *self.denies, *self.more_denies, *above, *self.others]

    @property
    def open(self) -> bool:
        """Whether no ceiling takes anything away from the group."""
        return all(any(v.plain for v in layer) for layer in self.layers)


def named_mask(statement: CompiledStatement, certain: bool) -> int:
    """Give the actions a statement names, reading what is unknown against the caller (`certain`) or for it."""
    return statement.possible_mask if (statement.statement.effect == "Deny") is certain else statement.mask


def granted_mask(statement: CompiledStatement, certain: bool) -> int:
    """Give the actions that an Allow of the identity side grants; entries of which nothing is known grant none."""
    return statement.mask if certain else statement.readable_mask


class Ceilings(NamedTuple):
    """The layers and Denies around identity statements, in the form that splitting reads."""

    layers: tuple[tuple[CompiledStatement, ...], ...]
    allowed: int
    denies: tuple[CompiledStatement, ...]


_ceilings_memo: dict[tuple[object, ...], Ceilings] = memo()


def ceilings(stage: Scene, within: int, certain: bool) -> Ceilings:
    """Collect what every layer can allow at all, and the Denies that do not end a whole action at once."""
    layers = tuple(layer.statements for layer in stage.layers if not layer.unknown)
    key = (layers, stage.denies, within, certain)
    found = _ceilings_memo.get(key)
    if found is not None:
        return found
    allowed = within & ~catalog().expand_all(UNSIGNED)
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
    total = granted_mask(statement, certain) & around.allowed
    if not total:
        return
    option = raw_view(statement, certain)
    if option is None:
        return
    numbered: list[tuple[CompiledStatement, int]] = []
    for number, layer in enumerate(around.layers):
        numbered += [(s, number) for s in layer if named_mask(s, certain) & total]
    numbered += [(s, -1) for s in around.denies if named_mask(s, certain) & total]
    for part, touching in split(total, (named_mask(s, certain) for s, _ in numbered)):
        placed = [(v, numbered[n][1]) for n in few(touching) if (v := raw_view(numbered[n][0], certain)) is not None]
        layers = tuple(tuple(v for v, at in placed if at == n) for n in range(len(around.layers)))
        if all(layers):
            yield Group(part, option, layers, tuple(v for v, at in placed if at == -1))


def cost(option: View) -> tuple[bool, int]:
    """Order statements: those that ask least of a request first."""
    return (option.texts is not None, len(option.conditions))


def conditions_of(group: Group) -> list[CompiledCondition]:
    """List the conditions of every statement of a group, each once."""
    return list(dict.fromkeys(c for v in group.views for c in v.conditions))


def by_support(stage: Scene, group: Group) -> list[tuple[int, frozenset[str]]]:
    """Split a group by which of the mentioned keys its actions can carry (S3.12, destruction.md's scopability).

    Where the Region is mentioned, `aws:requestedregion=REGION` stands among the keys that actions of a global service
    cannot carry: every other value than that. Where the account of the resource is, `aws:resourceaccount?` stands
    there for actions that may lack the key, and `aws:resourceaccount*` for those on resources of any account; where the
    value of an attribute is, `ec2:attribute/*` for those that may set several. Of a key that not all resources of a
    call carry, `KEY@TYPE` stands there for those that do not, and `KEY@` says that each has a value of its own.
    """
    cuts: dict[str, int] = {}
    pinned = (_REGION if k in REGION_KEYS else k for k, _ in stage.told if k in REGION_KEYS or k.startswith(_LAWFUL))
    referred = (_OWNER for v in group.views if _OWNER in v.statement.refs)
    several = group.mask & catalog().told_apart
    for key in dict.fromkeys((*(c.key for c in conditions_of(group)), *pinned, *referred)):
        supported = catalog().key_mask(key)
        for kind, actions in catalog().key_gaps(key).items() if several else ():
            if several & actions:
                cuts[f"{key}@{kind}"] = group.mask & ~actions
        if supported is not None and group.mask & ~supported:
            cuts[key] = supported
        elif key == _REGION:
            cuts.update((f"{_REGION}={r}", group.mask & ~mask) for r, mask in homes(stage.partition))
        elif key == _OWNER:
            cuts[f"{_OWNER}?"] = group.mask & ~catalog().expand_all(NO_OWNER)
            cuts[f"{_OWNER}*"] = group.mask & ~catalog().service_mask("sts")
        elif key.startswith(ATTRIBUTE):
            cuts[f"{ATTRIBUTE}*"] = group.mask & catalog().expand_all(_ONE_ATTRIBUTE)
    return [
        (mask, frozenset(key for number, key in enumerate(cuts) if not carried >> number & 1))
        for mask, carried in split(group.mask, cuts.values())
    ]


def classes_of(
    stage: Scene, group: Group, certain: bool, typed: bool = True, resource: str | None = None
) -> Iterator[tuple[Group, Signature, int, frozenset[str]]]:
    """Split a group into classes: with their resource types, actions, and the keys that the actions cannot carry.

    Args:
        typed: off where no statement speaks of resources: all actions stand and fall together.
        resource: a given ARN, which may be of an optional type: a call that names it names several resources.
    """
    for mask, unsupported in by_support(stage, group):
        if not typed and not told_apart(unsupported):
            yield group, UNTYPED, mask, unsupported
            continue
        for signature, part in catalog().signatures(mask):
            if len(signature.required) < (1 if resource is not None and signature.optional else 2):
                yield group, signature, part, unsupported
                continue
            for one, joined in with_others(stage, group, part, certain):
                if joined is group:
                    yield group, signature, one, unsupported
                else:
                    yield from ((joined, signature, m, missing) for m, missing in by_support(stage, joined))


def with_others(stage: Scene, group: Group, mask: int, certain: bool) -> list[tuple[int, Group]]:
    """Split actions that take several resources by the other statements that may allow some of these."""
    if group.option.plain:
        return [(mask, group)]
    options: list[View] = []
    cuts: list[int] = []
    for s in companions(stage, group.option.statement, mask, certain):
        option = raw_view(s, certain)
        if option is not None:
            options.append(option)
            cuts.append(granted_mask(s, certain))
    return [
        (part, group._replace(mask=part, others=tuple(options[n] for n in few(touching))) if touching else group)
        for part, touching in split(mask, cuts)
    ]


def companions(stage: Scene, own: CompiledStatement, mask: int, certain: bool) -> tuple[CompiledStatement, ...]:
    """List the other identity statements that grant some of some actions."""
    return tuple(s for s in stage.identity if s is not own and granted_mask(s, certain) & mask)


UNTYPED = Signature(-1, (), ())


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


def passes(
    stage: Scene, group: Group, signature: Signature, unsupported: frozenset[str], further: tuple[View, ...]
) -> bool:
    """Tell whether a class is surely allowed some request under further Denies."""
    try:
        return solve(stage, group._replace(denies=(*group.denies, *further)), signature, unsupported) is not None
    except (Undecided, LimitReached):
        return False


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
    facts = stage.facts(*(v.statement for v in group.views))
    key = (
        group[1:],
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
        except ExhaustedError:
            raise
        except (Undecided, LimitReached) as error:
            found = error
        _solved[key] = found
    if isinstance(found, Exception):
        raise found
    return found or None


_solved: dict[tuple[object, ...], Solved | tuple[()] | Exception] = memo()


def _solve(
    stage: Scene, group: Group, signature: Signature, unsupported: frozenset[str], resource: str | None
) -> Solved | None:
    conditions = conditions_of(group)
    refs = frozenset(r for v in group.views for r in v.statement.refs)
    mentioned = frozenset(c.key for c in conditions) | refs | {k for k, _ in stage.told if k in REGION_KEYS}
    asked = mentioned.union(k for k, _ in stage.pins) if stage.pins else mentioned
    if "aws:tagkeys" in mentioned or any(k.startswith(ATTRIBUTE) for k in asked):
        group = group._replace(denies=(*group.denies, *laws(asked, unsupported)))
    if POLICY_TYPE in asked:
        types = type_laws(_types_asked(stage, group, conditions, resource))
        group = group._replace(denies=(*group.denies, *types))
    trouble: Exception | None = None
    arns: list[str] = []
    owned = not OWNER_KEYS.isdisjoint(mentioned)
    if owned or not REGION_KEYS.isdisjoint(mentioned):
        arns = [r for v in group.views for r in v.written]
        arns += [resource] if resource else []
    named: dict[str, list[str]] = {}
    if refs:
        from rolelint.engine.variables import MAX_TRIES, MAX_VARIABLE_VALUES, named_values, repin, variable_values

        named = named_values(group, resource)
    regions = regions_told(stage.told)
    if regions is not None and stage.partition:
        regions = [r for r in regions if partition_of(r) in ("", stage.partition)]
    home = [r for r, _ in homes(stage.partition) if f"{_REGION}={r}" in unsupported] if unsupported else []
    if home:
        regions = [r for r in home if regions is None or r in regions]
    ours = _ITSELF
    if owned or not stage.role.account:
        ours = _parties(stage, conditions, mentioned, unsupported, arns if owned else (), resource)

    def may_hold(world: World) -> bool:
        # Whatever the accounts are: where even that is impossible, none needs to be tried.
        anyone: dict[str, Domain] = {
            **world.keys,
            **_ANY_ACCOUNTS,
            **dict.fromkeys(unsupported, NEVER),
            **dict(stage.pins),
        }
        loose = repin(group, (), loose=True) if refs else group
        try:
            return loose is not None and _solve_world(stage, loose, signature, anyone, world, resource) is not None
        except (Undecided, LimitReached):
            return True

    tries = 0
    for world in (
        w
        if own is _ITSELF[0]
        else replace(w, keys={**w.keys, **own.keys}, beyond=w.beyond or own.beyond, account=own.account)
        for r in ([""] if regions is None else regions)
        for w in worlds(conditions, mentioned, stage.partition, arns, refs, r)
        if len(ours) == 1 or w.beyond or may_hold(w)
        for own in ours
    ):
        if world.beyond:
            trouble = Undecided(world.beyond)
            continue
        if stage.told and not world.agrees(stage.told):
            continue
        keys: dict[str, Domain] = {**world.keys, **dict.fromkeys(unsupported, NEVER)}
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
        if tries > MAX_TRIES:
            trouble = Undecided(f"more than {MAX_TRIES} combinations of policy variable values")
            break
        # Read for the caller whatever the variables are: where even that is impossible, no value needs to be tried.
        loose = repin(group, (), loose=True)
        try:
            if loose is None or _solve_world(stage, loose, signature, keys, world, resource) is None:
                continue
        except (Undecided, LimitReached) as error:
            trouble = error
        count = 0
        for pins in variable_values(stage, refs, conditions, keys, named):
            count += 1
            tries += 1
            if count > MAX_VARIABLE_VALUES:
                trouble = Undecided(f"more than {MAX_VARIABLE_VALUES} combinations of policy variable values")
                break
            try:
                pinned = repin(group, pins)
                if pinned is None:
                    continue
                fixed = {k: Domain("always", (v,)) if v is not None else NEVER for k, v in pins}
                tags = {twin_of(k): d for k, d in fixed.items() if ":resourcetag/" in k}
                fixed.update((k, tags[twin_of(k)]) for k in mentioned - unsupported if tags and twin_of(k) in tags)
                found = _solve_world(stage, pinned, signature, {**keys, **fixed}, world, resource)
            except (Undecided, LimitReached) as error:
                trouble = error
                continue
            if found is not None:
                chosen = {k: (v,) for k, v in pins if v is not None}
                return [(r, replace(s, context={**chosen, **s.context})) for r, s in found]
        if trouble is None and not all(_finite(keys.get(r) or stage.domain(r)) for r in refs):
            trouble = Undecided("it depends on the values of policy variables")
    if trouble is not None:
        raise trouble
    return None


def _types_asked(
    stage: Scene, group: Group, conditions: Sequence[CompiledCondition], resource: str | None
) -> list[str]:
    """List the types of an organization's policies that something asks about, where an ARN names one as well."""
    arns = (resource or "", *(r for v in group.views for r in v.written))
    named = [kind for arn in arns for kind in arn.split("/")[2:3] if kind.isidentifier()]
    if not named:
        return named
    told = [v for c in conditions if c.key == POLICY_TYPE for v in c.condition.values]
    return [*named, *told, *(v for k, domain in stage.pins if k == POLICY_TYPE for v in domain.values or ())]


def _parties(
    stage: Scene,
    conditions: Sequence[CompiledCondition],
    mentioned: frozenset[str],
    unsupported: frozenset[str],
    arns: Sequence[str],
    resource: str | None,
) -> tuple[World, ...]:
    """List worlds for the accounts of the caller and of the resource, as far as something tells them apart.

    Args:
        arns: patterns of the resource, where a key tells its account.
    """
    ours = _ITSELF
    owned = not OWNER_KEYS.isdisjoint(mentioned)
    told = (*stage.actor.keys.items(), *stage.pins)
    about_caller = CALLER_KEYS & (mentioned | {k for k, _ in told})
    known = accounts(conditions, told, arns) if owned or about_caller else ([], "")
    if not stage.role.account and len(about_caller) > (0 if owned else 1):
        ours = tuple(callers(known, stage.domain(CALLER_ARN), told))
    if not owned:
        return ours
    presence = "maybe" if f"{_OWNER}?" in unsupported else "always"
    field = resource.split(":", 5)[4] if resource and resource.count(":") > 4 else ""
    owner = field if account_like(field) == field else ""
    if not owner and f"{_OWNER}*" not in unsupported:
        owner = stage.account
    theirs = (owner_of(owner, presence),) if owner else owners(known, conditions, arns, told, presence)
    return tuple(
        replace(
            their,
            keys={**own.keys, **{k: d for k, d in their.keys.items() if k not in stage.actor.keys}},
            beyond=own.beyond or their.beyond,
        )
        for their, own in product(theirs, ours)
    )


#: What keys that tell accounts can be where no account is chosen.
_ANY_ACCOUNTS = dict.fromkeys(CALLER_KEYS | OWNER_KEYS, Domain("maybe"))
#: Stands for a caller of which all keys are what they are apart from one another.
_ITSELF: tuple[World, ...] = (World(),)


def _finite(domain: Domain) -> bool:
    """Tell whether trying the values of a key one by one tries all of them."""
    return domain.presence == "never" or domain.values is not None


def _solve_world(
    stage: Scene,
    group: Group,
    signature: Signature,
    keys: dict[str, Domain],
    world: World,
    resource: str | None,
) -> Solved | None:
    if not all(group.layers) or not all(group.more_layers):
        return None
    layers = [[group.option, *sorted(group.others, key=cost)], *(sorted(la, key=cost) for la in group.layers)]

    def domain(key: str, of: str = "") -> Domain:
        if of and "-tag/" in key and catalog().key_kind(key) not in ("", of):
            return NEVER
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
    given = resource
    if signature.required:
        kinds = list(used(signature))
        if given is not None and not any(is_of(stage, given, k) for k in kinds):
            # A call may name resources of optional types too, and is judged on each.
            kinds += [k for k in signature.optional if is_of(stage, given, k)][:1]
        parts: list[Part] = []
        for number, kind in enumerate(kinds):
            mine = given if given is not None and is_of(stage, given, kind) else None
            wanted, unwanted = layers, group.denies
            if number == group.at:
                wanted = [*layers, *(sorted(la, key=cost) for la in group.more_layers)]
                unwanted = (*unwanted, *group.more_denies)
            parts.append(Part(kind, mine, wanted, unwanted))
            if mine is not None:
                given = None
        if given is not None:
            return None
        if len(parts) > 1:
            from rolelint.engine.several import together

            out = together(stage, parts, keys, world)
        else:
            (part,) = parts
            keys = of_type(keys, part.kind)
            one = one_type(stage, part.layers, part.denies, part.kind, domain, world, part.resource)
            out = None if one is None else [one]
        if out is None:
            return None
        # What other statements allow by themselves is theirs.
        own = group.option.statement
        return out if not group.others or any(s.picks[0].statement is own for _, s in out) else None
    best: tuple[Reach, Solution] | None = None
    # An object before the same object by way of an access point: the request that is shown is the one people make.
    for kind in sorted(signature.optional, key=lambda kind: not kind.stateful):
        if resource is not None and not is_of(stage, resource, kind):
            continue
        one = one_type(stage, layers, group.denies, kind, partial(domain, of=kind.key), world, resource)
        if one is not None and (best is None or reach_rank(one[0]) > reach_rank(best[0])):
            best = one
            if one[0].whole:
                break
    return None if best is None else [best]


class Part(NamedTuple):
    """One resource of a request: its type, the resource if it is given, and what must allow and not deny it."""

    kind: ResourceType
    resource: str | None
    layers: Sequence[Sequence[View]]
    denies: Sequence[View]


def shared_key(key: str, unsupported: Container[str]) -> bool:
    """Tell whether all resources of one request see the same value of a key (S3.12).

    Args:
        unsupported: keys that the actions cannot carry, with the marks of `by_support`.
    """
    return key.startswith("aws:") and not key.startswith("aws:resource") and f"{key}@" not in unsupported


def told_apart(unsupported: Iterable[str]) -> bool:
    """Tell whether the resources of a request differ in the keys that they carry, by the marks of `by_support`."""
    return any("@" in key for key in unsupported)


def of_type(keys: dict[str, Domain], kind: ResourceType) -> dict[str, Domain]:
    """Give what keys can be for a resource of a type: those that it does not carry are absent (S3.12)."""
    mark = f"@{kind.key}"
    missing = [key.removesuffix(mark) for key in keys if key.endswith(mark)]
    return {**keys, **dict.fromkeys(missing, NEVER)} if missing else keys


def is_of(stage: Scene, arn: str, kind: ResourceType) -> bool:
    """Tell whether an ARN names a resource of a type."""
    return any(s.names(arn) for s in type_shapes(stage, kind, resource=arn))


def one_type(
    stage: Scene,
    layers: Sequence[Sequence[View]],
    denies: Sequence[View],
    kind: ResourceType,
    domain: Callable[[str], Domain],
    world: World,
    resource: str | None,
) -> tuple[Reach, Solution] | None:
    """Find one request on a resource of one type, with how far what allows it reaches into the type.

    Args:
        layers: of each, one statement must match.
        domain: what each context key can be.
        resource: the ARN that the request must name, or None for any.

    Returns:
        None when there is provably no such request.

    Raises:
        Undecided, LimitReached: when a named limit was reached.
    """
    all_shapes = type_shapes(stage, kind, world.region, resource, world.account)
    if resource is not None and not any(s.names(resource) for s in all_shapes):
        return None
    options = layers[0]
    if resource is None and all(o.texts is not None and not o.exclude and not o.pins for o in options):
        all_shapes = tuple([s for s in all_shapes if any(view_reach(o, s).overlap for o in options)])
        if not all_shapes:
            return None
    targets: list[Pattern] = [literal(resource)] if resource is not None else [s.pattern for s in all_shapes]
    samples = [resource] if resource is not None else [s.sample for s in all_shapes]

    def patterns(option: View) -> tuple[Pattern, ...]:
        return meeting(option, all_shapes)

    near_denies = [d for d in denies if d.texts is None or d.exclude or patterns(d)]
    outside = () if resource is not None else tuple(p for s in all_shapes for p in s.outside)
    found = Search(targets, samples, domain, patterns, outside).run(layers, near_denies)
    if found is None:
        return None
    reaches = []
    for s in all_shapes:
        joint: Reach | None = None
        for pick in found.picks:
            one = pick_reach(pick, s)
            joint = one if joint is None else narrower(joint, one)
        for deny in _keeping_within(near_denies, found):
            joint = None if joint is None else narrower(joint, view_reach(deny, s))
        if joint is not None and joint.overlap:
            reaches.append(joint)
    if not reaches:
        return Reach(True, False, False, False, (found.resource,)), found
    return max(reaches, key=reach_rank), found


def _keeping_within(denies: Sequence[View], found: Solution) -> Iterator[View]:
    """List the Denies with NotResource that leave a request only the resources that they name."""
    for deny in denies:
        if deny.within and not any(p.matches(found.resource) for p in deny.within):
            continue
        if deny.exclude and (not deny.conditions or (deny, None) in found.carved):
            yield deny
