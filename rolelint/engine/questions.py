"""Questions about roles, each answered YES with a witness, NO, or UNKNOWN with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rolelint.algebra.strings import LimitReached, exhausted
from rolelint.catalog import catalog
from rolelint.engine.actors import NEVER, Actor, Domain, account_like, actor
from rolelint.engine.classes import (
    Solved,
    can_fire,
    ceilings,
    classes_of,
    groups,
    passes,
    shared_key,
    solve,
)
from rolelint.engine.compile import CompiledStatement, compile_statement, variable_names
from rolelint.engine.decision import UNGOVERNED, decide, needs_trust
from rolelint.engine.extent import only_read
from rolelint.engine.favour import ASSUMPTION, favourable, hangs_on_unknown
from rolelint.engine.keys import Undecided, Value
from rolelint.engine.power import Powers
from rolelint.engine.request import Decision, Outcome, Principal, Request, Target
from rolelint.engine.scene import Scene, delegating_policy, policy_set, scene, stranger
from rolelint.engine.worlds import forwarding
from rolelint.findings.model import Witness
from rolelint.memory import alone, memo
from rolelint.policies.document import PolicyDocument, Statement
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.policies.text import has_unknown
from rolelint.records import record, replace

YES, NO, UNKNOWN = "yes", "no", "unknown"


@record
class Answer:
    """The answer to a question.

    Attributes:
        verdict: `yes`, `no` or `unknown`.
        witness: for `yes`, a request that `decide` allows.
        decision: what `decide` says of the witness.
        reason: for `unknown`, why it is not decided; for `yes`, a note where one is due.
        certainty: `proved`, or `possible` for a `yes` that depends on something unknown.
    """

    verdict: str
    witness: Witness | None = None
    decision: Decision | None = None
    reason: str = ""
    certainty: str = "proved"


class Found(NamedTuple):
    """A request that the search found.

    Attributes:
        number: the action, by its index in the catalogue.
        hangs: whether it may fail for some value of what is not known.
    """

    number: int
    solved: Solved
    hangs: bool = False


@alone
def can(
    role: Role,
    actions: str | int,
    *,
    resource: str | None = None,
    context: Mapping[str, str | Sequence[str]] | None = None,
    who: Actor | None = None,
) -> Answer:
    """Ask whether anyone who holds the role can perform one of some actions.

    Args:
        actions: an action pattern, or a mask over the catalogue.
        resource: an ARN that the request must name.
        context: values that context keys must have.
        who: on whose behalf; automation by default.

    Returns:
        `yes` with a request that `decide` allows, `no` where there is none, or `unknown` with the reason; a pattern
        that matches no action is unknown, and one is enough of those that it matches.
    """
    mask = catalog().expand(actions) if isinstance(actions, str) else actions
    if not mask:
        return Answer(UNKNOWN, reason=f"no known action matches `{actions}`")
    pins = pins_of(context or {})
    stage = scene(role, who or actor(), pins, resource)
    if resource and only_read(resource):
        mask &= catalog().level_mask("Read") | catalog().level_mask("List")
    answer = _can(stage, mask, resource, context or {})
    if answer.verdict != UNKNOWN and resource is not None and (account := stranger(role, resource)):
        opened = answer
        if answer.verdict == NO:
            from rolelint.engine.guarded import let_in

            opened = _can(scene(let_in(role, resource), stage.actor, pins, resource), mask, resource, context or {})
        if opened.verdict != NO:
            return _not_let_in(account, resource)
    if answer.verdict == NO and resource in (None, "*") and not mask & ~catalog().expand_all(UNGOVERNED):
        # Nobody has to allow these; as a part of a wider pattern they would make every answer YES (S6.55).
        request = Request(stage.caller, catalog().name(mask.bit_length() - 1), ())
        return Answer(YES, Witness(_asker(stage), request.action, "*", {}), decide(request, policy_set(role)))
    return answer


def _not_let_in(account: str, resource: str) -> Answer:
    reason = f"whether account {account} lets the caller in is not known: no policy of `{resource}` is given"
    return Answer(UNKNOWN, reason=reason)  # S6.35


@alone
def can_within(
    role: Role,
    actions: str,
    pattern: str,
    *,
    context: Mapping[str, str | Sequence[str]] | None = None,
    who: Actor | None = None,
) -> Answer:
    """Answer `can` for the resources that a pattern covers: what a role with a Deny on all others can still do.

    A call that names several resources need not name all of them inside: for such actions NO takes a NO without it.
    """
    mask = catalog().expand(actions)
    outside = Statement("Deny", ("*",), (pattern,), not_resource=True)
    document = PolicyDocument("2008-10-17", (outside,))  # a version without variables
    policy = Policy(PolicyType.IDENTITY, f"outside {pattern}", document, lambda route: role.location)
    held = replace(role, identity=(*role.identity, policy))
    answer = can(held, mask, context=context, who=who)
    if answer.verdict != NO:
        return answer
    if account := stranger(role, pattern):
        from rolelint.engine.guarded import callable_abroad

        asked = mask & callable_abroad()
        if asked and can(replace(held, account=account), asked, context=context, who=who).verdict != NO:
            return _not_let_in(account, pattern)
    several = 0
    for signature, part in catalog().signatures(mask):
        if signature.required and len(signature.required) + len(signature.optional) > 1:
            several |= part
    if several and can(role, several, context=context, who=who).verdict != NO:
        return Answer(UNKNOWN, reason=f"`{pattern}` is a pattern, and a call may name other resources beside it")
    return answer


def _can(
    stage: Scene,
    mask: int,
    resource: str | None,
    context: Mapping[str, str | Sequence[str]],
    wide: int | None = None,
) -> Answer:
    """Answer `can`.

    Args:
        wide: a mask that holds the given one and for which the ceilings are known already.
    """
    role = stage.role
    trouble = ""
    possible: Answer | None = None
    for certain in (True, False):
        if possible is not None:
            return possible
        for way in (stage, *stage.also):
            if way.guessed if certain else not (way.guessed or way.uncertain):
                continue
            for found in _requests(way, mask, certain, resource, wide if way is stage else None):
                if isinstance(found, str):
                    trouble = trouble or found
                    continue
                answer = confirm(way, found, context, certain)
                if answer.verdict == YES:
                    if certain and not found.hangs:
                        return answer
                    possible = possible or replace(answer, certainty="possible", reason=possible_reason(way))
                    if not certain:
                        break
                trouble = trouble or answer.reason
    if possible is not None:
        return possible
    if trouble:
        return Answer(UNKNOWN, reason=trouble)
    for statement in stage.identity:
        if statement.blank and statement.possible_mask & ceilings(stage, mask, False).allowed:
            return Answer(UNKNOWN, reason=f"the Action of {called(statement)} is not known yet")
    for policy in role.identity:
        if policy.document.unknown:
            return Answer(UNKNOWN, reason=unread_text(policy))
    for unknown in role.unknowns:
        if unknown.widens:
            return Answer(UNKNOWN, reason=f"{unknown.what}: {unknown.reason}")
    if role.resource_policies:
        from rolelint.engine.guarded import governs, not_named, unread

        for policy in unread(role).values():
            if (resource is None or governs(policy, resource)) and grantable(stage, mask, policy):
                return Answer(UNKNOWN, reason=unread_text(policy))
        for policy, written in not_named(role, stage.caller):
            part = mask & compile_statement(written, policy.document.variables).possible_mask
            if (resource is None or governs(policy, resource)) and grantable(stage, part, policy):
                return Answer(UNKNOWN, reason=unnamed_text(policy))
    return Answer(NO)


def called(statement: CompiledStatement) -> str:
    """Name a statement in a reason, by its Sid or its number."""
    written = statement.statement
    return f"statement `{written.sid}`" if written.sid else f"statement {written.index}"


def possible_reason(stage: Scene) -> str:
    """Say what is not known of a role that can do something at most."""
    for layer in stage.layers:
        if layer.unknown:
            return f"the {layer.name} is not known: {layer.unknown}"
    for unknown in stage.role.unknowns:
        if not unknown.widens:
            return f"{unknown.what}: {unknown.reason}"
    return "some part of a statement is not known yet"


def pins_of(context: Mapping[str, str | Sequence[str]]) -> tuple[tuple[str, Domain], ...]:
    """Turn given context values into fixed key domains."""
    out = []
    for key, value in context.items():
        values = (value,) if isinstance(value, str) else tuple(value)
        if not values:
            out.append((key.lower(), NEVER))
        elif len(values) == 1:
            out.append((key.lower(), Domain("always", values)))
        else:
            out.append((key.lower(), Domain("always", values, many=True, whole=True)))
    return tuple(out)


def _requests(stage: Scene, mask: int, certain: bool, resource: str | None, wide: int | None) -> Iterator[Found | str]:
    """Yield solved requests, one for each class of actions, and reasons where a class is undecided."""
    around = ceilings(stage, mask if wide is None else wide, certain)
    if wide is not None:
        around = around._replace(allowed=around.allowed & mask)
    touching = [s for s in stage.identity if s.possible_mask & mask]
    for statement in sorted(touching, key=lambda s: (not s.covers_all, len(s.conditions))):
        for group in groups(statement, around, certain):
            for joined, signature, actions, unsupported in classes_of(stage, group, certain, resource=resource):
                try:
                    solved = solve(stage, joined, signature, unsupported, resource)
                except (Undecided, LimitReached) as error:
                    yield str(error)
                    continue
                if solved is not None:
                    hangs = False
                    if certain and stage.uncertain:
                        picks = [pick for _, solution in solved for pick in solution.picks]
                        firing = [d for d in joined.denies if can_fire(stage, d, signature, unsupported)]
                        hangs = hangs_on_unknown(picks, firing, partial(passes, stage, joined, signature, unsupported))
                    yield Found((actions & -actions).bit_length() - 1, solved, hangs)


@alone
def witness(held: Powers, index: int) -> Answer:
    """Find a request for one action that `decide` allows to the holder of a role, whose powers are known.

    Roles that agree in all that speaks of the action share the request, but for who makes it.
    """
    stage = held.stage
    bit = 1 << index
    key = _resting_on(stage, bit)
    found = _witnesses.get(key) if key is not None else None
    if found is None:
        found = _can(stage, bit, None, {}, held.within)
        if key is not None and found.verdict == YES and not exhausted():
            _witnesses[key] = found
        return found
    proof = found.witness
    assert proof is not None
    return Answer(YES, Witness(_asker(stage), proof.action, proof.resource, proof.context, proof.assumes))


_witnesses: dict[tuple[object, ...] | None, Answer] = memo()


def _resting_on(stage: Scene, bit: int) -> tuple[object, ...] | None:
    """Identify everything that a witness for an action rests on; None where that is the role as a whole."""
    role = stage.role
    if stage.guessed or stage.uncertain or stage.pins or role.resource_policies or bit & _judged_by_trust():
        return None
    identity = tuple([s for s in stage.identity if s.possible_mask & bit])
    denies = tuple([s for s in stage.denies if s.possible_mask & bit])
    layers = tuple([tuple([s for s in la.statements if s.possible_mask & bit]) for la in stage.layers])
    facts = stage.facts(*identity, *denies)
    return (bit, identity, denies, layers, facts, role.service_linked, role.management_account)


def _judged_by_trust() -> int:
    return catalog().service_mask("sts")


def _asker(stage: Scene) -> str:
    return stage.caller.role_arn or stage.caller.arn


def _is_others(stage: Scene, arn: str) -> bool:
    """Tell whether a resource is of another account than those that the question is about."""
    account = arn.split(":", 5)[4] if arn.count(":") > 4 else ""
    return bool(stage.account) and account not in ("", stage.account) and account_like(account) == account


def _is_told_apart(key: str, index: int) -> bool:
    """Tell whether each resource of a call has a value of its own for a key, or none."""
    return bool(catalog().key_gaps(key).get("", 0) >> index & 1)


def _moved(caller: Principal, arn: str) -> Principal:
    """Give a caller whose partition is not known in that of a resource: a call does not leave it (S6.37)."""
    partition = arn.split(":", 2)[1] if arn.count(":") > 1 else ""

    def there(own: str) -> str:
        head, _, rest = own.split(":", 2)
        return f"{head}:{partition}:{rest}"

    known = {name: there(text) for name in ("arn", "role_arn") if (text := getattr(caller, name))}
    return replace(caller, **known) if partition and not has_unknown(partition) else caller


def confirm(
    stage: Scene,
    found: Found,
    given: Mapping[str, str | Sequence[str]],
    certain: bool = True,
    beside: Scene | None = None,
) -> Answer:
    """Let `decide` judge a solved request; nothing is reported that it does not allow.

    Args:
        certain: off to read what is not known in the caller's favour; the witness then says so.
        beside: another version of the role, whose statements took part in the search.
    """
    role = stage.role
    action = catalog().action(found.number).name
    spelled: dict[str, str] = {}
    if given or any(s.context for _, s in found.solved):
        for one in (beside, stage) if beside else (stage,):
            spelled.update(_spelling(one, found.number, given))
    shared: dict[str, Value] = {}
    targets = []
    stated = {k.lower(): (v,) if isinstance(v, str) else tuple(v) for k, v in given.items()}
    apart = {f"{k}@" for _, s in found.solved for k in (*s.context, *stated) if _is_told_apart(k, found.number)}
    for _, solution in found.solved:
        own: dict[str, Value] = {}
        for key, value in ({**solution.context, **stated} if stated else solution.context).items():
            if len(found.solved) == 1 or (key in stated and f"{key}@" not in apart) or shared_key(key, apart):
                shared[key] = value
            elif key not in solution.absent:
                own[key] = value
        targets.append(Target(solution.resource, own))
    assumes: list[str] = []
    guard = None
    if role.resource_policies and len(targets) == 1:
        from rolelint.engine.guarded import guard_of

        guard = guard_of(role, targets[0].arn)
    resource_policy = None
    if guard is not None:
        resource_policy = guard.document
    elif action.lower().startswith("kms:") and any(":key/" in t.arn for t in targets):
        resource_policy = delegating_policy(role)
        assumes.append("the key policy delegates to the account")
    elif any(needs_trust(action, t.arn) for t in targets) and role.trust and targets[0].arn == role.arn:
        resource_policy = role.trust.document  # S6.49
    elif any(needs_trust(action, t.arn) for t in targets):
        resource_policy = delegating_policy(role)
        assumes.append("the trust policy of the target delegates to this account")
    assumes += [f"the owner shares `{t.arn}`" for t in targets if len(targets) > 1 and _is_others(stage, t.arn)]
    if service := forwarding(shared):
        assumes.append(f"{service} makes the call on behalf of the holder")
    caller = stage.caller if stage.partition else _moved(stage.caller, targets[0].arn)
    request = Request(caller, action, tuple(targets), shared, stage.account, role.management_account)
    policies = policy_set(role, resource_policy)
    if stage.account != role.account:
        policies = replace(policies, rcps=None)  # those of the resource's account would count, S6.20
    if not certain:
        policies = favourable(policies)
        assumes.append(ASSUMPTION)
    decision = decide(request, policies)
    told: dict[str, dict[str, Value]] = {}
    for target in targets:
        for key, value in target.context.items():
            told.setdefault(spelled.get(key, key), {})[target.arn] = value
    context = {spelled.get(k, k): v for k, v in shared.items()}
    for key, values in told.items():
        alike = len(set(values.values())) == 1
        context.update((key if alike else f"{key} of {arn}", v) for arn, v in values.items())
    shown: dict[str, Any] = {k: v[0] if len(v) == 1 else list(v) for k, v in sorted(context.items()) if v}
    proof = Witness(caller.role_arn or caller.arn, action, ", ".join(t.arn for t in targets), shown, tuple(assumes))
    if decision.outcome is not Outcome.ALLOW:
        return Answer(UNKNOWN, reason=f"the request found for {action} is not confirmed: {decision.explanation}")
    return Answer(YES, proof, decision)


def _spelling(stage: Scene, index: int, given: Iterable[str]) -> dict[str, str]:
    """Give the spelling of context keys: that of the question, else of the statements that name the action."""
    bit = 1 << index
    every = (*stage.identity, *stage.denies, *(s for layer in stage.layers for s in layer.statements))
    spelled: dict[str, str] = {}
    for statement in every:
        if statement.possible_mask & bit:
            if statement.refs:
                written = statement.statement
                texts = (*(written.resources or ()), *(v for c in written.conditions for v in c.values))
                spelled.update((key.lower(), key) for key in sorted(variable_names(texts), reverse=True))
            spelled.update((c.key, c.condition.key_text) for c in statement.conditions)
    spelled.update((key.lower(), key) for key in given)
    return spelled


def grantable(stage: Scene, mask: int, policy: Policy) -> int:
    """Give what a resource policy that is not known could grant, past everything but SCPs (S6.26 to S6.29)."""
    limits = tuple(layer for layer in stage.layers if layer.name.startswith("SCP"))
    return ceilings(replace(stage, layers=limits), mask & of_service(policy), True).allowed


def of_service(policy: Policy) -> int:
    """Give every action of the service of a resource policy's resource."""
    return catalog().service_mask(policy.resource.split(":", 3)[2])


def unread_text(policy: Policy) -> str:
    """Say that a policy is not known, and why."""
    return f"policy `{policy.name}` is not known: {policy.document.unknown}"


def unnamed_text(policy: Policy) -> str:
    """Say that it is not known whom a resource policy means."""
    return f"whom policy `{policy.name}` lets in is not known"
