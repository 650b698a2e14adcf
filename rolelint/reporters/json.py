"""The versioned JSON report, `rolelint-report/1`; `report.schema.json` beside this module is its shape.

Roles and findings stand on one line each: a report of a large account can be read by line, and is written without
being held as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rolelint import __version__
from rolelint.errors import Location, Problem
from rolelint.findings.model import EffectGroup, Finding, Report, RoleReport, UnknownItem
from rolelint.findings.written import SEPARATOR, Scribe
from rolelint.policies.text import OPEN
from rolelint.reporters import Style, Write, inert, plain

SCHEMA = "rolelint-report/1"

_encode = json.JSONEncoder(ensure_ascii=True, separators=(", ", ": "), allow_nan=False).encode
_MARK = json.dumps(OPEN)[1:-1]


def render(report: Report, style: Style, write: Write) -> None:
    """Write the report as JSON."""
    write(f'{{\n  "schema": {_text(SCHEMA)},\n')
    write(f'  "tool": {_text({"name": "rolelint", "version": __version__, "catalog": report.catalog})},\n')
    settings = {"actor": report.actor, "fail_on": report.fail_on, "effects": style.effects, **report.overlays}
    write(f'  "settings": {_text(settings)},\n')
    write(f'  "summary": {_text(summary(report, style.exit_code))},\n')
    if report.extra:
        write(f'  "extra": {_text(report.extra)},\n')
    _list(write, "roles", (_role(role, style.effects) for role in report.roles), report)
    _list(write, "findings", (_finding(finding) for finding in report.all_findings()), report)
    _list(write, "unknown", (_unknown(item) for item in report.unknown))
    _list(write, "errors", (_problem(problem) for problem in report.errors))
    _list(write, "warnings", (_problem(problem) for problem in report.warnings), last=True)
    write("}\n")


def scribe(effects: str) -> Scribe:
    """Give the function that writes one role and its findings as `render` does.

    Args:
        effects: as of `Style`.
    """
    return lambda role: (_text(_role(role, effects)), [_text(_finding(finding)) for finding in role.findings])


def summary(report: Report, exit_code: int) -> dict[str, Any]:
    """Count what the report holds."""
    return {
        "files": report.files,
        "documents": report.checked,
        "roles": len(report.roles) + (report.written.count if report.written else 0),
        "findings": report.severities(),
        "unknown": len(report.unknown),
        "suppressed": report.suppressed,
        "errors": len(report.errors),
        "warnings": len(report.warnings),
        "exit_code": exit_code,
    }


def _text(value: Any) -> str:
    encoded = _encode(value)
    # Looking for the marker in the text is far cheaper than walking every value.
    return inert(_encode(plain(value)) if _MARK in encoded else encoded)


def _list(
    write: Write, name: str, items: Iterable[dict[str, Any]], report: Report | None = None, last: bool = False
) -> None:
    """Write a list.

    Args:
        report: given where a part of the list may be text already.
    """
    write(f'  "{name}": [')
    first = True
    if report is not None and report.written is not None:
        for text in report.written.texts(name):
            write("\n    " + text if first else text)
            first = False
    for item in items:
        write(("\n    " if first else SEPARATOR) + _text(item))
        first = False
    write(("]" if first else "\n  ]") + ("\n" if last else ",\n"))


def location(place: Location) -> dict[str, Any]:
    """Write a place; positions are 1-based, and 0 where not known."""
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "route": place.route,
        "address": place.address,
    }


def _role(role: RoleReport, effects: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": role.id,
        "name": role.name,
        "arn": role.arn,
        "kind": role.kind,
        "source": location(role.source),
    }
    if effects != "none" and role.effects is not None:
        made["effects"] = {cls: [_group(group, effects) for group in groups] for cls, groups in role.effects.items()}
    if role.extra:
        made["extra"] = role.extra
    return made


def _group(group: EffectGroup, effects: str) -> dict[str, Any]:
    made: dict[str, Any] = {"count": group.count, "scope": group.scope, "certainty": group.certainty}
    if effects == "full" and group.actions:  # a report with `--effects summary` that is merged has none to give
        made["actions"] = group.actions
    made["gate"] = group.gate
    made["granted_by"] = group.granted_by
    if group.resources:
        made["resources"] = group.resources
    return made


def _finding(finding: Finding) -> dict[str, Any]:
    made: dict[str, Any] = {
        "rule": finding.rule,
        "name": finding.name,
        "title": finding.title,
        "category": finding.category,
        "severity": finding.severity,
        "base_severity": finding.base_severity,
        "lowered": finding.lowered,
        "certainty": finding.certainty,
        "role": finding.role,
        "role_name": finding.role_name,
        "message": finding.message,
        "location": location(finding.location),
        "witness": finding.witness.plain() if finding.witness is not None else None,
        "actions": finding.actions,
        "count": finding.count or len(finding.actions),
        "scope": finding.scope,
        "gate": finding.gate,
        "granted_by": finding.granted_by,
        "related": [{"location": location(r.location), "message": r.message} for r in finding.related],
        "fix": finding.fix,
        "fingerprint": finding.fingerprint,
    }
    if finding.extra:
        made["extra"] = finding.extra
    return made


def _unknown(item: UnknownItem) -> dict[str, Any]:
    return {
        "role": item.role,
        "role_name": item.role_name,
        "what": item.what,
        "reason": item.reason,
        "location": location(item.location),
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {"message": problem.message, "hint": problem.hint, "location": location(problem.location)}
