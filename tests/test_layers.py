"""Imports point down: the rooms of the house, and which rooms each may know."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

_PACKAGE = Path(__file__).resolve().parent.parent / "rolelint"

#: Room -> rooms it may import, beside itself. `errors`, `records`, `memory` and `writing` are open to all.
ALLOWED = {
    "errors": set(),
    "records": set(),
    "memory": set(),
    "writing": set(),
    "parallel": set(),
    "algebra": set(),
    "catalog": {"documents"},
    "documents": set(),
    "sources": {"catalog", "documents", "policies"},
    "policies": set(),
    "findings": {"policies"},
    "engine": {"algebra", "catalog", "policies", "findings"},
    "readers": {"catalog", "documents", "policies", "sources"},
    "rulebook": {"algebra", "catalog", "engine", "findings", "policies", "documents"},
    "grammar": {"catalog", "documents", "findings", "policies"},
    "reporters": {"findings", "policies"},
    "reach": {"catalog", "engine", "findings", "policies"},
    "lint": {"documents", "findings", "grammar", "parallel", "policies", "reach", "readers", "sources"},
    "cli": {
        "catalog",
        "documents",
        "engine",
        "findings",
        "grammar",
        "lint",
        "policies",
        "readers",
        "reporters",
        "rulebook",
        "sources",
    },
}

#: Packages that only the functions which need them may import (importing a module does nothing).
HEAVY = {"boto3", "botocore", "parliament", "jsonschema", "rich", "hcl2", "lark", "yaml", "pathspec", "pkg_resources"}


def _modules() -> list[Path]:
    return sorted(p for p in _PACKAGE.rglob("*.py") if p.name not in ("__main__.py",))


def _room(path: Path) -> str:
    first = path.relative_to(_PACKAGE).parts[0]
    return first.removesuffix(".py")


def _imports(tree: ast.AST) -> set[str]:
    out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            out.add(node.module)
            if node.module == "rolelint":
                out.update(f"rolelint.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            out.update(alias.name for alias in node.names)
    return out


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(_PACKAGE)))
def test_a_module_imports_only_what_its_room_may_know(path: Path) -> None:
    room = _room(path)
    if room == "__init__":
        return
    for name in _imports(ast.parse(path.read_text("utf-8"))):
        parts = name.split(".")
        if parts[0] != "rolelint" or len(parts) == 1 or parts[1].startswith("__"):
            continue
        other = parts[1]
        assert other in {room, "errors", "records", "memory", "writing"} | ALLOWED[room], f"{room} imports {name}"


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(_PACKAGE)))
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        names: set[str] = set()
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {node.module.split(".")[0]}
        assert not names & HEAVY, f"{path.name} imports {names & HEAVY} when it is itself imported"
