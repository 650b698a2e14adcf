"""Places inside JSON text that stands as a string in another document: a policy in a template, a bundle or a plan."""

from __future__ import annotations

import json
import re
from typing import Any

from rolelint.documents import Finder
from rolelint.documents.json_text import JsonFinder
from rolelint.errors import Route

_SPACE = re.compile(r"[ \t\r\n]+")
_ESCAPED = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Inside:
    """Finds routes that go on inside a string; without such a string, what the finder of the document says.

    Args:
        text: the text of the document.
        finder: finds the routes of the document itself.
        data: what the document holds.
    """

    def __init__(self, text: str, finder: Finder, data: Any) -> None:
        self._text = text
        self._finder = finder
        self._data = data
        #: Start of a string -> finder of its text, and where each of its characters stands.
        self._known: dict[int, tuple[JsonFinder, list[int]] | None] = {}

    def __call__(self, route: Route) -> tuple[int, int]:
        """Give the span of the value at a route, or of its nearest known parent."""
        value, depth = self._data, 0
        while depth < len(route) and isinstance(value, dict | list):
            try:
                value = value[route[depth]]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                break
            depth += 1
        if not isinstance(value, str) or depth == len(route):
            return self._finder(route)
        start, end = self._finder(route[:depth])
        if start not in self._known:
            self._known[start] = _opened(self._text[start:end], value)
        known = self._known[start]
        if known is None:
            return start, end
        inner, offsets = known
        first, last = inner(route[depth:])
        return start + offsets[first], start + offsets[last]


def _opened(source: str, value: str) -> tuple[JsonFinder, list[int]] | None:
    offsets = spelled(source, value) if value.lstrip(" \t\r\n")[:1] in ("{", "[") else None
    if offsets is None:
        return None
    try:
        json.loads(value)
    except (ValueError, RecursionError):  # no JSON after all
        return None
    return JsonFinder(value), offsets


def spelled(source: str, value: str) -> list[int] | None:
    """Give where each character of a string stands in its spelling in JSON or YAML, and where the last one ends.

    None where that cannot be told: with rarer escapes, or folded lines that are more than a space.
    """
    style = source[:1]
    block = style in ("|", ">")
    at = source.find("\n") + 1 if block else int(style in ('"', "'"))
    rest = source[at:]
    indent = len(rest) - len(rest.lstrip(" ")) if block else 0
    out: list[int] = []
    for c in value:
        if block and at >= len(source):
            out.append(len(source))  # the span of a block ends before its last line break
            continue
        if block and source[at - 1] == "\n":
            pad = source[at : at + indent]
            at += len(pad) - len(pad.lstrip(" "))
        size = 1
        if style == '"' and source[at : at + 1] == "\\":
            found, size = _escape(source, at)
            if found != c:
                return None
        elif (style == c == "'" and source.startswith("''", at)) or (c == "\n" and source.startswith("\r\n", at)):
            size = 2
        elif c == " " and source[at : at + 1] in ("\r", "\n"):
            size = 1 if block else len(_space(source, at))
        elif source[at : at + 1] != c:
            return None
        out.append(at)
        at += size
    return [*out, at]


def _space(source: str, at: int) -> str:
    found = _SPACE.match(source, at)
    return found.group() if found else ""


def _escape(source: str, at: int) -> tuple[str, int]:
    """Read the escape that stands here: the character, and the length of its spelling."""
    kind = source[at + 1 : at + 2]
    if kind != "u":
        return _ESCAPED.get(kind, ""), 2
    try:
        code = int(source[at + 2 : at + 6], 16)
        if 0xD800 <= code < 0xDC00 and source[at + 6 : at + 8] == "\\u":
            low = int(source[at + 8 : at + 12], 16)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00), 12
    except ValueError:
        return "", 2
    return chr(code), 6
