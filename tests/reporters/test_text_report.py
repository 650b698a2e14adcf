"""The report for people."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from rolelint.errors import Location
from rolelint.findings.model import Finding, Report, RoleReport
from rolelint.records import replace
from rolelint.reporters import Style, render
from rolelint.reporters.text import fold

Snapshot = Callable[[str, str], None]


def write(report: Report, style: Style | None = None) -> str:
    out: list[str] = []
    render("text", report, style or Style(), out.append)
    return "".join(out)


STYLES = {
    "plain": Style(),
    "color": Style(color=True),
    "ascii": Style(ascii=True),
    "narrow": Style(width=48),
    "verbose": Style(verbose=True),
    "without-effects": Style(effects="none"),
}


@pytest.mark.parametrize("name", STYLES)
def test_what_people_see(full_report: Report, snapshot: Snapshot, name: str) -> None:
    snapshot(f"report-{name}.txt", write(full_report, STYLES[name]))


def test_colour_only_adds_colour(full_report: Report) -> None:
    colored = write(full_report, Style(color=True))
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == write(full_report)


def test_nothing_from_an_input_reaches_the_terminal_raw(full_report: Report) -> None:
    text = write(full_report, Style(verbose=True))
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "${aws_s3_bucket.data.arn}" in text
    assert "\\x1b[31m" in text


def test_ascii_style_adds_nothing_that_is_not_ascii(full_report: Report) -> None:
    full_report.roles[0].findings = full_report.roles[0].findings[:1]
    assert write(full_report, Style(ascii=True)).isascii()


def test_a_clean_report_is_one_line() -> None:
    report = Report(roles=[RoleReport("x", "x", "", "policy", Location("x.json", 1, 1))], files=1, checked=1)
    assert write(report) == ("1 policy · critical 0 · high 0 · medium 0 · low 0 · info 0 · unknown 0 · suppressed 0\n")


def test_where_to_begin_is_said_once_there_is_too_much_to_look_through(full_report: Report) -> None:
    worst = full_report.roles[0]
    low = replace(worst.findings[0], severity="low")
    many = [RoleReport(f"r{n}", f"r{n}", "", "role", Location("x.json", n, 1), findings=[low]) for n in range(1, 11)]
    full_report.roles[:] = many
    assert "where to begin" not in write(full_report)
    full_report.roles.append(worst)
    shown = write(full_report).partition("where to begin\n")[2]
    assert shown.startswith(f"  {worst.name}: critical 1 ")
    assert "  r9: low 1 (x.json:9:1)\n  and 1 more with findings\n" in shown


def finding(full_report: Report, line: str, column: int, end: int, width: int = 60) -> list[str]:
    """Write a finding on one line of source and give the source line and the caret line."""
    worst: Finding = full_report.roles[0].findings[0]
    place = replace(worst.location, line=1, column=column, end_line=1, end_column=end)
    full_report.roles[0].findings = [replace(worst, location=place, excerpt=((1, line),))]
    lines = write(full_report, Style(width=width)).splitlines()
    at = next(i for i, text in enumerate(lines) if "1 │" in text)
    return [text.partition("│ ")[2] for text in lines[at : at + 2]]


CARETS = {
    "first column": ("abc", 1, 4, "abc", "^^^"),
    "inside": ("abcdef", 3, 5, "abcdef", "  ^^"),
    "after a tab": ("\tabc", 2, 5, "    abc", "    ^^^"),
    "after an escape": ("\x07ab", 2, 4, "\\x07ab", "    ^^"),
    "after wide characters": ("日本ab", 3, 5, "日本ab", "    ^^"),
    "empty span": ("abc", 2, 2, "abc", " ^"),
    "past the end": ("abc", 9, 12, "abc", "   "),
}


@pytest.mark.parametrize(("line", "column", "end", "shown", "caret"), CARETS.values(), ids=CARETS)
def test_the_caret_stands_under_the_span(
    full_report: Report, line: str, column: int, end: int, shown: str, caret: str
) -> None:
    found = finding(full_report, line, column, end)
    assert found[0] == shown
    assert found[1].rstrip() == caret.rstrip()


def test_a_window_of_a_long_line_holds_the_span(full_report: Report) -> None:
    line = "x" * 500 + "NEEDLE" + "y" * 500
    shown, caret = finding(full_report, line, 501, 507)
    assert len(shown) <= 60
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "NEEDLE"
    assert (shown[0], shown[-1]) == ("…", "…")


def test_what_is_cut_off_a_line_is_marked_and_nothing_else_is(full_report: Report) -> None:
    shown, _ = finding(full_report, "NEEDLE" + "y" * 500, 1, 7)
    assert shown.startswith("NEEDLE")
    assert shown.endswith("y…")
    shown, _ = finding(full_report, "NEEDLE" + " " * 500, 1, 7)
    assert shown.rstrip() == "NEEDLE"


def test_actions_that_a_summary_leaves_out_are_counted(full_report: Report) -> None:
    worst = full_report.roles[0].findings[0]
    full_report.roles[0].findings = [replace(worst, actions=tuple(f"s3:Delete{n}" for n in range(20)), count=56)]
    assert "s3:Delete3 and 52 more" in " ".join(write(full_report, Style()).split())


def test_a_combining_character_takes_no_column(full_report: Report) -> None:
    line = "e\u0301e\u0301 日 NEEDLE"
    _, caret = finding(full_report, line, line.index("N") + 1, len(line) + 1)
    assert caret.rindex("^") - caret.index("^") == len("NEEDLE") - 1
    assert caret.index("^") == len("ee xx ")


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_summary_stays_within_the_width(full_report: Report, width: int) -> None:
    summary = write(full_report, Style(width=width)).splitlines()[-4:]
    assert any("suppressed" in line for line in summary)
    assert all(len(line) <= width for line in summary if " · " in line)


LONG_LINES = {"words": "word " * 60, "tabs": "\t\t\t\tx\t\t" * 8, "wide": "日本" * 60, "escapes": "\x07" * 60}


@pytest.mark.parametrize("width", [40, 48, 60, 80])
@pytest.mark.parametrize("line", LONG_LINES.values(), ids=LONG_LINES)
def test_no_line_is_wider_than_the_terminal_that_could_be_broken(full_report: Report, line: str, width: int) -> None:
    worst = full_report.roles[0].findings[0]
    quoted = replace(worst, location=replace(worst.location, line=9, column=30, end_line=9, end_column=33))
    full_report.roles[0].findings = [replace(quoted, excerpt=((9, line), (10, "}")))]
    for text in write(full_report, Style(width=width)).splitlines():
        columns = sum(2 if c in "日本" else 1 for c in text)
        breakable = " " in text.strip() and not text.lstrip().startswith(("at ", "{", '"', "["))
        assert columns <= width or not breakable, text


def test_what_follows_a_report_keeps_to_the_width() -> None:
    text = "\nthis plan\n    gains a:B, c:D, for example a:B on arn:x\n  1 new\n"
    assert fold(text, 100) == text
    assert fold(text, 40) == ("\nthis plan\n    gains a:B, c:D, for example a:B on\n      arn:x\n  1 new\n")
    assert fold("", 40) == ""
