"""Powers limited to resources with a tag: whether their holder can set or remove the very tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from rolelint.algebra.strings import wildcards
from rolelint.catalog import catalog
from rolelint.engine import Power, Powers, can, powers, witness
from rolelint.engine.compile import variable_names
from rolelint.engine.gates import key_kind
from rolelint.engine.match import arn_matches
from rolelint.engine.operators import TABLE
from rolelint.engine.tagging import chosen_tags, tags_to_bring
from rolelint.engine.worlds import REGION_KEYS
from rolelint.policies.document import Statement
from rolelint.policies.text import has_unknown
from rolelint.records import replace
from rolelint.rulebook.selectors import worst

#: Actions of the level Tagging that only read.
_READING = ("*:List*", "*:Get*", "*:Describe*")
#: How actions that remove tags begin.
_UNTAG = ("Untag", "Remove", "Delete")


def unbound(held: tuple[Power, ...], whole: Powers) -> tuple[Power, ...]:
    """Drop the tag limits of powers whose holder can set or remove that tag of what they reach."""
    known = catalog()
    near = 0
    for power in held:
        if power.tag_limited:
            for service in known.prefixes_of(power.mask):
                near |= known.service_mask(service)
    tagging = powers(whole.role, whole.actor, known.level_mask("Tagging") & near & ~known.expand_all(_READING))
    if not tagging.mask and not chosen_tags(whole.role, whole.actor):
        return held
    out: list[Power] = []
    for power in held:
        loose = 0
        if power.tag_limited:
            loose = power.mask if _names_own_tag(power, whole) else _retagged(power, tagging, whole)
        if loose:
            naming = "" if power.scope == "any" else power.naming
            kinds = power.gate_kinds - {"resource-tag"}
            out.append(replace(power, mask=loose, naming=naming, gate_kinds=kinds))
        if power.mask & ~loose:
            out.append(replace(power, mask=power.mask & ~loose) if loose else power)
    return tuple(out)


def _names_own_tag(power: Power, whole: Powers) -> bool:
    """Tell whether a power is for resources with a tag of the holder, who can set its own to any value."""
    own = {f"aws:principaltag/{tag}" for tag in chosen_tags(whole.role, whole.actor)}
    conditions = (*power.denied_where, *power.allowed_where)
    values = tuple(v for c in conditions if key_kind(c.key) == "resource-tag" for v in c.values)
    return any(name.lower() in own for name in variable_names(values))


def _retagged(power: Power, tagging: Powers, whole: Powers) -> int:
    """Give the actions from which the holder can take the tag that keeps their power from a resource."""
    known = catalog()
    # Under the very same conditions, and under more, tagging reaches nothing that the power does not reach.
    same = set(power.gate.split("; "))
    others = [one for one in tagging.powers if not same <= set(one.gate.split("; "))]
    out = 0
    for service in known.prefixes_of(power.mask):
        whole_service = known.service_mask(service)
        near = [one for one in others if one.mask & whole_service]
        calls = _tagging_calls(power, near, whole, whole_service) if near else []
        if calls is None:
            out |= power.mask & whole_service
            continue
        for _, part in known.signatures(power.mask & whole_service) if calls else ():
            if _retags(part, near, whole, calls):
                out |= part
    return out


#: Actions, and the context of a call.
_Call = tuple[int, Mapping[str, str | Sequence[str]]]


def _tagging_calls(power: Power, near: Sequence[Power], whole: Powers, service: int) -> list[_Call] | None:
    """List the calls that change the tag that keeps a power from a resource; None where any resource may be tagged.

    Args:
        near: powers to tag resources of the service.
    """
    known = catalog()
    own = free = 0
    for one in near:
        own |= one.mask & service
        if not one.gate and ("*" in one.resources or not set(one.resources).isdisjoint(power.resources)):
            free |= one.mask & service
    setting = own
    for index in known.indexes(own):
        if known.name(index).partition(":")[2].startswith(_UNTAG):
            setting &= ~(1 << index)
    demanded = list(_demanded_tags(power, met=True))
    forbidden = {key: value or "x" for tag, value in _demanded_tags(power, met=False) for key in _tag_keys(tag, own)}
    # A tag that must not be there can be removed, or given another value.
    undone = bool(forbidden) or (not demanded and ("unless " in power.gate or "Not" in power.gate))
    if free & setting and (demanded or undone):
        return None
    # A call that tags what it makes says so; here the resource is there already.
    there: dict[str, str | Sequence[str]] = {"ec2:CreateAction": ()}
    gates = " ".join(one.gate.lower() for one in near)
    calls: list[_Call] = []
    for tag, value in demanded if setting else ():
        # A tagging call that demands the tag already brings nothing new into reach.
        tested = f"resourcetag/{tag.lower()}" in gates and value
        for now, tags in product(((), f"not-{value}") if tested else ((),), tags_to_bring(whole.role, tag, setting)):
            said = {f"aws:RequestTag/{tag}": value or "x", "aws:TagKeys": tags}
            calls.append((setting, {**said, **there, **dict.fromkeys(_tag_keys(tag, own), now)}))
    if undone:
        calls.append((own, {**there, **forbidden}))
    return calls


def _retags(mask: int, near: Sequence[Power], whole: Powers, calls: Sequence[_Call]) -> bool:
    """Ask whether one of some calls may tag what some actions, of one kind of resource, are for."""
    found = witness(whole, worst(mask, ())).witness
    if found is None:
        return False
    # Of the resources of the request those that may be tagged; some, as catalogs, nobody tags.
    targets = [
        target
        for target in found.resource.split(", ")
        if any(_may_cover(ref.statement, target) for one in near for ref in one.granted_by)
    ]
    # The call is made where the resource is.
    region = {k: v for k, v in found.context.items() if k.lower() in REGION_KEYS}
    role, who = whole.role, whole.actor
    return bool(targets) and any(
        all(can(role, actions, resource=one, context={**said, **region}, who=who).verdict == "yes" for one in targets)
        for actions, said in calls
    )


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
    tested = [(c, True) for c in power.allowed_where]
    for condition, allows in (*tested, *((c, False) for c in power.denied_where)):
        operator = TABLE.get(condition.operator)
        if key_kind(condition.key) != "resource-tag" or operator is None or not condition.values:
            continue
        presence = operator.family == "null"
        absent = condition.values[0] == "true" if presence else operator.negated
        tag = condition.key_text.partition("/")[2]
        if (absent is not allows) is met and not tag.lower().startswith("aws:"):
            value = "" if presence else condition.values[0].replace("*", "x").replace("?", "x")
            yield tag, value
