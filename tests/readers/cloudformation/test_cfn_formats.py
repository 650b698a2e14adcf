"""The same role written in several formats gives the same policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolelint.documents import parse
from rolelint.policies.role import Role
from rolelint.readers import ReadContext, read

POWER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Tables", "Effect": "Allow", "Action": ["dynamodb:DeleteTable", "dynamodb:Put*"], "Resource": "*"},
        {
            "Effect": "Deny",
            "NotAction": "s3:Get*",
            "NotResource": ["arn:aws:s3:::data", "arn:aws:s3:::data/${aws:username}/*"],
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}, "NumericLessThan": {"s3:max-keys": 10}},
        },
    ],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
}
LIMIT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]}
MANAGED = "arn:aws:iam::aws:policy/AWSCloudFormationFullAccess"

PROPERTIES = {
    "RoleName": "worker",
    "AssumeRolePolicyDocument": TRUST,
    "Policies": [{"PolicyName": "power", "PolicyDocument": POWER}],
    "ManagedPolicyArns": [MANAGED],
    "PermissionsBoundary": {"Ref": "Limit"},
}
BUNDLE = {"role": "worker", "trust": TRUST, "inline": {"power": POWER}, "attached": [MANAGED], "boundary": LIMIT}
LIMITED = {"Limit": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": LIMIT}}}
TEMPLATE = {"Resources": {"Worker": {"Type": "AWS::IAM::Role", "Properties": PROPERTIES}, **LIMITED}}
SPREAD = {
    "Resources": {
        "Worker": {
            "Type": "AWS::IAM::Role",
            "Properties": {key: value for key, value in PROPERTIES.items() if key != "Policies"},
        },
        "Power": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"PolicyName": "power", "PolicyDocument": POWER, "Roles": [{"Ref": "Worker"}]},
        },
        **LIMITED,
    }
}
SERVERLESS = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Worker": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {"Policies": [POWER, MANAGED], "PermissionsBoundary": {"Ref": "Limit"}},
        },
        **LIMITED,
    },
}
DUMP = {
    "UserDetailList": [],
    "GroupDetailList": [],
    "RoleDetailList": [
        {
            "RoleName": "worker",
            "Arn": "arn:aws:iam::123456789012:role/worker",
            "AssumeRolePolicyDocument": TRUST,
            "RolePolicyList": [{"PolicyName": "power", "PolicyDocument": POWER}],
            "AttachedManagedPolicies": [{"PolicyName": "AWSCloudFormationFullAccess", "PolicyArn": MANAGED}],
            "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/limit"},
        }
    ],
    "Policies": [
        {
            "PolicyName": "limit",
            "Arn": "arn:aws:iam::123456789012:policy/limit",
            "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": LIMIT}],
        }
    ],
}


def one(data: Any) -> Role:
    (document,) = parse("role.json", json.dumps(data))
    found = read(document, ReadContext(base=Path()))
    assert found is not None
    (role,) = found.roles
    return role


def statements(role: Role, trust: bool = True) -> dict[str, Any]:
    return {
        "identity": sorted(repr(s) for p in role.identity for s in p.document.statements),
        "boundary": list(role.boundary.document.statements) if role.boundary else None,
        "trust": list(role.trust.document.statements) if role.trust and trust else None,
        "unknowns": [(u.what, u.widens) for u in role.unknowns],
    }


FORMATS = {"template": TEMPLATE, "policy resource": SPREAD, "account dump": DUMP}


@pytest.mark.parametrize("name", FORMATS)
def test_a_role_means_the_same_in_every_format(name: str) -> None:
    assert statements(one(FORMATS[name])) == statements(one(BUNDLE))


def test_a_generated_role_has_the_same_power() -> None:
    assert statements(one(SERVERLESS), trust=False) == statements(one(BUNDLE), trust=False)


def test_a_bare_policy_says_the_same_as_the_inline_policy_of_a_template() -> None:
    bare, role = one(POWER), one(TEMPLATE)
    assert bare.identity[0].document == role.identity[0].document
