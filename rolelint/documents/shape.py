"""Documents against a JSON Schema: mistakes in words, with their places and the next step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rolelint.documents import Document
from rolelint.errors import Problem, Route, nearest, printable, show_route

_MAX_QUOTED = 160


def misfits(document: Document, schema: Mapping[str, Any]) -> list[Problem]:
    """List what does not fit a schema, by line; what is missing last, because a misspelt key is told before it.

    Args:
        schema: of draft 2020-12, its references within itself.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    def items(validator: Any, wanted: Any, values: Any, part: Any) -> Any:
        # Long lists of names are most of a report, and each would be asked about by itself.
        if wanted != {"type": "string"} or not isinstance(values, list) or set(map(type, values)) - {str}:
            yield from Draft202012Validator.VALIDATORS["items"](validator, wanted, values, part)

    try:
        made: Any = extend(Draft202012Validator, {"items": items})  # type: ignore[no-untyped-call]
        errors = list(made(schema).iter_errors(document.data))
        # A value that does not fit makes its key look unknown too; the value is the mistake.
        plain = [error for error in errors if error.validator != "unevaluatedProperties"]
        found = [(_told(error, document, schema), error) for error in plain or errors]
    except RecursionError:
        return [Problem("this is nested too deeply", document.locate(()))]
    found.sort(key=lambda pair: (pair[1].validator == "required", pair[0].location.line))
    return [problem for problem, _ in found]


def _told(error: Any, document: Document, schema: Mapping[str, Any]) -> Problem:
    if error.context:
        from jsonschema.exceptions import best_match

        inner = best_match([error])
        error = error if inner is None else inner
    route: Route = tuple(error.absolute_path)
    where = f"`{printable(show_route(route))}`" if route else "the document"
    hint = ""
    if error.validator == "required":
        missing = next(
            (n for n in error.validator_value if n not in error.instance and error.message.startswith(repr(n))), "a key"
        )
        message = f"{where} lacks `{missing}`"
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = _known_keys(error.schema, schema)
        extra = next((name for name in error.instance if name not in known), "")
        route = (*route, extra)
        message, hint = f"unknown key `{printable(str(extra))}` in {where}", nearest(str(extra), known)
    elif error.validator in ("enum", "const"):
        wanted = error.validator_value if error.validator == "enum" else [error.validator_value]
        message = f"{where} must be one of {', '.join(map(str, wanted))}, not `{_short(error.instance)}`"
        hint = nearest(str(error.instance), [str(value) for value in wanted])
    elif error.validator == "type":
        wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        message = f"{where} must be of type {' or '.join(wanted)}, not `{_short(error.instance)}`"
        if "string" in wanted and isinstance(error.instance, bool | int | float):
            hint = "put it in quotes"
    else:
        message = f"{where} does not fit: {_short(error.message)}"
    return Problem(message, document.locate(route), hint)


def _known_keys(part: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """List the keys that a part of a schema knows, its `allOf` and references included."""
    keys = list(part.get("properties", {}))
    for inner in part.get("allOf", ()):
        keys += _known_keys(inner, schema)
    name = part.get("$ref", "").rpartition("/")[2]
    return keys + (_known_keys(schema["$defs"][name], schema) if name else [])


def _short(value: object) -> str:
    # Words of JSON and YAML, not of Python.
    text = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    text = printable(" ".join(text.split()))
    return text if len(text) <= _MAX_QUOTED else f"{text[: _MAX_QUOTED - 3]}..."
