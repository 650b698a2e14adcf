"""Several policies in one document: a list of them, or an object that maps names to them, notes beside."""

from __future__ import annotations

from typing import Any

from rolelint.documents import Document
from rolelint.policies.parse import looks_like_policy
from rolelint.policies.role import Reading
from rolelint.readers import ReadContext
from rolelint.readers.parts import stem
from rolelint.readers.policy import add_policy

_TEXTS = ("PolicyDocument", "Document", "policy", "document")
_NAMES = ("PolicyName", "Name", "name", "Id")


def recognise(document: Document) -> bool:
    """Tell whether every item is a policy, or an object that names and holds one; single values beside are notes."""
    items = [item for _, item in _items(document.data)]
    return bool(items) and all(_held(item) is not None for item in items)


def _items(data: Any) -> list[tuple[str | int, Any]]:
    if isinstance(data, list):
        return list(enumerate(data))
    return [(key, value) for key, value in data.items() if isinstance(value, dict | list)]


def read(document: Document, context: ReadContext) -> Reading:
    """Read each policy by itself."""
    reading = Reading()
    for step, item in _items(document.data):
        held = _held(item)
        assert held is not None
        name = f"{stem(document.file)}-{step + 1}" if isinstance(step, int) else step
        name = next((item[key] for key in _NAMES if isinstance(item.get(key), str)), name)
        text = item[held] if held else item
        add_policy(reading, name, text, document.at((step, held) if held else (step,)), context)
    return reading


def _held(item: Any) -> str | None:
    """Give the key under which an item holds a policy, empty when it is one, None when there is none."""
    if not isinstance(item, dict):
        return None
    if looks_like_policy(item):
        return ""
    return next((key for key in _TEXTS if looks_like_policy(item.get(key))), None)
