"""Destructive power that a role holds and has not used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rolelint.catalog import catalog
from rolelint.policies.role import Accessed


def unused_mask(accessed: Accessed, held: int) -> int:
    """Give the actions of a mask that IAM knows were not used lately.

    An action counts as unused when its service was not used, or when IAM tracks the action and it was not. Where IAM
    tracks neither, nothing is said. A principal younger than the days asked for has not had time to use anything.
    """
    read, since = _time(accessed.read), _time(accessed.since)
    if read is None or since is None:
        return 0
    edge = read - timedelta(days=accessed.days)
    if since > edge:
        return 0
    known = catalog()
    out = 0
    for prefix, last in accessed.services.items():
        mine = known.service_mask(prefix) & held
        if not mine:
            continue
        if _idle(last, edge):
            out |= mine
            continue
        for index in known.indexes(mine):
            moment = accessed.actions.get(known.name(index).lower())
            if moment is not None and _idle(moment, edge):
                out |= 1 << index
    return out


def _idle(moment: str, edge: datetime) -> bool:
    """Tell whether the last use lies before the edge; an empty text is no use, an unreadable one counts as a use."""
    if not moment:
        return True
    at = _time(moment)
    return at is not None and at < edge


def _time(text: str) -> datetime | None:
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)
