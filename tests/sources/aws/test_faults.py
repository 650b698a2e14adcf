"""Failures are part of the answer: the rest is reported, and what was not seen is listed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sources.aws.cloud import Account, allow, fill
from sources.aws.proxy import Proxy

from rolelint.sources.aws.answers import WholeAnswers
from rolelint.sources.aws.caller import Notes


@pytest.fixture
def small(there: Account) -> Account:
    """An account with one role that can destroy and one of each thing that the scan lists."""
    there.role("destroyer", allow("rds:Delete*"))
    there.client("s3").create_bucket(Bucket=f"bucket-{there.id}")
    there.client("kms").create_key()
    there.client("sqs").create_queue(QueueName="queue")
    there.client("sns").create_topic(Name="topic")
    there.client("secretsmanager").create_secret(Name="secret", SecretString="x")
    there.client("ecr").create_repository(repositoryName="images")
    return there


#: A call to be denied, and the action that the answer must then name.
DENIED = {
    "iam:ListAccountAliases": "iam:ListAccountAliases",
    "iam:ListInstanceProfiles": "iam:ListInstanceProfiles",
    "iam:ListOpenIDConnectProviders": "iam:ListOpenIDConnectProviders",
    "iam:ListSAMLProviders": "iam:ListSAMLProviders",
    "organizations:DescribeOrganization": "organizations:DescribeOrganization",
    "sso:ListInstances": "sso:ListInstances",
    "kms:ListKeys": "kms:ListKeys",
    "kms:DescribeKey": "kms:DescribeKey",
    "kms:GetKeyPolicy": "kms:GetKeyPolicy",
    r"s3:GET /\?max-buckets=\d+": "s3:ListAllMyBuckets",
    r"s3:GET /bucket-\d+\?policy": "s3:GetBucketPolicy",
    "lambda:GET /2015-03-31/functions/?": "lambda:ListFunctions",
    "sqs:ListQueues": "sqs:ListQueues",
    "sqs:GetQueueAttributes": "sqs:GetQueueAttributes",
    "sns:ListTopics": "sns:ListTopics",
    "sns:GetTopicAttributes": "sns:GetTopicAttributes",
    "secretsmanager:ListSecrets": "secretsmanager:ListSecrets",
    "secretsmanager:GetResourcePolicy": "secretsmanager:GetResourcePolicy",
    "ecr:DescribeRepositories": "ecr:DescribeRepositories",
    "ecr:GetRepositoryPolicy": "ecr:GetRepositoryPolicy",
    "backup:GET /backup-vaults/?": "backup:ListBackupVaults",
}


def test_each_denied_call_is_named_and_the_rest_is_reported(scan: Any, small: Account, proxy: Proxy) -> None:
    """All at once: no failure hides another, nor the role."""
    everything = scan()
    assert everything.unknown() == []
    asked = set(proxy.names())
    hidden = {"kms:DescribeKey", "kms:GetKeyPolicy", r"s3:GET /bucket-\d+\?policy", "sqs:GetQueueAttributes"}
    hidden |= {"sns:GetTopicAttributes", "secretsmanager:GetResourcePolicy", "ecr:GetRepositoryPolicy"}
    for round_ in (set(DENIED) - hidden, hidden - {"kms:GetKeyPolicy"}, {"kms:GetKeyPolicy"}):
        proxy.faults.clear()
        for pattern in round_:
            assert any(re.fullmatch(pattern, name) for name in asked), pattern
            proxy.fail(pattern, "deny")
        ran = scan()
        assert ran.code == 1
        assert ("destroyer", "RL201") in ran.rules()
        told = "\n".join(ran.unknown())
        for pattern in round_:
            assert f"`{DENIED[pattern]}`" in told
            assert "access denied" in told


def test_a_denied_call_alone_is_exit_4(scan: Any, there: Account, proxy: Proxy) -> None:
    there.role("reader", allow("s3:GetObject"))
    assert scan("--fail-on", "low").code == 0
    proxy.fail("iam:ListSAMLProviders", "deny")
    ran = scan("--fail-on", "low")
    assert ran.code == 4
    assert scan("--fail-on", "low", "--allow-unknown").code == 0


def test_without_the_details_it_is_4_and_not_nothing_to_check(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.fail("iam:GetAccountAuthorizationDetails", "deny")
    ran = scan()
    assert ran.code == 4
    assert "`iam:GetAccountAuthorizationDetails` was not seen" in "\n".join(ran.unknown())


def test_a_throttled_call_is_tried_again(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.fail("iam:GetAccountAuthorizationDetails", "throttle", times=1)
    proxy.fail("sns:ListTopics", "throttle", times=1)
    ran = scan()
    assert ran.unknown() == []
    assert ("destroyer", "RL201") in ran.rules()


def test_what_stays_throttled_is_said(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.fail("sns:ListTopics", "throttle")
    told = scan().unknown()
    assert len(told) == 1
    assert "`sns:ListTopics` in `us-east-1` was not seen: throttled, also after waiting" in told[0]


@pytest.mark.parametrize("kind", ["cut", "half"])
def test_a_connection_that_drops_once_costs_nothing(scan: Any, small: Account, proxy: Proxy, kind: str) -> None:
    proxy.fail("iam:GetAccountAuthorizationDetails", kind, times=1)
    proxy.fail("ecr:DescribeRepositories", kind, times=1)
    ran = scan()
    assert ran.unknown() == []
    assert ("destroyer", "RL201") in ran.rules()


@pytest.mark.parametrize("kind", ["cut", "half"])
def test_a_connection_that_keeps_dropping_is_said(scan: Any, small: Account, proxy: Proxy, kind: str) -> None:
    proxy.fail("ecr:DescribeRepositories", kind)
    ran = scan()
    assert ("destroyer", "RL201") in ran.rules()
    assert [t for t in ran.unknown() if "`ecr:DescribeRepositories`" in t and "the connection failed" in t]


def test_pages_before_a_failure_count(scan: Any, there: Account, proxy: Proxy) -> None:
    fill(there, roles=12)
    proxy.page_size = 4
    proxy.fail("iam:GetAccountAuthorizationDetails", "deny", after=2)
    ran = scan()
    assert 0 < ran.report["summary"]["roles"] < 13
    assert "after page 2" in "\n".join(ran.unknown())


def test_credentials_that_expire_on_the_way(scan: Any, small: Account, proxy: Proxy) -> None:
    """What was read before is judged; everything that was not asked any more is listed; nothing more is asked."""
    proxy.fail("kms:ListKeys", "expired")
    ran = scan("--concurrency", "1")
    assert ran.code == 1
    assert ("destroyer", "RL201") in ran.rules()
    told = "\n".join(ran.unknown())
    for action in ("kms:ListKeys", "sns:ListTopics", "ecr:DescribeRepositories", "backup:ListBackupVaults"):
        assert f"`{action}`" in told
    assert "the credentials expired" in told
    assert "sns:ListTopics" not in proxy.names()


def test_credentials_that_are_expired_at_the_start(scan: Any, proxy: Proxy) -> None:
    proxy.fail("sts:GetCallerIdentity", "expired")
    ran = scan()
    assert ran.code == 2
    assert "the account could not be read: the credentials expired" in ran.err


def test_a_region_that_is_switched_off(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.fail(".*", "invalid", region="ap-east-1")
    ran = scan(regions=("us-east-1", "ap-east-1"))
    assert ("destroyer", "RL201") in ran.rules()
    told = ran.unknown()
    assert told
    assert all("in `ap-east-1` was not seen: the Region is switched off" in text for text in told)


def test_every_region_that_is_switched_on_is_looked_at(scan: Any, there: Account, proxy: Proxy) -> None:
    there.role("reader", allow("s3:GetObject"))
    items = "".join(f"<item><regionName>{r}</regionName></item>" for r in ("eu-west-1", "us-east-1"))
    proxy.answer(
        "ec2:DescribeRegions", f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
    )
    scan(regions=())
    assert {call.region for call in proxy.calls if call.service == "kms"} == {"us-east-1", "eu-west-1"}


def test_an_answer_that_is_none_of_aws(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.answer("sns:ListTopics", "<html>please sign in")
    ran = scan()
    assert ("destroyer", "RL201") in ran.rules()
    assert any("`sns:ListTopics`" in told and "not one of AWS" in told for told in ran.unknown())


def test_regions_that_cannot_be_listed(scan: Any, there: Account, proxy: Proxy) -> None:
    there.role("reader", allow("s3:GetObject"))
    proxy.fail("ec2:DescribeRegions", "deny", code="UnauthorizedOperation")
    ran = scan(regions=())
    assert {call.region for call in proxy.calls if call.service == "kms"} == {"us-east-1"}
    assert "which Regions are switched on" in "\n".join(ran.unknown())


def test_a_thing_deleted_between_two_calls(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.fail("kms:DescribeKey", "gone", code="NotFoundException")
    ran = scan()
    assert ("destroyer", "RL201") in ran.rules()
    assert "it was gone when it was asked for" in "\n".join(ran.unknown())


def test_the_same_failure_many_times_is_one_line(scan: Any, there: Account, proxy: Proxy) -> None:
    there.role("reader", allow("s3:GetObject"))
    for number in range(20):
        there.client("sqs").create_queue(QueueName=f"queue-{number}")
    proxy.fail("sqs:GetQueueAttributes", "deny")
    told = scan().unknown()
    assert len(told) == 1
    assert "for 20 resources" in told[0]


def test_credentials_come_out_nowhere(there: Account, proxy: Proxy, tmp_path: Path) -> None:
    """Not in the report, the dump, the messages or a traceback, whatever AWS quotes in its errors."""
    there.role("destroyer", allow("rds:Delete*"))
    there.client("kms").create_key()
    for pattern, kind in (("kms:.*", "deny"), ("sns:ListTopics", "expired"), ("iam:ListSAMLProviders", "deny")):
        proxy.fail(pattern, kind)
    proxy.fail("organizations:.*", "deny", code=f"Odd{there.key}")
    for format_name in ("text", "json", "sarif"):
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "rolelint", "scan", "--endpoint-url", proxy.url, "--region", "us-east-1"),
                *("--verbose", "--dump", str(tmp_path / "dump.json"), "--format", format_name),
            ],
            env={**there.environment(), "AWS_MAX_ATTEMPTS": "1", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 1, ran.stderr
        shown = ran.stdout + ran.stderr + (tmp_path / "dump.json").read_text()
        assert "access denied" in shown
        for secret in (there.key, there.secret, there.token):
            assert secret not in shown
    assert json.loads((tmp_path / "dump.json").read_text())["Rolelint"]["not_seen"]


#: Runs rolelint with Ctrl-C in force, also where the tests run in the background.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from rolelint.cli import main; main(sys.argv[1:])"
)


@pytest.mark.parametrize("kind", ["wait", "throttle"])
def test_an_interrupted_scan_ends_at_once(small: Account, proxy: Proxy, tmp_path: Path, kind: str) -> None:
    """Nobody waits for an answer, or for the moment to ask again."""
    proxy.fail("sqs:ListQueues", kind, seconds=20)
    started = subprocess.Popen(
        [
            *(sys.executable, "-c", START, "scan", "--endpoint-url", proxy.url, "--region", "us-east-1"),
            *("--dump", str(tmp_path / "dump.json"), "--output", str(tmp_path / "report.txt")),
        ],
        env={**os.environ, **small.environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(200):
        if proxy.names().count("sqs:ListQueues") > (0 if kind == "wait" else 4):
            break
        time.sleep(0.05)
    began = time.monotonic()
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=60)
    assert (started.returncode, told.strip()) == (130, "rolelint: interrupted")
    assert time.monotonic() - began < 5
    assert list(tmp_path.iterdir()) == []


PAGE = "<!DOCTYPE html><html><body>please sign in to the network</body></html>"
#: Operations, one of each protocol, and the action that the answer must then name.
FOREIGN = {
    "JSON": ("kms:ListKeys", "kms:ListKeys"),
    "REST and JSON": ("lambda:GET /2015-03-31/functions/", "lambda:ListFunctions"),
    "query": ("sns:ListTopics", "sns:ListTopics"),
    "EC2": ("ec2:DescribeVolumes", "ec2:DescribeVolumes"),
    "REST and XML": ("s3:GET /?max-buckets=1000", "s3:ListAllMyBuckets"),
}


@pytest.mark.parametrize(("name", "action"), FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("text", [PAGE, "oops", "<x/"], ids=["a page", "words", "half a tag"])
def test_an_answer_of_another_is_not_seen_and_no_empty_list(
    scan: Any, small: Account, proxy: Proxy, name: str, action: str, text: str
) -> None:
    proxy.answer(name, text)
    proxy.answer(name.rstrip("/"), text)
    ran = scan("--inventory")
    assert ("destroyer", "RL201") in ran.rules()
    assert [told for told in ran.unknown() if f"`{action}`" in told], ran.unknown()


#: What networks and proxies say in AWS's place: status and text.
INSTEAD = {
    "a redirect": (302, ""),
    "a redirect with a page": (302, PAGE),
    "a page of a proxy": (403, PAGE),
    "a proxy that wants a password": (407, ""),
    "a network that wants a sign-in": (511, PAGE),
    "JSON of another": (200, '{"error": "login"}'),
    "JSON without anything": (200, "{}"),
    "JSON of another with a status": (401, '{"error": "login"}'),
    "XML of another": (200, "<foo/>"),
    "XML of another with a status": (403, "<foo><bar/></foo>"),
    "an encoding that nobody reads": (200, '<?xml version="1.0" encoding="none"?><foo/>'),
}


@pytest.mark.parametrize(("status", "text"), INSTEAD.values(), ids=INSTEAD)
def test_what_another_says_in_aws_s_place_is_tried_again_and_named(
    scan: Any, small: Account, proxy: Proxy, tmp_path: Path, status: int, text: str
) -> None:
    """As a connection that failed, which may hold another time: it is neither a refusal by AWS nor an empty list."""
    for name, _ in FOREIGN.values():
        proxy.answer(name, text, status)
        proxy.answer(name.rstrip("/"), text, status)
    dump = tmp_path / "dump.json"
    ran = scan("--inventory", "--dump", str(dump))
    assert ("destroyer", "RL201") in ran.rules()
    kinds = {note["what"]: note["kind"] for note in json.loads(dump.read_text())["Rolelint"]["not_seen"]}
    assert kinds == {action: "connection" for _, action in FOREIGN.values()}
    assert all(proxy.names().count(name) > 1 for name in ("kms:ListKeys", "sns:ListTopics", "ec2:DescribeVolumes"))


def _model(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


#: Answers that AWS may give: service, operation, status, headers, text.
LEGAL: dict[str, tuple[str, str, int, dict[str, str], str]] = {
    "an empty list left out": ("kms", "ListKeys", 200, {"x-amzn-RequestId": "1"}, "{}"),
    "one member of several": ("kms", "ListKeys", 200, {}, '{"Truncated": false}'),
    "a member that is new": ("kms", "ListKeys", 200, {}, '{"Keys": [], "New": 1}'),
    "the type of an answer": ("organizations", "ListRoots", 200, {}, '{"__type": "x#ListRootsResponse"}'),
    "members with other names": ("eks", "ListClusters", 200, {}, '{"clusters": []}'),
    "nothing in a list": ("ec2", "DescribeRegions", 200, {}, "<DescribeRegionsResponse/>"),
    "a namespace": ("s3", "GetBucketVersioning", 200, {}, '<V xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'),
    "no namespace": ("s3", "ListBuckets", 200, {}, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"),
    "a member as the root": ("s3", "GetBucketLocation", 200, {}, "<LocationConstraint/>"),
    "the body is one member": ("s3", "GetObjectLockConfiguration", 200, {}, "<ObjectLockConfiguration/>"),
    "a policy": ("s3", "GetBucketPolicy", 200, {}, '{"Version": "2012-10-17", "Statement": []}'),
    "an error as JSON": ("kms", "ListKeys", 400, {}, '{"__type": "AccessDeniedException"}'),
    "an error named by a header": ("lambda", "ListFunctions", 403, {"x-amzn-ErrorType": "x"}, '{"Message": "no"}'),
    "an error as XML": ("iam", "GetRole", 404, {}, "<ErrorResponse><Error/></ErrorResponse>"),
    "an error of EC2": ("ec2", "DescribeRegions", 403, {}, "<Response><Errors/></Response>"),
    "a redirect of S3": ("s3", "ListBuckets", 301, {}, "<Error><Code>PermanentRedirect</Code></Error>"),
    "an error without a text": ("kms", "ListKeys", 403, {"x-amzn-RequestId": "1"}, ""),
    "a server that is overloaded": ("kms", "ListKeys", 503, {}, PAGE),
}


class _Old:
    """A service model of botocore before 1.39, which does not choose among protocols."""

    def __init__(self, model: Any) -> None:
        self.metadata, self.operation_model = model.metadata, model.operation_model


@pytest.mark.parametrize("age", [lambda model: model, _Old], ids=["new", "old"])
@pytest.mark.parametrize(("service", "operation", "status", "headers", "text"), LEGAL.values(), ids=LEGAL)
def test_what_aws_may_say_is_no_other_s(
    service: str, operation: str, status: int, headers: dict[str, str], text: str, age: Any
) -> None:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.compat import HTTPHeaders

    request = AWSPreparedRequest("POST", "https://x", {}, b"", False)
    answer = AWSResponse("https://x", status, HTTPHeaders.from_dict(headers), None)
    answer._content = text.encode()
    answers = WholeAnswers(SimpleNamespace(send=lambda _: answer), age(_model(service)))
    answers.mark(request, f"before-send.{service}.{operation}")
    assert answers.send(request) is answer


def test_xml_without_what_botocore_looks_for(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.answer("sns:ListTopics", "<x/>")
    assert [told for told in scan().unknown() if "`sns:ListTopics`" in told and "not one of AWS" in told]


def test_an_answer_without_what_it_must_hold_costs_its_part_alone(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.answer("kms:DescribeKey", '{"KeyMetadata": {"KeyId": "1"}}')
    ran = scan()
    assert ("destroyer", "RL201") in ran.rules()
    assert [told for told in ran.unknown() if "policies of keys in us-east-1" in told and "KeyError" in told]


#: Answers of AWS without what they must hold: operation, text, and what is then told.
EMPTY = {
    "a profile whose role has no ARN": (
        "iam:ListInstanceProfiles",
        "<ListInstanceProfilesResponse><ListInstanceProfilesResult><InstanceProfiles><member><Roles><member/></Roles>"
        "</member></InstanceProfiles></ListInstanceProfilesResult></ListInstanceProfilesResponse>",
        "`instance profiles` was not seen: an answer could not be understood (KeyError)",
    ),
    "a Region without a name": (
        "ec2:DescribeRegions",
        "<DescribeRegionsResponse><regionInfo><item/></regionInfo></DescribeRegionsResponse>",
        "`list of Regions` was not seen: an answer could not be understood (KeyError)",
    ),
    "an Organization without an id": (
        "organizations:DescribeOrganization",
        '{"Organization": {}}',
        "SCPs: what AWS says of the organization could not be understood",
    ),
}


@pytest.mark.parametrize(("name", "text", "told"), EMPTY.values(), ids=EMPTY)
def test_an_answer_without_what_it_must_hold_ends_no_scan(
    scan: Any, small: Account, proxy: Proxy, name: str, text: str, told: str
) -> None:
    proxy.answer(name, text)
    ran = scan(regions=())
    assert ("destroyer", "RL201") in ran.rules()
    assert any(told in item for item in ran.unknown()), ran.unknown()


def test_an_account_without_a_number_cannot_be_read(scan: Any, small: Account, proxy: Proxy) -> None:
    empty = "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
    proxy.answer("sts:GetCallerIdentity", empty)
    ran = scan()
    assert ran.code == 2
    assert "the account could not be read: an answer could not be understood (KeyError)" in ran.err


def test_a_redacted_error_quotes_nobody(scan: Any, there: Account, proxy: Proxy) -> None:
    quoting = f"<Code>AccessDenied</Code><Message>User: arn:aws:iam::{there.id}:user/zanzibar may not</Message>"
    proxy.fail("sts:GetCallerIdentity", "deny", code=f"AccessDenied</Code><Message>: {there.id}</Message><Code>x")
    proxy.answer("sts:GetCallerIdentity", f"<ErrorResponse><Error>{quoting}</Error></ErrorResponse>")
    ran = scan("--redact")
    assert ran.code == 2
    assert there.id not in ran.err


def test_notes_say_the_same_in_whatever_order_calls_fail() -> None:
    failures = [("b", "no to b"), ("a", "no to a"), ("c", "no to c"), ("a", "not to a")]
    told = []
    for order in (failures, failures[::-1]):
        notes = Notes()
        for where, reason in order:
            notes.add("s3:GetBucketLocation", "denied", reason, where=where)
        told.append(notes.listed())
    assert told[0] == told[1]
    assert told[0] == [
        {"what": "s3:GetBucketLocation", "kind": "denied", "reason": "no to a", "where": ["a", "b", "c"]}
    ]


def test_a_list_that_never_ends_is_no_broken_connection(scan: Any, small: Account, proxy: Proxy) -> None:
    proxy.answer("kms:ListKeys", '{"Keys": [], "Truncated": true, "NextMarker": "same"}')
    (told,) = scan().unknown()
    assert "`kms:ListKeys` in `us-east-1` after page 2 was not seen: the call failed: " in told
    assert "the same next token" in told.lower()


@pytest.mark.parametrize("option", ["--dump", "--output"])
def test_a_file_that_cannot_be_written_is_told_before_the_account_is_read(
    scan: Any, there: Account, proxy: Proxy, tmp_path: Path, option: str
) -> None:
    for path, why in ((tmp_path / "none" / "file", "no such file or directory"), (tmp_path, "is a directory")):
        ran = scan(option, str(path), json_report=False)
        assert ran.code == 2
        assert f"cannot write `{path}`: {why}" in ran.err
    assert proxy.names() == []
    assert list(tmp_path.iterdir()) == []


def test_what_signs_in_to_an_endpoint_is_not_shown(scan: Any, there: Account) -> None:
    ran = scan.command("scan", "--endpoint-url", "http://user:password@127.0.0.1:9", "--region", "us-east-1")
    assert ran.code == 2
    assert "http://****@127.0.0.1:9/" in ran.err
    assert "password" not in ran.err
