"""Search for one request that given statements allow: exact, and every choice undone when it fails.

A request is a resource and a value for every context key. One Allow of each layer must match; every Deny must fail in
one of its ways: the resource is not covered, or one of its conditions is false. The search keeps a model (a concrete
resource and concrete key values), looks for a Deny that fires on it, and branches on the ways to make that Deny fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, product

from rolelint.algebra.strings import ANY, CROSS, STAR, Pattern, is_member, marked_arn, member, wildcards
from rolelint.engine.actors import Domain, account_like
from rolelint.engine.compile import (
    CompiledCondition,
    CompiledStatement,
    compile_condition,
    compile_statement,
    variable_keys,
)
from rolelint.engine.keys import Literal, Pins, Undecided, Value, solve_key, truth
from rolelint.engine.match import substitute
from rolelint.engine.worlds import CLOCK, CURRENT, EPOCH, REGIONS, default_region, twin_of
from rolelint.memory import memo
from rolelint.policies.document import Condition, Statement
from rolelint.policies.role import EXAMPLE_ACCOUNT
from rolelint.policies.text import CLOSE, OPEN, VARIABLE, has_unknown
from rolelint.records import field, record

#: Models one search may visit. Past it the question is answered UNKNOWN. Each visit repairs one Deny; real roles
#: need fewer than ten.
MAX_MODELS = 2_000


class View:
    """A statement as one search sees it, with variables replaced and unknown parts read one way.

    Attributes:
        texts: resource patterns in marked form (`wildcards`), or None when it covers every resource.
        guesses: of those, the ones that are widened for what is not known, with the text as written.
        written: the patterns as a policy writes them.
        exclude: the patterns stand under NotResource.
        conditions: the conditions that count.
        pins: values of policy variables in the conditions.
        certain: how what is unknown was read.
        plain: it covers every resource and has no condition.
        within: patterns of what its policy governs, beside those of its own; empty where these say it all.
    """

    __slots__ = (
        "_patterns",
        "_written",
        "certain",
        "conditions",
        "exclude",
        "guesses",
        "pins",
        "plain",
        "statement",
        "texts",
        "within",
    )

    def __init__(
        self,
        statement: CompiledStatement,
        texts: tuple[str, ...] | None,
        exclude: bool,
        conditions: tuple[CompiledCondition, ...],
        pins: Pins,
        certain: bool,
        guesses: dict[str, str] | None = None,
    ) -> None:
        self.statement = statement
        self.guesses = guesses or {}
        self.certain = certain
        self.texts = texts
        self.exclude = exclude
        self.conditions = conditions
        self.pins = pins
        self.plain = texts is None and not conditions
        own = statement.within if texts is not None else ()
        self.within = tuple(marked_pattern(wildcards(w)) for w in own) if own else ()
        self._patterns: tuple[Pattern, ...] | None = None
        self._written: tuple[str, ...] | None = None

    @property
    def patterns(self) -> tuple[Pattern, ...] | None:
        """The resource patterns, or None when it covers every resource."""
        if self._patterns is None and self.texts is not None:
            self._patterns = tuple(marked_pattern(t) for t in self.texts)
        return self._patterns

    @property
    def written(self) -> tuple[str, ...]:
        """The resource patterns as a policy writes them."""
        if self._written is None:
            guesses = self.guesses
            self._written = tuple(
                guesses[t] if t in guesses else t.replace(STAR, "*").replace(ANY, "?") for t in self.texts or ()
            )
        return self._written

    def literal(self, condition: CompiledCondition, wanted: bool) -> Literal:
        """Make the literal that asks for a truth of one of the conditions."""
        pins = tuple(p for p in self.pins if p[0] in condition.refs) if condition.refs else ()
        return Literal(condition, wanted, pins)


_view_memo: dict[tuple[CompiledStatement, bool, Pins, str], View | None] = memo()
_pattern_memo: dict[str, Pattern] = memo()


def marked_pattern(text: str) -> Pattern:
    """Compile an ARN pattern in marked form, once."""
    pattern = _pattern_memo.get(text)
    if pattern is None:
        pattern = _pattern_memo[text] = marked_arn(text)
    return pattern


def view(statement: CompiledStatement, certain: bool, pins: Pins = (), loose: str = "") -> View | None:
    """Read a statement for one search; None when it takes no part.

    Args:
        certain: True reads what is unknown against the caller (an Allow that is not certain does not count, a Deny may
            reach anything), False reads it for the caller.
        pins: values of policy variables.
        loose: how to read variables that are not pinned: `widen` makes the statement reach whatever it could reach
            for some value, `narrow` leaves it out; empty where all are pinned.
    """
    key = (statement, certain, pins, loose)
    if key not in _view_memo:
        _view_memo[key] = _view(statement, certain, pins, loose)
    return _view_memo[key]


def raw_view(statement: CompiledStatement, certain: bool) -> View | None:
    """Stand in for a statement with policy variables until their values are chosen."""
    if not statement.refs:
        return view(statement, certain)
    key = (statement, certain)
    if key not in _raw_memo:
        _raw_memo[key] = _raw_view(statement, certain)
    return _raw_memo[key]


_raw_memo: dict[tuple[CompiledStatement, bool], View | None] = memo()


def _raw_view(statement: CompiledStatement, certain: bool) -> View | None:
    if statement.statement.doubtful and (statement.statement.effect == "Allow") is certain:
        return None
    texts = None if statement.covers_all else tuple(wildcards(r) for r in statement.resources or ())
    return View(statement, texts, statement.not_resource, statement.conditions, (), certain)


def _view(statement: CompiledStatement, certain: bool, pins: Pins, loose: str) -> View | None:
    allow = statement.statement.effect == "Allow"
    widen = allow is not certain  # what is unknown makes the statement reach further
    if statement.statement.doubtful and not widen:
        return None  # S1.20
    fixed = dict(pins)
    conditions = []
    for condition in statement.conditions:
        if condition.uncertain:
            if widen:
                if allow and _needs_presence(condition):
                    conditions.append(_presence(condition))  # no value holds where the key is absent
                continue
            if not allow or condition.operator is None or condition.operator.negated:
                return None
        if loose and not condition.refs <= fixed.keys():
            if loose == "narrow":
                return None
            if _needs_presence(condition):
                conditions.append(_presence(condition))
            continue
        conditions.append(condition)
    texts: tuple[str, ...] | None = None
    guesses: dict[str, str] = {}
    exclude = False
    if not statement.covers_all:
        exclude = statement.not_resource
        found = []
        for written in statement.resources or ():
            if written == "*":
                return None  # NotResource "*" reaches nothing (S3.10)
            # Under NotResource a wider pattern makes the statement narrower.
            wide = widen is not exclude
            text = _resource_text(written, statement.variables, fixed, loose, wide, exclude)
            if text is not None:
                found.append(text)
                if wide and has_unknown(written):
                    guesses[text] = written
        texts = tuple(found)
        if not texts and not exclude:
            return None
    return View(statement, texts, exclude, tuple(conditions), pins, certain, guesses)


def _needs_presence(condition: CompiledCondition) -> bool:
    """Tell whether a condition can hold only for a key that is present, whatever its values are."""
    operator, written = condition.operator, condition.condition
    if operator is None or written.if_exists:
        return False
    return written.quantifier == "ForAnyValue" or (not written.quantifier and not operator.negated)


def _presence(condition: CompiledCondition) -> CompiledCondition:
    written = condition.condition
    return compile_condition(Condition("Null", "", False, written.key, written.key_text, ("false",)), False)


def _resource_text(
    written: str, variables: bool, fixed: dict[str, str | None], loose: str, widen: bool, exclude: bool
) -> str | None:
    text = written
    if variables and OPEN in text and any(map(has_unknown, variable_keys((text,)))):
        if not widen:
            return None  # which key it names is not known
        text = star_hidden(text)
    if OPEN in text and widen:
        text = widen_unknown(text)
    if not variables or "${" not in text:
        return wildcards(text)
    head, tail = "", text
    if text[0] != CROSS:
        parts = text.split(":", 5)
        if len(parts) < 6:
            return wildcards(text)
        head, tail = "".join(f"{wildcards(p)}:" for p in parts[:5]), parts[5]
    if loose and not variable_keys((tail,)) <= fixed.keys():
        if (loose == "narrow") is not exclude:
            return None
        return head + star_variables(tail)
    field = substitute(tail, fixed.get, wild=True)
    return None if field is None else head + field  # S3.14


def star_hidden(text: str) -> str:
    """Put a wildcard for every policy variable of which the key is not known."""
    return VARIABLE.sub(lambda found: "*" if has_unknown(found[0]) else found[0], text)


def widen_unknown(text: str) -> str:
    """Put a wildcard for every unknown value; one at the start may hold any number of an ARN's fields."""
    out, at = [], 0
    while (start := text.find(OPEN, at)) >= 0:
        out += [text[at:start], "*" if start else CROSS]
        at = text.index(CLOSE, start) + 1
    return "".join([*out, text[at:]])


def star_variables(text: str) -> str:
    """Mark the wildcards of a text, and put one for every policy variable."""
    out, at = [], 0
    while (start := text.find("${", at)) >= 0:
        end = text.find("}", start)
        if end < 0:
            break
        name = text[start + 2 : end]
        out += [wildcards(text[at:start]), name if name in ("*", "?", "$") else STAR]
        at = end + 1
    return "".join([*out, wildcards(text[at:])])


@record
class Solution:
    """A request that passes.

    Attributes:
        resource: an ARN, or `*`.
        context: values of the keys that conditions name; absent keys are left out.
        picks: the Allow that matches in each layer.
        carved: Denies that would reach other resources, with how they fail here: `resource`, or the condition.
        absent: keys that the request must not have.
    """

    resource: str
    context: dict[str, Value]
    picks: tuple[View, ...]
    carved: tuple[tuple[View, CompiledCondition | None], ...]
    absent: tuple[str, ...] = ()


def laws(keys: frozenset[str], unsupported: frozenset[str]) -> tuple[View, ...]:
    """Give Denies against what no request is.

    One with a tag that `aws:TagKeys` does not list (S5.30), and one that sets an attribute that `ec2:Attribute` does
    not name.

    Args:
        keys: those that something asks about.
        unsupported: keys that the actions cannot carry, with the marks of `by_support`.
    """
    out: list[View] = []
    for key in sorted(keys):
        if key.startswith("aws:requesttag/") and "aws:tagkeys" in keys - unsupported:
            out.append(_law(key, "ForAllValues", "aws:tagkeys", "aws:TagKeys"))
        elif key.startswith(ATTRIBUTE) and f"{ATTRIBUTE}*" not in unsupported:
            out.append(_law(key, "", "ec2:attribute", "ec2:Attribute"))
    return tuple(out)


#: How the keys begin that tell to which value an attribute is set; `ec2:Attribute` names the attribute.
# AWS: AWSEC2/latest/UserGuide/iam-policy-structure.html, "`ec2:Attribute` condition key". Read 2026-11.
ATTRIBUTE = "ec2:attribute/"
#: The key that tells the type of an organization's policy; the ARN of the policy tells it in lower case.
# AWS: organizations/latest/APIReference/API_PolicySummary.html, `Arn` and `Type`. Read 2026-11.
POLICY_TYPE = "organizations:policytype"
_law_memo: dict[str, View] = memo()
_type_law_memo: dict[str, tuple[View, ...]] = memo()


def _law(key: str, quantifier: str, naming: str, naming_text: str) -> View:
    """Deny a key whose name ends in what another key does not name."""
    found = _law_memo.get(key)
    if found is None:
        named = (key.partition("/")[2],)
        law = Statement(
            "Deny",
            ("*",),
            None,
            (
                Condition("Null", "", False, key, key, ("false",)),
                Condition("StringNotEqualsIgnoreCase", quantifier, False, naming, naming_text, named),
            ),
        )
        found = _law_memo[key] = View(one := compile_statement(law, False), None, False, one.conditions, (), True)
    return found


def type_laws(texts: Iterable[str]) -> Iterator[View]:
    """Give Denies against what no request is: a policy of an organization whose ARN names another type than its key.

    Args:
        texts: values of the key that something asks about.
    """
    for kind in dict.fromkeys(text.upper() for text in texts if not set(text) & {"*", "?", "$"}):
        yield from _type_laws(kind)


def _type_laws(kind: str) -> tuple[View, ...]:
    found = _type_law_memo.get(kind)
    if found is None:
        key, text = POLICY_TYPE, "organizations:PolicyType"
        policies = "arn:*:organizations::*:policy/"
        named = (f"{policies}*/{kind.lower()}/*", f"{policies}{kind.lower()}/*")
        other = (
            Condition("Null", "", False, key, text, ("false",)),
            Condition("StringNotEquals", "", False, key, text, (kind,)),
        )
        same = (Condition("StringEquals", "", False, key, text, (kind,)),)
        laws = (
            compile_statement(Statement("Deny", ("*",), named, other), False),
            compile_statement(Statement("Deny", ("*",), named, same, not_resource=True), False, (f"{policies}*",)),
        )
        found = _type_law_memo[kind] = tuple([v for law in laws if (v := view(law, True)) is not None])
    return found


class Search:
    """One search: a resource language, domains for keys, layers of Allow and a list of Deny."""

    def __init__(
        self,
        shapes: Sequence[Pattern] | None,
        samples: Sequence[str],
        domain: Callable[[str], Domain],
        patterns: Callable[[View], tuple[Pattern, ...]] | None = None,
        outside: tuple[Pattern, ...] = (),
    ) -> None:
        """Set the search up.

        Args:
            shapes: the resource must match one of them; None for the pseudo-resource `*` (S3.9).
            samples: readable resources to try first.
            domain: what each key can be.
            patterns: the resource patterns of a statement that meet the shapes; all of them by default.
            outside: what the shapes reach although no resource is called so.
        """
        self.outside = outside
        self.patterns = patterns or (lambda v: v.patterns or ())
        self.shapes = shapes
        self.samples = samples
        self.domain = domain
        self.visits = 0
        #: For keys that have twins: the key under which the constraints and value of all that say the same are kept.
        self.twins: dict[str, str] = {}

    def run(self, layers: Sequence[Sequence[View]], denies: Sequence[View]) -> Solution | None:
        """Find a request, or prove that there is none.

        Raises:
            Undecided: when a named limit was reached, or a mix of operators is outside what is searched exactly.
            LimitReached: likewise, inside the algebra of strings.
        """
        return self._pick(_State((), self.outside), layers, denies, ())

    def _pick(
        self, state: _State, layers: Sequence[Sequence[View]], denies: Sequence[View], picks: tuple[View, ...]
    ) -> Solution | None:
        if not layers:
            return self._repair(state, denies, picks, ())
        for option in layers[0]:
            following = self._require(state, option)
            if following is not None:
                found = self._pick(following, layers[1:], denies, (*picks, option))
                if found is not None:
                    return found
        return None

    def _require(self, state: _State, option: View) -> _State | None:
        """Add what an Allow needs to match."""
        if option.texts is not None:
            following = self._resource(state, self.patterns(option), wanted=not option.exclude)
            if following is None:
                return None
            state = following
        if option.within:
            following = self._resource(state, option.within, wanted=True)
            if following is None:
                return None
            state = following
        for condition in option.conditions:
            narrowed = self._key(state, option.literal(condition, True))
            if narrowed is None:
                return None
            state = narrowed
        return state

    def _resource(self, state: _State, patterns: tuple[Pattern, ...], *, wanted: bool) -> _State | None:
        if self.shapes is None:
            return None if wanted else state
        unions, without = state.unions, state.without
        if wanted:
            unions = (*unions, patterns)
        else:
            without = without + tuple(p for p in patterns if p not in without)
        resource = self._find(unions, without)
        if resource is None:
            return None
        return _State(unions, without, state.keys, resource, state.values)

    def _find(self, unions: tuple[tuple[Pattern, ...], ...], without: tuple[Pattern, ...]) -> str | None:
        assert self.shapes is not None
        for sample in self.samples:
            if is_member(sample, unions, without):
                return sample
        for union in unions:
            for pattern in union:
                likened = (guess for sample in self.samples for guess in _likened(pattern, sample))
                for guess in chain(_guesses(pattern), likened):
                    if is_member(guess, (self.shapes, *unions), without):
                        return guess
        found = member([self.shapes, *unions], without)
        return found and self._made_real(found, unions, without)

    def _made_real(self, arn: str, unions: tuple[tuple[Pattern, ...], ...], without: tuple[Pattern, ...]) -> str:
        """Put a partition, Region and account that exist in the place of made-up text, where some fit."""
        assert self.shapes is not None
        fields = arn.split(":", 5)
        if len(fields) < 6:
            return arn
        _, partition, service, region, account, rest = fields
        partitions = (partition,) if partition in REGIONS else (*REGIONS, partition)
        accounts = (account,) if not account or account_like(account) else (EXAMPLE_ACCOUNT, "111122223333", account)
        for placed, owner in product(partitions, accounts):
            known = REGIONS.get(placed, REGIONS["aws"])
            for moved in (region,) if not region or region in known else (*known, region):
                made = f"arn:{placed}:{service}:{moved}:{owner}:{rest}"
                if is_member(made, (self.shapes, *unions), without):
                    return made
        return arn

    def _slot(self, key: str) -> str:
        """Give the key under which a key is kept: the tags of a resource have two names, and so has time (S5.34)."""
        if ":resourcetag/" not in key and key not in CLOCK:
            return key
        found = self.twins.get(key)
        if found is None:
            twin = twin_of(key)
            one, other = self.domain(twin), self.domain(key)
            found = self.twins[key] = twin if one == other or (key == EPOCH and one.since and other.since) else key
        return found

    def _key(self, state: _State, lit: Literal) -> _State | None:
        key = self._slot(lit.condition.key)
        if key != lit.condition.key == EPOCH:
            lit = _on_clock(lit)
        literals = state.keys.get(key, frozenset())
        if lit in literals:
            return state
        literals = literals | {lit}
        value = solve_key(self.domain(key), literals)
        if value is None:
            return None
        return _State(
            state.unions,
            state.without,
            {**state.keys, key: literals},
            state.resource,
            {**state.values, key: value},
        )

    def _value(self, state: _State, asked: str) -> Value:
        key = self._slot(asked)
        value = state.values.get(key)
        if value is None:
            value = solve_key(self.domain(key), frozenset())
            if value is None:
                raise Undecided(f"no value is known for `{key}`")
            # Part of the answer from here on. INVARIANT: states that share `values` share `keys`.
            state.values[key] = value
        return _told(asked, value) if asked == EPOCH else value

    def _fires(self, state: _State, deny: View) -> bool:
        return self._covers(deny, self._model_resource(state)) and all(
            truth(deny.literal(c, True), self._value(state, c.key)) for c in deny.conditions
        )

    def _covers(self, option: View, resource: str) -> bool:
        if option.texts is None:
            return True
        if resource == "*":  # S3.9, S3.10
            return option.exclude and not option.within
        if option.within and not any(p.matches(resource) for p in option.within):
            return False
        return any(p.matches(resource) for p in self.patterns(option)) is not option.exclude

    def _model_resource(self, state: _State) -> str:
        if self.shapes is None:
            return "*"
        if state.resource is None:
            state.resource = self._find((), state.without) or ""
        return state.resource

    def _repair(
        self,
        state: _State,
        denies: Sequence[View],
        picks: tuple[View, ...],
        carved: tuple[tuple[View, CompiledCondition | None], ...],
    ) -> Solution | None:
        self.visits += 1
        if self.visits > MAX_MODELS:
            raise Undecided(f"more than {MAX_MODELS} combinations of Deny statements")
        firing = next((d for d in denies if self._fires(state, d)), None)
        if firing is None:
            values = state.values
            kept = self.twins.values()
            context = {k: v for k, v in values.items() if v and k not in kept}
            context.update((k, _told(k, values[slot])) for k, slot in self.twins.items() if values.get(slot))
            absent = () if len(context) == len(values) else tuple([k for k, v in values.items() if not v])
            return Solution(self._model_resource(state), context, picks, carved, absent)
        for condition in firing.conditions:
            following = self._key(state, firing.literal(condition, False))
            if following is not None:
                found = self._repair(following, denies, picks, (*carved, (firing, condition)))
                if found is not None:
                    return found
        if firing.within:
            following = self._resource(state, firing.within, wanted=False)
            if following is not None:
                found = self._repair(following, denies, picks, (*carved, (firing, None)))
                if found is not None:
                    return found
        if firing.texts is not None:
            following = self._resource(state, self.patterns(firing), wanted=firing.exclude)
            if following is not None:
                return self._repair(following, denies, picks, (*carved, (firing, None)))
        return None


_NUMBERS = ("number", "string", "folded")


def _on_clock(lit: Literal) -> Literal:
    """Ask of `aws:CurrentTime` what a condition asks of `aws:EpochTime`: both tell one instant (S5.36).

    Raises:
        Undecided: when it compares the seconds as text.
    """
    operator, written = lit.condition.operator, lit.condition.condition
    name, values = written.operator, written.values
    if operator is not None and operator.family in _NUMBERS and not (operator.wild or lit.condition.refs):
        from rolelint.engine.typed import parse_number

        plain = name.replace("Numeric", "").replace("String", "").replace("IgnoreCase", "")
        # With an exponent no number reads as a year.
        name, values = f"Date{plain}", tuple(f"{n:E}" for v in values if (n := parse_number(v)) is not None)
    elif operator is None or operator.family not in ("date", "null"):
        raise Undecided("`aws:EpochTime` is compared as text")
    moved = written._replace(operator=name, key=CURRENT, key_text="aws:CurrentTime", values=values)
    return Literal(compile_condition(moved, lit.condition.variables), lit.wanted, lit.pins)


def _told(key: str, value: Value) -> Value:
    """Write the value that twins share as one of them has it."""
    if key != EPOCH:
        return value
    from rolelint.engine.typed import parse_date

    return tuple(f"{moment.normalize():f}" for v in value if (moment := parse_date(v)) is not None)


@record(frozen=False)
class _State:
    """A partial request: constraints so far, and a model of them."""

    unions: tuple[tuple[Pattern, ...], ...]
    without: tuple[Pattern, ...]
    keys: dict[str, frozenset[Literal]] = field(default_factory=dict)
    resource: str | None = None
    values: dict[str, Value] = field(default_factory=dict)


_guess_memo: dict[Pattern, list[str]] = memo()


def _guesses(pattern: Pattern) -> list[str]:
    found = _guess_memo.get(pattern)
    if found is None:
        found = _guess_memo[pattern] = readable(pattern)
    return found


def _likened(pattern: Pattern, sample: str) -> Iterator[str]:
    """Write what may be members of an ARN pattern like a sample: what the pattern leaves open is taken from there."""
    fields, known = pattern.show().split(":", 5), sample.split(":", 5)
    if len(fields) < 6 or len(known) < 6:
        return
    head = [own if set(field) & {"*", "?"} else field for field, own in zip(fields[:5], known, strict=False)]
    if head[1] != known[1] and head[3] == known[3] != "":
        head[3] = default_region(head[1])
    rest = fields[5].replace("?", "x")
    kind = known[5].partition("example")[0].rstrip(":/")
    yield ":".join([*head, rest.replace("*", kind, 1).replace("*", "example")])
    if rest.startswith("*"):
        yield ":".join([*head, known[5] + rest.replace("*", "")])


def readable(pattern: Pattern) -> list[str]:
    """Write members of an ARN pattern that a person recognises: stars become names, Regions and accounts are real."""
    fields = pattern.show().split(":", 5)
    if len(fields) < 6:
        return []
    defaults = ("arn", "aws", "*", default_region(fields[1]), "*")
    head = [
        default if field == "*" else field.replace("*", "").replace("?", "x")
        for field, default in zip(fields, defaults, strict=False)
    ]
    head[4] = account_like(fields[4]) or head[4]
    rest = fields[5].replace("?", "x")
    if "*" not in rest:
        return [":".join([*head, rest])]
    return [":".join([*head, rest.replace("*", name)]) for name in ("example", "example/example", "x", "", "a:example")]
