"""Build roles and policies for tests through the readers, as a user's files would be."""

from __future__ import annotations

import json
from typing import Any

from rolelint.documents import parse
from rolelint.findings.model import Finding
from rolelint.policies.role import Reading, Role
from rolelint.readers import ReadContext, read
from rolelint.rulebook import CheckOptions, Rulebook, check_guardrails, check_policy, check_role, load_rules


def reading(data: dict[str, Any], kind: str | None = None, file: str = "example.json") -> Reading:
    """Read a policy document or a role bundle."""
    (document,) = parse(file, json.dumps(data))
    found = read(document, ReadContext(kind))
    assert found is not None, "the data was not recognised"
    assert not found.problems, found.problems
    return found


def role(data: dict[str, Any]) -> Role:
    """Read a policy document, or a role bundle, as a role."""
    (one,) = reading(data, None if "role" in data else "identity").roles
    return one


def statements(*items: dict[str, Any]) -> Role:
    """Make a role of the statements of one policy."""
    return role({"Version": "2012-10-17", "Statement": list(items)})


def allow(actions: str | list[str], resources: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """Write an Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: str | list[str], resources: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """Write a Deny statement."""
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def findings(
    data: dict[str, Any] | Role,
    kind: str = "identity",
    rulebook: Rulebook | None = None,
    options: CheckOptions | None = None,
) -> list[Finding]:
    """Check a policy document, a role bundle or a role, guardrails included."""
    book = rulebook or load_rules()
    found = Reading(roles=[data]) if isinstance(data, Role) else reading(data, None if "role" in data else kind)
    out = [f for one in found.roles for f in check_role(one, book, options).findings]
    out += check_guardrails(found.roles, book, options)
    return out + [f for policy in found.policies for f in check_policy(policy, book, options)]


def codes(found: list[Finding]) -> set[str]:
    """The codes of findings, those folded into another included."""
    out = {f.rule for f in found}
    for finding in found:
        _, _, included = finding.message.partition("(includes ")
        out |= {word for word in included.replace(",", " ").split() if word.startswith("RL") and word[2:].isdigit()}
    return out


def by_code(found: list[Finding]) -> dict[str, Finding]:
    """Findings by code."""
    return {f.rule: f for f in found}
