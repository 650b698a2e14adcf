"""Lend parliament the catalogue's data and bounded matchers, and take them back."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rolelint.catalog import Action, Catalog, ResourceType, catalog
from rolelint.grammar.globs import overlap

_LEVELS = ("Permissions management", "Tagging", "Write", "List", "Read")
#: The catalogue's types of condition keys in the words that parliament's own data has.
_TYPES = {
    "String": "String",
    "ArrayOfString": "String",
    "ARN": "ARN",
    "ArrayOfARN": "ARN",
    "Bool": "Bool",
    "ArrayOfBool": "Bool",
    "Numeric": "Numeric",
    "Date": "Date",
    "IPAddress": "Ip",
}
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]+")
_ACCOUNT = re.compile(r"[0-9]{12}|aws|aws-marketplace|amazon|cloudfront|third-party|elasticmapreduce")
_OPEN = re.compile(r"[*?]|\$\{")


class Lent:
    """parliament with the catalogue's data, for as long as the context lasts.

    Attributes:
        own_actions: the actions in parliament's own data, lower-cased; `own_prefixes` its services.
    """

    def __init__(self, parliament: Any) -> None:
        self.parliament = parliament
        self._known = catalog()
        self._keys: tuple[str, ...] = ()
        self._privileges: dict[tuple[str, str], dict[str, Any]] = {}
        own = parliament.iam_definition
        self.own_prefixes = {service["prefix"].lower() for service in own}
        self.own_actions = {
            f"{service['prefix']}:{privilege['privilege']}".lower()
            for service in own
            for privilege in service["privileges"]
        }
        statement = sys.modules["parliament.statement"]
        names = [*getattr(statement, "GLOBAL_CONDITION_KEYS", ())]
        names += [condition["condition"] for service in own for condition in service["conditions"]]
        # Cut before the part that stands for any tag.
        cut = [re.split(r"[$<*]|tag-key", name.lower(), maxsplit=1) for name in names]
        self._own_keys = {parts[0] for parts in cut if len(parts) == 1}
        self._own_templates = tuple({parts[0] for parts in cut if len(parts) > 1})
        self._services = [_Service(self._known, prefix) for prefix in self._known.prefixes()]
        self._by_prefix = {service["prefix"]: service for service in self._services}

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Swap the data and the matchers in, and out again."""
        module, statement = self.parliament, sys.modules["parliament.statement"]
        own, config = list(module.iam_definition), {key: dict(value) for key, value in module.config.items()}
        swaps: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
            # Its own matcher tries every way to share out the stars: ten of them take minutes.
            (module, "is_glob_match", overlap),
            # Its own search walks the whole list for every action.
            (statement, "get_privilege_info", self.privilege),
            # Its own expands every action of the statement for each question.
            (statement.Statement, "in_actions", _in_actions),
            (statement, "is_valid_region", is_region),
            (statement, "is_valid_account_id", is_account),
        )
        before = [(where, name, getattr(where, name)) for where, name, _ in swaps]
        # The other modules of parliament hold the same list object.
        module.iam_definition[:] = self._services
        module.expand_action.cache_clear()
        for where, name, mine in swaps:
            setattr(where, name, mine)
        try:
            yield
        finally:
            for where, name, theirs in before:
                setattr(where, name, theirs)
            module.iam_definition[:] = own
            module.expand_action.cache_clear()
            module.config.clear()
            module.config.update(config)

    def use(self, keys: Iterable[str], actions: Iterable[str] | None) -> None:
        """Say what the policy has that is judged next: lower-cased condition keys, and actions.

        Args:
            actions: None when the user's auditors may ask for others.
        """
        self._keys = tuple(dict.fromkeys(key for key in keys if self._known.key_mask(key) is not None))
        services = self._services
        if actions is not None:
            # It walks the whole list for every action.
            prefixes = {action.partition(":")[0].lower() for action in actions} | {"s3"}
            if "*" not in prefixes:
                services = [service for prefix in sorted(prefixes) if (service := self._by_prefix.get(prefix))]
        self.parliament.iam_definition[:] = services

    def is_own_key(self, key: str) -> bool:
        """Tell whether parliament's own data has a condition key; lower-cased."""
        return key in self._own_keys or key.startswith(self._own_templates)

    def privilege(self, service: str, action: str) -> dict[str, Any]:
        """Describe an action with those of the policy's condition keys that it supports."""
        found = self._privileges.get((service, action))
        if found is None:
            listed = self._by_prefix[service]["privileges"]
            self._privileges.update({(service, entry["privilege"]): entry for entry in listed})
            found = self._privileges[service, action]
        bit = 1 << found["index"]
        keys = [key for key in self._keys if (self._known.key_mask(key) or 0) & bit]
        # Published keys are templates such as `aws:ResourceTag/${TagKey}`; the policy's own keys stand for them.
        rows = found["typed_rows"]
        if keys or not rows:
            rows = [*rows, {"resource_type": "", "condition_keys": keys, "dependent_actions": []}]
        return {
            **found,
            "resource_types": rows,
            "service_resources": self._by_prefix[service]["resources"],
            "service_conditions": [{"condition": key, "type": key_type(self._known, key)} for key in keys],
        }


def key_type(known: Catalog, key: str) -> str:
    """Name the type of a condition key in parliament's words."""
    return _TYPES.get(known.key_type(key) or "String", "String")


class _Service(dict[str, Any]):
    """A service in the shape of parliament's data; its lists are made when somebody asks for them."""

    def __init__(self, known: Catalog, prefix: str) -> None:
        super().__init__(prefix=prefix, service_name=prefix)
        self._known = known

    def __missing__(self, key: str) -> Any:
        if key not in ("privileges", "resources", "conditions"):
            raise KeyError(key)
        self.update(_describe(self._known, self["prefix"]))
        return self[key]


def _describe(known: Catalog, prefix: str) -> Mapping[str, Any]:
    actions = [known.action(index) for index in known.indexes(known.service_mask(prefix))]
    kinds: dict[ResourceType, None] = {}
    keys: dict[str, None] = {}
    for action in actions:
        kinds.update(dict.fromkeys(action.signature.types))
        keys.update(dict.fromkeys(action.keys))
    return {
        "privileges": [_privilege(action) for action in actions],
        "resources": [{"resource": kind.name, "arn": kind.formats[0], "condition_keys": []} for kind in kinds],
        "conditions": [{"condition": key, "description": "", "type": key_type(known, key.lower())} for key in keys],
    }


def _privilege(action: Action) -> dict[str, Any]:
    signature = action.signature
    # Where no type is required, a call names one of several: each counts, and what none of them meets is told apart
    # from what one of them meets when parliament's answer is sifted.
    must = signature.targets
    rows = [{"resource_type": f"{kind.name}*", "condition_keys": [], "dependent_actions": []} for kind in must]
    if signature.required:
        more = (
            {"resource_type": kind.name, "condition_keys": [], "dependent_actions": []} for kind in signature.optional
        )
        rows += more
    typed = list(rows)
    if action.keys or not rows:
        rows.append({"resource_type": "", "condition_keys": list(action.keys), "dependent_actions": []})
    return {
        "privilege": action.name.partition(":")[2],
        "access_level": next((level for level in _LEVELS if level in action.levels), "Write"),
        "description": "",
        "resource_types": rows,
        "index": action.index,
        "typed_rows": typed,
    }


def _in_actions(statement: Any, prefix: str, name: str) -> bool:
    """Tell whether a statement of parliament's names an action, or does not except it."""
    mask: int | None = statement.__dict__.get("rolelint_mask")
    if mask is None:
        known = catalog()
        element = "Action" if "Action" in statement.stmt else "NotAction"
        listed = sys.modules["parliament.misc"].make_list(statement.stmt[element])
        mask = known.expand_all(action.value for action in listed)
        if element == "NotAction":
            mask = known.full & ~mask
        statement.rolelint_mask = mask
    index = catalog().index(f"{prefix}:{name}")
    return index is not None and bool(mask >> index & 1)


def is_region(text: str) -> bool:
    """Tell whether the fourth part of an ARN can be a Region, in any partition and with wildcards or variables."""
    return not text or bool(_OPEN.search(text) or _REGION.fullmatch(text))


def is_account(text: str) -> bool:
    """Tell whether the fifth part of an ARN can be an account, with wildcards or variables."""
    return not text or bool(_OPEN.search(text) or _ACCOUNT.fullmatch(text))
