"""Types of condition keys: which values and operators go with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rolelint.catalog import catalog
from rolelint.grammar.globs import overlap

#: Types in words, for messages.
WORDS: Mapping[str, str] = {
    "ARN": "ARNs",
    "Bool": "true or false",
    "Date": "dates",
    "Numeric": "numbers",
    "IPAddress": "IP addresses",
    "String": "text",
}
_OTHER_NAMES = {"Arn": "ARN", "Number": "Numeric", "Ip": "IPAddress"}
_FAMILIES = (
    ("String", "String"),
    ("Arn", "ARN"),
    ("Numeric", "Numeric"),
    ("Date", "Date"),
    ("Bool", "Bool"),
    ("Ip", "IPAddress"),
    ("NotIp", "IPAddress"),
)


def family(operator: str) -> str | None:
    """Name the type that an operator compares; None for one that AWS does not have."""
    return next((kind for head, kind in _FAMILIES if operator.startswith(head)), None)


def base_type(key: str) -> str | None:
    """Name the type of one value of a condition key; None when nothing is known of the key."""
    kind = catalog().key_type(key)
    return kind.removeprefix("ArrayOf") if kind else None


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?\d+(\.\d+)?", text))


def _is_address(text: str) -> bool:
    from ipaddress import ip_network

    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?|\d{5,}")
#: Whether a text is a value of a type.
FITS: Mapping[str, Callable[[str], bool]] = {
    "Bool": lambda text: text.lower() in ("true", "false") or "${" in text,
    "Date": lambda text: bool(_DATE.fullmatch(text)),
    "Numeric": _is_number,
    "IPAddress": _is_address,
    "ARN": lambda text: overlap(text, "arn:*:*:*:*:*") or "${" in text,
    "String": lambda text: True,
}


def fits(value: str, kind: str, operator: str) -> bool:
    """Tell whether a value under an operator can match some value of a type."""
    kind = _OTHER_NAMES.get(kind, kind)
    if operator in ("StringLike", "StringNotLike") and ("*" in value or "?" in value or "${" in value):
        return kind != "ARN" or FITS["ARN"](value)
    if operator.startswith("String") and "${" in value:
        return True
    if operator.startswith("Arn") and value == "*":
        return True
    return FITS.get(kind, FITS["String"])(value)
