"""Jobs under failures of everything at once: what is promised holds, and they end (F1, F4, F9, F10)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from job_bench import JobBench

from feitian_sim.fuxi.job.facts import InstanceCommitted, OutputLost
from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan, TaskPlan
from feitian_sim.kernel import GIB, MIB, SECOND, Simulation

ONE = (1000, 2 * GIB, 0)


class Watched:
    """What committed and what was lost, as it happened."""

    def __init__(self) -> None:
        self.committed: Counter[tuple[str, str, int]] = Counter()
        self.lost: Counter[tuple[str, str, int]] = Counter()

    def listen(self, sim: Simulation) -> None:
        """Hear the details."""
        sim.facts.subscribe(InstanceCommitted, self._committed)
        sim.facts.subscribe(OutputLost, self._lost)

    def _committed(self, _: int, fact: Any) -> None:
        key = (fact.app, fact.task, fact.instance)
        self.committed[key] += 1
        assert self.committed[key] <= 1 + self.lost[key], f"{key} was committed twice"

    def _lost(self, _: int, fact: Any) -> None:
        self.lost[fact.app, fact.task, fact.instance] += 1


def _plan(name: str, number: int, *, stream: bool) -> JobPlan:
    times = tuple((3 + (i + number) % 7) * SECOND for i in range(60))
    return JobPlan(
        name,
        (
            TaskPlan("map", 60, ONE, time_ns=times, output_bytes=30 * MIB),
            TaskPlan("mid", 20, ONE, (EdgePlan(0, stream),), time_ns=4 * SECOND, output_bytes=10 * MIB),
            TaskPlan("end", 5, ONE, (EdgePlan(1),), time_ns=2 * SECOND),
        ),
    )


@pytest.mark.parametrize("seed", [1, 14, 18, 25, 33, 41])
def test_jobs_end_right_whatever_dies_meanwhile(seed: int) -> None:
    """JobMasters, machines, Tubos, worker runtimes and FuxiMasters die at drawn times; every instance commits once."""
    watched = Watched()
    bench = JobBench(seed=seed, subscribe=watched.listen, fuxi={"heartbeat": {"timeout": "10s"}})
    draws = bench.sim.stream("test.chaos", str(seed))
    names = [f"job-{number}" for number in range(3)]
    for number, name in enumerate(names):
        bench.submit(_plan(name, number, stream=bool(number % 2)), at_s=1 + 2 * number)
    for _ in range(12):
        at_s = 3 + draws.uniform() * 50
        what = draws.integer(5)
        machine = draws.choice(bench.datacenter.machines[:-1])
        host = bench.fuxi.machines[machine.index]
        if what == 0:
            bench.sim.call_at(int(at_s * SECOND), machine.crash, "test")
            bench.sim.call_at(int((at_s + 5 + draws.uniform() * 30) * SECOND), machine.restart)
        elif what == 1:
            bench.sim.call_at(int(at_s * SECOND), _kill, bench, draws.choice(names))
        elif what == 2:
            bench.sim.call_at(int(at_s * SECOND), host.tubo.daemon.kill)
            bench.sim.call_at(int((at_s + 2) * SECOND), host.tubo.daemon.start)
        elif what == 3:
            bench.sim.call_at(int(at_s * SECOND), host.runtime.daemon.kill)
            bench.sim.call_at(int((at_s + 2) * SECOND), host.runtime.daemon.start)
        else:
            master = draws.choice(bench.fuxi.masters)
            bench.sim.call_at(int(at_s * SECOND), master.daemon.kill)
            bench.sim.call_at(int((at_s + 15) * SECOND), master.daemon.start)
    bench.run(*names, within_s=900)
    assert {name: bench.ends[name].state for name in names} == dict.fromkeys(names, "finished")
    instances = {
        (name, task.name, i)
        for name in names
        for task in _plan(name, 0, stream=True).tasks
        for i in range(task.instances)
    }
    assert set(watched.committed) <= instances
    ok = {(row["job"], row["task"], row["instance"]) for row in bench.table("fuxi.instance_ended") if row["ok"]}
    assert ok == instances
    bench.sim.run_until(bench.sim.now + 60 * SECOND)
    for machine in bench.datacenter.machines:
        assert machine.used_bytes == 0, machine
        assert not any(app.workers for app in bench.fuxi.machines[machine.index].table.apps.values()), machine


def _kill(bench: JobBench, name: str) -> None:
    if name in bench.jobs.servers:
        bench.kill_master(name)
