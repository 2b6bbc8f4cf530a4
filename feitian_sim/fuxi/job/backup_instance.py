"""Backup instances (F9): which stragglers get a second instance beside them; the first to end wins.

By the three conditions of the Fuxi paper (VLDB 2014, sec. 4.3.2): most instances of the task have finished, so that there
is a mean to go by; this one has run several times as long as they took on average; and longer than the user calls
normal, so that an instance that has much to do by nature is left alone.
"""

from __future__ import annotations

import numpy as np

from feitian_sim.fuxi.job.config import BackupConfig
from feitian_sim.fuxi.job.instance_table import RUNNING, InstanceTable


def may_have_stragglers(table: InstanceTable, config: BackupConfig) -> bool:
    """Whether enough of the task has finished to tell who is slow."""
    return table.finished > 0 and table.running > 0 and table.done >= config.finished * table.count


def stragglers(table: InstanceTable, config: BackupConfig, normal_runtime_ns: int, now_ns: int) -> list[int]:
    """Instances that meet all three conditions, in order; those that have a backup already are among them."""
    if not may_have_stragglers(table, config):
        return []
    mean_ns = table.finished_ns / table.finished
    limit_ns = max(int(config.factor * mean_ns), normal_runtime_ns)
    running = np.flatnonzero(table.state == RUNNING)
    late: list[int] = running[now_ns - table.began_ns[running] > limit_ns].tolist()
    return late
