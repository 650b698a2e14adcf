"""Role bundles: what they say, and that the reader and the published schema refuse the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from rolelint.documents import parse
from rolelint.errors import printable
from rolelint.policies.role import Reading
from rolelint.readers import ReadContext, read

FULL = """\
role:
  name: deployer
  arn: arn:aws-cn:iam::123456789012:role/ops/deployer
  tags: {team: infra}
description: what the deploy agent runs with
trust:
  Statement: {Effect: Allow, Principal: {AWS: "arn:aws-cn:iam::123456789012:root"}, Action: sts:AssumeRole}
inline:
  deploy:
    Version: 2012-10-17
    Statement:
      - {Effect: Allow, Action: "cloudformation:*", Resource: "*"}
  other: {file: other.json}
attached:
  - arn:aws-cn:iam::aws:policy/ReadOnlyAccess
  - {Statement: [{Effect: Allow, Action: "a:b", Resource: "*"}]}
  - {name: named, document: {Statement: [{Effect: Allow, Action: "c:d", Resource: "*"}]}}
  - file: other.json
boundary: {file: other.json}
session: {Statement: [{Effect: Allow, Action: "s:*", Resource: "*"}]}
scps:
  - [FullAWSAccess]
  - [FullAWSAccess, {name: no-iam, document: {Statement: [{Effect: Deny, Action: "iam:*", Resource: "*"}]}}]
rcps:
  - {Statement: [{Effect: Deny, Principal: "*", Action: "s3:*", Resource: "*"}]}
resource_policies:
  - resource: arn:aws-cn:s3:::x
    document: {Statement: [{Effect: Allow, Principal: "*", Action: "s3:*", Resource: "arn:aws-cn:s3:::x/*"}]}
tags: {env: prod}
"""
OTHER = '{\n"Version": "2012-10-17",\n"Statement": [\n{"Effect": "Allow", "Action": "rds:*", "Resource": "*"}]}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "other.json").write_text(OTHER)
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text('{"Statement": [},]}')
    return tmp_path


def test_everything_a_bundle_can_say(describe: Callable[..., Any], folder: Path) -> None:
    found = describe(FULL, "b.yaml", ReadContext(base=folder))
    (role,) = found["roles"]
    managed = role["identity"].pop(2)
    assert managed.startswith("identity ReadOnlyAccess: +")
    assert managed.endswith(" @15")
    assert role == {
        "kind": "role",
        "name": "deployer",
        "arn": "arn:aws-cn:iam::123456789012:role/ops/deployer",
        "account": "123456789012",
        "partition": "aws-cn",
        "line": 2,
        "identity": [
            "identity deploy: +cloudformation:* @12",
            "identity other: +rds:* @4",
            "identity attached-2: +a:b @16",
            "identity named: +c:d @17",
            "identity attached-4: +rds:* @4",
        ],
        "boundary": "boundary boundary: +rds:* @4",
        "session": ["session session: +s:* @20"],
        "scps": [
            ["scp FullAWSAccess: +* @22"],
            ["scp FullAWSAccess: +* @23", "scp no-iam: -iam:* @23"],
        ],
        "rcps": ["rcp rcps-1: -s3:* @25"],
        "trust": "trust trust policy: +sts:AssumeRole @7",
        "resource_policies": ["resource arn:aws-cn:s3:::x: +s3:* @28 on arn:aws-cn:s3:::x"],
        "tags": {"env": "prod", "team": "infra"},
    }
    assert "problems" not in found


def test_a_policy_in_a_file_is_located_in_that_file_and_not_checked_alone(folder: Path) -> None:
    context = ReadContext(base=folder)
    reading = read(parse("b.yaml", FULL)[0], context)
    assert reading is not None
    place = reading.roles[0].identity[1].locate(("Statement", 0, "Action"))
    assert (Path(place.file), place.line, place.column) == (folder / "other.json", 4, 31)
    assert context.used_files == {str((folder / "other.json").resolve())}


def test_the_same_file_is_parsed_once(reading: Callable[..., Reading], folder: Path) -> None:
    (role,) = reading(FULL, "b.yaml", ReadContext(base=folder)).roles
    assert role.boundary is not None
    assert role.identity[1].document is role.boundary.document


def test_several_roles_share_what_stands_beside_them(describe: Callable[..., Any]) -> None:
    text = """\
account: "012345678901"
partition: aws
scps: [FullAWSAccess]
management_account: true
roles:
  - role: one
    inline: {x: {Statement: {Effect: Allow, Action: "a:b", Resource: "*"}}}
  - role: {name: two, kind: user, path: /p/}
    attached: {Statement: {Effect: Allow, Action: "c:d", Resource: "*"}}
    scps: [[], [FullAWSAccess]]
    management_account: false
"""
    one, two = describe(text, "b.yaml")["roles"]
    assert one["arn"] == "arn:aws:iam::012345678901:role/one"
    assert one["scps"] == [["scp FullAWSAccess: +* @3"]]
    assert one["management_account"] is True
    assert two["arn"] == "arn:aws:iam::012345678901:user/p/two"
    assert two["scps"] == [[], ["scp FullAWSAccess: +* @10"]]
    assert "management_account" not in two


def test_what_a_bundle_does_not_say_is_not_known(reading: Callable[..., Reading]) -> None:
    (role,) = reading("role: r\ntrust: {Statement: []}", "b.yaml").roles
    assert (role.arn, role.account, role.partition) == ("", "", "")
    assert (role.tags, role.scps, role.rcps, role.session, role.boundary) == (None, None, None, None, None)


POLICY = {"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*"}]}
GOOD: dict[str, dict[str, Any]] = {
    "smallest": {"role": "r", "inline": {}},
    "a document as text": {"role": "r", "inline": {"x": json.dumps(POLICY)}},
    "one inline document": {"role": "r", "inline": POLICY},
    "attached by object with arn": {"role": "r", "attached": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]},
    "boundary by arn": {"role": "r", "boundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
    "a lone session policy": {"role": "r", "session": [POLICY, POLICY]},
    "tags in AWS's form": {"role": "r", "inline": {}, "tags": [{"Key": "a", "Value": "b"}]},
    "tags that are numbers": {"role": "r", "inline": {}, "tags": {"a": 1, "b": True}},
    "account as a number": {"role": "r", "inline": {}, "account": 123456789012},
    "empty levels": {"role": "r", "scps": [[], []]},
    "no levels": {"role": "r", "scps": []},
    "a schema": {"$schema": "x", "role": "r", "inline": {}},
    "several": {"roles": [{"role": "r", "inline": {}}]},
    "by arn only": {"role": {"arn": "arn:aws:iam::123456789012:role/r"}, "inline": {}},
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt key": ({"role": "r", "atached": []}, "unknown key `atached`. did you mean `attached`?"),
    "misspelt key beside": (
        {"role": "r", "inline": {}, "boundry": POLICY},
        "unknown key `boundry`. did you mean `boundary`?",
    ),
    "key of the role": (
        {"role": {"name": "r", "servicelinked": True}, "inline": {}},
        "unknown key `servicelinked`. did you mean `service_linked`?",
    ),
    "key of a reference": (
        {"role": "r", "attached": [{"file": "other.json", "nam": "x"}]},
        "unknown key `nam`. did you mean `name`?",
    ),
    "key of one of several": (
        {"roles": [{"role": "r", "inline": {}, "roles": []}]},
        "unknown key `roles`. did you mean `role`?",
    ),
    "arn of an inline policy": (
        {"role": "r", "inline": {"x": {"file": "other.json", "arn": "arn:aws:iam::1:policy/x"}}},
        "unknown key `arn`",
    ),
    "no name": ({"role": {"tags": {}}, "inline": {}}, "a role must have a name"),
    "empty name": ({"role": "", "inline": {}}, "a role must have a name"),
    "name that is a number": ({"role": {"name": 5}, "inline": {}}, "`name` must be text"),
    "ARN of a session": (
        {"role": {"name": "r", "arn": "arn:aws:sts::123456789012:assumed-role/r/s"}, "inline": {}},
        "`arn:aws:sts::123456789012:assumed-role/r/s` is not the ARN of a role. write it as in `arn:aws:iam::",
    ),
    "ARN of a short account": (
        {"role": {"arn": "arn:aws:iam::123:role/r"}, "inline": {}},
        "`arn:aws:iam::123:role/r` is not the ARN of a role",
    ),
    "no ARN": ({"role": {"arn": "sts:x"}, "inline": {}}, "`sts:x` is not the ARN of a role"),
    "unknown kind": ({"role": {"name": "r", "kind": "group"}, "inline": {}}, "unknown kind `group`"),
    "a policy without Statement": ({"role": "r", "trust": {"Version": "2012-10-17"}}, "this is not a policy"),
    "a policy that is a name": ({"role": "r", "attached": ["ReadOnlyAccess"]}, "this is not a policy"),
    "a boundary that is a list": ({"role": "r", "boundary": [POLICY]}, "this is not a policy"),
    "FullAWSAccess where it is no SCP": ({"role": "r", "attached": ["FullAWSAccess"]}, "this is not a policy"),
    "a reference to nothing": (
        {"role": "r", "attached": [{"name": "x"}]},
        "a policy needs `document`, `file` or `arn`",
    ),
    "both document and file": (
        {"role": "r", "attached": [{"document": POLICY, "file": "other.json"}]},
        "a policy has either `document` or `file`",
    ),
    "inline that is a list": ({"role": "r", "inline": [POLICY]}, "`inline` must map names to policies"),
    "inline that is a number": ({"role": "r", "inline": {"x": 1}}, "this is not a policy"),
    "scps that are an object": ({"role": "r", "scps": POLICY}, "`scps` must be a list of levels"),
    "mixed levels": (
        {"role": "r", "scps": [["FullAWSAccess"], "FullAWSAccess"]},
        "levels and single policies are mixed",
    ),
    "short account": ({"role": "r", "inline": {}, "account": "123"}, "an account must be 12 digits"),
    "short account number": ({"role": "r", "inline": {}, "account": 123}, "an account must be 12 digits"),
    "account that is true": ({"role": "r", "inline": {}, "account": True}, "an account must be 12 digits"),
    "partition": ({"role": "r", "inline": {}, "partition": "china"}, "a partition must be"),
    "partition with a colon": ({"role": "r", "inline": {}, "partition": "aws:"}, "a partition must be"),
    "tags that are text": ({"role": "r", "inline": {}, "tags": "x"}, "`tags` must be an object"),
    "tags that nest": ({"role": "r", "inline": {}, "tags": {"a": {}}}, "a tag's value must be text"),
    "tags without Key": ({"role": "r", "inline": {}, "tags": [{"key": "a"}]}, "a tag in a list must be an object"),
    "flag that is text": (
        {"role": {"name": "r", "service_linked": "yes"}, "inline": {}},
        "`service_linked` must be true or false",
    ),
    "management_account that is text": (
        {"role": "r", "inline": {}, "management_account": "yes"},
        "`management_account` must be true or false",
    ),
    "resource policy without resource": (
        {"role": "r", "inline": {}, "resource_policies": [{"document": POLICY}]},
        "a resource policy needs `resource`",
    ),
    "resource policy without document": (
        {"role": "r", "inline": {}, "resource_policies": [{"resource": "x"}]},
        "a resource policy needs `document` or `file`",
    ),
    "resource policies as an object": (
        {"role": "r", "inline": {}, "resource_policies": {}},
        "`resource_policies` must be a list",
    ),
    "empty value": ({"role": "r", "inline": {}, "trust": None}, "`trust` has no value"),
    "role beside roles": ({"role": "x", "roles": [{"role": "r", "inline": {}}]}, "`role` cannot stand beside `roles`"),
    "trust beside roles": (
        {"trust": POLICY, "roles": [{"role": "r", "inline": {}}]},
        "`trust` cannot stand beside `roles`",
    ),
    "one of several is text": ({"roles": [{"role": "r", "inline": {}}, "x"]}, "a role must be an object"),
    "one of several has no role": ({"roles": [{"role": "r", "inline": {}}, {"inline": {}}]}, "a role must have a name"),
    "file that is a number": ({"role": "r", "attached": [{"file": 1}]}, "`file` must be a path"),
    "description that is a list": ({"role": "r", "inline": {}, "description": []}, "`description` must be text"),
}


@pytest.fixture(scope="module")
def validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads((files("rolelint.readers") / "bundle.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_good_bundles_pass_reader_and_schema(describe: Callable[..., Any], validator: Any, data: Any) -> None:
    assert "problems" not in describe(data)
    assert [error.message for error in validator.iter_errors(data)] == []


def test_the_full_bundle_passes_the_schema(validator: Any) -> None:
    assert [error.message for error in validator.iter_errors(parse("b.yaml", FULL)[0].data)] == []


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_bad_bundles_fail_reader_and_schema(
    reading: Callable[..., Reading], validator: Any, folder: Path, data: Any, message: str
) -> None:
    problems = reading(data, context=ReadContext(base=folder)).problems
    assert message in "\n".join(map(str, problems))
    assert all(getattr(problem, "kind", "") == "error" for problem in problems)
    assert not validator.is_valid(data)


def test_an_arn_tells_the_kind_of_the_principal_and_may_not_contradict_it(reading: Callable[..., Reading]) -> None:
    about = {"arn": "arn:aws:iam::123456789012:user/u"}
    assert reading({"role": about, "inline": {}}).roles[0].kind == "user"
    about["kind"] = "role"
    assert "is not the ARN of a role" in str(reading({"role": about, "inline": {}}).problems[0])


FILES: dict[str, tuple[str, str]] = {
    "missing": ("nope.json", "b.json:6:12: the file `nope.json` cannot be read: no such file"),
    "broken": ("broken.json", "broken.json:1:16: expecting value"),
    "impossible name": ("a\0b", "b.json:6:12: the file `a\\x00b` cannot be read: no file can have this name"),
    "impossible text": ("\ud800", "b.json:6:12: the file `\\ud800` cannot be read: no file can have this name"),
    "no policy": (
        "list.json",
        "list.json:1:1: the file is not one policy document. the bundle b.json:6:12 names it as one",
    ),
}


@pytest.mark.parametrize(("name", "message"), FILES.values(), ids=FILES)
def test_a_file_that_holds_no_policy_is_unknown(
    describe: Callable[..., Any], folder: Path, name: str, message: str
) -> None:
    found = describe({"role": "r", "attached": [{"name": "p", "file": name}]}, "b.json", ReadContext(base=folder))
    assert [text.replace(f"{folder}/", "") for text in found["problems"]] == [message]
    assert found["roles"][0]["identity"] == [f"identity p: unknown: the file `{printable(name)}` cannot be read @6"]


def test_a_bundle_from_standard_input_cannot_name_files(reading: Callable[..., Reading]) -> None:
    found = reading({"role": "r", "attached": [{"file": "other.json"}]}, "<stdin>", ReadContext())
    assert "a bundle from standard input cannot name files" in str(found.problems[0])
