"""A Deny that leaves something out gives what is left as the scope; one on a part limits that part only."""

from __future__ import annotations

from typing import Any

import pytest

from .build import allow, by_code, codes, deny, findings, statements

DELETE = "rds:DeleteDBCluster"
CLUSTERS = "arn:aws:rds:*:123456789012:cluster:"


def but(*names: str, action: str = "rds:*", **more: Any) -> dict[str, Any]:
    """Write a Deny of everything except some clusters."""
    return {"Effect": "Deny", "Action": action, "NotResource": [CLUSTERS + n for n in names], **more}


def tagged(operator: str, *values: str) -> dict[str, Any]:
    """Write a condition on the environment's tag."""
    return {"Condition": {operator: {"aws:ResourceTag/env": list(values)}}}


IN_IRELAND: dict[str, Any] = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}

DENIES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "everything but what is disposable": ([but("dev-*")], ""),
    "everything but what is disposable, and one more": ([but("dev-*", "main")], "high"),
    "everything but one": ([but("main")], "high"),
    "everything but some": ([but("app-*")], "high"),
    "everything but any": ([but("*")], "critical"),
    "everything but some, in one Region": (
        [but("app-*", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})],
        "critical",
    ),
    "everything but what is disposable, without MFA": (
        [but("dev-*", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})],
        "",
    ),
    "one": ([deny(DELETE, CLUSTERS + "main")], "critical"),
    "without the tag": ([deny(DELETE, **tagged("StringNotEquals", "dev"))], ""),
    "without one of the tags": ([deny(DELETE, **tagged("StringNotEquals", "dev", "test"))], ""),
    "without the tag, or that of production": ([deny(DELETE, **tagged("StringNotEquals", "dev", "prod"))], "critical"),
    "with the tag of production": ([deny(DELETE, **tagged("StringEquals", "prod"))], "high"),
    "with a tag that says disposable": ([deny(DELETE, **tagged("StringEquals", "dev"))], "critical"),
    "with another tag, where there is one": (
        [deny(DELETE, **tagged("ForAnyValue:StringNotEquals", "dev"))],
        "critical",
    ),
    "without a tag at all": ([deny(DELETE, Condition={"Null": {"aws:ResourceTag/env": "true"}})], "critical"),
    "without the tag, on all clusters": ([deny(DELETE, CLUSTERS + "*", **tagged("StringNotEquals", "dev"))], ""),
    "without the tag, in one Region": (
        [deny(DELETE, "arn:aws:rds:us-east-1:123456789012:cluster:*", **tagged("StringNotEquals", "dev"))],
        "critical",
    ),
    "without the tag, in one Region by its key": (
        [deny(DELETE, Condition={**tagged("StringNotEquals", "dev")["Condition"], **IN_IRELAND})],
        "critical",
    ),
    "without the tag, in some Regions": (
        [
            deny(DELETE, f"arn:aws:rds:{region}:123456789012:cluster:*", **tagged("StringNotEquals", "dev"))
            for region in ("us-*", "eu-*")
        ],
        "critical",
    ),
    "without the tag, which another key lets be": (
        [deny(DELETE, Condition={"StringNotEquals": {"aws:ResourceTag/team": "a", "aws:PrincipalTag/team": "a"}})],
        "critical",
    ),
    "without one tag or another": (
        [deny(DELETE, Condition={"StringNotEquals": {"aws:ResourceTag/team": "a", "aws:ResourceTag/unit": "a"}})],
        "high",
    ),
    "without the tag, by whom has no MFA": (
        [
            deny(
                DELETE,
                Condition={
                    **tagged("StringNotEquals", "core")["Condition"],
                    "BoolIfExists": {"aws:MultiFactorAuthPresent": "false"},
                },
            )
        ],
        "high",
    ),
    "without the tag, on some clusters": (
        [deny(DELETE, CLUSTERS + "a*", **tagged("StringNotEquals", "dev"))],
        "critical",
    ),
}


@pytest.mark.parametrize("name", DENIES)
def test_severity(name: str) -> None:
    written, severity = DENIES[name]
    found = by_code(findings(statements(allow(DELETE), *written)))
    assert (found["RL201"].severity if "RL201" in found else "") == severity


IRISH = "arn:aws:rds:eu-west-1:123456789012:cluster:*"
REGIONS = ("eu-west-1", "us-east-1")


@pytest.mark.parametrize(
    "granted",
    [
        allow(DELETE, Condition=IN_IRELAND),
        allow(DELETE, Condition={"StringEquals": {"aws:RequestedRegion": list(REGIONS)}}),
        allow(DELETE, IRISH),
        allow(DELETE, IRISH.replace("*", "app-*")),
    ],
    ids=["the Region of the request", "the Regions of the request", "the Region of the resource", "some of it"],
)
@pytest.mark.parametrize("kind", ["role", "policy"])
def test_denies_of_all_that_an_allow_reaches(granted: dict[str, Any], kind: str) -> None:
    role = {"name": "tool", "arn": "arn:aws:iam::123456789012:role/tool"}
    not_dev = tagged("StringNotEquals", "dev")
    kept = [deny(DELETE, IRISH.replace("eu-west-1", region), **not_dev) for region in REGIONS]
    for held, silent in (([granted], False), ([granted, *kept], True)):
        document = {"Version": "2012-10-17", "Statement": held}
        found = findings({"role": role, "inline": {"p": document}} if kind == "role" else document)
        assert ("RL201" not in codes(found)) is silent


def test_a_deny_of_all_record_names_but_some() -> None:
    names = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    rest = {"ForAnyValue:StringNotLike": {names: "*.preview.example.com"}}
    change = "route53:ChangeResourceRecordSets"
    assert "RL209" not in codes(findings(statements(allow(change), deny(change, Condition=rest))))


def test_what_a_deny_leaves_is_the_scope() -> None:
    found = by_code(findings(statements(allow(DELETE), but("app-*"))))
    assert found["RL201"].scope == "pattern"
    proof = found["RL201"].witness
    assert proof is not None
    assert proof.resource == "arn:aws:rds:us-east-1:123456789012:cluster:app-example"
    assert f"`{CLUSTERS}app-*`" in found["RL201"].message


def test_a_deny_of_all_roles_but_one() -> None:
    task = "arn:aws:iam::123456789012:role/app-task"
    rest = {"Effect": "Deny", "Action": ["iam:PassRole", "sts:AssumeRole"], "NotResource": task}
    found = codes(findings(statements(allow(["iam:PassRole", "sts:AssumeRole"]), rest)))
    assert found.isdisjoint({"RL602", "RL603"})
