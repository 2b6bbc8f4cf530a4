"""What is measured of the faults themselves: how many struck, and what became of a trace's rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables


def _count(kind: str) -> Callable[[Tables], Measured]:
    return lambda tables: float(tables.count(kind))


def _trace_sum(column: str) -> Callable[[Tables], Measured]:
    def compute(tables: Tables) -> Measured:
        columns = tables.columns("faults.trace_read")
        return float(np.sum(columns[column])) if columns else None

    return compute


def _of_traces(kind: str, tables: Tables) -> Measured:
    """Facts of ``kind`` that belong to faults that read a trace."""
    read = tables.columns("faults.trace_read")
    if not read:
        return None
    traced = sorted({str(name) for name in read["fault"]})
    faults = tables.column(kind, "fault")
    return float(np.sum(np.isin(faults.astype(str), traced))) if len(faults) else 0.0


def _unaccounted(tables: Tables) -> Measured:
    read = tables.columns("faults.trace_read")
    if not read:
        return None
    struck = sum(_of_traces(kind, tables) or 0.0 for kind in ("faults.started", "faults.absorbed"))
    return float(np.sum(read["rows"]) - np.sum(read["dropped"])) - struck


METRICS: tuple[Metric, ...] = (
    Metric(
        "faults.injected_count",
        "",
        "Number of faults.started facts: strikes that had an effect, one for each target.",
        _count("faults.started"),
    ),
    Metric("faults.ended_count", "", "Number of faults.ended facts: strikes that are over.", _count("faults.ended")),
    Metric(
        "faults.absorbed_count",
        "",
        "Number of faults.absorbed facts: strikes without effect, for example on a disk that had failed already.",
        _count("faults.absorbed"),
    ),
    Metric(
        "faults.trace_rows_count",
        "",
        "Rows of the failure traces that were read (faults.trace_read): kept and dropped together.",
        _trace_sum("rows"),
    ),
    Metric(
        "faults.trace_kept_count",
        "",
        "Rows of the failure traces that strike within this run (faults.trace_read): with an effect or absorbed.",
        _trace_sum("kept"),
    ),
    Metric(
        "faults.trace_dropped_count",
        "",
        "Rows of the failure traces that do not strike in this run, for the reasons in faults.trace_dropped.",
        _trace_sum("dropped"),
    ),
    Metric(
        "faults.trace_absorbed_count",
        "",
        "Strikes of failure traces without effect: faults.absorbed facts of faults that read a trace.",
        partial(_of_traces, "faults.absorbed"),
    ),
    Metric(
        "faults.trace_unaccounted_count",
        "",
        "Rows of the failure traces that were neither dropped nor struck: faults.trace_rows_count less "
        "faults.trace_dropped_count, less the faults.started and faults.absorbed facts of faults that read a trace. 0 "
        "when every failure of the trace is accounted for.",
        _unaccounted,
    ),
)
