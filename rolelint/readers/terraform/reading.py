"""Make the reading of a Terraform world: principals, lone policies, and how they were before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

from rolelint.policies.document import Statement
from rolelint.policies.role import Policy, PolicyType, Reading, Role
from rolelint.policies.text import unknown
from rolelint.readers.policy import kind_of
from rolelint.readers.terraform.assemble import MANAGED, Assembler
from rolelint.readers.terraform.named import Named, Spoken, spoken
from rolelint.readers.terraform.organization import Organization
from rolelint.readers.terraform.principals import Inline, Principal
from rolelint.readers.terraform.references import call_names
from rolelint.readers.terraform.resource_policies import resource_policies
from rolelint.readers.terraform.world import Instance, World
from rolelint.records import replace


def assemble(
    after: World,
    before: World | None,
    memo: dict[Any, Any],
    changed_only: bool = False,
) -> Reading:
    """Read the roles and lone policies of a world, each role with itself as it was before.

    Args:
        changed_only: leave out lone policies that are the same before.
        before: the world before the change, or None where there is no change to speak of.
        memo: parsed documents by their text.
    """
    earlier: dict[Principal, Role] = {}
    old: Assembler | None = None
    given: list[Spoken] = []
    guarded: list[Policy] = []
    if before is not None:
        old = Assembler(before, memo)
        given = [spoken(*found) for found in resource_policies(old)]
        organization = Organization(old, memo)
        guarded = organization.policies
        for principal, role in zip(old.principals(), old.roles(), strict=True):
            role.resource_policies = _around(role, principal, given, before)
            organization.limit(role, principal.instance.provider)
            earlier[principal] = role
    new = Assembler(after, memo, old.registry if old else None)
    reading = Reading()
    resource = [spoken(*found) for found in resource_policies(new, old, reading.problems)]
    organization = Organization(new, memo, reading.problems)
    for principal, role in zip(new.principals(), new.roles(), strict=True):
        was = old.registry.counterpart(principal, after) if old else None
        role.before = earlier.get(was) if was is not None else None
        role.resource_policies = _around(role, principal, resource, after)
        organization.limit(role, principal.instance.provider)
        reading.roles.append(role)
    reading.problems.extend(organization.unfollowed())
    earlier_lost = list(old.lost()) if old else []
    _tell_apart(earlier_lost)
    lost = list(new.lost())
    _tell_apart(lost)
    before_of = {role.id: role for role in earlier_lost}
    for role in lost:
        role.before = before_of.get(role.id)
        reading.roles.append(role)
    # What limits a role is judged with it.
    lone = [said.policy for said in resource] + [p for p in organization.policies if p not in organization.applied]
    if changed_only and old is not None:
        same = {(s.policy.type, s.policy.name, s.policy.document) for s in given}
        same |= {(p.type, p.name, p.document) for p in guarded}
        lone = [p for p in lone if (p.type, p.name, p.document) not in same]
    reading.policies.extend(lone)
    for instance in after.instances.values():
        if instance.type in MANAGED and instance.mode == "managed" and instance.address not in new.used:
            role = _lone(new, instance)
            counterpart = old.counterpart(instance, after) if old is not None else None
            if old is not None and counterpart is not None:
                role.before = _lone(old, counterpart)
            reading.roles.append(role)
    _loose_documents(new, reading)
    _tell_apart(reading.roles)
    return reading


def _tell_apart(roles: Sequence[Role]) -> None:
    """Give each of the roles that one resource names, or that share a name, an `id` of its own."""
    shared = Counter(role.id for role in roles)
    seen: Counter[str] = Counter()
    for role in roles:
        if not role.arn and not role.label and shared[role.id] > 1:
            name = f"{role.location.address}#{role.kind}/{role.name}"
            seen[name] += 1
            role.label = name if seen[name] == 1 else f"{name}/{seen[name]}"


def _around(role: Role, principal: Principal, found: Sequence[Spoken], world: World) -> tuple[Policy, ...]:
    """List the resource policies of a role's own account, and those of others that name it."""
    account = world.account(principal.instance.provider)
    named = Named(role, principal, world)
    out: list[Policy] = []
    for said in found:
        same = named.told(said)
        if world.account(said.provider) == account or any(
            value == role.asked_arn for s in same.document.statements for _, value in s.principals or ()
        ):
            out.append(same)
    return tuple(out)


def _lone(assembler: Assembler, instance: Instance) -> Role:
    """Look at a managed policy that nothing here uses as if a role held it."""
    policy = assembler.managed(instance, PolicyType.IDENTITY)
    return assembler.lone(policy, instance, (MANAGED[instance.type],))


def _loose_documents(assembler: Assembler, reading: Reading) -> None:
    """Add the policy documents that nothing uses, by what they look like.

    A plan does not tell what locals refer to: in a module that has some, a document whose statements another policy
    holds is used for that.
    """
    world = assembler.world
    held: list[frozenset[Statement]] | None = None
    for instance in world.instances.values():
        if instance.type != "aws_iam_policy_document" or instance.address in assembler.used:
            continue
        head = "".join(f"module.{name}." for name in call_names(instance.module))
        if world.referenced is not None and f"{head}data.{instance.type}.{instance.name}" in world.referenced:
            continue
        # Only a plan holds the finished text; the source holds the statements that it is made of.
        text = instance.values.get("json") or unknown(f"{instance.address}.json")
        policy = assembler.policy(PolicyType.IDENTITY, Inline(instance.name, text, instance, ("json",)))
        if head in world.with_locals:
            if held is None:
                others = chain(
                    reading.policies,
                    *((*r.identity, *r.resource_policies, *filter(None, (r.boundary, r.trust))) for r in reading.roles),
                )
                held = [_statements(other) for other in others]
            said = _statements(policy)
            if said and any(said <= other for other in held):
                continue
        kind = kind_of(policy.document)
        if kind is not PolicyType.IDENTITY:
            reading.policies.append(Policy(kind, policy.name, policy.document, policy.locate))
        elif policy.document.statements or policy.document.unknown:
            reading.roles.append(assembler.lone(policy, instance, ("json",)))


def _statements(policy: Policy) -> frozenset[Statement]:
    """Give what the statements of a policy say, wherever in it they stand."""
    return frozenset(replace(s, index=0, lone=False) for s in policy.document.statements)
