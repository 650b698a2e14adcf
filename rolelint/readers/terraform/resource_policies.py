"""Policies of resources in Terraform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rolelint.errors import Problem
from rolelint.policies.role import Policy, PolicyType
from rolelint.policies.text import has_unknown
from rolelint.readers.terraform.assemble import Assembler
from rolelint.readers.terraform.kinds import KINDS, arn_of
from rolelint.readers.terraform.principals import Inline
from rolelint.readers.terraform.world import Instance, World


class _Row(NamedTuple):
    """One resource type that carries a resource policy.

    Attributes:
        policy: the attribute with the document.
        link: the attribute that names the resource; empty when the policy is the resource's own.
        arn: template for the ARN when `link` holds a plain name (`{}`); `{p}`, `{r}`, `{a}` as in `kinds`.
    """

    policy: str
    link: str = ""
    arn: str = ""


_ROWS: dict[str, _Row] = {
    "aws_acmpca_policy": _Row("policy", "resource_arn"),
    "aws_api_gateway_rest_api": _Row("policy"),
    "aws_api_gateway_rest_api_policy": _Row("policy", "rest_api_id"),
    "aws_backup_vault_policy": _Row("policy", "backup_vault_name", "arn:{p}:backup:{r}:{a}:backup-vault:{}"),
    "aws_cloudwatch_event_bus_policy": _Row("policy", "event_bus_name", "arn:{p}:events:{r}:{a}:event-bus/{}"),
    "aws_cloudwatch_log_destination_policy": _Row("access_policy", "destination_name"),
    "aws_cloudwatch_log_resource_policy": _Row("policy_document"),
    "aws_codeartifact_domain_permissions_policy": _Row("policy_document", "domain"),
    "aws_codeartifact_repository_permissions_policy": _Row("policy_document", "repository"),
    "aws_codebuild_resource_policy": _Row("policy", "resource_arn"),
    "aws_dynamodb_resource_policy": _Row("policy", "resource_arn"),
    "aws_ecr_registry_policy": _Row("policy"),
    "aws_ecr_repository_policy": _Row("policy", "repository", "arn:{p}:ecr:{r}:{a}:repository/{}"),
    "aws_ecrpublic_repository_policy": _Row("policy", "repository_name"),
    "aws_efs_file_system_policy": _Row("policy", "file_system_id", "arn:{p}:elasticfilesystem:{r}:{a}:file-system/{}"),
    "aws_elasticsearch_domain": _Row("access_policies"),
    "aws_elasticsearch_domain_policy": _Row("access_policies", "domain_name", "arn:{p}:es:{r}:{a}:domain/{}"),
    "aws_glacier_vault": _Row("access_policy"),
    "aws_glacier_vault_lock": _Row("policy", "vault_name", "arn:{p}:glacier:{r}:{a}:vaults/{}"),
    "aws_glue_resource_policy": _Row("policy"),
    "aws_kinesis_resource_policy": _Row("policy", "resource_arn"),
    "aws_kms_external_key": _Row("policy"),
    "aws_kms_key": _Row("policy"),
    "aws_kms_key_policy": _Row("policy", "key_id", "arn:{p}:kms:{r}:{a}:key/{}"),
    "aws_kms_replica_key": _Row("policy"),
    "aws_media_store_container_policy": _Row("policy", "container_name"),
    "aws_msk_cluster_policy": _Row("policy", "cluster_arn"),
    "aws_opensearch_domain": _Row("access_policies"),
    "aws_opensearch_domain_policy": _Row("access_policies", "domain_name", "arn:{p}:es:{r}:{a}:domain/{}"),
    "aws_redshift_resource_policy": _Row("policy", "resource_arn"),
    "aws_s3_access_point": _Row("policy"),
    "aws_s3_bucket": _Row("policy"),
    "aws_s3_bucket_policy": _Row("policy", "bucket", "arn:{p}:s3:::{}"),
    "aws_s3control_access_point_policy": _Row("policy", "access_point_arn"),
    "aws_s3control_bucket_policy": _Row("policy", "bucket"),
    "aws_schemas_registry_policy": _Row("policy", "registry_name"),
    "aws_secretsmanager_secret": _Row("policy"),
    "aws_secretsmanager_secret_policy": _Row("policy", "secret_arn"),
    "aws_ses_identity_policy": _Row("policy", "identity", "arn:{p}:ses:{r}:{a}:identity/{}"),
    "aws_sesv2_email_identity_policy": _Row("policy", "email_identity", "arn:{p}:ses:{r}:{a}:identity/{}"),
    "aws_sns_topic": _Row("policy"),
    "aws_sns_topic_policy": _Row("policy", "arn"),
    "aws_sqs_queue": _Row("policy"),
    "aws_sqs_queue_policy": _Row("policy", "queue_url"),
    "aws_ssoadmin_resource_policy": _Row("resource_policy"),
    "aws_vpc_endpoint": _Row("policy"),
    "aws_vpc_endpoint_policy": _Row("policy", "vpc_endpoint_id"),
    "aws_vpclattice_auth_policy": _Row("policy", "resource_identifier"),
    "aws_vpclattice_resource_policy": _Row("policy", "resource_arn"),
    "awscc_ecr_repository": _Row("repository_policy_text"),
    "awscc_kms_key": _Row("key_policy"),
    "awscc_s3_bucket_policy": _Row("policy_document", "bucket", "arn:{p}:s3:::{}"),
    "awscc_s3express_bucket_policy": _Row("policy_document", "bucket", "arn:{p}:s3express:{r}:{a}:bucket/{}"),
    "awscc_secretsmanager_resource_policy": _Row("resource_policy", "secret_id"),
    "awscc_sns_topic_policy": _Row("policy_document", "topics"),
    "awscc_sqs_queue_policy": _Row("policy_document", "queues"),
}  # fmt: skip

#: Types with resource policies, for readers that choose which instances to look at.
TYPES = frozenset(_ROWS)
_QUEUE_URL = re.compile(r"https://sqs\.([^./]+)\.[^/]+/([^/]+)/([^/]+)")


def resource_policies(
    assembler: Assembler, before: Assembler | None = None, problems: list[Problem] | None = None
) -> list[tuple[Policy, str]]:
    """Read every resource policy of the world, with the provider configuration it belongs to.

    An attribute that the configuration leaves out and AWS computes is no policy of the user's and is left out. So is
    one that was read from AWS where a resource of its own sets it, or did before: it is what that one said then.

    Args:
        before: the world before the change. problems: takes what is not known.
    """
    found: list[tuple[Policy, str]] = []
    apart = set(_set_apart(assembler.world))
    if before is not None:
        apart.update(_set_apart(before.world))
    for instance in assembler.world.instances.values():
        row = _ROWS.get(instance.type)
        if row is None or instance.mode != "managed":
            continue
        value = instance.values.get(row.policy)
        if not value or (isinstance(value, str) and has_unknown(value) and not instance.sets(row.policy)):
            continue
        if (
            not row.link
            and not instance.sets(row.policy)
            and not apart.isdisjoint(arn for arn, _ in _targets(instance, row, assembler.world))
        ):
            continue
        item = Inline(instance.name, value, instance, (row.policy,))
        for index, (resource, owner) in enumerate(_targets(instance, row, assembler.world)):
            policy = assembler.policy(
                PolicyType.RESOURCE, item._replace(maybe=instance.doubt(owner)), resource=resource
            )
            found.append((policy, instance.provider))
            if problems is not None and not index:
                problems += assembler.doubts(policy, "resource policy", item)
    return found


def _set_apart(world: World) -> Iterator[str]:
    """List the ARNs of what gets its policy from a resource of its own."""
    for instance in world.of_type(*TYPES):
        row = _ROWS[instance.type]
        if row.link and instance.values.get(row.policy):
            yield from (arn for arn, _ in _targets(instance, row, world) if arn)


def _targets(instance: Instance, row: _Row, world: World) -> Iterator[tuple[str, Instance | None]]:
    """List the ARNs of the resources that a policy hangs on, each with its instance if that is here."""
    if not row.link:
        yield arn_of(instance, world) if instance.type in KINDS else instance.text("arn"), instance
        return
    listed = instance.values.get(row.link)
    for value in listed if isinstance(listed, list) else [listed]:
        owner = world.owner(value)
        if owner is not None and owner[0].type in KINDS:
            yield arn_of(owner[0], world), owner[0]
        else:
            yield _named(value, instance, row, world), None


def _named(value: object, instance: Instance, row: _Row, world: World) -> str:
    """Give the ARN of a resource by the name that a policy calls it, empty where that does not tell."""
    if not isinstance(value, str):
        return ""
    if value.startswith("arn:"):
        return value
    scope = world.scope(instance.provider)
    queue = _QUEUE_URL.fullmatch(value) if row.link == "queue_url" else None
    if queue is not None:
        return f"arn:{scope.partition}:sqs:{':'.join(queue.groups())}"
    # AWS: directory-bucket-naming-rules.html. No other bucket may end so.
    arn = "arn:{p}:s3express:{r}:{a}:bucket/{}" if row.link == "bucket" and value.endswith("--x-s3") else row.arn
    text = arn.replace("{p}", scope.partition).replace("{r}", scope.region).replace("{a}", scope.account)
    return text.replace("{}", value)
