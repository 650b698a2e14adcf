"""From what rules find to findings: severity, folding, messages, places, witnesses; and a role's effects."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rolelint.algebra.strings import wildcards
from rolelint.catalog import catalog
from rolelint.catalog.model import DESTRUCTIVE
from rolelint.engine import Power, Powers, StatementRef, can, witness
from rolelint.engine.arns import named_like
from rolelint.engine.extent import on_hosts
from rolelint.engine.gates import name_says
from rolelint.engine.match import arn_matches
from rolelint.errors import Location, Route
from rolelint.findings.model import RANK, SEVERITIES, EffectGroup, Finding, Related, Witness
from rolelint.memory import lasting, memo
from rolelint.policies.document import Statement
from rolelint.policies.text import has_unknown, show
from rolelint.rulebook.advice import advise
from rolelint.rulebook.model import Rule
from rolelint.rulebook.selectors import MASKS, worst
from rolelint.rulebook.subject import Hit, Part, Subject, best_first, describe
from rolelint.rulebook.vocabulary import Weigh

#: Actions for which a witness is looked for before a finding is left without one.
WITNESS_TRIES = 4
#: Where what is about hosts is shown, whatever else it names.
_HOSTS = ("arn:*:ec2:*:*:instance/i-0123456789abcdef0", "arn:*:ssm:*:*:managed-instance/mi-0123456789abcdef0")
#: Actions that a finding lists where the report does not ask for all of them.
FEW_ACTIONS = 20


Lowers = Sequence[tuple[Weigh, str]]


class Draft(NamedTuple):
    """A rule's hit with its severity, before it is decided whether it stands by itself.

    Attributes:
        lowers: what lowers the severity of the rule's findings, each with the reason.
        asked: the hit as the rule's question gave it; `hit` has what lowers its parts.
    """

    rule: Rule
    lowers: Lowers
    asked: Hit
    hit: Hit
    severity: str
    reasons: tuple[str, ...]
    folded: tuple[Rule, ...] = ()


def lowered(severity: str, levels: int) -> str:
    """Lower a severity by some levels; `info` is the least."""
    return SEVERITIES[min(RANK[severity] + levels, len(SEVERITIES) - 1)] if levels else severity


def draft(rule: Rule, hit: Hit, lowers: Lowers, subject: Subject) -> Draft:
    """Work out the severity of a hit: every part is weighed by itself, the worst one counts."""
    if not hit.parts or not lowers:
        return Draft(rule, lowers, hit, hit, lowered(rule.severity, hit.drop), hit.reasons)
    base = hit.drop - hit.parts[0].drop  # what a pair or several layers lose beyond their worst part
    weighed = []
    for part in hit.parts:
        drop, mask, reasons = part.drop, part.mask, list(part.reasons)
        for weigh, because in lowers:
            levels, mask = weigh(subject, part._replace(mask=mask))
            if levels:
                drop += levels
                reasons.append(because)
        weighed.append(part._replace(drop=drop, reasons=tuple(reasons), lead=mask))
    ordered = best_first(weighed)
    heavy = hit.but(parts=ordered, drop=ordered[0].drop + base)
    return Draft(rule, lowers, hit, heavy, lowered(rule.severity, heavy.drop), ordered[0].reasons or hit.reasons)


def fold(drafts: Sequence[Draft], subject: Subject) -> list[Draft]:
    """Leave out of findings what others say already.

    A rule names in `subsumed_by` the rules that may say it: a finding of theirs says of the same actions, granted by
    statements that it rests on as well, what is as severe, or less where it stands at high or above. A finding of
    which nothing is left goes into the most severe of these; of others the rest is judged by itself. One about a
    text, or about actions that belong together, such as a pair, goes as a whole or stays.

    A finding says what it does as severely as it stands without what others say of it: those come first.
    """
    by_code = {d.rule.id: d for d in drafts}
    folded: dict[str, list[Rule]] = {}
    left: dict[str, Draft | None] = {}
    for one in drafts:
        if one.rule.id not in left:
            _settle(one, by_code, left, folded, subject)
    kept = [rest for one in drafts if (rest := left[one.rule.id]) is not None]
    # What was folded into a finding that was itself folded goes along with it.
    if not folded:
        return kept
    out = []
    for one in kept:
        rules: list[Rule] = []
        queue = [one.rule.id]
        while queue:
            for rule in folded.get(queue.pop(), ()):
                rules.append(rule)
                queue.append(rule.id)
        out.append(one._replace(folded=tuple(sorted(rules, key=lambda r: r.id))))
    return out


def _settle(
    one: Draft,
    by_code: dict[str, Draft],
    left: dict[str, Draft | None],
    folded: dict[str, list[Rule]],
    subject: Subject,
) -> None:
    """Work out what is left of a finding, after those that may say it; note in `by_code` how severe it is now."""
    code = one.rule.id
    names = [name for name in one.rule.subsumed_by if name in by_code]
    if not names:
        left[code] = one
        return
    for name in names:
        if name not in left:
            _settle(by_code[name], by_code, left, folded, subject)
    wider = [by_code[name] for name in names]
    rest, into = _unsaid(one, sorted(wider, key=_rank), subject)
    if rest.severity != one.severity:
        by_code[code] = one._replace(severity=rest.severity)
    left[code] = rest if into is None else None
    if into is not None:
        folded.setdefault(into.rule.id, []).append(one.rule)


def _rank(one: Draft) -> int:
    return RANK[one.severity]


def _unsaid(one: Draft, wider: Iterable[Draft], subject: Subject) -> tuple[Draft, Draft | None]:
    """Leave out of a finding what some others say, the most severe first.

    Returns:
        What is left, and where that is nothing the first that says something of it; what the finding was about is
        said at the severity of the former, or a higher one.
    """
    into: Draft | None = None
    left = one
    for wide in wider:
        if not left.asked.is_said_by(wide.hit):
            continue
        rank = _rank(wide)
        if left is not one and rank > _rank(left) and one.asked.divisible:
            left = draft(one.rule, left.asked, one.lowers, subject)
        if rank != (mine := _rank(left)) and (rank > mine or rank > RANK["high"]):
            continue
        into = into or wide
        rest = left.asked.unsaid_by(wide.hit)
        if rest is None:
            return left, into
        left = left._replace(asked=rest)
    if left is one or not one.asked.divisible:
        return one, None
    return draft(one.rule, left.asked, one.lowers, subject), None


def finding(one: Draft, subject: Subject, *, all_actions: bool) -> Finding:
    """Write a finding: message, place, witness."""
    rule, hit, role = one.rule, one.hit, subject.role
    certainty = hit.certainty
    proof: Witness | None = None
    lead = hit.parts[0] if hit.parts else None
    index: int | None = None
    if lead is not None and role is not None:
        lead, index, proof = _prove(hit.parts, subject)
        certainty = "possible" if proof is None or lead.power.certainty != "proved" else certainty
        if any(p.power.certainty != "proved" for p in hit.others[:1]):
            certainty = "possible"
    refs = _ordered_refs(hit, lead)
    primary = refs[0] if refs else None
    location = _place(hit, primary, index, subject)
    policy_name = subject.policies[0].name if subject.policies else ""
    message = _message(one, subject, lead, index)
    # A finding about a text may be about power that it leaves.
    about = lead or next(iter(hit.others), None)
    index = about.worst if about and index is None else index
    return Finding(
        rule=rule.id,
        name=rule.name,
        title=rule.title,
        severity=one.severity,
        base_severity=rule.severity,
        certainty=certainty,
        role=role.id if role else "",
        role_name=role.name if role else policy_name,
        message=message,
        location=location,
        identity=(
            rule.id,
            role.name if role else policy_name,
            _form(hit, primary),
            os.path.basename(location.file),
        ),
        witness=proof,
        actions=_action_names(hit.mask if all_actions else _first(hit.mask, FEW_ACTIONS)),
        count=hit.mask.bit_count(),
        scope=lead.power.scope if lead else "",
        gate=lead.power.gate if lead else "",
        granted_by=tuple(dict.fromkeys(ref.label for ref in refs)),
        related=tuple(_related(refs, hit, subject)),
        lowered=one.reasons if one.severity != rule.severity else (),
        fix=advise(rule, hit, about.power if about else None, index, subject),
        category=rule.category,
        mask=hit.mask,
    )


def _related(refs: Sequence[StatementRef], hit: Hit, subject: Subject) -> Iterator[Related]:
    """List the other statements that a finding rests on, then those that allow some of its actions besides."""
    for ref in refs[1:]:
        yield Related(ref.location(), f"{'grants' if ref.statement.effect == 'Allow' else 'denies'} part of it as well")
    mask = hit.core
    if not mask:
        return
    for named, ref in subject.allows:
        if named & mask and (id(ref.policy), ref.statement.index) not in hit.refs:
            beside = subject.beside.get(id(ref))
            if beside is None:
                beside = subject.beside[id(ref)] = Related(ref.location(), "allows some of these actions, too")
            yield beside


def _prove(parts: Sequence[Part], subject: Subject) -> tuple[Part, int, Witness | None]:
    """Find a request that AWS would allow, for the worst action first."""
    held = subject.powers
    if held is None:
        return parts[0], parts[0].worst, None
    tries = 0
    for part in parts:
        mask, lead = part.mask, part.lead or part.mask
        while mask and tries < WITNESS_TRIES:
            tries += 1
            number = worst(mask & lead or mask, part.prefer)
            proof = _proof(subject, held, part.power, number)
            if proof is not None:
                return part, number, proof
            mask &= ~(1 << number)
    return parts[0], parts[0].worst, None


def _proof(subject: Subject, held: Powers, power: Power, number: int) -> Witness | None:
    """Find a request for an action, as a power allows it where the role can do it elsewhere or otherwise as well."""
    answer = subject.proofs.get((number, ()))
    if answer is None:
        answer = subject.proofs[number, ()] = witness(held, number)
    found = answer.witness
    if found is None:
        return found
    said = _demanded(power) if power.gate else {}
    if said:
        shown = {key.lower(): value for key, value in found.context.items()}
        if all(shown.get(key.lower()) in values for key, values in said.items()):
            said = {}
    context = {key: values[0] for key, values in said.items()}
    places: tuple[str, ...] = ()
    if found.resource == "*":
        places = ()
    elif power.wide and on_hosts() >> number & 1:
        places = _HOSTS
    elif not power.wide and not _is_within(found, power):
        places = power.resources
    if not places and not context:
        return found
    key = (number, (*places, *(f"{name} is {value}" for name, value in context.items())))
    if key not in subject.proofs:
        subject.proofs[key] = answer
        home = ":".join((*found.resource.split(":")[:4], held.role.asked_arn.split(":")[4], ""))
        near = [named_like(place, home) for place in places[:WITNESS_TRIES] if not place.startswith("not ")]
        for place in near if places else (None,):
            there = can(held.role, 1 << number, resource=place, context=context, who=held.actor)
            if there.witness is not None:
                subject.proofs[key] = there
                break
    return subject.proofs[key].witness


def _demanded(power: Power) -> dict[str, tuple[str, ...]]:
    """List the values that conditions of a power name in full, by key; those that say production where it does."""
    out: dict[str, tuple[str, ...]] = {}
    for condition in power.granted_by[0].statement.conditions if len(power.granted_by) == 1 else ():
        if condition.operator not in _EQUAL or condition.if_exists or condition.quantifier:
            continue
        values = tuple(v for v in condition.values if not set(v) & {"*", "?", "$"} and not has_unknown(v))
        if len(values) == len(condition.values):
            telling = tuple(v for v in values if power.naming == "production" and name_says(v) == "production")
            out[condition.key_text] = telling or values
    return out


#: The tests of a text whose values a request can have.
_EQUAL = frozenset(("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"))


def _is_within(request: Witness, power: Power) -> bool:
    """Tell whether a request is for something that a power names."""
    targets = request.resource.split(", ")
    return any(
        place.startswith("not ") or "$" in place or arn_matches(wildcards(place), target)
        for place in power.resources
        for target in targets
    )


def _ordered_refs(hit: Hit, lead: Part | None) -> list[StatementRef]:
    refs = list(hit.refs.values())
    if lead is None or not lead.statements:
        return refs
    first = [r for r in refs if r.policy is lead.statements[0].policy and r.statement is lead.statements[0].statement]
    return first + [r for r in refs if not first or r is not first[0]]


def _place(hit: Hit, primary: StatementRef | None, index: int | None, subject: Subject) -> Location:
    if primary is None:
        if hit.location is not None:
            return hit.location
        if subject.role is not None:
            return subject.role.location
        return subject.policies[0].locate(())
    if hit.parts:
        return primary.policy.locate(_route(primary, index))
    if hit.at:
        return primary.policy.locate((*primary.route(hit.element), *hit.at))
    return primary.location(hit.element)


_routes: dict[tuple[int, int | None], tuple[Statement, Route]] = memo()


def _route(ref: StatementRef, index: int | None) -> Route:
    """Give the route of the entry that names an action, found once for each statement."""
    key = (id(ref.statement), index)
    found = _routes.get(key)
    if found is None or found[0] is not ref.statement:
        found = _routes[key] = (ref.statement, ref.route("Action", index))
    return found[1]


class _Fields(dict[str, str]):
    """Fields of a message; one that a rule does not have is left empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _message(one: Draft, subject: Subject, lead: Part | None, index: int | None) -> str:
    hit = one.hit
    fields = _Fields(role=who_is(subject), **hit.fields)
    if "deed" not in fields and lead is not None:
        fields["deed"] = describe(lead, more=hit.core.bit_count() - 1, index=index)
    text = show(one.rule.message.format_map(fields) + hit.fields.get("more", ""))
    if one.folded:
        text += f" (includes {', '.join(f'{r.id} {r.name}' for r in one.folded)})"
    return text


def who_is(subject: Subject) -> str:
    """Name the subject in a message."""
    role = subject.role
    if role is None:
        policy = subject.policies[0]
        return f"{_POLICY_WORDS.get(policy.type.value, 'policy')} `{show(policy.name)}`"
    kind = {"permission-set": "permission set"}.get(role.kind, role.kind)
    return f"{kind} `{show(role.name)}`"


_POLICY_WORDS = {
    "scp": "SCP",
    "rcp": "RCP",
    "trust": "trust policy",
    "boundary": "boundary",
    "resource": "resource policy",
}


def _form(hit: Hit, primary: StatementRef | None) -> str:
    """Write what a finding rests on: its primary statement, or all where it is about texts, whichever stands first."""
    if primary is None:
        return ""
    if hit.parts or len(hit.statements) < 2:
        return normal_form(primary.statement)
    return "\n".join(sorted({normal_form(ref.statement) for ref in hit.statements}))


_normal: dict[int, tuple[Statement, str]] = memo()


def normal_form(statement: Statement) -> str:
    """Write what a statement says, whatever its order, case, Sid and place."""
    found = _normal.get(id(statement))
    if found is None or found[0] is not statement:
        content = [
            statement.effect,
            statement.not_action,
            sorted({a.lower() for a in statement.actions}),
            statement.not_resource,
            sorted(set(statement.resources or ())),
            sorted((c.operator_text, c.key, sorted(c.values)) for c in statement.conditions),
            statement.not_principal,
            sorted(set(statement.principals or ())),
        ]
        found = _normal[id(statement)] = (statement, repr(content))
    return found[1]


def _first(mask: int, count: int) -> int:
    """Keep the first actions of a set."""
    if mask.bit_count() <= count:
        return mask
    rest = mask
    for _ in range(count):
        rest &= rest - 1
    return mask ^ rest


@lru_cache(MASKS)
def _action_names(mask: int) -> tuple[str, ...]:
    return tuple(catalog().names(mask))


lasting(_action_names.cache_clear)


def effects(held: Powers, *, full: bool) -> dict[str, tuple[EffectGroup, ...]]:
    """Give what a role can do to its environment, by effect class, with complete lists of actions when `full`."""
    out: dict[str, tuple[EffectGroup, ...]] = {}
    terms: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    known = catalog()
    for cls in DESTRUCTIVE:
        wanted = known.class_mask(cls)
        if not held.mask & wanted:
            continue
        groups = []
        for power, mask in held.of(wanted):
            if id(power) not in terms:
                labels = tuple(dict.fromkeys(ref.label for ref in power.granted_by))
                terms[id(power)] = labels, () if power.scope == "any" else tuple(show(r) for r in power.resources)
            granted_by, resources = terms[id(power)]
            groups.append(
                EffectGroup(
                    actions=_action_names(mask) if full else (),
                    count=mask.bit_count(),
                    scope=power.scope,
                    certainty=power.certainty,
                    gate=power.gate,
                    granted_by=granted_by,
                    resources=resources,
                )
            )
        out[cls] = tuple(groups)
    return out
