"""Messages of services. Each docstring says who tells whom."""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.fuxi.messages import per_item


@dataclass(frozen=True, slots=True)
class Row:
    """A partition, as its owner must know it."""

    partition: int
    low: int
    high: int
    token: int


@dataclass(frozen=True, slots=True)
class Hold:
    """ServiceMaster to worker: hold these partitions and no other. ``attempt`` and ``number`` only grow; what is older
    than the last that was heard counts for nothing. Answered by :class:`Holds`."""

    app: str
    worker: int
    attempt: int
    number: int
    address: str
    rows: tuple[Row, ...]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.rows), 32)


@dataclass(frozen=True, slots=True)
class Holds:
    """A worker says what it has, in whatever state, and which :class:`Hold` it has heard last."""

    attempt: int
    number: int
    #: (partition, token), also those that are being loaded or unloaded.
    has: tuple[tuple[int, int], ...]

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(64, len(self.has), 16)


@dataclass(frozen=True, slots=True)
class PartitionLoad:
    """What a partition was asked since the last report: its median key is where it would be split."""

    partition: int
    requests: int
    median: int


@dataclass(frozen=True, slots=True)
class Renew:
    """Worker to ServiceMaster: may it go on? Sent every now and then, and when what it holds has changed."""

    app: str
    worker: int
    machine: str
    holds: Holds
    #: The time that ``loads`` were counted in.
    span_ns: int = 0
    loads: tuple[PartitionLoad, ...] = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.holds.has) + len(self.loads), 16)


@dataclass(frozen=True, slots=True)
class Renewed:
    """ServiceMaster to worker: it may serve for so long from the moment at which it asked; 0: it is not wanted any more.

    ``attempt``, ``number``: of the last :class:`Hold` for it; one before that which comes late counts for nothing.
    """

    attempt: int
    number: int
    lease_ns: int


# Workers and the storage


@dataclass(frozen=True, slots=True)
class Fence:
    """Worker to storage: these keys are mine under this token; take nothing under an older one from now on."""

    app: str
    worker: int
    partition: int
    low: int
    high: int
    token: int


@dataclass(frozen=True, slots=True)
class Put:
    """Worker to storage: keep a write to a key of this partition, unless a newer token has been shown for it."""

    app: str
    worker: int
    partition: int
    low: int
    high: int
    token: int
    key: int
    wire_bytes: int = 256


@dataclass(frozen=True, slots=True)
class Stored:
    """Storage to worker: whether it was taken."""

    ok: bool


# Clients and workers


@dataclass(frozen=True, slots=True)
class Request:
    """Client to worker: read or write a key, which the table said is in a partition of this worker."""

    app: str
    worker: int
    key: int
    write: bool = False
    wire_bytes: int = 256


@dataclass(frozen=True, slots=True)
class Answered:
    """Worker to client: it is done; not ``ok``: this worker does not have the key (any more, or yet)."""

    ok: bool
    wire_bytes: int = 256
