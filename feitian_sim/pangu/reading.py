"""Operations that read: find the chunks, pull each from a replica, check that it is what was acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from feitian_sim.kernel import Simulation
from feitian_sim.pangu.check_facts import ChunkRead, content_of
from feitian_sim.pangu.chunk_messages import ChunkPulled
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.ledger import Ledger
from feitian_sim.pangu.master_calls import MasterCalls
from feitian_sim.pangu.messages import ChunkPlace, Locate, Located
from feitian_sim.pangu.patience import Patience
from feitian_sim.pangu.read_path import ReadPath


class Reading:
    """One client's reads."""

    def __init__(
        self,
        sim: Simulation,
        name: str,
        config: PanguConfig,
        master: MasterCalls,
        path: ReadPath,
        ledger: Ledger,
        on_wrong: Callable[[str, int], object],
    ) -> None:
        self._sim = sim
        self._name = name
        self._chunk_size_bytes = config.chunk_size
        self._remember_ns = config.client.remember_locations
        self._master = master
        self._path = path
        self._ledger = ledger
        # Told (path, chunk) when bytes passed every checksum and are not those acknowledged.
        self._on_wrong = on_wrong
        # What the master said of each file, and when.
        self._located: dict[str, tuple[Located, int]] = {}

    def read(
        self, path: str, offset: int, length: int | None, patience: Patience, first: int = 0
    ) -> Generator[Any, Any, int]:
        """Read ``length`` bytes from ``offset``, or all; returns how many there were.

        The chunks are read in turn, ``first`` (of those there are, as often around as it takes) before the others.
        """
        located: Located = yield from self._locate(path, patience, fresh=length is None)
        end = None if length is None else offset + length
        if end is not None and end > located.size_bytes:
            located = yield from self._locate(path, patience, fresh=True)
        moved_bytes = 0
        beyond = located.chunk_count if end is None else min(located.chunk_count, -(-end // self._chunk_size_bytes))
        positions = range(offset // self._chunk_size_bytes, beyond)
        first %= len(positions) or 1
        for position in (*positions[first:], *positions[:first]):
            start = position * self._chunk_size_bytes
            skip = max(0, offset - start)
            wanted = -1 if end is None else min(end - start, self._chunk_size_bytes) - skip
            moved_bytes += yield from self._read_chunk(path, position, skip, wanted, patience)
        return moved_bytes

    def forget(self, path: str) -> None:
        """What was known of the file no longer holds."""
        self._located.pop(path, None)

    def _locate(self, path: str, patience: Patience, *, fresh: bool) -> Generator[Any, Any, Located]:
        known = self._located.get(path)
        if known is not None and not fresh and patience.now_ns - known[1] < self._remember_ns:
            return known[0]
        located: Located = yield from self._master.ask(Locate(path), patience)
        patience.progressed()
        self._located[path] = (located, patience.now_ns)
        return located

    def _read_chunk(
        self, path: str, position: int, skip: int, wanted: int, patience: Patience
    ) -> Generator[Any, Any, int]:
        fresh = False
        while True:
            since_ns = patience.now_ns
            located: Located = yield from self._locate(path, patience, fresh=fresh)
            if position >= located.chunk_count:
                return 0
            place: ChunkPlace = located.places[position]
            promised, began_ns = self._ledger.promised(place.chunk), self._sim.now
            outcome = yield from self._path.pull(place, skip, wanted)
            if outcome.failed:
                # Where its replicas are has changed since, or will.
                self.forget(path)
            if outcome.got is not None:
                if outcome.got.hot:
                    # By the next time there may be temporary copies of it.
                    self.forget(path)
                patience.progressed()
                self._check(path, place.chunk, outcome.got, promised)
                if self._sim.facts.wants(ChunkRead):
                    content = content_of(outcome.got.extents)
                    self._sim.emit(ChunkRead(self._name, path, place.chunk, began_ns, content))
                return outcome.got.moved_bytes
            fresh = True
            yield from patience.wait(since_ns, outcome.reason)

    def _check(self, path: str, chunk: int, pulled: ChunkPulled, promised: Any) -> None:
        if not self._ledger.is_right(chunk, pulled.extents, promised):
            self._on_wrong(path, chunk)
