"""Answers that depend on more than statements: who holds the role, whose the resource is, what a key's type admits."""

from __future__ import annotations

from typing import Any

import pytest
from engine.building import ACCOUNT, ALL, HERE, ROLE_ARN, allow, deny, policy, role

from rolelint import memory
from rolelint.catalog import catalog
from rolelint.engine import actor, can, difference
from rolelint.engine.scene import StatementRef
from rolelint.engine.settled import settle
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.records import replace

_BUCKET = "arn:aws:s3:::ledger"
_QUEUE = "arn:aws:sqs:us-east-1:999999999999:q"
_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234"
_EC2 = [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
_TAGGING = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
_SESSION = {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/ci"}


def _guarded(holder: Role, arn: str, *statements: Any) -> Role:
    return replace(holder, resource_policies=(policy(PolicyType.RESOURCE, *statements, resource=arn),))


@pytest.mark.parametrize("ceiling", [None, [allow("ec2:*")]])
def test_a_session_that_a_resource_policy_names_is_one_of_the_role(ceiling: Any) -> None:
    grant = allow("s3:DeleteBucket", _BUCKET, Principal=_SESSION)
    answer = can(_guarded(role(allow("ec2:Describe*"), boundary=ceiling), _BUCKET, grant), "s3:DeleteBucket")
    assert answer.verdict == "yes"  # S4.6
    other = allow("s3:DeleteBucket", _BUCKET, Principal={"AWS": _SESSION["AWS"].replace("/app/", "/other/")})
    assert can(_guarded(role(allow("ec2:Describe*")), _BUCKET, other), "s3:DeleteBucket").verdict == "no"


@pytest.mark.parametrize(
    ("identity", "grant", "expected"),
    [
        (allow("sqs:*"), allow("sqs:*", _QUEUE, Principal={"AWS": ROLE_ARN}), "yes"),
        (allow("sqs:*"), allow("sqs:*", _QUEUE, Principal={"AWS": ACCOUNT}), "yes"),
        (allow("sqs:*"), allow("sqs:Send*", _QUEUE, Principal={"AWS": ROLE_ARN}), "no"),
        (allow("s3:*"), allow("sqs:*", _QUEUE, Principal={"AWS": ROLE_ARN}), "no"),
    ],
)
def test_both_accounts_must_allow_what_belongs_to_another(identity: Any, grant: Any, expected: str) -> None:
    holder = _guarded(role(identity), _QUEUE, grant)
    assert can(holder, "sqs:PurgeQueue", resource=_QUEUE).verdict == expected  # S6.35


def test_access_keys_carry_no_time_of_issue() -> None:
    statements = (allow("s3:DeleteBucket"), deny("*", condition={"Null": {"aws:TokenIssueTime": "false"}}))
    assert can(role(*statements, kind="user"), "s3:DeleteBucket").verdict == "yes"
    assert can(role(*statements), "s3:DeleteBucket").verdict == "no"  # S5.32


@pytest.mark.parametrize(
    ("low", "high", "key"),
    [
        ("DateLessThan", "DateGreaterThanEquals", "aws:TokenIssueTime"),
        ("NumericLessThan", "NumericGreaterThanEquals", "aws:MultiFactorAuthAge"),
    ],
)
def test_a_key_holds_values_of_its_type_only(low: str, high: str, key: str) -> None:
    limit = "2027-01-01T00:00:00Z" if "Date" in low else "60"
    present = {"Null": {key: "false"}}
    everything = [deny("*", condition={operator: {key: limit}}) for operator in (low, high)]
    holder = role(allow("s3:DeleteBucket", condition=present), *everything)
    assert can(holder, "s3:DeleteBucket", who=actor("any")).verdict == "no"


def test_one_character_of_a_time_that_is_compared_as_text_is_the_digit_that_fits() -> None:
    statement = allow("s3:*", condition={"StringLike": {"aws:CurrentTime": "20?0-01-01T00:00:00Z"}})
    answer = can(role(statement), "s3:DeleteBucket")
    assert answer.witness is not None
    assert answer.witness.context["aws:CurrentTime"] > "2030"


def test_what_nobody_has_to_allow_is_allowed_when_asked_for_by_name() -> None:
    assert can(role(deny("*")), "sts:GetCallerIdentity").verdict == "yes"  # S6.55
    assert can(role(deny("*")), "sts:*").verdict == "no"


def test_a_call_that_a_token_signs_is_nobodys_own() -> None:
    assert can(role(allow("sts:*")), "sts:AssumeRoleWithWebIdentity").verdict == "no"  # S6.52


def test_a_role_is_assumed_by_itself_only_where_its_trust_policy_says_so() -> None:
    holder = role(allow("sts:AssumeRole", ROLE_ARN), trust=_EC2)
    assert can(holder, "sts:AssumeRole", resource=ROLE_ARN).verdict != "yes"  # S6.49
    trusting = [{"Effect": "Allow", "Principal": {"AWS": ROLE_ARN}, "Action": "sts:AssumeRole"}]
    assert can(role(ALL, trust=trusting), "sts:AssumeRole", resource=ROLE_ARN).verdict == "yes"


_TEAM = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
_ADMINS = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/adm/*"}}
_NO_OTHERS = {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/adm/*"}}
_BY_TEAM = "arn:aws:s3:::${aws:PrincipalTag/team}"
_ADMIN = {"arn": f"arn:aws:iam::{ACCOUNT}:role/adm/app"}


@pytest.mark.parametrize(
    ("statements", "old", "new", "gained"),
    [
        ([allow("s3:DeleteBucket", condition=_TEAM)], {"tags": {"team": "red"}}, {"tags": {"team": "blue"}}, True),
        ([allow("s3:DeleteBucket", condition=_TEAM)], {"tags": {"team": "blue"}}, {"tags": {"team": "red"}}, False),
        ([allow("s3:DeleteBucket", condition=_TEAM)], {"tags": {"team": "blue"}}, {"tags": {"team": "blue"}}, False),
        ([allow("s3:DeleteBucket", condition=_ADMINS)], {}, _ADMIN, True),
        ([allow("s3:DeleteBucket", condition=_ADMINS)], _ADMIN, {}, False),
        ([ALL, deny("s3:*", condition=_NO_OTHERS)], {}, _ADMIN, True),
        ([allow("s3:DeleteBucket", _BY_TEAM)], {"tags": {"team": "red"}}, {"tags": {"team": "blue"}}, True),
        ([allow("s3:DeleteBucket", _BY_TEAM)], {"tags": {"team": "a*"}}, {"tags": {"team": "ab"}}, True),
        ([allow("s3:DeleteBucket", _BY_TEAM)], {"tags": {}}, {"tags": {"team": "blue"}}, True),
        ([allow("s3:DeleteBucket", "arn:aws:s3:::a")], {"tags": {"x": "1"}}, {"tags": {"x": "2"}}, False),
    ],
)
def test_a_role_that_became_another_gains_what_follows_from_it(
    statements: list[Any], old: dict[str, Any], new: dict[str, Any], gained: bool
) -> None:
    before, after = (role(*statements, **{"trust": _EC2, **facts}) for facts in (old, new))
    found = difference(after, before, within=catalog().expand("s3:DeleteBucket"))
    assert bool(found.mask) is gained
    assert not found.unknown


def test_settling_leaves_what_is_not_certain() -> None:
    holder = role(allow("s3:*", condition={"StringEquals": {"aws:RequestTag/x": "y", **_TEAM["StringEquals"]}}))
    (statement,) = settle(replace(holder, tags=None), actor()).identity[0].document.statements
    assert [c.key for c in statement.conditions] == ["aws:requesttag/x", "aws:principaltag/team"]


def test_settling_leaves_what_is_no_variable_in_an_old_version() -> None:
    for version, settled in (("2008-10-17", _BY_TEAM), ("2012-10-17", "arn:aws:s3:::red")):
        document = parse_document({"Version": version, "Statement": [allow("s3:*", _BY_TEAM)]})
        held = Policy(PolicyType.IDENTITY, "old", document, lambda route: HERE)
        found = settle(replace(role(tags={"team": "red"}, trust=_EC2), identity=(held,)), actor())
        assert found.identity[0].document.statements[0].resources == (settled,)


_ALL_BUCKETS = role(allow("s3:*"))
_NOBODY = deny("s3:*", [_BUCKET, f"{_BUCKET}/*"], Principal="*")


@pytest.mark.parametrize(
    ("old", "new", "gained"),
    [
        ([_NOBODY], [], True),
        ([_NOBODY], [deny("s3:PutObject", f"{_BUCKET}/*", Principal="*")], True),
        ([_NOBODY], [_NOBODY], False),
        ([], [_NOBODY], False),
    ],
)
def test_a_deny_that_left_a_resource_policy_is_a_gain(old: list[Any], new: list[Any], gained: bool) -> None:
    before, after = (_guarded(_ALL_BUCKETS, _BUCKET, *statements) for statements in (old, new))
    assert bool(difference(after, before, within=catalog().expand("s3:DeleteBucket")).mask) is gained


@pytest.mark.parametrize(("principal", "gained"), [({"AWS": ACCOUNT}, True), ({"Service": "s3.amazonaws.com"}, False)])
def test_a_key_that_opened_to_the_account_is_a_gain(principal: Any, gained: bool) -> None:
    holder = role(allow("kms:*"))
    other = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}
    before = _guarded(holder, _KEY, allow("kms:*", Principal=other))
    after = _guarded(holder, _KEY, allow("kms:*", Principal=principal))
    found = difference(after, before, within=catalog().expand("kms:ScheduleKeyDeletion"))
    assert bool(found.mask) is gained
    if gained:
        assert found.gains[0].witness.resource == _KEY


_RED = {"StringEquals": {"aws:RequestTag/Team": "red"}}
_TAG_KEYS = {"ForAnyValue:StringEquals": {"aws:TagKeys": ["Team"]}}


def test_the_keys_of_request_tags_are_those_of_the_request() -> None:
    only = {"StringEquals": _RED["StringEquals"], "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}
    answer = can(role(allow("ec2:CreateTags", condition=only)), "ec2:CreateTags")
    assert answer.verdict == "yes"
    assert answer.witness is not None
    assert answer.witness.context == {"aws:RequestTag/Team": "red", "aws:TagKeys": "Team"}  # S5.30


_NO_TEAM = {"ForAllValues:StringNotEqualsIgnoreCase": {"aws:TagKeys": ["team"]}}


@pytest.mark.parametrize(
    ("statements", "action", "expected"),
    [
        # Keys ignore case and values do not (S5.7): `team` is the tag, and no `Team` among the TagKeys.
        ([allow("ec2:*", condition=_RED), deny("*", condition=_TAG_KEYS)], "ec2:CreateTags", "yes"),
        ([allow("ec2:*", condition=_RED | _NO_TEAM)], "ec2:CreateTags", "no"),
        ([allow("ec2:*", condition=_RED | {"Null": {"aws:TagKeys": "true"}})], "ec2:CreateTags", "no"),
        ([allow("ec2:*", condition=_RED | {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}})], "ec2:CreateTags",
         "no"),
        ([allow("ec2:*", condition=_TAG_KEYS)], "ec2:DeleteTags", "yes"),
    ],
)  # fmt: skip
def test_tag_keys_list_the_request_tags(statements: list[Any], action: str, expected: str) -> None:
    answer = can(role(*statements), action)
    assert answer.verdict == expected


def test_tag_keys_list_the_request_tags_that_a_question_gives() -> None:
    holder = role(allow("ec2:CreateTags", condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}))
    assert can(holder, "ec2:CreateTags", context={"aws:RequestTag/env": "prod"}).verdict == "no"
    assert can(holder, "ec2:CreateTags", context={"aws:RequestTag/team": "red"}).verdict == "yes"


_AWS_RED = {"StringEquals": {"aws:ResourceTag/team": "red"}}
_EC2_RED = {"StringEquals": {"ec2:ResourceTag/team": "red"}}


@pytest.mark.parametrize(
    ("statements", "action", "expected"),
    [
        ([allow("ec2:*", condition=_AWS_RED), deny("ec2:*", condition=_EC2_RED)], "ec2:TerminateInstances", "no"),
        ([allow("*", condition={"StringEquals": {"aws:ResourceTag/a": "x", "ec2:ResourceTag/a": "y"}})],
         "ec2:TerminateInstances", "no"),
        ([allow("*", condition={**_AWS_RED, "Null": {"ec2:ResourceTag/team": "true"}})], "ec2:TerminateInstances",
         "no"),
        ([allow("*", condition={**_AWS_RED, "StringLike": {"ec2:ResourceTag/team": "r*"}})],
         "ec2:TerminateInstances", "yes"),
        # Elsewhere a tag has one name only.
        ([allow("*", condition={**_AWS_RED, "Null": {"ec2:ResourceTag/team": "true"}})], "iam:DeleteRole", "yes"),
        ([allow("*", condition=_AWS_RED), deny("*", condition=_EC2_RED)], "s3:DeleteBucket", "yes"),
    ],
)  # fmt: skip
def test_a_tag_is_the_same_by_both_of_its_keys(statements: list[Any], action: str, expected: str) -> None:
    answer = can(role(*statements), action)
    assert answer.verdict == expected


def test_a_variable_takes_the_value_that_a_tag_has_by_its_other_key() -> None:
    by_name = allow("ec2:*", "arn:aws:ec2:*:*:instance/${aws:ResourceTag/name}")
    answer = can(role(by_name, deny("*", condition={"StringNotEquals": {"ec2:ResourceTag/name": "i-1"}})), "ec2:StopI*")
    assert answer.witness is not None
    assert answer.witness.resource.endswith(":instance/i-1")


@pytest.mark.parametrize("keys", [("aws", "ec2"), ("ec2", "aws")])
def test_a_question_gives_a_tag_by_either_of_its_keys(keys: tuple[str, str]) -> None:
    tested, given = (f"{prefix}:ResourceTag/env" for prefix in keys)
    holder = role(ALL, deny("*", condition={"StringEquals": {tested: "prod"}}))
    assert can(holder, "ec2:TerminateInstances", context={given: "prod"}).verdict == "no"
    assert can(holder, "ec2:TerminateInstances", context={given: "dev"}).verdict == "yes"


@pytest.mark.parametrize(
    ("condition", "given", "expected"),
    [
        ({"NumericGreaterThan": {"aws:EpochTime": "2208988800"}}, {"aws:CurrentTime": "2030-01-01T00:00:00Z"}, "no"),
        ({"NumericGreaterThan": {"aws:EpochTime": "2208988800"}}, {"aws:CurrentTime": "2050-01-01T00:00:00Z"}, "yes"),
        ({"DateGreaterThan": {"aws:CurrentTime": "2040-01-01T00:00:00Z"}}, {"aws:EpochTime": "1893456000"}, "no"),
        ({"DateGreaterThan": {"aws:CurrentTime": "2040-01-01T00:00:00Z"}}, {"aws:EpochTime": "2524608000"}, "yes"),
    ],
)
def test_a_question_gives_the_time_by_either_of_its_keys(condition: Any, given: Any, expected: str) -> None:
    holder = role(allow("s3:DeleteBucket", condition=condition))
    assert can(holder, "s3:DeleteBucket", context=given).verdict == expected


def test_a_question_about_a_chain_of_services_is_one_about_a_forwarded_call() -> None:
    holder = role(allow("s3:DeleteBucket", condition={"Bool": {"aws:ViaAWSService": "true"}}))
    for chain in ("athena.amazonaws.com", "cloudformation.amazonaws.com"):
        assert can(holder, "s3:DeleteBucket", context={"aws:CalledVia": chain}, who=actor("any")).verdict == "yes"


@pytest.mark.parametrize("spared", range(3))
def test_every_account_that_conditions_name_may_own_a_resource(spared: int) -> None:
    named = ["111111111111", "222222222222", "333333333333"]
    others = [account for number, account in enumerate(named) if number != spared]
    allowed, denied = ({"StringEquals": {"aws:ResourceAccount": accounts}} for accounts in (named, others))
    holder = role(allow("s3:*", condition=allowed), deny("s3:*", condition=denied), kind="policy")
    answer = can(holder, "s3:DeleteBucket")
    assert answer.witness is not None
    assert answer.witness.context["aws:ResourceAccount"] == named[spared]


def test_a_role_without_an_arn_is_one_of_its_account() -> None:
    elsewhere = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/*"}}
    holder = role(allow("s3:*", condition=elsewhere), arn="")
    assert can(holder, "s3:DeleteBucket").verdict == "no"
    assert can(replace(holder, account="999999999999"), "s3:DeleteBucket").verdict == "yes"


@pytest.mark.parametrize(("account", "expected"), [("222222222222", "yes"), ("333333333333", "no")])
def test_a_question_about_the_account_is_one_about_the_arn(account: str, expected: str) -> None:
    theirs = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/*"}}
    holder = role(allow("s3:*", condition=theirs), kind="policy")
    answer = can(holder, "s3:DeleteBucket", context={"aws:PrincipalAccount": account}, who=actor("any"))
    assert answer.verdict == expected


@pytest.mark.parametrize("first", [True, False])
def test_one_session_policy_that_is_not_known_leaves_all_open(first: bool) -> None:
    known, lost = policy(PolicyType.SESSION, allow("ec2:*")), policy(PolicyType.SESSION, "not to be read")
    holder = replace(role(allow("s3:*")), session=(lost, known) if first else (known, lost))
    answer = can(holder, "s3:DeleteBucket")
    assert (answer.verdict, answer.certainty) == ("yes", "possible")


def test_an_element_is_pointed_at_as_it_is_written() -> None:
    spared = {"Effect": "Allow", "NotAction": "s3:Get*", "NotResource": _BUCKET, "Condition": {"Bool": {"a:b": "true"}}}
    (held,) = role(allow(["s3:Get*", "s3:DeleteBucket"], _BUCKET), spared).identity
    plain, without = (StatementRef(held, statement) for statement in held.document.statements)
    index = catalog().index("s3:DeleteBucket")
    assert plain.route("Action", index) == ("Statement", 0, "Action", 1)
    assert plain.route("Action") == ("Statement", 0, "Action")
    assert plain.route("Resource") == ("Statement", 0, "Resource")
    assert without.route("Action", index) == ("Statement", 1, "NotAction")
    assert without.route("Resource") == ("Statement", 1, "NotResource")
    assert without.route("Condition") == ("Statement", 1, "Condition")
    assert without.route() == ("Statement", 1)


_WITHOUT_OWNER = """
ebs:CompleteSnapshot ec2:DeleteVolume ec2:DeleteSnapshot ec2:DeregisterImage ec2:RunInstances ec2:DeleteFleets
ec2:CancelSpotInstanceRequests ec2:DeleteVpcPeeringConnection ec2:DeleteVpcEndpoints es:AcceptInboundConnection
events:PutEvents route53:DisassociateVPCFromHostedZone ds:AcceptSharedDirectory guardduty:AcceptInvitation
"""


def test_some_requests_do_not_tell_whose_the_resource_is() -> None:
    holder = role(allow("*", condition={"Null": {"aws:ResourceAccount": "true"}}))
    silent = {action for action in _WITHOUT_OWNER.split() if can(holder, action, who=actor("any")).verdict == "yes"}
    assert silent == set(_WITHOUT_OWNER.split())
    for action in ("ec2:DeleteVpc", "s3:DeleteBucket", "rds:DeleteDBInstance"):
        assert can(holder, action, who=actor("any")).verdict == "no"


@pytest.mark.parametrize(("trust", "expected"), [(None, "yes"), (_EC2, "no"), ([_TAGGING], "yes")])
def test_a_tag_that_a_role_lacks_may_come_with_its_session(trust: Any, expected: str) -> None:
    holder = role(allow("s3:DeleteBucket", condition=_TEAM), tags={"env": "x"}, trust=trust)
    assert can(holder, "s3:DeleteBucket").verdict == expected


def test_an_unknown_trust_policy_is_not_taken_for_an_empty_one() -> None:
    approved = allow("s3:DeleteBucket", condition={"StringEquals": {"aws:PrincipalTag/approved": "yes"}})
    known, unknown = role(approved, trust=[], tags={}), role(approved, trust=["?"], tags={})
    for order in ((known, unknown), (unknown, known)):
        memory.forget()
        assert {r.trust.document.unknown != "": can(r, "s3:DeleteBucket").verdict for r in order if r.trust} == {
            False: "no",
            True: "yes",
        }


@pytest.mark.parametrize("reach", ["arn:aws:rds:*:*:*", "arn:aws:rds:*:*:db:*"])
def test_a_policy_is_written_for_the_partition_that_it_names(reach: str) -> None:
    lone = role(allow("rds:DeleteDBInstance"), deny("rds:Delete*", reach), kind="policy")
    assert can(lone, "rds:DeleteDBInstance").verdict == "no"
