"""JSON text into which unknown values were spliced by a template."""

from __future__ import annotations

import json
import re
from typing import Any

from rolelint.policies import json_text
from rolelint.policies.json_text import PolicyTextError
from rolelint.policies.text import CLOSE, OPEN

#: A string with its escapes, or a marker of an unknown value, whichever comes first.
_MARK = re.compile(f'(")|({OPEN}[^{OPEN}{CLOSE}]*{CLOSE})|(\\\\.)', re.DOTALL)


def loads(text: str) -> Any:
    """Parse JSON text; an unknown value inside a string is part of it, one outside is a string by itself.

    Raises:
        PolicyTextError: when the text is no JSON.
    """
    try:
        return json_text.loads(text)
    except PolicyTextError as error:
        if OPEN not in text or error.is_json:
            raise
        return json_text.loads(_repaired(text))


def _repaired(text: str) -> str:
    inside = False

    def replace(match: re.Match[str]) -> str:
        nonlocal inside
        quote, marker, escape = match.groups()
        if quote:
            inside = not inside
            return quote
        if escape:
            return escape
        # A name that came through `jsonencode` is escaped already.
        name = json.dumps(marker.replace('\\"', '"').replace("\\\\", "\\"), ensure_ascii=False)
        return name[1:-1] if inside else name

    return _MARK.sub(replace, text)
