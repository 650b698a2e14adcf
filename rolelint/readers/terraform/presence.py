"""Say what decides whether a `count` or `for_each` makes anything at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rolelint.documents import hcl_nodes as hcl
from rolelint.readers.terraform.evaluate import Frame, ResourceValue, chain, truth, value
from rolelint.readers.terraform.functions import Loose

#: Values of `count` and `for_each` that make nothing.
_NOTHING: tuple[Any, ...] = (0, [], {}, None)


def conditions(node: Any, frame: Frame) -> frozenset[str]:
    """List what must hold for an expression of unknown number to make an instance, each part that is not known.

    In `var.a && var.b ? 1 : 0`, where only `var.b` is known and true, that is `var.a`: what another block with
    `var.a ? 1 : 0` needs, too.
    """
    found = value(node, frame)
    if isinstance(found, ResourceValue):
        return found.maybe
    if isinstance(found, int | list | dict):
        decided = listed(node, frame)
        if decided or not isinstance(found, Loose):
            return decided
    if isinstance(node, hcl.Conditional) and value(node.no, frame) in _NOTHING:
        return required(node.test, frame) | conditions(node.yes, frame)
    return _text(node, frame)


def required(node: Any, frame: Frame) -> frozenset[str]:
    """List what must hold for a condition to hold, each part that is not known to."""
    if truth(value(node, frame)):
        return frozenset()
    if isinstance(node, hcl.Binary) and node.operator == "&&":
        return required(node.left, frame) | required(node.right, frame)
    return _text(node, frame)


def refused(node: Any, frame: Frame) -> frozenset[str]:
    """List what must hold for a condition that is not known not to hold."""
    (text,) = _text(node, frame)
    prefix = frame.module.prefix()
    return frozenset((f"{prefix}!{text.removeprefix(prefix)}" if chain(node) else f"not {text}",))


def _text(node: Any, frame: Frame) -> frozenset[str]:
    text, _ = frame.module.describe(node, frame.file)
    return frozenset((frame.module.prefix() + " ".join(text.split()),))


def listed(node: Any, frame: Frame) -> frozenset[str]:
    """List what must hold for `a[*]` inside an expression to have elements, where each is taken to have one.

    Names of locals and variables are followed to their expressions.
    """
    return frozenset(text for maybe in _splats(node, frame) for text in maybe)


def _splats(node: Any, frame: Frame) -> Iterator[frozenset[str]]:
    if isinstance(node, hcl.Splat):
        there = value(node.object, frame)
        if isinstance(there, ResourceValue):
            yield there.maybe
    parts = chain(node)
    if parts is not None and parts[1]:
        yield frame.module.listed(parts[0], parts[1][0])
        return
    test = truth(value(node.test, frame)) if isinstance(node, hcl.Conditional) else None
    left_out = () if test is None else (node.no if test else node.yes,)
    for part in node if isinstance(node, tuple) else ():
        if isinstance(part, tuple) and not any(part is other for other in left_out):
            yield from _splats(part, frame)
