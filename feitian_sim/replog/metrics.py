"""What is measured of replicated logs, Nuwa's and that of Pangu's masters alike."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables


def elections(tables: Tables) -> Measured:
    """Leaders elected after the start."""
    times = tables.column("replog.leader_elected", "time_s")
    return float(np.sum(np.asarray(times, dtype=np.float64) > 0.0))


METRICS: tuple[Metric, ...] = (
    Metric(
        "replog.elections_count",
        "",
        "Leaders elected after time 0, over all replicated logs (replog.leader_elected).",
        elections,
    ),
)
