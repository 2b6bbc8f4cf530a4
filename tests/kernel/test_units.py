"""Quantities: exact parsing, refusals with a remedy, and text that parses back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feitian_sim.kernel import units


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5ms", 5_000_000),
        ("1h30m", 5400 * 10**9),
        ("0.5s", 500_000_000),
        ("2 min", 120 * 10**9),
        ("1year", units.YEAR),
    ],
)
def test_durations(text: str, value: int):
    assert units.parse_duration(text) == value


@pytest.mark.parametrize(("text", "value"), [("64MiB", 64 << 20), ("1.5TB", 1_500_000_000_000), ("0B", 0)])
def test_sizes(text: str, value: int):
    assert units.parse_size(text) == value


@pytest.mark.parametrize(("text", "value"), [("10Gbit/s", 10**10), ("6.25MiB/s", 52_428_800), ("100MB/s", 8 * 10**8)])
def test_bandwidths(text: str, value: int):
    assert units.parse_bandwidth(text) == value


def test_frequencies_and_ratios():
    assert units.parse_frequency("2/s") == 2.0
    assert units.parse_frequency("4%/year") * 31_557_600 == pytest.approx(0.04)
    assert units.parse_ratio("40%") == 0.4


@pytest.mark.parametrize(
    ("parse", "text", "remedy"),
    [
        (units.parse_duration, "30", "write 30s"),
        (units.parse_duration, "-5s", "negative"),
        (units.parse_duration, "5 parsec", "not a unit of time"),
        (units.parse_size, "64M", "did you mean 64MB"),
        (units.parse_size, "64mib", "did you mean 64MiB"),
        (units.parse_size, "-1GB", "negative"),
        (units.parse_bandwidth, "10Gbps", "not a unit of bandwidth"),
        (units.parse_frequency, "4", "4%/year"),
        (units.parse_ratio, "many", "40%"),
    ],
)
def test_a_refusal_names_the_remedy(parse, text: str, remedy: str):
    with pytest.raises(ValueError, match=remedy):
        parse(text)


@given(st.integers(0, 10**19))
def test_formatted_text_parses_back(value: int):
    assert units.parse_duration(units.format_duration(value)) == value
    assert units.parse_size(units.format_size(value)) == value
    assert units.parse_bandwidth(units.format_bandwidth(value)) == value
