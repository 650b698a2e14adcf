"""Ask the rules about roles and policies."""

from __future__ import annotations

from collections.abc import Iterable, Set

from rolelint.catalog import Catalog, catalog
from rolelint.engine import Powers, actor, powers
from rolelint.errors import counted
from rolelint.findings.model import RANK, Finding, RoleReport, UnknownItem
from rolelint.policies.role import Policy, Role
from rolelint.records import record
from rolelint.rulebook.masks import Prepared, prepare
from rolelint.rulebook.model import CheckOptions, Rule, Rulebook
from rolelint.rulebook.report import Draft, draft, effects, finding, fold
from rolelint.rulebook.subject import Subject


@record(eq=False)
class Plan:
    """The rules of a check in the order they are asked, and the actions they need to know about.

    Attributes:
        wanted: codes of the rules whose findings are reported; others are asked because a wanted one looks at them.
    """

    rules: tuple[Prepared, ...]
    wanted: frozenset[str]
    interest: int
    known: Catalog


#: The powers of the role judged last: what could not be decided about it is asked for next.
_last: list[Powers] = []
_prepared: dict[int, tuple[Rule, Prepared, Catalog]] = {}
_plans: dict[tuple[int, frozenset[str], frozenset[str]], tuple[Rulebook, Plan]] = {}


def plan(rulebook: Rulebook, options: CheckOptions) -> Plan:
    """Choose and compile the rules of a check; the same rulebook and options are compiled once."""
    key = (id(rulebook), options.select, options.ignore)
    found = _plans.get(key)
    if found is None or found[0] is not rulebook or found[1].known is not catalog():
        found = _plans[key] = (rulebook, _plan(rulebook, options))
    return found[1]


def _plan(rulebook: Rulebook, options: CheckOptions) -> Plan:
    wanted = frozenset(rule.id for rule in rulebook.rules if options.wants(rule.id))
    every = [_prepare(rule) for rule in rulebook.rules]
    late = any(p.late for p in every if p.rule.id in wanted)
    chosen = [p for p in every if late or p.rule.id in wanted]
    interest = catalog().destructive
    for prepared in chosen:
        interest |= prepared.interest
    chosen.sort(key=lambda p: p.late)
    return Plan(tuple(chosen), wanted, interest, catalog())


def _prepare(rule: Rule) -> Prepared:
    found = _prepared.get(id(rule))
    if found is None or found[0] is not rule or found[2] is not catalog():
        found = _prepared[id(rule)] = (rule, prepare(rule), catalog())
    return found[1]


def role_report(
    role: Role, rulebook: Rulebook, options: CheckOptions, old: Set[str] = frozenset(), gained: int = 0
) -> RoleReport:
    """Judge one role.

    Args:
        old: codes of rules that speak of gained actions only.
    """
    plan_ = plan(rulebook, options)
    subject = Subject(role, texts_of(role), actor(options.actor), plan_.interest)
    report = RoleReport(role.id, role.name, role.arn, role.kind, role.location)
    if subject.powers is not None:
        _last[:] = [subject.powers]
    report.findings = findings_of(subject, plan_, options, old, gained)
    if options.effects != "none" and subject.powers is not None:
        report.effects = effects(subject.powers, full=options.effects == "full")
    return report


def texts_of(role: Role) -> list[Policy]:
    """List the policies of a role whose text is judged with it; SCPs and RCPs are judged once for all roles."""
    out = list(role.identity)
    out += [p for p in (role.boundary, role.trust) if p is not None]
    out += role.session or ()
    return out


def findings_of(
    subject: Subject, plan_: Plan, options: CheckOptions, old: Set[str] = frozenset(), gained: int = 0
) -> list[Finding]:
    """Ask every rule of a check about one subject; see `role_report`."""
    drafts: list[Draft] = []
    mask = subject.mask
    for prepared in plan_.rules:
        for need in prepared.needs:
            if not mask & need:
                break
        else:
            hit = prepared.question.ask(subject) if mask or not prepared.of_powers else None
            if hit is not None:
                one = draft(prepared.rule, hit, prepared.lowers, subject)
                subject.found[prepared.rule.id] = (prepared.rule.category, one.severity)
                if prepared.rule.category != "hygiene":
                    subject.told |= hit.says
                if prepared.rule.id in old:
                    fresh = hit.within(gained)
                    if fresh is None:
                        continue
                    one = draft(prepared.rule, fresh, prepared.lowers, subject)
                drafts.append(one)
    if not drafts:
        return []
    standing = fold([d for d in drafts if d.rule.id in plan_.wanted], subject)
    standing.sort(key=lambda d: (RANK[d.severity], d.rule.id))
    return [finding(d, subject, all_actions=options.effects == "full") for d in standing]


def policy_findings(policy: Policy, rulebook: Rulebook, options: CheckOptions) -> list[Finding]:
    """Judge a policy by itself."""
    plan_ = plan(rulebook, options)
    return findings_of(Subject(None, [policy], actor(options.actor), plan_.interest), plan_, options)


def guardrail_findings(roles: Iterable[Role], rulebook: Rulebook, options: CheckOptions) -> list[Finding]:
    """Judge the SCPs and RCPs around roles, each once."""
    seen: dict[int, Policy] = {}
    levels: set[int] = set()
    for role in roles:
        for group in (*(role.scps or ()), role.rcps or ()):
            if id(group) not in levels:
                levels.add(id(group))
                seen.update((id(policy), policy) for policy in group)
    distinct: dict[tuple[str, object], Policy] = {}
    for policy in seen.values():
        distinct.setdefault((policy.name, policy.document), policy)
    return [f for policy in distinct.values() for f in policy_findings(policy, rulebook, options)]


def unknown_items(role: Role, options: CheckOptions) -> list[UnknownItem]:
    """List what could not be decided about a role."""
    held = _last[0] if _last and _last[0].role is role and _last[0].actor.name == options.actor else None
    if held is None:
        held = powers(role, actor(options.actor))
    items = []
    # What the reader said of a statement, it says with the name of what is not known.
    told = {unknown.location for unknown in held.unknown if not unknown.mask}
    for unknown in held.unknown:
        what = unknown.what
        if unknown.mask:
            if unknown.location in told:
                continue
            mask = unknown.mask & catalog().destructive
            if not mask:
                continue
            first = catalog().name((mask & -mask).bit_length() - 1)
            more = mask.bit_count() - 1
            what = f"`{first}` and {counted(more, 'more action')}" if more else f"`{first}`"
        items.append(UnknownItem(role.id, role.name, what, unknown.reason, unknown.location))
    undecided = catalog().attribute_mask("undecided")
    if undecided:
        granted = powers(role, actor(options.actor), undecided).mask
        for name in catalog().names(granted):
            reason = "the role can perform it, and no effect has been decided for it"
            items.append(UnknownItem(role.id, role.name, f"`{name}`", reason, role.location))
    return items
