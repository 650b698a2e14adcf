"""Work out the values of a template: intrinsic functions, parameters, conditions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from rolelint.errors import Route
from rolelint.policies.text import has_unknown, show, unknown
from rolelint.readers.cloudformation.functions import FUNCTIONS, choose
from rolelint.readers.cloudformation.kinds import attribute_of, reference_of
from rolelint.readers.cloudformation.template import (
    ABSENT,
    MOST_VALUES,
    OTHER,
    STAND_IN_ACCOUNT,
    Declared,
    Open,
    Placed,
    Scenario,
    Template,
    compared_name,
    is_loop,
    joined,
    plain_text,
    referred,
)

#: Most ways to deploy that are read for one statement; what depends on further conditions becomes unknown text.
MOST_SCENARIOS = 32

#: Most items that one `Fn::ForEach` may make; a longer loop is not read.
MOST_ITEMS = 1000

_DYNAMIC = re.compile(r"\{\{(resolve:[^{}]*)\}\}")
_LOOP_TEXT = re.compile(r"[$&]\{([^{}]*)\}")

Result = TypeVar("Result")


class Evaluator:
    """Works out values under one scenario.

    A parameter has the value that the user gives. Else each of its AllowedValues is possible, whatever its Default;
    without them it has its Default: that is what a deployment takes which says nothing. A condition that compares such
    a parameter is still open, because a deployment may say something: `Open` asks the caller to look at every branch.
    `AWS::AccountId` is one stand-in where the template names no account, else one unknown literal; `AWS::Region` is one
    stand-in that the template does not name. So ARNs of the stack's own account and Region agree with each other and
    with nothing else. `AWS::Partition` is what the user gives; else the one partition that ARNs of the template name;
    else the text `aws`.

    Args:
        soft: give unknown text instead of raising `Open`.
        defaults: where it is soft, take the Default of a parameter that may have another value, as names of resources
            do. Policies do not: there a value that is not known must not pass for the one that is usual.
    """

    def __init__(
        self,
        template: Template,
        scenario: Scenario | None = None,
        *,
        bindings: Mapping[str, str] | None = None,
        soft: bool = False,
        defaults: bool = True,
    ) -> None:
        self.template = template
        self.scenario: Scenario = scenario or {}
        self.bindings: Mapping[str, str] = bindings or {}
        self.soft = soft
        self.defaults = defaults
        #: Where a part of the result stands in the template, for parts whose route is not that of their parent
        #: with one step added. Keys are routes inside the result.
        self.moves: dict[Route, Route] = {}
        self._refs: list[str] = []
        self._conditions: list[str] = []

    def evaluate(self, node: Any, route: Route = (), at: Route | None = None) -> Any:
        """Work out a tree.

        Args:
            route: where the tree stands in the template.
            at: where the result stands in what the caller builds; None records no places.

        Raises:
            Open: when a condition or a parameter leaves the value open, unless soft.
        """
        if isinstance(node, str):
            return self.plain(node)
        if isinstance(node, Placed):
            outer = self.bindings
            self.bindings = node.bindings
            try:
                if at is not None:
                    self.moves[at] = node.route
                return self.evaluate(node.value, node.route, at)
            finally:
                self.bindings = outer
        if isinstance(node, list):
            return self._list(node, route, at)
        if not isinstance(node, Mapping):
            return node
        if len(node) == 1:
            ((key, argument),) = node.items()
            if key == "Fn::If":
                return choose(self, argument, (*route, key), at)
            function = FUNCTIONS.get(key)
            if function is not None:
                return function(self, argument)
            if isinstance(key, str) and key.startswith(("Fn::", "Rain::")) and not is_loop(key):
                return unknown(key)
        if "Fn::Transform" in node:
            return unknown("Fn::Transform")
        return self._mapping(node, route, at)

    def _list(self, node: list[Any], route: Route, at: Route | None) -> list[Any]:
        out: list[Any] = []
        for i, item in enumerate(node):
            step = None if at is None else (*at, len(out))
            if step is not None and len(out) != i:
                self.moves[step] = (*route, i)
            value = self.evaluate(item, (*route, i), step)
            if value is not ABSENT:
                out.append(value)
        return out

    def _mapping(self, node: Mapping[Any, Any], route: Route, at: Route | None) -> Any:
        out: dict[str, Any] = {}
        for key, item in node.items():
            if is_loop(key):
                made = self.loop(item)
                if made is None:
                    # Nobody can say which keys stand here.
                    return unknown(str(key))
                for name, body, bindings, steps in made:
                    step = None if at is None else (*at, name)
                    where = (*route, key, *steps)
                    if step is not None:
                        self.moves[step] = where
                    value = self._bound(bindings, body, where, step)
                    if value is not ABSENT:
                        out[name] = value
                continue
            value = self.evaluate(item, (*route, key), None if at is None else (*at, key))
            if value is not ABSENT:
                out[self.plain(key) if isinstance(key, str) else plain_text(key)] = value
        return out

    def _bound(self, bindings: Mapping[str, str], node: Any, route: Route, at: Route | None) -> Any:
        outer = self.bindings
        self.bindings = bindings
        try:
            return self.evaluate(node, route, at)
        finally:
            self.bindings = outer

    def loop(self, argument: Any) -> list[tuple[str, Any, Mapping[str, str], Route]] | None:
        """Unroll the argument of `Fn::ForEach`.

        Returns:
            Key, body, loop variables and steps from the loop to the body, for each item; None when the collection is
            not known, or has more than `MOST_ITEMS`.
        """
        if not (isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str)):
            return None
        name, collection, output = argument
        values = self.evaluate(collection)
        if not isinstance(values, list) or not isinstance(output, Mapping) or len(values) > MOST_ITEMS:
            return None
        out: list[tuple[str, Any, Mapping[str, str], Route]] = []
        for value in values:
            if not isinstance(value, str | int) or has_unknown(str(value)):
                return None
            bindings = {**self.bindings, name: plain_text(value)}
            for key, body in output.items():
                if not is_loop(key):
                    out.append((self.loop_text(str(key), bindings), body, bindings, (2, key)))
                    continue
                inner = self.under(self.scenario, bindings, self.soft, self.defaults).loop(body)
                if inner is None or len(out) + len(inner) > MOST_ITEMS:
                    return None
                out += [(made, node, names, (2, key, *steps)) for made, node, names, steps in inner]
        return out

    def loop_text(self, text: str, bindings: Mapping[str, str]) -> str:
        """Put loop variables into text; `&{x}` takes only letters and digits of the value."""

        def put(found: re.Match[str]) -> str:
            value = bindings.get(found.group(1))
            if value is None:
                return found.group(0)
            return re.sub("[^A-Za-z0-9]", "", value) if found.group(0).startswith("&") else value

        return _LOOP_TEXT.sub(put, text)

    def plain(self, text: str) -> str:
        """Work out text without functions: loop variables and dynamic references."""
        if self.bindings and "{" in text:
            text = self.loop_text(text, self.bindings)
        if "{{resolve:" in text:
            text = _DYNAMIC.sub(lambda found: unknown(found.group(1)), text)
        return text

    # -- parameters ---------------------------------------------------------------------------------------------

    def reference(self, name: str) -> Any:
        """Give what `Ref` gives for a name."""
        if name in self.bindings:
            return self.bindings[name]
        if name.startswith("AWS::"):
            return self.pseudo(name)
        if name in self.template.parameters:
            return self.parameter(name)
        resource = self.template.resources.get(name)
        if resource is None:
            return unknown(name)
        return self.of_resource(resource, "")

    def of_resource(self, resource: Declared, attribute: str) -> Any:
        """Give an attribute of a resource of the template; with an empty attribute what `Ref` gives."""
        mark = f"{resource.id}.{attribute}"
        if mark in self._refs or len(self._refs) > 20:
            return unknown(mark.removesuffix("."))
        self._refs.append(mark)
        try:
            value = self._output(resource, attribute) if attribute.startswith("Outputs.") else None
            if value is None:
                value = attribute_of(self, resource, attribute) if attribute else reference_of(self, resource)
        finally:
            self._refs.pop()
        return value

    def _output(self, resource: Declared, attribute: str) -> Any:
        give = self.template.output
        return None if give is None else give(resource, attribute.removeprefix("Outputs."))

    def pseudo(self, name: str) -> Any:
        """Give the value of a pseudo parameter."""
        if name == "AWS::NoValue":
            return ABSENT
        given = self.template.given.get(name)
        if given is not None:
            return given
        chosen = self.scenario.get(name)
        if chosen is not None and chosen != OTHER:
            return chosen
        if name == "AWS::AccountId":
            return unknown(name) if self.template.account_named else STAND_IN_ACCOUNT
        if name == "AWS::Region" and self.template.region:
            return self.template.region
        if name == "AWS::Partition":
            return self.template.partition_named or "aws"
        if name == "AWS::URLSuffix":
            partition = self.pseudo("AWS::Partition")
            return {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}.get(
                partition, unknown(name)
            )
        return unknown(name)

    def parameter(self, name: str) -> Any:
        """Give the value of a declared parameter."""
        declared = self.template.parameters[name]
        declared = declared if isinstance(declared, Mapping) else {}
        kind = str(declared.get("Type", "String"))
        stated = self.stated(name)
        if stated is None:
            if kind.startswith("AWS::SSM::Parameter::Value") or plain_text(declared.get("NoEcho", "")) == "true":
                return unknown(name)
            default = None if self.scenario.get(name) == OTHER else declared.get("Default")
            choices = _choices(declared, kind)
            if len(choices) > 1 and not (self.soft and self.defaults and default is not None):
                if self.soft or name in self.scenario or len(choices) > MOST_VALUES:
                    return unknown(name)
                raise Open(name, choices)
            stated = choices[0] if default is None and choices else default
            if stated is None:
                return unknown(name)
        if isinstance(stated, list):
            return [plain_text(item) for item in stated]
        text = plain_text(stated)
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            return [item.strip() for item in text.split(",")]
        return text

    def stated(self, name: str) -> Any:
        """Give the value that the user or the scenario states for a parameter, or None."""
        found = self.template.given.get(name)
        if found is None:
            found = self.scenario.get(name)
        return None if found == OTHER else found

    # -- conditions ---------------------------------------------------------------------------------------------

    def holds(self, name: str) -> bool:
        """Tell whether a named condition holds.

        Raises:
            Open: when the scenario does not decide it.
        """
        if name not in self.template.conditions or name in self._conditions:
            return self._ask(f"Condition {name}")
        self._conditions.append(name)
        try:
            return self._true(self.template.conditions[name])
        finally:
            self._conditions.pop()

    def _ask(self, question: str) -> bool:
        answer = self.scenario.get(question)
        if answer is None:
            raise Open(question, ("true", "false"))
        return answer == "true"

    def _true(self, node: Any) -> bool:
        if isinstance(node, bool):
            return node
        if isinstance(node, str) and node.lower() in ("true", "false"):
            return node.lower() == "true"
        if isinstance(node, Mapping) and len(node) == 1:
            ((key, argument),) = node.items()
            if key == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if key == "Fn::Equals" and isinstance(argument, list) and len(argument) == 2:
                return self._equal(*argument)
            if key in ("Fn::And", "Fn::Or", "Fn::Not") and isinstance(argument, list):
                # An open part must not hide that another part already decides.
                return self._combine(key, argument)
        return self._ask(_describe(node))

    def _combine(self, key: str, parts: Iterable[Any]) -> bool:
        if key == "Fn::Not":
            return not self._true(next(iter(parts), True))
        decides = key == "Fn::Or"
        question: Open | None = None
        for part in parts:
            try:
                if self._true(part) == decides:
                    return decides
            except Open as found:
                question = question or found
        if question is not None:
            raise question
        return not decides

    def _equal(self, one: Any, two: Any) -> bool:
        for side, other in ((one, two), (two, one)):
            name = compared_name(side, other)
            if name and isinstance(other, str | int | bool) and self.asks(name):
                literal = plain_text(other)
                chosen = self.scenario.get(name)
                if chosen is None:
                    values = self._candidates(name)
                    if literal not in values and OTHER not in values:
                        return False
                    raise Open(name, values)
                return chosen == literal
        left, right = self._compared(one), self._compared(two)
        if not has_unknown(left) and not has_unknown(right):
            return left == right
        if left == right:
            return True
        return self._ask(f"{show(left)} = {show(right)}")

    def asks(self, name: str) -> bool:
        """Tell whether a deployment may choose what `Ref` gives for a name."""
        if name in self.bindings or name in self.template.given:
            return False
        return name in self.template.parameters or name in (
            "AWS::Region",
            "AWS::AccountId",
            "AWS::Partition",
            "AWS::StackName",
            "AWS::URLSuffix",
        )

    def _candidates(self, name: str) -> tuple[str, ...]:
        declared = self.template.parameters.get(name)
        declared = declared if isinstance(declared, Mapping) else {}
        allowed = declared.get("AllowedValues")
        if isinstance(allowed, list) and len(allowed) <= MOST_VALUES:
            return tuple(dict.fromkeys(plain_text(value) for value in allowed))
        values = list(self.template.compared.get(name, ()))[:MOST_VALUES]
        default = declared.get("Default")
        if default is not None and plain_text(default) not in values:
            values.append(plain_text(default))
        return (*values, OTHER)

    def _compared(self, node: Any) -> str:
        """Work out one side of a comparison, where a parameter is only what somebody states."""
        name = referred(node)
        if name and self.asks(name):
            stated = self.stated(name)
            return unknown(name) if stated is None else joined(stated)
        inner = _Comparing(self.template, self.scenario, bindings=self.bindings, soft=True)
        return joined(inner.evaluate(node))

    # -- every way to deploy ------------------------------------------------------------------------------------

    def under(
        self,
        scenario: Scenario,
        bindings: Mapping[str, str] | None = None,
        soft: bool = False,
        defaults: bool = True,
    ) -> Evaluator:
        """Make an evaluator for another scenario."""
        names = self.bindings if bindings is None else bindings
        other = Evaluator(self.template, scenario, bindings=names, soft=soft, defaults=defaults)
        other._refs = self._refs
        return other

    def text(self, node: Any) -> str:
        """Work out a tree that must give text."""
        return joined(self.evaluate(node))

    def known(self, node: Any, scenario: Scenario | None = None, bindings: Mapping[str, str] | None = None) -> Any:
        """Work out a value without looking at more than one way to deploy; open parts become unknown text."""
        return self.under(self.scenario if scenario is None else scenario, bindings, soft=True).evaluate(node)

    def ways(
        self,
        compute: Callable[[Evaluator], Result],
        scenario: Scenario,
        bindings: Mapping[str, str] | None = None,
    ) -> list[tuple[Scenario, Result]]:
        """Compute under a scenario, and under every refinement of it that the computation asks for."""
        todo: list[Scenario] = [scenario]
        out: list[tuple[Scenario, Result]] = []
        while todo:
            now = todo.pop()
            try:
                out.append((now, compute(self.under(now, bindings))))
            except Open as question:
                if question.name in now or len(todo) + len(out) + len(question.values) > MOST_SCENARIOS:
                    out.append((now, compute(self.under(now, bindings, soft=True, defaults=False))))
                else:
                    todo.extend({**now, question.name: value} for value in reversed(question.values))
        return out


class _Comparing(Evaluator):
    """Works out one side of a comparison: what nobody states is not known, whatever its Default."""

    def parameter(self, name: str) -> Any:
        return unknown(name) if self.stated(name) is None else super().parameter(name)

    def pseudo(self, name: str) -> Any:
        # Nothing can be said of a comparison with `AWS::NoValue`, which CloudFormation does not define.
        if name in self.template.given or self.stated(name) is not None:
            return super().pseudo(name)
        return unknown(name)


def _choices(declared: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    """List the values that a parameter may have by its AllowedValues.

    Of a parameter that is a list these are its Default, each value alone, and all of them.
    """
    allowed = declared.get("AllowedValues")
    if not isinstance(allowed, list):
        return ()
    values = tuple(dict.fromkeys(plain_text(value) for value in allowed))
    if len(values) > 1 and (kind == "CommaDelimitedList" or kind.startswith("List<")):
        default = declared.get("Default")
        usual = () if default is None else (plain_text(default),)
        return tuple(dict.fromkeys((*usual, *values, ",".join(values))))
    return values


def _describe(node: Any) -> str:
    text = json.dumps(node, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
