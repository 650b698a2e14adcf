"""parliament's community auditors and a user's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from rolelint.errors import Problem, RolelintError, UsageError
from rolelint.grammar.audit import Auditor
from rolelint.grammar.issues import ISSUES, Issue
from rolelint.grammar.settings import is_ignored, read_config

from .conftest import codes, policy_of

READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]}],
}
BUCKETS = """
from parliament.misc import make_list

def audit(policy):
    print("a word on standard output")
    for statement in policy.statements:
        for resource in make_list(statement.stmt["Resource"]):
            if "::b" in resource.value:
                policy.add_finding("FOREIGN_BUCKET", detail=resource.value, location=resource)
"""
CONFIG = "FOREIGN_BUCKET: {title: The bucket is not ours, severity: HIGH, description: Ask its owner.}\n"


@pytest.fixture(scope="module")
def community() -> Iterator[Auditor]:
    with Auditor.opened("", "", True) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "buckets.py").write_text(BUCKETS)
    (tmp_path / "own" / "__init__.py").write_text("raise RuntimeError('not an auditor')")
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize("issue", [i for i in ISSUES if i.community and i.bad], ids=lambda issue: issue.id)
def test_the_examples_of_a_community_issue(issue: Issue, community: Auditor) -> None:
    notes: list[Problem] = []
    kind = "resource" if "Principal" in str(issue.bad) and "aws:Principal" not in str(issue.bad) else "identity"
    assert issue.id in codes(list(community.audit(policy_of(issue.bad, kind), notes)))
    assert issue.id not in codes(list(community.audit(policy_of(issue.good, kind), notes)))
    assert notes == []


def test_every_issue_that_parliament_can_report_is_described(community: Auditor) -> None:
    known = set(import_module("parliament").config)
    # Text that is no JSON does not get as far as parliament.
    assert known - {"MALFORMED_JSON"} == {issue.key for issue in ISSUES}


def test_own_auditors_report_at_their_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = list(sys.path)
    with Auditor.opened(str(folder / "config.yaml"), str(folder / "own"), False) as auditor:
        policy = policy_of(READ)
        (told,) = [t for t in auditor.audit(policy, []) if t.key == "FOREIGN_BUCKET"]
        assert (told.route, told.text) == (("Statement", 0, "Resource", 1), "arn:aws:s3:::b/*")
        assert auditor.severity(told, policy) == "high"
        assert auditor.texts(told.finding, None) == ("The bucket is not ours", "Ask its owner.")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "a word on standard output\n")
    assert sys.path == before
    assert [path.name for path in (folder / "own").iterdir() if path.suffix != ".py"] == []


def test_an_auditor_that_fails_is_an_error_and_the_rest_is_told(folder: Path) -> None:
    (folder / "own" / "buckets.py").write_text("def audit(policy):\n    raise LookupError('no\\nluck')\n")
    notes: list[Problem] = []
    with Auditor.opened("", str(folder / "own"), False) as auditor:
        told = list(auditor.audit(policy_of({"Statement": READ["Statement"]}), notes))
    assert codes(told) == ["PL-NO-VERSION"]
    assert [str(note) for note in notes] == ["p.json:1:1: an auditor of parliament failed on `p`: LookupError: no luck"]
    assert notes[0].kind == "error"


@pytest.mark.parametrize("place", ["def audit(policy):\n    ", ""], ids=["asked", "imported"])
def test_an_auditor_that_exits_does_not_end_the_check(folder: Path, place: str) -> None:
    (folder / "own" / "buckets.py").write_text(place + "raise SystemExit(0)\n")
    notes: list[Problem] = []
    with Auditor.opened("", str(folder / "own"), False) as auditor:
        told = list(auditor.audit(policy_of({"Statement": READ["Statement"]}), notes))
    assert codes(told) == ["PL-NO-VERSION"]
    assert [(str(note), note.kind) for note in notes] == [
        ("p.json:1:1: an auditor of parliament failed on `p`: SystemExit: 0", "error")
    ]


def test_a_line_that_is_no_number_is_none(folder: Path) -> None:
    text = 'def audit(policy):\n    policy.add_finding("FOREIGN_BUCKET", location={"line": "first"})\n'
    (folder / "own" / "buckets.py").write_text(text)
    with Auditor.opened(str(folder / "config.yaml"), str(folder / "own"), False) as auditor:
        (told,) = [t for t in auditor.audit(policy_of(READ), []) if t.key == "FOREIGN_BUCKET"]
    assert told.route == ()


def test_an_issue_that_nothing_describes_is_refused(folder: Path) -> None:
    with Auditor.opened("", str(folder / "own"), False) as auditor:
        policy = policy_of(READ)
        (told,) = [t for t in auditor.audit(policy, []) if t.key == "FOREIGN_BUCKET"]
        with pytest.raises(UsageError, match="an auditor reports `FOREIGN_BUCKET`, which"):
            auditor.severity(told, policy)


@pytest.mark.parametrize("mistake", ["nowhere", "empty"])
def test_a_folder_without_auditors_is_refused(mistake: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=mistake), Auditor.opened("", str(tmp_path / mistake), False):
        pytest.fail("opened")


BROKEN = {
    "not YAML": ("A: [", "config.yaml:1:5: did not find expected node content"),
    "nested too deeply": ("A: " + "[" * 300, "config.yaml:1:203: the YAML is nested deeper than 200 levels"),
    "a list": ("- A", "a parliament configuration maps each issue to its settings"),
    "a severity in lower case": ("RESOURCE_STAR: {severity: low}", "unknown severity `low` of `RESOURCE_STAR`"),
    "a list of severities": (
        "RESOURCE_STAR: {severity: [low]}",
        "config.yaml:1:27: unknown severity `['low']` of `RESOURCE_STAR`. it is one of CRITICAL",
    ),
    "a broken pattern": ("A: {ignore_locations: [{filepath: '('}]}", "`(` is not a regular expression"),
    "a misspelt issue": (
        "RESORCE_STAR: {severity: MUTE}",
        "config.yaml:1:15: parliament has no issue `RESORCE_STAR`. did you mean `RESOURCE_STAR`?",
    ),
    "an issue in lower case": ("resource_star: {severity: MUTE}", "did you mean `RESOURCE_STAR`?"),
    "an issue that nobody describes": ("OUR_OWN: {severity: LOW}", "needs a title and a severity"),
    "locations of another shape": (
        "A: {ignore_locations: [x]}",
        "`ignore_locations` of `A` must be a list of mappings",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_configuration_is_refused_with_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, message = BROKEN[name]
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(text)
    with pytest.raises(RolelintError) as caught:
        read_config("config.yaml", {"A", "RESOURCE_STAR"})
    assert message in str(caught.value)
    assert str(caught.value).startswith("config.yaml")


def test_a_configuration_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match=r"cannot read `nowhere.yaml`: no such file or directory"):
        read_config("nowhere.yaml", ())


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(None, False, id="nothing"),
        pytest.param([{"filepath": "A.json"}], True, id="one word, any case"),
        pytest.param([{"filepath": "b.json"}, {"filepath": ["c.json", "a.*"]}], True, id="a pattern of several"),
        pytest.param([{"filepath": "a.json", "action": "s3:PutObject"}], False, id="all words must match"),
        pytest.param([{"filepath": "a.json", "action": ["s3:Get.*"]}], True, id="both do"),
        pytest.param([{"resource": "x"}], False, id="a word that the finding does not have"),
        pytest.param([{"filepath": "a"}], False, id="a part of the path"),
    ],
)
def test_locations_are_ignored_as_documented(entries: object, expected: bool) -> None:
    facts = {"filepath": ["a.json"], "action": ["s3:GetObject", "s3:ListBucket"]}
    assert is_ignored(entries, facts) is expected
