"""What lowers a severity, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.findings.model import SEVERITIES
from rolelint.rulebook import CheckOptions, load_rules

from .build import allow, by_code, codes, deny, findings, role, statements

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/"
CHANNEL = {"Bool": {"aws:ViaAWSMCPService": "true"}}


def _severity(code: str, *items: dict[str, Any]) -> str:
    found = by_code(findings(statements(*items)))
    return found[code].severity if code in found else "silent"


CASES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "a named preview table is disposable": ("silent", [allow("dynamodb:DeleteTable", f"{TABLE}preview-1")]),
    "a tag that says dev is disposable": (
        "silent",
        [allow("dynamodb:DeleteTable", Condition={"StringEquals": {"aws:ResourceTag/env": "dev"}})],
    ),
    "any table": ("critical", [allow("dynamodb:DeleteTable")]),
    "any table, written as an ARN": ("critical", [allow("dynamodb:DeleteTable", "arn:aws:dynamodb:*:*:table/*")]),
    "any table but one": ("critical", [allow("dynamodb:DeleteTable"), deny("dynamodb:DeleteTable", f"{TABLE}orders")]),
    "a pattern of tables": ("high", [allow("dynamodb:DeleteTable", f"{TABLE}orders-*")]),
    "a named table": ("high", [allow("dynamodb:DeleteTable", f"{TABLE}orders")]),
    "a pattern of production tables": ("critical", [allow("dynamodb:DeleteTable", f"{TABLE}prod-*")]),
    "a named production table": ("critical", [allow("dynamodb:DeleteTable", f"{TABLE}orders-production")]),
    "disposable and other tables": (
        "high",
        [allow("dynamodb:DeleteTable", [f"{TABLE}preview-*", f"{TABLE}orders-*"])],
    ),
    "tables with a team's tag": (
        "high",
        [allow("dynamodb:DeleteTable", Condition={"StringEquals": {"aws:ResourceTag/team": "orders"}})],
    ),
    "tables with a production tag": (
        "critical",
        [allow("dynamodb:DeleteTable", Condition={"StringEquals": {"aws:ResourceTag/env": "prod"}})],
    ),
    "denied through the tool channel": (
        "high",
        [allow("dynamodb:DeleteTable"), deny("dynamodb:DeleteTable", Condition=CHANNEL)],
    ),
    "something else denied through the tool channel": (
        "critical",
        [allow("dynamodb:DeleteTable"), deny("rds:*", Condition=CHANNEL)],
    ),
    "one resource, no container": ("high", [allow("rds:DeleteDBInstance")]),
    "one resource and a container": ("critical", [allow(["rds:DeleteDBInstance", "rds:DeleteDBCluster"])]),
    "a container by name and any single resource": (
        "high",
        [allow("rds:DeleteDBInstance"), allow("dynamodb:DeleteTable", f"{TABLE}orders")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_destroy_data(name: str) -> None:
    expected, items = CASES[name]
    assert _severity("RL201", *items) == expected


def test_reasons_are_said() -> None:
    items = [allow("rds:DeleteDBInstance", "arn:aws:rds:*:123456789012:db:orders-*")]
    items.append(deny("rds:DeleteDBInstance", Condition=CHANNEL))
    finding = by_code(findings(statements(*items)))["RL201"]
    assert (finding.base_severity, finding.severity) == ("critical", "low")
    assert finding.lowered == (
        "limited to some resources",
        "denied through the tool channel",
        "each of the actions deletes one resource, not a container with its contents",
    )


def test_a_boundary_that_takes_part_away_lowers_and_is_named() -> None:
    bundle = {
        "role": "agent",
        "inline": {"work": {"Statement": [allow(["dynamodb:DeleteTable", "rds:DeleteDBCluster"])]}},
        "boundary": {"Statement": [allow("dynamodb:*")]},
    }
    finding = by_code(findings(bundle))["RL201"]
    assert finding.severity == "high"
    assert finding.lowered == ("a permissions boundary takes part of it away",)
    assert finding.actions == ("dynamodb:DeleteTable",)


@pytest.mark.parametrize(("name", "unscoped"), [("prod-db", True), ("app-db", False)])
def test_a_name_that_says_production_is_no_scope(name: str, unscoped: bool) -> None:
    cluster, bucket = f"arn:aws:rds:*:123456789012:cluster:{name}-*", f"arn:aws:s3:::{name}-*"
    for action, place in (("rds:DeleteDBCluster", cluster), ("s3:DeleteBucket", bucket)):
        found = codes(findings(statements(allow(action, place))))
        assert "RL201" in found
        assert (found >= {"RL105", "RL801"}) is unscoped


def test_a_pair_is_as_severe_as_its_lesser_half() -> None:
    wide = [allow(["rds:ModifyDBCluster", "rds:DeleteDBCluster"])]
    narrow = [
        allow("rds:ModifyDBCluster"),
        allow("rds:DeleteDBCluster", "arn:aws:rds:*:123456789012:cluster:orders-*"),
    ]
    assert _severity("RL302", *wide) == "critical"
    assert _severity("RL302", *narrow) == "high"


def test_an_unknown_part_keeps_the_severity_and_is_said() -> None:
    bundle = {
        "role": "agent",
        "inline": {"work": {"Statement": [allow("dynamodb:DeleteTable")]}},
        "boundary": "arn:aws:iam::123456789012:policy/not-given",
    }
    finding = by_code(findings(bundle))["RL201"]
    assert (finding.severity, finding.certainty) == ("critical", "possible")


def test_a_person_with_mfa_can_do_more_than_a_program() -> None:
    item = allow("dynamodb:DeleteTable", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    one = role({"Version": "2012-10-17", "Statement": [item]})
    assert "RL201" not in by_code(findings(one))
    found = by_code(findings(one, rulebook=load_rules(), options=CheckOptions(actor="human")))
    witness = found["RL201"].witness
    assert witness is not None
    assert witness.context == {"aws:MultiFactorAuthPresent": "true"}


ALONE = {
    "logs:DeleteLogGroup": "high",
    "logs:DeleteLogStream": "high",
    "ec2:DeleteFlowLogs": "medium",
    "guardduty:DisassociateMembers": "high",
    "lambda:UpdateFunctionCode": "high",
    "states:UpdateStateMachine": "high",
    "sso:DeleteInstance": "high",
    "organizations:AttachPolicy": "high",
    "organizations:DetachPolicy": "critical",
    "organizations:LeaveOrganization": "critical",
    "account:AcceptPrimaryEmailUpdate": "critical",
    "route53domains:DisableDomainTransferLock": "high",
    "ec2:TerminateInstances": "high",
    "iam:PassRole": "high",
}


@pytest.mark.parametrize("action", ALONE)
def test_one_action_on_everything(action: str) -> None:
    found = findings(statements(allow(action)))
    assert min((f.severity for f in found), key=SEVERITIES.index) == ALONE[action]


SCOPED = {
    "logs:DeleteLogGroup": ("arn:aws:logs:*:123456789012:log-group:/aws/lambda/shop-*", "medium"),
    "lambda:UpdateFunctionCode": ("arn:aws:lambda:*:123456789012:function:shop-*", "low"),
    "s3:DeleteObject": ("arn:aws:s3:eu-west-1:123456789012:accesspoint/app-data/object/*", "medium"),
}


@pytest.mark.parametrize("action", SCOPED)
def test_one_action_on_what_an_application_owns(action: str) -> None:
    resource, severity = SCOPED[action]
    found = findings(statements(allow(action, resource)))
    assert min((f.severity for f in found), key=SEVERITIES.index) == severity


@pytest.mark.parametrize(
    ("actions", "state", "severity"),
    [
        (["s3:PutObject", "s3:DeleteObject"], "acme-tfstate/prod/app.tfstate.tflock", "silent"),
        ("s3:PutObject", "acme-tfstate/prod/app.tfstate", "medium"),
        (["s3:PutObject", "s3:DeleteObject"], "acme-tfstate/dev-7/app.tfstate", "silent"),
        (["s3:PutObject", "s3:DeleteObject"], "acme-tfstate/app/*", "medium"),
        (["s3:PutObject", "s3:DeleteObject"], "acme-tfstate/prod/*", "high"),
        ("s3:PutBucketVersioning", "tfstate-prod", "high"),
    ],
)
def test_state_that_is_written_and_state_that_is_deleted(actions: str | list[str], state: str, severity: str) -> None:
    assert _severity("RL207", allow(actions, f"arn:aws:s3:::{state}")) == severity


def test_a_whole_service_that_deletes_beside_its_worst_effect() -> None:
    assert _severity("RL102", allow("fms:*")) == "high"
    assert _severity("RL102", allow("pipes:*")) == "medium"


@pytest.mark.parametrize(
    ("roles", "severity"),
    [
        ("arn:aws:iam::123456789012:role/atlantis", ""),
        ("arn:aws:iam::*:role/atlantis", ""),
        ("arn:aws:iam::123456789012:role/atlantis-*", "low"),
        ("arn:aws:iam::*:role/atlantis-*", "medium"),
        ("arn:aws-us-gov:iam::*:role/deploy/*", "medium"),
    ],
)
def test_a_pattern_of_roles_in_every_account_is_no_limit(roles: str, severity: str) -> None:
    found = by_code(findings(statements(allow("sts:AssumeRole", roles)))).get("RL906")
    assert (found.severity if found else "") == severity


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("orders-prod", "critical"),
        ("prod-non-prod-sync", "critical"),
        ("orders-nonprod", "high"),
        ("orders-non-prod", "high"),
        ("pre_prod_orders", "high"),
        ("non-production-orders", "high"),
    ],
)
def test_what_is_beside_production_is_not_production(name: str, severity: str) -> None:
    assert (
        _severity("RL201", allow("dynamodb:DeleteTable", f"arn:aws:dynamodb:*:123456789012:table/{name}")) == severity
    )
    tagged = {"StringEquals": {"aws:ResourceTag/stage": name}}
    assert _severity("RL201", allow("dynamodb:DeleteTable", Condition=tagged)) == severity


#: A database with the tag that the role has.
OWN = allow("rds:DeleteDBInstance", Condition={"StringEquals": {"aws:ResourceTag/env": "${aws:PrincipalTag/env}"}})


def _tagged(value: str, *items: dict[str, Any]) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    bundle = {
        "role": "agent",
        "tags": {"env": value},
        "inline": {"p": {"Version": "2012-10-17", "Statement": [*items]}},
    }
    found = by_code(findings(role(bundle | {"trust": {"Statement": [trust]}})))
    return found["RL201"].severity if "RL201" in found else "silent"


@pytest.mark.parametrize(("name", "severity"), {"dev": "silent", "prod": "high", "blue": "medium"}.items())
def test_the_tag_of_a_role_says_what_a_tag_must_be(name: str, severity: str) -> None:
    assert _tagged(name, OWN) == severity


def test_a_tag_that_the_role_may_choose_says_nothing() -> None:
    assert _tagged("dev", OWN, allow("iam:TagRole")) == "high"


APPLICATION = "arn:aws:elasticbeanstalk:eu-west-1:123456789012:application/"
HOLDERS: dict[str, tuple[str, str, str]] = {
    "a disposable application": ("StringEquals", f"{APPLICATION}preview", "silent"),
    "an application whose name says nothing": ("StringEquals", f"{APPLICATION}shop", "high"),
    "the application of production": ("StringEquals", f"{APPLICATION}shop-prod", "critical"),
    "any but that of production": ("StringNotEquals", f"{APPLICATION}shop-prod", "high"),
    "any but one": ("StringNotEquals", f"{APPLICATION}shop", "critical"),
    "any application, in fewer words": ("StringLike", "*application/*", "critical"),
    "a disposable application, in fewer words": ("StringLike", "*:application/preview", "silent"),
    "any application": ("StringLike", "arn:aws:elasticbeanstalk:*:123456789012:application/*", "critical"),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_what_holds_a_resource_is_a_limit(name: str) -> None:
    operator, value, severity = HOLDERS[name]
    held = {operator: {"elasticbeanstalk:InApplication": value}}
    assert _severity("RL106", allow("elasticbeanstalk:RebuildEnvironment", Condition=held)) == severity


@pytest.mark.parametrize(
    ("operator", "name", "severity"),
    [
        ("StringNotEquals", "preview", "silent"),
        ("StringEquals", "shop-prod", "high"),
        ("StringEquals", "shop", "critical"),
    ],
)
def test_a_deny_by_what_holds_a_resource(operator: str, name: str, severity: str) -> None:
    kept = {operator: {"elasticbeanstalk:InApplication": f"{APPLICATION}{name}"}}
    rebuild = "elasticbeanstalk:RebuildEnvironment"
    assert _severity("RL106", allow(rebuild), deny(rebuild, Condition=kept)) == severity


def test_all_ids_of_a_type_are_no_limit() -> None:
    every = allow("ec2:DeleteRouteTable", Condition={"ArnLike": {"ec2:Vpc": "arn:aws:ec2:*:*:vpc/vpc-*"}})
    one = allow("ec2:DeleteRouteTable", Condition={"ArnLike": {"ec2:Vpc": "arn:aws:ec2:*:*:vpc/vpc-0abc*"}})
    assert [_severity("RL105", s) for s in (every, one)] == ["medium", "low"]


def test_what_holds_a_resource_is_no_limit_where_a_tag_of_the_holders_choice_names_it() -> None:
    held = {"Condition": {"ArnEquals": {"elasticbeanstalk:InApplication": "${aws:PrincipalTag/app}"}}}
    one = allow("elasticbeanstalk:RebuildEnvironment", **held)
    assert [_severity("RL106", one), _severity("RL106", one, allow("iam:TagRole"))] == ["high", "critical"]
