"""Places in inputs, problems found there, and the errors that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rolelint.records import record

#: A path inside a document: mapping keys and 0-based list indexes, outermost first.
Route = tuple["str | int", ...]

#: The first character of a command to Azure Pipelines or GitHub Actions: `##vso[...]` and `##[...]` anywhere in a line,
#: `::name ...::` at the beginning of one, where any word may come to stand.
_COMMAND = r"#(?=#\w*\[)|(?<!\S):(?=:[\w-]+(?: .*)?::)"

#: Characters of one quoted value that a line for people shows.
_MOST_QUOTED = 300


def show_route(route: Route) -> str:
    """Write a route as text: `Statement/0/Action/2`."""
    return "/".join(str(step) for step in route)


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: `1 action`, `2 actions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """Escape control and direction-changing characters of text that comes from an input.

    A role name must not be able to write to a terminal, a log or a page; nor to give a command to what runs a CI job,
    which looks for them in the log.
    """
    if "##" in text or " ::" in text or text.startswith("::"):
        text = re.sub(_COMMAND, lambda found: f"\\x{ord(found[0]):02x}", text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def nearest(word: str, known: Iterable[str] | Mapping[str, str]) -> str:
    """Ask whether the name that is most like a word is meant; empty where none is like it.

    Args:
        known: the names, or a mapping of what is compared to how it is written.
    """
    import difflib

    names = known if isinstance(known, Mapping) else {name: name for name in known}
    close = difflib.get_close_matches(word, names, 1)
    return f"did you mean `{printable(names[close[0]])}`?" if close else ""


def shortened(message: str) -> str:
    """Cut what a message quotes, where that is too long to be read."""
    if len(message) <= _MOST_QUOTED:
        return message
    return re.sub(f"`[^`]{{{_MOST_QUOTED},}}`", lambda found: f"{found[0][:_MOST_QUOTED]}...`", message)


def reason_of(error: OSError) -> str:
    """Give what the system says of a failure as it stands inside a sentence."""
    return (error.strerror or str(error) or "no reason given").lower()


@record
class Location:
    """One place in an input.

    Attributes:
        file: the path as the user named it, `<stdin>`, or a source such as `aws:123456789012`.
        line, column, end_line, end_column: 1-based; 0 where not known. The end is exclusive in the column.
        route: the path inside the document (`show_route`).
        address: what the format itself calls the thing: a Terraform address, a logical id, an ARN.
    """

    file: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    route: str = ""
    address: str = ""

    def __str__(self) -> str:
        if self.line:
            return f"{printable(self.file)}:{self.line}:{self.column}"
        return printable(self.file)


@record
class Problem:
    """Something in an input that could not be read as meant.

    Attributes:
        message: one lowercase sentence, no period, no line break; user text in backticks.
        hint: the next step, or empty.
        kind: `error` (the input cannot be parsed: exit code 2), `unknown` (a value that is not known:
            exit code 4 unless allowed) or `warning` (read, but not as AWS would accept it).
    """

    message: str
    location: Location
    hint: str = ""
    kind: str = "error"

    def __str__(self) -> str:
        text = f"{self.location}: {shortened(self.message)}"
        return f"{text}. {self.hint}" if self.hint else text


class RolelintError(Exception):
    """An error whose text is meant for the user: one line, with a location and a next step where known."""

    def __init__(self, message: str, *, location: Location | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.hint = hint

    def __str__(self) -> str:
        message = shortened(self.message)
        text = f"{self.location}: {message}" if self.location else message
        return f"{text}. {self.hint}" if self.hint else text


class UsageError(RolelintError):
    """The command line or the configuration asks for something that cannot be done."""


class InputError(RolelintError):
    """An input cannot be read or parsed."""
