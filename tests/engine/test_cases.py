"""Cases of `rolelint evaluate`: odd but legal input is read, slips of the pen are told with their place."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.engine.cases import CaseError, evaluate, parse_cases

_ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
_SESSION = "arn:aws:sts::111122223333:assumed-role/R/s"
_OBJECT = "arn:aws:s3:::b/x"


def _decide(policies: Any = None, principal: Any = None, **request: Any) -> str:
    asked = {"principal": principal or {"type": "role_session", "arn": _SESSION}, "action": "s3:GetObject", **request}
    case = {"request": asked} if policies is None else {"policies": policies, "request": asked}
    (result,) = evaluate(parse_cases([case]))
    return result.decision.outcome.value


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({}, "implicit_deny"),
        ({"identity": None}, "implicit_deny"),
        ({"identity": [_ALL], "scp": [[]]}, "implicit_deny"),
        ({"identity": [_ALL], "scp": [[_ALL], []]}, "implicit_deny"),
        ({"identity": [_ALL], "boundary": {"Statement": []}}, "implicit_deny"),
        ({"identity": [_ALL], "scp": []}, "allow"),
        ({"identity": [_ALL], "scp": None, "rcp": None, "boundary": None, "session": None}, "allow"),
        ({"identity": [_ALL], "rcp": []}, "allow"),
        ({"identity": ['{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}']}, "allow"),
    ],
)
def test_policies_may_be_left_out(policies: dict[str, Any], expected: str) -> None:
    assert _decide(policies, resource=_OBJECT) == expected


def test_policies_may_be_null() -> None:
    asked = {"principal": {"type": "anonymous"}, "action": "s3:GetObject"}
    (result,) = evaluate(parse_cases({"cases": [{"policies": None, "request": asked}]}))
    assert result.decision.outcome.value == "implicit_deny"


@pytest.mark.parametrize("resource", [None, [], "*", ["*"], _OBJECT, [_OBJECT], [{"arn": _OBJECT, "context": None}]])
def test_ways_to_write_the_resource(resource: Any) -> None:
    assert _decide({"identity": [_ALL]}, resource=resource) == "allow"


def _when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"identity": [{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: value}}}]}]}  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "written", "given", "expected"),
    [
        ("NumericEquals", 5, 5.0, "allow"),
        ("NumericEquals", "5", [5], "allow"),
        ("StringEquals", 5, "5", "allow"),
        ("Bool", True, "True", "allow"),
        ("Bool", ["false"], False, "allow"),
        ("Null", True, None, "allow"),
        ("Null", "true", [], "allow"),
        ("Null", False, "", "allow"),
        ("ForAllValues:StringEquals", ["a", "b"], ["b"], "allow"),
        ("ForAnyValue:StringEquals", ["a"], [], "implicit_deny"),
    ],
)
def test_ways_to_write_the_context(operator: str, written: Any, given: Any, expected: str) -> None:
    assert _decide(_when(operator, "a:B", written), resource=_OBJECT, context={"A:b": given}) == expected


@pytest.mark.parametrize(
    ("principal", "owner", "expected"),
    [
        ({"type": "role_session", "arn": _SESSION}, "", "allow"),
        ({"type": "role_session", "arn": _SESSION, "account": 111122223333}, 111122223333, "allow"),
        ({"type": "role_session", "role_arn": "arn:aws:iam::111122223333:role/R"}, None, "allow"),
        ({"type": "role_session", "arn": "arn:aws:iam::111122223333:role/R", "note": "as IAM shows it"}, "", "allow"),
        ({"type": "role_session", "arn": _SESSION.replace("R/s", "Q/s")}, "", "implicit_deny"),
        ({"type": "role_session", "arn": _SESSION}, "444455556666", "implicit_deny"),
    ],
)
def test_what_an_arn_tells_need_not_be_repeated(principal: Any, owner: Any, expected: str) -> None:
    trusted = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:role/R"},
        "Action": "*",
        "Resource": "*",
    }
    policies = {"resource": {"Version": "2012-10-17", "Statement": [trusted]}}
    assert _decide(policies, principal, resource=_OBJECT, resource_account=owner) == expected


def test_the_owner_of_a_resource_is_the_account_that_its_arn_names() -> None:
    queue = "arn:aws:sqs:us-east-1:444455556666:q"
    policies = {"identity": [_ALL]}
    assert _decide(policies, action="sqs:SendMessage", resource=queue) == "implicit_deny"
    own = queue.replace("444455556666", "111122223333")
    assert _decide(policies, action="sqs:SendMessage", resource=own) == "allow"


def test_notes_beside_a_case_are_welcome_and_an_expectation_is_optional() -> None:
    asked = {"principal": {"type": "anonymous"}, "action": "s3:GetObject", "resource": _OBJECT}
    (case,) = parse_cases([{"id": 7, "expected": None, "ticket": "OPS-1", "request": asked}])
    (result,) = evaluate([case])
    assert (case.id, result.passed) == ("7", True)


@pytest.mark.parametrize(
    ("case", "message", "route"),
    [
        ({}, "no `request`", (0,)),
        ({"polices": {}, "request": {}}, "perhaps `policies`", (0, "polices")),
        ({"policies": {"scps": []}, "request": {}}, "perhaps `scp`", (0, "policies", "scps")),
        ({"policies": {"endpoint": {}}, "request": {}}, "unknown key `endpoint`", (0, "policies", "endpoint")),
        ({"policies": {"scp": [{}]}, "request": {}}, "list of levels", (0, "policies", "scp")),
        ({"policies": {"identity": _ALL}, "request": {}}, "list of policy documents", (0, "policies", "identity")),
        ({"request": {"action": "a:b"}}, "the request has no `principal`", (0, "request")),
        ({"request": {"principal": {"type": "user"}}}, "the request has no `action`", (0, "request")),
        ({"request": {"principal": "x", "action": "a:b"}}, "`principal` must be an object",
         (0, "request", "principal")),
        ({"request": {"principal": {"type": "user"}, "action": "a:b", "resource": 5}}, "a resource must be an ARN",
         (0, "request", "resource")),
        ({"request": {"principal": {"type": "robot"}, "action": "a:b"}}, "`type` must be one of",
         (0, "request", "principal")),
        ({"request": {"principal": {"type": "user"}, "action": "*"}}, "`action` must be", (0, "request", "action")),
        ({"request": {"principal": {"type": "user"}, "action": "a:b", "context": {"k": {}}}}, "the values of `k`",
         (0, "request", "context", "k")),
        ({"request": {"principal": {"type": "user"}, "action": "a:b", "context": {"k": 1, "K": 2}}},
         "the key `K` stands twice", (0, "request", "context", "K")),
        ({"expected": "denied", "request": {}}, "`expected` must be one of", (0, "expected")),
        ({"expected": False, "request": {}}, "`expected` must be one of", (0, "expected")),
        ({"id": ["a"], "request": {}}, "text or a number", (0, "id")),
        ({"policies": [], "request": {}}, "an object", (0, "policies")),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_its_place(case: dict[str, Any], message: str, route: tuple[Any, ...]) -> None:
    if case.get("request") == {}:
        case = {**case, "request": {"principal": {"type": "user"}, "action": "s3:GetObject"}}
    with pytest.raises(CaseError, match=message) as caught:
        parse_cases([case])
    assert caught.value.route == route


@pytest.mark.parametrize(
    ("where", "wrong", "message"),
    [
        (("resource",), False, "an object"),
        (("resource",), {}, "an ARN or an object with `arn`"),
        (("resource_account",), [], "text"),
        (("context",), [], "must be an object"),
        (("context",), "", "must be an object"),
        (("resource_in_management_account",), "false", "must be true or false"),
        (("principal", "management_account"), "false", "must be true or false"),
        (("principal", "service_linked"), 1, "must be true or false"),
        (("principal", "arn"), False, "text"),
        (("principal", "account"), {}, "text"),
    ],
)
def test_a_value_of_another_type_is_no_empty_one(where: tuple[str, ...], wrong: Any, message: str) -> None:
    asked: dict[str, Any] = {"principal": {"type": "role_session", "arn": _SESSION}, "action": "s3:GetObject"}
    *above, last = where
    at = asked
    for key in above:
        at = at[key]
    at[last] = wrong
    with pytest.raises(CaseError, match=message) as caught:
        parse_cases([{"request": asked}])
    assert caught.value.route == (0, "request", *where)
