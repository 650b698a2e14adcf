"""Scan a simulated Organization: wall time against concurrency, an interrupt, and the resume.

```console
python benchmarks/organization.py --accounts 50
```

A moto server of its own process plays AWS; a proxy before it adds the latency of a network and refuses calls above a
rate, as AWS does. Nothing is sent anywhere else.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from sources.aws.cloud import account, allow, deny, document, root_account
from sources.aws.proxy import Fault, Proxy


class Limit(Fault):
    """Refuses calls above a rate, as AWS's token buckets do."""

    def __init__(self, rate: float, burst: float) -> None:
        super().__init__(".*", "throttle")
        self.rate, self.tokens, self.burst, self.at = rate, burst, burst, time.monotonic()
        self.refused = 0
        self.lock = threading.Lock()

    def hits(self, call: Any) -> bool:
        """Take a token, or refuse."""
        with self.lock:
            now = time.monotonic()
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
            self.at = now
            if self.tokens >= 1:
                self.tokens -= 1
                return False
            self.refused += 1
            return True


def serve() -> tuple[subprocess.Popen[bytes], str]:
    """Start moto."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    while True:
        try:
            urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=2).close()
            return server, url
        except OSError:
            time.sleep(0.1)


def build(url: str, accounts: int, roles: int) -> None:
    """Make the organization: two units, an SCP on one, and roles in every account."""
    org = root_account(url).client("organizations")
    org.create_organization(FeatureSet="ALL")
    root = org.list_roots()["Roots"][0]["Id"]
    org.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    units = [
        org.create_organizational_unit(ParentId=root, Name=name)["OrganizationalUnit"]["Id"] for name in ("Prod", "Dev")
    ]
    made = org.create_policy(
        Name="databases-stay", Description="", Type="SERVICE_CONTROL_POLICY", Content=document(deny("rds:Delete*"))
    )
    org.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=units[0])

    def one(number: int) -> None:
        status = org.create_account(AccountName=f"team-{number}", Email=f"team-{number}@example.com")
        made = status["CreateAccountStatus"]["AccountId"]
        org.move_account(AccountId=made, SourceParentId=root, DestinationParentId=units[number % 2])
        there = account(url, made)
        for role in range(roles):
            there.role(f"app-{role}", allow(["rds:*", "s3:DeleteObject"] if role % 5 == 0 else "s3:GetObject"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(accounts)))


#: Runs rolelint with Ctrl-C in force, also where the benchmark itself runs in the background.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from rolelint.cli import main; main(sys.argv[1:])"
)


def command(url: str, folder: str, *more: str) -> list[str]:
    """Write the scan's command line."""
    return [
        *(sys.executable, "-c", START, "scan", "--org", "--endpoint-url", url, "--region", "us-east-1"),
        *("--skip", "resource-policies", "--skip", "identity-center", "--effects", "summary"),
        *("--format", "json", "--output", f"{folder}/report.json", *more),
    ]


def main() -> None:
    """Build, scan at several concurrencies, interrupt and resume."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--roles", type=int, default=20, help="in each account")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds for each call")
    parser.add_argument("--rate", type=float, default=40.0, help="calls per second that are let through")
    options = parser.parse_args()
    server, moto = serve()
    proxy = Proxy(moto)
    proxy.start()
    environment = {**os.environ, **root_account(moto).environment()}
    try:
        build(moto, options.accounts, options.roles)
        proxy.delay = options.latency
        print(f"{options.accounts} accounts, {options.roles} roles each, {options.latency * 1000:.0f} ms for each call")
        print(f"{'at once':>8} {'seconds':>8} {'calls':>6} {'refused':>8} {'findings':>9} {'not seen':>9}")
        with tempfile.TemporaryDirectory() as folder:
            for workers in (1, 2, 4, 8, 16):
                limit = Limit(options.rate, options.rate)
                proxy.faults[:] = [limit]
                proxy.calls.clear()
                start = time.monotonic()
                arguments = command(proxy.url, folder, "--concurrency", str(workers))
                subprocess.run(arguments, env=environment, stderr=subprocess.DEVNULL, check=False)
                took = time.monotonic() - start
                report = json.loads(Path(folder, "report.json").read_text())
                shown = len(report["findings"]), len(report["unknown"])
                print(
                    f"{workers:>8} {took:>8.1f} {len(proxy.calls):>6} {limit.refused:>8} {shown[0]:>9} {shown[1]:>9}",
                    flush=True,
                )
            proxy.faults.clear()
            _interrupt(proxy, folder, environment, options.accounts)
    finally:
        proxy.stop()
        server.terminate()
        server.wait(10)


def _interrupt(proxy: Proxy, folder: str, environment: dict[str, str], accounts: int) -> None:
    """Stop a scan in the middle, and go on."""
    state = Path(folder, "state")
    arguments = command(proxy.url, folder, "--state", str(state), "--concurrency", "4")
    started = subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)
    while len(list(state.glob("[0-9]*.json"))) < accounts // 2:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    code = started.wait(60)
    finished = len(list(state.glob("[0-9]*.json")))
    print(f"interrupted with exit code {code} after {finished} accounts")
    proxy.calls.clear()
    start = time.monotonic()
    subprocess.run(arguments, env=environment, stderr=subprocess.DEVNULL, check=False)
    report = json.loads(Path(folder, "report.json").read_text())
    statuses = [row["status"] for row in report["extra"]["scan"]["accounts"]]
    read = proxy.names().count("iam:GetAccountAuthorizationDetails")
    print(
        f"resumed in {time.monotonic() - start:.1f} s: {statuses.count('resumed')} accounts kept, "
        f"{statuses.count('read')} read, {read} account readings made"
    )


if __name__ == "__main__":
    main()
