"""SARIF 2.1.0 for code scanning: the region is the very statement or action.

Columns count Unicode code points, as `columnKind` says: that is what locations hold, for every line of every file.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from rolelint import __version__
from rolelint.errors import Location, Problem, printable
from rolelint.findings.model import RANK, Finding, Report
from rolelint.policies.text import show
from rolelint.reporters import RuleText, Style, Write, inert, plain

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
#: Results of a run, and locations of a result, past which GitHub's code scanning refuses a whole file.
#: docs.github.com/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit. Read 2026-11-23.
_MOST_RESULTS = 25_000
_MOST_LOCATIONS = 1_000
#: What code scanning sorts by, on the scale of CVSS.
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "1.0"}


def render(report: Report, style: Style, write: Write) -> None:
    """Write the report as one SARIF run."""
    findings, left_out = _most_severe(report.all_findings())
    rules = _rules(findings, style)
    order = {rule["id"]: index for index, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "rolelint",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": rules,
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not report.errors,
                "exitCode": style.exit_code,
                "toolExecutionNotifications": _notifications(report, left_out),
            }
        ],
        "results": [_result(finding, order) for finding in findings],
        "properties": {
            "roles": len(report.roles),
            "files": report.files,
            "unknown": len(report.unknown),
            "suppressed": report.suppressed,
            "catalog": report.catalog,
        },
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    write(inert(json.dumps(plain(log), indent=1, ensure_ascii=True)) + "\n")


def _most_severe(findings: list[Finding]) -> tuple[list[Finding], int]:
    """Give the findings that a run may hold, in their order, and how many of the least severe are left out."""
    left_out = max(0, len(findings) - _MOST_RESULTS)
    if not left_out:
        return findings, 0
    first = sorted(range(len(findings)), key=lambda at: RANK[findings[at].severity])[:_MOST_RESULTS]
    return [findings[at] for at in sorted(first)], left_out


def _rules(findings: list[Finding], style: Style) -> list[dict[str, Any]]:
    """Describe the rules that fired; the texts of the others are never read."""
    fired: dict[str, Finding] = {}
    for finding in findings:
        fired.setdefault(finding.rule, finding)
    return [_rule(code, fired[code], style.rules.get(code)) for code in sorted(fired)]


def _rule(code: str, finding: Finding, rule: RuleText | None) -> dict[str, Any]:
    severity = rule.severity if rule else finding.base_severity
    made: dict[str, Any] = {
        "id": code,
        "name": finding.name,
        "shortDescription": {"text": finding.title or finding.name},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {
            "tags": ["security", "iam", *([finding.category] if finding.category else [])],
            "security-severity": _SCORES[severity],
            "precision": "very-high",
        },
    }
    if rule is None:
        return made
    why, fix = " ".join(rule.why.split()), " ".join(rule.fix.split())
    made["fullDescription"] = {"text": why}
    links = list(rule.references)
    made["help"] = {
        "text": "\n\n".join([why, f"Fix: {fix}", *links]),
        "markdown": "\n\n".join([why, f"**Fix:** {fix}", *(f"- <{link}>" for link in links)]),
    }
    if links:
        made["helpUri"] = links[0]
    return made


def _result(finding: Finding, order: dict[str, int]) -> dict[str, Any]:
    place = _location(finding.location, finding.excerpt)
    logical = finding.location.address or finding.role
    if logical:
        place["logicalLocations"] = [{"fullyQualifiedName": printable(show(logical)), "kind": "resource"}]
    facts: dict[str, Any] = {
        "severity": finding.severity,
        "baseSeverity": finding.base_severity,
        "certainty": finding.certainty,
        "role": finding.role,
        "route": finding.location.route,
        "actions": finding.actions,
        "count": finding.count or len(finding.actions),
        "grantedBy": finding.granted_by,
    }
    for key, value in (("scope", finding.scope), ("gate", finding.gate), ("lowered", finding.lowered)):
        if value:
            facts[key] = value
    if finding.witness:
        facts["witness"] = finding.witness.plain()
    made: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": order[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": _prose(finding.message + (f" Fix: {finding.fix}" if finding.fix else ""))},
        "locations": [place],
        "partialFingerprints": {"rolelint/v1": finding.fingerprint},
        "properties": facts,
    }
    if finding.related:
        made["relatedLocations"] = [
            {"id": number, **_location(related.location), "message": {"text": _prose(related.message)}}
            for number, related in enumerate(finding.related[: _MOST_LOCATIONS - 1], 1)
        ]
    return made


#: The end of a link's text, with the backslashes before it, which would escape each other.
_LINK = re.compile(r"(\\*)\]\(")


def _prose(text: str) -> str:
    """Write a message: a name in it must not become a link, as `[text](target)` does, nor break the line."""
    return _LINK.sub(lambda found: "\\" * (2 * len(found[1]) + 1) + "](", printable(show(text)))


def _location(place: Location, excerpt: tuple[tuple[int, str], ...] = ()) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(place.file)}}
    if place.line:
        region = {"startLine": place.line, "startColumn": max(1, place.column)}
        if place.end_line:
            region["endLine"] = place.end_line
            region["endColumn"] = max(1, place.end_column)
        physical["region"] = region
        lines = [text for _, text in excerpt]
        if lines and excerpt[0][0] <= place.line and excerpt[-1][0] >= (place.end_line or place.line):
            physical["contextRegion"] = {
                "startLine": excerpt[0][0],
                "endLine": excerpt[-1][0],
                "snippet": {"text": "\n".join(lines)},
            }
    else:
        # Some consumers refuse a whole file for one result without a region.
        physical["region"] = {"startLine": 1}
    return {"physicalLocation": physical}


def uri(file: str) -> str:
    """Write a file's name as a URI, relative to the root of the repository, where code scanning looks for it.

    That is the repository around the working directory, or else around the file; without one, relative paths stay
    relative. What lies outside of it is absolute.

    A source such as `aws:123456789012` is written as if it were a file of that name: where a scheme is not `file`, code
    scanning refuses the whole report.
    """
    if file.startswith("<"):
        return file.strip("<>")
    path = file if not file or file.startswith("aws:") else _from_root(*os.path.split(file), os.getcwd())
    slashes = os.path.normpath(path).replace(os.sep, "/") if path else path
    if os.path.isabs(path):
        return "file://" + quote(os.fsencode(slashes if slashes.startswith("/") else "/" + slashes), safe="/:")
    return quote(os.fsencode(slashes), safe="/")


def _from_root(folder: str, name: str, here: str) -> str:
    """Name a file from the root of its repository, where it is in one."""
    real, root = _repository(folder, here)
    path = os.path.join(real, name)
    if not root:
        return os.path.join(folder, name)
    return os.path.relpath(path, root) if path.startswith(os.path.join(root, "")) else path


@lru_cache(maxsize=1024)
def _repository(folder: str, here: str) -> tuple[str, str]:
    """Give the real path of a folder and the root of its repository; an empty root where there is none.

    Args:
        here: the working directory.
    """
    real = os.path.realpath(os.path.join(here, folder))
    for root in (os.path.realpath(here), real):
        while True:
            if os.path.lexists(os.path.join(root, ".git")):  # a file in worktrees and submodules
                return real, root
            above = os.path.dirname(root)
            if above == root:
                break
            root = above
    return real, ""


def _notifications(report: Report, left_out: int) -> list[dict[str, Any]]:
    def note(problem: Problem, level: str, kind: str) -> dict[str, Any]:
        text = f"{problem.message}. {problem.hint}" if problem.hint else problem.message
        return {
            "level": level,
            "message": {"text": _prose(text)},
            "descriptor": {"id": kind},
            "locations": [_location(problem.location)],
        }

    notes = [note(problem, "error", "input") for problem in report.errors]
    if left_out:
        text = f"{left_out} results of the lowest severities are left out: a run holds {_MOST_RESULTS}"
        notes.append({"level": "warning", "message": {"text": text}, "descriptor": {"id": "limit"}})
    notes += [note(problem, "warning", "policy") for problem in report.warnings]
    for item in report.unknown:
        name = f"{item.role_name}: " if item.role_name else ""
        notes.append(note(Problem(f"{name}{item.what}: {item.reason}", item.location), "warning", "unknown"))
    return notes
