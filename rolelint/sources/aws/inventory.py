"""The resources of an account that hold data or carry a system, with the guards that stand over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from rolelint.sources.aws.arns import type_of
from rolelint.sources.aws.caller import Caller
from rolelint.sources.aws.plain import tag_map
from rolelint.sources.aws.production import Production
from rolelint.sources.aws.resource_policies import bucket_region, customer_keys, listed_buckets

#: A resource, or one more fact about one: `arn`, and as known `type`, `tags`, `protections`, `backups`.
Entry = dict[str, Any]


class Where(NamedTuple):
    """The place that is looked at; the Region is empty for what has none."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, rest: str) -> str:
        """Make the ARN of a resource here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"


Kind = Callable[[Caller, Where], Iterator[Entry]]


def _entry(arn: str, kind: str, tags: Any = None, protections: Sequence[str] = (), **more: Any) -> Entry:
    out: Entry = {"arn": arn, "type": kind, **more}
    if tags is not None:
        out["tags"] = tags
    if protections:
        out["protections"] = list(protections)
    return out


def _if(*pairs: tuple[Any, str]) -> list[str]:
    return [name for holds, name in pairs if holds]


def _tagged(aws: Caller, at: Where) -> Iterator[Entry]:
    for found in aws.items("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", region=at.region):
        arn = found["ResourceARN"]
        if ":logs:" in arn and ":log-group:" in arn and not arn.endswith(":*"):
            arn += ":*"
        yield {"arn": arn, "tags": tag_map(found.get("Tags"))}


def _databases(aws: Caller, at: Where) -> Iterator[Entry]:
    for found in aws.items("rds", "DescribeDBInstances", "DBInstances", region=at.region):
        guards = _if((found.get("DeletionProtection"), "deletion protection"))
        yield _entry(found["DBInstanceArn"], "rds:db", tag_map(found.get("TagList")), guards)
    for found in aws.items("rds", "DescribeDBClusters", "DBClusters", region=at.region):
        guards = _if((found.get("DeletionProtection"), "deletion protection"))
        yield _entry(found["DBClusterArn"], "rds:cluster", tag_map(found.get("TagList")), guards)
    for found in aws.items("rds", "DescribeDBSnapshots", "DBSnapshots", region=at.region):
        arn = found["DBSnapshotArn"]
        yield _entry(arn, "rds:snapshot", tag_map(found.get("TagList")))
        if found.get("SnapshotType") == "manual":  # automated ones go with their database
            yield {"arn": at.arn("rds", f"db:{found['DBInstanceIdentifier']}"), "backups": [{"point": arn}]}
    for found in aws.items("rds", "DescribeDBClusterSnapshots", "DBClusterSnapshots", region=at.region):
        arn = found["DBClusterSnapshotArn"]
        yield _entry(arn, "rds:cluster-snapshot", tag_map(found.get("TagList")))
        if found.get("SnapshotType") == "manual":
            yield {"arn": at.arn("rds", f"cluster:{found['DBClusterIdentifier']}"), "backups": [{"point": arn}]}


def _tables(aws: Caller, at: Where) -> Iterator[Entry]:
    for name in aws.items("dynamodb", "ListTables", "TableNames", region=at.region):
        place = {"region": at.region, "where": name}
        told = aws.ask("dynamodb", "DescribeTable", **place, TableName=name)
        if told is None:
            continue
        table = told["Table"]
        continuous = aws.ask("dynamodb", "DescribeContinuousBackups", **place, TableName=name) or {}
        recovery = continuous.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
        guards = _if(
            (table.get("DeletionProtectionEnabled"), "deletion protection"),
            (recovery.get("PointInTimeRecoveryStatus") == "ENABLED", "point-in-time recovery"),
        )
        tags = aws.items(
            "dynamodb", "ListTagsOfResource", "Tags", region=at.region, where=name, ResourceArn=table["TableArn"]
        )
        yield _entry(table["TableArn"], "dynamodb:table", tag_map(tags), guards)


def _buckets(aws: Caller, at: Where) -> Iterator[Entry]:
    for bucket in listed_buckets(aws):
        name = bucket["Name"]
        arn = f"arn:{at.partition}:s3:::{name}"
        region = bucket_region(aws, bucket)
        if region is None:
            yield _entry(arn, "s3:bucket")
            continue

        def one(operation: str, *absent: str, name: str = name, region: str = region) -> dict[str, Any]:
            return aws.ask("s3", operation, region=region, where=name, absent=absent, Bucket=name) or {}

        lock = one("GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError")
        mode = lock.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {}).get("Mode")
        guards = _if(
            (one("GetBucketVersioning").get("Status") == "Enabled", "versioning"),
            (mode == "COMPLIANCE", "object lock"),
            (mode == "GOVERNANCE", "governance lock"),
        )
        tags = tag_map(one("GetBucketTagging", "NoSuchTagSet").get("TagSet"))
        yield _entry(arn, "s3:bucket", tags, guards, region=region)


def _instances(aws: Caller, at: Where) -> Iterator[Entry]:
    for reservation in aws.items("ec2", "DescribeInstances", "Reservations", region=at.region):
        for found in reservation.get("Instances") or ():
            if found.get("State", {}).get("Name") in ("terminated", "shutting-down"):
                continue
            told = aws.ask(
                "ec2",
                "DescribeInstanceAttribute",
                region=at.region,
                where=found["InstanceId"],
                InstanceId=found["InstanceId"],
                Attribute="disableApiTermination",
            )
            guards = _if(((told or {}).get("DisableApiTermination", {}).get("Value"), "termination protection"))
            arn = at.arn("ec2", f"instance/{found['InstanceId']}")
            yield _entry(arn, "ec2:instance", tag_map(found.get("Tags")), guards)


def _volumes(aws: Caller, at: Where) -> Iterator[Entry]:
    for found in aws.items("ec2", "DescribeVolumes", "Volumes", region=at.region):
        yield _entry(at.arn("ec2", f"volume/{found['VolumeId']}"), "ec2:volume", tag_map(found.get("Tags")))
    for found in aws.items("ec2", "DescribeSnapshots", "Snapshots", region=at.region, OwnerIds=["self"]):
        arn = f"arn:{at.partition}:ec2:{at.region}::snapshot/{found['SnapshotId']}"
        yield _entry(arn, "ec2:snapshot", tag_map(found.get("Tags")))
        if found.get("VolumeId"):
            yield {"arn": at.arn("ec2", f"volume/{found['VolumeId']}"), "backups": [{"point": arn}]}


def _file_systems(aws: Caller, at: Where) -> Iterator[Entry]:
    for found in aws.items("efs", "DescribeFileSystems", "FileSystems", region=at.region):
        arn = found.get("FileSystemArn") or at.arn("elasticfilesystem", f"file-system/{found['FileSystemId']}")
        yield _entry(arn, "elasticfilesystem:file-system", tag_map(found.get("Tags")))


def _clusters(aws: Caller, at: Where) -> Iterator[Entry]:
    for name in aws.items("eks", "ListClusters", "clusters", region=at.region):
        told = aws.ask("eks", "DescribeCluster", region=at.region, where=name, name=name)
        found = (told or {}).get("cluster") or {"arn": at.arn("eks", f"cluster/{name}")}
        guards = _if((found.get("deletionProtection"), "deletion protection"))
        yield _entry(found["arn"], "eks:cluster", dict(found["tags"]) if "tags" in found else None, guards)


def _services(aws: Caller, at: Where) -> Iterator[Entry]:
    for cluster in aws.items("ecs", "ListClusters", "clusterArns", region=at.region):
        yield _entry(cluster, "ecs:cluster")
        for arn in aws.items("ecs", "ListServices", "serviceArns", region=at.region, where=cluster, cluster=cluster):
            yield _entry(arn, "ecs:service")


def _stacks(aws: Caller, at: Where) -> Iterator[Entry]:
    for found in aws.items("cloudformation", "DescribeStacks", "Stacks", region=at.region):
        guards = _if((found.get("EnableTerminationProtection"), "termination protection"))
        yield _entry(found["StackId"], "cloudformation:stack", tag_map(found.get("Tags")), guards)


def _environments(aws: Caller, at: Where) -> Iterator[Entry]:
    for found in aws.items(
        "elasticbeanstalk", "DescribeEnvironments", "Environments", region=at.region, IncludeDeleted=False
    ):
        rest = f"environment/{found.get('ApplicationName')}/{found.get('EnvironmentName')}"
        arn = found.get("EnvironmentArn") or at.arn("elasticbeanstalk", rest)
        yield _entry(arn, "elasticbeanstalk:environment")


def _keys(aws: Caller, at: Where) -> Iterator[Entry]:
    for key in customer_keys(aws, at.region):
        tags = aws.items("kms", "ListResourceTags", "Tags", region=at.region, where=key["Arn"], KeyId=key["KeyId"])
        yield _entry(key["Arn"], "kms:key", tag_map(tags, "TagKey", "TagValue"))


def _vaults(aws: Caller, at: Where) -> Iterator[Entry]:
    for vault in aws.listed("backup", "ListBackupVaults", "BackupVaultList", region=at.region):
        arn = vault["BackupVaultArn"]
        yield _entry(arn, "backup:backupVault", None, _if((vault.get("Locked"), "vault lock")))
        seen = set()
        for point in aws.items(
            "backup",
            "ListRecoveryPointsByBackupVault",
            "RecoveryPoints",
            region=at.region,
            where=arn,
            BackupVaultName=vault["BackupVaultName"],
        ):
            source = point.get("ResourceArn")
            if source and source not in seen:
                seen.add(source)
                kept = {"point": point["RecoveryPointArn"], "vault": arn, "locked": bool(vault.get("Locked"))}
                yield {"arn": source, "backups": [kept]}


def _log_groups(aws: Caller, at: Where) -> Iterator[Entry]:
    for found in aws.items("logs", "DescribeLogGroups", "logGroups", region=at.region):
        arn = found.get("arn") or at.arn("logs", f"log-group:{found['logGroupName']}:*")
        guards = _if((found.get("deletionProtectionEnabled"), "deletion protection"))
        yield _entry(arn, "logs:log-group", None, guards)


def _zones(aws: Caller, at: Where) -> Iterator[Entry]:
    ids = [zone["Id"].rpartition("/")[2] for zone in aws.items("route53", "ListHostedZones", "HostedZones")]
    for start in range(0, len(ids), 10):
        batch = ids[start : start + 10]
        told = aws.ask(
            "route53", "ListTagsForResources", where=", ".join(batch), ResourceType="hostedzone", ResourceIds=batch
        )
        tags = {t["ResourceId"]: tag_map(t.get("Tags")) for t in (told or {}).get("ResourceTagSets") or ()}
        for zone in batch:
            arn = f"arn:{at.partition}:route53:::hostedzone/{zone}"
            yield _entry(arn, "route53:hostedzone", tags.get(zone))


#: What is looked at once, and what is looked at in each Region.
GLOBAL: tuple[tuple[str, Kind], ...] = (("buckets", _buckets), ("hosted zones", _zones))
REGIONAL: tuple[tuple[str, Kind], ...] = (
    ("tagged resources", _tagged),
    ("databases", _databases),
    ("tables", _tables),
    ("instances", _instances),
    ("volumes", _volumes),
    ("file systems", _file_systems),
    ("Kubernetes clusters", _clusters),
    ("container services", _services),
    ("stacks", _stacks),
    ("environments", _environments),
    ("keys", _keys),
    ("backup vaults", _vaults),
    ("log groups", _log_groups),
)


def joined(
    entries: Sequence[Entry], production: Production, account: str, account_names: Sequence[str] = ()
) -> list[Entry]:
    """Join what several calls said about each resource, in the order of ARNs.

    A backup or a tag of something that no list holds is no resource: only what was listed, or has tags, counts.
    """
    found: dict[str, Entry] = {}
    backups: dict[str, list[Any]] = {}
    for entry in entries:
        if "backups" in entry:
            backups.setdefault(entry["arn"], []).extend(entry["backups"])
            continue
        known = found.setdefault(entry["arn"], {"arn": entry["arn"]})
        for key, value in entry.items():
            if key == "protections":
                known[key] = sorted({*known.get(key, ()), *value})
            elif key == "tags":
                known[key] = {**known.get(key, {}), **value}
            else:
                known[key] = value
    out = []
    for arn, entry in sorted(found.items()):
        entry.setdefault("type", type_of(arn))
        if arn in backups:
            entry["backups"] = backups[arn]
        marked = production.marks(arn, entry.get("tags") or {}, account, account_names)
        if marked is not None:
            entry["production"] = marked
        out.append(entry)
    return out
