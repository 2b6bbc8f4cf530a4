"""Costs: what a usable terabyte costs in a year, from prices that the planner states."""

from __future__ import annotations

from feitian_sim.hardware.config import ClusterConfig

_TB = 10**12
_HOURS_PER_YEAR = 8766


def usd_per_year(cluster: ClusterConfig) -> float:
    """The whole cluster in a year: machines and disks over their life, and their power with what cools them."""
    costs = cluster.costs
    raw_tb = cluster.capacity_bytes / _TB
    bought = cluster.server_count * costs.machine_usd + raw_tb * costs.raw_tb_usd
    watts = cluster.server_count * (costs.machine_watts + cluster.machine.disks * costs.disk_watts)
    power = watts / 1000 * _HOURS_PER_YEAR * costs.power_usage_effectiveness * costs.kwh_usd
    return bought / costs.life_years + power


def usd_per_usable_tb_year(cluster: ClusterConfig, usable_ratio: float, replicas: int) -> float:
    """The cluster in a year over the terabytes of users' data that it can hold."""
    return usd_per_year(cluster) / (cluster.capacity_bytes / _TB * usable_ratio / replicas)
