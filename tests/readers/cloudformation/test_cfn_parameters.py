"""Parameter files and what a CDK assembly states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolelint.errors import InputError
from rolelint.findings.model import Report
from rolelint.lint import Request, load_roles
from rolelint.readers.cloudformation.parameters import read_parameters

from .cfn_lines import Read, identity

WANTED = {"Env": "prod", "AWS::Region": "eu-west-1"}
FILES: dict[str, Any] = {
    "list of the CLI": [
        {"ParameterKey": "Env", "ParameterValue": "prod"},
        {"ParameterKey": "AWS::Region", "ParameterValue": "eu-west-1"},
        {"ParameterKey": "Kept", "UsePreviousValue": True},
    ],
    "overrides of the deploy command": ["Env=prod", "AWS::Region=eu-west-1"],
    "CodePipeline": {"Parameters": WANTED, "Tags": {"a": "b"}},
    "object": WANTED,
}


@pytest.mark.parametrize("name", FILES)
def test_forms(name: str, tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps(FILES[name]))
    assert read_parameters(str(file)) == WANTED


BAD: dict[str, Any] = {
    "number": 3,
    "list of numbers": [1],
    "nested object": {"Env": {"a": 1}},
    "key without value": [{"ParameterKey": "Env"}],
}


@pytest.mark.parametrize("name", BAD)
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps(BAD[name]))
    with pytest.raises(InputError, match="this is not a parameters file") as caught:
        read_parameters(str(file))
    assert "ParameterKey" in caught.value.hint


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_parameters(str(tmp_path / "absent.json"))


TEMPLATE = """
Parameters: {Env: {Type: String, Default: dev}}
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement: [{Effect: Allow, Action: "a:b", Resource: !Sub "arn:aws:s3:${AWS::Region}::${Env}"}]
"""


def test_a_file_is_an_option_of_the_reader(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps(WANTED))
    (role,) = read(TEMPLATE, parameters=str(file)).roles
    assert identity(role) == ["+a:b | arn:aws:s3:eu-west-1::prod"]


MANIFEST: dict[str, Any] = {
    "version": "36.0.0",
    "artifacts": {
        "Tree": {"type": "cdk:tree"},
        "App": {
            "type": "aws:cloudformation:stack",
            "environment": "aws://111122223333/cn-north-1",
            "properties": {"templateFile": "App.template.json", "parameters": {"Env": "prod"}, "stackName": "app"},
        },
        "Any": {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": "Any.template.json"},
        },
    },
}
CDK = {
    "Resources": {
        "R": {
            "Type": "AWS::IAM::Role",
            "Metadata": {"aws:cdk:path": "App/R/Resource"},
            "Properties": {
                "RoleName": "r",
                "Policies": [
                    {
                        "PolicyName": "p",
                        "PolicyDocument": {
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": "a:b",
                                    "Resource": {"Fn::Sub": "arn:${AWS::Partition}:x:${AWS::Region}:${AWS::AccountId}"},
                                }
                            ]
                        },
                    }
                ],
            },
        }
    }
}

ASSEMBLY = {
    "stack with an environment": ("App", "arn:aws-cn:iam::111122223333:role/r", "arn:aws-cn:x:cn-north-1:111122223333"),
    "stack for any environment": ("Any", "", "arn:aws:x:us-east-1:123456789012"),
    "nested stack of an assembly whose stacks differ": ("Nested", "", "arn:aws:x:us-east-1:123456789012"),
}


@pytest.mark.parametrize("name", ASSEMBLY)
def test_the_manifest_of_an_assembly_states_the_account(name: str, read: Read, tmp_path: Path) -> None:
    stack, arn, resource = ASSEMBLY[name]
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    (role,) = read(CDK, f"{tmp_path}/{stack}.template.json", base=tmp_path).roles
    assert role.arn == arn
    assert identity(role) == [f"+a:b | {resource}"]
    assert role.location.address == "App/R/Resource"


def test_a_nested_stack_shares_the_environment_of_its_assembly(read: Read, tmp_path: Path) -> None:
    artifacts = {"App": MANIFEST["artifacts"]["App"]}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (role,) = read(CDK, f"{tmp_path}/Nested.nested.template.json", base=tmp_path).roles
    assert role.account == "111122223333"


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"artifacts": {"a": 1}}', '{"artifacts": []}'])
def test_a_manifest_that_says_nothing_is_no_error(text: str, read: Read, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert len(read(CDK, f"{tmp_path}/App.template.json", base=tmp_path).roles) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"artifacts": {', "the JSON ends too early"),
        (b'{"artifacts": {}, "artifacts": {}}', "the key `artifacts` appears twice in one object, first on line 1"),
        (b'{"artifacts": "\xff"}', "byte 0xff is not valid UTF-8"),
    ],
    ids=["cut off", "key twice", "no text"],
)
def test_a_broken_manifest_is_told_once(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    for name in ("A", "B"):
        (tmp_path / f"{name}.template.json").write_text(CDK if isinstance(CDK, str) else json.dumps(CDK))
    report = Report()
    roles = load_roles(Request((f"{tmp_path}/A.template.json", f"{tmp_path}/B.template.json")), report)
    assert len(roles) == 2
    assert [(w.message, w.kind) for w in report.warnings] == [(message, "warning")]


def test_a_template_that_a_manifest_names_and_that_is_not_here_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "App.template.json").write_text(CDK if isinstance(CDK, str) else json.dumps(CDK))
    report = Report()
    assert len(load_roles(Request((str(tmp_path),)), report)) == 1
    message = "the template `Any.template.json`, which the manifest names, is not here, so its roles are not read"
    assert [w.message for w in report.warnings] == [message]
