"""One moto server and one proxy for all tests; a fresh account for each."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("moto.server")

from sources.aws.cloud import Account, account
from sources.aws.proxy import Proxy

_numbers = count(200000000001)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """A moto server in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MOTO_")} | {"PYTHONWARNINGS": "ignore"}
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=2).close()
                break
            except OSError:
                assert server.poll() is None, "the moto server ended"
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def _proxy(moto_url: str) -> Iterator[Proxy]:
    made = Proxy(moto_url)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def proxy(_proxy: Proxy) -> Iterator[Proxy]:
    """The way to the server, without faults at first."""
    _proxy.reset()
    yield _proxy
    _proxy.reset()


@pytest.fixture
def there(moto_url: str) -> Account:
    """An account that no other test has."""
    return account(moto_url, str(next(_numbers)))


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str
    report: dict[str, Any]

    def rules(self) -> set[tuple[str, str]]:
        """List the findings as (role, rule)."""
        return {(f["role_name"], f["rule"]) for f in self.report["findings"]}

    def unknown(self) -> list[str]:
        """List what was not seen or not known."""
        return [f"{u['what']}: {u['reason']}" for u in self.report["unknown"]]


Scan = Callable[..., Ran]


@pytest.fixture
def scan(
    there: Account,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Scan:
    """Run `rolelint scan` on the account as a user does, with a JSON report."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in {**there.environment(), "AWS_MAX_ATTEMPTS": "2"}.items():
        monkeypatch.setenv(name, value)

    def run_scan(*arguments: str, regions: tuple[str, ...] = ("us-east-1",), json_report: bool = True) -> Ran:
        where = [part for region in regions for part in ("--region", region)]
        endpoint = () if "--endpoint-url" in arguments else ("--endpoint-url", proxy.url)
        return run("scan", *endpoint, *where, *arguments, json_report=json_report)

    def run(*arguments: str, json_report: bool = True) -> Ran:
        from rolelint.cli import run as rolelint

        path = tmp_path / "report.json"
        path.unlink(missing_ok=True)
        extra = ("--format", "json", "--output", str(path)) if json_report else ()
        code = rolelint([*arguments, *extra])
        shown = capsys.readouterr()
        report = json.loads(path.read_text()) if path.exists() else {}
        return Ran(code, shown.out, shown.err, report)

    run_scan.command = run  # type: ignore[attr-defined]
    return run_scan
