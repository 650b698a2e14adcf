"""The hooks of `.pre-commit-hooks.yaml`, run by pre-commit itself on a scratch repository.

By default the hooks run with this Python. ROLELINT_TEST_HOOK_INSTALL=1 lets pre-commit install the project into an
environment of its own, as it does for users; that needs a package index and some minutes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PRE_COMMIT = shutil.which("pre-commit", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
#: The hooks that the README names.
IDS = ("rolelint", "rolelint-terraform")

pytestmark = [
    pytest.mark.skipif(not PRE_COMMIT, reason="pre-commit is not installed"),
    pytest.mark.skipif(not shutil.which("git"), reason="git is not installed"),
    pytest.mark.skipif(not HOOKS.is_file(), reason="not a checkout"),
]

GOOD = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds:Describe*", "Resource": "*"}]}\n'
BAD = GOOD.replace("rds:Describe*", "rds:*")
BROKEN = GOOD.replace("]}\n", "],}\n")
TERRAFORM = """resource "aws_iam_policy" "x" {
  name   = "x"
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "rds:*", Resource = "*" }] })
}
"""
TERRAFORM_JSON = json.dumps({"resource": {"aws_iam_policy": {"x": {"name": "x", "policy": BAD}}}}) + "\n"
TEMPLATE = """Resources:
  Deploy:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
        - {PolicyName: p, PolicyDocument: {Statement: {Effect: Allow, Action: "rds:*", Resource: !Sub "*"}}}
"""


class Repository:
    """A repository whose commits are checked by the hooks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "HOME": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PRE_COMMIT_HOME": str(folder.parent / "cache"),
            "PRE_COMMIT_COLOR": "never",
            **{f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        self.run("git", "init", "-q")

    def run(self, *command: str) -> str:
        """Run a command that must succeed."""
        done = self.try_run(*command)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            stdin=subprocess.DEVNULL,
        )

    def commit(self, **files: str) -> subprocess.CompletedProcess[str]:
        """Write files, with `__` for the dot of their names, and try to commit them."""
        for name, text in files.items():
            (self.folder / name.replace("__", ".")).write_text(text)
        self.run("git", "add", ".")
        return self.try_run("git", "commit", "-q", "-m", "change")


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that offers the hooks."""
    folder = tmp_path_factory.mktemp("hooks")
    offered = Repository(folder / "repository")
    if os.environ.get("ROLELINT_TEST_HOOK_INSTALL"):
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
        for name in filter(None, listed.split("\0")):
            target = offered.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                shutil.copyfile(ROOT / name, target)
    else:
        text = HOOKS.read_text().replace("language: python", "language: system")
        text = text.replace("entry: rolelint ", f"entry: {sys.executable} -m rolelint ")
        (offered.folder / HOOKS.name).write_text(text)
    offered.run("git", "add", "-f", ".")
    offered.run("git", "commit", "-q", "-m", "offer hooks")
    return offered.folder


@pytest.fixture
def repository(hooks: Path, tmp_path: Path) -> Repository:
    assert PRE_COMMIT is not None
    made = Repository(tmp_path / "repository")
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=hooks, capture_output=True, check=True, text=True
    ).stdout
    listed = "".join(f"\n  - id: {name}" for name in IDS)
    (made.folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {hooks}\n  rev: {revision.strip()}\n  hooks:{listed}\n"
    )
    made.run(PRE_COMMIT, "install")
    return made


def test_the_hooks_are_valid(repository: Repository) -> None:
    assert PRE_COMMIT is not None
    repository.run(PRE_COMMIT, "validate-manifest", str(HOOKS))


def test_a_good_commit_passes(repository: Repository) -> None:
    done = repository.commit(
        policy__json=GOOD, notes__md="x", tsconfig__json="{\n// a comment\n}", chart__yaml="a: {{ b }}"
    )
    assert done.returncode == 0, done.stdout


def test_a_commit_without_iam_content_passes(repository: Repository) -> None:
    done = repository.commit(package__json='{"name": "x"}', main__tf='variable "x" {}\n', a__yaml="b: 1\n")
    assert done.returncode == 0, done.stdout


STOPPED = {
    "a policy": ({"policy__json": BAD}, "policy.json:1:", "RL201"),
    "a template": ({"template__yaml": TEMPLATE}, "template.yaml:8:", "RL201"),
    "a template by its other name": ({"deploy__template": TEMPLATE}, "deploy.template:8:", "RL201"),
    "Terraform in JSON": ({"main__tf__json": TERRAFORM_JSON}, "main.tf.json:1:", "RL201"),
    "Terraform": ({"main__tf": TERRAFORM}, "main.tf:3:", "RL201"),
    "a policy that cannot be parsed": ({"policy__json": BROKEN}, "policy.json:1:", "a comma with nothing after it"),
}


@pytest.mark.parametrize(("files", "place", "said"), STOPPED.values(), ids=STOPPED)
def test_a_bad_commit_is_stopped(repository: Repository, files: dict[str, str], place: str, said: str) -> None:
    done = repository.commit(**files)
    assert done.returncode == 1
    assert place in done.stdout
    assert said in done.stdout
    assert done.stdout.count("- hook id: ") == 1, "one hook tells it"
