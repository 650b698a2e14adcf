"""Tell which principals of resource policies mean a role whose ARN is not known in full."""

from __future__ import annotations

import re
from typing import NamedTuple

from rolelint.policies.document import PrincipalEntry, Statement
from rolelint.policies.role import EXAMPLE_ACCOUNT, Policy, Role, with_principals
from rolelint.policies.text import has_unknown, unknown
from rolelint.readers.terraform.kinds import arn_of
from rolelint.readers.terraform.principals import Principal
from rolelint.readers.terraform.world import World

_ACCOUNT = re.compile(r"\d{12}|arn:[a-z-]+:iam::\d{12}:root")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::\d{12}:((?:role|user)/.+)")


class Spoken(NamedTuple):
    """A resource policy with what tells quickly whom it may speak of.

    Attributes:
        provider: the provider configuration of what it hangs on.
        values: its AWS principals.
        tails: what these name in their accounts; a whole account is `root`.
    """

    policy: Policy
    provider: str
    values: frozenset[str]
    tails: frozenset[str]


def spoken(policy: Policy, provider: str) -> Spoken:
    """Collect the principals of a resource policy."""
    entries = (entry for s in policy.document.statements for entry in s.principals or ())
    values = frozenset(entry.value for entry in entries if entry.kind == "AWS" and entry.value != "*")
    return Spoken(policy, provider, values, frozenset(v.rpartition(":")[2] if ":" in v else "root" for v in values))


class Named:
    """What stands for one role in policies: its ARN as far as it is known, or the attribute that will hold it.

    Where the account is not known, an Allow to the same name in a written account, or to a written account, is taken
    to mean this one; a Deny is not.
    """

    def __init__(self, role: Role, principal: Principal, world: World) -> None:
        self._arn = role.asked_arn
        self._role = role
        self._free = not role.account
        self._own: set[str] = set()
        self._tail = ""
        self._account = ""
        instance = principal.instance
        if principal.outside and instance.mode != "data":
            return
        planned = arn_of(instance, world)
        self._own = {unknown(f"{instance.address}.arn"), planned} - {role.arn}
        if planned.startswith("arn:"):
            self._account, _, self._tail = planned.partition(":iam::")[2].rpartition(":")

    def told(self, said: Spoken) -> Policy:
        """Write the role's own ARN, as questions ask with it, in place of what stands for it in a policy."""
        if self._own.isdisjoint(said.values) and (not self._free or said.tails.isdisjoint((self._tail, "root"))):
            return said.policy
        return with_principals(said.policy, self._principal)

    def _principal(self, statement: Statement, entry: PrincipalEntry) -> PrincipalEntry:
        widens = (statement.effect == "Allow") is not statement.not_principal
        return entry._replace(value=self._entry(entry.value, widens)) if entry.kind == "AWS" else entry

    def _entry(self, value: str, widens: bool) -> str:
        if value in self._own:
            return self._arn
        if not self._free:
            return value
        own = bool(self._account) and (value == self._account or value.endswith(f":iam::{self._account}:root"))
        if own or (widens and _ACCOUNT.fullmatch(value)):
            return f"arn:{self._role.partition or 'aws'}:iam::{EXAMPLE_ACCOUNT}:root"
        match = _PRINCIPAL.fullmatch(value)
        same = match is not None and match.group(1) == self._tail and not has_unknown(self._tail)
        return self._arn if same and widens else value
