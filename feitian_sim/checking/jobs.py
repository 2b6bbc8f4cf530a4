"""What must hold of Fuxi's jobs: order, one commit, restarts that repeat nothing, ends (FX4-6, 10j, 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.invariant import Hears, Invariant, When
from feitian_sim.checking.liveness import Recoverable

#: What runs jobs; services have none.
JOBS = ("fuxi-jobs", "fuxi-trace")
#: Number of a task, number of an instance.
Instance = tuple[int, int]


class JobSeen:
    """What facts have told of one job."""

    def __init__(self) -> None:
        #: The latest life of its JobMaster that has begun.
        self.life = 0
        self.numbers: dict[str, int] = {}
        self.instances: dict[int, int] = {}
        #: Tasks that must be done before one may begin.
        self.after: dict[int, tuple[int, ...]] = {}
        #: What is durable and counts, task by task.
        self.committed: dict[int, dict[int, None]] = {}
        #: What a life that comes up does not know of yet.
        self.missing: dict[Instance, None] = {}

    def is_committed(self, task: int, instance: int) -> bool:
        """Whether it is."""
        return instance in self.committed.get(task, ())

    def first_open(self, task: int) -> int | None:
        """A task that must be done before this one, and is not."""
        for before in self.after.get(task, ()):
            if len(self.committed.get(before, ())) < self.instances[before]:
                return before
        return None


class CommittedOnce(Invariant):
    """FX5: backup, original and retry together leave one result that counts."""

    id = "FX5"
    needs = JOBS
    is_built_on = True
    claim = "an instance is committed once, by the JobMaster in office, and a job that is done has all of them"

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, JobSeen] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Plans, and what is durable."""
        return {
            "fuxi.task_planned": self._planned,
            "fuxi.instance_restored": self._restored,
            "fuxi.instance_committed": self._committed,
            "fuxi.output_lost": self._lost,
            "fuxi.job_ended": self._over,
        }

    def _planned(self, now_ns: int, fact: Any) -> None:
        job = self.jobs.setdefault(fact.app, JobSeen())
        if fact.life > job.life:
            job.life = fact.life
            job.missing = {(task, one): None for task, done in job.committed.items() for one in done}
        job.numbers[fact.task] = fact.number
        job.instances[fact.number] = fact.instances
        job.after[fact.number] = tuple(map(int, fact.after.split(","))) if fact.after else ()

    def _restored(self, now_ns: int, fact: Any) -> None:
        job = self.jobs[fact.app]
        if fact.life == job.life:
            job.missing.pop((fact.task, fact.instance), None)
            job.committed.setdefault(fact.task, {})[fact.instance] = None

    def _committed(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        job = self.jobs[fact.app]
        task = job.numbers[fact.task]
        was = job.is_committed(task, fact.instance)
        text = f"instance {fact.instance} of {fact.app}/{fact.task} was committed as attempt {fact.attempt}"
        if fact.life < job.life:
            # What was durable before its successor came is in what that has read, and may be told late.
            if not was:
                self.broken(now_ns, f"{text} by life {fact.life} of its master, after life {job.life} had taken over")
            return
        if was:
            self.broken(now_ns, f"{text}, and it had been committed before")
        job.committed.setdefault(task, {})[fact.instance] = None

    def _lost(self, now_ns: int, fact: Any) -> None:
        job = self.jobs[fact.app]
        if fact.life == job.life:
            task = job.numbers[fact.task]
            job.committed.get(task, {}).pop(fact.instance, None)
            job.missing.pop((task, fact.instance), None)

    def _over(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        job = self.jobs.get(fact.job)
        if not fact.ok or job is None or fact.attempt < job.life:
            return
        for task, count in job.instances.items():
            done = len(job.committed.get(task, ()))
            if done != count:
                self.broken(now_ns, f"{fact.job} ended well with {done} of {count} instances of task {task} committed")


class InputsFirst(Invariant):
    """FX4."""

    id = "FX4"
    needs = JOBS
    claim = "no instance is given to a worker before all that its task comes after is committed"

    def __init__(self, seen: CommittedOnce) -> None:
        super().__init__()
        self._seen = seen

    def hears(self) -> Mapping[str, Hears]:
        """What workers are given."""
        return {"fuxi.instance_ordered": self._ordered}

    def _ordered(self, now_ns: int, fact: Any) -> None:
        job = self._seen.jobs[fact.app]
        if fact.life < job.life or not job.after[fact.task]:
            return
        self.evaluated += 1
        before = job.first_open(fact.task)
        if before is not None:
            text = f"instance {fact.instance} of {fact.app}, task {fact.task}, was given to a worker on {fact.machine}"
            self.broken(now_ns, f"{text} before task {before} was committed")


class DoneStaysDone(Invariant):
    """FX6: whatever master dies."""

    id = "FX6"
    needs = JOBS
    claim = "what is committed is not run again unless its output is lost, nor forgotten by a later JobMaster"

    def __init__(self, seen: CommittedOnce) -> None:
        super().__init__()
        self._seen = seen
        self._given: dict[tuple[str, int, int, int], tuple[str, int]] = {}
        self._begun: dict[tuple[str, str], None] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What workers are given and begin; a JobMaster that has taken over."""
        return {
            "fuxi.instance_ordered": self._ordered,
            "fuxi.work_begun": self._work,
            "fuxi.job_started": self._started,
            "fuxi.app_ended": self._over,
        }

    def _ordered(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        job = self._seen.jobs[fact.app]
        text = f"instance {fact.instance} of {fact.app}, task {fact.task}, attempt {fact.attempt}"
        if fact.life == job.life and job.is_committed(fact.task, fact.instance):
            self.broken(now_ns, f"{text}, is committed, and was given to a worker on {fact.machine}")
        key = (fact.app, fact.task, fact.instance, fact.attempt)
        if key in self._given:
            self.broken(now_ns, f"{text}, was given to two workers: {self._given[key]} and on {fact.machine}")
        self._given[key] = (fact.machine, fact.worker)

    def _work(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if (fact.app, fact.piece) in self._begun:
            self.broken(now_ns, f"{fact.piece} of {fact.app} was begun twice, now on {fact.machine}")
        self._begun[fact.app, fact.piece] = None

    def _started(self, now_ns: int, fact: Any) -> None:
        job = self._seen.jobs.get(fact.job)
        if job is None or fact.attempt != job.life or fact.attempt == 1:
            return
        self.evaluated += 1
        for task, instance in job.missing:
            self.broken(now_ns, f"life {job.life} of {fact.job} has forgotten instance {instance} of task {task}")

    def _over(self, now_ns: int, fact: Any) -> None:
        self._given = {key: worker for key, worker in self._given.items() if key[0] != fact.app}
        self._begun = {key: None for key in self._begun if key[0] != fact.app}


class BadMachinesAreAvoided(Invariant):
    """FX10, a job's half; its next life begins with a clean slate."""

    id = "FX10j"
    needs = JOBS
    claim = "a job gives no instance to a machine that it has put on its blacklist"

    def __init__(self) -> None:
        super().__init__()
        self._avoids: dict[str, dict[str, None]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Blacklists, lives, and what workers are given."""
        return {
            "fuxi.job_bad_machine": self._bad,
            "fuxi.task_planned": self._anew,
            "fuxi.instance_ordered": self._ordered,
        }

    def _bad(self, now_ns: int, fact: Any) -> None:
        self._avoids.setdefault(fact.job, {})[fact.machine] = None

    def _anew(self, now_ns: int, fact: Any) -> None:
        self._avoids.pop(fact.app, None)

    def _ordered(self, now_ns: int, fact: Any) -> None:
        avoided = self._avoids.get(fact.app)
        if avoided:
            self.evaluated += 1
            if fact.machine in avoided:
                text = f"instance {fact.instance} of {fact.app}, task {fact.task}"
                self.broken(now_ns, f"{text}, was given to a worker on {fact.machine}, which the job avoids")


class JobsEnd(Invariant):
    """FX11: by the account of who submitted them."""

    id = "FX11"
    needs = JOBS
    claim = "with a healthy core every job that was submitted ends, and none is forgotten"
    when: ClassVar[When] = "liveness"

    def __init__(self, config: CheckConfig, recoverable: Recoverable) -> None:
        super().__init__()
        assert config.liveness is not None
        self._recoverable = recoverable
        self._due_ns = config.liveness.after + config.converge

    def hears(self) -> Mapping[str, Hears]:
        """The accounts at the end."""
        return {"fuxi.load_account": self._account}

    def _account(self, now_ns: int, fact: Any) -> None:
        if now_ns < self._due_ns or self._recoverable.why_not():
            return
        self.evaluated += 1
        for what in ("asking", "running", "lost"):
            count = getattr(fact, what)
            if count:
                self.broken(now_ns, f"of {fact.begun} jobs of load {fact.load} {count} are {what} still")


def job_invariants() -> list[Invariant]:
    """All that hold always."""
    seen = CommittedOnce()
    return [seen, InputsFirst(seen), DoneStaysDone(seen), BadMachinesAreAvoided()]
