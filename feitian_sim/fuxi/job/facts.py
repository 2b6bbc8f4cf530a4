"""What happened to jobs, tasks and instances."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("fuxi.job_started")
class JobStarted(Fact):
    """A JobMaster knows its job: from nothing, or as a later attempt from what the one before left."""

    job: str
    attempt: int
    tasks: int
    instances: int
    #: In the snapshot that was read.
    committed: int
    #: Attempts of instances that run on under this JobMaster.
    adopted: int


@fact("fuxi.task_started")
class TaskStarted(Fact):
    """A task's instances may begin; ``after``: the tasks that it depends on, joined by commas."""

    job: str
    task: str
    instances: int
    after: str


@fact("fuxi.task_ended")
class TaskEnded(Fact):
    """Every instance of a task is committed."""

    job: str
    task: str
    instances: int
    #: Begun by this life of the JobMaster.
    attempts: int
    backups: int


@fact("fuxi.job_ended")
class JobEnded(Fact):
    """A JobMaster says that its job is over.

    Times are means: of a worker from the order to start it until it is ready; of an instance what it took as its
    JobMaster saw it beyond what it took on its worker. ``critical_ns``: the longest way through the graph, each task
    taking as long as its longest instance computes.
    """

    job: str
    attempt: int
    ok: bool
    why: str
    ran_ns: int
    critical_ns: int
    #: Time that all instances compute, added up.
    work_ns: int
    instances: int
    attempts: int
    failed: int
    backups: int
    workers: int
    worker_start_ns: int
    instance_overhead_ns: int
    #: Instances by how near their input was.
    on_machine: int
    in_rack: int
    elsewhere: int
    snapshots: int


@fact("fuxi.job_decisions", canonical=False)
class JobDecisions(Fact):
    """What a JobMaster whose job is over has scheduled: instances, and for how long it was deciding.

    It is deciding from when it knows of free workers until all of them have their instances, waiting for a core of its
    machine included. What it learns at different instants it decides on different cores.
    """

    job: str
    attempt: int
    instances: int
    deciding_ns: int


@fact("fuxi.instance_ended", canonical=False)
class InstanceEnded(Fact):
    """An attempt of an instance is over. ``why``: why it was not ok; a race lost to the other attempt is ``raced``."""

    job: str
    task: str
    instance: int
    attempt: int
    machine: str
    began_ns: int
    ok: bool
    backup: bool
    why: str


@fact("fuxi.phases", canonical=False, detail=True)
class InstancePhases(Fact):
    """What an instance that ended well spent its time on."""

    job: str
    task: str
    instance: int
    read_ns: int
    compute_ns: int
    write_ns: int


@fact("fuxi.task_phases", canonical=False)
class TaskPhases(Fact):
    """What the instances of a task that is done spent their time on, all together, on their workers.

    Of those whose end this life of the JobMaster was told, the losers of races among them.
    """

    job: str
    task: str
    instances: int
    read_ns: int
    compute_ns: int
    write_ns: int


@fact("fuxi.instance_committed", canonical=False, detail=True)
class InstanceCommitted(Fact):
    """An instance is in the job's snapshot: it is done, by this attempt. ``life``: of the JobMaster that says so."""

    app: str
    task: str
    instance: int
    attempt: int
    life: int


@fact("fuxi.output_lost", canonical=False, detail=True)
class OutputLost(Fact):
    """The output of a committed instance is gone while somebody needs it: it will run again."""

    app: str
    task: str
    instance: int
    attempt: int
    life: int


@fact("fuxi.task_planned", canonical=False, detail=True)
class TaskPlanned(Fact):
    """A life of a JobMaster knows a task. ``after``, ``along``: numbers, joined by commas, of the tasks that must be done
    before, and of those whose output it reads while they run. ``vector``: what a worker holds."""

    app: str
    life: int
    number: int
    task: str
    instances: int
    after: str
    is_stream: bool
    along: str
    vector: str


@fact("fuxi.instance_drawn", canonical=False, detail=True)
class InstanceDrawn(Fact):
    """How long an instance computes on a healthy machine, as a life of a JobMaster has it; after its task's plan."""

    app: str
    life: int
    task: int
    instance: int
    compute_ns: int


@fact("fuxi.instance_restored", canonical=False, detail=True)
class InstanceRestored(Fact):
    """A later life of a JobMaster has read that an instance is done; before its ``fuxi.job_started``."""

    app: str
    life: int
    task: int
    instance: int


@fact("fuxi.instance_ordered", canonical=False, detail=True)
class InstanceOrdered(Fact):
    """A JobMaster has decided that a worker runs an instance."""

    app: str
    life: int
    task: int
    instance: int
    attempt: int
    machine: str
    worker: int
    backup: bool


@fact("fuxi.job_bad_machine")
class BadMachineFound(Fact):
    """A job avoids a machine from now on, and has told the FuxiMaster."""

    job: str
    machine: str
    why: str
