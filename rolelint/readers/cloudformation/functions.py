"""The intrinsic functions of CloudFormation, and those of its language extensions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rolelint.errors import Route
from rolelint.policies.text import OPEN, has_unknown, pieces_between, show, unknown, unknown_names
from rolelint.readers.cloudformation.template import ABSENT, MOST_VALUES, Open, joined, plain_text, referred

if TYPE_CHECKING:
    from rolelint.readers.cloudformation.values import Evaluator

#: Bounds the characters that `Fn::Sub` makes: inside one another, each may repeat what the one before made. No template
#: is longer. Past it, the text is unknown.
MOST_TEXT = 1_000_000

_SUB = re.compile(r"\$\{([^{}]*)\}")
#: What is in the names that CloudFormation makes, and the types of what it names so, and refers to by name.
_NAME = re.compile("[A-Za-z0-9-]")
_NAMED_BY_STACK = frozenset(("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"))


class _Pieces(list[str]):
    """The pieces of a text of which one is not known, and may be several: nobody knows how many they are."""


def _ref(evaluator: Evaluator, argument: Any) -> Any:
    if not isinstance(argument, str):
        argument = evaluator.evaluate(argument)
    return evaluator.reference(argument) if isinstance(argument, str) else unknown("Ref")


def _get_att(evaluator: Evaluator, argument: Any) -> Any:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    if not (isinstance(argument, list) and len(argument) >= 2):
        return unknown("Fn::GetAtt")
    parts = [
        evaluator.loop_text(str(part), evaluator.bindings) if isinstance(part, str) else evaluator.text(part)
        for part in argument
    ]
    name, attribute = parts[0], ".".join(parts[1:])
    resource = evaluator.template.resources.get(name)
    if resource is None:
        return unknown(f"{name}.{attribute}")
    return evaluator.of_resource(resource, attribute)


def _sub(evaluator: Evaluator, argument: Any) -> Any:
    values: Mapping[str, Any] = {}
    if isinstance(argument, list):
        if len(argument) == 2 and isinstance(argument[1], Mapping):
            values = argument[1]
        argument = argument[0] if argument else ""
    if not isinstance(argument, str):
        return unknown("Fn::Sub")

    made: dict[str, str] = {}

    def put(found: re.Match[str]) -> str:
        name = found.group(1)
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        name = name.strip()
        if name in values:
            if name not in made:
                made[name] = evaluator.text(values[name])
            return made[name]
        if "." in name and name not in evaluator.bindings:
            return joined(_get_att(evaluator, name))
        if ":" in name and not name.startswith("AWS::"):
            return found.group(0)
        value = evaluator.reference(name)
        return "" if value is ABSENT else joined(value)

    text = evaluator.plain(_SUB.sub(put, evaluator.plain(argument)))
    return text if len(text) <= MOST_TEXT else unknown("Fn::Sub")


def _join(evaluator: Evaluator, argument: Any) -> Any:
    if not (isinstance(argument, list) and len(argument) == 2):
        return unknown("Fn::Join")
    separator = evaluator.text(argument[0])
    items = evaluator.evaluate(argument[1])
    if isinstance(items, str):
        return items
    if not isinstance(items, list):
        return unknown("Fn::Join")
    return separator.join(joined(item) for item in items)


def _split(evaluator: Evaluator, argument: Any) -> Any:
    if not (isinstance(argument, list) and len(argument) == 2):
        return unknown("Fn::Split")
    separator, text = evaluator.text(argument[0]), evaluator.text(argument[1])
    label = unknown(f"Fn::Split {show(text)}")
    if not separator or has_unknown(separator):
        return label
    if _is_of_names(evaluator, text, separator):
        return text.split(separator)
    pieces = pieces_between(separator, text, label)
    if label not in pieces:
        return pieces
    return label if {*pieces} == {label} else _Pieces(pieces)


def _is_of_names(evaluator: Evaluator, text: str, separator: str) -> bool:
    """Tell whether no more of a text is unknown than names that CloudFormation makes, which hold no separator.

    It makes them of the name of the stack, the logical id and letters: words and hyphens.
    """
    resources = evaluator.template.resources
    types = {resources[name].type if name in resources else "" for name in unknown_names(text)}
    return bool(types) and types <= _NAMED_BY_STACK and not _NAME.search(separator)


def _select(evaluator: Evaluator, argument: Any) -> Any:
    if not (isinstance(argument, list) and len(argument) == 2):
        return unknown("Fn::Select")
    index, items = evaluator.evaluate(argument[0]), evaluator.evaluate(argument[1])
    position = plain_text(index)
    counted = isinstance(items, list) and not isinstance(items, _Pieces)
    if counted and position.isdecimal() and int(position) < len(items):
        return items[int(position)]
    split = argument[1].get("Fn::Split") if isinstance(argument[1], Mapping) else None
    if isinstance(split, list) and len(split) == 2 and position.isdecimal():
        return _select_split(evaluator, int(position), split)
    label = show(items) if isinstance(items, str) else "list"
    return unknown(f"Fn::Select {show(position)} of {label}")


def _select_split(evaluator: Evaluator, position: int, split: list[Any]) -> str:
    """Select from text with unknown parts, where the parts before the position are known."""
    separator, text = evaluator.text(split[0]), evaluator.text(split[1])
    head = text.split(OPEN, 1)[0]
    pieces = head.split(separator) if separator and not has_unknown(separator) else []
    if position < len(pieces) - 1:
        return pieces[position]
    return unknown(f"Fn::Select {position} of {show(text)}")


def choose(evaluator: Evaluator, argument: Any, route: Route, at: Route | None) -> Any:
    """Work out the branch of `Fn::If` that holds.

    Args:
        route: where the argument stands in the template. at: as of `Evaluator.evaluate`.

    Raises:
        Open: when the condition leaves open which branch it is, unless soft.
    """
    if not (isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str)):
        return unknown("Fn::If")
    try:
        branch = 1 if evaluator.holds(evaluator.loop_text(argument[0], evaluator.bindings)) else 2
    except Open:
        if evaluator.soft:
            return unknown(f"Fn::If {argument[0]}")
        raise
    if at is not None:
        evaluator.moves[at] = (*route, branch)
    return evaluator.evaluate(argument[branch], (*route, branch), at)


def _find_in_map(evaluator: Evaluator, argument: Any) -> Any:
    if not (isinstance(argument, list) and len(argument) in (3, 4)):
        return unknown("Fn::FindInMap")
    keys = [_key(evaluator, part) for part in argument[:3]]
    fallback = argument[3].get("DefaultValue") if len(argument) == 4 and isinstance(argument[3], Mapping) else None
    label = unknown(f"Fn::FindInMap {show('.'.join(keys))}")
    node: Any = evaluator.template.mappings
    for depth, key in enumerate(keys):
        if not isinstance(node, Mapping):
            return label
        if has_unknown(key):
            return _every_entry(evaluator, argument, node, depth, key, keys, label)
        if key not in node:
            found = next((name for name in node if plain_text(name) == key), None)
            if found is None:
                return label if fallback is None else evaluator.evaluate(fallback)
            key = found
        node = node[key]
    return evaluator.evaluate(node)


def _key(evaluator: Evaluator, part: Any) -> str:
    """Work out a key of a mapping; a stand-in for the stack's account or Region is no key."""
    name = referred(part)
    if name in ("AWS::Region", "AWS::AccountId") and evaluator.stated(name) is None:
        return unknown(name)
    return evaluator.text(part)


def _every_entry(
    evaluator: Evaluator,
    argument: list[Any],
    node: Mapping[Any, Any],
    depth: int,
    key: str,
    keys: list[str],
    label: str,
) -> Any:
    """Look up a key that is not known: the one value that all entries share, else ask which entry."""
    values = []
    for entry in node.values():
        for rest in keys[depth + 1 :]:
            entry = entry.get(rest) if isinstance(entry, Mapping) else None
        values.append(entry)
    if values and all(value == values[0] for value in values) and values[0] is not None:
        return evaluator.evaluate(values[0])
    name = referred(argument[depth])
    asks = name and evaluator.asks(name) and name not in evaluator.scenario
    if asks and not evaluator.soft and key == unknown(name) and len(node) <= MOST_VALUES:
        raise Open(name, tuple(plain_text(entry) for entry in node))
    return label


def _import(evaluator: Evaluator, argument: Any) -> Any:
    return unknown(f"Fn::ImportValue {show(evaluator.text(argument))}")


def _length(evaluator: Evaluator, argument: Any) -> Any:
    value = evaluator.evaluate(argument)
    counted = isinstance(value, list) and not isinstance(value, _Pieces)
    return len(value) if counted else unknown("Fn::Length")


def _json(evaluator: Evaluator, argument: Any) -> Any:
    value = evaluator.evaluate(argument)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _transform(evaluator: Evaluator, argument: Any) -> Any:
    name = argument.get("Name") if isinstance(argument, Mapping) else argument
    return unknown(f"Fn::Transform {name}" if isinstance(name, str) else "Fn::Transform")


#: What a call of each gives. `Fn::If`, which alone has a place of its own for what it gives, is `choose`; what is not
#: here cannot be worked out.
FUNCTIONS: Mapping[str, Callable[[Evaluator, Any], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import,
    "Fn::Length": _length,
    "Fn::ToJsonString": _json,
    "Fn::Transform": _transform,
}
