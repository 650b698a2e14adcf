"""Files and folders as the user names them, in an order that does not depend on the machine."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from typing import Any, NamedTuple

from rolelint.documents.encoding import is_binary
from rolelint.errors import InputError, Location, Problem, UsageError, printable, reason_of

#: Never looked into: they hold copies of other people's files.
SKIPPED_FOLDERS = frozenset(
    (".git", ".hg", ".svn", "node_modules", "site-packages", ".terraform", ".terragrunt-cache", "__pycache__")
)
#: What a walk opens by name. Files without an extension are opened when they begin like JSON or YAML text.
ENDINGS = (".json", ".yaml", ".yml", ".template", ".tfplan", ".tf", ".tofu", ".tfvars", ".policy", ".iam")
_GLOB = frozenset("*?[")
#: Bounds the stars of a line of `.gitignore` (`_spread`): each multiplies the time for a long name by its length. Past
#: it the line is passed over with a warning, so that nobody's line can stop the gate.
MOST_SPREAD = 3
_NO_PATTERN = "no pattern"
#: Where a star stands for itself.
_LITERAL = re.compile(r"\\.|\[[!^]?\]?[^\]]{0,99}\]")
#: A device or pipe can be endless; a regular file of this size is no policy, template, plan or dump.
MAX_FILE = 1 << 30


class Source(NamedTuple):
    """One file to look at.

    Attributes:
        name: the path as the user named it, or the folder as named and the path below it; `<stdin>`.
        path: the path to open; empty for standard input.
        named: whether the user named this very file; what cannot be read is then an error.
    """

    name: str
    path: str
    named: bool


def named_source(path: str) -> Source:
    """Make the source of a path as a user writes it; `-` is standard input."""
    return Source("<stdin>", "", True) if path == "-" else Source(path, path, True)


class Sources(NamedTuple):
    """What a list of paths stands for.

    Attributes:
        files: in the order of the arguments, folders sorted by name.
        problems: paths that cannot be looked at, and warnings of lines in `.gitignore` that say nothing.
    """

    files: list[Source]
    problems: list[Problem]


def collect(paths: Iterable[str], exclude: Iterable[str] = ()) -> Sources:
    """Expand files, folders, globs and `-` to the files to read, each file once.

    Args:
        exclude: patterns in the syntax of `.gitignore`; they apply to paths as named and below each folder.

    Raises:
        UsageError: for a pattern to exclude that is none.
    """
    found = Sources([], [])
    seen: set[tuple[int, int] | str] = set()
    patterns = list(exclude)
    for pattern in patterns:
        fault = _fault(pattern)
        if fault:
            raise UsageError(f"`{printable(pattern)}` is {fault}", hint="write --exclude as a line of .gitignore")
    # Git knows no `./`: who writes it means the path as it is named.
    excluded = _spec([one[1:] if one.startswith("./") else one for one in patterns]) if patterns else None
    for path in paths:
        if path == "-":
            if "-" not in seen:
                seen.add("-")
                found.files.append(named_source(path))
            continue
        if not os.path.lexists(path):
            if not _GLOB.isdisjoint(path):
                _add_glob(path, excluded, found, seen)
                continue
            found.problems.append(Problem("no such file or folder", Location(path or "''")))
            continue
        _add(path, True, excluded, found, seen)
    return found


def read_bytes(path: str) -> bytes:
    """Read a regular file whole.

    Raises:
        InputError: naming the reason: missing, not permitted, a folder, a device, too large.
    """
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE:
                return stream.read()
            # A pipe has no size, and a device may have no end.
            data = b"" if stat.S_ISREG(status.st_mode) else stream.read(MAX_FILE + 1)
            if stat.S_ISREG(status.st_mode) or len(data) > MAX_FILE:
                raise InputError("the file is larger than 1 GiB", location=Location(path), hint="exclude it")
            return data
    except OSError as error:
        raise InputError(_reason(error, path), location=Location(path)) from error
    except ValueError as error:
        # A name from a document can hold what no file system takes: NUL, or half of a surrogate pair.
        raise InputError("no file can have this name", location=Location(path)) from error


def read_regular(path: str) -> bytes:
    """Read a file that was found or that an input names: never a pipe or a device, which may have no end.

    Raises:
        InputError: as of `read_bytes`.
    """
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        regular = True  # reading it says what is wrong
    if not regular:
        raise InputError("this is no regular file", location=Location(path))
    return read_bytes(path)


def read_source(source: Source) -> bytes:
    """Read a source; standard input to its end, after which it is closed.

    Raises:
        InputError: as of `read_bytes`.
        UsageError: when standard input was read before: its next reader would find nothing and say so.
    """
    if not source.path:
        if sys.stdin.buffer.closed:
            raise UsageError("`-` stands for more than one input", hint="give the others as files")
        try:
            with sys.stdin.buffer as stream:
                return stream.read()
        except OSError as error:
            raise InputError(_reason(error, ""), location=Location(source.name)) from error
    try:
        return read_bytes(source.path)
    except InputError as error:
        raise InputError(error.message, location=Location(source.name), hint=error.hint) from error


def _reason(error: OSError, path: str) -> str:
    if isinstance(error, FileNotFoundError):
        return "a link that leads nowhere" if os.path.islink(path) else "no such file"
    if isinstance(error, PermissionError):
        return "the file may not be read"
    if isinstance(error, IsADirectoryError):
        return "this is a folder"
    return f"the file cannot be read: {reason_of(error)}"


class _Glob:
    """A pattern of paths: `**` stands for any folders, and a hidden name is matched by a hidden part only.

    A part that is a plain name makes that folder one that the user named: it is looked into whatever it is.

    Attributes:
        top: the folder before the first wildcard; empty for the current one.
    """

    def __init__(self, pattern: str) -> None:
        steps = _posix(pattern).split("/")
        first = next(number for number, step in enumerate(steps) if not _GLOB.isdisjoint(step))
        self.top = "/".join(steps[:first]) or ("/" if first else "")
        self._steps = tuple(step for step in steps[first:] if step)
        if self._steps[-1] == "**":
            self._steps += ("*",)  # everything below, as shells read it
        self._folders_only = not steps[-1]
        #: A pattern for all files takes each by itself: no folder stands for what is in it.
        self._files_only = self._steps[-2:] == ("**", "*")

    def names(self, folder: str) -> bool:
        """Tell whether the pattern says the name of a folder."""
        return folder in self._steps

    def takes_file(self, path: tuple[str, ...]) -> bool:
        """Tell whether a file matches, by its names below the top."""
        return not self._folders_only and _fits(self._steps, path, False)

    def takes_folder(self, path: tuple[str, ...]) -> bool:
        """Tell whether a folder matches, with all that is in it."""
        return not self._files_only and _fits(self._steps, path, False)

    def leads_into(self, path: tuple[str, ...], by_link: bool) -> bool:
        """Tell whether something below a folder may match; `**` follows no links, which may be loops."""
        return not (by_link and "**" in self._steps) and _fits(self._steps, path, True)


def _fits(steps: tuple[str, ...], path: tuple[str, ...], begins: bool) -> bool:
    """Tell whether names match steps.

    Args:
        begins: whether more names may follow.
    """
    reached = _past_any(steps, {0})
    for name in path:
        after: set[int] = set()
        for at in reached:
            step = steps[at] if at < len(steps) else ""
            if name.startswith(".") and not step.startswith("."):
                continue
            if step == "**":
                after.add(at)
            elif fnmatch(name, step):
                after.add(at + 1)
        reached = _past_any(steps, after)
    return bool(reached) if begins else len(steps) in reached


def _past_any(steps: tuple[str, ...], reached: set[int]) -> set[int]:
    """Add to places in a pattern those behind the `**` that stand there, which may be no folder at all."""
    for at, step in enumerate(steps):
        if step == "**" and at in reached:
            reached.add(at + 1)
    return reached


def _add_glob(pattern: str, excluded: Any, found: Sources, seen: set[tuple[int, int] | str]) -> None:
    glob = _Glob(pattern)
    matched = False
    for path in _walk(glob.top or ".", excluded, found, glob) if os.path.isdir(glob.top or ".") else ():
        matched = True
        _add_once(path if glob.top else path.removeprefix(f".{os.sep}"), found, seen)
    if not matched:
        hint = "what is excluded or ignored by Git, and folders such as `node_modules`, are left out"
        found.problems.append(Problem("nothing matches this pattern", Location(pattern), hint))


def _add(path: str, named: bool, excluded: Any, found: Sources, seen: set[tuple[int, int] | str]) -> None:
    try:
        status = os.stat(path)
    except OSError as error:
        found.problems.append(Problem(_reason(error, path), Location(path)))
        return
    if os.path.isdir(path):
        for name in _walk(path, excluded, found):
            _add_once(name, found, seen)
    elif excluded is None or not excluded.match_file(_posix(path)):
        _remember(path, status, named, found, seen)


def _remember(path: str, status: os.stat_result, named: bool, found: Sources, seen: set[tuple[int, int] | str]) -> None:
    # Pipes of one shell share a device and may share nothing else: only regular files are told apart by identity.
    key = (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else path
    if key not in seen:
        seen.add(key)
        found.files.append(Source(path, path, named))


def _add_once(path: str, found: Sources, seen: set[tuple[int, int] | str]) -> None:
    try:
        status = os.stat(path)
    except OSError:
        return  # it went away since it was listed
    _remember(path, status, False, found, seen)


def _walk(top: str, excluded: Any, found: Sources, glob: _Glob | None = None) -> Iterator[str]:
    """List the files below a folder that may hold IAM content, respecting every `.gitignore` on the way.

    Args:
        glob: lists what matches it instead, and looks into the folders that it names.
    """
    try:
        ignores = _Ignores(top, found.problems)
    except FileNotFoundError:
        found.problems.append(Problem("the current folder was deleted", Location(top), "change into another"))
        return
    entered: set[tuple[int, int]] = set()

    # A list of what is still to enter, and no recursion: folders nest deeper than calls may.
    ahead: list[tuple[str, str, tuple[str, ...], bool, bool]] = [(top, "", (), glob is None, False)]
    while ahead:
        folder, below, path, whole, named = ahead.pop()
        try:
            if whole:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in entered:
                    continue  # a loop of links
                entered.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            found.problems.append(Problem(_reason(error, folder).replace("the file", "the folder"), Location(folder)))
            continue
        if any(entry.name == ".gitignore" for entry in entries):
            ignores.enter(folder, below)
        folders = []
        for entry in entries:
            inner = f"{below}{entry.name}"
            try:
                is_folder = entry.is_dir()
                is_file = not is_folder and entry.is_file()
            except OSError:
                continue
            names = (*path, entry.name)
            if is_folder:
                inner += "/"
                taken = whole or (glob is not None and glob.takes_folder(names))
                if not taken and not (glob is not None and glob.leads_into(names, entry.is_symlink())):
                    continue
                own = named
                if entry.name in SKIPPED_FOLDERS or (not named and ignores.match(inner)):
                    if glob is None or not glob.names(entry.name):
                        continue
                    own = True
                if not _is_excluded(excluded, inner, entry.path + "/"):
                    folders.append((entry.path, inner, names, taken, own))
            elif (
                is_file
                and ((glob is not None and glob.takes_file(names)) or (whole and _worth_opening(entry)))
                and (named or not ignores.match(inner))
                and not _is_excluded(excluded, inner, entry.path)
            ):
                yield entry.path
        ahead += reversed(folders)


def _is_excluded(excluded: Any, below: str, named: str) -> bool:
    return excluded is not None and (excluded.match_file(below) or excluded.match_file(_posix(named)))


def _worth_opening(entry: os.DirEntry[str]) -> bool:
    name = entry.name.lower()
    if name.endswith(ENDINGS):
        return True
    if "." in name.lstrip("."):
        return False
    if name.startswith("."):
        return False
    try:
        with open(entry.path, "rb") as stream:
            head = stream.read(512)
    except OSError:
        return False
    if is_binary(head) or head.startswith(b"#!"):
        return False
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith((b"{", b"[", b"---", b"AWSTemplate", b"Version", b"Statement", b"role"))


class _Ignores:
    """The `.gitignore` files between a repository's root and the folder being walked.

    Where they ignore this folder itself, they do not count: who names it wants it, as ripgrep has it.

    Args:
        problems: takes a warning of each file in which a line is no pattern.
    """

    def __init__(self, top: str, problems: list[Problem]) -> None:
        self.top = os.path.abspath(top)
        self._problems = problems
        #: Prefix of the names that a file speaks about, relative to the walk; `..` parts are in `above`.
        self.specs: list[tuple[str, Any]] = []
        self.above: list[tuple[str, Any]] = []
        folder = self.top
        inner = ""
        while not os.path.lexists(os.path.join(folder, ".git")):  # a file in worktrees and submodules
            parent = os.path.dirname(folder)
            if parent == folder:
                self.above = []
                return
            inner = f"{os.path.basename(folder)}/{inner}"
            folder = parent
            spec = self._read(os.path.join(folder, ".gitignore"))
            if spec is not None:
                self.above.append((inner, spec))
        if inner and self.match(""):
            self.above = []

    def enter(self, folder: str, below: str) -> None:
        """Take up the file of a folder that is being entered."""
        spec = self._read(os.path.join(folder, ".gitignore"))
        if spec is not None:
            self.specs.append((below, spec))

    def match(self, name: str) -> bool:
        """Tell whether a name relative to the walk is ignored; the nearest file that speaks of it decides."""
        for below, spec in reversed(self.specs):
            if name.startswith(below):
                verdict = spec.check_file(name[len(below) :]).include
                if verdict is not None:
                    return bool(verdict)
        for prefix, spec in self.above:
            verdict = spec.check_file(prefix + name).include
            if verdict is not None:
                return bool(verdict)
        return False

    def _read(self, path: str) -> Any:
        try:
            text = read_regular(path).decode("utf-8-sig", "surrogateescape")  # as names of files are
        except InputError:
            return None
        lines = [line.removesuffix("\r") for line in text.split("\n")]  # what else breaks a line may stand in a name
        faults = [_fault(line) for line in lines]
        for fault in dict.fromkeys(filter(None, faults)):
            wrong = [number for number, found in enumerate(faults, 1) if found == fault]
            what = "this line is" if len(wrong) == 1 else f"this line and {len(wrong) - 1} more are"
            place = Location(os.path.relpath(path), wrong[0], 1)
            as_git = " as Git does" if fault == _NO_PATTERN else ""
            warning = Problem(f"{what} {fault}, and passed over{as_git}", place, kind="warning")
            if warning not in self._problems:
                self._problems.append(warning)
        return _spec([line for line, fault in zip(lines, faults, strict=True) if not fault])


def _spec(lines: list[str]) -> Any:
    import warnings

    import pathspec

    with warnings.catch_warnings():
        # Python says of `[[` that it may mean something else one day.
        warnings.simplefilter("ignore", FutureWarning)
        return pathspec.GitIgnoreSpec.from_lines(lines)


def _fault(line: str) -> str:
    """Say what is wrong with a line of `.gitignore`; empty where nothing is."""
    if line.count("*") > MOST_SPREAD and not line.startswith("#") and _spread(line) > MOST_SPREAD:
        return "too slow to match, with so many stars"
    try:
        _spec([line])
    except (ValueError, re.error):  # the latter for a range of characters whose ends are in the wrong order
        return _NO_PATTERN
    return ""


def _spread(line: str) -> int:
    """Count the stars of a pattern whose extent is free: all but one in a part of a path, and each `**` part."""
    counts = ((part.count("*"), part == "**") for part in _LITERAL.sub("x", line.strip()).split("/"))
    return sum(1 if whole else max(0, stars - 1) for stars, whole in counts)


def _posix(path: str) -> str:
    return path.replace(os.sep, "/")
