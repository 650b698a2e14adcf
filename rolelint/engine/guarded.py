"""Resource policies of a role's own account: what they grant to it and deny it (S6.5, S6.26 to S6.31, S6.40)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from rolelint.algebra.strings import LimitReached, glob, marked_arn, overlaps, wildcards
from rolelint.algebra.strings import arn as parse_arn
from rolelint.catalog import catalog
from rolelint.catalog.bits import few
from rolelint.engine.compile import CompiledStatement, compile_statement
from rolelint.engine.decision import (
    ACCOUNT_GRANT,
    BACKUP_ABROAD,
    BELOW_DOMAIN,
    DIRECT_GRANT,
    KMS_ABROAD,
    NO_GRANT,
    ROLE_GRANT,
    SQS_AT_HOME,
    TRUSTED,
    grant_strength,
    statement_reaches,
)
from rolelint.engine.match import arn_matches
from rolelint.engine.request import Principal
from rolelint.engine.scene import Layer, Scene, no_wider
from rolelint.engine.solve import star_variables, widen_unknown
from rolelint.memory import memo
from rolelint.policies.document import PolicyDocument, PrincipalEntry, Statement
from rolelint.policies.role import Policy, PolicyType, Role
from rolelint.policies.text import OPEN, VARIABLE, has_unknown, split_unknown
from rolelint.records import replace


class Placed(NamedTuple):
    """A statement of a resource policy: as written, and cut to the resource it hangs on, without its principals."""

    policy: Policy
    statement: Statement
    compiled: CompiledStatement


class Grants(NamedTuple):
    """What resource policies grant to one caller.

    Attributes:
        direct: past the identity policies, the boundary and session policies (S6.26, S6.28, S6.29).
        role: past the identity policies only (S6.27).
        denies: what the same policies deny.
    """

    direct: tuple[Placed, ...]
    role: tuple[Placed, ...]
    denies: tuple[CompiledStatement, ...]


_NONE = Grants((), (), ())
_WHOM = "whom it means is not known"


def grants(role: Role, caller: Principal) -> Grants:
    """Collect what the resource policies of the account grant to a caller beside its identity policies."""
    if not role.resource_policies:
        return _NONE
    direct: list[Placed] = []
    named: list[Placed] = []
    denies: list[CompiledStatement] = []
    for policy in role.resource_policies:
        reach = _reach(policy)
        before = len(direct) + len(named)
        for statement in policy.document.statements if reach else ():
            strength = grant_strength(statement, caller) if statement.effect == "Allow" else NO_GRANT
            if statement.not_principal and strength and may_name(statement, caller):
                statement = replace(statement, doubtful=_WHOM)
            if strength < ROLE_GRANT or (compiled := _cut(statement, policy, reach)) is None:
                continue
            (direct if strength == DIRECT_GRANT else named).append(Placed(policy, statement, compiled))
        if len(direct) + len(named) > before:
            denies += denied(policy, caller, bounded=role.boundary is not None)
    return Grants(tuple(direct), tuple(named), tuple(denies))


def granted_ways(stage: Scene) -> list[Scene]:
    """Give the ways in which resource policies alone let the holder of a role do something.

    A policy that names the role, or one of its sessions, counts past what limits identity policies: for a session the
    holder chooses its name (S4.6).
    """
    first = own_ways(stage)
    out = list(first)
    for caller in sessions(stage.role, stage.caller):
        for way in own_ways(replace(stage, caller=caller)):
            told = {s for one in first if no_wider(way, one) for s in one.identity}
            left = tuple(s for s in way.identity if s not in told)
            if left:
                out.append(replace(way, identity=left))
    return out


def own_ways(stage: Scene) -> list[Scene]:
    """Give the same ways for the caller of a scene only, whatever other sessions are granted."""
    return list(_ways(stage, grants(stage.role, stage.caller)))


def _ways(stage: Scene, given: Grants) -> Iterator[Scene]:
    # What is not known of the others may hold a Deny.
    limits = tuple(la for la in stage.layers if la.name.startswith("SCP") or la.unknown)
    denies = tuple(dict.fromkeys((*stage.denies, *given.denies)))
    for strength, placed, layers in ((ROLE_GRANT, given.role, stage.layers), (DIRECT_GRANT, given.direct, limits)):
        identity = tuple(dict.fromkeys(p.compiled for p in placed))
        if identity:
            yield replace(stage, identity=identity, layers=layers, denies=denies, grant=strength)


def newly_granted(new: Role, old: Role, caller: Principal) -> set[tuple[int, CompiledStatement]]:
    """Give what the resource policies of one version grant a caller in words that those of the other have not.

    Returns:
        How strongly, and the statement as `grants` cuts it.
    """

    def worded(role: Role) -> Iterator[tuple[int, Placed, Written]]:
        given = grants(role, caller)
        for strength, placed in ((ROLE_GRANT, given.role), (DIRECT_GRANT, given.direct)):
            yield from ((strength, p, _written(p.statement, p.policy)) for p in placed)

    had = {(strength, written) for strength, _, written in worded(old)}
    return {(strength, p.compiled) for strength, p, written in worded(new) if (strength, written) not in had}


def other_sessions(base: Scene, own: Scene, named: Collection[Policy], resource: str | None) -> Iterator[Scene]:
    """Give the sessions of the role that resource policies name, where these treat them in another way (S4.6, S4.15).

    Args:
        base: without the resource policies. own: with them, as they treat its caller.
        named: the resource policies that count.
    """
    bounded = base.role.boundary is not None
    for caller in sessions(base.role, base.caller):
        denies = (d for policy in named for d in denied(policy, caller, bounded=bounded))
        layers = (*base.layers, *guarding_layers(base.role, caller, named, resource))
        other = replace(own, caller=caller, denies=tuple(dict.fromkeys((*base.denies, *denies))), layers=layers)
        if (other.denies, other.layers) != (own.denies, own.layers):
            yield other


def sessions(role: Role, caller: Principal) -> list[Principal]:
    """List the sessions of a role that resource policies name, and one that they do not."""
    if caller.type != "role_session":
        return []
    head = caller.arn.rpartition("/")[0] + "/"
    named = {
        value: None
        for policy in (*role.resource_policies, *filter(None, (role.trust,)))
        for statement in policy.document.statements
        for kind, value in statement.principals or ()
        if kind == "AWS" and value.startswith(head) and OPEN not in value
    }
    if caller.arn in named:
        named[f"{head}another"] = None
    return [replace(caller, arn=value) for value in named if value != caller.arn]


def foreign_account(role: Role, resource: str | None) -> str:
    """Give the account of a resource where it is another than the role's and the resource's policy is known."""
    account = resource.split(":", 5)[4] if resource and resource.count(":") >= 5 else ""
    if not account or not role.account or account == role.account or guard_of(role, resource or "") is None:
        return ""
    return account


def let_in(role: Role, resource: str) -> Role:
    """Give a role whom the policy of a resource of another account, which is not known, lets do everything there."""
    anybody = Statement("Allow", ("*",), ("*",), principals=(PrincipalEntry("AWS", "*"),))
    document = PolicyDocument("2012-10-17", (anybody,))
    policy = Policy(PolicyType.RESOURCE, resource, document, lambda route: role.location, resource=resource)
    return replace(role, resource_policies=(*role.resource_policies, policy))


def callable_abroad() -> int:
    """Give the actions that callers of other accounts may be let into at all."""
    mask = 0
    for statement in _OPEN_ABROAD:
        mask |= compile_statement(statement, False).mask
    return mask


def open_abroad(role: Role, caller: Principal) -> Iterator[str]:
    """List the resources of other accounts whose policies let a role in: its own side decides beside them (S6.35)."""
    every = (caller, *sessions(role, caller))
    for policy in role.resource_policies:
        if foreign_account(role, policy.resource) and any(delegated(policy, one) for one in every):
            yield policy.resource


def guarding_layers(role: Role, caller: Principal, named: Collection[Policy], resource: str | None) -> list[Layer]:
    """Give the ceilings that resource policies are to what the identity policies of a caller allow.

    Args:
        named: the resource policies that count.
        resource: the ARN that the question is about.
    """
    foreign = foreign_account(role, resource)
    theirs = (p for p in named if foreign and governs(p, resource or ""))
    out = [Layer("resource policy", delegated(p, caller)) for p in theirs]  # S6.35
    if out:
        out.append(Layer("resource policy", tuple(compile_statement(s, False) for s in _OPEN_ABROAD)))
    return out + deciding_layers(named, caller)


def deciding_layers(policies: Iterable[Policy], caller: Principal) -> list[Layer]:
    """Give ceilings for resources on which nothing is allowed but what their own policy allows (S6.40, S6.45)."""
    known = [p for p in policies if _reach(p)]
    keys = [p for p in known if is_key(p)]
    trust = [p for p in known if p.type is PolicyType.TRUST]
    out = []
    for held, beside in ((keys, _BESIDE_KEYS), (trust, _BESIDE_TRUST)):
        if held:
            elsewhere = Statement("Allow", ("*",), tuple(_everywhere(p.resource) for p in held), not_resource=True)
            ours = (compile_statement(beside, False), compile_statement(elsewhere, False))
            out.append(Layer("resource policies", (*ours, *(s for p in held for s in delegated(p, caller)))))
    return out


def _everywhere(arn: str) -> str:
    """Write the ARN of a key for any Region: no other key has its id, unless it is one of several Regions.

    AWS: kms/latest/developerguide/mrk-how-it-works.html: the ids of those begin with `mrk-`. Read 2026-11.
    """
    fields = arn.split(":", 5)
    if fields[2] == "kms" and not fields[5].startswith("key/mrk-"):
        fields[3] = "*"
    return ":".join(fields)


#: What services let callers of other accounts do at all.
_OPEN_ABROAD = (
    Statement("Allow", ("backup:*", "kms:*", *SQS_AT_HOME), ("*",), not_action=True),
    Statement("Allow", (*BACKUP_ABROAD, *KMS_ABROAD), ("*",)),
)
#: What key policies, and trust policies, have no say in.
_BESIDE_KEYS = Statement("Allow", ("kms:*",), ("*",), not_action=True)
_BESIDE_TRUST = Statement("Allow", TRUSTED, ("*",), not_action=True)


def denied(policy: Policy, caller: Principal, *, bounded: bool) -> list[CompiledStatement]:
    """List what a resource policy denies a caller on the resource it hangs on."""
    reach = _reach(policy)
    return [c for s in _refusing(policy, caller, bounded) if (c := _cut(s, policy, reach)) is not None]


def _refusing(policy: Policy, caller: Principal, bounded: bool) -> Iterator[Statement]:
    for s in policy.document.statements:
        if s.effect != "Deny" or s.doubtful:
            continue
        reaches = statement_reaches(s, caller, has_boundary=bounded)
        if may_name(s, caller) and reaches is s.not_principal and not (bounded and s.not_principal):
            yield replace(s, doubtful=_WHOM)
        elif reaches:
            yield s


def may_name(statement: Statement, caller: Principal) -> bool:
    """Tell whether a principal that is not known may turn out to be a caller, or its role."""
    return any(
        kind in ("AWS", "*") and has_unknown(value) and _may_be(value, caller)
        for kind, value in statement.principals or ()
    )


def _may_be(value: str, caller: Principal) -> bool:
    pattern = "*".join(split_unknown(value)[::2])
    return any(glob(pattern).matches(arn) for arn in (caller.arn, caller.role_arn) if arn)


#: A statement of a resource policy, however it names the caller: the resource, and what it says of it.
Written = tuple[str, CompiledStatement]


def _written(statement: Statement, policy: Policy) -> Written:
    bare = replace(statement, principals=None, not_principal=False)
    return policy.resource, compile_statement(bare, policy.document.variables)


def delegated(policy: Policy, caller: Principal) -> tuple[CompiledStatement, ...]:
    """List the statements of a resource policy under which identity policies count (S6.35, S6.40, S6.45)."""
    reach = _reach(policy)
    return tuple(
        compiled
        for s in policy.document.statements
        if s.effect == "Allow" and grant_strength(s, caller) >= ACCOUNT_GRANT
        if (compiled := _cut(s, policy, reach)) is not None
    )


def guard_of(role: Role, arn: str) -> Policy | None:
    """Find the policy of a resource, of its bucket where it is an object; None when none is known."""
    for policy in role.resource_policies:
        if any(arn_matches(wildcards(r), arn) for r in _reach(policy)):
            return policy
    return None


def unread(role: Role) -> dict[str, Policy]:
    """List the resource policies that are not known, by the resource that they hang on."""
    return {p.resource: p for p in role.resource_policies if p.document.unknown and p.resource.count(":") >= 5}


def not_named(role: Role, caller: Principal) -> Iterator[tuple[Policy, Statement]]:
    """List the grants of resource policies of which it is not known whether they mean a caller."""
    for policy in role.resource_policies:
        if policy.type is PolicyType.TRUST or not _reach(policy):
            continue
        for s in policy.document.statements:
            if s.effect == "Allow" and may_name(s, caller) and grant_strength(s, caller) < ROLE_GRANT:
                yield policy, s


def refusing_still(new: Role, old: Role) -> tuple[Policy, ...]:
    """Give the resource policies of a role: one that is not known any more may refuse what it refused before."""
    lost = unread(new)
    denies = {
        p.resource: replace(p.document, statements=tuple(s for s in p.document.statements if s.effect == "Deny"))
        for p in old.resource_policies
        if p.resource in lost and not p.document.unknown
    }
    return tuple(
        replace(p, document=denies[p.resource]) if p.document.unknown and p.resource in denies else p
        for p in new.resource_policies
    )


def guards_named(role: Role, resource: str | None) -> Iterator[Policy]:
    """List the policies of resources that a question, or a policy over the principal by their full name, names."""
    named: set[str] = set()
    anywhere: set[str] = set()  # with policy variables, or wildcards for the partition, the Region or the account
    limits = (p for level in role.scps or () for p in level)
    for policy in (*role.identity, *filter(None, (role.boundary,)), *(role.session or ()), *(role.rcps or ()), *limits):
        for statement in policy.document.statements:
            for text in statement.resources or ():
                if text.count(":") > 4:
                    open_ = widen_unknown(VARIABLE.sub("*", text)) if OPEN in text else VARIABLE.sub("*", text)
                    whole = [open_, *(open_[:at] for at, letter in enumerate(open_) if letter == "/")]
                    named.update(whole)
                    anywhere.update(w for w in whole if "*" in w and (open_ != text or "*" not in w.split(":", 5)[5]))
    for policy in role.resource_policies:
        if (
            policy.resource in named
            or (resource and any(arn_matches(wildcards(r), resource) for r in _reach(policy)))
            or any(arn_matches(wildcards(a), policy.resource) for a in anywhere)
        ):
            yield policy


def asked_alone(role: Role) -> frozenset[str]:
    """Give the resources whose policies, and the role whose trust policy, count in questions that name no resource."""
    itself = (replace(role.trust, resource=role.arn),) if role.trust is not None and role.arn else ()
    known = replace(role, resource_policies=(*role.resource_policies, *itself))
    return frozenset(policy.resource for policy in guards_named(known, None))


def is_key(policy: Policy) -> bool:
    """Tell whether a resource policy is a key policy."""
    return ":kms:" in policy.resource and ":key/" in policy.resource


def _reach(policy: Policy) -> tuple[str, ...]:
    """Give what a resource policy governs: its resource and what lies below it; nothing where it is not known."""
    return () if policy.document.unknown else _governed(policy.resource)


def governs(policy: Policy, resource: str) -> bool:
    """Tell whether a resource, or an object in it, is under a policy, whether that is known or not."""
    return any(arn_matches(wildcards(r), resource) for r in _governed(policy.resource))


def _governed(arn: str) -> tuple[str, ...]:
    if arn.count(":") < 5 or arn.startswith(OPEN) or "*" in arn or "?" in arn:
        return ()
    service, rest = arn.split(":", 5)[2], arn.split(":", 5)[5]
    parted = (service == "s3" and "/" not in rest) or (service == "es" and rest.count("/") == 1)
    return (arn, f"{arn}/*") if parted else (arn,)


def _cut(statement: Statement, policy: Policy, reach: tuple[str, ...]) -> CompiledStatement | None:
    """Cut a statement to what its policy governs; None where nothing is left."""
    written = ("*",) if statement.resources is None else statement.resources
    covered = [arn for arn in reach if any(_covers(w, arn) for w in written)]
    kept: list[str] = []
    within: tuple[str, ...] = ()
    if statement.not_resource:
        within = tuple(arn for arn in reach if arn not in covered)
        kept += [w for w in written if any(_meets(w, arn) for arn in within)]
        if not kept:
            kept, within = [*within], ()
    else:
        for arn in reach:
            if arn in covered:
                kept.append(arn)
                continue
            for w in written:
                below = _below(w, arn)
                kept += below
                if not below and _meets(w, arn):
                    kept.append(w)
                    within = reach
    if not kept:
        return None
    if policy.type is PolicyType.TRUST:
        statement = _speaking_of(statement, "sts:*")
    elif ":es:" in policy.resource:
        statement = _speaking_of(statement, f"{BELOW_DOMAIN}*")
    bare = replace(
        statement,
        principals=None,
        not_principal=False,
        resources=tuple(kept),
        not_resource=bool(within and statement.not_resource),
    )
    return compile_statement(bare, policy.document.variables, within)


def _speaking_of(statement: Statement, pattern: str) -> Statement:
    """Take from a statement what it says of some actions: in its policy nothing else of it counts."""
    known = catalog()
    named = known.expand_all(statement.actions)
    every = few(known.expand(pattern))
    actions = (known.action(n).name for n in every if bool(named >> n & 1) is not statement.not_action)
    open_ = () if statement.not_action else filter(has_unknown, statement.actions)
    return replace(statement, actions=(*actions, *open_), not_action=False)


def _below(written: str, arn: str) -> list[str]:
    """Write a pattern as patterns of what lies below a resource; nothing where it covers all of it, or cannot be so."""
    if not arn.endswith("/*"):
        return []
    if written.startswith(arn[:-1]):
        return [written]
    if (
        "${" in written
        or has_unknown(written)
        or written.count(":") < 5
        or _covers(written, arn)
        or not _meets(written, arn)
    ):
        return []
    pattern = written.split(":", 5)[5]
    rests = {pattern}
    for letter in arn.split(":", 5)[5][:-1]:
        # What may follow a `*`: more of it, or the text behind it.
        open_ = {r for rest in rests for r in (rest[i:] for i in range(len(rest) - len(rest.lstrip("*")) + 1))}
        rests = {r if r[0] == "*" else r[1:] for r in open_ if r and r[0] in ("*", "?", letter)}
    return [arn[:-1] + rest for rest in sorted(rests)]


def _covers(written: str, arn: str) -> bool:
    """Tell whether a pattern matches an ARN, whatever stands for a `*` there: nothing, or much."""
    if written == "*" or "${" in written:
        return written == "*"
    pattern = wildcards(written)
    return all(arn_matches(pattern, arn.replace("*", rest)) for rest in ("", "\ue002" * len(written)))


_meeting: dict[tuple[str, str], bool] = memo()


def _meets(written: str, arn: str) -> bool:
    """Tell whether a pattern may match an ARN; one of which a limit leaves that open is kept, and matches by itself."""
    found = _meeting.get((written, arn))
    if found is None:
        try:
            found = overlaps(marked_arn(star_variables(widen_unknown(written))), parse_arn(arn))
        except LimitReached:
            found = True
        _meeting[written, arn] = found
    return found
