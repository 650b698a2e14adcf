"""Templates inside templates: stack sets with their text, and nested stacks in files beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolelint.errors import Problem
from rolelint.findings.model import Report
from rolelint.lint import Request, load_roles
from rolelint.policies.role import Reading

from .cfn_lines import Read, identity

ROLE = "{Type: AWS::IAM::Role, Properties: {Policies: [{PolicyName: p, PolicyDocument: {Statement: [%s]}}]}}"
CHILD = f"""Parameters:
  Verb: {{Type: String, Default: "a:harmless"}}
  Where: {{Type: String}}
Resources:
  R: {ROLE % "{Effect: Allow, Action: !Ref Verb, Resource: !Ref Where}"}
"""


def said(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.kind, problem.message) for problem in problems]


def stack_set(read: Read, body: str, rest: str = "") -> Reading:
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return read(
        f"Resources:\n  S:\n    Type: AWS::CloudFormation::StackSet\n    Properties:\n{rest}"
        f"      TemplateBody: |\n{lines}"
    )


def test_the_text_of_a_stack_set_is_read(read: Read) -> None:
    reading = stack_set(
        read,
        CHILD,
        "      Parameters: [{ParameterKey: Where, ParameterValue: x}]\n"
        "      StackInstancesGroup: [{ParameterOverrides: [{ParameterKey: Where, ParameterValue: y}]}]\n",
    )
    (role,) = reading.roles
    assert identity(role) == ["+a:harmless | x ?", "+a:harmless | y ?"]
    assert (role.location.address, role.location.line, role.account) == ("S/R", 7, "")
    assert role.identity[0].locate(("Statement", 0)).line == 7


@pytest.mark.parametrize(
    "body", ["no template", "[", "Resources: {R: {Type: AWS::S3::Bucket}, R: {Type: AWS::S3::Bucket}}"]
)
def test_text_that_cannot_be_read_is_unknown(body: str, read: Read) -> None:
    (problem,) = stack_set(read, body).problems
    assert problem.kind == "unknown"
    assert problem.message.startswith("the template that `S` deploys cannot be read")
    assert problem.location.line == 5


PARENT = """
Parameters:
  Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}
Conditions: {Prod: !Equals [!Ref Env, prod]}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: ./child.yaml, Parameters: {Where: x%s}}
"""


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ["+a:harmless | x"]),
        (", Verb: 'a:b'", ["+a:b | x"]),
        (", Verb: !If [Prod, 'a:b', 'c:d']", ["+a:b | x ?", "+c:d | x ?"]),
        (", Verb: !GetAtt Other.Outputs.Verb", ["+${Other.Outputs.Verb} | x"]),
    ],
    ids=["its Default", "a value", "one of two", "not known"],
)
def test_a_nested_stack_takes_what_its_parent_gives(more: str, expected: list[str], tmp_path: Path, read: Read) -> None:
    (tmp_path / "child.yaml").write_text(CHILD)
    (role,) = read(PARENT % more, base=tmp_path, parameters={"AWS::AccountId": "111122223333"}).roles
    assert sorted(identity(role)) == expected
    assert (role.location.address, role.account) == ("Child/R", "111122223333")


def test_an_application_of_sam_is_read_from_its_location(tmp_path: Path, read: Read) -> None:
    (tmp_path / "child.yaml").write_text(CHILD)
    template = """Transform: AWS::Serverless-2016-10-31
Resources:
  Near: {Type: AWS::Serverless::Application, Properties: {Location: child.yaml, Parameters: {Where: x}}}
  Far: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: a, SemanticVersion: 1.0.0}}}
"""
    reading = read(template, base=tmp_path)
    assert [(role.location.address, identity(role)) for role in reading.roles] == [("Near/R", ["+a:harmless | x"])]
    (problem,) = reading.problems
    assert "which `Far` deploys, is not here" in problem.message


def test_a_file_that_is_read_by_its_parent_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "child.yaml").write_text(CHILD)
    (tmp_path / "parent.yaml").write_text(PARENT % ", Verb: 'a:b'")
    report = Report()
    roles = load_roles(Request((str(tmp_path),)), report)
    assert [identity(role) for role in roles] == [["+a:b | x"]]
    named = load_roles(Request((str(tmp_path / "parent.yaml"), str(tmp_path / "child.yaml"))), report)
    assert [identity(role)[0] for role in named] == ["+a:b | x", "+a:harmless | ${Where}"]
    assert not report.errors


def test_the_stack_of_a_cdk_assembly_is_its_asset(tmp_path: Path, read: Read) -> None:
    (tmp_path / "child.json").write_text('{"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {}}}}')
    reading = read(
        """Resources:
  N:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: !Sub "https://s3.${AWS::Region}.amazonaws.com/b/k.json"}
    Metadata: {"aws:asset:path": child.json}
""",
        base=tmp_path,
    )
    assert [role.location.address for role in reading.roles] == ["N/R"]
    assert not reading.problems


def test_a_template_that_deploys_itself_is_read_once(tmp_path: Path, read: Read) -> None:
    text = f"Resources:\n  R: {ROLE % ''}\n" + GONE.replace("https://s3.amazonaws.com/b/", "")
    (tmp_path / "t.yaml").write_text(text)
    assert len(read(text, base=tmp_path).roles) == 1


GONE = "  S: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://s3.amazonaws.com/b/t.yaml'}}\n"


@pytest.mark.parametrize(
    ("rest", "kind"), [(f"  R: {ROLE % ''}\n", "warning"), ("", "unknown")], ids=["a role", "nothing"]
)
def test_a_template_that_is_not_here_is_said(rest: str, kind: str, read: Read) -> None:
    reading = read(f"Resources:\n{rest}{GONE}")
    message = "`https://s3.amazonaws.com/b/t.yaml`, which `S` deploys, is not here, so its roles are not read"
    assert said(reading.problems) == [(kind, message)]


def test_a_module_of_the_registry_is_not_here(read: Read) -> None:
    reading = read(f"Resources:\n  R: {ROLE % ''}\n  M: {{Type: 'Our::Data::Store::MODULE'}}\n")
    message = "the module `Our::Data::Store::MODULE`, which `M` deploys, is not here, so its roles are not read"
    assert said(reading.problems) == [("warning", message)]


def test_a_file_that_is_no_template_is_not_the_template(tmp_path: Path, read: Read) -> None:
    (tmp_path / "notes.yaml").write_text("some: text")
    text = f"Resources:\n{GONE}".replace("https://s3.amazonaws.com/b/t.yaml", "notes.yaml")
    assert [problem.kind for problem in read(text, base=tmp_path).problems] == ["unknown"]


def test_many_deployments_end(tmp_path: Path, read: Read) -> None:
    for level in range(5):
        stacks = "".join(f"  {GONE.strip().replace('S:', f'S{i}:', 1)}\n" for i in range(8))
        text = f"Resources:\n{stacks}".replace("https://s3.amazonaws.com/b/t.yaml", f"{level + 1}.yaml")
        (tmp_path / f"{level}.yaml").write_text(text)
    (tmp_path / "5.yaml").write_text(f"Resources:\n  R: {ROLE % ''}\n")
    reading = read((tmp_path / "0.yaml").read_text(), "0.yaml", base=tmp_path)
    assert 0 < len(reading.roles) <= 500
    assert reading.problems


STORE = """Parameters: {Env: {Type: String, Default: dev}}
Resources:
  B: {Type: AWS::S3::Bucket}
  Wipe:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Statement: [{Effect: Allow, Action: "s3:Delete*", Resource: !Sub "${B.Arn}/*"}]}}
Outputs:
  Arn: {Value: !GetAtt B.Arn}
  Named: {Value: !Sub "${Env}-${AWS::AccountId}"}
  Wipe: {Value: !Ref Wipe}
  Loop: {Value: !GetAtt Inner.Outputs.Loop}
"""
USES = """Parameters: {Env: {Type: String}}
Resources:
  Store:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: store.yaml, Parameters: {Env: !Ref Env}}
"""


@pytest.mark.parametrize(
    ("value", "resource"),
    [
        ("!GetAtt Store.Outputs.Arn", "arn:aws:s3:::${Store.B}"),
        ("!GetAtt [Store, Outputs.Arn]", "arn:aws:s3:::${Store.B}"),
        ("!Sub '${Store.Outputs.Arn}/x'", "arn:aws:s3:::${Store.B}/x"),
        ("!GetAtt Store.Outputs.Named", "${Env}-123456789012"),
        ("!GetAtt Store.Outputs.Gone", "${Store.Outputs.Gone}"),
        ("!GetAtt Store.Outputs.Loop", "${Store.Inner.Outputs.Loop}"),
    ],
)
def test_an_output_of_a_nested_stack_is_known(value: str, resource: str, tmp_path: Path, read: Read) -> None:
    (tmp_path / "store.yaml").write_text(STORE)
    role = ROLE % f'{{Effect: Allow, Action: "s3:DeleteBucket", Resource: {value}}}'
    (found,) = (r for r in read(f"{USES}  R: {role}\n", base=tmp_path).roles if r.kind == "role")
    assert identity(found) == [f"+s3:DeleteBucket | {resource}"]


HOLDS = """  R: {Type: AWS::IAM::Role, Properties: {ManagedPolicyArns: [!GetAtt Store.Outputs.Wipe]}}
"""
GIVES = """  Roles:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: roles.yaml, Parameters: {Arn: !GetAtt Store.Outputs.Wipe}}
"""
TAKES = """Parameters: {Arn: {Type: String}}
Resources:
  R: {Type: AWS::IAM::Role, Properties: {%s}}
"""


@pytest.mark.parametrize(
    ("rest", "taken"),
    [(HOLDS, ""), (GIVES, "ManagedPolicyArns: [!Ref Arn]"), (GIVES, "PermissionsBoundary: !Ref Arn")],
    ids=["by its parent", "by another stack", "as a boundary"],
)
def test_a_managed_policy_of_a_nested_stack_is_held(rest: str, taken: str, tmp_path: Path, read: Read) -> None:
    (tmp_path / "store.yaml").write_text(STORE)
    (tmp_path / "roles.yaml").write_text(TAKES % taken)
    (role,) = read(f"{USES}{rest}", base=tmp_path).roles
    (policy,) = (role.boundary,) if "Boundary" in taken else role.identity
    assert policy is not None
    assert [s.actions for s in policy.document.statements] == [("s3:Delete*",)]
    assert policy.locate(()).file == str(tmp_path / "store.yaml")
    assert [u.what for u in role.unknowns] == ["trust policy"]


def test_nested_stacks_that_need_each_other_end(tmp_path: Path, read: Read) -> None:
    (tmp_path / "child.yaml").write_text(CHILD + "Outputs: {Where: {Value: !Ref Where}}\n")
    stack = "  %s: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: child.yaml, Parameters: {Where: %s}}}\n"
    text = stack % ("A", "!GetAtt B.Outputs.Where") + stack % ("B", "!GetAtt A.Outputs.Where")
    assert len(read(f"Resources:\n{text}", base=tmp_path).roles) == 2


def test_what_is_wrong_with_a_nested_template_is_said_once(tmp_path: Path, read: Read) -> None:
    (tmp_path / "store.yaml").write_text("Resources: [")
    role = ROLE % "{Effect: Allow, Action: 'a:b', Resource: !GetAtt Store.Outputs.Arn}"
    reading = read(f"{USES}  R: {role}\n", base=tmp_path)
    assert [(p.kind, p.location.file) for p in reading.problems] == [("error", str(tmp_path / "store.yaml"))]


DEFAULTS = f"""Parameters:
  Env: {{Type: String, Default: dev, AllowedValues: [dev, prod]}}
Conditions: {{Prod: !Equals [!Ref Env, prod]}}
Resources:
  R: {ROLE % "{Effect: Allow, Action: !If [Prod, 'a:prod', 'a:dev'], Resource: x}"}
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{}", ["+a:dev | x"]),
        ("{Env: prod}", ["+a:prod | x"]),
        ("{'Fn::Transform': {Name: M}}", ["+a:dev | x ?", "+a:prod | x ?"]),
    ],
)
def test_what_a_parent_does_not_give_has_its_default(
    given: str, expected: list[str], tmp_path: Path, read: Read
) -> None:
    (tmp_path / "child.yaml").write_text(DEFAULTS)
    properties = f"{{TemplateURL: child.yaml, Parameters: {given}}}"
    stack = f"Resources: {{S: {{Type: AWS::CloudFormation::Stack, Properties: {properties}}}}}\n"
    (role,) = read(stack, base=tmp_path).roles
    assert sorted(identity(role)) == expected


NAMES = """Parameters: {Name: {Type: String}}
Resources:
  Own: {Type: AWS::IAM::Role, Properties: {}}
  P:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: p
      Roles: [!Ref Name]
      PolicyDocument: {Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}
"""


@pytest.mark.parametrize(
    ("role", "named", "held"),
    [
        ("Own: {Type: AWS::IAM::Role, Properties: {}}", "!Ref Own", ["Own: ", "Own: p"]),
        ("A: {Type: AWS::IAM::Role, Properties: {RoleName: a}}", "!Ref A", ["Own: ", "a: p"]),
        ("A: {Type: AWS::IAM::Role, Properties: {RoleName: a}}", "a", ["Own: ", "a: p"]),
        ("A: {Type: AWS::IAM::Role, Properties: {}}", '!Select [1, !Split ["/", !GetAtt A.Arn]]', ["Own: ", "A: p"]),
        ("A: {Type: AWS::IAM::Role, Properties: {}}", "other", ["Own: ", "p: p", "A: "]),
        ("Name: {Type: AWS::IAM::Role, Properties: {}}", '!ImportValue "x"', ["Own: ", "p: p", "Name: "]),
    ],
    ids=["of the same logical id", "by reference", "by name", "by its ARN", "another", "a parameter's name"],
)
def test_a_policy_of_a_nested_stack_hangs_on_a_role_of_its_parent(
    role: str, named: str, held: list[str], tmp_path: Path, read: Read
) -> None:
    (tmp_path / "names.yaml").write_text(NAMES)
    stack = (
        f"{{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: names.yaml, Parameters: {{Name: {named}}}}}}}"
    )
    found = read(f"Resources:\n  {role}\n  N: {stack}\n", base=tmp_path).roles
    assert [f"{r.name}: {', '.join(p.name for p in r.identity)}" for r in found] == held


def test_a_policy_of_a_nested_stack_that_may_not_be_there_is_doubtful(tmp_path: Path, read: Read) -> None:
    (tmp_path / "names.yaml").write_text(NAMES.replace("Allow", "Deny").replace('"s3:*"', "!Ref Name"))
    text = """
Parameters: {On: {Type: String}}
Conditions: {C: !Equals [!Ref On, x]}
Resources:
  A: {Type: AWS::IAM::Role, Properties: {}}
  N:
    Type: AWS::CloudFormation::Stack
    Condition: C
    Properties: {TemplateURL: names.yaml, Parameters: {Name: !Ref A}}
"""
    *_, found = read(text, base=tmp_path).roles
    (policy,) = found.identity
    assert policy.document.statements[0].doubtful == "holds only for some values of `On`"
    assert [u.what for u in found.unknowns] == ["inline policy", "trust policy"]
