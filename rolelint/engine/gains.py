"""Compare two versions of a role: what does one allow that the other does not?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rolelint.algebra.strings import LimitReached
from rolelint.catalog import Signature, catalog
from rolelint.catalog.bits import few, split
from rolelint.engine.actors import Actor, actor
from rolelint.engine.classes import Group, Solved, by_support, ceilings, groups, solve, with_others
from rolelint.engine.compile import CompiledStatement, compile_statement
from rolelint.engine.extent import meeting, type_shapes
from rolelint.engine.keys import Undecided
from rolelint.engine.power import content_key, powers
from rolelint.engine.questions import (
    YES,
    Found,
    called,
    confirm,
    grantable,
    of_service,
    possible_reason,
    unnamed_text,
    unread_text,
)
from rolelint.engine.scene import Scene, no_wider, request_principal, scene
from rolelint.engine.solve import View, raw_view
from rolelint.findings.model import Witness
from rolelint.memory import alone, memo
from rolelint.policies.document import PolicyDocument
from rolelint.policies.role import Role
from rolelint.policies.text import has_unknown
from rolelint.records import record, replace


@record
class Gain:
    """Actions that a new version of a role allows on some request that the old one did not, with a witness."""

    mask: int
    witness: Witness


@record
class Difference:
    """What one role allows and another does not.

    Attributes:
        gains: groups of actions, each with a witness that `decide` allows for the new role and not for the old.
        unknown: reasons, with the actions they concern.
    """

    gains: tuple[Gain, ...]
    unknown: tuple[tuple[int, str], ...]

    @property
    def mask(self) -> int:
        """Every action that is gained."""
        out = 0
        for gain in self.gains:
            out |= gain.mask
        return out


@alone
def difference(new: Role, old: Role | None, *, within: int | None = None, who: Actor | None = None) -> Difference:
    """Work out what `new` allows and `old` does not; with no old role, everything that `new` allows.

    Each is judged with its own ARN, account and tags; a request is the same where action, resource and what the caller
    puts into its context are. Policies that are not known in one of them make the answer
    UNKNOWN for the actions concerned.

    Args:
        within: the actions of interest, as a mask over the catalogue; all of them by default.
        who: on whose behalf; automation by default.

    Returns:
        Nothing is gained where both `gains` and `unknown` are empty; `catalog().names(mask)` names actions.
    """
    asker = who or actor()
    mask = catalog().full if within is None else within
    if old is not None and not new.partition and not old.partition:
        # Both are in one partition: where they name different ones, in one of these.
        named = sorted({p for version in (new, old) if (p := scene(version, asker).partition)})
        if len(named) > 1:
            return _in_each(new, old, named, mask, asker)
    found = _as_written(new, old, mask, asker)
    if old is None or not found.gains or not (_names_unknown(new) or _names_unknown(old)):
        return found
    from rolelint.engine.places import alike

    open_ = 0
    for versions in alike(new, old):
        left = found.mask & ~open_
        open_ |= left if versions is None else left & ~_as_written(*versions, left, asker).mask
    if not open_:
        return found
    sure = _as_written(new, old, mask & ~open_, asker)
    return replace(
        sure, unknown=(*sure.unknown, (open_, "a Region, account or partition is known in one version only"))
    )


def _in_each(new: Role, old: Role, partitions: list[str], mask: int, asker: Actor) -> Difference:
    found = Difference((), ())
    for p in partitions:
        left = mask & ~found.mask
        one = difference(replace(new, partition=p), replace(old, partition=p), within=left, who=asker)
        found = Difference((*found.gains, *one.gains), (*found.unknown, *one.unknown))
    open_ = ((part & ~found.mask, reason) for part, reason in found.unknown)
    return replace(found, unknown=tuple((part, reason) for part, reason in open_ if part))


def _names_unknown(role: Role) -> bool:
    """Tell whether something that the policies of a role name is not known."""
    return any(
        has_unknown(text)
        for policy in role.policies()
        for statement in policy.document.statements
        for text in (*(statement.resources or ()), *(v for c in statement.conditions for v in c.values))
    )


def _as_written(new: Role, old: Role | None, mask: int, asker: Actor) -> Difference:
    """Work out the difference where a value that is not known is no other value."""
    if old is None:
        before = Role("role", new.name, new.location, new.arn, new.account, new.partition)
    elif _facts(old) == _facts(new) and _brought(old, asker) == _brought(new, asker):
        before = old
    else:
        from rolelint.engine.settled import renamed, settle

        before = replace(settle(old, asker), **_facts(new))
        if old.asked_arn != new.asked_arn:
            trust = None if old.trust is None else renamed((old.trust,), old, new)[0]
            before = replace(before, resource_policies=renamed(before.resource_policies, old, new), trust=trust)
    found = Difference((), tuple(_guards_not_known(new, before, asker, mask)))
    if new.resource_policies:
        from rolelint.engine.guarded import refusing_still

        new = replace(new, resource_policies=refusing_still(new, before))
    for stage, earlier, asked in _compared(new, before, asker, mask):
        fresh = _newly_granted(stage, earlier)
        key = (content_key(stage, asked), content_key(earlier, asked), new.arn, new.name, fresh)
        one = _differences.get(key)
        if one is None:
            one = _differences[key] = _difference(stage, earlier, asked, fresh)
        missing = tuple(_not_known(stage, earlier, asked))
        found = Difference((*found.gains, *one.gains), (*found.unknown, *one.unknown, *missing))
    if not found.unknown:
        return found
    left: dict[str, int] = {}
    for concerned, reason in found.unknown:
        left[reason] = left.get(reason, 0) | concerned & ~found.mask
    return replace(found, unknown=tuple((m, reason) for reason, m in left.items() if m))


def _compared(new: Role, old: Role, asker: Actor, mask: int) -> Iterator[tuple[Scene, Scene, int]]:
    """Give the scenes to compare, with the actions in question.

    One pair is enough where no policy of a resource counts. Else there is one for each session that these name, and one
    for each resource of another account whose policy counts beside those of the role.
    """
    from rolelint.engine import guarded

    guards = False
    ours, theirs = ((_texts(version), _trusted(version)) for version in (new, old))
    if any((*ours, *theirs)):
        # Where they changed, or whom NotPrincipal spares did (S4.16), a Deny that went or a key that opened is a gain;
        # and what only the old version names is refused to both.
        guards = (ours, new.boundary is None) != (theirs, old.boundary is None)
        guards = guards or not guarded.asked_alone(old) <= guarded.asked_alone(new)
    if not guards and not new.resource_policies:
        yield scene(new, asker), scene(old, asker), mask
        return
    first = request_principal(new)
    versions = (new, old) if guards else (new,)
    named = [caller for version in versions for caller in guarded.sessions(version, first)]
    foreign = [policy for policy in new.resource_policies if guarded.foreign_account(new, policy.resource)]
    for caller in dict.fromkeys((first, *named)):
        after = scene(new, asker, guards=guards, caller=caller)
        yield after, scene(old, asker, guards=guards, caller=caller), mask
        for policy in foreign:
            arn = policy.resource
            part = mask & catalog().service_mask(arn.split(":", 3)[2])
            # A resource of another account without a policy is none that the role can use (S6.35).
            shut = replace(policy, document=PolicyDocument("2012-10-17", ()))
            known = old if guarded.foreign_account(old, arn) else replace(old, resource_policies=(shut,))
            after = scene(new, asker, (), arn, guards=guards, caller=caller)
            yield after, scene(known, asker, (), arn, guards=guards, caller=caller), part


def _newly_granted(after: Scene, before: Scene) -> frozenset[tuple[int, CompiledStatement]]:
    if not after.also:
        return frozenset()
    from rolelint.engine.guarded import newly_granted

    return frozenset(newly_granted(after.role, before.role, after.caller))


def _not_known(after: Scene, before: Scene, mask: int) -> Iterator[tuple[int, str]]:
    """Say what may be gained through policies that are not known, or that were not."""
    now, had = _unread(after.role), _unread(before.role)
    for key, text in now.items():
        if key not in had or not no_wider(after, before):
            yield mask, text
    limits = _unknown_limits(before) - _unknown_limits(after) if before.guessed else ()
    gone = [text for key, text in had.items() if key not in now]
    if not limits and not gone:
        return
    # What may have been refused before.
    allowed = 0
    for way in (after, *after.also):
        for statement in way.identity:
            allowed |= statement.possible_mask & mask
    if limits:
        yield allowed, possible_reason(before)
    yield from ((allowed, text) for text in gone)


def _guards_not_known(new: Role, old: Role, asker: Actor, mask: int) -> Iterator[tuple[int, str]]:
    """Say what may be gained through policies of resources that are not known in one version only."""
    if not new.resource_policies and not old.resource_policies:
        return
    from rolelint.engine.guarded import denied, not_named, unread

    caller = request_principal(new)
    known = {(p.resource, compile_statement(s, p.document.variables)) for p, s in not_named(old, caller)}
    for policy, written in not_named(new, caller):
        compiled = compile_statement(written, policy.document.variables)
        if (policy.resource, compiled) not in known:
            part = grantable(scene(new, asker), mask & compiled.possible_mask, policy)
            yield part and part & ~powers(old, asker, part).everywhere, unnamed_text(policy)
    now, had = unread(new), unread(old)
    if now.keys() == had.keys():
        return
    after = scene(new, asker)
    for arn, policy in now.items():
        if arn not in had and (part := grantable(after, mask, policy)):
            before = scene(old, asker)
            refusing = (p for p in old.resource_policies if p.resource == arn)
            if not any(denied(p, before.caller, bounded=old.boundary is not None) for p in refusing):
                part &= ~powers(old, asker, part).everywhere
            yield part, unread_text(policy)
    allowed = 0
    for way in (after, *after.also):
        for statement in way.identity:
            allowed |= statement.possible_mask
    for arn, policy in had.items():
        if arn not in now:  # it may have refused what is allowed now
            yield allowed & mask & of_service(policy), unread_text(policy)


def _unread(role: Role) -> dict[tuple[str, ...], str]:
    """List what may give power to a role and is not known, with what to say of it.

    What is not known of one of its policies is judged with that policy.
    """
    out: dict[tuple[str, ...], str] = {}
    for policy in role.identity:
        reason = policy.document.unknown
        if reason:
            out[policy.name, policy.arn, reason] = unread_text(policy)
    for unknown in role.unknowns:
        what, reason = unknown.what, unknown.reason
        told = (p.document.unknown == reason or f"`{p.name}`" in f"{what} {reason}" for p in role.identity)
        if unknown.widens and not any(told):
            out[what, reason] = f"{what}: {reason}"
    return out


def _unknown_limits(stage: Scene) -> set[tuple[str, str]]:
    """List what could only remove power and is not known: of one name, it is the same in both versions."""
    layers = {(layer.name, layer.unknown) for layer in stage.layers if layer.unknown}
    return layers | {(u.what, u.reason) for u in stage.role.unknowns if not u.widens}


def _facts(role: Role) -> dict[str, Any]:
    return {name: getattr(role, name) for name in ("name", "arn", "account", "partition", "tags")}


def _brought(role: Role, who: Actor) -> tuple[object, ...]:
    """Give what decides which tags and source identity a session can have beside the role's own tags (S5.54)."""
    from rolelint.engine.tagging import chosen_tags

    return (None if role.trust is None else role.trust.document, chosen_tags(role, who))


def _texts(role: Role) -> list[tuple[str, object]]:
    return [(p.resource, p.document) for p in role.resource_policies]


def _trusted(role: Role) -> object:
    return role.trust and role.trust.document


_differences: dict[tuple[object, ...], Difference] = memo()


class _Tally:
    """The gains that were found so far, and what is not known of others.

    Attributes:
        mask: what is gained.
    """

    def __init__(self, before: Scene) -> None:
        self.before = before
        self.gains: list[Gain] = []
        self.unknown: list[tuple[int, str]] = []
        self.mask = 0

    def judge(
        self, way: Scene, group: Group, losers: _Old, signature: Signature, actions: int, certain: bool, loose: bool
    ) -> None:
        """Judge one class of actions of the new role.

        Args:
            loose: what is not known of the limits was read for the holder: a gain stays open.
        """
        actions &= ~self.mask
        try:
            found = list(_gained(way, self.before, group, losers, signature, actions))
        except (Undecided, LimitReached) as error:
            self.unknown.append((actions, str(error)))
            return
        for gained, solved in found:
            number = (gained & -gained).bit_length() - 1
            answer = confirm(way, Found(number, solved), {}, certain, self.before)
            if answer.verdict != YES or answer.witness is None:
                self.unknown.append((gained, answer.reason))
            elif loose:
                self.unknown.append((gained, possible_reason(way)))
            else:
                self.gains.append(Gain(gained, answer.witness))
                self.mask |= gained


def _difference(
    after: Scene,
    before: Scene,
    mask: int,
    fresh: frozenset[tuple[int, CompiledStatement]],
) -> Difference:
    found = _Tally(before)
    failures = _failures(before)
    for way in (after, *after.also):
        kept = _kept(way, before, fresh)
        limits = {*way.denies, *(s for layer in way.layers for s in layer.statements)}
        # What is not known of the statements around one is read against the holder first; then for it, which leaves a
        # gain open. Those are the limits, and for several resources what allows the others.
        asked = mask
        if not any(s.uncertain for s in limits):
            asked = mask & catalog().several if any(s.uncertain for s in way.identity) else 0
        around = ceilings(way, mask, certain=False)
        for certain in (False,) if way.guessed else (True, False) if asked else (True,):
            loose = not certain and not way.guessed
            open_limits = frozenset(s for s in limits if s.uncertain and loose)
            for statement in sorted(way.identity, key=lambda s: (not s.covers_all, len(s.conditions))):
                if statement in kept or (loose and statement.uncertain):
                    continue
                rest = mask & ~found.mask
                if loose:
                    rest &= asked & ~_reached_before(statement, way, before)
                for group, losers, signature, actions in _classes(
                    way, before, statement, failures, rest, certain, open_limits
                ):
                    found.judge(way, group, losers, signature, actions, certain, loose)
        for statement in way.identity:
            # What is certain of a statement is judged above; what it may reach besides stays open.
            open_ = statement.possible_mask & around.allowed & ~found.mask
            if not way.guessed and statement.uncertain and open_:
                open_ &= ~_reached_before(statement, way, before)
                if open_:
                    found.unknown.append((open_, f"{called(statement)} is not fully known yet"))
    return Difference(tuple(found.gains), tuple(found.unknown))


def _classes(
    way: Scene,
    before: Scene,
    statement: CompiledStatement,
    failures: tuple[tuple[CompiledStatement, ...], ...],
    mask: int,
    certain: bool,
    open_limits: frozenset[CompiledStatement],
) -> Iterator[tuple[Group, _Old, Signature, int]]:
    """Split the actions of one new Allow by what is around it, in both versions, and by resource types."""
    for group in groups(statement, ceilings(way, mask, certain), certain):
        for part, losers in _split_by_old(group.mask, failures, before, frozenset(way.denies), open_limits):
            for joined, signature, actions in _signatures(way, part, group, losers, certain):
                yield joined, losers, signature, actions


def _kept(way: Scene, before: Scene, fresh: frozenset[tuple[int, CompiledStatement]]) -> frozenset[CompiledStatement]:
    """List what gains nothing: a statement that the old role has as well, under no wider ceilings."""
    for earlier in (before, *before.also):
        if earlier.grant == way.grant and no_wider(way, earlier):
            if way.grant:
                return frozenset(s for s in way.identity if (way.grant, s) not in fresh)
            return frozenset(earlier.identity)
    return frozenset()


def _reached_before(statement: CompiledStatement, way: Scene, before: Scene) -> int:
    """Give the actions that a statement of the old role reached as far, whatever the values not known are."""
    mask = 0
    for earlier in (before, *before.also):
        if no_wider(way, earlier):
            for one in earlier.identity:
                if one is statement:
                    return statement.possible_mask
                if not one.statement.doubtful and _is_part(statement, one):
                    mask |= one.mask
                    hidden = set(filter(has_unknown, statement.statement.actions))
                    if not statement.statement.not_action and hidden <= set(one.statement.actions):
                        mask |= statement.possible_mask & ~statement.mask
    return mask


def _signatures(
    stage: Scene, part: int, group: Group, old: _Old, certain: bool
) -> Iterator[tuple[Group, Signature, int]]:
    """Split by resource types, unless no statement speaks of resources: then the first action stands for all."""
    views = (*group.views, *old.denies, *(v for layer in old.layers for v in layer))
    if all(v.plain for v in views) or (all(v.texts is None for v in views) and not part & catalog().several):
        # But where resources of a call differ in the keys that they carry, those that it may name count as well.
        alike = part & ~_told_apart(part, views)
        if alike:
            yield group, catalog().action((alike & -alike).bit_length() - 1).signature, alike
        part &= ~alike
    for signature, actions in catalog().signatures(part):
        for named in (signature, *_naming_more(stage, group.option, signature)):
            if len(named.required) < 2:
                yield group, named, actions
            else:
                yield from ((joined, named, one) for one, joined in with_others(stage, group, actions, certain))


def _told_apart(mask: int, views: Iterable[View]) -> int:
    """Give those of some actions of which not all resources carry the keys that statements test for (S3.12)."""
    if not mask & catalog().told_apart:
        return 0
    apart = 0
    for key in {c.key for v in views for c in v.conditions}:
        apart |= catalog().key_gaps(key).get("", 0)
    return mask & apart


def _naming_more(stage: Scene, option: View, signature: Signature) -> Iterator[Signature]:
    """Give the signatures of calls that name a resource of an optional type as well, which must be allowed too (S3.11).

    The host of a command is one. Only a statement that reaches it can have opened it.
    """
    for kind in signature.optional if signature.required else ():
        try:
            reached = option.texts is None or option.exclude or meeting(option, type_shapes(stage, kind))
        except LimitReached:
            reached = True
        if reached:
            yield Signature(-1, (*signature.required, kind), ())


def _failures(before: Scene) -> tuple[tuple[CompiledStatement, ...], ...]:
    """List the ways in which the old role refuses without a Deny: sets of Allows of which none holds.

    It fails where each way to be allowed misses one of its layers.
    """
    out: set[frozenset[tuple[CompiledStatement, ...]]] = {frozenset()}
    for way in (before, *before.also):
        layers = [way.identity, *(layer.statements for layer in way.layers if not layer.unknown)]
        out = {one | {layer} for one in out for layer in layers}
        out = {one for one in out if not any(other < one for other in out)}
    joined = (tuple(dict.fromkeys(s for layer in one for s in layer)) for one in out)
    return tuple(sorted(joined, key=lambda ss: [s.content for s in ss]))


class _Old(NamedTuple):
    """How the old role treats some actions: for each way to fail the Allows that must not hold, and the Denies."""

    layers: tuple[tuple[View, ...], ...]
    denies: tuple[View, ...]


def _split_by_old(
    mask: int,
    failures: tuple[tuple[CompiledStatement, ...], ...],
    stage: Scene,
    kept: frozenset[CompiledStatement],
    open_limits: frozenset[CompiledStatement],
) -> Iterator[tuple[int, _Old]]:
    """Split actions by how the old role treats them.

    Args:
        kept: the Denies that the new role has as well. Any other may have refused what it does not surely name.
        open_limits: limits of the new role that are read for the holder; what the old role has of them is as well.
    """
    if not mask:
        return
    numbered = [
        (s, n, s.possible_mask if s in open_limits else s.mask) for n, layer in enumerate(failures) for s in layer
    ]
    numbered += [
        (s, -1, s.mask if s in kept else s.possible_mask) for s in stage.denies if s not in open_limits or s not in kept
    ]
    numbered = [one for one in numbered if one[2] & mask]
    for part, touching in split(mask, (named for _, _, named in numbered)):
        views = [(raw_view(s, s not in open_limits), number) for s, number, _ in (numbered[n] for n in few(touching))]
        yield (
            part,
            _Old(
                tuple(tuple(v for v, at in views if at == n and v is not None) for n in range(len(failures))),
                tuple(v for v, at in views if at == -1 and v is not None),
            ),
        )


def _gained(
    after: Scene,
    before: Scene,
    group: Group,
    old: _Old,
    signature: Signature,
    actions: int,
) -> Iterator[tuple[int, Solved]]:
    """Yield the parts of some actions that are gained: the new Allow side holds, and the old role fails in one way."""
    ways: list[tuple[tuple[tuple[View, ...], ...], tuple[View, ...]]] = []
    for layer in old.layers:
        if any(v.plain for v in layer) or _holds_on(group, layer):
            continue  # the old role cannot fail here
        ways.append(((), layer))
    ways += [(((deny,),), ()) for deny in old.denies if not any(_says_no_more(deny, d) for d in group.denies)]
    if not ways:
        return
    trouble: Exception | None = None
    for part, unsupported in _support(after, group, old, actions):
        done = False
        for more_layers, more_denies in ways:
            for widened in _refusing(group._replace(mask=part), signature, more_layers, more_denies):
                try:
                    solved = solve(after, widened, signature, unsupported)
                except (Undecided, LimitReached) as error:
                    trouble = error
                    continue
                if solved is None:
                    continue
                if _old_refuses(before, solved, part):
                    yield part, solved
                    done = True
                    break
                trouble = Undecided("a request that looked new is allowed by the old role as well")
            if done:
                break
        if not done and trouble is not None:
            raise trouble


def _holds_on(group: Group, layer: tuple[View, ...]) -> bool:
    """Tell whether the old layer allows whatever one layer of the group does, as its statements are written."""
    return any(
        all(any(_says_no_more(mine, v) for v in layer) for mine in new)
        for new in ((group.option, *group.others), *group.layers)
    )


def _says_no_more(one: View, other: View) -> bool:
    """Tell, without a search, that where one statement matches an action that both name, the other does too."""
    mine, theirs = one.statement, other.statement
    return not (mine.uncertain or theirs.uncertain) and _is_part(mine, theirs)


def _is_part(mine: CompiledStatement, theirs: CompiledStatement) -> bool:
    """Tell whether a statement is written to match, for an action that both name, no more than another."""
    if mine.variables is not theirs.variables:
        return False
    if not set(theirs.conditions) <= set(mine.conditions):
        return False
    if theirs.covers_all:
        return True
    if theirs.within and theirs.within != mine.within:
        return False
    if mine.covers_all or mine.not_resource is not theirs.not_resource:
        return False
    narrow, wide = set(mine.resources or ()), set(theirs.resources or ())
    return wide <= narrow if mine.not_resource else narrow <= wide


def _refusing(
    group: Group, signature: Signature, layers: tuple[tuple[View, ...], ...], denies: tuple[View, ...]
) -> Iterator[Group]:
    """Add a way in which the old role fails; of several resources it need fail on one (S3.11)."""
    if len(signature.required) < 2:
        yield group._replace(layers=(*group.layers, *layers), denies=(*group.denies, *denies))
        return
    for number in range(len(signature.required)):
        yield group._replace(at=number, more_layers=layers, more_denies=denies)


def _support(stage: Scene, group: Group, old: _Old, actions: int) -> list[tuple[int, frozenset[str]]]:
    layers, denies = (*group.layers, *old.layers), (*group.denies, *old.denies)
    return by_support(stage, group._replace(mask=actions, layers=layers, denies=denies))


def _old_refuses(before: Scene, solved: Solved, part: int) -> bool:
    index = (part & -part).bit_length() - 1
    return confirm(before, Found(index, solved), {}).verdict != YES
