"""The text of a policy inside another document: what AWS would refuse is told, and ends nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rolelint.cli import run

GOOD = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'

TWICE = '{"Statement": [{"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}]}'
#: Parses, and is too deep for whoever goes through it: from Python 3.12 on it is not.
NESTED = '{"Statement": [{"Effect": "Allow", "Resource": "*", "Action": ' + "[" * 940 + "]" * 940 + "}]}"
TEXTS = {
    "twice": (TWICE, "the key `Effect` appears twice in one object of the policy text"),
    "deep": ('{"Statement": ' + "[" * 100_000, "the policy text is nested too deeply to be read"),
    "nested": (NESTED, "nested too deeply"),
}
_TRUST = json.dumps(
    {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}}
)


def _planned(policy: str, sensitive: bool = False) -> str:
    values = {"name": "r", "assume_role_policy": _TRUST, "inline_policy": [{"name": "p", "policy": policy}]}
    hidden = {"inline_policy": [{"policy": True}]} if sensitive else {}
    change = {"actions": ["create"], "before": None, "after": values, "after_unknown": {}, "after_sensitive": hidden}
    row = {"address": "aws_iam_role.r", "mode": "managed", "type": "aws_iam_role", "name": "r", "change": change}
    return json.dumps({"format_version": "1.2", "resource_changes": [row]})


#: Inputs that hold the text of a policy as a string.
HOLDERS: dict[str, tuple[str, Callable[[str], str]]] = {
    "bucket policy": (
        "a.json",
        lambda text: json.dumps({"Policy": text.replace('"Resource"', '"Principal": "*", "Resource"')}),
    ),
    "bundle": ("a.json", lambda text: json.dumps({"role": "r", "inline": {"p": text}})),
    "dump": (
        "a.json",
        lambda text: json.dumps(
            {
                "RoleDetailList": [
                    {
                        "RoleName": "r",
                        "Arn": "arn:aws:iam::111122223333:role/r",
                        "AssumeRolePolicyDocument": _TRUST,
                        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": text}],
                    }
                ]
            }
        ),
    ),
    "template": (
        "a.json",
        lambda text: json.dumps(
            {
                "Resources": {
                    "P": {
                        "Type": "AWS::IAM::ManagedPolicy",
                        "Properties": {"PolicyDocument": text},
                    }
                }
            }
        ),
    ),
    "plan": ("a.json", _planned),
    "plan, sensitive": ("a.json", lambda text: _planned(text, True)),
    "source": (
        "m/main.tf",
        lambda text: f'resource "aws_iam_policy" "p" {{\n  name   = "p"\n  policy = {json.dumps(text)}\n}}\n',
    ),
    "source of a document": (
        "m/main.tf",
        lambda text: f'data "aws_iam_policy_document" "p" {{\n  source_policy_documents = [{json.dumps(text)}]\n}}\n',
    ),
}
#: Where the text is taken apart before it is a policy, what is said of it is more general.
GENERAL = ("plan, sensitive", "source of a document")


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
def test_policy_text_that_cannot_be_read_is_told_and_the_others_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], holder: str, text: str, message: str
) -> None:
    if text is NESTED and sys.version_info >= (3, 12):
        pytest.skip("this Python goes deeper")
    file, write = HOLDERS[holder]
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(write(text))
    good = tmp_path / "good.json"
    good.write_text(GOOD)
    assert run(["check", str(path), str(good), "--format", "json"]) in (2, 4)
    report = json.loads(capsys.readouterr().out)
    told = [*(e["message"] for e in report["errors"]), *(u["reason"] for u in report["unknown"])]
    assert any(holder in GENERAL or message in one for one in told)
    assert "good" in [role["name"] for role in report["roles"]]


def test_evaluate_refuses_a_policy_with_a_key_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    principal = {"type": "user", "arn": "arn:aws:iam::123456789012:user/a", "account": "123456789012"}
    request = {"principal": principal, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([{"id": "a", "policies": {"identity": [TWICE]}, "request": request}]))
    assert run(["evaluate", str(path)]) == 2
    assert "the key `Effect` appears twice" in capsys.readouterr().err
