"""Statements that the SAM transform writes so that a function can read its event sources and send to destinations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolelint.readers.cloudformation.template import plain_text

_NETWORK = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeVpcs",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
]


def _allow(actions: Any, resource: Any) -> dict[str, Any]:
    return {"Action": actions, "Effect": "Allow", "Resource": resource}


def send(kind: str, target: Any) -> list[dict[str, Any]]:
    """Write the statements that let a function send to a destination."""
    if target is None:
        return []
    if kind == "S3Bucket" or kind == "S3":
        inside = {"Fn::Join": ["/", [target, "*"]]}
        return [
            {"Action": "s3:PutObject", "Effect": "Allow", "Resource": inside},
            {"Action": "s3:ListBucket", "Effect": "Allow", "Resource": target},
        ]
    action = {
        "SQS": "sqs:SendMessage",
        "SNS": "sns:publish",
        "EventBridge": "events:PutEvents",
        "Lambda": "lambda:InvokeFunction",
    }.get(kind)
    return [{"Action": action, "Effect": "Allow", "Resource": target}] if action else []


def source_statements(kind: str, properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Write the statements that SAM adds to a function's role so that it can read an event source."""
    if kind not in ("MSK", "MQ", "SelfManagedKafka", "DocumentDB"):
        return
    configurations = properties.get("SourceAccessConfigurations")
    entries = [e for e in configurations if isinstance(e, Mapping)] if isinstance(configurations, list) else []
    types = {plain_text(entry.get("Type", "")) for entry in entries}
    for entry in entries:
        type_ = plain_text(entry.get("Type", ""))
        secret = type_ == "CLIENT_CERTIFICATE_TLS_AUTH" if kind == "MSK" else type_ == "BASIC_AUTH"
        if kind == "SelfManagedKafka":
            secret = type_ not in ("VPC_SUBNET", "VPC_SECURITY_GROUP", "IAM_AUTH", "IAM_OAUTHBEARER_AUTH")
            secret = secret and not (type_.startswith("OAUTHBEARER_") and type_ != "OAUTHBEARER_AUTH")
        if secret and entry.get("URI"):
            yield _allow(["secretsmanager:GetSecretValue"], entry["URI"])
    if kind == "MQ":
        yield _allow(["mq:DescribeBroker"], properties.get("Broker", "*"))
    if kind == "DocumentDB":
        for action, place in (("DescribeDBClusterParameters", "cluster-pg"), ("DescribeDBSubnetGroups", "subgrp")):
            text = "arn:${AWS::Partition}:rds:${AWS::Region}:${AWS::AccountId}:" + place + ":*"
            yield _allow([f"rds:{action}"], {"Fn::Sub": text})
        yield _allow(["rds:DescribeDBClusters"], properties.get("Cluster", "*"))
    if kind == "DocumentDB" or {"VPC_SUBNET", "VPC_SECURITY_GROUP"} <= types:
        yield _allow(list(_NETWORK), "*")
    key = properties.get("SecretsManagerKmsKeyId")
    if isinstance(key, str) and kind != "MSK":
        text = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/" + key
        yield _allow("kms:Decrypt" if kind == "MQ" else ["kms:Decrypt"], {"Fn::Sub": text})
    if kind in ("MSK", "SelfManagedKafka"):
        yield from _registry_statements(properties)


def _registry_statements(properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    config = properties.get("SchemaRegistryConfig")
    if not isinstance(config, Mapping):
        return
    access = config.get("AccessConfigs")
    for entry in access if isinstance(access, list) else ():
        if isinstance(entry, Mapping) and "URI" in entry:
            yield _allow(["secretsmanager:GetSecretValue"], entry["URI"])
    uri = config.get("SchemaRegistryURI")
    text = uri.get("Fn::Sub") if isinstance(uri, Mapping) else uri
    parts = text.split(":") if isinstance(text, str) and text.startswith("arn") else []
    # `${AWS::Region}` splits at its own colons too; the registry is what stands last.
    if parts and parts[-1].startswith("registry/"):
        name = parts[-1].removeprefix("registry/")
        schema = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:schema/" + name + "/*"
        yield _allow(["glue:GetRegistry"], uri)
        yield _allow(["glue:GetSchemaVersion"], [{"Fn::Sub": schema}])
