"""parliament opened once for all tests of the grammar checks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rolelint.documents import parse
from rolelint.errors import Problem
from rolelint.grammar.audit import Auditor
from rolelint.grammar.issues import code_of
from rolelint.grammar.sifting import Told
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType

Audit = Callable[..., list[Told]]


def policy_of(data: Any, kind: str = "identity", name: str = "p", file: str = "p.json") -> Policy:
    """Make a policy as if it were read from a JSON file."""
    (document,) = parse(file, json.dumps(data, indent=2, ensure_ascii=False) if isinstance(data, dict) else "{}")
    return Policy(PolicyType(kind), name, parse_document(data), document.at())


def codes(told: list[Told]) -> list[str]:
    """List what was told, sorted."""
    return sorted(code_of(one.key) for one in told)


@pytest.fixture(scope="module")
def auditor() -> Iterator[Auditor]:
    with Auditor.opened("", "", False) as opened:
        yield opened


@pytest.fixture
def audit(auditor: Auditor) -> Audit:
    def ask(data: Any, kind: str = "identity", notes: list[Problem] | None = None) -> list[Told]:
        kept: list[Problem] = [] if notes is None else notes
        told = list(auditor.audit(policy_of(data, kind), kept))
        assert notes is not None or not kept
        return told

    return ask
