"""What is measured of Zhongkui."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables


def _total(column: str) -> Callable[[Tables], Measured]:
    def measured(tables: Tables) -> Measured:
        found = tables.column("zhongkui.totals", column)
        return float(np.sum(found)) if len(found) else None

    return measured


METRICS: tuple[Metric, ...] = (
    Metric("zhongkui.checked_count", "", "Calls and notes that servers checked (zhongkui.totals).", _total("checked")),
    Metric(
        "zhongkui.denied_count", "", "Of these, those refused, each with its reason (zhongkui.denied).", _total("denied")
    ),
    Metric(
        "zhongkui.verified_count",
        "",
        "Signatures of capabilities that servers verified, each at first sight on each machine.",
        _total("verified"),
    ),
    Metric(
        "zhongkui.cpu_s", "s", "Processor time that servers and callers spent on signatures and checks.", _total("cpu_s")
    ),
)
