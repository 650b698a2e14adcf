"""Share work among processes that are copies of this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


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


def fork_map(work: Callable[[Sequence[_Item]], _Result], items: Sequence[_Item], count: int) -> list[_Result]:
    """Apply a function to contiguous parts of a list, each in a copy of this process.

    Args:
        work: takes a part; what it gives must be picklable.
        count: how many parts; the first is worked on here.

    Returns:
        The results in the order of the parts.

    Raises:
        WorkerError: when a worker raised, or ended without an answer.
    """
    size, more = divmod(len(items), count)
    bounds = [0]
    for number in range(count):
        bounds.append(bounds[-1] + size + (number < more))
    parts = [items[low:high] for low, high in pairwise(bounds)]
    started = [_start(work, part) for part in parts[1:]]
    try:
        results = [work(parts[0])]
    except BaseException:
        for pid, stream in started:
            stream.close()
            os.waitpid(pid, 0)
        raise
    import pickle

    failure = ""
    for pid, stream in started:
        with stream:
            data = stream.read()
        _, status = os.waitpid(pid, 0)
        if not data:
            failure = failure or f"a worker ended without an answer, status {status}"
            continue
        good, value = pickle.loads(data)
        if good:
            results.append(value)
        else:
            failure = failure or value
    if failure:
        raise WorkerError(failure)
    return results


def _start(work: Callable[[Sequence[Any]], Any], part: Sequence[Any]) -> tuple[int, Any]:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write_end)
        return pid, open(read_end, "rb")
    # From here on this is the copy: it must end here, whatever happens, and run no exit handlers of its parent.
    status = 1
    try:
        os.close(read_end)
        with open(write_end, "wb") as stream:
            stream.write(_answer(work, part))
        status = 0
    finally:
        os._exit(status)


def _answer(work: Callable[[Sequence[Any]], Any], part: Sequence[Any]) -> bytes:
    import pickle

    try:
        return pickle.dumps((True, work(part)), protocol=5)
    except BaseException:
        import traceback

        return pickle.dumps((False, traceback.format_exc()), protocol=5)
