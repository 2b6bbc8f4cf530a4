"""What is in a job's snapshot, what is on its way there, and what must follow (F10).

All that ended while one snapshot was being written goes into the next together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from feitian_sim.fuxi.job.instance_table import COMMITTED, ENDED
from feitian_sim.fuxi.job.output_needs import OutputNeeds
from feitian_sim.fuxi.job.snapshot import Snapshot, TaskRecord
from feitian_sim.fuxi.job.task_master import TaskMaster

#: Task, instance, machine, attempt, worker.
_Entry = tuple[int, int, int, int, int]


class Commits:
    """The way of results into the snapshot. ``needs``: whose output on local disks may still be needed."""

    def __init__(self, tasks: Sequence[TaskMaster], attempt: int, needs: OutputNeeds) -> None:
        self._tasks = tasks
        self._attempt = attempt
        self._needs = needs
        self._number = 0
        # By task and instance, the worker that has the result.
        self._ended: dict[tuple[int, int], int] = {}
        self._under_way: list[_Entry] = []
        #: Counts what was committed or lost, so that who remembers what was true knows that it is not any more.
        self.changes = 0
        #: Whether what is durable is not what is known.
        self.dirty = False

    def ended(self, task: int, instance: int, worker: int) -> None:
        """An instance has a result that counts."""
        self._ended[task, instance] = worker
        self.dirty = True

    def lost(self) -> None:
        """What is durable says more than is true."""
        self.changes += 1
        self.dirty = True

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for the next snapshot: a task has all its results, and not all are committed."""
        return any(task.table.done == task.table.count and not task.is_done for task in self._tasks)

    def begin(self) -> Snapshot:
        """The snapshot to write now."""
        self._number += 1
        self.dirty = False
        ended, self._ended = self._ended, {}
        self._under_way = []
        for (number, instance), worker in ended.items():
            table = self._tasks[number].table
            if table.state[instance] == ENDED:
                entry = (number, instance, int(table.machine[instance]), int(table.attempt[instance]), worker)
                self._under_way.append(entry)
        return Snapshot(
            self._attempt,
            self._number,
            tuple(self._record(task, place) for task, place in zip(self._tasks, self._needs.ever(), strict=True)),
        )

    @staticmethod
    def _record(task: TaskMaster, is_needed: bool) -> TaskRecord:
        table = task.table
        has_place = task.leaves_local and is_needed
        return TaskRecord(
            table.state >= ENDED,
            table.machine.astype(np.int64) if has_place else None,
            table.attempt.astype(np.int64) if task.plan.output_path else None,
        )

    def saved(self) -> list[_Entry]:
        """It is durable: what was in it is committed, unless it has been lost meanwhile."""
        under_way, self._under_way = self._under_way, []
        committed: list[_Entry] = []
        for entry in under_way:
            number, instance, machine, attempt, _ = entry
            table = self._tasks[number].table
            if table.state[instance] != ENDED or (table.machine[instance], table.attempt[instance]) != (machine, attempt):
                continue
            table.move(instance, COMMITTED)
            self.changes += 1
            committed.append(entry)
        return committed

    def restore(self, snapshot: Snapshot) -> None:
        """Begin with what an earlier life has made durable."""
        self._number = snapshot.number
        for task, record in zip(self._tasks, snapshot.tasks, strict=True):
            table = task.table
            done = np.flatnonzero(record.done)
            table.state[done] = COMMITTED
            table.by_state = np.bincount(table.state, minlength=4).tolist()
            if record.machines is not None:
                table.machine[done] = record.machines[done]
            if record.attempts is not None:
                table.attempt[done] = record.attempts[done]
            task.was_started = task.was_started or bool(len(done))
            task.was_ended = task.is_done
