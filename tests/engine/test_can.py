"""`can`: questions with a resource, a context, several resources, worlds of linked keys."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from engine.building import ACCOUNT, ALL, allow, deny, role

from rolelint.catalog import catalog
from rolelint.engine import Outcome, actor, can, can_within, decide, difference, powers
from rolelint.engine.request import Request, Target
from rolelint.engine.scene import policy_set, request_principal
from rolelint.policies.role import Role

_ANY = actor("any")
_DB = f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:orders"
_EU = {"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}
_INSTANCE, _IMAGE, _SUBNET = f"arn:aws:ec2:*:{ACCOUNT}:instance/*", "arn:aws:ec2:*::image/*", "arn:aws:ec2:*:*:subnet/*"
_T3, _TYPED = {"StringLike": {"ec2:InstanceType": "t3.*"}}, {"ec2:InstanceType": "false"}
_REST = ["arn:aws:ec2:*:*:network-interface/*", "arn:aws:ec2:*:*:security-group/*", "arn:aws:ec2:*:*:volume/*"]


_HOST, _SHELL = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1", "arn:aws:ssm:*::document/AWS-RunShellScript"
_TAGGED = {"StringEquals": {"aws:ResourceTag/env": "dev"}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("ssm:SendCommand", _SHELL)], "no"),
        ([allow("ssm:SendCommand", _HOST)], "no"),
        ([allow("ssm:SendCommand", [_SHELL, _HOST])], "yes"),
        ([allow("ssm:SendCommand", _SHELL), allow("ssm:SendCommand", _HOST)], "yes"),
        ([allow("ssm:SendCommand", _SHELL), allow("ssm:SendCommand", "arn:aws:ec2:*:*:instance/*", _TAGGED)], "yes"),
        ([allow("ssm:SendCommand", _SHELL), allow("ssm:SendCommand"), deny("ssm:*", _HOST)], "no"),
    ],
)
def test_a_resource_of_an_optional_type_beside_those_that_are_required(statements: list[Any], expected: str) -> None:
    answer = can(role(*statements), "ssm:SendCommand", resource=_HOST, who=_ANY)
    assert answer.verdict == expected
    if answer.witness is not None:
        assert answer.witness.resource.endswith(f"document/AWS-RunShellScript, {_HOST}")


@pytest.mark.parametrize(
    ("statements", "action", "resource", "context", "expected"),
    [
        ([allow("s3:*", "arn:aws:s3:::b/*")], "s3:DeleteBucket", None, {}, "no"),
        ([allow("s3:*", "arn:aws:s3:::b")], "s3:DeleteObject", None, {}, "no"),
        ([allow("dynamodb:*", "arn:aws:dynamodb:*:*:table/t/*")], "dynamodb:DeleteTable", None, {}, "no"),
        ([allow("rds:*", "arn:aws:rds:us-*:*:db:*")], "rds:DeleteDBInstance", _DB, {}, "no"),
        ([allow("rds:*")], "rds:DeleteDBInstance", "arn:aws:s3:::b", {}, "no"),
        ([allow("rds:*")], "rds:DeleteDBInstance", _DB, {}, "yes"),
        ([allow("rds:*"), deny("rds:*", _DB)], "rds:DeleteDBInstance", _DB, {}, "no"),
        ([allow("rds:*"), deny("rds:*", _DB)], "rds:DeleteDBInstance", None, {}, "yes"),
        ([allow("rds:*", condition=_EU)], "rds:DeleteDBInstance", _DB, {}, "yes"),
        ([allow("rds:*", _DB, _EU)], "rds:DeleteDBInstance", None, {}, "yes"),
        ([allow("rds:*", _DB, _EU)], "rds:DeleteDBInstance", None, {"aws:RequestedRegion": "us-east-1"}, "no"),
        ([allow("rds:*", condition=_EU)], "rds:DeleteDBInstance", None, {"aws:requestedregion": "us-west-2"}, "no"),
        ([ALL, deny("*", condition={"StringEquals": {"aws:ResourceTag/env": "prod"}})], "ec2:TerminateInstances", None,
         {"aws:ResourceTag/env": "prod"}, "no"),
        ([ALL, deny("*", condition={"StringEquals": {"aws:ResourceTag/env": "prod"}})], "ec2:TerminateInstances", None,
         {"aws:ResourceTag/env": "Prod"}, "yes"),
        ([allow("sqs:*", condition={"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}})], "sqs:CreateQueue", None,
         {"aws:TagKeys": ["b", "a"]}, "yes"),
        ([allow("sqs:*", condition={"ForAllValues:StringEquals": {"aws:TagKeys": "a"}})], "sqs:CreateQueue", None,
         {"aws:TagKeys": ["b", "a"]}, "no"),
        ([allow("s3:*", condition={"Null": {"aws:PrincipalTag/t": "false"}})], "s3:DeleteBucket", None,
         {"aws:PrincipalTag/t": []}, "no"),
        ([allow("organizations:*", "arn:aws:organizations::1:o/*")], "organizations:LeaveOrganization", None, {}, "no"),
        ([allow("sqs:*", condition={"ForAnyValue:StringEquals": {"acme:k": "a"}}),
          deny("sqs:*", condition={"ForAllValues:StringEquals": {"acme:k": "a"}})], "sqs:PurgeQueue", None, {}, "yes"),
        ([allow("sqs:*", condition={"StringEquals": {"acme:k": "a"}}),
          deny("sqs:*", condition={"StringEquals": {"acme:k": "a"}})], "sqs:PurgeQueue", None, {}, "no"),
        ([allow("sqs:*", condition={"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": "o-a"}}),
          deny("sqs:*", condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-a"}})], "sqs:PurgeQueue",
         None, {}, "no"),
        ([allow("rds:*")], "rds:NoSuchThing", None, {}, "unknown"),
    ],
)  # fmt: skip
def test_a_question(
    statements: list[Any], action: str, resource: str | None, context: dict[str, Any], expected: str
) -> None:
    answer = can(role(*statements), action, resource=resource, context=context, who=_ANY)
    assert answer.verdict == expected
    assert (answer.witness is not None) is (expected == "yes")
    assert bool(answer.reason) is (expected == "unknown")


@pytest.mark.parametrize(
    ("statements", "resource", "expected"),
    [
        ([allow("ec2:RunInstances", _INSTANCE)], None, "no"),
        ([allow("ec2:RunInstances", [_INSTANCE, _IMAGE, *_REST])], None, "no"),
        ([allow("ec2:*"), deny("ec2:RunInstances", _SUBNET)], None, "no"),
        ([allow("ec2:*", condition={"StringLikeIfExists": {"ec2:InstanceType": "t3.*"}})], None, "yes"),
        ([allow("ec2:RunInstances", [_INSTANCE, _IMAGE, _SUBNET, *_REST])], None, "yes"),
        # Only the instance has a type, and every resource is judged with its own keys (S3.12).
        ([allow("ec2:*", condition=_T3)], None, "no"),
        ([allow("ec2:*", condition=_T3), allow("ec2:*", [_IMAGE, _SUBNET, *_REST])], None, "yes"),
        ([allow("ec2:*", condition={"StringNotLike": {"ec2:InstanceType": "t3.*"}})], None, "yes"),
        ([allow("ec2:*"), deny("ec2:*", condition={"StringNotLike": {"ec2:InstanceType": "t3.*"}})], None, "no"),
        ([allow("ec2:*"), deny("ec2:*", condition={"StringNotLikeIfExists": {"ec2:InstanceType": "t3.*"}})], None,
         "no"),
        ([allow("ec2:*"), deny("ec2:*", _INSTANCE, {"Null": {"ec2:InstanceType": "true"}})], None, "yes"),
        ([allow("ec2:*"), deny("ec2:*", condition=_T3)], None, "yes"),
        ([allow("ec2:*"), deny("ec2:*", condition={"StringLike": {"ec2:Vpc": "*"}, "Null": _TYPED})], None, "yes"),
        ([allow("ec2:*", condition={"StringEquals": {"aws:RequestTag/team": "a"}})], None, "no"),
        ([allow("ec2:*", _INSTANCE, {"StringEquals": {"aws:RequestTag/team": "a"}}),
          allow("ec2:*", "arn:aws:ec2:*:*:network-interface/*", {"StringEquals": {"aws:RequestTag/team": "b"}}),
          allow("ec2:*", [_IMAGE, _SUBNET, "arn:aws:ec2:*:*:security-group/*"])], None, "yes"),
        ([allow("ec2:*", condition={"Bool": {"ec2:IsLaunchTemplateResource": "true"}})], None, "yes"),
        ([allow("ec2:RunInstances", _INSTANCE), allow("ec2:Run*", [_IMAGE, _SUBNET, *_REST])], None, "yes"),
        ([allow("ec2:RunInstances", _INSTANCE, {"StringLike": {"ec2:InstanceType": "t3.*"}}),
          allow("ec2:Run*", [_IMAGE, _SUBNET, *_REST])], None, "yes"),
        ([allow("ec2:*"), deny("ec2:RunInstances", _INSTANCE, {"StringNotLike": {"ec2:InstanceType": "t3.*"}})],
         None, "yes"),
        ([allow("ec2:*")], f"arn:aws:ec2:us-east-1:{ACCOUNT}:subnet/subnet-1", "yes"),
        ([allow("ec2:*")], f"arn:aws:ec2:us-east-1:{ACCOUNT}:launch-template/lt-1", "yes"),
        ([allow("ec2:*"), deny("ec2:*", "arn:aws:ec2:*:*:launch-template/*")],
         f"arn:aws:ec2:us-east-1:{ACCOUNT}:launch-template/lt-1", "no"),
        ([allow("ec2:*")], f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc-flow-log/x", "no"),
    ],
)  # fmt: skip
def test_an_action_on_several_resources(statements: list[Any], resource: str | None, expected: str) -> None:
    holder = role(*statements)
    answer = can(holder, "ec2:RunInstances", resource=resource, who=_ANY)
    assert answer.verdict == expected
    if resource is None:
        assert bool(powers(holder, _ANY, catalog().expand("ec2:RunInstances")).powers) is (expected == "yes")
    if answer.witness:
        assert answer.witness.resource.count(", ") >= 3


def test_of_several_resources_each_has_its_own_keys() -> None:
    others = [_IMAGE, _SUBNET, "arn:aws:ec2:*:*:security-group/*"]
    face = "arn:aws:ec2:*:*:network-interface/*"
    tagged = [{"StringEquals": {"aws:RequestTag/team": team}} for team in ("a", "b")]
    holder = role(
        allow("ec2:*", _INSTANCE, tagged[0]), allow("ec2:*", face, tagged[1]), allow("ec2:RunInstances", others)
    )
    answer = can(holder, "ec2:RunInstances", who=_ANY)
    assert answer.witness is not None
    assert {key.split(" of ")[1].split(":")[5]: value for key, value in answer.witness.context.items()} == {
        "instance/example": "a",
        "network-interface/example": "b",
    }
    given = {"ec2:InstanceType": "t3.nano"}
    assert can(role(allow("ec2:*", condition=_T3)), "ec2:RunInstances", context=given, who=_ANY).verdict == "no"
    mixed = role(allow("ec2:*", _INSTANCE, _T3), allow("ec2:*", [*others, face]))
    found = can(mixed, "ec2:RunInstances", context=given, who=_ANY)
    assert found.witness is not None
    assert found.witness.context == given
    within = catalog().expand("ec2:RunInstances")
    assert not difference(role(allow("ec2:*", condition=_T3)), None, within=within, who=_ANY).mask
    grown = difference(mixed, role(allow("ec2:*", condition=_T3)), within=within, who=_ANY)
    assert (grown.mask, grown.unknown) == (within, ())


@pytest.mark.parametrize("given", [{"aws:RequestTag/team": "a"}, {"aws:RequestTag/team": "a", "aws:TagKeys": "team"}])
def test_a_tag_that_a_question_gives_is_that_of_the_resources_that_carry_it(given: dict[str, str]) -> None:
    for names, expected in (("team", "yes"), ("env", "no")):
        holder = role(allow("ec2:*", condition={"ForAllValues:StringEquals": {"aws:TagKeys": names}}))
        for action in ("ec2:CreateSnapshot", "ec2:RunInstances", "ec2:CreateVolume"):
            assert can(holder, action, context=given, who=_ANY).verdict == expected, action


@pytest.mark.parametrize(
    ("action", "condition", "expected"),
    [
        ("ec2:CreateNetworkInterface", {"StringEquals": {"ec2:SubnetID": "subnet-1"}}, "no"),
        ("ec2:CreateNetworkInterface", {"StringEquals": {"aws:RequestTag/team": "a"}}, "no"),
        ("ec2:CreateNetworkInterface", {"StringEquals": {"ec2:Vpc": f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/v"}}, "yes"),
        ("ec2:CreateNetworkInterface", {"StringEquals": {"ec2:AvailabilityZone": "us-east-1a"}}, "yes"),
    ],
)
def test_a_key_that_a_type_has_by_itself_is_not_proved_absent(
    action: str, condition: dict[str, Any], expected: str
) -> None:
    assert can(role(allow(action, condition=condition)), action, who=_ANY).verdict == expected


_VOLUME = f"arn:aws:ec2:*:{ACCOUNT}:volume/*"


def _of(*organizations: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:PrincipalOrgID": list(organizations)}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("ec2:*", _INSTANCE, _of("o-a")), allow("ec2:*", _VOLUME, _of("o-c"))], "no"),
        (
            [allow("ec2:*", _INSTANCE, {"Null": {"aws:PrincipalOrgID": "true"}}), allow("ec2:*", _VOLUME, _of("o-a"))],
            "no",
        ),
        ([allow("ec2:*", _INSTANCE, _of("o-a", "o-b")), allow("ec2:*", _VOLUME, _of("o-b", "o-c"))], "yes"),
        (
            [
                allow("ec2:*", _INSTANCE, _of("o-a")),
                allow("ec2:*", _INSTANCE, _of("o-c")),
                allow("ec2:*", _VOLUME, _of("o-c")),
            ],
            "yes",
        ),
        (
            [
                allow("ec2:*"),
                deny("ec2:*", _INSTANCE, {"StringNotEquals": {"aws:PrincipalOrgID": ["o-a", "o-b"]}}),
                deny("ec2:*", _VOLUME, {"StringNotEquals": {"aws:PrincipalOrgID": ["o-b", "o-c"]}}),
            ],
            "yes",
        ),
        (
            [
                allow("ec2:*", _INSTANCE, {"StringNotEquals": {"aws:PrincipalOrgID": "o-x"}}),
                allow("ec2:*", _VOLUME, _of("o-a")),
            ],
            "yes",
        ),
        (
            [
                allow("ec2:*", _INSTANCE, {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
                allow("ec2:*", _VOLUME, {"IpAddress": {"aws:SourceIp": "10.2.0.0/16"}}),
            ],
            "yes",
        ),
    ],
)
def test_resources_of_one_request_share_the_caller(statements: list[Any], expected: str) -> None:
    holder = role(*statements)
    assert can(holder, "ec2:AttachVolume", who=_ANY).verdict == expected
    assert bool(powers(holder, _ANY, catalog().expand("ec2:AttachVolume")).mask) is (expected == "yes")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Bool": {"aws:ViaAWSService": "false"}, "Null": {"aws:CalledVia": "false"}}, "no"),
        ({"StringEquals": {"aws:CalledViaFirst": "a.amazonaws.com"}, "Null": {"aws:CalledVia": "true"}}, "no"),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}, "IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, "no"),
        ({"StringEquals": {"aws:RequestedRegion": "mars-north-1"}}, "no"),
        ({"Bool": {"aws:ViaAWSService": "false"}, "StringLike": {"aws:CalledViaLast": "*"}}, "no"),
        ({"StringEquals": {"aws:SourceIp": "203.0.113.0/24"}}, "no"),
        ({"StringEquals": {"aws:MultiFactorAuthAge": "often"}}, "no"),
        ({"StringEquals": {"aws:SourceIp": ["203.0.113.0/24", "203.0.113.7"]}}, "yes"),
        ({"ForAnyValue:StringLike": {"aws:CalledVia": "athena*"}}, "yes"),
        ({"ForAllValues:StringNotLike": {"aws:CalledVia": ["cloudf*", "athena*", "service*"]},
          "Bool": {"aws:ViaAWSService": "true"}, "Null": {"aws:CalledVia": "false"}}, "yes"),
        ({"ForAnyValue:StringEquals": {"aws:CalledVia": "b.amazonaws.com"},
          "StringEquals": {"aws:CalledViaFirst": "a.amazonaws.com", "aws:CalledViaLast": "c.amazonaws.com"}}, "yes"),
        ({"Bool": {"aws:ViaAWSService": "true"}, "Null": {"aws:CalledVia": "true"}}, "yes"),
        ({"ForAnyValue:StringNotEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}, "yes"),
        ({"StringEquals": {"aws:CalledViaFirst": "a.amazonaws.com", "aws:CalledViaLast": "b.amazonaws.com"}}, "yes"),
        ({"NotIpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}, "Null": {"aws:SourceIp": "false"}}, "yes"),
        ({"NumericNotEquals": {"aws:MultiFactorAuthAge": "abc"}, "Null": {"aws:MultiFactorAuthAge": "false"}}, "yes"),
        ({"DateGreaterThan": {"aws:CurrentTime": "2031-01-01T00:00:00Z"},
          "DateLessThan": {"aws:CurrentTime": "2031-01-01T00:00:01Z"}}, "yes"),
        ({"DateGreaterThan": {"aws:CurrentTime": "2031-01-01T00:00:01Z"},
          "DateLessThan": {"aws:CurrentTime": "2031-01-01T00:00:00Z"}}, "no"),
        ({"DateLessThan": {"aws:CurrentTime": "2024-01-01"}}, "no"),
        ({"DateLessThanIfExists": {"aws:EpochTime": "1700000000"}}, "no"),
        ({"DateLessThanEquals": {"aws:CurrentTime": "2099-01-01"}}, "yes"),
        ({"DateLessThan": {"aws:CurrentTime": "2030-01-01"},
          "NumericGreaterThanEquals": {"aws:EpochTime": "1893456000"}}, "no"),
        ({"DateLessThanEquals": {"aws:CurrentTime": "2030-01-01", "aws:EpochTime": "1893456000"},
          "NumericGreaterThanEquals": {"aws:EpochTime": "1.893456e9"}}, "yes"),
        ({"NumericLessThan": {"aws:EpochTime": "2026"}}, "no"),
        ({"StringEquals": {"aws:EpochTime": "1893456000"}}, "yes"),
        ({"StringEquals": {"aws:EpochTime": "1893456000"}, "DateLessThan": {"aws:CurrentTime": "2029-12-31"}}, "no"),
        ({"NumericGreaterThan": {"aws:EpochTime": "1893456000"}, "StringLike": {"aws:CurrentTime": "2031-*"}}, "yes"),
        ({"Null": {"aws:EpochTime": "true"}}, "no"),
        ({"StringLike": {"aws:UserAgent": "*a*b*"}, "StringNotLike": {"aws:UserAgent": ["*ab*", "a*"]}}, "yes"),
        ({"StringEqualsIgnoreCase": {"aws:UserAgent": "ab"}, "StringNotEquals": {"aws:UserAgent": ["ab", "AB", "aB"]}},
         "yes"),
        ({"StringEqualsIgnoreCase": {"aws:UserAgent": "ÿµß"}}, "yes"),
    ],
)  # fmt: skip
def test_keys_that_hang_together(condition: dict[str, Any], expected: str) -> None:
    assert can(role(allow("s3:*", condition=condition)), "s3:DeleteBucket", who=_ANY).verdict == expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("s3:*", "arn:aws:s3:::logs-${aws:RequestedRegion}"), deny("*", "arn:aws:s3:::logs-us-east-1")], "yes"),
        ([allow("s3:*", "arn:aws:s3:::${aws:PrincipalTag/t}"), deny("*", "arn:aws:s3:::*")], "no"),
        ([allow("s3:*", "arn:aws:s3:::${aws:PrincipalTag/t, 'x'}")], "yes"),
        ([ALL, deny("*", condition={"StringNotEquals": {"aws:ResourceTag/o": "${aws:PrincipalTag/o}"}})], "yes"),
        ([ALL, deny("*", condition={"StringEquals": {"aws:PrincipalTag/o": "${aws:PrincipalTag/p}"}})], "yes"),
    ],
)
def test_policy_variables(statements: list[Any], expected: str) -> None:
    assert can(role(*statements), "s3:DeleteBucket", who=_ANY).verdict == expected


@pytest.mark.parametrize(
    ("ceilings", "expected"),
    [
        ({"boundary": [allow("ec2:*")]}, "no"),
        ({"boundary": []}, "no"),
        ({"boundary": [allow("s3:*", "arn:aws:s3:::b*")]}, "yes"),
        ({"session": [allow("s3:Get*")]}, "no"),
        ({"scps": [[ALL], []]}, "no"),
        ({"scps": [[]]}, "no"),
        ({"scps": [[ALL], [allow("s3:*", condition={"StringEquals": {"aws:PrincipalTag/a": "b"}})]]}, "yes"),
        ({"scps": [[ALL], []], "management_account": True}, "yes"),
        ({"scps": [[]], "service_linked": True}, "yes"),
        ({"rcps": [deny("s3:*", Principal="*")]}, "no"),
        ({"rcps": [deny("s3:*", Principal="*")], "service_linked": True}, "yes"),
        ({"rcps": [deny("ec2:*", Principal="*")]}, "yes"),
        ({"boundary": [allow("s3:*", "arn:aws:s3:::a*")], "session": [allow("s3:*", "arn:aws:s3:::b*")]}, "no"),
    ],
)
def test_ceilings(ceilings: dict[str, Any], expected: str) -> None:
    assert can(role(allow("s3:*"), **ceilings), "s3:DeleteBucket", who=_ANY).verdict == expected


def test_a_witness_is_a_request_that_decide_allows() -> None:
    holder = role(allow("rds:*", "*", {"StringEquals": {"rds:db-tag/env": "dev"}}), deny("rds:*", _DB))
    answer = can(holder, "rds:DeleteDBInstance")
    assert answer.witness is not None
    context = {key.lower(): (value,) for key, value in answer.witness.context.items()}
    request = Request(
        request_principal(holder), answer.witness.action, (Target(answer.witness.resource),), context, ACCOUNT
    )
    assert decide(request, policy_set(holder)).outcome is Outcome.ALLOW


@pytest.mark.parametrize("pattern", ["arn:aws:*:*:*:*orders*", "arn:aws:*:*:*:*orders", "arn:*:rds:*:*:*:ord?rs*"])
def test_a_witness_for_an_open_pattern_is_a_resource_of_the_account(pattern: str) -> None:
    answer = can(role(allow("rds:DeleteDBInstance", pattern)), "rds:DeleteDBInstance", who=_ANY)
    assert answer.witness is not None
    assert answer.witness.resource.startswith(f"arn:aws:rds:us-east-1:{ACCOUNT}:db:")


_BY_TEAM = "arn:aws:s3:::b-${aws:PrincipalTag/Team}/*"


@pytest.mark.parametrize(
    ("holder", "resource", "expected"),
    [
        (role(allow("s3:*", _BY_TEAM)), "arn:aws:s3:::b-red/k/v", {"aws:PrincipalTag/Team": "red"}),
        (role(allow("s3:*", _BY_TEAM)), "arn:aws:s3:::c-red/k", None),
        (role(allow("s3:*", _BY_TEAM), deny("*", "arn:aws:s3:::b-red/*")), "arn:aws:s3:::b-red/k", None),
        (role(allow("s3:*", "arn:aws:s3:::b/${aws:PrincipalTag/a}/${aws:PrincipalTag/b}/*")), "arn:aws:s3:::b/1/2/v",
         {"aws:PrincipalTag/a": "1", "aws:PrincipalTag/b": "2"}),
        (role(allow("s3:*", "arn:aws:s3:::b/*/${aws:PrincipalTag/a}")), "arn:aws:s3:::b/home/ops",
         {"aws:PrincipalTag/a": "ops"}),
        (role(allow("s3:*", "arn:aws:s3:::*/?/${aws:PrincipalTag/a}/*")), "arn:aws:s3:::b/d/ops/v",
         {"aws:PrincipalTag/a": "ops"}),
        (role(allow("s3:*", "arn:aws:s3:::b/*/${aws:PrincipalTag/a}")), "arn:aws:s3:::b/ops", None),
        (role(allow("s3:*", "arn:aws:s3:::b/${aws:userid}/*")), "arn:aws:s3:::b/AROAX:me/v",
         {"aws:userid": "AROAX:me"}),
        (role(allow("s3:*", "arn:aws:s3:::b/${aws:username}/*"), kind="user"), "arn:aws:s3:::b/app/v",
         {"aws:username": "app"}),
        (role(allow("s3:*", "arn:aws:s3:::b/${aws:username}/*"), kind="user"), "arn:aws:s3:::b/other/v", None),
    ],
)  # fmt: skip
def test_a_given_resource_tells_the_values_of_variables(
    holder: Role, resource: str, expected: dict[str, str] | None
) -> None:
    answer = can(holder, "s3:DeleteObject", resource=resource)
    assert (answer.witness.context if answer.witness else None) == expected
    assert answer.verdict == ("no" if expected is None else "yes")


def test_a_tag_that_a_given_resource_tells_is_the_value_of_another() -> None:
    own = {"StringEquals": {"aws:ResourceTag/app": "${aws:PrincipalTag/app}"}}
    holder = role(allow("lambda:*", "arn:aws:lambda:*:*:function:${aws:ResourceTag/app}", own))
    answer = can(holder, "lambda:DeleteFunction", resource=f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:pay")
    assert answer.witness is not None
    assert answer.witness.context == {"aws:PrincipalTag/app": "pay", "aws:ResourceTag/app": "pay"}


@pytest.mark.parametrize(
    ("denied", "region"),
    [("us-east-1", "us-east-2"), ("us-*", "af-south-1")],
)
def test_a_witness_is_in_a_region_that_exists(denied: str, region: str) -> None:
    answer = can(role(allow("rds:*"), deny("*", f"arn:aws:rds:{denied}:*:*")), "rds:DeleteDBInstance")
    assert answer.witness is not None
    assert answer.witness.resource.split(":")[3] == region


_READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.mark.parametrize(
    ("statement", "action", "resource", "expected"),
    [
        (allow("iam:*"), "iam:DeletePolicy", _READ_ONLY, "no"),
        (allow("iam:*", f"arn:aws:iam::{ACCOUNT}:policy/*"), "iam:GetPolicy", _READ_ONLY, "no"),
        (allow("iam:*"), "iam:GetPolicy", _READ_ONLY, "yes"),
        (allow("iam:*", "arn:aws:iam::aws:policy/Read*"), "iam:GetPolicyVersion", _READ_ONLY, "yes"),
        (allow("ssm:*"), "ssm:GetParameter", "arn:aws:ssm:eu-west-1::parameter/aws/service/x", "yes"),
        (allow("ssm:*"), "ssm:DeleteParameter", "arn:aws:ssm:eu-west-1::parameter/aws/service/x", "no"),
    ],
)
def test_what_belongs_to_aws_is_only_read(statement: Any, action: str, resource: str, expected: str) -> None:
    assert can(role(statement), action, resource=resource).verdict == expected


_IN_IRELAND = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
_ELSEWHERE = {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}
_IN_CHINA = {"partition": "aws-cn", "arn": f"arn:aws-cn:iam::{ACCOUNT}:role/app"}


@pytest.mark.parametrize(
    ("holder", "action", "expected"),
    [
        (role(allow("*", condition=_IN_IRELAND)), "iam:*", "no"),
        (role(ALL, deny("*", condition=_ELSEWHERE)), "route53:DeleteHostedZone", "no"),
        (role(ALL, deny("*", condition=_ELSEWHERE)), "organizations:LeaveOrganization", "no"),
        (role(allow("*", condition={"StringLike": {"aws:RequestedRegion": "us-east-*"}})),
         "globalaccelerator:DeleteAccelerator", "no"),
        (role(ALL, deny("*", condition=_ELSEWHERE)), "*:Delete*", "yes"),
        (role(ALL, deny("*", condition=_ELSEWHERE)), "sts:AssumeRole", "yes"),
        (role(allow("*", condition={"StringLike": {"aws:RequestedRegion": "us-*"}})), "iam:DeleteRole", "yes"),
        (role(allow("*", condition={"StringEquals": {"aws:RequestedRegion": "cn-north-1"}}), **_IN_CHINA),
         "iam:DeleteRole", "yes"),
    ],
)  # fmt: skip
def test_a_global_service_is_called_in_its_own_region(holder: Role, action: str, expected: str) -> None:
    assert can(holder, action).verdict == expected  # S5.36


@pytest.mark.parametrize(
    ("condition", "action", "expected"),
    [
        ({"StringEquals": {"ec2:Region": "eu-west-1", "aws:RequestedRegion": "us-east-1"}}, "ec2:DeleteVpc", "no"),
        ({"StringEquals": {"kms:CallerAccount": "999999999999"}}, "kms:ScheduleKeyDeletion", "no"),
        ({"StringEquals": {"s3:ResourceAccount": "999999999999"}}, "s3:DeleteObject", "no"),
        ({"StringLike": {"aws:userid": "AIDA*"}}, "s3:DeleteObject", "no"),
        ({"StringEquals": {"ec2:Region": "eu-west-1"}}, "ec2:DeleteVpc", "yes"),
        ({"StringEquals": {"kms:CallerAccount": ACCOUNT}}, "kms:ScheduleKeyDeletion", "yes"),
        ({"StringEquals": {"s3:ResourceAccount": ACCOUNT}}, "s3:DeleteObject", "yes"),
        ({"StringLike": {"aws:userid": "AROA*:deploy"}}, "s3:DeleteObject", "yes"),
    ],
)
def test_keys_that_services_name_anew(condition: dict[str, Any], action: str, expected: str) -> None:
    assert can(role(allow("*", condition=condition)), action).verdict == expected


_ABROAD, _THERE = "111122223333", "arn:aws:rds:*:111122223333:db:*"


def _owned(account: str | list[str], operator: str = "StringEquals") -> dict[str, Any]:
    return {operator: {"aws:ResourceAccount": account}}


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (role(allow("rds:*"), deny("*", condition=_owned(ACCOUNT))), "no"),
        (role(allow("rds:*", condition=_owned(_ABROAD))), "no"),
        (role(allow("rds:*", _THERE, _owned(ACCOUNT)), kind="policy"), "no"),
        (role(allow("rds:*", _THERE), deny("*", condition=_owned(_ABROAD)), kind="policy"), "no"),
        (role(allow("rds:*", _THERE), deny("*", condition=_owned([ACCOUNT], "StringNotEquals")), kind="policy"), "no"),
        (role(allow("rds:*", condition={"StringEquals": {
            "aws:ResourceAccount": "${aws:PrincipalAccount}", "aws:PrincipalAccount": _ABROAD}}),
              deny("*", _THERE), kind="policy"), "no"),
        (role(allow("rds:*", condition=_owned(ACCOUNT))), "yes"),
        (role(allow("rds:*"), deny("*", condition=_owned("${aws:PrincipalAccount}")), kind="policy"), "yes"),
        (role(allow("rds:*"), deny("*", condition=_owned("${aws:PrincipalAccount}", "StringNotEquals"))), "yes"),
        (role(allow("rds:*", condition=_owned([f"{n:012}" for n in range(100)])), kind="policy"), "yes"),
        (role(allow("rds:*", _THERE, _owned(_ABROAD)), kind="policy"), "yes"),
        (role(allow("rds:*", _THERE), deny("*", condition=_owned("${aws:PrincipalAccount}", "StringNotEquals")),
              kind="policy"), "yes"),
        (role(allow("rds:*", "arn:aws:rds:*:1111*:db:*", _owned(_ABROAD)), kind="policy"), "yes"),
    ],
)  # fmt: skip
def test_the_account_of_a_resource_is_the_one_in_its_arn(holder: Role, expected: str) -> None:
    answer = can(holder, "rds:DeleteDBInstance")  # S5.34
    assert answer.verdict == expected
    if answer.witness is not None:
        account = answer.witness.resource.split(":")[4]
        assert answer.witness.context.get("aws:ResourceAccount") == account
    assert bool(powers(holder, None, catalog().expand("rds:DeleteDBInstance")).mask) is (expected == "yes")


@pytest.mark.parametrize(("account", "expected"), [(_ABROAD, "no"), ("222233334444", "yes")])
def test_the_account_of_a_given_arn_is_that_of_the_resource(account: str, expected: str) -> None:
    lone = role(allow("rds:DeleteDBInstance"), deny("*", condition=_owned(_ABROAD)), kind="policy")
    arn = f"arn:aws:rds:us-east-1:{account}:db:x"
    assert can(lone, "rds:DeleteDBInstance", resource=arn).verdict == expected


def test_a_role_that_is_assumed_may_be_of_another_account() -> None:
    holder = role(allow("sts:AssumeRole", condition=_owned(_ABROAD)))
    answer = can(holder, "sts:AssumeRole")
    assert answer.witness is not None
    assert f":{_ABROAD}:" in answer.witness.resource
    assert powers(holder, None, catalog().expand("sts:AssumeRole")).mask
    assert can(holder, "sts:AssumeRole", resource=f"arn:aws:iam::{ACCOUNT}:role/x").verdict == "no"


@pytest.mark.parametrize(
    "tested", [{"StringNotEquals": ACCOUNT}, {"StringNotEqualsIfExists": ACCOUNT}, {"Null": "true"}]
)
def test_a_key_that_some_actions_lack_holds_them_off_no_more_than_the_others(tested: dict[str, str]) -> None:
    holder = role(allow("*", condition={operator: {"kms:CallerAccount": value} for operator, value in tested.items()}))
    for action, expected in (("kms:ScheduleKeyDeletion", "no"), ("rds:DeleteDBInstance", "yes")):
        assert can(holder, action).verdict == expected
        assert bool(powers(holder, None, catalog().expand(action)).mask) is (expected == "yes")


def test_requests_that_may_lack_the_account_of_the_resource_pass_a_deny_on_it() -> None:
    holder = role(ALL, deny("*", condition=_owned(ACCOUNT)))
    assert can(holder, "ec2:DeleteVolume").verdict == "yes"  # S5.34
    assert can(holder, "ec2:TerminateInstances").verdict == "no"
    shared = role(allow("ec2:*"), deny("*", "arn:aws:ec2:*::image/*", _owned(ACCOUNT)))
    assert can(shared, "ec2:RunInstances").verdict == "yes"


def test_the_region_of_a_resource_is_that_of_its_request() -> None:
    holder = role(ALL, deny("ec2:*", condition={"StringNotEquals": {"ec2:Region": "eu-west-1"}}))
    for region, expected in (("us-east-1", "no"), ("eu-west-1", "yes")):
        arn = f"arn:aws:ec2:{region}:{ACCOUNT}:instance/i-1"
        assert can(holder, "ec2:TerminateInstances", resource=arn).verdict == expected


@pytest.mark.parametrize("key", ["aws:RequestedRegion", "ec2:Region"])
def test_a_region_of_the_question_is_that_of_the_resource(key: str) -> None:
    action, here = "ec2:TerminateInstances", f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/*"
    question: dict[str, str] = {key: "eu-west-1"}
    answer = can(role(ALL), action, context=question)
    assert answer.witness is not None
    assert answer.witness.resource.startswith("arn:aws:ec2:eu-west-1:")
    assert can(role(ALL), action, context=question, resource=here.replace("*", "i-1")).verdict == "no"
    assert can(role(allow(action, here)), action, context=question).verdict == "no"
    assert can(role(ALL), "iam:DeleteRole", context=question).verdict == "no"
    for named in ("aws:RequestedRegion", "ec2:Region"):
        for region, expected in (("us-east-1", "no"), ("eu-west-1", "yes")):
            holder = role(allow(action, condition={"StringEquals": {named: region}}))
            assert can(holder, action, context=question).verdict == expected


def test_two_regions_of_one_request() -> None:
    regions = {"aws:RequestedRegion": "eu-west-1", "ec2:Region": "us-east-1"}
    assert can(role(ALL), "ec2:TerminateInstances", context=regions).verdict == "no"


def test_a_witness_says_only_the_name_of_a_tag_that_is_written() -> None:
    for name in ("ec2:ResourceTag/env", "aws:ResourceTag/env"):
        answer = can(role(allow("ec2:*", condition={"StringEquals": {name: "dev"}})), "ec2:TerminateInstances")
        assert answer.witness is not None
        assert answer.witness.context == {name: "dev"}


def test_of_several_spellings_of_a_key_in_one_statement_a_witness_takes_always_the_same() -> None:
    spellings = ("aws:PrincipalTag/team", "aws:principaltag/team", "AWS:PrincipalTag/team", "aws:principalTag/team")
    name = "-".join(f"${{{key}}}" for key in spellings)
    answer = can(role(allow("s3:DeleteObject", f"arn:aws:s3:::b/{name}"), tags={"team": "a"}), "s3:DeleteObject")
    assert answer.witness is not None
    assert list(answer.witness.context) == ["AWS:PrincipalTag/team"]


def test_the_principal_is_of_the_partition_that_policies_name() -> None:
    nowhere = {"arn": "", "account": "", "partition": ""}
    holder = role(allow("rds:DeleteDBInstance", "arn:aws-cn:rds:*:*:db:*"), **nowhere)
    answer = can(holder, "rds:DeleteDBInstance")
    assert answer.verdict == "yes"
    assert answer.witness is not None
    assert answer.witness.principal.startswith("arn:aws-cn:iam::")


def test_a_question_about_another_region_is_not_about_a_global_service() -> None:
    for region, expected in (("eu-west-1", "no"), ("us-east-1", "yes")):
        assert can(role(ALL), "iam:DeleteRole", context={"aws:RequestedRegion": region}).verdict == expected


def test_a_witness_names_the_service_that_forwards_the_call() -> None:
    through = {"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}
    answer = can(role(allow("s3:*", condition=through)), "s3:DeleteBucket")
    assert answer.witness is not None
    assert answer.witness.assumes == ("`athena.amazonaws.com` makes the call on behalf of the holder",)


def test_a_plain_star_is_no_wildcard() -> None:
    snapshots = f"arn:aws:dynamodb:*:{ACCOUNT}:table/"
    within = catalog().expand("backup:DeleteRecoveryPoint")
    for pattern, expected in (("${*}x", False), ("*x", True)):
        holder = role(allow("backup:*", snapshots + pattern))
        assert can(holder, within).verdict == ("yes" if expected else "no")
        assert bool(powers(holder, within=within).powers) is expected


@pytest.mark.parametrize(
    ("key", "action"), [("iam:PolicyARN", "iam:AttachRolePolicy"), ("iam:PermissionsBoundary", "iam:CreateRole")]
)
def test_no_policy_is_called_by_a_star(key: str, action: str) -> None:
    every = f"arn:aws:iam::{ACCOUNT}:policy/app-*"
    one = f"arn:aws:iam::{ACCOUNT}:policy/app-1"
    for operator, value, expected in (
        ("StringEquals", every, "no"),
        ("StringEquals", [every, one], "yes"),
        ("StringLike", every, "yes"),
        ("ArnEquals", every, "yes"),
    ):
        assert can(role(allow(action, condition={operator: {key: value}})), action).verdict == expected
    unless = {"StringNotEquals": {key: every}}
    assert can(role(ALL, deny(action, condition=unless)), action).verdict == "no"


def test_every_run_finds_the_same_witness() -> None:
    program = """
import sys
from engine.building import allow, role
from rolelint.engine import actor, can
before = [object() for _ in range(int(sys.argv[1]))]
tag = [{"ForAnyValue:StringEquals": {"aws:TagKeys": name}} for name in ("one", "two", "three", "four", "five")]
ceilings = [allow("*", condition=c) for c in tag]
holder = role(ceilings[0], boundary=ceilings[1:2], session=ceilings[2:3], scps=[ceilings[3:4], ceilings[4:]])
print(can(holder, "ec2:CreateTags", who=actor("any")).witness.context)
"""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    found = {
        subprocess.run(
            [sys.executable, "-c", program, str(run * 997)],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(run)},
            capture_output=True,
            check=True,
        ).stdout
        for run in range(4)
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:SourceIp": "10.0.0.0/8"}}, "no"),
        ({"StringLike": {"aws:SourceIp": "10.*"}, "IpAddress": {"aws:SourceIp": "11.0.0.0/8"}}, "unknown"),
        ({"StringLike": {"aws:CurrentTime": "2020-*"}}, "unknown"),
        ({"StringLike": {"aws:SourceIp": ["10.*", "192.168.*"]}}, "yes"),
        ({"StringLike": {"aws:SourceIp": "10.?.*.5"}}, "yes"),
        ({"StringLike": {"aws:SourceIp": "2001:db8:*"}}, "yes"),
        ({"StringLike": {"aws:SourceIp": "10.*"}, "IpAddress": {"aws:SourceIp": "10.2.0.0/16"}}, "yes"),
        ({"StringLike": {"aws:CurrentTime": "2031-1*"}}, "yes"),
        ({"StringLike": {"aws:CurrentTime": "2031-*"}, "DateLessThan": {"aws:CurrentTime": "2031-06-01"}}, "yes"),
    ],
)
def test_an_address_or_a_date_compared_as_text(condition: dict[str, Any], expected: str) -> None:
    assert can(role(allow("sqs:*", condition=condition)), "sqs:PurgeQueue", who=_ANY).verdict == expected


@pytest.mark.parametrize(
    ("condition", "key", "value"),
    [
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}}, "aws:PrincipalArn",
         f"arn:aws:iam::{ACCOUNT}:role/admin"),
        ({"StringLike": {"aws:PrincipalAccount": "1111*"}}, "aws:PrincipalAccount", "111111111111"),
        ({"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}, "aws:PrincipalAccount", "111111111111"),
    ],
)  # fmt: skip
def test_the_principal_of_a_lone_policy_has_an_account(condition: dict[str, Any], key: str, value: str) -> None:
    answer = can(role(allow("sqs:*", condition=condition), kind="policy"), "sqs:PurgeQueue", who=_ANY)
    assert answer.witness is not None
    assert answer.witness.context[key] == value


@pytest.mark.parametrize("kind", ["boundary", "session", "scps"])
def test_a_ceiling_allows_each_resource_of_a_request_by_another_statement(kind: str) -> None:
    small = allow("ec2:*", _INSTANCE, {"StringEquals": {"ec2:InstanceType": "t3.micro"}})
    rest = allow("ec2:*", [_IMAGE, _SUBNET, *_REST])
    for statements, expected in (([small], "no"), ([small, rest], "yes")):
        ceiling: Any = [statements] if kind == "scps" else statements
        holder = role(allow("ec2:*"), **{kind: ceiling})
        assert can(holder, "ec2:RunInstances", who=_ANY).verdict == expected
        found = powers(holder, _ANY, catalog().expand("ec2:RunInstances"))
        assert [power.gate for power in found.powers] == (
            ["if ec2:InstanceType StringEquals t3.micro"] if expected == "yes" else []
        )


def test_the_widest_way_through_a_ceiling_is_told_of_actions_on_several_resources() -> None:
    document = "arn:aws:ssm:*:*:document/AWS-RunShellScript"
    holder = role(allow("ssm:SendCommand"), boundary=[allow("*", "*", _EU), allow("ssm:*", document)])
    found = powers(holder, _ANY, catalog().expand("ssm:SendCommand"))
    assert {(power.scope, bool(power.gate)) for power in found.powers} == {("any", True), ("named", False)}


_ONE, _TWO = "111122223333", "444455556666"


def _of(account: str) -> dict[str, Any]:
    return {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/*"}}


@pytest.mark.parametrize(
    ("condition", "given", "expected"),
    [
        ({"StringEquals": {"aws:PrincipalAccount": _ONE}, **_of(_TWO)}, {}, ""),
        ({"StringNotEquals": {"aws:PrincipalAccount": _ONE}, **_of(_ONE)}, {}, ""),
        ({"StringEquals": {"aws:PrincipalAccount": _ONE, "kms:CallerAccount": _TWO}}, {}, ""),
        ({"StringEquals": {"aws:PrincipalAccount": _ONE}}, {"aws:PrincipalArn": f"arn:aws:iam::{_TWO}:role/x"}, ""),
        (_of(_ONE), {"aws:PrincipalAccount": _TWO}, ""),
        ({"StringEquals": {"aws:PrincipalAccount": _ONE}, **_of(_ONE)}, {}, _ONE),
        ({"StringEquals": {"aws:PrincipalAccount": _ONE}, **_of("*")}, {}, _ONE),
        ({"StringEquals": {"aws:PrincipalAccount": _ONE, "kms:CallerAccount": _ONE}}, {}, _ONE),
        ({"StringNotLike": {"aws:PrincipalAccount": "1*"}, **_of("*")}, {}, "000000000000"),
        (_of("${aws:PrincipalAccount}"), {}, ACCOUNT),
    ],
)
def test_a_policy_by_itself_has_a_caller_of_one_account(
    condition: dict[str, Any], given: dict[str, str], expected: str
) -> None:
    held = role(allow("kms:*", "*", condition), kind="policy")
    answer = can(held, "kms:ScheduleKeyDeletion", context=given, who=_ANY)
    assert (answer.witness.context["aws:PrincipalAccount"] if answer.witness else "") == expected  # S5.30
    assert answer.verdict == ("yes" if expected else "no")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("arn:aws:iam::?:role/app", ""),
        ("arn:aws:iam::iam*:role/app", ""),
        ("arn:*iam*", ""),
        ("arn:aws:iam::9*:role/app", "arn:aws:iam::923456789012:role/app"),
        ("arn:aws:iam::*9:role/app", "arn:aws:iam::123456789019:role/app"),
    ],
)
def test_a_request_for_a_policy_by_itself_names_an_account_and_partition_that_exist(
    resource: str, expected: str
) -> None:
    held = role(allow("iam:*", resource), kind="policy")
    answer = can(held, "iam:DeleteRole", who=_ANY)
    assert (answer.witness.resource if answer.witness else "") == expected
    assert powers(held, _ANY, catalog().expand("iam:DeleteRole")).mask == (
        catalog().expand("iam:DeleteRole") if expected else 0
    )


@pytest.mark.parametrize(
    ("operator", "kind", "expected"),
    [
        ("StringEquals", "db:prod", "no"),
        ("StringLikeIfExists", "db:prod", "yes"),
        ("StringNotEquals", "db:prod", "yes"),
        ("StringEquals", "cluster:prod", "yes"),
    ],
)
def test_a_tag_of_one_type_is_on_no_resource_of_another(operator: str, kind: str, expected: str) -> None:
    held = role(allow("rds:*", "*", {operator: {"rds:cluster-tag/team": "x"}}))
    answer = can(held, "rds:AddTagsToResource", resource=f"arn:aws:rds:eu-west-1:{ACCOUNT}:{kind}", who=_ANY)
    assert answer.verdict == expected


def test_a_tag_of_one_type_tells_of_what_is_made_from_it() -> None:
    held = role(allow("rds:*", "*", {"StringEquals": {"rds:db-tag/team": "x"}}))
    assert can(held, "rds:CreateBlueGreenDeployment", who=_ANY).verdict == "yes"


@pytest.mark.parametrize(
    ("action", "expected"),
    [("sqs:DeleteQueue", "no"), ("sqs:SendMessage", "unknown"), ("sqs:ReceiveMessage", "no"), ("s3:PutObject", "no")],
)
def test_a_pattern_of_another_account_is_answered_as_its_resources_are(action: str, expected: str) -> None:
    held = role(ALL, deny("sqs:Receive*"))
    theirs = "arn:aws:sqs:eu-west-1:999999999999:jobs-1"
    assert can(held, action, resource=theirs, who=_ANY).verdict == expected
    assert can_within(held, action, theirs.replace("-1", "-*"), who=_ANY).verdict == expected


_UNPROTECTING = {"ec2:Attribute": "DisableApiTermination", "ec2:Attribute/DisableApiTermination": "false"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"ec2:Attribute/SourceDestCheck": "false"}}, "no"),
        ({"StringEquals": {"ec2:Attribute": "InstanceType"}}, "no"),
        ({"StringEquals": {"ec2:Attribute/InstanceType": "t3.micro", "ec2:Attribute/EbsOptimized": "true"}}, "no"),
        ({"StringEqualsIfExists": {"ec2:Attribute/InstanceType": "t3.micro"}}, "yes"),
        ({"StringNotEquals": {"ec2:Attribute/InstanceType": "t3.micro"}}, "yes"),
        ({"StringEquals": {"ec2:Attribute/disableApiTermination": "false"}}, "yes"),
    ],
)
def test_a_call_sets_one_attribute(condition: dict[str, Any], expected: str) -> None:
    held = role(allow("ec2:ModifyInstanceAttribute", "*", condition))
    assert can(held, "ec2:ModifyInstanceAttribute", context=_UNPROTECTING).verdict == expected


@pytest.mark.parametrize(("named", "expected"), [("UserData", "no"), ("instanceType", "yes")])
def test_a_question_about_one_attribute_is_about_no_other(named: str, expected: str) -> None:
    held = role(allow("ec2:ModifyInstanceAttribute", "*", {"StringEquals": {"ec2:Attribute": named}}))
    answer = can(held, "ec2:ModifyInstanceAttribute", context={"ec2:Attribute/InstanceType": "t3.micro"})
    assert answer.verdict == expected


def test_options_of_instance_metadata_are_set_together() -> None:
    both = {"StringEquals": {"ec2:Attribute/HttpTokens": "required", "ec2:Attribute/HttpEndpoint": "enabled"}}
    one, several = "ec2:ModifyInstanceAttribute", "ec2:ModifyInstanceMetadataOptions"
    held = role(allow([one, several], "*", both))
    assert (can(held, one).verdict, can(held, several).verdict) == ("no", "yes")


_CHINA, _HERE_TOO = ["cn-north-1"], ["us-east-1", "cn-north-1"]


@pytest.mark.parametrize(
    ("statements", "action", "given", "expected"),
    [
        ([allow("*", "arn:aws:rds:*:*:db:*")], "rds:DeleteDBInstance", "cn-north-1", ""),
        ([allow("*", "*", {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})], "iam:DeleteRole", "", ""),
        ([allow("*", "*", {"StringEquals": {"aws:RequestedRegion": _CHINA}})], "rds:DeleteDBInstance", "", "aws-cn"),
        ([allow("*", "*", {"StringEquals": {"aws:RequestedRegion": _CHINA}})], "iam:DeleteRole", "", "aws-cn"),
        ([allow("*", "*", {"StringLike": {"aws:RequestedRegion": "us-gov-*"}})], "s3:DeleteBucket", "", "aws-us-gov"),
        ([allow("*", "*", {"StringLike": {"aws:RequestedRegion": "us-*"}})], "rds:DeleteDBInstance", "", "aws"),
        ([allow("*", "*", {"StringEquals": {"aws:RequestedRegion": _HERE_TOO}})], "rds:DeleteDBInstance", "", "aws"),
        (
            [
                allow("*", "*", {"StringEquals": {"aws:RequestedRegion": _HERE_TOO}}),
                deny("*", "*", {"StringEquals": {"ec2:Region": "us-east-1"}}),
            ],
            "ec2:TerminateInstances",
            "",
            "aws-cn",
        ),
        (
            [allow("*", ["arn:aws:rds:*:*:db:*", "arn:aws-cn:rds:*:*:db:*"]), deny("*", "arn:aws:rds:*:*:db:*")],
            "rds:DeleteDBInstance",
            "",
            "aws-cn",
        ),
        ([allow("*")], "rds:DeleteDBInstance", "cn-north-1", "aws-cn"),
    ],
)
def test_a_policy_by_itself_is_of_the_partition_of_its_regions(
    statements: list[Any], action: str, given: str, expected: str
) -> None:
    held = role(*statements, kind="policy")
    answer = can(held, action, context={"aws:RequestedRegion": given} if given else {})
    proof = answer.witness
    assert answer.verdict == ("yes" if expected else "no")
    if proof is not None:
        assert [text.split(":")[1] for text in (proof.principal, proof.resource)] == [expected] * 2


_NOT_IN_IRELAND = {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("s3:*", "arn:aws:s3:::*", _NOT_IN_IRELAND), deny("s3:*", ["arn:aws:s3:::*", "arn:aws-cn:s3:::b"])],
         None),
        ([allow("s3:*", ["arn:aws:s3:::x", "arn:aws-cn:s3:::*"], _NOT_IN_IRELAND), deny("s3:*", "arn:aws:s3:::*")],
         "arn:aws-cn:s3:::example"),
        ([allow("s3:*", "*", _NOT_IN_IRELAND), deny("s3:*", ["arn:aws:s3:::*", "arn:aws-cn:s3:::*"])],
         "arn:aws-us-gov:s3:::example"),
    ],
)  # fmt: skip
def test_of_several_partitions_each_has_regions_of_its_own(statements: list[Any], expected: str | None) -> None:
    answer = can(role(*statements, kind="policy"), "s3:DeleteBucket", who=_ANY)
    assert answer.verdict == ("yes" if expected else "no")
    assert (answer.witness and answer.witness.resource) == expected


@pytest.mark.parametrize(("partition", "expected"), [("aws", "yes"), ("aws-cn", "yes"), ("aws-us-gov", "no")])
def test_a_question_about_a_resource_tells_the_partition_of_a_policy_by_itself(partition: str, expected: str) -> None:
    chinese = allow("s3:DeleteBucket", "arn:aws-cn:s3:::*")
    held = role(chinese, allow("rds:*"), deny("rds:*", "arn:aws-us-gov:rds:*:*:*"), kind="policy")
    answer = can(held, "rds:DeleteDBInstance", resource=f"arn:{partition}:rds:us-east-1:{ACCOUNT}:db:x", who=_ANY)
    assert answer.verdict == expected


_OWN_PARTS = [
    f"arn:aws:ec2:*:{ACCOUNT}:{kind}/*" for kind in ("instance", "network-interface", "security-group", "volume")
]
_NETWORK = "arn:aws:ec2:*:210987654321:"


@pytest.mark.parametrize(
    ("resources", "scope"),
    [
        ([*_OWN_PARTS, "arn:aws:ec2:*::image/*"], ""),
        ([*_OWN_PARTS[1:], "arn:aws:ec2:*::image/*", f"{_NETWORK}instance/*", f"{_NETWORK}subnet/*"], ""),
        ([*_OWN_PARTS, "arn:aws:ec2:*::image/*", f"{_NETWORK}subnet/*"], "pattern"),
        ([*_OWN_PARTS, "arn:aws:ec2:*::image/*", "arn:aws:ec2:*:*:subnet/*"], "any"),
    ],
)
def test_instances_start_in_a_subnet_that_another_account_shares(resources: list[str], scope: str) -> None:
    held = role(allow(["ec2:RunInstances", "ec2:DeleteSubnet"], resources))
    answer = can(held, "ec2:RunInstances", who=_ANY)
    assert answer.verdict == ("yes" if scope else "no")
    assert [p.scope for p in powers(held, _ANY, catalog().expand("ec2:RunInstances")).powers] == [scope] * bool(scope)
    if answer.witness is not None:
        assert bool(answer.witness.assumes) is (scope == "pattern")
    assert can(held, "ec2:DeleteSubnet", who=_ANY).verdict == ("yes" if scope == "any" else "no")
    asked = can(held, "ec2:RunInstances", resource=f"{_NETWORK}subnet/subnet-1".replace("*", "us-east-1"), who=_ANY)
    assert asked.verdict == ("unknown" if scope else "no")


@pytest.mark.parametrize(
    ("statements", "verdict", "partition", "region"),
    [
        ([allow("ec2:AttachVolume", ["arn:aws:ec2:*:*:instance/*", "arn:aws-cn:ec2:*:*:volume/*"])], "no", "", ""),
        ([allow("ec2:AttachVolume", ["arn:aws:ec2:*:*:*", "arn:aws-cn:ec2:*:*:volume/*"])], "yes", "aws", "us-east-1"),
        ([allow("ec2:AttachVolume", ["arn:aws:ec2:*:*:instance/*", "arn:aws-cn:ec2:*:*:*"])], "yes", "aws-cn",
         "cn-north-1"),
        ([allow("ec2:AttachVolume"), deny("ec2:*", "arn:aws:ec2:us-*:*:instance/*"),
          deny("ec2:*", "arn:aws:ec2:af-*:*:volume/*")], "yes", "aws", "ap-east-1"),
    ],
)  # fmt: skip
def test_a_call_is_in_one_partition_and_region(
    statements: list[Any], verdict: str, partition: str, region: str
) -> None:
    answer = can(role(*statements, kind="policy"), "ec2:AttachVolume", who=_ANY)
    assert answer.verdict == verdict
    if answer.witness:
        places = {tuple(arn.split(":")[1:4:2]) for arn in answer.witness.resource.split(", ")}
        assert places == {(partition, region)}


def test_a_short_name_is_one_that_people_give() -> None:
    held = role(allow("s3:DeleteBucket", "arn:aws:s3:::log-*"), deny("s3:*", "arn:aws:s3:::log-??*"))
    answer = can(held, "s3:DeleteBucket")
    assert answer.witness is not None
    assert answer.witness.resource == "arn:aws:s3:::log-x"


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("ec2:TerminateInstances", "no"),
        ("elasticache:DeleteCacheCluster", "no"),
        ("secretsmanager:DeleteSecret", "no"),
        ("ec2:CreateTags", "yes"),
        ("ec2:CreateVolume", "yes"),
        ("secretsmanager:UntagResource", "yes"),
    ],
)
def test_only_a_request_that_passes_tags_carries_them(action: str, verdict: str) -> None:
    condition = {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}
    assert can(role(allow("*", condition=condition)), action, who=_ANY).verdict == verdict
    untagged = deny("*", condition={"Null": {"aws:TagKeys": "true"}})
    assert can(role(allow("*"), untagged), action, who=_ANY).verdict == verdict


_TAG_POLICIES = "arn:aws:organizations::*:policy/o-*/tag_policy/p-*"
_SCPS = "arn:aws:organizations::*:policy/o-*/service_control_policy/p-*"
_ONE_TAG_POLICY = f"arn:aws:organizations::{ACCOUNT}:policy/o-abc/tag_policy/p-1"


def _of_type(kind: str) -> dict[str, Any]:
    return {"StringEquals": {"organizations:PolicyType": kind}}


@pytest.mark.parametrize(
    ("statements", "resource", "context", "expected"),
    [
        ([allow("*", _TAG_POLICIES, _of_type("SERVICE_CONTROL_POLICY"))], None, None, "no"),
        ([allow("*", _TAG_POLICIES, _of_type("TAG_POLICY"))], None, None, "yes"),
        ([allow("*", condition=_of_type("SERVICE_CONTROL_POLICY"))], _ONE_TAG_POLICY, None, "no"),
        ([allow("*", condition=_of_type("TAG_POLICY"))], _ONE_TAG_POLICY, None, "yes"),
        ([allow("*", condition=_of_type("TAG_POLICY"))], None, None, "yes"),
        ([allow("*", _SCPS), deny("*", condition=_of_type("SERVICE_CONTROL_POLICY"))], None, None, "yes"),
        ([allow("*", _SCPS), deny("*", condition={"StringNotEquals": {"organizations:PolicyType": "TAG_POLICY"}})],
         None, None, "no"),
        ([allow("*", _SCPS, {"StringLike": {"organizations:PolicyType": "TAG_*"}})], None, None, "no"),
        ([allow("*", _SCPS, {"StringLike": {"organizations:PolicyType": "SERVICE_*"}})], None, None, "yes"),
        ([allow("*"), deny("*", _SCPS)], None, "SERVICE_CONTROL_POLICY", "no"),
        ([allow("*"), deny("*", _SCPS)], None, "TAG_POLICY", "yes"),
        ([allow("*", condition={"StringLike": {"organizations:PolicyType": "*"}})], None, None, "yes"),
    ],
)  # fmt: skip
def test_the_arn_of_a_policy_of_an_organization_tells_its_type(
    statements: list[Any], resource: str | None, context: str | None, expected: str
) -> None:
    given = {"organizations:PolicyType": context} if context else None
    holder = role(*statements)
    answer = can(holder, "organizations:UpdatePolicy", resource=resource, context=given, who=_ANY)
    assert answer.verdict == expected
    if resource is None and context is None:
        found = powers(holder, _ANY, catalog().expand("organizations:UpdatePolicy"))
        assert (bool(found.powers), found.unknown) == (expected == "yes", ())


def test_a_type_of_policies_is_asked_of_other_resources_too() -> None:
    root = f"arn:aws:organizations::{ACCOUNT}:root/o-abc/r-1"
    for action, resource in (
        ("organizations:ListPolicies", None),
        ("organizations:DisablePolicyType", root),
        ("organizations:CreatePolicy", None),
    ):
        holder = role(allow("*", condition=_of_type("TAG_POLICY")))
        assert can(holder, action, resource=resource, who=_ANY).verdict == "yes", action
