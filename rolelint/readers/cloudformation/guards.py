"""Policies of a template that hang on resources or on the organization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rolelint.errors import Problem
from rolelint.policies.document import PrincipalEntry, Statement
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType, with_principals
from rolelint.policies.text import has_unknown, show, unknown
from rolelint.readers.cloudformation.assembly import EVERY, Assembly
from rolelint.readers.cloudformation.branches import Branch, Places, spread
from rolelint.readers.cloudformation.kinds import arn_of
from rolelint.readers.cloudformation.template import Declared
from rolelint.readers.parts import unfollowed
from rolelint.records import replace

# Columns: type, route of the policy document below Properties, and where the resource's ARN comes from: `.` for the
# resource itself, else a property with an ARN, a name put into the ARN after `=`, or nothing.
_TABLE = """
AWS::ApiGateway::RestApi Policy .
AWS::Backup::BackupVault AccessPolicy .
AWS::BackupGateway::Hypervisor AccessPolicy
AWS::CloudTrail::ResourcePolicy ResourcePolicy ResourceArn
AWS::CodeArtifact::Domain PermissionsPolicyDocument
AWS::CodeArtifact::Repository PermissionsPolicyDocument
AWS::CodeBuild::ReportGroup ResourcePolicy
AWS::DynamoDB::Table ResourcePolicy/PolicyDocument .
AWS::ECR::RegistryPolicy PolicyText
AWS::ECR::Repository RepositoryPolicyText .
AWS::EFS::FileSystem FileSystemPolicy .
AWS::Elasticsearch::Domain AccessPolicies .
AWS::Events::EventBus Policy .
AWS::Events::EventBusPolicy Statement EventBusName=events:RA:event-bus/
AWS::Kinesis::ResourcePolicy ResourcePolicy ResourceArn
AWS::KMS::Key KeyPolicy .
AWS::KMS::ReplicaKey KeyPolicy .
AWS::Logs::Destination DestinationPolicy
AWS::Logs::ResourcePolicy PolicyDocument
AWS::MediaStore::Container Policy
AWS::OpenSearchService::Domain AccessPolicies .
AWS::S3::AccessPoint Policy .
AWS::S3::BucketPolicy PolicyDocument Bucket=s3:::
AWS::S3::MultiRegionAccessPointPolicy Policy
AWS::S3Express::BucketPolicy PolicyDocument Bucket=s3express:RA:bucket/
AWS::S3ObjectLambda::AccessPointPolicy PolicyDocument
AWS::S3Outposts::BucketPolicy PolicyDocument
AWS::S3Tables::TableBucketPolicy ResourcePolicy TableBucketARN
AWS::S3Tables::TablePolicy ResourcePolicy TableARN
AWS::SecretsManager::ResourcePolicy ResourcePolicy SecretId
AWS::SNS::TopicInlinePolicy PolicyDocument TopicArn
AWS::SNS::TopicPolicy PolicyDocument Topics
AWS::SQS::QueueInlinePolicy PolicyDocument Queue
AWS::SQS::QueuePolicy PolicyDocument Queues
AWS::VpcLattice::AuthPolicy Policy
AWS::VpcLattice::ResourcePolicy Policy ResourceArn
AWS::XRay::ResourcePolicy PolicyDocument
"""
_ROWS: dict[str, tuple[tuple[str, ...], str]] = {}

_ORGANIZATION = {
    "SERVICE_CONTROL_POLICY": PolicyType.SCP,
    "RESOURCE_CONTROL_POLICY": PolicyType.RCP,
}
PERMISSIONS = ("AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission")


def resource_policy_types() -> Mapping[str, tuple[tuple[str, ...], str]]:
    """Give the table of resource policies: where the document is and which resource it hangs on."""
    if not _ROWS:
        for line in _TABLE.split("\n"):
            if line:
                type_, route, *arn = line.split(" ")
                _ROWS[type_] = (tuple(route.split("/")), arn[0] if arn else "")
    return _ROWS


def policies(assembly: Assembly) -> Iterator[Policy]:
    """Read the policies that hang on resources or on the organization, in order of appearance."""
    for resource in assembly.template.resources.values():
        row = resource_policy_types().get(resource.type)
        if row is not None:
            yield from _resource_policy(assembly, resource, *row)
        elif resource.type in PERMISSIONS:
            yield from _permission(assembly, resource)
        elif resource.type == "AWS::Organizations::Policy":
            yield from _organization(assembly, resource)
        elif resource.type == "AWS::Organizations::ResourcePolicy":
            yield from _resource_policy(assembly, resource, ("Content",), "")


def _resource_policy(assembly: Assembly, resource: Declared, steps: tuple[str, ...], source: str) -> Iterator[Policy]:
    base = assembly.existing(resource, EVERY)
    if not base or steps[0] not in resource.properties:
        return
    branches = assembly.spread(resource, steps[0], base)
    for step in steps[1:]:
        inner: list[Branch] = []
        for branch in branches:
            if isinstance(branch.node, Mapping) and step in branch.node:
                route = (*branch.route, step)
                inner += spread(assembly.evaluator, branch.node[step], route, branch.bindings, branch.scenarios)
        branches = inner
    # An empty text is no policy: what is made of a configuration writes it.
    branches = [branch for branch in branches if branch.node != ""]
    if not branches:
        return
    if resource.type == "AWS::Events::EventBusPolicy":
        # The property holds one statement, not a document.
        branches = [replace(b, node={"Version": "2012-10-17", "Statement": b.node}) for b in branches]
        policy = assembly.policy(resource, branches, base, PolicyType.RESOURCE, resource.id, inline=True)
        route = branches[0].route
        places = Places(assembly.document, {("Statement",): route, (): route}, resource.address)
        policy = replace(policy, locate=places)
    else:
        policy = assembly.policy(resource, branches, base, PolicyType.RESOURCE, resource.id)
    arns = _hangs_on(assembly, resource, source)
    for arn in arns or [""]:
        yield replace(policy, resource=arn)


def _hangs_on(assembly: Assembly, resource: Declared, source: str) -> list[str]:
    if not source:
        return []
    if source == ".":
        return [arn_of(assembly.evaluator, resource)]
    name, _, prefix = source.partition("=")
    out = []
    for text, _ in assembly.names(resource, name, EVERY):
        if text.startswith("arn:"):
            out.append(text)
        elif prefix:
            out.append(_arn(assembly, prefix, text))
        elif text.startswith("https://sqs."):
            region, _, rest = text.removeprefix("https://sqs.").partition(".")
            _, account, queue = [*rest.split("/"), "", ""][:3]
            out.append(f"arn:{assembly.evaluator.pseudo('AWS::Partition')}:sqs:{region}:{account}:{queue}")
        else:
            out.append(text if has_unknown(text) else "")
    return out


def _arn(assembly: Assembly, prefix: str, name: str) -> str:
    partition, region, account = (
        str(assembly.evaluator.pseudo(f"AWS::{part}")) for part in ("Partition", "Region", "AccountId")
    )
    return f"arn:{partition}:{prefix.replace(':RA:', f':{region}:{account}:')}{name}"


def naming(policies: tuple[Policy, ...], arns: Sequence[str], own: str) -> tuple[Policy, ...]:
    """Name a principal in policies by the ARN that requests know it by.

    Args:
        arns: ARNs that the template may give the principal, with parts that are not known.
        own: what stands for it in requests (`Role.asked_arn`).
    """
    renamed = {arn: own for arn in arns if arn != own}
    heads = {_sessions(arn): _sessions(own) for arn in renamed if ":role/" in arn}

    def name(_: Statement, entry: PrincipalEntry) -> PrincipalEntry:
        text = renamed.get(entry.value, entry.value)
        for head, mine in heads.items():
            if text.startswith(head):
                text = mine + text.removeprefix(head)
        return entry if text == entry.value else PrincipalEntry(entry.kind, text)

    return tuple(with_principals(policy, name) for policy in policies) if renamed else policies


def _sessions(role: str) -> str:
    """Give the head of the ARNs of a role's sessions."""
    head, _, name = role.replace(":iam:", ":sts:", 1).partition(":role/")
    return f"{head}:assumed-role/{name.rpartition('/')[2]}/"


def _permission(assembly: Assembly, resource: Declared) -> Iterator[Policy]:
    """Write the statement that Lambda adds to the function's policy for an `AWS::Lambda::Permission`."""
    base = assembly.existing(resource, EVERY)
    if not base:
        return
    value = {name: assembly.single(resource, name) for name in resource.properties}
    layer = resource.type == "AWS::Lambda::LayerVersionPermission"
    target = value.get("LayerVersionArn" if layer else "FunctionName", "") or unknown(resource.id)
    if not layer and not target.startswith("arn:"):
        target = _arn(assembly, "lambda:RA:function:", target)
    principal = value.get("Principal", "") or "*"
    statement: dict[str, Any] = {
        "Sid": resource.id,
        "Effect": "Allow",
        "Principal": _principal(principal),
        "Action": value.get("Action", "") or "lambda:InvokeFunction",
        "Resource": target,
    }
    condition: dict[str, dict[str, str]] = {}
    for name, operator, key in (
        ("SourceArn", "ArnLike", "AWS:SourceArn"),
        ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
        ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("OrganizationId", "StringEquals", "aws:PrincipalOrgID"),
        ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
        ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ):
        if value.get(name):
            condition.setdefault(operator, {})[key] = value[name]
    if condition:
        statement["Condition"] = condition
    document = parse_document({"Version": "2012-10-17", "Statement": [statement]})
    top = (*resource.route, "Properties")
    moves = {
        (): resource.route,
        ("Statement", 0): top,
        ("Statement", 0, "Principal"): (*top, "Principal"),
        ("Statement", 0, "Action"): (*top, "Action"),
        ("Statement", 0, "Resource"): (*top, "LayerVersionArn" if layer else "FunctionName"),
    }
    places = Places(assembly.document, moves, resource.address)
    yield Policy(PolicyType.RESOURCE, resource.id, document, places, resource=target)


def _principal(text: str) -> Any:
    if text == "*":
        return "*"
    if text.startswith("arn:") or text.isdecimal() or (has_unknown(text) and not text.endswith(".com")):
        return {"AWS": text}
    return {"Service": text}


def _organization(assembly: Assembly, resource: Declared) -> Iterator[Policy]:
    kind = _ORGANIZATION.get(assembly.single(resource, "Type"))
    base = assembly.existing(resource, EVERY)
    if kind is None or not base:
        return
    branches = assembly.spread(resource, "Content", base)
    name = assembly.single(resource, "Name") or resource.id
    yield assembly.policy(resource, branches, base, kind, show(name), inline=False)


def attached(assembly: Assembly) -> Iterator[Problem]:
    """Tell of the first SCP or RCP that the template attaches: it limits no role of the template for sure.

    The stack stands in the management account, which nothing limits (S6.14, S6.22), or in one to which that delegates
    policies. Nothing in a template tells which, or in which unit the account is.
    """
    # AWS: orgs_delegate_policies.html, "delegate policy management for Organizations to specified member accounts".
    for resource in assembly.template.resources.values():
        if resource.type != "AWS::Organizations::Policy" or assembly.single(resource, "Type") not in _ORGANIZATION:
            continue
        if assembly.names(resource, "TargetIds", assembly.existing(resource, EVERY)):
            yield unfollowed(assembly.location(resource))
            return
