"""Policies that a condition names: whether attaching them, or standing under them as a boundary, confines anybody."""

from __future__ import annotations

import re
from functools import cache

from rolelint.catalog import catalog
from rolelint.catalog.patterns import glob
from rolelint.memory import lasting
from rolelint.policies.parse import parse_document
from rolelint.policies.text import has_unknown

_ARN = re.compile(r"arn:[^:]*:iam::(.*):policy/(.+)")
_ADMIN = re.compile(r"admin|power-?user|full-?access", re.IGNORECASE)

#: Actions that policies for readers hold as well.
_READ = ("*:Get*", "s3express:CreateSession")


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
    named = [policy for policy in catalog().managed_policy_names() if glob(last, policy)]
    return all(map(_mild, named)) if named else account != "aws"


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
