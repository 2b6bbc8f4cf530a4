"""Traces of jobs: counts equal to the published ones, every row accounted for, bad input named by file and line."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from feitian_sim.kernel import SECOND, ScenarioError
from feitian_sim.workloads.traces import FORMATS, Selection, TraceReading, read_jobs
from feitian_sim.workloads.traces.dag_names import DagName, read_name
from feitian_sim.workloads.traces.job import TraceTask, circle, depths
from feitian_sim.workloads.traces.reading import in_sample

ALL = Selection()
HOUR = """\
arrive_s,job_name,task_name,duration_s,plan_cpu,plan_mem,instance_num
0,j_1,R2_1,30,50.0,0.3,9
0,j_1,M1,20,100.0,0.39,4
5,j_2,task_LTYxMjEzOTY4MA==,7,100.0,0.2,1
"""
NATIVE = """\
M1,1.0,j_1,1,Terminated,100,110,100.0,0.2
R2_1,3,j_1,1,Terminated,110,120,,
J3_2,1,j_1,1,Failed,120,121,50.0,0.2
R4_3,2,j_1,1,Terminated,130,140,50.0,0.2
R5_4,,j_1,1,Waiting,0,0,,
R6_4,2,j_1,1,Terminated,140,90,50.0,0.2
M1,1,j_2,1,Terminated,50,60,200.0,0.5
"""


def read(
    folder: Path, kind: str, content: str | bytes, selection: Selection = ALL, *, going: bool = False
) -> TraceReading:
    """The jobs of a file with that content."""
    path = folder / ("trace.gz" if isinstance(content, bytes) else "trace.csv")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_jobs(kind, [path], selection, keep_going=going)


def test_a_name_says_whom_a_task_waits_for() -> None:
    """The numbers of a name are the task and its parents; other names say nothing."""
    assert read_name("R5_3_4") == DagName(5, (3, 4), written=2)
    assert read_name("M1") == DagName(1)
    assert read_name("task_LTYxMjEzOTY4MA==").number is None


def test_a_name_cut_at_50_characters_loses_its_last_parent() -> None:
    """What may be the beginning of a longer number is not taken for a parent, and a trailing _ costs nothing."""
    cut = "R41_22_23_24_25_26_27_28_29_30_31_32_33_34_35_36_3"
    assert len(cut) == 50
    assert read_name(cut).parents == tuple(range(22, 37))
    assert read_name(cut).written == 16
    trailing = "J30_4_5_6_8_9_10_12_13_14_16_17_18_19_21_22_24_25_"
    assert read_name(trailing).parents[-1] == 25


def test_the_form_with_arrivals_reads_with_and_without_its_header(tmp_path: Path) -> None:
    """The columns mean the same by name and by place."""
    with_header = read(tmp_path, "alibaba-hour", HOUR)
    without = read(tmp_path, "alibaba-hour", HOUR.partition("\n")[2])
    assert with_header.jobs == without.jobs
    first, second = with_header.jobs
    assert first.tasks[0] == TraceTask("R2_1", 9, 30 * SECOND, 500, 3000, parents=(1,))
    assert (second.arrive_ns, second.tasks[0].memory_ppm) == (5 * SECOND, 2000)


def test_columns_in_another_order_are_found_by_name(tmp_path: Path) -> None:
    """A header may name the columns in any order."""
    lines = [line.split(",") for line in HOUR.splitlines()]
    turned = "\n".join(",".join(reversed(cells)) for cells in lines)
    assert read(tmp_path, "alibaba-hour", turned).jobs == read(tmp_path, "alibaba-hour", HOUR).jobs


def test_the_native_form_drops_what_did_not_run_and_keeps_its_order(tmp_path: Path) -> None:
    """Rows of other statuses and impossible times go; who waited for one of them waits for what that one waited for."""
    reading = read(tmp_path, "alibaba-2018", NATIVE)
    account = reading.account
    assert account.rows == 7
    assert account.kept == 4
    assert account.dropped == {"status Failed": 1, "status Waiting": 1, "ends before it starts": 1}
    early, late = reading.jobs
    assert [job.name for job in reading.jobs] == ["j_2", "j_1"]
    assert (early.arrive_ns, late.arrive_ns) == (0, 50 * SECOND)
    names = {task.name: [late.tasks[parent].name for parent in task.parents] for task in late.tasks}
    assert names == {"M1": [], "R2_1": ["M1"], "R4_3": ["R2_1"]}
    assert late.tasks[1].cpu_millicores == 1000
    assert account.noted["blank plan: the most common one is used"] == 1
    assert account.noted["number of instances written with a point"] == 1


def test_a_circle_is_named_and_its_job_dropped(tmp_path: Path) -> None:
    """The job that cannot run is left out with all its rows, and the account says along which tasks it goes round."""
    rows = "0,j_1,R1_3,1,100,0.2,1\n0,j_1,R2_1,1,100,0.2,1\n0,j_1,R3_2,1,100,0.2,1\n0,j_2,M1,1,100,0.2,1\n"
    reading = read(tmp_path, "alibaba-hour", rows)
    assert [job.name for job in reading.jobs] == ["j_2"]
    assert reading.account.dropped == {"its job goes in a circle": 3}
    assert any("circle in j_1: " in note and note.count("->") == 3 for note in reading.account.noted)


def test_rows_apart_from_their_job_are_counted(tmp_path: Path) -> None:
    """A job that comes up again later is not run twice."""
    rows = "0,j_1,M1,1,100,0.2,1\n0,j_2,M1,1,100,0.2,1\n0,j_1,M2,1,100,0.2,1\n"
    reading = read(tmp_path, "alibaba-hour", rows)
    assert len(reading.jobs) == 2
    assert reading.account.dropped == {"apart from the other rows of its job": 1}


def test_window_sample_and_limit_account_for_every_row(tmp_path: Path) -> None:
    """Rows left out are counted by reason; a larger sample holds the smaller one."""
    rows = "".join(f"{n},j_{n},M1,1,100,0.2,1\n{n},j_{n},R2_1,1,100,0.2,2\n" for n in range(100))
    chosen = read(tmp_path, "alibaba-hour", rows, Selection(10 * SECOND, 50 * SECOND, sample=0.5, limit=5))
    assert len(chosen.jobs) == 5
    assert chosen.account.kept + sum(chosen.account.dropped.values()) == chosen.account.rows == 200
    assert set(chosen.account.dropped) >= {"not in the sample", "before the window", "after the window"}
    assert chosen.account.dropped["beyond the limit of jobs"] > 0
    assert all(0 <= job.arrive_ns < 50 * SECOND for job in chosen.jobs)
    small = {n for n in range(1000) if in_sample(f"j_{n}", 0.1)}
    large = {n for n in range(1000) if in_sample(f"j_{n}", 0.3)}
    assert small < large
    assert 60 < len(small) < 140


def test_without_a_start_the_window_begins_with_the_first_job(tmp_path: Path) -> None:
    """Traces count their seconds from anywhere."""
    rows = "203040,j_1,M1,1,100,0.2,1\n203050,j_2,M1,1,100,0.2,1\n203100,j_3,M1,1,100,0.2,1\n"
    reading = read(tmp_path, "alibaba-hour", rows, Selection(length_ns=60 * SECOND))
    assert [job.arrive_ns for job in reading.jobs] == [0, 10 * SECOND]


# Bad input


@pytest.mark.parametrize(
    ("kind", "content", "line", "what"),
    [
        ("alibaba-hour", HOUR.replace(",9\n", ",nine\n"), 2, "instance_num is 'nine'"),
        ("alibaba-hour", HOUR.replace("5,j_2", "five,j_2"), 4, "arrive_s is 'five'"),
        ("alibaba-hour", HOUR.replace(",4\n", ",0\n"), 3, "at least 1 is needed"),
        ("alibaba-hour", HOUR.replace(",4\n", ",1.5\n"), 3, "a whole number is needed"),
        ("alibaba-hour", HOUR.replace("0.39", "nan"), 3, "a finite number is needed"),
        ("alibaba-hour", HOUR[:-20], 4, "the file ends in the middle of this line"),
        ("alibaba-2018", NATIVE.replace("200.0", "-1"), 7, "below 0"),
        ("swim", "job0\t49\t49\tmany\t2\t6\n", 1, "map_input_bytes is 'many'"),
        ("swf", "1 0 -1 1451 128 -1\n", 1, "6 fields found, 18 needed"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, kind: str, content: str, line: int, what: str) -> None:
    """The message says which file, which line, what was found, and how to go on."""
    with pytest.raises(ScenarioError, match="on_bad_row: drop") as refused:
        read(tmp_path, kind, content)
    assert f"trace.csv:{line}: " in str(refused.value)
    assert what in str(refused.value)


def test_going_on_drops_bad_rows_and_counts_them(tmp_path: Path) -> None:
    """The rest of the trace is read."""
    reading = read(tmp_path, "alibaba-hour", HOUR.replace(",9\n", ",nine\n"), going=True)
    assert reading.account.dropped == {"does not parse": 1}
    assert reading.account.kept == 2


def test_a_cut_gzip_file_is_refused_or_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """A download that broke off does not pass for a whole file."""
    rows = "".join(f"{n},j_{n},M1,{n * 7919 % 1000},100,0.2,1\n" for n in range(20_000))
    whole = gzip.compress(rows.encode(), mtime=0)
    cut = whole[: len(whole) // 2]
    with pytest.raises(ScenarioError, match=r"trace.gz:\d+: the file is cut or damaged"):
        read(tmp_path, "alibaba-hour", cut)
    reading = read(tmp_path, "alibaba-hour", cut, going=True)
    assert 1000 < len(reading.jobs) < 20_000
    assert reading.account.dropped == {"does not parse": 1}


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_an_empty_trace_is_refused_even_when_going_on(tmp_path: Path, kind: str) -> None:
    """There is nothing to go on with."""
    with pytest.raises(ScenarioError, match=r"trace.csv:1: the trace is empty"):
        read(tmp_path, kind, "", going=True)


def test_a_trace_of_nothing_but_a_header_is_empty(tmp_path: Path) -> None:
    """A header is no row."""
    with pytest.raises(ScenarioError, match="the trace is empty"):
        read(tmp_path, "alibaba-hour", HOUR.partition("\n")[0] + "\n")


def test_a_window_with_no_job_in_it_is_refused_with_the_counts(tmp_path: Path) -> None:
    """Nothing would run, and the reason is in the message."""
    with pytest.raises(ScenarioError, match=r"no job is left of 3 rows \(3 before the window\)"):
        read(tmp_path, "alibaba-hour", HOUR, Selection(start_ns=3600 * SECOND))


def test_json_that_is_cut_or_wrong_is_named_by_line(tmp_path: Path) -> None:
    """Documents are refused where they break; going on, the other files still run."""
    good = json.dumps(_workflow(), indent=1)
    with pytest.raises(ScenarioError, match=r"trace.csv:\d+: the file is cut here"):
        read(tmp_path, "wfformat", good[: len(good) // 2])
    with pytest.raises(ScenarioError, match="runtimeInSeconds is 'long'"):
        read(tmp_path, "wfformat", good.replace("2.5", '"long"'))
    bad, fine = tmp_path / "bad.json", tmp_path / "fine.json"
    bad.write_text(good[:50])
    fine.write_text(good)
    reading = read_jobs("wfformat", [bad, fine], ALL, keep_going=True)
    assert [job.name for job in reading.jobs] == ["fine"]
    assert reading.account.dropped == {"does not parse": 1}


def _workflow() -> dict[str, Any]:
    tasks = [
        {"name": "a", "id": "a", "parents": [], "children": ["b"], "inputFiles": ["in"], "outputFiles": ["mid"]},
        {"name": "b", "id": "b", "parents": ["a"], "children": [], "inputFiles": ["mid", "in"], "outputFiles": ["out"]},
    ]
    files = [{"id": name, "sizeInBytes": size} for name, size in (("in", 100), ("mid", 70), ("out", 7))]
    runs = [{"id": "a", "runtimeInSeconds": 2.5, "coreCount": 2, "memoryInBytes": 5}, {"id": "b", "runtimeInSeconds": 1}]
    execution = {"makespanInSeconds": 3.5, "executedAt": "2023-05-04T10:54:31Z", "tasks": runs}
    specification = {"tasks": tasks, "files": files}
    return {"name": "w", "schemaVersion": "1.5", "workflow": {"specification": specification, "execution": execution}}


def test_a_workflow_keeps_its_files_apart_by_where_they_come_from(tmp_path: Path) -> None:
    """What a task of the workflow writes is shuffled, what nobody writes is input."""
    (job,) = read(tmp_path, "wfformat", json.dumps(_workflow())).jobs
    first, second = job.tasks
    assert first == TraceTask("a", 1, 2_500_000_000, 2000, memory_bytes=5, input_bytes=100, output_bytes=70)
    assert (second.parents, second.input_bytes, second.shuffle_bytes, second.output_bytes) == ((0,), 100, 70, 7)


def test_swim_jobs_have_maps_and_reduces_by_their_bytes(tmp_path: Path) -> None:
    """A split a map, a gigabyte a reduce; who shuffles nothing has maps alone."""
    rows = f"job0\t0\t0\t{200 << 20}\t{3 << 30}\t5\tp1\njob1\t9\t9\t0\t0\t8\tp2\n"
    sort, copy = read(tmp_path, "swim", rows).jobs
    assert [(task.name, task.instances) for task in sort.tasks] == [("map", 4), ("reduce", 3)]
    assert sort.tasks[0].input_path == "p1"
    assert [(task.instances, task.output_bytes) for task in copy.tasks] == [(1, 8)]


def test_swf_jobs_without_a_run_time_are_dropped(tmp_path: Path) -> None:
    """What did not run is not run."""
    rows = "; a comment\n" + "".join(
        f"{n} {n} -1 {run} 8 -1 -1 -1 -1 -1 -1 1 1 -1 -1 -1 -1 -1\n" for n, run in ((1, 9), (2, -1))
    )
    reading = read(tmp_path, "swf", rows)
    assert [(job.name, job.instances) for job in reading.jobs] == [("job-1", 8)]
    assert reading.account.dropped == {"no run time": 1}


def test_depths_and_circles_of_graphs() -> None:
    """Depth counts tasks on the longest path; a circle has none and is named."""
    chain = (TraceTask("a", 1), TraceTask("b", 1, parents=(0,)), TraceTask("c", 1, parents=(0, 1)))
    assert depths(chain) == [1, 2, 3]
    assert circle(chain) == []
    ring = (TraceTask("a", 1, parents=(1,)), TraceTask("b", 1, parents=(0,)))
    assert circle(ring)[0] == circle(ring)[-1]
    with pytest.raises(ValueError, match="in a circle"):
        depths(ring)


# The published files


def published(data_dir: Path, kind: str, *names: str) -> tuple[TraceReading, Any]:
    """A published file, and what is known of all of them."""
    stats = json.loads((data_dir / "STATS.json").read_text(encoding="utf-8"))
    paths = [data_dir / name for name in names]
    if missing := [path for path in paths if not path.is_file()]:
        pytest.skip(f"{missing[0]} is not here")
    reading = read_jobs(kind, paths, ALL)
    assert reading.account.balanced()
    return reading, stats


@pytest.mark.data
def test_the_hour_of_2018_has_the_published_counts(data_dir: Path) -> None:
    """Every row is kept; jobs, tasks, instances, edges, depth and work are those of STATS.json."""
    reading, stats = published(data_dir, "alibaba-hour", "alibaba2018_hour/hour_0000-1800s.csv.gz")
    known, account = stats["alibaba2018_hour"], reading.account
    assert account.dropped == {}
    assert (account.jobs, account.tasks, account.rows) == (known["jobs"], known["tasks"], known["tasks"])
    assert (account.instances, account.edges_read) == (known["instances"], known["edges"])
    assert max(job.depth for job in reading.jobs) == known["max_depth"]
    work = sum(t.duration_ns // SECOND * t.cpu_millicores * t.instances for job in reading.jobs for t in job.tasks)
    assert work // 1000 == known["core_seconds"]
    per_job = sorted(len(job.tasks) for job in reading.jobs)
    assert per_job[-1] == known["tasks_per_job"]["max"]


@pytest.mark.data
def test_the_sample_of_2018_has_the_published_counts(data_dir: Path) -> None:
    """Rows by status, blank plans, cut names and ends before starts are those of STATS.json; no circle is left."""
    reading, stats = published(data_dir, "alibaba-2018", "alibaba2018_dags/batch_task_sample.csv.gz")
    known, account = stats["alibaba2018_dags"], reading.account
    status = known["status"]
    assert (account.jobs_read, account.rows, account.edges_read) == (known["jobs"], known["tasks"], known["edges"])
    assert account.kept == status["Terminated"]
    assert account.dropped == {f"status {name}": status[name] for name in ("Running", "Failed", "Waiting")}
    assert not any(note.startswith("circle") for note in account.noted)
    assert account.noted["name cut at 50 characters: its last parent is not used"] > 0


@pytest.mark.data
def test_the_trace_of_2017_has_the_published_counts(data_dir: Path) -> None:
    """Jobs, rows and rows by status are those of STATS.json."""
    reading, stats = published(data_dir, "alibaba-2017", "alibaba2017_batch/batch_task_h1.csv.gz")
    known, account = stats["alibaba2017_batch/batch_task_h1.csv.gz"], reading.account
    assert (account.jobs_read, account.rows) == (known["jobs"], known["rows"])
    dropped = {why.removeprefix("status "): count for why, count in account.dropped.items() if why.startswith("status")}
    assert dropped == {name: count for name, count in known["status"].items() if name != "Terminated"}
    assert account.kept == known["status"]["Terminated"] - account.dropped.get("ends before it starts", 0)


@pytest.mark.data
def test_workflows_have_the_published_counts(data_dir: Path) -> None:
    """Workflows, tasks, and edges are those of STATS.json."""
    names = sorted(path.name for path in (data_dir / "wfinstances").glob("*.json.gz"))
    reading, stats = published(data_dir, "wfformat", *(f"wfinstances/{name}" for name in names))
    known, account = stats["wfinstances"], reading.account
    assert (account.jobs, account.tasks, account.edges) == (
        known["public wf"], known["public tasks"], known["public edges"],
    )  # fmt: skip
    assert account.dropped == {}


@pytest.mark.data
@pytest.mark.parametrize("name", ["FB-2009_0.tsv.gz", "FB-2010_paths_0-12h.tsv.gz"])
def test_swim_has_the_published_counts(data_dir: Path, name: str) -> None:
    """Rows and bytes read, shuffled and written are those of STATS.json."""
    reading, stats = published(data_dir, "swim", f"facebook_swim/{name}")
    known = stats[f"facebook_swim/{name}"]
    assert reading.account.kept == reading.account.rows == known["rows"]
    totals: Counter[str] = Counter()
    for job in reading.jobs:
        totals["in"] += job.tasks[0].input_bytes
        totals["shuf"] += job.tasks[-1].shuffle_bytes
        totals["out"] += job.tasks[-1].output_bytes
    assert {key: round(value / 1e12, 2) for key, value in totals.items()} == {
        "in": known["in_TB"], "shuf": known["shuf_TB"], "out": known["out_TB"],
    }  # fmt: skip


@pytest.mark.data
def test_tpch_has_the_published_counts(data_dir: Path) -> None:
    """Queries, stages and tasks are those of STATS.json."""
    reading, stats = published(data_dir, "tpch", "tpch_decima/tpch_dags.json.gz")
    known, account = stats["tpch_decima/tpch_dags.json.gz"], reading.account
    assert (account.jobs, account.tasks, account.instances) == (known["dags"], known["stages"], known["tasks"])
    assert max(len(job.tasks) for job in reading.jobs) == known["max_stages"]


@pytest.mark.data
def test_swf_has_the_published_counts(data_dir: Path) -> None:
    """Jobs, processors and run times are those of STATS.json."""
    name = "swf/NASA-iPSC-1993-3.1-cln.swf.gz"
    reading, stats = published(data_dir, "swf", name)
    known = stats[name]
    assert reading.account.rows == known["jobs"]
    assert max(job.instances for job in reading.jobs) == known["procs_max"]
    runs = sorted(job.tasks[0].duration_ns // SECOND for job in reading.jobs)
    assert reading.account.kept == known["jobs"]
    assert runs[len(runs) // 2] == known["run_p50"]
