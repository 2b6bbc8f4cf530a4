"""What is measured of hot chunks and their temporary copies, each from its facts."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables


def _hot(tables: Tables) -> Measured:
    found = tables.columns("pangu.chunk_hot")
    return float(len(np.unique(found["chunk"]))) if found else None


def _took_s(tables: Tables) -> Measured:
    made = tables.columns("pangu.hot_copy_made")
    return made["time_s"] - made["since_s"] if made and len(made["time_s"]) else None


def _count(kind: str, tables: Tables) -> Measured:
    return float(tables.count(kind)) if tables.count("pangu.chunk_hot") else None


METRICS: tuple[Metric, ...] = (
    Metric(
        "pangu.hot_chunks_count", "", "Chunks that so many read that they got temporary copies (pangu.chunk_hot).", _hot
    ),
    Metric(
        "pangu.hot_copies_made_count",
        "",
        "Temporary copies of hot chunks that were made (pangu.hot_copy_made).",
        lambda tables: _count("pangu.hot_copy_made", tables),
    ),
    Metric(
        "pangu.hot_copies_dropped_count",
        "",
        "Temporary copies that nobody read any more and that were dropped (pangu.hot_copy_dropped).",
        lambda tables: _count("pangu.hot_copy_dropped", tables),
    ),
    Metric(
        "pangu.hot_copy_s",
        "s",
        "From the order of a temporary copy until it can be read (pangu.hot_copy_made).",
        _took_s,
        statistics=True,
    ),
)
