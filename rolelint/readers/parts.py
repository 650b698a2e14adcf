"""Pieces of principals that several formats share: parsed policies, policies by ARN, tags."""

from __future__ import annotations

import marshal
import os
from typing import Any

from rolelint.documents import Place
from rolelint.errors import Location, Problem
from rolelint.policies.document import PolicyDocument, unknown_document
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType, Unknown
from rolelint.policies.text import has_unknown
from rolelint.records import replace

#: The policy that every organization attaches until somebody replaces it.
FULL_ACCESS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def full_access(beside: Policy, memo: dict[Any, Any]) -> Policy:
    """Make the policy that stands beside an SCP where nobody replaced it."""
    return Policy(beside.type, "FullAWSAccess", parsed(FULL_ACCESS, memo), beside.locate, inline=False)


def unfollowed(where: Location) -> Problem:
    """Tell of an SCP or RCP that hangs on something, and of which nobody can say which roles it limits."""
    message = "whose roles this SCP or RCP limits is not known: roles are judged without it"
    return Problem(message, where, "give those that apply with `--scp` and `--rcp`", "warning")


#: Beginnings of Region names, and the partition of those Regions; all others are in `aws`.
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
)


def partition_of(region: str) -> str:
    """Tell the partition of a Region, or empty when the Region is not known."""
    if not region or has_unknown(region):
        return ""
    return next((partition for start, partition in _PARTITIONS if region.startswith(start)), "aws")


def parsed(data: Any, memo: dict[Any, Any]) -> PolicyDocument:
    """Read a policy document once for all the places that repeat it.

    Args:
        memo: `ReadContext.memo`, keyed by content.
    """
    if isinstance(data, str):
        key: Any = data
    else:
        try:
            # Version 2 writes no references between objects, so equal data gives equal bytes.
            key = marshal.dumps(data, 2)
        except ValueError:  # nested too deeply, or not plain data: read it without remembering
            return parse_document(data)
    document = memo.get(key)
    if document is None:
        document = memo[key] = parse_document(data)
    assert isinstance(document, PolicyDocument)
    return document


def mapping(value: object) -> dict[str, Any]:
    """Give an object as it is, and an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, Any]]:
    """List the objects of a list; anything else is an empty list."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """List the texts of a list; anything else is an empty list."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def arn_account(arn: str) -> str:
    """Give the 12 digits of the account in an ARN, or an empty string."""
    fields = arn.split(":", 5)
    return fields[4] if len(fields) == 6 and len(fields[4]) == 12 and fields[4].isdigit() else ""


def arn_partition(arn: str) -> str:
    """Give the partition of an ARN, or an empty string."""
    fields = arn.split(":", 2)
    return fields[1] if len(fields) == 3 and fields[0] == "arn" and fields[1].startswith("aws") else ""


def names_principal(arn: str, kind: str) -> bool:
    """Tell whether an ARN is that of a role or user, and not of a session of it or of anything else.

    Args:
        kind: `role`, `user` or `permission-set`.
    """
    if kind == "permission-set":
        return bool(arn_partition(arn)) and ":sso:::permissionSet/" in arn
    fields = arn.split(":", 5)
    return bool(arn_partition(arn) and arn_account(arn)) and fields[2] == "iam" and fields[5].startswith(f"{kind}/")


def arn_name(arn: str) -> str:
    """Give the last part of an ARN's resource: the name of a role or policy."""
    return arn.rpartition("/")[2] or arn


def managed_policy(
    arn: str, kind: PolicyType, place: Place, memo: dict[Any, Any], name: str = ""
) -> tuple[Policy, Unknown | None]:
    """Find a policy by its ARN in the catalogue of AWS managed policies.

    Args:
        place: where the input names the ARN.

    Returns:
        The policy, and what is not known when the catalogue does not have it: the policy's document is then unknown.
    """
    name = name or arn_name(arn)
    document = published(arn, memo)
    if document is not None:
        return Policy(kind, name, document, place.fixed, arn, "", False), None
    reason = not_of_aws(arn) if ":iam::aws:" in arn else f"the text of the policy `{arn}` is not in the input"
    what = "permissions boundary" if kind is PolicyType.BOUNDARY else "attached policy"
    policy = Policy(kind, name, unknown_document(reason), place.fixed, arn, "", False)
    return policy, Unknown(what, reason, place(), kind is PolicyType.IDENTITY)


def not_of_aws(arn: str) -> str:
    """Say that an ARN is none of a policy that AWS manages, and where one of that name stands."""
    from rolelint.catalog import catalog

    head, _, written = arn.partition(":policy/")
    name = written.rpartition("/")[2]
    path = catalog().managed_policy_path(name)
    near = f", but `{head}:policy{path}{name}` is" if path else ""
    return f"the AWS managed policy `{arn}` is not in the catalogue{near}"


def published(arn: str, memo: dict[Any, Any], by_name: bool = False) -> PolicyDocument | None:
    """Give the document of a policy that AWS manages, or None when the catalogue has none by that ARN.

    The same policies exist in every partition, so the partition may be a value that is not known.

    Args:
        by_name: whether a name can stand in place of the ARN.
    """
    key = ("managed", arn, by_name)
    if key not in memo:
        memo[key] = _published(arn, memo, by_name)
    document: PolicyDocument | None = memo[key]
    return document


def _published(arn: str, memo: dict[Any, Any], by_name: bool) -> PolicyDocument | None:
    if arn.endswith(":policy/service_control_policy/p-FullAWSAccess"):
        return parsed(FULL_ACCESS, memo)
    head, managed, path = arn.partition(":iam::aws:policy/")
    if has_unknown(path) or (has_unknown(head) and not managed):
        return None
    if managed and has_unknown(head):
        arn = f"arn:aws{managed}{path}"
    elif not managed and not (by_name and ":" not in arn):
        return None
    from rolelint.catalog import catalog

    found = catalog().managed_policy(arn)
    return None if found is None else parsed(found, memo)


def tag_map(value: Any) -> dict[str, str]:
    """Read tags in AWS's list form (`[{Key, Value}]`) or as an object."""
    if isinstance(value, dict):
        return {str(key): "" if item is None else str(item) for key, item in value.items()}
    if not isinstance(value, list):
        return {}
    return {
        str(item["Key"]): str(item.get("Value", ""))
        for item in value
        if isinstance(item, dict) and isinstance(item.get("Key"), str)
    }


def unfinished(data: dict[str, Any]) -> str:
    """Give the key by which AWS, or its command line, says that a list goes on; empty where it does not."""
    if data.get("IsTruncated") is True:
        return "IsTruncated"
    return "NextToken" if isinstance(data.get("NextToken"), str) else ""


def stem(file: str) -> str:
    """Name an input by its file: `deploy-role` for `policies/deploy-role.json`."""
    if file.startswith("<"):
        return file.strip("<>")
    name = os.path.basename(file)
    return name.split(".")[0] or name


def doubtful(document: PolicyDocument, why: str) -> PolicyDocument:
    """Mark every statement of a document as doubtful."""
    statements = tuple(replace(s, doubtful=f"{s.doubtful}; {why}" if s.doubtful else why) for s in document.statements)
    return replace(document, statements=statements)
