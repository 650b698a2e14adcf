"""Rule files: shipped, compiled, and a user's own with every mistake named at its place."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolelint.catalog import Label, catalog, use
from rolelint.errors import InputError, UsageError
from rolelint.rulebook import load_rules
from rolelint.rulebook.compile import compiled, masks
from rolelint.rulebook.compile import main as compile_main
from rolelint.rulebook.docs import main as docs_main
from rolelint.rulebook.docs import render, stale
from rolelint.rulebook.load import COMPILED, rules_folder
from rolelint.rulebook.masks import STORED, compile_rule, prepare

from .build import allow, by_code, findings, statements
from .test_words import RULE

GOOD = {**RULE, "when": {"can": {"actions": ["sqs:PurgeQueue"]}}}


def _write(folder: Path, data: dict[str, Any], name: str = "rule.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return path


def test_compiled_rules_are_current() -> None:
    assert Path(COMPILED).read_text("utf-8") == compiled()
    assert Path(STORED).read_bytes() == masks(compiled())
    assert compile_main(["--check"]) == 0


def test_stored_sets_are_what_rules_select() -> None:
    for rule in load_rules().rules:
        stored = prepare(rule)
        question, _, asked = compile_rule(rule)
        interest = question.interest
        for selector in asked:
            interest |= selector.mask
        assert stored.needs == tuple(s.mask for s in question.needs), rule.id
        assert stored.interest == interest, rule.id
        assert [s.mask for s in stored.question.selectors] == [s.mask for s in question.selectors], rule.id
        assert (stored.of_powers, stored.late) == (question.of_powers, question.late), rule.id


def test_a_users_labels_change_what_rules_find() -> None:
    label = Label("destroy-data", (), "R3", "B2", "now", "direct", "", "user", "test")
    one = statements(allow("pricing:GetProducts"))
    assert "RL201" not in by_code(findings(one))
    use(catalog().with_overlay({"pricing:GetProducts": label}))
    try:
        assert by_code(findings(one))["RL201"].severity == "critical"
    finally:
        use(None)
    assert "RL201" not in by_code(findings(one))


def test_documentation_is_current() -> None:
    folder = Path(rules_folder()).parent / "docs" / "rules"
    if not folder.parent.is_dir():
        pytest.skip("documentation is not part of an installed package")
    assert stale(render(), folder) == []
    assert docs_main(["--check"]) == 0


def test_stale_pages_are_named(tmp_path: Path) -> None:
    (tmp_path / "RL000.md").write_text("gone")
    assert set(stale({"index.md": "text"}, tmp_path)) == {"RL000.md", "index.md"}


def test_details_come_from_the_rule_file() -> None:
    rule = load_rules().get("environment-rebuild")
    assert rule.id == "RL106"
    assert "delete and recreate the environment" in rule.why
    assert rule.references
    assert all(url.startswith("https://") for url in rule.references)


def test_an_unknown_rule_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown rule `enviroment-rebuild`") as caught:
        load_rules().resolve(["enviroment-rebuild"])
    assert "environment-rebuild" in caught.value.hint


def test_checking_a_policy_loads_no_yaml_and_no_schema() -> None:
    code = (
        "import sys; from rolelint.rulebook import load_rules, check_role;"
        "from rolelint.policies.parse import parse_document; from rolelint.policies.role import *;"
        "from rolelint.errors import Location; at = Location('a.json');"
        "document = parse_document({'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]});"
        "role = Role('policy', 'a', at, identity=(Policy(PolicyType.IDENTITY, 'a', document, lambda route: at),));"
        "assert check_role(role, load_rules()).findings;"
        "print(*sorted({'yaml', 'jsonschema', 'boto3', 'parliament', 'difflib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_own_rules_work_beside_the_shipped_ones(tmp_path: Path) -> None:
    _write(tmp_path, GOOD)
    book = load_rules([tmp_path])
    assert len(book.rules) == len(load_rules().rules) + 1
    found = by_code(findings(statements(allow("sqs:PurgeQueue")), rulebook=book))
    assert found["TEST001"].message.startswith("policy `example`: `sqs:PurgeQueue`")
    assert found["TEST001"].witness is not None


def test_own_rules_may_speak_of_harmless_actions(tmp_path: Path) -> None:
    _write(tmp_path, {**GOOD, "when": {"can": {"actions": ["pricing:GetProducts"]}}})
    found = findings(statements(allow("pricing:*")), rulebook=load_rules([tmp_path]))
    assert [f.rule for f in found] == ["TEST001"]


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "a missing part": ({"why": None}, "lacks `why`", ""),
    "an unknown part": ({"whey": "x"}, "unknown key `whey`", "why"),
    "an unknown word": ({"when": {"cann": {"actions": ["sqs:*"]}}}, "unknown key `cann` in `when`", "can"),
    "an unknown field": (
        {"when": {"can": {"action": ["sqs:*"]}}},
        "unknown key `action` in `when/can`",
        "did you mean `actions`?",
    ),
    "a wrong severity": ({"severity": "severe"}, "`severity` must be one of", ""),
    "a wrong class": ({"when": {"can": {"classes": ["destroy"]}}}, "must be one of account", ""),
    "an action that is none": (
        {"when": {"can": {"actions": ["sqs:PurgeQueue", "sqs:PurgeQueues"]}}},
        "`sqs:PurgeQueues` matches no action",
        "",
    ),
    "two words at once": (
        {"when": {"can": {"actions": ["sqs:*"]}, "not-action": {"actions": ["sqs:*"]}}},
        "`when`",
        "",
    ),
    "a message with a field that no rule has": (
        {"message": "{role} can {dead}"},
        "unknown field `{dead}` in `message`",
        "did you mean `{deed}`?",
    ),
    "a message with a field without a name": ({"message": "{role} can {}"}, "unknown field `{}`", "there are role"),
    "a message with half a field": ({"message": "{role} can {deed"}, "`message`: ", "{{ and }}"),
    "nothing selected": (
        {"when": {"can": {"actions": ["sqs:PurgeQueue"], "services": ["sns"]}}},
        "selects no action",
        "",
    ),
    "nothing to adapt": ({"fix": {"text": "Do.", "adapt": "scope"}}, "what `adapt` writes anew is missing", ""),
    "no action to adapt": (
        {"fix": {"text": "Do.", "adapt": "scope", "statement": {"Effect": "Allow", "NotAction": "s3:*"}}},
        "what `adapt` writes anew is missing",
        "",
    ),
    "no Deny to adapt": (
        {"fix": {"text": "Do.", "adapt": "deny", "statement": {"Effect": "Allow", "Action": "s3:Get*"}}},
        "`adapt: deny` needs a `statement` that denies",
        "",
    ),
    "no example that flags": ({"examples": [GOOD["examples"][0]] * 2}, "no example flags the rule itself", ""),
    "only examples that flag": ({"examples": [GOOD["examples"][1]] * 2}, "no example leaves the rule silent", ""),
    "one example": ({"examples": [GOOD["examples"][1]]}, "`examples`", ""),
    "an insecure reference": ({"references": ["http://example.com/"]}, "`references/0`", ""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_names_file_line_and_reason(name: str, tmp_path: Path) -> None:
    change, message, hint = BROKEN[name]
    data = copy.deepcopy(GOOD)
    for key, value in change.items():
        if value is None:
            del data[key]
        else:
            data[key] = value
    path = _write(tmp_path, data)
    with pytest.raises(InputError) as caught:
        load_rules([tmp_path])
    assert message in caught.value.message
    assert hint in caught.value.hint
    location = caught.value.location
    assert location is not None
    assert location.file == str(path)
    assert location.line >= 1
    assert "\n" not in str(caught.value)


def test_the_line_is_the_line_of_the_mistake(tmp_path: Path) -> None:
    path = _write(tmp_path, {**GOOD, "when": {"can": {"actions": ["sqs:PurgeQueue", "sqs:PurgeQueues"]}}})
    with pytest.raises(InputError) as caught:
        load_rules([tmp_path])
    location = caught.value.location
    assert location is not None
    assert "sqs:PurgeQueues" in path.read_text("utf-8").splitlines()[location.line - 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: [", "did not find expected node content"),
        ("- id: RL101\n", "must hold one rule"),
        ("id: !!python/object:os.system x\n", "unknown YAML tag"),
        ("\ud800", "not valid UTF-8"),
        ("id: " + "[" * 300, "nested deeper than 200 levels"),
        ("id: &a {b: *a}\n", "contains itself"),
        ("id: RL101\nid: RL102\n", "appears twice"),
    ],
    ids=["syntax", "a list", "a Python object", "encoding", "deep", "a loop", "twice"],
)
def test_a_file_that_is_no_rule(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError, match=message):
        load_rules([tmp_path])


def test_codes_and_names_are_taken_once(tmp_path: Path) -> None:
    examples = [{**example, "flags": ["RL101"] if example["flags"] else []} for example in GOOD["examples"]]
    _write(tmp_path, {**GOOD, "id": "RL101", "examples": examples})
    with pytest.raises(UsageError, match="two rules are called `RL101`"):
        load_rules([tmp_path])
    _write(tmp_path, {**GOOD, "name": "destroy-data"})
    with pytest.raises(UsageError, match="two rules are called `destroy-data`"):
        load_rules([tmp_path])


def test_subsuming_rules_must_exist(tmp_path: Path) -> None:
    _write(tmp_path, {**GOOD, "subsumed_by": ["RL999"]})
    with pytest.raises(UsageError, match="names `RL999`, which is no rule"):
        load_rules([tmp_path])


@pytest.mark.parametrize("circle", [["ACME001"], ["ACME002", "ACME001"]], ids=["itself", "one another"])
def test_rules_that_subsume_in_a_circle_are_refused(circle: list[str], tmp_path: Path) -> None:
    for code, wider in zip(circle, [*circle[1:], circle[0]], strict=True):
        examples = [{**example, "flags": [code] if example["flags"] else []} for example in GOOD["examples"]]
        folder = tmp_path / code
        folder.mkdir()
        _write(
            folder, {**GOOD, "id": code, "name": f"rule-{code.lower()}", "subsumed_by": [wider], "examples": examples}
        )
    with pytest.raises(UsageError, match="leads back to it"):
        load_rules([tmp_path])


def test_a_folder_without_rules(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rule files"):
        load_rules([tmp_path])
    with pytest.raises(UsageError, match="is not a folder"):
        load_rules([tmp_path / "missing"])


def test_compiled_form_is_plain_data() -> None:
    data = json.loads(Path(COMPILED).read_text("utf-8"))
    assert data["made_by"] == "python -m rolelint.rulebook.compile"
    assert [entry["id"] for entry in data["rules"]] == [rule.id for rule in load_rules().rules]
