"""Plans of real configurations give the roles that a person reading the configuration expects.

`ROLELINT_UPDATE=1` writes the expected files anew; read the difference before it is kept.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from rolelint.documents import parse
from rolelint.policies.role import Reading
from rolelint.readers import ReadContext, plan, read
from tests.readers.listing import listing
from tests.readers.plan.replan import CASES, HERE, can_plan
from tests.readers.plan.replan import plan as plan_again


def read_plan(file: Path, source: Path | None = None) -> Reading:
    (document,) = parse(file.name, file.read_bytes())
    options = {"source": str(source)} if source else {}
    return plan.read(document, ReadContext(base=file.parent, options=options))


def expected(name: str, text: str) -> str:
    """Give what is expected; with `ROLELINT_UPDATE` set, what is there now becomes that."""
    file = HERE / "expected" / name
    if os.environ.get("ROLELINT_UPDATE"):
        file.write_text(text)
    return file.read_text()


@pytest.mark.parametrize("case", CASES)
def test_the_plan_alone(case: str) -> None:
    text = listing(read_plan(HERE / "fixtures" / f"{case}.json"))
    assert text == expected(f"{case}.txt", text)


@pytest.mark.parametrize("case", CASES)
def test_the_plan_with_its_source(case: str) -> None:
    reading = read_plan(HERE / "fixtures" / f"{case}.json", HERE / "configs" / case)
    text = listing(reading, places=True)
    assert text == expected(f"{case}.source.txt", text)


@pytest.mark.parametrize("case", CASES)
def test_fixtures_are_plans_of_a_machine_without_a_name(case: str) -> None:
    text = (HERE / "fixtures" / f"{case}.json").read_text()
    assert tempfile.gettempdir() not in text
    assert "127.0.0.1" not in text


@pytest.mark.parametrize("case", CASES)
def test_every_plan_is_recognised(case: str) -> None:
    (document,) = parse("plan.json", (HERE / "fixtures" / f"{case}.json").read_bytes())
    assert read(document, ReadContext()) is not None


@pytest.mark.skipif(bool(can_plan()), reason=can_plan() or "can plan")
@pytest.mark.parametrize("case", CASES)
def test_a_plan_made_now_reads_as_the_fixture(case: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan_again(case)))
    assert listing(read_plan(file)) == (HERE / "expected" / f"{case}.txt").read_text()
