"""Every case of the specification: request, policies, decision, each citing a numbered fact and its AWS page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolelint.engine.cases import Case, evaluate, parse_cases

_DATA = [
    case
    for name in ("semantics.json", "adversarial.json", "outside.json", "pages.json", "guides.json")
    for case in json.loads(Path(__file__).with_name(name).read_text("utf-8"))
]
_CASES = parse_cases(_DATA)


@pytest.mark.parametrize("case", _CASES, ids=[f"{c.id}-{c.fact}" for c in _CASES])
def test_the_decision_is_the_documented_one(case: Case) -> None:
    (result,) = evaluate([case])
    assert result.decision.outcome.value == case.expected, result.decision.explanation


def test_every_case_cites_a_fact_and_a_page() -> None:
    assert len({item["id"] for item in _DATA}) == len(_DATA) >= 1000
    for item in _DATA:
        assert item["fact"].startswith("S"), item["id"]
        assert item["source_url"].startswith("https://"), item["id"]


def test_an_allowed_case_names_the_statement_that_allows_it() -> None:
    for result in evaluate(_CASES):
        if result.decision.outcome.value == "deny":
            assert len(result.decision.statements) == 1, result.case.id
            assert result.decision.statements[0].statement.effect == "Deny", result.case.id
        for deciding in result.decision.statements:
            assert deciding.label
