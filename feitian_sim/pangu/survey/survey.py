"""A survey: everything that is counted of one layout, and how it becomes a fact of a run.

A run whose scenario has ``pangu.survey`` counts its own dataset's layout before the first event and publishes what it
found; ``feitian place`` does so without a simulation. Nothing of it changes what is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.kernel import Simulation
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.config import PanguConfig, SurveyConfig
from feitian_sim.pangu.dataset import Dataset, laid_out
from feitian_sim.pangu.facts import BurstSurveyed, LayoutSurveyed
from feitian_sim.pangu.placement.policy import PlacementPolicy
from feitian_sim.pangu.survey.balance import Spread, spread_over, spread_over_servers, usable_ratio
from feitian_sim.pangu.survey.bursts import BurstRisk, burst_risk
from feitian_sim.pangu.survey.costs import usd_per_usable_tb_year
from feitian_sim.pangu.survey.domains import DomainRisk, apart_ratio, domain_risk, spare_domains
from feitian_sim.pangu.survey.layout import Layout
from feitian_sim.pangu.survey.movement import Movement, growth_optimum, moved_ratio, removal_optimum

#: Chunks of which it is looked where they would lie in another cluster.
_SAMPLE = 100_000


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a layout; ratios are shares of 1."""

    chunks: int
    servers: Spread
    racks: Spread
    power_domains: Spread
    usable_ratio: float
    copysets: int
    scatter_width: tuple[float, int, int]
    bursts: tuple[BurstRisk, ...]
    rack_apart_ratio: float
    rack_lost: DomainRisk
    two_racks_lost: DomainRisk
    spare_racks: int
    spare_power_domains: int
    grown: Movement
    shrunk: Movement
    usd_per_usable_tb_year: float
    moved_tb_usd: float

    @property
    def burst(self) -> BurstRisk:
        """The burst that stands for all in a table: the first that the scenario names."""
        return self.bursts[0]

    def facts(self) -> list[LayoutSurveyed | BurstSurveyed]:
        """As facts of a run."""
        mean_width, least_width, _ = self.scatter_width
        layout = LayoutSurveyed(
            chunks=self.chunks,
            used_sd=self.servers.sd,
            used_mean=self.servers.mean,
            used_max=self.servers.maximum,
            usable=self.usable_ratio,
            copysets=self.copysets,
            scatter_width=mean_width,
            least_scatter_width=least_width,
            rack_loss=self.rack_lost.any_loss_ratio,
            rack_chunks=self.rack_lost.expected_chunks,
            two_rack_loss=self.two_racks_lost.any_loss_ratio,
            two_rack_chunks=self.two_racks_lost.expected_chunks,
            spare_racks=self.spare_racks,
            grown=self.grown.moved_ratio,
            usd_per_tb_year=self.usd_per_usable_tb_year,
            moved_tb_usd=self.moved_tb_usd,
        )
        return [layout, *(_burst_fact(one) for one in self.bursts)]


def _burst_fact(risk: BurstRisk) -> BurstSurveyed:
    return BurstSurveyed(risk.failures, risk.any_loss_ratio, risk.low, risk.high, risk.counted, risk.expected_chunks)


def survey(
    sim: Simulation,
    layout: Layout,
    policy: PlacementPolicy,
    cluster: ClusterConfig,
    config: PanguConfig,
    asked: SurveyConfig,
) -> Survey:
    """Count everything of a layout that ``policy`` made. Raises ValueError for bursts of more servers than there are."""
    usable = usable_ratio(layout)
    widths = layout.scatter_widths
    return Survey(
        chunks=layout.chunks,
        servers=spread_over_servers(layout),
        racks=spread_over(layout, layout.view.rack),
        power_domains=spread_over(layout, layout.view.power_domain),
        usable_ratio=usable,
        copysets=len(layout.codes),
        scatter_width=(float(np.mean(widths)), int(widths.min()), int(widths.max())),
        bursts=tuple(
            burst_risk(layout, failures, sim.stream("pangu.survey", str(failures)))
            for failures in asked.failures(len(layout.servers))
        ),
        rack_apart_ratio=apart_ratio(layout, layout.view.rack),
        rack_lost=domain_risk(layout, layout.view.rack, 1),
        two_racks_lost=domain_risk(layout, layout.view.rack, 2),
        spare_racks=spare_domains(layout, layout.view.rack),
        spare_power_domains=spare_domains(layout, layout.view.power_domain),
        grown=_grown(layout, policy, asked.racks_added, config),
        shrunk=_shrunk(layout, policy, config),
        usd_per_usable_tb_year=usd_per_usable_tb_year(cluster, usable, config.replicas),
        moved_tb_usd=cluster.costs.moved_tb_usd,
    )


def made_layout(
    sim: Simulation, view: ClusterView, policy: PlacementPolicy, config: PanguConfig
) -> tuple[Layout, Dataset]:
    """The layout with which a run of this simulation would begin, without the run. Raises ScenarioError."""
    dataset, rows = laid_out(sim, view, policy, config)
    if rows is None:
        rows = np.zeros((0, config.replicas), dtype=np.int32)
    return Layout(view, rows, dataset.lengths), dataset


def _grown(layout: Layout, policy: PlacementPolicy, racks: int, config: PanguConfig) -> Movement:
    """So many racks more, each like the first."""
    view = layout.view
    first = np.flatnonzero(view.rack == view.rack[layout.servers[0]])
    first = first[view.capacity_bytes[first] > 0]
    bigger = _extended(view, np.tile(first, racks), racks)
    added = bigger.count - view.count
    optimum = growth_optimum(int(view.capacity_bytes.sum()), int(bigger.capacity_bytes[view.count :].sum()))
    return Movement(added, _recomputed(policy, view, bigger, config), optimum)


def _shrunk(layout: Layout, policy: PlacementPolicy, config: PanguConfig) -> Movement:
    """The first rack less."""
    view = layout.view
    gone = np.flatnonzero(view.rack == view.rack[layout.servers[0]])
    smaller = view.copy()
    smaller.alive[gone] = False
    optimum = removal_optimum(layout, gone)
    moved = max(optimum, _recomputed(policy, view, smaller, config)) if policy.computes else optimum
    return Movement(-len(gone), moved, optimum)


def _recomputed(policy: PlacementPolicy, before: ClusterView, after: ClusterView, config: PanguConfig) -> float:
    """The share of replicas that lies elsewhere in another cluster; 0 for a policy that remembers."""
    if not policy.computes:
        return 0.0
    rows = []
    for view in (before, after):
        # Of their own, and empty: only the rule is asked, not the room. Capacities stay, as they weigh the servers.
        sim = Simulation(seed=1)
        empty = view.copy()
        empty.used_bytes[:] = 0
        rows.append(
            policy.place_many(empty, _SAMPLE, config.replicas, sim.stream("pangu.movement"), np.ones(_SAMPLE, np.int64))
        )
    return moved_ratio(rows[0], rows[1])


def _extended(view: ClusterView, like: npt.NDArray[np.int64], racks: int) -> ClusterView:
    each = len(like) // racks
    rack = np.repeat(np.arange(racks, dtype=np.int32), each)
    bigger = ClusterView(
        names=(*view.names, *(f"new{number}" for number in range(len(like)))),
        rack=np.r_[view.rack, rack + view.rack.max() + 1],
        power_domain=np.r_[view.power_domain, rack + view.power_domain.max() + 1],
        capacity_bytes=np.r_[view.capacity_bytes, view.capacity_bytes[like]],
    )
    bigger.alive[:] = True
    return bigger
