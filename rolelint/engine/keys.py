"""Solve for one context key: is there a value, or absence, under which given conditions are true and others false?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rolelint.algebra.strings import (
    EVERYTHING,
    Pattern,
    arn,
    glob,
    literal,
    marked,
    marked_arn,
    member,
    wildcards,
)
from rolelint.engine.actors import TWELVE, Domain
from rolelint.engine.compile import CompiledCondition
from rolelint.engine.match import substitute
from rolelint.engine.operators import (
    Operator,
    family_matches,
    parse_bool,
    present,
)
from rolelint.memory import memo
from rolelint.records import record

if TYPE_CHECKING:
    from decimal import Decimal

#: Value of a key in a candidate request: a tuple of values; the empty tuple is absence.
Value = tuple[str, ...]

#: Fixed values of keys that policy variables name: key -> value, or None for absent.
Pins = tuple[tuple[str, "str | None"], ...]


class Undecided(Exception):
    """The values of a key could not be searched exactly; carries the reason."""


@record
class Literal:
    """A condition that must be true, or must be false.

    Attributes:
        pins: values of the variables in the condition's values, as far as the condition names any.
    """

    condition: CompiledCondition
    wanted: bool
    pins: Pins = ()


class _Test:
    """One requirement on one present value: some policy value matches, or none does."""

    __slots__ = ("operator", "some", "texts")

    def __init__(self, operator: Operator, texts: Sequence[str], some: bool) -> None:
        self.operator = operator
        self.texts = texts
        self.some = some

    def holds(self, value: str) -> bool:
        return any(family_matches(self.operator, t, value) for t in self.texts) is self.some

    def patterns(self) -> list[Pattern]:
        family, wild = self.operator.family, self.operator.wild
        if family == "arn":
            return [marked_arn(t) for t in self.texts]
        if family == "folded":
            return [literal(t, folded=True) for t in self.texts]
        return [marked(t) if wild else literal(t) for t in self.texts]


_memo: dict[tuple[Domain, frozenset[Literal]], Value | None] = memo()
_texts_memo: dict[tuple[CompiledCondition, Pins], tuple[str, ...]] = memo()


def solve_key(domain: Domain, literals: frozenset[Literal]) -> Value | None:
    """Find a value of the key that makes every literal hold.

    Returns:
        The value; the empty tuple when absence does; None when there is provably none.

    Raises:
        Undecided: when the search is not exact for this mix of operators.
        LimitReached: when a string search passed its limit.
    """
    key = (domain, literals)
    if key in _memo:
        return _memo[key]
    value = _solve(domain, literals)
    _memo[key] = value
    return value


def truth(lit: Literal, value: Value) -> bool:
    """Tell whether the literal's condition has the wanted truth at a value."""
    return _condition_true(lit, value) is lit.wanted


def _condition_true(lit: Literal, value: Value) -> bool:
    condition = lit.condition
    operator = condition.operator
    if operator is None:
        return False
    written = condition.condition
    if operator.family == "null":
        if written.quantifier:
            return written.quantifier == "ForAllValues"
        absent = not value
        return any(parse_bool(v) is absent for v in written.values)
    if written.quantifier:
        value = present(value)
    if not value:
        if written.if_exists:
            return True
        if written.quantifier:
            return written.quantifier == "ForAllValues"
        return operator.negated
    if not written.values and (written.quantifier or written.if_exists):
        return False  # S1.10
    texts = _texts(condition, lit.pins)
    matched = [any(family_matches(operator, t, v) for t in texts) for v in value]
    if written.quantifier == "ForAllValues":
        return all(m != operator.negated for m in matched)
    if written.quantifier == "ForAnyValue":
        return any(m != operator.negated for m in matched)
    return any(matched) != operator.negated


def _texts(condition: CompiledCondition, pins: Pins) -> tuple[str, ...]:
    """Give the policy values with variables replaced, wildcards marked."""
    key = (condition, pins)
    found = _texts_memo.get(key)
    if found is None:
        operator = condition.operator
        assert operator is not None
        if condition.variables:
            fixed = dict(pins)
            out = (substitute(v, fixed.get, wild=operator.wild) for v in condition.condition.values)
            found = tuple(t for t in out if t is not None)
        elif operator.wild:
            # Without variables, `${` is plain text (S1.3).
            found = tuple(wildcards(v) for v in condition.condition.values)
        else:
            found = condition.condition.values
        _texts_memo[key] = found
    return found


def _solve(domain: Domain, literals: frozenset[Literal]) -> Value | None:
    if domain.presence != "always" and all(truth(lit, ()) for lit in literals):
        return ()
    if domain.presence == "never":
        return None
    if domain.values is not None:
        for fit in (domain.values,) if domain.whole else [(one,) for one in domain.values]:
            if all(truth(lit, fit) for lit in literals):
                return fit
        if domain.whole or not domain.many:
            return None
    every: list[_Test] = []
    some: list[_Test] = []
    many = domain.many
    if many is None:
        # Multivalued keys require a set operator (S5.24): one on a key that is not listed says that it is multivalued.
        many = any(lit.condition.condition.quantifier for lit in literals)
    # By content: of several values that do, every run finds the same.
    for lit in sorted(literals, key=repr) if len(literals) > 1 else literals:
        if not _split(lit, many, every, some):
            return None
    if not some:
        value = _one(domain, every)
        return None if value is None else (value,)
    if not many:
        value = _one(domain, every + some)
        return None if value is None else (value,)
    values: list[str] = []
    for test in some:
        value = _one(domain, [*every, test])
        if value is None:
            return None
        if value not in values:
            values.append(value)
    return tuple(values)


def _split(lit: Literal, many: bool, every: list[_Test], some: list[_Test]) -> bool:
    """Turn a literal into requirements on present values; false when it cannot hold for a present key."""
    condition = lit.condition
    operator = condition.operator
    written = condition.condition
    if operator is None:
        return not lit.wanted
    if operator.family == "null":
        return truth(lit, ("present",))
    if not written.values and (written.quantifier or written.if_exists):
        return not lit.wanted  # S1.10
    texts = _texts(condition, lit.pins)
    quantifier = written.quantifier
    if quantifier == "ForAllValues":
        # every value matches (or none, under negation); its negation needs one that does not.
        (every if lit.wanted else some).append(_Test(operator, texts, operator.negated is not lit.wanted))
    elif quantifier == "ForAnyValue":
        (some if lit.wanted else every).append(_Test(operator, texts, operator.negated is not lit.wanted))
    else:
        matches = operator.negated is not lit.wanted
        (some if matches and many else every).append(_Test(operator, texts, matches))
    return True


def _one(domain: Domain, tests: Sequence[_Test]) -> str | None:
    """Find one value that passes every test."""
    if domain.values is not None:
        return next((value for value in domain.values if all(t.holds(value) for t in tests)), None)
    shape = _shape(domain.pattern) if domain.pattern else None
    since = _moment(domain.since) if domain.since else None

    def fits(value: str) -> bool:
        if shape is not None and not shape.matches(value):
            return False
        if domain.kind and not _is_a(domain.kind, value):
            return False
        if since is not None and ((moment := _moment(value)) is None or moment < since):
            return False
        return all(t.holds(value) for t in tests)

    if domain.example and fits(domain.example):
        return domain.example
    families = {t.operator.family for t in tests}
    if families <= _TEXT:
        return _one_text(domain, tests, shape, fits)
    candidates = _candidates(tests)
    candidates += _likened(domain, (p for t in tests if t.operator.family in _TEXT for p in t.patterns()))
    if domain.since:
        candidates.append(domain.since)
    for value in candidates:
        if fits(value):
            return value
    if len(families) == 1 or families <= {"number", "date"}:
        return None
    raise Undecided("one key is tested by operators of different types")


def _one_text(domain: Domain, tests: Sequence[_Test], shape: Pattern | None, fits: Callable[[str], bool]) -> str | None:
    """Find one value that passes tests of text, which are sets of strings.

    Args:
        shape: what the domain says of the text.
        fits: whether a value passes the tests and all that the domain says.
    """
    unions: list[Sequence[Pattern]] = [t.patterns() for t in tests if t.some]
    without = [p for t in tests if not t.some for p in t.patterns()]
    if domain.kind:
        unions = [[p for p in u if (text := p.literal) is None or _is_a(domain.kind, text)] for u in unions]
        if not all(unions):
            return None
    if shape is not None:
        unions.insert(0, [shape])
    if not unions:
        for guess in () if domain.kind else ("example", "other"):
            if not any(p.matches(guess) for p in without):
                return guess
    if all(u and u[0] == EVERYTHING for u in unions):
        # A key that is present has a value of at least one character.
        unions = [[glob("?*")]]
    found = None
    if shape is not None and TWELVE in domain.pattern and domain.example.count(":") > 4:
        # In the account of the example, where one fits.
        near = domain.pattern.replace(TWELVE, domain.example.split(":")[4])
        found = member([[_shape(near)], *unions[1:]], without)
    found = found or member(unions, without)
    if found is None or not domain.kind or fits(found):
        return found
    for text in _likened(domain, (p for u in unions for p in u)):
        if fits(text):
            return text
    raise Undecided(f"{domain.kind} is compared as text")


def _shape(pattern: str) -> Pattern:
    return arn(pattern) if pattern.startswith("arn:") else glob(pattern)


_TEXT = {"string", "folded", "arn"}
#: Values of a kind, for the runs of characters that stars stand for in patterns of their text.
_LIKE = {
    "an address": ("203.0.113.10", "2001:db8::10"),
    "a date": ("2030-12-31T00:00:00Z", "2030-01-01T00:00:00Z"),
    "an account": ("123456789012",),
}
#: Texts that are tried for one pattern and one example. Past it the question is UNKNOWN.
_MAX_LIKENED = 2_000


def _likened(domain: Domain, patterns: Iterable[Pattern]) -> Iterator[str]:
    """Write what may be members of patterns so that they read as values of a kind: stars are runs of an example."""
    examples = _LIKE.get(domain.kind, ())
    for pattern in patterns if examples else ():
        written = pattern.show()
        for example, digit in itertools.product(examples, "1270" if "?" in written else "1"):
            head, *tails = written.replace("?", digit).split("*")
            ends = range(len(example) + 1)
            # Long runs first: whoever writes one star means the whole rest.
            runs = sorted({example[a:b] for a in ends for b in ends[a:]}, key=lambda run: (-len(run), run))
            for chosen in itertools.islice(itertools.product(runs, repeat=len(tails)), _MAX_LIKENED):
                yield head + "".join(run + tail for run, tail in zip(chosen, tails, strict=True))


def _is_a(kind: str, value: str) -> bool:
    from rolelint.engine import typed

    readers = {
        "a number": typed.parse_number,
        "a date": typed.parse_date,
        "an address": typed.parse_address,
        "an account": typed.parse_account,
        "a policy": typed.parse_policy_arn,
    }
    return readers[kind](value) is not None


def _moment(text: str) -> Decimal | None:
    from rolelint.engine.typed import parse_date

    return parse_date(text)


def _candidates(tests: Iterable[_Test]) -> list[str]:
    """List values such that, for tests of one family, one of them passes if any value does."""
    from rolelint.engine import typed

    out: list[str] = []
    points: set[Decimal] = set()
    for test in tests:
        family = test.operator.family
        if family == "bool":
            out += ["true", "false"]
        elif family == "binary":
            out += [*test.texts, "cm9sZWxpbnQ="]
        elif family == "ip":
            out += _addresses(test.texts)
        elif family == "number":
            points.update(p for p in map(typed.parse_number, test.texts) if p is not None)
            out.append("1")
        elif family == "date":
            points.update(p for p in map(typed.parse_date, test.texts) if p is not None)
            out.append("1")
        else:
            for pattern in test.patterns():
                found = member([[pattern]])
                if found is not None:
                    out.append(found)
            out.append("example")
    if points:
        ordered = sorted(points)
        numbers = [ordered[0] - 1, *ordered, ordered[-1] + 1]
        numbers += [(a + b) / 2 for a, b in itertools.pairwise(ordered)]
        out += [f"{n.normalize():f}" for n in numbers]
    return out


def _addresses(texts: Iterable[str]) -> list[str]:
    """List the ends of every block and their neighbours, so that one of them is in any non-empty difference."""
    from ipaddress import IPv4Address, IPv6Address

    from rolelint.engine.typed import parse_network

    out = ["203.0.113.10", "2001:db8::10"]
    for text in texts:
        network = parse_network(text)
        if network is None:
            continue
        first, last = int(network.network_address), int(network.broadcast_address)
        kind = IPv4Address if network.version == 4 else IPv6Address
        top = (1 << network.max_prefixlen) - 1
        out += [str(kind(n)) for n in (first, last, first - 1, last + 1) if 0 <= n <= top]
    return out
