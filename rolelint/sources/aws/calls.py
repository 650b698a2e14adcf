"""Every AWS call that a scan may make: the table behind both the scan and the policy it prints."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple


class Call(NamedTuple):
    """One operation.

    Attributes:
        service: what boto3 calls the client.
        operation: as AWS spells it.
        action: the IAM action it needs; empty where AWS asks for none.
        part: the part of the scan that makes it.
        why: one phrase.
    """

    service: str
    operation: str
    action: str
    part: str
    why: str


#: Parts of a scan, in order; the first is always read. Others need `regions` where no Regions are named, `account-path`
#: where no Organization is walked, and `account-tags` where its accounts are chosen by tags.
PARTS = (
    "principals",
    "regions",
    "guardrails",
    "account-path",
    "identity-center",
    "resource-policies",
    "inventory",
    "last-accessed",
    "confirm",
    "organization",
    "account-tags",
)

_TABLE = """
principals         sts             GetCallerIdentity                              -                                                which account is it
principals         iam             GetAccountAuthorizationDetails                 iam:GetAccountAuthorizationDetails               users, groups, roles and their policies
principals         iam             GetPolicy                                      iam:GetPolicy                                    AWS managed policies that the details leave out
principals         iam             GetPolicyVersion                               iam:GetPolicyVersion                             AWS managed policies at their live default version
principals         iam             ListAccountAliases                             iam:ListAccountAliases                           what people call the account
principals         iam             ListInstanceProfiles                           iam:ListInstanceProfiles                         which roles reach EC2 instances
principals         iam             ListOpenIDConnectProviders                     iam:ListOpenIDConnectProviders                   who may federate in
principals         iam             GetOpenIDConnectProvider                       iam:GetOpenIDConnectProvider                     audiences of OIDC providers
principals         iam             ListSAMLProviders                              iam:ListSAMLProviders                            who may federate in
regions            ec2             DescribeRegions                                ec2:DescribeRegions                              which Regions are switched on
guardrails         organizations   DescribeOrganization                           organizations:DescribeOrganization               is the account in an organization
account-path       organizations   DescribeAccount                                organizations:DescribeAccount                    the account's name
guardrails         organizations   ListRoots                                      organizations:ListRoots                          which policy types are switched on
account-path       organizations   ListParents                                    organizations:ListParents                        the account's path
account-path       organizations   DescribeOrganizationalUnit                     organizations:DescribeOrganizationalUnit         names on the path
guardrails         organizations   ListPoliciesForTarget                          organizations:ListPoliciesForTarget              SCPs and RCPs of each level
guardrails         organizations   DescribePolicy                                 organizations:DescribePolicy                     their text
identity-center    sso-admin       ListInstances                                  sso:ListInstances                                where Identity Center is
identity-center    sso-admin       ListPermissionSets                             sso:ListPermissionSets                           permission sets
identity-center    sso-admin       DescribePermissionSet                          sso:DescribePermissionSet                        their names and session length
identity-center    sso-admin       GetInlinePolicyForPermissionSet                sso:GetInlinePolicyForPermissionSet              their inline policies
identity-center    sso-admin       ListManagedPoliciesInPermissionSet             sso:ListManagedPoliciesInPermissionSet           their AWS managed policies
identity-center    sso-admin       ListCustomerManagedPolicyReferencesInPermissionSet sso:ListCustomerManagedPolicyReferencesInPermissionSet their customer managed policies
identity-center    sso-admin       GetPermissionsBoundaryForPermissionSet         sso:GetPermissionsBoundaryForPermissionSet       their boundaries
identity-center    sso-admin       ListTagsForResource                            sso:ListTagsForResource                          their tags
identity-center    sso-admin       ListAccountsForProvisionedPermissionSet        sso:ListAccountsForProvisionedPermissionSet      where they are provisioned
identity-center    sso-admin       ListAccountAssignments                         sso:ListAccountAssignments                       who holds them
resource-policies  kms             ListKeys                                       kms:ListKeys                                     keys
resource-policies  kms             DescribeKey                                    kms:DescribeKey                                  which keys are the customer's
resource-policies  kms             GetKeyPolicy                                   kms:GetKeyPolicy                                 key policies
resource-policies  s3              ListBuckets                                    s3:ListAllMyBuckets                              buckets
resource-policies  s3              GetBucketLocation                              s3:GetBucketLocation                             where a bucket is
resource-policies  s3              GetBucketPolicy                                s3:GetBucketPolicy                               bucket policies
resource-policies  lambda          ListFunctions                                  lambda:ListFunctions                             functions
resource-policies  lambda          GetPolicy                                      lambda:GetPolicy                                 function policies
resource-policies  sqs             ListQueues                                     sqs:ListQueues                                   queues
resource-policies  sqs             GetQueueAttributes                             sqs:GetQueueAttributes                           queue policies
resource-policies  sns             ListTopics                                     sns:ListTopics                                   topics
resource-policies  sns             GetTopicAttributes                             sns:GetTopicAttributes                           topic policies
resource-policies  secretsmanager  ListSecrets                                    secretsmanager:ListSecrets                       names of secrets, never their values
resource-policies  secretsmanager  GetResourcePolicy                              secretsmanager:GetResourcePolicy                 policies of secrets
resource-policies  ecr             DescribeRepositories                           ecr:DescribeRepositories                         repositories
resource-policies  ecr             GetRepositoryPolicy                            ecr:GetRepositoryPolicy                          repository policies
resource-policies  backup          ListBackupVaults                               backup:ListBackupVaults                          vaults
resource-policies  backup          GetBackupVaultAccessPolicy                     backup:GetBackupVaultAccessPolicy                vault policies
inventory          resourcegroupstaggingapi GetResources                          tag:GetResources                                 tagged resources
inventory          rds             DescribeDBInstances                            rds:DescribeDBInstances                          database instances
inventory          rds             DescribeDBClusters                             rds:DescribeDBClusters                           database clusters
inventory          rds             DescribeDBSnapshots                            rds:DescribeDBSnapshots                          their snapshots
inventory          rds             DescribeDBClusterSnapshots                     rds:DescribeDBClusterSnapshots                   their snapshots
inventory          dynamodb        ListTables                                     dynamodb:ListTables                              tables
inventory          dynamodb        DescribeTable                                  dynamodb:DescribeTable                           deletion protection
inventory          dynamodb        DescribeContinuousBackups                      dynamodb:DescribeContinuousBackups               point-in-time recovery
inventory          dynamodb        ListTagsOfResource                             dynamodb:ListTagsOfResource                      tags
inventory          s3              ListBuckets                                    s3:ListAllMyBuckets                              buckets
inventory          s3              GetBucketLocation                              s3:GetBucketLocation                             where a bucket is
inventory          s3              GetBucketVersioning                            s3:GetBucketVersioning                           versioning
inventory          s3              GetObjectLockConfiguration                     s3:GetBucketObjectLockConfiguration              object lock
inventory          s3              GetBucketTagging                               s3:GetBucketTagging                              tags
inventory          ec2             DescribeVolumes                                ec2:DescribeVolumes                              volumes
inventory          ec2             DescribeSnapshots                              ec2:DescribeSnapshots                            snapshots
inventory          ec2             DescribeInstances                              ec2:DescribeInstances                            instances
inventory          ec2             DescribeInstanceAttribute                      ec2:DescribeInstanceAttribute                    termination protection
inventory          efs             DescribeFileSystems                            elasticfilesystem:DescribeFileSystems            file systems
inventory          eks             ListClusters                                   eks:ListClusters                                 clusters
inventory          eks             DescribeCluster                                eks:DescribeCluster                              deletion protection and tags
inventory          ecs             ListClusters                                   ecs:ListClusters                                 clusters
inventory          ecs             ListServices                                   ecs:ListServices                                 services
inventory          cloudformation  DescribeStacks                                 cloudformation:DescribeStacks                    stacks and termination protection
inventory          elasticbeanstalk DescribeEnvironments                          elasticbeanstalk:DescribeEnvironments            environments
inventory          kms             ListKeys                                       kms:ListKeys                                     keys
inventory          kms             DescribeKey                                    kms:DescribeKey                                  which keys are the customer's
inventory          kms             ListResourceTags                               kms:ListResourceTags                             tags
inventory          backup          ListBackupVaults                               backup:ListBackupVaults                          vaults and their locks
inventory          backup          ListRecoveryPointsByBackupVault                backup:ListRecoveryPointsByBackupVault           what is backed up where
inventory          logs            DescribeLogGroups                              logs:DescribeLogGroups                           log groups
inventory          route53         ListHostedZones                                route53:ListHostedZones                          hosted zones
inventory          route53         ListTagsForResources                           route53:ListTagsForResources                     tags
last-accessed      iam             GenerateServiceLastAccessedDetails             iam:GenerateServiceLastAccessedDetails           ask when a role used what
last-accessed      iam             GetServiceLastAccessedDetails                  iam:GetServiceLastAccessedDetails                the answer
confirm            iam             SimulatePrincipalPolicy                        iam:SimulatePrincipalPolicy                      AWS's own opinion about each request found
organization       organizations   ListRoots                                      organizations:ListRoots                          the top of the organization
organization       organizations   ListOrganizationalUnitsForParent               organizations:ListOrganizationalUnitsForParent   its units
organization       organizations   ListAccountsForParent                          organizations:ListAccountsForParent              its accounts
account-tags       organizations   ListTagsForResource                            organizations:ListTagsForResource                tags that include or exclude accounts
organization       sts             AssumeRole                                     sts:AssumeRole                                   a role in each account
"""  # noqa: E501 (a table reads better than its parts)


def _parse() -> tuple[Call, ...]:
    out = []
    for line in _TABLE.strip().splitlines():
        part, service, operation, action, why = line.split(None, 4)
        out.append(Call(service, operation, "" if action == "-" else action, part, why))
    return tuple(out)


CALLS = _parse()
_KNOWN = {(call.service, call.operation): call for call in CALLS}


def known(service: str, operation: str) -> Call:
    """Find a call.

    Raises:
        LookupError: when the scan has no right to make it. This is a bug.
    """
    try:
        return _KNOWN[service, operation]
    except KeyError:
        raise LookupError(f"{service}:{operation} is not in the table of calls") from None


def actions(parts: Iterable[str]) -> list[str]:
    """List the IAM actions that some parts of the scan need."""
    wanted = set(parts)
    return sorted({call.action for call in CALLS if call.part in wanted and call.action})


def policy(parts: Iterable[str], partition: str = "aws", role_name: str = "") -> dict[str, Any]:
    """Write the least-privilege policy for some parts of the scan.

    Args:
        role_name: for an Organization: the only role that may be assumed, in every account.
    """
    needed = [action for action in actions(parts) if action != "sts:AssumeRole"]
    statements: list[dict[str, Any]] = [
        {"Sid": "RolelintScan", "Effect": "Allow", "Action": needed, "Resource": "*"},
    ]
    if "sts:AssumeRole" in actions(parts):
        target = f"arn:{partition}:iam::*:role/{role_name}"
        statements.append({"Sid": "RolelintMembers", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": target})
    return {"Version": "2012-10-17", "Statement": statements}


def policy_text(parts: Iterable[str], partition: str = "aws", role_name: str = "") -> str:
    """Write the policy as JSON text."""
    return json.dumps(policy(parts, partition, role_name), indent=2) + "\n"
