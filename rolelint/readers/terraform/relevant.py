"""Which resource types a reader of Terraform looks at."""

from __future__ import annotations

from rolelint.readers.terraform import kinds, organization, principals, resource_policies

RELEVANT = (
    principals.TYPES | resource_policies.TYPES | organization.TYPES | kinds.SIDE_GUARD_TYPES | frozenset(kinds.KINDS)
)
