"""`rolelint check` as a user runs it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rolelint.cli.command import wants_color
from tests.cli.files import Run, runner

BAD = '{"Version": "2012-10-17", "Statement": [\n{"Effect": "Allow", "Action": "rds:*", "Resource": "*"}]}'
GOOD = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds:Describe*", "Resource": "*"}]}'
UNKNOWN = '{"AttachedPolicies": [{"PolicyName": "x", "PolicyArn": "arn:aws:iam::123456789012:policy/x"}]}'
DENY_OTHERS = '{"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}'
DENY = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, text in {
        "bad.json": BAD,
        "good.json": GOOD,
        "unknown.json": UNKNOWN,
        "deny.json": DENY,
        "deny-others.json": DENY_OTHERS,
        "broken.json": "{",
        "x.json": "{}",
    }.items():
        Path(name).write_text(text)
    return runner(capsys)


EXIT_CODES: dict[str, tuple[tuple[str, ...], int]] = {
    "clean": (("good.json",), 0),
    "findings": (("bad.json",), 1),
    "findings below the threshold": (("bad.json", "--select", "RL102", "--fail-on", "critical"), 0),
    "findings at the threshold": (("bad.json", "--select", "RL102", "--fail-on", "high"), 1),
    "findings that never fail": (("bad.json", "--fail-on", "never"), 0),
    "an input that cannot be parsed": (("good.json", "broken.json"), 2),
    "an input that cannot be parsed beside findings": (("bad.json", "broken.json"), 2),
    "never fail does not hide errors": (("broken.json", "--fail-on", "never"), 2),
    "a path that does not exist": (("nope.json", "good.json"), 2),
    "no arguments": ((), 2),
    "an unknown option": (("--nope", "good.json"), 2),
    "an unknown rule": (("good.json", "--select", "RL000"), 2),
    "an unknown actor": (("good.json", "--actor", "robot"), 2),
    "a broken boundary": (("good.json", "--boundary", "broken.json"), 2),
    "nothing to check": (("x.json",), 3),
    "something unknown": (("unknown.json",), 4),
    "something unknown is allowed": (("unknown.json", "--allow-unknown"), 0),
    "findings beside something unknown": (("unknown.json", "bad.json"), 1),
    "something unknown with never fail": (("unknown.json", "bad.json", "--fail-on", "never"), 4),
    "ignored rules": (("bad.json", "--select", "RL102", "--ignore", "service-wildcard"), 0),
    "several rules with commas": (("bad.json", "--select", "RL101, RL102", "--ignore", "RL101,service-wildcard"), 0),
    "a boundary that denies": (("bad.json", "--boundary", "deny.json"), 0),
    "an SCP that denies": (("bad.json", "--scp", "deny.json"), 0),
    "an SCP that denies something else": (("bad.json", "--scp", "deny-others.json"), 1),
    "the guardrail of another type": (("bad.json", "--type", "scp"), 0),
}


@pytest.mark.parametrize(("arguments", "code"), EXIT_CODES.values(), ids=EXIT_CODES)
def test_exit_codes(run: Run, arguments: tuple[str, ...], code: int) -> None:
    found, out, err = run("check", *arguments)
    assert found == code, out + err
    assert "Traceback" not in out + err


def test_text_names_role_place_request_and_fix(run: Run) -> None:
    _, out, err = run("check", "bad.json")
    assert err == ""
    assert "bad (policy)" in out
    assert "bad.json:2:31" in out
    assert '2 │ {"Effect": "Allow", "Action": "rds:*", "Resource": "*"}]}' in out
    assert "rds:DeleteDBCluster" in out
    assert out.splitlines()[-2].startswith("1 policy · critical ")


def test_json_is_the_versioned_report(run: Run) -> None:
    code, out, _ = run("check", "bad.json", "-f", "json")
    data = json.loads(out)
    assert data["schema"] == "rolelint-report/1"
    assert data["summary"]["exit_code"] == code == 1
    assert {"RL201"} <= {finding["rule"] for finding in data["findings"]}
    assert {tuple(finding["location"][k] for k in ("file", "line")) for finding in data["findings"]} == {
        ("bad.json", 2)
    }
    actions = {a for groups in data["roles"][0]["effects"].values() for group in groups for a in group["actions"]}
    assert {"rds:DeleteDBCluster", "rds:DeleteDBInstance"} <= actions


def test_the_report_has_the_published_shape(run: Run) -> None:
    from importlib.resources import files

    from jsonschema import Draft202012Validator

    schema = json.loads((files("rolelint.reporters") / "report.schema.json").read_text("utf-8"))
    for effects in ("full", "summary", "none"):
        _, out, _ = run(
            "check", "bad.json", "good.json", "unknown.json", "broken.json", "-f", "json", "--effects", effects
        )
        assert [e.message for e in Draft202012Validator(schema).iter_errors(json.loads(out))] == []


def test_sarif_has_rules_with_help(run: Run) -> None:
    _, out, _ = run("check", "bad.json", "-f", "sarif", "--select", "RL201")
    (sarif_run,) = json.loads(out)["runs"]
    (rule,) = sarif_run["tool"]["driver"]["rules"]
    assert rule["id"] == "RL201"
    assert rule["help"]["markdown"]
    assert sarif_run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 2


def test_errors_are_one_line_each_in_every_format(run: Run) -> None:
    for format_name in ("text", "json", "sarif"):
        _, _, err = run("check", "broken.json", "nope.json", "good.json", "-f", format_name)
        assert err.splitlines() == [
            "nope.json: no such file or folder",
            "broken.json:1:2: the JSON ends too early. is the file complete?",
        ]


def test_nothing_to_check_says_what_could_be(run: Run) -> None:
    _, _, err = run("check", "x.json")
    assert err.startswith("rolelint: nothing to check: no IAM content under the given paths")
    assert err.count("\n") == 1


STATEMENTS = '[{"Effect": "Allow", "Action": "rds:*", "Resource": "*"}]'
IN_OTHER_FORMS: dict[str, tuple[str, str, int]] = {
    "playbook": (f"- tasks:\n  - iam_policy:\n      policy:\n        {BAD}\n", "0/tasks/0/iam_policy/policy", 4),
    "manifest": (f"spec:\n  policy: '{GOOD}'\n", "spec/policy", 2),
    "statements": (f"provider:\n  iam:\n    statements: {STATEMENTS}\n", "provider/iam/statements", 3),
}


@pytest.mark.parametrize(("text", "route", "line"), IN_OTHER_FORMS.values(), ids=IN_OTHER_FORMS)
def test_a_policy_in_a_form_that_is_not_known_is_told(run: Run, text: str, route: str, line: int) -> None:
    Path("folder").mkdir()
    Path("folder/other.yml").write_text(text)
    Path("folder/good.json").write_text(GOOD)
    code, out, _ = run("check", "folder", "-f", "json")
    (warning,) = json.loads(out)["warnings"]
    assert code == 0
    assert f"`{route}` stands in a form that is not known" in warning["message"]
    assert warning["location"]["line"] == line
    code, out, _ = run("check", "folder/other.yml", "-f", "json")
    (unknown,) = json.loads(out)["unknown"]
    assert code == 4
    assert unknown["reason"] == warning["message"]


TRUSTED = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "x.aws"}, "Action": "sts:*"}]}'
HALF_KNOWN = {
    "statement": (
        "main.tf",
        f"""variable "more" {{}}
data "aws_iam_policy_document" "d" {{
  source_policy_documents = [var.more]
}}
resource "aws_iam_role" "r" {{
  name               = "r"
  assume_role_policy = "{TRUSTED.replace('"', chr(92) + '"')}"
}}
resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = data.aws_iam_policy_document.d.json
}}
""",
        "statement `${var.more}` is not known yet",
    ),
    "actions": (
        "t.json",
        f"""{{"Parameters": {{"A": {{}}}}, "Resources": {{"R": {{"Type": "AWS::IAM::Role", "Properties": {{
        "AssumeRolePolicyDocument": {TRUSTED}, "Policies": [{{"PolicyName": "p", "PolicyDocument": {{"Statement": [
        {{"Effect": "Allow", "Action": {{"Ref": "A"}}, "Resource": "*"}}]}}}}]}}}}}}}}""",
        "policy `p`: the actions of statement 0 are `${A}`, not known before deployment",
    ),
}


@pytest.mark.parametrize(("name", "text", "reason"), HALF_KNOWN.values(), ids=HALF_KNOWN)
def test_a_statement_that_is_not_known_is_told_once(run: Run, name: str, text: str, reason: str) -> None:
    Path("half").mkdir()
    Path("half", name).write_text(text)
    code, out, _ = run("check", "half", "-f", "json")
    assert (code, [u["reason"] for u in json.loads(out)["unknown"]]) == (4, [reason])


CASE = {"policies": {"identity": [json.loads(BAD)]}, "request": {"action": "rds:DeleteDBInstance"}}
QUOTED = {
    "rule": {"id": "X1", "when": {}, "examples": [{"policy": json.loads(BAD)}]},
    "cases": [CASE],
    "listed cases": {"cases": [CASE]},
    "construct tree": {"version": "tree-0.1", "tree": {"id": "App", "children": {"R": {"policy": json.loads(BAD)}}}},
}


@pytest.mark.parametrize("data", QUOTED.values(), ids=QUOTED)
def test_policies_that_a_file_only_quotes_are_no_matter(run: Run, data: object) -> None:
    Path("folder").mkdir()
    Path("folder/own.json").write_text(json.dumps(data))
    Path("folder/good.json").write_text(GOOD)
    code, out, _ = run("check", "folder", "-f", "json")
    assert (code, json.loads(out)["warnings"]) == (0, [])


def test_a_named_file_without_iam_content_is_told_beside_others(run: Run) -> None:
    Path("other.json").write_text('{"a": 1}')
    Path("bundle.yaml").write_text("role: {name: x}\ninline: {p: {file: good.json}}\n")
    code, out, _ = run("check", "other.json", "bundle.yaml", "good.json", "-f", "json")
    (warning,) = json.loads(out)["warnings"]
    assert (code, warning["location"]["file"]) == (0, "other.json")
    assert warning["message"] == "nothing in this file is known to concern IAM"
    assert json.loads(run("check", "other.json", "good.json", "--hook", "-f", "json")[1])["warnings"] == []


def test_a_bundle_whose_keys_are_all_unknown_is_no_pass(run: Run) -> None:
    Path("bundle.yaml").write_text("role: {name: x}\nattachedPolicies: [AdministratorAccess]\nidentity: []\n")
    code, _, err = run("check", "bundle.yaml", "good.json")
    assert code == 2
    assert "bundle.yaml:2:19: unknown key `attachedPolicies`. did you mean `attached`?" in err
    assert "unknown key `identity`. known are" in err
    Path("folder").mkdir()
    Path("bundle.yaml").rename("folder/values.yaml")
    assert run("check", "folder", "good.json")[0] == 0


@pytest.mark.parametrize(
    "text",
    [
        "Effect: Allow\nstatements: [{Effect: Allow}, {effect: Allow, Action: x}]\n",
        "note: 'a Statement with an Effect, Action and Resource'\n",
        'note: \'{"Statement": [{"Effect"\'\n',
    ],
)
def test_what_only_speaks_of_policies_is_not_told(run: Run, text: str) -> None:
    Path("other.yml").write_text(text)
    code, out, _ = run("check", "other.yml", "-f", "json")
    assert (code, json.loads(out)["warnings"], json.loads(out)["unknown"]) == (3, [], [])


def test_a_state_as_terraform_keeps_it_is_told(run: Run) -> None:
    state = '{"version": 4, "terraform_version": "1.9.0", "lineage": "x", "resources": [{"type": "%s"}]}'
    Path("terraform.tfstate").write_text(state % "aws_iam_role")
    code, out, _ = run("check", "terraform.tfstate")
    assert code == 4
    assert "terraform show -json" in out
    Path("terraform.tfstate").write_text(state % "aws_vpc")
    assert run("check", "terraform.tfstate")[0] == 3


def test_standard_output_has_a_name_too(run: Run) -> None:
    before = set(os.listdir())
    assert run("check", "bad.json", "-o", "-") == run("check", "bad.json")
    assert set(os.listdir()) == before


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    code, out, _ = run("check", "-")
    assert code == 1
    assert "<stdin>:2:31" in out


def test_output_goes_to_a_file_and_nothing_else_does(run: Run) -> None:
    Path("report.json").write_text("old")
    code, out, err = run("check", "bad.json", "-f", "json", "-o", "report.json")
    assert (code, out, err) == (1, "", "")
    assert json.loads(Path("report.json").read_text())["summary"]["exit_code"] == 1
    assert sorted(os.listdir()) == sorted(
        "bad.json good.json unknown.json deny.json deny-others.json broken.json x.json report.json".split()
    )


def test_output_into_a_folder_that_is_not_there(run: Run) -> None:
    code, _, err = run("check", "bad.json", "-o", "no/report.txt")
    assert code == 2
    assert err == "rolelint: cannot write `no/report.txt`: no such file or directory\n"


def test_output_keeps_the_old_report_when_writing_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    Path("report.txt").write_text("old")
    monkeypatch.setattr("rolelint.reporters.render", full)
    code, _, err = run("check", "bad.json", "-o", "report.txt")
    assert code == 2
    assert "no space left on device" in err
    assert Path("report.txt").read_text() == "old"
    assert not [name for name in os.listdir() if name.startswith(".rolelint")]


COLORS: dict[str, tuple[str, bool, bool, dict[str, str], bool]] = {
    "a terminal": ("auto", False, True, {}, True),
    "a pipe": ("auto", False, False, {}, False),
    "NO_COLOR on a terminal": ("auto", False, True, {"NO_COLOR": "1"}, False),
    "empty NO_COLOR": ("auto", False, True, {"NO_COLOR": ""}, True),
    "FORCE_COLOR in a pipe": ("auto", False, False, {"FORCE_COLOR": "1"}, True),
    "NO_COLOR beats FORCE_COLOR": ("auto", False, True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    "a dumb terminal": ("auto", False, True, {"TERM": "dumb"}, False),
    "a file": ("auto", True, True, {}, False),
    "asked for": ("always", False, False, {"NO_COLOR": "1"}, True),
    "refused": ("never", False, True, {"FORCE_COLOR": "1"}, False),
}


@pytest.mark.parametrize(("choice", "to_file", "terminal", "environment", "expected"), COLORS.values(), ids=COLORS)
def test_colour(
    monkeypatch: pytest.MonkeyPatch,
    choice: str,
    to_file: bool,
    terminal: bool,
    environment: dict[str, str],
    expected: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert wants_color(choice, to_file) is expected


def test_a_crash_is_one_line_and_exit_code_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ValueError("first\nsecond")

    monkeypatch.setattr("rolelint.lint.lint", crash)
    code, out, err = run("check", "good.json")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "ValueError: first second. this is a bug in rolelint" in err
    code, _, err = run("check", "good.json", "--verbose")
    assert code == 2
    assert "Traceback" in err


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (RecursionError(), 2)], ids=["Ctrl-C", "deep"])
def test_interruptions(run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int) -> None:
    def stop(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("rolelint.lint.lint", stop)
    found, _, err = run("check", "good.json")
    assert found == code
    assert err.strip().count("\n") == 0


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "a misspelt command": (("chekc", "x"), "did you mean `check`?"),
    "a file in place of a command": (("bad.json",), "to check a file, write `rolelint check bad.json`"),
    "a misspelt rule": (
        ("check", "good.json", "--ignore", "environment-rebiuld"),
        "did you mean `environment-rebuild`?",
    ),
    "a misspelt rule to explain": (("explain", "RL999x"), "unknown rule `RL999x`"),
}


@pytest.mark.parametrize(("arguments", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_with_the_next_step(run: Run, arguments: tuple[str, ...], hint: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert hint in err


def process(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "rolelint", *arguments], capture_output=True, timeout=60, **more)


def test_as_a_process_without_a_terminal(run: Run) -> None:
    done = process("check", "bad.json", stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert done.stderr == b""


def test_a_terminal_that_only_knows_ascii(run: Run) -> None:
    Path("n\u00e9 role.json").write_text(BAD)
    done = process("check", "n\u00e9 role.json", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 1, done.stderr
    assert done.stdout.isascii()
    assert b"n\\xe9 role" in done.stdout


@pytest.mark.parametrize("line", ["can ? --action rds:DeleteDBInstance", "diff good.json ?", "check ?"])
def test_a_terminal_that_only_knows_latin(run: Run, line: str) -> None:
    Path("\u65e5.json").write_text(BAD)
    arguments = line.replace("?", "\u65e5.json").split()
    done = process(*arguments, env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\\u65e5" in done.stdout


TEXTS = {
    "an object": json.dumps({"configuration": {"policy": BAD}}),
    "a list": json.dumps([BAD]),
    "percent-encoded": json.dumps({"document": quote(BAD)}),
    "a text": json.dumps(BAD),
    "comments": f"// by hand\n{BAD}".replace(": ", ":"),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_policy_in_text_of_a_file_that_is_named_is_no_pass(run: Run, text: str) -> None:
    Path("other.jsonc").write_text(text)
    code, out, _ = run("check", "other.jsonc", "good.json")
    assert code == 4
    assert "stands in a form that is not known" in " ".join(out.split())


def test_nothing_from_an_input_gives_a_command_to_a_ci_job(run: Run) -> None:
    """A pull request must not speak to the agent that checks it."""
    name = "::stop-commands::x ::warning file=a::y ##vso[task.setvariable variable=a]b ##[error]c"
    role = {"name": name, "arn": "arn:aws:iam::123456789012:role/x"}
    allowed = {"Effect": "Allow", "Action": "rds:*", "Resource": "*"}
    allowed["Condition"] = {"IpAddress": {"aws:SourceIp": ["::/0", "::ffff:0:0/96"]}}  # type: ignore[assignment]
    text = json.dumps({"role": role, "inline": {name: {"Statement": [{"Sid": "x", **allowed}]}}}, indent=1)
    Path("::error::x.yaml").write_text(text.replace('"rds:*",', '"rds:*", # ##vso[task.prependpath]here'))
    said = ""
    lines = ("check {}", "can {} --action rds:*", "diff good.json {}")
    formats = (*lines, "check {}.json", "check {} -f sarif", *(f"{line} -f json" for line in lines))
    for line in formats:
        said += "".join(run(*line.format("::error::x.yaml").split())[1:])
    assert json.loads(run("check", "::error::x.yaml", "-f", "json")[1])["roles"][0]["name"] == name
    assert "prependpath" in said
    assert not re.search(r"##\w*\[|^\s*::[a-z-]+", said, re.M)
    assert "::ffff:0:0/96" in said


@pytest.mark.parametrize("line", ["can ? --action rds:*", "evaluate ?", "merge ?", "merge x.json ?", "plan ?"])
def test_an_input_has_a_name(run: Run, line: str) -> None:
    code, out, err = run(*(word.replace("?", "") for word in line.split()))
    assert (code, out) == (2, "")
    assert "it is empty" in err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
@pytest.mark.parametrize(
    "line",
    [*(f"check bad.json -f {name}" for name in ("text", "json", "sarif")), "--help", "--version", "rules --help"],
)
def test_a_reader_that_went_away(run: Run, line: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "rolelint", *line.split()]
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


STREAMS: dict[str, tuple[str, int, bytes]] = {
    "closed standard output": ("check bad.json >&-", 2, b"cannot write the report: not writable"),
    "closed standard output, and a file": ("check bad.json -o report.txt >&-", 1, b""),
    "closed standard output of a list": ("rules >&-", 2, b"the system refused: not writable"),
    "closed standard input": ("check - <&- >/dev/null", 2, b"<stdin>: the file cannot be read: bad file descriptor"),
    "closed standard error": ("check bad.json 2>&- >/dev/null", 1, b""),
    "closed standard error, and an error": ("check no.json 2>&- >/dev/null", 2, b""),
    "closed standard error, and a mistake": ("chekc bad.json 2>&-", 2, b""),
    "all closed": ("check bad.json <&- >&- 2>&-", 2, b""),
    "a full disk": ("rules >/dev/full", 2, b"the system refused: no space left on device"),
    "a full disk for a mistake": ("chekc bad.json 2>/dev/full", 2, b""),
    "a full disk for errors": ("check no.json 2>/dev/full >/dev/null", 2, b""),
    "a full disk for a reason": ("check - </dev/null 2>/dev/full >/dev/null", 3, b""),
}


@pytest.mark.parametrize("option", ["--output", "--boundary", "--labels", "--parameters", "--format", "--actor"])
def test_an_option_for_one_file_is_not_dropped_when_it_stands_twice(run: Run, tmp_path: Path, option: str) -> None:
    done = run("check", "bad.json", option, "a.json", option, "b.json")
    assert done[0] == 2
    assert f"`{option}` is given 2 times, and takes one value" in done[2]
    assert not (tmp_path / "b.json").exists()


def test_every_command_counts_its_options(run: Run) -> None:
    for line in ("rules --format json --format text", "catalog stats --format json --format text"):
        assert run(*line.split())[0] == 2
    assert run("check", "good.json", "-v", "-v", "--exclude", "a", "--exclude", "b")[0] == 0


@pytest.mark.parametrize(
    "line",
    ["check - --scp -", "check - --boundary -", "can - --action s3:* --rcp -", "diff - -", "check --scp - --rcp - x"],
)
def test_standard_input_has_one_reader(run: Run, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DENY.encode())))
    code, out, err = run(*line.split())
    assert (code, out) == (2, "")
    assert "`-` stands for more than one input" in err


def test_a_hook_does_not_pass_over_standard_input_that_cannot_be_parsed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"Statement": [{"Effect": "Allow",')))
    assert run("check", "--hook", "-")[0] == 2


@pytest.mark.parametrize("names", ["RL102,", ",RL102", " RL102 , , unscoped-teardown"])
def test_a_list_of_rules_may_have_a_comma_too_many(run: Run, names: str) -> None:
    assert run("check", "bad.json", "--select", names)[0] == 1


@pytest.mark.parametrize("names", [",", " "])
def test_a_list_of_rules_names_at_least_one(run: Run, names: str) -> None:
    code, out, err = run("check", "bad.json", "--ignore", names)
    assert (code, out) == (2, "")
    assert "names none" in err


TRUSTED = {"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize("option", ["--boundary", "--scp", "--output", "--actor", "--exclude", "--rules"])
def test_an_option_is_not_empty(run: Run, option: str) -> None:
    code, out, err = run("check", "bad.json", option, "")
    assert (code, out) == (2, "")
    assert f"'{option}'" in err
    assert "it is empty" in err


@pytest.mark.parametrize(
    "line",
    [
        "bad.json -o bad.json",
        "bad.json -o link.json",
        ". -o ./sub/../bad.json",
        "bad.json --scp deny.json -o deny.json",
        "broken.json -o broken.json",
        "main.tf -o main.tf",
        "bad.json --actors actors.yaml -o actors.yaml",
        "bad.json --parameters values.json -o values.json",
    ],
)
def test_a_report_does_not_replace_what_it_is_about(run: Run, line: str) -> None:
    os.symlink("bad.json", "link.json")
    os.mkdir("sub")
    Path("main.tf").write_text('resource "aws_iam_role" "x" {}')
    Path("actors.yaml").write_text("bot: {like: automation}")
    Path("values.json").write_text("{}")
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    code, _, err = run("check", *line.split())
    assert (code, "which it is about" in err) == (2, True)
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before


def test_a_report_of_a_plan_does_not_replace_its_source(run: Run) -> None:
    block = {"address": "aws_iam_role.r", "mode": "managed", "type": "aws_iam_role", "name": "r"}
    values = {"name": "r", "assume_role_policy": json.dumps({"Statement": [{"Effect": "Allow", **TRUSTED}]})}
    plan = {"format_version": "1.2", "configuration": {"root_module": {"resources": [block]}}}
    plan["planned_values"] = {"root_module": {"resources": [{**block, "values": values}]}}
    Path("plan.json").write_text(json.dumps(plan))
    source = 'resource "aws_iam_role" "r" {}\n'
    Path("main.tf").write_text(source)
    code, _, err = run("plan", "plan.json", "-o", "main.tf")
    assert (code, "which it is about" in err) == (2, True)
    assert Path("main.tf").read_text() == source


def test_a_shell_may_complete_a_line_that_is_not_right_yet(run: Run) -> None:
    words = {"COMP_WORDS": 'rolelint check "" -f text -f text --ou', "COMP_CWORD": "7"}
    done = process(env={**os.environ, **words, "_ROLELINT_COMPLETE": "bash_complete"})
    assert (done.stdout.split(), done.stderr) == ([b"plain,--output"], b"")


@pytest.mark.parametrize("format_name", ["json", "sarif"])
@pytest.mark.parametrize("line", [". -o report.json", "bad.json report.json -o report.json"])
def test_a_report_replaces_an_older_one(run: Run, line: str, format_name: str) -> None:
    for name in ("unknown.json", "broken.json", "deny.json", "deny-others.json"):
        Path(name).unlink()
    Path("report.json").write_text("{}")
    assert [run("check", *line.split(), "-f", format_name)[0] for _ in range(3)] == [1, 1, 1]


def test_too_little_memory_is_told_as_such(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("rolelint.lint.reading.parse", fail)
    code, _, err = run("check", "bad.json")
    assert (code, err.count("\n")) == (2, 1)
    assert "not enough memory" in err


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_report_keeps_the_permissions_of_the_file_that_it_replaces(run: Run, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        run("check", "bad.json", "-o", "report.txt")
        report = tmp_path / "report.txt"
        assert report.stat().st_mode & 0o777 == 0o644
        report.chmod(0o600)
        run("check", "bad.json", "-o", "report.txt")
        assert report.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize(("line", "code", "message"), STREAMS.values(), ids=STREAMS)
def test_streams_that_are_closed_or_full(run: Run, line: str, code: int, message: bytes) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m rolelint {line}"], stderr=subprocess.PIPE, timeout=60, check=False
    )
    assert done.returncode == code
    assert message in done.stderr
    assert b"bug" not in done.stderr
    assert done.stderr.count(b"\n") <= 1


@pytest.mark.skipif(sys.platform == "win32", reason="the current folder cannot be deleted there")
def test_a_current_folder_that_was_deleted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && exec {sys.executable} -m rolelint check ."
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, b".: the current folder was deleted. change into another\n")


def test_the_small_path_imports_nothing_heavy(run: Run) -> None:
    # The policy that the benchmark of a cold start checks.
    services = ["cloudformation:*", "elasticbeanstalk:*", "rds:*"]
    small = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": services, "Resource": "*"}]}
    Path("small.json").write_text(json.dumps(small))
    heavy = (
        "yaml boto3 botocore jsonschema parliament rich hcl2 pathspec logging subprocess rolelint.catalog.conditions"
    )
    code = (
        "import sys; from rolelint import cli; code = cli.run(['check', 'small.json']); "
        f"print(sorted({set(heavy)!r} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (1, b"[]")


def test_the_report_does_not_depend_on_how_python_hashes(tmp_path: Path) -> None:
    bundle = tmp_path / "role.yaml"
    bundle.write_text(
        "role: {name: app, arn: 'arn:aws:iam::123456789012:role/app'}\n"
        "inline:\n  near:\n    Statement:\n"
        "      - {Effect: Deny, Action: '*', Resource: '*',"
        " Condition: {StringNotEquals: {'aws:RequestedRegion': us-east-1}}}\n"
        "      - {Effect: Allow, Action: ['cloudformation:*', 'rds:*'], Resource: '*'}\n"
        "attached:\n"
        "  - arn:aws:iam::aws:policy/AdministratorAccess-AWSElasticBeanstalk\n"
        "  - arn:aws:iam::aws:policy/AmazonRDSFullAccess\n"
    )
    command = [sys.executable, "-m", "rolelint", "check", str(bundle), "--format", "json"]
    outputs = {
        subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed}, check=False).stdout
        for seed in "0123"
    }
    assert len(outputs) == 1
    assert b"RL107" in outputs.pop()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("repeated-then-broken.json", b'{"Statement":[{"Effect":"Allow","Effect":"Deny"}],', 2),
        ("a-list-for-a-statement.json", b'{"Version":"2012-10-17","Statement":[[{"Effect":"Allow"}]]}', 2),
        (
            "small-letters.json",
            b'{"Version":"2012-10-17","Statement":{"effect":"Allow","Action":"*","Resource":"*"}}',
            1,
        ),
        ("no-resource.json", b'{"Statement":[{"Effect":"Allow","Action":"rds:*","Resource":null}]}', 1),
        (
            "our-mark.json",
            b'{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::a\\ue000"}]}',
            0,
        ),
        ("wide.json", '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}'.encode("utf-16"), 2),
        ("template.json", b'{{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}', 4),
    ],
)
def test_what_is_wrong_with_one_file_is_told_and_the_others_are_judged(
    run: Run, tmp_path: Path, name: str, content: bytes, code: int
) -> None:
    folder = tmp_path / "together"
    folder.mkdir()
    (folder / name).write_bytes(content)
    (folder / "good.json").write_text(GOOD)
    found, out, err = run("check", "together", "--format", "json")
    assert found == code, err
    assert "good" in [role["name"] for role in json.loads(out)["roles"]]
    assert "bug" not in err


def test_a_mistake_of_ours_about_one_role_is_shown_and_stops_no_other(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rolelint import rulebook

    judge = rulebook.check_role

    def stumble(role: Any, *rest: Any) -> Any:
        if role.name == "good":
            raise IndexError("nothing here")
        return judge(role, *rest)

    monkeypatch.setattr(rulebook, "check_role", stumble)
    code, out, _ = run("check", "good.json", "bad.json", "--format", "json")
    report = json.loads(out)
    assert code == 1
    assert [role["name"] for role in report["roles"]] == ["good", "bad"]
    assert ["IndexError: nothing here" in item["reason"] for item in report["unknown"]] == [True]
    assert run("check", "good.json")[0] == 4
