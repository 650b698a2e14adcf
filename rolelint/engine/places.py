"""Two versions of a role of which one knows its Region, account or partition and the other does not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

from rolelint.engine.worlds import OWNER_KEYS, REGION_KEYS
from rolelint.policies.role import Policy, Role
from rolelint.policies.text import has_unknown, split_unknown
from rolelint.records import replace

#: Choices of values that are tried for what is not known. Past it, every gain stays open.
MAX_PLACES = 16
#: The fields of an ARN that tell where a resource is.
_FIELDS = _PARTITION, _REGION, _ACCOUNT = (1, 3, 4)
_TOLD = {**dict.fromkeys(REGION_KEYS, _REGION), **dict.fromkeys(OWNER_KEYS, _ACCOUNT)}


def alike(new: Role, old: Role) -> Iterator[tuple[Role, Role] | None]:
    """Give both versions with what one does not know of where it is taken from the other; None where that is too much.

    What both do not know under one name is the same. Nothing is given where no value is to be tried.
    """
    ours, theirs = _places(new), _places(old)
    choices: list[list[tuple[str, str]]] = []
    for mine, other in ((ours, theirs), (theirs, ours)):
        for number, text in mine:
            if has_unknown(text) and (number, text) not in other:
                choices.append([(text, value) for at, value in other if at == number])
    choices = [values for values in choices if values]
    if not choices:
        return
    for count, chosen in enumerate(islice(product(*choices), MAX_PLACES + 1)):
        if count == MAX_PLACES:
            yield None
            return
        values = dict(chosen)
        yield _told(new, values), _told(old, values)


def _places(role: Role) -> dict[tuple[int, str], None]:
    """List what the policies of a role say of where resources are, by field: whole values without wildcards."""
    out: dict[tuple[int, str], None] = {}
    for policy in _limits(role):
        for statement in policy.document.statements:
            said = [
                (n, f) for r in statement.resources or () for n, f in enumerate(r.split(":", 5)) if r.count(":") > 4
            ]
            for condition in statement.conditions:
                if (number := _TOLD.get(condition.key)) is not None:
                    said += [(number, value) for value in condition.values]
            out.update((one, None) for one in said if one[0] in _FIELDS and _is_whole(one[1]))
    return out


def _is_whole(text: str) -> bool:
    """Tell whether a text is one value, known or not, rather than a pattern."""
    known = split_unknown(text)[::2]
    return bool(text) and not set(text) & {"*", "?", "$"} and (len(known) == 1 or known == ["", ""])


def _limits(role: Role) -> Iterator[Policy]:
    yield from role.identity
    yield from (role.boundary,) if role.boundary else ()
    yield from role.session or ()
    for level in role.scps or ():
        yield from level


def _told(role: Role, values: dict[str, str]) -> Role:
    def filled(text: str) -> str:
        for hidden, value in values.items():
            text = text.replace(hidden, value)
        return text

    def read(policy: Policy) -> Policy:
        statements = tuple(
            replace(
                s,
                resources=None if s.resources is None else tuple(map(filled, s.resources)),
                conditions=tuple(c._replace(values=tuple(map(filled, c.values))) for c in s.conditions),
            )
            for s in policy.document.statements
        )
        return replace(policy, document=replace(policy.document, statements=statements))

    return replace(
        role,
        identity=tuple(map(read, role.identity)),
        boundary=read(role.boundary) if role.boundary else None,
        session=None if role.session is None else tuple(map(read, role.session)),
        scps=None if role.scps is None else tuple(tuple(map(read, level)) for level in role.scps),
    )
