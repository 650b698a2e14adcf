"""Conditions under which a boundary or SCP allows: they limit a power as those of the grant itself do."""

from __future__ import annotations

from typing import Any

import pytest

from .build import allow, by_code, deny, findings

ONLY_BOUNDED = {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/team-boundary"}}
DEV = {"StringEquals": {"aws:ResourceTag/env": "dev"}}
WRITE = ["iam:PutRolePolicy", "iam:AttachRolePolicy"]
DELETE = "rds:DeleteDBCluster"
PRODUCTION = "arn:aws:rds:*:123456789012:cluster:prod-*"


def _under(grants: list[dict[str, Any]], *boundary: dict[str, Any], scps: list[Any] | None = None) -> dict[str, Any]:
    bundle: dict[str, Any] = {"role": "agent", "inline": {"work": {"Statement": grants}}}
    if boundary:
        bundle["boundary"] = {"Statement": list(boundary)}
    if scps is not None:
        bundle["scps"] = scps
    return bundle


def test_a_boundary_may_demand_the_boundary_of_those_that_are_written() -> None:
    found = findings(_under([allow(WRITE)], allow(WRITE, Condition=ONLY_BOUNDED)))
    assert "RL601" not in by_code(found)


def test_so_may_a_level_of_scps() -> None:
    level = [{"Statement": [allow(WRITE, Condition=ONLY_BOUNDED)]}]
    assert "RL601" not in by_code(findings(_under([allow(WRITE)], scps=[level])))


@pytest.mark.parametrize("other", [allow(WRITE), allow(WRITE, "arn:aws:iam::123456789012:role/app-*")])
def test_another_statement_of_the_boundary_that_does_not_demand_it_leaves_the_power(other: dict[str, Any]) -> None:
    found = findings(_under([allow(WRITE)], allow(WRITE, Condition=ONLY_BOUNDED), other))
    assert "RL601" in by_code(found)


def test_a_condition_in_a_boundary_may_make_an_action_harmless() -> None:
    read = {"StringEquals": {"s3express:SessionMode": "ReadOnly"}}
    found = findings(_under([allow("s3express:*")], allow("s3express:CreateSession", Condition=read)))
    assert not found


def test_a_tag_that_a_boundary_demands_is_no_limit_for_who_may_set_it() -> None:
    delete = allow("ec2:TerminateInstances", Condition=DEV)
    grants = [allow(["ec2:TerminateInstances", "ec2:CreateTags"])]
    assert by_code(findings(_under(grants, delete, allow("ec2:CreateTags"))))["RL201"].severity == "high"


def test_a_tag_that_a_boundary_demands_is_a_limit_for_who_may_not() -> None:
    delete = allow("ec2:TerminateInstances", Condition=DEV)
    grants = [allow(["ec2:TerminateInstances", "ec2:CreateTags"]), deny("ec2:CreateTags")]
    assert "RL201" not in by_code(findings(_under(grants, delete, allow("ec2:CreateTags"))))


def test_what_a_boundary_allows_without_the_tag_is_found_beside_what_it_allows_with_it() -> None:
    found = by_code(findings(_under([allow(DELETE)], allow(DELETE, Condition=DEV), allow(DELETE, PRODUCTION))))
    assert found["RL201"].severity == "critical"
    assert PRODUCTION in found["RL201"].message
