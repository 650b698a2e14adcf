"""Templates inside a template: nested stacks, stack sets and serverless applications."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rolelint.documents import Document, parse
from rolelint.errors import InputError, Location, Problem, Route
from rolelint.policies.role import Reading
from rolelint.policies.text import show
from rolelint.readers.cloudformation.assembly import EVERY, Assembly
from rolelint.readers.cloudformation.branches import Branch
from rolelint.readers.cloudformation.template import ABSENT, Declared, Template, is_template, joined
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

#: Bounds how deep templates nest; what lies deeper is told as not read.
_MOST_LEVELS = 10

#: Bounds how many files one template and what it deploys are read from; the rest is told as not read.
_MOST_FILES = 500


def has_nested(template: Template) -> bool:
    """Tell whether a template deploys other templates."""
    return any(_deploys(resource) for resource in template.resources.values())


def _deploys(resource: Declared) -> bool:
    return resource.type in _TYPES or resource.type.endswith("::MODULE")


def read_nested(document: Document, assembly: Assembly, context: ReadContext) -> tuple[Reading, list[Problem]]:
    """Read the templates that a template deploys: texts inside it, and files beside it, as before packaging.

    A stack is deployed into the account of its parent with the parameters that the parent gives; a stack set into other
    accounts. A file that is read here is not judged by itself too, unless the user names it (`used_files`).

    Returns:
        What was read, and a problem for each template that is not here.
    """
    reader = _Reader(document, assembly, context)
    for resource in assembly.template.resources.values():
        if _deploys(resource):
            reader.resource(resource)
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
    def __init__(self, document: Document, assembly: Assembly, context: ReadContext) -> None:
        self.document = document
        self.assembly = assembly
        self.context = context
        self.reading = Reading()
        self.missing: list[Problem] = []
        #: Files read so far, shared by all levels: one template may be deployed many times.
        self.files: list[str] = context.options.get("deployed", [])

    def resource(self, resource: Declared) -> None:
        """Read the template of one resource."""
        base = self.assembly.existing(resource, EVERY)
        asset = self._asset(resource)
        if not base:
            return
        if resource.type not in _TYPES:
            # AWS: modules.html, "CloudFormation modules": resources of the registry, put in at deployment.
            self._absent(resource, f"the module `{resource.type}`", (*resource.route, "Type"))
            return
        if asset and self._file(resource, asset):
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

    def _asset(self, resource: Declared) -> str:
        """Give the file that the CDK notes for a nested stack."""
        metadata = resource.body.get("Metadata")
        path = metadata.get("aws:asset:path") if isinstance(metadata, Mapping) else None
        return path if isinstance(path, str) and resource.type == "AWS::CloudFormation::Stack" else ""

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
                self._read(resource, embedded)
                return
        message = f"the template that `{resource.id}` deploys cannot be read{reason}"
        self.reading.problems.append(Problem(message, where, "", "unknown"))

    def _file(self, resource: Declared, written: str) -> bool:
        """Read a template in a file beside this one; tell whether it is there."""
        if self.context.base is None or not written or "://" in written or os.path.isabs(written):
            return False
        path = os.path.normpath(os.path.join(self.context.base, written))
        real = os.path.realpath(path)
        own = os.path.join(self.context.base, os.path.basename(self.document.file))
        above = (*self.context.options.get("above", ()), os.path.realpath(own))
        if not os.path.isfile(path) or len(above) > _MOST_LEVELS or len(self.files) >= _MOST_FILES:
            return False
        if real in above:
            return True
        self.files.append(real)
        try:
            documents = parse(path, read_regular(path), is_template)
        except InputError as error:
            place = error.location or Location(path)
            self.reading.problems.append(Problem(error.message, place, error.hint))
            return True
        templates = [document for document in documents if is_template(document.data)]
        if templates:
            self.context.used_files.add(real)
        for document in templates:
            self._read(resource, document, above, os.path.dirname(path) or ".")
        return bool(templates)

    def _read(
        self, resource: Declared, document: Document, above: tuple[str, ...] = (), base: str | None = None
    ) -> None:
        from rolelint.readers import ReadContext
        from rolelint.readers.cloudformation import read

        stated: dict[str, Any] = {}
        if resource.type != "AWS::CloudFormation::StackSet":
            given = self.assembly.template.given
            stated = {name: value for name, value in given.items() if name.startswith("AWS::")}
            stated.pop("AWS::StackName", None)
        parameters = document.data.get("Parameters")
        for name, values in self._parameters(resource):
            declared = parameters.get(name) if isinstance(parameters, dict) else None
            if not isinstance(declared, dict) or str(declared.get("Type")).startswith("AWS::SSM::Parameter::Value"):
                continue
            if len(values) == 1:
                stated[name] = values[0]
            elif values:
                # The document is ours: the parent leaves open which of some values it is.
                parameters[name] = {**declared, "AllowedValues": values}
        options = {**self.context.options, "parameters": stated, "above": above, "deployed": self.files}
        context = ReadContext(base=base, options=options, memo=self.context.memo)
        found = read(document, context)
        self.context.used_files |= context.used_files
        for role in found.roles:
            role.location = replace(role.location, address=f"{resource.address}/{role.location.address}")
        self.reading.roles += found.roles
        self.reading.policies += found.policies
        self.reading.problems += found.problems

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
            ways = self.assembly.evaluator.ways(lambda e, f=found: [e.evaluate(n) for n in f], {}, resource.bindings)  # type: ignore[misc]
            for _, results in ways:
                values.update((joined(value), None) for value in results if value is not ABSENT)
            yield name, list(values)


def _pairs(written: Any) -> list[tuple[Any, Any]]:
    """Give names and values of the parameters of a stack set."""
    entries = written if isinstance(written, list) else []
    return [(p.get("ParameterKey"), p.get("ParameterValue")) for p in entries if isinstance(p, Mapping)]
