"""God's eye: what the disks really hold, whatever anybody in the cell knows. For probes, metrics and checks only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Simulation
from feitian_sim.pangu.books import Books
from feitian_sim.pangu.check_facts import ReplicaDropped, ReplicasTold
from feitian_sim.pangu.client_facts import Promises, Shortage, Survival
from feitian_sim.pangu.content import Extent
from feitian_sim.pangu.facts import ChunkTold, Redundancy, RepairQueue
from feitian_sim.pangu.ledger import Ledger, PromisedFile
from feitian_sim.pangu.master_state import MasterState
from feitian_sim.pangu.master_told import tree_told
from feitian_sim.pangu.masters import Masters
from feitian_sim.pangu.move_facts import Balance
from feitian_sim.pangu.namespace import NamespaceError
from feitian_sim.pangu.replica_keeper import ReplicaKeeper

Ints = npt.NDArray[np.int64]


class Truth:
    """One cell, seen from outside."""

    def __init__(
        self,
        sim: Simulation,
        keepers: dict[int, ReplicaKeeper],
        masters: Masters,
        snapshot: Callable[[], MasterState],
        ledger: Ledger,
        replicas: int,
    ) -> None:
        self._sim = sim
        self._keepers = keepers
        self._masters = masters
        self._durable = DurableState(masters, snapshot)
        self._ledger = ledger
        self._replicas = replicas
        self._counts = {reachable: IntactCount(reachable) for reachable in (False, True)}
        self._levels: tuple[object, list[int]] = (None, [])
        if sim.facts.wants(ReplicaDropped):
            for server, keeper in keepers.items():
                keeper.on_drop = partial(self._tell_dropped, server)

    def intact_replicas(self, state: MasterState, *, reachable: bool = False) -> Ints:
        """Undamaged replicas of the right version, by chunk; ``reachable``: only those on machines that are up."""
        return self._counts[reachable].refreshed(self._keepers, state)

    # Probes

    def sample(self) -> None:
        """Publish redundancy, the repair queue, what is missing, and how full the servers are."""
        facts = self._sim.facts
        core = self._masters.core
        if facts.wants(Redundancy):
            self._sample_redundancy(self._state())
        if facts.wants(RepairQueue):
            repair = core.books.repair if core is not None else None
            queued = repair.queued_count if repair is not None else 0
            self._sim.emit(RepairQueue(queued, repair.running_count if repair is not None else 0))
        if core is not None and facts.wants(Shortage):
            self._sim.emit(Shortage(self._shortage(core.books)))
        if core is not None and facts.wants(Balance):
            self._sample_balance(core.books)

    def _shortage(self, books: Books) -> int:
        table = books.state.chunks
        wanted = table.present & table.sealed
        live = books.locations.live(table.count)[wanted]
        return int(np.clip(self._replicas - live, 0, self._replicas).sum())

    def _sample_balance(self, books: Books) -> None:
        view = books.view
        members = view.alive & view.accepting & (view.capacity_bytes > 0)
        if members.any():
            used = np.array([keeper.machine.used_bytes for keeper in self._keepers.values()], dtype=np.float64)
            found = used[members] / view.capacity_bytes[members]
            middle, mean = float(np.median(found)), float(used[members].sum() / view.capacity_bytes[members].sum())
            extremes = float(found.min()), float(found.max())
            self._sim.emit(Balance(len(found), extremes[0], middle, mean, extremes[1], float(found.std())))

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
        """Publish whether what was stored and what was promised is still there, at the end."""
        if self._sim.facts.wants(Survival):
            self._sim.emit(self.survival())
        if self._sim.facts.wants(Promises):
            self._sim.emit(self.promises())

    def survival(self) -> Survival:
        """Look for a good replica of every chunk, on machines that are up and on those that are down."""
        state = self._state()
        found = self.intact_replicas(state, reachable=True).copy()
        for keeper in self._keepers.values():
            if not keeper.machine.up:
                ServerShare(keeper).refresh(found, state, [], counts=True)
        wanted = state.chunks.present & state.chunks.sealed
        return Survival(int(wanted.sum()), int((found[wanted] == 0).sum()))

    def _state(self) -> MasterState:
        """The master's, or while there is none what it would recover."""
        core = self._masters.core
        return core.books.state if core is not None else self._durable.state()

    def promises(self) -> Promises:
        """Look for everything that was acknowledged, on the disks and in the durable log."""
        state = self._durable.state()
        files = self._ledger.files
        lost_metadata = [file for file in files if not _is_in(state, file)]
        lost_bytes = [file for file in files if not self._has_bytes(file)]
        return Promises(len(files), len(lost_metadata), len(lost_bytes))

    def tell_chunks(self) -> None:
        """Say of each sealed chunk who holds it, to whoever checks it."""
        core = self._masters.core
        if core is None or not self._sim.facts.wants(ChunkTold):
            return
        books = core.books
        chunks = books.state.chunks
        living = sum(1 for keeper in self._keepers.values() if keeper.machine.up)
        promised = {chunk for file in self._ledger.files for chunk, extents in file.chunks.items() if extents}
        for chunk in np.flatnonzero(chunks.present & chunks.sealed).tolist():
            version, length_bytes = int(chunks.versions[chunk]), int(chunks.lengths[chunk])
            believed = [self._keepers[server].machine.name for server in books.locations.servers(chunk)]
            holders = [
                keeper.machine.name
                for keeper in self._keepers.values()
                if keeper.machine.up and _is_good(keeper, chunk, version, length_bytes)
            ]
            told = ChunkTold(chunk, version, " ".join(believed), " ".join(holders), living, chunk in promised)
            self._sim.emit(told)

    def tell_masters(self) -> None:
        """Say what the active master's tree is, and which replicas on the servers that it knows nobody needs."""
        reign, facts = self._masters.reign, self._sim.facts
        if reign is None or self._masters.machine is None or not facts.wants(ReplicasTold):
            return
        books = reign.core.books
        self._sim.emit(tree_told(self._masters.machine.name, books.state, "in the end"))
        for server in books.registered:
            keeper = self._keepers[server]
            held = keeper.store.holdings()[0].tolist()
            orphans = [chunk for chunk in held if server not in books.locations.servers(chunk)]
            if keeper.machine.up:
                self._sim.emit(ReplicasTold(keeper.machine.name, len(held), " ".join(map(str, orphans))))

    def _tell_dropped(self, server: int, chunks: Ints) -> None:
        state = self._state()
        for chunk in chunks.tolist():
            if self._keepers[server].store.get(chunk) is None:
                continue
            # What becomes of an open chunk is its primary's business, and the master closes it with those that are left.
            needed = state.chunks.knows(chunk) and bool(state.chunks.sealed[chunk])
            version = int(state.chunks.versions[chunk]) if needed else 0
            length_bytes = int(state.chunks.lengths[chunk]) if needed else 0
            good = [one for one, keeper in self._keepers.items() if _is_good(keeper, chunk, version, length_bytes)]
            others = sum(one != server for one in good)
            name = self._keepers[server].machine.name
            self._sim.emit(ReplicaDropped(name, chunk, needed, server in good, others))

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
        core = self._masters.core
        if core is not None:
            yield from core.books.locations.servers(chunk)
        yield from self._keepers


class IntactCount:
    """How many good replicas each chunk has, kept by looking again at what has changed on each server."""

    def __init__(self, reachable: bool) -> None:
        self._reachable = reachable
        self._state: MasterState | None = None
        self._found: Ints = np.zeros(0, dtype=np.int64)
        self._shares: dict[int, ServerShare] = {}
        self._raises_seen = 0

    def refreshed(self, keepers: dict[int, ReplicaKeeper], state: MasterState) -> Ints:
        """The count now, one entry a chunk; the caller must not change it."""
        if state is not self._state:
            self._state, self._raises_seen = state, 0
            self._shares = {server: ServerShare(keeper) for server, keeper in keepers.items()}
            self._found = np.zeros(state.chunks.count, dtype=np.int64)
        more = state.chunks.count - len(self._found)
        if more:
            self._found = np.concatenate([self._found, np.zeros(more, dtype=np.int64)])
        raised = state.chunks.raised[self._raises_seen :]
        self._raises_seen += len(raised)
        for share in self._shares.values():
            share.refresh(self._found, state, raised, counts=share.keeper.machine.up or not self._reachable)
        return self._found


class ServerShare:
    """What one server adds to the count: its rows as an array, its own replicas one by one."""

    def __init__(self, keeper: ReplicaKeeper) -> None:
        self.keeper = keeper
        self._counts = False
        self._rows_revision = -1
        self._rows: Ints = np.zeros(0, dtype=np.int64)
        self._own: dict[int, None] = {}
        self._changes_seen = 0
        self._unknown: list[int] = []

    def refresh(self, found: Ints, state: MasterState, raised: list[int], *, counts: bool) -> None:
        """Bring ``found`` up to date; ``raised``: chunks whose version has gone up since the last time."""
        if not counts:
            self._leave(found)
            return
        store = self.keeper.store
        if not self._counts:
            self._counts = True
            self._rows_revision = -1
            self._changes_seen = 0
        if self._rows_revision != store.rows_revision or self._has_row_of(raised):
            found[self._rows] -= 1
            self._rows = self._right_rows(state)
            found[self._rows] += 1
            self._rows_revision = store.rows_revision
        changes = [*self._unknown, *store.own_changes[self._changes_seen :]]
        self._changes_seen = len(store.own_changes)
        # The durable log may be behind: of what it does not know yet it will hear.
        self._unknown = [chunk for chunk in changes if chunk >= state.chunks.count]
        for chunk in dict.fromkeys((*changes, *(chunk for chunk in raised if store.is_own(chunk)))):
            self._look_again(chunk, found, state)

    def _has_row_of(self, raised: list[int]) -> bool:
        rows, _ = self.keeper.store.rows()
        if not raised or not len(rows) or min(raised) > rows[-1]:
            return False
        return bool(self.keeper.store.untouched(np.array(raised, dtype=np.int64))[0].any())

    def _look_again(self, chunk: int, found: Ints, state: MasterState) -> None:
        # What turned from a row into a replica of its own has left the rows by now.
        intact = (
            chunk < state.chunks.count
            and self.keeper.store.is_own(chunk)
            and self.keeper.is_intact(chunk, int(state.chunks.versions[chunk]))
        )
        if intact and chunk not in self._own:
            self._own[chunk] = None
            found[chunk] += 1
        elif not intact and chunk in self._own:
            del self._own[chunk]
            found[chunk] -= 1

    def _right_rows(self, state: MasterState) -> Ints:
        chunks, versions = self.keeper.store.rows()
        known = chunks < state.chunks.count
        chunks, versions = chunks[known], versions[known]
        right: Ints = chunks[versions >= state.chunks.versions[chunks]]
        return right

    def _leave(self, found: Ints) -> None:
        if self._counts:
            found[self._rows] -= 1
            found[list(self._own)] -= 1
        self._counts = False
        self._rows = self._rows[:0]
        self._own.clear()


class DurableState:
    """What a master would recover now: the snapshot and the records that a quorum of the masters' disks have."""

    def __init__(self, masters: Masters, snapshot: Callable[[], MasterState]) -> None:
        self._masters = masters
        self._snapshot = snapshot
        # Made when it is first asked for: the dataset comes after this object.
        self._known: MasterState | None = None

    def state(self) -> MasterState:
        """The state as of the records that are chosen and still on a quorum of disks."""
        records = self._masters.durable_records()
        if self._known is None or len(records) < self._known.records_applied:
            # The first time, or the disks of the log have failed.
            self._known = self._snapshot()
        for record in records[self._known.records_applied :]:
            self._known.apply(record)
        return self._known


def _is_good(keeper: ReplicaKeeper, chunk: int, version: int, length_bytes: int) -> bool:
    replica = keeper.store.get(chunk)
    return replica is not None and keeper.is_intact(chunk, version) and replica.length_bytes >= length_bytes


def _is_in(state: MasterState, file: PromisedFile) -> bool:
    try:
        chunks = dict.fromkeys(state.namespace.chunks(file.path))
    except NamespaceError:
        return False
    return all(chunk in chunks for chunk in file.chunks)
