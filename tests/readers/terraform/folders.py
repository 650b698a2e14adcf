"""Folders of Terraform source, written and read for tests."""

from __future__ import annotations

import os
from pathlib import Path

from rolelint.policies.role import Policy, Reading, Role
from rolelint.policies.text import show
from rolelint.readers import FOLDER_READERS, ReadContext
from rolelint.readers.terraform import source

TRUST = 'jsonencode({ Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" } }] })'


def write(folder: Path, **files: str) -> Path:
    """Write files into a folder; `__` in a name stands for a dot and `_in_` for a folder."""
    for name, text in files.items():
        path = folder / name.replace("_in_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def read_folder(folder: Path, context: ReadContext | None = None) -> Reading:
    """Read one folder as the pipeline does."""
    (reader,) = [r for r in FOLDER_READERS if r.name == "terraform"]
    files = sorted(str(p) for p in folder.iterdir() if p.is_file() and reader.takes(p.name))
    return source.read_folder(files, context or ReadContext())


def actions(role: Role) -> list[str]:
    """List the actions of a role's policies, `?` for a policy that is not known."""
    return [
        action
        for policy in role.identity
        for action in (
            ["?"] if policy.document.unknown else [show(a) for s in policy.document.statements for a in s.actions]
        )
    ]


def place(policy: Policy, *route: str | int) -> str:
    """Write where a route stands as `file:line:column`, the file by its name."""
    location = policy.locate(route)
    return f"{os.path.basename(location.file)}:{location.line}:{location.column}"


ROLE = f"""
resource "aws_iam_role" "r" {{
  name               = "r"
  assume_role_policy = {TRUST}
}}
"""
