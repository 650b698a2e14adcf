"""What is remembered of the content of policies, and when it is forgotten.

Answers are kept by content, so that what many roles have in common is worked out once. In a large account most content
belongs to one role only: kept for ever, it would be most of the memory that a check needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Any, ParamSpec, TypeVar

#: Entries of one kind past which everything is forgotten. A role has some dozens; what roles have in common, a few
#: hundred AWS managed policies mostly, is soon known again.
MOST = 4_000

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_turn = RLock()


def _renew() -> None:
    """Take another lock in a process that was forked: the thread that held this one is not in it."""
    global _turn
    _turn = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)

_memos: list[dict[Any, Any]] = []
_lasting: list[Callable[[], object]] = []


def memo() -> dict[Any, Any]:
    """Make a place to remember answers in; `trim` may empty it."""
    made: dict[Any, Any] = {}
    _memos.append(made)
    return made


def alone(work: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Let one thread at a time do a work that remembers: nobody may forget what another is about to use.

    Nothing is lost: Python runs one of them at a time anyway.
    """

    @wraps(work)
    def in_turn(*arguments: _Arguments.args, **more: _Arguments.kwargs) -> _Result:
        with _turn:
            return work(*arguments, **more)

    return in_turn


def lasting(clear: Callable[[], object]) -> None:
    """Note how to empty a place whose size is bounded and whose content hangs on the catalogue: `trim` leaves it."""
    _lasting.append(clear)


def trim() -> None:
    """Forget everything where there is too much of it.

    To be called between roles: while one is judged, equal statements must stay the same objects.
    """
    if any(len(one) > MOST for one in _memos):
        _empty()


def forget() -> None:
    """Forget everything, also what lasts: answers that another catalogue gave."""
    _empty()
    for clear in _lasting:
        clear()


def _empty() -> None:
    for one in _memos:
        one.clear()
