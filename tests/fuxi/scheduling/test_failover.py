"""A new master's books, rebuilt from what runs and what is wanted, are the old one's."""

from __future__ import annotations

import numpy as np
import pytest

from feitian_sim.fuxi.fairness import FAIRNESS
from feitian_sim.fuxi.messages import Preference, UnitDemand
from feitian_sim.fuxi.resources import Dimensions
from feitian_sim.fuxi.schedule_config import ScheduleConfig
from feitian_sim.fuxi.scheduler import Place, Scheduler
from tests.fuxi.scheduling.brute_force import FirstFit
from tests.fuxi.scheduling.twins import APPS, CAPACITIES, GROUPS, RACKS, VECTORS, Twins

_PLACES = [Place(f"m{number}", f"r{rack}") for number, rack in enumerate(RACKS)]


def _books(scheduler):
    return (
        [scheduler.free(machine) for machine in range(len(RACKS))],
        {app: scheduler.holdings(app) for app in APPS},
        sorted(scheduler.waiting()),
        {name: (group.used, group.minimum, group.maximum) for name, group in scheduler.groups.items()},
        scheduler.capacity(),
    )


def _demands(scheduler, app):
    """What the application would register: its wishes, in full."""
    for unit in scheduler._apps[app].units.values():
        wishes = [Preference("machine", f"m{place}", count) for place, count in unit.machine_wishes.items()]
        wishes += [Preference("rack", f"r{place}", count) for place, count in unit.rack_wishes.items()]
        avoid = tuple(place.name for index, place in enumerate(_PLACES) if unit.avoid >> index & 1)
        yield UnitDemand(unit.number, unit.wanted, unit.shape.vector, unit.priority, tuple(wishes), avoid)


def _rebuilt(old, twins, rng):
    """A new master: machines and applications report in any order, with nothing granted meanwhile."""
    groups = [group.config for group in old.groups.values()]
    new = Scheduler(
        _PLACES, Dimensions(("seat",)), ScheduleConfig(groups=groups), fairness=old._fairness, machine_choice=FirstFit()
    )
    new.hold(True)
    for app in sorted(APPS, key=lambda name: twins.slow.apps[name][3]):
        group, user, submitted, _ = twins.slow.apps[app]
        new.add_app(app, user, group, submitted)
    reports = [("machine", machine) for machine in range(len(RACKS))] + [("app", app) for app in APPS]
    for number in rng.permutation(len(reports)):
        kind, who = reports[number]
        if kind == "app":
            assert new.register(who, list(_demands(old, who)), 0) == []
            continue
        if twins.slow.closed.get(who):
            new.close(who)
        if who in twins.slow.capacity:
            new.machine_up(who, twins.slow.capacity[who])
            for app, unit, vector, held, returning in old.on_machine(who):
                new.adopt(app, unit, who, held + returning, vector)
        new.check()
    return new


@pytest.mark.parametrize("groups", list(GROUPS))
@pytest.mark.parametrize("fairness", list(FAIRNESS))
def test_adopted_and_registered_books_are_the_same(fairness, groups):
    for seed in range(12):
        rng = np.random.Generator(np.random.Philox(seed))
        twins = Twins(fairness, groups)
        twins.same = lambda moves, expected: None
        for machine in range(len(RACKS)):
            twins.machine_up(machine, CAPACITIES[(machine + seed) % 4])
        for _ in range(40):
            _event(twins, rng)
        new = _rebuilt(twins.fast, twins, rng)
        assert _books(new) == _books(twins.fast)
        assert new.hold(False) == []
        assert _books(new) == _books(twins.fast)
        # From here on the two decide alike.
        for app, unit, machine, count in [(a, u, m, n) for a in APPS for (u, m), n in new.holdings(app=a).items()]:
            assert new.freed(app, unit, machine, count, 1) == twins.fast.freed(app, unit, machine, count, 1)
            assert _books(new) == _books(twins.fast)
            new.check()


def _event(twins, rng):
    if rng.integers(3):
        app, unit = APPS[int(rng.integers(len(APPS)))], int(rng.integers(1, 3))
        wishes = [(int(rng.integers(4)), 2)] if rng.integers(2) else []
        avoid = [int(rng.integers(4))] if rng.integers(4) == 0 else None
        twins.wants(app, [(unit, int(rng.integers(-3, 20)), VECTORS[app, unit][0] % 2, wishes, [], avoid)])
    else:
        twins.freed(int(rng.integers(1000)), 2)


def test_what_runs_is_adopted_even_beyond_the_capacity_and_of_nobody_known():
    scheduler = Scheduler(_PLACES, Dimensions(("seat",)))
    scheduler.hold(True)
    scheduler.machine_up(0, (4, 4, 0, 0))
    scheduler.adopt("stranger", 1, 0, 5, (1, 1, 0, 0))
    scheduler.check()
    assert scheduler.free(0) == (-1, -1, 0, 0)
    scheduler.add_app("known", "somebody")
    scheduler.wants("known", [UnitDemand(1, 9, (1, 1, 0, 0))], 0)
    assert scheduler.hold(False) == []
    assert [move.count for move in scheduler.freed("stranger", 1, 0, 3, 1)] == [2]
    assert [move.count for move in scheduler.freed("stranger", 1, 0, 2, 1)] == [2]
    assert scheduler.holdings("stranger") == {}
    assert "stranger" not in scheduler._apps
    scheduler.check()


def test_a_machine_that_comes_back_smaller_is_filled_no_further():
    scheduler = Scheduler(_PLACES, Dimensions(("seat",)))
    scheduler.machine_up(0, (8, 8, 0, 0))
    scheduler.add_app("app", "somebody")
    scheduler.wants("app", [UnitDemand(1, 20, (1, 1, 0, 0))], 0)
    assert scheduler.machine_up(0, (4, 4, 0, 0)) == []
    scheduler.check()
    assert scheduler.freed("app", 1, 0, 4, 1) == []
    assert [move.count for move in scheduler.freed("app", 1, 0, 1, 1)] == [1]
