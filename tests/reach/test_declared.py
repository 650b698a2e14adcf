"""Findings name what of the same plan or template a role could destroy, and what guards it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolelint.cli import run
from tests.readers.plan.replan import HERE

PLAN = HERE / "fixtures" / "environment.json"

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    Properties: {TableName: orders, DeletionProtectionEnabled: true}
  Carts:
    Type: AWS::DynamoDB::Table
    Properties: {TableName: carts}
  Cleaner:
    Type: AWS::IAM::Role
    Properties:
      RoleName: cleaner
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: [ACTIONS], Resource: "RESOURCE"}]
"""


def told(capsys: pytest.CaptureFixture[str], file: Path, *arguments: str) -> dict[str, Any]:
    """Run a check and give its JSON report."""
    run([*(arguments or ("check",)), str(file), "--format", "json"])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def guards(entry: dict[str, Any]) -> dict[str, tuple[list[str], list[str]]]:
    """Give the guards of each named resource: those that stand and those that the role lifts."""
    return {e["address"]: (e["guards"], e["lifted"]) for e in entry["examples"]}


def test_a_plan_is_the_environment_of_its_roles(capsys: pytest.CaptureFixture[str]) -> None:
    report = told(capsys, PLAN, "plan", "--source", "")
    (role,) = report["roles"]
    found = role["extra"]["environment"]
    # A bucket that keeps versions can still be emptied of what readers see; the Lambda function is out of reach.
    assert (found["resources"], found["of"], found["unknown"]) == (4, 5, 0)
    assert guards(found) == {
        "aws_rds_cluster.open": ([], []),
        "aws_rds_cluster.guarded": (["deletion protection"], []),
        "aws_dynamodb_table.carts": (["deletion protection", "point-in-time recovery"], []),
        "aws_s3_bucket.documents": (["versioning"], []),
    }
    message = next(f["message"] for f in report["findings"] if f["rule"] == "RL201")
    assert "it reaches 3 of the 5 resources declared beside it: `aws_rds_cluster.open` (unguarded)" in message


@pytest.mark.parametrize(
    ("actions", "resource", "expected"),
    [
        pytest.param("s3:GetObject", "*", None, id="nothing to destroy"),
        pytest.param("'rds:DeleteDBCluster'", "*", None, id="another type"),
        pytest.param("'dynamodb:DeleteTable'", "arn:aws:dynamodb:*:*:table/tmp-*", None, id="other names"),
        pytest.param(
            "'dynamodb:DeleteTable'",
            "*",
            {"Carts": ([], []), "Orders": (["deletion protection"], [])},
            id="every table",
        ),
        pytest.param("'dynamodb:DeleteTable'", "arn:aws:dynamodb:*:*:table/c*", {"Carts": ([], [])}, id="by name"),
        pytest.param(
            "'dynamodb:DeleteTable', 'dynamodb:UpdateTable'",
            "*",
            {"Carts": ([], []), "Orders": ([], ["deletion protection"])},
            id="a guard that the role lifts",
        ),
    ],
)
def test_a_template_is_one_too(
    actions: str,
    resource: str,
    expected: dict[str, Any] | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE.replace("ACTIONS", actions).replace("RESOURCE", resource))
    report = told(capsys, file)
    (role,) = report["roles"]
    found = role.get("extra", {}).get("environment")
    assert (guards(found) if found else None) == expected
    assert any("declared beside it" in f["message"] for f in report["findings"]) is (expected is not None)
