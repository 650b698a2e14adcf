"""Whether data fits a JSON Schema, yes or no: many times faster than a list of what is wrong.

Each part of a schema becomes one function. The law: where there is a test, its answer is that of `jsonschema`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_Fits = Callable[[Any], bool]


def fit_test(schema: Mapping[str, Any]) -> Callable[[Any, Any], bool] | None:
    """Make the function that tells whether data fits a part of a schema.

    Args:
        schema: of draft 2020-12.

    Returns:
        None for a schema with a word that is not known here.
    """
    tests = _Tests(schema)
    try:
        tests.of(schema)
    except _NotKnownError:
        return None
    return lambda data, part: tests.of(part)(data)


class _NotKnownError(Exception):
    """A schema uses a word that has no test here."""


class _Tests:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._named = {f"#/$defs/{name}": part for name, part in schema.get("$defs", {}).items()}
        #: By the identity of a part, with the part, which keeps its identity from being given away.
        self._made: dict[int, tuple[Any, _Fits]] = {}

    def of(self, part: Any) -> _Fits:
        """Give the test of a part of the schema."""
        if isinstance(part, bool):
            return lambda _: part
        key = id(part)
        if key not in self._made:
            # A part that holds itself asks for what will be made.
            self._made[key] = part, lambda value: self._made[key][1](value)
            self._made[key] = part, self._all(part)
        return self._made[key][1]

    def named(self, reference: str) -> _Fits:
        """Give the test of what a reference names."""
        if reference not in self._named:
            raise _NotKnownError
        return self.of(self._named[reference])

    def _all(self, part: Mapping[str, Any]) -> _Fits:
        if not part.keys() <= _WORDS.keys() | _SILENT:
            raise _NotKnownError
        made = [_WORDS[word](self, wanted, part) for word, wanted in part.items() if word in _WORDS]
        return made[0] if len(made) == 1 else lambda value: all(fits(value) for fits in made)


_TYPES: Mapping[Any, _Fits] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "null": lambda value: value is None,
    "integer": lambda value: type(value) is int or (isinstance(value, float) and value.is_integer()),
}


def _type(_tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    if not isinstance(wanted, str) or wanted not in _TYPES:
        raise _NotKnownError
    return _TYPES[wanted]


def _enum(_tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    if any(type(value) not in (str, int) for value in wanted):
        raise _NotKnownError
    # `True` is 1 in Python, and not in JSON.
    return lambda value: not isinstance(value, bool) and value in wanted


def _required(_tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    names = frozenset(wanted)
    return lambda value: not isinstance(value, dict) or names <= value.keys()


def _properties(tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    known = [(name, tests.of(inner)) for name, inner in wanted.items()]
    return lambda value: not isinstance(value, dict) or all(fits(value[name]) for name, fits in known if name in value)


def _additional(tests: _Tests, wanted: Any, part: Any) -> _Fits:
    known, fits = part.get("properties", {}).keys(), tests.of(wanted)
    return lambda value: not isinstance(value, dict) or all(fits(value[name]) for name in value.keys() - known)


def _names(tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    fits = tests.of(wanted)
    return lambda value: not isinstance(value, dict) or all(map(fits, value))


def _items(tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    fits = tests.of(wanted)
    if fits is _TYPES["string"]:  # long lists of names are most of a report
        return lambda value: not isinstance(value, list) or set(map(type, value)) <= {str}
    return lambda value: not isinstance(value, list) or all(map(fits, value))


def _min_items(_tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    return lambda value: not isinstance(value, list) or len(value) >= wanted


def _minimum(_tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    return lambda value: isinstance(value, bool) or not isinstance(value, int | float) or value >= wanted


def _pattern(_tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    search = re.compile(wanted).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _any_of(tests: _Tests, wanted: Any, _part: Any) -> _Fits:
    choices = [tests.of(inner) for inner in wanted]
    return lambda value: any(fits(value) for fits in choices)


def _if(tests: _Tests, wanted: Any, part: Any) -> _Fits:
    asked, then = tests.of(wanted), tests.of(part.get("then", True))
    return lambda value: not asked(value) or then(value)


#: What each word of a schema asks for.
_WORDS: Mapping[str, Callable[[_Tests, Any, Any], _Fits]] = {
    "$ref": lambda tests, wanted, _part: tests.named(wanted),
    "type": _type,
    "enum": _enum,
    "const": lambda tests, wanted, part: _enum(tests, [wanted], part),
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "items": _items,
    "minItems": _min_items,
    "minimum": _minimum,
    "pattern": _pattern,
    "anyOf": _any_of,
    "if": _if,
}
#: Words that ask for nothing by themselves.
_SILENT = frozenset(("$schema", "$id", "$defs", "title", "description", "examples", "then"))
