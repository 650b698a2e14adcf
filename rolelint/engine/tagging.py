"""Who sets the tags by which a principal is known: whether a role's holder can choose them itself (S5.54, S9.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rolelint.memory import memo
from rolelint.policies.text import has_unknown

if TYPE_CHECKING:
    from rolelint.engine.actors import Actor, Domain
    from rolelint.engine.request import Principal
    from rolelint.policies.role import Policy, Role

_TAG = "aws:principaltag/"
_REQUESTED = "aws:requesttag/"
#: The actions that change the tags of a principal, by its kind. A lone policy may be that of a user or of a role; the
#: roles of permission sets are kept by Identity Center.
_OWN = {"role": ("iam:TagRole",), "user": ("iam:TagUser",), "policy": ("iam:TagRole", "iam:TagUser")}

_chosen: dict[tuple[int, str], tuple[Role, frozenset[str]]] = memo()
_lent: dict[tuple[int, str, str], tuple[Policy, bool]] = memo()
#: ARNs of the principals that are being asked about, whatever the objects that stand for them.
_asking: set[str] = set()


def chosen_tags(role: Role, who: Actor) -> frozenset[str]:
    """List the tags that the policies of a role ask of their principal and that it may set on itself, lower-cased.

    A grant of tagging that hangs on such a tag itself does not count: nobody has the tag before.
    """
    key = (id(role), who.name)
    found = _chosen.get(key)
    if found is not None and found[0] is role:
        return found[1]
    if role.asked_arn in _asking:
        return frozenset()
    tags: frozenset[str] = frozenset()
    asked = _asked(role)
    if asked:
        _asking.add(role.asked_arn)
        try:
            tags = frozenset(tag for tag in asked if _tags_itself(role, tag, who))
        finally:
            _asking.discard(role.asked_arn)
    _chosen[key] = (role, tags)
    return tags


def _asked(role: Role) -> set[str]:
    """List the principal tags that the policies of a role test for."""
    from rolelint.engine.compile import compile_document

    keys: set[str] = set()
    for policy in role.policies():
        for statement in compile_document(policy.document).statements:
            if statement.personal:
                keys.update(c.key for c in statement.conditions)
                keys |= statement.refs
    return {key[len(_TAG) :] for key in keys if key.startswith(_TAG)}


def _tags_itself(role: Role, tag: str, who: Actor) -> bool:
    from rolelint.catalog import catalog
    from rolelint.engine.questions import YES, can

    own = role.asked_arn
    spelled = _spelled(tag, role.policies())
    return any(
        can(role, action, resource=arn, context={"aws:TagKeys": tags}, who=who).verdict == YES
        for action in _OWN.get(role.kind, ())
        for arn in {own, own.replace(":role/", ":user/") if action == "iam:TagUser" else own}
        for tags in tags_to_bring(role, spelled, catalog().expand(action))
    )


def tags_to_bring(role: Role, tag: str, actions: int) -> list[tuple[str, ...]]:
    """List the tags with which a call may set a tag: it alone, or with those that a statement on the actions tests."""
    from rolelint.engine.compile import compile_document

    found: dict[tuple[str, ...], None] = {(tag,): None}
    for policy in role.policies():
        for statement in compile_document(policy.document).statements:
            if statement.possible_mask & actions:
                others: dict[str, None] = {}
                for condition in statement.conditions:
                    if condition.key.startswith(_REQUESTED):
                        others[condition.condition.key_text.partition("/")[2]] = None
                    elif condition.key == "aws:tagkeys" and condition.condition.quantifier == "ForAnyValue":
                        others.update((v, None) for v in condition.condition.values if not set(v) & {"*", "?", "$"})
                found[(tag, *(other for other in others if other.lower() != tag.lower()))] = None
    return list(found)


def _spelled(tag: str, policies: Iterable[Policy]) -> str:
    """Write a tag's name as tests of `aws:TagKeys` write it: they mind the case, principals' tags do not (S10.17)."""
    for policy in policies:
        for statement in policy.document.statements:
            for condition in statement.conditions:
                for value in condition.values if condition.key == "aws:tagkeys" else ():
                    head, star, _ = value.partition("*")
                    if head.lower() == tag or (star and tag.startswith(head.lower())):
                        return head + tag[len(head) :]
    return tag


def may_tag_session(role: Role, tag: str) -> bool:
    """Tell whether the trust policy lets somebody assume the role with a tag of their choice.

    The tags of web identity, SAML and services come from those, and a principal that is named like an approval gives
    one.
    """
    policy = role.trust
    if policy is None:
        return False
    key = (id(policy), tag, role.asked_arn.rpartition(":")[0])
    found = _lent.get(key)
    if found is None or found[0] is not policy:
        may = bool(policy.document.unknown) or any(_may_tag(policy, c, tag) for c in _callers(policy, role))
        found = _lent[key] = (policy, may)
    return found[1]


def _may_tag(policy: Policy, caller: Principal, tag: str) -> bool:
    from rolelint.engine.actors import Domain
    from rolelint.engine.questions import NO
    from rolelint.engine.trust import trust_allows

    context: Mapping[str, Domain | str | None] = {
        "aws:TagKeys": Domain("always", (_spelled(tag, (policy,)),), many=True, whole=True),
        f"aws:RequestTag/{tag}": Domain("always"),
    }
    return trust_allows(policy, caller, "sts:TagSession", context=context).verdict != NO


def _callers(policy: Policy, role: Role) -> Iterable[Principal]:
    """Give one caller for each AWS principal that a trust policy names, or its conditions do, but for approvers."""
    from rolelint.engine.actors import is_approval
    from rolelint.engine.arns import named_like
    from rolelint.engine.request import Principal

    home = role.asked_arn.split(":")
    for statement in policy.document.statements:
        anybody = statement.not_principal or statement.principals is None
        names = ["*"] if anybody else [p.value for p in statement.principals or () if p.kind in ("AWS", "*")]
        if names:
            names += [
                named_like(value, role.asked_arn)
                for condition in statement.conditions
                if condition.key in ("aws:principalarn", "aws:principalaccount") and "Not" not in condition.operator
                for value in condition.values
            ]
        for name in names if statement.effect == "Allow" else ():
            fields = name.split(":", 5) if not has_unknown(name) else []
            if is_approval(name.lower()):
                continue
            if len(fields) == 6 and fields[5].startswith("user/"):
                yield Principal("user", arn=name, account=fields[4])
                continue
            account = fields[4] if len(fields) == 6 else name if name.isdigit() else home[4]
            partition = fields[1] if len(fields) == 6 else home[1]
            path = fields[5] if len(fields) == 6 and fields[5].startswith("role/") else "role/anyone"
            yield Principal(
                "role_session",
                arn=f"arn:{partition}:sts::{account}:assumed-role/{path.rpartition('/')[2]}/session",
                role_arn=name if has_unknown(name) else f"arn:{partition}:iam::{account}:{path}",
                account=account,
            )
