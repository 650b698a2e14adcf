"""Work out Terraform's functions on regular expressions, where ours mean the same and end soon."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from rolelint.policies.text import has_unknown
from rolelint.readers.terraform.functions import RefusedError, UndecidedError, bounded, text_of

#: Bounds the texts that expressions are matched with; a longer one stays unknown.
MAX_TEXT = 256
#: Bounds the repetitions in an expression: the time to match grows with the length of the text to the power of them.
MAX_REPEATS = 2
#: Bounds the choices in an expression, `?` and `|`: the time to match may double with each. Beside `MAX_REPEATS`
#: repetitions there may be but one.
MAX_CHOICES = 4

#: The parts of the syntax that Terraform (RE2) and Python share.
_PART = re.compile(
    r"(?P<escape>\\[wWdDsSbB.\-/\\^$|?*+()\[\]{}:])|(?P<open>\((?:\?:|\?P<\w+>|(?!\?)))|(?P<close>\))"
    r"|(?P<class>\[\^?(?:[^\[\]\\]|\\[wWdDsS.\-/\\\[\]^$])+\])|(?P<repeat>[*+]|\{\d+(?:,\d*)?\})"
    r"|(?P<choice>[?|])|(?P<plain>[^\\\[\](){}*+?|])"
)
#: What Python may one day read as an operation on classes.
_OPERATION = re.compile(r"--|&&|\|\||~~")
_EXPANDED = re.compile(r"\$(?:(\d+)(?!\w)|\{(\d+)\})")


def replace(text: Any, pattern: str, other: Any) -> str:
    """Replace every match of an expression; `$1` in the replacement is what its first group matched."""
    whole, new = _text(text), _text(other)
    found = _compiled(pattern)
    if new and (found.match("") or "$" in _EXPANDED.sub("", new)):
        # The two differ on empty matches, and on names of groups.
        raise UndecidedError
    groups = new.count("$")
    bounded(len(whole) + sum(len(new) + groups * len(match[0]) for match in found.finditer(whole)))
    template = _EXPANDED.sub(lambda m: f"\\g<{m[1] or m[2]}>", new.replace("\\", r"\\"))
    try:
        return found.sub(template, whole)
    except (re.error, IndexError):
        raise UndecidedError from None


def regex(pattern: Any, text: Any) -> Any:
    """Give the first match: its text, or what its groups matched."""
    for found in _matches(_text(pattern), _text(text)):
        return _said(found)
    raise RefusedError


def regexall(pattern: Any, text: Any) -> list[Any]:
    """List all matches."""
    found = _matches(_text(pattern), _text(text))
    if any(not match.group() for match in found):
        # The two differ on where empty matches are.
        raise UndecidedError
    return list(map(_said, found))


@lru_cache(maxsize=1024)
def _matches(pattern: str, text: str) -> tuple[re.Match[str], ...]:
    return tuple(_compiled(pattern).finditer(text))


def _said(match: re.Match[str]) -> Any:
    return match.groupdict() or list(match.groups()) or match.group()


def _text(value: Any) -> str:
    text = text_of(value)
    if has_unknown(text) or len(text) > MAX_TEXT:
        raise UndecidedError
    return text


def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile an expression.

    Raises:
        UndecidedError: when it might mean something else here, or take long.
    """
    parts: list[str] = []
    kinds: list[str] = []
    at = 0
    while at < len(pattern):
        part = _PART.match(pattern, at)
        if part is None or (part.lastgroup == "class" and _OPERATION.search(part.group())):
            raise UndecidedError
        kinds.append(part.lastgroup or "")
        # Python's `$` looks past a line break at the end.
        parts.append(r"\Z" if part.group() == "$" else part.group())
        at = part.end()
    repeated = any(kinds[i] in ("close", "repeat", "choice") for i, kind in enumerate(kinds[1:]) if kind == "repeat")
    repeats, choices = kinds.count("repeat"), kinds.count("choice")
    if repeated or repeats > MAX_REPEATS or choices > (1 if repeats == MAX_REPEATS else MAX_CHOICES):
        raise UndecidedError
    try:
        return re.compile("".join(parts), re.ASCII)
    except re.error:
        raise UndecidedError from None
