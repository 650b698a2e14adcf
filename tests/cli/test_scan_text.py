"""What a person sees of a scan: progress, totals, unused power, disagreements."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import pytest

from rolelint.cli.scan_text import closing
from rolelint.cli.scanning import Progress
from rolelint.errors import Location
from rolelint.findings.model import Report, RoleReport
from rolelint.findings.totals import account_row, totals
from rolelint.sources.aws.fleet import Member, Outcome

HOSTILE = "evil\x1b[31m\u202e"
MEMBER = Member("123456789012", HOSTILE, (("r-1", "Root"),))


def outcome(**own: Any) -> Outcome:
    """Make a finished account."""
    return Outcome(MEMBER, {"RoleDetailList": [{}], "Rolelint": {"not_seen": [], **own}})


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("terminal", [False, True])
def test_progress_that_cannot_be_told_stops_nothing(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    full = open("/dev/full", "w", buffering=1)  # noqa: SIM115
    monkeypatch.setattr(full, "isatty", lambda: terminal)
    monkeypatch.setattr("sys.stderr", full)
    with Progress(4) as progress:
        progress.account(outcome())
        progress.part("databases in us-east-1", 3, 17)
    with pytest.raises(OSError, match="No space left"):
        full.write("what shows that it takes nothing\n")
    with suppress(OSError):
        full.close()


def test_a_terminal_gets_one_line_that_moves(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress(4) as progress:
        progress.account(outcome())
        progress.part("databases in us-east-1", 3, 17)
    shown = capsys.readouterr().err
    assert "\n" not in shown
    assert shown.endswith("\r\033[K")
    assert "[######------------------] 1/4" in shown
    assert "reading 3/17 databases in us-east-1" in shown


def test_a_pipe_gets_a_line_for_each_account(capsys: Any) -> None:
    with Progress(3) as progress:
        progress.part("databases", 1, 2)
        progress.account(outcome())
        progress.account(outcome(not_seen=[{}, {}])._replace(resumed=True))
        progress.account(Outcome(MEMBER, None, "access denied (AccessDenied): quoted"))
    lines = capsys.readouterr().err.splitlines()
    name = "123456789012 evil\\x1b[31m\\u202e"
    assert lines == [
        f"[1/3] {name}: 1 role",
        f"[2/3] {name}: 1 role, 2 things not seen, read earlier",
        f"[3/3] {name}: not read: access denied (AccessDenied)",
    ]


def role(name: str, **extra: Any) -> RoleReport:
    """Make a judged role."""
    return RoleReport(name, name, "", "role", Location("x"), extra=extra)


def damage(lost: int, production: int) -> dict[str, int]:
    """Make damage facts."""
    return {"resources": lost + 1, "production": production, "lost": lost, "production_lost": production, "of": 50}


def test_a_report_of_files_has_no_closing() -> None:
    assert closing(Report(roles=[role("a")])) == ""


def test_totals_count_everything_below_a_unit() -> None:
    rows = [
        account_row(
            "1", "a", "Root/Prod/Pay", [role("x", damage=damage(3, 1)), role("y", damage=damage(2, 2))], 1, "read"
        ),
        account_row("2", "b", "Root/Prod", [role("z", damage=damage(5, 0))], 0, "resumed"),
        account_row("3", HOSTILE, "Root", [], 1, "not read", "access denied"),
    ]
    units = {unit["path"]: unit for unit in totals(rows)}
    assert {path: (u["accounts"], u["not_read"], u["roles"], u["not_seen"]) for path, u in units.items()} == {
        "Root": (3, 1, 3, 2),
        "Root/Prod": (2, 0, 3, 1),
        "Root/Prod/Pay": (1, 0, 2, 1),
    }
    # The worst role of each account: production first.
    assert units["Root/Prod/Pay"]["damage"]["production_lost"] == 2
    assert units["Root"]["damage"] == {"resources": 9, "production": 2, "lost": 7, "production_lost": 2, "of": 100}
    text = closing(Report(extra={"scan": {"accounts": rows, "units": totals(rows)}}))
    assert "  Root: 3 accounts, 1 not read, 3 roles" in text
    assert "not read: 3 evil\\x1b[31m\\u202e: access denied" in text
    assert "\x1b" not in text


def test_the_worst_roles_and_unused_power_are_named() -> None:
    unused = {"days": 30, "actions": 4, "of": 6, "left": {}}
    report = Report(
        roles=[role("a", damage=damage(3, 1), unused=unused), role("b", unused={**unused, "left": {"x": 2}})]
    )
    assert closing(report).splitlines() == [
        "",
        "most real damage",
        "  a: 3 of 50 resources for good, 1 of them production",
        "unused for 30 days: 8 of 12 destructive permissions, held by 2 roles",
        "  without them 1 of these roles could destroy nothing, 1 still could",
    ]
