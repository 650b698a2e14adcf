"""How far a power reaches where a name in the policy is no limit."""

from __future__ import annotations

from typing import Any

import pytest

from .build import allow, by_code, codes, deny, findings, statements

SHELL = "arn:aws:ssm:us-east-1::document/AWS-RunShellScript"
OURS = "arn:aws:ssm:*:*:document/AWS-RunShellScript"
HOSTS = "arn:aws:ec2:*:*:instance/*"
ONE = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"
RESTART = "arn:aws:ssm:us-east-1:123456789012:document/restart-app"


@pytest.mark.parametrize(
    ("resources", "severity"),
    [
        ([SHELL, HOSTS], "critical"),
        ([OURS, HOSTS], "critical"),
        ([SHELL, ONE], ""),
        ([RESTART, HOSTS], ""),
        ([HOSTS], ""),
    ],
)
def test_a_document_that_runs_anything_is_no_limit(resources: list[str], severity: str) -> None:
    found = by_code(findings(statements(allow("ssm:SendCommand", resources))))
    assert (found["RL503"].severity if "RL503" in found else "") == severity


TAGGED: dict[str, Any] = {"Condition": {"StringEquals": {"ssm:resourceTag/env": "dev"}}}
IN_TEAM: dict[str, Any] = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}}


@pytest.mark.parametrize(
    ("hosts", "severity"),
    [
        (allow("ssm:SendCommand", HOSTS), "critical"),
        (allow("ssm:*", HOSTS), "critical"),
        (allow("ssm:SendCommand", ONE), ""),
        (allow("ssm:SendCommand", HOSTS, **TAGGED), ""),
        (allow("ssm:SendCommand", HOSTS, **IN_TEAM), ""),
        (allow("ssm:ListCommands"), ""),
    ],
)
def test_hosts_that_another_statement_allows(hosts: dict[str, Any], severity: str) -> None:
    found = by_code(findings(statements(allow("ssm:SendCommand", SHELL), hosts)))
    assert (found["RL503"].severity if "RL503" in found else "") == severity


def test_hosts_with_a_tag_do_not_hide_others() -> None:
    irish = allow("ssm:SendCommand", "arn:aws:ec2:eu-west-1:*:instance/*")
    tagged = allow("ssm:SendCommand", HOSTS, **TAGGED)
    for hosts in ([irish], [irish, tagged], [tagged, irish]):
        assert by_code(findings(statements(allow("ssm:SendCommand", SHELL), *hosts)))["RL503"].severity == "critical"


def test_a_deny_on_hosts() -> None:
    elsewhere = deny("ssm:SendCommand", HOSTS, Condition={"StringNotEquals": {"ssm:resourceTag/env": "dev"}})
    command = allow("ssm:SendCommand", [SHELL, HOSTS])
    assert "RL503" in by_code(findings(statements(command)))
    assert "RL503" not in by_code(findings(statements(command, elsewhere)))


ROLE: dict[str, Any] = {"name": "tool", "arn": "arn:aws:iam::123456789012:role/tool"}


@pytest.mark.parametrize(
    ("resource", "severity"),
    [
        ("arn:aws:iam::123456789012:role/tool", "critical"),
        ("arn:aws:iam::123456789012:role/t*", "critical"),
        ("arn:aws:iam::123456789012:role/other", "high"),
    ],
)
def test_a_role_that_writes_its_own_policy_is_not_limited_by_its_name(resource: str, severity: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [allow("iam:PutRolePolicy", resource)]}
    bundle = {"role": ROLE, "inline": {"p": document}}
    assert by_code(findings(bundle))["RL601"].severity == severity


def only(operator: str, value: str) -> dict[str, Any]:
    """Write a condition on the policy that is attached."""
    return {"Condition": {operator: {"iam:PolicyARN": value}}}


ATTACH = "iam:AttachRolePolicy"
MINE = "arn:aws:iam::123456789012:policy/app-*"
OF_ACCOUNT = "arn:aws:iam::${aws:PrincipalAccount}:policy/app-*"
ATTACHED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "policies of others": ([allow(ATTACH, **only("ArnLike", MINE))], ""),
    "its own policies": ([allow(ATTACH, **only("ArnLike", MINE)), allow("iam:CreatePolicy")], "critical"),
    "its own, of any account": (
        [allow(ATTACH, **only("ArnLike", "arn:aws:iam::*:policy/app-*")), allow("iam:CreatePolicy")],
        "critical",
    ),
    "its own, of an account by variable": (
        [allow(ATTACH, **only("ArnLike", OF_ACCOUNT)), allow("iam:CreatePolicy")],
        "critical",
    ),
    "its own, of which it makes some": (
        [allow(ATTACH, **only("ArnLike", MINE)), allow("iam:CreatePolicy", MINE.replace("app-", "app-team-"))],
        "critical",
    ),
    "its own, of which it makes others": (
        [allow(ATTACH, **only("ArnLike", MINE)), allow("iam:CreatePolicy", MINE.replace("app-", "team-"))],
        "",
    ),
    "another account's": (
        [allow(ATTACH, **only("ArnLike", "arn:aws:iam::999999999999:policy/app-*")), allow("iam:CreatePolicy")],
        "",
    ),
    "no matter for a policy inside a role": (
        [allow("iam:PutRolePolicy", **only("ForAllValues:ArnLike", "arn:aws:iam::123456789012:policy/app"))],
        "critical",
    ),
    "each of them": ([allow(ATTACH, **only("ForAllValues:ArnLike", MINE))], ""),
}


@pytest.mark.parametrize("name", ATTACHED)
def test_a_condition_on_the_policy_that_is_attached(name: str) -> None:
    written, severity = ATTACHED[name]
    bundle = {"role": ROLE, "inline": {"p": {"Version": "2012-10-17", "Statement": written}}}
    found = by_code(findings(bundle))
    assert (found["RL601"].severity if "RL601" in found else "") == severity


@pytest.mark.parametrize(("name", "severity"), [("i-*", "high"), ("i*", "high"), ("i-0*", "medium")])
def test_what_every_id_begins_with_is_any(name: str, severity: str) -> None:
    found = by_code(
        findings(statements(allow("ec2:TerminateInstances", f"arn:aws:ec2:*:123456789012:instance/{name}")))
    )
    assert found["RL201"].severity == severity


@pytest.mark.parametrize(
    ("name", "severity"),
    [("dev-1", ""), ("dev-*", ""), ("dev*", "medium"), ("*dev*", "medium"), ("prod-dev*", "high")],
)
def test_a_word_that_runs_into_a_wildcard_says_nothing(name: str, severity: str) -> None:
    found = by_code(findings(statements(allow("rds:DeleteDBInstance", f"arn:aws:rds:*:123456789012:db:{name}"))))
    assert (found["RL201"].severity if "RL201" in found else "") == severity


def test_patterns_that_no_search_can_compare_may_meet() -> None:
    tangled = [f"arn:aws:rds:*:*:db:{f'*{letter}???' * 20}{letter}" for letter in "ab"]
    tagged = {"Condition": {"StringEquals": {"aws:ResourceTag/env": "dev"}}}
    pair = statements(allow("rds:ModifyDBInstance", tangled[0]), allow("rds:DeleteDBInstance", tangled[1]))
    assert "RL302" in codes(findings(pair))
    freed = statements(allow("rds:DeleteDBInstance", tangled[0], **tagged), allow("rds:AddTagsToResource", tangled[1]))
    assert "RL201" in codes(findings(freed))
