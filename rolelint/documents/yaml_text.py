"""YAML as templates and policies use it: strings stay strings, short tags become the long form.

Built from parser events, not with a loader: nothing is constructed but plain data, nesting cannot exhaust the
stack, an alias cannot multiply the work, and dates and numbers with leading zeros stay text as AWS reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from rolelint.documents import Document, Repeated
from rolelint.errors import InputError, Route, printable

#: Deeper nesting is refused: IAM needs six levels and CloudFormation a few dozen.
MAX_DEPTH = 200
#: Bounds what aliases may add to a document when every alias is written out; past it the document is refused.
MAX_ALIASED_NODES = 1_000_000

_STANDARD = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F_]+\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.[0-9_]+(?:[eE][-+]?[0-9]+)?\Z|[-+]?[1-9][0-9]*[eE][-+]?[0-9]+\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **{word: True for name in ("true", "yes", "on") for word in (name, name.title(), name.upper())},
    **{word: False for name in ("false", "no", "off") for word in (name, name.title(), name.upper())},
}


class _Node:
    """A value with its place. `children` maps keys or indexes to nodes; `wrapped` is the long form of its tag."""

    __slots__ = ("children", "data", "end", "keys", "size", "start", "tag", "wrapped")

    def __init__(self, start: int, end: int, tag: str) -> None:
        self.start = start
        self.end = end
        self.tag = tag
        self.wrapped = ""
        self.data: Any = None
        self.size = 1
        self.children: dict[str | int, _Node] = {}
        self.keys: list[_Node] = []


def parse_yaml(file: str, text: str, bears_repeats: Callable[[Any], bool] | None = None) -> list[Document]:
    """Parse every document of a YAML stream; documents that are empty are left out.

    Args:
        bears_repeats: tells by the data whether keys that stand twice in one object are noted, not refused.

    Raises:
        InputError: with the place of the first thing that is not YAML, not plain data, or too large.
    """
    out: list[Document] = []
    composer = _Composer(file, text)
    for index, node in enumerate(composer.documents()):
        if node.data is not None:
            again = tuple(r for r in composer.repeated if node.start <= r.start <= node.end)
            if again and (bears_repeats is None or not bears_repeats(node.data)):
                place = Document(file, "yaml", text, None).location(again[0].start, again[0].end)
                raise InputError(again[0].message, location=place, hint=again[0].hint)
            out.append(Document(file, "yaml", text, node.data, lambda node=node: _finder(node), index, again))  # type: ignore[misc]
    return out


def _finder(root: _Node) -> Any:
    def find(route: Route) -> tuple[int, int]:
        node = root
        wrapped = node.wrapped
        for step in route:
            if wrapped and step == wrapped:
                wrapped = ""
                continue
            child = node.children.get(step)
            if child is None:
                break
            node = child
            wrapped = node.wrapped
        return node.start, node.end

    return find


def _long_name(tag: str) -> tuple[str, ...]:
    """Give the long name of the function that a short tag stands for."""
    if not tag.startswith("!") or len(tag) < 2:
        return ()
    name = tag[1:]
    return (name if name in ("Ref", "Condition") else f"Fn::{name.removeprefix('Fn::')}",)


class _Open:
    """A collection that is not closed yet."""

    __slots__ = ("anchor", "is_map", "key", "node", "pairs")

    def __init__(self, node: _Node, is_map: bool, anchor: str) -> None:
        self.node = node
        self.is_map = is_map
        self.anchor = anchor
        self.key: _Node | None = None
        self.pairs: list[tuple[_Node, _Node]] = []


class _Composer:
    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.repeated: list[Repeated] = []
        #: Collections that are open, outermost first.
        self.stack: list[_Open] = []
        self.anchors: dict[str, _Node | None] = {}
        self.aliased = 0

    def documents(self) -> list[_Node]:
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        roots: list[_Node] = []
        stack = self.stack
        try:
            event: Any
            for event in yaml.parse(self.text, Loader=loader):
                kind = type(event).__name__
                node: _Node | None = None
                if kind == "ScalarEvent":
                    node = self._scalar(event)
                elif kind == "AliasEvent":
                    node = self._alias(event)
                elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                    if len(stack) >= MAX_DEPTH:
                        self._refuse(f"the YAML is nested deeper than {MAX_DEPTH} levels", event.start_mark.index)
                    opened = _Node(event.start_mark.index, event.end_mark.index, event.tag or "")
                    stack.append(_Open(opened, kind == "MappingStartEvent", event.anchor or ""))
                    if event.anchor:
                        self.anchors[event.anchor] = None
                elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                    node = self._close(stack.pop(), event)
                elif kind == "DocumentStartEvent":
                    self.anchors = {}
                if node is None:
                    continue
                if not stack:
                    roots.append(node)
                elif not stack[-1].is_map:
                    stack[-1].pairs.append((node, node))
                elif stack[-1].key is None:
                    stack[-1].key = node
                else:
                    stack[-1].pairs.append((stack[-1].key, node))
                    stack[-1].key = None
        except yaml.reader.ReaderError as error:
            self._refuse("a control character is not YAML", int(error.position or 0), "remove it, or escape it")
        except yaml.MarkedYAMLError as error:
            raise self._explain(error) from error
        return roots

    def _refuse(self, message: str, at: int, hint: str = "", end: int = -1) -> NoReturn:
        at = min(at, len(self.text))
        document = Document(self.file, "yaml", self.text, None)
        raise InputError(message, location=document.location(at, max(at + 1, end)), hint=hint)

    def _explain(self, error: Any) -> InputError:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(str(error.problem or error.context or "not YAML").split())
        at = mark.index if mark else 0
        hint = ""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at + 1]
        near = self.text[at : at + 3]
        if "\t" in line.strip(" ")[:1] or "'\\t'" in problem or (near[:1] == "\t"):
            problem, hint = "a tab cannot indent YAML", "use spaces"
        elif "{{" in self.text[max(0, at - 120) : at + 120] or "{%" in self.text[max(0, at - 120) : at + 120]:
            problem, hint = "a template is not YAML", "render it first"
        elif "alias" in problem:
            hint = "define the anchor before its use"
        document = Document(self.file, "yaml", self.text, None)
        return InputError(printable(problem), location=document.location(at, at + 1), hint=hint)

    def _scalar(self, event: Any) -> _Node:
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in ("|", ">"):
            end = start + len(self.text[start:end].rstrip())
        node = _Node(start, max(start, end), event.tag or "")
        value: str = event.value
        tag = node.tag
        if not tag and event.implicit[0]:
            node.data = self._plain(value, start)
        elif tag.startswith(_STANDARD):
            kind = tag[len(_STANDARD) :]
            if kind in ("int", "float", "bool", "null"):
                node.data = self._plain(value, start)
            elif kind in ("str", "timestamp", "binary"):
                node.data = value
            else:
                self._unknown_tag(node)
        elif tag.startswith("!") and len(tag) > 1:
            self._wrap(node, value)
        elif tag and tag != "!":
            self._unknown_tag(node)
        else:
            node.data = value
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _plain(self, value: str, start: int) -> Any:
        if value in _WORDS:
            return _WORDS[value]
        head = value[0]
        if not (head.isdigit() or head in "-+."):
            return value
        if _INT.match(value):
            digits = value.replace("_", "")
            if len(digits) > 4300:
                self._refuse(f"a number has {len(digits)} digits", start, "write it as a string")
            return int(digits)
        if _HEX.match(value):
            return int(value.replace("_", ""), 16)
        if _FLOAT.match(value):
            return float(value.replace("_", ""))
        return value

    def _wrap(self, node: _Node, value: Any) -> None:
        """Put a short tag's value under the function's long name."""
        (long,) = _long_name(node.tag)
        if long == "Fn::GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        node.wrapped = long
        node.data = {long: value}

    def _unknown_tag(self, node: _Node) -> NoReturn:
        shown = node.tag.replace(_STANDARD, "!!")
        self._refuse(f"unknown YAML tag `{printable(shown)}`", node.start, "remove it", node.end)

    def _alias(self, event: Any) -> _Node:
        at = event.start_mark.index
        node = self.anchors.get(event.anchor)
        if event.anchor not in self.anchors:
            self._refuse(f"the anchor `{printable(event.anchor)}` is not defined", at, "define it before its use")
        if node is None:
            self._refuse(f"the alias `*{printable(event.anchor)}` contains itself", at, "write the value out")
        self.aliased += node.size
        if self.aliased > MAX_ALIASED_NODES:
            self._refuse("aliases expand to too many values", at, f"at most {MAX_ALIASED_NODES:,} are read")
        if node.children or isinstance(node.data, dict | list):
            return node
        # A single value stands, for the reader, where it is used; what a collection holds stands where it is written.
        used = _Node(at, event.end_mark.index, node.tag)
        used.data = node.data
        return used

    def _close(self, opened: _Open, event: Any) -> _Node:
        node = opened.node
        # A block collection ends, for the parser, where the next token starts; for people, after its last item.
        flow = event.end_mark.index > event.start_mark.index
        node.end = event.end_mark.index if flow else max([node.start, *(v.end for _, v in opened.pairs[-1:])])
        value: Any
        if opened.is_map:
            value = self._mapping(node, opened.pairs)
        else:
            value = [item.data for item, _ in opened.pairs]
            for i, (item, _) in enumerate(opened.pairs):
                node.children[i] = item
                node.size += item.size
        if node.size > 2 * MAX_ALIASED_NODES + len(self.text):
            self._refuse("aliases expand to too many values", node.start)
        if node.tag.startswith("!") and len(node.tag) > 1:
            self._wrap(node, value)
        elif node.tag.startswith(_STANDARD) and node.tag[len(_STANDARD) :] not in (
            "map",
            "seq",
            "omap",
            "pairs",
            "set",
        ):
            self._unknown_tag(node)
        else:
            node.data = value
        if opened.anchor:
            self.anchors[opened.anchor] = node
        return node

    def _mapping(self, node: _Node, pairs: list[tuple[_Node, _Node]]) -> dict[str, Any]:
        own: dict[str, _Node] = {}
        merged: list[_Node] = []
        keys: dict[str, _Node] = {}
        for key, item in pairs:
            node.size += item.size + 1
            text = self._key(key)
            if text == "<<" and not key.tag and self.text[key.start : key.start + 2] == "<<":
                merged += self._merged(item)
                continue
            if text in own:
                line = self.text.count("\n", 0, keys[text].start) + 1
                route = (*self._route(node), text)
                self.repeated.append(Repeated(route, key.start, max(key.start + 1, key.end), line, own[text].data))
            own[text] = item
            keys[text] = key
        data = {text: item.data for text, item in own.items()}
        for source in merged:
            for text, value in source.data.items():
                if text not in data:
                    data[text] = value
                    own[text] = source.children[text]
        node.children.update(own)
        return data

    def _route(self, closing: _Node) -> Route:
        """Name the place of a collection that is being closed by the keys and indexes that lead to it."""
        route: list[str | int] = []
        for opened in self.stack:
            route += _long_name(opened.node.tag)
            route.append(len(opened.pairs) if opened.key is None else self._key(opened.key))
        return (*route, *_long_name(closing.tag))

    def _key(self, key: _Node) -> str:
        if key.children or isinstance(key.data, dict | list):
            if self.text[max(0, key.start - 1) : key.start + 1] == "{{":
                self._refuse("a template is not YAML", key.start, "render it first")
            self._refuse("a key must be text, not a list or an object", key.start, "write the key as a string")
        raw = self.text[key.start : key.end]
        if isinstance(key.data, str):
            return key.data
        # A key such as `on`, `1` or `null` is the text that stands there.
        return raw.strip() if not raw.startswith(("&", "*", "!")) else str(key.data)

    def _merged(self, item: _Node) -> list[_Node]:
        sources = [item] if isinstance(item.data, dict) else list(item.children.values())
        for source in sources:
            if not isinstance(source.data, dict) or source.wrapped:
                self._refuse("`<<` must merge an object", source.start, "name an anchor of an object")
        if not sources:
            self._refuse("`<<` must merge an object", item.start, "name an anchor of an object")
        return sources
