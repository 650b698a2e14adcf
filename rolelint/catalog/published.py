"""What AWS publishes about its actions, as one plain value that can be written to a file and read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rolelint.errors import InputError, Location, reason_of
from rolelint.records import field, record

#: The access levels that change something. Setting tags does not count: tags are judged with the gates they serve.
WRITE_LEVELS = frozenset({"Write", "Permissions management"})
_TAGS = re.compile(r"^(Un)?[Tt]ag|Tags?([A-Z]|$)|TagResource|Tagging")
LEVELS = ("Read", "List", "Write", "Tagging", "Permissions management")


@record
class Use:
    """How one action names one resource type."""

    type: str
    required: bool = False
    keys: tuple[str, ...] = ()


@record
class PublishedAction:
    """One action as published.

    Attributes:
        levels: access levels, in the order of `LEVELS`.
        pending: it came with an update and nobody has decided yet what it does.
    """

    name: str
    description: str = ""
    levels: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    keys: tuple[str, ...] = ()
    pending: bool = False

    @property
    def is_write(self) -> bool:
        """Tell whether it is published as changing something other than tags."""
        tags = "Tagging" in self.levels and _TAGS.search(self.name) is not None
        return bool(WRITE_LEVELS.intersection(self.levels)) and not tags


@record
class PublishedType:
    """One resource type: its ARN formats and the condition keys that describe it."""

    name: str
    formats: tuple[str, ...]
    keys: tuple[str, ...] = ()


@record
class PublishedService:
    """One service prefix. Actions and types by name; condition keys with their type."""

    prefix: str
    title: str = ""
    actions: dict[str, PublishedAction] = field(default_factory=dict)
    types: dict[str, PublishedType] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


@record
class Published:
    """Everything AWS publishes that we use. `header` says where it came from and when."""

    header: dict[str, Any]
    services: dict[str, PublishedService]

    def actions(self) -> Iterator[tuple[PublishedService, PublishedAction]]:
        """Walk all actions, sorted by lower-cased `prefix:name`."""
        pairs = [(f"{s.prefix}:{a.name}".lower(), s, a) for s in self.services.values() for a in s.actions.values()]
        pairs.sort(key=lambda triple: triple[0])
        for _, service, action in pairs:
            yield service, action


def parse_levels(text: str | Iterable[str]) -> tuple[str, ...]:
    """Read access levels: one, several separated by commas (`Tagging, Write`), or a list.

    Raises:
        ValueError: a level that AWS does not publish.
    """
    parts = text.split(",") if isinstance(text, str) else list(text)
    names = {part.strip().lower(): part.strip() for part in parts if part.strip()}
    known = {level.lower(): level for level in LEVELS}
    strange = sorted(set(names) - set(known))
    if strange:
        raise ValueError(f"unknown access level `{names[strange[0]]}`")
    return tuple(level for level in LEVELS if level.lower() in names)


def encode(published: Published, *, quick: bool = False) -> bytes:
    """Write as xz-compressed JSON, one service per line, everything sorted: same value, same text.

    Args:
        quick: pack in a fraction of the time, into a larger file.
    """
    import json
    import lzma

    def dump(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    lines = [dump({"header": published.header})]
    for prefix in sorted(published.services):
        service = published.services[prefix]
        lines.append(
            dump(
                {
                    "prefix": prefix,
                    "title": service.title,
                    "actions": [_action_row(service.actions[name]) for name in sorted(service.actions)],
                    "types": [[t.name, t.formats, t.keys] for _, t in sorted(service.types.items())],
                    "keys": service.keys,
                }
            )
        )
    text = "\n".join(lines) + "\n"
    preset = 0 if quick else 9 | lzma.PRESET_EXTREME
    return lzma.compress(text.encode(), format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, preset=preset)


def decode(data: bytes, name: str) -> Published:
    """Read what `encode` wrote.

    Raises:
        InputError: the bytes are not such a file; `name` is its name in the message.
    """
    import json
    import lzma

    try:
        lines = lzma.decompress(data).decode().splitlines()
        header = json.loads(lines[0])["header"]
        services = {}
        for line in lines[1:]:
            row = json.loads(line)
            services[row["prefix"]] = PublishedService(
                prefix=row["prefix"],
                title=row["title"],
                actions={a[0]: _action_of(a) for a in row["actions"]},
                types={t[0]: PublishedType(t[0], tuple(t[1]), tuple(t[2])) for t in row["types"]},
                keys=row["keys"],
            )
    except (lzma.LZMAError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"not a catalogue source: {error}".lower(),
            location=Location(name),
            hint="take the file from the release, or run `rolelint catalog update`",
        ) from error
    return Published(header, services)


def read(path: Path) -> Published:
    """Read a catalogue source file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read: {reason_of(error)}", location=Location(str(path))) from error
    return decode(data, str(path))


def _action_row(action: PublishedAction) -> list[object]:
    uses = [[use.type, int(use.required), use.keys] for use in action.uses]
    return [action.name, action.description, action.levels, uses, action.keys, int(action.pending)]


def _action_of(row: list[Any]) -> PublishedAction:
    name, description, levels, uses, keys, pending = row
    named = tuple(Use(use[0], bool(use[1]), tuple(use[2])) for use in uses)
    return PublishedAction(name, description, tuple(levels), named, tuple(keys), bool(pending))
