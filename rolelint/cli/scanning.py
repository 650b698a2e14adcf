"""The work behind `rolelint scan`: options to calls, calls to documents, documents to the report."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from rolelint.documents import Document
from rolelint.errors import UsageError, printable
from rolelint.lint import Request, lint
from rolelint.records import record
from rolelint.sources.aws.account import Wanted, read_account
from rolelint.sources.aws.caller import Caller, NotSeen
from rolelint.sources.aws.calls import PARTS, policy_text
from rolelint.sources.aws.production import Production
from rolelint.sources.aws.session import Access, connect


def split_options(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part the options of the scan itself from those that every judging command has."""
    from rolelint.cli.scan import OWN

    names = {parameter.name for parameter in OWN}
    return {k: v for k, v in options.items() if k in names}, {k: v for k, v in options.items() if k not in names}


@record(frozen=False)
class Scan:
    """One scan, as the command line asks for it."""

    access: Access
    wanted: Wanted
    parts: frozenset[str]
    dump: str
    redact: bool

    @classmethod
    def of(cls, own: dict[str, Any]) -> Scan:
        """Make a scan of the command's options."""
        parts = {"principals", "guardrails", "identity-center", "resource-policies"} - set(own["skip"])
        for option, part in (("inventory", "inventory"), ("last_accessed", "last-accessed"), ("confirm", "confirm")):
            if own[option]:
                parts.add(part)
        if own["confirm"] and own["redact"]:
            raise UsageError("--confirm and --redact do not go together", hint="AWS must be asked by real names")
        access = Access(
            own["profile"],
            own["region"][0] if own["region"] else "",
            own["assume_role"],
            own["external_id"],
            own["mfa_serial"],
            duration=own["duration"],
            endpoint_url=own["endpoint_url"],
        )
        wanted = Wanted(frozenset(parts), own["region"], _production(own), own["concurrency"], own["unused_days"])
        return cls(access, wanted, frozenset(parts), own["dump"], own["redact"])

    def policy_text(self) -> str:
        """Write the policy that this scan needs."""
        return policy_text(part for part in PARTS if part in self.parts)

    def fill(self, request: Request, judge: Any, book: Any, options: Any, report: Any) -> None:
        """Read the account and judge it into the report."""
        session = connect(self.access, ask_code)
        aws = Caller(session)
        try:
            with _Progress() as progress:
                dump = read_account(aws, self.wanted, progress)
        except NotSeen as error:
            raise UsageError(f"the account could not be read: {error.reason}") from error
        document = self.document(dump)
        lint(request, judge, book, options, report, (document,))

    def document(self, dump: dict[str, Any]) -> Document:
        """Make the document that is judged, and keep it as a file when that is asked for."""
        account = dump["Rolelint"]["account"]
        if not self.dump:
            return Document(f"aws:{account}", "json", "", dump)
        from rolelint.documents.json_text import parse_json

        text = json.dumps(dump, indent=1, ensure_ascii=False) + "\n"
        write_private(self.dump, text)
        return parse_json(self.dump, text)

    def closing(self, report: Any) -> str:
        """Write what a person should know after the findings."""
        return ""


def _production(own: dict[str, Any]) -> Production:
    made = Production()
    keys: list[str] = []
    values: list[str] = []
    for text in own["production_tag"]:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"`{printable(text)}` is not KEY=VALUE", hint="write --production-tag env=prod*")
        keys.append(key.lower())
        values.append(value)
    return Production(
        tuple(keys) or made.tag_keys,
        tuple(values) or made.tag_values,
        own["production_name"],
        own["production_account"],
    )


def ask_code(prompt: str) -> str:
    """Ask a person for an MFA code on standard error."""
    code: str = click.prompt(prompt.rstrip(": "), err=True, hide_input=True)
    return code


def write_private(path: str, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    import tempfile

    folder = os.path.dirname(os.path.abspath(path))
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".rolelint-", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass", newline="\n") as stream:
            stream.write(text)
        os.replace(temporary, path)
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise UsageError(f"cannot write `{printable(path)}`: {reason}") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


class _Progress:
    """A line that moves on a terminal; nothing otherwise."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            click.echo("\r\033[K", nl=False, err=True)

    def __call__(self, name: str, done: int, every: int) -> None:
        """Show what was finished."""
        if self._shown:
            click.echo(f"\r\033[Kreading {done}/{every} {printable(name)[:60]}", nl=False, err=True)
