"""What is lost for good, beside what the layout says must be, and what only cannot be reached."""

from __future__ import annotations

import numpy as np
import pytest

from feitian_sim.scenario import load_text
from feitian_sim.scenario.wiring import Ran, build

CELL = """
name: cell
duration: 2m
cluster: {{racks: 8, machines_per_rack: 3, machine: {{disks: 2, disk: hdd-2tb, nic: 10Gbit/s}}}}
# Whoever counts is in the rack that is spared.
nuwa: {{servers: 1}}
pangu:
  masters: 1
  placement: {placement}
  heartbeat: {{timeout: 10s}}
  repair: {{bundle: {bundle}}}
  dataset: {{bytes: 40GiB, file_size: 64MiB}}
faults:
  - {{kind: {kind}, at: 20s, target: {{rack: [r1, r2, r3, r4, r5, r6, r7], mode: fixed, value: 8}}}}
"""


def ran(kind: str, placement: str = "random", bundle: str = "none", run: int = 0) -> tuple[Ran, int]:
    """A run in which eight machines strike out at one time, and how many chunks lay on these alone."""
    platform = build(load_text(CELL.format(kind=kind, placement=placement, bundle=bundle)), run)
    assert platform.cell is not None
    core = platform.cell.masters.core
    assert core is not None
    rows = [core.books.locations.servers(chunk) for chunk in range(640)]
    names = core.books.view.names
    done = platform.run()
    struck = {str(name) for name in done.facts.columns("faults.started")["target"]}
    return done, sum({names[server] for server in row} <= struck for row in rows)


@pytest.mark.parametrize("placement", ["random", "rack-spread", "copyset"])
@pytest.mark.parametrize("bundle", ["none", "rack-pair"])
def test_what_machines_take_that_do_not_come_back_is_what_lay_on_them_alone(placement: str, bundle: str):
    found = [ran("machine-loss", placement, bundle, run) for run in range(3)]
    assert [done.metrics["pangu.chunks_lost"] for done, _ in found] == [on_them for _, on_them in found]
    if placement == "random":
        # 640 C(8,3)/C(24,3) = 17.7 in each run.
        assert np.mean([on_them for _, on_them in found]) == pytest.approx(17.7, abs=3 * np.sqrt(17.7 / 3))


def test_the_master_may_be_among_the_lost():
    text = CELL.format(kind="machine-loss", placement="random", bundle="none")
    text = text.replace("rack: [r1, r2, r3, r4, r5, r6, r7], mode: fixed, value: 8", "rack: [r0, r1, r2], mode: all")
    platform = build(load_text(text), 0)
    assert platform.cell is not None
    core = platform.cell.masters.core
    assert core is not None
    on_them = sum(max(core.books.locations.servers(chunk)) < 9 for chunk in range(640))
    assert platform.run().metrics["pangu.chunks_lost"] == on_them > 0


def test_what_is_only_down_is_not_lost():
    done, on_them = ran("machine-crash")
    assert on_them > 0
    assert done.metrics["pangu.chunks_lost"] == 0
    assert done.metrics["pangu.chunks_unavailable_max"] == on_them
