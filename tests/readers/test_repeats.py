"""Where source and the plan made of it say the same, the one that tells less is left out."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.errors import Location
from rolelint.policies.parse import parse_document
from rolelint.policies.repeats import repeated_policies, repeated_roles
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.policies.text import unknown
from rolelint.records import replace

_HERE = Location("main.tf", 3, 1, address="aws_iam_role.app")
_ARN = "arn:aws:iam::123456789012:role/app"
_LATER = unknown("var.bucket")


def _policy(
    *statements: Any, at: Location = _HERE, kind: PolicyType = PolicyType.RESOURCE, resource: str = ""
) -> Policy:
    data: Any = {"Version": "2012-10-17", "Statement": list(statements)}
    if len(statements) == 1 and isinstance(statements[0], str):
        data = statements[0]
    return Policy(kind, "p", parse_document(data), lambda route: at, resource=resource)


def _allow(resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:*", "Resource": resource, **more}


_PLANNED = _policy(_allow("arn:aws:s3:::a"))
_POLICIES: dict[str, tuple[Policy, Policy, set[int]]] = {
    "the same": (_PLANNED, _PLANNED, {0}),
    "a value not known": (_policy(_allow(f"arn:aws:s3:::{_LATER}")), _PLANNED, {0}),
    "a value not known, second": (_PLANNED, _policy(_allow(f"arn:aws:s3:::{_LATER}")), {1}),
    "nothing known": (_policy(_LATER), _PLANNED, {0}),
    "nothing known, second": (_PLANNED, _policy(_LATER), {1}),
    "a doubt": (_policy(_allow("arn:aws:s3:::a", Comment="x")), _PLANNED, {0}),
    "a doubt, second": (_PLANNED, _policy(_allow("arn:aws:s3:::a", Comment="x")), {1}),
    "one resource": (
        replace(_PLANNED, resource=f"arn:aws:s3:::{_LATER}"),
        replace(_PLANNED, resource="arn:aws:s3:::a"),
        {0},
    ),
    "another resource": (
        replace(_PLANNED, resource="arn:aws:s3:::a"),
        replace(_PLANNED, resource="arn:aws:s3:::b"),
        set(),
    ),
    "another value": (_policy(_allow("arn:aws:s3:::b")), _PLANNED, set()),
    "more statements": (_policy(_allow("arn:aws:s3:::a"), _allow("arn:aws:s3:::a")), _PLANNED, set()),
    "another type": (replace(_PLANNED, type=PolicyType.SCP), _PLANNED, set()),
    "another place": (_policy(_allow("arn:aws:s3:::a"), at=Location("main.tf", 9)), _PLANNED, set()),
    "no place": (*[_policy(_allow("arn:aws:s3:::a"), at=Location("main.tf"))] * 2, set()),
}


@pytest.mark.parametrize(("one", "other", "repeated"), _POLICIES.values(), ids=_POLICIES)
def test_policies(one: Policy, other: Policy, repeated: set[int]) -> None:
    assert repeated_policies([one, other]) == repeated


_ROLE = Role("role", "app", _HERE, arn=_ARN, identity=(_policy(_allow("*"), kind=PolicyType.IDENTITY),))
_SOURCE = replace(_ROLE, arn="")
_ROLES: dict[str, tuple[Role, Role, set[int]]] = {
    "the same": (_ROLE, _ROLE, {0}),
    "source": (_SOURCE, _ROLE, {0}),
    "source of a prefix": (replace(_SOURCE, name="app-"), replace(_ROLE, name=f"app-{'0' * 26}"), {0}),
    "another name": (replace(_SOURCE, name="other"), _ROLE, set()),
    "another account": (replace(_ROLE, arn=_ARN.replace("1234", "4321")), _ROLE, set()),
    "a user": (replace(_SOURCE, kind="user"), _ROLE, set()),
    "another policy": (replace(_SOURCE, identity=()), _ROLE, set()),
    "what a plan changes": (replace(_ROLE, before=_ROLE), replace(_ROLE, identity=_ROLE.identity), {1}),
}


@pytest.mark.parametrize(("one", "other", "repeated"), _ROLES.values(), ids=_ROLES)
def test_roles(one: Role, other: Role, repeated: set[int]) -> None:
    assert repeated_roles([one, other]) == repeated
