"""Keys that stand twice in a template: CloudFormation takes the last; in a policy document nobody should rely on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolelint.cli import run

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: one
DESCRIPTION
Resources:
  Reader:
    Type: AWS::IAM::Role
    Properties:
      RoleName: reader
      TAGS
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            VERSION
            Statement:
              - Effect: Allow
                Action: "s3:GetObject"
                ACTION
                Resource: "*"
      MORE
  OTHER
"""
SECOND = "{Type: AWS::IAM::User, Properties: {UserName: u}}"
HELD = "{ManagedPolicyArns: [a]}"


def checked(folder: Path, capsys: pytest.CaptureFixture[str], **lines: str) -> tuple[int, dict[str, Any]]:
    """Check the template with some lines in it."""
    text = TEMPLATE
    for word in ("DESCRIPTION", "TAGS", "VERSION", "ACTION", "MORE", "OTHER"):
        text = text.replace(word, lines.get(word.lower(), "# none"))
    file = folder / "template.yaml"
    file.write_text(text)
    code = run(["check", str(file), "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        pytest.param({"description": "Description: two"}, 3, id="of the template"),
        pytest.param({"more": "RoleName: reader"}, 23, id="of a property"),
        pytest.param({"tags": "Tags: [{Key: a, Value: b, Value: c}]"}, 9, id="deep in a property"),
        pytest.param({"tags": "Description: !If [A, {B: 1, B: 2}, c]"}, 9, id="in a function"),
    ],
)
def test_outside_policies_it_is_a_warning(
    lines: dict[str, str], line: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = checked(tmp_path, capsys, **lines)
    (warning,) = report["warnings"]
    assert "appears twice in one object" in warning["message"]
    assert (code, warning["location"]["line"], report["errors"]) == (0, line, [])
    assert [role["name"] for role in report["roles"]] == ["reader"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param({"version": 'Version: "2008-10-17"'}, id="of the document"),
        pytest.param({"action": 'Action: "s3:*"'}, id="of a statement"),
        pytest.param({"version": "Statement: []"}, id="the statements"),
        pytest.param(
            {"action": "Condition: {StringEquals: {'aws:PrincipalTag/a': x, 'aws:PrincipalTag/a': y}}"},
            id="of a condition",
        ),
    ],
)
def test_inside_a_policy_it_is_an_error(
    lines: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = checked(tmp_path, capsys, **lines)
    assert code == 2
    assert "appears twice in one object" in report["errors"][0]["message"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param({"more": "Policies: []"}, id="policies that are dropped"),
        pytest.param({"more": "ManagedPolicyArns: [a]\n      ManagedPolicyArns: [b]"}, id="attachments"),
        pytest.param({"other": f"Second: {SECOND}\n  Second: {SECOND}"}, id="a principal that is dropped"),
        pytest.param(
            {"other": f"Second:\n    Type: AWS::IAM::User\n    Properties: {HELD}\n    Properties: {{UserName: u}}"},
            id="attachments deep in it",
        ),
    ],
)
def test_power_that_is_dropped_is_unknown(
    lines: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = checked(tmp_path, capsys, **lines)
    assert code == 4
    assert any("appears twice in one object" in item["reason"] for item in report["unknown"])


def test_other_formats_refuse_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text('Version: "2012-10-17"\nVersion: "2012-10-17"\nStatement: []\n')
    assert run(["check", str(file)]) == 2
    assert "the key `Version` appears twice in one object, first on line 1" in capsys.readouterr().err
