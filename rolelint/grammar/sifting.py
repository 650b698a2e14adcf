"""Compare what parliament says with the catalogue and with AWS's own grammar, and let go of what does not stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rolelint.catalog import ResourceType, catalog
from rolelint.errors import Route
from rolelint.grammar.globs import overlap
from rolelint.grammar.values import FITS, WORDS, base_type, family, fits
from rolelint.policies.document import Condition, Statement
from rolelint.policies.parse import parse_operator
from rolelint.policies.role import Policy, PolicyType
from rolelint.policies.text import has_unknown

#: Policy types that grant by themselves; what is too broad in others is no grant.
_GRANTING = frozenset((PolicyType.IDENTITY, PolicyType.SESSION))


#: Stands in a text for the actions of an issue; no policy holds it.
ACTIONS = "\x00"


class Told(NamedTuple):
    """One issue that stands, with its place inside the policy.

    Attributes:
        key: parliament's name of the issue.
        text: what is special here, for the message.
        finding: parliament's own finding, for the settings that the user makes for it.
        actions: those it is about; where `text` holds `ACTIONS`, that stands for them.
    """

    key: str
    text: str
    route: Route
    statement: Statement | None
    finding: Any
    actions: tuple[str, ...] = ()


class Case(NamedTuple):
    """One finding of parliament and what it is about."""

    policy: Policy
    finding: Any
    route: Route
    statement: Statement | None
    left_out: Counter[str]

    def told(self, text: str = "", route: Route | None = None, actions: Iterable[str] = ()) -> Told:
        """Let the finding stand."""
        place = self.route if route is None else route
        return Told(self.finding.issue, text, place, self.statement, self.finding, tuple(actions))

    def drop(self, reason: str) -> None:
        """Let the finding go."""
        self.left_out[reason] += 1


def merge(tolds: Iterable[Told]) -> list[Told]:
    """Tell each issue once for a place; parliament repeats some for every action."""
    kept: dict[tuple[str, Route, str], Told] = {}
    for told in tolds:
        key = (told.key, told.route, told.text if ACTIONS in told.text or not told.route else "")
        if key in kept:
            first = kept[key]
            kept[key] = first._replace(actions=tuple(dict.fromkeys((*first.actions, *told.actions))))
        else:
            kept[key] = told
    return [t._replace(text=t.text.replace(ACTIONS, _names(list(t.actions)))) for t in kept.values()]


def sift(case: Case) -> Iterator[Told]:
    """Give what stands of one finding: nothing, itself, or itself with better words and place."""
    check = _CHECKS.get(case.finding.issue)
    if check is None:
        yield case.told(_detail(case.finding))
    else:
        yield from check(case)


def _detail(finding: Any) -> str:
    if finding.detail:
        return str(finding.detail)
    location = finding.location if isinstance(finding.location, dict) else {}
    named = location.get("actions") or location.get("string") or ""
    listed = [named] if isinstance(named, str) else list(map(str, named))
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(f"`{one}`" for one in listed[:_SHOWN] if one) + more


#: How many names a message lists.
_SHOWN = 3


def _names(texts: list[str]) -> str:
    shown = ", ".join(f"`{text}`" for text in texts[:_SHOWN])
    return f"{shown} and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else shown


def _mismatch(case: Case) -> Iterator[Told]:
    """Keep the actions that act on none of the statement's resources; those a wildcard brings in only together."""
    statement = case.statement
    if statement is None or statement.resources is None or statement.not_resource or statement.not_action:
        # parliament compares NotResource, and NotAction, as if it were Resource and Action.
        return case.drop("resource checks of NotAction and NotResource")
    if any(map(has_unknown, statement.resources)):
        return case.drop("resource checks of unknown values")
    named = {entry["action"].lower() for entry in case.finding.detail}
    stray: list[tuple[int, str]] = []
    for index, pattern in enumerate(statement.actions):
        if not pattern.strip("*:") or has_unknown(pattern):
            continue
        mask = catalog().expand(pattern)
        hit = [i for i in catalog().indexes(mask) if catalog().name(i).lower() in named]
        if not hit:
            continue
        if any(_acts_on_some(i, statement.resources) for i in catalog().indexes(mask)):
            if any(catalog().action(i).signature.required for i in hit):
                case.drop("actions that act on a resource all the same, or come in by a wildcard")
            continue
        stray.append((index, pattern))
    if not stray:
        return
    first = stray[0][0]
    wanted = _wanted(catalog().expand(stray[0][1]))
    names = [pattern for _, pattern in stray]
    acts = "acts" if len(names) == 1 else "act"
    text = f"{_names(names)} {acts} on none of the resources; `{names[0]}` takes {wanted}"
    yield case.told(text, (*statement.route, "Action", first), names)


def _acts_on_some(index: int, resources: Iterable[str]) -> bool:
    kinds = catalog().action(index).signature.types
    if not kinds:
        # Documented for `*` only, yet AWS's own examples write `arn:aws:s3:::*` for s3:ListAllMyBuckets.
        service = catalog().name(index).partition(":")[0]
        return any(r.strip("*") == "" or _is_whole_service(r, service) for r in resources)
    return any(r == "*" or any(_is_of(r, kind) for kind in kinds) for r in resources)


def _is_whole_service(resource: str, service: str) -> bool:
    fields = resource.split(":", 5)
    return len(fields) > 2 and fields[2] in (service, "*") and not "".join(fields[5:]).strip("*:")


_VARIABLE = re.compile(r"\$\{[^}]*\}")


def _is_of(resource: str, kind: ResourceType) -> bool:
    text = _VARIABLE.sub("*", resource)
    if kind.key == "s3:bucket" and "/" in text:
        return False  # a bucket's name holds no slash
    mine = text.split(":", 5)
    for written in kind.formats:
        theirs = _VARIABLE.sub("*", written).split(":", 5)
        if len(mine) < 6:
            # AWS completes a short ARN with wildcards (S3.5).
            mine = [*mine, *["*"] * (6 - len(mine))]
        if all(overlap(a, b) for a, b in zip(mine, theirs, strict=True)):
            return True
    return False


def _wanted(mask: int) -> str:
    kinds = {kind.key: kind for i in catalog().indexes(mask) for kind in catalog().action(i).signature.types}
    formats = sorted((kind.formats[0] for kind in kinds.values()), key=len)
    return f"`{formats[0]}`{' and others' if len(formats) > 1 else ''}" if formats else "only `*`"


def _star(case: Case) -> Iterator[Told]:
    """Keep what an identity grants on `*`, as written, with actions that take a resource."""
    statement = case.statement
    if statement is None or case.policy.type not in _GRANTING:
        return case.drop("Resource * where nothing is granted by it")
    if "*" not in (statement.resources or ()) or statement.not_resource or statement.not_action:
        return case.drop("resource checks of NotAction and NotResource")
    known = catalog()
    names = []
    for name in case.finding.detail:
        index = known.index(name)
        if index is None:
            continue
        action = known.action(index)
        if action.signature.required or "List" not in action.levels:
            names.append(known.name(index))
    if not names:
        return case.drop("lists that are granted on * only")
    at = (statement.resources or ()).index("*")
    text = f"{_names(names)} can be limited to resources"
    yield case.told(text, (*statement.route, "Resource", at), names)


def _all_resources(case: Case) -> Iterator[Told]:
    statement = case.statement
    if statement is None or any(map(has_unknown, statement.resources or ())) or case.policy.type not in _GRANTING:
        return case.drop("Resource * where nothing is granted by it")
    yield case.told(f"{_names(list(statement.resources or ()))}", (*statement.route, "Resource"))


def _bucket(case: Case) -> Iterator[Told]:
    if case.policy.type not in _GRANTING:
        return case.drop("escalation where nothing is granted")
    detail = str(case.finding.detail)
    found = re.fullmatch(
        r"Possible resource policy privilege escalation on (.*) due to s3:(\w+) not being allowed, "
        r"but does allow s3:(\w+)",
        detail,
    )
    if found is None:
        yield case.told(detail)
        return
    resource, lacking, held = found.groups()
    for statement in case.policy.document.statements:
        if statement.effect == "Allow" and resource in (statement.resources or ()):
            if statement.not_action or not catalog().expand_all(statement.actions) & catalog().expand(f"s3:{held}"):
                continue
            at = (statement.resources or ()).index(resource)
            text = f"`s3:{held}` on `{resource}` leads to {ACTIONS}"
            told = case.told(text, (*statement.route, "Resource", at), (f"s3:{lacking}",))
            yield told._replace(statement=statement)
            return
    case.drop("escalation on unknown values")


def _same_sid(case: Case) -> Iterator[Told]:
    seen: set[str] = set()
    for statement in case.policy.document.statements:
        if statement.sid and statement.sid in seen and f"'{statement.sid}'" in str(case.finding.detail):
            told = case.told(f"`{statement.sid}`", (*statement.route, "Sid"))
            yield told._replace(statement=statement)
            return
        seen.add(statement.sid)
    case.drop("Sids of statements that were left out")


_PRINCIPALS: Mapping[str, tuple[re.Pattern[str], ...]] = {
    "AWS": (
        re.compile(r"\*|\d{12}"),
        re.compile(r"arn:aws(-[a-z]+)*:(iam|sts)::(\d{12}|cloudfront):\S+"),
        # The unique id that stands for a principal which was deleted, or under which AWS stores one.
        re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}"),
    ),
    "Federated": (
        re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:(saml|oidc)-provider/\S+"),
        re.compile(r"cognito-identity[a-z0-9.-]*\.amazonaws\.com(\.cn)?|www\.amazon\.com"),
        re.compile(r"graph\.facebook\.com|accounts\.google\.com|arn:aws(-[a-z]+)*:sts::\d{12}:\S+"),
    ),
}


def _principal(case: Case) -> Iterator[Told]:
    """Keep principals whose text AWS does not document: session ARNs, unique ids and canonical users are fine."""
    statement = case.statement
    text = case.finding.detail
    kind = "Federated" if case.finding.issue == "UNKNOWN_FEDERATION_SOURCE" else "AWS"
    if statement is None or not text:
        return case.drop("kinds of principals that parliament does not know")
    if "${" in text or any(form.fullmatch(text) for form in _PRINCIPALS[kind]):
        return case.drop("principals that parliament does not know")
    element = "NotPrincipal" if statement.not_principal else "Principal"
    listed = [entry.value for entry in statement.principals or () if entry.kind == kind]
    at = (listed.index(text),) if text in listed and len(listed) > 1 else ()
    yield case.told(f"`{text}`", (*statement.route, element, kind, *at))


def _blocks(case: Case) -> list[Condition]:
    """List the conditions of the operator that a finding points at."""
    statement = case.statement
    if statement is None or len(case.route) <= len(statement.route) + 1:
        return []
    operator = case.route[len(statement.route) + 1]
    return [c for c in statement.conditions if c.operator_text == operator]


def _at(case: Case, condition: Condition) -> Route:
    assert case.statement is not None
    return (*case.statement.route, "Condition", condition.operator_text, condition.key_text)


def _operator(case: Case) -> Iterator[Told]:
    written = str(case.finding.detail)
    if parse_operator(written)[3]:
        return case.drop("operators that parliament does not know")
    yield case.told(f"`{written}`")


def _truth(case: Case) -> Iterator[Told]:
    for condition in _blocks(case):
        wrong = [v for v in condition.values if not FITS["Bool"](v)]
        if wrong:
            yield case.told(f"`{condition.key_text}` is compared with {_names(wrong)}", _at(case, condition))
            return
    case.drop("values that parliament does not know")


def _mfa(case: Case) -> Iterator[Told]:
    condition = next((c for c in _blocks(case) if c.key == "aws:multifactorauthpresent"), None)
    yield case.told("", _at(case, condition) if condition else None)


_TYPE = re.compile(r"Type mismatch: (.+?) requires a value of type (\w+) but given (.*)", re.DOTALL)


def _type(case: Case) -> Iterator[Told]:
    """Keep values that no value of the key can match, and operators that cannot compare the key's values."""
    found = _TYPE.fullmatch(str(case.finding.detail))
    blocks = _blocks(case)
    if found is None or not blocks:
        yield case.told(str(case.finding.detail))
        return
    name = found[1]
    if name == blocks[0].operator_text:
        yield from _operator_type(case, blocks)
        return
    for condition in blocks:
        if condition.key_text != name:
            continue
        kind = base_type(condition.key) or found[2]
        wrong = [v for v in condition.values if not fits(v, kind, condition.operator)]
        if wrong:
            text = f"`{condition.key_text}` holds {WORDS.get(kind, 'text')}, and is compared with {_names(wrong)}"
            yield case.told(text, _at(case, condition))
            return
    case.drop("values that parliament does not know")


def _operator_type(case: Case, blocks: list[Condition]) -> Iterator[Told]:
    for condition in blocks:
        kind, compared = base_type(condition.key), family(condition.operator)
        if kind is None or compared is None or kind == compared or kind == "String":
            continue  # published as a string, a key may hold numbers and truth values all the same
        if (kind, compared) == ("Date", "Numeric"):
            continue  # seconds since 1970
        usable = compared == "String" and kind == "ARN"
        if usable != (case.finding.issue == "MISMATCHED_TYPE_BUT_USABLE"):
            continue
        if compared == "String" and kind == "Bool" and all(FITS["Bool"](v) for v in condition.values):
            continue  # compared as text, `true` is `true`
        text = f"`{condition.operator_text}` on `{condition.key_text}`, which holds {WORDS[kind]}"
        yield case.told(text, _at(case, condition))
        return
    case.drop("types of condition keys that the catalogue knows better")


_CONDITION = re.compile(r"Unknown condition (.+) for action (\S+)", re.DOTALL)


def _key(case: Case) -> Iterator[Told]:
    """Keep keys that an action named in the statement does not support, where an absent key decides."""
    found = _CONDITION.fullmatch(str(case.finding.detail))
    statement = case.statement
    condition = next((c for c in _blocks(case) if found and c.key_text == found[1]), None)
    if found is None or statement is None or condition is None:
        yield case.told(str(case.finding.detail))
        return
    name, known = found[2], catalog()
    index, supported = known.index(name), known.key_mask(condition.key)
    if supported is not None and index is not None and supported >> index & 1:
        return case.drop("condition keys that parliament does not know")
    if condition.if_exists or condition.quantifier == "ForAllValues":
        return case.drop("tests that accept an absent key")
    text = f"`{condition.key_text}` is not supported by {ACTIONS}"
    if supported is None:
        if case.policy.type is PolicyType.TRUST:
            return case.drop("claims of identity providers")
        text = f"no action supports `{condition.key_text}`"
    else:
        mask = known.expand_all(statement.actions)
        if case.policy.type is PolicyType.TRUST and supported & mask:
            return case.drop("claims of identity providers")
        if supported & mask and name.lower() not in {a.lower() for a in statement.actions}:
            return case.drop("actions that come in by a wildcard")
    yield case.told(text, _at(case, condition), (name,))


def _acting(case: Case) -> Iterator[Told]:
    """Place what a community auditor says of a policy at the first statement that grants the actions."""
    actions = case.finding.location.get("actions") or ()
    listed = [actions] if isinstance(actions, str) else list(map(str, actions))
    if case.policy.type not in _GRANTING:
        return case.drop("escalation where nothing is granted")
    known = catalog()
    names = sorted(known.name(i) for a in listed if (i := known.index(a)) is not None) or listed
    told = case.told(_names(names), (), names)
    for statement in case.policy.document.statements:
        mask = known.expand_all(statement.actions)
        if statement.effect != "Allow":
            continue
        if any(bool(known.expand(a) & mask) is not statement.not_action for a in names):
            yield told._replace(statement=statement, route=statement.route)
            return
    yield told


def _element(element: str) -> Callable[[Case], Iterator[Told]]:
    def check(case: Case) -> Iterator[Told]:
        for statement in case.policy.document.statements:
            found = statement.not_resource if element == "NotResource" else statement.not_principal
            if statement.effect == "Allow" and found:
                yield case.told("", (*statement.route, element))._replace(statement=statement)
                return
        yield case.told()

    return check


def _set_operator(case: Case) -> Iterator[Told]:
    known = catalog()
    for statement in case.policy.document.statements:
        for condition in statement.conditions:
            if condition.quantifier and not (known.key_type(condition.key) or "").startswith("ArrayOf"):
                told = case.told(
                    f"`{condition.operator_text}` on `{condition.key_text}`",
                    (*statement.route, "Condition", condition.operator_text, condition.key_text),
                )
                yield told._replace(statement=statement)
                return
    case.drop("types of condition keys that the catalogue knows better")


def _version(case: Case) -> Iterator[Told]:
    yield case.told("", ("Version",) if case.finding.issue == "OLD_VERSION" else ())


_CHECKS: Mapping[str, Callable[[Case], Iterator[Told]]] = {
    "RESOURCE_MISMATCH": _mismatch,
    "RESOURCE_STAR": _star,
    "RESOURCE_EFFECTIVELY_STAR": _all_resources,
    "RESOURCE_POLICY_PRIVILEGE_ESCALATION": _bucket,
    "DUPLICATE_SID": _same_sid,
    "NO_VERSION": _version,
    "OLD_VERSION": _version,
    "UNKNOWN_PRINCIPAL": _principal,
    "UNKNOWN_FEDERATION_SOURCE": _principal,
    "UNKNOWN_OPERATOR": _operator,
    "MISMATCHED_TYPE_OPERATION_TO_NULL": _truth,
    "BAD_PATTERN_FOR_MFA": _mfa,
    "MISMATCHED_TYPE": _type,
    "MISMATCHED_TYPE_BUT_USABLE": _type,
    "UNKNOWN_CONDITION_FOR_ACTION": _key,
    "PERMISSIONS_MANAGEMENT_ACTIONS": _acting,
    "PRIVILEGE_ESCALATION": _acting,
    "CREDENTIALS_EXPOSURE": _acting,
    "SENSITIVE_ACCESS": _acting,
    "NOTPRINCIPAL_WITH_ALLOW": _element("NotPrincipal"),
    "NOTRESOURCE_WITH_ALLOW": _element("NotResource"),
    "SINGLE_VALUE_CONDITION_TOO_PERMISSIVE": _set_operator,
}
