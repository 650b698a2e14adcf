"""When a principal last used what: moto has no such API, so botocore's Stubber answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sources.aws.stubs import Stubs

from rolelint.catalog import catalog
from rolelint.policies.role import Accessed
from rolelint.reach.unused import unused_mask
from rolelint.sources.aws.accessed import last_accessed

ARN = "arn:aws:iam::123456789012:role/worker"
JOB = "12345678-1234-1234-1234-123456789012"
READ = datetime(2026, 11, 1, tzinfo=UTC)


def _answer(status: str = "COMPLETED", services: Any = (), **more: Any) -> dict[str, Any]:
    dates = {"JobCreationDate": READ, "JobCompletionDate": READ}
    return {"JobStatus": status, "ServicesLastAccessed": list(services), **dates, **more}


def _service(namespace: str, last: datetime | None = None, actions: dict[str, datetime | None] | None = None) -> Any:
    made: dict[str, Any] = {"ServiceName": namespace, "ServiceNamespace": namespace}
    if last:
        made["LastAuthenticated"] = last
    if actions:
        made["TrackedActionsLastAccessed"] = [
            {"ActionName": name, **({"LastAccessedTime": when} if when else {})} for name, when in actions.items()
        ]
    return made


def test_the_answer_is_waited_for_and_read_to_its_last_page() -> None:
    stubs = Stubs()
    stubs.answer(
        "iam", "generate_service_last_accessed_details", {"JobId": JOB}, {"Arn": ARN, "Granularity": "ACTION_LEVEL"}
    )
    ask = "get_service_last_accessed_details"
    stubs.answer("iam", ask, _answer("IN_PROGRESS"), {"JobId": JOB})
    first = _answer(services=[_service("s3", READ, {"DeleteBucket": None, "ListBucket": READ})])
    stubs.answer("iam", ask, {**first, "IsTruncated": True, "Marker": "next"}, {"JobId": JOB})
    stubs.answer("iam", ask, _answer(services=[_service("rds")]), {"JobId": JOB, "Marker": "next"})
    waited: list[float] = []
    told = last_accessed(stubs.aws, ARN, waited.append)
    assert told == {
        ARN: {
            "services": {
                "s3": {
                    "last": "2026-11-01T00:00:00+00:00",
                    "actions": {"DeleteBucket": "", "ListBucket": "2026-11-01T00:00:00+00:00"},
                },
                "rds": {"last": "", "actions": {}},
            }
        }
    }
    assert waited == [0.2]
    stubs.done()


def test_a_role_deleted_on_the_way_is_noted() -> None:
    stubs = Stubs()
    stubs.fail("iam", "generate_service_last_accessed_details", "NoSuchEntity")
    assert last_accessed(stubs.aws, ARN) == {}
    (note,) = stubs.aws.notes.listed()
    assert (note["what"], note["kind"], note["where"]) == ("iam:GenerateServiceLastAccessedDetails", "gone", [ARN])


@pytest.mark.parametrize(
    ("status", "why"), [("FAILED", "IAM's report failed"), ("IN_PROGRESS", "IAM did not finish its report in time")]
)
def test_a_report_that_never_comes_is_noted(status: str, why: str) -> None:
    stubs = Stubs()
    stubs.answer("iam", "generate_service_last_accessed_details", {"JobId": JOB})
    for _ in range(60):
        stubs.answer("iam", "get_service_last_accessed_details", _answer(status))
    assert last_accessed(stubs.aws, ARN, lambda _: None) == {}
    assert stubs.aws.notes.listed()[0]["reason"] == why


def _ago(days: float) -> str:
    return (READ - timedelta(days=days)).isoformat()


#: Services and actions with their last use, in days before the reading ("": never), and what is unused of the power.
CASES = {
    "a service that was used, its actions not tracked: nothing is said": ({"rds": 3}, {}, "rds:DeleteDBCluster", False),
    "an action that was used": ({"rds": 3}, {"rds:DeleteDBCluster": 4}, "rds:DeleteDBCluster", False),
    "a service that is not in the answer": ({"s3": ""}, {}, "rds:DeleteDBCluster", False),
    "just within the days": ({"rds": 89.9}, {}, "rds:DeleteDBCluster", False),
    "a service never used": ({"rds": ""}, {}, "rds:DeleteDBCluster", True),
    "a service used long ago": ({"rds": 91}, {}, "rds:DeleteDBCluster", True),
    "a tracked action never used": ({"rds": 3}, {"rds:deletedbcluster": ""}, "rds:DeleteDBCluster", True),
    "a tracked action used long ago": ({"rds": 3}, {"rds:DeleteDBCluster": 200}, "rds:DeleteDBCluster", True),
}


@pytest.mark.parametrize(("services", "actions", "held", "unused"), CASES.values(), ids=CASES)
def test_what_counts_as_unused(services: Any, actions: Any, held: str, unused: bool) -> None:
    def when(days: Any) -> str:
        return _ago(days) if days != "" else ""

    accessed = Accessed(
        READ.isoformat(),
        _ago(400),
        90,
        {name: when(days) for name, days in services.items()},
        {name.lower(): when(days) for name, days in actions.items()},
    )
    mask = catalog().expand(held)
    assert unused_mask(accessed, mask) == (mask if unused else 0)


@pytest.mark.parametrize("since", [_ago(30), "", "yesterday"])
def test_a_young_principal_has_unused_nothing(since: str) -> None:
    accessed = Accessed(READ.isoformat(), since, 90, {"rds": ""}, {})
    assert unused_mask(accessed, catalog().expand("rds:*")) == 0


def test_a_time_that_cannot_be_read_counts_as_use() -> None:
    accessed = Accessed(READ.isoformat(), _ago(400), 90, {"rds": "soon"}, {})
    assert unused_mask(accessed, catalog().expand("rds:*")) == 0


def test_the_report_marks_unused_power_and_says_what_would_be_left(scan: Any, there: Any, proxy: Any) -> None:
    from sources.aws.cloud import allow

    there.role("worker", allow(["rds:DeleteDBCluster", "dynamodb:DeleteTable"]))
    head = '<{0}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{0}Result>'
    generate, get = "GenerateServiceLastAccessedDetails", "GetServiceLastAccessedDetails"
    proxy.answer(
        f"iam:{generate}", head.format(generate) + f"<JobId>{JOB}</JobId></{generate}Result></{generate}Response>"
    )
    now = datetime.now(UTC).isoformat()
    members = "".join(
        f"<member><ServiceName>{n}</ServiceName><ServiceNamespace>{n}</ServiceNamespace>{last}</member>"
        for n, last in (("rds", ""), ("dynamodb", f"<LastAuthenticated>{now}</LastAuthenticated>"))
    )
    proxy.answer(
        f"iam:{get}",
        head.format(get)
        + f"<JobStatus>COMPLETED</JobStatus><JobCreationDate>{now}</JobCreationDate>"
        + f"<JobCompletionDate>{now}</JobCompletionDate><ServicesLastAccessed>{members}</ServicesLastAccessed>"
        + f"</{get}Result></{get}Response>",
    )
    young = scan("--last-accessed")
    assert next(r for r in young.report["roles"])["extra"]["unused"]["actions"] == 0

    def older(content: bytes) -> bytes:
        return re.sub(rb"(<CreateDate>|<\w+:CreateDate>)20\d\d", rb"\g<1>2019", content)

    forward = proxy._forward
    proxy._forward = lambda handler, body: (lambda s, k, c: (s, k, older(c)))(*forward(handler, body))
    try:
        ran = scan("--last-accessed")
        text = scan("--last-accessed", json_report=False)
    finally:
        del proxy._forward
    (role,) = ran.report["roles"]
    assert role["extra"]["unused"]["names"] == ["rds:DeleteDBCluster"]
    assert role["extra"]["unused"]["left"] == {"destroy-data": 1}
    marked = [f for f in ran.report["findings"] if "unused" in f.get("extra", {})]
    assert marked
    assert any("used in the last 90 days" in f["message"] for f in marked)
    assert "unused for 90 days: 1 of 2 destructive permissions, held by 1 role" in text.out
    assert "without them 0 of these roles could destroy nothing, 1 still could" in text.out


def test_a_page_that_comes_again_and_again_is_not_seen() -> None:
    stubs = Stubs()
    stubs.answer("iam", "generate_service_last_accessed_details", {"JobId": JOB})
    for _ in range(2):
        stubs.answer("iam", "get_service_last_accessed_details", _answer(IsTruncated=True, Marker="same"))
    assert last_accessed(stubs.aws, ARN) == {}
    assert [note["reason"] for note in stubs.aws.notes.listed()] == ["the same page came twice"]
