"""Write a reading as text that a person can compare with the source beside it."""

from __future__ import annotations

from collections.abc import Iterator

from rolelint.policies.role import Policy, Reading, Role
from rolelint.policies.text import show


def listing(reading: Reading, places: bool = False) -> str:
    """List roles with their policies, what is not known, what they were before, and what stands beside them.

    Args:
        places: write the line of each statement too.
    """
    lines: list[str] = []
    for role in reading.roles:
        lines += _role(role, places)
        if role.before is not None:
            lines += ["  before:", *(f"    {line}" for line in _role(role.before, False, head=False))]
    for policy in reading.policies:
        lines += [f"policy {policy.type.value} {policy.name}{_of(policy)}", *_statements(policy, places)]
    if reading.roles and reading.roles[0].environment:
        lines.append("environment")
        for resource in reading.roles[0].environment:
            guards = f" [{', '.join(resource.protections)}]" if resource.protections else ""
            lines.append(f"  {resource.type} {show(resource.arn)}{guards}")
    for problem in reading.problems:
        lines.append(f"problem {problem.kind}: {problem.message}")
    return "\n".join(lines) + "\n"


def _role(role: Role, places: bool, head: bool = True) -> Iterator[str]:
    if head:
        arn = f" {role.arn}" if role.arn else ""
        where = f" at line {role.location.line}" if places else ""
        yield f"{role.kind} {role.name} ({role.location.address}{where}){arn}"
    for policy in role.policies():
        managed = "" if policy.inline else " managed"
        yield f"  {policy.type.value}{managed} {show(policy.name)}{_of(policy)}"
        yield from _statements(policy, places)
    for unknown in role.unknowns:
        yield f"  unknown {unknown.what}: {show(unknown.reason)}"


def _of(policy: Policy) -> str:
    return f" of {show(policy.resource)}" if policy.resource else f" {policy.arn}" if policy.arn else ""


def _statements(policy: Policy, places: bool) -> Iterator[str]:
    if policy.document.unknown:
        yield "    not known"
    if ":aws:policy/" in policy.arn:
        return
    for statement in policy.document.statements:
        action = f"{'not ' if statement.not_action else ''}{_list(statement.actions)}"
        parts = [f"{statement.effect} {action}"]
        if statement.principals is not None:
            parts.append("to " + _list(tuple(f"{p.kind}:{p.value}" for p in statement.principals)))
        if statement.resources is not None:
            parts.append("on " + ("not " if statement.not_resource else "") + _list(statement.resources))
        parts += [f"if {c.key} {c.operator_text} {_list(c.values)}" for c in statement.conditions]
        sid = f"{show(statement.sid)}: " if statement.sid else ""
        place = ""
        if places:
            where = policy.locate((*statement.route, "Action"))
            place = f" ({where.file.rsplit('/', 1)[-1]}:{where.line})"
        yield f"    {sid}{' '.join(parts)}{place}"


def _list(texts: tuple[str, ...]) -> str:
    return ", ".join(sorted(show(t) for t in texts))
