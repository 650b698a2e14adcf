"""The configuration that stands beside a plan: lines for its resources, and expressions for what it does not know."""

from __future__ import annotations

import os
from typing import Any

from rolelint.errors import Location, Route
from rolelint.policies.text import has_unknown, unknown
from rolelint.readers.parts import mapping
from rolelint.readers.terraform.blocks import body_values
from rolelint.readers.terraform.evaluate import Frame
from rolelint.readers.terraform.files import Files, open_folder
from rolelint.readers.terraform.redact import Redactor
from rolelint.readers.terraform.references import Configuration, all_references, call_names
from rolelint.readers.terraform.source import linked_values
from rolelint.readers.terraform.statements import decode
from rolelint.readers.terraform.trace import ELEMENTS, locate
from rolelint.readers.terraform.tree import Origin, Tree, secrets_in
from rolelint.readers.terraform.world import Instance, World, single_unknown, split_address


class Beside:
    """The source of a plan.

    Args:
        folder: the root module's folder, as the user named it.
        variables: values of root variables, sensitive ones left out.
        secrets: takes the texts of variables that the source calls sensitive.
    """

    def __init__(
        self,
        folder: str,
        memo: dict[Any, Any],
        variables: dict[str, Any],
        configuration: Configuration,
        secrets: set[str],
    ) -> None:
        self._secrets = secrets
        self._hides: Redactor | None = None
        self.tree = Tree("" if folder == "." else folder, Files(memo), variables)
        self._configuration = configuration
        self._origins: dict[str, Origin | None] = {}

    def _redactor(self) -> Redactor:
        if self._hides is None or not self.tree.secrets <= self._secrets:
            secrets = secrets_in(self.tree)
            self._secrets |= secrets
            self._hides = Redactor(secrets)
        return self._hides

    def exists(self) -> bool:
        """Tell whether the folder holds the configuration that was planned: most of its root module's blocks."""
        folder = self.tree.root.folder
        wanted = self._configuration.root_blocks()
        found = sum(1 for kind, first, second in wanted if folder.header(kind, first, second) is not None)
        return bool(folder.files) and found * 2 >= len(wanted)

    def origin(self, instance: Instance) -> Origin | None:
        """Find the block of an instance."""
        if instance.address not in self._origins:
            self._origins[instance.address] = self._origin(instance)
        return self._origins[instance.address]

    def _origin(self, instance: Instance) -> Origin | None:
        module = self.tree.module_at(instance.module)
        if module is None:
            return None
        kind = "data" if instance.mode == "data" else "resource"
        definition = module.folder.block(kind, instance.type, instance.name)
        if definition is None:
            return None
        frame = Frame(module, definition.file)
        if isinstance(instance.key, int):
            frame.count = instance.key
        elif isinstance(instance.key, str):
            given = next((f.each for k, f in module.expand(definition) if k == instance.key), None)
            frame.each = given or (instance.key, unknown(f"{instance.address} each.value"))
        return Origin(module, definition, frame)

    def locate(self, instance: Instance, attribute: Route, route: Route) -> Location | None:
        """Give the place of an instance or of a part of its policy in the source."""
        if not attribute:
            return self._header(instance)
        origin = self.origin(instance)
        if origin is None:
            return None
        wanted = _at(instance, attribute, route) if route and isinstance(route[-1], int) else None
        sid = _at(instance, attribute, (*route[:2], "Sid")) if len(route) > 1 else None
        return locate(origin, attribute, route, instance.address, wanted, sid if isinstance(sid, str) else "")

    def _header(self, instance: Instance) -> Location | None:
        """Find the header of a block without parsing anything."""
        path = self._path(call_names(instance.module))
        if path is None:
            return None
        kind = "data" if instance.mode == "data" else "resource"
        found = open_folder(path, self.tree.files).header(kind, instance.type, instance.name)
        if found is None:
            return None
        file, start, end = found
        return self.tree.files.location(file, start, end, (), instance.address)

    def _path(self, modules: tuple[str, ...]) -> str | None:
        if not modules:
            return self.tree.root.folder.path
        source = self._configuration.source(modules)
        if not source.startswith(("./", "../")):
            return self.tree.installed(".".join(modules))
        above = self._path(modules[:-1])
        return os.path.normpath(os.path.join(above, source)) if above is not None else None

    def refine(self, instance: Instance, world: World) -> None:
        """Put what the source says in place of what the plan does not know.

        Only expressions that refer to what the plan's own configuration says they refer to are used: the source
        may be another version than the one that was planned.
        """
        self._dynamic(instance)
        open_ends = {
            name
            for name, value in instance.values.items()
            if name not in instance.sensitive
            and _open(value)
            and instance.sets(name)
            and not _led(value, instance, world)
        }
        if not open_ends:
            return
        origin = self.origin(instance)
        if origin is None:
            return
        self.tree.planned = world
        body = origin.definition.block.body
        values = linked_values(body, body_values(body, origin.frame), origin.frame)
        values = self._redactor().all_of(values)
        for name in open_ends:
            if name not in values or not self._agrees(instance, name, origin):
                continue
            if values[name] is None and instance.configured is not None:
                # What is set to null is not set: the provider fills it in.
                instance.configured -= {name}
            else:
                instance.values[name] = _refined(_planned(instance, name, values[name]), values[name])

    def _dynamic(self, instance: Instance) -> None:
        """Note the inline policies that a dynamic block makes: the configuration of a plan does not tell of it."""
        if instance.mode != "managed" or instance.sets("inline_policy"):
            return
        if not _open(instance.values.get("inline_policy")):
            return
        origin = self.origin(instance)
        if origin is None:
            return
        if any(block.labels[:1] == ("inline_policy",) for block in origin.definition.block.body.of_type("dynamic")):
            instance.configured = (instance.configured or frozenset()) | {"inline_policy"}

    def _agrees(self, instance: Instance, attribute: str, origin: Origin) -> bool:
        address = split_address(instance.address)
        if address is None:
            return False
        resource = self._configuration.resource(call_names(address.module), address.config)
        expression = mapping(mapping(resource).get("expressions")).get(attribute)
        block = origin.definition.block
        text = (origin.module.tree.files.text(origin.definition.file) or "")[block.start : block.end]
        squeezed = "".join(text.split())
        return all("".join(_head(r).split()) in squeezed for r in all_references(expression))


def _at(instance: Instance, attribute: Route, route: Route) -> object:
    """Give the value at a route of a policy: providers put lists in an order of their own."""
    there: Any = instance.values
    if attribute[0] == "statement":
        names = [ELEMENTS.get(str(s), s) for s in route[2:]]
        steps: Route = (*attribute, *names)
    else:
        steps = attribute
    for step in steps:
        there = there[step] if _has(there, step) else None
    if attribute[0] == "statement":
        return there if isinstance(there, str) else None
    there = decode(there) if isinstance(there, str) else None
    for step in route:
        there = there[step] if _has(there, step) else None
    return there if isinstance(there, str) else None


def _has(there: Any, step: object) -> bool:
    if isinstance(there, list):
        return isinstance(step, int) and step < len(there)
    return isinstance(there, dict) and step in there


def _head(reference: str) -> str:
    parts = reference.split("[")[0].split(".")
    return ".".join(parts[: 3 if parts[0] == "data" else 2])


def _led(value: object, instance: Instance, world: World) -> bool:
    """Tell whether an unknown value is known to be an attribute of another resource."""
    found = world.owner(value)
    return found is not None and found[0] is not instance


def _planned(instance: Instance, name: str, said: object) -> Any:
    """Give what a plan knows of an attribute; of a list, what its references tell is less than a list of the source."""
    value = instance.values[name]
    whole = unknown(f"{instance.address}.{name}")
    return whole if isinstance(value, list) and isinstance(said, list) and whole in value else value


def _open(value: object) -> bool:
    if isinstance(value, str):
        return has_unknown(value)
    if isinstance(value, dict):
        return any(_open(v) for v in value.values())
    return any(_open(v) for v in value) if isinstance(value, list) else False


def _refined(planned: Any, said: Any) -> Any:
    """Join a planned value with what the source says: known parts of the plan win."""
    if isinstance(planned, str):
        if single_unknown(planned) and said is not None and not isinstance(said, bool | int | float):
            return said
        return planned
    if isinstance(planned, dict) and isinstance(said, dict):
        return {k: _refined(v, said[k]) if k in said and _open(v) else v for k, v in planned.items()}
    if isinstance(planned, list):
        return _refined_list(planned, said if isinstance(said, list) else [said])
    return planned


def _refined_list(planned: list[Any], said: list[Any]) -> list[Any]:
    if all(isinstance(v, dict) for v in planned):
        if len(planned) != len(said):
            return planned
        return [_refined(p, _same_block(p, said) or s) if _open(p) else p for p, s in zip(planned, said, strict=True)]
    # A set: what the plan knows is taken out of what the source says; the rest fills the open places.
    rest = [s for s in said if s not in planned]
    places = [i for i, p in enumerate(planned) if single_unknown(p) and p not in said]
    if len(places) == 1 and len(planned) < len(said):
        return [p for p in planned if p in said] + rest
    if len(rest) != len(places):
        return [p for p in planned if p in said] if not rest and len(places) == 1 else planned
    out = list(planned)
    for place, item in zip(places, rest, strict=True):
        out[place] = item
    return out


def _same_block(planned: dict[str, Any], said: list[Any]) -> Any:
    """Find the only block of the source that agrees with what is known of a planned one: sets have no order."""
    known = {name: text for name, text in planned.items() if isinstance(text, str) and not has_unknown(text)}
    found = [s for s in said if isinstance(s, dict) and all(s.get(name) == text for name, text in known.items())]
    return found[0] if known and len(found) == 1 else None


def variables_of(data: dict[str, Any]) -> dict[str, Any]:
    """List the root variables of a plan, sensitive ones as unknown values."""
    declared = mapping(mapping(mapping(data.get("configuration")).get("root_module")).get("variables"))
    found: dict[str, Any] = {}
    for name, row in mapping(data.get("variables")).items():
        hidden = isinstance(declared.get(name), dict) and declared[name].get("sensitive")
        if hidden or not isinstance(row, dict):
            found[name] = unknown(f"var.{name}")
        elif "value" in row:
            found[name] = row["value"]
    return found
