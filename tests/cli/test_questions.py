"""`can`, `diff` and `evaluate`, run as a user runs them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from rolelint.catalog import use
from rolelint.cli import run
from rolelint.cli.asking import parse_context
from tests.cli.files import WIDE, policy, write


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    """Give a role with a delete behind MFA, one behind an approval, one off the tool channel, and one named table."""
    statements = [
        {
            "Sid": "Mfa",
            "Effect": "Allow",
            "Action": "rds:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        },
        {
            "Sid": "Approved",
            "Effect": "Allow",
            "Action": "s3:DeleteBucket",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/approved": "true"}},
        },
        {"Sid": "Instances", "Effect": "Allow", "Action": "ec2:TerminateInstances", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "ec2:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:ViaAWSMCPService": "true"}},
        },
        {
            "Sid": "DevTables",
            "Effect": "Allow",
            "Action": "dynamodb:DeleteTable",
            "Resource": "arn:aws:dynamodb:*:*:table/dev-*",
        },
    ]
    data = {
        "role": {"name": "deploy", "arn": "arn:aws:iam::123456789012:role/deploy"},
        "inline": {"work": policy(*statements)},
    }
    return write(tmp_path, "bundle.json", data)


@pytest.mark.parametrize(
    ("actor", "action", "answer"),
    [
        ("automation", "rds:DeleteDBInstance", "NO"),
        ("human", "rds:DeleteDBInstance", "YES"),
        ("mcp", "rds:DeleteDBInstance", "NO"),
        ("any", "rds:DeleteDBInstance", "YES"),
        ("automation", "s3:DeleteBucket", "NO"),
        ("human", "s3:DeleteBucket", "YES"),
        ("automation", "ec2:TerminateInstances", "YES"),
        ("mcp", "ec2:TerminateInstances", "NO"),
        ("automation", "sqs:Purge*", "NO"),
    ],
)
def test_an_answer_depends_on_the_actor(
    bundle: str, capsys: pytest.CaptureFixture[str], actor: str, action: str, answer: str
) -> None:
    code = run(["can", bundle, "--action", action, "--actor", actor, "--format", "json"])
    said = json.loads(capsys.readouterr().out)
    assert said["answer"] == answer
    assert code == {"NO": 0, "YES": 1}[answer]
    assert (said["witness"] is not None) is (answer == "YES")


def test_a_yes_names_request_and_statement(bundle: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["can", bundle, "--action", "dynamodb:Delete*", "--role", "deploy"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("YES: deploy can do one or more of dynamodb:Delete*")
    assert "table/dev-" in out
    assert "work/DevTables" in out


def test_the_request_is_for_an_object_before_one_of_an_access_point(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"}
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "utf-8")
    assert run(["can", str(path), "--action", "s3:DeleteObject"]) == 1
    assert "s3:DeleteObject on arn:aws:s3:::example/example" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("action", "hint"),
    [
        ("dynamodb:DeleteTabel", "did you mean `dynamodb:DeleteTable`?"),
        ("PurgeQueue", "did you mean `sqs:PurgeQueue`?"),
        ("Purge", "an action is written `service:Action`"),
        ("dynamo:DeleteTable", "there is no prefix `dynamo`; did you mean `dynamodb`?"),
        ("dynamodb:Zap*", "`rolelint catalog find --service PREFIX`"),
    ],
)
def test_an_action_that_there_is_not_is_told_with_what_may_be_meant(
    bundle: str, capsys: pytest.CaptureFixture[str], action: str, hint: str
) -> None:
    assert run(["can", bundle, "--action", action]) == 2
    assert f"no known action matches `{action}`. {hint}" in capsys.readouterr().err


@pytest.mark.parametrize(("table", "code"), [("dev-1", 1), ("prod-1", 0)])
def test_a_resource_can_be_asked_for(bundle: str, table: str, code: int) -> None:
    arn = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{table}"
    assert run(["can", bundle, "--action", "dynamodb:DeleteTable", "--resource", arn]) == code


@pytest.mark.parametrize("resource", ["*", "arn:aws:rds:eu-west-1:123456789012:db:orders"])
def test_a_resource_that_the_action_does_not_take_is_told(
    bundle: str, capsys: pytest.CaptureFixture[str], resource: str
) -> None:
    assert run(["can", bundle, "--action", "dynamodb:DeleteTable", "--resource", resource]) == 0
    assert f"no request for dynamodb:DeleteTable names `{resource}`: it takes arn:" in capsys.readouterr().out


def test_context_can_be_given(bundle: str) -> None:
    question = ["can", bundle, "--action", "rds:DeleteDBInstance"]
    assert run(question) == 0
    assert run([*question, "--context", "aws:MultiFactorAuthPresent=true"]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--action", "rds:Nothing*"], "no known action matches"),
        (["--action", "rds:*", "--role", "other"], "no role `other`"),
        (["--action", "rds:*", "--actor", "nobody"], "unknown actor"),
        (["--action", "rds:*", "--context", "novalue"], "key=value"),
        (["--action", "rds:*", "--resource", "orders"], "is not an ARN"),
    ],
)
def test_a_question_that_makes_no_sense(
    bundle: str, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert run(["can", bundle, *options]) == 2
    assert message in capsys.readouterr().err


def test_guardrails_of_the_user_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wide = write(tmp_path, "policy.json", policy(WIDE))
    scp = write(tmp_path, "scp.json", policy(WIDE, {"Effect": "Deny", "Action": "rds:*", "Resource": "*"}))
    boundary = write(tmp_path, "boundary.json", policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    assert run(["can", wide, "--action", "rds:Delete*"]) == 1
    assert run(["can", wide, "--action", "rds:Delete*", "--scp", scp]) == 0
    assert run(["can", wide, "--action", "dynamodb:Delete*", "--boundary", boundary]) == 0
    assert run(["can", wide, "--action", "s3:Delete*", "--boundary", boundary]) == 1


def test_a_difference_names_what_is_gained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = write(tmp_path, "old.json", policy({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}))
    new = write(
        tmp_path,
        "new.json",
        policy(
            {"Effect": "Allow", "Action": ["s3:Get*", "s3:ListBucket"], "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::app"},
        ),
    )
    assert run(["diff", old, new, "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    gained = {a for g in said["roles"][0]["gains"] for a in g["actions"]}
    assert gained == {"s3:ListBucket", "s3:DeleteBucket"}
    assert run(["diff", old, new, "--destructive-only", "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [g["actions"] for g in said["roles"][0]["gains"]] == [["s3:DeleteBucket"]]
    assert said["roles"][0]["gains"][0]["witness"]["resource"] == "arn:aws:s3:::app"
    assert run(["diff", new, old]) == 0


def test_the_same_policy_written_otherwise_gains_nothing(tmp_path: Path) -> None:
    one = write(tmp_path, "one.json", policy({"Effect": "Allow", "Action": ["s3:Get*", "s3:Put*"], "Resource": "*"}))
    other = write(
        tmp_path,
        "other.json",
        policy(
            {"Sid": "B", "Effect": "Allow", "Action": "s3:Put*", "Resource": ["*"]},
            {"Sid": "A", "Effect": "Allow", "Action": "s3:Get*", "Resource": ["*", "arn:aws:s3:::x"]},
        ),
    )
    assert run(["diff", one, other]) == 0
    assert run(["diff", other, one]) == 0


def test_roles_that_one_module_makes_for_several_configurations_are_compared_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    user = 'variable "action" {}\nresource "aws_iam_user" "u" {}\nresource "aws_iam_user_policy" "p" {\n'
    user += "  user = aws_iam_user.u.name\n"
    user += '  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = var.action, Resource = "*" }] })\n}\n'
    for side, more in (("old", "rds:DeleteDBCluster"), ("new", "rds:*")):
        for name, action in (("user", ""), ("a", more), ("b", "s3:*")):
            (tmp_path / side / name).mkdir(parents=True)
            call = f'module "m" {{\n  source = "../user"\n  action = "{action}"\n}}\n'
            (tmp_path / side / name / "main.tf").write_text(call if action else user)
    old, new = (str(tmp_path / side) for side in ("old", "new"))
    assert run(["diff", old, old]) == 0
    capsys.readouterr()
    assert run(["diff", old, new, "-f", "json"]) == 1
    gained = [[a for g in r["gains"] for a in g["actions"]] for r in json.loads(capsys.readouterr().out)["roles"]]
    assert ["rds:DeleteDBInstance" in actions for actions in gained] == [True, False]


def test_roles_of_one_name_in_several_files_are_compared_by_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = {"old/a": "rds:DeleteDBCluster", "old/b": "s3:DeleteBucket", "new/a": "rds:DeleteDBCluster"}
    for folder, action in {**written, "new/b": "s3:*"}.items():
        (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / folder, "deploy.json", policy({"Effect": "Allow", "Action": action, "Resource": "*"}))
    assert run(["diff", str(tmp_path / "old"), str(tmp_path / "new"), "--destructive-only", "-f", "json"]) == 1
    gained = [[a for g in r["gains"] for a in g["actions"]] for r in json.loads(capsys.readouterr().out)["roles"]]
    assert gained[0] == []
    assert "s3:DeleteBucketPolicy" in gained[1]
    assert "s3:DeleteBucket" not in gained[1]


def _stack(*roles: str, action: str = "dynamodb:DeleteTable") -> dict[str, Any]:
    """Write a template of roles that may do one thing; `Admin` may do everything."""
    resources = {
        name: {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": policy(),
                "Policies": [
                    {
                        "PolicyName": "p",
                        "PolicyDocument": policy({**WIDE, "Action": "*" if name == "Admin" else action}),
                    }
                ],
            },
        }
        for name in roles
    }
    return {"Resources": resources}


def test_a_new_role_is_no_version_of_the_only_old_one(tmp_path: Path) -> None:
    old = write(tmp_path, "old.json", _stack("Admin"))
    new = write(tmp_path, "new.json", _stack("Admin", "Fresh"))
    assert run(["diff", old, new]) == 1
    assert run(["diff", old, new, "--role", "Fresh"]) == 1
    assert run(["diff", old, new, "--role", "Admin"]) == 0


def test_a_copy_of_a_stack_in_another_file_gains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "a.json", _stack("App", action="s3:*"))
    write(tmp_path / "new", "b.json", _stack("App", action="s3:DeleteBucket"))
    assert run(["diff", str(tmp_path / "old"), str(tmp_path / "new"), "-f", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)["roles"]
    assert [[a for g in row["gains"] for a in g["actions"]] for row in rows] == [[], ["s3:DeleteBucket"]]


def test_a_context_key_that_no_request_has_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    role = write(tmp_path, "p.json", policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    keys = ("aws:SorceIp=192.0.2.1", "aws:ResourceTag/a=b", "issuer.example:sub=x", "AWS:SourceIp=192.0.2.1")
    assert run(["can", role, "--action", "s3:DeleteBucket", *(f"--context={key}" for key in keys)]) == 1
    assert capsys.readouterr().err == "rolelint: unknown condition key `aws:SorceIp`\n"


@pytest.mark.parametrize(
    ("action", "pattern", "code", "resource"),
    [
        ("rds:DeleteDBInstance", "arn:aws:rds:*:*:db:y*", 0, ""),
        ("rds:DeleteDBInstance", "arn:aws:rds:us-*:*:db:*", 0, ""),
        ("s3:DeleteObject", "arn:aws:s3:::b/*", 0, ""),
        ("s3:DeleteObject", "arn:aws:s3:::a/kept/*", 0, ""),
        ("rds:DeleteDBInstance", "arn:aws:rds:*:*:db:*", 1, "arn:aws:rds:eu-west-1:123456789012:db:x"),
        ("s3:DeleteBucket", "arn:aws:s3:::?", 1, "arn:aws:s3:::a"),
        ("s3:DeleteObject", "arn:aws:s3:::?/x", 1, "arn:aws:s3:::a/x"),
        ("logs:DeleteLogGroup", "arn:aws:logs:*:*:log-group:/a*", 1, "log-group:/a/b:*"),
        ("ec2:AttachVolume", "arn:aws:ec2:*:*:volume/vol-1*", 4, ""),
    ],
)
def test_a_resource_may_be_a_pattern(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str, pattern: str, code: int, resource: str
) -> None:
    allowed = {
        "rds:*": "arn:aws:rds:eu-west-1:123456789012:db:x",
        "s3:DeleteBucket": "arn:aws:s3:::a",
        "s3:DeleteObject": "arn:aws:s3:::a/*",
        "logs:*": "arn:aws:logs:eu-west-1:123456789012:log-group:/a/b:*",
        "ec2:AttachVolume": "arn:aws:ec2:*:123456789012:*",
    }
    statements = [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in allowed.items()]
    statements.append({"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::a/kept/*"})
    role = write(tmp_path, "p.json", policy(*statements))
    asked = ["can", role, "--action", action, "--resource", pattern, "-f", "json"]
    assert run(asked) == code
    witness = json.loads(capsys.readouterr().out)["witness"]
    assert (witness or {"resource": ""})["resource"].endswith(resource)


def _case(expected: str | None, action: str = "s3:GetObject") -> dict[str, Any]:
    case: dict[str, Any] = {
        "id": "read",
        "policies": {"identity": [policy({"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"})]},
        "request": {
            "principal": {"type": "user", "arn": "arn:aws:iam::123456789012:user/a", "account": "123456789012"},
            "action": action,
            "resource": "arn:aws:s3:::b/k",
            "resource_account": "123456789012",
            "context": {},
        },
    }
    if expected:
        case["expected"] = expected
    return case


@pytest.mark.parametrize(
    ("case", "code", "decision"),
    [
        (_case("allow"), 0, "allow"),
        (_case("deny"), 1, "allow"),
        (_case(None), 0, "allow"),
        (_case("implicit_deny", "s3:PutObject"), 0, "implicit_deny"),
    ],
    ids=["as expected", "not as expected", "nothing expected", "implicit"],
)
def test_cases_are_evaluated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: dict[str, Any], code: int, decision: str
) -> None:
    path = write(tmp_path, "cases.json", [case])
    assert run(["evaluate", path, "--format", "json"]) == code
    (row,) = json.loads(capsys.readouterr().out)
    assert row["id"] == "read"
    assert row["decision"] == decision
    assert row["expected"] == case.get("expected")
    assert row["statement"] == ("identity[0]/Read" if decision == "allow" else None)


@pytest.mark.parametrize(
    ("action", "context", "told"),
    [
        ("s3:PutObject", {"aws:SourceIp": "192.0.2.1", "aws:ResourceTag/a": "b", "issuer.example:sub": "x"}, []),
        ("s3:PutObjekt", {}, ["request: no known action is called `s3:PutObjekt`; did you mean `s3:PutObject`?"]),
        ("s3:Put*", {}, ["request: no known action is called `s3:Put*`"]),
        ("s3:PutObject", {"aws:SorceIp": "192.0.2.1"}, ["request: unknown condition key `aws:sorceip`"]),
    ],
    ids=["all known", "misspelt action", "a pattern", "misspelt key"],
)
def test_a_case_about_what_no_request_has_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str, context: dict[str, str], told: list[str]
) -> None:
    case = _case("implicit_deny", action)
    case["request"]["context"] = context
    assert run(["evaluate", write(tmp_path, "cases.json", [case]), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["problems"] == told


def test_the_hint_for_an_action_that_many_cases_misspell_is_looked_for_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("rolelint.cli.asking.nearest", lambda name, known: asked.append(name) or "")
    cases = [_case("implicit_deny", "s3:PutObjektt")] * 5
    assert run(["evaluate", write(tmp_path, "cases.json", cases), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["problems"] for row in rows] == [["request: no known action is called `s3:PutObjektt`"]] * 5
    assert asked == ["putobjektt"]


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ({"id": 1}, ":1:2: the case has no `request`"),
        ({**_case(None), "polices": {}}, "perhaps `policies`. see"),
        ({**_case("perhaps")}, "`expected` must be one of"),
    ],
    ids=["no request", "misspelt key", "no such decision"],
)
def test_a_broken_case_has_a_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: dict[str, Any], place: str
) -> None:
    assert run(["evaluate", write(tmp_path, "cases.json", [broken])]) == 2
    assert place in capsys.readouterr().err


def test_every_malformed_case_is_told_and_the_others_are_decided(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [_case("allow"), {"id": 1}, 7, {**_case("deny"), "id": "last"}]
    assert run(["evaluate", write(tmp_path, "cases.json", cases)]) == 2
    told = capsys.readouterr()
    assert [line.split(": ")[1] for line in told.err.splitlines()] == [
        "the case has no `request`. see cases.schema.json",
        "a case must be an object. see cases.schema.json",
    ]
    assert [line[:12] for line in told.out.splitlines()] == ["ok   read: a", "FAIL last: a", "2 cases, 1 n"]
    assert told.out.endswith(", 2 malformed\n")


@pytest.mark.parametrize(("name", "message"), [("", "this is a folder"), ("none.json", "no such file")])
def test_cases_that_are_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, message: str) -> None:
    assert run(["evaluate", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.endswith(f": {message}\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_cases_from_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_text(json.dumps([_case("allow")])))
    writer.start()
    assert run(["evaluate", str(pipe)]) == 0
    writer.join()


def test_the_published_schema_accepts_the_project_s_own_cases() -> None:
    import jsonschema

    root = Path(__file__).resolve().parents[2]
    schema = json.loads((root / "rolelint" / "engine" / "cases.schema.json").read_text("utf-8"))
    cases = json.loads((root / "tests" / "spec" / "semantics.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(cases)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate([{"id": 1}])


@pytest.mark.parametrize("command", [("can", "--action", "s3:*"), ("diff",)], ids=lambda words: words[0])
def test_a_type_of_policy_that_does_not_exist_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    wide = write(tmp_path, "p.json", policy(WIDE))
    name, *more = command
    assert run([name, *[wide] * (2 if name == "diff" else 1), *more, "--type", "foo"]) == 2
    assert "'foo' is not one of 'identity'" in capsys.readouterr().err


TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Parameters: {Stage: {Type: String}}
Resources:
  Tool:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "${Stage}-tool"
      AssumeRolePolicyDocument: {Statement: []}
      Policies:
        - PolicyName: own
          PolicyDocument:
            Statement: {Effect: Allow, Action: "rds:Delete*", Resource: !Sub "arn:aws:rds:*:*:db:${Stage}-*"}
"""


UNROLLED = """
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList}}
Resources:
  Reader:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: []}
      Policies: [{PolicyName: p, PolicyDocument: {Statement: {Effect: Allow, Action: "s3:Get*", Resource: "*"}}}]
  Fn::ForEach::Topics:
    - Name
    - !Ref Names
    - "Admin${Name}":
        Type: AWS::IAM::Policy
        Properties:
          PolicyName: admin
          Roles: [!Ref Reader]
          PolicyDocument: {Statement: {Effect: Allow, Action: "*", Resource: "*"}}
"""


def test_a_context_key_is_the_same_in_any_case() -> None:
    given = ("aws:TagKeys=a", "AWS:tagkeys=b", "aws:SourceIp=")
    assert parse_context(given) == {"aws:TagKeys": ["a", "b"], "aws:SourceIp": []}


def test_what_is_not_read_of_an_input_is_no_no(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        write(folder, "reader.json", policy({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}))
    asked = ["--action", "s3:DeleteBucket", "--role", "reader"]
    assert (run(["can", str(new), *asked]), run(["diff", str(old), str(new)])) == (0, 0)

    (new / "chart.json").write_text('{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": {{ x }}}]}')
    capsys.readouterr()
    assert run(["can", str(new), *asked, "-f", "json"]) == 4
    said = json.loads(capsys.readouterr().out)
    assert said["answer"] == "UNKNOWN"
    assert "chart.json:1:67: the file is a template that must be rendered" in said["reason"]
    assert run(["can", str(new), "--action", "s3:GetObject", "--role", "reader"]) == 1
    capsys.readouterr()
    assert run(["diff", str(old), str(new)]) == 4
    assert "chart.json:1:67: the file is a template that must be rendered" in capsys.readouterr().out

    (old / "chart.json").write_bytes((new / "chart.json").read_bytes())
    assert run(["diff", str(old), str(new)]) == 0

    template = tmp_path / "t.yaml"
    template.write_text(UNROLLED)
    assert run(["can", str(template), "--action", "s3:DeleteBucket"]) == 4
    assert run(["diff", str(old / "reader.json"), str(template)]) == 4


@pytest.mark.parametrize("form", ["text", "json"])
def test_values_that_are_not_known_have_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    harmless = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    template, nothing = tmp_path / "t.yaml", write(tmp_path, "p.json", {"Statement": [harmless]})
    template.write_text(TEMPLATE)
    assert run(["can", str(template), "--action", "rds:DeleteDBInstance", "-f", form]) == 1
    assert "db:${Stage}-" in capsys.readouterr().out
    run(["diff", str(template), nothing, "-f", form])
    run(["diff", nothing, str(template), "-f", form])
    out = capsys.readouterr().out
    assert "ue000" not in out
    assert form == "json" or "1 role compared" in out


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="a folder of POSIX systems")
def test_labels_may_come_from_a_pipe(tmp_path: Path) -> None:
    wide = write(tmp_path, "p.json", policy({"Effect": "Allow", "Action": "rds:DeleteDBInstance", "Resource": "*"}))
    reading, writing = os.pipe()
    os.write(writing, b"service: rds\nactions:\n  DeleteDBInstance: {class: mutate}\n")
    os.close(writing)
    assert run(["check", wide]) == 1
    try:
        assert run(["check", wide, "--labels", f"/dev/fd/{reading}"]) == 0
    finally:
        os.close(reading)
        use(None)
