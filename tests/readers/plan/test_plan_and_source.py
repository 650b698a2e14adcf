"""A plan in the folder of its source: what both tell of one role is told once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolelint.findings.model import Report
from rolelint.lint import Request, lint, load_roles
from rolelint.policies.text import show
from tests.cli.test_pipeline import Scribe
from tests.readers.plan.test_plan_shapes import TRUST, change

SOURCE = """
variable "what" {}
resource "aws_iam_role" "r" {
  name               = "r"
  assume_role_policy = %s
}
resource "aws_iam_role_policy" "p" {
  name   = "p"
  role   = aws_iam_role.r.name
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "%s", Resource = var.what }] })
}
resource "aws_s3_bucket_policy" "b" {
  bucket = "b"
  policy = jsonencode({ Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:*", Resource = var.what }] })
}
"""


def policy(action: str, **more: str) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", **more, "Action": action, "Resource": "*"}]})


def put(folder: Path, action: str, held: bool = True) -> None:
    """Write source, and a plan of it that allows `rds:DeleteDBCluster`."""
    (folder / "main.tf").write_text(SOURCE % (json.dumps(TRUST), action))
    changes = [
        change("aws_iam_role.r", {"name": "r", "assume_role_policy": TRUST}),
        change("aws_s3_bucket_policy.b", {"bucket": "b", "policy": policy("s3:*", Principal="*")}),
    ]
    if held:
        row = {"name": "p", "role": "r", "policy": policy("rds:DeleteDBCluster")}
        changes.append(change("aws_iam_role_policy.p", row))
    rows: list[dict[str, Any]] = [{"mode": "managed", **r} for r in changes]
    resources = [{"address": r["address"], "mode": "managed", "type": r["type"], "name": r["name"]} for r in rows]
    data = {"format_version": "1.2", "resource_changes": changes, "configuration": {"root_module": {}}}
    data["configuration"] = {"root_module": {"resources": resources}}
    (folder / "plan.json").write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("action", "held", "resources"),
    [
        ("rds:DeleteDBCluster", True, ["*"]),
        ("rds:*", True, ["${var.what}", "*"]),
        ("rds:DeleteDBCluster", False, ["${var.what}"]),
    ],
    ids=["the same", "of older source", "of source without the policy"],
)
def test_a_role_in_a_plan_and_its_source(action: str, held: bool, resources: list[str], tmp_path: Path) -> None:
    put(tmp_path, action, held)
    report = Report()
    roles = load_roles(Request((str(tmp_path),)), report)
    found = [show(r) for role in roles for p in role.identity for s in p.document.statements for r in s.resources or ()]
    assert sorted(found) == resources
    assert {Path(role.location.file).name for role in roles} == {"main.tf"}
    assert not report.errors


def test_a_resource_policy_in_a_plan_and_its_source_is_judged_once(tmp_path: Path) -> None:
    put(tmp_path, "rds:DeleteDBCluster")
    judge = Scribe()
    lint(Request((str(tmp_path),), excerpts=False), judge, None, None)
    assert [s.resources for p in judge.policies for s in p.document.statements] == [("*",)]


def test_policies_that_say_the_same_on_one_line_are_two(tmp_path: Path) -> None:
    both = {"a": json.loads(policy("rds:*")), "b": json.loads(policy("rds:*"))}
    (tmp_path / "both.json").write_text(json.dumps(both))
    (tmp_path / "other.json").write_text(policy("s3:*"))
    roles = load_roles(Request((str(tmp_path),)), Report())
    assert sorted(role.name for role in roles) == ["a", "b", "other"]


def put_plan(file: Path, name: str) -> None:
    """Write a plan that gives the role of a workspace the power to delete clusters."""
    changes = [
        change("aws_iam_role.r", {"name": name, "assume_role_policy": TRUST}),
        change("aws_iam_role_policy.p[0]", {"name": "p", "role": name, "policy": policy("rds:DeleteDBCluster")}),
    ]
    resources = [{"address": a, "mode": "managed", "type": a.split(".")[0], "name": a[-1]} for a in NAMES]
    file.write_text(
        json.dumps(
            {
                "format_version": "1.2",
                "resource_changes": changes,
                "configuration": {"root_module": {"resources": resources}},
            }
        )
    )


NAMES = ("aws_iam_role.r", "aws_iam_role_policy.p")
OPEN_SOURCE = """
variable "name" {}
variable "on" {}
resource "aws_iam_role" "r" {
  name               = var.name
  assume_role_policy = %s
}
resource "aws_iam_role_policy" "p" {
  count  = var.on ? 1 : 0
  name   = "p"
  role   = aws_iam_role.r.name
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "rds:DeleteDBCluster", Resource = "*" }] })
}
"""


def test_plans_of_two_workspaces_make_two_roles(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(OPEN_SOURCE % json.dumps(TRUST))
    put_plan(tmp_path / "dev.json", "dev-ci")
    put_plan(tmp_path / "prod.json", "prod-ci")
    roles = load_roles(Request((str(tmp_path),)), Report())
    assert sorted(role.name for role in roles) == ["dev-ci", "prod-ci"]


@pytest.mark.parametrize("order", [("plan.json", "main.tf"), ("main.tf", "plan.json")])
def test_what_a_plan_is_sure_of_is_sure_beside_its_source(order: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(OPEN_SOURCE % json.dumps(TRUST))
    put_plan(tmp_path / "plan.json", "ci")
    roles = load_roles(Request(tuple(str(tmp_path / name) for name in order)), Report())
    assert [s.doubtful for role in roles for p in role.identity for s in p.document.statements] == [""]
