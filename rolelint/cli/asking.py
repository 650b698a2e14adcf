"""What the commands that ask about single roles share: loading, choosing a role, showing answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rolelint.cli import tell
from rolelint.errors import RolelintError, UsageError, nearest, printable
from rolelint.policies.role import Policy, Role
from rolelint.policies.text import show
from rolelint.reporters.text import clean

if TYPE_CHECKING:
    from rolelint.catalog import Catalog
    from rolelint.findings.model import UnknownItem

#: Actions of one name, of several services, that a hint lists.
_MEANT = 3
#: Names of no action of which the hint is remembered: cases for `evaluate` may repeat one, and a hint takes long.
_REMEMBERED = 1024
#: Forms of resources that an answer lists.
_FORMATS_TOLD = 3


def load(
    path: str,
    *,
    forced_type: str | None = None,
    boundary: str = "",
    scps: tuple[str, ...] = (),
    rcps: tuple[str, ...] = (),
    parameters: str = "",
) -> tuple[list[Role], list[UnknownItem]]:
    """Read the roles of one file or folder.

    Args:
        parameters: a file with values for the parameters of templates.

    Returns:
        The roles, and what of the input is not known and may hold more of them, or more of what they hold.

    Raises:
        RolelintError: when an input cannot be read, or holds no role.
    """
    from rolelint.cli.check import template_parameters
    from rolelint.findings.model import Report
    from rolelint.lint import Request, load_roles

    report = Report()
    settings = template_parameters(parameters)
    roles = load_roles(Request((path,), (), forced_type, boundary, scps, rcps, reader_options=settings), report)
    if report.errors:
        first, *rest = report.errors
        for problem in rest:
            tell(clean(str(problem)))
        raise RolelintError(first.message, location=first.location, hint=first.hint)
    unread = [item for item in report.unknown if not item.role]
    if not roles:
        hint = unread_part(unread[0]) if unread else ""
        raise UsageError(f"no role or identity policy in `{printable(path)}`", hint=hint)
    return roles, unread


def unread_part(item: UnknownItem) -> str:
    """Say which part of an input is not known, and why."""
    return f"not read: {item.location}: {item.reason}"


def choose(roles: list[Role], wanted: str, path: str) -> Role:
    """Find one role by name, ARN or address; without a name there must be one only.

    Raises:
        UsageError: when there is none, or more than one.
    """
    if not wanted:
        if len(roles) == 1:
            return roles[0]
        raise UsageError(f"`{printable(path)}` holds {len(roles)} roles", hint=f"name one with --role: {_names(roles)}")
    found = [r for r in roles if wanted in (show(r.name), show(r.arn), r.location.address, show(r.id))]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(printable(r.id) for r in found[:8]) + (" ..." if len(found) > 8 else "")
        raise UsageError(f"`{wanted}` names {len(found)} roles", hint=f"name one of {ids}")
    raise UsageError(f"no role `{wanted}` in `{printable(path)}`", hint=f"there are {_names(roles)}")


def _names(roles: Iterable[Role]) -> str:
    names = [clean(r.name) for r in roles]
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")


def parse_context(given: tuple[str, ...]) -> dict[str, list[str]]:
    """Read `key=value` options; a key given twice, in any case, has several values; `key=` alone makes it absent.

    Raises:
        UsageError: when one has no `=`.
    """
    out: dict[str, list[str]] = {}
    spelt: dict[str, str] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise UsageError(f"`--context {item}` is not of the form key=value")
        values = out.setdefault(spelt.setdefault(key.lower(), key), [])
        if value:
            values.append(value)
    return out


def expect_arn(resource: str | None) -> None:
    """Refuse a resource that no request can name.

    Raises:
        UsageError: when it is neither an ARN nor `*`.
    """
    if resource not in (None, "*") and not re.fullmatch(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+", resource or "", re.DOTALL):
        raise UsageError(
            f"`--resource {printable(resource or '')}` is not an ARN",
            hint="write it in full, as in `arn:aws:rds:eu-west-1:123456789012:db:orders`",
        )


@lru_cache(_REMEMBERED)
def nearest_action(known: Catalog, pattern: str) -> str:
    """Say what a pattern that matches no action may have been meant for; empty where nothing is near."""
    prefix, colon, name = pattern.partition(":")
    if not colon:
        found = known.names(known.expand(f"*:{pattern}"))
        if not found:
            return "an action is written `service:Action`"
        return f"did you mean {' or '.join(f'`{one}`' for one in found[:_MEANT])}?"
    if not known.service_mask(prefix):
        near = nearest(prefix.lower(), known.prefixes())
        return f"there is no prefix `{printable(prefix)}`" + (f"; {near}" if near else "")
    return nearest(
        name.lower(), {full.partition(":")[2].lower(): full for full in known.names(known.service_mask(prefix))}
    )


def strange_keys(known: Catalog, keys: Iterable[str]) -> list[str]:
    """List the keys that look like AWS's and that the catalogue does not know: keys of other issuers are anything."""
    names = {key.lower(): key for key in keys}
    own = (name for name in names if name.startswith("aws:") or known.service_mask(name.partition(":")[0]))
    return [names[name] for name in own if known.key_mask(name) is None]


def astray(actions: str, resource: str) -> str:
    """Say which resources actions act on where a given one is none of them; else nothing."""
    from rolelint.catalog import catalog
    from rolelint.engine.arns import shape

    formats: dict[str, None] = {}
    for signature, _ in catalog().signatures(catalog().expand(actions)):
        if resource == "*" and not signature.required:
            return ""
        formats.update((f, None) for kind in signature.types for f in kind.formats)
    if any(shape(f, "", "", "").names(resource) for f in formats):
        return ""
    told = [*formats][:_FORMATS_TOLD] + (["others"] if len(formats) > _FORMATS_TOLD else [])
    takes = " and ".join(told) if told else "no resource"
    return f"no request for {actions} names `{show(resource)}`: it takes {takes}"


def deciding_statements(role: Role, decision: Any) -> list[str]:
    """Name the statements that decided by the policies of the role: `policy name/Sid` or `policy name/Statement[2]`."""
    layers: dict[str, Policy] = {f"identity[{i}]": p for i, p in enumerate(role.identity)}
    layers |= {f"session[{i}]": p for i, p in enumerate(role.session or ())}
    layers |= {f"scp[{i}][{k}]": p for i, level in enumerate(role.scps or ()) for k, p in enumerate(level)}
    layers |= {f"rcp[{i}]": p for i, p in enumerate(role.rcps or ())}
    if role.boundary is not None:
        layers["boundary"] = role.boundary
    out = []
    for one in decision.statements if decision else ():
        policy = layers.get(one.place)
        name = policy.name if policy is not None else one.place
        out.append(f"{name}/{one.statement.sid or f'Statement[{one.statement.index}]'}")
    return out


def witness_lines(witness: Any, indent: str = "  ") -> list[str]:
    """Write a witness for people."""
    lines = [f"{indent}{witness.action} on {witness.resource}"]
    lines += [f"{indent}  with {key} = {value}" for key, value in witness.context.items()]
    lines += [f"{indent}  assuming {text}" for text in witness.assumes]
    return [clean(line) for line in lines]
