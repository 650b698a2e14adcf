"""What a role gains through resource policies is what `decide` sees: on random versions of a role and its resources."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from engine.building import ACCOUNT, ALL, ROLE_ARN, policy, role

from rolelint.catalog import catalog
from rolelint.engine import Outcome, actor, decide, difference
from rolelint.engine.request import Context, Principal, Request, Target
from rolelint.engine.scene import policy_set
from rolelint.policies.role import PolicyType, Role
from rolelint.records import replace

_SEEDS = 5000 if os.environ.get("ROLELINT_LONG") else 120
_CHUNKS = 4
_ANY = actor("any")
_OTHER = "999999999999"
_SESSIONS = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/"
#: Resources with policies, with the resources and actions of requests.
_RESOURCES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "arn:aws:s3:::b": (tuple(f"arn:aws:s3:::b/{n}" for n in ("x", "dev/1", "prod/1")), ("s3:DeleteObject",)),
    f"arn:aws:sqs:us-east-1:{ACCOUNT}:q": ((f"arn:aws:sqs:us-east-1:{ACCOUNT}:q",), ("sqs:PurgeQueue",)),
    f"arn:aws:sqs:us-east-1:{_OTHER}:q": ((f"arn:aws:sqs:us-east-1:{_OTHER}:q",), ("sqs:PurgeQueue",)),
}
_ACTIONS = [action for _, actions in _RESOURCES.values() for action in actions]
_PRINCIPALS: list[Any] = ["*", *({"AWS": a} for a in (ROLE_ARN, ROLE_ARN, ACCOUNT, f"{ROLE_ARN}2", f"{_SESSIONS}ci"))]
_CONDITIONS: list[dict[str, Any]] = [
    {"StringEquals": {"aws:PrincipalTag/team": "dev"}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}},
    {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
]
_PARTS = ("/*", "/prod/*", "/?", "/${aws:PrincipalTag/team}/*", "*")


def _statement(rng: random.Random, on: str = "", effect: str = "") -> dict[str, Any]:
    arn = on or rng.choice(list(_RESOURCES))
    patterns = ["*", arn, "arn:aws:s3:::*/prod/*", *(arn + part for part in _PARTS)]
    out: dict[str, Any] = {
        "Effect": effect or rng.choice(("Allow", "Allow", "Deny")),
        "Action" if rng.random() < 0.92 else "NotAction": rng.choice([*_ACTIONS, "s3:*", "sqs:*", "*"]),
        "Resource" if rng.random() < 0.9 else "NotResource": rng.choice(patterns),
    }
    if on:
        out["Principal" if rng.random() < 0.88 else "NotPrincipal"] = rng.choice(_PRINCIPALS)
    if rng.random() < 0.3:
        out["Condition"] = rng.choice(_CONDITIONS)
    return out


def _parts(rng: random.Random) -> dict[str, Any]:
    """Make the statements of a role and of the resources around it, by place."""
    guards = {arn: [_statement(rng, arn) for _ in range(rng.choice((0, 1, 2)))] for arn in _RESOURCES}
    return {
        "identity": [_statement(rng) for _ in range(rng.choice((0, 1, 2)))],
        "boundary": [_statement(rng, effect="Allow")] if rng.random() < 0.3 else None,
        "session": [_statement(rng, effect="Allow")] if rng.random() < 0.15 else None,
        "scps": [[ALL, _statement(rng, effect="Deny")]] if rng.random() < 0.3 else None,
        **guards,
    }


def _changed(rng: random.Random, parts: dict[str, Any]) -> dict[str, Any]:
    fresh = _parts(rng)
    return {**parts, **{place: fresh[place] for place in rng.sample(list(parts), rng.choice((1, 1, 2)))}}


def _build(parts: dict[str, Any]) -> Role:
    above = {place: parts[place] for place in ("boundary", "session", "scps")}
    guards = (policy(PolicyType.RESOURCE, *parts[arn], resource=arn) for arn in _RESOURCES if parts[arn])
    return replace(role(*parts["identity"], **above), resource_policies=tuple(guards))


def _allows(holder: Role, request: Request) -> bool:
    arn = request.targets[0].arn
    governed = arn.split("/")[0] if arn.startswith("arn:aws:s3:::") else arn
    found = (p.document for p in holder.resource_policies if p.resource == governed)
    return decide(request, policy_set(holder, next(found, None))).outcome is Outcome.ALLOW


def _request(action: str, arn: str, session: str, context: Context) -> Request:
    caller = Principal("role_session", arn=_SESSIONS + session, role_arn=ROLE_ARN, account=ACCOUNT)
    return Request(caller, action, (Target(arn),), context, arn.split(":")[4] or ACCOUNT)


def _random_request(rng: random.Random) -> Request:
    arns, actions = rng.choice(list(_RESOURCES.values()))
    tag = rng.choice(((), ("dev",), ("prod",)))
    context = {"aws:principaltag/team": tag, "aws:securetransport": rng.choice((("true",), ("false",)))}
    near = rng.choice((("aws:sourceip", "10.1.1.1"), ("aws:sourceip", "203.0.113.5"), ("aws:sourcevpce", "vpce-1")))
    context[near[0]] = (near[1],)
    return _request(rng.choice(actions), rng.choice(arns), rng.choice(("session", "ci")), context)


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_a_difference_of_grants_is_what_decide_sees(chunk: int) -> None:
    within = catalog().expand_all(_ACTIONS)
    undecided = 0
    for seed in range(chunk, _SEEDS, _CHUNKS):
        rng = random.Random(seed)
        parts = _parts(rng)
        old, new = _build(parts), _build(_changed(rng, parts))
        found = difference(new, old, who=_ANY, within=within)
        told = found.mask
        for mask, _ in found.unknown:
            told |= mask
        undecided += bool(found.unknown)
        for gain in found.gains:
            proof = gain.witness
            context = {k.lower(): (v,) if isinstance(v, str) else tuple(v) for k, v in proof.context.items()}
            tried = [_request(proof.action, proof.resource, name, context) for name in ("session", "ci", "another")]
            assert any(_allows(new, r) and not _allows(old, r) for r in tried), (seed, proof)
        for request in (_random_request(rng) for _ in range(30)):
            if _allows(new, request) and not _allows(old, request):
                assert told >> (catalog().index(request.action) or 0) & 1, (seed, request)
    assert undecided <= _SEEDS / _CHUNKS / 20
