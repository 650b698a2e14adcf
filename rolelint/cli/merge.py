"""`rolelint merge`: one report of several."""

from __future__ import annotations

from typing import Any

import click

from rolelint.cli.check import Settings, perform
from rolelint.cli.check import command as check

_SHARED = ("format_name", "output", "effects", "fail_on", "allow_unknown", "color", "verbose")


def _run(reports: tuple[str, ...], **options: Any) -> int:
    """Join JSON reports of different accounts, for example of the shards of `rolelint scan --org`.

    Totals are added up by unit of the Organization. An account may be in one report only.

    Exit codes: as of `rolelint check`, for everything together.
    """
    from rolelint import rulebook
    from rolelint.cli.scan_text import closing
    from rolelint.findings.saved import join, report_from

    loaded = [(name, report_from(_load(name), name)) for name in reports]

    def fill(_request: Any, _judge: Any, _book: Any, _options: Any, report: Any) -> None:
        joined = join(loaded)
        fail_on = report.fail_on
        for name in ("roles", "findings", "unknown", "errors", "warnings", "files", "checked", "suppressed", "extra"):
            setattr(report, name, getattr(joined, name))
        report.actor, report.labels_overlay = joined.actor, joined.labels_overlay
        report.fail_on = fail_on

    return perform(rulebook, Settings.of(options), fill=fill, closing=closing)


def _load(name: str) -> Any:
    from rolelint.documents.encoding import decode
    from rolelint.documents.json_text import parse_json
    from rolelint.sources.files import Source, read_source

    source = Source("<stdin>", "", True) if name == "-" else Source(name, name, True)
    return parse_json(source.name, decode(source.name, read_source(source))).data


command = click.Command(
    "merge",
    callback=_run,
    help=_run.__doc__,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Argument(["reports"], nargs=-1, required=True, metavar="REPORT..."),
        *(p for p in check.params if p.name in _SHARED),
    ],
)
