"""Tag conditions that let resources without the tag through limit nothing."""

from __future__ import annotations

from typing import Any

import pytest

from .build import allow, by_code, findings, statements

CONDITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "high"),
    "any value of the tag": ({"StringLike": {"aws:ResourceTag/env": "*"}}, "medium"),
    "the tag says disposable": ({"StringEquals": {"aws:ResourceTag/env": "dev"}}, ""),
    "disposable, where there is a tag": ({"StringEqualsIfExists": {"aws:ResourceTag/env": "dev"}}, "high"),
    "some value, where there is a tag": ({"StringLikeIfExists": {"aws:ResourceTag/team": "a*"}}, "high"),
    "not production": ({"StringNotEquals": {"aws:ResourceTag/env": "prod"}}, "medium"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_severity(name: str) -> None:
    condition, severity = CONDITIONS[name]
    statement = allow("rds:DeleteDBInstance", "*", **({"Condition": condition} if condition else {}))
    found = by_code(findings(statements(statement)))
    assert (found["RL201"].severity if "RL201" in found else "") == severity
