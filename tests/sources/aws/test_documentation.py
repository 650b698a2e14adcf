"""The page about scans speaks of every option, and of none that does not exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from rolelint.cli import merge, scan

PAGE = Path(__file__).resolve().parents[3] / "docs" / "scan.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = [line.removeprefix("$ ").partition("#")[0] for line in TEXT.splitlines() if line.startswith("$ rolelint ")]


def test_every_option_is_spoken_of() -> None:
    spoken = set(re.findall(r"(?<!-)--[a-z][a-z-]+", TEXT))
    own = {option for parameter in scan.OWN for option in parameter.opts}
    assert own <= spoken, own - spoken
    known = {option for command in (scan.command, merge.command) for p in command.params for option in p.opts}
    assert spoken <= known, spoken - known


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_understood(line: str) -> None:
    _, name, *arguments = shlex.split(line.partition(">")[0])
    if name in ("scan", "merge"):
        command = {"scan": scan.command, "merge": merge.command}[name]
        command.make_context(name, arguments)
    else:
        assert name == "check"
