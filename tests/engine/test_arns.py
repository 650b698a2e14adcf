"""How far resource patterns reach into a resource type, and what names one thing."""

from __future__ import annotations

from itertools import product

import pytest

from rolelint.engine.arns import is_named, reach, shape
from rolelint.engine.extent import narrower

_FORMATS = {
    "bucket": "arn:${Partition}:s3:::${BucketName}",
    "object": "arn:${Partition}:s3:::${BucketName}/${ObjectName}",
    "db": "arn:${Partition}:rds:${Region}:${Account}:db:${DbInstanceName}",
    "table": "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}",
    "role": "arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}",
    "image": "arn:${Partition}:ec2:${Region}::image/${ImageId}",
}


@pytest.mark.parametrize(
    ("kind", "pattern", "expected"),
    [
        ("bucket", "arn:aws:s3:::b/*", "nothing"),
        ("bucket", "arn:aws:s3:::*/*", "nothing"),
        ("bucket", "arn:aws-cn:s3:::*", "nothing"),
        ("bucket", "arn:aws:s3:::", "nothing"),
        ("object", "arn:aws:s3:::b", "nothing"),
        ("db", "arn:aws:rds:*:999999999999:db:*", "nothing"),
        ("db", "arn:aws:rds:*:123456789012:cluster:*", "nothing"),
        ("db", "arn:aws:rds:*:db:x", "nothing"),
        ("table", "arn:aws:dynamodb:*:*:table/x/index/*", "nothing"),
        ("image", "arn:aws:ec2:*:123456789012:image/*", "nothing"),
        ("bucket", "*", "whole"),
        ("bucket", "arn:aws:s3:::*", "whole"),
        ("object", "arn:aws:s3:::*", "whole"),
        ("object", "arn:aws:s3:::*/*", "whole"),
        ("object", "arn:aws:s3", "whole"),
        ("db", "arn:aws:rds:*:*:*", "whole"),
        ("db", "arn:*:rds:*:123456789012:db:*", "whole"),
        ("image", "arn:aws:ec2:*::image/*", "whole"),
        ("db", "arn:aws:rds:us-east-1:123456789012:db:*", "region"),
        ("db", "arn:aws:rds:us-*:123456789012:d*", "region"),
        ("db", "arn:aws:rds:*:123456789012:db:prod*", "part"),
        ("object", "arn:aws:s3:::b/*", "part"),
        ("bucket", "arn:aws:s3:::b*", "part"),
        ("table", "arn:aws:dynamodb:*:*:table/?", "part"),
        ("db", "arn:aws:rds:us-east-1:123456789012:db:orders", "named"),
        ("bucket", "arn:aws:s3:::b", "named"),
        ("role", "arn:aws:iam::123456789012:role/ci/deploy", "named"),
    ],
)
def test_how_far_a_pattern_reaches(kind: str, pattern: str, expected: str) -> None:
    found = reach((pattern,), shape(_FORMATS[kind], "aws", "123456789012", ""))
    if not found.overlap:
        assert expected == "nothing"
        return
    said = "whole" if found.whole else "region" if found.whole_region else "named" if found.named else "part"
    assert said == expected


def test_two_reaches_that_both_must_hold_are_the_narrower() -> None:
    db = shape(_FORMATS["db"], "aws", "123456789012", "")
    patterns = {
        "whole": "*:123456789012:db:*",
        "region": "us-east-1:123456789012:db:*",
        "part": "*:123456789012:db:prod-*",
        "named": "us-east-1:123456789012:db:orders",
        "nothing": "*:123456789012:cluster:*",
    }
    found = {name: reach((f"arn:aws:rds:{tail}",), db) for name, tail in patterns.items()}
    order = list(patterns)
    for one, other in product(order, order):
        joint = narrower(found[one], found[other])
        wanted = found[max(one, other, key=order.index)]
        assert (joint.overlap, joint.whole_region, joint.named) == (wanted.overlap, wanted.whole_region, wanted.named)
        assert joint.whole is (one == other == "whole")
        assert joint.patterns == wanted.patterns


def test_several_patterns_reach_as_far_as_the_widest() -> None:
    into = shape(_FORMATS["db"], "aws", "123456789012", "")
    found = reach(("arn:aws:rds:*:*:db:a", "arn:aws:s3:::x", "arn:aws:rds:*:*:db:b*"), into)
    assert (found.whole, found.named) == (False, False)
    assert found.patterns == ("arn:aws:rds:*:*:db:a", "arn:aws:rds:*:*:db:b*")


def test_a_format_names_what_it_could_be_called() -> None:
    bucket = shape(_FORMATS["bucket"], "aws", "", "")
    assert bucket.names("arn:aws:s3:::b")
    assert not bucket.names("arn:aws:s3:::b/key")
    assert shape(_FORMATS["role"], "aws", "", "").names("arn:aws:iam::123456789012:role/a/b")


@pytest.mark.parametrize(
    ("pattern", "kind", "expected"),
    [
        ("arn:aws:s3:::b/*", "object", False),
        ("arn:aws:rds:*:*:db:a*", "db", False),
        ("arn:aws:rds", "db", False),
        ("arn:aws:rds:*:*:db:a", "db", True),
        ("arn:aws:s3:::b", "bucket", True),
    ],
)
def test_what_names_one_thing(pattern: str, kind: str, expected: bool) -> None:
    assert is_named(pattern, _FORMATS[kind]) is expected


@pytest.mark.parametrize("tail", ["-*", "-??????"])
def test_a_secret_is_named_without_its_random_suffix(tail: str) -> None:
    into = "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:${SecretId}"
    assert is_named(f"arn:aws:secretsmanager:us-east-1:123456789012:secret:db{tail}", into)
