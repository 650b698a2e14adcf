"""`rolelint check`: read files, judge the roles in them, write a report, gate a commit."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

import click

from rolelint.cli import grammar, tell
from rolelint.cli.command import Command, wants_color
from rolelint.errors import UsageError, printable, reason_of

#: What a bare policy can be said to be.
TYPES = ("identity", "trust", "resource", "scp", "rcp", "boundary", "session")
_FAIL_ON = ("critical", "high", "medium", "low", "info", "never")
_FORMATS = ("text", "json", "sarif")
#: Signals that end the writing of a report as Ctrl-C does, so that no half of one is left beside it.
_ENDING = ("SIGTERM", "SIGHUP")


@click.command("check", cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--type", "forced_type", type=click.Choice(TYPES), help="What bare policies are; shape tells otherwise.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Paths to leave out, as in .gitignore. Repeatable.")
@click.option(
    "--boundary",
    default="",
    help="Permissions boundary to put on every principal.",
    metavar="FILE",
)
@click.option("--scp", "scps", multiple=True, help="One level of SCPs, root first. Repeatable.", metavar="FILE")
@click.option("--rcp", "rcps", multiple=True, help="RCPs of the account's resources. Repeatable.", metavar="FILE")
@click.option(
    "--parameters",
    default="",
    help="Values of template parameters, as the AWS CLI takes them.",
    metavar="FILE",
)
@click.option("--rules", "rule_folders", multiple=True, metavar="DIR", help="Further rules. Repeatable.")
@click.option("--select", multiple=True, metavar="RULE", help="Only these rules, by code or name: A,B. Repeatable.")
@click.option("--ignore", multiple=True, metavar="RULE", help="Not these rules, by code or name: A,B. Repeatable.")
@click.option("--format", "-f", "format_name", type=click.Choice(_FORMATS), default="text", show_default=True)
@click.option(
    "--output",
    "-o",
    default="",
    callback=lambda _context, _parameter, given: "" if given == "-" else given,
    help="Write the report to a file; - for standard output.",
    metavar="FILE",
)
@click.option(
    "--effects",
    type=click.Choice(("full", "summary", "none")),
    default="full",
    show_default=True,
    help="How much of what each role can do the report lists.",
)
@click.option(
    "--fail-on",
    type=click.Choice(_FAIL_ON),
    default="high",
    show_default=True,
    help="Lowest severity that makes the exit code 1.",
)
@click.option("--allow-unknown", is_flag=True, help="Exit with 0, not 4, when only undecided things are left.")
@click.option(
    "--actor",
    default="automation",
    show_default=True,
    metavar="NAME",
    help="Who holds the role: automation, mcp, human, any, or one of --actors.",
)
@click.option("--actors", default="", help="Own actors beside these.", metavar="FILE")
@click.option("--labels", default="", help="Own effect labels over the catalogue's.", metavar="FILE")
@grammar.options
@click.option("--hook", is_flag=True, help="For commit hooks: pass over named files that have no IAM content.")
@click.option("--no-cache", is_flag=True, hidden=True)
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
@click.option("--verbose", "-v", is_flag=True, help="Show roles without findings, and tracebacks.")
def command(parameters: str, **options: Any) -> int:
    """Say what the roles in files, folders and globs can destroy, and what grants it.

    `-` reads standard input. Formats are told by content: policies, role bundles, AWS CLI output, account dumps,
    templates and plans.

    Exit codes: 0 clean, 1 findings at or above --fail-on, 2 errors, 3 nothing to check, 4 something is unknown.
    """
    from rolelint import rulebook

    return perform(rulebook, Settings.of(options, reader_options=template_parameters(parameters)))


class Settings(NamedTuple):
    """What the options of `check`, and of the commands built on it, say.

    Attributes:
        hook: see `rolelint.lint.Request`, as of `only`; nothing to check is then no failure.
        reader_options: settings of single formats, by name.
        grammar_options: those of `rolelint.cli.grammar`.
    """

    paths: tuple[str, ...] = ()
    forced_type: str | None = None
    exclude: tuple[str, ...] = ()
    boundary: str = ""
    scps: tuple[str, ...] = ()
    rcps: tuple[str, ...] = ()
    rule_folders: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    format_name: str = "text"
    output: str = ""
    effects: str = "full"
    fail_on: str = "high"
    allow_unknown: bool = False
    actor: str = "automation"
    actors: str = ""
    labels: str = ""
    hook: bool = False
    no_cache: bool = False
    color: str = "auto"
    verbose: bool = False
    reader_options: Mapping[str, Any] = MappingProxyType({})
    only: str = ""
    grammar_options: grammar.GrammarOptions = grammar.GrammarOptions()

    @classmethod
    def of(cls, options: Mapping[str, Any], **more: Any) -> Settings:
        """Take the options of a command line, by the names that click gives them; others may add to them."""
        own = {name: value for name, value in options.items() if name in cls._fields}
        chosen = grammar.taken({name: value for name, value in options.items() if name not in cls._fields})
        return cls(**own, **more, grammar_options=chosen)


def template_parameters(file: str) -> dict[str, Any]:
    """Read the file of `--parameters` into the settings that the reader of templates takes.

    Raises:
        InputError: when the file cannot be read or has another form.
    """
    if not file:
        return {}
    from rolelint.readers.cloudformation.parameters import read_parameters

    return {"parameters": read_parameters(file), "parameters_file": file}


def perform(
    judge: Any,
    settings: Settings,
    *,
    closing: Callable[[Any], str] | None = None,
    fill: Callable[..., Any] | None = None,
    nothing: str = "no IAM content under the given paths. "
    "name policies, role bundles, templates, plans or account dumps",
) -> int:
    """Check and report as the settings say, and give the exit code.

    Args:
        judge: what judges roles and policies: the rulebook, or something in front of it.
        closing: gives text to write after a report for people.
        fill: takes the arguments of `lint` and fills the report in its place: for sources other than files.
        nothing: why there was nothing to check, and the next step.
    """
    from rolelint import rulebook
    from rolelint.findings.model import OVERLAYS, Report
    from rolelint.lint import Request, lint
    from rolelint.reporters import Style, render, scribe

    book = rulebook.load_rules(settings.rule_folders)
    issues = settings.grammar_options
    selected, ignored = (grammar.resolve(book, names, issues) for names in (settings.select, settings.ignore))
    grammar.expect_asked(book, selected, issues)
    options = rulebook.CheckOptions(settings.actor, settings.effects, selected, ignored)
    overlays = {name: file for name in OVERLAYS if (file := getattr(settings, name))}
    if overlays:
        from rolelint.cli.overlays import use_actors, use_labels

        use_labels(settings.labels)
        use_actors(settings.actors)
    report = Report(fail_on=settings.fail_on, actor=settings.actor, overlays=overlays)
    request = Request(
        settings.paths,
        settings.exclude,
        settings.forced_type,
        settings.boundary,
        settings.scps,
        settings.rcps,
        excerpts=settings.format_name != "json",
        reader_options=settings.reader_options,
        hook=settings.hook,
        only=settings.only,
    )
    new_only = bool(settings.reader_options.get("new_only"))
    try:
        with grammar.in_front(judge, issues, report, new_only=new_only, verbose=settings.verbose) as front:
            if fill is not None:
                fill(request, front, book, options, report)
            else:
                lint(request, front, book, options, report, scribe=scribe(settings.format_name, settings.effects))
        report.catalog = _catalog_facts()
        code = report.exit_code(settings.allow_unknown)
        if settings.hook and code == 3:
            code = 0
        style = Style(
            color=wants_color(settings.color, bool(settings.output)),
            width=_width(),
            ascii=not settings.output and not _can_encode(sys.stdout.encoding),
            verbose=settings.verbose,
            effects=settings.effects,
            exit_code=code,
            rules={rule.id: rule for rule in book.rules} | grammar.issue_texts(issues),
        )

        def write_all(write: Callable[[str], object]) -> None:
            render(settings.format_name, report, style, write)
            if closing is not None and settings.format_name == "text" and report.checked:
                from rolelint.reporters.text import fold

                write(fold(closing(report), max(40, style.width)))

        if settings.output:
            values = settings.reader_options.get("parameters_file", "")
            places = (finding.location.file for finding in report.all_findings())
            _spare_inputs(settings.output, {*report.inputs, *overlays.values(), values, *places})
            _write_file(settings.output, write_all)
        else:
            _write_stdout(write_all)
        if report.errors:
            from rolelint.reporters.text import clean

            for problem in report.errors:
                tell(clean(str(problem)))
        if code == 3:
            tell(f"rolelint: nothing to check: {nothing}")
        return code
    finally:
        report.close()


def _catalog_facts() -> dict[str, Any]:
    from rolelint.catalog import catalog

    header = catalog().header
    return {key: header[key] for key in ("version", "date", "sha256", "source") if key in header}


def _width() -> int:
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS"):
        return 100
    import shutil

    return min(shutil.get_terminal_size((100, 24)).columns, 160)


def _can_encode(encoding: str | None) -> bool:
    try:
        "·│…→".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write_stdout(render_to: Any) -> None:
    try:
        render_to(sys.stdout.write)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has seen enough
    except OSError as error:
        raise UsageError(f"cannot write the report: {reason_of(error)}") from error


def _spare_inputs(output: str, inputs: Iterable[str]) -> None:
    """Refuse to write the report over a file that it is about; an older report among the inputs is none."""
    try:
        before = os.stat(output)
    except OSError:
        return  # nothing is lost, and writing says what is wrong
    if not stat.S_ISREG(before.st_mode):
        return
    for path in inputs:
        with suppress(OSError):
            if os.path.samestat(before, os.stat(path)):
                raise UsageError(
                    f"the report would replace `{printable(output)}`, which it is about", hint="give it another name"
                )


def _write_file(path: str, render_to: Any) -> None:
    """Write the report whole or not at all."""
    import io
    import signal

    from rolelint.writing import replacing

    # Only here: who is asked to end while it works ends at once, and not when Python comes to look for signals.
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with suppress(ValueError):  # in another thread than the first
                signal.signal(number, signal.default_int_handler)
    try:
        with (
            replacing(path, _permissions(path)) as file,
            io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="\n") as stream,
        ):
            render_to(stream.write)
    except OSError as error:
        raise UsageError(f"cannot write `{path}`: {reason_of(error)}") from error


def _permissions(path: str) -> int:
    """Give the permissions that a report gets: those of the file that is there, or those of a new one."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
