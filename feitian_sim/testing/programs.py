"""The contracts of the programming framework: programs of tasks, of jobs, of services' roles, and hot-spot policies.

``check_task_program(MyMap())`` and its like raise AssertionError with what was broken. A program is asked about instances
and requests of all sizes, twice and in another order: an instance may run again, have a backup, or be asked for by a
JobMaster that has just come up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from feitian_sim.fuxi.job.description import JobDescription
from feitian_sim.fuxi.job.program import (
    InstanceSight,
    JobProgram,
    JobSight,
    MayFail,
    ReadsPart,
    TaskProgram,
    amount,
    failure,
)
from feitian_sim.fuxi.job.reading import job_of
from feitian_sim.fuxi.job.split import Split
from feitian_sim.fuxi.service.hotspot import HotLimits, HotspotPolicy, Move, PartitionSight, WorkerSight
from feitian_sim.fuxi.service.program import RequestSight, RoleProgram
from feitian_sim.kernel import ScenarioError, Simulation

_SIZES = (0, 1, 1 << 20, 1 << 40)
_JOBS = 5


def check_task_program(program: TaskProgram) -> None:
    """Raises AssertionError when ``program`` breaks the contract of :class:`TaskProgram`."""
    assert isinstance(program, TaskProgram), f"{program!r} lacks compute_ns(instance) or output_bytes(instance)"
    sights = list(_instances())
    first = [_said(program, sight) for sight in sights]
    again = [_said(program, sight) for sight in reversed(sights)][::-1]
    for sight, one, other in zip(sights, first, again, strict=True):
        assert one == other, (
            f"{program!r} says {one} of instance {sight.number} of {sight.instances}, and {other} when it is asked again"
        )


def _said(program: TaskProgram, sight: InstanceSight) -> tuple[Any, ...]:
    """All that a program says of an instance, held to what may be said."""
    offered = sum(part.length_bytes for part in sight.files)
    try:
        said: list[Any] = [amount(program, "compute_ns", sight), amount(program, "output_bytes", sight)]
        if isinstance(program, ReadsPart):
            read = amount(program, "read_bytes", sight)
            assert read <= offered, f"{program!r} reads {read} bytes of files that have {offered}"
            said.append(read)
        if isinstance(program, MayFail):
            said += [failure(program, sight, attempt) for attempt in (1, 2, 100)]
    except ScenarioError as error:
        raise AssertionError(str(error)) from error
    return tuple(said)


def _instances() -> Iterator[InstanceSight]:
    for instances in (1, 3, 1000):
        for number in dict.fromkeys((0, instances // 2, instances - 1)):
            for size in _SIZES:
                files = (Split("/data/a", 0, size // 2, (1, 2)), Split("/data/b", 7, size - size // 2)) if size else ()
                taken = {"before": size // 3}
                yield InstanceSight("job", "task", number, instances, size + size // 3, files, taken)


def check_job_program(program: JobProgram) -> None:
    """Raises AssertionError when ``program`` breaks the contract of :class:`JobProgram`."""
    assert isinstance(program, JobProgram), f"{program!r} lacks describe(job)"
    first = [_described(program, number) for number in range(_JOBS)]
    again = [_described(program, number) for number in reversed(range(_JOBS))][::-1]
    for number, (one, other) in enumerate(zip(first, again, strict=True)):
        assert one == other, f"{program!r} describes job {number} in two ways with the same draws"


def _described(program: JobProgram, number: int) -> JobDescription:
    draws = Simulation(seed=1).stream("testing.programs", f"job-{number}")
    said = program.describe(JobSight(number, draws))
    if isinstance(said, JobDescription):
        return said
    assert isinstance(said, Mapping), f"{program!r} gives {said!r} for job {number}, not a mapping"
    try:
        return job_of({"name": "job", **said}, f"{program!r}, job {number}")
    except ScenarioError as error:
        raise AssertionError(str(error)) from error


def check_role_program(program: RoleProgram) -> None:
    """Raises AssertionError when ``program`` breaks the contract of :class:`RoleProgram`."""
    assert isinstance(program, RoleProgram), f"{program!r} lacks compute_ns(request)"
    requests = [
        RequestSight("service", partition, key, write, size)
        for partition, key in ((1, 0), (7, 1 << 40))
        for write in (False, True)
        for size in (1, 256, 1 << 30)
    ]
    first = [program.compute_ns(request) for request in requests]
    for request, took, again in zip(requests, first, [program.compute_ns(one) for one in requests], strict=True):
        assert isinstance(took, int), f"{program!r} says {took!r} of {request}: whole nanoseconds are wanted"
        assert took >= 0, f"{program!r} says {took} ns of {request}"
        assert took == again, f"{program!r} says {took} ns of {request}, and {again} when it is asked again"


def check_hotspot_policy(policy: HotspotPolicy) -> None:
    """Raises AssertionError when ``policy`` breaks the contract of :class:`HotspotPolicy`."""
    assert isinstance(policy, HotspotPolicy), f"{policy!r} lacks relieve(partitions, workers, limits)"
    limits = HotLimits(500.0, 800.0, 2.0, 12)
    for rates in ((0.0,) * 8, (100.0,) * 8, (5000.0,) + (10.0,) * 7, tuple(float(100 * place) for place in range(8))):
        partitions = [PartitionSight(place + 1, 1 + place % 4, rate, 1000) for place, rate in enumerate(rates)]
        # The last one has a single key, and another worker has nothing.
        partitions[-1] = replace(partitions[-1], width=1)
        _check_steps(policy, partitions, limits)
    assert not policy.relieve([], [], limits), f"{policy!r} does something where nothing is"


def _check_steps(policy: HotspotPolicy, partitions: list[PartitionSight], limits: HotLimits) -> None:
    loads = {number: [one.per_s for one in partitions if one.worker == number] for number in range(1, 6)}
    workers = [WorkerSight(number, sum(per_s), len(per_s)) for number, per_s in loads.items()]
    steps = policy.relieve(list(partitions), list(workers), limits)
    again = policy.relieve(list(partitions), list(workers), limits)
    where = f"{policy!r} for {[one.per_s for one in partitions]} requests/s"
    assert steps == again, f"{where}: {steps}, then {again}"
    known = {one.number: one for one in partitions}
    touched = [step.partition for step in steps]
    assert len(set(touched)) == len(touched), f"{where}: a partition is touched twice: {steps}"
    splits = 0
    for step in steps:
        assert step.partition in known, f"{where}: there is no partition {step.partition}"
        partition = known[step.partition]
        if isinstance(step, Move):
            assert step.worker in loads, f"{where}: there is no worker {step.worker}"
            assert step.worker != partition.worker, f"{where}: partition {step.partition} is there already"
        else:
            splits += 1
            assert partition.width > 1, f"{where}: partition {step.partition} has one key and cannot be split"
    assert len(partitions) + splits <= limits.most, f"{where}: {splits} splits lead to more than {limits.most} partitions"
