"""The attributes of instances that a plan tells of, for expressions of the source beside it."""

from __future__ import annotations

from typing import Any

from rolelint.policies.text import unknown
from rolelint.readers.terraform import kinds
from rolelint.readers.terraform.functions import is_unknown
from rolelint.readers.terraform.world import Instance, World

#: What `id` is, where it is another attribute of the same resource.
_ID_OF = {
    "aws_s3_bucket": "bucket",
    "aws_s3_directory_bucket": "bucket",
    "aws_iam_role": "name",
    "aws_iam_user": "name",
    "aws_iam_group": "name",
    "aws_iam_instance_profile": "name",
    "aws_iam_policy": "arn",
    "aws_iam_openid_connect_provider": "arn",
    "aws_sns_topic": "arn",
    "aws_dynamodb_table": "name",
    "aws_ecr_repository": "name",
    "aws_lambda_function": "function_name",
    "aws_cloudwatch_log_group": "name",
    "aws_backup_vault": "name",
    "aws_secretsmanager_secret": "arn",
}


def same_as(kind: str, attribute: str) -> str:
    """Name the attribute of the same resource that one given by the provider repeats; empty for none."""
    if attribute == "id":
        return _ID_OF.get(kind, "")
    return "input" if (kind, attribute) == ("terraform_data", "output") else ""


class PlannedAttributes:
    """Gives the attributes of an instance that a plan tells of."""

    def __init__(self, instance: Instance, world: World) -> None:
        self._instance = instance
        self._world = world

    def __call__(self, name: str) -> Any:
        found = self._instance.values.get(name)
        if name == "arn" and (found is None or is_unknown(found)):
            return kinds.arn_of(self._instance, self._world)
        if found is not None and not is_unknown(found):
            return found
        other = same_as(self._instance.type, name)
        if other:
            return self(other)
        return found if found is not None else unknown(f"{self._instance.address}.{name}")
