"""Roles and policies of Terraform source of which nobody knows how many there will be."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolelint.policies.text import show
from tests.readers.terraform.folders import TRUST, read_folder, write


def test_count_zero_is_no_role_and_unknown_count_is_one(tmp_path: Path) -> None:
    text = f"""
variable "on" {{}}
resource "aws_iam_role" "off" {{
  count              = 0
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role" "maybe" {{
  count              = var.on ? 1 : 0
  name               = "maybe"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy_attachment" "maybe" {{
  count      = var.on ? 1 : 0
  role       = aws_iam_role.maybe[0].name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}}
"""
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    assert (role.name, [p.name for p in role.identity]) == ("maybe", ["AdministratorAccess"])


def test_what_an_unknown_count_gives_may_be_there(tmp_path: Path) -> None:
    text = f"""
variable "guard" {{}}
variable "teams" {{}}
resource "aws_iam_role" "a" {{
  name               = "a"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "guard" {{
  count  = var.guard ? 1 : 0
  name   = "guard"
  role   = aws_iam_role.a.id
  policy = jsonencode({{ Statement = [{{ Effect = "Deny", Action = "s3:*", Resource = "*" }}] }})
}}
resource "aws_iam_role_policy_attachment" "full" {{
  count      = var.guard ? 0 : 1
  role       = aws_iam_role.a.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
}}
resource "aws_iam_role" "team" {{
  for_each           = var.teams
  name               = "team"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy_attachment" "team" {{
  for_each   = aws_iam_role.team
  role       = each.value.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
}}
resource "aws_s3_bucket" "logs" {{
  bucket = "logs"
}}
resource "aws_s3_bucket_policy" "logs" {{
  count  = var.guard ? 1 : 0
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({{ Statement = [{{ Effect = "Deny", Principal = "*", Action = "s3:*", Resource = "*" }}] }})
}}
"""
    reading = read_folder(write(tmp_path, main__tf=text))
    one, team = reading.roles
    whether = "whether it is there depends on `var.guard`"
    assert [(p.name, p.document.statements[0].doubtful) for p in one.identity] == [
        ("guard", whether),
        ("AmazonS3FullAccess", "whether it is there depends on `var.guard ? 0 : 1`"),
    ]
    assert [u.what for u in one.unknowns] == ["inline policy `guard`", "attached policy `AmazonS3FullAccess`"]
    # Each team's role has its own.
    assert (team.identity[0].document.statements[0].doubtful, team.unknowns) == ("", ())
    assert reading.policies[0].document.statements[0].doubtful == whether


@pytest.mark.parametrize(
    ("count", "doubt"),
    [
        ("var.on ? 1 : 0", ""),
        ("var.on && var.known && !var.off ? 1 : 0", ""),
        ("(var.on && length(var.arns) > 0) ? length(var.arns) : 0", ""),
        ("var.on ? var.many : 0", "var.many"),
        ("var.on && var.other ? 1 : 0", "var.other"),
        ("var.on || var.other ? 1 : 0", "var.on || var.other"),
        ("var.on ? 0 : 1", "var.on ? 0 : 1"),
    ],
)
def test_a_policy_is_as_sure_as_its_role(tmp_path: Path, count: str, doubt: str) -> None:
    text = f"""
variable "on" {{}}
variable "other" {{}}
variable "many" {{}}
variable "known" {{ default = true }}
variable "off" {{ default = false }}
variable "arns" {{ default = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"] }}
resource "aws_iam_role" "r" {{
  count              = var.on ? 1 : 0
  name               = "r"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy_attachment" "a" {{
  count      = {count}
  role       = aws_iam_role.r[0].name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
}}
"""
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    reason = f"whether it is there depends on `{doubt}`" if doubt else ""
    assert role.identity[0].document.statements[0].doubtful == reason


@pytest.mark.parametrize(
    ("listed", "sure"),
    [
        ("[var.extra]", ["sure"]),
        ('compact(["a", "b"])', ["sure", "sure"]),
        ('compact(["a", var.extra])', ["sure", "maybe"]),
        ('concat(var.extra, ["a"])', ["maybe", "sure"]),
        ("flatten([var.extra])", ["maybe"]),
        ("aws_s3_bucket.b[*].bucket", ["maybe"]),
        ('[for b in aws_s3_bucket.b[*] : "x"]', ["maybe"]),
        ('[for b in concat(var.extra, ["a"]) : "${b}-x"]', ["maybe", "sure"]),
    ],
)
def test_what_is_made_for_a_list_of_unknown_length_may_not_be_there(
    tmp_path: Path, listed: str, sure: list[str]
) -> None:
    policy = 'jsonencode({ Statement = [{ Effect = "Deny", Action = "s3:*", Resource = "*" }] })'
    text = f"""
variable "extra" {{}}
variable "type" {{ type = list(string) }}
resource "aws_s3_bucket" "b" {{
  count  = var.extra ? 1 : 0
  bucket = "b"
}}
resource "aws_iam_role" "r" {{
  name               = "r"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  for_each = toset({listed})
  role     = aws_iam_role.r.name
  policy   = {policy}
}}
resource "aws_iam_role" "dynamic" {{
  name               = "dynamic"
  assume_role_policy = {TRUST}
  inline_policy {{
    name   = "p"
    policy = data.aws_iam_policy_document.d.json
  }}
}}
data "aws_iam_policy_document" "d" {{
  dynamic "statement" {{
    for_each = {listed}
    content {{
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = ["*"]
    }}
  }}
}}
"""
    one, two = read_folder(write(tmp_path, main__tf=text)).roles
    found = ["maybe" if s.doubtful else "sure" for p in one.identity for s in p.document.statements]
    assert sorted(found) == sorted(sure)
    (document,) = [p.document for p in two.identity]
    assert ["maybe" if s.doubtful else "sure" for s in document.statements] == sure


def test_try_is_sure_where_both_depend_on_the_same(tmp_path: Path) -> None:
    text = f"""
variable "on" {{}}
resource "aws_s3_bucket" "b" {{
  count  = var.on ? 1 : 0
  bucket = "b"
}}
resource "aws_iam_role" "r" {{
  count              = var.on ? 1 : 0
  name               = "r"
  description        = try(aws_s3_bucket.b[0].bucket, "*")
  assume_role_policy = {TRUST}
  inline_policy {{
    name   = "p"
    policy = jsonencode({{ Statement = [{{
      Effect = "Allow", Action = "s3:*", Resource = try("arn:aws:s3:::${{aws_s3_bucket.b[0].bucket}}", "*")
    }}] }})
  }}
}}
"""
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    (statement,) = role.identity[0].document.statements
    assert [show(str(r)) for r in statement.resources or ()] == ["arn:aws:s3:::b"]


def test_a_sure_policy_of_a_group_counts_whatever_a_user_may_have(tmp_path: Path) -> None:
    text = """
variable "on" {}
resource "aws_iam_user" "u" { name = "u" }
resource "aws_iam_group" "g" { name = "g" }
resource "aws_iam_user_group_membership" "m" {
  user   = aws_iam_user.u.name
  groups = [aws_iam_group.g.name]
}
resource "aws_iam_user_policy_attachment" "maybe" {
  count      = var.on ? 1 : 0
  user       = aws_iam_user.u.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
}
resource "aws_iam_group_policy_attachment" "sure" {
  group      = aws_iam_group.g.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
}
"""
    (user,) = read_folder(write(tmp_path, main__tf=text)).roles
    assert [p.document.statements[0].doubtful for p in user.identity] == [""]


def test_a_role_from_elsewhere_is_there_whatever_a_count_says(tmp_path: Path) -> None:
    text = """
variable "on" {}
resource "aws_iam_role_policy_attachment" "maybe" {
  count      = var.on ? 1 : 0
  role       = "elsewhere"
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
}
resource "aws_iam_role_policy_attachment" "both" {
  count      = var.on ? 1 : 0
  role       = "elsewhere"
  policy_arn = "arn:aws:iam::aws:policy/AmazonSQSFullAccess"
}
resource "aws_iam_role_policy_attachment" "sure" {
  role       = "elsewhere"
  policy_arn = "arn:aws:iam::aws:policy/AmazonSQSFullAccess"
}
"""
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    assert [(p.name, p.document.statements[0].doubtful) for p in role.identity] == [
        ("AmazonSQSFullAccess", ""),
        ("AmazonS3FullAccess", "whether it is there depends on `var.on`"),
    ]


def test_roles_and_policies_of_an_unknown_number_are_not_none(tmp_path: Path) -> None:
    text = f"""
variable "policies" {{}}
resource "aws_iam_policy" "p" {{
  for_each = var.policies
  name     = each.key
  policy   = each.value
}}
resource "aws_iam_role" "a" {{
  name                = "a"
  assume_role_policy  = {TRUST}
  managed_policy_arns = [for p in aws_iam_policy.p : p.arn]
}}
resource "aws_iam_role" "b" {{
  count              = length(aws_iam_policy.p) > 0 ? 1 : 0
  name               = "b"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy_attachment" "b" {{
  for_each   = {{ for k, p in aws_iam_policy.p : k => p.arn }}
  role       = aws_iam_role.b[0].name
  policy_arn = each.value
}}
"""
    one, two, _ = read_folder(write(tmp_path, main__tf=text)).roles
    assert [(r.name, len(r.identity), len(r.unknowns)) for r in (one, two)] == [("a", 1, 1), ("b", 1, 1)]


@pytest.mark.parametrize(
    ("inside", "message", "line"),
    [
        (
            'dynamic "statement" {\n for_each = var.more\n content {\n'
            ' actions = ["rds:DeleteDBCluster"]\n resources = ["*"]\n }\n }',
            "whether the statement is there depends on `var.more at main.tf:9:13`",
            8,
        ),
        (
            'statement {\n actions = ["rds:DeleteDBCluster"]\n resources = ["*"]\n'
            ' dynamic "condition" {\n for_each = var.more\n content {\n'
            ' test = "StringEquals"\n variable = "aws:PrincipalTag/a"\n values = ["b"]\n }\n }\n }',
            "the Condition `${var.more at main.tf:12:13}` is not known yet",
            8,
        ),
    ],
    ids=["statement", "condition"],
)
def test_what_a_dynamic_block_may_make_is_named_as_what_it_is(
    tmp_path: Path, inside: str, message: str, line: int
) -> None:
    write(
        tmp_path,
        main__tf=f"""variable "more" {{}}
resource "aws_iam_role" "a" {{
  name               = "a"
  assume_role_policy = {TRUST}
}}

data "aws_iam_policy_document" "d" {{
{inside}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.a.id
  policy = data.aws_iam_policy_document.d.json
}}
""",
    )
    (role,) = read_folder(tmp_path).roles
    (policy,) = role.identity
    (statement,) = policy.document.statements
    (problem,) = policy.document.problems
    assert (problem.message, problem.kind, statement.doubtful) == (message, "warning", message)
    location = policy.locate(problem.route)
    assert (location.line, "Statement" in location.route) == (line, False)
