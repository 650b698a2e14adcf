"""What may not be there in Terraform source: it stops nothing for sure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolelint.engine import can
from rolelint.policies.text import has_unknown, show
from tests.readers.terraform.folders import TRUST, read_folder, write

HEAD = 'variable "on" { type = bool }\nvariable "extra" {}\n'
COUNT = "count = var.on ? 1 : 0"
INLINE = """inline_policy {
    name   = "x"
    policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:DeleteBucket", Resource = "*" }] })
  }"""


def role(*lines: str) -> str:
    """Write a role that may delete buckets."""
    rest = "\n".join(lines)
    return f'resource "aws_iam_role" "r" {{\n  name = "r"\n  assume_role_policy = {TRUST}\n  {INLINE}\n{rest}\n}}\n'


def policy(name: str, effect: str, action: str, count: str = COUNT) -> str:
    """Write a managed policy."""
    said = f'jsonencode({{ Statement = [{{ Effect = "{effect}", Action = "{action}", Resource = "*" }}] }})'
    return f'resource "aws_iam_policy" "{name}" {{\n  {count}\n  name = "{name}"\n  policy = {said}\n}}\n'


DENY = policy("deny", "Deny", "s3:*")
BOUNDARY = policy("b", "Allow", "ec2:*")


def verdict(folder: Path, text: str) -> str:
    """Tell whether the first role in some source can delete a bucket."""
    first = read_folder(write(folder, main__tf=HEAD + text)).roles[0]
    return can(first, "s3:DeleteBucket").verdict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DENY.replace(COUNT, "") + role("managed_policy_arns = [aws_iam_policy.deny.arn]"), "no"),
        (BOUNDARY.replace(COUNT, "") + role("permissions_boundary = aws_iam_policy.b.arn"), "no"),
        (DENY + role("managed_policy_arns = aws_iam_policy.deny[*].arn"), "yes"),
        (BOUNDARY + role("permissions_boundary = one(aws_iam_policy.b[*].arn)"), "yes"),
        (BOUNDARY + role("permissions_boundary = try(aws_iam_policy.b[0].arn, null)"), "yes"),
    ],
    ids=["a sure Deny", "a sure boundary", "splat", "one of a splat", "try"],
)
def test_a_policy_of_an_unknown_number_stops_nothing_for_sure(tmp_path: Path, text: str, expected: str) -> None:
    assert verdict(tmp_path, text) == expected


def document(name: str, effect: str, more: str = "", action: str = "s3:*") -> str:
    """Write a policy document of one statement with a Sid."""
    return f"""
data "aws_iam_policy_document" "{name}" {{
  {more}
  statement {{
    sid       = "Buckets"
    effect    = "{effect}"
    actions   = ["{action}"]
    resources = ["*"]
  }}
}}
"""


def merged(listed: str, key: str = "source_policy_documents", action: str = "s3:*") -> str:
    """Write a role with a document that is made of others."""
    own = document("all", "Allow", f"{key} = {listed}", action).replace('"Buckets"', '"Own"')
    used = 'resource "aws_iam_role_policy" "p" {\n  role = aws_iam_role.r.name\n'
    return own + ROLE + used + "  policy = data.aws_iam_policy_document.all.json\n}\n"


ROLE = f'resource "aws_iam_role" "r" {{\n  name = "r"\n  assume_role_policy = {TRUST}\n}}\n'
DENIED = "data.aws_iam_policy_document.deny"
MAYBE_DENIED = document("deny", "Deny", COUNT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (document("deny", "Deny") + merged(f"[{DENIED}.json]"), "no"),
        (MAYBE_DENIED + merged(f"{DENIED}[*].json"), "yes"),
        (MAYBE_DENIED + merged(f"{DENIED}[*].json", "override_policy_documents"), "yes"),
        (MAYBE_DENIED + merged(f'compact([try({DENIED}[0].json, "")])'), "yes"),
        (
            document("base", "Allow")
            + MAYBE_DENIED
            + merged(f"concat([data.aws_iam_policy_document.base.json], {DENIED}[*].json)", action="ec2:*"),
            "yes",
        ),
    ],
    ids=["sure", "splat", "override", "try", "what may stand in place of an Allow"],
)
def test_a_document_of_an_unknown_number_stops_nothing_for_sure(tmp_path: Path, text: str, expected: str) -> None:
    assert verdict(tmp_path, text) == expected


DYNAMIC = """dynamic "inline_policy" {
    for_each = LIST
    content {
      name   = "d"
      policy = inline_policy.value
    }
  }"""
EACH = """
resource "aws_iam_role_policy" "p" {
  NUMBER
  role   = aws_iam_role.r.name
  policy = jsonencode({ Statement = [{ Effect = "Deny", Action = "s3:*", Resource = "*" }] })
}
"""
TWO = DENY.replace(COUNT, "count = 2")
LOCALS = """
locals {
  texts = aws_iam_policy.deny[*].policy
  each  = toset(local.texts)
}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DENY.replace(COUNT, "") + role(DYNAMIC.replace("LIST", "[aws_iam_policy.deny.policy]")), "no"),
        (DENY + role(DYNAMIC.replace("LIST", "aws_iam_policy.deny[*].policy")), "yes"),
        (DENY + role(DYNAMIC.replace("LIST", "toset(concat(aws_iam_policy.deny.*.policy, []))")), "yes"),
        (DENY + LOCALS + role(DYNAMIC.replace("LIST", "local.each")), "yes"),
        (DENY + role() + EACH.replace("NUMBER", "count = length(aws_iam_policy.deny[*].arn)"), "yes"),
        (DENY + role() + EACH.replace("NUMBER", "for_each = toset(aws_iam_policy.deny[*].arn)"), "yes"),
        (DENY + LOCALS + role() + EACH.replace("NUMBER", "for_each = local.each"), "yes"),
        (DENY + role() + EACH.replace("NUMBER", "count = true ? 1 : length(aws_iam_policy.deny[*].arn)"), "no"),
        (TWO + role() + EACH.replace("NUMBER", "count = length(aws_iam_policy.deny[*])"), "no"),
    ],
    ids=[
        "sure",
        "dynamic",
        "dynamic set",
        "dynamic local",
        "count",
        "for_each",
        "for_each local",
        "not asked",
        "a known number",
    ],
)
def test_what_a_splat_of_an_unknown_number_makes_may_not_be_there(tmp_path: Path, text: str, expected: str) -> None:
    assert verdict(tmp_path, text) == expected


USER = """
resource "aws_iam_user" "u" {
  name = "u"
}
resource "aws_iam_user_policy" "p" {
  user   = aws_iam_user.u.name
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:DeleteBucket", Resource = "*" }] })
}
"""


def group(
    count: str, given: str = "group_policy_attachment", body: str = "policy_arn = aws_iam_policy.deny.arn"
) -> str:
    """Write a group that may not delete."""
    name = "aws_iam_group.g[0].name" if count else "aws_iam_group.g.name"
    return f"""
resource "aws_iam_group" "g" {{
  {count}
  name = "g"
}}
resource "aws_iam_{given}" "a" {{
  {count}
  group = {name}
  {body}
}}
"""


INLINE_DENY = 'policy = jsonencode({ Statement = [{ Effect = "Deny", Action = "s3:*", Resource = "*" }] })'


def member(count: str = COUNT, of: str = "aws_iam_group.g.name") -> str:
    """Write the membership of the user."""
    return f"""
resource "aws_iam_user_group_membership" "m" {{
  {count}
  user   = aws_iam_user.u.name
  groups = [{of}]
}}
"""


MEMBERS = f"""
resource "aws_iam_group_membership" "n" {{
  {COUNT}
  name  = "n"
  users = [aws_iam_user.u.name]
  group = aws_iam_group.g.name
}}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (group("") + member(""), "no"),
        (group("") + member(), "yes"),
        (group("", "group_policy", INLINE_DENY) + member(""), "no"),
        (group("", "group_policy", INLINE_DENY) + member(), "yes"),
        (group("") + MEMBERS, "yes"),
        (group("") + MEMBERS + member(""), "no"),
        (group("") + member("") + MEMBERS, "no"),
        (group(COUNT) + member(COUNT, "aws_iam_group.g[0].name"), "yes"),
        (group(COUNT) + member("", "one(aws_iam_group.g[*].name)"), "yes"),
    ],
    ids=[
        "sure",
        "the membership",
        "sure inline",
        "the membership inline",
        "the list of members",
        "both, the other sure",
        "both, the first sure",
        "all of it",
        "the group only",
    ],
)
def test_a_group_that_a_user_may_be_in_stops_nothing_for_sure(tmp_path: Path, text: str, expected: str) -> None:
    assert verdict(tmp_path, USER + DENY.replace(COUNT, "") + text) == expected


def organization(made: str, scp: str, attached: str = "") -> str:
    """Write a role in a member account, the organization, and an SCP that hangs on the member."""
    target = '["222222222222"]'
    hung = f"target_ids = {target}" if not attached else ""
    attachment = f"""
resource "aws_organizations_policy_attachment" "a" {{
  {attached}
  policy_id = awscc_organizations_policy.s.id
  target_id = "222222222222"
}}
"""
    said = 'jsonencode({ Statement = [{ Effect = "Deny", Action = "s3:*", Resource = "*" }] })'
    return (
        f"""
provider "aws" {{
  region = "eu-west-1"
  assume_role {{
    role_arn = "arn:aws:iam::111111111111:role/org"
  }}
}}
provider "aws" {{
  alias  = "shop"
  region = "eu-west-1"
  assume_role {{
    role_arn = "arn:aws:iam::222222222222:role/shop"
  }}
}}
resource "aws_organizations_organization" "o" {{
  {made}
  feature_set = "ALL"
}}
resource "awscc_organizations_policy" "s" {{
  {scp}
  name    = "s"
  type    = "SERVICE_CONTROL_POLICY"
  content = {said}
  {hung}
}}
"""
        + role("provider = aws.shop")
        + (attachment if attached else "")
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (organization("", ""), "no"),
        (organization(COUNT, ""), "yes"),
        (organization("", COUNT), "yes"),
        (organization("", "", "count = 1"), "no"),
        (organization("", "", COUNT), "yes"),
    ],
    ids=["sure", "the organization", "the policy", "sure attachment", "the attachment"],
)
def test_an_scp_that_may_not_be_there_stops_nothing_for_sure(tmp_path: Path, text: str, expected: str) -> None:
    assert verdict(tmp_path, text) == expected


def enabled(test: str) -> str:
    """Write a lifecycle block of OpenTofu."""
    return f"lifecycle {{ enabled = {test} }}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            policy("deny", "Deny", "s3:*", enabled("true")) + role("managed_policy_arns = [aws_iam_policy.deny.arn]"),
            "no",
        ),
        (
            policy("deny", "Deny", "s3:*", enabled("false")) + role("managed_policy_arns = [aws_iam_policy.deny.arn]"),
            "yes",
        ),
        (
            policy("deny", "Deny", "s3:*", enabled("var.on")) + role("managed_policy_arns = [aws_iam_policy.deny.arn]"),
            "yes",
        ),
        (policy("b", "Allow", "ec2:*", enabled("var.on")) + role("permissions_boundary = aws_iam_policy.b.arn"), "yes"),
        (
            policy("b", "Allow", "ec2:*", enabled("var.on"))
            + role("permissions_boundary = aws_iam_policy.b != null ? aws_iam_policy.b.arn : null"),
            "yes",
        ),
        (
            policy("b", "Allow", "ec2:*", enabled("false"))
            + role("permissions_boundary = aws_iam_policy.b != null ? aws_iam_policy.b.arn : null"),
            "yes",
        ),
        (
            policy("b", "Allow", "ec2:*", enabled("true"))
            + role("permissions_boundary = aws_iam_policy.b != null ? aws_iam_policy.b.arn : null"),
            "no",
        ),
    ],
)
def test_what_opentofu_may_not_enable_stops_nothing(text: str, expected: str, tmp_path: Path) -> None:
    assert verdict(tmp_path, text) == expected


def test_what_opentofu_does_not_enable_is_not_there(tmp_path: Path) -> None:
    call = 'module "m" {\n  source = "./m"\n  lifecycle {\n    enabled = false\n  }\n}\n'
    write(tmp_path, main__tf=call + role(), m_in_main__tf=role())
    assert len(read_folder(tmp_path).roles) == 1
    off = {"resource": {"aws_iam_role": {"r": {"name": "r", "lifecycle": [{"enabled": "${1 == 2}"}]}}}}
    write(tmp_path, main__tf="", m__tf__json=json.dumps(off))
    assert read_folder(tmp_path).roles == []


def listed(said: str) -> str:
    """Write a role with the statements that an expression gives, in its one policy."""
    lines = f"""
locals {{
  sure  = [{{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }}]
  drop  = [{{ Effect = "Allow", Action = "s3:DeleteBucket", Resource = "*" }}]
  deny  = [{{ Effect = "Deny", Action = "s3:DeleteBucket", Resource = "*" }}]
  given = {said}
}}
variable "typed" {{ type = list(object({{ Effect = string, Action = string, Resource = optional(string, "*") }})) }}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = jsonencode({{ Version = "2012-10-17", Statement = local.given }})
}}
"""
    return f'resource "aws_iam_role" "r" {{\n  name = "r"\n  assume_role_policy = {TRUST}\n}}\n{lines}'


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("concat(local.sure, var.on ? local.drop : [])", "yes"),
        ("var.on ? local.sure : local.drop", "yes"),
        ("flatten([local.drop, [var.on ? local.deny : []]])", "yes"),
        ("[for s in concat(local.drop, var.on ? local.deny : []) : merge(s, { Sid = s.Effect })]", "yes"),
        ("[for s in concat(local.drop, var.on ? local.deny : []) : { for k, v in s : k => v }]", "yes"),
        ("jsondecode(jsonencode(concat(local.drop, var.on ? local.deny : [])))", "yes"),
        ("concat(local.drop, var.on ? concat(local.deny, local.sure) : local.deny)", "no"),
        ("concat(local.sure, var.on ? [] : [])", "no"),
        ("one(var.on ? local.drop : [])", "yes"),
    ],
)
def test_statements_of_one_branch_may_not_be_there(tmp_path: Path, said: str, expected: str) -> None:
    assert verdict(tmp_path, listed(said)) == expected


def test_statements_of_one_branch_are_doubtful_wherever_they_go(tmp_path: Path) -> None:
    called = """
module "m" {
  source = "./m"
  typed  = concat(local.sure, var.on ? local.deny : [])
}
data "aws_iam_policy_document" "d" {
  dynamic "statement" {
    for_each = var.on ? local.deny : []
    content {
      effect    = statement.value.Effect
      actions   = [statement.value.Action]
      resources = ["*"]
    }
  }
}
resource "aws_iam_role_policy" "d" {
  role   = aws_iam_role.r.name
  policy = data.aws_iam_policy_document.d.json
}
"""
    inner = listed("var.typed").replace('name = "r"', 'name = "inner"').replace("  sure ", "  own ")
    files = {"main__tf": HEAD + listed("local.sure") + called, "m/main__tf": inner.replace("local.sure", "local.own")}
    roles = read_folder(write(tmp_path, **files)).roles
    statements = [s for role in roles for p in role.identity for s in p.document.statements]
    assert [bool(s.doubtful) for s in statements if s.effect == "Deny"] == [True, True]
    assert not any(s.doubtful for s in statements if s.effect == "Allow")
    assert {s.doubtful.split("`")[1].split(" ")[0] for s in statements if s.doubtful} == {"var.on"}


FULL, AUDIT = (f'"arn:aws:iam::aws:policy/{name}"' for name in ("IAMFullAccess", "SecurityAudit"))


@pytest.mark.parametrize(
    ("arns", "expected"),
    [
        (f"[var.on ? {FULL} : {AUDIT}]", "IAMFullAccess? SecurityAudit?"),
        (f"var.on ? [{FULL}] : []", "IAMFullAccess?"),
        (f"[var.on ? {FULL} : null, {AUDIT}]", "IAMFullAccess? SecurityAudit"),
        (f"[true ? {FULL} : var.extra]", "IAMFullAccess"),
    ],
)
def test_each_of_two_policies_may_be_attached(tmp_path: Path, arns: str, expected: str) -> None:
    text = f'resource "aws_iam_role" "r" {{\n  assume_role_policy = {TRUST}\n  managed_policy_arns = {arns}\n}}\n'
    (role,) = read_folder(write(tmp_path, main__tf=HEAD + text)).roles
    doubtful = [u.what for u in role.unknowns if "depends on `var.on" in u.reason]
    names = sorted(p.name for p in role.identity)
    assert " ".join(n + "?" * any(f"`{n}`" in what for what in doubtful) for n in names) == expected


def test_the_policy_of_either_branch_may_be_attached(tmp_path: Path) -> None:
    attachment = f"""
resource "aws_iam_role_policy_attachment" "a" {{
  role       = aws_iam_role.r.name
  policy_arn = var.on ? aws_iam_policy.deny.arn : var.extra == "" ? aws_iam_policy.b.arn : {AUDIT}
}}
"""
    text = DENY.replace(COUNT, "") + BOUNDARY.replace(COUNT, "") + role() + attachment
    assert verdict(tmp_path, text) == "yes"
    first = read_folder(write(tmp_path, main__tf=HEAD + text)).roles[0]
    assert sorted(p.name for p in first.identity) == ["SecurityAudit", "b", "deny", "x"]


KEEP, DROP, STOP = (
    f'{{ Effect = "{effect}", Action = "{action}", Resource = "*" }}'
    for effect, action in (("Allow", "ec2:*"), ("Allow", "s3:DeleteBucket"), ("Deny", "s3:*"))
)


def said(*statements: str) -> str:
    """Write the JSON text of a policy."""
    return f"jsonencode({{ Statement = [{', '.join(statements)}] }})"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"var.on ? {said(KEEP)} : {said(KEEP, DROP)}", ["+ec2:*", "+s3:DeleteBucket ?"]),
        (f"var.on ? {said(DROP, STOP)} : {said(DROP)}", ["+s3:DeleteBucket", "-s3:* ?"]),
        (f"var.on ? {said(STOP)} : {said(KEEP, STOP)}", ["-s3:*", "+ec2:* ?"]),
        (f'var.on ? {said(STOP)} : ""', ["-s3:* ?"]),
        (f"var.on ? data.aws_iam_policy_document.d.json : {said(STOP)}", ["+rds:* ?", "-s3:* ?"]),
        (f"var.on ? var.extra : {said(STOP)}", ["-s3:* ?", "+${policy} ?"]),
        (f'var.extra != "" ? var.extra : {said(DROP, STOP)}', ["+s3:DeleteBucket ?", "-s3:* ?", "+${policy} ?"]),
        ("var.on ? var.extra : null", None),
    ],
)
def test_a_policy_is_what_either_branch_says(tmp_path: Path, text: str, expected: list[str] | None) -> None:
    files = f"""
resource "aws_iam_role" "r" {{
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = {text}
}}
data "aws_iam_policy_document" "d" {{
  statement {{
    actions   = ["rds:*"]
    resources = ["*"]
  }}
}}
"""
    (found,) = read_folder(write(tmp_path, main__tf=HEAD + files)).roles[0].identity
    if expected is None:
        assert found.document.unknown
        return
    signs = {"Allow": "+", "Deny": "-"}
    statements = found.document.statements
    assert [f"{signs[s.effect]}{show(s.actions[0])}{' ?' * bool(s.doubtful)}" for s in statements] == expected
    assert [s.route for s in statements] == [("Statement", i) for i in range(len(expected))]
    lines = [found.locate(s.route).line for s in statements]
    wanted = [12 if action.startswith("+rds") else 9 for action in expected]
    assert lines == wanted


@pytest.mark.parametrize(("action", "expected"), [("s3:DeleteBucket", "yes"), ("rds:DeleteDBInstance", "unknown")])
def test_what_one_branch_grants_is_possible(tmp_path: Path, action: str, expected: str) -> None:
    files = f"""
resource "aws_iam_role" "r" {{
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = var.extra != "" ? var.extra : {said(DROP)}
}}
"""
    (found,) = read_folder(write(tmp_path, main__tf=HEAD + files)).roles
    answer = can(found, action)
    assert (answer.verdict, answer.certainty) == (expected, "possible" if expected == "yes" else answer.certainty)


@pytest.mark.parametrize(
    ("kind", "sid", "expected"),
    [("source", "keep", "unknown"), ("override", "keep", "yes"), ("override", "", "unknown")],
)
def test_a_statement_that_may_be_replaced_stops_nothing(tmp_path: Path, kind: str, sid: str, expected: str) -> None:
    files = f"""
data "aws_iam_policy_document" "d" {{
  {kind}_policy_documents = [var.extra]
  statement {{
    sid       = "{sid}"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["*"]
  }}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = data.aws_iam_policy_document.d.json
}}
"""
    assert verdict(tmp_path, role() + files) == expected


CHOICE = 'locals {{ l = var.on ? [{{ a = "{}", s = [{{ x = 1 }}] }}] : [] }}'


@pytest.mark.parametrize(
    ("effect", "actions", "expected"),
    [
        ("Deny", 'Action = "s3:*"', "no"),
        ("Deny", "Action = local.l[*].a", "yes"),
        ("Deny", "Action = [for o in local.l : o.a]", "yes"),
        ("Deny", 'Action = concat(["ec2:*"], [for o in local.l : "s3:*"])', "yes"),
        ("Deny", 'Action = [for p in setproduct(local.l, ["x"]) : p[0].a]', "yes"),
        ("Deny", 'Action = flatten([for i in flatten([for o in local.l : o.s]) : ["s3:*"]])', "yes"),
        ("Deny", 'Action = try(local.l[0].a, "ec2:*")', "yes"),
        ("Deny", 'Action = [for o in local.l : o.a if o.a == "ec2:*"]', "yes"),
        ("Deny", 'Action = split(",", "%{ for o in local.l }${o.a},%{ endfor }")', "yes"),
        ("Allow", "Action = local.l[*].a", "unknown"),
        ("Allow", 'Action = try(local.l[0].a, "ec2:*")', "unknown"),
    ],
)
def test_what_is_taken_out_of_a_list_that_may_be_empty_stops_nothing(
    tmp_path: Path, effect: str, actions: str, expected: str
) -> None:
    statement = f'{{ Effect = "{effect}", {actions}, Resource = "*" }}'
    allowed = DROP if effect == "Deny" else KEEP
    files = f"""
resource "aws_iam_role" "r" {{
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = {said(allowed, statement)}
}}
"""
    assert verdict(tmp_path, CHOICE.format("s3:*") + files) == expected


def test_objects_that_may_be_there_are_chosen_by_what_they_say(tmp_path: Path) -> None:
    files = f"""
locals {{
  l = var.on ? [{DROP}, {STOP}] : []
}}
resource "aws_iam_role" "r" {{
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = jsonencode({{ Statement = [for s in local.l : s if s.Effect == "Allow"] }})
}}
"""
    first = read_folder(write(tmp_path, main__tf=HEAD + files)).roles[0]
    answer = can(first, "s3:DeleteBucket")
    assert (answer.verdict, answer.certainty) == ("yes", "possible")


def each(name: str, source: str, effect: str) -> str:
    """Write inline policies by key."""
    return f"""
resource "aws_iam_role_policy" "{name}" {{
  for_each = {source}
  role     = one(values(aws_iam_role.r)[*].name)
  policy   = jsonencode({{ Statement = [{{ Effect = "{effect}", Action = each.value, Resource = "*" }}] }})
}}
"""


@pytest.mark.parametrize(
    ("roles", "source", "expected"),
    [
        ('["r"]', '["s3:*"]', "no"),
        ('["r"]', 'var.on ? ["s3:*"] : []', "yes"),
        ('["r"]', 'var.on ? ["ec2:*"] : ["s3:*"]', "yes"),
        ('["r"]', 'var.on ? ["s3:*"] : ["s3:*", "ec2:*"]', "unknown"),
        ('var.on ? ["r"] : []', 'var.on ? ["s3:*"] : []', "no"),
        ('var.on ? ["r"] : []', 'var.on ? [] : ["s3:*"]', "yes"),
        ('var.on ? [] : ["r"]', 'var.on ? [] : ["s3:*"]', "no"),
        ('var.on ? [] : ["r"]', '!var.on ? ["s3:*"] : []', "no"),
        ('var.extra == "" ? [] : ["r"]', 'var.extra == "" ? ["s3:*"] : []', "yes"),
    ],
)
def test_what_a_condition_chooses_for_each_may_not_be_there(
    tmp_path: Path, roles: str, source: str, expected: str
) -> None:
    text = f'resource "aws_iam_role" "r" {{\n  for_each = toset({roles})\n  name = each.key\n'
    text += f"  assume_role_policy = {TRUST}\n}}\n"
    text += each("allow", '["s3:DeleteBucket"]', "Allow").replace("= [", "= toset([", 1).replace('"]', '"])', 1)
    text += each("deny", f"toset({source})", "Deny")
    assert verdict(tmp_path, text) == expected


def test_one_key_with_two_values_is_not_known(tmp_path: Path) -> None:
    text = f'resource "aws_iam_role" "r" {{\n  for_each = toset(["r"])\n  assume_role_policy = {TRUST}\n}}\n'
    text += each("p", 'var.on ? { a = "s3:*" } : { a = "ec2:*" }', "Allow")
    (found,) = read_folder(write(tmp_path, main__tf=HEAD + text)).roles
    assert "the actions of" in " ".join(u.reason for u in found.unknowns)


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ('["s3:A", "s3:B"]', {"s3:A": True, "s3:B": True}),
        ('var.on ? ["s3:A"] : ["s3:A", "s3:B"]', {"s3:A": True, "s3:B": False}),
        ('concat(["s3:A"], var.on ? ["s3:B"] : [])', {"s3:A": True, "s3:B": False}),
        ('distinct(flatten([["s3:A"], var.on ? "s3:B" : "s3:C"]))', {"s3:A": True, "s3:B": False, "s3:C": False}),
        ('var.on ? (var.extra ? ["s3:A"] : ["s3:B"]) : ["s3:C"]', {"s3:A": False, "s3:B": False, "s3:C": False}),
        ('split(",", "s3:A,${var.extra},s3:B")', {"s3:A": True, "s3:B": True, "": True}),
        ("coalesce(var.extra, [])", {"": True}),
        ('coalescelist(var.extra, ["s3:A"], ["s3:B"])', {"": True, "s3:A": False}),
        ('coalescelist([], ["s3:A"], var.extra)', {"s3:A": True}),
        ('coalescelist(var.on ? ["s3:A"] : [], ["s3:B"])', {"s3:A": False, "s3:B": False}),
    ],
)
@pytest.mark.parametrize("form", ["json", "document"])
def test_actions_that_hang_on_a_condition_may_be_there(
    tmp_path: Path, form: str, actions: str, expected: dict[str, bool]
) -> None:
    text = f"""resource "aws_iam_role" "r" {{
  name               = "r"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = POLICY
}}
"""
    block = f'statement {{\n sid = "S"\n actions = {actions}\n resources = ["*"]\n}}'
    block = f'data "aws_iam_policy_document" "d" {{\n{block}\n}}\n'
    said = f'jsonencode({{ Statement = [{{ Sid = "S", Effect = "Allow", Action = {actions}, Resource = "*" }}] }})'
    text = (
        text.replace("POLICY", said)
        if form == "json"
        else text.replace("POLICY", "data.aws_iam_policy_document.d.json") + block
    )
    (found,) = read_folder(write(tmp_path, main__tf=HEAD + text)).roles
    (held,) = found.identity
    statements = held.document.statements
    assert {(s.sid, s.index) for s in statements} == {("S", 0)}
    told = {("" if has_unknown(a) else a): not s.doubtful for s in statements for a in s.actions}
    assert told == expected


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_what_hangs_on_a_condition_is_possible(tmp_path: Path, effect: str) -> None:
    said = f'Effect = "{effect}", Action = var.on ? ["s3:DeleteBucket"] : ["s3:DeleteObject"], Resource = "*"'
    more = '{ Effect = "Allow", Action = "s3:*", Resource = "*" }' if effect == "Deny" else ""
    text = f"""resource "aws_iam_role" "r" {{
  name               = "r"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = jsonencode({{ Statement = [{{ {said} }}, {more}] }})
}}
"""
    (found,) = read_folder(write(tmp_path, main__tf=HEAD + text)).roles
    answer = can(found, "s3:DeleteBucket")
    assert (answer.verdict, answer.certainty) == ("yes", "possible")


@pytest.mark.parametrize(
    "count",
    [
        "length(local.s.Action) == 1 ? 1 : 0",
        'contains(local.s.Action, "s3:B") ? 0 : 1',
        'local.s.Action[0] == "s3:A" ? 1 : 0',
        "local.s.Action == tolist([]) ? 1 : 0",
    ],
    ids=["length", "contains", "index", "equal"],
)
def test_what_hangs_on_a_condition_is_counted_by_nothing(tmp_path: Path, count: str) -> None:
    text = """locals {
  s = { Effect = "Allow", Action = concat(var.on ? ["s3:B"] : [], ["s3:A"]), Resource = "*" }
}
"""
    text += policy("p", "Allow", "s3:DeleteBucket", f"count = {count}")
    text += role("managed_policy_arns = aws_iam_policy.p[*].arn").replace(INLINE, "")
    assert verdict(tmp_path, text) == "yes"


@pytest.mark.parametrize("list_of", ["s.Action", "[for a in s.Action : a]"])
def test_a_block_for_each_of_what_hangs_on_a_condition_may_not_be_there(tmp_path: Path, list_of: str) -> None:
    text = f"""locals {{
  s    = {{ Action = var.on ? ["s3:B"] : [] }}
  each = {list_of.replace("s.A", "local.s.A")}
}}
data "aws_iam_policy_document" "d" {{
  dynamic "statement" {{
    for_each = local.each
    content {{
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = ["*"]
    }}
  }}
}}
resource "aws_iam_policy" "d" {{
  name   = "d"
  policy = data.aws_iam_policy_document.d.json
}}
"""
    assert verdict(tmp_path, text + role("managed_policy_arns = [aws_iam_policy.d.arn]")) == "yes"


@pytest.mark.parametrize(
    ("denies", "expected"),
    [
        ('[for a in ["x"] : local.deny]', "no"),
        ('[for a in concat(["x"], var.extra) : local.deny]', "no"),
        ('[merge(local.deny, { Action = concat(["s3:DeleteBucket"], var.extra) })]', "no"),
        ("[for a in concat(var.extra, []) : local.deny]", "yes"),
        ("flatten([for a in concat(var.extra, []) : [local.deny]])", "yes"),
        ("[for a in toset(concat(var.extra, [])) : local.deny]", "yes"),
        ('[for a in [for b in concat(var.extra, []) : "x${b}"] : local.deny]', "yes"),
        ("[for a in aws_sqs_queue.q[*].name : local.deny]", "yes"),
        ("jsondecode(jsonencode([for a in concat(var.extra, []) : local.deny]))", "yes"),
        ('[merge(local.deny, { Action = [for a in concat(var.extra, []) : "s3:*"] })]', "yes"),
        ('[merge(local.deny, { Resource = [for a in concat(var.extra, []) : "*"] })]', "yes"),
    ],
)
def test_a_loop_over_a_list_that_is_not_known_denies_nothing_for_sure(
    tmp_path: Path, denies: str, expected: str
) -> None:
    text = f"""
locals {{
  deny = {{ Effect = "Deny", Action = "s3:*", Resource = "*" }}
}}
resource "aws_sqs_queue" "q" {{
  count = var.extra
  name  = "q"
}}
resource "aws_iam_role_policy" "d" {{
  role   = aws_iam_role.r.id
  policy = jsonencode({{ Statement = {denies} }})
}}
"""
    assert verdict(tmp_path, text + role()) == expected


@pytest.mark.parametrize(
    ("own", "effect", "verdict", "certainty"),
    [("sns:Publish", "Allow", "yes", "proved"), ("sqs:PurgeQueue", "Deny", "yes", "possible")],
)
def test_a_resource_policy_speaks_of_a_role_whose_partition_is_not_known(
    tmp_path: Path, own: str, effect: str, verdict: str, certainty: str
) -> None:
    text = f"""
resource "aws_sqs_queue" "q" {{
  name = "q"
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.id
  policy = jsonencode({{ Statement = [{{ Effect = "Allow", Action = "{own}", Resource = aws_sqs_queue.q.arn }}] }})
}}
resource "aws_sqs_queue_policy" "q" {{
  queue_url = aws_sqs_queue.q.id
  policy = jsonencode({{ Statement = [{{
    Effect = "{effect}", Principal = {{ AWS = aws_iam_role.r.arn }}, Action = "sqs:*", Resource = aws_sqs_queue.q.arn
  }}] }})
}}
"""
    first = read_folder(write(tmp_path, main__tf=HEAD + text + role().replace(INLINE, ""))).roles[0]
    answer = can(first, "sqs:PurgeQueue")
    assert (answer.verdict, answer.certainty) == (verdict, certainty)


def test_a_policy_hangs_on_the_one_role_or_the_other(tmp_path: Path) -> None:
    text = f"""
resource "aws_iam_role" "s" {{
  name               = "s"
  assume_role_policy = {TRUST}
}}
resource "aws_iam_role_policy" "p" {{
  name   = "p"
  role   = var.on ? aws_iam_role.r.id : aws_iam_role.s.id
  policy = jsonencode({{ Statement = [{{ Effect = "Allow", Action = "rds:*", Resource = "*" }}] }})
}}
"""
    roles = read_folder(write(tmp_path, main__tf=HEAD + text + role())).roles
    held = {r.name: [p for p in r.identity if p.name == "p"] for r in roles}
    assert sorted(held) == ["r", "s"]
    assert all(p.document.statements[0].doubtful for policies in held.values() for p in policies)
    assert [can(r, "rds:DeleteDBCluster").certainty for r in roles] == ["possible", "possible"]


MAYBE_MAP = """
locals {
  maybe = [for m in (var.on ? [{ a = ["s3:*"] }] : []) : m]
  held  = merge(one(local.maybe), { b = ["sqs:*"] })
}
"""


@pytest.mark.parametrize(
    "made",
    [
        '{ Statement = [for k, v in local.held : { Effect = "Deny", Action = v, Resource = "*" }] }',
        '{ Statement = [for k in keys(local.held) : { Effect = "Deny", Action = local.held[k], Resource = "*" }] }',
    ],
    ids=["its members", "its keys"],
)
def test_what_loops_make_of_a_map_that_may_not_be_there_stops_nothing(tmp_path: Path, made: str) -> None:
    text = f"""
resource "aws_iam_role_policy" "p" {{
  name   = "p"
  role   = aws_iam_role.r.id
  policy = jsonencode({made})
}}
"""
    assert verdict(tmp_path, MAYBE_MAP + text + role()) != "no"


def test_blocks_made_of_a_map_that_may_not_be_there_stop_nothing_and_are_no_more(tmp_path: Path) -> None:
    text = """
data "aws_iam_policy_document" "d" {
  dynamic "statement" {
    for_each = local.held
    content {
      effect    = "Deny"
      actions   = statement.value
      resources = ["*"]
    }
  }
}
resource "aws_iam_role_policy" "p" {
  name   = "p"
  role   = aws_iam_role.r.id
  policy = data.aws_iam_policy_document.d.json
}
"""
    first = read_folder(write(tmp_path, main__tf=HEAD + MAYBE_MAP + text + role())).roles[0]
    (held,) = [p for p in first.identity if p.name == "p"]
    assert [s.actions for s in held.document.statements] == [("s3:*",), ("sqs:*",)]
    assert can(first, "s3:DeleteBucket").verdict != "no"
