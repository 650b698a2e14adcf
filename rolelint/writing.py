"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


@contextmanager
def replacing(path: str | os.PathLike[str], permissions: int | None = None) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its place when it is whole, so that nobody reads half of it.

    A device or a pipe is no file to be replaced: it is written to as it stands. A link stays a link.

    Args:
        permissions: of the file; None for its owner only.

    Raises:
        OSError: when it cannot be written; what stood there before is untouched.
    """
    import tempfile

    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as stream:
            yield stream
        return
    target = os.path.realpath(path)
    handle, temporary = tempfile.mkstemp(prefix=".rolelint-", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        if permissions is not None:
            os.chmod(temporary, permissions)
        os.replace(temporary, target)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
