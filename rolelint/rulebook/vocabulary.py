"""The words of rules: one function each. Their shapes are in `rules/schema.json`.

A word takes its arguments and gives a question. Words about powers are here; those about single statements are in
`shapes.py`, about policy texts in `texts.py`, about trust policies in `trust.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolelint.catalog import Catalog, ResourceType, catalog
from rolelint.catalog.patterns import glob, verb_of
from rolelint.engine import Power
from rolelint.findings.model import RANK, at_least
from rolelint.memory import memo
from rolelint.policies.document import PolicyDocument
from rolelint.policies.role import Policy
from rolelint.records import record, replace
from rolelint.rulebook import shapes, texts
from rolelint.rulebook.questions import Compile, Question, Word, joined
from rolelint.rulebook.selectors import Selector
from rolelint.rulebook.subject import (
    ConditionTable,
    Hit,
    Part,
    Subject,
    best_first,
    both,
    describe,
    either,
    hit_of,
    is_of_service,
)

_RANK = {"named": 0, "pattern": 1, "any": 2}
#: Lists of resources of which a rule that asks for names remembers which it means.
_MOST_PLACES = 300


class Passing:
    """What starts work under a role that is passed to it: actions by the service principal that receives the role."""

    def __init__(self, written: Mapping[str, Sequence[str]]) -> None:
        self._of = {service: Selector({"actions": patterns}) for service, patterns in written.items()}
        self._listed = Selector({"actions": [text for patterns in written.values() for text in patterns]})
        self._passing = Selector({"actions": ["iam:PassRole"]}) if written else None
        #: The actions that it asks about beside those that it weighs.
        self.selectors = (self._passing,) if self._passing else ()

    def left(self, mask: int, subject: Subject) -> int:
        """Leave out the actions of which no service may receive a role."""
        if self._passing is None or not (listed := mask & self._listed.mask):
            return mask
        left = mask & ~listed
        for service, selector in self._of.items():
            some = listed & selector.mask
            if some & ~left and subject.may_pass_to(service, self._passing.mask):
                left |= some
        return left


class Eligible:
    """What `can` asks of a power: how wide it is, what names say, what conditions demand, what calls say."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        self._least = _RANK[args.get("scope", "named")]
        self._unless = frozenset(args.get("unless", ()))
        self._conditions = _condition_table(args.get("unless-condition", {}))
        self._names = tuple(args.get("resources", ()))
        self._except = tuple(args.get("except-resources", ()))
        self._whole = bool(args.get("whole-container", False))
        self._asking: Mapping[str, Sequence[Mapping[str, str]]] = args.get("asking", {})
        self.passing = Passing(args.get("passing", {}))
        #: By resources: the few that roles share are asked for again and again.
        self._found: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.production_counts = bool(args.get("production-counts", True))
        self.any_account_counts = bool(args.get("any-account-counts", False))

    def __call__(self, power: Power, subject: Subject) -> bool:
        production = self.production_counts and power.naming == "production"
        rank = 2 if power.wide or production else _RANK[power.scope]
        if rank < self._least:
            return False
        if "tag-limited" in self._unless and power.set_apart and power.naming != "production":
            return False
        if "own-user" in self._unless and _own_user(power):
            return False
        if self._conditions and subject.is_conditioned(power, self._conditions):
            return False
        if self._names and not self._called(power):
            return False
        return not self._whole or power.wide or any(map(_whole, power.resources))

    def _called(self, power: Power) -> tuple[str, ...]:
        """List the resources of a power whose names are asked for."""
        found = self._found.get(power.resources)
        if found is None:
            if len(self._found) >= _MOST_PLACES:
                self._found.clear()
            found = tuple(r for r in power.resources if _like(r, self._names) and not _like(r, self._except))
            self._found[power.resources] = found
        return found

    def counted(self, power: Power, subject: Subject) -> Power:
        """Leave out the actions of a power that the role cannot call with the values that do the harm.

        Where names of resources are asked for, leave out the others as well.
        """
        if self._names and not power.wide and (called := self._called(power)):
            power = replace(power, resources=called)
        left = power.mask
        for action, calls in self._asking.items():
            one = catalog().expand(action) & left
            if one and not any(subject.may_call(power, one, call) for call in calls):
                left &= ~one
        return power if left == power.mask else replace(power, mask=left)


def _condition_table(written: Mapping[str, Sequence[str]]) -> ConditionTable:
    return tuple((key.lower(), tuple(values)) for key, values in written.items())


def _own_user(power: Power) -> bool:
    """Tell whether a power reaches the calling user only."""
    resources = [r for ref in power.granted_by for r in ref.statement.resources or ("*",)]
    return bool(resources) and all("${aws:username}" in r or "${aws:userid}" in r for r in resources)


def _like(resource: str, globs: Sequence[str]) -> bool:
    return any(glob(one, resource.lower()) for one in globs)


def _whole(resource: str) -> bool:
    """Tell whether a pattern covers everything inside a container, such as all objects of a bucket or access point."""
    name = resource.split(":", 5)[-1]
    _, slash, inside = name.partition("/object/" if name.startswith(("accesspoint/", "outpost/")) else "/")
    return ("*" in inside or not inside) and not inside.strip("*?/") if slash else name.endswith("*")


def can(args: Mapping[str, Any], compile_: Compile) -> Question:
    """The role can perform one of the selected actions, not only on what its names call disposable."""
    return _can(args, lambda subject: 0)


def _can(args: Mapping[str, Any], spared: Callable[[Subject], int], *, late: bool = False) -> Question:
    """Ask for the selected actions without those that are spared."""
    selector = Selector(args)
    eligible = Eligible(args)
    prefer = tuple(args.get("prefer", ()))

    def ask(subject: Subject) -> Hit | None:
        selected = selector.mask & ~spared(subject)
        if not subject.mask & selected:
            return None
        return hit_of(_parts(subject, selected, eligible, prefer))

    return Question(ask, (selector, *eligible.passing.selectors), needs=(selector,), late=late)


def _parts(subject: Subject, selected: int, eligible: Eligible, prefer: Sequence[str]) -> Iterator[Part]:
    for whole in subject.weighed:
        if not whole.mask & selected:
            continue
        power = eligible.counted(whole, subject)
        mask = power.mask & selected
        if not mask or not (mask := subject.counted(power, mask)) or not eligible(power, subject):
            continue
        if mask := eligible.passing.left(mask, subject):
            yield subject.part(
                power,
                mask,
                production_counts=eligible.production_counts,
                any_account_counts=eligible.any_account_counts,
                prefer=prefer,
                selected=selected,
            )


def all_of(args: Sequence[Mapping[str, Any]], compile_: Compile) -> Question:
    """Every condition holds; the finding is as severe as the least of them."""
    questions = [compile_(one) for one in args]

    def ask(subject: Subject) -> Hit | None:
        hits = []
        for question in questions:
            hit = question.ask(subject)
            if hit is None:
                return None
            hits.append(hit)
        return both(hits)

    return joined(questions, ask, of_powers=any(q.of_powers for q in questions), every=True)


def any_of(args: Sequence[Mapping[str, Any]], compile_: Compile) -> Question:
    """One condition holds; the finding is as severe as the worst of those that do."""
    questions = [compile_(one) for one in args]

    def ask(subject: Subject) -> Hit | None:
        hits = [hit for question in questions if (hit := question.ask(subject)) is not None]
        return either(hits) if hits else None

    return joined(questions, ask, of_powers=all(q.of_powers for q in questions))


def not_(args: Mapping[str, Any], compile_: Compile) -> Question:
    """The condition does not hold; adds nothing to the finding."""
    question = compile_(args)
    return joined([question], lambda subject: None if question.ask(subject) else Hit(), of_powers=False)


def if_known(args: Mapping[str, Any], compile_: Compile) -> Question:
    """The condition holds, or nothing is known of what the role may do (a trust policy by itself)."""
    question = compile_(args)

    def ask(subject: Subject) -> Hit | None:
        if subject.role is None:
            return Hit()
        hit = question.ask(subject)
        if hit is None and any(u.widens for u in subject.role.unknowns):
            return Hit(certainty="possible")
        return None if hit is None else Hit()

    return joined([question], ask, of_powers=False)


def pair(args: Mapping[str, Any], compile_: Compile) -> Question:
    """The role can perform an action of two kinds on the same resources."""
    first, second = Selector(args["first"]), Selector(args["second"])
    prefer = tuple(args.get("prefer", ()))
    matches = _Matches(first, second, args["share"], args.get("covers", {}))
    eligible = Eligible({"asking": args.get("asking", {})})

    def ask(subject: Subject) -> Hit | None:
        powers = [eligible.counted(p, subject) for p in subject.weighed if subject.counted(p, p.mask & matches.both)]
        found = matches.links(powers) if powers else None
        if found is None:
            return None
        firsts = {i: subject.part(powers[i], m, prefer=prefer, selected=first.mask) for i, m in found.first}
        seconds = {k: subject.part(powers[k], m, prefer=prefer, selected=second.mask) for k, m in found.second}
        lead = best_first(firsts.values())[0], best_first(seconds.values())[0]
        pairs = sorted(
            (_least(ones, firsts, lead[0]), _least(others, seconds, lead[1])) for ones, others in found.pairs
        )
        one_, two_ = min(
            ((firsts[i], seconds[k]) for i, k in pairs),
            key=lambda link: (
                max(p.drop for p in link),
                sum(p.drop for p in link),
                link[1] is not lead[1],
                link[0] is not lead[0],
            ),
        )
        weaker = one_ if one_.drop > two_.drop else two_
        fields = {"first": describe(one_), "second": describe(two_)}
        rest = tuple(p for p in best_first(seconds.values()) if p is not two_)
        return Hit((two_, *rest), best_first(firsts.values()), weaker.drop, weaker.reasons, fields=fields)

    return Question(ask, (first, second), needs=(first, second))


def _least(some: Sequence[int], parts: Mapping[int, Part], lead: Part) -> int:
    """Give the number of the most severe of some parts, of several alike the one that leads, or else the first."""
    return min(some, key=lambda i: (parts[i].drop, parts[i] is not lead))


@record(eq=False)
class Row:
    """Actions of two kinds that belong together: by a resource type, or as a store and its copies (no type)."""

    kind: ResourceType | None
    first: int
    second: int


class _Links(NamedTuple):
    """Which of some powers complete each other, by their numbers.

    Attributes:
        first, second: the powers that take part on either side with their share of the actions, as they were met.
        pairs: on each side the numbers of powers that are alike here: any of the one completes any of the other.
    """

    first: tuple[tuple[int, int], ...]
    second: tuple[tuple[int, int], ...]
    pairs: frozenset[tuple[tuple[int, ...], tuple[int, ...]]]


#: Lists of powers whose links are remembered: in a large account many differ in nothing that matters here.
_MOST_LINKS = 2_000


class _Matches:
    """The rows of a pair, worked out once for each catalogue."""

    def __init__(self, first: Selector, second: Selector, share: str, covers: Mapping[str, Sequence[str]]) -> None:
        self._first = first
        self._second = second
        self._share = share
        self._covers = covers
        self._known: Catalog | None = None
        self._both = 0
        self._found: dict[str, tuple[Row, ...]] = {}
        #: By number of the actions and by resources. INVARIANT: only `links` writes it.
        self._links: dict[tuple[object, ...], _Links | None] = {}
        #: A number for each set of actions: keys would be large with the sets themselves.
        self._numbers: dict[int, int] = {}

    def _current(self) -> Catalog:
        known = catalog()
        if self._known is not known:
            self._known, self._found, self._links, self._numbers = known, {}, {}, {}
            self._both = self._first.mask | self._second.mask
        return known

    @property
    def both(self) -> int:
        """The actions of either kind."""
        self._current()
        return self._both

    def links(self, powers: Sequence[Power]) -> _Links | None:
        """Find the powers that reach the same resources with an action of either kind."""
        self._current()
        key: list[object] = []
        for power in powers:
            mask = power.mask & self._both
            key.append(self._numbers.setdefault(mask, len(self._numbers)))
            key.append(None if power.wide else power.resources)
        whole = tuple(key)
        try:
            return self._links[whole]
        except KeyError:
            pass
        if len(self._links) >= _MOST_LINKS:
            self._links.clear()
        made = self._links[whole] = self._link(powers)
        return made

    def _link(self, powers: Sequence[Power]) -> _Links | None:
        held = 0
        for power in powers:
            held |= power.mask
        firsts: dict[int, int] = {}
        seconds: dict[int, int] = {}
        pairs: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        met: dict[tuple[int, int, str], bool] = {}

        def meet(i: int, k: int, kind: ResourceType) -> bool:
            one, two = powers[i], powers[k]
            if one.wide or two.wide or one.resources == two.resources:
                return True
            service = next((f.split(":", 3)[2] for f in kind.formats if f.count(":") >= 3), "")
            key = (min(i, k), max(i, k), service)
            if key not in met:
                met[key] = _overlap(one, two, service)
            return met[key]

        for row in self.rows(held):
            if not (held & row.first and held & row.second):
                continue
            right = _alike(powers, row.second)
            for mine, ones in _alike(powers, row.first):
                for theirs, others in right:
                    if mine != theirs and (row.kind is None or meet(ones[0], others[0], row.kind)):
                        firsts.update((i, firsts.get(i, 0) | mine) for i in ones)
                        seconds.update((k, seconds.get(k, 0) | theirs) for k in others)
                        pairs.add((ones, others))
        return _Links(tuple(firsts.items()), tuple(seconds.items()), frozenset(pairs)) if pairs else None

    def rows(self, held: int) -> Iterable[Row]:
        """Give the rows that may matter to a holder of some actions, service by service as they are asked for."""
        known = self._current()
        rows_of = self._by_store if self._share == "recovery" else self._by_type
        out: list[Row] = []
        for prefix in known.prefixes_of(held & self._second.mask):
            if prefix not in self._found:
                self._found[prefix] = tuple(rows_of(known, prefix))
            out += self._found[prefix]
        return out

    def _by_store(self, known: Catalog, keeper: str) -> Iterator[Row]:
        copies = self._second.mask & known.service_mask(keeper)
        for store in sorted({keeper, *self._covers.get(keeper, ())}):
            if stored := self._first.mask & known.service_mask(store):
                yield Row(None, stored, copies)

    def _by_type(self, known: Catalog, prefix: str) -> Iterator[Row]:
        # A resource type belongs to the service whose actions name it.
        service = known.service_mask(prefix)
        firsts = _by_kind(known, self._first.mask & service)
        for kind, second in _by_kind(known, self._second.mask & service).items():
            first = firsts.get(kind, 0)
            if not first or not (kind.stateful or self._share == "type"):
                continue
            if self._share != "stateful-twin":
                yield Row(kind, first, second)
                continue
            # One row for each noun: `CreateTable` and `DeleteTable`.
            ones, twos = _by_noun(known, first), _by_noun(known, second)
            for noun in (n for n in ones if n in twos):
                yield Row(kind, ones[noun], twos[noun])


def _by_kind(known: Catalog, mask: int) -> dict[ResourceType, int]:
    out: dict[ResourceType, int] = {}
    for signature, part in known.signatures(mask):
        for kind in signature.targets:
            out[kind] = out.get(kind, 0) | part
    return out


def _by_noun(known: Catalog, mask: int) -> dict[str, int]:
    out: dict[str, int] = {}
    for index in known.indexes(mask):
        prefix, _, name = known.name(index).partition(":")
        noun = f"{prefix}:{name.removeprefix(verb_of(name))}"
        out[noun] = out.get(noun, 0) | 1 << index
    return out


def _joined_parts(parts: Iterator[Part]) -> Iterator[Part]:
    """Join parts of one power."""
    by_power: dict[int, Part] = {}
    for part in parts:
        before = by_power.get(id(part.power))
        by_power[id(part.power)] = part if before is None else part._replace(mask=before.mask | part.mask)
    yield from by_power.values()


def _alike(powers: Sequence[Power], actions: int) -> list[tuple[int, tuple[int, ...]]]:
    """Group the numbers of powers with some actions by which of these they have, and where."""
    found: dict[tuple[int, tuple[str, ...] | None], list[int]] = {}
    for i, power in enumerate(powers):
        if mask := power.mask & actions:
            found.setdefault((mask, None if power.wide else power.resources), []).append(i)
    return [(mask, tuple(numbers)) for (mask, _), numbers in found.items()]


def _overlap(one: Power, two: Power, service: str) -> bool:
    """Tell whether two powers that are not for all resources reach a common one of a service."""
    from rolelint.algebra.strings import arn, may_overlap

    mine, theirs = ([r for r in p.resources if is_of_service(r, service)] for p in (one, two))
    return any(a == b or may_overlap(arn(a), arn(b)) for a in mine for b in theirs)


def layers(args: Mapping[str, Any], compile_: Compile) -> Question:
    """The role can perform the selected actions in at least so many layers of an environment."""
    selector = Selector({k: v for k, v in args.items() if k not in ("at-least", "of", "scope")})
    of = {name: Selector({"actions": patterns}) for name, patterns in args["of"].items()}
    least = int(args["at-least"])
    eligible = Eligible({"scope": args.get("scope", "named")})

    def ask(subject: Subject) -> Hit | None:
        held = subject.mask & selector.mask
        if not held or sum(1 for layer in of.values() if held & layer.mask) < least:
            return None
        found: dict[str, list[Part]] = {}
        for name, layer in of.items():
            parts = list(_parts(subject, selector.mask & layer.mask, eligible, ()))
            if parts:
                found[name] = parts
        if len(found) < least:
            return None
        drops = sorted((best_first(parts)[0] for parts in found.values()), key=lambda p: p.drop)
        deciding = drops[least - 1]
        every = best_first(_joined_parts(p for parts in found.values() for p in parts))
        names = list(found)
        fields = {"layers": f"{', '.join(names[:-1])} and {names[-1]}", "count": str(len(names))}
        return Hit(every, drop=deciding.drop, reasons=deciding.reasons, fields=fields)

    return Question(ask, (selector,), needs=(selector,))


def environment_not_separated(args: Mapping[str, Any], compile_: Compile) -> Question:
    """One statement reaches every environment: resources of its type without limit by name or tag."""
    return can({**args, "scope": "any", "production-counts": False, "unless": ["tag-limited"]}, compile_)


def no_tool_channel_deny(args: Mapping[str, Any], compile_: Compile) -> Question:
    """The role can perform the selected actions, and no Deny takes them from calls through AWS's MCP servers."""
    return _can(args, lambda subject: subject.channel_blocked)


def untold(args: Mapping[str, Any], compile_: Compile) -> Question:
    """The role can perform one of the selected actions, and no finding before this one speaks of it."""
    return _can(args, lambda subject: subject.told, late=True)


def no_boundary(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A role with findings of some categories has no permissions boundary."""
    beside = frozenset(args["beside"])

    def ask(subject: Subject) -> Hit | None:
        role = subject.role
        if role is None or role.kind not in ("role", "user", "permission-set") or role.boundary or role.service_linked:
            return None
        if any(u.what == "permissions boundary" for u in role.unknowns):
            return None
        reasons = [
            code
            for code, (category, severity) in subject.found.items()
            if category in beside and at_least(severity, args["at-least"])
        ]
        if not reasons:
            return None
        reasons.sort(key=lambda code: RANK[subject.found[code][1]])
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        return Hit(fields={"text": f"its powers are destructive ({reasons[0]}{more})"}, location=role.location)

    return Question(ask, of_powers=True, late=True)


def _of_trust(name: str, args: Any) -> Question:
    """Make a question about the trust policy; `trust.py` is imported when there is one."""
    made: list[Callable[[Subject, Policy], Hit | None]] = []
    #: Documents in which nothing was found, with the account of the role: most roles share a few trust policies.
    silent: dict[tuple[int, str], PolicyDocument] = memo()

    def ask(subject: Subject) -> Hit | None:
        policy = subject.trust
        if policy is None:
            return None
        key = (id(policy.document), subject.role.account if subject.role is not None else "")
        if silent.get(key) is policy.document:
            return None
        if not made:
            from rolelint.rulebook import trust

            made.append(getattr(trust, name)(args))
        hit = made[0](subject, policy)
        if hit is None:
            silent[key] = policy.document
        return hit

    return Question(ask, of_powers=False)


def oidc_subject_open(args: Any, compile_: Compile) -> Question:
    """A token of another organization, or with any subject at all, may assume the role."""
    return _of_trust("subject_open", args)


def oidc_any_ref(args: Any, compile_: Compile) -> Question:
    """Unreviewed code of the trusted source (a pull request, any branch) may assume the role."""
    return _of_trust("any_ref", args)


def trust_shared_with_tool(args: Mapping[str, Any], compile_: Compile) -> Question:
    """People and an automated tool may assume the same role, told by names."""
    return _of_trust("shared_with_tool", args)


def trust_whole_account(args: Any, compile_: Compile) -> Question:
    """Every principal of another account, or of every account, may assume the role."""
    return _of_trust("whole_account", args)


def no_session_attribution(args: Mapping[str, Any], compile_: Compile) -> Question:
    """A principal whose name says that it is a tool may assume the role without a source identity."""
    return _of_trust("unattributed", args)


#: Every word, by the name that rules use.
WORDS: Mapping[str, Word] = {
    "can": can,
    "all": all_of,
    "any": any_of,
    "not": not_,
    "if-known": if_known,
    "pair": pair,
    "layers": layers,
    "environment-not-separated": environment_not_separated,
    "no-tool-channel-deny": no_tool_channel_deny,
    "no-boundary": no_boundary,
    "untold": untold,
    "allow-everything": shapes.allow_everything,
    "service-wildcard": shapes.service_wildcard,
    "verb-wildcard": shapes.verb_wildcard,
    "not-action": shapes.not_action,
    "no-sid": shapes.no_sid,
    "deny-misses-siblings": shapes.deny_misses_siblings,
    "deny-never-fires": texts.deny_never_fires,
    "unknown-action": texts.unknown_action,
    "condition-has-no-effect": texts.condition_has_no_effect,
    "resource-shape-mismatch": texts.resource_shape_mismatch,
    "oidc-subject-open": oidc_subject_open,
    "oidc-any-ref": oidc_any_ref,
    "trust-shared-with-tool": trust_shared_with_tool,
    "trust-whole-account": trust_whole_account,
    "no-session-attribution": no_session_attribution,
}


def compile_when(when: Mapping[str, Any]) -> Question:
    """Compile the condition of a rule; its shape has been checked against the schema."""
    ((word, args),) = when.items()
    return WORDS[word](args, compile_when)


#: Tells how many levels, 0 or 1, a further reason lowers the severity of a part by.
Weigh = Callable[[Subject, Part], tuple[int, int]]


def compile_lower(entry: Mapping[str, Any]) -> tuple[Weigh, str, tuple[Selector, ...]]:
    """Compile a further reason to lower the severity: how it weighs a part, its text, and the actions it asks about.

    The weigher gives the levels and the actions of the part that count from then on.
    """
    unless = entry["unless"]
    because = str(entry["because"])
    if "hit" in unless:
        args = unless["hit"]
        selector = Selector({k: v for k, v in args.items() if k not in ("unless-condition", "passing")}, nested=True)
        table = _condition_table(args.get("unless-condition", {}))
        passing = Passing(args.get("passing", {}))

        def weigh_hit(subject: Subject, part: Part) -> tuple[int, int]:
            mask = passing.left(part.mask & selector.mask, subject)
            if not mask or (table and subject.is_conditioned(part.power, table)):
                return 1, part.mask
            return 0, mask

        return weigh_hit, because, passing.selectors
    question = compile_when(unless)

    def weigh_role(subject: Subject, part: Part) -> tuple[int, int]:
        return (0 if question.ask(subject) else 1), part.mask

    return weigh_role, because, question.selectors
