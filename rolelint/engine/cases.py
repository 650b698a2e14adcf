"""Concrete requests with expected decisions: the case format of `rolelint evaluate`, a unit test for policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolelint.engine.decision import decide
from rolelint.engine.request import Decision, PolicySet, Principal, Request, Target
from rolelint.memory import trim
from rolelint.policies.document import PolicyDocument
from rolelint.policies.parse import parse_document
from rolelint.records import record

_PRINCIPAL_TYPES = ("user", "role_session", "federated_user", "root", "service", "oidc", "saml", "anonymous")
_PRINCIPAL_TEXT = ("type", "arn", "role_arn", "user_arn", "account", "name", "provider")
_PRINCIPAL_FLAGS = ("service_linked", "management_account")
_POLICIES = ("identity", "boundary", "scp", "rcp", "resource", "session")
_REQUEST = ("principal", "action", "resource", "resource_account", "context", "resource_in_management_account")
_CASE = ("id", "fact", "policies", "request", "expected", "why", "source_url")
EXPECTED = ("allow", "deny", "implicit_deny")


class CaseError(ValueError):
    """A case does not have the published form. Carries the route to the wrong value."""

    def __init__(self, message: str, route: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.route = route


@record
class Case:
    """One request with its policies.

    Attributes:
        expected: `allow`, `deny`, `implicit_deny`, or empty where the case only asks.
    """

    id: str
    request: Request
    policies: PolicySet
    expected: str = ""
    fact: str = ""


@record
class Result:
    """What `decide` says of a case."""

    case: Case
    decision: Decision

    @property
    def passed(self) -> bool:
        """Whether the decision is the expected one; a case that expects nothing passes."""
        return not self.case.expected or self.decision.outcome.value == self.case.expected


def evaluate(cases: list[Case]) -> Iterator[Result]:
    """Decide every case, in order."""
    for case in cases:
        yield Result(case, decide(case.request, case.policies))
        trim()


def parse_cases(data: object, malformed: list[CaseError] | None = None) -> list[Case]:
    """Read cases from plain data: a list of cases, or an object with a `cases` list.

    Args:
        malformed: takes what is wrong with each case that does not have the published form; the others are given.

    Raises:
        CaseError: at the first value that does not have the published form, where nobody takes them.
    """
    route: tuple[str | int, ...] = ()
    if isinstance(data, dict) and "cases" in data:
        data, route = data["cases"], ("cases",)
    wrong: list[CaseError] = []
    cases = []
    if not isinstance(data, list):
        wrong.append(CaseError("cases must be a list", route))
        data = []
    for i, item in enumerate(data):
        try:
            cases.append(_case(item, (*route, i), i))
        except CaseError as error:
            wrong.append(error)
    if malformed is not None:
        malformed += wrong
    elif wrong:
        raise wrong[0]
    return cases


def _case(item: object, route: tuple[str | int, ...], index: int) -> Case:
    case = _object(item, route, _CASE, open_ended=True)
    policies = _object(_given(case, "policies", {}), (*route, "policies"), _POLICIES)
    expected = _given(case, "expected", "")
    if expected != "" and expected not in EXPECTED:
        raise CaseError(f"`expected` must be one of {', '.join(EXPECTED)}", (*route, "expected"))
    if "request" not in case:
        raise CaseError("the case has no `request`", route)
    return Case(
        _name(case.get("id", index), (*route, "id")),
        _request(case["request"], (*route, "request")),
        _policy_set(policies, (*route, "policies")),
        expected,
        str(case.get("fact") or ""),
    )


def _given(item: Mapping[str, Any], key: str, default: Any) -> Any:
    """Give what stands under a key; null is as good as nothing there."""
    value = item.get(key)
    return default if value is None else value


def _object(
    value: object, route: tuple[str | int, ...], keys: tuple[str, ...], *, open_ended: bool = False
) -> dict[str, Any]:
    """Read an object with known keys.

    Args:
        open_ended: other keys are notes of the author, unless they look like a slip of the pen.
    """
    if not isinstance(value, dict):
        name = route[-1] if route else ""
        raise CaseError(f"`{name}` must be an object" if isinstance(name, str) else "a case must be an object", route)
    for key in value:
        if key not in keys:
            import difflib

            close = difflib.get_close_matches(str(key), keys, 1)
            if open_ended and not close:
                continue
            hint = f", perhaps `{close[0]}`" if close else f", expected {', '.join(keys)}"
            raise CaseError(f"unknown key `{key}`{hint}", (*route, key))
    return value


def _policy_set(policies: Mapping[str, Any], route: tuple[str | int, ...]) -> PolicySet:
    def one(name: str) -> PolicyDocument | None:
        value = policies.get(name)
        return None if value is None else _document(value, (*route, name))

    def several(name: str) -> tuple[PolicyDocument, ...] | None:
        value = policies.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise CaseError(f"`{name}` must be a list of policy documents", (*route, name))
        return tuple(_document(d, (*route, name, i)) for i, d in enumerate(value))

    scps: tuple[tuple[PolicyDocument, ...], ...] | None = None
    if policies.get("scp") is not None:
        levels = policies["scp"]
        if not isinstance(levels, list) or not all(isinstance(level, list) for level in levels):
            raise CaseError("`scp` must be a list of levels, each a list of policy documents", (*route, "scp"))
        scps = tuple(
            tuple(_document(d, (*route, "scp", i, k)) for k, d in enumerate(level)) for i, level in enumerate(levels)
        )
    return PolicySet(
        several("identity") or (), one("boundary"), several("session"), scps, several("rcp"), one("resource")
    )


def _document(value: object, route: tuple[str | int, ...]) -> PolicyDocument:
    document = parse_document(value)
    if document.unknown:
        raise CaseError(document.unknown, route)
    return document


def _request(value: object, route: tuple[str | int, ...]) -> Request:
    item = _object(value, route, _REQUEST)
    for key in ("principal", "action"):
        if item.get(key) is None:
            raise CaseError(f"the request has no `{key}`", route)
    known = (*_PRINCIPAL_TEXT, *_PRINCIPAL_FLAGS)
    principal = _object(item.get("principal"), (*route, "principal"), known, open_ended=True)
    if principal.get("type") not in _PRINCIPAL_TYPES:
        raise CaseError(f"`type` must be one of {', '.join(_PRINCIPAL_TYPES)}", (*route, "principal"))
    action = item.get("action")
    if not isinstance(action, str) or ":" not in action:
        raise CaseError("`action` must be text such as `s3:GetObject`", (*route, "action"))
    resource = _given(item, "resource", "*")
    targets: list[Target] = []
    for i, one in enumerate(resource if isinstance(resource, list) else [resource]):
        where = (*route, "resource", i) if isinstance(resource, list) else (*route, "resource")
        if isinstance(one, str):
            targets.append(Target(one or "*"))
        else:
            entry = _object(one, where, ("arn", "context")) if isinstance(one, dict) else {}
            if not isinstance(entry.get("arn"), str):
                raise CaseError("a resource must be an ARN or an object with `arn`", where)
            targets.append(Target(entry["arn"], context_of(_given(entry, "context", {}), (*where, "context"))))
    owner = _owner(item.get("resource_account"), (*route, "resource_account"))
    return Request(
        _principal(principal, (*route, "principal")),
        action,
        tuple(targets),
        context_of(_given(item, "context", {}), (*route, "context")),
        owner or next((a for t in targets if (a := _account(t.arn))), ""),
        _flag(item, "resource_in_management_account", route),
    )


def _principal(given: dict[str, Any], route: tuple[str | int, ...]) -> Principal:
    """Read the caller; what its ARN tells need not be repeated."""
    text = {k: _text(_given(given, k, ""), (*route, k)) for k in _PRINCIPAL_TEXT if k != "account"}
    arn = text["arn"]
    text["account"] = _owner(given.get("account"), (*route, "account")) or _account(arn) or _account(text["role_arn"])
    fields = arn.split(":", 5)
    if text["type"] == "role_session" and not text["role_arn"] and len(fields) == 6:
        kind, _, rest = fields[5].partition("/")
        if kind == "assumed-role":
            text["role_arn"] = f"{fields[0]}:{fields[1]}:iam::{fields[4]}:role/{rest.rpartition('/')[0] or rest}"
        elif kind == "role":
            text["role_arn"] = arn
    flags = {k: _flag(given, k, route) for k in _PRINCIPAL_FLAGS}
    return Principal(**text, **flags)  # type: ignore[arg-type]


def _owner(value: object, route: tuple[str | int, ...]) -> str:
    """Read an account, which may stand without quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:012d}"
    return _text("" if value is None else value, route)


def _account(arn: str) -> str:
    """Give the account that an ARN names, or nothing."""
    fields = arn.split(":", 5)
    return fields[4] if len(fields) == 6 and len(fields[4]) == 12 and fields[4].isdigit() else ""


def _name(value: object, route: tuple[str | int, ...]) -> str:
    if isinstance(value, dict | list):
        raise CaseError("text or a number is expected here", route)
    return str(value)


def _flag(item: Mapping[str, Any], key: str, route: tuple[str | int, ...]) -> bool:
    value = _given(item, key, False)
    if not isinstance(value, bool):
        raise CaseError(f"`{key}` must be true or false", (*route, key))
    return value


def _text(value: object, route: tuple[str | int, ...]) -> str:
    if not isinstance(value, str):
        raise CaseError("text is expected here", route)
    return value


def context_of(value: object, route: tuple[str | int, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Read a request context: text, numbers or booleans, a list for a multivalued key, null or `[]` for an absent one.

    Raises:
        CaseError: when it has another form.
    """
    if not isinstance(value, dict):
        raise CaseError("the context must be an object", route)
    out: dict[str, tuple[str, ...]] = {}
    for key, given in value.items():
        values = given if isinstance(given, list) else [] if given is None else [given]
        if any(isinstance(v, dict | list) or v is None for v in values):
            raise CaseError(f"the values of `{key}` must be text, numbers or booleans", (*route, key))
        if str(key).lower() in out:
            raise CaseError(f"the key `{key}` stands twice: case does not tell keys apart", (*route, key))
        out[str(key).lower()] = tuple(("true" if v else "false") if isinstance(v, bool) else str(v) for v in values)
    return out
