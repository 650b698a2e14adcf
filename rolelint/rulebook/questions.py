"""What words of rules compile to: questions about a subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rolelint.records import record
from rolelint.rulebook.selectors import Selector
from rolelint.rulebook.subject import Hit, Subject

Ask = Callable[[Subject], Hit | None]


@record(eq=False)
class Question:
    """A compiled condition of a rule.

    Attributes:
        ask: gives what was found, or None.
        selectors: every action that the question is about.
        of_powers: whether it can only be answered yes by a power of a role.
        late: whether it looks at the findings of other rules and is asked after them.
        needs: sets of actions of each of which the role must hold one for the answer to be yes.
    """

    ask: Ask
    selectors: tuple[Selector, ...] = ()
    of_powers: bool = True
    late: bool = False
    needs: tuple[Selector, ...] = ()

    @property
    def interest(self) -> int:
        """The actions whose powers the question needs."""
        mask = 0
        for selector in self.selectors:
            mask |= selector.mask
        return mask


#: A word: from its arguments and a way to compile nested conditions, a question.
Word = Callable[[Any, "Compile"], Question]
Compile = Callable[[Mapping[str, Any]], Question]


def joined(questions: Iterable[Question], ask: Ask, *, of_powers: bool, every: bool = False) -> Question:
    """Make a question of several.

    Args:
        every: whether the answer is yes only when that of every question is.
    """
    several = tuple(questions)
    return Question(
        ask,
        tuple(s for q in several for s in q.selectors),
        of_powers,
        any(q.late for q in several),
        tuple(s for q in several for s in q.needs) if every else (),
    )
