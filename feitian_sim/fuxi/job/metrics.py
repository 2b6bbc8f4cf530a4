"""What is measured of a JobMaster's own work: for how long it decides who gets what."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables

_DECISIONS = "fuxi.job_decisions"


def _deciding(tables: Tables) -> Measured:
    columns = tables.settled(_DECISIONS)
    return np.asarray(columns["deciding_s"], dtype=np.float64) if columns else None


def _scheduled(tables: Tables) -> Measured:
    columns = tables.columns(_DECISIONS)
    return float(np.sum(columns["instances"])) if columns else None


DECIDING_METRICS = (
    Metric(
        "fuxi.job_decision_s",
        "s",
        "Simulated time for which a JobMaster was deciding which worker gets which instance until its job was over, "
        "waiting for a core included; several decisions at a time count once (fuxi.job_decisions); of jobs that ended "
        "after the warm-up.",
        _deciding,
        statistics=True,
    ),
    Metric(
        "fuxi.instances_scheduled_count",
        "",
        "Instances that JobMasters have given to workers, backups and reruns included, of jobs that ended "
        "(fuxi.job_decisions).",
        _scheduled,
    ),
)
