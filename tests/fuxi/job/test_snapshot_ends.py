"""A job's snapshot is in Nuwa while the job runs, and no longer (F10)."""

from __future__ import annotations

from typing import Any

import pytest
from job_bench import JobBench

from feitian_sim.fuxi.hard_state import SNAPSHOTS
from feitian_sim.fuxi.job.plan import JobPlan, TaskPlan
from feitian_sim.kernel import GIB, SECOND

ONE = (1000, 2 * GIB, 0)


class _Looker:
    """A client of Nuwa that looks into the folder of snapshots, and can put something there."""

    def __init__(self, bench: JobBench) -> None:
        self._bench = bench
        self._answers: list[Any] = []
        self._client = bench.nuwa.client(bench.sim.owner("looker"), bench.datacenter.machines[-1], "looker")
        self._client.open(lambda: self._answers.append(None))
        self._await()

    def _await(self) -> Any:
        self._bench.run_until(lambda: bool(self._answers))
        return self._answers.pop()

    def names(self) -> list[str]:
        """What is there now."""
        self._client.read("names", SNAPSHOTS, self._answers.append, fresh=True)
        answer = self._await()
        return sorted(answer.value) if answer.ok else []

    def put(self, name: str) -> None:
        """A file that somebody has left."""
        self._client.create(SNAPSHOTS + name, b"left", self._answers.append)
        assert self._await().ok


def _plan(name: str, seconds: int, instances: int = 20) -> JobPlan:
    return JobPlan(name, (TaskPlan("map", instances, ONE, time_ns=seconds * SECOND),))


@pytest.mark.parametrize("ok", [True, False])
def test_a_job_that_has_ended_leaves_no_snapshot(ok: bool) -> None:
    """Well or not; one that runs has its own still."""
    bench = JobBench(jobs={"snapshot_every": "500ms", "attempts": 3, "blacklist": {"enabled": False}})
    looker = _Looker(bench)
    bench.submit(_plan("long", 60))
    share = 0.0 if ok else 0.97
    task = TaskPlan("map", 60, ONE, time_ns=tuple((1 + i % 9) * SECOND for i in range(60)), failure_ratio=share)
    bench.submit(JobPlan("short", (TaskPlan("first", 2, ONE, time_ns=SECOND), task)))
    bench.run_until(lambda: "short" in looker.names(), step_ns=SECOND)
    bench.run("short")
    assert (bench.ends["short"].state == "finished") == ok
    bench.run_until(lambda: "short" not in looker.names(), step_ns=SECOND, within_s=10)
    assert [row["ok"] for row in bench.table("fuxi.app_ended")] == [ok]


def test_the_next_fuxi_master_deletes_what_its_predecessor_could_not() -> None:
    """It is killed between the note of the end and the deletion; snapshots of jobs that run are left alone."""
    bench = JobBench(jobs={"snapshot_every": "500ms"})
    looker = _Looker(bench)
    bench.submit(_plan("done", 1))
    times = tuple((1 + i % 40) * SECOND for i in range(80))
    bench.submit(JobPlan("runs", (TaskPlan("map", 80, ONE, time_ns=times),)))
    bench.run("done")
    bench.run_until(lambda: looker.names() == ["runs"], step_ns=SECOND, within_s=30)
    looker.put("done")
    serving = bench.fuxi.hearing.serving
    assert serving is not None
    serving.daemon.kill()
    bench.run_until(lambda: looker.names() == ["runs"], step_ns=SECOND, within_s=60)
    bench.run("runs")
    assert bench.ends["runs"].state == "finished"
    ended = [row for row in bench.table("fuxi.job_ended") if row["job"] == "runs"]
    assert ended[0]["instances"] == ended[0]["attempts"] == 80
    bench.run_until(lambda: looker.names() == [], step_ns=SECOND, within_s=10)
