"""Reads rule files: YAML, checked against `rules/schema.json`, every error with file, line and column."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from rolelint.documents import Document, parse
from rolelint.documents.shape import misfits
from rolelint.errors import InputError, Location, Route, reason_of
from rolelint.rulebook.model import FIELDS


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
    name = str(path)
    try:
        documents = parse(name, path.read_bytes())
    except OSError as error:
        raise InputError(f"the rule file may not be read: {reason_of(error)}", location=Location(name)) from error
    if len(documents) != 1 or not isinstance(documents[0].data, dict):
        raise InputError("a rule file must hold one rule", location=Location(name, 1, 1))
    document = documents[0]
    data: dict[str, Any] = document.data
    if check:
        wrong = misfits(document, schema())
        if wrong:
            raise InputError(wrong[0].message, location=wrong[0].location, hint=wrong[0].hint)
        _check_meaning(document)
    return data


def _check_meaning(document: Document) -> None:
    """Check what a schema cannot: that patterns name actions, and that examples show the rule both ways."""
    from rolelint.catalog import catalog
    from rolelint.rulebook.vocabulary import compile_lower, compile_when

    def fail(message: str, route: Route, hint: str = "") -> InputError:
        return InputError(message, location=document.locate(route), hint=hint)

    data = document.data
    for route, pattern in _action_patterns(data):
        if not catalog().expand(pattern):
            raise fail(f"`{pattern}` matches no action of the catalogue", route, "see `rolelint catalog find`")
    _check_message(data["message"], fail)
    question = compile_when(data["when"])
    for entry in data.get("lower", ()):
        compile_lower(entry)
    if question.selectors and not question.interest:
        raise fail("the condition selects no action", ("when",))
    for index, example in enumerate(data["examples"]):
        if ("policy" in example) is ("role" in example):
            raise fail("an example has either `policy` or `role`", ("examples", index))
    adapt = data["fix"].get("adapt")
    written = data["fix"].get("statement", [])
    models = written if isinstance(written, list) else [written]
    if adapt and not (models and all(isinstance(m, dict) and {"Effect", "Action"} <= m.keys() for m in models)):
        raise fail("what `adapt` writes anew is missing: a `statement` with Effect and Action", ("fix",))
    if adapt == "deny" and all(m["Effect"] != "Deny" for m in models):
        raise fail("`adapt: deny` needs a `statement` that denies", ("fix", "statement"))
    if not any(data["id"] in example["flags"] for example in data["examples"]):
        raise fail("no example flags the rule itself", ("examples",))
    if all(data["id"] in example["flags"] for example in data["examples"]):
        raise fail("no example leaves the rule silent", ("examples",))


def _check_message(message: str, fail: Callable[..., InputError]) -> None:
    """Refuse fields that no rule has: they would be left empty."""
    import difflib
    from string import Formatter

    try:
        names = [name for _, name, _, _ in Formatter().parse(message) if name is not None]
    except ValueError as error:
        raise fail(f"`message`: {str(error).lower()}", ("message",), "write {{ and }} for braces") from error
    for name in names:
        if name not in FIELDS:
            close = difflib.get_close_matches(name, FIELDS, 1)
            hint = f"did you mean `{{{close[0]}}}`?" if close else f"there are {', '.join(FIELDS)}"
            raise fail(f"unknown field `{{{name}}}` in `message`", ("message",), hint)


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
