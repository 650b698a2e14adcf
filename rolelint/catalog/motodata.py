"""Reads the AWS managed policies that moto's package carries (Apache-2.0)."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from rolelint.errors import InputError, Location

MODULE = "moto/iam/aws_managed_policies.py"


def read(path: Path) -> tuple[dict[str, tuple[str, dict[str, Any]]], dict[str, Any]]:
    """Read a wheel of moto, or a folder that holds the package.

    Returns:
        Name to path and document, and a header that names source, version and the newest policy's date.

    Raises:
        InputError: the module is missing or is not what moto ships.
    """
    import json

    text, version = _text(path)
    try:
        tree = ast.parse(text)
        literal = next(
            node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
        rows = json.loads(literal)
        documents = {name: (row["Path"], row["Document"]) for name, row in rows.items()}
        newest = max(row.get("UpdateDate", row["CreateDate"]) for row in rows.values())
    except (SyntaxError, StopIteration, ValueError, KeyError, TypeError, AttributeError) as error:
        what = str(error).splitlines()[0] if str(error) else "no policies"
        raise InputError(f"not moto's managed policies: {what}", location=Location(str(path))) from error
    header = {"source": "PyPI:moto", "version": version, "date": newest[:10], "license": "Apache-2.0"}
    return documents, header


def _text(path: Path) -> tuple[str, str]:
    import zipfile

    try:
        if path.is_dir():
            version = next((p.name.split("-")[1] for p in path.glob("moto-*.dist-info")), "")
            return (path / MODULE).read_text(encoding="utf-8"), version.removesuffix(".dist")
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(MODULE).decode(), path.name.split("-")[1] if "-" in path.name else ""
    except (OSError, KeyError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise InputError(f"cannot read moto's managed policies: {error}", location=Location(str(path))) from error
