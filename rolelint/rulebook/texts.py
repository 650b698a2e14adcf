"""Words about policy texts: what a statement says that AWS does not understand the way its author did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from rolelint.algebra.strings import LimitReached, arn, may_overlap
from rolelint.catalog import ResourceType, catalog
from rolelint.catalog.patterns import glob
from rolelint.engine import StatementRef
from rolelint.engine.actors import Domain, actor, key_domain
from rolelint.engine.arns import shape
from rolelint.engine.compile import CompiledCondition, compile_document
from rolelint.engine.keys import Literal, Undecided, solve_key
from rolelint.engine.scene import is_many
from rolelint.errors import Location, nearest
from rolelint.memory import memo
from rolelint.policies.document import Condition, PolicyDocument, Statement
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.policies.text import VARIABLE, has_unknown, show
from rolelint.rulebook.questions import Compile, Question
from rolelint.rulebook.selectors import MEMO, Selector
from rolelint.rulebook.shapes import quoted
from rolelint.rulebook.subject import Hit, Subject


class Note(NamedTuple):
    """Something wrong with one statement of a document: where to point, and what to say."""

    statement: Statement
    element: str
    at: tuple[str | int, ...]
    fields: Mapping[str, str]
    drop: int = 0
    reason: str = ""


class _Reader:
    """Reads what is wrong with documents; the same document object is read once."""

    def __init__(self, read: Callable[[PolicyDocument, PolicyType], Iterable[Note]]) -> None:
        self._read = read
        #: By identity of the document.
        self._memo: dict[tuple[int, PolicyType], tuple[PolicyDocument, tuple[Note, ...]]] = memo()

    def notes(self, policy: Policy) -> tuple[Note, ...]:
        document = policy.document
        key = (id(document), policy.type)
        found = self._memo.get(key)
        if found is None or found[0] is not document:
            found = self._memo[key] = (document, tuple(self._read(document, policy.type)))
        return found[1]


def _question(read: Callable[[PolicyDocument, PolicyType], Iterable[Note]]) -> Question:
    """Make a question of what finds something wrong with a document."""
    reader = _Reader(read)

    def ask(subject: Subject) -> Hit | None:
        found: list[tuple[StatementRef, Note]] = []
        for policy in subject.policies:
            notes = reader.notes(policy)
            if notes and not policy.by_aws:
                found += ((StatementRef(policy, note.statement), note) for note in notes)
        if not found:
            return None
        ref, note = min(found, key=lambda item: item[1].drop)
        refs = (ref, *(r for r, _ in found if r is not ref))
        more = len(found) - 1
        fields = {
            "statement": f"`{ref.label}`",
            "effect": f"the {ref.statement.effect}",
            **note.fields,
            "hint": _nearest(note.fields["unknown"]) if "unknown" in note.fields else "",
            "more": f" ({more} more)" if more else "",
        }
        reasons = (note.reason,) if note.drop else ()
        return Hit((), (), note.drop, reasons, statements=refs, element=note.element, at=note.at, fields=fields)

    return Question(ask, of_powers=False)


def unknown_action(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A statement names an action that the catalogue does not have."""
    spared = tuple(one.lower() for one in args.get("except", ()))
    known: set[str] = set()

    def read(document: PolicyDocument, kind: PolicyType) -> Iterator[Note]:
        open_ = catalog().attribute_mask("undecided")
        for statement in document.statements:
            for index, text in enumerate(statement.actions):
                if (
                    open_
                    and statement.effect == "Allow"
                    and not statement.not_action
                    and catalog().expand(text) & open_
                ):
                    yield Note(
                        statement,
                        "Action",
                        _place(statement.actions, index),
                        {
                            "text": f"`{show(text)}`",
                            "fault": "is published, but nobody has decided what it does,",
                        },
                    )
                    continue
                if text in known or not text or has_unknown(text):
                    continue
                if catalog().expand(text):
                    known.add(text)
                    continue
                if any(glob(one, text.lower()) for one in spared):
                    continue
                deny = (statement.effect == "Deny") is not statement.not_action
                yield Note(
                    statement,
                    "NotAction" if statement.not_action else "Action",
                    _place(statement.actions, index),
                    {"text": f"`{show(text)}`", "fault": "matches no published action", "unknown": text},
                    0 if deny else 1,
                    "the statement only grants less than it says",
                )

    return _question(read)


def _place(values: Sequence[str], index: int) -> tuple[str | int, ...]:
    return (index,) if len(values) > 1 else ()


def _nearest(text: str) -> str:
    prefix, colon, name = text.partition(":")
    if not colon:
        return "; an action is written `service:Action`"
    names = [n.partition(":")[2] for n in catalog().names(catalog().service_mask(prefix))]
    if not names:
        return f"; no service has the prefix `{show(prefix)}`"
    hint = nearest(name, {one: f"{prefix.lower()}:{one}" for one in names})
    return f"; {hint}" if hint and "*" not in name else ""


def deny_never_fires(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A Deny names retired actions only, or its conditions hold for no request."""
    retired = {one.lower(): str(reason) for one, reason in args["retired"].items()}

    def read(document: PolicyDocument, kind: PolicyType) -> Iterator[Note]:
        for statement, compiled in zip(document.statements, compile_document(document).statements, strict=True):
            if statement.effect != "Deny" or statement.doubtful:
                continue
            reasons = [_retired(text, retired) for text in statement.actions] if not statement.not_action else [""]
            if statement.actions and all(reasons):
                text = quoted(statement.actions)
                yield Note(statement, "Action", (), {"reason": f"{text}: {reasons[0]}"})
                continue
            reason = impossible(compiled.conditions)
            if reason:
                yield Note(statement, "Condition", (), {"reason": reason})

    return _question(read)


def _retired(text: str, retired: Mapping[str, str]) -> str:
    if catalog().expand(text):
        return ""
    return next((reason for one, reason in retired.items() if glob(one, text.lower())), "")


#: What values of a key look like, where the key's documentation says so: a test for anything else is never true.
_SHAPES: Mapping[str, str] = {
    "aws:calledviaawsmcp": "*.amazonaws.com*",
    "aws:principalorgid": "o-*",
    "aws:resourceorgid": "o-*",
    "aws:sourceorgid": "o-*",
    "aws:principalaccount": "????????????",
    "aws:resourceaccount": "????????????",
    "aws:sourceaccount": "????????????",
    "aws:principalarn": "arn:*",
    "aws:sourcearn": "arn:*",
    "aws:requestedregion": "*-*",
    "aws:sourcevpc": "vpc-*",
    "aws:sourcevpce": "vpce-*",
}
#: Keys of AWS whose value a caller writes, so that a `*` may be in it.
_FREE_TEXT = frozenset(("aws:useragent", "aws:referer", "aws:sourceidentity"))
_ANYBODY = Role("policy", "anybody", Location(""))


def impossible(conditions: Sequence[CompiledCondition]) -> str:
    """Say why no request meets some conditions, or give an empty text."""
    by_key: dict[str, list[CompiledCondition]] = {}
    for condition in conditions:
        if condition.uncertain or condition.refs:
            continue
        literal = _literal_wildcard(condition.condition)
        if literal:
            return literal
        by_key.setdefault(condition.key, []).append(condition)
    for key, together in by_key.items():
        try:
            value = solve_key(_domain(key), frozenset(Literal(c, True) for c in together))
        except (Undecided, LimitReached):
            continue
        if value is None:
            tests = " and ".join(f"{c.condition.operator_text} {quoted(c.condition.values)}" for c in together)
            return f"no value of `{together[0].condition.key_text}` meets {tests}"
    return ""


def _literal_wildcard(written: Condition) -> str:
    """Say that a wildcard stands where it is an ordinary character that the key never holds (S5.11)."""
    if written.operator not in ("StringEquals", "StringEqualsIgnoreCase") or written.if_exists:
        return ""
    if written.quantifier == "ForAllValues" or not written.key.startswith("aws:") or written.key in _FREE_TEXT:
        return ""
    plain = [v.replace("${*}", "").replace("${?}", "") for v in written.values]
    if plain and all("*" in v or "?" in v for v in plain):
        return (
            f"under {written.operator_text} the `*` in {quoted(written.values)} is an ordinary character; "
            "StringLike reads it as a wildcard"
        )
    return ""


def _domain(key: str) -> Domain:
    shape_ = _SHAPES.get(key)
    many = is_many(key)
    if shape_ is not None:
        return Domain("maybe", None, shape_, many)
    return key_domain(key, actor("any"), _ANYBODY, many)


def condition_has_no_effect(args: Any, compile_: Compile) -> Question:
    """A condition tests a key that none of the statement's actions supports, and leaves power open."""

    def read(document: PolicyDocument, kind: PolicyType) -> Iterator[Note]:
        if kind in (PolicyType.TRUST, PolicyType.RESOURCE):
            return
        for statement, compiled in zip(document.statements, compile_document(document).statements, strict=True):
            mask = compiled.mask
            if not statement.conditions or not mask or statement.not_action or statement.doubtful:
                continue
            if mask != compiled.possible_mask:
                continue
            for condition in statement.conditions:
                supported = catalog().key_mask(condition.key)
                if supported is None or supported & mask:
                    continue
                absent = _when_absent(condition)
                if absent is None or absent is not (statement.effect == "Allow"):
                    continue
                deny = statement.effect == "Deny"
                reason = "the Deny never fires" if deny else "it limits nothing"
                yield Note(
                    statement,
                    "Condition",
                    (condition.operator_text, condition.key_text),
                    {"text": f"`{condition.key_text}`", "reason": reason},
                    0 if deny else 1,
                    "what the Allow grants is judged by other rules",
                )

    return _question(read)


def _when_absent(condition: Condition) -> bool | None:
    """Tell what a condition is when its key is not in the request (S5.2, S5.3, S5.19, S5.20)."""
    if not condition.known:
        return None
    if condition.operator == "Null":
        return all(v == "true" for v in condition.values)
    if condition.if_exists:
        return condition.quantifier != "ForAnyValue"
    if condition.quantifier:
        return condition.quantifier == "ForAllValues"
    return "Not" in condition.operator


#: Statements that name more actions than this are not compared with their resources: they are lists of whole
#: services, where each resource meets some action.
MANY_ACTIONS = 400


def resource_shape_mismatch(args: Any, compile_: Compile) -> Question:
    """A statement names a resource on which none of its actions acts, or denies an action on none of its resources."""
    destructive = Selector({})

    def read(document: PolicyDocument, kind: PolicyType) -> Iterator[Note]:
        for statement, compiled in zip(document.statements, compile_document(document).statements, strict=True):
            mask = compiled.mask
            if not mask or statement.not_action or statement.not_resource or compiled.covers_all or statement.doubtful:
                continue
            if statement.effect == "Allow" and not mask & destructive.mask:
                continue
            if mask != compiled.possible_mask or any(map(has_unknown, statement.resources or ())):
                continue
            if mask.bit_count() <= MANY_ACTIONS:
                yield from _mismatches(statement, mask, destructive.mask)

    return _question(read)


def _mismatches(statement: Statement, mask: int, destructive: int) -> Iterator[Note]:
    kinds = _types(mask)
    deny = statement.effect == "Deny"
    assert statement.resources is not None
    for index, resource in enumerate(statement.resources):
        if _matches_some(resource, kinds):
            continue
        other = _known_as(resource)
        if other is None and kinds:
            continue  # of no type that is published: more likely a gap in the data
        reason = f"which is {other} and not what {_acts_on(statement, kinds)}" if kinds else _takes_none(statement)
        drop = 0 if deny else 2
        place = _place(statement.resources, index)
        fields = {"text": f"`{show(resource)}`", "reason": reason}
        yield Note(statement, "Resource", place, fields, drop, "the statement only grants less than it says")
        return
    if not deny or not all(_known_as(resource) for resource in statement.resources):
        return
    for index, text in enumerate(statement.actions):
        if "*" in text or "?" in text:
            continue
        one = catalog().expand(text)
        if not one & destructive:
            continue
        own = _types(one)
        if not any(_matches_some(r, own) for r in statement.resources):
            reason = f"on none of which `{show(text)}` acts"
            fields = {"text": quoted(statement.resources), "reason": reason}
            yield Note(statement, "Action", _place(statement.actions, index), fields)
            return


def _types(mask: int) -> frozenset[ResourceType]:
    return frozenset(k for signature, _ in catalog().signatures(mask) for k in signature.types)


def _acts_on(statement: Statement, kinds: frozenset[ResourceType]) -> str:
    names = sorted({f"{k.service} {k.name}" for k in kinds})
    what = f"{' or '.join(names[:2])}{' and others' if len(names) > 2 else ''}"
    return f"{quoted(statement.actions)} {'acts' if len(statement.actions) == 1 else 'act'} on ({what})"


def _takes_none(statement: Statement) -> str:
    return f"and {quoted(statement.actions)} can only be granted or denied on `*`"


def _matches_some(resource: str, kinds: Iterable[ResourceType]) -> bool:
    """Tell whether a pattern reaches some type; what both begin with decides most cases."""
    text = _widened(resource)
    left = []
    for kind in kinds:
        quick = [_quick_match(text, written) for written in kind.formats]
        if True in quick and not _never_of(resource, kind):
            return True
        if None in quick:
            left.append(kind)
    return any(_is_of(resource, kind) for kind in left)


def _never_of(resource: str, kind: ResourceType) -> bool:
    return kind.key == "s3:bucket" and "/" in resource  # a bucket's name holds no slash, where other types have paths


@lru_cache(MEMO)
def _is_of(resource: str, kind: ResourceType) -> bool:
    if _never_of(resource, kind):
        return False
    text = _widened(resource)
    for written in kind.formats:
        quick = _quick_match(text, written)
        if quick or (quick is None and may_overlap(arn(text), shape(written, "", "", "").pattern)):
            return True
    return False


def _quick_match(resource: str, written: str) -> bool | None:
    """Compare a pattern with a format by what both begin with; None where that does not decide."""
    mine, theirs = resource.split(":", 5), written.split(":", 5)
    if len(mine) < 6 or len(theirs) < 6:
        return None
    if theirs[2] != mine[2] and "*" not in mine[2] and "?" not in mine[2] and "$" not in theirs[2]:
        return False
    head = theirs[5].partition("${")[0]
    begin = mine[5].replace("?", "*").partition("*")[0]
    if not begin.startswith(head):
        return None if head.startswith(begin) else False
    if not all("$" in f or "*" in m or m == f for m, f in zip(mine[3:5], theirs[3:5], strict=True)):
        return None
    # A member of the pattern that the format has decides; that one is missing does not.
    form = VARIABLE.sub("*", theirs[5])
    members = (mine[5].replace("?", "x").replace("*", filling) for filling in ("x", "x/x"))
    return True if any(glob(form, member) for member in members) else None


def _widened(resource: str) -> str:
    """Take policy variables as any text."""
    return VARIABLE.sub("*", resource) if "${" in resource else resource


def _known_as(resource: str) -> str | None:
    """Name the published type that a resource is of, or give None."""
    fields = resource.split(":", 3)
    if len(fields) < 3:
        return None
    for kind in catalog().types_of_service(fields[2]):
        if _is_of(resource, kind):
            return f"of the type {kind.service} {kind.name}"
    return None
