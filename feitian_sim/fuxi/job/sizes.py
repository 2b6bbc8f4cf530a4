"""How much each instance of a job reads, computes and leaves: arrays by instance number, known before anything runs.

They follow from the plan, the splits of the input files and the draws of the job's own streams, so every life of a
JobMaster, and every attempt of an instance, sees the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feitian_sim.fuxi.job.plan import EdgePlan, JobPlan, TaskPlan
from feitian_sim.fuxi.job.program import InstanceSight, ReadsPart, amount
from feitian_sim.fuxi.job.split import Split, first_bytes
from feitian_sim.kernel import SECOND, Distribution, Stream

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TaskSizes:
    """One task's instances."""

    input_bytes: Ints
    compute_ns: Ints
    output_bytes: Ints
    #: Of each instance the parts of files that it reads; empty where there are none.
    splits: tuple[tuple[Split, ...], ...] = ()
    #: Of each instance what the task's own program is told; empty for a task without one.
    sights: tuple[InstanceSight, ...] = ()

    @property
    def instances(self) -> int:
        """How many there are."""
        return len(self.compute_ns)


def sizes_of(plan: JobPlan, splits: Sequence[Sequence[Split]], stream: Stream) -> list[TaskSizes]:
    """The sizes of all tasks; ``splits``: of each task, in order of its files."""
    sized: list[TaskSizes] = []
    for task, parts in zip(plan.tasks, splits, strict=True):
        count = task.instances or max(1, len(parts))
        dealt = _dealt(parts, count)
        read = _lengths(dealt, count)
        takes = [taken(edge, sized[edge.source].output_bytes, count) for edge in task.edges]
        read = sum(takes, read)
        if task.program is not None:
            sized.append(_asked(plan, task, read, dealt, takes))
        else:
            sized.append(TaskSizes(read, *_drawn(task, read, stream.child(task.name)), dealt))
    return sized


def _lengths(dealt: Sequence[Sequence[Split]], count: int) -> Ints:
    if not dealt:
        return np.zeros(count, dtype=np.int64)
    return np.array([sum(part.length_bytes for part in own) for own in dealt], dtype=np.int64)


def taken(edge: EdgePlan, output_bytes: Ints, consumers: int) -> Ints:
    """Bytes that each consumer takes over an edge."""
    total = int(output_bytes.sum())
    if edge.pattern == "none" or not total:
        return np.zeros(consumers, dtype=np.int64)
    if edge.pattern == "broadcast":
        return np.full(consumers, total, dtype=np.int64)
    if edge.pattern == "one-to-one":
        producers = len(output_bytes)
        if producers >= consumers:
            owner = np.arange(producers) * consumers // producers
            summed = np.zeros(consumers, dtype=np.int64)
            np.add.at(summed, owner, output_bytes)
            return summed
        source = np.arange(consumers) * producers // consumers
        shared: Ints = output_bytes[source] // np.bincount(source, minlength=producers)[source]
        return shared
    # A shuffle: the parts differ by a byte at most, so that they add up.
    return total // consumers + (np.arange(consumers) < total % consumers).astype(np.int64)


def sources_of(edge: EdgePlan, consumer: int, producers: int, consumers: int) -> tuple[int, int]:
    """The producers, from the first up to before the second, whose output a consumer takes a part of."""
    if edge.pattern == "none":
        return 0, 0
    if edge.pattern != "one-to-one":
        return 0, producers
    if producers < consumers:
        source = consumer * producers // consumers
        return source, source + 1
    return -(-consumer * producers // consumers), -(-(consumer + 1) * producers // consumers)


def _dealt(parts: Sequence[Split], count: int) -> tuple[tuple[Split, ...], ...]:
    """The parts of files in runs, one for each instance."""
    if not parts:
        return ()
    edges = [number * len(parts) // count for number in range(count + 1)]
    return tuple(tuple(parts[edges[number] : edges[number + 1]]) for number in range(count))


def _drawn(task: TaskPlan, read: Ints, draws: Stream) -> tuple[Ints, Ints]:
    count = len(read)
    compute_ns = _amounts(task.time_ns, count, draws.child("time"))
    if task.rate_bytes_per_s:
        # In two steps: bytes times nanoseconds would not fit into 64 bits.
        seconds, rest = np.divmod(read, task.rate_bytes_per_s)
        compute_ns = compute_ns + seconds * SECOND + rest * SECOND // task.rate_bytes_per_s
    left = _amounts(task.output_bytes, count, draws.child("output"))
    if task.output_ratio:
        left = left + (read * task.output_ratio).astype(np.int64)
    return compute_ns, left


def _amounts(amount: int | Distribution | tuple[int, ...], count: int, draws: Stream) -> Ints:
    if isinstance(amount, Distribution):
        return amount.samples(draws, count)
    if isinstance(amount, tuple):
        return np.array(amount, dtype=np.int64)
    return np.full(count, amount, dtype=np.int64)


def _asked(
    plan: JobPlan, task: TaskPlan, offered: Ints, dealt: tuple[tuple[Split, ...], ...], takes: Sequence[Ints]
) -> TaskSizes:
    """What the user's own program says of each instance."""
    program = task.program
    assert program is not None, f"{task.name} has no program"
    before = [plan.tasks[edge.source].name for edge in task.edges]
    sights = tuple(
        InstanceSight(
            plan.name,
            task.name,
            number,
            len(offered),
            int(size),
            dealt[number] if dealt else (),
            {name: int(take[number]) for name, take in zip(before, takes, strict=True)},
        )
        for number, size in enumerate(offered)
    )
    read = offered
    if dealt and isinstance(program, ReadsPart):
        of_files = _lengths(dealt, len(offered))
        dealt = tuple(first_bytes(sight.files, amount(program, "read_bytes", sight)) for sight in sights)
        read = offered - of_files + _lengths(dealt, len(offered))
    compute_ns = np.array([amount(program, "compute_ns", sight) for sight in sights], dtype=np.int64)
    left = np.array([amount(program, "output_bytes", sight) for sight in sights], dtype=np.int64)
    return TaskSizes(read, compute_ns, left, dealt, sights)
