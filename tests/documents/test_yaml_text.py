"""YAML: plain data, short tags, places, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolelint.documents import parse
from rolelint.errors import InputError, Location, Route

READ: dict[str, tuple[str, Any]] = {
    "dates stay text": ("Version: 2012-10-17", {"Version": "2012-10-17"}),
    "leading zeros stay text": ("a: 012345678901", {"a": "012345678901"}),
    "numbers": ("[1, -2, 1.5, 0x10, 1_000, 1e3]", [1, -2, 1.5, 16, 1000, 1000.0]),
    "words": ("[true, no, ~, null, On]", [True, False, None, None, True]),
    "quoted words are text": ("['true', \"1\", '~']", ["true", "1", "~"]),
    "times are text": ("a: 12:30:45", {"a": "12:30:45"}),
    "standard tags": ("[!!str 1, !!int '2', !!bool 'yes']", ["1", 2, True]),
    "keys are text": ("on: 1\n2: b\nnull: c\n", {"on": 1, "2": "b", "null": "c"}),
    "Ref": ("a: !Ref B", {"a": {"Ref": "B"}}),
    "Sub": ("a: !Sub 'x${b}'", {"a": {"Fn::Sub": "x${b}"}}),
    "Sub with a list": ("a: !Sub ['${b}', {b: 1}]", {"a": {"Fn::Sub": ["${b}", {"b": 1}]}}),
    "GetAtt": ("a: !GetAtt B.C.D", {"a": {"Fn::GetAtt": ["B", "C.D"]}}),
    "GetAtt with a list": ("a: !GetAtt [B, C]", {"a": {"Fn::GetAtt": ["B", "C"]}}),
    "Condition": ("a: !Condition B", {"a": {"Condition": "B"}}),
    "nested short tags": ("a: !Join ['', [!Ref B, c]]", {"a": {"Fn::Join": ["", [{"Ref": "B"}, "c"]]}}),
    "other tags": ("a: !Custom {b: 1}", {"a": {"Fn::Custom": {"b": 1}}}),
    "anchors": ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    "merge": ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", {"a": {"p": 1, "q": 2}, "b": {"q": 3, "p": 1}}),
    "merge of several": (
        "a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}",
        {"a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"p": 1, "q": 2}},
    ),
    "a quoted merge key is a key": ("a: {'<<': 1}", {"a": {"<<": 1}}),
    "block text": ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
    "trailing comma in flow": ("{a: [1, 2,],}", {"a": [1, 2]}),
    "JSON": ('{"a": [1, null]}', {"a": [1, None]}),
}


@pytest.mark.parametrize(("text", "data"), READ.values(), ids=READ)
def test_yaml_becomes_plain_data(text: str, data: Any) -> None:
    documents = parse("a.yaml", text)
    assert [document.data for document in documents] == [data]


def test_a_stream_holds_several_documents_and_empty_ones_do_not_count() -> None:
    documents = parse("a.yaml", "a: 1\n---\n---\n# nothing\n---\nb: 2\n")
    assert [document.data for document in documents] == [{"a": 1}, {"b": 2}]
    assert documents[1].locate(("b",)).line == 6
    assert documents[0].index < documents[1].index


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n...\n", "\ufeff\n"], ids=repr)
def test_an_empty_file_gives_no_document(text: str) -> None:
    assert parse("a.yaml", text) == []


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(12)
)

REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    "repeated key": ("a: 1\nb: 2\na: 3", "3:1", "the key `a` appears twice in one object, first on line 1"),
    "repeated key after an alias": ("&k a: 1\n*k : 2", "2:1", "the key `a` appears twice in one object"),
    "tab": ("a:\n\t- b", "2:1", "a tab cannot indent YAML"),
    "template": ("a: {{ b }}", "1:5", "a template is not YAML"),
    "template block": ("{% if x %}\na: 1", "1:2", "a template is not YAML"),
    "python object": ("a: !!python/object:os.system x", "1:4", "unknown YAML tag `!!python/object:os.system`"),
    "python object on a list": ("a: !!python/tuple [1]", "1:4", "unknown YAML tag `!!python/tuple`"),
    "undefined alias": ("a: *b", "1:4", "the anchor `b` is not defined"),
    "alias that contains itself": ("a: &b [*b]", "1:8", "the alias `*b` contains itself"),
    "alias of the map around it": ("a: &b\n  c: *b", "2:6", "the alias `*b` contains itself"),
    "billion laughs": (LAUGHS, "6:", "aliases expand to too many values"),
    "deep nesting": ("[" * 100_000, "1:201", "the YAML is nested deeper than 200 levels"),
    "deep block nesting": ("- " * 100_000 + "a", "1:401", "the YAML is nested deeper than 200 levels"),
    "control character": ("a: \x01", "1:4", "a control character is not YAML"),
    "unclosed quote": ("a: 'x", "1:6", "found unexpected end of stream"),
    "two colons": ("a: b: c", "1:5", "mapping values are not allowed in this context"),
    "list as a key": ("? [a]\n: b", "1:3", "a key must be text"),
    "merge of text": ("a:\n  <<: b", "2:7", "`<<` must merge an object"),
    "huge number": ("a: " + "7" * 5000, "1:4", "a number has 5000 digits"),
    "invalid UTF-8": (b"a: \xff", "1:4", "byte 0xff is not valid UTF-8"),
}


@pytest.mark.parametrize(("text", "place", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_yaml_gives_one_line_with_its_place(text: str | bytes, place: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse("a.yaml", text)
    shown = str(caught.value)
    assert shown.startswith(f"a.yaml:{place}")
    assert message in shown
    assert "\n" not in shown


TEXT = """\
Resources:
  Role:
    Policies:
      - Name: one
        Arn: !GetAtt Other.Arn
        Items:
          - a
          - "b c"
    Text: |
      line
      line

    Flow: {x: [1, 2]}
  Last: *missing
""".replace("  Last: *missing\n", "  Same: &same {y: 1}\n  Merged: {<<: *same}\n")

PLACES: dict[str, tuple[Route, tuple[int, int, int, int]]] = {
    "a block map ends after its last value": (("Resources", "Role", "Policies"), (4, 7, 8, 18)),
    "an item": (("Resources", "Role", "Policies", 0, "Items", 1), (8, 13, 8, 18)),
    "a short tag": (("Resources", "Role", "Policies", 0, "Arn"), (5, 14, 5, 31)),
    "inside a short tag": (("Resources", "Role", "Policies", 0, "Arn", "Fn::GetAtt", 0), (5, 14, 5, 31)),
    "block text ends with its text": (("Resources", "Role", "Text"), (9, 11, 11, 11)),
    "flow": (("Resources", "Role", "Flow", "x", 1), (13, 19, 13, 20)),
    "flow map": (("Resources", "Role", "Flow"), (13, 11, 13, 22)),
    "merged": (("Resources", "Merged", "y"), (14, 19, 14, 20)),
    "unknown gives its parent": (("Resources", "Role", "Flow", "z"), (13, 11, 13, 22)),
}


@pytest.mark.parametrize(("route", "place"), PLACES.values(), ids=PLACES)
def test_routes_are_located(route: Route, place: tuple[int, int, int, int]) -> None:
    found = parse("a.yaml", TEXT)[0].locate(route)
    assert (found.line, found.column, found.end_line, found.end_column) == place


@given(st.text(alphabet="ab: -\n[]{}&*!|>'\"#,<?\t%1", max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    for place in places(text):
        assert place is not None
        assert place.line >= 1


def places(text: str) -> list[Location | None]:
    try:
        return [document.locate(()) for document in parse("a.yaml", text)]
    except InputError as error:
        return [error.location]
