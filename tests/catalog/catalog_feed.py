"""Copies of AWS's feed in a folder, and what a command gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rolelint.catalog import Catalog
from rolelint.catalog.artefact import Artefact
from rolelint.catalog.published import Published

Run = Callable[..., "Result"]


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


def feed_document(source: Published, prefix: str) -> dict[str, Any]:
    """Write one service as AWS's feed does."""
    service = source.services[prefix]
    flags = {
        "IsList": "List",
        "IsWrite": "Write",
        "IsTaggingOnly": "Tagging",
        "IsPermissionManagement": "Permissions management",
    }
    return {
        "Name": prefix,
        "Actions": [
            {
                "Name": action.name,
                "ActionConditionKeys": list(action.keys),
                "Annotations": {"Properties": {flag: level in action.levels for flag, level in flags.items()}},
                "Resources": [{"Name": use.type} for use in action.uses],
            }
            for action in service.actions.values()
        ],
        "ConditionKeys": [{"Name": key, "Types": [kind]} for key, kind in service.keys.items()],
        "Resources": [
            {"Name": t.name, "ARNFormats": list(t.formats), "ConditionKeys": list(t.keys)}
            for t in service.types.values()
        ],
        "Version": "v1.4",
    }


@dataclass(frozen=True)
class World:
    """A copy of the feed in a folder, to change and to read, and the catalogue that it updates."""

    feed: Path
    data: Path
    labels: Path

    def file(self, prefix: str) -> Path:
        return self.feed / "v1" / prefix / f"{prefix}.json"

    def load(self, prefix: str) -> Any:
        return json.loads(self.file(prefix).read_text())

    def store(self, prefix: str, document: object) -> None:
        self.file(prefix).parent.mkdir(parents=True, exist_ok=True)
        self.file(prefix).write_text(json.dumps(document))

    def index(self) -> None:
        prefixes = sorted(path.parent.name for path in self.feed.glob("v1/*/*.json"))
        rows = [{"service": p, "url": f"https://feed.example/v1/{p}/{p}.json"} for p in prefixes]
        (self.feed / "index.json").write_text(json.dumps(rows))

    @property
    def folders(self) -> tuple[str, ...]:
        return ("--output", str(self.data), "--labels-folder", str(self.labels))

    @property
    def update(self) -> tuple[str, ...]:
        return ("update", "--from", str(self.feed), *self.folders)

    def snapshot(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.data.iterdir()}

    def catalog(self) -> Catalog:
        return Catalog(Artefact(self.data / "catalog.bin"))
