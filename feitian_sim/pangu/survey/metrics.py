"""What is measured of a layout, from the facts of its survey: counted, not simulated."""

from __future__ import annotations

from functools import partial

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables

_LAYOUT, _BURST = "pangu.layout_surveyed", "pangu.burst_surveyed"
_COUNTED = "Counted from the layout of the dataset before anything happens (pangu.survey): "
_OF_THE_FIRST_BURST = " The burst is the first of pangu.survey.bursts, by default 1 % of all servers."


def _of_layout(column: str, tables: Tables) -> Measured:
    values = tables.columns(_LAYOUT)
    return float(values[column][0]) if values else None


def _of_burst(column: str, tables: Tables) -> Measured:
    values = tables.columns(_BURST)
    return float(values[column][0]) if values else None


def _chunks_per_incident(tables: Tables) -> Measured:
    values = tables.columns(_BURST)
    if not values or not values["any_loss"][0]:
        return None
    return float(values["expected_chunks"][0] / values["any_loss"][0])


def _moved_usd(tables: Tables) -> Measured:
    price = _of_layout("moved_tb_usd", tables)
    if price is None:
        return None
    moved = sum(float(np.sum(tables.column(kind, "size_bytes"))) for kind in ("pangu.repair", "pangu.move"))
    return float(price) * moved / 1e12


def _metric(id: str, unit: str, definition: str, column: str) -> Metric:
    return Metric(id, unit, _COUNTED + definition, partial(_of_layout, column))


METRICS: tuple[Metric, ...] = (
    _metric("pangu.layout_sd_ratio", "ratio", "standard deviation over servers of how full they are.", "used_sd"),
    _metric("pangu.layout_max_ratio", "ratio", "how full the fullest server is.", "used_max"),
    _metric(
        "pangu.usable_ratio",
        "ratio",
        "share of the raw capacity that holds data when the fullest server is full, at this layout's proportions.",
        "usable",
    ),
    _metric("pangu.copysets_count", "", "distinct sets of servers that hold all copies of some chunk.", "copysets"),
    _metric(
        "pangu.scatter_width_count",
        "",
        "with how many others a server shares chunks, mean over servers.",
        "scatter_width",
    ),
    Metric(
        "pangu.burst_loss_ratio",
        "ratio",
        _COUNTED + "the chance that any chunk is lost when a burst of servers fails for good at one time, each set of "
        "servers as likely as any other; counted by Bonferroni's bounds where these are close, otherwise estimated "
        "from drawn bursts (columns low and high of pangu.burst_surveyed)." + _OF_THE_FIRST_BURST,
        partial(_of_burst, "any_loss"),
    ),
    Metric(
        "pangu.burst_lost_chunks",
        "",
        _COUNTED
        + "expected number of chunks lost in a burst: chunks times C(F,R)/C(N,R), the same for every placement."
        + _OF_THE_FIRST_BURST,
        partial(_of_burst, "expected_chunks"),
    ),
    Metric(
        "pangu.burst_incident_chunks",
        "",
        _COUNTED + "expected number of lost chunks given that any is lost in the burst: pangu.burst_lost_chunks over "
        "pangu.burst_loss_ratio." + _OF_THE_FIRST_BURST,
        _chunks_per_incident,
    ),
    _metric("pangu.rack_loss_ratio", "ratio", "share of racks whose loss for good takes some chunk.", "rack_loss"),
    _metric(
        "pangu.two_rack_loss_ratio",
        "ratio",
        "share of pairs of racks whose loss for good takes some chunk.",
        "two_rack_loss",
    ),
    _metric("pangu.spare_racks_count", "", "racks with disks beyond the number of replicas.", "spare_racks"),
    _metric(
        "pangu.growth_moved_ratio",
        "ratio",
        "share of all replicas that the placement's own rule moves when pangu.survey.racks_added racks are added, each "
        "like the first; 0 for a policy that remembers where chunks lie.",
        "grown",
    ),
    _metric(
        "pangu.usd_per_tb_year",
        "USD",
        "price of the cluster in a year (cluster.costs: machines and disks over their life, power) over the terabytes "
        "of users' data that it holds when its fullest server is full.",
        "usd_per_tb_year",
    ),
    Metric(
        "pangu.moved_usd",
        "USD",
        "Bytes of repairs and of moves (pangu.repair, pangu.move) times cluster.costs.moved_tb_usd, if pangu.survey is "
        "asked for.",
        _moved_usd,
    ),
)
