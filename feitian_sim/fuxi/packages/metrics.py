"""What is measured of packages: how long they take to come, and from whom."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables

_FETCHED = "fuxi.package_fetched"


def _took(tables: Tables) -> Measured:
    columns = tables.settled(_FETCHED)
    return np.asarray(columns["took_s"], dtype=np.float64) if columns else None


def _from_peers(tables: Tables) -> Measured:
    columns = tables.settled(_FETCHED)
    total = float(np.sum(columns["size_bytes"])) if columns else 0.0
    return float(np.sum(columns["peers_bytes"])) / total if total else None


PACKAGE_METRICS = (
    Metric(
        "fuxi.package_fetch_s",
        "s",
        "From the first worker on a machine that needs a package until all of it is on the machine's disk, before it is "
        "unpacked, of those that came after the warm-up (fuxi.package_fetched).",
        _took,
        statistics=True,
    ),
    Metric(
        "fuxi.package_peers_ratio",
        "",
        "Share of the bytes of packages that machines had from other machines, not from Pangu, after the warm-up "
        "(fuxi.package_fetched).",
        _from_peers,
    ),
)
