"""What is measured of balance, growth and shrinking, each from its facts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables

_MOVE = "pangu.move"
_BALANCE = "pangu.balance"


def _count(kind: str) -> Callable[[Tables], Measured]:
    return lambda tables: float(tables.count(kind))


def _sum(kind: str, column: str, tables: Tables) -> Measured:
    return float(np.sum(tables.column(kind, column)))


def _moved(why: str, tables: Tables) -> Measured:
    moves = tables.columns(_MOVE)
    return float(np.sum(moves["size_bytes"][moves["why"].astype(str) == why])) if moves else 0.0


def _took_s(kind: str, tables: Tables) -> Measured:
    ended = tables.columns(kind)
    return ended["time_s"] - ended["started_s"] if ended else None


def balancing_s(tables: Tables) -> Measured:
    """Seconds from the beginning of the first move for balance to the end of the last."""
    moves = tables.columns(_MOVE)
    of_balance = moves["why"].astype(str) == "balance" if moves else np.zeros(0, dtype=bool)
    if not of_balance.any():
        return None
    return float(np.max(moves["time_s"][of_balance]) - np.min(moves["started_s"][of_balance]))


def _last(column: str, tables: Tables) -> Measured:
    found = tables.column(_BALANCE, column)
    return float(found[-1]) if len(found) else None


def _spread(tables: Tables) -> Measured:
    samples = tables.columns(_BALANCE)
    return float(samples["most"][-1] - samples["least"][-1]) if samples else None


def _widest(tables: Tables) -> Measured:
    samples = tables.columns(_BALANCE)
    return float(np.max(samples["most"] - samples["least"])) if samples else None


def _unfinished(tables: Tables) -> Measured:
    return float(tables.count("pangu.drain_started") - tables.count("pangu.drained"))


_USED = tuple(
    Metric(
        f"pangu.used_{name}_ratio",
        "",
        f"{what} use of disks over the living chunk servers in service: bytes taken on a server's disks over their "
        f"capacity, in the last sample ({_BALANCE}: {column}).",
        partial(_last, column),
    )
    for name, column, what in (
        ("max", "most", "Greatest"),
        ("min", "least", "Least"),
        ("p50", "median", "Median"),
        ("mean", "mean", "Mean"),
        ("sd", "deviation", "Standard deviation of the"),
    )
)

METRICS: tuple[Metric, ...] = (
    Metric(
        "pangu.moves_count",
        "",
        "Number of pangu.move facts: replicas that went from one server to another, for balance or from a server that "
        "is drained.",
        _count(_MOVE),
    ),
    Metric(
        "pangu.moved_bytes",
        "B",
        "Bytes of all replicas that were moved between servers (pangu.move: sum of size_bytes).",
        partial(_sum, _MOVE, "size_bytes"),
    ),
    Metric(
        "pangu.balance_moved_bytes",
        "B",
        "Bytes of replicas that were moved for balance (pangu.move with why=balance: sum of size_bytes).",
        partial(_moved, "balance"),
    ),
    Metric(
        "pangu.moves_failed_count",
        "",
        "Number of pangu.move_failed facts: moves after which the replica was where it had been.",
        _count("pangu.move_failed"),
    ),
    Metric(
        "pangu.move_s",
        "s",
        "Time from the master's decision to the end of each move (pangu.move: time_s - started_s).",
        partial(_took_s, _MOVE),
        statistics=True,
    ),
    Metric(
        "pangu.balancing_s",
        "s",
        "Time from the beginning of the first move for balance to the end of the last (pangu.move with why=balance).",
        balancing_s,
    ),
    Metric(
        "pangu.disk_moved_bytes",
        "B",
        "Bytes of replicas that were moved between the disks of one server (pangu.disk_move: sum of size_bytes).",
        partial(_sum, "pangu.disk_move", "size_bytes"),
    ),
    Metric(
        "pangu.servers_joined_count",
        "",
        "Number of pangu.joined facts: servers that registered after they had been added.",
        _count("pangu.joined"),
    ),
    Metric(
        "pangu.drain_s",
        "s",
        "Time from the operator's order to the last replica's leaving, of each server that was drained or "
        "decommissioned (pangu.drained: time_s - started_s).",
        partial(_took_s, "pangu.drained"),
        statistics=True,
    ),
    Metric("pangu.drained_count", "", "Number of pangu.drained facts: drains that ended.", _count("pangu.drained")),
    Metric(
        "pangu.drains_unfinished_count",
        "",
        "Number of pangu.drain_started facts less pangu.drained facts: drains that were under way, were blocked, or "
        "had been taken back at the end of the run.",
        _unfinished,
    ),
    Metric(
        "pangu.drains_blocked_count",
        "",
        "Number of pangu.drain_blocked facts: times that a drain said that replicas have no place to go, and why.",
        _count("pangu.drain_blocked"),
    ),
    *_USED,
    Metric(
        "pangu.used_spread_ratio",
        "",
        "pangu.used_max_ratio less pangu.used_min_ratio: how far apart the fullest and the emptiest server are at the "
        "end.",
        _spread,
    ),
    Metric(
        "pangu.used_spread_max_ratio",
        "",
        f"The largest distance between the fullest and the emptiest server in any sample ({_BALANCE}: most - least).",
        _widest,
    ),
)
