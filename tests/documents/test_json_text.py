"""JSON: what is read, what is refused and where, and where values stand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolelint.documents import MAX_QUOTED_LINE, Document, parse
from rolelint.errors import InputError, Location, Route


def one(text: str | bytes, file: str = "a.json") -> Document:
    documents = parse(file, text)
    assert len(documents) == 1
    return documents[0]


def refused(text: str | bytes, file: str = "a.json") -> InputError:
    with pytest.raises(InputError) as caught:
        parse(file, text)
    assert "\n" not in str(caught.value)
    return caught.value


ENCODINGS = {
    "plain": b'{"a": "\xc3\xa9"}',
    "byte order mark": b'\xef\xbb\xbf{"a": "\xc3\xa9"}',
    "utf-16 with mark": '{"a": "é"}'.encode("utf-16"),
    "utf-16 big endian with mark": b"\xfe\xff" + '{"a": "é"}'.encode("utf-16-be"),
    "utf-16 without mark": '{"a": "é"}'.encode("utf-16-le"),
    "utf-16 big endian without mark": '{"a": "é"}'.encode("utf-16-be"),
    "utf-32 with mark": '{"a": "é"}'.encode("utf-32"),
}


@pytest.mark.parametrize("data", ENCODINGS.values(), ids=ENCODINGS)
def test_every_encoding_of_json_is_read(data: bytes) -> None:
    assert one(data).data == {"a": "é"}


@pytest.mark.parametrize("text", ["", "  \n\t", "\ufeff", b"", b"\xef\xbb\xbf\n"], ids=repr)
def test_an_empty_file_gives_no_document(text: str | bytes) -> None:
    assert parse("a.json", text) == []


REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    "repeated key on one line": (
        '{"a": 1, "a": 2}',
        "1:10",
        "the key `a` appears twice in one object, first on line 1",
    ),
    "repeated key": ('{"b": [{\n"c": 1,\n"c": 2}]}', "3:1", "the key `c` appears twice in one object, first on line 2"),
    "repeated key after escapes": ('{"a":\n1, "\\u0061": 2}', "2:4", "the key `a` appears twice"),
    "trailing comma in a list": ('{"a": [1,\n2,\n]}', "2:2", "a comma with nothing after it"),
    "trailing comma in an object": ('{"a": 1,\n}', "1:8", "a comma with nothing after it"),
    "two commas": ('{"a": [1,,2]}', "1:10", "a comma with nothing after it"),
    "NaN": ('{"NaN": "NaN",\n"a": NaN}', "2:6", "`NaN` is not JSON"),
    "Infinity": ('{"a": Infinity}', "1:7", "`Infinity` is not JSON"),
    "minus Infinity": ('{"a": [-Infinity]}', "1:8", "`-Infinity` is not JSON"),
    "line comment": ('// a policy\n{"a": 1}', "1:1", "a comment is not JSON"),
    "comment inside": ('{"a": 1, // one\n"b": 2}', "1:10", "a comment is not JSON"),
    "block comment": ('{"a": /* one */ 1}', "1:7", "a comment is not JSON"),
    "hash comment": ('{\n# one\n"a": 1}', "2:1", "a comment is not JSON"),
    "single quotes": ("{'a': 1}", "1:2", "a string in single quotes is not JSON"),
    "missing comma": ('{"a": 1\n"b": 2}', "2:1", "a comma is missing"),
    "raw line break in a string": ('{"a": "b\nc"}', "1:9", "a string runs over the end of its line"),
    "unclosed string": ('{"a": "b', "1:7", "a string is not closed"),
    "cut off": ('{"a": [1, ', "1:11", "the JSON ends too early"),
    "text after the end": ('{"a": 1}\n{"b": 2}', "2:1", "there is more text after the end of the JSON value"),
    "huge number": ('{"a":\n' + "7" * 5000 + "}", "2:1", "a number has 5000 digits"),
    "huge number beside the same digits in a string": (
        '{"s": "' + "7" * 5000 + '",\n"a": ' + "7" * 5000 + "}",
        "2:6",
        "a number has 5000 digits",
    ),
    "deep nesting": ("[" * 100_000 + "]" * 100_000, "1:1", "the JSON is nested too deeply to be read"),
    "invalid UTF-8": (b'{"a":\n "\xff"}', "2:3", "byte 0xff is not valid UTF-8"),
    "template": ('{"a": {{ b }}}', "1:8", "a template is not JSON"),
    "not JSON at all": ("hello", "1:1", "expecting value"),
}


@pytest.mark.parametrize(("text", "place", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_json_gives_one_line_with_its_place(text: str | bytes, place: str, message: str) -> None:
    error = refused(text)
    assert str(error).startswith(f"a.json:{place}: {message}")


@pytest.mark.parametrize("name", [n for n in REFUSED if n != "not JSON at all"])
def test_bad_json_tells_the_next_step(name: str) -> None:
    assert refused(REFUSED[name][0]).hint


def test_a_binary_file_is_called_binary() -> None:
    assert str(refused(b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x01")).startswith("a.json: the file is binary")


def test_ten_megabytes_on_one_line() -> None:
    text = '{"a": [' + ", ".join(['"s3:GetObject"'] * 640_000) + '], "b": {"c": 1}}'
    assert len(text) > 10_000_000
    document = one(text)
    place = document.locate(("b", "c"))
    assert (place.line, text[place.column - 1 : place.end_column - 1]) == (1, "1")
    assert document.excerpt(place) == ()


def test_lone_surrogates_and_large_numbers_are_kept() -> None:
    assert one('{"a": "\\ud800", "b": 123456789012345678901234567890}').data == {
        "a": "\ud800",
        "b": 123456789012345678901234567890,
    }


TEXT = """{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["s3:*", "é:*"],
     "Resource": "*"},
    {"Effect": "Deny",
     "Action" : "*"}
  ]
}
"""

PLACES: dict[str, tuple[Route, tuple[int, int, int, int]]] = {
    "whole document": ((), (1, 1, 9, 2)),
    "a statement": (("Statement", 1), (6, 5, 7, 21)),
    "an action": (("Statement", 0, "Action", 1), (4, 44, 4, 49)),
    "space before the colon": (("Statement", 1, "Action"), (7, 17, 7, 20)),
    "unknown key gives its parent": (("Statement", 1, "Sid"), (6, 5, 7, 21)),
    "unknown index gives its parent": (("Statement", 0, "Action", 9), (4, 35, 4, 50)),
    "a route into a string gives the string": (("Version", "x", 1), (2, 14, 2, 26)),
    "an index into an object": ((0,), (1, 1, 9, 2)),
    "a key into a list": (("Statement", "x"), (3, 16, 8, 4)),
}


@pytest.mark.parametrize(("route", "place"), PLACES.values(), ids=PLACES)
def test_routes_are_located(route: Route, place: tuple[int, int, int, int]) -> None:
    found = one(TEXT).locate(route, "an-address")
    assert (found.line, found.column, found.end_line, found.end_column) == place
    assert found.address == "an-address"
    assert found.route == "/".join(map(str, route))


def test_a_lazy_location_is_the_same_location() -> None:
    document = one(TEXT)
    lazy = document.lazy(("Statement", 1), "x")
    known = document.locate(("Statement", 1), "x")
    assert (lazy.file, lazy.address) == ("a.json", "x")
    assert lazy == known
    assert hash(lazy) == hash(known)
    assert str(lazy) == "a.json:6:5"
    assert lazy != Location("a.json")


def test_excerpts_quote_the_lines_around() -> None:
    document = one(TEXT.replace("\n", "\r\n"))
    place = document.locate(("Statement", 1, "Effect"))
    assert document.excerpt(place) == (
        (5, '     "Resource": "*"},'),
        (6, '    {"Effect": "Deny",'),
        (7, '     "Action" : "*"}'),
    )
    assert document.excerpt(document.locate(()), around=0)[0] == (1, "{")
    assert document.excerpt(Location("a.json")) == ()


def test_a_document_that_never_was_text_has_no_lines() -> None:
    document = Document("aws:123456789012", "json", "", {"a": 1})
    assert document.locate(("a",)) == Location("aws:123456789012", route="a")


#: Without private-use characters: some are replaced where a document holds them.
letters = st.characters(exclude_categories=["Cs", "Co"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(letters, max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(letters, max_size=5), inner, max_size=4),
    max_leaves=30,
)


@given(data=st.dictionaries(st.text(letters, max_size=4), values), indent=st.sampled_from([None, 0, 1, 2, 4]))
def test_every_route_is_found_where_its_value_stands(data: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(data, indent=indent)
    document = one(text)
    assert document.data == data
    lines = text.split("\n")

    def check(value: Any, route: Route) -> None:
        place = document.locate(route)
        start = sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1
        end = sum(len(line) + 1 for line in lines[: place.end_line - 1]) + place.end_column - 1
        assert json.loads(text[start:end]) == value
        for step, item in (
            value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
        ):
            check(item, (*route, step))

    check(data, ())


@given(st.text(alphabet='{}[]",:\\ \nab1u', max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    if isinstance(outcome := read_or_refuse(text), InputError):
        assert outcome.location is not None
        assert outcome.location.line >= 1
    else:
        assert outcome == ([json.loads(text)] if text.strip() else [])


def read_or_refuse(text: str) -> list[Any] | InputError:
    try:
        return [document.data for document in parse("a.json", text)]
    except InputError as error:
        return error


class _Scanned(str):
    """Text that counts the characters that searches from its beginning may look at."""

    scanned = 0

    def rfind(self, sub: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        _Scanned.scanned += (len(self) if end is None else end) - start
        return str.rfind(self, sub, start, end)

    def find(self, sub: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        found = str.find(self, sub, start, end)
        _Scanned.scanned += (min(len(self), len(self) if end is None else end) if found < 0 else found) - start
        return found


def test_places_in_a_file_of_one_line_are_not_counted_from_its_beginning() -> None:
    parts = [{"a": ["x" * 90]} for _ in range(5000)]
    (read,) = parse("a.json", json.dumps(parts))
    document = Document("a.json", "json", _Scanned(read.text), parts)
    _Scanned.scanned = 0
    for number in range(0, 5000, 10):
        at = number * 102 + 1
        place = document.location(at, at + 5)
        assert (place.line, place.column) == (1, at + 1)
        assert document.excerpt(place) == ()
    assert _Scanned.scanned < 20 * len(read.text)


def test_a_long_line_is_left_out_of_a_quote() -> None:
    long = "x" * (MAX_QUOTED_LINE + 1)
    document = Document("a.json", "json", f"{long}\nb\n{long}\nd\n", None)
    assert document.excerpt(document.location(len(long) + 1, len(long) + 2)) == ((2, "b"),)
    assert document.excerpt(document.location(0, 1)) == ()
    assert document.excerpt(document.location(len(document.text) - 2, len(document.text) - 1)) == ((4, "d"),)
