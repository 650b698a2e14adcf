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
from rolelint.rulebook import trust
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
    "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
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
    hide = Redactor(KEY).text
    for word in gates.PRODUCTION | gates.DISPOSABLE:
        for name in (f"acme-{word}-db", f"acme_{word}1", f"1{word}"):
            assert gates.name_says(hide(name)) == gates.name_says(name), name
    for word in ("non-prod", "not_prod", "pre-production"):
        assert gates.name_says(hide(f"acme-{word}-db")) == gates.name_says(f"acme-{word}-db") == ""


def test_the_words_of_shared_issuers_of_tokens_are_kept() -> None:
    for host, issuer in trust.ISSUERS.items():
        redactor = Redactor(KEY)
        assert redactor.dump({"url": host}) == {"url": host}
        for text in (issuer.head, issuer.foreign):
            if "someone" not in text and "some-" not in text:
                shown = redactor.text(text)
                assert [c for c in shown if not c.isdigit()] == [c for c in text if not c.isdigit()], text


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


ID = "210987654321"
#: Parts of a dump, each with `zanzibar` or an id in a place of its own.
NAMED: dict[str, Any] = {
    "an ARN with spaces": {"Resource": "arn:aws:s3:::acme/My Zanzibar Folder/*"},
    "an ARN with commas": {"Arn": f"arn:aws:iam::{ID}:role/a,zanzibar@x"},
    "other alphabets": {"tags": {"owner": "zanzibar-日本"}},
    "an account id as a number": {"Condition": {"NumericEquals": {"aws:PrincipalAccount": int(ID)}}},
    "an account id in the key of a tag": {"Tags": [{"Key": f"owner-{ID}", "Value": "x"}]},
    "an account id in an address": {"where": [f"https://sqs.us-east-1.amazonaws.com/{ID}/q"]},
    "names in conditions": {
        "Condition": {
            "StringEquals": {
                "kms:RequestAlias": "alias/zanzibar",
                "kms:EncryptionContext:app": "zanzibar",
                "secretsmanager:Name": "zanzibar",
                "dynamodb:LeadingKeys": ["zanzibar"],
            }
        }
    },
    "a condition in small letters": {"condition": {"stringequals": {"aws:username": "zanzibar"}}, "sid": "Zanzibar"},
    "addresses in conditions": {
        "Condition": {
            "StringLike": {
                "ses:FromAddress": "zanzibar@example.com",
                "ses:Recipients": ["*@zanzibar.com"],
                "ses:FeedbackAddress": "x@zanzibar.com",
                "ses:FromDisplayName": "Zanzibar",
            }
        }
    },
    "a part of an ARN": {
        "Condition": {
            "ArnLike": {"iam:PermissionsBoundary": "*:policy/zanzibar"},
            "StringLike": {"kms:GranteePrincipal": "*/zanzibar", "iam:PolicyARN": "*:policy/zanzibar/ReadOnlyAccess"},
        },
        "Resource": ["*:role/zanzibar", "*zanzibar*"],
    },
    "an issuer of one's own": {
        "url": "https://gitlab.zanzibar.com",
        "Federated": f"arn:aws:iam::{ID}:oidc-provider/gitlab.zanzibar.com",
        "Condition": {"StringEquals": {"gitlab.zanzibar.com:aud": "zanzibar"}},
        "audiences": ["zanzibar"],
    },
    "a policy as text": {"PolicyDocument": '{"Statement": [{"Sid": "Zanzibar", "Condition": {}}]}'},
    "a policy as text that is none": {"document": "{zanzibar"},
    "a boundary by path": {"boundary": "/teams/zanzibar"},
}


@pytest.mark.parametrize("part", NAMED.values(), ids=NAMED)
def test_names_are_found_wherever_they_stand(part: dict[str, Any]) -> None:
    note = {"what": "x", "kind": "denied", "reason": "denied", "where": part.get("where", [])}
    dump = {**part, "where": "", "Rolelint": {"not_seen": [note]}}
    shown = json.dumps(Redactor(KEY).dump(dump), ensure_ascii=False)
    for text in ("zanzibar", "日", ID):
        assert text not in shown.lower(), shown


#: Spellings of one thing, which must stay one.
ALIKE = {
    "an account id in a name": (f"cdk-{ID}-x", f"arn:aws:iam::{ID}:role/cdk-{ID}-x"),
    "an account id that runs into a name": (f"data{ID}", f"arn:aws:s3:::data{ID}"),
    "a name with a comma": ("a,b@c", f"arn:aws:iam::{ID}:role/a,b@c"),
    "a name with a space": ("My Folder", "arn:aws:s3:::My Folder"),
}


@pytest.mark.parametrize(("name", "arn"), ALIKE.values(), ids=ALIKE)
def test_a_name_and_its_arn_stay_alike(name: str, arn: str) -> None:
    hide = Redactor(KEY).text
    assert hide(arn).endswith(hide(name))
    assert hide(ID) in hide(arn) or ID not in arn


def test_ids_of_principals_stay_alike() -> None:
    unique = "AROAZANZIBAR12345678"
    hidden = Redactor(KEY).dump(
        {
            "RoleId": unique,
            "Principal": {"AWS": unique},
            "Condition": {"StringLike": {"aws:userid": f"{unique}:*", "aws:PrincipalArn": f"{unique}:*"}},
        }
    )
    shown = hidden["RoleId"]
    assert "ZANZ" not in shown
    assert hidden["Principal"]["AWS"] == shown
    assert set(hidden["Condition"]["StringLike"].values()) == {f"{shown}:*"}


def test_sessions_of_roles_stay_sessions() -> None:
    shown = Redactor(KEY).text(f"arn:aws:sts::{ID}:assumed-role/zanzibar/me")
    assert ":assumed-role/" in shown


def test_what_aws_names_is_no_key_to_the_rest() -> None:
    """A known name beside its replacement would tell how the others were replaced."""
    dump = {
        "AttachedManagedPolicies": [
            {"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
        ],
        "RoleDetailList": [{"RoleName": "AWSServiceRoleForX", "Path": "/aws-service-role/x.amazonaws.com/"}],
    }
    assert Redactor(KEY).dump(dump) == dump


def test_ids_keep_what_tells_their_kind() -> None:
    """The engine knows that an organization is `o-...` and an endpoint `vpce-...`."""
    for text, head in (("o-abcdef1234", "o-"), ("vpc-0a1b2c", "vpc-"), ("vpce-0a1b2c", "vpce-")):
        shown = Redactor(KEY).text(text)
        assert shown.startswith(head)
        assert shown != text


#: Patterns of ARNs and names in them, which the role `OrgAdmin` of the account meets, or, below, does not.
MEETS = [
    "*:role/OrgAdmin",
    "*OrgAdmin*",
    "*/OrgAdmin",
    "*role/OrgA*",
    "arn:*:role/OrgAdmin",
    "arn:aws:iam::*role/OrgAdmin",
    "arn:aws:iam::*:*/OrgAdmin",
    "*:iam::*:role/OrgAdmin",
    f"*::{ID}:role/OrgAdmin",
    f"arn:aws:*:*:{ID}:role/OrgAdmin",
    "arn:aws:iam::${aws:PrincipalAccount}:role/OrgAdmin",
    "arn:aws:iam*",
]
MISSES = ["*:role/OrgBudget", "*:user/OrgAdmin", "arn:aws:iam::*:group/OrgAdmin", "arn:aws:sts*", "*policy-writer"]


@pytest.mark.parametrize("pattern", [*MEETS, *MISSES])
def test_a_part_of_an_arn_judges_the_same(scan: Any, tmp_path: Path, pattern: str) -> None:
    exempt = deny("dynamodb:*", Condition={"StringNotLike": {"aws:PrincipalArn": pattern}})
    inline = {"PolicyName": "own", "PolicyDocument": json.loads(document(allow("dynamodb:*"), exempt))}
    role = {"RoleName": "OrgAdmin", "Arn": f"arn:aws:iam::{ID}:role/OrgAdmin", "RolePolicyList": [inline]}
    facts = []
    for number, dump in enumerate(({"RoleDetailList": [role]}, Redactor(KEY).dump({"RoleDetailList": [role]}))):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(dump))
        found = scan.command("check", str(path)).report["findings"]
        facts.append(Counter((f["rule"], f["severity"], f["certainty"]) for f in found))
    assert facts[0] == facts[1]
    assert (facts[0].total() > 0) == (pattern in MEETS)
    assert not re.search("Org(Admin|Budget)", path.read_text())


#: Patterns of ARNs and what they are once names are `N`.
PATTERNS = {
    "*:table/orders/index/*": "*:table/N/index/*",
    "*:dynamodb:eu-*:*:table/orders": "*:dynamodb:eu-*:*:table/N",
    "arn:*:log-group:orders:log-stream:orders": "arn:*:log-group:N:log-stream:N",
    "arn:aws:logs:*:*:log-group*": "arn:aws:logs:*:*:log-group*",
    "*:table/*/index*": "*:table/*/index*",
    "*:table*": "*:table*",
    "*:table/index*": "*:table/N*",
    "arn:aws:s3:::job*": "arn:aws:s3:::N*",
    "*:function:orders:*": "*:function:N:*",
    "*:instance-profile/orders": "*:instance-profile/N",
    "*:orders-1:orders": "*:N:N",
    "arn:aws:iam::*:policy/AdministratorAccess": "arn:aws:iam::*:policy/AdministratorAccess",
    "*::aws:policy/PowerUserAccess": "*::aws:policy/PowerUserAccess",
    "*:role/AdministratorAccess": "*:role/N",
    "arn:aws:glue:*:*:catalog": "arn:aws:glue:*:*:catalog",
    "*:root": "*:root",
}


@pytest.mark.parametrize(("pattern", "shown"), PATTERNS.items())
def test_words_of_arns_stay_in_patterns(pattern: str, shown: str) -> None:
    condition = {"Condition": {"ArnLike": {"lambda:FunctionArn": pattern}}}
    made = [
        Redactor(KEY).dump(part) for part in (condition, {"Resource": [pattern]}, {"NotResource": pattern})
    ]  # the same wherever it stands
    texts = {
        json.dumps(text) for text in (made[0]["Condition"]["ArnLike"]["lambda:FunctionArn"], made[2]["NotResource"])
    }
    assert texts == {json.dumps(made[1]["Resource"][0])}
    assert re.fullmatch(re.escape(shown).replace("N", r"(?!orders|job|Admin)[\w-]+"), made[2]["NotResource"])


def test_services_stay_where_principals_are_named() -> None:
    condition = {"Condition": {"StringEquals": {"lambda:Principal": "events.amazonaws.com", "aws:SourceArn": "*"}}}
    assert Redactor(KEY).dump(condition) == condition


def test_a_name_is_the_same_in_its_arn_whatever_words_it_has() -> None:
    """Words of ARNs, as `policy` and `table`, are names where names stand."""
    hide = Redactor(KEY).text
    for head, name in (("iam::1:role/", "policy-writer"), ("dynamodb:eu-west-1:1:table/", "table-index")):
        assert hide(f"arn:aws:{head}{name}").endswith("/" + hide(name))


def test_a_place_has_one_name_and_our_own_words_stay() -> None:
    arn = f"arn:aws:iam::{ID}:role/zanzibar"
    own = ["after page 1", "which Regions are switched on"]
    note = {"what": "x", "kind": "denied", "reason": "denied", "where": [arn, *own]}
    hidden = Redactor(KEY).dump({"RoleDetailList": [{"Arn": arn}], "Rolelint": {"not_seen": [note]}})
    places = hidden["Rolelint"]["not_seen"][0]["where"]
    assert places == [hidden["RoleDetailList"][0]["Arn"], *own]
    assert Redactor(KEY).text(arn) == places[0]


def test_guards_by_id_judge_the_same(scan: Any, tmp_path: Path) -> None:
    """A grant to one's own organization stays one, and a Deny outside an endpoint stays effective."""

    def role(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
        inline = {"PolicyName": "own", "PolicyDocument": json.loads(document(*statements))}
        return {"RoleName": name, "Arn": f"arn:aws:iam::{ID}:role/{name}", "RolePolicyList": [inline]}

    delete = "rds:DeleteDBCluster"
    dump = {
        "RoleDetailList": [
            role("insider", allow(delete, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdef1234"}})),
            role("guarded", allow(delete), deny(delete, Condition={"StringEquals": {"aws:SourceVpce": "vpce-0a1b"}})),
        ]
    }
    hidden = Redactor(KEY)
    facts = []
    for number, (made, name) in enumerate(((dump, hidden.text), (hidden.dump(dump), str))):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(made))
        found = scan.command("check", str(path)).report["findings"]
        facts.append({(name(f["role_name"]), f["rule"], f["severity"], f["certainty"]) for f in found})
    assert facts[0] == facts[1]
    assert {rule for _, rule, _, _ in facts[0]} >= {"RL201"}
