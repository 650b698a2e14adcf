"""CloudFormation templates, with the SAM transform and what the CDK writes beside its templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rolelint.documents import Document
from rolelint.errors import InputError, Problem, Route
from rolelint.policies.role import Policy, PolicyType, Reading, Resource, Role
from rolelint.records import replace

if TYPE_CHECKING:
    from rolelint.readers import ReadContext
    from rolelint.readers.cloudformation.assembly import Assembly
    from rolelint.readers.cloudformation.template import Template


def recognise(document: Document) -> bool:
    """Tell whether a document is a template."""
    from rolelint.readers.cloudformation.template import is_template

    return is_template(document.data)


def read(document: Document, context: ReadContext) -> Reading:
    """Read the principals and policies of a template.

    Parameters take what `ReadContext.options["parameters"]` says (pseudo parameters too, and what the manifest of a CDK
    assembly says of the stack's account and Region), else each of their AllowedValues, else their Default. Branches
    that depend on a parameter nobody states are all read (`branches.read_document`). The account of a role is known
    only when somebody states it.
    """
    from rolelint.readers.cloudformation.assembly import Assembly
    from rolelint.readers.cloudformation.cdk import problems
    from rolelint.readers.cloudformation.guards import attached, policies
    from rolelint.readers.cloudformation.nested import Deployment, has_nested, read_nested
    from rolelint.readers.cloudformation.principals import principals
    from rolelint.readers.cloudformation.template import KNOWN_MACROS

    template = load(document, context)
    reading = Reading(problems=[*repeated_keys(document)])
    judged, nested = _concerns_iam(template), has_nested(template)
    if not judged and not nested:
        return reading
    deployment = Deployment(document, template, context) if nested else None
    if deployment is not None:
        template.output = deployment.output
    assembly = Assembly(document, template, context.memo)
    absent: list[Problem] = []
    if deployment is not None:
        inner, absent = read_nested(document, assembly, deployment)
        reading.take(inner)
        reading.roles = [role for role in reading.roles if not _is_taken(role, template)]
    if not judged:
        # With nothing else to judge, a template that is not here is all there is to say.
        empty = not (reading.roles or reading.policies)
        reading.problems += [replace(problem, kind="unknown") for problem in absent] if empty else absent
        return reading
    reading.problems += absent
    reading.problems += problems(context.base, document.file, context.memo)
    hanging = tuple(policies(assembly))
    assembly.on_resources = tuple(policy for policy in hanging if policy.type is PolicyType.RESOURCE)
    existing = environment(assembly)
    for role in principals(assembly):
        role.environment = existing
        reading.roles.append(role)
    reading.roles = [role for role in reading.roles if not _is_taken(role, template)]
    reading.policies += hanging
    reading.policies += _boundaries(assembly)
    reading.problems += attached(assembly)
    for macro in template.macros:
        if macro not in KNOWN_MACROS:
            location = document.locate(("Transform",))
            message = f"the macro `{macro}` may change the template when it is deployed"
            reading.problems.append(Problem(message, location, "check what the macro writes", "unknown"))
    for route, message in template.unread:
        reading.problems.append(Problem(message, document.locate(route), "", "unknown"))
    for route in template.not_unrolled:
        message = f"the resources of `{route[-1]}` depend on values that are not known"
        hint = "give the parameters with `--parameters`"
        reading.problems.append(Problem(message, document.locate(route), hint, "unknown"))
    return reading


def repeated_keys(document: Document) -> list[Problem]:
    """Say which keys stand twice in one object of a template; CloudFormation takes the last one.

    Raises:
        InputError: for a key inside a policy document, where nobody should have to know that.
    """
    found = []
    for again in document.repeated:
        place = document.location(again.start, again.end, again.route)
        if _in_policy(document.data, again.route):
            raise InputError(again.message, location=place, hint=again.hint)
        lost = _holds_policy(again.dropped) or again.route[-1] in _POWERS
        found.append(Problem(again.message, place, again.hint, "unknown" if lost else "warning"))
    return found


#: Properties that give power without a policy document of their own.
_POWERS = frozenset("ManagedPolicyArns ManagedPolicies Policies PermissionsBoundary Groups Roles Users".split())


def _in_policy(data: Any, route: Route) -> bool:
    """Tell whether a route leads into a policy document, or to a key of one."""
    for step in route:
        if isinstance(data, Mapping):
            if "Statement" in data:
                return True
            data = data.get(str(step))
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return False
    return False


def _holds_policy(data: Any) -> bool:
    """Tell whether a value holds a policy document, a principal, or what gives one power."""
    pending = [data]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            if "Statement" in value or not _POWERS.isdisjoint(value):
                return True
            if str(value.get("Type")).startswith(("AWS::IAM::", "AWS::SSO::")):
                return True
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return False


def load(document: Document, context: ReadContext) -> Template:
    """Make the template of a document: parameter values put in, loops unrolled, serverless resources expanded."""
    from rolelint.readers.cloudformation.cdk import stated
    from rolelint.readers.cloudformation.loops import unroll
    from rolelint.readers.cloudformation.parameters import declare, given
    from rolelint.readers.cloudformation.template import Template, section

    values = {**stated(context.base, document.file, context.memo), **given(context.options, context.memo)}
    data: Mapping[str, Any] = document.data
    template = Template(data, document.text, values)
    declare(template.parameters, context.memo)
    template.elsewhere = context.options.get("elsewhere", template.elsewhere)
    template.outer = context.options.get("outer")
    for resource in template.declared():
        template.resources[resource.id] = resource
    for name, body in section(data, "Resources").items():
        if isinstance(body, Mapping) and "Fn::Transform" in body and _may_be_iam(body.get("Type")):
            message = f"what a macro puts into `{name}` when the template is deployed is not known"
            template.unread.append((("Resources", name), message))
    unroll(template)
    if (
        any(resource.type.startswith("AWS::Serverless::") for resource in template.resources.values())
        or template.macros
    ):
        from rolelint.readers.cloudformation.sam import expand

        expand(template)
    return template


def _is_taken(role: Role, template: Template) -> bool:
    """Tell whether this is a lone policy that a principal of another template holds, and is judged with."""
    found = template.elsewhere
    place = (role.location.file, role.location.route)
    return role.kind == "policy" and (place in found.taken or any(id(policy) in found.held for policy in role.identity))


def environment(assembly: Assembly) -> tuple[Resource, ...]:
    """List the resources of the template that the catalogue knows by type."""
    from rolelint.readers.cloudformation.assembly import EVERY
    from rolelint.readers.cloudformation.kinds import arn_of, catalogue_type, protections, tags_of

    out = []
    for resource in assembly.template.resources.values():
        kind = catalogue_type(resource)
        if not kind or not assembly.existing(resource, EVERY):
            continue
        tags = tags_of(assembly.evaluator, resource) or {}
        arn = arn_of(assembly.evaluator, resource)
        guards = protections(assembly.evaluator, resource)
        out.append(Resource(arn, kind, resource.address, tags, guards))
    return tuple(out)


def _boundaries(assembly: Assembly) -> list[Policy]:
    """List managed policies of the template that serve only as permissions boundaries."""
    from rolelint.readers.cloudformation.assembly import EVERY

    out = []
    for resource in assembly.template.resources.values():
        if resource.id in assembly.bounding - assembly.used:
            base = assembly.existing(resource, EVERY)
            branches = assembly.spread(resource, "PolicyDocument", base)
            if base and branches:
                out.append(assembly.policy(resource, branches, base, PolicyType.BOUNDARY, resource.id, inline=False))
    return out


def _may_be_iam(kind: object) -> bool:
    """Tell whether a resource holds principals, or may hold them for what its type says."""
    prefixes = ("AWS::IAM::", "AWS::SSO::", "AWS::Organizations::", "AWS::Serverless::")
    return not isinstance(kind, str) or kind.startswith(prefixes)


def _concerns_iam(template: Template) -> bool:
    from rolelint.readers.cloudformation.guards import PERMISSIONS, resource_policy_types

    types = resource_policy_types()
    if template.unread:
        return True
    if any("AWS::IAM::" in str(body) for body, route in template.loops() if route in template.not_unrolled):
        return True
    for resource in template.resources.values():
        kind = resource.type
        if _may_be_iam(kind) or kind in types or kind in PERMISSIONS:
            return True
    return False
