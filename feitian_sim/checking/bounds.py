"""Lower bounds of every schedule, whoever made it: a job's critical path, and work over capacity (FX13, FX14).

Graham's two bounds on list schedules (SIAM J. Appl. Math. 17, 1969). An instance takes at least as long as was drawn for
it, since no machine is faster than a healthy one; starts, reads and writes come on top. So nothing is tolerated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from feitian_sim.checking.invariant import Hears, Invariant
from feitian_sim.checking.jobs import JOBS
from feitian_sim.checking.resources import vector_of


def _numbers(text: str) -> tuple[int, ...]:
    """Numbers of tasks as facts have them."""
    return tuple(map(int, text.split(","))) if text else ()


class TaskTimes:
    """One task of a job: what it waits for, what an instance holds, and how long each computes."""

    def __init__(self, vector: tuple[int, ...], after: tuple[int, ...], along: tuple[int, ...]) -> None:
        self.vector = vector
        #: Tasks all of whose instances are done before one of this begins, and before the last of this ends.
        self.after = after
        self.along = along
        self.times_ns: dict[int, int] = {}


class JobTimes:
    """One job, since its JobMaster knew it first."""

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.tasks: dict[int, TaskTimes] = {}
        self.numbers: dict[str, int] = {}
        self._ends_ns: dict[int, int] = {}

    def begins_ns(self, task: int) -> int:
        """How long after the job an instance of a task can begin to compute, at best."""
        return max(map(self.ends_ns, self.tasks[task].after), default=0)

    def ends_ns(self, task: int) -> int:
        """How long after the job a task can be done, at best."""
        known = self._ends_ns.get(task)
        if known is None:
            of = self.tasks[task]
            own_ns = self.begins_ns(task) + max(of.times_ns.values(), default=0)
            known = self._ends_ns[task] = max(own_ns, *map(self.ends_ns, of.along), 0)
        return known

    @property
    def critical_ns(self) -> int:
        """The longest chain."""
        return max(map(self.ends_ns, self.tasks), default=0)

    def work(self) -> tuple[int, ...]:
        """What all instances hold, times how long they compute, in each dimension."""
        parts = [[amount * sum(one.times_ns.values()) for amount in one.vector] for one in self.tasks.values()]
        return tuple(map(sum, zip(*parts, strict=True)))


class NoFasterThanItsChain(Invariant):
    """FX13: what a task waits for is over before it begins, what it reads as a stream before it is over itself."""

    id = "FX13"
    needs = JOBS
    is_built_on = True
    claim = "no instance is done, nor a job, sooner than the longest chain of tasks up to it takes to compute"

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, JobTimes] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What was drawn, and what is done."""
        return {
            "fuxi.task_planned": self._planned,
            "fuxi.instance_drawn": self._drawn,
            "fuxi.instance_committed": self._committed,
            "fuxi.job_ended": self._over,
            "fuxi.app_ended": self._forgotten,
        }

    def _planned(self, now_ns: int, fact: Any) -> None:
        job = self.jobs.setdefault(fact.app, JobTimes(now_ns))
        if fact.number not in job.tasks:
            job.numbers[fact.task] = fact.number
            job.tasks[fact.number] = TaskTimes(vector_of(fact.vector), _numbers(fact.after), _numbers(fact.along))

    def _drawn(self, now_ns: int, fact: Any) -> None:
        times_ns = self.jobs[fact.app].tasks[fact.task].times_ns
        before_ns = times_ns.setdefault(fact.instance, fact.compute_ns)
        if before_ns != fact.compute_ns:
            text = f"instance {fact.instance} of {fact.app}, task {fact.task}, takes {fact.compute_ns} ns"
            self.broken(now_ns, f"{text} for life {fact.life} of its master, and took {before_ns} ns for an earlier one")

    def _committed(self, now_ns: int, fact: Any) -> None:
        job = self.jobs.get(fact.app)
        if job is None:
            return
        self.evaluated += 1
        task = job.numbers[fact.task]
        least_ns = job.begins_ns(task) + job.tasks[task].times_ns[fact.instance]
        text = f"instance {fact.instance} of {fact.app}/{fact.task} was done"
        self._judge(now_ns, text, now_ns - job.since_ns, least_ns)

    def _over(self, now_ns: int, fact: Any) -> None:
        job = self.jobs.get(fact.job)
        if job is not None and fact.ok:
            self.evaluated += 1
            self._judge(now_ns, f"{fact.job} was done", now_ns - job.since_ns, job.critical_ns)

    def _judge(self, now_ns: int, what: str, took_ns: int, least_ns: int) -> None:
        if took_ns < least_ns:
            took, least = f"{took_ns / 1e9:.6f} s", f"{least_ns / 1e9:.6f} s"
            self.broken(now_ns, f"{what} {took} after its job began, and its chain takes {least}")

    def _forgotten(self, now_ns: int, fact: Any) -> None:
        self.jobs.pop(fact.app, None)


class NoFasterThanTheMachines(Invariant):
    """FX14: for each job that ends, of the jobs that began since any one of them did and have ended."""

    id = "FX14"
    needs = JOBS
    claim = "no set of jobs is done sooner than all that their instances hold and compute takes on all machines together"

    def __init__(self, chains: NoFasterThanItsChain) -> None:
        super().__init__()
        self._chains = chains
        self._capacity: dict[str, tuple[int, ...]] = {}
        self._open: dict[str, None] = {}
        # Jobs whose master has said that they are over, until the FuxiMaster has noted it: a later life may say it again.
        self._over_already: dict[str, None] = {}
        # Jobs that have ended since the cell was last without any: when each began, and its work.
        self._ended: list[tuple[int, tuple[int, ...]]] = []

    def hears(self) -> Mapping[str, Hears]:
        """Machines, and jobs that begin and end."""
        return {
            "fuxi.machine_offered": self._offered,
            "fuxi.task_planned": self._begun,
            "fuxi.job_ended": self._over,
            "fuxi.app_ended": self._closed,
        }

    def _offered(self, now_ns: int, fact: Any) -> None:
        self._capacity[fact.machine] = vector_of(fact.vector)

    def _begun(self, now_ns: int, fact: Any) -> None:
        if fact.app in self._over_already:
            return
        if not self._open:
            # A set with a pause in it is two sets, each of which is judged.
            self._ended.clear()
        self._open[fact.app] = None

    def _closed(self, now_ns: int, fact: Any) -> None:
        self._open.pop(fact.app, None)
        self._over_already.pop(fact.app, None)

    def _over(self, now_ns: int, fact: Any) -> None:
        job = self._chains.jobs.get(fact.job)
        if job is None or not fact.ok or fact.job not in self._open:
            return
        del self._open[fact.job]
        self._over_already[fact.job] = None
        self._ended.append((job.since_ns, job.work()))
        self.evaluated += 1
        self._judge(now_ns, sorted(self._ended, reverse=True))

    def _judge(self, now_ns: int, latest_first: Iterable[tuple[int, tuple[int, ...]]]) -> None:
        capacity = [sum(amounts) for amounts in zip(*self._capacity.values(), strict=True)]
        together = [0] * len(capacity)
        for count, (since_ns, work) in enumerate(latest_first, 1):
            together = [before + more for before, more in zip(together, work, strict=True)]
            took_ns = now_ns - since_ns
            for place, (all_work, most) in enumerate(zip(together, capacity, strict=True)):
                if all_work > most * took_ns:
                    text = f"{count} jobs were done within {took_ns / 1e9:.6f} s"
                    least = f"{all_work / most / 1e9:.6f} s" if most else "for ever"
                    self.broken(now_ns, f"{text}, and what they do takes {least} on all machines, in dimension {place}")


def bound_invariants() -> list[Invariant]:
    """Both."""
    chains = NoFasterThanItsChain()
    return [chains, NoFasterThanTheMachines(chains)]
