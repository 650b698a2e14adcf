"""Importing parliament: without pkg_resources, without parliament, and leaving nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from rolelint.grammar.audit import Auditor
from rolelint.grammar.library import parliament

#: Makes an import of the module fail as if it were not installed, or as an old setuptools fails on Python 3.12.
HIDE = """
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise {error}
        return None

sys.meta_path.insert(0, Hide())
"""
CHECK = """
from rolelint.cli import run
code = run(["check", "p.json", "--grammar", "--color", "never"])
"""
BUCKET = (
    '{"Version": "2012-10-17", "Statement": [\n'
    '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}]}'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.json").write_text(BUCKET)
    return tmp_path


def python(code: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(folder)}
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param("ModuleNotFoundError('no pkg_resources')", id="missing"),
        pytest.param("AttributeError('ImpImporter')", id="of an old setuptools"),
    ],
)
def test_without_pkg_resources(error: str, folder: Path) -> None:
    after = (
        "import parliament\n"
        "assert 'pkg_resources' not in sys.modules\n"
        "assert len(parliament.iam_definition) > 300\n"
        "sys.exit(code)"
    )
    done = python(HIDE.format(name="pkg_resources", error=error) + CHECK + after, folder, "-W", "error")
    assert done.stderr == ""
    assert "PL-RESOURCE-MISMATCH resource-mismatch" in done.stdout
    assert done.returncode == 0


def test_a_module_of_that_name_that_was_hidden_stays_hidden(folder: Path) -> None:
    hide = "import sys\nsys.modules['pkg_resources'] = None\n"
    after = "assert sys.modules['pkg_resources'] is None\nsys.exit(code)"
    done = python(hide + CHECK + after, folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["parliament", "jsoncfg"])
def test_without_parliament_one_line_says_so(name: str, folder: Path) -> None:
    hide = HIDE.format(name=name, error=f"ModuleNotFoundError('No module named {name}')")
    done = python(hide + CHECK + "sys.exit(code)", folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"rolelint: parliament cannot be imported: No module named {name}. "
        "install the package `parliament`, or check without --grammar\n"
    )


def test_nothing_else_needs_it(folder: Path) -> None:
    hide = HIDE.format(name="parliament", error="ModuleNotFoundError('parliament')")
    done = python(hide + CHECK.replace('"--grammar", ', "") + "sys.exit(code)", folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_option_nothing_is_imported(folder: Path) -> None:
    after = (
        "import sys\n"
        "loaded = [m for m in sys.modules if m.startswith(('parliament', 'jsoncfg', 'pkg_resources', "
        "'rolelint.grammar'))]\n"
        "assert not loaded, loaded"
    )
    done = python(CHECK.replace('"--grammar", ', "") + after, folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_log_is_written(folder: Path) -> None:
    # parliament's own command writes a fixed path, wherever the folder for temporary files is: watch every open.
    watch = (
        "import sys\n"
        "written = []\n"
        "sys.addaudithook(lambda event, args: written.append(args[0]) if event == 'open' and args[1] "
        "and set(str(args[1])) & set('wax+') else None)\n"
    )
    after = "assert not [w for w in written if 'parliament.log' in str(w)], written\nsys.exit(code)"
    done = python(watch + CHECK + after, folder, "-B")
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in folder.iterdir()] == ["p.json"]


def test_what_was_lent_is_put_back(tmp_path: Path) -> None:
    library = parliament()
    statement = import_module("parliament.statement")
    config = tmp_path / "config.yaml"
    config.write_text("OWN: {title: Own, severity: LOW}\nRESOURCE_STAR: {severity: MUTE}\n")
    names = ("is_valid_region", "is_valid_account_id", "get_privilege_info")
    before = [getattr(statement, name) for name in names] + [library.is_glob_match, statement.Statement.in_actions]
    services = [service["prefix"] for service in library.iam_definition]
    with Auditor.opened(str(config), "", True):
        assert "OWN" in library.config
        assert library.iam_definition is statement.iam_definition
        assert [service["prefix"] for service in library.iam_definition] != services
    assert "OWN" not in library.config
    assert library.config["RESOURCE_STAR"]["severity"] == "LOW"
    assert [service["prefix"] for service in library.iam_definition] == services
    after = [getattr(statement, name) for name in names] + [library.is_glob_match, statement.Statement.in_actions]
    assert after == before
    with pytest.raises(library.UnknownPrefixException):
        library.expand_action("s3vectors:*")
