"""Folders of Terraform source as roles, with the lines they come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolelint.cli import run
from rolelint.engine import can
from rolelint.findings.model import Report
from rolelint.lint import Request, load_roles
from rolelint.policies.text import has_unknown, show
from tests.readers.listing import listing
from tests.readers.plan.replan import HERE
from tests.readers.terraform.folders import ROLE, TRUST, actions, place, read_folder, write

CONFIGS = HERE / "configs"


#: Cases where a plan knows more, from the state, or says less: source holds the text that a plan calls sensitive.
OTHERWISE = {c.parent.name for c in CONFIGS.glob("*/before")} | {"sensitive"}


@pytest.mark.parametrize("case", sorted(p.name for p in CONFIGS.iterdir() if p.name not in OTHERWISE))
def test_source_and_plan_give_the_same_roles(case: str) -> None:
    folder = CONFIGS / case
    said = listing(read_folder(folder), places=True).replace("${partition}", "aws").replace("${region}", "eu-west-1")
    planned = (HERE / "expected" / f"{case}.source.txt").read_text()
    mine = sorted(line for line in said.splitlines() if not line.startswith("  unknown"))
    assert mine == sorted(line for line in planned.splitlines() if not line.startswith("  unknown"))
    assert said.count("  unknown") == planned.count("  unknown")


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
        ("carts", ("dynamodb:DeleteItem",), ("arn:aws:dynamodb:*:*:table/carts",)),
        ("orders", ("dynamodb:GetItem",), ("arn:aws:dynamodb:*:*:table/orders",)),
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
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "arn:aws:s3:::${uuid()}/*" }] })
}
"""
    )
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    (resource,) = role.identity[0].document.statements[0].resources or ()
    assert has_unknown(resource)
    assert show(resource) == "arn:aws:s3:::${uuid() at main.tf:9:102}/*"


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


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ('["other"]', "no"),
        ("[]", "no"),
        ('["x"]', "yes proved"),
        ('var.on ? [] : ["x"]', "yes possible"),
        ('concat(["other"], var.on ? ["x"] : [])', "yes possible"),
    ],
)
def test_an_exclusive_list_leaves_the_inline_policies_that_it_names(tmp_path: Path, names: str, expected: str) -> None:
    text = f"""
variable "on" {{}}
resource "aws_iam_role" "r" {{
  assume_role_policy = {TRUST}
  inline_policy {{
    name   = "x"
    policy = jsonencode({{ Statement = [{{ Effect = "Allow", Action = "s3:DeleteBucket", Resource = "*" }}] }})
  }}
}}
resource "aws_iam_role_policies_exclusive" "r" {{
  role_name    = aws_iam_role.r.name
  policy_names = {names}
}}
"""
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    answer = can(role, "s3:DeleteBucket")
    assert (f"yes {answer.certainty}" if answer.verdict == "yes" else answer.verdict) == expected


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


def test_a_queue_url_of_another_form_is_no_bug(tmp_path: Path) -> None:
    text = """
resource "aws_sqs_queue_policy" "q" {
  queue_url = "https://sqs.eu-west-1.amazonaws.com"
  policy    = jsonencode({ Statement = [{ Effect = "Allow", Principal = "*", Action = "sqs:*", Resource = "*" }] })
}
"""
    (policy,) = read_folder(write(tmp_path, main__tf=text)).policies
    assert policy.resource == ""


@pytest.mark.parametrize(
    "name", ["aws_s3_directory_bucket.b.bucket", "aws_s3_directory_bucket.b.id", '"tmp--az1--x-s3"']
)
def test_the_policy_of_a_directory_bucket_is_of_its_own_service(tmp_path: Path, name: str) -> None:
    text = f"""
resource "aws_s3_directory_bucket" "b" {{
  bucket = "tmp--az1--x-s3"
}}
resource "aws_s3_bucket_policy" "p" {{
  bucket = {name}
  policy = jsonencode({{ Statement = [{{
    Effect = "Deny", Principal = "*", Action = "s3express:DeleteBucket", Resource = aws_s3_directory_bucket.b.arn
  }}] }})
}}
"""
    (policy,) = read_folder(write(tmp_path, main__tf=text)).policies
    arn = "arn:${partition}:s3express:${region}:${account id}:bucket/tmp--az1--x-s3"
    assert (show(policy.resource), [show(r) for r in policy.document.statements[0].resources or ()]) == (arn, [arn])


def test_a_document_whose_key_is_not_known_is_found_by_it(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
resource "aws_s3_bucket" "b" {}
data "aws_iam_policy_document" "d" {
  for_each = toset([aws_s3_bucket.b.arn, "x"])
  statement {
    actions   = ["s3:DeleteBucket"]
    resources = [each.key]
  }
}
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r.id
  policy = data.aws_iam_policy_document.d[aws_s3_bucket.b.arn].json
}
"""
    )
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    assert actions(role) == ["s3:DeleteBucket"]
    assert [show(r) for r in role.identity[0].document.statements[0].resources or ()] == [
        "arn:${partition}:s3:::${aws_s3_bucket.b.bucket}"
    ]


def test_an_effect_that_is_not_known_is_told_as_that(tmp_path: Path) -> None:
    text = (
        ROLE
        + """
variable "on" {}
resource "aws_iam_role_policy" "p" {
  role   = aws_iam_role.r.id
  policy = jsonencode({ Statement = [{ Effect = var.on ? "Allow" : "Deny", Action = "s3:*", Resource = "*" }] })
}
"""
    )
    (role,) = read_folder(write(tmp_path, main__tf=text)).roles
    told = [(s.effect, s.index, s.doubtful.split(":")[0]) for s in role.identity[0].document.statements]
    why = "whether the statement allows or denies is not known"
    assert told == [("Allow", 0, why), ("Deny", 0, why)]


@pytest.mark.parametrize(
    ("default", "own", "tags"),
    [
        ('{ team = "a", n = 1 }', '{ team = "b" }', {"team": "b", "n": "1"}),
        ('{ team = "a" }', "null", {"team": "a"}),
        ("var.tags", '{ team = "b" }', None),
        ('{ team = "a" }', "var.tags", None),
    ],
)
def test_tags_of_the_provider(tmp_path: Path, default: str, own: str, tags: dict[str, str] | None) -> None:
    text = f'variable "tags" {{}}\nprovider "aws" {{\n  default_tags {{\n    tags = {default}\n  }}\n}}\n'
    role = ROLE.replace('name               = "r"', f'name = "r"\n  tags = {own}')
    (read,) = read_folder(write(tmp_path, main__tf=text + role)).roles
    assert read.tags == tags


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("jsonencode(merge(local.base, { Statement = [local.base.Statement[1]] }))", ["rds:*"]),
        (
            "jsonencode({ Statement = concat(local.base.Statement, [local.more]) })",
            ["ec2:*", "ec2:Run*", "rds:*", "a:b"],
        ),
        ('jsonencode({ Statement = [for s in local.base.Statement : s if s.Sid == "A"] })', ["ec2:*", "ec2:Run*"]),
        ('replace(data.aws_iam_policy_document.d.json, "\\"rds:*\\"", "\\"s3:*\\"")', ["ec2:*", "ec2:Run*", "s3:*"]),
        ("jsonencode(jsondecode(data.aws_iam_policy_document.maybe[0].json))", ["?"]),
        ("jsonencode(jsondecode(data.aws_iam_policy_document.round.json))", ["?"]),
    ],
)
def test_the_json_of_a_policy_document_is_worked_with(tmp_path: Path, expression: str, expected: list[str]) -> None:
    statement = 'statement {{\n    sid       = "{}"\n    actions   = [{}]\n    resources = ["*"]\n  }}'
    text = f"""
variable "on" {{}}
locals {{
  base = jsondecode(data.aws_iam_policy_document.d.json)
  more = {{ Effect = "Allow", Action = "a:b", Resource = "*" }}
}}
data "aws_iam_policy_document" "d" {{
  source_policy_documents = [data.aws_iam_policy_document.first.json]
  {statement.format("B", '"rds:*"')}
}}
data "aws_iam_policy_document" "first" {{
  {statement.format("A", '"ec2:*", "ec2:Run*"')}
}}
data "aws_iam_policy_document" "maybe" {{
  count = var.on ? 1 : 0
  {statement.format("A", '"s3:*"')}
}}
data "aws_iam_policy_document" "round" {{
  source_policy_documents = [replace(data.aws_iam_policy_document.round.json, "a", "b")]
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.id
  policy = {expression}
}}
"""
    roles = read_folder(write(tmp_path, main__tf=text + ROLE)).roles
    assert actions(next(r for r in roles if r.kind == "role")) == expected
