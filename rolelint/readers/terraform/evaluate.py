"""Work out Terraform expressions as far as the source tells; the rest becomes unknown values."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from rolelint.documents import hcl_nodes as hcl
from rolelint.policies.text import CLOSE, has_unknown, pieces_between, unknown
from rolelint.readers.terraform.functions import (
    FUNCTIONS,
    KEEPING,
    LOOSELY,
    MAX_ITEMS,
    MAX_TEXT,
    Loose,
    Perhaps,
    RefusedError,
    UndecidedError,
    is_open,
    is_plain,
    is_unknown,
    lacks,
    sole,
    text_of,
    unique,
    weight,
)
from rolelint.readers.terraform.world import MAYBE, WHETHER, single_unknown
from rolelint.records import field, record, replace

#: Bounds the nesting of one evaluation; past it, the value is unknown.
MAX_DEPTH = 120
#: Bounds what the `for` expressions of one configuration make, by its weight, and how often they go round: loops in
#: loops multiply. Past it, what any further one makes is unknown.
MAX_WORK = 400_000
#: Functions that give the members of their arguments, as far as the order is no matter.
_JOINING = frozenset("compact concat distinct flatten setunion sort tolist toset".split())
#: How much of an expression's text names an unknown value.
_SHOWN = 60


class ResourceValue(NamedTuple):
    """The attributes of one resource instance, or the outputs of one module, worked out when asked for.

    It may stand for any of an unknown number of instances, so it is no object whose elements could be listed.

    Attributes:
        attribute: gives one attribute; one that is not known is the unknown value `<address>.<attribute>`.
        resource: whether this is a resource and not a module.
        maybe: what decides whether there is one at all, see `Frame`.
        many: whether it stands for all instances, of which it is not known how many there are.
        perhaps: whether it is one of those, and may be none.
    """

    address: str
    attribute: Callable[[str], Any]
    resource: bool = True
    maybe: frozenset[str] = frozenset()
    many: bool = False
    perhaps: bool = False

    def one(self, perhaps: bool = True) -> ResourceValue:
        """Give one of many."""
        return self._replace(many=False, perhaps=perhaps)


class Names(Protocol):
    """What a module tells its expressions."""

    def variable(self, name: str) -> Any:
        """Give the value of `var.name`."""

    def local(self, name: str) -> Any:
        """Give the value of `local.name`."""

    def listed(self, head: str, name: Any) -> frozenset[str]:
        """Give what `presence.listed` tells of the expression behind `local.name` or `var.name`."""

    def call(self, call: str) -> Any:
        """Give the outputs of a called module as an object, by key where it has `count` or `for_each`."""

    def resource(self, mode: str, kind: str, name: str) -> Any:
        """Give the instances of a resource: a `ResourceValue`, a list or an object of them, or an unknown value."""

    def spend(self, work: int) -> None:
        """Take some of the work that `MAX_WORK` allows.

        Raises:
            UndecidedError: when none is left.
        """

    def written(self, value: Any) -> Any:
        """Give the text of the policy document that a value stands for; other values as they are."""

    def read_file(self, path: str) -> str | None:
        """Give the text of a file beside the configuration, or None."""

    def has_file(self, path: str) -> bool:
        """Tell whether a path is a file beside the configuration."""

    def list_files(self, path: str, pattern: str) -> list[str]:
        """List the files under a folder beside the configuration that a pattern of `fileset` names."""

    def hide(self, value: Any) -> None:
        """Note that the configuration calls a value sensitive."""

    def path(self, name: str) -> str:
        """Give `path.module`, `path.root` or `path.cwd`."""

    def describe(self, node: Any, file: str) -> tuple[str, str]:
        """Give the source text of an expression and its `file:line:column`."""

    def prefix(self) -> str:
        """Give the module's address with a dot, or nothing for the root."""


@record(frozen=False)
class Frame:
    """Where an expression is evaluated.

    Attributes:
        each: key and value of `for_each`, or None.
        count: `count.index`, or None.
        names: names bound by `for` expressions and dynamic blocks.
        file: where the expressions stand; `template`: the text they stand in, where that is no configuration.
        trying: whether something around takes another value where Terraform refuses this one.
        maybe: what decides whether the block is there at all, where that is not known, see `presence.conditions`.
    """

    module: Names
    file: str = ""
    each: tuple[Any, Any] | None = None
    count: Any = None
    names: dict[str, Any] = field(default_factory=dict)
    depth: int = 0
    trying: bool = False
    maybe: frozenset[str] = frozenset()
    template: str = ""

    def bind(self, **names: Any) -> Frame:
        """Give a frame with more names."""
        bound = {**self.names, **names}
        return Frame(
            self.module, self.file, self.each, self.count, bound, self.depth, self.trying, self.maybe, self.template
        )

    def attempt(self) -> Frame:
        """Give the frame of an expression inside `try` or `can`."""
        return replace(self, trying=True)


def value(node: Any, frame: Frame) -> Any:
    """Give the value of an expression; what cannot be worked out is an unknown value that names it.

    Raises:
        RefusedError: inside `try` and `can`, when Terraform refuses the expression.
    """
    return _worked_out(evaluate, node, frame)


def _worked_out(work: Callable[[Any, Frame], Any], node: Any, frame: Frame) -> Any:
    try:
        return work(node, frame)
    except RefusedError:
        if frame.trying:
            raise
    except (UndecidedError, RecursionError, ArithmeticError, TypeError, ValueError):
        pass
    return unknown_at(node, frame)


def unknown_at(node: Any, frame: Frame) -> str:
    """Make the unknown value of an expression, named so that another evaluation elsewhere has another name."""
    if frame.template:
        text, before = frame.template[node.start : node.end], frame.template[: node.start]
        where = f"{os.path.basename(frame.file)}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    else:
        text, where = frame.module.describe(node, frame.file)
    text = " ".join(text.split())
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 3] + "..."
    instance = ""
    if frame.each is not None:
        instance = f"[{frame.each[0]}]" if isinstance(frame.each[0], str) else "[each]"
    elif frame.count is not None:
        instance = f"[{frame.count}]"
    bound = "".join(f" {n}={v}" for n, v in frame.names.items() if isinstance(v, str | int))
    return unknown(f"{frame.module.prefix()}{text} at {where}{instance}{bound}")


def evaluate(node: Any, frame: Frame) -> Any:
    """Give the value of an expression.

    Raises:
        UndecidedError: when it cannot be worked out.
    """
    if isinstance(node, hcl.Literal):
        return node.value
    if frame.depth > MAX_DEPTH:
        raise UndecidedError
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise UndecidedError
    frame.depth += 1
    try:
        found = handler(node, frame)
    finally:
        frame.depth -= 1
    if isinstance(found, str | list | dict) and len(found) > (MAX_TEXT if isinstance(found, str) else MAX_ITEMS):
        raise UndecidedError
    return found


def _template(node: hcl.Template, frame: Frame) -> Any:
    if len(node.parts) == 3 and node.parts[0] == "" and node.parts[2] == "" and not isinstance(node.parts[1], str):
        return evaluate(node.parts[1], frame)
    out = []
    for part in node.parts:
        if isinstance(part, str):
            out.append(part)
            continue
        out.append(_worked_out(_written, part, frame))
    return _as_sure("".join(out), out)


def _as_sure(made: Any, of: list[Any]) -> Any:
    """Keep in mind of what is made of values that one of them may not be there.

    Raises:
        UndecidedError: when it is a number or answer, which is another one then.
    """
    if not may_lack(of):
        return made
    if isinstance(made, bool | int | float):
        raise UndecidedError
    return Perhaps(made) if isinstance(made, str) else made


def may_lack(item: Any) -> bool:
    """Tell whether a value, or a part of it, is of an instance that may not be there."""
    if isinstance(item, list | dict):
        return MAYBE in item or any(map(may_lack, item.values() if isinstance(item, dict) else item))
    return isinstance(item, Perhaps) or (isinstance(item, ResourceValue) and item.perhaps)


def _written(node: Any, frame: Frame) -> str:
    return text_of(value(node, frame))


def _items(node: hcl.Items, frame: Frame) -> list[Any]:
    return [value(item, frame) for item in node.items]


def _object(node: hcl.Object, frame: Frame) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, item in node.pairs:
        name = text_of(evaluate(key, frame))
        out[name] = reached(item, frame) if name in ("Action", "Resource") else value(item, frame)
    return out


def reached(node: Any, frame: Frame) -> Any:
    """Give the patterns of a statement; of those that hang on a condition, each is marked with it (`world.WHETHER`)."""
    found = value(node, frame)
    if not isinstance(node, hcl.Conditional | hcl.Call) or not (is_unknown(found) or is_open(found)):
        return found
    made = unique(_patterns(node, frame))
    return Loose(made) if any(WHETHER in item for item in made) else made if is_unknown(found) else found


def _patterns(node: Any, frame: Frame) -> list[str]:
    if isinstance(node, hcl.Conditional):
        test = truth(value(node.test, frame))
        if test is not None:
            return _patterns(node.yes if test else node.no, frame)
        yes, no = _patterns(node.yes, frame), _patterns(node.no, frame)
        mark = _whether(node.test, frame)
        return [item if item in yes and item in no else _hanging(item, mark) for item in unique([*yes, *no])]
    if isinstance(node, hcl.Call) and node.name in _JOINING and not node.expand:
        return [item for part in node.arguments for item in _patterns(part, frame)]
    if isinstance(node, hcl.Call) and node.name == "coalescelist" and not node.expand:
        return _first_list(node.arguments, frame)
    if isinstance(node, hcl.Call) and node.name == "split" and len(node.arguments) == 2:
        separator, text = (value(part, frame) for part in node.arguments)
        return _split(separator, text, unknown_at(node, frame))
    if isinstance(node, hcl.Items):
        return [item for part in node.items for item in _patterns(part, frame)]
    found = value(node, frame)
    listed = found if isinstance(found, list) and not isinstance(found, Loose) else [found]
    return [item if isinstance(item, str) else unknown_at(node, frame) for item in listed]


def _first_list(arguments: Sequence[Any], frame: Frame) -> list[str]:
    """Give the patterns of the first list that is not empty; behind one that may be, they hang on it."""
    made: list[str] = []
    mark = ""
    for part in arguments:
        listed = _patterns(part, frame)
        made += [_hanging(item, mark) for item in listed]
        if any(not is_unknown(item) and WHETHER not in item for item in listed):
            break
        if listed:
            mark += _whether(part, frame)
    return made


def _whether(test: Any, frame: Frame) -> str:
    return f"{WHETHER}{single_unknown(unknown_at(test, frame))}{CLOSE}"


def _hanging(item: str, mark: str) -> str:
    return item if is_unknown(item) else Perhaps(mark + item)


def _split(separator: Any, text: Any, other: str) -> list[str]:
    if not isinstance(separator, str) or not isinstance(text, str) or has_unknown(separator) or not separator:
        return [other]
    return pieces_between(separator, text, other)


def _conditional(node: hcl.Conditional, frame: Frame) -> Any:
    test = truth(value(node.test, frame))
    if test is not None:
        return evaluate(node.yes if test else node.no, frame)
    try:
        yes, no = value(node.yes, frame), value(node.no, frame)
    except RefusedError:
        raise UndecidedError from None  # the other one may be taken
    if yes == no:
        return yes
    return _either(yes, no, unknown_at(node.test, frame))


def _either(yes: Any, no: Any, test: str) -> Any:
    """Give the objects of two lists of which one is there, those that are not in both marked with what decides it.

    Raises:
        UndecidedError: when they are no lists of objects.
    """
    if not (isinstance(yes, list) and isinstance(no, list) and all(isinstance(i, dict) for i in (*yes, *no))):
        raise UndecidedError
    others = [item for item in no if item not in yes]
    return Loose(
        [*(item if item in no else {MAYBE: test, **item} for item in yes), *({MAYBE: test, **i} for i in others)]
    )


def truth(test: Any) -> bool | None:
    """Give the boolean that a condition has for its value, or None for anything else."""
    if isinstance(test, bool):
        return test
    return {"true": True, "false": False}.get(test) if isinstance(test, str) else None


def _binary(node: hcl.Binary, frame: Frame) -> Any:
    operator = node.operator
    left = value(node.left, frame)
    if operator in ("&&", "||"):
        right = value(node.right, frame)
        ends = operator == "||"
        one, two = truth(left), truth(right)
        if one is ends or two is ends:
            return ends
        if one is None or two is None:
            raise UndecidedError
        return one and two if operator == "&&" else one or two
    right = value(node.right, frame)
    if operator in ("==", "!="):
        if isinstance(left, Perhaps) or isinstance(right, Perhaps):
            raise UndecidedError
        if left is None or right is None:
            other = right if left is None else left
            if is_unknown(other) or (isinstance(other, ResourceValue) and other.perhaps):
                raise UndecidedError
            return (other is None) is (operator == "==")
        if (is_plain(left) and isinstance(right, list | dict)) or (is_plain(right) and isinstance(left, list | dict)):
            return operator == "!="
        if is_open(left) or is_open(right):
            raise UndecidedError
        return (left == right) is (operator == "==")
    a, b = (FUNCTIONS["tonumber"](v) for v in (left, right))
    if a is None or b is None:
        raise RefusedError
    return _ARITHMETIC[operator](a, b)


def _whole(number: Any) -> Any:
    return int(number) if number == int(number) else number


def _rest(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) % abs(b) * (1 if a >= 0 else -1)  # exact, however large
    return _whole(math.fmod(a, b))


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: _whole(a / b),
    "%": _rest,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _unary(node: hcl.Unary, frame: Frame) -> Any:
    operand = evaluate(node.operand, frame)
    if node.operator == "!":
        test = truth(operand)
        if test is None:
            raise UndecidedError
        return not test
    return -FUNCTIONS["tonumber"](operand)


def _call(node: hcl.Call, frame: Frame) -> Any:
    if node.name == "try":
        return _try(node, frame)
    if node.name == "can":
        return _can(node, frame)
    arguments = [value(a, frame) for a in node.arguments]
    if node.expand:
        last = arguments.pop()
        if not isinstance(last, list) or isinstance(last, Loose):
            raise UndecidedError
        arguments += last
    if node.name in ("file", "fileexists", "fileset", "templatefile") and arguments:
        return _of_files(node.name, text_of(arguments[0]), arguments[1:], frame)
    if node.name in ("jsondecode", "replace") and arguments:
        arguments[0] = frame.module.written(arguments[0])
    if node.name == "templatestring":
        return rendered(*arguments, frame=frame)
    if node.name == "sensitive":
        frame.module.hide(arguments)
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise UndecidedError
    loose = any(isinstance(a, Loose) for a in arguments)
    if loose and node.name not in LOOSELY:
        raise UndecidedError
    found = function(*arguments)
    if loose and node.name in KEEPING:
        return found if isinstance(found, Loose) else Loose(found)
    return _as_sure(found, arguments)


def _of_files(name: str, path: str, more: list[Any], frame: Frame) -> Any:
    """Work out a function that looks at files."""
    module = frame.module
    if name == "fileset":
        return module.list_files(path, text_of(*more))
    found = module.has_file(path)
    if name == "fileexists":
        return found
    content = module.read_file(path) if found else None
    if content is None:
        raise UndecidedError if found else RefusedError
    if name == "file":
        return content
    return rendered(content, *more, frame=frame, file=path)


def rendered(content: Any, names: Any, *, frame: Frame, file: str = "template") -> Any:
    """Fill in a template.

    Raises:
        UndecidedError: when the template, or which names it may use, is not known.
    """
    if not isinstance(content, str) or has_unknown(content) or not isinstance(names, dict):
        raise UndecidedError
    from rolelint.documents.hcl import parse_template

    return evaluate(parse_template(content), replace(frame.bind(**names), file=file, template=content))


def _try(node: hcl.Call, frame: Frame) -> Any:
    """Give the first argument that Terraform does not refuse: one that is only not known here ends the search."""
    return _first(node.arguments, frame.attempt())


def _first(arguments: Sequence[Any], frame: Frame) -> Any:
    for at, argument in enumerate(arguments, 1):
        try:
            found = evaluate(argument, frame)
        except RefusedError:
            continue
        if may_lack(found) and not _is_nothing_else(arguments[at:], found, frame):
            raise UndecidedError
        return found
    raise RefusedError


def _is_nothing_else(arguments: Sequence[Any], found: Any, frame: Frame) -> bool:
    """Tell whether `try` gives nothing, or the same, where what it found is not there: empty values name nothing."""
    try:
        other = _first(arguments, frame)
    except RefusedError:
        return True
    return other in ("", None, [], {}) or other == found


def _can(node: hcl.Call, frame: Frame) -> bool:
    (argument,) = node.arguments
    try:
        found = evaluate(argument, frame.attempt())
    except RefusedError:
        return False
    if is_unknown(found) or may_lack(found):
        raise UndecidedError
    return True


def _pairs(source: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(source, dict):
        return ((k, v) for k, v in sorted(source.items()) if k != MAYBE)
    if isinstance(source, list):
        return iter(enumerate(source))
    raise UndecidedError


def _for(node: hcl.For, frame: Frame) -> Any:
    source = evaluate(node.source, frame)
    listed: list[Any] = []
    mapped: dict[str, Any] = {}
    spend = frame.module.spend
    for key, item in _pairs(source):
        spend(1)
        bound = {node.names[-1]: item}
        if len(node.names) == 2:
            bound[node.names[0]] = key
        inner = frame.bind(**bound)
        if node.test is not None:
            keep = truth(value(node.test, inner))
            if keep is None:
                raise UndecidedError
            if not keep:
                continue
        result = value(node.value, inner)
        spend(weight(result, MAX_WORK))
        if isinstance(source, Loose) and (is_unknown(item) or may_lack(item)):
            if is_unknown(item) and isinstance(result, str) and not has_unknown(result):
                result = unknown_at(node.value, inner)  # one text for many elements, or for none
            result = _stamped(_marked(result), item, unknown_at(node.source, frame))
        if node.key is None:
            if isinstance(source, dict) and MAYBE in source:
                result = _stamped(_marked(result), source)
            listed.append(result)
        else:
            name = text_of(evaluate(node.key, inner))
            if node.group:
                mapped.setdefault(name, []).append(result)
            else:
                mapped[name] = result
    if isinstance(source, Loose):
        if node.key is not None:
            raise UndecidedError
        return Loose(listed)
    if isinstance(source, dict) and MAYBE in source:
        mapped[MAYBE] = source[MAYBE]
    return listed if node.key is None else mapped


def _stamped(made: Any, of: Any, doubt: str = "") -> Any:
    """Mark what is made of an object that may not be there, or of a list that holds one, with what decides that.

    Args:
        doubt: what decides about any other value, which may not be there either.

    Raises:
        UndecidedError: when it is nothing that bears a mark: what grants or denies would hang on nothing.
    """
    marks = [part[MAYBE] for part in (of if isinstance(of, list) else [of]) if isinstance(part, dict) and MAYBE in part]
    if not marks and doubt and isinstance(made, list | dict):
        marks = [doubt]
    if not marks or (isinstance(made, str) and MAYBE in made):
        return made  # the JSON text of an object holds its mark
    if isinstance(made, list):
        return type(made)(_stamped(item, of, doubt) for item in made)
    if not isinstance(made, dict):
        raise UndecidedError
    return {MAYBE: marks[0], **made}


def _splat(node: hcl.Splat, frame: Frame) -> Any:
    source = evaluate(node.object, frame)
    if source is None:
        return []
    if is_unknown(source):
        raise UndecidedError
    many = isinstance(source, ResourceValue) and source.many
    items = source if isinstance(source, list) else [source.one() if many else source]
    out = []
    for item in items:
        there = item
        for part in node.steps:
            there = step(there, part if isinstance(part, str) else Key(evaluate(part, frame)), frame)
        out.append(_stamped(there, item))
    return Loose(out) if many or isinstance(source, Loose) else out


def _name(node: hcl.Name, frame: Frame) -> Any:
    if node.name in frame.names:
        return frame.names[node.name]
    raise UndecidedError


def chain(node: Any) -> tuple[str, list[Any]] | None:
    """Take apart `a.b[k].c` into its first word and the steps after it, names or key expressions; None for others."""
    steps: list[Any] = []
    while True:
        if isinstance(node, hcl.Attribute):
            steps.append(node.name)
            node = node.object
        elif isinstance(node, hcl.Index):
            steps.append(node.key)
            node = node.object
        elif isinstance(node, hcl.Name):
            steps.reverse()
            return node.name, steps
        else:
            return None


def _traversal(node: Any, frame: Frame) -> Any:
    parts = chain(node)
    if parts is None:
        if isinstance(node, hcl.Attribute):
            return step(evaluate(node.object, frame), node.name, frame)
        return step(evaluate(node.object, frame), Key(evaluate(node.key, frame)), frame)
    head, raw = parts
    if head == "resource" and head not in frame.names and raw and isinstance(raw[0], str):
        head, raw = raw[0], raw[1:]
    steps: list[Any] = [s if isinstance(s, str) else Key(evaluate(s, frame)) for s in raw]
    module = frame.module
    if head in frame.names:
        there = frame.names[head]
    elif head == "var":
        there, steps = module.variable(steps[0]), steps[1:]
    elif head == "local":
        there, steps = module.local(steps[0]), steps[1:]
    elif head == "each":
        if frame.each is None:
            raise UndecidedError
        there, steps = frame.each[0 if steps[0] == "key" else 1], steps[1:]
    elif head == "count":
        if frame.count is None:
            raise UndecidedError
        there, steps = frame.count, []
    elif head == "path":
        return module.path(steps[0])
    elif head == "module":
        there, steps = module.call(steps[0]), steps[1:]
    elif head == "data" and len(steps) >= 2:
        there, steps = module.resource("data", steps[0], steps[1]), steps[2:]
    elif head not in ("self", "terraform") and steps and isinstance(steps[0], str):
        there, steps = module.resource("managed", head, steps[0]), steps[1:]
    else:
        raise UndecidedError
    for part in steps:
        there = step(there, part, frame)
    return there


class Key(NamedTuple):
    """A step in brackets, where a plain text is a step after a dot."""

    value: Any


def step(there: Any, taken: Any, frame: Frame) -> Any:
    """Take an attribute or element of a value.

    Args:
        taken: a name, or a `Key` for a step in brackets.

    Raises:
        RefusedError: when a known value has no such element.
    """
    key = taken.value if isinstance(taken, Key) else taken
    if isinstance(there, ResourceValue) and there.many and isinstance(taken, Key):
        # How many instances there are is not known; this stands for any of them. Where the expression is there only
        # if they are, it is no question.
        return there.one(perhaps=not there.maybe or not there.maybe <= frame.maybe)
    name = single_unknown(there)
    if name:
        if isinstance(key, int):
            return unknown(f"{name}[{key}]")
        return unknown(f"{name}.{key}") if isinstance(key, str) and not has_unknown(key) else unknown(f"{name}[?]")
    if is_unknown(key):
        raise UndecidedError
    if isinstance(there, ResourceValue) and isinstance(key, str):
        found = there.attribute(key)
        if there.perhaps and frame.trying and isinstance(found, bool | int | float):
            raise UndecidedError
        return _marked(found) if there.perhaps else found
    if isinstance(there, dict):
        if isinstance(key, int):
            key = str(key)
        if key in there:
            return there[key]
        raise lacks(there)
    if isinstance(there, list):
        if isinstance(key, str) and key.isdigit():
            key = int(key)
        if isinstance(key, int) and isinstance(there, Loose):
            found = sole(there)
            return _marked(found) if may_lack(found) else found
        if isinstance(key, int):
            if 0 <= key < len(there):
                return there[key]
            raise lacks(there)
        if isinstance(key, str) and len(there) == 1:
            # `block.attribute` on a nested block of which there is just one.
            return step(there[0], key, frame)
    raise RefusedError if is_plain(there) else UndecidedError


def _marked(item: Any) -> Any:
    """Mark the texts of a value as those of an instance that may not be there."""
    if isinstance(item, str):
        return Perhaps(item)
    if isinstance(item, list):
        return type(item)(map(_marked, item))
    return type(item)((k, _marked(v)) for k, v in item.items()) if isinstance(item, dict) else item


_HANDLERS: dict[type, Callable[[Any, Frame], Any]] = {
    hcl.Template: _template,
    hcl.Items: _items,
    hcl.Object: _object,
    hcl.Conditional: _conditional,
    hcl.Binary: _binary,
    hcl.Unary: _unary,
    hcl.Call: _call,
    hcl.For: _for,
    hcl.Splat: _splat,
    hcl.Name: _name,
    hcl.Attribute: _traversal,
    hcl.Index: _traversal,
}
