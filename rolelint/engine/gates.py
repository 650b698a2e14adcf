"""What a grant depends on beyond holding the role, and what names say about the environment it reaches."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rolelint.engine.actors import is_approval
from rolelint.engine.compile import CompiledCondition
from rolelint.engine.keys import Undecided, solve_key
from rolelint.engine.operators import parse_bool
from rolelint.engine.solve import Solution, View
from rolelint.policies.document import Condition
from rolelint.policies.text import VARIABLE, show

if TYPE_CHECKING:
    from rolelint.engine.scene import Scene


class Gate(NamedTuple):
    """Conditions that a grant depends on, as text, and the kinds of their keys.

    `unless` holds those that stand alone in a Deny: where one of them holds, nothing is granted. `ceilings` holds, for
    each boundary, session policy or level of SCPs that allows nothing without a condition, those of each of its Allows.
    """

    text: str
    kinds: frozenset[str]
    unless: tuple[Condition, ...] = ()
    ceilings: tuple[tuple[tuple[Condition, ...], ...], ...] = ()


#: Kind of a condition key by how its lower-cased name starts; the first that fits.
_KINDS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("mfa", ("aws:multifactorauth",)),
    ("channel", ("aws:via", "aws:calledvia", "aws:ismcp")),
    ("approval", ("aws:sourceidentity", "sts:sourceidentity")),
    ("principal-tag", ("aws:principaltag/",)),
    ("request-tag", ("aws:requesttag/", "aws:tagkeys")),
    ("network", ("aws:sourceip", "aws:sourcevpc", "aws:vpc")),
    ("time", ("aws:currenttime", "aws:epochtime", "aws:tokenissuetime")),
    ("region", ("aws:requestedregion", "ec2:region")),
    ("principal", ("aws:principal", "aws:userid", "aws:username", "aws:federatedprovider")),
    ("organization", ("aws:resourceorg", "aws:resourceaccount")),
    ("source", ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorg", "lambda:sourcefunctionarn")),
    ("passed-service", ("iam:passedtoservice", "iam:associatedresourcearn")),
    ("boundary", ("iam:permissionsboundary",)),
)
#: Keys whose value is the ARN of what holds the resource of a request: its cluster, its network, its application.
# AWS: Service Authorization Reference, condition keys of each service. Read 2026-11-23.
_HOLDERS = frozenset(
    (
        "cognito-identity:identitypoolarn",
        "ec2:subnet",
        "ec2:vpc",
        "ecs:cluster",
        "ecs:service",
        "elasticbeanstalk:inapplication",
        "elasticfilesystem:accesspointarn",
        "lambda:functionarn",
        "nimble:studioid",
        "s3-outposts:dataaccesspointarn",
        "s3:dataaccesspointarn",
        "s3express:dataaccesspointarn",
        "secretsmanager:secretid",
        "servicediscovery:servicearn",
        "vpc-lattice:servicearn",
        "vpc-lattice:servicenetworkarn",
    )
)
#: Kinds of keys that tell resources of one type apart by something other than their ARN.
MARKS = frozenset(("resource-tag", "holder"))
#: The aliases of a key are to it what tags are to other resources: somebody says by them what it is for.
ALIASES = "kms:resourcealiases"
_RESOURCE_TAG = ("resourcetag/", "-tag/", "existingobjecttag/", ALIASES)


def key_kind(key: str) -> str:
    """Name the kind of a lower-cased condition key; `request` for a service's own keys."""
    if key.startswith("aws:principaltag/") and is_approval(key):
        return "approval"
    if any(word in key for word in _RESOURCE_TAG):
        return "resource-tag"
    if key in _HOLDERS:
        return "holder"
    return next((kind for kind, heads in _KINDS if key.startswith(heads)), "request")


def gate_of(
    stage: Scene,
    solutions: Iterable[Solution],
    carving: Iterable[View],
    covering: Iterable[View],
    unsupported: frozenset[str],
) -> Gate:
    """Collect what a grant depends on, vacuous conditions left out.

    Args:
        solutions: requests found for the grant, one for each resource.
        carving: Deny statements that take some of it away.
        covering: those that speak of everything that the grant reaches; only their conditions count as limits of it.
    """
    texts: list[str] = []
    kinds: set[str] = set()
    for solution in solutions:
        for pick in solution.picks:
            for condition in pick.conditions:
                # What stands in for a value that is not known limits nothing that is known.
                if condition.condition.operator_text and not _vacuous(stage, pick, condition, unsupported):
                    texts.append(f"if {describe(condition)}")
                    kind = key_kind(condition.key)
                    if kind not in MARKS or (_limits_by_tag(condition) and _is_there(condition, pick)):
                        kinds.add(kind)
    for deny in carving:
        if deny.conditions:
            texts.append("unless " + " and ".join(describe(c) for c in deny.conditions))
    for deny in covering:
        for condition in deny.conditions:
            kind = key_kind(condition.key)
            if kind not in MARKS or _only_by_tag(stage, deny, unsupported):
                kinds.add(kind)
    alone = tuple(dict.fromkeys(d.conditions[0].condition for d in covering if len(d.conditions) == 1))
    return Gate("; ".join(dict.fromkeys(texts)), frozenset(kinds), alone)


def _limits_by_tag(condition: CompiledCondition) -> bool:
    """Tell whether a test of a resource's tag, or of what holds it, keeps the grant away from what somebody cares for.

    It does not where resources without the tag pass, where any value does, or where all but some value that says
    nothing of production do. That a tag is there is a limit where its key says whose it is.
    """
    written = condition.condition
    operator = condition.operator
    if operator is None:
        return True
    if operator.family == "null":
        return _marks_its_own(condition.key) and not any(parse_bool(v) for v in written.values)
    if operator.negated:
        return any(name_says(v) == "production" for v in written.values)
    return not any(map(_is_any, written.values)) or _marks_its_own(condition.key)


def _is_any(value: str) -> bool:
    """Tell whether a value is one that every tag, every alias, or every holder of one type has."""
    if value.startswith(("arn:", "*")):
        kind, _, name = value.split(":", 5)[-1].replace(":", "/", 1).partition("/")
        value = (name or kind).removeprefix(f"{kind}-")  # the ids of networks begin with their type
    return not value.removeprefix("alias/").strip("*?")


def _marks_its_own(key: str) -> bool:
    """Tell whether a tag's key is one with which its maker marks a resource.

    So do controllers, `elbv2.k8s.aws/cluster`, and services of AWS, `AmazonECSManaged`.
    """
    tag = key.partition("/")[2]
    domain, slash, name = tag.partition("/")
    if slash:
        return bool(name) and "." in domain.strip(".")
    return tag.startswith(("aws", "amazon")) and "managed" in tag


def _keeps_by_tag(condition: CompiledCondition) -> bool:
    """Tell whether a Deny that tests a resource's tag keeps what somebody cares for: not where untagged ones pass."""
    written = condition.condition
    operator = condition.operator
    if operator is None:
        return True
    if operator.family == "null":
        return _marks_its_own(condition.key) and all(parse_bool(v) for v in written.values)
    if operator.negated:
        few = not any(map(_is_any, written.values)) or _marks_its_own(condition.key)
        return few and written.quantifier != "ForAnyValue"
    if key_kind(condition.key) == "holder":
        return any(name_says(v) == "production" for v in written.values)  # without one all others are left
    return any(name_says(v) != "disposable" for v in written.values)


def _only_by_tag(stage: Scene, deny: View, unsupported: frozenset[str]) -> bool:
    """Tell whether nothing but a tag makes a Deny fail: no other condition of it can be false."""
    return all(
        _keeps_by_tag(c) if key_kind(c.key) in MARKS else not c.refs and _vacuous(stage, deny, c, unsupported)
        for c in deny.conditions
    )


def _is_there(condition: CompiledCondition, pick: View) -> bool:
    """Tell whether a test of an Allow fails for a resource without the tag, by itself or by another one beside it."""
    written = condition.condition
    if condition.operator is None or condition.operator.negated:
        return True
    if not written.if_exists and written.quantifier != "ForAllValues":
        return True
    return any(
        c.key == condition.key
        and c.operator is not None
        and c.operator.family == "null"
        and not any(parse_bool(v) for v in c.condition.values)
        for c in pick.conditions
    )


def describe(condition: CompiledCondition) -> str:
    """Write a condition in one short phrase: `aws:ResourceTag/env StringEquals dev`."""
    written = condition.condition
    values = " | ".join(show(v) for v in written.values)
    return f"{written.key_text} {written.operator_text} {values}"


def _vacuous(stage: Scene, pick: View, condition: CompiledCondition, unsupported: frozenset[str]) -> bool:
    """Tell whether a condition holds whatever the caller does."""
    if condition.key in unsupported:
        return True
    if any(not (d.presence == "always" and d.values and len(d.values) == 1) for d in map(stage.domain, condition.refs)):
        return False  # the values that one request has are not those of all
    try:
        return solve_key(stage.domain(condition.key), frozenset((pick.literal(condition, False),))) is None
    except Undecided:
        return False


_WORD = re.compile(r"[a-z]+")
#: Names of what is not production though they hold the word. A text: most runs need no such pattern.
_BESIDE_PRODUCTION = r"(?<![a-z])(?:non|not|pre)[-_. ]prod(?:uction|s)?(?![a-z])"
_RUN_ON = re.compile(r"[a-z0-9]*[*?]+[a-z0-9]*")
PRODUCTION = frozenset(("prod", "production", "prd", "live", "prod1", "prods"))
DISPOSABLE = frozenset(
    (
        "dev development test testing tests sandbox preview previews ephemeral tmp temp temporary scratch demo qa "
        "playground sbx integration integ e2e staging stage ci"
    ).split()
)


def name_says(text: str) -> str:
    """Tell what a name says about its environment: `production`, `disposable` or empty."""
    # The lock of a state is made anew by every run, wherever the state is.
    if text.lower().endswith(".tflock"):
        return "disposable"
    words = set(_WORD.findall(text.lower()))
    if words & PRODUCTION and set(_WORD.findall(re.sub(_BESIDE_PRODUCTION, " ", text.lower()))) & PRODUCTION:
        return "production"
    # A word that runs into a wildcard is the beginning or the end of others: `dev*` is `device-registry` as well.
    whole = set(_WORD.findall(_RUN_ON.sub(" ", text.lower())))
    return "disposable" if whole & DISPOSABLE else ""


def naming_of(
    stage: Scene, patterns: Iterable[str], solutions: Iterable[Solution], covering: Collection[View] = ()
) -> str:
    """Tell what resource names and tag values of a grant say about the environment it reaches.

    Args:
        covering: Deny statements that speak of everything that the grant reaches.
    """
    said = []
    for pattern in patterns:
        fields = (_told(stage, pattern) if "${" in pattern else pattern).split(":", 5)
        said.append(name_says(fields[5]) if len(fields) == 6 and not pattern.startswith("not ") else "")
    for solution in solutions:
        for condition, demanded in _demands(solution, covering):
            operator = condition.operator
            if operator is None or operator.negated is demanded or key_kind(condition.key) not in MARKS:
                continue
            tag = condition.key.rpartition("/")[2]
            values = condition.condition.values
            said_here = {_tag_says(tag, _told(stage, v) if condition.refs else v) for v in values}
            if said_here == {"disposable"}:
                return "disposable"
            said += said_here
    if "production" in said:
        return "production"
    return "disposable" if said and all(s == "disposable" for s in said) else ""


def _demands(solution: Solution, covering: Collection[View]) -> Iterator[tuple[CompiledCondition, bool]]:
    """List the conditions that hold whatever else does, and those that must not: a Deny has nothing else to fail by."""
    for pick in solution.picks:
        yield from ((c, True) for c in pick.conditions if _is_there(c, pick))
    for deny, condition in solution.carved:
        if condition is not None and len(deny.conditions) == 1 and deny in covering and _keeps_by_tag(condition):
            yield condition, False


def _told(stage: Scene, text: str) -> str:
    """Put into a text what is known of its policy variables; one whose value requests may differ in is open."""

    def value(found: re.Match[str]) -> str:
        domain = stage.domain(found[1].partition(",")[0].strip().lower())
        return domain.values[0] if domain.presence == "always" and domain.values and len(domain.values) == 1 else "*"

    return VARIABLE.sub(value, text)


def _tag_says(tag: str, value: str) -> str:
    if value.lower() in ("true", "yes", "1"):
        return name_says(tag)
    return name_says(value)
