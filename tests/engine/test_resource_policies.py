"""Resource policies of the role's account: what they grant past which ceilings, and what they deny (S6.5)."""

from __future__ import annotations

from typing import Any

import pytest
from engine.building import ACCOUNT, ALL, ROLE_ARN, allow, deny, policy, role

from rolelint.algebra import strings
from rolelint.catalog import catalog
from rolelint.engine import Outcome, actor, can, decide, difference, powers
from rolelint.engine.gains import Difference
from rolelint.engine.request import Request, Target
from rolelint.engine.scene import policy_set, request_principal
from rolelint.policies.role import PolicyType, Role
from rolelint.policies.text import unknown
from rolelint.records import replace

_ANY = actor("any")
_BUCKET = "arn:aws:s3:::ledger"
_OBJECT = f"{_BUCKET}/a"
_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234"
_NO_S3 = [allow("ec2:*")]
_INSECURE = {"Bool": {"aws:SecureTransport": "false"}}
_ME, _MY_ACCOUNT, _EVERYBODY = {"AWS": ROLE_ARN}, {"AWS": ACCOUNT}, "*"
_OTHER = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}


def _with(arn: str, *statements: Any, identity: Any = (), **more: Any) -> Role:
    held = role(*(identity or [allow("ec2:Describe*")]), **more)
    return replace(held, resource_policies=(policy(PolicyType.RESOURCE, *statements, resource=arn),))


def _grant(principal: Any, action: Any = "s3:*", resource: Any = (_BUCKET, f"{_BUCKET}/*")) -> dict[str, Any]:
    return allow(action, list(resource) if isinstance(resource, tuple) else resource, Principal=principal)


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (_with(_BUCKET, _grant(_MY_ACCOUNT)), "no"),
        (_with(_BUCKET, _grant(_OTHER)), "no"),
        (_with(_BUCKET, _grant(_ME, resource="arn:aws:s3:::other/*")), "no"),
        (_with("", _grant(_ME)), "no"),
        (_with(_BUCKET, _grant(_ME), boundary=_NO_S3), "no"),
        (_with(_BUCKET, _grant(_ME), session=_NO_S3), "no"),
        (_with(_BUCKET, _grant(_ME), scps=[_NO_S3]), "no"),
        (_with(_BUCKET, _grant(_ME), identity=[deny("s3:*")]), "no"),
        (_with(_BUCKET, _grant(_ME), deny("s3:*", f"{_BUCKET}/*", Principal="*")), "no"),
        (_with(_BUCKET, _grant(_EVERYBODY), boundary=[ALL, deny("s3:Delete*")]), "no"),
        (_with(_BUCKET, _grant(_EVERYBODY), rcps=[deny("s3:*", Principal="*")]), "no"),
        (_with(_BUCKET, _grant(_ME)), "yes"),
        (_with(_BUCKET, _grant(_ME), boundary=[allow("s3:*")]), "yes"),
        (_with(_BUCKET, _grant(_EVERYBODY), boundary=_NO_S3, session=_NO_S3), "yes"),
        (_with(_BUCKET, _grant(_ME, resource="*")), "yes"),
        (_with(_BUCKET, _grant(_ME), deny("s3:*", "*", _INSECURE, Principal="*")), "yes"),
    ],
)
def test_what_a_bucket_policy_gives(holder: Role, expected: str) -> None:
    assert can(holder, "s3:DeleteObject", who=_ANY).verdict == expected
    assert can(holder, "s3:DeleteObject", resource=_OBJECT, who=_ANY).verdict == expected
    found = powers(holder, _ANY, catalog().expand("s3:DeleteObject"))
    assert bool(found.powers) is (expected == "yes")
    if found.powers:
        assert found.powers[0].granted_by[0].policy.type is PolicyType.RESOURCE
        assert all(text.startswith(_BUCKET) for text in found.powers[0].resources)


_SESSIONS = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/"
_IN_IT = [_BUCKET, f"{_BUCKET}/*"]


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (_with(_BUCKET, deny("s3:*", _IN_IT, NotPrincipal=_OTHER), identity=[ALL]), "no"),
        (_with(_BUCKET, _grant(_ME), deny("s3:*", _IN_IT, NotPrincipal=_OTHER)), "no"),
        (_with(_BUCKET, deny("s3:*", _IN_IT, NotPrincipal={"AWS": f"{_SESSIONS}bob"}), identity=[ALL]), "yes"),
        (_with(_BUCKET, _grant(_ME), deny("s3:*", _IN_IT, NotPrincipal={"AWS": f"{_SESSIONS}bob"})), "yes"),
        (_with(_BUCKET, deny("s3:*", _IN_IT, Principal={"AWS": f"{_SESSIONS}session"}), identity=[ALL]), "yes"),
    ],
)
def test_the_holder_chooses_the_session_that_a_deny_spares(holder: Role, expected: str) -> None:
    assert can(holder, "s3:DeleteObject", resource=_OBJECT, who=_ANY).verdict == expected  # S4.6


def _but(*spared: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "s3:*", "NotResource": list(spared), "Principal": "*", **more}


_TMP = _but(f"{_BUCKET}/tmp/*")
_HERE_AND_THERE = [allow("s3:*", [_OBJECT, f"{_BUCKET}/tmp/*"])]
_MINE = allow("s3:*", _OBJECT, Principal={"AWS": f"{_SESSIONS}bob"})


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (_with(_BUCKET, _TMP, identity=[allow("s3:*", _OBJECT)]), "no"),
        (_with(_BUCKET, _TMP, _but(f"{_BUCKET}/a*"), identity=_HERE_AND_THERE), "no"),
        (_with(_BUCKET, _TMP, _MINE), "no"),
        (_with(_BUCKET, _TMP, identity=_HERE_AND_THERE), "yes"),
        (_with(_BUCKET, _but("arn:aws:s3:::*/a"), identity=_HERE_AND_THERE), "yes"),
        (_with(_BUCKET, {**_TMP, "Action": "s3:Put*"}, identity=[allow("s3:*", _OBJECT)]), "yes"),
        (_with(_BUCKET, {**_TMP, "Principal": {"AWS": f"{_SESSIONS}session"}}, identity=[allow("s3:*", _OBJECT)]),
         "yes"),
    ],
)  # fmt: skip
def test_a_deny_that_spares_a_part_of_its_bucket(holder: Role, expected: str) -> None:
    assert can(holder, "s3:DeleteObject", who=_ANY).verdict == expected
    assert bool(powers(holder, _ANY, catalog().expand("s3:DeleteObject")).mask) is (expected == "yes")


def test_a_grant_that_may_hold_is_possible() -> None:
    held = _with(_BUCKET, _grant(_ME))
    (given,) = held.resource_policies
    (statement,) = given.document.statements
    doubtful = replace(given.document, statements=(replace(statement, doubtful="holds only for some values of `Env`"),))
    found = powers(
        replace(held, resource_policies=(replace(given, document=doubtful),)), _ANY, catalog().expand("s3:DeleteObject")
    )
    assert [power.certainty for power in found.powers] == ["possible"]


@pytest.mark.parametrize(("resource", "expected"), [(_BUCKET, "no"), ("arn:aws:s3:::ledgers", "yes"), (None, "yes")])
def test_a_deny_of_a_resource_policy_protects_its_resource(resource: str | None, expected: str) -> None:
    holder = _with(_BUCKET, deny("s3:DeleteBucket", "*", Principal="*"), identity=[allow("s3:*")])
    assert can(holder, "s3:DeleteBucket", resource=resource, who=_ANY).verdict == expected


def test_a_deny_on_the_one_resource_that_is_granted_leaves_nothing() -> None:
    holder = _with(_BUCKET, deny("s3:*", "*", Principal="*"), identity=[allow("s3:*", [_BUCKET, f"{_BUCKET}/*"])])
    assert can(holder, "s3:DeleteBucket", who=_ANY).verdict == "no"
    assert not powers(holder, _ANY, catalog().expand("s3:Delete*")).powers


@pytest.mark.parametrize(
    ("statements", "more", "expected"),
    [
        ([_grant(_OTHER, "kms:*", "*")], {}, "no"),
        ([_grant(_MY_ACCOUNT, "kms:Decrypt", "*")], {}, "no"),
        ([_grant(_MY_ACCOUNT, "kms:*", "*"), deny("kms:*", "*", Principal=_ME)], {}, "no"),
        ([_grant(_MY_ACCOUNT, "kms:*", "*")], {"identity": [allow("ec2:*")]}, "no"),
        ([_grant(_MY_ACCOUNT, "kms:*", "*")], {}, "yes"),
        ([_grant(_ME, "kms:*", "*")], {"identity": [allow("ec2:*")]}, "yes"),
        ([_grant(_ME, "kms:*", "*")], {"boundary": [allow("ec2:*")]}, "no"),
    ],
)
def test_a_key_policy_decides_over_its_key(statements: list[Any], more: dict[str, Any], expected: str) -> None:
    holder = _with(_KEY, *statements, **{"identity": [allow("kms:*")], **more})
    answer = can(holder, "kms:ScheduleKeyDeletion", resource=_KEY, who=_ANY)
    assert answer.verdict == expected
    if answer.witness:
        assert not answer.witness.assumes


@pytest.mark.parametrize("resource", [_OBJECT, None])
def test_a_deny_of_one_session_denies_no_other(resource: str | None) -> None:
    one = {"AWS": f"{_SESSIONS}session"}
    within = catalog().expand("s3:DeleteObject")
    for holder in (
        _with(_BUCKET, deny("s3:*", _IN_IT, Principal=one), identity=[allow("s3:*", _IN_IT)]),
        _with(_BUCKET, deny("s3:*", _IN_IT, NotPrincipal={"AWS": f"{_SESSIONS}bob"}), identity=[allow("s3:*", _IN_IT)]),
    ):
        assert can(holder, "s3:DeleteObject", resource=resource, who=_ANY).verdict == "yes"  # S4.6, S4.15
        assert powers(holder, _ANY, within).mask == within


def test_a_key_that_a_ceiling_names_is_judged_by_its_policy() -> None:
    on_key = [allow("kms:*", _KEY)]
    for ceiling in ({"boundary": on_key}, {"session": on_key}, {"scps": [[ALL], on_key]}):
        holder = _with(_KEY, _grant(_OTHER, "kms:*", "*"), identity=[allow("kms:*")], **ceiling)
        assert can(holder, "kms:ScheduleKeyDeletion", who=_ANY).verdict == "no"
        assert not powers(holder, _ANY, catalog().expand("kms:ScheduleKeyDeletion")).powers


@pytest.mark.parametrize(
    ("arn", "expected"), [(f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs", "no"), (_KEY, "no"), (_BUCKET, "yes")]
)
def test_a_pattern_with_variables_reaches_only_what_it_can_be(arn: str, expected: str) -> None:
    holder = _with(arn, _grant(_ME, "s3:DeleteObject", f"{_BUCKET}/${{aws:PrincipalTag/team}}/*"))
    assert can(holder, "s3:DeleteObject", who=_ANY).verdict == expected
    assert bool(powers(holder, _ANY, catalog().expand("s3:DeleteObject")).mask) is (expected == "yes")


def test_a_key_is_named_in_any_region() -> None:
    for key, expected in (("1234", "no"), ("mrk-1234", "yes")):
        named = f"arn:aws:kms:*:{ACCOUNT}:key/{key}"
        holder = _with(named.replace("*", "us-east-1"), _grant(_OTHER, "kms:*", "*"), identity=[allow("kms:*", named)])
        assert can(holder, "kms:ScheduleKeyDeletion", who=_ANY).verdict == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (_grant(_OTHER, "kms:*", "*"), "no"),
        (_grant(_MY_ACCOUNT, "kms:Decrypt", "*"), "no"),
        (_grant(_MY_ACCOUNT, "kms:*", "*"), "yes"),
        (_grant(_ME, "kms:*", "*"), "yes"),
    ],
)
def test_a_key_that_an_identity_policy_names_is_judged_by_its_policy(statement: Any, expected: str) -> None:
    holder = _with(_KEY, statement, identity=[allow("kms:*", _KEY), allow("s3:*")])
    assert can(holder, "kms:ScheduleKeyDeletion", who=_ANY).verdict == expected  # S6.40
    held = powers(holder, _ANY, catalog().expand("kms:ScheduleKeyDeletion"))
    assert (bool(held.powers), held.unknown) == (expected == "yes", ())
    beside = powers(holder, _ANY, catalog().expand("s3:DeleteBucket"))
    assert [power.scope for power in beside.powers] == ["any"]


def test_a_key_whose_policy_is_not_known_is_taken_to_delegate() -> None:
    answer = can(role(allow("kms:*")), "kms:ScheduleKeyDeletion", resource=_KEY)
    assert answer.witness is not None
    assert answer.witness.assumes == ("the key policy delegates to the account",)


def test_the_default_policy_of_a_topic_grants_no_role() -> None:
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    owner = {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    holder = _with(topic, allow("SNS:DeleteTopic", topic, owner, Principal={"AWS": "*"}))
    assert can(holder, "sns:DeleteTopic").verdict == "no"


def test_a_user_is_granted_directly() -> None:
    bounded = role(allow("ec2:*"), kind="user", boundary=_NO_S3)
    granted = policy(PolicyType.RESOURCE, _grant({"AWS": bounded.arn}), resource=_BUCKET)
    assert can(replace(bounded, resource_policies=(granted,)), "s3:DeleteObject", who=_ANY).verdict == "yes"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([_grant(_ME), deny("s3:*", f"{_BUCKET}/?", Principal="*")], "yes"),
        ([_grant(_ME), deny("s3:*", f"{_BUCKET}*", Principal="*")], "no"),
        ([{"Effect": "Allow", "Principal": _ME, "Action": "s3:*", "NotResource": f"{_BUCKET}/?"}], "yes"),
        ([{"Effect": "Allow", "Principal": _ME, "Action": "s3:*", "NotResource": f"{_BUCKET}/*"}], "no"),
    ],
)
def test_a_question_mark_stands_for_one_character_of_an_object(statements: Any, expected: str) -> None:
    assert can(_with(_BUCKET, *statements), "s3:DeleteObject", who=_ANY).verdict == expected


_QUEUE = "arn:aws:sqs:us-east-1:999999999999:jobs"
_ONE, _BOB = {"AWS": f"{_SESSIONS}session"}, {"AWS": f"{_SESSIONS}bob"}
_ALL_BUT_ONE = {"Effect": "Allow", "Action": "sqs:*", "Resource": _QUEUE, "NotPrincipal": _ONE}


@pytest.mark.parametrize(
    ("statement", "more", "expected"),
    [
        (_grant({"AWS": [ROLE_ARN]}), {}, "no"),
        (_grant({"AWS": [ROLE_ARN, f"{_SESSIONS}bob"]}), {"scps": [_NO_S3]}, "no"),
        (_grant({"AWS": [ROLE_ARN, f"{_SESSIONS}bob"]}), {}, "yes"),
    ],
)
def test_a_statement_that_names_the_role_and_a_session_grants_past_the_boundary(
    statement: Any, more: dict[str, Any], expected: str
) -> None:
    for holder in (_with(_BUCKET, statement, boundary=_NO_S3, **more), _with(_BUCKET, statement, session=[], **more)):
        assert can(holder, "s3:DeleteObject", who=_ANY).verdict == expected  # S4.6
        assert bool(powers(holder, _ANY, catalog().expand("s3:DeleteObject")).mask) is (expected == "yes")


def test_what_the_role_is_granted_counts_for_the_session_that_a_deny_leaves_more() -> None:
    spared = _but(_BUCKET, f"{_BUCKET}/tmp/*")
    for principal, expected in ((_ME, "no"), (_ONE, "yes")):
        holder = _with(_BUCKET, _grant(_ME, resource=_OBJECT), {**spared, "Principal": principal})
        assert can(holder, "s3:DeleteObject", who=_ANY).verdict == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow("sqs:*", _QUEUE, Principal=_OTHER), "no"),
        (allow("sqs:*", _QUEUE, Principal=_BOB), "yes"),
        (allow("sqs:*", _QUEUE, Principal=_ONE), "yes"),
        (_ALL_BUT_ONE, "yes"),
    ],
)
def test_the_holder_chooses_the_session_that_another_account_allows(statement: Any, expected: str) -> None:
    holder = _with(_QUEUE, statement, identity=[allow("sqs:*")])
    assert can(holder, "sqs:PurgeQueue", resource=_QUEUE, who=_ANY).verdict == expected  # S4.6, S6.35


def test_what_grants_a_power_is_told_once() -> None:
    holder = _with(_BUCKET, _grant(_ME, "s3:DeleteObject"), _grant(_BOB, "s3:DeleteBucket"))
    (power,) = powers(holder, _ANY, catalog().expand("s3:DeleteObject")).powers
    assert [ref.label for ref in power.granted_by] == ["resource/Statement[0]"]


_ABROAD = "210987654321"
_THEIR_QUEUE = f"arn:aws:sqs:us-east-1:{_ABROAD}:jobs"
_THEIR_KEY = f"arn:aws:kms:us-east-1:{_ABROAD}:key/1234"
_LET_IN = allow("*", "*", Principal=_MY_ACCOUNT)


@pytest.mark.parametrize(
    ("holder", "action", "expected"),
    [
        (_with(_THEIR_QUEUE, allow("*", "*", Principal={"AWS": _ABROAD}), identity=[allow("sqs:*", _THEIR_QUEUE)]),
         "sqs:PurgeQueue", ""),
        (_with(_THEIR_QUEUE, _LET_IN, identity=[allow("sqs:*", f"{_THEIR_QUEUE}2")]), "sqs:PurgeQueue", ""),
        (_with(_THEIR_QUEUE, _LET_IN, identity=[allow("sqs:*", _THEIR_QUEUE)], boundary=_NO_S3), "sqs:PurgeQueue", ""),
        (_with(_THEIR_QUEUE, _LET_IN, deny("sqs:*", "*", Principal=_ME), identity=[allow("sqs:*", _THEIR_QUEUE)]),
         "sqs:PurgeQueue", ""),
        (_with(_THEIR_QUEUE, allow("*", "*", Principal=_ME), identity=_NO_S3), "sqs:PurgeQueue", ""),
        (_with(_THEIR_QUEUE, _LET_IN, identity=[allow("sqs:*", f"arn:aws:sqs:*:{_ABROAD}:*")]),
         "sqs:PurgeQueue", _THEIR_QUEUE),
        (_with(_THEIR_QUEUE, allow("*", "*", Principal={"AWS": f"{_SESSIONS}bob"}),
               identity=[allow("sqs:*", _THEIR_QUEUE)]), "sqs:PurgeQueue", _THEIR_QUEUE),
        (_with(_THEIR_KEY, _LET_IN, identity=[allow("kms:*", _THEIR_KEY)]), "kms:CreateGrant", _THEIR_KEY),
        (_with(_THEIR_KEY, _LET_IN, identity=[allow("kms:*", _THEIR_KEY)]), "kms:ScheduleKeyDeletion", ""),
        (_with(_THEIR_QUEUE, _LET_IN, identity=[allow("sqs:*", _THEIR_QUEUE)]), "sqs:DeleteQueue", ""),
    ],
)  # fmt: skip
def test_power_over_a_resource_of_another_account_that_lets_the_role_in(
    holder: Role, action: str, expected: str
) -> None:
    answer = can(holder, action, who=_ANY)
    found = powers(holder, _ANY, catalog().expand(action))
    assert (answer.witness.resource if answer.witness else "") == expected  # S6.35
    assert [r for power in found.powers for r in power.resources] == ([expected] if expected else [])


_OWN_PART = "arn:aws:s3:::${aws:PrincipalTag/team}/*"
_FOR_OTHERS = {"StringNotEquals": {"aws:PrincipalArn": f"{ROLE_ARN}x"}}


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (_with(_BUCKET, {**_TMP, "Condition": _FOR_OTHERS}, identity=[allow("s3:*", _OBJECT)]), "no"),
        (_with(_BUCKET, deny("s3:*", _OWN_PART, Principal="*"), identity=[allow("s3:*", _OBJECT)],
               tags={"team": "ledger"}, trust=[]), "no"),
        (_with(_BUCKET, _grant(_ME, resource=_OWN_PART), tags={"team": "other"}, trust=[]), "no"),
        (_with(_BUCKET, {**_TMP, "Condition": _FOR_OTHERS}, identity=_HERE_AND_THERE), "yes"),
        (_with(_BUCKET, {**_TMP, "Condition": _INSECURE}, identity=[allow("s3:*", _OBJECT)]), "yes"),
        (_with(_BUCKET, {**_TMP, "Effect": "Allow", "Principal": _ME, "Condition": _INSECURE}), "yes"),
        (_with(_BUCKET, _grant(_ME, resource=_OWN_PART), tags={"team": "ledger"}, trust=[]), "yes"),
        (_with(_BUCKET, _grant(_ME, resource=_OWN_PART)), "yes"),
    ],
)  # fmt: skip
def test_a_statement_that_is_no_list_of_patterns_of_its_resource(holder: Role, expected: str) -> None:
    assert can(holder, "s3:DeleteObject", who=_ANY).verdict == expected
    found = powers(holder, _ANY, catalog().expand("s3:DeleteObject"))
    assert [power.certainty for power in found.powers] == (["proved"] if expected == "yes" else [])
    assert all(text.startswith(_BUCKET) for power in found.powers for text in power.resources)


def test_a_grant_with_not_resource_gives_nothing_on_what_it_spares() -> None:
    holder = _with(_BUCKET, {**_TMP, "Effect": "Allow", "Principal": _ME})
    assert can(holder, "s3:DeleteObject", resource=f"{_BUCKET}/tmp/a", who=_ANY).verdict == "no"
    assert can(holder, "s3:DeleteObject", resource=_OBJECT, who=_ANY).verdict == "yes"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (deny("s3:*", _OWN_PART, Principal="*"), None),
        ({**_TMP, "Condition": _FOR_OTHERS},
         {**_TMP, "NotResource": [f"{_BUCKET}/tmp/*", f"{_BUCKET}/b"], "Condition": _FOR_OTHERS}),
    ],
)  # fmt: skip
def test_what_such_a_deny_no_longer_takes_away_is_a_gain(old: Any, new: Any) -> None:
    before = _with(_BUCKET, old, identity=[ALL])
    after = _with(_BUCKET, *([new] if new else []), identity=[ALL])
    mask = catalog().expand("s3:DeleteObject")
    assert difference(after, before, within=mask, who=_ANY).mask == mask
    assert difference(before, after, within=mask, who=_ANY) == Difference((), ())


@pytest.mark.parametrize(
    ("holder", "resource", "expected"),
    [
        (_with(_BUCKET, "gone"), "arn:aws:s3:::other/a", "no"),
        (_with(_BUCKET, "gone", identity=[deny("s3:*")]), _OBJECT, "no"),
        (_with(_BUCKET, "gone", scps=[_NO_S3]), None, "no"),
        (_with(_BUCKET, "gone"), _OBJECT, "unknown"),
        (_with(_BUCKET, "gone", boundary=_NO_S3), None, "unknown"),
    ],
)
def test_a_policy_that_is_not_known_may_grant(holder: Role, resource: str | None, expected: str) -> None:
    assert can(holder, "s3:DeleteObject", resource=resource, who=_ANY).verdict == expected


_SOME = f"arn:aws:s3:::{unknown('bucket')}"


@pytest.mark.parametrize(
    ("said", "more", "expected"),
    [
        (_grant(_OTHER, resource=f"{_SOME}/*"), {}, ("no", [])),
        (_grant(_ME, resource=f"{_SOME}/a"), {"boundary": _NO_S3}, ("no", [])),
        (_grant(_ME, resource=f"{_SOME}/a"), {}, ("yes", ["possible"])),
        (_grant(_ME, resource=f"{_SOME}/${{aws:PrincipalTag/team}}"), {}, ("yes", ["possible"])),
        (_grant(_ME, resource=f"{_BUCKET}/{unknown('key')}"), {}, ("yes", ["proved"])),
        ({**_but(f"{_SOME}/*"), "Effect": "Allow", "Principal": _ME}, {}, ("yes", ["possible"])),
        (deny("s3:*", f"{_SOME}/*", Principal="*"), {"identity": [allow("s3:*", _OBJECT)]}, ("yes", ["possible"])),
    ],
)
def test_a_resource_policy_that_names_a_bucket_not_known_yet(
    said: Any, more: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    holder = _with(_BUCKET, said, **more)
    found = powers(holder, _ANY, catalog().expand("s3:DeleteObject"))
    assert (can(holder, "s3:DeleteObject", who=_ANY).verdict, [p.certainty for p in found.powers]) == expected


_NO_QUEUES = [deny("sqs:*", Principal="*")]
_AT_THEIRS: dict[str, Any] = {"identity": [allow("sqs:*", _THEIR_QUEUE)], "rcps": _NO_QUEUES}


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (role(ALL, rcps=_NO_QUEUES), ("no", "")),
        (_with(_THEIR_QUEUE, **_AT_THEIRS), ("no", "")),
        (role(ALL, rcps=["gone"]), ("yes", "possible")),
        (_with(_THEIR_QUEUE, _LET_IN, **_AT_THEIRS), ("yes", "possible")),
        (role(ALL, rcps=_NO_QUEUES, management_account=True), ("yes", "proved")),
    ],
)
def test_rcps_are_those_of_the_account_of_the_resource(holder: Role, expected: tuple[str, str]) -> None:
    answer = can(holder, "sqs:PurgeQueue", who=_ANY)
    assert (answer.verdict, answer.certainty if answer.witness else "") == expected  # S6.20, S6.22
    found = powers(holder, _ANY, catalog().expand("sqs:PurgeQueue"))
    assert [p.certainty for p in found.powers] == ([expected[1]] if expected[1] else [])


_DOMAIN = f"arn:aws:es:us-east-1:{ACCOUNT}:domain/logs"


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (_with(_DOMAIN, allow("es:*", f"{_DOMAIN}-2/*", Principal=_ME)), "no"),
        (_with(_DOMAIN, deny("es:*", f"{_DOMAIN}/*", Principal="*"), identity=[allow("es:*", f"{_DOMAIN}/*")]), "no"),
        (_with(_DOMAIN, allow("es:ESHttp*", f"{_DOMAIN}/*", Principal=_ME)), "yes"),
    ],
)
def test_the_policy_of_a_domain_governs_what_lies_below_it(holder: Role, expected: str) -> None:
    assert can(holder, "es:ESHttpDelete", who=_ANY).verdict == expected
    assert can(holder, "es:ESHttpDelete", resource=f"{_DOMAIN}/index", who=_ANY).verdict == expected
    assert bool(powers(holder, _ANY, catalog().expand("es:ESHttpDelete")).mask) is (expected == "yes")


@pytest.mark.parametrize(
    ("said", "action", "expected"),
    [
        (allow("es:*", f"{_DOMAIN}/*"), "es:DeleteDomain", "no"),
        (allow("es:*", f"{_DOMAIN}/*"), "es:ESHttpDelete", "yes"),
        (allow("es:*", f"{_DOMAIN}*"), "es:DeleteDomain", "yes"),
        (allow("es:*", _DOMAIN), "es:DeleteDomain", "yes"),
        (allow("es:*", _DOMAIN.replace("logs", "*")), "es:DeleteDomain", "yes"),
    ],
)
def test_what_lies_below_a_domain_is_not_the_domain(said: dict[str, Any], action: str, expected: str) -> None:
    assert can(role(said), action).verdict == expected
    assert bool(powers(role(said), None, catalog().expand(action)).mask) is (expected == "yes")
    kept = role(allow("es:*"), {**said, "Effect": "Deny"})
    resource = _DOMAIN if action == "es:DeleteDomain" else f"{_DOMAIN}/index"
    assert can(kept, action, resource=resource).verdict == {"yes": "no", "no": "yes"}[expected]


_UNNAMED = [allow("s3:*", f"arn:aws:s3:::{unknown('var.bucket')}/*")]


@pytest.mark.parametrize(
    ("holder", "certainty"),
    [
        (_with(_BUCKET, deny("s3:*", _OBJECT, _INSECURE, Principal="*"), identity=_UNNAMED), "proved"),
        (_with(_BUCKET, deny("s3:*", f"{_BUCKET}/*", _INSECURE, Principal="*"), identity=_UNNAMED), "proved"),
        (role(*_UNNAMED, deny("s3:*", f"{_BUCKET}/*", _INSECURE)), "proved"),
        (_with(_BUCKET, deny("s3:*", f"{_BUCKET}/*", Principal="*"),
               identity=[allow("s3:*", f"arn:aws:s3:::{unknown('var.bucket')}-logs/*")]), "proved"),
        (_with(_BUCKET, deny("s3:*", f"{_BUCKET}/*", Principal="*"), identity=_UNNAMED), "possible"),
        (_with(_BUCKET, deny("s3:*", f"{_BUCKET}/*", {"StringNotEquals": {"aws:PrincipalArn": _OTHER["AWS"]}},
                             Principal="*"), identity=_UNNAMED), "possible"),
    ],
)  # fmt: skip
def test_a_bucket_whose_name_is_not_known_may_be_one_whose_policy_refuses(holder: Role, certainty: str) -> None:
    answer = can(holder, "s3:DeleteObject", who=_ANY)
    assert (answer.verdict, answer.certainty) == ("yes", certainty)
    found = powers(holder, _ANY, catalog().expand("s3:DeleteObject"))
    assert [p.certainty for p in found.powers] == [certainty]


_STRANGE = "arn:aws:sqs:us-east-1:210987654321:jobs"
_VAULTS = "arn:aws:backup:us-east-1:210987654321:backup-vault:"


@pytest.mark.parametrize(
    ("holder", "action", "arn", "expected"),
    [
        (role(allow("s3:*")), "sqs:PurgeQueue", _STRANGE, "no"),
        (role(ALL, boundary=[allow("s3:*")]), "sqs:PurgeQueue", _STRANGE, "no"),
        (role(ALL, deny("sqs:*", _STRANGE)), "sqs:PurgeQueue", _STRANGE, "no"),
        (role(ALL, deny("*", condition={"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}})),
         "sqs:PurgeQueue", _STRANGE, "no"),
        (role(ALL), "sqs:DeleteQueue", _STRANGE, "no"),
        (role(ALL), "sqs:PurgeQueue", _STRANGE.replace(":aws:", ":aws-cn:"), "no"),
        (role(ALL), "kms:ScheduleKeyDeletion", _KEY.replace(ACCOUNT, "210987654321"), "no"),
        (role(ALL), "iam:DeleteRole", "arn:aws:iam::210987654321:role/x", "no"),
        (role(ALL), "backup:DeleteBackupVault", f"{_VAULTS}kept", "no"),
        (_with(_STRANGE, allow("sqs:Send*", "*", Principal="*"), identity=[ALL]), "sqs:PurgeQueue", _STRANGE, "no"),
        (role(ALL), "sqs:PurgeQueue", _STRANGE.replace("210987654321", ACCOUNT), "yes"),
        (role(ALL, kind="policy"), "sqs:PurgeQueue", _STRANGE, "yes"),
        (role(ALL), "sqs:PurgeQueue", _STRANGE, "unknown"),
        (role(ALL, rcps=[deny("sqs:*", Principal="*")]), "sqs:PurgeQueue", _STRANGE, "unknown"),
        (role(ALL), "kms:Decrypt", _KEY.replace(ACCOUNT, "210987654321"), "unknown"),
        (role(ALL), "backup:CopyIntoBackupVault", f"{_VAULTS}kept", "unknown"),
    ],
)  # fmt: skip
def test_whether_another_account_lets_a_caller_in_is_not_known(
    holder: Role, action: str, arn: str, expected: str
) -> None:
    answer = can(holder, action, resource=arn, who=_ANY)  # S6.35, S6.38
    assert answer.verdict == expected
    assert ("210987654321" in answer.reason) is (expected == "unknown")
    assert can(holder, action, who=_ANY).verdict != "unknown"


def test_the_policy_of_a_domain_of_another_account_opens_what_it_names_below_it() -> None:
    domain = "arn:aws:es:us-east-1:210987654321:domain/logs"
    holder = _with(domain, allow("es:*", f"{domain}/open/*", Principal="*"), identity=[allow("es:*")])
    for index, expected in (("shut", "no"), ("open", "yes")):
        assert can(holder, "es:ESHttpDelete", resource=f"{domain}/{index}/1", who=_ANY).verdict == expected  # S6.35


def test_what_a_domain_of_another_account_newly_opens_below_it_is_a_gain() -> None:
    domain = "arn:aws:es:us-east-1:210987654321:domain/logs"
    shut, open_ = (
        _with(domain, allow("es:*", f"{domain}/{index}/*", Principal="*"), identity=[allow("es:*")])
        for index in ("shut", "open")
    )
    found = difference(open_, shut, who=_ANY)
    assert found.mask == catalog().expand("es:ESHttp*")
    assert all(":domain/logs/open/" in gain.witness.resource for gain in found.gains)
    assert not difference(shut, shut, who=_ANY).mask


_WHO = {"AWS": unknown("var.who")}


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (_with(_BUCKET, _grant({"AWS": f"arn:aws:iam::{unknown('var.account')}:role/other"})), ("no", "proved")),
        (_with(_BUCKET, _grant({"AWS": f"arn:aws:iam::{unknown('var.account')}:root"})), ("no", "proved")),
        (_with(_BUCKET, _grant({"Federated": unknown("var.who")})), ("no", "proved")),
        (_with(_BUCKET, _grant(_WHO), scps=[_NO_S3]), ("no", "proved")),
        (_with(_BUCKET, _grant(_WHO, action="s3:PutObject")), ("no", "proved")),
        (_with(_BUCKET, _grant(_WHO)), ("unknown", "proved")),
        (_with(_BUCKET, _grant({"AWS": f"arn:aws:iam::{unknown('var.account')}:role/app"})), ("unknown", "proved")),
        (_with(_BUCKET, _grant(_WHO), _grant(_ME)), ("yes", "proved")),
        (_with(_BUCKET, {**_grant(_OTHER), "Effect": "Deny"}, identity=[allow("s3:*", f"{_BUCKET}/*")]),
         ("yes", "proved")),
        (_with(_BUCKET, {**_grant(_WHO), "Effect": "Deny"}, identity=[allow("s3:*", f"{_BUCKET}/*")]),
         ("yes", "possible")),
        (_with(_BUCKET, deny("s3:*", f"{_BUCKET}/*", NotPrincipal=_WHO), identity=[allow("s3:*", f"{_BUCKET}/*")]),
         ("yes", "possible")),
        (_with(_BUCKET, deny("s3:*", f"{_BUCKET}/*", NotPrincipal=_WHO), identity=[allow("s3:*", f"{_BUCKET}/*")],
               boundary=[ALL]), ("no", "proved")),
    ],
)  # fmt: skip
def test_a_principal_that_is_not_known_may_be_the_caller(holder: Role, expected: tuple[str, str]) -> None:
    answer = can(holder, "s3:DeleteObject", who=_ANY)
    assert (answer.verdict, answer.certainty) == expected
    found = powers(holder, _ANY, catalog().expand("s3:DeleteObject"))
    assert [p.certainty for p in found.powers] == ([expected[1]] if expected[0] == "yes" else [])


def test_a_grant_that_names_the_role_beside_a_principal_that_is_not_known_is_no_doubt() -> None:
    elsewhere = {"StringEquals": {"aws:PrincipalAccount": "999999999999"}}
    grant = _grant({"AWS": [ROLE_ARN, unknown("aws_iam_role.x.arn")]}) | {"Condition": elsewhere}
    assert can(_with(_BUCKET, grant), "s3:DeleteBucket", who=_ANY).verdict == "no"


@pytest.mark.parametrize("name", ["a", "a:iam:b:role/c", "a:role/c"])
def test_an_object_may_be_called_like_a_role(name: str) -> None:
    thing = f"{_BUCKET}/{name}"
    assert can(_with(_BUCKET, _grant(_ME)), "s3:DeleteObject", resource=thing, who=_ANY).verdict == "yes"
    refused = _with(_BUCKET, deny("s3:*", _IN_IT, Principal="*"), identity=[ALL])
    assert can(refused, "s3:DeleteObject", resource=thing, who=_ANY).verdict == "no"
    policies = policy_set(refused, refused.resource_policies[0].document)
    request = Request(request_principal(refused), "s3:DeleteObject", (Target(thing),))
    assert decide(request, policies).outcome is Outcome.EXPLICIT_DENY


def test_a_new_grant_to_a_principal_that_is_not_known_may_be_a_gain() -> None:
    here, open_ = _with(_BUCKET, _grant(_OTHER)), _with(_BUCKET, _grant(_OTHER), _grant(_WHO, action="s3:DeleteObject"))
    found = difference(open_, here, who=_ANY)
    assert not found.mask
    assert [mask for mask, _ in found.unknown] == [catalog().expand("s3:DeleteObject")]
    for new, old in ((open_, open_), (here, open_), (open_, replace(open_, identity=role(ALL).identity))):
        assert not any(mask for mask, _ in difference(new, old, who=_ANY).unknown)


def test_callers_of_several_accounts_are_told_apart_on_a_resource_of_another_one() -> None:
    key = "arn:aws:kms:us-east-1:210987654321:key/1234"
    accounts = ["111122223333", "222233334444"]
    calling = {"StringEquals": {"kms:CallerAccount": accounts[1]}}
    given = allow("kms:*", condition=calling, Principal={"AWS": accounts})
    for account, expected in zip(accounts, ("no", "yes"), strict=True):
        holder = _with(key, given, identity=[allow("kms:*")], account=account)
        holder = replace(holder, arn=f"arn:aws:iam::{account}:role/app")
        assert can(holder, "kms:Decrypt", resource=key, who=_ANY).verdict == expected


@pytest.mark.parametrize("said", [{}, {"Action": "es:DeleteDomain"}, {"NotAction": "es:ESHttpGet"}])
def test_the_policy_of_a_domain_says_nothing_of_the_domain_itself(said: dict[str, Any]) -> None:
    given = {**allow("*", [_DOMAIN, f"{_DOMAIN}/*"], Principal=_ME), **said}
    given = {k: v for k, v in given.items() if k != "Action" or "NotAction" not in given}
    assert can(_with(_DOMAIN, given), "es:DeleteDomain", who=_ANY).verdict == "no"
    held = _with(_DOMAIN, {**given, "Effect": "Deny"}, identity=[allow("es:*", _DOMAIN)])
    assert can(held, "es:DeleteDomain", resource=_DOMAIN, who=_ANY).verdict == "yes"


_OWN_BUCKET = allow("s3:*", ["arn:aws:s3:::${aws:PrincipalTag/team}", "arn:aws:s3:::${aws:PrincipalTag/team}/*"])


@pytest.mark.parametrize(("tags", "expected"), [({"team": "ledger"}, "no"), ({"team": "other"}, "yes"), (None, "yes")])
def test_a_bucket_that_an_identity_policy_names_by_a_variable_is_judged_by_its_policy(
    tags: dict[str, str] | None, expected: str
) -> None:
    trust = None if tags is None else [allow("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})]
    closed = deny("s3:*", list(_IN_IT), Principal="*")
    holder = _with(_BUCKET, closed, identity=[_OWN_BUCKET], tags=tags, trust=trust)
    assert can(holder, "s3:DeleteObject", who=_ANY).verdict == expected
    assert bool(powers(holder, _ANY, catalog().expand("s3:DeleteObject")).powers) is (expected == "yes")


def test_a_condition_on_two_keys_is_a_gate_though_it_holds_where_one_is_absent() -> None:
    apart = {"StringNotEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/env}"}}
    (found,) = powers(role(allow("s3:DeleteBucket", "*", apart)), _ANY, catalog().expand("s3:DeleteBucket")).powers
    assert found.gate == "if aws:PrincipalTag/team StringNotEquals ${aws:ResourceTag/env}"


@pytest.mark.parametrize("named", [{"AWS": ROLE_ARN}, {"AWS": f"{_SESSIONS}session"}])
def test_a_trust_policy_decides_who_assumes_the_role_and_nothing_else(named: Any) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Principal": named}
    holder = role(*_NO_S3, trust=[everything])
    assert [can(holder, a, who=_ANY).verdict for a in ("iam:DeleteRole", "sts:AssumeRole")] == ["no", "yes"]
    held = role(allow("iam:*", ROLE_ARN), trust=[{**everything, "Effect": "Deny"}])
    assert can(held, "iam:DeleteRole", resource=ROLE_ARN, who=_ANY).verdict == "yes"


@pytest.mark.parametrize("ceiling", ["boundary", "session", "rcps"])
def test_a_ceiling_that_is_not_known_may_deny_what_a_resource_policy_grants_past_it(ceiling: str) -> None:
    holder = _with(_BUCKET, _grant(_EVERYBODY), **{ceiling: ["gone"]})
    answer = can(holder, "s3:DeleteObject", who=_ANY)
    assert (answer.verdict, answer.certainty) == ("yes", "possible")


def test_a_grant_is_cut_to_its_resource_whatever_the_searches_before_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "MAX_EFFORT", -1)  # as after a question that took all there is
    policies = "arn:aws:s3:::*-left-over*/*-none?*"
    grant = allow("s3:DeleteObject", NotResource=[policies], Principal=_ME)
    del grant["Resource"]
    held = _with("arn:aws:s3:::a-left-overs", grant)
    assert can(held, "s3:DeleteObject", resource="arn:aws:s3:::a-left-overs/x").verdict == "yes"
    assert not any(power.granted_by == () for power in powers(held).powers)


def test_a_key_that_only_an_rcp_named_is_judged_by_its_policy() -> None:
    gone = [deny("kms:*", _KEY, Principal="*")]
    within = catalog().expand("kms:ScheduleKeyDeletion")
    for statement, gained in ((deny("kms:*", "*", Principal=_ME), False), (_grant(_ME, "kms:*", "*"), True)):
        new, old = (_with(_KEY, statement, identity=[ALL], rcps=rcps) for rcps in (None, gone))
        found = difference(new, old, within=within, who=_ANY)
        assert (bool(found.gains), found.unknown) == (gained, ())
