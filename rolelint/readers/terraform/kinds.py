"""What Terraform's resource types are in AWS: the catalogue's resource type, the ARN, and the guards they carry."""

from __future__ import annotations

import re
from typing import NamedTuple

from rolelint.policies.role import Resource
from rolelint.policies.text import has_unknown, unknown
from rolelint.readers.terraform.functions import text_of
from rolelint.readers.terraform.world import Instance, Scoped, World


class Kind(NamedTuple):
    """One Terraform resource type.

    Attributes:
        type: `service:resource-type` in the catalogue's words.
        arn: template; `{p}` partition, `{r}` region, `{a}` account, `{x|y}` the first attribute that is set.
            Empty where AWS chooses a part of the name.
    """

    type: str
    arn: str = ""


#: One line per Terraform type: type, catalogue resource type, ARN template where every part is in the configuration.
_TABLE = """
aws_acm_certificate acm:certificate
aws_acmpca_certificate_authority acm-pca:certificate-authority
aws_athena_workgroup athena:workgroup arn:{p}:athena:{r}:{a}:workgroup/{name}
aws_autoscaling_group autoscaling:autoScalingGroup
aws_backup_plan backup:backupPlan
aws_backup_vault backup:backupVault arn:{p}:backup:{r}:{a}:backup-vault:{name}
aws_cloudformation_stack cloudformation:stack arn:{p}:cloudformation:{r}:{a}:stack/{name}/{id}
aws_cloudfront_distribution cloudfront:distribution
aws_cloudtrail cloudtrail:trail arn:{p}:cloudtrail:{r}:{a}:trail/{name}
aws_cloudtrail_event_data_store cloudtrail:eventdatastore
aws_cloudwatch_event_rule events:rule-on-default-event-bus arn:{p}:events:{r}:{a}:rule/{name}
aws_cloudwatch_event_bus events:event-bus arn:{p}:events:{r}:{a}:event-bus/{name}
aws_cloudwatch_log_group logs:log-group arn:{p}:logs:{r}:{a}:log-group:{name}
aws_cloudwatch_metric_alarm cloudwatch:alarm arn:{p}:cloudwatch:{r}:{a}:alarm:{alarm_name}
aws_codebuild_project codebuild:project arn:{p}:codebuild:{r}:{a}:project/{name}
aws_codecommit_repository codecommit:repository arn:{p}:codecommit:{r}:{a}:{repository_name}
aws_codepipeline codepipeline:pipeline arn:{p}:codepipeline:{r}:{a}:{name}
aws_cognito_user_pool cognito-idp:userpool
aws_config_configuration_recorder config:ConfigurationRecorder
aws_db_cluster_snapshot rds:cluster-snapshot arn:{p}:rds:{r}:{a}:cluster-snapshot:{db_cluster_snapshot_identifier}
aws_db_instance rds:db arn:{p}:rds:{r}:{a}:db:{identifier}
aws_db_snapshot rds:snapshot arn:{p}:rds:{r}:{a}:snapshot:{db_snapshot_identifier}
aws_db_subnet_group rds:subgrp arn:{p}:rds:{r}:{a}:subgrp:{name}
aws_docdb_cluster rds:cluster arn:{p}:rds:{r}:{a}:cluster:{cluster_identifier}
aws_docdb_cluster_instance rds:db arn:{p}:rds:{r}:{a}:db:{identifier}
aws_dynamodb_table dynamodb:table arn:{p}:dynamodb:{r}:{a}:table/{name}
aws_ebs_snapshot ec2:snapshot
aws_ebs_volume ec2:volume
aws_ecr_repository ecr:repository arn:{p}:ecr:{r}:{a}:repository/{name}
aws_ecs_cluster ecs:cluster arn:{p}:ecs:{r}:{a}:cluster/{name}
aws_ecs_service ecs:service
aws_ecs_task_definition ecs:task-definition
aws_efs_file_system elasticfilesystem:file-system
aws_eip ec2:elastic-ip
aws_eks_cluster eks:cluster arn:{p}:eks:{r}:{a}:cluster/{name}
aws_eks_node_group eks:nodegroup
aws_elastic_beanstalk_application elasticbeanstalk:application arn:{p}:elasticbeanstalk:{r}:{a}:application/{name}
aws_elastic_beanstalk_environment elasticbeanstalk:environment \
arn:{p}:elasticbeanstalk:{r}:{a}:environment/{application}/{name}
aws_elasticache_cluster elasticache:cluster arn:{p}:elasticache:{r}:{a}:cluster:{cluster_id}
aws_elasticache_replication_group elasticache:replicationgroup \
arn:{p}:elasticache:{r}:{a}:replicationgroup:{replication_group_id}
aws_elasticsearch_domain es:domain arn:{p}:es:{r}:{a}:domain/{domain_name}
aws_opensearch_domain es:domain arn:{p}:es:{r}:{a}:domain/{domain_name}
aws_emr_cluster elasticmapreduce:cluster
aws_glacier_vault glacier:vault arn:{p}:glacier:{r}:{a}:vaults/{name}
aws_glue_catalog_database glue:database arn:{p}:glue:{r}:{a}:database/{name}
aws_glue_catalog_table glue:table arn:{p}:glue:{r}:{a}:table/{database_name}/{name}
aws_guardduty_detector guardduty:detector
aws_iam_group iam:group arn:{p}:iam::{a}:group{path}{name}
aws_iam_instance_profile iam:instance-profile arn:{p}:iam::{a}:instance-profile{path}{name}
aws_iam_openid_connect_provider iam:oidc-provider arn:{p}:iam::{a}:oidc-provider/{url}
aws_iam_policy iam:policy arn:{p}:iam::{a}:policy{path}{name}
aws_iam_role iam:role arn:{p}:iam::{a}:role{path}{name}
aws_iam_saml_provider iam:saml-provider arn:{p}:iam::{a}:saml-provider/{name}
aws_iam_user iam:user arn:{p}:iam::{a}:user{path}{name}
aws_instance ec2:instance
aws_key_pair ec2:key-pair
aws_kinesis_firehose_delivery_stream firehose:deliverystream arn:{p}:firehose:{r}:{a}:deliverystream/{name}
aws_kinesis_stream kinesis:stream arn:{p}:kinesis:{r}:{a}:stream/{name}
aws_kms_alias kms:alias arn:{p}:kms:{r}:{a}:{name}
aws_kms_external_key kms:key arn:{p}:kms:{r}:{a}:key/{id}
aws_kms_key kms:key arn:{p}:kms:{r}:{a}:key/{key_id}
aws_kms_replica_key kms:key arn:{p}:kms:{r}:{a}:key/{key_id}
aws_lambda_function lambda:function arn:{p}:lambda:{r}:{a}:function:{function_name}
aws_launch_template ec2:launch-template
aws_lb elasticloadbalancing:loadbalancer/app/
aws_alb elasticloadbalancing:loadbalancer/app/
aws_msk_cluster kafka:cluster
aws_nat_gateway ec2:natgateway
aws_neptune_cluster rds:cluster arn:{p}:rds:{r}:{a}:cluster:{cluster_identifier}
aws_neptune_cluster_instance rds:db arn:{p}:rds:{r}:{a}:db:{identifier}
aws_rds_cluster rds:cluster arn:{p}:rds:{r}:{a}:cluster:{cluster_identifier}
aws_rds_cluster_instance rds:db arn:{p}:rds:{r}:{a}:db:{identifier}
aws_rds_global_cluster rds:global-cluster arn:{p}:rds::{a}:global-cluster:{global_cluster_identifier}
aws_redshift_cluster redshift:cluster arn:{p}:redshift:{r}:{a}:cluster:{cluster_identifier}
aws_route53_zone route53:hostedzone arn:{p}:route53:::hostedzone/{zone_id}
aws_route_table ec2:route-table
aws_s3_bucket s3:bucket arn:{p}:s3:::{bucket}
aws_s3_directory_bucket s3express:bucket arn:{p}:s3express:{r}:{a}:bucket/{bucket}
aws_secretsmanager_secret secretsmanager:Secret
aws_security_group ec2:security-group
aws_sfn_state_machine states:statemachine arn:{p}:states:{r}:{a}:stateMachine:{name}
aws_sns_topic sns:topic arn:{p}:sns:{r}:{a}:{name}
aws_sqs_queue sqs:queue arn:{p}:sqs:{r}:{a}:{name}
aws_ssm_parameter ssm:parameter arn:{p}:ssm:{r}:{a}:parameter{/name}
aws_subnet ec2:subnet
aws_timestreamwrite_database timestream:database arn:{p}:timestream:{r}:{a}:database/{database_name}
aws_vpc ec2:vpc
awscc_dynamodb_table dynamodb:table arn:{p}:dynamodb:{r}:{a}:table/{table_name}
awscc_ecr_repository ecr:repository arn:{p}:ecr:{r}:{a}:repository/{repository_name}
awscc_iam_group iam:group arn:{p}:iam::{a}:group{path}{group_name}
awscc_iam_managed_policy iam:policy arn:{p}:iam::{a}:policy{path}{managed_policy_name}
awscc_iam_oidc_provider iam:oidc-provider arn:{p}:iam::{a}:oidc-provider/{url}
awscc_iam_role iam:role arn:{p}:iam::{a}:role{path}{role_name}
awscc_iam_user iam:user arn:{p}:iam::{a}:user{path}{user_name}
awscc_kms_key kms:key arn:{p}:kms:{r}:{a}:key/{key_id}
awscc_lambda_function lambda:function arn:{p}:lambda:{r}:{a}:function:{function_name}
awscc_logs_log_group logs:log-group arn:{p}:logs:{r}:{a}:log-group:{log_group_name}
awscc_rds_db_cluster rds:cluster arn:{p}:rds:{r}:{a}:cluster:{db_cluster_identifier}
awscc_rds_db_instance rds:db arn:{p}:rds:{r}:{a}:db:{db_instance_identifier}
awscc_s3_bucket s3:bucket arn:{p}:s3:::{bucket_name}
awscc_s3express_directory_bucket s3express:bucket arn:{p}:s3express:{r}:{a}:bucket/{bucket_name}
awscc_sns_topic sns:topic arn:{p}:sns:{r}:{a}:{topic_name}
awscc_sqs_queue sqs:queue arn:{p}:sqs:{r}:{a}:{queue_name}
"""

KINDS: dict[str, Kind] = {}
for _line in _TABLE.replace("\\\n", "").split("\n"):
    _parts = _line.split()
    if _parts:
        KINDS[_parts[0]] = Kind(_parts[1], _parts[2] if len(_parts) > 2 else "")

#: Attributes that guard a resource: attribute, the values that switch the guard on, the guard's name.
_GUARDS: tuple[tuple[str, tuple[object, ...], str], ...] = (
    ("deletion_protection", (True, "ACTIVE"), "deletion protection"),
    ("deletion_protection_enabled", (True,), "deletion protection"),
    ("enable_deletion_protection", (True,), "deletion protection"),
    ("disable_api_termination", (True,), "termination protection"),
    ("termination_protection", (True,), "termination protection"),
    ("termination_protection_enabled", (True,), "termination protection"),
    ("object_lock_enabled", (True,), "object lock"),
    ("protect_from_scale_in", (True,), "scale-in protection"),
)

_PART = re.compile(r"\{(/?)([\w|]+)\}")


def arn_attributes(kind: str) -> tuple[str, ...]:
    """List the attributes that the ARN of a type is made of."""
    names = (name for _, part in _PART.findall(KINDS[kind].arn) for name in part.split("|"))
    return tuple(name for name in names if name not in ("p", "r", "a"))


def arn_of(instance: Instance, world: Scoped) -> str:
    """Give the ARN of an instance: the known one, else the one its configuration leads to, else an unknown value."""
    known = instance.values.get("arn")
    if isinstance(known, str) and known and not has_unknown(known):
        return known
    kind = KINDS.get(instance.type)
    if kind is None or not kind.arn:
        return known if isinstance(known, str) and known else unknown(f"{instance.address}.arn")
    scope = world.scope(instance.provider)
    # A resource may stand in another Region than its provider.
    parts = {"p": scope.partition, "r": instance.text("region") or scope.region, "a": scope.account}

    def fill(match: re.Match[str]) -> str:
        slash, names = match.groups()
        if names in parts:
            return parts[names]
        value = instance.text(*names.split("|"))
        if names == "path" and not value:
            return "/"
        if names == "url":
            value = value.removeprefix("https://")
        if not value:
            return (slash or "") + unknown(f"{instance.address}.{names.split('|')[0]}")
        return "/" + value.lstrip("/") if slash else value

    return _PART.sub(fill, kind.arn)


def tags_of(instance: Instance) -> dict[str, str] | None:
    """Give the known tags of an instance, with those of the provider; None when they are not known."""
    for name in ("tags_all", "tags"):
        value = instance.values.get(name)
        if isinstance(value, dict):
            return {str(k): text_of(v) for k, v in value.items() if isinstance(v, str | bool | int | float)}
        if isinstance(value, list) and value:
            return {str(t.get("key")): str(t.get("value")) for t in value if isinstance(t, dict)}
    value = instance.values.get("tags")
    return None if isinstance(value, str) else {}


def resource_of(instance: Instance, world: World) -> Resource | None:
    """Make the inventory entry of an instance, or None for types that are not in the table."""
    kind = KINDS.get(instance.type)
    if kind is None or instance.mode != "managed":
        return None
    guards = [name for attribute, on, name in _GUARDS if instance.values.get(attribute) in on]
    kind_type = kind.type
    if kind_type.startswith("elasticloadbalancing:") and instance.text("load_balancer_type") in ("network", "gateway"):
        head = "net" if instance.text("load_balancer_type") == "network" else "gwy"
        kind_type = f"elasticloadbalancing:loadbalancer/{head}/"
    return Resource(arn_of(instance, world), kind_type, instance.address, tags_of(instance) or {}, tuple(guards))


#: Resources that put a guard on another one: type, attribute that names it, test attribute path and values, guard.
_SIDE_GUARDS: tuple[tuple[str, str, tuple[str | int, ...], tuple[object, ...], str], ...] = (
    ("aws_s3_bucket_versioning", "bucket", ("versioning_configuration", 0, "status"), ("Enabled",), "versioning"),
    ("aws_s3_bucket_object_lock_configuration", "bucket", (), (), "object lock"),
    ("aws_backup_vault_lock_configuration", "backup_vault_name", (), (), "vault lock"),
    ("aws_dynamodb_table", "name", ("point_in_time_recovery", 0, "enabled"), (True,), "point-in-time recovery"),
)
SIDE_GUARD_TYPES = frozenset(row[0] for row in _SIDE_GUARDS)


def environment(world: World) -> tuple[Resource, ...]:
    """List the resources of a world with their guards, those set by separate resources included."""
    found: dict[str, Resource] = {}
    for instance in world.instances.values():
        resource = resource_of(instance, world)
        if resource is not None:
            found[instance.address] = resource
    names = {re.split("[:/]", r.arn)[-1]: address for address, r in found.items()}
    for kind, link, path, values, guard in _SIDE_GUARDS:
        for instance in world.of_type(kind):
            there: object = instance.values
            for step in path:
                there = _step(there, step)
            if path and there not in values:
                continue
            address = _target(instance, link, world, found, names)
            if address and guard not in found[address].protections:
                old = found[address]
                found[address] = Resource(
                    old.arn, old.type, old.address, old.tags, (*old.protections, guard), old.production
                )
    return tuple(found.values())


def _step(there: object, step: str | int) -> object:
    if isinstance(there, dict):
        return there.get(step) if isinstance(step, str) else there
    if isinstance(there, list) and isinstance(step, int) and step < len(there):
        return there[step]
    return None


def _target(instance: Instance, link: str, world: World, found: dict[str, Resource], names: dict[str, str]) -> str:
    if instance.address in found:
        return instance.address
    value = instance.values.get(link)
    owner = world.owner(value)
    if owner is not None:
        return owner[0].address if owner[0].address in found else ""
    return names.get(value, "") if isinstance(value, str) else ""
