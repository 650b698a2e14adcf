"""Patterns of `.gitignore`: each row was asked of `git check-ignore`."""

from __future__ import annotations

import re
import time

import pytest

from rolelint.sources.ignores import Patterns

ROWS = [
    ("a.json", "a.json x/a.json x/a.json/", "ba.json a.json.b"),
    ("/a", "a a/ a/b", "x/a"),
    ("x/a", "x/a x/a/b", "y/x/a a"),
    ("a/", "a/ a/b x/a/", "a x/a"),
    ("*", "a a/b", ""),
    ("*.json", "a.json .json x/b.json", "json a.jsonl"),
    ("a*b*c", "abc axxbxxc a*b*c", "ab/c acb"),
    ("a?c", "abc", "ac a/c abbc"),
    ("[a-c]x", "ax cx", "dx x"),
    ("[!a]x", "bx", "ax /x"),
    ("[]a]x", "]x ax", "bx"),
    ("[[:digit:]]x", "1x", "ax"),
    ("[a-]x", "-x ax", "bx"),
    ("**/a", "a x/a x/y/a", "xa"),
    ("a/**", "a/b a/b/c", "a a/ x/a/b"),
    ("a/**/b", "a/b a/x/b a/x/y/b", "a/xb ab x/a/b"),
    ("/**", "a a/b", ""),
    ("a**b", "ab axb", "a/b"),
    ("\\#a", "#a", "a"),
    ("\\!a", "!a", "a"),
    ("a\\ ", "a ", "a"),
    ("a  ", "a", "ab"),
    ("# a", "", "a"),
    ("é.json", "é.json", "e.json"),
]


@pytest.mark.parametrize(("pattern", "hit", "missed"), ROWS, ids=[row[0] for row in ROWS])
def test_a_pattern_ignores_what_git_ignores(pattern: str, hit: str, missed: str) -> None:
    found = Patterns([pattern])
    paths = [hit] if hit.endswith(" ") else hit.split()
    assert [path for path in paths if not found.verdict(path)] == []
    assert [path for path in missed.split() if found.verdict(path) is not None] == []


def test_the_last_line_that_speaks_of_a_path_decides() -> None:
    found = Patterns(["*.json", "!a.json", "x/a.json"])
    assert [found.verdict(path) for path in ("b.json", "a.json", "x/a.json", "a.yaml")] == [True, False, True, None]


@pytest.mark.parametrize("pattern", ["\\", "!", "/", "[z-a]", "[a", "a\\"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(ValueError, match=re.escape(pattern)):
        Patterns([pattern])
    assert Patterns([pattern, "a"], strict=False).verdict("a") is True


HOSTILE = {
    "many stars": ("*a" * 60 + "*b", "a" * 250),
    "many sets": ("*[ab]" * 40 + "*!", "a" * 250),
    "many folders": ("**/a/" * 60 + "b", "a/" * 1500 + "a"),
    "many folders with stars": ("**/*a*a*a/" * 30 + "b", "aaaaaaaaaa/" * 300 + "a"),
}


@pytest.mark.parametrize(("pattern", "path"), HOSTILE.values(), ids=HOSTILE)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    start = time.process_time()
    assert Patterns([pattern]).verdict(path) is None
    assert time.process_time() - start < 1
