"""`rolelint diff`: what does the new version allow that the old one did not?"""

from __future__ import annotations

import json
import os
from typing import Any

import click

from rolelint.cli.check import TYPES
from rolelint.policies.role import Role
from rolelint.reporters import plain
from rolelint.reporters.text import clean


@click.command("diff", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--role", default="", metavar="NAME", help="Compare this role only.")
@click.option("--destructive-only", is_flag=True, help="Only actions that can destroy, lock out, disrupt or escalate.")
@click.option("--actor", default="any", show_default=True, metavar="NAME", help="automation, mcp, human or any.")
@click.option("--type", "forced_type", type=click.Choice(TYPES), help="What bare policies are; shape tells otherwise.")
@click.option("--parameters", default="", metavar="FILE", help="Values of template parameters, for OLD and NEW.")
@click.option("--format", "-f", "format_name", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(
    old: str,
    new: str,
    role: str,
    destructive_only: bool,
    actor: str,
    forced_type: str | None,
    parameters: str,
    format_name: str,
) -> int:
    """Ask whether NEW allows any request that OLD does not: whole roles, with boundaries and SCPs.

    OLD and NEW are files or folders of any input format; roles are matched by address, ARN or name, and two lone
    policies with each other. A role that OLD lacks gains everything it can do.

    Exit codes: 0 nothing gained, 1 gained, 2 errors, 4 unknown.
    """
    from rolelint.catalog import catalog
    from rolelint.cli import asking
    from rolelint.engine import actor as find_actor
    from rolelint.engine import difference

    asker = find_actor(actor)
    known = catalog()
    within = known.destructive if destructive_only else known.full
    before = asking.load(old, forced_type=forced_type, parameters=parameters)
    after = asking.load(new, forced_type=forced_type, parameters=parameters)
    if role:
        after = [asking.choose(after, role, new)]
    rows: list[dict[str, Any]] = []
    for one in after:
        found = difference(one, partner(one, before, after, (old, new)), within=within, who=asker)
        rows.append(
            {
                "role": one.id,
                "name": one.name,
                "gains": [{"actions": known.names(g.mask), "witness": g.witness.plain()} for g in found.gains],
                "unknown": [{"actions": known.names(m), "reason": r} for m, r in found.unknown],
                "_lines": [asking.witness_lines(g.witness, "      ") for g in found.gains],
            }
        )
    gained = any(r["gains"] for r in rows)
    unknown = any(r["unknown"] for r in rows)
    if format_name == "json":
        for row in rows:
            del row["_lines"]
        answer = "YES" if gained else "UNKNOWN" if unknown else "NO"
        click.echo(json.dumps(plain({"answer": answer, "actor": actor, "roles": rows}), indent=2))
    else:
        _show(rows)
    return 1 if gained else 4 if unknown else 0


def partner(role: Role, others: list[Role], siblings: list[Role], roots: tuple[str, str] = ("", "")) -> Role | None:
    """Find the old version of a role: same address, ARN or name; or the only one, where each side has one.

    Of several those in the file of the same path below what was compared.

    Args:
        roots: the folders that hold the others and the role.
    """
    candidates = (
        [r for r in others if r.location.address and r.location.address == role.location.address],
        [r for r in others if r.arn and r.arn == role.arn],
        [r for r in others if r.kind == role.kind and r.name == role.name],
    )
    here = _below(role, roots[1])
    for found in candidates:
        near = [r for r in found if _below(r, roots[0]) == here] if len(found) > 1 else found
        if len(near) == 1:
            return near[0]
    return others[0] if len(others) == 1 and len(siblings) == 1 else None


def _below(role: Role, root: str) -> str:
    """Give the path of a role's file below a folder."""
    return os.path.relpath(role.location.file, root) if root and role.location.file else role.location.file


def _show(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if not row["gains"] and not row["unknown"]:
            continue
        click.echo(clean(row["name"]))
        for gain, lines in zip(row["gains"], row["_lines"], strict=True):
            actions = gain["actions"]
            more = f" and {len(actions) - 4} more" if len(actions) > 4 else ""
            click.echo(clean(f"  gains {', '.join(actions[:4])}{more}"))
            click.echo("\n".join(lines))
        for item in row["unknown"]:
            click.echo(clean(f"  unknown for {len(item['actions'])} actions: {item['reason']}"))
    gained = sum(len(g["actions"]) for r in rows for g in r["gains"])
    roles, actions = (f"{n} {noun if n == 1 else noun + 's'}" for n, noun in ((len(rows), "role"), (gained, "action")))
    click.echo(f"{roles} compared, {actions} gained")
