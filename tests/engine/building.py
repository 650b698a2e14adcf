"""Roles from a few words, for tables of questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rolelint.errors import Location
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType, Role

ACCOUNT = "123456789012"
HERE = Location("role.json")
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/app"
ALL: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def allow(action: Any, resource: Any = "*", condition: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Make an Allow statement."""
    out = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return {**out, "Condition": condition} if condition else out


def deny(action: Any, resource: Any = "*", condition: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Make a Deny statement."""
    return {**allow(action, resource, condition, **more), "Effect": "Deny"}


def policy(kind: PolicyType, *statements: Any, resource: str = "") -> Policy:
    """Make a policy of some statements; text stands for a document that is not known."""
    data: Any = {"Version": "2012-10-17", "Statement": list(statements)}
    if len(statements) == 1 and isinstance(statements[0], str):
        data = statements[0]
    return Policy(kind, kind.value, parse_document(data), lambda route: HERE, resource=resource)


def role(
    *statements: Any,
    boundary: Sequence[Any] | None = None,
    session: Sequence[Any] | None = None,
    scps: Sequence[Sequence[Any]] | None = None,
    rcps: Sequence[Any] | None = None,
    trust: Sequence[Any] | None = None,
    kind: str = "role",
    **more: Any,
) -> Role:
    """Make a role with one identity policy, and what else is given as lists of statements (SCPs: one list a level)."""
    arn = {"role": ROLE_ARN, "user": f"arn:aws:iam::{ACCOUNT}:user/app"}.get(kind, "")
    known = {} if kind == "policy" else {"arn": arn, "account": ACCOUNT, "partition": "aws"}
    return Role(
        kind,
        "app",
        HERE,
        **{**known, **more},
        identity=(policy(PolicyType.IDENTITY, *statements),),
        boundary=None if boundary is None else policy(PolicyType.BOUNDARY, *boundary),
        session=None if session is None else (policy(PolicyType.SESSION, *session),),
        scps=None if scps is None else tuple((policy(PolicyType.SCP, *level),) for level in scps),
        rcps=None if rcps is None else (policy(PolicyType.RCP, *rcps),),
        trust=None if trust is None else policy(PolicyType.TRUST, *trust),
    )
