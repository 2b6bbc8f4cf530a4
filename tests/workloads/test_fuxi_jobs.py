"""Jobs of loads: shapes become whole descriptions, and traces become jobs that take the trace's time and resources."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from feitian_sim.fuxi.job.plan import plan_of
from feitian_sim.fuxi.resources import Dimensions
from feitian_sim.kernel import SECOND, ScenarioError, Simulation
from feitian_sim.scenario import build, load
from feitian_sim.workloads.fuxi_config import FuxiJobsLoad, FuxiTraceLoad
from feitian_sim.workloads.job_templates import JobChoice, JobFile, PaperJob, SortJob
from feitian_sim.workloads.trace_inputs import inputs_of
from feitian_sim.workloads.trace_plans import TOO_LARGE, MachineSize, arrivals_of, plan_of_trace
from feitian_sim.workloads.traces import TraceAccount, TraceJob, TraceTask

GB = 10**9
DIMENSIONS = Dimensions()
SIZE = MachineSize(DIMENSIONS, 100 * GB, (24_000, 90 * GB, 0))
CHOICE: TypeAdapter[Any] = TypeAdapter(JobChoice)


def trace_load(**fields: Any) -> FuxiTraceLoad:
    """A replay of the hour."""
    return FuxiTraceLoad.model_validate({"kind": "fuxi-trace", "format": "alibaba-hour", "file": "t.csv", **fields})


def stream(sim: Simulation) -> Any:
    """Draws."""
    return sim.stream("load.x", "jobs", "time")


@pytest.mark.parametrize(("kind", "left"), [("wordcount", 5_000_000), ("terasort", 100_000_000)])
def test_a_paper_job_has_maps_and_reduces_of_one_time(sim: Simulation, kind: str, left: int) -> None:
    """The time is drawn once for the job; WordCount leaves a twentieth, Terasort everything."""
    shape = PaperJob.model_validate(
        {
            "kind": kind,
            "maps": 100,
            "reduces": 10,
            "split": "100MB",
            "time": {"kind": "uniform", "low": "10s", "high": "10m"},
        }
    )
    plan = plan_of(shape.job("w-1", stream(sim)), DIMENSIONS, [SIZE.largest])
    maps, reduces = plan.tasks
    assert (maps.instances, reduces.instances) == (100, 10)
    assert maps.vector == (500, 2 * GB, 0)
    assert maps.time_ns == reduces.time_ns
    assert maps.output_bytes.expected() == left  # type: ignore[union-attr]
    again = plan_of(shape.job("w-2", stream(Simulation(seed=2))), DIMENSIONS, [SIZE.largest])
    assert again.tasks[0].time_ns != maps.time_ns


def test_a_paper_job_may_have_fewer_workers_than_instances(sim: Simulation) -> None:
    """The next whole number of them, at least one."""
    shape = PaperJob.model_validate({"kind": "wordcount", "maps": 1000, "reduces": 2, "workers_per_instance": 0.386})
    maps, reduces = plan_of(shape.job("w-1", stream(sim)), DIMENSIONS, [SIZE.largest]).tasks
    assert (maps.instances, maps.workers) == (1000, 386)
    assert (reduces.instances, reduces.workers) == (2, 1)


def test_instances_of_a_paper_job_may_differ_about_the_same_mean(sim: Simulation) -> None:
    fields = {"kind": "terasort", "maps": 10, "reduces": 10, "time": "40s"}
    same = PaperJob.model_validate(fields).job("t-1", stream(sim)).tasks["map"].time
    spread = PaperJob.model_validate({**fields, "spread": 0.5}).job("t-1", stream(sim)).tasks["map"].time
    assert spread.expected() == pytest.approx(same.expected(), rel=1e-6)
    # Of a log-normal: a sixth lies more than one sigma below the median.
    low, middle = spread.quantile(0.15866), spread.quantile(0.5)
    assert low / middle == pytest.approx(math.exp(-0.5), rel=1e-3)


def test_each_job_can_have_a_package_of_its_own(sim: Simulation) -> None:
    """By its number."""
    shape = PaperJob.model_validate({"kind": "wordcount", "maps": 1, "reduces": 1, "package": "/dataset/{number:04d}"})
    packages = [shape.job(f"mix.w-{number}", stream(sim)).tasks["map"].package for number in (3, 14)]
    assert packages == ["/dataset/0003", "/dataset/0014"]


def test_a_sort_streams_from_pangu_to_pangu(sim: Simulation) -> None:
    """Maps read files in splits; reduces pull while maps run, and leave what they read in Pangu."""
    shape = SortJob.model_validate({"kind": "sort", "input": "/dataset/*", "reduces": 7, "map_rate": "80MB/s"})
    plan = plan_of(shape.job("s-1", stream(sim)), DIMENSIONS, [SIZE.largest])
    maps, reduces = plan.tasks
    assert (maps.instances, maps.split_bytes, maps.rate_bytes_per_s) == (0, 64 << 20, 80_000_000)
    assert reduces.edges[0].stream
    assert (reduces.instances, reduces.output_ratio) == (7, 1.0)
    assert reduces.output_path


def test_a_job_of_a_load_is_a_description_a_file_or_a_shape() -> None:
    """A job alone has weight 1; a description needs no kind."""
    described = CHOICE.validate_python({"job": {"name": "a", "tasks": {"t": {"instances": 3}}}})
    assert described.weight == 1
    load = FuxiJobsLoad.model_validate(
        {
            "kind": "fuxi-jobs",
            "clients": 5,
            "jobs": [
                {"kind": "file", "file": "j.yaml"},
                {"weight": 3, "job": {"kind": "wordcount", "maps": 1, "reduces": 1}},
                {"kind": "mapreduce", "name": "m", "map": {"instances": 2}, "reduce": {"instances": 1}},
            ],
        }
    )
    assert [choice.weight for choice in load.jobs] == [1, 3, 1]
    assert isinstance(load.jobs[0].job, JobFile)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"format": "alibaba-2019"}, "alibaba-2018"),
        ({"sample": 0}, "greater than 0"),
        ({"clients": 3, "arrival": {"kind": "poisson", "rate": "1/s"}}, "not both"),
        ({"clients": 3, "time_scale": 2}, "time_scale goes with"),
        ({"file": []}, "at least 1 item"),
    ],
)
def test_replays_that_make_no_sense_are_refused(fields: dict[str, Any], says: str) -> None:
    """The message says what would be right."""
    with pytest.raises(ValidationError, match=says):
        trace_load(**fields)


JOB = TraceJob(
    7 * SECOND,
    "j_1",
    (
        TraceTask("R2_1", 10, 30 * SECOND, 500, memory_ppm=5000, parents=(1,)),
        TraceTask("M1", 4, 0, 1000, memory_ppm=2000),
    ),
    rows=2,
)


def test_a_job_of_a_trace_takes_its_time_and_its_share_of_a_machine() -> None:
    """Tasks stand behind those that they wait for; shares become bytes; what took no time takes half a tick."""
    plan = plan_of_trace(JOB, trace_load(), SIZE, "x.j_1")
    maps, reduces = plan.tasks
    assert (maps.name, reduces.name) == ("M1", "R2_1")
    assert (reduces.vector, reduces.time_ns, reduces.workers) == ((500, GB // 2, 0), 30 * SECOND, 0)
    assert (reduces.edges[0].source, reduces.edges[0].pattern) == (0, "none")
    assert maps.time_ns == SECOND // 2


def test_instances_in_waves_share_the_duration_of_their_task() -> None:
    """With two and a half instances on each worker there are four workers and three waves."""
    plan = plan_of_trace(JOB, trace_load(instances_per_worker=2.5), SIZE, "x.j_1")
    reduces = plan.tasks[1]
    assert (reduces.workers, reduces.time_ns) == (4, 10 * SECOND)


def test_arrivals_and_durations_scale_apart() -> None:
    """Twice the rate of arrivals, three times the work."""
    account = TraceAccount(rows=2, kept=2)
    (arrival,) = arrivals_of([JOB], trace_load(time_scale=0.5, duration_scale=3), SIZE, account, "x.")
    assert arrival.after_ns == 3_500_000_000
    assert arrival.plan.name == "x.j_1"
    assert arrival.plan.tasks[1].time_ns == 90 * SECOND


def test_a_job_that_no_machine_can_run_is_dropped_and_counted() -> None:
    """Its rows move from kept to dropped."""
    huge = TraceJob(0, "j_2", (TraceTask("M1", 3, SECOND, cpu_millicores=50_000),), rows=1)
    account = TraceAccount(rows=3, kept=3, jobs=2, tasks=3, instances=17, edges=1)
    arrivals = arrivals_of([JOB, huge], trace_load(), SIZE, account, "")
    assert len(arrivals) == 1
    assert account.balanced()
    assert account.dropped == {TOO_LARGE: 1}
    assert (account.jobs, account.tasks, account.instances, account.edges) == (1, 2, 14, 1)


def test_jobs_of_bytes_take_their_bytes_at_a_rate() -> None:
    """A map of 100 MB at 50 MB/s takes two seconds and leaves its part of the shuffle."""
    tasks = (
        TraceTask("map", 2, input_bytes=200_000_000, output_bytes=60),
        TraceTask("reduce", 1, parents=(0,), shuffle_bytes=60, output_bytes=5),
    )
    config = trace_load(format="swim", rate="50MB/s")
    maps, reduces = plan_of_trace(TraceJob(0, "job0", tasks), config, SIZE, "job0").tasks
    assert (maps.time_ns, maps.output_bytes) == (2 * SECOND, 30)
    assert (reduces.edges[0].pattern, reduces.vector[1]) == ("shuffle", GB)
    assert maps.files == ()


def test_inputs_of_traces_are_runs_of_the_datasets_files() -> None:
    """The same name is the same file; after the last comes the first; a task reads as many bytes as it did."""
    sizes = [100, 50, 70]
    inputs = inputs_of(3, lambda number: f"/d/{number}", sizes.__getitem__)
    (first,) = inputs("in", 1)
    assert inputs("in", sizes[int(first[-1])] + 1) == (first, f"/d/{(int(first[-1]) + 1) % 3}")
    assert len(inputs("in", 3 * sum(sizes))) == 9
    assert {inputs(f"in-{number}", 1)[0] for number in range(40)} == {"/d/0", "/d/1", "/d/2"}
    tasks = (TraceTask("map", 2, input_bytes=90, output_bytes=60, input_path="in"), TraceTask("other", 1))
    plan = plan_of_trace(TraceJob(0, "job0", tasks), trace_load(format="swim"), SIZE, "job0", inputs)
    assert [task.files for task in plan.tasks] == [inputs("in", 90), ()]
    assert [task.input_bytes for task in plan.tasks] == [90, 0]
    alone = (TraceTask("map", 2, input_bytes=90),)
    by_job = [
        plan_of_trace(TraceJob(0, f"j{n}", alone), trace_load(), SIZE, "x", inputs).tasks[0].files for n in range(9)
    ]
    assert len(set(by_job)) > 1


_SWIM = """job0\t0\t0\t600000000\t1000000\t1000000\t/in/a
job1\t1\t1\t600000000\t0\t1000000\t/in/a
job2\t2\t1\t90000000\t0\t1000\t/in/b
"""
_SCENARIO = """
name: swim
question: Do jobs of a trace read the dataset where it lies?
duration: 60s
sample_every: 60s
cluster: {racks: 3, machines_per_rack: 3, machine: {cores: 8, memory: 32GiB, disks: 2}, clients: {machines: 1}}
pangu: {dataset: {bytes: 4GiB, file_size: 256MiB}}
fuxi: {}
load:
  - {kind: fuxi-trace, name: fb, format: swim, file: fb.tsv, rate: 100MB/s}
"""


@pytest.mark.parametrize(("reads", "read_bytes"), [("", 1_290_000_000), (", reads: nothing", 0)])
def test_jobs_of_swim_read_the_dataset_with_locality(tmp_path: Path, reads: str, read_bytes: int) -> None:
    """As many bytes as the trace says, most of them on machines that have them."""
    (tmp_path / "fb.tsv").write_text(_SWIM)
    (tmp_path / "fb.yaml").write_text(_SCENARIO.replace("rate: 100MB/s", f"rate: 100MB/s{reads}"))
    ran = build(load(tmp_path / "fb.yaml")).run()
    assert ran.metrics["fuxi.jobs_finished_count"] == 3
    operations = ran.facts.columns("pangu.operation")
    read = operations["op"].astype(str) == "read" if operations else []
    assert (int(operations["size_bytes"][read].sum()) if operations else 0) == read_bytes
    if read_bytes:
        assert ran.metrics["fuxi.machine_local_ratio"] > 0.7
        paths = operations["path"][read].astype(str)
        assert len(set(paths)) <= 5, "two of the jobs read the same files"


def test_a_dataset_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "fb.tsv").write_text(_SWIM)
    text = _SCENARIO.replace("{dataset: {bytes: 4GiB, file_size: 256MiB}}", "{}").replace(
        "rate:", "reads: dataset, rate:"
    )
    (tmp_path / "fb.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=r"add pangu\.dataset"):
        build(load(tmp_path / "fb.yaml"))
