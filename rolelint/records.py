"""Value classes that cost next to nothing until they are used.

The standard `dataclass` compiles several methods for every class when its module is imported. A command that gates a
commit imports some sixty such classes and builds a dozen of them, and that compilation was a third of its time. A
`record` has slots, compares and hashes by its fields, and compiles its `__init__` when instances turn out to be many.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

_T = TypeVar("_T")
_MISSING: Any = object()


class _Field:
    __slots__ = ("compare", "default", "factory", "name", "repr")

    def __init__(self, default: Any, factory: Any, compare: bool, show: bool) -> None:
        self.name = ""
        self.default = default
        self.factory = factory
        self.compare = compare
        self.repr = show


def field(
    *, default: Any = _MISSING, default_factory: Callable[[], Any] = _MISSING, compare: bool = True, repr: bool = True
) -> Any:
    """Describe a field: its default, and whether it takes part in comparisons and in `repr`."""
    return _Field(default, default_factory, compare, repr)


@overload
def record(cls: type[_T], /) -> type[_T]: ...
@overload
def record(*, frozen: bool = True, eq: bool = True, slots: bool = True) -> Callable[[type[_T]], type[_T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: Any = None, /, *, frozen: bool = True, eq: bool = True, slots: bool = True) -> Any:
    """Turn a class with annotated fields into a value class, frozen unless told otherwise.

    Args:
        eq: compare and hash by fields; else by identity.
        slots: off for a class that keeps derived values beside its fields (`functools.cached_property`).
    """

    def wrap(made: type[Any]) -> type[Any]:
        return _make(made, frozen=frozen, eq=eq, slots=slots)

    return wrap if cls is None else wrap(cls)


def _make(cls: type[Any], *, frozen: bool, eq: bool, slots: bool) -> type[Any]:
    space = dict(cls.__dict__)
    found: list[_Field] = []
    for name in cls.__annotations__:
        given = space.pop(name, _MISSING)
        one = given if isinstance(given, _Field) else _Field(given, _MISSING, True, True)
        one.name = name
        found.append(one)
    names = tuple(f.name for f in found)
    space.pop("__dict__", None)
    space.pop("__weakref__", None)
    if slots:
        space["__slots__"] = names
    space["__match_args__"] = names
    space["_record_fields"] = tuple(found)
    space["_record_built"] = 0
    space["__init__"] = _first_init
    space["__reduce__"] = _reduce
    space.setdefault("__repr__", _repr)
    if frozen:
        space["__setattr__"] = _refuse
        space["__delattr__"] = _refuse
    if eq:
        compared = [f.name for f in found if f.compare]
        # A staticmethod-like C callable: attrgetter does not bind.
        space["_record_key"] = attrgetter(*compared) if compared else None
        space.setdefault("__eq__", _eq)
        if "__hash__" not in cls.__dict__:
            space["__hash__"] = _hash if frozen else None
    return type(cls.__name__, cls.__bases__, space)


#: Instances that are built field by field before a class gets a compiled `__init__`.
_FEW = 8


def _first_init(self: Any, *args: Any, **kwargs: Any) -> None:
    """Fill the first instances field by field; compile the class's own `__init__` when there are more."""
    cls = type(self)
    cls._record_built += 1
    if cls._record_built > _FEW or not _fill(self, cls._record_fields, args, kwargs):
        cls.__init__ = _compile(cls)
        cls.__init__(self, *args, **kwargs)


def _fill(self: Any, fields: tuple[_Field, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Set the fields; false where the arguments are wrong, which the compiled form then says."""
    if len(args) > len(fields):
        return False
    fill = object.__setattr__
    used = 0
    for number, f in enumerate(fields):
        if number < len(args):
            value = args[number]
            if f.name in kwargs:
                return False
        elif f.name in kwargs:
            value = kwargs[f.name]
            used += 1
        elif f.factory is not _MISSING:
            value = f.factory()
        elif f.default is not _MISSING:
            value = f.default
        else:
            return False
        fill(self, f.name, value)
    if used != len(kwargs):
        return False
    if hasattr(self, "__post_init__"):
        self.__post_init__()
    return True


def _compile(cls: Any) -> Any:
    fields: tuple[_Field, ...] = cls._record_fields
    names: dict[str, Any] = {"_missing": _MISSING}
    slots = "__slots__" in cls.__dict__
    arguments, lines = [], []
    for f in fields:
        value = f.name
        if f.factory is not _MISSING:
            names[f"_make_{f.name}"] = f.factory
            arguments.append(f"{f.name}=_missing")
            value = f"_make_{f.name}() if {f.name} is _missing else {f.name}"
        elif f.default is not _MISSING:
            names[f"_default_{f.name}"] = f.default
            arguments.append(f"{f.name}=_default_{f.name}")
        else:
            arguments.append(f.name)
        if slots:
            names[f"_set_{f.name}"] = cls.__dict__[f.name].__set__
            lines.append(f"_set_{f.name}(self, {value})")
        else:
            lines.append(f"self.__dict__[{f.name!r}] = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "\n    ".join(lines) or "pass"
    exec(f"def __init__(self, {', '.join(arguments)}):\n    {body}", names)
    made = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: `{name}` cannot be changed")


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    key = self._record_key
    return key is None or key(self) == key(other)


def _hash(self: Any) -> int:
    key = self._record_key
    return hash(key(self)) if key is not None else hash(type(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{f.name}={_shown(getattr(self, f.name))}" for f in self._record_fields if f.repr)
    return f"{type(self).__name__}({shown})"


def _shown(value: Any) -> str:
    # Sets of actions are integers too long for decimal digits.
    return hex(value) if isinstance(value, int) and value.bit_length() > 64 else repr(value)


def _reduce(self: Any) -> tuple[Any, ...]:
    return type(self), tuple(getattr(self, f.name) for f in self._record_fields)


def replace(value: _T, /, **changes: Any) -> _T:
    """Make a record that differs from another in some fields."""
    kept = {f.name: getattr(value, f.name) for f in value._record_fields if f.name not in changes}  # type: ignore[attr-defined]
    return type(value)(**kept, **changes)
