"""Whose output on local disks somebody needs, or may need again: what is lost beyond that is no loss."""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.fuxi.job.task_master import TaskMaster


class OutputNeeds:
    """Who reads what of a job's tasks, which stand in an order in which each comes after all that it reads."""

    def __init__(self, tasks: Sequence[TaskMaster]) -> None:
        self._tasks = tasks
        self._readers: list[list[TaskMaster]] = [[] for _ in tasks]
        for task in tasks:
            for edge in task.plan.edges:
                if edge.pattern != "none":
                    self._readers[edge.source].append(task)

    def now(self, number: int) -> bool:
        """Whether somebody still has to read what a task left."""
        return any(task.table.done < task.table.count for task in self._readers[number])

    def ever(self) -> list[bool]:
        """Of each task, the same, also should what its readers left be lost before theirs have read it."""
        may = [False] * len(self._tasks)
        for number in range(len(self._tasks) - 1, -1, -1):
            may[number] = any(
                task.table.done < task.table.count or (task.leaves_local and may[task.number])
                for task in self._readers[number]
            )
        return may
