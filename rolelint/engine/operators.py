"""Condition operators: one row each, and the truth of one condition in one request context (S5)."""

from __future__ import annotations

from collections.abc import Mapping

from rolelint.algebra.strings import wildcards
from rolelint.engine.match import Lookup, arn_matches, glob_matches, substitute
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
    if condition.quantifier:
        values = present(values)
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


def present(values: Values) -> Values:
    """Leave out what a set operator takes for no value.

    AWS: reference_policies_condition-single-vs-multi-valued-context-keys.html: an empty string is a null dataset.
    """
    return tuple(v for v in values if v) if "" in values else values


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
    from rolelint.engine import typed

    return typed.matches(operator.family, operator.relation, pattern, value)


def parse_bool(text: str) -> bool | None:
    """Read `true` or `false` in any case (S5.14, S10.16)."""
    return {"true": True, "false": False}.get(text.strip().lower())
