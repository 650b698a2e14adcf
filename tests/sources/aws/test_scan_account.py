"""One account: everything is read, nothing but the table's calls is made, and the dump says the same as the scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sources.aws.cloud import Account, allow, document, fill
from sources.aws.proxy import Proxy

from rolelint.catalog import catalog
from rolelint.sources.aws.calls import CALLS, PARTS, actions, policy

AWS_POLICY = "arn:aws:iam::aws:policy/PowerUserAccess"


def _same(scanned: dict[str, Any], checked: dict[str, Any]) -> None:
    for part in ("findings", "roles", "unknown", "warnings"):
        assert scanned[part] == checked[part], part


def test_a_scan_equals_the_check_of_its_dump(scan: Any, there: Account, proxy: Proxy, tmp_path: Path) -> None:
    fill(there, roles=220)
    proxy.page_size = 50
    there.client("s3").create_bucket(Bucket=f"prod-data-{there.id}")
    dump = tmp_path / "dump.json"
    scanned = scan("--inventory", "--dump", str(dump))
    assert scanned.code == 1
    assert proxy.names().count("iam:GetAccountAuthorizationDetails") == 5
    assert scanned.report["summary"]["roles"] == 221  # 220 roles and a user
    checked = scan.command("check", str(dump))
    assert checked.code == scanned.code
    _same(scanned.report, checked.report)
    assert dump.stat().st_mode & 0o077 == 0


def test_without_a_dump_only_the_places_differ(scan: Any, there: Account, tmp_path: Path) -> None:
    fill(there, roles=15)
    there.client("sqs").create_queue(
        QueueName="jobs", Attributes={"Policy": document(*[allow("sqs:Frobnicate", Principal="*")] * 2)}
    )
    dump = tmp_path / "2026-11-23.json"
    first = scan("--dump", str(dump), "--grammar")
    second = scan("--grammar")
    checked = scan.command("check", str(dump.rename(tmp_path / "2026-11-24.json")), "--grammar")
    told = [[(f["fingerprint"], f["message"]) for f in ran.report["findings"]] for ran in (first, second, checked)]
    assert told[0] == told[1] == told[2]
    assert any(not f["role"] for f in second.report["findings"])
    assert len(set(told[0])) == len(told[0])
    assert {f["location"]["file"] for f in second.report["findings"]} == {f"aws:{there.id}"}


def test_everything_of_the_account_is_in_the_dump(scan: Any, there: Account, tmp_path: Path) -> None:
    fill(there, roles=8)
    scan("--dump", str(tmp_path / "dump.json"))
    dump = json.loads((tmp_path / "dump.json").read_text())
    own = dump["Rolelint"]
    assert own["schema"] == "rolelint-dump/1"
    assert (own["account"], own["partition"], own["alias"]) == (there.id, "aws", f"alias-{there.id}")
    roles = {role["RoleName"]: role for role in dump["RoleDetailList"]}
    assert roles["app-0"]["InstanceProfileList"][0]["InstanceProfileName"] == "machine"
    assert {"Key": "team", "Value": "t1"} in roles["app-1"]["Tags"]
    assert roles["app-0"]["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("policy/limit")
    assert own["oidc_providers"][0]["audiences"] == ["sts.amazonaws.com"]
    assert own["not_seen"] == []


def test_the_default_version_counts(scan: Any, there: Account, tmp_path: Path) -> None:
    iam = there.client("iam")
    arn = iam.create_policy(PolicyName="changed", PolicyDocument=document(allow("rds:Delete*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("rds:List*")), SetAsDefault=True)
    there.role("reader")
    iam.attach_role_policy(RoleName="reader", PolicyArn=arn)
    assert not [f for f in scan().report["findings"] if f["severity"] in ("critical", "high")]


def test_aws_managed_policies_are_read_at_their_live_version(scan: Any, there: Account, proxy: Proxy) -> None:
    there.role("bounded", allow("rds:DeleteDBCluster"), PermissionsBoundary=AWS_POLICY)
    before = scan()
    assert ("bounded", "RL201") in before.rules()
    head = '<{0}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{0}Result>'
    proxy.answer(
        "iam:GetPolicy",
        head.format("GetPolicy") + f"<Policy><Arn>{AWS_POLICY}</Arn><PolicyName>PowerUserAccess</PolicyName>"
        "<DefaultVersionId>v9</DefaultVersionId></Policy></GetPolicyResult></GetPolicyResponse>",
    )
    text = document(allow("s3:*")).replace('"', "&quot;")
    proxy.answer(
        "iam:GetPolicyVersion",
        head.format("GetPolicyVersion") + f"<PolicyVersion><Document>{text}</Document><VersionId>v9</VersionId>"
        "<IsDefaultVersion>true</IsDefaultVersion></PolicyVersion></GetPolicyVersionResult></GetPolicyVersionResponse>",
    )
    after = scan()
    assert ("bounded", "RL201") not in after.rules()
    assert after.report["unknown"] == []


_PLAIN = ("principals", "guardrails", "account-path", "identity-center", "resource-policies")
#: Options, and the parts of the table that they stand for.
WAYS = {
    "plain": (("--region", "us-east-1"), _PLAIN),
    "every Region": ((), (*_PLAIN, "regions")),
    "Identity Center alone in every Region": (
        ("--skip", "guardrails", "--skip", "resource-policies"),
        ("principals", "identity-center", "regions"),
    ),
    "inventory": (("--region", "us-east-1", "--inventory"), (*_PLAIN, "inventory")),
    "little": (
        ("--skip", "guardrails", "--skip", "identity-center", "--skip", "resource-policies"),
        ("principals",),
    ),
    "everything": (
        ("--inventory", "--last-accessed", "--confirm"),
        tuple(part for part in PARTS if part not in ("organization", "account-tags")),
    ),
}


@pytest.mark.parametrize(("options", "parts"), WAYS.values(), ids=WAYS)
def test_no_call_is_outside_the_printed_policy(
    scan: Any,
    there: Account,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    from botocore.client import BaseClient

    made: set[tuple[str, str]] = set()
    original = BaseClient._make_api_call

    def recorded(self: Any, operation_name: str, parameters: Any) -> Any:
        made.add((self.meta.service_model.service_name, operation_name))
        return original(self, operation_name, parameters)

    fill(there, roles=6)
    there.client("s3").create_bucket(Bucket=f"b-{there.id}")
    there.client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    there.client("kms").create_key()
    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    one = "<item><regionName>us-east-1</regionName></item>"
    proxy.answer(
        "ec2:DescribeRegions", f"<DescribeRegionsResponse><regionInfo>{one}</regionInfo></DescribeRegionsResponse>"
    )
    scan(*options, regions=())
    assert (("ec2", "DescribeRegions") in made) == ("regions" in parts)
    table = {(call.service, call.operation): call.action for call in CALLS if call.part in parts}
    assert made <= set(table), made - set(table)
    printed = scan.command("scan", *options, "--print-policy", json_report=False)
    allowed = {action for s in json.loads(printed.out)["Statement"] for action in s["Action"]}
    assert {table[call] for call in made} - {""} <= allowed
    assert allowed == set(actions(parts)) - {"sts:AssumeRole"}


def test_every_action_of_the_policy_exists_and_only_reads() -> None:
    known = catalog()
    for action in actions(PARTS):
        index = known.index(action)
        assert index is not None, action
        if action not in ("sts:AssumeRole", "iam:GenerateServiceLastAccessedDetails"):
            assert not known.level_mask("write") >> index & 1, action
            assert not known.level_mask("permissions management") >> index & 1, action
    assert not known.expand_all(actions(PARTS)) & known.class_mask("destroy-data")


def test_every_call_is_an_operation_of_its_service() -> None:
    from botocore.loaders import create_loader

    loader = create_loader()
    operations: dict[str, set[str]] = {}
    for call in CALLS:
        if call.service not in operations:
            operations[call.service] = set(loader.load_service_model(call.service, "service-2")["operations"])
        assert call.operation in operations[call.service], call


def test_the_policy_for_an_organization_names_one_role(scan: Any) -> None:
    printed = scan.command("scan", "--org", "--org-role", "Audit", "--print-policy", json_report=False)
    statements = {s["Sid"]: s for s in json.loads(printed.out)["Statement"]}
    assert statements["RolelintMembers"]["Resource"] == "arn:aws:iam::*:role/Audit"
    assert "sts:AssumeRole" not in statements["RolelintScan"]["Action"]
    assert policy(["principals"])["Statement"][0]["Resource"] == "*"


def test_the_policy_is_for_the_partition_of_the_region(scan: Any) -> None:
    for region, partition in (("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")):
        printed = scan.command("scan", "--org", "--region", region, "--print-policy", json_report=False)
        target = json.loads(printed.out)["Statement"][1]["Resource"]
        assert target == f"arn:{partition}:iam::*:role/OrganizationAccountAccessRole"


def test_the_policy_for_an_organization_asks_for_tags_only_where_they_choose(scan: Any) -> None:
    tagged = ("--include-tag", "tier=gold")
    for options, asked in (((), False), (tagged, True)):
        printed = scan.command("scan", "--org", *options, "--print-policy", json_report=False)
        needed = json.loads(printed.out)["Statement"][0]["Action"]
        assert ("organizations:ListTagsForResource" in needed) is asked
        assert "organizations:ListParents" not in needed  # the walk tells where each account is


def test_a_call_that_is_not_in_the_table_is_refused(there: Account) -> None:
    import boto3

    from rolelint.sources.aws.caller import Caller
    from rolelint.sources.aws.session import Access, Session

    aws = Caller(Session(boto3.Session(region_name="us-east-1"), Access()))
    with pytest.raises(LookupError, match="s3:DeleteBucket is not in the table"):
        aws.ask("s3", "DeleteBucket", Bucket="b")
