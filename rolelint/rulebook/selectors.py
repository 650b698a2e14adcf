"""Selectors: what a rule calls its actions, resolved to a set of actions of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from rolelint.catalog import Catalog, catalog
from rolelint.memory import lasting

#: Words of a selector that name actions; the others narrow what these name.
SOURCES = ("actions", "classes", "also")


class Selector:
    """A set of actions as a rule writes it.

    `actions`, `classes` and `also` name actions and are joined; without them it is every destructive action, or every
    action inside `any-of`. `any-of`, `services`, `reversibility`, `blast`, `timing`, `via`, `stateful` and
    `attributes` narrow; `except-actions` and `except-classes` take away.
    """

    __slots__ = ("_known", "_mask", "_nested", "_parts", "_spec")

    def __init__(self, spec: Mapping[str, Any], *, nested: bool = False) -> None:
        self._spec = spec
        self._nested = nested
        self._parts = tuple(Selector(part, nested=True) for part in spec.get("any-of", ()))
        self._known: Catalog | None = None
        self._mask = 0
        if _made:
            _made[-1].take(self)

    @property
    def mask(self) -> int:
        """The actions, over the order of the catalogue in use."""
        known = catalog()
        if self._known is not known:
            self._mask = self._resolve(known)
            self._known = known
        return self._mask

    def _resolve(self, known: Catalog) -> int:
        spec = self._spec
        mask = 0
        for source in SOURCES:
            mask |= _union(_SOURCE[source](known), spec.get(source, ()))
        if not any(source in spec for source in SOURCES):
            mask = known.full if self._nested or self._parts else known.destructive
        if self._parts:
            inside = 0
            for part in self._parts:
                inside |= part.mask
            mask &= inside
        if "services" in spec:
            mask &= _union(known.service_mask, spec["services"])
        for word in ("reversibility", "blast", "timing", "via"):
            if word in spec:
                mask &= _union(known.attribute_mask, spec[word])
        if spec.get("stateful"):
            mask &= known.attribute_mask("stateful")
        for value in spec.get("attributes", ()):
            mask &= known.attribute_mask(value)
        mask &= ~known.expand_all(spec.get("except-actions", ()))
        return mask & ~_union(known.class_mask, spec.get("except-classes", ()))


class Made:
    """Selectors in the order they are made; those of a shipped rule get the masks that were worked out before.

    Args:
        masks: the masks, in the same order, for the catalogue `known`.
    """

    def __init__(self, masks: Sequence[int] = (), known: Catalog | None = None) -> None:
        self.selectors: list[Selector] = []
        self._masks = masks
        self._known = known

    def __enter__(self) -> Made:
        _made.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _made.pop()

    def take(self, selector: Selector) -> None:
        """Note a selector, and give it its mask when it is known."""
        place = len(self.selectors)
        self.selectors.append(selector)
        if self._known is not None and place < len(self._masks):
            selector._mask = self._masks[place]
            selector._known = self._known


_made: list[Made] = []

_SOURCE: Mapping[str, Callable[[Catalog], Callable[[str], int]]] = {
    "actions": lambda known: known.expand,
    "classes": lambda known: known.class_mask,
    "also": lambda known: known.also_mask,
}


def _union(mask_of: Callable[[str], int], values: Sequence[str]) -> int:
    mask = 0
    for value in values:
        mask |= mask_of(value)
    return mask


#: Classes from worst to least bad, for naming the worst of several actions.
_RANK = (
    "account",
    "destroy-data",
    "destroy-backup",
    "escalate",
    "orchestrate",
    "lock-out",
    "destroy-resource",
    "unprotect",
    "blind",
    "overwrite",
    "disrupt",
)


#: Answers kept by the memos of this room: more than the statements of all AWS managed policies have.
MEMO = 20_000
#: The same for memos that hold sets of actions, which are large.
MASKS = 3_000


@lru_cache(MASKS)
def worst(mask: int, prefer: tuple[str, ...] = ()) -> int:
    """Pick the action to name first: a preferred one, else by class, reversibility, timing and blast radius.

    Of equals, one that says by its name what it does goes before one that does it by a parameter.

    Args:
        mask: not empty.

    Returns:
        Its index in the catalogue.
    """
    known = catalog()
    for pattern in prefer:
        found = mask & known.expand(pattern)
        if found:
            return (found & -found).bit_length() - 1
    plain, tables = _ranking()
    for found in plain:
        if mask & found:
            return found.bit_length() - 1
    for table in tables:
        for tier in table:
            if mask & tier:
                mask &= tier
                break
    return (mask & -mask).bit_length() - 1


lasting(worst.cache_clear)


@cache
def _ranking() -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    known = catalog()
    tables = (
        tuple(known.class_mask(c) for c in _RANK),
        tuple(known.attribute_mask(r) for r in ("R3", "R2", "R1", "R0")),
        (known.full & ~known.attribute_mask("deferred"),),
        tuple(known.attribute_mask(b) for b in ("B4", "B3", "B2", "B1", "B0")),
        (known.attribute_mask("called-delete"),),
    )
    return tuple(known.expand(p) for p in _PLAIN), tables


lasting(_ranking.cache_clear)


#: Destroyers that every reader recognises, named before others when a rule prefers none.
_PLAIN = (
    "rds:DeleteDBCluster",
    "dynamodb:DeleteTable",
    "rds:DeleteDBInstance",
    "s3:DeleteBucket",
    "s3:DeleteObject",
    "ec2:TerminateInstances",
    "cloudformation:DeleteStack",
    "eks:DeleteCluster",
    "ecs:DeleteService",
    "kms:ScheduleKeyDeletion",
    "rds:ModifyDBCluster",
    "elasticloadbalancing:DeleteLoadBalancer",
    "ec2:DeleteVpc",
    "ec2:DeleteVolume",
    "lambda:DeleteFunction",
    "logs:DeleteLogGroup",
    "iam:DeleteRole",
)
