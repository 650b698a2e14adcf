"""Files with what an account holds: whole or not at all, and for their owner only."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from rolelint.errors import UsageError, printable, reason_of
from rolelint.writing import replacing


def write_private(path: str, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Raises:
        UsageError: when it cannot be written.
    """
    with _told(path), replacing(path) as stream:
        stream.write(text.encode("utf-8", "surrogatepass"))


def refuse_unwritable(path: str) -> None:
    """Try whether a file can be written, before the work that would be lost; what stands there stays.

    Raises:
        UsageError: when it cannot.
    """
    import tempfile

    with _told(path):
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.path.exists(path) or os.path.isfile(path):
            with tempfile.TemporaryFile(prefix=".rolelint-", dir=os.path.dirname(os.path.realpath(path))):
                pass


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write `{printable(path)}`: {reason_of(error)}") from error
