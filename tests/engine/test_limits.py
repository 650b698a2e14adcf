"""Hard inputs are answered by little work, or are UNKNOWN by a named limit; never by exponential work."""

from __future__ import annotations

import pytest
from engine.building import ALL, allow, deny, role

from rolelint.algebra import strings
from rolelint.algebra.strings import LimitReached, glob, includes, member, wildcards
from rolelint.engine import actor, can, powers, solve, variables
from rolelint.engine.match import glob_matches
from rolelint.memory import forget

_ANY = actor("any")
_STARS = "*" + "*".join("ab" * 10) + "*?c"  # 20 stars and more, and a `?`: without one they are searched for in C


class _Counted(str):
    """Text that counts how often one of its characters is read."""

    reads = 0

    def __getitem__(self, at):  # type: ignore[no-untyped-def]
        _Counted.reads += 1
        return super().__getitem__(at)


@pytest.mark.parametrize("text", ["ab" * 2048, "a" * 4096, "b" * 4096, "ba" * 2047 + "ab"])
def test_twenty_stars_against_four_kilobytes(text: str) -> None:
    _Counted.reads = 0
    assert glob_matches(wildcards(_STARS), _Counted(text)) is False
    # Each character is looked at a handful of times, not once for every way to place the stars.
    assert 0 < _Counted.reads < 40 * len(text)
    assert glob(_STARS).matches(text) is False
    assert glob(_STARS).matches(text + "ab" * 10 + "xc") is True


def test_two_patterns_of_ten_stars_meet_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = glob("*".join("abcdefghijk")), glob("*".join("kjihgfedcba"))
    monkeypatch.setattr(strings, "MAX_STATES", 20_000)
    found = member([[one], [other]])
    assert found is None or (one.matches(found) and other.matches(found))
    apart = glob("*".join("abcdefghijk") + "*x"), glob("*".join("kjihgfedcba") + "*y")
    assert member([[apart[0]], [apart[1]]]) is None
    assert includes([glob("*a*b*")], glob("*a*a*b*"))


def test_past_the_limit_there_is_no_answer() -> None:
    with pytest.raises(LimitReached, match="a string search passed its limit"):
        member([[glob("*a*b*c*d*e*f")], [glob("*f*e*d*c*b*a*f")]], limit=5)


def _visits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the models that searches visit."""
    seen: list[int] = []
    plain = solve.Search.run

    def run(self, layers, denies):  # type: ignore[no-untyped-def]
        try:
            return plain(self, layers, denies)
        finally:
            seen.append(self.visits)

    monkeypatch.setattr(solve.Search, "run", run)
    return seen


def test_two_hundred_denies_with_overlapping_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    denies = [
        deny(
            "s3:Delete*",
            f"arn:aws:s3:::*{i % 17}*",
            {
                "StringLike": {"aws:PrincipalTag/team": [f"t{i}*", f"*{i}"]},
                "StringNotEquals": {"aws:PrincipalTag/x": f"v{i % 5}"},
            },
        )
        for i in range(200)
    ]
    seen = _visits(monkeypatch)
    answer = can(role(allow("s3:*"), *denies), "s3:DeleteBucket", who=_ANY)
    assert answer.verdict in ("yes", "unknown")
    assert sum(seen) <= 2 * solve.MAX_MODELS


def test_denies_that_leave_nothing_together(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [f"v{i}" for i in range(60)]
    denies = [deny("s3:*", "*", {"StringEquals": {"aws:PrincipalTag/x": v}}) for v in values]
    denies += [deny("s3:*", "*", {"StringNotEquals": {"aws:PrincipalTag/x": values}})]
    denies += [deny("s3:*", f"arn:aws:s3:::{c}*") for c in "abcdefgh"]
    seen = _visits(monkeypatch)
    assert can(role(ALL, *denies), "s3:DeleteBucket", who=_ANY).verdict == "no"
    assert sum(seen) < solve.MAX_MODELS


def test_the_limit_of_models_is_named_in_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solve, "MAX_MODELS", 3)
    keys = "abcdef"
    denies = [
        deny(
            "sqs:*",
            "*",
            {"StringEquals": {f"aws:PrincipalTag/limit-{k}": "1"}, "Null": {f"aws:RequestTag/{k}": "true"}},
        )
        for k in keys
    ]
    more = [deny("sqs:*", "*", {"Null": {f"aws:PrincipalTag/limit-{k}": "true"}}) for k in keys]
    answer = can(role(allow("sqs:*"), *denies, *more), "sqs:CreateQueue", who=_ANY)
    assert answer.verdict == "unknown"
    assert "more than 3 combinations" in answer.reason


def test_many_values_of_variables_are_tried_up_to_a_limit() -> None:
    path = "/".join(f"${{aws:PrincipalTag/v{i}}}" for i in range(8))
    holder = role(allow("s3:*", f"arn:aws:s3:::b/{path}"), deny("s3:*", "arn:aws:s3:::b/*x*"))
    assert can(holder, "s3:DeleteObject", who=_ANY).verdict in ("yes", "unknown")
    bounded = role(ALL, boundary=[allow("s3:*", f"arn:aws:s3:::c/{path}")])
    assert can(bounded, "rds:DeleteDBInstance").verdict == "no"


def test_a_long_policy_is_split_by_its_statements_not_by_their_combinations() -> None:
    statements = [allow(f"s3:{c}*", f"arn:aws:s3:::{c}*") for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    denies = [deny(f"s3:*{c}*", f"arn:aws:s3:::*{c}*") for c in "abcdefghijklmnopqrstuvwxyz"]
    found = powers(role(*statements, *denies), _ANY)
    assert len(found.powers) < 200


def test_many_open_patterns_are_answered_without_a_search_for_each_type(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    plain = strings._search
    monkeypatch.setattr(strings, "_search", lambda *arguments: searched.append(1) or plain(*arguments))
    found = powers(role(ALL, deny("*", [f"arn:aws:*:*:*:*prod{i}*" for i in range(20)])), _ANY)
    assert not found.unknown
    assert len(searched) < 100


def test_chains_of_services_are_told_apart_up_to_a_limit() -> None:
    through = {"Bool": {"aws:ViaAWSService": "true"}}
    everyone = [
        deny("s3:*", condition={"ForAllValues:StringNotEquals": {"aws:CalledVia": f"s{n}.amazonaws.com"}})
        for n in range(12)
    ]
    answer = can(role(allow("s3:*", condition=through), *everyone), "s3:DeleteBucket", who=actor("any"))
    assert (answer.verdict, answer.reason) == ("unknown", "more than 4000 chains of services")


def test_what_one_role_leaves_no_effort_for_is_decided_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    monkeypatch.setattr(strings, "MAX_EFFORT", 100)
    heavy = [
        allow(["sqs:DeleteQueue", "sqs:PurgeQueue"], "arn:aws:sqs:*:*:*a*b*c*d*e*f*"),
        deny("sqs:*", ["arn:aws:sqs:*:*:*a*b*c*d*e*", "arn:aws:sqs:*:*:*f*e*d*c*b*a*"]),
    ]
    light = [allow("sns:DeleteTopic", "arn:aws:sns:*:*:*a*b*"), deny("sns:*", "arn:aws:sns:*:*:*b*")]
    assert powers(role(*heavy, *light)).unknown
    assert not powers(role(*light)).unknown


def test_values_of_variables_are_tried_for_a_limited_number_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    held = role(
        allow("s3:DeleteObject", condition={"ForAnyValue:StringEquals": {"aws:CalledVia": "${aws:SourceIdentity}"}}),
        deny("s3:*", condition={"StringLike": {"aws:SourceIdentity": "*.amazonaws.com"}}),
        deny("s3:*", "arn:aws:s3:::*/left-${aws:SourceIdentity}"),
    )
    monkeypatch.setattr(variables, "MAX_TRIES", 10)
    answer = can(held, "s3:DeleteObject", who=_ANY)
    assert (answer.verdict, answer.reason) == ("unknown", "more than 10 combinations of policy variable values")
