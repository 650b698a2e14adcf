"""How far a statement reaches into a resource type, values not known yet included."""

from __future__ import annotations

from collections.abc import Sequence

from rolelint.algebra.strings import CROSS, Pattern, glob, member
from rolelint.catalog import ResourceType, Signature, catalog
from rolelint.engine.arns import EVERYTHING, Reach, Shape, joined, reach, shape
from rolelint.engine.scene import Scene
from rolelint.engine.solve import View, marked_pattern
from rolelint.engine.worlds import partition_of
from rolelint.memory import memo
from rolelint.policies.text import split_unknown
from rolelint.records import replace

#: Formats of what AWS itself owns beside a published one. AWS: systems-manager/latest/userguide/
#: automation-setup-identity-based-policies.html: Amazon's documents are named without an account.
_OF_AWS = {
    "arn:${Partition}:ssm:${Region}:${Account}:document/${DocumentName}": (
        "arn:${Partition}:ssm:${Region}::document/${DocumentName}"
    )
}
#: The same for what only AWS can change. AWS: IAM/latest/UserGuide/access_policies_managed-vs-inline.html and
#: systems-manager/latest/userguide/parameter-store-public-parameters.html. Read 2026-11.
_ONLY_READ = {
    "arn:${Partition}:iam::${Account}:policy/${PolicyNameWithPath}": (
        "arn:${Partition}:iam::aws:policy/${PolicyNameWithPath}"
    ),
    "arn:${Partition}:ssm:${Region}:${Account}:parameter/${ParameterNameWithoutLeadingSlash}": (
        "arn:${Partition}:ssm:${Region}::parameter/${ParameterNameWithoutLeadingSlash}"
    ),
}
#: Formats of what other accounts share, for calls that make something of one's own in it.
# AWS: vpc/latest/userguide/vpc-share-limitations.html: participants launch into a subnet, only its owner changes it;
# an ARN names the owner's account. Read 2026-11.
_OTHERS = "${OtherAccount}"
_SHARED = {
    "arn:${Partition}:ec2:${Region}:${Account}:subnet/${SubnetId}": (
        f"arn:${{Partition}}:ec2:${{Region}}:{_OTHERS}:subnet/${{SubnetId}}"
    )
}
#: Documents that run whatever they are given.
_SHELLS = ("document/AWS-RunShellScript", "document/AWS-RunPowerShellScript")


def commanding() -> int:
    """Give the actions that a document and hosts are asked for, each of which another statement may allow."""
    return catalog().expand("ssm:SendCommand") | catalog().expand("ssm:CreateAssociation*")


def on_hosts() -> int:
    """Give the actions that are about hosts, whatever else they name."""
    return commanding() | catalog().expand("ssm:StartSession")


def runs_anything(option: View, kind: ResourceType) -> bool:
    """Tell whether a statement reaches a document that is no limit to what is done with it."""
    if kind.service != "ssm" or kind.name != "document" or option.exclude:
        return False
    documents = [r.split(":", 5)[5] for r in option.written if r.count(":") >= 5 and ":ssm:" in r]
    return any(glob(d).matches(shell) for d in documents for shell in _SHELLS)


_lent_memo: dict[int, ResourceType] = memo()


def used(signature: Signature) -> Sequence[ResourceType]:
    """Give the required types of a signature: where it has several, with what other accounts share of them."""
    if len(signature.required) < 2:
        return signature.required
    return [_lent(kind) for kind in signature.required]


def _lent(kind: ResourceType) -> ResourceType:
    found = _lent_memo.get(kind.id)
    if found is None:
        shared = tuple(_SHARED[f] for f in kind.formats if f in _SHARED)
        found = _lent_memo[kind.id] = replace(kind, id=~kind.id, formats=(*kind.formats, *shared)) if shared else kind
    return found


_shapes_memo: dict[tuple[int, str, str, str, bool], tuple[Shape, ...]] = memo()


def type_shapes(
    stage: Scene, kind: ResourceType, region: str = "", resource: str | None = None, account: str = ""
) -> tuple[Shape, ...]:
    """Give the ARN languages of a resource type for a role.

    A role that is assumed may belong to any account: its trust policy judges the request (S6.48).

    Args:
        resource: the only one in question, if there is one; then it may also be AWS's own.
        account: the one in question, where the role's own is not known or does not count.
    """
    account = account or ("" if kind.service == "sts" else stage.account)
    partition = stage.partition or (partition_of(region) if region else "")
    key = (kind.id, partition, account, region, bool(resource))
    found = _shapes_memo.get(key)
    if found is None:
        formats = (*kind.formats, *(_OF_AWS[f] for f in kind.formats if f in _OF_AWS))
        if resource:
            formats += tuple(_ONLY_READ[f] for f in kind.formats if f in _ONLY_READ)
        found = _shapes_memo[key] = tuple(shape(f, partition, "" if _OTHERS in f else account, region) for f in formats)
    return found


def only_read(resource: str) -> bool:
    """Tell whether a resource is AWS's own, which a customer can do no more than read."""
    return any(shape(f, "", "", "").names(resource) for f in _ONLY_READ.values())


_meeting_memo: dict[tuple[View, tuple[Shape, ...]], tuple[Pattern, ...]] = memo()


def meeting(option: View, shapes: tuple[Shape, ...]) -> tuple[Pattern, ...]:
    """Give the resource patterns of a statement that meet one of some shapes: the others cannot matter there."""
    key = (option, shapes)
    found = _meeting_memo.get(key)
    if found is None:
        triples = zip(option.texts or (), option.written, option.patterns or (), strict=True)
        found = tuple(p for t, text, p in triples if any(_meets(option, t, text, p, s) for s in shapes))
        _meeting_memo[key] = found
    return found


def _meets(option: View, marked: str, written: str, pattern: Pattern, into: Shape) -> bool:
    return _guess_meets(pattern, into) if marked in option.guesses else reach((written,), into).overlap


def _guess_meets(pattern: Pattern, into: Shape) -> bool:
    if pattern.matches(into.sample) and into.names(into.sample):
        return True
    return member([[pattern], [into.pattern]], into.outside) is not None


def pick_reach(pick: View, into: Shape) -> Reach:
    """Tell how far an Allow that a search picked reaches into a shape."""
    if pick.texts is None:
        return EVERYTHING
    if pick.within:
        inside = reach(pick.statement.within, into)
        return inside if pick.exclude else narrower(view_reach(pick, into), inside)
    if pick.exclude:
        # NotResource: broad unless it leaves nothing of the type.
        return Reach(True, False, True, False, tuple(f"not {r}" for r in pick.written))
    return view_reach(pick, into)


def view_reach(option: View, into: Shape) -> Reach:
    """Tell how far the Resource element of an Allow reaches into a shape.

    An entry that holds a value not known yet names one thing, whatever the value is, wildcards beside it aside.
    """
    if not option.guesses:
        found = reach(option.written, into)
        # Nobody is shared everything of a type.
        return (
            found._replace(whole=False, whole_region=False) if found.whole_region and _OTHERS in into.format else found
        )
    if all(text == CROSS for text in option.texts or ()):
        return _anything(option)
    hits = []
    for text, written in zip(option.texts or (), option.written, strict=True):
        if text not in option.guesses:
            hits.append(reach((written,), into))
        elif _guess_meets(marked_pattern(text), into):
            known = "".join(split_unknown(written)[::2])
            hits.append(Reach(True, False, False, not set(known) & {"*", "?"}, (written,)))
    return joined(hits)


_anything_memo: dict[View, Reach] = memo()


def _anything(option: View) -> Reach:
    """Give the reach of entries of which nothing is known: into every shape alike, one thing each."""
    found = _anything_memo.get(option)
    if found is None:
        found = _anything_memo[option] = Reach(True, False, False, True, tuple(dict.fromkeys(option.written)))
    return found


def narrower(one: Reach, other: Reach) -> Reach:
    """Join two reaches that both must hold; without a search, the narrower stands for both."""
    if one.whole:
        return other
    if other.whole:
        return one
    if not one.overlap or not other.overlap:
        return one if not one.overlap else other
    pick = one if (not one.whole_region, one.named) >= (not other.whole_region, other.named) else other
    return pick._replace(
        whole=False, whole_region=one.whole_region and other.whole_region, named=one.named or other.named
    )
