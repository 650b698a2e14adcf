"""Answers that AWS did not give, or not whole: from networks that want a sign-in, from proxies, cut off on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: Headers that only AWS writes: it numbers every answer.
_OWN_HEADERS = ("x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id", "x-amzn-errortype")
#: What errors written as XML begin with: of most services, of EC2, of S3.
_ERRORS = frozenset(("ErrorResponse", "Response", "Error"))
#: Part of the namespace of what AWS writes as XML.
_AMAZON = ".amazonaws.com"


class WholeAnswers:
    """Sends requests, and takes an answer that ends early, or is another's, for the broken connection that it is.

    Observed: botocore 1.44 switches urllib3's own check off, and reads half a JSON answer, and what a network or a
    proxy says in AWS's place, as an empty one, or as a refusal by AWS.
    """

    def __init__(self, inner: Any, service: Any) -> None:
        self._inner = inner
        self._service = service  # botocore's model of it
        # botocore before 1.39 has no `resolved_protocol`.
        self._protocol: str = getattr(service, "resolved_protocol", None) or service.metadata["protocol"]

    def mark(self, request: Any, event_name: str, **_: Any) -> None:
        """Remember the operation of a request: botocore calls this before each that it sends."""
        request.operation = event_name.rpartition(".")[2]

    def send(self, request: Any) -> Any:
        """Send a request.

        Raises:
            ConnectionClosedError: when the answer is shorter than it says, or none of AWS; botocore tries again.
        """
        answer = self._inner.send(request)
        if request.method == "HEAD" or request.stream_output:
            return answer
        told = str(answer.headers.get("content-length") or "")
        if told.isdecimal() and len(answer.content) < int(told):
            raise _broken(request.url, "the answer ends early")
        if answer.status_code < 300:
            operation = self._service.operation_model(request.operation)
            ours = is_success(answer.headers, answer.content, self._protocol, operation)
        else:
            ours = is_refusal(answer.status_code, answer.headers, answer.content)
        if not ours:
            raise _broken(request.url, "the answer is not one of AWS")
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _broken(url: str, why: str) -> Exception:
    from botocore.exceptions import ConnectionClosedError

    class BrokenAnswer(ConnectionClosedError):  # type: ignore[misc]
        fmt = "{error}"

    return BrokenAnswer(endpoint_url=url, error=why)


def is_refusal(status: int, headers: Mapping[str, str], content: bytes) -> bool:
    """Tell whether an answer that is no success can be AWS's own."""
    # botocore asks again by itself after these, whoever wrote them.
    if status in (500, 502, 503, 504) or _numbered(headers):
        return True
    told = _json_object(content)
    if told is not None:
        return not told.keys().isdisjoint(("__type", "code", "Code"))
    space, name = _root(content)
    return _AMAZON in space or name in _ERRORS


def _numbered(headers: Mapping[str, str]) -> bool:
    return any(headers.get(name) for name in _OWN_HEADERS)


def is_success(headers: Mapping[str, str], content: bytes, protocol: str, operation: Any) -> bool:
    """Tell whether what came with a success can be the answer to an operation.

    An answer may lack any of its members, as AWS leaves empty lists out, and have new ones; but not only others. One
    without any tells nothing of whose it is: then its number does.
    """
    shape = operation.output_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    shape = shape.members[payload] if payload else shape
    if "cbor" in protocol:
        return content[:1] not in (b"<", b"{")
    if "json" in protocol or (payload and shape.type_name == "string"):  # S3 gives policies as the JSON that they are
        told = _json_object(content)
        if told is None:
            return False
        if not told:
            return _numbered(headers)
        names = told.keys() - {"__type"}
        known = _members(shape)
        return not names or not known or not names.isdisjoint(known)
    space, name = _root(content)
    if not name or _AMAZON in space or name in (f"{operation.name}Response", payload):
        return bool(name)
    return not _members(shape).isdisjoint(_children(content) | {name})


def _members(shape: Any) -> frozenset[str]:
    """List what the members of an answer's body are called there."""
    if shape is None or shape.type_name != "structure":
        return frozenset()
    written = (
        (member.serialization.get("name", name), member.serialization.get("location"))
        for name, member in shape.members.items()
    )
    return frozenset(name for name, place in written if place is None)


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(content)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _root(content: bytes) -> tuple[str, str]:
    """Read the namespace and the name of an XML document's root; empty where there is none."""
    from xml.etree.ElementTree import ParseError, XMLPullParser

    parser: Any = XMLPullParser(("start",))
    try:
        parser.feed(content[:4096])  # the rest is read once, by botocore
        for _, root in parser.read_events():
            space, _, name = root.tag.rpartition("}")
            return space, name
    except (ParseError, LookupError, ValueError):  # an encoding that is unknown, or that the parser refuses
        pass
    return "", ""


def _children(content: bytes) -> frozenset[str]:
    from xml.etree.ElementTree import ParseError, fromstring

    try:
        return frozenset(child.tag.rpartition("}")[2] for child in fromstring(content))
    except (ParseError, LookupError, ValueError):
        return frozenset()
