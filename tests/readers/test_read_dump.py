"""The account dump: roles, users with their groups, boundaries, managed policies by ARN."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rolelint.policies.role import Reading

ACCOUNT = "arn:aws:iam::123456789012:"


def policy(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}]}
MANAGED = {
    "PolicyName": "own",
    "Arn": f"{ACCOUNT}policy/own",
    "DefaultVersionId": "v2",
    "PolicyVersionList": [
        {"Document": policy("a:old"), "VersionId": "v1", "IsDefaultVersion": False},
        {"Document": policy("a:new"), "VersionId": "v2", "IsDefaultVersion": True},
    ],
}
BOUNDARY = {
    "PolicyName": "limit",
    "Arn": f"{ACCOUNT}policy/limit",
    "DefaultVersionId": "v1",
    "PolicyVersionList": [{"Document": policy("b:*"), "VersionId": "v1", "IsDefaultVersion": True}],
}
ROLE = {
    "Path": "/",
    "RoleName": "r",
    "Arn": f"{ACCOUNT}role/r",
    "AssumeRolePolicyDocument": TRUST,
    "RolePolicyList": [{"PolicyName": "in", "PolicyDocument": policy("c:d")}],
    "AttachedManagedPolicies": [{"PolicyName": "own", "PolicyArn": f"{ACCOUNT}policy/own"}],
    "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": f"{ACCOUNT}policy/limit"},
    "Tags": [{"Key": "env", "Value": "prod"}],
}
USER = {
    "Path": "/",
    "UserName": "u",
    "Arn": f"{ACCOUNT}user/u",
    "GroupList": ["g"],
    "UserPolicyList": [{"PolicyName": "mine", "PolicyDocument": policy("e:f")}],
    "AttachedManagedPolicies": [],
}
GROUP = {
    "GroupName": "g",
    "Arn": f"{ACCOUNT}group/g",
    "GroupPolicyList": [{"PolicyName": "ours", "PolicyDocument": policy("g:h")}],
    "AttachedManagedPolicies": [{"PolicyName": "own", "PolicyArn": f"{ACCOUNT}policy/own"}],
}
NO_POLICIES: dict[str, Any] = {"RolePolicyList": [], "GroupPolicyList": [], "AttachedManagedPolicies": []}


def dump(**lists: Any) -> dict[str, Any]:
    return {
        "UserDetailList": lists.get("users", []),
        "GroupDetailList": lists.get("groups", []),
        "RoleDetailList": lists.get("roles", []),
        "Policies": lists.get("policies", []),
    }


def without_lines(lines: list[str]) -> list[str]:
    return [line.rpartition(" @")[0] for line in lines]


def test_a_role_has_everything_that_counts_for_it(describe: Callable[..., Any]) -> None:
    data = dump(roles=[ROLE], policies=[MANAGED, BOUNDARY])
    lines = json.dumps(data, indent=1).splitlines()
    (role,) = describe(data)["roles"]
    assert without_lines(role.pop("identity")) == ["identity in: +c:d", "identity own: +a:new"]
    assert without_lines([role.pop("boundary"), role.pop("trust")]) == [
        "boundary limit: +b:*",
        "trust trust policy: +sts:AssumeRole",
    ]
    assert role.pop("line") == 1 + next(i for i, line in enumerate(lines) if line == "  {")
    assert role == {
        "kind": "role",
        "name": "r",
        "arn": f"{ACCOUNT}role/r",
        "account": "123456789012",
        "partition": "aws",
        "tags": {"env": "prod"},
    }


def test_statements_are_located_where_they_stand(reading: Callable[..., Reading]) -> None:
    data = dump(roles=[ROLE], policies=[MANAGED, BOUNDARY])
    lines = json.dumps(data, indent=1).splitlines()
    (role,) = reading(data).roles
    for held, action in zip((*role.identity, role.boundary), ("c:d", "a:new", "b:*"), strict=True):
        assert held is not None
        place = held.locate(("Statement", 0, "Action"))
        assert f'"Action": "{action}"' in lines[place.line - 1]
        assert place.address == (role.arn if held.inline else held.arn)


def test_a_groups_policies_count_for_its_users(describe: Callable[..., Any]) -> None:
    (user,) = describe(dump(users=[USER], groups=[GROUP], policies=[MANAGED]))["roles"]
    assert user["kind"] == "user"
    assert without_lines(user["identity"]) == ["identity mine: +e:f", "identity ours: +g:h", "identity own: +a:new"]


def test_a_group_that_is_not_there_is_unknown(describe: Callable[..., Any]) -> None:
    (user,) = describe(dump(users=[USER]))["roles"]
    assert without_lines(user["unknowns"]) == ["group: the group `g` is not in the input"]


def test_a_policy_that_is_not_there_is_unknown_and_never_empty(describe: Callable[..., Any]) -> None:
    (role,) = describe(dump(roles=[ROLE]))["roles"]
    assert [line.rpartition(" @")[0] for line in role["unknowns"]] == [
        f"attached policy: the text of the policy `{ACCOUNT}policy/own` is not in the input",
        f"permissions boundary: the text of the policy `{ACCOUNT}policy/limit` is not in the input",
    ]
    assert role["unknowns"][1].endswith("(narrows)")
    assert "unknown: " in role["identity"][1]
    assert "unknown: " in role["boundary"]


def test_aws_managed_policies_come_from_the_catalogue(describe: Callable[..., Any]) -> None:
    role = {**ROLE, "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]}
    data = dump(roles=[role], policies=[BOUNDARY])
    line = 1 + next(
        i for i, text in enumerate(json.dumps(data, indent=1).splitlines()) if "AdministratorAccess" in text
    )
    assert describe(data)["roles"][0]["identity"][1] == f"identity AdministratorAccess: +* @{line}"


def test_the_dumps_own_text_of_a_managed_policy_comes_first(describe: Callable[..., Any]) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    role = {**ROLE, "AttachedManagedPolicies": [{"PolicyArn": arn}]}
    found = describe(dump(roles=[role], policies=[{**MANAGED, "Arn": arn}, BOUNDARY]))
    assert without_lines(found["roles"][0]["identity"])[1] == "identity AdministratorAccess: +a:new"


def test_documents_as_the_api_returns_them(describe: Callable[..., Any]) -> None:
    encoded = quote(json.dumps(policy("c:d")))
    role = {
        **ROLE,
        "AssumeRolePolicyDocument": quote(json.dumps(TRUST)),
        "RolePolicyList": [{"PolicyName": "in", "PolicyDocument": encoded}],
    }
    (found,) = describe(dump(roles=[role], policies=[MANAGED, BOUNDARY]))["roles"]
    assert without_lines(found["identity"])[0] == "identity in: +c:d"
    assert without_lines([found["trust"]]) == ["trust trust policy: +sts:AssumeRole"]


def test_pages_in_a_list_are_one_dump(describe: Callable[..., Any]) -> None:
    pages = [dump(users=[USER]), dump(groups=[GROUP], roles=[ROLE]), dump(policies=[MANAGED, BOUNDARY])]
    found = describe(pages)
    assert [role["name"] for role in found["roles"]] == ["u", "r"]
    assert all("unknowns" not in role for role in found["roles"])


def test_service_linked_roles_are_known_by_their_path(reading: Callable[..., Reading]) -> None:
    role = {**ROLE, "Path": "/aws-service-role/rds.amazonaws.com/"}
    assert [r.service_linked for r in reading(dump(roles=[role, ROLE])).roles] == [True, False]


def test_a_dump_of_policies_only_gives_each_by_itself(describe: Callable[..., Any]) -> None:
    found = describe(dump(policies=[MANAGED, {**MANAGED, "Arn": "arn:aws:iam::aws:policy/X"}]))
    assert [(role["kind"], role["name"]) for role in found["roles"]] == [("policy", "own")]


def test_a_dump_of_groups_only_gives_each_by_itself(describe: Callable[..., Any]) -> None:
    (group,) = describe(dump(groups=[GROUP]))["roles"]
    assert (group["kind"], group["name"], group["account"]) == ("policy", "g", "123456789012")
    assert without_lines(group["identity"])[0] == "identity ours: +g:h"
    assert without_lines(group["unknowns"])[0].startswith("attached policy: the text of the policy")


def test_policies_cut_out_of_a_dump_are_read(describe: Callable[..., Any]) -> None:
    (found,) = describe({"Policies": [MANAGED]})["roles"]
    assert without_lines(found["identity"]) == ["identity own: +a:new"]


def test_a_group_counts_for_the_users_of_its_own_account(describe: Callable[..., Any]) -> None:
    other = "arn:aws:iam::210987654321:"
    pages = [
        dump(users=[USER], groups=[GROUP], policies=[MANAGED]),
        dump(users=[{**USER, "Arn": f"{other}user/u"}], groups=[{**GROUP, "Arn": f"{other}group/g", **NO_POLICIES}]),
    ]
    one, another = describe(pages)["roles"]
    assert without_lines(one["identity"]) == ["identity mine: +e:f", "identity ours: +g:h", "identity own: +a:new"]
    assert without_lines(another["identity"]) == ["identity mine: +e:f"]


MORE = {"IsTruncated": True, "Marker": "AAAA"}
OTHER = {**ROLE, "Arn": "arn:aws:iam::210987654321:role/r", "PermissionsBoundary": {}, **NO_POLICIES}
PAGES: dict[str, tuple[Any, list[str]]] = {
    "all pages": ([{**dump(users=[USER]), **MORE}, {**dump(groups=[GROUP]), "IsTruncated": False}], []),
    "a page between that holds nothing": ([{**dump(users=[USER]), **MORE}, {**dump(), **MORE}, dump()], []),
    "one of several pages": ({**dump(users=[USER]), **MORE}, ["IsTruncated"]),
    "one page that holds nothing": ({**dump(), **MORE}, ["IsTruncated"]),
    "as many items as were asked for": ({**dump(users=[USER]), "NextToken": "eyJN"}, ["NextToken"]),
    "a page that lacks the next, before another account": (
        [{**dump(users=[USER]), **MORE}, dump(roles=[OTHER])],
        ["0/IsTruncated"],
    ),
}


@pytest.mark.parametrize(("data", "told"), PAGES.values(), ids=PAGES)
def test_a_dump_that_goes_on_is_not_whole(reading: Callable[..., Reading], data: Any, told: list[str]) -> None:
    problems = reading(data).problems
    assert [p.location.route for p in problems] == told
    assert {(p.kind, p.message) for p in problems} <= {
        ("unknown", "the dump ends before its last page: there is more in the account")
    }


DAMAGED: dict[str, tuple[Any, str]] = {
    "a role without a name": (dump(roles=[{"Arn": "x"}]), "a role has no name"),
    "a role that is text": (dump(roles=["x"]), "an item of `RoleDetailList` must be an object"),
    "policies that are no list": ({**dump(), "Policies": {}}, "`Policies` must be a list"),
    "an inline policy without text": (
        dump(roles=[{"RoleName": "r", "RolePolicyList": [{"PolicyName": "p"}]}]),
        "the inline policy `p` has no PolicyDocument",
    ),
    "an attached policy without ARN": (
        dump(roles=[{"RoleName": "r", "AttachedManagedPolicies": [{}]}]),
        "an attached policy has no PolicyArn",
    ),
    "a boundary without ARN": (
        dump(roles=[{"RoleName": "r", "PermissionsBoundary": {"x": 1}}]),
        "a permissions boundary has no PermissionsBoundaryArn",
    ),
}


@pytest.mark.parametrize(("data", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_told_and_the_rest_is_read(describe: Callable[..., Any], data: Any, message: str) -> None:
    data["UserDetailList"] = [{"UserName": "ok"}]
    found = describe(data)
    assert [p.partition(": ")[2] for p in found["problems"]] == [f"{message}. is the dump complete?"]
    assert "ok" in [role["name"] for role in found["roles"]]


def test_what_is_no_arn_of_a_role_decides_nothing(reading: Callable[..., Reading]) -> None:
    """Conditions would be held against it: it is told, and the account is any."""
    read = reading(dump(roles=[{"RoleName": "r", "Arn": "arn:aws:iam::XXXXXXXXXXXX:role/r"}]))
    assert (read.roles[0].arn, read.roles[0].account) == ("", "")
    assert [(p.kind, p.message) for p in read.problems] == [
        ("warning", "`arn:aws:iam::XXXXXXXXXXXX:role/r` is not the ARN of a role, and is left out")
    ]


BARE: dict[str, tuple[dict[str, Any], bool]] = {
    "both lists, empty": (dump(roles=[{"RoleName": "x", "RolePolicyList": [], "AttachedManagedPolicies": []}]), False),
    "a user without inline policies": (dump(users=[{"UserName": "x", "AttachedManagedPolicies": []}]), False),
    "a role": (dump(roles=[{"RoleName": "x"}]), True),
    "a user": (dump(users=[{"UserName": "x"}]), True),
    "a group of a user": (
        dump(
            users=[{"UserName": "x", "GroupList": ["g"], "AttachedManagedPolicies": []}],
            groups=[{"GroupName": "g"}],
        ),
        True,
    ),
}


@pytest.mark.parametrize(("data", "unknown"), BARE.values(), ids=BARE)
def test_who_is_printed_without_any_list_of_policies_is_not_harmless(
    reading: Callable[..., Reading], data: dict[str, Any], unknown: bool
) -> None:
    (found,) = reading(data).roles
    assert [(u.what, u.widens) for u in found.unknowns] == ([("identity policies", True)] if unknown else [])
    assert [bool(p.document.unknown) for p in found.identity] == ([True] if unknown else [])


CORPUS = Path(os.environ.get("ROLELINT_CORPUS", Path(__file__).parents[3] / "shared" / "corpus")) / "dump"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus")
def test_real_dumps_give_as_many_principals_as_they_list(reading: Callable[..., Reading]) -> None:
    files = sorted(CORPUS.rglob("*.json"))
    assert files
    for file in files:
        data = json.loads(file.read_bytes())
        found = reading(file.read_text(), str(file))
        assert found is not None, file
        holders = len(data.get("UserDetailList", [])) + len(data.get("RoleDetailList", []))
        # Groups and policies whose holders a dump leaves out are looked at by themselves.
        assert len(found.roles) == holders or (not holders and data["GroupDetailList"]), file
        assert [p for p in found.problems if p.kind != "warning"] == [], file
