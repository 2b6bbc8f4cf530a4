"""A job's durable record (F10), as the bytes of one file in Nuwa: which instances are done, and where their outputs are.

Each task is a bitmap of its instances; a task whose output lies on local disks also has the machine of each that is
done, and one that writes to Pangu the attempt whose file counts. Everything else a JobMaster works out again or is told
by workers. The file is put under the version that was read, and the attempt of the JobMaster stands in it, so of two
lives of one JobMaster only the later can write.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

#: Largest file of Nuwa (N3).
LARGEST_BYTES = 1_000_000
_HEAD = struct.Struct("<IIH")
_TASK = struct.Struct("<IB")
_MACHINES, _ATTEMPTS, _ALL = 1, 2, 4


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """What is known of one task for good."""

    done: Bits
    #: By instance; counts only where it is done. None: it need not be known.
    machines: Ints | None = None
    attempts: Ints | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of a job for good. ``attempt``: of the JobMaster that wrote it; ``number``: of its writes."""

    attempt: int
    number: int
    tasks: tuple[TaskRecord, ...]

    def encoded(self) -> bytes:
        """As bytes."""
        parts = [_HEAD.pack(self.attempt, self.number, len(self.tasks))]
        for task in self.tasks:
            whole = bool(task.done.all())
            flags = _ALL if whole else 0
            flags |= _MACHINES if task.machines is not None else 0
            flags |= _ATTEMPTS if task.attempts is not None else 0
            parts.append(_TASK.pack(len(task.done), flags))
            if not whole:
                parts.append(np.packbits(task.done, bitorder="little").tobytes())
            if task.machines is not None:
                parts.append(task.machines[task.done].astype("<u4").tobytes())
            if task.attempts is not None:
                parts.append(task.attempts[task.done].astype("<u4").tobytes())
        return b"".join(parts)


def decoded(data: bytes) -> Snapshot:
    """The snapshot of these bytes."""
    attempt, number, tasks = _HEAD.unpack_from(data)
    at = _HEAD.size
    records: list[TaskRecord] = []
    for _ in range(tasks):
        count, flags = _TASK.unpack_from(data, at)
        at += _TASK.size
        done: Bits = np.ones(count, dtype=np.bool_)
        if not flags & _ALL:
            size = -(-count // 8)
            bits = np.frombuffer(data, dtype=np.uint8, count=size, offset=at)
            done = np.unpackbits(bits, count=count, bitorder="little").astype(np.bool_)
            at += size
        columns: list[Ints | None] = []
        for flag in (_MACHINES, _ATTEMPTS):
            column = None
            if flags & flag:
                column = np.zeros(count, dtype=np.int64)
                column[done] = np.frombuffer(data, dtype="<u4", count=int(done.sum()), offset=at)
                at += 4 * int(done.sum())
            columns.append(column)
        records.append(TaskRecord(done, *columns))
    return Snapshot(attempt, number, tuple(records))


def largest_bytes(tasks: Sequence[tuple[int, int]]) -> int:
    """At most so many bytes for a job whose tasks have so many instances, each with so many numbers beside its bit."""
    return _HEAD.size + sum(_TASK.size + -(-count // 8) + 4 * numbers * count for count, numbers in tasks)


def too_large(tasks: Sequence[tuple[int, int]]) -> str:
    """Why the snapshot of such a job does not fit into a file of Nuwa; empty when it does."""
    size = largest_bytes(tasks)
    if size <= LARGEST_BYTES:
        return ""
    instances = sum(count for count, _ in tasks)
    return (
        f"a snapshot of its {instances:,} instances may take {size:,} bytes, and a file of Nuwa holds {LARGEST_BYTES:,}"
    )
