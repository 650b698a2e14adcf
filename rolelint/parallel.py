"""Share work among processes that are copies of this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from rolelint.errors import RolelintError

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")

#: More parts than this are not worth it, and their numbers must fit into a pipe before anybody reads them.
MOST_PARTS = 4_000


class WorkerError(RuntimeError):
    """A worker failed; carries its traceback as text."""


def workers(items: int, least: int) -> int:
    """Decide how many processes a job is worth.

    Args:
        items: how many items there are.
        least: how many items one process must have to pay for itself.

    Returns:
        1 where the platform cannot copy a process, the job is small, or this process has several threads.
    """
    if not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity"):
        return 1
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        return 1  # a copy may wait for ever for a lock that another thread held
    return max(1, min(len(os.sched_getaffinity(0)), items // least, 8))


def fork_map(work: Callable[[int, _Part], _Result], parts: Sequence[_Part], count: int) -> list[_Result]:
    """Apply a function to the parts of a job, each in whichever of several copies of this process is free.

    Args:
        work: takes the number of the process, 0 for this one, and a part; what it gives must be picklable.
        parts: at most `MOST_PARTS`; process `n` begins with part `n`.
        count: how many processes.

    Returns:
        The results in the order of the parts.

    Raises:
        RolelintError, MemoryError: what a worker raised.
        WorkerError: when a worker raised something else, or ended without an answer.
    """
    assert len(parts) <= MOST_PARTS
    queue = _queue(range(count, len(parts)))
    started: list[tuple[int, Any]] = []
    left: list[int] = []
    for number in range(1, min(count, len(parts))):
        try:
            started.append(_start(work, parts, number, queue))
        except OSError:  # there is no room for another process
            left.append(number)
    try:
        results = dict(_work(work, parts, 0, queue))
        results.update((number, work(0, parts[number])) for number in left)
    except BaseException:
        list(_taken(queue))  # nobody shall begin another part
        # All before the first is waited for: who was started later holds a copy, and waits for its own to be closed.
        for _, stream in started:
            stream.close()
        for pid, _ in started:
            os.waitpid(pid, 0)
        raise
    finally:
        os.close(queue)
    import pickle

    failures: list[Exception] = []
    for pid, stream in started:
        with stream:
            data = stream.read()
        _, status = os.waitpid(pid, 0)
        if not data:
            failures.append(WorkerError(f"a worker ended without an answer, status {status}"))
            continue
        good, value = pickle.loads(data)
        if good:
            results.update(value)
        else:
            failures.append(value if isinstance(value, Exception) else WorkerError(value))
    if failures:
        raise failures[0]
    return [results[number] for number in range(len(parts))]


def _queue(numbers: range) -> int:
    """Make a pipe from which every process takes the number of its next part."""
    read_end, write_end = os.pipe()
    os.write(write_end, b"".join(number.to_bytes(2, "little") for number in numbers))
    os.close(write_end)
    return read_end


def _taken(queue: int) -> Iterator[int]:
    while number := os.read(queue, 2):
        yield int.from_bytes(number, "little")


def _work(
    work: Callable[[int, _Part], _Result], parts: Sequence[_Part], process: int, queue: int, parent: int = 0
) -> Iterator[tuple[int, _Result]]:
    if process < len(parts):
        yield process, work(process, parts[process])
    for number in _taken(queue):
        if parent and os.getppid() != parent:
            return  # nobody waits for the answer any more
        yield number, work(process, parts[number])


def _start(work: Callable[[int, Any], Any], parts: Sequence[Any], process: int, queue: int) -> tuple[int, Any]:
    parent = os.getpid()
    read_end, write_end = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(read_end)
        os.close(write_end)
        raise
    if pid:
        os.close(write_end)
        return pid, open(read_end, "rb")
    # From here on this is the copy: it must end here, whatever happens, and run no exit handlers of its parent.
    status = 1
    try:
        os.close(read_end)
        with open(write_end, "wb") as stream:
            stream.write(_answer(work, parts, process, queue, parent))
        status = 0
    finally:
        os._exit(status)


def _answer(work: Callable[[int, Any], Any], parts: Sequence[Any], process: int, queue: int, parent: int) -> bytes:
    import pickle

    try:
        return pickle.dumps((True, list(_work(work, parts, process, queue, parent))), protocol=5)
    except (RolelintError, MemoryError) as error:
        return pickle.dumps((False, error), protocol=5)
    except BaseException:
        import traceback

        return pickle.dumps((False, traceback.format_exc()), protocol=5)
