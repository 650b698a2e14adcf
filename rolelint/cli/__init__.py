"""The command line: a table of commands, each in a module that is imported when it is invoked."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from rolelint import __version__
from rolelint.cli.command import Group, wants_color
from rolelint.errors import RolelintError, nearest, printable, reason_of

#: Command to module and one-line help; the module's `command` is the click command.
COMMANDS = {
    "check": ("rolelint.cli.check", "Say what roles in files can destroy, and what grants it."),
    "scan": ("rolelint.cli.scan", "Say what roles in a live AWS account or Organization can destroy."),
    "merge": ("rolelint.cli.merge", "Join the JSON reports of several scans."),
    "can": ("rolelint.cli.can", "Ask whether anyone who holds a role can perform an action."),
    "diff": ("rolelint.cli.diff", "Ask what a new version allows that the old one did not."),
    "catalog": ("rolelint.cli.catalog", "Look into the catalogue of AWS actions, check it, refresh it."),
    "evaluate": ("rolelint.cli.evaluate", "Decide concrete requests: unit tests for policies."),
    "plan": ("rolelint.cli.plan", "Say what a Terraform plan lets roles destroy, and what of that is new."),
    "rules": ("rolelint.cli.rules", "List the rules."),
    "explain": ("rolelint.cli.explain", "Explain one rule: why, bad, good, fix, references."),
}

#: New objects between two looks of the garbage collector.
_COLLECTED = 100_000
_INTERRUPTED = 130
_BROKEN_PIPE = 141


@contextmanager
def _reader_may_go() -> Iterator[None]:
    """Exit as other tools do when the reader of the output went away: click would with 1, which means findings."""
    try:
        yield
    except BrokenPipeError:
        # Python would complain once more when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(_BROKEN_PIPE) from None


class _Commands(Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with _reader_may_go():  # help and version are told on the way
            context = super().make_context(*arguments, **more)
        context.color = wants_color()
        return context

    def invoke(self, ctx: click.Context) -> object:
        with _reader_may_go():
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            hint = nearest(name, [*COMMANDS]) or f"there are {', '.join(COMMANDS)}"
            if os.path.exists(name):
                hint = f"to check a file, write `rolelint check {printable(name)}`"
            raise click.UsageError(f"no command `{printable(name)}`. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in COMMANDS.items()])


@click.command(cls=_Commands)
@click.version_option(__version__, prog_name="rolelint")
def group() -> None:
    """If an automated tool gets this IAM role, what can it destroy, and what stops it?"""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: never with 0 when something went wrong."""
    # What a command imports and reads stays to its end: the collector would look through it again and again.
    gc.set_threshold(_COLLECTED)
    _stand_in()
    arguments = sys.argv[1:] if arguments is None else arguments
    code = run(arguments)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        code = code if code == _INTERRUPTED else 2  # what was said did not arrive
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    # Not `sys.exit`: taking every module apart is part of the time of a small check, and after an interrupt threads
    # that wait for AWS, or before they ask again, would hold the process for a minute.
    os._exit(code)


def _stand_in() -> None:
    """Put streams that fail in the place of those that the caller closed, which Python leaves out."""
    if sys.stdin is None:
        sys.stdin = open(os.open(os.devnull, os.O_WRONLY))  # noqa: SIM115
    if sys.stdout is None:
        # To be read: writing is refused at once, and not when Python ends.
        sys.stdout = open(os.devnull)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def run(arguments: list[str]) -> int:
    """Run the command line and give the exit code."""
    # A name in an input may hold what this terminal cannot show.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    try:
        result = group.main(arguments, prog_name="rolelint", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return 2
    except RolelintError as error:
        _say(str(error))
        return 2
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return _INTERRUPTED
    except RecursionError:
        _say("an input is nested too deeply. this is a bug in rolelint: please report the input that shows it")
        return 2
    except MemoryError:
        _say("there is not enough memory for this. check fewer inputs at once")
        return 2
    except OSError as error:
        # A full disk or a closed stream is no bug of ours.
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}the system refused: {reason_of(error)}")
        return 2
    except Exception as error:
        # The boundary of the process: whatever went wrong, a gate must not see 0, nor 1, which means findings.
        if "--verbose" in arguments or "-v" in arguments:
            import traceback

            traceback.print_exc()
        text = " ".join(str(error).split()) or "no message"
        _say(
            f"{type(error).__name__}: {text}. this is a bug in rolelint: run with --verbose to see where, and report it"
        )
        return 2


def _say(text: str) -> None:
    tell(f"rolelint: {printable(text)}")


def tell(text: str, end: str = "\n") -> None:
    """Write a line to standard error; where that takes nothing, the exit code still says how the work ended."""
    encoding = sys.stderr.encoding or "ascii"
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{text}{end}".encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()
