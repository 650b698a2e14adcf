"""Readings written down, to be compared with what a test expects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rolelint.documents import parse
from rolelint.policies.role import Policy, Reading, Role
from rolelint.readers import ReadContext, read

Describe = Callable[..., dict[str, Any]]


def policy_line(policy: Policy) -> str:
    """Write a policy as one line: type, name, what it says, where its first statement stands."""
    document = policy.document
    said = (
        f"unknown: {document.unknown}"
        if document.unknown
        else " ".join(f"{'-' if s.effect == 'Deny' else '+'}{','.join(s.actions)}" for s in document.statements)
    )
    place = policy.locate(document.statements[0].route if document.statements else ())
    return f"{policy.type.value} {policy.name}: {said} @{place.line}"


def role_lines(role: Role) -> dict[str, Any]:
    """Write a role as plain data without what is empty."""
    levels = role.scps
    made = {
        "kind": role.kind,
        "name": role.name,
        "arn": role.arn,
        "account": role.account,
        "partition": role.partition,
        "line": role.location.line,
        "identity": [policy_line(p) for p in role.identity],
        "boundary": role.boundary and policy_line(role.boundary),
        "session": role.session and [policy_line(p) for p in role.session],
        "scps": levels and [[policy_line(p) for p in level] for level in levels],
        "rcps": role.rcps and [policy_line(p) for p in role.rcps],
        "trust": role.trust and policy_line(role.trust),
        "resource_policies": [f"{policy_line(p)} on {p.resource}" for p in role.resource_policies],
        "tags": role.tags,
        "unknowns": [
            f"{u.what}: {u.reason} @{u.location.line}{'' if u.widens else ' (narrows)'}" for u in role.unknowns
        ],
        "service_linked": role.service_linked,
        "management_account": role.management_account,
    }
    return {key: value for key, value in made.items() if value}


@pytest.fixture
def reading() -> Callable[..., Reading | None]:
    """Read text, or data written as JSON, as a file of the given name."""

    def run(text: Any, file: str = "f.json", context: ReadContext | None = None, index: int = 0) -> Reading | None:
        if not isinstance(text, str | bytes):
            text = json.dumps(text, indent=1)
        return read(parse(file, text)[index], context or ReadContext(base=Path()))

    return run


@pytest.fixture
def describe(reading: Callable[..., Reading | None]) -> Describe:
    """Read text and write down what was found."""

    def run(*args: Any, **kwargs: Any) -> dict[str, Any]:
        found = reading(*args, **kwargs)
        assert found is not None
        made = {
            "roles": [role_lines(role) for role in found.roles],
            "policies": [
                policy_line(policy) + (f" on {policy.resource}" if policy.resource else "") for policy in found.policies
            ],
            "problems": [str(problem) for problem in found.problems],
        }
        return {key: value for key, value in made.items() if value}

    return run
