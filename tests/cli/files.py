"""Policies and files, as the tests of commands write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rolelint import cli

#: Runs the command line: exit code, standard output, standard error.
Run = Callable[..., tuple[int, str, str]]
WIDE = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Give what runs the command line."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(list(arguments))
        return code, *capsys.readouterr()

    return run


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """Make a policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def write(folder: Path, name: str, data: Any) -> str:
    """Write data as JSON into a file of a folder, which is made, and give its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), "utf-8")
    return str(path)
