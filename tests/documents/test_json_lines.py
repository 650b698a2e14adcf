"""Finding places by the layout of lines gives what reading value by value gives, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolelint.documents import json_lines, parse
from rolelint.documents.json_lines import LineFinder
from rolelint.documents.json_text import JsonFinder
from rolelint.errors import Route

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["", "a", "\n", '"', "{", "  ]"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc\né"), inner, max_size=4),
    max_leaves=40,
)


def routes(value: Any, route: Route = ()) -> Iterator[Route]:
    yield route
    yield (*route, "missing")
    yield (*route, 99)
    for step, item in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from routes(item, (*route, step))


@given(data=st.dictionaries(st.text(max_size=4), values), indent=st.integers(1, 4), ascii=st.booleans())
def test_regular_text_gives_the_same_places(data: dict[str, Any], indent: int, ascii: bool) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=ascii)
    by_lines, exact = LineFinder(text, data, 0), JsonFinder(text)
    for route in routes(data):
        found = by_lines(route)
        assert found is None or found == exact(route)


STATEMENTS = [{"Effect": "Allow", "Action": ["a:b", "c:d"], "Resource": "*"}, {"Effect": "Deny", "Action": "e:f"}]
REGULAR: dict[str, Any] = {
    "an account dump": {"RoleDetailList": [{"Tags": [], "Policy": {"Statement": STATEMENTS}}] * 3, "Policies": []},
    "a plan": {"a": {"values": {"policy": "{\n}", "name": "values"}}, "values": {"x": {"values": [1.5, None]}}},
}


@pytest.mark.parametrize("data", REGULAR.values(), ids=REGULAR)
@pytest.mark.parametrize("indent", [1, 2, 4, "\t"], ids=repr)
def test_texts_of_programs_are_found_by_lines(data: Any, indent: int | str) -> None:
    text = json.dumps(data, indent=indent)
    by_lines, exact = LineFinder(text, data, 0), JsonFinder(text)
    found = [route for route in routes(data) if by_lines(route) is not None]
    assert len(found) >= 0.7 * len(list(routes(data)))
    assert all(by_lines(route) == exact(route) for route in found)


IRREGULAR = {
    "one line": '{"a": {"b": 1}}',
    "no indentation": '{\n"a": {\n"b": 1\n}\n}',
    "a nested line further out": '{\n  "a": {\n  "b": 0},\n  "b": 1\n}',
    "space before the colon": '{\n  "a" :\n  {\n    "b": 1\n  }\n}',
    "blank lines": '{\n\n  "a": {\n\n    "b": 1\n  }\n}',
    "windows": '{\r\n  "a": {\r\n    "b": 1\r\n  }\r\n}',
    "escaped key": '{\n  "\\u0061": {\n    "b": 1\n  }\n}',
}


@pytest.mark.parametrize("text", IRREGULAR.values(), ids=IRREGULAR)
def test_other_layouts_are_found_all_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "SMALLEST", 0)
    document = parse("a.json", text)[0]
    exact = JsonFinder(text)
    for route in routes(document.data):
        start, end = exact(route)
        place = document.locate(route)
        assert place == document.location(start, end, route)


def test_a_large_dump_is_found_by_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"RoleDetailList": [{"RoleName": f"r{i}", "Policy": {"Statement": STATEMENTS}} for i in range(800)]}
    text = json.dumps(data, indent=4)
    assert len(text) > json_lines.SMALLEST
    monkeypatch.setattr(JsonFinder, "__call__", lambda *_: pytest.fail("read value by value"))
    place = parse("a.json", text)[0].locate(("RoleDetailList", 700, "Policy", "Statement", 0, "Action", 1))
    line = text.split("\n")[place.line - 1]
    assert line[place.column - 1 : place.end_column - 1] == '"c:d"'
    assert line.startswith(" " * 28 + '"c:d"')
