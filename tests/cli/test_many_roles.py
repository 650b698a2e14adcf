"""Many roles, judged by several processes: the same report as by one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rolelint import lint
from rolelint.cli import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot copy a process")

_GRANTS = ("s3:Delete*", "rds:DeleteDBCluster", "ec2:*", "s3:GetObject", "*")


def _role(number: int) -> dict[str, Any]:
    action = _GRANTS[number % len(_GRANTS)]
    name = f"role-{number}-ä" if number % 7 == 0 else f"role-{number}"
    statement = {"Effect": "Allow", "Action": action, "Resource": "*" if number % 3 else f"arn:aws:s3:::b{number}/*"}
    attached = (
        [{"PolicyName": "gone", "PolicyArn": "arn:aws:iam::123456789012:policy/gone"}] if number % 11 == 0 else []
    )
    return {
        "RoleName": name,
        "Arn": f"arn:aws:iam::123456789012:role/{name}",
        "Path": "/",
        "RolePolicyList": [
            {"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
        ],
        "AttachedManagedPolicies": attached,
    }


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "dump.json"
    page = {
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [_role(n) for n in range(90)],
        "Policies": [],
    }
    path.write_text(json.dumps(page, indent=2))
    return path


def _report(dump: Path, processes: int, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(lint, "workers", lambda items, least: processes)
    out = dump.with_name(f"report-{processes}")
    code = run(["check", str(dump), "--output", str(out), *arguments])
    return code, out.read_text("utf-8")


@pytest.mark.parametrize("format_name", ["json", "sarif", "text"])
@pytest.mark.parametrize("effects", ["full", "summary", "none"])
def test_several_processes_write_what_one_writes(
    format_name: str, effects: str, dump: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--format", format_name, "--effects", effects)
    alone = _report(dump, 1, monkeypatch, *arguments)
    assert _report(dump, 3, monkeypatch, *arguments) == alone
    assert alone[0] == 1


def test_text_that_was_put_down_counts(dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = _report(dump, 3, monkeypatch, "--format", "json", "--select", "RL201")
    report = json.loads(text)
    assert code == 1
    assert report["summary"]["roles"] == len(report["roles"]) == 90
    assert sum(report["summary"]["findings"].values()) == len(report["findings"]) > 0
    assert report["summary"]["unknown"] == len(report["unknown"]) > 0
    assert _report(dump, 3, monkeypatch, "--format", "json", "--select", "RL201", "--fail-on", "never")[0] == 4


def test_without_a_place_for_files_the_report_is_the_same(dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = _report(dump, 1, monkeypatch, "--format", "json")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no usable temporary directory")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert _report(dump, 3, monkeypatch, "--format", "json") == alone


def test_a_full_disk_is_told(dump: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(lint, "workers", lambda items, least: 3)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda mode, buffering: open("/dev/full", "wb", buffering))  # noqa: SIM115
    assert run(["check", str(dump), "--format", "json"]) == 2
    told = capsys.readouterr().err
    assert "no space left" in told
    assert "set TMPDIR" in told
