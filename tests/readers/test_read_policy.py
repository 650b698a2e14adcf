"""Bare policies, and several of them in one document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rolelint.errors import Location, Problem
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Reading
from rolelint.policies.text import has_unknown, unknown
from rolelint.readers import ReadContext

ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
BUCKET = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::x/*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
RCP = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a": "true"}}}


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


SILENT: dict[str, Any] = {
    "an empty object": {},
    "an empty list": [],
    "a list of text": ["a"],
    "other JSON": {"name": "package", "version": "1.0.0", "dependencies": {}},
    "Statement of another kind": {"Statement": "January"},
    "Statement of other objects": {"Statement": [{"text": "x"}]},
    "an object of which only some objects are policies": {"a": policy(ALLOW), "b": {"c": 1}},
    "a list of which only some items are policies": [policy(ALLOW), {"b": 1}],
    "roles of something else": {"roles": ["admin"]},
    "a role of something else": {"role": "button"},
    "a Policy of something else": {"Policy": "none"},
    "a Policy with other text": {"Policy": '{"a": 1}'},
    "a RoleName alone": {"RoleName": "x"},
    "an empty dump list of another kind": {"RoleDetailList": "x"},
}


@pytest.mark.parametrize("data", SILENT.values(), ids=SILENT)
def test_other_content_is_passed_over(reading: Callable[..., Reading | None], data: Any) -> None:
    assert reading(data) is None


@pytest.mark.parametrize("text", ["just text", "1", "true"])
def test_a_document_of_one_value_is_passed_over(reading: Callable[..., Reading | None], text: str) -> None:
    assert reading(text, "f.yaml") is None


SHAPES: dict[str, tuple[Any, str]] = {
    "identity": (policy(ALLOW), "identity"),
    "lone statement": ({"Statement": ALLOW}, "identity"),
    "no statements": (policy(), "identity"),
    "trust": (policy(TRUST), "trust"),
    "trust with every action": (policy({**TRUST, "Action": "*"}), "trust"),
    "bucket": (policy(BUCKET), "resource"),
    "repository policy without Resource": (policy({**TRUST, "Action": "ecr:*"}), "resource"),
    "bucket that only denies": (policy({**RCP, "Resource": ["arn:aws:s3:::x", "arn:aws:s3:::x/*"]}), "resource"),
    "RCP": (policy(RCP), "rcp"),
    "RCP by object": (policy({**RCP, "Principal": {"AWS": "*"}}), "resource"),
    "deny with NotAction": (
        policy({"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "Resource": "*"}),
        "resource",
    ),
    "RCP beside an Allow": (policy(RCP, BUCKET), "resource"),
    "key policy": (policy({**BUCKET, "Resource": "*", "Action": "kms:*"}), "resource"),
    "some statements with Principal": (policy(ALLOW, BUCKET), "identity"),
}


@pytest.mark.parametrize(("data", "kind"), SHAPES.values(), ids=SHAPES)
def test_the_type_shows_in_the_shape(reading: Callable[..., Reading | None], data: Any, kind: str) -> None:
    found = reading(data)
    assert found is not None
    types = [p.type.value for p in found.policies] + [p.type.value for role in found.roles for p in role.identity]
    assert types == [kind]


@pytest.mark.parametrize("kind", ["identity", "trust", "resource", "scp", "rcp", "boundary", "session"])
def test_the_type_can_be_forced(reading: Callable[..., Reading | None], kind: str) -> None:
    found = reading(policy(ALLOW), context=ReadContext(kind))
    assert found is not None
    assert [p.type.value for p in found.policies] == ([] if kind == "identity" else [kind])
    assert len(found.roles) == (kind == "identity")


def test_an_identity_policy_is_held_by_a_stand_in(describe: Callable[..., Any]) -> None:
    assert describe(policy(ALLOW), "policies/deploy-role.json") == {
        "roles": [{"kind": "policy", "name": "deploy-role", "line": 1, "identity": ["identity deploy-role: +s3:* @4"]}]
    }


def test_a_principal_in_an_identity_policy_is_told(describe: Callable[..., Any]) -> None:
    assert describe(policy(ALLOW, BUCKET))["problems"] == [
        "f.json:11:17: an identity policy cannot have `Principal`. name the type with --type"
    ]


def test_each_document_of_a_stream_has_its_own_name(describe: Callable[..., Any]) -> None:
    text = "Statement: {Effect: Allow, Action: 'a:b', Resource: '*'}\n---\nStatement: []\nVersion: 2012-10-17\n"
    assert describe(text, "p.yaml")["roles"][0]["name"] == "p"
    assert describe(text, "p.yaml", index=1)["roles"][0]["name"] == "p-2"
    assert describe(text, "<stdin>")["roles"][0]["name"] == "stdin"


COLLECTIONS: dict[str, tuple[Any, list[str]]] = {
    "names to policies": (
        {"one": policy(ALLOW), "two": policy(BUCKET)},
        ["identity one: +s3:* @5", "resource two: +s3:* @15"],
    ),
    "list": ([policy(ALLOW), policy(ALLOW)], ["identity f-1: +s3:* @5", "identity f-2: +s3:* @15"]),
    "list with names": (
        [{"PolicyName": "p", "PolicyDocument": policy(ALLOW)}],
        ["identity p: +s3:* @7"],
    ),
    "list with other names": (
        [{"Name": "p", "document": policy(ALLOW)}, {"Id": "q", "policy": policy(ALLOW)}],
        ["identity p: +s3:* @7", "identity q: +s3:* @20"],
    ),
    "notes beside": ({"Description": "x", "PolicyDocument": policy(ALLOW)}, ["identity PolicyDocument: +s3:* @6"]),
    "names to objects that hold them": ({"p": {"policy": policy(ALLOW)}}, ["identity p: +s3:* @6"]),
}


@pytest.mark.parametrize(("data", "lines"), COLLECTIONS.values(), ids=COLLECTIONS)
def test_collections_of_policies(describe: Callable[..., Any], data: Any, lines: list[str]) -> None:
    found = describe(data)
    held = [line for role in found.get("roles", ()) for line in role["identity"]]
    assert sorted(held + found.get("policies", [])) == sorted(lines)


@pytest.mark.parametrize(
    ("written", "nearest"), [("StringMatches", "StringEquals"), ("StringNotMatches", "StringNotEquals")]
)
def test_the_nearest_operator_does_not_say_the_reverse(written: str, nearest: str) -> None:
    document = parse_document(policy({**ALLOW, "Condition": {written: {"aws:RequestTag/env": "dev"}}}))
    assert f"did you mean `{nearest}`?" in [problem.hint for problem in document.problems]


_REFUSED: dict[str, tuple[dict[str, Any], tuple[str | int, ...], str]] = {
    "both actions": ({"NotAction": "s3:Get*"}, ("NotAction",), "the statement has both Action and NotAction"),
    "both resources": ({"NotResource": "*"}, ("NotResource",), "the statement has both Resource and NotResource"),
    "an action that is no text": ({"Action": ["s3:*", 1]}, ("Action", 1), "`Action` must hold strings, not a number"),
    "a resource without text": (
        {"Resource": None},
        ("Resource",),
        "`Resource` must be a string or a list of strings, ",
    ),
    "a principal as text": ({"Principal": "123456789012"}, ("Principal",), "a principal string must be `*`, not `1234"),
    "a kind of principal": ({"Principal": {"Aws": "*"}}, ("Principal", "Aws"), "unknown principal type `Aws`"),
    "conditions in a list": ({"Condition": []}, ("Condition",), "`Condition` must be an object, not a list"),
    "an operator without keys": (
        {"Condition": {"Bool": "true"}},
        ("Condition", "Bool"),
        "`Bool` must be an object of condition keys, not a string",
    ),
    "a key in two spellings": (
        {"Condition": {"Bool": {"aws:SecureTransport": True, "AWS:securetransport": True}}},
        ("Condition", "Bool", "AWS:securetransport"),
        "the condition key `AWS:securetransport` appears twice under `Bool`",
    ),
    "a value that is no text": (
        {"Condition": {"Bool": {"aws:SecureTransport": ["true", {}]}}},
        ("Condition", "Bool", "aws:SecureTransport", 1),
        "a condition value must be text, a number or a boolean, not an object",
    ),
    "a quantifier": (
        {"Condition": {"ForSomeValue:StringLike": {"aws:TagKeys": "*"}}},
        ("Condition", "ForSomeValue:StringLike"),
        "unknown condition operator `ForSomeValue:StringLike`",
    ),
}


@pytest.mark.parametrize(("written", "route", "message"), _REFUSED.values(), ids=_REFUSED)
def test_what_aws_refuses_in_a_statement_makes_it_doubtful(
    written: dict[str, Any], route: tuple[str | int, ...], message: str
) -> None:
    document = parse_document(policy({**ALLOW, **written}))
    (problem,) = document.problems
    assert (problem.route, problem.kind) == (("Statement", 0, *route), "warning")
    assert problem.message.startswith(message)
    (statement,) = document.statements
    assert statement.doubtful == problem.message


def test_a_policy_that_is_nested_too_deeply_is_not_known() -> None:
    action: Any = "s3:*"
    for _ in range(100_000):
        action = {"Fn::Join": ["", [action]]}
    assert parse_document(policy({**ALLOW, "Action": action})).unknown == "the policy is nested too deeply to be read"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ({"Fn::Sub": "s3:${Verb}Bucket${!x}"}, f"s3:{unknown('Verb')}Bucket${{x}}"),
        ({"Fn::Sub": ["s3:${Verb}", {"Verb": "Get"}]}, f"s3:{unknown('Verb')}"),
        ({"Fn::Join": [":", ["s3", {"Ref": "Verb"}, "*"]]}, f"s3:{unknown('Verb')}:*"),
        ({"Fn::GetAtt": "Role.Arn"}, unknown("Fn::GetAtt Role.Arn")),
        ({"Fn::GetAtt": ["Role", "Arn"]}, unknown('{"Fn::GetAtt": ["Role", "Arn"]}')),
    ],
    ids=["Sub", "Sub with values", "Join", "GetAtt", "GetAtt in parts"],
)
def test_a_function_of_a_template_in_a_bare_policy_keeps_what_is_known_of_its_text(written: Any, text: str) -> None:
    (statement,) = parse_document(policy({**ALLOW, "Action": [written]})).statements
    assert statement.actions == (text,)
    assert statement.doubtful


@pytest.mark.parametrize("element", ["Action", "Resource", "Condition"])
def test_a_text_longer_than_any_arn_is_not_known(element: str) -> None:
    padded = "arn:aws:s3:::a" + "*" * 5_000
    text = "a" * 3_000
    given = {"StringLike": {"aws:PrincipalArn": text}} if element == "Condition" else [text]
    said = {"Effect": "Allow", "Action": ["s3:*"], "Resource": [padded], element: given}
    (found,) = parse_document({"Version": "2012-10-17", "Statement": [said]}).statements
    values = found.conditions[0].values if element == "Condition" else getattr(found, f"{element.lower()}s")
    assert has_unknown(values[0])
    assert "3,000 characters" in found.doubtful
    assert found.resources is not None
    assert element == "Resource" or found.resources == (padded,)


def test_a_line_does_not_repeat_a_long_value_in_full() -> None:
    written = "$" * 3_000
    problem = Problem(f"a resource must be an ARN or `*`, not `{written}`", Location("a.json", 1, 2), "see `b`")
    assert written in problem.message
    assert len(str(problem)) < 400
    assert str(problem).endswith("...`. see `b`")
