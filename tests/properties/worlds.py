"""Random roles and requests: realistic shapes with near misses, not noise."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from rolelint.engine.request import Context, PolicySet, Principal, Request, Target
from rolelint.errors import Location
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType, Role

ACCOUNT = "123456789012"
_HERE = Location("random")

#: Actions with resources that they really take, and near misses of them.
ACTIONS = {
    "rds:DeleteDBInstance": [f"arn:aws:rds:{{r}}:{ACCOUNT}:db:{{n}}"],
    "dynamodb:DeleteTable": [f"arn:aws:dynamodb:{{r}}:{ACCOUNT}:table/{{n}}"],
    "dynamodb:PutItem": [f"arn:aws:dynamodb:{{r}}:{ACCOUNT}:table/{{n}}"],
    "s3:DeleteBucket": ["arn:aws:s3:::{n}"],
    "s3:DeleteObject": ["arn:aws:s3:::{n}/{n}", "arn:aws:s3:::{n}/a/{n}"],
    "s3:GetObject": ["arn:aws:s3:::{n}/{n}"],
    "sqs:PurgeQueue": [f"arn:aws:sqs:{{r}}:{ACCOUNT}:{{n}}"],
    "ec2:TerminateInstances": [f"arn:aws:ec2:{{r}}:{ACCOUNT}:instance/i-{{n}}"],
    "sns:DeleteTopic": [f"arn:aws:sns:{{r}}:{ACCOUNT}:{{n}}"],
    "iam:PutRolePolicy": [f"arn:aws:iam::{ACCOUNT}:role/{{n}}"],
    "lambda:DeleteFunction": [f"arn:aws:lambda:{{r}}:{ACCOUNT}:function:{{n}}"],
    "organizations:LeaveOrganization": ["*"],
    "account:CloseAccount": [f"arn:aws:account::{ACCOUNT}:account"],
}
NAMES = ["prod", "prod-1", "dev", "dev-1", "app", "app-prod", "x"]
REGIONS = ["us-east-1", "eu-west-1", "us-west-2"]
_ACTION_PATTERNS = [
    *ACTIONS,
    "*",
    "rds:*",
    "s3:*",
    "s3:Delete*",
    "*:Delete*",
    "dynamodb:*Table",
    "S3:deleteobject",
    "s3:DeleteObjec?",
    "ec2:*",
    "iam:Put*",
]
_RESOURCE_PATTERNS = [
    "*",
    f"arn:aws:rds:*:{ACCOUNT}:db:*",
    f"arn:aws:rds:*:{ACCOUNT}:db:prod*",
    f"arn:aws:rds:us-east-1:{ACCOUNT}:db:prod",
    "arn:aws:rds:*:*:*",
    f"arn:aws:dynamodb:*:{ACCOUNT}:table/dev*",
    f"arn:aws:dynamodb:*:{ACCOUNT}:table/*",
    "arn:aws:s3:::prod",
    "arn:aws:s3:::prod/*",
    "arn:aws:s3:::prod*",
    "arn:aws:s3:::*/a/*",
    "arn:aws:s3:::dev?1/*",
    "arn:aws:s3:::${aws:PrincipalTag/team}/*",
    "arn:aws:sqs:*:*:prod*",
    "arn:aws:sqs:*:prod",
    f"arn:aws:ec2:*:{ACCOUNT}:instance/*",
    f"arn:aws:lambda:*:{ACCOUNT}:function:app*",
    "arn:aws:iam::*:role/*",
    "arn:aws-cn:s3:::*",
    "arn:aws:s3",
]
#: Conditions as (operator, key, values), and values that requests carry for the key.
_CONDITIONS: list[tuple[str, str, list[str]]] = [
    ("StringEquals", "aws:ResourceTag/env", ["dev", "prod"]),
    ("StringNotEquals", "aws:ResourceTag/env", ["prod"]),
    ("StringLike", "aws:ResourceTag/env", ["d*"]),
    ("StringNotLikeIfExists", "aws:ResourceTag/env", ["p*"]),
    ("StringEqualsIgnoreCase", "aws:PrincipalTag/team", ["DEV"]),
    ("StringEquals", "aws:PrincipalTag/team", ["${aws:ResourceTag/env}"]),
    ("Bool", "aws:SecureTransport", ["false"]),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", ["false"]),
    ("Bool", "aws:MultiFactorAuthPresent", ["true"]),
    ("NumericLessThan", "aws:MultiFactorAuthAge", ["900"]),
    ("NumericGreaterThanEqualsIfExists", "aws:MultiFactorAuthAge", ["3600"]),
    ("IpAddress", "aws:SourceIp", ["203.0.113.0/24"]),
    ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/25"]),
    ("DateLessThan", "aws:CurrentTime", ["2031-06-01T00:00:00Z"]),
    ("DateGreaterThan", "aws:CurrentTime", ["2031-01-01T00:00:00Z"]),
    ("Null", "aws:ResourceTag/env", ["true"]),
    ("Null", "aws:PrincipalTag/team", ["false"]),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["env", "team"]),
    ("ForAnyValue:StringLike", "aws:TagKeys", ["e*"]),
    ("ForAllValues:StringNotEquals", "aws:TagKeys", ["env"]),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["env"]),
    ("ArnLike", "aws:PrincipalArn", [f"arn:aws:iam::{ACCOUNT}:role/a*"]),
    ("ArnNotLike", "aws:PrincipalArn", [f"arn:aws:iam::{ACCOUNT}:role/b*"]),
    ("Bool", "aws:ViaAWSMCPService", ["true"]),
    ("StringEquals", "s3:prefix", ["a/"]),
]
_VALUES: dict[str, list[tuple[str, ...]]] = {
    "aws:resourcetag/env": [(), ("dev",), ("prod",), ("data",), ("Dev",)],
    "aws:principaltag/team": [(), ("dev",), ("prod",), ("app",)],
    "aws:securetransport": [("true",), ("false",)],
    "aws:multifactorauthpresent": [(), ("true",), ("false",)],
    "aws:multifactorauthage": [(), ("30",), ("900",), ("3600",), ("7200",)],
    "aws:sourceip": [(), ("203.0.113.7",), ("203.0.113.200",), ("10.1.2.3",), ("198.51.100.1",)],
    "aws:currenttime": [("2030-12-31T00:00:00Z",), ("2031-03-01T00:00:00Z",), ("2031-07-01T00:00:00Z",)],
    "aws:tagkeys": [(), ("env",), ("team",), ("env", "other"), ("other",), ("env", "team")],
    "aws:principalarn": [(f"arn:aws:iam::{ACCOUNT}:role/app",)],
    "aws:viaawsmcpservice": [(), ("true",), ("false",)],
    "s3:prefix": [(), ("a/",), ("b/",)],
}
PRINCIPAL = Principal(
    "role_session",
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/app",
    account=ACCOUNT,
)


@dataclass(frozen=True)
class RandomRole:
    """A role, and its documents in the plain form that other implementations read."""

    role: Role
    plain: dict[str, Any]


def statement(rng: random.Random, effect: str | None = None) -> dict[str, Any]:
    """Make one statement."""
    out: dict[str, Any] = {"Effect": effect or rng.choice(["Allow", "Allow", "Deny"])}
    actions = rng.sample(_ACTION_PATTERNS, rng.choice([1, 1, 2, 3]))
    out["NotAction" if rng.random() < 0.12 else "Action"] = actions if len(actions) > 1 else actions[0]
    resources = ["*"] if rng.random() < 0.4 else rng.sample(_RESOURCE_PATTERNS, rng.choice([1, 2, 3]))
    out["NotResource" if rng.random() < 0.1 else "Resource"] = resources
    if rng.random() < 0.5:
        block: dict[str, Any] = {}
        for operator, key, values in rng.sample(_CONDITIONS, rng.choice([1, 1, 2])):
            block.setdefault(operator, {})[key] = values
        out["Condition"] = block
    return out


def document(rng: random.Random, size: int, effect: str | None = None) -> dict[str, Any]:
    """Make one policy document."""
    return {"Version": "2012-10-17", "Statement": [statement(rng, effect) for _ in range(size)]}


def random_role(rng: random.Random) -> RandomRole:
    """Make a role with identity policies and, sometimes, a boundary, a session policy and SCP levels."""
    identity = [document(rng, rng.choice([1, 2, 3])) for _ in range(rng.choice([1, 1, 2]))]
    identity.append(document(rng, 1, "Allow"))
    wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    boundary = document(rng, rng.choice([1, 2, 3])) if rng.random() < 0.3 else None
    session = [document(rng, 2)] if rng.random() < 0.1 else None
    scps = None
    if rng.random() < 0.4:
        scps = [
            [wide] if rng.random() < 0.5 else [wide, document(rng, 1, "Deny")] for _ in range(rng.choice([1, 2, 3]))
        ]
    plain = {"identity": identity, "boundary": boundary, "session": session, "scp": scps}
    return RandomRole(build(plain), plain)


def build(plain: dict[str, Any]) -> Role:
    """Build a role from plain documents."""

    def policy(kind: PolicyType, data: dict[str, Any]) -> Policy:
        return Policy(kind, kind.value, parse_document(data), lambda route: _HERE)

    return Role(
        "role",
        "app",
        _HERE,
        arn=PRINCIPAL.role_arn,
        account=ACCOUNT,
        partition="aws",
        identity=tuple(policy(PolicyType.IDENTITY, d) for d in plain["identity"]),
        boundary=policy(PolicyType.BOUNDARY, plain["boundary"]) if plain.get("boundary") else None,
        session=tuple(policy(PolicyType.SESSION, d) for d in plain["session"]) if plain.get("session") else None,
        scps=(
            tuple(tuple(policy(PolicyType.SCP, d) for d in level) for level in plain["scp"])
            if plain.get("scp") is not None
            else None
        ),
    )


def random_request(rng: random.Random) -> Request:
    """Make a request of the role, with a value or absence for every key that conditions use."""
    action = rng.choice(list(ACTIONS))
    arn = rng.choice(ACTIONS[action])
    while "{" in arn:
        arn = arn.replace("{n}", rng.choice(NAMES), 1).replace("{r}", rng.choice(REGIONS), 1)
    context: Context = {k: v for k, choices in _VALUES.items() if (v := rng.choice(choices))}
    return Request(PRINCIPAL, action, (Target(arn),), context, ACCOUNT)


def absent_keys() -> list[str]:
    """List every key that conditions use: those that a request lacks are absent from it."""
    return list(_VALUES)


def policies(role: Role) -> PolicySet:
    """Give a role's policies to `decide`."""
    from rolelint.engine.scene import policy_set

    return policy_set(role)
