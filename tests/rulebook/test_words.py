"""Words about powers and statements: what they see, and what they must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rolelint.rulebook import Rulebook, load_rules
from rolelint.rulebook.vocabulary import WORDS

from .build import allow, by_code, deny, findings, role, statements

RULE: dict[str, Any] = {
    "id": "TEST001",
    "name": "under-test",
    "title": "Under test",
    "severity": "critical",
    "since": "1.0.0",
    "category": "data",
    "message": "{role}: {deed}{text}{first}{second}{layers}",
    "why": "Because.",
    "fix": {"text": "Do not."},
    "references": ["https://example.com/"],
    "examples": [
        {"name": "no", "flags": [], "policy": {"Statement": []}},
        {"name": "yes", "flags": ["TEST001"], "policy": {"Statement": []}},
    ],
}


def _rulebook(folder: Path, when: dict[str, Any], **more: Any) -> Rulebook:
    (folder / "rule.yaml").write_text(yaml.safe_dump({**RULE, "when": when, **more}), "utf-8")
    extra = load_rules([folder])
    return Rulebook(tuple(rule for rule in extra.rules if rule.id == "TEST001"))


DROP = {"actions": ["dynamodb:DeleteTable"]}
MAKE = {"actions": ["dynamodb:CreateTable"]}
TABLES = "arn:aws:dynamodb:eu-west-1:123456789012:table/"
DELETE = allow("dynamodb:DeleteTable")
CREATE = allow("dynamodb:CreateTable")

_TAKEN = {"ec2:ModifyInstanceAttribute": [{"ec2:Attribute": "DisableApiTermination"}]}
_SET = "ec2:ModifyInstanceAttribute"
_INSTANCES = "arn:aws:ec2:*:123456789012:instance/"


@pytest.mark.parametrize(
    "place", ["*", f"{_INSTANCES}*", f"{_INSTANCES}i-0*", "arn:aws:*:*:*:*prod*", "arn:aws:ec2:*:*:*/i*"]
)
@pytest.mark.parametrize("value", ["DisableApiTermination", "disableapitermination", "UserData"])
def test_an_action_counts_where_the_call_that_does_harm_is_allowed(tmp_path: Path, place: str, value: str) -> None:
    book = _rulebook(tmp_path, {"can": {"actions": [_SET], "asking": _TAKEN}})
    held = allow([_SET, "s3:GetObject"], place)
    stop = deny(_SET, Condition={"StringEquals": {"ec2:Attribute": value}})
    assert "TEST001" in by_code(findings(statements(held), rulebook=book))
    assert ("TEST001" in by_code(findings(statements(held, stop), rulebook=book))) is (value == "UserData")


def test_a_finding_about_names_shows_those(tmp_path: Path) -> None:
    book = _rulebook(tmp_path, {"can": {"actions": ["iam:PassRole"], "resources": ["*role/*admin*"]}})
    roles = [f"arn:aws:iam::123456789012:role/{name}" for name in ("monitoring", "app-admin", "other")]
    found = by_code(findings(statements(allow("iam:PassRole", roles)), rulebook=book))["TEST001"]
    assert found.message.endswith("`iam:PassRole` on `arn:aws:iam::123456789012:role/app-admin`")


def test_a_deny_on_one_of_several_things_takes_nothing_from_the_others(tmp_path: Path) -> None:
    book = _rulebook(tmp_path, {"can": {"actions": [_SET], "asking": _TAKEN}})
    stop = deny(_SET, f"{_INSTANCES}a", Condition={"StringEquals": {"ec2:Attribute": "DisableApiTermination"}})
    one = statements(allow(_SET, f"{_INSTANCES}a"), stop)
    assert "TEST001" not in by_code(findings(one, rulebook=book))
    for other in (f"{_INSTANCES}b", "arn:aws:ec2:*:*:inst*/prod*"):
        two = statements(allow(_SET, [f"{_INSTANCES}a", other]), stop)
        assert "TEST001" in by_code(findings(two, rulebook=book))


SILENT: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "can, another action": ({"can": DROP}, [allow("dynamodb:GetItem")]),
    "can, denied": ({"can": DROP}, [DELETE, deny("dynamodb:*")]),
    "can, too narrow": ({"can": {**DROP, "scope": "any"}}, [allow("dynamodb:DeleteTable", f"{TABLES}a*")]),
    "can, a pattern is wanted and one is named": (
        {"can": {**DROP, "scope": "pattern"}},
        [allow("dynamodb:DeleteTable", f"{TABLES}a")],
    ),
    "can, tag limited": (
        {"can": {**DROP, "unless": ["tag-limited"]}},
        [allow("dynamodb:DeleteTable", Condition={"StringEquals": {"aws:ResourceTag/team": "a"}})],
    ),
    "can, conditioned": (
        {"can": {"actions": ["iam:PassRole"], "unless-condition": {"iam:PassedToService": ["ecs*"]}}},
        [allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}})],
    ),
    "can, names do not match": (
        {"can": {**DROP, "resources": ["*state*"]}},
        [allow("dynamodb:DeleteTable", f"{TABLES}orders*")],
    ),
    "can, part of a container": (
        {"can": {"actions": ["s3:DeleteObject"], "whole-container": True}},
        [allow("s3:DeleteObject", "arn:aws:s3:::data/in/*")],
    ),
    "can, the calling user only": (
        {"can": {"actions": ["iam:DeleteAccessKey"], "unless": ["own-user"]}},
        [allow("iam:DeleteAccessKey", "arn:aws:iam::*:user/${aws:username}")],
    ),
    "all, one half": ({"all": [{"can": DROP}, {"can": MAKE}]}, [DELETE]),
    "any, neither": ({"any": [{"can": DROP}, {"can": MAKE}]}, [allow("s3:*")]),
    "not": ({"all": [{"can": DROP}, {"not": {"can": MAKE}}]}, [DELETE, CREATE]),
    "pair, other resources": (
        {"pair": {"first": MAKE, "second": DROP, "share": "type"}},
        [allow("dynamodb:CreateTable", f"{TABLES}a*"), allow("dynamodb:DeleteTable", f"{TABLES}b*")],
    ),
    "pair, another type": (
        {"pair": {"first": {"actions": ["rds:CreateDBInstance"]}, "second": DROP, "share": "type"}},
        [allow("rds:CreateDBInstance"), DELETE],
    ),
    "pair, not stateful": (
        {
            "pair": {
                "first": {"actions": ["ec2:CreateVpc"]},
                "second": {"actions": ["ec2:DeleteVpc"]},
                "share": "stateful-type",
            }
        },
        [allow(["ec2:CreateVpc", "ec2:DeleteVpc"])],
    ),
    "pair, no twins": (
        {
            "pair": {
                "first": {"actions": ["rds:CreateDBCluster"]},
                "second": {"actions": ["rds:DeleteDBInstance"]},
                "share": "stateful-twin",
            }
        },
        [allow(["rds:CreateDBCluster", "rds:DeleteDBInstance"])],
    ),
    "layers, too few": (
        {"layers": {"classes": ["destroy-data"], "at-least": 2, "of": {"one": ["dynamodb:*"], "two": ["rds:*"]}}},
        [DELETE],
    ),
    "allow-everything, most of it denied": (
        {"allow-everything": {"share": 50}},
        [allow("*"), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}],
    ),
    "allow-everything, on one bucket": ({"allow-everything": {"share": 50}}, [allow("*", "arn:aws:s3:::data/*")]),
    "allow-everything, for AWS's own MCP actions only": (
        {"allow-everything": {"share": 50}},
        [allow("*", Condition={"Bool": {"aws:IsMcpServiceAction": "true"}})],
    ),
    "service-wildcard, a part of the names": (
        {"service-wildcard": {"classes": ["destroy-data"]}},
        [allow(["dynamodb:Delete*", "dynamodb:D*"])],
    ),
    "service-wildcard, everything": ({"service-wildcard": {"classes": ["destroy-data"]}}, [allow("*")]),
    "verb-wildcard, no wildcard": (
        {"verb-wildcard": {"verbs": ["Delete"], "classes": ["destroy-data"]}},
        [DELETE],
    ),
    "verb-wildcard, too short to be the verb": (
        {"verb-wildcard": {"verbs": ["Delete"], "classes": ["destroy-data"]}},
        [allow("dynamodb:De*")],
    ),
    "verb-wildcard, nothing of the kind behind it": (
        {"verb-wildcard": {"verbs": ["Delete"], "classes": ["destroy-data"]}},
        [allow("dynamodb:DeleteResourcePolic*")],
    ),
    "not-action, a Deny": (
        {"not-action": {"classes": ["destroy-data"]}},
        [DELETE, {"Effect": "Deny", "NotAction": "dynamodb:*", "Resource": "*"}],
    ),
    "no-sid, it has one": ({"no-sid": {"classes": ["destroy-data"]}}, [{**DELETE, "Sid": "Why"}]),
    "siblings, all denied": (
        {"deny-misses-siblings": {"classes": ["destroy-data"], "siblings": {"classes": ["destroy-data"]}}},
        [allow("dynamodb:Delete*"), deny("dynamodb:*")],
    ),
    "siblings, the Deny is elsewhere": (
        {"deny-misses-siblings": {"classes": ["destroy-data"], "siblings": {"classes": ["destroy-data"]}}},
        [
            allow("s3:DeleteObject*", "arn:aws:s3:::one/*"),
            deny("s3:DeleteObject", "arn:aws:s3:::two/*"),
        ],
    ),
    "no-tool-channel-deny, there is one": (
        {"no-tool-channel-deny": DROP},
        [DELETE, deny("dynamodb:DeleteTable", Condition={"StringLike": {"aws:CalledViaAWSMCP": "*"}})],
    ),
}

FIRING: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "can": ({"can": DROP}, [DELETE]),
    "can, production counts": (
        {"can": {**DROP, "scope": "any"}},
        [allow("dynamodb:DeleteTable", f"{TABLES}prod-*")],
    ),
    "can, the condition is no limit": (
        {"can": {"actions": ["iam:PassRole"], "unless-condition": {"iam:PassedToService": []}}},
        [allow("iam:PassRole", Condition={"StringLike": {"iam:PassedToService": "*"}})],
    ),
    "can, the condition is met without the key": (
        {"can": {"actions": ["iam:PassRole"], "unless-condition": {"iam:PassedToService": []}}},
        [allow("iam:PassRole", Condition={"StringEqualsIfExists": {"iam:PassedToService": "ecs.amazonaws.com"}})],
    ),
    "can, another statement without the condition": (
        {"can": {"actions": ["iam:PassRole"], "unless-condition": {"iam:PassedToService": []}}},
        [
            allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}),
            allow("iam:PassRole"),
        ],
    ),
    "all": ({"all": [{"can": DROP}, {"can": MAKE}]}, [DELETE, CREATE]),
    "any": ({"any": [{"can": DROP}, {"can": MAKE}]}, [CREATE]),
    "not": ({"all": [{"can": DROP}, {"not": {"can": MAKE}}]}, [DELETE]),
    "pair": (
        {"pair": {"first": MAKE, "second": DROP, "share": "stateful-type"}},
        [allow("dynamodb:CreateTable", f"{TABLES}a*"), allow("dynamodb:DeleteTable", f"{TABLES}*b")],
    ),
    "layers": (
        {"layers": {"classes": ["destroy-data"], "at-least": 2, "of": {"one": ["dynamodb:*"], "two": ["rds:*"]}}},
        [DELETE, allow("rds:DeleteDBCluster")],
    ),
    "allow-everything": ({"allow-everything": {"share": 50}}, [allow("*"), deny("iam:*")]),
    "service-wildcard": ({"service-wildcard": {"classes": ["destroy-data"]}}, [allow("dynamodb:*")]),
    "verb-wildcard, a wildcard in the verb": (
        {"verb-wildcard": {"verbs": ["Delete"], "classes": ["destroy-data"]}},
        [allow("dynamodb:D?leteT*")],
    ),
    "verb-wildcard, part of the verb": (
        {"verb-wildcard": {"verbs": ["Delete"], "classes": ["destroy-data"]}},
        [allow("dynamodb:Del*")],
    ),
    "verb-wildcard, a wildcard before it": (
        {"verb-wildcard": {"verbs": ["Delete"], "classes": ["destroy-data"]}},
        [allow("dynamodb:*DeleteTable")],
    ),
    "not-action": (
        {"not-action": {"classes": ["destroy-data"]}},
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
    ),
    "no-sid": ({"no-sid": {"classes": ["destroy-data"]}}, [DELETE]),
    "siblings": (
        {"deny-misses-siblings": {"classes": ["destroy-data"], "siblings": {"classes": ["destroy-data"]}}},
        [allow("s3:DeleteObject*", "arn:aws:s3:::one/*"), deny("s3:DeleteObject", "arn:aws:s3:::one/*")],
    ),
    "no-tool-channel-deny": ({"no-tool-channel-deny": DROP}, [DELETE]),
    "environment-not-separated": ({"environment-not-separated": DROP}, [DELETE]),
}


@pytest.mark.parametrize("name", SILENT)
def test_silent(name: str, tmp_path: Path) -> None:
    when, items = SILENT[name]
    assert findings(statements(*items), rulebook=_rulebook(tmp_path, when)) == []


@pytest.mark.parametrize("name", FIRING)
def test_fires(name: str, tmp_path: Path) -> None:
    when, items = FIRING[name]
    (finding,) = findings(statements(*items), rulebook=_rulebook(tmp_path, when))
    assert finding.rule == "TEST001"
    assert "{" not in finding.message
    assert finding.location.file == "example.json"


def test_a_further_reason_lowers_by_one_level(tmp_path: Path) -> None:
    lower = [{"unless": {"can": MAKE}, "because": "it cannot create"}]
    book = _rulebook(tmp_path, {"can": DROP}, lower=lower)
    (with_create,) = findings(statements(DELETE, CREATE), rulebook=book)
    (without,) = findings(statements(DELETE), rulebook=book)
    assert (with_create.severity, with_create.lowered) == ("critical", ())
    assert (without.severity, without.lowered) == ("high", ("it cannot create",))


def test_no_boundary_says_nothing_of_what_is_not_known(tmp_path: Path) -> None:
    when = {"no-boundary": {"beside": ["data"], "at-least": "high"}}
    (tmp_path / "rule.yaml").write_text(yaml.safe_dump({**RULE, "category": "gates", "when": when}), "utf-8")
    book = load_rules([tmp_path])
    inline = {"work": {"Statement": [DELETE]}}
    assert "TEST001" in by_code(findings({"role": "agent", "inline": inline}, rulebook=book))
    assert "TEST001" not in by_code(findings(statements(DELETE), rulebook=book))
    unknown = {"role": "agent", "inline": inline, "boundary": "arn:aws:iam::123456789012:policy/not-given"}
    assert "TEST001" not in by_code(findings(role(unknown), rulebook=book))
    linked = {"role": {"name": "AWSServiceRoleForX", "service_linked": True}, "inline": inline}
    assert "TEST001" not in by_code(findings(linked, rulebook=book))


def test_every_word_is_used_by_a_rule() -> None:
    used: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            used.update(value.keys() & WORDS.keys())
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for rule in load_rules().rules:
        walk(rule.when)
        walk(list(rule.lower))
    assert set(WORDS) - used <= {"not"}
