"""Values of policy variables: those that a search tries for the keys that they name, and statements read with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product

from rolelint.algebra.strings import glob
from rolelint.engine.actors import Domain
from rolelint.engine.classes import Group
from rolelint.engine.compile import CompiledCondition
from rolelint.engine.keys import Literal, Pins, solve_key
from rolelint.engine.scene import Scene
from rolelint.engine.solve import View, view
from rolelint.engine.worlds import twin_of
from rolelint.policies.text import VARIABLE

#: Combinations of values of policy variables that one search tries. Past it the answer is UNKNOWN.
MAX_VARIABLE_VALUES = 64
#: The same over everything else that differs between requests: Regions, accounts, chains of services.
MAX_TRIES = 8_000


def named_values(group: Group, resource: str | None) -> dict[str, list[str]]:
    """Read off resources what the policy variables of resource patterns may stand for in them.

    Args:
        resource: the given one; else the policy of a resource tells which it is.
    """
    out: dict[str, list[str]] = {}
    for written, arn in (
        (r, arn)
        for v in group.views
        if v.statement.refs
        for r in v.statement.resources or ()
        if "${" in r
        for arn in ((resource,) if resource else v.statement.within)
    ):
        name = arn.split(":", 5)[-1]
        before, *rest = VARIABLE.split(written.split(":", 5)[-1])
        places = _reached(before, name, [0])
        for key, after in zip(rest[::2], rest[1::2], strict=True):
            ends = [e for e in range(1, len(name) + 1) if _reached(after, name, [e])] if after else [len(name)]
            spans = [(at, e) for at in places for e in ends if at < e]
            values = dict.fromkeys(name[at:e] for at, e in spans)
            # One step of a path is likelier than several.
            told = sorted(values, key=lambda value: "/" in value)[:MAX_VARIABLE_VALUES]
            out.setdefault(key.partition(",")[0].strip().lower(), []).extend(told)
            places = _reached(after, name, sorted({e for _, e in spans}))
    return out


def _reached(text: str, name: str, places: Sequence[int]) -> Sequence[int]:
    """List where a text with wildcards may end in a name when it begins at one of some places."""
    for run in re.split(r"([*?])", text):
        if run == "*":
            places = range(places[0], len(name) + 1) if places else ()
        else:
            places = [
                p + len(run) for p in places if p + len(run) <= len(name) and (run == "?" or name.startswith(run, p))
            ]
    return places


def variable_values(
    stage: Scene,
    refs: frozenset[str],
    conditions: Sequence[CompiledCondition],
    keys: dict[str, Domain],
    named: dict[str, list[str]],
) -> Iterator[Pins]:
    """Yield combinations of values for policy variables: what each key can be, absence last.

    Args:
        refs: the keys that the variables name.
        conditions: those of the statements, which tell what is worth trying where the values are free.
        keys: domains that hold here before those of the scene.
        named: values by which texts of resources name something, by key (`named_values`).

    Raises:
        Undecided, LimitReached: when no value of a key could be found.
    """
    choices: list[list[tuple[str, str | None]]] = []
    for key in sorted(refs):
        domain = keys.get(key) or stage.domain(key)
        options: list[str | None] = []
        if domain.presence != "never":
            options += (
                domain.values if domain.values is not None else _tried(stage, key, domain, conditions, keys, named)
            )
        if domain.presence != "always":
            options.append(None)
        choices.append([(key, v) for v in dict.fromkeys(options)])
    yield from product(*choices)


def _tried(
    stage: Scene,
    key: str,
    domain: Domain,
    conditions: Sequence[CompiledCondition],
    keys: dict[str, Domain],
    named: dict[str, list[str]],
) -> Iterator[str]:
    """List values of a key that is free: those that policies name, and those that conditions tell apart."""
    shape = glob(domain.pattern) if domain.pattern else None
    yield from (v for v in named.get(key, ()) if shape is None or shape.matches(v))
    value = solve_key(domain, frozenset())
    yield from (domain.example or "example", *(value or ()))
    if domain.example and not (domain.pattern or domain.kind):
        yield "example"  # of free text, one value that nobody has chosen
    for c in conditions:
        if key in c.refs:
            other = keys.get(c.key) or stage.domain(c.key)
            yield from (other.values or ())[:4]
            yield from filter(None, (other.example,))
            yield from named.get(c.key, ())
        if twin_of(c.key) == twin_of(key) and c.operator is not None:
            yield from [v for v in c.condition.values if not set(v) & {"*", "?", "$"}][:4]
            for wanted in (True, False) if not c.refs else ():
                yield from solve_key(domain, frozenset((Literal(c, wanted),))) or ()


def repin(group: Group, pins: Pins, loose: bool = False) -> Group | None:
    """Read the statements of a group again, with values for policy variables."""

    def again(v: View, reading: str = "widen") -> View | None:
        return view(v.statement, v.certain, pins, reading if loose else "") if v.statement.refs else v

    option = again(group.option)
    if option is None:
        return None

    def all_again(views: Sequence[View], reading: str = "widen") -> tuple[View, ...]:
        return tuple(w for v in views if (w := again(v, reading)) is not None)

    return Group(
        group.mask,
        option,
        tuple(all_again(layer) for layer in group.layers),
        all_again(group.denies, "narrow"),
        all_again(group.others),
        group.at,
        tuple(all_again(layer) for layer in group.more_layers),
        all_again(group.more_denies, "narrow"),
    )
