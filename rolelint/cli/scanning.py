"""The work behind `rolelint scan`: options to calls, calls to documents, documents to the report."""

from __future__ import annotations

import gc
import json
import pickle
import sys
from collections.abc import Callable
from typing import Any

import click

from rolelint.cli import tell
from rolelint.documents import Document
from rolelint.errors import Location, UsageError, printable
from rolelint.findings.model import Report, UnknownItem
from rolelint.findings.ranking import rank
from rolelint.findings.saved import without_repeats
from rolelint.findings.totals import account_row, totals
from rolelint.lint import Request, lint, read_guards
from rolelint.records import replace
from rolelint.sources.aws.account import Wanted, described, read_account
from rolelint.sources.aws.caller import Caller, Notes, NotSeen
from rolelint.sources.aws.calls import PARTS, policy_text
from rolelint.sources.aws.confirm import opinion
from rolelint.sources.aws.fleet import Choice, Fleet, Member, Outcome, members
from rolelint.sources.aws.production import Production
from rolelint.sources.aws.redact import Redactor
from rolelint.sources.aws.session import Access, Session, connect, partition_of
from rolelint.sources.aws.writing import write_private
from rolelint.sources.files import read_bytes

#: Accounts after which the clients of those that are done, which are cycles of many megabytes, are taken away.
_ACCOUNTS_PER_SWEEP = 10


#: Bytes below which the secret of `--redact-key` could be found by trying.
_SHORTEST_KEY = 16

_PRODUCTION = ("production_tag", "production_name", "production_account")


class Scan:
    """One scan, as the command line asks for it.

    Args:
        own: values of the command's own options, by name.
    """

    def __init__(self, own: dict[str, Any]) -> None:
        _refuse_contradictions(own)
        parts = {"principals", "guardrails", "identity-center", "resource-policies"} - set(own["skip"])
        for option, part in (
            ("inventory", "inventory"),
            ("last_accessed", "last-accessed"),
            ("confirm", "confirm"),
            ("org", "organization"),
        ):
            if own[option]:
                parts.add(part)
        if not own["region"] and parts & {"identity-center", "resource-policies", "inventory"}:
            parts.add("regions")
        if "guardrails" in parts and not own["org"]:
            parts.add("account-path")
        if own["include_tag"] or own["exclude_tag"]:
            parts.add("account-tags")
        self.own = own
        self.parts = frozenset(parts)
        self.access = Access(
            own["profile"],
            own["region"][0] if own["region"] else "",
            own["assume_role"],
            own["external_id"],
            own["mfa_serial"],
            duration=own["duration"],
            endpoint_url=own["endpoint_url"],
        )
        self.wanted = Wanted(self.parts, own["region"], _production(own), own["concurrency"], own["unused_days"])
        self._redactor = Redactor(_redact_key(own["redact_key"])) if own["redact"] else None
        self._confirmed: dict[str, int] = {}
        self._not_confirmed = Notes()

    def policy_text(self) -> str:
        """Write the policy that this scan needs."""
        role = self.own["org_role"] if self.own["org"] else ""
        return policy_text([part for part in PARTS if part in self.parts], partition_of(self.access), role)

    def fill(self, request: Request, judge: Any, book: Any, options: Any, report: Any) -> None:
        """Read what is asked for and judge it into the report."""
        # Once for all accounts, and before the first is read: a mistake in these files is told at once.
        guards = read_guards(request, report)

        def judged(dump: dict[str, Any], session: Session) -> Report:
            # In a report of its own: what is done once for each account must not look at all that came before.
            own = lint(request, judge, book, options, documents=(self._document(dump),), guards=guards)
            if "confirm" in self.parts:
                self._confirm(own.roles, Caller(session, self._not_confirmed))
            return own

        session = connect(self.access, ask_code)
        if self.own["org"]:
            self._organization(session, judged, report)
            return
        aws = Caller(session)
        try:
            with Progress() as progress:
                dump = read_account(aws, self.wanted, progress.part)
        except NotSeen as error:
            name = self.access.profile
            hint = f"run `aws sso login{f' --profile {name}' if name else ''}`" if "SSO" in error.reason else ""
            raise UsageError(f"the account could not be read: {self._reason(error.reason)}", hint=hint) from error
        report.take(judged(dump, session))
        own = dump["Rolelint"]
        levels = (own.get("organization") or {}).get("path") or ()
        path = "/".join(self._shown(level["name"]) for level in levels[:-1])
        number, name = self._shown(own["account"]), self._shown(own["name"] or own["alias"])
        row = account_row(number, name, path, report.roles, len(own["not_seen"]), "read")
        report.extra["scan"] = {"accounts": [row]}
        self._tell_confirm(report)

    def _document(self, dump: dict[str, Any]) -> Document:
        """Make the document that is judged, and keep it as a file when that is asked for."""
        if self._redactor is not None:
            dump = self._redactor.dump(dump)
        if not self.own["dump"]:
            return Document(f"aws:{dump['Rolelint']['account']}", "json", "", dump)
        from rolelint.documents.json_text import parse_json

        text = json.dumps(dump, indent=1, ensure_ascii=False) + "\n"
        write_private(self.own["dump"], text)
        return parse_json(self.own["dump"], text)

    def _shown(self, text: str) -> str:
        """Give a name as the report may show it."""
        return text if self._redactor is None else self._redactor.text(text)

    def _reason(self, text: str) -> str:
        """Give a reason as the report may show it: AWS quotes names in its own."""
        return text if self._redactor is None else text.partition(": ")[0]

    def _tell_not_seen(self, notes: Notes, place: str, report: Any) -> None:
        for note in notes.listed():
            shown = {**note, "reason": self._reason(note["reason"])}
            if "where" in note:
                shown["where"] = [self._shown(text) for text in note["where"]]
            report.unknown.append(UnknownItem("", "", "input", described(shown)["text"], Location(place)))

    def _organization(
        self, session: Session, judged: Callable[[dict[str, Any], Session], Report], report: Report
    ) -> None:
        fleet = Fleet(session, self.own["org_role"], self.wanted, self.own["concurrency"], self.own["state"])
        fleet.open_state(
            {
                # Which accounts are chosen is no part of what is read in each.
                "parts": sorted(self.parts - {"account-tags"}),
                "regions": list(self.own["region"]),
                "unused_days": self.own["unused_days"],
                **{name: list(self.own[name]) for name in _PRODUCTION},
            }
        )
        choice = _choice(self.own)
        none: list[Member] = []
        accounts = fleet.aws.part("accounts of the Organization", lambda: members(fleet.aws, choice), none)
        rows = []
        # As bytes: places hold on to the dump that they are in, and the collector would walk all of it at each sweep.
        parts: list[bytes] = []
        with Progress(len(accounts), self._shown) as progress:
            for outcome in fleet.read(accounts, progress.account):
                own, row = self._outcome(outcome, judged)
                parts.append(pickle.dumps(own, protocol=5))
                rows.append(row)
                if len(rows) % _ACCOUNTS_PER_SWEEP == 0:
                    gc.unfreeze()  # judging put the clients of the accounts read meanwhile out of the collector's sight
                    gc.collect()
        for part in parts:
            report.take(pickle.loads(part))
        rank(report)
        report.findings = without_repeats(report.findings)
        self._tell_not_seen(fleet.aws.notes, "aws:organization", report)
        rows.sort(key=lambda row: (row["path"], row["id"]))
        # A shard may have no account; that nobody wants one is a mistake in the options.
        report.checked = max(report.checked, int(bool(report.unknown or accounts or self.own["shard"])))
        report.extra["scan"] = {"accounts": rows, "units": totals(rows)}
        number, count = _shard(self.own["shard"])
        if count > 1:
            report.extra["scan"]["shards"] = [f"{number}/{count}"]
        self._tell_confirm(report)

    def _outcome(
        self, outcome: Outcome, judged: Callable[[dict[str, Any], Session], Report]
    ) -> tuple[Report, dict[str, Any]]:
        """Judge an account, and give its row among the totals."""
        member = outcome.member
        number, name, path = (self._shown(text) for text in (member.id, member.name, member.path))
        if outcome.dump is None:
            reason = self._reason(outcome.reason)
            place = Location(f"aws:{number}")
            unread = UnknownItem("", "", "account", f"{number} was not read: {reason}", place)
            return Report(unknown=[unread]), account_row(number, name, path, (), 1, "not read", reason)
        assert outcome.session is not None
        own = judged(outcome.dump, outcome.session)
        seen = len(outcome.dump["Rolelint"]["not_seen"])
        return own, account_row(number, name, path, own.roles, seen, "resumed" if outcome.resumed else "read")

    def _confirm(self, roles: list[Any], aws: Caller) -> None:
        """Ask AWS about each request that findings rest on."""
        for role in roles:
            asked: dict[str, Any] = {}
            for number, finding in enumerate(role.findings):
                witness = finding.witness
                if witness is None:
                    continue
                key = repr(witness)
                if key not in asked:
                    resources = witness.resource.split(", ")
                    asked[key] = opinion(
                        aws, witness.principal, witness.action, resources, witness.context, witness.assumes
                    )
                told = asked[key]
                self._confirmed[told.verdict] = self._confirmed.get(told.verdict, 0) + 1
                extra = {**finding.extra, "confirm": told._asdict()}
                role.findings[number] = replace(finding, extra=extra)

    def _tell_confirm(self, report: Any) -> None:
        if "confirm" in self.parts:
            report.extra["scan"]["confirm"] = dict(sorted(self._confirmed.items()))
            self._tell_not_seen(self._not_confirmed, "aws:confirm", report)

    def nothing(self) -> str:
        """Say why there was nothing to check, and the next step."""
        if self.own["org"]:
            return "the Organization has no such account. look at --account, --include-ou, --exclude-ou and the tags"
        return "the account has no users and no roles. is it the right one?"


def _refuse_contradictions(own: dict[str, Any]) -> None:
    if own["redact"] and own["confirm"]:
        raise UsageError("--confirm and --redact do not go together", hint="AWS must be asked by real names")
    if own["redact_key"] and not own["redact"]:
        raise UsageError("--redact-key is for --redact", hint="add --redact")
    if own["org"] and own["dump"]:
        raise UsageError("--dump is for one account", hint="--state DIR keeps one dump for each account")
    if not own["assume_role"]:
        for name in ("external_id", "mfa_serial"):
            if own[name]:
                raise UsageError(f"--{name.replace('_', '-')} is for a role to assume", hint="add --assume-role")
    if not own["org"]:
        for name in ("include_ou", "exclude_ou", "include_tag", "exclude_tag", "account", "state", "shard"):
            if own[name]:
                raise UsageError(f"--{name.replace('_', '-')} is for an Organization", hint="add --org")


def _redact_key(path: str) -> bytes:
    """Read the secret that replacements depend on; nothing where none is named."""
    if not path:
        return b""
    key = read_bytes(path).strip()
    if len(key) < _SHORTEST_KEY:
        hint = f"write one with `openssl rand -hex 32 > {printable(path)}`"
        raise UsageError(f"the secret in `{printable(path)}` has less than {_SHORTEST_KEY} bytes", hint=hint)
    return key


def _production(own: dict[str, Any]) -> Production:
    made = Production()
    pairs = [_pair(text, "--production-tag") for text in own["production_tag"]]
    return Production(
        tuple(key.lower() for key, _ in pairs) or made.tag_keys,
        tuple(value for _, value in pairs) or made.tag_values,
        own["production_name"],
        own["production_account"],
    )


def _pair(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"`{printable(text)}` is not KEY=VALUE", hint=f"write {option} env=prod*")
    return key, value


def _shard(text: str) -> tuple[int, int]:
    if not text:
        return 1, 1
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise UsageError(f"`{printable(text)}` is not a shard", hint="write --shard 2/5 for the second of five")


def _choice(own: dict[str, Any]) -> Choice:
    return Choice(
        own["include_ou"],
        own["exclude_ou"],
        tuple(_pair(text, "--include-tag") for text in own["include_tag"]),
        tuple(_pair(text, "--exclude-tag") for text in own["exclude_tag"]),
        own["account"],
        _shard(own["shard"]),
    )


def ask_code(prompt: str) -> str:
    """Ask a person for an MFA code on standard error."""
    code: str = click.prompt(prompt.rstrip(": "), err=True, hide_input=True)
    return code


class Progress:
    """A line that moves on a terminal; otherwise a line for each account of an Organization, and nothing for one."""

    def __init__(self, accounts: int = 0, shown: Callable[[str], str] = str) -> None:
        self._shown = shown
        self._moving = sys.stderr.isatty()
        self._accounts = accounts
        self._done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._moving:
            tell("\r\033[K", end="")

    def part(self, name: str, done: int, every: int) -> None:
        """Tell of a finished part of an account."""
        if self._moving:
            tell(f"\r\033[Kreading {done}/{every} {printable(name)[:60]}", end="")

    def account(self, outcome: Outcome) -> None:
        """Tell of a finished account."""
        self._done += 1
        name = f"{self._shown(outcome.member.id)} {printable(self._shown(outcome.member.name))}".rstrip()
        if self._moving:
            tell(f"\r\033[K{self._bar()} {name[:60]}", end="")
            return
        if outcome.dump is None:
            text = f"not read: {printable(outcome.reason.partition(': ')[0])}"
        else:
            own = outcome.dump["Rolelint"]
            roles = len(outcome.dump["RoleDetailList"])
            text = f"{roles} {'role' if roles == 1 else 'roles'}" + (
                f", {len(own['not_seen'])} things not seen" if own["not_seen"] else ""
            )
            text += ", read earlier" if outcome.resumed else ""
        tell(f"[{self._done}/{self._accounts}] {name}: {text}")

    def _bar(self) -> str:
        full = 24 * self._done // max(1, self._accounts)
        return f"[{'#' * full}{'-' * (24 - full)}] {self._done}/{self._accounts}"
