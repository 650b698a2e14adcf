"""Bytes to text."""

from __future__ import annotations

import codecs

from rolelint.errors import InputError, Location, printable

#: How a zip archive begins, as `terraform plan -out` writes one.
_ZIP = b"PK\x03\x04"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins like that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ANY_MARK = tuple(mark for mark, _ in _MARKS)


def decode(file: str, data: bytes) -> str:
    """Decode text by its byte order mark, else by where its NUL bytes are, else as UTF-8.

    Raises:
        InputError: for binary files, and for bytes that are not valid in the encoding, with their place.
    """
    if data.startswith(_ANY_MARK):
        mark, encoding = next(pair for pair in _MARKS if data.startswith(pair[0]))
        return _decode(file, data[len(mark) :], encoding)
    if b"\0" in data[:1024]:
        return _decode(file, data, _guess(file, data))
    return _decode(file, data, "utf-8")


def is_binary(head: bytes) -> bool:
    """Tell from the first bytes whether a file cannot be text of any kind."""
    return b"\0" in head and not head.startswith(_ANY_MARK) and not _pattern(head)


def _pattern(head: bytes) -> str:
    nul = "".join("0" if byte == 0 else "x" for byte in head[:4])
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be", "x000": "utf-32-le", "000x": "utf-32-be"}.get(nul, "")


def _guess(file: str, data: bytes) -> str:
    encoding = _pattern(data)
    if not encoding:
        hint = "name JSON or YAML files, or exclude it"
        if data.startswith(_ZIP):
            hint = f"of a saved Terraform plan, give what `terraform show -json {printable(file)}` writes"
        raise InputError("the file is binary, not text", location=Location(file), hint=hint)
    return encoding


def _decode(file: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        byte = data[error.start]
        raise InputError(
            f"byte 0x{byte:02x} is not valid {encoding.upper()}",
            location=Location(file, line, column, line, column + 1),
            hint="save the file as UTF-8",
        ) from error
