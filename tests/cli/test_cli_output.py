"""Values as people read them."""

from __future__ import annotations

import pytest

from feitian_sim.cli.output import number, quantity


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1392.0, "s", "23.2 min"),
        (0.0012, "s", "1.2 ms"),
        (0.0, "s", "0 s"),
        (31_557_600.0, "s", "1 years"),
        (440e6, "bytes_per_s", "440 MB/s"),
        (0.0, "bytes", "0 B"),
        (0.4, "ratio", "40 %"),
        (15000.0, "chunks", "15,000 chunks"),
        (3.0, "", "3"),
        (None, "s", "-"),
    ],
)
def test_a_quantity_has_a_unit_that_suits_its_size(value: float | None, unit: str, shown: str) -> None:
    assert quantity(value, unit) == shown


def test_a_number_has_six_digits_at_most() -> None:
    assert (number(1234567), number(0.123456789), number(None)) == ("1,234,567", "0.123457", "-")
