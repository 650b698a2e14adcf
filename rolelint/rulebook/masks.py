"""The action sets of the shipped rules, worked out once for the shipped catalogue.

Working them out takes longer than everything else that a check of one small policy does.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any

from rolelint.catalog import Catalog, catalog
from rolelint.catalog.loaded import load as shipped_catalog
from rolelint.rulebook.model import Rule
from rolelint.rulebook.questions import Question
from rolelint.rulebook.selectors import Made, Selector
from rolelint.rulebook.vocabulary import Weigh, compile_lower, compile_when

#: Made by `python -m rolelint.rulebook.compile`.
STORED = os.path.join(os.path.dirname(__file__), "masks.bin")

Lowers = tuple[tuple[Weigh, str], ...]


class Prepared:
    """A rule that is ready to be asked; its condition is compiled when it is first asked.

    Attributes:
        needs: sets of actions of each of which a role must hold one.
        interest: every action that the rule asks about.
        of_powers, late: as of its `Question`.
    """

    __slots__ = ("_built", "_known", "_masks", "interest", "late", "needs", "of_powers", "rule")

    def __init__(
        self,
        rule: Rule,
        needs: tuple[int, ...],
        interest: int,
        of_powers: bool,
        late: bool,
        masks: Callable[[], Sequence[int]] = tuple,
        known: Catalog | None = None,
    ) -> None:
        self.rule = rule
        self.needs = needs
        self.interest = interest
        self.of_powers = of_powers
        self.late = late
        self._masks = masks
        self._known = known
        self._built: tuple[Question, Lowers] | None = None

    def _build(self) -> tuple[Question, Lowers]:
        if self._built is None:
            with Made(self._masks(), self._known):
                question, lowers, _ = compile_rule(self.rule)
            self._built = (question, lowers)
        return self._built

    @property
    def question(self) -> Question:
        """The condition."""
        return self._build()[0]

    @property
    def lowers(self) -> Lowers:
        """Further reasons to lower the severity."""
        return self._build()[1]


def compile_rule(rule: Rule) -> tuple[Question, Lowers, tuple[Selector, ...]]:
    """Compile a rule: its condition, its reasons to lower, and the actions that these ask about."""
    question = compile_when(rule.when)
    lowers = [compile_lower(entry) for entry in rule.lower]
    asked = tuple(s for _, _, selectors in lowers for s in selectors)
    return question, tuple((weigh, because) for weigh, because, _ in lowers), asked


def prepare(rule: Rule) -> Prepared:
    """Make a rule ready, from what is stored where that is current."""
    known = catalog()
    table = _table()
    entry = table.entries.get(rule.id) if table.current and known is shipped_catalog() else None
    if entry is not None and entry["name"] == rule.name:
        numbers: list[int] = entry["selectors"]
        needs = tuple(table.mask(i) for i in entry["needs"])
        return Prepared(
            rule,
            needs,
            table.mask(entry["interest"]),
            entry["of_powers"],
            entry["late"],
            partial(table.masks, numbers),
            known,
        )
    question, _, asked = compile_rule(rule)
    interest = question.interest
    for selector in asked:
        interest |= selector.mask
    return Prepared(rule, tuple(s.mask for s in question.needs), interest, question.of_powers, question.late)


class _Table:
    """What is stored: an entry for each rule, and masks that the entries name by number."""

    def __init__(self, data: bytes) -> None:
        head, _, packed = data.partition(b"\n")
        header: dict[str, Any] = json.loads(head) if head else {}
        self.entries: dict[str, dict[str, Any]] = header.get("rules", {})
        self.current = bool(header) and header["catalog"] == shipped_catalog().header.get("sha256")
        self._size: int = header.get("size", 0)
        self._packed = packed
        self._data = b""

    def masks(self, numbers: Iterable[int]) -> list[int]:
        return [self.mask(number) for number in numbers]

    def mask(self, number: int) -> int:
        if not self._data:
            self._data = zlib.decompress(self._packed)
        return int.from_bytes(self._data[number * self._size : (number + 1) * self._size], "little")


@cache
def _table() -> _Table:
    if not os.path.isfile(STORED):
        return _Table(b"")
    with open(STORED, "rb") as stream:
        return _Table(stream.read())


def pack(rules: Iterable[Rule]) -> bytes:
    """Work out what `prepare` reads, for the shipped catalogue."""
    known = shipped_catalog()
    size = (known.size + 7) // 8
    numbers: dict[int, int] = {}
    entries = {}
    for rule in rules:
        with Made() as made:
            question, _, asked = compile_rule(rule)
        interest = question.interest
        for selector in asked:
            interest |= selector.mask

        def number(mask: int) -> int:
            return numbers.setdefault(mask, len(numbers))

        entries[rule.id] = {
            "name": rule.name,
            "needs": [number(s.mask) for s in question.needs],
            "interest": number(interest),
            "of_powers": question.of_powers,
            "late": question.late,
            "selectors": [number(s.mask) for s in made.selectors],
        }
    made_by = "python -m rolelint.rulebook.compile"
    header = {"made_by": made_by, "catalog": known.header["sha256"], "size": size, "rules": entries}
    data = b"".join(mask.to_bytes(size, "little") for mask in numbers)
    return json.dumps(header, separators=(",", ":")).encode() + b"\n" + zlib.compress(data, 9)
