"""Parts of a scan, made at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from rolelint.sources.aws.caller import INTERRUPTED, Caller

_Made = TypeVar("_Made")

#: Told the name of each finished part, the number of finished parts, and the number of all.
Progress = Callable[[str, int, int], None]


class Task(NamedTuple, Generic[_Made]):
    """A part with its name."""

    name: str
    run: Callable[[], _Made]


def run(
    aws: Caller, tasks: Sequence[Task[_Made]], instead: _Made, workers: int, progress: Progress | None = None
) -> list[_Made]:
    """Make parts, and give what they gave in their order.

    Args:
        instead: stands for a part that failed, which is noted.
        workers: how many are made at once.
    """
    done = 0

    def one(task: Task[_Made]) -> _Made:
        nonlocal done
        made = aws.part(task.name, task.run, instead)
        done += 1
        if progress:
            progress(task.name, done, len(tasks))
        return made

    if workers < 2 or len(tasks) < 2:
        return [one(task) for task in tasks]
    pool = ThreadPoolExecutor(min(workers, len(tasks)))
    try:
        return list(pool.map(one, tasks))
    except BaseException:
        aws.dead = INTERRUPTED  # what runs already makes no further call; nobody waits for the one that it makes
        raise
    finally:
        pool.shutdown(wait=aws.dead is not INTERRUPTED, cancel_futures=True)
