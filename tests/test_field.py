"""Twelve policies that other tools read wrongly, answered rightly."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.catalog import catalog
from rolelint.engine import powers
from rolelint.findings.model import Finding

from .rulebook.build import allow, by_code, deny, findings, statements

DELETES = [
    "cloudformation:DeleteStack",
    "rds:DeleteDBCluster",
    "dynamodb:DeleteTable",
    "kms:ScheduleKeyDeletion",
    "backup:DeleteRecoveryPoint",
    "ec2:TerminateInstances",
]
GRANTS = ["iam:PutRolePolicy", "iam:AttachRolePolicy"]

POLICIES: dict[str, list[dict[str, Any]]] = {
    "01-production-databases-by-name": [
        allow(
            ["rds:DeleteDBInstance", "rds:DeleteDBCluster"],
            ["arn:aws:rds:us-east-1:123456789012:db:prod-*", "arn:aws:rds:us-east-1:123456789012:cluster:prod-*"],
        )
    ],
    "02-six-deletes-on-everything": [allow(DELETES)],
    "03-everything-but-identity": [{"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}],
    "04-a-deny-that-takes-all-deletes": [allow("rds:*"), deny("rds:Delete*")],
    "05-a-deny-on-one-database": [
        allow("rds:DeleteDBInstance"),
        deny("rds:Delete*", "arn:aws:rds:us-east-1:123456789012:db:one-db"),
    ],
    "06-a-condition-that-is-always-true": [
        allow(["rds:DeleteDBInstance", "iam:PutRolePolicy"], Condition={"StringLike": {"aws:PrincipalArn": "*"}})
    ],
    "07-a-deny-for-another-partition": [
        allow("dynamodb:DeleteTable"),
        deny("dynamodb:DeleteTable", Condition={"StringEquals": {"aws:RequestedRegion": "us-gov-west-1"}}),
    ],
    "08-services-on-production": [
        allow(["s3:*", "dynamodb:*"], ["arn:aws:s3:::prod-*", "arn:aws:dynamodb:*:*:table/*"]),
    ],
    "09-self-grant-but-for-one-role": [allow(GRANTS), deny(GRANTS, "arn:aws:iam::123456789012:role/just-one")],
    "10-self-grant": [allow(GRANTS)],
    "11-everything-written-as-arns": [
        allow(
            ["rds:DeleteDBInstance", "dynamodb:DeleteTable", "iam:PutRolePolicy"],
            ["arn:aws:rds:*:*:*", "arn:aws:dynamodb:*:*:*", "arn:aws:iam::*:*"],
        )
    ],
    "12-destroyers-by-another-name": [
        allow(
            [
                "cloudformation:UpdateStack",
                "cloudformation:DeleteStack",
                "s3:PutLifecycleConfiguration",
                "rds:ModifyDBInstance",
                "kms:DisableKey",
                "kms:PutKeyPolicy",
                "route53:ChangeResourceRecordSets",
            ],
            [
                "arn:aws:cloudformation:*:123456789012:stack/prod*",
                "arn:aws:s3:::prod-data",
                "arn:aws:rds:*:123456789012:db:prod*",
                "arn:aws:kms:*:123456789012:key/*",
                "arn:aws:route53:::hostedzone/*",
            ],
        )
    ],
}

#: What must be said, at least, with the severity it must have.
EXPECTED: dict[str, dict[str, str]] = {
    "01": {"RL201": "critical"},
    "02": {"RL201": "critical", "RL106": "critical", "RL202": "critical", "RL401": "critical"},
    "03": {"RL104": "critical"},
    "04": {"RL301": "high"},
    "05": {"RL201": "high"},
    "06": {"RL601": "critical", "RL201": "high"},
    "07": {"RL201": "critical"},
    "08": {"RL201": "critical", "RL102": "high", "RL204": "high"},
    "09": {"RL601": "critical"},
    "10": {"RL601": "critical"},
    "11": {"RL201": "critical", "RL601": "critical"},
    "12": {
        "RL106": "critical",
        "RL401": "critical",
        "RL501": "high",
        "RL205": "high",
        "RL209": "high",
        "RL301": "high",
        "RL402": "high",
    },
}


def _found(name: str) -> dict[str, Finding]:
    return by_code(findings(statements(*POLICIES[name])))


@pytest.mark.parametrize("name", POLICIES)
def test_field_policy(name: str) -> None:
    found = _found(name)
    expected = EXPECTED[name[:2]]
    assert {code: found[code].severity for code in expected if code in found} == expected


@pytest.mark.parametrize("name", POLICIES)
def test_every_power_comes_with_a_request(name: str) -> None:
    for finding in _found(name).values():
        if finding.actions:
            assert finding.witness is not None, finding.rule
            assert finding.witness.action in finding.actions


def test_a_full_deny_leaves_no_deletion_and_keeps_the_rest() -> None:
    name = "04-a-deny-that-takes-all-deletes"
    said = {action for finding in _found(name).values() for action in finding.actions}
    assert not [action for action in said if action.startswith("rds:Delete")]
    assert {"rds:ModifyDBInstance", "rds:ModifyDBCluster"} <= said
    assert not powers(statements(*POLICIES[name])).mask & catalog().expand("rds:Delete*")


def test_a_deny_on_one_database_is_no_way_around_for_the_witness() -> None:
    witness = _found("05-a-deny-on-one-database")["RL201"].witness
    assert witness is not None
    assert not witness.resource.endswith(":one-db")
