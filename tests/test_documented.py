"""The code in the documentation runs, and prints what stands below it."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
_BLOCKS = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(3))
def test_python_of_the_documentation_prints_what_stands_below_it(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code, expected = _BLOCKS.findall((ROOT / "docs" / "python.md").read_text("utf-8"))[number]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/python.md", "exec"), {})
    assert printed.getvalue() == expected


@pytest.mark.parametrize("module", ["rolelint.engine.decision"])
def test_examples_in_docstrings_hold(module: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert (failed, tried > 0) == (0, True)


REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")


def _own_file(beginning: str) -> str:
    """Give the one example of the reference that begins so."""
    (found,) = (
        text for text in re.findall(r"^```yaml\n(.*?)^```", REFERENCE, re.S | re.M) if text.startswith(beginning)
    )
    return found


def _policy(action: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


OWN_FILES: dict[str, tuple[str, str, list[str], int, str]] = {
    "labels": ("service", _policy("sqs:SendMessage"), ["check", "policy.json", "--labels", "own.yaml"], 1, "RL201"),
    "actors": (
        "deploy-bot",
        _policy("rds:DeleteDBInstance", Condition={"StringEquals": {"aws:SourceVpce": "vpce-2"}}),
        ["can", "policy.json", "-a", "rds:*", "--actors", "own.yaml", "--actor", "deploy-bot"],
        0,
        "NO",
    ),
    "rules": ("id: ACME001", _policy("sqs:PurgeQueue"), ["check", "policy.json", "--rules", "."], 1, "ACME001"),
    "cases": ("cases", "{}", ["evaluate", "own.yaml"], 0, "0 not as expected"),
}


@pytest.mark.parametrize("name", OWN_FILES)
def test_files_of_the_reference_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rolelint.catalog import catalog, use
    from rolelint.cli import run
    from rolelint.engine.actors import use_actors

    beginning, policy, arguments, code, shown = OWN_FILES[name]
    monkeypatch.chdir(tmp_path)
    Path("policy.json").write_text(policy, "utf-8")
    Path("own.yaml").write_text(_own_file(beginning), "utf-8")
    before = catalog()
    try:
        assert run(arguments) == code
    finally:
        use(before)
        use_actors({})
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize("page", ["README.md", "docs/reference.md", "docs/python.md", "docs/scan.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("https:"):
            continue
        file, _, anchor = link.partition("#")
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.M) if anchor else [""]
        assert anchor in [re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings], link
