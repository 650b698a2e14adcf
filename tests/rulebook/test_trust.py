"""Words about trust policies: who gets in, asked with callers that should not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolelint.rulebook.trust import ISSUERS, words_of

from .build import codes, findings

GITHUB = "token.actions.githubusercontent.com"
GITLAB = "gitlab.com"
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
TRUST_RULES = {"RL701", "RL702", "RL703", "RL704", "RL705"}


def _oidc(host: str, **condition: dict[str, Any]) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{host}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    if condition:
        statement["Condition"] = {name.replace("_", ":"): block for name, block in condition.items()}
    return statement


def _subject(host: str, value: str | list[str], operator: str = "StringLike") -> dict[str, Any]:
    return _oidc(host, **{operator: {f"{host}:sub": value}})


def _aws(principal: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **more}


ROLE = "arn:aws:iam::123456789012:role/"
AGENT = f"{ROLE}coding-agent"
DENY_FORKS = {
    "Effect": "Deny",
    "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringNotLike": {f"{GITHUB}:sub": "repo:acme/*"}},
}

CASES: dict[str, tuple[set[str], list[dict[str, Any]]]] = {
    "github, one branch": (set(), [_subject(GITHUB, "repo:acme/app:ref:refs/heads/main")]),
    "github, one environment with a wildcard after it": (set(), [_subject(GITHUB, "repo:acme/app:environment:prod*")]),
    "github, immutable ids": (set(), [_subject(GITHUB, "repo:acme@1234/app@5678:environment:prod")]),
    "github, another claim pins the owner": (
        set(),
        [_oidc(GITHUB, StringEquals={f"{GITHUB}:repository_owner_id": "1234", f"{GITHUB}:ref": "refs/heads/main"})],
    ),
    "github, a Deny closes what the Allow opens": (set(), [_oidc(GITHUB), DENY_FORKS]),
    "github, a wildcard that is an ordinary character": (set(), [_subject(GITHUB, "repo:*", "StringEquals")]),
    "github, the workflow of one branch": (
        set(),
        [
            _oidc(
                GITHUB,
                StringLike={
                    f"{GITHUB}:sub": "repo:acme/app:*",
                    f"{GITHUB}:job_workflow_ref": "acme/app/.github/workflows/*@refs/heads/main",
                },
            )
        ],
    ),
    "github, workflows of any branch": (
        {"RL702"},
        [
            _oidc(
                GITHUB,
                StringLike={
                    f"{GITHUB}:sub": "repo:acme/app:*",
                    f"{GITHUB}:job_workflow_ref": "acme/app/.github/workflows/*",
                },
            )
        ],
    ),
    "github, one environment of anybody": ({"RL701"}, [_subject(GITHUB, "*:environment:prod")]),
    "github, a name that ends like another": ({"RL701"}, [_subject(GITHUB, "*acme/app:environment:prod")]),
    "eks, one namespace": (set(), [_subject(EKS, "system:serviceaccount:apps:*")]),
    "eks, every namespace": ({"RL701"}, [_subject(EKS, "system:serviceaccount:*:*")]),
    "eks, any subject": ({"RL701"}, [_subject(EKS, "*")]),
    "everyone with a role of a name, however it is written": (
        {"RL704"},
        [_aws("*", Condition={"StringLike": {"aws:PrincipalArn": "*:role/deploy-*"}})],
    ),
    "every user of every account": (
        {"RL704"},
        [_aws("*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}})],
    ),
    "gitlab, one branch": (set(), [_subject(GITLAB, "project_path:acme/app:ref_type:branch:ref:main")]),
    "terraform, plans too": (
        {"RL702"},
        [_subject("app.terraform.io", "organization:acme:project:web:workspace:prod:run_phase:*")],
    ),
    "terraform, every workspace": ({"RL702"}, [_subject("app.terraform.io", "organization:acme:*")]),
    "terraform, one workspace": (
        set(),
        [_subject("app.terraform.io", "organization:acme:project:web:workspace:prod:run_phase:apply")],
    ),
    "eks, one service account": (set(), [_subject(EKS, "system:serviceaccount:apps:web", "StringEquals")]),
    "bitbucket, one repository": (
        set(),
        [_subject("api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc", "{1234}:*")],
    ),
    "github, no condition": ({"RL701"}, [_oidc(GITHUB)]),
    "github, the audience only": ({"RL701"}, [_oidc(GITHUB, StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"})]),
    "github, every repository": ({"RL701"}, [_subject(GITHUB, "repo:*")]),
    "github, owners that begin alike": ({"RL701"}, [_subject(GITHUB, "repo:acme*/app:ref:refs/heads/main")]),
    "github, nobody: owners have no colon": (set(), [_subject(GITHUB, "repo:acme:*")]),
    "github, owners with one more letter": ({"RL701"}, [_subject(GITHUB, "repo:acm?/*")]),
    "github, a test that is true without the claim": (
        {"RL701"},
        [_oidc(GITHUB, ForAllValues_StringLike={f"{GITHUB}:sub": "repo:*"})],
    ),
    "github, one of two values is open": (
        {"RL701"},
        [_subject(GITHUB, ["repo:acme/app:environment:prod", "repo:*:environment:prod"])],
    ),
    "github, every ref": ({"RL702"}, [_subject(GITHUB, "repo:acme/app:*")]),
    "github, every repository of the organization": ({"RL702"}, [_subject(GITHUB, "repo:acme/*")]),
    "github, pull requests": ({"RL702"}, [_subject(GITHUB, "repo:acme/app:pull_request", "StringEquals")]),
    "github, every branch": ({"RL702"}, [_subject(GITHUB, "repo:acme/app:ref:refs/heads/*")]),
    "github, every ref but the ref itself is tested": (
        set(),
        [
            _oidc(
                GITHUB,
                StringLike={f"{GITHUB}:sub": "repo:acme/app:*"},
                StringEquals={f"{GITHUB}:ref": "refs/heads/main"},
            )
        ],
    ),
    "gitlab, every branch": ({"RL702"}, [_subject(GITLAB, "project_path:acme/app:ref_type:branch:ref:*")]),
    "buildkite, every branch": (
        {"RL702"},
        [_subject("agent.buildkite.com", "organization:acme:pipeline:deploy:*")],
    ),
    "buildkite, every pipeline": ({"RL702"}, [_subject("agent.buildkite.com", "organization:acme:*")]),
    "buildkite, one branch": (
        set(),
        [_subject("agent.buildkite.com", "organization:acme:pipeline:deploy:ref:refs/heads/main:commit:*:step:*")],
    ),
    "gitlab, every project": ({"RL701"}, [_subject(GITLAB, "project_path:*")]),
    "eks, every service account": ({"RL701"}, [_oidc(EKS, StringEquals={f"{EKS}:aud": "sts.amazonaws.com"})]),
    "cognito, any pool": (
        {"RL701"},
        [
            {
                "Effect": "Allow",
                "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}},
            }
        ],
    ),
    "cognito, one pool": (
        set(),
        [
            {
                "Effect": "Allow",
                "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:1234"}},
            }
        ],
    ),
    "people only": (set(), [_aws([f"{ROLE}Admins", f"{ROLE}Operators"])]),
    "a name that says nothing": (set(), [_aws([f"{ROLE}Operators", f"{ROLE}web"])]),
    "part of a word is not the word": (set(), [_aws([f"{ROLE}Operators", f"{ROLE}reagents"])]),
    "people and a pipeline": (
        {"RL703"},
        [_aws(f"{ROLE}Operators"), _subject(GITHUB, "repo:acme/app:environment:prod")],
    ),
    "people and an agent in one word": ({"RL703", "RL705"}, [_aws([f"{ROLE}DevAdmins", f"{ROLE}KiroAgent"])]),
    "people and an agent that a Deny names": (set(), [_aws([f"{ROLE}Operators", AGENT]), _aws(AGENT, Effect="Deny")]),
    "an agent, and people that a Deny names": (
        {"RL705"},
        [_aws([f"{ROLE}Operators", AGENT]), _aws(f"{ROLE}Operators", Effect="Deny")],
    ),
    "people, and an agent that a condition leaves out": (
        set(),
        [_aws([f"{ROLE}Operators", AGENT], Condition={"StringNotLike": {"aws:PrincipalArn": "*agent*"}})],
    ),
    "people, and a pipeline that a Deny names": (
        set(),
        [
            _aws(f"{ROLE}Operators"),
            _subject(GITHUB, "repo:acme/app:environment:prod"),
            _oidc(GITHUB) | {"Effect": "Deny"},
        ],
    ),
    "people, and a pipeline of which a Deny names one branch": (
        {"RL702", "RL703"},
        [
            _aws(f"{ROLE}Operators"),
            _subject(GITHUB, "repo:acme/app:*"),
            _subject(GITHUB, "repo:acme/app:ref:refs/heads/old") | {"Effect": "Deny"},
        ],
    ),
    "Identity Center and Bedrock": (
        {"RL703"},
        [
            _aws(f"{ROLE}aws-reserved/sso.amazonaws.com/AWSReservedSSO_Ops_0123456789abcdef"),
            {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    ),
    "an account as a number": ({"RL704"}, [_aws("999999999999")]),
    "an account of another partition": ({"RL704"}, [_aws("arn:aws-cn:iam::999999999999:root")]),
    "an account with an external id": (
        set(),
        [_aws("999999999999", Condition={"StringEquals": {"sts:ExternalId": "acme-1"}})],
    ),
    "an account limited to one of its roles": (
        set(),
        [
            _aws(
                "999999999999",
                Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/runner"}},
            )
        ],
    ),
    "everyone who knows the external id": (
        {"RL704"},
        [_aws("*", Condition={"StringEquals": {"sts:ExternalId": "acme-1"}})],
    ),
    "everyone of the organization": (
        set(),
        [_aws("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})],
    ),
    "everyone, in another form": ({"RL704"}, [{"Effect": "Allow", "Principal": "*", "Action": "sts:*"}]),
    "a service": (
        set(),
        [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    ),
    "an agent without a source identity": ({"RL705"}, [_aws(AGENT)]),
    "an agent that must name its operator": (
        set(),
        [
            _aws(AGENT)
            | {
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                "Condition": {"StringLike": {"sts:SourceIdentity": "*@acme.example"}},
            }
        ],
    ),
    "an agent whose source identity is optional": (
        {"RL705"},
        [
            _aws(AGENT)
            | {
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                "Condition": {"StringLikeIfExists": {"sts:SourceIdentity": "*@acme.example"}},
            }
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_trust_policy(name: str) -> None:
    expected, items = CASES[name]
    found = findings({"Version": "2012-10-17", "Statement": items}, "trust")
    assert codes(found) & TRUST_RULES == expected, [f.message for f in found]


def test_a_role_is_judged_with_its_trust_policy() -> None:
    bundle = {
        "role": "deploy",
        "trust": {"Version": "2012-10-17", "Statement": [_subject(GITHUB, "repo:acme/app:*")]},
        "inline": {"all": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}},
    }
    found = {f.rule: f for f in findings(bundle)}
    assert found["RL702"].location.route == "trust/Statement/0/Condition"
    assert "repo:acme/app:pull_request" in found["RL702"].message


@pytest.mark.parametrize(
    ("rule", "principal", "action", "pinned"),
    [
        (
            "RL701",
            {"Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.com"},
            "sts:AssumeRoleWithWebIdentity",
            {"StringEquals": {"gitlab.com:sub": "project_path:acme/app:ref_type:branch:ref:main"}},
        ),
        ("RL704", {"AWS": "999999999999"}, "sts:AssumeRole", {"StringEquals": {"sts:ExternalId": "acme-7f3c"}}),
    ],
)
def test_the_statement_that_lets_outsiders_in_is_the_one_that_is_named(
    rule: str, principal: dict[str, str], action: str, pinned: dict[str, Any]
) -> None:
    wide = {"Sid": "Wide", "Effect": "Allow", "Principal": principal, "Action": action}
    good = {**wide, "Sid": "Pinned", "Condition": pinned}
    for both in ([wide, good], [good, wide]):
        (found,) = (f for f in findings({"Version": "2012-10-17", "Statement": both}, "trust") if f.rule == rule)
        assert [one.rpartition("/")[2] for one in found.granted_by] == ["Wide"]


def test_of_several_statements_that_let_outsiders_in_each_may_stand_first() -> None:
    one, two = (
        {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        for account in ("999999999999", "888888888888")
    )
    both, turned, alone = (findings({"Statement": items}, "trust")[0] for items in ([one, two], [two, one], [one]))
    assert both.fingerprint == turned.fingerprint
    assert both.fingerprint != alone.fingerprint
    assert len(both.granted_by) == 2
    assert both.message == turned.message
    assert both.message.endswith("of the account `888888888888` (1 more)")
    assert alone.message.endswith("of the account `999999999999`")


def test_everyone_comes_before_one_account() -> None:
    (found,) = findings({"Statement": [_aws("999999999999"), _aws("*")]}, "trust")
    assert found.message.endswith("by every AWS account (1 more)")


def test_the_own_account_is_no_stranger() -> None:
    trust = {"Statement": [_aws("arn:aws:iam::123456789012:root")]}
    own = {"role": {"name": "ops", "arn": f"{ROLE}ops"}, "trust": trust}
    other = {"role": {"name": "ops", "arn": "arn:aws:iam::111122223333:role/ops"}, "trust": trust}
    assert "RL704" not in codes(findings(own))
    assert "RL704" in codes(findings(other))


def test_an_issuer_of_one_organization_is_less_severe() -> None:
    shared = findings({"Statement": [_oidc(GITHUB)]}, "trust")
    own = findings({"Statement": [_oidc(EKS)]}, "trust")
    assert [f.severity for f in shared] == ["critical"]
    assert [f.severity for f in own] == ["high"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kiro-agent", {"kiro", "agent"}),
        ("KiroAgent", {"kiro", "agent", "kiroagent"}),
        ("CI_runner2", {"ci", "runner2", "runner"}),
        ("MCPServer", {"mcp", "server", "mcpserver"}),
    ],
)
def test_words_of_a_name(name: str, words: set[str]) -> None:
    assert words - {"runner"} <= words_of(name)


def test_shared_issuers_are_hosts_without_scheme() -> None:
    for host in ISSUERS:
        assert host == host.lower()
        assert "://" not in host


@pytest.mark.parametrize(
    ("beside", "certainty"),
    [([], "possible"), ([_aws("arn:aws:iam::888888888888:root")], "proved")],
)
def test_a_principal_that_only_one_branch_names_is_possible(beside: list[dict[str, Any]], certainty: str) -> None:
    from rolelint.documents import parse
    from rolelint.readers import ReadContext, read
    from rolelint.rulebook import check_role, load_rules

    whole, one = "arn:aws:iam::999999999999:root", "arn:aws:iam::999999999999:role/runner"
    trust = {
        "Version": "2012-10-17",
        "Statement": [{**_aws(whole), "Principal": {"AWS": {"Fn::If": ["All", whole, one]}}}, *beside],
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"Who": {"Type": "String"}},
        "Conditions": {"All": {"Fn::Equals": [{"Ref": "Who"}, "all"]}},
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}},
    }
    (document,) = parse("template.json", json.dumps(template))
    found = read(document, ReadContext(None))
    assert found is not None
    (finding,) = [f for f in check_role(found.roles[0], load_rules()).findings if f.rule == "RL704"]
    assert finding.certainty == certainty


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        ("repo:acme*:*", "repo:acme-someone-else/project:main"),
        ("repo:acme*:ref:refs/heads/main", "repo:acme-someone-else/project:ref:refs/heads/main"),
        ("repo:*:environment:prod", "repo:someone-else/project:environment:prod"),
    ],
)
def test_the_example_of_an_outsider_is_a_subject_that_the_issuer_writes(pattern: str, subject: str) -> None:
    (found,) = (f for f in findings({"Statement": [_subject(GITHUB, pattern)]}, "trust") if f.rule == "RL701")
    assert f"`{subject}`" in found.message
