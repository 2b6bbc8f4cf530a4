"""What happened to services, their partitions and the requests to them."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("fuxi.service_started")
class ServiceStarted(Fact):
    """A ServiceMaster holds its service's lock and knows its table. ``adopted``: workers that run on under it."""

    app: str
    attempt: int
    partitions: int
    adopted: int


@fact("fuxi.partition_loaded")
class PartitionLoaded(Fact):
    """A worker serves a partition from now on. ``took_ns``: since it was told to."""

    app: str
    partition: int
    low: int
    high: int
    worker: int
    machine: str
    token: int
    took_ns: int


@fact("fuxi.partition_unloaded")
class PartitionUnloaded(Fact):
    """A worker serves a partition no more: ``moved`` (it was told so), ``split``, ``lease`` (it ran out), ``fenced``,
    ``stopped`` or ``died``."""

    app: str
    partition: int
    worker: int
    machine: str
    token: int
    why: str


@fact("fuxi.partition_moved")
class PartitionMoved(Fact):
    """The table gives a partition to a worker: ``placed`` (it was nobody's), ``moved`` (from one that let go), or
    ``expired`` (from one whose lease has run out)."""

    app: str
    partition: int
    source: int
    worker: int
    machine: str
    token: int
    why: str


@fact("fuxi.partition_split")
class PartitionSplit(Fact):
    """A partition is split at ``middle`` into two."""

    app: str
    partition: int
    low: int
    middle: int
    high: int
    first: int
    second: int


@fact("fuxi.write_fenced")
class WriteFenced(Fact):
    """A service's storage has refused a worker, since a newer token had been shown for its keys."""

    app: str
    partition: int
    worker: int
    token: int


@fact("fuxi.store_recovered")
class StoreRecovered(Fact):
    """A new life of the services' storage has read a service's journal; ``lost``: a durable record of it is damaged."""

    app: str
    machine: str
    records: int
    lost: bool


# Details


@fact("fuxi.table_written", canonical=False, detail=True)
class TableWritten(Fact):
    """A table is in Nuwa. ``rows``: number:low-high:worker:token, joined by commas, in the order of the keys."""

    app: str
    attempt: int
    number: int
    keys: int
    rows: str


@fact("fuxi.service_lease", canonical=False, detail=True)
class ServiceLease(Fact):
    """A worker may serve until then, which is when its clock will show the end of its lease."""

    app: str
    worker: int
    machine: str
    until_ns: int


@fact("fuxi.request_served", canonical=False, detail=True)
class RequestServed(Fact):
    """A worker answers a request to a partition. ``took_ns``: since it came."""

    app: str
    partition: int
    worker: int
    token: int
    key: int
    write: bool
    took_ns: int


@fact("fuxi.partition_stored", canonical=False, detail=True)
class PartitionStored(Fact):
    """A service's storage took a write, or the showing of a token (``key`` -1)."""

    app: str
    partition: int
    worker: int
    low: int
    high: int
    token: int
    key: int
