"""SCPs and RCPs that a plan attaches: which of its roles they limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolelint.engine import can
from rolelint.policies.role import Reading
from tests.readers.plan.test_plan_accounts import assumed, provider
from tests.readers.plan.test_plan_shapes import DELETE, TRUST, change, reading_of

MEMBER = "222222222222"
KEEP = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "rds:Delete*", "Resource": "*"}]}
)
UNIT = {"id": "ou-abcd-11111111", "name": "prod", "parent_id": "r-abcd"}
MASTER = change("data.aws_organizations_organization.o", {"master_account_id": "999999999999"})
ACCOUNT = {"id": MEMBER, "name": "shop", "parent_id": "ou-abcd-11111111"}


def planned(target: str, *more: dict[str, Any], kind: str = "SERVICE_CONTROL_POLICY", by: str = "aws") -> Reading:
    """Read a plan of a role in a member account and of a policy of the organization that hangs on a target."""
    policy = {"id": "p-12345678", "name": "keep", "type": kind, "content": KEEP}
    return reading_of(
        {
            "resource_changes": [
                change("aws_iam_role.a", {"name": "deploy", "assume_role_policy": TRUST}),
                change("aws_iam_role_policy.p", {"name": "p", "role": "deploy", "policy": DELETE}),
                change("aws_organizations_policy.keep", policy),
                change("aws_organizations_policy_attachment.keep", {"policy_id": "p-12345678", "target_id": target}),
                *more,
            ],
            "configuration": {
                "provider_config": {
                    "aws": provider("eu-west-1", assume_role=assumed("111111111111")),
                    "aws.shop": provider("eu-west-1", alias={"constant_value": "shop"}, assume_role=assumed(MEMBER)),
                },
                "root_module": {
                    "resources": [
                        {
                            "address": "aws_iam_role.a",
                            "mode": "managed",
                            "provider_config_key": "aws.shop",
                            "expressions": {"name": {"references": ["local.name"]}},
                        },
                        {"address": "aws_iam_role_policy.p", "mode": "managed", "provider_config_key": "aws.shop"},
                        {
                            "address": "aws_organizations_policy_attachment.keep",
                            "mode": "managed",
                            "provider_config_key": by,
                        },
                    ]
                },
            },
        }
    )


@pytest.mark.parametrize(
    ("target", "more", "by", "stopped"),
    [
        (MEMBER, (MASTER,), "aws", True),
        (MEMBER, (change("aws_organizations_account.a", ACCOUNT),), "aws", True),
        (MEMBER, (change("aws_organizations_organization.o", {}),), "aws", True),
        (MEMBER, (), "aws", False),
        ("333333333333", (MASTER,), "aws", False),
        ("r-abcd", (MASTER,), "aws", False),
        (
            "r-abcd",
            (change("aws_organizations_organizational_unit.u", UNIT), change("aws_organizations_account.a", ACCOUNT)),
            "aws",
            True,
        ),
        (
            "ou-abcd-11111111",
            (
                change("data.aws_organizations_organizational_unit.u", UNIT),
                change("aws_organizations_account.a", ACCOUNT),
            ),
            "aws",
            True,
        ),
        ("ou-abcd-22222222", (change("aws_organizations_account.a", ACCOUNT),), "aws", False),
        (MEMBER, (), "aws.shop", False),
        (MEMBER, (MASTER,), "aws.shop", True),
        (MEMBER, (change("aws_organizations_organization.o", {"master_account_id": MEMBER}),), "aws", False),
        (
            MEMBER,
            (
                change("aws_organizations_organization.o", {"master_account_id": MEMBER}),
                change("aws_organizations_account.a", ACCOUNT),
            ),
            "aws",
            False,
        ),
    ],
    ids=[
        "its account",
        "its account, one of the organization",
        "its account, and another that makes the organization",
        "an account that may be the management account where a member attaches",
        "another account",
        "a root nobody places it in",
        "the root above",
        "the unit above",
        "another unit",
        "an account that may be the management account",
        "a member that attaches",
        "the management account",
        "the management account among the accounts",
    ],
)
def test_an_attached_scp_limits_the_roles_that_are_known_to_be_below(
    target: str, more: tuple[dict[str, Any], ...], by: str, stopped: bool
) -> None:
    reading = planned(target, *more, by=by)
    (role,) = reading.roles
    assert can(role, "rds:DeleteDBCluster").verdict == ("no" if stopped else "yes")
    assert [p.message for p in reading.problems if p.kind == "warning"] == (
        [] if stopped else ["whose roles this SCP or RCP limits is not known: roles are judged without it"]
    )
    assert [p.name for p in reading.policies] == ([] if stopped else ["keep"])


def test_a_document_that_allows_what_an_organization_allows_is_no_part_of_that() -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    document = change("data.aws_iam_policy_document.all", {"json": json.dumps(everything)})
    reading = planned(MEMBER, MASTER, document)
    assert [(r.kind, r.name) for r in reading.roles] == [("role", "deploy"), ("policy", "all")]


def test_a_unit_that_is_made_with_the_account_is_found_by_reference() -> None:
    unit = change("aws_organizations_organizational_unit.u", {"name": "prod"}, unknown={"id": True, "parent_id": True})
    account = change("aws_organizations_account.a", {"id": MEMBER, "name": "shop"}, unknown={"parent_id": True})
    reading = reading_of(
        {
            "resource_changes": [
                change("aws_iam_role.a", {"name": "deploy", "assume_role_policy": TRUST}),
                change("aws_iam_role_policy.p", {"name": "p", "role": "deploy", "policy": DELETE}),
                change("aws_organizations_policy.keep", {"name": "keep", "content": KEEP}, unknown={"id": True}),
                change("aws_organizations_policy_attachment.keep", {}, unknown={"policy_id": True, "target_id": True}),
                unit,
                account,
            ],
            "configuration": {
                "provider_config": {"aws": provider("eu-west-1", assume_role=assumed(MEMBER))},
                "root_module": {
                    "resources": [
                        {
                            "address": "aws_organizations_policy_attachment.keep",
                            "mode": "managed",
                            "type": "aws_organizations_policy_attachment",
                            "name": "keep",
                            "expressions": {
                                "policy_id": {
                                    "references": ["aws_organizations_policy.keep.id", "aws_organizations_policy.keep"]
                                },
                                "target_id": {
                                    "references": [
                                        "aws_organizations_organizational_unit.u.id",
                                        "aws_organizations_organizational_unit.u",
                                    ]
                                },
                            },
                        },
                        {
                            "address": "aws_organizations_account.a",
                            "mode": "managed",
                            "type": "aws_organizations_account",
                            "name": "a",
                            "expressions": {
                                "parent_id": {
                                    "references": [
                                        "aws_organizations_organizational_unit.u.id",
                                        "aws_organizations_organizational_unit.u",
                                    ]
                                }
                            },
                        },
                    ]
                },
            },
        }
    )
    (role,) = reading.roles
    assert role.scps is not None
    assert [[p.name for p in level] for level in role.scps] == [["FullAWSAccess", "keep"]]


def test_an_attached_rcp_limits_a_members_roles() -> None:
    (role,) = planned(MEMBER, MASTER, kind="RESOURCE_CONTROL_POLICY").roles
    assert role.scps is None
    assert [p.name for p in role.rcps or ()] == ["keep"]
