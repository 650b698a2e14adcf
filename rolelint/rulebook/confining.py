"""Whether the condition of a grant limits its holder: what it demands, and whether a policy that it names confines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from rolelint.catalog import catalog
from rolelint.catalog.bits import few
from rolelint.catalog.patterns import glob, matching
from rolelint.engine import Power
from rolelint.memory import lasting
from rolelint.policies.document import Condition
from rolelint.policies.parse import parse_document
from rolelint.policies.text import has_unknown
from rolelint.rulebook.subject import OWNED, ConditionTable

_ARN = re.compile(r"arn:[^:]*:iam::(.*):policy/(.+)")
_ADMIN = re.compile(r"admin|power-?user|full-?access", re.IGNORECASE)

#: The condition keys whose values are ARNs of policies, lower-cased.
_POLICY_KEYS = frozenset(("iam:policyarn", "iam:permissionsboundary"))
#: Condition keys, lower-cased, that some requests lack: `ForAllValues` holds there, `ForAnyValue` in a Deny does not.
_LACKING = frozenset(
    ("iam:permissionsboundary", "secretsmanager:resource/allowrotationlambdaarn", *(k for k, _ in OWNED))
)
#: Actions that policies for readers hold as well.
_READ = ("*:Get*", "s3express:CreateSession")


def conditioned(power: Power, table: ConditionTable) -> bool:
    """Tell whether every Allow that grants a power demands one of some keys, every Allow of a ceiling, or a Deny."""
    if any(_denied_without(c, key, values) for c in power.denied_where for key, values in table):
        return True
    granting = tuple(ref.statement.conditions for ref in power.granted_by)
    return any(
        bool(allows)
        and all(
            any(_positive_condition(c, k, values) and _limits_all(c, power.mask) for c in one for k, values in table)
            for one in allows
        )
        for allows in (granting, *power.ceilings)
    )


def _limits_all(condition: Condition, mask: int) -> bool:
    """Tell whether a condition limits all that actions do.

    `ForAllValues` holds for those that do not carry its key, and `ForAnyValue` where one of several values fits.
    """
    if condition.quantifier == "ForAnyValue" and (catalog().key_type(condition.key) or "").startswith("ArrayOf"):
        return False
    carried = catalog().key_mask(condition.key) if condition.quantifier == "ForAllValues" else None
    return carried is None or not mask & ~carried


#: The operators of a Deny that say the same as a positive operator of an Allow: absence is denied as well.
_POSITIVE = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


#: What a Deny leaves of a truth value.
_OTHER = {"true": "false", "false": "true"}


def _denied_without(condition: Condition, key: str, values: Sequence[str]) -> bool:
    left = _OTHER.get(condition.values[0].lower()) if len(condition.values) == 1 else None
    if left and condition.operator in ("Bool", "StringEquals", "StringEqualsIgnoreCase", "StringLike"):
        # The request says the other, or leaves the setting alone.
        return _positive_condition(condition._replace(values=(left,), if_exists=False), key, values)
    operator = _POSITIVE.get(condition.operator)
    # Of several values one that does not fit is denied; without any, nothing is.
    if operator is None or condition.quantifier not in ("", "ForAnyValue"):
        return False
    if condition.quantifier and key in _LACKING:
        return False
    return _positive_condition(condition._replace(operator=operator, if_exists=False), key, values)


def _positive_condition(condition: Condition, key: str, values: Sequence[str]) -> bool:
    """Tell whether a condition demands that a key is there with one of some values.

    Args:
        key: lower-cased.
        values: globs that every value of the condition must match; empty allows all that name something.
    """
    if condition.key != key or condition.if_exists or not condition.known:
        return False
    if "Not" in condition.operator or condition.operator == "Null":
        return False
    if not all(map(_names_something, condition.values)):
        return False  # no limit: any value
    if key in _LACKING and condition.quantifier == "ForAllValues":
        return False  # true of what has none
    if key in _POLICY_KEYS and not all(map(confines, condition.values)):
        return False  # no limit: a policy that gives everything, a boundary that bounds nothing
    return not values or all(any(glob(one.lower(), v.lower()) for one in values) for v in condition.values)


def _names_something(value: str) -> bool:
    """Tell whether a value holds more than wildcards where the name of a service, or what an ARN names, would be."""
    return bool(value.rpartition(":")[2].partition("amazonaws.com")[0].strip("*?."))


def confines(value: str) -> bool:
    """Tell whether every policy that a value of a condition names leaves its holder less than the environment.

    A policy of AWS is read. One of the account is not known here: it does, unless its name says administrator, and
    unless any policy at all is meant.
    """
    found = _ARN.fullmatch(value)
    if found is None:
        return has_unknown(value)  # one policy, whatever its ARN
    account, name = found[1], found[2]
    if not name.strip("*?/") or (_ADMIN.search(name) and "bound" not in name.lower()):
        return False
    if not glob(account, "aws"):
        return True
    last = name.rpartition("/")[2]
    names = catalog().managed_policy_names()
    named = matching(last, names)
    return all(_mild(names[i]) for i in few(named)) if named else account != "aws"


@cache
def _mild(name: str) -> bool:
    """Tell whether an AWS managed policy grants nothing that ends an environment or widens power."""
    known = catalog()
    heavy = 0
    for cls in ("account", "destroy-data", "destroy-backup", "lock-out", "escalate"):
        heavy |= known.class_mask(cls)
    heavy &= ~(known.attribute_mask("B0") | known.attribute_mask("deferred") | known.expand_all(_READ))
    document = parse_document(known.managed_policy(name))
    allows = [s for s in document.statements if s.effect == "Allow"]
    return not any(s.not_action or known.expand_all(s.actions) & heavy for s in allows)


lasting(_mild.cache_clear)
