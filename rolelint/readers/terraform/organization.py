"""The policies of an organization in Terraform, and the accounts that they limit as far as the configuration tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rolelint.errors import Problem
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.policies.text import has_unknown, unknown
from rolelint.readers.parts import full_access, unfollowed
from rolelint.readers.terraform.assemble import Assembler
from rolelint.readers.terraform.principals import Inline
from rolelint.readers.terraform.world import Instance

_POLICIES = ("aws_organizations_policy", "awscc_organizations_policy")
_ATTACHMENT = "aws_organizations_policy_attachment"
_ORGANIZATION = "aws_organizations_organization"
#: Types of accounts, with the attributes that hold the account's id and that of what it is in; units likewise.
_ACCOUNTS = {
    "aws_organizations_account": ("id", "parent_id"),
    "awscc_organizations_account": ("account_id", "parent_ids"),
}
_INSIDE = {
    **_ACCOUNTS,
    "aws_organizations_organizational_unit": ("id", "parent_id"),
    "awscc_organizations_organizational_unit": ("id", "parent_id"),
}
#: Types that matter here, for readers that choose which instances to look at.
TYPES = frozenset((*_POLICIES, _ATTACHMENT, _ORGANIZATION, *_INSIDE))
#: The id of `FullAWSAccess`.
_FULL_ACCESS = "p-FullAWSAccess"
#: What written types of policies are here; the others hold no IAM statements (S6.11).
_KINDS = {"SERVICE_CONTROL_POLICY": PolicyType.SCP, "RESOURCE_CONTROL_POLICY": PolicyType.RCP}


class _Attached(NamedTuple):
    """A policy (None: not known for sure), the root, unit or account it hangs on, and what hangs it there."""

    policy: Policy | None
    target: str
    by: Instance


class Organization:
    """The SCPs and RCPs of a world and what they hang on.

    Args:
        memo: parsed documents by their text.
        problems: takes what is not known of the policies.

    Attributes:
        policies: all of them, in order of appearance.
        applied: those that limit a role which was asked about.
    """

    def __init__(self, assembler: Assembler, memo: dict[Any, Any], problems: list[Problem] | None = None) -> None:
        self._world = assembler.world
        self._memo = memo
        self.policies: list[Policy] = []
        self.applied: list[Policy] = []
        held: dict[str, tuple[Policy | None, Instance]] = {}
        for instance in self._world.of_type(*_POLICIES):
            kind = _KINDS.get(instance.text("type") or "SERVICE_CONTROL_POLICY")
            held[self._own(instance, "id")] = (None, instance)
            if kind is None:
                continue
            arn = instance.text("arn")
            item = Inline(instance.label("name"), instance.values.get("content"), instance, ("content",))
            policy = assembler.policy(kind, item, "" if has_unknown(arn) else arn, inline=False)
            self.policies.append(policy)
            held[self._own(instance, "id")] = (policy, instance)
            if problems is not None:
                problems += assembler.doubts(policy, kind.value.upper(), item)
        self._attached = list(self._attachments(held))
        self._followed: set[int] = set()
        self._parents: dict[str, str] = {}
        self._members: set[str] = set()
        self._managing: set[str] = set()
        for instance in self._world.instances.values() if self._attached else ():
            if instance.type in _INSIDE:
                own, above = _INSIDE[instance.type]
                node = self._own(instance, own)
                self._parents.update((node, parent) for parent in self._nodes(instance.values.get(above)))
                if instance.type in _ACCOUNTS:
                    self._members.add(node)
            elif instance.type == _ORGANIZATION:
                # The account that makes an organization is its management account.
                made = instance.mode == "managed" and not instance.maybe
                made_by = self._world.account(instance.provider) if made else ""
                self._managing |= {t for t in (instance.text("master_account_id"), made_by) if t and not has_unknown(t)}

    def limit(self, role: Role, provider: str) -> None:
        """Put the SCPs and RCPs around a role that hang on its account, or on what its account is in.

        Every level is taken to hold `FullAWSAccess` as well, which AWS attaches and configurations do not show.

        Args:
            provider: the provider configuration that the role belongs to.
        """
        if not self._attached or role.kind == "permission-set":
            return
        account = self._world.account(provider)
        levels: list[tuple[Policy, ...]] = []
        rcps: list[Policy] = []
        for node in reversed(self._path(account)):
            scps: list[Policy] = []
            for number, attached in enumerate(self._attached):
                policy = attached.policy
                if policy is not None and attached.target == node and self._is_member(account):
                    self._followed.add(number)
                    (scps if policy.type is PolicyType.SCP else rcps).append(policy)
            if scps:
                levels.append((full_access(scps[0], self._memo), *scps))
            self.applied += scps
        self.applied += rcps
        if levels:
            role.scps = tuple(levels)
        if rcps:
            role.rcps = tuple(rcps)

    def unfollowed(self) -> Iterator[Problem]:
        """Tell of the first attachment that limits no role which is asked about, as far as known."""
        for number, attached in enumerate(self._attached):
            if number not in self._followed:
                yield unfollowed(self._world.place(attached.by, (), ()))
                return

    def _attachments(self, held: dict[str, tuple[Policy | None, Instance]]) -> Iterator[_Attached]:
        """List what hangs where, leaving out policies that are no SCPs or RCPs."""
        for instance in self._world.of_type(_ATTACHMENT):
            for node in self._nodes(instance.values.get("policy_id")):
                policy, owner = held.get(node, (None, None))
                if (owner is not None and policy is None) or node == _FULL_ACCESS:
                    continue
                there = policy if owner is not None and not owner.maybe and not instance.maybe else None
                for target in self._nodes(instance.values.get("target_id")):
                    yield _Attached(there, target, instance)
        for policy, instance in held.values():
            for target in self._nodes(instance.values.get("target_ids")) if policy is not None else ():
                yield _Attached(None if instance.maybe else policy, target, instance)

    def _path(self, account: str) -> list[str]:
        """List an account and what it is in, as far as the configuration tells."""
        path = [account]
        while (above := self._parents.get(path[-1])) and above not in path:
            path.append(above)
        return path

    def _is_member(self, account: str) -> bool:
        """Tell whether an account is known not to be the management account, which nothing limits (S6.14, S6.22).

        Who attaches a policy tells nothing: a member may, where the management account delegates that.
        """
        # AWS: orgs_delegate_policies.html, "delegate policy management for Organizations to specified member accounts".
        if account in self._managing:
            return False
        return account in self._members or (bool(self._managing) and not has_unknown(account))

    def _own(self, instance: Instance, attribute: str) -> str:
        return next(self._nodes(unknown(f"{instance.address}.{attribute}")))

    def _nodes(self, value: object) -> Iterator[str]:
        """Name roots, units, accounts and policies by their ids; by their addresses where those are not known."""
        for one in value if isinstance(value, list) else [value]:
            followed = self._world.follow(one)
            if isinstance(followed, str):
                yield followed
