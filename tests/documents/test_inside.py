"""Places inside JSON text that stands as a string in a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rolelint.documents import Document, parse
from rolelint.errors import Route

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def routes(value: Any, route: Route = ()) -> Iterator[tuple[Route, Any]]:
    yield route, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in pairs:
        yield from routes(inner, (*route, step))


def quoted(document: Document, route: Route) -> str:
    """Give the text of a document that a location spans."""
    place = document.locate(route)
    lines = document.text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    start, end = starts[place.line - 1] + place.column - 1, starts[place.end_line - 1] + place.end_column - 1
    return document.text[start:end]


@given(st.dictionaries(st.text(), VALUES), st.booleans(), st.sampled_from([None, 1]))
def test_every_value_inside_a_json_string_is_found(data: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    text = json.dumps({"a": ["x", json.dumps(data, indent=indent, ensure_ascii=ascii_only)]}, ensure_ascii=ascii_only)
    (document,) = parse("a.json", text)
    held = json.loads(document.data["a"][1])  # characters with a meaning of our own are replaced
    if held != data:
        return
    for route, value in routes(data):
        spelt = quoted(document, ("a", 1, *route))
        assert json.loads(json.loads(f'"{spelt}"' if route else spelt)) == value


POLICY = '{"Statement": [\n  {"Effect": "Allow",\n   "Action": ["s3:*", "it\'s"]}]}'
STYLES: dict[str, tuple[str, str]] = {
    "literal": ("a:\n  - p: |\n" + "".join(f"      {line}\n" for line in POLICY.split("\n")), '"s3:*"'),
    "literal, stripped": ("a:\n  - p: |-\n" + "".join(f"      {line}\n" for line in POLICY.split("\n")), '"s3:*"'),
    "literal, CRLF": ("a:\r\n  - p: |\r\n" + "".join(f"      {line}\r\n" for line in POLICY.split("\n")), '"s3:*"'),
    "folded": ("a:\n  - p: >-\n      " + POLICY.replace("\n", "\n      ") + "\n", '"s3:*"'),
    "folded, flat": (
        "a:\n  - p: >-\n      " + "\n      ".join(line.strip() for line in POLICY.split("\n")) + "\n",
        '"s3:*"',
    ),
    "single quotes": ("a:\n  - p: '" + POLICY.replace("\n", " ").replace("'", "''") + "'\n", '"s3:*"'),
    "double quotes": ("a:\n  - p: " + json.dumps(POLICY) + "\n", '\\"s3:*\\"'),
    "in JSON": (json.dumps({"a": [{"p": POLICY}]}), '\\"s3:*\\"'),
    "escaped otherwise": ('a:\n  - p: "\\x7b\\"Statement\\": [{\\"Action\\": [\\"s3:*\\"]}]}"\n', ""),
}


@pytest.mark.parametrize("name", STYLES)
def test_an_action_inside_a_string_is_found(name: str) -> None:
    text, expected = STYLES[name]
    (document,) = parse("a.yaml", text)
    found = quoted(document, ("a", 0, "p", "Statement", 0, "Action", 0))
    whole = quoted(document, ("a", 0, "p"))
    assert found == (expected or whole)


@pytest.mark.parametrize("text", ["{", "[1", "{}x", "text", "", "{" * 5000])
def test_a_string_that_is_no_json_is_the_place(text: str) -> None:
    (document,) = parse("a.json", json.dumps({"a": text}))
    assert quoted(document, ("a", "Statement", 0)) == json.dumps(text)


def test_a_block_that_yaml_writes_is_found() -> None:
    data = {"Statement": [{"Sid": "日本", "Action": ["a:b", "c:d"], "Resource": "*"}]}
    text = yaml.safe_dump({"p": json.dumps(data, indent=2, ensure_ascii=False)}, default_style="|", allow_unicode=True)
    (document,) = parse("a.yaml", text)
    assert quoted(document, ("p", "Statement", 0, "Action", 1)) == '"c:d"'
