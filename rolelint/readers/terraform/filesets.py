"""Find the files that Terraform's `fileset` lists."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from glob import iglob
from itertools import islice

from rolelint.readers.terraform.functions import MAX_ITEMS, UndecidedError

#: Bounds the patterns that one pattern with `{a,b}` stands for; past it, what it names is not known.
MAX_CHOICES = 64

_CHOICE = re.compile(r"\{([^{}]*)\}")


def fileset(folder: str, pattern: str) -> list[str]:
    """List the files of a folder whose path in it fits a pattern, sorted.

    Raises:
        UndecidedError: when the pattern leads out of the folder or has a class of characters, which are written
            otherwise here; or when there are more than `MAX_ITEMS` or `MAX_CHOICES`.
    """
    if os.path.isabs(pattern) or ".." in pattern.split("/") or "[" in pattern or "\\" in pattern:
        raise UndecidedError
    found: set[str] = set()
    patterns = list(islice(_choices(pattern), MAX_CHOICES + 1))
    if len(patterns) > MAX_CHOICES:
        raise UndecidedError
    for one in patterns:
        listed = list(islice(iglob(one, root_dir=folder or ".", recursive=True, include_hidden=True), MAX_ITEMS + 1))
        if len(listed) > MAX_ITEMS:
            raise UndecidedError
        found.update(
            os.path.normpath(p).replace(os.sep, "/") for p in listed if os.path.isfile(os.path.join(folder, p))
        )
    return sorted(found)


def _choices(pattern: str) -> Iterator[str]:
    """Write out `{a,b}`, which Terraform knows and `glob` does not."""
    choice = _CHOICE.search(pattern)
    if choice is None:
        yield pattern
        return
    for word in choice.group(1).split(","):
        yield from _choices(pattern[: choice.start()] + word + pattern[choice.end() :])
