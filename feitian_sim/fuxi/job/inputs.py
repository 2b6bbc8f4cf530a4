"""A job's input files as splits (F8): which part of which file, and the machines that have it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from feitian_sim.fuxi.job.plan import JobPlan, TaskPlan
from feitian_sim.fuxi.job.split import Split, first_bytes
from feitian_sim.kernel import SimulatedError
from feitian_sim.pangu.client import PanguClient
from feitian_sim.pangu.messages import Located


class NoSuchInput(SimulatedError):
    """A job names a file that Pangu does not have."""


Steps = Generator[Any, Any, Any]


def splits_of(plan: JobPlan, client: PanguClient | None) -> Generator[Any, Any, list[list[Split]]]:
    """The splits of each task of a job. Raises :class:`NoSuchInput`, and what Pangu does."""
    splits: list[list[Split]] = []
    for task in plan.tasks:
        own: list[Split] = []
        if task.files:
            if client is None:
                raise NoSuchInput(f"task {task.name} reads {task.files[0]}, and this cell has no Pangu")
            for pattern in task.files:
                own += yield from _splits(task, pattern, client)
            if task.input_bytes:
                own = list(first_bytes(own, task.input_bytes))
        splits.append(own)
    return splits


def _splits(task: TaskPlan, pattern: str, client: PanguClient) -> Generator[Any, Any, list[Split]]:
    paths = [pattern]
    if "*" in pattern or "?" in pattern:
        folder, _, wanted = pattern.rpartition("/")
        names = yield from client.list(f"{folder}/")
        paths = [f"{folder}/{name}" for name in names if not name.endswith("/") and fnmatchcase(name, wanted)]
    found: list[Split] = []
    for path in paths:
        located: Located = yield from client.locate(path)
        found += cut(path, located, task.split_bytes)
    if not found:
        raise NoSuchInput(f"task {task.name} reads {pattern}, and there is nothing of that name in Pangu")
    return found


def cut(path: str, located: Located, split_bytes: int) -> list[Split]:
    """A file's chunks, each a split, or as many together (or such parts of them) as make ``split_bytes``."""
    found: list[Split] = []
    offset = 0
    chunks: list[tuple[int, int, tuple[int, ...]]] = []
    for place in located.places:
        chunks.append((offset, place.length_bytes, place.servers))
        offset += place.length_bytes
    if not split_bytes:
        return [Split(path, *chunk) for chunk in chunks if chunk[1]]
    at = 0
    for start in range(0, offset, split_bytes):
        length = min(split_bytes, offset - start)
        while at + 1 < len(chunks) and chunks[at + 1][0] <= start:
            at += 1
        found.append(Split(path, start, length, _best(chunks, at, start, start + length)))
    return found


def _best(chunks: Sequence[tuple[int, int, tuple[int, ...]]], first: int, start: int, end: int) -> tuple[int, ...]:
    """The machines that have most of a run of bytes: those of one chunk when it lies in one."""
    there: dict[int, int] = {}
    for begin, length, machines in chunks[first:]:
        if begin >= end:
            break
        share = min(end, begin + length) - max(start, begin)
        for machine in machines:
            there[machine] = there.get(machine, 0) + share
    most = max(there.values(), default=0)
    return tuple(machine for machine, share in there.items() if share == most)
