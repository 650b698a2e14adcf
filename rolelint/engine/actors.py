"""Actors: what the holder of a session can and cannot put in the request context (S5.31 ff, S9)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from rolelint.catalog import catalog
from rolelint.engine.match import action_matches
from rolelint.errors import UsageError, printable
from rolelint.memory import forget
from rolelint.policies.role import EXAMPLE_ACCOUNT, Role
from rolelint.policies.text import has_unknown
from rolelint.records import record, replace

#: Words that mark a tag key as an approval that a person gives (S9.5); a user's configuration may replace them.
APPROVAL_WORDS = (
    "approv",
    "peer-review",
    "peer_review",
    "peerreview",
    "break-glass",
    "breakglass",
    "change-id",
    "ticket",
)


@record
class Domain:
    """What one context key can be.

    Attributes:
        presence: `always`, `maybe` or `never`.
        values: the only values it can have, or None for any text.
        pattern: a glob every value matches, or empty.
        many: whether the key can hold several values at once; None where only a set operator on it tells.
        whole: with `values` and `many`: the key has all of the values at once, and nothing else.
        example: a readable value, for witnesses.
        since: the earliest moment that a date can be, or empty.
        kind: what every value can be read as: `a number`, `a date`, `an address`, `an account`, `a policy`; empty for
            text.
    """

    presence: str = "maybe"
    values: tuple[str, ...] | None = None
    pattern: str = ""
    many: bool | None = False
    example: str = ""
    whole: bool = False
    since: str = ""
    kind: str = ""


FREE = Domain()
FREE_MANY = Domain(many=True)
_FREE = {False: FREE, True: FREE_MANY, None: Domain(many=None)}
NEVER = Domain("never")


@record
class Actor:
    """On whose behalf a question is asked.

    Attributes:
        keys: what the actor fixes, by lower-cased key.
        approval: presence of approval keys (`APPROVAL_WORDS`): `never` or `maybe`.
    """

    name: str
    title: str
    keys: Mapping[str, Domain]
    approval: str = "maybe"

    def __hash__(self) -> int:
        return hash(self.name)


def parse_actors(data: Mapping[str, Any], known: Mapping[str, Actor] | None = None) -> dict[str, Actor]:
    """Read actors from their data form, `actors.schema.json`: name -> title, like, keys, approval.

    Args:
        known: actors beside these, which they may be `like`; those above it in the data are known to each as well.

    Raises:
        UsageError: when one is like an actor that is not known.
    """
    out: dict[str, Actor] = {}
    around = dict(known or {})
    for name, entry in data.items():
        like = entry.get("like")
        if like is not None and like not in around:
            raise UsageError(f"the actor `{name}` is like `{like}`, which is no actor", hint=_there_are(around))
        base = Actor(name, name, {}) if like is None else around[like]
        keys = {key.lower(): _domain(told) for key, told in entry.get("keys", {}).items()}
        approval = entry.get("approval", base.approval)
        around[name] = out[name] = Actor(name, entry.get("title", name), {**base.keys, **keys}, approval)
    return out


def _domain(told: Mapping[str, Any]) -> Domain:
    return Domain(
        told["presence"],
        tuple(told["values"]) if "values" in told else None,
        told.get("pattern", ""),
        told.get("many", False),
        told.get("example", ""),
    )


def _there_are(known: Iterable[str]) -> str:
    return f"actors are {', '.join(known)}"


_own: dict[str, Actor] = {}


@cache
def _shipped() -> dict[str, Actor]:
    with open(os.path.join(os.path.dirname(__file__), "actors.json"), encoding="utf-8") as stream:
        return parse_actors(json.load(stream))


def actors() -> dict[str, Actor]:
    """Give the actors that rolelint knows, those of `use_actors` among them."""
    return {**_shipped(), **_own}


def use_actors(data: Mapping[str, Any]) -> None:
    """Lay actors of one's own over those that rolelint knows; none goes back to these.

    Args:
        data: as `parse_actors` takes it, of the shape of `actors.schema.json`.

    Raises:
        UsageError: when one is like an actor that is not known.
    """
    made = parse_actors(data, _shipped())
    _own.clear()
    _own.update(made)
    forget()


def actor(name: str = "automation") -> Actor:
    """Find an actor by name.

    Raises:
        UsageError: when there is no such actor.
    """
    found = _own.get(name) or _shipped().get(name)
    if found is None:
        raise UsageError(f"unknown actor `{printable(name)}`", hint=_there_are(actors()))
    return found


TWELVE = "????????????"


def account_like(pattern: str) -> str:
    """Write an account, which has twelve digits, that a pattern fits; nothing where it fits none."""
    head, star, tail = pattern.replace("?", "1").partition("*")
    tail = tail.replace("*", "")
    made = head + (EXAMPLE_ACCOUNT[len(head) : len(EXAMPLE_ACCOUNT) - len(tail)] if star else "") + tail
    return made if len(made) == len(TWELVE) and made.isascii() and made.isdigit() else ""


_ACCOUNT = Domain("maybe", None, TWELVE, example=EXAMPLE_ACCOUNT, kind="an account")

#: Keys whose presence AWS's pages state for a request that a role session or user signs itself (S5.31 to S5.37).
_GLOBAL: Mapping[str, Domain] = {
    "aws:principalisawsservice": Domain("always", ("false",)),
    "aws:principalservicename": NEVER,
    "aws:principalservicenameslist": NEVER,
    "aws:principalorgid": Domain("maybe", None, "o-*", example="o-exampleorgid"),
    "aws:principalorgpaths": Domain("maybe", None, "o-*", many=True, example="o-exampleorgid/r-ab12/ou-ab12-11111111/"),
    "aws:resourceorgpaths": Domain("maybe", None, "o-*", many=True, example="o-exampleorgid/r-ab12/ou-ab12-11111111/"),
    "aws:vpceorgpaths": FREE_MANY,
    "aws:assumedroot": NEVER,
    "aws:securetransport": Domain("always", ("true", "false")),
    "aws:useragent": Domain("always", example="aws-cli/2"),
    "aws:requestedregion": Domain("always"),
    "aws:userid": Domain("always"),
    "aws:sourcearn": NEVER,
    "aws:sourceaccount": NEVER,
    "aws:sourceorgid": NEVER,
    # AWS: sns/latest/dg/sns-access-policy-use-cases.html, "aws:SourceAccount versus aws:SourceOwner": both are set for
    # calls of services (S5.37). That a role's own call carries neither follows from there; AWS does not say it.
    "aws:sourceowner": NEVER,
    "aws:sourceorgpaths": NEVER,
    "aws:viaawsservice": Domain("always", ("false", "true")),
    "aws:calledvia": FREE_MANY,
    "aws:tagkeys": FREE_MANY,
    "aws:resourceaccount": _ACCOUNT,
    "aws:sourceip": Domain("maybe", example="203.0.113.10"),
}


def key_domain(key: str, who: Actor, role: Role, many: bool | None) -> Domain:
    """Work out what a context key can be in a request of this role's holder.

    Args:
        key: lower-cased.
        many: whether the catalogue lists the key as multivalued; None where it does not list the key.
    """
    return _typed(_key_domain(key, who, role, many), key)


def _typed(domain: Domain, key: str) -> Domain:
    """Leave only values that a key can have by its published type."""
    if domain.presence == "never" or domain.values is not None or domain.pattern:
        return domain
    if key in _OF_POLICIES:
        return _POLICY
    kind = (catalog().key_type(key) or "").removeprefix("ArrayOf")
    if kind == "Bool" and not domain.many:
        return replace(domain, values=("true", "false"))
    if kind == "ARN":
        return replace(domain, pattern="arn:*:*:*:*:*", example=domain.example or "arn:aws:s3:::example")
    if kind in _KINDS:
        name, example = _KINDS[kind]
        return replace(domain, kind=name, example=domain.example or example)
    return domain


#: Keys whose value is the ARN of a managed policy.
_OF_POLICIES = frozenset(("iam:policyarn", "iam:permissionsboundary"))
_POLICY = Domain(
    pattern="arn:*:iam::*:policy/*", kind="a policy", example="arn:aws:iam::aws:policy/AdministratorAccess"
)
#: A user's temporary credentials say that there was no MFA; its access keys say nothing (S5.18, S5.32).
_NO_MFA = Domain("maybe", ("false",))
#: How values of published types are read, with an example.
_KINDS = {
    "Numeric": ("a number", "1"),
    "Date": ("a date", "2030-01-01T00:00:00Z"),
    "IPAddress": ("an address", "203.0.113.10"),
}


def _key_domain(key: str, who: Actor, role: Role, many: bool | None) -> Domain:
    fixed = who.keys.get(key)
    if fixed is not None:
        if key == "aws:multifactorauthpresent" and fixed.presence == "never" and role.kind in ("user", "policy"):
            return _NO_MFA
        return fixed
    if key.startswith("aws:principaltag/"):
        return _principal_tag(key[len("aws:principaltag/") :], who, role)
    if key == "aws:sourceidentity" and who.approval == "never" and not _trust_names(role, "sts:setsourceidentity"):
        return NEVER
    own = _own_key(key, role)
    if own is not None:
        return own
    if key == "aws:currenttime":
        return _from_now(f"{catalog().header['date']}T00:00:00Z")
    if key == "aws:epochtime":
        from datetime import date

        days = date.fromisoformat(catalog().header["date"]) - date(1970, 1, 1)
        return _from_now(str(days.days * 86_400))
    return _GLOBAL.get(key) or _FREE[many]


def _from_now(moment: str) -> Domain:
    """AWS's clock: any moment from the catalogue's date on. What had expired by then is over (S5.36, S9.11)."""
    return Domain("always", example=moment, since=moment)


def is_approval(key: str) -> bool:
    """Tell whether a key is named like an approval."""
    return any(word in key for word in APPROVAL_WORDS)


def _principal_tag(tag: str, who: Actor, role: Role) -> Domain:
    """A tag of the user or role itself, unless somebody may tag the session (S5.54); a user's own calls have none."""
    from rolelint.engine.tagging import chosen_tags, may_tag_session

    if has_unknown(tag):
        return FREE  # it may be any tag
    own = next((value for name, value in (role.tags or {}).items() if name.lower() == tag), None)
    known = role.kind == "user" or (role.trust is not None and not _trust_names(role, "sts:TagSession"))
    guarded = who.approval == "never" and is_approval(tag)  # S9.5, S9.6
    if tag not in chosen_tags(role, who) and (
        (known and role.tags is not None) or (guarded and not may_tag_session(role, tag))
    ):
        return NEVER if own is None else Domain("always", (own,))
    # What a session is tagged with comes before what the role is. Where no trust policy is known, it may be.
    return FREE if own is None else Domain("always", example=own)


def _trust_names(role: Role, action: str) -> bool:
    """Tell whether the trust policy lets anybody do something beside assuming the role."""
    if role.trust is None:
        return False
    if role.trust.document.unknown:
        return True
    return any(
        s.effect == "Allow"
        and any(action_matches(a, action) or (has_unknown(a) and not s.not_action) for a in s.actions)
        is not s.not_action
        for s in role.trust.document.statements
    )


def _own_key(key: str, role: Role) -> Domain | None:
    user = role.kind == "user"
    lone = role.kind == "policy"
    if key == "aws:principalarn":
        if role.arn:
            return Domain("always", (role.arn,))
        partition = role.partition or "aws*"
        account = role.account or TWELVE
        what = "?*" if lone else "user/?*" if user else "role/?*"
        return Domain("always", None, f"arn:{partition}:iam::{account}:{what}", example=role.asked_arn)
    if key in ("aws:principalaccount", "kms:calleraccount"):
        return Domain("always", (role.account,)) if role.account else replace(_ACCOUNT, presence="always")
    if key == "aws:principaltype":
        return Domain("always", ("AssumedRole", "User") if lone else ("User",) if user else ("AssumedRole",))
    if key == "aws:userid" and not lone:
        # AWS: IAM/latest/UserGuide/reference_identifiers.html, "Understanding unique ID prefixes".
        example = "AIDAEXAMPLEID" if user else "AROAEXAMPLEID:session"
        return Domain("always", None, "AIDA*" if user else "AROA*:*", example=example)
    if key == "aws:tokenissuetime":
        return Domain("maybe" if user or lone else "always")  # S5.32: access keys carry none
    if key == "aws:username":
        return Domain("always", (role.name,)) if user else FREE if lone else NEVER
    if key in ("aws:resourceaccount", "s3:resourceaccount") and role.account:
        return Domain("maybe", (role.account,))
    return None
