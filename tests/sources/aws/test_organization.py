"""An Organization: its guardrails at three levels, many accounts at once, resume, shards, merged reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import weakref
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sources.aws.cloud import Account, account, allow, deny, document, root_account
from sources.aws.proxy import Call, Proxy

from rolelint.cli import scanning
from rolelint.errors import UsageError
from rolelint.sources.aws.fleet import Fleet, Member

ROLE = "OrganizationAccountAccessRole"
NAMES = ("pay-prod", "pay-dev", "web-prod", "web-dev", "lab")


@dataclass
class Organization:
    """The organization of the tests: Root / {Prod / Payments, Dev}, with an SCP at each level."""

    management: Account
    units: dict[str, str]
    accounts: dict[str, Account]


@pytest.fixture(scope="session")
def organization(moto_url: str) -> Organization:
    """Six accounts: the management account and five members."""
    management = root_account(moto_url)
    org = management.client("organizations")
    org.create_organization(FeatureSet="ALL")
    root = org.list_roots()["Roots"][0]["Id"]
    org.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    org.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")

    def unit(parent: str, name: str) -> str:
        made = org.create_organizational_unit(ParentId=parent, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    units = {"Prod": unit(root, "Prod"), "Dev": unit(root, "Dev")}
    units["Payments"] = unit(units["Prod"], "Payments")

    def guard(name: str, target: str, text: str, kind: str = "SERVICE_CONTROL_POLICY") -> None:
        made = org.create_policy(Name=name, Description=name, Type=kind, Content=text)["Policy"]["PolicySummary"]
        org.attach_policy(PolicyId=made["Id"], TargetId=target)

    guard("nobody-leaves", root, document(deny("organizations:LeaveOrganization")))
    guard("databases-stay", units["Prod"], document(deny(["rds:Delete*", "rds:Modify*"])))
    homes = {"pay-prod": "Payments", "web-prod": "Prod", "pay-dev": "Dev", "web-dev": "Dev"}
    accounts = {}
    for name in NAMES:
        tags = [{"Key": "tier", "Value": "gold" if name.startswith("pay") else "plain"}]
        made = org.create_account(AccountName=name, Email=f"{name}@example.com", Tags=tags)
        number = made["CreateAccountStatus"]["AccountId"]
        if name in homes:
            org.move_account(AccountId=number, SourceParentId=root, DestinationParentId=units[homes[name]])
        accounts[name] = account(moto_url, number)
        accounts[name].role("destroyer", allow(["rds:Delete*", "sqs:DeleteQueue", "dynamodb:DeleteTable"]))
        accounts[name].role("reader", allow("rds:Describe*"))
    guard("queues-stay", accounts["pay-prod"].id, document(deny("sqs:DeleteQueue")))
    management.role("destroyer", allow(["rds:Delete*", "sqs:DeleteQueue"]))
    return Organization(management, units, accounts)


@pytest.fixture
def there(organization: Organization) -> Account:
    """Sign in to the management account."""
    return organization.management


FEW = ("--skip", "resource-policies", "--skip", "identity-center")


def _can(report: dict[str, Any], number: str) -> set[str]:
    role = next(r for r in report["roles"] if r["arn"] == f"arn:aws:iam::{number}:role/destroyer")
    return {action for groups in role["effects"].values() for group in groups for action in group["actions"]}


def test_guardrails_of_every_level_count(scan: Any, organization: Organization) -> None:
    report = scan("--org", *FEW).report
    deletes = {"rds:DeleteDBCluster", "sqs:DeleteQueue", "dynamodb:DeleteTable"}
    left = {name: _can(report, there.id) & deletes for name, there in organization.accounts.items()}
    assert left == {
        "pay-prod": {"dynamodb:DeleteTable"},  # the unit above its own took one, its own policy another
        "web-prod": {"sqs:DeleteQueue", "dynamodb:DeleteTable"},
        "pay-dev": deletes,
        "web-dev": deletes,
        "lab": deletes,
    }
    assert report["unknown"] == []


def test_scps_do_not_bind_the_management_account(scan: Any, organization: Organization) -> None:
    org = organization.management.client("organizations")
    root = org.list_roots()["Roots"][0]["Id"]
    made = org.create_policy(
        Name="nothing-goes",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=document(deny("*", Condition={"StringEquals": {"aws:PrincipalAccount": "123456789012"}})),
    )
    number = made["Policy"]["PolicySummary"]["Id"]
    org.attach_policy(PolicyId=number, TargetId=root)
    try:
        report = scan(*FEW).report
    finally:
        org.detach_policy(PolicyId=number, TargetId=root)
    assert "rds:DeleteDBCluster" in _can(report, "123456789012")


def test_a_member_that_may_not_read_the_organization(
    scan: Any, organization: Organization, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What SCPs might take away is not known: every power is possible, and the answer says so."""
    for name, value in organization.accounts["pay-dev"].environment().items():
        monkeypatch.setenv(name, value)
    proxy.fail("organizations:(DescribeAccount|List.*)", "deny", code="AccessDeniedException")
    ran = scan(*FEW, "--dump", str(tmp_path / "dump.json"))
    assert {f["certainty"] for f in ran.report["findings"] if f["witness"]} == {"possible"}
    assert any("SCPs" in told and "access denied" in told for told in ran.unknown()), ran.unknown()
    assert scan.command("check", str(tmp_path / "dump.json")).report["unknown"] == ran.report["unknown"]
    guard = tmp_path / "scp.json"
    guard.write_text(document(allow("*"), deny("rds:*")))
    given = scan(*FEW, "--scp", str(guard))
    assert "rds:DeleteDBCluster" not in _can(given.report, organization.accounts["pay-dev"].id)
    assert {f["certainty"] for f in given.report["findings"] if f["witness"]} == {"proved"}
    assert not any("SCPs" in told for told in given.unknown())


@pytest.mark.parametrize("visible", [True, False], ids=["the types can be seen", "the types cannot be seen"])
def test_scps_that_are_switched_off_allow_everything(
    scan: Any, organization: Organization, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, visible: bool
) -> None:
    """Levels without any SCP are those of an organization that has them switched off, and deny nothing."""
    root = organization.management.client("organizations").list_roots()["Roots"][0]
    proxy.answer("organizations:ListPoliciesForTarget", '{"Policies": []}')
    proxy.answer("organizations:DescribeAccount", '{"Account": {"Name": "pay-dev"}}')
    proxy.answer("organizations:ListParents", json.dumps({"Parents": [{"Id": root["Id"], "Type": "ROOT"}]}))
    if visible:
        proxy.answer("organizations:ListRoots", json.dumps({"Roots": [{**root, "PolicyTypes": []}]}))
    else:
        proxy.fail("organizations:ListRoots", "deny")
    for name, value in organization.accounts["pay-dev"].environment().items():
        monkeypatch.setenv(name, value)
    ran = scan(*FEW)
    assert "rds:DeleteDBCluster" in _can(ran.report, organization.accounts["pay-dev"].id)
    assert ("organizations:ListPoliciesForTarget" in proxy.names()) is not visible
    assert (ran.unknown() == []) is visible


def test_guardrails_that_come_again_and_again_are_not_seen(scan: Any, organization: Organization, proxy: Proxy) -> None:
    again = '{"Policies": [{"Id": "p-FullAWSAccess", "Name": "FullAWSAccess"}], "NextToken": "same"}'
    proxy.answer("organizations:ListPoliciesForTarget", again)
    told = scan(*FEW).unknown()
    assert [text for text in told if "`organizations:ListPoliciesForTarget`" in text]


def test_totals_stand_by_unit(scan: Any, organization: Organization) -> None:
    ran = scan("--org", *FEW)
    units = {unit["path"]: unit for unit in ran.report["extra"]["scan"]["units"]}
    assert {path: unit["accounts"] for path, unit in units.items()} == {
        "Root": 6,
        "Root/Dev": 2,
        "Root/Prod": 2,
        "Root/Prod/Payments": 1,
    }
    every = Counter(f["severity"] for f in ran.report["findings"])
    assert {k: v for k, v in units["Root"]["findings"].items() if v} == dict(every)
    text = scan("--org", *FEW, json_report=False)
    assert "Root/Prod/Payments: 1 account, 3 roles" in text.out
    lines = [line for line in text.err.splitlines() if line.startswith("[")]
    assert len(lines) == 6
    assert all(" role" in line for line in lines)


def test_a_redacted_organization(scan: Any, organization: Organization) -> None:
    shown = scan("--org", *FEW, "--redact")
    text = json.dumps(shown.report) + shown.out + shown.err
    for name, there in organization.accounts.items():
        assert there.id not in text
        assert name not in text
    assert len(shown.report["extra"]["scan"]["accounts"]) == 6


def test_redacted_shards_merge_to_the_whole(scan: Any, organization: Organization, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("5d41402abc4b2a76b9719d911017c592\n")
    options = ("--org", *FEW, "--redact", "--redact-key", str(key))
    files = []
    for number in (1, 2):
        files.append(str(tmp_path / f"{number}.json"))
        Path(files[-1]).write_text(json.dumps(scan(*options, "--shard", f"{number}/2").report))
    merged, whole = scan.command("merge", *files).report, scan(*options).report
    for part in ("roles", "findings", "unknown"):
        assert sorted(map(json.dumps, merged[part])) == sorted(map(json.dumps, whole[part])), part
    for part in ("accounts", "units"):
        assert merged["extra"]["scan"][part] == whole["extra"]["scan"][part]
    assert organization.accounts["lab"].id not in json.dumps(merged)
    assert key.read_text().strip() not in json.dumps(merged)


CHOICES = {
    "a unit by name": (("--include-ou", "Prod"), {"pay-prod", "web-prod"}),
    "a unit by path": (("--include-ou", "Root/Prod/Payments"), {"pay-prod"}),
    "not a unit": (("--exclude-ou", "Dev", "--exclude-ou", "Payments"), {"web-prod", "lab", "master"}),
    "a tag": (("--include-tag", "tier=g*"), {"pay-prod", "pay-dev"}),
    "not a tag": (("--exclude-tag", "tier=gold", "--include-ou", "Dev"), {"web-dev"}),
    "accounts by name": (("--account", "*-dev"), {"pay-dev", "web-dev"}),
    "nothing": (("--account", "no-such"), set()),
}


@pytest.mark.parametrize(("options", "names"), CHOICES.values(), ids=CHOICES)
def test_accounts_are_chosen(scan: Any, options: tuple[str, ...], names: set[str]) -> None:
    ran = scan("--org", *FEW, *options)
    assert {row["name"] for row in ran.report["extra"]["scan"]["accounts"]} == names


def test_shards_part_the_accounts_and_merge_to_the_whole(scan: Any, tmp_path: Path) -> None:
    whole = scan("--org", *FEW).report
    files = []
    for number in (1, 2, 3):
        report = scan("--org", *FEW, "--shard", f"{number}/3").report
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(report))
        files.append(str(path))
    merged = scan.command("merge", *files).report

    def facts(report: dict[str, Any]) -> Any:
        findings = sorted((f["fingerprint"], f["message"], f["severity"]) for f in report["findings"])
        return findings, sorted(r["id"] for r in report["roles"]), report["extra"]["scan"]["units"]

    assert facts(merged) == facts(whole)
    assert merged["unknown"] == whole["unknown"]
    part = tmp_path / "part.json"
    part.write_text(json.dumps(scan.command("merge", *files[:2]).report))
    assert scan.command("merge", str(part), "--fail-on", "never").code == 4
    missing = "1 of 3 shards, the first `3/3`, are in none of the reports that were merged"
    assert scan.command("merge", files[0], files[1]).unknown() == [f"shard: {missing}"]
    assert facts(scan.command("merge", str(part), files[2]).report) == facts(whole)
    assert scan.command("merge", str(part), files[2]).unknown() == []
    again = scan.command("merge", files[0], files[0])
    assert again.code == 2
    assert "is in" in again.err


def test_a_report_survives_being_read_back(scan: Any, tmp_path: Path) -> None:
    report = scan("--org", *FEW, "--account", "pay-dev", "--inventory").report
    path = tmp_path / "one.json"
    path.write_text(json.dumps(report))
    merged = scan.command("merge", str(path)).report
    for part in ("roles", "findings", "unknown", "errors", "warnings", "summary"):
        assert merged[part] == report[part], part


BROKEN = {
    "not JSON": ("{", "the JSON ends too early"),
    "another thing": ('{"Version": "2012-10-17"}', "not a report of"),
    "half a report": ('{"schema": "rolelint-report/1"}', "is not complete"),
}


@pytest.mark.parametrize(("text", "told"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_report_is_refused(scan: Any, tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    ran = scan.command("merge", str(path))
    assert ran.code == 2
    assert told in ran.err


def test_guardrails_of_the_user_are_read_once_and_first(
    scan: Any, organization: Organization, proxy: Proxy, tmp_path: Path
) -> None:
    scp = tmp_path / "scp.json"
    scp.write_text(document(deny("rds:Delete*")))
    ran = scan("--org", *FEW, "--account", "*-dev", "--scp", str(scp))
    assert [item["location"]["file"] for item in ran.report["warnings"]] == [str(scp)]
    assert not any(f["witness"] and f["witness"]["action"].startswith("rds:") for f in ran.report["findings"])
    proxy.calls.clear()
    ran = scan("--org", *FEW, "--scp", str(tmp_path / "none.json"))
    assert (ran.code, proxy.names()) == (2, [])
    assert "none.json: no such file" in ran.err


def test_accounts_that_cannot_be_listed(scan: Any, organization: Organization, proxy: Proxy) -> None:
    proxy.answer("organizations:ListAccountsForParent", '{"Accounts": [{"Name": "x"}]}')
    ran = scan("--org", *FEW)
    assert ran.code == 4
    assert ran.unknown() == [
        "input: `accounts of the Organization` was not seen: an answer could not be understood (KeyError)"
    ]


def test_an_account_that_cannot_be_entered(scan: Any, organization: Organization, proxy: Proxy) -> None:
    lost = organization.accounts["lab"].id
    body = f"RoleArn=arn%3Aaws%3Aiam%3A%3A{lost}"
    error = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    original = proxy.handle

    def refuse(handler: Any) -> None:
        import io

        length = int(handler.headers.get("Content-Length") or 0)
        content = handler.rfile.read(length) if length else b""
        if body.encode() in content:
            handler.send_response(403)
            handler.send_header("Content-Length", str(len(error)))
            handler.end_headers()
            handler.wfile.write(error.encode())
            return
        handler.rfile = _Joined(io.BytesIO(content), handler.rfile)
        original(handler)

    proxy.handle = refuse  # type: ignore[method-assign]
    try:
        ran = scan("--org", *FEW)
    finally:
        del proxy.handle
    rows = {row["name"]: row for row in ran.report["extra"]["scan"]["accounts"]}
    assert rows["lab"]["status"] == "not read"
    assert "access denied" in rows["lab"]["reason"]
    assert [t for t in ran.unknown() if t.startswith(f"account: {lost} was not read")]
    assert rows["pay-dev"]["status"] == "read"


class _Joined:
    """Bytes read already, then the stream they came from."""

    def __init__(self, first: Any, rest: Any) -> None:
        self._first, self._rest = first, rest

    def read(self, count: int = -1) -> bytes:
        return self._first.read(count) or self._rest.read(count)

    def readline(self, *arguments: Any) -> bytes:
        return self._rest.readline(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rest, name)


def test_finished_accounts_are_not_read_again(scan: Any, proxy: Proxy, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    first = scan("--org", *FEW, "--state", state)
    assert len(list(Path(state).glob("[0-9]*.json"))) == 6
    assert Path(state).stat().st_mode & 0o077 == 0
    proxy.calls.clear()
    second = scan("--org", *FEW, "--state", state)
    assert "iam:GetAccountAuthorizationDetails" not in proxy.names()
    assert second.report["findings"] == first.report["findings"]
    assert {row["status"] for row in second.report["extra"]["scan"]["accounts"]} == {"resumed"}
    assert scan("--org", *FEW, "--exclude-tag", "team=none", "--state", state).code == second.code
    for options in (("--inventory",), ("--production-account", "pay*")):
        other = scan("--org", *FEW, *options, "--state", state)
        assert other.code == 2
        assert "`scan.json` is of a scan with other options" in other.err.replace(f"{state}/", "")


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"{", b"[]", b"null"])
def test_settings_of_a_state_folder_that_are_damaged_are_told(text: bytes, tmp_path: Path) -> None:
    fleet = object.__new__(Fleet)
    fleet._state = str(tmp_path)
    fleet.open_state({"regions": []})
    fleet.open_state({"regions": []})
    (tmp_path / "scan.json").write_bytes(text)
    with pytest.raises(UsageError, match=r"scan\.json` is damaged"):
        fleet.open_state({"regions": []})


@pytest.mark.parametrize("own", [[], {}, {"account": "?"}, {"account": "?", "schema": "rolelint-dump/1"}])
def test_a_kept_account_that_is_damaged_is_read_again(
    scan: Any, organization: Organization, tmp_path: Path, own: Any
) -> None:
    number = organization.accounts["lab"].id
    options = ("--org", *FEW, "--account", "lab", "--state", str(tmp_path))
    first = scan(*options)
    text = json.dumps({"Rolelint": own}).replace("?", number)
    (tmp_path / f"{number}.json").write_text(text)
    again = scan(*options)
    assert again.report["findings"] == first.report["findings"]
    assert {row["status"] for row in again.report["extra"]["scan"]["accounts"]} == {"read"}


@pytest.mark.parametrize(("kind", "words"), [("throttle", "throttled"), ("broken", "AWS could not answer")])
def test_an_account_that_failed_for_a_while_is_read_again(
    scan: Any, proxy: Proxy, tmp_path: Path, kind: str, words: str
) -> None:
    state = str(tmp_path / "state")
    proxy.fail("iam:GetAccountAuthorizationDetails", kind, times=2)
    first = scan("--org", *FEW, "--state", state, "--concurrency", "1")
    assert any(words in told for told in first.unknown())
    assert len(list(Path(state).glob("[0-9]*.json"))) == 5
    second = scan("--org", *FEW, "--state", state)
    assert second.unknown() == []
    statuses = Counter(row["status"] for row in second.report["extra"]["scan"]["accounts"])
    assert statuses == {"resumed": 5, "read": 1}


def test_an_account_whose_guardrails_failed_for_a_while_is_read_again(scan: Any, proxy: Proxy, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    proxy.fail("organizations:ListPoliciesForTarget", "throttle", times=2)
    first = scan("--org", *FEW, "--state", state, "--concurrency", "1")
    assert any("throttled" in told for told in first.unknown())
    second = scan("--org", *FEW, "--state", state)
    assert second.unknown() == []
    assert {f["certainty"] for f in second.report["findings"] if f["witness"]} == {"proved"}


def test_an_answer_of_one_account_that_makes_no_sense_costs_that_account(
    scan: Any, organization: Organization, proxy: Proxy
) -> None:
    lost = organization.accounts["lab"]

    def answer(call: Call) -> str | None:
        return (
            "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
            if call.key == asked
            else None
        )

    asked = ""
    original = Fleet._session

    def session(self: Fleet, member: Member) -> Any:
        nonlocal asked
        made = original(self, member)
        if member.id == lost.id:
            asked = made._inner.get_credentials().access_key
        return made

    proxy.answer("sts:GetCallerIdentity", answer)
    Fleet._session = session  # type: ignore[method-assign]
    try:
        ran = scan("--org", *FEW)
    finally:
        Fleet._session = original  # type: ignore[method-assign]
    rows = {row["name"]: row for row in ran.report["extra"]["scan"]["accounts"]}
    assert [name for name, row in rows.items() if row["status"] == "not read"] == ["lab"]
    assert "could not be understood" in rows["lab"]["reason"]


def test_the_clients_of_finished_accounts_are_let_go(scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where judging hides what lives from the garbage collector while other accounts are being read."""
    monkeypatch.setattr(scanning, "_ACCOUNTS_PER_SWEEP", 1)
    made: list[weakref.ref[Any]] = []
    original = Fleet._session

    def session(self: Fleet, member: Member) -> Any:
        found = original(self, member)
        if found is not self.aws.session:
            made.append(weakref.ref(found.client("sts").meta.service_model))
        return found

    monkeypatch.setattr(Fleet, "_session", session)
    scan("--org", *FEW)
    assert len(made) == 5
    assert sum(1 for model in made if model() is not None) <= 1  # the last may wait for the next sweep


def _answer_for_center(proxy: Proxy) -> None:
    """Answer what moto lacks."""
    proxy.answer("sso:ListTagsForResource", '{"Tags": []}')
    proxy.answer("sso:GetPermissionsBoundaryForPermissionSet", '{"PermissionsBoundary": {}}')


def test_the_roles_of_permission_sets_tell_who_holds_them_in_each_account(
    scan: Any, organization: Organization, proxy: Proxy, tmp_path: Path
) -> None:
    center = organization.management.client("sso-admin")
    instance = center.list_instances()["Instances"][0]["InstanceArn"]
    center.create_permission_set(InstanceArn=instance, Name="Breaker")
    lab = organization.accounts["lab"]
    reserved = "/aws-reserved/sso.amazonaws.com/"
    lab.role("AWSReservedSSO_Breaker_0123456789abcdef", allow("rds:Delete*"), Path=reserved)
    group = {"AccountId": lab.id, "PrincipalType": "GROUP", "PrincipalId": "g-1"}
    _answer_for_center(proxy)
    proxy.answer("sso:ListAccountsForProvisionedPermissionSet", json.dumps({"AccountIds": [lab.id]}))
    proxy.answer("sso:ListAccountAssignments", json.dumps({"AccountAssignments": [group]}))
    options = ("--org", "--skip", "resource-policies", "--state", str(tmp_path / "state"))
    for _ in ("read", "resumed"):
        roles = scan(*options).report["roles"]
        (told,) = (role["extra"]["assigned"] for role in roles if "assigned" in role.get("extra", {}))
        assert told == [{"type": "GROUP", "id": "g-1"}]
    assert proxy.names().count("sso:ListAccountAssignments") == 1


CENTER = ("--org", "--skip", "resource-policies", "--skip", "guardrails")


@pytest.mark.parametrize("chosen", [(), ("--account", "lab")], ids=["all", "without the caller's own"])
def test_identity_center_that_was_not_seen_is_told_once(
    scan: Any, organization: Organization, proxy: Proxy, tmp_path: Path, chosen: tuple[str, ...]
) -> None:
    proxy.fail("sso:ListInstances", "deny")
    options = (*CENTER, *chosen, "--state", str(tmp_path / "state"))
    for _ in ("read", "resumed"):
        told = [text for text in scan(*options).unknown() if "sso:ListInstances" in text]
        assert len(told) == 1


def test_accounts_are_read_again_where_identity_center_failed_for_a_while(
    scan: Any, organization: Organization, proxy: Proxy, tmp_path: Path
) -> None:
    _answer_for_center(proxy)
    proxy.fail("sso:ListInstances", "throttle", times=2)
    options = (*CENTER, "--account", "lab", "--account", "web-dev", "--state", str(tmp_path / "state"))
    assert any("throttled" in told for told in scan(*options).unknown())
    second = scan(*options)
    assert second.unknown() == []
    assert {row["status"] for row in second.report["extra"]["scan"]["accounts"]} == {"read"}


def test_what_is_left_out_is_not_asked_for(scan: Any, organization: Organization, proxy: Proxy) -> None:
    options = (*CENTER, "--account", "lab")
    scan(*options)
    printed = scan.command("scan", *options, "--region", "us-east-1", "--print-policy", json_report=False)
    asked = {name for name in proxy.names() if name.startswith("organizations:")}
    assert asked
    assert asked <= set(json.loads(printed.out)["Statement"][0]["Action"])


class _Dump(dict[str, Any]):
    """A dump that can be watched."""


def test_the_dumps_of_finished_accounts_are_let_go(scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The places of roles are worked out late, from the document that they are in."""
    made: list[weakref.ref[_Dump]] = []
    original = scanning.Scan._document

    def document(self: scanning.Scan, dump: dict[str, Any]) -> Any:
        assert sum(1 for known in made if known() is not None) <= 1
        found = original(self, dump)
        found.data = _Dump(found.data)
        made.append(weakref.ref(found.data))
        return found

    monkeypatch.setattr(scanning.Scan, "_document", document)
    scan("--org", *FEW)
    assert len(made) == 6


def test_a_shard_without_an_account_is_clean_and_a_wish_for_none_is_not(scan: Any) -> None:
    codes = [
        scan("--org", *FEW, "--account", "lab", "--shard", f"{n}/4", "--fail-on", "never").code for n in range(1, 5)
    ]
    assert codes == [0, 0, 0, 0]
    ran = scan("--org", *FEW, "--account", "no-such")
    assert ran.code == 3
    assert "look at --account" in ran.err


#: Runs rolelint with Ctrl-C in force, also where the tests run in the background.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from rolelint.cli import main; main(sys.argv[1:])"
)


def test_an_interrupted_scan_goes_on_where_it_was(
    organization: Organization, scan: Any, proxy: Proxy, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    proxy.delay = 0.08
    started = subprocess.Popen(
        [
            *(sys.executable, "-c", START, "scan", "--endpoint-url", proxy.url, "--region", "us-east-1"),
            *("--org", *FEW, "--state", str(state), "--concurrency", "1"),
        ],
        env={**os.environ, **organization.management.environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(200):
        if len(list(state.glob("[0-9]*.json"))) >= 2:
            break
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=30)
    assert started.returncode == 130, told
    finished = len(list(state.glob("[0-9]*.json")))
    assert 2 <= finished < 6
    proxy.delay = 0
    proxy.calls.clear()
    ran = scan("--org", *FEW, "--state", str(state))
    assert proxy.names().count("iam:GetAccountAuthorizationDetails") == 6 - finished
    assert len(ran.report["extra"]["scan"]["accounts"]) == 6


def test_more_at_once_is_faster(scan: Any, proxy: Proxy) -> None:
    proxy.delay = 0.03
    took = {}
    for workers in (1, 6):
        start = time.monotonic()
        scan("--org", *FEW, "--concurrency", str(workers))
        took[workers] = time.monotonic() - start
    assert took[6] < took[1] * 0.75, took


REFUSED = {
    "a shard without --org": (("--shard", "1/2"), "--shard is for an Organization"),
    "a shard that is none": (("--org", "--shard", "3/2"), "is not a shard"),
    "a tag without a value": (("--org", "--include-tag", "tier"), "is not KEY=VALUE"),
    "a dump of many": (("--org", "--dump", "x"), "--state DIR keeps one dump for each account"),
    "an external id for nobody": (("--external-id", "deal-7"), "--external-id is for a role to assume"),
    "a device for nobody": (("--mfa-serial", "arn:aws:iam::123456789012:mfa/me"), "is for a role to assume"),
    "a role that is none": (("--assume-role", "Audit"), "is not the ARN of a role"),
    "an endpoint that is none": (("--endpoint-url", "localhost"), "is not the URL of an endpoint"),
    "a secret for nothing": (("--redact-key", "x"), "--redact-key is for --redact"),
    "a secret that is not there": (("--redact", "--redact-key", "/no/such"), "/no/such: no such file"),
    "a secret that is none": (("--redact", "--redact-key", os.devnull), "has less than 16 bytes"),
    "names for AWS, names for nobody": (("--redact", "--confirm"), "do not go together"),
}


@pytest.mark.parametrize(("options", "told"), REFUSED.values(), ids=REFUSED)
def test_options_that_do_not_fit_are_refused(scan: Any, options: tuple[str, ...], told: str) -> None:
    ran = scan(*options)
    assert ran.code == 2
    assert told in ran.err
