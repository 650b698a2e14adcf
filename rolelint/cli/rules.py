"""`rolelint rules`: what rolelint looks for."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import Any

import click

from rolelint.cli.command import Command
from rolelint.errors import printable

#: Columns that a title must have to stand beside its rule, and not below it.
_LEAST = 30


@click.command("rules", cls=Command)
@click.option("--rules", "rule_folders", multiple=True, metavar="DIR", help="Further rules. Repeatable.")
@click.option("--format", "-f", "format_name", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--grammar", is_flag=True, help="List the issues of `check --grammar` as well.")
def command(rule_folders: tuple[str, ...], format_name: str, grammar: bool) -> int:
    """List the rules: code, severity, name and title."""
    from rolelint.rulebook import load_rules

    rules: list[Any] = list(load_rules(rule_folders).rules)
    if grammar:
        from rolelint.grammar import ISSUES

        rules += ISSUES
    if format_name == "json":
        listed = [
            {
                "id": rule.id,
                "name": rule.name,
                "title": rule.title,
                "severity": rule.severity,
                "category": rule.category,
                "since": rule.since,
                "fix": rule.fix,
            }
            for rule in rules
        ]
        click.echo(json.dumps({"schema": "rolelint-rules/1", "rules": listed}, indent=2))
        return 0
    width = max(40, min(shutil.get_terminal_size((100, 24)).columns, 140))
    codes = max((len(rule.id) for rule in rules), default=0)
    names = max((len(rule.name) for rule in rules), default=0)
    category = ""
    for rule in rules:
        if rule.category != category:
            click.echo(("\n" if category else "") + click.style(printable(rule.category), bold=True))
            category = rule.category
        head = f"  {rule.id:<{codes}}  {rule.severity:<8}  {rule.name:<{names}}  "
        title = printable(rule.title)
        if width - len(head) >= _LEAST:
            lines = textwrap.wrap(title, width - len(head)) or [""]
            click.echo(head + f"\n{' ' * len(head)}".join(lines))
        else:
            click.echo(f"  {rule.id}  {rule.severity}  {rule.name}")
            click.echo(textwrap.fill(title, width, initial_indent=" " * 4, subsequent_indent=" " * 4))
    click.echo()
    click.echo(textwrap.fill(f"{len(rules)} rules. `rolelint explain CODE` says more about one.", width))
    return 0
