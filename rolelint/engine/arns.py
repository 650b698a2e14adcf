"""Resource languages: the ARNs of a resource type in one account, and how far a pattern reaches into them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rolelint.algebra.strings import FIELD_ANY, STAR, LimitReached, Pattern, arn, includes, marked_arn, member

_VARIABLE = re.compile(r"\$\{[^}]*\}")


class Shape(NamedTuple):
    """One ARN format of a resource type, read for one principal.

    Attributes:
        pattern: every ARN of this format that the account can have.
        sample: a readable one.
        format: as published, with `${...}`.
    """

    pattern: Pattern
    sample: str
    format: str


_shapes: dict[tuple[str, str, str, str], Shape] = {}


def shape(arn_format: str, partition: str, account: str, region: str) -> Shape:
    """Read an ARN format for one principal; empty arguments are not known.

    `${...}` of the first five fields is free within its field; in the resource field it is any text (automated RDS
    snapshots have a colon in their name, so no separator is excluded).
    """
    key = (arn_format, partition, account, region)
    found = _shapes.get(key)
    if found is None:
        found = _shapes[key] = _shape(*key)
    return found


def _shape(arn_format: str, partition: str, account: str, region: str) -> Shape:
    from rolelint.engine.worlds import default_region

    known = (partition, "", region, account)
    samples = (partition or "aws", "example", region or default_region(partition or "aws"), account or "123456789012")
    fields = arn_format.split(":", 5)
    marked, sample = [], []
    for i, field in enumerate(fields):
        if 1 <= i <= 4:
            fixed = known[i - 1]
            whole = _VARIABLE.fullmatch(field) is not None
            marked.append(fixed if whole and fixed else _VARIABLE.sub(FIELD_ANY + STAR, field))
            sample.append(_VARIABLE.sub(samples[i - 1], field))
        else:
            marked.append(_VARIABLE.sub("\uf8fe" + STAR, field))
            sample.append(_VARIABLE.sub("example", field))
    return Shape(marked_arn(":".join(marked)), ":".join(sample), arn_format)


class Reach(NamedTuple):
    """How far resource patterns reach into a shape.

    Attributes:
        overlap: they reach something. whole: they reach everything.
        whole_region: they reach everything of a Region at least.
        named: what they reach has finitely many names, a trailing version or suffix aside.
        patterns: those that reach something, as written.
    """

    overlap: bool
    whole: bool
    whole_region: bool
    named: bool
    patterns: tuple[str, ...]


_NOTHING = Reach(False, False, False, False, ())
_reaches: dict[tuple[tuple[str, ...], Shape, bool, bool], Reach] = {}


def reach(patterns: tuple[str, ...], into: Shape, *, account_known: bool, partition_known: bool) -> Reach:
    """Tell how far resource patterns, as a policy writes them, reach into a shape.

    Where the account or partition is not known, the one that a pattern names is taken to be the principal's own.

    Raises:
        LimitReached: when a search passed its limit.
    """
    key = (patterns, into, account_known, partition_known)
    found = _reaches.get(key)
    if found is None:
        found = _reaches[key] = _reach(*key)
    return found


def _reach(patterns: tuple[str, ...], into: Shape, account_known: bool, partition_known: bool) -> Reach:
    if "*" in patterns:
        return Reach(True, True, True, False, ("*",))
    hit = tuple(p for p in patterns if member([[arn(p)], [into.pattern]]) is not None)
    if not hit:
        return _NOTHING
    own = [_relax(p, into.format, not account_known, not partition_known, False) for p in hit]
    whole = includes([arn(p) for p in own], into.pattern)
    regional = whole or includes(
        [arn(_relax(p, into.format, True, not partition_known, True)) for p in hit], into.pattern
    )
    return Reach(True, whole, regional, not regional and all(is_named(p, into.format) for p in hit), hit)


def _relax(pattern: str, arn_format: str, account: bool, partition: bool, region: bool) -> str:
    """Widen the fields of a pattern that a principal's own values stand in."""
    fields = pattern.split(":", 5)
    template = arn_format.split(":", 5)
    for i, widen in ((1, partition), (3, region), (4, account)):
        if widen and i < len(fields) and i < len(template) and "${" in template[i]:
            fields[i] = "*"
    return ":".join(fields)


def is_named(pattern: str, arn_format: str) -> bool:
    """Tell whether a pattern names one thing, a trailing version or suffix aside."""
    fields = pattern.split(":", 5)
    if len(fields) < 6:
        return False
    rest = fields[5]
    if "*" not in rest and "?" not in rest:
        return True
    service = fields[2]
    if service == "s3" and rest.count("/"):
        return False
    if service == "secretsmanager":
        return not set(re.sub(r"-(\*|\?{6})$", "", rest)) & {"*", "?"}
    variables = arn_format.split(":", 5)[5].count("${") if arn_format.count(":") >= 5 else 1
    trimmed = re.sub(r":\*$", "", rest)
    if variables > 1 and service in ("cloudformation", "ecs", "autoscaling", "states", "elasticloadbalancing"):
        trimmed = re.sub(r"/\*$", "", trimmed)
        trimmed = trimmed.replace(":*:autoScalingGroupName/", ":autoScalingGroupName/")
    return not set(trimmed) & {"*", "?"}


def union_reach(reaches: Sequence[Reach]) -> Reach:
    """Join the reaches of one statement into several formats of one type: the widest counts."""
    return max(reaches, key=lambda r: (r.whole, r.whole_region, r.overlap, not r.named))


__all__ = ["LimitReached", "Reach", "Shape", "is_named", "reach", "shape", "union_reach"]
