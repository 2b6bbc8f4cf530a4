"""Loads of jobs at a Fuxi that only keeps time: when jobs come, whose they are, and that each is accounted for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from job_cell import PlainJobCell
from pydantic import TypeAdapter

from feitian_sim.fuxi.job.plan import JobPlan
from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import MILLISECOND, SECOND, FactTables, ScenarioError, Simulation
from feitian_sim.kernel.metric import Tables, measure
from feitian_sim.workloads.check import check_load, missing_files
from feitian_sim.workloads.config import LoadConfig
from feitian_sim.workloads.context import RunningLoad, Services
from feitian_sim.workloads.metrics import METRICS
from feitian_sim.workloads.wiring import set_up

LOAD: TypeAdapter[Any] = TypeAdapter(LoadConfig)
CLUSTER = ClusterConfig.model_validate({"racks": 2, "machines_per_rack": 2, "machine": {"memory": "100GB"}})
SHAPES = [
    {"kind": "wordcount", "name": "w", "maps": 4, "reduces": 2, "user": "ann"},
    {"kind": "terasort", "name": "t", "maps": 2, "reduces": 1, "user": "bob", "group": "ads"},
]
TRACE = "0,j_1,M1,10,100,1.0,2\n0,j_1,R2_1,5,100,1.0,1\n20,j_2,M1,3,50,0.5,1\n21,j_3,M1,3,9900,0.5,1\n"


class Bench:
    """A load on a plain cell."""

    def __init__(self, tmp_path: Path, config: dict[str, Any], takes_s: float | None = 10.0, **hooks: Any) -> None:
        self.sim = Simulation(seed=3)
        self.tables = FactTables(self.sim.facts)
        self.cell = PlainJobCell(self.sim, lambda plan: None if takes_s is None else int(takes_s * SECOND))
        for name, hook in hooks.items():
            setattr(self.cell, name, hook)
        services = Services(None, None, None, None, None, fuxi=self.cell)  # type: ignore[arg-type]
        (self.load,) = set_up(
            self.sim, DataCenter(self.sim, CLUSTER), None, [LOAD.validate_python(config)], (), tmp_path, services
        )
        self.load.start()

    def run(self, seconds: float) -> dict[str, float]:
        """Its metrics after so long."""
        self.sim.run_until(int(seconds * SECOND))
        for probe in self.sim.final_probes:
            probe()
        return measure(METRICS, Tables(self.tables.columns, duration_s=seconds))


def jobs(**fields: Any) -> dict[str, Any]:
    """A load of the two shapes."""
    return {"kind": "fuxi-jobs", "name": "mix", "jobs": SHAPES, **fields}


def trace(tmp_path: Path, content: str = TRACE, **fields: Any) -> dict[str, Any]:
    """A replay of a small trace."""
    (tmp_path / "hour.csv").write_text(content, encoding="utf-8")
    return {"kind": "fuxi-trace", "name": "real", "format": "alibaba-hour", "file": "hour.csv", **fields}


def test_a_closed_load_keeps_so_many_jobs_running(tmp_path: Path) -> None:
    """Another begins when one ends."""
    bench = Bench(tmp_path, jobs(clients=5))
    measured = bench.run(95)
    assert bench.cell.most_running == 5
    assert measured["fuxi.jobs_running_count"] == 5
    assert measured["fuxi.jobs_begun_count"] == 5 * 10
    assert measured["fuxi.jobs_unaccounted_count"] == measured["fuxi.jobs_lost_count"] == 0
    assert bench.load.check() == []


def test_the_jobs_of_a_closed_load_begin_evenly_over_the_ramp(tmp_path: Path) -> None:
    """Five in ten seconds; one that begins after ``stop`` does not."""
    seconds = (0.5, 2.5, 4.5, 6.5, 20)
    benches = [Bench(tmp_path, jobs(clients=5, ramp="10s", stop="7s"), takes_s=None) for _ in seconds]
    begun = [bench.run(end)["fuxi.jobs_begun_count"] for bench, end in zip(benches, seconds, strict=True)]
    assert begun == [1, 2, 3, 4, 4]


def test_an_open_load_submits_at_its_rate_whatever_runs(tmp_path: Path) -> None:
    """A hundred in a hundred seconds, though none ends."""
    bench = Bench(tmp_path, jobs(arrival={"kind": "constant", "rate": "1/s"}, limit=80), takes_s=None)
    measured = bench.run(100)
    assert (measured["fuxi.jobs_begun_count"], measured["fuxi.jobs_running_count"]) == (80, 80)


def test_jobs_have_names_users_and_groups_of_their_own(tmp_path: Path) -> None:
    """In turn, each in the name of its user."""
    bench = Bench(tmp_path, jobs(clients=1, order="in-turn", limit=4))
    bench.run(60)
    assert [(user, group, plan.name) for _, user, group, plan in bench.cell.submitted] == [
        ("ann", "", "mix.w-0"),
        ("bob", "ads", "mix.t-1"),
        ("ann", "", "mix.w-2"),
        ("bob", "ads", "mix.t-3"),
    ]


def test_a_mix_follows_its_weights(tmp_path: Path) -> None:
    """Three to one."""
    weighted = [{"weight": 3, "job": SHAPES[0]}, SHAPES[1]]
    bench = Bench(tmp_path, jobs(jobs=weighted, arrival={"kind": "constant", "rate": "100/s"}, limit=2000))
    bench.run(30)
    counts = Counter(user for _, user, _, _ in bench.cell.submitted)
    assert 0.72 < counts["ann"] / 2000 < 0.78


def test_a_job_does_not_change_with_those_before_it(tmp_path: Path) -> None:
    """Draws are keyed by the job's number: among other jobs, and at another pace, it is the same."""
    drawn = {**SHAPES[0], "time": {"kind": "uniform", "low": "10s", "high": "10m"}}
    plain = {"name": "etl", "tasks": {"scan": {"instances": 3}}}
    times: list[Any] = []
    for other, clients in ((drawn, 1), (plain, 4)):
        bench = Bench(tmp_path, jobs(jobs=[drawn, other], order="in-turn", clients=clients, limit=4))
        bench.run(60)
        times.append([plan.tasks[0].time_ns for *_, plan in bench.cell.submitted][::2])
    assert times[0] == times[1]
    assert times[0][0] != times[0][1]


def test_refused_and_failed_jobs_are_accounted_for(tmp_path: Path) -> None:
    """A refused job makes room for another; the account adds up."""
    bench = Bench(
        tmp_path,
        jobs(clients=2, order="in-turn", limit=9),
        refuses=lambda plan: plan.user == "bob",
        fails=lambda plan: plan.name == "mix.w-0",
    )
    measured = bench.run(200)
    accounts = bench.tables.columns("fuxi.load_account")
    told = {name: int(accounts[name][0]) for name in ("begun", "refused", "finished", "failed", "running", "lost")}
    assert told == {"begun": 9, "refused": 4, "finished": 4, "failed": 1, "running": 0, "lost": 0}
    assert measured["fuxi.jobs_unaccounted_count"] == 0


def test_a_job_that_the_master_forgets_is_noticed(tmp_path: Path) -> None:
    """What was kept must be known at the end, or have ended."""
    bench = Bench(tmp_path, jobs(clients=3), takes_s=None)
    bench.sim.run_until(SECOND)
    del bench.cell.known["mix.w-0" if "mix.w-0" in bench.cell.known else "mix.t-0"]
    assert bench.run(2)["fuxi.jobs_lost_count"] == 1
    assert "has lost 1 jobs that it kept" in bench.load.check()[0]


def test_a_job_that_cannot_run_here_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """The message names the job and the task."""
    with pytest.raises(ScenarioError, match="task map: a worker needs 99000"):
        Bench(tmp_path, jobs(clients=1, jobs=[{**SHAPES[0], "cpu": 99}]))


def test_a_job_from_a_file_is_read_beside_the_scenario(tmp_path: Path) -> None:
    """With its mistakes by file and line."""
    (tmp_path / "job.yaml").write_text("name: etl\ntasks:\n  scan: {instances: 3, time: 5s}\n", encoding="utf-8")
    bench = Bench(tmp_path, jobs(clients=1, limit=1, jobs=[{"kind": "file", "file": "job.yaml"}]))
    bench.run(1)
    assert bench.cell.submitted[0][3].name == "mix.etl-0"
    (tmp_path / "bad.yaml").write_text("name: etl\ntasks:\n  scan: {instances: 0}\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"bad.yaml:3: tasks.scan.instances"):
        Bench(tmp_path, jobs(clients=1, jobs=[{"kind": "file", "file": "bad.yaml"}]))


# Replay


def test_a_replay_submits_each_job_when_it_arrived(tmp_path: Path) -> None:
    """From the load's start on; what no machine can run is dropped and counted."""
    bench = Bench(tmp_path, trace(tmp_path, start="5s", time_scale=2))
    measured = bench.run(120)
    assert [(time_ns, plan.name) for time_ns, _, _, plan in bench.cell.submitted] == [
        (5 * SECOND, "real.j_1"),
        (45 * SECOND, "real.j_2"),
    ]
    assert bench.cell.submitted[0][3].tasks[0].vector == (1000, 10**9, 0)
    counts = [measured[f"fuxi.trace_{name}_count"] for name in ("rows", "kept", "dropped", "jobs", "instances")]
    assert counts == [4, 3, 1, 2, 4]
    dropped = bench.tables.columns("fuxi.trace_dropped")
    assert dropped["why"].tolist() == ["asks for more than a machine has"]
    assert bench.load.check() == []


@pytest.mark.parametrize(("fields", "apart_ns"), [({"clients": 1}, 10 * SECOND), ({"clients": 2}, 0)])
def test_a_replay_can_keep_jobs_running_in_place_of_its_times(
    tmp_path: Path, fields: dict[str, Any], apart_ns: int
) -> None:
    """Each job of the trace once."""
    bench = Bench(tmp_path, trace(tmp_path, **fields))
    bench.run(120)
    times = [time_ns for time_ns, *_ in bench.cell.submitted]
    assert len(times) == 2
    assert times[1] - times[0] == apart_ns


def test_the_first_jobs_of_a_replay_may_come_over_a_ramp(tmp_path: Path) -> None:
    bench = Bench(tmp_path, trace(tmp_path, clients=2, ramp="8s"), takes_s=None)
    bench.run(120)
    assert [time_ns for time_ns, *_ in bench.cell.submitted] == [0, 4 * SECOND]
    with pytest.raises(ValueError, match="ramp goes with clients"):
        LOAD.validate_python(trace(tmp_path, ramp="8s"))


def test_a_bad_trace_stops_the_run_or_is_dropped_and_counted(tmp_path: Path) -> None:
    """By file and line; going on, the rest is replayed."""
    bad = TRACE.replace("20,j_2", "soon,j_2")
    with pytest.raises(ScenarioError, match=r"hour.csv:3: arrive_s is 'soon'"):
        Bench(tmp_path, trace(tmp_path, bad))
    bench = Bench(tmp_path, trace(tmp_path, bad, on_bad_row="drop"))
    measured = bench.run(60)
    assert (measured["fuxi.trace_dropped_count"], measured["fuxi.jobs_begun_count"]) == (2, 1)


def test_a_trace_without_any_job_for_these_machines_is_refused(tmp_path: Path) -> None:
    """Nothing would run."""
    with pytest.raises(ScenarioError, match="no machine has what any job"):
        Bench(tmp_path, trace(tmp_path, "0,j_1,M1,10,9900,1.0,2\n"))


def test_loads_of_jobs_need_fuxi_and_their_files(tmp_path: Path) -> None:
    """Said when the scenario is loaded, with what the file is."""
    load = LOAD.validate_python(trace(tmp_path))
    known = {"has_pangu": False, "has_dataset": False, "has_nuwa": True}
    assert "add a fuxi section" in check_load(0, [load], CLUSTER, **known)[0]
    assert check_load(0, [load], CLUSTER, has_fuxi=True, **known) == []
    assert missing_files(load, tmp_path, ()) == []
    (message,) = missing_files(load, tmp_path / "elsewhere", ())
    assert "github.com/hsnlab/SLAMBUC" in message
    assert "--data DIR" in message


def test_the_double_keeps_time() -> None:
    """The plain cell ends jobs when it should, lest the tests above say nothing."""
    sim = Simulation(seed=1)
    cell = PlainJobCell(sim, lambda plan: 2 * SECOND)
    client, told = cell.client(None, "u"), list[Any]()  # type: ignore[arg-type]
    client.submit("a", "job", JobPlan("a", ()), told.append)
    sim.run_until(2 * MILLISECOND)
    client.end_of("a", told.append)
    sim.run_until(3 * SECOND)
    assert [getattr(answer, "state", "") for answer in told] == ["", "finished"]


def test_running_loads_have_the_three_methods(tmp_path: Path) -> None:
    """As every load."""
    load: RunningLoad = Bench(tmp_path, jobs(clients=1)).load
    assert callable(load.setup)
