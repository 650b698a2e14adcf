"""Policies that hang on resources, and those of the organization."""

from __future__ import annotations

import pytest

from rolelint.catalog import catalog
from rolelint.engine import actor, can, powers
from rolelint.policies.role import PolicyType
from rolelint.policies.text import show

from .cfn_lines import Read, policy_lines

DOCUMENT = "{Statement: [{Effect: Allow, Principal: '*', Action: 'x:y', Resource: '*'}]}"
HEAD = "+x:y | * | *=*"

# A resource body, then type, resource and lines of each policy.
CASES: dict[str, tuple[str, list[tuple[str, str, list[str]]]]] = {
    "bucket policy by Ref": (
        f"B: {{Type: AWS::S3::Bucket}}\n  P: {{Type: AWS::S3::BucketPolicy, Properties: {{Bucket: !Ref B, "
        f"PolicyDocument: {DOCUMENT}}}}}",
        [("resource", "arn:aws:s3:::${B}", [HEAD])],
    ),
    "bucket policy by name": (
        f"P: {{Type: AWS::S3::BucketPolicy, Properties: {{Bucket: data, PolicyDocument: {DOCUMENT}}}}}",
        [("resource", "arn:aws:s3:::data", [HEAD])],
    ),
    "key policy": (
        f"K: {{Type: AWS::KMS::Key, Properties: {{KeyPolicy: {DOCUMENT}}}}}",
        [("resource", "arn:aws:kms:us-east-1:123456789012:key/${K}", [HEAD])],
    ),
    "policy of two queues": (
        f"Q: {{Type: AWS::SQS::Queue, Properties: {{QueueName: q}}}}\n  P: {{Type: AWS::SQS::QueuePolicy, Properties: "
        f"{{Queues: [!Ref Q, 'https://sqs.us-east-1.amazonaws.com/123456789012/other'], PolicyDocument: {DOCUMENT}}}}}",
        [
            ("resource", "arn:aws:sqs:eu-west-1:${AWS::AccountId}:q", [HEAD]),
            ("resource", "arn:aws:sqs:us-east-1:123456789012:other", [HEAD]),
        ],
    ),
    "topic policy": (
        f"T: {{Type: AWS::SNS::Topic}}\n  P: {{Type: AWS::SNS::TopicPolicy, Properties: {{Topics: [!Ref T], "
        f"PolicyDocument: {DOCUMENT}}}}}",
        [("resource", "arn:aws:sns:us-east-1:123456789012:${T}", [HEAD])],
    ),
    "secret policy": (
        f"P: {{Type: AWS::SecretsManager::ResourcePolicy, Properties: {{SecretId: !ImportValue s, "
        f"ResourcePolicy: {DOCUMENT}}}}}",
        [("resource", "${Fn::ImportValue s}", [HEAD])],
    ),
    "repository policy": (
        f"E: {{Type: AWS::ECR::Repository, Properties: {{RepositoryName: e, RepositoryPolicyText: {DOCUMENT}}}}}",
        [("resource", "arn:aws:ecr:us-east-1:123456789012:repository/e", [HEAD])],
    ),
    "table policy, one level down": (
        "T: {Type: AWS::DynamoDB::Table, Properties: {TableName: t, ResourcePolicy: "
        f"{{PolicyDocument: {DOCUMENT}}}}}}}",
        [("resource", "arn:aws:dynamodb:us-east-1:123456789012:table/t", [HEAD])],
    ),
    "empty text": ("A: {Type: AWS::ApiGateway::RestApi, Properties: {Name: a, Policy: ''}}", []),
    "event bus statement": (
        "P: {Type: AWS::Events::EventBusPolicy, Properties: {EventBusName: b, StatementId: s, "
        "Statement: {Effect: Allow, Principal: '*', Action: 'events:PutEvents', Resource: '*'}}}",
        [("resource", "arn:aws:events:us-east-1:123456789012:event-bus/b", ["+events:PutEvents | * | *=*"])],
    ),
    "function permission for a service": (
        "F: {Type: AWS::Lambda::Function, Properties: {FunctionName: f}}\n"
        "  P: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Action: 'lambda:InvokeFunction', "
        "Principal: s3.amazonaws.com, SourceArn: 'arn:aws:s3:::x', SourceAccount: '1'}}",
        [
            (
                "resource",
                "arn:aws:lambda:us-east-1:123456789012:function:f",
                [
                    "+lambda:InvokeFunction | arn:aws:lambda:us-east-1:123456789012:function:f | "
                    "ArnLike AWS:SourceArn=arn:aws:s3:::x | StringEquals AWS:SourceAccount=1 | Service=s3.amazonaws.com"
                ],
            )
        ],
    ),
    "function permission for everybody": (
        "P: {Type: AWS::Lambda::Permission, Properties: {FunctionName: f, Action: '*', Principal: '*'}}",
        [
            (
                "resource",
                "arn:aws:lambda:us-east-1:123456789012:function:f",
                ["+* | arn:aws:lambda:us-east-1:123456789012:function:f | *=*"],
            )
        ],
    ),
    "function permission for an account": (
        "P: {Type: AWS::Lambda::Permission, Properties: {FunctionName: 'arn:aws:lambda:eu-west-1:1:function:f', "
        "Principal: '111122223333'}}",
        [
            (
                "resource",
                "arn:aws:lambda:eu-west-1:1:function:f",
                ["+lambda:InvokeFunction | arn:aws:lambda:eu-west-1:1:function:f | AWS=111122223333"],
            )
        ],
    ),
    "service control policy": (
        "P: {Type: AWS::Organizations::Policy, Properties: {Name: n, Type: SERVICE_CONTROL_POLICY, "
        "Content: {Statement: {Effect: Deny, Action: 'a:b', Resource: '*'}}}}",
        [("scp", "", ["-a:b | *"])],
    ),
    "resource control policy as text": (
        "P: {Type: AWS::Organizations::Policy, Properties: {Name: n, Type: RESOURCE_CONTROL_POLICY, Content: "
        '\'{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}\'}}',
        [("rcp", "", ["-s3:* | * | *=*"])],
    ),
    "tag policy": (
        "P: {Type: AWS::Organizations::Policy, Properties: {Name: n, Type: TAG_POLICY, Content: {}}}",
        [],
    ),
    "under a condition that never holds": (
        f"P: {{Type: AWS::S3::BucketPolicy, Condition: Never, Properties: {{Bucket: b, PolicyDocument: {DOCUMENT}}}}}",
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_policies(name: str, read: Read) -> None:
    body, expected = CASES[name]
    reading = read(f"Conditions: {{Never: !Equals [a, b]}}\nResources:\n  {body}\n")
    assert [(p.type.value, show(p.resource), policy_lines(p)) for p in reading.policies] == expected


def test_roles_know_the_resource_policies_beside_them(read: Read) -> None:
    reading = read(
        f"Resources:\n  R: {{Type: AWS::IAM::Role, Properties: {{}}}}\n"
        f"  K: {{Type: AWS::KMS::Key, Properties: {{KeyPolicy: {DOCUMENT}}}}}\n"
    )
    assert [p.name for p in reading.roles[0].resource_policies] == ["K"]
    assert [p.type for p in reading.policies] == [PolicyType.RESOURCE]


def test_the_principal_of_a_permission_is_located(read: Read) -> None:
    (policy,) = read(
        """Resources:
  P:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: f
      Principal: "*"
      Action: lambda:InvokeFunction
"""
    ).policies
    places = [policy.locate(("Statement", 0, name)).line for name in ("Principal", "Action", "Resource", "Effect")]
    assert places == [6, 7, 5, 5]


# What is said of the role, what is said of the top, then the principal of a bucket policy.
OWN = {
    "no name": ("", "", "!GetAtt R.Arn"),
    "a name": ("RoleName: app", "", "!GetAtt R.Arn"),
    "a path": ("RoleName: app, Path: /x/", "", "!GetAtt R.Arn"),
    "a path and no name": ("Path: /x/", "", "!Sub '${R.Arn}'"),
    "a name by a parameter": (
        "RoleName: !Ref Env",
        "Parameters: {Env: {Type: String, Default: a, AllowedValues: [a, b]}}",
        "!GetAtt R.Arn",
    ),
    "an account that is named": ("", "Description: 444455556666", "!GetAtt R.Arn"),
    "a session": ("", "", "!Sub 'arn:aws:sts::${AWS::AccountId}:assumed-role/${R}/tool'"),
}


@pytest.mark.parametrize("name", OWN)
def test_a_policy_that_names_the_role_grants_to_it(name: str, read: Read) -> None:
    role, top, principal = OWN[name]
    text = f"""{top}
Resources:
  R: {{Type: AWS::IAM::Role, Properties: {{{role}}}}}
  Other: {{Type: AWS::IAM::Role, Properties: {{}}}}
  B: {{Type: AWS::S3::Bucket}}
  P:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref B
      PolicyDocument:
        Statement:
          - {{Effect: Allow, Principal: {{AWS: {principal}}}, Action: "s3:DeleteBucket", Resource: !GetAtt B.Arn}}
"""
    mask = catalog().expand("s3:DeleteBucket")
    mine, other = (powers(role, actor("any"), mask).powers for role in read(text).roles)
    assert ([power.certainty for power in mine], other) == (["proved"], ())


def test_the_role_that_sam_makes_is_named(read: Read) -> None:
    (role,) = read(
        """Transform: AWS::Serverless-2016-10-31
Resources:
  F: {Type: AWS::Serverless::Function, Properties: {}}
  K:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy: {Statement: [{Effect: Allow, Principal: {AWS: !GetAtt FRole.Arn}, Action: "kms:*", Resource: "*"}]}
"""
    ).roles
    assert can(role, "kms:DisableKey", who=actor("any")).verdict == "yes"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("Type: SERVICE_CONTROL_POLICY, TargetIds: [r-abcd]", True),
        ("Type: RESOURCE_CONTROL_POLICY, TargetIds: !Ref Targets", True),
        ("Type: SERVICE_CONTROL_POLICY, TargetIds: [!If [Prod, ou-abcd-11111111, !Ref 'AWS::NoValue']]", True),
        ("Type: SERVICE_CONTROL_POLICY", False),
        ("Type: SERVICE_CONTROL_POLICY, TargetIds: []", False),
        ("Type: TAG_POLICY, TargetIds: [r-abcd]", False),
    ],
)
def test_an_attached_scp_limits_no_role_and_that_is_said(more: str, told: bool, read: Read) -> None:
    reading = read(
        f"""AWSTemplateFormatVersion: "2010-09-09"
Parameters: {{Targets: {{Type: CommaDelimitedList}}, Env: {{Type: String}}}}
Conditions: {{Prod: !Equals [!Ref Env, prod]}}
Resources:
  Keep: {{Type: AWS::Organizations::Policy, Properties: {{Name: n, {more}, Content: {{Statement: []}}}}}}
  R: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {{Statement: []}}}}}}
"""
    )
    (role,) = reading.roles
    assert (role.scps, role.rcps) == (None, None)
    said = [(problem.kind, problem.location.line) for problem in reading.problems]
    assert said == ([("warning", 5)] if told else [])
