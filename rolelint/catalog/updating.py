"""Takes over a newer list of actions: what came, what went, and when to refuse."""

from __future__ import annotations

from collections.abc import Iterable

from rolelint.catalog.published import Published, PublishedService
from rolelint.records import record, replace

#: A fall by more than this share of actions, of one service or in all, is taken for a broken feed.
LARGEST_FALL = 0.02
#: A service may always lose this many actions or types: AWS does retire single ones.
SINGLE_LOSS = 1


@record
class Change:
    """What an update changes.

    Attributes:
        undecided: write-level actions that are new, or were published as reading before, and that nobody has labelled.
        relevelled: actions whose access levels changed, with the old and the new ones.
        reasons: why the update should be refused; empty when it is harmless.
    """

    new_services: tuple[str, ...]
    gone_services: tuple[str, ...]
    new_actions: tuple[str, ...]
    gone_actions: tuple[str, ...]
    undecided: tuple[str, ...]
    relevelled: tuple[tuple[str, str, str], ...]
    before: int
    after: int
    reasons: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Tell whether nothing came, went or changed its level."""
        return not (self.new_services or self.gone_services or self.new_actions or self.gone_actions or self.relevelled)


def merge(old: Published, new: Published, reviewed: Iterable[str] = ()) -> tuple[Published, Change]:
    """Lay a newer list over the one known, marking new write-level actions as pending.

    Args:
        reviewed: actions that have a reviewed label already, as `prefix:Name`: they are not pending.
    """
    decided = frozenset(reviewed)
    services = {}
    undecided = []
    for prefix, service in new.services.items():
        known = old.services.get(prefix, PublishedService(prefix)).actions
        actions = dict(service.actions)
        for name, action in service.actions.items():
            before = known.get(name)
            fresh = before is None or not before.is_write
            pending = action.is_write and (fresh or known[name].pending) and f"{prefix}:{name}" not in decided
            if pending and fresh:
                undecided.append(f"{prefix}:{name}")
            actions[name] = replace(action, pending=pending)
        services[prefix] = replace(service, actions=actions)
    merged = Published(new.header, services)
    return merged, _change(old, merged, tuple(sorted(undecided)))


def _change(old: Published, new: Published, undecided: tuple[str, ...]) -> Change:
    before = {f"{s.prefix}:{a.name}": a for s, a in old.actions()}
    after = {f"{s.prefix}:{a.name}": a for s, a in new.actions()}
    relevelled = tuple(
        (name, ", ".join(before[name].levels), ", ".join(after[name].levels))
        for name in before
        if name in after and before[name].levels != after[name].levels
    )
    filled = {prefix for prefix, service in new.services.items() if service.actions}
    had = {prefix for prefix, service in old.services.items() if service.actions}
    return Change(
        new_services=tuple(sorted(filled - had)),
        gone_services=tuple(sorted(had - filled)),
        new_actions=tuple(name for name in after if name not in before),
        gone_actions=tuple(name for name in before if name not in after),
        undecided=undecided,
        relevelled=relevelled,
        before=len(before),
        after=len(after),
        reasons=tuple(_reasons(old, new)),
    )


def _reasons(old: Published, new: Published) -> Iterable[str]:
    for prefix in sorted(old.services):
        known, service = old.services[prefix], new.services.get(prefix, PublishedService(prefix))
        if known.actions and not service.actions:
            yield f"prefix `{prefix}` has no actions any more ({len(known.actions)} before)"
            continue
        yield from _fall(prefix, "actions", len(known.actions), len(service.actions))
        yield from _fall(prefix, "types with ARNs", _named(known), _named(service))
    for what, attribute in (("actions", "actions"), ("resource types", "types"), ("condition keys", "keys")):
        count = sum(len(getattr(service, attribute)) for service in old.services.values())
        left = sum(len(getattr(service, attribute)) for service in new.services.values())
        if _fell(count, left):
            yield f"{what} fall from {count} to {left}"


def _fall(prefix: str, what: str, count: int, left: int) -> Iterable[str]:
    if _fell(count, left) and count - left > SINGLE_LOSS:
        yield f"prefix `{prefix}` falls from {count} to {left} {what}"


def _named(service: PublishedService) -> int:
    return sum(1 for kind in service.types.values() if kind.formats)


def _fell(before: int, after: int) -> bool:
    return after < before * (1 - LARGEST_FALL)
