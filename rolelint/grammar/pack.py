"""A judge in front of the rulebook: what it finds, and what parliament finds besides."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from rolelint.errors import Location, Problem
from rolelint.findings.model import RANK, Finding, Report, RoleReport, UnknownItem
from rolelint.grammar.audit import SPOKEN, Auditor
from rolelint.grammar.issues import PREFIX, code_of, find_issue, name_of
from rolelint.grammar.sifting import Told
from rolelint.policies.document import PolicyDocument, Statement
from rolelint.policies.role import Policy, Role
from rolelint.policies.text import show


class Settings(NamedTuple):
    """What parliament is told; the words are those of its own command line.

    Attributes:
        config: a YAML file that overrides its configuration: severities, texts, locations to ignore.
        private_auditors: a folder of the user's own auditors, or empty for the default.
        community_auditors: whether its community auditors take part.
        new_only: leave out policies that a role had before a change.
    """

    config: str = ""
    private_auditors: str = ""
    community_auditors: bool = False
    new_only: bool = False


class _Read(NamedTuple):
    """Where a finding comes from: the issue, the file of its role, and the place of its statement."""

    told: Told
    file: str
    statement: Location | None


@contextmanager
def opened(judge: Any, settings: Settings, report: Report) -> Iterator[Pack]:
    """Open parliament, give the judge that asks it too, and complete the report at the end.

    Raises:
        UsageError: when parliament cannot be imported, or the settings name what is not there.
    """
    with Auditor.opened(settings.config, settings.private_auditors, settings.community_auditors) as auditor:
        pack = Pack(judge, settings, auditor)
        yield pack
        pack.finish(report)


class Pack:
    """A judge that adds parliament's findings to those of another.

    A policy text at one place is reported once, with the first role that has it. Policies that AWS writes are left
    out: nobody here can change them.
    """

    def __init__(self, judge: Any, settings: Settings, auditor: Auditor) -> None:
        self._judge = judge
        self._settings = settings
        self._auditor = auditor
        self._seen: set[tuple[int, str, Location]] = set()
        self._kept: list[PolicyDocument] = []
        self._notes: list[Problem] = []
        self._found: dict[tuple[object, ...], _Read] = {}
        self._told: set[tuple[str, Location]] = set()
        self._policies = 0

    def check_role(self, role: Role, rulebook: Any, options: Any) -> RoleReport:
        """Judge a role; its policies are read with the guardrails, for roles may be judged in other processes."""
        report: RoleReport = self._judge.check_role(role, rulebook, options)
        return report

    def check_policy(self, policy: Policy, rulebook: Any, options: Any) -> list[Finding]:
        """Judge a policy by itself."""
        findings: list[Finding] = self._judge.check_policy(policy, rulebook, options)
        return [*findings, *self._read(policy, None, options)]

    def check_guardrails(self, roles: Iterable[Role], rulebook: Any, options: Any) -> list[Finding]:
        """Judge the SCPs and RCPs around roles, and read the policies of all roles; `finish` hands these out."""
        roles = list(roles)
        findings: list[Finding] = list(self._judge.check_guardrails(roles, rulebook, options))
        around: dict[int, Policy] = {}
        for role in roles:
            old: set[PolicyDocument] = set()
            if self._settings.new_only and role.before is not None:
                old = {policy.document for policy in role.before.policies()}
            for policy in (*role.identity, role.boundary, *(role.session or ()), role.trust):
                if policy is not None and policy.document not in old:
                    findings += self._read(policy, role, options)
            common = (*(p for level in role.scps or () for p in level), *(role.rcps or ()), *role.resource_policies)
            around.update((id(policy), policy) for policy in common)
        for policy in around.values():
            findings += self._read(policy, None, options)
        return findings

    def role_unknowns(self, role: Role, options: Any) -> list[UnknownItem]:
        """List what could not be decided about a role."""
        items: list[UnknownItem] = self._judge.role_unknowns(role, options)
        return items

    def finish(self, report: Report) -> None:
        """Hand the findings to their roles, and say in the report what could not be judged.

        What a rule says of the same statement goes first, and warnings that have become findings are dropped.
        """
        roles: dict[tuple[str, str], RoleReport] = {}
        for judged in report.roles:
            roles.setdefault((judged.id, judged.source.file), judged)
        mine, report.findings = report.findings, []
        for finding in mine:
            read = self._found.get(_key(finding))
            if read is None:
                report.findings.append(finding)
                continue
            owner = roles.get((finding.role, read.file))
            known = owner.findings if owner is not None else mine
            if _is_said(finding, read, known):
                self._auditor.left_out["said by a rule"] += 1
                continue
            (owner.findings if owner is not None else report.findings).append(finding)
            self._told.add((read.told.text if read.told.key in SPOKEN else read.told.key, finding.location))
        for findings in (report.findings, *(judged.findings for judged in report.roles)):
            if any(finding.category == "grammar" for finding in findings):
                findings.sort(key=lambda f: (RANK[f.severity], f.category == "grammar", f.rule))
        report.warnings = [w for w in report.warnings if not self._is_told(w)]
        report.warnings += [note for note in self._notes if note.kind == "warning"]
        report.errors += [note for note in self._notes if note.kind == "error"]

    def summary(self) -> str:
        """Say in one line what parliament read and what was left out of its answer."""
        parts = [f"{count} {reason}" for reason, count in sorted(self._auditor.left_out.items())]
        left = f"; left out: {', '.join(parts)}" if parts else ""
        return f"grammar: parliament {self._auditor.version} read {self._policies} policies{left}"

    def _is_told(self, warning: Problem) -> bool:
        key = next((issue for words, issue in _WARNINGS.items() if warning.message.startswith(words)), None)
        return (key or warning.message, warning.location) in self._told

    def _read(self, policy: Policy, role: Role | None, options: Any) -> list[Finding]:
        """Give parliament's findings about one policy at its place, once."""
        if policy.by_aws:
            return []
        key = (id(policy.document), policy.type.value, policy.locate(()))
        if key in self._seen:
            return []
        self._seen.add(key)
        self._kept.append(policy.document)  # its id stays its own
        self._policies += 1
        found: dict[tuple[object, ...], Finding] = {}
        for told in self._auditor.audit(policy, self._notes):
            if not _wanted(told.key, options):
                continue
            severity = self._auditor.severity(told, policy)
            if severity is None:
                continue
            made = self._finding(told, policy, role, severity)
            if _key(made) not in found:
                found[_key(made)] = made
                place = policy.locate(told.statement.route) if told.statement is not None else None
                self._found[_key(made)] = _Read(told, role.location.file if role else "", place)
        return list(found.values())

    def _finding(self, told: Told, policy: Policy, role: Role | None, severity: str) -> Finding:
        issue = find_issue(told.key)
        title, fix = self._auditor.texts(told.finding, issue)
        label = policy.name
        if told.statement is not None:
            label += f"/{told.statement.sid or f'Statement[{told.statement.index}]'}"
        location = policy.locate(told.route)
        said = [] if told.key in _SENTENCES and told.text else [_lowered(title)]
        text = ": ".join([f"`{label}`", *said, *([told.text] if told.text else [])])
        name = role.name if role else policy.name
        return Finding(
            rule=code_of(told.key),
            name=name_of(told.key),
            title=title,
            severity=severity,
            base_severity=issue.severity if issue else severity,
            certainty="proved",
            role=role.id if role else "",
            role_name=name,
            message=" ".join(show(text).split()),
            location=location,
            identity=(code_of(told.key), name, _content(told.statement), told.text, os.path.basename(location.file)),
            actions=told.actions,
            granted_by=(show(label),),
            fix=fix,
            category="grammar",
        )


#: Issues whose text says it all; for the others it follows the title.
_SENTENCES = frozenset(
    (
        "RESOURCE_MISMATCH",
        "RESOURCE_STAR",
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION",
        "UNKNOWN_CONDITION_FOR_ACTION",
        "MALFORMED",
        "INVALID_VERSION",
        "MISMATCHED_TYPE",
        "MISMATCHED_TYPE_OPERATION_TO_NULL",
    )
)
#: What the reader of policies says, by how it begins, of what is also an issue: the issue is told instead.
_WARNINGS: Mapping[str, str] = {"the Sid `": "DUPLICATE_SID", "unknown condition operator": "UNKNOWN_OPERATOR"}


def _wanted(key: str, options: Any) -> bool:
    """Tell whether an issue takes part: it is selected, not ignored, nor the same as a rule that is ignored."""
    code, issue = code_of(key), find_issue(key)
    select: frozenset[str] = getattr(options, "select", frozenset())
    ignore: frozenset[str] = getattr(options, "ignore", frozenset())
    if code in ignore:
        return False
    if code in select:
        return True
    if PREFIX in ignore or (issue is not None and issue.same in ignore):
        return False
    return not select or PREFIX in select


def _is_said(finding: Finding, read: _Read, others: Iterable[Finding]) -> bool:
    """Tell whether a rule already speaks of the same thing in the same statement."""
    issue = find_issue(read.told.key)
    if issue is None or not issue.twins or read.statement is None:
        return False
    for other in others:
        if other.rule in issue.twins:
            places = (other.location, *(related.location for related in other.related))
            if any(_within(place, read.statement) for place in places):
                return True
    return False


def _key(finding: Finding) -> tuple[object, ...]:
    return finding.rule, finding.location, finding.message


def _within(inner: Location, outer: Location) -> bool:
    if inner.file != outer.file:
        return False
    if inner.route and outer.route and (inner.route + "/").startswith(outer.route + "/"):
        return True
    if not (inner.line and outer.line):
        return False
    start, end = (outer.line, outer.column), (outer.end_line or outer.line, outer.end_column)
    return start <= (inner.line, inner.column) <= end


def _lowered(title: str) -> str:
    """Give a title as it reads inside a sentence."""
    word = title.partition(" ")[0]
    return (title if word.isupper() and len(word) > 1 else title[:1].lower() + title[1:]).rstrip(". ")


def _content(statement: Statement | None) -> str:
    """Write what a statement says, whatever its order, Sid and place."""
    if statement is None:
        return ""
    parts = (
        statement.effect,
        statement.not_action,
        sorted(a.lower() for a in statement.actions),
        statement.not_resource,
        sorted(statement.resources or ()),
        sorted((c.operator_text, c.key, sorted(c.values)) for c in statement.conditions),
        statement.not_principal,
        sorted(statement.principals or ()),
    )
    return repr(parts)
