"""Find the top-level blocks of HCL text without parsing them, so that only the wanted ones are parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: Whitespace and comments between blocks.
_SPACE = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+|//[^\n]*+|/\*.*?\*/)*+", re.DOTALL)
#: Possessive throughout: words without a brace after them must not be tried in every other division.
_HEAD = re.compile(r'([A-Za-z_][\w-]*+)[ \t]*+((?:(?:"[^"\\\n]*+"|[A-Za-z_][\w-]*+)[ \t]*+)*+)\{')
_LABEL = re.compile(r'"([^"\n]*)"|([\w-]+)')
#: What changes the nesting, or hides text that does not.
_TOKEN = re.compile(
    r'"(?:[^"\\$%\n]|\\.|[$%](?!\{))*"'  # a text without interpolation
    r'|"|#[^\n]*|//[^\n]*|/\*.*?\*/|<<-?[A-Za-z][\w.-]*[ \t]*\r?\n|[{}]',
    re.DOTALL,
)
_BLANKS = {ord("\n"): " ", ord("\r"): " "}
_INSIDE = re.compile(r'\\.|[$%]{2}\{|[$%]\{|"', re.DOTALL)


class Part(NamedTuple):
    """A top-level block: its type, its labels, and where its text and its header stand."""

    type: str
    labels: tuple[str, ...]
    start: int
    end: int
    head_end: int


def outline(text: str) -> list[Part] | None:
    """List the top-level blocks, or give None when the text is not a plain sequence of blocks."""
    parts: list[Part] = []
    at = _past(text, 0)
    while at < len(text):
        head = _HEAD.match(text, at)
        if head is None:
            return None
        end = _end_of_braces(text, head.end())
        if end < 0:
            return None
        labels = tuple(a or b for a, b in _LABEL.findall(head[2]))
        header = head[0][:-1].rstrip()
        parts.append(Part(head[1], labels, at, end, at + len(header)))
        at = _past(text, end)
    return parts


def join_quoted(text: str) -> str:
    """Put blanks in place of line breaks and comments inside quoted texts, in interpolations; no offset changes."""
    out: list[str] = []
    at = 0
    while (token := _TOKEN.search(text, at)) is not None:
        start, end = token.start(), token.end()
        found = token[0]
        if found == '"':
            end = _end_of_text(text, end)
        elif found.startswith("<<"):
            end = _end_of_heredoc(text, end, found)
        if end < 0:
            break
        out += (text[at:start], _joined(text, start, end) if found == '"' else text[start:end])
        at = end
    return "".join((*out, text[at:]))


def _joined(text: str, start: int, end: int) -> str:
    """Put blanks in place of the line breaks of a quoted text, and of the comments in its interpolations."""
    out: list[str] = []
    at = start
    for comment in _comments(text, start + 1):
        out += (text[at : comment.start()], " " * len(comment[0]))
        at = comment.end()
    return "".join((*out, text[at:end])).translate(_BLANKS)


def _comments(text: str, at: int) -> Iterator[re.Match[str]]:
    """List the comments in the interpolations of a quoted text, and of the texts that stand in them."""
    while (opening := _INSIDE.search(text, at)) is not None and opening[0] != '"':
        at = opening.end()
        if opening[0] not in ("${", "%{"):
            continue
        stop = _end_of_braces(text, at)
        while (token := _TOKEN.search(text, at, stop)) is not None:
            at = token.end()
            if token[0].startswith(("#", "/")):
                yield token
            elif token[0] == '"':
                yield from _comments(text, at)
                at = _end_of_text(text, at)
            elif token[0].startswith("<<"):
                at = _end_of_heredoc(text, at, token[0])
        at = stop


def _past(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _end_of_braces(text: str, at: int) -> int:
    """Give the offset after the brace that closes the one before `at`; -1 when there is none."""
    depth = 1
    while depth:
        token = _TOKEN.search(text, at)
        if token is None:
            return -1
        at = token.end()
        found = token[0]
        if found == "{":
            depth += 1
        elif found == "}":
            depth -= 1
        elif found == '"':
            at = _end_of_text(text, at)
            if at < 0:
                return -1
        elif found.startswith("<<"):
            at = _end_of_heredoc(text, at, found)
            if at < 0:
                return -1
    return at


def _end_of_heredoc(text: str, at: int, head: str) -> int:
    """Give the offset after the word that closes a heredoc; -1 when there is none."""
    word = re.escape(head.strip().lstrip("<").lstrip("-"))
    close = re.compile(rf"^[ \t]*{word}[ \t]*\r?$", re.MULTILINE).search(text, at)
    return close.end() if close is not None else -1


def _end_of_text(text: str, at: int) -> int:
    """Give the offset after the quote that closes a text with interpolations."""
    while True:
        token = _INSIDE.search(text, at)
        if token is None:
            return -1
        at = token.end()
        found = token[0]
        if found == '"':
            return at
        if found in ("${", "%{"):
            at = _end_of_braces(text, at)
            if at < 0:
                return -1
