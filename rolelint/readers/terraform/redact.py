"""Hide sensitive values of a plan while keeping what a policy means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rolelint.policies.json_text import PolicyTextError, loads
from rolelint.policies.text import OPEN, unknown
from rolelint.readers.parts import mapping

#: Parts of a text that carry structure and no secret: separators and wildcards.
_SEPARATORS = re.compile(r"([:/*?,]+|\$\{[^}]*\})")
#: Names of regions and services and wildcards, which are no secret even where a variable calls them one.
_PLAIN = re.compile(r"[a-z]{2}(-[a-z]+)+-\d|[a-z0-9-]+\.amazonaws\.com|\*+")
_PUBLIC = frozenset(("", "*", "arn", "aws", "aws-cn", "aws-us-gov", "true", "false"))


def any_true(part: object) -> bool:
    """Tell whether some leaf of a `sensitive_values` tree is true."""
    if isinstance(part, dict):
        part = part.values()
    elif not isinstance(part, list):
        return part is True
    for inner in part:  # noqa: SIM110 (a generator costs more than the loop)
        if inner and any_true(inner):
            return True
    return False


#: Shorter secrets are words that stand everywhere, `prod` or `true`; hiding those would hide the policy.
SHORTEST = 6


def secrets_of(data: dict[str, Any]) -> set[str]:
    """Collect the texts of a plan's sensitive variables."""
    declared = mapping(mapping(mapping(data.get("configuration")).get("root_module")).get("variables"))
    found: set[str] = set()
    for name, row in mapping(data.get("variables")).items():
        if isinstance(declared.get(name), dict) and declared[name].get("sensitive") and isinstance(row, dict):
            found |= texts_in(row.get("value"))
    return found


def texts_in(value: Any) -> set[str]:
    """Collect the texts of a sensitive value that have to be hidden."""
    if isinstance(value, str):
        plain = len(value) < SHORTEST or OPEN in value or _PLAIN.fullmatch(value) or _names_actions(value)
        return set() if plain else {value}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(texts_in(part) for part in parts))


def _names_actions(text: str) -> bool:
    from rolelint.catalog import catalog

    return ":" in text and catalog().expand_all((text,)) != 0


class Redactor:
    """Replaces sensitive text by unknown values: the same text by the same value, so that equal stays equal.

    Args:
        secrets: texts that are replaced wherever they stand: Terraform forgets that a value is sensitive when
            a provider works it into another one, such as the JSON of a policy document.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._names: dict[str, str] = {}
        self._secrets = sorted(secrets, key=len, reverse=True)

    def all_of(self, values: dict[str, Any]) -> dict[str, Any]:
        """Replace every secret in the attributes of a resource."""
        if not self._secrets:
            return values
        return {k: self._without(v) for k, v in values.items()}

    def _without(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in self._secrets:
                if secret in value:
                    value = value.replace(secret, self._name(secret))
            return value
        if isinstance(value, dict):
            return {k: self._without(v) for k, v in value.items()}
        return [self._without(v) for v in value] if isinstance(value, list) else value

    def value(self, value: Any, sensitive: object) -> Any:
        """Redact the parts of a value that `sensitive` marks; a policy keeps its actions and its shape."""
        if sensitive is True:
            return self._whole(value)
        if isinstance(sensitive, dict) and isinstance(value, dict):
            return {k: self.value(v, sensitive[k]) if k in sensitive else v for k, v in value.items()}
        if isinstance(sensitive, list) and isinstance(value, list):
            return [self.value(v, sensitive[i]) if i < len(sensitive) else v for i, v in enumerate(value)]
        return value

    def _whole(self, value: Any) -> Any:
        if isinstance(value, str):
            if value.lstrip().startswith("{"):
                try:
                    return self._policy(loads(value))
                except PolicyTextError:
                    return self.text(value)
            return self.text(value)
        if isinstance(value, dict):
            return {k: self._whole(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._whole(v) for v in value]
        return value

    def _policy(self, data: Any) -> Any:
        """Redact a policy document: everything but the words of the IAM language."""
        if not isinstance(data, dict) or "Statement" not in data:
            return self._whole(data)
        statements = data["Statement"]
        return {
            **{k: v if k == "Version" else self._whole(v) for k, v in data.items()},
            "Statement": [
                {k: v if k in ("Effect", "Action", "NotAction") else self._element(k, v) for k, v in s.items()}
                if isinstance(s, dict)
                else self._whole(s)
                for s in (statements if isinstance(statements, list) else [statements])
            ],
        }

    def _element(self, name: str, value: Any) -> Any:
        if name == "Condition" and isinstance(value, dict):
            return {op: self._whole(block) for op, block in value.items()}
        if name == "Sid":
            return ""
        return self._whole(value)

    def text(self, text: str) -> str:
        """Replace what stands between separators; the service of an ARN stays."""
        if OPEN in text:
            return text
        service = text.split(":")[2] if text.startswith("arn:") and text.count(":") >= 5 else ""
        parts = _SEPARATORS.split(text)
        return "".join(
            part if i % 2 or part in _PUBLIC or (part == service and i <= 6) else self._name(part)
            for i, part in enumerate(parts)
        )

    def _name(self, part: str) -> str:
        name = self._names.get(part)
        if name is None:
            name = self._names[part] = unknown(f"sensitive value {len(self._names) + 1}")
        return name
