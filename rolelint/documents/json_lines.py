"""Places in JSON that a program laid out: one item to a line, deeper lines further in.

A string holds no raw line break, so each line break of a JSON text is layout. In a text that is laid out regularly, a
member is the first line after its container's start that has the members' indentation and the member's key: that is
found by searching text, an order of magnitude faster than by reading the values before it. The AWS CLI and Terraform
write such texts, and they are the large ones. Where a text turns out to be laid out otherwise, `JsonFinder` answers.
"""

from __future__ import annotations

import json
from typing import Any

from rolelint.errors import Route

_raw_decode = json.JSONDecoder().raw_decode

#: Smaller texts are read value by value: people lay them out as they like, and it costs nothing.
SMALLEST = 100_000
#: No line of a text that is worth the search is indented further.
_DEEPEST = 256


class LineFinder:
    """Finds routes by the layout of the lines, or gives None."""

    def __init__(self, text: str, data: Any, root: int) -> None:
        self.text = text
        self.data = data
        self.root = root
        #: Where the items of a list start, by the list's own start. INVARIANT: only `_items` writes it.
        self._lists: dict[int, list[int]] = {}
        #: Where a member's value starts, by its container's start and its key. INVARIANT: only `_member` writes it.
        self._members: dict[tuple[int, str], int] = {}

    def __call__(self, route: Route) -> tuple[int, int] | None:
        """Give the span of the value at a route, or of its nearest known parent; None if the layout is not regular."""
        value, start, following = self.data, self.root, 0
        for step in route:
            found: int | None = None
            if isinstance(value, dict) and isinstance(step, str) and step in value:
                value = value[step]
                found = self._members.get((start, step)) or self._member(start, step, value)
                following = 0
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                items = self._items(start, value, min(step + 2, len(value)))
                value = value[step]
                if items is not None:
                    found = items[step]
                    following = items[step + 1] if step + 1 < len(items) else 0
            else:
                break
            if found is None:
                return None
            start = found
        if start == self.root:
            return start, len(self.text.rstrip())
        end = self._end_before(start, following, value) or self._end(start, value)
        return None if end is None else (start, end)

    def _inner(self, start: int) -> str:
        """Give the line break and indentation of a container's items, or an empty string."""
        head = self.text[start + 1 : start + _DEEPEST]
        rest = head.lstrip(" \t\r\n")
        pad = head[: len(head) - len(rest)].removeprefix("\r")
        return pad if rest and pad.startswith("\n") and "\n" not in pad[1:] else ""

    def _member(self, start: int, key: str, value: Any) -> int | None:
        pad = self._inner(start)
        if not pad:
            return None
        needle = f"{pad}{json.dumps(key, ensure_ascii=False)}"
        at = self.text.find(needle, start)
        if at < 0:
            return None
        at += len(needle)
        colon = self.text[at : at + 8]
        rest = colon.lstrip(" ")
        if not rest.startswith(":"):
            return None
        at += len(colon) - len(rest) + 1
        while self.text[at : at + 1] == " ":
            at += 1
        if not self._is(at, value):
            return None
        self._members[start, key] = at
        return at

    def _items(self, start: int, values: list[Any], wanted: int) -> list[int] | None:
        """Find where the first items of a list start."""
        starts = self._lists.setdefault(start, [])
        if len(starts) >= wanted:
            return starts
        pad = self._inner(start)
        if not pad:
            return None
        at = starts[-1] if starts else start
        find = self.text.find
        for value in values[len(starts) : wanted]:
            opening = "{" if isinstance(value, dict) else "[" if isinstance(value, list) else '"'
            at = find(pad + opening, at)
            if at < 0 or not isinstance(value, dict | list | str):
                return None
            at += len(pad)
            if isinstance(value, str) and not self._is(at, value):
                return None
            starts.append(at)
        return starts

    def _is(self, at: int, value: Any) -> bool:
        """Tell whether a value stands here: all of a single value, the beginning of a container."""
        if isinstance(value, dict | list):
            return self.text[at : at + 1] == ("{" if isinstance(value, dict) else "[")
        try:
            return bool(_raw_decode(self.text, at)[0] == value)
        except ValueError:
            return False

    def _end_before(self, start: int, following: int, value: Any) -> int | None:
        """Give the end of a list's item from the start of the next: only a comma and layout stand between them."""
        if not following or not isinstance(value, dict | list):
            return None
        gap = self.text[max(start, following - _DEEPEST) : following].rstrip(" \t\r\n")
        end = following - _DEEPEST + len(gap) - 1 if following - _DEEPEST > start else start + len(gap) - 1
        closing = "}," if isinstance(value, dict) else "],"
        return end if gap.endswith(closing) else None

    def _end(self, start: int, value: Any) -> int | None:
        if not isinstance(value, dict | list) or not value:
            try:
                return _raw_decode(self.text, start)[1]
            except ValueError:
                return None
        line = self.text.rfind("\n", 0, start)
        if line < 0 or not self._inner(start):
            return None
        head = self.text[line : line + _DEEPEST]
        pad = "\n" + head[1 : len(head) - len(head[1:].lstrip(" \t"))]
        at = self.text.find(pad + ("}" if isinstance(value, dict) else "]"), start)
        return at + len(pad) + 1 if at >= 0 else None
