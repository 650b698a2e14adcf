"""Context keys that AWS derives from one another, as a short list of consistent worlds (S5.30)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain as joined
from itertools import combinations, product

from rolelint.algebra.strings import glob
from rolelint.catalog import catalog
from rolelint.engine.actors import NEVER, TWELVE, Domain, account_like
from rolelint.engine.compile import CompiledCondition
from rolelint.engine.keys import Literal, Value, truth
from rolelint.memory import memo
from rolelint.policies.role import EXAMPLE_ACCOUNT
from rolelint.records import field, record, replace

#: Regions by partition. AWS: docs.aws.amazon.com/general/latest/gr/rande.html, read 2026-11.
REGIONS: Mapping[str, tuple[str, ...]] = {
    "aws": tuple(
        (
            "us-east-1 us-east-2 us-west-1 us-west-2 af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 "
            "ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 "
            "ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 "
            "eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 "
            "sa-east-1"
        ).split()
    ),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-east-1", "us-gov-west-1"),
    "aws-eusc": ("eusc-de-east-1",),
    "aws-iso": ("us-iso-east-1", "us-iso-west-1"),
    "aws-iso-b": ("us-isob-east-1", "us-isob-west-1"),
}

#: The Region that requests to a global service are made to, its only endpoint being there, by partition.
#: AWS: general/latest/gr/rande.html, "Global endpoints", and the page of each service there; IAM's guide says of
#: `aws:RequestedRegion` that such calls always carry that Region. Read 2026-11. S5.36
_GLOBAL: Mapping[str, Mapping[str, str]] = {
    "aws": {
        "us-east-1": (
            "account budgets ce cloudfront cur iam organizations route53 route53domains savingsplans shield support waf"
        ),
        "us-west-2": "devicefarm globalaccelerator networkmanager",
    },
    "aws-cn": {"cn-north-1": "iam support", "cn-northwest-1": "account budgets ce cloudfront organizations route53"},
    "aws-us-gov": {"us-gov-west-1": "iam networkmanager organizations route53"},
}


def partition_of(region: str) -> str:
    """Give the partition that a Region is in; nothing for one that is not known."""
    return next((partition for partition, named in REGIONS.items() if region in named), "")


def partitions_named(values: Iterable[str]) -> Iterator[str]:
    """Give the partitions of the Regions that tests of a Region name; of several that one names, the first."""
    for pattern in map(glob, values):
        yield from [p for p, named in REGIONS.items() if any(map(pattern.matches, named))][:1]


_VIA = "aws:viaawsservice"
_CHANNEL = frozenset((_VIA, "aws:calledvia", "aws:calledviafirst", "aws:calledvialast"))
_PUBLIC = frozenset(("aws:sourceip",))
_ENDPOINT = frozenset(
    (
        "aws:sourcevpc aws:sourcevpce aws:sourcevpcarn aws:vpcsourceip aws:vpceaccount aws:vpceorgid aws:vpceorgpaths"
    ).split()
)
#: Keys that tell the Region of a request. AWS: AWSEC2/latest/UserGuide, "Condition keys for Amazon EC2" (`ec2:Region`).
REGION_KEYS = frozenset(("aws:requestedregion", "ec2:region"))
#: Services that forward calls, for chains in which none that a policy names takes part.
_SERVICES = (
    "cloudformation.amazonaws.com",
    "athena.amazonaws.com",
    "servicecatalog.amazonaws.com",
    "dynamodb.amazonaws.com",
    "kms.amazonaws.com",
    "backup.amazonaws.com",
)
#: Chains of services that are told apart for one question. Past it the question is UNKNOWN, unless one of them does.
MAX_CHAINS = 4_000
CALLER_ARN = "aws:principalarn"
#: Keys that tell the account of the caller.
CALLER_KEYS = frozenset((CALLER_ARN, "aws:principalaccount", "kms:calleraccount"))
#: Keys that tell the account of the resource.
OWNER_KEYS = frozenset(("aws:resourceaccount", "s3:resourceaccount"))
#: Actions of which AWS does not say that requests carry `aws:ResourceAccount`, and those on images, whose ARN names no
#: account and which others share: it may be there, or not. S5.34
# AWS: IAM/latest/UserGuide/reference_policies_condition-keys.html, "aws:ResourceAccount", Availability. Read 2026-11.
NO_OWNER = (
    "ebs:*",
    "ec2:*Volume*",
    "ec2:*Snapshot*",
    "ec2:*Image*",
    "ec2:RunInstances",
    "ec2:*Fleet*",
    "ec2:*Spot*",
    "ec2:*Peering*",
    "ec2:*VpcEndpoint*",
    "es:AcceptInboundConnection",
    "events:PutEvents",
    "route53:*VPC*",
    "auditmanager:UpdateAssessmentFrameworkShare",
    "ds:AcceptSharedDirectory",
    "workspaces:DescribeWorkspaceImages",
    *(f"{service}:Accept*Invitation" for service in ("detective", "guardduty", "macie2", "securityhub")),
)
#: Accounts that a caller, or a resource, of which the account is not known may be of, for one question. Past it the
#: question is UNKNOWN.
MAX_ACCOUNTS = 64
#: Keys that tell one instant. AWS: reference_policies_condition-keys.html, "aws:EpochTime". S5.36
CURRENT, EPOCH = CLOCK = ("aws:currenttime", "aws:epochtime")
#: Keys that a world fixes together.
LINKED = _CHANNEL | _PUBLIC | _ENDPOINT | REGION_KEYS


@record
class World:
    """One consistent choice: key domains in place of the ordinary ones.

    Attributes:
        region: of the request, if it matters.
        beyond: what is not tried any more, where this stands for all further choices.
        account: of the resources, where it is not known and matters.
    """

    keys: Mapping[str, Domain] = field(default_factory=dict)
    region: str = ""
    beyond: str = ""
    account: str = ""

    def agrees(self, told: Iterable[tuple[str, Domain]]) -> bool:
        """Tell whether some keys can be in this world as a question, or its actor, says that they are."""
        return not any(k in self.keys and _contradict(self.keys[k], domain, k) for k, domain in told)


def _contradict(one: Domain, other: Domain, key: str) -> bool:
    if {one.presence, other.presence} == {"always", "never"}:
        return True
    # One chain of services stands for others here, and one Region is chosen before; this has two values only.
    return key == _VIA and set(one.values or ()).isdisjoint(other.values or ())


_PLAIN = (World(),)


def regions_told(told: Iterable[tuple[str, Domain]]) -> list[str] | None:
    """List the Regions to which a question, or its actor, limits a request; None where neither speaks of them."""
    out: list[str] | None = None
    for key, domain in told:
        if key not in REGION_KEYS:
            continue
        if domain.values is not None:
            values = [] if domain.whole and len(domain.values) > 1 else list(domain.values)
        elif domain.pattern:
            named = glob(domain.pattern)
            values = [region for every in REGIONS.values() for region in every if named.matches(region)]
        else:
            continue
        out = [v for v in values if out is None or v in out]
    return out


def worlds(
    conditions: Iterable[CompiledCondition],
    mentioned: frozenset[str],
    partition: str,
    arns: Iterable[str] = (),
    variables: frozenset[str] = frozenset(),
    region: str = "",
) -> tuple[World, ...]:
    """List the worlds that conditions, resources and policy variables can tell apart.

    Args:
        mentioned: every key in conditions and policy variables, lower-cased.
        partition: of the request; empty when not known.
        arns: resource patterns that play a part: the partitions and Regions that they name are told apart.
        variables: the keys that policy variables name.
        region: the only Region that comes into question, where the question says so.
    """
    linked = LINKED & mentioned
    if not linked:
        return _PLAIN
    telling = tuple(c for c in conditions if c.key in linked)
    places: tuple[str, ...] = ()
    if not REGION_KEYS.isdisjoint(linked):
        places = tuple(sorted({p for a in arns if (p := _place(a, partition))}))
    key = (telling, linked, partition, places, linked & variables, region)
    found = _memo.get(key)
    if found is None:
        found = _memo[key] = _worlds(*key)
    return found


def accounts(
    conditions: Iterable[CompiledCondition], told: Iterable[tuple[str, Domain]], arns: Iterable[str] = ()
) -> tuple[list[str], str]:
    """List the accounts that tests of a caller's, or a resource's, account name, between two that none of them does.

    Two, so that the caller and the resource can be of different ones.

    Args:
        told: what the question says of context keys.
        arns: patterns that name accounts as well.

    Returns:
        The accounts, and why these may not be all that are told apart.
    """
    named: dict[str, None] = {}
    beyond = ""
    keys = CALLER_KEYS | OWNER_KEYS
    tests = [(c.key, v) for c in conditions if c.key in keys for v in c.condition.values]
    tests += [(k, v) for k, d in told if k in keys for v in d.values or ()]
    for key, value in (*tests, *((CALLER_ARN, arn) for arn in arns)):
        account = value if key != CALLER_ARN else [*value.split(":", 5), "", "", "", "", ""][4]
        if account not in ("*", TWELVE) and (found := account_like(account)):
            named[found] = None
            if found != account:
                beyond = "an account is compared as text"
                named.update((digit * 12, None) for digit in "0123456789")
    others = (EXAMPLE_ACCOUNT, "111122223333", *(f"{n:012d}" for n in range(1, len(named) + 1)))
    first, last = [a for a in others if a not in named][:2]
    return [first, *named, last], beyond


def callers(found: tuple[list[str], str], itself: Domain, told: Iterable[tuple[str, Domain]]) -> Iterator[World]:
    """List worlds for a caller whose account is not known: one for each account that comes into question.

    Args:
        found: what `accounts` gives.
        itself: what `aws:PrincipalArn` can be.
        told: what the question says of context keys.
    """
    said = {k: d for k, d in told if k in CALLER_KEYS}
    every, beyond = found
    for number, account in enumerate(every):
        if number == MAX_ACCOUNTS:
            beyond = f"more than {MAX_ACCOUNTS} accounts of the caller"
            break
        keys = dict.fromkeys(CALLER_KEYS, Domain("always", (account,)))
        keys[CALLER_ARN] = replace(
            itself,
            pattern=itself.pattern.replace(TWELVE, account),
            example=itself.example.replace(EXAMPLE_ACCOUNT, account),
        )
        if not any(d.values and not any(_of_account(k, v, account) for v in d.values) for k, d in said.items()):
            yield World(keys)
    if beyond:
        yield World(beyond=beyond)


def owners(
    found: tuple[list[str], str],
    conditions: Iterable[CompiledCondition],
    arns: Iterable[str],
    told: Iterable[tuple[str, Domain]],
    presence: str,
) -> Iterator[World]:
    """List worlds for a resource whose account is not known: one for each kind of account that tests tell apart.

    Args:
        found: what `accounts` gives.
        arns: patterns that may name the resource.
        told: what the question says of context keys.
        presence: of the keys that tell the account.
    """
    said = [d.values for k, d in told if k in OWNER_KEYS and d.values]
    tests = [c for c in conditions if c.key in OWNER_KEYS]
    fields = [glob(field) for field in sorted({arn.split(":", 5)[4] for arn in arns if arn.count(":") > 4})]
    every, beyond = found
    seen: set[tuple[object, ...]] = set()
    for account in every:
        if any(account not in values for values in said):
            continue
        kind: tuple[object, ...] = (
            *(truth(Literal(c, True), (account,)) for c in tests),
            *(pattern.matches(account) for pattern in fields),
        )
        if any(c.refs for c in conditions):
            kind = (account,)
        if kind in seen:
            continue
        if len(seen) == MAX_ACCOUNTS:
            beyond = f"more than {MAX_ACCOUNTS} accounts of the resource"
            break
        seen.add(kind)
        yield replace(owner_of(account, presence), account=account)
    if beyond:
        yield World(beyond=beyond)


def owner_of(account: str, presence: str) -> World:
    """Give the world of a resource whose account is known."""
    return World(dict.fromkeys(OWNER_KEYS, Domain(presence, (account,))))


def _of_account(key: str, value: str, account: str) -> bool:
    return f":{account}:" in value if key == CALLER_ARN else value == account


def _place(arn: str, partition: str) -> str:
    """Give the partition and the Region that a pattern names; nothing for one that is met everywhere.

    Args:
        partition: the only one that comes into question; empty where several do.
    """
    parts = arn.split(":", 4)
    if len(parts) < 5:
        return ""
    place = f"{'*' if partition else parts[1]}:{parts[3] or '*'}"
    return "" if place == "*:*" else place


_homes: dict[str, tuple[tuple[str, int], ...]] = memo()


def homes(partition: str) -> tuple[tuple[str, int], ...]:
    """List the Regions in which global services have their one endpoint, with the actions of these services.

    Args:
        partition: empty for all of them.
    """
    found = _homes.get(partition)
    if found is None:
        tables = [_GLOBAL.get(partition, {})] if partition else _GLOBAL.values()
        named = joined.from_iterable(table.items() for table in tables)
        masks = ((r, catalog().expand_all(f"{service}:*" for service in names.split())) for r, names in named)
        found = _homes[partition] = tuple(masks)
    return found


_memo: dict[
    tuple[tuple[CompiledCondition, ...], frozenset[str], str, tuple[str, ...], frozenset[str], str], tuple[World, ...]
] = memo()


def _worlds(
    conditions: tuple[CompiledCondition, ...],
    mentioned: frozenset[str],
    partition: str,
    places: tuple[str, ...],
    variables: frozenset[str],
    region: str,
) -> tuple[World, ...]:
    parts: list[list[World]] = []
    if not _CHANNEL.isdisjoint(mentioned):
        parts.append(_channels(conditions, not _CHANNEL.isdisjoint(variables)))
    if not _ENDPOINT.isdisjoint(mentioned) or not _PUBLIC.isdisjoint(mentioned):
        parts.append(
            [
                World(dict.fromkeys(_ENDPOINT, NEVER)),
                World(dict.fromkeys(_PUBLIC, NEVER)),
            ]
        )
    if not REGION_KEYS.isdisjoint(mentioned):
        every = not REGION_KEYS.isdisjoint(variables)
        parts.append([_in_region(region)] if region else _regions(conditions, partition, places, every))
    out = []
    for combination in product(*parts):
        keys: dict[str, Domain] = {}
        chosen = beyond = ""
        for world in combination:
            keys.update(world.keys)
            chosen = chosen or world.region
            beyond = beyond or world.beyond
        out.append(World(keys, chosen, beyond))
    return tuple(out)


def _channels(conditions: Iterable[CompiledCondition], every: bool) -> list[World]:
    """Take one chain of services of each kind that conditions tell apart; all of them where a variable names one."""
    absent = dict.fromkeys(("aws:calledvia", "aws:calledviafirst", "aws:calledvialast"), NEVER)
    forwarded = {"aws:viaawsservice": Domain("always", ("true",))}
    out = [World({**absent, "aws:viaawsservice": Domain("always", ("false",))})]
    tests = [c for c in conditions if c.key in _CHANNEL and c.key != "aws:viaawsservice"]
    written = {v for c in tests for v in c.condition.values if "$" not in v}
    named = sorted({v.replace("*", "").replace("?", "x") for v in written} - {""})
    services = dict.fromkeys([*_SERVICES, *named])
    alike = not (every or any(c.refs for c in tests))
    some = list(services)
    if alike:
        some = [*{_chain_kind((s,), tests): s for s in reversed(some)}.values()][::-1]
    chains: dict[object, tuple[str, ...]] = {}
    for number, chain in enumerate(_all_chains(some, sum(c.key == "aws:calledvia" for c in tests), len(tests))):
        if number == MAX_CHAINS:
            out.append(World(beyond=f"more than {MAX_CHAINS} chains of services"))
            break
        chains.setdefault(_chain_kind(chain, tests) if alike else chain, chain)
    out += [World({**forwarded, **_chain(chain)}) for chain in chains.values()]
    # AWS: reference_policies_condition-keys.html, "aws:CalledVia": there only for services that support it. S5.35
    return [*out, World({**forwarded, **absent})]


def _all_chains(services: Sequence[str], between: int, tests: int) -> Iterator[tuple[str, ...]]:
    """List chains, short ones first: each test of the whole chain needs one service more at most."""
    yield from ((s,) for s in services)
    for length in range(between + 1 if tests > 1 else 0):
        for middle in combinations(services, length):
            yield from ((first, *middle, last) for first, last in product(services, repeat=2))


def _chain(services: tuple[str, ...]) -> dict[str, Domain]:
    return {
        "aws:calledvia": Domain("always", services, many=True, whole=True),
        "aws:calledviafirst": Domain("always", services[:1]),
        "aws:calledvialast": Domain("always", services[-1:]),
    }


def _chain_kind(services: tuple[str, ...], tests: Iterable[CompiledCondition]) -> tuple[bool, ...]:
    keys = _chain(services)
    return tuple(truth(Literal(c, True), keys[c.key].values or ()) for c in tests)


def _regions(
    conditions: Iterable[CompiledCondition], partition: str, places: tuple[str, ...], every: bool
) -> list[World]:
    """Take one Region of each kind that conditions and places tell apart; all of them where a variable names it."""
    tests = [c for c in conditions if c.key in REGION_KEYS]
    patterns = [glob(place) for place in places]
    out: list[World] = []
    seen: set[tuple[object, ...]] = set()
    for region in REGIONS.get(partition, ()) or joined.from_iterable(REGIONS.values()):
        kind: tuple[object, ...] = (
            *(truth(Literal(c, True), (region,)) for c in tests),
            *(p.matches(f"{partition or partition_of(region)}:{region}") for p in patterns),
        )
        if every or any(c.refs for c in tests):
            kind = (region,)
        if kind not in seen:
            seen.add(kind)
            out.append(_in_region(region))
    return out


def _in_region(region: str) -> World:
    return World(dict.fromkeys(REGION_KEYS, Domain("always", (region,))), region)


def twin_of(key: str) -> str:
    """Give the global name of a key that tells a tag of the resource: `ec2:ResourceTag/k` is `aws:ResourceTag/k`.

    Of the two that tell the time, it is `aws:CurrentTime`.
    """
    if key == EPOCH:
        return CURRENT
    _, found, tag = key.partition(":resourcetag/")
    return f"aws:resourcetag/{tag}" if found else key


def forwarding(context: Mapping[str, Value]) -> str:
    """Name the service that forwards a call, as far as its context tells; empty for a direct call (S5.29)."""
    chain = next((v for k in ("aws:calledvialast", "aws:calledvia", "aws:calledviafirst") if (v := context.get(k))), ())
    if chain:
        return f"`{chain[-1]}`"
    return "an AWS service" if context.get("aws:viaawsservice") == ("true",) else ""


@cache
def default_region(partition: str) -> str:
    """Name a Region of a partition for readable witnesses."""
    return REGIONS.get(partition, REGIONS["aws"])[0]
