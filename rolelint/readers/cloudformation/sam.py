"""The SAM transform, as far as it makes roles: serverless resources become the IAM resources that SAM generates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolelint.errors import Route
from rolelint.readers.cloudformation.sam_events import send, source_statements
from rolelint.readers.cloudformation.sam_policies import role_policies
from rolelint.readers.cloudformation.template import (
    ABSENT,
    Declared,
    Placed,
    Template,
    if_branches,
    is_intrinsic,
    is_no_value,
    plain_text,
    section,
)
from rolelint.readers.cloudformation.values import Evaluator

PREFIX = "AWS::Serverless::"

#: Properties of functions that Globals cannot set.
_OWN = frozenset(("Role", "Policies", "FunctionName", "Events"))

#: Managed policies that SAM adds to a function's role for an event source.
_SOURCES = {
    "Kinesis": "service-role/AWSLambdaKinesisExecutionRole",
    "DynamoDB": "service-role/AWSLambdaDynamoDBExecutionRole",
    "SQS": "service-role/AWSLambdaSQSQueueExecutionRole",
    "MSK": "service-role/AWSLambdaMSKExecutionRole",
}
_SCHEDULED = ("Schedule", "ScheduleV2", "CloudWatchEvent", "EventBridgeRule", "Api")


def expand(template: Template) -> None:
    """Add the IAM resources that SAM generates to a template."""
    serverless = [r for r in template.resources.values() if r.type.startswith(PREFIX)]
    if serverless:
        for resource in serverless:
            for made in _Expansion(template, resource).made():
                template.resources.setdefault(made.id, made)
    if serverless or any("Connectors" in r.body for r in template.resources.values()):
        from rolelint.readers.cloudformation.connectors import connect

        connect(template)


def aws_managed(name: str) -> dict[str, str]:
    """Write the ARN of an AWS managed policy for the stack's partition."""
    return {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/" + name}


def trust(service: str) -> dict[str, Any]:
    """Write the trust policy of a service role as SAM does."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {"Service": [service]}}],
    }


def bare(node: Any) -> Any:
    """Give the tree that the user wrote, without its place."""
    return node.value if isinstance(node, Placed) else node


def globals_of(template: Template, kind: str) -> Mapping[str, Any]:
    """Give the part of the `Globals` section for a resource type."""
    found = section(template.data, "Globals").get(kind)
    return found if isinstance(found, Mapping) else {}


def merged(own: Placed | None, shared: Placed | None) -> Any:
    """Merge a global property with the resource's own: objects key by key, lists one after the other."""
    if own is None or shared is None:
        return own or shared
    if isinstance(own.value, Mapping) and isinstance(shared.value, Mapping):
        if is_intrinsic(own.value) or is_intrinsic(shared.value):
            return own
        out: dict[str, Any] = {}
        for key in (*shared.value, *(key for key in own.value if key not in shared.value)):
            out[key] = merged(_step(own, key), _step(shared, key))
        return out
    if isinstance(own.value, list) and isinstance(shared.value, list):
        return [_step(side, i) for side in (shared, own) for i in range(len(side.value))]
    return own


def _step(placed: Placed, key: Any) -> Placed | None:
    if isinstance(placed.value, Mapping) and key not in placed.value:
        return None
    return Placed(placed.value[key], (*placed.route, key), placed.bindings)


class _Expansion:
    """Makes the resources that SAM generates for one serverless resource."""

    def __init__(self, template: Template, resource: Declared) -> None:
        self.template = template
        self.resource = resource
        self.kind = resource.type.removeprefix(PREFIX)
        self.properties: dict[str, Any] = {}
        shared = {} if resource.body.get("IgnoreGlobals") == "*" else globals_of(template, self.kind)
        ignored = resource.body.get("IgnoreGlobals")
        skipped = {*_OWN, *map(str, ignored if isinstance(ignored, list) else ())}
        route: Route = (*resource.route, "Properties")
        for name in (*resource.properties, *(n for n in shared if n not in resource.properties)):
            own = (
                Placed(resource.properties[name], (*route, name), resource.bindings)
                if name in resource.properties
                else None
            )
            general = (
                Placed(shared[name], ("Globals", self.kind, name)) if name in shared and name not in skipped else None
            )
            value = merged(own, general)
            if value is not None:
                self.properties[name] = value

    def value(self, name: str) -> Any:
        """Give a property as the user wrote it; None when it is not there."""
        found = bare(self.properties.get(name))
        return None if is_no_value(found) else found

    def made(self) -> Iterator[Declared]:
        """Yield the generated resources."""
        if self.kind == "Function":
            yield from self._function()
        elif self.kind == "StateMachine":
            yield from self._state_machine()
        elif self.kind == "WebFunction" and self.value("ExecutionRoleArn") is None:
            yield self._role("Role", trust("lambda.amazonaws.com"), ["service-role/AWSLambdaBasicExecutionRole"])
        elif self.kind == "CapacityProvider" and self.value("OperatorRole") is None:
            yield self._role("OperatorRole", trust("lambda.amazonaws.com"), ["AWSLambdaManagedEC2ResourceOperator"])
        elif self.kind == "NetworkConnector" and self.value("OperatorRole") is None:
            managed = ["AWSLambdaNetworkConnectorOperatorPolicy"]
            yield self._role("OperatorRole", trust("lambda.amazonaws.com"), managed)
        elif self.kind == "GraphQLApi":
            yield from self._graphql()

    def _role(
        self,
        suffix: str,
        trust_policy: Any,
        managed: list[Any],
        policies: list[Any] | None = None,
        **more: Any,
    ) -> Declared:
        # What SAM adds by itself stands where the resource is.
        here, names = self.resource.route, self.resource.bindings
        arns = [Placed(aws_managed(item), here, names) if isinstance(item, str) else item for item in managed]
        if not isinstance(trust_policy, Placed):
            trust_policy = Placed(trust_policy, here, names)
        properties: dict[str, Any] = {"AssumeRolePolicyDocument": trust_policy, "ManagedPolicyArns": arns}
        if policies:
            properties["Policies"] = policies
        properties.update({key: value for key, value in more.items() if value is not None})
        body: dict[str, Any] = {"Type": "AWS::IAM::Role", "Properties": properties}
        for attribute in ("Condition", "Metadata"):
            if attribute in self.resource.body:
                body[attribute] = self.resource.body[attribute]
        name = self.resource.id + suffix
        return Declared(name, "AWS::IAM::Role", body, self.resource.route, self.resource.bindings, True)

    def _tags(self) -> Any:
        tags = self.properties.get("Tags")
        pairs = bare(tags)
        return tags if isinstance(pairs, Mapping) and not is_intrinsic(pairs) else None

    # -- functions ----------------------------------------------------------------------------------------------

    def _function(self) -> Iterator[Declared]:
        yield from self._function_role()
        yield from self._scheduler_roles("lambda")
        url = self.value("FunctionUrlConfig")
        if isinstance(url, Mapping) and bare(url.get("AuthType")) == "NONE":
            yield self._public_url()
        preference = self.value("DeploymentPreference")
        enabled = isinstance(preference, Mapping) and bare(preference.get("Enabled", True)) is not False
        if enabled and isinstance(preference, Mapping) and "Role" not in preference:
            managed: list[Any] = ["service-role/AWSCodeDeployRoleForLambda"]
            role = self._role("", trust("codedeploy.amazonaws.com"), managed)
            role.id = "CodeDeployServiceRole"
            yield role

    def _public_url(self) -> Declared:
        """Make the permission that opens a function URL to everybody."""
        properties = {
            "FunctionName": {"Fn::GetAtt": [self.resource.id, "Arn"]},
            "Action": "lambda:InvokeFunctionUrl",
            "Principal": "*",
            "FunctionUrlAuthType": "NONE",
        }
        kind = "AWS::Lambda::Permission"
        body: dict[str, Any] = {"Type": kind, "Properties": properties}
        if "Condition" in self.resource.body:
            body["Condition"] = self.resource.body["Condition"]
        route = (*self.resource.route, "Properties", "FunctionUrlConfig")
        return Declared(f"{self.resource.id}UrlPublicPermissions", kind, body, route, self.resource.bindings, True)

    def _function_role(self) -> Iterator[Declared]:
        condition = self.resource.body.get("Condition")
        given = self.value("Role")
        if given is not None:
            branches = if_branches(given)
            if branches is None:
                return
            absent = [is_no_value(branch) for branch in branches[1:]]
            if not any(absent):
                return
            if not all(absent):
                condition = self._given_condition(str(branches[0]), absent[0])
        basic = "AWSLambdaBasicDurableExecutionRolePolicy" if self.value("DurableConfig") else None
        managed: list[Any] = [f"service-role/{basic or 'AWSLambdaBasicExecutionRole'}"]
        tracing = self.value("Tracing")
        if tracing is not None and Evaluator(self.template, soft=True).evaluate(tracing) not in ("Disabled", ABSENT):
            managed.append(_xray(self.template))
        if self.value("VpcConfig"):
            managed.append("service-role/AWSLambdaVPCAccessExecutionRole")
        policies: list[Any] = []
        queue = self.value("DeadLetterQueue")
        if isinstance(queue, Mapping):
            action = {"SQS": "sqs:SendMessage", "SNS": "sns:Publish"}.get(plain_text(bare(queue.get("Type", ""))))
            statement = {"Action": action, "Resource": queue.get("TargetArn", "*"), "Effect": "Allow"}
            if action:
                policies.append(self._generated("DeadLetterQueuePolicy", [statement], "DeadLetterQueue", version=True))
        policies += self._destinations()
        arns, documents = role_policies(self.properties.get("Policies"), f"{self.resource.id}Role")
        managed += arns
        policies += documents
        for event in self._events():
            self._event_source(*event, managed, policies)
        role = self._role(
            "Role",
            self.properties.get("AssumeRolePolicyDocument", trust("lambda.amazonaws.com")),
            managed,
            policies,
            PermissionsBoundary=self.properties.get("PermissionsBoundary"),
            Path=self.properties.get("RolePath"),
            Tags=self._tags(),
        )
        body = dict(role.body)
        if condition is not None:
            body["Condition"] = condition
        role.body = body
        yield role

    def _given_condition(self, name: str, holds: bool) -> str:
        """Name the condition under which SAM makes the role although the function names one."""
        if holds:
            return name
        conditions = dict(self.template.conditions)
        conditions[f"NOT{name}"] = {"Fn::Not": [{"Condition": name}]}
        self.template.conditions = conditions
        return f"NOT{name}"

    def _generated(self, name: str, statements: list[Any], *where: str, version: bool = False) -> dict[str, Any]:
        """Write an inline policy that SAM generates because of a property."""
        document: dict[str, Any] = {"Statement": statements}
        if version:
            document["Version"] = "2012-10-17"
        route: Route = (*self.resource.route, "Properties", *where)
        return {"PolicyName": name, "PolicyDocument": Placed(document, route, self.resource.bindings)}

    def _destinations(self) -> Iterator[dict[str, Any]]:
        config = self.value("EventInvokeConfig")
        destinations = bare(config.get("DestinationConfig")) if isinstance(config, Mapping) else None
        for name in ("OnSuccess", "OnFailure"):
            entry = bare(destinations.get(name)) if isinstance(destinations, Mapping) else None
            if not isinstance(entry, Mapping):
                continue
            label = f"{self.resource.id}EventInvokeConfig{name}"
            kind = plain_text(bare(entry.get("Type", "")))
            target = entry.get("Destination")
            if kind in ("SQS", "SNS"):
                target = self._or_made(target, label, kind)
            statements = send(kind, target)
            if statements:
                yield self._generated(
                    f"{label}{kind}Policy", statements, "EventInvokeConfig", "DestinationConfig", name
                )

    def _or_made(self, target: Any, label: str, kind: str) -> Any:
        """Give a destination, with the one that SAM makes where the user names none."""
        written = bare(target)
        if target is None or is_no_value(written):
            return self._made_destination(label, kind)
        branches = if_branches(written)
        if branches is not None and any(map(is_no_value, branches[1:])):
            filled = [self._made_destination(label, kind) if is_no_value(b) else b for b in branches[1:]]
            return {"Fn::If": [branches[0], *filled]}
        return target

    def _made_destination(self, label: str, kind: str) -> Any:
        """Note the queue or topic that SAM makes for a destination without one."""
        type_, name = ("AWS::SQS::Queue", f"{label}Queue") if kind == "SQS" else ("AWS::SNS::Topic", f"{label}Topic")
        body = {"Type": type_}
        made = Declared(name, type_, body, self.resource.route, self.resource.bindings, True)
        self.template.resources.setdefault(name, made)
        return {"Fn::GetAtt": [name, "Arn"]} if kind == "SQS" else {"Ref": name}

    def _events(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield the events: name, type and properties."""
        events = self.value("Events")
        for name, event in events.items() if isinstance(events, Mapping) else ():
            if isinstance(event, Mapping):
                yield str(name), str(event.get("Type")), section(event, "Properties")

    def _event_source(
        self, name: str, kind: str, properties: Mapping[str, Any], managed: list[Any], policies: list[Any]
    ) -> None:
        if kind == "SNS" and properties.get("SqsSubscription"):
            kind = "SQS"
        if kind in _SOURCES and aws_managed(_SOURCES[kind]) not in managed and _SOURCES[kind] not in managed:
            managed.append(_SOURCES[kind])
        statements = list(source_statements(kind, properties))
        title = {"MSK": "MSKExecutionRolePolicy", "MQ": "SamAutoGeneratedAMQPolicy"}.get(
            kind, f"{kind}ExecutionRolePolicy"
        )
        policy = self._generated(title, statements, "Events", name)
        if statements and all(policy["PolicyDocument"][0] != bare(p["PolicyDocument"]) for p in _plain(policies)):
            policies.append(policy)
        config = properties.get("DestinationConfig")
        failure = config.get("OnFailure") if isinstance(config, Mapping) else None
        if isinstance(failure, Mapping):
            sends = send(plain_text(failure.get("Type", "")), failure.get("Destination"))
            if sends:
                policies.append(self._generated(f"{self.resource.id}{name}Policy", sends, "Events", name))

    def _scheduler_roles(self, target: str) -> Iterator[Declared]:
        """Make the roles of EventBridge Scheduler events."""
        for name, kind, properties in self._events():
            if kind != "ScheduleV2" or "RoleArn" in properties:
                continue
            label = f"{self.resource.id}{name}"
            arn: Any = {"Fn::GetAtt": [self.resource.id, "Arn"]}
            action = "lambda:InvokeFunction"
            title = f"{label}LambdaPolicy"
            if target == "states":
                arn, action, title = self._started(), "states:StartExecution", f"{label}StartExecutionPolicy"
            statements = [{"Action": action, "Effect": "Allow", "Resource": arn}]
            policies = [self._generated(title, statements, "Events", name)]
            dead = properties.get("DeadLetterConfig")
            if isinstance(dead, Mapping) and dead.get("Arn"):
                sends = send("SQS", dead["Arn"])
                policies.append(self._generated(f"{label}SQSPolicy", sends, "Events", name))
            yield self._event_role(f"{name}Role", name, "scheduler.amazonaws.com", policies, properties)

    def _event_role(
        self, suffix: str, event: str, service: str, policies: list[Any], properties: Mapping[str, Any]
    ) -> Declared:
        boundary = None
        if "PermissionsBoundary" in properties:
            route = (*self.resource.route, "Properties", "Events", event, "Properties", "PermissionsBoundary")
            boundary = Placed(properties["PermissionsBoundary"], route, self.resource.bindings)
        role = self._role(suffix, trust(service), [], policies, PermissionsBoundary=boundary)
        role.route = (*self.resource.route, "Properties", "Events", event)
        return role

    # -- state machines and APIs --------------------------------------------------------------------------------

    def _state_machine(self) -> Iterator[Declared]:
        if self.value("Role") is None:
            arns, documents = role_policies(self.properties.get("Policies"), f"{self.resource.id}Role")
            tracing = self.value("Tracing")
            if isinstance(tracing, Mapping) and bare(tracing.get("Enabled")) is True:
                arns.append(aws_managed(_xray(self.template)))
            yield self._role(
                "Role",
                trust("states.amazonaws.com"),
                arns,
                documents,
                PermissionsBoundary=self.properties.get("PermissionsBoundary"),
                Path=self.properties.get("RolePath"),
                Tags=self._tags(),
            )
        yield from self._scheduler_roles("states")
        for name, kind, properties in self._events():
            if kind not in _SCHEDULED or kind == "ScheduleV2" or "RoleArn" in properties:
                continue
            service = "apigateway.amazonaws.com" if kind == "Api" else "events.amazonaws.com"
            label = f"{self.resource.id}{name}Role"
            statements = [{"Action": "states:StartExecution", "Effect": "Allow", "Resource": self._started()}]
            policies = [self._generated(f"{label}StartExecutionPolicy", statements, "Events", name)]
            role = self._event_role(f"{name}Role", name, service, policies, {})
            if "PermissionsBoundary" in self.properties:
                inside = {**role.properties, "PermissionsBoundary": self.properties["PermissionsBoundary"]}
                role.body = {**role.body, "Properties": inside}
            yield role

    def _started(self) -> dict[str, str]:
        """Name what events start: the state machine or the alias that SAM publishes."""
        if self.value("UseAliasAsEventTarget") is True:
            return {"Ref": f"{self.resource.id}Alias{self.value('AutoPublishAlias')}"}
        return {"Ref": self.resource.id}

    def _graphql(self) -> Iterator[Declared]:
        logging = self.value("Logging")
        if logging is not False and not (isinstance(logging, Mapping) and "CloudWatchLogsRoleArn" in logging):
            managed = ["service-role/AWSAppSyncPushToCloudWatchLogs"]
            yield self._role("CloudWatchRole", trust("appsync.amazonaws.com"), list(managed))
        sources = self.value("DataSources")
        sources = sources if isinstance(sources, Mapping) else {}
        from rolelint.readers.cloudformation.connectors import profile_statements

        for group, kind, label in (("DynamoDb", "AWS::DynamoDB::Table", "DynamoDB"), ("Lambda", "", "Lambda")):
            entries = sources.get(group)
            for name, entry in entries.items() if isinstance(entries, Mapping) else ():
                if not isinstance(entry, Mapping) or "ServiceRoleArn" in entry:
                    continue
                access = entry.get("Permissions") or ["Read", "Write"]
                arn = entry.get("TableArn") or _table_arn(entry)
                if group == "Lambda":
                    access, arn, kind = ["Write"], entry.get("FunctionArn", "*"), "AWS::Lambda::Function"
                statements = profile_statements("AWS::AppSync::DataSource", kind, access, {"Destination.Arn": arn})
                where = ("DataSources", group, str(name))
                policies = [self._generated(f"{name}Policy", statements, *where)]
                yield self._role(f"{name}{label}DataSourceRole", trust("appsync.amazonaws.com"), [], policies)


def _plain(policies: list[Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the inline policies that do not stand behind a condition."""
    for policy in policies:
        if isinstance(policy, Mapping) and "PolicyDocument" in policy:
            yield policy


def _xray(template: Template) -> str:
    partition = plain_text(template.given.get("AWS::Partition", "")) or template.partition_named
    return "AWSXrayWriteOnlyAccess" if partition in ("", "aws") else "AWSXRayDaemonWriteAccess"


def _table_arn(entry: Mapping[str, Any]) -> Any:
    values = {"table": entry.get("TableName", "*"), "region": entry.get("Region", {"Ref": "AWS::Region"})}
    return {"Fn::Sub": ["arn:${AWS::Partition}:dynamodb:${region}:${AWS::AccountId}:table/${table}", values]}
