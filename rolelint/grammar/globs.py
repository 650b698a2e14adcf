"""Globs against globs: whether two patterns have a text in common, in bounded time."""

from __future__ import annotations

from functools import lru_cache

#: Cells of the table that one comparison may fill; two patterns of 2,048 characters each need four million. Past it
#: the patterns count as overlapping, which raises no alarm.
MAX_CELLS = 1_000_000


@lru_cache(maxsize=65_536)
def overlap(one: str, other: str) -> bool:
    """Tell whether some text matches both globs; `*` is any run and `?` any one character in each."""
    if one == other or "*" in (one, other):
        return True
    head, tail = _literal_ends(one), _literal_ends(other)
    if not (head[0].startswith(tail[0]) or tail[0].startswith(head[0])):
        return False
    if not (head[1].endswith(tail[1]) or tail[1].endswith(head[1])):
        return False
    if len(one) * len(other) > MAX_CELLS:
        return True
    return _overlap(one, other)


def _literal_ends(glob: str) -> tuple[str, str]:
    """Give what stands before the first and after the last wildcard; for a plain text twice the text."""
    first = min((at for at in (glob.find("*"), glob.find("?")) if at >= 0), default=len(glob))
    last = max(glob.rfind("*"), glob.rfind("?"))
    return glob[:first], glob[last + 1 :]


def _overlap(one: str, other: str) -> bool:
    # row[j]: what is left of `one` from i, and of `other` from j, have a text in common.
    size = len(other)
    row = [False] * size + [True]
    for j in range(size - 1, -1, -1):
        row[j] = other[j] == "*" and row[j + 1]
    for a in reversed(one):
        below = row
        row = [False] * (size + 1)
        row[size] = a == "*" and below[size]
        for j in range(size - 1, -1, -1):
            b = other[j]
            if a == "*" or b == "*":
                # The star of one side is done, or swallows what the other side begins with.
                row[j] = below[j] or row[j + 1]
            else:
                row[j] = (a == b or a == "?" or b == "?") and below[j + 1]
    return row[0]
