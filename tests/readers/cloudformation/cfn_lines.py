"""Roles and policies written down, to be compared with what a test expects."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rolelint.documents import Document, parse
from rolelint.policies.role import Policy, Reading, Role
from rolelint.policies.text import show

Read = Callable[..., Reading]


def statement_line(statement: Any) -> str:
    """Write a statement as one line: effect, actions, resources, conditions, and `?` when it is doubtful."""
    parts = [
        ("!" if statement.not_action else "") + ",".join(show(a) for a in statement.actions),
        ("!" if statement.not_resource else "") + ",".join(show(r) for r in statement.resources or ()),
    ]
    parts += [f"{c.operator_text} {c.key_text}={','.join(show(v) for v in c.values)}" for c in statement.conditions]
    parts += [f"{p.kind}={show(p.value)}" for p in statement.principals or ()]
    sign = "-" if statement.effect == "Deny" else "+"
    return sign + " | ".join(part for part in parts if part) + (" ?" if statement.doubtful else "")


def policy_lines(policy: Policy) -> list[str]:
    """Write what a policy says, one line for each statement."""
    if policy.document.unknown and not policy.document.statements:
        return [f"unknown: {policy.document.unknown}"]
    return [statement_line(statement) for statement in policy.document.statements]


def identity(role: Role) -> list[str]:
    """Write all identity statements of a role."""
    return [line for policy in role.identity for line in policy_lines(policy)]


def load(text: Any, file: str = "t.yaml") -> Document:
    """Parse a template from text, or from data."""
    (document,) = parse(file, text if isinstance(text, str | bytes) else json.dumps(text, indent=1))
    return document
