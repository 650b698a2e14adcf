"""Follow the references of a plan's `configuration` to the resource instances they mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rolelint.readers.parts import mapping, rows, texts
from rolelint.readers.terraform.world import Address, show_key, split_address

#: Bounds how many variables, outputs and locals one reference is followed through; past it, it stays unresolved.
MAX_DEPTH = 40


class Targets(NamedTuple):
    """What an expression refers to.

    Attributes:
        names: absolute `address.attribute` of resources, in order, each once; the attribute may be missing.
        open: references that lead nowhere a plan tells, for example `local.x`.
    """

    names: tuple[str, ...]
    open: tuple[str, ...]


class _Found:
    """Collects targets."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.open: dict[str, None] = {}


class Configuration:
    """The `configuration` of a plan, with modules by their call names.

    Args:
        addresses: instances of each configuration address, absolute without the last key: address to keys.
    """

    def __init__(self, data: object, addresses: dict[str, list[str]], module_keys: dict[str, set[str]]) -> None:
        self._modules: dict[tuple[str, ...], dict[str, Any]] = {}
        self._resources: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
        self._provider_keys: dict[tuple[str, ...], frozenset[str]] = {}
        self._addresses = addresses
        self._module_keys = module_keys
        self._providers = data.get("provider_config") if isinstance(data, dict) else None
        root = data.get("root_module") if isinstance(data, dict) else None
        self.known = isinstance(root, dict)
        if isinstance(root, dict):
            self._add((), root)

    def _add(self, path: tuple[str, ...], module: dict[str, Any]) -> None:
        self._modules[path] = module
        self._resources[path] = {str(r.get("address")): r for r in rows(module.get("resources"))}
        for name, call in mapping(module.get("module_calls")).items():
            inner = mapping(call).get("module")
            if isinstance(inner, dict):
                self._add((*path, name), inner)

    def resource(self, modules: tuple[str, ...], address: str) -> dict[str, Any] | None:
        """Give the configuration of a resource by module call names and address without keys."""
        return self._resources.get(modules, {}).get(address)

    def root_blocks(self) -> list[tuple[str, str, str]]:
        """List the blocks of the root module: type and labels."""
        root = self._modules.get((), {})
        found = [("module", str(name), "") for name in mapping(root.get("module_calls"))]
        for row in rows(root.get("resources")):
            kind = "data" if row.get("mode") == "data" else "resource"
            found.append((kind, str(row.get("type", "")), str(row.get("name", ""))))
        return found

    def source(self, modules: tuple[str, ...]) -> str:
        """Give the source of a called module as the configuration writes it, or an empty text."""
        above = self._modules.get(modules[:-1], {})
        call = mapping(mapping(above.get("module_calls")).get(modules[-1]))
        return str(call.get("source") or "")

    def providers_in(self, modules: tuple[str, ...]) -> frozenset[str]:
        """List the keys of the provider configurations that a called module and those inside it use."""
        found = self._provider_keys.get(modules)
        if found is None:
            within = (rows for path, rows in self._resources.items() if path[: len(modules)] == modules)
            keys = (str(row.get("provider_config_key") or "") for rows in within for row in rows.values())
            found = self._provider_keys[modules] = frozenset(key for key in keys if key)
        return found

    def referenced(self) -> tuple[frozenset[str], frozenset[str]]:
        """List data sources that some resource or module call refers to, by absolute address without keys.

        Returns:
            The addresses; and the heads of addresses in modules that refer to locals, which a plan does not tell of.
        """
        found: set[str] = set()
        with_locals: set[str] = set()
        for path, module in self._modules.items():
            head = "".join(f"module.{name}." for name in path)
            parts: list[Any] = []
            for resource in rows(module.get("resources")):
                parts += [resource.get(n) for n in ("expressions", "for_each_expression", "count_expression")]
            if path:
                # What only the root gives away is used by nothing that is known here.
                parts.append(module.get("outputs"))
            for call in rows(list(mapping(module.get("module_calls")).values())):
                parts += [call.get("expressions"), call.get("for_each_expression"), call.get("count_expression")]
            references: set[str] = set()
            for part in parts:
                _collect(part, references)
            for reference in references:
                if reference.startswith("data."):
                    found.add(head + ".".join(reference.split("[")[0].split(".")[:3]))
                elif reference.startswith("local."):
                    with_locals.add(head)
        return frozenset(found), frozenset(with_locals)

    def unseen(self, relevant: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        """List the `relevant_attributes` of a plan that no expression of their module refers to, with the module.

        Modules that refer to locals are left out: what those refer to is not in the plan.
        """
        seen: dict[tuple[str, ...], set[str]] = {}
        for row in relevant:
            address = split_address(str(row.get("resource", "")))
            if address is None or not address.type:
                continue
            path = call_names(address.module)
            if path not in seen:
                module = self._modules.get(path, {})
                calls = rows(list(mapping(module.get("module_calls")).values()))
                own = [{**module, "module_calls": [{**call, "module": None} for call in calls]}, self._providers]
                seen[path] = {start for reference in all_references(own) for start in _starts(reference.split("[")[0])}
            attribute = next((str(step) for step in texts(row.get("attribute"))), "")
            head = address.config
            named = f"{head}.{attribute}"
            if attribute and "local" not in seen[path] and named not in seen[path]:
                yield ".".join(f"module.{name}" for name in path), f"{address.resource}.{attribute}"

    def expression(self, modules: tuple[str, ...], address: str, path: tuple[str | int, ...]) -> dict[str, Any] | None:
        """Give the expression that sets a value, or the nearest one above it."""
        resource = self.resource(modules, address)
        there: Any = (resource or {}).get("expressions")
        for step in path:
            if isinstance(there, dict) and ("references" in there or "constant_value" in there):
                return there
            if isinstance(there, dict) and isinstance(step, str):
                there = there.get(step)
            elif isinstance(there, dict) and step == 0:
                continue
            elif isinstance(there, list) and isinstance(step, int):
                there = there[step] if step < len(there) else there[0] if len(there) == 1 else None
            else:
                return None
        return there if isinstance(there, dict) else None

    def targets(self, address: Address, expression: dict[str, Any] | None) -> Targets:
        """Resolve an expression that stands in the configuration of one instance."""
        found = _Found()
        resource = self.resource(call_names(address.module), address.config)
        self._expression(expression, address.module, address.key, resource, found, 0)
        return Targets(tuple(found.names), tuple(found.open))

    def _expression(
        self,
        expression: object,
        module: str,
        key: str,
        resource: dict[str, Any] | None,
        found: _Found,
        depth: int,
        rest: str = "",
    ) -> None:
        if not isinstance(expression, dict):
            return
        # In JSON syntax, the text as it is written stands beside what it refers to, as `constant_value`.
        references = list(_specific(texts(expression.get("references"))))
        indexed = any(r.startswith(("each.", "count.")) for r in references)
        for reference in references:
            own = "" if indexed and len(references) > 2 else rest
            self._reference(reference, module, key, resource, indexed, found, depth + 1, own)

    def _reference(
        self,
        reference: str,
        module: str,
        key: str,
        resource: dict[str, Any] | None,
        indexed: bool,
        found: _Found,
        depth: int,
        rest: str,
    ) -> None:
        head, _, tail = reference.partition(".")
        head = head.split("[")[0]
        if depth > MAX_DEPTH:
            found.open[reference] = None
        elif head in ("count", "path", "terraform", "self"):
            return
        elif head == "each":
            if tail.split(".")[0].split("[")[0] == "value":
                after = tail[len("value") :]
                self._each_value(resource, module, key, found, depth, after + rest)
        elif head == "var":
            self._variable(tail, module, found, depth, rest)
        elif head == "local":
            found.open[reference] = None
        elif head == "module":
            self._output(reference, module, key, indexed, found, depth, rest)
        else:
            self._resource(reference, module, key, indexed, found, rest)

    def _each_value(
        self, resource: dict[str, Any] | None, module: str, key: str, found: _Found, depth: int, rest: str
    ) -> None:
        source = (resource or {}).get("for_each_expression")
        references = list(_specific(texts(mapping(source).get("references"))))
        if len(references) != 1:
            targets = [split_address(reference) for reference in references]
            if targets and all(target is not None and target.type and target.path for target in targets):
                # Which of them belongs to the key is not told.
                for reference in references:
                    self._resource(reference, module, key, False, found, "")
            else:
                found.open["each.value"] = None
            return
        reference = references[0]
        if reference.startswith("module.") and "[" not in reference:
            # All instances of the module, or all that one of its outputs holds.
            here = f"{key}{rest}" if reference.count(".") == 1 else ""
            self._output(f"{reference}{here}", module, key, False, found, depth + 1, "")
        elif reference.startswith("var.") and not module:
            self._variable(reference[len("var.") :], module, found, depth, rest)
        elif reference.startswith(("var.", "local.", "module.")):
            found.open["each.value"] = None
        else:
            self._resource(f"{reference}{key}{rest}", module, key, False, found, "")

    def _variable(self, tail: str, module: str, found: _Found, depth: int, rest: str) -> None:
        name = tail.split(".")[0].split("[")[0]
        if not module:
            found.open[f"var.{name}"] = None
            return
        parent, call, key = split_module(module)
        config = self._modules.get(call_names(parent), {})
        caller = mapping(mapping(config.get("module_calls")).get(call))
        expression = mapping(caller.get("expressions")).get(name)
        if expression is None:
            found.open[f"var.{name}"] = None
            return
        # `each.value` in the call's arguments belongs to the call's own for_each.
        self._expression(expression, parent, key, caller, found, depth, tail[len(name) :] + rest)

    def _output(
        self, reference: str, module: str, key: str, indexed: bool, found: _Found, depth: int, rest: str
    ) -> None:
        address = split_address(reference)
        if address is None:
            found.open[reference] = None
            return
        inside = f"{module}.{address.module}" if module else address.module
        names = call_names(inside)
        config = self._modules.get(names)
        if config is None or (not address.path and not rest):
            if config is not None and indexed and len(mapping(config.get("outputs"))) == 1:
                only = next(iter(config["outputs"]))
                address = address._replace(path=(only,))
            else:
                found.open[reference] = None
                return
        path = [str(p) for p in address.path] or [p for p in rest.split(".") if p]
        output = mapping(mapping(config).get("outputs")).get(path[0].split("[")[0])
        if not isinstance(output, dict):
            found.open[reference] = None
            return
        if not inside.endswith("]"):
            keys = self._module_keys.get(inside, set())
            if indexed and key in keys:
                inside += key
            elif keys and keys != {""}:
                for each in sorted(keys):
                    self._expression(output.get("expression"), inside + each, "", None, found, depth, "")
                return
        self._expression(output.get("expression"), inside, "", None, found, depth, "")

    def _resource(self, reference: str, module: str, key: str, indexed: bool, found: _Found, rest: str) -> None:
        absolute = f"{module}.{reference}" if module else reference
        address = split_address(absolute + rest)
        if address is None or not address.type:
            address = split_address(absolute)
        if address is None or not address.type:
            found.open[reference] = None
            return
        attributes = "".join(f".{p}" if isinstance(p, str) else f"[{p}]" for p in address.path if p != "*")
        keys = self._addresses.get(address._replace(key="", path=()).resource, [])
        if address.key or not keys:
            found.names[address.resource + attributes] = None
        elif indexed and key in keys:
            found.names[address._replace(key=key).resource + attributes] = None
        else:
            for each in keys:
                found.names[address._replace(key=each).resource + attributes] = None


def _specific(references: list[str]) -> Iterator[str]:
    """Leave out the shortened forms that follow each reference: `a.b.c`, `a.b`."""
    last = ""
    for reference in references:
        if last.startswith(reference) and last[len(reference) : len(reference) + 1] in (".", "["):
            continue
        last = reference
        yield reference


def _collect(expression: object, into: set[str]) -> None:
    if isinstance(expression, dict):
        references = expression.get("references")
        if references.__class__ is list:
            into.update(texts(references))
            return
        for value in expression.values():
            if value.__class__ is dict or value.__class__ is list:
                _collect(value, into)
    elif isinstance(expression, list):
        for value in expression:
            _collect(value, into)


def all_references(expression: object) -> set[str]:
    """Collect the references of an expression and of the blocks under it."""
    found: set[str] = set()
    _collect(expression, found)
    return found


def _starts(reference: str) -> list[str]:
    """List a reference and everything above it: `a.b.c`, `a.b` and `a`."""
    steps = reference.split(".")
    return [".".join(steps[:end]) for end in range(1, len(steps) + 1)]


def call_names(module: str) -> tuple[str, ...]:
    """List the call names of a module address: `module.a["x"].module.b` is `("a", "b")`."""
    names: list[str] = []
    while module:
        module, name, _ = split_module(module)
        names.append(name)
    return tuple(reversed(names))


def split_module(module: str) -> tuple[str, str, str]:
    """Split the last call off a module address: parent, call name, key as written."""
    depth, at = 0, -1
    quoted = False
    for i, character in enumerate(module):
        if character == '"' and module[i - 1] != "\\":
            quoted = not quoted
        elif not quoted and character == "[":
            depth += 1
        elif not quoted and character == "]":
            depth -= 1
        elif not quoted and not depth and module.startswith("module.", i) and (i == 0 or module[i - 1] == "."):
            at = i
    parent = module[: max(at - 1, 0)]
    call, bracket, key = module[at + len("module.") :].partition("[")
    return parent, call, bracket + key


def key_text(key: object) -> str:
    """Write the `index` of a resource change as addresses do."""
    return show_key(key) if isinstance(key, str | int) else ""
