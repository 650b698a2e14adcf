"""Documents to roles: one module per format, named in the tables here and imported when a document needs it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from rolelint.documents import Document
from rolelint.policies.role import Policy, Reading

if TYPE_CHECKING:
    from pathlib import Path


class ReadContext:
    """What a reader may need beside the document.

    Attributes:
        forced_type: `identity`, `trust`, `resource`, `scp`, `rcp`, `boundary` or `session`, or None.
        base: the folder of the file, or None.
        boundaries: boundaries that the user puts on every principal; the pipeline applies them.
        scps: SCP levels of the user, root first; the pipeline applies them.
        rcps: RCPs of the user; the pipeline applies them.
        options: settings of single formats, by name.
        memo: shared by all readings of one run: parsed policy documents by their content.
        only: the name of the one format that is read; empty for all.
        secrets: texts that must not be quoted from any file.
        used_files: real paths of files that another input names as its part; they are not checked by themselves.
        origins: by file, what names its input wherever it is kept: `aws:123456789012` for the dump of an account.
    """

    __slots__ = (
        "_base",
        "boundaries",
        "forced_type",
        "memo",
        "only",
        "options",
        "origins",
        "rcps",
        "scps",
        "secrets",
        "used_files",
    )

    def __init__(
        self,
        forced_type: str | None = None,
        base: Path | str | None = None,
        boundaries: tuple[Policy, ...] = (),
        scps: tuple[tuple[Policy, ...], ...] | None = None,
        rcps: tuple[Policy, ...] | None = None,
        options: dict[str, Any] | None = None,
        memo: dict[Any, Any] | None = None,
        only: str = "",
    ) -> None:
        self.forced_type = forced_type
        self._base = base
        self.boundaries = boundaries
        self.scps = scps
        self.rcps = rcps
        self.options = {} if options is None else options
        self.memo = {} if memo is None else memo
        self.only = only
        self.used_files: set[str] = set()
        self.secrets: set[str] = set()
        self.origins: dict[str, str] = {}

    @property
    def base(self) -> Path | None:
        """The folder of the file, for files that the document names; None for standard input."""
        if isinstance(self._base, str):
            from pathlib import Path

            self._base = Path(self._base)
        return self._base

    def move_to(self, folder: str | None) -> None:
        """Set the folder of the file that is read next; the path object is made when a reader asks for it."""
        self._base = folder


class ReaderModule(Protocol):
    """What a reader module offers."""

    def recognise(self, document: Document) -> bool:
        """Tell by content, cheaply, whether the document has this format."""

    def read(self, document: Document, context: ReadContext) -> Reading:
        """Read the roles and policies of a document that was recognised."""


class FolderReaderModule(Protocol):
    """What a reader of several files at once offers."""

    def read_folder(self, files: list[str], context: ReadContext) -> Reading:
        """Read all files of one format in one folder."""


class Reader(NamedTuple):
    """A row of the table.

    Attributes:
        keys: the module is asked, and imported, only for objects with one of these keys and for lists that begin
            with such an object; empty: for every object and list.
        words: every document of the format has one of them in its text (`may_hold`).
    """

    name: str
    module: str
    keys: frozenset[str] = frozenset()
    words: tuple[bytes, ...] = (b"Statement",)


class FolderReader(NamedTuple):
    """A row of the table of formats that spread over files.

    Attributes:
        takes: tells by name whether a file belongs to the format.
    """

    name: str
    module: str
    takes: Callable[[str], bool]


#: Asked in this order; the first that recognises a document reads it.
READERS: tuple[Reader, ...] = (
    Reader("policy", "rolelint.readers.policy", frozenset(("Statement",))),
    Reader(
        "dump",
        "rolelint.readers.dump",
        frozenset(("RoleDetailList", "UserDetailList", "GroupDetailList", "Policies")),
        (b"DetailList", b"PolicyVersionList"),
    ),
    Reader(
        "cli_output",
        "rolelint.readers.cli_output",
        frozenset(
            "Role Roles RoleName UserName GroupName PolicyVersion Policy Policies AttachedPolicies PolicyNames "
            "ResourcePolicy Attributes policyText InlinePolicy PolicyInJson".split()
        ),
        tuple(
            b"Statement PolicyDocument PolicyVersion PolicySummary PolicyArn PolicyNames PolicyList "
            b"AttachedManagedPolicies :policy/".split()
        ),
    ),
    Reader("bundle", "rolelint.readers.bundle", frozenset(("role", "roles")), (b"role",)),
    Reader(
        "plan",
        "rolelint.readers.plan",
        frozenset(("planned_values", "resource_changes", "values", "lineage")),
        (b"format_version", b"lineage"),
    ),
    Reader("cloudformation", "rolelint.readers.cloudformation", frozenset(("Resources",)), (b"Resources",)),
    Reader("collection", "rolelint.readers.collection"),
)

#: Formats whose meaning needs every file of a folder. The pipeline hands over the files by folder.
FOLDER_READERS: tuple[FolderReader, ...] = (
    FolderReader(
        "terraform",
        "rolelint.readers.terraform.source",
        lambda name: name.endswith((".tf", ".tf.json", ".tofu", ".tofu.json", ".tfvars", ".tfvars.json")),
    ),
)


def bears_repeats(data: Any) -> bool:
    """Tell whether data has a format whose reader says itself what keys that stand twice mean: templates."""
    if not isinstance(data, dict) or "Resources" not in data:
        return False
    from rolelint.readers.cloudformation.template import is_template

    return is_template(data)


def may_hold(data: bytes) -> bool:
    """Tell cheaply whether some reader may take a file: text with escapes or in another encoding may hold anything."""
    return b"\\" in data or b"\0" in data or any(word in data for reader in READERS for word in reader.words)


def read(document: Document, context: ReadContext) -> Reading | None:
    """Read a document with the first reader that recognises it.

    Returns:
        None when the document has no IAM content, or not the one format that is wanted.
    """
    data = document.data
    if not isinstance(data, dict | list):
        return None
    head = data[0] if isinstance(data, list) and data else data
    for reader in READERS:
        if context.only not in ("", reader.name):
            continue
        if reader.keys and not (isinstance(head, dict) and not reader.keys.isdisjoint(head)):
            continue
        module = cast(ReaderModule, import_module(reader.module))
        if module.recognise(document):
            return module.read(document, context)
    return None


def read_folder(reader: FolderReader, files: list[str], context: ReadContext) -> Reading:
    """Read the files of one folder that belong to one format."""
    return cast(FolderReaderModule, import_module(reader.module)).read_folder(files, context)
