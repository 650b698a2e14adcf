"""Values known only at deployment: both bounds are kept, and nothing unknown passes as proved or as impossible."""

from __future__ import annotations

from typing import Any

import pytest
from engine.building import ACCOUNT, ALL, allow, deny, role

from rolelint.catalog import catalog
from rolelint.engine import actor, can, difference, powers
from rolelint.engine.gains import Difference
from rolelint.errors import Location
from rolelint.policies.role import Role, Unknown
from rolelint.policies.text import unknown
from rolelint.records import replace

_ANY = actor("any")
_X, _ARN = unknown("var.x"), unknown("aws_s3_bucket.b.arn")
_ORG = {"StringNotEquals": {"aws:PrincipalOrgID": unknown("data.org.id")}}


def _said(holder: Role, action: str) -> str:
    answer = can(holder, action, who=_ANY)
    return f"{answer.verdict} {answer.certainty}" if answer.verdict == "yes" else answer.verdict


@pytest.mark.parametrize(
    ("statements", "action", "expected"),
    [
        ([allow("s3:*", f"arn:aws:s3:::{_X}/*")], "s3:DeleteBucket", "no"),
        ([allow("s3:*", f"arn:aws:sqs:*:*:{_X}")], "s3:DeleteBucket", "no"),
        ([allow("s3:*", f"{_ARN}/*")], "s3:DeleteBucket", "no"),
        ([allow("s3:Get*"), allow(f"sqs:{_X}")], "s3:DeleteBucket", "no"),
        ([allow(_X), deny("s3:*")], "s3:DeleteBucket", "no"),
        ([allow("s3:*", "*", {"NumericLessThan": {"aws:MultiFactorAuthAge": _X}, "Null": {"aws:userid": "true"}})],
         "s3:DeleteBucket", "no"),
        ([allow("s3:*", f"arn:aws:s3:::{_X}")], "s3:DeleteBucket", "yes proved"),
        ([allow("s3:*", f"arn:aws:s3:::{_X}/*")], "s3:DeleteObject", "yes proved"),
        ([allow("s3:*", "*", {"StringEquals": {"aws:ResourceTag/env": _X}})], "s3:DeleteBucket", "yes proved"),
        ([allow("s3:*", f"arn:aws:s3:::{_X}"), deny("s3:*", "arn:aws:s3:::prod*")], "s3:DeleteBucket", "yes possible"),
        ([allow("s3:*", f"arn:aws:s3:::dev-{_X}"), deny("s3:*", "arn:aws:s3:::prod*")], "s3:DeleteBucket",
         "yes proved"),
        ([allow("s3:*", "*", {"StringEquals": {"aws:ResourceTag/env": _X}}),
          deny("s3:*", "*", {"StringEquals": {"aws:ResourceTag/env": "prod"}})], "s3:DeleteBucket", "yes possible"),
        ([allow("s3:*"), deny("s3:*", f"arn:aws:s3:::{_X}")], "s3:DeleteBucket", "yes possible"),
        ([allow("s3:*", _ARN)], "s3:DeleteBucket", "yes possible"),
        ([allow("s3:*", f"{_ARN}/*")], "s3:DeleteObject", "yes possible"),
        ([allow("s3:*", f"{_ARN}/${{aws:userid}}/*")], "s3:DeleteObject", "yes possible"),
        ([allow("s3:*", NotResource=f"arn:aws:s3:::{_X}") | {"Resource": "*"}], "s3:DeleteBucket", "yes possible"),
        ([allow(f"s3:Delete{_X}")], "s3:DeleteBucket", "yes possible"),
        ([ALL, deny(f"s3:{_X}")], "s3:DeleteBucket", "yes possible"),
        ([ALL, deny("*", "*", _ORG)], "s3:DeleteBucket", "yes possible"),
        ([ALL, deny("*", "*", {"IpAddress": {"aws:SourceIp": _X}})], "s3:DeleteBucket", "yes possible"),
        ([allow("s3:*", "*", {"StringNotEquals": {"aws:PrincipalType": _X}})], "s3:DeleteBucket", "yes possible"),
        ([allow("s3:*", "*", {"Bool": {"aws:SecureTransport": _X}})], "s3:DeleteBucket", "yes possible"),
        ([allow("s3:*", "*", {"StringMatches": {"aws:userid": "x"}})], "s3:DeleteBucket", "yes possible"),
        ([allow(_X)], "s3:DeleteBucket", "unknown"),
        ([allow([_X, "sqs:*"])], "s3:DeleteBucket", "unknown"),
        ([_X], "s3:DeleteBucket", "unknown"),
        ([allow(_X), deny("s3:Get*")], "s3:DeleteBucket", "unknown"),
    ],
)  # fmt: skip
def test_what_can_be_said(statements: list[Any], action: str, expected: str) -> None:
    assert _said(role(*statements), action) == expected


_QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"
_DEV = {"StringEquals": {"aws:ResourceTag/env": "dev"}}
#: AWS may refuse it, or read it otherwise.
_MAY = {**allow("sqs:DeleteQueue"), "Unknown": "x"}


@pytest.mark.parametrize(
    ("resource", "action", "scope", "certainty"),
    [
        (_ARN, "s3:DeleteBucket", "named", "possible"),
        (f"{_ARN}/*", "s3:DeleteObject", "pattern", "possible"),
        (f"arn:aws:s3:::{_X}", "s3:DeleteBucket", "named", "proved"),
        (f"arn:aws:s3:::{_X}*", "s3:DeleteBucket", "pattern", "proved"),
        (f"arn:aws:rds:*:{ACCOUNT}:db:{_X}", "rds:DeleteDBInstance", "named", "proved"),
        (f"arn:aws:rds:{_X}:{ACCOUNT}:db:*", "rds:DeleteDBInstance", "pattern", "proved"),
    ],
)
def test_an_unknown_value_is_one_thing(resource: str, action: str, scope: str, certainty: str) -> None:
    found = powers(role(allow(action, resource)), _ANY, catalog().expand(action)).powers
    assert [(p.scope, p.certainty, p.resources) for p in found][:1] == [(scope, certainty, (resource,))]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("sqs:DeleteQueue", _QUEUE)], [("named", "proved")]),
        ([allow("sqs:DeleteQueue", _QUEUE), _MAY], [("any", "possible"), ("named", "proved")]),
        ([allow("sqs:DeleteQueue"), _MAY], [("any", "proved")]),
        ([allow("sqs:DeleteQueue", _QUEUE), {**_MAY, "Resource": f"{_QUEUE}-2"}], [("named", "proved")]),
        ([allow("sqs:DeleteQueue", "*", _DEV), _MAY], [("any", "possible"), ("any", "proved")]),
    ],
    ids=["alone", "wider", "as wide", "as narrow", "without its gate"],
)
def test_what_may_reach_further_is_possible_beside_what_is_proved(
    statements: list[Any], expected: list[tuple[str, str]]
) -> None:
    found = powers(role(*statements), actor("automation"), catalog().expand("sqs:DeleteQueue")).powers
    assert sorted((p.scope, p.certainty) for p in found) == expected


def test_an_unknown_action_is_told_and_not_guessed() -> None:
    holder = role(allow([_X, "sqs:DeleteQueue"], Sid="Given"))
    found = powers(holder)
    assert catalog().names(found.mask) == ["sqs:DeleteQueue"]
    (item,) = found.unknown
    assert item.what == "statement `identity/Given`"
    assert item.mask
    assert "Given" in can(holder, "rds:DeleteDBInstance").reason


@pytest.mark.parametrize(
    ("ceilings", "expected"),
    [
        ({"boundary": [_X]}, "yes possible"),
        ({"scps": [[ALL], [_X]]}, "yes possible"),
        ({"session": [_X]}, "yes possible"),
        ({"boundary": [allow(_X)]}, "yes possible"),
        ({"boundary": [_X], "scps": [[]]}, "no"),
        ({"unknowns": (Unknown("permissions boundary", "it is not in the file", Location("f"), widens=False),)},
         "yes possible"),
    ],
)  # fmt: skip
def test_an_unknown_ceiling_leaves_a_power_possible(ceilings: dict[str, Any], expected: str) -> None:
    assert _said(role(allow("s3:*"), **ceilings), "s3:DeleteBucket") == expected


def test_what_is_possible_says_what_it_assumes() -> None:
    answer = can(role(allow("s3:*"), boundary=[_X]), "s3:DeleteBucket")
    assert answer.witness is not None
    assert any("not known" in text for text in answer.witness.assumes)
    assert answer.reason


def test_an_unknown_attached_policy_makes_a_no_unknown() -> None:
    missing = Unknown("attached policy", "its document is not in the file", Location("f"))
    holder = role(allow("s3:Get*"), unknowns=(missing,))
    assert _said(holder, "s3:DeleteBucket") == "unknown"
    assert _said(holder, "s3:GetObject") == "yes proved"


@pytest.mark.parametrize("resource", ["*", _ARN, f"arn:aws:sqs:{_X}:{ACCOUNT}:q", f"arn:aws:sqs:*:*:{_X}"])
def test_under_a_boundary_that_is_not_known_the_same_statement_gains_nothing(resource: str) -> None:
    missing = Unknown("permissions boundary", "its document is not in the file", Location("f"), widens=False)
    holder = role(allow("sqs:DeleteQueue", resource), unknowns=(missing,))
    assert difference(holder, replace(holder)) == Difference((), ())
    wider = difference(role(allow("sqs:*"), unknowns=(missing,)), holder, within=catalog().expand("sqs:PurgeQueue"))
    assert wider.gains


def test_a_difference_tells_what_it_could_not_judge() -> None:
    old = role(allow("s3:Get*"))
    mask = catalog().expand("s3:DeleteBucket")
    assert difference(role(allow("s3:*", f"arn:aws:s3:::{_X}")), old, within=mask).mask == mask
    for statement in (allow(_X), allow("s3:*", _ARN), allow(f"s3:Delete{_X}")):
        found = difference(role(statement), old, within=mask)
        assert not found.gains
        assert found.unknown[0][0] == mask
    same = role(allow("s3:*", _ARN))
    assert difference(same, replace(same), within=mask).unknown == ()


_REGION = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
_SMALL = {"StringEquals": {"ec2:InstanceType": "t3.micro"}}
_MACHINE = "arn:aws:ec2:*:*:instance/*"
_BESIDE = [f"arn:aws:ec2:*:*:{kind}/*" for kind in ("image", "subnet", "network-interface", "security-group", "volume")]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("ec2:*", "*", {"StringEquals": {"aws:RequestedRegion": _X}})], "possible"),
        ([allow("ec2:*", "*", {"StringEquals": {"aws:RequestedRegion": _X}}), allow("ec2:*", "*", _REGION)], "proved"),
        ([allow("ec2:*", _MACHINE, {"StringEquals": {"ec2:InstanceType": _X}}), allow("ec2:*", _MACHINE, _SMALL),
          allow("ec2:*", _BESIDE)], "proved"),
        ([allow("ec2:*", _MACHINE, {"StringEquals": {"aws:RequestedRegion": _X}}), allow("ec2:*", _BESIDE, _REGION)],
         "possible"),
    ],
)  # fmt: skip
def test_what_a_known_statement_grants_does_not_hang_on_an_unknown_one(statements: list[Any], expected: str) -> None:
    holder = role(*statements)
    assert _said(holder, "ec2:RunInstances") == f"yes {expected}"
    found = powers(holder, _ANY, catalog().expand("ec2:RunInstances"))
    assert ("proved" in {power.certainty for power in found.powers}) is (expected == "proved")


@pytest.mark.parametrize(
    "holder",
    [
        role(allow("*", [f"arn:aws:s3:::{_X}/*", f"arn:aws:dynamodb:*:*:table/{_X}"]),
             deny("*", "arn:aws:dynamodb:*:*:table/*")),
        role({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b"},
             boundary=[ALL, allow("s3:*", f"arn:aws:s3:::{_X}/*")]),
    ],
)  # fmt: skip
def test_what_cannot_bear_on_an_answer_leaves_it_proved(holder: Role) -> None:
    assert _said(holder, "s3:DeleteObject") == "yes proved"
    assert {p.certainty for p in powers(holder, _ANY, catalog().expand("s3:DeleteObject")).powers} == {"proved"}


_HERE = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}


@pytest.mark.parametrize(
    ("old", "new", "open_"),
    [
        ([allow("s3:*")], [allow("s3:DeleteObject", f"{_ARN}/*")], False),
        ([ALL], [allow(f"s3:{_X}", "*", _HERE)], False),
        ([allow("s3:*", "*", _HERE)], [allow("s3:DeleteObject", f"{_ARN}/*", _HERE)], False),
        ([allow("s3:*", "*", _HERE)], [allow("s3:DeleteObject", f"{_ARN}/*")], True),
        ([allow("s3:Get*")], [allow("s3:DeleteObject", f"{_ARN}/*")], True),
        ([allow("s3:*", "arn:aws:s3:::a/*")], [allow("s3:DeleteObject", f"{_ARN}/*")], True),
        ([allow("s3:*"), deny("s3:*", "arn:aws:s3:::a/*")], [allow("s3:DeleteObject", f"{_ARN}/*")], True),
        ([allow(f"s3:{_X}")], [allow("s3:DeleteObject", f"{_ARN}/*")], True),
    ],
)
def test_what_is_within_all_that_the_old_role_could_reach_is_no_gain(
    old: list[Any], new: list[Any], open_: bool
) -> None:
    found = difference(role(*new), role(*old), within=catalog().expand_all(["s3:DeleteObject"]), who=_ANY)
    assert bool(found.mask or found.unknown) is open_


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({}, "unknown"),
        ({"boundary": [allow("s3:*", "*", {"Bool": {"aws:SecureTransport": "true"}})]}, "unknown"),
        ({"boundary": [allow("ec2:*")]}, "no"),
        ({"scps": [[ALL, deny("s3:Delete*")]]}, "no"),
    ],
)
def test_an_action_that_is_not_known_is_none_that_a_limit_refuses(limit: dict[str, Any], expected: str) -> None:
    held = role(allow(unknown("var.actions")), **limit)
    bucket = catalog().expand("s3:DeleteBucket")
    assert can(held, "s3:DeleteBucket").verdict == expected
    assert bool(powers(held, within=bucket).unknown) is (expected == "unknown")


@pytest.mark.parametrize(
    ("operator", "action", "expected"),
    [
        ("StringEquals", "ec2:TerminateInstances", "no"),
        ("ForAnyValue:StringLike", "rds:DeleteDBInstance", "no"),
        ("StringEquals", "ec2:CreateVolume", "yes possible"),
        ("StringEqualsIfExists", "ec2:TerminateInstances", "yes possible"),
        ("ForAllValues:StringEquals", "ec2:TerminateInstances", "yes possible"),
    ],
)
def test_no_value_holds_where_the_key_is_absent(operator: str, action: str, expected: str) -> None:
    holder = role(allow("*", condition={operator: {"aws:RequestTag/team": _X}}))
    assert _said(holder, action).replace("proved", "possible") == expected
    found = powers(holder, _ANY, catalog().expand(action))
    assert bool(found.powers) is (expected != "no")
