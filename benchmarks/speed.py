"""Print what rolelint takes, as ratios to a floor measured in the same run.

    python benchmarks/speed.py [--generator FILE] [--modules FOLDER] [--only NAME]

Whole commands are paired with their floor run by run, and the median of the ratios is printed. The generator of inputs
(`generate.py`) is taken from --generator or from ../shared/bench beside the checkout. With --modules, a folder whose
node_modules holds @cloud-copilot/iam-simulate, decisions per second are compared with it and with moto.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable


class Run(NamedTuple):
    """What one run of a command took: wall seconds, and MiB of its largest process."""

    seconds: float
    memory: float


def run(command: Sequence[str], folder: Path | None = None) -> Run:
    """Time one run of a command, output thrown away."""
    started = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Run(time.perf_counter() - started, usage.ru_maxrss / 1024)


def seconds(command: Sequence[str], folder: Path | None = None) -> float:
    """Time one run of a command."""
    return run(command, folder).seconds


def pair(name: str, command: Sequence[str], floor: Sequence[str], runs: int, folder: Path | None = None) -> None:
    """Run a command and its floor in turn, and print the median ratio."""
    seconds(command, folder)
    seconds(floor, folder)
    taken = [(run(command, folder), seconds(floor, folder)) for _ in range(runs)]
    ratio = statistics.median(a.seconds / b for a, b in taken)
    one, other = statistics.median(a.seconds for a, _ in taken), statistics.median(b for _, b in taken)
    memory = max(a.memory for a, _ in taken)
    print(f"{name:58s} {one:8.3f} s  floor {other:7.3f} s  ratio {ratio:6.2f}  {memory:6.0f} MiB", flush=True)


def rolelint(*arguments: str) -> list[str]:
    """Give the command line of rolelint."""
    return [PYTHON, "-m", "rolelint", *arguments]


def load_floor(path: Path) -> list[str]:
    """Give the command that only parses a JSON file."""
    return [PYTHON, "-c", f"import json; json.load(open({str(path)!r}))"]


def cold_start(work: Path, generate: Callable[..., None]) -> None:
    """Compare one small policy with importing click and json."""
    small = work / "small.json"
    generate("small", "--out", str(small))
    pair(
        "check one small policy / import click, json",
        rolelint("check", str(small)),
        [PYTHON, "-c", "import click, json"],
        15,
    )


def dumps(work: Path, generate: Callable[..., None]) -> None:
    """Compare account dumps with their parse."""
    _managed(work, generate)
    for roles, runs in ((100, 7), (1_000, 7), (10_000, 3)):
        path = work / f"dump{roles}.json"
        if not path.exists():
            generate("dump", "--index", str(work / "managed-index.json"), "--roles", str(roles), "--out", str(path))
        for effects in ("full", "summary"):
            command = rolelint("check", str(path), "--format", "json", "--effects", effects, "--no-cache")
            pair(f"check dump of {roles} roles, effects {effects} / json.load", command, load_floor(path), runs)


def _managed(work: Path, generate: Callable[..., None]) -> Path:
    folder = work / "managed"
    if not folder.exists():
        generate("managed", "--out", str(folder))
    return folder


def managed(work: Path, generate: Callable[..., None]) -> None:
    """Compare all AWS managed policies with their parse."""
    folder = _managed(work, generate)
    floor = (
        f"import json, os\nfor e in os.scandir({str(folder)!r}):\n"
        "    with open(e.path, 'rb') as s:\n        json.loads(s.read())"
    )
    pair(
        "check all managed policies / their parse",
        rolelint("check", str(folder), "--format", "json"),
        [PYTHON, "-c", floor],
        5,
    )


def repository(work: Path, generate: Callable[..., None]) -> None:
    """Time a repository of 2,000 Terraform and template files of which 50 hold IAM."""
    folder = work / "repository"
    if not folder.exists():
        plain = 'resource "aws_instance" "x{0}" {{\n  ami = "ami-1"\n  tags = {{ n = "{0}" }}\n}}\n'
        statement = '{{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::b{0}/*" }}'
        policy = 'jsonencode({{ Version = "2012-10-17", Statement = [' + statement + "] }})"
        role = 'resource "aws_iam_role_policy" "p{0}" {{\n  role = "r{0}"\n  policy = ' + policy + "\n}}\n"
        template = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Q{0}:\n    Type: AWS::SQS::Queue\n"
        for number in range(2_000):
            place = folder / f"m{number // 10}"
            place.mkdir(parents=True, exist_ok=True)
            if number % 40 == 0:
                (place / f"iam{number}.tf").write_text(role.format(number))
            elif number % 4 == 1:
                (place / f"t{number}.yaml").write_text(template.format(number))
            else:
                (place / f"f{number}.tf").write_text(plain.format(number))
    taken = statistics.median(seconds(rolelint("check", str(folder))) for _ in range(3))
    print(f"{'check 2,000 files of which 50 hold IAM':58s} {taken:8.3f} s", flush=True)


def questions(work: Path, generate: Callable[..., None]) -> None:
    """Count answers of can and diff each second, on roles of ten statements with a boundary and two SCP levels."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    from properties import worlds

    from rolelint.engine import can, difference

    wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    guard = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": ["s3:DeleteBucket", "rds:DeleteDBCluster"],
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "platform"}},
            },
        ],
    }
    boundary = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:*", "dynamodb:*", "rds:*", "sqs:*", "ec2:*", "lambda:*"],
                "Resource": "*",
            },
            {"Effect": "Deny", "Action": ["iam:*", "organizations:*"], "Resource": "*"},
        ],
    }

    def role(seed: int, edited: bool = False) -> Any:
        rng = random.Random(seed)
        documents = [_application(rng) for _ in range(5)]
        if edited:
            documents[seed % 5] = _application(random.Random(seed + 10_000))
        return worlds.build({"identity": documents, "boundary": boundary, "scp": [[wide], [guard]]})

    roles = [role(i) for i in range(100)]
    edited = [role(i, edited=True) for i in range(100)]
    actions = ["rds:Delete*", "s3:DeleteObject", "dynamodb:DeleteTable", "ec2:TerminateInstances", "*:Delete*"]
    for name in ("first", "warm"):
        started = time.perf_counter()
        for one in roles:
            for action in actions:
                can(one, action)
        rate = len(roles) * len(actions) / (time.perf_counter() - started)
        print(f"{'can, ten statements, boundary, two SCP levels (' + name + ')':58s} {rate:8.0f} /s", flush=True)
    for name in ("first", "warm"):
        started = time.perf_counter()
        for one, other in zip(roles, edited, strict=True):
            difference(other, one)
        rate = len(roles) / (time.perf_counter() - started)
        print(f"{'diff of one edited policy, same roles (' + name + ')':58s} {rate:8.0f} /s", flush=True)


def _application(rng: random.Random) -> dict[str, Any]:
    name, number = rng.choice(["orders", "billing", "search"]), rng.randrange(1000)
    first = rng.choice(
        [
            {
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "Resource": f"arn:aws:s3:::{name}-{number}/*",
            },
            {"Action": "dynamodb:*", "Resource": f"arn:aws:dynamodb:*:123456789012:table/{name}*"},
            {"Action": ["sqs:*"], "Resource": f"arn:aws:sqs:*:123456789012:{name}-{number}"},
        ]
    )
    second = rng.choice(
        [
            {
                "Action": ["ec2:StopInstances", "ec2:TerminateInstances"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/app": name}},
            },
            {
                "Action": ["rds:DeleteDBInstance", "rds:ModifyDBInstance"],
                "Resource": f"arn:aws:rds:*:123456789012:db:{name}*",
            },
            {"Action": "logs:PutLogEvents", "Resource": "*"},
        ]
    )
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **first}, {"Effect": "Allow", **second}]}


def decisions(work: Path, generate: Callable[..., None], modules: Path | None) -> None:
    """Count decisions each second on the roles of a dump and on a small policy, beside iam-simulate and moto."""
    from rolelint.engine import decide
    from rolelint.engine.request import Request, Target
    from rolelint.engine.scene import policy_set, request_principal
    from rolelint.findings.model import Report
    from rolelint.lint import Request as Input
    from rolelint.lint import load_roles

    _managed(work, generate)
    path = work / "dump100.json"
    if not path.exists():
        generate("dump", "--index", str(work / "managed-index.json"), "--roles", "100", "--out", str(path))
    small = work / "one.json"
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}],
    }
    small.write_text(json.dumps(document))
    asked = [
        ("s3:GetObject", "arn:aws:s3:::orders-dev-data-0001/x"),
        ("rds:DeleteDBInstance", "arn:aws:rds:us-east-1:123456789012:db:prod"),
        ("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:123456789012:table/x"),
        ("ec2:TerminateInstances", "arn:aws:ec2:us-east-1:123456789012:instance/i-1"),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/x"),
    ]
    for name, source, times in (("roles of a 100-role dump", path, 1), ("a policy of one statement", small, 2_000)):
        roles = load_roles(Input((str(source),)), Report())
        requests = [
            (Request(request_principal(r), a, (Target(arn),), {}, r.account or "123456789012"), r)
            for _ in range(times)
            for r in roles
            for a, arn in asked
        ]
        sets = {id(r): policy_set(r) for r in roles}
        started = time.perf_counter()
        for request, one in requests:
            decide(request, sets[id(one)])
        ours = len(requests) / (time.perf_counter() - started)
        print(f"{'decisions, ' + name:58s} {ours:8.0f} /s", flush=True)
        if modules is not None:
            _peers(modules, roles, requests[: 600 if source == path else 3_000], ours)


def _peers(modules: Path, roles: list[Any], requests: list[tuple[Any, Any]], ours: float) -> None:
    sources = {id(r): [(p.name, json.dumps(_plain(p.document))) for p in r.identity] for r in roles}
    lines = []
    for request, role in requests:
        policies = ", ".join(
            '{{"name": {}, "policy": {}}}'.format(json.dumps(f"{n}-{i}"), text)
            for i, (n, text) in enumerate(sources[id(role)])
        )
        body = {
            "action": request.action,
            "principal": request.principal.arn,
            "resource": {"accountId": "123456789012", "resource": request.targets[0].arn},
            "contextVariables": {},
        }
        lines.append(
            f'{{"identityPolicies": [{policies}], "serviceControlPolicies": [], "resourceControlPolicies": [], '
            f'"request": {json.dumps(body)}}}'
        )
    done = subprocess.run(
        ["node", str(HERE.parent / "tests" / "differential" / "simulate.mjs")],
        input="\n".join(lines),
        cwd=modules,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stderr.splitlines()[-1])
    rate = told["count"] / told["seconds"]
    print(f"{'  iam-simulate on the same':58s} {rate:8.0f} /s  ours is {ours / rate:6.1f} x", flush=True)
    from moto.iam.access_control import IAMPolicy

    parsed = {key: [IAMPolicy(text) for _, text in texts] for key, texts in sources.items()}
    started = time.perf_counter()
    for request, role in requests:
        for policy in parsed[id(role)]:
            policy.is_action_permitted(request.action, request.targets[0].arn)
    rate = len(requests) / (time.perf_counter() - started)
    print(
        f"{'  moto (actions of identity policies only)':58s} {rate:8.0f} /s  ours is {ours / rate:6.1f} x", flush=True
    )


def _plain(document: Any) -> dict[str, Any]:
    """Write a document back as a policy."""
    statements = []
    for s in document.statements:
        out: dict[str, Any] = {"Effect": s.effect, "NotAction" if s.not_action else "Action": list(s.actions)}
        if s.resources is not None:
            out["NotResource" if s.not_resource else "Resource"] = list(s.resources)
        for c in s.conditions:
            out.setdefault("Condition", {}).setdefault(c.operator_text, {})[c.key_text] = list(c.values)
        statements.append(out)
    return {"Version": document.version, "Statement": statements}


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path, default=HERE.parent.parent / "shared" / "bench" / "generate.py")
    parser.add_argument("--modules", type=Path, default=None)
    parser.add_argument("--work", type=Path, default=None, help="Keep the generated inputs here.")
    parser.add_argument("--only", action="append", default=[])
    given = parser.parse_args()
    if not given.generator.is_file():
        print(f"no generator of inputs at {given.generator}; name one with --generator", file=sys.stderr)
        return 2

    def generate(*arguments: str) -> None:
        subprocess.run([PYTHON, str(given.generator), *arguments], check=True, stderr=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
        every: dict[str, Callable[[], None]] = {
            "cold": lambda: cold_start(work, generate),
            "managed": lambda: managed(work, generate),
            "dumps": lambda: dumps(work, generate),
            "repository": lambda: repository(work, generate),
            "questions": lambda: questions(work, generate),
            "decisions": lambda: decisions(work, generate, given.modules),
        }
        for name, run in every.items():
            if not given.only or name in given.only:
                run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
