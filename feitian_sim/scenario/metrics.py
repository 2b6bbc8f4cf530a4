"""The library of metrics: what every subsystem measures, in one immutable table.

Expectations, ``explain`` and ``list metrics`` look names up here; runs are measured with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from feitian_sim.authority import metrics as authority
from feitian_sim.faults import metrics as faults
from feitian_sim.fuxi import metrics as fuxi
from feitian_sim.hardware import metrics as hardware
from feitian_sim.kernel.metric import STATISTICS, Metric
from feitian_sim.kuafu import metrics as kuafu
from feitian_sim.nuwa import metrics as nuwa
from feitian_sim.pangu import hot_metrics as hot
from feitian_sim.pangu import metrics as pangu
from feitian_sim.pangu import move_metrics as moves
from feitian_sim.pangu.survey import metrics as surveys
from feitian_sim.replog import metrics as replog
from feitian_sim.scenario.problems import nearest, shortened, suggestion
from feitian_sim.workloads import metrics as workloads


class MetricTable:
    """Metrics by id, in order of id."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        found = sorted(metrics, key=lambda metric: metric.id)
        self._by_id = {metric.id: metric for metric in found}
        assert len(self._by_id) == len(found), "two metrics have one id"

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def ids(self) -> tuple[str, ...]:
        """The ids, sorted."""
        return tuple(self._by_id)

    def find(self, name: str) -> Metric | None:
        """The metric with this id."""
        return self._by_id.get(name)

    def split(self, name: str) -> tuple[Metric, str | None]:
        """``pangu.recovery_s.p95`` as its metric and ``"p95"``. Raises ValueError with the nearest name."""
        metric = self._by_id.get(name)
        if metric is not None:
            return metric, None
        head, _, tail = name.rpartition(".")
        metric = self._by_id.get(head)
        if metric is None:
            raise ValueError(self._unknown(name))
        if tail not in STATISTICS:
            raise ValueError(f"{head} has no statistic {tail!r}{suggestion(tail, STATISTICS)}")
        return metric, tail

    def _unknown(self, name: str) -> str:
        near = nearest(name, self._by_id)
        hint = f"; did you mean {near!r}?" if near else ""
        part = name.partition(".")[0]
        beside = [known for known in self._by_id if known.startswith(f"{part}.")]
        return f"there is no metric {name!r}{hint} (allowed: {shortened(beside or list(self._by_id))})"


@cache
def library() -> MetricTable:
    """The metrics of all subsystems."""
    parts = (hardware, kuafu, authority, replog, nuwa, pangu, moves, hot, surveys, fuxi, workloads, faults)
    return MetricTable(metric for part in parts for metric in part.METRICS)
