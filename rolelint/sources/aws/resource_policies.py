"""Policies that hang on resources: keys, buckets, functions, queues, topics, secrets, repositories, vaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rolelint.sources.aws.caller import Caller
from rolelint.sources.aws.plain import document

Entry = dict[str, Any]
Kind = Callable[[Caller, str], Iterator[Entry]]


def bucket_region(aws: Caller, bucket: dict[str, Any]) -> str | None:
    """Tell where a bucket is; None when that cannot be seen."""
    if bucket.get("BucketRegion"):
        return str(bucket["BucketRegion"])
    told = aws.listed_one("s3", "GetBucketLocation", where=bucket["Name"], Bucket=bucket["Name"])
    if told is None:
        return None
    place = told.get("LocationConstraint") or "us-east-1"
    return "eu-west-1" if place == "EU" else str(place)


def listed_buckets(aws: Caller) -> list[dict[str, Any]]:
    """List the buckets of the account."""
    # AWS: API_ListBuckets.html. Without a page size S3 gives no Regions, and refuses accounts with a raised quota.
    return aws.listed("s3", "ListBuckets", "Buckets", MaxBuckets=1000)


def buckets(aws: Caller, partition: str) -> Iterator[Entry]:
    """Yield the bucket policies of the account."""
    for bucket in listed_buckets(aws):
        region = bucket_region(aws, bucket)
        if region is None:
            continue
        name = bucket["Name"]
        told = aws.ask("s3", "GetBucketPolicy", region=region, where=name, absent=("NoSuchBucketPolicy",), Bucket=name)
        yield from _entry("s3:bucket", f"arn:{partition}:s3:::{name}", (told or {}).get("Policy"))


def customer_keys(aws: Caller, region: str) -> list[dict[str, Any]]:
    """Describe the keys that are the customer's own."""
    out = []
    for key in aws.listed("kms", "ListKeys", "Keys", region=region):
        told = aws.listed_one("kms", "DescribeKey", region=region, where=key["KeyArn"], KeyId=key["KeyId"])
        if told and told["KeyMetadata"].get("KeyManager") != "AWS":
            out.append(told["KeyMetadata"])
    return out


def _keys(aws: Caller, region: str) -> Iterator[Entry]:
    for key in customer_keys(aws, region):
        arn = key["Arn"]
        told = aws.ask("kms", "GetKeyPolicy", region=region, where=arn, KeyId=key["KeyId"], PolicyName="default")
        yield from _entry("kms:key", arn, (told or {}).get("Policy"))


def _functions(aws: Caller, region: str) -> Iterator[Entry]:
    for function in aws.items("lambda", "ListFunctions", "Functions", region=region):
        arn = function["FunctionArn"]
        absent = ("ResourceNotFoundException",)
        told = aws.ask("lambda", "GetPolicy", region=region, where=arn, absent=absent, FunctionName=arn)
        yield from _entry("lambda:function", arn, (told or {}).get("Policy"))


def _queues(aws: Caller, region: str) -> Iterator[Entry]:
    # AWS: API_ListQueues.html. Without a page size there is one page of at most 1,000, and no word of the rest.
    for url in aws.items("sqs", "ListQueues", "QueueUrls", region=region, MaxResults=1000):
        told = aws.ask(
            "sqs", "GetQueueAttributes", region=region, where=url, QueueUrl=url, AttributeNames=["Policy", "QueueArn"]
        )
        found = (told or {}).get("Attributes") or {}
        yield from _entry("sqs:queue", found.get("QueueArn", ""), found.get("Policy"))


def _topics(aws: Caller, region: str) -> Iterator[Entry]:
    for topic in aws.items("sns", "ListTopics", "Topics", region=region):
        arn = topic["TopicArn"]
        told = aws.ask("sns", "GetTopicAttributes", region=region, where=arn, TopicArn=arn)
        yield from _entry("sns:topic", arn, ((told or {}).get("Attributes") or {}).get("Policy"))


def _secrets(aws: Caller, region: str) -> Iterator[Entry]:
    for secret in aws.items("secretsmanager", "ListSecrets", "SecretList", region=region):
        arn = secret["ARN"]
        told = aws.ask("secretsmanager", "GetResourcePolicy", region=region, where=arn, SecretId=arn)
        yield from _entry("secretsmanager:Secret", arn, (told or {}).get("ResourcePolicy"))


def _repositories(aws: Caller, region: str) -> Iterator[Entry]:
    for repository in aws.items("ecr", "DescribeRepositories", "repositories", region=region):
        arn = repository["repositoryArn"]
        told = aws.ask(
            "ecr",
            "GetRepositoryPolicy",
            region=region,
            where=arn,
            absent=("RepositoryPolicyNotFoundException",),
            repositoryName=repository["repositoryName"],
        )
        yield from _entry("ecr:repository", arn, (told or {}).get("policyText"))


def _vaults(aws: Caller, region: str) -> Iterator[Entry]:
    for vault in aws.listed("backup", "ListBackupVaults", "BackupVaultList", region=region):
        arn = vault["BackupVaultArn"]
        told = aws.ask(
            "backup",
            "GetBackupVaultAccessPolicy",
            region=region,
            where=arn,
            absent=("ResourceNotFoundException",),
            BackupVaultName=vault["BackupVaultName"],
        )
        yield from _entry("backup:backupVault", arn, (told or {}).get("Policy"))


#: What is read in each Region.
REGIONAL: tuple[tuple[str, Kind], ...] = (
    ("keys", _keys),
    ("functions", _functions),
    ("queues", _queues),
    ("topics", _topics),
    ("secrets", _secrets),
    ("repositories", _repositories),
    ("vaults", _vaults),
)


def _entry(kind: str, arn: str, text: Any) -> Iterator[Entry]:
    if text and arn:
        yield {"resource": arn, "type": kind, "document": document(text)}
