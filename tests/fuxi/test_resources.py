"""Resource vectors: whole numbers, and no more of a thing than there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.fuxi.resources import Dimensions, fits
from tests.fuxi.scheduling.vectors import how_many, times

_AMOUNTS = st.tuples(*[st.integers(0, 10**13)] * 4)


def test_a_vector_names_what_the_cell_has():
    dimensions = Dimensions(("licence",))
    assert dimensions.vector({"licence": 2, "cpu": 500}) == (500, 0, 0, 2)
    with pytest.raises(KeyError, match="gpu"):
        dimensions.vector({"gpu": 1})


@given(_AMOUNTS, _AMOUNTS)
def test_as_many_fit_as_are_said_and_not_one_more(need, free):
    if not any(need):
        with pytest.raises(ValueError, match="needs nothing"):
            how_many(need, free)
        return
    count = how_many(need, free)
    assert fits(times(need, count), free)
    assert not fits(times(need, count + 1), free)
