"""Accounts in the moto server, built as a user would build them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3

REGION = "us-east-1"


def document(*statements: dict[str, Any]) -> str:
    """Write a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """Write an Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """Write a Deny statement."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


TRUST = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})


@dataclass
class Account:
    """Credentials of one account."""

    id: str
    key: str
    secret: str
    token: str
    endpoint: str

    def client(self, service: str, region: str = REGION) -> Any:
        """Make a client that talks to moto itself."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            aws_session_token=self.token or None,
        )

    def environment(self) -> dict[str, str]:
        """Give the variables that sign in to it."""
        made = {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent/config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
        }
        return {**made, "AWS_SESSION_TOKEN": self.token} if self.token else made

    def role(self, name: str, *statements: dict[str, Any], **more: Any) -> str:
        """Make a role with one inline policy."""
        iam = self.client("iam")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=more.pop("trust", TRUST), **more)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
        return str(made["Role"]["Arn"])


def root_account(endpoint: str) -> Account:
    """Give moto's own account."""
    return Account("123456789012", "AKIAROOTROOTROOTROOT", "root-secret-root-secret-root-secret-root", "", endpoint)


def account(endpoint: str, number: str) -> Account:
    """Sign in to an account, which moto makes on the way."""
    sts = root_account(endpoint).client("sts")
    made = sts.assume_role(RoleArn=f"arn:aws:iam::{number}:role/Seed", RoleSessionName="seed")["Credentials"]
    return Account(number, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], endpoint)


def fill(there: Account, roles: int = 30) -> None:
    """Put users, groups, boundaries, managed policies and many roles into an account."""
    iam = there.client("iam")
    arns = []
    for number in range(5):
        made = iam.create_policy(
            PolicyName=f"shared-{number}",
            PolicyDocument=document(allow("s3:GetObject"), allow(["dynamodb:DeleteTable", "dynamodb:Get*"])),
        )
        arns.append(made["Policy"]["Arn"])
    # The default version is what counts, not the first and not the newest.
    newer = document(allow("rds:Describe*"))
    iam.create_policy_version(PolicyArn=arns[4], PolicyDocument=newer, SetAsDefault=True)
    iam.create_policy_version(PolicyArn=arns[4], PolicyDocument=document(allow("*")), SetAsDefault=False)
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=document(allow(["s3:*", "ec2:*"])))["Policy"]["Arn"]
    for number in range(roles):
        name = f"app-{number}"
        bounded = {"PermissionsBoundary": limit} if number % 7 == 0 else {}
        there.role(
            name,
            allow(["rds:Delete*", "s3:DeleteObject"] if number % 5 == 0 else "s3:GetObject"),
            Tags=[{"Key": "team", "Value": f"t{number % 3}"}],
            **bounded,
        )
        if number % 3 == 0:
            iam.attach_role_policy(RoleName=name, PolicyArn=arns[number % 5])
    iam.create_group(GroupName="operators")
    iam.put_group_policy(
        GroupName="operators", PolicyName="operate", PolicyDocument=document(allow("ec2:TerminateInstances"))
    )
    iam.create_user(UserName="alice")
    iam.add_user_to_group(UserName="alice", GroupName="operators")
    iam.create_instance_profile(InstanceProfileName="machine")
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="app-0")
    iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
    )
    iam.create_account_alias(AccountAlias=f"alias-{there.id}")
