"""Apply a variable's type: attributes that are left out get their default, numbers and texts are converted."""

from __future__ import annotations

from typing import Any

from rolelint.documents import hcl_nodes as hcl
from rolelint.readers.terraform.evaluate import Frame, ResourceValue, value
from rolelint.readers.terraform.functions import FUNCTIONS, Loose, UndecidedError, is_unknown, text_of
from rolelint.readers.terraform.world import MAYBE

#: Bounds the nesting of a type; what lies deeper is taken as it is.
MAX_DEPTH = 30


def conform(given: Any, kind: Any, frame: Frame, depth: int = 0) -> Any:
    """Convert a value to a type constraint as far as the two fit; what does not fit is left as it is.

    Args:
        kind: the expression after `type =`, or None.
    """
    if kind is None or depth > MAX_DEPTH or is_unknown(given) or isinstance(given, ResourceValue):
        return given
    if isinstance(kind, hcl.Name):
        return _primitive(given, kind.name)
    if not isinstance(kind, hcl.Call) or not kind.arguments or given is None:
        return given
    inner = kind.arguments[0]
    if kind.name == "object" and isinstance(inner, hcl.Object) and isinstance(given, dict):
        return _object(given, inner, frame, depth)
    if kind.name == "map" and isinstance(given, dict):
        return {k: conform(v, inner, frame, depth + 1) for k, v in given.items()}
    if kind.name in ("list", "set") and isinstance(given, list):
        items = [conform(v, inner, frame, depth + 1) for v in given]
        made = FUNCTIONS["toset"](items) if kind.name == "set" else items
        return Loose(made) if isinstance(given, Loose) else made
    if kind.name == "tuple" and isinstance(inner, hcl.Items) and isinstance(given, list):
        return [
            conform(v, inner.items[i] if i < len(inner.items) else None, frame, depth + 1) for i, v in enumerate(given)
        ]
    return given


def _primitive(given: Any, name: str) -> Any:
    try:
        if name == "string" and isinstance(given, bool | int | float):
            return text_of(given)
        if name == "bool" and given in ("true", "false"):
            return given == "true"
        if name == "number" and isinstance(given, str) and given.lstrip("-").isdigit():
            return int(given)
    except UndecidedError:
        return given
    return given


def _object(given: dict[str, Any], kind: hcl.Object, frame: Frame, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {MAYBE: given[MAYBE]} if MAYBE in given else {}
    for key, part in kind.pairs:
        if not isinstance(key, hcl.Literal):
            continue
        name = str(key.value)
        default: Any = None
        if isinstance(part, hcl.Call) and part.name == "optional" and part.arguments:
            inner = part.arguments[0]
            if len(part.arguments) > 1:
                default = conform(value(part.arguments[1], frame), inner, frame, depth + 1)
        else:
            inner = part
        found = given.get(name)
        out[name] = default if found is None else conform(found, inner, frame, depth + 1)
    return out
