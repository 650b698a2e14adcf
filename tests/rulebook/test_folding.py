"""Findings that a wider one says already, and those that stand by themselves."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from rolelint.rulebook import CheckOptions, load_rules

from .build import allow, by_code, codes, deny, findings, statements


def test_one_statement_that_allows_everything_gives_one_finding_about_power() -> None:
    found = findings(statements(allow("*", Sid="All")))
    assert {f.rule for f in found} == {"RL101"}
    assert {"RL106", "RL201", "RL202", "RL302", "RL401", "RL501", "RL601"} <= codes(found)


def test_a_statement_that_grants_a_part_again_is_related() -> None:
    found = by_code(findings(statements(allow("*", Sid="All"), allow("dynamodb:DeleteTable", Sid="Drop"))))
    assert [r.location.route for r in found["RL101"].related] == ["Statement/1"]


def test_a_finding_keeps_what_another_statement_grants() -> None:
    everything = {"Effect": "Allow", "NotAction": ["dynamodb:*"], "Resource": "*", "Sid": "All"}
    found = by_code(findings(statements(everything, allow("dynamodb:DeleteTable", Sid="Drop"))))
    assert found["RL201"].granted_by == ("example/Drop",)
    assert "RL201" not in found["RL104"].message


def test_actions_that_the_wider_finding_does_not_name_keep_a_finding_apart() -> None:
    found = by_code(findings(statements(allow(["dynamodb:DeleteTable", "ec2:DeleteVpc"]))))
    assert "ec2:DeleteVpc" in found["RL105"].actions
    assert "ec2:DeleteVpc" not in found["RL201"].actions


def test_what_a_more_severe_finding_holds_folds() -> None:
    found = findings(statements(allow("dynamodb:DeleteTable")))
    assert "RL105" not in by_code(found)
    assert "RL105 unscoped-teardown" in by_code(found)["RL201"].message


def test_equal_findings_fold_though_only_the_wider_one_was_lowered() -> None:
    found = by_code(findings(statements(allow("ec2:TerminateInstances"))))
    assert found["RL201"].severity == "high"
    assert "RL105" not in found


def test_what_is_left_of_a_finding_is_judged_by_itself() -> None:
    found = by_code(findings(statements(allow(["ec2:TerminateInstances", "ec2:DeleteSubnet", "ecs:UpdateService"]))))
    assert {c: (f.severity, f.actions) for c, f in found.items() if c != "RL801"} == {
        "RL201": ("high", ("ec2:TerminateInstances",)),
        "RL105": ("medium", ("ec2:DeleteSubnet",)),
        "RL808": ("medium", ("ecs:UpdateService",)),
        "RL905": ("low", ("ec2:DeleteSubnet", "ec2:TerminateInstances")),
    }


def test_what_lost_its_worst_says_the_rest_no_more_severely() -> None:
    found = by_code(findings(statements(allow(["ec2:TerminateInstances", "bedrock:DeleteImportedModel"]))))
    assert (found["RL105"].severity, found["RL105"].actions) == ("medium", ("bedrock:DeleteImportedModel",))
    assert (found["RL803"].severity, found["RL803"].actions) == ("high", ("bedrock:DeleteImportedModel",))


def test_a_pair_folds_as_a_whole_or_not_at_all() -> None:
    pair = ["dynamodb:CreateTable", "dynamodb:DeleteTable", "s3:CreateBucket"]
    assert "RL107" not in by_code(findings(statements(allow(pair))))
    apart = by_code(findings(statements(allow(pair[:1]), allow(pair[1:]))))
    assert apart["RL107"].severity == "high"


def test_equal_findings_fold_where_both_were_lowered() -> None:
    found = by_code(findings(statements(allow("pipes:*"))))
    assert found["RL102"].severity == "medium"
    assert "(includes RL105 unscoped-teardown, RL803 environment-not-separated)" in found["RL102"].message
    assert not {"RL105", "RL803"} & set(found)


def test_an_equal_finding_that_was_lowered_folds_into_one_that_was_not() -> None:
    found = by_code(findings(statements(allow("wafv2:UpdateIPSet"))))
    assert found["RL306"].severity == "medium"
    assert "(includes RL803 environment-not-separated)" in found["RL306"].message
    assert "RL803" not in found


@pytest.mark.parametrize(
    ("action", "rule"),
    [
        ("iam:DeleteAccessKey", "RL403"),
        ("memorydb:DeleteAcl", "RL403"),
        ("organizations:MoveAccount", "RL604"),
        ("organizations:UpdatePolicy", "RL604"),
        ("organizations:DisableAWSServiceAccess", "RL604"),
        ("sso-directory:UpdateExternalIdPConfigurationForDirectory", "RL603"),
        ("lightsail:DeleteDomainEntry", "RL209"),
        ("neptune-db:connect", "RL206"),
        ("workspaces-web:DeleteSessionLogger", "RL806"),
        ("backup:UpdateRecoveryPointLifecycle", "RL203"),
    ],
)
def test_one_power_has_one_finding(action: str, rule: str) -> None:
    found = findings(statements(allow(action, Sid="One")))
    assert {f.rule for f in found} - {"RL801"} == {rule}


def test_ignoring_the_wider_rule_brings_the_others_back() -> None:
    options = CheckOptions(ignore=load_rules().resolve(["destroy-data"]))
    found = by_code(findings(statements(allow("dynamodb:DeleteTable")), options=options))
    assert "RL201" not in found
    assert "RL105" in found


def test_selecting_one_rule_applies_only_that_rule() -> None:
    options = CheckOptions(select=load_rules().resolve(["RL105"]))
    assert {f.rule for f in findings(statements(allow("*")), options=options)} == {"RL105"}


def test_a_rule_that_looks_at_others_works_when_selected_alone() -> None:
    bundle = {"role": "agent", "inline": {"work": {"Statement": [allow("dynamodb:DeleteTable")]}}}
    options = CheckOptions(select=load_rules().resolve(["RL802"]))
    assert {f.rule for f in findings(bundle, options=options)} == {"RL802"}


_HELD = (
    {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*", "Sid": "Power"},
    allow(["rds:*", "backup:Delete*"], Sid="Databases"),
    allow("s3:*", ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], Sid="Logs"),
    deny("rds:DeleteDBCluster", Sid="Keep"),
    allow("dynamodb:*", Condition={"StringEquals": {"aws:ResourceTag/team": "a"}}, Sid="Tagged"),
)


_TABLES = "arn:aws:dynamodb:*:*:table/*"
_SCOPED = (
    allow("dynamodb:DeleteTable", _TABLES, Sid="One"),
    allow("dynamodb:*", _TABLES, Sid="All"),
    allow("dynamodb:DeleteTable", "arn:aws:dynamodb:*:*:table/orders", Sid="Named"),
    allow("dynamodb:DeleteBackup", _TABLES + "/backup/*", Sid="Backups"),
)


@pytest.mark.parametrize("held", [_HELD, _SCOPED], ids=["wide", "scoped"])
def test_the_order_of_statements_changes_no_finding(held: tuple[dict[str, Any], ...]) -> None:
    seen = set()
    for order in itertools.permutations(held):
        found = findings(statements(*order))
        seen.add(tuple((f.rule, f.severity, f.message, frozenset(f.granted_by)) for f in found))
    assert len(seen) == 1


def test_a_teardown_is_told_by_the_rule_about_it() -> None:
    found = by_code(findings(statements(allow(["s3:DeleteObject", "iam:DeletePolicy", "sns:DeleteTopic"]))))
    assert found["RL204"].actions == ("s3:DeleteObject",)
    assert found["RL403"].actions == ("iam:DeletePolicy",)
    assert found["RL105"].actions == ("sns:DeleteTopic",)
