"""Records: as Python's frozen data classes in all that can be seen."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from feitian_sim.kernel import record


class Small:
    """A base without fields."""

    __slots__ = ()

    @property
    def weight(self) -> int:
        """What all weigh."""
        return 7


@record
class Point(Small):
    """Two fields, one with a default."""

    x: int
    y: str = "there"


@record
class Nothing(Small):
    """No field."""


def test_a_record_is_made_by_position_by_name_and_by_default():
    assert Point(1) == Point(x=1, y="there")
    assert repr(Point(1, "here")).endswith("Point(x=1, y='here')")
    assert (Point(1).weight, Nothing().weight) == (7, 7)
    assert type(Point(1)) is Point
    assert [field.name for field in fields(Point)] == ["x", "y"]  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [(), (1, "a", 3)])
def test_a_wrong_number_of_fields_is_refused(wrong: tuple[Any, ...]):
    with pytest.raises(TypeError):
        Point(*wrong)


def test_an_unknown_field_is_refused():
    with pytest.raises(TypeError):
        Point(1, z=2)  # type: ignore[call-arg]


def test_a_record_is_frozen_and_slotted():
    point: Any = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2
    with pytest.raises((AttributeError, TypeError)):
        point.z = 2
    assert not hasattr(point, "__dict__")


def test_equal_records_have_equal_hashes_and_serve_as_keys():
    assert {Point(1, "a"): "found"}[Point(1, "a")] == "found"
    assert Point(1, "a") != Point(1, "b")


def test_a_record_is_copied_pickled_replaced_and_matched():
    point: Any = Point(1, "a")
    assert copy.copy(point) == copy.deepcopy(point) == pickle.loads(pickle.dumps(point)) == point
    assert replace(point, y="b") == Point(1, "b")
    match point:
        case Point(x, "a"):
            assert x == 1
        case _:
            pytest.fail("not matched")


def test_a_default_that_is_made_anew_is_refused():
    from dataclasses import field

    with pytest.raises(AssertionError):

        @record
        class Wrong:
            names: list[str] = field(default_factory=list)
