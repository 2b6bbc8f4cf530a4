"""Pangu's part of the scenario: replication, placement, leases, heartbeats, repair, and the preloaded dataset."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from feitian_sim.kernel import Bandwidth, Duration, Ratio, Size, SizeDistribution, StrictModel, written
from feitian_sim.pangu.hot_config import HotConfig
from feitian_sim.replog import ReplogConfig


class HeartbeatConfig(StrictModel):
    """How the master learns that a chunk server lives."""

    every: Duration = Field(
        default=written("3s"), gt=0, description="Between heartbeats; default 3s. Source: HDFS, MSST 2010, sec. 2."
    )
    timeout: Duration = Field(
        default=written("15m"),
        gt=0,
        description="Silence after which a server is dead; default 15m. Source: Ford et al., OSDI 2010: GFS waits "
        "15 minutes, within which 90 % of outages end.",
    )
    scan: Duration = Field(
        default=written("1s"),
        gt=0,
        description="The master looks for silent servers at multiples of this; default 1s. Source: a fraction of the "
        "heartbeat, so that detection is not delayed by it.",
    )
    elide: bool = Field(
        default=True,
        description="Whether heartbeats that nobody can miss take no events (equal detection times); default true. "
        "Source: the design, rule 5.",
    )


class RepairConfig(StrictModel):
    """How missing replicas are restored, and how much that may take."""

    order: Literal["priority", "first-come"] = Field(
        default="priority",
        description="Which chunk first: fewest copies left, or longest waiting; default priority. Source: GFS, SOSP "
        "2003, sec. 4.3.",
    )
    per_server: int = Field(
        default=2,
        ge=1,
        description="Clones that a server may take part in at once, each in and out (count); default 2. Source: "
        "dfs.namenode.replication.max-streams of HDFS.",
    )
    per_cluster: int | None = Field(
        default=None,
        ge=1,
        description="Clones in the cluster at once (count); default: 40 % of the living servers. Source: GFS, SOSP "
        "2003, sec. 6.2.5.",
    )
    per_cluster_share: Ratio = Field(
        default=0.4,
        gt=0,
        description="Share of the living servers that per_cluster stands for by default; default 40%. Source: GFS, "
        "SOSP 2003, sec. 6.2.5.",
    )
    rate: Bandwidth = Field(
        default=written("50MB/s"),
        gt=0,
        description="Most that a clone may take; default 50MB/s. Source: a third of a disk's sequential bandwidth; "
        "balancing and repair limits of HDFS and Ceph lie between 10 and 50 MB/s.",
    )
    dispatch_cost: Duration = Field(
        default=written("1.9s"),
        description="Time that a clone occupies its slot beside moving bytes: being planned, commanded, set up, "
        "synced and reported; default 1.9s. Source: calibrated, the one free parameter, to the recovery of GFS, SOSP "
        "2003, sec. 6.2.5 (23.2 minutes where the limits alone allow 18.0).",
    )
    delay: Duration = Field(
        default=written("0s"),
        description="From finding that a replica is missing to restoring it, unless it was the last but one; in time "
        "units; default 0s. Source: the timer of 15 minutes of GFS (Ford et al., OSDI 2010) lies in heartbeat.timeout; "
        "this one also covers disks, and never delays a chunk with one copy.",
    )
    lazy_below: int | None = Field(
        default=None,
        ge=2,
        description="Restore a chunk only once fewer copies than this are left, and then all of them (count); default: "
        "as soon as one is missing. Source: lazy recovery, Silberstein et al., SYSTOR 2014.",
    )
    source: Literal["least-busy", "random", "same-rack"] = Field(
        default="least-busy",
        description="From which copy: the server with the fewest clones, any, or one on the target's rack if there is "
        "one; default least-busy. Source: HDFS, chooseSourceDatanodes, prefers servers that are not busy.",
    )
    target: Literal["policy", "same-rack"] = Field(
        default="policy",
        description="Where to: as the placement chooses, or on a rack that has a copy where the rule of placement allows "
        "it, so that fewer bytes cross racks; default policy. Source: P10.",
    )
    weight: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="Share of a link that a clone gets beside a client's transfer (ratio); default 1. Source: max-min "
        "fair sharing between equals; below 1 repair yields to the foreground.",
    )
    retry_after: Duration = Field(
        default=written("30s"),
        gt=0,
        description="A chunk that could not be repaired is tried again after this; default 30s. Source: ten "
        "heartbeats, so that what was wrong is known by then.",
    )
    bundle: Literal["none", "rack-pair"] = Field(
        default="none",
        description="Whether repairs run chunk by chunk, or as bundles, one per failed server or disk and pair of "
        "racks, for simulations of a year; default none. Source: the design, rule 5.",
    )


class DrainConfig(StrictModel):
    """How servers are emptied that are drained or decommissioned, and how much that may take."""

    bandwidth: Bandwidth = Field(
        default=written("100MB/s"),
        gt=0,
        description="Most that all drain moves of one server may take together, in and out; default 100MB/s. Source: "
        "two clones at pangu.repair.rate.",
    )
    per_server: int = Field(
        default=2,
        ge=1,
        description="Drain moves that a server may take part in at once (count); default 2. Source: "
        "dfs.namenode.replication.max-streams of HDFS, which bounds decommissioning too.",
    )
    per_cluster: int = Field(
        default=1000,
        ge=1,
        description="Drain moves in the cluster at once (count); default 1000. Source: as pangu.rebalance.per_cluster.",
    )
    retry_after: Duration = Field(
        default=written("30s"),
        gt=0,
        description="A chunk that could not leave is looked at again after this; default 30s. Source: "
        "dfs.namenode.decommission.interval of HDFS.",
    )
    linger: Duration = Field(
        default=written("60s"),
        description="A decommissioned machine is switched off so long after its last chunk has left, that clients "
        "which remember it get a refusal and no silence; default 60s. Source: pangu.client.remember_locations.",
    )


class DatasetConfig(StrictModel):
    """Files that are there when the simulation begins, placed by the policy."""

    bytes: Size = Field(gt=0, description="Size of all files together, each counted once, in size units; no default.")
    file_size: SizeDistribution = Field(
        default=written("1GiB"), description="Size of each file: a size or a distribution; default 1GiB."
    )


class ScrubConfig(StrictModel):
    """Reading all replicas in the background, to find damage."""

    every: Duration = Field(
        default=written("14d"),
        gt=0,
        description="Each replica is checked once in this time; default 14d. Source: HDFS, MSST 2010, sec. 5.",
    )


class ClientConfig(StrictModel):
    """How clients call and retry."""

    call_deadline: Duration = Field(
        default=written("10s"), gt=0, description="For one call without data; default 10s. Source: three heartbeats."
    )
    data_deadline: Duration = Field(
        default=written("60s"),
        gt=0,
        description="For one call that moves a chunk; of a read it bounds the silence, so that a reader among many is "
        "slow and does not begin anew; default 60s. Source: a chunk at 1 MB/s; dfs.client.socket-timeout of HDFS.",
    )
    operation_deadline: Duration = Field(
        default=written("10m"),
        gt=0,
        description="For a whole operation with all its retries; default 10m. Source: above every restart simulated.",
    )
    avoid: Duration = Field(
        default=written("60s"),
        description="A server that did not answer is left out of writes and asked last in reads for so long; default "
        "60s. Source: a lease, within which the master finds it silent; HDFS-13571 for the mechanism.",
    )
    remember_locations: Duration = Field(
        default=written("60s"),
        description="How long a client goes by what the master said of a file's chunks; default 60s. Source: GFS, sec. "
        "2.3: until the information expires; for how long is not published, a lease's time is assumed.",
    )
    backoff: Duration = Field(
        default=written("100ms"), gt=0, description="First pause before a retry; default 100ms. Source: gRPC's order."
    )
    backoff_max: Duration = Field(
        default=written("10s"), gt=0, description="Longest pause before a retry; default 10s. Source: gRPC's order."
    )


class RequestConfig(StrictModel):
    """What a chunk server spends on one request beside messages, disks and the flow of bytes."""

    read_cost: Duration = Field(
        default=written("0s"),
        description="Between a read request and the first byte, in time units; default 0s. Source: to be fitted to a "
        "system that is measured; about 80ms for 4 MB on the servers of GFS, SOSP 2003, sec. 6.1.",
    )
    write_cost: Duration = Field(
        default=written("0s"),
        description="Of each write request at the primary, within its turn, so that requests for one chunk pay one "
        "after the other, in time units; default 0s. Source: as read_cost; about 75ms for 1 MB there.",
    )


class SurveyConfig(StrictModel):
    """What is counted of the dataset's layout before anything happens to it."""

    bursts: tuple[Ratio | int, ...] = Field(
        default=(written("1%"), 3, 4, 5, 10, 20, 50),
        min_length=1,
        description="Servers that fail for good at one time: shares of all, or counts; the first stands in tables; "
        "default 1%, then 3 to 50. Source: Cidon et al., ATC 2013: 0.5 to 1 % do not return after a power outage.",
    )
    racks_added: int = Field(
        default=1,
        ge=1,
        description="Racks by which the cluster grows when it is asked what moves (count); default 1. Source: the "
        "smallest step of growth.",
    )

    def failures(self, servers: int) -> tuple[int, ...]:
        """The bursts in servers, each once, as far as there are so many."""
        counts = [one if isinstance(one, int) else max(1, round(one * servers)) for one in self.bursts]
        return tuple(dict.fromkeys(count for count in counts if count <= servers))


def _master_log() -> ReplogConfig:
    """The masters' log: who leads it is said by Nuwa, and those who stand by need not know at once."""
    return ReplogConfig(self_elect=False, announce_after=written("30ms"))


class MasterElectionConfig(StrictModel):
    """How the active master is chosen."""

    session: Duration = Field(
        default=written("4s"),
        gt=0,
        description="A master that Nuwa has not heard for so long is replaced; default 4s. Source: the shortest session "
        "of ZooKeeper at its usual tick (2s); Mesos, NSDI 2011, sec. 6.5, fails its masters over in 4 to 8s this way.",
    )
    retry: Duration = Field(
        default=written("1s"),
        gt=0,
        description="An elected master that does not lead the log yet tries again after this; default 1s. Source: "
        "several elections of the log, each of some hundred milliseconds.",
    )
    give_up: Duration = Field(
        default=written("5s"),
        gt=0,
        description="An elected master that cannot lead the log gives its office back after this; default 5s. Source: "
        "about a session, so that one that reaches Nuwa but no quorum of masters holds the cell up no longer than a "
        "dead one.",
    )


class PanguConfig(StrictModel):
    """The distributed file system."""

    masters: int = Field(
        default=3,
        ge=1,
        le=9,
        description="Masters, of which one is active and the others take its log in and stand by (count); default 3. "
        "Source: P7.",
    )
    log: ReplogConfig = Field(default_factory=_master_log, description="The masters' replicated log.")
    election: MasterElectionConfig = Field(
        default_factory=MasterElectionConfig, description="Choosing the active master."
    )
    replicas: int = Field(default=3, ge=1, le=8, description="Copies of each chunk (count); default 3. Source: P2.")
    chunk_size: Size = Field(
        default=written("64MiB"), gt=0, description="Largest chunk, in size units; default 64MiB. Source: P8; GFS."
    )
    placement: str | dict[str, Any] = Field(
        default="pangu",
        description="Where replicas go: pangu, rack-spread, random, hdfs, copyset, two-choices, available-space, tiered, "
        "node-group, crush, rendezvous, cell, one with options as in {kind: copyset, scatter_width: 4}, or "
        "file.py:Class; default pangu. Source: P10.",
    )
    lease: Duration = Field(
        default=written("60s"),
        gt=0,
        description="How long a primary may order writes; default 60s. Source: GFS, sec. 3.1.",
    )
    heartbeat: HeartbeatConfig = Field(default_factory=HeartbeatConfig, description="Detection of dead servers.")
    report_every: Duration = Field(
        default=written("1h"),
        gt=0,
        description="Between full chunk reports of a server; default 1h. Source: HDFS, MSST 2010, sec. 2.",
    )
    repair: RepairConfig = Field(default_factory=RepairConfig, description="Restoring missing replicas.")
    rebalance: str | dict[str, Any] = Field(
        default="none",
        description="What moves replicas from fuller servers to emptier ones: none, threshold, two-choices, lazy, "
        "greedy, {kind: threshold, threshold: 5%}, or file.py:Class; default none. Source: P6.",
    )
    drain: DrainConfig = Field(default_factory=DrainConfig, description="Emptying servers that are to go.")
    dataset: DatasetConfig | None = Field(default=None, description="Files that are there at the start.")
    scrub: ScrubConfig | None = Field(default=None, description="Background checks; default none.")
    hot: HotConfig | None = Field(
        default=None, description="Temporary copies of chunks that are read by many; default: none are made."
    )
    request: RequestConfig = Field(default_factory=RequestConfig, description="Fixed cost of a read and a write.")
    survey: SurveyConfig | None = Field(
        default=None, description="Count what the layout of the dataset would survive and cost; default: not."
    )
    client: ClientConfig = Field(default_factory=ClientConfig, description="How clients call and retry.")
    snapshot_bytes_per_chunk: Size = Field(
        default=written("64B"),
        description="What a chunk takes in the master's snapshot, in size units; default 64B. Source: GFS, sec. 2.6.1.",
    )
