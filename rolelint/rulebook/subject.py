"""What a rule looks at, and what it finds there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from rolelint.algebra.strings import wildcards
from rolelint.catalog import catalog
from rolelint.engine import Actor, Answer, Power, Powers, StatementRef, actor, can, powers, witness
from rolelint.engine.arns import named_like
from rolelint.engine.compile import compile_document, variable_names
from rolelint.engine.extent import commanding
from rolelint.engine.gates import key_kind
from rolelint.engine.match import arn_matches
from rolelint.engine.operators import TABLE
from rolelint.engine.worlds import REGION_KEYS
from rolelint.errors import Location
from rolelint.findings.model import Related
from rolelint.policies.document import Condition, Statement
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.policies.text import has_unknown
from rolelint.records import replace
from rolelint.rulebook.selectors import worst

#: Condition keys that only calls through AWS-managed MCP servers carry (S5.61, S5.62).
CHANNEL_KEYS = frozenset(("aws:viaawsmcpservice", "aws:calledviaawsmcp"))


#: Actions of the level Tagging that only read.
_READ = ("*:List*", "*:Get*", "*:Describe*")
#: The condition keys whose values are ARNs of policies, lower-cased.
_POLICY_KEYS = frozenset(("iam:policyarn", "iam:permissionsboundary"))

#: How actions that remove tags begin.
_UNTAG = ("Untag", "Remove", "Delete")

#: Conditions that take the dangerous parameter away from an action, so that no rule counts it: action, key, values.
HARMLESS = (
    ("s3express:CreateSession", "s3express:sessionmode", ("ReadOnly",)),
    ("ssm:PutParameter", "ssm:overwrite", ("false",)),
)


class Part(NamedTuple):
    """Actions of one power that a rule is about.

    Attributes:
        drop: levels that the severity loses for them, with one reason for each level or more.
        statements: the Allow statements that grant them, the widest first.
        prefer: patterns of actions to name first.
        lead: the actions among which the one to name is, where not all give the severity; else 0.
    """

    power: Power
    mask: int
    drop: int
    reasons: tuple[str, ...]
    statements: tuple[StatementRef, ...]
    prefer: tuple[str, ...] = ()
    lead: int = 0

    @property
    def worst(self) -> int:
        """The action to name, by its index in the catalogue."""
        return worst(self.lead or self.mask, self.prefer)


class Hit:
    """What a rule found. Not changed once made.

    Attributes:
        parts: the powers it rests on, the worst first; empty for findings about a text.
        others: powers that complete it, for example the first half of a pair.
        drop, reasons: levels that the severity loses, and why.
        statements: for findings about a text, the statements, the primary one first.
        element, at: the element of the primary statement to point at, and its place in it where known.
        fields: values for the rule's message.
        location: where to point when there is no statement.
        certainty: of a finding about a text.
        named: actions that the statements name beside those that it is about.
    """

    __slots__ = (
        "_core",
        "_mask",
        "_refs",
        "at",
        "certainty",
        "drop",
        "element",
        "fields",
        "location",
        "named",
        "others",
        "parts",
        "reasons",
        "statements",
    )

    def __init__(
        self,
        parts: tuple[Part, ...] = (),
        others: tuple[Part, ...] = (),
        drop: int = 0,
        reasons: tuple[str, ...] = (),
        *,
        statements: tuple[StatementRef, ...] = (),
        element: str = "",
        at: tuple[str | int, ...] = (),
        fields: Mapping[str, str] | None = None,
        location: Location | None = None,
        certainty: str = "proved",
        named: int = 0,
    ) -> None:
        self.parts = parts
        self.others = others
        self.drop = drop
        self.reasons = reasons
        self.statements = statements
        self.element = element
        self.at = at
        self.fields = fields or {}
        self.location = location
        self.certainty = certainty
        self.named = named
        self._core = -1
        self._mask = -1
        self._refs: dict[tuple[int, int], StatementRef] | None = None

    def but(self, **changes: Any) -> Hit:
        """Give the hit with some attributes changed."""
        now = {name: getattr(self, name) for name in self.__slots__ if not name.startswith("_")}
        return Hit(**(now | changes))

    def within(self, mask: int) -> Hit | None:
        """Leave only some actions of what it rests on; None where it is about none of them.

        A finding about a text stays as it is, and so does one whose completing half holds some of them.
        """
        if not self.parts or (self.mask & mask and not self.core & mask):
            return self
        parts = [p._replace(mask=p.mask & mask, lead=p.lead & mask) for p in self.parts if p.mask & mask]
        if not parts:
            return None
        ordered = best_first(parts)
        return self.but(parts=ordered, drop=self.drop - self.parts[0].drop + ordered[0].drop)

    @property
    def mask(self) -> int:
        """Every action it is about."""
        if self._mask < 0:
            self._mask = _union(self.others, self.core)
        return self._mask

    @property
    def says(self) -> int:
        """Every action that a reader of the finding has been told of."""
        return self.mask | self.named

    @property
    def core(self) -> int:
        """The actions that another finding must hold as well to say the same."""
        if self._core < 0:
            self._core = _union(self.parts)
        return self._core

    @property
    def refs(self) -> dict[tuple[int, int], StatementRef]:
        """Every statement it rests on, by policy object and index, the primary one first."""
        if self._refs is None:
            out = {(id(ref.policy), ref.statement.index): ref for ref in self.statements}
            for part in (*self.parts, *self.others):
                for ref in part.statements:
                    out.setdefault((id(ref.policy), ref.statement.index), ref)
            self._refs = out
        return self._refs


def _union(parts: Iterable[Part], mask: int = 0) -> int:
    for part in parts:
        mask |= part.mask
    return mask


class Subject:
    """A role, or one policy by itself, as the words of rules see it.

    Attributes:
        role: None for a policy by itself.
        policies: the policies whose text is judged.
        interest: the actions that some rule or the report asks about.
        found: severities of the findings so far, by code; filled while the rules are asked.
        told: the actions that they speak of.
        proofs: answers to whether AWS would allow a request for an action, by its index, as they were asked for.
        beside: statements of `allows`, by identity, as findings that do not rest on them name them.
        powers: what the role can do, or None for a policy by itself.
        weighed: its powers without what a condition makes harmless (`HARMLESS`). mask: every action of these.
    """

    def __init__(self, role: Role | None, policies: Sequence[Policy], who: Actor, interest: int) -> None:
        self.role = role
        self.policies = policies
        self.actor = who
        self.interest = interest
        self.found: dict[str, tuple[str, str]] = {}
        self.told = 0
        self.beside: dict[int, Related] = {}
        self.proofs: dict[int, Answer] = {}
        self.powers = None if role is None else powers(role, who, interest)
        self.weighed = () if self.powers is None else _weighed(self.powers.powers, self)
        if self.powers is not None and any(p.tag_limited for p in self.weighed):
            self.weighed = _unbound(self.weighed, self.powers)
        self.mask = 0
        for power in self.weighed:
            self.mask |= power.mask

    def of(self, mask: int) -> list[tuple[Power, int]]:
        """List the powers that meet a mask, with the actions they share with it."""
        return [(p, p.mask & mask) for p in self.weighed if p.mask & mask]

    @property
    def trust(self) -> Policy | None:
        """The trust policy, of the role or by itself."""
        if self.role is not None:
            return self.role.trust
        return next((p for p in self.policies if p.type is PolicyType.TRUST), None)

    @cached_property
    def allows(self) -> list[tuple[int, StatementRef]]:
        """Every Allow statement of the role's own policies, with the actions that it names."""
        return [
            (one.mask, StatementRef(policy, statement))
            for policy in (self.role.identity if self.role else ())
            for one, statement in zip(
                compile_document(policy.document).statements, policy.document.statements, strict=True
            )
            if statement.effect == "Allow"
        ]

    @cached_property
    def channel_blocked(self) -> int:
        """Actions that a Deny takes away from calls through AWS-managed MCP servers."""
        if self.role is None or not self.mask or not _mentions(self.role.policies(), CHANNEL_KEYS):
            return 0
        return self.mask & ~powers(self.role, actor("mcp"), self.interest).mask

    @cached_property
    def _own(self) -> tuple[str, ...]:
        """Names of the role itself and of the policies that give it its power and limit it, where they are its own."""
        role = self.role
        if role is None:
            return ()
        held = (*role.identity, *((role.boundary,) if role.boundary else ()))
        return tuple(a for a in (role.arn, *(p.arn for p in held)) if a and ":iam::aws:" not in a)

    def _is_about_itself(self, power: Power, mask: int) -> bool:
        """Tell whether a grant of power reaches the role's own: the fewer other things it names, the plainer it is."""
        known = catalog()
        if not mask & known.class_mask("escalate") & known.service_mask("iam"):
            return False
        return any(arn_matches(wildcards(r), own) for own in self._own for r in power.resources)

    def writes_what_it_may_attach(self, power: Power) -> bool:
        """Tell whether the holder can make the policies to which a condition with wildcards limits a power."""
        conditions = (*power.denied_where, *(c for ref in power.granted_by for c in ref.statement.conditions))
        named = [v for c in conditions if c.key == "iam:policyarn" for v in c.values if "*" in v or "?" in v]
        role = self.role
        if role is None or not named:
            return False
        create = catalog().expand("iam:CreatePolicy")
        written = (r for mask, ref in self.allows if mask & create for r in ref.statement.resources or ())
        names = [named_like(pattern, role.asked_arn) for pattern in (*named, *written)]
        return any(
            can(role, create, resource=name, who=self.actor).verdict == "yes"
            for i, name in enumerate(names)
            if i < len(named) or any(arn_matches(wildcards(v), name) for v in named)
        )

    @cached_property
    def boundary_limit(self) -> int:
        """Actions that the role's policies grant and the permissions boundary takes away."""
        limits = self.powers.limits if self.powers else ()
        return next((limit.mask for limit in limits if limit.name == "permissions boundary"), 0)

    def part(
        self,
        power: Power,
        mask: int,
        *,
        statements: Iterable[StatementRef] | None = None,
        production_counts: bool = True,
        prefer: Sequence[str] = (),
        selected: int = 0,
    ) -> Part:
        """Weigh some actions of a power: how many levels their terms lower the severity by.

        Args:
            statements: those that matter of the ones that grant it; all of them by default.
            production_counts: whether a name that says production counts as unscoped.
            selected: all actions that the rule asks for, to see whether the boundary takes some of them.
        """
        drop = 0
        reasons: list[str] = []
        production = production_counts and power.naming == "production"
        if not power.wide and not production and not self._is_about_itself(power, mask):
            drop += 1
            reasons.append("limited to named resources" if power.scope == "named" else "limited to some resources")
        if power.tag_limited and not production:
            drop += 1
            reasons.append("limited by a resource tag")
        if self.channel_blocked and not mask & ~self.channel_blocked:
            drop += 1
            reasons.append("denied through the tool channel")
        if selected & self.boundary_limit:
            drop += 1
            reasons.append("a permissions boundary takes part of it away")
        refs = power.granted_by if statements is None else tuple(statements)
        return Part(power, mask, drop, tuple(reasons), refs, tuple(prefer))


def _unbound(held: tuple[Power, ...], whole: Powers) -> tuple[Power, ...]:
    """Drop the tag limits of powers whose holder can set or remove that tag of what they reach."""
    known = catalog()
    near = 0
    for power in held:
        if power.tag_limited:
            for service in known.prefixes_of(power.mask):
                near |= known.service_mask(service)
    from rolelint.engine.tagging import chosen_tags

    tagging = powers(whole.role, whole.actor, known.level_mask("Tagging") & near & ~known.expand_all(_READ))
    if not tagging.mask and not chosen_tags(whole.role, whole.actor):
        return held
    out: list[Power] = []
    for power in held:
        loose = 0
        if power.tag_limited:
            loose = power.mask if _names_own_tag(power, whole) else _retagged(power, tagging, whole)
        if loose:
            naming = "" if power.scope == "any" else power.naming
            kinds = power.gate_kinds - {"resource-tag"}
            out.append(replace(power, mask=loose, naming=naming, gate_kinds=kinds))
        if power.mask & ~loose:
            out.append(replace(power, mask=power.mask & ~loose) if loose else power)
    return tuple(out)


def _names_own_tag(power: Power, whole: Powers) -> bool:
    """Tell whether a power is for resources with a tag of the holder, who can set its own to any value."""
    from rolelint.engine.tagging import chosen_tags

    own = {f"aws:principaltag/{tag}" for tag in chosen_tags(whole.role, whole.actor)}
    conditions = (*power.denied_where, *(c for ref in power.granted_by for c in ref.statement.conditions))
    values = tuple(v for c in conditions if key_kind(c.key) == "resource-tag" for v in c.values)
    return any(name.lower() in own for name in variable_names(values))


def _retagged(power: Power, tagging: Powers, whole: Powers) -> int:
    """Give the actions from which the holder can take the tag that keeps their power from a resource."""
    known = catalog()
    # Under the very same conditions, and under more, tagging reaches nothing that the power does not reach.
    same = set(power.gate.split("; "))
    others = [one for one in tagging.powers if not same <= set(one.gate.split("; "))]
    out = 0
    for service in known.prefixes_of(power.mask):
        whole_service = known.service_mask(service)
        near = [one for one in others if one.mask & whole_service]
        calls = _tagging_calls(power, near, whole, whole_service) if near else []
        if calls is None:
            out |= power.mask & whole_service
            continue
        for _, part in known.signatures(power.mask & whole_service) if calls else ():
            if _retags(part, near, whole, calls):
                out |= part
    return out


#: Actions, and the context of a call.
_Call = tuple[int, Mapping[str, str | Sequence[str]]]


def _tagging_calls(power: Power, near: Sequence[Power], whole: Powers, service: int) -> list[_Call] | None:
    """List the calls that change the tag that keeps a power from a resource; None where any resource may be tagged.

    Args:
        near: powers to tag resources of the service.
    """
    known = catalog()
    own = free = 0
    for one in near:
        own |= one.mask & service
        if not one.gate and ("*" in one.resources or not set(one.resources).isdisjoint(power.resources)):
            free |= one.mask & service
    setting = own
    for index in known.indexes(own):
        if known.name(index).partition(":")[2].startswith(_UNTAG):
            setting &= ~(1 << index)
    demanded = list(_demanded_tags(power, met=True))
    forbidden = {key: value or "x" for tag, value in _demanded_tags(power, met=False) for key in _tag_keys(tag, own)}
    # A tag that must not be there can be removed, or given another value.
    undone = bool(forbidden) or (not demanded and ("unless " in power.gate or "Not" in power.gate))
    if free & setting and (demanded or undone):
        return None
    # A call that tags what it makes says so; here the resource is there already.
    there: dict[str, str | Sequence[str]] = {"ec2:CreateAction": ()}
    gates = " ".join(one.gate.lower() for one in near)
    from rolelint.engine.tagging import tags_to_bring

    calls: list[_Call] = []
    for tag, value in demanded if setting else ():
        # A tagging call that demands the tag already brings nothing new into reach.
        tested = f"resourcetag/{tag.lower()}" in gates and value
        for now, tags in product(((), f"not-{value}") if tested else ((),), tags_to_bring(whole.role, tag, setting)):
            said = {f"aws:RequestTag/{tag}": value or "x", "aws:TagKeys": tags}
            calls.append((setting, {**said, **there, **dict.fromkeys(_tag_keys(tag, own), now)}))
    if undone:
        calls.append((own, {**there, **forbidden}))
    return calls


def _retags(mask: int, near: Sequence[Power], whole: Powers, calls: Sequence[_Call]) -> bool:
    """Ask whether one of some calls may tag what some actions, of one kind of resource, are for."""
    found = witness(whole, worst(mask, ())).witness
    if found is None:
        return False
    # Of the resources of the request those that may be tagged; some, as catalogs, nobody tags.
    targets = [
        target
        for target in found.resource.split(", ")
        if any(_may_cover(ref.statement, target) for one in near for ref in one.granted_by)
    ]
    # The call is made where the resource is.
    region = {k: v for k, v in found.context.items() if k.lower() in REGION_KEYS}
    role, who = whole.role, whole.actor
    return bool(targets) and any(
        all(can(role, actions, resource=one, context={**said, **region}, who=who).verdict == "yes" for one in targets)
        for actions, said in calls
    )


def _may_cover(statement: Statement, resource: str) -> bool:
    """Tell whether a statement may reach a resource; only where its patterns tell, the answer is no."""
    patterns = statement.resources
    if patterns is None or statement.not_resource:
        return True
    return any("$" in p or has_unknown(p) or arn_matches(wildcards(p), resource) for p in patterns)


def _tag_keys(tag: str, mask: int) -> list[str]:
    """List the condition keys by which actions see a tag of their resource."""
    services = catalog().prefixes_of(mask)
    return [f"aws:ResourceTag/{tag}", *(f"{service}:ResourceTag/{tag}" for service in services)]


def _demanded_tags(power: Power, *, met: bool) -> Iterator[tuple[str, str]]:
    """List the tags that the statements of a power test for, with one value each; empty where any will do.

    Tags of AWS's own are left out: nobody sets or removes them.

    Args:
        met: those that must be there; otherwise those that must not.
    """
    tested = [(c, True) for ref in power.granted_by for c in ref.statement.conditions]
    for condition, allows in (*tested, *((c, False) for c in power.denied_where)):
        operator = TABLE.get(condition.operator)
        if key_kind(condition.key) != "resource-tag" or operator is None or not condition.values:
            continue
        presence = operator.family == "null"
        absent = condition.values[0] == "true" if presence else operator.negated
        tag = condition.key_text.partition("/")[2]
        if (absent is not allows) is met and not tag.lower().startswith("aws:"):
            value = "" if presence else condition.values[0].replace("*", "x").replace("?", "x")
            yield tag, value


def _weighed(held: tuple[Power, ...], subject: Subject) -> tuple[Power, ...]:
    """Leave out what a condition makes harmless."""
    known = catalog()
    changed = list(held)
    for action, key, values in HARMLESS:
        mask = known.expand(action)
        for i, power in enumerate(changed):
            if power.mask & mask and conditioned(power, ((key, values),), subject):
                changed[i] = replace(power, mask=power.mask & ~mask)
    return tuple(p for p in changed if p.mask)


def _mentions(policies: Iterable[Policy], keys: frozenset[str]) -> bool:
    return any(
        c.key in keys for p in policies for s in p.document.statements if s.effect == "Deny" for c in s.conditions
    )


_WIDTH = {"any": 0, "pattern": 1, "named": 2}


def _order(part: Part) -> tuple[int, bool, bool, int, bool]:
    power = part.power
    return part.drop, power.certainty != "proved", not power.broad, _WIDTH[power.scope], bool(power.gate)


def best_first(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Order parts from the most to the least severe; proved before possible, wide before narrow.

    Of several parts that are first alike, the one with the action to name first comes first.
    """
    several = tuple(parts)
    if len(several) < 2:
        return several
    ordered = sorted(several, key=_order)
    least = _order(ordered[0])
    alike = [p for p in ordered if _order(p) == least]
    if len(alike) > 1:
        index = worst(_union(p._replace(mask=p.lead or p.mask) for p in alike), alike[0].prefer)
        lead = next(p for p in alike if p.mask >> index & 1)
        ordered.remove(lead)
        ordered.insert(0, lead)
    return tuple(ordered)


def hit_of(parts: Iterable[Part]) -> Hit | None:
    """Make a hit of parts of which each is enough: it is as severe as the worst."""
    ordered = best_first(parts)
    if not ordered:
        return None
    return Hit(ordered, drop=ordered[0].drop, reasons=ordered[0].reasons)


def both(hits: Sequence[Hit]) -> Hit:
    """Join hits that are needed together: the result is as severe as the least of them."""
    weakest = max(hits, key=lambda h: h.drop)
    fields: dict[str, str] = {}
    for hit in hits:
        fields.update(hit.fields)
    return hits[0].but(
        parts=tuple(p for h in hits for p in h.parts),
        others=tuple(p for h in hits for p in h.others),
        drop=weakest.drop,
        reasons=weakest.reasons,
        statements=tuple(s for h in hits for s in h.statements),
        fields=fields,
        location=next((h.location for h in hits if h.location), None),
        certainty=next((h.certainty for h in hits if h.certainty != "proved"), "proved"),
    )


def either(hits: Sequence[Hit]) -> Hit:
    """Join hits of which each is enough: the result is as severe as the worst of them."""
    if len(hits) == 1:
        return hits[0]
    strongest = min(hits, key=lambda h: h.drop)
    ordered = [strongest, *(h for h in hits if h is not strongest)]
    return strongest.but(
        parts=best_first(p for h in ordered for p in h.parts),
        others=tuple(p for h in ordered for p in h.others),
        statements=tuple(s for h in ordered for s in h.statements),
    )


#: Condition keys, lower-cased, each with globs that its values must match.
ConditionTable = tuple[tuple[str, tuple[str, ...]], ...]


def conditioned(power: Power, table: ConditionTable, subject: Subject) -> bool:
    """Tell whether every statement that grants a power demands one of some condition keys, or a Deny demands it."""
    return _is_conditioned(power, table) and not subject.writes_what_it_may_attach(power)


def _is_conditioned(power: Power, table: ConditionTable) -> bool:
    if any(_denied_without(c, key, values) for c in power.denied_where for key, values in table):
        return True
    return bool(power.granted_by) and all(
        any(
            positive_condition(c, key, values) and _is_carried(c, power.mask)
            for c in ref.statement.conditions
            for key, values in table
        )
        for ref in power.granted_by
    )


def _is_carried(condition: Condition, mask: int) -> bool:
    """Tell whether a condition limits actions: `ForAllValues` holds for those that do not carry its key."""
    carried = catalog().key_mask(condition.key) if condition.quantifier == "ForAllValues" else None
    return carried is None or not mask & ~carried


#: The operators of a Deny that say the same as a positive operator of an Allow: absence is denied as well.
_POSITIVE = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def _denied_without(condition: Condition, key: str, values: Sequence[str]) -> bool:
    operator = _POSITIVE.get(condition.operator)
    # Of several values one that does not fit is denied; without any, nothing is.
    if operator is None or condition.quantifier not in ("", "ForAnyValue"):
        return False
    if condition.quantifier and key == "iam:permissionsboundary":
        return False
    return positive_condition(condition._replace(operator=operator, if_exists=False), key, values)


def positive_condition(condition: Condition, key: str, values: Sequence[str]) -> bool:
    """Tell whether a condition demands that a key is there with one of some values.

    Args:
        key: lower-cased.
        values: globs that every value of the condition must match; empty allows all but a lone `*`.
    """
    if condition.key != key or condition.if_exists or not condition.known:
        return False
    if "Not" in condition.operator or condition.operator == "Null":
        return False
    if "*" in condition.values:
        return False  # no limit: any value
    if key == "iam:permissionsboundary" and condition.quantifier == "ForAllValues":
        return False  # true of who has none
    if key in _POLICY_KEYS:
        from rolelint.rulebook.confining import confines

        if not all(map(confines, condition.values)):
            return False  # no limit: a policy that gives everything, a boundary that bounds nothing
    if not values:
        return True
    from fnmatch import fnmatchcase

    return all(any(fnmatchcase(v.lower(), glob.lower()) for glob in values) for v in condition.values)


def describe(part: Part, *, more: int | None = None, index: int | None = None) -> str:
    """Say what a part can do: the worst action, where, and how many others.

    Args:
        more: the number of further actions to speak of; those of the part by default.
    """
    if index is None:
        index = part.worst
    action = catalog().action(index)
    text = f"`{action.name}`{_where(part, index)}"
    count = part.mask.bit_count() - 1 if more is None else more
    return f"{text} and {count} more" if count > 0 else text


def _where(part: Part, index: int) -> str:
    power = part.power
    signature = catalog().action(index).signature
    types = signature.required or sorted(signature.optional, key=lambda kind: len(kind.name))
    if not types:
        return ""
    if power.wide:
        if commanding() >> index & 1:
            return " on any host"
        service, name = types[0].service, types[0].name
        return f" on any {name}" if service == name else f" on any {service} {name}"
    patterns = [r for r in power.resources if is_of_service(r, types[0].service)] or list(power.resources)
    first = f" on `{patterns[0]}`" if patterns else ""
    rest = len(patterns) - 1
    return f"{first} and {rest} more {'place' if rest == 1 else 'places'}" if rest > 0 else first


def is_of_service(pattern: str, service: str) -> bool:
    """Tell whether a resource pattern may name something of a service."""
    fields = pattern.split(":", 3)
    return len(fields) < 3 or fields[2] == service or "*" in fields[2]
