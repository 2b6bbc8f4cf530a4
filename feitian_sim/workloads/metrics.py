"""What is measured of the loads themselves; what their operations took is measured by the part that they ask."""

from __future__ import annotations

from feitian_sim.kernel.metric import Measured, Metric, Tables
from feitian_sim.workloads.fuxi_metrics import FUXI_LOAD_METRICS
from feitian_sim.workloads.service_metrics import SERVICE_METRICS


def _dropped(tables: Tables) -> Measured:
    return float(tables.count("workloads.dropped"))


def _waits(tables: Tables) -> Measured:
    requests = tables.settled("hardware.request")
    return requests["waited_s"] if requests else None


def _responses(tables: Tables) -> Measured:
    requests = tables.settled("hardware.request")
    return requests["waited_s"] + requests["service_s"] if requests else None


METRICS: tuple[Metric, ...] = (
    Metric(
        "workloads.dropped_count",
        "",
        "Number of workloads.dropped facts: arrivals of open loads that were not begun.",
        _dropped,
    ),
    Metric(
        "workloads.request_wait_s",
        "s",
        "Time that each request of a requests load waited for a core (waited_s of hardware.request), after warm-up.",
        _waits,
        statistics=True,
    ),
    Metric(
        "workloads.request_response_s",
        "s",
        "Time from arrival to departure of each request of a requests load (hardware.request: waited_s + service_s), "
        "after the warm-up.",
        _responses,
        statistics=True,
    ),
    *SERVICE_METRICS,
    *FUXI_LOAD_METRICS,
)
