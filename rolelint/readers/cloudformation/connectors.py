"""SAM connectors: the policies that they make between two resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rolelint.errors import Route
from rolelint.policies.text import show
from rolelint.readers.cloudformation.sam_data import load
from rolelint.readers.cloudformation.template import Declared, Placed, Template, plain_text

_NAME = re.compile(r"%\{([A-Za-z.]+)\}")
_TYPES = {
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
    "AWS::Serverless::Api": "AWS::ApiGateway::RestApi",
    "AWS::Serverless::HttpApi": "AWS::ApiGatewayV2::Api",
    "AWS::Serverless::SimpleTable": "AWS::DynamoDB::Table",
}
_ROLE_PROPERTIES = {
    "AWS::Lambda::Function": "Role",
    "AWS::Serverless::Function": "Role",
    "AWS::StepFunctions::StateMachine": "RoleArn",
    "AWS::Serverless::StateMachine": "Role",
    "AWS::AppSync::DataSource": "ServiceRoleArn",
}


def connect(template: Template) -> None:
    """Add the policies that connectors make to a template."""
    for connector in list(_connectors(template)):
        for made in connector.made():
            template.resources.setdefault(made.id, made)


def profile_statements(source: str, destination: str, access: Any, values: Mapping[str, Any]) -> list[Any]:
    """Write the statements of a connector profile, with its names put in; empty when there is no such profile."""
    profile = load()["connectors"].get(f"{source} {destination}")
    if profile is None:
        return []
    wanted = access if isinstance(access, list) else [access]
    out: list[Any] = []
    for name, entry in profile["Access"].items():
        if name in wanted and "Statement" in entry:
            out += _fill(entry["Statement"], values)
    return out


def _fill(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, Mapping):
        return {key: _fill(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(item, values) for item in node]
    if not isinstance(node, str):
        return node
    if "%{" not in node:
        return {"Fn::Sub": node} if "${" in node else node
    whole = _NAME.fullmatch(node)
    if whole:
        return values.get(whole.group(1), node)
    named = {"".join(filter(str.isalnum, name)): values.get(name, "*") for name in _NAME.findall(node)}
    text = _NAME.sub(lambda found: "${" + "".join(filter(str.isalnum, found.group(1))) + "}", node)
    return {"Fn::Sub": [text, named]}


class _Connector:
    """One connector, written as a resource or inside its source."""

    def __init__(
        self,
        template: Template,
        name: str,
        properties: Mapping[str, Any],
        source: Mapping[str, Any],
        route: Route,
        owner: Declared,
        condition: str,
    ) -> None:
        self.template = template
        self.name = name
        self.properties = properties
        self.source = source
        self.route = route
        self.owner = owner
        self.condition = condition

    def made(self) -> Iterator[Declared]:
        """Yield the policies of the connector."""
        found = self.properties.get("Destination")
        destinations = found if isinstance(found, list) else [found]
        for number, destination in enumerate(destinations):
            if isinstance(destination, Mapping):
                suffix = f"Destination{number}" if isinstance(found, list) else ""
                yield from self._between(destination, suffix)
            else:
                _unread(self.template, self.route, self.name)

    def _between(self, destination: Mapping[str, Any], suffix: str) -> Iterator[Declared]:
        kinds = self._kind(self.source), self._kind(destination)
        profile = load()["connectors"].get(" ".join(kinds))
        if profile is None:
            names = [show(kind) or "a resource that is not told" for kind in kinds]
            message = f"what the connector `{self.name}` grants between {names[0]} and {names[1]} is not known"
            self.template.unread.append((self.route, message))
            return
        values: dict[str, Any] = {}
        for side, reference, kind in (
            ("Source", self.source, kinds[0]),
            ("Destination", destination, kinds[1]),
        ):
            for what, value in self._outputs(reference, kind).items():
                values[f"{side}.{what}"] = value
        access = self.properties.get("Permissions")
        wanted = access if isinstance(access, list) else [access]
        if not wanted or any(name not in list(profile["Access"]) for name in wanted):
            _unread(self.template, self.route, self.name)
        statements = profile_statements(*kinds, access, values)
        owner, other = (self.source, destination) if profile["SourcePolicy"] else (destination, self.source)
        if profile["Type"] == "AWS_IAM_ROLE_MANAGED_POLICY":
            role = self._role(owner, other)
            properties = {"PolicyDocument": self._document(statements), "Roles": [role] if role else []}
            yield self._resource(f"Policy{suffix}", "AWS::IAM::ManagedPolicy", properties)
        elif profile["Type"] in ("AWS_SQS_QUEUE_POLICY", "AWS_SNS_TOPIC_POLICY"):
            queue = profile["Type"] == "AWS_SQS_QUEUE_POLICY"
            identity = owner.get("Id")
            target = {"Ref": identity} if identity else owner.get("QueueUrl" if queue else "Arn", "*")
            properties = {"PolicyDocument": self._document(statements), "Queues" if queue else "Topics": [target]}
            kind = "AWS::SQS::QueuePolicy" if queue else "AWS::SNS::TopicPolicy"
            yield self._resource(f"{'Queue' if queue else 'Topic'}Policy{suffix}", kind, properties)
        elif profile["Type"] == "AWS_LAMBDA_PERMISSION":
            for name, entry in profile["Access"].items():
                if name in wanted:
                    filled = _fill(entry, values)
                    arn = values.get("Source.Arn" if profile["SourcePolicy"] else "Destination.Arn", "*")
                    permission = {"FunctionName": arn, **filled}
                    yield self._resource(f"{name}LambdaPermission{suffix}", "AWS::Lambda::Permission", permission)

    def _document(self, statements: list[Any]) -> Placed:
        document = {"Version": "2012-10-17", "Statement": statements}
        return Placed(document, self.route, self.owner.bindings)

    def _resource(self, suffix: str, kind: str, properties: Mapping[str, Any]) -> Declared:
        body: dict[str, Any] = {"Type": kind, "Properties": properties}
        if self.condition:
            body["Condition"] = self.condition
        return Declared(self.name + suffix, kind, body, self.route, self.owner.bindings, True)

    def _declared(self, reference: Mapping[str, Any]) -> Declared | None:
        identity = reference.get("Id")
        return self.template.resources.get(identity) if isinstance(identity, str) else None

    def _kind(self, reference: Mapping[str, Any]) -> str:
        declared = self._declared(reference)
        kind = declared.type if declared else plain_text(reference.get("Type", ""))
        return _TYPES.get(kind, kind)

    def _outputs(self, reference: Mapping[str, Any], kind: str) -> dict[str, Any]:
        if self._declared(reference) is None:
            return {name: reference[name] for name in ("Arn", "ResourceId", "Name", "Qualifier") if name in reference}
        outputs = load()["resources"].get(kind, {}).get("Outputs", {})
        out = {
            "ResourceId" if name == "Id" else name: _logical(value, str(reference["Id"]))
            for name, value in outputs.items()
        }
        if "Qualifier" in reference:
            out["Qualifier"] = reference["Qualifier"]
        return out

    def _role(self, reference: Mapping[str, Any], other: Mapping[str, Any]) -> Any:
        """Name the role of a resource, as `Ref` to a role of the template where it is one."""
        if "RoleName" in reference:
            return reference["RoleName"]
        declared = self._declared(reference)
        if declared is None:
            return None
        if declared.type == "AWS::Events::Rule":
            return _name(_rule_role(declared, other))
        value = declared.properties.get(_ROLE_PROPERTIES.get(declared.type, ""))
        if value is None:
            made = f"{declared.id}Role"
            return {"Ref": made} if made in self.template.resources else None
        return _name(value)


def _rule_role(rule: Declared, target: Mapping[str, Any]) -> Any:
    targets = rule.properties.get("Targets")
    for entry in targets if isinstance(targets, list) else ():
        arn = entry.get("Arn") if isinstance(entry, Mapping) else None
        if arn is not None and (_logical_id(arn) == target.get("Id") or arn == target.get("Arn")):
            return entry.get("RoleArn")
    return None


def _logical_id(node: Any) -> str:
    if not isinstance(node, Mapping) or len(node) != 1:
        return ""
    ((key, argument),) = node.items()
    if key == "Ref":
        return str(argument)
    if key == "Fn::GetAtt":
        return str(argument[0]) if isinstance(argument, list) and argument else str(argument).split(".")[0]
    return ""


def _name(arn: Any) -> Any:
    identity = _logical_id(arn)
    if identity:
        return {"Ref": identity}
    return arn.rpartition("/")[2] if isinstance(arn, str) else None


def _logical(node: Any, identity: str) -> Any:
    if isinstance(node, Mapping):
        return {key: _logical(value, identity) for key, value in node.items()}
    if isinstance(node, list):
        return [_logical(item, identity) for item in node]
    return node.replace("%{logicalId}", identity) if isinstance(node, str) else node


def _unread(template: Template, route: Route, name: str) -> None:
    template.unread.append((route, f"what the connector `{show(name)}` grants cannot be read"))


def _connectors(template: Template) -> Iterator[_Connector]:
    for resource in list(template.resources.values()):
        if resource.type == "AWS::Serverless::Connector":
            source = resource.properties.get("Source")
            if isinstance(source, Mapping):
                yield _Connector(
                    template, resource.id, resource.properties, source, resource.route, resource, resource.condition
                )
            else:
                _unread(template, resource.route, resource.id)
        inside = resource.body.get("Connectors")
        at = (*resource.route, "Connectors")
        if inside is not None and not isinstance(inside, Mapping):
            _unread(template, at, resource.id)
        for name, body in inside.items() if isinstance(inside, Mapping) else ():
            properties = body.get("Properties") if isinstance(body, Mapping) else None
            if isinstance(properties, Mapping):
                extra = properties.get("SourceReference")
                source = {"Id": resource.id, **(extra if isinstance(extra, Mapping) else {})}
                condition = body.get("Condition")
                condition = condition if isinstance(condition, str) else ""
                yield _Connector(template, f"{resource.id}{name}", properties, source, (*at, name), resource, condition)
            else:
                _unread(template, (*at, name), f"{resource.id}{name}")
