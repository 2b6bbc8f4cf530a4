"""What happens in Pangu, as facts. Times of tables are seconds; ``time_s`` is when the fact was published."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("pangu.operation")
class Operation(Fact):
    """A client's operation ended; ``op`` is write, read, append, create or delete."""

    client: str
    load: str
    op: str
    path: str
    size_bytes: int
    start_ns: int
    ok: bool
    error: str
    retries: int


@fact("pangu.server_dead")
class ServerDead(Fact):
    """The master declared a silent chunk server dead; ``replicas`` are those that it was known to hold."""

    server: str
    replicas: int


@fact("pangu.server_returned")
class ServerReturned(Fact):
    """A chunk server registered: what it holds that is good, stale (dropped) or one too many (dropped)."""

    server: str
    kept: int
    stale: int
    surplus: int


@fact("pangu.replicas_lost")
class ReplicasLost(Fact):
    """The master learned that replicas are gone from a server, and why: a silent server, a disk, damage."""

    server: str
    cause: str
    replicas: int


@fact("pangu.repair")
class Repair(Fact):
    """Missing replicas were restored; a bundle restores several chunks. ``copies_left`` counts before it."""

    chunk: int
    chunks: int
    copies_left: int
    source: str
    target: str
    size_bytes: int
    queued_ns: int
    started_ns: int


@fact("pangu.repair_failed")
class RepairFailed(Fact):
    """A clone did not succeed; it is tried again elsewhere."""

    chunk: int
    source: str
    target: str
    reason: str


@fact("pangu.chunk_unavailable")
class ChunkUnavailable(Fact):
    """The master knows no living replica of the chunk; it may come back with a server."""

    chunk: int


@fact("pangu.chunk_available")
class ChunkAvailable(Fact):
    """A chunk that was unavailable has a living replica again."""

    chunk: int


@fact("pangu.chunk_lost")
class ChunkLost(Fact):
    """Every replica of the chunk is gone for good."""

    chunk: int


@fact("pangu.corruption_found")
class CorruptionFound(Fact):
    """A replica's bytes do not match their checksum, or cannot be read; ``by`` says who noticed."""

    server: str
    chunk: int
    by: str


@fact("pangu.corruption_repaired")
class CorruptionRepaired(Fact):
    """The chunk of a damaged replica is whole again, and the damaged replica is gone."""

    server: str
    chunk: int


@fact("pangu.wrong_bytes")
class WrongBytes(Fact):
    """A client was given bytes that are not what was acknowledged. This must never happen."""

    client: str
    path: str
    chunk: int


@fact("pangu.master_stopped")
class MasterStopped(Fact):
    """The active master's reign ended: its process died, or another may have been elected."""

    machine: str
    epoch: int


@fact("pangu.master_ready")
class MasterReady(Fact):
    """An elected master serves, ``recovery_ns`` after its election; its state is that of ``records`` records."""

    machine: str
    records: int
    recovery_ns: int
    epoch: int


@fact("pangu.layout_surveyed", canonical=False)
class LayoutSurveyed(Fact):
    """What the dataset's layout is worth (:mod:`feitian_sim.pangu.survey`); shares of 1, and chunks."""

    chunks: int
    used_sd: float
    used_mean: float
    used_max: float
    usable: float
    copysets: int
    scatter_width: float
    least_scatter_width: int
    rack_loss: float
    rack_chunks: float
    two_rack_loss: float
    two_rack_chunks: float
    spare_racks: int
    grown: float
    usd_per_tb_year: float
    moved_tb_usd: float


@fact("pangu.burst_surveyed", canonical=False)
class BurstSurveyed(Fact):
    """What ``failures`` servers would take that fail for good at one time: P(any loss) with its bounds."""

    failures: int
    any_loss: float
    low: float
    high: float
    counted: bool
    expected_chunks: float


@fact("pangu.redundancy", canonical=False)
class Redundancy(Fact):
    """Sampled: how many chunks lack ``missing`` of their replicas, by the replicas that are really there."""

    missing: int
    chunks: int


@fact("pangu.repair_queue", canonical=False)
class RepairQueue(Fact):
    """Sampled: chunks that wait for repair, and clones under way."""

    queued: int
    running: int


@fact("pangu.stored", canonical=False, detail=True)
class ReplicaExtended(Fact):
    """A chunk server's disk holds more of a chunk, for good, under this version; ``length_bytes`` in all.

    ``crc``: the checksum of all that it holds now.
    """

    server: str
    chunk: int
    version: int
    length_bytes: int
    crc: int


@fact("pangu.chunk_told", canonical=False, detail=True)
class ChunkTold(Fact):
    """At the end: a sealed chunk, who holds it as the active master believes, and who really does, whole and undamaged.

    Servers are machines, separated by spaces; ``holders`` are those that are up. ``promised``: whether a client was told
    that something is in it.
    """

    chunk: int
    version: int
    believed: str
    holders: str
    living_servers: int
    promised: bool


@fact("pangu.chunk_hot")
class ChunkHot(Fact):
    """So many read a chunk at one server that another gets a temporary copy; ``served`` counts who had it till then."""

    chunk: int
    server: str
    reads: int
    target: str
    served: int


@fact("pangu.hot_copy_made")
class HotCopyMade(Fact):
    """A temporary copy of a hot chunk can be read; it was ordered at ``since_ns``."""

    chunk: int
    source: str
    target: str
    size_bytes: int
    since_ns: int


@fact("pangu.hot_copy_dropped")
class HotCopyDropped(Fact):
    """Nobody read a temporary copy any more, and its server dropped it."""

    chunk: int
    server: str
