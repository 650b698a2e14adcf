"""`Report` to output: one module per format, named in the table here and imported when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from rolelint.findings.model import Report

if TYPE_CHECKING:
    from rolelint.findings.written import Scribe

#: Takes text to be written, in order.
Write = Callable[[str], object]


class RuleText(Protocol):
    """What a reporter tells about a rule."""

    @property
    def id(self) -> str:
        """The stable code."""

    @property
    def name(self) -> str:
        """The readable name."""

    @property
    def title(self) -> str:
        """One phrase."""

    @property
    def severity(self) -> str:
        """The severity before anything lowers it."""

    @property
    def category(self) -> str:
        """The folder of the rule."""

    @property
    def why(self) -> str:
        """What a tool could do with it."""

    @property
    def fix(self) -> str:
        """What to do."""

    @property
    def references(self) -> Sequence[str]:
        """Pages that state the facts."""


class Style(NamedTuple):
    """How a report is written.

    Attributes:
        color: whether the text may carry ANSI colours.
        width: columns of the terminal.
        ascii: whether only ASCII may be written.
        verbose: whether roles without findings are shown.
        effects: `full`, `summary` or `none`.
        exit_code: told in machine formats.
        rules: the rules that took part, by code.
    """

    color: bool = False
    width: int = 100
    ascii: bool = False
    verbose: bool = False
    effects: str = "full"
    exit_code: int = 0
    rules: Mapping[str, RuleText] = MappingProxyType({})


class ReporterModule(Protocol):
    """What a reporter module offers."""

    def render(self, report: Report, style: Style, write: Write) -> None:
        """Write a report."""


#: Formats by name.
REPORTERS: Mapping[str, str] = {
    "text": "rolelint.reporters.text",
    "json": "rolelint.reporters.json",
    "sarif": "rolelint.reporters.sarif",
}


def render(format_name: str, report: Report, style: Style, write: Write) -> None:
    """Write a report in one of the formats of `REPORTERS`."""
    cast(ReporterModule, import_module(REPORTERS[format_name])).render(report, style, write)


def scribe(format_name: str, effects: str) -> Scribe | None:
    """Give what writes a role in a format apart from all others, or None where the format has roles stand together."""
    if format_name != "json":
        return None
    from rolelint.reporters.json import scribe as of_json

    return of_json(effects)


def inert(text: str) -> str:
    """Write JSON so that no string in it is a command to what runs a CI job (`rolelint.errors.printable`)."""
    return text.replace("##", "\\u0023\\u0023")


def plain(value: Any) -> Any:
    """Turn the markers of unknown values into `${name}` in every string of plain data."""
    from rolelint.policies.text import show

    if isinstance(value, str):
        return show(value)
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
