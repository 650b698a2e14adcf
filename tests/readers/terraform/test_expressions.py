"""What expressions of Terraform source are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rolelint.policies.text import show, unknown
from rolelint.readers.terraform.files import Files
from rolelint.readers.terraform.functions import FUNCTIONS
from rolelint.readers.terraform.tree import Tree

SOURCE = """
variable "open" {}
variable "name" { default = "team" }
variable "flag" { default = true }
variable "list" { default = ["a", "b"] }
variable "set" {
  type    = set(string)
  default = ["b", "a", "b"]
}
variable "config" {
  type = object({
    size = optional(number, 3)
    tags = optional(map(string), {})
    note = optional(string)
    kind = string
  })
  default = { kind = "small" }
}
locals {
  map     = { x = "1", y = var.open }
  loop_a  = local.loop_b
  loop_b  = local.loop_a
  secrets = { for k, v in local.map : upper(k) => v }
}
locals {
  doubled_0 = ["a"]
  DOUBLED
}
resource "aws_s3_bucket" "named" { bucket = "named" }
resource "aws_s3_bucket" "made" {}
resource "terraform_data" "kept" { input = { acts = ["s3:Get*"] } }
resource "aws_iam_role" "many" {
  for_each = { a = "/x/", b = "/y/" }
  name     = "role-${each.key}"
  path     = each.value
}
resource "aws_iam_role" "any" {
  for_each = var.open
  name     = each.key
}
resource "aws_iam_role" "maybe" {
  count = var.open ? 1 : 0
  name  = "maybe"

  managed_policy_arns   = ["a"]
  force_detach_policies = true
}
resource "aws_eks_cluster" "one" {
  vpc_config { subnet_ids = ["a"] }
}
resource "aws_sqs_queue" "two" {
  count = 2
  name  = "queue-${count.index}"
}
resource "aws_s3_bucket" "null" { bucket = null }
resource "aws_sns_topic" "far" {
  name   = "far"
  region = data.aws_region.far.name
}
resource "aws_sns_topic" "near" {
  name   = "near"
  region = null
}
resource "aws_sns_topic" "somewhere" {
  name   = "somewhere"
  region = var.open
}
data "aws_region" "here" { region = null }
data "aws_region" "far" { name = "eu-west-1" }
resource "aws_iam_policy" "none" {
  for_each = {}
  policy   = "{}"
}
data "template_file" "policy" {
  count    = 2
  template = file("policy.json")
  vars     = { arn = var.open, count = count.index }
}
data "template_file" "plain" { template = "a-$${b}" }
data "local_file" "text" { filename = "${path.module}/policy.json" }
data "local_file" "gone" { filename = "${path.module}/gone.json" }
data "aws_caller_identity" "me" {}
data "aws_partition" "here" {}
""".replace("DOUBLED", "\n".join(f"doubled_{i} = [local.doubled_{i - 1}, local.doubled_{i - 1}]" for i in range(1, 40)))

U = unknown("var.open")


def evaluated(tmp_path: Path, expression: str) -> Any:
    """Evaluate one expression beside SOURCE."""
    (tmp_path / "main.tf").write_text(f"{SOURCE}\nlocals {{\n  result = {expression}\n}}\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.json").touch()
    (tmp_path / "upper.txt").write_text("a\n-${upper(v)}")
    (tmp_path / "policy.json").write_text('{"Resource": "${arn}", "Count": ${count}}')
    return Tree(str(tmp_path), Files({})).root.local("result")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("var.name", "team"),
        ("var.open", U),
        ('"${var.name}-${var.open}/*"', f"team-{U}/*"),
        ("var.config.size", 3),
        ("var.config.tags", {}),
        ("var.config.note", None),
        ("var.config.note != null", False),
        ("local.map.x", "1"),
        ('local.map["y"]', U),
        ("local.secrets", {"X": "1", "Y": U}),
        ('var.flag ? "yes" : "no"', "yes"),
        ('var.open == "x" ? "same" : "same"', "same"),
        ("var.flag || var.open", True),
        ("false && var.open", False),
        ("1 + 2 * 3", 7),
        ("10 / 4", 2.5),
        ("7 % 4 == 3", True),
        ("-7 % 3", -1),
        ("var.list[5 % 2]", "b"),
        ('[for k, v in { b = 1, a = 2 } : k]', ["a", "b"]),
        ("tolist(var.set)[0]", "a"),
        ('title("myApp-PROD o\'neil")', "MyApp-PROD O'Neil"),
        ('basename("a/b/")', "b"),
        ('basename(aws_iam_role.many["a"].arn)', "role-a"),
        ('split("/", aws_iam_role.many["a"].arn)', ["arn:${partition}:iam::${account id}:role", "x", "role-a"]),
        ('element(split(":", aws_s3_bucket.named.arn), 5)', "named"),
        ('basename("/")', "/"),
        ("range(3, 0)", [3, 2, 1]),
        ("9007199254740993 % 10", 3),
        ('split("", "abc")', ["a", "b", "c"]),
        ('core::upper("${core::lower("A")}b")', "AB"),
        ('format("%[2]s/%[1]s/%s", "a", "b")', "b/a/b"),
        ('format("%[1]s:%5.1f:%t:%X", "a", 2.25, true, 255)', "a:  2.2:true:FF"),
        ('format("%v", ["a", 1])', '["a",1]'),
        ('format("%[1]s-%[1]s", var.open)', f"{U}-{U}"),
        ('formatlist("%s-x", "a")', ["a-x"]),
        ('csvdecode("name,arn\\na,\\"1,2\\"\\n")', [{"name": "a", "arn": "1,2"}]),
        ("!var.flag", False),
        ('[for v in var.list : upper(v) if v != "a"]', ["B"]),
        ("{ for i, v in var.list : v => i }", {"a": 0, "b": 1}),
        ('{ for v in ["x1", "x2"] : substr(v, 0, 1) => v... }', {"x": ["x1", "x2"]}),
        ("aws_s3_bucket.named.arn", "arn:${partition}:s3:::named"),
        ("aws_s3_bucket.named.id", "named"),
        ("terraform_data.kept.output.acts", ["s3:Get*"]),
        ("terraform_data.kept.id", unknown("terraform_data.kept.id")),
        ('"${aws_s3_bucket.made.arn}/*"', "arn:${partition}:s3:::${aws_s3_bucket.made.bucket}/*"),
        ('aws_iam_role.many["a"].arn', "arn:${partition}:iam::${account id}:role/x/role-a"),
        ("[for r in aws_iam_role.many : r.name]", ["role-a", "role-b"]),
        ("values(aws_iam_role.many)[*].name", ["role-a", "role-b"]),
        ("aws_sqs_queue.two[1].name", "queue-1"),
        ("aws_sqs_queue.two[*].name", ["queue-0", "queue-1"]),
        ("aws_sqs_queue.two.*.name", ["queue-0", "queue-1"]),
        ("aws_sqs_queue.two[0].url", "${aws_sqs_queue.two[0].url}"),
        ("data.aws_caller_identity.me.account_id", "${account id}"),
        ("data.aws_partition.here.partition", "${partition}"),
        ("data.aws_vpc.other.id", "${data.aws_vpc.other.id}"),
        ("resource.aws_s3_bucket.named.arn", "arn:${partition}:s3:::named"),
        ('resource.aws_iam_role.many["a"].name', "role-a"),
        ("[var.open] == true", False),
        ('"a" != { a = var.open }', True),
        ("aws_s3_bucket.null.arn", "arn:${partition}:s3:::${aws_s3_bucket.null.bucket}"),
        ("aws_s3_bucket.null.bucket", "${aws_s3_bucket.null.bucket}"),
        ("aws_s3_bucket.named.region", "${region}"),
        ("aws_sns_topic.far.arn", "arn:${partition}:sns:eu-west-1:${account id}:far"),
        ("aws_sns_topic.near.arn", "arn:${partition}:sns:${region}:${account id}:near"),
        ("aws_sns_topic.somewhere.arn", "arn:${partition}:sns:${var.open}:${account id}:somewhere"),
        ("data.aws_region.here.region", "${region}"),
        ("data.aws_region.far.id", "eu-west-1"),
        ("[for resource in var.list : resource]", ["a", "b"]),
        ('contains(keys(aws_iam_policy.none), "a") ? aws_iam_policy.none["a"].arn : "x"', "x"),
        ("[for p in aws_iam_policy.none : p.arn]", []),
        ("jsondecode(data.template_file.policy[1].rendered)", {"Resource": "${var.open}", "Count": 1}),
        ("data.template_file.plain.rendered", "a-${b at template:1:5}"),
        ('templatefile("upper.txt", { v = var.open })', "a\n-${upper(v) at upper.txt:2:4 v=var.open}"),
        ("data.local_file.text.content", '{"Resource": "${arn}", "Count": ${count}}'),
        ("data.local_file.gone.content", "${data.local_file.gone.content}"),
        ('templatestring("a-$${b}", { b = var.open })', f"a-{U}"),
        ("chunklist([1, 2, 3], 2)", [[1, 2], [3]]),
        ("chunklist(var.list, 0)", [["a", "b"]]),
        ('indent(2, "a\nb")', "a\n  b"),
        ('matchkeys(["1", "2"], var.list, ["b"])', ["2"]),
        ('transpose({ x = ["a", "b"], y = ["a"] })', {"a": ["x", "y"], "b": ["x"]}),
        ('substr(sha1(var.name), 0, 8)', "d25187dc"),
        ("ceil(5 / 2) + floor(5 / 2)", 5),
        ('try(local.map.z, "other")', "other"),
        ("can(local.map.z)", False),
        ("can(local.map.x)", True),
        ('try("${local.map.z}-role", "other")', "other"),
        ("try(length(local.map.z) > 0, false)", False),
        ('try(concat(local.map.z, ["a"]), ["b"])', ["b"]),
        ('try(var.list[7], "other")', "other"),
        ('try(tonumber("x"), 5)', 5),
        ('try(jsondecode("{"), "other")', "other"),
        ('try(file("nothing-here"), "other")', "other"),
        ("try(null.x, lookup({}, 1), one(var.list), element([], 0), 5)", 5),
        ('try(var.open.x, "other")', "${var.open.x}"),
        ("[aws_iam_role.any[*].name][0][0]", "${aws_iam_role.any each.key}"),
        ('try(aws_iam_role.maybe[0].name, "")', "maybe"),
        ('try("${aws_iam_role.maybe[0].name}/*", local.map.z, null)', "maybe/*"),
        ('try(aws_iam_role.maybe[0].name, "maybe")', "maybe"),
        ("one(aws_iam_role.maybe[*].name)", "maybe"),
        ('join("", aws_iam_role.maybe[*].name)', "maybe"),
        ("(aws_iam_role.maybe[*].name)[0]", "maybe"),
        ("try(aws_iam_role.maybe[0].managed_policy_arns, null)", ["a"]),
        ("concat([\"a\"], aws_iam_role.maybe.*.name)", ["a", "maybe"]),
        ("[for r in aws_iam_role.maybe[*] : r.name]", ["maybe"]),
        ("aws_iam_role.maybe != null", True),
        ('aws_s3_bucket.named["bucket"]', "named"),
        ('[for r in values(aws_iam_role.many) : r["name"]]', ["role-a", "role-b"]),
        ('aws_iam_role.any["x"]["name"]', "${aws_iam_role.any each.key}"),
        ("aws_eks_cluster.one.vpc_config[0].subnet_ids", ["a"]),
        ("try(aws_eks_cluster.one.vpc_config[1].subnet_ids, 1)", 1),
        ('index([var.name, "b"], "b")', 1),
        ('try(index(["a"], "b"), 7)', 7),
        ('try(tonumber("1_0"), tonumber("nan"), 5)', 5),
        ('format("%v", 5)', "5"),
        ('yamldecode("a: [1, {b: c}]")', {"a": [1, {"b": "c"}]}),
        ('yamldecode("a: ${var.open}")', {"a": U}),
        ('fileexists("policy.json")', True),
        ('fileexists("${path.module}/nothing-here")', False),
        ('fileset(path.module, "*.json")', ["policy.json"]),
        ('fileset(path.module, "**/{policy,b}.json")', ["policy.json", "sub/b.json"]),
        ('fileset(path.module, "s*")', []),
        ('dirname("a/b/c")', "a/b"),
        ('setintersection(var.list, ["b", "c"])', ["b"]),
        ('setsubtract(["b", "c"], var.list)', ["c"]),
        ('lookup(local.map, "z", "d")', "d"),
        ("merge({ a = 1 }, { b = 2 }, { a = 3 })", {"a": 3, "b": 2}),
        ('concat(["a"], var.list, [])', ["a", "a", "b"]),
        ("concat(var.list, var.open)", ["a", "b", "${var.open}"]),
        ('join(",", concat(var.list, [var.open]))', f"a,b,{U}"),
        ('format("arn:aws:s3:::%s/%03d%%", var.open, 7)', f"arn:aws:s3:::{U}/007%"),
        ('formatlist("%s/*", var.list)', ["a/*", "b/*"]),
        ('toset(["b", "a", "b"])', ["a", "b"]),
        ("flatten([[1, [2]], [3]])", [1, 2, 3]),
        ("length(var.list)", 2),
        ("element(var.list, 3)", "b"),
        ('coalesce(null, "", "x")', "x"),
        ('compact(["", "a", null])', ["a"]),
        ('distinct(["a", "a", "b"])', ["a", "b"]),
        ('split("/", "a/b")', ["a", "b"]),
        ('replace("a-b", "-", "_")', "a_b"),
        ('replace("arn:aws:iam::1:oidc-provider/x/id", "/^(.*provider/)/", "")', "x/id"),
        ('replace("a:${var.open}/x", ":${var.open}/x", "")', "a"),
        ('replace("_ARN_/${var.open}/_ARN_", "_ARN_", aws_s3_bucket.named.arn)',
         f"arn:{unknown('partition')}:s3:::named/{U}/arn:{unknown('partition')}:s3:::named"),
        ('replace("${var.open}/*", "{{id}}", "x")', f"{U}/*"),
        ('replace("s3_read", "/[^0-9A-Za-z]*/", "")', "s3read"),
        ('replace("a1-b2", "/([a-z])(\\\\d)/", "$2$${1}")', "1a-2b"),
        ('regex("^t.*m$", var.name)', "team"),
        ('regex("(t)(x)?", var.name)', ["t", None]),
        ('regex("(?P<first>.)e", var.name).first', "t"),
        ('can(regex("^prod", var.name))', False),
        ('try(regex("^prod", var.name), "none")', "none"),
        ('regexall("[a-m]", var.name)', ["e", "a", "m"]),
        ('length(regexall("x", var.name)) > 0', False),
        ('trimsuffix("a.b", ".b")', "a"),
        ('contains(var.list, "a")', True),
        ("one([])", None),
        ("keys(local.map)", ["x", "y"]),
        ("range(1, 4)", [1, 2, 3]),
        ('setproduct(["a"], ["x", "y"])', [["a", "x"], ["a", "y"]]),
        ('zipmap(["a", "b"], [1, 2])', {"a": 1, "b": 2}),
        ('base64decode(base64encode("x"))', "x"),
        ('jsondecode(jsonencode({ a = [var.open, true, null] }))', {"a": [U, True, None]}),
        ('jsondecode(templatefile("policy.json", { arn = aws_s3_bucket.made.arn, count = 2 })).Resource',
         "arn:${partition}:s3:::${aws_s3_bucket.made.bucket}"),
        ('jsondecode(templatefile("${path.module}/policy.json", { arn = "x", count = var.open })).Count',
         "${var.open}"),
        ('jsondecode(jsonencode({ name = aws_iam_role.many["z"].id })).name', "${result}"),
        ("sensitive(var.name)", "team"),
        ("tostring(5)", "5"),
        ('tonumber("5")', 5),
        ('"%{ if var.flag }on%{ else }off%{ endif }"', "on"),
        ('"%{ for v in var.list }${v};%{ endfor }"', "a;b;"),
    ],
)  # fmt: skip
def test_values(tmp_path: Path, expression: str, expected: Any) -> None:
    found = evaluated(tmp_path, expression)
    if expected == "${result}":
        assert "aws_iam_role.many" in show(found)
        return
    assert shown(found) == shown(expected)


def shown(item: Any) -> Any:
    """Write unknown values for people everywhere in a value."""
    if isinstance(item, str):
        return show(item)
    if isinstance(item, list):
        return [shown(i) for i in item]
    return {k: shown(v) for k, v in item.items()} if isinstance(item, dict) else item


@pytest.mark.parametrize(
    "expression",
    [
        "timestamp()",
        'regex("a", var.open)',
        'regex("[[:alpha:]]", var.name)',
        'regex("(a*)*$", var.name)',
        'regex("(?i)TEAM", var.name)',
        'regex("a**", var.name)',
        'regex("(a", var.name)',
        'regex("[a--b]", var.name)',
        'replace("ab", "/x*/", "-")',
        'replace("a-${var.open}", "-", "_")',
        'replace("x/${var.open}/", "/${var.open}/", "")',
        'replace("https://x/${var.open}", "https://", "")',
        'replace("${var.open}", "a${var.open}", "")',
        'replace("a${var.open}${local.map.y}${aws_s3_bucket.made.arn}", "a${var.open}", "")',
        'replace("ab", "/(?P<n>a)/", "$n")',
        'regex("a", join("", [for i in range(300) : "x"]))',
        'regexall("x*", var.name)',
        'regex("[a]{0,256}[a]{0,256}a?a?b", "aaa")',
        'fileset(path.module, "%s")' % ("{a,b}" * 20),
        'element(["a", "b"], "nan")',
        'can() ? "a" : "b"',
        "max([]...)",
        "range(0, 5, 0)",
        'format("%5.2f", "abc")',
        'format("%999999d", 1)',
        'format("%e", 1)',
        'try(format("%e", 1), "other")',
        'try(var.open ? "x" : local.map.z, "other")',
        'setsubtract([["a", var.open]], [["a", "x"]])',
        'setsubtract([{ n = var.open }], [{ n = "x" }])',
        'setintersection([{ n = var.open }], [{ n = "x" }])',
        'contains([{ n = "x" }], { n = var.open })',
        'index([var.open, "b"], "b")',
        'lookup({ (var.open) = 1 }, "z", 2)',
        'try(aws_iam_role.maybe[0].name, "other")',
        'try("${aws_iam_role.maybe[0].name}/*", "other")',
        'try(upper(aws_iam_role.maybe[0].name), "other")',
        'try(one(aws_iam_role.maybe[*]).name, "other")',
        'try(aws_iam_role.maybe[0].managed_policy_arns, ["b"])',
        "try(aws_iam_role.maybe[0].force_detach_policies, false)",
        'can(aws_iam_role.maybe[0].name) ? "a" : "b"',
        'coalesce(one(aws_iam_role.maybe[*].name), "other")',
        'coalesce(try(aws_iam_role.maybe[0].name, null), "other")',
        'one(aws_iam_role.maybe[*].name) == null ? "a" : "b"',
        'try(aws_iam_role.maybe[0].name, "") != "" ? "a" : "b"',
        'length(try(aws_iam_role.maybe[0].name, "")) > 0',
        "length(aws_iam_role.maybe[*].name) == 0",
        "length(flatten([aws_iam_role.maybe[*].name])) == 0",
        "aws_iam_role.maybe[*].name == []",
        'contains(aws_iam_role.maybe[*].name, "maybe")',
        'concat(aws_iam_role.maybe[*].name, ["other"])[0]',
        'element(concat(aws_iam_role.maybe[*].name, ["other"]), 0)',
        "{ for n in aws_iam_role.maybe[*].name : n => 1 }",
        'length(concat(var.open, ["a"])) == 1',
        'concat(var.open, ["a"])[1]',
        "length(compact([var.open])) > 0",
        "length(toset(flatten([var.open]))) > 0",
        "try(aws_eks_cluster.one.vpc_config[0].cluster_security_group_id, 1)",
        "var.open ? 1 : 2",
        "upper(var.open)",
        "local.map.z",
        "var.list[7]",
        "1 / 0",
        '"a" + 1',
        "length(var.open)",
        'file("nothing-here")',
        "lower()",
        "range(100000000)",
        "setproduct(range(9000), range(9000))",
        "[for i in range(9000) : [for j in range(9000) : i]][8999]",
        "length([for i in range(9000) : i if length([for j in range(9000) : j if j == i]) > 1])",
        'replace(join("", [for i in range(9000) : "aa"]), "a", join("", [for i in range(9000) : "aa"]))',
        'replace(join("", [for i in range(9000) : "aa"]), "/a/", join("", [for i in range(9000) : "aa"]))',
        "length(flatten(local.doubled_39))",
        "range(1.5)",
        "concat(range(9000), range(9000))",
        'join("", [for i in range(9000) : "%s"])' % ("x" * 120),
        "{ for v in var.open : v => 1 }",
        "try(uuid(), 5)",
        'can(regex("(?i)^t", var.name))',
        'try(merge(local.map, var.open), "other")',
        "try({ x = 1, (var.open) = 2 }.y, 3)",
        "can(var.open.x)",
        'setintersection(["a"], [var.open])',
        'setsubtract(["a"], [var.open])',
        "try(yamldecode(var.open).x[0], 5)[0]",
        "[for r in aws_iam_role.any : r.arn]",
        "values(aws_iam_role.any)",
        "length(aws_iam_role.any) > 0",
        "jsonencode(aws_iam_role.any)",
        'fileset(path.module, "../*")',
        'fileexists("/etc/passwd")',
        'fileset("/etc", "*")',
    ],
)
def test_what_cannot_be_worked_out_is_unknown_with_its_place(tmp_path: Path, expression: str) -> None:
    found = show(evaluated(tmp_path, expression))
    assert found.startswith("${")
    assert f"at main.tf:{SOURCE.count(chr(10)) + 3}:12" in found


def test_a_circle_of_locals_is_unknown(tmp_path: Path) -> None:
    assert show(evaluated(tmp_path, "local.loop_a")) in ("${local.loop_a}", "${local.loop_b}")


def test_the_same_text_in_two_places_is_two_values(tmp_path: Path) -> None:
    one, two = evaluated(tmp_path, "[uuid(), uuid()]")
    assert one != two


def test_deep_nesting_is_unknown_and_no_crash(tmp_path: Path) -> None:
    expression = "[" * 150 + "1" + "]" * 150
    assert "[" in str(evaluated(tmp_path, expression))


def test_functions_refuse_what_they_do_not_understand() -> None:
    from rolelint.readers.terraform.functions import UndecidedError

    odd: list[Any] = [None, True, 3, 1.5, "x", [], ["x"], {}, {"a": 1}, U]
    for name, function in FUNCTIONS.items():
        for value in odd:
            try:
                function(value)
            except (UndecidedError, TypeError, ArithmeticError, ValueError):
                continue
        assert name == name.lower()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<<-T\n    %{ for x in var.list ~}\n    ${x}\n    %{ endfor ~}\n    T", "    a\n    b\n"),
        ("<<-T\n    S:\n    %{ for x in var.list }\n    - ${x}\n    %{ endfor }\n    T", "S:\n\n- a\n\n- b\n\n"),
        ("<<-T\n    ${var.name}\n      b ${var.name}\n    T", "team\n  b team\n"),
        ("<<-T\n   a\n\n  \n    b\n  T", "a\n\n  \n b\n"),
        ("<<T\n%{~ if true ~}\n  a\n%{~ else ~}\nb\n%{~ endif ~}\nT", "  a"),
        ("<<T\na ${~ var.name ~}   c\n   ${~ var.name ~}\n   e\nT", "ateamc\nteam   e\n"),
        ("<<-T\n  T", ""),
    ],
    ids=["trimmed loop", "loop", "begins with a value", "blank lines", "trimmed choice", "trimmed values", "empty"],
)
def test_lines_of_heredocs_stand_where_terraform_puts_them(tmp_path: Path, written: str, expected: str) -> None:
    # Observed: what Terraform 1.11.4 plans for an output of this value, 2026-11.
    assert evaluated(tmp_path, f"{written}\n") == expected


def test_loops_in_yaml_make_statements(tmp_path: Path) -> None:
    text = "Statement:\n%{ for x in list ~}\n  - Effect: Allow\n    Action: ${x}\n%{ endfor ~}\n"
    (tmp_path / "p.yaml").write_text(text)
    made = evaluated(tmp_path, 'yamldecode(templatefile("${path.module}/p.yaml", { list = var.list }))')
    assert made == {"Statement": [{"Effect": "Allow", "Action": "a"}, {"Effect": "Allow", "Action": "b"}]}
