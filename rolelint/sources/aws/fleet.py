"""The accounts of an Organization: which there are, which are wanted, and reading many of them at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any, NamedTuple

from rolelint.errors import UsageError, printable
from rolelint.sources.aws.account import SCHEMA, Wanted, read_account, switched_on
from rolelint.sources.aws.caller import INTERRUPTED, PASSING, Caller, NotSeen, stumbled
from rolelint.sources.aws.guardrails import Guardrails
from rolelint.sources.aws.identity_center import IdentityCenter
from rolelint.sources.aws.plain import tag_map
from rolelint.sources.aws.principals import LISTS
from rolelint.sources.aws.session import Session
from rolelint.sources.aws.writing import write_private

#: What a state folder says about the scan that it belongs to.
SETTINGS = "scan.json"


class Member(NamedTuple):
    """An account of the organization.

    Attributes:
        units: ids and names of the levels above it, root first.
    """

    id: str
    name: str
    units: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        """The names of the levels above it: `Root/Workloads/Prod`."""
        return "/".join(name or number for number, name in self.units)


class Choice(NamedTuple):
    """Which accounts are wanted.

    Attributes:
        include_units, exclude_units: ids, names or paths of units, globs allowed; with everything below them.
        include_tags, exclude_tags: keys and globs of values.
        accounts: globs over ids and names; empty for all.
        shard: 1-based number and count of the parts that the work is split into.
    """

    include_units: tuple[str, ...] = ()
    exclude_units: tuple[str, ...] = ()
    include_tags: tuple[tuple[str, str], ...] = ()
    exclude_tags: tuple[tuple[str, str], ...] = ()
    accounts: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)

    def wants(self, member: Member) -> bool:
        """Tell whether an account is wanted, tags aside."""
        if self.include_units and not any(_below(member, unit) for unit in self.include_units):
            return False
        if any(_below(member, unit) for unit in self.exclude_units):
            return False
        if self.accounts and not any(fnmatchcase(text, glob) for glob in self.accounts for text in member[:2]):
            return False
        number, count = self.shard
        # By id alone, so that a new account moves no other to another shard.
        return int(hashlib.sha256(member.id.encode()).hexdigest()[:8], 16) % count == number - 1

    def wants_tags(self, tags: dict[str, str]) -> bool:
        """Tell whether an account with these tags is wanted."""

        def has(key: str, glob: str) -> bool:
            return key in tags and fnmatchcase(tags[key], glob)

        if self.include_tags and not any(has(*pair) for pair in self.include_tags):
            return False
        return not any(has(*pair) for pair in self.exclude_tags)


def _below(member: Member, unit: str) -> bool:
    path = ""
    for number, name in member.units:
        path = f"{path}/{name}" if path else name
        if any(fnmatchcase(text, unit) for text in (number, name, path)):
            return True
    return False


class Outcome(NamedTuple):
    """An account that was read, or that could not be: then `dump` is None and `reason` says why."""

    member: Member
    dump: dict[str, Any] | None
    reason: str = ""
    resumed: bool = False
    session: Session | None = None


def members(aws: Caller, choice: Choice) -> list[Member]:
    """List the active accounts that are wanted, in the order of their paths."""
    out: list[Member] = []

    def walk(parent: str, units: tuple[tuple[str, str], ...]) -> None:
        for account in aws.items("organizations", "ListAccountsForParent", "Accounts", where=parent, ParentId=parent):
            if account.get("State", account.get("Status", "ACTIVE")) == "ACTIVE":
                out.append(Member(account["Id"], account.get("Name", ""), units))
        children = aws.items(
            "organizations", "ListOrganizationalUnitsForParent", "OrganizationalUnits", where=parent, ParentId=parent
        )
        for unit in sorted(children, key=lambda u: str(u.get("Name"))):
            walk(unit["Id"], (*units, (unit["Id"], unit.get("Name", ""))))

    for root in aws.listed("organizations", "ListRoots", "Roots"):
        walk(root["Id"], ((root["Id"], root.get("Name", "Root")),))
    wanted = [member for member in sorted(out, key=lambda m: (m.path, m.id)) if choice.wants(member)]
    if not choice.include_tags and not choice.exclude_tags:
        return wanted
    return [member for member in wanted if choice.wants_tags(_tags(aws, member.id))]


def _tags(aws: Caller, account: str) -> dict[str, str]:
    return tag_map(aws.items("organizations", "ListTagsForResource", "Tags", where=account, ResourceId=account))


class Fleet:
    """Reads many accounts at once, and remembers the finished ones in a folder.

    Args:
        session: of the management account or a delegated administrator.
        role: name of the role to assume in the other accounts.
        state: folder for finished accounts, or empty.
    """

    def __init__(self, session: Session, role: str, wanted: Wanted, workers: int, state: str = "") -> None:
        self.aws = Caller(session)
        self._role = role
        self._wanted = wanted
        self._workers = workers
        self._state = state
        self._guardrails = Guardrails(self.aws)
        self._center: IdentityCenter | None = None
        self._anew = ""  # the account that is read though it is kept
        self._running: set[Caller] = set()
        self._lock = Lock()
        self._stopped = False

    def open_state(self, settings: dict[str, Any]) -> None:
        """Make the state folder ready.

        Raises:
            UsageError: when it belongs to a scan with other settings, or when nobody can tell.
        """
        if not self._state:
            return
        path = os.path.join(self._state, SETTINGS)
        try:
            os.makedirs(self._state, mode=0o700, exist_ok=True)
            if os.path.exists(path):
                with open(path, "rb") as stream:
                    kept = _settings(stream.read())
                if kept != settings:
                    fault = "is damaged" if kept is None else "is of a scan with other options"
                    raise UsageError(f"`{printable(path)}` {fault}", hint="name another folder with --state")
                return
        except OSError as error:
            reason = (error.strerror or "no reason given").lower()
            raise UsageError(f"cannot use `{printable(self._state)}`: {reason}") from error
        write_private(path, json.dumps(settings, sort_keys=True) + "\n")

    def read(self, accounts: Sequence[Member], told: Callable[[Outcome], None] | None = None) -> Iterator[Outcome]:
        """Yield the accounts in their order, while others are being read.

        Args:
            told: told of each account as soon as it is finished, from any thread.
        """

        for member in accounts:
            self._guardrails.place(member.id, member.name, member.units)

        def one(member: Member) -> Outcome:
            outcome = self._one(member)
            if told:
                told(outcome)
            return outcome

        ahead = self._workers * 2
        waiting: list[Future[Outcome]] = []
        following = iter(accounts)
        pool = ThreadPoolExecutor(self._workers)
        try:
            if "identity-center" in self._wanted.parts:
                # Before the accounts: its calls are many, and those of each account need what it tells.
                self._read_center(accounts)
            for member in following:
                waiting.append(pool.submit(one, member))
                if len(waiting) >= ahead:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        except BaseException:
            # Interrupted: nothing new is asked, and what is not finished is not kept, nor waited for.
            self._stop()
            raise
        finally:
            pool.shutdown(wait=not self._stopped, cancel_futures=True)

    def _read_center(self, accounts: Sequence[Member]) -> None:
        """Read Identity Center, unless what it told is kept with the account whose credentials ask."""
        home = next((member for member in accounts if member.id == self._home()), None)
        if home is not None and all(map(self._is_kept, accounts)):
            return
        aws = Caller(self.aws.session)
        regions = self._wanted.regions or switched_on(aws)
        management = self._guardrails.management() if "guardrails" in self._wanted.parts else ""
        self._center = IdentityCenter(aws, regions, self._workers, management)
        self._center.sets()
        if home is None:
            self.aws.notes.take(aws.notes)
        elif aws.notes.listed():
            self._anew = home.id  # what was not seen is told with that account

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            for caller in (self.aws, *self._running):
                caller.dead = INTERRUPTED

    def _one(self, member: Member) -> Outcome:
        kept = self._kept(member)
        if kept is not None:
            return Outcome(member, kept, "", True, self._session(member))
        session = self._session(member)
        aws = Caller(session)
        with self._lock:
            if self._stopped:
                return Outcome(member, None, INTERRUPTED[1])
            self._running.add(aws)
        try:
            own = session is self.aws.session
            parts = self._wanted.parts if own else self._wanted.parts - {"identity-center"}
            wanted = self._wanted.but(parts=parts, workers=1)
            dump = read_account(aws, wanted, guardrails=self._guardrails, center=self._center)
        except NotSeen as error:
            return Outcome(member, None, error.reason)
        except Exception as error:  # the other accounts are still of use
            return Outcome(member, None, stumbled(error))
        finally:
            with self._lock:
                self._running.discard(aws)
        if not own:
            session.forget()
        found = dump["Rolelint"]
        found["name"] = found["name"] or member.name
        # Every permission set that is in use is seen as a role of the account that it is used in.
        found["whole_organization"] = True
        # The guardrails are read with the credentials of the whole: their failures are not among the account's own.
        failed = (found.get("organization") or {}).get("kind", "")
        passing = aws.notes.passing() or (self._center is not None and self._center.aws.notes.passing())
        if self._state and not passing and failed not in PASSING:
            text = json.dumps(dump) + "\n"
            with self._lock:  # who stops waits until a file is whole
                if not self._stopped:
                    write_private(self._path(member), text)
        return Outcome(member, dump, "", False, session)

    def _session(self, member: Member) -> Session:
        if member.id == self._home():
            return self.aws.session
        partition = self.aws.session.partition()
        return self.aws.session.assume(f"arn:{partition}:iam::{member.id}:role/{self._role}")

    def _home(self) -> str:
        told = self.aws.listed_one("sts", "GetCallerIdentity")
        return str(told.get("Account", "")) if told else ""

    def _path(self, member: Member) -> str:
        return os.path.join(self._state, f"{member.id}.json")

    def _is_kept(self, member: Member) -> bool:
        return bool(self._state) and os.path.exists(self._path(member))

    def _kept(self, member: Member) -> dict[str, Any] | None:
        if not self._is_kept(member) or member.id == self._anew:
            return None
        try:
            with open(self._path(member), encoding="utf-8") as stream:
                kept = json.load(stream)
        except (OSError, ValueError, RecursionError):
            return None  # half a file, or none that may be read: the account is read again
        return kept if _is_dump(kept) and kept["Rolelint"].get("account") == member.id else None


def _settings(text: bytes) -> dict[str, Any] | None:
    """Read what a state folder says about its scan; None where that is damaged."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _is_dump(data: Any) -> bool:
    """Tell whether a file holds an account as this version keeps it."""
    if not isinstance(data, dict) or not isinstance(data.get("Rolelint"), dict):
        return False
    own = data["Rolelint"]
    lists = [*(data.get(name) for name in LISTS), own.get("not_seen")]
    return own.get("schema") == SCHEMA and all(isinstance(found, list) for found in lists)
