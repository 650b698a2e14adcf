"""What the set engine calls impossible, `decide` never allows: on wider random principals."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from typing import Any

import pytest
from properties import wide

from rolelint.catalog import catalog
from rolelint.engine import Outcome, actor, can, decide, difference, powers
from rolelint.engine.scene import policy_set
from rolelint.policies.text import unknown

#: The long profile (ROLELINT_LONG=1) is run by hand and reported; the default keeps the suite fast.
_LONG = bool(os.environ.get("ROLELINT_LONG"))
_SEEDS = 2500 if _LONG else 60
_REQUESTS = 60 if _LONG else 30
_CHUNKS = 6
_ANY = actor("any")


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_no_means_that_no_request_is_allowed(chunk: int) -> None:
    within = catalog().expand_all(wide.ACTIONS)
    undecided = asked = 0
    for seed in range(chunk, _SEEDS, _CHUNKS):
        rng = random.Random(seed)
        made = wide.plain(rng)
        holder = wide.build(made)
        verdicts = {a: can(holder, a, who=_ANY).verdict for a in wide.ACTIONS}
        held = powers(holder, _ANY, within)
        open_ = held.mask
        for item in held.unknown:
            open_ |= item.mask
        policies = policy_set(holder)
        asked += len(verdicts)
        undecided += sum(v == "unknown" for v in verdicts.values())
        for action, verdict in verdicts.items():
            index = catalog().index(action) or 0
            if verdict != "unknown":
                assert (verdict == "yes") == bool(open_ >> index & 1), (seed, action)
        for _ in range(_REQUESTS):
            request = wide.request(rng, made.user)
            if decide(request, policies).outcome is not Outcome.ALLOW:
                continue
            assert verdicts[request.action] != "no", (seed, request)
            arn = rng.choice(request.targets).arn
            if arn != "*":
                assert can(holder, request.action, resource=arn, who=_ANY).verdict != "no", (seed, request)
    assert undecided <= asked / 100


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_nothing_that_is_gained_is_missed(chunk: int) -> None:
    within = catalog().expand_all(wide.ACTIONS)
    for seed in range(chunk, _SEEDS, _CHUNKS):
        rng = random.Random(seed + 1_000_000)
        before = wide.plain(rng)
        after = wide.changed(rng, before)
        if rng.random() < 0.5:
            before, after = after, before
        old, new = wide.build(before), wide.build(after)
        found = difference(new, old, who=_ANY, within=within)
        told = found.mask
        for mask, _ in found.unknown:
            told |= mask
        for _ in range(_REQUESTS):
            request = wide.request(rng, before.user)
            if (
                decide(request, policy_set(new)).outcome is Outcome.ALLOW
                and decide(request, policy_set(old)).outcome is not Outcome.ALLOW
            ):
                assert told >> (catalog().index(request.action) or 0) & 1, (seed, request)


def _hiding(rng: random.Random, made: wide.Plain) -> wide.Plain:
    """Put a value that is not known into some statements."""

    def hidden(document: dict[str, Any]) -> dict[str, Any]:
        statements = [dict(s) for s in document["Statement"]]
        for one in statements:
            if rng.random() < 0.35:
                element = rng.choice([e for e in ("Action", "Resource") if e in one] or ["NotAction"])
                one[element] = [unknown("var.x")] if rng.random() < 0.7 else [*one[element][:1], unknown("var.y")]
        return {**document, "Statement": statements}

    boundary = hidden(made.boundary) if made.boundary else None
    return replace(made, identity=[hidden(d) for d in made.identity], boundary=boundary)


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_what_may_be_gained_is_told(chunk: int) -> None:
    for seed in range(chunk, _SEEDS, _CHUNKS):
        rng = random.Random(seed + 2_000_000)
        before = _hiding(rng, wide.plain(rng))
        after = wide.changed(rng, before)
        if rng.random() < 0.5:
            before, after = after, before
        old, new = wide.build(before), wide.build(after)
        found = difference(new, old, who=_ANY, within=catalog().expand_all(wide.ACTIONS))
        told = found.mask
        for mask, _ in found.unknown:
            told |= mask
        for action in wide.ACTIONS:
            if not told >> (catalog().index(action) or 0) & 1:
                verdicts = can(new, action, who=_ANY).verdict, can(old, action, who=_ANY).verdict
                assert verdicts != ("yes", "no"), (seed, action)
