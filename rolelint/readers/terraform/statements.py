"""Build the policy that an `aws_iam_policy_document` data source gives, from its statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rolelint.errors import Route
from rolelint.policies.document import DocumentProblem, PolicyDocument
from rolelint.policies.json_text import PolicyTextError
from rolelint.policies.parse import parse_document
from rolelint.policies.text import CLOSE, has_unknown, unknown
from rolelint.readers.terraform.spliced import loads
from rolelint.readers.terraform.world import MAYBE, WHETHER, single_unknown
from rolelint.records import replace

_LISTS = (
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
)


_UNREADABLE = unknown("a policy document that cannot be read")


def build(values: dict[str, Any], fetch: Callable[[str], object]) -> tuple[dict[str, Any], list[Route]]:
    """Build the document as the provider does: sources first, own statements over them, overrides last.

    A statement with the Sid of an earlier one replaces it; others are appended, and those that may not be there.

    Args:
        values: the data source's attributes, unknown ones as `policies.text.unknown`.
        fetch: gives the plain data of a source document's text, or a text when it stays unknown.

    Returns:
        The document, and for each of its statements the route inside `values` it came from; the route of
        a statement from another document starts with the attribute that named it.
    """
    statements: list[object] = []
    routes: list[Route] = []
    version = ""
    identity = ""

    def merge(data: object, route: Route, nested: bool) -> None:
        nonlocal version, identity
        if not isinstance(data, dict):
            told = data if isinstance(data, str) and has_unknown(data) else _UNREADABLE
            # It may replace what has a Sid.
            mark = told if single_unknown(told) else _UNREADABLE
            statements[:] = [{MAYBE: mark, **s} if isinstance(s, dict) and s.get("Sid") else s for s in statements]
            statements.append(told)
            routes.append(route)
            return
        if isinstance(data.get("Version"), str):
            # Observed: the provider lets each document upgrade the version, and none lower it.
            version = max(version, data["Version"])
        if isinstance(data.get("Id"), str) and data["Id"]:
            identity = data["Id"]
        found = data.get("Statement", [])
        for index, statement in enumerate(found if isinstance(found, list) else [found]):
            where = route if nested else (*route, index)
            sid = statement.get("Sid", "") if isinstance(statement, dict) else ""
            at = _index_of(statements, sid) if sid else None
            if at is None:
                statements.append(statement)
                routes.append(where)
            elif MAYBE in statement:
                # Either of them may be there.
                earlier = statements[at]
                statements[at] = {MAYBE: statement[MAYBE], **earlier} if isinstance(earlier, dict) else earlier
                statements.append(statement)
                routes.append(where)
            else:
                statements[at] = statement
                routes[at] = where

    def others(single: str, many: str) -> None:
        if isinstance(values.get(single), str) and values[single]:
            merge(fetch(values[single]), (single,), True)
        listed = values.get(many)
        if isinstance(listed, str):
            merge(fetch(listed), (many,), True)
        for index, text in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(text, str) and text:
                merge(fetch(text), (many, index), True)

    others("source_json", "source_policy_documents")
    own = values.get("statement")
    head: dict[str, Any] = {"Version": "2012-10-17"}
    if isinstance(values.get("version"), str) and values["version"]:
        head["Version"] = values["version"]
    if isinstance(values.get("policy_id"), str) and values["policy_id"]:
        head["Id"] = values["policy_id"]
    if isinstance(own, str):
        merge({**head, "Statement": [own]}, ("statement",), True)
    else:
        blocks = own if isinstance(own, list) else [own] if own else []
        merge({**head, "Statement": [_statement(b) for b in blocks]}, ("statement",), False)
    others("override_json", "override_policy_documents")
    document: dict[str, Any] = {"Version": version}
    if identity:
        document["Id"] = identity
    document["Statement"] = statements
    return document, routes


def _index_of(statements: list[object], sid: str) -> int | None:
    for index, statement in enumerate(statements):
        if isinstance(statement, dict) and statement.get("Sid") == sid:
            return index
    return None


def _statement(block: object) -> object:
    if not isinstance(block, dict):
        return block
    if MAYBE in block and (single_unknown(block.get("effect")) or single_unknown(block.get("actions"))):
        return block[MAYBE]
    out: dict[str, Any] = {}
    if isinstance(block.get("sid"), str) and block["sid"]:
        out["Sid"] = block["sid"]
    out["Effect"] = block.get("effect") or "Allow"
    for name, element in _LISTS:
        value = block.get(name)
        if value:
            out[element] = _variables(value)
    for name, element in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
        if block.get(name):
            out[element] = _principals(block[name])
    if block.get("condition"):
        out["Condition"] = _conditions(block["condition"])
    if MAYBE in block:
        out[MAYBE] = block[MAYBE]
    return out


def parse_built(data: dict[str, Any]) -> PolicyDocument:
    """Parse a document that `build` made; a statement that may not be there is doubtful."""
    statements: list[Any] = []
    places: list[tuple[int, str]] = []
    doubts: dict[int, str] = {}
    sids: set[str] = set()
    for place, whole in enumerate(data["Statement"]):
        parts = _apart(whole) if isinstance(whole, dict) else [whole]
        for statement in parts:
            if isinstance(statement, dict) and (MAYBE in statement or len(parts) > 1):
                if MAYBE in statement:
                    open_ = "whether the statement is there" if statement is whole else "what the statement names"
                    doubts[len(statements)] = f"{open_} depends on `{single_unknown(statement[MAYBE])}`"
                # What may stand in place of another statement has the same Sid: never both are there.
                left_out = (MAYBE, "Sid") if statement.get("Sid") in sids else (MAYBE,)
                sids.add(statement.get("Sid", ""))
                statement = {name: value for name, value in statement.items() if name not in left_out}
            statements.append(statement)
            places.append((place, str(whole.get("Sid", "")) if len(parts) > 1 else ""))
    document = parse_document({**data, "Statement": statements})
    if not doubts and len(places) == len(data["Statement"]):
        return document
    problems = [DocumentProblem(why, ("Statement", index), "", "warning") for index, why in doubts.items()]
    return replace(
        document,
        statements=tuple(
            replace(
                s,
                index=places[s.index][0],
                sid=s.sid or places[s.index][1],
                doubtful="; ".join(filter(None, (s.doubtful, doubts.get(s.index, "")))),
            )
            for s in document.statements
        ),
        problems=tuple(dict.fromkeys(_moved(p, places) for p in (*document.problems, *problems))),
    )


def _apart(statement: dict[str, Any]) -> list[dict[str, Any]]:
    """Take apart what a statement says for sure and what it says for some outcome of a condition."""
    made = [statement]
    for element in ("Action", "Resource"):
        made = [part for one in made for part in _by_condition(one, element)]
    return made


def _by_condition(statement: dict[str, Any], element: str) -> list[dict[str, Any]]:
    listed = statement.get(element)
    if not isinstance(listed, list) or not any(isinstance(item, str) and WHETHER in item for item in listed):
        return [statement]
    grouped: dict[str, list[Any]] = {}
    for item in listed:
        before, *marks = item.split(WHETHER) if isinstance(item, str) else (item,)
        names = [mark.partition(CLOSE) for mark in marks]
        pattern = before if not names else names[-1][2]
        grouped.setdefault(" and ".join(name for name, _, _ in names), []).append(pattern)
    known = [single_unknown(statement[MAYBE])] if MAYBE in statement else []
    return [
        {**statement, **({MAYBE: unknown(" and ".join([*known, name]))} if name else {}), element: patterns}
        for name, patterns in sorted(grouped.items())
    ]


def _moved(problem: DocumentProblem, places: list[tuple[int, str]]) -> DocumentProblem:
    head, *rest = problem.route or ("",)
    if head != "Statement" or not rest or not isinstance(rest[0], int):
        return problem
    return problem._replace(route=(head, places[rest[0]][0], *rest[1:]))


def _variables(value: Any) -> Any:
    """Turn the provider's spelling of policy variables, `&{...}`, into `${...}`."""
    if isinstance(value, str):
        return value.replace("&{", "${")
    if isinstance(value, list):
        return [unknown("a value that is not set") if v is None else _variables(v) for v in value]
    return value


def _listed(value: Any) -> list[Any]:
    made = _variables(value)
    return made if isinstance(made, list) else [] if made is None else [made]


def _principals(value: Any) -> object:
    if isinstance(value, str):
        return value
    out: dict[str, list[Any]] = {}
    for block in value if isinstance(value, list) else [value]:
        if not isinstance(block, dict):
            return block
        kind = block.get("type")
        identifiers = _listed(block.get("identifiers"))
        if kind == "*" and identifiers == ["*"]:
            return "*"
        if single_unknown(kind):
            return kind
        out.setdefault(str(kind), []).extend(identifiers)
    return out


def _conditions(value: Any) -> object:
    if isinstance(value, str):
        return value
    out: dict[str, dict[str, list[Any]]] = {}
    for block in value if isinstance(value, list) else [value]:
        if not isinstance(block, dict):
            return block
        if MAYBE in block:
            return block[MAYBE]
        test, variable = block.get("test"), block.get("variable")
        if not isinstance(test, str) or not isinstance(variable, str):
            return unknown("condition")
        out.setdefault(test, {}).setdefault(variable, []).extend(_listed(block.get("values")))
    return out


def decode(text: str) -> object:
    """Give the plain data of a policy's JSON text, or the text itself when it is unknown or no JSON."""
    if has_unknown(text) and not text.lstrip().startswith("{"):
        return text
    try:
        return loads(text)
    except PolicyTextError:
        return text
