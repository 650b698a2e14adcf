"""What is new about a role after a change: findings that speak of the power it gains, and of nothing it had."""

from __future__ import annotations

from collections.abc import Set

from rolelint.catalog import catalog
from rolelint.engine import actor
from rolelint.findings.model import Finding, RoleReport
from rolelint.policies.role import Role
from rolelint.records import replace
from rolelint.rulebook.check import findings_of, plan, role_report, texts_of
from rolelint.rulebook.model import CheckOptions, Rulebook
from rolelint.rulebook.report import FEW_ACTIONS
from rolelint.rulebook.subject import Subject


def role_change(role: Role, rulebook: Rulebook, options: CheckOptions, gained: int) -> RoleReport:
    """Judge a role by what it gains over `role.before`.

    A rule that found nothing before speaks of everything it finds. One that did speaks of gained actions only, with
    the severity that these have; a finding about a text is new when its message is.

    Args:
        gained: every action that the role may do more with than before, or of which that is not known.
    """
    before = role.before
    if before is None:
        return role_report(role, rulebook, options)
    plan_ = plan(rulebook, options)
    earlier = Subject(before, texts_of(before), actor(options.actor), plan_.interest)
    old_name, name = f"`{before.name}`", f"`{role.name}`"
    said = {(f.rule, f.message.replace(old_name, name)) for f in findings_of(earlier, plan_, options)}
    report = role_report(role, rulebook, options, earlier.found.keys(), gained)
    fresh = (_fresh(finding, earlier.found.keys(), said, gained, options) for finding in report.findings)
    report.findings = [finding for finding in fresh if finding is not None]
    return report


def _fresh(
    finding: Finding, old: Set[str], said: Set[tuple[str, str]], gained: int, options: CheckOptions
) -> Finding | None:
    if finding.rule not in old:
        return finding
    if not finding.mask:
        return None if (finding.rule, finding.message) in said else finding
    mask = finding.mask & gained
    if not mask:
        return None
    names = catalog().names(mask)
    return replace(finding, mask=mask, actions=tuple(names if options.effects == "full" else names[:FEW_ACTIONS]))
