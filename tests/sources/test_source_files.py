"""Files, folders and globs: what is opened, in which order, and what is said about the rest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rolelint.errors import InputError, UsageError
from rolelint.sources.files import collect, read_bytes

windows = pytest.mark.skipif(sys.platform == "win32", reason="needs links and permissions")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names: str, text: str = "{}") -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(*paths: str, exclude: tuple[str, ...] = ()) -> list[str]:
    found = collect(paths, exclude)
    assert found.problems == []
    return [source.name for source in found.files]


def test_a_walk_opens_what_may_hold_iam_content(tree: Path) -> None:
    put("d/b.json", "d/a.yaml", "d/c.YML", "d/d.tf", "d/e.template", "d/f.tf.json", "d/g.tfplan", "d/x/a.json")
    put("d/readme.md", "d/h.py", "d/i.png", "d/j.txt")
    put("d/policy", text='{"Statement": []}')
    put("d/script", text="#!/bin/sh\n")
    put("d/notes", text="hello")
    Path("d/binary").write_bytes(b"\x00\x01{")
    assert names("d") == [
        f"d/{name}" for name in "a.yaml b.json c.YML d.tf e.template f.tf.json g.tfplan policy x/a.json".split()
    ]


def test_folders_of_other_peoples_files_are_skipped(tree: Path) -> None:
    put(
        "d/a.json",
        *(f"d/{name}/x.json" for name in (".git", "node_modules", "lib/site-packages", ".terraform", ".github")),
    )
    assert names("d") == ["d/a.json", "d/.github/x.json"]


def test_the_order_does_not_depend_on_creation(tree: Path) -> None:
    put("d/z.json", "d/b/a.json", "d/a/z.json", "d/a/b.json", "d/m.json")
    assert names("d") == ["d/m.json", "d/z.json", "d/a/b.json", "d/a/z.json", "d/b/a.json"]


def test_arguments_keep_their_order_and_each_file_comes_once(tree: Path) -> None:
    put("b.json", "d/a.json")
    assert names("b.json", "d", "d/a.json", "./b.json") == ["b.json", "d/a.json"]


@windows
def test_a_link_to_a_file_is_the_same_file(tree: Path) -> None:
    put("a.json")
    os.symlink("a.json", "b.json")
    assert names(".") == ["./a.json"]


@windows
def test_a_loop_of_links_ends(tree: Path) -> None:
    put("d/a.json", "d/x/b.json")
    os.symlink("..", "d/x/up")
    os.symlink(".", "d/self")
    assert names("d") == ["d/a.json", "d/x/b.json"]


@windows
@pytest.mark.parametrize("path", [".", "**/*.json", "d/**"])
def test_folders_may_nest_deeper_than_calls(tree: Path, path: str) -> None:
    top = os.getcwd()
    for _ in range(sys.getrecursionlimit() + 100):
        os.mkdir("d")
        os.chdir("d")
    put("a.json")
    os.chdir(top)
    (name,) = names(path)
    assert name.endswith("/d/a.json")
    os.remove(name)
    os.removedirs(os.path.dirname(name))  # what clears up after tests recurses


@windows
def test_a_broken_link_is_passed_over_in_a_folder_and_told_when_named(tree: Path) -> None:
    put("d/a.json")
    os.symlink("nowhere", "d/b.json")
    assert names("d") == ["d/a.json"]
    found = collect(["d/b.json", "d/a.json"])
    assert [str(problem) for problem in found.problems] == ["d/b.json: a link that leads nowhere"]
    assert [source.name for source in found.files] == ["d/a.json"]


def test_a_path_that_does_not_exist_is_a_problem_and_the_others_are_read(tree: Path) -> None:
    put("a.json")
    found = collect(["nope.json", "a.json", "x*.json"])
    assert [f"{problem.location}: {problem.message}" for problem in found.problems] == [
        "nope.json: no such file or folder",
        "x*.json: nothing matches this pattern",
    ]
    assert [source.name for source in found.files] == ["a.json"]


IGNORED: dict[str, tuple[dict[str, str], list[str]]] = {
    "by name": ({".gitignore": "b.json\n"}, ["a.json", "x/a.json", "x/y/a.json"]),
    "by folder": ({".gitignore": "x/\n"}, ["a.json", "b.json"]),
    "anchored": ({".gitignore": "/a.json\n"}, ["b.json", "x/a.json", "x/b.json", "x/y/a.json", "x/y/b.json"]),
    "in a nested file": ({"x/.gitignore": "a.json\n"}, ["a.json", "b.json", "x/b.json", "x/y/b.json"]),
    "taken back": ({".gitignore": "*.json\n!a.json\n"}, ["a.json", "x/a.json", "x/y/a.json"]),
    "taken back in a nested file": (
        {".gitignore": "a.json\n", "x/.gitignore": "!a.json\n"},
        ["b.json", "x/a.json", "x/b.json", "x/y/a.json", "x/y/b.json"],
    ),
    "two levels": ({".gitignore": "x/*/\n"}, ["a.json", "b.json", "x/a.json", "x/b.json"]),
    "after a byte order mark": ({".gitignore": "\ufeffb.json\r\n"}, ["a.json", "x/a.json", "x/y/a.json"]),
    "by a name with a strange break": (
        {".gitignore": "a\u2028b.json\n"},
        ["a.json", "b.json", "x/a.json", "x/b.json", "x/y/a.json", "x/y/b.json"],
    ),
    "comments and blanks": ({".gitignore": "# b.json\n\nb.json  \n"}, ["a.json", "x/a.json", "x/y/a.json"]),
}


@pytest.mark.parametrize(("ignores", "expected"), IGNORED.values(), ids=IGNORED)
def test_gitignore_is_respected(tree: Path, ignores: dict[str, str], expected: list[str]) -> None:
    put("r/.git/config", text="")
    put(*(f"r/{folder}{name}" for folder in ("", "x/", "x/y/") for name in ("a.json", "b.json")))
    for name, text in ignores.items():
        put(f"r/{name}", text=text)
    assert names("r") == [f"r/{name}" for name in expected]


def test_gitignore_above_the_named_folder_counts_up_to_the_repository(tree: Path) -> None:
    put(".gitignore", text="*.json\n")
    put("r/.gitignore", text="x/b.json\n")
    put("r/.git/config", text="")
    put("r/x/a.json", "r/x/b.json")
    assert names("r/x") == ["r/x/a.json"]


def test_gitignore_above_the_named_folder_counts_in_a_worktree(tree: Path) -> None:
    put("r/.git", text="gitdir: elsewhere")
    put("r/.gitignore", text="b.json\n")
    put("r/x/a.json", "r/x/b.json")
    assert names("r/x") == ["r/x/a.json"]


@windows
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_gitignore_without_an_end_is_passed_over(tree: Path, kind: str) -> None:
    put("r/.git/config", "r/x/a.json")
    if kind == "pipe":
        os.mkfifo("r/.gitignore")
    else:
        os.symlink("/dev/zero", "r/.gitignore")
    assert names("r") == ["r/x/a.json"]
    assert names("r/x") == ["r/x/a.json"]


def test_gitignore_does_not_hide_a_file_that_is_named(tree: Path) -> None:
    put(".gitignore", text="*.json\n")
    put("a.json")
    assert names("a.json") == ["a.json"]
    assert names(".") == []


EXCLUDED: dict[str, tuple[tuple[str, ...], tuple[str, ...], list[str]]] = {
    "by name": (("d",), ("b.json",), ["d/a.json", "d/x/a.json"]),
    "by folder": (("d",), ("x/",), ["d/a.json", "d/b.json"]),
    "by path below the folder": (("d",), ("x/b.json",), ["d/a.json", "d/b.json", "d/x/a.json"]),
    "by path as named": (("d",), ("d/x/b.json",), ["d/a.json", "d/b.json", "d/x/a.json"]),
    "from the current folder": (("d",), ("./d/x",), ["d/a.json", "d/b.json"]),
    "both from the current folder": (("./d",), ("./d/x",), ["./d/a.json", "./d/b.json"]),
    "another path from the current folder": (("d",), ("./x",), ["d/a.json", "d/b.json"]),
    "several": (("d",), ("b.json", "x/"), ["d/a.json"]),
    "a named file": (("d/a.json", "d/b.json"), ("b.*",), ["d/a.json"]),
    "with stars": (("d",), ("**/x/*.json",), ["d/a.json", "d/b.json"]),
}


@pytest.mark.parametrize(("paths", "exclude", "expected"), EXCLUDED.values(), ids=EXCLUDED)
def test_exclude(tree: Path, paths: tuple[str, ...], exclude: tuple[str, ...], expected: list[str]) -> None:
    put("d/a.json", "d/b.json", "d/x/a.json", "d/x/b.json")
    assert names(*paths, exclude=exclude) == expected


@pytest.mark.parametrize("pattern", ["\\", "!", "[z-a]"])
def test_a_pattern_that_is_none(tree: Path, pattern: str) -> None:
    put("d/a.json", "d/b.json", "d/x/b.json")
    with pytest.raises(UsageError, match="is no pattern"):
        names("d", exclude=(pattern,))
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text(f"{pattern}\nb.json\n{pattern}\n")
    found = collect(["d", "d/x"])
    assert [source.name for source in found.files] == ["d/a.json"]
    (told,) = found.problems
    assert str(told) == ".gitignore:1:1: this line and 1 more are no pattern, and passed over as Git does"
    assert told.kind == "warning"


def test_a_pattern_that_would_take_for_ever(tree: Path) -> None:
    long = "d/" + "a" * 200 + ".json"
    put("d/b.json", "d/[****].json", "d/report.1.2.3.json", long)
    (tree / ".git").mkdir()
    slow = ["*a*a*a*a*a*a*a*a*a*b", "a**********b", "**/a/**/a/**/a/**/b/*"]
    good = ["#*********#", "report.[0-9]*.[0-9]*.[0-9]*.json", "[[]\\*\\*\\*\\*].json", "x/*/y/*/z/*/*.json"]
    (tree / ".gitignore").write_text("\n".join([*slow, *good]))
    found = collect(["d"])
    assert [source.name for source in found.files] == [long, "d/b.json"]
    (told,) = found.problems
    said = "this line and 2 more are too slow to match, with so many stars, and passed over"
    assert str(told) == f".gitignore:1:1: {said}"
    with pytest.raises(UsageError, match="too slow to match"):
        names("d", exclude=slow[:1])


def test_a_pattern_that_python_wonders_about(tree: Path) -> None:
    put("d/a.json", "d/xb.json")
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_bytes(b"[[x]b.json\n\xff.json\n")
    put(os.fsdecode(b"d/\xff.json"))
    assert names("d") == ["d/a.json"]


def test_quoted_globs_are_expanded(tree: Path) -> None:
    put("d/a.json", "d/b.yaml", "d/x/c.json", "d/[x].json")
    assert names("d/*.json") == ["d/[x].json", "d/a.json"]
    assert names("d/**/*.json") == ["d/[x].json", "d/a.json", "d/x/c.json"]
    assert names("d/[x].json") == ["d/[x].json"]
    assert names("**") == ["d/[x].json", "d/a.json", "d/b.yaml", "d/x/c.json"]


GLOBS: dict[str, tuple[str, list[str]]] = {
    "everything": ("**/*.json", ["a.json", "src/a.json"]),
    "one level": ("*/*.json", ["src/a.json"]),
    "folders": ("*", ["a.json", "src/a.json", "src/.h/a.json"]),
    "folders by name": ("**/src", ["src/a.json", "src/.h/a.json"]),
    "folders only": ("*/", ["src/a.json", "src/.h/a.json"]),
    "a star twice in a name": ("a**.json", ["a.json"]),
    "an ignored folder before the pattern": ("out/*.json", ["out/a.json"]),
    "an ignored folder in the pattern": ("**/out/*.json", ["out/a.json"]),
    "a folder of others before the pattern": ("node_modules/**", ["node_modules/p/a.json"]),
    "a folder of others in the pattern": (
        "**/node_modules/**/*.json",
        ["node_modules/p/a.json", "src/node_modules/a.json"],
    ),
    "a hidden folder in the pattern": ("**/.h/*.json", ["src/.h/a.json"]),
}


@pytest.mark.parametrize(("pattern", "expected"), GLOBS.values(), ids=GLOBS)
@pytest.mark.parametrize("whole", [False, True], ids=["relative", "absolute"])
def test_globs_leave_out_what_a_walk_does_unless_they_name_it(
    tree: Path, pattern: str, expected: list[str], whole: bool
) -> None:
    put(".gitignore", text="out/\nbuild\n*.tmp.json\nnode_modules\n")
    put(".git/a.json", "a.json", "b.tmp.json", "out/a.json", "build/a.json", "src/a.json", "src/.h/a.json")
    put("node_modules/p/a.json", "src/node_modules/a.json", ".terraform/m/a.json")
    if whole:
        assert names(f"{tree}/{pattern}") == [f"{tree}/{name}" for name in expected]
    else:
        assert names(pattern) == expected


@windows
def test_links_in_globs(tree: Path) -> None:
    put("z/x/a.json")
    os.symlink("z", "a")
    os.symlink("..", "z/up")
    assert names("[a]/x/*.json") == ["a/x/a.json"]
    assert names("**/z/x/*.json") == ["z/x/a.json"]
    assert names("z/*/z/x/*.json") == ["z/up/z/x/a.json"]


def test_an_ignored_folder_that_is_named_is_looked_into(tree: Path) -> None:
    put(".gitignore", text="cdk.out\n")
    put(".git/config", text="")
    put("cdk.out/a.json", "cdk.out/asset/b.json", "c.json")
    assert names("cdk.out") == ["cdk.out/a.json", "cdk.out/asset/b.json"]
    assert names("cdk.out/asset") == ["cdk.out/asset/b.json"]
    assert names(".") == ["./c.json"]


def test_standard_input_is_read_once(tree: Path) -> None:
    found = collect(["-", "-"])
    assert [(source.name, source.path) for source in found.files] == [("<stdin>", "")]


@windows
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="nothing is unreadable for root")
def test_an_unreadable_file_and_folder_are_problems(tree: Path) -> None:
    put("d/a.json", "d/x/b.json")
    os.chmod("d/a.json", 0)
    os.chmod("d/x", 0)
    try:
        with pytest.raises(InputError, match="the file may not be read"):
            read_bytes("d/a.json")
        assert [str(p) for p in collect(["d"]).problems] == ["d/x: the folder may not be read"]
    finally:
        os.chmod("d/x", 0o700)


def test_a_folder_or_missing_file_cannot_be_read(tree: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_bytes("nope.json")
    with pytest.raises(InputError, match="this is a folder"):
        read_bytes(".")


@windows
def test_a_pipe_is_read(tree: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"{}")
    os.close(writing)
    try:
        assert read_bytes(f"/dev/fd/{reading}") == b"{}"
    finally:
        os.close(reading)


def test_what_the_system_refuses_is_said_in_words(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    put("a.json")
    monkeypatch.setattr("rolelint.sources.files.open", refuse, raising=False)
    with pytest.raises(InputError) as caught:
        read_bytes("a.json")
    assert str(caught.value) == "a.json: the file may not be read"
