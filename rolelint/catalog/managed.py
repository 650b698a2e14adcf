"""AWS managed policies: documents packed in blocks, unpacked when one of a block is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rolelint.catalog import artefact
from rolelint.catalog.artefact import Artefact

#: Documents per block: a larger block packs better, a smaller one unpacks faster.
BLOCK = 24
_ARN = re.compile(r"^arn:aws(?:-[a-z0-9-]+)?:iam::aws:policy(/.+)$")


class ManagedPolicies:
    """The documents by name. A name is unique across paths."""

    def __init__(self, packed: Artefact) -> None:
        self._packed = packed
        self._documents: dict[str, dict[str, Any]] = {}

    @property
    def header(self) -> dict[str, Any]:
        """Say where the documents come from, when, and how many there are."""
        return self._packed.header

    @cached_property
    def _index(self) -> dict[str, tuple[str, int]]:
        """Name to path and block."""
        table = {}
        for number, line in enumerate(self._packed.section("index").decode().split("\n")):
            name, path = line.split("\t")
            table[name] = (path, number // BLOCK)
        return table

    def names(self) -> list[str]:
        """List all names, sorted."""
        return sorted(self._index)

    def path(self, name: str) -> str | None:
        """Give the path of the policy of a name; None when it is unknown."""
        known = self._index.get(name)
        return known[0] if known else None

    def document(self, arn_or_name: str) -> dict[str, Any] | None:
        """Give a document by ARN in any partition, by path and name, or by name; None when it is unknown.

        An ARN must name the path that the policy has.
        """
        found = _ARN.match(arn_or_name)
        if found is None and arn_or_name.startswith("arn:"):
            return None
        path, _, name = (found.group(1) if found else arn_or_name).rpartition("/")
        known = self._index.get(name)
        if known is None or ((found or path) and known[0].strip("/") != path.strip("/")):
            return None
        if name not in self._documents:
            self._unpack(known[1])
        return self._documents[name]

    def _unpack(self, block: int) -> None:
        import json

        self._documents.update(json.loads(self._packed.section(f"block {block}")))


def pack(documents: Mapping[str, tuple[str, dict[str, Any]]], header: Mapping[str, Any]) -> bytes:
    """Pack documents: name to path (`/`, `/service-role/` ...) and document. Same documents, same bytes."""
    import json

    names = sorted(documents)
    sections = {"index": "\n".join(f"{name}\t{documents[name][0]}" for name in names).encode()}
    for number in range(0, len(names), BLOCK):
        rows = {name: documents[name][1] for name in names[number : number + BLOCK]}
        sections[f"block {number // BLOCK}"] = json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()
    return artefact.pack({**header, "counts": {"policies": len(names)}}, sections)
