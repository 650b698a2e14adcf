"""Resource languages: the ARNs of a resource type in one account, and how far a pattern reaches into them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rolelint.algebra.strings import ANY, FIELD_ANY, STAR, Pattern, glob, includes, marked, marked_arn, overlaps
from rolelint.engine.actors import account_like
from rolelint.memory import memo
from rolelint.policies.text import VARIABLE

#: Formats whose variables hold no slash, though another type's format continues with one (`bucket` and
#: `bucket/object`), or one variable tells what a condition key tells as well. AWS: the naming rules of each service,
#: read 2026-11.
_CLOSED = frozenset(
    (
        "arn:${Partition}:s3:::${BucketName}",
        "arn:${Partition}:organizations::${Account}:policy/o-${OrganizationId}/${PolicyType}/p-${PolicyId}",
        "arn:${Partition}:s3:${Region}:${Account}:accesspoint/${AccessPointName}",
        "arn:${Partition}:s3tables:${Region}:${Account}:bucket/${TableBucketName}",
        "arn:${Partition}:s3vectors:${Region}:${Account}:bucket/${BucketName}",
        "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}",
        "arn:${Partition}:es:${Region}:${Account}:domain/${DomainName}",
        "arn:${Partition}:timestream:${Region}:${Account}:database/${DatabaseName}",
        "arn:${Partition}:guardduty:${Region}:${Account}:detector/${DetectorId}",
        "arn:${Partition}:elasticmapreduce:${Region}:${Account}:cluster/${ClusterId}",
        "arn:${Partition}:kendra:${Region}:${Account}:index/${IndexId}",
        "arn:${Partition}:globalaccelerator::${Account}:accelerator/${ResourceId}",
        "arn:${Partition}:codepipeline:${Region}:${Account}:${PipelineName}",
        "arn:${Partition}:storagegateway:${Region}:${Account}:gateway/${GatewayId}",
    )
)
#: How the ids begin that AWS gives, by service and what stands before the id: a pattern of that much is any of them.
#: AWS: AWSEC2/latest/UserGuide/resource-ids.html, and the API references of the services, read 2026-11.
_IDS = {
    ("ec2", "instance/"): "i-",
    ("ec2", "volume/"): "vol-",
    ("ec2", "snapshot/"): "snap-",
    ("ec2", "image/"): "ami-",
    ("ec2", "vpc/"): "vpc-",
    ("ec2", "subnet/"): "subnet-",
    ("ec2", "security-group/"): "sg-",
    ("ec2", "network-interface/"): "eni-",
    ("ec2", "route-table/"): "rtb-",
    ("ec2", "internet-gateway/"): "igw-",
    ("ec2", "natgateway/"): "nat-",
    ("ec2", "network-acl/"): "acl-",
    ("ec2", "launch-template/"): "lt-",
    ("ec2", "transit-gateway/"): "tgw-",
    ("ec2", "vpc-endpoint/"): "vpce-",
    ("elasticfilesystem", "file-system/"): "fs-",
    ("elasticmapreduce", "cluster/"): "j-",
    ("fsx", "file-system/"): "fs-",
    ("route53", "hostedzone/"): "Z",
}
#: All paths below one search domain, or below all: a request names its domain with a path.
_PATHS = r"^(domain/[^/]+)/\*$"


class Shape:
    """One ARN format of a resource type, read for one principal. Equal arguments give the same object.

    Attributes:
        sample: a readable ARN of this format.
        format: as published, with `${...}`.
        fields: the first five fields: text, or None where any non-empty text may stand.
        closed: no variable of its resource field holds a slash; `outside` is what the format reaches although nothing
            is called so.
        rest: the resource field as a pattern; `rest_head` is its literal start, `rest_start` that and what every id
            begins with; `rest_open` tells that one variable follows the literal start and nothing else.
    """

    __slots__ = (
        "_pattern",
        "closed",
        "fields",
        "format",
        "outside",
        "reaches",
        "rest",
        "rest_head",
        "rest_key",
        "rest_open",
        "rest_sample",
        "rest_start",
        "sample",
    )

    def __init__(self, arn_format: str, partition: str, account: str, region: str) -> None:
        from rolelint.engine.worlds import default_region

        known = (partition, "", region, account)
        samples = (
            partition or "aws",
            "example",
            region or default_region(partition or "aws"),
            account or "123456789012",
        )
        written = arn_format.split(":", 5)
        fields: list[str | None] = [written[0]]
        sample = [written[0]]
        for i, field in enumerate(written[1:5]):
            if "${" in field:
                fields.append(known[i] or None)
                sample.append(VARIABLE.sub(samples[i], field))
            else:
                fields.append(field)
                sample.append(field)
        rest = written[5] if len(written) > 5 else "${Any}"
        self.format = arn_format
        self.fields = tuple(fields)
        self.rest_sample = VARIABLE.sub("example", rest)
        self.sample = ":".join([*sample, self.rest_sample])
        parts = VARIABLE.split(rest)[::2]
        self.rest_head = parts[0]
        self.rest_start = parts[0] + _IDS.get((written[2], parts[0]), "")
        self.rest_open = len(parts) == 2 and not parts[1]
        self.rest_key = (ANY + STAR).join(parts)
        self.rest = marked(self.rest_key)
        self._pattern: Pattern | None = None
        #: How far resource patterns reach into it, as they were asked for.
        self.reaches: dict[str, Reach] = {}
        self.closed = arn_format in _CLOSED
        self.outside: tuple[Pattern, ...] = ()
        if self.closed:
            more = f"/{STAR}" * (sum(part.count("/") for part in parts[1:]) + 1)
            self.outside = (marked_arn(f"arn:{STAR}:{written[2]}:{STAR}:{STAR}:{self.rest_head}{STAR}{more}"),)

    def names(self, arn: str) -> bool:
        """Tell whether an ARN names a resource of this format."""
        if self.rest_head not in arn:
            return False  # cheap, and so for most formats of an action with many
        return self.pattern.matches(arn) and not any(p.matches(arn) for p in self.outside)

    @property
    def pattern(self) -> Pattern:
        """Every ARN of this format that the account can have."""
        if self._pattern is None:
            head = (f if f is not None else FIELD_ANY + STAR for f in self.fields)
            self._pattern = marked_arn(":".join([*head, self.rest_key]))
        return self._pattern


_shapes: dict[tuple[str, str, str, str], Shape] = memo()


def shape(arn_format: str, partition: str, account: str, region: str) -> Shape:
    """Read an ARN format for one principal; empty arguments are not known.

    `${...}` of the first five fields is free within its field; in the resource field it is any text (automated RDS
    snapshots have a colon in their name, so no separator is excluded).
    """
    key = (arn_format, partition, account, region)
    found = _shapes.get(key)
    if found is None:
        found = _shapes[key] = Shape(*key)
    return found


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


NOTHING = Reach(False, False, False, False, ())
EVERYTHING = Reach(True, True, True, False, ("*",))


def reach(patterns: Iterable[str], into: Shape) -> Reach:
    """Tell how far resource patterns, as a policy writes them, reach into a shape.

    Where the account or partition is not known, the one that a pattern names is taken to be the principal's own.
    Several patterns reach everything only if one of them does.

    Raises:
        LimitReached: when a search passed its limit.
    """
    return joined([_reach(p, into) for p in patterns])


def joined(reaches: Iterable[Reach]) -> Reach:
    """Join the reaches of several patterns into one shape: everything is reached only if one of them does."""
    hits = [r for r in reaches if r.overlap]
    if not hits:
        return NOTHING
    if len(hits) == 1:
        return hits[0]
    regional = any(r.whole_region for r in hits)
    return Reach(
        True,
        any(r.whole for r in hits),
        regional,
        not regional and all(r.named for r in hits),
        tuple(dict.fromkeys(p for r in hits for p in r.patterns)),
    )


def _reach(pattern: str, into: Shape) -> Reach:
    if pattern == "*":
        return EVERYTHING
    found = into.reaches.get(pattern)
    if found is None:
        found = into.reaches[pattern] = _measure(pattern, into)
    return found


def _measure(pattern: str, into: Shape) -> Reach:
    fields = pattern.split(":", 5)
    fields += ["*"] * (6 - len(fields))  # S3.5
    whole = regional = True
    for i in range(5):
        text, own = fields[i], into.fields[i]
        if text == "*":
            continue
        wild = "*" in text or "?" in text
        if own is not None:
            if text != own and not (wild and glob(text).matches(own)):
                return NOTHING
        elif not text:
            return NOTHING
        elif i in (1, 4) and not wild:
            continue  # the principal's own partition or account, taken from the pattern
        elif (i == 1 and not _partition_like(text)) or (i == 4 and not account_like(text)):
            return NOTHING
        elif i == 3:
            whole = False
        else:
            whole = regional = False
    rest = re.sub(_PATHS, r"\1", fields[5]) if into.fields[2] == "es" and not into.closed else fields[5]
    covers = _covers(rest, into)
    if covers is None:
        return NOTHING
    whole, regional = whole and covers, regional and covers
    named = not regional and is_named(pattern, into.format)
    return Reach(True, whole, regional, named, (pattern,))


def _covers(rest: str, into: Shape) -> bool | None:
    """Tell whether the resource field of a pattern covers that of a shape; None where they have nothing in common."""
    if rest == "*":
        return True
    head = into.rest_head
    if into.closed and rest.count("/") > into.rest_key.count("/"):
        return None
    bare = rest.removesuffix("*")
    if "*" in bare or "?" in bare:
        if not _meets(rest, into):
            return None
        # A pattern that misses one member covers not all of them.
        shaped = glob(rest)
        return shaped.matches(into.rest_sample) and includes([shaped], into.rest)
    if bare == rest:  # a literal
        inside = rest.startswith(head) and len(rest) > len(head) if into.rest_open else into.rest.matches(rest)
        return into.rest.literal == rest if inside else None
    if into.rest_start.startswith(bare):
        return True
    return False if bare.startswith(head) and (into.rest_open or _meets(rest, into)) else None


def _partition_like(pattern: str) -> bool:
    from rolelint.engine.worlds import REGIONS

    return any(map(glob(pattern).matches, REGIONS))


_meeting: dict[tuple[str, str], bool] = memo()


def _meets(rest: str, into: Shape) -> bool:
    key = (rest, into.rest_key)
    found = _meeting.get(key)
    if found is None:
        head = rest[: min(rest.find(c) % (len(rest) + 1) for c in "*?")]
        if not (head.startswith(into.rest_head) or into.rest_head.startswith(head)):
            found = False
        else:
            plain = rest.replace("?", "x")
            guesses = (plain.replace("*", filler) for filler in ("x", into.rest_sample, "x/x", "x:x", "*"))
            found = any(into.rest.matches(g) for g in guesses) or overlaps(glob(rest), into.rest)
        _meeting[key] = found
    return found


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
    if service == "es":
        return not set(re.sub(_PATHS, r"\1", rest)) & {"*", "?"}
    variables = arn_format.split(":", 5)[5].count("${") if arn_format.count(":") >= 5 else 1
    trimmed = re.sub(r":\*$", "", rest)
    if variables > 1 and service in ("cloudformation", "ecs", "autoscaling", "states", "elasticloadbalancing"):
        trimmed = re.sub(r"/\*$", "", trimmed)
        trimmed = trimmed.replace(":*:autoScalingGroupName/", ":autoScalingGroupName/")
    return not set(trimmed) & {"*", "?"}


def named_like(pattern: str, own: str) -> str:
    """Write an ARN that a pattern fits, of the account and Region of another one where the pattern leaves them open."""
    fields, home = VARIABLE.sub("*", pattern).split(":", 5), own.split(":", 5)
    for i in (1, 3, 4) if len(fields) == 6 else ():
        if home[i] and set(fields[i]) & {"*", "?"}:
            fields[i] = home[i]
    return ":".join(fields).replace("*", "x").replace("?", "x")


def reach_rank(r: Reach) -> tuple[bool, bool, bool, bool]:
    """Order reaches from narrow to wide."""
    return (r.overlap, r.whole, r.whole_region, not r.named)
