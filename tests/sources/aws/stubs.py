"""Clients with botocore's Stubber, for the APIs that moto lacks; parameters and answers keep their documented shape."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.stub import Stubber

from rolelint.sources.aws.caller import Caller
from rolelint.sources.aws.session import Access, Session


class Stubs:
    """A session whose clients answer what they are told to, in order."""

    def __init__(self) -> None:
        self.session = Session(
            boto3.Session(
                aws_access_key_id="AKIASTUBSTUBSTUBSTUB", aws_secret_access_key="stub-secret", region_name="us-east-1"
            ),
            Access(endpoint_url="http://stub"),
        )
        self.aws = Caller(self.session)
        self._stubbers: dict[tuple[str, str], Stubber] = {}

    def on(self, service: str, region: str = "") -> Stubber:
        """Give the stubber of a client."""
        key = (service, region)
        if key not in self._stubbers:
            self._stubbers[key] = Stubber(self.session.client(service, region))
            self._stubbers[key].activate()
        return self._stubbers[key]

    def answer(self, service: str, method: str, answer: dict[str, Any], asked: Any = None, region: str = "") -> None:
        """Expect one call."""
        self.on(service, region).add_response(method, answer, asked)

    def fail(self, service: str, method: str, code: str, region: str = "") -> None:
        """Expect one call, and refuse it."""
        self.on(service, region).add_client_error(method, code, "no")

    def done(self) -> None:
        """Check that everything expected was asked."""
        for stubber in self._stubbers.values():
            stubber.assert_no_pending_responses()
