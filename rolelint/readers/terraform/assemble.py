"""Assemble roles from Terraform resources as AWS will see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rolelint.errors import Location, Problem, Route
from rolelint.policies.document import DocumentProblem, PolicyDocument, Statement, unknown_document
from rolelint.policies.parse import parse_document
from rolelint.policies.role import Locate, Policy, PolicyType, Resource, Role, Unknown
from rolelint.policies.text import OPEN, has_unknown, show, unknown, unknown_names
from rolelint.readers.parts import doubtful, published
from rolelint.readers.terraform.kinds import arn_of, environment, tags_of
from rolelint.readers.terraform.principals import Attached, Inline, Principal, Registry
from rolelint.readers.terraform.statements import build, decode, parse_built
from rolelint.readers.terraform.world import MAYBE, WHETHER, Instance, World, single_unknown
from rolelint.records import replace

#: Managed policies: type to the attribute that holds the document.
MANAGED = {"aws_iam_policy": "policy", "awscc_iam_managed_policy": "policy_document"}


class Assembler:
    """Makes the roles of one world.

    Args:
        memo: parsed documents by their text, shared between worlds because most texts are the same in both.
    """

    def __init__(self, world: World, memo: dict[Any, Any], before: Registry | None = None) -> None:
        self.world = world
        self.registry = Registry(world, before)
        self._memo = memo
        self._surroundings: tuple[Resource, ...] | None = None
        self._built: dict[str, tuple[PolicyDocument, list[Route]]] = {}
        self._managed: dict[str, Instance] = {}
        self._managed_by_name: dict[tuple[str, str], Instance] = {}
        #: Addresses of managed policies and policy documents that some principal or resource uses.
        self.used: set[str] = set()
        for instance in world.instances.values():
            if instance.type in MANAGED and (instance.mode == "managed" or instance.values.get(MANAGED[instance.type])):
                self._managed.setdefault(arn_of(instance, world), instance)
                name = instance.text("name", "managed_policy_name")
                if name:
                    self._managed_by_name.setdefault((world.account(instance.provider), name), instance)

    # A policy value: JSON text, an unknown value that leads to one, or plain data.

    def document(self, value: object) -> tuple[PolicyDocument, Instance | None, list[Route] | None]:
        """Parse the policy that an attribute holds.

        Returns:
            The document; the data source it came from, if it came from one that was rebuilt here; and the routes
            of its statements in that data source.
        """
        name = single_unknown(value)
        if name:
            found = self.world.owner(value)
            if found is not None:
                instance, path = found
                if instance.type == "aws_iam_policy_document" and path[:1] in (("json",), ("minified_json",)):
                    self.used.add(instance.address)
                    document, routes = self._rebuilt(instance)
                    return document, instance, routes
            followed = self.world.follow(value)
            if followed != value:
                return self.document(followed)
            return unknown_document(f"`{name}` is not known {self.world.moment}"), None, None
        if isinstance(value, str):
            known = self._memo.get(value)
            if known is None:
                known = self._memo[value] = _parse(value)
            return known, None, None
        if value is None:
            return unknown_document("the policy is not set"), None, None
        return parse_document(value), None, None

    def _rebuilt(self, instance: Instance) -> tuple[PolicyDocument, list[Route]]:
        built = self._built.get(instance.address)
        if built is None:
            # A document that names itself as its source ends here instead of running in a circle.
            self._built[instance.address] = (unknown_document("the policy document refers to itself"), [])
            data, routes = build(instance.values, lambda text: self._fetch(text, instance))
            built = self._built[instance.address] = (parse_built(data), routes)
        return built

    def _fetch(self, text: str, user: Instance) -> object:
        """Give the document that another one is made of; its statements may not be there where it may not be."""
        found = self.world.owner(text)
        if found is not None and found[0].type == "aws_iam_policy_document":
            inner = found[0]
            self.used.add(inner.address)
            if inner.address in self._built and not self._built[inner.address][1]:
                return text
            self._rebuilt(inner)
            data, _ = build(inner.values, lambda text: self._fetch(text, inner))
            doubt = inner.doubt(user)
            if doubt:
                marked = ({MAYBE: unknown(doubt), **s} if isinstance(s, dict) else s for s in data["Statement"])
                data["Statement"] = list(marked)
            return data
        followed = self.world.follow(text)
        return decode(followed) if isinstance(followed, str) else followed

    def policy(self, kind: PolicyType, item: Inline, arn: str = "", inline: bool = True, resource: str = "") -> Policy:
        """Make the policy of an attribute."""
        choices = (item.owner.choices or {}).get(item.value) if isinstance(item.value, str) else None
        document, locate = (self._either(item, choices) if choices else None) or self._read(item)
        if document.unknown:
            document = replace(document, unknown=document.unknown + self.world.why(item.owner, item.route))
        if item.maybe:
            document = doubtful(document, _whether(item))
        return Policy(kind, item.name, document, locate, arn, resource, inline)

    def _read(self, item: Inline) -> tuple[PolicyDocument, Locate]:
        document, source, routes = self.document(item.value)
        return document, self._locate(item, source, routes)

    def _either(self, item: Inline, choices: list[Any]) -> tuple[PolicyDocument, Locate] | None:
        """Put the statements of the documents of which one will be there into one, those that not all have as doubtful.

        Returns:
            None when none of the documents is known. Of one that is not, a statement that is not known stands for all.
        """
        found = [self._read(item._replace(value=choice)) for choice in choices if choice is not None]
        if all(document.unknown for document, _ in found):
            return None
        found.sort(key=lambda one: bool(one[0].unknown))  # what is known is named first
        found = [(_stand_in(document) if document.unknown else document, locate) for document, locate in found]
        plain = [[replace(s, index=0, lone=False) for s in document.statements] for document, _ in found]
        why = _whether(item._replace(maybe=single_unknown(item.value)))
        statements: list[Statement] = []
        problems: list[DocumentProblem] = []
        places: list[tuple[Locate, Route]] = []
        for at, (document, locate) in enumerate(found):
            for statement, bare in zip(document.statements, plain[at], strict=True):
                if any(bare in before for before in plain[:at]):
                    continue
                sure = None not in choices and all(bare in others for others in plain)
                doubts = (statement.doubtful, "" if sure else why)
                index, cut = len(statements), len(statement.route)
                statements.append(replace(bare, index=index, doubtful="; ".join(filter(None, doubts))))
                problems += [
                    problem._replace(route=("Statement", index, *problem.route[cut:]))
                    for problem in document.problems
                    if problem.route[:cut] == statement.route
                ]
                places.append((locate, statement.route))

        def place(route: Route) -> Location:
            if len(route) > 1 and isinstance(route[1], int) and route[1] < len(places):
                locate, written = places[route[1]]
                return locate((*written, *route[2:]))
            return self.world.place(item.owner, item.route, route)

        version = max(document.version for document, _ in found)
        return PolicyDocument(version, tuple(statements), tuple(problems)), place

    def _locate(self, item: Inline, source: Instance | None, routes: list[Route] | None) -> Locate:
        place = self.world.place
        if source is None or routes is None:
            return lambda route: place(item.owner, item.route, route)

        def locate(route: Route) -> Location:
            if len(route) > 1 and route[0] == "Statement" and isinstance(route[1], int) and route[1] < len(routes):
                return place(*self._written(source, route[1]), route)
            return place(item.owner, item.route, route)

        return locate

    def _written(self, source: Instance, index: int) -> tuple[Instance, Route]:
        """Find where a statement is written: a Sid is found again in the documents that others are made of."""
        document, routes = self._rebuilt(source)
        where = routes[index]
        there: Any = source.values
        for step in where:
            there = there[step] if isinstance(step, str) or isinstance(there, list) else there
        found = self.world.owner(there)
        sid = document.statements[index].sid if index < len(document.statements) else ""
        if sid and found is not None and found[0].type == source.type and found[0] is not source:
            inner, _ = self._rebuilt(found[0])
            at = next((s.index for s in inner.statements if s.sid == sid), None)
            if at is not None:
                return self._written(found[0], at)
        return source, where

    # Managed policies.

    def _attached(self, item: Attached, kind: PolicyType) -> tuple[Policy | None, str]:
        """Give the managed policy that an attachment means, or None with the reason why it is not known."""
        instance, arn = self._managed_instance(item)
        if instance is not None:
            self.used.add(instance.address)
            return self.managed(instance, kind), ""
        if not arn:
            return None, f"`{show(str(item.value))}` is not known {self.world.moment}"
        if item.by_name:
            return None, f"the policy `{show(arn)}` is not part of this configuration"
        document = published(arn, self._memo)
        if document is None:
            if has_unknown(arn):
                return None, f"`{show(arn)}` is not known {self.world.moment}"
            if ":aws:policy/" in arn:
                return None, f"`{show(arn)}` is no AWS managed policy that rolelint knows"
            return None, f"the policy `{show(arn)}` is not part of this configuration"
        place = self.world.place
        return Policy(
            kind,
            arn.rsplit("/", 1)[-1],
            document,
            lambda _route: place(item.owner, item.route, ()),
            arn,
            inline=False,
        ), ""

    def managed(self, instance: Instance, kind: PolicyType) -> Policy:
        """Make the policy of a managed policy resource."""
        attribute = MANAGED[instance.type]
        shown = instance.label("name", "managed_policy_name")
        arn = instance.text("arn")
        item = Inline(shown, instance.values.get(attribute), instance, (attribute,))
        return self.policy(kind, item, "" if has_unknown(arn) else arn, inline=False)

    def counterpart(self, instance: Instance, world: World) -> Instance | None:
        """Give what a managed policy of another world is in this one: at its address before a move, else by name."""
        found = self.world.find(instance.previous or instance.address)
        if found is not None:
            return found
        name = instance.text("name", "managed_policy_name")
        return self._managed_by_name.get((world.account(instance.provider), name))

    def lone(self, policy: Policy, instance: Instance, route: Route) -> Role:
        """Make the stand-in for a role that holds just one policy."""
        unknowns: list[Unknown] = []
        self._note(policy, "policy", instance, route, unknowns)
        scope = self.world.scope(instance.provider)
        return Role(
            "policy",
            policy.name,
            self.world.place(instance, (), ()),
            account=_known(scope.account),
            partition=_known(scope.partition),
            identity=(policy,),
            unknowns=tuple(unknowns),
            environment=self.surroundings(),
        )

    def lost(self) -> Iterator[Role]:
        """Make a stand-in for each policy that is given to a principal which is not known."""
        for kind, link, item in self.registry.lost:
            owner = item.owner
            unknowns: list[Unknown] = []
            identity: list[Policy] = []
            if isinstance(item, Inline):
                policy = self.policy(PolicyType.IDENTITY, item)
                self._note(policy, "inline policy", owner, item.route, unknowns)
                identity.append(policy)
            else:
                self._attach(item, identity, set(), unknowns)
            where = self.world.place(owner, link, ())
            reason = f"`{owner.address}` names a {kind} that is not known{self.world.why(owner, link)}"
            unknowns.append(Unknown(kind, reason, where, widens=False))
            role = self.lone(identity[0], owner, item.route)
            role.unknowns = tuple(unknowns)
            yield role

    def _managed_instance(self, item: Attached) -> tuple[Instance | None, str]:
        value = item.value
        found = self.world.owner(value)
        if found is not None and found[0].type in MANAGED:
            owner = found[0]
            if owner.mode == "managed" or owner.values.get(MANAGED[owner.type]):
                return owner, ""
            # A data source that was not read: only what it looks for is known.
            name = owner.text("name")
            value = owner.text("arn")
            if single_unknown(value) or not value:
                return self._managed_by_name.get((self.world.account(owner.provider), name)), self._published_arn(name)
        value = self.world.follow(value)
        if not isinstance(value, str) or single_unknown(value):
            return None, ""
        account = self.world.account(item.owner.provider)
        if item.by_name:
            return self._managed_by_name.get((account, value)), value
        instance: Instance | None = self._managed.get(value)
        if instance is None and ":policy/" in value and ":aws:policy/" not in value:
            # The ARN is spelt out while the policy's own ARN is not known yet: the same name is the same policy.
            candidate = self._managed_by_name.get((account, value.rsplit("/", 1)[-1]))
            if candidate is not None and has_unknown(arn_of(candidate, self.world)):
                instance = candidate
        return instance, value

    def _published_arn(self, name: str) -> str:
        """Give the ARN of the AWS managed policy of a name, or empty when there is none."""
        if not name or has_unknown(name):
            return ""
        for path in ("", "service-role/", "job-function/", "aws-service-role/"):
            arn = f"arn:aws:iam::aws:policy/{path}{name}"
            if published(arn, self._memo) is not None:
                return arn
        return ""

    # Principals.

    def roles(self) -> list[Role]:
        """Make every principal of the world."""
        return [self._role(p) for p in self.principals()]

    def surroundings(self) -> tuple[Resource, ...]:
        """List the resources of the world, once."""
        if self._surroundings is None:
            self._surroundings = environment(self.world)
        return self._surroundings

    def principals(self) -> list[Principal]:
        """List the principals that become roles: a group counts through its members where they are known."""
        return [
            p for p in self.registry.principals if p.kind != "group" or (not p.members and (p.inline or p.attached))
        ]

    def _role(self, principal: Principal) -> Role:
        instance = principal.instance
        place = self.world.place
        location = place(instance, (), ())
        unknowns: list[Unknown] = []
        identity: list[Policy] = []
        arns: set[str] = set()
        sources = ((principal, ""), *principal.groups.items())
        everything = [(a, a.maybe or doubt) for source, doubt in sources for a in source.attached]
        sure = {self._key(a) for a, maybe in everything if not maybe} if any(m for _, m in everything) else set()
        for source, doubt in sources:
            given = {i.name for i in source.inline if i.owner is not source.instance}
            for item in source.inline:
                if item.owner is source.instance:
                    listed = source.closed.get("inline", [item.name])
                    open_ = next(filter(None, map(single_unknown, listed)), "")
                    if item.name in given or (item.name not in listed and not open_):
                        # Names are unique in a role: the provider lists it in the role too.
                        continue
                    item = item._replace(maybe=item.maybe or ("" if item.name in listed else open_))
                item = item._replace(maybe=item.maybe or doubt)
                policy = self.policy(PolicyType.IDENTITY, item)
                self._note(policy, "inline policy", item.owner, item.route, unknowns)
                if item.maybe:
                    unknowns.append(Unknown(f"inline policy `{policy.name}`", _whether(item), policy.locate(())))
                identity.append(policy)
            for attached in sorted(source.attached, key=lambda item: bool(item.maybe)):
                if attached.owner is source.instance and "attached" in source.closed:
                    continue
                maybe = attached.maybe or doubt
                # A policy that is attached twice is attached for sure where one of them is sure.
                if not maybe or self._key(attached) not in sure:
                    self._attach(attached._replace(maybe=maybe), identity, arns, unknowns)
        boundary = self._boundary(principal, unknowns)
        trust = None
        if principal.trust is not None:
            trust = self.policy(PolicyType.TRUST, principal.trust)
            self._note(trust, "trust policy", principal.trust.owner, principal.trust.route, unknowns, widens=False)
        if principal.outside:
            kind = principal.kind
            reason = f"the {kind} `{principal.name}` is not managed here, so its other policies are not known"
            unknowns.append(Unknown("other policies", reason, location))
        for owner, route in principal.unknown_groups:
            reason = f"`{owner.address}` names a group that is not known{self.world.why(owner, route)}"
            unknowns.append(Unknown("group", reason, place(owner, route, ())))
        arn = arn_of(instance, self.world) if not principal.outside or instance.mode == "data" else ""
        arn = "" if has_unknown(arn) or not arn.startswith("arn:") else arn
        parts = arn.split(":", 5)
        scope = self.world.scope(instance.provider)
        return Role(
            "policy" if principal.kind == "group" else principal.kind,
            principal.name,
            location,
            arn=arn,
            account=parts[4] if arn else _known(scope.account),
            partition=parts[1] if arn else _known(scope.partition),
            identity=tuple(identity),
            boundary=boundary,
            trust=trust,
            tags=None if principal.outside else tags_of(instance),
            unknowns=tuple(unknowns),
            environment=self.surroundings(),
        )

    def _attach(self, item: Attached, identity: list[Policy], arns: set[str], unknowns: list[Unknown]) -> None:
        policy, reason = self._attached(item, PolicyType.IDENTITY)
        key = self._key(item)
        if key in arns:
            return
        arns.add(key)
        if policy is None:
            where = self.world.place(item.owner, item.route, ())
            reason += self.world.why(item.owner, item.route)
            unknowns.append(Unknown("attached policy", reason, where))
            name = show(item.value) if isinstance(item.value, str) else item.owner.name
            identity.append(
                Policy(
                    PolicyType.IDENTITY,
                    name,
                    unknown_document(reason),
                    lambda _route: where,
                    inline=False,
                )
            )
            return
        instance, _ = self._managed_instance(item)
        item = item._replace(maybe=item.maybe or (instance.doubt(item.owner) if instance is not None else ""))
        if item.maybe:
            policy = replace(policy, document=doubtful(policy.document, _whether(item)))
            where = self.world.place(item.owner, (), ())
            unknowns.append(Unknown(f"attached policy `{policy.name}`", _whether(item), where))
        owner, route = (instance, (MANAGED[instance.type],)) if instance else (item.owner, item.route)
        self._note(policy, "attached policy", owner, route, unknowns)
        identity.append(policy)

    def _key(self, item: Attached) -> str:
        instance, arn = self._managed_instance(item)
        return instance.address if instance is not None else arn or str(item.value)

    def _boundary(self, principal: Principal, unknowns: list[Unknown]) -> Policy | None:
        item = principal.boundary
        if item is None:
            return None
        policy, reason = self._attached(item, PolicyType.BOUNDARY)
        held, _ = self._managed_instance(item)
        item = item._replace(maybe=item.maybe or (held.doubt(item.owner) if held is not None else ""))
        if item.maybe:
            policy, reason = None, _whether(item)
        if policy is not None:
            self._note(policy, "permissions boundary", item.owner, item.route, unknowns, widens=False)
            return policy
        reason += self.world.why(item.owner, item.route)
        where = self.world.place(item.owner, item.route, ())
        unknowns.append(Unknown("permissions boundary", reason, where, widens=False))
        name = show(item.value) if isinstance(item.value, str) else "permissions boundary"
        return Policy(PolicyType.BOUNDARY, name, unknown_document(reason), lambda _route: where, inline=False)

    def doubts(self, policy: Policy, what: str, item: Inline) -> list[Problem]:
        """List what is not known of a policy that hangs on no principal."""
        found: list[Unknown] = []
        self._note(policy, what, item.owner, item.route, found)
        return [Problem(f"{u.what}: {u.reason}", u.location, kind="unknown") for u in found]

    def _note(
        self,
        policy: Policy,
        what: str,
        owner: Instance,
        route: Route,
        unknowns: list[Unknown],
        widens: bool = True,
    ) -> None:
        """Record what of a policy is not known: the whole, a statement, its actions or its principals."""
        document = policy.document
        if document.unknown:
            unknowns.append(Unknown(f"{what} `{policy.name}`", document.unknown, policy.locate(()), widens))
            return
        if policy.arn and ":aws:policy/" in policy.arn:
            return
        whole = {problem.route: problem.message for problem in document.problems if problem.kind == "unknown"}
        for statement in document.statements:
            if any(action.startswith(OPEN) and single_unknown(action) for action in statement.actions):
                known = whole.get(statement.route) or f"the actions of {_statement_name(statement)} are not known"
                reason = f"{known}{self.world.why(owner, route)}"
                where = policy.locate((*statement.route, "NotAction" if statement.not_action else "Action"))
                more = widens and statement.effect == "Allow"
                unknowns.append(Unknown(f"{what} `{policy.name}`", reason, where, more))


def _stand_in(document: PolicyDocument) -> PolicyDocument:
    """Give a document of one statement that is not known, for one of which nothing is."""
    problem = DocumentProblem(document.unknown, ("Statement", 0), "", "unknown")
    statement = Statement("Allow", (unknown("policy"),), ("*",), doubtful=document.unknown)
    return PolicyDocument(document.version, (statement,), (problem,))


def _parse(text: str) -> PolicyDocument:
    if not has_unknown(text):
        return parse_document(text)
    data = decode(text)
    if isinstance(data, str):
        names = unknown_names(text)
        shown = ", ".join(f"`{name}`" for name in names[:3]) + (" and others" if len(names) > 3 else "")
        return unknown_document(f"the policy's text depends on {shown}")
    if (MAYBE in text or WHETHER in text) and isinstance(data, dict):
        said = data.get("Statement")
        return parse_built({**data, "Statement": said if isinstance(said, list) else [said]})
    return parse_document(data)


def _statement_name(statement: Statement) -> str:
    return f"statement `{show(statement.sid)}`" if statement.sid else f"statement {statement.index}"


def _whether(item: Inline | Attached) -> str:
    return f"whether it is there depends on `{show(item.maybe)}`"


def _known(text: str) -> str:
    return "" if has_unknown(text) else text
