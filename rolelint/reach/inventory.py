"""The resources of an account as bitsets, so that a question about thousands of them is asked for a few.

Resources that the statements of a role cannot tell apart get the same answer: the same type, matched by the same
resource patterns, with the same values of the tags that conditions look at. One of them is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from rolelint.engine.compile import CompiledStatement, compile_statement
from rolelint.engine.guarded import is_key
from rolelint.memory import lasting
from rolelint.policies.role import Policy, Resource
from rolelint.policies.text import has_unknown
from rolelint.records import replace

#: Accounts whose resources are kept indexed; the roles of one account come one after the other.
KEPT = 4


#: Stands for the resource itself in a statement of its policy.
OWN = "own"


class Rule(NamedTuple):
    """A statement of the policies of resources, the same but for the ARN of each, and the resources that have it."""

    statement: CompiledStatement
    bits: int


class Rules(NamedTuple):
    """What the policies of resources say.

    Attributes:
        keys: the keys whose policy is known: on these nothing is allowed that it does not allow (S6.40).
        placed: the policies, by the number of the resource that each hangs on.
        loose: those of resources whose ARN is not wholly known.
    """

    rules: tuple[Rule, ...]
    keys: int
    placed: dict[int, Policy]
    loose: tuple[Policy, ...]

    def of(self, number: int) -> tuple[Policy, ...]:
        """List the policies that a question about one resource may depend on."""
        own = self.placed.get(number)
        return self.loose if own is None else (own, *self.loose)


class Inventory:
    """The resources of one account, by number."""

    def __init__(self, resources: tuple[Resource, ...]) -> None:
        self.resources = resources
        self.types: dict[str, int] = {}
        self.production = 0
        self.copied = 0  # what has backups
        self.guarded: dict[str, int] = {}
        #: What `Blast` worked out, by what the answer depends on.
        self.memo: dict[object, Any] = {}
        for i, resource in enumerate(resources):
            self.types[resource.type] = self.types.get(resource.type, 0) | 1 << i
            if is_production(resource):
                self.production |= 1 << i
            if resource.backups:
                self.copied |= 1 << i
            for guard in resource.protections:
                self.guarded[guard] = self.guarded.get(guard, 0) | 1 << i
        self._patterns: dict[tuple[str, str], int] = {}
        self._tags: dict[str, tuple[int, ...]] = {}
        self._regions: tuple[int, ...] | None = None
        self._ruled: tuple[tuple[Policy, ...], Rules] | None = None

    def matched(self, pattern: str, inside: str) -> int:
        """Give the resources that a pattern of a policy may match, or, for what is inside them, may reach into."""
        key = (pattern, inside)
        found = self._patterns.get(key)
        if found is None:
            found = self._patterns[key] = self._match(pattern, inside)
        return found

    def rules(self, policies: tuple[Policy, ...]) -> Rules:
        """Read the policies that hang on the resources; the same tuple is read once."""
        if self._ruled is None or self._ruled[0] is not policies:
            self._ruled = policies, self._read_rules(policies)
        return self._ruled[1]

    def _read_rules(self, policies: tuple[Policy, ...]) -> Rules:
        bits: dict[CompiledStatement, int] = {}
        keys = 0
        placed: dict[int, Policy] = {}
        numbers = {resource.arn: i for i, resource in enumerate(self.resources)} if policies else {}
        for policy in policies:
            number = None if has_unknown(policy.resource) else numbers.get(policy.resource)
            if number is None:
                continue
            placed[number] = policy
            if policy.document.unknown:
                continue
            keys |= is_key(policy) << number
            for statement in policy.document.statements:
                named = statement.resources and tuple(t.replace(policy.resource, OWN) for t in statement.resources)
                alike = compile_statement(replace(statement, resources=named), policy.document.variables)
                bits[alike] = bits.get(alike, 0) | 1 << number
        loose = tuple(policy for policy in policies if has_unknown(policy.resource))
        return Rules(tuple(Rule(*one) for one in bits.items()), keys, placed, loose)

    def _match(self, pattern: str, inside: str) -> int:
        test = _matcher(pattern if not inside else _outer(pattern))
        out = 0
        for i, resource in enumerate(self.resources):
            if test(resource.arn):
                out |= 1 << i
        return out

    def by_tag(self, key: str) -> tuple[int, ...]:
        """Part the resources by the value of a tag, whose key is compared without case."""
        found = self._tags.get(key)
        if found is None:
            values: dict[object, int] = {}
            for i, resource in enumerate(self.resources):
                value: object = tag_value(resource, key)
                if value is None and not resource.all_tags:
                    value = False
                values[value] = values.get(value, 0) | 1 << i
            found = self._tags[key] = tuple(values.values())
        return found

    def by_region(self) -> tuple[int, ...]:
        """Part the resources by the Region in their ARNs."""
        if self._regions is None:
            values: dict[str, int] = {}
            for i, resource in enumerate(self.resources):
                region = region_of(resource.arn)
                values[region] = values.get(region, 0) | 1 << i
            self._regions = tuple(values.values())
        return self._regions


@lru_cache(maxsize=KEPT)
def _indexed(resources: Holder) -> Inventory:
    return Inventory(resources.content)


lasting(_indexed.cache_clear)


class Holder:
    """A tuple that is compared by identity: comparing thousands of resources would cost more than it saves."""

    __slots__ = ("content",)

    def __init__(self, content: tuple[Resource, ...]) -> None:
        self.content = content

    def __hash__(self) -> int:
        return id(self.content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Holder) and other.content is self.content


def inventory_of(resources: tuple[Resource, ...]) -> Inventory:
    """Index the resources of an account; the same tuple is indexed once."""
    return _indexed(Holder(resources))


def is_production(resource: Resource) -> bool:
    """Tell whether a resource counts as production: as marked, else by its name."""
    if resource.production is not None:
        return resource.production
    from rolelint.engine.gates import name_says

    return name_says(resource.arn.split(":", 5)[-1]) == "production"


def tag_value(resource: Resource, key: str) -> str | None:
    """Give the value of a tag, its key compared without case."""
    return next((value for name, value in resource.tags.items() if name.lower() == key), None)


def region_of(arn: str) -> str:
    """Give the Region in an ARN, or an empty text."""
    fields = arn.split(":", 5)
    return fields[3] if len(fields) == 6 else ""


_VARIABLE = re.compile(r"(\$\{[^}]*\}|\ue000[^\ue001]*\ue001)")


def _matcher(pattern: str) -> Callable[[str], object]:
    """Make the test whether an ARN may match a pattern; a variable stands for any text.

    A `*` does not cross a colon in the first five fields (S3.4); a pattern with fewer fields is completed.
    """
    fields = pattern.split(":", 5)
    fields += ["*"] * (6 - len(fields))
    made = [_field(field, "[^:]") for field in fields[:5]] + [_field(fields[5], ".")]
    return re.compile(":".join(made), re.DOTALL).fullmatch


def _field(text: str, any_one: str) -> str:
    out = []
    for i, piece in enumerate(_VARIABLE.split(text)):
        if i % 2:
            out.append(f"{any_one}*")
        else:
            out.append("".join(f"{any_one}*" if c == "*" else any_one if c == "?" else re.escape(c) for c in piece))
    return "".join(out)


def has_variable(pattern: str) -> bool:
    """Tell whether what a pattern matches depends on more than its text."""
    return _VARIABLE.search(pattern) is not None


def _outer(pattern: str) -> str:
    """Cut a pattern of objects down to their bucket."""
    fields = pattern.split(":", 5)
    if len(fields) < 6:
        return pattern
    return ":".join(fields[:5]) + ":" + fields[5].partition("/")[0]


def inner_samples(pattern: str, arn: str) -> str:
    """Make the ARN of something inside a resource that a pattern may reach; `*` becomes a readable name."""
    fields = pattern.split(":", 5)
    rest = fields[5].partition("/")[2] if len(fields) == 6 else ""
    if _VARIABLE.search(rest):
        return ""
    return f"{arn}/{rest.replace('*', 'object').replace('?', 'o') or 'object'}"
