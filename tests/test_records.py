"""Value classes: what the rest of the house relies on."""

from __future__ import annotations

import pickle

import pytest

from rolelint.records import field, record, replace


@record
class Point:
    """A value with a default, a factory and a field that does not count."""

    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@record(frozen=False)
class Box:
    """A value that changes."""

    size: int = 0


@record(eq=False)
class Thing:
    """A value with an identity."""

    name: str


def test_fields_come_in_order_with_defaults_and_factories() -> None:
    one, other = Point(1), Point(1, y=0)
    assert (one.x, one.y, one.tags, one.note) == (1, 0, [], "")
    assert one == other
    assert one.tags is not other.tags


def test_a_missing_or_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1, z=2)  # type: ignore[call-arg]


def test_a_frozen_record_does_not_change() -> None:
    one = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        one.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        one.other = 2  # type: ignore[attr-defined]


def test_an_open_record_changes_and_has_no_hash() -> None:
    box = Box()
    box.size = 3
    assert box == Box(3)
    with pytest.raises(TypeError):
        hash(box)


def test_a_field_that_does_not_compare_is_left_out() -> None:
    assert Point(1, note="a") == Point(1, note="b")
    assert repr(Point(1, note="a")) == "Point(x=1, y=0, tags=[])"


def test_identity_counts_where_equality_is_off() -> None:
    one = Thing("a")
    assert one != Thing("a")
    assert {one: 1}[one] == 1


def test_other_classes_are_not_equal() -> None:
    assert Point(1) != (1, 0, [], "")


def test_replace_and_pickle_keep_the_rest() -> None:
    one = Point(1, 2, ["t"], "n")
    assert replace(one, y=5) == Point(1, 5, ["t"])
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert again.note == "n"


def test_many_instances_are_like_the_first() -> None:
    @record
    class Pair:
        """A value of which many are built."""

        one: int
        other: list[int] = field(default_factory=list)

    made = [Pair(1) for _ in range(30)]
    assert len(set(map(repr, made))) == 1
    assert made[0] == made[-1]
    made[-1].other.append(1)
    assert made[0].other == []
    with pytest.raises(TypeError):
        Pair(1, [], 3)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Pair(1, one=2)  # type: ignore[misc]


def test_a_set_of_all_actions_can_be_shown() -> None:
    assert repr(Point(1 << 22_000, 2)).startswith("Point(x=0x1000")


def test_patterns_match_by_position() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
