"""Code of the user's own that loads name as file.py:Class: roles and hot spots of services, jobs and their tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario import ScenarioProblems, build, load

_CODE = """
class Dear:
    def compute_ns(self, request):
        return 30_000_000

class Never:
    def relieve(self, partitions, workers, limits):
        return []
"""
_SCENARIO = """
name: own
question: Does the user's own code run?
duration: 14s
sample_every: 14s
cluster: {racks: 3, machines_per_rack: 2, machine: {cores: 8, memory: 32GiB, disks: 1}, clients: {machines: 1}}
nuwa: {servers: 3}
fuxi: {}
load:
  - kind: fuxi-service
    clients: 2
    think: 100ms
    warm: 8s
    service:
      name: kv
      roles: {server: {instances: 2, program: "own.py:PROGRAM"}}
      partitions: {keys: 100, count: 2, hot: {kind: "own.py:Never", split_above: 1/s}}
"""


def test_a_role_and_a_policy_of_the_users_own(tmp_path: Path) -> None:
    """What a request costs is what the program says; nothing is split though all is hot."""
    (tmp_path / "own.py").write_text(_CODE)
    (tmp_path / "own.yaml").write_text(_SCENARIO.replace("PROGRAM", "Dear"))
    ran = build(load(tmp_path / "own.yaml")).run()
    assert 0.03 < ran.metrics["fuxi.request_latency_s.p50"] < 0.05
    assert ran.metrics["fuxi.partitions_split_count"] == 0
    assert ran.metrics["fuxi.requests_failed_count"] == 0


def test_a_class_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the classes that are."""
    (tmp_path / "own.py").write_text(_CODE)
    (tmp_path / "own.yaml").write_text(_SCENARIO.replace("PROGRAM", "Deer"))
    with pytest.raises(ScenarioProblems, match=r"did you mean own\.py:Dear"):
        build(load(tmp_path / "own.yaml"))


_JOBS = """
class Steps:
    '''Instance n computes n + 1 seconds, reads a quarter of its files, and its first attempt fails if n is 1.'''

    def read_bytes(self, instance):
        return sum(part.length_bytes for part in instance.files) // 4

    def compute_ns(self, instance):
        return (instance.number + 1) * 1_000_000_000

    def output_bytes(self, instance):
        return 1_000_000

    def failure(self, instance, attempt):
        return "not yet" if instance.number == 1 and attempt == 1 else ""


class Take:
    def __init__(self, each_s=2):
        self.each_s = each_s

    def compute_ns(self, instance):
        assert instance.taken == {"map": instance.input_bytes}, instance
        return self.each_s * 1_000_000_000

    def output_bytes(self, instance):
        return instance.taken["map"]


class Described:
    def describe(self, job):
        map = {"instances": 3 + job.number, "program": "own.py:Steps", "resources": {"cpu": 1}}
        take = {"instances": 1, "program": {"kind": "own.py:Take", "each_s": 5}, "after": "map"}
        return {"tasks": {"map": map, "take": take}}


class Half:
    def compute_ns(self, instance):
        return instance.input_bytes / 2

    def output_bytes(self, instance):
        return 0


class Raises(Half):
    def compute_ns(self, instance):
        return 1 // instance.input_bytes


class Mute:
    def compute_ns(self, instance):
        return 1


class Circle:
    def describe(self, job):
        return {"tasks": {"a": {"instances": 1, "after": "b"}, "b": {"instances": 1, "after": "a"}}}
"""
_JOB_SCENARIO = """
name: own
question: Does the user's own job run?
duration: 40s
sample_every: 40s
cluster: {racks: 3, machines_per_rack: 2, machine: {cores: 8, memory: 32GiB, disks: 1}, clients: {machines: 1}}
pangu: {dataset: {bytes: 1GiB, file_size: 256MiB}}
fuxi: {}
load:
  - kind: fuxi-jobs
    name: own
    clients: 1
    limit: 2
    jobs:
      - JOB
"""
_TASKS = "{name: own, tasks: {map: {input: {files: '/dataset/*'}, program: 'own.py:NAME'}}}"


def _files(folder: Path, job: str) -> Path:
    (folder / "own.py").write_text(_JOBS)
    (folder / "own.yaml").write_text(_JOB_SCENARIO.replace("JOB", job))
    return folder / "own.yaml"


def test_jobs_and_tasks_of_the_users_own(tmp_path: Path) -> None:
    """A class describes the jobs; its tasks say what instances read, compute and leave, and which attempts fail."""
    ran = build(load(_files(tmp_path, "own.py:Described"))).run()
    assert ran.metrics["fuxi.jobs_finished_count"] == 2
    assert ran.metrics["fuxi.instances_count"] == 4 + 5
    assert ran.metrics["fuxi.instances_scheduled_count"] == 9 + 2, "the second map of each job runs twice"
    ended = ran.facts.columns("fuxi.job_ended")
    # The maps' seconds and the last task's, which is asked for with a field of its own.
    assert list(ended["work_s"]) == [1 + 2 + 3 + 5, 1 + 2 + 3 + 4 + 5]


def test_a_program_reads_a_part_of_its_files(tmp_path: Path) -> None:
    """A quarter of the dataset is read in each of two jobs, and once more what the attempt that failed had read."""
    ran = build(load(_files(tmp_path, _TASKS.replace("NAME", "Steps")))).run()
    assert ran.metrics["fuxi.jobs_finished_count"] == 2
    assert ran.metrics["pangu.read_bytes_per_s"] * 40 == pytest.approx(2 * (2**30 + 2**26) / 4)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("own.py:Descrybed", r"own\.yaml:15:9: .*did you mean own\.py:Described"),
        ("nowhere.py:Described", r"own\.yaml:15:9: there is no file nowhere\.py"),
        ("own.py:Steps", r"own\.yaml:15:9: own\.py:Steps \(.*own\.py:2\) does not fit .* it has no describe"),
        (_TASKS.replace("NAME", "Mute"), r"own\.yaml:15:\d+: own\.py:Mute \(.*own\.py:\d+\) .* no output_bytes"),
        ("{kind: own.py:Take, each_s: 3}", r"own\.yaml:15:16: own\.py:Take .* no describe"),
        (_TASKS.replace("own.py:NAME", "own.Name"), r"own\.yaml:15:\d+: .*program is file\.py:Class"),
    ],
)
def test_a_wrong_class_is_refused_with_its_place(tmp_path: Path, job: str, message: str) -> None:
    """Before anything is built, where the scenario names it."""
    with pytest.raises(ScenarioProblems, match=message):
        load(_files(tmp_path, job))


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (_TASKS.replace("NAME", "Half"), r"own\.py:38: Half\.compute_ns gives 33554432\.0 for instance 0 of task map"),
        (_TASKS.replace("NAME", "Raises"), ""),
        ("own.py:Circle", r"own\.py:56: Circle\.describe: .*(circle|cycle)"),
    ],
)
def test_what_a_program_says_is_used_or_refused(tmp_path: Path, job: str, message: str) -> None:
    """A number that is none, or a graph that is none, is an error with file and line."""
    loaded = load(_files(tmp_path, job))
    if not message:
        # Every instance has bytes to read: it divides by what is there.
        assert build(loaded).run().metrics["fuxi.jobs_finished_count"] == 2
        return
    with pytest.raises(ScenarioError, match=message):
        build(loaded).run()


def test_an_error_in_a_program_is_the_users_with_file_and_line(tmp_path: Path) -> None:
    """It raises inside the simulation."""
    path = _files(tmp_path, "{name: own, tasks: {map: {instances: 2, program: 'own.py:Raises'}}}")
    with pytest.raises(ScenarioProblems, match=r"own\.py:47:1: ZeroDivisionError.* \(in compute_ns\)"):
        build(load(path)).run()


def test_a_changed_class_is_another_configuration(tmp_path: Path) -> None:
    """The hash of the results' folder takes in the text of the file."""
    path = _files(tmp_path, "own.py:Described")
    before = load(path).config_hash
    (tmp_path / "own.py").write_text(_JOBS.replace("number + 1", "number + 2"))
    assert load(path).config_hash != before


def test_a_program_in_a_file_of_a_job(tmp_path: Path) -> None:
    """It is looked for beside the scenario."""
    (tmp_path / "job.yaml").write_text("name: filed\ntasks: {map: {instances: 3, program: 'own.py:Steps'}}\n")
    loaded = load(_files(tmp_path, "{kind: file, file: job.yaml}"))
    assert [part.reference for part in loaded.policies] == ["own.py:Steps"]
    assert build(loaded).run().metrics["fuxi.jobs_finished_count"] == 2


def test_the_resolved_scenario_is_the_same(tmp_path: Path) -> None:
    """With a class and its fields written out."""
    loaded = load(_files(tmp_path, "{weight: 2, job: {kind: own.py:Described}}"))
    (tmp_path / "again.yaml").write_text(loaded.resolved_yaml())
    assert load(tmp_path / "again.yaml").scenario == loaded.scenario
