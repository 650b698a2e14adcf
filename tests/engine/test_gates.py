"""What a grant hangs on, by kinds of condition keys."""

from __future__ import annotations

import pytest

from rolelint.engine.gates import key_kind


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("aws:principaltag/approved", "approval"),
        ("aws:sourceidentity", "approval"),
        ("aws:principaltag/team", "principal-tag"),
        ("aws:resourcetag/approved", "resource-tag"),
        ("aws:requesttag/approved", "request-tag"),
        ("aws:tagkeys", "request-tag"),
        ("ec2:resourcetag/env", "resource-tag"),
        ("rds:cluster-tag/env", "resource-tag"),
        ("s3:existingobjecttag/env", "resource-tag"),
        ("kms:resourcealiases", "resource-tag"),
        ("aws:multifactorauthage", "mfa"),
        ("aws:viaawsservice", "channel"),
        ("aws:sourcevpce", "network"),
        ("aws:epochtime", "time"),
        ("ec2:region", "region"),
        ("aws:principalorgid", "principal"),
        ("aws:resourceorgid", "organization"),
        ("aws:sourceorgid", "source"),
        ("iam:passedtoservice", "passed-service"),
        ("iam:permissionsboundary", "boundary"),
        ("rds:databaseengine", "request"),
    ],
)
def test_the_kind_of_a_key(key: str, kind: str) -> None:
    assert key_kind(key) == kind
