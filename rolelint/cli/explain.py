"""`rolelint explain`: one rule in full, in the terminal, offline."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any

import click

from rolelint.cli.command import Command
from rolelint.errors import printable
from rolelint.reporters.text import layout


@click.command("explain", cls=Command)
@click.argument("rule", metavar="RULE")
@click.option("--rules", "rule_folders", multiple=True, metavar="DIR", help="Further rules. Repeatable.")
def command(rule: str, rule_folders: tuple[str, ...]) -> int:
    """Explain a rule by its code or name: why, a bad and a good example, the fix, references."""
    from rolelint.rulebook import load_rules

    width = max(40, min(shutil.get_terminal_size((88, 24)).columns, 100))
    book = load_rules(rule_folders)
    if book.find(rule) is None:
        from rolelint.grammar import find_issue

        issue = find_issue(rule)
        if issue is not None:
            return _issue(issue, width)
    found = book.get(rule)
    _head(found, "", width)
    bad = [example for example in found.examples if found.id in example.flags]
    bad.sort(key=lambda example: bool(example.at_most))  # what shows the rule at its full severity
    good = [example for example in found.examples if found.id not in example.flags]
    for title, examples in (("Bad", bad[:1]), ("Good", good[:1])):
        for example in examples:
            _example(f"{title}: {example.name}", example.role if example.policy is None else example.policy, width)
    _section("Fix", found.fix, width)
    if found.statement:
        click.echo(textwrap.indent(_json(found.statement, width), "  "))
    _references(found)
    return 0


def _issue(issue: Any, width: int) -> int:
    """Explain an issue of the grammar checks."""
    _head(issue, f", with {'--include-community-auditors' if issue.community else '--grammar'}", width)
    for title, policy in (("Bad", issue.bad), ("Good", issue.good)):
        if policy is not None:
            _example(title, policy, width)
    _section("Fix", issue.fix, width)
    _references(issue)
    return 0


def _head(found: Any, more: str, width: int) -> None:
    """Write what a rule or issue is called, its facts, and why."""
    click.echo(click.style(f"{found.id} {found.name}", bold=True))
    facts = f"({found.severity}, {found.category}, since {found.since}{more})"
    click.echo(textwrap.fill(f"{printable(found.title)} {facts}", width, subsequent_indent="  "))
    _section("Why", found.why, width)


def _example(title: str, written: Any, width: int) -> None:
    head = textwrap.fill(printable(title), width, subsequent_indent="  ")
    click.echo("\n" + click.style(head, bold=True))
    click.echo(textwrap.indent(_json(written, width), "  "))


def _references(found: Any) -> None:
    click.echo("\n" + click.style("References", bold=True))
    for reference in found.references:
        click.echo(f"  {printable(reference)}")


def _section(title: str, text: str, width: int) -> None:
    click.echo("\n" + click.style(title, bold=True))
    for paragraph in text.strip().split("\n\n"):
        words = printable(" ".join(paragraph.split()))
        click.echo(textwrap.fill(words, width, initial_indent="  ", subsequent_indent="  "))


def _json(value: Any, width: int) -> str:
    """Write an example compactly: what fits stays on one line."""
    return value if isinstance(value, str) else "\n".join(layout(value, width - 2))
