"""Which provider configurations of a plan work in the same account, where a role's name is one role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolelint.policies.text import show
from tests.readers.plan.test_plan_shapes import DELETE, TRUST, change, reading_of

QUEUE = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}
)


def two_providers(first: str, second: str, providers: dict[str, Any]) -> dict[str, Any]:
    """Make a plan of a role under one provider configuration, and of its policy and a queue under another."""

    def resource(address: str, key: str) -> dict[str, Any]:
        return {"address": address, "mode": "managed", "provider_config_key": key, "expressions": {"policy": {}}}

    return {
        "resource_changes": [
            change("aws_iam_role.a", {"name": "deploy", "assume_role_policy": TRUST}),
            change("aws_iam_role_policy.p", {"name": "p", "role": "deploy", "policy": DELETE}),
            change("aws_sqs_queue.q", {"name": "q", "policy": QUEUE}),
        ],
        "configuration": {
            "provider_config": providers,
            "root_module": {
                "resources": [
                    resource("aws_iam_role.a", first),
                    resource("aws_iam_role_policy.p", second),
                    resource("aws_sqs_queue.q", second),
                ]
            },
        },
    }


def provider(region: str, **more: Any) -> dict[str, Any]:
    """Make a provider configuration; `more` are its other arguments."""
    return {"name": "aws", "expressions": {"region": {"constant_value": region}, **more}}


def text(value: str) -> dict[str, Any]:
    return {"constant_value": value}


def assumed(account: str) -> list[dict[str, Any]]:
    return [{"role_arn": text(f"arn:aws:iam::{account}:role/terraform")}]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"profile": text("prod")}, False),
        ({"assume_role": assumed("222222222222")}, False),
        ({"assume_role": [{"role_arn": {"references": ["var.role"]}}]}, False),
        ({}, True),
        ({"default_tags": [{"tags": text("x")}]}, True),
    ],
    ids=["another profile", "another account", "a role not known", "another Region", "other tags"],
)
def test_an_alias_works_in_the_account_of_equal_credentials(other: dict[str, Any], same: bool) -> None:
    providers = {"aws": provider("eu-west-1"), "aws.us": provider("us-east-1", **other)}
    role, *rest = reading_of(two_providers("aws", "aws.us", providers)).roles
    assert [p.name for p in role.identity] == (["p"] if same else [])
    assert len(role.resource_policies) == (1 if same else 0)
    assert len(rest) == (0 if same else 1)


def test_two_ways_into_one_account_are_one_account() -> None:
    providers = {
        "aws": provider("eu-west-1", assume_role=assumed("222222222222")),
        "aws.us": provider("us-east-1", assume_role=[{**assumed("222222222222")[0], "session_name": text("x")}]),
    }
    (role,) = reading_of(two_providers("aws", "aws.us", providers)).roles
    assert (role.account, [p.name for p in role.identity]) == ("222222222222", ["p"])


def test_a_policy_of_another_account_counts_where_it_names_the_role() -> None:
    providers = {
        "aws": provider("eu-west-1", assume_role=assumed("111111111111")),
        "aws.us": provider("us-east-1", assume_role=assumed("222222222222")),
    }
    data = two_providers("aws", "aws.us", providers)
    named = json.loads(QUEUE)
    named["Statement"][0]["Principal"] = {"AWS": "arn:aws:iam::111111111111:role/deploy"}
    data["resource_changes"][2]["change"]["after"]["policy"] = json.dumps(named)
    role, outside = reading_of(data).roles
    assert (role.arn, len(role.resource_policies)) == ("arn:aws:iam::111111111111:role/deploy", 1)
    assert (outside.account, outside.name) == ("222222222222", "deploy")


def nested(role_key: str, beside_key: str, providers: dict[str, Any]) -> dict[str, Any]:
    """Make a plan of a role two modules deep, beside a topic in the outer module, and of its policy in the root."""
    role = {"address": "aws_iam_role.r", "mode": "managed", "provider_config_key": role_key, "expressions": {}}
    topic = {"address": "aws_sns_topic.t", "mode": "managed", "provider_config_key": beside_key, "expressions": {}}
    policy = {"address": "aws_iam_role_policy.p", "mode": "managed", "provider_config_key": "aws", "expressions": {}}
    inner = {"deep": {"source": "../deep", "module": {"resources": [role]}}}
    outer = {"w": {"source": "./w", "module": {"resources": [topic], "module_calls": inner}}}
    return {
        "resource_changes": [
            change("module.w.module.deep.aws_iam_role.r", {"name": "deploy", "assume_role_policy": TRUST}),
            change("aws_iam_role_policy.p", {"name": "p", "role": "deploy", "policy": DELETE}),
        ],
        "configuration": {
            "provider_config": {**providers, "module.w.module.deep:aws": {"name": "aws", "module_address": "x"}},
            "root_module": {"resources": [policy], "module_calls": outer},
        },
    }


@pytest.mark.parametrize(("beside", "same"), [("aws.other", False), ("aws", True)])
def test_a_module_in_a_module_works_where_the_outer_one_does(beside: str, same: bool) -> None:
    providers = {"aws": provider("eu-west-1"), "aws.other": provider("eu-west-1", profile=text("other"))}
    reading = reading_of(nested("module.w.module.deep:aws", beside, providers))
    assert [[p.name for p in r.identity] for r in reading.roles] == ([["p"]] if same else [[], ["p"]])
    arn = reading.roles[0].environment[0].arn
    assert show(arn) == f"arn:aws:iam::${{account id{'' if same else ' of aws.other'}}}:role/deploy"


def test_each_of_several_principals_that_one_attachment_names_has_its_own_id() -> None:
    names = {"roles": ["a", "b"], "users": ["a"], "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    roles = reading_of({"resource_changes": [change("aws_iam_policy_attachment.x", names)]}).roles
    assert [r.id for r in roles] == [f"aws_iam_policy_attachment.x#{n}" for n in ("role/a", "role/b", "user/a")]


def test_a_role_that_is_also_read_as_data_is_one_role() -> None:
    rows = [
        change("data.aws_iam_role.same", {"name": "a", "arn": "arn:aws:iam::123456789012:role/a"}),
        change("aws_iam_role.a", {"name": "a", "assume_role_policy": TRUST}, unknown={"arn": True}),
        change("aws_iam_role_policy.p", {"name": "p", "policy": DELETE}, unknown={"role": True}),
    ]
    link = {"role": {"references": ["data.aws_iam_role.same.name", "data.aws_iam_role.same"]}, "policy": {}}
    resources = [
        {"address": "aws_iam_role_policy.p", "mode": "managed", "expressions": link},
        {"address": "data.aws_iam_role.same", "mode": "data", "expressions": {"name": {}}},
    ]
    configuration = {"root_module": {"resources": resources}}
    (role,) = reading_of({"resource_changes": rows, "configuration": configuration}).roles
    assert (role.location.address, [p.name for p in role.identity]) == ("aws_iam_role.a", ["p"])


def test_a_resource_policy_names_a_role_of_a_module_with_a_provider_of_its_own() -> None:
    principal = {"AWS": "arn:aws:iam::111122223333:role/r"}
    named = json.dumps({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "s3:*"}]})
    own = [
        change("module.m.aws_iam_role.r", {"name": "r", "assume_role_policy": TRUST}),
        change("module.m.aws_s3_bucket_policy.b", {"bucket": "b", "policy": named}),
    ]
    resources = [
        {"address": row["address"].removeprefix("module.m."), "mode": "managed", "provider_config_key": "module.m:aws"}
        for row in own
    ]
    profile = {"profile": {"references": ["var.profile"]}}
    reading = reading_of(
        {
            "resource_changes": own,
            "configuration": {
                "provider_config": {
                    "module.m:aws": {"name": "aws", "module_address": "module.m", "expressions": profile}
                },
                "root_module": {"module_calls": {"m": {"source": "./m", "module": {"resources": resources}}}},
            },
        }
    )
    (role,) = reading.roles
    (policy,) = role.resource_policies
    assert [e.value for s in policy.document.statements for e in s.principals or ()] == [role.asked_arn]
