"""`rolelint can`: may anyone holding this role do it?"""

from __future__ import annotations

import json

import click

from rolelint.cli import tell
from rolelint.cli.check import TYPES
from rolelint.cli.command import Command
from rolelint.errors import UsageError, printable
from rolelint.records import replace
from rolelint.reporters import inert, plain
from rolelint.reporters.text import clean


@click.command("can", cls=Command)
@click.argument("path", metavar="FILE")
@click.option("--action", "-a", required=True, metavar="PATTERN", help="An action, or a pattern such as rds:Delete*.")
@click.option("--role", default="", metavar="NAME", help="Name, ARN or address; not needed where there is one role.")
@click.option("--resource", default=None, metavar="ARN", help="The resource to ask about, or a pattern.")
@click.option("--context", multiple=True, metavar="KEY=VALUE", help="What a context key must be. Repeatable.")
@click.option("--actor", default="automation", show_default=True, metavar="NAME", help="automation, mcp, human or any.")
@click.option("--actors", default="", metavar="FILE", help="Own actors beside these.")
@click.option("--type", "forced_type", type=click.Choice(TYPES), help="What bare policies are; shape tells otherwise.")
@click.option("--boundary", default="", metavar="FILE", help="Permissions boundary to put on the role.")
@click.option("--scp", "scps", multiple=True, metavar="FILE", help="One level of SCPs, root first. Repeatable.")
@click.option("--rcp", "rcps", multiple=True, metavar="FILE", help="RCPs of the account's resources. Repeatable.")
@click.option("--parameters", default="", metavar="FILE", help="Values of template parameters.")
@click.option("--format", "-f", "format_name", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(
    path: str,
    action: str,
    role: str,
    resource: str | None,
    context: tuple[str, ...],
    actor: str,
    actors: str,
    forced_type: str | None,
    boundary: str,
    scps: tuple[str, ...],
    rcps: tuple[str, ...],
    parameters: str,
    format_name: str,
) -> int:
    """Ask whether anyone who holds a role can perform an action; the answer carries a witness.

    Exit codes: 0 no, 1 yes, 2 errors, 4 unknown.
    """
    from rolelint.catalog import catalog
    from rolelint.cli import asking
    from rolelint.cli.overlays import use_actors
    from rolelint.engine import actor as find_actor
    from rolelint.engine import can, can_within

    asked = catalog().expand(action).bit_count()
    if not asked:
        there = "`rolelint catalog find --service PREFIX` lists the actions of a service"
        hint = asking.nearest_action(catalog(), action) or there
        raise UsageError(f"no known action matches `{printable(action)}`", hint=hint)
    use_actors(actors)
    asker = find_actor(actor)
    roles, unread = asking.load(
        path, forced_type=forced_type, boundary=boundary, scps=scps, rcps=rcps, parameters=parameters
    )
    chosen = asking.choose(roles, role, path)
    asking.expect_arn(resource)
    given = asking.parse_context(context)
    for key in asking.strange_keys(catalog(), given):
        tell(f"rolelint: unknown condition key `{printable(key)}`")
    answer = can(chosen, action, resource=resource, context=given, who=asker)
    pattern = resource is not None and resource != "*" and not {"*", "?"}.isdisjoint(resource)
    if pattern and answer.verdict == "no":  # what it is taken for literally is no name of a resource, but of log groups
        answer = can_within(chosen, action, resource or "", context=given, who=asker)
    statements = asking.deciding_statements(chosen, answer.decision)
    astray = resource and not pattern and answer.verdict == "no"
    reason = asking.astray(action, resource or "") if astray else answer.reason
    if answer.verdict == "no" and not reason and unread:
        more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
        answer, reason = replace(answer, verdict="unknown"), asking.unread_part(unread[0]) + more
    if format_name == "json":
        told = {
            "answer": answer.verdict.upper(),
            "role": chosen.id,
            "action": action,
            "actor": actor,
            "certainty": answer.certainty if answer.verdict == "yes" else None,
            "witness": answer.witness.plain() if answer.witness else None,
            "statements": statements,
            "reason": reason or None,
        }
        click.echo(inert(json.dumps(plain(told), indent=2)))
    else:
        note = " (possible)" if answer.verdict == "yes" and answer.certainty == "possible" else ""
        click.echo(clean(f"{answer.verdict.upper()}{note}: {chosen.name} {_verb(answer.verdict, asked)} {action}"))
        if answer.witness:
            click.echo("\n".join(asking.witness_lines(answer.witness)))
        if statements:
            click.echo(clean(f"  allowed by {', '.join(statements)}"))
        if reason:
            click.echo(clean(f"  {reason}"))
    return {"no": 0, "yes": 1, "unknown": 4}[answer.verdict]


def _verb(verdict: str, asked: int) -> str:
    """Say what an answer means of one action, or of a pattern of several: one of them is enough for a yes."""
    if asked == 1:
        return {"yes": "can do", "no": "cannot do", "unknown": "may or may not do"}[verdict]
    return {"yes": "can do one or more of", "no": "can do none of", "unknown": "may or may not do one of"}[verdict]
