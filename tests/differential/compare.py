"""Compare `decide` with implementations nobody here wrote, on random realistic roles and requests.

Run from a folder whose node_modules holds @cloud-copilot/iam-simulate:

    python tests/differential/compare.py --requests 20000 --modules FOLDER

Both peers are black boxes: they are run, and their answers are compared.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from properties import worlds  # noqa: E402

from rolelint.catalog import catalog  # noqa: E402
from rolelint.engine import Outcome, decide  # noqa: E402
from rolelint.engine.request import Request  # noqa: E402


@dataclass(frozen=True)
class Sample:
    """One request of one role, with the plain documents that a peer reads."""

    made: worlds.RandomRole
    request: Request


def samples(count: int, seed: int = 0, per_role: int = 25) -> list[Sample]:
    """Make requests; keys that the action cannot carry are left out, as AWS leaves them out."""
    known = catalog()
    out = []
    number = seed
    while len(out) < count:
        rng = random.Random(number)
        made = worlds.random_role(rng)
        number += 1
        if "*:Delete*" in json.dumps(made.plain):
            continue  # iam-simulate refuses a wildcard in the service prefix (S2.4); one row of the table says so
        for _ in range(per_role):
            request = worlds.random_request(rng)
            index = known.index(request.action)
            assert index is not None
            context = {k: v for k, v in request.context.items() if (known.key_mask(k) or 0) >> index & 1}
            out.append(
                Sample(
                    made,
                    Request(request.principal, request.action, request.targets, context, request.resource_account),
                )
            )
    return out[:count]


def simulation(sample: Sample) -> dict[str, Any]:
    """Write a sample in the form that iam-simulate documents."""
    plain, request = sample.made.plain, sample.request

    def named(documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"name": f"p{i}", "policy": d} for i, d in enumerate(documents)]

    out: dict[str, Any] = {
        "identityPolicies": named(plain["identity"]),
        "serviceControlPolicies": [
            {"orgIdentifier": f"level-{i}", "policies": named(level)} for i, level in enumerate(plain["scp"] or ())
        ],
        "resourceControlPolicies": [],
        "request": {
            "action": request.action,
            "principal": request.principal.arn,
            "resource": {"accountId": worlds.ACCOUNT, "resource": request.targets[0].arn},
            "contextVariables": {
                k: v[0] if len(v) == 1 and k != "aws:tagkeys" else list(v) for k, v in request.context.items()
            },
        },
    }
    if plain["boundary"]:
        out["permissionBoundaryPolicies"] = named([plain["boundary"]])
    if plain["session"]:
        out["sessionPolicy"] = plain["session"][0]
    return out


def ask_simulate(chosen: list[Sample], modules: Path) -> tuple[list[str], float]:
    """Run iam-simulate on samples; give its words and the seconds it took."""
    text = "\n".join(json.dumps(simulation(s)) for s in chosen)
    done = subprocess.run(
        ["node", str(HERE / "simulate.mjs")], input=text, cwd=modules, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines(), json.loads(done.stderr.splitlines()[-1])["seconds"]


def ask_moto(chosen: list[Sample]) -> tuple[list[str], float]:
    """Run moto's access control on samples: identity policies only, which is what it evaluates."""
    from moto.iam.access_control import IAMPolicy, PermissionResult

    words = {
        PermissionResult.PERMITTED: "allow",
        PermissionResult.DENIED: "deny",
        PermissionResult.NEUTRAL: "implicit_deny",
    }
    out = []
    parsed = {id(s.made): [IAMPolicy(json.dumps(d)) for d in s.made.plain["identity"]] for s in chosen}
    started = time.perf_counter()
    for sample in chosen:
        results = {
            policy.is_action_permitted(sample.request.action, sample.request.targets[0].arn)
            for policy in parsed[id(sample.made)]
        }
        if PermissionResult.DENIED in results:
            out.append("deny")
        elif PermissionResult.PERMITTED in results:
            out.append("allow")
        else:
            out.append(words[PermissionResult.NEUTRAL])
    return out, time.perf_counter() - started


def ours(chosen: list[Sample]) -> tuple[list[str], float]:
    """Decide the samples ourselves."""
    sets = {id(s.made): worlds.policies(s.made.role) for s in chosen}
    started = time.perf_counter()
    out = [decide(s.request, sets[id(s.made)]).outcome.value for s in chosen]
    return out, time.perf_counter() - started


def touching(sample: Sample) -> list[dict[str, Any]]:
    """List the statements that name the request's action."""
    from rolelint.engine.match import action_matches

    plain = sample.made.plain
    documents = [*plain["identity"], *(plain["session"] or ()), *(d for level in plain["scp"] or () for d in level)]
    if plain["boundary"]:
        documents.append(plain["boundary"])
    out = []
    for document in documents:
        for s in document["Statement"]:
            patterns = s.get("Action", s.get("NotAction"))
            listed = any(
                action_matches(p, sample.request.action)
                for p in (patterns if isinstance(patterns, list) else [patterns])
            )
            if listed is ("Action" in s):
                out.append(s)
    return out


def features(sample: Sample) -> tuple[str, ...]:
    """Name what the statements that touch the request use, for the table of disagreements."""
    out = set()
    for s in touching(sample):
        text = json.dumps(s)
        if "${" in text:
            out.add("variable")
        if any(r.count(":") < 5 and r != "*" for r in s.get("Resource", s.get("NotResource", []))):
            out.add("short ARN")
        if "Condition" in s:
            out.add("condition")
        if s.get("Resource") != ["*"]:
            out.add("resource")
        if "NotResource" in s:
            out.add("NotResource")
    if sample.made.plain["session"]:
        out.add("session policy")
    if sample.made.plain["boundary"]:
        out.add("boundary")
    if sample.made.plain["scp"]:
        out.add("SCP")
    return tuple(sorted(out))


def main() -> int:
    """Run the comparison and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--modules", type=Path, default=Path.cwd())
    parser.add_argument("--show", type=int, default=3, help="Disagreements to print in full for each group.")
    given = parser.parse_args()
    chosen = samples(given.requests, given.seed)
    mine, seconds = ours(chosen)
    print(f"{len(chosen)} requests; outcomes {dict(collections.Counter(mine))}; decide {len(chosen) / seconds:.0f}/s")
    peer, peer_seconds = ask_simulate(chosen, given.modules)
    report("iam-simulate", chosen, mine, peer, given.show)
    print(f"iam-simulate {len(chosen) / peer_seconds:.0f}/s")
    moto, moto_seconds = ask_moto(chosen)
    report("moto", chosen, mine, moto, 0)
    print(f"moto {len(chosen) / moto_seconds:.0f}/s")
    return 0


def report(name: str, chosen: list[Sample], mine: list[str], theirs: list[str], show: int) -> None:
    """Print how often a peer agrees, and the disagreements by what they involve."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Sample]] = collections.defaultdict(list)
    for sample, one, other in zip(chosen, mine, theirs, strict=True):
        if one != other:
            groups[one, other[:120], features(sample)].append(sample)
    wrong = sum(map(len, groups.values()))
    print(f"{name}: {len(chosen) - wrong} agree, {wrong} do not")
    for (one, other, used), members in sorted(groups.items(), key=lambda g: -len(g[1]))[:25]:
        print(f"  {len(members):6d}  ours {one}, theirs {other}: {', '.join(used)}")
        for sample in members[:show]:
            print("         ", sample.request.action, sample.request.targets[0].arn, dict(sample.request.context))
            for s in touching(sample):
                print("            ", json.dumps(s))


if __name__ == "__main__":
    assert Outcome.ALLOW.value == "allow"
    sys.exit(main())
