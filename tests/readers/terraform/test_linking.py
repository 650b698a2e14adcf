"""Small parts under the Terraform readers: addresses, statements, JSON with spliced values, secrets."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.policies.parse import parse_document
from rolelint.policies.text import show, unknown
from rolelint.readers.terraform.kinds import KINDS
from rolelint.readers.terraform.redact import Redactor, secrets_of
from rolelint.readers.terraform.references import call_names, split_module
from rolelint.readers.terraform.spliced import loads
from rolelint.readers.terraform.statements import build
from rolelint.readers.terraform.world import split_address

U = unknown('aws_iam_role.r["x"].arn')


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("aws_iam_role.a", ("", "managed", "aws_iam_role", "a", "", ())),
        ("aws_iam_role.a[0].arn", ("", "managed", "aws_iam_role", "a", "[0]", ("arn",))),
        ('data.aws_x.y["a.b[1]"].z[2].w', ("", "data", "aws_x", "y", '["a.b[1]"]', ("z", 2, "w"))),
        ('module.m["k"].module.n[1].aws_x.y.id', ('module.m["k"].module.n[1]', "managed", "aws_x", "y", "", ("id",))),
        ("module.m.data.aws_x.y", ("module.m", "data", "aws_x", "y", "", ())),
        ("module.m.out", ("module.m", "", "", "", "", ("out",))),
        ("aws_x.y[*].arn", ("", "managed", "aws_x", "y", "", ("*", "arn"))),
    ],
)
def test_addresses(text: str, parts: tuple[Any, ...]) -> None:
    address = split_address(text)
    assert address is not None
    assert tuple(address) == parts


@pytest.mark.parametrize("text", ["", "var", "not an address", 'a["b', "sensitive value 1"])
def test_what_is_no_address(text: str) -> None:
    assert split_address(text) is None


@pytest.mark.parametrize(
    ("module", "parts"),
    [
        ("module.a", ("", "a", "")),
        ('module.a["module.b"]', ("", "a", '["module.b"]')),
        ('module.a["x"].module.b[3]', ('module.a["x"]', "b", "[3]")),
    ],
)
def test_module_addresses(module: str, parts: tuple[str, str, str]) -> None:
    assert split_module(module) == parts
    assert call_names(module)[-1] == parts[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        (f'{{"a": "{U}/*"}}', {"a": f"{U}/*"}),
        (f'{{"a": {U}}}', {"a": U}),
        (f'{{"a": ["x", {U}, "y{U}"]}}', {"a": ["x", U, f"y{U}"]}),
        ('{"a": "' + U.replace('"', '\\"') + '"}', {"a": U}),
        (f'{{"a": "\\"{U}"}}', {"a": f'"{U}'}),
    ],
)
def test_unknown_values_inside_json(text: str, expected: Any) -> None:
    assert loads(text) == expected


def test_text_that_is_no_json_stays_none() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        loads(f"{{ {U} ")


def statements(*blocks: dict[str, Any], **more: Any) -> tuple[list[Any], list[Any]]:
    """Build a document from blocks; other documents are given as JSON text."""
    document, routes = build({"statement": list(blocks), **more}, loads)
    return document["Statement"], routes


A = {"sid": "A", "actions": ["s3:a"], "resources": ["*"]}
B = {"sid": "B", "actions": ["s3:b"], "resources": ["*"]}
OTHER_A = '{"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Deny", "Action": "s3:x"}]}'
NO_SID = '{"Statement": {"Effect": "Allow", "Action": "s3:y"}}'


def test_own_statements_win_over_sources_and_lose_to_overrides() -> None:
    found, routes = statements(A, B, source_policy_documents=[OTHER_A, NO_SID])
    assert [s["Action"] for s in found] == [["s3:a"], "s3:y", ["s3:b"]]
    assert routes == [("statement", 0), ("source_policy_documents", 1), ("statement", 1)]
    found, routes = statements(A, B, override_policy_documents=[OTHER_A, NO_SID])
    assert [s["Action"] for s in found] == ["s3:x", ["s3:b"], "s3:y"]
    assert routes == [("override_policy_documents", 0), ("statement", 1), ("override_policy_documents", 1)]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"actions": ["a:b"]}, {"Effect": "Allow", "Action": ["a:b"]}),
        ({"effect": "Deny", "not_actions": ["a:b"], "not_resources": ["c"]}, {
            "Effect": "Deny", "NotAction": ["a:b"], "NotResource": ["c"]}),
        ({"resources": ["x/&{aws:username}"]}, {"Effect": "Allow", "Resource": ["x/${aws:username}"]}),
        ({"principals": [{"type": "*", "identifiers": ["*"]}]}, {"Effect": "Allow", "Principal": "*"}),
        ({"principals": [{"type": "AWS", "identifiers": ["1"]}, {"type": "AWS", "identifiers": ["2"]}]},
         {"Effect": "Allow", "Principal": {"AWS": ["1", "2"]}}),
        ({"condition": [{"test": "Bool", "variable": "k", "values": ["a"]},
                        {"test": "Bool", "variable": "k", "values": ["b"]}]},
         {"Effect": "Allow", "Condition": {"Bool": {"k": ["a", "b"]}}}),
        ({"sid": "", "actions": None, "resources": []}, {"Effect": "Allow"}),
    ],
    ids=["default effect", "not", "policy variable", "everyone", "principals join", "conditions join", "empty parts"],
)  # fmt: skip
def test_statement_blocks(block: dict[str, Any], expected: dict[str, Any]) -> None:
    found, _ = statements(block)
    assert found == [expected]


@pytest.mark.parametrize(
    ("own", "source", "override", "expected"),
    [
        (None, "2008-10-17", "2008-10-17", "2012-10-17"),
        ("2008-10-17", "2008-10-17", "2008-10-17", "2008-10-17"),
        ("2008-10-17", "2012-10-17", "2008-10-17", "2012-10-17"),
        ("2008-10-17", "2008-10-17", "2012-10-17", "2012-10-17"),
    ],
)
def test_a_document_upgrades_the_version_and_none_lowers_it(
    own: str | None, source: str, override: str, expected: str
) -> None:
    texts = [f'{{"Version": "{v}", "Statement": []}}' for v in (source, override)]
    values = {"version": own, "source_policy_documents": texts[:1], "override_policy_documents": texts[1:]}
    assert build(values, loads)[0]["Version"] == expected


def test_a_source_that_is_unknown_is_one_unknown_statement() -> None:
    found, _ = statements(A, source_policy_documents=[unknown("other")])
    document = parse_document({"Version": "2012-10-17", "Statement": found})
    assert [bool(s.doubtful) for s in document.statements] == [True, False]


def test_equal_secrets_stay_equal() -> None:
    redactor = Redactor()
    one, two = redactor.text("arn:aws:s3:::secret-a/*"), redactor.text("arn:aws:s3:::secret-a")
    assert show(one) == "arn:aws:s3:::${sensitive value 1}/*"
    assert one.startswith(two)
    assert redactor.text("secret-b") != redactor.text("secret-a")


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("correct-horse", True),
        ("admin:hunterpass", True),
        ("prod", False),
        ("eu-west-1", False),
        ("s3:DeleteObject", False),
        ("s3:Delete*", False),
        (7, False),
    ],
)
def test_which_values_of_sensitive_variables_are_hidden(value: Any, hidden: bool) -> None:
    data = {
        "variables": {"v": {"value": value}, "open": {"value": "open-value"}},
        "configuration": {"root_module": {"variables": {"v": {"sensitive": True}, "open": {}}}},
    }
    assert secrets_of(data) == ({value} if hidden else set())


def test_every_kind_is_a_resource_type_of_the_catalogue() -> None:
    from rolelint.catalog import catalog

    known = {f"{t.service}:{t.name}" for t in catalog().types}
    assert {name: kind.type for name, kind in KINDS.items() if kind.type not in known} == {}
