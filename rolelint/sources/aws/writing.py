"""Files with what an account holds: whole or not at all, and for their owner only."""

from __future__ import annotations

from rolelint.errors import UsageError, printable
from rolelint.writing import replacing


def write_private(path: str, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Raises:
        UsageError: when it cannot be written.
    """
    try:
        with replacing(path) as stream:
            stream.write(text.encode("utf-8", "surrogatepass"))
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise UsageError(f"cannot write `{printable(path)}`: {reason}") from error
