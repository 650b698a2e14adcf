"""Terraform's JSON syntax (`*.tf.json`) as the same tree as HCL."""

from __future__ import annotations

import json
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


def parse_json_body(file: str, text: str) -> hcl.Body:
    """Parse a file in JSON syntax.

    Raises:
        InputError: when it is not JSON.
    """
    parse_json(file, text)
    reader = _Reader(text)
    root = reader.finder.root
    if text[root : root + 1] != "{":
        return hcl.Body({}, (), 0, 0)
    blocks: list[hcl.Block] = []
    settings: dict[str, hcl.Setting] = {}
    for name, at, value, end in reader.finder.members(root):
        if name in _LABELS and not file.endswith(".tfvars.json"):
            reader.blocks(name, _LABELS[name], (), at, value, end, blocks)
        elif name != "//":
            settings[name] = hcl.Setting(name, reader.node(value, end, True), at, end)
    return hcl.Body(settings, tuple(blocks), root, len(text))


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.finder = JsonFinder(text)

    def blocks(
        self, kind: str, depth: int, labels: tuple[str, ...], at: int, start: int, end: int, out: list[hcl.Block]
    ) -> None:
        """Add the blocks under a type, going down as many objects as the type has labels."""
        if self.text[start] == "[":
            for begin, stop in self.finder.items(start):
                self.blocks(kind, depth, labels, begin, begin, stop, out)
        elif self.text[start] == "{" and depth:
            for name, key_at, value, stop in self.finder.members(start):
                if name != "//":
                    self.blocks(kind, depth - 1, (*labels, name), key_at, value, stop, out)
        elif self.text[start] == "{":
            literal = kind == "variable"
            settings = {
                name: hcl.Setting(name, self.node(value, stop, literal), key_at, stop)
                for name, key_at, value, stop in self.finder.members(start)
                if name != "//"
            }
            out.append(hcl.Block(kind, labels, hcl.Body(settings, (), start, end), at, end, start))

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
