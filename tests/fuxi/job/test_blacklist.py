"""An instance is never left without a machine by what it, and its task, avoid (F9)."""

from __future__ import annotations

import pytest

from feitian_sim.fuxi.job.blacklist import Blacklist
from feitian_sim.fuxi.job.config import BlacklistConfig


@pytest.fixture
def blacklist() -> Blacklist:
    """Of a cell of eight machines, of which a task avoids two at most, from the first failure on."""
    return Blacklist(BlacklistConfig(task_after=1, most=0.25), 8)


def test_an_instance_does_not_run_again_where_it_failed(blacklist: Blacklist):
    blacklist.instance_failed(0, 3, 5)
    assert [machine for machine in range(8) if not blacklist.may_run(0, 3, machine)] == [5]
    assert all(blacklist.may_run(0, 4, machine) for machine in range(8))


def test_one_that_avoids_half_of_all_together_with_its_task_may_run_where_it_failed(blacklist: Blacklist):
    for machine in (0, 1):
        assert blacklist.instance_failed(0, 1, machine)
    blacklist.instance_failed(0, 3, 2)
    assert not blacklist.may_run(0, 3, 2)
    blacklist.instance_failed(0, 3, 3)
    assert blacklist.of(0) == (0, 1)
    assert blacklist.may_run(0, 3, 2)
    assert blacklist.may_run(0, 3, 3)
    # What the task avoids it avoids still.
    assert blacklist.avoids(0, 0)
