"""`rolelint catalog`: look into the action catalogue, build it and bring it up to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rolelint.cli.command import Group
from rolelint.errors import InputError, UsageError, counted, printable

if TYPE_CHECKING:
    from rolelint.catalog import Action, Catalog
    from rolelint.catalog.compiling import Built
    from rolelint.catalog.updating import Change

#: The exit code of a check that does not hold. Wrong input is an error, which ends in 2.
FAILED = 1
#: How many names of one kind of change are printed before the rest is only counted.
SHOWN = 40
READING_HEAD = ("pass", "blind", "scope", "services", "judged", "same on destructive or not", "same class", "corrected")

_format = click.option("--format", "-f", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
_labels = click.option(
    "--labels",
    "label_files",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Own effect labels over the catalogue's. Repeatable.",
)
_output = click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder of the source and the built file, where not the shipped one.",
)
_labels_folder = click.option(
    "--labels-folder", type=click.Path(path_type=Path), help="Folder of the label files, where not the shipped one."
)


@click.group(cls=Group)
def catalog() -> None:
    """Look into the catalogue of AWS actions and what each does to an environment."""


#: What the table of commands looks for.
command = catalog


@catalog.command()
@click.argument("patterns", nargs=-1, required=True)
@_format
@_labels
def show(patterns: tuple[str, ...], form: str, label_files: tuple[Path, ...]) -> None:
    """Show the actions that PATTERNS cover, with their labels.

    A pattern is an IAM action pattern such as `rds:Modify*`.

    R is how it is undone: R0 by one opposite call, R1 from configuration, R2 from a copy or in a grace period, R3 not
    at all. B is how far it reaches: B0 an item, B1 a resource, B2 a container with its contents, B3 a setting of an
    account or Region, B4 an organization, a DNS zone or many accounts.
    """
    from rolelint.cli.asking import nearest_action

    known = _catalog(label_files)
    mask = 0
    for pattern in patterns:
        found = known.expand(pattern)
        if not found:
            raise InputError(f"no action matches `{printable(pattern)}`", hint=nearest_action(known, pattern))
        mask |= found
    _print(known, mask, form, detailed=mask.bit_count() == 1)


@catalog.command()
@click.option("--class", "classes", multiple=True, help="Primary effect class; may be given several times.")
@click.option("--also", "further", multiple=True, help="Primary or further effect class.")
@click.option("--service", "services", multiple=True, help="Service prefix.")
@click.option("--level", "levels", multiple=True, help="Access level.")
@click.option(
    "--with",
    "attributes",
    multiple=True,
    help="Attribute: R0-R3, B0-B4, now, grace, deferred, on-trigger, direct, parameter, payload, reviewed, rule, "
    "undecided, user, stateful, recovery, taggable, resource, no-resource, parameter-key, write-level.",
)
@click.option("--destructive", is_flag=True, help="Only actions with a destructive primary class.")
@_format
@_labels
def find(
    classes: tuple[str, ...],
    further: tuple[str, ...],
    services: tuple[str, ...],
    levels: tuple[str, ...],
    attributes: tuple[str, ...],
    destructive: bool,
    form: str,
    label_files: tuple[Path, ...],
) -> None:
    """Find actions by class, service, level and attributes. Different options narrow, repeated ones widen."""
    from rolelint.catalog.model import ATTRIBUTES, CLASSES, UNKNOWN
    from rolelint.catalog.published import LEVELS

    known = _catalog(label_files)
    _check("effect class", (*classes, *further), (*CLASSES, UNKNOWN))
    _check("access level", levels, LEVELS)
    _check("attribute", attributes, ATTRIBUTES)
    _check("service", services, known.prefixes())
    mask = known.destructive if destructive else known.full
    for wanted, give in (
        (classes, known.class_mask),
        (further, known.also_mask),
        (services, known.service_mask),
        (levels, known.level_mask),
    ):
        if wanted:
            mask &= _union(give(word) for word in wanted)
    for attribute in attributes:
        mask &= known.attribute_mask(attribute)
    _print(known, mask, form)


@catalog.command()
@_format
def stats(form: str) -> None:
    """Count actions per class and decision, and show where the data comes from."""
    known = _catalog(())
    facts = _statistics(known)
    if form == "json":
        _json(facts)
        return
    click.echo(f"{facts['actions']} actions in {facts['services']} services, {facts['destructive']} destructive\n")
    _table(
        [("class", "actions", "write-level", "reviewed")]
        + [(c, str(n["actions"]), str(n["write_level"]), str(n["reviewed"])) for c, n in facts["classes"].items()]
    )
    click.echo()
    _table(
        [("decided", "actions", "write-level")]
        + [(d, str(n["actions"]), str(n["write_level"])) for d, n in facts["decided"].items()]
    )
    click.echo(f"\nundecided write-level actions: {facts['undecided_write_level']}")
    if facts["later_readings"]:
        click.echo("\nlater readings of labels; the scopes were chosen in different ways and do not add up")
        _table([READING_HEAD, *(_reading_row(row) for row in facts["later_readings"])])
        click.echo()
    else:
        click.echo("later readings of labels: none recorded")
    click.echo(
        f"services reviewed action by action: {facts['reviewed_services']} with "
        f"{facts['reviewed_services_write_level']} write-level actions; label files: {facts['label_files']}"
    )
    for source in facts["sources"]:
        name = source.get("facts") or "actions, resource types, condition keys"
        click.echo(f"source: {source['source']} {source.get('version', '')} ({source['date']}): {name}")
    managed = facts["managed_policies"]
    click.echo(f"source: {managed['source']} {managed['version']} ({managed['date']}): {managed['policies']} policies")
    click.echo(f"content: sha256 {facts['sha256']}")


@catalog.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when the built file is not current.")
@_output
@_labels_folder
def build(check: bool, output: Path | None, labels_folder: Path | None) -> None:
    """Build the catalogue from what AWS publishes, the label files and the reviewed tables."""
    from rolelint.catalog import artefact, compiling, labels, published

    folder = output or compiling.DATA
    target = folder / compiling.TARGET.name
    built = compiling.build(published.read(folder / compiling.SOURCE.name), labels_folder or labels.FOLDER)
    for problem in built.problems:
        click.echo(f"error: {problem}", err=True)
    undecided = _undecided(built)
    if check:
        current = compiling.is_current(built, target)
        if not current:
            click.echo(f"error: {target} is not current. run `rolelint catalog build`", err=True)
        if undecided:
            click.echo(f"error: {undecided} write-level actions are undecided. add them to the label files", err=True)
        for name in built.missed:
            click.echo(f"error: `{name}` has no label in the file of its service, which is dated as reviewed", err=True)
        managed = artefact.Artefact(folder / "managed.bin") if (folder / "managed.bin").is_file() else None
        damaged = managed is not None and not managed.verify()
        if damaged:
            click.echo(f"error: {folder / 'managed.bin'} is damaged", err=True)
        if built.problems or built.missed or undecided or damaged or not current:
            raise click.exceptions.Exit(FAILED)
        click.echo(f"{target} is current")
        return
    if built.problems:
        raise click.exceptions.Exit(FAILED)
    artefact.replace_file(target, artefact.pack(built.header, built.sections, plain=True))
    counts = built.header["counts"]
    click.echo(f"wrote {target}: {counts['actions']} actions, {counts['decided']['reviewed']} reviewed")
    if undecided:
        click.echo(f"{undecided} write-level actions are undecided")


@catalog.command()
@click.option("--from", "source", help="A copy of the feed, or its address.", show_default="AWS's service reference")
@click.option("--managed", type=click.Path(path_type=Path), help="A wheel of moto to take managed policies from.")
@click.option("--force", is_flag=True, help="Take over even when counts fall or a prefix empties.")
@click.option("--dry-run", is_flag=True, help="Show what would change and write nothing.")
@_output
@_labels_folder
@_format
def update(
    source: str | None,
    managed: Path | None,
    force: bool,
    dry_run: bool,
    output: Path | None,
    labels_folder: Path | None,
    form: str,
) -> None:
    """Take over AWS's newest list of actions.

    New write-level actions stay undecided until someone labels them.
    """
    from rolelint.catalog import artefact, compiling, feed, labels, published, updating

    folder = output or compiling.DATA
    where = folder / compiling.SOURCE.name
    old = published.read(where if where.is_file() else compiling.SOURCE)
    reviewed = labels_folder or labels.FOLDER
    files: dict[Path, bytes] = {}
    if managed is not None:
        files[folder / "managed.bin"] = _managed(managed)
    if managed is None or source is not None:
        new = feed.read(source or feed.URL, old)
        entries = labels.read_folder(reviewed).entries
        merged, change = updating.merge(old, new, (entry.action for entry in entries))
        _show_change(change, form)
        if change.reasons and not force:
            for reason in change.reasons:
                click.echo(f"refused: {reason}", err=True)
            click.echo("nothing was written. look at the feed, then repeat with --force", err=True)
            raise click.exceptions.Exit(FAILED)
        built = compiling.build(merged, reviewed)
        for problem in built.problems:
            click.echo(f"warning: {problem}", err=True)
        files[where] = published.encode(merged)
        files[folder / compiling.TARGET.name] = artefact.pack(built.header, built.sections, plain=True)
    if dry_run:
        click.echo("nothing was written (--dry-run)", err=True)
        return
    for path, data in files.items():
        artefact.replace_file(path, data)
        click.echo(f"wrote {path}", err=True)


def _managed(path: Path) -> bytes:
    from rolelint.catalog import managed, motodata

    documents, header = motodata.read(path)
    return managed.pack(documents, header)


def _show_change(change: Change, form: str) -> None:
    if form == "json":
        _json(
            {
                "before": change.before,
                "after": change.after,
                "new_services": change.new_services,
                "gone_services": change.gone_services,
                "new_actions": change.new_actions,
                "gone_actions": change.gone_actions,
                "undecided": change.undecided,
                "relevelled": [{"action": n, "before": a, "after": b} for n, a, b in change.relevelled],
                "refused": change.reasons,
            }
        )
        return
    click.echo(f"{change.before} actions before, {change.after} now")
    undecided = set(change.undecided)
    _few("new services", change.new_services)
    _few("services gone", change.gone_services)
    _few("new actions", [f"{n} (undecided)" if n in undecided else n for n in change.new_actions])
    _few("actions gone", change.gone_actions)
    levels = [(name, f"{name}: {a} -> {b}") for name, a, b in change.relevelled]
    _few("access levels changed", [f"{text} (undecided)" if n in undecided else text for n, text in levels])
    if change.empty:
        click.echo("nothing came or went")


def _few(title: str, names: Iterable[str]) -> None:
    rows = list(names)
    if not rows:
        return
    click.echo(f"{title}: {len(rows)}")
    for row in rows[:SHOWN]:
        click.echo(f"  {printable(row)}")
    if len(rows) > SHOWN:
        click.echo(f"  and {len(rows) - SHOWN} more")


def _catalog(label_files: tuple[Path, ...]) -> Catalog:
    from rolelint.catalog import catalog as current

    known = current()
    if label_files:
        from rolelint.catalog import labels

        known = known.with_overlay(labels.overlay(label_files, known))
    return known


def _statistics(known: Catalog) -> dict[str, Any]:
    from rolelint.catalog import labels
    from rolelint.catalog.model import CLASSES, DECISIONS, UNKNOWN

    write, reviewed = known.attribute_mask("write-level"), known.attribute_mask("reviewed")
    managed = known.managed_policy_header()
    services = known.header["reviewed_services"]
    return {
        "actions": known.size,
        "services": len(known.prefixes()),
        "destructive": known.destructive.bit_count(),
        "classes": {
            cls: {
                "actions": mask.bit_count(),
                "write_level": (mask & write).bit_count(),
                "reviewed": (mask & reviewed).bit_count(),
            }
            for cls in (*CLASSES, UNKNOWN)
            for mask in [known.class_mask(cls)]
        },
        "decided": {
            word: {"actions": mask.bit_count(), "write_level": (mask & write).bit_count()}
            for word in DECISIONS
            if word != "user"
            for mask in [known.attribute_mask(word)]
        },
        "write_level": write.bit_count(),
        "undecided_write_level": (known.attribute_mask("undecided") & write).bit_count(),
        "reviewed_services": len(services),
        "reviewed_services_write_level": (write & _union(known.service_mask(s) for s in services)).bit_count(),
        "label_files": sum(1 for p in labels.FOLDER.glob("*.yaml") if p.name != labels.LATER_READINGS),
        "later_readings": _readings(),
        "sources": known.header["sources"],
        "managed_policies": {
            "source": managed["source"],
            "version": managed["version"],
            "date": managed["date"],
            "policies": managed["counts"]["policies"],
        },
        "sha256": known.header["sha256"],
    }


def _readings() -> list[dict[str, Any]]:
    """Sum the later readings up over services, each pass and scope apart."""
    from rolelint.catalog import labels

    groups: dict[tuple[int, bool, str, str], list[labels.LaterReading]] = {}
    for reading in labels.later_readings(labels.FOLDER):
        groups.setdefault((reading.number, reading.blind, reading.scope, reading.date), []).append(reading)
    return [
        {
            "pass": number,
            "blind": blind,
            "scope": scope,
            "date": date,
            "services": len({r.service for r in rows}),
            "judged": sum(r.judged for r in rows),
            "same_effect": sum(r.agreed for r in rows),
            "same_class": sum(r.same_class for r in rows),
            "corrected": sum(r.corrected for r in rows),
        }
        for (number, blind, scope, date), rows in groups.items()
    ]


def _reading_row(row: dict[str, Any]) -> tuple[str, ...]:
    judged = row["judged"]
    shares = [f"{row[key]} ({row[key] / judged:.1%})" if judged else "0" for key in ("same_effect", "same_class")]
    start = (str(row["pass"]), "yes" if row["blind"] else "no", row["scope"], str(row["services"]))
    return (*start, str(judged), *shares, str(row["corrected"]))


def _undecided(built: Built) -> int:
    count: int = built.header["counts"]["decided"]["undecided"]
    return count


def _union(masks: Iterable[int]) -> int:
    total = 0
    for mask in masks:
        total |= mask
    return total


def _check(what: str, given: Iterable[str], valid: Iterable[str]) -> None:
    import difflib

    names = list(valid)
    for word in given:
        if word not in names:
            by_case = {name.lower(): name for name in names}
            near = difflib.get_close_matches(word.lower(), by_case, 1)
            hint = f"did you mean `{by_case[near[0]]}`?" if near else ""
            raise UsageError(f"unknown {what} `{printable(word)}`", hint=hint)


def _record(action: Action) -> dict[str, Any]:
    label = action.label
    types = action.signature.targets
    return {
        "action": action.name,
        "class": label.cls,
        "also": list(label.also),
        "destructive": label.destructive,
        "reversibility": label.reversibility,
        "blast": label.blast,
        "timing": label.timing,
        "via": label.via,
        "parameter": label.parameter,
        "decided": label.decided,
        "reason": label.reason,
        "levels": sorted(action.levels),
        "required": [t.key for t in action.signature.required],
        "optional": [t.key for t in action.signature.optional],
        "stateful": any(t.stateful for t in types),
        "taggable": any(t.taggable for t in types),
        "condition_keys": list(action.keys),
    }


def _print(known: Catalog, mask: int, form: str, *, detailed: bool = False) -> None:
    actions = [known.action(i) for i in known.indexes(mask)]
    if form == "json":
        _json([_record(action) for action in actions])
        return
    if detailed:
        _details(actions[0])
        return
    rows = [("action", "level", "class", "also", "R", "B", "timing", "via", "decided")]
    for action in actions:
        label = action.label
        levels = "+".join(sorted(action.levels))
        also, via = ",".join(label.also), label.via
        rows.append(
            (action.name, levels, label.cls, also, label.reversibility, label.blast, label.timing, via, label.decided)
        )
    _table(rows)
    click.echo(counted(len(actions), "action"))


def _details(action: Action) -> None:
    record = _record(action)
    formats = {t.key: t.formats for t in action.signature.types}
    for field, value in record.items():
        text = ", ".join(value) if isinstance(value, list) else str(value).lower() if value in (True, False) else value
        if text:
            click.echo(f"{field.replace('_', ' '):16} {text}")
    for key, texts in formats.items():
        for text in texts:
            click.echo(f"{'arn':16} {text}  ({key})")


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    used = [i for i in range(len(widths)) if any(row[i] for row in rows[1:])] or list(range(len(widths)))
    for row in rows:
        click.echo("  ".join(row[i].ljust(widths[i]) for i in used).rstrip())


def _json(value: object) -> None:
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
