"""What a role can do: its powers, in groups of actions that are allowed under the same terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import NamedTuple

from rolelint.algebra.strings import STAR, LimitReached, exhausted, unspent
from rolelint.catalog import ResourceType, Signature, catalog
from rolelint.engine.actors import NEVER, Actor, actor
from rolelint.engine.arns import EVERYTHING, NOTHING, Reach, reach_rank
from rolelint.engine.classes import (
    UNTYPED,
    Ceilings,
    Group,
    can_fire,
    ceilings,
    classes_of,
    companions,
    granted_mask,
    groups,
    passes,
    solve,
    told_apart,
)
from rolelint.engine.compile import CompiledCondition, CompiledStatement, compile_document
from rolelint.engine.extent import commanding, runs_anything, type_shapes, used, view_reach
from rolelint.engine.gates import MARKS, Gate, gate_of, naming_of
from rolelint.engine.keys import Literal, Undecided, solve_key
from rolelint.engine.scene import Scene, StatementRef, scene
from rolelint.engine.solve import POLICY_TYPE, Solution, View, raw_view
from rolelint.engine.worlds import LINKED, OWNER_KEYS, REGION_KEYS
from rolelint.errors import Location
from rolelint.memory import alone, memo
from rolelint.policies.document import Condition, Statement
from rolelint.policies.role import Policy, Role
from rolelint.records import field, record, replace


class Core(NamedTuple):
    """A power without the places in the input: what is memoised by content."""

    mask: int
    scope: str
    broad: bool
    resources: tuple[str, ...]
    naming: str
    gate: Gate
    certainty: str
    grants: tuple[CompiledStatement, ...]


@record
class Power:
    """Actions that a role can perform under the same terms.

    Attributes:
        mask: the actions, over the catalogue's order.
        scope: `any` (every resource of its type in the account), `pattern` or `named`.
        broad: the grant covers its whole type (of a Region at least), though a Deny may carve something out.
        resources: the broadest allowed resource patterns, as written.
        naming: what names and tag values say: `production`, `disposable` or empty.
        certainty: `proved`, or `possible` where it depends on something unknown.
        gate: what the grant depends on beyond holding the role; empty when nothing.
        gate_kinds: kinds of the keys in the gate, for example `resource-tag`, `network`.
        granted_by: the Allow statements of identity policies that grant it.
        denied_where: conditions of Deny statements, each of which takes it away.
        ceilings: for each ceiling that allows it under conditions only, those of each of its Allows.
    """

    mask: int
    scope: str
    broad: bool
    resources: tuple[str, ...]
    naming: str
    certainty: str
    gate: str
    gate_kinds: frozenset[str]
    granted_by: tuple[StatementRef, ...]
    denied_where: tuple[Condition, ...] = ()
    ceilings: tuple[tuple[tuple[Condition, ...], ...], ...] = ()

    @property
    def allowed_where(self) -> Iterator[Condition]:
        """Every condition of the Allows that grant it, and of those in the ceilings."""
        yield from (c for ref in self.granted_by for c in ref.statement.conditions)
        yield from (c for ceiling in self.ceilings for conditions in ceiling for c in conditions)

    @property
    def wide(self) -> bool:
        """Whether it reaches every resource of its types, of a Region at least."""
        return self.broad or self.scope == "any"

    @property
    def tag_limited(self) -> bool:
        """Whether an effective resource-tag condition limits it."""
        return "resource-tag" in self.gate_kinds

    @property
    def set_apart(self) -> bool:
        """Whether an effective condition on the tags of resources, or on what holds them, limits it."""
        return not self.gate_kinds.isdisjoint(MARKS)


@record
class Limit:
    """Something that takes power away: its name, and the actions of interest that it removes wholly."""

    name: str
    mask: int


@record
class Undecidedness:
    """Actions that could not be decided, and why."""

    what: str
    reason: str
    location: Location
    mask: int = 0


@record
class Powers:
    """Everything a role can do within a mask of interest, on behalf of an actor."""

    role: Role
    actor: Actor
    powers: tuple[Power, ...]
    mask: int
    limits: tuple[Limit, ...]
    unknown: tuple[Undecidedness, ...]
    #: Identifies the content: equal for roles with equal statements and facts. For memos of later steps.
    content: tuple[object, ...] = field(repr=False)
    stage: Scene = field(repr=False)
    within: int

    @property
    def everywhere(self) -> int:
        """The actions that it can surely perform on everything, whatever the request."""
        mask = 0
        for power in self.powers:
            if power.scope == "any" and not power.gate and power.certainty == "proved":
                mask |= power.mask
        return mask

    def of(self, mask: int) -> list[tuple[Power, int]]:
        """List the powers that meet a mask, with the actions they share with it."""
        return [(p, p.mask & mask) for p in self.powers if p.mask & mask]


@alone
def powers(role: Role, who: Actor | None = None, within: int | None = None) -> Powers:
    """Work out what a role can do.

    Args:
        who: on whose behalf; automation by default.
        within: the actions of interest, as a mask over the catalogue; every destructive one by default.

    Returns:
        Each power once; the actions for which nothing could be proved or shown are in `unknown`, with the reason.
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
    for caller in dict.fromkeys(way.caller for way in stage.also):
        from rolelint.engine.guarded import grants

        given = grants(stage.role, caller)
        for placed in (*given.role, *given.direct):
            ref = StatementRef(placed.policy, placed.statement)
            told = refs.setdefault(placed.compiled, [])
            if ref not in told:
                told.append(ref)
    out = tuple(
        Power(
            c.mask,
            c.scope,
            c.broad,
            c.resources,
            c.naming,
            c.certainty,
            c.gate.text,
            c.gate.kinds,
            tuple(r for s in c.grants for r in refs.get(s, ())),
            c.gate.unless,
            c.gate.ceilings,
        )
        for c in cores
    )
    union = 0
    for power in out:
        union |= power.mask
    unknown = [Undecidedness("actions", reason, role.location, m) for reason, m in undecided]
    for policy, compiled, statement in _placed(role) if stage.uncertain else ():
        if not compiled.blank or compiled.statement.effect != "Allow" or policy.document.unknown:
            continue
        if hidden := compiled.possible_mask & ceilings(stage, mask, False).allowed & ~union:
            ref = StatementRef(policy, statement)
            reason = "an entry of its Action is not known yet"
            unknown.append(Undecidedness(f"statement `{ref.label}`", reason, ref.location("Action"), hidden))
    unknown += [Undecidedness(u.what, u.reason, u.location) for u in role.unknowns]
    unknown += [
        Undecidedness(f"policy `{p.name}`", p.document.unknown, p.locate(()))
        for p in role.policies()
        if p.document.unknown and p is not role.trust
    ]
    return Powers(role, stage.actor, out, union, limits, tuple(unknown), key, stage, mask)


def content_key(stage: Scene, mask: int) -> tuple[object, ...]:
    """Identify everything an answer about a scene depends on."""
    return (
        stage.identity,
        stage.layers,
        stage.denies,
        stage.guessed,
        tuple(content_key(way, 0) for way in stage.also),
        stage.facts(*stage.identity, *stage.denies, *(s for la in stage.layers for s in la.statements)),
        mask,
    )


_Cores = tuple[tuple[Core, ...], tuple[Limit, ...], tuple[tuple[str, int], ...]]
_core_memo: dict[tuple[object, ...], _Cores] = memo()


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
        wider = _wider(stage, within, cores) if stage.uncertain and proved else []
        cores += _mode(stage, within & ~proved, False, undecided)
        cores += wider
        for core in cores:
            proved |= core.mask
    for way in stage.also:
        more, _, left = _cores(way, within & ~_everywhere(cores))
        cores += more
        undecided += left
        for core in more:
            proved |= core.mask
    open_ = [(reason, mask & ~proved) for reason, mask in undecided]
    return _settle(cores), limits, tuple((r, m) for r, m in open_ if m)


def _wider(stage: Scene, within: int, proved: Sequence[Core]) -> list[Core]:
    """List what statements that are not known may allow on more than is proved, or without its gate."""
    reached = 0
    for core in proved:
        reached |= core.mask
    reached &= within & ~_everywhere(proved)
    granting = {statement for core in proved for statement in core.grants}
    wider = []
    for core in _mode(stage, reached, False, []) if reached else ():
        if any(statement.uncertain and statement not in granting for statement in core.grants):
            mask = core.mask
            for other in proved:
                if _SCOPES.index(other.scope) <= _SCOPES.index(core.scope) and (core.gate.text or not other.gate.text):
                    mask &= ~other.mask
            if mask:
                wider.append(core._replace(mask=mask))
    return wider


#: Scopes, the widest first.
_SCOPES = ("any", "pattern", "named")


def _everywhere(cores: Sequence[Core]) -> int:
    """Give the actions that are allowed on everything without a gate already."""
    mask = 0
    for core in cores:
        if core.scope == "any" and not core.gate.text and core.certainty == "proved":
            mask |= core.mask
    return mask


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


_NO_GATE = Gate("", frozenset())
#: Ways through the ceilings that are told apart; where there are more, one of them stands for all.
_MOST_WAYS = 16
_Statement = tuple[tuple[Core, ...], tuple[tuple[str, int], ...]]
_statement_memo: dict[tuple[object, ...], _Statement] = memo()


def _mode(stage: Scene, within: int, certain: bool, undecided: list[tuple[str, int]]) -> list[Core]:
    """Collect the powers that each identity statement grants by itself, under everything around it."""
    around = ceilings(stage, within, certain)
    out: list[Core] = []
    done = 0  # what is allowed everywhere already needs no narrower power
    for statement in _widest_first(stage, around.allowed, certain):
        reached = around.allowed & granted_mask(statement, certain) & ~done
        if not reached:
            continue
        denies = tuple(d for d in around.denies if d.possible_mask & reached)
        # A statement alone decides, but for actions that take several resources.
        together = catalog().several | commanding()
        beside = 0 if statement.covers_all and not statement.conditions else together & reached
        near_by = companions(stage, statement, beside, certain) if beside else ()
        facts = stage.facts(statement, *denies, *near_by)
        key = (statement, around.layers, denies, reached, near_by, certain, facts)
        found = _statement_memo.get(key)
        if found is None:
            first = unspent()
            found = _of_statement(stage, statement, Ceilings(around.layers, reached, denies), certain)
            if first or not exhausted():  # what others left no effort for may be decided in another role
                _statement_memo[key] = found
        out += found[0]
        undecided += found[1]
        done |= _everywhere(found[0])
    return out


def _widest_first(stage: Scene, within: int, certain: bool) -> list[CompiledStatement]:
    """Order what grants something: the order of policies does not decide which statement a power is granted by."""
    widths: dict[CompiledStatement, tuple[bool, int]] = {}
    for s in stage.identity:
        granted = granted_mask(s, certain) & within
        if granted:
            widths[s] = (not s.covers_all or bool(s.conditions), -granted.bit_count())
    if len(set(widths.values())) == len(widths):
        return sorted(widths, key=widths.__getitem__)
    return sorted(widths, key=lambda s: (*widths[s], s.content))


def _of_statement(stage: Scene, statement: CompiledStatement, around: Ceilings, certain: bool) -> _Statement:
    out: list[Core] = []
    undecided: list[tuple[str, int]] = []
    certainty = "proved" if certain else "possible"
    if _never_holds(stage, statement):
        return (), ()
    for group in (way for whole in groups(statement, around, certain) for way in _ways(whole)):
        if group.option.plain and not group.denies and group.open:
            out.append(Core(group.mask, "any", True, ("*",), "", _NO_GATE, certainty, (statement,)))
            continue
        # Where no statement speaks of resources, all actions stand and fall together.
        resources = any(v.texts is not None for v in group.views)
        for joined, signature, part, unsupported in classes_of(stage, group, certain, resources):
            try:
                core = _class(stage, joined, signature, part, unsupported, certainty)
            except (Undecided, LimitReached) as error:
                undecided.append((str(error), part))
                continue
            if core is not None:
                out.append(core)
    return _merge(out), tuple(undecided)


def _ways(group: Group) -> Iterable[Group]:
    """Split a group by the conditions under which its ceilings allow it: each way is a power with a gate of its own.

    Of actions that take several resources, a ceiling may allow each by another statement: they stay whole as well
    (S3.11).
    """
    if all(len(layer) == 1 for layer in group.layers) or group.open:
        return (group,)
    choices: list[list[tuple[View, ...]]] = []
    for layer in group.layers:
        alike: dict[tuple[CompiledCondition, ...], list[View]] = {}
        for view in layer:
            alike.setdefault(view.conditions, []).append(view)
        choices.append([layer] if any(v.plain for v in layer) else [tuple(views) for views in alike.values()])
    if prod(map(len, choices)) > _MOST_WAYS:
        return (group,)
    together = group.mask & (catalog().several | commanding())
    whole = (group._replace(mask=together),) if together else ()
    return (*whole, *(group._replace(layers=layers) for layers in product(*choices)))


def _never_holds(stage: Scene, statement: CompiledStatement) -> bool:
    """Tell whether one of a statement's conditions can hold in no request of the actor at all."""
    for condition in statement.conditions:
        if condition.refs or condition.uncertain or condition.key in LINKED | OWNER_KEYS:
            continue
        holds = frozenset((Literal(condition, True),))
        carrying = catalog().key_mask(condition.key)
        try:
            if solve_key(stage.domain(condition.key), holds) is None and (
                carrying is None or not statement.possible_mask & ~carrying or solve_key(NEVER, holds) is None
            ):
                return True
        except (Undecided, LimitReached):
            continue
    return False


#: Keys that tell of the resource what its ARN tells as well: conditions on them are not met apart from it.
_TIED = REGION_KEYS | OWNER_KEYS | {POLICY_TYPE}


def _class(
    stage: Scene, group: Group, signature: Signature, mask: int, unsupported: frozenset[str], certainty: str
) -> Core | None:
    """Solve one class: actions of one group with the same resource types."""
    option = group.option
    carving = [d for d in group.denies if can_fire(stage, d, signature, unsupported)]
    if stage.uncertain and certainty == "proved":
        from rolelint.engine.favour import hangs_on_unknown

        granting: Sequence[View] = (option,)
        if group.others or not group.open:
            granting = [pick for _, s in solve(stage, group, signature, unsupported) or () for pick in s.picks]
        if hangs_on_unknown(granting, carving, partial(passes, stage, group, signature, unsupported)):
            certainty = "possible"
    exact = all(d.conditions for d in carving)
    tied = option.texts is not None and any(c.key in _TIED for c in option.conditions)
    # As written, the plain star that `${*}` stands for is not told from a wildcard.
    starred = any("*" in t or "?" in t for t in option.texts or ())
    apart = not (carving or option.exclude or option.within or option.statement.refs or group.others or tied or starred)
    if apart and group.open and not told_apart(unsupported):
        terms = _separate(stage, option, signature, unsupported)
    else:
        terms = _searched(stage, group, carving, signature, unsupported)
    if terms is None:
        return None
    narrow, gate, naming = terms
    if any(runs_anything(option, kind) for kind in signature.required):
        narrow, gate, naming = _on_hosts(stage, group, signature, mask, unsupported, terms)
    scope = "any" if narrow.whole and exact else "named" if narrow.named else "pattern"
    grants = (option.statement,)
    return Core(mask, scope, narrow.whole_region, narrow.patterns, naming, gate, certainty, grants)


_Terms = tuple[Reach, Gate, str]


def _on_hosts(
    stage: Scene, group: Group, signature: Signature, mask: int, unsupported: frozenset[str], terms: _Terms
) -> _Terms:
    """Tell how far a command reaches by its hosts, where the document sets it no limit.

    AWS asks for the document and for every host, and another statement may allow these (S3.11).
    """
    _, gate, naming = terms
    option = group.option
    hosts = replace(signature, required=())
    denies = [d for d in group.denies if can_fire(stage, d, hosts, unsupported)]
    best: _Terms | None = None
    for statement in (option.statement, *companions(stage, option.statement, mask, option.certain)):
        other = option if statement is option.statement else raw_view(statement, option.certain)
        if other is None or other.exclude or not _static_reach(stage, other, hosts).overlap:
            continue
        if denies or not group.open:
            found = _searched(stage, group._replace(option=other), denies, hosts, unsupported)
        else:
            found = _separate(stage, other, hosts, unsupported)
        if found is None:
            continue
        reach, own, said = found
        if best is None or _exposure(found) > _exposure(best):
            best = reach, own, said
    if best is None:
        return terms
    reach, own, said = best
    texts = dict.fromkeys(filter(None, (gate.text, own.text)))
    return reach, Gate("; ".join(texts), gate.kinds | own.kinds, own.unless, own.ceilings), said or naming


def _exposure(terms: _Terms) -> tuple[object, ...]:
    """Order terms from what keeps a grant away from most that somebody cares for to what keeps it from least."""
    reach, gate, said = terms
    return (said != "disposable", gate.kinds.isdisjoint(MARKS), reach_rank(reach), not gate.text)


def _separate(stage: Scene, option: View, signature: Signature, unsupported: frozenset[str]) -> _Terms | None:
    """Judge a statement that nothing else limits: its resources and its conditions can be met apart."""
    narrow = _static_reach(stage, option, signature)
    if not narrow.overlap:
        return None
    gate = _NO_GATE
    solutions: list[Solution] = []
    if option.conditions:
        anywhere = View(option.statement, None, False, option.conditions, option.pins, option.certain)
        found = solve(stage, Group(0, anywhere, (), ()), UNTYPED, unsupported)
        if found is None:
            return None
        solutions = [s for _, s in found]
        gate = gate_of(stage, solutions, (), (), unsupported)
    naming = naming_of(stage, narrow.patterns if not narrow.whole_region else (), solutions)
    return narrow, gate, naming


def _static_reach(stage: Scene, option: View, signature: Signature) -> Reach:
    """Tell how far a statement's resources reach into what a signature names; of required types the narrowest."""
    if option.texts is None:
        return EVERYTHING
    if signature.required:
        return min((_type_reach(stage, option, kind) for kind in used(signature)), key=reach_rank)
    if signature.optional:
        return max((_type_reach(stage, option, kind) for kind in signature.optional), key=reach_rank)
    return NOTHING


def _type_reach(stage: Scene, option: View, kind: ResourceType) -> Reach:
    return max((view_reach(option, s) for s in type_shapes(stage, kind)), key=reach_rank, default=NOTHING)


def _searched(
    stage: Scene, group: Group, carving: list[View], signature: Signature, unsupported: frozenset[str]
) -> _Terms | None:
    found = solve(stage, group, signature, unsupported)
    if found is None:
        return None
    # Of several required resources, the narrowest decides how far the action reaches.
    narrow = min((r for r, _ in found), key=reach_rank)
    solutions = [s for _, s in found]
    alike: dict[tuple[CompiledCondition, ...], list[View]] = {}
    for deny in carving:
        if deny.conditions:
            alike.setdefault(deny.conditions, []).append(deny)
    covering = [d for same in alike.values() if _cover(stage, same, group, signature, unsupported) for d in same]
    gate = gate_of(stage, solutions, carving, covering, unsupported)
    limits = tuple(
        tuple(dict.fromkeys(tuple(c.condition for c in v.conditions) for v in layer))
        for layer in group.layers
        if all(v.conditions for v in layer)
    )
    gate = gate._replace(ceilings=limits) if limits else gate
    return narrow, gate, naming_of(stage, narrow.patterns if not narrow.whole_region else (), solutions, covering)


_always_memo: dict[tuple[View, bool], View] = memo()


def _always(deny: View, known: bool) -> View:
    """Take the conditions from a Deny. Where the account is not known, the one that it names is the role's own."""
    found = _always_memo.get((deny, known))
    if found is None:
        texts = deny.texts or ()
        if not known:
            fields = [t.split(":", 5) for t in texts]
            texts = tuple(":".join([*f[:4], STAR, f[5]] if len(f) == 6 and f[4] else f) for f in fields)
        found = View(deny.statement, texts, False, (), deny.pins, deny.certain, deny.guesses)
        _always_memo[deny, known] = found
    return found


def _cover(
    stage: Scene, denies: Sequence[View], group: Group, signature: Signature, unsupported: frozenset[str]
) -> bool:
    """Tell whether Denies with the same conditions speak of all that an Allow reaches: only these then limit it."""
    always: list[View] = []
    for deny in denies:
        if deny.texts is None:
            return True
        if deny.exclude:
            continue
        whole = set(group.option.texts or ("*",)) <= set(deny.texts) or _static_reach(stage, deny, signature).whole
        if whole and not deny.within:
            return True
        always.append(_always(deny, bool(stage.account)))
    try:
        return bool(always) and solve(stage, group._replace(denies=tuple(always)), signature, unsupported) is None
    except (Undecided, LimitReached):
        return False


def _width(core: Core) -> tuple[bool, bool, bool, bool]:
    return (not core.gate.text, core.scope == "any", core.broad, core.scope == "pattern")


def _settle(cores: list[Core]) -> tuple[Core, ...]:
    """Order powers from wide to narrow; what is allowed on everything without a gate needs no narrower mention."""
    out: list[Core] = []
    settled = 0
    for core in sorted(_merge(cores), key=_width, reverse=True):
        mask = core.mask & ~settled
        if not mask:
            continue
        out.append(core if mask == core.mask else core._replace(mask=mask))
        if core.scope == "any" and not core.gate.text and core.certainty == "proved":
            settled |= core.mask
    return tuple(out)


def _merge(cores: list[Core]) -> tuple[Core, ...]:
    """Join powers with the same terms, so that a report has few groups."""
    joined: dict[tuple[object, ...], Core] = {}
    for core in cores:
        key = (core.scope, core.broad, core.resources, core.naming, core.gate, core.certainty, core.grants)
        before = joined.get(key)
        joined[key] = core if before is None else before._replace(mask=before.mask | core.mask)
    return tuple(joined.values())
