"""Permission sets, who holds them, and how they become principals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sources.aws.cloud import Account, allow, document
from sources.aws.proxy import Proxy
from sources.aws.stubs import Stubs

from rolelint.sources.aws.caller import Notes
from rolelint.sources.aws.identity_center import IdentityCenter

INSTANCE = "arn:aws:sso:::instance/ssoins-1111111111111111"
SET = "arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-2222222222222222"
BOTH = {"InstanceArn": INSTANCE, "PermissionSetArn": SET}
OTHER = "210987654321"


def _stub(boundary: Any, refused: str = "") -> Stubs:
    stubs = Stubs()

    def answer(method: str, told: dict[str, Any], asked: dict[str, Any]) -> None:
        if method == refused:
            stubs.fail("sso-admin", method, "AccessDeniedException", "us-east-1")
            return
        stubs.answer("sso-admin", method, told, asked, "us-east-1")

    answer("list_instances", {"Instances": [{"InstanceArn": INSTANCE}]}, {})
    answer("list_permission_sets", {"PermissionSets": [SET]}, {"InstanceArn": INSTANCE})
    answer("describe_permission_set", {"PermissionSet": {"Name": "Admin", "SessionDuration": "PT12H"}}, BOTH)
    answer("get_inline_policy_for_permission_set", {"InlinePolicy": document(allow("rds:*"))}, BOTH)
    if boundary is None:
        stubs.fail("sso-admin", "get_permissions_boundary_for_permission_set", "ResourceNotFoundException", "us-east-1")
    else:
        answer("get_permissions_boundary_for_permission_set", {"PermissionsBoundary": boundary}, BOTH)
    answer("list_accounts_for_provisioned_permission_set", {"AccountIds": [OTHER]}, BOTH)
    answer(
        "list_tags_for_resource",
        {"Tags": [{"Key": "tier", "Value": "gold"}]},
        {"InstanceArn": INSTANCE, "ResourceArn": SET},
    )
    answer(
        "list_managed_policies_in_permission_set",
        {"AttachedManagedPolicies": [{"Name": "ReadOnlyAccess", "Arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]},
        BOTH,
    )
    answer(
        "list_customer_managed_policy_references_in_permission_set",
        {"CustomerManagedPolicyReferences": [{"Name": "own", "Path": "/team/"}]},
        BOTH,
    )
    answer(
        "list_account_assignments",
        {
            "AccountAssignments": [
                {"AccountId": OTHER, "PermissionSetArn": SET, "PrincipalType": "GROUP", "PrincipalId": "g-1"}
            ]
        },
        {**BOTH, "AccountId": OTHER},
    )
    return stubs


BOUNDARIES = {
    "none": (None, None),
    "AWS's": (
        {"ManagedPolicyArn": "arn:aws:iam::aws:policy/PowerUserAccess"},
        "arn:aws:iam::aws:policy/PowerUserAccess",
    ),
    "the customer's": ({"CustomerManagedPolicyReference": {"Name": "limit", "Path": "/b/"}}, "/b/limit"),
}


@pytest.mark.parametrize(("boundary", "told"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_a_permission_set_is_read_whole(boundary: Any, told: str | None) -> None:
    stubs = _stub(boundary)
    center = IdentityCenter(stubs.aws, ("us-east-1",))
    (found,) = center.sets()
    assert found.get("boundary") == told
    assert found["name"] == "Admin"
    assert found["inline"]["Statement"][0]["Action"] == "rds:*"
    assert found["managed"] == ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    assert found["customer_managed"] == ["/team/own"]
    assert found["tags"] == {"tier": "gold"}
    assert found["accounts"] == [OTHER]
    group = {"type": "GROUP", "id": "g-1"}
    assert center.assigned(OTHER, stubs.aws.notes) == [{"name": "Admin", "arn": SET, "to": [group]}]
    assert center.assigned("123456789012", stubs.aws.notes) == []  # nobody asks for what is not used there
    stubs.done()
    assert stubs.aws.notes.listed() == []


def test_the_instances_of_all_regions_are_read() -> None:
    """Those of member accounts hold no permission sets, and one that is replicated is in several Regions."""
    stubs = Stubs()
    regions = ("eu-west-1", "us-east-1", "us-west-2")
    others = {"InstanceArn": INSTANCE.replace("1111", "3333"), "OwnerAccountId": OTHER}
    whole = {"InstanceArn": INSTANCE, "OwnerAccountId": "123456789012"}
    for region, instances in zip(regions, ([others], [others, whole], [whole]), strict=True):
        stubs.answer("sso-admin", "list_instances", {"Instances": instances}, region=region)
    for region in regions[1:]:
        stubs.answer(
            "sso-admin", "list_permission_sets", {"PermissionSets": [SET]}, {"InstanceArn": INSTANCE}, region=region
        )
    stubs.answer("sso-admin", "describe_permission_set", {"PermissionSet": {"Name": "Admin"}}, BOTH, region="us-east-1")
    sets = IdentityCenter(stubs.aws, regions, management="123456789012").sets()
    assert [found["name"] for found in sets] == ["Admin"]
    stubs.done()


@pytest.mark.parametrize("refused", ["list_accounts_for_provisioned_permission_set", "list_account_assignments"])
def test_what_was_not_seen_is_not_nobody(refused: str) -> None:
    stubs = _stub(None, refused)
    center = IdentityCenter(stubs.aws, ("us-east-1",))
    notes = Notes()
    (found,) = center.sets()
    told = center.assigned(OTHER, notes)
    if refused == "list_account_assignments":
        assert (found["accounts"], told) == ([OTHER], [])
        assert [note["what"] for note in notes.listed()] == ["sso:ListAccountAssignments"]
    else:
        assert found["accounts"] is None
        assert [len(one["to"]) for one in told] == [1]


def test_permission_sets_in_a_scan(scan: Any, there: Account, proxy: Proxy, tmp_path: Path) -> None:
    """One set is not provisioned, one is a role of the account already: neither is told twice."""
    for name in ("ListTagsForResource", "GetPermissionsBoundaryForPermissionSet"):
        proxy.answer(f"sso:{name}", '{"Tags": []}')
    center = there.client("sso-admin")
    instance = center.list_instances()["Instances"]
    if not instance:
        pytest.skip("this moto makes no Identity Center instance")
    arn = instance[0]["InstanceArn"]
    for name in ("Loose", "Used"):
        made = center.create_permission_set(InstanceArn=arn, Name=name)["PermissionSet"]["PermissionSetArn"]
        center.put_inline_policy_to_permission_set(
            InstanceArn=arn, PermissionSetArn=made, InlinePolicy=document(allow("rds:DeleteDBCluster"))
        )
        for number in range(3 if name == "Used" else 0):
            center.create_account_assignment(
                InstanceArn=arn,
                PermissionSetArn=made,
                TargetId=there.id,
                TargetType="AWS_ACCOUNT",
                PrincipalType="USER" if number else "GROUP",
                PrincipalId=f"00000000-0000-0000-0000-00000000000{number}",
            )
    center.provision_permission_set(InstanceArn=arn, PermissionSetArn=made, TargetType="AWS_ACCOUNT", TargetId=there.id)
    there.role("AWSReservedSSO_Used_abcdef", allow("rds:DeleteDBCluster"), Path="/aws-reserved/sso.amazonaws.com/")
    dump = tmp_path / "dump.json"
    ran = scan("--dump", str(dump))
    assert {s["name"] for s in json.loads(dump.read_text())["Rolelint"]["permission_sets"]} == {"Loose", "Used"}
    assert {(r["kind"], r["name"]) for r in ran.report["roles"]} == {
        ("permission-set", "Loose"),
        ("role", "AWSReservedSSO_Used_abcdef"),
    }
    assert {("Loose", "RL201"), ("AWSReservedSSO_Used_abcdef", "RL201")} <= ran.rules()
    holders = {r["name"]: [one["type"] for one in r["extra"]["assigned"]] for r in ran.report["roles"]}
    assert holders == {"Loose": [], "AWSReservedSSO_Used_abcdef": ["GROUP", "USER", "USER"]}
    text = scan.command("check", str(dump), json_report=False).out
    assert "assigned   to nobody" in text
    assert "assigned   to 1 group and 2 users" in text
    proxy.fail("sso:ListAccountAssignments", "deny", code="AccessDeniedException")
    ran = scan()
    assert [r["name"] for r in ran.report["roles"] if "assigned" in r.get("extra", {})] == ["Loose"]
    assert any("`sso:ListAccountAssignments`" in text for text in ran.unknown())
