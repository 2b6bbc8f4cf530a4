"""Figures: one file per figure, each from facts to a drawing or to the reason why there is none.

:data:`FIGURES` is the table of contents, in the order of the report. A figure is a function
``draw(evidence, width_in, with_twin) -> Drawing | Omitted``; a new one is a file here and a line in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from feitian_sim.report.evidence import Evidence
from feitian_sim.report.figures import (
    attempts,
    completion,
    coordination,
    dag,
    decisions,
    disk_use,
    flows,
    gantt,
    job_queue,
    latency,
    quota,
    recovery,
    redundancy,
    repair,
    resources,
    service,
    throughput,
    traffic,
    waiting,
)
from feitian_sim.report.sheet import Drawing, Omitted

Figure = Callable[[Evidence, float, bool], Drawing | Omitted]

FIGURES: MappingProxyType[str, Figure] = MappingProxyType(
    {
        "recovery": recovery.draw,
        "throughput": throughput.draw,
        "latency": latency.draw,
        "redundancy": redundancy.draw,
        "repair": repair.draw,
        "traffic": traffic.draw,
        "disk-use": disk_use.draw,
        "flows": flows.draw,
        "waiting": waiting.draw,
        "coordination": coordination.draw,
        "attempts": attempts.draw,
        "resources": resources.draw,
        "job-queue": job_queue.draw,
        "completion": completion.draw,
        "job-gantt": gantt.draw,
        "job-dag": dag.draw,
        "quota": quota.draw,
        "decisions": decisions.draw,
        "service": service.draw,
    }
)

__all__ = ["FIGURES", "Figure"]
