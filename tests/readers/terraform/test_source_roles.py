"""Folders of Terraform source as roles, with the lines they come from."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from rolelint.cli import run
from rolelint.findings.model import Report
from rolelint.lint import Request, load_roles
from rolelint.policies.role import Policy, Reading, Role
from rolelint.policies.text import has_unknown, show
from rolelint.readers import FOLDER_READERS, ReadContext
from rolelint.readers.terraform import source
from tests.readers.listing import listing
from tests.readers.plan.replan import HERE

CONFIGS = HERE / "configs"
#: Cases where a plan knows more, from the state, or says less: source holds the text that a plan calls sensitive.
OTHERWISE = {c.parent.name for c in CONFIGS.glob("*/before")} | {"sensitive"}
TRUST = 'jsonencode({ Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" } }] })'


def write(folder: Path, **files: str) -> Path:
    """Write files into a folder; `__` in a name stands for a dot and `_in_` for a folder."""
    for name, text in files.items():
        path = folder / name.replace("_in_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def read_folder(folder: Path, context: ReadContext | None = None) -> Reading:
    """Read one folder as the pipeline does."""
    (reader,) = [r for r in FOLDER_READERS if r.name == "terraform"]
    files = sorted(str(p) for p in folder.iterdir() if p.is_file() and reader.takes(p.name))
    return source.read_folder(files, context or ReadContext())


def actions(role: Role) -> list[str]:
    """List the actions of a role's policies, `?` for a policy that is not known."""
    return [
        action
        for policy in role.identity
        for action in (
            ["?"] if policy.document.unknown else [show(a) for s in policy.document.statements for a in s.actions]
        )
    ]


def place(policy: Policy, *route: str | int) -> str:
    """Write where a route stands as `file:line:column`, the file by its name."""
    location = policy.locate(route)
    return f"{os.path.basename(location.file)}:{location.line}:{location.column}"


@pytest.mark.parametrize("case", sorted(p.name for p in CONFIGS.iterdir() if p.name not in OTHERWISE))
def test_source_and_plan_give_the_same_roles(case: str) -> None:
    folder = CONFIGS / case
    said = listing(read_folder(folder), places=True).replace("${partition}", "aws").replace("${region}", "eu-west-1")
    planned = (HERE / "expected" / f"{case}.source.txt").read_text()
    mine = sorted(line for line in said.splitlines() if not line.startswith("  unknown"))
    assert mine == sorted(line for line in planned.splitlines() if not line.startswith("  unknown"))
    assert said.count("  unknown") == planned.count("  unknown")


ROLE = f"""
resource "aws_iam_role" "r" {{
  name               = "r"
  assume_role_policy = {TRUST}
}}
"""


def test_lines_and_columns(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
locals {
  deletes = ["s3:DeleteObject", "s3:DeleteBucket"]
  more    = { Sid = "More", Effect = "Allow", Action = "sqs:*", Resource = "*" }
}
resource "aws_iam_role_policy" "encoded" {
  role   = aws_iam_role.r.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Effect   = "Allow"
        Action   = local.deletes
        Resource = "*"
      }
    ], [local.more])
  })
}
resource "aws_iam_role_policy" "heredoc" {
  role   = aws_iam_role.r.id
  policy = <<-EOT
    {
      "Statement": [
        {"Effect": "Allow", "Action": ["rds:*"], "Resource": "*"}
      ]
    }
  EOT
}
data "aws_iam_policy_document" "d" {
  statement {
    actions = [
      "ec2:RunInstances",
      "ec2:TerminateInstances",
    ]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = ["eu-west-1"]
    }
  }
}
resource "aws_iam_role_policy" "document" {
  role   = aws_iam_role.r.id
  policy = data.aws_iam_policy_document.d.json
}
"""
    )
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    encoded, heredoc, document = role.identity
    lines = text.split("\n")

    def at(words: str, alone: bool = False) -> str:
        number = next(i for i, line in enumerate(lines) if (line.strip() == words if alone else words in line))
        return f"main.tf:{number + 1}:{lines[number].index(words) + 1}"

    assert place(encoded, "Statement", 0, "Action", 1) == at('"s3:DeleteBucket"')
    assert place(encoded, "Statement", 0, "Resource") == at('Resource = "*"', alone=True)
    assert place(encoded, "Statement", 1, "Action") == at('Action = "sqs:*"')
    assert place(heredoc, "Statement", 0, "Action", 0) == at('"rds:*"')
    assert place(document, "Statement", 0, "Action", 1) == at('"ec2:TerminateInstances"')
    assert place(document, "Statement", 0, "Condition", "StringEquals") == at("condition {")
    assert role.location.line == 2
    assert role.trust is not None
    assert place(role.trust, "Statement", 0, "Principal") == at("Principal =")


def test_values_of_variables_in_their_order(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
variable "one" { default = "s3:a" }
variable "two" { default = "s3:b" }
variable "three" { default = "s3:c" }
variable "four" {}
locals {
  actions = [var.one, var.two, var.three, var.four]
}
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r.id
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = local.actions, Resource = "*" }] })
}
"""
    )
    write(
        tmp_path,
        main__tf=text,
        terraform__tfvars='two = "s3:B"\nthree = "s3:C"\n',
        last__auto__tfvars='three = "s3:CC"\n',
        other__tfvars='one = "not loaded"\n',
    )
    (role,) = read_folder(tmp_path).roles
    assert actions(role) == ["s3:a", "s3:B", "s3:CC", "${var.four}"]
    assert [u.what for u in role.unknowns] == ["inline policy `p`"]


def test_override_files_win(tmp_path: Path) -> None:
    override = 'resource "aws_iam_role" "r" {\n  name = "renamed"\n}\n'
    (role,) = read_folder(write(tmp_path, a__tf=ROLE, b_override__tf=override)).roles
    assert role.name == "renamed"


def test_json_syntax(tmp_path: Path) -> None:
    data = {
        "//": "made by a tool",
        "resource": {
            "aws_iam_role": {"r": {"name": "r", "assume_role_policy": "${jsonencode({Statement = []})}"}},
            "aws_iam_role_policy": {
                "p": [
                    {
                        "role": "${aws_iam_role.r.id}",
                        "policy": "${data.aws_iam_policy_document.d.json}",
                    }
                ]
            },
        },
        "data": {
            "aws_iam_policy_document": {
                "d": {"statement": [{"actions": ["s3:DeleteBucket"], "resources": ["arn:aws:s3:::${var.name}"]}]}
            }
        },
        "variable": {"name": {"default": "logs"}},
    }
    (role,) = read_folder(write(tmp_path, main__tf__json=json.dumps(data, indent=1))).roles
    (policy,) = role.identity
    assert policy.document.statements[0].resources == ("arn:aws:s3:::logs",)
    line = policy.locate(("Statement", 0, "Action", 0)).line
    assert "s3:DeleteBucket" in (tmp_path / "main.tf.json").read_text().split("\n")[line - 1]


def test_dynamic_statements(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
variable "tables" { default = { orders = "Get", carts = "Delete" } }
variable "unknown" {}
data "aws_iam_policy_document" "d" {
  dynamic "statement" {
    for_each = var.tables
    iterator = table
    content {
      sid       = table.key
      actions   = ["dynamodb:${table.value}Item"]
      resources = ["arn:aws:dynamodb:*:*:table/${table.key}"]
    }
  }
  dynamic "statement" {
    for_each = var.unknown ? [1] : []
    content {
      effect    = "Deny"
      actions   = ["dynamodb:DeleteItem"]
      resources = ["*"]
    }
  }
}
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r.id
  policy = data.aws_iam_policy_document.d.json
}
"""
    )
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    first, second, maybe = role.identity[0].document.statements
    assert [(s.sid, s.actions, s.resources) for s in (first, second)] == [
        ("orders", ("dynamodb:GetItem",), ("arn:aws:dynamodb:*:*:table/orders",)),
        ("carts", ("dynamodb:DeleteItem",), ("arn:aws:dynamodb:*:*:table/carts",)),
    ]
    # A Deny that may not be there must not protect.
    assert (maybe.effect, bool(maybe.doubtful)) == ("Deny", True)


def test_a_called_module_is_read_once(tmp_path: Path) -> None:
    module = 'variable "name" {}\nresource "aws_iam_role" "r" {\n  name = var.name\n  assume_role_policy = "{}"\n}\n'
    call = 'module "a" {\n  source = "./mod"\n  name   = "one"\n}\n'
    write(tmp_path, main__tf=call, mod_in_main__tf=module)
    roles = load_roles(Request((str(tmp_path),)), Report())
    assert [(r.name, r.location.address) for r in roles] == [("one", "module.a.aws_iam_role.r")]


def test_installed_modules_are_followed(tmp_path: Path) -> None:
    listing_file = json.dumps({"Modules": [{"Key": "a", "Source": "registry/x", "Dir": ".terraform/modules/a"}]})
    write(
        tmp_path,
        main__tf='module "a" {\n  source  = "example/role/aws"\n  version = "1.0"\n}\n# aws_iam_\n',
        __terraform_in_modules_in_modules__json=listing_file,
        __terraform_in_modules_in_a_in_main__tf=ROLE,
    )
    assert [r.location.address for r in read_folder(tmp_path).roles] == ["module.a.aws_iam_role.r"]


def test_modules_that_are_elsewhere_stay_unknown(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
module "policy" {
  source = "git::ssh://git@example.com/policy.git"
}
resource "aws_iam_role_policy_attachment" "a" {
  role       = aws_iam_role.r.name
  policy_arn = module.policy.arn
}
"""
    )
    reading = read_folder(write(tmp_path, main__tf=text))
    (role,) = reading.roles
    assert actions(role) == ["?"]
    assert [show(u.reason) for u in role.unknowns] == ["`${module.policy.arn}` is not known from the source"]
    assert [(p.kind, p.message) for p in reading.problems] == [  # type: ignore[attr-defined]
        ("warning", "the module `git::ssh://git@example.com/policy.git` is not here, so its roles are not read")
    ]


def test_a_module_that_calls_itself_ends(tmp_path: Path) -> None:
    text = ROLE + 'module "again" {\n  source = "./"\n}\n'
    roles = read_folder(write(tmp_path, main__tf=text)).roles
    assert 1 < len(roles) < 100


def test_bad_syntax_is_one_problem_and_the_rest_is_read(tmp_path: Path) -> None:
    reading = read_folder(write(tmp_path, a__tf="resource = = 1\n# aws_iam_\n", b__tf=ROLE))
    assert [r.name for r in reading.roles] == ["r"]
    (problem,) = reading.problems
    assert (os.path.basename(problem.location.file), problem.location.line, problem.kind) == ("a.tf", 1, "error")


def test_folders_without_iam_are_silent_and_unparsed(tmp_path: Path) -> None:
    reading = read_folder(write(tmp_path, main__tf='resource "aws_vpc" "v" {\n  cidr = = broken\n}\n'))
    assert (reading.roles, reading.policies, reading.problems) == ([], [], [])


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


def test_one_expression_that_fails_hides_no_other_role(tmp_path: Path) -> None:
    text = f"""
resource "aws_iam_role" "r" {{
  name               = "r"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  role   = element([aws_iam_role.r], "nan").name
  policy = jsonencode({{ Statement = [{{ Effect = "Allow", Action = "s3:*", Resource = split("", "x") }}] }})
}}
"""
    assert "r" in [role.name for role in read_folder(write(tmp_path, main__tf=text)).roles]


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


def test_providers_and_partitions(tmp_path: Path) -> None:
    text = f"""
provider "aws" {{
  region = var.region
}}
provider "aws" {{
  alias  = "gov"
  region = "us-gov-west-1"
}}
variable "region" {{ default = "cn-north-1" }}
resource "aws_iam_role" "a" {{
  name               = "same"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role" "b" {{
  provider           = aws.gov
  name               = "same"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy_attachment" "b" {{
  provider   = aws.gov
  role       = "same"
  policy_arn = "arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"
}}
"""
    first, second = read_folder(write(tmp_path, main__tf=text)).roles
    assert [(r.partition, len(r.identity)) for r in (first, second)] == [("aws-cn", 0), ("aws-us-gov", 1)]


def test_unknown_literals_say_where_they_are(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r.id
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "arn:aws:s3:::${sha1("x")}/*" }] })
}
"""
    )
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    (resource,) = role.identity[0].document.statements[0].resources or ()
    assert has_unknown(resource)
    assert show(resource) == 'arn:aws:s3:::${sha1("x") at main.tf:9:102}/*'


def test_data_sources_that_only_look_up(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
data "aws_iam_policy" "by_arn" { arn = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess" }
data "aws_iam_policy" "by_name" { name = "AWSLambdaBasicExecutionRole" }
data "aws_iam_policy" "own" { name = "ours" }
resource "aws_iam_role_policy_attachment" "a" {
  for_each = {
    a = data.aws_iam_policy.by_arn.arn
    b = data.aws_iam_policy.by_name.arn
    c = data.aws_iam_policy.own.arn
  }
  role       = aws_iam_role.r.name
  policy_arn = each.value
}
"""
    )
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    assert [p.name for p in role.identity][:2] == ["AmazonSQSReadOnlyAccess", "AWSLambdaBasicExecutionRole"]
    assert [bool(p.document.unknown) for p in role.identity] == [False, False, True]


def test_files_in_other_encodings_and_line_ends(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_bytes(b"\xef\xbb\xbf" + ROLE.replace("\n", "\r\n").encode())
    (role,) = read_folder(tmp_path).roles
    assert (role.name, role.location.line) == ("r", 2)


def test_a_copy_of_everything_is_read_in_one_go(tmp_path: Path) -> None:
    for case in sorted(CONFIGS.iterdir()):
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


def test_an_exclusive_list_closes_what_the_role_says_of_itself(tmp_path: Path) -> None:
    text = f"""
resource "aws_iam_role" "r" {{
  name                = "r"
  assume_role_policy  = {TRUST}
  managed_policy_arns = ["arn:aws:iam::aws:policy/AdministratorAccess"]
}}
resource "aws_iam_role_policy_attachments_exclusive" "r" {{
  role_name   = aws_iam_role.r.name
  policy_arns = ["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"]
}}
"""
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    assert [p.name for p in role.identity] == ["AmazonSQSReadOnlyAccess"]


LOOSE = """
data "aws_iam_policy_document" "{name}" {{
  statement {{
    {body}
    actions = ["{action}"]
  }}
}}
"""


@pytest.mark.parametrize(
    ("body", "action", "roles", "policies"),
    [
        ('resources = ["*"]', "*", [["*"]], []),
        ('principals {\n type = "AWS"\n identifiers = ["*"]\n }', "sts:AssumeRole", [], ["trust"]),
        (
            'resources = ["arn:aws:s3:::b"]\n principals {\n type = "AWS"\n identifiers = ["*"]\n }',
            "s3:*",
            [],
            ["resource"],
        ),
        (
            'effect = "Deny"\n resources = ["*"]\n principals {\n type = "*"\n identifiers = ["*"]\n }',
            "s3:*",
            [],
            ["rcp"],
        ),
    ],
    ids=["identity", "trust", "resource", "rcp"],
)
def test_a_document_that_nothing_uses_is_read(
    tmp_path: Path, body: str, action: str, roles: list[list[str]], policies: list[str]
) -> None:
    write(tmp_path, main__tf=LOOSE.format(name="all", body=body, action=action))
    reading = read_folder(tmp_path)
    assert [actions(role) for role in reading.roles] == roles
    assert [p.type.value for p in reading.policies] == policies


@pytest.mark.parametrize(
    "user",
    [
        'output "o" {\n value = data.aws_iam_policy_document.all.json\n}',
        'resource "aws_sqs_queue" "q" {\n policy = data.aws_iam_policy_document.all.json\n}',
        'resource "other_thing" "q" {\n text = data.aws_iam_policy_document.all.json\n}',
        'data "aws_iam_policy_document" "b" {\n source_policy_documents = [data.aws_iam_policy_document.all.json]\n}\n'
        'output "o" {\n value = data.aws_iam_policy_document.b.json\n}',
        "locals {\n text = data.aws_iam_policy_document.all.json\n}",
    ],
    ids=["output", "queue", "another provider", "another document", "local"],
)
def test_a_document_that_something_uses_is_no_policy_by_itself(tmp_path: Path, user: str) -> None:
    write(tmp_path, main__tf=LOOSE.format(name="all", body='resources = ["*"]', action="*") + user)
    assert [role.name for role in read_folder(tmp_path).roles] == []


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


def test_providers_of_one_account_share_its_roles(tmp_path: Path) -> None:
    write(
        tmp_path,
        main__tf=f"""
provider "aws" {{ region = "eu-west-1" }}
provider "aws" {{
  alias  = "us"
  region = "us-east-1"
}}
provider "aws" {{
  alias   = "other"
  profile = "other"
}}
resource "aws_iam_role" "a" {{
  name               = "a"
  assume_role_policy = {TRUST}
}}
module "us" {{
  source    = "./m"
  providers = {{ aws = aws.us }}
}}
module "other" {{
  source    = "./m"
  providers = {{ aws = aws.other }}
}}
""",
        m_in_main__tf="""
resource "aws_iam_role_policy" "p" {
  role   = "a"
  name   = "p"
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "rds:DeleteDBCluster", Resource = "*" }] })
}
""",
    )
    roles = read_folder(tmp_path).roles
    assert [(r.location.address, actions(r)) for r in roles] == [
        ("aws_iam_role.a", ["rds:DeleteDBCluster"]),
        ("module.other.aws_iam_role_policy.p", ["rds:DeleteDBCluster"]),
    ]


def test_sensitive_variables_are_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variables = [
        f'variable "{name}" {{\n  sensitive = {hidden}\n  default   = "arn:aws:s3:::{name}-bucket"\n}}'
        for name, hidden in (("open", "false"), ("given", "true"), ("default", "true"))
    ]
    variables.append('locals {\n  called = sensitive("arn:aws:s3:::called-secret")\n}')
    names = ("var.open", "var.given", "var.default", "local.called")
    resources = ", ".join(f'"${{{name}}}/*"' for name in names)
    write(
        tmp_path,
        main__tf="\n".join(variables)
        + f"""
resource "aws_iam_role" "a" {{
  name               = "a"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.a.id
  policy = jsonencode({{ Statement = [{{ Effect = "Allow", Action = "s3:DeleteObject", Resource = [{resources}] }}] }})
}}
""",
        terraform__tfvars='given = "arn:aws:s3:::truly-secret"\n',
    )
    for form in ("text", "json", "sarif"):
        run(["check", str(tmp_path), "--format", form, "--color", "never"])
        said = capsys.readouterr().out
        assert "s3:DeleteObject" in said
        assert "open-bucket" in said
        assert not any(secret in said for secret in ("truly-secret", "given-bucket", "default-bucket", "called-secret"))


def test_a_policy_that_is_called_sensitive_is_judged(tmp_path: Path) -> None:
    document = '{ Statement = [{ Effect = "Allow", Action = "s3:DeleteObject", Resource = "*" }] }'
    text = f"""{ROLE}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.id
  policy = sensitive(jsonencode({document}))
}}
"""
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    assert actions(role) == ["s3:DeleteObject"]


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


def test_a_queue_url_of_another_form_is_no_bug(tmp_path: Path) -> None:
    text = """
resource "aws_sqs_queue_policy" "q" {
  queue_url = "https://sqs.eu-west-1.amazonaws.com"
  policy    = jsonencode({ Statement = [{ Effect = "Allow", Principal = "*", Action = "sqs:*", Resource = "*" }] })
}
"""
    (policy,) = read_folder(write(tmp_path, main__tf=text)).policies
    assert policy.resource == ""
