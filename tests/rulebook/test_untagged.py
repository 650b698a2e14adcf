"""Tag conditions that let resources without the tag through limit nothing."""

from __future__ import annotations

from typing import Any

import pytest

from .build import allow, by_code, deny, findings, statements

CONDITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "high"),
    "any value of the tag": ({"StringLike": {"aws:ResourceTag/env": "*"}}, "high"),
    "any value of the tag that is not empty": ({"StringLike": {"aws:ResourceTag/env": "?*"}}, "high"),
    "any value of a controller's tag": ({"StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"}}, "medium"),
    "a controller's tag at all": ({"Null": {"aws:ResourceTag/elbv2.k8s.aws/cluster": "false"}}, "medium"),
    "the mark of a service of AWS": ({"Null": {"aws:ResourceTag/AmazonECSManaged": "false"}}, "medium"),
    "a tag that all of AWS may have": ({"Null": {"aws:ResourceTag/AWSEnvironment": "false"}}, "high"),
    "not a controller's": ({"Null": {"aws:ResourceTag/elbv2.k8s.aws/cluster": "true"}}, "high"),
    "no such tag": ({"Null": {"aws:ResourceTag/keep": "true"}}, "high"),
    "a tag at all": ({"Null": {"aws:ResourceTag/env": "false"}}, "high"),
    "all but a value that says nothing": ({"StringNotLike": {"aws:ResourceTag/env": "zzz"}}, "high"),
    "what begins like disposable": ({"StringLike": {"aws:ResourceTag/env": "dev*"}}, "medium"),
    "the tag says disposable": ({"StringEquals": {"aws:ResourceTag/env": "dev"}}, ""),
    "disposable, where there is a tag": ({"StringEqualsIfExists": {"aws:ResourceTag/env": "dev"}}, "high"),
    "some value, where there is a tag": ({"StringLikeIfExists": {"aws:ResourceTag/team": "a*"}}, "high"),
    "disposable, whatever tags there are": ({"ForAllValues:StringEquals": {"aws:ResourceTag/env": "dev"}}, "high"),
    "disposable, and a tag at all": (
        {"ForAllValues:StringEquals": {"aws:ResourceTag/env": "dev"}, "Null": {"aws:ResourceTag/env": "false"}},
        "",
    ),
    "not production, whatever tags there are": (
        {"ForAllValues:StringNotEquals": {"aws:ResourceTag/env": "prod"}},
        "medium",
    ),
    "not production": ({"StringNotEquals": {"aws:ResourceTag/env": "prod"}}, "medium"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_severity(name: str) -> None:
    condition, severity = CONDITIONS[name]
    statement = allow("rds:DeleteDBInstance", "*", **({"Condition": condition} if condition else {}))
    found = by_code(findings(statements(statement)))
    assert (found["RL201"].severity if "RL201" in found else "") == severity


DEV: dict[str, Any] = {"Condition": {"StringEquals": {"aws:ResourceTag/env": "dev"}}}
NOT_DEV: dict[str, Any] = {"Condition": {"StringNotEquals": {"aws:ResourceTag/env": "dev"}}}
NOT_PROD: dict[str, Any] = {"Condition": {"StringNotEquals": {"aws:ResourceTag/env": "prod"}}}
OF_TEAM: dict[str, Any] = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}}
PROTECTED: dict[str, Any] = {"Condition": {"StringEquals": {"aws:ResourceTag/keep": "yes"}}}
AT_START: dict[str, Any] = {"Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}}}
BY_OWNER: dict[str, Any] = {"StringEquals": {"aws:RequestTag/owner": "me"}}


def tag_keys(*names: str) -> dict[str, Any]:
    """Write a condition that leaves only some tags to set."""
    return {"ForAllValues:StringEquals": {"aws:TagKeys": list(names)}}


IN_FRANKFURT: dict[str, Any] = {"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}}
INSTANCES = "arn:aws:ec2:*:123456789012:instance/*"
DELETE = "ec2:TerminateInstances"

OWN_TAGS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a tag to have": ([allow(DELETE, **DEV)], ""),
    "a tag to have, and to set": ([allow(DELETE, **DEV), allow("ec2:CreateTags")], "high"),
    "a tag to have, and to set on what is deleted": (
        [allow(DELETE, INSTANCES, **DEV), allow("ec2:CreateTags", INSTANCES)],
        "high",
    ),
    "a tag to have, set at creation only": ([allow(DELETE, **DEV), allow("ec2:CreateTags", **AT_START)], ""),
    "a tag to have, and to set on volumes": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", "arn:aws:ec2:*:123456789012:volume/*")],
        "",
    ),
    "a tag to have, and to set on one of the types": (
        [
            allow([DELETE, "ec2:DeleteVolume"], **DEV),
            allow("ec2:CreateTags", "arn:aws:ec2:*:123456789012:volume/*"),
        ],
        "high",
    ),
    "a tag to have, and to set with an owner": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", Condition={**BY_OWNER, **tag_keys("owner", "env")})],
        "high",
    ),
    "a tag to have, and an owner to set": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", Condition={**BY_OWNER, **tag_keys("owner")})],
        "",
    ),
    "a tag to have, and not to set without an owner": (
        [
            allow(DELETE, **DEV),
            allow("ec2:CreateTags", Condition=tag_keys("owner", "env")),
            deny("ec2:CreateTags", Condition={"Null": {"aws:RequestTag/owner": "true"}}),
        ],
        "high",
    ),
    "a tag to have where there is one, and it must": (
        [
            allow(
                DELETE,
                Condition={
                    "StringEqualsIfExists": {"aws:ResourceTag/env": "dev"},
                    "Null": {"aws:ResourceTag/env": "False"},
                },
            )
        ],
        "",
    ),
    "a tag to have where there is one, and there is none": (
        [
            allow(
                DELETE,
                Condition={
                    "StringEqualsIfExists": {"aws:ResourceTag/env": "dev"},
                    "Null": {"aws:ResourceTag/env": "True"},
                },
            )
        ],
        "high",
    ),
    "a tag like one of the role, which it sets": (
        [
            allow(DELETE, Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team-lead}"}}),
            allow("iam:TagRole", Condition=tag_keys("team")),
            allow("s3:GetObject", Condition={"StringEquals": {"aws:PrincipalTag/team": "x"}}),
        ],
        "medium",
    ),
    "a tag to have, and that one to set": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", Condition={"StringEquals": {"aws:RequestTag/env": "dev"}})],
        "high",
    ),
    "a tag to have, and some keys to set": (
        [
            allow(DELETE, **DEV),
            allow(
                "ec2:CreateTags", INSTANCES, Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["Name", "env"]}}
            ),
        ],
        "high",
    ),
    "a tag to have, and another one to set": (
        [
            allow(DELETE, **DEV),
            allow("ec2:CreateTags", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["x"]}}),
        ],
        "",
    ),
    "a tag to have, and to set on some of what is deleted": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", INSTANCES)],
        "high",
    ),
    "a tag to have, and not to set that one": (
        [
            allow(DELETE, **DEV),
            allow("ec2:CreateTags"),
            deny("ec2:CreateTags", Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": ["env"]}}),
        ],
        "",
    ),
    "a tag to have, and to set where it is": (
        [allow(DELETE, INSTANCES, **DEV), allow("ec2:CreateTags", INSTANCES, **DEV)],
        "",
    ),
    "a tag to have, and to set where it is by another name": (
        [
            allow(DELETE, INSTANCES, **DEV),
            allow("ec2:CreateTags", INSTANCES, Condition={"StringEquals": {"ec2:ResourceTag/env": "dev"}}),
        ],
        "",
    ),
    "a tag of AWS to have, which nobody sets": (
        [
            allow(DELETE, Condition={"StringEquals": {"aws:ResourceTag/aws:cloudformation:stack-name": "x"}}),
            allow("ec2:CreateTags"),
        ],
        "medium",
    ),
    "a tag to have, and to remove": ([allow(DELETE, **DEV), allow("ec2:DeleteTags")], ""),
    "a tag to have, also for tagging": ([allow([DELETE, "ec2:CreateTags", "ec2:DeleteTags"], **DEV)], ""),
    "a tag to have, and to set where there is none": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", Condition={"Null": {"aws:ResourceTag/env": "true"}})],
        "high",
    ),
    "a tag to have, and to set but on production": (
        [
            allow(DELETE, **DEV),
            allow("ec2:CreateTags", Condition={"StringNotEquals": {"ec2:ResourceTag/env": "prod"}}),
        ],
        "high",
    ),
    "a Deny without the tag": (
        [allow([DELETE, "ec2:CreateTags"]), deny([DELETE, "ec2:CreateTags"], **NOT_DEV)],
        "",
    ),
    "a Deny without the tag, and to set it": ([allow([DELETE, "ec2:CreateTags"]), deny(DELETE, **NOT_DEV)], "high"),
    "not production, also for tagging": ([allow([DELETE, "ec2:CreateTags", "ec2:DeleteTags"], **NOT_PROD)], "medium"),
    "not production, and to tag all": ([allow(DELETE, **NOT_PROD), allow("ec2:CreateTags")], "high"),
    "the tag of the role": ([allow(DELETE, **OF_TEAM)], "medium"),
    "the tag of the role, which it sets": ([allow(DELETE, **OF_TEAM), allow("iam:TagRole")], "high"),
    "a tag to have, and to set in one Region": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", **IN_FRANKFURT)],
        "high",
    ),
    "a tag to have, and to set in one Region by ARN": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", "arn:aws:ec2:eu-central-1:123456789012:instance/*")],
        "high",
    ),
    "a tag to have, and to set but outside one Region": (
        [
            allow(DELETE, **DEV),
            allow("ec2:CreateTags"),
            deny("ec2:CreateTags", Condition={"StringNotEquals": {"ec2:Region": "eu-central-1"}}),
        ],
        "high",
    ),
    "a tag to have in one Region, and to set in another": (
        [
            allow(DELETE, Condition={**DEV["Condition"], "StringLike": {"aws:RequestedRegion": "us-*"}}),
            allow("ec2:CreateTags", **IN_FRANKFURT),
        ],
        "",
    ),
    "a tag to have, and to set on one machine": (
        [allow(DELETE, **DEV), allow("ec2:CreateTags", "arn:aws:ec2:eu-west-1:123456789012:instance/i-0abc")],
        "medium",
    ),
    "a tag to have, and to set on one machine and every volume": (
        [
            allow(DELETE, **DEV),
            allow("ec2:CreateTags", ["arn:aws:ec2:*:*:instance/i-0abc", "arn:aws:ec2:*:*:volume/*"]),
        ],
        "medium",
    ),
    "a tag to have on one machine, and to set": (
        [allow(DELETE, "arn:aws:ec2:eu-west-1:123456789012:instance/i-0abc", **DEV), allow("ec2:CreateTags")],
        "medium",
    ),
    "a tag to have, and to set on what names call disposable": (
        [
            allow("rds:DeleteDBInstance", **DEV),
            allow("rds:AddTagsToResource", "arn:aws:rds:*:123456789012:db:preview-*"),
        ],
        "",
    ),
    "a tag to have, and tags of another service": ([allow(DELETE, **DEV), allow("rds:AddTagsToResource")], ""),
    "a tag that protects": ([allow(DELETE), deny(DELETE, **PROTECTED)], "medium"),
    "a tag that protects, and to remove": ([allow([DELETE, "ec2:DeleteTags"]), deny(DELETE, **PROTECTED)], "high"),
    "a tag that protects, and to remove where it does not stand": (
        [
            allow([DELETE, "ec2:DeleteTags"]),
            deny(DELETE, **PROTECTED),
            deny("ec2:DeleteTags", Condition={"StringLike": {"aws:ResourceTag/keep": "*"}}),
        ],
        "medium",
    ),
}


@pytest.mark.parametrize("name", OWN_TAGS)
def test_tags_that_the_role_can_change_itself(name: str) -> None:
    written, severity = OWN_TAGS[name]
    found = by_code(findings(statements(*written)))
    assert (found["RL201"].severity if "RL201" in found else "") == severity


TABLES = "arn:aws:dynamodb:*:123456789012:table/"
OF_TEAM = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}}
DROP, SET = "dynamodb:DeleteTable", "dynamodb:TagResource"
#: What the finding says where the tag is a limit in some places only.
PLACES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "of two places one": (
        [allow(DROP, [TABLES + "app-*", TABLES + "main-*"], **OF_TEAM), allow(SET, TABLES + "app-*")],
        "high `dynamodb:DeleteTable` on `arn:aws:dynamodb:*:123456789012:table/app-*`",
    ),
    "of two places one table": (
        [allow(DROP, [TABLES + "app-*", TABLES + "main-*"], **OF_TEAM), allow(SET, TABLES + "app-1")],
        "high `dynamodb:DeleteTable` on `arn:aws:dynamodb:*:123456789012:table/app-1`",
    ),
    "of two places the disposable one": (
        [allow(DROP, [TABLES + "sandbox-*", TABLES + "main-*"], **OF_TEAM), allow(SET, TABLES + "sandbox-*")],
        "medium `dynamodb:DeleteTable` on `arn:aws:dynamodb:*:123456789012:table/sandbox-*` and 1 more place",
    ),
    "both": (
        [allow(DROP, [TABLES + "app-*", TABLES + "main-*"], **OF_TEAM), allow(SET, TABLES + "*")],
        "high `dynamodb:DeleteTable` on `arn:aws:dynamodb:*:123456789012:table/app-*` and 1 more place",
    ),
    "what carries the tag of production, which the role can change": (
        [allow(DROP, **DEV), allow(SET, Condition={"StringEquals": {"aws:ResourceTag/env": ["prod", "dev"]}})],
        "critical `dynamodb:DeleteTable` on any dynamodb table",
    ),
    "what carries the tag of a team": (
        [allow(DROP, **OF_TEAM), allow(SET, Condition={"StringEquals": {"aws:ResourceTag/team": ["b", "a"]}})],
        "high `dynamodb:DeleteTable` on any dynamodb table",
    ),
    "disposable ones of all": (
        [allow(DROP, **OF_TEAM), allow(SET, TABLES + "sandbox-*")],
        "high `dynamodb:DeleteTable` on any dynamodb table",
    ),
    "disposable ones, and others in one Region": (
        [allow(DROP, **DEV), allow(SET, TABLES + "sandbox-*"), allow(SET, TABLES + "app-*", **IN_FRANKFURT)],
        "high `dynamodb:DeleteTable` on `arn:aws:dynamodb:*:123456789012:table/app-*`",
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_tag_is_a_limit_where_the_role_cannot_set_it(name: str) -> None:
    written, text = PLACES[name]
    found = by_code(findings(statements(*written)))["RL201"]
    severity, _, deed = text.partition(" ")
    assert found.severity == severity
    assert found.message.endswith(f": {deed}") or f": {deed} (" in found.message


def test_to_remove_a_tag_that_must_have_a_value_leads_nowhere() -> None:
    team = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}}
    other = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "b"}}}
    tags = allow("ec2:DeleteTags")
    drop = "ec2:TerminateInstances"
    assert by_code(findings(statements(allow(drop, **team), deny(drop, **other), tags)))["RL201"].severity == "medium"
    assert by_code(findings(statements(allow(drop), deny(drop, **other), tags)))["RL201"].severity == "high"


DENIES: dict[str, tuple[dict[str, Any], str]] = {
    "what lacks a tag": ({"Null": {"aws:ResourceTag/env": "true"}}, "high"),
    "what lacks any value of a tag": ({"StringNotLike": {"aws:ResourceTag/env": "*"}}, "high"),
    "what lacks a controller's tag": ({"Null": {"aws:ResourceTag/elbv2.k8s.aws/cluster": "true"}}, "medium"),
    "what has a controller's tag": ({"Null": {"aws:ResourceTag/elbv2.k8s.aws/cluster": "false"}}, "high"),
    "what is not of a team": ({"StringNotEquals": {"aws:ResourceTag/team": "a"}}, "medium"),
}


@pytest.mark.parametrize("name", DENIES)
def test_a_deny_limits_to_what_says_whose_it_is(name: str) -> None:
    condition, severity = DENIES[name]
    role = statements(allow("ec2:TerminateInstances"), deny("ec2:TerminateInstances", Condition=condition))
    assert by_code(findings(role))["RL201"].severity == severity


def test_the_limit_that_a_finding_names_is_the_one_there_is() -> None:
    role = statements(allow("kms:ScheduleKeyDeletion", **ALIASED))
    assert by_code(findings(role))["RL401"].lowered == ("limited by an alias of the key",)


ALIASED = {"Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/app-*"}}}
UNALIASED = {"Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/prod-*"}}}
DROP_KEY = "kms:ScheduleKeyDeletion"
ALIASES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "an alias": ([allow(DROP_KEY, **ALIASED)], "high"),
    "any alias at all": (
        [allow(DROP_KEY, Condition={"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/*"}})],
        "critical",
    ),
    "an alias that keys without one pass": (
        [allow(DROP_KEY, Condition={"ForAllValues:StringLike": {"kms:ResourceAliases": "alias/app-*"}})],
        "critical",
    ),
    "an alias that says disposable": (
        [allow(DROP_KEY, Condition={"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/dev-*"}})],
        "",
    ),
    "an alias, and to give it": ([allow(DROP_KEY, **ALIASED), allow("kms:CreateAlias")], "critical"),
    "an alias, and to move it": ([allow(DROP_KEY, **ALIASED), allow("kms:UpdateAlias")], "critical"),
    "an alias, and to give others": (
        [
            allow(DROP_KEY, **ALIASED),
            allow("kms:CreateAlias", ["arn:aws:kms:*:*:key/*", "arn:aws:kms:*:*:alias/tool-*"]),
        ],
        "high",
    ),
    "an alias, and to take it": ([allow(DROP_KEY, **ALIASED), allow("kms:DeleteAlias")], "high"),
    "an alias, and to tag": ([allow(DROP_KEY, **ALIASED), allow("kms:TagResource")], "high"),
    "an alias that protects": ([allow(DROP_KEY), deny(DROP_KEY, **UNALIASED)], "high"),
    "an alias that protects, and to take it": (
        [allow([DROP_KEY, "kms:DeleteAlias"]), deny(DROP_KEY, **UNALIASED)],
        "critical",
    ),
}


@pytest.mark.parametrize("name", ALIASES)
def test_keys_by_their_aliases(name: str) -> None:
    written, severity = ALIASES[name]
    found = by_code(findings(statements(*written)))
    assert (found["RL401"].severity if "RL401" in found else "") == severity


def test_one_service_in_which_the_role_sets_the_tag() -> None:
    # Policies of what has the tag may say anything.
    iam = deny(["iam:*", "sso:*"])
    found = findings(statements(allow("*", **DEV), allow(["*:List*", "*:Describe*"]), iam))
    assert not [f for f in found if f.severity in ("critical", "high")]
    found = findings(statements(allow("*", **DEV), allow("ec2:CreateTags"), iam))
    assert {a.partition(":")[0] for f in found if f.severity == "high" for a in f.actions} == {"ec2"}


def test_a_finding_says_that_its_tag_is_no_gate() -> None:
    found = by_code(findings(statements(allow(DELETE, **DEV), allow("ec2:CreateTags", **IN_FRANKFURT))))
    assert found["RL201"].gate == "if aws:ResourceTag/env StringEquals dev; but the role can change that tag itself"


@pytest.mark.parametrize(
    ("condition", "severity"),
    [
        ({"StringEquals": {"ec2:ManagedResourceOperator": "eks.amazonaws.com"}}, "medium"),
        ({"StringLike": {"ec2:ManagedResourceOperator": "*"}}, "high"),
        ({"StringLike": {"ec2:ManagedResourceOperator": "*.amazonaws.com"}}, "high"),
        ({"StringNotEquals": {"ec2:ManagedResourceOperator": "eks.amazonaws.com"}}, "high"),
        ({"ForAllValues:StringEquals": {"ec2:ManagedResourceOperator": "eks.amazonaws.com"}}, "high"),
    ],
)
def test_what_one_service_manages_is_not_all_of_a_type(condition: dict[str, Any], severity: str) -> None:
    found = by_code(findings(statements(allow(DELETE, "*", Condition=condition))))
    assert found["RL201"].severity == severity


@pytest.mark.parametrize(("level", "severity"), [("self", "high"), ("account", "critical")])
def test_what_its_holder_made_is_not_all_of_a_type(level: str, severity: str) -> None:
    condition = {"StringEquals": {"servicecatalog:userLevel": level}}
    found = by_code(findings(statements(allow("servicecatalog:TerminateProvisionedProduct", "*", Condition=condition))))
    assert found["RL106"].severity == severity


def test_a_deny_of_some_values_leaves_what_has_none() -> None:
    condition = {"ForAnyValue:StringNotEquals": {"ec2:ManagedResourceOperator": "eks.amazonaws.com"}}
    found = by_code(findings(statements(allow(DELETE, "*"), deny(DELETE, Condition=condition))))
    assert found["RL201"].severity == "high"


@pytest.mark.parametrize(("service", "severity"), [("*.amazonaws.com", "high"), ("detective.amazonaws.com", "medium")])
def test_any_service_is_not_one(service: str, severity: str) -> None:
    condition = {"StringLike": {"organizations:ServicePrincipal": service}}
    action = "organizations:DeregisterDelegatedAdministrator"
    assert by_code(findings(statements(allow(action, "*", Condition=condition))))["RL403"].severity == severity


def test_countless_tags_are_not_asked_about_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("rolelint.rulebook.retagging._retagged", lambda *some: asked.append(some) or ())
    for several in (2, 60):
        limited = [allow("rds:*", Condition={"StringEquals": {f"aws:ResourceTag/t{i}": "x"}}) for i in range(several)]
        assert findings(statements(*limited))
        assert len(asked) == 2
