"""`rolelint plan`: what a Terraform plan lets roles destroy, and what of that is new."""

from __future__ import annotations

import os
from typing import Any

import click

from rolelint import rulebook as rules
from rolelint.cli.check import Settings, perform
from rolelint.cli.check import command as check
from rolelint.cli.command import Command
from rolelint.errors import UsageError, counted, printable
from rolelint.findings.model import Report, RoleReport, UnknownItem
from rolelint.policies.role import Policy, Role
from rolelint.reporters.text import clean

#: How many actions of a delta the text names for each role and direction.
_NAMED = 6
#: Parameters of `check` that say nothing of a plan, or let what is none pass.
_OTHERS = ("paths", "exclude", "parameters", "forced_type", "hook")


class PlanJudge:
    """The rulebook, with the difference that the plan makes to each role.

    Args:
        new_only: leave out what the role could do, or what was unknown about it, before the plan.
    """

    def __init__(self, new_only: bool) -> None:
        self._new_only = new_only
        self._earlier_unknown: dict[int, list[UnknownItem]] = {}

    def check_role(self, role: Role, rulebook: Any, options: Any) -> RoleReport:
        """Judge a role and compare it with itself before the plan."""
        from rolelint.catalog import catalog
        from rolelint.engine import actor, difference

        if role.before is None:
            report = rules.check_role(role, rulebook, options)
            report.extra["change"] = {"status": "new"}
            return report
        known = catalog()
        who = actor(options.actor)
        gained = difference(role, role.before, within=known.destructive, who=who)
        lost = difference(role.before, role, within=known.destructive, who=who)
        if self._new_only:
            fresh = gained.mask
            for mask, _ in gained.unknown:
                fresh |= mask
            self._earlier_unknown[id(role)] = rules.role_unknowns(role.before, options)
            report = rules.check_change(role, rulebook, options, fresh)
        else:
            report = rules.check_role(role, rulebook, options)
        unknown = [(known.names(mask), reason) for mask, reason in gained.unknown if mask]
        losses = lost.gains
        hidden = next((u for u in role.unknowns if u.widens), None)
        if hidden is not None and losses:
            # What is not known yet may hold what seems to be gone.
            unknown = unknown or [(known.names(g.mask), f"{hidden.what}: {hidden.reason}") for g in losses]
            losses = ()
        changed = bool(gained.gains or unknown or losses)
        report.extra["change"] = {
            "status": "changed" if changed else "unchanged",
            "gains": [_entry(g) for g in gained.gains],
            "loses": [_entry(g) for g in losses],
            "unknown": [{"actions": len(names), "reason": reason} for names, reason in unknown],
        }
        return report

    def check_policy(self, policy: Policy, rulebook: Any, options: Any) -> Any:
        """Judge a policy by itself; the reader leaves out those that the plan does not change."""
        return rules.check_policy(policy, rulebook, options)

    def check_guardrails(self, roles: Any, rulebook: Any, options: Any) -> Any:
        """Judge the SCPs and RCPs around roles."""
        return rules.check_guardrails(roles, rulebook, options)

    def role_unknowns(self, role: Role, options: Any) -> list[UnknownItem]:
        """List what could not be decided about a role and could be before the plan."""
        items = rules.role_unknowns(role, options)
        earlier = {(u.what, u.reason) for u in self._earlier_unknown.get(id(role), ())}
        return [u for u in items if (u.what, u.reason) not in earlier]


def _entry(gain: Any) -> dict[str, Any]:
    """Write a group of actions, the worst one first, with one request that shows it."""
    from rolelint.catalog import catalog
    from rolelint.rulebook.selectors import worst

    names = list(catalog().names(gain.mask))
    first = catalog().names(1 << worst(gain.mask))
    actions = [*first, *(n for n in names if n not in first)]
    return {"actions": actions, "example": {"action": gain.witness.action, "resource": gain.witness.resource}}


def closing(report: Report) -> str:
    """Write what the plan changes for each role, for people."""
    lines: list[str] = []
    for role in report.roles:
        change = role.extra.get("change") or {}
        if change.get("status") != "changed":
            continue
        lines.append(f"  {clean(role.name)}  {clean(role.id)}")
        for word in ("gains", "loses"):
            for entry in change[word]:
                lines.append(f"    {word} {_named(entry)}")
        for entry in change["unknown"]:
            lines.append(f"    unknown for {counted(entry['actions'], 'action')}: {clean(entry['reason'])}")
    new = sum(1 for r in report.roles if (r.extra.get("change") or {}).get("status") == "new")
    same = sum(1 for r in report.roles if (r.extra.get("change") or {}).get("status") == "unchanged")
    lines.append(f"  {counted(new, 'new role')}, {counted(same, 'role')} without a change of power")
    return "\nthis plan\n" + "\n".join(lines) + "\n"


def _named(entry: dict[str, Any]) -> str:
    actions, example = entry["actions"], entry["example"]
    more = f" and {len(actions) - _NAMED} more" if len(actions) > _NAMED else ""
    text = f"{', '.join(actions[:_NAMED])}{more}, for example {example['action']} on {example['resource']}"
    return clean(text)


def _run(plan: str, source: str, new_only: bool, **options: Any) -> int:
    """Say what the roles of a Terraform or OpenTofu plan can destroy, before it is applied.

    PLAN is the output of `terraform show -json`, or `-` for standard input. Roles are put together across
    resources as AWS will see them. Values that the plan does not know stay unknown, and exit code 4 says so,
    unless the configuration beside the plan tells them.

    Exit codes: 0 clean, 1 findings at or above --fail-on, 2 errors, 3 not a plan, 4 something is unknown.
    """
    reading = {"source": _source(source), "new_only": new_only}
    settings = Settings.of(options, paths=(plan,), reader_options=reading, only="plan")
    nothing = "this is no plan. give the output of `terraform show -json PLANFILE`"
    return perform(PlanJudge(new_only), settings, closing=closing, nothing=nothing)


def _source(source: str) -> str:
    context = click.get_current_context()
    if source and not os.path.isdir(source):
        raise UsageError(f"no such folder: `{printable(source)}`")
    if source or context.get_parameter_source("source") is click.core.ParameterSource.COMMANDLINE:
        return source
    return "."


command = Command(
    "plan",
    emptied=("source",),
    callback=_run,
    help=_run.__doc__,
    params=[
        click.Argument(["plan"], metavar="PLAN"),
        click.Option(
            ["--source"],
            default="",
            metavar="DIR",
            help="Folder of the root module, for lines and for values that the plan does not know. "
            "[default: the working directory; an empty text for none]",
        ),
        click.Option(["--new-only"], is_flag=True, help="Only what the plan adds to each role."),
        *(p for p in check.params if p.name not in _OTHERS),
    ],
)
