"""What is new about a role after a change: findings that speak of the power it gains, and of nothing it had."""

from __future__ import annotations

from collections.abc import Set

from rolelint.catalog import catalog
from rolelint.engine import actor, difference
from rolelint.findings.model import Finding, RoleReport
from rolelint.policies.role import Role
from rolelint.records import replace
from rolelint.rulebook.check import findings_of, plan, role_report, texts_of
from rolelint.rulebook.model import CheckOptions, Rulebook
from rolelint.rulebook.report import FEW_ACTIONS
from rolelint.rulebook.subject import Subject


def role_change(role: Role, rulebook: Rulebook, options: CheckOptions, gained: int) -> RoleReport:
    """Judge a role by what it gains over `role.before`.

    A rule that found nothing before speaks of everything it finds, if some of that is gained: a narrower policy may be
    written in a way that a rule did not find in the wider one. One that did find something speaks of gained actions
    only, with the severity that these have; a finding about a text is new when its message is. A finding without
    actions needs a gain, or a change of what is no grant: the trust policy, the boundary, the session policies.

    Args:
        gained: every action that the role may do more with than before, or of which that is not known.
    """
    before = role.before
    if before is None:
        return role_report(role, rulebook, options)
    plan_ = plan(rulebook, options)
    who = actor(options.actor)
    others = difference(role, before, within=plan_.interest & ~catalog().destructive, who=who)
    gained |= others.mask
    for mask, _ in others.unknown:
        gained |= mask
    limits = [(r.trust, r.boundary, r.session) for r in (role, before)]
    around = limits[0] != limits[1]
    earlier = Subject(before, texts_of(before), who, plan_.interest)
    old_name, name = f"`{before.name}`", f"`{role.name}`"
    said = {(f.rule, f.message.replace(old_name, name)) for f in findings_of(earlier, plan_, options)}
    report = role_report(role, rulebook, options, earlier.found.keys(), gained)
    fresh = (_fresh(finding, earlier.found.keys(), said, gained, around, options) for finding in report.findings)
    report.findings = [finding for finding in fresh if finding is not None]
    return report


def _fresh(
    finding: Finding, old: Set[str], said: Set[tuple[str, str]], gained: int, around: bool, options: CheckOptions
) -> Finding | None:
    if not finding.mask:
        new = finding.rule not in old or (finding.rule, finding.message) not in said
        return finding if new and (gained or around) else None
    if finding.rule not in old:
        return finding if finding.mask & gained else None
    mask = finding.mask & gained
    if not mask:
        return None
    names = catalog().names(mask)
    shown = names if options.effects == "full" else names[:FEW_ACTIONS]
    return replace(finding, mask=mask, actions=tuple(shown), count=len(names))
