"""Every template of the shared corpus is read, and every role that stands in it is found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rolelint.documents import parse
from rolelint.errors import InputError
from rolelint.readers import ReadContext, cloudformation

ROOT = Path(os.environ.get("ROLELINT_CORPUS") or Path(__file__).parents[3].parent / "shared" / "corpus")
TEMPLATES = sorted(path for path in (ROOT / "cfn").rglob("*") if path.is_file()) if ROOT.is_dir() else []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template(path: Path) -> None:
    try:
        documents = parse(path.name, path.read_bytes())
    except InputError as error:
        assert error.location  # noqa: PT017 - a template that is not YAML is refused with a place
        return
    for document in documents:
        assert cloudformation.recognise(document)
        reading = cloudformation.read(document, ReadContext())
        found = {role.location.route for role in reading.roles}
        for name, body in document.data["Resources"].items():
            if isinstance(body, dict) and body.get("Type") in ("AWS::IAM::Role", "AWS::IAM::User"):
                assert f"Resources/{name}" in found
            if isinstance(body, dict) and body.get("Type") == "AWS::Serverless::Function":
                own = "Role" in body.get("Properties", {}) or f"{name}Role" in document.data["Resources"]
                assert own or f"Resources/{name}" in found
        for role in reading.roles:
            assert role.location.line
            for policy in role.policies():
                assert policy.document.statements or policy.document.unknown or policy.document.problems is not None
                for statement in policy.document.statements:
                    assert policy.locate(statement.route).line
            for unknown in role.unknowns:
                assert unknown.reason
                assert unknown.location.line


def test_counts() -> None:
    if not TEMPLATES:
        pytest.skip("the shared corpus is not there")
    roles = read = 0
    for path in TEMPLATES:
        try:
            documents = parse(path.name, path.read_bytes())
        except InputError:
            continue
        for document in documents:
            reading = cloudformation.read(document, ReadContext())
            read += 1
            roles += len(reading.roles)
    assert (read >= 75, roles >= 138) == (True, True), (read, roles)
