"""Policy documents of a template over every way to deploy it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rolelint.documents import Document
from rolelint.errors import Location, Route
from rolelint.policies.document import PolicyDocument, unknown_document
from rolelint.policies.parse import parse_document
from rolelint.policies.text import show
from rolelint.readers.cloudformation.template import ABSENT, Placed, Scenario
from rolelint.readers.cloudformation.values import Evaluator
from rolelint.records import record, replace

Scenarios = tuple[Scenario, ...]


@record
class Branch:
    """A part of the template with the ways to deploy under which it stands there.

    Attributes:
        node: the part itself; never `Fn::If` and never `AWS::NoValue`.
        route: where it stands.
    """

    node: Any
    route: Route
    bindings: Mapping[str, str]
    scenarios: Scenarios


def spread(
    evaluator: Evaluator, node: Any, route: Route, bindings: Mapping[str, str], scenarios: Scenarios
) -> list[Branch]:
    """List what can stand in one place: the branches of `Fn::If`, without `AWS::NoValue`."""
    found: dict[Route, Branch] = {}
    for scenario in scenarios:
        ways = evaluator.ways(lambda e: unwrap(e, node, route, bindings), scenario, bindings)
        if all(where == ways[0][1][1] for _, (_, where, _) in ways):
            # Whatever was asked, the answer is the same.
            ways = [(scenario, ways[0][1])]
        for now, (inner, where, names) in ways:
            if inner is ABSENT:
                continue
            known = found.get(where)
            if known is None:
                found[where] = Branch(inner, where, names, (now,))
            else:
                found[where] = replace(known, scenarios=(*known.scenarios, now))
    return list(found.values())


def unwrap(
    evaluator: Evaluator, node: Any, route: Route, bindings: Mapping[str, str]
) -> tuple[Any, Route, Mapping[str, str]]:
    """Step through `Fn::If` and placed parts to what stands there."""
    while True:
        if isinstance(node, Placed):
            node, route, bindings = node.value, node.route, node.bindings
            evaluator.bindings = bindings
            continue
        if not isinstance(node, Mapping) or len(node) != 1:
            return node, route, bindings
        if node.get("Ref") == "AWS::NoValue":
            return ABSENT, route, bindings
        argument = node.get("Fn::If")
        if evaluator.soft or not (isinstance(argument, list) and len(argument) == 3):
            return node, route, bindings
        branch = 1 if evaluator.holds(str(argument[0])) else 2
        node, route = argument[branch], (*route, "Fn::If", branch)


def items(
    evaluator: Evaluator, node: Any, route: Route, bindings: Mapping[str, str], scenarios: Scenarios
) -> list[Branch]:
    """List the items of a list that may be behind `Fn::If`, each with its own branches; a lone value is one item."""
    out: list[Branch] = []
    for whole in spread(evaluator, node, route, bindings, scenarios):
        if isinstance(whole.node, list):
            for i, item in enumerate(whole.node):
                out += spread(evaluator, item, (*whole.route, i), whole.bindings, whole.scenarios)
        else:
            out.append(whole)
    return out


def always(branch_scenarios: Scenarios, base: Scenarios) -> bool:
    """Tell whether something that stands under some scenarios stands under every one of the base.

    A scenario that refines one of the base counts only where all refinements are there.
    """
    here = [dict(scenario) for scenario in branch_scenarios]
    return all(dict(scenario) in here for scenario in base)


def doubt(scenarios: Scenarios, base: Scenarios) -> str:
    """Say on what it depends whether something stands under the base scenarios."""
    settled = set().union(*(scenario.keys() for scenario in base)) if len(base) == 1 else set()
    names = sorted({name for scenario in scenarios for name in scenario} - settled)
    return "holds only for some values of " + ", ".join(f"`{show(name)}`" for name in names)


@record(frozen=False)
class _Gathered:
    """Statements of one policy as they are collected."""

    statements: list[Any]
    moves: dict[Route, Route]
    doubts: dict[int, str]
    sids: dict[int, str]

    def add(self, value: Any, moves: Mapping[Route, Route], why: str, variant: bool) -> None:
        index = len(self.statements)
        if variant and isinstance(value, dict) and isinstance(value.get("Sid"), str):
            value = dict(value)
            # One statement of the template gives several here; they may share the Sid.
            self.sids[index] = value.pop("Sid")
        self.statements.append(value)
        for at, where in moves.items():
            self.moves[("Statement", index, *at)] = where
        if why:
            self.doubts[index] = why


def read_document(
    evaluator: Evaluator, branches: Sequence[Branch], base: Scenarios
) -> tuple[PolicyDocument, dict[Route, Route]]:
    """Read the policy document that stands in one place, over all ways to deploy.

    Statements of every branch are kept. One that does not stand there in every way to deploy is marked doubtful: an
    Allow may hold, a Deny never protects. Where branches of one statement differ in a list of actions or resources, the
    members that all share are kept as a statement without doubt.

    Args:
        branches: what can stand in the place (`spread`).
        base: the ways to deploy in which the owner of the policy exists.

    Returns:
        The document, and places: routes of the document, where they differ from their parent's, to the template.
    """
    if not branches:
        return unknown_document("the template gives no policy document"), {}
    first = branches[0]
    if not isinstance(first.node, Mapping) or not _is_document(first.node):
        return _from_value(evaluator, branches, base)
    out = _Gathered([], {(): first.route}, {}, {})
    version: Any = None
    lone = len(branches) == 1
    head: dict[str, Any] = {}
    for branch in branches:
        if not isinstance(branch.node, Mapping) or not _is_document(branch.node):
            return unknown_document("a branch of the template gives a policy that is not known"), {(): branch.route}
        for key, value in branch.node.items():
            if key == "Version":
                version = evaluator.known(value, branch.scenarios[0], branch.bindings)
            elif key != "Statement":
                head[key] = evaluator.known(value, branch.scenarios[0], branch.bindings)
        where = (*branch.route, "Statement")
        statements = items(evaluator, branch.node.get("Statement", []), where, branch.bindings, branch.scenarios)
        lone = lone and len(statements) == 1 and isinstance(branch.node.get("Statement"), Mapping)
        for statement in statements:
            _add_statement(evaluator, statement, base, out)
    data = dict(head)
    if version is not None:
        data["Version"] = version
    if any("Statement" in branch.node for branch in branches):
        data["Statement"] = out.statements
    if lone and len(out.statements) == 1:
        data["Statement"] = out.statements[0]
        out.moves = {_lone(at): where for at, where in out.moves.items()}
    document = parse_document(data)
    if out.doubts or out.sids:
        marked = tuple(
            replace(
                statement,
                doubtful="; ".join(filter(None, (statement.doubtful, out.doubts.get(statement.index, "")))),
                sid=out.sids.get(statement.index, statement.sid),
            )
            for statement in document.statements
        )
        document = replace(document, statements=marked)
    return document, out.moves


def _lone(at: Route) -> Route:
    return ("Statement", *at[2:]) if len(at) > 1 and at[0] == "Statement" else at


def _is_document(node: Mapping[Any, Any]) -> bool:
    return "Statement" in node or "Version" in node or not node


def _from_value(
    evaluator: Evaluator, branches: Sequence[Branch], base: Scenarios
) -> tuple[PolicyDocument, dict[Route, Route]]:
    """Read a document that is not written as a mapping: JSON text, or a function that gives it."""
    moves: dict[Route, Route] = {(): branches[0].route}
    documents: list[PolicyDocument] = []
    for branch in branches:
        for scenario in branch.scenarios:
            for _, value in evaluator.ways(
                lambda e, branch=branch: e.evaluate(branch.node, branch.route),  # type: ignore[misc]
                scenario,
                branch.bindings,
            ):
                if value is ABSENT:
                    continue
                document = parse_document(value)
                if document not in documents:
                    documents.append(document)
    if len(documents) == 1:
        return documents[0], moves
    if not documents:
        return unknown_document("the template gives no policy document"), moves
    return unknown_document("the policy is another one for each value of a parameter"), moves


def _add_statement(evaluator: Evaluator, branch: Branch, base: Scenarios, out: _Gathered) -> None:
    outcomes: list[tuple[Any, dict[Route, Route], list[Scenario]]] = []
    for scenario in branch.scenarios:
        for now, (value, moves) in evaluator.ways(_evaluate(branch), scenario, branch.bindings):
            if value is ABSENT:
                continue
            known = next((outcome for outcome in outcomes if outcome[0] == value), None)
            if known is None:
                outcomes.append((value, moves, [now]))
            else:
                known[2].append(now)
    everywhere = always(branch.scenarios, base)
    if not outcomes:
        return
    if len(outcomes) == 1:
        value, moves, _ = outcomes[0]
        out.add(value, moves, "" if everywhere else doubt(branch.scenarios, base), False)
        return
    values = [value for value, _, _ in outcomes]
    shared = _shared(values) if everywhere else None
    if shared is not None:
        out.add(shared, {(): branch.route}, "", True)
    for value, moves, scenarios in outcomes:
        rest = value if shared is None else _without(value, shared)
        if rest is not None:
            out.add(rest, moves if rest is value else {(): branch.route}, doubt(tuple(scenarios), base), True)


def _evaluate(branch: Branch) -> Callable[[Evaluator], tuple[Any, dict[Route, Route]]]:
    def compute(evaluator: Evaluator) -> tuple[Any, dict[Route, Route]]:
        evaluator.moves = {(): branch.route}
        value = evaluator.evaluate(branch.node, branch.route, ())
        return value, evaluator.moves

    return compute


_LISTS = ("Action", "Resource")


def _shared(values: list[Any]) -> dict[str, Any] | None:
    """Build the statement that all variants contain, or None when there is none that can be told."""
    if not all(isinstance(value, dict) and value.keys() == values[0].keys() for value in values):
        return None
    out: dict[str, Any] = {}
    for key in values[0]:
        here = [value[key] for value in values]
        if all(one == here[0] for one in here):
            out[key] = here[0]
            continue
        if key not in _LISTS:
            return None
        lists = [one if isinstance(one, list) else [one] for one in here]
        common = [item for item in lists[0] if all(item in other for other in lists[1:])]
        if not common:
            return None
        out[key] = common
    return out


def _without(value: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any] | None:
    """Take away what the shared statement already says; None when nothing is left."""
    different = [key for key in _LISTS if key in value and value[key] != shared[key]]
    if not different:
        return None
    if len(different) > 1:
        return value
    key = different[0]
    members = value[key] if isinstance(value[key], list) else [value[key]]
    rest = [member for member in members if member not in shared[key]]
    return {**value, key: rest} if rest else None


class Places:
    """Gives places in the template for routes inside a policy that was worked out from it."""

    __slots__ = ("address", "document", "moves")

    def __init__(self, document: Document, moves: Mapping[Route, Route], address: str) -> None:
        self.document = document
        self.moves = moves
        self.address = address

    def __call__(self, route: Route = ()) -> Location:
        """Locate a route of the policy."""
        for cut in range(len(route), -1, -1):
            start = self.moves.get(route[:cut])
            if start is not None:
                return self.document.locate((*start, *route[cut:]), self.address)
        return self.document.locate(route, self.address)
