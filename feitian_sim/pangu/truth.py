"""God's eye: what the disks really hold, whatever anybody in the cell knows. For probes, metrics and checks only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Simulation
from feitian_sim.pangu.books import Books
from feitian_sim.pangu.client_facts import Promises, Shortage
from feitian_sim.pangu.content import Extent
from feitian_sim.pangu.facts import Redundancy, RepairQueue
from feitian_sim.pangu.ledger import Ledger, PromisedFile
from feitian_sim.pangu.master_server import JOURNAL, MasterServer
from feitian_sim.pangu.master_state import MasterState
from feitian_sim.pangu.namespace import NamespaceError
from feitian_sim.pangu.replica_keeper import ReplicaKeeper

Ints = npt.NDArray[np.int64]


class Truth:
    """One cell, seen from outside."""

    def __init__(
        self,
        sim: Simulation,
        keepers: dict[int, ReplicaKeeper],
        master: MasterServer,
        snapshot: Callable[[], MasterState],
        ledger: Ledger,
        replicas: int,
    ) -> None:
        self._sim = sim
        self._keepers = keepers
        self._master = master
        self._durable = DurableState(master, snapshot)
        self._ledger = ledger
        self._replicas = replicas
        self._counts = {reachable: IntactCount(reachable) for reachable in (False, True)}
        self._levels: tuple[object, list[int]] = (None, [])

    def intact_replicas(self, state: MasterState, *, reachable: bool = False) -> Ints:
        """Undamaged replicas of the right version, by chunk; ``reachable``: only those on machines that are up."""
        return self._counts[reachable].refreshed(self._keepers, state)

    # Probes

    def sample(self) -> None:
        """Publish redundancy, the repair queue, and what is missing."""
        facts = self._sim.facts
        core = self._master.core
        state = core.books.state if core is not None else self._durable.state()
        if facts.wants(Redundancy):
            self._sample_redundancy(state)
        if facts.wants(RepairQueue):
            repair = core.books.repair if core is not None else None
            queued = repair.queued_count if repair is not None else 0
            self._sim.emit(RepairQueue(queued, repair.running_count if repair is not None else 0))
        if core is not None and facts.wants(Shortage):
            self._sim.emit(Shortage(self._shortage(core.books)))

    def _shortage(self, books: Books) -> int:
        table = books.state.chunks
        wanted = table.present & table.sealed
        live = books.locations.live(table.count)[wanted]
        return int(np.clip(self._replicas - live, 0, self._replicas).sum())

    def _sample_redundancy(self, state: MasterState) -> None:
        keepers = self._keepers.values()
        seen = (state.records_applied, [(keeper.revision, keeper.machine.up) for keeper in keepers])
        if self._levels[0] != seen:
            wanted = state.chunks.present & state.chunks.sealed
            found = self.intact_replicas(state, reachable=True)[wanted]
            missing = np.clip(self._replicas - found, 0, self._replicas)
            self._levels = (seen, np.bincount(missing, minlength=self._replicas + 1).tolist())
        for level, chunks in enumerate(self._levels[1]):
            self._sim.emit(Redundancy(level, chunks))

    # Promises

    def account(self) -> None:
        """Publish whether what was promised is still there, at the end."""
        if self._sim.facts.wants(Promises):
            self._sim.emit(self.promises())

    def promises(self) -> Promises:
        """Look for everything that was acknowledged, on the disks and in the durable log."""
        state = self._durable.state()
        files = self._ledger.files
        lost_metadata = [file for file in files if not _is_in(state, file)]
        lost_bytes = [file for file in files if not self._has_bytes(file)]
        return Promises(len(files), len(lost_metadata), len(lost_bytes))

    def _has_bytes(self, file: PromisedFile) -> bool:
        return all(self._chunk_is_safe(chunk, extents) for chunk, extents in file.chunks.items())

    def _chunk_is_safe(self, chunk: int, promised: Sequence[Extent]) -> bool:
        for server in self._likely_first(chunk):
            found = self._keepers[server].store.get(chunk)
            if found is not None and found.sound:
                held = dict.fromkeys(found.extents)
                if all(extent in held for extent in promised):
                    return True
        return False

    def _likely_first(self, chunk: int) -> Iterator[int]:
        core = self._master.core
        if core is not None:
            yield from core.books.locations.servers(chunk)
        yield from self._keepers


class IntactCount:
    """How many good replicas each chunk has, kept by adding up servers and redoing those that have changed."""

    def __init__(self, reachable: bool) -> None:
        self._reachable = reachable
        self._state: MasterState | None = None
        self._found: Ints = np.zeros(0, dtype=np.int64)
        # By server: what it was like when its chunks were counted, and which they were.
        self._counted: dict[int, tuple[object, Ints]] = {}
        self._raises_seen = 0

    def refreshed(self, keepers: dict[int, ReplicaKeeper], state: MasterState) -> Ints:
        """The count now, one entry a chunk; the caller must not change it."""
        if state is not self._state:
            self._state, self._raises_seen = state, 0
            self._counted = {}
            self._found = np.zeros(state.chunks.count, dtype=np.int64)
        more = state.chunks.count - len(self._found)
        if more:
            self._found = np.concatenate([self._found, np.zeros(more, dtype=np.int64)])
        raised = state.chunks.raised[self._raises_seen :]
        self._raises_seen += len(raised)
        for server, keeper in keepers.items():
            up = keeper.machine.up or not self._reachable
            signs = (keeper.revision, up)
            before = self._counted.get(server)
            stale = any(keeper.store.get(chunk) is not None for chunk in raised)
            if before is None or before[0] != signs or stale:
                if before is not None:
                    self._found[before[1]] -= 1
                intact = self._intact(keeper, state) if up else np.zeros(0, dtype=np.int64)
                self._found[intact] += 1
                self._counted[server] = (signs, intact)
        return self._found

    def _intact(self, keeper: ReplicaKeeper, state: MasterState) -> Ints:
        chunks, versions, _ = keeper.holdings()
        known = chunks < state.chunks.count
        chunks, versions = chunks[known], versions[known]
        right: Ints = chunks[versions == state.chunks.versions[chunks]]
        damaged = keeper.damaged_chunks()
        if not damaged:
            return right
        sound: Ints = right[~np.isin(right, np.array(damaged, dtype=np.int64), assume_unique=True)]
        return sound


class DurableState:
    """What a master would recover now: the snapshot and the durable records of the journal."""

    def __init__(self, master: MasterServer, snapshot: Callable[[], MasterState]) -> None:
        self._master = master
        self._snapshot = snapshot
        self._state = snapshot()

    def state(self) -> MasterState:
        """The state as of the records that are durable now."""
        journal = self._master.log_disk.journal(JOURNAL)
        if journal.durable_count < self._state.records_applied:
            # The disk of the log has failed.
            self._state = self._snapshot()
        records: list[Any] = list(journal.records())
        for record in records[self._state.records_applied : journal.durable_count]:
            self._state.apply(record)
        return self._state


def _is_in(state: MasterState, file: PromisedFile) -> bool:
    try:
        chunks = dict.fromkeys(state.namespace.chunks(file.path))
    except NamespaceError:
        return False
    return all(chunk in chunks for chunk in file.chunks)
