"""Does NEW allow what OLD does not? What is no gain first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from engine.building import ACCOUNT, ALL, HERE, ROLE_ARN, allow, deny, policy, role

from rolelint.algebra import strings
from rolelint.catalog import catalog
from rolelint.engine import actor, difference
from rolelint.policies.role import PolicyType, Role, Unknown
from rolelint.policies.text import unknown
from rolelint.records import replace

_ANY = actor("any")
_DEV = {"StringEquals": {"aws:ResourceTag/env": "dev"}}
_DEV_OR_TEST = {"StringEquals": {"aws:ResourceTag/env": ["dev", "test"]}}
_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
_TEAM = "arn:aws:s3:::${aws:PrincipalTag/team}/*"
_OWN = {"StringNotEquals": {"aws:ResourceTag/owner": "${aws:PrincipalTag/owner}"}}
_BUCKET, _OBJECTS = "arn:aws:s3:::b", "arn:aws:s3:::b/*"
_EC2 = [f"arn:aws:ec2:*:*:{t}/*" for t in ("instance", "image", "network-interface", "security-group", "volume")]
_SUBNET = "arn:aws:ec2:*:*:subnet/*"


def _gains(new: Role, old: Role, within: str) -> list[str]:
    found = difference(new, old, who=_ANY, within=catalog().expand(within))
    assert not found.unknown
    for gain in found.gains:
        assert gain.witness.action
    return catalog().names(found.mask)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"s": [allow("s3:*")]}, {"s": [allow("s3:*", _BUCKET)]}),
        ({"s": [allow("s3:*")]}, {"s": [allow("S3:delete*"), allow("s3:Get*")]}),
        ({"s": [allow("s3:*")]}, {"s": [allow("s3:*", condition=_DEV)]}),
        ({"s": [allow("s3:*", _TEAM)]}, {"s": [allow("s3:Delete*", _TEAM)]}),
        ({"s": [allow("s3:*", [_TEAM, _BUCKET])]}, {"s": [allow("s3:*", _TEAM, _DEV)]}),
        ({"s": [allow("s3:*", _TEAM)]}, {"s": [allow("s3:*", _TEAM)], "boundary": [allow("s3:*", condition=_DEV)]}),
        ({"s": [ALL, deny("s3:*", condition=_OWN)]}, {"s": [ALL, deny(["s3:*", "ec2:*"], condition=_OWN)]}),
        ({"s": [ALL], "boundary": [allow("s3:*", _TEAM)]}, {"s": [ALL], "boundary": [allow("s3:D*", _TEAM)]}),
        ({"s": [allow("s3:*", condition=_DEV_OR_TEST)]}, {"s": [allow("s3:*", condition=_DEV)]}),
        ({"s": [allow("s3:*", "arn:aws:s3:::*")]}, {"s": [allow("s3:*", [_BUCKET, _OBJECTS])]}),
        ({"s": [ALL]}, {"s": [ALL], "boundary": [allow("s3:*")]}),
        ({"s": [ALL]}, {"s": [ALL, deny("s3:*", _BUCKET)]}),
        ({"s": [ALL, deny("s3:*", _BUCKET)]}, {"s": [ALL, deny("s3:*", "arn:aws:s3:::b*")]}),
        ({"s": [ALL]}, {"s": [ALL], "scps": [[ALL, deny("s3:*")]]}),
        ({"s": [ALL]}, {"s": [ALL], "scps": [[]]}),
        ({"s": [allow("s3:*"), allow("s3:Get*")]}, {"s": [allow("s3:*")]}),
        ({"s": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}, {"s": [allow("s3:*")]}),
        ({"s": [allow("ec2:*", [*_EC2, _SUBNET])]}, {"s": [allow("ec2:Run*", _EC2), allow("ec2:Run*", _SUBNET)]}),
        ({"s": [allow("s3:*", condition={"StringLike": {"s3:prefix": "a*"}})]},
         {"s": [allow("s3:*", condition={"StringEquals": {"s3:prefix": ["ab", "ac"]}})]}),
        ({"s": [allow("s3:*", condition={"NumericLessThan": {"s3:max-keys": "10"}})]},
         {"s": [allow("s3:*", condition={"NumericLessThan": {"s3:max-keys": "9"}})]}),
        ({"s": [allow("s3:*", condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}})]},
         {"s": [allow("s3:*", condition={"NumericLessThan": {"aws:EpochTime": "1893456000"}})]}),
        ({"s": [allow("s3:*", condition={"DateLessThan": {"aws:EpochTime": "1893456000"}})]},
         {"s": [allow("s3:*", condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01"}})]}),
        ({"s": [allow("s3:*", condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]},
         {"s": [allow("s3:*", condition={"IpAddress": {"aws:SourceIp": ["10.1.0.0/16", "10.9.9.9"]}})]}),
    ],
)  # fmt: skip
def test_nothing_is_gained(old: dict[str, Any], new: dict[str, Any]) -> None:
    before = role(*old.pop("s"), **old)
    after = role(*new.pop("s"), **new)
    for within in ("s3:*", "ec2:RunInstances"):
        assert _gains(after, before, within) == []


@pytest.mark.parametrize(
    ("old", "new", "within", "gained"),
    [
        ({"s": [ALL], "boundary": [allow("s3:Get*")]}, {"s": [ALL]}, "s3:DeleteB*t", ["s3:DeleteBucket"]),
        ({"s": [ALL], "scps": [[]]}, {"s": [ALL], "scps": [[ALL]]}, "sqs:DeleteQueue", ["sqs:DeleteQueue"]),
        ({"s": [ALL, deny("s3:*", "arn:aws:s3:::b*")]}, {"s": [ALL, deny("s3:*", _BUCKET)]}, "s3:DeleteBucket",
         ["s3:DeleteBucket"]),
        ({"s": [allow("s3:*", condition=_DEV)]}, {"s": [allow("s3:*", condition=_DEV_OR_TEST)]}, "s3:DeleteBucket",
         ["s3:DeleteBucket"]),
        ({"s": [allow("s3:*", condition=_MFA)]}, {"s": [allow("s3:*", condition={"BoolIfExists": _MFA["Bool"]})]},
         "s3:DeleteBucket", ["s3:DeleteBucket"]),
        ({"s": [{"Effect": "Allow", "NotAction": ["s3:*", "iam:*"], "Resource": "*"}]},
         {"s": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}, "s3:DeleteBucket", ["s3:DeleteBucket"]),
        ({"s": [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::*"}]},
         {"s": [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b*"}]}, "s3:DeleteBucket",
         ["s3:DeleteBucket"]),
        ({"s": [allow("s3:*", _BUCKET)]}, {"s": [allow("s3:*", [_BUCKET, _OBJECTS])]}, "s3:Delete*ject",
         ["s3:DeleteObject"]),
        ({"s": [allow("ec2:*", _EC2)]}, {"s": [allow("ec2:*", [*_EC2, _SUBNET])]}, "ec2:RunInstances",
         ["ec2:RunInstances"]),
        ({"s": [allow("ec2:*", _EC2)]}, {"s": [allow("ec2:*", _EC2), allow("ec2:*", _SUBNET)]}, "ec2:RunInstances",
         ["ec2:RunInstances"]),
        ({"s": [ALL, deny("ec2:*", _SUBNET)]}, {"s": [ALL]}, "ec2:RunInstances", ["ec2:RunInstances"]),
        ({"s": [ALL], "rcps": [deny("s3:*", Principal="*")]}, {"s": [ALL]}, "s3:DeleteBucket", ["s3:DeleteBucket"]),
        ({"s": [ALL], "session": [allow("s3:Get*")]}, {"s": [ALL]}, "s3:DeleteBucket", ["s3:DeleteBucket"]),
    ],
    ids=["boundary removed", "SCP level filled", "Deny narrowed", "condition loosened", "IfExists added",
         "NotAction shortened", "NotResource shortened", "resource added", "required resource added",
         "required resource added in a statement", "Deny on a required resource removed", "RCP removed",
         "session policy removed"],
)  # fmt: skip
def test_something_is_gained(old: dict[str, Any], new: dict[str, Any], within: str, gained: list[str]) -> None:
    before = role(*old.pop("s"), **old)
    after = role(*new.pop("s"), **new)
    assert _gains(after, before, within) == gained


def test_a_statement_that_moves_between_policies_gains_nothing() -> None:
    one, two = allow("s3:*", _BUCKET, _DEV), allow("rds:*")
    before = role(one, two)
    after = replace(
        before, identity=(policy(PolicyType.IDENTITY, two), policy(PolicyType.IDENTITY, {**one, "Sid": "Moved"}))
    )
    assert _gains(after, before, "*") == []


def test_a_new_role_gains_what_it_allows() -> None:
    found = difference(role(allow("s3:DeleteBucket", _BUCKET)), None)
    assert catalog().names(found.mask) == ["s3:DeleteBucket"]
    assert found.gains[0].witness.resource == _BUCKET
    assert not found.unknown


def test_both_are_judged_as_the_same_caller() -> None:
    statement = allow("s3:*", condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}})
    before = replace(role(statement), arn="", name="other", location=HERE)
    assert _gains(role(statement), before, "s3:*") == []


def _with_bucket(*statements: dict[str, Any]) -> Role:
    bucket = policy(PolicyType.RESOURCE, *statements, resource=_BUCKET)
    return replace(role(allow("s3:*")), resource_policies=(bucket,))


_FOR_ANOTHER = allow("s3:GetObject", _OBJECTS, Principal={"AWS": "arn:aws:iam::123456789012:role/other"})


@pytest.mark.parametrize(
    "refused",
    [
        {"Resource": "arn:aws:s3:::*/prod*"},
        {"Resource": "arn:aws:s3:::?/prod/*"},
        {"Resource": "arn:aws:s3:::*b/x/*"},
        {"Resource": "arn:aws:s3:::*"},
        {"Resource": "arn:aws:s3:::b/${aws:PrincipalTag/team}/*"},
        {"NotResource": "arn:aws:s3:::b/dev/*"},
        {"NotResource": ["arn:aws:s3:::*/dev/*", _BUCKET]},
    ],
)
def test_a_deny_that_leaves_a_bucket_policy_is_a_gain_however_it_names_the_objects(refused: dict[str, Any]) -> None:
    gone = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", **refused}
    with_it, without = _with_bucket(gone, _FOR_ANOTHER), _with_bucket(_FOR_ANOTHER)
    assert _gains(without, with_it, "s3:DeleteObject") == ["s3:DeleteObject"]
    assert _gains(with_it, without, "s3:DeleteObject") == []
    assert _gains(_with_bucket(gone), with_it, "s3:DeleteObject") == []


_SOME = unknown("var.actions")


def test_a_deny_of_actions_that_are_not_known_may_have_refused_what_is_asked() -> None:
    held, free = role(ALL, deny(_SOME)), role(ALL)
    found = difference(free, held, who=_ANY, within=catalog().expand("s3:DeleteObject"))
    assert [catalog().names(mask) for mask, _ in found.unknown] == [["s3:DeleteObject"]]
    assert _gains(held, free, "s3:*") == []
    assert _gains(role(allow("s3:*"), deny(_SOME)), held, "s3:*") == []


def test_a_boundary_that_is_not_known_is_the_same_under_the_same_name() -> None:
    bounded, free = role(ALL, boundary=[unknown("data.x")]), role(ALL)
    assert _gains(role(allow("s3:*"), boundary=[unknown("data.x")]), bounded, "s3:*") == []
    assert _gains(bounded, free, "s3:*") == []
    for other in (free, role(ALL, boundary=[unknown("data.y")])):
        found = difference(other, bounded, who=_ANY, within=catalog().expand("s3:DeleteObject"))
        assert [catalog().names(mask) for mask, _ in found.unknown] == [["s3:DeleteObject"]]


def _trusting(*actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": ["sts:AssumeRole", *actions]}


@pytest.mark.parametrize(
    ("statements", "opened", "who"),
    [
        (
            [allow("s3:DeleteObject", condition={"StringEquals": {"aws:PrincipalTag/team": "ops"}})],
            "sts:TagSession",
            "any",
        ),
        ([ALL, deny("*", condition={"StringNotEquals": {"aws:PrincipalTag/team": "ops"}})], "sts:TagSession", "any"),
        ([allow("s3:DeleteObject", _TEAM)], "sts:TagSession", "any"),
        ([ALL, deny("*", condition={"Null": {"aws:SourceIdentity": "true"}})], "sts:SetSourceIdentity", "automation"),
    ],
)
def test_a_trust_policy_that_lets_the_session_bring_a_tag_opens_what_asks_for_it(
    statements: list[dict[str, Any]], opened: str, who: str
) -> None:
    shut = role(*statements, trust=[_trusting()], tags={})
    open_ = role(*statements, trust=[_trusting(opened)], tags={})
    asked = {"within": catalog().expand("s3:DeleteObject"), "who": actor(who)}
    assert catalog().names(difference(open_, shut, **asked).mask) == ["s3:DeleteObject"]
    assert difference(shut, open_, **asked) == difference(open_, open_, **asked)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (({"Effect": "Allow", "NotResource": "arn:aws:s3:::b/secret/*"},), ({"Effect": "Allow", "Resource": "*"},)),
        (
            ({"Effect": "Allow", "Resource": "*"}, {"Effect": "Deny", "NotResource": "arn:aws:s3:::b/dev/*"}),
            ({"Effect": "Allow", "Resource": "*"}, {"Effect": "Deny", "NotResource": "arn:aws:s3:::b/*"}),
        ),
    ],
)
def test_what_a_bucket_policy_grants_beside_not_resource_is_not_taken_for_the_same(old: Any, new: Any) -> None:
    def bucket(statements: Any) -> Role:
        here = {"Principal": {"AWS": "arn:aws:iam::123456789012:role/app"}, "Action": "s3:DeleteObject"}
        return replace(_with_bucket(*({**s, **here} for s in statements)), identity=())

    found = difference(bucket(new), bucket(old), who=_ANY, within=catalog().expand("s3:DeleteObject"))
    assert found.mask or found.unknown
    assert difference(bucket(new), bucket(new), who=_ANY).unknown == ()


_ME = {"AWS": ROLE_ARN}
_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234"
_CI = {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/ci"}
_FOREIGN = "arn:aws:sqs:us-east-1:999999999999:q"
_SPARED = {"Effect": "Deny", "NotPrincipal": _ME, "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}
_OF_ME = [allow("s3:*", [_BUCKET, _OBJECTS], Principal=_ME)]
_ELSEWHERE = [{"Effect": "Allow", "Action": "s3:*", "NotResource": f"{_BUCKET}/secret/*", "Principal": _ME}]


def _granted(*statements: Any, on: dict[str, Sequence[Any]], **more: Any) -> Role:
    guards = (policy(PolicyType.RESOURCE, *said, resource=arn) for arn, said in on.items())
    return replace(role(*statements, **more), resource_policies=tuple(guards))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (_granted(on={_BUCKET: _OF_ME}), _granted(on={_BUCKET: [allow("s3:Get*", _OBJECTS, Principal=_ME)]})),
        (_granted(on={_BUCKET: _OF_ME}), _granted(on={_BUCKET: [*_OF_ME, deny("s3:Put*", _OBJECTS, Principal="*")]})),
        (_granted(on={_BUCKET: _OF_ME}), _granted(on={_BUCKET: _OF_ME}, boundary=[allow("s3:Get*")])),
        (_granted(on={_BUCKET: _OF_ME}), _granted(allow("s3:Delete*", _OBJECTS), on={_BUCKET: _OF_ME})),
        (_granted(allow("s3:*"), on={}), _granted(allow("s3:*"), on={_BUCKET: _OF_ME})),
        (_granted(allow("s3:*"), on={}), _granted(on={_BUCKET: _OF_ME})),
        (_granted(on={_BUCKET: _OF_ME}), _granted(on={_BUCKET: [allow("s3:*", _OBJECTS, _MFA, Principal=_ME)]})),
        (_granted(on={_BUCKET: [allow("s3:*", _OBJECTS, Principal={"AWS": "*"})]}),
         _granted(on={_BUCKET: [allow("s3:*", _OBJECTS, Principal=_ME)]})),
        (_granted(on={_BUCKET: _ELSEWHERE}), _granted(on={_BUCKET: _ELSEWHERE}, boundary=[allow("s3:*")])),
        (_granted(on={_BUCKET: _ELSEWHERE}),
         _granted(on={_BUCKET: [*_ELSEWHERE, deny("s3:*", _OBJECTS, Principal=_ME)]})),
        (_granted(allow("sqs:*"), on={_FOREIGN: [allow("sqs:*", Principal=_ME)]}),
         _granted(allow("sqs:*"), on={_FOREIGN: [allow("sqs:Send*", Principal=_ME)]})),
    ],
    ids=["fewer actions", "Deny beside the grant", "boundary added", "identity grants what the bucket gave",
         "bucket grants what identity gave", "grant moves to the bucket", "condition added", "everybody to the role",
         "NotResource under a new boundary", "Deny beside NotResource", "queue of another account"],
)  # fmt: skip
def test_nothing_is_gained_by_resource_policies(old: Role, new: Role) -> None:
    for within in ("s3:*", "sqs:*"):
        assert _gains(new, old, within) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (_granted(on={}), _granted(on={_BUCKET: _OF_ME})),
        (_granted(on={_BUCKET: [allow("s3:Get*", _OBJECTS, Principal=_ME)]}), _granted(on={_BUCKET: _OF_ME})),
        (_granted(on={_BUCKET: _OF_ME}, boundary=[allow("s3:Get*")]), _granted(on={_BUCKET: _OF_ME})),
        (_granted(on={_BUCKET: [*_OF_ME, deny("s3:*", f"{_BUCKET}/*", Principal="*")]}),
         _granted(on={_BUCKET: _OF_ME})),
        (_granted(on={_BUCKET: _ELSEWHERE}),
         _granted(on={_BUCKET: [*_ELSEWHERE, allow("s3:*", f"{_BUCKET}/secret/x", Principal=_ME)]})),
        (_granted(on={_BUCKET: _OF_ME}), _granted(allow("s3:*"), on={_BUCKET: _OF_ME})),
        (_granted(on={_BUCKET: _OF_ME}, boundary=[allow("s3:Get*")]),
         _granted(on={_BUCKET: [allow("s3:*", _OBJECTS, Principal=_CI)]}, boundary=[allow("s3:Get*")])),
        (_granted(ALL, on={_BUCKET: [deny("s3:*", _OBJECTS, Principal=_CI)]}), _granted(ALL, on={})),
        (_granted(ALL, on={_BUCKET: [_SPARED]}, boundary=[ALL]),
         _granted(ALL, on={_BUCKET: [_SPARED]})),
    ],
    ids=["new grant", "more actions", "boundary dropped", "Deny dropped",
         "grant beside NotResource", "identity grants other buckets", "session past the boundary",
         "Deny of a session dropped", "boundary that NotPrincipal does not spare dropped"],
)  # fmt: skip
def test_something_is_gained_by_resource_policies(old: Role, new: Role) -> None:
    assert _gains(new, old, "s3:DeleteObject") == ["s3:DeleteObject"]


def test_a_grant_of_another_account_is_gained_with_that_of_its_own() -> None:
    given = {_FOREIGN: [allow("sqs:*", Principal=_ME)]}
    assert _gains(_granted(allow("sqs:*"), on=given), role(allow("sqs:*")), "sqs:PurgeQueue") == ["sqs:PurgeQueue"]
    assert _gains(_granted(allow("sqs:*"), on=given), _granted(on=given), "sqs:PurgeQueue") == ["sqs:PurgeQueue"]
    assert _gains(_granted(on=given), role(), "sqs:PurgeQueue") == []


def test_a_role_that_its_own_trust_policy_newly_names_may_assume_itself() -> None:
    service = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    held = role(allow("sts:*"), trust=[service])
    opened = replace(held, trust=policy(PolicyType.TRUST, {**_trusting(), "Principal": _ME}))
    found = difference(opened, held, who=_ANY, within=catalog().expand("sts:AssumeRole"))
    assert [gain.witness.resource for gain in found.gains] == [ROLE_ARN]


@pytest.mark.parametrize(
    ("named", "action", "more"),
    [
        (_BUCKET, "s3:DeleteBucket", {"on": {_BUCKET: [deny("s3:Delete*", _BUCKET, Principal="*")]}}),
        (_KEY, "kms:Decrypt", {"on": {_KEY: [allow("kms:*", Principal={"AWS": f"{ROLE_ARN}2"})]}}),
        (ROLE_ARN, "sts:AssumeRole", {"trust": [{**_trusting(), "Principal": {"Service": "ec2.amazonaws.com"}}]}),
    ],
)
def test_what_only_the_old_version_names_is_refused_to_both(named: str, action: str, more: dict[str, Any]) -> None:
    old, new = (_granted(ALL, *extra, **{"on": {}, **more}) for extra in ([allow(action, named), deny("ec2:*")], []))
    assert _gains(new, old, action) == []
    assert _gains(new, old, "ec2:DeleteVpc") == ["ec2:DeleteVpc"]


def test_a_session_that_only_the_trust_policy_names_may_gain() -> None:
    one = {**_trusting(), "Principal": _CI}
    none = role(session=[allow("s3:*")], trust=[{**_trusting(), "Principal": _ME}])
    assert _gains(none, none, "sts:AssumeRole") == []
    both = replace(none, trust=policy(PolicyType.TRUST, one, {**_trusting(), "Principal": _ME}))
    assert _gains(both, none, "sts:AssumeRole") == ["sts:AssumeRole"]


_X, _HIDDEN = unknown("aws_s3_bucket.b.arn"), policy(PolicyType.IDENTITY, unknown("aws_iam_policy.x"))


_GROUP = (Unknown("group", "the group `devs` is not in the input", HERE),)


def _with_hidden(*statements: Any, **more: Any) -> Role:
    known = role(*statements, **more)
    return replace(known, identity=(*known.identity, _HIDDEN))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (role(allow("s3:*", _X)), role(allow("s3:Get*", _X))),
        (role(allow("s3:*", [_X, f"{_X}/*"])), role(allow("s3:*", f"{_X}/*", _MFA))),
        (role(allow(["s3:*", _SOME])), role(allow(["s3:GetObject", _SOME]))),
        (role(allow(_SOME, [_BUCKET, _OBJECTS])), role(allow(_SOME, _BUCKET))),
        (role(allow("s3:*", _X)), role(allow("s3:*", _X), boundary=[allow("s3:Get*")])),
        (role(allow("s3:*"), unknowns=_GROUP), role(allow("s3:Get*"), unknowns=_GROUP)),
        (_with_hidden(allow("s3:*")), _with_hidden(allow("s3:Get*"))),
        (_with_hidden(allow("s3:*")), _with_hidden(allow("s3:*"), deny("s3:Put*"), boundary=[ALL])),
    ],
    ids=["fewer actions", "one resource of two", "beside the same actions", "one resource for the same actions",
         "boundary added", "group kept", "unknown policy kept", "unknown policy under more limits"],
)  # fmt: skip
def test_a_value_that_is_not_known_is_the_same_in_both_versions(old: Role, new: Role) -> None:
    assert _gains(new, old, "s3:*") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (role(), role(unknowns=_GROUP)),
        (role(boundary=[allow("s3:Get*")], unknowns=_GROUP), role(unknowns=_GROUP)),
        (role(allow("s3:Get*", _X)), role(allow("s3:*", _X))),
        (role(allow("s3:*", _X)), role(allow("s3:*", unknown("other")))),
        (role(allow("s3:*", _X), boundary=[allow("s3:Get*")]), role(allow("s3:*", _X))),
        (role(allow(_SOME, _BUCKET)), role(allow(_SOME, [_BUCKET, _OBJECTS]))),
        ( _with_hidden(allow("s3:Get*"), boundary=[allow("s3:*")]), _with_hidden(allow("s3:Get*"))),
        ( _with_hidden(ALL, deny("s3:Delete*")), _with_hidden(allow("s3:Get*"))),
        (role(allow("s3:Get*")), _with_hidden(allow("s3:Get*"))),
    ],
    ids=["group added", "group without its boundary", "more actions", "another value", "boundary dropped",
         "more resources",
         "unknown policy without its boundary",
         "unknown policy without its Deny", "unknown policy added"],
)  # fmt: skip
def test_what_a_value_that_is_not_known_may_add_is_not_decided(old: Role, new: Role) -> None:
    mask = catalog().expand("s3:DeleteObject")
    found = difference(new, old, who=_ANY, within=mask)
    assert found.mask == mask or [m for m, _ in found.unknown] == [mask]


def test_resource_policies_follow_a_role_that_is_renamed() -> None:
    def holder(name: str, *named: str) -> Role:
        said = [allow("s3:*", _OBJECTS, Principal={"AWS": one}) for one in named]
        return replace(_granted(on={_BUCKET: said}), name=name, arn=_named(name))

    def _named(name: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def session(name: str) -> str:
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/ci"

    old, new, other = (_named(name) for name in ("old", "new", "other"))
    gained = ["s3:DeleteObject"]
    assert _gains(holder("new", new), holder("old", old), "s3:DeleteObject") == []
    assert _gains(holder("new", session("new")), holder("old", session("old")), "s3:DeleteObject") == []
    assert _gains(holder("new", new, other), holder("old", old, other), "s3:DeleteObject") == []
    assert _gains(holder("new", new), holder("old", other), "s3:DeleteObject") == gained
    assert _gains(holder("new", new), holder("old", new), "s3:DeleteObject") == gained
    assert _gains(holder("new", new), holder("old", session("old")), "s3:DeleteObject") == gained


def test_a_trust_policy_follows_a_role_that_is_renamed() -> None:
    def holder(name: str, *named: str) -> Role:
        arns = [f"arn:aws:iam::{ACCOUNT}:role/{one}" for one in (name, *named)]
        trusted = {**_trusting(), "Principal": {"AWS": arns[1:]}}
        return replace(role(trust=[trusted]), name=name, arn=arns[0])

    assert _gains(holder("new", "new"), holder("old", "old"), "sts:AssumeRole") == []
    assert _gains(holder("new", "new", "other"), holder("old", "old", "other"), "sts:AssumeRole") == []
    assert _gains(holder("new", "new"), holder("old", "other"), "sts:AssumeRole") == ["sts:AssumeRole"]


_LEDGER = "arn:aws:s3:::ledger"
_REFUSED = deny("s3:Delete*", f"{_LEDGER}/*", Principal="*")


def _on_ledger(*said: Any, identity: Sequence[Any] = (ALL,), **more: Any) -> Role:
    policies = (policy(PolicyType.RESOURCE, *said, resource=_LEDGER),) if said else ()
    return role(*identity, **more, resource_policies=policies)


_NOTHING_ON_S3 = [allow("ec2:*")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (_on_ledger(), _on_ledger("gone"), "no"),
        (_on_ledger("gone"), _on_ledger("gone"), "no"),
        (_on_ledger(identity=_NOTHING_ON_S3), _on_ledger("gone", identity=_NOTHING_ON_S3, scps=[_NOTHING_ON_S3]), "no"),
        (_on_ledger(identity=[ALL]), _on_ledger("gone", identity=[ALL, deny("s3:*")]), "no"),
        (_on_ledger(_REFUSED), _on_ledger("gone"), "unknown"),
        (_on_ledger("gone"), _on_ledger(), "unknown"),
        (_on_ledger(identity=_NOTHING_ON_S3), _on_ledger("gone", identity=_NOTHING_ON_S3), "unknown"),
        (_on_ledger(identity=_NOTHING_ON_S3), _on_ledger("gone", identity=_NOTHING_ON_S3, boundary=_NOTHING_ON_S3),
         "unknown"),
        (_on_ledger("gone", identity=_NOTHING_ON_S3), _on_ledger("gone"), "yes"),
    ],
)  # fmt: skip
def test_a_resource_policy_that_is_not_known_may_give_and_no_longer_refuse(old: Role, new: Role, expected: str) -> None:
    found = difference(new, old, within=catalog().expand("s3:DeleteObject"))
    assert ("yes" if found.gains else "unknown" if found.unknown else "no") == expected


def test_a_witness_spells_a_key_as_the_old_version_did() -> None:
    refused = deny("s3:*", "*", {"StringEquals": {"aws:PrincipalTag/Team": "ci"}})
    (gain,) = difference(role(ALL), role(ALL, refused), within=catalog().expand("s3:DeleteBucket")).gains
    assert gain.witness.context == {"aws:PrincipalTag/Team": "ci"}


_SHELL, _HOSTS = "arn:aws:ssm:*::document/AWS-RunShellScript", "arn:aws:ec2:*:*:instance/"
_COMMANDS = ["ssm:CreateAssociation", "ssm:SendCommand"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([allow("ssm:*", [_SHELL, f"{_HOSTS}*"])], [allow("ssm:*", [_SHELL, f"{_HOSTS}i-dev*"])], []),
        ([allow("ssm:*", f"{_HOSTS}i-dev*")], [allow("ssm:*", f"{_HOSTS}*")], []),
        ([allow("ssm:*", [_SHELL, f"{_HOSTS}i-dev*"])], [allow("ssm:*", [_SHELL, f"{_HOSTS}*"])], _COMMANDS),
        (
            [allow("ssm:*", _SHELL), allow("ssm:*", f"{_HOSTS}*", _DEV)],
            [allow("ssm:*", _SHELL), allow("ssm:*", f"{_HOSTS}*")],
            _COMMANDS,
        ),
        ([allow("ssm:*", _SHELL)], [allow("ssm:*", _SHELL), allow("ssm:*", f"{_HOSTS}*")], _COMMANDS),
        ([ALL, deny("ssm:*", f"{_HOSTS}i-prod*")], [ALL], _COMMANDS),
    ],
)
def test_a_host_that_a_command_newly_reaches_is_gained(old: list[Any], new: list[Any], expected: list[str]) -> None:
    within = catalog().expand_all(_COMMANDS)
    found = difference(role(*new), role(*old), who=_ANY, within=within)
    assert (sorted(catalog().names(found.mask)), found.unknown) == (expected, ())
    assert all("instance" in gain.witness.resource for gain in found.gains)


_HIDDEN = unknown("var.bucket")
_HIDDEN_DENIES = [
    deny("s3:*", _HIDDEN),
    deny("s3:*", "*", {"StringEquals": {"aws:ResourceTag/x": _HIDDEN}}),
    deny(unknown("var.actions")),
]
_READS, _EVERY_BUCKET = allow("s3:Get*"), allow("s3:*")


@pytest.mark.parametrize("refused", _HIDDEN_DENIES)
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([_EVERY_BUCKET], [_EVERY_BUCKET], False),
        ([_EVERY_BUCKET], [allow("s3:*", "arn:aws:s3:::x")], False),
        ([_READS], [_EVERY_BUCKET], True),
        ([_READS], [allow(unknown("var.more"))], True),
    ],
)
def test_a_deny_that_is_not_known_leaves_a_gain_open(
    refused: dict[str, Any], old: list[Any], new: list[Any], expected: bool
) -> None:
    bucket = catalog().expand("s3:DeleteBucket")
    found = difference(role(*new, refused), role(*old, refused), who=_ANY, within=bucket)
    assert found.gains == ()
    assert [mask for mask, _ in found.unknown] == ([bucket] if expected else [])


@pytest.mark.parametrize(
    ("before", "expected"), [([], True), ([allow("ec2:*", "arn:aws:ec2:*:*:instance/*")], False), ([ALL], False)]
)
def test_what_is_not_known_of_one_resource_leaves_a_gain_on_two_open(before: list[Any], expected: bool) -> None:
    volumes = allow("ec2:*", "arn:aws:ec2:*:*:volume/*", {"StringNotLike": {"aws:SourceIp": _HIDDEN}})
    instances = allow("ec2:AttachVolume", "arn:aws:ec2:*:*:instance/*")
    mask = catalog().expand("ec2:AttachVolume")
    found = difference(role(volumes, instances), role(volumes, *before), who=_ANY, within=mask)
    assert (found.gains, bool(found.unknown)) == ((), expected)


_AT_HOME = "arn:aws:rds:eu-west-1:123456789012:db:x"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (allow("rds:*", _AT_HOME.replace("eu-west-1", unknown("region"))), allow("rds:*", _AT_HOME), "unknown"),
        (allow("rds:*", _AT_HOME.replace(ACCOUNT, unknown("account"))), allow("rds:*", _AT_HOME), "unknown"),
        (allow("rds:*", _AT_HOME.replace("eu-west-1", unknown("region"))),
         allow("rds:*", _AT_HOME.replace("eu-west-1", unknown("where"))), "unknown"),
        (allow("rds:*", condition={"StringEquals": {"aws:RequestedRegion": unknown("region")}}),
         allow("rds:*", condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}), "unknown"),
        (allow("rds:*", _AT_HOME.replace("eu-west-1", unknown("region"))), allow("rds:*", f"{_AT_HOME}y"), "gain"),
        (allow("rds:*", _AT_HOME.replace("x", unknown("new"))), allow("rds:*", _AT_HOME), "gain"),
    ],
    ids=["Region", "account", "two names", "tested Region", "another name", "a name not known"],
)  # fmt: skip
def test_a_place_that_one_version_alone_knows_leaves_a_gain_open(one: Any, other: Any, expected: str) -> None:
    for new, old in ((one, other), (other, one)):
        found = difference(role(new), role(old), who=_ANY, within=catalog().expand("rds:DeleteDBInstance"))
        assert ("gain" if found.gains else "unknown" if found.unknown else "none") == expected


@pytest.mark.parametrize("limit", [allow("s3:*", _HIDDEN), allow(unknown("var.actions"))])
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (_EVERY_BUCKET, _EVERY_BUCKET, False),
        (_EVERY_BUCKET, allow("s3:*", "arn:aws:s3:::x"), False),
        (_READS, _EVERY_BUCKET, True),
    ],
)
def test_a_boundary_that_is_not_fully_known_leaves_a_gain_open(
    limit: dict[str, Any], old: dict[str, Any], new: dict[str, Any], expected: bool
) -> None:
    found = difference(role(new, boundary=[limit]), role(old, boundary=[limit]), who=_ANY)
    assert (found.gains, bool(found.unknown)) == ((), expected)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("arn:*:rds:*:*:db:x", "arn:aws-cn:rds:cn-north-1:123456789012:db:x"),
        ("arn:aws-cn:rds:*:*:db:x", "arn:aws-cn:rds:cn-north-1:123456789012:db:x"),
        ("arn:aws:rds:*:*:*", "arn:aws:rds:us-east-1:123456789012:db:example"),
    ],
)
def test_what_a_policy_by_itself_gains_is_shown_where_it_can_be(new: str, expected: str) -> None:
    one, other = (role(allow("rds:*", arn), kind="policy") for arn in (new, "arn:aws:rds:*:*:db:x"))
    (gain,) = difference(one, other, within=catalog().expand("rds:DeleteDBInstance")).gains
    assert gain.witness.resource == expected


_IN_CHINA, _ELSEWHERE = deny("rds:*", "arn:aws-cn:rds:*:*:*"), deny("rds:*", "arn:aws:rds:*:*:*")


@pytest.mark.parametrize(
    ("new", "old", "gained"),
    [
        ([ALL, _IN_CHINA], [ALL], None),
        ([ALL, _IN_CHINA], [ALL, _IN_CHINA], None),
        ([ALL], [ALL, _IN_CHINA], "arn:aws-cn:rds:cn-north-1:"),
        ([ALL, _IN_CHINA], [ALL, _ELSEWHERE], "arn:aws:rds:us-east-1:"),
        ([ALL, _ELSEWHERE], [ALL, _IN_CHINA], "arn:aws-cn:rds:cn-north-1:"),
    ],
)
def test_versions_that_name_different_partitions(new: list[Any], old: list[Any], gained: str | None) -> None:
    within = catalog().expand("rds:DeleteDBInstance")
    found = difference(role(*new, kind="policy"), role(*old, kind="policy"), within=within)
    assert not found.unknown
    assert [g.witness.resource.startswith(gained or "?") for g in found.gains] == [True] * bool(gained)


def test_a_difference_that_takes_too_much_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "MAX_EFFORT", -1)  # as after a question that took all there is
    new, old = (
        role(allow("ec2:RunInstances", [f"arn:aws:ec2:*:*:*{text}*/a*b?c*", "arn:aws:ec2:*:*:*/*"]))
        for text in ("inst?an", "ta?ken")
    )
    found = difference(new, replace(old, identity=()), within=catalog().expand("ec2:RunInstances"), who=_ANY)
    assert (found.gains, bool(found.unknown)) == ((), True)


@pytest.mark.parametrize("within", ["ec2:AuthorizeSecurityGroupIngress", "ec2:A*", "ec2:*"])
def test_a_call_that_names_one_more_resource_is_gained_with_the_tags_of_that_one(within: str) -> None:
    tagged = {"StringEquals": {"aws:RequestTag/team": "a"}}
    new, old = role(allow("ec2:*")), role(allow("ec2:*"), deny("ec2:*", condition=tagged))
    asked = catalog().expand("ec2:AuthorizeSecurityGroupIngress")
    found = difference(new, old, within=catalog().expand(within), who=_ANY)
    assert (found.mask & asked, found.unknown) == (asked, ())
    assert not difference(old, new, within=catalog().expand(within), who=_ANY).mask
