"""The files of Terraform source, and the files that it reads."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from rolelint.findings.model import Report
from rolelint.lint import Request, load_roles
from rolelint.policies.text import show
from rolelint.readers import ReadContext
from tests.readers.plan.replan import HERE
from tests.readers.terraform.folders import ROLE, actions, read_folder, write


def test_override_files_win(tmp_path: Path) -> None:
    override = 'resource "aws_iam_role" "r" {\n  name = "renamed"\n}\n'
    (role,) = read_folder(write(tmp_path, a__tf=ROLE, b_override__tf=override)).roles
    assert role.name == "renamed"


def test_blocks_and_locals_of_override_files_win(tmp_path: Path) -> None:
    base = (
        'locals {\n  kept = "s3:GetObject"\n  other = "s3:*"\n}\n'
        'data "aws_iam_policy_document" "d" {\n'
        '  statement {\n    actions   = ["ec2:*"]\n    resources = ["*"]\n  }\n}\n'
        'resource "aws_iam_role_policy" "p" {\n  role   = aws_iam_role.r.id\n'
        "  policy = data.aws_iam_policy_document.d.json\n}\n"
    )
    override = (
        'locals {\n  other = "rds:StopDBCluster"\n}\n'
        'data "aws_iam_policy_document" "d" {\n'
        '  dynamic "statement" {\n    for_each = [local.kept, local.other]\n'
        '    content {\n      actions   = [statement.value]\n      resources = ["*"]\n    }\n  }\n}\n'
    )
    (role,) = read_folder(write(tmp_path, a__tf=ROLE + base, a_override__tf=override)).roles
    assert actions(role) == ["s3:GetObject", "rds:StopDBCluster"]


def test_bad_syntax_is_one_problem_and_the_rest_is_read(tmp_path: Path) -> None:
    reading = read_folder(write(tmp_path, a__tf="resource = = 1\n# aws_iam_\n", b__tf=ROLE))
    assert [r.name for r in reading.roles] == ["r"]
    (problem,) = reading.problems
    assert (os.path.basename(problem.location.file), problem.location.line, problem.kind) == ("a.tf", 1, "error")


def test_folders_without_iam_are_silent_and_unparsed(tmp_path: Path) -> None:
    reading = read_folder(write(tmp_path, main__tf='resource "aws_vpc" "v" {\n  cidr = = broken\n}\n'))
    assert (reading.roles, reading.policies, reading.problems) == ([], [], [])


def test_policy_text_from_files_beside(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
resource "aws_iam_role_policy" "file" {
  role   = aws_iam_role.r.id
  policy = file("${path.module}/policy.json")
}
resource "aws_iam_role_policy" "template" {
  role   = aws_iam_role.r.id
  policy = templatefile("${path.module}/policy.tftpl", { arns = jsonencode([aws_iam_role.r.arn]) })
}
"""
    )
    policy = '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    template = '{"Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": ${arns}}]}'
    write(tmp_path, main__tf=text, policy__json=policy, policy__tftpl=template)
    context = ReadContext()
    (role,) = read_folder(tmp_path, context).roles
    assert actions(role) == ["s3:*", "iam:PassRole"]
    (resource,) = role.identity[1].document.statements[0].resources or ()
    assert show(resource) == "arn:${partition}:iam::${account id}:role/r"
    assert {"policy.json", "policy.tftpl"} <= {os.path.basename(file) for file in context.used_files}


def test_a_relative_path_is_one_from_the_root(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "drop.json").write_text('{"Statement": [{"Effect": "Allow", "Action": "s3:Delete*", "Resource": "*"}]}')
    policy = """
variable "file" {}
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r.id
  policy = try(file(var.file), "{}")
}
"""
    (tmp_path / "m" / "main.tf").write_text(ROLE + policy)
    call = 'module "m" {\n  source = "./m"\n  file   = "drop.json"\n}\n# aws_iam_\n'
    (role,) = read_folder(write(tmp_path, main__tf=call)).roles
    assert role.identity[0].document.statements[0].actions == ("s3:Delete*",)


@pytest.mark.parametrize(
    ("path", "repository", "found"),
    [
        ("../beside.json", "", True),
        ("${path.module}/../beside.json", "", True),
        ("../../outside.json", "", False),
        ("${path.module}/../../outside.json", "", False),
        ("link.json", "", False),
        ("../../outside.json", ".", True),
        ("../../outside.json", "around", False),
        ("../beside.json", "around", True),
        ("../beside.json", "around/root", False),
        ("own.json", "around/root", True),
    ],
)
def test_files_elsewhere_on_the_machine_are_not_read(tmp_path: Path, path: str, repository: str, found: bool) -> None:
    root = tmp_path / "around" / "root"
    text = (
        ROLE
        + f"""
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.id
  policy = file("{path}")
}}
resource "aws_iam_role_policy" "q" {{
  count  = fileexists("{path}") ? 1 : 0
  role   = aws_iam_role.r.id
  policy = jsonencode({{ Statement = [{{ Effect = "Allow", Action = "ec2:*", Resource = "*" }}] }})
}}
"""
    )
    policy = '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    write(root, main__tf=text, own__json=policy)
    write(tmp_path, around_in_beside__json=policy, outside__json=policy)
    (root / "link.json").symlink_to(tmp_path / "outside.json")
    if repository:
        (tmp_path / repository / ".git").mkdir()
    (role,) = read_folder(root).roles
    assert actions(role) == ["s3:*" if found else "?", "ec2:*"]
    assert bool(role.identity[1].document.statements[0].doubtful) is not found


def test_files_in_other_encodings_and_line_ends(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_bytes(b"\xef\xbb\xbf" + ROLE.replace("\n", "\r\n").encode())
    (role,) = read_folder(tmp_path).roles
    assert (role.name, role.location.line) == ("r", 2)


def test_a_copy_of_everything_is_read_in_one_go(tmp_path: Path) -> None:
    for case in sorted((HERE / "configs").iterdir()):
        shutil.copytree(case, tmp_path / case.name, ignore=shutil.ignore_patterns("before"))
    report = Report()
    roles = load_roles(Request((str(tmp_path),)), report)
    assert report.errors == []
    assert len(roles) > 30
    # Every file is opened once and belongs to one root: no module is checked by itself.
    assert not [r for r in roles if "/role/" in r.location.file and not r.location.address.startswith("module.")]


def test_templates_that_a_module_fills_in_are_no_broken_json(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r.id
  policy = templatefile("${path.module}/used.json", { arns = jsonencode(["*"]), more = true })
}
"""
    )
    template = """{
  "Version": "2012-10-17",
  "Statement": [
    %{ if more }{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},%{ endif }
    {"Effect": "Allow", "Action": "s3:*", "Resource": ${arns}}
  ]
}
"""
    write(tmp_path, main__tf=text, used__json=template, unused__json=template)
    report = Report()
    (role,) = load_roles(Request((str(tmp_path),)), report)
    assert actions(role) == ["sqs:*", "s3:*"]
    assert report.errors == []
    assert [os.path.basename(u.location.file) for u in report.unknown] == ["unused.json"]


@pytest.mark.parametrize("speaks", [True, False], ids=["with roles", "without"])
def test_a_file_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speaks: bool) -> None:
    monkeypatch.setattr("rolelint.sources.files.MAX_FILE", 2000)
    write(tmp_path, a__tf=ROLE if speaks else "", b__tf="#" * 2001)
    reading = read_folder(tmp_path)
    assert [r.name for r in reading.roles] == (["r"] if speaks else [])
    assert [str(p).partition(tmp_path.name)[2] for p in reading.problems] == [
        "/b.tf: the file is larger than 1 GiB. exclude it"
    ]


def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(write(tmp_path, a__tf=ROLE) / "b.tf")
    reading = read_folder(tmp_path)
    assert [r.name for r in reading.roles] == ["r"]
    assert [p.message for p in reading.problems] == ["this is no regular file"]


def test_a_byte_that_is_no_text_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tf").write_bytes(b"# caf\xe9\n" + ROLE.encode())
    reading = read_folder(tmp_path)
    assert [r.name for r in reading.roles] == ["r"]
    (problem,) = reading.problems
    assert (problem.message, problem.location.line) == ("byte 0xe9 is not valid UTF-8", 1)


def test_names_that_terraform_passes_over_are_not_opened(tmp_path: Path) -> None:
    (write(tmp_path, a__tf=ROLE) / "._a.tf").write_bytes(b"\0\5\xff")
    (tmp_path / "modules.tf").mkdir()
    (tmp_path / ".#a.tf").symlink_to("nobody@nowhere")
    reading = read_folder(tmp_path)
    assert ([r.name for r in reading.roles], reading.problems) == (["r"], [])


def test_policy_text_from_a_pipe_is_not_known(tmp_path: Path) -> None:
    text = ROLE + 'resource "aws_iam_role_policy" "p" {\n role = aws_iam_role.r.name\n policy = file("p.json")\n}\n'
    os.mkfifo(write(tmp_path, a__tf=text) / "p.json")
    reading = read_folder(tmp_path)
    assert [actions(role) for role in reading.roles] == [["?"]]
    assert reading.problems == []


JSON_ROLE = {"aws_iam_role": {"r": {"name": "r", "assume_role_policy": "${var.trust}"}}}
JSON_POLICY = {"role": "${aws_iam_role.r.name}", "policy": '{"Statement": [{"Effect": "Allow", "Action": "s3:*"}]}'}


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        (None, ""),
        ({"p": JSON_POLICY}, ""),
        ({"p": [JSON_POLICY]}, ""),
        ("x", "`resource.aws_iam_role_policy` is no object, so it is not read"),
        ({"p": "x"}, "`resource.aws_iam_role_policy.p` is no object, so it is not read"),
        ({"p": [JSON_POLICY, 5]}, "`resource.aws_iam_role_policy.p` is no object, so it is not read"),
    ],
)
def test_what_is_no_block_of_json_syntax_is_told(policies: object, message: str, tmp_path: Path) -> None:
    text = json.dumps({"resource": {**JSON_ROLE, "aws_iam_role_policy": policies}})
    reading = read_folder(write(tmp_path, main__tf__json=text))
    assert [r.name for r in reading.roles] == ["r"]
    assert [p.message for p in reading.problems if p.kind == "error"] == [message] * bool(message)


def test_json_syntax_may_be_a_list_of_objects(tmp_path: Path) -> None:
    text = json.dumps([{"resource": JSON_ROLE}, {"resource": {"aws_iam_role_policy": {"p": JSON_POLICY}}}])
    (role,) = read_folder(write(tmp_path, main__tf__json=text)).roles
    assert actions(role) == ["s3:*"]


DELETE = {"actions": ["${statement.value}"], "resources": ["*"]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"dynamic": {"statement": {"for_each": ["s3:a"], "content": DELETE}}}, ["s3:a"]),
        ({"dynamic": [{"statement": [{"for_each": ["s3:a", "s3:b"], "content": [DELETE]}]}]}, ["s3:a", "s3:b"]),
        (
            {
                "statement": [{"actions": ["s3:x"]}],
                "dynamic": {"statement": {"for_each": ["s3:a"], "content": DELETE}},
            },
            ["s3:a", "s3:x"],
        ),
        (
            {
                "dynamic": {
                    "statement": {"for_each": ["s3:a"], "iterator": "it", "content": {"actions": ["${it.value}"]}}
                }
            },
            ["s3:a"],
        ),
        (
            {
                "statement": {
                    "actions": ["s3:a"],
                    "dynamic": {"principals": {"for_each": ["1"], "content": {"type": "AWS", "identifiers": ["1"]}}},
                }
            },
            ["s3:a"],
        ),
    ],
    ids=["one", "lists", "beside another", "iterator", "inside a block"],
)
def test_dynamic_blocks_of_json_syntax(document: dict[str, object], expected: list[str], tmp_path: Path) -> None:
    held = {"role": "${aws_iam_role.r.name}", "policy": "${data.aws_iam_policy_document.d.json}"}
    data = {
        "resource": {**JSON_ROLE, "aws_iam_role_policy": {"p": held}},
        "data": {"aws_iam_policy_document": {"d": document}},
    }
    (role,) = read_folder(write(tmp_path, main__tf__json=json.dumps(data))).roles
    assert sorted(actions(role)) == expected
    assert all(s.principals is None for s in role.identity[0].document.statements) is ("dynamic" in document)


def test_a_tag_of_the_name_dynamic_is_a_tag(tmp_path: Path) -> None:
    tagged = {"aws_iam_role": {"r": {**JSON_ROLE["aws_iam_role"]["r"], "tags": {"dynamic": "yes"}}}}
    reading = read_folder(write(tmp_path, main__tf__json=json.dumps({"resource": tagged})))
    assert [r.tags for r in reading.roles] == [{"dynamic": "yes"}]
    assert reading.problems == []


def test_json_syntax_writes_types_as_texts_and_names_as_templates(tmp_path: Path) -> None:
    said = 'jsonencode({ Statement = [{ Effect = "Allow", Action = each.value.acts, Resource = "*" }] })'
    document = {
        "variable": {
            "roles": {
                "type": 'map(object({ acts = optional(list(string), ["kms:*"]) }))',
                "default": {"a": {}, "b": {"acts": ["s3:${x}"]}},
            },
            "key": {"default": "team"},
        },
        "resource": {
            "aws_iam_role": {
                "r": {
                    "for_each": "${var.roles}",
                    "name": "${each.key}",
                    "assume_role_policy": "{}",
                    "tags": {"${var.key}": 7, "on": True},
                    "inline_policy": {
                        "name": "p",
                        "policy": f"${{{said}}}",
                    },
                }
            }
        },
    }
    roles = read_folder(write(tmp_path, main__tf__json=json.dumps(document))).roles
    assert [(r.name, actions(r)) for r in roles] == [("a", ["kms:*"]), ("b", ["s3:${x}"])]
    assert [r.tags for r in roles] == [{"team": "7", "on": "true"}] * 2
