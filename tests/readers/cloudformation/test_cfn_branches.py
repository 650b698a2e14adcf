"""Conditions: every branch is read, an Allow may hold, a Deny that may not hold never protects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .cfn_lines import Read, identity, policy_lines

TOP = """
Parameters:
  Env: {Type: String, Default: dev, AllowedValues: [dev, test, prod]}
  Extra: {Type: String, Default: ""}
  Stage: {Type: String, AllowedValues: [a, b]}
  Listed: {Type: CommaDelimitedList, Default: ""}
Mappings: {Names: {a: {n: name-a}, b: {n: name-b}}}
Conditions:
  Prod: !Equals [!Ref Env, prod]
  NotProd: !Not [!Condition Prod]
  HasExtra: !Not [!Equals [!Ref Extra, ""]]
  HasListed: !Not [!Equals [!Join ["", !Ref Listed], ""]]
  HasFirst: !Not [!Equals ["", !Select [0, !Ref Listed]]]
  Both: !And [!Condition Prod, !Condition HasExtra]
  Either: !Or [!Condition Prod, !Condition NotProd]
  Here: !Equals [!Ref AWS::Region, eu-west-1]
  Joined: !Equals [!Join ["", [!Ref Env, x]], prodx]
"""

CASES = {
    "no condition": ("- {Effect: Allow, Action: 'a:b', Resource: '*'}", ["+a:b | *"]),
    "a statement that may be there": (
        "- !If [Prod, {Effect: Allow, Action: 'a:b', Resource: '*'}, !Ref AWS::NoValue]",
        ["+a:b | * ?"],
    ),
    "a Deny that may be there": (
        "- !If [Prod, {Effect: Deny, Action: 'a:b', Resource: '*'}, !Ref AWS::NoValue]",
        ["-a:b | * ?"],
    ),
    "one of two statements": (
        "- !If [Prod, {Effect: Allow, Action: 'a:b', Resource: '*'}, {Effect: Allow, Action: 'c:d', Resource: '*'}]",
        ["+c:d | * ?", "+a:b | * ?"],
    ),
    "one action more": (
        "- {Effect: Allow, Action: ['a:b', !If [Prod, 'c:d', !Ref AWS::NoValue]], Resource: '*'}",
        ["+a:b | *", "+c:d | * ?"],
    ),
    "one of two resources": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Prod, x, y]}",
        ["+a:b | y ?", "+a:b | x ?"],
    ),
    "one of two actions of a Deny": (
        "- {Effect: Deny, Action: ['a:b', !If [Prod, 'c:d', 'e:f']], Resource: '*'}",
        ["-a:b | *", "-e:f | * ?", "-c:d | * ?"],
    ),
    "opposite conditions go together": (
        "- {Effect: Allow, Action: !If [Prod, 'a:b', 'c:d'], Resource: !If [NotProd, x, y]}",
        ["+c:d | x ?", "+a:b | y ?"],
    ),
    "a parameter takes the value of its branch": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Prod, !Sub '${Env}-1', !Sub '${Env}-2']}",
        ["+a:b | dev-2 ?", "+a:b | test-2 ?", "+a:b | prod-1 ?"],
    ),
    "a value that is not empty is not the default": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [HasExtra, !Ref Extra, none]}",
        ["+a:b | none ?", "+a:b | ${Extra} ?"],
    ),
    "a list that is not empty is not the default": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [HasListed, !Ref Listed, none]}",
        ["+a:b | none ?", "+a:b | ${Listed} ?"],
    ),
    "a list whose first element is not empty is not the default": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [HasFirst, !Ref Listed, none]}",
        ["+a:b | none ?", "+a:b | ${Listed} ?"],
    ),
    "both conditions": (
        "- !If [Both, {Effect: Allow, Action: 'a:b', Resource: '*'}, !Ref AWS::NoValue]",
        ["+a:b | * ?"],
    ),
    "either of opposite conditions always holds": (
        "- !If [Either, {Effect: Allow, Action: 'a:b', Resource: '*'}, !Ref AWS::NoValue]",
        ["+a:b | *"],
    ),
    "another branch for one Region": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Here, !Ref AWS::Region, x]}",
        ["+a:b | eu-west-1 ?", "+a:b | x ?"],
    ),
    "a comparison of worked out text": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Joined, x, y]}",
        ["+a:b | x ?", "+a:b | y ?"],
    ),
    "a condition that is not declared": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Missing, x, y]}",
        ["+a:b | x ?", "+a:b | y ?"],
    ),
    "nested": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Prod, !If [HasExtra, x, y], z]}",
        ["+a:b | z ?", "+a:b | y ?", "+a:b | x ?"],
    ),
    "allowed values without a Default": (
        "- {Effect: Allow, Action: 'a:b', Resource: !FindInMap [Names, !Ref Stage, n]}",
        ["+a:b | name-a ?", "+a:b | name-b ?"],
    ),
    "a condition key": (
        "- {Effect: Allow, Action: 'a:b', Resource: x, Condition: !If [Prod, {Bool: {k: 'true'}}, !Ref AWS::NoValue]}",
        ["+a:b | x ?", "+a:b | x | Bool k=true ?"],
    ),
    "what the wider branch covers is shared": (
        "- {Effect: Deny, Action: !If [Prod, 's3:*', 'S3:Get*'], Resource: '*'}",
        ["-S3:Get* | *", "-s3:* | * ?"],
    ),
    "what one pattern of each branch covers is shared": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Prod, ['arn:aws:s3:::a*', x], 'arn:aws:s3:::ab/*']}",
        ["+a:b | arn:aws:s3:::ab/*", "+a:b | arn:aws:s3:::a*,x ?"],
    ),
    "a star covers a question mark": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Prod, 'arn:aws:s3:::a?', 'arn:aws:s3:::a*']}",
        ["+a:b | arn:aws:s3:::a?", "+a:b | arn:aws:s3:::a* ?"],
    ),
    "a pattern does not cross the fields of an ARN": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Prod, 'arn:aws:*:b', 'arn:aws:s3:::b']}",
        ["+a:b | arn:aws:*:b ?", "+a:b | arn:aws:s3:::b ?"],
    ),
    "the same in both branches": (
        "- {Effect: Allow, Action: 'a:b', Resource: !If [Prod, x, x]}",
        ["+a:b | x"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_branches(name: str, statements: Callable[..., list[str]]) -> None:
    text, expected = CASES[name]
    assert sorted(statements(text, TOP)) == sorted(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"Env": "prod"}, ["+a:b | x"]), ({"Env": "dev"}, ["+a:b | y"]), ({"Extra": "e"}, ["+a:b | y ?", "+a:b | x ?"])],
    ids=["prod", "dev", "another parameter"],
)
def test_a_stated_parameter_decides(
    given: dict[str, str], expected: list[str], statements: Callable[..., list[str]]
) -> None:
    text = "- {Effect: Allow, Action: 'a:b', Resource: !If [Prod, x, y]}"
    assert statements(text, TOP, parameters=given) == expected


def test_the_reason_names_the_parameter(read: Read) -> None:
    (role,) = read(
        TOP
        + """
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: p
          PolicyDocument: {Statement: [{Effect: Allow, Action: "a:b", Resource: !If [Prod, x, y]}]}
"""
    ).roles
    (reason,) = {s.doubtful for s in role.identity[0].document.statements}
    assert reason == "holds only for some values of `Env`"


ROLE = """
  R:
    Type: AWS::IAM::Role
    Condition: Prod
    Properties:
      Policies:
        - PolicyName: p
          PolicyDocument: {Statement: [{Effect: Allow, Action: "a:b", Resource: !If [Prod, x, y]}]}
        - !If
          - HasExtra
          - {PolicyName: q, PolicyDocument: {Statement: [{Effect: Deny, Action: "c:d", Resource: "*"}]}}
          - !Ref AWS::NoValue
"""


def test_the_condition_of_a_role_holds_inside_it(read: Read) -> None:
    (role,) = read(f"{TOP}Resources:{ROLE}").roles
    assert identity(role) == ["+a:b | x", "-c:d | * ?"]


def test_a_role_that_a_stated_parameter_leaves_out_is_not_there(read: Read) -> None:
    assert read(f"{TOP}Resources:{ROLE}", parameters={"Env": "dev"}).roles == []


def test_a_policy_resource_under_a_condition_is_doubtful(read: Read) -> None:
    (role,) = read(
        TOP
        + """
Resources:
  R: {Type: AWS::IAM::Role, Properties: {}}
  P:
    Type: AWS::IAM::Policy
    Condition: Prod
    Properties:
      PolicyName: p
      Roles: [!Ref R]
      PolicyDocument: {Statement: [{Effect: Deny, Action: "a:b", Resource: "*"}]}
  M:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!If [Prod, !Ref R, !Ref AWS::NoValue]]
      PolicyDocument: {Statement: [{Effect: Deny, Action: "c:d", Resource: "*"}]}
"""
    ).roles
    assert identity(role) == ["-a:b | * ?", "-c:d | * ?"]


def test_a_boundary_that_may_be_absent_is_none(read: Read) -> None:
    (role,) = read(
        TOP
        + """
Resources:
  B: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Statement: []}}}
  R:
    Type: AWS::IAM::Role
    Properties: {PermissionsBoundary: !If [HasExtra, !Ref B, !Ref AWS::NoValue]}
"""
    ).roles
    assert role.boundary is None
    assert [(u.what, u.reason, u.widens) for u in role.unknowns if u.what == "permissions boundary"] == [
        ("permissions boundary", "the permissions boundary holds only for some values of `Extra`", False)
    ]


def test_two_whole_documents(read: Read) -> None:
    (role,) = read(
        TOP
        + """
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        !If
          - Prod
          - {Statement: [{Effect: Allow, Principal: {Service: a.amazonaws.com}, Action: "sts:AssumeRole"}]}
          - {Statement: [{Effect: Allow, Principal: {Service: b.amazonaws.com}, Action: "sts:AssumeRole"}]}
"""
    ).roles
    assert role.trust
    assert sorted(policy_lines(role.trust)) == [
        "+sts:AssumeRole | Service=a.amazonaws.com ?",
        "+sts:AssumeRole | Service=b.amazonaws.com ?",
    ]


def test_a_document_that_a_parameter_holds_is_unknown(read: Read) -> None:
    (role,) = read(
        """
Parameters: {Document: {Type: String}}
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies: [{PolicyName: p, PolicyDocument: !Ref Document}]
"""
    ).roles
    assert identity(role) == ["unknown: `${Document}` is not known yet"]
    assert ("inline policy", "policy `p`: `${Document}` is not known yet") in [
        (u.what, u.reason) for u in role.unknowns
    ]


def test_more_branches_than_are_read_become_unknown_text(statements: Callable[..., list[str]]) -> None:
    names = [f"P{i}" for i in range(8)]
    top = "Parameters:\n" + "".join(f"  {n}: {{Type: String, Default: ''}}\n" for n in names)
    top += "Conditions:\n" + "".join(f"  C{n}: !Equals [!Ref {n}, '']\n" for n in names)
    choices = ", ".join(f"!If [C{n}, 'a:{n}', 'b:{n}']" for n in names)
    found = statements(f"- {{Effect: Allow, Action: [{choices}], Resource: '*'}}", top)
    assert all(line.endswith("?") for line in found)
    assert any("Fn::If" in line for line in found)
    assert len(found) <= 33


ALLOWED = """
Parameters:
  Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  One: {Type: String, Default: x, AllowedValues: [x]}
  Verbs: {Type: CommaDelimitedList, Default: "a:b", AllowedValues: ["a:b", "c:d"]}
  Many: {Type: String, Default: a, AllowedValues: [a, b, c, d, e, f, g, h, i]}
  Free: {Type: String, Default: f}
Mappings: {M: {dev: {n: "a:b", l: [p, q]}, prod: {n: "c:d", l: [p, r]}}}
"""

# A statement, then its lines: the Default of a parameter is one of its allowed values, not the only one.
VALUES = {
    "one allowed value": ("{Effect: Allow, Action: 'a:b', Resource: !Ref One}", ["+a:b | x"]),
    "a Default alone": ("{Effect: Allow, Action: 'a:b', Resource: !Ref Free}", ["+a:b | f"]),
    "the same name of a bucket": (
        "{Effect: Allow, Action: 'a:b', Resource: !GetAtt B.Arn}",
        ["+a:b | arn:aws:s3:::dev"],
    ),
    "FindInMap": (
        "{Effect: Allow, Action: !FindInMap [M, !Ref Env, n], Resource: '*'}",
        ["+a:b | * ?", "+c:d | * ?"],
    ),
    "a list of FindInMap": (
        "{Effect: Allow, Action: 'a:b', Resource: !FindInMap [M, !Ref Env, l]}",
        ["+a:b | p", "+a:b | q ?", "+a:b | r ?"],
    ),
    "Ref": ("{Effect: Allow, Action: 'a:b', Resource: !Ref Env}", ["+a:b | dev ?", "+a:b | prod ?"]),
    "Sub": ("{Effect: Allow, Action: 'a:b', Resource: !Sub 'x-${Env}'}", ["+a:b | x-dev ?", "+a:b | x-prod ?"]),
    "Join": (
        "{Effect: Allow, Action: 'a:b', Resource: !Join [\"\", [x, !Ref Env]]}",
        ["+a:b | xdev ?", "+a:b | xprod ?"],
    ),
    "Select": (
        "{Effect: Allow, Action: 'a:b', Resource: !Select [1, [x, !Ref Env]]}",
        ["+a:b | dev ?", "+a:b | prod ?"],
    ),
    "a list": (
        "{Effect: Allow, Action: !Ref Verbs, Resource: '*'}",
        ["+a:b | * ?", "+c:d | * ?", "+a:b,c:d | * ?"],
    ),
    "more than are tried": ("{Effect: Allow, Action: 'a:b', Resource: !Ref Many}", ["+a:b | ${Many}"]),
    "a Deny on all but one": (
        "{Effect: Deny, Action: 'a:b', NotResource: !Ref Env}",
        ["-a:b | !dev,prod", "-a:b | !dev ?", "-a:b | !prod ?"],
    ),
    "a Deny unless a tag has the value": (
        "{Effect: Deny, Action: 'a:b', Resource: '*', Condition: {StringNotEquals: {k: !Ref Env}}}",
        [
            "-a:b | * | StringNotEquals k=dev,prod",
            "-a:b | * | StringNotEquals k=dev ?",
            "-a:b | * | StringNotEquals k=prod ?",
        ],
    ),
    "a Deny unless every tag key is one": (
        "{Effect: Deny, Action: 'a:b', Resource: '*', Condition: {'ForAnyValue:StringNotEquals': {k: [s, !Ref Env]}}}",
        [
            "-a:b | * | ForAnyValue:StringNotEquals k=s,dev,prod",
            "-a:b | * | ForAnyValue:StringNotEquals k=s,dev ?",
            "-a:b | * | ForAnyValue:StringNotEquals k=s,prod ?",
        ],
    ),
    "a grant by one of several values": (
        "{Effect: Allow, Action: 'a:b', Resource: '*', Condition: {StringEquals: {k: [s, !Ref Env]}}}",
        ["+a:b | * | StringEquals k=s", "+a:b | * | StringEquals k=s,dev ?", "+a:b | * | StringEquals k=s,prod ?"],
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_every_allowed_value_is_possible(name: str, read: Read) -> None:
    text, expected = VALUES[name]
    bucket = "  B: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Env}}\n"
    (role,) = read(
        f"{ALLOWED}Resources:\n{bucket}{ROLE_OF.format('[{PolicyName: p, PolicyDocument: {Statement: ' + text + '}}]')}"
    ).roles
    assert sorted(identity(role)) == sorted(expected)


ROLE_OF = "  R:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: !Sub 'app-${{Env}}'\n      Policies: {}\n"
GRANT = "{Statement: {Effect: Allow, Action: 'a:b', Resource: '*'}}"


@pytest.mark.parametrize("top", [ALLOWED, ALLOWED.replace("Default: dev, ", "")], ids=["Default", "no Default"])
def test_names_by_a_parameter_agree(top: str, read: Read) -> None:
    (role,) = read(
        f"""{top}
Resources:
{ROLE_OF.format("[]")}
      PermissionsBoundary: !Sub "arn:aws:iam::${{AWS::AccountId}}:policy/p-${{Env}}"
      ManagedPolicyArns: [!Sub "arn:aws:iam::${{AWS::AccountId}}:policy/p-${{Env}}"]
  M: {{Type: AWS::IAM::ManagedPolicy, Properties: {{ManagedPolicyName: !Sub "p-${{Env}}", PolicyDocument: {GRANT}}}}}
  P:
    Type: AWS::IAM::Policy
    Properties: {{PolicyName: q, Roles: [!Sub "app-${{Env}}"], PolicyDocument: {GRANT}}}
"""
    ).roles
    assert (identity(role), len(role.unknowns)) == (["+a:b | *", "+a:b | *"], 1)
    assert role.boundary is not None
    assert policy_lines(role.boundary) == ["+a:b | *"]


def test_text_of_a_policy_has_every_allowed_value(read: Read) -> None:
    statement = '{"Effect":"Allow","Action":"%s","Resource":"*"}'
    text = '{{"Statement":[{},{}]}}'.format(statement % "a:b", statement % "s:${Env}")
    (role,) = read(
        f"{ALLOWED}Resources:\n{ROLE_OF.format('[{PolicyName: p, PolicyDocument: !Sub ' + repr(text) + '}]')}"
    ).roles
    assert identity(role) == ["+a:b | *", "+s:dev | * ?", "+s:prod | * ?"]
