"""What is wrong with a scenario's Fuxi is said where it stands, with its remedy."""

from __future__ import annotations

import pytest

from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario import build, load_text

BASE = """\
name: t
duration: 1m
cluster: {racks: 1, machines_per_rack: 4, machine: {cores: 2, disks: 1, memory: 8GiB}}
"""


@pytest.mark.parametrize(
    ("fuxi", "said"),
    [
        ("{masters: 5}", "4:17: 5 FuxiMasters need as many machines; the cluster has 4"),
        ("{resources: {reserved_cores: 2}}", "nothing is left to hand out: machines have 2 cores"),
        ("{resources: {reserved_memory: 8GiB}}", "nothing is left to hand out: machines have 8GiB of memory"),
        (
            "{application_master: {cores: 3}, resources: {reserved_memory: 1GiB}}",
            "no machine could run an application's master: each offers 2 cores and 7GiB",
        ),
        ("{packages: {w: {size: 1MB}}}", "packages are kept in the file system: add pangu:"),
        ("{resources: {virtual: {cpu: 1}}}", "cpu is no virtual resource: every machine has it"),
        ("{heartbeat: {every: 20s}}", "one lost beat ends a machine"),
        ("{schedule: {groups: [{name: a, minimum: 70%}, {name: b, minimum: 40%}]}}", "add up to 110% of the cluster"),
    ],
)
def test_what_cannot_work_is_refused(fuxi: str, said: str):
    with pytest.raises(ScenarioError) as refused:
        load_text(f"{BASE}fuxi: {fuxi}\n")
    assert said in str(refused.value)


_JOB = """\
fuxi: {{resources: {{reserved_memory: 1GiB, virtual: {{licence: 1}}}}}}
load:
  - kind: fuxi-jobs
    name: etl
    clients: 1
    jobs:
      - name: sort
        tasks:
          map: {task}
"""


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (
            "{instances: 0, time: 1s, resources: {cpu: 1, memory: 1GiB}}",
            "12:28: load[0].jobs[0].tasks.map.instances: a task has 1 to 4,000,000 instances, not 0",
        ),
        ("{instances: 1, time: 1s, resources: {gpu: 1}}", "12:53: unknown key 'gpu' in load[0].jobs[0].tasks.map"),
        (
            "{instances: 1, time: 1s, resources: {cpu: 3, memory: 1GiB}}",
            "12:58: a worker needs 3 cores, and a machine offers 2",
        ),
        (
            "{instances: 1, time: 1s, resources: {cpu: 1, memory: 9GiB}}",
            "12:69: a worker needs 9GiB of memory, and a machine offers 7GiB",
        ),
        (
            "{instances: 1, time: 1s, resources: {cpu: 1, memory: 1GiB, virtual: {licence: 2}}}",
            "a worker needs 2 of licence, and a machine offers 1",
        ),
        (
            "{instances: 1, time: 1s, package: w, resources: {cpu: 1, memory: 1GiB}}",
            "12:50: there is no package 'w' (fuxi.packages has none; a file of Pangu has a path: /apps/w)",
        ),
        (
            "{instances: 1, time: 1s, after: map, resources: {cpu: 1, memory: 1GiB}}",
            "10:9: load[0].jobs[0]: the tasks wait for each other in a circle: map -> map",
        ),
    ],
)
def test_what_is_wrong_with_a_job_is_said_once_and_where_it_stands(task: str, said: str):
    with pytest.raises(ScenarioError) as refused:
        load_text(f"{BASE}{_JOB.format(task=task)}")
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "load",
    [
        "{kind: fuxi-jobs, clients: 1, jobs: [{kind: wordcount, maps: 1, reduces: 1, package: wordcout}]}",
        "{kind: fuxi-jobs, clients: 1, jobs: [{job: {kind: terasort, maps: 1, reduces: 1, package: wordcout}}]}",
        "{kind: fuxi-service, clients: 1, service: {name: kv, partitions: {count: 2}, roles: {front: {instances: 2, "
        "package: wordcout}}}}",
    ],
)
def test_a_package_that_is_not_declared_is_named_with_the_nearest_that_is(load: str):
    cell = "pangu: {}\nfuxi: {application_master: {memory: 100MB}, packages: {wordcount: {size: 1MB}}}\n"
    text = f"{BASE.replace('racks: 1', 'racks: 4')}{cell}load:\n- {load}\n"
    with pytest.raises(ScenarioError) as refused:
        load_text(text)
    where = f"7:{text.splitlines()[6].index('wordcout') + 1}"
    assert f"{where}: there is no package 'wordcout'; did you mean wordcount? (packages" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    load_text(text.replace("wordcout", "wordcount"))
    load_text(text.replace("wordcout", "/apps/w"))


def test_fuxi_brings_nuwa_and_the_roles_of_its_processes():
    text = f"{BASE}fuxi: {{application_master: {{memory: 100MB}}}}\n"
    faults = "faults:\n- {kind: process-kill, at: 1s, target: {leader: fuxi.master}}\n"
    platform = build(load_text(text + faults))
    assert platform.nuwa is not None
    assert platform.fuxi is not None
    first = platform.fuxi.serving_machine
    platform.sim.run_until(30 * 10**9)
    assert platform.fuxi.serving_machine not in (None, first)
    roles = {daemon.role for daemon in platform.daemons}
    assert {"fuxi.master", "fuxi.tubo", "fuxi.worker", "fuxi.jobmaster"} <= roles
