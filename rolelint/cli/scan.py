"""`rolelint scan`: what the roles of a live AWS account or Organization can destroy."""

from __future__ import annotations

from typing import Any

import click

from rolelint.cli.check import Settings, perform
from rolelint.cli.check import command as check
from rolelint.cli.command import Command

_SKIPPABLE = ("guardrails", "identity-center", "resource-policies")


def _run(**options: Any) -> int:
    """Say what the roles and users of a live AWS account can destroy, and what grants it.

    Credentials are found as the AWS command line finds them. The scan only reads; --print-policy prints the policy
    that it needs. What could not be read is listed as unknown.

    Exit codes: 0 clean, 1 findings at or above --fail-on, 2 errors, 3 nothing to check, 4 something is unknown or
    was not seen.
    """
    from rolelint import rulebook
    from rolelint.cli.scan_text import closing
    from rolelint.cli.scanning import Scan
    from rolelint.sources.aws.writing import refuse_unwritable

    names = {parameter.name for parameter in OWN}
    scan = Scan({name: value for name, value in options.items() if name in names})
    if options["print_policy"]:
        click.echo(scan.policy_text(), nl=False)
        return 0
    for path in filter(None, (options["dump"], options["output"])):
        refuse_unwritable(path)
    rest = {name: value for name, value in options.items() if name not in names}
    return perform(rulebook, Settings.of(rest), fill=scan.fill, closing=closing, nothing=scan.nothing())


#: Options of `check` that say how files are read.
UNUSED = ("paths", "exclude", "forced_type", "no_cache", "hook", "parameters")

OWN = (
    click.Option(["--profile"], default="", metavar="NAME", help="Profile of the AWS configuration."),
    click.Option(
        ["--region"],
        multiple=True,
        metavar="REGION",
        help="Region to sign in to and to look at. Repeatable; every Region that is switched on otherwise.",
    ),
    click.Option(["--assume-role"], default="", metavar="ARN", help="Role to assume first."),
    click.Option(["--external-id"], default="", metavar="ID", help="External id for --assume-role."),
    click.Option(["--mfa-serial"], default="", metavar="ARN", help="MFA device for --assume-role; asks for its code."),
    click.Option(
        ["--duration"],
        type=click.IntRange(900, 43200),
        default=3600,
        show_default=True,
        metavar="SECONDS",
        help="Session length of assumed roles.",
    ),
    click.Option(["--endpoint-url"], default="", metavar="URL", help="Endpoint of every service."),
    click.Option(["--dump"], default="", metavar="FILE", help="Keep what was read, for `rolelint check FILE`."),
    click.Option(["--redact"], is_flag=True, help="Replace account ids and names, the same everywhere."),
    click.Option(
        ["--redact-key"],
        default="",
        metavar="FILE",
        help="Secret that --redact depends on: the same replacements in every run with it, as in all shards.",
    ),
    click.Option(["--inventory"], is_flag=True, help="Count the real resources that each role could destroy."),
    click.Option(["--last-accessed"], is_flag=True, help="Mark power that was not used lately."),
    click.Option(
        ["--unused-days"],
        type=click.IntRange(1, 400),
        default=90,
        show_default=True,
        metavar="N",
        help="Days without use that make a permission unused.",
    ),
    click.Option(["--confirm"], is_flag=True, help="Ask AWS's policy simulator about each request found."),
    click.Option(
        ["--skip"],
        multiple=True,
        type=click.Choice(_SKIPPABLE),
        help="Leave a part out. Repeatable.",
    ),
    click.Option(
        ["--production-tag"],
        multiple=True,
        metavar="KEY=VALUE",
        help="Tag of production resources, globs allowed. Repeatable. [default: env, environment or stage=prod]",
    ),
    click.Option(["--production-name"], multiple=True, metavar="GLOB", help="Resource names that mean production."),
    click.Option(
        ["--production-account"],
        multiple=True,
        metavar="GLOB",
        help="Accounts, by id, name or alias, that are production.",
    ),
    click.Option(
        ["--concurrency"],
        type=click.IntRange(1, 64),
        default=8,
        show_default=True,
        metavar="N",
        help="Calls, or accounts of an Organization, at once.",
    ),
    click.Option(["--org"], is_flag=True, help="Scan every account of the Organization."),
    click.Option(
        ["--org-role"],
        default="OrganizationAccountAccessRole",
        show_default=True,
        metavar="NAME",
        help="Role to assume in each account.",
    ),
    click.Option(["--include-ou"], multiple=True, metavar="OU", help="Only these units: id, name or path. Repeatable."),
    click.Option(["--exclude-ou"], multiple=True, metavar="OU", help="Not these units. Repeatable."),
    click.Option(
        ["--include-tag"], multiple=True, metavar="KEY=VALUE", help="Only accounts with this tag. Repeatable."
    ),
    click.Option(["--exclude-tag"], multiple=True, metavar="KEY=VALUE", help="No accounts with this tag. Repeatable."),
    click.Option(["--account"], multiple=True, metavar="GLOB", help="Only these accounts: id or name. Repeatable."),
    click.Option(
        ["--state"], default="", metavar="DIR", help="Keep finished accounts here, and do not read them again."
    ),
    click.Option(["--shard"], default="", metavar="I/N", help="Only the I-th of N parts of the accounts."),
    click.Option(["--print-policy"], is_flag=True, help="Print the least-privilege policy for this scan, and stop."),
)

command = Command(
    "scan",
    callback=_run,
    help=_run.__doc__,
    params=[*OWN, *(p for p in check.params if p.name not in UNUSED)],
)
