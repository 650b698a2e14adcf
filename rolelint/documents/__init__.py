"""Bytes to trees that know their lines: JSON and YAML here, other formats by their readers.

Nothing here knows IAM.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

from rolelint.errors import InputError, Location, Route, printable, show_route

#: Gives the start and end offset, in characters, of the value at a route; of the nearest known parent when
#: the route does not exist.
Finder = Callable[[Route], tuple[int, int]]

#: Lines longer than this are not quoted: a report must not carry a copy of a file that is one line.
MAX_QUOTED_LINE = 10_000


class Repeated(NamedTuple):
    """A key that stands twice in one object of a YAML document; the last value counts in `Document.data`.

    Attributes:
        route: of the key, as far as keys and indexes tell it.
        start, end: where the second one stands, in characters, the end exclusive.
        line: where the first one stands, 1-based.
        dropped: the value of the first one.
    """

    route: Route
    start: int
    end: int
    line: int
    dropped: Any

    @property
    def message(self) -> str:
        """Say what is wrong."""
        return f"the key `{printable(str(self.route[-1]))}` appears twice in one object, first on line {self.line}"

    @property
    def hint(self) -> str:
        """Say the next step."""
        return "remove one of them: parsers differ on which one counts"


class Document:
    """One parsed file, or one document of a YAML stream.

    Attributes:
        file: the path as the user named it, `<stdin>`, or a source such as `aws:123456789012`.
        format: `json`, `yaml` or `hcl`.
        text: the whole text of the file; empty for documents that never were text.
        data: plain dict, list, str, int, float, bool or None.
        index: 0-based position in the stream that the file holds.
        repeated: keys that stand twice in one object, where the caller of `parse` bears them.
    """

    __slots__ = (
        "_anchors",
        "_finder",
        "_located",
        "_make_finder",
        "data",
        "file",
        "format",
        "index",
        "repeated",
        "text",
    )

    def __init__(
        self,
        file: str,
        format: str,
        text: str,
        data: Any,
        make_finder: Callable[[], Finder] | None = None,
        index: int = 0,
        repeated: tuple[Repeated, ...] = (),
    ) -> None:
        self.file = file
        self.format = format
        self.text = text
        self.data = data
        self.index = index
        self.repeated = repeated
        self._make_finder = make_finder
        self._finder: Finder | None = None
        #: Places already worked out: the statements of a managed policy are reported for every role that has it.
        self._located: dict[tuple[Route, str], Location] = {}
        #: Offsets, sorted, each with its 0-based line and where that begins. INVARIANT: only `_line_of` writes it.
        self._anchors: tuple[list[int], list[int], list[int]] = ([0], [0], [0])

    def __repr__(self) -> str:
        return f"Document({self.file!r}, {self.format!r})"

    def locate(self, route: Route, address: str = "") -> Location:
        """Work out the place of a route; a route that does not exist gives its nearest known parent.

        Args:
            address: what the format itself calls the thing, carried into the location.
        """
        known = self._located.get((route, address))
        if known is not None:
            return known
        if self._finder is None:
            if self._make_finder is None:
                return Location(self.file, route=show_route(route), address=address)
            from rolelint.documents.inside import Inside

            own = self._make_finder()
            self._finder = own if self.format == "hcl" else Inside(self.text, own, self.data)
        start, end = self._finder(route)
        place = self._located[route, address] = self.location(start, end, route, address)
        return place

    def lazy(self, route: Route, address: str = "") -> Location:
        """Make a location whose lines are worked out when somebody asks for them.

        For places of which most are never shown: every role of an account dump has one.
        """
        return _LazyLocation(self, route, address)

    def location(self, start: int, end: int, route: Route = (), address: str = "") -> Location:
        """Make a location from character offsets, the end exclusive."""
        text = self.text
        line, begin = self._line_of(start)
        line, column = line + 1, start - begin + 1
        breaks = text.count("\n", start, end)
        end_column = end - text.rfind("\n", start, end) if breaks else column + end - start
        return Location(self.file, line, column, line + breaks, end_column, show_route(route), address)

    def excerpt(self, location: Location, around: int = 1) -> tuple[tuple[int, str], ...]:
        """Quote the source lines around a location, as (1-based line number, text).

        At most the first five lines of a long span are quoted; nothing when the lines are too long to quote.
        """
        if not location.line or not self.text:
            return ()
        first = max(1, location.line - around)
        last = min(max(location.end_line, location.line), location.line + 4) + around
        start = self._start_of(location.line)
        for _ in range(location.line - first):
            start = self.text.rfind("\n", 0, start - 1) + 1
        lines: list[tuple[int, str]] = []
        for number in range(first, last + 1):
            if start == len(self.text) and number > location.line:
                break  # what follows the last line break is no line
            stop = self.text.find("\n", start, start + MAX_QUOTED_LINE + 1)
            if stop < 0 and len(self.text) - start > MAX_QUOTED_LINE:
                # Too long to quote; its end is looked for only where it stands before the place.
                if number >= location.line:
                    return tuple(lines) if number > location.line else ()
                stop = self.text.find("\n", start)
            else:
                end = len(self.text) if stop < 0 else stop
                lines.append((number, self.text[start:end].rstrip("\r")))
            if stop < 0:
                break
            start = stop + 1
        return tuple(lines)

    def at(self, route: Route = (), address: str = "") -> Place:
        """Make the function that locates routes below `route`, for `Policy.locate`."""
        return Place(self, route, address)

    def _line_of(self, offset: int) -> tuple[int, int]:
        """Give the 0-based line of an offset and where it begins; a file may be one line of many megabytes."""
        offsets, lines, begins = self._anchors
        at = bisect_right(offsets, offset) - 1
        line = lines[at] + self.text.count("\n", offsets[at], offset)
        begin = self.text.rfind("\n", offsets[at], offset) + 1 or begins[at]
        if offset - offsets[at] > 4096:
            offsets.insert(at + 1, offset)
            lines.insert(at + 1, line)
            begins.insert(at + 1, begin)
        return line, begin

    def _start_of(self, line: int) -> int:
        _, lines, begins = self._anchors
        at = max(0, bisect_right(lines, line - 1) - 1)
        while at and lines[at] > line - 1:
            at -= 1
        start = begins[at]
        for _ in range(line - 1 - lines[at]):
            start = self.text.find("\n", start) + 1
        return start


class Place:
    """Locates routes below one route of a document."""

    __slots__ = ("address", "document", "route")

    def __init__(self, document: Document, route: Route = (), address: str = "") -> None:
        self.document = document
        self.route = route
        self.address = address

    def __call__(self, route: Route = ()) -> Location:
        """Locate a route that is relative to this place."""
        return self.document.locate(self.route + route, self.address)

    def fixed(self, _route: Route = ()) -> Location:
        """Locate this place itself, whatever the route: for policies whose text stands elsewhere."""
        return self.document.locate(self.route, self.address)


class _LazyLocation(Location):
    """A location that asks its document when a position is first read.

    The slots of the positions stay unset until then, so reading one falls through to `__getattr__`.
    """

    __slots__ = ("_place",)

    def __init__(self, document: Document, route: Route, address: str) -> None:
        fill = object.__setattr__
        fill(self, "file", document.file)
        fill(self, "address", address)
        fill(self, "_place", (document, route))

    def __getattr__(self, name: str) -> Any:
        if name not in ("line", "column", "end_line", "end_column", "route"):
            raise AttributeError(name)
        document, route = object.__getattribute__(self, "_place")
        known = document.locate(route, self.address)
        for each in ("line", "column", "end_line", "end_column", "route"):
            object.__setattr__(self, each, getattr(known, each))
        return getattr(known, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Location):
            return NotImplemented
        return _fields(self) == _fields(other)

    def __hash__(self) -> int:
        return hash(_fields(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return Location, _fields(self)


def _fields(place: Location) -> tuple[object, ...]:
    """Give the fields in the order of `Location`."""
    return place.file, place.line, place.column, place.end_line, place.end_column, place.route, place.address


def parse(file: str, text: str | bytes, bears_repeats: Callable[[Any], bool] | None = None) -> list[Document]:
    """Parse a file as JSON or YAML, by its content; the name only decides what is said about bad text.

    Args:
        bears_repeats: tells by the data whether keys may stand twice in one object of a YAML document; they are then
            noted in `Document.repeated`. Without it they are an error.

    A byte order mark, UTF-16 and UTF-32 are understood. Text without content gives no document.

    Raises:
        InputError: when the text is neither, with the place and the next step.
    """
    from rolelint.documents.encoding import decode

    content = decode(file, text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    # The bytes are dropped before the parse: a dump of 10,000 roles would be held twice.
    del text
    head = content[:256].lstrip(" \t\r\n") or content.lstrip(" \t\r\n")[:1]
    if not head:
        return []
    name = file.lower()
    if head[0] in "{[" or name.endswith((".json", ".tfplan", ".tfstate")):
        from rolelint.documents.json_text import parse_json

        if not name.endswith((".yaml", ".yml")):
            return _spared([parse_json(file, content)], content)
        try:
            return _spared([parse_json(file, content)], content)
        except InputError:
            pass  # flow style YAML begins like JSON; the YAML parser has the last word on a YAML file
    from rolelint.documents.yaml_text import parse_yaml

    return _spared(parse_yaml(file, content, bears_repeats), content)


#: Characters with a meaning of our own: what is not known, and wildcards. IAM text cannot hold them (S1.13).
_RESERVED = str.maketrans(dict.fromkeys((0xE000, 0xE001, *range(0xF8FC, 0xF900)), "\ufffd"))


def _spared(documents: list[Document], content: str) -> list[Document]:
    """Put the replacement character for those that an input must not hold: they could pass for what we put there."""
    if content.isascii() and "\\u" not in content and "\\U" not in content:
        return documents
    for document in documents:
        document.data = _without(document.data)
    return documents


def _without(data: Any) -> Any:
    if isinstance(data, str):
        return data if data.isascii() else data.translate(_RESERVED)
    if isinstance(data, list):
        for i, item in enumerate(data):
            data[i] = _without(item)
    elif isinstance(data, dict):
        for key, value in data.items():
            data[key] = _without(value)
    return data
