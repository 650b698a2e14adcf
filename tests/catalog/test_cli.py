"""`rolelint catalog show`, `find`, `stats` and `build`."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from rolelint.catalog import artefact, catalog, compiling

from .catalog_feed import Run, World


def test_show_prints_a_table(run: Run) -> None:
    result = run("show", "sqs:P*", "sqs:deletequeue")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["action", "level", "class", "also", "R", "B", "timing", "via", "decided"]
    assert [line.split()[0] for line in lines[1:-1]] == ["sqs:DeleteQueue", "sqs:PurgeQueue"]
    assert lines[-1] == "2 actions"


def test_show_one_action_tells_everything(run: Run) -> None:
    out = run("show", "rds:DeleteDBCluster").out
    assert "destroy-data" in out
    assert "SkipFinalSnapshot" in out
    assert "arn:${Partition}:rds:${Region}:${Account}:cluster:${DbClusterInstanceName}  (rds:cluster)" in out


def test_show_everything_as_json(run: Run) -> None:
    rows = json.loads(run("show", "*", "--format", "json").out)
    assert len(rows) == catalog().size
    assert all(row["action"] and row["class"] for row in rows)
    assert [row["action"] for row in rows] == catalog().names(catalog().full)


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("rds:DeleteDbInstances", "did you mean `rds:DeleteDBInstance`?"),
        ("rdss:DeleteDBInstance", "there is no prefix `rdss`; did you mean `rds`?"),
        ("\x1b[31m", "error"),
    ],
)
def test_show_of_nothing_is_an_error(run: Run, pattern: str, hint: str) -> None:
    result = run("show", pattern)
    assert result.code == 2
    assert "no action matches" in result.err
    assert hint in result.err or "\x1b" not in result.err


def test_find_narrows(run: Run) -> None:
    rows = json.loads(run("find", "--class", "destroy-data", "--service", "s3", "--with", "R3", "--format", "json").out)
    names = [row["action"] for row in rows]
    assert "s3:DeleteObjectVersion" in names
    assert "s3:GetObject" not in names
    assert all(row["class"] == "destroy-data" and row["reversibility"] == "R3" for row in rows)


def test_find_widens_within_one_option(run: Run) -> None:
    rows = json.loads(run("find", "--service", "sqs", "--service", "sns", "--destructive", "--format", "json").out)
    assert {row["action"].split(":")[0] for row in rows} == {"sqs", "sns"}
    assert all(row["destructive"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--class", "destroy-date"), "unknown effect class `destroy-date`. did you mean `destroy-data`?"),
        (("--service", "s4"), "unknown service `s4`"),
        (("--service", "RDS", "-f", "json"), "unknown service `RDS`. did you mean `rds`?"),
        (("--level", "Writ"), "unknown access level `Writ`. did you mean `Write`?"),
        (("--with", "R9"), "unknown attribute `R9`"),
    ],
)
def test_find_refuses_words_it_does_not_know(run: Run, arguments: tuple[str, ...], text: str) -> None:
    result = run("find", *arguments)
    assert result.code == 2
    assert text in result.err


def test_stats_counts_everything_once(run: Run) -> None:
    facts = json.loads(run("stats", "--format", "json").out)
    assert facts["actions"] == catalog().size
    assert sum(row["actions"] for row in facts["classes"].values()) == facts["actions"]
    assert sum(row["actions"] for row in facts["decided"].values()) == facts["actions"]
    assert facts["undecided_write_level"] == 0
    assert facts["managed_policies"]["policies"] > 1500
    text = run("stats").out
    assert "undecided write-level actions: 0" in text
    assert facts["sha256"] in text


def test_build_makes_what_check_accepts(world: World, run: Run) -> None:
    assert run("build", "--check", *world.folders).code == 1
    assert run("build", *world.folders).code == 0
    assert run("build", "--check", *world.folders).code == 0
    first = (world.data / "catalog.bin").read_bytes()
    run("build", *world.folders)
    assert (world.data / "catalog.bin").read_bytes() == first


def test_a_changed_label_makes_the_built_file_stale(world: World, run: Run) -> None:
    run("build", *world.folders)
    (world.labels / "sqs.yaml").write_text("service: sqs\nactions:\n  PurgeQueue: {class: none, why: read}\n")
    result = run("build", "--check", *world.folders)
    assert result.code == 1
    assert "is not current" in result.err


def test_a_mistake_in_a_label_file_stops_the_build(world: World, run: Run) -> None:
    (world.labels / "sqs.yaml").write_text("service: sqs\nactions:\n  PurgeQueue: {class: no}\n")
    result = run("build", *world.folders)
    assert result.code == 1
    assert "labels/sqs.yaml:3:" in result.err
    assert not (world.data / "catalog.bin").exists()


def test_a_damaged_source_is_an_error(world: World, run: Run) -> None:
    path = world.data / "actions.json.xz"
    path.write_bytes(path.read_bytes()[:1000])
    result = run("build", *world.folders)
    assert result.code == 2
    assert "not a catalogue source" in result.err


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        artefact.replace_file(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


def test_the_data_leaves_room_in_the_wheel() -> None:
    # A wheel compresses each file.
    sizes = {path.name: len(zlib.compress(path.read_bytes(), 9)) for path in compiling.DATA.iterdir()}
    assert set(sizes) == {"actions.json.xz", "catalog.bin", "managed.bin"}
    assert sum(sizes.values()) < 2_000_000
