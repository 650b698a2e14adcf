"""All modules of one Terraform configuration, and the files and providers that belong to it."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from rolelint.documents import hcl_nodes as hcl
from rolelint.policies.text import has_unknown
from rolelint.readers.terraform.accounts import CREDENTIALS, assumed_account, share_accounts
from rolelint.readers.terraform.blocks import nested_blocks
from rolelint.readers.terraform.evaluate import MAX_WORK, Frame, value
from rolelint.readers.terraform.files import Definition, Files, open_folder
from rolelint.readers.terraform.module import Module
from rolelint.readers.terraform.redact import texts_in
from rolelint.readers.terraform.references import split_module
from rolelint.readers.terraform.world import Scope, World


class Origin(NamedTuple):
    """Where an instance comes from."""

    module: Module
    definition: Definition
    frame: Frame


class Tree:
    """All modules under one root, and the instances found in them.

    Attributes:
        world: instances that are known otherwise (a plan) come first, then those of the source.
        used: folders of modules that the tree calls; `read`: files that expressions read.
        secrets: texts that expressions worked out so far call sensitive.
        work: what `for` expressions may still make.
    """

    def __init__(self, folder: str, files: Files, variables: dict[str, Any] | None = None) -> None:
        self.files = files
        self.variables = variables
        self.origins: dict[str, Origin] = {}
        self.used: set[str] = set()
        self.read: set[str] = set()
        self.secrets: set[str] = set()
        self.work = MAX_WORK
        self.scopes: dict[str, Scope] = {}
        self.planned: World | None = None
        self._installed: dict[str, str] | None = None
        self._tops: tuple[str, ...] | None = None
        self._scoped = False
        self.root = Module(self, open_folder(folder, files), "", None, None)

    def holds(self, path: str, folder: str) -> bool:
        """Tell whether a path is one of the configuration's: in a module's folder or in the repository of the root.

        Without a repository, that is the folder around the root, or the working folder where the root is in it.
        """
        if self._tops is None:
            root = above = os.path.realpath(self.root.folder.path)
            while not os.path.exists(os.path.join(above, ".git")) and not _is_top(above):
                above = os.path.dirname(above)
            around = [f for f in (os.path.dirname(root), os.getcwd()) if not _is_top(f) and _below(root, f)]
            self._tops = (root, above) if not _is_top(above) else (root, *around)
        real = os.path.realpath(path)
        return any(_below(real, top) for top in (*self._tops, os.path.realpath(folder)))

    def installed(self, key: str) -> str | None:
        """Give the folder where `terraform init` put a module, by its call names joined with dots."""
        if self._installed is None:
            self._installed = {}
            base = self.root.folder.path
            listing = self.files.text_beside(os.path.join(base, ".terraform", "modules", "modules.json"))
            try:
                rows = json.loads(listing)["Modules"] if listing else []
                self._installed = {row["Key"]: os.path.normpath(os.path.join(base, row["Dir"])) for row in rows}
            except (ValueError, KeyError, TypeError, RecursionError):
                # A listing in another form only means that such modules stay unknown.
                self._installed = {}
        return self._installed.get(key)

    def module_at(self, address: str) -> Module | None:
        """Give the module of an address, or None when its source is not here."""
        if not address:
            return self.root
        parent, name, key = split_module(address)
        above = self.module_at(parent)
        return above.instance(name, key) if above is not None else None

    def scope(self, provider: str) -> Scope:
        """Give the scope of a provider configuration, read from its block."""
        if not self._scoped:
            self._scoped = True
            self._read_providers()
        scope = self.scopes.get(provider)
        if scope is None:
            scope = self.scopes[provider] = Scope()
        scope.fill(provider)
        return scope

    def _read_providers(self) -> None:
        deciding = {"aws": "", "awscc": ""}
        for definition in (d for kind in ("aws", "awscc") for d in self.root.folder.blocks("provider", kind)):
            body = definition.block.body
            frame = Frame(self.root, definition.file)
            alias = body.settings.get("alias")
            written = value(alias.value, frame) if alias else ""
            name = definition.block.labels[0] + (f".{written}" if written else "")
            region = value(body.settings["region"].value, frame) if "region" in body.settings else ""
            self.scopes[name] = Scope(
                region=region if isinstance(region, str) and not has_unknown(region) else "",
                account=assumed_account(_in_blocks(body, "assume_role", "role_arn", frame)),
                tags=next(iter(_in_blocks(body, "default_tags", "tags", frame)), None),
            )
            text = self.files.text(definition.file) or ""
            given = [text[s.start : s.end] for s in body.settings.values() if s.name in CREDENTIALS]
            given += [text[b.start : b.end] for b in body.blocks if b.type in CREDENTIALS]
            deciding[name] = "\n".join(sorted("".join(part.split()) for part in given))
        share_accounts(self.scopes, deciding)


def _in_blocks(body: hcl.Body, kind: str, name: str, frame: Frame) -> list[Any]:
    """List the values of a setting in the nested blocks of one type, which JSON syntax writes as objects."""
    written = body.settings.get(kind)
    made: Any = value(written.value, frame) if written is not None else nested_blocks(body, kind, frame)
    return [block.get(name) for block in (made if isinstance(made, list) else [made]) if isinstance(block, dict)]


def _is_top(folder: str) -> bool:
    return os.path.dirname(folder) == folder


def _below(path: str, folder: str) -> bool:
    return os.path.commonpath((path, folder)) == folder


def secrets_in(tree: Tree) -> set[str]:
    """Collect the texts that the source calls sensitive: in variables of each module that is called, in expressions."""
    found = set(tree.secrets)
    for module in tree.root.every():
        if not any("sensitive" in (tree.files.text(file) or "") for file in module.folder.files):
            continue
        for name, _ in module.folder.keys("variable"):
            definition = module.folder.block("variable", name)
            marked = definition.block.body.settings.get("sensitive") if definition is not None else None
            if marked is not None and value(marked.value, Frame(module, "")) is True:
                found |= texts_in(module.variable(name))
                default = definition.block.body.settings.get("default") if definition is not None else None
                if default is not None:
                    found |= texts_in(value(default.value, Frame(module, "")))
    return found
