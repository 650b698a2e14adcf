"""Typed condition values: numbers, dates, addresses, binary. Apart from the rest, because few policies need them."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

_RELATIONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def matches(family: str, relation: str, pattern: str, value: str) -> bool:
    """Compare a request value with a policy value of a family: `binary`, `ip`, `number` or `date`.

    A value that cannot be read as the type matches nothing (S5.27).
    """
    match family:
        case "binary":
            wanted, got = parse_binary(pattern), parse_binary(value)
            return wanted is not None and wanted == got
        case "ip":
            network, address = parse_network(pattern), parse_network(value)
            if network is None or address is None or network.version != address.version:
                return False
            return address.subnet_of(network)  # type: ignore[arg-type]
        case "number":
            return _related(relation, parse_number(pattern), parse_number(value))
        case "date":
            return _related(relation, parse_date(pattern), parse_date(value))
    raise AssertionError(family)


def _related(relation: str, policy: Decimal | None, request: Decimal | None) -> bool:
    return policy is not None and request is not None and _RELATIONS[relation](request, policy)


_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)


def parse_number(text: str) -> Decimal | None:
    """Read an integer or decimal (S5.12); one of more than 300 digits is none."""
    if _NUMBER.fullmatch(text := text.strip()) is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if -300 <= number.adjusted() <= 300 and len(text) <= 600 else None


def parse_binary(text: str) -> bytes | None:
    """Read base64 text (S5.15)."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def parse_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Read an address or CIDR block; an address alone is one host (S5.16). A netmask after the `/` is none."""
    if "." in text.partition("/")[2]:
        return None
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def parse_address(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Read an address as a request has it: never a block of them."""
    return None if "/" in text else parse_network(text)


def parse_account(text: str) -> str | None:
    """Read an account: twelve digits."""
    return text if len(text) == 12 and text.isascii() and text.isdigit() else None


def parse_policy_arn(text: str) -> str | None:
    """Read the ARN of a managed policy, which holds no `*`.

    AWS: IAM/latest/APIReference/API_CreatePolicy.html, PolicyName and Path. Read 2026-11.
    """
    return None if "*" in text else text


_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?", re.ASCII
)


def parse_date(text: str) -> Decimal | None:
    """Read a date of the W3C profile of ISO 8601, or epoch seconds; give epoch seconds (S5.13, S10.16)."""
    text = text.strip()
    found = _DATE.fullmatch(text)
    if found is None or (len(text) == 4 and text.isdigit() and not 1900 <= int(text) <= 2200):
        return parse_number(text)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    since = moment - datetime(1970, 1, 1)
    seconds = since.days * 86_400 + since.seconds
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        # As numbers: the first and the last day of the calendar have neighbours elsewhere.
        seconds -= (int(digits[:2]) * 3_600 + int(digits[2:]) * 60) * (-1 if zone[0] == "-" else 1)
    whole = Decimal(seconds)
    return whole + Decimal(f"0.{fraction}") if fraction else whole
