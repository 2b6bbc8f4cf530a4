"""Operations that write: a file from beginning to end, and appends of records.

A write takes a new chunk for each piece and leaves one that cannot be written: the next try stands in another chunk,
away from the servers at fault. Only when every piece is sealed in the master's log is the file acknowledged.
An append goes to the file's last chunk, through whoever holds its lease; where it fails, the master seals that
chunk or gives its lease anew, with a higher version and without the servers at fault.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any

from feitian_sim.kernel import Simulation
from feitian_sim.pangu.avoidance import Avoidance
from feitian_sim.pangu.check_facts import BytesAcknowledged, BytesSent, content_of
from feitian_sim.pangu.chunk_messages import WriteCommitted
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.content import Extent
from feitian_sim.pangu.ledger import Ledger
from feitian_sim.pangu.master_calls import MasterCalls
from feitian_sim.pangu.messages import AddChunk, CreateFile, Leased, LeaseLast, SealChunk
from feitian_sim.pangu.patience import PanguError, Patience
from feitian_sim.pangu.write_path import Pushed, WritePath

Steps = Generator[Any, Any, None]
Extents = tuple[Extent, ...]


def _at_any_place(extent: Extent, _: int) -> Extents:
    """The extents of a write are what they are wherever they come to stand."""
    return (extent,)


class Writing:
    """One client's writes and appends."""

    def __init__(
        self,
        sim: Simulation,
        name: str,
        writer: int,
        config: PanguConfig,
        master: MasterCalls,
        path: WritePath,
        ledger: Ledger,
        avoidance: Avoidance,
    ) -> None:
        self._sim = sim
        self._name = name
        # Index of the client's machine among the servers; negative when it is none of them.
        self._writer = writer
        self._chunk_size_bytes = config.chunk_size
        self._avoidance = avoidance
        self._master = master
        self._path = path
        self._ledger = ledger
        self._writes = 0
        self._leases: dict[str, Leased] = {}

    def create(self, path: str, patience: Patience) -> Steps:
        """Make an empty file."""
        self._writes += 1
        yield from self._master.ask(CreateFile(path, f"{self._name}#{self._writes}"), patience)
        patience.progressed()
        self._ledger.created(path)

    def write_file(self, path: str, size_bytes: int, request_bytes: int | None, patience: Patience) -> Steps:
        """Make a file and write all of it, with requests of so many bytes (None: a chunk each)."""
        yield from self.create(path, patience)
        sequence = self._writes
        safe: list[tuple[int, Extents]] = []
        for position, offset in enumerate(range(0, size_bytes, self._chunk_size_bytes)):
            length = min(self._chunk_size_bytes, size_bytes - offset)
            step = request_bytes or length
            extents: Extents = tuple(
                Extent(self._name, sequence, offset + part, min(step, length - part)) for part in range(0, length, step)
            )
            chunk = yield from self._write_chunk(path, position, extents, patience)
            safe.append((chunk, extents))
        for chunk, extents in safe:
            self._acknowledge(path, chunk, 0, extents)

    def _write_chunk(self, path: str, position: int, extents: Extents, patience: Patience) -> Generator[Any, Any, int]:
        while True:
            since_ns = patience.now_ns
            anywhere = AddChunk(path, position, self._writer)
            wish = replace(anywhere, exclude=self._avoidance.avoided(since_ns))
            target: Leased = yield from self._master.ask(wish, patience, anywhere)
            self._issue(target.chunk, extents)
            outcome = yield from self._push_each(target, extents)
            if isinstance(outcome, WriteCommitted):
                yield from self._master.ask(SealChunk(path, target.chunk, outcome.length_bytes), patience)
                patience.progressed()
                return target.chunk
            self._avoidance.failed(self._path.servers_at(target, outcome.failed), patience.now_ns)
            yield from patience.wait(since_ns, outcome.reason)

    def _push_each(self, target: Leased, extents: Extents) -> Generator[Any, Any, Pushed]:
        """A request for each extent, one after the other; the last one's outcome, or the first that is refused."""
        outcome: Pushed = WriteCommitted(0)
        for extent in extents:
            outcome = yield from self._path.push(target, extent.length_bytes, partial(_at_any_place, extent))
            if not isinstance(outcome, WriteCommitted):
                break
        return outcome

    def append(self, path: str, size_bytes: int, patience: Patience) -> Steps:
        """Add one record to the file's end, whole, at a place that the primary chooses."""
        if size_bytes > self._chunk_size_bytes:
            raise PanguError(f"a record of {size_bytes} bytes does not fit into a chunk of {self._chunk_size_bytes}")
        self._writes += 1
        extents: Extents = (Extent(self._name, self._writes, 0, size_bytes),)
        full = -1
        while True:
            since_ns = patience.now_ns
            target = yield from self._lease(path, full, patience)
            self._issue(target.chunk, extents)
            outcome = yield from self._path.push(target, size_bytes, lambda _: extents)
            if isinstance(outcome, WriteCommitted):
                patience.progressed()
                self._acknowledge(path, target.chunk, outcome.length_bytes - size_bytes, extents)
                return
            self._leases.pop(path, None)
            if outcome.full:
                full = target.chunk
            else:
                self._avoidance.failed(self._path.servers_at(target, outcome.failed), patience.now_ns)
                yield from patience.wait(since_ns, outcome.reason)

    def _issue(self, chunk: int, extents: Extents) -> None:
        self._ledger.issued(chunk, extents)
        if self._sim.facts.wants(BytesSent):
            self._sim.emit(BytesSent(self._name, chunk, content_of(extents)))

    def _acknowledge(self, path: str, chunk: int, offset_bytes: int, extents: Extents) -> None:
        self._ledger.acknowledged(path, chunk, extents)
        if self._sim.facts.wants(BytesAcknowledged):
            self._sim.emit(BytesAcknowledged(self._name, chunk, offset_bytes, content_of(extents)))

    def _lease(self, path: str, full: int, patience: Patience) -> Generator[Any, Any, Leased]:
        known = self._leases.get(path)
        if known is not None and known.until_ns > patience.now_ns:
            return known
        anywhere = LeaseLast(path, self._writer, full=full)
        wish = replace(anywhere, exclude=self._avoidance.avoided(patience.now_ns))
        leased: Leased = yield from self._master.ask(wish, patience, anywhere)
        self._leases[path] = leased
        return leased
