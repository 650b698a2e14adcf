"""HCL text to a tree of bodies and expressions that know their offsets.

The grammar is python-hcl2's; the tree here keeps what evaluation and locations need and drops white space.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from rolelint.documents.hcl_nodes import (
    Attribute,
    Binary,
    Block,
    Body,
    Call,
    Conditional,
    For,
    Index,
    Items,
    Literal,
    Name,
    Object,
    Opaque,
    Setting,
    Splat,
    Template,
    Unary,
)
from rolelint.documents.hcl_outline import join_quoted
from rolelint.errors import InputError, Location

if TYPE_CHECKING:
    from lark import Tree


_HEREDOC = re.compile(r"<<-?([A-Za-z][\w.-]*)\r?\n")
_LOOSE_END = re.compile(r"^([ \t]*([A-Za-z][\w.-]*))([ \t]+)(\r?\n)", re.MULTILINE)
_ESCAPE = re.compile(r'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|(\$\$(?=\{)|%%(?=\{))')
_CORE = re.compile(r"\bcore::(?=\w+\()")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def parse_hcl(file: str, text: str) -> Body:
    """Parse one HCL file.

    Raises:
        InputError: with the place where the text stops being HCL.
    """
    from lark.exceptions import LarkError

    text = _tidy(text.removeprefix("\ufeff"))
    try:
        tree = _parsed(text)
    except LarkError as error:
        line = getattr(error, "line", None) or 0
        column = getattr(error, "column", None) or 0
        where = Location(file, max(line, 0), max(column, 0)) if line and line > 0 else Location(file)
        raise InputError("this is not HCL as Terraform writes it", location=where, hint="run `terraform fmt`") from None
    try:
        return _Builder(text, 0).body(_child(tree, "body"))
    except RecursionError:
        raise InputError("the expressions are nested too deeply to be read", location=Location(file)) from None


def _tidy(text: str) -> str:
    """Move blanks after the end of a heredoc to the next line, where the grammar allows them; no offset changes.

    Terraform ignores such blanks.
    """
    words = set(_HEREDOC.findall(text)) if "<<" in text else set()
    if not words:
        return text
    return _LOOSE_END.sub(lambda m: m[1] + m[4] + m[3] if m[2] in words else m[0], text)


def _parsed(text: str) -> Tree[Any]:
    """Parse text with the grammar, which knows no line breaks in interpolations of quoted texts, and no `core::`.

    Raises:
        LarkError: when the text is not HCL.
    """
    from hcl2.api import parses_to_tree
    from lark.exceptions import LarkError

    try:
        return parses_to_tree(text)
    except LarkError:
        joined = _CORE.sub(lambda m: " " * len(m[0]), join_quoted(text))
        if joined == text:
            raise
        return parses_to_tree(joined)


def parse_block(text: str, start: int, end: int) -> Block | None:
    """Parse the one block that stands between two offsets of a text; None when that is no block."""
    from lark.exceptions import LarkError

    part = _tidy(text[start:end])
    try:
        tree = _parsed(part)
    except LarkError:
        return None
    try:
        blocks = _Builder(part, start).body(_child(tree, "body")).blocks
    except RecursionError:
        return None
    return blocks[0] if len(blocks) == 1 else None


def parse_template(text: str, offset: int = 0) -> Any:
    """Parse a text with `${...}` as JSON syntax and heredocs hold it, without quotes or escapes around it.

    Args:
        offset: where the text stands in its file, for the offsets of the parts.
    """
    return _Builder(text, offset).template(text, 0, escapes=False)


def parse_expression(text: str) -> Any:
    """Parse a text that holds one expression."""
    return _Builder(text, 0)._inner(text, 0)


class _Builder:
    """Turns the parser's tree into the tree of this module."""

    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        #: Added to every offset: where `text` stands in the whole file.
        self._offset = offset

    def body(self, tree: Tree[Any] | None) -> Body:
        settings: dict[str, Setting] = {}
        blocks: list[Block] = []
        start, end = self._span(tree) if tree is not None else (self._offset, self._offset)
        for child in tree.children if tree is not None else ():
            kind = _kind(child)
            if kind == "attribute":
                name = str(_first_token(child.children[0]))
                setting = Setting(name, self.expression(child.children[-1]), *self._span(child))
                settings.setdefault(name, setting)
            elif kind == "block":
                blocks.append(self._block(child))
        return Body(settings, tuple(blocks), start, end)

    def _block(self, tree: Tree[Any]) -> Block:
        words: list[str] = []
        head_end = start = self._span(tree)[0]
        body: Body | None = None
        for child in tree.children:
            kind = _kind(child)
            if kind == "body" and child.children:
                body = self.body(child)
            elif kind == "string":
                part = self.expression(child)
                words.append(part.value if isinstance(part, Literal) else self._text[slice(*child_span(child))])
                head_end = self._span(child)[1]
            elif kind in ("identifier", "keyword", "literal_value"):
                words.append(str(_first_token(child)))
                head_end = self._span(child)[1]
        end = self._span(tree)[1]
        return Block(words[0], tuple(words[1:]), body or Body({}, (), end, end), start, end, head_end)

    def expression(self, tree: Any) -> Any:
        """Turn one expression into its node."""
        kind = _kind(tree)
        if kind == "expr_term":
            inner = [c for c in tree.children if _kind(c) not in ("LPAR", "RPAR", "new_line_or_comment")]
            return self.expression(inner[0])
        make = _NODES.get(kind)
        if make is not None:
            return make(self, tree, *self._span(tree))
        start, end = child_span(tree)
        return Opaque(self._text[start:end], *self._span(tree))

    def _span(self, tree: Any) -> tuple[int, int]:
        start, end = child_span(tree)
        return start + self._offset, end + self._offset

    def _parts(self, tree: Tree[Any]) -> list[Any]:
        """List the children that are expressions."""
        return [c for c in tree.children if _kind(c) not in _NOISE]

    def _literal(self, tree: Tree[Any], start: int, end: int) -> Literal:
        word = str(_first_token(tree))
        return Literal({"true": True, "false": False, "null": None}[word], start, end)

    def _number(self, tree: Tree[Any], start: int, end: int) -> Literal:
        word = str(_first_token(tree))
        return Literal(int(word) if word.lstrip("-").isdigit() else float(word), start, end)

    def _name(self, tree: Tree[Any], start: int, end: int) -> Name:
        return Name(str(_first_token(tree)), start, end)

    def _string(self, tree: Tree[Any], start: int, end: int) -> Any:
        first, last = child_span(tree)
        parts: list[Any] = []
        at = first + 1
        for child in tree.children:
            inner = child.children[0] if _kind(child) == "string_part" else child
            kind = _kind(inner)
            if kind == "interpolation":
                begin, stop = child_span(inner)
                parts.append(_unescape(self._text[at:begin]))
                parts.append(self.expression(self._parts(inner)[0]))
                at = stop
            elif kind.startswith("template_"):
                return self.template(self._text[first + 1 : last - 1], first + 1, escapes=True, span=(start, end))
        parts.append(_unescape(self._text[at : last - 1]))
        return _text_node(parts, start, end)

    def _heredoc(self, tree: Tree[Any], start: int, end: int) -> Any:
        first, last = child_span(tree)
        written = self._text[first:last]
        head, _, rest = written.partition("\n")
        body = rest.rstrip("\r\n")
        body = body[: body.rfind("\n") + 1] if "\n" in body else ""
        begin = first + len(head) + 1
        return self.template(body, begin, escapes=False, span=(start, end), flush=head.startswith("<<-"))

    def template(
        self, text: str, begin: int, escapes: bool, span: tuple[int, int] | None = None, flush: bool = False
    ) -> Any:
        """Parse the text of a template by its interpolations and directives.

        Args:
            begin: where the text stands inside the builder's own text.
            flush: whether the indentation that all lines have in common is taken away.
        """
        start = begin + self._offset
        whole = span or (start, start + len(text))
        pieces = self._pieces(text, start, escapes)
        if pieces is None:
            return Opaque(text, *whole)
        node, rest = _assembled(_flush(pieces) if flush else pieces, 0, whole)
        return node if rest == len(pieces) else Opaque(text, *whole)

    def _pieces(self, text: str, start: int, escapes: bool) -> list[Any] | None:
        """Cut a template into texts of one line, expressions and directives; None when a brace is never closed."""
        pieces: list[Any] = []
        literal = ""
        at = 0
        trimmed = False

        def add_lines() -> None:
            lines = literal.splitlines(keepends=True)
            if trimmed and lines:
                # Terraform trims to the end of the line, not into the next one.
                lines[0] = lines[0].lstrip()
            pieces.extend(map(_unescape, lines) if escapes else lines)

        while (found := text.find("{", at)) >= 0:
            mark = text[found - 1] if found > at else ""
            if mark not in ("$", "%"):
                literal += text[at : found + 1]
                at = found + 1
                continue
            if found - 2 >= at and text[found - 2] == mark:
                literal += text[at : found - 1] + "{"
                at = found + 1
                continue
            close = _closing(text, found)
            if close < 0:
                return None
            literal += text[at : found - 1]
            add_lines()
            literal = ""
            inner = text[found + 1 : close]
            if inner.startswith("~") and pieces and isinstance(pieces[-1], str):
                pieces[-1] = pieces[-1].rstrip()
            trimmed = inner.endswith("~")
            at = close + 1
            if mark == "$":
                pieces.append(self._inner(inner, start + found + 1))
            else:
                pieces.append(self._directive(inner.strip("~").strip(), start + found + 1))
        literal += text[at:]
        add_lines()
        return pieces

    def _directive(self, text: str, offset: int) -> _Directive:
        word, _, rest = text.partition(" ")
        if word == "if":
            return _Directive("if", (), self._inner(rest, offset + len(text) - len(rest)))
        if word == "for":
            names, found, source = rest.partition(" in ")
            if found:
                bound = tuple(n.strip() for n in names.split(","))
                return _Directive("for", bound, self._inner(source, offset + len(text) - len(source)))
        return _Directive(word, (), None)

    def _inner(self, text: str, offset: int) -> Any:
        from hcl2.api import parses_to_tree
        from lark.exceptions import LarkError

        stripped = text.strip("~")
        head = "_ = "
        try:
            tree = parses_to_tree(head + stripped.strip().replace("\n", " "))
        except LarkError:
            return Opaque(text, offset, offset + len(text))
        lead = len(stripped) - len(stripped.lstrip()) + (1 if text.startswith("~") else 0)
        source = head + stripped.strip().replace("\n", " ")
        builder = _Builder(source, offset + lead - len(head))
        body = builder.body(_child(tree, "body"))
        return body.settings["_"].value

    def _items(self, tree: Tree[Any], start: int, end: int) -> Items:
        return Items(tuple(self.expression(c) for c in self._parts(tree)), start, end)

    def _object(self, tree: Tree[Any], start: int, end: int) -> Object:
        pairs = []
        for child in tree.children:
            if _kind(child) == "object_elem":
                key_tree = child.children[0]
                key = self.expression(key_tree.children[0])
                plain = list(key_tree.children[0].children) if _kind(key_tree.children[0]) == "expr_term" else []
                if isinstance(key, Name) and not (plain and _kind(plain[0]) == "LPAR"):
                    key = Literal(key.name, key.start, key.end)
                elif isinstance(key, Opaque):
                    key = Literal(key.text, key.start, key.end)
                pairs.append((key, self.expression(child.children[-1])))
        return Object(tuple(pairs), start, end)

    def _attribute(self, tree: Tree[Any], start: int, end: int) -> Attribute:
        step = tree.children[1]
        return Attribute(self.expression(tree.children[0]), str(_last_token(step)), start, end)

    def _index(self, tree: Tree[Any], start: int, end: int) -> Index:
        return Index(self.expression(tree.children[0]), self._key(tree.children[1]), start, end)

    def _key(self, tree: Tree[Any]) -> Any:
        if _kind(tree) == "short_index":
            return Literal(int(str(_last_token(tree))), *self._span(tree))
        return self.expression(self._parts(tree)[0])

    def _splat(self, tree: Tree[Any], start: int, end: int) -> Splat:
        steps: list[Any] = []
        for step in tree.children[1].children:
            kind = _kind(step)
            if kind == "get_attr":
                steps.append(str(_last_token(step)))
            elif kind in ("braces_index", "short_index"):
                steps.append(self._key(step))
        return Splat(self.expression(tree.children[0]), tuple(steps), start, end)

    def _call(self, tree: Tree[Any], start: int, end: int) -> Call:
        names = [str(_first_token(c)) for c in tree.children if _kind(c) == "identifier"]
        arguments = _child(tree, "arguments")
        parts = self._parts(arguments) if arguments is not None else []
        expand = arguments is not None and any(_kind(c) == "ELLIPSIS" for c in arguments.children)
        return Call("::".join(names), tuple(self.expression(c) for c in parts), expand, start, end)

    def _conditional(self, tree: Tree[Any], start: int, end: int) -> Conditional:
        test, yes, no = (self.expression(c) for c in self._parts(tree))
        return Conditional(test, yes, no, start, end)

    def _binary(self, tree: Tree[Any], start: int, end: int) -> Binary:
        left, term = self._parts(tree)[:2]
        operator = str(_first_token(_child(term, "binary_operator"))).strip()
        right = next(c for c in self._parts(term) if _kind(c) != "binary_operator")
        return Binary(operator.split("\n")[-1].strip(), self.expression(left), self.expression(right), start, end)

    def _unary(self, tree: Tree[Any], start: int, end: int) -> Unary:
        return Unary(str(tree.children[0]), self.expression(tree.children[1]), start, end)

    def _for(self, tree: Tree[Any], start: int, end: int) -> For:
        intro = _child(tree, "for_intro")
        condition = _child(tree, "for_cond")
        names = tuple(str(_first_token(c)) for c in intro.children if _kind(c) == "identifier") if intro else ()
        source = self.expression(self._parts(intro)[-1]) if intro else Opaque("", start, end)
        parts = [self.expression(c) for c in self._parts(tree) if _kind(c) not in ("for_intro", "for_cond")]
        test = self.expression(self._parts(condition)[0]) if condition is not None else None
        group = any(_kind(c) == "ELLIPSIS" for c in tree.children)
        if len(parts) == 2:
            return For(names, source, parts[0], parts[1], test, group, start, end)
        return For(names, source, None, parts[0], test, group, start, end)


_NOISE = frozenset(
    "new_line_or_comment LPAR RPAR LBRACE RBRACE LSQB RSQB COMMA DOT EQ COLON QMARK INTERP_START ELLIPSIS FOR IN IF "
    "FOR_OBJECT_ARROW identifier_list".split()
)
_NODES: dict[str, Callable[[_Builder, Any, int, int], Any]] = {
    "literal_value": _Builder._literal,
    "int_lit": _Builder._number,
    "float_lit": _Builder._number,
    "identifier": _Builder._name,
    "keyword": _Builder._name,
    "string": _Builder._string,
    "heredoc_template": _Builder._heredoc,
    "heredoc_template_trim": _Builder._heredoc,
    "tuple": _Builder._items,
    "object": _Builder._object,
    "get_attr_expr_term": _Builder._attribute,
    "index_expr_term": _Builder._index,
    "attr_splat_expr_term": _Builder._splat,
    "full_splat_expr_term": _Builder._splat,
    "function_call": _Builder._call,
    "conditional": _Builder._conditional,
    "binary_op": _Builder._binary,
    "unary_op": _Builder._unary,
    "for_tuple_expr": _Builder._for,
    "for_object_expr": _Builder._for,
}


def _kind(tree: Any) -> str:
    """Name a node of the parser's tree: the rule, or the terminal of a token."""
    data = getattr(tree, "data", None)
    return str(data) if data is not None else str(getattr(tree, "type", ""))


def child_span(tree: Any) -> tuple[int, int]:
    """Give the offsets of a node or token of the parser's tree."""
    if hasattr(tree, "meta"):
        meta = tree.meta
        return (meta.start_pos, meta.end_pos) if not meta.empty else (0, 0)
    return tree.start_pos, tree.end_pos


def _child(tree: Any, kind: str) -> Any:
    return next((c for c in tree.children if _kind(c) == kind), None)


def _first_token(tree: Any) -> Any:
    while hasattr(tree, "children"):
        tree = tree.children[0]
    return tree


def _last_token(tree: Any) -> Any:
    while hasattr(tree, "children"):
        tree = tree.children[-1]
    return tree


def _unescape(text: str) -> str:
    if "\\" not in text and "$$" not in text and "%%" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        simple, short, long, doubled = match.groups()
        if doubled:
            return doubled[0]
        if simple:
            return _ESCAPES[simple]
        code = int(short or long, 16)
        return chr(code) if code < 0x110000 else match.group()

    return _ESCAPE.sub(replace, text)


def _text_node(parts: list[Any], start: int, end: int) -> Any:
    if len(parts) == 1:
        return Literal(parts[0], start, end)
    return Template(tuple(parts), start, end)


class _Directive(NamedTuple):
    """`%{ if x }`, `%{ else }`, `%{ for a, b in x }` and their ends."""

    word: str
    names: tuple[str, ...]
    value: Any


def _assembled(pieces: list[Any], at: int, span: tuple[int, int]) -> tuple[Any, int]:
    """Nest the pieces of a template from `at` up to a directive that ends a part; give that place too."""
    parts: list[Any] = []
    while at < len(pieces):
        piece = pieces[at]
        if not isinstance(piece, _Directive):
            parts.append(piece)
            at += 1
            continue
        if piece.word not in ("if", "for"):
            break
        inner, at = _assembled(pieces, at + 1, span)
        if piece.word == "if":
            other: Any = Literal("", *span)
            if at < len(pieces) and pieces[at].word == "else":
                other, at = _assembled(pieces, at + 1, span)
            parts.append(Conditional(piece.value, inner, other, *span))
            ending = "endif"
        else:
            items = For(piece.names, piece.value, None, inner, None, False, *span)
            parts.append(Call("join", (Literal("", *span), items), False, *span))
            ending = "endfor"
        if at >= len(pieces) or pieces[at].word != ending:
            return Opaque("", *span), at
        at += 1
    return _text_node(_joined(parts), *span), at


def _joined(parts: list[Any]) -> list[Any]:
    """Make texts and expressions alternate, texts first and last."""
    out: list[Any] = [""]
    for part in parts:
        if isinstance(part, str):
            if isinstance(out[-1], str):
                out[-1] += part
            else:
                out.append(part)
        else:
            if not isinstance(out[-1], str):
                out.append("")
            out.append(part)
    if not isinstance(out[-1], str):
        out.append("")
    return out


def _flush(pieces: list[Any]) -> list[Any]:
    """Take the indentation of a `<<-` heredoc off the texts that begin its lines."""
    begins = True
    first: list[int] = []
    widths: list[int] = []
    for at, piece in enumerate(pieces):
        if begins:
            width = len(piece) - len(piece.lstrip()) if isinstance(piece, str) else 0
            if not isinstance(piece, str) or width < len(piece) or not piece.endswith("\n"):
                widths.append(width)
                first.append(at)
        begins = isinstance(piece, str) and piece.endswith("\n")
    cut = min(widths, default=0)
    return [p[cut:] if at in first and isinstance(p, str) else p for at, p in enumerate(pieces)]


def _closing(text: str, opening: int) -> int:
    """Find the brace that closes the one at `opening`, braces inside quotes left out; -1 when there is none."""
    depth = 0
    at = opening
    while at < len(text):
        character = text[at]
        if character == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                if text[at] == "\\":
                    at += 1
                elif text[at] == "{" and text[at - 1] == "$":
                    at = _closing(text, at)
                    if at < 0:
                        return -1
                at += 1
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    return -1
