"""Work out the bodies of blocks: settings, nested blocks, and what `dynamic` makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rolelint.documents import hcl_nodes as hcl
from rolelint.policies.text import unknown
from rolelint.readers.terraform.evaluate import Frame, may_lack, reached, value
from rolelint.readers.terraform.functions import Block, Loose, entries, is_unknown
from rolelint.readers.terraform.presence import listed
from rolelint.readers.terraform.world import MAYBE


def nested_blocks(body: hcl.Body, wanted: str, frame: Frame) -> list[Any] | None:
    """Evaluate the blocks of one type in a body; None when there are none."""
    found: list[Any] = []
    seen = False
    for block in body.blocks:
        if block.type == wanted:
            seen = True
            found.append(Block(body_values(block.body, frame, wanted)))
        elif block.type == "dynamic" and block.labels[:1] == (wanted,):
            seen = True
            found.extend(_dynamic(block, wanted, frame))
    return found if seen else None


def _dynamic(block: hcl.Block, wanted: str, frame: Frame) -> Iterator[Any]:
    content = next(block.body.of_type("content"), None)
    setting = block.body.settings.get("for_each")
    if content is None or setting is None:
        return
    named = block.body.settings.get("iterator")
    name = named.value.name if named is not None and isinstance(named.value, hcl.Name) else wanted
    source = value(setting.value, frame)
    pairs: list[tuple[Any, Any]]
    if isinstance(source, dict):
        pairs = sorted(entries(source).items())
    elif isinstance(source, list):
        pairs = [(item if isinstance(item, str) else i, item) for i, item in enumerate(source)]
    else:
        # Whether there is such a block at all is not known: it is taken as one that may be there.
        text, where = frame.module.describe(setting.value, frame.file)
        label = f"{frame.module.prefix()}{text} at {where}"
        inner = frame.bind(**{name: {"key": unknown(f"{label} key"), "value": unknown(f"{label} value")}})
        yield Block(body_values(content.body, inner, wanted), **{MAYBE: unknown(label)})
        return
    doubt = listed(setting.value, frame) - frame.maybe
    mark = {MAYBE: unknown(" and ".join(sorted(doubt)))} if doubt else {}
    if isinstance(source, dict) and MAYBE in source:
        mark = {MAYBE: source[MAYBE]}
    for key, item in pairs:
        made = Block(body_values(content.body, frame.bind(**{name: {"key": key, "value": item}}), wanted), **mark)
        if not mark and isinstance(source, Loose) and (is_unknown(item) or may_lack(item)):
            text, where = frame.module.describe(setting.value, frame.file)
            made[MAYBE] = unknown(f"{frame.module.prefix()}{text} at {where}")
        yield made


def body_values(body: hcl.Body, frame: Frame, kind: str = "") -> dict[str, Any]:
    """Evaluate every setting and nested block of a body.

    Args:
        kind: the type of the block that the body is of; empty for others than nested ones.
    """
    patterns = ("actions", "resources") if kind == "statement" else ()
    out: dict[str, Any] = {
        name: (reached if name in patterns else value)(setting.value, frame) for name, setting in body.settings.items()
    }
    for block in body.blocks:
        name = block.labels[0] if block.type == "dynamic" and block.labels else block.type
        if name not in out and name not in ("lifecycle", "provisioner", "connection", "timeouts"):
            out[name] = nested_blocks(body, name, frame)
    return out
