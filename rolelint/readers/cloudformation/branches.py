"""Policy documents of a template over every way to deploy it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rolelint.catalog.patterns import glob
from rolelint.documents import Document
from rolelint.errors import Location, Route
from rolelint.policies.document import PolicyDocument, Statement, unknown_document
from rolelint.policies.parse import parse_document
from rolelint.policies.text import has_unknown, show
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
    found: list[tuple[PolicyDocument, Scenario]] = []
    for branch in branches:
        for scenario in branch.scenarios:
            for now, value in evaluator.ways(
                lambda e, branch=branch: e.evaluate(branch.node, branch.route),  # type: ignore[misc]
                scenario,
                branch.bindings,
            ):
                if value is not ABSENT:
                    found.append((parse_document(value), now))
    documents = [document for document, _ in found]
    if not documents:
        return unknown_document("the template gives no policy document"), moves
    if all(document == documents[0] for document in documents):
        return documents[0], moves
    if any(document.unknown and not document.statements for document in documents):
        return unknown_document("the policy is another one for each value of a parameter"), moves
    return _united(found, base), moves


def _united(found: list[tuple[PolicyDocument, Scenario]], base: Scenarios) -> PolicyDocument:
    """Put all statements of several documents into one; those that do not stand in every one are doubtful."""
    first = found[0][0]
    plain = [[replace(s, index=0, lone=False) for s in document.statements] for document, _ in found]
    out: list[Statement] = []
    kept: list[Statement] = []
    for (document, _), statements in zip(found, plain, strict=True):
        for statement, bare in zip(document.statements, statements, strict=True):
            if bare in kept:
                continue
            kept.append(bare)
            under = tuple(now for (_, now), others in zip(found, plain, strict=True) if bare in others)
            why = "" if len(under) == len(found) else doubt(under, base)
            doubtful = "; ".join(filter(None, (statement.doubtful, why)))
            out.append(replace(statement, index=len(out), lone=False, doubtful=doubtful))
    return replace(first, statements=tuple(out))


def _add_statement(evaluator: Evaluator, branch: Branch, base: Scenarios, out: _Gathered) -> None:
    outcomes: list[tuple[Any, dict[Route, Route], list[Scenario]]] = []
    missing = False
    for scenario in branch.scenarios:
        for now, (value, moves) in evaluator.ways(_evaluate(branch), scenario, branch.bindings):
            if value is ABSENT:
                missing = True
                continue
            known = next((outcome for outcome in outcomes if outcome[0] == value), None)
            if known is None:
                outcomes.append((value, moves, [now]))
            else:
                known[2].append(now)
    # What is not there in some ways to deploy is shared by none.
    everywhere = always(branch.scenarios, base) and not missing
    if not outcomes:
        return
    if len(outcomes) == 1:
        value, moves, scenarios = outcomes[0]
        why = "" if everywhere else doubt(tuple(scenarios) if missing else branch.scenarios, base)
        out.add(value, moves, why, False)
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

#: Elements that reach the less, the more they list.
_INVERTED = ("NotAction", "NotResource")
#: Operators that hold where a value is none of those that stand there, set operators before them or not.
_NEGATED = re.compile(r"(?:for(?:any|all)values?:)?\w*not(?:equals|like|ipaddress)\w*", re.IGNORECASE)


def _shared(values: list[Any]) -> dict[str, Any] | None:
    """Build the statement that all variants contain, or None when there is none that can be told."""
    if not all(isinstance(value, dict) and value.keys() == values[0].keys() for value in values):
        return None
    out: dict[str, Any] = {}
    for key in values[0]:
        here = [value[key] for value in values]
        if all(one == here[0] for one in here):
            found = here[0]
        elif key == "Condition":
            found = _condition(here)
        elif key in _LISTS:
            found = _reached(here)
        else:
            found = _members(here, False, key in _INVERTED)
        if found is None:
            return None
        out[key] = found
    return out


def _members(here: list[Any], listed: bool, inverted: bool) -> Any:
    """Give what variants of one list share: the common members, or where the list is inverted all of them."""
    if all(one == here[0] for one in here):
        return here[0]
    lists = [one if isinstance(one, list) else [one] for one in here]
    if inverted:
        return [item for i, one in enumerate(lists) for item in one if not any(item in other for other in lists[:i])]
    common = [item for item in lists[0] if all(item in other for other in lists[1:])]
    return common if listed and common else None


def _reached(here: list[Any]) -> Any:
    """Give the members of some lists of patterns that every one of them reaches; None when there is none."""
    lists = [one if isinstance(one, list) else [one] for one in here]
    common: list[Any] = []
    for item in (item for one in lists for item in one):
        if item not in common and all(any(_covers(wide, item) for wide in one) for one in lists):
            common.append(item)
    return common or None


def _covers(wide: Any, narrow: Any) -> bool:
    """Tell whether one pattern of actions or ARNs matches all that another does; false where that is not plain."""
    if wide == narrow or wide == "*":
        return True
    if not all(isinstance(text, str) and "$" not in text and not has_unknown(text) for text in (wide, narrow)):
        return False
    over, under = wide.split(":", 5), narrow.split(":", 5)
    if len(over) == len(under) == 2:
        over, under = ([part.lower() for part in parts] for parts in (over, under))
    elif len(over) < 6 or len(under) < 6:
        return False
    # What stands for a `*` is nothing, or more than question marks match.
    return all(
        glob(one, other.replace("*", rest))
        for one, other in zip(over, under, strict=True)
        for rest in ("", "*" * len(one))
    )


def _condition(here: list[Any]) -> Any:
    """Give a condition that holds only where those of all variants hold; None when none is found."""
    if not all(isinstance(one, dict) and one.keys() == here[0].keys() for one in here):
        return None
    out: dict[str, Any] = {}
    for operator in here[0]:
        keys = [one[operator] for one in here]
        if not all(isinstance(one, dict) and one.keys() == keys[0].keys() for one in keys):
            return None
        negated = bool(_NEGATED.fullmatch(operator))
        found = {key: _members([one[key] for one in keys], not negated, negated) for key in keys[0]}
        if any(value is None for value in found.values()):
            return None
        out[operator] = found
    return out


def _without(value: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any] | None:
    """Take away what the shared statement already says; None when nothing is left."""
    different = [key for key in value if value[key] != shared[key]]
    if not different:
        return None
    if len(different) > 1 or different[0] not in _LISTS:
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
