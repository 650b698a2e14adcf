"""A role whose policies no longer ask who holds it: what its own ARN, account and tags decide is worked out."""

from __future__ import annotations

from rolelint.engine.actors import Actor, key_domain
from rolelint.engine.compile import variable_keys
from rolelint.engine.match import substitute
from rolelint.engine.operators import condition_holds
from rolelint.engine.scene import request_principal
from rolelint.policies.document import Condition, PolicyDocument, PrincipalEntry, Statement
from rolelint.policies.role import Policy, Role
from rolelint.records import replace

_OWN = ("aws:principal", "aws:user", "aws:sourceidentity")
_PLAIN = str.maketrans({"*": "${*}", "?": "${?}", "$": "${$}"})


def settle(role: Role, who: Actor) -> Role:
    """Give the same power in policies that hold for any caller, so that roles of different callers can be compared."""
    facts = _Facts(role, who)

    def all_settled(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
        return tuple(replace(p, document=facts.document(p.document)) for p in policies)

    return replace(
        role,
        identity=all_settled(role.identity),
        boundary=None if role.boundary is None else all_settled((role.boundary,))[0],
        session=None if role.session is None else all_settled(role.session),
        scps=None if role.scps is None else tuple(map(all_settled, role.scps)),
        rcps=None if role.rcps is None else all_settled(role.rcps),
        resource_policies=all_settled(role.resource_policies),
    )


def renamed(policies: tuple[Policy, ...], one: Role, other: Role) -> tuple[Policy, ...]:
    """Give resource policies that say of one principal what these say of another, and the other way round."""
    names: dict[str, str] = {}
    sessions: dict[str, str] = {}
    for mine, theirs in ((one, other), (other, one)):
        names[mine.asked_arn] = theirs.asked_arn
        if mine.account and theirs.account:
            names[mine.account] = theirs.account
            names[_root(mine)] = _root(theirs)
        if mine.kind != "user":
            sessions[_assumed(mine)] = _assumed(theirs)

    def said(entry: PrincipalEntry) -> PrincipalEntry:
        head, slash, name = entry.value.rpartition("/")
        value = sessions[head] + slash + name if head in sessions else names.get(entry.value, entry.value)
        return entry._replace(value=value)

    def read(policy: Policy) -> Policy:
        document = policy.document
        statements = tuple(
            replace(s, principals=tuple(map(said, s.principals))) if s.principals else s for s in document.statements
        )
        same = statements == document.statements
        return policy if same else replace(policy, document=replace(document, statements=statements))

    return tuple(map(read, policies))


def _root(role: Role) -> str:
    return f"arn:{role.partition or 'aws'}:iam::{role.account}:root"


def _assumed(role: Role) -> str:
    return request_principal(role).arn.rpartition("/")[0]


class _Facts:
    """What is certain of the caller."""

    def __init__(self, role: Role, who: Actor) -> None:
        self._role = role
        self._who = who

    def values(self, key: str) -> tuple[str, ...] | None:
        """Give the values of a context key, none where it is absent; None where they are not certain."""
        if not key.startswith(_OWN):
            return None
        domain = key_domain(key, self._who, self._role, False)
        if domain.presence == "never":
            return ()
        sure = domain.presence == "always" and domain.values is not None and len(domain.values) == 1
        return domain.values if sure else None

    def lookup(self, key: str) -> str | None:
        """Give the value of a key that is certain to have one."""
        values = self.values(key)
        return values[0] if values else None

    def document(self, document: PolicyDocument) -> PolicyDocument:
        """Work out the conditions and variables of a document."""
        kept = (self._statement(s, document.variables) for s in document.statements)
        return replace(document, statements=tuple(s for s in kept if s is not None))

    def _statement(self, statement: Statement, variables: bool) -> Statement | None:
        conditions = []
        for condition in statement.conditions:
            values = self.values(condition.key) if condition.known else None
            if values is None:
                conditions.append(self._condition(condition) if variables else condition)
            elif not condition_holds(condition, values, self.lookup, variables=variables):
                return None
        resources = statement.resources
        if variables and resources is not None:
            resources = self._texts(resources)
            if not resources and not statement.not_resource:
                return None
        return replace(statement, conditions=tuple(conditions), resources=resources)

    def _condition(self, condition: Condition) -> Condition:
        return condition._replace(values=self._texts(condition.values))

    def _texts(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Put in what is certain; a text with a variable that has no value matches nothing (S3.14, S5.26)."""
        out = []
        for text in texts:
            settled: str | None = text
            for key in variable_keys((text,)):
                if settled is not None and self.values(key) is not None:
                    settled = _with(settled, key, self.lookup(key))
            if settled is not None:
                out.append(settled)
        return tuple(out)


def _with(text: str, key: str, value: str | None) -> str | None:
    """Replace one variable of a text by its value, or by its default; None where it has neither."""
    out, at = [], 0
    while (start := text.find("${", at)) >= 0 and (end := text.find("}", start)) >= 0:
        out.append(text[at:start])
        variable = text[start : end + 1]
        if variable_keys((variable,)) == {key}:
            filled = substitute(variable, {key: value}.get, wild=False)
            if filled is None:
                return None
            variable = filled.translate(_PLAIN)
        out.append(variable)
        at = end + 1
    return "".join([*out, text[at:]])
