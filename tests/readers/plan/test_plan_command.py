"""`rolelint plan` as a gate runs it."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from rolelint.cli import run
from rolelint.policies.text import unknown
from tests.readers.plan.replan import HERE
from tests.readers.plan.test_plan_shapes import TRUST, change

FIXTURES = HERE / "fixtures"


def gate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command without source beside the plan, unless told otherwise."""
    where = () if "--source" in arguments else ("--source", "")
    code = run(["plan", *arguments, *where, "--color", "never"])
    said = capsys.readouterr()
    return code, said.out, said.err


def by_role(out: str) -> dict[str, tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Give findings and change of each role of a JSON report, by name."""
    report = json.loads(out)
    return {
        role["name"]: ([f for f in report["findings"] if f["role"] == role["id"]], role["extra"]["change"])
        for role in report["roles"]
    }


def test_a_role_that_could_destroy_before_does_not_block_what_is_not_new(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gate(capsys, str(FIXTURES / "power_added.json"), "--new-only", "--format", "json")
    roles = by_role(out)
    assert code == 1
    assert (roles["same"][0], roles["same"][1]["status"]) == ([], "unchanged")
    findings, change = roles["deploy"]
    assert findings
    assert {action for f in findings for action in f["actions"]} <= {"rds:DeleteDBCluster"}
    assert [g["actions"] for g in change["gains"]] == [["rds:DeleteDBCluster"]]
    assert change["loses"] == []
    for finding in findings:
        said = finding["message"] + str(finding.get("witness"))
        assert "s3:DeleteBucket" not in said
        assert "ecs:UpdateService" not in said


@pytest.mark.parametrize("effects", ["full", "summary", "none"])
def test_new_power_beside_old_power_of_the_same_rule(
    effects: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One unscoped delete more: the finding is about that one, with the severity that it has by itself."""
    plan = json.loads((FIXTURES / "power_added.json").read_text())
    change = next(c for c in plan["resource_changes"] if c["address"] == "aws_iam_role_policy.deploy")["change"]

    def policy(*actions: tuple[str, str]) -> str:
        statements = [{"Effect": "Allow", "Action": action, "Resource": where} for action, where in actions]
        return json.dumps({"Version": "2012-10-17", "Statement": statements})

    old = [("rds:DeleteDBCluster", "*"), ("dynamodb:DeleteTable", "*")]
    change["before"]["policy"] = policy(*old)
    change["after"]["policy"] = policy(*old, ("sqs:DeleteQueue", "arn:aws:sqs:*:*:tmp-jobs"))
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    code, out, _ = gate(capsys, str(file), "--new-only", "--format", "json", "--effects", effects)
    findings, _ = by_role(out)["deploy"]
    assert code == 0
    assert findings
    assert {a for f in findings for a in f["actions"]} == {"sqs:DeleteQueue"}
    assert not any("rds:" in f["message"] or "dynamodb:" in f["message"] for f in findings)
    assert gate(capsys, str(file))[0] == 1


def test_without_new_only_old_power_counts(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = gate(capsys, str(FIXTURES / "power_added.json"), "--format", "json")
    assert by_role(out)["same"][0]


def test_a_plan_that_only_takes_power_away_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gate(capsys, str(FIXTURES / "power_removed.json"), "--new-only")
    assert code == 0
    assert "loses" in out
    assert "rds:DeleteDBCluster" in out
    assert "gains" not in out


def test_a_replaced_role_gains_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gate(capsys, str(FIXTURES / "replaced.json"), "--new-only", "--format", "json")
    ((findings, change),) = by_role(out).values()
    assert (code, findings, change["status"]) == (0, [], "unchanged")


def test_a_moved_role_gains_only_what_it_gains(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = gate(capsys, str(FIXTURES / "moved.json"), "--new-only", "--format", "json")
    ((_, change),) = by_role(out).values()
    assert [g["actions"] for g in change["gains"]] == [["sns:DeleteTopic"]]


@pytest.mark.parametrize(("options", "code"), [((), 4), (("--allow-unknown",), 0)], ids=["strict", "allowed"])
def test_what_stays_unknown_is_exit_code_4(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int
) -> None:
    found, out, _ = gate(capsys, str(FIXTURES / "unknown_policy.json"), "--fail-on", "never", *options)
    assert found == code
    assert "aws_iam_role_policy.whole.policy" in out
    assert "terraform_data.made.id" in out


def test_lines_and_values_come_from_the_source(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE / "configs" / "unknown_parts")
    code = run(["plan", str(FIXTURES / "unknown_parts.json"), "--format", "json", "--fail-on", "never"])
    report = json.loads(capsys.readouterr().out)
    places = {(f["location"]["file"], bool(f["location"]["line"])) for f in report["findings"]}
    assert places == {("main.tf", True)}
    assert code == 0


def test_a_sensitive_value_is_never_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "json", "sarif"):
        for source in ("", str(HERE / "configs" / "inline_policy")):
            arguments = (str(FIXTURES / "sensitive.json"), "--format", form, "--source", source)
            _, out, err = gate(capsys, *arguments)
            assert "hushhush" not in out + err
            assert "dynamodb:DeleteTable" in out


WRONG_PLANS = {
    "a saved plan": (b"PK\x03\x04\x14\x00\x08\x00rest", "terraform show -json"),
    "output of a wrapper": (b"[command]/opt/terraform-bin show -json plan.bin\n{}\n", "set `terraform_wrapper: false`"),
}


@pytest.mark.parametrize("given", ["file", "standard input"])
@pytest.mark.parametrize(("content", "said"), WRONG_PLANS.values(), ids=WRONG_PLANS)
def test_what_is_not_the_json_of_a_plan_is_told_with_the_cure(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: bytes,
    said: str,
    given: str,
) -> None:
    wrong = tmp_path / "plan"
    wrong.write_bytes(content)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    code, _, err = gate(capsys, "-" if given == "standard input" else str(wrong))
    assert code == 2
    assert said in err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_plan_can_come_through_a_pipe_that_has_a_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pipe = tmp_path / "plan"
    os.mkfifo(pipe)
    text = (FIXTURES / "oidc.json").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(text,), daemon=True)
    writer.start()
    code, out, _ = gate(capsys, str(pipe))
    writer.join(10)
    assert code in (0, 1, 4)
    assert "this plan" in out


def test_a_source_that_is_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = gate(capsys, str(FIXTURES / "oidc.json"), "--source", "nowhere")
    assert (code, "no such folder: `nowhere`" in err) == (2, True)


@pytest.mark.parametrize("options", [(), ("--new-only",)])
def test_a_plan_without_iam_passes_the_gate(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: tuple[str, ...]
) -> None:
    empty = tmp_path / "plan.json"
    empty.write_text('{"format_version": "1.2", "resource_changes": []}')
    code, _, err = gate(capsys, str(empty), *options)
    assert (code, err) == (0, "")


NO_PLANS = {
    "a part of one": '{"format_version": "1.0"}',
    "a policy": '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}',
    "a role": '{"role": {"name": "x"}, "inline": {"p": {"Statement": {"Effect": "Deny", "Action": "*"}}}}',
}


@pytest.mark.parametrize("text", NO_PLANS.values(), ids=NO_PLANS)
def test_what_is_no_plan_does_not_pass_the_gate(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    code, out, err = gate(capsys, str(file), "--new-only")
    assert (code, "this is no plan" in err) == (3, True)
    assert "this plan" not in out


@pytest.mark.parametrize("option", ["--hook", "--type=scp"])
def test_an_option_that_says_nothing_of_a_plan_is_refused(capsys: pytest.CaptureFixture[str], option: str) -> None:
    code, _, err = gate(capsys, str(FIXTURES / "oidc.json"), option)
    assert (code, "No such option" in err) == (2, True)


def test_source_of_something_else_is_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    fixture = str(FIXTURES / "deferred_document.json")
    _, out, _ = gate(capsys, fixture, "--source", str(HERE / "configs" / "oidc"), "--format", "json")
    assert {f["location"]["file"] for f in json.loads(out)["findings"]} == {fixture}


def test_a_plan_comes_from_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with open(FIXTURES / "oidc.json") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        code, out, _ = gate(capsys, "-", "--format", "sarif", "--new-only")
    assert code == 1
    assert json.loads(out)["runs"][0]["results"]


def statement(effect: str, principal: Any, action: str, resource: str) -> str:
    """Write a policy of one statement."""
    said = {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [said if principal else said | {"Principal": "*"}]})


def known_role(actions: str, described: bool) -> list[dict[str, Any]]:
    """Make a role of a known account whose description may change, and its policy that stays."""
    role = {"name": "a", "arn": "arn:aws:iam::123456789012:role/a", "assume_role_policy": TRUST}
    held = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
    policy = {"name": "p", "role": "a", "policy": held}
    return [
        change("aws_iam_role.a", {**role, "description": "new"} if described else role, role),
        change("aws_iam_role_policy.p", policy, policy),
    ]


def write_plan(tmp_path: Path, *rows: dict[str, Any], **more: Any) -> str:
    """Write a plan of some changes and give its path."""
    file = tmp_path / "plan.json"
    place = {"name": "aws", "expressions": {"region": {"constant_value": "eu-west-1"}}}
    more.setdefault("configuration", {"provider_config": {"aws": place}, "root_module": {}})
    file.write_text(json.dumps({"format_version": "1.2", "resource_changes": rows, **more}))
    return str(file)


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_resource_policy_that_stays_is_no_change(
    effect: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    who = {"AWS": "arn:aws:iam::123456789012:role/a"} if effect == "Allow" else None
    bucket = {"bucket": "logs", "policy": statement(effect, who, "s3:DeleteBucket", "arn:aws:s3:::logs")}
    held = "s3:DeleteBucket" if effect == "Deny" else "ec2:DescribeVpcs"
    file = write_plan(tmp_path, *known_role(held, True), change("aws_s3_bucket_policy.b", bucket, bucket))
    code, out, _ = gate(capsys, file, "--new-only", "--format", "json")
    ((findings, changed),) = by_role(out).values()
    assert (code, findings, changed["status"]) == (0, [], "unchanged")


def hidden(address: str, **values: Any) -> dict[str, Any]:
    """Make a new role whose ARN is not known yet."""
    values = {"name": "a", "assume_role_policy": TRUST, **values}
    return change(address, values, unknown={"arn": True})


@pytest.mark.parametrize(
    ("effect", "principal", "found"),
    [
        ("Allow", unknown("aws_iam_role.a.arn"), True),
        ("Allow", "arn:aws:iam::111122223333:role/a", True),
        ("Allow", "arn:aws:iam::111122223333:role/b", False),
        ("Allow", "arn:aws:iam::111122223333:role/path/a", False),
        ("Allow", unknown("aws_iam_role.b.arn"), False),
    ],
    ids=["by reference", "by its name", "another name", "another path", "another reference"],
)
@pytest.mark.parametrize("kind", ["aws_s3_bucket_policy", "aws_kms_key"])
def test_power_that_only_a_resource_policy_gives_to_a_role_of_no_known_account(
    kind: str, effect: str, principal: str, found: bool, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    action, values = {
        "aws_s3_bucket_policy": ("s3:DeleteBucket", {"bucket": "logs"}),
        "aws_kms_key": ("kms:DisableKey", {}),
    }[kind]
    policy = statement(effect, {"AWS": principal}, action, "*")
    holder = change(f"{kind}.k", {**values, "policy": policy}, unknown={"arn": True, "key_id": True})
    _, out, _ = gate(capsys, write_plan(tmp_path, hidden("aws_iam_role.a"), holder), "--format", "json")
    assert {a for f in by_role(out)["a"][0] for a in f["actions"]} == ({action} if found else set())


def test_a_deny_to_a_written_account_is_not_taken_to_mean_a_role_of_no_known_account(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    held = {"Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::logs"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [held]})
    denied = statement("Deny", {"AWS": "arn:aws:iam::111122223333:role/a"}, "s3:*", "*")
    rows = [
        hidden("aws_iam_role.a"),
        change("aws_iam_role_policy.p", {"name": "p", "role": "a", "policy": policy}),
        change("aws_s3_bucket_policy.b", {"bucket": "logs", "policy": denied}),
    ]
    _, out, _ = gate(capsys, write_plan(tmp_path, *rows), "--format", "json")
    assert by_role(out)["a"][0]


def configured(address: str, *attributes: str) -> dict[str, Any]:
    """Make the configuration of a resource that sets some attributes."""
    return {"address": address, "mode": "managed", "expressions": {a: {} for a in attributes}}


@pytest.mark.parametrize("stays", [True, False])
def test_what_a_bucket_was_read_with_ends_with_the_policy_that_the_plan_deletes(
    stays: bool, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = statement("Deny", None, "s3:DeleteBucket", "arn:aws:s3:::logs")
    bucket = {"bucket": "logs", "arn": "arn:aws:s3:::logs", "policy": said}
    apart = {"bucket": "logs", "policy": said}
    rows = [
        *known_role("s3:DeleteBucket", False),
        change("aws_s3_bucket.b", bucket, bucket),
        change("aws_s3_bucket_policy.b", apart if stays else None, apart),
    ]
    rows[1]["change"]["before"]["policy"] = rows[1]["change"]["after"]["policy"] = json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::logs"}]}
    )
    place = {"name": "aws", "expressions": {"region": {"constant_value": "eu-west-1"}}}
    known = [configured("aws_s3_bucket.b", "bucket"), configured("aws_iam_role_policy.p", "name", "role", "policy")]
    configuration = {"provider_config": {"aws": place}, "root_module": {"resources": known}}
    _, out, _ = gate(capsys, write_plan(tmp_path, *rows, configuration=configuration), "--format", "json")
    found, changed = by_role(out)["a"]
    gains = [action for gain in changed["gains"] for action in gain["actions"]]
    assert (bool(found), gains) == ((False, []) if stays else (True, ["s3:DeleteBucket"]))


def held(*actions: str, where: str = "*") -> str:
    """Write an identity policy of one statement."""
    said = {"Sid": "Held", "Effect": "Allow", "Action": list(actions), "Resource": where}
    return json.dumps({"Version": "2012-10-17", "Statement": [said]})


def rewritten(before: str, after: str | None, **more: Any) -> list[dict[str, Any]]:
    """Make a role whose one policy changes; None is one that is not known."""
    role, policy = known_role("", False)
    policy["change"]["before"]["policy"] = before
    policy["change"]["after"] = {"name": "p", "role": "a", "policy": after}
    policy["change"]["after_unknown"] = {"policy": True} if after is None else {}
    role["change"]["after"] = {**role["change"]["after"], **more}
    return [role, policy]


@pytest.mark.parametrize(
    ("before", "after"),
    [(("ecr:*",), ("ecr:Delete*",)), (("dynamodb:*",), ("dynamodb:DeleteTable",)), (("*",), ("ec2:Terminate*",))],
    ids=["a narrower wildcard", "one action left", "one service left"],
)
def test_a_policy_that_only_shrinks_has_no_new_finding(
    before: tuple[str, ...], after: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = write_plan(tmp_path, *rewritten(held(*before), held(*after)))
    code, out, _ = gate(capsys, file, "--new-only", "--format", "json")
    ((findings, changed),) = by_role(out).values()
    assert (code, [f["rule"] for f in findings], changed["gains"]) == (0, [], [])
    assert changed["loses"]


def test_a_trust_policy_that_opens_is_new_without_a_gain(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    everyone = statement("Allow", {"AWS": "*"}, "sts:AssumeRole", "*")
    opened = json.loads(everyone)
    del opened["Statement"][0]["Resource"]
    rows = rewritten(held("dynamodb:DeleteTable"), held("dynamodb:DeleteTable"), assume_role_policy=json.dumps(opened))
    _, out, _ = gate(capsys, write_plan(tmp_path, *rows), "--new-only", "--format", "json")
    ((findings, _),) = by_role(out).values()
    assert [f["category"] for f in findings] == ["trust"]


def test_a_policy_that_becomes_unknown_is_no_loss(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = write_plan(tmp_path, *rewritten(held("rds:DeleteDBCluster"), None))
    code, out, _ = gate(capsys, file, "--new-only", "--format", "json")
    ((_, changed),) = by_role(out).values()
    assert (code, changed["gains"], changed["loses"]) == (4, [], [])
    assert changed["unknown"]


def test_blocks_with_other_addresses_are_the_same_role_and_policy(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gate(capsys, str(FIXTURES / "new_address.json"), "--new-only")
    assert (code, out.count("unknown for"), out.splitlines()[-1]) == (
        0,
        0,
        "  0 new roles, 3 roles without a change of power",
    )


def test_a_policy_that_is_not_known_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = gate(capsys, str(FIXTURES / "unknown_parts.json"), "--format", "json")
    (told,) = json.loads(out)["unknown"]
    assert told["reason"].endswith("`policy` depends on `aws_s3_bucket.data.arn`")
