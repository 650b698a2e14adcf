"""Credentials and clients, as users of boto3 expect them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from rolelint.errors import UsageError, printable
from rolelint.records import record
from rolelint.sources.aws.answers import WholeAnswers

#: Seconds to wait for a connection, and for an answer.
CONNECT_TIMEOUT = 10
READ_TIMEOUT = 60
#: Attempts per call in botocore's adaptive mode, where the user's own settings say nothing.
ATTEMPTS = 8

#: A shorter text is no credential of AWS; taking it out would only spoil what is said.
SHORTEST_SECRET = 8

_URL = re.compile(r"https?://[^/\s]+(/\S*)?$")
_ROLE = re.compile(r"arn:[\w-]+:iam::\d{12}:role/\S+")

#: Asks a person for the code of an MFA device, named in the text.
AskCode = Callable[[str], str]


#: Of the sessions of roles that are assumed, as CloudTrail shows it.
SESSION_NAME = "rolelint"


@record
class Access:
    """How to sign in.

    Attributes:
        profile, region: as in the AWS configuration; empty for the usual search.
        assume_role: ARN of a role to assume with these credentials.
        external_id, mfa_serial, duration: of that role's session; seconds.
        endpoint_url: of every service: for tests and private clouds.
    """

    profile: str = ""
    region: str = ""
    assume_role: str = ""
    external_id: str = ""
    mfa_serial: str = ""
    duration: int = 3600
    endpoint_url: str = ""


class Session:
    """Clients for one set of credentials; safe to share between threads."""

    def __init__(self, inner: Any, access: Access, source: Session | None = None) -> None:
        self._inner = inner  # a boto3 session
        self._source = source  # whose credentials assumed the role of this one
        self.access = access
        self.region: str = inner.region_name or "us-east-1"
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = Lock()

    def client(self, service: str, region: str = "") -> Any:
        """Give the client of a service in a Region; one for each, kept."""
        key = (service, region or self.region)
        with self._lock:
            found = self._clients.get(key)
            if found is None:
                found = self._clients[key] = self._inner.client(
                    service,
                    region_name=key[1],
                    endpoint_url=self.access.endpoint_url or None,
                    config=_config(self._inner),
                )
                answers = WholeAnswers(found._endpoint.http_session, found.meta.service_model)
                found._endpoint.http_session = answers
                found.meta.events.register("before-send", answers.mark)
        return found

    def forget(self) -> None:
        """Let go of the clients; those that are wanted again are made again."""
        with self._lock:
            self._clients.clear()

    def regions_of(self, service: str) -> frozenset[str] | None:
        """List the Regions where a service is known to be; None where nothing is known or it is in every one."""
        if self.access.endpoint_url or service in ("iam", "organizations", "route53", "s3", "sts"):
            return None
        return frozenset(self._inner.get_available_regions(service, self.partition())) or None

    def partition(self) -> str:
        """Tell the partition of the session's Region."""
        from botocore.exceptions import UnknownRegionError

        try:
            return str(self._inner.get_partition_for_region(self.region))
        except UnknownRegionError:
            return "aws"

    def assume(self, role: str, external_id: str = "", ask_code: AskCode | None = None) -> Session:
        """Make a session of a role; its credentials are fetched on first use and renewed before they expire."""
        access = self.access
        arguments: dict[str, Any] = {"RoleSessionName": SESSION_NAME, "DurationSeconds": access.duration}
        if external_id:
            arguments["ExternalId"] = external_id
        if access.mfa_serial and ask_code is not None:
            arguments["SerialNumber"] = access.mfa_serial
        return Session(_assumed(self, role, arguments, ask_code), access, self)

    def secrets(self) -> tuple[str, ...]:
        """List the texts that must never be shown."""
        # Attributes as they are: the public names of renewable credentials would fetch or renew something.
        held = vars(self._inner._session._credentials or object)
        names = ("_access_key", "_secret_key", "_token", "access_key", "secret_key", "token")
        own = {held[name] for name in names if isinstance(held.get(name), str) and len(held[name]) >= SHORTEST_SECRET}
        return tuple(own | set(self._source.secrets() if self._source else ()))


def connect(access: Access, ask_code: AskCode | None = None) -> Session:
    """Sign in.

    Raises:
        UsageError: when the profile does not exist, there are no credentials, or the endpoint or the role to assume
            cannot be one; with the next step.
    """
    from botocore.exceptions import BotoCoreError

    _refuse_impossible(access)
    try:
        inner = _boto3_session(access)
        if inner.get_credentials() is None:
            raise UsageError("no AWS credentials", hint="name a profile with --profile, or sign in")
    except BotoCoreError as error:
        hint = f"run `aws sso login --profile {access.profile}`" if "SSO" in type(error).__name__ else ""
        raise UsageError(" ".join(str(error).split()), hint=hint or "see `aws configure list-profiles`") from error
    session = Session(inner, access)
    if access.assume_role:
        return session.assume(access.assume_role, access.external_id, ask_code)
    return session


def partition_of(access: Access) -> str:
    """Tell the partition that a scan would sign in to, without signing in."""
    from botocore.exceptions import BotoCoreError

    try:
        return Session(_boto3_session(access), access).partition()
    except BotoCoreError:
        return "aws"


def _refuse_impossible(access: Access) -> None:
    """Refuse what boto3 would take for a mistake of the program."""
    if access.endpoint_url and not _URL.match(access.endpoint_url):
        raise UsageError(f"`{printable(access.endpoint_url)}` is not the URL of an endpoint", hint="write https://HOST")
    if access.assume_role and not _ROLE.fullmatch(access.assume_role):
        raise UsageError(
            f"`{printable(access.assume_role)}` is not the ARN of a role", hint="write arn:aws:iam::ACCOUNT:role/NAME"
        )
    if access.external_id and len(access.external_id) < 2:
        raise UsageError("an external id has two characters at least")
    if access.mfa_serial and len(access.mfa_serial) < 9:
        raise UsageError(f"`{printable(access.mfa_serial)}` is not the serial number or ARN of an MFA device")


@cache
def _loader() -> Any:
    """Share the service descriptions: reading them anew for every account is what takes time."""
    from botocore.loaders import create_loader

    return create_loader(os.environ.get("AWS_DATA_PATH"))


def _boto3_session(access: Access) -> Any:
    import boto3
    import botocore.session

    core = botocore.session.Session(profile=access.profile or None)
    core.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=core, region_name=access.region or None)


def _config(inner: Any) -> Any:
    from botocore.config import Config

    core = inner._session
    own = core.get_scoped_config()
    retries: dict[str, Any] = {}
    if not os.environ.get("AWS_RETRY_MODE") and "retry_mode" not in own:
        retries["mode"] = "adaptive"
    if not os.environ.get("AWS_MAX_ATTEMPTS") and "max_attempts" not in own:
        retries["total_max_attempts"] = ATTEMPTS
    return Config(
        retries=retries,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=32,
        user_agent_extra="rolelint",
    )


def _assumed(source: Session, role: str, arguments: dict[str, Any], ask_code: AskCode | None) -> Any:
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    core = botocore.session.Session(profile=source.access.profile or None)
    core.register_component("data_loader", _loader())

    def client_creator(service: str, **_: Any) -> Any:
        return source.client(service)

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=client_creator,
        source_credentials=source._inner.get_credentials(),
        role_arn=role,
        extra_args=arguments,
        mfa_prompter=ask_code,
    )
    credentials = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    # botocore renews a quarter of an hour before the end, which for the shortest sessions is at every call.
    credentials._advisory_refresh_timeout = min(900, source.access.duration // 4)
    credentials._mandatory_refresh_timeout = min(600, source.access.duration // 8)
    core._credentials = credentials
    return boto3.Session(botocore_session=core, region_name=source.region)
