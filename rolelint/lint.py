"""The pipeline in order: paths, files, documents, readings, role reports, report."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rolelint.documents import Document, Place, parse
from rolelint.errors import InputError, Location, Problem, RolelintError, UsageError, printable
from rolelint.findings.model import Finding, Report, RoleReport, UnknownItem
from rolelint.findings.ranking import rank
from rolelint.memory import trim
from rolelint.parallel import MOST_PARTS, fork_map, workers
from rolelint.policies.parse import first_policy
from rolelint.policies.role import Policy, PolicyType, Reading, Role, ids_apart
from rolelint.reach import enrich
from rolelint.readers import FOLDER_READERS, FolderReader, ReadContext, bears_repeats, may_hold, read, read_folder
from rolelint.records import replace
from rolelint.sources.files import Source, collect, read_source

if TYPE_CHECKING:
    from rolelint.findings.written import Piece, Scribe, Written

#: Words that only files about IAM, CloudFormation or Terraform plans have. A file that cannot be parsed is
#: reported when the user named it, or when it has all words of one of these groups.
_SIGNS = (
    (b"Statement", b"Effect"),
    (b"AWS::IAM::",),
    (b"AssumeRolePolicyDocument",),
    (b"RoleDetailList",),
    (b"planned_values",),
    (b"AWSTemplateFormatVersion",),
)


class Judge(Protocol):
    """What the pipeline asks of the rulebook; `rolelint.rulebook` is one."""

    def check_role(self, role: Role, rulebook: Any, options: Any) -> RoleReport:
        """Judge one role."""

    def check_policy(self, policy: Policy, rulebook: Any, options: Any) -> list[Finding]:
        """Judge a policy by itself."""

    def check_guardrails(self, roles: Iterable[Role], rulebook: Any, options: Any) -> list[Finding]:
        """Judge the SCPs and RCPs around roles."""

    def role_unknowns(self, role: Role, options: Any) -> list[UnknownItem]:
        """List what could not be decided about a role."""


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


#: Roles that a process must have to pay for being started.
ROLES_PER_WORKER = 30
#: Parts that each process takes of the roles, so that none waits long for another.
PARTS_PER_WORKER = 12
#: Roles whose findings are held at once before they are written down.
ROLES_PER_PART = 64

_Judged = tuple[list[RoleReport], list[UnknownItem]]


class Guards(NamedTuple):
    """The boundary, SCPs and RCPs that the user puts around everything, and the files that hold them."""

    boundaries: tuple[Policy, ...]
    scps: tuple[tuple[Policy, ...], ...] | None
    rcps: tuple[Policy, ...] | None
    files: frozenset[str]


class _Found(NamedTuple):
    """A reading with the file it came from."""

    reading: Reading
    source: Source


def lint(
    request: Request,
    judge: Judge,
    rulebook: Any,
    options: Any,
    report: Report | None = None,
    documents: Iterable[Document] = (),
    scribe: Scribe | None = None,
    guards: Guards | None = None,
) -> Report:
    """Read everything that a request names and judge every role and policy found.

    One input that cannot be read is one problem of the report; the others are still judged.

    Args:
        options: passed through to the judge.
        report: a report that already carries its settings, to be filled.
        documents: what a source other than files has read already; judged after what the request names.
        scribe: writes a role in the format of the report, where roles may be text already when they are judged.
        guards: what `read_guards` gave, where that was asked before.
    """
    report = report if report is not None else Report()
    context = ReadContext(request.forced_type, options=dict(request.reader_options), only=request.only)
    roles, readings = _gather(request, context, report, documents, guards)
    quotes = _Quotes(context.secrets) if request.excerpts else None
    _grammar(readings, context, report)
    numbers = _numbers(roles, context.origins)
    told = len(report.findings)

    def judge_role(role: Role) -> tuple[RoleReport, list[UnknownItem]]:
        judged = judge.check_role(role, rulebook, options)
        number = numbers.get(id(role), 0)
        if number or context.origins:
            judged.findings = [_numbered(_originated(f, context.origins), number) for f in judged.findings]
        if role.environment or role.accessed is not None or role.assigned is not None:
            enrich(role, judged, options.actor)
        if quotes:
            judged.findings = [quotes.quote(finding, role.policies()) for finding in judged.findings]
        return judged, _each_once(judge.role_unknowns(role, options))

    def judge_part(part: Sequence[Role]) -> _Judged:
        out: list[RoleReport] = []
        unknown: list[UnknownItem] = []
        for role in part:
            try:
                judged, left = judge_role(role)
            except (RolelintError, MemoryError):
                raise
            except Exception as error:  # a mistake of ours about one role: shown, and no pass for it
                judged = RoleReport(role.id, role.name, role.arn, role.kind, role.location)
                left = [UnknownItem(role.id, role.name, "role", _stumbled("judged", error), role.location)]
            out.append(judged)
            unknown += left
            trim()
        return out, unknown

    # Where an account was looked at, the order of the roles is known at the end only.
    ordered = any(role.inventoried or role.accessed is not None for role in roles)
    with _collector_off():
        _judge_all(judge_part, roles, report, None if ordered else scribe)
    rank(report)
    for reading in readings:
        for policy in reading.policies:
            judged_alone = judge.check_policy(policy, rulebook, options)
            report.findings += [quotes.quote(f, [policy]) for f in judged_alone] if quotes else judged_alone
    shared = judge.check_guardrails(roles, rulebook, options)
    around = [policy for role in roles[:1] for policy in role.policies()]
    report.findings += [quotes.quote(finding, around) for finding in shared] if quotes else shared
    alike: Counter[Any] = Counter()
    for at, finding in enumerate(report.findings[told:], told):
        own = _originated(finding, context.origins)
        report.findings[at] = _numbered(own, alike[own.identity])
        alike[own.identity] += 1
    return report


def _numbers(roles: Sequence[Role], origins: Mapping[str, str]) -> dict[int, int]:
    """Number the roles of one name in files of one name, but the first: their findings would share fingerprints.

    A fingerprint holds no folder, so that it outlives a move; nor the file of an input that has a name of its own.
    """
    names = Counter(role.name for role in roles)
    seen: Counter[tuple[str, str]] = Counter()
    out: dict[int, int] = {}
    for role in roles:
        if names[role.name] > 1:
            file = role.location.file
            key = role.name, origins.get(file) or os.path.basename(file)
            if seen[key]:
                out[id(role)] = seen[key]
            seen[key] += 1
    return out


def _originated(finding: Finding, origins: Mapping[str, str]) -> Finding:
    """Give a finding the fingerprint that it has wherever its input is kept.

    One about a policy by itself that has an ARN, such as an SCP that many accounts share, has the same in all of them.
    """
    origin = origins.get(finding.location.file)
    if origin is None or isinstance(finding.identity, str):
        return finding
    if not finding.role and finding.location.address:
        origin = finding.location.address
    return replace(finding, identity=(*finding.identity[:-1], origin))


def _numbered(finding: Finding, number: int) -> Finding:
    """Give a finding the fingerprint of the one that has so many alike before it."""
    if not number or isinstance(finding.identity, str):
        return finding
    return replace(finding, identity=(*finding.identity, str(number)))


def _judge_all(
    judge_part: Callable[[Sequence[Role]], _Judged], roles: list[Role], report: Report, scribe: Scribe | None
) -> None:
    """Judge roles, in several processes where there are many; the first here, so that each finds what all need.

    Args:
        scribe: what writes a role in the report's format, where each process can do so for its roles.
    """
    count = workers(len(roles), ROLES_PER_WORKER)
    written = _room(count) if scribe is not None and len(roles) > ROLES_PER_PART else None

    def work(process: int, part: Sequence[Role]) -> tuple[list[RoleReport], Piece | None, list[UnknownItem]]:
        judged, unknown = judge_part(part)
        if written is None or scribe is None:
            return judged, None, unknown
        return [], written.put(process, judged, scribe), unknown

    report.written = written
    done = [work(0, roles[:1])]
    rest = roles[1:]
    size = max(min(-(-len(rest) // (count * PARTS_PER_WORKER)), ROLES_PER_PART), -(-len(rest) // MOST_PARTS), 1)
    parts = [rest[at : at + size] for at in range(0, len(rest), size)]
    done += fork_map(work, parts, count) if count > 1 else [work(0, part) for part in parts]
    for judged, piece, unknown in done:
        report.roles += judged
        report.unknown += unknown
        if written is not None and piece is not None:
            written.pieces.append(piece)


def _room(processes: int) -> Written | None:
    """Make room for text, or give None where there is no place for files."""
    from rolelint.findings.written import Written

    try:
        return Written(processes)
    except OSError:
        return None


def load_roles(request: Request, report: Report) -> list[Role]:
    """Read everything that a request names and give its roles, with the guardrails around them, unjudged.

    Args:
        report: takes what could not be read.
    """
    context = ReadContext(request.forced_type, options=dict(request.reader_options), only=request.only)
    roles, readings = _gather(request, context, report)
    _grammar(readings, context, report)
    return roles


def _gather(
    request: Request,
    context: ReadContext,
    report: Report,
    documents: Iterable[Document] = (),
    guards: Guards | None = None,
) -> tuple[list[Role], list[Reading]]:
    with _collector_off():
        guards = guards or read_guards(request, report)
        context.boundaries, context.scps, context.rcps, files = guards
        context.used_files |= files
        found = _read_all(request, context, report)
        for document in documents:
            report.files += 1
            _read_document(document, Source(document.file, "", True), context, report, found)
    # The readings hold what they need; the keys of a large dump are a copy of its policies.
    context.memo.clear()
    readings = [one.reading for one in found if one.source.named or not _is_part(one.source.path, context)]
    _forget_parts(request, context, report)
    roles: list[Role] = []
    for reading in readings:
        for problem in reading.problems:
            _file_problem(problem, report)
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


def _each_once(items: list[UnknownItem]) -> list[UnknownItem]:
    """Keep the first of the items that give the same reason at the same place: a policy and the role it hangs on."""
    kept: dict[tuple[str, str], UnknownItem] = {}
    for item in items:
        kept.setdefault((item.reason, str(item.location)), item)
    return list(kept.values())


@contextmanager
def _collector_off() -> Iterator[None]:
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


def _read_all(request: Request, context: ReadContext, report: Report) -> list[_Found]:
    sources = collect(request.paths, request.exclude)
    for problem in sources.problems:
        _file_problem(problem, report)
    found: list[_Found] = []
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
    for item in single:
        said = len(found) + len(report.errors) + len(report.unknown)
        if isinstance(item, Source):
            _read_source(item, context, report, found)
        else:
            _read_group(item[0], item[1], context, report, found)
        if len(found) + len(report.errors) + len(report.unknown) > said:
            report.inputs.update(source.path for source in ([item] if isinstance(item, Source) else item[1]))
    report.inputs |= context.used_files
    return found


def _folder_reader(source: Source, context: ReadContext) -> FolderReader | None:
    if not source.path:
        return None
    name = os.path.basename(source.path)
    readers = (reader for reader in FOLDER_READERS if reader.takes(name))
    return next((reader for reader in readers if context.only in ("", reader.name)), None)


def _read_group(
    reader: FolderReader, sources: list[Source], context: ReadContext, report: Report, found: list[_Found]
) -> None:
    report.files += len(sources)
    context.move_to(os.path.dirname(sources[0].path) or ".")
    try:
        with _bounded(sources[0]):
            reading = read_folder(reader, [source.path for source in sources], context)
    except InputError as error:
        report.errors.append(_problem(error, sources[0].name))
        return
    found.append(_Found(reading, sources[0]))


def _read_source(source: Source, context: ReadContext, report: Report, found: list[_Found]) -> None:
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
        _read_document(document, source, context, report, found)


def _read_document(
    document: Document, source: Source, context: ReadContext, report: Report, found: list[_Found]
) -> None:
    try:
        with _bounded(source):
            reading = read(document, context)
    except InputError as error:
        report.errors.append(_problem(error, source.name))
        return
    if reading is not None:
        found.append(_Found(reading, source))
    elif source.named and not context.only:
        _not_read(document, report)


def _not_read(document: Document, report: Report) -> None:
    """Say of a document that the user named and no reader took which policy in it is not judged."""
    if "Statement" not in document.text or "Effect" not in document.text:
        return
    if isinstance(document.data, dict) and {"runs", "version"} <= document.data.keys():
        return  # a SARIF report quotes policies
    route = first_policy(document.data)
    if route is not None:
        place = document.locate(route)
        where = f" at `{printable(place.route)}`" if route else ""
        reason = f"the policy{where} stands in a form that is not known, and is not judged"
        report.unknown.append(UnknownItem("", document.file, "format", reason, place))
        report.checked += 1


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
        raise _StumbleError(
            _stumbled("read", error), location=Location(source.name), hint="please report it"
        ) from error


def _stumbled(deed: str, error: Exception) -> str:
    return f"this could not be {deed}, which is a bug in rolelint: {type(error).__name__}: {printable(str(error))}"


def _file_problem(problem: Problem, report: Report, role: Role | None = None) -> None:
    if problem.kind == "error":
        report.errors.append(problem)
    elif problem.kind == "warning":
        report.warnings.append(problem)
    else:
        report.unknown.append(
            UnknownItem(role.id if role else "", role.name if role else "", "input", problem.message, problem.location)
        )


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


def _forget_parts(request: Request, context: ReadContext, report: Report) -> None:
    """Drop what was said of files by themselves that turned out to be parts of other inputs: filled-in templates."""

    def stands(location: Location) -> bool:
        return location.file in request.paths or os.path.realpath(location.file) not in context.used_files

    if context.used_files:
        report.errors = [p for p in report.errors if stands(p.location)]
        report.unknown = [u for u in report.unknown if u.what != "template" or stands(u.location)]


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
    source = Source(path if path != "-" else "<stdin>", path if path != "-" else "", True)
    forced = ReadContext(kind.value, os.path.dirname(path) or ".", options=context.options, memo=context.memo)
    policies: list[Policy] = []
    try:
        for document in parse(source.name, read_source(source)):
            reading = read(document, forced)
            if reading is not None:
                policies += [policy for policy in reading.policies if policy.type is kind]
                for problem in reading.problems:
                    _file_problem(problem, report)
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


def _grammar(readings: list[Reading], context: ReadContext, report: Report) -> None:
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
        for problem in policy.document.problems:
            located = Problem(problem.message, locate(problem.route), problem.hint, problem.kind)
            _file_problem(located, report, role)

    for reading in readings:
        for role in reading.roles:
            for policy in role.policies():
                add(policy, role)
            for policy in role.resource_policies:
                add(policy, role)
        for policy in reading.policies:
            add(policy, None)


class _Quotes:
    """Quotes the source around findings.

    Args:
        secrets: texts that are not quoted.
    """

    def __init__(self, secrets: Set[str]) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)
        self._documents: dict[str, Document | None] = {}

    def quote(self, finding: Finding, policies: Iterable[Policy]) -> Finding:
        """Give the finding with the lines around its place, when it has none yet."""
        if finding.excerpt or not finding.location.line:
            return finding
        document = self._document(finding.location.file, policies)
        if document is None:
            return finding
        return replace(finding, excerpt=tuple((n, self._without(t)) for n, t in document.excerpt(finding.location)))

    def _without(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "*" * len(secret))
        return text

    def _document(self, file: str, policies: Iterable[Policy]) -> Document | None:
        if file in self._documents:
            return self._documents[file]
        for policy in policies:
            locate = policy.locate
            if isinstance(locate, Place) and locate.document.file == file and locate.document.text:
                self._documents[file] = locate.document
                return locate.document
        # Readers of other formats place policies in their own way: read the file's text again.
        from rolelint.documents.encoding import decode

        try:
            text = decode(file, read_source(Source(file, file, False)))
            self._documents[file] = Document(file, "text", text, None)
        except InputError:
            self._documents[file] = None
        return self._documents[file]
