"""Which resource types a reader of Terraform looks at."""

from __future__ import annotations

from rolelint.readers.terraform import kinds, principals, resource_policies

RELEVANT = (
    principals.TYPES
    | resource_policies.TYPES
    | resource_policies.ORGANIZATION_TYPES
    | kinds.SIDE_GUARD_TYPES
    | frozenset(kinds.KINDS)
)
