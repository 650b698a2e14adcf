"""Calls of several resources, each with keys of its own: every answer agrees with `decide` (S3.11, S3.12)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from engine.building import ACCOUNT, role

from rolelint.catalog import catalog
from rolelint.engine import actor, can, decide, difference, powers
from rolelint.engine.request import Outcome, PolicySet, Request, Target
from rolelint.engine.scene import policy_set, request_principal
from rolelint.policies.role import Role

_ANY = actor("any")
_KINDS = {
    "ec2:AttachVolume": ("instance", "volume"),
    "ec2:DetachNetworkInterface": ("instance", "network-interface"),
    "ec2:ReplaceNetworkAclAssociation": ("network-acl", "subnet"),
}
_VPCS = [f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/v{n}" for n in (1, 2)]
_VALUES = {
    "ec2:InstanceType": ["t3.nano", "m5.large"],
    "ec2:VolumeType": ["gp3", "io2"],
    "ec2:AvailabilityZone": ["us-east-1a", "eu-west-1a"],
    "ec2:Vpc": _VPCS,
    "aws:ResourceTag/env": ["dev", "prod"],
    "aws:SourceIdentity": ["ann", "bob"],
    "aws:RequestTag/env": ["dev"],
}
_CARRIED = {
    "instance": ("ec2:InstanceType", "ec2:AvailabilityZone"),
    "volume": ("ec2:VolumeType", "ec2:AvailabilityZone"),
    "network-interface": ("ec2:AvailabilityZone", "ec2:Vpc"),
    "network-acl": ("ec2:Vpc",),
    "subnet": ("ec2:Vpc", "ec2:AvailabilityZone"),
}
_TESTS = (
    "StringEquals StringNotEquals StringLike StringNotLike StringEqualsIfExists StringNotLikeIfExists Null "
    "ForAllValues:StringEquals ForAnyValue:StringNotEquals"
).split()


def _statement(rng: random.Random, effect: str, action: str) -> dict[str, Any]:
    def pattern() -> str:
        kind = rng.choice([*_KINDS[action], "*"])
        return f"arn:aws:ec2:{rng.choice(['*', '*', 'us-east-1', 'eu-*'])}:*:{kind}/{rng.choice(['*', 'a*', '?1'])}"

    out: dict[str, Any] = {"Effect": effect, "Action": rng.choice([action, "ec2:*", "*"])}
    listed = [pattern() for _ in range(rng.choice([1, 1, 2]))]
    out.update({"NotResource": listed} if rng.random() < 0.2 else {"Resource": rng.choice(["*", listed])})
    conditions: dict[str, Any] = {}
    for _ in range(rng.choice([0, 1, 1, 2])):
        operator, key = rng.choice(_TESTS), rng.choice(list(_VALUES))
        values: list[Any] = [*_VALUES[key], _VALUES[key], "*"]
        value = rng.choice(["true", "false"]) if operator == "Null" else rng.choice(values)
        conditions.setdefault(operator, {})[key] = value
    return {**out, "Condition": conditions} if conditions else out


def _parts(rng: random.Random, action: str) -> dict[str, list[dict[str, Any]]]:
    def some(effect: str, *counts: int) -> list[dict[str, Any]]:
        return [_statement(rng, effect, action) for _ in range(rng.choice(counts))]

    parts = {"identity": some("Allow", 1, 2, 3) + some("Deny", 0, 1, 2)}
    if rng.random() < 0.4:
        parts["scp"] = some("Allow", 1, 2) + some("Deny", 0, 1)
    if rng.random() < 0.3:
        parts["boundary"] = some("Allow", 1, 2)
    return parts


def _held(parts: dict[str, list[dict[str, Any]]]) -> Role:
    return role(*parts["identity"], scps=[parts["scp"]] if "scp" in parts else None, boundary=parts.get("boundary"))


def _requests(rng: random.Random, holder: Role, action: str) -> Iterator[Request]:
    for _ in range(40):
        region = rng.choice(["us-east-1", "eu-west-1"])
        targets = []
        for kind in _KINDS[action]:
            own = {k.lower(): (rng.choice(_VALUES[k]),) for k in _CARRIED[kind] if rng.random() < 0.7}
            if rng.random() < 0.6:
                own["aws:resourcetag/env"] = (rng.choice(_VALUES["aws:ResourceTag/env"]),)
            targets.append(Target(f"arn:aws:ec2:{region}:{ACCOUNT}:{kind}/{rng.choice(['a1', 'b1', 'c'])}", own))
        shared = {"aws:requestedregion": (region,)}
        if rng.random() < 0.5:
            shared["aws:sourceidentity"] = (rng.choice(_VALUES["aws:SourceIdentity"]),)
        yield Request(request_principal(holder), action, tuple(targets), shared, ACCOUNT)


def _allows(policies: PolicySet, request: Request) -> bool:
    return decide(request, policies).outcome is Outcome.ALLOW


@pytest.mark.parametrize("chunk", range(4))
def test_every_answer_about_resources_with_keys_of_their_own_agrees_with_decide(chunk: int) -> None:
    yes = 0
    for seed in range(chunk * 100, chunk * 100 + 100):
        rng = random.Random(seed)
        action = rng.choice(list(_KINDS))
        parts = _parts(rng, action)
        before = {**parts, "identity": [*parts["identity"][1:], _statement(rng, "Allow", action)]}
        new, old, within = _held(parts), _held(before), catalog().expand(action)
        answer, found = can(new, action, who=_ANY), powers(new, _ANY, within)
        gained = difference(new, old, within=within, who=_ANY)
        yes += answer.verdict == "yes"
        if answer.verdict != "unknown" and not found.unknown:
            assert bool(found.powers) is (answer.verdict == "yes"), seed
        for request in _requests(rng, new, action):
            if _allows(policy_set(new), request):
                assert answer.verdict != "no", (seed, request)
                if not gained.gains and not gained.unknown:
                    assert _allows(policy_set(old), request), (seed, request)
    assert yes > 20
