"""Findings point at the place in the template, however a value came there."""

from __future__ import annotations

import pytest

from rolelint.errors import Route
from rolelint.policies.role import Role

from .cfn_lines import Read

TEMPLATE = """\
Parameters:
  Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}
Conditions:
  Prod: !Equals [!Ref Env, prod]
Resources:
  R:
    Type: AWS::IAM::Role
    Metadata: {"aws:cdk:path": Stack/R/Resource}
    Properties:
      ManagedPolicyArns:
        - arn:aws:iam::aws:policy/AWSCloudFormationFullAccess
      Policies:
        - !Ref AWS::NoValue
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - !Ref AWS::NoValue
              - Effect: Allow
                Action:
                  - !Ref AWS::NoValue
                  - s3:GetObject
                Resource: !Sub "arn:aws:s3:::${Env}"
              - Fn::If:
                  - Prod
                  - Effect: Deny
                    Action: s3:*
                    Resource: "*"
                  - !Ref AWS::NoValue
"""


@pytest.fixture
def role(read: Read) -> Role:
    return read(TEMPLATE).roles[0]


PLACES: dict[str, tuple[int, Route, tuple[int, int, str]]] = {
    "statement": (0, ("Statement", 0), (19, 17, "Resources/R/Properties/Policies/1/PolicyDocument/Statement/1")),
    "action after a value that is not there": (
        0,
        ("Statement", 0, "Action", 0),
        (22, 21, "Resources/R/Properties/Policies/1/PolicyDocument/Statement/1/Action/1"),
    ),
    "value of a function": (
        0,
        ("Statement", 0, "Resource"),
        (23, 27, "Resources/R/Properties/Policies/1/PolicyDocument/Statement/1/Resource"),
    ),
    "statement in a branch": (
        0,
        ("Statement", 2, "Action"),
        (27, 29, "Resources/R/Properties/Policies/1/PolicyDocument/Statement/2/Fn::If/1/Action"),
    ),
    "whole document": (0, (), (16, 13, "Resources/R/Properties/Policies/1/PolicyDocument")),
    "managed policy by ARN": (
        1,
        ("Statement", 0, "Action"),
        (11, 11, "Resources/R/Properties/ManagedPolicyArns/0"),
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_place(name: str, role: Role) -> None:
    number, route, expected = PLACES[name]
    found = role.identity[number].locate(route)
    assert (found.line, found.column, found.route) == expected
    assert found.address == "Stack/R/Resource"


def test_place_of_a_role(role: Role) -> None:
    assert (role.location.line, role.location.address, role.name) == (7, "Stack/R/Resource", "R")


def test_places_in_json(read: Read) -> None:
    template = {
        "Resources": {
            "R": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Policies": [
                        {
                            "PolicyName": "p",
                            "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "*"}},
                        }
                    ]
                },
            }
        }
    }
    (role,) = read(template, "t.json").roles
    found = role.identity[0].locate(("Statement", "Action"))
    assert (found.line, found.column) == (12, 19)
