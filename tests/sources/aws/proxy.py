"""An HTTP proxy before the moto server: it counts calls, and fails them as AWS and networks do."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as Xml

_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
#: Codes of errors as AWS spells them in each situation.
CODES = {
    "throttle": "ThrottlingException",
    "deny": "AccessDenied",
    "expired": "ExpiredToken",
    "invalid": "UnrecognizedClientException",
    "gone": "NoSuchEntity",
    "broken": "InternalFailure",
}


@dataclass
class Call:
    """One request: who asked what where."""

    key: str
    region: str
    service: str
    operation: str
    body: str

    @property
    def name(self) -> str:
        """`service:Operation`; for REST services the method and the path."""
        return f"{self.service}:{self.operation}"


@dataclass
class Fault:
    """What to do to calls whose name matches a pattern.

    Attributes:
        kind: one of `CODES`, `cut`, `half` (part of an answer) or `wait`.
        times: how often; -1 for always. after: how many matching calls pass before.
    """

    pattern: str
    kind: str
    times: int = -1
    after: int = 0
    seconds: float = 0.0
    region: str = ""
    code: str = ""

    def hits(self, call: Call) -> bool:
        """Tell whether this call is the victim, and remember it."""
        if not re.fullmatch(self.pattern, call.name) or (self.region and self.region != call.region):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times == 0:
            return False
        self.times -= 1
        return True


Answer = Callable[[Call], str | None]


@dataclass
class Proxy:
    """The proxy; `url` is what clients are given."""

    target: str
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    answers: dict[str, tuple[int, Answer]] = field(default_factory=dict)
    page_size: int = 0
    delay: float = 0.0
    _lock: Any = field(default_factory=threading.Lock)
    _server: Any = None

    def start(self) -> None:
        """Listen on a free port."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20
            disable_nagle_algorithm = True
            wbufsize = 65536

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def handle_any(self) -> None:
                proxy.handle(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: Any) -> None:
                """A client that went away is no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reset(self) -> None:
        """Forget calls, faults and answers."""
        self.calls.clear()
        self.faults.clear()
        self.answers.clear()
        self.page_size = 0
        self.delay = 0.0

    def fail(self, pattern: str, kind: str, **more: Any) -> None:
        """Fail calls whose `service:Operation` matches a pattern."""
        self.faults.append(Fault(pattern, kind, **more))

    def answer(self, name: str, with_: str | Answer, status: int = 200) -> None:
        """Answer an operation in moto's place; an answer of None goes on to moto."""
        self.answers[name] = status, with_ if callable(with_) else lambda _: with_

    def names(self) -> list[str]:
        """List the names of the calls so far."""
        with self._lock:
            return [call.name for call in self.calls]

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Pass one request on, or do what the faults say."""
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else b""
        call = _call(handler, body)
        with self._lock:
            self.calls.append(call)
            fault = next((f for f in self.faults if f.hits(call)), None)
        if self.delay:
            time.sleep(self.delay)
        if fault is not None and fault.kind == "wait":
            time.sleep(fault.seconds)
            fault = None
        if fault is not None and fault.kind == "cut":
            handler.close_connection = True
            handler.connection.close()
            return
        if fault is not None and fault.kind in CODES:
            _send(handler, *_error(handler, call, fault.code or CODES[fault.kind]))
            return
        status, given = self.answers.get(call.name, (200, None))
        text = given(call) if given else None
        if text is not None:
            _send(handler, status, "application/json" if text[:1] == "{" else "text/xml", text.encode(), number="")
            return
        status, kind, content = self._forward(handler, body)
        if self.page_size and call.operation == "GetAccountAuthorizationDetails" and status == 200:
            content = _page(content, call.body, self.page_size)
        _send(handler, status, kind, content, cut=fault is not None and fault.kind == "half")

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.target).netloc, timeout=30)
        try:
            headers = {k: v for k, v in handler.headers.items() if k.lower() not in ("connection", "expect")}
            connection.request(handler.command, handler.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type") or "text/xml", answer.read()
        finally:
            connection.close()


def _call(handler: BaseHTTPRequestHandler, body: bytes) -> Call:
    found = _SCOPE.search(handler.headers.get("Authorization", ""))
    key, region, service = found.groups() if found else ("", "", "")
    text = body.decode("utf-8", "replace")
    target = handler.headers.get("X-Amz-Target", "")
    form = parse_qs(text).get("Action") if "x-www-form-urlencoded" in handler.headers.get("Content-Type", "") else None
    operation = target.rpartition(".")[2] or (form[0] if form else f"{handler.command} {handler.path}")
    return Call(key, region, service, operation, text)


def _error(handler: BaseHTTPRequestHandler, call: Call, code: str) -> tuple[int, str, bytes]:
    secret = f"the key {call.key} is not right for {call.name}"  # AWS quotes what it was given; it must not come out
    status = 500 if code == CODES["broken"] else 400
    if handler.headers.get("X-Amz-Target") or call.service in ("lambda", "eks", "backup", "elasticfilesystem"):
        return status, "application/json", json.dumps({"__type": code, "message": secret}).encode()
    inner = f"<Code>{code}</Code><Message>{secret}</Message>"
    if call.service == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>1</RequestID></Response>"
    elif call.service == "s3":
        text = f"<Error>{inner}</Error>"
    else:
        text = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>1</RequestId></ErrorResponse>"
    return status, "text/xml", text.encode()


def _send(
    handler: BaseHTTPRequestHandler, status: int, kind: str, content: bytes, cut: bool = False, number: str = "1"
) -> None:
    handler.send_response(status)
    if number:
        handler.send_header("x-amzn-RequestId", number)  # as AWS numbers its answers
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if cut:
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.close()
    elif handler.command != "HEAD":
        handler.wfile.write(content)
    if not cut:
        handler.wfile.flush()


def _page(content: bytes, request: str, size: int) -> bytes:
    """Cut the authorization details into pages, as AWS does."""
    start = int(parse_qs(request).get("Marker", ["0"])[0])
    root = Xml.fromstring(content)
    space = root.tag.partition("}")[0] + "}"
    result = root.find(f"{space}GetAccountAuthorizationDetailsResult")
    assert result is not None
    every = [(name, item) for name in _LISTS for holder in result.findall(space + name) for item in holder]
    for name in _LISTS:
        holder = result.find(space + name)
        if holder is not None:
            holder.clear()
            for other, item in every[start : start + size]:
                if other == name:
                    holder.append(item)
    truncated = result.find(f"{space}IsTruncated")
    assert truncated is not None
    if start + size < len(every):
        truncated.text = "true"
        Xml.SubElement(result, f"{space}Marker").text = str(start + size)
    return Xml.tostring(root)
