"""Loops among the resources of a template, and among the properties of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolelint.errors import Route
from rolelint.readers.cloudformation.template import Declared, Placed, Scenario, Template, is_loop
from rolelint.readers.cloudformation.values import Evaluator


def unroll(template: Template) -> None:
    """Put what loops make into a template: resources, and properties of resources.

    A resource that a loop makes only for some values of a parameter gets a condition that says so.
    """
    evaluator = Evaluator(template)
    for body, route in template.loops():
        ways = evaluator.ways(lambda e, b=body: e.loop(b), {})  # type: ignore[misc]
        if any(made is None for _, made in ways):
            template.not_unrolled.append(route)
        found: dict[str, tuple[Declared, list[Scenario]]] = {}
        for now, made in ways:
            for name, node, bindings, steps in made or ():
                if isinstance(node, Mapping) and isinstance(node.get("Type"), str):
                    declared = Declared(name, node["Type"], node, (*route, *steps), bindings)
                    found.setdefault(name, (declared, []))[1].append(now)
        for name, (declared, scenarios) in found.items():
            if len(scenarios) < len(ways):
                declared.body = {**declared.body, "Condition": _condition(template, declared, scenarios)}
            template.resources[name] = declared
    for resource in template.resources.values():
        if any(map(is_loop, resource.properties)):
            resource.body = {**resource.body, "Properties": _properties(template, resource)}


def _condition(template: Template, declared: Declared, scenarios: list[Scenario]) -> str:
    """Name a condition under which a loop makes a resource, beside the condition that the resource has."""
    name = f"{declared.id} in its loop"
    if all(key in template.parameters for scenario in scenarios for key in scenario):
        ways: list[Any] = []
        for scenario in scenarios:
            for key, value in scenario.items():
                literals = template.compared.setdefault(key, [])
                if value not in literals:
                    literals.append(value)
            ways.append({"Fn::And": [{"Fn::Equals": [{"Ref": key}, value]} for key, value in scenario.items()]})
        both: list[Any] = [{"Fn::Or": ways}]
        if declared.condition:
            both.append({"Condition": declared.condition})
        template.conditions = {**template.conditions, name: {"Fn::And": both}}
    # A condition that is not declared may hold or not.
    return name


def _properties(template: Template, resource: Declared) -> dict[str, Any]:
    """Give the properties of a resource with those that its loops make."""
    out: dict[str, Any] = {}
    evaluator = Evaluator(template, bindings=resource.bindings, soft=True, defaults=False)
    for key, value in resource.properties.items():
        route: Route = (*resource.route, "Properties", key)
        if not is_loop(key):
            out[key] = value
            continue
        made = evaluator.loop(value)
        if made is None:
            template.not_unrolled.append(route)
        for name, node, bindings, steps in made or ():
            out[name] = Placed(node, (*route, *steps), bindings)
    return out
