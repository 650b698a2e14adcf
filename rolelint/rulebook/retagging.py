"""Powers limited to resources with a tag: whether their holder can set or remove the very tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from rolelint.algebra.strings import LimitReached, Pattern, arn, includes, may_overlap, member, replenish, wildcards
from rolelint.catalog import Signature, catalog
from rolelint.catalog.patterns import glob
from rolelint.engine import Power, Powers, can, powers, witness
from rolelint.engine.compile import variable_names
from rolelint.engine.gates import ALIASES, MARKS, key_kind, name_says, naming_of
from rolelint.engine.match import arn_matches
from rolelint.engine.operators import TABLE, condition_holds
from rolelint.engine.scene import Scene
from rolelint.engine.tagging import chosen_tags, tags_to_bring
from rolelint.engine.worlds import REGION_KEYS, REGIONS
from rolelint.findings.model import Witness
from rolelint.policies.document import Condition, Statement
from rolelint.policies.role import Policy
from rolelint.policies.text import VARIABLE, has_unknown
from rolelint.records import replace
from rolelint.rulebook.selectors import worst
from rolelint.rulebook.subject import by_alias

#: How a key comes to an alias, and how it loses one.
_GIVING = ("kms:CreateAlias", "kms:UpdateAlias")
_TAKING = ("kms:DeleteAlias", "kms:UpdateAlias")
#: How actions that remove tags begin.
_UNTAG = ("Untag", "Remove", "Delete")
#: Bounds the questions whether a power to tag sets the tag that limits an action: those actions, for each such power.
#: A role has as many where each of its statements tests a tag of its own. Past it, no tag is known to be a limit.
_MOST_QUESTIONS = 150_000


def unbound(held: tuple[Power, ...], whole: Powers) -> tuple[Power, ...]:
    """Drop the tag limits of powers whose holder can set or remove that tag of what they reach."""
    known = catalog()
    near = 0
    for power in held:
        if power.tag_limited:
            for service in known.prefixes_of(power.mask):
                near |= known.service_mask(service)
    tagging = powers(whole.role, whole.actor, known.attribute_mask("sets-tags") & near)
    aliased = any(c.key == ALIASES for power in held if power.tag_limited for c, _ in _tests(power))
    if not tagging.mask and not aliased and not chosen_tags(whole.role, whole.actor):
        return held
    out: list[Power] = []
    limited = sum(power.mask.bit_count() for power in held if power.tag_limited)
    countless = limited * len(tagging.powers) > _MOST_QUESTIONS
    for power in held:
        left = power.mask
        if power.set_apart and _names_own_tag(power, whole):
            out += _without_tag(whole.stage, power, left, (), MARKS)
            left = 0
        elif power.tag_limited:
            every = countless or _realiased(power, whole)
            for places, loose in [((), left)] if every else _retagged(power, tagging, whole):
                out += _without_tag(whole.stage, power, loose, places)
                if not places:
                    left &= ~loose
        if left:
            out.append(replace(power, mask=left) if left != power.mask else power)
    return tuple(out)


def _without_tag(
    stage: Scene,
    power: Power,
    loose: int,
    places: tuple[str, ...],
    kinds: frozenset[str] = frozenset(("resource-tag",)),
) -> Iterator[Power]:
    """Write some actions of a power as ones that no tag limits.

    Args:
        kinds: the kinds of conditions that are no limit.
        places: the resources to which that applies; empty for all that the power reaches.

    Yields:
        One power, or one for each thing that the names of the places say.
    """
    test = "alias" if by_alias(power) else "tag"
    freed = replace(
        power,
        mask=loose,
        naming=naming_of(stage, power.resources, ()),
        gate=f"{power.gate}; but the role can change that {test} itself",
        gate_kinds=power.gate_kinds - kinds,
    )
    if not places:
        yield freed
        return
    alike: dict[str, list[str]] = {}
    for place in places:
        alike.setdefault(naming_of(stage, (place,), ()), []).append(place)
    for naming, some in alike.items():
        scope = "pattern" if any(set(place) & {"*", "?"} for place in some) else "named"
        yield replace(freed, scope=scope, broad=False, resources=tuple(some), naming=naming)


def _names_own_tag(power: Power, whole: Powers) -> bool:
    """Tell whether a power is for what a tag of the holder names, who can set its own to any value."""
    own = {f"aws:principaltag/{tag}" for tag in chosen_tags(whole.role, whole.actor)}
    conditions = (*power.denied_where, *power.allowed_where)
    values = tuple(v for c in conditions if key_kind(c.key) in MARKS for v in c.values)
    return any(name.lower() in own for name in variable_names(values))


def _realiased(power: Power, whole: Powers) -> bool:
    """Tell whether a power is for keys by their aliases, and the holder can give or take such an alias."""
    known = catalog()
    same = set(power.gate.split("; "))
    for condition, met in _tests(power):
        if condition.key != ALIASES:
            continue
        tested = [arn(f"arn:*:kms:*:*:{VARIABLE.sub('*', value)}") for value in condition.values]
        changing = powers(whole.role, whole.actor, known.expand_all(_GIVING if met else _TAKING))
        for one in changing.powers:
            if same <= set(one.gate.split("; ")):
                continue  # of keys that the power reaches already
            if any(may_overlap(_pattern(r), t) for r in one.resources if not r.startswith("not ") for t in tested):
                return True
    return False


def _retagged(power: Power, tagging: Powers, whole: Powers) -> Iterator[tuple[tuple[str, ...], int]]:
    """Give the actions from which the holder can take the tag that keeps their power from a resource.

    Yields:
        The resources to which that applies, none for all that the power reaches, and the actions.
    """
    known = catalog()
    # Under the very same conditions, and under more, tagging reaches nothing that the power does not reach.
    same = set(power.gate.split("; "))
    others = [one for one in tagging.powers if not same <= set(one.gate.split("; "))]
    for service in known.prefixes_of(power.mask):
        whole_service = known.service_mask(service)
        near = [one for one in others if one.mask & whole_service]
        calls = _tagging_calls(power, near, whole, whole_service) if near else []
        if calls is None:
            yield (), power.mask & whole_service
            continue
        fit = [(one, made) for one in near if (made := [c for c in calls if _may_grant(one, c[1])])]
        # Those to all resources come first.
        fit.sort(key=lambda pair: not pair[0].wide)
        for signature, part in known.signatures(power.mask & whole_service) if fit else ():
            places = _retags(signature, part, power, fit, whole)
            if places is not None:
                yield places, part


#: Actions, and the context of a call.
_Context = Mapping[str, str | Sequence[str]]
_Call = tuple[int, _Context]


def _tagging_calls(power: Power, near: Sequence[Power], whole: Powers, service: int) -> list[_Call] | None:
    """List the calls that change the tag that keeps a power from a resource; None where any resource may be tagged.

    Args:
        near: powers to tag resources of the service.
    """
    known = catalog()
    own = free = 0
    for one in near:
        own |= one.mask & service
        if not one.gate and ("*" in one.resources or set(power.resources) <= set(one.resources)):
            free |= one.mask & service
    setting = own
    for index in known.indexes(own):
        if known.name(index).partition(":")[2].startswith(_UNTAG):
            setting &= ~(1 << index)
    demanded = list(_demanded_tags(power, met=True))
    # Taking away a tag that must have another value as well leads nowhere.
    there_must_be = {tag.lower() for tag, _ in demanded}
    forbidden = {
        key: value or "x"
        for tag, value in _demanded_tags(power, met=False)
        if tag.lower() not in there_must_be
        for key in _tag_keys(tag, own)
    }
    # A tag that must not be there can be removed, or given another value.
    undone = bool(forbidden) or (not demanded and ("unless " in power.gate or "Not" in power.gate))
    if free & setting and (demanded or undone):
        return None
    # A call that tags what it makes says so; here the resource is there already.
    there: _Context = {"ec2:CreateAction": ()}
    calls: list[_Call] = []
    for tag, value in demanded if setting else ():
        # A tagging call that demands the tag already brings nothing new into reach, or as little as another value says;
        # one that demands production does.
        tested = _values_of(tag, near) if value else []
        reached = _values_of(tag, [power])
        others = [v for v in tested if name_says(v) == "production" and not any(glob(r, v) for r in reached)]
        for now, tags in product(
            ((), f"not-{value}", *others) if tested else ((),), tags_to_bring(whole.role, tag, setting)
        ):
            said = {f"aws:RequestTag/{tag}": value or "x", "aws:TagKeys": tags}
            calls.append((setting, {**said, **there, **dict.fromkeys(_tag_keys(tag, own), now)}))
    if undone:
        calls.append((own, {**there, **forbidden}))
    return calls


def _retags(
    signature: Signature, mask: int, power: Power, fit: Sequence[tuple[Power, Sequence[_Call]]], whole: Powers
) -> tuple[str, ...] | None:
    """List the resources that one of some calls may tag, of those that actions of one kind are for.

    Args:
        fit: powers to tag, with the calls that each may grant.

    Returns:
        Patterns; none for all that the power reaches, None where no call may tag any.
    """
    number = worst(mask, ())
    found = witness(whole, number).witness
    if found is None:
        return None
    freed: dict[str, None] = {}
    for one, calls in fit:
        vague = any(map(has_unknown, (*one.resources, *power.resources)))
        if (one.wide or vague) and _takes(found, one, whole, calls):
            return ()
        try:
            for resource, region, places in _shared(signature, power, one, whole):
                if places and freed.keys() >= set(places):
                    continue
                there = can(whole.role, 1 << number, resource=resource, context=region, who=whole.actor).witness
                if there is None or not _takes(there, one, whole, calls):
                    continue
                if not places:
                    return ()
                freed.update(dict.fromkeys(places))
        except LimitReached:
            return ()  # not known to be a limit
    return tuple(freed) or None


def _may_grant(one: Power, context: _Context) -> bool:
    """Tell whether what grants a power may hold for a call; only where a condition on what the call says fails, no."""
    said = {key.lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in context.items()}
    return not one.granted_by or any(
        all(
            condition_holds(c, said[c.key], lambda _: None, variables=False)
            for c in ref.statement.conditions
            if c.key in said and c.known and not any("$" in v for v in c.values)
        )
        for ref in one.granted_by
    )


def _takes(request: Witness, one: Power, whole: Powers, calls: Sequence[_Call]) -> bool:
    """Ask whether one of some calls may tag what a request is for, by a power to tag."""
    # Of the resources of the request those that may be tagged; some, as catalogs, nobody tags.
    targets = [
        target
        for target in request.resource.split(", ")
        if any(_may_cover(ref.statement, target) for ref in one.granted_by)
    ]
    # The call is made where the resource is.
    region = {k: v for k, v in request.context.items() if k.lower() in REGION_KEYS}
    role, who = whole.role, whole.actor
    return bool(targets) and any(
        all(can(role, actions, resource=arn_, context={**said, **region}, who=who).verdict == "yes" for arn_ in targets)
        for actions, said in calls
    )


def _shared(
    signature: Signature, power: Power, one: Power, whole: Powers
) -> Iterator[tuple[str, Mapping[str, str], tuple[str, ...]]]:
    """Give resources that both a power and one to tag reach: one for each type, in each Region that matters.

    Yields:
        The ARN, the Region as context where that is tested, and the patterns that keep tagging from other resources of
        the type.
    """
    mine = [_pattern(r) for r in power.resources if not r.startswith("not ")]
    named = _named(one)
    theirs = [_pattern(r) for r in named]
    partition, account = whole.stage.partition or "aws", whole.role.asked_arn.split(":")[4]
    for kind in signature.targets:
        for region in _regions(power, named, whole.role.policies(), partition):
            shapes = [_shape(form, partition, region) for form in kind.formats]
            replenish()
            found = member([[arn(shape) for shape in shapes], mine, theirs])
            fields = found.split(":", 5) if found else []
            if len(fields) < 6:
                continue
            if fields[4] and not fields[4].isdigit():
                fields[4] = account
            # All of its type in its account and Region, or less.
            alike = [":".join([*shape.split(":", 5)[:4], fields[4], shape.split(":", 5)[5]]) for shape in shapes]
            if any(includes(theirs, arn(shape)) for shape in alike):
                places: tuple[str, ...] = ()
            elif power.wide:
                places = tuple(r for r in named if any(may_overlap(_pattern(r), arn(s)) for s in alike))
            else:
                places = _common(power, named)
            yield ":".join(fields), {"aws:RequestedRegion": region} if region else {}, places


def _common(power: Power, named: Sequence[str]) -> tuple[str, ...]:
    """List the patterns of what a power reaches and some patterns name; none where that is all it reaches."""
    theirs = [_pattern(r) for r in named]
    common: dict[str, None] = {}
    for resource in power.resources:
        mine = _pattern(resource)
        if includes(theirs, mine):
            common[resource] = None
        else:
            common.update((r, None) for r in named if may_overlap(_pattern(r), mine))
    return () if common.keys() >= set(power.resources) else tuple(common)


def _named(power: Power) -> list[str]:
    """List the patterns of resources that the statements of a power name."""
    found: dict[str, None] = {}
    for ref in power.granted_by:
        if ref.statement.not_resource or ref.statement.resources is None:
            return ["*"]
        found.update(dict.fromkeys(ref.statement.resources))
    return list(found) or ["*"]


def _shape(form: str, partition: str, region: str) -> str:
    """Write the pattern of all ARNs of a format in a Region; in any where it is empty."""
    known = {"Partition": partition, "Region": region or "?*"}
    return VARIABLE.sub(lambda found: known.get(found[1], "?*"), form)


def _pattern(resource: str) -> Pattern:
    return arn(VARIABLE.sub("*", resource))


def _regions(power: Power, named: Sequence[str], policies: Sequence[Policy], partition: str) -> list[str]:
    """List one Region of each kind that policies tell apart; one that is empty where they tell none apart."""
    fields = (r.split(":", 4)[3] for r in (*power.resources, *named) if r.count(":") > 4)
    tested = {
        value
        for policy in policies
        for statement in policy.document.statements
        for condition in statement.conditions
        if condition.key in REGION_KEYS
        for value in condition.values
    }
    tested.update(field for field in fields if field.strip("*"))
    if not tested:
        return [""]
    every = REGIONS.get(partition, REGIONS["aws"])
    return list({tuple(glob(value, region) for value in sorted(tested)): region for region in reversed(every)}.values())


def _may_cover(statement: Statement, resource: str) -> bool:
    """Tell whether a statement may reach a resource; only where its patterns tell, the answer is no."""
    patterns = statement.resources
    if patterns is None or statement.not_resource:
        return True
    return any("$" in p or has_unknown(p) or arn_matches(wildcards(p), resource) for p in patterns)


def _tag_keys(tag: str, mask: int) -> list[str]:
    """List the condition keys by which actions see a tag of their resource."""
    services = catalog().prefixes_of(mask)
    return [f"aws:ResourceTag/{tag}", *(f"{service}:ResourceTag/{tag}" for service in services)]


def _demanded_tags(power: Power, *, met: bool) -> Iterator[tuple[str, str]]:
    """List the tags that the Allows of a power and its ceilings test for, with a value each; empty where any will do.

    Tags of AWS's own are left out: nobody sets or removes them.

    Args:
        met: those that must be there; otherwise those that must not.
    """
    for condition, there in _tests(power):
        tag = condition.key_text.partition("/")[2]
        if there is met and tag and not tag.lower().startswith("aws:"):
            presence = TABLE[condition.operator].family == "null"
            yield tag, "" if presence else condition.values[0].replace("*", "x").replace("?", "x")


def _values_of(tag: str, several: Sequence[Power]) -> list[str]:
    """List the values of a tag that powers test for, each once."""
    found = (
        value
        for power in several
        for condition, _ in _tests(power)
        if condition.key.partition("/")[2] == tag.lower()
        for value in condition.values
    )
    return list(dict.fromkeys(found))


def _tests(power: Power) -> Iterator[tuple[Condition, bool]]:
    """List the tests of tags and aliases in the Allows of a power and its ceilings, and whether each must be met."""
    tested = [(c, True) for c in power.allowed_where]
    for condition, allows in (*tested, *((c, False) for c in power.denied_where)):
        operator = TABLE.get(condition.operator)
        if key_kind(condition.key) != "resource-tag" or operator is None or not condition.values:
            continue
        absent = condition.values[0] == "true" if operator.family == "null" else operator.negated
        yield condition, absent is not allows
