"""What parliament says that stands, and what does not: the silent cases first."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.errors import Problem
from rolelint.grammar.audit import Auditor
from rolelint.grammar.issues import ISSUES, Issue, find_issue
from rolelint.policies.text import unknown

from .conftest import Audit, codes, policy_of


def statement(action: Any, resource: Any = "*", effect: str = "Deny", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement(action, resource, "Allow", **more)]}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement(action, resource, **more)]}


def trust(action: Any, principal: Any, **more: Any) -> dict[str, Any]:
    body = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return {"Version": "2012-10-17", "Statement": [body]}


OIDC = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
OBJECTS = "arn:aws:s3:::app-data/*"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"

SILENT: dict[str, tuple[dict[str, Any], str]] = {
    "an action newer than parliament": (deny("s3vectors:DeleteVectorBucket"), "identity"),
    "a service newer than parliament": (deny("bedrock-agentcore:*"), "identity"),
    "a key newer than parliament": (deny("s3:*", Condition={"Bool": {"aws:ViaAWSMCPService": "true"}}), "identity"),
    "a key of two actions in a wildcard": (
        deny("s3:*", Condition={"StringNotLike": {"s3:prefix": "home/*"}}),
        "identity",
    ),
    "a test that accepts an absent key": (
        allow(["s3:ListBucket", "s3:GetObject"], ["arn:aws:s3:::b", "arn:aws:s3:::b/*"])
        | {
            "Statement": [
                statement(
                    ["s3:ListBucket", "s3:GetObject"],
                    ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                    "Allow",
                    Condition={"StringLikeIfExists": {"s3:prefix": "home/*"}},
                )
            ]
        },
        "identity",
    ),
    "a wildcard of which some actions act on the bucket": (allow("s3:Get*", "arn:aws:s3:::app-data"), "identity"),
    "the types of a call spread over statements": (
        allow("ec2:RunInstances", "arn:aws:ec2:eu-west-1:123456789012:instance/*"),
        "identity",
    ),
    "the ARN that AWS's own examples write": (allow("s3:ListAllMyBuckets", "arn:aws:s3:::*"), "identity"),
    "an account in words": (allow("iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess"), "identity"),
    "a Region with a wildcard": (allow("dynamodb:GetItem", "arn:aws:dynamodb:eu-*:123456789012:table/x"), "identity"),
    "a variable for the account": (
        allow("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:${aws:PrincipalAccount}:table/x"),
        "identity",
    ),
    "the European partition": (
        allow("dynamodb:GetItem", "arn:aws-eusc:dynamodb:eusc-de-east-1:123456789012:table/x"),
        "identity",
    ),
    "a trust policy, which has no Resource": (trust("sts:AssumeRole", {"Service": "ec2.amazonaws.com"}), "trust"),
    "a web identity": (
        trust(
            ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
            {"Federated": OIDC},
            Condition={"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}},
        ),
        "trust",
    ),
    "a session as principal": (
        trust("sts:AssumeRole", {"AWS": "arn:aws:sts::123456789012:assumed-role/app/one"}),
        "trust",
    ),
    "the id of a deleted role": (trust("sts:AssumeRole", {"AWS": "AROAEXAMPLEEXAMPLE123"}), "trust"),
    "a canonical user": (
        deny("s3:GetObject", OBJECTS, Principal={"CanonicalUser": "79a59df900b949e55d96a1e698fbaced"}),
        "resource",
    ),
    "a resource policy without Resource": (trust("ecr:BatchGetImage", {"AWS": "123456789012"}), "resource"),
    "a Sid with spaces where AWS takes it": (deny("s3:GetObject", OBJECTS, Sid="no reads", Principal="*"), "resource"),
    "an SCP without Resource": (
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization"}]},
        "scp",
    ),
    "the SCP that allows all": (
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
        "scp",
    ),
    "a boundary on all resources": (allow("s3:*", "*"), "boundary"),
    "numbers and truth values as JSON has them": (
        deny(
            "s3:*", Condition={"Bool": {"aws:SecureTransport": False}, "NumericGreaterThan": {"s3:signatureAge": 600}}
        ),
        "identity",
    ),
    "one truth value in a list": (deny("s3:*", Condition={"Bool": {"aws:SecureTransport": ["false"]}}), "identity"),
    "two truth values": (deny("s3:*", Condition={"Bool": {"aws:SecureTransport": ["false", "true"]}}), "identity"),
    "a day as date": (deny("s3:*", Condition={"DateGreaterThan": {"aws:CurrentTime": "2030-01-01"}}), "identity"),
    "seconds as date": (deny("s3:*", Condition={"NumericLessThan": {"aws:EpochTime": "1893456000"}}), "identity"),
    "a short address": (deny("s3:*", Condition={"NotIpAddress": {"aws:SourceIp": "2001:db8::/32"}}), "identity"),
    "a tag key that is spelt out": (
        allow(
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
            Condition={"StringEquals": {"secretsmanager:ResourceTag/team": "a"}},
        ),
        "identity",
    ),
    "a value that is not known yet": (
        allow("s3:GetObject", [f"arn:aws:s3:::{unknown('bucket')}", f"{unknown('arn')}/*"]),
        "identity",
    ),
    "an action that is not known yet": (allow(unknown("action"), OBJECTS), "identity"),
    "a document that is not known yet": (unknown("document"), "identity"),  # type: ignore[dict-item]
    "a wildcard in the prefix": (deny("s*:Delete*"), "identity"),
    "NotAction": (
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": OBJECTS}]},
        "identity",
    ),
    "NotResource": (
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": TABLE}]},
        "identity",
    ),
}

TOLD: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "an action on another type": (
        allow(["s3:ListBucket", "s3:GetObject"], "arn:aws:s3:::app-data"),
        "PL-RESOURCE-MISMATCH",
        "Statement/0/Action/1",
        "`s3:GetObject` acts on none of the resources; `s3:GetObject` takes "
        "`arn:${Partition}:s3:::${BucketName}/${ObjectName}` and others",
    ),
    "an action that takes no resource": (
        allow("ec2:DescribeInstances", "arn:aws:ec2:eu-west-1:123456789012:instance/i-1"),
        "PL-RESOURCE-MISMATCH",
        "Statement/0/Action/0",
        "`ec2:DescribeInstances` acts on none of the resources; `ec2:DescribeInstances` takes only `*`",
    ),
    "a pattern of which nothing acts": (
        allow("dynamodb:*Table", "arn:aws:dynamodb:eu-west-1:123456789012:global-table/x"),
        "PL-RESOURCE-MISMATCH",
        "Statement/0/Action/0",
        "`dynamodb:*Table` acts on none of the resources; `dynamodb:*Table` takes "
        "`arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}` and others",
    ),
    "a new service on another type": (
        allow("s3vectors:GetVectorBucket", OBJECTS),
        "PL-RESOURCE-MISMATCH",
        "Statement/0/Action/0",
        "`s3vectors:GetVectorBucket` acts on none of the resources; `s3vectors:GetVectorBucket` takes "
        "`arn:${Partition}:s3vectors:${Region}:${Account}:bucket/${BucketName}`",
    ),
    "a key of another action": (
        allow(["s3:GetObject", "s3:PutObject"], OBJECTS, Condition={"StringLike": {"s3:prefix": "home/*"}}),
        "PL-UNKNOWN-CONDITION-FOR-ACTION",
        "Statement/0/Condition/StringLike/s3:prefix",
        "`s3:prefix` is not supported by `s3:GetObject`, `s3:PutObject`",
    ),
    "a key that does not exist": (
        deny("s3:*", Condition={"StringEquals": {"s3:Prefixx": "a"}}),
        "PL-UNKNOWN-CONDITION-FOR-ACTION",
        "Statement/0/Condition/StringEquals/s3:Prefixx",
        "no action supports `s3:Prefixx`",
    ),
    "the second of two values": (
        deny("s3:*", Condition={"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "vpn"]}}),
        "PL-MISMATCHED-TYPE",
        "Statement/0/Condition/NotIpAddress/aws:SourceIp",
        "`aws:SourceIp` holds IP addresses, and is compared with `vpn`",
    ),
    "an operator of another type": (
        deny("s3:*", Condition={"IpAddress": {"s3:signatureAge": "600"}}),
        "PL-MISMATCHED-TYPE",
        "Statement/0/Condition/IpAddress/s3:signatureAge",
        "`IpAddress` on `s3:signatureAge`, which holds numbers",
    ),
    "one principal of three": (
        deny("s3:GetObject", OBJECTS, Principal={"AWS": ["123456789012", "role/app", "*"]}),
        "PL-UNKNOWN-PRINCIPAL",
        "Statement/0/Principal/AWS/1",
        "`role/app`",
    ),
    "a short resource": (allow("s3:GetObject", ["*", "arn:aws:s3"]), "PL-INVALID-ARN", "Statement/0/Resource/1", ""),
    "two colons in an action": (
        deny(["s3:GetObject", "s3:Get:Object"]),
        "PL-EXCEPTION",
        "Statement/0/Action/1",
        "`s3:Get:Object`",
    ),
    "what follows a misspelt action": (
        allow(["s3:GetObjectt", "s3:GetObject"], "arn:aws:s3:::b"),
        "PL-RESOURCE-MISMATCH",
        "Statement/0/Action/1",
        "`s3:GetObject` acts on none of the resources; `s3:GetObject` takes "
        "`arn:${Partition}:s3:::${BucketName}/${ObjectName}` and others",
    ),
    "what follows a bad Sid": (
        allow("s3:GetObject", "arn:aws:s3:::b", Sid="a b"),
        "PL-RESOURCE-MISMATCH",
        "Statement/0/Action/0",
        "`s3:GetObject` acts on none of the resources; `s3:GetObject` takes "
        "`arn:${Partition}:s3:::${BucketName}/${ObjectName}` and others",
    ),
    "control over a bucket, once": (
        allow("s3:PutBucketPolicy", "arn:aws:s3:::b"),
        "PL-RESOURCE-POLICY-PRIVILEGE-ESCALATION",
        "Statement/0/Resource/0",
        "`s3:PutBucketPolicy` on `arn:aws:s3:::b` leads to `s3:PutObject`, `s3:GetObject`, `s3:DeleteObject`",
    ),
    "a lone statement": (
        {"Version": "2012-10-17", "Statement": statement("s3:GetObject", "*", "Allow")},
        "PL-RESOURCE-STAR",
        "Statement/Resource/0",
        "`s3:GetObject` can be limited to resources",
    ),
    "Resource in an identity policy": (
        {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:*"}]},
        "PL-MALFORMED",
        "Statement/0",
        "Statement contains neither Resource nor NotResource",
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said_of(name: str, audit: Audit) -> None:
    data, kind = SILENT[name]
    assert codes(audit(data, kind)) == []


@pytest.mark.parametrize("name", TOLD)
def test_it_is_said_where_it_stands(name: str, audit: Audit) -> None:
    data, code, route, text = TOLD[name]
    kind = "resource" if "principal" in name else "identity"
    found = [one for one in audit(data, kind) if code in codes([one])]
    assert [("/".join(map(str, one.route))) for one in found] == [route]
    if text:
        assert found[0].text == text


@pytest.mark.parametrize("issue", [i for i in ISSUES if not i.community], ids=lambda issue: issue.id)
def test_the_examples_of_an_issue(issue: Issue, auditor: Auditor) -> None:
    kind = "resource" if "Principal" in str(issue.bad) and "NotPrincipal" not in str(issue.bad) else "identity"
    notes: list[Problem] = []
    assert issue.id in codes(list(auditor.audit(policy_of(issue.bad, kind), notes)))
    assert issue.id not in codes(list(auditor.audit(policy_of(issue.good, kind), notes)))
    assert notes == []


def test_issues_are_found_by_every_name() -> None:
    for issue in ISSUES:
        assert all(find_issue(name) is issue for name in (issue.id, issue.id.lower(), issue.name, issue.key))
    assert len({issue.id for issue in ISSUES}) == len(ISSUES)
    assert find_issue("PL") is None


def test_what_was_left_out_is_counted(auditor: Auditor) -> None:
    auditor.left_out.clear()
    data = deny(["s3vectors:*", "s3:GetObjectt", unknown("x")], Condition={"Bool": {"aws:ViaAWSMCPService": "true"}})
    list(auditor.audit(policy_of(data), []))
    assert auditor.left_out == {
        "services that parliament does not know": 1,
        "unknown values": 1,
        "condition keys that parliament does not know": 1,
    }


def test_a_statement_that_takes_too_long_is_left_out_and_said(audit: Audit) -> None:
    notes: list[Problem] = []
    resources = [f"arn:aws:s3:::bucket-{i}" for i in range(30)]
    assert audit(allow(["*:*e*"], resources), "identity", notes) == []
    assert [note.kind for note in notes] == ["warning"]
    assert "too many actions and resources" in notes[0].message


def test_stars_do_not_take_time(audit: Audit) -> None:
    stars = "arn:aws:s3:::" + "*a" * 300
    told = audit(allow("s3:GetObject", [stars, stars + "b/*"]))
    assert codes(told) == []
