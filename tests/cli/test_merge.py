"""`merge`, run as a user runs it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from rolelint.cli import run
from tests.cli.files import WIDE, policy, write


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such file"), (b"\xff", "byte 0xff")], ids=["missing", "bytes"]
)
def test_merge_says_what_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_bytes(content)
    assert run(["merge", str(path)]) == 2
    assert said in capsys.readouterr().err


def _report(tmp_path: Path, name: str, role: dict[str, Any]) -> Path:
    source = write(tmp_path, f"{name}-source.json", {"role": role, "inline": {"p": policy(WIDE)}})
    path = tmp_path / name
    assert run(["check", source, "-f", "json", "-o", str(path)]) == 1
    return path


def test_merge_counts_nothing_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = _report(tmp_path, "one.json", {"arn": "arn:aws:iam::123456789012:role/a"})
    other = _report(tmp_path, "other.json", {"arn": "arn:aws:iam::210987654321:role/a"})
    nameless = _report(tmp_path, "nameless.json", {"name": "a"})
    assert run(["merge", str(one), str(other), str(nameless), "-f", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["summary"]["roles"] == 3
    assert run(["merge", str(one), str(one)]) == 2
    assert "`arn:aws:iam::123456789012:role/a` is in" in capsys.readouterr().err
    assert run(["merge", str(nameless), str(other), str(nameless)]) == 2
    assert "would count twice" in capsys.readouterr().err


@pytest.mark.parametrize("effects", ["full", "summary", "none"])
def test_merge_does_not_say_that_a_role_can_do_nothing_where_a_report_does_not_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], effects: str
) -> None:
    source = write(tmp_path, "source.json", {"role": "r", "inline": {"p": policy(WIDE)}})
    one = tmp_path / "one.json"
    assert run(["check", source, "-f", "json", "--effects", effects, "-o", str(one)]) == 1
    assert run(["merge", str(one), "-f", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["roles"] == json.loads(one.read_text())["roles"]


def test_merge_replaces_no_report_that_it_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = _report(tmp_path, "one.json", {"arn": "arn:aws:iam::123456789012:role/a"})
    other = _report(tmp_path, "other.json", {"arn": "arn:aws:iam::210987654321:role/a"})
    link = tmp_path / "link.json"
    link.symlink_to(one)
    before = one.read_text()
    for output in (one, link):
        assert run(["merge", str(one), str(other), "-f", "json", "-o", str(output)]) == 2
        assert "the report would replace" in capsys.readouterr().err
    assert one.read_text() == before


WITHOUT_ROLES = {
    "unknown": ("values.yaml", "x: {{ y }}\nStatement: Effect\n"),
    "errors": ("policy.json", '{"Statement": [{"Effect": "Allow"'),
    "findings": (
        "trust.json",
        json.dumps(policy({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})),
    ),
}


@pytest.mark.parametrize(("part", "text"), WITHOUT_ROLES.items(), ids=WITHOUT_ROLES)
def test_merge_refuses_a_report_without_roles_that_is_given_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str, text: tuple[str, str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / text[0]).write_text(text[1])
    path = str(tmp_path / "report.json")
    run(["check", str(tmp_path / "in"), "-f", "json", "-o", path])
    report = json.loads(Path(path).read_text("utf-8"))
    assert report[part]
    assert not report["roles"]
    capsys.readouterr()
    assert run(["merge", path, path]) == 2
    err = capsys.readouterr().err
    assert "check folders that hold the same files from the folder above them, so that their paths differ" in err
    assert err.count("\n") == 1


def test_merge_takes_clean_reports_for_different_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "guard.json").write_text(json.dumps(policy({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})))
    path = str(tmp_path / "report.json")
    assert run(["check", str(tmp_path / "guard.json"), "--type", "scp", "-f", "json", "-o", path]) == 0
    assert run(["merge", path, path, "-f", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["documents"] == 2


def _template(folder: Path, name: str, action: str) -> str:
    """Check a template with the role `App` in a folder of its own, as its repository does, and give the report."""
    role = {
        "AssumeRolePolicyDocument": policy(),
        "ManagedPolicyArns": [{"Ref": "Which"}],
        "Policies": [
            {
                "PolicyName": "p",
                "PolicyDocument": policy({"Effect": "Allow", "Action": action, "Resource": "*"}),
            }
        ],
    }
    resources = {"App": {"Type": "AWS::IAM::Role", "Properties": role}}
    write(folder, name, {"Parameters": {"Which": {"Type": "String"}}, "Resources": resources})
    with contextlib.chdir(folder):
        assert run(["check", name, "-f", "json", "-o", f"{name}.report"]) == 1
    return f"{folder.name}/{name}.report"


@pytest.mark.parametrize(
    ("places", "ids"),
    [
        (["one/a.json", "one/b.json"], ["a.json#App", "b.json#App"]),
        (["one/a.json", "two/a.json"], ["one/a.json.report#App", "two/a.json.report#App"]),
        (
            ["one/a.json", "two/a.json", "two/b.json"],
            ["one/a.json.report#a.json#App", "two/a.json.report#a.json#App", "b.json#App"],
        ),
    ],
    ids=["two files", "two repositories", "both"],
)
def test_merge_tells_roles_of_one_id_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: list[str], ids: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    power = dict(zip(ids, ("s3:DeleteBucket", "rds:DeleteDBInstance", "dynamodb:DeleteTable"), strict=False))
    reports = [
        _template(tmp_path / place.partition("/")[0], place.partition("/")[2], action)
        for place, action in zip(places, power.values(), strict=True)
    ]
    assert run(["merge", *reports, "-f", "json", "-o", "merged.json"]) == 1
    merged = json.loads(Path("merged.json").read_text("utf-8"))
    assert [role["id"] for role in merged["roles"]] == ids
    assert [item["role"] for item in merged["unknown"]] == ids
    witnessed = {(f["role"], f["witness"]["action"]) for f in merged["findings"] if f["witness"]}
    assert witnessed == set(power.items())
    assert {f["role"] for f in merged["findings"]} == set(ids)
    assert run(["merge", "merged.json", "-f", "json", "-o", "again.json"]) == 1
    assert Path("again.json").read_bytes() == Path("merged.json").read_bytes()


def test_merge_tells_permission_sets_of_several_accounts_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each account that may see Identity Center has the set in its report, under its one ARN."""
    monkeypatch.chdir(tmp_path)
    arn = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
    reports = [str(_report(tmp_path, f"{name}.json", {"name": "Admin", "arn": arn})) for name in ("one", "two")]
    assert run(["merge", *reports, "-f", "json", "-o", "merged.json"]) == 1
    merged = json.loads(Path("merged.json").read_text("utf-8"))
    ids = [role["id"] for role in merged["roles"]]
    assert ids == [f"{tmp_path}/{name}.json-source.json#{arn}" for name in ("one", "two")]
    assert {finding["role"] for finding in merged["findings"]} == set(ids)


SPOILT: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "a severity that is none": (("findings", 0, "severity"), "bogus", "`findings/0/severity` must be one of critical"),
    "a list for an object": (("summary",), [], "`summary` must be of type object"),
    "a line that is no number": (("findings", 0, "location", "line"), None, "must be of type integer"),
    "an account without an id": (("extra",), {"scan": {"accounts": [{}]}}, "`extra/scan/accounts/0` lacks `id`"),
    "another version": (("schema",), "rolelint-report/2", "not a report of `rolelint-report/1`"),
}


@pytest.mark.parametrize(("route", "value", "said"), SPOILT.values(), ids=SPOILT)
def test_merge_refuses_what_is_not_of_the_published_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], route: tuple[str | int, ...], value: Any, said: str
) -> None:
    path = _report(tmp_path, "report.json", {"name": "a"})
    data = json.loads(path.read_text("utf-8"))
    place = data
    for step in route[:-1]:
        place = place[step]
    place[route[-1]] = value
    path.write_text(json.dumps(data), "utf-8")
    assert run(["merge", str(path)]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "bug" not in err
    assert err.count("\n") == 1


def test_merge_bears_keys_of_a_later_version(tmp_path: Path) -> None:
    path = _report(tmp_path, "report.json", {"name": "a"})
    data = json.loads(path.read_text("utf-8"))
    data["findings"][0]["added-later"] = data["added-later"] = 1
    path.write_text(json.dumps(data), "utf-8")
    assert run(["merge", str(path)]) == 1


def test_merge_tells_reports_of_other_questions_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = _report(tmp_path, "one.json", {"arn": "arn:aws:iam::123456789012:role/a"})
    other = _report(tmp_path, "other.json", {"arn": "arn:aws:iam::210987654321:role/a"})
    data = json.loads(other.read_text("utf-8"))
    other.write_text(json.dumps({**data, "tool": {**data["tool"], "catalog": {"date": "2020-01-01"}}}), "utf-8")
    assert run(["merge", str(one), str(other), "-f", "json"]) == 1
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning["message"] == "the report was made with another catalogue"
    assert warning["location"]["file"] == str(other)
    other.write_text(json.dumps({**data, "settings": {**data["settings"], "actor": "any"}}), "utf-8")
    assert run(["merge", str(one), str(other)]) == 2
    assert f"`{other}` was made for the actor `any`, others for `automation`" in capsys.readouterr().err


def test_findings_of_files_of_one_name_have_fingerprints_of_their_own(tmp_path: Path) -> None:
    """All but the first have others than alone, so that a baseline of the first holds on."""
    trust = policy({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})

    def found(*folders: str) -> list[str]:
        for folder in folders:
            write(tmp_path / folder, "policy.json", policy(WIDE))
            write(tmp_path / folder, "trust.json", trust)
        report = tmp_path / "report.json"
        run(["check", *(str(tmp_path / folder) for folder in folders), "-f", "json", "-o", str(report)])
        return [finding["fingerprint"] for finding in json.loads(report.read_text("utf-8"))["findings"]]

    alone, together = found("a"), found("a", "b", "c")
    assert found("b") == alone
    assert len(together) == len(set(together)) == 3 * len(alone)
    assert set(alone) < set(together)
    assert set(found("a", "c")) < set(together)


def test_a_finding_about_a_policy_that_accounts_share_is_one_in_all_of_them(tmp_path: Path) -> None:
    """Else a baseline would not know it any more when the first account is gone."""
    shared = {
        "name": "guard",
        "arn": "arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-1",
        "document": policy({"Effect": "Deny", "Action": "aws-mcp:*", "Resource": "*"}),
    }
    found, reports = [], []
    for account in ("111111111111", "222222222222"):
        own: dict[str, Any] = {"schema": "rolelint-dump/1", "account": account, "partition": "aws"}
        own["organization"] = {"path": [{"id": "r-1", "name": "Root", "scps": [shared], "rcps": []}]}
        role = {"RoleName": "r", "Arn": f"arn:aws:iam::{account}:role/r", "CreateDate": "2020-01-01T00:00:00+00:00"}
        dump = write(tmp_path, f"{account}.json", {"RoleDetailList": [role], "Rolelint": own})
        report = tmp_path / f"{account}-report.json"
        run(["check", dump, "-f", "json", "-o", str(report)])
        found.append([(f["rule"], f["fingerprint"]) for f in json.loads(report.read_text("utf-8"))["findings"]])
        reports.append(str(report))
    assert found[0] == found[1]
    assert [rule for rule, _ in found[0]] == ["RL805"]
    both = tmp_path / "both.json"
    run(["merge", *reports, "-f", "json", "-o", str(both)])
    assert [(f["rule"], f["fingerprint"]) for f in json.loads(both.read_text("utf-8"))["findings"]] == found[0]
