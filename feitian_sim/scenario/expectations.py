"""Expectations: ``pangu.recovery_s.p95 < 30m``, a metric, a comparison, a value with its unit.

``expect:`` decides the exit code of a run. A metric without a value (nothing of its kind happened) meets no
expectation: a recovery time below 30 minutes is not shown by a run in which nothing was recovered.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from feitian_sim.kernel import SECOND, units
from feitian_sim.kernel.metric import STATISTICS
from feitian_sim.scenario.metrics import MetricTable

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_GRAMMAR = re.compile(r"^\s*(?P<metric>[\w.-]+)\s*(?P<op>==|!=|<=|>=|<|>)\s*(?P<value>\S.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of ``expect:``; ``limit`` is in the metric's unit."""

    text: str
    metric: str
    op: str
    limit: float
    unit: str

    def check(self, values: Mapping[str, float | None]) -> Outcome:
        """Held against the metrics of a run (or any values in the same units)."""
        found = values.get(self.metric)
        return Outcome(self, found, found is not None and OPERATORS[self.op](found, self.limit))


@dataclass(frozen=True, slots=True)
class Outcome:
    """An expectation beside what was found."""

    expectation: Expectation
    found: float | None
    held: bool


def parse_expectation(text: str, metrics: MetricTable) -> Expectation:
    """Read one expectation. Raises ValueError with a remedy."""
    match = _GRAMMAR.match(text)
    if match is None:
        raise ValueError(
            f"{text!r} is not an expectation: write METRIC OP VALUE, for example pangu.chunks_lost == 0 "
            f"(operators: {', '.join(OPERATORS)})"
        )
    metric, statistic = metrics.split(match["metric"])
    if metric.statistics and statistic is None:
        raise ValueError(f"{metric.id} has many values: say which, {metric.id}.mean or .p95 ({', '.join(STATISTICS)})")
    if statistic is not None and not metric.statistics:
        raise ValueError(f"{metric.id} is a single value; leave .{statistic} out")
    name = metric.id if statistic is None else f"{metric.id}.{statistic}"
    unit = "" if statistic == "count" else metric.unit
    return Expectation(text, name, match["op"], parse_value(match["value"], unit, name), unit)


def parse_value(text: str, unit: str, name: str) -> float:
    """``"30m"`` as 1800.0 for a metric in seconds. Raises ValueError with a remedy."""
    reader = _READERS.get(unit, _bare)
    try:
        return reader(text)
    except ValueError as error:
        what = f"{name} is in {unit}" if unit else f"{name} is a plain number"
        raise ValueError(f"{what}: {error}") from None


def _bare(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"write a number without a unit; found {text!r}") from None


_READERS: Mapping[str, Callable[[str], float]] = {
    "s": lambda text: units.parse_duration(text) / SECOND,
    "B": lambda text: float(units.parse_size(text)),
    "B/s": lambda text: units.parse_bandwidth(text) / 8,
    "bytes": lambda text: float(units.parse_size(text)),
    "bytes_per_s": lambda text: units.parse_bandwidth(text) / 8,
    "bps": lambda text: float(units.parse_bandwidth(text)),
    "ratio": units.parse_ratio,
    "per_s": units.parse_frequency,
}
