"""Words about the statements that grant or deny: wildcards, NotAction, a missing Sid, a Deny with gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rolelint.catalog import Catalog, ResourceType, catalog
from rolelint.engine import StatementRef
from rolelint.policies.document import Statement
from rolelint.policies.text import has_unknown, show
from rolelint.rulebook.questions import Compile, Question
from rolelint.rulebook.selectors import MEMO, Selector
from rolelint.rulebook.subject import Hit, Part, Subject, best_first, describe, hit_of

#: Texts of a policy that a message names.
_MOST_QUOTED = 3
#: Gives the part of a statement's actions that a word is about, with the texts that name them.
Pick = Callable[[Statement], tuple[int, tuple[str, ...]]]


def _granted_by_shape(subject: Subject, selected: int, pick: Pick) -> tuple[list[Part], list[str]]:
    """Find the powers that statements of a certain shape grant, and the texts of that shape."""
    parts: list[Part] = []
    texts: dict[str, None] = {}
    for power in subject.weighed:
        held = subject.counted(power, power.mask & selected)
        if not held:
            continue
        mask = 0
        refs: list[StatementRef] = []
        for ref in power.granted_by:
            shaped, written = pick(ref.statement)
            if held & shaped:
                mask |= held & shaped
                refs.append(ref)
                texts.update(dict.fromkeys(written))
        if mask:
            parts.append(subject.part(power, mask, statements=refs, selected=selected))
    return parts, list(texts)


def _remembered(pick: Pick) -> Pick:
    """Look at each statement once: those of managed policies come back with every role."""
    memo: dict[int, tuple[Statement, Catalog, tuple[int, tuple[str, ...]]]] = {}

    def again(statement: Statement) -> tuple[int, tuple[str, ...]]:
        found = memo.get(id(statement))
        if found is None or found[0] is not statement or found[1] is not catalog():
            if len(memo) >= MEMO:
                memo.clear()
            found = memo[id(statement)] = (statement, catalog(), pick(statement))
        return found[2]

    return again


def quoted(texts: Iterable[str]) -> str:
    """Write texts of a policy as a list: `a`, `b` and 2 more."""
    listed = [f"`{show(t)}`" for t in texts]
    if len(listed) > _MOST_QUOTED:
        return f"{', '.join(listed[:_MOST_QUOTED])} and {len(listed) - _MOST_QUOTED} more"
    return " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1]))) if listed else ""


def _hit(parts: list[Part], texts: list[str], named: int = 0) -> Hit | None:
    hit = hit_of(parts)
    if hit is None:
        return None
    lead = hit.parts[0].worst
    first = sorted(texts, key=lambda text: (not catalog().expand(text) >> lead & 1, text.lower()))
    return Hit(hit.parts, drop=hit.drop, reasons=hit.reasons, fields={"text": quoted(first)}, named=named)


def _about_shape(selector: Selector, pick: Pick) -> Question:
    """Make a question that speaks of everything its statements name, not only of the selected actions."""

    def ask(subject: Subject) -> Hit | None:
        parts, texts = _granted_by_shape(subject, selector.mask, pick)
        named = 0
        for statement in {id(r.statement): r.statement for p in parts for r in p.statements}.values():
            named |= pick(statement)[0]
        return _hit(parts, texts, named)

    return Question(ask, (selector,), needs=(selector,))


def allow_everything(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A statement grants every action, and at least a share (per cent) of the destructive ones is left of it."""
    share = int(args["share"])
    selector = Selector({})

    @_remembered
    def pick(statement: Statement) -> tuple[int, tuple[str, ...]]:
        if statement.not_action:
            return 0, ()
        full = catalog().full
        whole = tuple(a for a in statement.actions if not has_unknown(a) and catalog().expand(a) == full)
        return (full, whole) if whole else (0, ())

    def ask(subject: Subject) -> Hit | None:
        every = selector.mask
        # Cheap first: fewer actions than the share can never be enough.
        if (subject.mask & every).bit_count() * 100 < every.bit_count() * share:
            return None
        parts, texts = _granted_by_shape(subject, every, pick)
        wide = [p for p in parts if p.power.wide or p.power.naming == "production"]
        covered = 0
        for part in wide:
            covered |= part.mask
        if covered.bit_count() * 100 < every.bit_count() * share:
            return None
        return _hit(wide, texts, catalog().full)

    return Question(ask, (selector,), needs=(selector,))


def service_wildcard(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A statement names all actions of a service, and selected ones of that service are left of it."""
    selector = Selector(args)

    @_remembered
    def pick(statement: Statement) -> tuple[int, tuple[str, ...]]:
        mask = 0
        texts = []
        for text in () if statement.not_action else statement.actions:
            prefix, colon, name = text.partition(":")
            if colon and prefix.strip("*") and name and not name.strip("*?"):
                named = catalog().expand(text)
                if "?" not in name or named == catalog().expand(f"{prefix}:*"):
                    mask |= named
                    texts.append(text)
        return mask, tuple(texts)

    return _about_shape(selector, pick)


def verb_wildcard(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A statement names actions by a destroying verb and a wildcard, and selected ones are left of it."""
    selector = Selector({k: v for k, v in args.items() if k != "verbs"})
    verbs = tuple(verb.lower() for verb in args["verbs"])

    def names_verb(text: str) -> bool:
        name = text.partition(":")[2].lower()
        if "*" not in name and "?" not in name:
            return False
        # A chunk of at least three letters, so that `De*` (which is `Describe` as well) does not count.
        chunks = [c for c in name.replace("?", "*").split("*") if len(c) >= 3]
        if any(chunks[0].startswith(v) or v.startswith(chunks[0]) for v in verbs if chunks):
            return True
        # A verb spelt with wildcards inside: everything that the pattern covers begins with one.
        named = catalog().names(catalog().expand(text)) if name.strip("*") else []
        return bool(named) and all(n.partition(":")[2].lower().startswith(verbs) for n in named)

    @_remembered
    def pick(statement: Statement) -> tuple[int, tuple[str, ...]]:
        if statement.not_action:
            return 0, ()
        texts = tuple(a for a in statement.actions if names_verb(a))
        return (catalog().expand_all(texts), texts) if texts else (0, ())

    def ask(subject: Subject) -> Hit | None:
        return _hit(*_granted_by_shape(subject, selector.mask, pick))

    return Question(ask, (selector,), needs=(selector,))


def not_action(args: Mapping[str, Any], compile_: Compile) -> Question:
    """An Allow lists what it does not grant, and selected actions are left of it."""
    selector = Selector(args)

    @_remembered
    def pick(statement: Statement) -> tuple[int, tuple[str, ...]]:
        if not statement.not_action:
            return 0, ()
        return catalog().full & ~catalog().expand_all(statement.actions), statement.actions

    return _about_shape(selector, pick)


def no_sid(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A statement grants selected actions and has no Sid."""
    selector = Selector(args)

    def ask(subject: Subject) -> Hit | None:
        parts: list[Part] = []
        for power, mask in subject.of(selector.mask):
            refs = [r for r in power.granted_by if not r.statement.sid and not r.policy.by_aws]
            if refs:
                parts.append(subject.part(power, mask, statements=refs)._replace(drop=0, reasons=()))
        if not parts:
            return None
        ordered = best_first(parts)
        return Hit(ordered, fields={"statement": ordered[0].statements[0].label})

    return Question(ask, (selector,), needs=(selector,))


def deny_misses_siblings(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A Deny takes one way to destroy a thing away, and the role keeps others on the same resource type."""
    selector = Selector({k: v for k, v in args.items() if k not in ("siblings", "prefer")})
    siblings = Selector(args["siblings"])
    prefer = tuple(args.get("prefer", ()))

    def ask(subject: Subject) -> Hit | None:
        if subject.role is None or not subject.mask & siblings.mask:
            return None
        found: list[tuple[StatementRef, int, Hit]] = []
        for ref in _denies(subject):
            denied = catalog().expand_all(ref.statement.actions) & selector.mask
            if not denied:
                continue
            kinds = _kinds(denied)
            left = 0
            alike = siblings.mask & _as_bad(denied)
            for signature, mask in catalog().signatures(subject.mask & alike & ~_all_denied(subject)):
                if not kinds.isdisjoint(signature.targets):
                    left |= mask
            parts = [
                subject.part(power, counted, prefer=prefer)
                for power, mask in subject.of(left)
                if (counted := subject.counted(power, mask)) and _touches(ref.statement, power.resources)
            ]
            hit = hit_of(parts)
            if hit is not None:
                found.append((ref, denied, hit))
        if not found:
            return None
        ref, denied, hit = found[0]
        fields = {
            "statement": ref.label,
            "text": quoted(a for a in ref.statement.actions if catalog().expand(a) & denied),
            "deed": describe(hit.parts[0]),
            "more": f" ({len(found) - 1} more)" if len(found) > 1 else "",
        }
        refs = tuple(r for one, _, rest in found for r in (one, *rest.parts[0].statements))
        return Hit((), hit.parts, statements=refs, element="Action", fields=fields)

    return Question(ask, (selector, siblings), needs=(siblings,))


def _denies(subject: Subject) -> Iterator[StatementRef]:
    """List unconditional Deny statements of the role's own policies that name single ways to destroy."""
    assert subject.role is not None
    for policy in (p for p in subject.role.identity if not p.by_aws):
        for statement in policy.document.statements:
            if statement.effect == "Deny" and not statement.conditions and not statement.not_action:
                yield StatementRef(policy, statement)


def _all_denied(subject: Subject) -> int:
    """The actions that some unconditional Deny names, on whatever resources."""
    mask = 0
    for ref in _denies(subject):
        mask |= catalog().expand_all(ref.statement.actions)
    return mask


def _as_bad(denied: int) -> int:
    """Give the actions that reach as far as some that are denied: items may go where their container must stay.

    Who denies the deletion of copies only means copies.
    """
    known = catalog()
    copies = known.class_mask("destroy-backup")
    mask = known.full if denied & ~copies else copies
    for blast in ("B0", "B1", "B2", "B3"):
        if denied & known.attribute_mask(blast):
            break
        mask &= ~known.attribute_mask(blast)
    return mask


def _kinds(mask: int) -> frozenset[ResourceType]:
    return frozenset(kind for signature, _ in catalog().signatures(mask) for kind in signature.targets)


def _touches(deny: Statement, resources: tuple[str, ...]) -> bool:
    """Tell whether a Deny and a power may speak of the same resource."""
    if deny.resources is None or deny.not_resource or "*" in deny.resources or "*" in resources:
        return True
    from rolelint.algebra.strings import arn, may_overlap

    return any(may_overlap(arn(a), arn(b)) for a in deny.resources for b in resources if not b.startswith("not "))
