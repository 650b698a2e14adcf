"""Terraform's JSON syntax (`*.tf.json`) as the same tree as HCL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from rolelint.documents import hcl_nodes as hcl
from rolelint.documents.hcl import parse_template
from rolelint.documents.json_text import JsonFinder, parse_json

#: Begins `dynamic` blocks, and no text or tag of that name.
_DYNAMIC = re.compile(r'"dynamic"\s*:\s*[\[{]')

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
            if kind in ("resource", "data"):
                body = self.body(begin, stop)
            else:
                literal = kind == "variable"
                settings = {n: hcl.Setting(n, self.node(v, e, literal), key_at, e) for n, key_at, v, e in members}
                body = hcl.Body(settings, (), begin, stop)
            out.append(hcl.Block(kind, labels, body, begin if listed else at, stop, begin))

    def body(self, start: int, end: int) -> hcl.Body:
        """Read the body of a block: what has `dynamic` blocks in it or beside it is a block, the rest a setting."""
        members = [member for member in self.finder.members(start) if member[0] != "//"]
        blocks: list[hcl.Block] = []
        for name, _, value, last in members:
            if name == "dynamic":
                blocks += self.dynamic(value, last)
        made = {block.labels[0] for block in blocks}
        settings: dict[str, hcl.Setting] = {}
        for name, at, value, last in members:
            if name in made or (name != "dynamic" and _DYNAMIC.search(self.text, value, last)):
                inner = self.objects(f"`{name}`", value, last)
                blocks += [hcl.Block(name, (), self.body(a, b), at, b, a) for a, b in inner]
            elif name != "dynamic":
                settings[name] = hcl.Setting(name, self.node(value, last, False), at, last)
        return hcl.Body(settings, tuple(blocks), start, end)

    def dynamic(self, start: int, end: int) -> Iterator[hcl.Block]:
        """Read `dynamic` blocks by the type of what they make."""
        for outer, _ in self.objects("`dynamic`", start, end):
            for kind, at, value, last in self.finder.members(outer):
                for begin, stop in self.objects(f"`dynamic.{kind}`", value, last):
                    settings: dict[str, hcl.Setting] = {}
                    content: list[hcl.Block] = []
                    for name, key_at, a, b in self.finder.members(begin):
                        if name == "content":
                            inner = self.objects("`content`", a, b)
                            content += [hcl.Block(name, (), self.body(c, d), key_at, d, c) for c, d in inner]
                        elif name == "iterator":
                            settings[name] = hcl.Setting(name, hcl.Name(self.text[a + 1 : b - 1], a, b), key_at, b)
                        else:
                            settings[name] = hcl.Setting(name, self.node(a, b, False), key_at, b)
                    yield hcl.Block(
                        "dynamic", (kind,), hcl.Body(settings, tuple(content), begin, stop), at, stop, begin
                    )

    def node(self, start: int, end: int, literal: bool) -> Any:
        """Turn a JSON value into an expression; texts are templates unless `literal`."""
        first = self.text[start]
        if first == "{":
            return hcl.Object(
                tuple(
                    (self.text_node(name, at, value, literal), self.node(value, stop, literal))
                    for name, at, value, stop in self.finder.members(start)
                    if name != "//"
                ),
                start,
                end,
            )
        if first == "[":
            return hcl.Items(tuple(self.node(a, b, literal) for a, b in self.finder.items(start)), start, end)
        value = json.loads(self.text[start:end])
        return self.text_node(value, start, end, literal or not isinstance(value, str))

    def text_node(self, value: Any, start: int, end: int, literal: bool) -> Any:
        """Turn a text, or a name of an object, into an expression."""
        if not literal and ("${" in value or "%{" in value):
            return parse_template(value, start + 1)._replace(start=start, end=end)
        return hcl.Literal(value, start, end)
