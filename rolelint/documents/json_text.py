"""JSON, strict: what the IAM API would refuse is an error here, with its line."""

from __future__ import annotations

import json
from json.decoder import JSONDecodeError
from typing import Any

from rolelint.documents import Document, Finder, json_lines
from rolelint.errors import InputError, Location, Route, printable

_SPACE = " \t\r\n"

#: Reads one value at an offset and gives it with its end.
_raw_decode = json.JSONDecoder().raw_decode

#: Containers above this depth remember where their items are without building them a second time as a whole:
#: in an account dump that is the list of roles.
_SHALLOW = 2


def parse_json(file: str, text: str) -> Document:
    """Parse JSON text.

    Raises:
        InputError: with the place of the first character that JSON does not allow, or of a repeated key.
    """
    try:
        data = _load(text)
    except _DuplicateKeyError:
        raise _told_duplicate(file, text) from None
    except JSONDecodeError as error:
        raise _explain(file, text, error) from error
    except RecursionError:
        raise InputError(
            "the JSON is nested too deeply to be read", location=Location(file, 1, 1), hint="IAM nests six levels"
        ) from None
    except _ConstantError as error:
        raise _misplaced(file, text, error.name) from None
    except ValueError as error:
        # The only other refusal: `int` bounds the number of digits it converts.
        raise _long_number(file, text) from error
    return Document(file, "json", text, data, lambda: make_finder(text, data))


class _DuplicateKeyError(Exception):
    pass


class _ConstantError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _constant(name: str) -> Any:
    raise _ConstantError(name)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _DuplicateKeyError
    return made


#: Made once: `json.loads` makes a decoder for each call that has a hook.
_load = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant).decode


def _at(file: str, text: str, start: int, end: int) -> Location:
    return Document(file, "json", text, None).location(start, end)


def _explain(file: str, text: str, error: JSONDecodeError) -> InputError:
    at = error.pos
    found = text[at : at + 1]
    before = at - 1
    while before >= 0 and text[before] in _SPACE:
        before -= 1
    last = text[before] if before >= 0 else ""
    message = error.msg[:1].lower() + error.msg[1:]
    hint = ""
    if text[max(0, at - 1) : at + 2].startswith(("{{", "{%")) or text.startswith(("{{", "{%"), at):
        message, hint = "a template is not JSON", "render it first"
    elif text.startswith("[command]"):
        message = "a line of the wrapper that `hashicorp/setup-terraform` installs is not JSON"
        hint = "set `terraform_wrapper: false` there"
    elif "trailing comma" in message or (last == "," and found in ("}", "]", ",")):
        if found != ",":
            at = before if last == "," else at
        message, hint = "a comma with nothing after it", "remove the comma"
    elif not found:
        message, hint = "the JSON ends too early", "is the file complete?"
    elif text.startswith(("//", "/*", "#"), at):
        message, hint = "a comment is not JSON", "remove it; comments can stand in YAML"
    elif found == "'":
        message, hint = "a string in single quotes is not JSON", 'use `"`'
    elif message.startswith("extra data"):
        message, hint = "there is more text after the end of the JSON value", "put one JSON value into one file"
    elif message.startswith("expecting ',' delimiter"):
        message, hint = "a comma is missing", f"put `,` before `{printable(text[at : at + 20].splitlines()[0])}`"
    elif message.startswith("invalid control character"):
        message, hint = "a string runs over the end of its line", 'close it with `"`, or write `\\n`'
    elif message.startswith("unterminated string"):
        message, hint = "a string is not closed", 'close it with `"`'
    return InputError(message, location=_at(file, text, at, at + 1), hint=hint)


def _misplaced(file: str, text: str, name: str) -> InputError:
    at = _outside_strings(text, name)
    return InputError(
        f"`{name}` is not JSON", location=_at(file, text, at, at + len(name)), hint="write a number or a string"
    )


def _long_number(file: str, text: str) -> InputError:
    import re

    for found in re.finditer(r"-?[0-9]{4300,}", text):
        at = _outside_strings(text, found.group(), found.start())
        return InputError(
            f"a number has {len(found.group())} digits",
            location=_at(file, text, at, at + len(found.group())),
            hint="write it as a string",
        )
    return InputError("a number is too long to be read", location=Location(file, 1, 1))


def _outside_strings(text: str, wanted: str, start: int = 0) -> int:
    """Find text that is not inside a JSON string; every string begins and ends before the place searched."""
    at = 0
    while True:
        quote = text.find('"', at)
        found = text.find(wanted, max(at, start) if quote < 0 or quote > start else at)
        if quote < 0 or (0 <= found < quote):
            return max(found, 0)
        try:
            at = _raw_decode(text, quote)[1]
        except JSONDecodeError:
            return max(found, 0)


def _told_duplicate(file: str, text: str) -> InputError:
    """Tell of a repeated key, or of what comes after it where the text is not JSON at all: that is the nearer fault."""
    try:
        json.loads(text)
    except JSONDecodeError as error:
        return _explain(file, text, error)
    except (RecursionError, ValueError):
        return InputError("a key appears twice in one object", location=Location(file, 1, 1))
    return _duplicate(file, text)


def _duplicate(file: str, text: str) -> InputError:
    """Find the first repeated key by reading the containers in the order in which the parser closed them."""
    finder = JsonFinder(text)
    pending = [finder.root]
    while pending:
        start = pending.pop()
        if text[start] == "{":
            seen: dict[str, int] = {}
            for key, key_at, value, _ in finder.members(start):
                if key in seen:
                    line = text.count("\n", 0, seen[key]) + 1
                    return InputError(
                        f"the key `{printable(key)}` appears twice in one object, first on line {line}",
                        location=_at(file, text, key_at, key_at + len(json.dumps(key))),
                        hint="remove one of them: parsers differ on which one counts",
                    )
                seen[key] = key_at
                if text[value] in "{[":
                    pending.append(value)
        else:
            pending += [value for value, _ in finder.items(start) if text[value] in "{["]
    return InputError("a key appears twice in one object", location=Location(file, 1, 1))


class JsonFinder:
    """Finds the offsets of routes in JSON text that is known to be valid, remembering what it passed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = self._skip(0)
        #: Offset of a container -> its items by key or index, and its end. INVARIANT: only `_open` writes it.
        self._known: dict[int, tuple[dict[str, tuple[int, int]] | list[tuple[int, int]], int]] = {}

    def __call__(self, route: Route) -> tuple[int, int]:
        """Give the span of the value at a route, or of its nearest known parent."""
        start, end = self.root, -1
        for step in route:
            if self.text[start : start + 1] not in ("{", "["):
                break
            items = self._open(start, 0 if end < 0 else _SHALLOW)[0]
            if isinstance(items, dict):
                found = items.get(step) if isinstance(step, str) else None
            else:
                found = items[step] if isinstance(step, int) and 0 <= step < len(items) else None
            if found is None:
                break
            start, end = found
        return start, self._end(start) if end < 0 else end

    def members(self, start: int) -> list[tuple[str, int, int, int]]:
        """List an object's members in order: key, and the offsets of key, value and end of value."""
        return self._members(start, _SHALLOW)[0]

    def items(self, start: int) -> list[tuple[int, int]]:
        """List the spans of a list's items in order."""
        return self._items(start, _SHALLOW)[0]

    def _skip(self, at: int) -> int:
        text = self.text
        while text[at : at + 1] in (" ", "\n", "\t", "\r"):
            at += 1
        return at

    def _end(self, start: int, depth: int = 0) -> int:
        if depth < _SHALLOW and self.text[start : start + 1] in ("{", "["):
            return self._open(start, depth)[1]
        return _raw_decode(self.text, start)[1]

    def _open(self, start: int, depth: int) -> tuple[dict[str, tuple[int, int]] | list[tuple[int, int]], int]:
        known = self._known.get(start)
        if known is None:
            if self.text[start] == "{":
                members, end = self._members(start, depth)
                known = {key: (value, stop) for key, _, value, stop in members}, end
            else:
                known = self._items(start, depth)
            self._known[start] = known
        return known

    def _members(self, start: int, depth: int) -> tuple[list[tuple[str, int, int, int]], int]:
        out = []
        at = self._skip(start + 1)
        while self.text[at] != "}":
            key, stop = _raw_decode(self.text, at)
            value = self._skip(self._skip(stop) + 1)
            end = self._end(value, depth + 1)
            out.append((key, at, value, end))
            at = self._skip(end)
            if self.text[at] == ",":
                at = self._skip(at + 1)
        return out, at + 1

    def _items(self, start: int, depth: int) -> tuple[list[tuple[int, int]], int]:
        out = []
        at = self._skip(start + 1)
        while self.text[at] != "]":
            end = self._end(at, depth + 1)
            out.append((at, end))
            at = self._skip(end)
            if self.text[at] == ",":
                at = self._skip(at + 1)
        return out, at + 1


def make_finder(text: str, data: Any) -> Finder:
    """Make the finder for valid JSON text: by lines where a program laid out a large text, else value by value."""
    exact = JsonFinder(text)
    if len(text) < json_lines.SMALLEST:
        return exact
    by_lines = json_lines.LineFinder(text, data, exact.root)

    def find(route: Route) -> tuple[int, int]:
        return by_lines(route) or exact(route)

    return find
