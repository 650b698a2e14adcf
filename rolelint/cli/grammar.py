"""The options of the grammar checks, and the names of their issues beside those of the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import click

from rolelint.cli import tell
from rolelint.errors import UsageError, nearest, printable

_Command = TypeVar("_Command", bound=Callable[..., Any])


class GrammarOptions(NamedTuple):
    """What the command line says about parliament; a setting for it asks for it too."""

    grammar: bool = False
    parliament_config: str = ""
    private_auditors: str = ""
    include_community_auditors: bool = False

    @property
    def wanted(self) -> bool:
        """Tell whether parliament is asked."""
        return any(self)


def options(command: _Command) -> _Command:
    """Add the options of the grammar checks to a command."""
    for add in (
        click.option(
            "--include-community-auditors", is_flag=True, help="Ask parliament's community auditors too (--grammar)."
        ),
        click.option(
            "--private-auditors", default="", metavar="DIR", help="Own auditors, as parliament runs them (--grammar)."
        ),
        click.option(
            "--parliament-config", default="", metavar="FILE", help="parliament's configuration override (--grammar)."
        ),
        click.option("--grammar", is_flag=True, help="Report parliament's grammar and resource checks as well."),
    ):
        command = add(command)
    return command


def taken(arguments: dict[str, Any]) -> GrammarOptions:
    """Give the options of the grammar checks among a command's arguments; there may be no others."""
    return GrammarOptions(**arguments)


def resolve(book: Any, names: Iterable[str], chosen: GrammarOptions) -> frozenset[str]:
    """Turn names of rules and issues, as a user writes them, some with commas between, into codes.

    Raises:
        UsageError: for a name that nothing has, with the nearest rule, and for a text without a name.
    """
    codes = set()
    wanted = [[one.strip() for one in several.split(",") if one.strip()] for several in names]
    if not all(wanted):
        raise UsageError("a list of rules names none", hint="`rolelint rules` lists them")
    for name in (one for several in wanted for one in several):
        if book.find(name) is not None:
            codes.add(book.get(name).id)
            continue
        from rolelint.grammar import ISSUES, PREFIX, find_issue

        issue = find_issue(name)
        code = name.upper()
        own = chosen.parliament_config or chosen.private_auditors
        if issue is not None:
            codes.add(issue.id)
        elif code == PREFIX or (own and code.startswith(f"{PREFIX}-")):
            codes.add(code)
        elif code.startswith(f"{PREFIX}-"):
            hint = nearest(code, [issue.id for issue in ISSUES]) or "`rolelint rules --grammar` lists them"
            raise UsageError(f"unknown grammar issue `{printable(name)}`", hint=hint)
        else:
            book.get(name)
    return frozenset(codes)


def expect_asked(book: Any, selected: Iterable[str], chosen: GrammarOptions) -> None:
    """Refuse to select an issue of checks that are not made: nothing would be found, and all would seem clean.

    Raises:
        UsageError: with the option that is missing.
    """
    lost = next((code for code in sorted(selected) if book.find(code) is None), "")
    if lost and not chosen.wanted:
        raise UsageError(f"`{printable(lost)}` is found by the grammar checks only", hint="add --grammar")


@contextmanager
def in_front(judge: Any, chosen: GrammarOptions, report: Any, *, new_only: bool, verbose: bool) -> Iterator[Any]:
    """Give the judge itself, or one that asks parliament besides."""
    if not chosen.wanted:
        yield judge
        return
    from rolelint.grammar import Settings, opened

    settings = Settings(chosen.parliament_config, chosen.private_auditors, chosen.include_community_auditors, new_only)
    with opened(judge, settings, report) as pack:
        yield pack
    if verbose:
        tell(f"rolelint: {pack.summary()}")


def issue_texts(chosen: GrammarOptions) -> dict[str, Any]:
    """Give the issues by code, as reporters describe rules."""
    if not chosen.wanted:
        return {}
    from rolelint.grammar import ISSUES

    return {issue.id: issue for issue in ISSUES}
