"""The shipped data, a copy of AWS's feed made from it, and the command line as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from rolelint.catalog import compiling, published
from rolelint.catalog.published import Published
from rolelint.errors import RolelintError

from .catalog_feed import Result, Run, World, feed_document


@pytest.fixture(scope="session")
def shipped() -> Published:
    """The published actions as the project ships them."""
    return published.read(compiling.SOURCE)


@pytest.fixture
def run() -> Run:
    """Run `rolelint catalog ...`; an error meant for the user ends in 2, as in the main command."""
    from rolelint.cli.catalog import catalog

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(catalog, list(arguments))
        if isinstance(result.exception, RolelintError):
            return Result(2, result.stdout, str(result.exception))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return invoke


@pytest.fixture
def world(tmp_path: Path, shipped: Published) -> World:
    """A small catalogue of five services with an unchanged copy of their feed."""
    services = {prefix: shipped.services[prefix] for prefix in ("dynamodb", "kinesis", "s3", "sns", "sqs")}
    made = World(tmp_path / "feed", tmp_path / "data", tmp_path / "labels")
    made.data.mkdir()
    made.labels.mkdir()
    (made.data / "actions.json.xz").write_bytes(published.encode(Published({"source": "test"}, services), quick=True))
    for prefix in services:
        made.store(prefix, feed_document(shipped, prefix))
    made.index()
    return made
