"""What a finding carries: place, statements, fingerprint, effects, unknowns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolelint.catalog import catalog
from rolelint.documents import parse
from rolelint.policies.role import Unknown
from rolelint.readers import ReadContext, read
from rolelint.records import replace
from rolelint.rulebook import CheckOptions, check_guardrails, check_role, load_rules, role_unknowns

from .build import allow, by_code, codes, deny, findings, reading, role, statements


def test_the_place_is_the_action_that_grants_the_worst() -> None:
    text = json.dumps(
        {"Statement": [allow("s3:GetObject"), allow(["s3:ListBucket", "dynamodb:Delete*", "rds:Describe*"])]}, indent=1
    )
    (document,) = parse("agent.json", text)
    found = read(document, ReadContext("identity"))
    assert found is not None
    finding = by_code(check_role(found.roles[0], load_rules()).findings)["RL201"]
    assert finding.location.file == "agent.json"
    assert finding.location.route == "Statement/1/Action/1"
    assert '"dynamodb:Delete*"' in text.splitlines()[finding.location.line - 1]


@pytest.mark.parametrize(
    ("actions", "rule", "named"),
    [
        ("kinesis:*", "RL102", "kinesis:DeleteStream"),
        ("logs:*", "RL102", "logs:DeleteLogGroup"),
        ("kms:*", "RL102", "kms:ScheduleKeyDeletion"),
        (["ses:CreateImportJob", "ses:DeleteContactList"], "RL201", "ses:DeleteContactList"),
    ],
)
def test_what_deletes_now_and_by_its_name_is_named_first(actions: str | list[str], rule: str, named: str) -> None:
    assert f"`{named}`" in by_code(findings(statements(allow(actions))))[rule].message


def test_other_granting_statements_are_related() -> None:
    one = statements(allow("dynamodb:DeleteTable", Sid="One"), allow(["dynamodb:DeleteTable", "s3:Get*"], Sid="Two"))
    finding = by_code(findings(one))["RL201"]
    assert finding.granted_by[0] == "example/One"
    assert [r.location.route for r in finding.related] == ["Statement/1"]


def test_the_narrow_grant_is_not_named_for_the_wide_one() -> None:
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
    one = statements(allow("dynamodb:DeleteTable", table, Sid="Narrow"), allow("dynamodb:*", Sid="Wide"))
    assert by_code(findings(one))["RL201"].granted_by[0] == "example/Wide"


@pytest.mark.parametrize(
    ("action", "where"),
    [
        ("events:DeleteRule", "on any events rule"),
        ("elasticloadbalancing:DeleteListener", "on any elasticloadbalancing listener"),
        ("ssm:StartSession", "on any host"),
        ("rds:DeleteDBCluster", "on any rds cluster"),
    ],
)
def test_a_message_names_the_type_that_an_action_is_called_for(action: str, where: str) -> None:
    messages = [f.message for f in findings(statements(allow(action)))]
    assert any(f"`{action}` {where}" in message for message in messages)


def _fingerprint(file: str, *items: dict[str, object]) -> str:
    (one,) = reading({"Version": "2012-10-17", "Statement": list(items)}, "identity", file).roles
    return by_code(findings(one))["RL201"].fingerprint


def test_the_fingerprint_outlives_moves_and_changes_with_meaning() -> None:
    drop = allow(["dynamodb:DeleteTable", "s3:GetObject"])
    same = allow(["s3:getobject", "dynamodb:DeleteTable"], Sid="Renamed")
    base = _fingerprint("policies/agent.json", drop)
    assert _fingerprint("policies/agent.json", same) == base
    assert _fingerprint("elsewhere/agent.json", allow("ec2:Describe*"), drop) == base
    assert _fingerprint("policies/agent.json", allow(["dynamodb:DeleteTable", "s3:PutObject"])) != base


def test_of_several_statements_with_a_mistake_each_may_stand_first() -> None:
    held = allow(["dynamodb:*", "s3:*"])
    one = deny(["rds:DeleteDbInstances", "dynamodb:DeleteTable"])
    two = deny(["s3:DropBucket", "s3:DeleteBucket"])
    base, other = (by_code(findings(statements(held, *both))) for both in ((one, two), (two, one)))
    alone = by_code(findings(statements(held, one)))
    for rule in ("RL901", "RL904"):
        assert base[rule].fingerprint == other[rule].fingerprint
        assert base[rule].fingerprint != alone[rule].fingerprint


def test_what_a_deny_stops_is_told_of_what_destroys_alone() -> None:
    held = allow("s3:*", "arn:aws:s3:::app-data/*")
    found = by_code(findings(statements(held, deny(["s3:GetObjectAcl", "s3:DeletObject", "s3:DeleteObject"]))))
    assert "stops `s3:DeleteObject`, and" in found["RL904"].message
    assert "can still `s3:DeleteObjectVersion`" in found["RL904"].message


@pytest.mark.parametrize(("rule", "wildcard"), [("RL102", "*"), ("RL103", "Delete*")])
def test_the_wildcard_that_covers_the_named_action_is_named_first(rule: str, wildcard: str) -> None:
    services = ["events", "rds", "ecr", "sqs", "kinesis"]
    said = {
        by_code(findings(statements(allow([f"{one}:{wildcard}" for one in order]))))[rule].message
        for order in (services, services[::-1], sorted(services))
    }
    (message,) = said
    assert f"holds `rds:{wildcard}`, `ecr:{wildcard}`" in message


def test_effects_are_complete_lists() -> None:
    report = check_role(statements(allow("rds:*"), deny("rds:Delete*")), load_rules())
    listed = {action for groups in report.effects.values() for group in groups for action in group.actions}
    expected = catalog().expand("rds:*") & ~catalog().expand("rds:Delete*") & catalog().destructive
    assert listed == set(catalog().names(expected))
    assert all(group.count == len(group.actions) for groups in report.effects.values() for group in groups)


def test_effects_as_counts_and_not_at_all() -> None:
    one = statements(allow("rds:*"))
    counts = check_role(one, load_rules(), CheckOptions(effects="summary"))
    full = check_role(one, load_rules())
    assert {c: [g.count for g in gs] for c, gs in counts.effects.items()} == {
        c: [g.count for g in gs] for c, gs in full.effects.items()
    }
    assert all(not g.actions for gs in counts.effects.values() for g in gs)
    assert check_role(one, load_rules(), CheckOptions(effects="none")).effects == {}


def test_disposable_power_has_effects_and_no_finding() -> None:
    report = check_role(
        statements(allow("dynamodb:DeleteTable", "arn:aws:dynamodb:*:123456789012:table/preview-*", Sid="Preview")),
        load_rules(),
    )
    assert not report.findings
    (group,) = report.effects["destroy-data"]
    assert (group.actions, group.scope, group.count) == (("dynamodb:DeleteTable",), "pattern", 1)


def test_an_unknown_boundary_is_listed_and_not_missed() -> None:
    one = role(
        {
            "role": "agent",
            "inline": {"work": {"Statement": [allow("dynamodb:DeleteTable")]}},
            "boundary": "arn:aws:iam::123456789012:policy/not-given",
        }
    )
    assert "RL802" not in {finding.rule for finding in check_role(one, load_rules()).findings}
    items = role_unknowns(one)
    assert items
    assert all(item.role_name == "agent" and item.reason for item in items)


@pytest.mark.parametrize(
    ("services", "said"),
    [
        (["dynamodb"], "`dynamodb:*`"),
        (["dynamodb", "rds"], "`rds:*` and `dynamodb:*`"),
        (["dynamodb", "rds", "s3"], "`rds:*`, `dynamodb:*` and `s3:*`"),
        (["dynamodb", "ec2", "rds", "s3", "sqs"], "`rds:*`, `dynamodb:*`, `ec2:*` and 2 more"),
    ],
)
def test_a_finding_quotes_what_holds_the_named_action_first(services: list[str], said: str) -> None:
    message = by_code(findings(statements(allow([f"{service}:*" for service in services]))))["RL102"].message
    assert f"holds {said} and with it " in message


def test_a_boundary_that_may_be_there_is_not_missed() -> None:
    one = role({"role": "agent", "inline": {"work": {"Statement": [allow("dynamodb:DeleteTable")]}}})
    assert "RL802" in codes(findings(one))
    maybe = Unknown("permissions boundary", "it hangs on a condition", one.location, widens=False)
    assert "RL802" not in codes(findings(replace(one, unknowns=(maybe,))))


def test_a_known_role_has_no_unknowns() -> None:
    assert role_unknowns(statements(allow("*"))) == []


def test_guardrails_around_many_roles_are_judged_once() -> None:
    bundle = {
        "roles": [
            {"role": "one", "inline": {"a": {"Statement": [allow("s3:GetObject")]}}},
            {"role": "two", "inline": {"a": {"Statement": [allow("s3:GetObject")]}}},
        ],
        "scps": [[{"name": "guard", "document": {"Statement": [allow("*"), deny("rds:DeleteDbInstances")]}}]],
    }
    found = reading(bundle)
    assert len(found.roles) == 2
    (finding,) = check_guardrails(found.roles, load_rules())
    assert (finding.rule, finding.role, finding.role_name) == ("RL901", "", "guard")


@pytest.mark.parametrize("kind", ["scp", "rcp", "boundary", "resource"])
def test_lone_policies_are_judged_by_their_text(kind: str) -> None:
    item = deny("s3:DeleteBuckets", Sid="Stay")
    if kind in ("rcp", "resource"):
        item["Principal"] = "*"
    found = findings({"Version": "2012-10-17", "Statement": [item]}, kind)
    assert [f.rule for f in found] == ["RL901"]
    assert "did you mean `s3:DeleteBucket`?" in found[0].message


TABLES = "arn:aws:dynamodb:*:123456789012:table/"
DEV = {"Condition": {"StringEquals": {"aws:ResourceTag/env": "dev"}}}


@pytest.mark.parametrize(
    "written",
    [
        [allow("dynamodb:DeleteTable", TABLES + "dev-*"), allow("dynamodb:DeleteTable", TABLES + "main-*")],
        [allow("dynamodb:DeleteTable", **DEV), allow("dynamodb:DeleteTable", TABLES + "main-*")],
        [allow("dynamodb:DeleteTable", **DEV), allow("dynamodb:TagResource", TABLES + "main-*")],
    ],
    ids=["beside disposable ones", "beside tagged ones", "where the tag is no limit"],
)
def test_a_witness_is_of_what_the_finding_names(written: list[dict[str, Any]]) -> None:
    found = by_code(findings(statements(*written)))["RL201"]
    assert "table/main-*" in found.message
    assert found.witness is not None
    assert ":us-east-1:123456789012:table/main-" in found.witness.resource


def test_what_every_reader_recognises_is_named_before_what_takes_no_resource() -> None:
    but_production = {"NotResource": ["arn:aws:s3:::prod-*", "arn:aws:s3:::prod-*/*"]}
    found = by_code(findings(statements({"Effect": "Allow", "Action": "s3:*", **but_production})))
    assert "`s3:DeleteBucket` on any s3 bucket" in found["RL201"].message
    assert "`s3:DeleteBucket` on any s3 bucket" in found["RL102"].message


@pytest.mark.parametrize("action", ["ssm:SendCommand", "ssm:StartSession"])
def test_hosts_are_named_and_shown(action: str) -> None:
    shell, hosts = "arn:aws:ssm:*::document/AWS-RunShellScript", "arn:aws:ec2:*:*:instance/*"
    for written in ([allow(action)], [allow(action, [shell, hosts])], [allow(action, shell), allow(action, hosts)]):
        found = by_code(findings(statements(*written)))["RL503"]
        assert f"`{action}` on any host" in found.message
        assert found.witness is not None
        assert ":instance/i-" in found.witness.resource


@pytest.mark.parametrize("order", [("dev", "prod"), ("prod", "dev")])
@pytest.mark.parametrize("apart", [True, False])
def test_a_witness_is_about_what_the_finding_rests_on(order: tuple[str, ...], apart: bool) -> None:
    each = [[value] for value in order] if apart else [list(order)]
    tagged = [
        allow("rds:DeleteDBInstance", Condition={"StringEquals": {"aws:ResourceTag/env": values}}) for values in each
    ]
    witness = by_code(findings(statements(*tagged)))["RL201"].witness
    assert witness is not None
    assert witness.context == {"aws:ResourceTag/env": "prod"}
