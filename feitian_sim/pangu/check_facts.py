"""What only oracles want to know: built when somebody checks, and in no digest.

Servers are machines by name; several are separated by spaces. ``content``: extents in order, each as
``writer#sequence+offset:length``, separated by spaces.
"""

from __future__ import annotations

from collections.abc import Iterable

from feitian_sim.kernel import Fact, fact
from feitian_sim.pangu.content import Extent


def content_of(extents: Iterable[Extent]) -> str:
    """Extents as these facts have them."""
    return " ".join(f"{one.writer}#{one.sequence}+{one.offset_bytes}:{one.length_bytes}" for one in extents)


@fact("pangu.lease_taken", canonical=False, detail=True)
class LeaseTaken(Fact):
    """A chunk server's process is the primary of a chunk under this version, until then."""

    server: str
    chunk: int
    version: int
    until_ns: int


@fact("pangu.turn_given", canonical=False, detail=True)
class TurnGiven(Fact):
    """A primary has begun a write."""

    server: str
    chunk: int
    version: int


@fact("pangu.lease_granted", canonical=False, detail=True)
class LeaseGranted(Fact):
    """The master tells writers of a lease: who holds replicas of this version, the primary first."""

    epoch: int
    chunk: int
    version: int
    servers: str
    until_ns: int


@fact("pangu.write_committed", canonical=False, detail=True)
class WriteAcknowledged(Fact):
    """A primary acknowledges a write that ends at ``length_bytes``; ``leading``: its lease still runs."""

    server: str
    chunk: int
    version: int
    length_bytes: int
    leading: bool


@fact("pangu.chunk_closed", canonical=False, detail=True)
class ChunkClosed(Fact):
    """The master has decided that a chunk ends here, and that these servers hold it whole."""

    chunk: int
    length_bytes: int
    servers: str


@fact("pangu.record_chosen", canonical=False, detail=True)
class RecordChosen(Fact):
    """A master has taken in record number ``index`` of the log.

    ``op`` is create, directory, delete, rename, add, seal, abandon, raise or mode; ``path`` and ``other`` (the new path
    or the mode), ``chunk`` (or server) and ``number`` (length or version) are what the record says.
    """

    member: str
    index: int
    op: str
    path: str
    other: str
    chunk: int
    number: int


@fact("pangu.tree_told", canonical=False, detail=True)
class TreeTold(Fact):
    """The state that a master has after so many records, as a number.

    The XOR of the 64-bit BLAKE2b hashes of its lines: ``d PATH`` of each directory; ``f PATH CHUNK CHUNK...`` of each
    file; ``c CHUNK VERSION LENGTH`` of each chunk of these files, the length -1 while it is open. What lies in the
    preloaded dataset is left out.
    """

    member: str
    records: int
    sum: int
    why: str


@fact("pangu.replica_dropped", canonical=False, detail=True)
class ReplicaDropped(Fact):
    """A server removes a replica because the master said so.

    ``needed``: the chunk is part of a file, and sealed. ``good``: the replica was undamaged, whole and of the right
    version.
    ``others``: how many such there are elsewhere, on disks that have not failed.
    """

    server: str
    chunk: int
    needed: bool
    good: bool
    others: int


@fact("pangu.replicas_told", canonical=False, detail=True)
class ReplicasTold(Fact):
    """At the end: replicas on a server that the active master knows, and those that are of no use to anybody."""

    server: str
    replicas: int
    orphans: str


@fact("pangu.clone_ordered", canonical=False, detail=True)
class CloneOrdered(Fact):
    """The master orders the repair of a replica.

    Clones are counted with this one; ``most_...`` are the limits. ``instead``: a chunk with fewer copies that could have
    been repaired from this source to this target in its place, -1 if there was none.
    """

    epoch: int
    chunk: int
    copies_left: int
    source: str
    target: str
    from_source: int
    into_target: int
    running: int
    most_per_server: int
    most_running: int
    instead: int


@fact("pangu.clone_stored", canonical=False, detail=True)
class CloneStored(Fact):
    """A server has copied a replica, and how long its bytes took."""

    server: str
    chunk: int
    size_bytes: int
    took_ns: int
    most_bps: int


@fact("pangu.scrub_begun", canonical=False, detail=True)
class ScrubBegun(Fact):
    """A chunk server's process goes round its replicas, once in a period."""

    server: str
    every_ns: int


@fact("pangu.damage_noticed", canonical=False, detail=True)
class DamageNoticed(Fact):
    """A chunk server has found its own replica damaged, and serves it no more."""

    server: str
    chunk: int


@fact("pangu.bytes_sent", canonical=False, detail=True)
class BytesSent(Fact):
    """A client is about to write this into a chunk."""

    client: str
    chunk: int
    content: str


@fact("pangu.bytes_acknowledged", canonical=False, detail=True)
class BytesAcknowledged(Fact):
    """A client was told that this is safe, at this place of the chunk."""

    client: str
    chunk: int
    offset_bytes: int
    content: str


@fact("pangu.chunk_read", canonical=False, detail=True)
class ChunkRead(Fact):
    """A client has read a chunk, having begun then: all that the replica holds."""

    client: str
    path: str
    chunk: int
    began_ns: int
    content: str
