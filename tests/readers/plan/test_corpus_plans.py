"""Real plans and Terraform files of the shared corpus, where it is present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rolelint.documents import parse
from rolelint.readers import ReadContext, plan
from rolelint.readers.terraform import source

CORPUS = Path(os.environ.get("ROLELINT_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus here")

#: Roles (principals and lone policies) and policies of resources, counted by reading each file.
COUNTS = {
    "awslabs+terraform-iam-policy-validator/iam_check/test/iam_policy/test_plan.json": (1, 0),
    "awslabs+terraform-iam-policy-validator/iam_check/test/role_inline_assume_policy/test_plan.json": (1, 0),
    "bridgecrewio+checkov/tests/terraform/runner/resources/plan_with_iam_data_block/tfplan.json": (0, 1),
    "bridgecrewio+checkov/tests/terraform/runner/resources/plan_with_iam_policies/tfplan.json": (4, 0),
    "fugue+regula/rego/tests/rules/tf/aws/iam/inputs/admin_policy_infra.json": (5, 0),
    "terraform-compliance+cli/tests/functional/test-it_must_be_in-pass/plan.out.json": (4, 0),
    "terraform-compliance+cli/tests/functional/test-it_must_not_be_in-pass/plan.out.json": (3, 0),
    "terraform-compliance+cli/tests/functional/test_issue-115/plan.out.json": (1, 0),
    "terraform-compliance+cli/tests/functional/test_issue-203/plan.out.json": (1, 0),
    "terraform-compliance+cli/tests/functional/test_issue-227/plan.out.json": (1, 0),
    "terraform-compliance+cli/tests/functional/test_issue-424/plan.out.json": (2, 0),
    "terraform-compliance+cli/tests/functional/test_issue_522/plan.out.json": (1, 0),
    "terraform-compliance+cli/tests/functional/test_non_created_module_resource_parameter/plan.out.json": (1, 0),
}


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_every_role_of_a_plan_is_found(name: str) -> None:
    file = CORPUS / "plan" / name
    if not file.exists():
        pytest.skip("this corpus lacks the file")
    (document,) = parse(file.name, file.read_bytes())
    reading = plan.read(document, ReadContext(base=file.parent))
    assert (len(reading.roles), len(reading.policies)) == COUNTS[name]
    for role in reading.roles:
        for policy in role.policies():
            assert policy.locate(("Statement", 0)).address


def test_every_plan_of_the_corpus_is_counted_here() -> None:
    files = sorted(str(p.relative_to(CORPUS / "plan")) for p in (CORPUS / "plan").rglob("*.json"))
    assert [f for f in files if f not in COUNTS] == []


def test_every_terraform_file_of_the_corpus_is_read() -> None:
    folders = {p.parent for p in CORPUS.rglob("*.tf")} | {p.parent for p in CORPUS.rglob("*.tf.json")}
    for folder in sorted(folders):
        reading = source.read_folder(sorted(map(str, folder.glob("*.tf*"))), ReadContext())
        assert reading.problems == []
