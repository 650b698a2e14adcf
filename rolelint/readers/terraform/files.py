"""Terraform source files: which definitions they hold, parsed when one of them is wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from rolelint.documents import Document
from rolelint.documents import hcl_nodes as hcl
from rolelint.documents.encoding import decode
from rolelint.documents.hcl_outline import outline
from rolelint.errors import InputError, Location, Problem, Route
from rolelint.sources.files import read_regular

#: Text without any of these says nothing about IAM.
SIGNS = re.compile(
    r"aws_iam_|awscc_iam_|_policy\"|aws_organizations_policy|aws_ssoadmin_|awscc_sso_|awscc_organizations_policy"
    r"|^[ \t\"]*(?:policy|access_polic\w+|key_policy|repository_policy_text)\"?[ \t]*[=:]",
    re.MULTILINE,
)
_LOCAL_SOURCE = re.compile(r"\bsource\"?[ \t]*[=:][ \t]*\"(\.{1,2}/[^\"$]*)\"")


class Definition(NamedTuple):
    """One block and the file it stands in."""

    file: str
    block: hcl.Block


class Files:
    """The files of one run: text, trees, and problems met on the way.

    Attributes:
        problems: what is wrong in files that could be read.
        unread: files that could not be read, so that nobody can tell whether they speak of IAM.
    """

    def __init__(self, memo: dict[Any, Any]) -> None:
        self._memo = memo
        self.problems: list[Problem] = []
        self.unread: list[Problem] = []
        self._folders: dict[tuple[str, str], Folder] = {}

    def text(self, file: str) -> str | None:
        """Give the text of a configuration file, or None when it cannot be read; what is wrong with it is a problem."""
        return self._text(file, told=True)

    def text_beside(self, file: str) -> str | None:
        """Give the text of a file that the configuration names, or None: then its content is not known."""
        return self._text(file, told=False)

    def _text(self, file: str, told: bool) -> str | None:
        key = ("terraform text", file)
        if key not in self._memo:
            try:
                data = read_regular(file)
            except InputError as error:
                self._memo[key] = None
                if told and os.path.exists(file):
                    self.unread.append(_problem(error, file))
            else:
                try:
                    self._memo[key] = decode(file, data)
                except InputError as error:
                    # What stands around a bad byte of a configuration is still judged.
                    self._memo[key] = data.decode("utf-8", "replace") if told else None
                    if told:
                        self.problems.append(_problem(error, file))
        text: str | None = self._memo[key]
        return text

    def body(self, file: str) -> hcl.Body:
        """Parse a file; one that cannot be parsed is a problem and has no definitions."""
        key = ("terraform body", file)
        body: hcl.Body | None = self._memo.get(key)
        if body is None:
            text = self.text(file) or ""
            try:
                body = self._parse(file, text)
            except InputError as error:
                self.problems.append(_problem(error, file))
                body = hcl.Body({}, (), 0, 0)
            self._memo[key] = body
        return body

    def _parse(self, file: str, text: str) -> hcl.Body:
        if not file.endswith(".json"):
            from rolelint.documents.hcl import parse_hcl

            return parse_hcl(file, text)
        from rolelint.readers.terraform.json_syntax import parse_json_body

        def damaged(what: str, start: int, end: int) -> None:
            where = self.location(file, start, end, (), "")
            self.problems.append(Problem(f"{what} is no object, so it is not read", where, "run `terraform validate`"))

        return parse_json_body(file, text, damaged)

    def block(self, file: str, start: int, end: int) -> hcl.Block | None:
        """Parse one block of a file; one that cannot be parsed is a problem and not there."""
        key = ("terraform block", file, start)
        if key not in self._memo:
            from rolelint.documents.hcl import parse_block

            block = parse_block(self.text(file) or "", start, end)
            if block is None:
                # The whole file says what is wrong, or finds the block where the outline did not.
                block = next((b for b in self.body(file).blocks if b.start == start), None)
            self._memo[key] = block
        found: hcl.Block | None = self._memo[key]
        return found

    def folder(self, path: str, make: Callable[[str, Files], Folder]) -> Folder:
        """Give the folder at a path; problems in it are told to the one that opened it first."""
        key = ("terraform folder", path)
        if key not in self._folders:
            self._folders[key] = make(path, self)
        return self._folders[key]

    def matters(self, path: str, depth: int) -> bool:
        """Tell whether a folder speaks of IAM, see `Folder.matters`."""
        key = ("terraform matters", path)
        if key not in self._memo:
            self._memo[key] = False  # a circle of modules ends here
            self._memo[key] = open_folder(path, self).matters(depth)
        return bool(self._memo[key])

    def document(self, file: str) -> Document:
        """Give the document that works out lines of a file."""
        key = ("terraform document", file)
        if key not in self._memo:
            self._memo[key] = Document(file, "hcl", self.text(file) or "", None)
        document: Document = self._memo[key]
        return document

    def location(self, file: str, start: int, end: int, route: Route, address: str) -> Location:
        """Make a location from offsets in a file."""
        return self.document(file).location(start, end, route, address)


def _problem(error: InputError, file: str) -> Problem:
    return Problem(error.message, error.location or Location(file), error.hint)


class _Found(NamedTuple):
    """Where a block and its header stand, and the block itself once it is parsed."""

    file: str
    start: int
    end: int
    head_end: int
    block: hcl.Block | None


class Folder:
    """The definitions of one module folder.

    Attributes:
        path: the folder as the user named it.
        files: its configuration files, sorted; override files last, as their blocks replace others.
        every: these and the files with values of variables.
    """

    def __init__(self, path: str, names: Iterable[str], files: Files) -> None:
        self.path = path
        self._files = files
        self._names = sorted(names, key=lambda n: (_is_override(n), n))
        self.files = [os.path.join(path, n) for n in self._names if is_configuration(n)]
        self.every = [os.path.join(path, n) for n in self._names]
        self._index: dict[tuple[str, str, str], list[_Found]] | None = None
        self._locals: dict[str, tuple[str, hcl.Setting]] | None = None

    def matters(self, depth: int = 8) -> bool:
        """Tell cheaply whether some file here, or of a local module called from here, speaks of IAM."""
        texts = [self._files.text(file) or "" for file in self.files]
        if any(SIGNS.search(text) for text in texts):
            return True
        if not depth:
            return True
        sources = {match[1] for text in texts for match in _LOCAL_SOURCE.finditer(text)}
        return any(self._files.matters(os.path.normpath(os.path.join(self.path, s)), depth - 1) for s in sources)

    def _heads(self) -> dict[tuple[str, str, str], list[_Found]]:
        if self._index is None:
            self._index = {}
            for file in self.files:
                parts = None if file.endswith(".json") else outline(self._files.text(file) or "")
                if parts is None:
                    for block in self._files.body(file).blocks:
                        self._note(
                            block.type, block.labels, _Found(file, block.start, block.end, block.head_end, block)
                        )
                else:
                    for part in parts:
                        self._note(part.type, part.labels, _Found(file, part.start, part.end, part.head_end, None))
        return self._index

    def _note(self, kind: str, labels: tuple[str, ...], found: _Found) -> None:
        assert self._index is not None
        first, second = (*labels, "", "")[:2]
        self._index.setdefault((kind, first, second), []).append(found)

    def keys(self, kind: str) -> list[tuple[str, str]]:
        """List the labels of all blocks of one type, in order of appearance."""
        return [(a, b) for (t, a, b) in self._heads() if t == kind]

    def header(self, kind: str, first: str, second: str) -> tuple[str, int, int] | None:
        """Give the file and span of a block's header without parsing the block."""
        found = self._heads().get((kind, first, second))
        return (found[0].file, found[0].start, found[0].head_end) if found else None

    def block(self, kind: str, first: str = "", second: str = "") -> Definition | None:
        """Give a block by type and labels, the settings of override files put over those of others."""
        found = self.blocks(kind, first, second)
        if not found:
            return None
        whole = found[0]
        for other in found[1:]:
            if _is_override(os.path.basename(other.file)):
                whole = whole._replace(block=whole.block._replace(body=_overridden(whole.block.body, other.block.body)))
        return whole

    def blocks(self, kind: str, first: str = "", second: str = "") -> list[Definition]:
        """List the blocks of one type with these labels."""
        found = self._heads().get((kind, first, second), [])
        for index, one in enumerate(found):
            if one.block is None:
                found[index] = one._replace(block=self._files.block(one.file, one.start, one.end))
        return [Definition(one.file, one.block) for one in found if one.block is not None]

    def local(self, name: str) -> tuple[str, hcl.Setting] | None:
        """Give the definition of a local value, with its file."""
        if self._locals is None:
            self._locals = {}
            for definition in self.blocks("locals"):
                for setting in definition.block.body.settings.values():
                    if setting.name not in self._locals or _is_override(os.path.basename(definition.file)):
                        self._locals[setting.name] = (definition.file, setting)
        return self._locals.get(name)

    def values(self) -> dict[str, tuple[str, hcl.Setting]]:
        """Give the variable values that Terraform loads by itself: `terraform.tfvars`, then `*.auto.tfvars`."""
        found: dict[str, tuple[str, hcl.Setting]] = {}
        base = [n for n in self._names if n in ("terraform.tfvars", "terraform.tfvars.json")]
        automatic = [n for n in self._names if n.endswith((".auto.tfvars", ".auto.tfvars.json"))]
        for name in base + automatic:
            file = os.path.join(self.path, name)
            for setting in self._files.body(file).settings.values():
                found[setting.name] = (file, setting)
        return found


def _overridden(body: hcl.Body, other: hcl.Body) -> hcl.Body:
    """Put the settings and nested blocks of an override over those of the same name and type."""
    types = {_type_of(block) for block in other.blocks}
    kept = tuple(block for block in body.blocks if _type_of(block) not in types)
    settings = {name: setting for name, setting in body.settings.items() if name not in types}
    return body._replace(settings={**settings, **other.settings}, blocks=(*kept, *other.blocks))


def _type_of(block: hcl.Block) -> str:
    return block.labels[0] if block.type == "dynamic" and block.labels else block.type


def _is_override(name: str) -> bool:
    stem = name.split(".")[0]
    return is_configuration(name) and (stem == "override" or stem.endswith("_override"))


def is_configuration(name: str) -> bool:
    """Tell by name whether a file is configuration."""
    return name.endswith((".tf", ".tf.json", ".tofu", ".tofu.json"))


def takes(name: str) -> bool:
    """Tell by name whether a file belongs to Terraform source."""
    return is_configuration(name) or name.endswith((".tfvars", ".tfvars.json"))


def _passed_over(path: str, name: str) -> bool:
    """Tell whether Terraform passes over a name: files of editors and of the system, and folders."""
    return name.startswith((".", "#")) or os.path.isdir(os.path.join(path, name))


def open_folder(path: str, files: Files) -> Folder:
    """Open the folder of a module with every file that belongs to it, once in a run."""
    return files.folder(path, _open_folder)


def _open_folder(path: str, files: Files) -> Folder:
    try:
        names = [n for n in os.listdir(path or ".") if takes(n) and not _passed_over(path, n)]
    except OSError:
        names = []
    # Where both exist, OpenTofu reads `x.tofu` in place of `x.tf`.
    names = [n for n in names if not (n.endswith(".tf") and n.removesuffix(".tf") + ".tofu" in names)]
    return Folder(path, names, files)
