"""Findings and the report, as plain values that every output format reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rolelint.errors import Location, Problem
from rolelint.records import field, record

if TYPE_CHECKING:
    from rolelint.findings.written import Written

#: Most severe first.
SEVERITIES = ("critical", "high", "medium", "low", "info")
#: Severities by their number, 0 the most severe.
RANK = {severity: number for number, severity in enumerate(SEVERITIES)}


def at_least(severity: str, threshold: str) -> bool:
    """Tell whether a severity reaches a threshold: `critical` reaches `high`."""
    return RANK[severity] <= RANK[threshold]


@record
class Witness:
    """One concrete request that AWS would allow.

    Attributes:
        principal: ARN of the principal, or a stand-in when it is not known.
        action: AWS's spelling.
        resource: one ARN, `*`, or the ARNs of a multi-resource action joined by `, `.
        context: the request context that the decision needed; keys as AWS spells them.
        assumes: what was taken for granted beside the input, for example `the key policy delegates to the account`.
    """

    principal: str
    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)
    assumes: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, as every report that machines read shows it."""
        return {
            "principal": self.principal,
            "action": self.action,
            "resource": self.resource,
            "context": self.context,
            "assumes": self.assumes,
        }


@record
class Related:
    """Another place that a finding speaks of."""

    location: Location
    message: str


@record
class Finding:
    """One thing a reviewer should act on.

    Attributes:
        rule, name: stable code and readable name, for example `RL106` and `environment-rebuild`.
        title: the rule's title.
        severity: after everything that lowers it; `base_severity` is the rule's own.
        lowered: why the severity is below the rule's own, one phrase each.
        certainty: `proved` or `possible` (holds for some value of what is not known).
        role: `Role.id`, or empty for a finding about a lone policy.
        role_name: what to call the role in text.
        message: one sentence naming the role and the power.
        location: the primary place, never missing.
        excerpt: the source lines around the location, as (1-based line number, text); may be empty.
        witness: None for findings that are about a text and not about a power.
        actions: every action the finding is about, in catalogue order; in summaries the first of them.
        count: how many actions it is about; 0: as many as `actions` names.
        granted_by: names of the granting statements: `policy name / Sid or Statement index`.
        fix: one sentence, and where possible a rewritten statement, from the rule.
        identity: what its fingerprint is made of (`fingerprint_of`), the name of its file without folders last, or a
            fingerprint already made.
        mask: the actions as a bitset over the catalogue, complete also where `actions` is cut short.
        extra: what an account tells about it: real damage, last use, AWS's own opinion. Plain data.
    """

    rule: str
    name: str
    title: str
    severity: str
    base_severity: str
    certainty: str
    role: str
    role_name: str
    message: str
    location: Location
    identity: str | tuple[str, ...]
    witness: Witness | None = None
    actions: tuple[str, ...] = ()
    count: int = 0
    scope: str = ""
    gate: str = ""
    granted_by: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    lowered: tuple[str, ...] = ()
    excerpt: tuple[tuple[int, str], ...] = ()
    fix: str = ""
    category: str = ""
    mask: int = field(default=0, compare=False, repr=False)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """A name that is stable over line moves, reformatting and reordering."""
        return self.identity if isinstance(self.identity, str) else fingerprint_of(self.identity)


def fingerprint_of(parts: tuple[str, ...]) -> str:
    """Hash what identifies a finding: rule, role, normalised statement, file; never a line number."""
    import hashlib

    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@record
class EffectGroup:
    """Actions of one effect class that a role can perform under the same terms.

    Attributes:
        actions: AWS's spelling, catalogue order; empty in summaries, where `count` still tells.
        scope: `any` (any resource of its type in the account), `pattern` or `named`.
        certainty: `proved` or `possible`.
        gate: what the grant depends on beyond holding the role, or empty.
        granted_by: the granting statements.
        resources: the broadest allowed patterns, for `pattern` and `named`.
    """

    actions: tuple[str, ...]
    count: int
    scope: str
    certainty: str
    gate: str
    granted_by: tuple[str, ...]
    resources: tuple[str, ...] = ()


@record(frozen=False)
class RoleReport:
    """One role of the report.

    Attributes:
        effects: maps an effect class to groups; classes without power are left out. None where a report that was read
            back does not tell it, which is not the same as no power.
    """

    id: str
    name: str
    arn: str
    kind: str
    source: Location
    effects: dict[str, tuple[EffectGroup, ...]] | None = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@record
class UnknownItem:
    """Something that could not be decided, and why."""

    role: str
    role_name: str
    what: str
    reason: str
    location: Location


#: Data of ours that users may lay their own over.
OVERLAYS = ("labels", "actors")


@record(frozen=False)
class Report:
    """Everything one run says.

    Attributes:
        roles: in order of appearance, each with its findings.
        findings: findings that belong to no role (lone policies).
        unknown: what could not be decided.
        errors: inputs that could not be parsed (exit code 2).
        warnings: things read, but not as AWS would accept them.
        files: number of files read; `checked`: number of documents with IAM content.
        overlays: files of the user's own data that were laid over ours, by what they hold (`OVERLAYS`).
        extra: what a scan tells about itself: totals, what was not seen. Plain data.
        written: roles with their findings that are text of the report already; they come before `roles`.
        inputs: paths of files that it says something about, or that what it says rests on.
    """

    roles: list[RoleReport] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unknown: list[UnknownItem] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    files: int = 0
    checked: int = 0
    suppressed: int = 0
    fail_on: str = "high"
    actor: str = "automation"
    catalog: dict[str, Any] = field(default_factory=dict)
    overlays: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    written: Written | None = None
    inputs: set[str] = field(default_factory=set)

    def take(self, other: Report) -> None:
        """Add what another report of the same run says."""
        self.roles += other.roles
        self.findings += other.findings
        self.unknown += other.unknown
        self.errors += other.errors
        self.warnings += other.warnings
        self.files += other.files
        self.checked += other.checked
        self.suppressed += other.suppressed
        self.inputs |= other.inputs

    def all_findings(self) -> list[Finding]:
        """List the findings of all roles and of lone policies, in order of appearance, but those that are text."""
        return [f for role in self.roles for f in role.findings] + self.findings

    def severities(self) -> dict[str, int]:
        """Count all findings by severity."""
        out = {s: self.written.findings(s) if self.written else 0 for s in SEVERITIES}
        for finding in self.all_findings():
            out[finding.severity] += 1
        return out

    def close(self) -> None:
        """Let go of what waits outside this process's memory."""
        if self.written is not None:
            self.written.close()

    def exit_code(self, allow_unknown: bool = False) -> int:
        """Work out the exit code: 2 input errors, 3 nothing to check, 1 findings, 4 unknown, 0 clean.

        With the threshold `never`, findings do not count.
        """
        if self.errors:
            return 2
        if not self.checked:
            return 3
        counts = self.severities().items() if self.fail_on != "never" else ()
        if any(count and at_least(severity, self.fail_on) for severity, count in counts):
            return 1
        return 4 if self.unknown and not allow_unknown else 0
