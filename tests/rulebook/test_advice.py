"""What a finding says to do: about its own action, and such that it helps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolelint.catalog import catalog
from rolelint.findings.model import Finding, at_least
from rolelint.rulebook import CheckOptions, load_rules

from .build import allow, by_code, deny, findings, statements

DESTRUCTIVE = catalog().names(catalog().destructive)
#: How many actions are passed over for each that is tried.
STEP = 11


def _advised(finding: Finding) -> list[dict[str, Any]]:
    _, _, example = finding.fix.partition("For example: ")
    found = json.loads(example)
    return found if isinstance(found, list) else [found]


def test_doing_as_a_finding_says_ends_it() -> None:
    tried = 0
    for action in DESTRUCTIVE[::STEP]:
        for finding in findings(statements(allow(action))):
            rule = load_rules().find(finding.rule)
            if rule is None or not rule.adapt or not at_least(finding.severity, "high"):
                continue
            tried += 1
            advised = _advised(finding)
            assert "RL905" not in by_code(findings(statements(*advised)))
            stays = all(s["Effect"] == "Deny" for s in advised)
            after = findings(statements(*([allow(action)] if stays else []), *advised))
            left = [f.fix for f in after if f.rule == finding.rule and at_least(f.severity, "high")]
            assert left == [], f"{finding.rule} of {action}"
    assert tried > 50


@pytest.mark.parametrize(
    "wildcard", ["dynamodb:*", "s3:*", "kms:*", "execute-api:*", "ec2:Delete*", "rds:D*Cluster", "s3:Del*"]
)
@pytest.mark.parametrize("resource", ["*", "arn:aws:rds:*:123456789012:cluster:main", "arn:aws:s3:::shop"])
def test_what_is_put_in_the_place_of_a_wildcard_has_none(wildcard: str, resource: str) -> None:
    for finding in findings(statements(allow(wildcard, resource))):
        if finding.rule in ("RL102", "RL103"):
            assert finding.rule not in by_code(findings(statements(*_advised(finding))))


SAYS: dict[str, tuple[str, dict[str, Any], str]] = {
    "the rule's own statement": ("RL201", allow("dynamodb:DeleteTable"), "table/preview-*"),
    "another type, by its name": ("RL106", allow("eks:DeleteCluster"), "arn:aws:eks:*:123456789012:cluster/preview-*"),
    "another type, by its tag": ("RL201", allow("ec2:DeleteVolume"), "aws:ResourceTag/Environment"),
    "a share, whose ARN AWS chooses": ("RL403", allow("ram:DeleteResourceShare"), "aws:ResourceTag/Environment"),
    "a name that is not the first part": ("RL105", allow("wafv2:DeleteIPSet"), ":*/ipset/preview-*/*"),
    "another service to look at": ("RL102", allow("dynamodb:*"), '["dynamodb:Describe*", "dynamodb:List*"]'),
    "the service that the rule shows": ("RL102", allow("rds:*"), "rds:CreateDBSnapshot"),
    "another delete than the wildcard's": ("RL103", allow("s3:Delete*"), '"s3:DeleteBucket", "Resource": "arn:aws:s3'),
    "a delete where it is limited already": (
        "RL103",
        allow("rds:Delete*", "arn:aws:rds:*:123456789012:cluster:main"),
        '"rds:DeleteDBCluster", "Resource": "arn:aws:rds:*:123456789012:cluster:main"',
    ),
    "another credential": ("RL404", allow("iam:UpdateLoginProfile"), "user/preview-*"),
    "the approving half": (
        "RL804",
        allow(["codecommit:GitPush", "codecommit:OverridePullRequestApprovalRules"]),
        '"Deny", "Action": "codecommit:OverridePullRequestApprovalRules"',
    ),
    "many through the tool channel": (
        "RL801",
        allow("redshift:*"),
        '"Deny", "Action": ["redshift:Delete*", "redshift:',
    ),
    "no resource": ("RL201", allow("s3:CreateJob"), "`s3:CreateJob` takes no resource"),
    "no resource, beside what has one": (
        "RL402",
        allow(["ecr:PutRegistryPolicy", "ecr:SetRepositoryPolicy"]),
        "take it away, or deny it. The rest can be limited.",
    ),
    "an organization": ("RL403", allow("sso:DeleteInstance"), "reaches past one account"),
    "limited already": (
        "RL106",
        allow("eks:DeleteCluster", "arn:aws:eks:eu-west-1:123456789012:cluster/main"),
        "limited to `arn:aws:eks:eu-west-1:123456789012:cluster/main` already",
    ),
    "limited by a tag already": (
        "RL201",
        allow("rds:DeleteDBCluster", Condition={"StringEquals": {"aws:ResourceTag/team": "a"}}),
        "limited by its conditions already",
    ),
    "a copy of another service": (
        "RL202",
        allow(["dynamodb:DeleteTable", "dynamodb:DeleteBackup"]),
        '"Effect": "Deny", "Action": "dynamodb:DeleteBackup"',
    ),
    "no boundary where none is known to the call": ("RL601", allow("iam:CreatePolicyVersion"), '"Effect": "Deny"'),
    "a boundary where it is limited already": (
        "RL601",
        allow("iam:PutUserPolicy", "arn:aws:iam::123456789012:user/preview-*"),
        'user/preview-*", "Condition": {"StringEquals": {"iam:PermissionsBoundary"',
    ),
}


@pytest.mark.parametrize("name", SAYS)
def test_advice(name: str) -> None:
    code, statement, text = SAYS[name]
    assert text in by_code(findings(statements(statement)))[code].fix


def test_advice_is_written_for_the_partition_of_the_role() -> None:
    held = statements(allow("rds:DeleteDBCluster", "arn:aws-cn:rds:*:123456789012:cluster:*"))
    fixes = [f.fix for f in findings(held)]
    assert any("arn:aws-cn:rds:" in fix for fix in fixes)
    assert not any("arn:aws:" in fix for fix in fixes)


@pytest.mark.parametrize("actions", ["route53:Delete*", "dynamodb:DeleteTable", ["rds:CreateDBCluster", "rds:Delete*"]])
def test_what_is_denied_as_findings_say_is_closed_in_two_rounds(actions: str | list[str]) -> None:
    written = [allow(actions)]
    for _ in range(2):
        for finding in findings(statements(*written)):
            written += [s for s in _advised(finding) if s["Effect"] == "Deny" and s not in written]
    left = [f for f in findings(statements(*written)) if at_least(f.severity, "medium")]
    assert [f.rule for f in left if any(s["Effect"] == "Deny" for s in _advised(f))] == []


def _after(written: list[dict[str, Any]], code: str) -> set[str]:
    """Do as a finding says, statement for statement, in the place of what grants it, and list what is left."""
    advised = _advised(by_code(findings(statements(*written)))[code])
    kept = [s for s in written if advised[0]["Effect"] == "Deny" or s["Action"] != advised[0]["Action"]]
    return set(by_code(findings(statements(*kept, *advised))))


TAGGED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "instances": ([allow("ec2:TerminateInstances"), allow(["ec2:CreateTags", "ec2:DeleteTags"])], "RL201"),
    "keys": ([allow("kms:PutKeyPolicy"), allow("kms:TagResource")], "RL402"),
    "snapshots": ([allow("ec2:DeleteSnapshot"), allow("ec2:CreateTags", "arn:aws:ec2:*::snapshot/*")], "RL203"),
}


def test_the_tag_that_is_kept_is_of_what_the_example_is_about() -> None:
    """RL108 shows instances, whatever the worst action of the finding is."""
    torn = allow(["ec2:TerminateInstances", "ec2:DeleteVpc", "rds:DeleteDBInstance", "rds:AddTagsToResource"])
    assert "TheTagStays" not in by_code(findings(statements(torn)))["RL108"].fix
    fix = by_code(findings(statements(torn, allow("ec2:CreateTags"))))["RL108"].fix
    assert '"Sid": "TheTagStays", "Effect": "Deny", "Action": "ec2:CreateTags"' in fix


@pytest.mark.parametrize("name", TAGGED)
def test_a_tag_that_the_role_can_change_is_kept_from_it(name: str) -> None:
    written, code = TAGGED[name]
    assert "TheTagStays" in by_code(findings(statements(*written)))[code].fix
    assert code not in _after(written, code)


def test_a_deny_of_many_names_the_worst_of_them() -> None:
    options = CheckOptions(select=load_rules().resolve(["RL806"]))
    (found,) = findings(statements(allow("*")), options=options)
    (advised,) = _advised(found)
    assert advised["Action"][0] == "cloudtrail:StopLogging"
    assert len(advised["Action"]) <= 24


def test_what_is_limited_already_is_taken_away_together() -> None:
    functions = "arn:aws:lambda:*:123456789012:function:shop-*"
    written = [allow(["lambda:UpdateFunctionCode", "lambda:UpdateAlias"], functions)]
    assert "RL210" not in _after(written, "RL210")


def test_a_deny_names_all_that_a_finding_is_about() -> None:
    assert "RL806" not in _after([allow("guardduty:*")], "RL806")
    assert "RL604" not in _after([allow("controltower:*"), allow("organizations:*")], "RL604")


def test_a_deny_with_gaps_is_completed() -> None:
    written = [allow("dynamodb:*"), deny(["dynamodb:DeleteTable"])]
    found = by_code(findings(statements(*written)))["RL904"]
    assert "dynamodb:UpdateTimeToLive" in found.actions
    assert "RL904" not in by_code(findings(statements(*written, *_advised(found))))
