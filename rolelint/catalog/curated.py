"""Reads the small reviewed tables beside the labels: stateful types, parameters, corrections and facts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rolelint.records import record

FOLDER = Path(__file__).parent


@record
class Curated:
    """The reviewed tables. Resource types are named `service:type`, actions `service:Name`.

    Attributes:
        parameters: rows of the parameter table, first match wins.
        formats: resource type to the ARN formats that replace the published ones.
        below: actions on what lies below a resource, to their own ARN format.
        alternatives: rows of a service, its types of which a call names one, and the actions meant (empty: all).
        everywhere, listed: global condition keys to the types of their values.
        federated: actions that carry the claims of any identity provider.
        apart: services that judge each resource of a call with the keys of that resource alone.
        parameter_keys: lower-cased condition keys on dangerous parameters.
        facts: the whole facts file, for the header.
    """

    stateful: frozenset[str]
    recovery: frozenset[str]
    parameters: tuple[Mapping[str, Any], ...]
    formats: Mapping[str, tuple[str, ...]]
    below: Mapping[str, str]
    alternatives: tuple[tuple[str, frozenset[str], frozenset[str]], ...]
    rcp_services: tuple[str, ...]
    everywhere: Mapping[str, str]
    listed: Mapping[str, str]
    federated: tuple[str, ...]
    apart: tuple[str, ...]
    parameter_keys: frozenset[str]
    facts: Mapping[str, Any]


@cache
def curated() -> Curated:
    """Read the tables, once."""
    types = load("stateful.yaml")
    overrides = load("overrides.yaml")
    facts = load("facts.yaml")
    return Curated(
        stateful=_keys(types["stateful"]),
        recovery=_keys(types["recovery"]),
        parameters=tuple(load("parameters.yaml")["parameters"]),
        formats={row["type"]: tuple(row["formats"]) for row in overrides["formats"]},
        below={
            f"{row['type'].partition(':')[0]}:{action}": row["format"]
            for row in overrides["below"]
            for action in row["actions"]
        },
        alternatives=tuple(
            (row["service"], frozenset(row["types"]), frozenset(row.get("actions", ())))
            for row in overrides["alternatives"]
        ),
        rcp_services=tuple(facts["rcp_services"]["services"]),
        everywhere=facts["global_keys"]["everywhere"],
        listed=facts["global_keys"]["listed"],
        federated=tuple(facts["federation_keys"]["actions"]),
        apart=tuple(facts["keys_of_each_resource"]["services"]),
        parameter_keys=frozenset(key.lower() for key in facts["parameter_keys"]["keys"]),
        facts=facts,
    )


def load(name: str) -> Any:
    """Read one of the tables as it is written."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((FOLDER / name).read_bytes(), Loader=loader)


def _keys(table: Mapping[str, list[str]]) -> frozenset[str]:
    return frozenset(f"{service}:{name}" for service, names in table.items() for name in names)
