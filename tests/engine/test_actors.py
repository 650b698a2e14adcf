"""What an actor can and cannot put in the request context, and what its gates are worth."""

from __future__ import annotations

from typing import Any

import pytest
from engine.building import ACCOUNT, allow, deny, role

from rolelint.engine import actor, can
from rolelint.engine.actors import actors, key_domain
from rolelint.engine.questions import Answer
from rolelint.errors import UsageError
from rolelint.policies.role import Role
from rolelint.policies.text import unknown

_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
_NO_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
_OLD_MFA = {"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "900"}}
_APPROVED = {"StringEquals": {"aws:PrincipalTag/approved": "yes"}}
_VIA_MCP = {"Bool": {"aws:ViaAWSMCPService": "true"}}
_DIRECT = {"BoolIfExists": {"aws:ViaAWSMCPService": "false"}}
_MCP_ACTION = {"Bool": {"aws:IsMcpServiceAction": "true"}}
_SERVER = {"StringEquals": {"aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"}}
_IDENTITY = {"StringLike": {"aws:SourceIdentity": "?*"}}
_DELETE = "rds:DeleteDBInstance"
_ANYONE = [allow(["sts:AssumeRole"], Principal={"AWS": ACCOUNT})]
_TAGGING = [allow(["sts:AssumeRole", "sts:TagSession"], Principal={"AWS": ACCOUNT})]
_NAMING = [allow(["sts:AssumeRole", "sts:SetSource*"], Principal={"AWS": ACCOUNT})]


def _ask(holder: Role, who: str) -> Answer:
    return can(holder, _DELETE, who=actor(who))


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("rds:*", condition=_MFA)], {"human", "any"}),
        ([allow("rds:*"), deny("rds:Delete*", condition=_NO_MFA)], {"human", "any"}),
        ([allow("rds:*"), deny("rds:Delete*", condition=_OLD_MFA)], {"human", "any"}),
        ([allow("rds:*", condition=_APPROVED)], {"human", "any"}),
        ([allow("rds:*", condition=_VIA_MCP)], {"mcp", "any"}),
        ([allow("rds:*", condition=_SERVER)], {"mcp", "any"}),
        ([allow("rds:*", condition=_DIRECT)], {"automation", "human", "any"}),
        ([allow("rds:*"), deny("*", condition=_VIA_MCP)], {"automation", "human", "any"}),
        ([allow("rds:*", condition=_MCP_ACTION)], {"any"}),
        ([allow("rds:*", condition=_IDENTITY)], {"human", "any"}),
        ([allow("rds:*", condition={"StringEquals": {"aws:RequestTag/x": "y"}})], set()),
        ([allow("rds:*", condition={"StringLike": {"aws:UserAgent": "terraform*"}})], set(actors())),
        ([allow("rds:*", condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01"}})], set()),
        ([allow("rds:*", condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})], set()),
        ([allow("rds:*", condition={"Bool": {"aws:PrincipalIsAWSService": "true"}})], set()),
    ],
    ids=[
        "MFA in the Allow",
        "Deny without MFA",
        "Deny on old MFA",
        "approval tag",
        "only through MCP",
        "only through one server",
        "only directly",
        "Deny through MCP",
        "only MCP's own actions",
        "source identity",
        "a tag the action cannot carry",
        "user agent",
        "a time that passed",
        "on behalf of a service's resource",
        "only services",
    ],
)
def test_who_passes(statements: list[Any], expected: set[str]) -> None:
    holder = role(*statements, trust=_ANYONE)
    assert {name for name in actors() if _ask(holder, name).verdict == "yes"} == expected
    assert all(_ask(holder, name).verdict in ("yes", "no") for name in actors())


@pytest.mark.parametrize(
    ("condition", "trust", "tags", "kind", "expected"),
    [
        (_APPROVED, _ANYONE, {}, "role", "no"),
        (_APPROVED, _ANYONE, {"Approved": "no"}, "role", "no"),
        (_APPROVED, _ANYONE, {"Approved": "yes"}, "role", "yes"),
        (_APPROVED, _TAGGING, {}, "role", "yes"),
        (_APPROVED, _TAGGING, {"approved": "no"}, "role", "yes"),
        (_APPROVED, None, None, "policy", "no"),
        (_APPROVED, None, {"approved": "yes"}, "user", "yes"),
        (_APPROVED, None, {}, "user", "no"),
        (_IDENTITY, _ANYONE, None, "role", "no"),
        (_IDENTITY, _NAMING, None, "role", "yes"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, _ANYONE, {}, "role", "no"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, _ANYONE, None, "role", "no"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, None, None, "role", "yes"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, None, {}, "role", "yes"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, None, {"team": "b"}, "role", "yes"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, _TAGGING, {"team": "b"}, "role", "yes"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, _ANYONE, {"team": "b"}, "role", "no"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, None, {"team": "b"}, "user", "no"),
        (_APPROVED, None, {"approved": "no"}, "role", "no"),
        ({"StringEquals": {"aws:username": "app"}}, None, None, "user", "yes"),
        ({"StringEquals": {"aws:username": "app"}}, None, None, "role", "no"),
        ({"StringEquals": {"aws:username": "app"}}, None, None, "policy", "yes"),
        ({"StringEquals": {"aws:PrincipalType": "User"}}, None, None, "role", "no"),
        ({"StringEquals": {"aws:PrincipalAccount": "999999999999"}}, None, None, "role", "no"),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a*"}}, None, None, "role", "yes"),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/b*"}}, None, None, "role", "no"),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/b*"}}, None, None, "policy", "yes"),
    ],
)
def test_keys_of_the_principal(
    condition: dict[str, Any], trust: list[Any] | None, tags: dict[str, str] | None, kind: str, expected: str
) -> None:
    if condition == {"StringEquals": {"aws:PrincipalTag/team": "a"}} and trust and tags is None:
        expected = "yes"  # the role's own tags are not known
    holder = role(allow("rds:*", condition=condition), trust=trust, tags=tags, kind=kind)
    assert _ask(holder, "automation").verdict == expected


@pytest.mark.parametrize("kind", ["role", "user", "policy"])
def test_a_user_without_mfa_may_say_so(kind: str) -> None:
    without = "no" if kind == "role" else "yes"
    for condition in (
        {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
        {"Null": {"aws:MultiFactorAuthPresent": "false"}},
    ):
        assert _ask(role(allow("rds:*", condition=condition), kind=kind), "automation").verdict == without
    assert _ask(role(allow("rds:*", condition=_MFA), kind=kind), "automation").verdict == "no"
    assert _ask(role(allow("rds:*"), deny("*", condition=_NO_MFA), kind=kind), "automation").verdict == "no"
    weak = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
    assert _ask(role(allow("rds:*"), deny("*", condition=weak), kind=kind), "automation").verdict == "yes"


_ABAC = {"StringEquals": {"aws:PrincipalTag/team": "dba"}}
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
_TEAM = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
_WITH_APPROVAL = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "Approved"]}}
_NO_APPROVAL = {"ForAnyValue:StringEquals": {"aws:TagKeys": "Approved"}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], "no"),
        ([allow("iam:TagRole")], "yes"),
        ([allow("iam:Tag*", f"{_ROLE}app")], "yes"),
        ([allow("iam:TagRole", f"{_ROLE}other-*")], "no"),
        ([allow("iam:TagUser")], "no"),
        ([allow("iam:TagRole", condition=_TEAM)], "no"),
        ([allow("iam:TagRole", condition=_WITH_APPROVAL)], "yes"),
        ([allow("iam:TagRole", condition={**_WITH_APPROVAL, "StringLike": {"aws:RequestTag/team": "*"}})], "yes"),
        ([allow("iam:TagRole", condition={**_TEAM, "StringLike": {"aws:RequestTag/team": "*"}})], "no"),
        ([allow("iam:TagRole", condition={"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}})], "yes"),
        ([allow("iam:TagRole", condition=_APPROVED)], "no"),
        ([allow("iam:*"), deny("iam:TagRole")], "no"),
        ([allow("iam:TagRole"), deny("iam:TagRole", condition=_NO_APPROVAL)], "no"),
    ],
)
def test_an_approval_that_the_holder_gives_itself(statements: list[Any], expected: str) -> None:
    holder = role(allow("rds:*", condition=_APPROVED), *statements, trust=_ANYONE)
    assert _ask(holder, "automation").verdict == expected
    lone = role(allow("rds:*"), deny("rds:*", condition={"StringNotEquals": _APPROVED["StringEquals"]}), *statements)
    assert _ask(lone, "automation").verdict == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (allow("iam:TagUser", "arn:aws:iam::*:user/*"), "yes"),
        (allow("iam:TagRole", "arn:aws:iam::*:role/*"), "yes"),
        (allow("iam:TagUser", "arn:aws:iam::*:role/*"), "no"),
        (allow("iam:TagRole", "arn:aws:iam::*:user/*"), "no"),
    ],
)
def test_a_policy_by_itself_may_be_held_by_a_role_or_a_user(own: dict[str, Any], expected: str) -> None:
    holder = role(allow("rds:*", condition=_APPROVED), own, kind="policy")
    assert _ask(holder, "automation").verdict == expected


def test_tags_that_the_holder_gives_itself_are_any() -> None:
    own = allow("iam:TagUser", f"arn:aws:iam::{ACCOUNT}:user/app")
    for statements, expected in (([], "no"), ([own], "yes")):
        holder = role(allow("rds:*", condition=_ABAC), *statements, kind="user", tags={"team": "web"})
        assert _ask(holder, "automation").verdict == expected


def test_a_boundary_keeps_the_holder_from_tagging_itself() -> None:
    holder = role(allow("rds:*", condition=_APPROVED), allow("iam:TagRole"), trust=_ANYONE, boundary=[allow("rds:*")])
    assert _ask(holder, "automation").verdict == "no"


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        ("*", None, "yes"),
        ({"AWS": ACCOUNT}, None, "yes"),
        ({"AWS": f"{_ROLE}tool"}, None, "yes"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/tool"}, None, "yes"),
        ({"AWS": "\ue000aws_iam_role.tool.arn\ue001"}, None, "yes"),
        ({"AWS": f"{_ROLE}tool"}, _TEAM, "no"),
        ({"AWS": f"{_ROLE}tool"}, _WITH_APPROVAL, "yes"),
        ({"AWS": ACCOUNT}, {"ArnLike": {"aws:PrincipalArn": f"{_ROLE}deploy*"}}, "yes"),
        ({"AWS": ACCOUNT}, {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/deploy*"}}, "yes"),
        ({"AWS": ACCOUNT}, {"ArnLike": {"aws:PrincipalArn": f"{_ROLE}approval-*"}}, "no"),
        ({"AWS": ACCOUNT}, {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/deploy*"}}, "no"),
        ("*", {"StringEquals": {"aws:PrincipalAccount": "999999999999"}}, "yes"),
        ({"AWS": f"{_ROLE}approval-broker"}, None, "no"),
        ({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"}, None, "no"),
        ({"Service": "pods.eks.amazonaws.com"}, None, "no"),
    ],
)
def test_who_may_tag_the_session(principal: Any, condition: dict[str, Any] | None, expected: str) -> None:
    trust = [*_ANYONE, allow(["sts:AssumeRole", "sts:TagSession"], condition=condition, Principal=principal)]
    for tags in (None, {}, {"approved": "no"}):
        holder = role(allow("rds:*", condition=_APPROVED), trust=trust, tags=tags)
        assert _ask(holder, "automation").verdict == expected


def test_a_trust_policy_may_deny_the_tag() -> None:
    refused = deny(["sts:TagSession"], condition=_NO_APPROVAL, Principal="*")
    assert _ask(role(allow("rds:*", condition=_APPROVED), trust=[*_TAGGING, refused]), "automation").verdict == "no"


def test_every_fixed_key_cites_its_fact_by_what_decide_sees() -> None:
    for who in actors().values():
        for key, domain in who.keys.items():
            assert key_domain(key, who, role(), False) is domain
            assert domain.presence in ("always", "maybe", "never")


def test_an_unknown_actor_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        actor("robot")
    assert "automation" in str(caught.value.hint)


def test_a_principal_tag_of_which_the_name_is_not_known_may_be_any() -> None:
    where = {"StringEquals": {f"aws:PrincipalTag/{unknown('key')}": "ci"}}
    held = role(allow("s3:*", "*", where), tags={"team": "ci"}, trust=[])
    assert can(held, "s3:DeleteObject").verdict == "yes"
    held = role(allow("s3:*", f"arn:aws:s3:::${{aws:PrincipalTag/{unknown('key')}}}/*"), tags={"team": "ci"}, trust=[])
    answer = can(held, "s3:DeleteObject")
    assert (answer.verdict, answer.certainty) == ("yes", "possible")


@pytest.mark.parametrize(("trust", "expected"), [(None, "yes"), (_TAGGING, "yes"), (_ANYONE, "no")])
def test_a_session_may_have_another_tag_than_the_role_in_a_name(trust: list[Any] | None, expected: str) -> None:
    named = allow("s3:DeleteObject", "arn:aws:s3:::${aws:PrincipalTag/team}-data/*")
    held = role(named, deny("s3:*", "arn:aws:s3:::blue-*"), tags={"team": "blue"}, trust=trust)
    assert can(held, "s3:DeleteObject").verdict == expected
