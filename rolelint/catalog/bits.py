"""Masks as bits and bytes, and the names of the masks that a label belongs to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

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


def split(mask: int, cuts: Iterable[int]) -> list[tuple[int, int]]:
    """Part a mask by others: two bits stay together where every cut holds both or neither.

    Returns:
        The parts, each with the numbers of the cuts that hold it, as a mask; what a cut holds before what it leaves.
    """
    parts = [(mask, 0)] if mask else []
    everywhere = 0
    for number, cut in enumerate(cuts):
        if not cut & mask:
            continue
        if not mask & ~cut:
            everywhere |= 1 << number
            continue
        following = []
        for part, holding in parts:
            inside = part & cut
            if inside:
                following.append((inside, holding | 1 << number))
            if part != inside:
                following.append((part ^ inside, holding))
        parts = following
    return [(part, holding | everywhere) for part, holding in parts] if everywhere else parts


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
