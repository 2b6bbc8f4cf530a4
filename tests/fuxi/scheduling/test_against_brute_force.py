"""The incremental scheduler decides as one that scans everything, event by event."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from feitian_sim.fuxi import lanes
from feitian_sim.fuxi.fairness import FAIRNESS
from tests.fuxi.scheduling.twins import APPS, CAPACITIES, GROUPS, RACKS, Twins

_MACHINES = st.integers(0, len(RACKS) - 1)
_WISHES = st.lists(st.tuples(_MACHINES, st.integers(-2, 4)), max_size=2)
_RACK_WISHES = st.lists(st.tuples(st.integers(0, 1), st.integers(-1, 4)), max_size=1)
_AVOID = st.none() | st.lists(_MACHINES, max_size=2, unique=True)
_CHANGE = st.tuples(st.integers(1, 2), st.integers(-6, 30), st.integers(0, 2), _WISHES, _RACK_WISHES, _AVOID)


class Events(RuleBasedStateMachine):
    """Any events in any order."""

    fairness = "fifo"
    groups = "one"

    @initialize(capacities=st.lists(st.sampled_from(CAPACITIES), min_size=4, max_size=4))
    def begin(self, capacities):
        self.twins = Twins(self.fairness, self.groups)
        for machine, capacity in enumerate(capacities):
            self.twins.machine_up(machine, capacity)

    @rule(app=st.sampled_from(APPS), changes=st.lists(_CHANGE, min_size=1, max_size=2, unique_by=lambda one: one[0]))
    def wants(self, app, changes):
        self.twins.wants(app, changes)

    @rule(pick=st.integers(0, 1000), share=st.integers(1, 3))
    def freed(self, pick, share):
        self.twins.freed(pick, share)

    @rule(machine=_MACHINES)
    def machine_gone(self, machine):
        self.twins.machine_gone(machine)

    @rule(machine=_MACHINES, capacity=st.sampled_from(CAPACITIES))
    def machine_up(self, machine, capacity):
        self.twins.machine_up(machine, capacity)

    @rule(machine=_MACHINES, closed=st.booleans())
    def close(self, machine, closed):
        self.twins.close(machine, closed)

    @rule(on=st.booleans())
    def hold(self, on):
        self.twins.hold(on)

    @rule(app=st.sampled_from(APPS))
    def end(self, app):
        self.twins.end(app)


@pytest.mark.parametrize("groups", list(GROUPS))
@pytest.mark.parametrize("fairness", ["fifo", "drf"])
def test_every_event_is_decided_as_by_scanning_everything(fairness, groups):
    case = type("Case", (Events,), {"fairness": fairness, "groups": groups})
    checks = list(HealthCheck)
    run_state_machine_as_test(
        case,
        settings=settings(
            max_examples=20, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=checks
        ),
    )


@pytest.mark.parametrize("few", [0, 6])
@pytest.mark.parametrize("groups", list(GROUPS))
@pytest.mark.parametrize("fairness", list(FAIRNESS))
def test_a_crowded_cell_is_shared_as_by_scanning_everything(fairness, groups, few, monkeypatch):
    """Long walks that are mostly demands and returns, so that everybody waits; with lanes in order and one by one."""
    monkeypatch.setattr(lanes, "_FEW", few)
    crowded = 0
    for seed in range(10):
        rng = np.random.Generator(np.random.Philox(seed))
        twins = Twins(fairness, groups)
        for machine in range(len(RACKS)):
            twins.machine_up(machine, CAPACITIES[(machine + seed) % 4])
        for _ in range(50):
            _step(twins, rng)
            crowded += sum(1 for _ in twins.fast.waiting()) > 2
    assert crowded > 250, "half of the time at least three units wait"


def _step(twins, rng):
    machine = int(rng.integers(len(RACKS)))
    app = APPS[int(rng.integers(len(APPS)))]
    match int(rng.integers(24)):
        case 0:
            twins.machine_gone(machine)
        case 1 | 2:
            twins.machine_up(machine, CAPACITIES[int(rng.integers(4))])
        case 3:
            twins.close(machine, True)
        case 4 | 5:
            twins.close(machine, False)
        case 6:
            twins.hold(not twins.slow.held)
        case 7:
            twins.hold(False)
        case 8:
            twins.end(app)
        case draw if draw < 15:
            wishes = [(int(rng.integers(4)), int(rng.integers(1, 4))) for _ in range(int(rng.integers(3)))]
            racks = [(int(rng.integers(2)), 2)] if rng.integers(3) == 0 else []
            avoid = [int(rng.integers(4))] if rng.integers(3) == 0 else None
            unit, wanted, priority = int(rng.integers(1, 3)), int(rng.integers(-4, 24)), int(rng.integers(3)) // 2
            twins.wants(app, [(unit, wanted, priority, wishes, racks, avoid)])
        case _:
            twins.freed(int(rng.integers(1000)), int(rng.integers(1, 4)))
