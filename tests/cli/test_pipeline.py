"""The pipeline with a judge that only writes down what it is asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from rolelint.cli.asking import choose
from rolelint.errors import UsageError
from rolelint.findings.model import Finding, Report, RoleReport, UnknownItem
from rolelint.lint import Request, lint, load_roles
from rolelint.policies.role import Policy, Role
from rolelint.sources.files import collect

POLICY = '{"Version": "2012-10-17",\n "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
DENY = '{"Statement": {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}}'
TRUST = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}'


class Scribe:
    """Finds one thing in the first statement of every policy that it is shown."""

    def __init__(self) -> None:
        self.roles: list[Role] = []
        self.policies: list[Policy] = []

    def check_role(self, role: Role, rulebook: Any, options: Any) -> RoleReport:
        self.roles.append(role)
        findings = [self.find(policy, role) for policy in role.identity if policy.document.statements]
        return RoleReport(role.id, role.name, role.arn, role.kind, role.location, {}, findings)

    def check_policy(self, policy: Policy, rulebook: Any, options: Any) -> list[Finding]:
        self.policies.append(policy)
        return [self.find(policy, None)]

    def check_guardrails(self, roles: Iterable[Role], rulebook: Any, options: Any) -> list[Finding]:
        return []

    def role_unknowns(self, role: Role, options: Any) -> list[UnknownItem]:
        return [UnknownItem(role.id, role.name, u.what, u.reason, u.location) for u in role.unknowns]

    def find(self, policy: Policy, role: Role | None) -> Finding:
        place = policy.locate((*policy.document.statements[0].route, "Action"))
        name = role.name if role else ""
        return Finding("RL000", "x", "x", "high", "high", "proved", role.id if role else "", name, "x", place, "f" * 32)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(name: str, data: str | bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def run(*paths: str, **more: Any) -> tuple[Report, Scribe]:
    scribe = Scribe()
    return lint(Request(paths, **more), scribe, None, None), scribe


def names(report: Report) -> list[str]:
    return [role.name for role in report.roles]


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "repeated key": ('{"Statement": [], "Statement": []}', "bad.json:1:19: the key `Statement` appears twice"),
    "trailing comma": ('{"Statement": [],}', "bad.json:1:17: a comma with nothing after it"),
    "NaN": ('{"Statement": NaN}', "bad.json:1:15: `NaN` is not JSON"),
    "comment": ('// x\n{"Statement": []}', "bad.json:1:1: a comment is not JSON"),
    "binary": (b"\x7fELF\x00\x00\x01", "bad.json: the file is binary"),
    "invalid UTF-8": (b'{"Statement": "\xff"}', "bad.json:1:16: byte 0xff is not valid UTF-8"),
    "deep": ("[" * 100_000, "bad.json:1:1: the JSON is nested too deeply"),
    "huge number": ('{"a": ' + "1" * 5000 + "}", "bad.json:1:7: a number has 5000 digits"),
    "cut off": ('{"Statement": [', "bad.json:1:16: the JSON ends too early"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_one_line_and_the_others_are_checked(tree: Path, text: str | bytes, message: str) -> None:
    for number in range(9):
        put(f"good{number}.json", POLICY)
    put("bad.json", text)
    report, _ = run("bad.json", *(f"good{number}.json" for number in range(9)))
    (error,) = report.errors
    assert str(error).startswith(message)
    assert "\n" not in str(error)
    assert len(report.roles) == 9
    assert report.exit_code() == 2


def test_one_malformed_file_among_a_hundred(tree: Path) -> None:
    for number in range(99):
        put(f"d/{number:02}.json", POLICY)
    put("d/50x.json", POLICY + ",")
    report, _ = run("d")
    assert [str(error) for error in report.errors] == [
        "d/50x.json:2:72: there is more text after the end of the JSON value. put one JSON value into one file"
    ]
    assert len(report.roles) == 99
    assert (report.files, report.checked, report.exit_code()) == (100, 99, 2)


#: Named, each is an error; met on a walk, it is passed over in silence.
HARMLESS: dict[str, str | bytes] = {
    "tsconfig.json": '{\n// a comment\n"compilerOptions": {},\n}',
    "chart.yaml": "a: {{ .Values.b }}\n",
    "play.yml": "{% if x %}\na: 1\n{% endif %}\n",
    "image.json": b"\x89PNG\x00\x00",
    "latin.yaml": b"name: caf\xe9\n",
    "tabs.yaml": "a:\n\tb: 1\n",
    "twice.yaml": "a: 1\na: 2\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_files_of_others_do_not_break_a_repository_scan(tree: Path, name: str) -> None:
    put(f"d/{name}", HARMLESS[name])
    put("d/policy.json", POLICY)
    report, _ = run("d")
    assert (report.errors, report.unknown, names(report)) == ([], [], ["policy"])
    named, _ = run(f"d/{name}")
    assert len(named.errors) == 1


SILENT = {
    "empty.json": "",
    "blank.yaml": "\n\n",
    "comment.yaml": "# nothing\n",
    "package.json": '{"name": "x", "version": "1.0.0"}',
    "compose.yaml": "services:\n  web: {image: x}\n",
    "text.yaml": "just words",
    "number.json": "1",
    "null.json": "null",
}


@pytest.mark.parametrize("name", SILENT)
def test_files_without_iam_content_are_passed_over_even_when_named(tree: Path, name: str) -> None:
    put(name, SILENT[name])
    report, scribe = run(name)
    assert (report.errors, report.warnings, report.unknown, scribe.roles) == ([], [], [], [])
    assert report.exit_code() == 3


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"role": "x", "policys": {"p": %s}}', "policys/p"),
        ('{"policies": {"a": [1, %s]}}', "policies/a/1"),
        ('[%s, {"note": "x"}]', "0"),
    ],
    ids=["a misspelt bundle", "somewhere inside", "one of a list"],
)
def test_a_policy_that_no_format_has_is_unknown_when_the_file_is_named(tree: Path, text: str, place: str) -> None:
    put("d/x.json", text % '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}')
    named, _ = run("d/x.json")
    assert [(u.what, u.location.route) for u in named.unknown] == [("format", place)]
    assert named.exit_code() == 4
    walked, _ = run("d")
    assert (walked.unknown, walked.exit_code()) == ([], 3)


def test_a_broken_policy_is_told_on_a_walk(tree: Path) -> None:
    put("d/p.json", '{"Statement": [{"Effect": "Allow",}]}')
    report, _ = run("d")
    assert [str(error) for error in report.errors] == ["d/p.json:1:34: a comma with nothing after it. remove the comma"]


def test_a_template_with_iam_content_is_unknown_on_a_walk(tree: Path) -> None:
    put("d/p.yaml", "Statement:\n  - Effect: Allow\n    Resource: {{ bucket }}\n")
    put("d/q.json", POLICY)
    report, _ = run("d")
    assert report.errors == []
    assert [(item.what, item.location.line) for item in report.unknown] == [("template", 3)]
    assert names(report) == ["q"]


def test_a_file_that_vanishes_after_the_listing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("d/a.json", POLICY)
    put("d/b.json", POLICY)

    def list_and_remove(*args: Any) -> Any:
        found = collect(*args)
        os.unlink("d/a.json")
        return found

    monkeypatch.setattr("rolelint.lint.reading.collect", list_and_remove)
    report, _ = run("d")
    assert (report.errors, names(report)) == ([], ["b"])
    put("d/a.json", POLICY)
    report, _ = run("d/a.json")
    assert [str(error) for error in report.errors] == ["d/a.json: no such file"]


def test_a_file_that_may_not_be_read_is_an_error_even_on_a_walk(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    put("d/a.json", POLICY)
    monkeypatch.setattr("rolelint.sources.files.open", refuse, raising=False)
    report, _ = run("d")
    assert [str(error) for error in report.errors] == ["d/a.json: the file may not be read"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_links_that_loop_or_lead_nowhere(tree: Path) -> None:
    put("d/a.json", POLICY)
    os.symlink("..", "d/up")
    os.symlink("nowhere", "d/broken.json")
    report, _ = run("d")
    assert (report.errors, names(report)) == ([], ["a"])


def test_excerpts_and_places(tree: Path) -> None:
    put("p.json", POLICY)
    report, _ = run("p.json")
    (finding,) = report.all_findings()
    assert str(finding.location) == "p.json:2:46"
    assert finding.excerpt == tuple(enumerate(POLICY.split("\n"), 1))
    bare, _ = run("p.json", excerpts=False)
    assert bare.all_findings()[0].excerpt == ()


def test_policies_in_a_bundles_files_are_quoted_from_there_and_not_checked_alone(tree: Path) -> None:
    put("d/a-policy.json", POLICY)
    put("d/role.yaml", "role: r\nattached: [{file: a-policy.json}]\n")
    report, scribe = run("d")
    assert [(role.kind, role.name) for role in scribe.roles] == [("role", "r")]
    (finding,) = report.all_findings()
    assert str(finding.location) == "d/a-policy.json:2:46"
    assert finding.excerpt[1] == (2, POLICY.split("\n")[1])
    both, _ = run("d/a-policy.json", "d/role.yaml")
    assert names(both) == ["a-policy", "r"]


def test_lone_policies_are_judged_by_themselves(tree: Path) -> None:
    put("t.json", TRUST)
    report, scribe = run("t.json")
    assert [policy.type.value for policy in scribe.policies] == ["trust"]
    assert [finding.role for finding in report.findings] == [""]
    assert report.findings[0].excerpt
    assert report.exit_code() == 1


def test_grammar_problems_are_located_and_told_once(tree: Path) -> None:
    bad = '{"Statement": [\n{"Effect": "Allow", "Action": "s3:*", "Resorce": "*"}]}'
    put("p.json", bad)
    put("role.yaml", "roles:\n- {role: a, attached: [{file: p.json}]}\n- {role: b, attached: [{file: p.json}]}\n")
    report, _ = run("role.yaml")
    assert [str(problem) for problem in report.warnings] == ["p.json:2:50: unknown element `Resorce`"]
    assert report.errors == []


def test_a_policy_that_is_no_policy_is_an_error(tree: Path) -> None:
    put("p.json", '{"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*"}, 5]}')
    report, _ = run("p.json")
    assert [str(problem) for problem in report.errors] == ["p.json:1:71: a statement must be an object, not a number"]


def test_what_is_unknown_about_a_role_and_its_policy_is_told_once(tree: Path) -> None:
    class Doubter(Scribe):
        def role_unknowns(self, role: Role, options: Any) -> list[UnknownItem]:
            told = super().role_unknowns(role, options)
            return told + [item for item in told for _ in range(2)]

    listed = ", ".join(f'{{"PolicyArn": "arn:aws:iam::1:policy/{name}"}}' for name in "ab")
    put("p.json", f'{{"AttachedPolicies": [{listed}]}}')
    report = lint(Request(("p.json",)), Doubter(), None, None)
    assert [item.reason.partition("/")[2] for item in report.unknown] == [
        "a` is not in the input",
        "b` is not in the input",
    ]


def test_guardrails_surround_everything(tree: Path) -> None:
    put("p.json", POLICY)
    put("role.yaml", 'role: r\nboundary: {Statement: []}\nscps: [["FullAWSAccess"]]\n')
    put("linked.yaml", "role: {name: l, service_linked: true}\ninline: {}\n")
    put("limit.json", DENY)
    put("root.json", DENY)
    put("unit.yaml", "- {Statement: {Effect: Allow, Action: '*', Resource: '*'}}\n- " + DENY)
    put("rcp.json", '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}')
    _, scribe = run(
        *("p.json", "role.yaml", "linked.yaml"),
        boundary="limit.json",
        scps=("root.json", "unit.yaml"),
        rcps=("rcp.json",),
    )
    shapes = [
        (
            role.name,
            role.boundary and role.boundary.name,
            [len(level) for level in role.scps or ()],
            len(role.rcps or ()),
        )
        for role in scribe.roles
    ]
    assert shapes == [("p", "limit", [2, 2], 1), ("r", "limit", [1, 2, 2], 1), ("l", None, [2, 2], 1)]


_ELSEWHERE = "arn:aws:iam::111122223333:policy/elsewhere"
#: Roles whose boundary is not in the input.
BOUNDED = {
    "bundle": ("a.yaml", f"role: r\ninline: {{p: {POLICY}}}\nboundary: {_ELSEWHERE}\n"),
    "dump": (
        "a.json",
        '{"RoleDetailList": [{"RoleName": "r", "Arn": "arn:aws:iam::111122223333:role/r", "AssumeRolePolicyDocument": '
        f'{TRUST}, "RolePolicyList": [], "PermissionsBoundary": {{"PermissionsBoundaryArn": "{_ELSEWHERE}"}}}}]}}',
    ),
    "template": (
        "a.json",
        '{"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": '
        f'{TRUST}, "PermissionsBoundary": "{_ELSEWHERE}"}}}}}}}}',
    ),
    "terraform": (
        "a.tf",
        f'resource "aws_iam_role" "r" {{\n  permissions_boundary = "{_ELSEWHERE}"\n'
        f"  assume_role_policy = jsonencode({TRUST})\n}}\n",
    ),
    "terraform, not known": (
        "a.tf",
        f'variable "b" {{}}\nresource "aws_iam_role" "r" {{\n  permissions_boundary = var.b\n'
        f"  assume_role_policy = jsonencode({TRUST})\n}}\n",
    ),
}


@pytest.mark.parametrize(("file", "text"), BOUNDED.values(), ids=BOUNDED)
def test_a_boundary_of_the_user_leaves_no_question_about_the_one_it_replaces(tree: Path, file: str, text: str) -> None:
    put(file, text)
    put("limit.json", DENY)
    (before,) = load_roles(Request((file,)), Report())
    assert [item.what for item in before.unknowns] == ["permissions boundary"]
    (role,) = load_roles(Request((file,), boundary="limit.json"), Report())
    assert (role.boundary and role.boundary.name, role.unknowns) == ("limit", ())


_UNPUBLISHED = "arn:aws:iam::aws:policy/NoSuchPolicy"
_ATTACHING = {
    "a.yaml": f"role: bundle\nattached: [{_UNPUBLISHED}]\n",
    "a.json": '{"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "template", '
    f'"AssumeRolePolicyDocument": {TRUST}, "ManagedPolicyArns": ["{_UNPUBLISHED}"]}}}}}}}}',
    "m/a.tf": 'resource "aws_iam_role" "r" {\n  name = "source"\n'
    f'  managed_policy_arns = ["{_UNPUBLISHED}"]\n  assume_role_policy = jsonencode({TRUST})\n}}\n',
}


def test_what_is_said_of_a_managed_policy_does_not_depend_on_the_order_of_the_files(tree: Path) -> None:
    for file, text in _ATTACHING.items():
        put(file, text)
    said = []
    for order in permutations(_ATTACHING):
        roles = load_roles(Request(order), Report())
        said.append({role.name: [(u.what, u.reason) for u in role.unknowns] for role in roles})
    assert set(said[0]) == {"bundle", "template", "source"}
    assert all(len(reasons) == 1 for reasons in said[0].values())
    assert all(one == said[0] for one in said)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "${AWS::Partition}"])
def test_a_managed_policy_is_the_same_in_every_partition(tree: Path, partition: str) -> None:
    text = _ATTACHING["a.json"].replace(f'"{_UNPUBLISHED}"', '{"Fn::Sub": "arn:aws:iam::aws:policy/ReadOnlyAccess"}')
    put("a.json", text.replace("arn:aws:", f"arn:{partition}:"))
    (role,) = load_roles(Request(("a.json",)), Report())
    assert (len(role.identity), role.unknowns) == (1, ())


def test_files_of_guardrails_are_not_checked_alone(tree: Path) -> None:
    put("d/limit.json", POLICY)
    put("d/p.json", POLICY)
    report, _ = run("d", boundary="d/limit.json")
    assert names(report) == ["p"]


NO_GUARDS = {
    "missing": ("nope.json", "nope.json: no such file"),
    "empty": ("empty.json", "empty.json: the file for --boundary does not hold one policy"),
    "two policies": ("two.json", "two.json: the file for --boundary does not hold one policy"),
    "broken": ("broken.json", "broken.json:1:2: "),
}


@pytest.mark.parametrize(("file", "message"), NO_GUARDS.values(), ids=NO_GUARDS)
def test_a_guardrail_that_cannot_be_read_stops_the_run(tree: Path, file: str, message: str) -> None:
    put("p.json", POLICY)
    put("empty.json", "")
    put("broken.json", "{")
    put("two.json", f"[{DENY}, {DENY}]")
    with pytest.raises(UsageError) as caught:
        run("p.json", boundary=file)
    assert str(caught.value).startswith(message)


def test_the_collector_is_left_as_it_was(tree: Path) -> None:
    import gc

    put("p.json", POLICY)
    assert gc.isenabled()
    run("p.json")
    assert gc.isenabled()
    gc.disable()
    try:
        run("p.json")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_with_the_threshold_never_findings_do_not_count(tree: Path) -> None:
    put("p.json", POLICY)
    report, _ = run("p.json")
    assert (report.exit_code(), len(report.all_findings())) == (1, 1)
    report.fail_on = "never"
    assert report.exit_code() == 0
    report.unknown.append(UnknownItem("", "p", "x", "x", report.roles[0].source))
    assert (report.exit_code(), report.exit_code(allow_unknown=True)) == (4, 0)


_TEMPLATE = """Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: []}
"""


def test_roles_of_several_files_have_an_id_each(tree: Path) -> None:
    put("a/t.yaml", _TEMPLATE)
    put("b/t.yaml", _TEMPLATE.replace("  Role:", "  Other:") + _TEMPLATE.removeprefix("Resources:\n"))
    roles = load_roles(Request(("a", "b")), Report())
    assert [role.id for role in roles] == ["a/t.yaml#Role", "Other", "b/t.yaml#Role"]
    with pytest.raises(UsageError) as caught:
        choose(roles, "Role", ".")
    assert caught.value.hint == "name one of a/t.yaml#Role, b/t.yaml#Role"
    assert choose(roles, "b/t.yaml#Role", ".") is roles[2]


def test_permission_sets_of_several_accounts_have_an_id_each(tree: Path) -> None:
    """Each of two dumps holds the set, under its one ARN."""
    arn = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
    for name in ("a.json", "b.json"):
        held = f'{{"role": {{"name": "Admin", "arn": "{arn}"}}, "inline": {{"p": {POLICY}}}}}'
        put(name, held)
    report = lint(Request(("a.json", "b.json")), Scribe(), None, None)
    assert [role.id for role in report.roles] == [f"a.json#{arn}", f"b.json#{arn}"]
    assert [finding.role for role in report.roles for finding in role.findings] == [role.id for role in report.roles]
    assert [role.id for role in lint(Request(("a.json",)), Scribe(), None, None).roles] == [arn]


def test_templates_of_one_stream_have_roles_with_ids_of_their_own(tree: Path) -> None:
    put("t.yaml", "\n---\n".join([_TEMPLATE] * 3))
    put("u.yaml", f"{_TEMPLATE}\n---\n{_TEMPLATE}")
    roles = load_roles(Request(("t.yaml",)), Report())
    assert [role.id for role in roles] == ["Role/1", "Role/2", "Role/3"]
    assert choose(roles, "Role/1", ".") is roles[0]
    roles = load_roles(Request(("t.yaml", "u.yaml")), Report())
    ids = [f"{file}#Role/{n}" for file, count in (("t.yaml", 3), ("u.yaml", 2)) for n in range(1, count + 1)]
    assert [role.id for role in roles] == ids


def test_what_is_unknown_about_an_input_says_the_next_step(tree: Path) -> None:
    put("d.json", '{"RoleDetailList": [], "IsTruncated": true}')
    report = Report()
    load_roles(Request(("d.json",)), report)
    assert [item.reason.rpartition(". ")[2] for item in report.unknown] == ["read all pages"]
