"""ARNs to resource types, in the catalogue's words."""

from __future__ import annotations

import re
from functools import cache


@cache
def _formats(service: str) -> tuple[tuple[int, re.Pattern[str], str], ...]:
    from rolelint.catalog import catalog

    out = []
    for kind in catalog().types_of_service(service):
        for text in kind.formats:
            pattern = "".join(
                "[^:]*" if part.startswith("${") and i < 5 else ".+" if part.startswith("${") else re.escape(part)
                for i, part in _parts(text)
            )
            literal = len(re.sub(r"\$\{[^}]*\}", "", text))
            # Several services name the same ARN: the one whose ARN it is comes first.
            out.append((literal + 1000 * (kind.service == service), re.compile(pattern), kind.key))
    return tuple(sorted(out, key=lambda row: -row[0]))


def _parts(text: str) -> list[tuple[int, str]]:
    """Split a format into literals and `${...}` fields, each with the number of colons before it."""
    out = []
    colons = 0
    for part in re.split(r"(\$\{[^}]*\})", text):
        out.append((colons, part))
        colons += 0 if part.startswith("${") else part.count(":")
    return out


def type_of(arn: str) -> str:
    """Name the resource type of an ARN as `service:type`, or give an empty text."""
    fields = arn.split(":", 5)
    if len(fields) < 6:
        return ""
    return next((key for _, pattern, key in _formats(fields[2]) if pattern.fullmatch(arn)), "")
