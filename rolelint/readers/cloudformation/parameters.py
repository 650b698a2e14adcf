"""Values for the parameters of a template, from the files that AWS tools take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rolelint.documents import parse
from rolelint.errors import InputError, Location, Problem, nearest, printable
from rolelint.sources.files import read_bytes

_DECLARED = "parameters that templates have"

_HINT = (
    'write [{"ParameterKey": "...", "ParameterValue": "..."}], {"Parameters": {...}}, ["Key=Value"] or {"Key": "Value"}'
)


def read_parameters(file: str) -> dict[str, Any]:
    """Read a parameters file.

    Understood are the list of `aws cloudformation create-stack --parameters file://`, the list of `Key=Value` of
    `aws cloudformation deploy --parameter-overrides file://`, the template configuration of CodePipeline
    (`{"Parameters": {...}}`), and a plain object. Pseudo parameters (`AWS::AccountId`, `AWS::Region`, `AWS::Partition`,
    `AWS::StackName`) may stand beside the others. A parameter with `UsePreviousValue` stays unknown.

    Raises:
        InputError: when the file cannot be read or has none of these forms.
    """
    documents = parse(file, read_bytes(file))
    if len(documents) != 1:
        raise InputError("a parameters file holds one document", location=Location(file), hint=_HINT)
    values = _values(documents[0].data)
    if values is None:
        raise InputError("this is not a parameters file", location=Location(file, 1, 1), hint=_HINT)
    return values


def _values(data: Any) -> dict[str, Any] | None:
    if isinstance(data, Mapping):
        inner = data.get("Parameters")
        if isinstance(inner, Mapping | list):
            return _values(inner)
        plain = {str(key): value for key, value in data.items() if _is_value(value)}
        return plain if len(plain) == len(data) else None
    if not isinstance(data, list):
        return None
    out: dict[str, Any] = {}
    for entry in data:
        if isinstance(entry, str) and "=" in entry:
            name, _, value = entry.partition("=")
            out[name] = value
        elif isinstance(entry, Mapping) and isinstance(entry.get("ParameterKey"), str):
            if "ParameterValue" in entry:
                out[entry["ParameterKey"]] = entry["ParameterValue"]
            elif entry.get("UsePreviousValue") is not True:
                return None
        else:
            return None
    return out


def _is_value(value: Any) -> bool:
    plain = str | int | float | bool
    return isinstance(value, plain) or (isinstance(value, list) and all(isinstance(one, plain) for one in value))


def given(options: Mapping[str, Any], memo: dict[Any, Any]) -> dict[str, Any]:
    """Give the parameter values of the option `parameters`: a mapping, or the name of a file (read once)."""
    stated = options.get("parameters")
    if not stated:
        return {}
    if isinstance(stated, Mapping):
        return dict(stated)
    key = ("parameters", str(stated))
    if key not in memo:
        memo[key] = read_parameters(str(stated))
    return dict(memo[key])


def declare(names: Iterable[str], memo: dict[Any, Any]) -> None:
    """Note the parameters that a template has."""
    memo.setdefault(_DECLARED, set()).update(names)


def not_declared(options: Mapping[str, Any], memo: Mapping[Any, Any]) -> list[Problem]:
    """List the names in the option `parameters` that none of the templates read has; none where none was read."""
    if _DECLARED not in memo:
        return []
    declared = sorted(memo[_DECLARED])
    found = []
    for name in given(options, {}):
        if name in declared or name.startswith("AWS::"):
            continue
        message = f"no template has the parameter `{printable(name)}`"
        found.append(
            Problem(message, Location(str(options.get("parameters_file", ""))), nearest(name, declared), "warning")
        )
    return found
