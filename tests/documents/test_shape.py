"""Documents against a schema: mistakes in words, with places."""

from __future__ import annotations

import pytest

from rolelint.documents import parse
from rolelint.documents.shape import misfits

SCHEMA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "size": {"enum": ["small", "large"]},
        "sizes": {"type": "array", "items": {"$ref": "#/$defs/size"}},
        "either": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/size"}]},
    },
    "$defs": {
        "size": {
            "type": "object",
            "properties": {"x": {"type": "integer", "minimum": 1}},
            "additionalProperties": False,
        }
    },
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\nsizes: [{x: 1}]\n", []),
        ("nmae: a\n", ["f.yaml:1:7: unknown key `nmae` in the document. did you mean `name`?"]),
        ("size: small\n", ["f.yaml:1:1: the document lacks `name`"]),
        (
            "name: a\nsize: smal\n",
            ["f.yaml:2:7: `size` must be one of small, large, not `smal`. did you mean `small`?"],
        ),
        ("name: 1\n", ["f.yaml:1:7: `name` must be of type string, not `1`. put it in quotes"]),
        ("name: yes\n", ["f.yaml:1:7: `name` must be of type string, not `true`. put it in quotes"]),
        ("name:\n", ["f.yaml:1:6: `name` must be of type string, not `null`"]),
        ("- a\n", ["f.yaml:1:1: the document must be of type object, not `['a']`"]),
        (
            "name: a\nsizes:\n- x: 0\n- y: 1\n",
            [
                "f.yaml:3:6: `sizes/0/x` does not fit: 0 is less than the minimum of 1",
                "f.yaml:4:6: unknown key `y` in `sizes/1`",
            ],
        ),
        ('name: a\n"k\\e[31m": b\n', ["f.yaml:2:12: unknown key `k\\x1b[31m` in the document"]),
    ],
    ids=[
        "fits",
        "misspelt",
        "missing",
        "no such value",
        "a number",
        "a word for true",
        "nothing",
        "a list",
        "inside",
        "escapes",
    ],
)
def test_mistakes_are_told_in_words(text: str, expected: list[str]) -> None:
    (document,) = parse("f.yaml", text)
    found = [str(problem) for problem in misfits(document, SCHEMA)]
    assert found[: len(expected)] == expected
    assert bool(found) is bool(expected)


def test_each_missing_key_is_told_by_its_own_name() -> None:
    (document,) = parse("f.yaml", "c: 1\n")
    found = misfits(document, {"type": "object", "required": ["a", "it's", "b"]})
    assert [problem.message for problem in found] == [f"the document lacks `{name}`" for name in ("a", "it's", "b")]


def test_what_nests_too_deeply_for_a_schema_is_a_mistake() -> None:
    inner = {"$ref": "#/$defs/part"}
    schema = {**inner, "$defs": {"part": {"anyOf": [{"type": "array", "items": inner}, {"type": "string"}]}}}
    (document,) = parse("f.yaml", "[" * 199 + "1" + "]" * 199)
    assert [p.message for p in misfits(document, schema)] == ["this is nested too deeply"]
