"""Condition operators one by one: what must not match first."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from rolelint.algebra.strings import wildcards
from rolelint.engine.actors import Domain
from rolelint.engine.compile import compile_condition
from rolelint.engine.keys import Literal, solve_key, truth
from rolelint.engine.match import substitute
from rolelint.engine.operators import TABLE, condition_holds
from rolelint.engine.typed import parse_date, parse_number
from rolelint.policies.document import Condition
from rolelint.policies.parse import parse_operator

_ROWS: list[tuple[str, list[str], list[str], bool]] = [
    ("StringEquals", ["a*"], ["ab"], False),
    ("StringEquals", ["A"], ["a"], False),
    ("StringEquals", ["a", "b"], ["b"], True),
    ("StringEquals", ["a"], [], False),
    ("StringNotEquals", ["a", "b"], ["b"], False),
    ("StringNotEquals", ["a"], [], True),
    ("StringEqualsIgnoreCase", ["ÀB"], ["àb"], True),
    ("StringEqualsIgnoreCase", ["ss"], ["ß"], False),
    ("StringLike", ["a?c*"], ["ac"], False),
    ("StringLike", ["a*c"], ["a:/c"], True),
    ("StringLike", [""], [""], True),
    ("StringNotLike", ["a*"], ["ab"], False),
    ("NumericEquals", ["2"], ["2.0"], True),
    ("NumericEquals", ["two"], ["2"], False),
    ("NumericNotEquals", ["two"], ["2"], True),
    ("NumericLessThan", ["10"], ["9"], True),
    ("NumericLessThan", ["10"], ["10"], False),
    ("NumericLessThanEquals", ["10"], ["1e1"], True),
    ("NumericGreaterThan", ["-1"], ["0"], True),
    ("NumericGreaterThanEquals", ["5"], ["4.999"], False),
    ("DateEquals", ["2026-01-01T00:00:00Z"], ["1767225600"], True),
    ("DateEquals", ["2026-01-01"], ["2026-01-01T01:00:00+01:00"], True),
    ("DateLessThan", ["2026"], ["2025-12-31T23:59:59.999Z"], True),
    ("DateGreaterThan", ["2026-13-01"], ["2027-01-01"], False),
    ("DateGreaterThanEquals", ["2026-02-30"], ["2027-01-01"], False),
    ("Bool", ["true"], ["True"], True),
    ("Bool", ["false"], [], False),
    ("Bool", ["1"], ["true"], False),
    ("BinaryEquals", ["QQ=="], ["QQ=="], True),
    ("BinaryEquals", ["not base64!"], ["not base64!"], False),
    ("IpAddress", ["10.0.0.0/8"], ["11.0.0.1"], False),
    ("IpAddress", ["::/0"], ["10.0.0.1"], False),
    ("IpAddress", ["2001:db8::/32"], ["2001:DB8:0::1"], True),
    ("IpAddress", ["10.0.0.300"], ["10.0.0.1"], False),
    ("NotIpAddress", ["10.0.0.0/8"], [], True),
    ("ArnLike", ["arn:aws:s3:::a*"], ["arn:aws:s3:us-east-1::a"], False),
    ("ArnLike", ["arn:aws:sns"], ["arn:aws:sns:r:1:t"], True),
    ("ArnEquals", ["arn:aws:sns:*:*:t*"], ["arn:aws:sns:r:1:t:x"], True),
    ("ArnNotLike", ["arn:aws:sns:*:*:*"], ["text"], True),
    ("Null", ["true"], ["x"], False),
    ("Null", ["false"], ["x"], True),
    ("Null", ["maybe"], [], False),
    ("StringEqualsIfExists", ["a"], [], True),
    ("StringEqualsIfExists", ["a"], ["b"], False),
    ("StringNotEqualsIfExists", ["a"], [], True),
    ("StringEquals", [], ["a"], False),
    ("StringNotEquals", [], ["a"], True),
    ("StringNotEqualsIfExists", [], ["a"], False),
    ("ForAllValues:StringEquals", [], [], True),
    ("ForAllValues:StringNotEquals", [], ["a"], False),
    ("ForAnyValue:StringNotEquals", [], ["a"], False),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a"], [], True),
    ("ForAllValues:StringNotEquals", ["a"], ["b", "a"], False),
    ("ForAnyValue:StringLike", ["a*"], ["b", "ab"], True),
    ("ForAnyValue:StringEquals", ["a"], [], False),
    ("ForAnyValue:StringNotEquals", ["a"], ["a"], False),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
    ("ForAllValues:Null", ["false"], [], True),
    ("ForAnyValue:Null", ["true"], [], False),
    ("StringEquals", ["a"], ["b", "a"], True),
    ("StringNotEquals", ["a"], ["b", "a"], False),
]


@pytest.mark.parametrize(
    ("operator", "written", "given", "expected"), _ROWS, ids=[f"{o} {w} of {g}" for o, w, g, _ in _ROWS]
)
def test_an_operator(operator: str, written: list[str], given: list[str], expected: bool) -> None:
    name, quantifier, if_exists, known = parse_operator(operator)
    assert known
    condition = Condition(name, quantifier, if_exists, "k", "k", tuple(written))
    assert condition_holds(condition, tuple(given), lambda key: None, variables=True) is expected


def test_every_operator_has_a_row_in_the_table_and_a_case() -> None:
    tried = {parse_operator(row[0])[0] for row in _ROWS}
    assert set(TABLE) - tried == {"StringNotEqualsIgnoreCase", "DateNotEquals", "DateLessThanEquals", "ArnNotEquals"}
    assert all(TABLE[name].negated == ("Not" in name) for name in TABLE)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("${aws:username}", {}, None),
        ("a-${aws:username}", {"aws:username": "*"}, "a-*"),
        ("${AWS:UserName}", {"aws:username": "m"}, "m"),
        ("${k, 'd'}", {}, "d"),
        ("${k, 'd'}", {"k": "v"}, "v"),
        ("${k, ''}", {}, ""),
        ("${*}${?}${$}", {}, "*?$"),
        ("${k", {}, "${k"),
        ("${}", {}, None),
        ("${a${b}}", {"a": "x", "b": "y"}, "${ay}"),
    ],
)
def test_a_policy_variable(text: str, values: dict[str, str], expected: str | None) -> None:
    assert substitute(text, values.get, wild=True) == expected


def test_wildcards_outside_variables_stay_wildcards() -> None:
    assert substitute("*-${k}", {"k": "*"}.get, wild=True) == wildcards("*-") + "*"


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "1,000", "0x10"])
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-1-1", "2026-01-01 00:00", "2026-01-01T25:00Z"])
def test_what_is_no_date(text: str) -> None:
    assert parse_date(text) is None


_GIVEN = Domain("always", ("a", "b", "c"), many=True)


def _asked(*wanted: tuple[str, str, str, bool]) -> frozenset[Literal]:
    return frozenset(
        Literal(compile_condition(Condition(operator, quantifier, False, "x:k", "x:k", (value,)), False), holds)
        for operator, quantifier, value, holds in wanted
    )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([("ForAnyValue", "a")], ("a",)),
        ([("ForAllValues", "b")], ("b",)),
        ([("ForAnyValue", "a"), ("ForAnyValue", "b")], ("a", "b")),
        ([("ForAnyValue", "a"), ("ForAnyValue", "c")], ("a", "c")),
        ([("ForAnyValue", "a"), ("ForAllValues", "b")], None),
        ([("ForAnyValue", "d")], None),
        ([("ForAnyValue", "a"), ("ForAnyValue", "d")], None),
    ],
)
def test_a_key_of_several_given_values_has_some_of_them(
    wanted: list[tuple[str, str]], expected: tuple[str, ...] | None
) -> None:
    asked = _asked(*(("StringEquals", quantifier, value, True) for quantifier, value in wanted))
    assert solve_key(_GIVEN, asked) == expected


def test_some_of_several_given_values_do_exactly_where_trying_all_sets_finds_some() -> None:
    rng = random.Random(7)
    operators, quantifiers = ("StringEquals", "StringNotEquals", "StringLike"), ("", "ForAnyValue", "ForAllValues")
    sets = [kept for n in (1, 2, 3) for kept in combinations(("a", "b", "c"), n)]
    for _ in range(400):
        asked = _asked(
            *(
                (rng.choice(operators), rng.choice(quantifiers), rng.choice("abcd*"), rng.random() < 0.6)
                for _ in range(rng.choice([1, 2, 3]))
            )
        )
        found = solve_key(_GIVEN, asked)
        assert (found is not None) is any(all(truth(lit, kept) for lit in asked) for kept in sets), asked
        assert found is None or all(truth(lit, found) for lit in asked), asked
