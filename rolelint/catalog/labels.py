"""Reads label files: what each action of a service does, as a person decided it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rolelint.catalog.model import DEFAULTS, Label
from rolelint.documents import Document
from rolelint.documents import parse as parse_text
from rolelint.documents.shape import misfits
from rolelint.errors import InputError, Location, Problem, nearest, reason_of
from rolelint.records import record

if TYPE_CHECKING:
    from rolelint.catalog.loaded import Catalog

FOLDER = Path(__file__).parent / "labels"
SCHEMA = Path(__file__).parent / "labels.schema.json"
LATER_READINGS = "second-pass.yaml"
_REVIEWED = re.compile(r"^reviewed: *[\"']?([0-9-]{10})", re.MULTILINE)


@record
class Entry:
    """One line of a label file. `target`: the resource types that replace the published required ones."""

    action: str
    label: Label
    target: tuple[str, ...]
    location: Location


def read(path: Path, *, decided: str = "reviewed") -> tuple[list[Entry], list[Problem]]:
    """Read one label file, collecting every problem with its line.

    Args:
        decided: what the labels say about who decided: `reviewed`, or `user` for an overlay.
    """
    name = str(path)
    try:
        return parse(path.read_bytes(), name, decided=decided)
    except OSError as error:
        return [], [Problem(f"the file cannot be read: {reason_of(error)}", Location(name))]


def parse(text: str | bytes, name: str, *, decided: str = "reviewed") -> tuple[list[Entry], list[Problem]]:
    """Read label text. The text may hold several YAML documents, one per service."""
    try:
        documents = parse_text(name, text)
    except InputError as error:
        return [], [Problem(error.message, error.location or Location(name), error.hint)]
    entries: list[Entry] = []
    problems: list[Problem] = []
    for document in documents:
        found, wrong = _document(document, decided)
        entries += found
        problems += wrong
    if not entries and not problems:
        problems.append(Problem("no labels", Location(name), "write `service:` and `actions:`"))
    return entries, problems


@record
class Folder:
    """All label files of a folder.

    Attributes:
        reviewed: services whose file gives a date under `reviewed`, with the date: a promise that somebody decided
            every write-level action of the service.
    """

    entries: list[Entry]
    problems: list[Problem]
    reviewed: dict[str, str]


def read_folder(folder: Path = FOLDER) -> Folder:
    """Read all label files of a folder, in the order of their names; locations name them within the folder."""
    found = Folder([], [], {})
    for path in sorted(folder.glob("*.yaml")):
        if path.name == LATER_READINGS:
            continue
        text = path.read_text(encoding="utf-8")
        entries, problems = parse(text, f"{folder.name}/{path.name}")
        found.problems.extend(problems)
        for entry in entries:
            if entry.action.split(":", 1)[0] != path.stem:
                found.problems.append(Problem(f"`{entry.action}` belongs into another file", entry.location))
        found.entries.extend(entries)
        date = _REVIEWED.search(text)
        if date:
            found.reviewed[path.stem] = date.group(1)
    return found


@record
class LaterReading:
    """One reading of a service's labels by somebody else than their author.

    Attributes:
        number: 2 for the second reading, and so on.
        blind: the judgement was written down before the label was looked at.
        scope: how the labels were chosen, for example `sample`; numbers of different scopes do not add up.
        judged: how many labels were read, the sum of `agreed` and `changed`.
        agreed, changed: the readings are at one, or differ, on destructive or not.
        same_class: how many labels got the same primary class.
        corrected: how many labels have another primary class since.
    """

    number: int
    blind: bool
    service: str
    scope: str
    date: str
    judged: int
    agreed: int
    changed: int
    same_class: int
    corrected: int


def later_readings(folder: Path) -> list[LaterReading]:
    """Read the record of later readings; empty when there is none.

    Raises:
        InputError: a row is not complete or its numbers do not add up.
    """
    import yaml

    path = folder / LATER_READINGS
    if not path.is_file():
        return []
    where = Location(f"{folder.name}/{path.name}")
    out = []
    try:
        for row in yaml.load(path.read_bytes(), Loader=_loader())["passes"]:
            name, scope, date = str(row["service"]), str(row["scope"]), str(row["date"])
            counts = [int(row[key]) for key in ("sampled", "agreed", "changed", "same_class", "corrected")]
            found = LaterReading(int(row["pass"]), bool(row["blind"]), name, scope, date, *counts)
            if found.judged != found.agreed + found.changed:
                raise InputError(f"`{name}`: sampled is not agreed plus changed", location=where)
            if not found.same_class <= found.agreed or not 0 <= found.corrected <= found.judged:
                raise InputError(f"`{name}`: same_class or corrected is out of range", location=where)
            out.append(found)
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        what = str(error).splitlines()[0]
        raise InputError(f"not a record of later readings: {what}", location=where) from error
    return out


def overlay(paths: Iterable[Path], known: Catalog) -> dict[str, Label]:
    """Read users' label files: lower-cased action to label, later files win.

    Args:
        known: the catalogue whose actions they label.

    Raises:
        InputError: the first problem found, with its line; an action that the catalogue has not is one.
    """
    labels: dict[str, Label] = {}
    for path in paths:
        entries, problems = read(path, decided="user")
        if problems:
            first = problems[0]
            raise InputError(first.message, location=first.location, hint=first.hint)
        for entry in entries:
            if known.index(entry.action) is None:
                raise _no_action(entry, known)
        labels.update((entry.action.lower(), entry.label) for entry in entries)
    return labels


def _no_action(entry: Entry, known: Catalog) -> InputError:
    service = entry.action.partition(":")[0]
    names = known.names(known.service_mask(service))
    there = (
        f"`rolelint catalog show '{service}:*'` lists the service's" if names else f"no service is called `{service}`"
    )
    hint = nearest(entry.action, names) or there
    return InputError(f"the catalogue has no action `{entry.action}`", location=entry.location, hint=hint)


def label_of(fields: dict[str, Any], decided: str) -> Label:
    """Build a label from the fields of a label line, filling in its class's defaults."""
    cls = fields["class"]
    reversibility, blast = DEFAULTS[cls]
    via, _, parameter = str(fields.get("via", "direct")).partition(" ")
    return Label(
        cls=cls,
        also=tuple(fields.get("also", ())),
        reversibility=fields.get("r", reversibility),
        blast=fields.get("b", blast),
        timing=fields.get("timing", "now"),
        via=via,
        parameter=parameter.strip(),
        decided=decided,
        reason=fields.get("why", ""),
    )


def _document(document: Document, decided: str) -> tuple[list[Entry], list[Problem]]:
    problems = misfits(document, _schema())
    if problems:
        return [], problems
    entries = []
    for name, fields in document.data["actions"].items():
        label = label_of(fields, decided)
        where = document.locate(("actions", name))
        if not label.reason and decided == "reviewed":
            problems.append(Problem(f"`{name}` does not say `why`", where))
        if label.cls in label.also:
            problems.append(Problem(f"`{name}` lists its primary class under `also`", where))
        entries.append(Entry(f"{document.data['service']}:{name}", label, tuple(fields.get("target", ())), where))
    return entries, problems


@cache
def _schema() -> Any:
    import json

    return json.loads(SCHEMA.read_bytes())


def _loader() -> Any:
    """Pick the C parser where PyYAML has it: the same nodes, some ten times faster."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
