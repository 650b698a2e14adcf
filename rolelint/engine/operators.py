"""Condition operators: one row each, and the truth of one condition in one request context (S5)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from rolelint.engine.match import Lookup, arn_matches, glob_matches, substitute, wildcards
from rolelint.policies.document import Condition
from rolelint.records import record

#: Values of one key in a request context; an empty tuple counts as absent (S5.18).
Values = tuple[str, ...]


@record
class Operator:
    """One plain operator.

    Attributes:
        family: `string`, `folded` (ignoring case), `arn`, `number`, `date`, `bool`, `binary`, `ip` or `null`.
        relation: for numbers and dates `=`, `<`, `<=`, `>`, `>=`: request value *relation* policy value (S5.12).
        negated: whether the operator is the negation of its positive form (S5.3, S5.5).
        wild: whether `*` and `?` in the policy value are wildcards (S5.11).
        variables: whether `${...}` is substituted in the policy value (S5.25).
    """

    family: str
    relation: str = "="
    negated: bool = False
    wild: bool = False
    variables: bool = False


#: Every plain operator by AWS's name (S5.8 to S5.18).
TABLE: Mapping[str, Operator] = {
    "StringEquals": Operator("string", variables=True),
    "StringNotEquals": Operator("string", negated=True, variables=True),
    "StringEqualsIgnoreCase": Operator("folded", variables=True),
    "StringNotEqualsIgnoreCase": Operator("folded", negated=True, variables=True),
    "StringLike": Operator("string", wild=True, variables=True),
    "StringNotLike": Operator("string", negated=True, wild=True, variables=True),
    "NumericEquals": Operator("number"),
    "NumericNotEquals": Operator("number", negated=True),
    "NumericLessThan": Operator("number", "<"),
    "NumericLessThanEquals": Operator("number", "<="),
    "NumericGreaterThan": Operator("number", ">"),
    "NumericGreaterThanEquals": Operator("number", ">="),
    "DateEquals": Operator("date"),
    "DateNotEquals": Operator("date", negated=True),
    "DateLessThan": Operator("date", "<"),
    "DateLessThanEquals": Operator("date", "<="),
    "DateGreaterThan": Operator("date", ">"),
    "DateGreaterThanEquals": Operator("date", ">="),
    # AWS's operator page allows variables under Bool, its variables page does not; the first is followed (S10.8).
    "Bool": Operator("bool", variables=True),
    "BinaryEquals": Operator("binary"),
    "IpAddress": Operator("ip"),
    "NotIpAddress": Operator("ip", negated=True),
    "ArnEquals": Operator("arn", wild=True, variables=True),
    "ArnNotEquals": Operator("arn", negated=True, wild=True, variables=True),
    "ArnLike": Operator("arn", wild=True, variables=True),
    "ArnNotLike": Operator("arn", negated=True, wild=True, variables=True),
    "Null": Operator("null"),
}

_RELATIONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def condition_holds(condition: Condition, values: Values, lookup: Lookup, *, variables: bool) -> bool:
    """Tell whether a condition is true in a request context.

    Args:
        values: the request's values of the condition's key; empty when the key is absent.
        lookup: values of other keys, for policy variables.
        variables: whether `${...}` is a variable in this document (S1.3).
    """
    operator = TABLE[condition.operator]
    if operator.family == "null":
        return _null_holds(condition, values)
    if not values:
        # S5.2, S5.3, S5.19, S5.20, S5.21
        if condition.if_exists:
            return True
        if condition.quantifier:
            return condition.quantifier == "ForAllValues"
        return operator.negated
    if not condition.values and (condition.quantifier or condition.if_exists):
        return False  # S1.10: such an empty list never matches a key that is present
    # S5.4, S5.5: one policy value suffices for a positive operator, none may match for a negated one.
    matched = [
        any(_value_matches(operator, written, v, lookup, variables=variables) for written in condition.values)
        for v in values
    ]
    if condition.quantifier == "ForAllValues":
        return all(m != operator.negated for m in matched)
    if condition.quantifier == "ForAnyValue":
        return any(m != operator.negated for m in matched)
    # A plain operator on a multivalued key: any value, or none under negation (S5.24).
    return any(matched) != operator.negated


def _null_holds(condition: Condition, values: Values) -> bool:
    if condition.quantifier:
        return condition.quantifier == "ForAllValues"  # S1.16
    absent = not values
    return any(parse_bool(v) is absent for v in condition.values)


def _value_matches(operator: Operator, written: str, value: str, lookup: Lookup, *, variables: bool) -> bool:
    if operator.variables and variables:
        pattern = substitute(written, lookup, wild=operator.wild)
        if pattern is None:
            return False  # S5.26: the value can be equal to nothing
    elif operator.wild:
        pattern = wildcards(written)
    else:
        pattern = written
    return family_matches(operator, pattern, value)


def family_matches(operator: Operator, pattern: str, value: str) -> bool:
    """Compare one request value with one policy value in which variables are already replaced.

    A value that cannot be read as the operator's type matches nothing (S5.27).
    """
    match operator.family:
        case "string":
            return glob_matches(pattern, value) if operator.wild else pattern == value
        case "folded":
            return pattern.lower() == value.lower()
        case "arn":
            return arn_matches(pattern, value)
        case "bool":
            wanted = parse_bool(pattern)
            return wanted is not None and wanted is parse_bool(value)
        case "binary":
            wanted_bytes, got = parse_binary(pattern), parse_binary(value)
            return wanted_bytes is not None and wanted_bytes == got
        case "ip":
            network, address = parse_network(pattern), parse_network(value)
            if network is None or address is None or network.version != address.version:
                return False
            return address.subnet_of(network)  # type: ignore[arg-type]
        case "number":
            return _related(operator, parse_number(pattern), parse_number(value))
        case "date":
            return _related(operator, parse_date(pattern), parse_date(value))
    raise AssertionError(operator.family)


def _related(operator: Operator, policy: Decimal | None, request: Decimal | None) -> bool:
    return policy is not None and request is not None and _RELATIONS[operator.relation](request, policy)


def parse_bool(text: str) -> bool | None:
    """Read `true` or `false` in any case (S5.14, S10.16)."""
    return {"true": True, "false": False}.get(text.strip().lower())


def parse_number(text: str) -> Decimal | None:
    """Read an integer or decimal (S5.12)."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def parse_binary(text: str) -> bytes | None:
    """Read base64 text (S5.15)."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def parse_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Read an address or CIDR block; an address alone is one host (S5.16)."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


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
    offset = timedelta()
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) * (-1 if zone[0] == "-" else 1)
    seconds = (moment - offset).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    whole = Decimal(seconds.days * 86400 + seconds.seconds)
    return whole + Decimal(f"0.{fraction}") if fraction else whole
