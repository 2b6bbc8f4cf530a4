"""Loads of jobs: each job is submitted by a process of its user's, which then waits for its end.

Every job is accounted for: refused, finished, failed, or still running; a job that was kept must be known to whichever
FuxiMaster serves at the end, whatever masters died in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from feitian_sim.fuxi.job.description import JobDescription
from feitian_sim.fuxi.job.plan import JobPlan, plan_of
from feitian_sim.fuxi.messages import Status, Submitted
from feitian_sim.fuxi.resources import MEMORY
from feitian_sim.kernel import SECOND, ScenarioError, Simulation
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.fuxi_config import FuxiJobsLoad, FuxiTraceLoad
from feitian_sim.workloads.fuxi_facts import JobRefused, LoadAccount, TraceDropped, TraceNoted, TraceRead
from feitian_sim.workloads.job_taker import JobClient, JobTaker
from feitian_sim.workloads.job_templates import JobChoice, JobFile, PaperJob, SortJob
from feitian_sim.workloads.own_jobs import OwnJob
from feitian_sim.workloads.pace import Ended, Pace
from feitian_sim.workloads.trace_inputs import Inputs, inputs_of
from feitian_sim.workloads.trace_plans import MachineSize, TraceArrival, arrivals_of
from feitian_sim.workloads.traces import Selection, TraceAccount, read_jobs

#: A user's processes that submit jobs, on machines of their own as far as there are.
_SUBMITTERS = 16
#: Bytes of a submitted description: its head, and each task.
_HEAD_BYTES, _TASK_BYTES = 1024, 256
#: A refusal comes at once: who keeps jobs running waits so long before the next, lest refusals stop the clock.
_BREATH_NS = SECOND


class Submissions:
    """The jobs of one load at Fuxi, and what has become of each."""

    def __init__(self, context: LoadContext, name: str) -> None:
        self._sim: Simulation = context.sim
        self._name = name
        self.cell: JobTaker = context.needed_fuxi(name)
        self._machines = context.datacenter.client_machines or context.datacenter.machines
        self._clients: dict[str, list[JobClient]] = {}
        self._count = 0
        self.refused = 0
        self.finished = 0
        self.failed = 0
        #: Jobs that the FuxiMaster has promised to run and whose end nobody has told of yet.
        self._kept: dict[str, None] = {}
        self._sim.final_probes.append(self._tell)

    def submit(self, plan: JobPlan, group: str, ended: Ended) -> None:
        """Have a job run in a quota group (empty: the user's); ``ended(ok)`` when it is over, or refused."""
        client = self._client(plan.user)
        self._count += 1
        size_bytes = _HEAD_BYTES + _TASK_BYTES * len(plan.tasks)
        taken = partial(self._taken, client, plan.name, ended)
        client.submit(plan.name, "job", plan, taken, group=group, size_bytes=size_bytes)

    def _client(self, user: str) -> JobClient:
        clients = self._clients.get(user)
        if clients is None:
            places = self._machines[: min(_SUBMITTERS, len(self._machines))]
            clients = self._clients[user] = [self.cell.client(machine, user) for machine in places]
        return clients[self._count % len(clients)]

    def _taken(self, client: JobClient, app: str, ended: Ended, answer: object) -> None:
        if not isinstance(answer, Submitted):
            self.refused += 1
            self._sim.emit(JobRefused(self._name, app, str(answer)))
            self._sim.call_later(_BREATH_NS, ended, False)
            return
        self._kept[app] = None
        client.end_of(app, partial(self._ended, app, ended))

    def _ended(self, app: str, ended: Ended, status: object) -> None:
        del self._kept[app]
        ok = isinstance(status, Status) and status.state == "finished"
        if ok:
            self.finished += 1
        else:
            self.failed += 1
        ended(ok)

    # The account

    @property
    def _asking(self) -> int:
        return self._count - self.refused - self.finished - self.failed - len(self._kept)

    def _lost(self) -> list[str]:
        known = self.cell.known_apps()
        return [app for app in self._kept if app not in known] if known is not None else []

    def _tell(self) -> None:
        self._sim.emit(
            LoadAccount(
                self._name,
                self._count,
                self._asking,
                self.refused,
                self.finished,
                self.failed,
                len(self._kept),
                len(self._lost()),
            )
        )

    def check(self) -> list[str]:
        """What does not add up."""
        problems = []
        if self._asking < 0:
            problems.append(f"load {self._name}: more jobs were answered than {self._count} that were begun")
        if lost := self._lost():
            problems.append(f"load {self._name}: the FuxiMaster has lost {len(lost)} jobs that it kept: {lost[0]}")
        return problems


class FuxiJobs:
    """A load of jobs that are made here."""

    def __init__(self, config: FuxiJobsLoad, name: str) -> None:
        self.config = config
        self.name = name

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        config = self.config
        self._sim = context.sim
        self._submissions = Submissions(context, self.name)
        cell = self._submissions.cell
        self._own = context.own
        self._makers = [self._maker(choice, context) for choice in config.jobs]
        capacities = [cell.capacity_of(machine) for machine in context.datacenter.machines]
        self._largest = list(dict.fromkeys(capacities))
        self._dimensions = cell.config.resources.dimensions
        self._choice = context.stream(self.name, "jobs", "choice")
        total = sum(choice.weight for choice in config.jobs)
        self._bounds = [sum(one.weight for one in config.jobs[: place + 1]) / total for place in range(len(config.jobs))]
        self._number = 0
        # Once now, so that a job that cannot run here is refused before anything runs.
        for maker in self._makers:
            self._plan(maker(0, "check"))
        self._pace = Pace.of(context, self.name, self._begin, config)

    def _maker(self, choice: JobChoice, context: LoadContext) -> Callable[[int, str], JobDescription]:
        """Makes the job of a number, with draws for that purpose."""
        job = choice.job
        if isinstance(job, PaperJob | SortJob):
            base = job.name or job.kind
            return lambda number, purpose: job.job(
                self._named(base, number), context.stream(self.name, f"job-{number}", purpose)
            )
        if isinstance(job, OwnJob):
            return lambda number, purpose: self._own_job(job, number, context, purpose)
        if isinstance(job, JobFile):
            described = job.read(context.data_file(job.file))
            base = job.name or described.name
        else:
            described = job if isinstance(job, JobDescription) else job.job()
            base = described.name
        return lambda number, purpose: described.model_copy(update={"name": self._named(base, number)})

    def _own_job(self, job: OwnJob, number: int, context: LoadContext, purpose: str) -> JobDescription:
        described = job.job(self._own.get(job.key), number, context.stream(self.name, f"job-{number}", purpose))
        return described.model_copy(update={"name": self._named(described.name, number)})

    def _named(self, base: str, number: int) -> str:
        return f"{self.name}.{base}-{number}"

    def _plan(self, job: JobDescription) -> JobPlan:
        return plan_of(job, self._dimensions, self._largest, programs=self._own)

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        self._sim.call_at(self.config.start, self._pace.start)

    def _begin(self, worker: int, ended: Ended) -> None:
        number = self._number
        self._number += 1
        if self.config.order == "in-turn":
            place = number % len(self._makers)
        else:
            draw = self._choice.uniform()
            place = next((at for at, bound in enumerate(self._bounds) if draw < bound), len(self._bounds) - 1)
        job = self._makers[place](number, "time")
        self._submissions.submit(self._plan(job), job.group, ended)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        return self._pace.check() + self._submissions.check()


class FuxiTrace:
    """A load that replays a trace."""

    def __init__(self, config: FuxiTraceLoad, name: str) -> None:
        self.config = config
        self.name = name

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        config = self.config
        self._sim = context.sim
        self._submissions = Submissions(context, self.name)
        paths = [context.data_file(name) for name in config.file]
        window = Selection(config.window.start, config.window.length, config.sample, config.limit)
        reading = read_jobs(config.format, paths, window, keep_going=config.on_bad_row == "drop")
        self._account = reading.account
        size, inputs = self._size(context), self._inputs(context)
        self._arrivals = arrivals_of(reading.jobs, config, size, self._account, f"{self.name}.", inputs)
        if not self._arrivals:
            raise ScenarioError(f"load {self.name}: no machine has what any job of {', '.join(config.file)} asks for")
        self._jobs = iter(self._arrivals)
        self._pace = self._own_pace(context)

    def _inputs(self, context: LoadContext) -> Inputs | None:
        """Where the bytes are that jobs read: in the dataset, if there is one, and nobody says otherwise."""
        cell, reads = context.cell, self.config.reads
        has_dataset = cell is not None and cell.dataset_paths() > 0
        if reads == "nothing" or (reads is None and not has_dataset):
            return None
        if cell is None or not has_dataset:
            raise ScenarioError(f"load {self.name}: jobs read the dataset, and there is none: add pangu.dataset")
        return inputs_of(cell.dataset_paths(), cell.dataset_path, cell.dataset_size_bytes)

    def _size(self, context: LoadContext) -> MachineSize:
        cell = self._submissions.cell
        dimensions = cell.config.resources.dimensions
        capacities = [cell.capacity_of(machine) for machine in context.datacenter.machines]
        largest = max(capacities, key=lambda vector: vector[dimensions.names.index(MEMORY)])
        return MachineSize(dimensions, context.datacenter.config.machine.memory, largest)

    def _own_pace(self, context: LoadContext) -> Pace | None:
        """A pace in place of the trace's; also for traces that do not say when jobs come."""
        config = self.config
        if config.arrival is None and config.clients is None:
            return None
        return Pace(
            context,
            self.name,
            self._begin,
            workers=config.clients,
            arrival=config.arrival,
            ramp_ns=config.ramp,
            limit=len(self._arrivals),
        )

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        tell_account(self._sim, self.name, self._account)
        if self._pace is not None:
            self._sim.call_at(self.config.start, self._pace.start)
        else:
            self._next(iter(self._arrivals))

    def _begin(self, worker: int, ended: Ended) -> None:
        self._submissions.submit(next(self._jobs).plan, self.config.group, ended)

    def _next(self, arrivals: Iterator[TraceArrival]) -> None:
        """One arrival is scheduled at a time: a day of them at once would fill the queue of events."""
        arrival = next(arrivals, None)
        if arrival is not None:
            self._sim.call_at(self.config.start + arrival.after_ns, self._arrive, arrival, arrivals)

    def _arrive(self, arrival: TraceArrival, arrivals: Iterator[TraceArrival]) -> None:
        self._submissions.submit(arrival.plan, self.config.group, _nothing)
        self._next(arrivals)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        balanced = [] if self._account.balanced() else [f"load {self.name}: rows of the trace are not accounted for"]
        return balanced + (self._pace.check() if self._pace is not None else []) + self._submissions.check()


def tell_account(sim: Simulation, load: str, account: TraceAccount) -> None:
    """Emit what became of the rows of a trace."""
    dropped = sum(account.dropped.values())
    counts = (account.rows, account.kept, dropped, account.jobs, account.tasks, account.instances, account.edges)
    sim.emit(TraceRead(load, *counts))
    for why, rows in sorted(account.dropped.items()):
        sim.emit(TraceDropped(load, why, rows))
    for what, rows in sorted(account.noted.items()):
        sim.emit(TraceNoted(load, what, rows))


def _nothing(ok: bool) -> None:
    """The account is kept by the submissions."""
