"""The pipeline in order: paths, files, documents, readings, role reports, report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rolelint.documents import Document
from rolelint.errors import RolelintError
from rolelint.findings.model import Finding, Report, RoleReport, UnknownItem
from rolelint.findings.ranking import rank
from rolelint.lint.gathering import Guards, collector_off, gather, load_roles, read_guards, tell_refused
from rolelint.lint.reading import Request, stumbled
from rolelint.memory import alone, trim
from rolelint.parallel import MOST_PARTS, fork_map, workers
from rolelint.policies.role import Policy, Role
from rolelint.reach import enrich
from rolelint.readers import ReadContext
from rolelint.records import replace

if TYPE_CHECKING:
    from rolelint.findings.written import Piece, Scribe, Written

__all__ = ["Guards", "Judge", "Request", "lint", "load_roles", "read_guards"]


class Judge(Protocol):
    """What the pipeline asks of the rulebook; `rolelint.rulebook` is one."""

    def check_role(self, role: Role, rulebook: Any, options: Any) -> RoleReport:
        """Judge one role."""

    def check_policy(self, policy: Policy, rulebook: Any, options: Any) -> list[Finding]:
        """Judge a policy by itself."""

    def check_guardrails(self, roles: Iterable[Role], rulebook: Any, options: Any) -> list[Finding]:
        """Judge the SCPs and RCPs around roles."""

    def role_unknowns(self, role: Role, options: Any) -> list[UnknownItem]:
        """List what could not be decided about a role."""


#: Roles that a process must have to pay for being started.
ROLES_PER_WORKER = 30

#: Parts that each process takes of the roles, so that none waits long for another.
PARTS_PER_WORKER = 12

#: Roles whose findings are held at once before they are written down.
ROLES_PER_PART = 64

_Judged = tuple[list[RoleReport], list[UnknownItem]]


@alone
def lint(
    request: Request,
    judge: Judge,
    rulebook: Any,
    options: Any,
    report: Report | None = None,
    documents: Iterable[Document] = (),
    scribe: Scribe | None = None,
    guards: Guards | None = None,
) -> Report:
    """Read everything that a request names and judge every role and policy found.

    One input that cannot be read is one problem of the report; the others are still judged.

    Args:
        options: passed through to the judge.
        report: a report that already carries its settings, to be filled.
        documents: what a source other than files has read already; judged after what the request names.
        scribe: writes a role in the format of the report, where roles may be text already when they are judged.
        guards: what `read_guards` gave, where that was asked before.
    """
    report = report if report is not None else Report()
    context = ReadContext(request.forced_type, options=dict(request.reader_options), only=request.only)
    roles, readings = gather(request, context, report, documents, guards)
    quotes = None
    if request.excerpts:
        from rolelint.lint.quoting import Quotes

        quotes = Quotes(context.secrets)
    tell_refused(readings, report)
    numbers = _numbers(roles, context.origins)
    told = len(report.findings)

    def quoted(findings: list[Finding], policies: Iterable[Policy]) -> list[Finding]:
        return [quotes.quote(finding, policies) for finding in findings] if quotes else findings

    def judge_role(role: Role) -> tuple[RoleReport, list[UnknownItem]]:
        judged = judge.check_role(role, rulebook, options)
        number = numbers.get(id(role), 0)
        if number or context.origins:
            judged.findings = [_numbered(_originated(f, context.origins), number) for f in judged.findings]
        if role.environment or role.accessed is not None or role.assigned is not None:
            enrich(role, judged, options.actor)
        judged.findings = quoted(judged.findings, role.policies())
        return judged, _each_once(judge.role_unknowns(role, options))

    def judge_part(part: Sequence[Role]) -> _Judged:
        out: list[RoleReport] = []
        unknown: list[UnknownItem] = []
        for role in part:
            try:
                judged, left = judge_role(role)
            except (RolelintError, MemoryError):
                raise
            except Exception as error:  # a mistake of ours about one role: shown, and no pass for it
                judged = RoleReport(role.id, role.name, role.arn, role.kind, role.location)
                left = [UnknownItem(role.id, role.name, "role", stumbled("judged", error), role.location)]
            out.append(judged)
            unknown += left
            trim()
        return out, unknown

    # Where an account was looked at, the order of the roles is known at the end only.
    ordered = any(role.inventoried or role.accessed is not None for role in roles)
    with collector_off():
        _judge_all(judge_part, roles, report, None if ordered else scribe)
    rank(report)
    for reading in readings:
        for policy in reading.policies:
            report.findings += quoted(judge.check_policy(policy, rulebook, options), [policy])
    around = [policy for role in roles[:1] for policy in role.policies()]
    report.findings += quoted(judge.check_guardrails(roles, rulebook, options), around)
    alike: Counter[Any] = Counter()
    for at, finding in enumerate(report.findings[told:], told):
        own = _originated(finding, context.origins)
        report.findings[at] = _numbered(own, alike[own.identity])
        alike[own.identity] += 1
    return report


def _numbers(roles: Sequence[Role], origins: Mapping[str, str]) -> dict[int, int]:
    """Number the roles of one name in files of one name, but the first: their findings would share fingerprints.

    A fingerprint holds no folder, so that it outlives a move; nor the file of an input that has a name of its own.
    """
    names = Counter(role.name for role in roles)
    seen: Counter[tuple[str, str]] = Counter()
    out: dict[int, int] = {}
    for role in roles:
        if names[role.name] > 1:
            file = role.location.file
            key = role.name, origins.get(file) or os.path.basename(file)
            if seen[key]:
                out[id(role)] = seen[key]
            seen[key] += 1
    return out


def _originated(finding: Finding, origins: Mapping[str, str]) -> Finding:
    """Give a finding the fingerprint that it has wherever its input is kept.

    One about a policy by itself that has an ARN, such as an SCP that many accounts share, has the same in all of them.
    """
    origin = origins.get(finding.location.file)
    if origin is None or isinstance(finding.identity, str):
        return finding
    if not finding.role and finding.location.address:
        origin = finding.location.address
    return replace(finding, identity=(*finding.identity[:-1], origin))


def _numbered(finding: Finding, number: int) -> Finding:
    """Give a finding the fingerprint of the one that has so many alike before it."""
    if not number or isinstance(finding.identity, str):
        return finding
    return replace(finding, identity=(*finding.identity, str(number)))


def _judge_all(
    judge_part: Callable[[Sequence[Role]], _Judged], roles: list[Role], report: Report, scribe: Scribe | None
) -> None:
    """Judge roles, in several processes where there are many; the first here, so that each finds what all need.

    Args:
        scribe: what writes a role in the report's format, where each process can do so for its roles.
    """
    count = workers(len(roles), ROLES_PER_WORKER)
    written = _room(count) if scribe is not None and len(roles) > ROLES_PER_PART else None

    def work(process: int, part: Sequence[Role]) -> tuple[list[RoleReport], Piece | None, list[UnknownItem]]:
        judged, unknown = judge_part(part)
        if written is None or scribe is None:
            return judged, None, unknown
        return [], written.put(process, judged, scribe), unknown

    report.written = written
    done = [work(0, roles[:1])]
    rest = roles[1:]
    size = max(min(-(-len(rest) // (count * PARTS_PER_WORKER)), ROLES_PER_PART), -(-len(rest) // MOST_PARTS), 1)
    parts = [rest[at : at + size] for at in range(0, len(rest), size)]
    done += fork_map(work, parts, count) if count > 1 else [work(0, part) for part in parts]
    for judged, piece, unknown in done:
        report.roles += judged
        report.unknown += unknown
        if written is not None and piece is not None:
            written.pieces.append(piece)


def _room(processes: int) -> Written | None:
    """Make room for text, or give None where there is no place for files."""
    from rolelint.findings.written import Written

    try:
        return Written(processes)
    except OSError:
        return None


def _each_once(items: list[UnknownItem]) -> list[UnknownItem]:
    """Keep the first of the items that give the same reason at the same place: a policy and the role it hangs on."""
    kept: dict[tuple[str, str], UnknownItem] = {}
    for item in items:
        kept.setdefault((item.reason, str(item.location)), item)
    return list(kept.values())
