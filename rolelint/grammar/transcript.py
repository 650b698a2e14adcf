"""Write a policy so that parliament can read it, one element to a line, and remember what each line stands for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rolelint.catalog import catalog
from rolelint.errors import Route
from rolelint.policies.document import Condition, Statement
from rolelint.policies.parse import OPERATORS
from rolelint.policies.role import Policy, PolicyType
from rolelint.policies.text import has_unknown

#: Policy types whose statements may have no Resource (S1.5).
_WITHOUT_RESOURCE = frozenset((PolicyType.TRUST, PolicyType.RESOURCE, PolicyType.SCP, PolicyType.RCP))
_PARTITIONS = frozenset(("aws", "aws-cn", "aws-us-gov", "aws-iso", "*", ""))
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_UNKNOWN_OPERATOR = "unknown condition operator"
#: How problems begin that parliament tells as well.
_ALSO_TOLD = (_UNKNOWN_OPERATOR, "the Sid `")

#: Pairs of an action with a resource or a condition key that parliament may compare in one statement. It compares one
#: by one: this bounds a statement to some seconds, and the statement is left out past it.
MAX_PAIRS = 400_000


class Early(NamedTuple):
    """An issue told by one text alone, as parliament tells it, so that it can go on with the rest of the statement."""

    key: str
    text: str
    route: Route
    statement: Statement | None


class Transcript:
    """One policy as JSON for parliament.

    Attributes:
        text: the JSON; empty when there is nothing to hand over.
        statements: those handed over, by their place in the JSON.
        early: issues found on the way.
        left_out: reasons, and how often.
        skipped: statements that would take too long.
    """

    def __init__(self, policy: Policy, own_actions: set[str], own_prefixes: set[str], *, shapes: bool) -> None:
        self._policy = policy
        self._own_actions = own_actions
        self._own_prefixes = own_prefixes
        self._shapes = shapes
        self._routes: list[Route] = []
        self.early: list[Early] = []
        self.left_out: Counter[str] = Counter()
        self.skipped: list[Statement] = []
        self.statements: list[Statement] = []
        self.text = self._write()

    def route(self, line: int) -> Route:
        """Give the place in the policy of a 1-based line of the JSON."""
        return self._routes[line - 1] if 0 < line <= len(self._routes) else ()

    def statement_at(self, route: Route) -> Statement | None:
        """Find the statement that a route leads into."""
        return next((s for s in self._policy.document.statements if route[: len(s.route)] == s.route), None)

    def _write(self) -> str:
        document = self._policy.document
        if document.unknown:
            self.left_out["unknown policies"] += 1
            return ""
        self.early += self._problems()
        written: list[tuple[Statement, dict[str, Any], dict[Route, Route]]] = []
        for statement in document.statements:
            doubts = [d for d in statement.doubtful.split("; ") if d and not d.startswith(_UNKNOWN_OPERATOR)]
            if doubts:
                continue  # its meaning is not certain; why is an issue of its own, or something not known
            moved: dict[Route, Route] = {}
            data = self._statement(statement, moved)
            if data is None:
                continue
            if self._pairs(statement) > MAX_PAIRS:
                self.skipped.append(statement)
                continue
            written.append((statement, data, moved))
        self.statements = [statement for statement, _, _ in written]
        if document.statements and not written:
            return ""
        lines: list[str] = []
        self._begin(lines, "{", ())
        version = self._version()
        if version:
            self._begin(lines, f'"Version": {json.dumps(version)},', ("Version",))
        lone = bool(written) and written[0][0].lone
        if lone:
            statement, data, moved = written[0]
            self._node(lines, '"Statement": ', data, ("Statement",), moved, "")
        else:
            self._begin(lines, '"Statement": [', ("Statement",))
            for number, (statement, data, moved) in enumerate(written, 1):
                self._node(lines, "", data, statement.route, moved, "," if number < len(written) else "")
            self._begin(lines, "]", ("Statement",))
        self._begin(lines, "}", ())
        return "\n".join(lines)

    def _problems(self) -> Iterator[Early]:
        """Give what the reader of policies could not read as meant; parliament would stop there."""
        for problem in self._policy.document.problems:
            if (
                problem.kind != "warning"
                or problem.message.startswith(_ALSO_TOLD)
                or "not known yet" in problem.message
            ):
                continue
            key = "INVALID_VERSION" if problem.route == ("Version",) else "MALFORMED"
            yield Early(key, problem.message, problem.route, self.statement_at(problem.route))

    def _version(self) -> str:
        version = self._policy.document.version
        if version == "2012-10-17":
            return version
        # The document does not say whether an old Version was written. What is not there is placed where its parent is.
        locate = self._policy.locate
        return version if _start(locate(("Version",))) != _start(locate(())) else ""

    def _begin(self, lines: list[str], text: str, route: Route) -> None:
        lines.append(text)
        self._routes.append(route)

    def _node(
        self, lines: list[str], head: str, value: Any, route: Route, moved: dict[Route, Route], tail: str
    ) -> None:
        """Write a value; `moved` gives the real place of what stands elsewhere in the policy."""
        place = moved.get(route, route)
        if isinstance(value, dict):
            self._begin(lines, head + "{", place)
            for number, (key, item) in enumerate(value.items(), 1):
                more = "," if number < len(value) else ""
                self._node(lines, f"{json.dumps(key)}: ", item, (*route, key), moved, more)
            self._begin(lines, "}" + tail, place)
        elif isinstance(value, list):
            self._begin(lines, head + "[", place)
            for number, item in enumerate(value):
                more = "," if number + 1 < len(value) else ""
                self._node(lines, "", item, (*route, number), moved, more)
            self._begin(lines, "]" + tail, place)
        else:
            self._begin(lines, head + json.dumps(value) + tail, place)

    def _statement(self, statement: Statement, moved: dict[Route, Route]) -> dict[str, Any] | None:
        """Give a statement as plain data, or None where nothing is left that parliament could judge."""
        kind, base = self._policy.type, statement.route
        data: dict[str, Any] = {}
        if statement.sid:
            data["Sid"] = re.sub("[^0-9A-Za-z]", "", statement.sid)
            # Only IAM limits a Sid to letters and digits; S3, KMS and others do not.
            if data["Sid"] != statement.sid and kind is not PolicyType.RESOURCE and not has_unknown(statement.sid):
                self.early.append(Early("INVALID_SID", statement.sid, (*base, "Sid"), statement))
        data["Effect"] = statement.effect
        if statement.principals is not None:
            data["NotPrincipal" if statement.not_principal else "Principal"] = self._principals(statement)
        element = "NotAction" if statement.not_action else "Action"
        actions = [(i, a) for i, a in enumerate(statement.actions) if self._readable(a, statement, (*base, element, i))]
        if not actions:
            return None
        data[element] = self._values(actions, (*base, element), moved)
        element = "NotResource" if statement.not_resource else "Resource"
        if statement.resources is not None:
            resources = [(i, self._resource(r)) for i, r in enumerate(statement.resources)]
            data[element] = self._values(resources, (*base, element), moved)
        elif kind in _WITHOUT_RESOURCE:
            self.left_out["statements that need no Resource"] += 1
            data["Resource"] = "*"
        if statement.conditions:
            data["Condition"] = self._conditions(statement.conditions, (*base, "Condition"), moved)
        return data

    def _values(self, values: list[tuple[int, str]], route: Route, moved: dict[Route, Route]) -> Any:
        """Give one value as text where the policy has it so, and several as a list."""
        if len(values) == 1 and not (self._shapes and self._is_list(route)):
            moved[route] = (*route, values[0][0])
            return values[0][1]
        for position, (index, _) in enumerate(values):
            moved[(*route, position)] = (*route, index)
        return [text for _, text in values]

    def _is_list(self, route: Route) -> bool:
        return _start(self._policy.locate((*route, 0))) != _start(self._policy.locate(route))

    def _readable(self, action: str, statement: Statement, route: Route) -> bool:
        """Tell whether parliament can go on with an action; note why where it cannot."""
        if has_unknown(action):
            self.left_out["unknown values"] += 1
            return False
        prefix, colon, name = action.partition(":")
        if action.strip("*") == "" and action:
            return True
        if not colon or ":" in name:
            self.early.append(Early("EXCEPTION", action, route, statement))
            return False
        if not catalog().expand(action):
            wild = "*" in prefix or "?" in prefix
            key = "UNKNOWN_ACTION" if wild or catalog().service_mask(prefix) else "UNKNOWN_PREFIX"
            self.early.append(Early(key, action, route, statement))
            return False
        if prefix != "*" and ("*" in prefix or "?" in prefix):
            self.left_out["wildcards in service prefixes"] += 1
            return False
        if "*" in action or "?" in action:
            if prefix != "*" and prefix.lower() not in self._own_prefixes:
                self.left_out["services that parliament does not know"] += 1
        elif action.lower() not in self._own_actions:
            self.left_out["actions that parliament does not know"] += 1
        # parliament reads `[` in a pattern as the start of a set.
        return "[" not in name

    def _resource(self, text: str) -> str:
        """Give a resource with unknown parts as wildcards, and a partition that parliament knows."""
        if has_unknown(text):
            from rolelint.policies.text import split_unknown

            self.left_out["unknown values"] += 1
            parts = split_unknown(text)
            text = "*".join(parts[::2])
            if text.count(":") < 5:
                return "*"
        fields = text.split(":", 2)
        if len(fields) == 3 and fields[0] == "arn" and fields[1] not in _PARTITIONS:
            if _PARTITION.fullmatch(fields[1]):
                self.left_out["partitions that parliament does not know"] += 1
                return f"arn:aws:{fields[2]}"
            if "*" in fields[1] or "?" in fields[1] or "${" in fields[1]:
                return f"arn:*:{fields[2]}"
        return text

    def _principals(self, statement: Statement) -> Any:
        assert statement.principals is not None
        if len(statement.principals) == 1 and statement.principals[0].kind == "*":
            return "*"
        grouped: dict[str, list[str]] = {}
        for entry in statement.principals:
            if has_unknown(entry.value):
                self.left_out["unknown values"] += 1
                continue
            grouped.setdefault("AWS" if entry.kind == "*" else entry.kind, []).append(entry.value)
        return {kind: values if len(values) > 1 else values[0] for kind, values in grouped.items()}

    def _conditions(self, conditions: Iterable[Condition], route: Route, moved: dict[Route, Route]) -> Any:
        blocks: dict[str, dict[str, Any]] = {}
        for condition in conditions:
            values = [value for value in condition.values if not has_unknown(value)]
            if not values or has_unknown(condition.key_text):
                self.left_out["unknown values"] += 1
                continue
            if OPERATORS.get(condition.operator.lower()) in ("Bool", "Null") and len(values) > 1:
                # parliament takes the list for an object and stops.
                self.left_out["lists of true and false"] += 1
                continue
            blocks.setdefault(condition.operator_text, {})[condition.key_text] = (
                values if len(values) > 1 else values[0]
            )
        return blocks

    def _pairs(self, statement: Statement) -> int:
        mask = 0
        for action in statement.actions:
            if action.strip("*:"):  # `*` and `*:*` are not compared
                mask |= catalog().expand(action)
        return mask.bit_count() * (len(statement.resources or ()) + len(statement.conditions) + 1)


def _start(location: Any) -> tuple[int, int]:
    return location.line, location.column
