"""Read Terraform and OpenTofu plans (`terraform show -json`), and states in the same format."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rolelint.documents import Document
from rolelint.errors import Location, Problem, Route, show_route
from rolelint.policies.role import Reading
from rolelint.policies.text import show, unknown
from rolelint.readers import FOLDER_READERS, ReadContext
from rolelint.readers.parts import mapping, rows, texts
from rolelint.readers.terraform import kinds, principals
from rolelint.readers.terraform.accounts import planned_accounts, share_accounts
from rolelint.readers.terraform.reading import assemble
from rolelint.readers.terraform.redact import Redactor, any_true, secrets_of
from rolelint.readers.terraform.references import Configuration, Targets, call_names, key_text
from rolelint.readers.terraform.relevant import RELEVANT
from rolelint.readers.terraform.world import (
    Instance,
    Scope,
    World,
    single_unknown,
    split_address,
)

if TYPE_CHECKING:
    from rolelint.readers.terraform.beside import Beside

#: Attributes that hold a policy: an unknown one whose only reference is a policy document is that document.
_DOCUMENTS = frozenset(
    "policy assume_role_policy inline_policy content policy_document source_json override_json policies "
    "source_policy_documents override_policy_documents assume_role_policy_document access_policy access_policies "
    "resource_policy".split()
)
#: Attributes that hold several names.
_SEVERAL = frozenset(("roles", "users", "groups", "policy_arns", "managed_policy_arns"))
#: Bounds the policies of which one is attached, for one attachment; of more, what is attached is not known.
_MOST_CHOICES = 20


def recognise(document: Document) -> bool:
    """Tell whether the document is a plan or a state, as `terraform show -json` prints it or as it is kept."""
    data = document.data
    if not isinstance(data, dict):
        return False
    if not isinstance(data.get("format_version"), str):
        return _is_kept_state(data)
    return any(isinstance(data.get(k), t) for k, t in (("planned_values", dict), ("resource_changes", list))) or (
        isinstance(data.get("values"), dict) and "terraform_version" in data
    )


def _is_kept_state(data: dict[str, Any]) -> bool:
    """Tell whether data is a state as Terraform keeps it, with roles or policies in it."""
    kept = isinstance(data.get("lineage"), str) and "terraform_version" in data
    return kept and any(row.get("type") in principals.TYPES for row in rows(data.get("resources")))


def read(document: Document, context: ReadContext) -> Reading:
    """Read the roles that a plan leads to, each with itself as it was before the plan.

    Options:
        source: folder of the Terraform configuration, by default that of the plan; locations then have file and line,
            and values that the plan does not know are taken from the expressions there as far as they can be worked
            out. An empty text means none.
        new_only: leave out lone policies that the plan does not change.
    """
    if _is_kept_state(document.data):
        message = "a state file as Terraform keeps it is not read: check what `terraform show -json` prints of it"
        return Reading(problems=[Problem(message, Location(document.file), kind="unknown")])
    plan = _Plan(document, context)
    new_only = bool(context.options.get("new_only"))
    reading = assemble(plan.after, plan.before, context.memo, new_only)
    # A plan was asked for: one without roles and policies is clean.
    reading.whole = bool(context.only)
    if document.data.get("errored") is True:
        where = Location(document.file)
        hint = "run `terraform plan` until it succeeds"
        reading.problems.insert(0, Problem("the plan ended with an error, so it is incomplete", where, hint, "unknown"))
    return reading


class _Plan:
    """The two worlds of one plan."""

    def __init__(self, document: Document, context: ReadContext) -> None:
        self._document = document
        data: dict[str, Any] = document.data
        deferred = [row.get("resource_change") for row in rows(data.get("deferred_changes"))]
        self._changes = rows(data.get("resource_changes")) + rows(deferred)
        prior = mapping(data.get("prior_state")).get("values")
        planned = data.get("planned_values") or data.get("values")
        self._prior = dict(_resources(prior))
        self._planned = dict(_resources(planned))
        addresses: dict[str, list[str]] = {}
        module_keys: dict[str, set[str]] = {}
        named = ((str(c.get("address", "")), c) for c in self._changes)
        for address, _ in (*named, *self._prior.items(), *self._planned.items()):
            parsed = split_address(address)
            if parsed is not None:
                listed = addresses.setdefault(parsed._replace(key="", path=()).resource, [])
                if parsed.key not in listed:
                    listed.append(parsed.key)
                _note_module(parsed.module, module_keys)
        self.configuration = Configuration(data.get("configuration"), addresses, module_keys)
        self._relevant = rows(data.get("relevant_attributes"))
        secrets = secrets_of(data)
        context.secrets |= secrets
        self._redactor = Redactor(secrets)
        self._providers = mapping(mapping(data.get("configuration")).get("provider_config"))
        scopes = self._scopes(data)
        known = self.configuration.referenced() if self.configuration.known else (None, frozenset[str]())
        self.after = World(self._place, self._why, {}, scopes, *known)
        changes = "resource_changes" in data
        self.before: World | None = World(self._place, self._why, {}, scopes, *known) if changes else None
        self._beside = self._source(context)
        #: Instances with unknown attributes; those are linked when every instance is there.
        self._unlinked: list[Instance] = []
        #: Addresses that the plan leaves without deleting what is there.
        self._forgotten: set[str] = set()
        self._fill()
        for world in (self.after, self.before):
            if self._forgotten and world is not None:
                self._drop_taken_over(world)
        for instance in self._unlinked:
            self._link(instance)
        self._unseen()
        if self._beside is not None:
            for instance in self.after.instances.values():
                self._beside.refine(instance, self.after)

    def _source(self, context: ReadContext) -> Beside | None:
        folder = context.options.get("source", context.base)
        if folder is None or str(folder) == "" or not self.configuration.known or not _has_source(str(folder)):
            return None
        from rolelint.readers.terraform.beside import Beside, variables_of

        found = Beside(
            str(folder), context.memo, variables_of(self._document.data), self.configuration, context.secrets
        )
        return found if found.exists() else None

    def _fill(self) -> None:
        changed: set[str] = set()
        for change in self._changes:
            address = str(change.get("address", ""))
            if change.get("deposed"):
                continue
            changed.add(address)
            if str(change.get("type")) not in RELEVANT:
                continue
            self._change(change, address)
        for address, row in self._planned.items():
            if address not in changed and str(row.get("type")) in RELEVANT:
                self._state(address, row, self.after)
        for address, row in self._prior.items():
            if address not in changed and str(row.get("type")) in RELEVANT:
                if address not in self._planned:
                    self._state(address, row, self.after)
                if self.before is not None:
                    self._state(address, row, self.before)

    def _change(self, row: dict[str, Any], address: str) -> None:
        change = row.get("change")
        if not isinstance(change, dict):
            return
        before, after = change.get("before"), change.get("after")
        actions = change.get("actions")
        previous = str(row.get("previous_address") or "")
        if actions == ["forget"]:
            self._forgotten.add(address)
            after = before
        if isinstance(before, dict) and self.before is not None:
            old = self._instance(row, previous or address, before, change.get("before_sensitive"))
            self.before.instances[old.address] = old
        if isinstance(after, dict):
            unknown_parts = change.get("after_unknown")
            merged = _merge(after, unknown_parts, address) if mapping(unknown_parts) else after
            new = self._instance(row, address, merged, change.get("after_sensitive"))
            new.previous = previous
            self.after.instances[address] = new
            if unknown_parts:
                self._unlinked.append(new)

    def _drop_taken_over(self, world: World) -> None:
        """Drop what is forgotten at one address where another address has it: `removed` and `import` of one thing."""

        def identity(instance: Instance) -> tuple[str, str, str]:
            return instance.type, instance.text("id", "arn"), world.account(instance.provider)

        kept = {identity(i) for i in world.instances.values() if i.mode == "managed" and not self._is_forgotten(i)}
        for instance in [i for i in world.instances.values() if self._is_forgotten(i)]:
            if instance.text("id", "arn") and identity(instance) in kept:
                del world.instances[instance.address]

    def _is_forgotten(self, instance: Instance) -> bool:
        return instance.address in self._forgotten

    def _state(self, address: str, row: dict[str, Any], world: World) -> None:
        values = row.get("values")
        if isinstance(values, dict):
            instance = self._instance(row, address, values, row.get("sensitive_values"))
            world.instances[instance.address] = instance

    def _instance(self, row: dict[str, Any], address: str, values: dict[str, Any], sensitive: object) -> Instance:
        parsed = split_address(address)
        module = parsed.module if parsed else ""
        hidden: frozenset[str] = frozenset()
        if sensitive is True:
            sensitive = dict.fromkeys(values, True)
        if isinstance(sensitive, dict):
            hidden = frozenset(name for name, part in sensitive.items() if part and any_true(part))
            if hidden:
                values = {k: self._redactor.value(v, sensitive[k]) if k in hidden else v for k, v in values.items()}
        values = self._redactor.all_of(values)
        config_address = parsed.config if parsed else ""
        config = self.configuration.resource(call_names(module), config_address)
        configured = frozenset(mapping(config.get("expressions"))) if config is not None else None
        return Instance(
            address,
            module,
            str(row.get("mode", "managed")),
            str(row.get("type", "")),
            str(row.get("name", "")),
            row["index"] if isinstance(row.get("index"), str | int) else None,
            values,
            self._provider(config, row),
            configured,
            hidden,
        )

    def _unseen(self) -> None:
        """Find dynamic blocks of inline policies whose number is not known, where no source tells of them.

        The configuration of a plan leaves dynamic blocks out, and every new role's `inline_policy` is unknown. But the
        plan lists the attributes that its values rest on: one that is not known, could be a collection, and stands
        in no expression of a module without locals stands in such a block.
        """
        several = [row for row in self._relevant if _may_be_several(next(iter(texts(row.get("attribute"))), ""))]
        open_parts = set(self._open_parts()) if several else set()
        unseen: dict[str, list[str]] = {}
        for module, name in self.configuration.unseen([r for r in several if _part(r) in open_parts]):
            unseen.setdefault(module, []).append(name)
        for instance in self.after.of_type("aws_iam_role") if unseen else ():
            names = unseen.get(".".join(f"module.{n}" for n in call_names(instance.module)))
            open_here = single_unknown(instance.values.get("inline_policy")) and not instance.sets("inline_policy")
            if names and open_here and not (self._beside is not None and self._beside.origin(instance)):
                instance.configured = (instance.configured or frozenset()) | {"inline_policy"}
                instance.values["inline_policy"] = unknown(names[0])

    def _open_parts(self) -> Iterator[tuple[str, str]]:
        """List the attributes that the plan does not know, each with the address of its resource without keys."""
        for row in self._changes:
            bare = str(row.get("address", "")).split("[")[0]
            parts = mapping(mapping(row.get("change")).get("after_unknown"))
            yield from ((bare, name) for name, part in parts.items() if part is True)

    # References: an unknown attribute that names another resource gets that resource's own name.

    def _link(self, instance: Instance) -> None:
        self._set_to_null(instance)
        for attribute, value in instance.values.items():
            named = attribute in principals.LINKS or attribute in _DOCUMENTS or attribute == "statement"
            if named and instance.sets(attribute):
                instance.values[attribute] = self._linked(instance, (attribute,), value)

    def _set_to_null(self, instance: Instance) -> None:
        """Note a list of policies that is set to null: it is unknown, and everything it is made of is known."""
        name = "managed_policy_arns"
        if instance.configured is None or name not in instance.configured:
            return
        if not single_unknown(instance.values.get(name)):
            return
        targets = self._targets(instance, (name,))
        if targets.open and not targets.names and all(reference.startswith("var.") for reference in targets.open):
            # Variables of the root are known in every plan.
            instance.configured -= {name}

    def _linked(self, instance: Instance, path: Route, value: object) -> Any:
        if isinstance(value, str):
            return self._linked_text(instance, path, value) if single_unknown(value) else value
        if isinstance(value, list):
            places = [i for i, item in enumerate(value) if single_unknown(item)]
            names = self._names(instance, path) if places else []
            if names and len(names) == len(places):
                found = dict(zip(places, names, strict=True))
                return [self._named(found[i], path) if i in found else item for i, item in enumerate(value)]
            return [v if isinstance(v, str) else self._linked(instance, (*path, i), v) for i, v in enumerate(value)]
        if isinstance(value, dict):
            return {k: self._linked(instance, (*path, k), v) for k, v in value.items()}
        return value

    def _linked_text(self, instance: Instance, path: Route, value: str) -> Any:
        names = self._names(instance, path)
        if not names:
            return value
        if path[-1] in _SEVERAL:
            # A list that mixes names with plain texts shows only the names: what else it holds stays unknown.
            return [*(unknown(n) for n in names), value]
        if len(names) == 1:
            return self._named(names[0], path)
        if len(names) <= _MOST_CHOICES:
            instance.choices = {**(instance.choices or {}), value: [unknown(n) for n in names]}
        return value

    def _names(self, instance: Instance, path: Route) -> list[str]:
        """Give the attributes that an expression stands for, when the plan tells all of them."""
        if not _stands_for_another(path):
            return []
        targets = self._targets(instance, path)
        return [] if targets.open else _fitting(targets, path)

    def _named(self, name: str, path: Route) -> str:
        if path[-1] == "identifiers":
            address = split_address(name)
            owner = self.after.find(address.resource) if address is not None else None
            if owner is not None:
                return kinds.arn_of(owner, self.after)
        return unknown(name)

    def _targets(self, instance: Instance, path: Route) -> Targets:
        address = split_address(instance.address)
        if address is None:
            return Targets((), ())
        expression = self.configuration.expression(call_names(address.module), address.config, path)
        return self.configuration.targets(address, expression)

    def _why(self, instance: Instance, route: Route) -> str:
        targets = self._targets(instance, route)
        names = [*targets.names, *targets.open]
        if not names:
            return ""
        shown = ", ".join(f"`{show(n)}`" for n in names[:4]) + (" and others" if len(names) > 4 else "")
        return f": `{show_route(route)}` depends on {shown}"

    # Places.

    def _place(self, instance: Instance, attribute: Route, route: Route) -> Location:
        if self._beside is not None:
            found = self._beside.locate(instance, attribute, route)
            if found is not None:
                return found
        if attribute[:1] == ("statement",) and route[:1] == ("Statement",):
            route = route[2:]
        return Location(self._document.file, route=show_route((*attribute, *route)), address=instance.address)

    # Where providers work.

    def _scopes(self, data: dict[str, Any]) -> dict[str, Scope]:
        scopes: dict[str, Scope] = {}
        variables = mapping(data.get("variables"))
        deciding, accounts = planned_accounts(self._providers)
        for key in [key for key in deciding if self._given_down(key) != key]:
            del deciding[key]
        for key, provider in self._providers.items():
            if not isinstance(provider, dict) or provider.get("name") not in ("aws", "awscc"):
                continue
            expression = mapping(mapping(provider.get("expressions")).get("region"))
            references = texts(expression.get("references"))
            region = None if references else expression.get("constant_value")
            if len(references) == 1 and references[0].startswith("var."):
                region = mapping(variables.get(references[0][4:])).get("value")
            scopes[key] = Scope(region=region if isinstance(region, str) else "", account=accounts.get(key, ""))
        for address, row in self._prior.items():
            values = mapping(row.get("values"))
            if row.get("type") == "aws_caller_identity":
                self._scope_of(address, row, scopes).account = str(values.get("account_id") or "")
            elif row.get("type") == "aws_region" and isinstance(values.get("name") or values.get("region"), str):
                scope = self._scope_of(address, row, scopes)
                scope.region = scope.region or str(values.get("name") or values.get("region"))
            elif row.get("type") == "aws_partition" and isinstance(values.get("partition"), str):
                self._scope_of(address, row, scopes).partition = values["partition"]
        for address, row in self._prior.items():
            arn = mapping(row.get("values")).get("arn")
            if row.get("mode") == "managed" and isinstance(arn, str) and str(row.get("type")).startswith("aws"):
                parts = arn.split(":")
                if len(parts) > 5 and len(parts[4]) == 12 and parts[4].isdigit():
                    scope = self._scope_of(address, row, scopes)
                    scope.account = scope.account or parts[4]
                    scope.partition = scope.partition or parts[1]
        share_accounts(scopes, deciding)
        return scopes

    def _scope_of(self, address: str, row: dict[str, Any], scopes: dict[str, Scope]) -> Scope:
        parsed = split_address(address)
        config = self.configuration.resource(call_names(parsed.module), parsed.config) if parsed else None
        return scopes.setdefault(self._provider(config, row), Scope())

    def _provider(self, config: dict[str, Any] | None, row: dict[str, Any]) -> str:
        """Name the provider configuration of a resource."""
        key = str((config or {}).get("provider_config_key") or "")
        if not key:
            return str(row.get("provider_name", "aws")).rsplit("/", 1)[-1]
        return self._given_down(key)

    def _given_down(self, key: str) -> str:
        """Give the configuration that a module inherits, where a key only says that it inherits one.

        Observed: Terraform resolves what a module is given, but not what the modules inside it then inherit, so the
        nearest module around tells: what it and the modules in it use, if that is one configuration.
        """
        if ":" not in key or mapping(self._providers.get(key)).get("expressions"):
            return key
        above, local = key.rsplit(":", 1)
        names = call_names(above)
        for depth in range(len(names) - 1, 0, -1):
            used = self.configuration.providers_in(names[:depth])
            same = {k for k in used if ":" not in k and k.split(".")[0] == local.split(".")[0]}
            if len(same) == 1:
                return same.pop()
        return local


def _resources(values: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the resources of a state by absolute address.

    Observed: Terraform 0.12 writes addresses relative to their module, and without the instance key.
    """
    modules = [values.get("root_module")] if isinstance(values, dict) else []
    while modules:
        module = modules.pop()
        if not isinstance(module, dict):
            continue
        head = str(module.get("address") or "")
        for row in rows(module.get("resources")):
            address = str(row.get("address", ""))
            if head and not address.startswith(head):
                address = f"{head}.{address}"
            if row.get("index") is not None and not address.endswith("]"):
                address += key_text(row["index"])
            yield address, row
        modules += rows(module.get("child_modules"))


def _has_source(folder: str) -> bool:
    """Tell whether a folder holds Terraform files: only then the modules that read them are loaded."""
    try:
        return any(reader.takes(name) for reader in FOLDER_READERS for name in os.listdir(folder))
    except OSError:
        return False


def _may_be_several(attribute: str) -> bool:
    """Tell by its name whether an attribute may hold several things that a dynamic block loops over."""
    return attribute != "" and not attribute.endswith(("id", "arn", "name", "json"))


def _part(row: dict[str, Any]) -> tuple[str, str]:
    """Give the resource of a relevant attribute, without keys, and the attribute."""
    return str(row.get("resource", "")).split("[")[0], next(iter(texts(row.get("attribute"))), "")


def _note_module(module: str, module_keys: dict[str, set[str]]) -> None:
    if module and module not in module_keys:
        bare, bracket, key = module.rpartition("[") if module.endswith("]") else (module, "", "")
        module_keys.setdefault(bare, set()).add(bracket + key)


def _merge(value: Any, parts: Any, name: str) -> Any:
    """Put an unknown value, named by its address, wherever the plan says that a value is not known."""
    if parts is True:
        return unknown(name)
    if isinstance(parts, dict) and (isinstance(value, dict) or value is None):
        out = dict(value or {})
        for key, part in parts.items():
            if part is True or (part and part is not False):
                out[key] = _merge(out.get(key), part, f"{name}.{key}")
        return out
    if isinstance(parts, list) and (isinstance(value, list) or value is None):
        items = list(value or [])
        items += [None] * (len(parts) - len(items))
        return [_merge(item, parts[i], f"{name}[{i}]") if i < len(parts) else item for i, item in enumerate(items)]
    return value


def _stands_for_another(path: Route) -> bool:
    name = next((p for p in reversed(path) if isinstance(p, str)), "")
    return name in principals.LINKS or name in _DOCUMENTS


def _fitting(targets: Targets, path: Route) -> list[str]:
    """Choose the references that an attribute can mean, each with the attribute it then stands for."""
    attribute = str(next((p for p in reversed(path) if isinstance(p, str)), ""))
    wanted = principals.LINKS.get(attribute)
    found: list[str] = []
    for name in targets.names:
        address = split_address(name)
        if address is None:
            continue
        if wanted is not None and address.type in wanted:
            tail = address.path[0] if address.path else "arn"
            found.append(f"{address.resource}.{tail}")
        elif wanted is None and address.type == "aws_iam_policy_document":
            found.append(f"{address.resource}.json")
        elif wanted is None and address.path[:1] in (("policy",), ("content",)):
            found.append(name)
        else:
            return []
    return found
