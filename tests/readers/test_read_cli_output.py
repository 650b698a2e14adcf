"""What single AWS CLI commands print."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}
BUCKET = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}]}
ARN = "arn:aws:iam::123456789012:role/path/r"
NO_POLICIES = "they are not printed with it; a role bundle or a whole account dump has them"
ROLE = {
    "Path": "/path/",
    "RoleName": "r",
    "Arn": ARN,
    "AssumeRolePolicyDocument": TRUST,
    "Tags": [{"Key": "env", "Value": "prod"}],
}


def expected_role(line: int, trust: int) -> dict[str, Any]:
    return {
        "kind": "role",
        "name": "r",
        "arn": ARN,
        "account": "123456789012",
        "partition": "aws",
        "line": line,
        "identity": [f"identity not printed: unknown: {NO_POLICIES} @{line}"],
        "trust": f"trust trust policy: +sts:AssumeRole @{trust}",
        "tags": {"env": "prod"},
        "unknowns": [f"identity policies: {NO_POLICIES} @{line}"],
    }


def held(name: str, *lines: str, line: int, **more: Any) -> dict[str, Any]:
    return {"roles": [{"kind": "policy", "name": name, "line": line, "identity": list(lines), **more}]}


MISSING = "the text of the policy `arn:aws:iam::123456789012:policy/own` is not in the input"
NAMES = "this command prints the names of policies without their text"
GOES_ON = "the list ends before its last page: there is more in the account. read all pages"

PRINTED: dict[str, tuple[Any, Any]] = {
    "get-role": ({"Role": ROLE}, {"roles": [expected_role(2, 8)]}),
    "list-roles": ({"Roles": [ROLE]}, {"roles": [expected_role(3, 9)]}),
    "list-roles --query Roles": ([ROLE], {"roles": [expected_role(2, 8)]}),
    "list-roles --max-items": (
        {"Roles": [ROLE], "NextToken": "eyJN"},
        {"roles": [expected_role(3, 9)], "problems": [f"f.json:26:15: {GOES_ON}"]},
    ),
    "get-role --query Role": (ROLE, {"roles": [expected_role(1, 7)]}),
    "get-role-policy": (
        {"RoleName": "r", "PolicyName": "p", "PolicyDocument": DOCUMENT},
        held("r/p", "identity r/p: +s3:* @7", line=4),
    ),
    "get-user-policy": (
        {"UserName": "u", "PolicyName": "p", "PolicyDocument": DOCUMENT},
        held("u/p", "identity u/p: +s3:* @7", line=4),
    ),
    "get-group-policy": (
        {"GroupName": "g", "PolicyName": "p", "PolicyDocument": DOCUMENT},
        held("g/p", "identity g/p: +s3:* @7", line=4),
    ),
    "get-policy-version": (
        {"PolicyVersion": {"Document": DOCUMENT, "VersionId": "v1", "IsDefaultVersion": True}},
        held("f", "identity f: +s3:* @6", line=3),
    ),
    "get-policy-version as the API returns it": (
        {"PolicyVersion": {"Document": quote(json.dumps(DOCUMENT)), "VersionId": "v1"}},
        held("f", "identity f: +s3:* @3", line=3),
    ),
    "get-policy": (
        {"Policy": {"PolicyName": "own", "Arn": "arn:aws:iam::123456789012:policy/own", "DefaultVersionId": "v1"}},
        held(
            "own",
            f"identity own: unknown: {MISSING} @4",
            line=4,
            account="123456789012",
            partition="aws",
            unknowns=[f"attached policy: {MISSING} @4"],
        ),
    ),
    "list-policies leaves out what is not attached": (
        {
            "Policies": [
                {"PolicyName": "a", "Arn": "arn:aws:iam::aws:policy/job-function/SupportUser", "AttachmentCount": 0},
                {"PolicyName": "own", "Arn": "arn:aws:iam::123456789012:policy/own", "AttachmentCount": 1},
            ]
        },
        held(
            "own",
            f"identity own: unknown: {MISSING} @10",
            line=10,
            account="123456789012",
            partition="aws",
            unknowns=[f"attached policy: {MISSING} @10"],
        ),
    ),
    "list-role-policies": (
        {"PolicyNames": ["a", "b"]},
        held(
            "f",
            f"identity a: unknown: {NAMES} @3",
            f"identity b: unknown: {NAMES} @4",
            line=2,
            unknowns=[f"inline policies: {NAMES} @2"],
        ),
    ),
    "describe-policy of an SCP": (
        {
            "Policy": {
                "PolicySummary": {"Name": "guard", "Type": "SERVICE_CONTROL_POLICY"},
                "Content": json.dumps(DOCUMENT),
            }
        },
        {"policies": ["scp guard: +s3:* @7"]},
    ),
    "describe-policy of an RCP": (
        {
            "Policy": {
                "PolicySummary": {"Name": "guard", "Type": "RESOURCE_CONTROL_POLICY"},
                "Content": json.dumps(BUCKET),
            }
        },
        {"policies": ["rcp guard: +s3:* @7"]},
    ),
    "describe-policy of a tag policy": (
        {"Policy": {"PolicySummary": {"Name": "t", "Type": "TAG_POLICY"}, "Content": "{}"}},
        {},
    ),
    "get-bucket-policy": ({"Policy": json.dumps(BUCKET)}, {"policies": ["resource f: +s3:* @2"]}),
    "get-key-policy": ({"Policy": json.dumps(BUCKET), "PolicyName": "default"}, {"policies": ["resource f: +s3:* @2"]}),
    "secretsmanager get-resource-policy": (
        {"ARN": "arn:aws:secretsmanager:::secret:x", "Name": "x", "ResourcePolicy": json.dumps(BUCKET)},
        {"policies": ["resource arn:aws:secretsmanager:::secret:x: +s3:* @4 on arn:aws:secretsmanager:::secret:x"]},
    ),
    "get-queue-attributes": (
        {"Attributes": {"Policy": json.dumps(BUCKET), "QueueArn": "arn:aws:sqs:::q"}},
        {"policies": ["resource arn:aws:sqs:::q: +s3:* @3 on arn:aws:sqs:::q"]},
    ),
    "ecr get-repository-policy": (
        {"repositoryName": "x", "policyText": json.dumps(BUCKET)},
        {"policies": ["resource f: +s3:* @3"]},
    ),
    "get-inline-policy-for-permission-set": (
        {"InlinePolicy": json.dumps(DOCUMENT)},
        held("f", "identity f: +s3:* @2", line=2),
    ),
}


@pytest.mark.parametrize(("data", "found"), PRINTED.values(), ids=PRINTED)
def test_what_a_command_prints(describe: Callable[..., Any], data: Any, found: Any) -> None:
    assert describe(data) == found


def test_attached_managed_policies_come_from_the_catalogue(describe: Callable[..., Any]) -> None:
    arns = ["arn:aws:iam::aws:policy/job-function/SupportUser", "arn:aws-cn:iam::aws:policy/AdministratorAccess"]
    found = describe({"AttachedPolicies": [{"PolicyName": "x", "PolicyArn": arn} for arn in arns]})
    (role,) = found["roles"]
    assert role["identity"][1] == "identity AdministratorAccess: +* @9"
    assert "unknowns" not in role


def test_a_managed_policy_that_the_catalogue_lacks_is_unknown(describe: Callable[..., Any]) -> None:
    found = describe({"AttachedPolicies": [{"PolicyName": "x", "PolicyArn": "arn:aws:iam::aws:policy/NoSuchPolicy"}]})
    reason = "the AWS managed policy `arn:aws:iam::aws:policy/NoSuchPolicy` is not in the catalogue"
    assert found["roles"][0]["unknowns"] == [f"attached policy: {reason} @5"]
    assert found["roles"][0]["identity"] == [f"identity NoSuchPolicy: unknown: {reason} @5"]


def test_a_managed_policy_under_another_path_is_named(describe: Callable[..., Any]) -> None:
    (unknown,) = describe(
        {"AttachedPolicies": [{"PolicyName": "x", "PolicyArn": "arn:aws-cn:iam::aws:policy/ViewOnlyAccess"}]}
    )["roles"][0]["unknowns"]
    assert "but `arn:aws-cn:iam::aws:policy/job-function/ViewOnlyAccess` is" in unknown
