"""Reads rule files: YAML, checked against `rules/schema.json`, every error with file, line and column."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from rolelint.errors import InputError, Location, Route, show_route


@cache
def schema() -> dict[str, Any]:
    """Load the schema of rule files."""
    from rolelint.rulebook.load import rules_folder

    data: dict[str, Any] = json.loads((Path(rules_folder()) / "schema.json").read_text("utf-8"))
    return data


def read_rule(path: Path, *, check: bool = True) -> dict[str, Any]:
    """Read one rule file.

    Args:
        check: compare it with the schema and with the catalogue; shipped rules have been checked by their tests.

    Raises:
        InputError: for the first error in the file, with its place.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = path.read_text("utf-8")
        data = yaml.load(text, loader)
    except UnicodeDecodeError as error:
        raise InputError("the rule file is not UTF-8", location=Location(str(path))) from error
    except OSError as error:
        raise InputError(f"the rule file may not be read: {error.strerror}", location=Location(str(path))) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = str(getattr(error, "problem", "") or "the file is not YAML").strip()
        raise InputError(
            f"the rule is not valid YAML: {problem}", location=Location(str(path), line, column)
        ) from error
    if not check:
        return data  # type: ignore[no-any-return]
    if not isinstance(data, dict):
        raise InputError("a rule file must hold one rule", location=Location(str(path), 1, 1))
    _check_shape(data, path, text)
    _check_meaning(data, path, text)
    return data


def _fail(message: str, path: Path, text: str, route: Route, hint: str = "") -> InputError:
    line, column = _find(text, route)
    return InputError(message, location=Location(str(path), line, column, route=show_route(route)), hint=hint)


def _find(text: str, route: Route) -> tuple[int, int]:
    """Find the line and column of a route in YAML text."""
    import yaml

    node: Any = yaml.compose(text, yaml.SafeLoader)
    mark = node.start_mark
    for step in route:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if found is None:
                break
            mark, node = found[0].start_mark, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            mark = node.start_mark
        else:
            break
    return mark.line + 1, mark.column + 1


def _check_shape(data: dict[str, Any], path: Path, text: str) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    errors = list(Draft202012Validator(schema()).iter_errors(data))
    # A value that does not fit makes its key look unknown too; the value is the mistake.
    plain = [e for e in errors if e.validator != "unevaluatedProperties"]
    error = best_match(iter(plain or errors))
    if error is None:
        return
    route: Route = tuple(error.absolute_path)
    where = f"`{show_route(route)}`" if route else "the rule"
    if error.validator == "required":
        missing = next((n for n in error.validator_value if n not in error.instance), "a key")
        message, hint = f"{where} lacks `{missing}`", ""
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = _known_keys(error.schema)
        extra = next((name for name in error.instance if name not in known), "")
        route = (*route, extra)
        message, hint = f"unknown key `{extra}` in {where}", _did_you_mean(str(extra), known)
    elif error.validator == "enum":
        message = f"{where} must be one of {', '.join(map(str, error.validator_value))}, not `{error.instance}`"
        hint = ""
    else:
        message, hint = f"{where} does not fit: {_first_line(error.message)}", "see `rules/schema.json`"
    raise _fail(message, path, text, route, hint)


def _known_keys(part: dict[str, Any]) -> list[str]:
    """List the keys that a part of the schema knows, its `allOf` and references included."""
    keys = list(part.get("properties", {}))
    for inner in part.get("allOf", ()):
        keys += _known_keys(inner)
    name = part.get("$ref", "").rpartition("/")[2]
    return keys + (_known_keys(schema()["$defs"][name]) if name else [])


def _first_line(text: str) -> str:
    line = text.splitlines()[0]
    return line if len(line) <= 160 else f"{line[:157]}..."


def _did_you_mean(name: str, known: Any) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean `{close[0]}`?" if close else ""


def _check_meaning(data: dict[str, Any], path: Path, text: str) -> None:
    """Check what a schema cannot: that patterns name actions, and that examples show the rule both ways."""
    from rolelint.catalog import catalog
    from rolelint.rulebook.vocabulary import compile_lower, compile_when

    for route, pattern in _action_patterns(data):
        if not catalog().expand(pattern):
            hint = "see `rolelint catalog find`"
            raise _fail(f"`{pattern}` matches no action of the catalogue", path, text, route, hint)
    question = compile_when(data["when"])
    for entry in data.get("lower", ()):
        compile_lower(entry)
    if question.selectors and not question.interest:
        raise _fail("the condition selects no action", path, text, ("when",))
    for index, example in enumerate(data["examples"]):
        if ("policy" in example) is ("role" in example):
            raise _fail("an example has either `policy` or `role`", path, text, ("examples", index))
    if not any(data["id"] in example["flags"] for example in data["examples"]):
        raise _fail("no example flags the rule itself", path, text, ("examples",))
    if all(data["id"] in example["flags"] for example in data["examples"]):
        raise _fail("no example leaves the rule silent", path, text, ("examples",))


_ACTION_LISTS = ("actions", "except-actions", "prefer")


def _action_patterns(data: dict[str, Any]) -> list[tuple[Route, str]]:
    """List every action pattern of a rule's conditions with its place."""
    out: list[tuple[Route, str]] = []

    def walk(value: Any, route: Route) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                here = (*route, key)
                if key in _ACTION_LISTS and isinstance(inner, list):
                    out.extend(((*here, i), pattern) for i, pattern in enumerate(inner))
                elif key == "of" and isinstance(inner, dict):
                    for name, patterns in inner.items():
                        out.extend(((*here, name, i), pattern) for i, pattern in enumerate(patterns))
                else:
                    walk(inner, here)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, (*route, index))

    walk(data["when"], ("when",))
    walk(data.get("lower", []), ("lower",))
    return out
