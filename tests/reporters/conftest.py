"""One report that has something of everything, and snapshots of how it is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rolelint.errors import Location, Problem
from rolelint.findings.model import EffectGroup, Finding, Related, Report, RoleReport, UnknownItem, Witness
from rolelint.policies.text import unknown

SNAPSHOTS = Path(__file__).parent / "snapshots"


@dataclass(frozen=True)
class Rule:
    """A rule as reporters see it."""

    id: str
    name: str
    title: str
    severity: str
    category: str
    why: str
    fix: str
    references: tuple[str, ...]


RULES = {
    "RL201": Rule(
        "RL201",
        "destroy-data",
        "Stored data can be destroyed for good",
        "critical",
        "data",
        "One call ends a data store\nand its automatic backups.",
        "Deny the deletion, or narrow the resource.",
        ("https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",),
    )
}


@pytest.fixture
def full_report() -> Report:
    """A report with two roles, a lone policy, unknown things, a warning and an error."""
    arn = "arn:aws-cn:iam::123456789012:role/deployer"
    worst = Finding(
        rule="RL201",
        name="destroy-data",
        title="Stored data can be destroyed for good",
        severity="critical",
        base_severity="critical",
        certainty="proved",
        role=arn,
        role_name="deployer",
        message="role `deployer` can delete any database cluster of the account in one call, with automatic backups",
        location=Location("policies/deploy role.json", 5, 17, 5, 24, "Statement/0/Action", arn),
        identity="0123456789abcdef0123456789abcdef",
        witness=Witness(
            arn,
            "rds:DeleteDBCluster",
            "arn:aws-cn:rds:cn-north-1:123456789012:cluster:x",
            {"aws:SecureTransport": "true", "aws:TagKeys": ["a", "b"]},
            ("the cluster has no deletion protection",),
        ),
        actions=tuple(f"rds:Delete{name}" for name in "DBCluster DBInstance A B C D E F".split()),
        scope="any",
        granted_by=("deploy / Statement 0",),
        related=(Related(Location("policies/deploy role.json", 9, 3), "this Deny covers one cluster only"),),
        excerpt=((4, '      "Effect": "Allow",'), (5, '      "Action": "rds:*",'), (6, '      "Resource": "*"')),
        fix="Deny the deletion in production. For example: "
        '{"Sid": "DatabasesStay", "Effect": "Deny", "Action": ["rds:DeleteDBCluster", "rds:DeleteDBInstance"], '
        '"Resource": "*"}',
        category="data",
    )
    lowered = Finding(
        rule="RL999",
        name="made-up",
        title="A rule that the style does not know",
        severity="medium",
        base_severity="high",
        certainty="possible",
        role=arn,
        role_name="deployer",
        message=f"role `deployer` may delete from {unknown('aws_s3_bucket.data.arn')}, and \x1b[31mthis is not red",
        location=Location("<stdin>", 1, 1, 3, 2, "Statement/1", "aws_iam_role.deployer"),
        identity="f" * 32,
        actions=("s3:DeleteObject",),
        lowered=("a condition on `aws:MultiFactorAuthPresent` stands in the way",),
        gate="MFA",
        excerpt=((1, "{"), (2, '  "é": "\t日本"'), (3, "}")),
    )
    lone = Finding(
        rule="RL701",
        name="trust",
        title="Anyone may assume the role",
        severity="low",
        base_severity="low",
        certainty="proved",
        role="",
        role_name="",
        message="the trust policy names everyone",
        location=Location("aws:123456789012"),
        identity="a" * 32,
    )
    return Report(
        roles=[
            RoleReport(
                arn,
                "deployer",
                arn,
                "role",
                Location("policies/deploy role.json", 1, 1, 12, 2),
                {
                    "destroy-data": (
                        EffectGroup(("rds:DeleteDBCluster",), 1, "any", "proved", "", ("deploy / Statement 0",)),
                        EffectGroup(
                            ("s3:DeleteObject", "s3:DeleteBucket"),
                            2,
                            "pattern",
                            "possible",
                            "MFA",
                            ("deploy / Statement 1",),
                            (f"{unknown('aws_s3_bucket.data.arn')}/*",),
                        ),
                    ),
                    "network": (EffectGroup(("ec2:DeleteVpc",), 1, "any", "proved", "", ("x / y",)),),
                },
                [worst, lowered],
            ),
            RoleReport("f.json#quiet", "quiet\u202e", "", "policy", Location("f.json", 1, 1), {}, []),
        ],
        findings=[lone],
        unknown=[
            UnknownItem(
                arn, "deployer", "attached policy", "the text of `x` is not in the input", Location("a.json", 3, 9)
            )
        ],
        errors=[Problem("a comma with nothing after it", Location("b.json", 2, 3), "remove the comma")],
        warnings=[
            Problem("unknown element `Resorce`", Location("a.json", 7, 5), "did you mean `Resource`?", "warning")
        ],
        files=4,
        checked=3,
        catalog={"version": "2026-11-01"},
    )


@pytest.fixture
def snapshot() -> Callable[[str, str], None]:
    """Compare text with a file; ROLELINT_UPDATE_SNAPSHOTS=1 writes the file instead, for a person to read the diff."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if os.environ.get("ROLELINT_UPDATE_SNAPSHOTS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_text(encoding="utf-8")

    return compare
