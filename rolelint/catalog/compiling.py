"""Compiles what AWS publishes, the reviewed tables and the labels into the catalogue artefact."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rolelint.catalog import artefact, heuristics, labels
from rolelint.catalog.bits import label_masks
from rolelint.catalog.conditions import CLAIM
from rolelint.catalog.curated import Curated, curated
from rolelint.catalog.model import CLASSES, UNKNOWN, Label
from rolelint.catalog.published import LEVELS, Published, PublishedAction, PublishedService, Use
from rolelint.errors import Problem
from rolelint.records import record

DATA = Path(__file__).parent / "data"
SOURCE = DATA / "actions.json.xz"
TARGET = DATA / "catalog.bin"
_REQUEST_TAGS = ("aws:requesttag/", "aws:tagkeys")
GENERATOR = "rolelint catalog build, format 1"


@record
class Built:
    """A compiled catalogue.

    Attributes:
        header: without the digest.
        problems: what is wrong in the label files.
        missed: write-level actions without a reviewed label in services whose file is dated as reviewed.
    """

    header: dict[str, Any]
    sections: dict[str, bytes]
    problems: tuple[Problem, ...]
    missed: tuple[str, ...]


@record(frozen=False)
class _Row:
    service: PublishedService
    action: PublishedAction
    label: Label
    required: tuple[str, ...]
    optional: tuple[str, ...]


def build(published: Published, folder: Path = labels.FOLDER) -> Built:
    """Compile the catalogue. Same inputs, same bytes."""
    tables = curated()
    files = labels.read_folder(folder)
    problems = list(files.problems)
    reviewed = {entry.action: entry for entry in files.entries}
    rows = []
    known = set()
    for service, action in published.actions():
        name = f"{service.prefix}:{action.name}"
        known.add(name)
        entry = reviewed.get(name)
        target = tuple(t for t in entry.target if any(t == use.type for use in action.uses)) if entry else ()
        uses = _uses(name, action.uses, target, tables)
        if entry is not None:
            strange = sorted(set(entry.target) - {use.type for use in action.uses})
            problems += [Problem(f"`{name}` does not use the type `{t}`", entry.location) for t in strange]
            label = entry.label
        elif action.pending and action.is_write:
            label = Label(UNKNOWN, reversibility="R3", blast="B4", decided="undecided", reason="new, not yet labelled")
        else:
            label = heuristics.propose(service, action, tables.stateful, tables.recovery, tables.parameters)
        rows.append(_Row(service, action, label, *uses))
    for entry in files.entries:
        if entry.action not in known:
            problems.append(Problem(f"`{entry.action}` is not in the catalogue", entry.location, "remove the line"))
    sections, counts = _sections(published, rows, tables)
    header = {
        "generator": GENERATOR,
        **{key: published.header.get(key, "") for key in ("source", "version", "date")},
        "sources": [
            published.header,
            *({"source": f["source"], "date": str(f["date"]), "facts": name} for name, f in tables.facts.items()),
        ],
        "counts": counts,
        "reviewed_services": files.reviewed,
        "rcp_services": list(tables.rcp_services),
    }
    missed = tuple(
        f"{row.service.prefix}:{row.action.name}"
        for row in rows
        if row.service.prefix in files.reviewed and row.action.is_write and row.label.decided != "reviewed"
    )
    return Built(header, sections, tuple(problems), missed)


def is_current(built: Built, path: Path) -> bool:
    """Tell whether a file holds exactly this catalogue."""
    if not path.is_file():
        return False
    found = artefact.Artefact(path)
    expected = {**built.header, "sha256": artefact.digest(built.sections)}
    return found.header == expected and found.sections() == built.sections


def _uses(
    name: str, uses: Sequence[Use], target: tuple[str, ...], tables: Curated
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Decide which types a call must name and which it may name."""
    if target:
        return tuple(sorted(target)), tuple(sorted(use.type for use in uses if use.type not in target))
    prefix, _, action = name.partition(":")
    published = {use.type for use in uses if use.required}
    loose: set[str] = set()
    for service, types, actions in tables.alternatives:
        if service != prefix:
            continue
        if action in actions:
            return (), tuple(sorted(types & {use.type for use in uses}))
        if not actions and len(types & published) > 1:
            loose |= types
    required = tuple(sorted(published - loose))
    return required, tuple(sorted(use.type for use in uses if use.type not in required))


def arn_formats(published: Iterable[str]) -> tuple[str, ...]:
    """Bring published ARN formats into one shape.

    A text with several formats is split; a `*` becomes a free field `${Any}`; `${AccountId}` is `${Account}`.
    """
    out = []
    for text in published:
        for part in text.split(","):
            fields = part.strip().split(":", 5)
            if len(fields) == 6:
                fields = [*fields[:4], fields[4].replace("${AccountId}", "${Account}"), fields[5]]
            out.append(":".join(field.replace("*", "${Any}") for field in fields))
    return tuple(out)


def _sections(published: Published, rows: Sequence[_Row], tables: Curated) -> tuple[dict[str, bytes], dict[str, Any]]:
    types, type_ids, keys_of_type = _types(published, tables)
    services: dict[str, list[str]] = {}
    for row in rows:
        services.setdefault(row.service.prefix, []).append(row.action.name)
    signature_ids: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {((), ()): 0}
    label_ids: dict[Label, int] = {}
    key_ids: dict[str, int] = {}
    set_ids: dict[tuple[int, ...], int] = {(): 0}
    signatures, label_of, set_of, levels = array("H"), array("H"), array("H"), bytearray()
    masks: dict[str, set[int]] = {}
    key_bits: dict[str, set[int]] = {}
    for index, row in enumerate(rows):
        prefix, action = row.service.prefix, row.action
        sig = (
            tuple(_placed(type_ids[prefix, name], row, types, tables) for name in row.required),
            tuple(_placed(type_ids[prefix, name], row, types, tables) for name in row.optional),
        )
        signatures.append(signature_ids.setdefault(sig, len(signature_ids)))
        label_of.append(label_ids.setdefault(row.label, len(label_ids)))
        levels.append(sum(1 << LEVELS.index(level) for level in action.levels))
        own = tuple(key_ids.setdefault(key, len(key_ids)) for key in action.keys)
        set_of.append(set_ids.setdefault(own, len(set_ids)))
        carried = {k.lower() for k in action.keys}
        if f"{prefix}:{action.name}" in tables.federated:
            carried.add(CLAIM)
        for use in action.uses:
            carried.update(k.lower() for k in use.keys)
            # Of the tags that a request passes, a type tells only that some action on it takes tags.
            # AWS: IAM/latest/UserGuide/reference_policies_condition-keys.html, "aws:RequestTag". Read 2026-11.
            tagging = "Tagging" in action.levels
            carried.update(k for k in keys_of_type[prefix, use.type] if tagging or not k.startswith(_REQUEST_TAGS))
        for key in carried:
            key_bits.setdefault(key, set()).add(index)
        for name in _attributes(row, [types[i] for i in (sig[0] or sig[1])], carried, tables):
            masks.setdefault(name, set()).add(index)
    size = (len(rows) + 7) // 8
    mask_names = sorted(masks)
    key_text, key_masks = _keys(published, key_bits, _telling_tags(keys_of_type), tables)
    service_table, name_blocks = _names(services)
    sections = {
        "services": _lines(service_table),
        **name_blocks,
        "levels": bytes(levels),
        "signature_of": _words(signatures),
        "signatures": _lines(f"{_numbers(req)};{_numbers(opt)}" for req, opt in signature_ids),
        **artefact.in_blocks("types", types),
        "mask_names": _lines(mask_names),
        "masks": b"".join(_bits(masks[name], size) for name in mask_names),
        "label_of": _words(label_of),
        **artefact.in_blocks("labels", [_label_line(label) for label in label_ids]),
        "keys": key_text,
        "key_masks": key_masks,
        "key_uses": _lines(_key_uses(rows, keys_of_type, tables)),
        "key_names": _lines(key_ids),
        "key_set_of": _words(set_of),
        "key_sets": _lines(_numbers(keys) for keys in set_ids),
    }
    counts = {
        "actions": len(rows),
        "services": len(services),
        "types": len(types),
        "condition_keys": sum(len(s.keys) for s in published.services.values()),
        "classes": {c: len(masks.get(f"class {c}", ())) for c in (*CLASSES, UNKNOWN)},
        "decided": {d: len(masks.get(d, ())) for d in ("reviewed", "rule", "undecided")},
    }
    return sections, counts


def _names(services: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, bytes]]:
    """Write the names of services into blocks, and for each service its count, block and place in the block."""
    table: list[str] = []
    blocks: list[list[str]] = [[]]
    at = 0
    for prefix, names in services.items():
        if len(blocks[-1]) >= artefact.LINES:
            blocks.append([])
            at = 0
        blocks[-1] += names
        length = sum(map(len, names)) + len(names)
        table.append(f"{prefix}\t{len(names)}\t{len(blocks) - 1}\t{at}\t{length}")
        at += length
    return table, {f"names {i}": _lines(block) for i, block in enumerate(blocks)}


def _types(
    published: Published, tables: Curated
) -> tuple[list[str], dict[tuple[str, str], int], dict[tuple[str, str], set[str]]]:
    lines: list[str] = []
    ids: dict[tuple[str, str], int] = {}
    keys: dict[tuple[str, str], set[str]] = {}
    for prefix in sorted(published.services):
        service = published.services[prefix]
        for name in sorted(service.types):
            kind = service.types[name]
            key = f"{prefix}:{name}"
            formats = tables.formats.get(key) or arn_formats(kind.formats)
            carried = {k.lower() for k in kind.keys}
            flags = "".join(
                flag
                for flag, present in (
                    ("s", key in tables.stateful),
                    ("r", key in tables.recovery),
                    ("t", any(k.startswith("aws:resourcetag/") for k in carried)),
                )
                if present
            )
            ids[prefix, name] = len(lines)
            keys[prefix, name] = carried
            lines.append("\t".join([prefix, name, flags, *formats]))
    return lines, ids, keys


def _placed(number: int, row: _Row, types: list[str], tables: Curated) -> int:
    """Give the number of a type as an action names it: what lies below a resource has a format of its own."""
    below = tables.below.get(f"{row.service.prefix}:{row.action.name}")
    if below is None:
        return number
    line = "\t".join([*types[number].split("\t")[:3], below])
    if line not in types:
        types.append(line)
    return types.index(line)


def _attributes(row: _Row, types: Sequence[str], keys: set[str], tables: Curated) -> set[str]:
    """Name the masks that an action belongs to."""
    label = row.label
    flags = {flag for line in types for flag in line.split("\t")[2]}
    out = {
        *label_masks(label),
        *(f"level {level}" for level in row.action.levels),
        "resource" if types else "no-resource",
    }
    sets_tags = "Tagging" in row.action.levels and not row.action.name.startswith(("List", "Get", "Describe"))
    named: tuple[tuple[bool, str], ...] = (
        ("s" in flags, "stateful"),
        ("r" in flags, "recovery"),
        ("t" in flags, "taggable"),
        (bool(keys & tables.parameter_keys), "parameter-key"),
        (row.action.is_write, "write-level"),
        (len(row.required) > 1, "several-types"),
        (_told_apart(row, tables), "told-apart"),
        (row.action.name.lower().startswith(("delete", "terminate")), "called-delete"),
        (sets_tags, "sets-tags"),
        (sets_tags and "aws:tagkeys" in keys, "sets-named-tags"),
        ("aws:resourcetag/${tagkey}" in keys, "resource-tag"),
    )
    return out | {name for holds, name in named if holds}


def _telling_tags(keys_of_type: Mapping[tuple[str, str], set[str]]) -> dict[str, str]:
    """Name for keys that tell a tag of one type of resource alone, as `rds:cluster-tag/...` does, that type."""
    of: dict[str, list[str]] = {}
    for (prefix, name), keys in keys_of_type.items():
        for key in keys:
            if key.startswith(f"{prefix}:") and key.endswith("-tag/${tagkey}"):
                of.setdefault(key, []).append(f"{prefix}:{name}")
    return {key: kinds[0] for key, kinds in of.items() if len(kinds) == 1}


def _keys(
    published: Published, bits: Mapping[str, set[int]], telling: Mapping[str, str], tables: Curated
) -> tuple[bytes, bytes]:
    """Write the condition keys with their types, and beside them which actions can carry each.

    Args:
        telling: the only resource type that a key is about, where there is one.
    """
    kinds: dict[str, str] = {}
    for prefix in sorted(published.services):
        for key, kind in published.services[prefix].keys.items():
            kinds.setdefault(key.lower(), kind)
    for table in (tables.everywhere, tables.listed):
        kinds.update((key.lower(), kind) for key, kind in table.items())
    for key in bits:
        kinds.setdefault(key, "String")
    everywhere = {key.lower() for key in tables.everywhere}
    lines, packed = [], bytearray()
    for key in sorted(kinds):
        lines.append(f"{key}\t{kinds[key]}\t{'*' if key in everywhere else telling.get(key, '')}")
        found = bits.get(key, set()) if key not in everywhere else set()
        start = min(found) // 8 if found else 0
        length = max(found) // 8 - start + 1 if found else 0
        packed += struct.pack("<HH", start, length) + _bits({i - start * 8 for i in found}, length)
    return _lines(lines), bytes(packed)


def _key_uses(rows: Sequence[_Row], keys_of_type: Mapping[tuple[str, str], set[str]], tables: Curated) -> list[str]:
    """Write which resources of a call carry a key that is not a key of the call: `key`, then `action=type,type` each.

    A type carries what it is published with for the call. Where it is published with a key by itself that the call
    has of another type, nothing proves that it goes without. Tags of a resource are left out: a resource that is made
    with tags has them too (S5.34).
    """
    found: dict[str, list[str]] = {}
    for index, row in enumerate(rows):
        if not _told_apart(row, tables):
            continue
        prefix, whole = row.service.prefix, {key.lower() for key in row.action.keys}
        told = {use.type: {k.lower() for k in use.keys} - whole for use in row.action.uses}
        every = {k for keys in told.values() for k in keys if ":resourcetag/" not in k}
        carrying: dict[str, list[str]] = {}
        for kind, keys in told.items():
            by_itself = {k for k in keys_of_type[prefix, kind] if not k.startswith(_REQUEST_TAGS)}
            for key in every & (keys | by_itself):
                carrying.setdefault(key, []).append(f"{prefix}:{kind}")
        for key, kinds in carrying.items():
            found.setdefault(key, []).append(f"{index}={','.join(sorted(kinds))}")
    return ["\t".join([key, *uses]) for key, uses in sorted(found.items())]


def _told_apart(row: _Row, tables: Curated) -> bool:
    return row.service.prefix in tables.apart and bool(row.required) and len(row.action.uses) > 1


def _label_line(label: Label) -> str:
    fields = (
        label.cls,
        ",".join(label.also),
        label.reversibility,
        label.blast,
        label.timing,
        label.via,
        label.parameter,
        label.decided,
        label.reason,
    )
    return "\t".join(" ".join(text.split()) for text in fields)


def _lines(lines: Iterable[str]) -> bytes:
    return "\n".join(lines).encode()


def _words(values: array[int]) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def _numbers(values: Iterable[int]) -> str:
    return ",".join(map(str, values))


def _bits(indexes: set[int], size: int) -> bytes:
    out = bytearray(size)
    for index in indexes:
        out[index >> 3] |= 1 << (index & 7)
    return bytes(out)
