"""Modules of Terraform source: what names mean in them, and which instances their blocks make."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rolelint.documents import hcl_nodes as hcl
from rolelint.policies.text import has_unknown, unknown
from rolelint.readers.terraform import kinds
from rolelint.readers.terraform.blocks import nested_blocks
from rolelint.readers.terraform.constraints import conform
from rolelint.readers.terraform.evaluate import Frame, ResourceValue, chain, may_lack, rendered, truth, value
from rolelint.readers.terraform.files import Definition, Folder, open_folder
from rolelint.readers.terraform.filesets import fileset
from rolelint.readers.terraform.functions import Loose, UndecidedError, is_unknown, text_of, weight
from rolelint.readers.terraform.planned import PlannedAttributes, same_as
from rolelint.readers.terraform.presence import conditions, listed, refused, required
from rolelint.readers.terraform.redact import texts_in
from rolelint.readers.terraform.references import call_names
from rolelint.readers.terraform.world import Instance, show_key, single_unknown, split_address

if TYPE_CHECKING:
    from rolelint.readers.terraform.tree import Tree

#: Bounds the instances that one `count` or `for_each` makes; past it, the block is taken as one unknown instance.
MAX_INSTANCES = 1000
#: Bounds the weight of the value of one name; past it, the value is unknown. One that holds the one before it twice
#: doubles, though both are the same list in memory.
MAX_WEIGHT = 100_000
#: Attributes of data sources that hold what a template or a file says.
_OF_FILES = frozenset((("template_file", "rendered"), ("local_file", "content")))
#: The attributes of a policy document that hold it.
_WRITTEN = (("json",), ("minified_json",))
#: Bounds how deep local modules call each other; deeper calls are unknown.
MAX_MODULES = 16


class Module:
    """One instance of a module: the root, or a called one with its arguments."""

    def __init__(self, tree: Tree, folder: Folder, address: str, call: Definition | None, frame: Frame | None) -> None:
        self.tree = tree
        self.folder = folder
        self.address = address
        self._call = call
        self._frame = frame
        #: What decides whether the module is there at all, where that is not known.
        self.maybe: frozenset[str] = frame.maybe if frame is not None else frozenset()
        self._memo: dict[tuple[str, ...], Any] = {}
        self._busy: set[tuple[str, ...]] = set()

    @property
    def depth(self) -> int:
        """How many calls lead here from the root."""
        return self.address.count("module.")

    def prefix(self) -> str:
        return f"{self.address}." if self.address else ""

    def _once(self, key: tuple[str, ...], name: str, make: Any) -> Any:
        """Work something out once; inside its own working out it is unknown."""
        if key in self._memo:
            return self._memo[key]
        if key in self._busy:
            return unknown(self.prefix() + name)
        self._busy.add(key)
        try:
            found = make()
        finally:
            self._busy.discard(key)
        if isinstance(found, list | dict) and weight(found, MAX_WEIGHT) > MAX_WEIGHT:
            found = unknown(self.prefix() + name)
        self._memo[key] = found
        return found

    # Names

    def variable(self, name: str) -> Any:
        return self._once(("var", name), f"var.{name}", lambda: self._variable(name))

    def argument(self, name: str) -> tuple[hcl.Setting, Frame] | None:
        """Give what sets a variable, with the frame it is evaluated in: the call's argument, else the default."""
        if self._call is not None and self._frame is not None:
            setting = self._call.block.body.settings.get(name)
            if setting is not None:
                return setting, self._frame
        definition = self.folder.block("variable", name)
        default = definition.block.body.settings.get("default") if definition else None
        return (default, Frame(self, definition.file)) if definition and default else None

    def _variable(self, name: str) -> Any:
        definition = self.folder.block("variable", name)
        settings = definition.block.body.settings if definition else {}
        own = Frame(self, definition.file if definition else "")
        kind = _type_of(settings)
        if self._call is not None and self._frame is not None:
            setting = self._call.block.body.settings.get(name)
            if setting is not None:
                given = value(setting.value, self._frame)
                nullable = settings.get("nullable")
                if given is not None or not (nullable and value(nullable.value, own) is False):
                    return conform(given, kind, own)
        elif self.tree.variables is not None and name in self.tree.variables:
            return self.tree.variables[name]
        else:
            listed = self.folder.values().get(name)
            if listed is not None:
                return conform(value(listed[1].value, Frame(self, listed[0])), kind, own)
        default = settings.get("default")
        if default is None:
            return unknown(f"{self.prefix()}var.{name}")
        return conform(value(default.value, own), kind, own)

    def local(self, name: str) -> Any:
        def make() -> Any:
            found = self.folder.local(name)
            if found is None:
                return unknown(f"{self.prefix()}local.{name}")
            return value(found[1].value, Frame(self, found[0]))

        return self._once(("local", name), f"local.{name}", make)

    def listed(self, head: str, name: Any) -> frozenset[str]:
        if head not in ("local", "var") or not isinstance(name, str):
            return frozenset()

        def make() -> frozenset[str]:
            if head == "local":
                found = self.folder.local(name)
                return listed(found[1].value, Frame(self, found[0])) if found is not None else frozenset()
            given = self.argument(name)
            return listed(given[0].value, given[1]) if given is not None else frozenset()

        told: Any = self._once(("listed", head, name), f"{head}.{name}", make)
        return told if isinstance(told, frozenset) else frozenset()

    def called(self, name: str) -> tuple[Definition, Folder] | None:
        """Give the block that calls a module and the folder it calls, or None when its source is not here."""
        definition = self.folder.block("module", name)
        if definition is None or self.depth >= MAX_MODULES:
            return None
        setting = definition.block.body.settings.get("source")
        source = setting.value.value if setting and isinstance(setting.value, hcl.Literal) else None
        if isinstance(source, str) and source.startswith(("./", "../")):
            path = os.path.normpath(os.path.join(self.folder.path, source))
        else:
            installed = self.tree.installed(".".join([*call_names(self.address), name]))
            if installed is None:
                return None
            path = installed
        folder = open_folder(path, self.tree.files)
        if not folder.files:
            return None
        self.tree.used.add(path)
        return definition, folder

    def modules(self, name: str) -> list[tuple[Any, Module]] | None:
        """List the instances of a called module with their keys, or None when its source is not here."""

        def make() -> Any:
            found = self.called(name)
            if found is None:
                return None
            definition, folder = found
            return [
                (key, Module(self.tree, folder, f"{self.prefix()}module.{name}{show_key(key)}", definition, frame))
                for key, frame in self.expand(definition)
            ]

        listed: Any = self._once(("module", name), f"module.{name}", make)
        return listed if isinstance(listed, list) else None

    def instance(self, name: str, key: str) -> Module | None:
        """Give one instance of a called module by its key as addresses write it."""
        for at, module in self.modules(name) or ():
            if show_key(at) == key:
                return module

        def make() -> Any:
            found = self.called(name)
            if found is None:
                return None
            definition, folder = found
            plain: Any = json.loads(key[1:-1]) if key else None
            frame = Frame(self, definition.file)
            if isinstance(plain, int):
                frame.count = plain
            elif plain is not None:
                frame.each = (plain, unknown(f"{self._label(definition)}{key} each.value"))
            return Module(self.tree, folder, f"{self.prefix()}module.{name}{key}", definition, frame)

        made: Any = self._once(("module", name, key), f"module.{name}{key}", make)
        return made if isinstance(made, Module) else None

    def give(self, name: str) -> Any:
        """Give the value of an output of this module."""

        def make() -> Any:
            definition = self.folder.block("output", name)
            setting = definition.block.body.settings.get("value") if definition else None
            if definition is None or setting is None:
                return unknown(f"{self.prefix()}{name}")
            return value(setting.value, Frame(self, definition.file))

        return self._once(("output", name), name, make)

    def call(self, call: str) -> Any:
        listed = self.modules(call)
        if listed is None:
            return unknown(f"{self.prefix()}module.{call}")
        definition = self.folder.block("module", call)
        assert definition is not None  # `modules` found it
        numbered = _is_numbered(definition)
        many = {None} if numbered else set()
        made = {
            key: ResourceValue(
                module.address,
                module.give,
                False,
                module.maybe,
                key in many,
                not numbered and module.maybe > self.maybe,
            )
            for key, module in listed
        }
        return _instances(made, definition)

    def resource(self, mode: str, kind: str, name: str) -> Any:
        head = "data." if mode == "data" else ""
        address = f"{self.prefix()}{head}{kind}.{name}"

        def make() -> Any:
            planned = self._planned(address)
            if planned is not None:
                return planned
            definition = self.folder.block("data" if mode == "data" else "resource", kind, name)
            if definition is None:
                return unknown(address)
            made: dict[Any, Any] = {}
            for key, frame in self.expand(definition):
                whole = address + show_key(key)
                made[key] = self._resource_value(whole, mode, kind, name, key, definition, frame)
            return _instances(made, definition)

        return self._once((mode, kind, name), f"{head}{kind}.{name}", make)

    def _planned(self, address: str) -> Any:
        """Give the instances that a plan tells of, or None."""
        world = self.tree.planned
        if world is None:
            return None
        found = world.siblings(address)
        if not found:
            return None
        return _by_key({i.key: ResourceValue(i.address, PlannedAttributes(i, world)) for i in found})

    def _resource_value(
        self, address: str, mode: str, kind: str, name: str, key: Any, definition: Definition, frame: Frame
    ) -> ResourceValue:
        def attribute(wanted: str) -> Any:
            return self._once(
                ("attribute", address, wanted),
                f"{address.removeprefix(self.prefix())}.{wanted}",
                lambda: self._attribute(address, mode, kind, name, key, definition, frame, wanted),
            )

        numbered = _is_numbered(definition)
        perhaps = not numbered and frame.maybe > self.maybe
        return ResourceValue(address, attribute, maybe=frame.maybe, many=key is None and numbered, perhaps=perhaps)

    def _attribute(
        self,
        address: str,
        mode: str,
        kind: str,
        name: str,
        key: Any,
        definition: Definition,
        frame: Frame,
        wanted: str,
    ) -> Any:
        body = definition.block.body
        if wanted in body.settings:
            found = value(body.settings[wanted].value, frame)
            if found is not None or not _is_computed(mode, kind, wanted):
                return found
        blocks = self.blocks(definition, wanted, frame)
        if blocks is not None:
            return blocks
        if mode == "data":
            return self._data(kind, wanted, definition, address, frame)
        other = same_as(kind, wanted)
        if other:
            return self.resource_attribute(kind, name, key, other)
        if wanted == "arn" and kind in kinds.KINDS:
            parts = {n: self.resource_attribute(kind, name, key, n) for n in kinds.arn_attributes(kind)}
            parts = {n: None if is_unknown(v) and n == "path" else v for n, v in parts.items()}
            parts["region"] = self.resource_attribute(kind, name, key, "region")
            instance = Instance(address, self.address, mode, kind, name, key, parts, self.provider(definition))
            return kinds.arn_of(instance, self.tree)
        if wanted == "region" and kind.startswith(("aws_", "awscc_")):
            return self.tree.scope(self.provider(definition)).region
        return unknown(f"{address}.{wanted}")

    def resource_attribute(self, kind: str, name: str, key: Any, wanted: str) -> Any:
        """Give one attribute of one instance of a managed resource of this module."""
        found = self.resource("managed", kind, name)
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list):
            found = found[key] if isinstance(key, int) and key < len(found) else None
        if isinstance(found, ResourceValue):
            return found.attribute(wanted)
        return unknown(f"{self.prefix()}{kind}.{name}{show_key(key)}.{wanted}")

    def _data(self, kind: str, wanted: str, definition: Definition, address: str, frame: Frame) -> Any:
        scope = self.tree.scope(self.provider(definition))
        if kind == "aws_partition" and wanted in ("partition", "id"):
            return scope.partition
        if kind == "aws_partition" and wanted == "dns_suffix" and not has_unknown(scope.partition):
            return "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
        if kind == "aws_caller_identity" and wanted in ("account_id", "id"):
            return scope.account
        if kind == "aws_region" and wanted in ("name", "id", "region"):
            settings = definition.block.body.settings
            given = (value(settings[n].value, frame) for n in ("region", "name") if n in settings)
            return next((v for v in given if v is not None), scope.region)
        if kind == "aws_iam_policy" and wanted == "policy":
            from rolelint.catalog import catalog

            arn = definition.block.body.settings.get("arn") or definition.block.body.settings.get("name")
            named = value(arn.value, frame) if arn else None
            known = catalog().managed_policy(named) if isinstance(named, str) and not has_unknown(named) else None
            if known is not None:
                return json.dumps(known)
        if (kind, wanted) in _OF_FILES:
            try:
                return self._text(kind, definition.block.body, frame)
            except (UndecidedError, TypeError):
                pass
        return unknown(f"{address}.{wanted}")

    def spend(self, work: int) -> None:
        self.tree.work -= work
        if self.tree.work < 0:
            raise UndecidedError

    def written(self, value: Any) -> Any:
        address = split_address(single_unknown(value))
        if address is None or address.type != "aws_iam_policy_document" or address.path not in _WRITTEN:
            return value
        module = self.tree.module_at(address.module)
        definition = module.folder.block("data", address.type, address.name) if module is not None else None
        if module is None or definition is None:
            return value
        frame = next((f for key, f in module.expand(definition) if show_key(key) == address.key), None)
        if frame is None or frame.maybe:
            return value

        def make() -> Any:
            from rolelint.readers.terraform.blocks import body_values
            from rolelint.readers.terraform.statements import build, decode

            said, _ = build(body_values(definition.block.body, frame), lambda text: decode(self.written(text)))
            return json.dumps(_lone(said), indent=2, ensure_ascii=False)

        made = module._once(("document", address.resource), address.resource, make)
        return value if is_unknown(made) else made

    def _text(self, kind: str, body: hcl.Body, frame: Frame) -> Any:
        """Give the text that a template or a file holds."""

        def given(name: str) -> Any:
            return value(body.settings[name].value, frame) if name in body.settings else None

        if kind == "template_file":
            return rendered(given("template"), given("vars") or {}, frame=frame)
        content = self.read_file(text_of(given("filename")))
        if content is None:
            raise UndecidedError
        return content

    def provider(self, definition: Definition) -> str:
        """Name the provider configuration of a resource block."""
        setting = definition.block.body.settings.get("provider")
        if setting is not None and _dotted(setting.value):
            return self._given(_dotted(setting.value))
        return self._given(definition.block.labels[0].split("_", 1)[0])

    def _given(self, local: str) -> str:
        """Name the root's provider configuration that a module calls by a name of its own."""
        if self._call is None or self._frame is None or not isinstance(self._frame.module, Module):
            return local
        setting = self._call.block.body.settings.get("providers")
        given = setting.value.pairs if setting is not None and isinstance(setting.value, hcl.Object) else ()
        for key, item in given:
            if _dotted(key) == local and _dotted(item):
                return self._frame.module._given(_dotted(item))
        return self._frame.module._given(local)

    def _inside(self, path: str) -> str:
        """Give where a path of an expression leads.

        Raises:
            UndecidedError: when that is not known, or elsewhere on the machine.
        """
        if has_unknown(path):
            raise UndecidedError
        found = self._found(path)
        if not self.tree.holds(found, self.folder.path):
            raise UndecidedError
        return found

    def _found(self, path: str) -> str:
        # `path.module` and `path.root` put the folder itself in front.
        tops = [f.rstrip("/") for f in (self.folder.path, self.tree.root.folder.path) if f]
        if os.path.isabs(path) or any(path == f or path.startswith(f"{f}/") for f in tops):
            return os.path.normpath(path)
        # Terraform takes a relative path from where it runs: the root. A module's own files are tried, too.
        places = (os.path.normpath(os.path.join(top, path)) for top in (self.tree.root.folder.path, self.folder.path))
        first, own = places
        return first if os.path.exists(first) or not os.path.exists(own) else own

    def read_file(self, path: str) -> str | None:
        inside = self._inside(path)
        self.tree.read.add(inside)
        return self.tree.files.text_beside(inside)

    def has_file(self, path: str) -> bool:
        return os.path.exists(self._inside(path))

    def list_files(self, path: str, pattern: str) -> list[str]:
        if has_unknown(pattern):
            raise UndecidedError
        return fileset(self._inside(path), pattern)

    def hide(self, value: Any) -> None:
        # A whole policy is judged: what it says is no secret then.
        self.tree.secrets |= {text for text in texts_in(value) if not text.lstrip().startswith("{")}

    def path(self, name: str) -> str:
        if name == "module":
            return self.folder.path or "."
        if name == "root":
            return self.tree.root.folder.path or "."
        raise UndecidedError

    def describe(self, node: Any, file: str) -> tuple[str, str]:
        location = self.tree.files.location(file, node.start, node.end, (), "")
        text = self.tree.files.text(file) or ""
        return text[node.start : node.end], f"{os.path.basename(file)}:{location.line}:{location.column}"

    # Instances

    def expand(self, definition: Definition) -> list[tuple[Any, Frame]]:
        """List the instances of a block: key and frame. What decides their number may be unknown: one, without key."""
        settings = definition.block.body.settings
        base = self._frame_of(definition)
        if "count" in settings:
            node = settings["count"].value
            number = value(node, base)
            if isinstance(number, str) and number.isdigit():
                number = int(number)
            if isinstance(number, bool) or not isinstance(number, int | float) or number > MAX_INSTANCES:
                index = unknown(f"{self._label(definition)} count.index")
                return [(None, self._frame_of(definition, conditions(node, base), count=index))]
            maybe = listed(node, base)
            return [(i, self._frame_of(definition, maybe, count=i)) for i in range(int(number))]
        if "for_each" in settings:
            node = settings["for_each"].value
            source = value(node, base)
            pairs = list(_each(source))
            if pairs and len(pairs) <= MAX_INSTANCES:
                maybe = listed(node, base)
                loose = maybe or (conditions(node, base) if isinstance(source, Loose) else maybe)
                return [
                    (k, self._frame_of(definition, loose if is_unknown(v) or may_lack(v) else maybe, each=(k, v)))
                    for k, v in pairs
                ]
            if isinstance(source, list | dict) and not source:
                return []
            chosen = _either_of(node, base) if is_unknown(source) else None
            if chosen is not None:
                return [(k, self._frame_of(definition, maybe, each=(k, v))) for k, v, maybe in chosen]
            label = self._label(definition)
            any_of_them = source.one(False) if isinstance(source, ResourceValue) else unknown(f"{label} each.value")
            each = (unknown(f"{label} each.key"), any_of_them)
            return [(None, self._frame_of(definition, conditions(node, base), each=each))]
        node = _enabled(definition)
        if node is None:
            return [(None, base)]
        return [] if truth(value(node, base)) is False else [(None, self._frame_of(definition, required(node, base)))]

    def _frame_of(self, definition: Definition, maybe: frozenset[str] = frozenset(), **named: Any) -> Frame:
        """Make the frame of an instance; `maybe` is what decides whether there is one, beside the module."""
        return Frame(self, definition.file, **named, maybe=self.maybe | maybe)

    def _label(self, definition: Definition) -> str:
        return self.prefix() + ".".join(definition.block.labels)

    def blocks(self, definition: Definition, wanted: str, frame: Frame) -> list[Any] | None:
        """Evaluate the nested blocks of one type, dynamic ones included; None when there are none."""
        return nested_blocks(definition.block.body, wanted, frame)

    def every(self) -> Iterator[Module]:
        """List this module and all local modules below it."""
        yield self
        for name, _ in self.folder.keys("module"):
            for _, module in self.modules(name) or ():
                yield from module.every()


def _lone(said: Any) -> Any:
    """Write lists of one text as the provider does, as that text."""
    if isinstance(said, list):
        return said[0] if len(said) == 1 and isinstance(said[0], str) else [_lone(item) for item in said]
    return {name: _lone(item) for name, item in said.items()} if isinstance(said, dict) else said


def _type_of(settings: dict[str, hcl.Setting]) -> Any:
    """Give the type constraint of a variable; JSON syntax and old configurations write it as a text."""
    kind = settings["type"].value if "type" in settings else None
    if isinstance(kind, hcl.Literal) and isinstance(kind.value, str):
        from rolelint.documents.hcl import parse_expression

        return parse_expression(kind.value)
    return kind


def _is_computed(mode: str, kind: str, attribute: str) -> bool:
    """Tell whether AWS gives an attribute that is set to null, so that it has a value nevertheless."""
    named = attribute != "path" and kind in kinds.KINDS and attribute in kinds.arn_attributes(kind)
    return mode == "data" or attribute == "region" or named


def _dotted(node: Any) -> str:
    """Write the name of a provider configuration, `aws.x`; empty for other expressions."""
    if isinstance(node, hcl.Literal):
        return node.value if isinstance(node.value, str) else ""
    parts = chain(node)
    return ".".join([parts[0], *(s for s in parts[1] if isinstance(s, str))]) if parts is not None else ""


def _enabled(definition: Definition) -> Any:
    """Give the expression that decides whether there is a resource or module, or None where nothing does."""
    # OpenTofu 1.11: language/meta-arguments/enabled. In JSON syntax the block is an object.
    body = definition.block.body
    for block in body.of_type("lifecycle"):
        if "enabled" in block.body.settings:
            return block.body.settings["enabled"].value
    written = body.settings["lifecycle"].value if "lifecycle" in body.settings else None
    for part in written.items if isinstance(written, hcl.Items) else (written,):
        for key, item in part.pairs if isinstance(part, hcl.Object) else ():
            if isinstance(key, hcl.Literal) and key.value == "enabled":
                return item
    return None


def _is_numbered(definition: Definition) -> bool:
    """Tell whether a block makes instances by number or key."""
    return "count" in definition.block.body.settings or "for_each" in definition.block.body.settings


def _by_key(made: dict[Any, Any]) -> Any:
    if None in made:
        return made[None]
    if all(isinstance(k, int) for k in made):
        return [made[k] for k in sorted(made)]
    return made


def _instances(made: dict[Any, Any], definition: Definition) -> Any:
    """Give what the name of a block means: one value, or many by number or key, of which there may be none."""
    if made:
        return _by_key(made)
    settings = definition.block.body.settings
    return {} if "for_each" in settings else [] if "count" in settings else None


def _either_of(node: Any, frame: Frame) -> list[tuple[Any, Any, frozenset[str]]] | None:
    """List the keys and values of a `for_each` that a condition chooses which is not known, with what each hangs on.

    Returns:
        None for anything else.
    """
    if isinstance(node, hcl.Call) and node.name in ("toset", "tomap") and len(node.arguments) == 1:
        node = node.arguments[0]
    if not isinstance(node, hcl.Conditional):
        return None
    branches = [value(branch, frame) for branch in (node.yes, node.no)]
    if not all(isinstance(b, list | dict) and not isinstance(b, Loose) for b in branches):
        return None
    yes, no = (list(_each(branch)) for branch in branches)
    one, other = required(node.test, frame), refused(node.test, frame)
    made = [(k, v, frozenset[str]() if (k, v) in no else one) for k, v in yes]
    made += [(k, v, other) for k, v in no if (k, v) not in yes]
    # One key with two values cannot be told apart by its name.
    return made if 0 < len(made) <= MAX_INSTANCES and len({key for key, _, _ in made}) == len(made) else None


def _each(source: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(source, dict):
        yield from source.items()
    elif isinstance(source, list):
        for item in source:
            if isinstance(item, str):
                yield item, item
