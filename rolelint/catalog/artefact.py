"""The container of generated data: a JSON header and named sections, each compressed on its own.

The header carries the SHA-256 of the sections' uncompressed bytes, so two artefacts with the same content are equal
whatever release of zlib packed them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rolelint.errors import InputError, Location, reason_of

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"rolelint artefact 1\n"
#: Lines per block: enough to pack well, few enough that one service needs only one or two blocks.
LINES = 400
_HINT = "reinstall rolelint, or run `rolelint catalog build`"


def pack(header: Mapping[str, Any], sections: Mapping[str, bytes], *, plain: bool = False) -> bytes:
    """Write header and sections. Adds `sha256` and the table of sections to the header.

    Args:
        plain: do not compress: for sections that every run reads. A wheel compresses the file as a whole.
    """
    import json
    import zlib

    packed = dict(sections) if plain else {name: zlib.compress(data, 9) for name, data in sections.items()}
    table = {}
    at = 0
    for name, data in packed.items():
        table[name] = [at, len(data)]
        at += len(data)
    full = {**header, "sha256": digest(sections), "plain": plain, "sections": table}
    text = json.dumps(full, separators=(",", ":"), ensure_ascii=False).encode()
    return b"".join([MAGIC, len(text).to_bytes(4, "big"), text, *packed.values()])


def digest(sections: Mapping[str, bytes]) -> str:
    """Hash the content of sections: names and uncompressed bytes, in their order."""
    import hashlib

    total = hashlib.sha256()
    for name, data in sections.items():
        total.update(f"{name} {len(data)}\n".encode())
        total.update(data)
    return total.hexdigest()


class Artefact:
    """A packed artefact. The header is read at once, a section when it is asked for."""

    def __init__(self, path: str | Path) -> None:
        import json

        self.path = path
        try:
            with open(path, "rb") as file:
                self._data = file.read()
        except OSError as error:
            raise InputError(f"cannot read: {reason_of(error)}", location=Location(str(path)), hint=_HINT) from error
        start = len(MAGIC)
        size = int.from_bytes(self._data[start : start + 4], "big")
        self._base = start + 4 + size
        if not self._data.startswith(MAGIC):
            raise self._broken()
        try:
            self.header: dict[str, Any] = json.loads(self._data[start + 4 : self._base])
            self._table: dict[str, list[int]] = self.header.pop("sections")
            self._plain: bool = self.header.pop("plain", False)
        except (ValueError, KeyError) as error:
            raise self._broken() from error

    def section(self, name: str) -> bytes:
        """Unpack one section."""
        try:
            at, size = self._table[name]
        except KeyError as error:
            raise self._broken() from error
        if self._plain:
            if len(self._data) < self._base + at + size:
                raise self._broken()
            return self._data[self._base + at : self._base + at + size]
        import zlib

        try:
            return zlib.decompress(memoryview(self._data)[self._base + at : self._base + at + size])
        except zlib.error as error:
            raise self._broken() from error

    def sections(self) -> dict[str, bytes]:
        """Unpack all sections."""
        return {name: self.section(name) for name in self._table}

    def verify(self) -> bool:
        """Tell whether the content is what the header says."""
        return digest(self.sections()) == self.header.get("sha256")

    def _broken(self) -> InputError:
        return InputError("not a rolelint artefact, or a damaged one", location=Location(str(self.path)), hint=_HINT)


class Lines:
    """Lines of text in blocks, each a section of its own: `name 0`, `name 1` ... A block is unpacked when needed."""

    def __init__(self, artefact: Artefact, name: str) -> None:
        self._artefact = artefact
        self._name = name
        self._blocks: dict[int, list[str]] = {}

    def __getitem__(self, number: int) -> str:
        block, within = divmod(number, LINES)
        found = self._blocks.get(block)
        if found is None:
            found = self._blocks[block] = self._artefact.section(f"{self._name} {block}").decode().split("\n")
        return found[within]


def in_blocks(name: str, lines: Sequence[str]) -> dict[str, bytes]:
    """Write lines for `Lines` to read."""
    return {
        f"{name} {start // LINES}": "\n".join(lines[start : start + LINES]).encode()
        for start in range(0, len(lines), LINES)
    }


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in one step: either the old content stays or the new one is whole."""
    from rolelint.writing import replacing

    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, 0o644) as file:
        file.write(data)
