"""`rolelint rules`, `rolelint explain` and what every command shares."""

from __future__ import annotations

import json
import re

import pytest

from rolelint import __version__, cli
from rolelint.rulebook import load_rules
from tests.cli.files import Run, runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("COLUMNS", "90")
    return runner(capsys)


@pytest.mark.parametrize("line", ["rules", "explain RL101"])
def test_colour_is_as_the_environment_says(run: Run, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run(*line.split())[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(*line.split())[1]


def test_rules_lists_every_rule_within_the_width(run: Run) -> None:
    code, out, err = run("rules")
    assert (code, err) == (0, "")
    listed = re.findall(r"^  (RL\d+)  (\w+) +([\w-]+)", out, re.M)
    assert listed == [(rule.id, rule.severity, rule.name) for rule in load_rules().rules]
    assert max(map(len, out.splitlines())) <= 90
    assert f"{len(listed)} rules." in out


def test_rules_as_json(run: Run) -> None:
    code, out, _ = run("rules", "--format", "json")
    data = json.loads(out)
    assert code == 0
    assert data["schema"] == "rolelint-rules/1"
    assert [rule["id"] for rule in data["rules"]] == [rule.id for rule in load_rules().rules]


@pytest.mark.parametrize("code", [rule.id for rule in load_rules().rules])
def test_every_rule_is_explained(run: Run, code: str) -> None:
    status, out, err = run("explain", code)
    assert (status, err) == (0, "")
    titles = [line.partition(":")[0] for line in out.splitlines() if line and not line.startswith(" ")]
    assert titles[0].startswith(code)
    assert titles[2:] == ["Why", "Bad", "Good", "Fix", "References"]
    assert all(character.isprintable() or character == "\n" for character in out)


def test_a_rule_is_explained_by_name_as_by_code(run: Run) -> None:
    assert run("explain", "environment-rebuild") == run("explain", "rl106")


def test_version_and_help(run: Run) -> None:
    assert run("--version") == (0, f"rolelint, version {__version__}\n", "")
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"  {name} " in out for name in cli.COMMANDS)


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_has_help(run: Run, name: str) -> None:
    code, out, _ = run(name, "--help")
    assert code == 0
    assert "Usage:" in out
