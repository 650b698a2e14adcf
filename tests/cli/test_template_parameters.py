"""`--parameters`: values for the parameters of templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolelint.cli import run

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters: {Action: {Type: String}}
Resources:
  Deploy:
    Type: AWS::IAM::Role
    Properties:
      RoleName: deploy
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: !Ref Action, Resource: "*"}]
"""


@pytest.fixture
def template(tmp_path: Path) -> str:
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE)
    return str(file)


def values(folder: Path, action: str) -> str:
    file = folder / "parameters.json"
    file.write_text(json.dumps([{"ParameterKey": "Action", "ParameterValue": action}]))
    return str(file)


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run(["check", *arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_parameter_that_nobody_states_is_unknown(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = checked(capsys, template, "--fail-on", "never")
    assert code == 4
    assert report["unknown"]


@pytest.mark.parametrize(
    ("action", "code"), [pytest.param("s3:ListBucket", 0, id="reads"), pytest.param("rds:*", 1, id="destroys")]
)
def test_a_stated_parameter_is_known(
    action: str, code: int, template: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, report = checked(capsys, template, "--parameters", values(tmp_path, action))
    assert found == code
    assert report["unknown"] == []


def test_questions_take_them_too(template: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--parameters", values(tmp_path, "rds:DeleteDBCluster"))
    assert run(["can", template, "--action", "rds:DeleteDBCluster", *given]) == 1
    assert run(["can", template, "--action", "rds:DeleteDBInstance", *given]) == 0
    other = tmp_path / "new.yaml"
    other.write_text(TEMPLATE.replace("!Ref Action", '[!Ref Action, "sqs:DeleteQueue"]'))
    capsys.readouterr()
    assert run(["diff", template, str(other), *given, "--format", "json"]) == 1
    (role,) = json.loads(capsys.readouterr().out)["roles"]
    assert [gain["actions"] for gain in role["gains"]] == [["sqs:DeleteQueue"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("[1]", "this is not a parameters file"),
        ('{"Version": "2012-10-17", "Statement": [{"Effect": "Deny"}]}', "this is not a parameters file"),
    ],
)
def test_a_file_that_is_none_is_an_error(
    content: str | None, said: str, template: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.json"
    if content is not None:
        file.write_text(content)
    assert run(["check", template, "--parameters", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_a_value_for_a_parameter_that_no_template_has(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(template).parent
    file = folder / "parameters.json"
    file.write_text(json.dumps({"Actoin": "s3:GetObject", "AWS::AccountId": "123456789012"}))
    code, report = checked(capsys, template, "--parameters", str(file))
    assert code == 4
    (told,) = report["warnings"]
    assert (told["message"], told["hint"]) == ("no template has the parameter `Actoin`", "did you mean `Action`?")
    assert told["location"]["file"] == str(file)
    (folder / "other.yaml").write_text(TEMPLATE.replace("Action: {Type", "Actoin: {Type").replace("!Ref Action", "x"))
    assert not checked(capsys, str(folder), "--parameters", str(file))[1]["warnings"]
    file.write_text(json.dumps({"Actoin": "s3:GetObject"}))
    assert not checked(capsys, template, "--hook", "--parameters", str(file))[1]["warnings"]
