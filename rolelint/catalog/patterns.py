"""Patterns with wildcards: against one text, and against the sorted names of services and actions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def glob(pattern: str, text: str, star: str = "*", one: str = "?") -> bool:
    """Tell whether a pattern covers the whole text; linear in the text for each star, never exponential.

    Args:
        star, one: the characters that stand for any run of characters and for exactly one.
    """
    if one not in pattern:
        return _stars(pattern, text, star)
    p = t = mark = 0
    last = -1
    while t < len(text):
        if p < len(pattern) and pattern[p] == star:
            last, mark = p, t
            p += 1
        elif p < len(pattern) and (pattern[p] == one or pattern[p] == text[t]):
            p += 1
            t += 1
        elif last >= 0:
            mark += 1
            p, t = last + 1, mark
        else:
            return False
    return all(c == star for c in pattern[p:])


def _stars(pattern: str, text: str, star: str) -> bool:
    first, *rest = pattern.split(star)
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in rest:
        if part:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
    return True


def verb_of(name: str) -> str:
    """Take the first word of the name of an action: `Delete` of `DeleteTable`."""
    return name[: next((i for i, c in enumerate(name) if i and c.isupper()), len(name))]


def literal_prefix(pattern: str) -> str:
    """Take the text before the first wildcard."""
    for at, character in enumerate(pattern):
        if character in "*?":
            return pattern[:at]
    return pattern


def matching(pattern: str, names: Sequence[str]) -> int:
    """Find the sorted names that a pattern covers, as a mask: bit i is `names[i]`."""
    if pattern.strip("*") == "":
        return (1 << len(names)) - 1 if pattern else 0
    prefix = literal_prefix(pattern)
    start = bisect_left(names, prefix)
    if prefix == pattern:
        return 1 << start if start < len(names) and names[start] == pattern else 0
    end = bisect_left(names, prefix + "\U0010ffff", start)
    if pattern[len(prefix) :].strip("*") == "":
        return ((1 << end) - 1) ^ ((1 << start) - 1)
    shortest = len(pattern) - pattern.count("*")
    mask = 0
    for i in range(start, end):
        name = names[i]
        if len(name) >= shortest and glob(pattern, name):
            mask |= 1 << i
    return mask
