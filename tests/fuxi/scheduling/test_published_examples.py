"""The worked examples of the Fuxi paper and of dominant resource fairness, to the letter."""

from __future__ import annotations

import pytest

from feitian_sim.fuxi.messages import Preference, UnitDemand
from feitian_sim.fuxi.resources import Dimensions
from feitian_sim.fuxi.schedule_config import ScheduleConfig
from feitian_sim.fuxi.scheduler import Place, Scheduler
from feitian_sim.kernel import GIB


def _granted(moves):
    return {(move.app, move.machine): move.count for move in moves}


@pytest.fixture
def figure_3():
    """M1 and M2 of 3 cores and 6 GB, M3 of 4 cores and 9 GB, on which AM2 runs one unit of 2 cores and 5 GB."""
    scheduler = Scheduler([Place("M1", "r1"), Place("M2", "r1"), Place("M3", "r2")], Dimensions())
    for machine, (cores, gigabytes) in enumerate(((3, 6), (3, 6), (4, 9))):
        scheduler.machine_up(machine, (cores * 1000, gigabytes * GIB, 0))
    scheduler.add_app("AM1", "somebody")
    scheduler.add_app("AM2", "somebody")
    two = UnitDemand(1, 1, (2000, 5 * GIB, 0), preferences=(Preference("machine", "M3", 1),))
    assert _granted(scheduler.wants("AM2", [two], 0)) == {("AM2", 2): 1}
    return scheduler


def test_figure_3_a_demand_takes_its_preferred_machine_then_what_there_is(figure_3):
    ten = UnitDemand(1, 10, (1000, 2 * GIB, 0), preferences=(Preference("machine", "M1", 2),))
    moves = figure_3.wants("AM1", [ten], 1)
    assert _granted(moves) == {("AM1", 0): 3, ("AM1", 1): 3, ("AM1", 2): 2}
    assert moves[0].machine == 0
    assert list(figure_3.waiting()) == [("AM1", 1, 2, 1)]
    figure_3.check()


def test_figure_5_what_is_returned_is_offered_to_who_waits_at_once(figure_3):
    ten = UnitDemand(1, 10, (1000, 2 * GIB, 0), preferences=(Preference("machine", "M1", 2),))
    figure_3.wants("AM1", [ten], 1)
    assert _granted(figure_3.freed("AM2", 1, 2, 1, 2)) == {("AM1", 2): 2}
    assert list(figure_3.waiting()) == []
    figure_3.check()


@pytest.mark.parametrize(
    ("whole", "demands", "units"),
    [
        ((9, 18, 0), {"A": (1, 4, 0), "B": (3, 1, 0)}, {"A": 3, "B": 2}),
        ((100, 10_000, 0), {"A": (2, 300, 0), "B": (6, 100, 0)}, {"A": 20, "B": 10}),
    ],
)
def test_dominant_resource_fairness_fills_as_published(whole, demands, units):
    scheduler = Scheduler([Place("M1", "r1")], Dimensions(), ScheduleConfig(fairness="drf"))
    scheduler.machine_up(0, whole)
    scheduler.hold(True)
    for app, vector in demands.items():
        scheduler.add_app(app, "somebody")
        scheduler.wants(app, [UnitDemand(1, 1000, vector)], 0)
    assert _granted(scheduler.hold(False)) == {(app, 0): count for app, count in units.items()}
    scheduler.check()
