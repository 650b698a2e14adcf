"""What is forgotten between roles changes no answer."""

from __future__ import annotations

import pytest

from rolelint import memory
from rolelint.engine import can

from .engine.building import allow, deny, role


def test_answers_are_forgotten_only_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[int, int] = memory.memo()
    kept.update((n, n) for n in range(5))
    memory.trim()
    assert len(kept) == 5
    monkeypatch.setattr(memory, "MOST", 4)
    memory.trim()
    assert not kept


def test_a_question_gets_the_same_answer_after_everything_was_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = role(allow("s3:*", "arn:aws:s3:::a*"), deny("*", "arn:aws:s3:::ab*"))
    before = can(holder, "s3:DeleteBucket")
    monkeypatch.setattr(memory, "MOST", 0)
    memory.trim()
    after = can(holder, "s3:DeleteBucket")
    assert (after.verdict, after.witness) == (before.verdict, before.witness)
    assert before.verdict == "yes"
