"""Files are written whole or not at all, and what is no file is not replaced by one."""

from __future__ import annotations

import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from rolelint.cli import run
from rolelint.writing import replacing


def listing(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def break_off(path: Path) -> None:
    with replacing(path) as stream:
        stream.write(b"new")
        raise ValueError("halfway")


def test_what_stood_there_stays_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(ValueError, match="halfway"):
        break_off(tmp_path / "a")
    assert ((tmp_path / "a").read_text(), listing(tmp_path)) == ("old", ["a"])


@pytest.mark.parametrize(("given", "mode"), [(None, 0o600), (0o644, 0o644)], ids=["owner only", "given"])
def test_permissions(tmp_path: Path, given: int | None, mode: int) -> None:
    with replacing(tmp_path / "a", given) as stream:
        stream.write(b"new")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
    assert listing(tmp_path) == ["a"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "link").symlink_to("a")
    with replacing(tmp_path / "link") as stream:
        stream.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_text() == "new"


def test_a_report_into_a_pipe_leaves_the_pipe(tmp_path: Path) -> None:
    pipe, policy, read = tmp_path / "pipe", tmp_path / "p.json", []
    policy.write_text('{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}')
    os.mkfifo(pipe)
    # Both ends are opened here, so that a command that never opens the pipe fails instead of waiting for ever.
    end = os.open(pipe, os.O_RDWR)
    reader = threading.Thread(target=lambda: read.append(os.read(end, 1 << 16)), daemon=True)
    reader.start()
    assert run(["check", str(policy), "--format", "json", "--output", str(pipe)]) == 0
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    reader.join(10)
    assert b"rolelint-report/1" in read[0]
    os.close(end)


def test_a_report_that_is_broken_off_by_a_signal_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where the job is cancelled."""
    (tmp_path / "p.json").write_text('{"Statement": []}')

    def cancelled(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("rolelint.reporters.render", cancelled)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        assert run(["check", str(tmp_path / "p.json"), "--output", str(tmp_path / "out")]) == 130
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert listing(tmp_path) == ["p.json"]
    assert "interrupted" in capsys.readouterr().err
