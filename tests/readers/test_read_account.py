"""What a scan adds to the account dump: guardrails, resources, last use, permission sets, what was not seen."""

from __future__ import annotations

from typing import Any

import pytest

from rolelint.documents import Document
from rolelint.policies.role import Accessed, Backup, PolicyType, Reading, Role
from rolelint.readers import ReadContext, read

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def reading(own: Any, roles: list[dict[str, Any]] | None = None, **more: Any) -> Reading:
    """Read a dump with one role and our own section."""
    made = (
        [{"RoleName": "r", "Arn": ROLE, "CreateDate": "2020-01-01T00:00:00+00:00", "RolePolicyList": []}]
        if roles is None
        else roles
    )
    if isinstance(own, dict) and "schema" not in own:
        own = {"schema": "rolelint-dump/1", "account": ACCOUNT, "partition": "aws", **own}
    document = Document("dump", "json", "", {"RoleDetailList": made, "Rolelint": own, **more})
    found = read(document, ReadContext())
    assert found is not None
    return found


def one(own: Any, **more: Any) -> Role:
    """Give the only role."""
    (role,) = reading(own, **more).roles
    return role


def policy(name: str) -> dict[str, Any]:
    """Make a policy of an organization."""
    return {"id": f"p-{name}", "name": name, "arn": f"arn:aws:organizations::1:policy/o/x/p-{name}", "document": ALL}


def level(kind: str, scps: Any = (), rcps: Any = ()) -> dict[str, Any]:
    """Make a level of a path."""
    made = {"id": kind.lower(), "type": kind, "name": kind.title()}
    for key, names in (("scps", scps), ("rcps", rcps)):
        made[key] = None if names is None else [policy(n) for n in names]
    return made


def test_a_plain_dump_has_nothing_of_it() -> None:
    found = read(Document("dump", "json", "", {"RoleDetailList": [{"RoleName": "r", "Arn": ROLE}]}), ReadContext())
    assert found is not None
    (role,) = found.roles
    assert (role.scps, role.rcps, role.environment, role.accessed, role.inventoried) == (None, None, (), None, False)


def test_what_stands_around_one_account_of_a_list_is_not_around_another() -> None:
    def dump(account: str, *scps: str) -> dict[str, Any]:
        path = [level("ROOT", scps)]
        own = {"schema": "rolelint-dump/1", "account": account, "organization": {"path": path}}
        note = {"not_seen": [{"text": account}], "resource_policies": [{"resource": f"b-{account}", "document": ALL}]}
        role = {"RoleName": "r", "Arn": f"arn:aws:iam::{account}:role/r"}
        return {"RoleDetailList": [role], "Rolelint": {**own, **note}}

    found = read(Document("dumps", "json", "", [dump("1" * 12, "a"), dump("2" * 12, "b", "c")]), ReadContext())
    assert found is not None
    around = [[p.name for level in role.scps or () for p in level] for role in found.roles]
    assert around == [["a"], ["b", "c"]]
    assert [[p.resource for p in role.resource_policies] for role in found.roles] == [
        ["b-111111111111"],
        ["b-222222222222"],
    ]
    assert [problem.message for problem in found.problems] == ["1" * 12, "2" * 12]
    assert len(found.policies) == 2


def test_what_nobody_holds_in_an_account_that_was_read_is_not_looked_at() -> None:
    held = {"GroupPolicyList": [{"PolicyName": "p", "PolicyDocument": ALL}], "AttachedManagedPolicies": []}
    group = {"GroupName": "g", "Arn": f"arn:aws:iam::{ACCOUNT}:group/g", **held}
    assert reading({}, [], GroupDetailList=[group]).roles == []


def test_levels_come_root_first_and_rcps_once() -> None:
    path = [
        level("ROOT", ("a", "b"), ("x",)),
        level("ORGANIZATIONAL_UNIT", ("c",), ("x", "y")),
        level("ACCOUNT", ("d",)),
    ]
    role = one({"organization": {"id": "o-1", "management_account": "1", "path": path}})
    assert role.scps is not None
    assert [[p.name for p in each] for each in role.scps] == [["a", "b"], ["c"], ["d"]]
    assert [p.name for p in role.rcps or ()] == ["x", "y"]
    assert {p.type for each in role.scps for p in each} == {PolicyType.SCP}
    assert not role.management_account


def test_a_policy_type_that_is_switched_off_is_no_level() -> None:
    path = [level("ROOT", None, None), level("ACCOUNT", None, None)]
    role = one({"organization": {"id": "o-1", "management_account": "1", "path": path}})
    assert (role.scps, role.rcps, role.unknowns) == (None, None, ())


def test_the_management_account_has_no_rcps() -> None:
    path = [level("ROOT", ("a",), ("x",)), level("ACCOUNT", ("b",))]
    role = one({"organization": {"id": "o-1", "management_account": ACCOUNT, "path": path}})
    assert role.management_account
    assert role.rcps is None


def test_guardrails_that_could_not_be_read_are_unknown() -> None:
    role = one({"organization": {"id": "o-1", "management_account": "1", "path": None, "reason": "access denied"}})
    (unknown,) = role.unknowns
    assert (unknown.what, unknown.reason, unknown.widens) == ("SCPs", "access denied", False)


def test_a_lone_account_has_no_guardrails() -> None:
    role = one({"organization": None})
    assert (role.scps, role.unknowns) == (None, ())


def test_resources_are_around_every_role() -> None:
    entry = {
        "arn": f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:x",
        "type": "rds:db",
        "tags": {"env": "prod"},
        "protections": ["deletion protection"],
        "production": True,
        "backups": [{"point": "arn:p", "vault": "arn:v", "locked": True}, {"point": "arn:q"}],
    }
    role = one({"inventory": [entry, {"arn": "arn:aws:s3:::b", "type": "s3:bucket"}]})
    first, second = role.environment
    assert role.inventoried
    assert (first.type, first.tags, first.protections, first.production) == (
        "rds:db",
        {"env": "prod"},
        ("deletion protection",),
        True,
    )
    assert first.all_tags
    assert first.backups == (Backup("arn:p", True), Backup("arn:q"))
    assert (second.production, second.all_tags) == (None, False)


def test_an_empty_inventory_is_one() -> None:
    assert one({"inventory": []}).inventoried
    assert not one({}).inventoried


def test_resource_policies_are_judged_by_themselves_too() -> None:
    arn = "arn:aws:s3:::b"
    found = reading({"resource_policies": [{"resource": arn, "type": "s3:bucket", "document": ALL}]})
    (made,) = found.policies
    assert (made.type, made.resource, made.locate(()).address) == (PolicyType.RESOURCE, arn, arn)
    assert found.roles[0].resource_policies == (made,)


def test_last_use() -> None:
    used = {ROLE: {"services": {"s3": {"last": "2026-01-01", "actions": {"DeleteBucket": ""}}}}}
    role = one({"last_accessed": used, "read": "2026-02-01", "unused_days": 30})
    assert role.accessed == Accessed(
        "2026-02-01", "2020-01-01T00:00:00+00:00", 30, {"s3": "2026-01-01"}, {"s3:deletebucket": ""}
    )


def test_what_was_not_seen_is_unknown() -> None:
    found = reading({"not_seen": [{"what": "x:Y", "text": "`x:Y` was not seen: access denied"}]})
    (problem,) = found.problems
    assert (problem.kind, problem.message) == ("unknown", "`x:Y` was not seen: access denied")  # type: ignore[attr-defined]


SET = {"arn": "arn:aws:sso:::permissionSet/i/ps-1", "name": "Ops", "inline": ALL}


def test_a_permission_set_becomes_a_principal() -> None:
    own = f"arn:aws:iam::{ACCOUNT}:policy/team/own"
    policies = [{"Arn": own, "DefaultVersionId": "v1", "PolicyVersionList": [{"VersionId": "v1", "Document": ALL}]}]
    entry = {
        **SET,
        "managed": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "customer_managed": ["/team/own", "/no-such"],
        "boundary": "/team/own",
        "tags": {"a": "b"},
        "accounts": [ACCOUNT],
    }
    role = reading({"permission_sets": [entry]}, Policies=policies).roles[-1]
    assert (role.kind, role.name, role.account, role.tags) == ("permission-set", "Ops", ACCOUNT, {"a": "b"})
    assert [p.name for p in role.identity] == ["inline", "ReadOnlyAccess", "own", "no-such"]
    assert role.boundary is not None
    assert role.boundary.name == "own"
    assert [u.what for u in role.unknowns] == ["attached policy"]


def test_a_set_that_is_a_role_already_is_not_told_twice() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123abcd"
    found = reading({"permission_sets": [SET]}, [{"RoleName": "AWSReservedSSO_Ops_0123abcd", "Arn": arn}])
    assert [r.kind for r in found.roles] == ["role"]


def test_a_set_that_is_used_elsewhere_has_other_guardrails() -> None:
    path = [level("ROOT", ("a",)), level("ACCOUNT", ("b",))]
    organization = {"id": "o-1", "management_account": "1", "path": path}
    entry = {**SET, "accounts": ["210987654321"]}
    role = reading({"permission_sets": [entry], "organization": organization, "inventory": []}).roles[-1]
    assert (role.account, role.scps, role.inventoried) == ("", None, False)
    assert role.unknowns[0].reason == "the set is used in other accounts, which were not read"
    whole = reading({"permission_sets": [entry], "whole_organization": True})
    assert [r.kind for r in whole.roles] == ["role"]


WRONG = {
    "another version": {"schema": "rolelint-dump/9"},
    "no version": {"schema": None},
    "no object": [],
    "a text": "x",
}


@pytest.mark.parametrize("own", WRONG.values(), ids=WRONG)
def test_a_section_that_is_not_ours_is_an_error(own: Any) -> None:
    (problem,) = reading(own).problems
    assert problem.kind == "error"  # type: ignore[attr-defined]
    assert "is not `rolelint-dump/1`" in problem.message  # type: ignore[attr-defined]


BROKEN: dict[str, Any] = {
    "organization": ["x", {"path": "x"}, {"path": [1, {"scps": "x"}]}, {"path": [{"scps": [1, {}]}]}],
    "inventory": ["x", [1], [{"arn": 5, "tags": 7, "protections": "abc", "production": "yes", "backups": [1, "x"]}]],
    "resource_policies": ["x", [1], [{"resource": 4, "document": 4}]],
    "last_accessed": [
        "x",
        {ROLE: "x"},
        {ROLE: {"services": {"s3": "x"}}},
        {ROLE: {"services": {"s3": {"actions": 1}}}},
    ],
    "permission_sets": ["x", [1], [{"name": 1, "managed": "x", "customer_managed": [1], "accounts": 5, "tags": "x"}]],
    "not_seen": ["x", [1], [{}]],
    "unused_days": ["x", None],
}


@pytest.mark.parametrize(("section", "value"), [(s, v) for s, values in BROKEN.items() for v in values])
def test_a_broken_section_breaks_nothing(section: str, value: Any) -> None:
    assert reading(
        {section: value, "last_accessed": {ROLE: {}}} if section == "unused_days" else {section: value}
    ).roles
