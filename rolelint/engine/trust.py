"""Questions about trust policies: may a given kind of caller assume the role?"""

from __future__ import annotations

from collections.abc import Mapping

from rolelint.algebra.strings import LimitReached
from rolelint.engine.actors import FREE, FREE_MANY, NEVER, Domain, actor, key_domain
from rolelint.engine.compile import CompiledStatement, compile_document
from rolelint.engine.decision import decide, grant_strength, statement_reaches
from rolelint.engine.keys import Undecided
from rolelint.engine.match import action_matches
from rolelint.engine.questions import NO, UNKNOWN, YES, Answer, pins_of
from rolelint.engine.request import Outcome, PolicySet, Principal, Request, Target
from rolelint.engine.scene import is_many
from rolelint.engine.solve import Search, view
from rolelint.errors import Location
from rolelint.findings.model import Witness
from rolelint.memory import alone
from rolelint.policies.document import ALLOW_ALL
from rolelint.policies.role import Policy, Role

_NOBODY = Role("role", "caller", Location("trust"))


@alone
def trust_allows(
    policy: Policy,
    caller: Principal,
    action: str = "sts:AssumeRole",
    *,
    context: Mapping[str, Domain | str | None] | None = None,
) -> Answer:
    """Ask whether a caller can satisfy a trust policy with some request.

    Args:
        caller: who asks; of an identity provider for web identity and SAML.
        action: `sts:AssumeRole`, `sts:AssumeRoleWithWebIdentity`, `sts:AssumeRoleWithSAML`, `sts:TagSession` ...
        context: what is known of context keys: a value, None for absent, or a domain; every other key is free
            for identity providers, and as it may be for anybody (the actor `any`) for AWS principals.

    Returns:
        An answer about the trust policy alone; the caller's own identity policies are not asked.
    """
    if policy.document.unknown:
        return Answer(UNKNOWN, reason=policy.document.unknown)
    asker = actor("any")
    given: dict[str, Domain] = {}
    for key, value in (context or {}).items():
        if isinstance(value, Domain):
            given[key.lower()] = value
        elif value is None:
            given[key.lower()] = NEVER
        else:
            given.update(pins_of({key: value}))

    def domain(key: str) -> Domain:
        found = given.get(key)
        if found is not None:
            return found
        if key == "aws:principalarn" and (caller.role_arn or caller.arn):
            return Domain("always", (caller.role_arn or caller.arn,))
        if key == "aws:principalaccount" and caller.account:
            return Domain("always", (caller.account,))
        if caller.bare:
            return FREE_MANY if is_many(key) else FREE
        return key_domain(key, asker, _NOBODY, is_many(key))

    # The policy does not say where its role is; nobody enters from another partition (S6.37).
    target = f"arn:{caller.arn.split(':', 2)[1] if caller.arn else 'aws'}:iam::123456789012:role/target"
    trouble = ""
    for certain in (True, False):
        compiled = compile_document(policy.document).statements
        if not certain and not any(s.uncertain for s in compiled):
            break
        allows = [s for s in compiled if s.statement.effect == "Allow" and _names_action(s, action)]
        denies = [s for s in compiled if s.statement.effect == "Deny" and _names_action(s, action)]
        deny_views = [
            v for s in denies if statement_reaches(s.statement, caller) and (v := view(s, certain)) is not None
        ]
        for statement in allows:
            option = view(statement, certain)
            if option is None or not grant_strength(statement.statement, caller):
                continue
            try:
                found = Search(None, (), domain).run([[option]], deny_views)
            except (Undecided, LimitReached) as error:
                trouble = str(error)
                continue
            if found is None:
                continue
            request = Request(caller, action, (Target(target),), found.context)
            # The caller's own side is taken as given: only the trust policy is in question.
            side = PolicySet((ALLOW_ALL,), resource=policy.document)
            decision = decide(request, side)
            if decision.outcome is not Outcome.ALLOW:
                trouble = decision.explanation
                continue
            shown = {c.key: c.condition.key_text for c in statement.conditions}
            values = {shown.get(k, k): v[0] if len(v) == 1 else list(v) for k, v in found.context.items()}
            who_text = caller.provider or caller.role_arn or caller.arn or caller.name or caller.type
            proof = Witness(who_text, action, "the role", values)
            return Answer(YES, proof, decision, certainty="proved" if certain else "possible")
    return Answer(UNKNOWN, reason=trouble) if trouble else Answer(NO)


def _names_action(statement: CompiledStatement, action: str) -> bool:
    written = statement.statement
    return any(action_matches(a, action) for a in written.actions) is not written.not_action
