"""Shapes of plans that no provider at hand makes: older and newer formats, other providers, states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolelint.documents import parse
from rolelint.errors import Location
from rolelint.policies.role import Reading
from rolelint.policies.text import show
from rolelint.readers import ReadContext, plan
from tests.readers.listing import listing

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        ],
    }
)
DELETE = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds:DeleteDBCluster", "Resource": "*"}]}
)


def change(address: str, after: Any = None, before: Any = None, **more: Any) -> dict[str, Any]:
    """Make a row of `resource_changes`; the type and name are taken from the address."""
    kind, name = address.split("[")[0].split(".")[-2:]
    actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    parts = {"actions": actions, "before": before, "after": after, "after_unknown": more.pop("unknown", {})}
    parts["after_sensitive"] = more.pop("sensitive", {})
    return {
        "address": address,
        "mode": "data" if ".data." in f".{address}" else "managed",
        "type": kind,
        "name": name,
        "provider_name": f"registry.terraform.io/hashicorp/{kind.split('_')[0]}",
        "change": parts,
        **more,
    }


def reading_of(data: dict[str, Any], **options: Any) -> Reading:
    """Read a plan given as plain data."""
    (document,) = parse("plan.json", json.dumps({"format_version": "1.2", **data}))
    assert plan.recognise(document)
    return plan.read(document, ReadContext(options=options))


def said(reading: Reading) -> list[str]:
    """List roles with their policies on one line each."""
    return [
        f"{role.kind} {role.name}: "
        + "; ".join(
            f"{p.type.value} {show(p.name)} "
            + ("?" if p.document.unknown else ",".join(show(a) for s in p.document.statements for a in s.actions))
            for p in role.policies()
        )
        for role in reading.roles
    ]


@pytest.mark.parametrize(
    ("data", "known"),
    [
        ({"format_version": "1.2", "resource_changes": []}, True),
        ({"format_version": "0.1", "planned_values": {}}, True),
        ({"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {}}}, True),
        ({"format_version": "1.0", "values": {}}, False),
        ({"resource_changes": []}, False),
        ({"format_version": 1, "resource_changes": []}, False),
        ({"Statement": []}, False),
        ([], False),
    ],
    ids=["plan", "old plan", "state", "something else", "no version", "number", "policy", "list"],
)
def test_recognise(data: Any, known: bool) -> None:
    (document,) = parse("x.json", json.dumps(data))
    assert plan.recognise(document) is known


def test_a_plan_without_iam_says_nothing() -> None:
    reading = reading_of({"resource_changes": [change("null_resource.a", {"triggers": None})]})
    assert (reading.roles, reading.policies, reading.problems) == ([], [], [])


def test_cloud_control_resources() -> None:
    changes = [
        change(
            "awscc_iam_role.deploy",
            {
                "role_name": "deploy",
                "assume_role_policy_document": TRUST,
                "policies": [{"policy_name": "inside", "policy_document": DELETE}],
                "managed_policy_arns": ["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"],
            },
            unknown={"arn": True, "id": True},
        ),
        change("awscc_iam_role_policy.more", {"role_name": "deploy", "policy_name": "more", "policy_document": DELETE}),
        change(
            "awscc_iam_managed_policy.shared",
            {"managed_policy_name": "shared", "policy_document": DELETE, "roles": ["deploy"], "users": None},
            unknown={"policy_arn": True},
        ),
        change(
            "awscc_sso_permission_set.admin",
            {
                "name": "admin",
                "inline_policy": DELETE,
                "managed_policies": ["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"],
                "permissions_boundary": {"managed_policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
            },
        ),
        change("awscc_s3_bucket_policy.logs", {"bucket": "logs", "policy_document": DELETE}),
    ]
    reading = reading_of({"resource_changes": changes})
    assert [(r.kind, r.name, [p.name for p in r.identity]) for r in reading.roles] == [
        ("role", "deploy", ["inside", "more", "AmazonSQSReadOnlyAccess", "shared"]),
        ("permission-set", "admin", ["inline", "AmazonSQSReadOnlyAccess"]),
    ]
    assert not [p.name for r in reading.roles for p in r.identity if p.document.unknown]
    assert reading.roles[1].boundary is not None
    assert [show(p.resource) for p in reading.policies] == ["arn:${partition}:s3:::logs"]


def test_addresses_of_the_first_format_are_made_absolute() -> None:
    values = {
        "root_module": {
            "child_modules": [
                {
                    "address": "module.app",
                    "resources": [
                        {
                            "address": "aws_iam_role.this",
                            "index": 0,
                            "mode": "managed",
                            "type": "aws_iam_role",
                            "name": "this",
                            "values": {"name": "app", "assume_role_policy": TRUST},
                        }
                    ],
                }
            ]
        }
    }
    (role,) = reading_of({"planned_values": values}).roles
    assert role.location.address == "module.app.aws_iam_role.this[0]"


def test_a_state_is_read_as_it_stands() -> None:
    row = {
        "address": "aws_iam_role.a",
        "mode": "managed",
        "type": "aws_iam_role",
        "name": "a",
        "values": {
            "name": "a",
            "arn": "arn:aws-cn:iam::123456789012:role/a",
            "assume_role_policy": TRUST,
            "inline_policy": [{"name": "x", "policy": DELETE}],
        },
    }
    (role,) = reading_of({"terraform_version": "1.9.0", "values": {"root_module": {"resources": [row]}}}).roles
    assert (role.account, role.partition, role.before) == ("123456789012", "aws-cn", None)
    assert [p.name for p in role.identity] == ["x"]


def test_deferred_changes_count() -> None:
    row = change("aws_iam_role.later", {"name": "later"}, unknown={"assume_role_policy": True})
    (role,) = reading_of({"resource_changes": [], "deferred_changes": [{"reason": "x", "resource_change": row}]}).roles
    assert [u.what for u in role.unknowns] == ["trust policy `trust policy`"]


def test_an_errored_plan_is_incomplete() -> None:
    reading = reading_of({"resource_changes": [], "errored": True})
    assert [(p.kind, p.message) for p in reading.problems] == [  # type: ignore[attr-defined]
        ("unknown", "the plan ended with an error, so it is incomplete")
    ]


def test_a_policy_of_an_unknown_role_is_not_lost() -> None:
    changes = [
        change("aws_iam_role_policy.a", {"name": "a", "policy": DELETE}, unknown={"role": True}),
        change(
            "aws_iam_role_policy_attachment.b",
            {"policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            unknown={"role": True},
        ),
    ]
    reading = reading_of({"resource_changes": changes})
    assert said(reading) == [
        "policy a: identity a rds:DeleteDBCluster",
        "policy AdministratorAccess: identity AdministratorAccess *",
    ]
    assert [u.what for role in reading.roles for u in role.unknowns] == ["role", "role"]


def test_deposed_objects_do_not_count() -> None:
    old = change("aws_iam_role.a", None, {"name": "old", "assume_role_policy": TRUST}, deposed="0123abcd")
    new = change("aws_iam_role.a", {"name": "new", "assume_role_policy": TRUST})
    (role,) = reading_of({"resource_changes": [new, old]}).roles
    assert (role.name, role.before) == ("new", None)


def test_resources_outside_a_targeted_plan_stay() -> None:
    prior = {
        "address": "aws_iam_role.other",
        "mode": "managed",
        "type": "aws_iam_role",
        "name": "other",
        "values": {"name": "other", "assume_role_policy": TRUST, "inline_policy": [{"name": "x", "policy": DELETE}]},
    }
    data = {
        "resource_changes": [change("aws_iam_role.a", {"name": "a", "assume_role_policy": TRUST})],
        "prior_state": {"values": {"root_module": {"resources": [prior]}}},
    }
    reading = reading_of(data)
    other = next(r for r in reading.roles if r.name == "other")
    assert other.before is not None
    assert [p.document for p in other.identity] == [p.document for p in other.before.identity]


def test_the_same_role_name_in_two_accounts_is_two_roles() -> None:
    def resource(address: str, provider: str) -> dict[str, Any]:
        return {"address": address, "mode": "managed", "provider_config_key": provider, "expressions": {"role": {}}}

    changes = [
        change("aws_iam_role.a", {"name": "deploy", "assume_role_policy": TRUST}),
        change("aws_iam_role.b", {"name": "deploy", "assume_role_policy": TRUST}),
        change("aws_iam_role_policy.b", {"name": "only-b", "role": "deploy", "policy": DELETE}),
    ]
    names = [("aws_iam_role.a", "aws"), ("aws_iam_role.b", "aws.west"), ("aws_iam_role_policy.b", "aws.west")]
    configuration = {
        "provider_config": {
            "aws": {"name": "aws"},
            "aws.west": {"name": "aws", "alias": "west", "expressions": {"profile": {"constant_value": "west"}}},
        },
        "root_module": {"resources": [resource(a, p) for a, p in names]},
    }
    reading = reading_of({"resource_changes": changes, "configuration": configuration})
    assert [(r.location.address, [p.name for p in r.identity]) for r in reading.roles] == [
        ("aws_iam_role.a", []),
        ("aws_iam_role.b", ["only-b"]),
    ]


def test_region_tells_the_partition() -> None:
    configuration = {
        "provider_config": {
            "aws": {"name": "aws", "expressions": {"region": {"references": ["var.region"]}}},
        },
        "root_module": {},
    }
    data = {
        "variables": {"region": {"value": "cn-north-1"}},
        "resource_changes": [change("aws_iam_role.a", {"name": "a", "assume_role_policy": TRUST})],
        "configuration": configuration,
    }
    (role,) = reading_of(data).roles
    assert (role.partition, role.arn) == ("aws-cn", "")
    assert show(role.environment[0].arn) == "arn:aws-cn:iam::${account id}:role/a"


SECRET = "correct-horse-battery"


def test_sensitive_text_never_leaves_the_reader() -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": f"For{SECRET}",
                "Effect": "Allow",
                "Action": "s3:DeleteBucket",
                "Resource": f"arn:aws:s3:::{SECRET}",
            },
            {
                "Effect": "Deny",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{SECRET}", "*"],
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": SECRET}},
            },
        ],
    }
    changes = [
        change("aws_iam_role.a", {"name": "a", "assume_role_policy": TRUST}),
        change(
            "aws_iam_role_policy.p",
            {"name": "p", "role": "a", "policy": json.dumps(policy)},
            sensitive={"policy": True},
        ),
    ]
    reading = reading_of({"resource_changes": changes})
    (found,) = reading.roles[0].identity
    assert SECRET not in repr(reading) + listing(reading)
    first, second = found.document.statements
    assert (first.actions, second.actions) == (("s3:DeleteBucket",), ("s3:*",))
    assert first.resources is not None
    assert second.resources is not None
    assert first.resources[0] == second.resources[0] != second.resources[1] == "*"
    assert found.locate(first.route) == Location(
        "plan.json", route="policy/Statement/0", address="aws_iam_role_policy.p"
    )


def test_moved_roles_keep_their_past() -> None:
    values = {"name": "a", "assume_role_policy": TRUST, "inline_policy": [{"name": "x", "policy": DELETE}]}
    row = change("module.m.aws_iam_role.new", values, values, previous_address="aws_iam_role.old")
    (role,) = reading_of({"resource_changes": [row]}).roles
    assert role.before is not None
    assert role.before.location.address == "aws_iam_role.old"


@pytest.mark.parametrize(
    "data",
    [
        {"resource_changes": None},
        {"resource_changes": [None, {}, {"address": "x"}, {"address": "aws_iam_role.a", "type": "aws_iam_role"}]},
        {"resource_changes": [{"address": "aws_iam_role.a", "type": "aws_iam_role", "change": {"after": []}}]},
        {"resource_changes": [change("aws_iam_role.a", {"name": 3, "inline_policy": 7, "managed_policy_arns": {}})]},
        {"resource_changes": [], "prior_state": {}, "configuration": {}, "variables": None},
        {"resource_changes": [], "planned_values": {"root_module": {"child_modules": [{}], "resources": [{}]}}},
        {"resource_changes": [change("aws_iam_policy_attachment.a", {"roles": [None, 1], "policy_arn": 5})]},
    ],
    ids=["null", "odd rows", "odd change", "odd values", "empty parts", "empty modules", "odd links"],
)
def test_odd_plans_do_not_stop_the_reader(data: dict[str, Any]) -> None:
    if data["resource_changes"] is None:
        data = {**data, "planned_values": {}}
    assert reading_of(data).problems == []


def within_module(key: str) -> dict[str, Any]:
    """Make a plan of a role in a module, with the provider's key as a version of Terraform writes it."""
    role = {
        "address": "aws_iam_role.r",
        "mode": "managed",
        "type": "aws_iam_role",
        "name": "r",
        "provider_config_key": key,
        "expressions": {},
    }
    who = {
        "address": "data.aws_caller_identity.me",
        "mode": "data",
        "type": "aws_caller_identity",
        "name": "me",
        "provider_config_key": key,
    }
    known = {
        "address": "module.m.data.aws_caller_identity.me",
        "mode": "data",
        "type": "aws_caller_identity",
        "name": "me",
        "values": {"account_id": "111122223333"},
        "provider_name": "registry.terraform.io/hashicorp/aws",
    }
    return {
        "resource_changes": [
            change(
                "module.m.aws_iam_role.r",
                {"name": "r", "assume_role_policy": TRUST, "inline_policy": [{"name": "p", "policy": DELETE}]},
                unknown={"arn": True},
            )
        ],
        "prior_state": {
            "values": {"root_module": {"child_modules": [{"address": "module.m", "resources": [known]}]}},
        },
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "expressions": {"region": {"constant_value": "eu-west-1"}}}},
            "root_module": {"module_calls": {"m": {"source": "./m", "module": {"resources": [role, who]}}}},
        },
    }


@pytest.mark.parametrize("key", ["aws", "m:aws"], ids=["since 1.3", "before"])
def test_a_module_works_where_the_provider_works_that_it_inherits(key: str) -> None:
    (role,) = reading_of(within_module(key)).roles
    assert (role.arn, role.account, role.partition) == ("arn:aws:iam::111122223333:role/r", "111122223333", "aws")


def test_an_account_alone_leaves_partition_and_region_unknown_and_not_empty() -> None:
    data = within_module("aws")
    data["configuration"]["provider_config"]["aws"]["expressions"] = {}
    data["resource_changes"].append(
        change("module.m.aws_dynamodb_table.t", {"name": "orders"}, unknown={"arn": True}),
    )
    (role,) = reading_of(data).roles
    assert (role.arn, role.account, role.partition) == ("", "111122223333", "")
    assert show(role.environment[-1].arn) == "arn:${partition}:dynamodb:${region}:111122223333:table/orders"


def late(*roles: str, **expressions: Any) -> dict[str, Any]:
    """Make a plan in which something hidden rests on a list that is not known."""
    rows = [change(r, {"name": r, "assume_role_policy": TRUST}, unknown={"inline_policy": True}) for r in roles]
    names = [("terraform_data", "late"), *(tuple(r.split(".")) for r in roles)]
    resources = [
        {"address": ".".join(n), "mode": "managed", "type": n[0], "name": n[1], "expressions": {"name": {}}}
        for n in names
    ]
    resources[0]["expressions"] = expressions
    return {
        "resource_changes": [change("terraform_data.late", {"input": []}, unknown={"output": True}), *rows],
        "relevant_attributes": [{"resource": "terraform_data.late", "attribute": ["output"]}],
        "configuration": {"root_module": {"resources": resources}},
    }


@pytest.mark.parametrize(
    ("expressions", "found"),
    [
        ({}, ["inline policy `inline_policy`"]),
        ({"input": {"references": ["terraform_data.late.output", "terraform_data.late"]}}, []),
        ({"input": {"references": ["local.names"]}}, []),
    ],
    ids=["nothing seen refers to it", "an expression refers to it", "a local may refer to it"],
)
def test_a_dynamic_block_that_the_plan_does_not_show(expressions: dict[str, Any], found: list[str]) -> None:
    (role,) = reading_of(late("aws_iam_role.a", **expressions)).roles
    assert [u.what for u in role.unknowns] == found
    assert all("terraform_data.late.output" in u.reason for u in role.unknowns)


def test_the_source_tells_of_a_dynamic_block(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        """
variable "late" {}
resource "terraform_data" "late" {
  input = var.late
}
resource "aws_iam_role" "a" {
  name               = "a"
  assume_role_policy = "{}"
  dynamic "inline_policy" {
    for_each = terraform_data.late.output
    content {
      name   = "p"
      policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "rds:DeleteDBCluster", Resource = "*" }] })
    }
  }
}
resource "aws_iam_role" "plain" {
  name               = "plain"
  assume_role_policy = "{}"
}
"""
    )
    roles = reading_of(late("aws_iam_role.a", "aws_iam_role.plain"), source=str(tmp_path)).roles
    assert [[p.name for p in r.identity] for r in roles] == [["p"], []]
    assert roles[0].identity[0].document.statements[0].doubtful
    assert [(u.what, u.location.line) for r in roles for u in r.unknowns] == [("inline policy `p`", 13)]


def test_a_resource_policy_that_is_not_known_is_said_so() -> None:
    rows = [
        change("aws_s3_bucket_policy.b", {"bucket": "logs"}, unknown={"policy": True}),
        change("aws_s3_bucket.b", {"bucket": "logs"}, unknown={"policy": True}),
        change("aws_organizations_policy.s", {"name": "s"}, unknown={"content": True}),
    ]
    bucket = {"address": "aws_s3_bucket.b", "mode": "managed", "expressions": {"bucket": {}}}
    reading = reading_of({"resource_changes": rows, "configuration": {"root_module": {"resources": [bucket]}}})
    assert [(p.kind, p.message) for p in reading.problems] == [  # type: ignore[attr-defined]
        (
            "unknown",
            "resource policy `b`: `aws_s3_bucket_policy.b.policy` is not known before the change is applied",
        ),
        ("unknown", "SCP `s`: `aws_organizations_policy.s.content` is not known before the change is applied"),
    ]


@pytest.mark.parametrize("used", [True, False])
def test_a_document_in_a_repeated_module_is_judged_once(used: bool) -> None:
    head = 'module.m["x"]'
    rows = [
        change(f"{head}.aws_iam_role.a", {"name": "a", "assume_role_policy": TRUST}),
        change(f"{head}.aws_iam_role_policy.p", {"name": "p", "role": "a", "policy": DELETE}),
        change(f"{head}.data.aws_iam_policy_document.d", {"json": DELETE}),
    ]
    for row, (kind, name) in zip(rows, [("aws_iam_role", "a"), ("aws_iam_role_policy", "p")], strict=False):
        row.update(type=kind, name=name)
    rows[2].update(type="aws_iam_policy_document", name="d", mode="data")
    policy = {"references": ["data.aws_iam_policy_document.d.json", "data.aws_iam_policy_document.d"]}
    inner = {"address": "aws_iam_role_policy.p", "expressions": {"role": {}, "policy": policy if used else {}}}
    calls = {"m": {"source": "./m", "module": {"resources": [inner]}}}
    configuration = {"root_module": {"module_calls": calls}}
    reading = reading_of({"resource_changes": rows, "configuration": configuration})
    assert [(r.kind, r.name) for r in reading.roles] == [("role", "a")] + ([] if used else [("policy", "d")])


@pytest.mark.parametrize(
    ("references", "each", "found"),
    [
        (["var.admin"], None, []),
        (["each.value.admin", "each.value"], ["var.envs"], []),
        (["each.value.admin", "each.value"], ["local.envs"], ["attached policy"]),
        (["var.admin", "aws_iam_policy.x.arn", "aws_iam_policy.x"], None, ["attached policy"]),
    ],
    ids=["a variable", "each of a variable", "each of a local", "a resource"],
)
def test_a_list_of_policies_that_is_set_to_null(
    references: list[str], each: list[str] | None, found: list[str]
) -> None:
    row = change("aws_iam_role.a", {"name": "a", "assume_role_policy": TRUST}, unknown={"managed_policy_arns": True})
    role: dict[str, Any] = {"address": "aws_iam_role.a", "mode": "managed"}
    role["expressions"] = {"name": {}, "managed_policy_arns": {"references": references}}
    if each is not None:
        role["for_each_expression"] = {"references": each}
    (read,) = reading_of({"resource_changes": [row], "configuration": {"root_module": {"resources": [role]}}}).roles
    assert [u.what for u in read.unknowns][-1:] == found


@pytest.mark.parametrize("attached", [True, False])
def test_attachments_of_guardrails_that_reach_nobody_here_are_told(attached: bool) -> None:
    rows = [change("aws_organizations_policy.s", {"name": "s", "content": DELETE})]
    if attached:
        rows.append(change("aws_organizations_policy_attachment.a", {"policy_id": "p-1", "target_id": "123456789012"}))
    reading = reading_of({"resource_changes": rows})
    assert [(p.kind, p.location.address) for p in reading.problems] == (  # type: ignore[attr-defined]
        [("warning", "aws_organizations_policy_attachment.a")] if attached else []
    )


def test_a_role_that_one_address_forgets_and_another_imports_is_one_role() -> None:
    arn = "arn:aws:iam::111122223333:role/deploy"
    role = {"id": "deploy", "arn": arn, "name": "deploy", "assume_role_policy": TRUST}
    held = {"id": "deploy:p", "name": "p", "role": "deploy", "policy": DELETE}
    changes = [
        change("aws_iam_role.new", role, role),
        change("aws_iam_role_policy.p", held, held),
        change("aws_iam_role.old", None, role),
        change("aws_iam_role.other", None, {**role, "id": "other", "name": "other", "arn": f"{arn}-2"}),
    ]
    for row in changes[2:]:
        row["change"]["actions"] = ["forget"]
    reading = reading_of({"resource_changes": changes})
    assert said(reading) == [
        "role deploy: identity p rds:DeleteDBCluster; trust trust policy sts:AssumeRole",
        "role other: trust trust policy sts:AssumeRole",
    ]
    was = reading.roles[0].before
    assert was is not None
    assert [p.name for p in was.identity] == ["p"]


def one_of(policies: int, **attachment: Any) -> Reading:
    """Read a plan that attaches one of the policies of a module."""
    held = [f"module.m.aws_iam_policy.q[{n}]" for n in range(policies)]
    changes = [change(a, {"name": f"q{a[-2]}", "policy": DELETE}, unknown={"arn": True}) for a in held]
    changes.append(change("aws_iam_role.r", {"name": "r", "assume_role_policy": TRUST}))
    changes.append(change('aws_iam_role_policy_attachment.a["0"]', {"role": "r"}, unknown={"policy_arn": True}))
    row = {"address": "aws_iam_role_policy_attachment.a", "mode": "managed", **attachment}
    outputs = {"arns": {"expression": {"references": ["aws_iam_policy.q"]}}}
    root = {"resources": [row], "module_calls": {"m": {"module": {"outputs": outputs}}}}
    for r in changes:
        r["module_address"] = "module.m" if r["address"].startswith("module") else ""
    return reading_of({"resource_changes": changes, "configuration": {"root_module": root}})


ARNS = {"references": ["module.m.arns", "module.m"]}


@pytest.mark.parametrize(
    "attachment",
    [
        {"expressions": {"policy_arn": {"references": ["module.m.arns[0]", "module.m.arns", "module.m"]}}},
        {"expressions": {"policy_arn": {"references": [*ARNS["references"], "each.key"]}}},
        {"expressions": {"policy_arn": {"references": ["each.value"]}}, "for_each_expression": ARNS},
    ],
    ids=["index", "key", "each value"],
)
def test_one_of_some_policies_may_be_attached(attachment: dict[str, Any]) -> None:
    (role,) = one_of(2, **attachment).roles
    assert [(p.name, bool(p.document.statements[0].doubtful)) for p in role.identity] == [("q0", True), ("q1", True)]
    (sure,) = one_of(1, **attachment).roles
    assert [(p.name, p.document.statements[0].doubtful) for p in sure.identity] == [("q0", "")]
    assert said(one_of(21, **attachment))[0].count("?") == 1


def test_json_syntax_tells_its_text_beside_its_references() -> None:
    # Observed: what Terraform 1.11.4 shows of `.tf.json`, as CDK for Terraform writes it.
    row = change("aws_iam_role_policy.p", {"name": "p", "policy": DELETE}, unknown={"role": True})
    policy = {
        "address": "aws_iam_role_policy.p",
        "mode": "managed",
        "expressions": {
            "role": {"constant_value": "${aws_iam_role.r.id}", "references": ["aws_iam_role.r.id", "aws_iam_role.r"]}
        },
    }
    region = {"region": {"constant_value": "${var.region}", "references": ["var.region"]}}
    reading = reading_of(
        {
            "resource_changes": [change("aws_iam_role.r", {"name": "r", "assume_role_policy": TRUST}), row],
            "configuration": {
                "provider_config": {"aws": {"name": "aws", "expressions": region}},
                "root_module": {"resources": [policy]},
            },
            "variables": {"region": {"value": "cn-north-1"}},
        }
    )
    (role,) = reading.roles
    assert [p.name for p in role.identity] == ["p"]
    assert role.partition == "aws-cn"


def inline(action: str, resource: str = '"*"') -> str:
    """Write what `jsonencode` makes a policy of."""
    return f'jsonencode({{ Statement = [{{ Effect = "Allow", Action = "{action}", Resource = {resource} }}] }})'


@pytest.mark.parametrize("dynamic", [False, True], ids=["blocks", "a dynamic block"])
def test_inline_policies_of_a_plan_are_those_of_the_same_name_in_its_source(tmp_path: Path, dynamic: bool) -> None:
    made = {"mm": inline("ec2:*"), "aa": inline("s3:*", "aws_s3_bucket.b.arn")}
    blocks = "\n".join(f'inline_policy {{\n  name = "{n}"\n  policy = {text}\n}}' for n, text in made.items())
    if dynamic:
        pairs = ", ".join(f"{n} = {text}" for n, text in made.items())
        content = "content {\n  name = inline_policy.key\n  policy = inline_policy.value\n}"
        blocks = f'dynamic "inline_policy" {{\nfor_each = {{ {pairs} }}\n{content}\n}}'
    (tmp_path / "main.tf").write_text(
        'resource "aws_s3_bucket" "b" {}\n'
        f'resource "aws_iam_role" "r" {{\nname = "r"\nassume_role_policy = "{{}}"\n{blocks}\n}}\n'
    )
    # The provider sorts them by name.
    ec2 = json.dumps({"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]})
    after = {"name": "r", "assume_role_policy": TRUST, "inline_policy": [{"name": "aa"}, {"name": "mm", "policy": ec2}]}
    unknown = {"inline_policy": [{"policy": True}, {}]}
    expressions = {"name": {"constant_value": "r"}, **({} if dynamic else {"inline_policy": [{}, {}]})}
    config = {"address": "aws_iam_role.r", "mode": "managed", "type": "aws_iam_role", "name": "r"}
    data = {
        "resource_changes": [change("aws_iam_role.r", after, unknown=unknown)],
        "configuration": {"root_module": {"resources": [{**config, "expressions": expressions}]}},
    }
    (role,) = reading_of(data, source=str(tmp_path)).roles
    assert [(p.name, p.document.statements[0].actions) for p in role.identity] == [
        ("aa", ("s3:*",)),
        ("mm", ("ec2:*",)),
    ]
    assert role.unknowns == ()


def test_a_policy_may_hang_on_each_role_that_its_for_each_names() -> None:
    def config(address: str, **more: Any) -> dict[str, Any]:
        kind, name = address.split(".")
        return {"address": address, "mode": "managed", "type": kind, "name": name, "expressions": {}, **more}

    each = {"references": ["aws_iam_role.a.id", "aws_iam_role.a", "aws_iam_role.b.id", "aws_iam_role.b"]}
    hung = config(
        "aws_iam_role_policy.p", expressions={"role": {"references": ["each.value"]}}, for_each_expression=each
    )
    rows = [change(f"aws_iam_role.{n}", {"name": n, "assume_role_policy": TRUST}, unknown={"id": True}) for n in "ab"]
    for key in ("one", "two"):
        row = change(f'aws_iam_role_policy.p["{key}"]', {"name": key, "policy": DELETE}, unknown={"role": True})
        rows.append({**row, "index": key})
    roles = [config(f"aws_iam_role.{n}") for n in "ab"]
    reading = reading_of({"resource_changes": rows, "configuration": {"root_module": {"resources": [*roles, hung]}}})
    assert [(r.kind, r.name, [p.name for p in r.identity]) for r in reading.roles] == [
        ("role", "a", ["one", "two"]),
        ("role", "b", ["one", "two"]),
    ]
    assert all(p.document.statements[0].doubtful for r in reading.roles for p in r.identity)
