"""Roles, users, groups and permission sets, put together across the resources of a template."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.policies.role import PolicyType, Role

from .cfn_lines import Read, identity, policy_lines

STATEMENT = "{Statement: [{Effect: Allow, Action: 'ACTION', Resource: '*'}]}"


def policy(action: str) -> str:
    return STATEMENT.replace("ACTION", action)


def by_name(roles: list[Role]) -> dict[str, Role]:
    return {role.name: role for role in roles}


TEMPLATE = f"""
Resources:
  Worker:
    Type: AWS::IAM::Role
    Properties:
      RoleName: worker
      AssumeRolePolicyDocument:
        Statement: {{Effect: Allow, Principal: {{Service: lambda.amazonaws.com}}, Action: "sts:AssumeRole"}}
      Tags: [{{Key: team, Value: data}}]
      Policies: [{{PolicyName: own, PolicyDocument: {policy("a:own")}}}]
      ManagedPolicyArns:
        - !Ref Shared
        - !Sub "arn:${{AWS::Partition}}:iam::aws:policy/AWSCloudFormationFullAccess"
        - arn:aws:iam::aws:policy/NoSuchPolicy
        - arn:aws:iam::111122223333:policy/central
      PermissionsBoundary: !Ref Limit
  ByPolicy: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: by-policy, Roles: [!Ref Worker],
    PolicyDocument: {policy("a:policy")}}}}}
  ByRolePolicy: {{Type: AWS::IAM::RolePolicy, Properties: {{PolicyName: by-role, RoleName: worker,
    PolicyDocument: {policy("a:role-policy")}}}}}
  ByManaged: {{Type: AWS::IAM::ManagedPolicy, Properties: {{Roles: [!Ref Worker],
    PolicyDocument: {policy("a:managed")}}}}}
  Shared: {{Type: AWS::IAM::ManagedPolicy, Properties: {{ManagedPolicyName: shared,
    PolicyDocument: {policy("a:shared")}}}}}
  Limit: {{Type: AWS::IAM::ManagedPolicy, Properties: {{PolicyDocument: {policy("a:*")}}}}}
  Alone: {{Type: AWS::IAM::ManagedPolicy, Properties: {{PolicyDocument: {policy("a:alone")}}}}}
  Elsewhere: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: outside, Roles: [other],
    PolicyDocument: {policy("a:out")}}}}}
  Someone:
    Type: AWS::IAM::User
    Properties: {{Groups: [!Ref Team, strangers], Policies: [{{PolicyName: own, PolicyDocument: {policy("a:user")}}}]}}
  Added: {{Type: AWS::IAM::UserToGroupAddition, Properties: {{GroupName: !Ref More, Users: [!Ref Someone]}}}}
  Team: {{Type: AWS::IAM::Group, Properties: {{Policies: [{{PolicyName: t, PolicyDocument: {policy("a:team")}}}]}}}}
  TeamPolicy: {{Type: AWS::IAM::GroupPolicy, Properties: {{PolicyName: u, GroupName: !Ref Team,
    PolicyDocument: {policy("a:group-policy")}}}}}
  More: {{Type: AWS::IAM::Group, Properties: {{Policies: [{{PolicyName: m, PolicyDocument: {policy("a:more")}}}]}}}}
  Empty: {{Type: AWS::IAM::Group, Properties: {{}}}}
  Nobody: {{Type: AWS::IAM::Group, Properties: {{Policies: [{{PolicyName: n, PolicyDocument: {policy("a:nobody")}}}]}}}}
  Admins:
    Type: AWS::SSO::PermissionSet
    Properties:
      Name: admins
      InlinePolicy: {policy("a:inline")}
      ManagedPolicies: ["arn:aws:iam::aws:policy/AWSCloudFormationFullAccess"]
      CustomerManagedPolicyReferences: [{{Name: shared}}, {{Name: absent}}]
      PermissionsBoundary: {{ManagedPolicyArn: "arn:aws:iam::aws:policy/AWSCloudFormationFullAccess"}}
  Text:
    Type: AWS::SSO::PermissionSet
    Properties:
      Name: text
      InlinePolicy: '{{"Statement": [{{"Effect": "Allow", "Action": "a:text", "Resource": "*"}}]}}'
"""


@pytest.fixture
def roles(read: Read) -> dict[str, Role]:
    return by_name(read(TEMPLATE).roles)


def test_every_principal_is_found(roles: dict[str, Role]) -> None:
    assert {name: role.kind for name, role in roles.items()} == {
        "worker": "role",
        "Someone": "user",
        "Nobody": "policy",
        "admins": "permission-set",
        "text": "permission-set",
        "Alone": "policy",
        "outside": "policy",
    }


def test_a_role_has_everything_that_names_it(roles: dict[str, Role]) -> None:
    worker = roles["worker"]
    assert [(p.name, p.inline) for p in worker.identity] == [
        ("own", True),
        ("shared", False),
        ("AWSCloudFormationFullAccess", False),
        ("NoSuchPolicy", False),
        ("central", False),
        ("by-policy", True),
        ("by-role", True),
        ("ByManaged", False),
    ]
    lines = identity(worker)
    assert [line for line in lines if "unknown" not in line] == [
        "+a:own | *",
        "+a:shared | *",
        "+cloudformation:* | *",
        "+a:policy | *",
        "+a:role-policy | *",
        "+a:managed | *",
    ]
    assert worker.identity[2].arn == "arn:aws:iam::aws:policy/AWSCloudFormationFullAccess"
    assert worker.boundary
    assert (worker.boundary.type, policy_lines(worker.boundary)) == (PolicyType.BOUNDARY, ["+a:* | *"])
    assert worker.trust
    assert policy_lines(worker.trust) == ["+sts:AssumeRole | Service=lambda.amazonaws.com"]
    assert worker.tags == {"team": "data"}
    assert (worker.arn, worker.account, worker.partition) == ("", "", "aws")


def test_what_the_template_does_not_hold_is_unknown(roles: dict[str, Role]) -> None:
    assert [(u.what, u.reason, u.location.line) for u in roles["worker"].unknowns] == [
        (
            "attached policy",
            "the AWS managed policy `arn:aws:iam::aws:policy/NoSuchPolicy` is not in the catalogue",
            14,
        ),
        (
            "attached policy",
            "managed policy `arn:aws:iam::111122223333:policy/central` is not in the template",
            15,
        ),
    ]
    assert [u.reason for u in roles["Someone"].unknowns] == [
        "the policies of group `strangers` are not in the template"
    ]
    assert [u.reason for u in roles["admins"].unknowns] == ["customer managed policy `absent` is not in the template"]


def test_a_user_has_the_policies_of_its_groups(roles: dict[str, Role]) -> None:
    assert identity(roles["Someone"]) == ["+a:user | *", "+a:team | *", "+a:group-policy | *", "+a:more | *"]


def test_a_group_without_members_is_judged_by_itself(roles: dict[str, Role]) -> None:
    assert identity(roles["Nobody"]) == ["+a:nobody | *"]


def test_permission_sets(roles: dict[str, Role]) -> None:
    lines = identity(roles["admins"])
    assert lines[0] == "+a:inline | *"
    assert "+a:shared | *" in lines
    assert roles["admins"].boundary
    assert identity(roles["text"]) == ["+a:text | *"]


def test_a_stated_account_gives_arns(read: Read) -> None:
    roles = by_name(read(TEMPLATE, parameters={"AWS::AccountId": "444455556666"}).roles)
    assert roles["worker"].arn == "arn:aws:iam::444455556666:role/worker"
    assert roles["worker"].account == "444455556666"
    assert roles["Someone"].arn == ""


def test_a_policy_that_is_only_a_boundary_is_no_power(read: Read) -> None:
    reading = read(TEMPLATE)
    assert [(p.type, p.name) for p in reading.policies] == [(PolicyType.BOUNDARY, "Limit")]


def test_the_environment_lists_resources_and_their_guards(read: Read) -> None:
    (role,) = read(
        """
Parameters: {Guard: {Type: String, Default: "true"}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: t, DeletionProtectionEnabled: true,
    Tags: [{Key: env, Value: prod}]}}
  Cluster: {Type: AWS::RDS::DBCluster, DeletionPolicy: Retain, Properties: {DeletionProtection: !Ref Guard}}
  Bucket: {Type: AWS::S3::Bucket, DeletionPolicy: Snapshot}
  Versions: {Type: AWS::S3::Bucket, Properties: {ObjectLockEnabled: true, VersioningConfiguration: {Status: Enabled}}}
  Recovered: {Type: AWS::DynamoDB::Table, Properties: {PointInTimeRecoverySpecification:
    {PointInTimeRecoveryEnabled: true}}}
  Vault: {Type: AWS::Backup::BackupVault, Properties: {LockConfiguration: {MinRetentionDays: 7}}}
  Network: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Type: network, Name: n}}
  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer,
    Properties: {LoadBalancerAttributes: [{Key: deletion_protection.enabled, Value: "true"}]}}
  Other: {Type: Custom::Thing}
  R: {Type: AWS::IAM::Role, Properties: {RoleName: r}}
"""
    ).roles
    found = {r.address: (r.type, r.protections, r.tags) for r in role.environment}
    assert found == {
        "Table": ("dynamodb:table", ("deletion protection",), {"env": "prod"}),
        "Cluster": ("rds:cluster", ("deletion protection", "DeletionPolicy Retain"), {}),
        "Bucket": ("s3:bucket", ("DeletionPolicy Snapshot",), {}),
        "Versions": ("s3:bucket", ("object lock", "versioning"), {}),
        "Recovered": ("dynamodb:table", ("point-in-time recovery",), {}),
        "Vault": ("backup:backupVault", ("vault lock",), {}),
        "Network": ("elasticloadbalancing:loadbalancer/net/", (), {}),
        "Balancer": ("elasticloadbalancing:loadbalancer/app/", ("deletion protection",), {}),
        "R": ("iam:role", (), {}),
    }
    assert role.environment[0].arn == "arn:aws:dynamodb:us-east-1:123456789012:table/t"


def test_roles_made_by_a_loop(read: Read) -> None:
    roles = read(
        """
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: "one,two"}}
Resources:
  Fn::ForEach::Roles:
    - Name
    - !Ref Names
    - Role${Name}:
        Type: AWS::IAM::Role
        Properties:
          RoleName: !Sub "role-${Name}"
          Policies:
            - PolicyName: p
              PolicyDocument:
                Statement:
                  - {Effect: Allow, Action: "s3:*", Resource: !Sub "arn:aws:s3:::${Name}/*"}
"""
    ).roles
    assert [(r.name, identity(r), r.identity[0].locate(("Statement", 0)).line) for r in roles] == [
        ("role-one", ["+s3:* | arn:aws:s3:::one/*"], 16),
        ("role-two", ["+s3:* | arn:aws:s3:::two/*"], 16),
    ]


def test_a_loop_over_unknown_values_is_said(read: Read) -> None:
    reading = read(
        """
Parameters: {Names: {Type: CommaDelimitedList}}
Resources:
  Fn::ForEach::Roles: [Name, !Ref Names, {"Role${Name}": {Type: AWS::IAM::Role, Properties: {}}}]
  Topic: {Type: AWS::SNS::Topic}
"""
    )
    (problem,) = reading.problems
    assert problem.kind == "unknown"  # type: ignore[attr-defined]
    assert problem.message == "the resources of `Fn::ForEach::Roles` depend on values that are not known"  # type: ignore[attr-defined]


def test_a_macro_is_said(read: Read) -> None:
    reading = read("Transform: [MyMacro]\nResources: {R: {Type: AWS::IAM::Role, Properties: {}}}")
    (problem,) = reading.problems
    assert "the macro `MyMacro` may change the template" in str(problem)


def test_actions_that_a_parameter_holds_are_unknown(read: Read) -> None:
    (role,) = read(
        """
Parameters: {Actions: {Type: CommaDelimitedList}}
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: []}
      Policies:
        - PolicyName: p
          PolicyDocument: {Statement: [{Sid: S, Effect: Allow, Action: !Ref Actions, Resource: "*"}]}
"""
    ).roles
    assert [(u.what, u.reason, u.location.line) for u in role.unknowns] == [
        ("inline policy", "policy `p`: the actions of statement `S` are `${Actions}`, not known before deployment", 10)
    ]


def test_properties_that_a_macro_adds_are_unknown(read: Read) -> None:
    (role,) = read(
        """Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: []}
      Fn::Transform: {Name: "AWS::Include", Parameters: {Location: "s3://b/k"}}
"""
    ).roles
    assert [(u.what, u.reason, u.location.line) for u in role.unknowns] == [
        ("properties", "a macro adds properties to `R` when the template is deployed", 6)
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{'Fn::Transform': {Name: M}}", True),
        ("{Type: 'AWS::IAM::Group', 'Fn::Transform': {Name: M}}", True),
        ("{Type: 'AWS::S3::Bucket', 'Fn::Transform': {Name: M}}", False),
    ],
    ids=["a whole resource", "parts of a group", "parts of a bucket"],
)
def test_what_a_macro_puts_into_a_resource_is_unknown(body: str, told: bool, read: Read) -> None:
    problems = read(f"AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  R: {body}\n").problems
    message = "what a macro puts into `R` when the template is deployed is not known"
    assert [(p.kind, p.message) for p in problems] == ([("unknown", message)] if told else [])


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("{Sub: x}", "${an object}"),
        ("'{{resolve:ssm:/a/b}}'", "${resolve:ssm:/a/b}"),
        ("!Sub 'arn:aws:iam::${AWS::AccountId}:policy/team/x'", "x"),
    ],
)
def test_a_managed_policy_that_is_not_known_is_shown_by_its_name(arn: str, name: str, read: Read) -> None:
    (role,) = read(f"Resources: {{R: {{Type: AWS::IAM::Role, Properties: {{ManagedPolicyArns: [{arn}]}}}}}}").roles
    assert [(p.name, bool(p.document.unknown)) for p in role.identity] == [(name, True)]


NOTHING: dict[str, Any] = {
    "no resources about IAM": "Resources: {B: {Type: AWS::S3::Bucket}}",
    "odd bodies": "AWSTemplateFormatVersion: 1\nResources: {A: 1, B: [], C: {Type: 3}, D: {Type: A::B, Properties: x}}",
}


@pytest.mark.parametrize("name", NOTHING)
def test_templates_without_iam_content_give_nothing(name: str, read: Read) -> None:
    reading = read(NOTHING[name])
    assert (reading.roles, reading.policies, reading.problems) == ([], [], [])


@pytest.mark.parametrize(
    ("names", "held"),
    [
        ('[!Select [1, !Split ["/", !GetAtt A.Arn]]]', ["A"]),
        ('!Split [",", !Join [",", [!Ref A, b, !Ref C]]]', ["A", "b", "C"]),
        ('[!Select [1, !Split [",", !Sub "${A},${C}"]]]', ["C"]),
        ('[!Select [1, !Split ["-", !Ref A]]]', []),
        ('!Split [",", !Sub "${P},${C}"]', []),
    ],
)
def test_names_that_cloudformation_makes_are_cut_out_of_texts(read: Read, names: str, held: list[str]) -> None:
    role = "Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: []}"
    text = f"""
Parameters: {{P: {{Type: String}}}}
Resources:
  A: {{{role}}}}}
  B: {{{role}, RoleName: b}}}}
  C: {{{role}}}}}
  Hung: {{Type: AWS::IAM::Policy, Properties: {{PolicyName: p, Roles: {names}, PolicyDocument: {policy("a:b")}}}}}
"""
    roles = [r for r in read(text).roles if r.kind == "role"]
    assert [r.name for r in roles if r.identity] == held
