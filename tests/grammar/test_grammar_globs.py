"""Overlap of globs, against every short text."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolelint.grammar.globs import MAX_CELLS, overlap

TEXTS = ["".join(letters) for size in range(6) for letters in itertools.product("ab", repeat=size)]


def regex(glob: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in glob))


@settings(max_examples=300, deadline=None)
@given(st.text("ab*?", max_size=4), st.text("ab*?", max_size=4))
def test_overlap_is_a_common_text(one: str, other: str) -> None:
    # Two globs of four characters that have a text in common have one of at most five.
    first, second = regex(one), regex(other)
    expected = any(first.fullmatch(text) and second.fullmatch(text) for text in TEXTS)
    if expected or len(one.replace("*", "")) + len(other.replace("*", "")) <= 5:
        assert overlap(one, other) is expected
    assert overlap(one, other) is overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("arn:aws:s3:::b", "arn:*:s3:::*/*", False),
        ("arn:aws:s3:::b/x", "arn:*:s3:::*/*", True),
        ("*mine", "*yours", False),
        ("a?c", "abc", True),
        ("", "*", True),
        ("", "?", False),
    ],
)
def test_examples(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is expected


def test_what_blows_up_a_naive_matcher() -> None:
    assert overlap("*a" * 200 + "b", "*a" * 200 + "c") is False
    assert overlap("*a" * 200 + "*", "*b" * 200 + "*") is True


def test_past_the_limit_nothing_is_alarmed() -> None:
    long = "*a" * (MAX_CELLS // 1000) + "*"
    assert overlap(long + "x*", "*" + "b" * 2000 + "*") is True
