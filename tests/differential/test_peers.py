"""A small run of the comparison, where the peer is installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from differential import compare

_MODULES = os.environ.get("ROLELINT_IAM_SIMULATE", "")


def _explained(sample: compare.Sample) -> bool:
    """Tell whether a disagreement has one of the causes that README.md documents."""
    used = compare.features(sample)
    if "short ARN" in used or "variable" in used:
        return True
    return sample.request.action.startswith("s3:") and "aws:resourcetag/env" in sample.request.context


@pytest.mark.skipif(not _MODULES or shutil.which("node") is None, reason="ROLELINT_IAM_SIMULATE is not set")
def test_every_disagreement_with_iam_simulate_is_documented() -> None:
    chosen = compare.samples(1_000, seed=50_000)
    mine, _ = compare.ours(chosen)
    theirs, _ = compare.ask_simulate(chosen, Path(_MODULES))
    unexplained = [
        (s.request, one, other)
        for s, one, other in zip(chosen, mine, theirs, strict=True)
        if one != other and not _explained(s)
    ]
    assert unexplained == []
    assert sum(a == b for a, b in zip(mine, theirs, strict=True)) >= 950


def test_moto_agrees_where_only_actions_count() -> None:
    chosen = [s for s in compare.samples(1_500, seed=70_000) if set(compare.features(s)) <= set()]
    assert len(chosen) > 50
    mine, _ = compare.ours(chosen)
    theirs, _ = compare.ask_moto(chosen)
    assert mine == theirs
