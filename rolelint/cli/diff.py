"""`rolelint diff`: what does the new version allow that the old one did not?"""

from __future__ import annotations

import filecmp
import json
import os
from collections.abc import Iterator
from typing import Any

import click

from rolelint.cli.check import TYPES
from rolelint.cli.command import Command
from rolelint.errors import counted
from rolelint.policies.role import Role
from rolelint.reporters import inert, plain
from rolelint.reporters.text import clean


@click.command("diff", cls=Command)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--role", default="", metavar="NAME", help="Compare this role only.")
@click.option("--destructive-only", is_flag=True, help="Only actions that can destroy, lock out, disrupt or escalate.")
@click.option("--actor", default="any", show_default=True, metavar="NAME", help="automation, mcp, human or any.")
@click.option("--actors", default="", metavar="FILE", help="Own actors beside these.")
@click.option("--type", "forced_type", type=click.Choice(TYPES), help="What bare policies are; shape tells otherwise.")
@click.option("--parameters", default="", metavar="FILE", help="Values of template parameters, for OLD and NEW.")
@click.option("--format", "-f", "format_name", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(
    old: str,
    new: str,
    role: str,
    destructive_only: bool,
    actor: str,
    actors: str,
    forced_type: str | None,
    parameters: str,
    format_name: str,
) -> int:
    """Ask whether NEW allows any request that OLD does not: whole roles, with boundaries and SCPs.

    OLD and NEW are files or folders of any input format; roles are matched by address, ARN or name, and two lone
    policies with each other. A role that OLD lacks gains everything it can do.

    Who may assume a role is not compared, nor are SCPs and resource policies that stand by themselves.

    Exit codes: 0 nothing gained, 1 gained, 2 errors, 4 unknown.
    """
    from rolelint.catalog import catalog
    from rolelint.cli import asking
    from rolelint.cli.overlays import use_actors
    from rolelint.engine import actor as find_actor
    from rolelint.engine import difference

    use_actors(actors)
    asker = find_actor(actor)
    known = catalog()
    within = known.destructive if destructive_only else known.full
    before, _ = asking.load(old, forced_type=forced_type, parameters=parameters)
    after, unread = asking.load(new, forced_type=forced_type, parameters=parameters)
    parts = [asking.unread_part(item) for item in unread if not _stands_in(old, new, item.location.file)]
    pairs = Pairs(before, after, (old, new))
    if role:
        after = [asking.choose(after, role, new)]
    rows: list[dict[str, Any]] = []
    for one in after:
        found = difference(one, pairs.partner(one), within=within, who=asker)
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
    unknown = bool(parts) or any(r["unknown"] for r in rows)
    if format_name == "json":
        for row in rows:
            del row["_lines"]
        answer = "YES" if gained else "UNKNOWN" if unknown else "NO"
        told = {"answer": answer, "actor": actor, "roles": rows, "unread": parts}
        click.echo(inert(json.dumps(plain(told), indent=2)))
    else:
        _show(rows, parts)
    return 1 if gained else 4 if unknown else 0


class Pairs:
    """Finds the old version of a role: same address, ARN or name; or the only one, where each side has one.

    Where several on one side have them in common, those of files of the same path below what is compared are one; of
    several of those, as when many configurations call one module, the first is the first, where they are as many.

    Args:
        old, new: all roles of either side. roots: the file or folder that each comes from.
    """

    def __init__(self, old: list[Role], new: list[Role], roots: tuple[str, str]) -> None:
        self._old, self._new, self._roots = old, new, roots
        self._found: dict[tuple[str, ...], list[Role]] = {}
        for role in old:
            for key in _keys(role):
                self._found.setdefault(key, []).append(role)
        self._rivals: dict[tuple[str, ...], list[Role]] = {}
        for role in new:
            for key in _keys(role):
                self._rivals.setdefault(key, []).append(role)

    def partner(self, role: Role) -> Role | None:
        """Give the old version of a new role, or None where it has none."""
        for key in _keys(role):
            found, rivals = self._found.get(key, []), self._rivals[key]
            if len(found) > 1 or len(rivals) > 1:
                here = _below(role, self._roots[1])
                found = [r for r in found if _below(r, self._roots[0]) == here]
                rivals = [r for r in rivals if _below(r, self._roots[1]) == here]
            if len(found) == len(rivals) > 1:
                return next(old for old, new in zip(found, rivals, strict=True) if new is role)
            if len(found) == 1:
                return found[0]
        return self._old[0] if len(self._old) == 1 and len(self._new) == 1 else None


def _keys(role: Role) -> Iterator[tuple[str, ...]]:
    if role.location.address:
        yield "address", role.location.address
    if role.arn:
        yield "arn", role.arn
    yield "name", role.kind, role.name


def _below(role: Role, root: str) -> str:
    """Give the path of a role's file below a folder."""
    return os.path.relpath(role.location.file, root) if role.location.file else ""


def _stands_in(old: str, new: str, file: str) -> bool:
    """Tell whether a file of NEW, or NEW itself, is the same in OLD: what is not known in it is nothing new."""
    try:
        return filecmp.cmp(os.path.normpath(os.path.join(old, os.path.relpath(file, new))), file, shallow=False)
    except OSError:
        return False


def _show(rows: list[dict[str, Any]], parts: list[str]) -> None:
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
            click.echo(clean(f"  unknown for {counted(len(item['actions']), 'action')}: {item['reason']}"))
    for part in parts:
        click.echo(clean(part))
    gained = sum(len(g["actions"]) for r in rows for g in r["gains"])
    click.echo(f"{counted(len(rows), 'role')} compared, {counted(gained, 'action')} gained")
