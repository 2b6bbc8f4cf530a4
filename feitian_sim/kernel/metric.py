"""Metrics: what is measured of a run, computed from tables of facts and from nothing else.

Each subsystem declares its metrics in ``metrics.py`` as a tuple of :class:`Metric`; the command, expectations,
tables and the report read them there. A metric of many values (the latency of each operation) is expanded to the
statistics ``.mean .p50 .p95 .p99 .max .count``. What has nothing to measure in a run is absent from it, not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
#: What the computation of a metric may return: one number, many numbers, or nothing to measure.
Measured = float | npt.NDArray[Any] | None

#: Statistics of a metric with many values; ``p95`` is the 95th percentile with linear interpolation.
STATISTICS: dict[str, Callable[[npt.NDArray[np.float64]], float]] = {
    "mean": lambda values: float(np.mean(values)),
    "p50": lambda values: float(np.percentile(values, 50)),
    "p95": lambda values: float(np.percentile(values, 95)),
    "p99": lambda values: float(np.percentile(values, 99)),
    "max": lambda values: float(np.max(values)),
    "count": lambda values: float(len(values)),
}


class Tables:
    """The facts of one run as columns by kind, with the span of simulated time that they cover.

    ``read`` gives the columns of a kind and ``{}`` for a kind that never happened; each kind is read once.
    """

    def __init__(self, read: Callable[[str], Mapping[str, Column]], *, duration_s: float, warmup_s: float = 0.0) -> None:
        self._read = read
        self._seen: dict[str, Mapping[str, Column]] = {}
        self.duration_s = duration_s
        self.warmup_s = warmup_s

    def columns(self, kind: str) -> Mapping[str, Column]:
        """Columns of one kind by name; empty when none happened. Times are float seconds."""
        if kind not in self._seen:
            self._seen[kind] = self._read(kind)
        return self._seen[kind]

    def column(self, kind: str, name: str) -> Column:
        """One column; an empty one when the kind never happened. Raises KeyError for a column that it lacks."""
        columns = self.columns(kind)
        return columns[name] if columns else np.zeros(0)

    def count(self, kind: str) -> int:
        """How many facts of a kind happened."""
        return len(self.column(kind, "time_s"))

    def settled(self, kind: str) -> dict[str, Column]:
        """Columns of a kind without what was published during the warm-up."""
        columns = self.columns(kind)
        if not columns:
            return {}
        keep = columns["time_s"] >= self.warmup_s
        return {name: column[keep] for name, column in columns.items()}


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing measured: ``id`` is ``<part>.<noun>_<unit>``, ``definition`` says how it is computed from facts."""

    id: str
    unit: str
    definition: str
    compute: Callable[[Tables], Measured]
    #: Whether ``compute`` returns many values, which are then shown as statistics.
    statistics: bool = False

    def names(self) -> tuple[str, ...]:
        """The names under which its values appear."""
        return tuple(f"{self.id}.{name}" for name in STATISTICS) if self.statistics else (self.id,)

    def unit_of(self, name: str) -> str:
        """The unit of one of its values: a count has none."""
        return "" if self.statistics and name.endswith(".count") else self.unit

    def values(self, tables: Tables) -> dict[str, float]:
        """Its values in one run by name; empty when there is nothing to measure."""
        measured = self.compute(tables)
        if measured is None:
            return {}
        if not self.statistics:
            return {self.id: float(measured)}
        many = np.asarray(measured, dtype=np.float64)
        if not len(many):
            return {f"{self.id}.count": 0.0}
        return {f"{self.id}.{name}": statistic(many) for name, statistic in STATISTICS.items()}


def measure(metrics: Iterable[Metric], tables: Tables) -> dict[str, float]:
    """Every value of every metric in one run, in the order of the metrics."""
    values: dict[str, float] = {}
    for metric in metrics:
        values.update(metric.values(tables))
    return values
