"""AWS's own opinion about each request: moto has no simulator, so botocore's Stubber answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sources.aws.cloud import Account, allow
from sources.aws.proxy import Call, Proxy
from sources.aws.stubs import Stubs

from rolelint.sources.aws.confirm import opinion

ROLE = "arn:aws:iam::123456789012:role/worker"
CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:example"


def _result(decision: str, **more: Any) -> dict[str, Any]:
    return {
        "EvaluationResults": [
            {"EvalActionName": "rds:DeleteDBCluster", "EvalResourceName": CLUSTER, "EvalDecision": decision, **more}
        ]
    }


ANSWERS = {
    "allowed": (_result("allowed"), ("agrees", "allowed", "")),
    "no statement": (_result("implicitDeny"), ("disagrees", "implicitDeny", "")),
    "a Deny": (
        _result("explicitDeny", MatchedStatements=[{"SourcePolicyId": "guard", "SourcePolicyType": "IAM Policy"}]),
        ("disagrees", "explicitDeny", "decided by guard"),
    ),
    "an SCP": (
        _result("implicitDeny", OrganizationsDecisionDetail={"AllowedByOrganizations": False}),
        ("disagrees", "implicitDeny", "an SCP stands in the way"),
    ),
    "a boundary": (
        _result("implicitDeny", PermissionsBoundaryDecisionDetail={"AllowedByPermissionsBoundary": False}),
        ("disagrees", "implicitDeny", "the permissions boundary stands in the way"),
    ),
    "a key that the simulator misses": (
        _result("implicitDeny", MissingContextValues=["aws:SourceVpc"]),
        ("disagrees", "implicitDeny", "the simulator misses aws:SourceVpc"),
    ),
    "nothing": ({"EvaluationResults": []}, ("not asked", "", "the simulator gave no answer")),
}


@pytest.mark.parametrize(("answer", "told"), ANSWERS.values(), ids=ANSWERS)
def test_what_aws_says_becomes_an_opinion(answer: dict[str, Any], told: tuple[str, str, str]) -> None:
    stubs = Stubs()
    asked = {"PolicySourceArn": ROLE, "ActionNames": ["rds:DeleteDBCluster"], "ResourceArns": [CLUSTER]}
    stubs.answer("iam", "simulate_principal_policy", answer, asked)
    assert opinion(stubs.aws, ROLE, "rds:DeleteDBCluster", [CLUSTER], {}) == told
    stubs.done()


@pytest.mark.parametrize(
    ("decisions", "told"),
    [
        (("",), ("not asked", "", "the simulator gave no answer")),
        (("allowed", ""), ("not asked", "", "the simulator gave no answer")),
        (("", "explicitDeny"), ("disagrees", "explicitDeny", "")),
    ],
)
def test_a_result_may_lack_its_decision(decisions: tuple[str, ...], told: tuple[str, str, str]) -> None:
    results = [{"EvalActionName": "x", "EvalDecision": made} if made else {"EvalActionName": "x"} for made in decisions]
    aws: Any = SimpleNamespace(demand=lambda *_, **__: {"EvaluationResults": results})
    assert opinion(aws, ROLE, "rds:DeleteDBCluster", [CLUSTER], {}) == told


def test_context_is_given_with_its_types() -> None:
    stubs = Stubs()
    entries = [
        {"ContextKeyName": "aws:SecureTransport", "ContextKeyType": "boolean", "ContextKeyValues": ["true"]},
        {"ContextKeyName": "aws:TagKeys", "ContextKeyType": "stringList", "ContextKeyValues": ["a", "b"]},
        {"ContextKeyName": "aws:ResourceTag/env", "ContextKeyType": "string", "ContextKeyValues": ["prod"]},
    ]
    asked = {"PolicySourceArn": ROLE, "ActionNames": ["ec2:RunInstances"], "ContextEntries": entries}
    stubs.answer("iam", "simulate_principal_policy", _result("allowed"), asked)
    context = {"aws:SecureTransport": "true", "aws:TagKeys": ["a", "b"], "aws:ResourceTag/env": "prod", "aws:x": None}
    assert opinion(stubs.aws, ROLE, "ec2:RunInstances", ["*"], context).verdict == "agrees"
    stubs.done()


NOT_ASKED = {
    "something is taken for granted": (ROLE, ("the key policy delegates to the account",)),
    "a service-linked role": ("arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", ()),
}


@pytest.mark.parametrize(("principal", "assumes"), NOT_ASKED.values(), ids=NOT_ASKED)
def test_what_the_simulator_cannot_know_is_not_asked(principal: str, assumes: tuple[str, ...]) -> None:
    told = opinion(Stubs().aws, principal, "kms:ScheduleKeyDeletion", ["*"], {}, assumes)
    assert told.verdict == "not asked"


def test_a_refusal_is_no_disagreement() -> None:
    stubs = Stubs()
    stubs.fail("iam", "simulate_principal_policy", "AccessDenied")
    told = opinion(stubs.aws, ROLE, "rds:DeleteDBCluster", [CLUSTER], {})
    assert (told.verdict, told.why) == ("not asked", "access denied (AccessDenied): no")


def test_a_scan_reports_agreement(scan: Any, there: Account, proxy: Proxy) -> None:
    there.role("agreed", allow("rds:DeleteDBCluster"))
    there.role("refused", allow("dynamodb:DeleteTable"))

    def simulate(call: Call) -> str:
        decision = "allowed" if "agreed" in call.body else "explicitDeny"
        return (
            '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
            "<SimulatePrincipalPolicyResult><EvaluationResults><member><EvalActionName>x</EvalActionName>"
            f"<EvalDecision>{decision}</EvalDecision></member></EvaluationResults></SimulatePrincipalPolicyResult>"
            "</SimulatePrincipalPolicyResponse>"
        )

    proxy.answer("iam:SimulatePrincipalPolicy", simulate)
    ran = scan("--confirm")
    verdicts = {(f["role_name"], f["extra"]["confirm"]["verdict"]) for f in ran.report["findings"] if f["witness"]}
    assert verdicts == {("agreed", "agrees"), ("refused", "disagrees")}
    counts = ran.report["extra"]["scan"]["confirm"]
    assert counts["agrees"] == sum(1 for f in ran.report["findings"] if f["witness"] and f["role_name"] == "agreed")
    text = scan("--confirm", json_report=False)
    assert "AWS's policy simulator agrees" in text.out
    assert "refused: explicitDeny" in text.out


def test_a_simulator_that_cannot_be_asked_is_said(scan: Any, there: Account, proxy: Proxy) -> None:
    there.role("agreed", allow("rds:DeleteDBCluster"))
    proxy.fail("iam:SimulatePrincipalPolicy", "deny")
    told = scan("--confirm").unknown()
    assert [text for text in told if "`iam:SimulatePrincipalPolicy`" in text and "access denied" in text]
