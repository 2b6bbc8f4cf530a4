"""Fuxi's part of the scenario: its masters, what machines offer, how processes are started, who is not trusted."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.packages.config import PackageConfig, SpreadConfig, UnpackConfig
from feitian_sim.fuxi.resources import CPU, MEMORY, MILLICORES, PHYSICAL, STORAGE, Dimensions, Vector
from feitian_sim.fuxi.schedule_config import ScheduleConfig
from feitian_sim.fuxi.service.config import ServiceConfig
from feitian_sim.kernel import Duration, Size, StrictModel, written
from feitian_sim.kernel.distributions import DurationDistribution


class ResourcesConfig(StrictModel):
    """What each machine offers to applications."""

    reserved_cores: float = Field(
        default=0.0,
        ge=0,
        description="Cores of each machine that are kept for the system (count); default 0. Source: the 5,000 machines "
        "of VLDB 2014 sec. 5.2 offer all of their 24.",
    )
    reserved_memory: Size = Field(
        default=written("7.6GB"),
        description="Memory of each machine that is kept for the system, in size units; default 7.6GB. Source: VLDB 2014 "
        "sec. 5.2, 442 TB in all of 5,000 machines with 96 GB.",
    )
    storage: Size = Field(
        default=written("1TB"),
        description="Local storage of each machine that has disks, in size units; default 1TB. Source: own assumption, "
        "half of a disk of VLDB 2014's machines.",
    )
    virtual: dict[str, int] = Field(
        default={},
        description="Virtual resources of each machine by name (count); default none. Source: VLDB 2014 sec. 3.1, whose "
        "production cluster had five.",
        examples=[{"licence": 4}],
    )

    @field_validator("virtual")
    @classmethod
    def _names(cls, virtual: dict[str, int]) -> dict[str, int]:
        for name, count in virtual.items():
            if name in PHYSICAL:
                raise ValueError(f"{name} is no virtual resource: every machine has it")
            if count < 0:
                raise ValueError(f"a machine cannot have {count} of {name}")
        return virtual

    @property
    def dimensions(self) -> Dimensions:
        """The resources of the cell in the order of its vectors."""
        return Dimensions(tuple(self.virtual))

    def capacity(self, cores: int, memory_bytes: int, disks: int) -> Vector:
        """What a machine of that size offers."""
        amounts = {
            CPU: max(0, int((cores - self.reserved_cores) * MILLICORES)),
            MEMORY: max(0, memory_bytes - self.reserved_memory),
            STORAGE: self.storage if disks else 0,
            **self.virtual,
        }
        return self.dimensions.vector(amounts)


class MasterProcessConfig(StrictModel):
    """The process of an application's master."""

    cores: float = Field(default=0.5, gt=0, description="Cores (count); default 0.5. Source: as a worker of VLDB 2014.")
    memory: Size = Field(
        default=written("2GB"), gt=0, description="Memory, in size units; default 2GB. Source: as a worker of VLDB 2014."
    )
    priority: int = Field(
        default=1_000_000,
        description="Its priority among what waits (larger is more urgent; no unit); default 1000000. Source: own "
        "assumption, above every worker: a master that waits holds up all that it would use.",
    )
    attempts: int = Field(
        default=8,
        ge=1,
        description="An application whose master has ended so often fails (count); default 8. Source: own assumption, "
        "above YARN's yarn.resourcemanager.am.max-attempts of 2, since machines here are made to fail.",
    )
    start: DurationDistribution = Field(
        default=written("1.2s"),
        description="From the order to start it until it runs, beside messages and decisions, in time units or a "
        "distribution; default 1.2s. Source: VLDB 2014 sec. 5.2, a job's master is there 1.91 s after its submission.",
    )


class TuboConfig(StrictModel):
    """What starting, watching and ending processes takes."""

    process_start: DurationDistribution = Field(
        default=written("500ms"),
        description="From fork to a worker that is ready, once its package is on the machine, in time units or a "
        "distribution; default 500ms. Source: own assumption, the start of a process with some hundred MB of libraries.",
    )
    thread_start: DurationDistribution = Field(
        default=written("1ms"),
        description="The same for a worker that is a thread of a process that runs already; default 1ms. Source: own "
        "assumption.",
    )
    kill: DurationDistribution = Field(
        default=written("100ms"),
        description="From the order to end a process until it is gone with its memory, in time units or a distribution; "
        "default 100ms. Source: own assumption.",
    )
    watch_every: Duration = Field(
        default=written("3s"),
        gt=0,
        description="Between looks at the memory of processes; default 3s. Source: YARN's "
        "yarn.nodemanager.container-monitor.interval-ms.",
    )
    memory_slack: float = Field(
        default=1.0,
        ge=1,
        description="A process is killed when it uses more than so many times the memory of its unit (ratio); default 1. "
        "Source: VLDB 2014 sec. 2, who overuses its grant is killed.",
    )
    patience: Duration = Field(
        default=written("30s"),
        gt=0,
        description="How long workers wait for an allowance that does not come, and allowances for workers, before they "
        "are given up; default 30s. Source: own assumption, above the way of a message that was lost twice.",
    )
    launch_timeout: Duration = Field(
        default=written("10s"),
        gt=0,
        description="How long it takes to find that a process cannot be launched (a damaged disk); default 10s. Source: "
        "own assumption.",
    )


class DisableConfig(StrictModel):
    """When the FuxiMaster lets nobody use a machine any more (the cluster's blacklist)."""

    marks: int = Field(
        default=3,
        ge=1,
        description="Different applications that must have put the machine on their own blacklists (count); default 3. "
        "Source: VLDB 2014 sec. 4.3.2, 'different JobMasters'; the number is an assumption.",
    )
    window: Duration = Field(
        default=written("30m"),
        gt=0,
        description="An application's mark counts for so long; default 30m. Source: own assumption.",
    )
    health: int = Field(
        default=40,
        ge=0,
        le=100,
        description="A machine whose score of health is below this is disabled (0 to 100); default 40. Source: VLDB 2014 "
        "sec. 4.3.2 disables machines whose score is low for long; the number is an assumption.",
    )
    share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="At most this share of the machines is disabled at a time (ratio); default 0.1. Source: VLDB 2014 "
        "sec. 4.3.2 has an upper bound; the number is an assumption.",
    )
    back_after: Duration = Field(
        default=written("1h"),
        gt=0,
        description="A machine that was disabled for its marks is tried again after this; default 1h. Source: own "
        "assumption.",
    )


class FuxiBeatConfig(StrictModel):
    """How the FuxiMaster learns that a Tubo lives."""

    every: Duration = Field(
        default=written("3s"), gt=0, description="Between heartbeats; default 3s. Source: as Pangu's."
    )
    timeout: Duration = Field(
        default=written("30s"),
        gt=0,
        description="Silence after which a machine is lost with all that ran there; default 30s. Source: VLDB 2014 "
        "4.3.2 has a time-out; ten beats are an assumption.",
    )
    scan: Duration = Field(
        default=written("1s"),
        gt=0,
        description="The FuxiMaster looks for silent machines at multiples of this; default 1s. Source: as Pangu's.",
    )
    elide: bool = Field(
        default=True,
        description="Whether heartbeats that nobody can miss take no events (equal detection times); default true. "
        "Source: the design, rule 5.",
    )


class FuxiConfig(StrictModel):
    """Resources, jobs and services of the cell."""

    masters: int = Field(
        default=2,
        ge=1,
        le=9,
        description="FuxiMasters, one of which serves (count); default 2. Source: VLDB 2014, a hot-standby pair.",
    )
    session: Duration = Field(
        default=written("6s"),
        gt=0,
        description="After so much silence another FuxiMaster is elected, in time units; default 6s. Source: as for "
        "Pangu's masters.",
    )
    rebuild: Duration = Field(
        default=written("10s"),
        gt=0,
        description="A new FuxiMaster that has not heard of every Tubo grants again after this, in time units; default "
        "10s. Source: own assumption, three heartbeats.",
    )
    decision: Duration = Field(
        default=written("880us"),
        description="Processor time of the FuxiMaster for an application's request that may lead to grants, in time "
        "units; default 880us. Source: VLDB 2014 sec. 5.2, 0.88 ms on average.",
    )
    offer: Duration = Field(
        default=written("880us"),
        description="Processor time of the FuxiMaster for offering to others what a Tubo says is free, in time units; "
        "default 880us. Source: as for decision.",
    )
    message: Duration = Field(
        default=written("20us"),
        description="Processor time of the FuxiMaster for any other request, in time units; default 20us. Source: as of "
        "Pangu's master.",
    )
    decisions_at_once: int = Field(
        default=4,
        ge=1,
        description="Requests that the FuxiMaster works on at a time (count); default 4. Source: own assumption; its "
        "machine has 24 cores.",
    )
    grace: Duration = Field(
        default=written("15s"),
        description="How long an application may take to end what was taken back, before its processes are killed; "
        "default 15s. Source: YARN's max_wait_before_kill.",
    )
    call: Duration = Field(
        default=written("5s"),
        gt=0,
        description="Deadline of a call in Fuxi; default 5s. Source: as Pangu's.",
    )
    retry: Duration = Field(
        default=written("1s"), gt=0, description="What was not answered is sent again after this; default 1s."
    )
    watch: Duration = Field(
        default=written("5m"),
        gt=0,
        description="Deadline of a client's call that waits for the end of an application, after which it asks again, in "
        "time units; default 5m. Source: own assumption, so long that most jobs are asked about once.",
    )
    watch_margin: Duration = Field(
        default=written("1s"),
        gt=0,
        description="So long before the deadline of a call that waits for something the FuxiMaster, or a package's "
        "tracker, answers all the same, in time units; default 1s. Source: own assumption, far above the way of a "
        "message.",
    )
    resources: ResourcesConfig = Field(default_factory=ResourcesConfig, description="What each machine offers.")
    application_master: MasterProcessConfig = Field(
        default_factory=MasterProcessConfig, description="The process of an application's master."
    )
    packages: dict[str, PackageConfig] = Field(
        default={},
        description="Packages that workers may need, by name; they are put into Pangu when the cell starts.",
        examples=[{"worker": {"size": "400MB"}}],
    )
    spread: SpreadConfig = Field(default_factory=SpreadConfig, description="How packages get to machines.")
    unpack: UnpackConfig = Field(default_factory=UnpackConfig, description="What becomes of a package there.")
    tubo: TuboConfig = Field(default_factory=TuboConfig, description="What starting and ending processes takes.")
    schedule: ScheduleConfig = Field(
        default_factory=ScheduleConfig, description="Quota groups, fairness, machine choice, preemption."
    )
    jobs: JobConfig = Field(default_factory=JobConfig, description="How jobs are run.")
    services: ServiceConfig = Field(default_factory=ServiceConfig, description="How services are run.")
    heartbeat: FuxiBeatConfig = Field(default_factory=FuxiBeatConfig, description="How lost machines are noticed.")
    disable: DisableConfig = Field(default_factory=DisableConfig, description="When a machine is taken out of use.")

    @model_validator(mode="after")
    def _consistent(self) -> FuxiConfig:
        beat = self.heartbeat
        if beat.timeout < 2 * beat.every:
            raise ValueError("heartbeat.timeout must be at least twice heartbeat.every: one lost beat ends a machine")
        if self.watch <= self.watch_margin:
            raise ValueError("watch must be longer than watch_margin: no answer would wait for an end")
        return self

    @property
    def master_unit(self) -> Vector:
        """What an application's master needs."""
        of = self.application_master
        amounts = {CPU: int(of.cores * MILLICORES), MEMORY: of.memory}
        return self.resources.dimensions.vector(amounts)
