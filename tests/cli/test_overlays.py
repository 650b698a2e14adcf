"""Actors of the user's own, laid over ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine.building import allow, role

import rolelint.engine
from rolelint.cli import run
from rolelint.documents import parse
from rolelint.documents.shape import misfits
from rolelint.engine import actor, can
from rolelint.engine.actors import use_actors

from .files import policy, write

BOT = {
    "deploy-bot": {
        "like": "automation",
        "keys": {"aws:SourceVpce": {"presence": "always", "values": ["vpce-1"]}},
    },
    "approved-bot": {"like": "deploy-bot", "approval": "maybe"},
}


@pytest.fixture(autouse=True)
def ours() -> Iterator[None]:
    yield
    use_actors({})


@pytest.fixture
def bots(tmp_path: Path) -> str:
    return write(tmp_path, "actors.json", BOT)


def _from(endpoint: str, tmp_path: Path) -> str:
    condition = {"StringEquals": {"aws:SourceVpce": endpoint}}
    statement = {"Effect": "Allow", "Action": "dynamodb:DeleteTable", "Resource": "*", "Condition": condition}
    return write(tmp_path, "bot.json", policy(statement))


@pytest.mark.parametrize(
    ("endpoint", "who", "code"),
    [("vpce-1", "deploy-bot", 1), ("vpce-2", "deploy-bot", 0), ("vpce-2", "automation", 1), ("vpce-2", "nobody", 2)],
)
@pytest.mark.parametrize("command", ["check", "can"])
def test_an_actor_of_one_s_own_fixes_its_keys(
    tmp_path: Path, bots: str, endpoint: str, who: str, code: int, command: str
) -> None:
    more = ["--action", "dynamodb:DeleteTable"] if command == "can" else []
    assert run([command, _from(endpoint, tmp_path), "--actor", who, "--actors", bots, *more]) == code


def test_the_difference_is_asked_for_an_actor_of_one_s_own(tmp_path: Path, bots: str) -> None:
    nothing = write(tmp_path, "old.json", policy({"Effect": "Deny", "Action": "*", "Resource": "*"}))
    new = _from("vpce-2", tmp_path)
    assert run(["diff", nothing, new]) == 1
    assert run(["diff", nothing, new, "--actor", "deploy-bot", "--actors", bots]) == 0


@pytest.mark.parametrize("command", ["can", "diff"])
def test_a_second_file_of_actors_is_refused(
    tmp_path: Path, bots: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _from("vpce-1", tmp_path)
    more = ["--action", "dynamodb:DeleteTable"] if command == "can" else [file]
    assert run([command, file, *more, "--actors", bots, "--actors", bots]) == 2
    assert "`--actors` is given 2 times, and takes one value" in capsys.readouterr().err


def test_an_actor_takes_over_what_it_is_like(tmp_path: Path, bots: str) -> None:
    assert run(["check", _from("vpce-1", tmp_path), "--actors", bots]) == 1
    own, theirs = actor("deploy-bot"), actor("automation")
    assert (own.approval, own.keys["aws:multifactorauthpresent"]) == (
        theirs.approval,
        theirs.keys["aws:multifactorauthpresent"],
    )
    assert (actor("approved-bot").approval, actor("approved-bot").keys) == ("maybe", own.keys)


def test_a_report_names_the_file_of_actors(tmp_path: Path, bots: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", _from("vpce-1", tmp_path), "--actor", "deploy-bot", "--actors", bots, "--format", "json"])
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert (settings["actor"], settings["actors"]) == ("deploy-bot", bots)


_IN = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
_VIA = {"Bool": {"aws:ViaAWSService": "true"}}
_ANYWHERE = {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}
_HERE = {"aws:SourceVpce": {"presence": "always", "values": ["v"]}}


@pytest.mark.parametrize(
    ("keys", "condition", "expected"),
    [
        ({"aws:RequestedRegion": {"presence": "always", "values": ["us-east-1"]}}, _IN, "no"),
        ({"aws:RequestedRegion": {"presence": "always", "values": ["us-east-1", "eu-west-1"]}}, _IN, "yes"),
        ({"aws:RequestedRegion": {"presence": "always", "pattern": "us-*"}}, _IN, "no"),
        ({"aws:RequestedRegion": {"presence": "always", "pattern": "eu-*"}}, _IN, "yes"),
        ({"aws:ViaAWSService": {"presence": "always", "values": ["false"]}}, _VIA, "no"),
        ({"aws:ViaAWSService": {"presence": "always", "values": ["true"]}}, _VIA, "yes"),
        (_HERE, {"Null": {"aws:SourceVpce": "true"}}, "no"),
        (_HERE, _ANYWHERE, "no"),
        ({"aws:SourceVpce": {"presence": "never"}}, _ANYWHERE, "yes"),
        ({"aws:CalledVia": {"presence": "never"}}, {"Null": {"aws:CalledVia": "false"}}, "no"),
    ],
)  # fmt: skip
def test_keys_that_hang_together_are_as_the_actor_says(keys: Any, condition: Any, expected: str) -> None:
    use_actors({"me": {"keys": keys}})
    holder = role(allow("rds:DeleteDBInstance", condition=condition))
    assert can(holder, "rds:DeleteDBInstance", who=actor("me")).verdict == expected


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"x": {"like": "nobody"}}, "which is no actor. actors are automation, mcp, human, any"),
        ({"x": {"keys": {"aws:a": {"presense": "always"}}}}, "did you mean `presence`?"),
        ({"x": {"keys": {"aws:a": {"presence": "always", "values": "v"}}}}, "must be of type array"),
        ([], "must be of type object"),
        ({}, "does not fit"),
    ],
)
def test_what_is_no_actor_is_told(tmp_path: Path, data: Any, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["check", _from("vpce-1", tmp_path), "--actors", write(tmp_path, "actors.json", data)])
    err = capsys.readouterr().err
    assert (code, told in err, err.count("\n")) == (2, True, 1), err


def test_our_own_actors_fit_the_published_schema() -> None:
    folder = Path(rolelint.engine.__file__).parent
    (ours,) = parse("actors.json", (folder / "actors.json").read_bytes())
    assert misfits(ours, json.loads((folder / "actors.schema.json").read_bytes())) == []
