"""Work shared among processes: nothing lost, nothing reordered, no failure hidden."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from rolelint.parallel import WorkerError, fork_map, workers

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot copy a process")


def _squares(part: Sequence[int]) -> list[int]:
    return [n * n for n in part]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_results_come_in_order(count: int) -> None:
    items = list(range(20))
    joined = [n for part in fork_map(_squares, items, count) for n in part]
    assert joined == _squares(items)


def test_work_happens_in_other_processes() -> None:
    pids = fork_map(lambda part: os.getpid(), [1, 2, 3], 3)
    assert len(set(pids)) == 3
    assert pids[0] == os.getpid()


def test_large_answers_pass() -> None:
    (first, second) = fork_map(lambda part: "x" * 3_000_000, [1, 2], 2)
    assert len(first) == len(second) == 3_000_000


def test_a_failure_in_a_worker_is_raised_here() -> None:
    def fail(part: Sequence[int]) -> int:
        return 1 // part[0]

    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        fork_map(fail, [1, 0], 2)


def test_a_failure_here_is_raised_and_leaves_no_process(tmp_path: Path) -> None:
    told = tmp_path / "pid"

    def fail(part: Sequence[int]) -> int:
        if part[0]:
            told.write_text(str(os.getpid()))
        return 1 // part[0]

    with pytest.raises(ZeroDivisionError):
        fork_map(fail, [0, 1], 2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


def test_a_worker_that_dies_is_told() -> None:
    def die(part: Sequence[int]) -> int:
        if part[0]:
            os._exit(9)
        return 0

    with pytest.raises(WorkerError, match="without an answer"):
        fork_map(die, [0, 1], 2)


def test_small_jobs_stay_in_one_process() -> None:
    assert workers(10, 100) == 1
    assert workers(100_000, 100) >= 1
