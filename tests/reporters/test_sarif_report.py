"""SARIF: the exact region, rules with help, stable fingerprints, and the official schema."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rolelint.findings.model import Report, UnknownItem
from rolelint.records import replace
from rolelint.reporters import Style, render
from rolelint.reporters.sarif import uri
from tests.reporters.conftest import RULES

#: The committee's schema is not ours to ship: name a copy of `sarif-schema-2.1.0.json` to check against it.
OFFICIAL = os.environ.get("ROLELINT_SARIF_SCHEMA", "")


def log(report: Report) -> dict[str, Any]:
    out: list[str] = []
    render("sarif", report, Style(exit_code=2, rules=RULES), out.append)
    made: dict[str, Any] = json.loads("".join(out))
    return made


def test_what_code_scanning_sees(full_report: Report, snapshot: Callable[[str, str], None]) -> None:
    snapshot("report.sarif", json.dumps(log(full_report), indent=1) + "\n")


@pytest.mark.skipif(not OFFICIAL, reason="ROLELINT_SARIF_SCHEMA does not name the official schema")
@pytest.mark.parametrize("empty", [True, False], ids=["empty", "full"])
def test_the_official_schema_accepts_it(full_report: Report, empty: bool) -> None:
    from jsonschema import Draft4Validator

    validator = Draft4Validator(json.loads(Path(OFFICIAL).read_text("utf-8")))
    errors = validator.iter_errors(log(Report() if empty else full_report))
    assert [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors] == []


#: What the standard says about the objects that we write: required properties, then the others we use (SARIF 2.1.0,
#: the section that is named). A property that is not here is a misspelling, which viewers would ignore in silence.
SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "sarifLog 3.13": ({"version", "runs"}, {"$schema"}),
    "run 3.14": ({"tool"}, {"columnKind", "invocations", "results", "properties"}),
    "tool 3.18": ({"driver"}, set()),
    "toolComponent 3.19": ({"name"}, {"version", "semanticVersion", "rules"}),
    "reportingDescriptor 3.49": (
        {"id"},
        {"name", "shortDescription", "fullDescription", "help", "helpUri", "defaultConfiguration", "properties"},
    ),
    "invocation 3.20": ({"executionSuccessful"}, {"exitCode", "toolExecutionNotifications"}),
    "notification 3.58": ({"message"}, {"level", "descriptor", "locations"}),
    "result 3.27": (
        {"message"},
        {"ruleId", "ruleIndex", "level", "locations", "relatedLocations", "partialFingerprints", "properties"},
    ),
    "location 3.28": (set(), {"id", "physicalLocation", "logicalLocations", "message"}),
    "physicalLocation 3.29": ({"artifactLocation"}, {"region", "contextRegion"}),
    "region 3.30": ({"startLine"}, {"startColumn", "endLine", "endColumn", "snippet"}),
    "message 3.11": ({"text"}, {"markdown"}),
}


def objects(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    run = data["runs"][0]
    driver = run["tool"]["driver"]
    out = [("sarifLog 3.13", data), ("run 3.14", run), ("tool 3.18", run["tool"]), ("toolComponent 3.19", driver)]
    for rule in driver["rules"]:
        out.append(("reportingDescriptor 3.49", rule))
        out += [("message 3.11", rule[key]) for key in ("shortDescription", "fullDescription", "help") if key in rule]
    locations = []
    for invocation in run["invocations"]:
        out.append(("invocation 3.20", invocation))
        for note in invocation["toolExecutionNotifications"]:
            out += [("notification 3.58", note), ("message 3.11", note["message"])]
            locations += note["locations"]
    for result in run["results"]:
        out += [("result 3.27", result), ("message 3.11", result["message"])]
        locations += result["locations"] + result.get("relatedLocations", [])
    for location in locations:
        physical = location["physicalLocation"]
        out += [("location 3.28", location), ("physicalLocation 3.29", physical)]
        out += [("region 3.30", physical[key]) for key in ("region", "contextRegion") if key in physical]
    return out


def test_every_object_has_the_properties_of_the_standard(full_report: Report) -> None:
    seen = set()
    for name, item in objects(log(full_report)):
        required, others = SHAPES[name]
        assert required <= set(item) <= required | others, name
        seen.add(name)
    assert seen == set(SHAPES)


def test_regions_and_levels_are_valid(full_report: Report) -> None:
    for name, item in objects(log(full_report)):
        if name == "region 3.30":
            assert item["startLine"] >= 1
            assert item.get("startColumn", 1) >= 1
            assert (item.get("endLine", item["startLine"]), item.get("endColumn", 10**9)) >= (
                item["startLine"],
                item.get("startColumn", 1),
            )
        if "level" in item:
            assert item["level"] in ("none", "note", "warning", "error")


def test_a_result_points_at_the_very_action(full_report: Report) -> None:
    result = log(full_report)["runs"][0]["results"][0]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "policies/deploy%20role.json"
    assert place["physicalLocation"]["region"] == {"startLine": 5, "startColumn": 17, "endLine": 5, "endColumn": 24}
    assert result["partialFingerprints"] == {"rolelint/v1": "0123456789abcdef0123456789abcdef"}
    assert result["properties"]["route"] == "Statement/0/Action"


def test_every_result_has_one_location_and_its_rule(full_report: Report) -> None:
    run = log(full_report)["runs"][0]
    for result in run["results"]:
        assert len(result["locations"]) == 1
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_rules_that_are_known_have_help(full_report: Report) -> None:
    rules = {rule["id"]: rule for rule in log(full_report)["runs"][0]["tool"]["driver"]["rules"]}
    assert list(rules) == sorted(rules)
    assert "Deny the deletion" in rules["RL201"]["help"]["markdown"]
    assert rules["RL201"]["helpUri"].startswith("https://docs.aws.amazon.com/")
    assert rules["RL201"]["properties"]["security-severity"] == "9.5"
    assert "help" not in rules["RL999"]


def test_what_could_not_be_read_or_decided_is_told(full_report: Report) -> None:
    (invocation,) = log(full_report)["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    notes = [(note["descriptor"]["id"], note["level"]) for note in invocation["toolExecutionNotifications"]]
    assert notes == [("input", "error"), ("policy", "warning"), ("unknown", "warning")]


URIS = {
    "a/b.json": "a/b.json",
    "./a/../b c.json": "b%20c.json",
    "é%.json": "%C3%A9%25.json",
    "<stdin>": "stdin",
    "aws:123456789012": "aws%3A123456789012",
    "/tmp/a b.json": "file:///tmp/a%20b.json",
    "a:b.json": "a%3Ab.json",
}


@pytest.mark.skipif(os.sep != "/", reason="paths of POSIX")
@pytest.mark.parametrize(("file", "expected"), URIS.items(), ids=URIS)
def test_files_become_uris(file: str, expected: str) -> None:
    assert uri(file) == expected
    assert re.fullmatch(r"[A-Za-z0-9._~:/%-]+", expected)


IN_A_REPOSITORY = {
    "role.json": "infra/role.json",
    "../b/c d.json": "b/c%20d.json",
    "link/d.json": "b/d.json",
    "{root}/b/c.json": "b/c.json",
    "../../out.json": "file://{above}/out.json",
    "{above}/out.json": "file://{above}/out.json",
    "aws:123456789012": "aws%3A123456789012",
    "<stdin>": "stdin",
}


@pytest.mark.skipif(os.sep != "/", reason="paths of POSIX")
@pytest.mark.parametrize(("file", "expected"), IN_A_REPOSITORY.items(), ids=IN_A_REPOSITORY)
@pytest.mark.parametrize("marker", ["folder", "file"])
def test_files_are_named_from_the_root_of_the_repository(
    file: str, expected: str, marker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repository"
    for folder in ("infra", "b"):
        (root / folder).mkdir(parents=True)
    (root / "infra" / "link").symlink_to(root / "b")
    if marker == "folder":
        (root / ".git").mkdir()
    else:
        (root / ".git").write_text("gitdir: elsewhere\n")
    monkeypatch.chdir(root / "infra")
    assert uri(file.format(root=root, above=tmp_path)) == expected.format(above=tmp_path)


@pytest.mark.skipif(os.sep != "/", reason="paths of POSIX")
def test_a_repository_below_the_working_directory_counts_for_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert uri("checkout/a.json") == "a.json"
    assert uri("other/a.json") == "other/a.json"


def test_a_name_cannot_write_links_or_control_characters(full_report: Report) -> None:
    name = "a [here](https://example.com) [b\\](https://example.com) \x1b[2J\r\n::error::x \u202e"
    worst = full_report.roles[0].findings[0]
    full_report.roles[0].findings = [
        replace(worst, message=f"role `{name}` can", role=name, fix=f"It is limited to `{name}`")
    ]
    full_report.unknown.append(UnknownItem("", name, "role", name, worst.location))
    run = log(full_report)["runs"][0]
    shown = [result["message"]["text"] for result in run["results"]]
    shown += [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    shown += [result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for result in run["results"][:1]]
    assert any("here" in text for text in shown)
    assert all(text.isprintable() for text in shown)
    # A backslash before a bracket escapes it, unless one before escapes the backslash.
    assert not [text for text in shown[:-1] if re.search(r"(?<!\\)(?:\\\\)*\]\(", text)]


def test_code_scanning_does_not_refuse_a_large_report(full_report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """The least severe results are left out, which a notification says; the others keep their order."""
    monkeypatch.setattr("rolelint.reporters.sarif._MOST_RESULTS", 3)
    monkeypatch.setattr("rolelint.reporters.sarif._MOST_LOCATIONS", 3)
    worst = full_report.roles[0].findings[0]
    severities = ("low", "critical", "info", "high", "low", "critical")
    related = worst.related[:1] * 5
    full_report.roles[0].findings = [replace(worst, severity=severity, related=related) for severity in severities]
    full_report.findings = []
    (run,) = log(full_report)["runs"]
    assert [result["properties"]["severity"] for result in run["results"]] == ["critical", "high", "critical"]
    assert [len(result["relatedLocations"]) for result in run["results"]] == [2, 2, 2]
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert [note["message"]["text"] for note in notes if note["descriptor"]["id"] == "limit"] == [
        "3 results of the lowest severities are left out: a run holds 3"
    ]
