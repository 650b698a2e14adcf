"""The versioned JSON report and its published schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from rolelint.findings.model import Report
from rolelint.reporters import Style, render


def write(report: Report, style: Style | None = None) -> str:
    out: list[str] = []
    render("json", report, style or Style(exit_code=2), out.append)
    return "".join(out)


@pytest.fixture(scope="module")
def validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads((files("rolelint.reporters") / "report.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_what_scripts_see(full_report: Report, snapshot: Callable[[str, str], None]) -> None:
    snapshot("report.json", write(full_report))


@pytest.mark.parametrize("effects", ["full", "summary", "none"])
def test_the_report_has_the_published_shape(full_report: Report, validator: Any, effects: str) -> None:
    data = json.loads(write(full_report, Style(effects=effects, exit_code=2)))
    assert [error.message for error in validator.iter_errors(data)] == []
    assert next(iter(data)) == "schema"


def test_an_empty_report_has_the_published_shape(validator: Any) -> None:
    data = json.loads(write(Report(), Style(exit_code=3)))
    assert [error.message for error in validator.iter_errors(data)] == []
    assert data["roles"] == data["findings"] == data["unknown"] == data["errors"] == []


def test_effects_are_complete_by_default_and_counted_in_a_summary(full_report: Report) -> None:
    full = json.loads(write(full_report))["roles"][0]["effects"]
    counted = json.loads(write(full_report, Style(effects="summary")))["roles"][0]["effects"]
    assert full["destroy-data"][1]["actions"] == ["s3:DeleteObject", "s3:DeleteBucket"]
    assert "actions" not in counted["destroy-data"][1]
    assert [g["count"] for g in counted["destroy-data"]] == [len(g["actions"]) for g in full["destroy-data"]]
    assert "effects" not in json.loads(write(full_report, Style(effects="none")))["roles"][0]


def test_unknown_values_have_their_names(full_report: Report) -> None:
    data = json.loads(write(full_report))
    assert data["findings"][1]["message"].startswith("role `deployer` may delete from ${aws_s3_bucket.data.arn}")
    assert data["roles"][0]["effects"]["destroy-data"][1]["resources"] == ["${aws_s3_bucket.data.arn}/*"]


def test_the_text_is_ascii_and_the_same_each_time(full_report: Report) -> None:
    text = write(full_report)
    assert text.isascii()
    assert text == write(full_report)
    assert json.loads(text)["roles"][1]["name"] == "quiet\u202e"


def test_lone_surrogates_do_not_break_the_report(full_report: Report) -> None:
    full_report.roles[0].name = "\ud800"
    assert json.loads(write(full_report))["roles"][0]["name"] == "\ud800"


def test_each_role_and_finding_has_its_own_line(full_report: Report) -> None:
    lines = [line.strip().rstrip(",") for line in write(full_report).splitlines()]
    objects = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    assert sum("fingerprint" in item for item in objects) == 3
    assert sum("kind" in item for item in objects) == 2
