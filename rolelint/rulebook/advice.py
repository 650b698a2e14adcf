"""What to do about a finding: the rule's fix, its statement written anew for the action that the finding is about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from rolelint.catalog import ResourceType, catalog
from rolelint.catalog.patterns import verb_of
from rolelint.engine import Power
from rolelint.memory import lasting, memo
from rolelint.policies.text import VARIABLE, show
from rolelint.rulebook.model import Rule
from rolelint.rulebook.subject import Hit, Subject, is_of_service, widening

#: Entries that an example of a Deny names: more make a statement that nobody reads.
_MOST_NAMED = 24
#: Actions that it names one by one where patterns of a service and a verb may stand for them.
_MOST_SINGLE = 4
#: Resource patterns that an example names.
_MOST_PLACES = 3
#: What an example demands of a tag, up to the tag.
_BY_TAG = '"aws:ResourceTag/'
#: Condition keys by which a grant of tagging is for what is made, or for certain tags.
_TAGS_NAMED = frozenset(("aws:tagkeys", "ec2:createaction", "elasticloadbalancing:createaction"))
#: How the parts of an ARN are called whose text the owner of a resource chooses.
_CHOSEN = (
    *("name", "names", "namewithpath", "namewithversion", "namewithoutleadingslash", "alias", "label"),
    *("globalcluster", "dbclusterendpoint", "responseplan", "provisioningtemplate", "dedicatedippool"),
)
#: How actions begin that show what there is, and not what is in it: `Get` reads secrets and objects as well.
_READ_VERBS = ("Describe", "List")

_written: dict[tuple[object, ...], tuple[Rule, str]] = memo()


def advise(rule: Rule, hit: Hit, power: Power | None, index: int | None, subject: Subject) -> str:
    """Say what to do about a finding.

    Args:
        power: the one that the finding names. index: the action that it names, in the catalogue.
    """
    text = _advice(rule, hit, power, index)
    if _BY_TAG in text:
        text = _with_tag_kept(text, subject)
    partition = subject.powers.stage.partition if subject.powers else ""
    return text.replace("arn:aws:", f"arn:{partition}:") if partition not in ("", "aws") else text


def _advice(rule: Rule, hit: Hit, power: Power | None, index: int | None) -> str:
    if not rule.adapt or power is None or index is None:
        return rule.advice
    scoped = rule.adapt in ("scope", "name") and (not power.wide or power.set_apart)
    denied = rule.adapt == "deny" or (rule.adapt != "read" and _unlimited(index, rule.adapt == "scope"))
    about = hit.core or hit.mask if denied or scoped else 0
    key = (id(rule), index, about, (power.resources, power.gate) if scoped else ())
    found = _written.get(key)
    if found is None or found[0] is not rule:
        if rule.adapt == "deny":
            text = _denied(rule, about, index)
        elif rule.adapt == "read":
            text = _reading(rule, index)
        else:
            text = _scoped(rule, about, power, index, scoped)
        found = _written[key] = (rule, text)
    return found[1]


def _scoped(rule: Rule, core: int, power: Power, index: int, scoped: bool) -> str:
    action = catalog().action(index)
    types = action.signature.told
    widens = rule.adapt == "scope" and bool(widening() >> index & 1)
    if types and scoped and not widens:
        places = _places(power, types[0].service)
        if rule.adapt == "scope":
            alike = core & catalog().service_mask(action.name.partition(":")[0])
            return _limited(_listed(alike & power.mask if places else alike, index), places)
        if places:
            named = {"Sid": "NamedAction", "Effect": "Allow", "Action": action.name}
            return _with(rule.fix, {**named, "Resource": _one(places[:_MOST_PLACES])})
    if types and _names(rule, index) and not (widens and scoped):
        return rule.advice
    demanded = _demanded(rule, index) if widens else {}
    why = "" if demanded else _unlimited(index, widens)
    if why:
        return _never(rule, core, index, why)
    resource, chosen = _example(types[0])
    sid = "Confined" if demanded else "PreviewOnly" if chosen else "DevOnly"
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": action.name, "Resource": resource}
    if demanded:
        holders = _places(power, types[0].service)[:_MOST_PLACES]
        statement |= {"Resource": _one(holders or [resource]), "Condition": demanded}
    elif not chosen:
        statement["Condition"] = {"StringEquals": {"aws:ResourceTag/Environment": "dev"}}
    return _with(rule.fix, statement)


@cache
def _unlimited(index: int, widens: bool) -> str:
    """Say why neither a name nor a tag can limit an action; empty where one can.

    Args:
        widens: whether it counts that what an action writes has no limit.
    """
    known = catalog()
    types = known.action(index).signature.told
    if not types:
        return "takes no resource, so neither an ARN nor a tag can limit it"
    if widens and widening() >> index & 1:
        return "writes permissions, which the name of their holder does not limit"
    if known.attribute_mask("B4") >> index & 1:
        return "reaches past one account"
    if _example(types[0])[1]:
        return ""
    if known.attribute_mask("resource-tag") >> index & 1:
        return ""
    return "acts on what has no name of your choice and no tag to limit it by"


lasting(_unlimited.cache_clear)


def _never(rule: Rule, core: int, index: int, why: str) -> str:
    """Deny an action, and with it the others of the finding that cannot be limited either."""
    known = catalog()
    widens = rule.adapt == "scope"
    others = core & ~(1 << index)
    without = sum(1 << i for i in known.indexes(others) if _unlimited(i, widens))
    names = _listed(without, index)
    rest = " The rest can be limited." if others & ~without else ""
    beside = ", and the others that nothing limits" if len(names) > 1 else ""
    text = f"`{known.name(index)}` {why}: take it away, or deny it{beside}.{rest}"
    return _with(text, {"Effect": "Deny", "Action": _one(names), "Resource": "*"})


def _places(power: Power, service: str) -> list[str]:
    """List the patterns of a service to which a power is limited; none where something else limits it."""
    places = [] if power.wide else [show(r) for r in power.resources if is_of_service(r, service)]
    return [r for r in places if not r.startswith("not ")]


def _demanded(rule: Rule, index: int) -> Mapping[str, Mapping[str, str]]:
    """Give the conditions of the rule's own statement on what a call says, where an action knows all of them."""
    known = catalog()
    for statement in _statements(rule):
        demanded: Mapping[str, Mapping[str, str]] = statement.get("Condition", {})
        keys = [key.lower() for tests in demanded.values() for key in tests]
        if keys and all(not key.startswith("aws:") and (known.key_mask(key) or 0) >> index & 1 for key in keys):
            return demanded
    return {}


def _limited(actions: Sequence[str], places: Sequence[str]) -> str:
    limit = f"to `{places[0]}`" if places else "by its conditions"
    more = f" and {len(actions) - 1} more" if len(actions) > 1 else ""
    text = f"It is limited {limit} already. Where that is not disposable, take `{actions[0]}`{more} away from the tool."
    deny = {
        "Sid": "PeopleOnly",
        "Effect": "Deny",
        "Action": _one(actions),
        "Resource": _one(places[:_MOST_PLACES] or ["*"]),
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    }
    return _with(text, deny)


def _reading(rule: Rule, index: int) -> str:
    """Write what looks at the service of an action, where the rule's own statement is about another one."""
    known = catalog()
    service = known.name(index).partition(":")[0]
    if all(a.partition(":")[0] == service for s in _statements(rule) for a in _actions(s)):
        return rule.advice
    harmless = [
        pattern
        for verb in _READ_VERBS
        if (covered := known.expand(pattern := f"{service}:{verb}*")) and not covered & known.destructive
    ]
    if not harmless:
        return rule.fix
    return _with(rule.fix, {"Effect": "Allow", "Action": _one(harmless), "Resource": "*"})


def _denied(rule: Rule, core: int, index: int) -> str:
    known = catalog()
    written = next(s for s in _statements(rule) if s["Effect"] == "Deny")
    # What holds under a condition only may name all: it takes nothing away from the rest of the work.
    all_of_them = "Condition" in written
    if _names(rule, index) and not core & ~known.expand_all(_actions(written)):
        return rule.advice
    several = all_of_them and core.bit_count() > _MOST_SINGLE
    names = _by_verb(core, index) if several else _listed(core, index)
    return _with(rule.fix, {**written, "Action": _one(names), "Resource": "*"})


def _listed(core: int, index: int) -> list[str]:
    """Name actions, one of them first; where they are many, by patterns of a verb that cover nothing else."""
    known = catalog()
    others = core & ~(1 << index)
    if others.bit_count() < _MOST_NAMED:
        return [known.name(index), *known.names(others)]
    exact = [verb for verb in _verbs(core, index) if not known.expand(verb) & ~core]
    single = known.names(others & ~known.expand_all(exact))
    first = [] if exact and known.expand(exact[0]) >> index & 1 else [known.name(index)]
    return [*first, *exact, *single][:_MOST_NAMED]


def _by_verb(core: int, index: int) -> list[str]:
    """Name actions by patterns of a service and a verb, where most that these cover is meant; one action first.

    Where that makes too many entries, the patterns stand for all.
    """
    known = catalog()
    verbs = _verbs(core, index)
    patterns = [verb for verb in verbs if (known.expand(verb) & core).bit_count() * 2 >= known.expand(verb).bit_count()]
    single = known.names(core & ~known.expand_all(patterns))
    every = [*patterns, *single] if len(patterns) + len(single) <= _MOST_NAMED else verbs
    return every[:_MOST_NAMED]


def _verbs(core: int, index: int) -> list[str]:
    """List the patterns of a service and a verb that cover some actions, that of one action first."""
    known = catalog()
    actions = (action.partition(":") for action in (known.name(index), *known.names(core)))
    return list(dict.fromkeys(f"{service}:{verb_of(name)}*" for service, _, name in actions))


def _with_tag_kept(text: str, subject: Subject) -> str:
    """Add a Deny of changing the tag that an example demands, where the role may tag what it likes."""
    known = catalog()
    before, _, example = text.partition("For example: ")
    if _BY_TAG not in example:
        return text
    written = json.loads(example)
    statements = written if isinstance(written, list) else [written]
    # The example of a rule may be about another service than the finding.
    named = [a for s in statements if "Action" in s and _BY_TAG in json.dumps(s) for a in _actions(s)]
    if not named:
        return text
    service = named[0].partition(":")[0]
    setting = known.attribute_mask("sets-tags") & known.service_mask(service)
    held = 0
    for mask, ref in subject.allows:
        if mask & setting and not any(c.key in _TAGS_NAMED for c in ref.statement.conditions):
            held |= mask & setting
    if not held:
        return text
    tag = text.partition(_BY_TAG)[2].partition('"')[0]
    deny: dict[str, Any] = {"Sid": "TheTagStays", "Effect": "Deny", "Action": _one(known.names(held)), "Resource": "*"}
    if not held & ~known.attribute_mask("sets-named-tags"):
        deny["Condition"] = {"ForAnyValue:StringEquals": {"aws:TagKeys": tag}}
        if service == "ec2":
            deny["Condition"]["Null"] = {"ec2:CreateAction": "true"}  # what it makes it may tag
    return f"{before}For example: {json.dumps([*statements, deny], ensure_ascii=False)}"


def _with(text: str, statement: Mapping[str, Any]) -> str:
    return f"{text} For example: {json.dumps(statement, ensure_ascii=False)}"


def _one(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _statements(rule: Rule) -> list[Mapping[str, Any]]:
    return rule.statement if isinstance(rule.statement, list) else [rule.statement]


def _names(rule: Rule, index: int) -> bool:
    """Tell whether the rule's own statement speaks of an action."""
    for statement in _statements(rule):
        if rule.adapt == "deny" and statement["Effect"] != "Deny":
            continue
        if catalog().expand_all(_actions(statement)) >> index & 1:
            return True
    return False


def _actions(statement: Mapping[str, Any]) -> Sequence[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def _example(kind: ResourceType) -> tuple[str, bool]:
    """Write the ARN of disposable resources of a type; of all where AWS chooses the name, or there is none."""
    known = {"Partition": "aws", "Region": "*", "Account": "123456789012"}
    free = [v for v in VARIABLE.findall(kind.formats[0]) if v not in known]
    named = next((v for v in free if v.lower().endswith(_CHOSEN)), None)
    known.update(dict.fromkeys(free, "*"))
    if named is not None:
        known[named] = "preview-*"
    return VARIABLE.sub(lambda found: known[found.group(1)], kind.formats[0]), named is not None
