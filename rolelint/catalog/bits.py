"""Masks as bits and bytes, and the names of the masks that a label belongs to."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rolelint.catalog.model import BLASTS, DECISIONS, REVERSIBILITIES, TIMINGS, VIAS, Label

TRUTH = bytes(1 if c == ord("1") else 0 for c in range(256))
LABEL_WORDS = frozenset((*REVERSIBILITIES, *BLASTS, *TIMINGS, *VIAS, *DECISIONS))


def label_masks(label: Label) -> tuple[str, ...]:
    """Name the masks that a label puts its action into."""
    return (
        f"class {label.cls}",
        f"also {label.cls}",
        *(f"also {cls}" for cls in label.also),
        label.reversibility,
        label.blast,
        label.timing,
        label.via,
        label.decided,
    )


def few(mask: int) -> Iterator[int]:
    """Walk the bits of a mask that has few, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def truth(mask: int) -> bytes:
    """Write a mask out, one byte per action, lowest first."""
    return format(mask, "b")[::-1].encode().translate(TRUTH)


def words(data: bytes) -> memoryview[int]:
    """Read little-endian 16-bit numbers without copying them, whatever this machine's own order."""
    if sys.byteorder == "little":
        return memoryview(data).cast("H")
    swapped = bytearray(data)
    swapped[0::2], swapped[1::2] = data[1::2], data[0::2]
    return memoryview(bytes(swapped)).cast("H")
