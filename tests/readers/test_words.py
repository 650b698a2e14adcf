"""A walk parses no YAML without any word of a format, so every document of a format has one of its words."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolelint.documents import parse
from rolelint.findings.model import Report
from rolelint.lint import Request, load_roles
from rolelint.readers import READERS, may_hold
from tests.readers.plan.replan import HERE
from tests.readers.test_damaged_input import MANAGED, POLICY, ROLE, TRUST, WHOLE

_DETAIL = {"RoleName": "r", "Arn": ROLE["Arn"]}
#: The least that each reader recognises, by a name that says what it is.
SHAPES: dict[str, Any] = {
    **WHOLE,
    "one statement": TRUST,
    "dump of users": {"UserDetailList": []},
    "dump of groups": {"GroupDetailList": []},
    "get-role-policy": {"RoleName": "r", "PolicyName": "p", "PolicyDocument": {}},
    "put-role-policy": {"RoleName": "r", "PolicyDocument": {}},
    "detail with inline policies": {**_DETAIL, "RolePolicyList": []},
    "detail of a user": {"UserName": "u", "UserPolicyList": []},
    "detail with attached policies": {**_DETAIL, "AttachedManagedPolicies": []},
    "role alone": {**_DETAIL, "AssumeRolePolicyDocument": {}},
    "empty version": {"PolicyVersion": {"Document": {}}},
    "empty organization policy": {"Policy": {"PolicySummary": {}, "Content": ""}},
    "get-policy": {"Policy": {"Arn": MANAGED}},
    "list-policies": {"Policies": [{"Arn": MANAGED}]},
    "names of another page": {"PolicyNames": ["a"], "IsTruncated": True, "Marker": "x"},
    "get-inline-policy-for-permission-set": {"InlinePolicy": json.dumps(POLICY)},
    "get-bucket-policy": {"Policy": json.dumps(TRUST)},
    "get-queue-attributes": {"Attributes": {"Policy": json.dumps(TRUST)}},
    "bundle of a name": {"role": "r", "attached": []},
    "template": {"Resources": {"A": {"Type": "AWS::SNS::Topic"}}},
    "serverless template": {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"F": {"Type": "AWS::Serverless::Api"}},
    },
    "template of loops": {"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::A": ["a", [], {}]}},
    "template that says so": {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}},
    "plan of changes": {"format_version": "1.2", "resource_changes": []},
    "state": {"format_version": "1.0", "terraform_version": "1.9.0", "values": {}},
    "kept state": {"terraform_version": "1.9.0", "lineage": "x", "resources": [{"type": "aws_iam_role"}]},
    "list of documents": [{"policy": POLICY}],
}
for _file in sorted((HERE / "fixtures").glob("*.json")):
    SHAPES[f"plan {_file.stem}"] = json.loads(_file.read_text())


def reader_of(data: Any) -> str:
    """Name the reader that recognises data."""
    (document,) = parse("a.json", json.dumps(data))
    head = data[0] if isinstance(data, list) else data
    for reader in READERS:
        if (not reader.keys or not reader.keys.isdisjoint(head)) and import_module(reader.module).recognise(document):
            return reader.name
    return ""


@pytest.mark.parametrize("name", SHAPES)
def test_every_format_has_one_of_its_words(name: str) -> None:
    found = reader_of(SHAPES[name])
    (reader,) = [reader for reader in READERS if reader.name == found]
    for text in (json.dumps(SHAPES[name]), yaml.safe_dump(SHAPES[name], default_style="'", width=10**9)):
        assert any(word in text.encode() for word in reader.words)
        assert may_hold(text.encode())


def test_every_reader_is_among_the_shapes() -> None:
    assert {reader_of(data) for data in SHAPES.values()} == {reader.name for reader in READERS}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_text_in_other_encodings_may_hold_anything(encoding: str) -> None:
    assert may_hold("a: b".encode(encoding))


def test_text_with_escapes_may_hold_anything() -> None:
    assert may_hold(b'{"Stat\\u0065ment": []}')
    assert may_hold(b'"\\x53tatement": []')
    assert not may_hold(b"services:\n  web: {image: nginx}\n")


@pytest.mark.parametrize("name", ["policy", "dump", "bundle of several", "template", "list of policies", "get-role"])
def test_a_walk_finds_what_naming_the_file_finds(name: str, tmp_path: Path) -> None:
    file = tmp_path / "d" / "a.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(SHAPES[name]))
    (tmp_path / "d" / "other.yaml").write_text("services:\n  web: {image: nginx}\n")
    walked, named = Report(), Report()
    roles = load_roles(Request((str(file.parent),)), walked)
    assert [r.name for r in roles] == [r.name for r in load_roles(Request((str(file),)), named)]
    assert (walked.files, walked.errors) == (2, [])


def test_a_file_that_a_walk_passes_over_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("services:\n  web: {image: nginx}\n")
    monkeypatch.setattr("rolelint.lint.reading.parse", lambda *_: pytest.fail("parsed"))
    assert load_roles(Request((str(tmp_path),)), Report()) == []
