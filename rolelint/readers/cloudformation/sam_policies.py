"""The `Policies` property of serverless resources: managed policies, documents and SAM policy templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolelint.errors import Route
from rolelint.policies.text import unknown
from rolelint.readers.cloudformation.sam_data import load
from rolelint.readers.cloudformation.template import Placed, if_branches, is_intrinsic, is_no_value, referred


def role_policies(node: Any, label: str) -> tuple[list[Any], list[Any]]:
    """Split a `Policies` property into the ManagedPolicyArns and Policies that SAM gives the role.

    Args:
        label: logical id of the role; SAM names the inline policies after it.
    """
    placed = node if isinstance(node, Placed) else Placed(node, ())
    entries: list[Placed] = []
    if isinstance(placed.value, list):
        for i, item in enumerate(placed.value):
            if isinstance(item, Placed):
                entries.append(item)
            else:
                entries.append(Placed(item, (*placed.route, i), placed.bindings))
    elif placed.value is not None:
        entries.append(placed)
    managed: list[Any] = []
    documents: list[Any] = []
    for index, entry in enumerate(entries):
        if _is_managed(entry.value):
            managed.append(_managed(entry))
        else:
            documents.append(_document(entry, f"{label}Policy{index}"))
    return managed, documents


def _is_managed(value: Any) -> bool:
    """Tell whether an entry names a managed policy; functions other than `Fn::If` do, as SAM reads them."""
    branches = if_branches(value)
    if branches is not None:
        inner = [b for b in branches[1:] if not is_no_value(b)]
        return all(_is_managed(branch) for branch in inner)
    if isinstance(value, str):
        return True
    return is_intrinsic(value)


def _managed(entry: Placed) -> Any:
    branches = if_branches(entry.value)
    if branches is not None:
        return _choice(entry, branches, _managed)
    return entry


def _choice(entry: Placed, branches: list[Any], convert: Any) -> dict[str, Any]:
    out: list[Any] = [branches[0]]
    for number in (1, 2):
        branch = branches[number]
        route: Route = (*entry.route, "Fn::If", number)
        if is_no_value(branch):
            out.append(branch)
        else:
            out.append(convert(Placed(branch, route, entry.bindings)))
    return {"Fn::If": out}


def _document(entry: Placed, name: str) -> Any:
    branches = if_branches(entry.value)
    if branches is not None:
        return _choice(entry, branches, lambda branch: _document(branch, name))
    value = entry.value
    if isinstance(value, Mapping) and len(value) == 1 and "Statement" not in value:
        ((key, parameters),) = value.items()
        template = load()["templates"].get(key)
        if template is not None:
            values = parameters if isinstance(parameters, Mapping) else {}
            document = Placed(_from_template(template, values, entry, str(key)), entry.route, entry.bindings)
            return {"PolicyName": name, "PolicyDocument": document}
    if isinstance(value, Mapping) and "PolicyDocument" in value and "Statement" not in value:
        # SAM refuses it, yet it is a common slip: the entry of a role's Policies in place of a document.
        inner = Placed(value["PolicyDocument"], (*entry.route, "PolicyDocument"), entry.bindings)
        return {"PolicyName": value.get("PolicyName", name), "PolicyDocument": inner}
    if isinstance(value, Mapping) and not any(key in value for key in ("Statement", "Version", "Id")):
        # Not a document: a policy template that is newer than our list, or misspelt. What it grants is not known.
        return entry
    return {"PolicyName": name, "PolicyDocument": entry}


def _from_template(template: Mapping[str, Any], values: Mapping[str, Any], entry: Placed, name: str) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for parameter in template["Parameters"]:
        if parameter in values:
            known[parameter] = Placed(values[parameter], (*entry.route, name, parameter), entry.bindings)
        else:
            known[parameter] = unknown(f"{name}.{parameter}")
    return {"Statement": _fill(template["Statement"], known)}


def _fill(node: Any, values: Mapping[str, Any]) -> Any:
    """Put parameter values into a policy template in place of `Ref`."""
    if isinstance(node, Mapping):
        name = referred(node)
        if name in values:
            return values[name]
        return {key: _fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(item, values) for item in node]
    return node
