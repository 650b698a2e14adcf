"""Answers of boto3 as plain JSON data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any


def plain(value: Any) -> Any:
    """Turn dates into text and leave the transport's own fields out."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value


def document(text: Any) -> Any:
    """Read a policy that AWS gives as text; what is no JSON stays as it is, to be judged as that."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return text


def when(moment: datetime) -> str:
    """Write a time as IAM does: `2026-11-22T19:00:00+00:00`."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def tag_map(tags: Any, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Read a list of tags."""
    return {str(tag[key]): str(tag.get(value, "")) for tag in tags or () if isinstance(tag, dict) and key in tag}
