"""Which real resources a role could destroy: dumps in, numbers out, held against one question for each resource."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.catalog.bits import few
from rolelint.documents import Document
from rolelint.engine import actor, can
from rolelint.policies.role import Role
from rolelint.reach.damage import Blast, Damage
from rolelint.reach.inventory import inventory_of
from rolelint.reach.kinds import blows
from rolelint.readers import ReadContext, read

ACCOUNT = "123456789012"


def arn(service: str, rest: str, region: str = "us-east-1") -> str:
    """Make an ARN of the account."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{rest}"


def resource(kind: str, rest: str, tags: dict[str, str] | None = None, *guards: str, **more: Any) -> dict[str, Any]:
    """Make an entry of an inventory."""
    service = kind.partition(":")[0]
    made = {"arn": rest if rest.startswith("arn:") else arn(service, rest), "type": kind, **more}
    if tags is not None:
        made["tags"] = tags
    if guards:
        made["protections"] = list(guards)
    return made


PROD, DEV = {"env": "prod"}, {"env": "dev"}
INVENTORY = [
    resource("rds:db", "db:orders-prod", PROD, "deletion protection", production=True),
    resource("rds:db", "db:orders-dev", DEV, production=False),
    resource("rds:db", arn("rds", "db:orders-eu", "eu-west-1"), {}),
    resource("rds:snapshot", "snapshot:orders-copy", {}),
    resource("dynamodb:table", "table/users", PROD, "deletion protection", "point-in-time recovery", production=True),
    resource("dynamodb:table", "table/scratch", DEV),
    resource("s3:bucket", "arn:aws:s3:::reports-prod", PROD, "versioning"),
    resource("s3:bucket", "arn:aws:s3:::archive", {}, "object lock", "versioning"),
    resource("s3:bucket", "arn:aws:s3:::tmp-files", {}),
    resource("ec2:instance", "instance/i-1", {"team": "a"}, "termination protection"),
    resource("ec2:instance", "instance/i-2", {"team": "b"}),
    resource("ec2:volume", "volume/vol-1", {}, backups=[{"point": "arn:aws:ec2:us-east-1::snapshot/snap-1"}]),
    resource("ec2:snapshot", "arn:aws:ec2:us-east-1::snapshot/snap-1", {}),
    resource("kms:key", "key/11111111-1111-1111-1111-111111111111", {}),
    resource("cloudformation:stack", "stack/app/1", {}, "termination protection"),
    resource("elasticbeanstalk:environment", "environment/costs/cost-report", {}),
    resource("lambda:function", "function:worker", {}),
    resource("logs:log-group", "log-group:/app:*", {}),
    resource("", "arn:aws:nothing:us-east-1:123456789012:thing"),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The questions that the engine is asked."""
    import rolelint.reach.damage as module

    questions: list[Any] = []
    original = module.can
    monkeypatch.setattr(module, "can", lambda *a, **k: questions.append(a) or original(*a, **k))
    return questions


def allow(action: Any, where: Any = "*", **conditions: Any) -> dict[str, Any]:
    """Write an Allow statement."""
    made = {"Effect": "Allow", "Action": action, "Resource": where}
    return {**made, "Condition": conditions} if conditions else made


def deny(action: Any, where: Any = "*", **conditions: Any) -> dict[str, Any]:
    """Write a Deny statement."""
    return {**allow(action, where, **conditions), "Effect": "Deny"}


def role(*statements: dict[str, Any], inventory: list[dict[str, Any]] | None = None, **own: Any) -> Role:
    """Read a role out of a dump with an inventory."""
    dump = {
        "RoleDetailList": [
            {
                "RoleName": "r",
                "Arn": f"arn:aws:iam::{ACCOUNT}:role/r",
                "Tags": [{"Key": "team", "Value": "a"}],
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
                    ],
                },
                "RolePolicyList": [
                    {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}
                ],
            }
        ],
        "Rolelint": {
            "schema": "rolelint-dump/1",
            "account": ACCOUNT,
            "partition": "aws",
            "inventory": INVENTORY if inventory is None else inventory,
            **own,
        },
    }
    reading = read(Document("dump", "json", "", dump), ReadContext())
    assert reading is not None
    assert not reading.problems
    return reading.roles[0]


def names(made: Role, bits: int) -> set[str]:
    """Name the resources of a set by the last part of their ARNs."""
    inventory = inventory_of(made.environment)
    return {inventory.resources[n].arn.removesuffix(":*").replace("/", ":").split(":")[-1] for n in few(bits)}


RDS = {"orders-prod", "orders-dev", "orders-eu"}
CASES = {
    "nothing": ([allow("s3:GetObject")], set(), set()),
    "a power over types that are not there": ([allow("redshift:DeleteCluster")], set(), set()),
    "every database, its guard out of reach": ([allow("rds:DeleteDBInstance")], RDS, {"orders-dev", "orders-eu"}),
    "every database, its guard within reach": ([allow(["rds:DeleteDBInstance", "rds:ModifyDBInstance"])], RDS, RDS),
    "the guard of another database within reach": (
        [allow("rds:DeleteDBInstance"), allow("rds:ModifyDBInstance", arn("rds", "db:orders-dev"))],
        RDS,
        {"orders-dev", "orders-eu"},
    ),
    "one database by name": (
        [allow("rds:DeleteDBInstance", arn("rds", "db:orders-dev"))],
        {"orders-dev"},
        {"orders-dev"},
    ),
    "databases by a pattern": (
        [allow("rds:DeleteDBInstance", "arn:aws:rds:*:*:db:*-dev")],
        {"orders-dev"},
        {"orders-dev"},
    ),
    "databases of a Region by ARN": (
        [allow("rds:DeleteDBInstance", "arn:aws:rds:eu-*:*:db:*")],
        {"orders-eu"},
        {"orders-eu"},
    ),
    "databases of a Region by condition": (
        [allow("rds:DeleteDBInstance", StringEquals={"aws:RequestedRegion": "eu-west-1"})],
        {"orders-eu"},
        {"orders-eu"},
    ),
    "a Deny on one": (
        [allow("rds:DeleteDBInstance"), deny("rds:*", arn("rds", "db:orders-dev"))],
        {"orders-prod", "orders-eu"},
        {"orders-eu"},
    ),
    "a tag that one has": (
        [allow("rds:DeleteDBInstance", StringEquals={"aws:ResourceTag/env": "dev"})],
        {"orders-dev"},
        {"orders-dev"},
    ),
    "a tag that one must not have": (
        [allow("rds:DeleteDBInstance"), deny("rds:*", StringEquals={"aws:ResourceTag/env": "prod"})],
        {"orders-dev", "orders-eu"},
        {"orders-dev", "orders-eu"},
    ),
    "a tag that must be there": (
        [allow("rds:DeleteDBInstance", Null={"aws:ResourceTag/env": "false"})],
        {"orders-prod", "orders-dev"},
        {"orders-dev"},
    ),
    "the service's own tag key": (
        [allow("rds:DeleteDBInstance", StringEquals={"rds:db-tag/env": "dev"})],
        {"orders-dev"},
        {"orders-dev"},
    ),
    "a tag like the role's own": (
        [allow("ec2:TerminateInstances", StringEquals={"aws:ResourceTag/team": "${aws:PrincipalTag/team}"})],
        {"i-1"},
        set(),
    ),
    "a guard that stops the table's end but not its items'": (
        [allow(["dynamodb:DeleteTable", "dynamodb:UpdateTable", "dynamodb:UpdateContinuousBackups"])],
        {"users", "scratch"},
        {"users", "scratch"},
    ),
    "items can be restored while recovery stands": (
        [allow("dynamodb:DeleteItem")],
        {"users", "scratch"},
        {"scratch"},
    ),
    "objects, versions kept": (
        [allow("s3:DeleteObject", "arn:aws:s3:::*/*")],
        {"reports-prod", "archive", "tmp-files"},
        {"tmp-files"},
    ),
    "objects and their versions, but for a lock": (
        [allow(["s3:DeleteObject", "s3:DeleteObjectVersion"])],
        {"reports-prod", "archive", "tmp-files"},
        {"reports-prod", "tmp-files"},
    ),
    "objects below a prefix of one bucket": (
        [allow("s3:DeleteObject", "arn:aws:s3:::tmp-files/scratch/*")],
        {"tmp-files"},
        {"tmp-files"},
    ),
    "the bucket but not its objects": ([allow("s3:DeleteBucket")], set(), set()),
    "a volume with a copy out of reach": ([allow("ec2:DeleteVolume")], {"vol-1"}, set()),
    "a volume and its copy": (
        [allow(["ec2:DeleteVolume", "ec2:DeleteSnapshot"])],
        {"vol-1", "snap-1"},
        {"vol-1", "snap-1"},
    ),
    "a volume and another copy": (
        [allow("ec2:DeleteVolume"), allow("ec2:DeleteSnapshot", "arn:aws:ec2:*::snapshot/snap-9")],
        {"vol-1"},
        set(),
    ),
    "the incident": ([allow("elasticbeanstalk:RebuildEnvironment")], {"cost-report"}, {"cost-report"}),
    "a stack that is guarded": ([allow("cloudformation:DeleteStack")], {"1"}, set()),
    "a key": (
        [allow("kms:ScheduleKeyDeletion")],
        {"11111111-1111-1111-1111-111111111111"},
        {"11111111-1111-1111-1111-111111111111"},
    ),
    "a type without a row of its own": ([allow("lambda:DeleteFunction")], {"worker"}, {"worker"}),
    "a part of such a thing": ([allow("lambda:DeleteFunctionUrlConfig")], set(), set()),
    "logs": ([allow("logs:DeleteLogGroup")], {"app"}, {"app"}),
}


@pytest.mark.parametrize(("statements", "struck", "lost"), CASES.values(), ids=CASES)
def test_what_a_role_could_destroy(statements: list[Any], struck: set[str], lost: set[str]) -> None:
    made = role(*statements)
    found = Blast(made, actor("automation")).answer()
    assert names(made, found.struck) == struck
    assert names(made, found.lost) == lost
    assert found.certain


@pytest.mark.parametrize(("statements", "struck", "lost"), CASES.values(), ids=CASES)
def test_the_answer_for_many_is_the_answer_for_each(statements: list[Any], struck: set[str], lost: set[str]) -> None:
    """Resources that are asked about together get the answer that each gets by itself."""
    for entry in INVENTORY:
        alone = role(*statements, inventory=[entry])
        together = role(*statements)
        one, all_ = Blast(alone, actor()).answer(), Blast(together, actor()).answer()
        inventory = inventory_of(together.environment)
        bit = 1 << next(n for n, r in enumerate(inventory.resources) if r.arn == entry["arn"])
        assert bool(one.struck) == bool(all_.struck & bit), entry["arn"]
        assert bool(one.lost) == bool(all_.lost & bit), entry["arn"]


def test_what_is_struck_has_a_request_that_is_allowed() -> None:
    made = role(allow("*"), deny("rds:*", StringEquals={"aws:ResourceTag/env": "prod"}))
    inventory = inventory_of(made.environment)
    found = Blast(made, actor()).answer()
    for number in few(found.struck):
        one = inventory.resources[number]
        direct = [blow for blow in blows(one.type) if not blow.inside]
        if direct:
            tags = {f"aws:ResourceTag/{k}": v for k, v in one.tags.items()}
            answers = [can(made, blow.mask, resource=one.arn, context=tags).verdict for blow in direct]
            assert "yes" in answers, one.arn


def test_only_some_actions() -> None:
    made = role(allow(["rds:DeleteDBInstance", "dynamodb:DeleteTable"]))
    from rolelint.catalog import catalog

    found = Blast(made, actor()).answer(catalog().expand("dynamodb:*"))
    assert names(made, found.struck) == {"users", "scratch"}


SELF = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/r"}
OTHER = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}
WHOLE = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
GUARDED = [
    *(resource("s3:bucket", f"arn:aws:s3:::{name}", {}) for name in ("free", "shut", "shut-to-another", "opened")),
    *(resource("kms:key", f"key/{name}", {}) for name in ("delegating", "of-another", "shut-key", "unknown")),
]


def said(arn: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """Make the policy of a resource."""
    return {"resource": arn, "type": "", "document": {"Version": "2012-10-17", "Statement": list(statements)}}


def of_bucket(name: str, effect: str, principal: Any, action: str, *paths: str) -> dict[str, Any]:
    """Make the policy of a bucket."""
    named = [f"arn:aws:s3:::{name}{path}" for path in paths]
    return said(f"arn:aws:s3:::{name}", {"Effect": effect, "Principal": principal, "Action": action, "Resource": named})


def of_key(name: str, *more: dict[str, Any], to: dict[str, str] = WHOLE) -> dict[str, Any]:
    """Make the policy of a key."""
    return said(
        arn("kms", f"key/{name}"), {"Effect": "Allow", "Principal": to, "Action": "kms:*", "Resource": "*"}, *more
    )


SAID = [
    of_bucket("shut", "Deny", "*", "s3:*", "", "/*"),
    of_bucket("shut-to-another", "Deny", OTHER, "s3:*", "", "/*"),
    of_bucket("opened", "Allow", SELF, "s3:DeleteObject", "/tmp/*"),
    of_key("delegating"),
    of_key("of-another", to=OTHER),
    of_key("shut-key", {"Effect": "Deny", "Principal": SELF, "Action": "kms:*", "Resource": "*"}),
]
BUCKETS = {"free", "shut-to-another", "opened"}
POLICED = {
    "everything": ([allow("*")], BUCKETS | {"delegating", "unknown"}),
    "by patterns": (
        [allow("s3:*", ["arn:aws:s3:::*", "arn:aws:s3:::*/*"]), allow("kms:*", "arn:aws:kms:*:*:key/*")],
        BUCKETS | {"delegating", "unknown"},
    ),
    "nothing but what policies of resources give": ([allow("s3:ListBucket")], {"opened"}),
    "one of two": (
        [allow("kms:ScheduleKeyDeletion", [arn("kms", "key/shut-key"), arn("kms", "key/delegating")])],
        {"opened", "delegating"},
    ),
}


@pytest.mark.parametrize(("statements", "struck"), POLICED.values(), ids=POLICED)
def test_the_policies_of_resources_count(statements: list[Any], struck: set[str]) -> None:
    made = role(*statements, inventory=GUARDED, resource_policies=SAID)
    found = Blast(made, actor()).answer()
    assert names(made, found.struck) == struck


@pytest.mark.parametrize("where", ["the role", "the bucket"])
def test_what_a_deny_spares_inside_a_bucket_is_tried(where: str) -> None:
    spare = {"Effect": "Deny", "Action": "s3:DeleteObject", "NotResource": "arn:aws:s3:::free/logs/*"}
    bucket = said("arn:aws:s3:::free", {**spare, "Principal": "*"})
    statements = [spare] if where == "the role" else []
    policies = [bucket] if where == "the bucket" else []
    made = role(allow("s3:DeleteObject"), *statements, inventory=GUARDED[:1], resource_policies=policies)
    assert names(made, Blast(made, actor()).answer().struck) == {"free"}


def test_policies_that_say_the_same_take_one_question(asked: list[Any]) -> None:
    numbers = range(500)
    tls = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    policies = [of_bucket(f"b-{n}", "Deny", "*", "s3:*", "", "/*") for n in numbers]
    for policy in policies:
        policy["document"]["Statement"][0] |= tls
    buckets = [resource("s3:bucket", f"arn:aws:s3:::b-{n}", {}) for n in numbers]
    found = Blast(role(allow("s3:*"), inventory=buckets, resource_policies=policies), actor()).answer()
    assert found.struck.bit_count() == 500
    assert len(asked) <= 4


def test_an_unknown_guardrail_leaves_damage_possible() -> None:
    made = role(
        allow("rds:DeleteDBInstance"),
        organization={"id": "o-1", "management_account": "210987654321", "path": None, "reason": "access denied"},
    )
    found = Blast(made, actor()).answer()
    assert names(made, found.struck) == RDS
    assert not found.certain


def test_an_scp_counts() -> None:
    level = {"id": "r-1", "type": "ROOT", "name": "Root", "rcps": None}
    guard = {"Version": "2012-10-17", "Statement": [allow("*"), deny("rds:DeleteDBInstance")]}
    path = [{**level, "scps": [{"id": "p-1", "name": "guard", "arn": "", "document": guard}]}]
    made = role(
        allow(["rds:DeleteDBInstance", "lambda:DeleteFunction"]),
        organization={"id": "o-1", "management_account": "210987654321", "path": path},
    )
    assert names(made, Blast(made, actor()).answer().struck) == {"worker"}


def test_roles_of_equal_content_are_asked_once(asked: list[Any]) -> None:
    first = role(allow("rds:DeleteDBInstance", "arn:aws:rds:*:*:db:orders-*"))
    second = role(allow("rds:DeleteDBInstance", "arn:aws:rds:*:*:db:orders-*"))
    second.environment = first.environment
    one = Blast(first, actor()).answer()
    count = len(asked)
    assert count
    assert Blast(second, actor()).answer() == one
    assert len(asked) == count


def test_many_resources_take_few_questions(asked: list[Any]) -> None:
    many = [resource("rds:db", f"db:{'dev' if n % 2 else 'live'}-{n}", DEV if n % 2 else PROD) for n in range(3000)]
    made = role(
        allow("rds:DeleteDBInstance", "arn:aws:rds:*:*:db:dev-*"),
        deny("rds:*", StringEquals={"aws:ResourceTag/env": "prod"}),
        inventory=many,
    )
    found = Blast(made, actor()).answer()
    assert found.struck.bit_count() == 1500
    assert len(asked) <= 8


def test_a_damage_knows_what_is_lost() -> None:
    assert Damage(0b1111, 0, 0b0001, 0b0010, {}, True).lost == 0b1100
