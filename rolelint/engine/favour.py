"""Read what is not known yet in the caller's favour: the policies under which a possible request is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rolelint.algebra.strings import LimitReached, overlaps, wildcards
from rolelint.engine.operators import TABLE
from rolelint.engine.request import PolicySet
from rolelint.engine.solve import View, marked_pattern, star_hidden, widen_unknown
from rolelint.memory import memo
from rolelint.policies.document import ALLOW_ALL, Condition, PolicyDocument, Statement
from rolelint.policies.text import has_unknown, split_unknown
from rolelint.records import replace

#: What a witness then assumes.
ASSUMPTION = "values that are not known yet turn out in the caller's favour"


def favourable(policies: PolicySet) -> PolicySet:
    """Read every policy of a set in the caller's favour.

    An Allow reaches whatever it reaches for some value, a Deny only what it reaches for every value, and a ceiling
    that is not known allows everything.
    """
    boundary, session, scps = policies.boundary, policies.session, policies.scps
    return PolicySet(
        identity=_all(policies.identity),
        boundary=None if boundary is None or boundary.unknown else _document(boundary),
        session=None if session is None or any(d.unknown for d in session) else _all(session),
        scps=None if scps is None else tuple(_level(level) for level in scps),
        rcps=None if policies.rcps is None else _all(policies.rcps),
        resource=None if policies.resource is None else _document(policies.resource),
    )


def hangs_on_unknown(
    granting: Sequence[View], denies: Sequence[View], passes: Callable[[tuple[View, ...]], bool]
) -> bool:
    """Tell whether a certain reading takes a value not known yet to differ from what other statements name.

    Args:
        granting: the Allows that it rests on.
        denies: those that can fire.
        passes: tells whether a request is allowed under further Denies.
    """
    open_texts = [t for v in granting if v.statement.uncertain for t in v.written if has_unknown(t)]
    unknown = {c for v in granting if v.statement.uncertain for c in v.conditions if c.uncertain}
    if not open_texts and not unknown:
        return False
    keys = {c.key for c in unknown}
    tested = {c for v in (*granting, *denies) for c in v.conditions if c.key in keys}
    if len(tested) > len(keys) or (open_texts and any(v.exclude for v in granting)):
        return True
    wide = [marked_pattern(wildcards(widen_unknown(t))) for t in open_texts]
    try:
        near = [d for d in denies if any(overlaps(w, p) for p in d.patterns or () for w in wide)]
    except LimitReached:
        return True
    # What a request can meet wherever it goes does not hang on where that is.
    if any(not d.conditions or d.statement.refs for d in near):
        return True
    return bool(near) and not passes(tuple(map(_anywhere, near)))


_anywhere_memo: dict[View, View] = memo()


def _anywhere(deny: View) -> View:
    """Take the resources from a Deny."""
    found = _anywhere_memo.get(deny)
    if found is None:
        found = View(deny.statement, None, False, deny.conditions, deny.pins, deny.certain)
        _anywhere_memo[deny] = found
    return found


def _level(documents: tuple[PolicyDocument, ...]) -> tuple[PolicyDocument, ...]:
    unknown = any(d.unknown for d in documents)
    return (*_all(documents), ALLOW_ALL) if unknown else _all(documents)


def _all(documents: tuple[PolicyDocument, ...]) -> tuple[PolicyDocument, ...]:
    return tuple(_document(d) for d in documents)


def _document(document: PolicyDocument) -> PolicyDocument:
    statements = tuple(r for s in document.statements if (r := _statement(s)) is not None)
    return document if statements == document.statements else replace(document, statements=statements)


def _statement(statement: Statement) -> Statement | None:
    allow = statement.effect == "Allow"
    conditions = tuple(c for c in statement.conditions if not _uncertain(c))
    if not allow and (
        statement.doubtful
        or len(conditions) < len(statement.conditions)
        or any(has_unknown(value) for _, value in statement.principals or ())
    ):
        return None  # S1.20
    resources = statement.resources
    if resources is not None:
        resources = _texts(resources, wide=allow is not statement.not_resource)
        if statement.not_resource and not allow and "*" in resources:
            return None
    actions = _texts(statement.actions, wide=allow is not statement.not_action)
    if actions == statement.actions and resources == statement.resources and conditions == statement.conditions:
        return statement
    return replace(statement, actions=actions, resources=resources, conditions=conditions)


def _uncertain(condition: Condition) -> bool:
    return not condition.known or condition.operator not in TABLE or any(has_unknown(v) for v in condition.values)


def _texts(texts: tuple[str, ...], *, wide: bool) -> tuple[str, ...]:
    """Put wildcards for what is not known, or leave such entries out; a text that begins with it may be anything."""
    out = []
    for text in texts:
        if not has_unknown(text):
            out.append(text)
        elif wide:
            text = star_hidden(text)
            out.append("*".join(split_unknown(text)[::2]) if split_unknown(text)[0] else "*")
    return tuple(out)
