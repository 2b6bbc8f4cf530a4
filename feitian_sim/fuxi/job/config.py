"""The jobs' part of Fuxi's configuration: snapshots, retries, blacklists, backup instances, shuffles, costs."""

from __future__ import annotations

from pydantic import Field

from feitian_sim.kernel import Duration, Ratio, StrictModel, written


class BackupConfig(StrictModel):
    """When a straggler gets a second instance beside it; all three conditions must hold (F9)."""

    enabled: bool = Field(default=True, description="Whether there are backup instances; default true. Source: F9.")
    finished: Ratio = Field(
        default=0.9,
        description="Share of the task's instances that are finished; default 90%. Source: Fuxi, VLDB 2014, sec. 4.3.2.",
    )
    factor: float = Field(
        default=2.0,
        ge=1,
        description="It has run so many times the mean of the finished ones (ratio); default 2. Source: Fuxi, VLDB 2014, "
        "sec. 4.3.2, says several times.",
    )
    check_every: Duration = Field(
        default=written("5s"),
        gt=0,
        description="Between looks for stragglers; default 5s. Source: a fraction of a runtime.",
    )


class BlacklistConfig(StrictModel):
    """From which failures on a machine what avoids it (F9)."""

    task_after: int = Field(
        default=3,
        ge=1,
        description="A task avoids a machine on which so many of its instances or workers failed (count); default 3. "
        "Source: Fuxi, VLDB 2014, sec. 4.3.2, says a certain number; mapreduce.job.maxtaskfailures.per.tracker is 3.",
    )
    job_after: int = Field(
        default=1,
        ge=1,
        description="The job avoids a machine that so many of its tasks avoid, and tells the FuxiMaster (count); default "
        "1. Source: Fuxi, VLDB 2014, sec. 4.3.2.",
    )
    most: Ratio = Field(
        default=0.1,
        description="Share of the machines that a job avoids at most; default 10%. Source: Fuxi, VLDB 2014, sec. 4.3.2, "
        "bounds the list.",
    )
    enabled: bool = Field(default=True, description="Whether machines are avoided at all; default true. Source: F9.")


class ShuffleConfig(StrictModel):
    """How consumers pull what producers left on local disks."""

    fetches: int = Field(
        default=5,
        ge=1,
        description="Machines that a consumer pulls from at once (count); default 5. Source: Hadoop, "
        "mapreduce.reduce.shuffle.parallelcopies.",
    )
    tries: int = Field(
        default=10,
        ge=1,
        description="Output that could not be pulled so often counts as lost, and is made again (count); default 10. "
        "Source: Hadoop, mapreduce.reduce.shuffle.maxfetchfailures.",
    )
    bundle_above: int = Field(
        default=20_000,
        ge=0,
        description="Transfers of an edge (producers' machines times consumers) above which they go in bundles, one per "
        "pair of racks (count); default 20000. Source: the design, rule 5.",
    )
    window: Duration = Field(
        default=written("1s"),
        description="Consumers of a rack that begin within this time share their bundles, in time units; default 1s. "
        "Source: small against the seconds to minutes of a bundle.",
    )
    retry: Duration = Field(
        default=written("2s"),
        gt=0,
        description="A consumer asks again for output that is not there yet after this; default 2s. Source: a fraction "
        "of an instance's time; Hadoop's reducers poll every second.",
    )


class JobConfig(StrictModel):
    """Jobs and their masters."""

    snapshot_every: Duration = Field(
        default=written("5s"),
        description="At least this between two snapshots of a job, unless a task has just ended; default 5s. Source: own "
        "assumption: Fuxi, VLDB 2014, sec. 4.3.1, writes on every change; what changes meanwhile is asked of workers.",
    )
    attempts: int = Field(
        default=4,
        ge=1,
        description="Failures of an instance that fail its job (count); default 4. Source: Hadoop, "
        "mapreduce.map.maxattempts.",
    )
    decision_cost: Duration = Field(
        default=written("25us"),
        description="CPU that a JobMaster spends for each instance that it schedules, in time units; default 25us. "
        "Source: Fuxi, VLDB 2014, sec. 4.2: 100,000 instances in less than 3 seconds.",
    )
    worker_idle: Duration = Field(
        default=written("0s"),
        description="How long a worker without an instance is kept, in time units; default 0s, it is given back at once. "
        "Source: F8, workers are reused while the task has instances that wait.",
    )
    stream_after: Ratio = Field(
        default=0.05,
        description="A task behind a stream starts when this share of its producers' instances is done; default 5%. "
        "Source: Hadoop, mapreduce.job.reduce.slowstart.completedmaps.",
    )
    stream_patience: Duration = Field(
        default=written("30s"),
        gt=0,
        description="Producers that want workers in vain for so long take them from who streams from them; default 30s. "
        "Source: Hadoop preempts reducers for maps, mapreduce.job.reducer.unconditional-preempt.delay.sec (300 s).",
    )
    adopt_within: Duration = Field(
        default=written("10s"),
        gt=0,
        description="A restarted JobMaster waits so long for machines to say what runs there; default 10s. Source: two "
        "deadlines of a call.",
    )
    backup: BackupConfig = Field(default_factory=BackupConfig, description="Backup instances.")
    blacklist: BlacklistConfig = Field(default_factory=BlacklistConfig, description="Machines that are avoided.")
    shuffle: ShuffleConfig = Field(default_factory=ShuffleConfig, description="Pulling what producers left.")
