"""The common form of jobs that all trace formats are read into. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

#: Shares of a machine's memory are counted in millionths: published ones have up to nine digits, two of them real.
WHOLE_MACHINE_PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class TraceTask:
    """One task: ``instances`` that all do the same, after its ``parents`` (positions in the job)."""

    name: str
    instances: int
    #: Of the whole task or of one instance, as its format says; 0: shorter than the trace's clock ticks, or not known.
    duration_ns: int = 0
    cpu_millicores: int = 1000
    #: What one instance asks for: a share of a machine (millionths), or bytes; 0 where the trace does not say.
    memory_ppm: int = 0
    memory_bytes: int = 0
    parents: tuple[int, ...] = ()
    #: Of the whole task: read from files, read from other tasks, written.
    input_bytes: int = 0
    shuffle_bytes: int = 0
    output_bytes: int = 0
    #: The trace's name for what is read; jobs with the same name read the same.
    input_path: str = ""


@dataclass(frozen=True)
class TraceJob:
    """A job that arrives at an instant of the trace's clock."""

    arrive_ns: int
    name: str
    tasks: tuple[TraceTask, ...]
    #: Rows of the file that it was made of.
    rows: int = 1

    @cached_property
    def instances(self) -> int:
        """Instances of all tasks."""
        return sum(task.instances for task in self.tasks)

    @cached_property
    def edges(self) -> int:
        """Pairs of a task and one that it waits for."""
        return sum(len(task.parents) for task in self.tasks)

    @cached_property
    def depth(self) -> int:
        """Tasks on the longest path. Raises ValueError for a cycle."""
        return max(depths(self.tasks), default=0)


def depths(tasks: tuple[TraceTask, ...]) -> list[int]:
    """How many tasks the longest path to each task has, itself included. Raises ValueError for a cycle."""
    found = [0] * len(tasks)
    waiting = [len(task.parents) for task in tasks]
    children: list[list[int]] = [[] for _ in tasks]
    for position, task in enumerate(tasks):
        for parent in task.parents:
            children[parent].append(position)
    ready = [position for position, count in enumerate(waiting) if not count]
    for position in ready:
        found[position] = 1 + max((found[parent] for parent in tasks[position].parents), default=0)
        for child in children[position]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    if len(ready) < len(tasks):
        raise ValueError("the tasks wait for each other in a circle")
    return found


def circle(tasks: tuple[TraceTask, ...]) -> list[str]:
    """The names along a circle of tasks that wait for each other, the first again at the end; empty without one."""
    state = [0] * len(tasks)
    for start in range(len(tasks)):
        path, turns = [start], [iter(tasks[start].parents)]
        while path:
            state[path[-1]] = 1
            for parent in turns[-1]:
                if state[parent] == 1:
                    round_trip = [*path[path.index(parent) :], parent]
                    return [tasks[position].name for position in reversed(round_trip)]
                if not state[parent]:
                    path.append(parent)
                    turns.append(iter(tasks[parent].parents))
                    break
            else:
                state[path.pop()] = 2
                turns.pop()
    return []
