"""Terraform functions that rolelint works out; any other makes its value unknown."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from rolelint.errors import InputError
from rolelint.policies.json_text import PolicyTextError
from rolelint.policies.text import has_unknown, split_unknown, unknown, unknown_names
from rolelint.readers.terraform.spliced import loads
from rolelint.readers.terraform.world import MAYBE, single_unknown

#: Bounds the length of lists and objects that expressions make; past it, the value is unknown.
MAX_ITEMS = 10_000
#: Bounds the characters of a text, as `MAX_ITEMS` the members of a list: values that are made of twice the one before
#: grow without end. Past it, the value is unknown.
MAX_TEXT = 1_000_000
#: Characters that weigh as much as one member of a list, see `weight`.
_CHARACTERS = 100

#: Bounds a directive of `format`, and by that the width it asks for; a longer one stays unknown.
MAX_DIRECTIVE = 5


#: What an unknown value is called that stands for a place, see `world.Scope.fill`.
_PLACE = re.compile(r"(?:partition|region|account id)(?: of [^/:]+)?")
#: The first letter of each word, as `title` writes it in upper case.
_WORD = re.compile(r"(?<!\w)\w")


class UndecidedError(Exception):
    """An expression cannot be worked out here."""


class RefusedError(UndecidedError):
    """Terraform itself refuses the expression, whatever the values that are not known: `try` takes the next one."""


class Perhaps(str):
    """A text that is empty, null or refused where the instance that it is of is not there."""

    __slots__ = ()


class Loose(list[Any]):
    """A list of which it is not known how many elements it has: some of those told may stand for none, or for many."""

    __slots__ = ()


class Block(dict[str, Any]):
    """What a nested block of a resource sets: the provider may compute more."""

    __slots__ = ()


#: A directive of `format`: flags and width, which argument it means, the verb.
_DIRECTIVE = re.compile(r"%([-+ #0]*\d*(?:\.\d+)?)(?:\[(\d+)\])?([a-zA-Z%])")

#: Text that a module's author puts in place of something, and that no value which is not known holds: `_BUCKET_ARN_`.
_STAND_IN = re.compile(r"[_<{$%#@\[]+\w[\w.-]*[_>}$%#@\]]+")


def is_unknown(value: object) -> bool:
    """Tell whether a whole value is not known."""
    return single_unknown(value) != ""


def text_of(value: Any) -> str:
    """Convert a value to text as a template does."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    raise RefusedError if value is None or isinstance(value, list | dict) else UndecidedError


def _known_text(value: Any) -> str:
    text = text_of(value)
    if has_unknown(text):
        raise UndecidedError
    return text


def is_plain(value: object) -> bool:
    """Tell whether a value is null, or a number, boolean or text without unknown parts."""
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and not has_unknown(value))


def is_open(value: Any) -> bool:
    """Tell whether some part of a value is not known."""
    if isinstance(value, str):
        return has_unknown(value)
    if isinstance(value, dict):
        return any(map(is_open, value.values()))
    if isinstance(value, list):
        return isinstance(value, Loose) or any(map(is_open, value))
    return not is_plain(value)


def weight(value: Any, limit: int) -> int:
    """Count the members of a value at every depth, and its text: what it would take to write it out.

    Args:
        limit: where to stop counting.
    """
    count = 0
    below = [value]
    while below and count <= limit:
        one = below.pop()
        count += 1
        if isinstance(one, str):
            count += len(one) // _CHARACTERS
        elif isinstance(one, dict):
            below += one.values()
        elif isinstance(one, list):
            below += one
    return count


def bounded(length: int) -> None:
    """Refuse to make a text that is too long.

    Raises:
        UndecidedError: when it is longer than `MAX_TEXT`.
    """
    if length > MAX_TEXT:
        raise UndecidedError


def sole(values: list[Any]) -> Any:
    """Give the only element of a list.

    Raises:
        UndecidedError: when which one it is depends on how many there are.
    """
    if len(values) != 1:
        raise UndecidedError
    return values[0]


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise RefusedError if is_plain(value) or isinstance(value, dict) else UndecidedError


def _dict(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise RefusedError if is_plain(value) or isinstance(value, list) else UndecidedError


def entries(value: Any) -> dict[str, Any]:
    """Give a map without the mark of one that may not be there."""
    table = _dict(value)
    return {k: v for k, v in table.items() if k != MAYBE} if MAYBE in table else table


def lacks(there: list[Any] | dict[str, Any]) -> UndecidedError:
    """Give the error of an element that a value has not: one that is not known may stand for it."""
    if isinstance(there, Loose | Block) or any(isinstance(i, str) and has_unknown(i) for i in there):
        return UndecidedError()
    return RefusedError()


def _int(value: Any) -> int:
    try:
        return int(_number(value))
    except TypeError:
        raise RefusedError from None


def unique(values: Iterable[Any]) -> list[Any]:
    """Drop repeated values, order kept."""
    out: list[Any] = []
    for value in values:
        if value not in out:
            out.append(value)
    return out


def _set(values: Any) -> list[Any]:
    items = unique(_list(values))
    return sorted(items) if all(isinstance(i, str) and not has_unknown(i) for i in items) else items


def _format(spec: Any, *arguments: Any) -> str:
    template = _known_text(spec)
    out: list[str] = []
    at = 0
    turn = 0
    for found in _DIRECTIVE.finditer(template):
        flags, index, verb = found.groups()
        out.append(template[at : found.start()])
        at = found.end()
        if verb == "%":
            out.append("%")
            continue
        turn = int(index) if index else turn + 1
        if not 0 < turn <= len(arguments) or len(flags) >= MAX_DIRECTIVE:
            raise UndecidedError
        out.append(_formatted(flags, verb, arguments[turn - 1]))
    out.append(template[at:])
    if "%" in _DIRECTIVE.sub("", template):
        raise UndecidedError
    bounded(sum(map(len, out)))
    return "".join(out)


def _formatted(flags: str, verb: str, value: Any) -> str:
    """Write one value as a directive of `format` asks for."""
    if flags and (value is None or is_open(value)):
        raise UndecidedError
    if verb == "v" and isinstance(value, list | dict) and not flags and not is_open(value):
        return _encode_json(value)
    if verb in ("s", "v", "t") and not flags:
        if verb == "v" and (value is None or isinstance(value, list | dict)):
            raise UndecidedError
        return text_of(value)
    if verb == "q" and not flags:
        return json.dumps(text_of(value), ensure_ascii=False)
    if verb == "d" and is_unknown(value):
        return str(value)
    if verb not in ("d", "x", "X", "o", "f", "s"):
        raise UndecidedError
    converted: Any = text_of(value) if verb == "s" else float(text_of(value)) if verb == "f" else _int(value)
    return str(f"%{flags}{verb}" % converted)


def _formatlist(spec: Any, *arguments: Any) -> list[str]:
    lengths = [len(a) for a in arguments if isinstance(a, list)]
    if (not lengths and any(map(is_unknown, arguments))) or (lengths and min(lengths) != max(lengths)):
        raise UndecidedError
    made: list[str] = []
    size = 0
    for i in range(lengths[0] if lengths else 1):
        made.append(_format(spec, *(a[i] if isinstance(a, list) else a for a in arguments)))
        size += len(made[-1])
        bounded(size)
    return made


def _join(separator: Any, *lists: Any) -> str:
    if any(isinstance(part, Loose) for part in lists):
        return text_of(sole([v for part in lists for v in _list(part)]))
    mark, texts = text_of(separator), [text_of(v) for part in lists for v in _list(part)]
    bounded(len(mark) * len(texts) + sum(map(len, texts)))
    return mark.join(texts)


def _merge(*maps: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for one in maps:
        if one is not None:
            out.update(_dict(one))
    return out


def _flatten(value: Any) -> list[Any]:
    out: list[Any] = []
    loose = isinstance(value, Loose)
    for item in _list(value):
        if isinstance(item, list):
            inner = _flatten(item)
            loose = loose or isinstance(inner, Loose)
            out.extend(inner)
        else:
            # What is not known may be a list itself.
            loose = loose or is_unknown(item)
            out.append(item)
    return Loose(out) if loose else out


def _element(values: Any, index: Any) -> Any:
    items = _list(values)
    if isinstance(items, Loose):
        return sole(items)
    if not items:
        raise RefusedError
    return items[_int(index) % len(items)]


def _lookup(source: Any, key: Any, *default: Any) -> Any:
    table = _dict(source)
    name = _known_text(key)
    if name in table:
        return table[name]
    missing = lacks(table)
    if not default or not isinstance(missing, RefusedError):
        raise missing
    return default[0]


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(_known_text(value))
    if isinstance(value, list | dict):
        return len(value if isinstance(value, list) else entries(value))
    raise RefusedError if is_plain(value) else UndecidedError


def _coalesce(*values: Any) -> Any:
    for value in values:
        if value is None or value == "":
            continue
        if isinstance(value, Perhaps):
            raise UndecidedError
        return value
    raise RefusedError


def _coalesce_list(*values: Any) -> Any:
    for value in values:
        if is_unknown(value) or isinstance(value, Loose):
            raise UndecidedError
        if value:
            return value
    raise RefusedError


def _compact(values: Any) -> list[Any]:
    kept = [v for v in _list(values) if v is not None and v != ""]
    return Loose(kept) if any(isinstance(v, Perhaps) or is_unknown(v) for v in kept) else kept


def _contains(values: Any, wanted: Any) -> bool:
    items = _list(values)
    if isinstance(items, Loose):
        raise UndecidedError
    if wanted in items and not is_open(wanted):
        return True
    if any(is_open(i) for i in (*items, wanted)):
        raise UndecidedError
    return False


def _one(values: Any) -> Any:
    items = _list(values)
    if isinstance(items, Loose):
        return sole(items)
    if len(items) > 1:
        raise lacks(items)
    return items[0] if items else None


def _replace(text: Any, old: Any, new: Any) -> str:
    whole, part, other = text_of(text), text_of(old), text_of(new)
    if len(part) > 1 and part.startswith("/") and part.endswith("/"):
        from rolelint.readers.terraform import patterns

        return patterns.replace(whole, _known_text(part[1:-1]), other)
    bounded(len(whole) + whole.count(part) * len(other))
    if not has_unknown(whole) and not has_unknown(part):
        return whole.replace(part, other)
    if has_unknown(part):
        # The same unknown value in both is the same text; nothing else that is unknown may hold it.
        if part not in whole or has_unknown(whole.replace(part, "")):
            raise UndecidedError
        return whole.replace(part, other)
    if not _STAND_IN.fullmatch(part):
        raise UndecidedError
    known = split_unknown(whole)
    return "".join(unknown(k) if at % 2 else k.replace(part, other) for at, k in enumerate(known))


def _regex(pattern: Any, text: Any) -> Any:
    from rolelint.readers.terraform import patterns

    return patterns.regex(pattern, text)


def _regexall(pattern: Any, text: Any) -> list[Any]:
    from rolelint.readers.terraform import patterns

    return patterns.regexall(pattern, text)


def _substr(text: Any, offset: Any, length: Any) -> str:
    whole, start, size = _known_text(text), _int(offset), _int(length)
    start = start + len(whole) if start < 0 else start
    return whole[start:] if size < 0 else whole[start : start + size]


def _range(*limits: Any) -> list[int]:
    first, last, *step = (_number(v) for v in (limits if len(limits) > 1 else (0, *limits)))
    numbers = range(first, last, *(step or [1 if first <= last else -1]))
    if len(numbers) > MAX_ITEMS:
        raise UndecidedError
    return list(numbers)


def _concat(*lists: Any) -> list[Any]:
    """Join lists; one that is not known stands for one element that is not known, and may be none."""
    joined = [item for part in lists for item in ([part] if is_unknown(part) else _list(part))]
    return Loose(joined) if any(map(is_unknown, lists)) else joined


def _setproduct(*lists: Any) -> list[list[Any]]:
    out: list[list[Any]] = [[]]
    for items in lists:
        if len(out) * len(_list(items)) > MAX_ITEMS:
            raise UndecidedError
        out = [[*head, item] for head in out for item in items]
    return out


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise RefusedError
    if isinstance(value, int | float) or value is None:
        return value
    text = _known_text(value)
    if text.strip("+-.0123456789eE"):
        raise RefusedError  # Python knows more numbers: `1_0`, `nan`
    try:
        number = float(text)
    except ValueError:
        raise RefusedError from None
    return int(number) if number.is_integer() else number


def _tobool(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise RefusedError if is_plain(value) or isinstance(value, list | dict) else UndecidedError


def _decode_json(value: Any) -> Any:
    text = text_of(value)
    if is_unknown(text):
        raise UndecidedError
    try:
        return loads(text)
    except PolicyTextError:
        raise UndecidedError if has_unknown(text) else RefusedError from None


def _decode_yaml(value: Any) -> Any:
    from rolelint.documents.yaml_text import parse_yaml

    text = text_of(value)
    if is_unknown(text):
        raise UndecidedError
    try:
        documents = parse_yaml("", text)
    except InputError:
        raise UndecidedError from None
    return documents[0].data if documents else None


def _encode_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _decode_base64(value: Any) -> str:
    try:
        return base64.b64decode(_known_text(value), validate=True).decode("utf-8")
    except ValueError:
        raise RefusedError from None


def _trim(text: Any, characters: Any) -> str:
    return _known_text(text).strip(_known_text(characters))


def _slice(values: Any, start: Any, end: Any) -> list[Any]:
    return _list(values)[_int(start) : _int(end)]


def _values(table: Any) -> list[Any]:
    return _of_map(table, [v for _, v in sorted(entries(table).items())])


def _of_map(table: dict[str, Any], members: list[Any]) -> list[Any]:
    """Mark the members of a map that may not be there, as it is marked.

    Raises:
        UndecidedError: when one bears no mark.
    """
    if MAYBE not in table:
        return members
    made: list[Any] = []
    for member in members:
        if isinstance(member, str):
            made.append(Perhaps(member))
        elif isinstance(member, dict):
            made.append({MAYBE: table[MAYBE], **member})
        else:
            raise UndecidedError
    return Loose(made)


def _index(values: Any, wanted: Any) -> int:
    for index, item in enumerate(_list(values)):
        if item == wanted:
            return index
        if is_open(item) or is_open(wanted):
            raise UndecidedError
    raise RefusedError


def _zipmap(names: Any, values: Any) -> dict[str, Any]:
    return dict(zip([text_of(n) for n in _list(names)], _list(values), strict=False))


def _chunklist(values: Any, size: Any) -> list[Any]:
    items = _list(values)
    many = _int(size) or len(items) or 1
    if many < 0:
        raise RefusedError
    return [items[at : at + many] for at in range(0, len(items), many)]


def _indent(spaces: Any, text: Any) -> str:
    whole, width = text_of(text), _int(spaces)
    bounded(len(whole) + whole.count("\n") * width)
    return whole.replace("\n", "\n" + " " * width)


def _matchkeys(values: Any, keys: Any, wanted: Any) -> list[Any]:
    return [v for v, k in zip(_list(values), _list(keys), strict=True) if _contains(wanted, k)]


def _digest(name: str, text: Any) -> str:
    return hashlib.new(name, _known_text(text).encode(), usedforsecurity=False).hexdigest()


def _transpose(table: Any) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for name, items in sorted(_dict(table).items()):
        for item in _list(items):
            out.setdefault(_known_text(item), []).append(name)
    return out


def _split(separator: Any, text: Any) -> list[str]:
    mark = _known_text(separator)
    return _with_places(text, mark).split(mark) if mark else list(_known_text(text))


def _with_places(value: Any, mark: str) -> str:
    """Give a text of which no more is unknown than the places of an ARN: these hold neither colons nor slashes."""
    text = text_of(value)
    if has_unknown(text) and (mark not in ("/", ":") or not all(map(_PLACE.fullmatch, unknown_names(text)))):
        raise UndecidedError
    return text


def _basename(value: Any) -> str:
    path = _with_places(value, "/")
    return path.rstrip("/").rsplit("/", 1)[-1] or ("/" if path else ".")


def _decode_csv(value: Any) -> list[dict[str, str]]:
    import csv
    import io

    try:
        rows = list(csv.reader(io.StringIO(_known_text(value), newline="")))
    except csv.Error:
        raise UndecidedError from None
    head, *rest = [row for row in rows if row] or [[]]
    if len(set(head)) < len(head) or any(len(row) != len(head) for row in rest):
        raise RefusedError
    return [dict(zip(head, row, strict=True)) for row in rest]


def _same(value: Any) -> Any:
    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda v: abs(_number(v)),
    "alltrue": lambda v: all(_tobool(i) for i in _list(v)),
    "anytrue": lambda v: any(_tobool(i) for i in _list(v)),
    "base64decode": _decode_base64,
    "base64encode": lambda v: base64.b64encode(_known_text(v).encode()).decode(),
    "basename": _basename,
    "ceil": lambda v: math.ceil(_number(v)),
    "chomp": lambda v: text_of(v).rstrip("\r\n"),
    "chunklist": _chunklist,
    "coalesce": _coalesce,
    "coalescelist": _coalesce_list,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "csvdecode": _decode_csv,
    "dirname": lambda v: os.path.dirname(_known_text(v)) or ".",
    "distinct": lambda v: unique(_list(v)),
    "element": _element,
    "endswith": lambda t, p: _known_text(t).endswith(_known_text(p)),
    "flatten": _flatten,
    "floor": lambda v: math.floor(_number(v)),
    "format": _format,
    "formatlist": _formatlist,
    "indent": _indent,
    "index": _index,
    "join": _join,
    "jsondecode": _decode_json,
    "jsonencode": _encode_json,
    "keys": lambda v: _of_map(v, sorted(entries(v))),
    "length": _length,
    "lookup": _lookup,
    "lower": lambda v: _known_text(v).lower(),
    "matchkeys": _matchkeys,
    "max": lambda *v: max(_number(i) for i in v),
    "md5": lambda v: _digest("md5", v),
    "merge": _merge,
    "min": lambda *v: min(_number(i) for i in v),
    "nonsensitive": _same,
    "one": _one,
    "range": _range,
    "regex": _regex,
    "regexall": _regexall,
    "replace": _replace,
    "reverse": lambda v: list(reversed(_list(v))),
    "sensitive": _same,
    "setintersection": lambda a, *b: [i for i in _set(a) if all(_contains(o, i) for o in b)],
    "setproduct": _setproduct,
    "setsubtract": lambda a, b: [i for i in _set(a) if not _contains(b, i)],
    "setunion": lambda *v: _set([i for part in v for i in _list(part)]),
    "sha1": lambda v: _digest("sha1", v),
    "sha256": lambda v: _digest("sha256", v),
    "slice": _slice,
    "sort": lambda v: sorted(_known_text(i) for i in _list(v)),
    "split": _split,
    "startswith": lambda t, p: _known_text(t).startswith(_known_text(p)),
    "strcontains": lambda t, p: _known_text(p) in _known_text(t),
    "strrev": lambda v: _known_text(v)[::-1],
    "substr": _substr,
    "sum": lambda v: sum(_number(i) for i in _list(v)),
    "title": lambda v: _WORD.sub(lambda m: m[0].upper(), _known_text(v)),
    "tobool": _tobool,
    "tolist": lambda v: _list(v),
    "tomap": lambda v: _dict(v),
    "tonumber": _number,
    "toset": _set,
    "tostring": lambda v: None if v is None else text_of(v),
    "transpose": _transpose,
    "trim": _trim,
    "trimprefix": lambda t, p: _known_text(t).removeprefix(_known_text(p)),
    "trimspace": lambda v: text_of(v).strip(),
    "trimsuffix": lambda t, p: _known_text(t).removesuffix(_known_text(p)),
    "upper": lambda v: _known_text(v).upper(),
    "values": _values,
    "yamldecode": _decode_yaml,
    "zipmap": _zipmap,
}

#: What makes a list of lists, and keeps all their elements.
KEEPING = frozenset(
    "compact concat distinct flatten formatlist nonsensitive reverse sensitive setunion sort tolist toset".split()
)
#: What knows of lists whose length is not known, or writes them as if all their elements were there.
LOOSELY = KEEPING | {"contains", "coalescelist", "element", "join", "jsonencode", "one"}
