"""Condition keys of the catalogue: their types and the actions that can carry them."""

from __future__ import annotations

import re
import sys
from functools import cached_property

from rolelint.catalog.artefact import Artefact

#: Stands for every key whose prefix is the host name of an identity provider, such as `oidc.example.com:sub`.
CLAIM = "${host}:${claim}"
#: Some services publish the key of any tag as `service:ResourceTag/tag-key`, of some actions or of all.
_ANY_TAG = "/tag-key"
_VARIABLE = re.compile(rf"\$\{{[^}}]*\}}|<key>|(?<=/){_ANY_TAG[1:]}$")


class ConditionKeys:
    """All condition keys, lower-cased. A key with a variable part (`aws:resourcetag/${tagkey}`) is a template."""

    def __init__(self, artefact: Artefact, full: int) -> None:
        self._artefact = artefact
        self._full = full
        self._templates: list[tuple[str, str, str]] = []
        self._rows: dict[str, tuple[str, str, int, int, int]] = {}
        self._found: dict[str, tuple[str, ...]] = {}
        self._masks = artefact.section("key_masks")
        at = 0
        for line in artefact.section("keys").decode().split("\n"):
            key, kind, of = line.split("\t")
            start = self._masks[at] | self._masks[at + 1] << 8
            length = self._masks[at + 2] | self._masks[at + 3] << 8
            self._rows[key] = (sys.intern(kind), of, start, at + 4, length)
            at += 4 + length
            if key == CLAIM:
                continue
            variables = list(_VARIABLE.finditer(key)) if "$" in key or "<" in key or key.endswith(_ANY_TAG) else []
            if variables:
                self._templates.append((key[: variables[0].start()], key[variables[-1].end() :], key))
        # The longest fixed text first: the most exact template wins.
        self._templates.sort(key=lambda t: -len(t[0]) - len(t[1]))

    def mask(self, key: str) -> int | None:
        """Give the actions that can carry a key; None when it is unknown."""
        names = self._resolve(key)
        if not names:
            return None
        found = 0
        for name in names:
            _, of, start, at, length = self._rows[name]
            if of == "*":
                return self._full
            found |= int.from_bytes(self._masks[at : at + length], "little") << (start * 8)
        return found

    def type(self, key: str) -> str | None:
        """Name the type of a key's values; None when it is unknown."""
        names = self._resolve(key)
        return self._rows[names[0]][0] if names else None

    def kind(self, key: str) -> str:
        """Name the only resource type whose tags a key tells, `service:type`; empty where there is none."""
        kinds = {self._rows[name][1].strip("*") for name in self._resolve(key)}
        return kinds.pop() if len(kinds) == 1 else ""

    def of_action(self, index: int) -> tuple[str, ...]:
        """List the keys an action itself is published with, in AWS's spelling."""
        numbers = self._sets[self._set_of[2 * index] | self._set_of[2 * index + 1] << 8]
        return tuple(self._names[int(n)] for n in numbers.split(",")) if numbers else ()

    def told_apart(self, key: str) -> tuple[str, ...]:
        """Name the rows of a key that not all resources of a call carry."""
        return tuple([name for name in self._resolve(key) if name in self._uses])

    def uses(self, rows: tuple[str, ...]) -> dict[int, frozenset[str]]:
        """Give the types, `service:type`, of the resources that carry the keys of some rows, by the call."""
        found: dict[int, frozenset[str]] = {}
        for name in rows:
            for use in self._uses[name]:
                index, _, kinds = use.partition("=")
                found[int(index)] = found.get(int(index), frozenset()).union(kinds.split(","))
        return found

    @cached_property
    def _uses(self) -> dict[str, list[str]]:
        rows = (line.split("\t") for line in self._artefact.section("key_uses").decode().split("\n"))
        return {key: uses for key, *uses in rows}

    def _resolve(self, key: str) -> tuple[str, ...]:
        """List the rows that a key is one of: several where one template is published in two spellings."""
        if key in self._rows and "${" not in key:
            return (key,)
        if key not in self._found:
            if len(self._found) > 65_536:
                self._found.clear()
            fits = [
                (head, tail, name)
                for head, tail, name in self._templates
                if len(key) > len(head) + len(tail) and key.startswith(head) and key.endswith(tail)
            ]
            claim = (CLAIM,) if "." in key.partition(":")[0] and not key.endswith(":") else ()
            self._found[key] = tuple(name for *ends, name in fits if ends == [*fits[0][:2]]) or claim
        return self._found[key]

    @cached_property
    def _names(self) -> list[str]:
        return self._artefact.section("key_names").decode().split("\n")

    @cached_property
    def _sets(self) -> list[str]:
        return self._artefact.section("key_sets").decode().split("\n")

    @cached_property
    def _set_of(self) -> bytes:
        return self._artefact.section("key_set_of")
