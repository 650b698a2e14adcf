"""A role as the set engine sees it: layers of compiled statements that each must allow, and every Deny."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rolelint.algebra.strings import replenish, wildcards
from rolelint.catalog import catalog
from rolelint.engine.actors import Actor, Domain, account_like, key_domain
from rolelint.engine.compile import CompiledStatement, compile_document
from rolelint.engine.decision import NO_GRANT, ROLE_GRANT, grant_strength
from rolelint.engine.match import arn_matches
from rolelint.engine.request import PolicySet, Principal
from rolelint.engine.worlds import LINKED, REGION_KEYS, partitions_named, twin_of
from rolelint.errors import Location, Route
from rolelint.memory import memo
from rolelint.policies.document import PolicyDocument, Statement
from rolelint.policies.parse import parse_document
from rolelint.policies.role import EXAMPLE_ACCOUNT, Policy, Role
from rolelint.policies.text import OPEN
from rolelint.records import record, replace


class StatementRef(NamedTuple):
    """A statement at its place in the user's input."""

    policy: Policy
    statement: Statement

    @property
    def label(self) -> str:
        """What to call it: `policy-name/Sid` or `policy-name/Statement[2]`."""
        return f"{self.policy.name}/{self.statement.sid or f'Statement[{self.statement.index}]'}"

    def location(self, element: str = "", index: int | None = None) -> Location:
        """Find the place in the input.

        Args:
            element: `Action`, `Resource`, `Condition` ... of the statement; empty for the whole statement.
            index: for `Action`: the catalogue index of an action; the pattern that names it is pointed at.
        """
        return self.policy.locate(self.route(element, index))

    def route(self, element: str = "", index: int | None = None) -> Route:
        """Give the route of an element inside the policy document, as `location` points at it."""
        statement = self.statement
        route = statement.route
        if not element:
            return route
        if element == "Action":
            element = "NotAction" if statement.not_action else "Action"
            route = (*route, element)
            if index is not None and not statement.not_action and len(statement.actions) > 1:
                bit = 1 << index
                for i, text in enumerate(statement.actions):
                    if catalog().expand(text) & bit:
                        return (*route, i)
            return route
        if element == "Resource" and statement.not_resource:
            element = "NotResource"
        return (*route, element)


class Layer(NamedTuple):
    """Policies of which one must allow: the permissions boundary, a set of session policies, one SCP level.

    `unknown` says why the layer's content is not known, or is empty.
    """

    name: str
    statements: tuple[CompiledStatement, ...]
    unknown: str = ""


@record
class Scene:
    """What one question is asked about.

    Attributes:
        identity: Allow statements of the identity policies.
        layers: ceilings. denies: Deny statements of every layer.
        guessed: something that could only remove power is not known: every power is at most possible.
        also: the same role by way of resource policies that name it, under the ceilings that then count, and on
            resources of other accounts whose policies let it in.
        grant: how strongly, in such a scene: past all ceilings but SCPs, or past the identity policies only.
        told: what the question, and its actor of the keys that hang together, say of context keys.
        caller: who asks: a session of the role, or the user.
        account: the account of the resources: the role's own, unless the question names one of another account.
        partition: the role's; where it is not known, the only one that the policies name.
    """

    role: Role
    actor: Actor
    identity: tuple[CompiledStatement, ...]
    layers: tuple[Layer, ...]
    denies: tuple[CompiledStatement, ...]
    guessed: bool = False
    uncertain: bool = False
    pins: tuple[tuple[str, Domain], ...] = ()
    told: tuple[tuple[str, Domain], ...] = ()
    also: tuple[Scene, ...] = ()
    grant: int = NO_GRANT
    caller: Principal = Principal("anonymous")
    account: str = ""
    partition: str = ""

    def domain(self, key: str) -> Domain:
        """Give what a key can be, from the question's pins, the actor and the role."""
        for pinned, domain in self.pins:
            if twin_of(pinned) == twin_of(key):
                return domain
        if key in ("aws:resourceaccount", "s3:resourceaccount") and self.account != self.role.account:
            return Domain("always", (self.account,))
        return key_domain(key, self.actor, self.role, is_many(key))

    def facts(self, *statements: CompiledStatement) -> tuple[object, ...]:
        """Give everything beside statements that an answer depends on: equal facts give equal answers."""
        role = self.role
        plain = (self.actor.name, role.kind, self.partition, role.account, self.account, self.pins)
        if not any(s.personal for s in statements) and not any(
            s.personal for layer in self.layers for s in layer.statements
        ):
            return plain
        from rolelint.engine.tagging import chosen_tags

        tags = None if role.tags is None else tuple(sorted(role.tags.items()))
        trust = None if role.trust is None else compile_document(role.trust.document)
        return (*plain, role.arn, role.name, tags, trust, chosen_tags(role, self.actor))


def is_many(key: str) -> bool | None:
    """Tell whether the catalogue lists a key as multivalued; None where it does not list the key."""
    kind = catalog().key_type(key)
    return None if kind is None else kind.startswith("ArrayOf")


def scene(
    role: Role,
    actor: Actor,
    pins: tuple[tuple[str, Domain], ...] = (),
    resource: str | None = None,
    *,
    guards: bool = False,
    caller: Principal | None = None,
) -> Scene:
    """Compile a role for questions on behalf of an actor.

    Args:
        resource: the ARN that the question is about; the policy that hangs on it then counts in full.
        guards: whether the policies of all known resources count in full.
        caller: the only session of the role in question, whatever others are granted or denied.
    """
    replenish()
    asked = role
    denies: list[CompiledStatement] = []
    layers: list[Layer] = []

    def take(policies: tuple[Policy, ...]) -> tuple[list[CompiledStatement], str]:
        allows: list[CompiledStatement] = []
        unknown = ""
        for policy in policies:
            compiled = compile_document(policy.document)
            unknown = unknown or compiled.unknown
            for statement in compiled.statements:
                (denies if statement.statement.effect == "Deny" else allows).append(statement)
        return allows, unknown

    identity, _ = take(role.identity)
    for name, policies in _ceilings(role):
        allows, unknown = take(policies)
        layers.append(Layer(name, tuple(dict.fromkeys(allows)), unknown))
    keeping = (*identity, *(s for layer in layers for s in layer.statements), *(s for s in denies if s.not_resource))
    if role.trust is not None and role.arn and (guards or _concerns_itself(role, role.trust, resource, keeping)):
        # Whether the role may assume itself, its trust policy decides, as the policy of a resource (S6.49).
        role = replace(role, resource_policies=(*role.resource_policies, replace(role.trust, resource=role.arn)))
    foreign = ""
    if role.resource_policies and resource:
        from rolelint.engine.guarded import foreign_account

        foreign = foreign_account(role, resource)
    if role.rcps and foreign:
        layers.append(Layer(f"set of RCPs of account {foreign}", (), "the known ones are of the role's account"))
    elif role.rcps and not role.service_linked and not role.management_account:  # S6.20 to S6.22
        for policy in role.rcps:
            for statement in compile_document(policy.document).statements:
                if statement.statement.effect == "Deny":
                    denies.append(_limit_rcp(statement))
            if policy.document.unknown:
                layers.append(Layer("set of RCPs", (), policy.document.unknown))
    partition = role.partition or (resource.split(":", 2)[1] if resource and resource.startswith("arn:") else "")
    if not partition:
        partition = _only_partition([*identity, *denies, *(s for layer in layers for s in layer.statements)])
    if not role.partition and partition not in ("", "aws"):
        role = replace(role, partition=partition)
    base = Scene(role, actor, tuple(dict.fromkeys(identity)), tuple(layers), tuple(dict.fromkeys(denies)))
    told = (*pins, *((key, domain) for key, domain in actor.keys.items() if key in LINKED))
    asks = caller or request_principal(role)
    base = replace(base, pins=pins, told=told, caller=asks, account=role.account, partition=partition)
    if not role.resource_policies:
        return _told(base)
    from rolelint.engine import guarded

    named = role.resource_policies if guards else tuple(guarded.guards_named(role, resource))
    for policy in named:
        denies += guarded.denied(policy, base.caller, bounded=role.boundary is not None)
    above = (*layers, *guarded.guarding_layers(role, base.caller, named, resource))
    own = replace(base, layers=above, denies=tuple(dict.fromkeys(denies)), account=foreign or role.account)
    if caller is None:
        also = [] if foreign else guarded.granted_ways(base)
        also += guarded.other_sessions(base, own, named, resource)
        for arn in guarded.open_abroad(asked, base.caller) if resource is None else ():
            abroad = scene(asked, actor, pins, arn)
            also += (abroad, *abroad.also)
    else:
        also = [] if foreign else guarded.own_ways(replace(base, denies=own.denies))
        own = replace(own, denies=also[0].denies) if also else own
    return _told(replace(own, also=tuple(map(_told, also))))


def _ceilings(role: Role) -> Iterator[tuple[str, tuple[Policy, ...]]]:
    """List the policies around those of a role, by layer: of each layer one must allow."""
    if role.boundary is not None:
        yield "permissions boundary", (role.boundary,)
    if role.session is not None:
        yield "session policy", role.session
    if role.scps is not None and not role.service_linked and not role.management_account:  # S6.14, S6.15
        yield from ((f"SCP level {i}", level) for i, level in enumerate(role.scps))


def stranger(role: Role, resource: str) -> str:
    """Give the account of a resource where it is another than the role's and nothing is known of whom it lets in.

    Of IAM's own resources none lets in others, but for roles that are assumed (S6.38).
    """
    fields = resource.split(":", 5)
    account = fields[4] if len(fields) == 6 and fields[2] != "iam" else ""
    if not role.account or account == role.account or not account or account_like(account) != account:
        return ""
    if role.resource_policies:
        from rolelint.engine.guarded import guard_of

        return "" if guard_of(role, resource) else account
    return account


def no_wider(after: Scene, before: Scene) -> bool:
    """Tell whether one scene has every ceiling and every Deny of the other."""
    return (after.layers == before.layers or set(before.layers) <= set(after.layers)) and (
        after.denies == before.denies or set(before.denies) <= set(after.denies)
    )


def _concerns_itself(role: Role, trust: Policy, resource: str | None, keeping: Iterable[CompiledStatement]) -> bool:
    """Tell whether a role is among the resources of a question: by it, by its own trust, or by other statements.

    Args:
        keeping: the statements that may keep the holder to what they name.
    """
    name = role.arn[role.arn.rfind(":") :]
    named = (text for s in keeping for text in s.resources or () if text.endswith(name))
    if resource == role.arn or any(arn_matches(wildcards(text), role.arn) for text in named):
        return True
    caller = request_principal(role)
    sessions = caller.arn.rpartition("/")[0] + "/"
    return any(
        s.effect == "Allow"
        and (grant_strength(s, caller) >= ROLE_GRANT or any(v.startswith(sessions) for _, v in s.principals or ()))
        for s in trust.document.statements
    )


def _told(stage: Scene) -> Scene:
    """Work out what follows from the statements of a scene."""
    layers = stage.layers
    everything = [*stage.identity, *stage.denies, *(s for layer in layers for s in layer.statements)]
    return replace(
        stage,
        guessed=any(layer.unknown for layer in layers) or any(not u.widens for u in stage.role.unknowns),
        uncertain=any(s.uncertain for s in everything),
        partition=stage.partition or _only_partition(everything),
    )


def _only_partition(statements: list[CompiledStatement]) -> str:
    """Give the partition where all ARNs that have one agree, or else all Regions: policies are written for one."""
    texts = (r for s in statements for r in s.resources or () if r.startswith("arn:"))
    found = {
        partition for r in texts if (partition := r.split(":", 2)[1]) and not set(partition) & {"*", "?", "$", OPEN}
    }
    if not found:
        tests = (c.condition for s in statements for c in s.conditions if c.key in REGION_KEYS)
        found.update(partitions_named(v for test in tests for v in test.values))
    return found.pop() if len(found) == 1 else ""


_rcp_memo: dict[CompiledStatement, CompiledStatement] = memo()


def _limit_rcp(statement: CompiledStatement) -> CompiledStatement:
    """Keep the actions of an RCP that belong to services with RCP support (S6.23)."""
    found = _rcp_memo.get(statement)
    if found is None:
        from copy import copy

        known = catalog()
        mask = known.expand_all(f"{prefix}:*" for prefix in known.rcp_services) & ~known.expand("kms:RetireGrant")
        found = copy(statement)
        found.mask = statement.mask & mask
        found.possible_mask = statement.possible_mask & mask
        _rcp_memo[statement] = found
    return found


def request_principal(role: Role) -> Principal:
    """Give the caller that a witness speaks of: a session of the role, or the user."""
    partition = role.partition or "aws"
    account = role.account or EXAMPLE_ACCOUNT
    if role.kind == "user":
        return Principal("user", arn=role.asked_arn, account=account, management_account=role.management_account)
    role_arn = role.asked_arn
    name = role_arn.rpartition("/")[2]
    return Principal(
        "role_session",
        arn=f"arn:{partition}:sts::{account}:assumed-role/{name}/session",
        role_arn=role_arn,
        account=account,
        service_linked=role.service_linked,
        management_account=role.management_account,
    )


def policy_set(role: Role, resource: PolicyDocument | None = None) -> PolicySet:
    """Give every policy of a role in the form that `decide` takes."""
    return PolicySet(
        identity=tuple(p.document for p in role.identity),
        boundary=role.boundary.document if role.boundary else None,
        session=None if role.session is None else tuple(p.document for p in role.session),
        scps=None if role.scps is None else tuple(tuple(p.document for p in level) for level in role.scps),
        rcps=None if role.rcps is None else tuple(p.document for p in role.rcps),
        resource=resource,
    )


def delegating_policy(role: Role) -> PolicyDocument:
    """Make the key or trust policy that is taken for granted where none is known: it delegates to the account."""
    partition = role.partition or "aws"
    account = role.account or "123456789012"
    return parse_document(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
                    "Action": "*",
                    "Resource": "*",
                }
            ],
        }
    )
