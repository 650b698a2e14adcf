"""Patterns in the syntax of `.gitignore`.

They come from repositories that somebody else wrote: a part of a pattern that is found is not looked for again further
on (atomic groups), so that no pattern takes longer than its length times that of the path, and its depth.
"""

# Git: gitignore.adoc, "PATTERN FORMAT", and wildmatch.c. Read 2026-11-23.

from __future__ import annotations

import re
from collections.abc import Iterable

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}


class Patterns:
    """Lines of a `.gitignore`, of which the last that speaks of a path decides.

    One that takes a folder back takes back what is in it: more is read than Git would keep, and not less.
    """

    def __init__(self, lines: Iterable[str], strict: bool = True) -> None:
        """Read lines.

        Args:
            strict: whether a line that is no pattern is a mistake; Git passes over it.

        Raises:
            ValueError: when `strict`, and a line is no pattern.
        """
        self._rules: list[tuple[re.Pattern[str], bool]] = []
        for line in lines:
            try:
                rule = _rule(line)
            except ValueError:
                if strict:
                    raise
                continue
            if rule is not None:
                self._rules.append(rule)

    def verdict(self, path: str) -> bool | None:
        """Tell whether a path, or a folder above it, is ignored; None when nothing speaks of it.

        Args:
            path: relative, with `/` between names and behind the name of a folder.
        """
        return next((ignored for pattern, ignored in reversed(self._rules) if pattern.match(path)), None)


def _rule(line: str) -> tuple[re.Pattern[str], bool] | None:
    """Read a line: its pattern, and whether it ignores or takes back; None for a comment or an empty line.

    Raises:
        ValueError: with the line, when it is no pattern.
    """
    kept = line.rstrip(" ")
    escaped = kept != line and (len(kept) - len(kept.rstrip("\\"))) % 2
    line = f"{kept} " if escaped else kept
    if not line or line.startswith("#"):
        return None
    ignored = not line.startswith("!")
    text = line if ignored else line[1:]
    folder = text.endswith("/")
    text = text.removesuffix("/")
    if not text:
        raise ValueError(line)
    names = text.removeprefix("/").split("/")
    if "/" not in text:
        names.insert(0, "**")
    if names[-1] == "**":
        names[-1] = "*"  # everything in a folder, and not the folder
    try:
        return re.compile(_path(names) + ("/" if folder else "(?:/|$)"), re.DOTALL), ignored
    except (ValueError, re.error) as error:  # the latter for a range whose ends are in the wrong order
        raise ValueError(line) from error


def _path(names: list[str]) -> str:
    """Write names as a pattern of paths; `**` stands for any number of folders."""
    groups: list[list[str]] = [[]]
    for name in names:
        if name == "**":
            groups.append([])
        else:
            groups[-1].append(_name(name))
    first, *rest = ["/".join(group) for group in groups]
    out = first
    for group in rest[:-1]:
        out += f"{'/' if out else ''}(?>(?:[^/]+/)*?{group}(?=/))" if group else ""
    if rest:
        out += f"{'/' if out else ''}(?:[^/]+/)*?{rest[-1]}"
    return out


def _name(text: str) -> str:
    """Write a part of a pattern between slashes as a pattern of one name."""
    pieces, at = [""], 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*":
            pieces.append("")
        elif char == "?":
            pieces[-1] += "[^/]"
        elif char == "[":
            found, at = _set(text, at)
            pieces[-1] += found
        elif char == "\\":
            if at == len(text):
                raise ValueError(text)
            pieces[-1] += re.escape(text[at])
            at += 1
        else:
            pieces[-1] += re.escape(char)
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1] if piece)
    some = "(?=[^/])" if not pieces[0] else ""  # a name has a character at least
    return f"{some}{pieces[0]}{middle}[^/]*{pieces[-1]}"


def _set(text: str, at: int) -> tuple[str, int]:
    """Read a set of characters behind its `[`; gives its pattern and where it ends."""
    out = "(?!/)["
    if text[at : at + 1] in ("!", "^"):
        out += "^"
        at += 1
    begin = at
    while at < len(text) and (text[at] != "]" or at == begin):
        named = re.match(r"\[:([a-z]+):\]", text[at:])
        if named and named[1] in _CLASSES:
            out += _CLASSES[named[1]]
            at += named.end()
            continue
        if text[at] == "-" and at not in (begin, len(text) - 1) and text[at + 1] != "]":
            out += "-"
        else:
            at += text[at] == "\\"
            out += re.escape(text[at : at + 1])
        at += 1
    if at >= len(text):
        raise ValueError(text)  # never closed: Git matches nothing by it
    return out + "]", at + 1
