"""Who may satisfy a trust policy."""

from __future__ import annotations

from typing import Any

import pytest
from engine.building import ACCOUNT, ALL, ROLE_ARN, allow, deny, policy, role

from rolelint.catalog import catalog
from rolelint.engine import can, powers, trust_allows
from rolelint.engine.actors import Domain
from rolelint.engine.request import Principal
from rolelint.policies.role import PolicyType
from rolelint.policies.text import unknown

_GITHUB = "token.actions.githubusercontent.com"
_PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{_GITHUB}"
_WEB = Principal("oidc", provider=_PROVIDER)
_EC2 = Principal("service", name="ec2.amazonaws.com")
_ROLE = Principal(
    "role_session",
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/run",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/ci",
    account=ACCOUNT,
)
_USER = Principal("user", arn=f"arn:aws:iam::{ACCOUNT}:user/maria", account=ACCOUNT)
_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def _trust(principal: Any, action: Any = "sts:AssumeRole", condition: Any = None) -> dict[str, Any]:
    out = {"Effect": "Allow", "Principal": principal, "Action": action}
    return {**out, "Condition": condition} if condition else out


_SUB = f"{_GITHUB}:sub"


@pytest.mark.parametrize(
    ("statements", "caller", "action", "context", "expected"),
    [
        ([_trust({"Service": "lambda.amazonaws.com"})], _EC2, "sts:AssumeRole", {}, "no"),
        ([_trust({"AWS": "999999999999"})], _ROLE, "sts:AssumeRole", {}, "no"),
        ([_trust({"AWS": ACCOUNT})], _ROLE, "sts:TagSession", {}, "no"),
        ([_trust({"Federated": _PROVIDER}, "sts:AssumeRole")], _WEB, "sts:AssumeRoleWithWebIdentity", {}, "no"),
        ([_trust({"AWS": "*"}), deny("sts:*", Principal="*")], _ROLE, "sts:AssumeRole", {}, "no"),
        ([_trust({"AWS": ACCOUNT}), deny("sts:*", Principal={"AWS": _ROLE.role_arn})], _ROLE, "sts:AssumeRole", {},
         "no"),
        ([_trust({"AWS": ACCOUNT}, "sts:AssumeRole", {"StringEquals": {"sts:ExternalId": "x"}})], _ROLE,
         "sts:AssumeRole", {"sts:ExternalId": None}, "no"),
        ([_trust({"Federated": _PROVIDER}, "sts:AssumeRoleWithWebIdentity", {"StringLike": {_SUB: "repo:o/*"}})],
         _WEB, "sts:AssumeRoleWithWebIdentity", {_SUB: Domain("always", None, "repo:evil/*")}, "no"),
        ([_trust({"Federated": _PROVIDER}, "sts:AssumeRoleWithWebIdentity", {"StringLike": {_SUB: "repo:o*"}})],
         _WEB, "sts:AssumeRoleWithWebIdentity", {_SUB: Domain("always", None, "repo:o-evil/*")}, "yes"),
        ([_trust({"Federated": _PROVIDER}, "sts:*", {"ForAllValues:StringLike": {_SUB: "repo:o/*"}})],
         _WEB, "sts:AssumeRoleWithWebIdentity", {_SUB: None}, "yes"),
        ([_trust({"Service": "ec2.amazonaws.com"})], _EC2, "sts:AssumeRole", {}, "yes"),
        ([_trust({"AWS": ACCOUNT}, ["sts:AssumeRole", "sts:TagSession"])], _ROLE, "sts:TagSession", {}, "yes"),
        ([_trust("*", "sts:AssumeRole", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/c*"}})], _ROLE,
         "sts:AssumeRole", {}, "yes"),
        ([_trust("*", "sts:AssumeRole", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/d*"}})], _ROLE,
         "sts:AssumeRole", {}, "no"),
        ([_trust({"AWS": ACCOUNT}, "sts:AssumeRole", {"StringEquals": {"aws:PrincipalAccount": "1"}})], _ROLE,
         "sts:AssumeRole", {}, "no"),
        ([_trust({"AWS": "999999999999"}), _trust({"AWS": ACCOUNT})], _ROLE, "sts:AssumeRole", {}, "yes"),
        ([_trust({"AWS": ACCOUNT}, "sts:AssumeRole", {"StringEquals": {"aws:PrincipalAccount": "1"}}),
          _trust({"AWS": ACCOUNT})], _ROLE, "sts:AssumeRole", {}, "yes"),
    ],
)  # fmt: skip
def test_a_trust_policy(
    statements: list[Any], caller: Principal, action: str, context: dict[str, Any], expected: str
) -> None:
    answer = trust_allows(policy(PolicyType.TRUST, *statements), caller, action, context=context)
    assert answer.verdict == expected
    assert (answer.witness is not None) is (expected == "yes")


def test_mfa_is_asked_of_the_call_itself() -> None:
    trust = policy(PolicyType.TRUST, _trust({"AWS": _USER.arn}, "sts:AssumeRole", _MFA))
    assert trust_allows(trust, _USER).verdict == "yes"


def test_what_a_trust_policy_leaves_unknown() -> None:
    shared = {"StringEquals": {"sts:ExternalId": unknown("v")}}
    asked = policy(PolicyType.TRUST, _trust({"AWS": ACCOUNT}, "sts:AssumeRole", shared))
    assert trust_allows(asked, _ROLE).certainty == "proved"
    org = {"StringNotEquals": {"aws:PrincipalOrgID": unknown("org")}}
    guarded = policy(PolicyType.TRUST, _trust({"AWS": ACCOUNT}), deny("sts:*", None, org, Principal="*"))
    assert trust_allows(guarded, _ROLE).verdict != "no"
    assert trust_allows(policy(PolicyType.TRUST, unknown("document")), _ROLE).verdict == "unknown"


def test_an_identity_statement_grants_nobody() -> None:
    assert trust_allows(policy(PolicyType.TRUST, allow("sts:AssumeRole")), _ROLE).verdict == "no"


@pytest.mark.parametrize(
    ("statements", "trusted", "action", "expected"),
    [
        ([allow("sts:*")], [_trust({"Service": "ec2.amazonaws.com"})], "sts:AssumeRole", "no"),
        ([allow("s3:*")], [_trust({"AWS": ACCOUNT})], "sts:AssumeRole", "no"),
        ([allow("sts:*")], [_trust({"AWS": ACCOUNT})], "sts:TagSession", "no"),
        ([allow("sts:*")], [_trust({"AWS": ACCOUNT}), deny("sts:*", Principal="*")], "sts:AssumeRole", "no"),
        ([allow("sts:*")], [_trust({"AWS": ACCOUNT})], "sts:AssumeRole", "yes"),
        ([allow("s3:*")], [_trust({"AWS": ROLE_ARN})], "sts:AssumeRole", "yes"),
        ([allow("iam:*")], [_trust({"Service": "ec2.amazonaws.com"})], "iam:DeleteRole", "yes"),
        ([allow("sts:*")], ["?"], "sts:AssumeRole", "unknown"),
    ],
)
def test_a_role_assumes_itself_only_where_it_trusts_itself(
    statements: list[Any], trusted: list[Any], action: str, expected: str
) -> None:
    assert can(role(*statements, trust=trusted), action, resource=ROLE_ARN).verdict == expected  # S6.49


@pytest.mark.parametrize(
    ("statements", "trusted", "expected"),
    [
        ([allow("sts:*", ROLE_ARN)], [_trust({"Service": "ec2.amazonaws.com"})], "no"),
        ([allow("sts:*", ROLE_ARN)], [_trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"})], "no"),
        ([allow("sts:*", f"arn:*:iam::{ACCOUNT}:role/app")], [_trust({"Service": "ec2.amazonaws.com"})], "no"),
        ([allow("sts:*", f"arn:*:iam::{ACCOUNT}:role/app")], [_trust({"AWS": ACCOUNT})], "yes"),
        ([allow("s3:*")], [_trust({"AWS": ACCOUNT})], "no"),
        ([deny("sts:*")], [_trust({"AWS": ROLE_ARN})], "no"),
        ([allow("sts:*", ROLE_ARN)], [_trust({"AWS": ACCOUNT})], "yes"),
        ([allow("s3:*")], [_trust({"AWS": ROLE_ARN})], "yes"),
        ([allow("s3:*")], [_trust({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/bob"})], "yes"),
    ],
)
def test_a_role_that_is_named_by_itself_is_found_without_being_asked_for(
    statements: list[Any], trusted: list[Any], expected: str
) -> None:
    holder = role(*statements, trust=trusted)
    answer = can(holder, "sts:AssumeRole")
    assert answer.verdict == expected  # S6.49
    held = powers(holder, within=catalog().expand("sts:AssumeRole"))
    assert bool(held.mask) is (expected == "yes")
    assert all(power.granted_by for power in held.powers)
    if answer.witness:
        assert answer.witness.resource == ROLE_ARN
        assert not answer.witness.assumes


def test_a_role_named_in_any_account_assumes_its_like_elsewhere() -> None:
    holder = role(allow("sts:*", "arn:aws:iam::*:role/app"), trust=[_trust({"Service": "ec2.amazonaws.com"})])
    proof = can(holder, "sts:AssumeRole").witness
    assert proof is not None
    assert proof.resource != ROLE_ARN  # S6.49


def test_a_role_that_only_a_ceiling_names_is_judged_by_its_trust_policy() -> None:
    itself = allow("sts:*", ROLE_ARN)
    nothing_else = {"Effect": "Deny", "Action": "sts:*", "NotResource": ROLE_ARN}
    for ceiling in ({"boundary": [itself]}, {"scps": [[ALL], [itself]]}, {"scps": [[ALL, nothing_else]]}):
        for trusted, expected in (({"Service": "ec2.amazonaws.com"}, "no"), ({"AWS": ACCOUNT}, "yes")):
            holder = role(ALL, trust=[_trust(trusted)], **ceiling)
            assert can(holder, "sts:AssumeRole").verdict == expected
            assert bool(powers(holder, within=catalog().expand("sts:AssumeRole")).mask) is (expected == "yes")


def test_a_trust_policy_has_no_say_in_anything_else() -> None:
    holder = role(allow("s3:*"), allow("sts:*", ROLE_ARN), trust=[_trust({"Service": "ec2.amazonaws.com"})])
    held = powers(holder, within=catalog().expand("s3:DeleteBucket"))
    assert [power.scope for power in held.powers] == ["any"]


def test_a_claim_that_aws_lists_as_multivalued_has_several_values() -> None:
    provider = "cognito-identity.amazonaws.com"
    caller, action = Principal("oidc", provider=provider), "sts:AssumeRoleWithWebIdentity"
    for claim, expected in ((f"{provider}:amr", "yes"), (f"{provider}:aud", "no")):
        both = {"ForAnyValue:StringEquals": {claim: "a"}, "ForAnyValue:StringLike": {claim: "b"}}
        asked = policy(PolicyType.TRUST, _trust({"Federated": provider}, action, both))
        assert trust_allows(asked, caller, action).verdict == expected
