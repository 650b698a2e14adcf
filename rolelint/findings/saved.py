"""JSON reports back into the values they were written from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rolelint.errors import InputError, Location, Problem, UsageError, printable
from rolelint.findings.model import OVERLAYS, EffectGroup, Finding, Related, Report, RoleReport, UnknownItem, Witness
from rolelint.findings.ranking import rank
from rolelint.findings.totals import totals
from rolelint.policies.role import ids_apart
from rolelint.records import replace

SCHEMA = "rolelint-report/1"
_ONCE = "what stands in two reports would count twice"
_SHARD = "shard"
_SAME_PATHS = "check folders that hold the same files from the folder above them, so that their paths differ"


def check_version(data: Any, file: str) -> None:
    """Refuse what is no JSON report of this version.

    Raises:
        InputError: with the name of the file.
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise InputError(f"not a report of `{SCHEMA}`", location=Location(file), hint="write it with --format json")


def report_from(data: Mapping[str, Any]) -> Report:
    """Read a JSON report that has the published shape."""
    summary, settings = data["summary"], data["settings"]
    findings: dict[str, list[Finding]] = {}
    lone = []
    ids = {role["id"] for role in data["roles"]}
    for entry in data["findings"]:
        made = _finding(entry)
        if made.role in ids:
            findings.setdefault(made.role, []).append(made)
        else:
            lone.append(made)
    roles = [_role(entry, findings.pop(entry["id"], [])) for entry in data["roles"]]
    return Report(
        roles=roles,
        findings=lone,
        unknown=[
            UnknownItem(u["role"], u["role_name"], u["what"], u["reason"], _location(u["location"]))
            for u in data["unknown"]
        ],
        errors=[_problem(p, "error") for p in data["errors"]],
        warnings=[_problem(p, "warning") for p in data["warnings"]],
        files=summary["files"],
        checked=summary["documents"],
        suppressed=summary["suppressed"],
        fail_on=settings["fail_on"],
        actor=settings["actor"],
        catalog=dict(data["tool"]["catalog"]),
        overlays={name: settings[name] for name in OVERLAYS if name in settings},
        extra=dict(data.get("extra") or {}),
    )


def _location(data: Mapping[str, Any]) -> Location:
    return Location(
        data["file"],
        data["line"],
        data["column"],
        data["end_line"],
        data["end_column"],
        data["route"],
        data["address"],
    )


def _problem(data: Mapping[str, Any], kind: str) -> Problem:
    return Problem(data["message"], _location(data["location"]), data["hint"], kind)


def _role(data: Mapping[str, Any], findings: list[Finding]) -> RoleReport:
    effects = data.get("effects")
    return RoleReport(
        data["id"],
        data["name"],
        data["arn"],
        data["kind"],
        _location(data["source"]),
        None
        if effects is None
        else {
            cls: tuple(
                EffectGroup(
                    tuple(g.get("actions") or ()),
                    g["count"],
                    g["scope"],
                    g["certainty"],
                    g["gate"],
                    tuple(g["granted_by"]),
                    tuple(g.get("resources") or ()),
                )
                for g in groups
            )
            for cls, groups in effects.items()
        },
        findings,
        dict(data.get("extra") or {}),
    )


def _finding(data: Mapping[str, Any]) -> Finding:
    witness = data["witness"]
    return Finding(
        rule=data["rule"],
        name=data["name"],
        title=data["title"],
        severity=data["severity"],
        base_severity=data["base_severity"],
        certainty=data["certainty"],
        role=data["role"],
        role_name=data["role_name"],
        message=data["message"],
        location=_location(data["location"]),
        identity=data["fingerprint"],
        witness=None
        if witness is None
        else Witness(
            witness["principal"],
            witness["action"],
            witness["resource"],
            dict(witness["context"]),
            tuple(witness["assumes"]),
        ),
        actions=tuple(data["actions"]),
        count=data.get("count", 0),
        scope=data["scope"],
        gate=data["gate"],
        granted_by=tuple(data["granted_by"]),
        related=tuple(Related(_location(r["location"]), r["message"]) for r in data["related"]),
        lowered=tuple(data["lowered"]),
        fix=data["fix"],
        category=data["category"],
        extra=dict(data.get("extra") or {}),
    )


def join(reports: list[tuple[str, Report]]) -> Report:
    """Join reports of different accounts into one.

    Args:
        reports: each with its name.

    Raises:
        UsageError: when two hold the same account or role, or were made for different actors.
    """
    out = Report()
    owners: dict[str, tuple[int, str]] = {}
    renamed = _told_apart(reports)
    for number, (name, report) in enumerate(reports):
        if number == 0:
            out.fail_on, out.actor, out.catalog = report.fail_on, report.actor, report.catalog
            out.overlays = report.overlays
        elif report.actor != out.actor:
            raise UsageError(f"`{name}` was made for the actor `{report.actor}`, others for `{out.actor}`")
        for account in (report.extra.get("scan") or {}).get("accounts") or ():
            other = owners.setdefault(account["id"], (number, name))
            if other[0] != number:
                raise UsageError(f"the account {account['id']} is in `{other[1]}` and in `{name}`", hint=_ONCE)
        for role in report.roles:
            other = owners.setdefault(role.arn, (number, name)) if _of_account(role.arn) else (number, name)
            if other[0] != number:
                raise UsageError(f"`{printable(role.arn)}` is in `{other[1]}` and in `{name}`", hint=_ONCE)
        for other_name, earlier in reports[:number]:
            if any(_said(report)) and _said(report) == _said(earlier):
                raise UsageError(f"`{name}` says what `{other_name}` says", hint=f"{_ONCE}; {_SAME_PATHS}")
        ids = renamed[number]
        # Which shards are missing is told anew.
        known = [u for u in report.unknown if u.what != _SHARD]
        unknown = [replace(u, role=ids[u.role]) if u.role in ids else u for u in known]
        out.take(replace(report, roles=[_renamed(role, ids) for role in report.roles], unknown=unknown))
        if report.extra:
            _join_extra(out.extra, report.extra)
        if report.catalog != out.catalog:
            place = Location(name)
            out.warnings.append(Problem("the report was made with another catalogue", place, "", "warning"))
    for reason in _missing((out.extra.get("scan") or {}).get("shards", ())):
        out.unknown.append(UnknownItem("", "", _SHARD, reason, Location("aws:organization")))
    out.findings = without_repeats(out.findings)
    rank(out)
    return out


def _said(report: Report) -> tuple[list[Any], ...]:
    return report.roles, report.findings, report.unknown, report.errors


def _of_account(arn: str) -> bool:
    """Tell whether an ARN names its account; what has none, such as a permission set, may stand in many."""
    return arn.count(":") > 4 and arn.split(":")[4].isdigit()


def _missing(shards: Iterable[str]) -> Iterator[str]:
    """Say for each scan of an Organization in parts how many of its shards, each as `2/5`, are not there."""
    found: dict[int, set[int]] = {}
    for shard in shards:
        own, _, of = shard.partition("/")
        if own.isdecimal() and of.isdecimal():
            found.setdefault(int(of), set()).add(int(own))
    for count, numbers in sorted(found.items()):
        first = next((number for number in range(1, count + 1) if number not in numbers), None)
        if first is not None:
            lacking = f"{count - len(numbers)} of {count} shards, the first `{first}/{count}`,"
            yield f"{lacking} are in none of the reports that were merged"


def _told_apart(reports: list[tuple[str, Report]]) -> list[dict[str, str]]:
    """Give an `id` with its file to each role that shares its own with one of another report.

    Where the files have one name, as those of two repositories may, it is the name of the report.

    Returns:
        For each report the new ids by the old ones, where they differ.
    """
    held = [
        (n, name, role)
        for n, (name, report) in enumerate(reports)
        for role in report.roles
        if not _of_account(role.arn)
    ]
    ids = {(n, role.id): role.id for n, _, role in held}
    for places in ([role.source.file for _, _, role in held], [name for _, name, _ in held]):
        shared = [(ids[n, role.id], place) for (n, _, role), place in zip(held, places, strict=True)]
        apart = ids_apart(shared)
        ids |= {(n, role.id): apart.get(one, one[0]) for (n, _, role), one in zip(held, shared, strict=True)}
    return [{old: new for (n, old), new in ids.items() if n == number and new != old} for number in range(len(reports))]


def _renamed(role: RoleReport, ids: Mapping[str, str]) -> RoleReport:
    if role.id not in ids:
        return role
    new = ids[role.id]
    return replace(role, id=new, findings=[replace(finding, role=new) for finding in role.findings])


def without_repeats(findings: list[Finding]) -> list[Finding]:
    """Leave out findings about a policy that many accounts share, after the first."""
    seen: set[tuple[str, str, str]] = set()
    out = []
    for finding in findings:
        key = (finding.rule, finding.location.address, finding.message)
        if not finding.location.address or key not in seen:
            seen.add(key)
            out.append(finding)
    return out


def _join_extra(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    mine = into.setdefault("scan", {"accounts": []})
    theirs = more.get("scan") or {}
    mine["accounts"] = sorted(mine["accounts"] + list(theirs.get("accounts") or ()), key=lambda a: (a["path"], a["id"]))
    mine["units"] = totals(mine["accounts"])
    if "shards" in theirs:
        mine["shards"] = sorted({*mine.get("shards", ()), *theirs["shards"]})
    for verdict, count in (theirs.get("confirm") or {}).items():
        confirm = mine.setdefault("confirm", {})
        confirm[verdict] = confirm.get(verdict, 0) + count
