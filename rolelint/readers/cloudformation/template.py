"""A CloudFormation template as its sections say it, before any value is worked out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from rolelint.errors import Route
from rolelint.policies.text import unknown
from rolelint.readers.parts import partition_of
from rolelint.records import field, record

#: A value of a parameter (or of a pseudo parameter, or of a comparison) that one way to deploy the template takes.
Scenario = Mapping[str, str]

#: What `AWS::NoValue` gives: the property or list item is not there.
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()

#: Stands in a scenario for "some value that the conditions of the template do not name".
OTHER = "\ue002other"

#: Names the stack's own account where the template names no account at all, so that all its ARNs agree.
STAND_IN_ACCOUNT = "123456789012"

#: Candidates to name the stack's own Region; the first that the template does not name is taken.
STAND_IN_REGIONS = {
    "aws": ("us-east-1", "eu-west-1", "us-west-2", "ap-southeast-2", "eu-central-1", "ca-central-1", "sa-east-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
}

#: Most values of one parameter that are tried one by one; with more, only those that conditions name are.
MOST_VALUES = 8

_RESOURCE_TYPE = re.compile(r"^[A-Za-z0-9]+(::[A-Za-z0-9_@-]+)+$")
_ACCOUNT = re.compile(r"(?<![\w-])[0-9]{12}(?![\w-])")
_PARTITION = re.compile(r"arn:(aws[a-z-]*):")
_LOOP = "Fn::ForEach::"

#: Macros that AWS runs and that do not change the IAM parts which are read here, or that are read here.
KNOWN_MACROS = frozenset(
    ("AWS::Serverless-2016-10-31", "AWS::LanguageExtensions", "AWS::CodeDeployBlueGreen", "AWS::ServiceCatalog")
)


class Open(Exception):
    """Evaluation met a value that the template leaves open; each of `values` can be put into the scenario."""

    def __init__(self, name: str, values: tuple[str, ...]) -> None:
        super().__init__(name)
        self.name = name
        self.values = values


class Placed(NamedTuple):
    """A part of a generated tree that the user wrote elsewhere in the template.

    Attributes:
        value: the tree as the user wrote it.
        route: where it stands in the template.
        bindings: loop variables that hold inside it.
    """

    value: Any
    route: Route
    bindings: Mapping[str, str] = {}


@record(frozen=False)
class Declared:
    """One resource of a template.

    Attributes:
        id: logical id, loop variables put in.
        body: the resource's mapping; `Type` is a string.
        route: where the resource stands.
        generated: whether the SAM transform makes it, so that the template does not write it.
    """

    id: str
    type: str
    body: Mapping[str, Any]
    route: Route
    bindings: Mapping[str, str] = field(default_factory=dict)
    generated: bool = False

    @property
    def properties(self) -> Mapping[str, Any]:
        """The `Properties` mapping, empty when there is none."""
        found = self.body.get("Properties")
        return found if isinstance(found, Mapping) else {}

    @property
    def condition(self) -> str:
        """The name of the condition under which the resource exists, or empty."""
        found = self.body.get("Condition")
        return found if isinstance(found, str) else ""

    @property
    def cdk_path(self) -> str:
        """The construct path that the CDK notes in the metadata, or empty."""
        metadata = self.body.get("Metadata")
        path = metadata.get("aws:cdk:path") if isinstance(metadata, Mapping) else None
        return path if isinstance(path, str) else ""

    @property
    def address(self) -> str:
        """What the format calls the resource: the CDK's construct path, else the logical id."""
        return self.cdk_path or self.id


@record(frozen=False)
class Elsewhere:
    """The managed policies that templates which are deployed together give each other.

    Attributes:
        policies: the assembly and resource of each one by the ARN that an output gives.
        taken: files and routes of those that a principal holds or that bound one.
        held: policies of nested templates, by identity, that a principal above them holds.
    """

    policies: dict[str, Any] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)
    held: dict[int, Any] = field(default_factory=dict)


def is_template(data: object) -> bool:
    """Tell whether plain data has the shape of a CloudFormation template."""
    if not isinstance(data, dict):
        return False
    resources = data.get("Resources")
    if not isinstance(resources, dict):
        return False
    if "AWSTemplateFormatVersion" in data:
        return True
    bodies = [body for body in resources.values() if isinstance(body, dict) and "Type" in body]
    if not bodies:
        return "Transform" in data and any(str(key).startswith(_LOOP) for key in resources)
    kinds = [body["Type"] for body in bodies]
    return any(isinstance(kind, str) and _RESOURCE_TYPE.match(kind) for kind in kinds)


def section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a part of a template that is a mapping: empty where it is missing or something else."""
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}


class Template:
    """The sections of one template, with the values that the user gave for its parameters.

    Attributes:
        given: values of parameters and pseudo parameters that the user states; they hold in every scenario.
        not_unrolled: loops among the resources whose items are not known.
        unread: places of what grants power that is not known, each with what to say of it.
        compared: literals that a condition compares a parameter with.
        account_named: whether the template names an account, which may or may not be the stack's own.
        partition_named: the one partition that ARNs of the template name, or empty.
        region: stands for the stack's own Region; empty when the template names every candidate.
        output: gives an output of the template that a resource deploys, or None when that is not known.
        elsewhere: what the templates that are deployed together give each other.
        outer: the template and resource that deploy this one into their own account, or None.
        hung: policies of nested templates with the resource that deploys them, by kind and name of the principals here
            that they name.
    """

    def __init__(self, data: Mapping[str, Any], text: str, given: Mapping[str, Any]) -> None:
        self.data = data
        self.given = dict(given)
        region = given.get("AWS::Region")
        if isinstance(region, str) and partition_of(region):
            self.given.setdefault("AWS::Partition", partition_of(region))
        self.parameters = section(data, "Parameters")
        self.mappings = section(data, "Mappings")
        self.conditions = section(data, "Conditions")
        self.resources: dict[str, Declared] = {}
        self.compared: dict[str, list[str]] = {}
        self.not_unrolled: list[Route] = []
        self.unread: list[tuple[Route, str]] = []
        self.output: Callable[[Declared, str], Any] | None = None
        self.elsewhere = Elsewhere()
        self.outer: tuple[Template, Declared] | None = None
        self.hung: dict[tuple[str, str], list[tuple[Any, Declared]]] = {}
        _collect_compared(self.conditions, self.compared)
        self.account_named = bool(_ACCOUNT.search(text))
        named = set(_PARTITION.findall(text))
        self.partition_named = next(iter(named)) if len(named) == 1 else ""
        candidates = STAND_IN_REGIONS.get(self.partition_named or "aws", ())
        self.region = next((region for region in candidates if region not in text), "")

    @property
    def macros(self) -> list[str]:
        """Names of the macros that process the whole template."""
        found = self.data.get("Transform")
        items = list(found) if isinstance(found, list) else [found]
        items.append(section(self.data, "Resources").get("Fn::Transform"))
        out = []
        for item in items:
            name = item.get("Name") if isinstance(item, Mapping) else item
            if isinstance(name, str):
                out.append(name)
        return out

    def declared(self) -> Iterator[Declared]:
        """Yield the resources that the template writes, without those inside loops."""
        for name, body in section(self.data, "Resources").items():
            if isinstance(body, Mapping) and isinstance(body.get("Type"), str):
                yield Declared(str(name), body["Type"], body, ("Resources", name))

    def loops(self) -> Iterator[tuple[Any, Route]]:
        """Yield `Fn::ForEach` loops among the resources."""
        for name, body in section(self.data, "Resources").items():
            if str(name).startswith(_LOOP):
                yield body, ("Resources", name)


def is_loop(key: object) -> bool:
    """Tell whether a mapping's key starts an `Fn::ForEach` loop."""
    return isinstance(key, str) and key.startswith(_LOOP)


def _collect_compared(node: Any, out: dict[str, list[str]]) -> None:
    if isinstance(node, Mapping):
        pair = node.get("Fn::Equals")
        if isinstance(pair, list) and len(pair) == 2:
            for one, two in (pair, pair[::-1]):
                name = compared_name(one, two)
                if name and isinstance(two, str | int | bool):
                    literals = out.setdefault(name, [])
                    literal = plain_text(two)
                    if literal not in literals:
                        literals.append(literal)
        for value in node.values():
            _collect_compared(value, out)
    elif isinstance(node, list):
        for value in node:
            _collect_compared(value, out)


def compared_name(node: Any, other: Any) -> str:
    """Give the name whose `Ref` one side of a comparison is, or empty.

    A list is compared with nothing at all by its elements joined, or by the first of them.
    """
    if not isinstance(node, Mapping) or len(node) != 1:
        return ""
    listed = next((node[key] for key in ("Fn::Join", "Fn::Select") if key in node), None)
    if other == "" and isinstance(listed, list) and len(listed) == 2 and str(listed[0]) in ("", ",", "0"):
        node = listed[1]
    return referred(node)


def referred(node: Any) -> str:
    """Give the name that a node is the `Ref` of, or empty."""
    name = node.get("Ref") if isinstance(node, Mapping) and len(node) == 1 else None
    return name if isinstance(name, str) else ""


def is_no_value(node: Any) -> bool:
    """Tell whether a node is `AWS::NoValue`."""
    return isinstance(node, Mapping) and node.get("Ref") == "AWS::NoValue"


def is_intrinsic(node: Any) -> bool:
    """Tell whether a node is a call of a function, as SAM tells it."""
    return isinstance(node, Mapping) and len(node) == 1 and str(next(iter(node))).startswith(("Fn::", "Ref"))


def if_branches(node: Any) -> list[Any] | None:
    """Give the condition and both branches where a node is `Fn::If`."""
    found = node.get("Fn::If") if isinstance(node, Mapping) and len(node) == 1 else None
    return found if isinstance(found, list) and len(found) == 3 else None


def plain_text(value: object) -> str:
    """Write a scalar as CloudFormation does where it needs text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def joined(value: Any) -> str:
    """Write a value as CloudFormation does where it needs text; lists are joined by commas."""
    if isinstance(value, str):
        return value
    if value is ABSENT or value is None:
        return ""
    if isinstance(value, list):
        return ",".join(joined(item) for item in value)
    return unknown("an object") if isinstance(value, Mapping) else plain_text(value)
