"""Cloud assemblies of the CDK: what `manifest.json` says of the templates beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from rolelint.documents import parse
from rolelint.errors import InputError, Location, Problem
from rolelint.sources.files import read_regular

_ENVIRONMENT = re.compile(r"^aws://([^/]+)/([^/]+)$")


class _Manifest(NamedTuple):
    """What a manifest says: of each stack the template file, pseudo parameters and parameters; and what is wrong."""

    stacks: list[tuple[str, dict[str, Any], dict[str, Any]]]
    problems: list[Problem]


def stated(base: Path | None, file: str, memo: dict[Any, Any]) -> dict[str, Any]:
    """Give pseudo parameters and parameters of a stack, as the assembly's manifest states them.

    A template that the manifest does not name (a nested stack is an asset) belongs to a stack of the same assembly; it
    takes the account and Region that all stacks of the manifest share.
    """
    stacks = _manifest(base, file, memo).stacks
    name = PurePath(file).name
    for template, environment, parameters in stacks:
        if template == name:
            return {**parameters, **environment}
    if not stacks:
        return {}
    shared = stacks[0][1]
    return {
        key: value
        for key, value in shared.items()
        if all(environment.get(key) == value for _, environment, _ in stacks)
    }


def problems(base: Path | None, file: str, memo: dict[Any, Any]) -> list[Problem]:
    """Say what is wrong with the manifest beside a template, once for all templates."""
    found = _manifest(base, file, memo).problems
    told, found[:] = list(found), []
    return told


def _manifest(base: Path | None, file: str, memo: dict[Any, Any]) -> _Manifest:
    if base is None or not file.endswith(".template.json"):
        return _Manifest([], [])
    key = ("cdk manifest", str(base))
    if key not in memo:
        memo[key] = _read(os.path.join(base, "manifest.json"))
    manifest: _Manifest = memo[key]
    return manifest


def _read(path: str) -> _Manifest:
    if not os.path.lexists(path):
        return _Manifest([], [])
    try:
        documents = parse(path, read_regular(path))
    except InputError as error:
        hint = "without the manifest the account and Region of its stacks are not known"
        return _Manifest([], [Problem(error.message, error.location or Location(path), hint, "warning")])
    stacks = _stacks(documents[0].data) if documents else []
    beside = os.path.dirname(path)
    absent = [template for template, _, _ in stacks if not os.path.lexists(os.path.join(beside, template))]
    return _Manifest(stacks, [_absent(template, path) for template in absent])


def _absent(template: str, manifest: str) -> Problem:
    message = f"the template `{template}`, which the manifest names, is not here, so its roles are not read"
    return Problem(message, Location(manifest), "run `cdk synth`", "warning")


def _stacks(data: object) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """List the stacks of a manifest: template file, pseudo parameters, parameters."""
    artifacts = data.get("artifacts") if isinstance(data, Mapping) else None
    out = []
    for artifact in artifacts.values() if isinstance(artifacts, Mapping) else ():
        if not isinstance(artifact, Mapping) or artifact.get("type") != "aws:cloudformation:stack":
            continue
        properties = artifact.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        parameters = properties.get("parameters")
        environment: dict[str, Any] = {}
        found = _ENVIRONMENT.match(str(artifact.get("environment", "")))
        if found and found.group(1).isdecimal():
            environment["AWS::AccountId"] = found.group(1)
        if found and found.group(2) != "unknown-region":
            environment["AWS::Region"] = found.group(2)
        if isinstance(properties.get("stackName"), str):
            environment["AWS::StackName"] = properties["stackName"]
        template = str(properties.get("templateFile", ""))
        out.append((template, environment, dict(parameters) if isinstance(parameters, Mapping) else {}))
    return out
