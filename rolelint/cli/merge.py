"""`rolelint merge`: one report of several."""

from __future__ import annotations

import json
from typing import Any

import click

from rolelint.cli.check import Settings, perform
from rolelint.cli.check import command as check
from rolelint.cli.command import Command
from rolelint.errors import InputError

_SHARED = ("format_name", "output", "effects", "fail_on", "allow_unknown", "color", "verbose")


def _run(reports: tuple[str, ...], **options: Any) -> int:
    """Join JSON reports of different accounts, for example of the shards of `rolelint scan --org`.

    Totals are added up by unit of the Organization. An account may be in one report only. Roles of several reports that
    share an id have their file, or the name of their report, before it.

    Exit codes: as of `rolelint check`, for everything together.
    """
    from rolelint import rulebook
    from rolelint.cli.scan_text import closing
    from rolelint.findings.saved import join, report_from

    loaded = [(name, report_from(_load(name))) for name in reports]

    def fill(_request: Any, _judge: Any, _book: Any, _options: Any, report: Any) -> None:
        joined = join(loaded)
        fail_on = report.fail_on
        for name in ("roles", "findings", "unknown", "errors", "warnings", "files", "checked", "suppressed", "extra"):
            setattr(report, name, getattr(joined, name))
        report.actor, report.overlays = joined.actor, joined.overlays
        report.fail_on = fail_on
        report.inputs.update(reports)

    return perform(rulebook, Settings.of(options), fill=fill, closing=closing)


def _load(name: str) -> Any:
    """Read a report as data.

    Raises:
        InputError: when it cannot be read, or has not the published shape; keys of a later version are borne.
    """
    from pathlib import Path

    import rolelint.reporters
    from rolelint.documents.encoding import decode
    from rolelint.documents.json_text import parse_json
    from rolelint.documents.shape import misfits
    from rolelint.findings.saved import check_version
    from rolelint.sources.files import named_source, read_source

    source = named_source(name)
    document = parse_json(source.name, decode(source.name, read_source(source)))
    check_version(document.data, source.name)
    schema = json.loads(
        (Path(rolelint.reporters.__file__).parent / "report.schema.json").read_bytes(),
        object_hook=lambda part: {key: value for key, value in part.items() if value is not False},
    )
    wrong = misfits(document, schema)
    if wrong:
        raise InputError(
            f"the report is not complete: {wrong[0].message}", location=wrong[0].location, hint="write it once more"
        )
    return document.data


command = Command(
    "merge",
    callback=_run,
    help=_run.__doc__,
    params=[
        click.Argument(["reports"], nargs=-1, required=True, metavar="REPORT..."),
        *(p for p in check.params if p.name in _SHARED),
    ],
)
