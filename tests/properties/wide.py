"""Wider random roles: several required resources, linked keys, variables, users, every kind of ceiling."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

from rolelint.catalog import ResourceType, catalog
from rolelint.engine.request import Context, Principal, Request, Target
from rolelint.errors import Location
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Policy, PolicyType, Role

ACCOUNT = "123456789012"
_HERE = Location("random")
ACTIONS = (
    "ec2:RunInstances ec2:AttachVolume ec2:CreateSnapshot ec2:TerminateInstances ec2:DeleteVolume rds:DeleteDBCluster "
    "rds:DeleteDBInstance rds:RestoreDBInstanceFromDBSnapshot dynamodb:DeleteTable dynamodb:PutItem s3:DeleteBucket "
    "s3:DeleteObject s3:ListAllMyBuckets sqs:PurgeQueue iam:PutRolePolicy iam:PassRole ecs:RunTask ecs:DeleteService "
    "organizations:LeaveOrganization lambda:DeleteFunction logs:DeleteLogGroup cloudformation:DeleteStack "
    "secretsmanager:DeleteSecret appconfig:DeleteEnvironment"
).split()
_NAMES = ("prod", "prod-1", "dev", "dev-1", "app", "x")
_PARTS = ("*", "*", "prod*", "dev?1", "app", "x", "${aws:PrincipalTag/team}", "${aws:PrincipalTag/team, 'dev'}")
_REGIONS = ("us-east-1", "eu-west-1", "us-west-2")
_ACTION_PATTERNS = [*ACTIONS, *ACTIONS, "*", "ec2:*", "rds:*", "s3:*", "*:Delete*", "ec2:Run*", "ec2:?ttach*", "iam:*"]
_ENV, _TEAM = "aws:ResourceTag/env", "aws:PrincipalTag/team"
CONDITIONS: list[tuple[str, str, list[str]]] = [
    ("StringEquals", _ENV, ["dev", "prod"]),
    ("StringNotEquals", _ENV, ["prod"]),
    ("StringNotLikeIfExists", _ENV, ["p*"]),
    ("StringEquals", _TEAM, [f"${{{_ENV}}}"]),
    ("StringEquals", _ENV, [f"${{{_TEAM}}}", "app"]),
    ("StringNotEqualsIfExists", _ENV, [f"${{{_TEAM}, 'x'}}"]),
    ("ForAnyValue:StringEquals", "aws:TagKeys", [f"${{{_TEAM}}}"]),
    ("ForAllValues:StringNotLike", "aws:TagKeys", ["e*"]),
    ("ForAllValues:StringEquals", "aws:TagKeys", []),
    ("ForAnyValue:StringLikeIfExists", "aws:TagKeys", ["t*"]),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", ["false"]),
    ("NumericNotEquals", "aws:MultiFactorAuthAge", ["30"]),
    ("NotIpAddressIfExists", "aws:SourceIp", ["203.0.113.0/24"]),
    ("DateGreaterThan", "aws:CurrentTime", ["2031-01-01T02:00:00+02:00"]),
    ("Null", _TEAM, ["false"]),
    ("ArnNotLike", "aws:PrincipalArn", [f"arn:aws:iam::{ACCOUNT}:*/b*"]),
    ("StringEquals", "aws:RequestedRegion", ["us-east-1", "eu-west-1"]),
    ("StringNotLike", "aws:RequestedRegion", ["eu-*"]),
    ("ForAnyValue:StringLike", "aws:CalledVia", ["athena*"]),
    ("StringNotEquals", "aws:CalledViaLast", ["athena.amazonaws.com"]),
    ("Bool", "aws:ViaAWSService", ["true"]),
    ("BoolIfExists", "aws:ViaAWSService", ["false"]),
    ("StringEquals", "aws:SourceVpce", ["vpce-1"]),
    ("StringNotEquals", "aws:SourceVpce", ["vpce-1"]),
    ("StringNotEquals", "aws:PrincipalOrgID", ["o-a"]),
    ("StringLike", "aws:RequestTag/env", ["d*"]),
    ("StringLikeIfExists", "ec2:InstanceType", ["t*"]),
    ("StringEquals", "aws:username", ["bob"]),
    ("StringNotEquals", "ec2:ResourceTag/env", ["prod", "dev"]),
    ("StringEquals", "ec2:ResourceTag/env", ["prod"]),
    ("StringEquals", "ec2:Region", ["eu-west-1"]),
]
_ROLE = Principal(
    "role_session",
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/app",
    account=ACCOUNT,
)
_USER = Principal("user", arn=f"arn:aws:iam::{ACCOUNT}:user/bob", account=ACCOUNT)
_WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True)
class Plain:
    """The documents of a random principal."""

    user: bool
    identity: list[dict[str, Any]]
    boundary: dict[str, Any] | None
    session: list[dict[str, Any]] | None
    scps: list[list[dict[str, Any]]] | None
    rcps: list[dict[str, Any]] | None


def _pattern(rng: random.Random) -> str:
    types = _types(rng.choice(ACTIONS))[0]
    if not types or rng.random() < 0.3:
        return "*"
    text = rng.choice(rng.choice(types).formats)
    text = text.replace("${Partition}", rng.choice(("aws", "aws", "*"))).replace(
        "${Account}", rng.choice((ACCOUNT, "*"))
    )
    text = text.replace("${Region}", rng.choice((*_REGIONS, "*", "us-*")))
    return re.sub(r"\$\{[^}]*\}", lambda found: rng.choice(_PARTS), text)


def statement(rng: random.Random, effect: str | None = None) -> dict[str, Any]:
    """Make one statement."""
    out: dict[str, Any] = {"Effect": effect or rng.choice(("Allow", "Allow", "Deny"))}
    actions = rng.sample(_ACTION_PATTERNS, rng.choice((1, 1, 2, 3, 5)))
    out["NotAction" if rng.random() < 0.12 else "Action"] = actions
    patterns = ["*"] if rng.random() < 0.35 else [_pattern(rng) for _ in range(rng.choice((1, 2, 3, 5)))]
    out["NotResource" if rng.random() < 0.12 else "Resource"] = patterns
    if rng.random() < 0.55:
        block: dict[str, Any] = {}
        for operator, key, values in rng.sample(CONDITIONS, rng.choice((1, 1, 2, 3))):
            block.setdefault(operator, {})[key] = values
        out["Condition"] = block
    return out


def _document(rng: random.Random, size: int, effect: str | None = None) -> dict[str, Any]:
    version = "2012-10-17" if rng.random() < 0.93 else "2008-10-17"
    return {"Version": version, "Statement": [statement(rng, effect) for _ in range(size)]}


def plain(rng: random.Random) -> Plain:
    """Make the documents of one principal."""
    user = rng.random() < 0.25
    level = lambda: [_WIDE, _document(rng, 1, "Deny")] if rng.random() < 0.6 else [_document(rng, 3, "Allow")]  # noqa: E731
    rcps = None
    if rng.random() < 0.2:
        rcps = [_document(rng, 1, "Deny")]
        for one in rcps[0]["Statement"]:
            one["Principal"] = "*"
    return Plain(
        user,
        [*(_document(rng, rng.choice((1, 2, 3))) for _ in range(rng.choice((1, 2)))), _document(rng, 1, "Allow")],
        _document(rng, rng.choice((1, 2, 3))) if rng.random() < 0.3 else None,
        [_document(rng, 2, "Allow"), _document(rng, 1)] if not user and rng.random() < 0.15 else None,
        [level() for _ in range(rng.choice((1, 2)))] if rng.random() < 0.5 else None,
        rcps,
    )


def changed(rng: random.Random, before: Plain) -> Plain:
    """Change one thing: a statement more or less, or another ceiling."""
    identity, boundary, scps = before.identity, before.boundary, before.scps
    what = rng.choice(("identity", "identity", "boundary", "scps"))
    if what == "identity":
        identity = [{**d, "Statement": list(d["Statement"])} for d in identity]
        statements = rng.choice(identity)["Statement"]
        if rng.random() < 0.5:
            statements.append(statement(rng))
        else:
            statements.pop(rng.randrange(len(statements)))
    elif what == "boundary":
        boundary = None if boundary else _document(rng, 2)
    else:
        scps = None if scps else [[_WIDE, _document(rng, 1, "Deny")]]
    return Plain(before.user, identity, boundary, before.session, scps, before.rcps)


def build(made: Plain) -> Role:
    """Build the role or user."""

    def policy(kind: PolicyType, data: dict[str, Any]) -> Policy:
        return Policy(kind, kind.value, parse_document(data), lambda route: _HERE)

    def several(kind: PolicyType, items: list[dict[str, Any]] | None) -> tuple[Policy, ...] | None:
        return None if items is None else tuple(policy(kind, d) for d in items)

    return Role(
        "user" if made.user else "role",
        "bob" if made.user else "app",
        _HERE,
        arn=_USER.arn if made.user else _ROLE.role_arn,
        account=ACCOUNT,
        partition="aws",
        identity=several(PolicyType.IDENTITY, made.identity) or (),
        boundary=policy(PolicyType.BOUNDARY, made.boundary) if made.boundary else None,
        session=several(PolicyType.SESSION, made.session),
        scps=None if made.scps is None else tuple(several(PolicyType.SCP, level) or () for level in made.scps),
        rcps=several(PolicyType.RCP, made.rcps),
    )


def _types(action: str) -> tuple[list[ResourceType], bool]:
    known = catalog()
    signature = known.action(known.index(action) or 0).signature
    return list(signature.required) or list(signature.optional), bool(signature.required)


def _context(rng: random.Random, region: str, user: bool) -> dict[str, tuple[str, ...]]:
    choose = rng.choice
    tags = choose(((), ("env",), ("team",), ("env", "other"), ("env", "team")))
    out: dict[str, tuple[str, ...]] = {
        "aws:principaltag/team": choose(((), ("dev",), ("prod",), ("app",))),
        "aws:multifactorauthpresent": choose(((), ("true",), ("false",))),
        "aws:multifactorauthage": choose(((), ("30",), ("900",))),
        "aws:currenttime": choose((("2030-12-31T00:00:00Z",), ("2031-07-01T00:00:00Z",))),
        "aws:tagkeys": tags,
        "ec2:region": (region,),
        "aws:principalarn": (_USER.arn if user else _ROLE.role_arn,),
        "aws:requestedregion": (region,),
        "aws:principalorgid": choose(((), ("o-a",), ("o-b",))),
        "aws:requesttag/env": choose((("dev",), ("prod",))) if "env" in tags else (),
        "aws:username": ("bob",) if user else (),
    }
    via = choose(
        ((), ("cloudformation.amazonaws.com",), ("cloudformation.amazonaws.com", "athena.amazonaws.com"), ("x",))
    )
    out["aws:viaawsservice"] = ("true" if via else "false",)
    out |= {"aws:calledvia": via, "aws:calledviafirst": via[:1], "aws:calledvialast": via[-1:]}
    if rng.random() < 0.6:
        out["aws:sourceip"] = choose((("203.0.113.7",), ("10.1.2.3",), ("2001:db8::1",)))
    elif rng.random() < 0.8:
        out["aws:sourcevpce"] = choose((("vpce-1",), ("vpce-2",)))
    return out


def request(rng: random.Random, user: bool) -> Request:
    """Make a request with a resource for every required type, and only keys that the action and each resource carry."""
    known = catalog()
    action = rng.choice(ACTIONS)
    # Global services are called in one Region only.
    home = action.startswith(("iam:", "organizations:"))
    region, index = "us-east-1" if home else rng.choice(_REGIONS), known.index(action) or 0

    def carried(values: dict[str, tuple[str, ...]]) -> Context:
        masks = {k: known.key_mask(k) for k in values}
        return {k: v for k, v in values.items() if v and ((m := masks[k]) is None or m >> index & 1)}

    call = carried(_context(rng, region, user))
    # Of one value in the whole call, but told with some of its resources only (S3.12).
    told = {key: call[key] for key in call if known.key_gaps(key).get("", 0) >> index & 1}

    def named(kind: ResourceType) -> Target:
        text = rng.choice(kind.formats).replace("${Partition}", "aws").replace("${Account}", ACCOUNT)
        text = re.sub(r"\$\{[^}]*\}", lambda found: rng.choice(_NAMES), text.replace("${Region}", region))
        env = rng.choice(((), ("dev",), ("prod",), ("app",)))
        own = {
            "aws:resourcetag/env": env,
            "ec2:resourcetag/env": env,
            "ec2:instancetype": rng.choice(((), ("t3.micro",), ("m5.large",))),
        }
        values = carried(own) | told
        return Target(text, {k: v for k, v in values.items() if not known.key_gaps(k).get(kind.key, 0) >> index & 1})

    types, all_required = _types(action)
    if types and not all_required:
        types = [rng.choice(types)]
    targets = tuple(named(kind) for kind in types) or (Target("*"),)
    whole = {k: v for k, v in call.items() if k not in told}
    return Request(_USER if user else _ROLE, action, targets, whole, ACCOUNT)
