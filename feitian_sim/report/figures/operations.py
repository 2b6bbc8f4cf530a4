"""What the figures of foreground load have in common: operations by kind, and their rates."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.kernel.tables import Column
from feitian_sim.report.evidence import Evidence
from feitian_sim.report.scale import round_window_s
from feitian_sim.report.series import Floats, Series, counts, edges, over_runs, spread_rate

#: About as many windows as a 3.5 in figure can show apart.
WINDOWS = 120


def operation_names(evidence: Evidence) -> tuple[str, ...]:
    """The kinds of operation that clients made, sorted with the busiest data movers first."""
    moved: dict[str, float] = {}
    for run in evidence.runs:
        columns = run.columns("pangu.operation")
        for name in np.unique(columns["op"].astype(str)).tolist() if columns else ():
            moved[name] = moved.get(name, 0.0) + float(columns["size_bytes"][columns["op"] == name].sum())
    return tuple(sorted(moved, key=lambda name: (-moved[name], name)))


def selected(run: Tables, name: str | None, *, ok: bool) -> dict[str, Column]:
    """The operations of one kind (all for None) that succeeded, or that failed."""
    columns = run.columns("pangu.operation")
    if not columns:
        return {}
    chosen = columns["ok"].astype(bool) == ok
    if name is not None:
        chosen &= columns["op"] == name
    return {column: values[chosen] for column, values in columns.items()}


def window_edges(evidence: Evidence) -> Floats:
    """The windows in which rates are shown."""
    return edges(evidence.duration_s, round_window_s(evidence.duration_s, WINDOWS))


def throughput(runs: tuple[Tables, ...], name: str | None, windows: Floats) -> Series:
    """Bytes per second of successful operations over the windows."""
    rates = [_rate(selected(run, name, ok=True), windows) for run in runs]
    return step_series(windows, rates)


def failures(runs: tuple[Tables, ...], windows: Floats) -> Series:
    """Failed operations per window."""
    failed = [counts(selected(run, None, ok=False).get("time_s", np.zeros(0)), windows) for run in runs]
    return step_series(windows, failed)


def step_series(windows: Floats, runs: list[Floats]) -> Series:
    """Values per window as a step curve: the last value is held to the right edge."""
    return over_runs(windows, [np.append(values, values[-1]) for values in runs])


def _rate(columns: dict[str, Column], windows: Floats) -> Floats:
    if not columns:
        return np.zeros(len(windows) - 1)
    sizes = columns["size_bytes"].astype(np.float64)
    return spread_rate(columns["start_s"], columns["time_s"], sizes, windows)
