"""Cloud assemblies of the CDK: what `manifest.json` says of the templates beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

_ENVIRONMENT = re.compile(r"^aws://([^/]+)/([^/]+)$")


def stated(base: Path | None, file: str, memo: dict[Any, Any]) -> dict[str, Any]:
    """Give pseudo parameters and parameters of a stack, as the assembly's manifest states them.

    A template that the manifest does not name (a nested stack is an asset) belongs to a stack of the same assembly; it
    takes the account and Region that all stacks of the manifest share.
    """
    if base is None or not file.endswith(".template.json"):
        return {}
    key = ("cdk manifest", str(base))
    if key not in memo:
        memo[key] = _stacks(base / "manifest.json")
    stacks: list[tuple[str, dict[str, Any], dict[str, Any]]] = memo[key]
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


def _stacks(manifest: Path) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """List the stacks of a manifest: template file, pseudo parameters, parameters."""
    try:
        data = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
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
