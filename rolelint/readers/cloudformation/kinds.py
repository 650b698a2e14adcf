"""Resource types of CloudFormation: what `Ref` and `Fn::GetAtt` give, ARNs, catalogue types, deletion guards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rolelint.policies.text import has_unknown, unknown
from rolelint.readers.cloudformation.template import ABSENT, Declared, plain_text

if TYPE_CHECKING:
    from rolelint.readers.cloudformation.values import Evaluator


class Kind(NamedTuple):
    """One resource type.

    Attributes:
        type: `service:resource-type` in the catalogue's words; empty for what is no resource of its own there.
        name: the property that holds the physical name; empty when AWS makes it up.
        arn: ARN after the partition; `RA` stands for Region and account, `{n}` for the name.
        ref: what `Ref` gives: `name`, `arn` or `other`.
        arn_attributes: attributes that give the ARN, beside `Arn`.
    """

    type: str
    name: str
    arn: str
    ref: str
    arn_attributes: tuple[str, ...]


#: The table of resource types beside this module; its head explains the columns.
_TABLE = Path(__file__).with_name("kinds.txt")

_KINDS: dict[str, Kind] = {}

#: Properties that guard a resource: the steps to the property, the value that switches the guard on, the guard's name.
_GUARDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("DeletionProtection",), "true", "deletion protection"),
    (("DeletionProtectionEnabled",), "true", "deletion protection"),
    (("DeletionProtection",), "ACTIVE", "deletion protection"),
    (("DeleteProtection",), "true", "deletion protection"),
    (("DisableApiTermination",), "true", "termination protection"),
    (("EnableTerminationProtection",), "true", "termination protection"),
    (("TerminationProtectionEnabled",), "true", "termination protection"),
    (("Instances", "TerminationProtected"), "true", "termination protection"),
    (("NewInstancesProtectedFromScaleIn",), "true", "scale-in protection"),
    (("ObjectLockEnabled",), "true", "object lock"),
    (("VersioningConfiguration", "Status"), "Enabled", "versioning"),
    (("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"), "true", "point-in-time recovery"),
)


def kinds() -> Mapping[str, Kind]:
    """Give the table of resource types, by CloudFormation type."""
    if not _KINDS:
        for line in _TABLE.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                type_, catalogue, name, arn, ref, *attributes = line.split(" ")
                _KINDS[type_] = Kind(catalogue.strip("-"), "" if name == "-" else name, arn, ref, tuple(attributes))
    return _KINDS


def physical_name(evaluator: Evaluator, resource: Declared) -> str:
    """Give a resource's physical name: the one that the template sets, else unknown text with the logical id."""
    kind = kinds().get(resource.type)
    if kind is None or not kind.name or kind.name not in resource.properties:
        return unknown(resource.id)
    value = evaluator.known(resource.properties[kind.name], bindings=resource.bindings)
    if value is ABSENT or not isinstance(value, str | int) or value == "":
        return unknown(resource.id)
    return plain_text(value)


def arn_of(evaluator: Evaluator, resource: Declared) -> str:
    """Give a resource's ARN as far as the template tells; unknown text when its type is not in the table."""
    kind = kinds().get(resource.type)
    if kind is None:
        return unknown(f"{resource.id}.Arn")
    name = physical_name(evaluator, resource)
    if resource.type == "AWS::IAM::OIDCProvider":
        name = name.removeprefix("https://")
    path = "/"
    if "{p}" in kind.arn and isinstance(resource.properties.get("Path"), str | Mapping):
        path = str(evaluator.known(resource.properties["Path"], bindings=resource.bindings))
    partition, region, account = (
        str(evaluator.pseudo(f"AWS::{part}")) for part in ("Partition", "Region", "AccountId")
    )
    service, _, rest = kind.arn.partition(":")
    if kind.type.startswith("elasticloadbalancing:loadbalancer/"):
        rest = rest.replace("loadbalancer/app/", catalogue_type(resource).partition(":")[2])
    if rest.startswith("RA:"):
        rest = f"{region}:{account}:{rest[3:]}"
    elif rest.startswith("R:"):
        rest = f"{region}:{rest[2:]}"
    elif rest.startswith(":A:"):
        rest = f":{account}:{rest[3:]}"
    texts = {
        "n": name,
        "l": name if has_unknown(name) else name.lower(),
        "s": name.removeprefix("/"),
        "p": path,
        "id": unknown(f"{resource.id}.Id"),
    }
    for key, text in texts.items():
        rest = rest.replace("{" + key + "}", text)
    return f"arn:{partition}:{service}:{rest}"


def reference_of(evaluator: Evaluator, resource: Declared) -> str:
    """Give what `Ref` gives for a resource."""
    kind = kinds().get(resource.type)
    if kind is None:
        return unknown(resource.id)
    if kind.ref == "arn":
        return arn_of(evaluator, resource)
    if kind.ref == "url":
        region, account = (str(evaluator.pseudo(f"AWS::{part}")) for part in ("Region", "AccountId"))
        suffix = str(evaluator.pseudo("AWS::URLSuffix"))
        return f"https://sqs.{region}.{suffix}/{account}/{physical_name(evaluator, resource)}"
    return physical_name(evaluator, resource) if kind.ref == "name" else unknown(resource.id)


def attribute_of(evaluator: Evaluator, resource: Declared, attribute: str) -> str:
    """Give what `Fn::GetAtt` gives for a resource."""
    kind = kinds().get(resource.type)
    if kind is not None:
        if attribute == "Arn" or attribute in kind.arn_attributes:
            return arn_of(evaluator, resource)
        if attribute == "StreamArn" and resource.type == "AWS::DynamoDB::Table":
            return f"{arn_of(evaluator, resource)}/stream/{unknown(f'{resource.id}.StreamLabel')}"
        if attribute == kind.name or attribute in ("QueueName", "TopicName") or (attribute == "Name" and kind.name):
            return physical_name(evaluator, resource)
        if attribute == "KeyId" and kind.type == "kms:key":
            return physical_name(evaluator, resource)
    return unknown(f"{resource.id}.{attribute}")


def protections(evaluator: Evaluator, resource: Declared) -> tuple[str, ...]:
    """List the guards that stand in the way of deleting a resource."""
    out: list[str] = []
    for steps, on, guard in _GUARDS:
        if steps[0] in resource.properties and guard not in out:
            value = evaluator.known(resource.properties[steps[0]], bindings=resource.bindings)
            for step in steps[1:]:
                value = value.get(step) if isinstance(value, dict) else None
            if isinstance(value, str | bool) and plain_text(value) == on:
                out.append(guard)
    attributes = resource.properties.get("LoadBalancerAttributes")
    value = None if attributes is None else evaluator.known(attributes, bindings=resource.bindings)
    if isinstance(value, list) and {"Key": "deletion_protection.enabled", "Value": "true"} in value:
        out.append("deletion protection")
    if resource.type == "AWS::Backup::BackupVault" and "LockConfiguration" in resource.properties:
        out.append("vault lock")
    policy = resource.body.get("DeletionPolicy")
    text = evaluator.known(policy, bindings=resource.bindings) if policy is not None else ""
    if text in ("Retain", "RetainExceptOnCreate"):
        out.append("DeletionPolicy Retain")
    elif text == "Snapshot":
        out.append("DeletionPolicy Snapshot")
    return tuple(out)


def catalogue_type(resource: Declared) -> str:
    """Give a resource's type in the catalogue's words; empty when the catalogue has none for it."""
    kind = kinds().get(resource.type)
    if kind is None:
        return ""
    if kind.type == "elasticloadbalancing:loadbalancer/app/":
        head = {"network": "net", "gateway": "gwy"}.get(str(resource.properties.get("Type")), "app")
        return f"elasticloadbalancing:loadbalancer/{head}/"
    return kind.type


def tags_of(evaluator: Evaluator, resource: Declared) -> dict[str, str] | None:
    """Give a resource's tags, those with known key and value; None when the tags themselves are not known."""
    value: Any = resource.properties.get("Tags")
    if value is None:
        return {}
    value = evaluator.known(value, bindings=resource.bindings)
    if isinstance(value, dict):
        value = [{"Key": key, "Value": item} for key, item in value.items()]
    if not isinstance(value, list):
        return None
    out: dict[str, str] = {}
    for item in value:
        if not isinstance(item, dict):
            return None
        key, text = plain_text(item.get("Key", "")), plain_text(item.get("Value", ""))
        if has_unknown(key):
            return None
        if not has_unknown(text):
            out[key] = text
    return out
