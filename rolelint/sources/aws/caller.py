"""Calls that never end the scan: what fails is noted as not seen, and the rest goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Any, TypeVar

from rolelint.records import field, record
from rolelint.sources.aws.calls import known
from rolelint.sources.aws.session import Session

_Made = TypeVar("_Made")

_EXPIRED = frozenset("ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired".split())
_INVALID = frozenset(
    (
        "InvalidClientTokenId UnrecognizedClientException AuthFailure OptInRequired SubscriptionRequiredException "
        "InvalidSignatureException SignatureDoesNotMatch InvalidAccessKeyId"
    ).split()
)
_DENIED = frozenset(
    (
        "AccessDenied AccessDeniedException AccessDeniedForDependencyException UnauthorizedOperation "
        "AuthorizationError AuthorizationErrorException "
        "UnauthorizedException NotAuthorized AllAccessDisabled Forbidden 403"
    ).split()
)
_THROTTLED = frozenset(
    (
        "Throttling ThrottlingException ThrottledException RequestThrottledException RequestThrottled "
        "TooManyRequestsException RequestLimitExceeded LimitExceededException BandwidthLimitExceeded SlowDown "
        "EC2ThrottledException TransactionInProgressException PriorRequestNotComplete 429"
    ).split()
)
_GONE = frozenset(
    (
        "NoSuchEntity NoSuchEntityException NoSuchBucket ResourceNotFoundException NotFoundException NotFound 404 "
        "AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist TableNotFoundException RepositoryNotFoundException "
        "DBInstanceNotFound DBClusterNotFoundFault FileSystemNotFound InvalidInstanceID.NotFound "
        "ClusterNotFoundException"
    ).split()
)

#: Kinds of failure after which another try may well succeed.
PASSING = frozenset(("expired", "throttled", "server", "connection", "credentials", "interrupted"))

#: Kind and reason of the calls that are not made any more after Ctrl-C.
INTERRUPTED = ("interrupted", "the scan was interrupted")

_WORDS = {
    "expired": "the credentials expired",
    "credentials": "the credentials could not be renewed",
    "invalid": "the Region is switched off, or the credentials are not valid there",
    "denied": "access denied",
    "throttled": "throttled, also after waiting",
    "gone": "it was gone when it was asked for",
    "server": "AWS could not answer, also when asked again",
    "connection": "the connection failed",
    "failed": "the call failed",
}

#: What signs in to the host of a URL.
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b")


class NotSeen(Exception):
    """A call failed and was noted.

    Attributes:
        kind: `denied`, `throttled`, `expired`, `invalid`, `gone`, `server`, `connection`, `credentials` or
            `failed`.
        reason: one phrase for people, without credentials.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@record(frozen=False)
class Notes:
    """What was not seen: by action, kind of failure and Region, with the places concerned."""

    #: Places with the reason of each. Calls made at once fail in any order: of equal places the least reason stays.
    _found: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)
    _lock: Any = field(default_factory=Lock)

    def add(self, what: str, kind: str, reason: str, region: str = "", where: str = "") -> None:
        """Note one failure."""
        with self._lock:
            places = self._found.setdefault((what, kind, region), {})
            places[where] = min(reason, places.get(where, reason))

    def take(self, other: Notes) -> None:
        """Note what others noted."""
        for note in other.listed() if other is not self else ():
            for where in note.get("where", [""]):
                self.add(note["what"], note["kind"], note["reason"], note.get("region", ""), where)

    def listed(self) -> list[dict[str, Any]]:
        """List what was noted, in a fixed order, as plain data."""
        out = []
        with self._lock:
            for what, kind, region in sorted(self._found):
                places = self._found[what, kind, region]
                note: dict[str, Any] = {"what": what, "kind": kind, "reason": places[min(places)]}
                if region:
                    note["region"] = region
                if any(places):
                    note["where"] = sorted(filter(None, places))
                out.append(note)
        return out

    def passing(self) -> bool:
        """Tell whether something failed that another try may see."""
        with self._lock:
            return any(kind in PASSING for _, kind, _ in self._found)


class Caller:
    """Makes the calls of the table, and no others.

    Attributes:
        dead: why no further call is made; empty while the credentials hold.
    """

    def __init__(self, session: Session, notes: Notes | None = None) -> None:
        self.session = session
        self.notes = notes or Notes()
        self.dead: tuple[str, str] | None = None
        self._made: dict[tuple[str, ...], Any] = {}
        self._lock = Lock()
        self._locks: dict[tuple[str, ...], Lock] = {}

    def ask(
        self,
        service: str,
        operation: str,
        *,
        region: str = "",
        where: str = "",
        absent: Iterable[str] = (),
        **parameters: Any,
    ) -> dict[str, Any] | None:
        """Make one call.

        Args:
            where: what the call is about, for the note when it fails.
            absent: error codes that mean that there is nothing, for example no policy on a bucket.

        Returns:
            None when there is nothing, and when the call failed, which is noted.
        """
        try:
            return self.demand(service, operation, region=region, where=where, absent=absent, **parameters)
        except NotSeen:
            return None

    def demand(
        self,
        service: str,
        operation: str,
        *,
        region: str = "",
        where: str = "",
        absent: Iterable[str] = (),
        **parameters: Any,
    ) -> dict[str, Any] | None:
        """Make one call.

        Raises:
            NotSeen: when it failed; noted.
        """
        call = known(service, operation)

        def make() -> dict[str, Any]:
            made = getattr(self.session.client(service, region), _method(call.operation))(**parameters)
            assert isinstance(made, dict)
            return made

        return self._guard(service, operation, region, where, frozenset(absent), make)

    def pages(
        self, service: str, operation: str, *, region: str = "", where: str = "", whole: bool = False, **parameters: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the pages of a list; a failure is noted and ends it.

        Args:
            whole: whether a list that is not whole is worth nothing.

        Raises:
            NotSeen: when `whole`, and a page failed.
        """
        call = known(service, operation)
        if not self.offered(service, region):
            return
        method = _method(call.operation)
        following: Iterator[dict[str, Any]] | None = None

        def take() -> dict[str, Any]:
            nonlocal following
            if following is None:
                client = self.session.client(service, region)
                if not client.can_paginate(method):
                    following = iter([getattr(client, method)(**parameters)])
                else:
                    following = iter(client.get_paginator(method).paginate(**parameters))
            return next(following, {})

        count = 0
        while True:
            place = where or (f"after page {count}" if count else "")
            try:
                page = self._guard(service, operation, region, place, frozenset(), take)
            except NotSeen:
                if whole:
                    raise
                return
            if not page:
                return
            count += 1
            yield page

    def items(
        self, service: str, operation: str, key: str, *, region: str = "", where: str = "", **parameters: Any
    ) -> Iterator[Any]:
        """Yield the items of all pages of a list."""
        for page in self.pages(service, operation, region=region, where=where, **parameters):
            yield from page.get(key) or ()

    def listed(self, service: str, operation: str, key: str, *, region: str = "", **parameters: Any) -> list[Any]:
        """Give the items of a list, asked for once."""
        memo = (service, operation, region, repr(sorted(parameters.items())))
        return self.once(memo, lambda: list(self.items(service, operation, key, region=region, **parameters)))

    def listed_one(self, service: str, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """Make one call once; afterwards the answer is remembered."""
        memo = (service, operation, repr(sorted(parameters.items())))
        return self.once(memo, lambda: self.ask(service, operation, **parameters))

    def once(self, memo: tuple[str, ...], make: Callable[[], _Made]) -> _Made:
        """Make something once; others who want the same wait, and those who want something else do not.

        Args:
            memo: what it is. What fails to be made is tried again by the next who wants it.
        """
        with self._lock:
            own = self._locks.setdefault(memo, Lock())
        with own:
            if memo not in self._made:
                self._made[memo] = make()
            found: _Made = self._made[memo]
            return found

    def part(self, name: str, make: Callable[[], _Made], instead: _Made) -> _Made:
        """Make a part of a scan; an answer without what it must hold costs this part alone, which is noted."""
        try:
            return make()
        except Exception as error:
            self.notes.add(name, "failed", stumbled(error))
            return instead

    def offered(self, service: str, region: str) -> bool:
        """Tell whether AWS offers a service in a Region, as far as is known."""
        if not region:
            return True
        regions = self.session.regions_of(service)
        # A Region that is newer than the installed botocore is in no list: there the call itself must tell.
        return regions is None or region in regions or region not in (self.session.regions_of("ec2") or ())

    def scrub(self, text: str) -> str:
        """Take credentials out of a text."""
        for secret in self.session.secrets():
            text = text.replace(secret, "****")
        return _KEY_ID.sub("****", _USER.sub("****", " ".join(text.split())))

    def _guard(
        self,
        service: str,
        operation: str,
        region: str,
        where: str,
        absent: frozenset[str],
        make: Callable[[], dict[str, Any]],
    ) -> dict[str, Any] | None:
        """Make a call and turn its failures into notes."""
        from xml.etree.ElementTree import ParseError

        from botocore.exceptions import BotoCoreError, ClientError, PaginationError, ParamValidationError
        from botocore.parsers import ResponseParserError

        what = known(service, operation).action or f"{service}:{operation}"
        if self.dead is not None:
            self.notes.add(what, *self.dead, region, where)
            raise NotSeen(*self.dead)
        try:
            return make()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in absent:
                return None
            kind = _kind(code, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            detail = str(error.response.get("Error", {}).get("Message", ""))
            if error.operation_name == "AssumeRole" and operation != "AssumeRole":
                what, kind, detail = "sts:AssumeRole", "credentials" if kind == "failed" else kind, detail
            reason = self._reason(kind, code, detail)
        except ParamValidationError:
            raise
        except (ResponseParserError, ParseError, KeyError):
            # Observed: botocore 1.44 raises KeyError where XML lacks what it looks for, and lets S3's ParseError pass.
            kind = "connection"
            reason = f"{_WORDS[kind]}: the answer is not one of AWS"
        except PaginationError as error:
            kind = "failed"
            reason = self._reason(kind, "", str(error))
        except BotoCoreError as error:
            kind = _network_kind(error)
            reason = self._reason(kind, type(error).__name__, str(error))
        if kind in ("expired", "credentials"):
            self.dead = (kind, reason)
        self.notes.add(what, kind, reason, region, where)
        raise NotSeen(kind, reason)

    def _reason(self, kind: str, code: str, detail: str) -> str:
        told = f"{_WORDS[kind]} ({code})" if code else _WORDS[kind]
        if detail and kind not in ("throttled", "gone"):
            told = f"{told}: {detail.rstrip('.')}"
        return self.scrub(told)


def stumbled(error: Exception) -> str:
    """Say what could not be made of an answer, without what it holds."""
    return f"an answer could not be understood ({type(error).__name__})"


def _kind(code: str, status: int) -> str:
    for kind, codes in (
        ("expired", _EXPIRED),
        ("invalid", _INVALID),
        ("denied", _DENIED),
        ("throttled", _THROTTLED),
        ("gone", _GONE),
    ):
        if code in codes:
            return kind
    return "server" if status >= 500 else "failed"


def _network_kind(error: Exception) -> str:
    name = type(error).__name__
    if any(word in name for word in ("Credential", "Token", "SSO", "Login")):
        return "credentials"
    return "connection"


def _method(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))
