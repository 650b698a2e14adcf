"""Files to readings: what a request names, parsed and read, and what could not be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

from rolelint.documents import Document, parse
from rolelint.errors import InputError, Location, Problem, RolelintError, UsageError, printable
from rolelint.findings.model import Report, UnknownItem
from rolelint.policies.parse import first_policy
from rolelint.policies.role import Reading, Role
from rolelint.readers import FOLDER_READERS, FolderReader, ReadContext, bears_repeats, may_hold, read, read_folder
from rolelint.sources.files import Source, collect, read_source

#: Words that only files about IAM, CloudFormation or Terraform plans have. A file that cannot be parsed is
#: reported when the user named it, or when it has all words of one of these groups.
_SIGNS = (
    (b"Statement", b"Effect"),
    (b"statements:", b"Effect"),
    (b"AWS::IAM::",),
    (b"AssumeRolePolicyDocument",),
    (b"RoleDetailList",),
    (b"planned_values",),
    (b"AWSTemplateFormatVersion",),
)

#: Keys of what quotes policies that nobody holds, or that stand elsewhere, too: a SARIF report, a rule with its
#: examples, cases for `evaluate`, the construct tree that the CDK writes beside its templates.
_QUOTING = tuple(
    map(frozenset, (("runs", "version"), ("when", "examples"), ("policies", "request"), ("tree", "version")))
)


class Request(NamedTuple):
    """What to look at.

    Attributes:
        paths: files, folders, globs, and `-` for standard input.
        exclude: patterns in the syntax of `.gitignore`.
        forced_type: the type of bare policies, or None to tell it by shape.
        boundary: a file with the permissions boundary to put on every principal, in place of its own.
        scps: files, each one level of SCPs, root first; they come after the levels that the input knows.
        rcps: files with RCPs.
        excerpts: whether findings quote the source.
        reader_options: settings of single formats, by name.
        hook: treat named files, but not standard input, like files met on a walk: pass over what has no IAM content,
            whatever it is.
        only: the name of the one format to read; empty for all.
    """

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    forced_type: str | None = None
    boundary: str = ""
    scps: tuple[str, ...] = ()
    rcps: tuple[str, ...] = ()
    excerpts: bool = True
    reader_options: Mapping[str, Any] = MappingProxyType({})
    hook: bool = False
    only: str = ""


class Found(NamedTuple):
    """A reading with the file it came from."""

    reading: Reading
    source: Source


def read_all(request: Request, context: ReadContext, report: Report) -> list[Found]:
    """Read the files that a request names; the report takes what could not be read."""
    sources = collect(request.paths, request.exclude)
    for problem in sources.problems:
        file_problem(problem, report)
    found: list[Found] = []
    grouped: dict[tuple[str, str], list[Source]] = {}
    single: list[Source | tuple[FolderReader, list[Source]]] = []
    files = [source._replace(named=not source.path) for source in sources.files] if request.hook else sources.files
    for source in files:
        reader = _folder_reader(source, context)
        if reader is None:
            single.append(source)
            continue
        key = reader.name, os.path.dirname(source.path)
        if key not in grouped:
            grouped[key] = []
            single.append((reader, grouped[key]))
        grouped[key].append(source)
    silent: list[Source] = []
    for item in single:
        said = len(found) + len(report.errors) + len(report.unknown)
        if isinstance(item, Source):
            _read_source(item, context, report, found)
        else:
            _read_group(item[0], item[1], context, report, found)
        if len(found) + len(report.errors) + len(report.unknown) > said:
            report.inputs.update(source.path for source in ([item] if isinstance(item, Source) else item[1]))
        elif isinstance(item, Source) and item.named:
            silent.append(item)
    report.inputs |= context.used_files
    if len(files) > 1 and not context.only:
        # Alone it is nothing to check, which is told otherwise.
        lost = (Location(one.name) for one in silent if os.path.realpath(one.path) not in context.used_files)
        report.warnings += [Problem("nothing in this file is known to concern IAM", at, kind="warning") for at in lost]
    return found


def _folder_reader(source: Source, context: ReadContext) -> FolderReader | None:
    if not source.path:
        return None
    name = os.path.basename(source.path)
    readers = (reader for reader in FOLDER_READERS if reader.takes(name))
    return next((reader for reader in readers if context.only in ("", reader.name)), None)


def _read_group(
    reader: FolderReader, sources: list[Source], context: ReadContext, report: Report, found: list[Found]
) -> None:
    report.files += len(sources)
    context.move_to(os.path.dirname(sources[0].path) or ".")
    try:
        with _bounded(sources[0]):
            reading = read_folder(reader, [source.path for source in sources], context)
    except InputError as error:
        report.errors.append(_problem(error, sources[0].name))
        return
    found.append(Found(reading, sources[0]))


def _read_source(source: Source, context: ReadContext, report: Report, found: list[Found]) -> None:
    report.files += 1
    try:
        held = [read_source(source)]
        slow = not source.named and source.path.endswith((".yaml", ".yml"))
        if slow and not may_hold(held[0]) and not _has_signs(held[0]):
            return  # met on a walk, and nothing that any format could be; JSON is parsed as fast as it is searched
        # Handed over, not shown: the parser drops the bytes before it parses.
        with _bounded(source):
            documents = parse(source.name, held.pop(), bears_repeats)
    except InputError as error:
        _cannot_parse(source, error, report)
        return
    context.move_to(os.path.dirname(source.path) or "." if source.path else None)
    for document in documents:
        read_document(document, source, context, report, found)


def read_document(document: Document, source: Source, context: ReadContext, report: Report, found: list[Found]) -> None:
    """Read a document with the reader that takes it, and add what it gives to what was found."""
    try:
        with _bounded(source):
            reading = read(document, context) or (_read_meant(document, context) if source.named else None)
    except InputError as error:
        report.errors.append(_problem(error, source.name))
        return
    if reading is not None:
        found.append(Found(reading, source))
    elif not context.only:
        _not_read(document, source, report)


def _read_meant(document: Document, context: ReadContext) -> Reading | None:
    """Read a file that the user named as what it is meant to be, so that what keeps a reader from it is told."""
    if context.only or not isinstance(document.data, dict) or "role" not in document.data:
        return None
    from rolelint.readers import bundle

    return bundle.read(document, context) if bundle.is_meant(document) else None


def _not_read(document: Document, source: Source, report: Report) -> None:
    """Say of a document that no reader took which policy in it is not judged: unknown where the user named it.

    What was only met on a walk may be anything that quotes a policy, so it is no reason to stop anybody.
    """
    if "Effect" not in document.text or "tatement" not in document.text:
        return
    listed = document.data.get("cases") if isinstance(document.data, dict) else document.data
    head = listed[0] if isinstance(listed, list) and listed else document.data
    if isinstance(head, dict) and any(keys <= head.keys() for keys in _QUOTING):
        return
    route = first_policy(document.data)
    if route is None:
        return
    place = document.locate(route)
    where = f" at `{printable(place.route)}`" if route else ""
    reason = f"the policy{where} stands in a form that is not known, and is not judged"
    if source.named:
        report.unknown.append(UnknownItem("", document.file, "format", reason, place))
        report.checked += 1
    else:
        hint = "check the template or plan that is made of it, or the policy in a file of its own"
        report.warnings.append(Problem(reason, place, hint, "warning"))


class _StumbleError(InputError):
    """A reader failed on an input, which says nothing about what is in it."""


@contextmanager
def _bounded(source: Source) -> Iterator[None]:
    """Make what a reader stumbles over the problem of that input alone: the others are still judged."""
    try:
        yield
    except (RolelintError, OSError, MemoryError):
        raise
    except RecursionError:
        raise InputError("the input is nested too deeply to be read", location=Location(source.name)) from None
    except Exception as error:  # a mistake of a reader; the report says so, and the exit code is 2
        raise _StumbleError(stumbled("read", error), location=Location(source.name), hint="please report it") from error


def stumbled(deed: str, error: Exception) -> str:
    """Say that a mistake of ours stands in the way."""
    return f"this could not be {deed}, which is a bug in rolelint: {type(error).__name__}: {printable(str(error))}"


def file_problem(problem: Problem, report: Report, role: Role | None = None) -> None:
    """Put a problem where its kind belongs in a report."""
    if problem.kind == "error":
        report.errors.append(problem)
    elif problem.kind == "warning":
        report.warnings.append(problem)
    else:
        whose = (role.id, role.name) if role else ("", "")
        reason = f"{problem.message}. {problem.hint}" if problem.hint else problem.message
        report.unknown.append(UnknownItem(*whose, "input", reason, problem.location))


def _problem(error: InputError | UsageError, file: str) -> Problem:
    return Problem(error.message, error.location or Location(file), error.hint)


def _has_signs(data: bytes) -> bool:
    return any(all(word in data for word in group) for group in _SIGNS)


def _cannot_parse(source: Source, error: InputError, report: Report) -> None:
    """Report a file that cannot be parsed, unless it was only met on a walk and has no sign of IAM content."""
    problem = _problem(error, source.name)
    if source.named or isinstance(error, _StumbleError):
        report.errors.append(problem)
        return
    if error.location is None or not error.location.line:
        # It could not even be read; a file that is gone or binary holds no IAM content.
        if "may not be read" in error.message:
            report.errors.append(problem)
        return
    try:
        data = read_source(source).replace(b"\0", b"")  # the words of UTF-16 text are the same without its zeros
    except InputError:
        return
    if not _has_signs(data):
        return
    if any(sign in data for sign in (b"{{", b"{%", b"${", b"%{")):
        # A chart, a playbook or a module's template in a repository: not wrong, but not known either.
        reason = "the file is a template that must be rendered before it can be read"
        report.unknown.append(UnknownItem("", source.name, "template", reason, problem.location))
        report.checked += 1
    else:
        report.errors.append(problem)
