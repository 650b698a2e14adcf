"""The loaded catalogue: patterns, masks, signatures, condition keys, managed policies."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolelint.catalog import Catalog, Label, catalog, use
from rolelint.catalog.artefact import Artefact
from rolelint.catalog.model import ATTRIBUTES, CLASSES, DESTRUCTIVE
from rolelint.errors import InputError


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog()


def oracle(known: Catalog, pattern: str) -> list[str]:
    """Expand a pattern by a regular expression over every full name: the definition (S2).

    What is between two stars is taken where it first stands, for good: many stars would be tried in every way.
    """
    first, *rest = ("".join("." if c == "?" else re.escape(c) for c in part) for part in pattern.lower().split("*"))
    text = first + "".join(f"(?>.*?{part})" for part in rest[:-1]) + "".join(f".*{part}" for part in rest[-1:])
    matcher = re.compile(text)
    return [name for name in known.names(known.full) if matcher.fullmatch(name.lower())]


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*:*",
        "**:*",
        "s3:*",
        "S3:getobject",
        "s3:Get*",
        "s3:*Object",
        "*:Delete*",
        "ec2:?e*",
        "ec2:DescribeInstance?",
        "ec2*:*",
        "ec2-*:*",
        "?3:*",
        "iam:*AccessKey*",
        "s3:Get*Tagging*",
        "*:*a*e*i*o*u*",
        "*Bucket",
        "s3",
        "s3:",
        ":*",
        "",
        "s3:GetObject,PutObject",
        " s3:GetObject",
        "s3:GetObject ",
        "s3::GetObject",
        "s3:*:*",
        "nope:*",
        "ecs:*",
        "bedrock:*",
        "ſ3:*",
        "s3:[GP]*",
    ],
)
def test_a_pattern_covers_what_the_definition_says(known: Catalog, pattern: str) -> None:
    assert known.names(known.expand(pattern)) == oracle(known, pattern)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_pattern_made_of_a_name_covers_what_the_definition_says(data: st.DataObject) -> None:
    known = catalog()
    name = known.name(data.draw(st.integers(0, known.size - 1)))
    pieces = [data.draw(st.sampled_from([c, c, c, c.swapcase(), "?", "*", ""])) for c in name]
    pattern = "".join(pieces)
    assert known.names(known.expand(pattern)) == oracle(known, pattern)


def test_many_stars_end_in_time(known: Catalog) -> None:
    assert known.expand("*:" + "*e" * 20) == 0
    assert known.expand("*:" + "?*" * 20 + "zz") == 0


def test_colons_end_the_prefix(known: Catalog) -> None:
    assert known.expand("ec2:*") & known.service_mask("ec2-instance-connect") == 0
    assert known.expand("ec2*:*") & known.service_mask("ec2-instance-connect") != 0


def test_the_union_of_all_services_is_full(known: Catalog) -> None:
    masks = [known.service_mask(prefix) for prefix in known.prefixes()]
    assert sum(mask.bit_count() for mask in masks) == known.size
    assert known.expand_all(f"{prefix}:*" for prefix in known.prefixes()) == known.full


def test_names_are_sorted_without_case_and_found_by_index(known: Catalog) -> None:
    names = known.names(known.full)
    assert [name.lower() for name in names] == sorted(name.lower() for name in names)
    assert len({name.lower() for name in names}) == len(names) == known.size
    for i in (0, 1, known.size // 2, known.size - 1):
        assert known.index(names[i].upper()) == i
        assert known.action(i).name == known.name(i) == names[i]


@pytest.mark.parametrize("action", ["s3:*", "s3:GetObjec?", "s3:Nope", "nope:GetObject", "*", ""])
def test_what_is_not_an_action_has_no_index(known: Catalog, action: str) -> None:
    assert known.index(action) is None


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, catalog().size - 1), max_size=300))
def test_indexes_and_names_follow_the_mask(indexes: set[int]) -> None:
    known = catalog()
    mask = sum(1 << i for i in indexes)
    assert list(known.indexes(mask)) == sorted(indexes)
    assert known.names(mask) == [known.name(i) for i in sorted(indexes)]


@pytest.mark.parametrize(
    "pattern", ["rds:DeleteDBCluster", "s3:*", "*", "*:Delete*", "sts:*", "ec2:Run*"], ids=lambda p: p.replace("*", "_")
)
def test_signatures_split_a_mask(known: Catalog, pattern: str) -> None:
    mask = known.expand(pattern)
    parts = known.signatures(mask)
    total = 0
    for signature, part in parts:
        assert part
        assert total & part == 0
        total |= part
        first = part.bit_length() - 1
        assert known.action(first).signature == signature
    assert total == mask
    assert len({signature.id for signature, _ in parts}) == len(parts)


def test_few_and_many_split_alike(known: Catalog) -> None:
    few = known.expand("sqs:*")
    many = known.expand_all(["sqs:*", "s3:*", "sns:*"])
    found = {signature.id: part & few for signature, part in known.signatures(many) if part & few}
    assert found == {signature.id: part for signature, part in known.signatures(few)}


def test_an_action_without_types_has_the_empty_signature(known: Catalog) -> None:
    index = known.index("s3:ListAllMyBuckets")
    assert index is not None
    signature = known.action(index).signature
    assert (signature.id, signature.required, signature.optional) == (0, (), ())


def test_a_target_replaces_what_is_published_as_required(known: Catalog) -> None:
    index = known.index("rds:DeleteDBCluster")
    assert index is not None
    signature = known.action(index).signature
    assert [t.key for t in signature.required] == ["rds:cluster"]
    assert "rds:cluster-snapshot" in [t.key for t in signature.optional]


def test_alternatives_are_optional(known: Catalog) -> None:
    index = known.index("elasticloadbalancing:DeleteListener")
    assert index is not None
    signature = known.action(index).signature
    assert signature.required == ()
    assert {t.name for t in signature.optional} >= {"listener/app", "listener/net"}


def test_a_row_that_names_its_actions_says_all_that_they_take(known: Catalog) -> None:
    index = known.index("ssm:StartAutomationExecution")
    assert index is not None
    signature = known.action(index).signature
    assert signature.required == ()
    assert {t.name for t in signature.optional} == {"automation-definition", "document"}


def test_types_know_their_place_and_their_nature(known: Catalog) -> None:
    assert all(kind.id == i for i, kind in enumerate(known.types))
    by_key = {kind.key: kind for kind in known.types}
    assert by_key["rds:db"].stateful
    assert not by_key["ec2:vpc"].stateful
    assert by_key["ec2:snapshot"].recovery
    assert by_key["ec2:instance"].taggable


def test_formats_can_be_read_as_arns(known: Catalog) -> None:
    for kind in known.types:
        for text in kind.formats:
            fields = text.split(":", 5)
            assert len(fields) == 6, text
            assert fields[0] == "arn"
            assert "*" not in text.removesuffix(":*") or kind.key != "logs:log-group"
            assert "," not in text
            assert not text.startswith(" ")


def test_a_log_group_is_authorised_with_a_trailing_star(known: Catalog) -> None:
    kind = next(t for t in known.types if t.key == "logs:log-group")
    assert kind.formats == ("arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:*",)


def test_types_are_found_by_the_service_of_their_arn(known: Catalog) -> None:
    assert "rds:cluster" in [t.key for t in known.types_of_service("rds")]
    assert "kafka-cluster:topic" in [t.key for t in known.types_of_service("kafka")]
    assert known.types_of_service("") == ()
    assert known.types_of_service("nope") == ()


def test_the_classes_partition_the_actions(known: Catalog) -> None:
    masks = [known.class_mask(cls) for cls in (*CLASSES, "unknown")]
    assert sum(mask.bit_count() for mask in masks) == known.size
    total = 0
    for mask in masks:
        total |= mask
    assert total == known.full
    destructive = 0
    for cls in DESTRUCTIVE:
        destructive |= known.class_mask(cls)
    assert known.destructive == destructive


def test_masks_agree_with_labels(known: Catalog) -> None:
    for index in known.indexes(known.expand_all(["rds:*", "kms:*", "s3:*"])):
        label = known.action(index).label
        bit = 1 << index
        assert known.class_mask(label.cls) & bit
        assert known.also_mask(label.cls) & bit
        assert all(known.also_mask(cls) & bit for cls in label.also)
        for word in (label.reversibility, label.blast, label.timing, label.via, label.decided):
            assert known.attribute_mask(word) & bit


def test_every_attribute_is_a_mask_and_nothing_else_is(known: Catalog) -> None:
    used = [name for name in ATTRIBUTES if known.attribute_mask(name)]
    assert set(ATTRIBUTES) - set(used) <= {"user", "undecided"}
    assert known.attribute_mask("nope") == known.class_mask("nope") == known.level_mask("nope") == 0


def test_levels_are_sets(known: Catalog) -> None:
    index = known.index("sqs:TagQueue")
    assert index is not None
    assert known.action(index).levels == {"Tagging", "Write"}
    assert known.level_mask("Tagging") >> index & known.level_mask("Write") >> index & 1


@pytest.mark.parametrize(
    ("key", "kind", "carried", "not_carried"),
    [
        pytest.param("aws:sourceip", "IPAddress", "sqs:PurgeQueue", "", id="global"),
        pytest.param("aws:principaltag/team", "String", "s3:ListAllMyBuckets", "", id="global template"),
        pytest.param("aws:resourcetag/team", "String", "rds:DeleteDBInstance", "s3:ListAllMyBuckets", id="tag"),
        pytest.param(
            "s3:existingobjecttag/a/b", "String", "s3:DeleteObjectTagging", "s3:DeleteBucket", id="slash in tag"
        ),
        pytest.param("kms:encryptioncontext:a:b", "String", "kms:Decrypt", "kms:DisableKey", id="colon in template"),
        pytest.param("iam:passedtoservice", "String", "iam:PassRole", "iam:DeleteRole", id="service key"),
        pytest.param("ec2:sourceinstancearn", "ARN", "s3:GetObject", "", id="role key that is everywhere"),
        pytest.param("aws:calledvia", "ArrayOfString", "s3:GetObject", "", id="multivalued"),
        pytest.param("aws:viaawsmcpservice", "Bool", "rds:DeleteDBInstance", "", id="mcp channel"),
        pytest.param(
            "token.actions.githubusercontent.com:sub",
            "String",
            "sts:AssumeRoleWithWebIdentity",
            "sts:AssumeRole",
            id="claim",
        ),
        pytest.param(
            "oidc.eks.eu-west-1.amazonaws.com/id/ab12:aud",
            "String",
            "sts:AssumeRoleWithWebIdentity",
            "s3:GetObject",
            id="claim of any issuer",
        ),
        pytest.param(
            "cognito-identity.amazonaws.com:sub", "String", "s3:GetObject", "", id="claim kept for the session"
        ),
    ],
)
def test_condition_keys_know_who_can_carry_them(
    known: Catalog, key: str, kind: str, carried: str, not_carried: str
) -> None:
    mask = known.key_mask(key)
    assert mask is not None
    assert known.key_type(key) == kind
    assert mask & known.expand(carried)
    assert not mask & known.expand(not_carried)


@pytest.mark.parametrize(
    "action",
    ["secretsmanager:DeleteSecret", "ssm:DeleteMaintenanceWindow", "ssm:DeleteDocument", "ssm:DeleteParameter"],
)
def test_the_key_of_any_tag_is_known_in_either_spelling(known: Catalog, action: str) -> None:
    mask = known.key_mask(f"{action.partition(':')[0]}:resourcetag/team")
    assert mask is not None
    assert mask & known.expand(action)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("rds:cluster-tag/team", "rds:cluster"),
        ("dms:task-tag/a-tag/b", "dms:ReplicationTask"),
        ("rds:req-tag/team", ""),
        ("aws:requesttag/a-tag/b", ""),
        ("aws:currenttime", ""),
        ("nope:x-tag/b", ""),
    ],
)
def test_a_key_may_tell_tags_of_one_type_alone(known: Catalog, key: str, kind: str) -> None:
    assert known.key_kind(key) == kind


@pytest.mark.parametrize(
    "key", ["aws:nope", "nope:key", "aws:resourcetag/", "", "s3", "aws.example:", "iam:passedtoservices"]
)
def test_a_key_nobody_publishes_is_unknown(known: Catalog, key: str) -> None:
    assert known.key_mask(key) is None
    assert known.key_type(key) is None


def test_an_action_knows_its_own_keys(known: Catalog) -> None:
    index = known.index("iam:PassRole")
    assert index is not None
    assert "iam:PassedToService" in known.action(index).keys


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:iam::aws:policy/PowerUserAccess",
        "arn:aws-cn:iam::aws:policy/PowerUserAccess",
        "arn:aws-us-gov:iam::aws:policy/job-function/ViewOnlyAccess",
        "PowerUserAccess",
        "job-function/ViewOnlyAccess",
    ],
)
def test_managed_policies_are_found_in_every_partition(known: Catalog, name: str) -> None:
    document = known.managed_policy(name)
    assert document is not None
    assert document["Statement"]


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:iam::aws:policy/NoSuchPolicy",
        "arn:aws:iam::123456789012:policy/PowerUserAccess",
        "arn:aws:iam::aws:policy/ViewOnlyAccess",
        "arn:aws:iam::aws:policy/service-role/PowerUserAccess",
        "arn:aws:iam::aws:role/PowerUserAccess",
        "poweruseraccess",
        "",
    ],
    ids=["no such", "customer policy", "path left out", "wrong path", "not a policy", "wrong case", "empty"],
)
def test_an_unknown_managed_policy_is_not_an_empty_one(known: Catalog, name: str) -> None:
    assert known.managed_policy(name) is None


def test_all_managed_policies_can_be_read(known: Catalog) -> None:
    names = known.managed_policy_names()
    assert names == sorted(names)
    assert len(names) == known.managed_policy_header()["counts"]["policies"] > 1500
    assert all(known.managed_policy(name)["Statement"] for name in names)  # type: ignore[index]


def test_rcp_services_are_prefixes(known: Catalog) -> None:
    assert {"s3", "sts", "kms", "sqs", "secretsmanager"} <= known.rcp_services
    assert "ec2" not in known.rcp_services


def test_an_overlay_changes_label_and_masks(known: Catalog) -> None:
    label = Label("mutate", blast="B0", decided="user", reason="ours are empty")
    ours = known.with_overlay({"SQS:purgequeue": label, "nope:Nope": label})
    index = ours.index("sqs:PurgeQueue")
    assert index is not None
    assert ours.action(index).label == label
    assert not ours.destructive >> index & 1
    assert ours.attribute_mask("user") == 1 << index
    assert not ours.attribute_mask("reviewed") >> index & 1
    assert known.destructive >> index & 1
    use(ours)
    try:
        assert catalog() is ours
    finally:
        use(None)
    assert catalog() is known


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b"rolelint artefact 1\n\x00\x00\x00\x05{}{}{"], ids=["empty", "other", "bad header"]
)
def test_a_damaged_artefact_is_an_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "catalog.bin"
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a rolelint artefact"):
        Catalog(Artefact(path))


def test_a_damaged_section_is_an_error(tmp_path: Path, known: Catalog) -> None:
    path = tmp_path / "catalog.bin"
    data = bytearray((Path(sys.modules["rolelint.catalog"].__path__[0]) / "data" / "catalog.bin").read_bytes())
    data[-2000:] = bytes(2000)
    path.write_bytes(data)
    assert not _verifies(path)


def _verifies(path: Path) -> bool:
    try:
        return Artefact(path).verify()
    except InputError:
        return False


def test_importing_reads_nothing() -> None:
    code = (
        "import sys, builtins; opened = []; real = open\n"
        "import rolelint.catalog\n"
        "heavy = {'json', 'zlib', 'yaml', 'jsonschema', 'boto3', 'lzma', 'hashlib'} & set(sys.modules)\n"
        "assert not heavy - {'zlib'}, heavy\n"
        "import rolelint.catalog.loaded as loaded\n"
        "assert loaded.load.cache_info().currsize == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_patterns_are_lower_cased_only_in_ascii(known: Catalog) -> None:
    assert known.expand("\u212ams:*") == known.expand("kms:*")  # str.lower maps the Kelvin sign to k, as `decide` does
    assert set("".join(known.names(known.full))) <= set(string.ascii_letters + string.digits + ":-")
