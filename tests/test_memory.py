"""What is forgotten between roles changes no answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from rolelint import memory
from rolelint.catalog import Catalog, catalog, use
from rolelint.catalog.model import Label
from rolelint.engine import can, powers, witness
from rolelint.reach.inventory import inventory_of
from rolelint.reach.kinds import blows
from rolelint.records import replace
from rolelint.rulebook.selectors import worst

from .engine.building import allow, deny, role


def test_answers_are_forgotten_only_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.forget()
    kept: dict[int, int] = memory.memo()
    kept.update((n, n) for n in range(5))
    memory.trim()
    assert len(kept) == 5
    monkeypatch.setattr(memory, "MOST", 4)
    memory.trim()
    assert not kept


def test_a_question_gets_the_same_answer_after_everything_was_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    holder = role(allow("s3:*", "arn:aws:s3:::a*"), deny("*", "arn:aws:s3:::ab*"))
    before = can(holder, "s3:DeleteBucket")
    monkeypatch.setattr(memory, "MOST", 0)
    memory.trim()
    after = can(holder, "s3:DeleteBucket")
    assert (after.verdict, after.witness) == (before.verdict, before.witness)
    assert before.verdict == "yes"


def test_roles_share_a_request_but_for_who_makes_it_and_what_speaks_of_it() -> None:
    delete = "s3:DeleteBucket"
    own = deny("s3:*", Condition={"StringLike": {"aws:PrincipalArn": "*/b"}})
    held = [allow("s3:*", "arn:aws:s3:::data")]
    index = catalog().index(delete)
    assert index is not None
    said = {}
    for name, statements in {
        "a": held,
        "b": [*held, own],
        "c": [*held, own],
        "d": [*held, deny("rds:*", "*")],
        "e": [*held, deny("s3:DeleteBucket", "arn:aws:s3:::data")],
    }.items():
        holder = replace(role(*statements), name=name, arn=f"arn:aws:iam::123456789012:role/{name}")
        found = powers(holder, within=catalog().expand("s3:*"))
        answer = witness(found, index)
        said[name] = answer.witness.principal if answer.witness else answer.verdict
    assert said == {
        "a": "arn:aws:iam::123456789012:role/a",
        "b": "no",
        "c": "arn:aws:iam::123456789012:role/c",
        "d": "arn:aws:iam::123456789012:role/d",
        "e": "no",
    }


@pytest.fixture
def harmless() -> Iterator[Catalog]:
    """Make a catalogue to use in which nothing destroys a queue."""
    label = Label("none", decided="user", reason="ours are rebuilt")
    yield catalog().with_overlay({"sqs:DeleteQueue": label, "sqs:PurgeQueue": label})
    use(None)


def test_what_destroys_a_resource_follows_the_catalogue_in_use(harmless: Catalog) -> None:
    assert [catalog().names(blow.mask) for blow in blows("sqs:queue")] == [["sqs:DeleteQueue", "sqs:PurgeQueue"]]
    use(harmless)
    assert blows("sqs:queue") == ()
    use(None)
    assert blows("sqs:queue")


def test_the_worst_action_follows_the_catalogue_in_use(harmless: Catalog) -> None:
    both = catalog().expand("sqs:DeleteQueue") | catalog().expand("sqs:RemovePermission")
    assert catalog().name(worst(both)) == "sqs:DeleteQueue"
    use(harmless)
    assert catalog().name(worst(both)) == "sqs:RemovePermission"


def test_an_inventory_is_asked_again_with_another_catalogue(harmless: Catalog) -> None:
    resources = ()
    before = inventory_of(resources)
    assert inventory_of(resources) is before
    use(harmless)
    assert inventory_of(resources) is not before


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_does_not_wait_for_a_thread_that_it_has_not() -> None:
    begun, end = Event(), Event()

    @memory.alone
    def work() -> None:
        begun.set()
        end.wait()

    thread = Thread(target=work)
    thread.start()
    begun.wait()
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(5)
        end.set()
        work()
        os._exit(0)
    end.set()
    thread.join()
    assert os.waitpid(pid, 0)[1] == 0
