"""Every example of every rule: documentation that is executed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rolelint.catalog.model import CLASSES
from rolelint.findings.model import at_least
from rolelint.rulebook import CATEGORIES, Example, Rule, load_rules
from rolelint.rulebook.load import rules_folder
from rolelint.rulebook.source import read_rule, schema

from .rulebook.build import codes, findings

RULES = load_rules().rules
FILES = sorted(Path(rules_folder()).glob("*/*.yaml"), key=lambda p: p.name)
EXAMPLES = [pytest.param(r, e, id=f"{r.id}-{e.name}".replace(" ", "-")) for r in RULES for e in r.examples]


def _checked(example: Example) -> list[object]:
    return list(findings(example.policy or example.role or {}, example.type))


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_example(rule: Rule, example: Example) -> None:
    found = findings(example.policy or example.role or {}, example.type)
    assert set(example.flags) <= codes(found)
    if rule.id not in example.flags:
        assert rule.id not in codes(found)
    limit = example.at_most or ("" if example.flags else "medium")
    if limit:
        above = [
            f"{f.rule} {f.severity}: {f.message}" for f in found if f.severity != limit and at_least(f.severity, limit)
        ]
        assert not above


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file_is_named_after_its_rule(path: Path) -> None:
    data = read_rule(path)
    assert path.stem == f"{data['id']}-{data['name']}"
    assert path.parent.name == data["category"]


def test_every_rule_fires_somewhere_and_stays_silent_somewhere() -> None:
    for rule in RULES:
        own = [rule.id in example.flags for example in rule.examples]
        assert True in own
        assert False in own
        assert not own[0], f"{rule.id} starts with an example that flags"


def test_codes_and_names_are_unique_and_in_order() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == sorted(set(ids))
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert len(RULES) == len(FILES)


def test_each_hundred_is_one_category() -> None:
    hundreds = {rule.id[2]: rule.category for rule in RULES}
    assert [hundreds[d] for d in sorted(hundreds)] == list(CATEGORIES)
    assert all(rule.category == hundreds[rule.id[2]] for rule in RULES)


def test_subsuming_rules_exist_and_nothing_subsumes_itself() -> None:
    known = {rule.id for rule in RULES}
    for rule in RULES:
        assert set(rule.subsumed_by) <= known - {rule.id}


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_schema_names_the_catalogues_classes() -> None:
    assert schema()["$defs"]["classes"]["items"]["enum"] == list(CLASSES)


def test_rewritten_statements_are_policies_that_do_not_flag_the_rule() -> None:
    for rule in RULES:
        if rule.statement is None:
            continue
        statement = rule.statement if isinstance(rule.statement, list) else [rule.statement]
        kind = "trust" if rule.category == "trust" else "identity"
        found = findings(json.loads(json.dumps({"Version": "2012-10-17", "Statement": statement})), kind)
        assert rule.id not in codes(found), rule.id
