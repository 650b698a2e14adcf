"""The loaded catalogue: masks of actions over one order, and what is known about each action."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import compress
from typing import TYPE_CHECKING, Any

from rolelint.catalog.artefact import Artefact, Lines
from rolelint.catalog.bits import LABEL_WORDS, few, label_masks, truth, words
from rolelint.catalog.model import DESTRUCTIVE, Action, Label, ResourceType, Signature
from rolelint.catalog.patterns import glob, matching

if TYPE_CHECKING:
    from pathlib import Path

    from rolelint.catalog.conditions import ConditionKeys
    from rolelint.catalog.managed import ManagedPolicies

SHIPPED = os.path.join(os.path.dirname(__file__), "data", "catalog.bin")

#: Up to this many actions a mask is walked bit by bit; above it the whole mask is written out once.
FEW = 48
#: A mask that spans no more services than this is read service by service.
NEAR = 12
#: Memoised answers per question. All managed policies of AWS hold some 13,000 different patterns.
MEMO = 65_536

_LEVELS = ("Read", "List", "Write", "Tagging", "Permissions management")


class Catalog:
    """Every action AWS publishes, in the order of its lower-cased name; sets of actions are integers, bit i = action i.

    Sections of the artefact are unpacked when they are first needed; a service's names when one of them is.
    """

    def __init__(self, artefact: Artefact, overlay: Mapping[int, Label] | None = None) -> None:
        self._artefact = artefact
        self._overlay: Mapping[int, Label] = overlay or {}
        self.header: dict[str, Any] = artefact.header
        self.size: int = artefact.header["counts"]["actions"]
        self.full: int = (1 << self.size) - 1
        self.rcp_services: frozenset[str] = frozenset(artefact.header["rcp_services"])
        self._prefixes: list[str] = []
        self._starts: list[int] = []
        self._counts: list[int] = []
        #: Where the names of each service are: block, first character, length with the last line's end.
        self._blocks: list[tuple[int, int, int]] = []
        at = 0
        for line in artefact.section("services").decode().split("\n"):
            prefix, count, block, first, length = line.split("\t")
            self._prefixes.append(prefix)
            self._starts.append(at)
            self._counts.append(int(count))
            self._blocks.append((int(block), int(first), int(length)))
            at += int(count)
        self._place = {prefix: i for i, prefix in enumerate(self._prefixes)}
        self._indexes: dict[str, int] = {}
        self._unions: dict[tuple[str, ...], int] = {}
        self._expanded: dict[str, int] = {"*": self.full, "*:*": self.full}
        self._split: dict[int, list[tuple[Signature, int]]] = {}
        self._gaps: dict[tuple[str, ...], dict[str, int]] = {}
        self._actions: dict[int, Action] = {}
        self._texts: dict[int, str] = {}
        self._names: dict[int, list[str]] = {}
        self._lower: dict[int, list[str]] = {}
        self._service_signatures: dict[int, list[tuple[int, int]]] = {}
        self._signature_cache: dict[int, Signature] = {}
        self._type_cache: dict[int, ResourceType] = {}
        self._label_cache: dict[int, Label] = {}

    def __repr__(self) -> str:
        return f"<Catalog of {self.size} actions>"

    # Names and sets of names

    def _names_of(self, service: int) -> list[str]:
        found = self._names.get(service)
        if found is None:
            found = self._names[service] = self._block(service).split("\n")
        return found

    def _lower_names(self, service: int) -> list[str]:
        found = self._lower.get(service)
        if found is None:
            found = self._lower[service] = self._block(service).lower().split("\n")
        return found

    def _block(self, service: int) -> str:
        block, first, length = self._blocks[service]
        text = self._texts.get(block)
        if text is None:
            text = self._texts[block] = self._artefact.section(f"names {block}").decode("ascii")
        return text[first : first + length - 1]

    @cached_property
    def _full_names(self) -> list[str]:
        return [f"{prefix}:{name}" for i, prefix in enumerate(self._prefixes) for name in self._names_of(i)]

    def expand(self, pattern: str) -> int:
        """Find the actions that a pattern covers: case-insensitive, `*` and `?` anywhere, over `prefix:name` (S2).

        A pattern that covers nothing gives 0. Memoised.
        """
        key = pattern.lower()
        if "*" not in key and "?" not in key:
            at = self._named(key)
            return 0 if at < 0 else 1 << at
        found = self._expanded.get(key)
        if found is None:
            if len(self._expanded) >= MEMO:
                self._expanded.clear()
            found = self._expanded[key] = self._expand(key)
        return found

    def _named(self, name: str) -> int:
        """Find the action of a lower-case name; -1 for none. Memoised as a number: a mask may be long."""
        found = self._indexes.get(name)
        if found is None:
            if len(self._indexes) >= MEMO:
                self._indexes.clear()
            found = self._indexes[name] = self._expand(name).bit_length() - 1
        return found

    def _expand(self, pattern: str) -> int:
        colons = pattern.count(":")
        if colons == 0:
            # Not a valid action (S2.5) unless it is only stars; read as one glob over the whole text all the same.
            return self._expand_whole(pattern)
        if colons > 1:
            return 0
        head, _, tail = pattern.partition(":")
        if "*" in head or "?" in head:
            services: Iterable[int] = (i for i, p in enumerate(self._prefixes) if glob(head, p))
        else:
            at = self._place.get(head)
            services = () if at is None else (at,)
        return self._within(services, tail)

    def _within(self, services: Iterable[int], tail: str) -> int:
        """Match names inside services; the parts are joined from the last to the first, each shifted once."""
        mask = 0
        if tail and not tail.strip("*"):
            for i in services:
                mask |= ((1 << self._counts[i]) - 1) << self._starts[i]
            return mask
        for i in services:
            part = matching(tail, self._lower_names(i))
            if part:
                mask |= part << self._starts[i]
        return mask

    def _expand_whole(self, pattern: str) -> int:
        if not pattern.strip("*"):
            return self.full if pattern else 0
        mask = 0
        for i, prefix in enumerate(self._prefixes):
            part = 0
            for j, name in enumerate(self._lower_names(i)):
                if glob(pattern, f"{prefix}:{name}"):
                    part |= 1 << j
            mask |= part << self._starts[i]
        return mask

    def expand_all(self, patterns: Iterable[str]) -> int:
        """Find the actions that at least one pattern covers. Memoised: statements differ in resources more often."""
        key = tuple(patterns)
        found = self._unions.get(key)
        if found is None:
            mask = 0
            for pattern in key:
                mask |= self.expand(pattern)
            if len(self._unions) >= MEMO:
                self._unions.clear()
            found = self._unions[key] = mask
        return found

    def indexes(self, mask: int) -> Iterator[int]:
        """Walk the actions of a mask in order."""
        if mask.bit_count() <= FEW:
            return few(mask)
        bits = truth(mask)
        return compress(range(len(bits)), bits)

    def names(self, mask: int) -> list[str]:
        """List the actions of a mask in AWS's spelling, in order."""
        if mask.bit_count() <= FEW:
            return [self.name(i) for i in few(mask)]
        if mask == self.full:
            return list(self._full_names)
        first, last = self._span(mask)
        if last - first > NEAR:
            return list(compress(self._full_names, truth(mask)))
        out: list[str] = []
        for service in range(first, last + 1):
            within = (mask >> self._starts[service]) & ((1 << self._counts[service]) - 1)
            head = f"{self._prefixes[service]}:"
            out += [head + name for name in compress(self._names_of(service), truth(within))]
        return out

    def name(self, index: int) -> str:
        """Spell one action as AWS does."""
        service = self._service_of(index)
        return f"{self._prefixes[service]}:{self._names_of(service)[index - self._starts[service]]}"

    def index(self, action: str) -> int | None:
        """Find an action by its name, ignoring case; None when there is no such action."""
        if "*" in action or "?" in action:
            return None
        at = self._named(action.lower())
        return None if at < 0 else at

    def service_mask(self, prefix: str) -> int:
        """Give the actions of one service prefix; 0 for a prefix that does not exist."""
        at = self._place.get(prefix.lower())
        return 0 if at is None else ((1 << self._counts[at]) - 1) << self._starts[at]

    def prefixes(self) -> list[str]:
        """List the service prefixes in the order of their actions."""
        return list(self._prefixes)

    def prefixes_of(self, mask: int) -> list[str]:
        """List the service prefixes of the actions of a mask, in order."""
        out = []
        at = 0
        while mask:
            gap = (mask & -mask).bit_length() - 1
            service = self._service_of(at + gap)
            out.append(self._prefixes[service])
            end = self._starts[service] + self._counts[service]
            mask >>= end - at
            at = end
        return out

    def _service_of(self, index: int) -> int:
        return bisect_right(self._starts, index) - 1

    def _span(self, mask: int) -> tuple[int, int]:
        """Find the services of the first and the last action of a mask that is not empty."""
        return self._service_of((mask & -mask).bit_length() - 1), self._service_of(mask.bit_length() - 1)

    # Labels

    @cached_property
    def _mask_table(self) -> dict[str, int]:
        names = self._artefact.section("mask_names").decode().split("\n")
        data = self._artefact.section("masks")
        size = (self.size + 7) // 8
        table = {n: int.from_bytes(data[i * size : (i + 1) * size], "little") for i, n in enumerate(names)}
        if self._overlay:
            self._relabel(table)
        return table

    def _relabel(self, table: dict[str, int]) -> None:
        changed = 0
        for index in self._overlay:
            changed |= 1 << index
        for name in table:
            if name.startswith(("class ", "also ")) or name in LABEL_WORDS:
                table[name] &= ~changed
        for index, label in self._overlay.items():
            for name in label_masks(label):
                table[name] = table.get(name, 0) | (1 << index)

    def class_mask(self, cls: str) -> int:
        """Give the actions whose primary class it is."""
        return self._mask_table.get(f"class {cls}", 0)

    def also_mask(self, cls: str) -> int:
        """Give the actions that have the class as primary or further class."""
        return self._mask_table.get(f"also {cls}", 0)

    def attribute_mask(self, value: str) -> int:
        """Give the actions with an attribute.

        Args:
            value: `R0`-`R3`, `B0`-`B4`, a timing, a via, who decided (`reviewed`, `rule`, `user`, `undecided`), or
                `resource`, `no-resource`, `several-types`, `told-apart`, `stateful`, `recovery`, `taggable`,
                `parameter-key`, `write-level`, `called-delete`, `sets-tags` (also takes them away), `sets-named-tags`
                (a condition can name them), `resource-tag` (a condition can be about the tags of what it acts on).
        """
        return self._mask_table.get(value, 0)

    def level_mask(self, level: str) -> int:
        """Give the actions that carry an access level, alone or among others."""
        return self._mask_table.get(f"level {level}", 0)

    @cached_property
    def destructive(self) -> int:
        """The actions whose primary class is destructive."""
        mask = 0
        for cls in DESTRUCTIVE:
            mask |= self.class_mask(cls)
        return mask

    @cached_property
    def _label_lines(self) -> Lines:
        return Lines(self._artefact, "labels")

    @cached_property
    def _label_of(self) -> memoryview[int]:
        return words(self._artefact.section("label_of"))

    def label(self, index: int) -> Label:
        """Give the label of an action."""
        if index in self._overlay:
            return self._overlay[index]
        number = self._label_of[index]
        found = self._label_cache.get(number)
        if found is None:
            cls, also, r, b, timing, via, parameter, decided, reason = self._label_lines[number].split("\t")
            more = tuple(also.split(",")) if also else ()
            found = self._label_cache[number] = Label(cls, more, r, b, timing, via, parameter, decided, reason)
        return found

    def with_overlay(self, labels: Mapping[str, Label]) -> Catalog:
        """Lay a user's labels over these: action (any case) to label. Names not in the catalogue are left out."""
        overlay = dict(self._overlay)
        for action, label in labels.items():
            index = self.index(action)
            if index is not None:
                overlay[index] = label
        return Catalog(self._artefact, overlay)

    # Actions, types, signatures

    def action(self, index: int) -> Action:
        """Give everything known about one action."""
        found = self._actions.get(index)
        if found is None:
            bits = self._levels[index]
            found = self._actions[index] = Action(
                index=index,
                name=self.name(index),
                levels=frozenset(level for i, level in enumerate(_LEVELS) if bits >> i & 1),
                signature=self._signature(self._signature_of[index]),
                label=self.label(index),
                _keys=self._action_keys,
            )
        return found

    @cached_property
    def _levels(self) -> bytes:
        return self._artefact.section("levels")

    @cached_property
    def _signature_of(self) -> memoryview[int]:
        return words(self._artefact.section("signature_of"))

    @cached_property
    def _signature_lines(self) -> list[str]:
        return self._artefact.section("signatures").decode().split("\n")

    @cached_property
    def _type_lines(self) -> Lines:
        return Lines(self._artefact, "types")

    def _signature(self, number: int) -> Signature:
        found = self._signature_cache.get(number)
        if found is None:
            required, _, optional = self._signature_lines[number].partition(";")
            found = Signature(number, self._types_of(required), self._types_of(optional))
            self._signature_cache[number] = found
        return found

    def _types_of(self, numbers: str) -> tuple[ResourceType, ...]:
        return tuple(self._type(int(n)) for n in numbers.split(",")) if numbers else ()

    def _type(self, number: int) -> ResourceType:
        found = self._type_cache.get(number)
        if found is None:
            service, name, flags, *formats = self._type_lines[number].split("\t")
            found = self._type_cache[number] = ResourceType(
                number, service, name, tuple(formats), "s" in flags, "r" in flags, "t" in flags
            )
        return found

    @cached_property
    def types(self) -> Sequence[ResourceType]:
        """All resource types; a type's id is its place here."""
        return tuple(self._type(i) for i in range(self.header["counts"]["types"]))

    @cached_property
    def _types_by_arn_service(self) -> dict[str, tuple[ResourceType, ...]]:
        table: dict[str, dict[int, ResourceType]] = {}
        for kind in self.types:
            for text in kind.formats:
                fields = text.split(":", 3)
                if len(fields) > 3 and fields[2] and "${" not in fields[2]:
                    table.setdefault(fields[2], {})[kind.id] = kind
        return {service: tuple(kinds.values()) for service, kinds in table.items()}

    def types_of_service(self, arn_service: str) -> tuple[ResourceType, ...]:
        """Give the types whose ARN has this service field; not always the prefix of their actions."""
        return self._types_by_arn_service.get(arn_service, ())

    def signatures(self, mask: int) -> list[tuple[Signature, int]]:
        """Split a mask by how its actions name resources: disjoint parts whose union is the mask."""
        found = self._split.get(mask)
        if found is None:
            if len(self._split) >= MEMO:
                self._split.clear()
            parts = self._split_few(mask) if mask.bit_count() <= FEW else self._split_many(mask)
            found = self._split[mask] = [(self._signature(n), part) for n, part in sorted(parts.items())]
        return found

    @property
    def told_apart(self) -> int:
        """Every action whose resources are judged each with the keys that it carries itself (S3.12)."""
        return self.attribute_mask("told-apart")

    @property
    def several(self) -> int:
        """Every action that needs resources of several types at once (S3.11)."""
        return self.attribute_mask("several-types")

    def _split_few(self, mask: int) -> dict[int, int]:
        parts: dict[int, int] = {}
        numbers = self._signature_of
        for index in few(mask):
            number = numbers[index]
            parts[number] = parts.get(number, 0) | (1 << index)
        return parts

    def _split_many(self, mask: int) -> dict[int, int]:
        parts: dict[int, int] = {}
        free = 0
        first, last = self._span(mask)
        for service in range(first, last + 1):
            start = self._starts[service]
            within = (mask >> start) & ((1 << self._counts[service]) - 1)
            if not within:
                continue
            for number, bits in self._signatures_within(service):
                part = within & bits
                if not part:
                    continue
                if number == 0:
                    free |= part << start
                else:
                    parts[number] = part << start
        if free:
            parts[0] = free
        return parts

    def _signatures_within(self, service: int) -> list[tuple[int, int]]:
        """Give each signature's actions within one service. INVARIANT: only number 0 occurs in several services."""
        found = self._service_signatures.get(service)
        if found is None:
            start = self._starts[service]
            table: dict[int, int] = {}
            for i, number in enumerate(self._signature_of[start : start + self._counts[service]]):
                table[number] = table.get(number, 0) | (1 << i)
            found = self._service_signatures[service] = list(table.items())
        return found

    # Condition keys

    @cached_property
    def _keys(self) -> ConditionKeys:
        from rolelint.catalog.conditions import ConditionKeys

        return ConditionKeys(self._artefact, self.full)

    def key_mask(self, key: str) -> int | None:
        """Give the actions that can carry a condition key; None when the catalogue does not know the key.

        Args:
            key: lower-cased. `aws:resourcetag/team` is found through the template `aws:ResourceTag/${TagKey}`.
        """
        return self._keys.mask(key)

    def key_gaps(self, key: str) -> Mapping[str, int]:
        """Give the actions of which only some resources carry a key, by the type of those that do not (S3.12).

        Under the empty text stand all actions of which it is told by resource, each with a value of its own.
        """
        rows = self._keys.told_apart(key)
        found = self._gaps.get(rows)
        if found is None:
            found = self._gaps[rows] = self._measure_gaps(rows)
        return found

    def _measure_gaps(self, rows: tuple[str, ...]) -> dict[str, int]:
        gaps: dict[str, int] = {}
        for index, kinds in self._keys.uses(rows).items():
            bit = 1 << index
            gaps[""] = gaps.get("", 0) | bit
            signature = self._signature(self._signature_of[index])
            for kind in (*signature.required, *signature.optional):
                if kind.key not in kinds:
                    gaps[kind.key] = gaps.get(kind.key, 0) | bit
        return gaps

    def key_type(self, key: str) -> str | None:
        """Name the type of a key's values (`String`, `ArrayOfString`, `Bool` ...); None when the key is unknown."""
        return self._keys.type(key)

    def key_kind(self, key: str) -> str:
        """Name the only resource type, `service:type`, whose tags a key tells; empty where there is none."""
        return self._keys.kind(key)

    def _action_keys(self, index: int) -> tuple[str, ...]:
        return self._keys.of_action(index)

    # Managed policies

    @cached_property
    def _managed(self) -> ManagedPolicies:
        from rolelint.catalog.managed import ManagedPolicies

        return ManagedPolicies(Artefact(os.path.join(os.path.dirname(self._artefact.path), "managed.bin")))

    def managed_policy(self, arn_or_name: str) -> dict[str, Any] | None:
        """Give the document of an AWS managed policy by ARN (any partition) or name; None when it is unknown."""
        return self._managed.document(arn_or_name)

    def managed_policy_path(self, name: str) -> str | None:
        """Give the path of an AWS managed policy, such as `/service-role/`; None when it is unknown."""
        return self._managed.path(name)

    def managed_policy_names(self) -> list[str]:
        """List the names of the managed policies known, sorted."""
        return self._managed.names()

    def managed_policy_header(self) -> dict[str, Any]:
        """Say where the managed policies come from and when."""
        return self._managed.header


@cache
def load(path: str | Path = SHIPPED) -> Catalog:
    """Load the catalogue, once per file."""
    return Catalog(Artefact(path))
