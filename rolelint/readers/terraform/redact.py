"""Hide sensitive values of a plan while keeping what a policy means."""

from __future__ import annotations

import json
import re
from typing import Any

from rolelint.policies.text import OPEN, unknown

#: Parts of a text that carry structure and no secret: separators and wildcards.
_SEPARATORS = re.compile(r"([:/*?,]+|\$\{[^}]*\})")
_PUBLIC = frozenset(("", "*", "arn", "aws", "aws-cn", "aws-us-gov", "true", "false"))


def any_true(part: object) -> bool:
    """Tell whether some leaf of a `sensitive_values` tree is true."""
    if isinstance(part, dict):
        return any(any_true(v) for v in part.values())
    if isinstance(part, list):
        return any(any_true(v) for v in part)
    return part is True


class Redactor:
    """Replaces sensitive text by unknown values: the same text by the same value, so that equal stays equal."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

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
                    return self._policy(json.loads(value))
                except ValueError:
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
