"""The laws of the engine: the set engine against the definition, and what every evaluation must respect."""

from __future__ import annotations

import os
import random

import pytest
from properties import worlds

from rolelint.catalog import catalog
from rolelint.engine import Outcome, actor, can, decide, difference, powers, witness
from rolelint.engine.request import Request
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType
from rolelint.records import replace

#: The long profile (ROLELINT_LONG=1) is run by hand and reported; the default keeps the suite fast.
LONG = bool(os.environ.get("ROLELINT_LONG"))
_ROLES = 1500 if LONG else 60
_REQUESTS = 80 if LONG else 25
_ANY = actor("any")
_CHUNKS = 10


def _roles(chunk: int) -> list[tuple[random.Random, worlds.RandomRole]]:
    out = []
    for number in range(chunk, _ROLES, _CHUNKS):
        rng = random.Random(number)
        out.append((rng, worlds.random_role(rng)))
    return out


def _pinned(request: Request) -> dict[str, tuple[str, ...]]:
    return {key: tuple(request.context.get(key, ())) for key in worlds.absent_keys()}


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_membership_agrees_with_decide(chunk: int) -> None:
    known = catalog()
    for rng, made in _roles(chunk):
        for _ in range(_REQUESTS):
            request = worlds.random_request(rng)
            carried = {
                k for k in request.context if not (known.key_mask(k) or 0) >> (known.index(request.action) or 0) & 1
            }
            if carried:  # the action cannot carry these keys: AWS never sends such a request
                request = replace(request, context={k: v for k, v in request.context.items() if k not in carried})
            allowed = decide(request, worlds.policies(made.role)).outcome is Outcome.ALLOW
            answer = can(made.role, request.action, resource=request.targets[0].arn, context=_pinned(request), who=_ANY)
            assert answer.verdict == ("yes" if allowed else "no"), (made.plain, request, answer)


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_every_no_survives_a_search(chunk: int) -> None:
    for rng, made in _roles(chunk):
        verdicts = {a: can(made.role, a, who=_ANY).verdict for a in worlds.ACTIONS}
        for _ in range(_REQUESTS):
            request = worlds.random_request(rng)
            if verdicts[request.action] == "no" and _possible(request):
                outcome = decide(request, worlds.policies(made.role)).outcome
                assert outcome is not Outcome.ALLOW, (made.plain, request)


def _possible(request: Request) -> bool:
    known = catalog()
    index = known.index(request.action)
    assert index is not None
    return all((known.key_mask(key) or 0) >> index & 1 for key in request.context)


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_every_power_has_a_witness_that_decide_allows(chunk: int) -> None:
    roles_undecided = 0
    for _, made in _roles(chunk):
        found = powers(made.role, _ANY, catalog().expand_all(worlds.ACTIONS))
        # Free policy variables are tried with some values only; that must stay rare, and be said.
        assert {u.reason for u in found.unknown} <= {"it depends on the values of policy variables"}
        roles_undecided += bool(found.unknown)
        undecided = 0
        for item in found.unknown:
            undecided |= item.mask
        for power in found.powers:
            for index in catalog().indexes(power.mask):
                answer = witness(found, index)
                assert answer.verdict == "yes", (made.plain, catalog().names(1 << index), answer)
                # What another role with the same statements was answered is true of this one.
                assert answer.witness == can(made.role, 1 << index, who=_ANY).witness, (made.plain, answer)
        left = catalog().expand_all(worlds.ACTIONS) & ~found.mask & ~undecided
        for index in catalog().indexes(left):
            assert can(made.role, 1 << index, who=_ANY).verdict == "no", (made.plain, catalog().names(1 << index))
    assert roles_undecided <= max(1, _ROLES // _CHUNKS // 50)


def test_nothing_is_allowed_by_default() -> None:
    role = worlds.build({"identity": []})
    assert powers(role, _ANY).mask == 0
    assert can(role, "*", who=_ANY).verdict == "no"


def test_deny_beats_allow() -> None:
    for seed in range(40):
        rng = random.Random(seed)
        made = worlds.random_role(rng)
        deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
        denied = worlds.build({**made.plain, "identity": [*made.plain["identity"], deny]})
        assert powers(denied, _ANY).mask == 0
        request = worlds.random_request(rng)
        assert decide(request, worlds.policies(denied)).outcome is Outcome.EXPLICIT_DENY


def test_order_does_not_matter() -> None:
    for seed in range(40):
        rng = random.Random(seed)
        made = worlds.random_role(rng)
        shuffled = []
        for document in made.plain["identity"]:
            statements = [
                {k: (rng.sample(v, len(v)) if isinstance(v, list) else v) for k, v in s.items()}
                for s in document["Statement"]
            ]
            rng.shuffle(statements)
            shuffled.append({**document, "Statement": statements})
        rng.shuffle(shuffled)
        other = worlds.build({**made.plain, "identity": shuffled})
        assert powers(made.role, _ANY).mask == powers(other, _ANY).mask
        for _ in range(20):
            request = worlds.random_request(rng)
            one = decide(request, worlds.policies(made.role)).outcome
            assert one is decide(request, worlds.policies(other)).outcome


def test_a_boundary_only_narrows() -> None:
    for seed in range(60):
        rng = random.Random(seed)
        made = worlds.random_role(rng)
        boundary = Policy(
            PolicyType.BOUNDARY, "b", parse_document(worlds.document(rng, 3)), made.role.identity[0].locate
        )
        bounded = replace(made.role, boundary=boundary)
        free = replace(made.role, boundary=None)
        assert powers(bounded, _ANY).mask & ~powers(free, _ANY).mask == 0


def test_a_role_gains_nothing_over_itself_and_loses_nothing_by_an_added_deny() -> None:
    for seed in range(30):
        rng = random.Random(seed)
        made = worlds.random_role(rng)
        assert difference(made.role, made.role).gains == ()
        narrowed = {"Version": "2012-10-17", "Statement": [worlds.statement(rng, "Deny")]}
        less = worlds.build({**made.plain, "identity": [*made.plain["identity"], narrowed]})
        found = difference(less, made.role, who=_ANY, within=catalog().expand_all(worlds.ACTIONS))
        assert found.gains == (), made.plain


@pytest.mark.parametrize("seed", range(200 if LONG else 30))
def test_a_difference_is_what_decide_sees(seed: int) -> None:
    rng = random.Random(seed)
    old, new = worlds.random_role(rng), worlds.random_role(rng)
    within = catalog().expand_all(worlds.ACTIONS)
    found = difference(new.role, old.role, who=_ANY, within=within)
    undecided = 0
    for mask, _ in found.unknown:
        undecided |= mask
    for _ in range(60):
        request = worlds.random_request(rng)
        if not _possible(request):
            continue
        gained = (
            decide(request, worlds.policies(new.role)).outcome is Outcome.ALLOW
            and decide(request, worlds.policies(old.role)).outcome is not Outcome.ALLOW
        )
        index = catalog().index(request.action) or 0
        if gained and not undecided >> index & 1:
            assert found.mask >> index & 1, (request, old.plain, new.plain)
