"""Readers never fall over: whatever a part of a document is replaced with, they read it, report it or pass it over."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolelint.documents import parse
from rolelint.policies.role import Reading
from rolelint.readers import ReadContext, read

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["a:b"], "Resource": "*"}]}
TRUST = {"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}
MANAGED = "arn:aws:iam::123456789012:policy/p"
ROLE = {
    "Path": "/",
    "RoleName": "r",
    "Arn": "arn:aws:iam::123456789012:role/r",
    "AssumeRolePolicyDocument": TRUST,
    "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": POLICY}],
    "AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": MANAGED}],
    "PermissionsBoundary": {"PermissionsBoundaryArn": MANAGED},
    "Tags": [{"Key": "a", "Value": "b"}],
    "RoleLastUsed": {"LastUsedDate": "x"},
}
WHOLE: dict[str, Any] = {
    "policy": POLICY,
    "dump": {
        "RoleDetailList": [ROLE],
        "UserDetailList": [{"UserName": "u", "GroupList": ["g"], "UserPolicyList": []}],
        "GroupDetailList": [{"GroupName": "g", "GroupPolicyList": [{"PolicyName": "p", "PolicyDocument": POLICY}]}],
        "Policies": [
            {"Arn": MANAGED, "DefaultVersionId": "v1", "PolicyVersionList": [{"VersionId": "v1", "Document": POLICY}]}
        ],
    },
    "get-role": {"Role": ROLE},
    "list-roles": {"Roles": [ROLE]},
    "get-policy-version": {"PolicyVersion": {"Document": POLICY}},
    "list-attached-role-policies": {"AttachedPolicies": [{"PolicyName": "p", "PolicyArn": MANAGED}]},
    "list-role-policies": {"PolicyNames": ["a"]},
    "describe-policy": {
        "Policy": {"PolicySummary": {"Name": "n", "Type": "SERVICE_CONTROL_POLICY"}, "Content": json.dumps(POLICY)}
    },
    "bundle": {
        "role": {"name": "r", "arn": "arn:aws:iam::123456789012:role/r", "tags": {"a": "b"}, "path": "/"},
        "trust": TRUST,
        "inline": {"a": POLICY, "b": {"file": "x.json"}},
        "attached": [MANAGED, POLICY, {"name": "x", "document": POLICY}],
        "boundary": POLICY,
        "session": [POLICY],
        "scps": [["FullAWSAccess"], [POLICY]],
        "rcps": [POLICY],
        "resource_policies": [{"resource": "x", "document": POLICY}],
        "tags": [{"Key": "a", "Value": "b"}],
        "account": "123456789012",
        "partition": "aws",
    },
    "bundle of several": {"roles": [{"role": "r", "inline": {"a": POLICY}}], "scps": [POLICY]},
    "list of policies": [POLICY, {"PolicyName": "x", "PolicyDocument": POLICY}],
    "names to policies": {"a": POLICY},
}


def routes(value: Any, route: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [route, *(inner for step, item in steps for inner in routes(item, (*route, step)))]


REPLACEMENTS = st.sampled_from(
    [
        None,
        True,
        0,
        -1.5,
        "",
        "x",
        "{",
        "%7B",
        '{"Statement": 1}',
        "\ud800",
        [],
        [[]],
        [None],
        {},
        {"": None},
        {"x": {}},
    ]
)


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=80)
@given(data=st.data())
def test_no_reader_falls_over_damage(name: str, data: st.DataObject) -> None:
    damaged = [copy.deepcopy(WHOLE[name])]
    for _ in range(data.draw(st.integers(1, 2))):
        route = data.draw(st.sampled_from(routes(damaged)[1:]))
        holder: Any = damaged
        for step in route[:-1]:
            holder = holder[step]
        holder[route[-1]] = copy.deepcopy(data.draw(REPLACEMENTS))
    (document,) = parse("f.json", json.dumps(damaged[0])) or [None]
    assert document is not None
    reading = read(document, ReadContext(base=Path("nowhere")))
    if reading is None:
        return
    assert isinstance(reading, Reading)
    for problem in reading.problems:
        assert "\n" not in str(problem)
    for role in reading.roles:
        assert isinstance(role.id, str)
        for policy in role.policies():
            assert policy.locate(("Statement", 0)).line >= 1
