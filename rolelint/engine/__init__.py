"""What policies mean: `decide` one request, `powers` and questions over sets of requests.

The names in `__all__` are public (docs/python.md); the modules below are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rolelint.engine.actors import Actor, actor
    from rolelint.engine.decision import decide
    from rolelint.engine.gains import Difference, difference
    from rolelint.engine.power import Power, Powers, powers
    from rolelint.engine.questions import Answer, can, can_within, witness
    from rolelint.engine.request import Decision, Outcome, PolicySet, Principal, Request, Target
    from rolelint.engine.scene import StatementRef
    from rolelint.engine.trust import trust_allows

_HOME = {
    "Actor": "actors",
    "actor": "actors",
    "decide": "decision",
    "Power": "power",
    "Powers": "power",
    "powers": "power",
    "Answer": "questions",
    "Difference": "gains",
    "can": "questions",
    "can_within": "questions",
    "difference": "gains",
    "witness": "questions",
    "Decision": "request",
    "Outcome": "request",
    "PolicySet": "request",
    "Principal": "request",
    "Request": "request",
    "Target": "request",
    "StatementRef": "scene",
    "trust_allows": "trust",
}

__all__ = [
    "Actor",
    "Answer",
    "Decision",
    "Difference",
    "Outcome",
    "PolicySet",
    "Power",
    "Powers",
    "Principal",
    "Request",
    "StatementRef",
    "Target",
    "actor",
    "can",
    "can_within",
    "decide",
    "difference",
    "powers",
    "trust_allows",
    "witness",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first asked for."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
