"""Readings to roles: each once, told apart, with the guardrails of the user around it."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Any, NamedTuple

from rolelint.documents import Document, Place, parse
from rolelint.errors import InputError, Location, Problem, UsageError
from rolelint.findings.model import Report
from rolelint.lint.reading import Request, file_problem, read_all, read_document
from rolelint.memory import alone
from rolelint.policies.role import Policy, PolicyType, Reading, Role, ids_apart
from rolelint.readers import ReadContext, read
from rolelint.sources.files import Source, named_source, read_source


class Guards(NamedTuple):
    """The boundary, SCPs and RCPs that the user puts around everything, and the files that hold them."""

    boundaries: tuple[Policy, ...]
    scps: tuple[tuple[Policy, ...], ...] | None
    rcps: tuple[Policy, ...] | None
    files: frozenset[str]


@alone
def load_roles(request: Request, report: Report) -> list[Role]:
    """Read everything that a request names and give its roles, with the guardrails around them, unjudged.

    Args:
        report: takes what could not be read.
    """
    context = ReadContext(request.forced_type, options=dict(request.reader_options), only=request.only)
    roles, readings = gather(request, context, report)
    tell_refused(readings, report)
    return roles


def gather(
    request: Request,
    context: ReadContext,
    report: Report,
    documents: Iterable[Document] = (),
    guards: Guards | None = None,
) -> tuple[list[Role], list[Reading]]:
    """Read everything that a request names, and give its roles with the readings that they and lone policies stand in.

    Args:
        context: takes what readers learn, such as secrets and where an input comes from.
        report: takes what could not be read.
        documents, guards: as of `rolelint.lint.lint`.
    """
    with collector_off():
        guards = guards or read_guards(request, report)
        context.boundaries, context.scps, context.rcps, files = guards
        context.used_files |= files
        found = read_all(request, context, report)
        for document in documents:
            report.files += 1
            read_document(document, Source(document.file, "", True), context, report, found)
    if request.reader_options.get("parameters") and not request.hook:  # a hook sees some of the templates only
        from rolelint.readers.cloudformation.parameters import not_declared

        report.warnings += not_declared(request.reader_options, context.memo)
    # The readings hold what they need; the keys of a large dump are a copy of its policies.
    context.memo.clear()
    readings = [one.reading for one in found if one.source.named or not _is_part(one.source.path, context)]
    _forget_parts(request, context, report)
    roles: list[Role] = []
    for reading in readings:
        for problem in reading.problems:
            file_problem(problem, report)
        # What could not be known about an input is an answer too: not the same as nothing to check.
        report.checked += bool(reading.roles or reading.policies or reading.problems or reading.whole)
        for role in reading.roles:
            _surround(role, context)
            roles.append(role)
    if len(readings) > 1:
        from rolelint.policies.repeats import repeated_policies, repeated_roles

        repeated = repeated_roles(roles)
        roles = [role for number, role in enumerate(roles) if number not in repeated]
        _leave_out(readings, repeated_policies([p for r in readings for p in r.policies]))
    _tell_apart(roles)
    return roles, readings


def _leave_out(readings: Sequence[Reading], repeated: Set[int]) -> None:
    """Leave out policies by their numbers, counted over all readings."""
    first = 0
    for reading in readings if repeated else ():
        last = first + len(reading.policies)
        reading.policies = [p for n, p in zip(range(first, last), reading.policies, strict=True) if n not in repeated]
        first = last


def _tell_apart(roles: Sequence[Role]) -> None:
    """Give an `id` with its file to each role that shares its own with one of another file; number what is left."""
    shared = Counter(role.id for role in roles)
    alike = [role for role in roles if shared[role.id] > 1]
    apart = ids_apart((role.id, role.location.file) for role in alike)
    for role in alike:
        role.label = apart.get((role.id, role.location.file), role.label)
    shared = Counter(role.id for role in alike)
    seen: Counter[str] = Counter()
    for role in alike:
        name = role.id
        if shared[name] > 1:
            # The first has a number, too: the name alone means all of them.
            seen[name] += 1
            role.label = f"{name}/{seen[name]}"


def _is_part(path: str, context: ReadContext) -> bool:
    """Tell whether another input names a file as its part."""
    return bool(path and context.used_files) and os.path.realpath(path) in context.used_files


def _forget_parts(request: Request, context: ReadContext, report: Report) -> None:
    """Drop what was said of files by themselves that turned out to be parts of other inputs: filled-in templates."""

    def stands(location: Location) -> bool:
        return location.file in request.paths or os.path.realpath(location.file) not in context.used_files

    if context.used_files:
        report.errors = [p for p in report.errors if stands(p.location)]
        report.unknown = [u for u in report.unknown if u.what != "template" or stands(u.location)]


@contextmanager
def collector_off() -> Iterator[None]:
    """Stop the garbage collector while values are made that stay, and never look at them again.

    Neither parsed documents nor answers about roles hold cycles, and walking them again and again costs more than
    parsing them, and a tenth of judging them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def read_guards(request: Request, report: Report) -> Guards:
    """Read the boundary, SCPs and RCPs that the user puts around everything.

    Args:
        report: takes what is to be said of them.

    Raises:
        UsageError: when a file cannot be read, or holds none.
    """
    context = ReadContext(options=dict(request.reader_options))
    if request.boundary:
        context.boundaries = _guard_file(request.boundary, PolicyType.BOUNDARY, context, report)
    if request.scps:
        context.scps = tuple(_guard_file(path, PolicyType.SCP, context, report) for path in request.scps)
    if request.rcps:
        context.rcps = tuple(
            policy for path in request.rcps for policy in _guard_file(path, PolicyType.RCP, context, report)
        )
    return Guards(context.boundaries, context.scps, context.rcps, frozenset(context.used_files))


def _guard_file(path: str, kind: PolicyType, context: ReadContext, report: Report) -> tuple[Policy, ...]:
    source = named_source(path)
    forced = ReadContext(kind.value, os.path.dirname(path) or ".", options=context.options, memo=context.memo)
    policies: list[Policy] = []
    try:
        for document in parse(source.name, read_source(source)):
            reading = read(document, forced)
            if reading is not None:
                policies += [policy for policy in reading.policies if policy.type is kind]
                for problem in reading.problems:
                    file_problem(problem, report)
    except InputError as error:
        raise UsageError(error.message, location=error.location or Location(path), hint=error.hint) from error
    if not policies or (kind is PolicyType.BOUNDARY and len(policies) > 1):
        wanted = "one policy" if kind is PolicyType.BOUNDARY else "a policy"
        raise UsageError(f"the file for --{kind.value} does not hold {wanted}", location=Location(path))
    context.used_files.add(os.path.realpath(path))
    if kind is PolicyType.SCP and all(map(_only_denies, policies)):
        policies.append(_full_access(policies[0], context, report))
    return tuple(policies)


def _only_denies(policy: Policy) -> bool:
    return not policy.document.unknown and all(s.effect == "Deny" for s in policy.document.statements)


def _full_access(beside: Policy, context: ReadContext, report: Report) -> Policy:
    """Complete a level of SCPs that only denies: alone it would allow nothing, and all would seem harmless."""
    from rolelint.readers.parts import full_access

    report.warnings.append(
        Problem(
            "this SCP only denies: `FullAWSAccess` is taken to stand beside it",
            beside.locate(()),
            kind="warning",
        )
    )
    return full_access(beside, context.memo)


def _surround(role: Role, context: ReadContext) -> None:
    """Put the user's guardrails around a role; AWS lets nobody put a boundary on a service-linked role."""
    if context.boundaries and not role.service_linked:
        role.boundary = context.boundaries[0]
        # What is not known about the boundary that it replaces is no question any more.
        role.unknowns = tuple(u for u in role.unknowns if not u.what.startswith("permissions boundary"))
    if context.scps:
        role.scps = (*(role.scps or ()), *context.scps)
    if context.rcps:
        role.rcps = (*(role.rcps or ()), *context.rcps)
    if role.before is not None:
        _surround(role.before, context)


def tell_refused(readings: Iterable[Reading], report: Report) -> None:
    """Report what AWS would not accept in the policies, once for each policy text and place."""
    seen: set[Any] = set()

    def add(policy: Policy, role: Role | None) -> None:
        if not policy.document.problems:
            return
        locate = policy.locate
        key: tuple[Any, ...] = (id(locate), id(policy.document.problems))
        if isinstance(locate, Place):
            key = (id(policy.document), locate.document.file, locate.route)
        if key in seen:
            return
        seen.add(key)
        told = {_spot(unknown.location) for unknown in role.unknowns} if role is not None else set()
        for problem in policy.document.problems:
            located = Problem(problem.message, locate(problem.route), problem.hint, problem.kind)
            if problem.kind != "unknown" or _spot(located.location) not in told:
                file_problem(located, report, role)

    for reading in readings:
        for role in reading.roles:
            for policy in role.policies():
                add(policy, role)
            for policy in role.resource_policies:
                add(policy, role)
        for policy in reading.policies:
            add(policy, None)


def _spot(location: Location) -> tuple[object, ...]:
    """Say where a statement stands: two elements of one that is not written out stand at the same place."""
    return location.file, location.address, location.line, location.column, "" if location.line else location.route
