"""Policies that must stay quiet, and AWS's own that must not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rolelint.catalog import catalog
from rolelint.errors import Location
from rolelint.findings.model import Finding, at_least
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.rulebook import CheckOptions, check_role, load_rules

from .build import allow, by_code, findings, statements

READERS = re.compile(r"read-?only|viewonly|^SecurityAudit$|Reader|ReadAccess", re.IGNORECASE)
QUIET = sorted(name for name in catalog().managed_policy_names() if READERS.search(name))
LOUD = [
    "AdministratorAccess",
    "PowerUserAccess",
    "IAMFullAccess",
    "AmazonEC2FullAccess",
    "AmazonS3FullAccess",
    "AmazonRDSFullAccess",
    "AmazonDynamoDBFullAccess",
    "AWSCloudFormationFullAccess",
    "DatabaseAdministrator",
    "NetworkAdministrator",
    "SystemAdministrator",
    "AdministratorAccess-AWSElasticBeanstalk",
]


def _managed(name: str) -> list[Finding]:
    at = Location(f"{name}.json")
    document = parse_document(catalog().managed_policy(name))
    policy = Policy(PolicyType.IDENTITY, name, document, lambda _: at)
    role = Role("policy", name, at, identity=(policy,))
    return check_role(role, load_rules(), CheckOptions(effects="none")).findings


def _high(found: list[Finding]) -> list[str]:
    return [f"{f.rule} {f.severity}: {f.message}" for f in found if at_least(f.severity, "high")]


def test_there_are_enough_readers() -> None:
    assert len(QUIET) > 150
    assert {"ReadOnlyAccess", "ViewOnlyAccess", "SecurityAudit", "AmazonS3ReadOnlyAccess"} <= set(QUIET)


def test_aws_readers_have_nothing_at_high() -> None:
    loud = {name: high for name in QUIET if (high := _high(_managed(name)))}
    assert loud == {}


@pytest.mark.parametrize("name", LOUD)
def test_aws_writers_have_findings_at_high(name: str) -> None:
    assert _high(_managed(name))


ACCOUNT = "eu-west-1:123456789012"
ORDINARY: dict[str, list[dict[str, Any]]] = {
    "objects below a prefix": [
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::app-data/uploads/*"),
        allow("s3:ListBucket", "arn:aws:s3:::app-data"),
    ],
    "objects of one bucket": [
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::app-data/*"),
    ],
    "items of one table": [
        allow(
            [
                "dynamodb:GetItem",
                "dynamodb:Query",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:BatchGetItem",
            ],
            [f"arn:aws:dynamodb:{ACCOUNT}:table/orders", f"arn:aws:dynamodb:{ACCOUNT}:table/orders/index/*"],
        )
    ],
    "messages of one queue": [
        allow(
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"],
            f"arn:aws:sqs:{ACCOUNT}:jobs",
        )
    ],
    "one secret": [allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{ACCOUNT}:secret:app/db-??????")],
    "images of one repository": [
        allow("ecr:GetAuthorizationToken"),
        allow(
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:CompleteLayerUpload",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            f"arn:aws:ecr:{ACCOUNT}:repository/app",
        ),
    ],
    "logs of a function": [
        allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{ACCOUNT}:*"),
    ],
    "interfaces of a function in a VPC": [
        allow(["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"]),
    ],
    "one key": [allow(["kms:Decrypt", "kms:GenerateDataKey"], f"arn:aws:kms:{ACCOUNT}:key/1111aaaa-22bb-33cc")],
    "one function to call": [allow("lambda:InvokeFunction", f"arn:aws:lambda:{ACCOUNT}:function:resize")],
    "one state machine to start": [allow("states:StartExecution", f"arn:aws:states:{ACCOUNT}:stateMachine:orders")],
    "messages to one topic": [allow("sns:Publish", f"arn:aws:sns:{ACCOUNT}:alerts")],
    "one role to assume": [allow("sts:AssumeRole", "arn:aws:iam::123456789012:role/reader")],
    "one task role to pass": [
        allow(
            "iam:PassRole",
            "arn:aws:iam::123456789012:role/app-task",
            Condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        allow("ecs:RunTask", f"arn:aws:ecs:{ACCOUNT}:task-definition/app:*"),
    ],
    "a deploy of one service": [
        allow(["ecs:UpdateService", "ecs:DescribeServices"], f"arn:aws:ecs:{ACCOUNT}:service/web/app"),
        allow("ecs:RegisterTaskDefinition"),
    ],
    "code of one function": [
        allow(["lambda:UpdateFunctionCode", "lambda:PublishVersion"], f"arn:aws:lambda:{ACCOUNT}:function:resize"),
    ],
    "models": [allow(["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"])],
    "metrics and traces": [allow(["cloudwatch:PutMetricData", "xray:PutTraceSegments", "xray:PutTelemetryRecords"])],
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_policies_have_nothing_at_high(name: str) -> None:
    assert _high(findings(statements(*ORDINARY[name]))) == []


def test_a_policy_of_reads_has_no_finding_at_all() -> None:
    assert by_code(findings(statements(allow(["s3:Get*", "s3:List*", "ec2:Describe*", "dynamodb:Query"])))) == {}
