"""A bare policy document; what kind of policy it is shows in its elements."""

from __future__ import annotations

from typing import Any

from rolelint.documents import Document, Place
from rolelint.errors import Problem
from rolelint.policies.document import PolicyDocument
from rolelint.policies.parse import looks_like_policy
from rolelint.policies.role import Policy, PolicyType, Reading, Role
from rolelint.readers import ReadContext
from rolelint.readers.parts import arn_account, arn_partition, parsed, stem


def recognise(document: Document) -> bool:
    """Tell whether the document is one policy."""
    return looks_like_policy(document.data)


def read(document: Document, context: ReadContext) -> Reading:
    """Read one policy; an identity policy becomes a principal of kind `policy` that holds nothing else."""
    name = stem(document.file) + (f"-{document.index + 1}" if document.index else "")
    reading = Reading()
    add_policy(reading, name, document.data, document.at(), context)
    return reading


def add_policy(
    reading: Reading,
    name: str,
    data: Any,
    place: Place,
    context: ReadContext,
    kind: PolicyType | None = None,
    arn: str = "",
    resource: str = "",
) -> None:
    """Add a lone policy to a reading: as a principal if it grants to its holder, else as a policy by itself.

    Args:
        kind: what the input says it is; by default its shape tells.
    """
    content = parsed(data, context.memo)
    if context.forced_type:
        kind = PolicyType(context.forced_type)
    elif kind is None:
        kind = kind_of(content)
    policy = Policy(kind, name, content, place, arn, resource, inline=not arn)
    if kind is not PolicyType.IDENTITY:
        reading.policies.append(policy)
        return
    for statement in content.statements:
        if statement.principals is not None:
            word = "NotPrincipal" if statement.not_principal else "Principal"
            where = place((*statement.route, word))
            reading.problems.append(
                Problem(f"an identity policy cannot have `{word}`", where, "name the type with --type", "warning")
            )
    reading.roles.append(
        Role(
            "policy",
            name,
            place.document.lazy(place.route, place.address),
            account=arn_account(arn),
            partition=arn_partition(arn),
            identity=(policy,),
        )
    )


def kind_of(document: PolicyDocument) -> PolicyType:
    """Tell what type of policy a document is from the elements that its statements have (S1.5).

    SCPs, boundaries and session policies look like identity policies and count as such unless forced. A document in
    which only some statements have a Principal is refused by AWS either way; it counts as an identity policy.
    """
    statements = document.statements
    if not statements or any(s.principals is None for s in statements):
        return PolicyType.IDENTITY
    if all(s.resources is None for s in statements):
        trust = any(_is_sts(action) for s in statements for action in s.actions)
        return PolicyType.TRUST if trust else PolicyType.RESOURCE
    if all(
        s.effect == "Deny"
        and not s.not_action
        and not s.not_principal
        and s.resources is not None
        and [p.kind for p in s.principals or ()] == ["*"]
        for s in statements
    ) and any("*" in (s.resources or ()) for s in statements):
        return PolicyType.RCP
    return PolicyType.RESOURCE


def _is_sts(action: str) -> bool:
    return action == "*" or action.lower().startswith("sts:")
