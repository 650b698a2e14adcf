"""What a rule looks at, and what it finds there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from rolelint.algebra.strings import wildcards
from rolelint.catalog import catalog
from rolelint.catalog.patterns import glob
from rolelint.engine import Actor, Answer, Power, StatementRef, actor, can, powers
from rolelint.engine.arns import named_like
from rolelint.engine.compile import compile_document
from rolelint.engine.extent import on_hosts
from rolelint.engine.gates import ALIASES, key_kind
from rolelint.engine.match import arn_matches
from rolelint.errors import Location, counted
from rolelint.findings.model import Related
from rolelint.policies.document import Statement
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.records import replace
from rolelint.rulebook.selectors import worst

#: Condition keys that only calls through AWS-managed MCP servers carry (S5.61, S5.62).
CHANNEL_KEYS = frozenset(("aws:viaawsmcpservice", "aws:calledviaawsmcp"))
#: Condition keys, lower-cased, each with globs that its values must match.
ConditionTable = tuple[tuple[str, tuple[str, ...]], ...]

#: Conditions that take the dangerous parameter away from an action, so that no rule counts it: action, key, values.
HARMLESS = (
    ("s3express:CreateSession", "s3express:sessionmode", ("ReadOnly",)),
    ("ssm:PutParameter", "ssm:overwrite", ("false",)),
)

#: Condition keys, and the values if not all, by which a grant reaches only what one service manages or its holder made.
# AWS: EC2 API_OperatorResponse.html; EventBridge API_Rule.html, ManagedBy; Service Catalog administrator guide, example
# policies for managing provisioned products. Read 2026-11-23.
OWNED: ConditionTable = (
    ("ec2:managedresourceoperator", ()),
    ("events:managedby", ()),
    ("config:configurationrecorderserviceprincipal", ()),
    ("servicecatalog:userlevel", ("self",)),
)


#: The action of the level Permissions management that gives power which is there already.
_LETTING_IN = "iam:UpdateAssumeRolePolicy"
#: An action that writes permissions, to which AWS gives the level Write.
_WRITING_IN = "sso:PutInlinePolicyToPermissionSet"


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
        return self._of((p, mask) for p in self.parts)

    def _of(self, parts: Iterable[tuple[Part, int]]) -> Hit | None:
        """Leave of each part the actions of a mask."""
        left = [
            p._replace(mask=p.mask & mask, lead=p.lead & mask) if p.mask & ~mask else p
            for p, mask in parts
            if p.mask & mask
        ]
        if not left:
            return None
        ordered = best_first(left)
        return self.but(parts=ordered, drop=self.drop - self.parts[0].drop + ordered[0].drop)

    @property
    def divisible(self) -> bool:
        """Tell whether it is about powers of which each is enough, and of no text."""
        return bool(self.parts) and not (self.others or self.statements or self.fields)

    def is_said_by(self, other: Hit) -> bool:
        """Tell whether another hit is about some of its actions as well, on statements that it rests on too."""
        if self.core and not self.core & other.says:
            return False
        if self.divisible:
            return any(p.mask & other.says and other.rests_on(p.statements) for p in self.parts)
        return other.rests_on(self.refs.values())

    def unsaid_by(self, other: Hit) -> Hit | None:
        """Leave only what another hit is not about as well; see `is_said_by`."""
        whole = not self.divisible
        return self._of((p, ~other.says if whole or other.rests_on(p.statements) else -1) for p in self.parts)

    def rests_on(self, refs: Iterable[StatementRef]) -> bool:
        """Tell whether some statements are all among those that it rests on."""
        return all((id(ref.policy), ref.statement.index) in self.refs for ref in refs)

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
        proofs: answers to whether AWS would allow a request for an action, by its index and where, once asked for.
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
        self.proofs: dict[tuple[int, tuple[str, ...]], Answer] = {}
        self._passes: dict[str, bool] = {}
        self.powers = None if role is None else powers(role, who, interest)
        self.weighed = () if self.powers is None else _weighed(self.powers.powers, self)
        if self.powers is not None and any(p.set_apart for p in self.weighed):
            from rolelint.rulebook.retagging import unbound

            self.weighed = unbound(self.weighed, self.powers)
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

    def counted(self, power: Power, mask: int) -> int:
        """Leave out of some actions of a power those whose harm stays with what its names or tags call disposable.

        The name of a preview role says nothing of what is written into its policies. It does say what whoever is let
        into the role gets.
        """
        if power.naming != "disposable":
            return mask
        left = widening()
        if self.is_about_itself(power, mask):
            left |= catalog().class_mask("escalate") & catalog().service_mask("iam")
        return mask & left

    def is_about_itself(self, power: Power, mask: int) -> bool:
        """Tell whether a grant of power reaches the role's own: the fewer other things it names, the plainer it is."""
        known = catalog()
        if not mask & known.class_mask("escalate") & known.service_mask("iam"):
            return False
        return any(arn_matches(wildcards(r), own) for own in self._own for r in power.resources)

    @cached_property
    def _tested(self) -> Mapping[str, frozenset[str]]:
        """The condition keys that policies of the role test, with the values."""
        found: dict[str, set[str]] = {}
        for policy in self.role.policies() if self.role else ():
            for statement in policy.document.statements:
                for condition in statement.conditions:
                    found.setdefault(condition.key, set()).update(condition.values)
        return {key: frozenset(values) for key, values in found.items()}

    @cached_property
    def _tested_heads(self) -> frozenset[str]:
        return frozenset(key.partition("/")[0] for key in self._tested)

    def may_call(self, power: Power, mask: int, said: Mapping[str, str]) -> bool:
        """Tell whether the role can perform some actions, where a power reaches, in a call that says certain things.

        A value that a policy spells in another case is asked for as it is spelt there: AWS does not publish the case.
        """
        role = self.role
        near = {key.lower().partition("/")[0] for key in said}  # what a call says of one attribute tells of the others
        if role is None or near.isdisjoint(self._tested_heads):
            return True
        if all(_rules_out(ref.statement, said) for ref in power.granted_by):
            return False
        context = {
            key: min((v for v in self._tested.get(key.lower(), ()) if v.lower() == value.lower()), default=value)
            for key, value in said.items()
        }
        places: set[str | None] = set()
        for pattern in () if power.wide else power.resources:
            place = named_like(pattern, role.asked_arn)
            if can(role, mask, resource=place, who=self.actor).verdict == "yes":
                places.add(place)
            elif set(pattern) & {"*", "?"}:
                places.add(None)  # it leaves the service or the type open: what the actions are for is to be found
        return any(
            can(role, mask, resource=place, context=context, who=self.actor).verdict != "no"
            for place in places or (None,)
        )

    def may_pass_to(self, service: str, passing: int) -> bool:
        """Tell whether the role can pass some role to a service, by the action that does so."""
        known = self._passes.get(service)
        if known is None:
            said = {"iam:PassedToService": service}
            held = [power for power, mask in self.of(passing) if self.counted(power, mask)]
            # Without a gate any service will do; that is asked of all before the engine is.
            known = not all(power.gate for power in held) or any(self.may_call(p, passing, said) for p in held)
            self._passes[service] = known
        return known

    def is_conditioned(self, power: Power, table: ConditionTable) -> bool:
        """Tell whether what grants a power, a ceiling or a Deny demands one of some keys, and that means something."""
        if next(power.allowed_where, None) is None and not power.denied_where:
            return False
        from rolelint.rulebook.confining import conditioned

        return conditioned(power, table) and not self._writes_what_it_may_attach(power)

    def _writes_what_it_may_attach(self, power: Power) -> bool:
        """Tell whether the holder can make a policy to which a condition limits a power.

        A boundary that is named without wildcards is there already, and cannot be made once more.
        """
        create = catalog().expand("iam:CreatePolicy")
        written = [ref.statement.resources or ("*",) for mask, ref in self.allows if mask & create]
        role = self.role
        if role is None or not written:
            return False
        conditions = (*power.denied_where, *power.allowed_where)
        named = [
            value
            for condition in conditions
            for value in condition.values
            if condition.key == "iam:policyarn"
            or (condition.key == "iam:permissionsboundary" and set(value) & {"*", "?"})
        ]
        names = [named_like(pattern, role.asked_arn) for pattern in (*named, *(r for one in written for r in one))]
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
        any_account_counts: bool = False,
        prefer: Sequence[str] = (),
        selected: int = 0,
    ) -> Part:
        """Weigh some actions of a power: how many levels their terms lower the severity by.

        Args:
            statements: those that matter of the ones that grant it; all of them by default.
            production_counts: whether a name that says production counts as unscoped.
            any_account_counts: whether a pattern of roles to assume, in whatever account, counts as unscoped.
            selected: all actions that the rule asks for, to see whether the boundary takes some of them.
        """
        drop = 0
        reasons: list[str] = []
        production = production_counts and power.naming == "production"
        everywhere = any_account_counts and _in_any_account(power, mask)
        if not (power.wide or production or everywhere or self.is_about_itself(power, mask)):
            drop += 1
            reasons.append("limited to named resources" if power.scope == "named" else "limited to some resources")
        if power.set_apart and not production:
            drop += 1
            if not power.tag_limited:
                reasons.append("limited by what the resource belongs to")
            else:
                reasons.append("limited by an alias of the key" if by_alias(power) else "limited by a resource tag")
        elif power.wide and power.gate and self.is_conditioned(power, OWNED):
            drop += 1
            reasons.append("limited to what one service manages, or its holder made")
        if self.channel_blocked and not mask & ~self.channel_blocked:
            drop += 1
            reasons.append("denied through the tool channel")
        if selected & self.boundary_limit:
            drop += 1
            reasons.append("a permissions boundary takes part of it away")
        refs = power.granted_by if statements is None else tuple(statements)
        return Part(power, mask, drop, tuple(reasons), refs, tuple(prefer))


#: The tests of a text that `_rules_out` reads; it leaves the others to the engine.
_TESTS = frozenset(("StringEquals", "StringEqualsIgnoreCase", "StringLike"))


def _rules_out(statement: Statement, said: Mapping[str, str]) -> bool:
    """Tell at a glance whether an Allow demands another value of some key than a call says, whatever its case."""
    return any(
        key.lower() == condition.key
        and condition.operator in _TESTS
        and not (condition.if_exists or condition.quantifier)
        and not any("$" in v or glob(v.lower(), value.lower()) for v in condition.values)
        for condition in statement.conditions
        for key, value in said.items()
    )


def _in_any_account(power: Power, mask: int) -> bool:
    """Tell whether some actions of a power assume roles that a pattern names in every account."""
    if power.scope != "pattern" or not mask & catalog().service_mask("sts"):
        return False
    return any(resource.split(":", 5)[4:5] == ["*"] for resource in power.resources)


def by_alias(power: Power) -> bool:
    """Tell whether what limits a power like a tag are the aliases of keys."""
    conditions = (*power.denied_where, *power.allowed_where)
    return all(c.key == ALIASES for c in conditions if key_kind(c.key) == "resource-tag")


def widening() -> int:
    """Give the actions that write what an identity may do."""
    known = catalog()
    beyond = known.attribute_mask("B3") | known.attribute_mask("B4")
    writing = known.class_mask("escalate") & known.level_mask("Permissions management") & beyond
    return (writing | known.expand(_WRITING_IN)) & ~known.expand(_LETTING_IN)


def _weighed(held: tuple[Power, ...], subject: Subject) -> tuple[Power, ...]:
    """Leave out what a condition makes harmless."""
    known = catalog()
    changed = list(held)
    for action, key, values in HARMLESS:
        mask = known.expand(action)
        for i, power in enumerate(changed):
            if power.mask & mask and subject.is_conditioned(power, ((key, values),)):
                changed[i] = replace(power, mask=power.mask & ~mask)
    return tuple(p for p in changed if p.mask)


def _mentions(policies: Iterable[Policy], keys: frozenset[str]) -> bool:
    return any(
        c.key in keys for p in policies for s in p.document.statements if s.effect == "Deny" for c in s.conditions
    )


def _order(part: Part) -> tuple[int, bool, bool, bool, bool]:
    power = part.power
    return part.drop, power.certainty != "proved", not power.wide, power.scope == "named", bool(power.gate)


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
        leading = 0
        for part in alike:
            leading |= part.lead or part.mask
        index = worst(leading, alike[0].prefer)
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
    """Join hits that are needed together: the result is as severe as the least of them.

    The powers of the first that has any lead, those of the others complete it.
    """
    weakest = max(hits, key=lambda h: h.drop)
    lead = next((h for h in hits if h.parts), hits[0])
    fields: dict[str, str] = {}
    for hit in hits:
        fields.update(hit.fields)
    return hits[0].but(
        parts=lead.parts,
        others=tuple(p for h in hits for p in (*(h.parts if h is not lead else ()), *h.others)),
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
    return f"{text} and {counted(count, 'more action')}" if count > 0 else text


def _where(part: Part, index: int) -> str:
    power = part.power
    action = catalog().action(index)
    signature = action.signature
    types = signature.told
    if not types:
        return ""
    if power.wide:
        if on_hosts() >> index & 1:
            return " on any host"
        service, name = types[0].service, types[0].name
        if len(types) > 1 and not signature.required:
            # Of several types that it may be about, the one that it is called for: `listener/app` and `listener/net`.
            called = action.name.partition(":")[2].lower()
            nouns = (kind.name.replace("/", "-").partition("-")[0] for kind in reversed(types))
            name = next((noun for noun in nouns if noun.lower() in called), "resource")
        name = name.rstrip("/")
        return f" on any {name}" if service == name else f" on any {service} {name}"
    patterns = [r for r in power.resources if is_of_service(r, types[0].service)] or list(power.resources)
    first = f" on `{patterns[0]}`" if patterns else ""
    rest = len(patterns) - 1
    return f"{first} and {counted(rest, 'more place')}" if rest > 0 else first


def is_of_service(pattern: str, service: str) -> bool:
    """Tell whether a resource pattern may name something of a service."""
    fields = pattern.split(":", 3)
    return len(fields) < 3 or fields[2] == service or "*" in fields[2]
