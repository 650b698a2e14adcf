"""Bare policies with values that AWS would not take as they stand: doubtful, never clean."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.policies.parse import parse_document
from rolelint.policies.text import show

RESOURCES: dict[str, tuple[Any, list[str], bool]] = {
    "an ARN": ("arn:aws:s3:::a/*", ["arn:aws:s3:::a/*"], False),
    "everything": ("*", ["*"], False),
    "a template's variable": ("${table_arn}", ["${${table_arn}}"], True),
    "an angled placeholder": ("<TABLE_ARN>", ["${<TABLE_ARN>}"], True),
    "Fn::Sub": ({"Fn::Sub": "arn:aws:rds:${AWS::Region}:1:db:*"}, ["arn:aws:rds:${AWS::Region}:1:db:*"], True),
    "Fn::Sub with values": ([{"Fn::Sub": ["arn:aws:s3:::${b}/*", {"b": "x"}]}], ["arn:aws:s3:::${b}/*"], True),
    "Fn::Sub with a policy variable": (
        {"Fn::Sub": "arn:aws:s3:::${!aws:username}"},
        ["arn:aws:s3:::${aws:username}"],
        True,
    ),
    "Fn::Join": ({"Fn::Join": ["", ["arn:aws:s3:::", {"Ref": "B"}, "/*"]]}, ["arn:aws:s3:::${B}/*"], True),
    "Fn::GetAtt": ({"Fn::GetAtt": "T.Arn"}, ["${Fn::GetAtt T.Arn}"], True),
    "an object of no known meaning": ({"a": [1]}, ['${{"a": [1]}}'], True),
    "beside an ARN": (["arn:aws:s3:::a", {"Ref": "B"}], ["arn:aws:s3:::a", "${B}"], True),
}


@pytest.mark.parametrize("name", RESOURCES)
def test_resources(name: str) -> None:
    written, expected, doubtful = RESOURCES[name]
    document = parse_document({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": written}})
    (statement,) = document.statements
    assert [show(text) for text in statement.resources or ()] == expected
    assert bool(statement.doubtful) is doubtful


def test_an_action_that_is_no_text_stays_open() -> None:
    document = parse_document({"Statement": {"Effect": "Allow", "Action": {"Ref": "Verb"}, "Resource": "*"}})
    (statement,) = document.statements
    assert [show(text) for text in statement.actions] == ["${Verb}"]
    assert statement.doubtful
