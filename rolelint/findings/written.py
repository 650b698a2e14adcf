"""Findings that are text of the report already: of a large report nobody has to hold more than that.

The text waits in files that have no name and go with the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import IO, NamedTuple

from rolelint.errors import UsageError, reason_of
from rolelint.findings.model import RoleReport

#: Writes a judged role in a report's format: its own text, and that of each of its findings. ASCII only.
Scribe = Callable[[RoleReport], tuple[str, list[str]]]

_CHUNK = 1 << 20


class Span(NamedTuple):
    """A piece of text that was put down: the number of its file, its place there and its size in bytes."""

    file: int
    start: int
    size: int


class Piece(NamedTuple):
    """Some roles in a row that were put down.

    Attributes:
        amount: how many roles.
        severities: how many findings there are of each severity.
        roles, findings: their texts.
    """

    amount: int
    severities: dict[str, int]
    roles: Span
    findings: Span


class Written:
    """Text of roles and findings, put down by several processes, each in a file of its own.

    Attributes:
        pieces: in the order of the report.
    """

    def __init__(self, processes: int) -> None:
        """Open the files.

        Raises:
            OSError: when there is no place for them.
        """
        from tempfile import TemporaryFile

        #: Without a buffer: another process reads what is put down. `close` closes them.
        self._files: list[IO[bytes]] = []
        for _ in range(processes):
            self._files.append(TemporaryFile("w+b", buffering=0))  # noqa: SIM115
        self._sizes = [0] * processes
        self.pieces: list[Piece] = []

    def put(self, process: int, judged: Sequence[RoleReport], scribe: Scribe) -> Piece:
        """Put some roles down; what is given back belongs into `pieces`.

        Raises:
            UsageError: when there is no room.
        """
        roles: list[str] = []
        findings: list[str] = []
        severities: dict[str, int] = {}
        for one in judged:
            text, texts = scribe(one)
            roles.append(text)
            findings += texts
            for finding in one.findings:
                severities[finding.severity] = severities.get(finding.severity, 0) + 1
        try:
            return Piece(len(judged), severities, self._append(process, roles), self._append(process, findings))
        except OSError as error:
            hint = "set TMPDIR to a folder with room for the report"
            raise UsageError(f"cannot put the report down: {reason_of(error)}", hint=hint) from error

    def _append(self, process: int, texts: list[str]) -> Span:
        data = SEPARATOR.join(texts).encode("ascii")
        left = memoryview(data)
        while left:
            left = left[self._files[process].write(left) :]
        start = self._sizes[process]
        self._sizes[process] += len(data)
        return Span(process, start, len(data))

    def close(self) -> None:
        """Let go of the texts."""
        for stream in self._files:
            stream.close()

    @property
    def count(self) -> int:
        """How many roles there are."""
        return sum(piece.amount for piece in self.pieces)

    def findings(self, severity: str) -> int:
        """Count the findings of one severity."""
        return sum(piece.severities.get(severity, 0) for piece in self.pieces)

    def texts(self, name: str) -> Iterator[str]:
        """Give the text of all `roles` or `findings` in chunks, items with `SEPARATOR` between them."""
        first = True
        for piece in self.pieces:
            span: Span = getattr(piece, name)
            if not span.size:
                continue
            if not first:
                yield SEPARATOR
            first = False
            yield from self._chunks(span)

    def _chunks(self, span: Span) -> Iterator[str]:
        stream = self._files[span.file]
        at, end = span.start, span.start + span.size
        while at < end:
            stream.seek(at)
            data = stream.read(min(_CHUNK, end - at))
            at += len(data)
            yield data.decode("ascii")


#: Between the items of a list, each of which stands on one line.
SEPARATOR = ",\n    "
