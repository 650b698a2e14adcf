"""The user's own configuration of parliament: severities, texts, and locations to ignore."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rolelint.documents import Document, parse
from rolelint.errors import Location, UsageError, nearest, printable, reason_of

#: parliament's severities in our words; what is muted is not reported.
SEVERITIES: Mapping[str, str] = {
    "CRITICAL": "critical",
    "HIGH": "high",
    "MEDIUM": "medium",
    "LOW": "low",
    "INFO": "info",
    "MUTE": "",
}
#: What the configuration must say of an issue that is described nowhere else.
_DESCRIPTION = frozenset(("severity", "title"))
_EXAMPLE = "for example `RESOURCE_STAR: {severity: MUTE}`"


def read_config(path: str, known: Collection[str]) -> dict[str, dict[str, Any]]:
    """Read an overriding configuration, by issue.

    Args:
        known: the issues that are described elsewhere.

    Raises:
        InputError, UsageError: for a file that parliament would stumble over, or of which a part would mean nothing,
            with the place.
    """
    if not path:
        return {}
    try:
        with open(path, "rb") as stream:
            documents = parse(path, stream.read())
    except OSError as error:
        raise UsageError(f"cannot read `{printable(path)}`: {reason_of(error)}") from error
    data = documents[0].data if len(documents) == 1 else None
    if not isinstance(data, dict) or not all(isinstance(value, dict) for value in data.values()):
        message = "a parliament configuration maps each issue to its settings"
        raise UsageError(message, location=Location(path), hint=_EXAMPLE)
    for key, value in data.items():
        _check(str(key), value, documents[0])
        if key not in known and not value.keys() >= _DESCRIPTION:
            place = documents[0].locate((str(key),))
            hint = nearest(str(key).upper(), known) or "an issue of an auditor of yours needs a title and a severity"
            raise UsageError(f"parliament has no issue `{printable(str(key))}`", location=place, hint=hint)
    return {str(key): value for key, value in data.items()}


def _check(key: str, value: Mapping[str, Any], document: Document) -> None:
    severity = value.get("severity", "LOW")
    if not isinstance(severity, str) or severity not in SEVERITIES:
        message = f"unknown severity `{printable(str(severity))}` of `{printable(key)}`"
        place = document.locate((key, "severity"))
        raise UsageError(message, location=place, hint=f"it is one of {', '.join(SEVERITIES)}")
    ignored = document.locate((key, "ignore_locations"))
    for entry in _list(value.get("ignore_locations")):
        if not isinstance(entry, dict):
            message = f"`ignore_locations` of `{printable(key)}` must be a list of mappings"
            raise UsageError(message, location=ignored, hint="for example `- filepath: test.json`")
        for pattern in (text for texts in entry.values() for text in _list(texts)):
            try:
                re.compile(str(pattern).lower())
            except re.error as error:
                message = f"`{printable(str(pattern))}` is not a regular expression: {error}"
                raise UsageError(message, location=ignored) from error


def is_ignored(entries: Any, facts: Mapping[str, Iterable[str]]) -> bool:
    """Tell whether one of some `ignore_locations` matches in all it names, as parliament documents them.

    parliament 1.6.4 itself ignores nothing: it takes the patterns of the file for empty lists.

    Args:
        facts: what is known of the finding's location, by the words of the configuration.
    """
    return any(
        all(
            any(
                re.fullmatch(str(p).lower(), str(t).lower())
                for p in _list(patterns)
                for t in facts.get(str(word), ("",))
            )
            for word, patterns in entry.items()
        )
        for entry in _list(entries)
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
