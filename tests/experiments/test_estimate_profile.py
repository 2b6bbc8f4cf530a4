"""How the work of a run lies over simulated time, and what is made of it for the time left."""

from __future__ import annotations

import pytest

from feitian_sim.experiments.estimate import estimate, work_profile
from feitian_sim.experiments.progress import Progress, Teller
from feitian_sim.scenario import load_text

HEAD = """
name: profile
duration: 100s
cluster: {racks: 4, machines_per_rack: 2, machine: {disks: 2}}
"""
LOADS = """
pangu: {dataset: {bytes: 10GiB}}
load:
  - {kind: read, arrival: {kind: constant, rate: 1000/s}, stop: 50s}
"""


def test_work_ends_with_the_loads():
    done = work_profile(load_text(HEAD + LOADS))
    assert done(0.0) == 0.0
    assert done(25.0) == pytest.approx(0.5, abs=0.02)
    assert done(50.0) > 0.98
    assert done(100.0) == pytest.approx(1.0)


def test_closed_clients_take_the_time_that_their_card_needs():
    slow, fast = (
        estimate(
            load_text(
                HEAD
                + """
pangu: {dataset: {bytes: 10GiB}}
load:
  - {kind: read, clients: 1, read_size: 64MiB}
""",
                overrides=[f"cluster.clients={{machines: 1, nic: {nic}}}"],
            )
        ).operations
        for nic in ("10Mbit/s", "1Gbit/s")
    )
    # 53.7 s and at least half a second for 64 MiB.
    assert slow == 2
    assert 100 < fast < 200


def test_the_time_left_follows_the_pace_of_late(monkeypatch: pytest.MonkeyPatch):
    """A first half that is dear and a second that is cheap: what is left is reckoned by the last quarter of the time."""
    from feitian_sim.experiments import progress

    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    told: list[Progress] = []
    teller = Teller(told.append, 1, 100.0)
    for second in range(1, 81):
        now[0] += 1.0 if second <= 50 else 0.5
        teller.tell(0, float(second), second)
    assert told[-1].elapsed_s == 65.0
    assert told[-1].remaining_s == pytest.approx(10.0, rel=0.1)
