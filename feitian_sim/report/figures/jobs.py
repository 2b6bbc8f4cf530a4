"""What the figures about jobs read from facts: a job's tasks, edges and attempts, and which job is worth showing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from feitian_sim.kernel.metric import Tables
from feitian_sim.kernel.tables import Column

STARTED, ENDED, ATTEMPTS = "fuxi.task_started", "fuxi.task_ended", "fuxi.instance_ended"
#: A picture of one job with more attempts than this is a grey area; smaller jobs are preferred.
_READABLE = 5000


@dataclass(frozen=True, slots=True)
class ShownTask:
    """One task of a job as it ran; ``end_s`` is NaN for one that had not ended."""

    name: str
    instances: int
    after: tuple[str, ...]
    start_s: float
    end_s: float

    @property
    def took_s(self) -> float:
        """How long it took; 0 for one that had not ended."""
        took = self.end_s - self.start_s
        return took if took == took else 0.0


def tasks_of(run: Tables, job: str) -> dict[str, ShownTask]:
    """The tasks of a job that were started, by name, in the order of their start."""
    started, ended = _of_job(run, STARTED, job), _of_job(run, ENDED, job)
    ends = dict(zip(_texts(ended, "task"), ended["time_s"].tolist(), strict=True)) if ended else {}
    tasks: dict[str, ShownTask] = {}
    rows = (_texts(started, "task"), started["instances"].tolist(), _texts(started, "after"), started["time_s"].tolist())
    for name, instances, after, time_s in zip(*rows, strict=True):
        # Started again after a fail-over: the first start counts.
        if name not in tasks:
            others = tuple(other for other in after.split(",") if other)
            tasks[name] = ShownTask(name, int(instances), others, float(time_s), float(ends.get(name, np.nan)))
    return tasks


def attempts_of(run: Tables, job: str) -> dict[str, Column]:
    """Every attempt of the job's instances that ended."""
    return _of_job(run, ATTEMPTS, job)


def most_eventful_job(run: Tables) -> str | None:
    """The job with the most failed and backup attempts, then the most attempts, among those that can be read."""
    columns = run.columns(ATTEMPTS)
    if not columns:
        return None
    names, where, counts = np.unique(columns["job"].astype(str), return_inverse=True, return_counts=True)
    eventful = np.bincount(where, weights=~columns["ok"].astype(bool) | columns["backup"].astype(bool))
    readable = counts <= _READABLE
    order = np.lexsort((names, -counts, -eventful, ~readable))
    return str(names[order[0]])


def graph_of(tasks: Mapping[str, ShownTask]) -> nx.DiGraph[str]:
    """Edges from each task to those that come after it."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(tasks)
    graph.add_edges_from((other, task.name) for task in tasks.values() for other in task.after if other in tasks)
    return graph


def critical_path(after: Mapping[str, Sequence[str]], took_s: Mapping[str, float]) -> tuple[float, list[str]]:
    """The longest way through the tasks, each taking its time, and how long it is."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(after)
    graph.add_edges_from((other, name) for name, others in after.items() for other in others if other in after)
    until: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for name in nx.topological_sort(graph):
        last = max(graph.predecessors(name), key=lambda other: until[other], default=None)
        before[name] = last
        until[name] = took_s[name] + (until[last] if last is not None else 0.0)
    if not until:
        return 0.0, []
    path = [max(until, key=lambda other: until[other])]
    length_s = until[path[0]]
    while (earlier := before[path[-1]]) is not None:
        path.append(earlier)
    return length_s, path[::-1]


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that puts r2 before r10."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def _of_job(run: Tables, kind: str, job: str) -> dict[str, Column]:
    columns = run.columns(kind)
    if not columns:
        return {}
    chosen = columns["job"].astype(str) == job
    return {name: values[chosen] for name, values in columns.items()}


def _texts(columns: Mapping[str, Column], name: str) -> list[str]:
    return [str(value) for value in columns[name].tolist()] if columns else []
