"""Masks as sets of small numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rolelint.catalog.bits import few, split

_MASKS = st.integers(0, (1 << 12) - 1)


@given(_MASKS)
def test_few_walks_every_bit_upwards(mask: int) -> None:
    assert list(few(mask)) == [n for n in range(12) if mask >> n & 1]


@given(_MASKS, st.lists(_MASKS, max_size=6))
def test_bits_stay_together_exactly_where_every_cut_holds_both_or_neither(mask: int, cuts: list[int]) -> None:
    def holding(bit: int) -> int:
        return sum(1 << number for number, cut in enumerate(cuts) if cut >> bit & 1)

    parts = split(mask, cuts)
    assert sorted(bit for part, _ in parts for bit in few(part)) == list(few(mask))
    assert all(part and {holding(bit) for bit in few(part)} == {touching} for part, touching in parts)
    assert len({touching for _, touching in parts}) == len(parts)


def test_what_a_cut_holds_comes_before_what_it_leaves() -> None:
    assert split(0b111, (0b100, 0b001)) == [(0b100, 0b01), (0b001, 0b10), (0b010, 0b00)]
    assert split(0, (0b1,)) == []
