"""Goals: what a planner looks at when he compares, and which way is better.

Durability, recovery and what users feel come first, then traffic, balance and cost. A metric that no variant has is left
out; any other can be asked for with ``--metric``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """A metric and the better way; ``short`` is its name in a table and on an axis."""

    metric: str
    better: Literal["lower", "higher"]
    short: str


GOALS = (
    Goal("pangu.chunks_lost", "lower", "chunks lost"),
    Goal("pangu.burst_loss_ratio", "lower", "P(any loss) in a burst"),
    Goal("pangu.burst_incident_chunks", "lower", "chunks lost when any is"),
    Goal("pangu.two_rack_loss_ratio", "lower", "P(any loss), two racks"),
    Goal("pangu.recovery_s.p95", "lower", "recovery of a chunk, p95"),
    Goal("pangu.restored_s", "lower", "until all is restored"),
    Goal("pangu.repair_read_latency_s.p99", "lower", "read during repair, p99"),
    Goal("pangu.repair_write_latency_s.p99", "lower", "write during repair, p99"),
    Goal("pangu.read_latency_s.p99", "lower", "read, p99"),
    Goal("pangu.write_latency_s.p99", "lower", "write, p99"),
    Goal("pangu.read_bytes_per_s", "higher", "read throughput"),
    Goal("pangu.write_bytes_per_s", "higher", "write throughput"),
    Goal("hardware.cross_rack_bytes", "lower", "traffic between racks"),
    Goal("pangu.moved_bytes", "lower", "bytes moved"),
    Goal("pangu.layout_sd_ratio", "lower", "imbalance, sd"),
    Goal("pangu.usable_ratio", "higher", "usable of raw"),
    Goal("pangu.growth_moved_ratio", "lower", "moved on growth"),
    Goal("pangu.usd_per_tb_year", "lower", "USD per TB and year"),
    Goal("workloads.request_response_s.mean", "lower", "response, mean"),
    Goal("workloads.request_wait_s.mean", "lower", "wait, mean"),
    Goal("fuxi.job_completion_s.mean", "lower", "job completion, mean"),
    Goal("fuxi.job_completion_s.p95", "lower", "job completion, p95"),
    Goal("fuxi.job_slowdown_ratio.p95", "lower", "slowdown of jobs, p95"),
    Goal("fuxi.backups_count", "lower", "backup instances"),
)


def goal_of(metric: str) -> Goal:
    """The goal for a metric that the user names; of one that is none, less is taken to be better."""
    return next((goal for goal in GOALS if goal.metric == metric), Goal(metric, "lower", metric))
