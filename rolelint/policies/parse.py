"""Read a policy document from plain data, keeping every problem and losing nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rolelint.errors import Route, nearest
from rolelint.policies.document import (
    Condition,
    DocumentProblem,
    Effect,
    PolicyDocument,
    PrincipalEntry,
    Statement,
    unknown_document,
)
from rolelint.policies.json_text import PolicyTextError, loads
from rolelint.policies.text import has_unknown, show, unknown, unknown_names
from rolelint.records import replace

_PLAIN_OPERATORS = (
    "StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike "
    "NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals "
    "DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals "
    "Bool BinaryEquals IpAddress NotIpAddress ArnEquals ArnNotEquals ArnLike ArnNotLike Null"
).split()

#: Plain condition operators by lower-cased name, in AWS's spelling (S1.7, S1.16).
OPERATORS: Mapping[str, str] = {name.lower(): name for name in _PLAIN_OPERATORS}

_ELEMENTS = frozenset(
    "Sid Effect Action NotAction Resource NotResource Principal NotPrincipal Condition".split(),
)
#: Records a problem at a route, with a hint, and marks the statement doubtful.
Doubt = Callable[..., None]

#: Bounds the characters of one text of a policy, `*` not counted: no ARN is longer, nor an action. What a longer text
#: means is not known: it matches nothing that exists, and AWS may refuse the policy.
#: AWS: IAM API reference, `arnType`: at most 2,048 characters.
MOST_CHARACTERS = 2_048

_RESOURCE_HEADS = ("*", "?")
_TEXT = frozenset((str,))

_PLACEHOLDER = re.compile(r"\$\{(?!!)([^}]*)\}")

_TOP = frozenset(("Version", "Id", "Statement"))
_VERSIONS = frozenset(("2012-10-17", "2008-10-17"))


def looks_like_policy(data: object) -> bool:
    """Tell whether plain data has the shape of a policy document."""
    if not isinstance(data, dict) or "Statement" not in data:
        return False
    statement = data["Statement"]
    if statement and str(data.get("Version")) in _VERSIONS:
        return True  # whatever is wrong with it, it was meant as one
    if isinstance(statement, dict):
        statement = [statement]
    if not isinstance(statement, list):
        return False
    if not statement:
        return "Version" in data
    return any(
        isinstance(s, dict) and "Effect" in s and not _ELEMENTS.isdisjoint(s.keys() - {"Effect", "Sid"})
        for s in statement
    )


def first_policy(data: object) -> Route | None:
    """Give the route to what is meant as a policy in plain data, or None when there is nothing of the kind.

    That is a policy document, as data or as text, or a list of statements.
    """
    below: list[tuple[Route, object]] = [((), data)]
    while below:
        route, value = below.pop()
        if looks_like_policy(value) or _is_policy_text(value) or _are_statements(value):
            return route
        pairs: Iterable[tuple[str | int, object]] = ()
        if isinstance(value, dict):
            pairs = value.items()
        elif isinstance(value, list):
            pairs = enumerate(value)
        below += [((*route, step), v) for step, v in reversed(list(pairs)) if isinstance(v, dict | list | str)]
    return None


def _is_policy_text(value: object) -> bool:
    """Tell whether a text speaks as a policy does, plain, percent-encoded, or with comments that JSON does not have."""
    if not isinstance(value, str):
        return False
    quote = "%22" if "%22Statement%22" in value else '"'
    return all(word in value for word in (f"{quote}Statement{quote}", f"{quote}Effect{quote}", f"Action{quote}"))


def _are_statements(value: object) -> bool:
    return isinstance(value, list) and any(
        isinstance(s, dict)
        and s.get("Effect") in ("Allow", "Deny")
        and not s.keys().isdisjoint(("Action", "NotAction"))
        and not s.keys().isdisjoint(("Resource", "NotResource", "Principal"))
        for s in value
    )


def decode_document(text: str) -> object:
    """Turn the text of a policy, plain or percent-encoded as the IAM API returns it, into plain data.

    Raises:
        PolicyTextError: when the text is not JSON in either form, or not as AWS takes it.
    """
    if text.lstrip()[:3].upper() == "%7B":
        from urllib.parse import unquote

        text = unquote(text)
    return loads(text)


def parse_document(data: object) -> PolicyDocument:
    """Read a policy document from plain data (`dict`), or from its JSON text.

    Text with unknown parts (`policies.text`) is kept; a document that is one unknown value is an unknown document.
    Never raises: what AWS would refuse becomes a problem, and the statement is marked doubtful (S1.20).
    """
    try:
        return _document(data)
    except RecursionError:
        return _refused("the policy is nested too deeply to be read")


def _document(data: object) -> PolicyDocument:
    if isinstance(data, str):
        if has_unknown(data) and not data.lstrip().startswith("{"):
            return unknown_document(f"`{show(data)}` is not known yet")
        try:
            data = decode_document(data)
        except PolicyTextError as error:
            return _refused(str(error))
    if not isinstance(data, dict):
        return _refused(f"a policy document must be an object, not {_kind(data)}")
    problems: list[DocumentProblem] = []
    version = data.get("Version", "2008-10-17")
    if not isinstance(version, str):
        version = str(version)
    if version not in _VERSIONS:
        problems.append(
            DocumentProblem(f"unknown policy version `{show(version)}`", ("Version",), "use `2012-10-17`", "warning")
        )
        version = "2012-10-17"
    problems.extend(
        DocumentProblem(f"unknown element `{key}`", (key,), "a policy has Version, Id and Statement")
        for key in data
        if key not in _TOP
    )
    raw = data.get("Statement")
    if raw is None:
        problems.append(DocumentProblem("the policy has no Statement", (), "add a `Statement` list"))
        return PolicyDocument(version, (), tuple(problems))
    if isinstance(raw, str) and has_unknown(raw):
        return unknown_document(f"`{show(raw)}` is not known yet")
    lone = isinstance(raw, dict)
    items: Sequence[object] = [raw] if lone else raw if isinstance(raw, list) else []
    if not lone and not isinstance(raw, list):
        return _refused(f"`Statement` must be an object or a list, not {_kind(raw)}")
    statements = []
    sids: set[str] = set()
    unknown = ""
    for index, item in enumerate(items):
        route: Route = ("Statement",) if lone else ("Statement", index)
        if isinstance(item, str) and has_unknown(item):
            unknown = f"statement `{show(item)}` is not known yet"
            problems.append(DocumentProblem(unknown, route, "", "unknown"))
            statements.append(Statement("Allow", (item,), ("*",), index=index, lone=lone, doubtful=unknown))
            continue
        if not isinstance(item, dict):
            problems.append(DocumentProblem(f"a statement must be an object, not {_kind(item)}", route, "", "error"))
            continue
        statement = _statement(item, index, lone, route, problems)
        if statement.sid and statement.sid in sids:
            problems.append(DocumentProblem(f"the Sid `{show(statement.sid)}` appears twice", (*route, "Sid")))
        sids.add(statement.sid)
        statements.append(statement)
        if isinstance(written := item.get("Effect"), str) and has_unknown(written):
            # It may deny as well, so what another statement allows is not proved.
            statements.append(replace(statement, effect="Deny"))
    return PolicyDocument(version, tuple(statements), tuple(problems))


def _refused(message: str) -> PolicyDocument:
    return PolicyDocument("2012-10-17", (), (DocumentProblem(message, (), "", "error"),), message)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def _statement(
    item: dict[str, object], index: int, lone: bool, route: Route, problems: list[DocumentProblem]
) -> Statement:
    doubts: list[str] = []

    def doubt(message: str, where: Route, hint: str = "") -> None:
        problems.append(DocumentProblem(message, where, hint, "warning"))
        doubts.append(message)

    if not _ELEMENTS.issuperset(item):
        for key in item:
            if key not in _ELEMENTS:
                known = next((name for name in _ELEMENTS if name.lower() == str(key).lower()), "")
                doubt(f"unknown element `{key}`", (*route, key), f"did you mean `{known}`?" if known else "")
    written = item.get("Effect")
    effect: Effect = "Deny" if str(written).lower() == "deny" else "Allow"
    if written not in ("Allow", "Deny"):
        text = show(written) if isinstance(written, str) else _kind(written)
        message = (
            f"whether the statement allows or denies is not known: `{text}`"
            if isinstance(written, str) and has_unknown(written)
            else f"Effect must be `Allow` or `Deny`, not `{text}`"
            if "Effect" in item
            else "the statement has no Effect"
        )
        doubt(message, (*route, "Effect") if "Effect" in item else route)
    actions: tuple[str, ...] = ("*",)
    not_action = False
    if "Action" in item and "NotAction" in item:
        doubt("the statement has both Action and NotAction", (*route, "NotAction"))
    elif "Action" in item or "NotAction" in item:
        not_action = "NotAction" in item
        name = "NotAction" if not_action else "Action"
        actions = tuple(_strings(item[name], (*route, name), doubt))
    else:
        doubt("the statement has neither Action nor NotAction", route)
    resources: tuple[str, ...] | None = None
    not_resource = False
    if "Resource" in item and "NotResource" in item:
        doubt("the statement has both Resource and NotResource", (*route, "NotResource"))
        resources = ("*",)
    elif "Resource" in item or "NotResource" in item:
        not_resource = "NotResource" in item
        name = "NotResource" if not_resource else "Resource"
        resources = tuple(_resources(item[name], (*route, name), doubt))
    principals: tuple[PrincipalEntry, ...] | None = None
    not_principal = False
    if "Principal" in item or "NotPrincipal" in item:
        not_principal = "Principal" not in item
        name = "NotPrincipal" if not_principal else "Principal"
        principals = tuple(_principals(item[name], (*route, name), doubt))
    conditions: tuple[Condition, ...] = ()
    if "Condition" in item:
        conditions = tuple(_conditions(item["Condition"], (*route, "Condition"), doubt))
    sid = item.get("Sid", "")
    return Statement(
        effect=effect,
        actions=actions,
        resources=resources,
        conditions=conditions,
        principals=principals,
        not_action=not_action,
        not_resource=not_resource,
        not_principal=not_principal,
        sid=sid if isinstance(sid, str) else str(sid),
        index=index,
        lone=lone,
        doubtful="; ".join(doubts),
    )


def _strings(value: object, route: Route, doubt: Doubt) -> Iterable[str]:
    if isinstance(value, str):
        return (_bounded(value, route, doubt),)
    if (
        isinstance(value, list)
        and not set(map(type, value)) - _TEXT
        and max(map(len, value), default=0) <= MOST_CHARACTERS
    ):
        return value
    return _mixed(value, route, doubt)


def _bounded(text: str, route: Route, doubt: Doubt) -> str:
    if len(text) <= MOST_CHARACTERS or len(text) - text.count("*") <= MOST_CHARACTERS:
        return text
    doubt(f"a text of {len(text):,} characters is longer than any ARN or name of AWS", route)
    return unknown("a text that is too long")


def _mixed(value: object, route: Route, doubt: Doubt) -> Iterator[str]:
    """Read what is not text, or not only text."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            if isinstance(item, str):
                yield _bounded(item, (*route, i), doubt)
            else:
                doubt(f"`{route[-1]}` must hold strings, not {_kind(item)}", (*route, i))
                yield _opaque(item)
    else:
        doubt(f"`{route[-1]}` must be a string or a list of strings, not {_kind(value)}", route)
        yield _opaque(value)


def _opaque(value: object) -> str:
    """Stand in for a value that is not text: an intrinsic function in a bare policy may become any text (S1.20)."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, inner),) = value.items()
        if name == "Fn::Sub" and isinstance(inner, list) and inner:
            inner = inner[0]
        if name == "Fn::Sub" and isinstance(inner, str):
            return _PLACEHOLDER.sub(lambda m: unknown(m[1]), inner).replace("${!", "${")
        if name == "Fn::Join" and isinstance(inner, list) and len(inner) == 2 and isinstance(inner[1], list):
            return str(inner[0]).join(part if isinstance(part, str) else _opaque(part) for part in inner[1])
        if isinstance(inner, str):
            return unknown(inner if name == "Ref" else f"{name} {inner}")
    return unknown(json.dumps(value, default=str))


def _resources(value: object, route: Route, doubt: Doubt) -> Iterator[str]:
    """Read resources; a placeholder in place of an ARN, such as `<TABLE_ARN>`, is a value not known yet."""
    if value is None or isinstance(value, int | float):
        doubt(f"`{route[-1]}` must be a string or a list of strings, not {_kind(value)}", route)
        yield "*"  # no limit that anybody wrote (S1.20)
        return
    for text in _strings(value, route, doubt):
        if text[:1].isalnum() or text.startswith(_RESOURCE_HEADS) or has_unknown(text):
            yield text
        else:
            doubt(f"a resource must be an ARN or `*`, not `{text}`", route)
            yield unknown(text)


def _principals(value: object, route: Route, doubt: Doubt) -> Iterator[PrincipalEntry]:
    if isinstance(value, str):
        if value != "*" and not has_unknown(value):
            doubt(f"a principal string must be `*`, not `{show(value)}`", route, 'write {"AWS": "..."}')
        yield PrincipalEntry("*" if value == "*" else "AWS", value)
    elif isinstance(value, dict):
        for kind, entries in value.items():
            if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
                doubt(f"unknown principal type `{kind}`", (*route, kind))
            for text in _strings(entries, (*route, kind), doubt):
                yield PrincipalEntry(kind, text)
    elif value != []:
        doubt(f"`{route[-1]}` must be `*` or an object, not {_kind(value)}", route)


def _conditions(value: object, route: Route, doubt: Doubt) -> Iterator[Condition]:
    if isinstance(value, str) and has_unknown(value):
        doubt(f"the Condition `{show(value)}` is not known yet", route)
        return
    if not isinstance(value, dict):
        doubt(f"`Condition` must be an object, not {_kind(value)}", route)
        return
    for written, block in value.items():
        operator, quantifier, if_exists, known = parse_operator(str(written))
        where: Route = (*route, written)
        if not known:
            hint = _nearest_operator(operator)
            doubt(f"unknown condition operator `{show(str(written))}`", where, hint)
        if not isinstance(block, dict):
            doubt(f"`{written}` must be an object of condition keys, not {_kind(block)}", where)
            continue
        seen: set[str] = set()
        for key, values in block.items():
            if key.lower() in seen:
                doubt(f"the condition key `{key}` appears twice under `{written}`", (*where, key))
            seen.add(key.lower())
            yield Condition(
                operator, quantifier, if_exists, key.lower(), key, tuple(_values(values, (*where, key), doubt)), known
            )


def _values(value: object, route: Route, doubt: Doubt) -> Iterator[str]:
    for i, item in enumerate(value if isinstance(value, list) else [value]):
        if isinstance(item, str):
            yield _bounded(item, (*route, i) if isinstance(value, list) else route, doubt)
        elif isinstance(item, bool):
            yield "true" if item else "false"
        elif isinstance(item, int | float):
            yield repr(item)
        else:
            where = (*route, i) if isinstance(value, list) else route
            doubt(f"a condition value must be text, a number or a boolean, not {_kind(item)}", where)


def parse_operator(written: str) -> tuple[str, str, bool, bool]:
    """Split an operator into plain name, quantifier, IfExists and whether AWS has such an operator (S1.16)."""
    quantifier = ""
    rest = written
    head, colon, tail = written.partition(":")
    if colon:
        quantifier = {"forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}.get(head.lower(), "")
        if not quantifier:
            return written, "", False, False
        rest = tail
    if_exists = rest.lower().endswith("ifexists")
    if if_exists:
        rest = rest[: -len("IfExists")]
    name = OPERATORS.get(rest.lower())
    if name is None or (name == "Null" and if_exists):
        return rest, quantifier, if_exists, False
    return name, quantifier, if_exists, True


def _nearest_operator(name: str) -> str:
    if unknown_names(name):
        return ""
    # One that says the reverse is never what was meant.
    return nearest(name.lower(), {k: v for k, v in OPERATORS.items() if ("not" in k) == ("not" in name.lower())})
