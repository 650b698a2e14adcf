"""Terraform resource instances with their values, and the addresses that name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from rolelint.errors import Location, Route
from rolelint.policies.text import CLOSE, OPEN, has_unknown, unknown
from rolelint.readers.parts import partition_of
from rolelint.records import field, record

#: Marks, as a key, the values of a nested block that may or may not be there.
MAYBE = "\ue002maybe"
#: Begins what stands before a pattern of a statement that is there only for some outcome of a condition.
WHETHER = f"{OPEN}whether "
#: How much of an expression that decides whether something is there is shown.
_SHOWN = 60

#: Bounds chains of references; a longer one stays unknown.
_MOST_STEPS = 20
_UNMARKED = {ord(OPEN): None, ord(CLOSE): None}
_STEP = re.compile(r'\.?([A-Za-z_][\w-]*|\*)|\[("(?:[^"\\]|\\.)*"|\d+|\*)\]|\.(\d+)')


class Address(NamedTuple):
    """One absolute address with what follows it: `module.a["x"].data.aws_y.z[0].attr[1].b`.

    Attributes:
        module: `""` for the root, else `module.a["x"].module.b`.
        resource: the whole address of the instance or, for an output, of the module.
        type, name: empty for a module output.
        key: the instance key as written (`[0]`, `["x"]`) or empty.
        path: attribute steps after the address.
    """

    module: str
    mode: str
    type: str
    name: str
    key: str
    path: tuple[str | int, ...]

    @property
    def config(self) -> str:
        """The resource's address inside its module, without the instance key."""
        head = "data." if self.mode == "data" else ""
        return f"{head}{self.type}.{self.name}"

    @property
    def resource(self) -> str:
        """The address of the instance."""
        if not self.type:
            return self.module
        return (f"{self.module}." if self.module else "") + self.config + self.key


#: Addresses that are remembered taken apart: a plan names each of its own many times.
MAX_SPLIT = 100_000


@lru_cache(MAX_SPLIT)
def split_address(text: str) -> Address | None:
    """Take apart an absolute reference, or tell with None that it is not one of a resource or module output."""
    steps: list[str] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            return None
        name, index, number = match.groups()
        steps.append(name if name is not None else f"[{index if index is not None else number}]")
        position = match.end()
    module: list[str] = []
    i = 0
    while i + 1 < len(steps) and steps[i] == "module":
        part = f"module.{steps[i + 1]}"
        i += 2
        if i < len(steps) and steps[i].startswith("["):
            part += steps[i]
            i += 1
        module.append(part)
    path = ".".join(module)
    mode = "managed"
    if i < len(steps) and steps[i] == "data":
        mode = "data"
        i += 1
    if i + 1 >= len(steps) or (mode == "managed" and module and "_" not in steps[i]):
        return Address(path, "", "", "", "", tuple(_plain(s) for s in steps[i:])) if module else None
    kind, name = steps[i], steps[i + 1]
    i += 2
    key = ""
    if i < len(steps) and steps[i].startswith("[") and steps[i] != "[*]":
        key = steps[i]
        i += 1
    return Address(path, mode, kind, name, key, tuple(_plain(s) for s in steps[i:]))


def _plain(step: str) -> str | int:
    if step.startswith("["):
        inner = step[1:-1]
        return int(inner) if inner.isdigit() else inner.strip('"')
    return step


def show_key(key: str | int | None) -> str:
    """Write an instance key as addresses do: `[0]`, `["x"]`, or nothing."""
    if key is None:
        return ""
    if isinstance(key, int):
        return f"[{key}]"
    # An address is a name; those of values that are not known stand in it without their marks.
    escaped = key.translate(_UNMARKED).replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


def single_unknown(value: object) -> str:
    """Give the name of the unknown value that a text consists of, or empty when it is anything else."""
    if isinstance(value, str) and value.startswith(OPEN) and value.find(CLOSE) == len(value) - 1:
        return value[1:-1]
    return ""


@record(frozen=False)
class Scope:
    """Where one provider configuration works: each part is known text or an unknown value.

    Attributes:
        tags: those that all its resources get, or an unknown value; None for none.
    """

    partition: str = ""
    region: str = ""
    account: str = ""
    tags: Any = None

    def fill(self, provider: str) -> None:
        """Put unknown values in place of what nothing told, named so that equal things have equal names."""
        tail = "" if provider in ("aws", "awscc") else f" of {provider}"
        if not self.partition:
            self.partition = partition_of(self.region) or unknown(f"partition{tail}")
        self.region = self.region or unknown(f"region{tail}")
        self.account = self.account or unknown(f"account id{tail}")


@record(frozen=False)
class Instance:
    """One resource instance, or one data source that was read.

    Attributes:
        address: absolute, for example `module.a["x"].aws_iam_role.b[0]`.
        values: attributes; a value not known is `policies.text.unknown("<address>.<attribute>")` or a better name.
        provider: the provider configuration it belongs to, so that accounts are not mixed.
        configured: top-level attributes that the configuration sets, or None when that is not known.
        sensitive: top-level attributes of which some part is sensitive.
        previous: the address before a move, or empty.
        maybe: what decides whether it is there at all, where that is not known, see `evaluate.Frame`.
        choices: of values not known, those of which each is one, where that is told.
    """

    address: str
    module: str
    mode: str
    type: str
    name: str
    key: str | int | None
    values: dict[str, Any]
    provider: str = "aws"
    configured: frozenset[str] | None = None
    sensitive: frozenset[str] = frozenset()
    previous: str = ""
    maybe: frozenset[str] = frozenset()
    choices: dict[str, list[str]] | None = None

    def doubt(self, other: Instance | None) -> str:
        """Say what decides whether it is there, beyond what decides that about another instance; empty for nothing."""
        more = sorted(self.maybe - other.maybe if other is not None else self.maybe)
        return " and ".join(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..." for text in more)

    def text(self, *names: str) -> str:
        """Give the first of the attributes that is a text and not empty, else empty."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, str) and value:
                return value
        return ""

    def sets(self, name: str) -> bool:
        """Tell whether the configuration sets an attribute, as far as known."""
        return self.configured is None or name in self.configured

    def label(self, *names: str) -> str:
        """Give a name to show: the first attribute that is known, the name prefix, else the resource's own name."""
        for name in (*names, "name_prefix"):
            value = self.values.get(name)
            if isinstance(value, str) and value and not has_unknown(value):
                return value
        return self.name

    def blocks(self, name: str) -> list[dict[str, Any]]:
        """List the nested blocks or objects of an attribute that are known to exist."""
        value = self.values.get(name)
        if isinstance(value, dict):
            return [value]
        return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


#: Works out the place of a route inside the policy that an attribute of an instance holds.
Place = Callable[[Instance, Route, Route], Location]
#: Says why an attribute of an instance is not known, as the end of a sentence.
Why = Callable[[Instance, Route], str]


class Scoped(Protocol):
    """Tells where provider configurations work."""

    def scope(self, provider: str) -> Scope:
        """Give the scope of a provider configuration, with unknown values where nothing tells."""


@record(frozen=False)
class World:
    """All instances of one moment: as planned, as before, or as the source says.

    Attributes:
        instances: those that matter to roles, by address, in order of appearance.
        referenced: config addresses of data sources that some resource uses, or None when not known.
        with_locals: heads of the addresses in modules whose expressions refer to locals of which nothing is known.
        moment: when something not known will be known, as the end of a sentence.
    """

    place: Place
    why: Why
    instances: dict[str, Instance] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    referenced: frozenset[str] | None = None
    with_locals: frozenset[str] = frozenset()
    moment: str = "before the change is applied"
    _siblings: dict[str, list[Instance]] | None = None

    def siblings(self, address: str) -> list[Instance]:
        """List the instances of a resource, by its absolute address without the instance key."""
        if self._siblings is None:
            self._siblings = {}
            for instance in self.instances.values():
                bare = instance.address.removesuffix(show_key(instance.key))
                self._siblings.setdefault(bare, []).append(instance)
        return self._siblings.get(address, [])

    def of_type(self, *types: str) -> Iterator[Instance]:
        """List managed instances of some types, in order of appearance."""
        return (i for i in self.instances.values() if i.type in types and i.mode == "managed")

    def scope(self, provider: str) -> Scope:
        """Give the scope of a provider configuration, with unknown values where nothing tells."""
        scope = self.scopes.get(provider)
        if scope is None:
            scope = self.scopes[provider] = Scope()
        scope.fill(provider)
        return scope

    def account(self, provider: str) -> str:
        """Give the account that a provider configuration works in; one not known is equal where it is the same."""
        return self.scope(provider).account

    def find(self, address: str) -> Instance | None:
        """Give the instance at an address."""
        return self.instances.get(address)

    def owner(self, value: object) -> tuple[Instance, tuple[str | int, ...]] | None:
        """Find the instance whose attribute a text is that consists of one unknown value, with the attribute."""
        name = single_unknown(value)
        if not name:
            return None
        address = split_address(name)
        if address is None or not address.type:
            return None
        instance = self.find(address.resource)
        return (instance, address.path) if instance is not None else None

    def follow(self, value: object) -> object:
        """Follow a value that is one unknown name to what the owner of that name says, as far as it goes."""
        for _ in range(_MOST_STEPS):
            found = self.owner(value)
            if found is None:
                return value
            instance, path = found
            there: Any = instance.values
            for step in path:
                there = _step(there, step)
            if there is None or there == value:
                return value
            value = there
        return value


def _step(there: object, step: str | int) -> object:
    if isinstance(there, dict):
        return there.get(str(step))
    if isinstance(there, list) and isinstance(step, int) and 0 <= step < len(there):
        return there[step]
    return None
