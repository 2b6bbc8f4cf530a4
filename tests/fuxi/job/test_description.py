"""Jobs as users write them: what is accepted, what it becomes, and what is said about mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feitian_sim.fuxi.job.description import JobDescription
from feitian_sim.fuxi.job.graph import critical_path, order_of
from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan, plan_of
from feitian_sim.fuxi.job.reading import job_of, read_job
from feitian_sim.fuxi.resources import Dimensions
from feitian_sim.kernel import GIB, SECOND, ScenarioError

MACHINE = (12_000, 96 * GIB, 0)


def _plan(job: JobDescription, **options: object) -> JobPlan:
    return plan_of(job, Dimensions(), [MACHINE], **options)  # type: ignore[arg-type]


def test_f6_a_job_is_a_graph_of_tasks_from_yaml_or_json(tmp_path: Path) -> None:
    """The same job from YAML and from JSON; edges may be written short."""
    yaml, js = tmp_path / "job.yaml", tmp_path / "job.json"
    yaml.write_text(
        "name: wc\ntasks:\n  reduce: {instances: 2, after: {map: stream}}\n"
        "  map: {instances: 4, time: 10s, output: {bytes: 1MiB}}\n"
    )
    js.write_text(
        json.dumps(
            {
                "name": "wc",
                "tasks": {
                    "reduce": {"instances": 2, "after": {"map": {"mode": "stream"}}},
                    "map": {"instances": 4, "time": "10s", "output": {"bytes": "1MiB"}},
                },
            }
        )
    )
    assert read_job(yaml) == read_job(js)
    plan = _plan(read_job(yaml))
    assert [task.name for task in plan.tasks] == ["map", "reduce"]
    assert plan.tasks[1].edges == (EdgePlan(0, stream=True),)
    assert plan.tasks[0].vector == (500, 2 * GIB, 0)
    assert plan.group == "user"


def test_f7_mapreduce_and_map_reduce_merge_are_shapes_of_graphs() -> None:
    """The builders make the edges; a task that brings its own is refused."""
    task = {"instances": 3}
    sort = job_of({"kind": "mapreduce", "name": "s", "map": task, "reduce": task, "streaming": True})
    assert sort.tasks["reduce"].after["map"].mode == "stream"
    parts = ("left_map", "left_reduce", "right_map", "right_reduce", "merge")
    merge = job_of({"kind": "map-reduce-merge", "name": "m", **dict.fromkeys(parts, task)})
    assert {name: list(task.after) for name, task in merge.tasks.items()} == {
        "left-map": [],
        "left-reduce": ["left-map"],
        "right-map": [],
        "right-reduce": ["right-map"],
        "merge": ["left-reduce", "right-reduce"],
    }
    with pytest.raises(ScenarioError, match="take 'after' out"):
        job_of({"kind": "mapreduce", "name": "s", "map": {"instances": 1, "after": "x"}, "reduce": task})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: j\ntasks:\n  a:\n    instances: 0\n", "job.yaml:4: tasks.a.instances: a task has 1 to .* not 0"),
        ("name: j\ntasks:\n  a: {instances: 1000000000}\n", "job.yaml:3: .* not 1,000,000,000"),
        ("name: j\ntasks:\n  a: {instances: 1, after: bb}\n  b: {instances: 1}\n", "after 'bb'.* did you mean 'b'"),
        (
            "name: j\ntasks:\n  a: {instances: 1, after: c}\n  b: {instances: 1, after: a}\n"
            "  c: {instances: 1, after: b}\n",
            r"circle: a -> b -> c -> a \(b after a, c after b, a after c\)",
        ),
        ("name: j\ntasks:\n  a: {instances: 1, after: a}\n", r"circle: a -> a \(a after a\)"),
        ("name: j\ntasks:\n  a: {time: 3s}\n", "give the number of instances, or input files"),
        ("name: j\ntasks:\n  a: {instances: 1, input: {files: data/x}}\n", "begins with /"),
        ("name: j\ntasks:\n  a: {instances: 2, times: [1s]}\n", "2 instances need as many times, not 1"),
        ("name: j k\ntasks:\n  a: {instances: 2}\n", "a name is made of letters"),
        ("name: j\ntasks: [\n", "job.yaml:3"),
        ("- 1\n", "a job is a mapping"),
        ("kind: dagg\nname: j\n", "not 'dagg'"),
    ],
)
def test_mistakes_are_named_with_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    """What is wrong with a file is said where it stands."""
    file = tmp_path / "job.yaml"
    file.write_text(text)
    with pytest.raises(ScenarioError, match=expected):
        read_job(file)


def _job(**task: object) -> JobDescription:
    return job_of({"name": "j", "tasks": {"a": {"instances": 1, **task}}})


def test_what_a_cell_cannot_run_is_refused_with_the_task() -> None:
    """Resources that no machine has, and files that are not there."""
    with pytest.raises(ScenarioError, match="job j, task a: there is no resource 'gpu' in this cell"):
        _plan(_job(resources={"virtual": {"gpu": 1}}))
    with pytest.raises(ScenarioError, match="task a: a worker needs 64000 of cpu, and no machine has over 12000"):
        _plan(_job(resources={"cpu": 64}))
    with pytest.raises(ScenarioError, match="task a: there is no file /data/x"):
        _plan(_job(input={"files": "/data/x"}), files=lambda pattern: False)
    with pytest.raises(ScenarioError, match="no machine has all that a worker needs"):
        plan_of(_job(resources={"cpu": 2, "memory": "2GiB"}), Dimensions(), [(2000, GIB, 0), (1000, 4 * GIB, 0)])


def test_critical_path_is_the_longest_way() -> None:
    """By hand: a diamond whose slower side counts."""
    after = {"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []}
    assert order_of(after) == ["a", "b", "c", "d"]
    times = {"a": 1 * SECOND, "b": 5 * SECOND, "c": 2 * SECOND, "d": 1 * SECOND}
    assert critical_path(after, times) == (7 * SECOND, ["a", "b", "d"])
