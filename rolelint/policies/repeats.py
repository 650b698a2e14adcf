"""Tell where two inputs say the same of one thing: Terraform source, and the plan that was made of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from rolelint.errors import Location
from rolelint.policies.document import Statement
from rolelint.policies.role import Policy, Role
from rolelint.records import replace

_Thing = TypeVar("_Thing")

#: A value that is not known, as `repr` writes it.
_UNKNOWN = re.compile(r"\\ue000[^']*?\\ue001")
#: How many characters Terraform puts after a `name_prefix`: the time, and a number.
_SUFFIX = 26


def repeated_roles(roles: Sequence[Role]) -> set[int]:
    """List the roles of which another one that is written at the same place tells all, and maybe more.

    What differs is no repetition: a plan may have been made of older source.
    """
    alike = _several((role.location.file, role.location.address) for role in roles)
    places = ((number, roles[number].location) for number in alike)
    return _repeated(roles, places, _tells_all_of_role)


def repeated_policies(policies: Sequence[Policy]) -> set[int]:
    """List the policies of which another one that is written at the same place tells all, and maybe more."""
    alike = _several((policy.type, policy.name) for policy in policies)
    return _repeated(policies, ((number, policies[number].locate(())) for number in alike), _tells_all)


def _several(keys: Iterable[Hashable]) -> list[int]:
    """List the numbers of what shares a key with another: finding all places takes reading their files once more."""
    held: dict[Hashable, list[int]] = {}
    for number, key in enumerate(keys):
        held.setdefault(key, []).append(number)
    return [number for numbers in held.values() if len(numbers) > 1 for number in numbers]


def _repeated(
    things: Sequence[_Thing], places: Iterable[tuple[int, Location]], tells_all: Callable[[_Thing, _Thing], bool]
) -> set[int]:
    held: dict[Location, list[int]] = {}
    for number, place in places:
        if place.line:
            held.setdefault(place, []).append(number)
    out: set[int] = set()
    for numbers in held.values():
        for one in numbers:
            if any(tells_all(things[n], things[one]) for n in numbers if n != one and n not in out):
                out.add(one)
    return out


def _tells_all_of_role(role: Role, of: Role) -> bool:
    """Tell whether a role holds the same policies as another one, with the same or fewer values that are not known."""
    if role.kind != of.kind or (of.before is not None and role.before is None):
        return False
    # Plans of two workspaces make two roles of one block.
    if not _is_named(role, of) or of.arn not in ("", role.arn) or len(role.unknowns) > len(of.unknowns):
        return False
    rest = [*role.policies(), *role.resource_policies]
    for policy in (*of.policies(), *of.resource_policies):
        same = next((n for n, other in enumerate(rest) if _may_be(policy, other)), None)
        if same is None:
            return False
        del rest[same]
    return not rest


def _is_named(role: Role, of: Role) -> bool:
    """Tell whether the name of a role is that of another one, as far as that is known."""
    if of.name in (role.name, role.name[:-_SUFFIX]):
        return True
    # Where the name is not known, the block's own stands for it.
    return not of.arn and f".{of.name}[" in f"{of.location.address}["


def _tells_all(policy: Policy, of: Policy) -> bool:
    return _may_be(of, policy)


def _may_be(policy: Policy, other: Policy) -> bool:
    """Tell whether a policy is another one for some values of what is not known of it."""
    one, two = policy.document, other.document
    if policy.type is not other.type:
        return False
    if policy.resource and not _text_may_be(repr(policy.resource), repr(other.resource)):
        return False
    if one == two or one.unknown:
        return True
    if two.unknown or len(one.statements) != len(two.statements):
        return False
    return all(map(_statement_may_be, one.statements, two.statements))


def _statement_may_be(statement: Statement, other: Statement) -> bool:
    if other.doubtful and not statement.doubtful:
        return False
    return _text_may_be(
        repr(replace(statement, index=other.index, lone=other.lone, doubtful=other.doubtful)), repr(other)
    )


def _text_may_be(text: str, other: str) -> bool:
    pattern = "[^']*".join(map(re.escape, _UNKNOWN.split(text)))
    return re.fullmatch(pattern, other) is not None
