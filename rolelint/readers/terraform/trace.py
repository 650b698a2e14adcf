"""Find the place in the source that a part of an instance or of its policy comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rolelint.documents import hcl_nodes as hcl
from rolelint.errors import InputError, Location, Route
from rolelint.readers.terraform.evaluate import Frame, chain, value
from rolelint.readers.terraform.files import Files
from rolelint.readers.terraform.functions import UndecidedError, text_of
from rolelint.readers.terraform.module import Module
from rolelint.readers.terraform.tree import Origin

#: Bounds how many references one search follows; past it, the last place found stands.
MAX_STEPS = 60

#: Bounds how many documents are gone through for a Sid, one inside the other.
MAX_DOCUMENTS = 12

#: Elements of a statement and the settings of a `statement` block that give them.
ELEMENTS = {
    "Sid": "sid",
    "Effect": "effect",
    "Action": "actions",
    "NotAction": "not_actions",
    "Resource": "resources",
    "NotResource": "not_resources",
    "Principal": "principals",
    "NotPrincipal": "not_principals",
    "Condition": "condition",
}


class Spot(NamedTuple):
    """A span of a file."""

    file: str
    start: int
    end: int


def locate(
    origin: Origin, attribute: Route, route: Route, address: str, wanted: object = None, sid: str = ""
) -> Location:
    """Give the place of a route inside the policy that an attribute holds; of the block's header without attribute.

    Args:
        attribute: steps from the resource's body to the attribute; empty for the resource itself.
        sid: the statement's Sid, if it has one.
        wanted: the value at the end of the route, where the order of its list may differ from the source's.
        route: steps inside the policy document; for a `statement` block, with the document's own first two steps.
    """
    files = origin.module.tree.files
    tracer = _Tracer(wanted, sid)
    block = origin.definition.block
    file = origin.definition.file
    if not attribute:
        return files.location(file, block.start, block.head_end, (), address)
    if attribute[0] == "statement" and route[:1] == ("Statement",):
        route = route[2:]
        spot = tracer.statement(block.body, attribute, route, file, origin.frame)
    elif attribute[0] == "json" and len(route) > 1 and block.labels[:1] == ("aws_iam_policy_document",):
        spot = tracer.document(origin.module, block.labels[1], route, Spot(file, block.start, block.head_end))
    else:
        spot = tracer.in_body(block.body, attribute, route, file, origin.frame)
    if spot is None:
        spot = Spot(file, block.start, block.head_end)
    return files.location(spot.file, spot.start, spot.end, (*attribute, *route), address)


def _nested(body: hcl.Body, name: str, index: int) -> hcl.Block | None:
    """Choose the block that makes the value at an index: dynamic blocks may make several."""
    blocks = [b for b in body.blocks if b.type == name or (b.type == "dynamic" and b.labels[:1] == (name,))]
    if not blocks:
        return None
    for at, block in enumerate(blocks):
        if block.type == "dynamic" or at == index:
            return block
    return blocks[-1]


def _content(block: hcl.Block) -> hcl.Body:
    """Give the body of what a block makes."""
    return next(block.body.of_type("content"), block).body if block.type == "dynamic" else block.body


class _Tracer:
    """Follows routes; `wanted` is the value looked for, where the list that holds it may be in another order.

    `sid` names the statement, where documents are joined.
    """

    def __init__(self, wanted: object, sid: str) -> None:
        self.wanted = wanted
        self.sid = sid

    def in_body(self, body: hcl.Body, attribute: Route, route: Route, file: str, frame: Frame) -> Spot | None:
        name, rest = attribute[0], attribute[1:]
        setting = body.settings.get(str(name))
        if setting is not None:
            spot = self.trace(setting.value, (*rest, *route), Spot(file, setting.start, setting.end), frame, MAX_STEPS)
            inside = spot.file == file and setting.start <= spot.start and not rest and not route
            return Spot(file, setting.start, setting.end) if inside else spot
        index = rest[0] if rest and isinstance(rest[0], int) else 0
        block = _nested(body, str(name), int(index))
        if block is None:
            return None
        rest = rest[1:] if rest and isinstance(rest[0], int) else rest
        inner = _content(block)
        if not rest:
            return Spot(file, block.start, block.head_end)
        return self.in_body(inner, rest, route, file, frame) or Spot(file, block.start, block.head_end)

    def statement(self, body: hcl.Body, attribute: Route, route: Route, file: str, frame: Frame) -> Spot | None:
        index = attribute[1] if len(attribute) > 1 and isinstance(attribute[1], int) else 0
        block = _nested(body, "statement", index)
        if block is None:
            return self.in_body(body, attribute, _lowered(route), file, frame)
        whole = Spot(file, block.start, block.head_end)
        inner = _content(block)
        if not route or not isinstance(route[0], str):
            return whole
        name = ELEMENTS.get(route[0], route[0])
        setting = inner.settings.get(name)
        if setting is not None:
            return self.trace(setting.value, route[1:], Spot(file, setting.start, setting.end), frame, MAX_STEPS)
        for part in inner.blocks:
            wanted = {str(s) for s in route[1:]}
            texts = {str(s.value.value) for s in part.body.settings.values() if isinstance(s.value, hcl.Literal)}
            if part.type == name and (not wanted or wanted & texts):
                return Spot(file, part.start, part.end)
        return whole

    def trace(self, node: Any, route: Route, found: Spot, frame: Frame, limit: int) -> Spot:
        """Follow a route into an expression, through functions and references, as far as it can be followed.

        Args:
            found: the best place so far, the answer when nothing better is found.
        """
        if limit <= 0:
            return found
        here = Spot(frame.file, node.start, node.end) if frame.file else found
        if isinstance(node, hcl.Call):
            return self._in_call(node, route, here, frame, limit)
        if isinstance(node, hcl.Conditional):
            test = value(node.test, frame)
            if isinstance(test, bool):
                return self.trace(node.yes if test else node.no, route, here, frame, limit - 1)
            return here
        if isinstance(node, hcl.Template) and len(node.parts) == 3 and node.parts[0] == node.parts[2] == "":
            return self.trace(node.parts[1], route, here, frame, limit - 1)
        if isinstance(node, hcl.Attribute | hcl.Index):
            return self._reference(node, route, here, frame, limit)
        if not route:
            return here
        if isinstance(node, hcl.Object):
            for key, item in node.pairs:
                if _text(key, frame) == str(route[0]):
                    inner = self.trace(item, route[1:], Spot(here.file, key.start, item.end), frame, limit - 1)
                    return (
                        Spot(here.file, key.start, item.end) if len(route) == 1 and inner.file == here.file else inner
                    )
            return here
        if isinstance(node, hcl.Items):
            at = route[0]
            if self.wanted is not None and len(route) == 1:
                same = next((i for i in node.items if value(i, frame) == self.wanted), None)
                return Spot(here.file, same.start, same.end) if same is not None else here
            if isinstance(at, int) and at < len(node.items) and not any(isinstance(i, hcl.Splat) for i in node.items):
                return self.trace(node.items[at], route[1:], here, frame, limit - 1)
            return here
        if isinstance(node, hcl.Literal | hcl.Template):
            return self._in_text(node, route, here, frame)
        return here

    def _in_call(self, node: hcl.Call, route: Route, here: Spot, frame: Frame, limit: int) -> Spot:
        if node.name in ("jsonencode", "jsondecode", "tolist", "toset", "tomap", "sensitive", "nonsensitive", "chomp"):
            return self.trace(node.arguments[0], route, here, frame, limit - 1) if node.arguments else here
        if node.name == "concat" and route and isinstance(route[0], int):
            index = route[0]
            for argument in node.arguments:
                part = value(argument, frame)
                if not isinstance(part, list):
                    return here
                if index < len(part):
                    return self.trace(argument, (index, *route[1:]), here, frame, limit - 1)
                index -= len(part)
        if node.name == "merge" and route:
            for argument in reversed(node.arguments):
                part = value(argument, frame)
                if isinstance(part, dict) and route[0] in part:
                    return self.trace(argument, route, here, frame, limit - 1)
        if node.name in ("try", "coalesce") and node.arguments:
            return self.trace(node.arguments[0], route, here, frame, limit - 1)
        return here

    def _reference(self, node: Any, route: Route, here: Spot, frame: Frame, limit: int) -> Spot:
        parts = chain(node)
        if parts is None or not isinstance(frame.module, Module):
            return here
        head, raw = parts
        module = frame.module
        more = tuple(s if isinstance(s, str | int) else value(s, frame) for s in raw)
        if head == "local" and more:
            found = module.folder.local(str(more[0]))
            if found is not None:
                file, setting = found
                inner = Frame(module, file)
                return self.trace(
                    setting.value, (*more[1:], *route), Spot(file, setting.start, setting.end), inner, limit - 1
                )
        if head == "data" and more[:1] == ("aws_iam_policy_document",) and len(more) > 2 and len(route) > 1:
            return self.document(module, str(more[1]), route, here)
        if head == "var" and more:
            return self._variable(module, str(more[0]), (*more[1:], *route), here, limit)
        return here

    def document(self, module: Module, name: str, route: Route, here: Spot) -> Spot:
        """Find the statement block of a policy document: by its place, or by its Sid where documents are joined."""
        definition = module.folder.block("data", "aws_iam_policy_document", name)
        if definition is None or route[0] != "Statement":
            return here
        body = definition.block.body
        if any(s.startswith(("source_", "override_")) for s in body.settings):
            whole = Spot(definition.file, definition.block.start, definition.block.head_end)
            return (self._by_sid(module, name, route, MAX_DOCUMENTS) if self.sid else None) or whole
        frame = Frame(module, definition.file)
        return self.statement(body, ("statement", route[1]), route[2:], definition.file, frame) or here

    def _by_sid(self, module: Module, name: str, route: Route, limit: int) -> Spot | None:
        definition = module.folder.block("data", "aws_iam_policy_document", name)
        if definition is None or not limit:
            return None
        body = definition.block.body
        frame = Frame(module, definition.file)
        for index, block in enumerate(b for b in body.blocks if b.type == "statement"):
            sid = block.body.settings.get("sid")
            if sid is not None and value(sid.value, frame) == self.sid:
                return self.statement(body, ("statement", index), route[2:], definition.file, frame)
        for setting in ("override_policy_documents", "override_json", "source_policy_documents", "source_json"):
            written = body.settings.get(setting)
            for other in _documents(module, written.value) if written is not None else ():
                found = self._by_sid(module, other, route, limit - 1)
                if found is not None:
                    return found
        return None

    def _variable(self, module: Module, name: str, route: Route, here: Spot, limit: int) -> Spot:
        given = module.argument(name)
        if given is None:
            return here
        setting, frame = given
        return self.trace(setting.value, route, Spot(frame.file, setting.start, setting.end), frame, limit - 1)

    def _in_text(self, node: Any, route: Route, here: Spot, frame: Frame) -> Spot:
        """Find a route inside JSON text that is written out, in quotes or as a heredoc."""
        if not isinstance(frame.module, Module):
            return here
        files: Files = frame.module.tree.files
        source = (files.text(here.file) or "")[node.start : node.end]
        if not source.startswith("<<"):
            return here
        from rolelint.documents.json_text import JsonFinder, parse_json

        begin = source.find("\n") + 1
        body = source[begin : source.rstrip().rfind("\n") + 1]
        try:
            parse_json(here.file, body)
        except InputError:
            return here
        start, end = JsonFinder(body)(route)
        return Spot(here.file, node.start + begin + start, node.start + begin + end)


def _documents(module: Module, node: Any) -> Iterator[str]:
    """Name the policy documents that an expression refers to, also through locals."""
    pending: list[Any] = [node]
    for _ in range(MAX_STEPS):
        if not pending:
            return
        here = pending.pop()
        parts = chain(here) if isinstance(here, hcl.Attribute | hcl.Index) else None
        if parts is not None and parts[0] == "data" and parts[1][:1] == ["aws_iam_policy_document"]:
            yield str(parts[1][1])
        elif parts is not None and parts[0] == "local" and parts[1]:
            found = module.folder.local(str(parts[1][0]))
            if found is not None:
                pending.append(found[1].value)
        elif isinstance(here, tuple):
            pending += [part for part in reversed(here) if isinstance(part, tuple)]


def _lowered(route: Route) -> Route:
    return tuple(ELEMENTS.get(s, s) if isinstance(s, str) else s for s in route)


def _text(key: Any, frame: Frame) -> str:
    try:
        return text_of(value(key, frame))
    except UndecidedError:
        return ""
