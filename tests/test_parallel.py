"""Work shared among processes: nothing lost, nothing reordered, no failure hidden."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from rolelint.errors import UsageError
from rolelint.parallel import WorkerError, fork_map, workers

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot copy a process")


def _squares(process: int, part: Sequence[int]) -> list[int]:
    return [n * n for n in part]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_results_come_in_order(count: int) -> None:
    parts = [range(at, at + 3) for at in range(0, 20, 3)]
    joined = [n for part in fork_map(_squares, parts, count) for n in part]
    assert joined == [n * n for n in range(21)]


def test_work_happens_in_other_processes() -> None:
    answers = fork_map(lambda process, part: (process, os.getpid()), [1, 2, 3], 3)
    assert [process for process, _ in answers] == [0, 1, 2]
    assert len({pid for _, pid in answers}) == 3
    assert answers[0][1] == os.getpid()


def test_more_processes_than_parts_are_not_started() -> None:
    assert fork_map(lambda process, part: (process, part), ["only"], 4) == [(0, "only")]


def test_who_is_free_takes_the_next_part() -> None:
    def slow_first(process: int, part: int) -> int:
        if part == 0:
            time.sleep(0.3)
        return process

    assert fork_map(slow_first, range(8), 2) == [0, *[1] * 7]


def test_large_answers_pass() -> None:
    (first, second) = fork_map(lambda process, part: "x" * 3_000_000, [1, 2], 2)
    assert len(first) == len(second) == 3_000_000


def test_a_failure_in_a_worker_is_raised_here() -> None:
    def fail(process: int, part: int) -> int:
        return 1 // part

    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        fork_map(fail, [1, 0], 2)


def test_a_failure_here_is_raised_and_leaves_no_process(tmp_path: Path) -> None:
    told = tmp_path / "pid"

    def fail(process: int, part: int) -> int:
        if part:
            told.write_text(str(os.getpid()))
        return 1 // part

    with pytest.raises(ZeroDivisionError):
        fork_map(fail, [0, 1], 2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


def test_a_failure_here_waits_for_no_large_answer() -> None:
    """Workers that write more than a pipe holds wait for a reader, and each holds the pipes of those before it."""

    def fail(process: int, part: int) -> str:
        if part:
            return "x" * 3_000_000
        time.sleep(0.3)
        raise UsageError("no room")

    def refuse(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, refuse)
    signal.alarm(10)
    try:
        with pytest.raises(UsageError, match="no room"):
            fork_map(fail, [0, 1, 2, 3], 4)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_an_error_for_the_user_passes_as_it_is() -> None:
    def refuse(process: int, part: int) -> int:
        if part:
            raise UsageError("no room", hint="make some")
        return 0

    with pytest.raises(UsageError, match=r"no room\. make some"):
        fork_map(refuse, [0, 1], 2)


def test_a_worker_that_dies_is_told() -> None:
    def die(process: int, part: int) -> int:
        if part:
            os._exit(9)
        return 0

    with pytest.raises(WorkerError, match="without an answer"):
        fork_map(die, [0, 1], 2)


def test_small_jobs_stay_in_one_process() -> None:
    assert workers(10, 100) == 1
    assert workers(100_000, 100) >= 1


@pytest.mark.parametrize("room", [0, 1])
def test_work_is_done_here_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    fork, started = os.fork, []

    def refuse() -> int:
        if len(started) >= room:
            raise BlockingIOError("resource temporarily unavailable")
        started.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", refuse)
    held = _pipes()
    assert fork_map(lambda process, part: part * part, range(20), 4) == [n * n for n in range(20)]
    assert _pipes() <= held


def _pipes() -> set[str]:
    """Name the pipes that this process holds open, where the system tells; other threads have sockets and files."""
    found = set()
    for entry in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(entry))
    return {name for name in found if name.startswith("pipe:")}


def test_workers_of_a_process_that_was_ended_begin_no_other_part(tmp_path: Path) -> None:
    def slow(process: int, part: int) -> None:
        (tmp_path / str(part)).touch()
        time.sleep(0.1)

    pid = os.fork()
    if not pid:
        fork_map(slow, range(100), 3)
        os._exit(0)
    while len(os.listdir(tmp_path)) < 3:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    time.sleep(0.3)
    begun = len(os.listdir(tmp_path))
    time.sleep(0.3)
    assert len(os.listdir(tmp_path)) == begun < 20


#: Prints whether threads that begin at once, in a process that remembers nothing yet, find what one finds alone.
AT_ONCE = """
import sys, threading
from rolelint import rulebook
from rolelint.lint import Request, lint

found = []
begin = threading.Barrier(8)

def check():
    rules = rulebook.load_rules(())
    report = lint(Request(("examples",)), rulebook, rules, rulebook.CheckOptions())
    return [(finding.identity, finding.severity, finding.actions) for finding in report.all_findings()]

def work():
    begin.wait()
    found.append(check())

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(found), all(one == check() for one in found))
"""


def test_threads_find_what_one_finds_alone() -> None:
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-c", AT_ONCE]
    ran = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert ran.stdout.split() == ["8", "True"], ran.stderr
