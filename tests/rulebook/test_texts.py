"""Words about policy texts: statements that do not do what they say."""

from __future__ import annotations

from typing import Any

import pytest

from .build import allow, by_code, codes, deny, findings

TEXT_RULES = {"RL805", "RL901", "RL902", "RL903"}


def _tests(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {operator: {key: list(values) if len(values) > 1 else values[0]}}


DENY = "rds:Delete*"

SILENT: dict[str, list[dict[str, Any]]] = {
    "a Deny for everyone outside the organization": [
        deny("*", Condition=_tests("StringNotEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5"))
    ],
    "a Deny without MFA, absence included": [
        deny(DENY, Condition=_tests("BoolIfExists", "aws:MultiFactorAuthPresent", "false"))
    ],
    "a Deny for some Regions": [deny(DENY, Condition=_tests("StringEquals", "aws:RequestedRegion", "eu-west-1"))],
    "a Deny on a tag with a pattern": [deny(DENY, Condition=_tests("StringLike", "aws:PrincipalTag/team", "agents-*"))],
    "a wildcard in a key that callers write": [
        deny("s3:ListBucket", "arn:aws:s3:::data", Condition=_tests("StringEquals", "s3:prefix", "*"))
    ],
    "two compatible tests of one key": [
        deny(
            DENY,
            Condition={
                "StringLike": {"aws:RequestedRegion": "eu-*"},
                "StringNotEquals": {"aws:RequestedRegion": "eu-west-1"},
            },
        )
    ],
    "a policy variable": [deny(DENY, Condition=_tests("StringNotEquals", "aws:PrincipalTag/a", "${aws:username}"))],
    "a wildcard that matches": [allow(["ec2:Describe*", "s3:*"])],
    "an Allow that a wrong key makes useless": [
        allow("organizations:LeaveOrganization", Condition=_tests("StringEquals", "aws:ResourceTag/a", "b"))
    ],
    "a Deny that a wrong key makes total": [
        deny("organizations:LeaveOrganization", Condition=_tests("StringNotEquals", "aws:ResourceTag/a", "b"))
    ],
    "a key that some of the actions support": [
        deny(
            ["organizations:LeaveOrganization", "ec2:TerminateInstances"],
            Condition=_tests("StringEquals", "aws:ResourceTag/a", "b"),
        )
    ],
    "a key that nobody publishes": [deny(DENY, Condition=_tests("StringEquals", "acme:unheard-of", "b"))],
    "resources of the right types": [
        allow(["s3:ListBucket", "s3:DeleteObject"], ["arn:aws:s3:::data", "arn:aws:s3:::data/*"])
    ],
    "a short pattern": [deny("rds:DeleteDBCluster", "arn:aws:rds:*")],
    "a variable in the resource": [allow("s3:DeleteObject", "arn:aws:s3:::data/${aws:username}/*")],
    "an ARN of no published type": [deny("s3:DeleteBucket", "arn:aws:s3:::")],
    "harmless actions on other types": [allow("s3:GetBucketLocation", "arn:aws:s3:::data/*")],
}

FIRING: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "a region that is not one": (
        "RL805",
        "high",
        [deny(DENY, Condition=_tests("StringEquals", "aws:RequestedRegion", "europe"))],
    ),
    "an organization that is not one": (
        "RL805",
        "high",
        [deny("*", Condition=_tests("StringEquals", "aws:PrincipalOrgID", "123456789012"))],
    ),
    "a session where AWS compares the role": (
        "RL805",
        "high",
        [
            deny(
                DENY,
                Condition={
                    "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/a"},
                    "ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/a"},
                },
            )
        ],
    ),
    "numbers that exclude each other": (
        "RL805",
        "high",
        [
            deny(
                DENY,
                Condition={
                    "NumericGreaterThan": {"aws:MultiFactorAuthAge": "900"},
                    "NumericLessThan": {"aws:MultiFactorAuthAge": "300"},
                },
            )
        ],
    ),
    "a misspelt Deny": ("RL901", "medium", [deny("rds:DeleteDBClusters")]),
    "a misspelt Allow": ("RL901", "low", [allow("rds:DescribeDBInstance")]),
    "a misspelt exception of an Allow": (
        "RL901",
        "medium",
        [
            {"Effect": "Deny", "NotAction": ["s3:*"], "Resource": "*"},
            {"Effect": "Allow", "NotAction": ["rds:DeleteDBClusters"], "Resource": "arn:aws:s3:::one"},
        ],
    ),
    "no such service": ("RL901", "medium", [deny("dynamo:DeleteTable")]),
    "no service at all": ("RL901", "medium", [deny("DeleteTable")]),
    "a Deny on a key that is never there": (
        "RL902",
        "high",
        [deny("organizations:LeaveOrganization", Condition=_tests("StringLike", "aws:ResourceTag/a", "b"))],
    ),
    "an Allow limited by nothing": (
        "RL902",
        "medium",
        [allow("organizations:LeaveOrganization", Condition=_tests("StringEqualsIfExists", "aws:ResourceTag/a", "b"))],
    ),
    "a Deny on one of two actions": (
        "RL903",
        "medium",
        [deny(["rds:DeleteDBCluster", "rds:DeleteDBInstance"], "arn:aws:rds:*:123456789012:cluster:prod-*")],
    ),
    "an action without resources": (
        "RL903",
        "medium",
        [deny("organizations:LeaveOrganization", "arn:aws:organizations::123456789012:account/o-1/123456789012")],
    ),
    "an Allow on another type": (
        "RL903",
        "info",
        [allow("rds:DeleteDBCluster", "arn:aws:rds:*:123456789012:db:orders")],
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_silent(name: str) -> None:
    found = findings({"Version": "2012-10-17", "Statement": SILENT[name]})
    assert not codes(found) & TEXT_RULES, [f.message for f in found]


@pytest.mark.parametrize("name", FIRING)
def test_fires(name: str) -> None:
    code, severity, items = FIRING[name]
    found = by_code(findings({"Version": "2012-10-17", "Statement": items}))
    assert code in found
    assert found[code].severity == severity


def test_the_place_is_the_text_that_is_wrong() -> None:
    items = [allow("s3:GetObject"), deny(["rds:DeleteDBCluster", "rds:DeleteDbInstances"])]
    found = by_code(findings({"Version": "2012-10-17", "Statement": items}))
    assert found["RL901"].location.route == "Statement/1/Action/1"
    condition = _tests("StringEquals", "aws:ResourceTag/Environment", "prod")
    items = [deny("organizations:LeaveOrganization", Condition=condition)]
    found = by_code(findings({"Version": "2012-10-17", "Statement": items}))
    assert found["RL902"].location.route == "Statement/0/Condition/StringEquals/aws:ResourceTag/Environment"


def test_several_mistakes_are_counted() -> None:
    items = [deny("rds:DeleteDbInstances"), deny("rds:DeleteDbClusters")]
    found = by_code(findings({"Version": "2012-10-17", "Statement": items}))
    assert found["RL901"].message.endswith("(1 more)")
    assert len(found["RL901"].related) == 1


def test_policies_that_aws_writes_are_not_judged_by_their_text() -> None:
    bundle = {"role": "learner", "attached": ["arn:aws:iam::aws:policy/AWSDeepRacerDefaultMultiUserAccess"]}
    assert not codes(findings(bundle)) & TEXT_RULES
