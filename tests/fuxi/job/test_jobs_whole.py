"""Jobs in the whole simulation: messages, processes, Nuwa, Pangu, faults (F6 to F10)."""

from __future__ import annotations

import pytest
from job_bench import JobBench

from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan, TaskPlan
from feitian_sim.fuxi.job.program import InstanceSight
from feitian_sim.fuxi.job.reading import job_of
from feitian_sim.kernel import GIB, MIB, MILLISECOND, SECOND

ONE = (1000, 2 * GIB, 0)


def _plan(maps: int = 40, reduces: int = 10, *, out: int = 20 * MIB, stream: bool = False) -> JobPlan:
    times = tuple((2 + i % 5) * SECOND for i in range(maps))
    late = [i * MILLISECOND for i in range(reduces)]
    return JobPlan(
        "job",
        (
            TaskPlan("map", maps, ONE, time_ns=times, output_bytes=out),
            TaskPlan("reduce", reduces, ONE, (EdgePlan(0, stream),), time_ns=tuple(3 * SECOND + 50 * i for i in late)),
        ),
    )


def _job(bench: JobBench) -> dict[str, object]:
    (ended,) = bench.table("fuxi.job_ended")
    return ended


def test_f6_a_job_runs_through_the_whole_cell() -> None:
    """Submitted, started by a Tubo, its instances run and commit, its end is known to the client."""
    bench = JobBench()
    bench.submit(_plan())
    bench.run("job")
    assert bench.ends["job"].state == "finished"
    ended = _job(bench)
    assert ended["ok"]
    assert ended["attempts"] == ended["instances"] == 50
    assert [row["task"] for row in bench.table("fuxi.task_ended")] == ["map", "reduce"]
    assert len([row for row in bench.table("fuxi.instance_ended") if row["ok"]]) == 50
    bench.sim.run_until(bench.sim.now + 60 * SECOND)
    assert all(machine.used_bytes == 0 for machine in bench.datacenter.machines)


@pytest.mark.parametrize(("maps", "reduces"), [(1, 1), (40, 10)])
def test_f6_a_master_says_how_long_it_decided(maps: int, reduces: int) -> None:
    """Each instance at the cost of a decision while cores are free; decisions that are made side by side count once."""
    bench = JobBench()
    bench.submit(_plan(maps, reduces))
    bench.run("job")
    (decided,) = bench.table("fuxi.job_decisions")
    instances = maps + reduces
    assert decided["instances"] == instances
    if instances == 2:
        assert decided["deciding_s"] == pytest.approx(instances * 25e-6)
    else:
        assert 25e-6 < decided["deciding_s"] < instances * 25e-6


def test_f8_input_is_read_where_it_lies_and_output_goes_to_pangu() -> None:
    """Splits of a file of Pangu; most instances run on a machine that has theirs; the output's files are there."""
    bench = JobBench(pangu={"dataset": {"bytes": "4GiB", "file_size": "1GiB"}})
    assert bench.pangu is not None
    folder = bench.pangu.dataset_path(0).rpartition("/")[0]
    bench.submit(
        job_of(
            {
                "kind": "mapreduce",
                "name": "sort",
                "map": {
                    "input": {"files": f"{folder}/*"},
                    "rate": "100MB/s",
                    "output": {"ratio": 1},
                    "resources": {"cpu": 1},
                },
                "reduce": {"instances": 8, "output": {"ratio": 1, "to": "pangu"}, "resources": {"cpu": 1}},
            }
        )
    )
    bench.run("sort")
    ended = _job(bench)
    assert ended["ok"], ended
    assert ended["instances"] == 64 + 8
    assert ended["on_machine"] >= 40  # type: ignore[operator]
    phases = {str(row["task"]): row for row in bench.table("fuxi.task_phases")}
    assert [phases[task]["instances"] for task in ("map", "reduce")] == [64, 8]
    # 4 GiB at 100 MB/s; the reduces only move bytes.
    assert phases["map"]["compute_s"] == pytest.approx(42.9, rel=0.01)
    assert phases["reduce"]["compute_s"] == 0
    assert phases["reduce"]["read_s"] > 0  # type: ignore[operator]
    assert phases["reduce"]["write_s"] > 0  # type: ignore[operator]
    listed: list[tuple[str, ...]] = []

    def look() -> object:
        client = bench.pangu.client(bench.datacenter.machines[3], "looker")  # type: ignore[union-attr]
        listed.append((yield from client.list("/fuxi/sort/reduce/")))

    bench.sim.process(look())  # type: ignore[arg-type]
    bench.sim.run_until(bench.sim.now + 5 * SECOND)
    assert len(listed[0]) == 8


def test_an_input_whose_directory_is_not_there_fails_the_job_with_its_name() -> None:
    """The message names the directory."""
    bench = JobBench(pangu={"dataset": {"bytes": "1GiB", "file_size": "1GiB"}})
    bench.submit(job_of({"name": "job", "tasks": {"map": {"input": {"files": "/none/x*"}}}}))
    bench.run("job")
    assert bench.ends["job"].state == "failed"
    assert bench.ends["job"].why == "there is no directory /none/"


def test_f6_threads_start_at_once_and_processes_do_not() -> None:
    """Thread mode: a worker is a thread of a process that is there."""
    starts = {}
    for threads in (True, False):
        bench = JobBench()
        bench.submit(JobPlan("job", (TaskPlan("map", 20, ONE, time_ns=SECOND, threads=threads),)))
        bench.run("job")
        starts[threads] = float(str(_job(bench)["worker_start_s"]))
    assert starts[True] < 0.01
    assert 0.4 < starts[False] < 1.0


class Fibonacci:
    """A program of a user's own: an instance takes as long as the two before it together."""

    def compute_ns(self, instance: InstanceSight) -> int:
        """In seconds 1, 1, 2, 3, 5."""
        before, now = 0, 1
        for _ in range(instance.number):
            before, now = now, before + now
        return now * SECOND

    def output_bytes(self, instance: InstanceSight) -> int:
        """One MiB for each second."""
        return MIB * self.compute_ns(instance) // SECOND


def test_f7_a_users_own_program_says_what_instances_compute_and_leave() -> None:
    """As ``file.py:Class`` in the description, loaded by who wires the cell."""
    bench = JobBench(programs={"fib.py:Fibonacci": Fibonacci()})
    job = {"map": {"instances": 5, "program": "fib.py:Fibonacci"}, "end": {"instances": 1, "after": "map"}}
    bench.submit(job_of({"name": "job", "tasks": job}))
    bench.run("job")
    assert bench.ends["job"].state == "finished"
    assert _job(bench)["critical_s"] == 5.0
    assert _job(bench)["work_s"] == 12.0
    assert "is not loaded" in bench.jobs.refusal(
        job_of({"name": "other", "tasks": {"map": {"instances": 1, "program": "x.py:X"}}}), bench.config
    )


def test_f9_attempts_that_fail_are_run_again() -> None:
    """A fifth of the attempts fails; all instances commit, and the failures are counted."""
    bench = JobBench(jobs={"attempts": 20, "blacklist": {"enabled": False}})
    bench.submit(JobPlan("job", (TaskPlan("map", 100, ONE, time_ns=SECOND, failure_ratio=0.2),)))
    bench.run("job")
    ended = _job(bench)
    assert ended["ok"]
    assert 10 <= int(str(ended["failed"])) <= 45
    assert ended["attempts"] == 100 + int(str(ended["failed"]))


def test_a_job_whose_snapshot_would_not_fit_is_refused_at_once() -> None:
    """A million instances whose outputs must be found again; without outputs they would do."""
    bench = JobBench()
    outputs = JobPlan("large", (TaskPlan("map", 1_000_000, ONE), TaskPlan("end", 1, ONE, (EdgePlan(0),))))
    assert "a snapshot of its 1,000,001 instances may take 4,125,0" in bench.jobs.refusal(outputs, bench.config)
    assert not bench.jobs.refusal(JobPlan("large", (TaskPlan("map", 1_000_000, ONE),)), bench.config)
    assert "no machine has" in bench.jobs.refusal(JobPlan("wide", (TaskPlan("map", 1, (10**9, 1, 0)),)), bench.config)


def test_f9_a_slow_machine_is_overtaken_by_backup_instances() -> None:
    """With backups the job ends earlier than without; each instance commits once."""
    took = {}
    for enabled in (True, False):
        bench = JobBench(jobs={"backup": {"enabled": enabled, "check_every": "1s"}})
        # When its workers are up: a machine that is slow before that hardly gets any work.
        bench.sim.call_at(4 * SECOND, setattr, bench.datacenter.machines[6], "slow_factor", 12.0)
        bench.submit(JobPlan("job", (TaskPlan("map", 150, ONE, time_ns=5 * SECOND),)))
        bench.run("job")
        ended = _job(bench)
        assert ended["ok"]
        assert bool(ended["backups"]) is enabled
        took[enabled] = float(str(ended["ran_s"]))
    assert took[False] > 40
    assert took[True] < 20


def test_f7_along_a_stream_reduces_start_before_maps_end_and_end_after_them() -> None:
    """They pull what is there, round by round."""
    bench = JobBench()
    bench.submit(_plan(200, 10, stream=True))
    bench.run("job")
    assert _job(bench)["ok"]
    rows = bench.table("fuxi.instance_ended")
    maps = [row for row in rows if row["task"] == "map"]
    reduces = [row for row in rows if row["task"] == "reduce"]
    assert min(row["began_s"] for row in reduces) < max(row["time_s"] for row in maps)
    assert min(row["time_s"] for row in reduces) > max(row["time_s"] for row in maps)


@pytest.mark.parametrize("m", [0, 1, 5, 17, 39, 40, 41, 47, 49])
def test_f10_a_restarted_jobmaster_runs_exactly_the_unfinished_again(m: int) -> None:
    """Its process is killed when m of n are committed: the rest runs on, or once more where nothing runs."""
    bench = JobBench(jobs={"snapshot_every": "1ms"})
    bench.submit(_plan())

    def committed() -> int:
        core = bench.core("job")
        return sum(task.table.committed for task in core.tasks) if core is not None else -1

    bench.run_until(lambda: committed() >= m, step_ns=MILLISECOND)
    before = committed()
    first = bench.core("job")
    assert first is not None
    bench.kill_master("job")
    bench.run("job")
    assert bench.ends["job"].state == "finished"
    started = bench.table("fuxi.job_started")
    assert [row["attempt"] for row in started] == [1, 2]
    ended = _job(bench)
    # What was on its way into the snapshot may have got there; nothing that was in it is forgotten.
    assert before <= started[1]["committed"] <= before + 20
    ok = [(row["task"], row["instance"]) for row in bench.table("fuxi.instance_ended") if row["ok"]]
    assert len(set(ok)) == 50
    # What ran or was kept is gone on with; everything else that was not committed, and nothing more, is begun again.
    assert ended["attempts"] == 50 - started[1]["committed"] - started[1]["adopted"] - _kept(bench, started[1])


def _kept(bench: JobBench, started: dict[str, object]) -> int:
    """Results that workers had kept, and gave to the second life as it came up."""
    rows = bench.table("fuxi.instance_ended")
    return sum(1 for row in rows if row["ok"] and row["time_s"] == started["time_s"])


def test_f9_a_machine_with_output_that_dies_costs_its_instances_and_no_more() -> None:
    """Its maps run again, the job ends well."""
    bench = JobBench()
    bench.submit(_plan(80, 40))
    bench.run_until(lambda: bool(bench.table("fuxi.task_ended")))
    (started,) = bench.table("fuxi.app_started")
    rows = bench.table("fuxi.instance_ended")
    row = next(row for row in rows if row["ok"] and row["machine"] != started["machine"])
    bench.datacenter.machine(str(row["machine"])).crash("test")
    bench.run("job")
    assert bench.ends["job"].state == "finished"
    assert _job(bench)["attempts"] > 120  # type: ignore[operator]
