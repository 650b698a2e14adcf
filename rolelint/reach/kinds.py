"""How resources of each type are destroyed, which guards stop that, and what takes a guard away."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from rolelint.catalog import catalog
from rolelint.memory import lasting


class Blow(NamedTuple):
    """A way to destroy a resource.

    Attributes:
        mask: actions, each of which is enough.
        inside: what is named in place of the resource: a text after its ARN, for example `/*` for objects.
        guards: guards that stop it.
    """

    mask: int
    inside: str
    guards: frozenset[str]


#: Types, actions, and the guards that stop them. `bucket/` names objects in place of the bucket.
_BLOWS = """
rds:db                           DeleteDBInstance                         deletion protection
rds:cluster                      DeleteDBCluster                          deletion protection
rds:snapshot                     DeleteDBSnapshot
rds:cluster-snapshot             DeleteDBClusterSnapshot
dynamodb:table                   DeleteTable                              deletion protection, point-in-time recovery
dynamodb:table                   DeleteItem BatchWriteItem PartiQLDelete  point-in-time recovery
s3:bucket/                       DeleteObject                             versioning, object lock, governance lock
s3:bucket/                       DeleteObjectVersion                      object lock, governance lock
s3:bucket                        PutLifecycleConfiguration                object lock, governance lock
ec2:instance                     TerminateInstances                       termination protection
ec2:volume                       DeleteVolume
ec2:snapshot                     DeleteSnapshot
elasticfilesystem:file-system    DeleteFileSystem
eks:cluster                      DeleteCluster                            deletion protection
ecs:cluster                      DeleteCluster
ecs:service                      DeleteService
cloudformation:stack             DeleteStack                              termination protection
elasticbeanstalk:environment     TerminateEnvironment RebuildEnvironment
kms:key                          ScheduleKeyDeletion DeleteImportedKeyMaterial
backup:backupVault/              DeleteRecoveryPoint                      vault lock
logs:log-group                   DeleteLogGroup                           deletion protection
route53:hostedzone               DeleteHostedZone ChangeResourceRecordSets
"""

#: What takes a guard away, or goes round it. A guard that is not here stands whatever the role can do.
_REMOVERS = """
rds:db                   deletion protection       ModifyDBInstance
rds:cluster              deletion protection       ModifyDBCluster
dynamodb:table           deletion protection       UpdateTable
dynamodb:table           point-in-time recovery    UpdateContinuousBackups
s3:bucket/               versioning                DeleteObjectVersion
s3:bucket                versioning                PutLifecycleConfiguration
s3:bucket/               governance lock  BypassGovernanceRetention
ec2:instance             termination protection    ModifyInstanceAttribute
eks:cluster              deletion protection       UpdateClusterConfig
cloudformation:stack     termination protection    UpdateTerminationProtection
logs:log-group           deletion protection       PutLogGroupDeletionProtection
backup:backupVault       vault lock                DeleteBackupVaultLockConfiguration
"""

#: Actions that delete a backup, by the start of its ARN's resource field and its service.
_BACKUPS = (
    ("backup", "recovery-point:", "backup:DeleteRecoveryPoint"),
    ("ec2", "snapshot/", "ec2:DeleteSnapshot"),
    ("ec2", "image/", "ec2:DeregisterImage"),
    ("rds", "snapshot:", "rds:DeleteDBSnapshot"),
    ("rds", "cluster-snapshot:", "rds:DeleteDBClusterSnapshot"),
    ("dynamodb", "table/", "dynamodb:DeleteBackup"),
)

_GENERIC_VERBS = ("Delete", "Terminate", "Purge", "Deregister")


def _rows(table: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in table.strip().splitlines()]


def _named(kind: str, names: str) -> int:
    service = kind.partition(":")[0]
    return catalog().expand_all(f"{service}:{name}" for name in names.split())


def _place(kind: str) -> tuple[str, str]:
    """Part a type from the mark that says that things inside the resource are named."""
    if not kind.endswith("/"):
        return kind, ""
    return kind[:-1], "/" if kind.startswith("s3:") else "recovery-point"


@cache
def _known_blows() -> dict[str, tuple[Blow, ...]]:
    out: dict[str, list[Blow]] = {}
    for row in _rows(_BLOWS):
        kind, inside = _place(row[0])
        guards = frozenset(row[2].split(", ")) if len(row) > 2 else frozenset()
        out.setdefault(kind, []).append(Blow(_named(kind, row[1]), inside, guards))
    return {kind: tuple(blows) for kind, blows in out.items()}


@cache
def removers() -> dict[tuple[str, str], tuple[Blow, ...]]:
    """Give, for a resource type and a guard, the ways to take the guard away."""
    out: dict[tuple[str, str], list[Blow]] = {}
    for marked, guard, names in _rows(_REMOVERS):
        kind, inside = _place(marked)
        out.setdefault((kind, guard), []).append(Blow(_named(kind, names), inside, frozenset()))
    return {key: tuple(ways) for key, ways in out.items()}


@cache
def blows(kind: str) -> tuple[Blow, ...]:
    """List the ways to destroy a resource of a type; none where the catalogue knows none."""
    known = _known_blows().get(kind)
    if known is not None:
        return known
    service, _, name = kind.partition(":")
    if not name:
        return ()
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    mask = 0
    table = catalog()
    for index in table.indexes(table.service_mask(service) & table.destructive):
        action = table.action(index)
        verb_and_noun = action.name.partition(":")[2]
        named = any(t.key == kind for t in action.signature.targets)
        if (
            named
            and verb_and_noun.startswith(_GENERIC_VERBS)
            and verb_and_noun.lower().rstrip("s").endswith(plain.rstrip("s"))
        ):
            mask |= 1 << index
    return (Blow(mask, "", frozenset()),) if mask else ()


for _kept in (_known_blows, removers, blows):
    lasting(_kept.cache_clear)


def backup_deleter(point: str) -> int:
    """Give the actions that delete a backup, by its ARN; 0 when that is not known."""
    fields = point.split(":", 5)
    if len(fields) < 6:
        return 0
    for service, start, action in _BACKUPS:
        if fields[2] == service and fields[5].startswith(start):
            return catalog().expand(action)
    return 0
