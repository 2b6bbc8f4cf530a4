"""Numbers as people read them in tables: few digits, thousands apart, large values by power of ten."""

from __future__ import annotations

from feitian_sim.report.evidence import Expectation, Quantity

#: Whole numbers up to here are written out.
_WRITTEN_OUT = 10_000_000_000


def value_text(value: float | None) -> str:
    """``1,213``, ``0.0431``, ``4.41e+12``; a dash for what is not there."""
    if value is None or value != value:
        return "–"
    if float(value).is_integer() and abs(value) < _WRITTEN_OUT:
        return f"{int(value):,}"
    if 100 <= abs(value) < _WRITTEN_OUT:
        return f"{value:,.1f}" if abs(value) < 100_000 else f"{value:,.0f}"
    return f"{value:.4g}"


def interval_text(quantity: Quantity) -> str:
    """The interval over runs; what is missing when there is none."""
    if quantity.interval is None:
        return "one run" if quantity.runs < 2 else "–"
    low, high = quantity.interval
    return f"{value_text(low)} … {value_text(high)}"


def found_text(expectation: Expectation) -> str:
    """What an expectation was held against."""
    if expectation.found is None:
        return "nothing to measure"
    text = f"{value_text(expectation.found)} {expectation.unit}".strip()
    return text if expectation.runs < 2 else f"{text}, held in {expectation.runs_held} of {expectation.runs} runs"
