"""Redacted dumps: nothing of the account's own names is left, and the judgement is the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sources.aws.cloud import Account, allow, deny, document, fill

from rolelint.engine import gates
from rolelint.sources.aws.redact import KEPT, Redactor

KEY = b"a key of the tests"


def test_a_redacted_scan_finds_the_same(scan: Any, there: Account, tmp_path: Path) -> None:
    fill(there, roles=12)
    there.role(
        "zanzibar-deployer",
        allow("s3:DeleteObject", "arn:aws:s3:::zanzibar-files-*/*"),
        deny("dynamodb:*", f"arn:aws:dynamodb:*:{there.id}:table/zanzibar-prod"),
        allow("dynamodb:DeleteTable", Condition={"StringEquals": {"aws:ResourceTag/owner": "zanzibar"}}),
        trust=document(
            {
                "Effect": "Allow",
                "Principal": {
                    "Federated": f"arn:aws:iam::{there.id}:oidc-provider/token.actions.githubusercontent.com"
                },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:zanzibar/deploy:*"}},
            }
        ),
    )
    there.client("s3").create_bucket(Bucket=f"zanzibar-files-{there.id}")
    there.client("s3").create_bucket(Bucket=f"other-{there.id}")
    there.client("dynamodb").create_table(
        TableName="zanzibar-prod",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "owner", "Value": "zanzibar"}],
    )
    dump = tmp_path / "dump.json"
    plain = scan("--inventory")
    hidden = scan("--inventory", "--redact", "--dump", str(dump))
    shown = dump.read_text() + json.dumps(hidden.report) + hidden.out + hidden.err
    for text in (there.id, "zanzibar", "deployer", "operators", "alice", "shared-", "machine"):
        assert text not in shown, text

    def facts(report: dict[str, Any]) -> Counter[Any]:
        return Counter((f["rule"], f["severity"], f["certainty"], len(f["actions"])) for f in report["findings"])

    assert facts(hidden.report) == facts(plain.report)
    damages = [
        Counter(json.dumps({**r["extra"]["damage"], "examples": 0, "rank": 0}) for r in ran.report["roles"])
        for ran in (plain, hidden)
    ]
    assert damages[0] == damages[1]
    assert scan.command("check", str(dump)).report["findings"] == hidden.report["findings"]


def test_the_same_everywhere_and_never_back() -> None:
    one, two, other = Redactor(KEY), Redactor(KEY), Redactor()
    assert one.text("acme-payments") == two.text("acme-payments")
    assert one.text("acme-payments") != other.text("acme-payments")
    assert one.text("123456789012") == two.text("123456789012")
    assert re.fullmatch(r"\d{12}", one.text("123456789012"))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("app-*", "app-backend"), ("app*", "application"), ("*-prod", "orders-prod"), ("ord*/eu?", "orders/eu1")],
)
def test_patterns_still_match_what_they_matched(pattern: str, name: str) -> None:
    from fnmatch import fnmatchcase

    hide = Redactor(KEY).text
    assert fnmatchcase(hide(name), hide(pattern))
    assert hide(name) != name


def test_different_names_stay_different() -> None:
    hide = Redactor(KEY).text
    names = [f"role-{word}{n}" for word in ("alpha", "beta", "alphabet") for n in range(50)]
    assert len({hide(name) for name in names}) == len(names)


KEPT_TEXTS = [
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    "prod",
    "${aws:PrincipalTag/team}",
    "*",
]


@pytest.mark.parametrize("text", KEPT_TEXTS)
def test_what_stays_as_it_is(text: str) -> None:
    assert Redactor(KEY).text(text) in (text, text.replace("123456789012", Redactor(KEY).text("123456789012")))


def test_the_words_of_arns_stay() -> None:
    shown = Redactor(KEY).text("arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/by-day")
    head, _, rest = shown.partition(":table/")
    assert head.startswith("arn:aws:dynamodb:eu-west-1:")
    assert rest.split("/")[1] == "index"
    assert "orders" not in shown


def test_words_that_a_judgement_needs_are_kept() -> None:
    assert KEPT | {"prod1"} >= gates.PRODUCTION | gates.DISPOSABLE


def test_a_policy_keeps_its_meaning() -> None:
    statement = {
        "Sid": "AcmeDeploys",
        "Effect": "Allow",
        "Action": ["s3:DeleteObject"],
        "Resource": "arn:aws:s3:::acme-data/*",
        "Condition": {
            "StringEquals": {
                "aws:RequestedRegion": "eu-west-1",
                "iam:PassedToService": "ec2.amazonaws.com",
                "aws:PrincipalTag/team": "acme",
            },
            "Bool": {"aws:SecureTransport": "true"},
        },
    }
    hidden = Redactor(KEY).dump(
        {"RoleDetailList": [{"RoleName": "acme", "PolicyDocument": {"Statement": [statement]}}]}
    )
    (made,) = hidden["RoleDetailList"][0]["PolicyDocument"]["Statement"]
    assert "acme" not in json.dumps(made).lower()
    assert made["Action"] == statement["Action"]
    equals = made["Condition"]["StringEquals"]
    assert equals["aws:RequestedRegion"] == "eu-west-1"
    assert equals["iam:PassedToService"] == "ec2.amazonaws.com"
    assert equals["aws:PrincipalTag/team"] == hidden["RoleDetailList"][0]["RoleName"]
    assert made["Condition"]["Bool"] == {"aws:SecureTransport": "true"}
