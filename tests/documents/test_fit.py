"""The law of `fit_test`: its answer is that of `jsonschema`."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import rolelint.reporters
from rolelint.documents.fit import fit_test
from rolelint.errors import Route

SCHEMA = json.loads((Path(rolelint.reporters.__file__).parent / "report.schema.json").read_bytes())
_PLACE = {"file": "a", "line": 1, "column": 1, "end_line": 1, "end_column": 2, "route": "", "address": ""}
_COUNTS = {"critical": 0, "high": 1, "medium": 0, "low": 0, "info": 0}
_ACCOUNT = {"id": "1", "name": "a", "path": "", "roles": 0, "findings": _COUNTS, "not_seen": 0}
_GROUP = {"count": 1, "scope": "any", "certainty": "proved", "gate": "", "granted_by": ["p"], "actions": ["s3:x"]}
_FINDING = {
    **dict.fromkeys(("rule", "name", "title", "category", "role", "role_name", "message", "scope", "gate", "fix"), "a"),
    **{key: ["a"] for key in ("lowered", "actions", "granted_by")},
    "severity": "high",
    "base_severity": "high",
    "certainty": "proved",
    "location": _PLACE,
    "witness": {"principal": "a", "action": "a", "resource": "a", "context": {}, "assumes": []},
    "related": [{"location": _PLACE, "message": "a"}],
    "fingerprint": "0" * 32,
}
REPORT: dict[str, Any] = {
    "schema": "rolelint-report/1",
    "tool": {"name": "rolelint", "version": "1", "catalog": {}},
    "settings": {"actor": "any", "fail_on": "high", "effects": "full"},
    "summary": {
        **dict.fromkeys(("files", "documents", "roles", "unknown", "suppressed", "errors", "warnings"), 1),
        "findings": _COUNTS,
        "exit_code": 1,
    },
    "extra": {
        "scan": {"accounts": [{**_ACCOUNT, "status": "read"}, {**_ACCOUNT, "status": "not read", "reason": "denied"}]}
    },
    "roles": [
        {"id": "a", "name": "a", "arn": "", "kind": "role", "source": _PLACE, "effects": {"destroy-data": [_GROUP]}}
    ],
    "findings": [_FINDING],
    "unknown": [{"role": "", "role_name": "", "what": "a", "reason": "a", "location": _PLACE}],
    "errors": [{"message": "a", "hint": "", "location": _PLACE}],
    "warnings": [],
}
_OTHERS: tuple[Any, ...] = (None, True, 0, 1, 1.0, 1.5, -1, "", "high", "not read", [], [1], ["a"], {}, {"a": 1})


def _routes(data: Any, route: Route = ()) -> Iterator[Route]:
    yield route
    for step in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield from _routes(data[step], (*route, step))


def _variants(route: Route) -> Iterator[Any]:
    """Give the report with other values at a place, without it, and with a key more."""
    for value in (*_OTHERS, ...):
        made = {"": copy.deepcopy(REPORT)}
        part: Any = made
        *above, last = ("", *route)
        for step in above:
            part = part[step]
        if value is ...:
            if isinstance(part[last], dict):
                part[last]["added"] = 1
                yield copy.deepcopy(made[""])
            if route:
                del part[last]
        else:
            part[last] = value
        yield made[""]


@pytest.mark.parametrize("part", REPORT)
def test_the_answer_is_that_of_jsonschema(part: str) -> None:
    fits, definition = fit_test(SCHEMA), jsonschema.Draft202012Validator(SCHEMA)
    assert fits is not None
    assert fits(REPORT, SCHEMA)
    for route in _routes(REPORT[part], (part,)):
        for data in _variants(route):
            assert fits(data, SCHEMA) is definition.is_valid(data), (route, data)


ODD: dict[str, tuple[dict[str, Any], Any]] = {
    "a part that holds itself": (
        {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}},
        [[]],
    ),
    "true and false": ({"properties": {"a": True, "b": False}}, {"b": 1}),
    "1 is not true": ({"enum": [1]}, True),
    "1.0 is 1": ({"const": 1}, 1.0),
    "nothing asked": ({}, None),
}


@pytest.mark.parametrize(("schema", "data"), ODD.values(), ids=ODD)
def test_odd_schemas_have_the_same_answer(schema: dict[str, Any], data: Any) -> None:
    fits = fit_test(schema)
    assert fits is not None
    assert fits(data, schema) is jsonschema.Draft202012Validator(schema).is_valid(data)


@pytest.mark.parametrize(
    "schema",
    [
        {"unevaluatedProperties": False},
        {"items": {"type": ["string", "null"]}},
        {"$ref": "other.json"},
        {"enum": [True]},
        {"$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/a"}}, "oneOf": []}}, "$ref": "#/$defs/a"},
    ],
    ids=["a word", "many types", "another file", "a truth", "within itself"],
)
def test_a_schema_with_other_words_has_no_test(schema: dict[str, Any]) -> None:
    assert fit_test(schema) is None
