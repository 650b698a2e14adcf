"""Put principals together from the resources of a template, as AWS will see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rolelint.documents import Document
from rolelint.errors import Location, Route, show_route
from rolelint.policies.document import PolicyDocument, unknown_document
from rolelint.policies.role import Policy, PolicyType, Unknown
from rolelint.policies.text import has_unknown, show, split_unknown
from rolelint.readers.cloudformation.branches import (
    Branch,
    Places,
    Scenarios,
    always,
    doubt,
    items,
    read_document,
    spread,
)
from rolelint.readers.cloudformation.kinds import arn_of, kinds, physical_name
from rolelint.readers.cloudformation.template import (
    ABSENT,
    Declared,
    Open,
    Scenario,
    Template,
    is_intrinsic,
    joined,
    plain_text,
)
from rolelint.readers.cloudformation.values import Evaluator
from rolelint.readers.parts import doubtful, not_of_aws, published
from rolelint.records import replace

EVERY: Scenarios = ({},)

#: Resource types whose statements hang on principals named by one property, with that property.
ATTACHED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "AWS::IAM::Policy": (("Roles", "role"), ("Users", "user"), ("Groups", "group")),
    "AWS::IAM::ManagedPolicy": (("Roles", "role"), ("Users", "user"), ("Groups", "group")),
    "AWS::IAM::RolePolicy": (("RoleName", "role"),),
    "AWS::IAM::UserPolicy": (("UserName", "user"),),
    "AWS::IAM::GroupPolicy": (("GroupName", "group"),),
}
_PRINCIPALS: Mapping[str, str] = {"AWS::IAM::Role": "role", "AWS::IAM::User": "user", "AWS::IAM::Group": "group"}


class Parts:
    """What is collected for one principal."""

    def __init__(self) -> None:
        self.identity: list[Policy] = []
        self.unknowns: list[Unknown] = []


class Assembly:
    """Reads the principals of one template.

    Args:
        memo: parsed policy documents that several readings share, by content or ARN.
    """

    def __init__(self, document: Document, template: Template, memo: dict[Any, Any]) -> None:
        self.document = document
        self.template = template
        self.evaluator = Evaluator(template, soft=True)
        self.memo = memo
        #: ManagedPolicy resources by the ARN that `Ref` gives.
        self.managed: dict[str, Declared] = {}
        #: The ARN of such a policy by each ARN that a parameter may give it.
        self.usual: dict[str, str] = {}
        #: Policies that hang on resources of the template.
        self.on_resources: tuple[Policy, ...] = ()
        #: Managed policies that some principal or boundary of the template uses, by logical id.
        self.used: set[str] = set()
        self.bounding: set[str] = set()
        #: Policy resources by kind and name of the principals that they name.
        self.named: dict[tuple[str, str], list[tuple[Declared, str]]] = {}
        self.declared: dict[tuple[str, str], Declared] = {}
        self._read: dict[Any, tuple[PolicyDocument, dict[Route, Route]]] = {}
        self._index()

    def _index(self) -> None:
        for resource in self.template.resources.values():
            kind = _PRINCIPALS.get(resource.type)
            for evaluator in self.named_by(resource):
                if kind:
                    self.declared.setdefault((kind, physical_name(evaluator, resource)), resource)
                if resource.type == "AWS::IAM::ManagedPolicy":
                    arn = arn_of(evaluator, resource)
                    self.managed.setdefault(arn, resource)
                    self.usual.setdefault(arn, arn_of(self.evaluator, resource))
        for resource in self.template.resources.values():
            for name, kind in ATTACHED.get(resource.type, ()):
                for principal, _ in self.names(resource, name, EVERY):
                    hanging = self.named.setdefault((kind, principal), [])
                    if (resource, name) not in hanging:
                        hanging.append((resource, name))
            if resource.type == "AWS::IAM::UserToGroupAddition":
                for user, _ in self.names(resource, "Users", EVERY):
                    self.named.setdefault(("user", user), []).append((resource, "GroupName"))

    def named_by(self, resource: Declared) -> list[Evaluator]:
        """List evaluators for the ways to deploy in which a resource may have another name."""
        kind = kinds().get(resource.type)
        written = [resource.properties.get(name) for name in (kind.name, "Path") if name] if kind else []
        if not any(isinstance(value, Mapping) for value in written):
            return [self.evaluator]
        ways = self.evaluator.ways(lambda e: [e.evaluate(value) for value in written], {}, resource.bindings)
        return [self.evaluator, *(self.evaluator.under(now, soft=True) for now, _ in ways if now)]

    # -- places and values --------------------------------------------------------------------------------------

    def location(self, resource: Declared, *steps: str | int) -> Location:
        """Locate a resource by its type, which is one line, or a part of its body."""
        if steps:
            return self.document.locate((*resource.route, *steps), resource.address)
        found = self.document.locate((*resource.route, "Type"), resource.address)
        return replace(found, route=show_route(resource.route))

    def existing(self, resource: Declared, base: Scenarios) -> Scenarios:
        """List the ways to deploy, out of some, in which a resource exists."""
        name = resource.condition
        if not name:
            return base
        out: list[Scenario] = []
        for scenario in base:
            for now, holds in self.evaluator.ways(lambda e: self._holds(e, name), scenario, resource.bindings):
                if holds:
                    out.append(now)
        return tuple(out)

    def _holds(self, evaluator: Evaluator, name: str) -> bool:
        try:
            return evaluator.holds(name)
        except Open:
            if evaluator.soft:
                return True
            raise

    def spread(self, resource: Declared, name: str, scenarios: Scenarios) -> list[Branch]:
        """List what can stand under a property of a resource."""
        if name not in resource.properties:
            return []
        route = (*resource.route, "Properties", name)
        return spread(self.evaluator, resource.properties[name], route, resource.bindings, scenarios)

    def items(self, resource: Declared, name: str, scenarios: Scenarios) -> list[Branch]:
        """List what can stand in the list under a property of a resource."""
        if name not in resource.properties:
            return []
        route = (*resource.route, "Properties", name)
        return items(self.evaluator, resource.properties[name], route, resource.bindings, scenarios)

    def texts(self, branch: Branch) -> list[tuple[str, Scenarios]]:
        """Work out the text, or the list of texts, that stands in a place; a policy of the template has one ARN."""
        found: dict[str, list[Scenario]] = {}
        for scenario in branch.scenarios:
            ways: list[tuple[Scenario, list[str]]] = []
            for now, value in self.evaluator.ways(
                lambda e: e.evaluate(branch.node, branch.route), scenario, branch.bindings
            ):
                items = value if isinstance(value, list) else [value]
                # What is no text is a value that nobody knows: AWS refuses it, or a macro makes it text.
                texts = [joined(i) for i in items if i is not ABSENT and i is not None and i != "" and i != []]
                ways.append((now, [self.usual.get(text, text) for text in texts]))
            for text in dict.fromkeys(text for _, texts in ways for text in texts):
                under = [now for now, texts in ways if text in texts]
                found.setdefault(text, []).extend([scenario] if len(under) == len(ways) else under)
        return [(text, tuple(scenarios)) for text, scenarios in found.items()]

    def names(self, resource: Declared, name: str, scenarios: Scenarios) -> list[tuple[str, Scenarios]]:
        """Work out the names in a property that is a name or a list of names."""
        return [pair for branch in self.items(resource, name, scenarios) for pair in self.texts(branch)]

    def naming(self, policy: Declared, name: str, principal: Declared, scenarios: Scenarios) -> Scenarios:
        """List the ways to deploy, out of some, in which a property of a policy names a principal of the template."""
        out: list[Scenario] = []

        def names(evaluator: Evaluator, branch: Branch) -> bool:
            value = evaluator.evaluate(branch.node, branch.route)
            texts = [plain_text(item) for item in (value if isinstance(value, list) else [value])]
            return physical_name(evaluator, principal) in texts

        for branch in self.items(policy, name, scenarios):
            for scenario in branch.scenarios:
                ways = self.evaluator.ways(lambda e, b=branch: names(e, b), scenario, branch.bindings)  # type: ignore[misc]
                if all(named for _, named in ways):
                    out.append(scenario)
                else:
                    out += [now for now, named in ways if named]
        return tuple(out)

    def single(self, resource: Declared, name: str) -> str:
        """Work out a property that is text; empty when it is missing or not text."""
        if name not in resource.properties:
            return ""
        value = self.evaluator.known(resource.properties[name], bindings=resource.bindings)
        return plain_text(value) if isinstance(value, str | int) and value is not ABSENT else ""

    # -- policies -----------------------------------------------------------------------------------------------

    def policy(
        self,
        resource: Declared,
        branches: list[Branch],
        base: Scenarios,
        type_: PolicyType,
        name: str,
        **more: Any,
    ) -> Policy:
        """Read the policy that stands in one place."""
        key = None
        if branches and not branches[0].bindings:
            states = [[sorted(s.items()) for s in branch.scenarios] for branch in branches]
            # Generated policies may share the place that they come from, so the tree itself tells them apart.
            key = (id(branches[0].node), repr(states), repr([sorted(s.items()) for s in base]))
        read = self._read.get(key) if key else None
        if read is None:
            read = read_document(self.evaluator, branches, base)
            if key:
                self._read[key] = read
        document, moves = read
        if not branches:
            moves = {(): resource.route}
        return Policy(type_, show(name), document, Places(self.document, moves, resource.address), **more)

    def inline(self, resource: Declared, base: Scenarios, parts: Parts) -> None:
        """Read the `Policies` property."""
        for branch in self.items(resource, "Policies", base):
            node = branch.node
            if not isinstance(node, Mapping) or "PolicyDocument" not in node:
                reason = _unread(node, resource.generated)
                self.unknown_policy(resource, branch, "inline policy", reason, parts)
                continue
            name = self.evaluator.known(node.get("PolicyName", ""), bindings=branch.bindings)
            documents = spread(
                self.evaluator,
                node["PolicyDocument"],
                (*branch.route, "PolicyDocument"),
                branch.bindings,
                branch.scenarios,
            )
            title = name if isinstance(name, str) and name else f"{resource.id}-policy"
            policy = self.policy(resource, documents, base, PolicyType.IDENTITY, title)
            self.note_unknown(policy, "inline policy", parts)
            parts.identity.append(policy)

    def note_unknown(self, policy: Policy, what: str, parts: Parts) -> None:
        """Record what of a policy is not known: all of it, or the actions of a statement."""
        if policy.document.unknown and not policy.document.statements:
            reason = f"policy `{policy.name}`: {policy.document.unknown}"
            parts.unknowns.append(Unknown(what, reason, policy.locate(())))
        for statement in policy.document.statements:
            hidden = [action for action in statement.actions if split_unknown(action)[::2] == ["", ""]]
            if hidden:
                name = f"`{statement.sid}`" if statement.sid else str(statement.index)
                text = f"the actions of statement {name} are `{show(hidden[0])}`, not known before deployment"
                where = policy.locate((*statement.route, "NotAction" if statement.not_action else "Action"))
                widens = statement.effect == "Allow"
                parts.unknowns.append(Unknown(what, f"policy `{policy.name}`: {text}", where, widens))

    def unknown_policy(self, resource: Declared, branch: Branch, what: str, reason: str, parts: Parts) -> None:
        """Add a policy of which nothing is known."""
        location = self.document.locate(branch.route, resource.address)
        parts.unknowns.append(Unknown(what, reason, location))
        parts.identity.append(
            Policy(
                PolicyType.IDENTITY,
                what,
                unknown_document(reason),
                Places(self.document, {(): branch.route}, resource.address),
            )
        )

    def attached(self, resource: Declared, branches: Iterable[Branch], base: Scenarios, parts: Parts) -> None:
        """Read managed policies that are named by ARN."""
        for branch in branches:
            for arn, scenarios in self.texts(branch):
                held = self.found(arn)
                if held is not None:
                    self._held(held, scenarios, base, parts)
                    continue
                # The SAM transform takes the names of policies that AWS manages in place of their ARNs.
                document = published(arn, self.memo, by_name=resource.generated)
                where = Places(self.document, {(): branch.route}, resource.address)
                if document is None:
                    reason = _absent("managed policy", arn)
                    parts.unknowns.append(Unknown("attached policy", reason, where(())))
                    document = unknown_document(reason)
                elif not always(scenarios, base):
                    document = doubtful(document, doubt(scenarios, base))
                name = _shown_name(arn)
                if not any(one.name == name and one.document == document and not one.inline for one in parts.identity):
                    parts.identity.append(
                        Policy(PolicyType.IDENTITY, name, document, _Fixed(where), arn=known_arn(arn), inline=False)
                    )

    def found(self, arn: str) -> tuple[Assembly, Declared] | None:
        """Find a ManagedPolicy by its ARN in this template, or in one that is deployed with it and gives its ARN."""
        declared = self.managed.get(arn)
        return (self, declared) if declared is not None else self.template.elsewhere.policies.get(arn)

    def _take(self, assembly: Assembly, declared: Declared) -> None:
        """Note that a managed policy of another template is in use here."""
        place = assembly.location(declared)
        self.template.elsewhere.taken.add((place.file, place.route))

    def _held(self, held: tuple[Assembly, Declared], scenarios: Scenarios, base: Scenarios, parts: Parts) -> None:
        """Add a ManagedPolicy to what a principal holds."""
        assembly, declared = held
        if assembly is self:
            self.used.add(declared.id)
            scenarios = self.existing(declared, scenarios)
            if scenarios:
                parts.identity.append(self.declared_policy(declared, scenarios, base, parts))
            return
        # The values that another template leaves open are its own.
        self._take(assembly, declared)
        policy = assembly.declared_policy(declared, EVERY, EVERY, parts)
        if not always(scenarios, base):
            policy = replace(policy, document=doubtful(policy.document, doubt(scenarios, base)))
        parts.identity.append(policy)

    def declared_policy(self, declared: Declared, scenarios: Scenarios, base: Scenarios, parts: Parts) -> Policy:
        """Read a ManagedPolicy resource of the template as an identity policy."""
        branches = self.spread(declared, "PolicyDocument", scenarios)
        name = physical_name(self.evaluator, declared)
        title = declared.id if has_unknown(name) else name
        policy = self.policy(
            declared,
            branches,
            base,
            PolicyType.IDENTITY,
            title,
            arn=known_arn(arn_of(self.evaluator, declared)) if self.account_known else "",
            inline=False,
        )
        self.note_unknown(policy, "attached policy", parts)
        return policy

    def hanging(self, kind: str, resource: Declared, base: Scenarios, parts: Parts) -> None:
        """Read the policy resources that name a principal."""
        names = [physical_name(evaluator, resource) for evaluator in self.named_by(resource)]
        found_here = [pair for name in dict.fromkeys(names) for pair in self.named.get((kind, name), ())]
        for i, (policy, property_) in enumerate(found_here):
            if (policy, property_) in found_here[:i]:
                continue
            if policy.type == "AWS::IAM::UserToGroupAddition":
                continue
            scenarios = self.naming(policy, property_, resource, self.existing(policy, base))
            if not scenarios:
                continue
            if policy.type == "AWS::IAM::ManagedPolicy":
                self.used.add(policy.id)
                found = self.declared_policy(policy, scenarios, base, parts)
            else:
                branches = self.spread(policy, "PolicyDocument", scenarios)
                title = self.single(policy, "PolicyName") or policy.id
                found = self.policy(policy, branches, base, PolicyType.IDENTITY, title)
                self.note_unknown(found, "inline policy", parts)
            if found not in parts.identity:
                parts.identity.append(found)
        self._hung(kind, names, base, parts)

    def _hung(self, kind: str, names: list[str], base: Scenarios, parts: Parts) -> None:
        """Add the policies of nested templates that name a principal."""
        for found, stack in [pair for name in names for pair in self.template.hung.get((kind, name), ())]:
            scenarios = self.existing(stack, base)
            if not scenarios:
                continue
            self.template.elsewhere.held[id(found)] = found
            if not always(scenarios, base):
                found = replace(found, document=doubtful(found.document, doubt(scenarios, base)))
            self.note_unknown(found, "inline policy", parts)
            parts.identity.append(found)

    def boundary(self, resource: Declared, branches: list[Branch], base: Scenarios, parts: Parts) -> Policy | None:
        """Read the permissions boundary; one that does not hold in every way to deploy holds in none."""
        found: list[tuple[str, Scenarios, Branch]] = [
            (arn, scenarios, branch) for branch in branches for arn, scenarios in self.texts(branch)
        ]
        if not found:
            return None
        arn, scenarios, branch = found[0]
        where = Places(self.document, {(): branch.route}, resource.address)
        if len(found) > 1 or not always(scenarios, base):
            for other, _, _ in found:
                held = self.found(other)
                if held is not None and held[0] is self:
                    self.bounding.add(held[1].id)
            reason = f"the permissions boundary {doubt(tuple(s for _, under, _ in found for s in under), base)}"
            parts.unknowns.append(Unknown("permissions boundary", reason, where(()), widens=False))
            return None
        held = self.found(arn)
        if held is not None:
            assembly, declared = held
            if assembly is self:
                self.bounding.add(declared.id)
            else:
                self._take(assembly, declared)
                scenarios = base = EVERY
            if always(assembly.existing(declared, scenarios), base):
                inside = assembly.spread(declared, "PolicyDocument", scenarios)
                name = physical_name(assembly.evaluator, declared)
                title = declared.id if has_unknown(name) else name
                return assembly.policy(declared, inside, base, PolicyType.BOUNDARY, title, inline=False)
        document = published(arn, self.memo)
        if document is None:
            reason = _absent("permissions boundary", arn)
            parts.unknowns.append(Unknown("permissions boundary", reason, where(()), widens=False))
            document = unknown_document(reason)
        name = _shown_name(arn)
        return Policy(PolicyType.BOUNDARY, name, document, _Fixed(where), arn=known_arn(arn), inline=False)

    @property
    def account_known(self) -> bool:
        """Tell whether the user says in which account the stack stands."""
        return "AWS::AccountId" in self.template.given

    @property
    def account(self) -> str:
        """The account of the stack, empty when nobody says it."""
        return plain_text(self.template.given["AWS::AccountId"]) if self.account_known else ""

    @property
    def partition(self) -> str:
        """The partition of the stack, empty when neither the user nor an ARN of the template says it."""
        return plain_text(self.template.given.get("AWS::Partition", "")) or self.template.partition_named


class _Fixed:
    """Locates every route of a policy at one place: its text stands elsewhere."""

    __slots__ = ("places",)

    def __init__(self, places: Places) -> None:
        self.places = places

    def __call__(self, route: Route = ()) -> Location:
        """Locate the place, whatever the route."""
        return self.places(())


def known_arn(arn: str) -> str:
    """Give an ARN that is known in full, else nothing."""
    return arn if arn.startswith("arn:") and not has_unknown(arn) else ""


def _shown_name(arn: str) -> str:
    """Give the name in an ARN, to be shown; all of the ARN where the name is in no known part."""
    known = split_unknown(arn)[-1].rpartition("/")
    return known[2] if known[1] else show(arn)


def _absent(what: str, arn: str) -> str:
    if has_unknown(arn):
        return f"{what} `{show(arn)}` is not known before deployment"
    if ":iam::aws:" in arn:
        return not_of_aws(arn)
    return f"{what} `{arn}` is not in the template"


def _unread(node: Any, generated: bool) -> str:
    """Say why an entry of `Policies` is not read."""
    what = "an entry of `Policies` without PolicyDocument"
    if isinstance(node, Mapping) and len(node) == 1:
        ((key, argument),) = node.items()
        if generated and not is_intrinsic(node):
            return f"the policy template `{show(plain_text(key))}` is not known"
        what = f"`{key} {argument}`" if isinstance(argument, str) else f"`{key}`"
    return f"{what} is not known before deployment"
