"""Policies and files, as the tests of commands write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WIDE = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """Make a policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def write(folder: Path, name: str, data: Any) -> str:
    """Write data as JSON into a file of a folder, which is made, and give its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), "utf-8")
    return str(path)
