"""TaskMaster: one task's instances and workers. Which instance a worker gets, how many workers are wanted, who is late.

Pure, and a child of the JobMaster, which tells it what happens and carries its wishes further.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from feitian_sim.fuxi.job.backup_instance import may_have_stragglers, stragglers
from feitian_sim.fuxi.job.blacklist import Blacklist
from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.instance_table import NONE, RUNNING, WAITING, InstanceTable
from feitian_sim.fuxi.job.plan import TaskPlan
from feitian_sim.fuxi.job.sizes import TaskSizes
from feitian_sim.fuxi.job.waiting import WaitingInstances


class Worker:
    """A worker as its JobMaster knows it."""

    __slots__ = ("attempt", "given_ns", "instance", "machine", "number", "ready", "task")

    def __init__(self, number: int, task: int, machine: int) -> None:
        self.number = number
        self.task = task
        self.machine = machine
        self.ready = False
        #: What it runs; :data:`NONE` while it has nothing.
        self.instance = NONE
        self.attempt = 0
        #: Since when it has that, or nothing.
        self.given_ns = 0


class TaskMaster:
    """One task of a job."""

    def __init__(
        self,
        number: int,
        plan: TaskPlan,
        sizes: TaskSizes,
        config: JobConfig,
        blacklist: Blacklist,
        racks: Sequence[int],
        first_attempt: int,
    ) -> None:
        self.number = number
        self.plan = plan
        self.sizes = sizes
        self._config = config
        self._blacklist = blacklist
        self.table = InstanceTable(sizes.instances, first_attempt)
        places = tuple(
            tuple(dict.fromkeys(machine for split in own for machine in split.machines)) for own in sizes.splits
        )
        self.waiting = WaitingInstances(places if any(places) else (), racks)
        #: Workers by number, and those among them that have nothing to do.
        self.workers: dict[int, Worker] = {}
        self.idle: dict[int, None] = {}
        #: Units asked for and not granted, and where they would best be.
        self.asked = 0
        self.preferred: dict[int, int] = {}
        #: Whether its instances may begin.
        self.ready = False
        self.was_started = False
        self.was_ended = False
        self._backup = config.backup.enabled if plan.backup is None else plan.backup
        #: Stragglers that want a backup, and the workers of those that have one.
        self.late: dict[int, None] = {}
        self.backups: dict[int, int] = {}
        # Machines that some instance that waits may not run on, though the task may.
        self._refused: dict[int, None] = {}
        self._avoid_told: tuple[int, ...] = ()
        #: Instances by how near their input was: on the machine, in the rack, elsewhere.
        self.near = {"machine": 0, "rack": 0, "any": 0}
        #: Workers that did not find its package.
        self.without_package = 0
        self.backups_begun = 0
        self.attempts_begun = 0

    @property
    def is_done(self) -> bool:
        """Whether every instance is committed."""
        return self.table.committed == self.table.count

    @property
    def leaves_local(self) -> bool:
        """Whether its output lies on its machines' own disks."""
        return not self.plan.output_path and bool(self.sizes.output_bytes.any())

    def fill(self) -> None:
        """Everything that has no result and no worker waits."""
        state, worker = self.table.state, self.table.worker
        self.waiting.add(i for i in range(self.table.count) if state[i] == WAITING and worker[i] == NONE)

    # Workers

    def needed(self) -> int:
        """How many workers it has use for."""
        running = self.table.running + len(self.backups)
        if not self.ready:
            return running
        wanted = running + self.table.waiting + len(self.late)
        return min(wanted, self.plan.workers) if self.plan.workers else wanted

    def granted(self, machine: int, count: int) -> None:
        """So many of what was asked for are granted."""
        # What was taken back may have crossed the grant of it; the link levels that in the same way.
        self.asked = max(0, self.asked - count)
        left = self.preferred.get(machine, 0) - count
        if left > 0:
            self.preferred[machine] = left
        else:
            self.preferred.pop(machine, None)

    def next_for(self, machine: int) -> tuple[int, bool] | None:
        """The instance that a worker on this machine should run, and whether as a backup."""
        if not self.ready or self._blacklist.avoids(self.number, machine):
            return None
        taken = self.waiting.take(machine, lambda instance: self._blacklist.may_run(self.number, instance, machine))
        if taken is not None:
            if self.waiting.has_places:
                self.near[taken[1]] += 1
            return taken[0], False
        for instance in self.late:
            if self.table.machine[instance] != machine and self._blacklist.may_run(self.number, instance, machine):
                del self.late[instance]
                return instance, True
        return None

    def begin(self, worker: Worker, instance: int, *, backup: bool, now_ns: int) -> int:
        """A worker has the instance from now on; returns the number of the attempt."""
        table = self.table
        attempt = int(table.begun[instance]) + 1
        table.begun[instance] = table.attempt[instance] = attempt
        self.attempts_begun += 1
        worker.instance, worker.attempt, worker.given_ns = instance, attempt, now_ns
        self.idle.pop(worker.number, None)
        if backup:
            self.backups[instance] = worker.number
            self.backups_begun += 1
        else:
            table.move(instance, RUNNING)
            table.worker[instance] = worker.number
            table.machine[instance] = worker.machine
            table.began_ns[instance] = now_ns
        return attempt

    def drop(self, worker: Worker) -> tuple[int, int] | None:
        """A worker is gone; what it had, if anything counts on it: instance and attempt."""
        del self.workers[worker.number]
        self.idle.pop(worker.number, None)
        had = (worker.instance, worker.attempt) if worker.instance != NONE else None
        if had is not None:
            self.leave(worker)
        return had

    def leave(self, worker: Worker) -> bool:
        """A worker has its instance no more; whether the instance waits again by that."""
        instance, worker.instance = worker.instance, NONE
        table = self.table
        if self.backups.get(instance) == worker.number:
            del self.backups[instance]
            return False
        if table.worker[instance] != worker.number:
            return False
        table.worker[instance] = NONE
        if table.state[instance] != RUNNING:
            return False
        backup = self.workers.get(self.backups.pop(instance, NONE))
        if backup is not None:
            table.worker[instance] = backup.number
            table.machine[instance] = backup.machine
            table.began_ns[instance] = backup.given_ns
            return False
        self.again(instance)
        return True

    def again(self, instance: int) -> None:
        """An instance must be run again."""
        self.late.pop(instance, None)
        self.table.move(instance, WAITING)
        self.table.machine[instance] = NONE
        self.waiting.put_back(instance)

    def others_at(self, instance: int) -> list[Worker]:
        """Workers that run the instance."""
        numbers = (int(self.table.worker[instance]), self.backups.get(instance, NONE))
        return [self.workers[number] for number in numbers if number in self.workers]

    # Wishes

    def turn_away(self) -> list[int]:
        """Avoid the machines of idle workers while nobody who waits may run there; returns the workers, to be stopped."""
        if not self.ready or not self.idle or not (len(self.waiting) or self.late):
            return []
        for number in self.idle:
            self._refused[self.workers[number].machine] = None
        return list(self.idle)

    def avoid_changed(self) -> tuple[int, ...] | None:
        """The machines to avoid, if they have changed since they were told."""
        # A machine that was of no use may be of use to who waits now.
        for machine in [one for one in self._refused if self._is_of_use(one)]:
            del self._refused[machine]
        avoid = tuple(sorted({**dict.fromkeys(self._blacklist.of(self.number)), **self._refused}))
        if avoid == self._avoid_told:
            return None
        self._avoid_told = avoid
        return avoid

    def _is_of_use(self, machine: int) -> bool:
        """Whether nobody waits, or one who waits may run there; a backup does not run where its original does."""
        if not len(self.waiting) and not self.late:
            return True
        others = (one for one in self.late if self.table.machine[one] != machine)
        return any(self._blacklist.may_run(self.number, one, machine) for one in chain(self.waiting, others))

    def look_for_stragglers(self, now_ns: int) -> bool:
        """Note who should have a backup instance; whether there is anybody new."""
        found = False
        if self._backup:
            for instance in stragglers(self.table, self._config.backup, self.plan.normal_runtime_ns, now_ns):
                if instance not in self.backups and instance not in self.late:
                    self.late[instance] = None
                    found = True
        return found

    @property
    def may_have_stragglers(self) -> bool:
        """Whether it is worth while to look for them."""
        return self._backup and self.ready and may_have_stragglers(self.table, self._config.backup)
