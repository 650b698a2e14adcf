"""Measures the catalogue: what a run pays for it, and what a pattern costs.

    python benchmarks/catalog.py [--check]

Each case runs in processes of its own; the best of several is taken, because the machine is shared. Times are given
with their ratio to reading the bytes of the artefact. With `--check` the exit code is 1 when a limit is passed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPEAT = 7
#: Milliseconds that the catalogue may add to a run, and microseconds for a pattern seen before.
ONE_POLICY_MS, EVERYTHING_MS, WARM_US = 15.0, 60.0, 100.0
DATA = Path(__file__).resolve().parent.parent / "rolelint" / "catalog" / "data"

READ = """
import pathlib, time
path = pathlib.Path({path!r})
start = time.perf_counter()
path.read_bytes()
print((time.perf_counter() - start) * 1e3)
"""
ONE_POLICY = """
import json, re, time, dataclasses, pathlib, functools, click, rolelint.errors
start = time.perf_counter()
from rolelint.catalog import catalog
known = catalog()
mask = known.expand("rds:*")
known.names(mask)
[known.action(i).label for i in known.indexes(mask)]
print((time.perf_counter() - start) * 1e3)
"""
EVERYTHING = """
import json, re, time, dataclasses, pathlib, functools, click, rolelint.errors
start = time.perf_counter()
from rolelint.catalog import catalog
known = catalog()
known.names(known.full)
known.destructive
known.signatures(known.full)
known.types
known.key_mask("aws:resourcetag/team")
for i in known.indexes(known.full):
    known.label(i)
print((time.perf_counter() - start) * 1e3)
"""
PATTERNS = ["*", "*:*", "s3:*", "*:Delete*", "ec2:?e*"]
EXPAND = """
import json, time
from rolelint.catalog import catalog
known = catalog()
rows = {{}}
for pattern in {patterns!r}:
    start = time.perf_counter()
    known.expand(pattern)
    cold = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(200):
        known.expand(pattern)
    rows[pattern] = [cold * 1e6, (time.perf_counter() - start) / 200 * 1e6]
start = time.perf_counter()
for _ in range(200):
    known.full & ~known.expand_all(["iam:*", "organizations:*", "account:*"])
rows["NotAction of three services"] = [0, (time.perf_counter() - start) / 200 * 1e6]
print(json.dumps(rows))
"""


def best(code: str) -> float:
    """Run code in fresh processes and take the least of the times that they print."""
    return min(float(run(code)) for _ in range(REPEAT))


def run(code: str) -> str:
    """Run code in a process that has its byte code at hand, and give what it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def main(arguments: list[str]) -> int:
    """Print the measurements; with `--check` fail past a limit."""
    floor = best(READ.format(path=str(DATA / "catalog.bin")))
    print(f"reading the artefact's bytes        {floor:8.2f} ms")
    late = []
    for name, code, limit in (("one policy", ONE_POLICY, ONE_POLICY_MS), ("all services", EVERYTHING, EVERYTHING_MS)):
        took = best(code)
        print(f"{name:35} {took:8.2f} ms {took / floor:8.1f} x reading   limit {limit:.0f} ms")
        if took > limit:
            late.append(name)
    for pattern, (cold, warm) in json.loads(run(EXPAND.format(patterns=PATTERNS))).items():
        print(f"{pattern:35} {warm:8.2f} us warm {cold:10.1f} us cold   limit {WARM_US:.0f} us warm")
        if warm > WARM_US:
            late.append(pattern)
    for name in late:
        print(f"too slow: {name}", file=sys.stderr)
    return 1 if late and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
