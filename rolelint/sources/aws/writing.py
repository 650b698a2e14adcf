"""Files with what an account holds: whole or not at all, and for their owner only."""

from __future__ import annotations

import os
import tempfile

from rolelint.errors import UsageError, printable


def write_private(path: str, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Raises:
        UsageError: when it cannot be written.
    """
    folder = os.path.dirname(os.path.abspath(path))
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".rolelint-", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass", newline="\n") as stream:
            stream.write(text)
        os.replace(temporary, path)
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise UsageError(f"cannot write `{printable(path)}`: {reason}") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
