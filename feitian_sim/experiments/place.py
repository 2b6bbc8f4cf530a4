"""Place: what placement policies do with a scenario's dataset, without simulating.

Every variant lays the same dataset out on the same machines, with the draws of run 0 of the scenario's seed, so that
what is counted here is what a run would begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from feitian_sim.experiments.study import Axes, Point, points_of
from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import ScenarioError, Simulation
from feitian_sim.operations import wiring as operations
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.config import SurveyConfig
from feitian_sim.pangu.placement import placement_from
from feitian_sim.pangu.survey.survey import Survey, made_layout, survey
from feitian_sim.scenario import Loaded, load
from feitian_sim.scenario.plugins import blamed
from feitian_sim.scenario.roles import roles

PLACEMENT = "pangu.placement"


@dataclass(frozen=True, slots=True)
class Placed:
    """One policy and what it does; ``warnings`` are in words."""

    label: str
    survey: Survey
    warnings: tuple[str, ...]


def placed(path: Path, overrides: tuple[str, ...], axes: Axes, seed: int | None, data: tuple[Path, ...]) -> list[Placed]:
    """Lay the dataset of a scenario out by each of the policies on its axes, or by its own alone.

    Raises ScenarioError for what is wrong with the scenario, or where it has no dataset.
    """
    return list(_each(path, overrides, axes, seed, data))


def _each(
    path: Path, overrides: tuple[str, ...], axes: Axes, seed: int | None, data: tuple[Path, ...]
) -> Iterator[Placed]:
    points = points_of(axes) if axes else [Point(())]
    all_loaded = [load(path, (*overrides, *point.overrides), seed, None, data) for point in points]
    for point, loaded in zip(points, all_loaded, strict=True):
        found = survey_of(loaded)
        yield Placed(point.label or _own_label(loaded), found, warnings_of(found))


def survey_of(loaded: Loaded) -> Survey:
    """The survey of a scenario's layout. Raises ScenarioError."""
    config = loaded.scenario.pangu
    if config is None or config.dataset is None:
        raise ScenarioError(f"{loaded.path}: nothing to place: it has no pangu.dataset, as in dataset: {{bytes: 500TB}}")
    own = next((part for part in loaded.policies if part.key == PLACEMENT), None)
    policy = own.create() if own is not None else placement_from(config.placement)
    sim = Simulation(loaded.scenario.seed, 0)
    datacenter = DataCenter(sim, loaded.scenario.cluster)
    # Machines that are to be added are not there yet.
    operations.prepare(sim, datacenter, loaded.scenario.operations, roles(loaded.scenario))
    machines = datacenter.machines
    view = ClusterView(
        names=tuple(machine.name for machine in machines),
        rack=[machine.rack for machine in machines],
        power_domain=[machine.power_domain for machine in machines],
        capacity_bytes=[sum(disk.capacity_bytes for disk in machine.disks) for machine in machines],
    )
    view.alive[:] = [machine.up for machine in machines]
    asked = config.survey or SurveyConfig()
    work: Callable[[], Survey] = lambda: survey(  # noqa: E731
        sim, made_layout(sim, view, policy, config)[0], policy, loaded.scenario.cluster, config, asked
    )
    try:
        return work()
    except ScenarioError:
        raise
    except Exception as error:
        theirs = blamed(error, tuple(part.own for part in loaded.policies))
        if theirs is None:
            raise
        raise theirs from error


def warnings_of(found: Survey) -> tuple[str, ...]:
    """What a planner should know before he trusts a layout."""
    words = []
    if found.spare_racks <= 0:
        words.append(
            "no spare failure domain: there are as many racks as replicas, so that after the loss of one no chunk can "
            "have its copies apart again"
            if found.spare_racks == 0
            else "fewer racks than replicas: copies share racks, and the loss of one takes several of a chunk"
        )
    elif found.spare_racks == 1:
        words.append("one spare rack: after its loss no other may fail before it is back")
    if found.rack_lost.any_loss_ratio > 0:
        words.append(
            f"the loss of one rack takes chunks for good: {found.rack_lost.expected_chunks:,.0f} of them on average"
        )
    return tuple(words)


def _own_label(loaded: Loaded) -> str:
    assert loaded.scenario.pangu is not None
    placement = loaded.scenario.pangu.placement
    return placement if isinstance(placement, str) else str(placement.get("kind", placement))
