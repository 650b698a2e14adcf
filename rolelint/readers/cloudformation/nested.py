"""Templates inside a template: nested stacks, stack sets and serverless applications."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from rolelint.documents import Document, parse
from rolelint.errors import InputError, Location, Problem, Route
from rolelint.policies.role import Reading
from rolelint.policies.text import show, split_unknown, unknown, unknown_names
from rolelint.readers.cloudformation.assembly import EVERY, Assembly
from rolelint.readers.cloudformation.branches import Branch
from rolelint.readers.cloudformation.template import ABSENT, Declared, Template, is_template, joined, section
from rolelint.readers.cloudformation.values import Evaluator
from rolelint.records import replace
from rolelint.sources.files import read_regular

if TYPE_CHECKING:
    from rolelint.readers import ReadContext

#: Types that deploy another template, with the property that says where its text is.
_TYPES: Mapping[str, str] = {
    "AWS::CloudFormation::Stack": "TemplateURL",
    "AWS::CloudFormation::StackSet": "TemplateURL",
    "AWS::Serverless::Application": "Location",
}

#: Beginnings of names that mean the same in every template of one account and Region.
_EVERYWHERE = ("AWS::", "resolve:", "Fn::ImportValue")
#: Begins the names of values that the template above knows, where a resource of the one below has the same name.
_ABOVE = "../"

#: Bounds how deep templates nest; what lies deeper is told as not read.
_MOST_LEVELS = 10

#: Bounds how many files one template and what it deploys are read from; the rest is told as not read.
_MOST_FILES = 500


def has_nested(template: Template) -> bool:
    """Tell whether a template deploys other templates."""
    return any(_deploys(resource) for resource in template.resources.values())


def _deploys(resource: Declared) -> bool:
    return resource.type in _TYPES or resource.type.endswith("::MODULE")


class Child(NamedTuple):
    """A template that a resource deploys, and what its reading needs."""

    document: Document
    context: ReadContext


class Deployment:
    """The templates that a template deploys from files beside it, and the values that they give back."""

    def __init__(self, document: Document, template: Template, context: ReadContext) -> None:
        self.context = context
        self._document = document
        self._template = template
        self._evaluator = Evaluator(template, soft=True)
        #: Files read so far, shared by all levels: one template may be deployed many times.
        self._files: list[str] = context.options.get("deployed", [])
        #: What is wrong with those files.
        self.problems: list[Problem] = []
        self._children: dict[tuple[str, str], list[Child] | None] = {}
        self._outputs: dict[str, Outputs | None] = {}

    def beside(self, resource: Declared, written: str) -> list[Child] | None:
        """Open the file that a resource names, once; None when it is not here."""
        key = (resource.id, written)
        if key not in self._children:
            self._children[key] = None
            self._children[key] = self._open(resource, written)
        return self._children[key]

    def output(self, resource: Declared, name: str) -> Any:
        """Give an output of the template that a resource deploys, or None when that is not known."""
        if resource.id not in self._outputs:
            # A template that needs its own output to be read ends here.
            self._outputs[resource.id] = None
            self._outputs[resource.id] = self._outputs_of(resource)
        outputs = self._outputs[resource.id]
        return None if outputs is None else outputs.value(name)

    def _outputs_of(self, resource: Declared) -> Outputs | None:
        if resource.type not in _TYPES or resource.type == "AWS::CloudFormation::StackSet":
            return None
        node = resource.properties.get(_TYPES[resource.type])
        named = self._evaluator.under({}, resource.bindings, soft=True, defaults=False).evaluate(node)
        for written in (asset(resource), named):
            children = self.beside(resource, written) if written and isinstance(written, str) else None
            if children is not None:
                return Outputs(resource, *children[0], self._template) if len(children) == 1 else None
        return None

    def _open(self, resource: Declared, written: str) -> list[Child] | None:
        base = self.context.base
        if base is None or not written or "://" in written or os.path.isabs(written):
            return None
        path = os.path.normpath(os.path.join(base, written))
        real = os.path.realpath(path)
        own = os.path.join(base, os.path.basename(self._document.file))
        above = (*self.context.options.get("above", ()), os.path.realpath(own))
        if not os.path.isfile(path) or len(above) > _MOST_LEVELS or len(self._files) >= _MOST_FILES:
            return None
        if real in above:
            return []
        self._files.append(real)
        try:
            documents = parse(path, read_regular(path), is_template)
        except InputError as error:
            self.problems.append(Problem(error.message, error.location or Location(path), error.hint))
            return []
        templates = [document for document in documents if is_template(document.data)]
        if templates:
            self.context.used_files.add(real)
        folder = os.path.dirname(path) or "."
        return [self.child(resource, document, above, folder) for document in templates] or None

    def child(
        self, resource: Declared, document: Document, above: tuple[str, ...] = (), base: str | None = None
    ) -> Child:
        """Give a template that a resource deploys with the parameters that the resource gives."""
        from rolelint.readers import ReadContext

        stated: dict[str, Any] = {}
        if resource.type != "AWS::CloudFormation::StackSet":
            stated = {name: value for name, value in self._template.given.items() if name.startswith("AWS::")}
            stated.pop("AWS::StackName", None)
        parameters = document.data.get("Parameters")
        parameters = parameters if isinstance(parameters, dict) else {}
        given = dict(self._parameters(resource))
        written = resource.properties.get("Parameters", {})
        plain = isinstance(written, Mapping) and not any(str(name).startswith("Fn::") for name in written)
        if resource.type != "AWS::CloudFormation::StackSet" and plain:
            # Nobody else gives a nested stack values: what its parent leaves out has its Default.
            defaults = {n: d["Default"] for n, d in parameters.items() if isinstance(d, dict) and "Default" in d}
            given = {**{name: [joined(default)] for name, default in defaults.items()}, **given}
        for name, values in given.items():
            declared = parameters.get(name)
            if not isinstance(declared, dict) or str(declared.get("Type")).startswith("AWS::SSM::Parameter::Value"):
                continue
            values = [_below(value, document) for value in values]
            if len(values) == 1:
                stated[name] = values[0]
            elif values:
                # The document is ours: the parent leaves open which of some values it is.
                parameters[name] = {**declared, "AllowedValues": values}
        options = {
            **self.context.options,
            "parameters": stated,
            "above": above,
            "deployed": self._files,
            "elsewhere": self._template.elsewhere,
            "outer": None if resource.type == "AWS::CloudFormation::StackSet" else (self._template, resource),
        }
        return Child(document, ReadContext(base=base, options=options, memo=self.context.memo))

    def _parameters(self, resource: Declared) -> Iterator[tuple[str, list[str]]]:
        """Yield the parameters that a resource gives, with every value that they may have."""
        nodes: dict[str, list[Any]] = {}
        written = resource.properties.get("Parameters")
        pairs = list(written.items()) if isinstance(written, Mapping) else _pairs(written)
        for name, node in pairs:
            nodes.setdefault(str(name), []).append(node)
        groups = resource.properties.get("StackInstancesGroup")
        for group in groups if isinstance(groups, list) else ():
            for name, node in _pairs(group.get("ParameterOverrides") if isinstance(group, Mapping) else None):
                nodes.setdefault(str(name), []).append(node)
        for name, found in nodes.items():
            values: dict[str, None] = {}
            ways = self._evaluator.ways(lambda e, f=found: [e.evaluate(n) for n in f], {}, resource.bindings)  # type: ignore[misc]
            for _, results in ways:
                values.update((joined(value), None) for value in results if value is not ABSENT)
            yield name, list(values)


class Outputs:
    """The outputs of a template that another one deploys, as that sees them.

    Args:
        resource: what deploys the template.
        outer: the template that `resource` belongs to.
    """

    def __init__(self, resource: Declared, document: Document, context: ReadContext, outer: Template) -> None:
        from rolelint.readers.cloudformation import load

        self._resource = resource
        self._document = document
        self._context = context
        self._outer = outer
        self._template = load(document, context)
        # Both stand in one account and Region, whatever stands for those that nobody states.
        self._template.account_named = outer.account_named
        self._template.partition_named = outer.partition_named
        self._template.region = outer.region
        if has_nested(self._template):
            self._template.output = Deployment(document, self._template, context).output
        stated = context.options["parameters"].values()
        #: Names that mean the same in both templates.
        self._shared = {name for value in stated if isinstance(value, str) for name in unknown_names(value)}
        self._policies: Assembly | None = None

    def value(self, name: str) -> str | None:
        """Give an output; a managed policy that it names can then be found by what is given (`Elsewhere`)."""
        node = section(self._template.data, "Outputs").get(name)
        if not isinstance(node, Mapping) or "Value" not in node:
            return None
        text = joined(Evaluator(self._template, soft=True, defaults=False).evaluate(node["Value"]))
        seen = self._seen(text)
        if ":policy/" in text and seen not in self._outer.elsewhere.policies:
            if self._policies is None:
                self._policies = Assembly(self._document, self._template, self._context.memo)
            held = self._policies.found(text)
            if held is not None:
                self._outer.elsewhere.policies[seen] = held
        return seen

    def _seen(self, text: str) -> str:
        """Name values that are not known as the template above does: logical ids mean something else there."""
        pieces = split_unknown(text)
        for i in range(1, len(pieces), 2):
            name = pieces[i]
            everywhere = name in self._shared or name.startswith(_EVERYWHERE)
            pieces[i] = unknown(name.removeprefix(_ABOVE) if everywhere else f"{self._resource.id}.{name}")
        return "".join(pieces)


def as_above(text: str, template: Template) -> str:
    """Write a text of a nested template as the one above does; empty where that does not know some value in it."""
    pieces = split_unknown(text)
    stated = {name for value in template.given.values() if isinstance(value, str) for name in unknown_names(value)}
    if not stated.issuperset(pieces[1::2]):
        return ""
    return "".join(unknown(p.removeprefix(_ABOVE)) if i % 2 else p for i, p in enumerate(pieces))


def _below(text: str, document: Document) -> str:
    """Name values that are not known so that none is taken for a resource of the template that they are given to."""
    pieces = split_unknown(text)
    for i in range(1, len(pieces), 2):
        name = pieces[i]
        taken = name.startswith(_ABOVE) or name.partition(".")[0] in section(document.data, "Resources")
        pieces[i] = unknown(f"{_ABOVE}{name}" if taken else name)
    return "".join(pieces)


def asset(resource: Declared) -> str:
    """Give the file that the CDK notes for a nested stack, or an empty text."""
    metadata = resource.body.get("Metadata")
    path = metadata.get("aws:asset:path") if isinstance(metadata, Mapping) else None
    return path if isinstance(path, str) and resource.type == "AWS::CloudFormation::Stack" else ""


def read_nested(document: Document, assembly: Assembly, deployment: Deployment) -> tuple[Reading, list[Problem]]:
    """Read the templates that a template deploys: texts inside it, and files beside it, as before packaging.

    A stack is deployed into the account of its parent with the parameters that the parent gives; a stack set into other
    accounts. A file that is read here is not judged by itself too, unless the user names it (`used_files`).

    Returns:
        What was read, and a problem for each template that is not here.
    """
    reader = _Reader(document, assembly, deployment)
    for resource in assembly.template.resources.values():
        if _deploys(resource):
            reader.resource(resource)
    reader.reading.problems += deployment.problems
    return reader.reading, reader.missing


class _Embedded(Document):
    """A template whose text is a value of another document: all its places are that value."""

    __slots__ = ("outer", "place")

    outer: Document
    place: Route

    def locate(self, route: Route, address: str = "") -> Location:
        """Locate the value that holds the text."""
        return self.outer.locate(self.place, address)


class _Reader:
    def __init__(self, document: Document, assembly: Assembly, deployment: Deployment) -> None:
        self.document = document
        self.assembly = assembly
        self.deployment = deployment
        self.reading = Reading()
        self.missing: list[Problem] = []

    def resource(self, resource: Declared) -> None:
        """Read the template of one resource."""
        base = self.assembly.existing(resource, EVERY)
        if not base:
            return
        if resource.type not in _TYPES:
            # AWS: modules.html, "CloudFormation modules": resources of the registry, put in at deployment.
            self._absent(resource, f"the module `{resource.type}`", (*resource.route, "Type"))
            return
        noted = asset(resource)
        if noted and self._file(resource, noted):
            return
        if resource.type == "AWS::CloudFormation::StackSet":
            for branch in self.assembly.spread(resource, "TemplateBody", base):
                for text, _ in self.assembly.texts(branch) or [("", ())]:
                    self._text(resource, branch, text)
        for branch in self.assembly.spread(resource, _TYPES[resource.type], base):
            for path, _ in self.assembly.texts(branch) or [("", ())]:
                if not self._file(resource, path):
                    self._absent(resource, f"`{show(path)}`" if path else "the template", branch.route)

    def _absent(self, resource: Declared, what: str, route: Route) -> None:
        message = f"{what}, which `{resource.id}` deploys, is not here, so its roles are not read"
        where = self.document.locate(route, resource.address)
        self.missing.append(Problem(message, where, "check that template by itself", "warning"))

    def _text(self, resource: Declared, branch: Branch, text: str) -> None:
        """Read a template that stands as text in the resource."""
        where = self.document.locate(branch.route, resource.address)
        try:
            parsed = parse("template", text)
        except InputError as error:
            reason = f": {error.message}"
        else:
            reason = ""
            if len(parsed) == 1 and is_template(parsed[0].data):
                embedded = _Embedded(self.document.file, self.document.format, self.document.text, parsed[0].data)
                embedded.outer, embedded.place = self.document, branch.route
                self._read(resource, self.deployment.child(resource, embedded))
                return
        message = f"the template that `{resource.id}` deploys cannot be read{reason}"
        self.reading.problems.append(Problem(message, where, "", "unknown"))

    def _file(self, resource: Declared, written: str) -> bool:
        """Read a template in a file beside this one; tell whether it is there."""
        children = self.deployment.beside(resource, written)
        for child in children or ():
            self._read(resource, child)
        return children is not None

    def _read(self, resource: Declared, child: Child) -> None:
        from rolelint.readers.cloudformation import read

        found = read(*child)
        self.deployment.context.used_files |= child.context.used_files
        for role in found.roles:
            role.location = replace(role.location, address=f"{resource.address}/{role.location.address}")
        self.reading.take(found)


def _pairs(written: Any) -> list[tuple[Any, Any]]:
    """Give names and values of the parameters of a stack set."""
    entries = written if isinstance(written, list) else []
    return [(p.get("ParameterKey"), p.get("ParameterValue")) for p in entries if isinstance(p, Mapping)]
