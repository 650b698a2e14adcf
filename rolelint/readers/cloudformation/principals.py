"""Roles, users, groups, permission sets and lone policies of a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolelint.policies.role import PolicyType, Role, Unknown
from rolelint.policies.text import has_unknown, show
from rolelint.readers.cloudformation.assembly import ATTACHED, EVERY, Assembly, Parts, known_arn
from rolelint.readers.cloudformation.branches import Branch, Scenarios
from rolelint.readers.cloudformation.guards import naming
from rolelint.readers.cloudformation.kinds import arn_of, physical_name, tags_of
from rolelint.readers.cloudformation.template import Declared
from rolelint.records import replace


def principals(assembly: Assembly) -> Iterator[Role]:
    """Read every role, user, group without members and lone policy of the template, in order of appearance."""
    populated: set[str] = set()
    for resource in assembly.template.resources.values():
        if resource.type == "AWS::IAM::User":
            for name in _groups(assembly, resource):
                populated.add(name)
    lone: list[Declared] = []
    for resource in assembly.template.resources.values():
        if resource.type == "AWS::IAM::Role":
            yield from _role(assembly, resource)
        elif resource.type == "AWS::IAM::User":
            yield from _user(assembly, resource)
        elif resource.type == "AWS::IAM::Group":
            if physical_name(assembly.evaluator, resource) not in populated:
                yield from _group(assembly, resource)
        elif resource.type == "AWS::SSO::PermissionSet":
            yield from _permission_set(assembly, resource)
        elif resource.type in ATTACHED:
            lone.append(resource)
    for resource in lone:
        yield from _lone(assembly, resource)


def _made(assembly: Assembly, resource: Declared, kind: str, name: str, parts: Parts, **more: Any) -> Role:
    title = resource.id if not name or has_unknown(name) else name
    if "Fn::Transform" in resource.properties:
        reason = f"a macro adds properties to `{resource.id}` when the template is deployed"
        where = assembly.location(resource, "Properties", "Fn::Transform")
        parts.unknowns.append(Unknown("properties", reason, where))
    arn = arn_of(assembly.evaluator, resource) if kind in ("role", "user") and assembly.account_known else ""
    role = Role(
        kind=kind,
        name=title,
        location=assembly.location(resource),
        arn=known_arn(arn),
        account=assembly.account,
        partition=assembly.partition,
        identity=tuple(parts.identity),
        unknowns=tuple(parts.unknowns),
        resource_policies=assembly.on_resources,
        **more,
    )
    if kind in ("role", "user"):
        arns = [arn_of(evaluator, resource) for evaluator in assembly.named_by(resource)]
        role.resource_policies = naming(assembly.on_resources, arns, role.asked_arn)
    return role


def _role(assembly: Assembly, resource: Declared) -> Iterator[Role]:
    base = assembly.existing(resource, EVERY)
    if not base:
        return
    parts = Parts()
    _of_principal(assembly, "role", resource, base, parts)
    boundary = assembly.boundary(resource, assembly.spread(resource, "PermissionsBoundary", base), base, parts)
    trust = None
    branches = assembly.spread(resource, "AssumeRolePolicyDocument", base)
    if branches:
        trust = assembly.policy(resource, branches, base, PolicyType.TRUST, f"trust policy of {resource.id}")
    if trust is None or (trust.document.unknown and not trust.document.statements):
        reason = trust.document.unknown if trust else "the role has no AssumeRolePolicyDocument"
        where = trust.locate(()) if trust else assembly.location(resource)
        parts.unknowns.append(Unknown("trust policy", reason, where))
    name = physical_name(assembly.evaluator, resource)
    tags = tags_of(assembly.evaluator, resource)
    yield _made(assembly, resource, "role", name, parts, boundary=boundary, trust=trust, tags=tags)


def _groups(assembly: Assembly, user: Declared) -> list[str]:
    names = [name for name, _ in assembly.names(user, "Groups", EVERY)]
    for addition, _ in assembly.named.get(("user", physical_name(assembly.evaluator, user)), ()):
        if addition.type == "AWS::IAM::UserToGroupAddition":
            names += [name for name, _ in assembly.names(addition, "GroupName", EVERY)]
    return list(dict.fromkeys(names))


def _user(assembly: Assembly, resource: Declared) -> Iterator[Role]:
    base = assembly.existing(resource, EVERY)
    if not base:
        return
    parts = Parts()
    _of_principal(assembly, "user", resource, base, parts)
    for name in _groups(assembly, resource):
        group = assembly.declared.get(("group", name))
        if group is not None:
            _of_principal(assembly, "group", group, base, parts)
            continue
        reason = f"the policies of group `{show(name)}` are not in the template"
        parts.unknowns.append(Unknown("attached policy", reason, assembly.location(resource, "Properties", "Groups")))
    boundary = assembly.boundary(resource, assembly.spread(resource, "PermissionsBoundary", base), base, parts)
    name = physical_name(assembly.evaluator, resource)
    tags = tags_of(assembly.evaluator, resource)
    yield _made(assembly, resource, "user", name, parts, boundary=boundary, tags=tags)


def _of_principal(assembly: Assembly, kind: str, resource: Declared, base: Scenarios, parts: Parts) -> None:
    assembly.inline(resource, base, parts)
    assembly.attached(resource, assembly.items(resource, "ManagedPolicyArns", base), base, parts)
    assembly.hanging(kind, resource, base, parts)


def _group(assembly: Assembly, resource: Declared) -> Iterator[Role]:
    base = assembly.existing(resource, EVERY)
    parts = Parts()
    _of_principal(assembly, "group", resource, base, parts)
    if base and (parts.identity or parts.unknowns):
        yield _made(assembly, resource, "policy", physical_name(assembly.evaluator, resource), parts)


def _lone(assembly: Assembly, resource: Declared) -> Iterator[Role]:
    """Read a policy that names a principal outside the template, or none."""
    if resource.type == "AWS::IAM::ManagedPolicy" and resource.id in assembly.used | assembly.bounding:
        return
    base = assembly.existing(resource, EVERY)
    named = [
        (kind, principal)
        for name, kind in ATTACHED[resource.type]
        for principal, _ in assembly.names(resource, name, EVERY)
    ]
    if not base or (named and all(pair in assembly.declared for pair in named)):
        return
    parts = Parts()
    if resource.type == "AWS::IAM::ManagedPolicy":
        parts.identity.append(assembly.declared_policy(resource, base, base, parts))
        name = physical_name(assembly.evaluator, resource)
    else:
        name = assembly.single(resource, "PolicyName")
        branches = assembly.spread(resource, "PolicyDocument", base)
        policy = assembly.policy(resource, branches, base, PolicyType.IDENTITY, name or resource.id)
        assembly.note_unknown(policy, "inline policy", parts)
        parts.identity.append(policy)
    if assembly.template.outer is not None:
        from rolelint.readers.cloudformation.nested import as_above

        above, stack = assembly.template.outer
        for kind, principal in named:
            known = as_above(principal, assembly.template)
            if known and (kind, principal) not in assembly.declared:
                above.hung.setdefault((kind, known), []).append((parts.identity[0], stack))
    yield _made(assembly, resource, "policy", name, parts)


def _permission_set(assembly: Assembly, resource: Declared) -> Iterator[Role]:
    base = assembly.existing(resource, EVERY)
    if not base:
        return
    parts = Parts()
    branches = assembly.spread(resource, "InlinePolicy", base)
    if branches:
        policy = assembly.policy(resource, branches, base, PolicyType.IDENTITY, "inline policy")
        assembly.note_unknown(policy, "inline policy", parts)
        parts.identity.append(policy)
    assembly.attached(resource, assembly.items(resource, "ManagedPolicies", base), base, parts)
    for branch in assembly.items(resource, "CustomerManagedPolicyReferences", base):
        _customer_reference(assembly, resource, branch, base, parts)
    boundary = None
    for branch in assembly.spread(resource, "PermissionsBoundary", base):
        node = branch.node if isinstance(branch.node, Mapping) else {}
        if "ManagedPolicyArn" in node:
            inner = replace(branch, node=node["ManagedPolicyArn"], route=(*branch.route, "ManagedPolicyArn"))
            boundary = assembly.boundary(resource, [inner], base, parts)
        else:
            reason = "the permissions boundary is a customer managed policy of each account"
            location = assembly.document.locate(branch.route, resource.address)
            parts.unknowns.append(Unknown("permissions boundary", reason, location, widens=False))
    yield _made(assembly, resource, "permission-set", assembly.single(resource, "Name"), parts, boundary=boundary)


def _customer_reference(assembly: Assembly, resource: Declared, branch: Branch, base: Scenarios, parts: Parts) -> None:
    node = branch.node if isinstance(branch.node, Mapping) else {}
    name = assembly.evaluator.known(node.get("Name", ""), bindings=branch.bindings)
    for declared in assembly.managed.values():
        if physical_name(assembly.evaluator, declared) == name:
            assembly.used.add(declared.id)
            parts.identity.append(assembly.declared_policy(declared, branch.scenarios, base, parts))
            return
    reason = f"customer managed policy `{show(str(name))}` is not in the template"
    assembly.unknown_policy(resource, branch, "attached policy", reason, parts)
