"""Reads the small reviewed tables beside the labels: stateful types, dangerous parameters, corrections, facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Curated:
    """The reviewed tables. Resource types are named `service:type`."""

    stateful: frozenset[str]
    recovery: frozenset[str]
    parameters: tuple[Mapping[str, Any], ...]


@cache
def curated() -> Curated:
    """Read the tables, once."""
    types = _load("stateful.yaml")
    return Curated(
        stateful=_keys(types["stateful"]),
        recovery=_keys(types["recovery"]),
        parameters=tuple(_load("parameters.yaml")["parameters"]),
    )


def _keys(table: Mapping[str, list[str]]) -> frozenset[str]:
    return frozenset(f"{service}:{name}" for service, names in table.items() for name in names)


def _load(name: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((FOLDER / name).read_bytes(), Loader=loader)
