"""The tree of HCL: bodies and expressions that know their offsets (`start`, and `end`, exclusive, in characters)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class Literal(NamedTuple):
    """A number, a boolean, null, or a text without interpolation."""

    value: Any
    start: int
    end: int


class Template(NamedTuple):
    """A quoted text or heredoc with interpolations: texts and expressions in turn."""

    parts: tuple[Any, ...]
    start: int
    end: int


class Items(NamedTuple):
    """A list in brackets."""

    items: tuple[Any, ...]
    start: int
    end: int


class Object(NamedTuple):
    """An object in braces: pairs of key and value expressions; a bare key is a `Literal`."""

    pairs: tuple[tuple[Any, Any], ...]
    start: int
    end: int


class Name(NamedTuple):
    """The first word of a reference."""

    name: str
    start: int
    end: int


class Attribute(NamedTuple):
    """`object.name`."""

    object: Any
    name: str
    start: int
    end: int


class Index(NamedTuple):
    """`object[key]`."""

    object: Any
    key: Any
    start: int
    end: int


class Splat(NamedTuple):
    """`object[*].a.b` or `object.*.a`: the steps after the star are names or key expressions."""

    object: Any
    steps: tuple[Any, ...]
    start: int
    end: int


class Call(NamedTuple):
    """A function call; `expand` when the last argument ends in `...`."""

    name: str
    arguments: tuple[Any, ...]
    expand: bool
    start: int
    end: int


class Conditional(NamedTuple):
    """`test ? yes : no`."""

    test: Any
    yes: Any
    no: Any
    start: int
    end: int


class Binary(NamedTuple):
    """An operator between two expressions."""

    operator: str
    left: Any
    right: Any
    start: int
    end: int


class Unary(NamedTuple):
    """`!x` or `-x`."""

    operator: str
    operand: Any
    start: int
    end: int


class For(NamedTuple):
    """A `for` expression; `key` is None for lists; `group` when it ends in `...`."""

    names: tuple[str, ...]
    source: Any
    key: Any
    value: Any
    test: Any
    group: bool
    start: int
    end: int


class Opaque(NamedTuple):
    """Something that is not evaluated, for example template directives; `text` is the source."""

    text: str
    start: int
    end: int


class Setting(NamedTuple):
    """`name = expression` in a body."""

    name: str
    value: Any
    start: int
    end: int


class Body(NamedTuple):
    """The settings, by name, and the blocks of a block or file."""

    settings: dict[str, Setting]
    blocks: tuple[Block, ...]
    start: int
    end: int

    def of_type(self, name: str) -> Iterator[Block]:
        """List the blocks of one type."""
        return (b for b in self.blocks if b.type == name)


class Block(NamedTuple):
    """`type "label" ... { body }`; `head_end` is where the header ends."""

    type: str
    labels: tuple[str, ...]
    body: Body
    start: int
    end: int
    head_end: int
