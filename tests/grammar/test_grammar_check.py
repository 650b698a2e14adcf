"""`rolelint check --grammar` and its relatives, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.files import Run, runner

POLICY = """\
{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Read", "Effect": "Allow",
     "Action": ["s3:ListBucket", "s3:GetObject"],
     "Resource": "arn:aws:s3:::app-data"},
    {"Sid": "Read", "Effect": "Deny", "Action": ["s3:DeleteObjekt", "s3vectors:DeleteIndex"], "Resource": "*",
     "Condition": {"StringMatches": {"aws:PrincipalOrgID": "o-abcdefghij"}}}
  ]
}
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("p.json").write_text(POLICY)
    return runner(capsys)


def findings(run: Run, *arguments: str) -> list[dict[str, Any]]:
    _, out, err = run("check", *arguments, "--format", "json")
    assert "Traceback" not in err
    found: list[dict[str, Any]] = json.loads(out)["findings"]
    return found


def told(found: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return sorted((f["rule"], f["location"]["line"], f["location"]["column"]) for f in found)


def test_issues_stand_beside_rules_at_their_place(run: Run) -> None:
    found = findings(run, "p.json", "--grammar")
    assert [one for one in told(found) if one[0] in ("RL901", "RL805") or one[0].startswith("PL")] == [
        ("PL-DUPLICATE-SID", 7, 13),
        ("PL-RESOURCE-MISMATCH", 5, 34),
        ("PL-UNKNOWN-OPERATOR", 8, 37),
        ("RL901", 7, 50),
    ]
    mismatch = next(f for f in found if f["rule"] == "PL-RESOURCE-MISMATCH")
    assert mismatch["severity"] == "medium"
    assert mismatch["actions"] == ["s3:GetObject"]
    assert mismatch["message"].startswith("`p/Read`: `s3:GetObject` acts on none of the resources")


def test_a_warning_that_became_a_finding_is_not_said_twice(run: Run) -> None:
    with_warnings = json.loads(run("check", "p.json", "--format", "json")[1])["warnings"]
    without = json.loads(run("check", "p.json", "--format", "json", "--grammar")[1])["warnings"]
    assert len(with_warnings) == 2
    assert without == []


def test_what_the_reader_could_not_read_becomes_a_finding(run: Run) -> None:
    Path("p.json").write_text(
        '{"Version": "2024-01-01", "Statement": [\n'
        '{"Effect": "Maybe", "Action": "s3:GetObject", "Resource": "*"},\n'
        '{"Effect": "Allow", "Action": "s3:GetObject", "Ressource": "arn:aws:s3:::b/*"}]}'
    )
    _, out, _ = run("check", "p.json", "--grammar", "--select", "PL", "--format", "json")
    report = json.loads(out)
    assert [(f["rule"], f["location"]["line"], f["message"]) for f in report["findings"]] == [
        ("PL-INVALID-VERSION", 1, "`p`: unknown policy version `2024-01-01`"),
        ("PL-MALFORMED", 2, "`p/Statement[0]`: Effect must be `Allow` or `Deny`, not `Maybe`"),
        ("PL-MALFORMED", 3, "`p/Statement[1]`: unknown element `Ressource`"),
    ]
    assert report["warnings"] == []


def test_the_rule_goes_first_and_its_ignoring_counts_for_both(run: Run) -> None:
    assert ("PL-UNKNOWN-ACTION", 7, 50) not in told(findings(run, "p.json", "--grammar"))
    ignored = findings(run, "p.json", "--grammar", "--ignore", "RL901")
    assert {"RL901", "PL-UNKNOWN-ACTION"}.isdisjoint(f["rule"] for f in ignored)
    asked = findings(run, "p.json", "--grammar", "--select", "PL-UNKNOWN-ACTION")
    assert told(asked) == [("PL-UNKNOWN-ACTION", 7, 50)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--select", "PL"], {"DUPLICATE-SID", "RESOURCE-MISMATCH", "UNKNOWN-ACTION", "UNKNOWN-OPERATOR"}),
        pytest.param(["--select", "resource-mismatch"], {"RESOURCE-MISMATCH"}),
        pytest.param(["--select", "RL106"], set()),
        pytest.param(
            ["--select", "pl", "--ignore", "DUPLICATE_SID", "--ignore", "RL901"],
            {"RESOURCE-MISMATCH", "UNKNOWN-OPERATOR"},
        ),
        pytest.param(["--ignore", "PL"], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_issues_are_selected_and_ignored_as_rules_are(run: Run, arguments: list[str], expected: set[str]) -> None:
    found = {f["rule"] for f in findings(run, "p.json", "--grammar", *arguments)}
    assert {code.removeprefix("PL-") for code in found if code.startswith("PL-")} == expected


def test_an_issue_may_be_ignored_where_nobody_asks_for_it(run: Run) -> None:
    assert run("check", "p.json", "--ignore", "PL-RESOURCE-STAR")[0] in (0, 1)
    code, _, err = run("check", "p.json", "--ignore", "PL-RESOURCE-STARS")
    assert (code, err) == (2, "rolelint: unknown grammar issue `PL-RESOURCE-STARS`. did you mean `PL-RESOURCE-STAR`?\n")


def test_a_role_has_the_issues_of_its_policies(run: Run) -> None:
    Path("role.yaml").write_text(
        json.dumps(
            {
                "role": "app",
                "trust": TRUST,
                "inline": {"reader": {"Version": "2012-10-17", "Statement": [READ]}},
            }
        )
    )
    report = json.loads(run("check", "role.yaml", "--grammar", "--format", "json")[1])
    (mismatch,) = [f for f in report["findings"] if f["rule"] == "PL-RESOURCE-MISMATCH"]
    assert mismatch["role"] == report["roles"][0]["id"]


def test_a_policy_on_many_roles_is_told_once(run: Run) -> None:
    arn = "arn:aws:iam::123456789012:policy/shared"
    attached = [{"PolicyName": "shared", "PolicyArn": arn}]
    roles = [
        {
            "RoleName": f"r{number}",
            "Arn": f"arn:aws:iam::123456789012:role/r{number}",
            "AssumeRolePolicyDocument": TRUST,
            "RolePolicyList": [],
            "AttachedManagedPolicies": attached,
            "Tags": [],
        }
        for number in range(3)
    ]
    version = {"VersionId": "v1", "IsDefaultVersion": True, "Document": {"Version": "2012-10-17", "Statement": [READ]}}
    policy = {"PolicyName": "shared", "Arn": arn, "DefaultVersionId": "v1", "PolicyVersionList": [version]}
    dump = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": roles, "Policies": [policy]}
    Path("dump.json").write_text(json.dumps(dump))
    found = findings(run, "dump.json", "--grammar", "--select", "PL")
    assert [(f["rule"], f["role"]) for f in found] == [("PL-RESOURCE-MISMATCH", "arn:aws:iam::123456789012:role/r0")]


def test_policies_that_aws_writes_are_left_out(run: Run) -> None:
    attached = [{"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]
    role = {
        "RoleName": "r",
        "Arn": "arn:aws:iam::123456789012:role/r",
        "AssumeRolePolicyDocument": TRUST,
        "RolePolicyList": [],
        "AttachedManagedPolicies": attached,
    }
    Path("dump.json").write_text(json.dumps({"RoleDetailList": [role], "Policies": []}))
    assert findings(run, "dump.json", "--grammar", "--select", "PL") == []


def test_a_template_is_read_with_its_places(run: Run) -> None:
    Path("t.yaml").write_text(
        "Resources:\n"
        "  Role:\n"
        "    Type: AWS::IAM::Role\n"
        "    Properties:\n"
        f"      AssumeRolePolicyDocument: {json.dumps(TRUST)}\n"
        "      Policies:\n"
        "        - PolicyName: x\n"
        "          PolicyDocument:\n"
        "            Version: '2012-10-17'\n"
        "            Statement:\n"
        "              - Effect: Allow\n"
        "                Action: sqs:SendMessage\n"
        "                Resource: !Sub 'arn:aws:sns:${AWS::Region}:${AWS::AccountId}:topic'\n"
    )
    assert told(findings(run, "t.yaml", "--grammar", "--select", "PL")) == [("PL-RESOURCE-MISMATCH", 12, 25)]


def test_a_plan_tells_what_is_new_when_asked(run: Run) -> None:
    plan = str(Path(__file__).parents[1] / "readers" / "plan" / "fixtures" / "power_added.json")
    arguments = ("plan", plan, "--source", "", "--grammar", "--select", "PL", "--format", "json")
    every = [f["location"]["address"] for f in json.loads(run(*arguments)[1])["findings"]]
    new = [f["location"]["address"] for f in json.loads(run(*arguments, "--new-only")[1])["findings"]]
    assert every == ["aws_iam_role_policy.deploy", "aws_iam_role_policy.same"]
    assert new == ["aws_iam_role_policy.deploy"]


def test_sarif_describes_the_issue(run: Run) -> None:
    _, out, _ = run("check", "p.json", "--grammar", "--select", "PL-RESOURCE-MISMATCH", "--format", "sarif")
    (sarif_run,) = json.loads(out)["runs"]
    (rule,) = sarif_run["tool"]["driver"]["rules"]
    assert rule["id"] == "PL-RESOURCE-MISMATCH"
    assert "grants nothing" in rule["help"]["text"]
    assert sarif_run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 5


def test_fingerprints_survive_another_layout(run: Run) -> None:
    before = {f["fingerprint"] for f in findings(run, "p.json", "--grammar", "--select", "PL")}
    data = json.loads(POLICY)
    data["Statement"].reverse()
    Path("p.json").write_text(json.dumps(data, indent=8))
    after = {f["fingerprint"] for f in findings(run, "p.json", "--grammar", "--select", "PL")}
    assert len(before & after) >= len(before) - 1  # of two statements with one Sid the other is now the second


def test_verbose_says_what_was_left_out(run: Run) -> None:
    _, _, err = run("check", "p.json", "--grammar", "--verbose")
    assert "grammar: parliament 1.6.4 read 1 policies; left out: " in err
    assert "1 actions that parliament does not know" in err


@pytest.mark.parametrize(
    ("setting", "code", "severities"),
    [
        pytest.param("severity: HIGH", 1, ["high"], id="raised"),
        pytest.param("severity: MUTE", 0, [], id="muted"),
        pytest.param("ignore_locations: [{filepath: 'p.json', action: 's3:get.*'}]", 0, [], id="ignored here"),
        pytest.param("ignore_locations: [{filepath: 'q.json'}]", 0, ["medium"], id="ignored elsewhere"),
    ],
)
def test_the_users_configuration_counts(run: Run, setting: str, code: int, severities: list[str]) -> None:
    Path("config.yaml").write_text(f"RESOURCE_MISMATCH: {{{setting}}}\n")
    arguments = ("p.json", "--parliament-config", "config.yaml", "--select", "PL-RESOURCE-MISMATCH")
    assert [f["severity"] for f in findings(run, *arguments)] == severities
    assert run("check", *arguments)[0] == code


@pytest.mark.parametrize("name", ["PL", "resource-mismatch", "PL-UNKNOWN-ACTION"])
def test_an_issue_is_not_selected_without_the_checks_that_find_it(run: Run, name: str) -> None:
    code, _, err = run("check", "p.json", "--select", f"RL106,{name}")
    assert (code, err.count("\n")) == (2, 1)
    assert "is found by the grammar checks only. add --grammar" in err
    assert run("check", "p.json", "--ignore", name)[0] != 2


def test_a_configuration_is_read_once_and_as_every_other_file(run: Run) -> None:
    """From a pipe a second reader gets nothing, and parliament's own reads nothing but UTF-8."""
    Path("config.yaml").write_bytes("RESOURCE_MISMATCH: {severity: HIGH}\n".encode("utf-16"))
    assert run("check", "p.json", "--parliament-config", "config.yaml", "--select", "PL-RESOURCE-MISMATCH")[0] == 1


def test_own_auditors_are_asked_and_selected(run: Run) -> None:
    Path("own").mkdir()
    Path("own/a.py").write_text(
        "def audit(policy):\n    policy.add_finding('OUR_RULE', detail='look here', location={'actions': ['s3:x']})\n"
    )
    Path("config.yaml").write_text("OUR_RULE: {title: Ours, severity: CRITICAL}\n")
    own = ("p.json", "--private-auditors", "own", "--parliament-config", "config.yaml", "--select", "PL-OUR-RULE")
    (found,) = findings(run, *own)
    assert (found["rule"], found["name"], found["severity"]) == ("PL-OUR-RULE", "our-rule", "critical")
    assert found["message"] == "`p`: ours: look here"
    code, _, err = run("check", "p.json", "--private-auditors", "own")
    assert (code, err.count("\n")) == (2, 1)
    assert "an auditor reports `OUR_RULE`, which the parliament configuration does not describe" in err


def test_community_auditors_are_asked(run: Run) -> None:
    Path("p.json").write_text(
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds-db:connect", "Resource": "*"}]}'
    )
    found = findings(run, "p.json", "--include-community-auditors")
    assert "PL-PERMISSIONS-MANAGEMENT-ACTIONS" in {f["rule"] for f in found}


def test_the_issues_are_listed_and_explained(run: Run) -> None:
    code, out, _ = run("rules", "--grammar", "--format", "json")
    assert code == 0
    listed = {rule["id"] for rule in json.loads(out)["rules"]}
    assert {"RL901", "PL-RESOURCE-MISMATCH"} <= listed
    code, out, _ = run("explain", "PL-RESOURCE-MISMATCH")
    assert code == 0
    assert "An action acts on none of the statement's resources" in out
    assert run("explain", "resource_mismatch") == (0, out, "")
