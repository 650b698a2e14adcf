"""Read the folders of Terraform source, without a plan."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from rolelint.documents import hcl_nodes as hcl
from rolelint.errors import Location, Problem, Route
from rolelint.policies.role import Reading
from rolelint.policies.text import unknown
from rolelint.readers import ReadContext
from rolelint.readers.terraform.blocks import body_values
from rolelint.readers.terraform.evaluate import Frame, ResourceValue, evaluate, truth, value
from rolelint.readers.terraform.files import Definition, Files, open_folder, takes
from rolelint.readers.terraform.functions import UndecidedError
from rolelint.readers.terraform.module import Module
from rolelint.readers.terraform.principals import LINKS
from rolelint.readers.terraform.reading import assemble
from rolelint.readers.terraform.redact import Redactor
from rolelint.readers.terraform.references import call_names
from rolelint.readers.terraform.relevant import RELEVANT
from rolelint.readers.terraform.trace import locate
from rolelint.readers.terraform.tree import Origin, Tree, secrets_in
from rolelint.readers.terraform.world import Instance, World, show_key, single_unknown

#: Bounds the instances read from one root folder; past it, the rest is a problem that says so.
MAX_TOTAL = 20_000
#: Sources of modules that make roles or policies, by their names.
_ABOUT_IAM = re.compile(r"(^|[/_.-])(iam|roles?|polic(y|ies)|irsa|oidc|permission-?sets?)([/_.?-]|$)", re.IGNORECASE)


def read_folder(files: list[str], context: ReadContext) -> Reading:
    """Read the modules that some files belong to, each folder as a root with the local modules it calls."""
    reading = Reading()
    folders = dict.fromkeys(os.path.dirname(file) for file in files if takes(os.path.basename(file)))
    for folder in folders:
        reading.take(_read(folder, context))
    return reading


def _read(folder: str, context: ReadContext) -> Reading:
    files = Files(context.memo)
    root = open_folder(folder, files)
    if not root.matters():
        return Reading(problems=list(files.unread))
    tree = Tree(folder, files)
    world = source_world(tree)
    secrets = secrets_in(tree)
    if secrets:
        # Only now: what the values decide, such as how many blocks there are, stays as it is.
        context.secrets |= secrets
        redactor = Redactor(secrets)
        for instance in world.instances.values():
            instance.values = redactor.all_of(instance.values)
    reading = assemble(world, None, context.memo)
    reading.problems += [*files.unread, *files.problems]
    context.used_files.update(os.path.realpath(f) for f in tree.read)
    for path in tree.used:
        context.used_files.update(os.path.realpath(f) for f in open_folder(path, files).every)
    return reading


def source_world(tree: Tree) -> World:
    """Evaluate every instance of a tree that matters to roles."""

    def place(instance: Instance, attribute: Route, route: Route) -> Location:
        origin = tree.origins.get(instance.address)
        if origin is None:
            return Location(tree.root.folder.path or ".", address=instance.address)
        return locate(origin, attribute, route, instance.address)

    world = World(place, lambda _instance, _route: "", moment="from the source", scopes=tree.scopes)
    world.referenced = frozenset()
    referenced: set[str] = set()
    for module in tree.root.every():
        for kind, name in module.folder.keys("resource"):
            if kind in RELEVANT:
                _add(world, tree, module, "managed", kind, name)
        for kind, name in module.folder.keys("data"):
            if kind in RELEVANT:
                _add(world, tree, module, "data", kind, name)
        referenced.update(_referenced(module))
        for name, _ in module.folder.keys("module"):
            _absent(tree, module, name)
    world.referenced = frozenset(referenced)
    for provider in dict.fromkeys(i.provider for i in world.instances.values()):
        tree.scope(provider)
    return world


def _absent(tree: Tree, module: Module, name: str) -> None:
    """Say that a module which looks like one with roles is not here to be read."""
    definition = module.folder.block("module", name)
    if definition is None or module.modules(name) is not None:
        return
    setting = definition.block.body.settings.get("source")
    written = setting.value.value if setting is not None and isinstance(setting.value, hcl.Literal) else ""
    if isinstance(written, str) and _ABOUT_IAM.search(written):
        block = definition.block
        where = tree.files.location(definition.file, block.start, block.head_end, (), f"{module.prefix()}module.{name}")
        message = f"the module `{written}` is not here, so its roles are not read"
        tree.files.problems.append(Problem(message, where, "run `terraform init`, or check a plan", "warning"))


def _add(world: World, tree: Tree, module: Module, mode: str, kind: str, name: str) -> None:
    definition = module.folder.block("data" if mode == "data" else "resource", kind, name)
    if definition is None:
        return
    head = "data." if mode == "data" else ""
    for key, frame in module.expand(definition):
        if len(world.instances) >= MAX_TOTAL:
            where = tree.files.location(definition.file, definition.block.start, definition.block.head_end, (), "")
            if not tree.files.problems or "instances" not in tree.files.problems[-1].message:
                message = f"more than {MAX_TOTAL} resource instances; the rest is not read"
                tree.files.problems.append(Problem(message, where, "check the modules one by one", "unknown"))
            return
        address = f"{module.prefix()}{head}{kind}.{name}{show_key(key)}"
        instance = instance_of(module, definition, frame, address, mode, kind, name, key)
        tree.origins[address] = Origin(module, definition, frame)
        world.instances[address] = instance


def instance_of(
    module: Module, definition: Definition, frame: Frame, address: str, mode: str, kind: str, name: str, key: Any
) -> Instance:
    """Evaluate one instance; attributes that name another resource hold that resource's own name."""
    body = definition.block.body
    values = linked_values(body, body_values(body, frame), frame)
    configured = frozenset(values)
    for attribute in ("name", "bucket", "role_name", "user_name", "group_name"):
        values.setdefault(attribute, unknown(f"{address}.{attribute}"))
    provider = module.provider(definition)
    if mode == "managed" and kind.startswith("aws_"):
        _add_tags(values, module.tree.scope(provider).tags)
    instance = Instance(address, module.address, mode, kind, name, key, values, provider, configured, maybe=frame.maybe)
    instance.choices = dict(_choices(body, values, frame)) or None
    return instance


def _add_tags(values: dict[str, Any], default: Any) -> None:
    """Put an instance's own tags over those that its provider gives to all."""
    own = values.get("tags")
    if isinstance(default, dict) and (own is None or isinstance(own, dict)):
        values["tags_all"] = {**default, **(own or {})}
    elif default is not None:
        values["tags"] = unknown("default_tags")


def _choices(body: hcl.Body, values: dict[str, Any], frame: Frame) -> Iterator[tuple[str, list[Any]]]:
    """List the values that hang on a condition which is not known, with both they may be, None where nothing is set."""
    for attribute, setting in body.settings.items():
        node, made = setting.value, values.get(attribute)
        pairs = zip(node.items, made, strict=False) if isinstance(node, hcl.Items) and isinstance(made, list) else ()
        for part, item in (*pairs, (node, made)):
            if isinstance(part, hcl.Conditional) and single_unknown(item):
                yield item, list(_branches(part, frame))


def _branches(node: Any, frame: Frame) -> Iterator[Any]:
    if isinstance(node, hcl.Conditional):
        test = truth(value(node.test, frame))
        for branch in (node.yes, node.no) if test is None else (node.yes if test else node.no,):
            yield from _branches(branch, frame)
        return
    linked = link(node, frame)
    found = value(node, frame) if linked is None else linked
    yield from found if isinstance(found, list) else [found or None]


def linked_values(body: hcl.Body, values: dict[str, Any], frame: Frame) -> dict[str, Any]:
    """Put the own names of resources in place of what names them, so that equal names cannot be mixed up."""
    for attribute, setting in body.settings.items():
        if attribute in LINKS:
            linked = link(setting.value, frame)
            if linked is not None:
                values[attribute] = linked
    return values


def link(node: Any, frame: Frame) -> Any:
    """Give the own name of the resource that an expression refers to directly, or None for other expressions."""
    if isinstance(node, hcl.Items):
        linked = [link(item, frame) for item in node.items]
        return linked if linked and all(item is not None for item in linked) else None
    if isinstance(node, hcl.Template) and len(node.parts) == 3 and node.parts[0] == node.parts[2] == "":
        return link(node.parts[1], frame)
    if not isinstance(node, hcl.Attribute):
        return None
    try:
        there = evaluate(node.object, frame)
    except (UndecidedError, RecursionError, ArithmeticError, TypeError, ValueError):
        return None
    if isinstance(there, ResourceValue) and there.resource:
        return unknown(f"{there.address}.{node.name}")
    return None


def _referenced(module: Module) -> set[str]:
    """List the policy documents that some expression of a parsed file refers to, without keys of modules."""
    found: set[str] = set()
    for kind, name in module.folder.keys("data"):
        if kind == "aws_iam_policy_document":
            needle = f"data.{kind}.{name}"
            if any(_mentions(module.tree.files.text(f) or "", needle) for f in module.folder.files):
                found.add("".join(f"module.{name}." for name in call_names(module.address)) + needle)
    return found


def _mentions(text: str, needle: str) -> bool:
    at = text.find(needle)
    while at >= 0:
        after = text[at + len(needle) : at + len(needle) + 1]
        if not (after.isalnum() or after in ("_", "-")):
            return True
        at = text.find(needle, at + 1)
    return False
