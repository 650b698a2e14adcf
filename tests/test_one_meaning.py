"""One role, written in every format, gives the same findings and the same effects."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rolelint.cli import run

ACCOUNT = "123456789012"
NAME = "deploy"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
POWER = "arn:aws:iam::aws:policy/PowerUserAccess"
SERVICE: dict[str, Any] = {"Service": "lambda.amazonaws.com"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Spec:
    """A role: statements of its policies by name, ARNs of AWS managed policies, its boundary, tags and trust."""

    inline: dict[str, list[Json]]
    managed: tuple[str, ...] = ()
    own: dict[str, list[Json]] = field(default_factory=dict)
    boundary: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    trust: Json = field(default_factory=lambda: {"Effect": "Allow", "Principal": SERVICE, "Action": "sts:AssumeRole"})


def allow(action: Any, resource: Any = "*", condition: Json | None = None, sid: str = "") -> Json:
    """Write an Allow statement."""
    made: Json = {"Sid": sid} if sid else {}
    made |= {"Effect": "Allow", "Action": action, "Resource": resource}
    return made if condition is None else {**made, "Condition": condition}


def deny(action: Any, resource: Any = "*", condition: Json | None = None) -> Json:
    """Write a Deny statement."""
    return {**allow(action, resource, condition), "Effect": "Deny"}


GITHUB = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
SPECS: dict[str, Spec] = {
    "reads only": Spec({"read": [allow(["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::site/*")]}),
    "tears down and rebuilds": Spec(
        {"p": [allow(["elasticbeanstalk:*", "cloudformation:*", "rds:*"], sid="Environment")]}
    ),
    "named resources": Spec(
        {
            "p": [
                allow("rds:DeleteDBCluster", f"arn:aws:rds:eu-west-1:{ACCOUNT}:cluster:orders"),
                allow(
                    ["s3:DeleteObject", "s3:DeleteObjectVersion"], ["arn:aws:s3:::tmp-*/*", "arn:aws:s3:::site/a?/*"]
                ),
            ]
        }
    ),
    "conditions": Spec(
        {
            "p": [
                allow("ec2:TerminateInstances", "*", {"StringEquals": {"aws:ResourceTag/env": ["dev", "test"]}}),
                allow("dynamodb:DeleteTable", "*", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
                allow("sqs:DeleteQueue", "*", {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            ]
        }
    ),
    "a policy variable": Spec(
        {"p": [allow("s3:DeleteObject", "arn:aws:s3:::home/${aws:PrincipalTag/team}/*")]}, tags={"team": "blue"}
    ),
    "a policy variable without a value": Spec(
        {"p": [allow("s3:DeleteObject", "arn:aws:s3:::home/${aws:PrincipalTag/team}/*"), allow("sqs:PurgeQueue")]}
    ),
    "a Deny through the tool channel": Spec(
        {"p": [allow("*"), deny("*", "*", {"Bool": {"aws:ViaAWSMCPService": "true"}})]}
    ),
    "NotAction and NotResource": Spec(
        {
            "p": [
                {"Effect": "Allow", "NotAction": ["iam:*", "kms:*"], "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:DeleteBucket", "NotResource": "arn:aws:s3:::tmp-*"},
            ]
        }
    ),
    "an AWS managed policy": Spec({}, (ADMIN,)),
    "a policy of its own beside it": Spec(
        {"p": [allow("iam:PassRole"), allow("lambda:*")]}, own={"keys": [allow("kms:ScheduleKeyDeletion")]}
    ),
    "a permissions boundary": Spec({"p": [allow(["iam:*", "rds:Delete*", "s3:*"])]}, boundary=POWER),
    "a trust of everybody's repositories": Spec(
        {"p": [allow("cloudformation:DeleteStack")]},
        trust={
            "Effect": "Allow",
            "Principal": {"Federated": GITHUB},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}},
        },
    ),
}


def document(statements: list[Json]) -> Json:
    """Make a policy document."""
    return {"Version": "2012-10-17", "Statement": statements}


def own_arn(name: str) -> str:
    """Make the ARN of a customer managed policy."""
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


def bundle(spec: Spec, folder: Path) -> Path:
    """Write a role bundle."""
    made: Json = {
        "account": ACCOUNT,
        "role": {"name": NAME, "arn": f"arn:aws:iam::{ACCOUNT}:role/{NAME}"},
        "trust": document([spec.trust]),
        "tags": spec.tags,
        "inline": {name: document(statements) for name, statements in spec.inline.items()},
        "attached": [*spec.managed, *({"name": n, "document": document(s)} for n, s in spec.own.items())],
    }
    if spec.boundary:
        made["boundary"] = spec.boundary
    return write(folder / "bundle.json", made)


def dump(spec: Spec, folder: Path) -> Path:
    """Write what `aws iam get-account-authorization-details` prints."""
    attached = [(arn.rpartition("/")[2], arn) for arn in spec.managed] + [(n, own_arn(n)) for n in spec.own]
    role: Json = {
        "RoleName": NAME,
        "Path": "/",
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        "AssumeRolePolicyDocument": document([spec.trust]),
        "Tags": [{"Key": key, "Value": value} for key, value in spec.tags.items()],
        "RolePolicyList": [{"PolicyName": n, "PolicyDocument": document(s)} for n, s in spec.inline.items()],
        "AttachedManagedPolicies": [{"PolicyName": n, "PolicyArn": arn} for n, arn in attached],
    }
    if spec.boundary:
        role["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": spec.boundary,
        }
    policies = [
        {
            "PolicyName": name,
            "Arn": own_arn(name),
            "DefaultVersionId": "v1",
            "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": document(statements)}],
        }
        for name, statements in spec.own.items()
    ]
    return write(
        folder / "dump.json",
        {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [role], "Policies": policies},
    )


def plan(spec: Spec, folder: Path) -> Path:
    """Write what `terraform show -json` prints of a plan that creates the role."""
    resources: list[tuple[str, str, Json]] = [
        (
            "aws_iam_role",
            "it",
            {
                "name": NAME,
                "path": "/",
                "assume_role_policy": json.dumps(document([spec.trust])),
                "permissions_boundary": spec.boundary or None,
                "tags": spec.tags,
                "tags_all": spec.tags,
            },
        )
    ]
    for number, (name, statements) in enumerate(spec.inline.items()):
        values = {"name": name, "role": NAME, "policy": json.dumps(document(statements))}
        resources.append(("aws_iam_role_policy", f"inline{number}", values))
    for number, arn in enumerate(spec.managed):
        resources.append(("aws_iam_role_policy_attachment", f"managed{number}", {"role": NAME, "policy_arn": arn}))
    unknown: dict[str, Json] = {}
    configured: list[Json] = []
    for number, (name, statements) in enumerate(spec.own.items()):
        text = json.dumps(document(statements))
        resources.append(("aws_iam_policy", f"own{number}", {"name": name, "path": "/", "policy": text}))
        unknown[f"aws_iam_policy.own{number}"] = {"arn": True, "id": True}
        resources.append(("aws_iam_role_policy_attachment", f"own{number}", {"role": NAME}))
        unknown[f"aws_iam_role_policy_attachment.own{number}"] = {"policy_arn": True, "id": True}
        configured.append(
            {
                "address": f"aws_iam_role_policy_attachment.own{number}",
                "mode": "managed",
                "type": "aws_iam_role_policy_attachment",
                "name": f"own{number}",
                "provider_config_key": "aws",
                "expressions": {
                    "role": {"references": ["aws_iam_role.it.name", "aws_iam_role.it"]},
                    "policy_arn": {"references": [f"aws_iam_policy.own{number}.arn", f"aws_iam_policy.own{number}"]},
                },
            }
        )
    provider = "registry.terraform.io/hashicorp/aws"
    head = [
        {"address": f"{t}.{n}", "mode": "managed", "type": t, "name": n, "provider_name": provider}
        for t, n, _ in resources
    ]
    changes = [
        {
            **entry,
            "change": {
                "actions": ["create"],
                "before": None,
                "after": values,
                "after_unknown": unknown.get(entry["address"], {"id": True}),
                "before_sensitive": False,
                "after_sensitive": {},
            },
        }
        for entry, (_, _, values) in zip(head, resources, strict=True)
    ]
    planned = [{**entry, "values": values} for entry, (_, _, values) in zip(head, resources, strict=True)]
    return write(
        folder / "plan.json",
        {
            "format_version": "1.2",
            "terraform_version": "1.12.0",
            "planned_values": {"root_module": {"resources": planned}},
            "resource_changes": changes,
            "configuration": {"root_module": {"resources": configured}},
        },
    )


def terraform(spec: Spec, folder: Path) -> Path:
    """Write Terraform source: a heredoc, `jsonencode` and a policy document take turns."""
    blocks = [
        'resource "aws_iam_role" "it" {\n'
        f'  name = "{NAME}"\n'
        f"  assume_role_policy = jsonencode({hcl(document([spec.trust]))})\n"
        + f"  tags = {hcl(spec.tags)}\n"
        + (f'  permissions_boundary = "{spec.boundary}"\n' if spec.boundary else "")
        + "}"
    ]
    for number, (name, statements) in enumerate(spec.inline.items()):
        text = json.dumps(document(statements), indent=2).replace("${", "$${")
        blocks.append(
            f'resource "aws_iam_role_policy" "inline{number}" {{\n  name = "{name}"\n'
            f"  role = aws_iam_role.it.id\n  policy = <<EOT\n{text}\nEOT\n}}"
        )
    for number, arn in enumerate(spec.managed):
        blocks.append(
            f'resource "aws_iam_role_policy_attachment" "managed{number}" {{\n'
            f'  role = aws_iam_role.it.name\n  policy_arn = "{arn}"\n}}'
        )
    for number, (name, statements) in enumerate(spec.own.items()):
        inner = "\n".join(
            f'  statement {{\n    effect = "{s["Effect"]}"\n    actions = [{json.dumps(s["Action"])}]\n'
            f"    resources = [{json.dumps(s['Resource'])}]\n  }}"
            for s in statements
        )
        blocks += [
            f'data "aws_iam_policy_document" "own{number}" {{\n{inner}\n}}',
            f'resource "aws_iam_policy" "own{number}" {{\n  name = "{name}"\n'
            f"  policy = data.aws_iam_policy_document.own{number}.json\n}}",
            f'resource "aws_iam_role_policy_attachment" "own{number}" {{\n  role = aws_iam_role.it.name\n'
            f"  policy_arn = aws_iam_policy.own{number}.arn\n}}",
        ]
    module = folder / "module"
    module.mkdir()
    (module / "main.tf").write_text("\n\n".join(blocks) + "\n")
    return module


def hcl(value: Any) -> str:
    """Write plain data as an HCL expression."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {hcl(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(hcl(item) for item in value) + "]"
    return json.dumps(value).replace("${", "$${")


def template(spec: Spec, folder: Path) -> Path:
    """Write a CloudFormation template."""
    properties: Json = {
        "RoleName": NAME,
        "AssumeRolePolicyDocument": document([spec.trust]),
        "Tags": [{"Key": key, "Value": value} for key, value in spec.tags.items()],
        "Policies": [{"PolicyName": n, "PolicyDocument": document(s)} for n, s in spec.inline.items()],
        "ManagedPolicyArns": [*spec.managed, *({"Ref": f"Own{number}"} for number in range(len(spec.own)))],
    }
    if spec.boundary:
        properties["PermissionsBoundary"] = spec.boundary
    resources: Json = {"It": {"Type": "AWS::IAM::Role", "Properties": properties}}
    for number, (name, statements) in enumerate(spec.own.items()):
        resources[f"Own{number}"] = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"ManagedPolicyName": name, "PolicyDocument": document(statements)},
        }
    return write(folder / "template.json", {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})


def write(file: Path, data: Json) -> Path:
    """Write JSON."""
    file.write_text(json.dumps(data, indent=2))
    return file


#: The first is what the others are held against.
FORMATS: dict[str, Callable[[Spec, Path], Path]] = {
    "bundle": bundle,
    "dump": dump,
    "plan": plan,
    "Terraform source": terraform,
    "CloudFormation": template,
}


def judged(path: Path, capsys: pytest.CaptureFixture[str]) -> Json:
    """Give what a check says, without places and without how each format calls the role."""
    code = run(["check", str(path), "--format", "json"])
    report = json.loads(capsys.readouterr().out)
    (role,) = report["roles"]
    assert (role["name"], role["kind"], report["errors"]) == (NAME, "role", [])
    return {
        "code": code,
        "unknown": [u["what"] for u in report["unknown"]],
        "findings": sorted(
            (f["rule"], f["severity"], f["certainty"], f["message"], sorted(f["actions"])) for f in report["findings"]
        ),
        "effects": {
            cls: sorted((g["scope"], g["certainty"], sorted(g["actions"])) for g in groups)
            for cls, groups in role["effects"].items()
        },
    }


@pytest.mark.parametrize("name", SPECS)
def test_every_format_gives_the_same_findings(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = SPECS[name]
    expected = judged(bundle(spec, tmp_path), capsys)
    assert expected["unknown"] == []
    assert (expected["findings"] == []) is (name == "reads only")
    for form, writer in list(FORMATS.items())[1:]:
        found = judged(writer(spec, tmp_path), capsys)
        assert found == expected, form
