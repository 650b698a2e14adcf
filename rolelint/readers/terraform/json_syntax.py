"""Terraform's JSON syntax (`*.tf.json`) as the same tree as HCL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rolelint.documents import hcl_nodes as hcl
from rolelint.documents.hcl import parse_template
from rolelint.documents.json_text import JsonFinder, parse_json

#: How many labels a block type has.
_LABELS = {
    "resource": 2,
    "data": 2,
    "module": 1,
    "variable": 1,
    "output": 1,
    "provider": 1,
    "locals": 0,
    "terraform": 0,
}


def parse_json_body(file: str, text: str, damaged: Callable[[str, int, int], object]) -> hcl.Body:
    """Parse a file in JSON syntax.

    Args:
        damaged: takes what stands where blocks should be and is none: what it is called, and its span.

    Raises:
        InputError: when it is not JSON.
    """
    parse_json(file, text)
    reader = _Reader(text, damaged)
    root = reader.finder.root
    blocks: list[hcl.Block] = []
    settings: dict[str, hcl.Setting] = {}
    for start, _ in reader.objects("the file", root, len(text)):
        for name, at, value, end in reader.finder.members(start):
            if name in _LABELS and not file.endswith(".tfvars.json"):
                reader.blocks(name, _LABELS[name], (), at, value, end, blocks)
            elif name != "//":
                settings[name] = hcl.Setting(name, reader.node(value, end, True), at, end)
    return hcl.Body(settings, tuple(blocks), root, len(text))


class _Reader:
    def __init__(self, text: str, damaged: Callable[[str, int, int], object]) -> None:
        self.text = text
        self.finder = JsonFinder(text)
        self.damaged = damaged

    def objects(self, what: str, start: int, end: int) -> list[tuple[int, int]]:
        """List the spans of the objects at a place: one, or a list of them."""
        if self.text.startswith("{", start):
            return [(start, end)]
        if self.text.startswith("[", start):
            return [found for begin, stop in self.finder.items(start) for found in self.objects(what, begin, stop)]
        # HashiCorp: hcl/json/structure.go, `unpackBlock`: null is no block.
        if not self.text.startswith("null", start):
            self.damaged(what, start, end)
        return []

    def blocks(
        self, kind: str, depth: int, labels: tuple[str, ...], at: int, start: int, end: int, out: list[hcl.Block]
    ) -> None:
        """Add the blocks under a type, going down as many objects as the type has labels."""
        listed = self.text.startswith("[", start)
        for begin, stop in self.objects(f"`{'.'.join((kind, *labels))}`", start, end):
            members = [member for member in self.finder.members(begin) if member[0] != "//"]
            if depth:
                for name, key_at, value, last in members:
                    self.blocks(kind, depth - 1, (*labels, name), key_at, value, last, out)
                continue
            literal = kind == "variable"
            settings = {
                name: hcl.Setting(name, self.node(value, last, literal), key_at, last)
                for name, key_at, value, last in members
            }
            body = hcl.Body(settings, (), begin, stop)
            out.append(hcl.Block(kind, labels, body, begin if listed else at, stop, begin))

    def node(self, start: int, end: int, literal: bool) -> Any:
        """Turn a JSON value into an expression; texts are templates unless `literal`."""
        first = self.text[start]
        if first == "{":
            return hcl.Object(
                tuple(
                    (hcl.Literal(name, at, value), self.node(value, stop, literal))
                    for name, at, value, stop in self.finder.members(start)
                    if name != "//"
                ),
                start,
                end,
            )
        if first == "[":
            return hcl.Items(tuple(self.node(a, b, literal) for a, b in self.finder.items(start)), start, end)
        value = json.loads(self.text[start:end])
        if isinstance(value, str) and not literal and ("${" in value or "%{" in value):
            node = parse_template(value, start + 1)
            return node._replace(start=start, end=end)
        return hcl.Literal(value, start, end)
