"""Where services' partitions keep their writes: a process with a journal for each service on a disk of its machine.

A write is taken if no newer token was shown for its keys (:mod:`.fenced_keys`), appended to the service's journal, and
answered when a sync has made it durable; what comes while the disk syncs goes with the next sync (group commit). The
process may be killed and its machine may crash: a new life reads the journals and knows every token that anybody was
told it had shown. What was refused before a crash may be taken after it only where the newer token had not become
durable, so that its owner was told nothing. After so many records the journal begins anew with what they come to.

One disk has it all. A journal that is empty, since the disk failed, or of which a durable record is damaged is not gone
by: to take writes without knowing every token is what fencing is there to prevent. The service has then lost its data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from feitian_sim.fuxi.needs import BE_HEARD_BY_STORE
from feitian_sim.fuxi.ports import STORE_PORT, STORE_ROLE
from feitian_sim.fuxi.service.facts import PartitionStored, StoreRecovered, WriteFenced
from feitian_sim.fuxi.service.fenced_keys import FencedKeys
from feitian_sim.fuxi.service.messages import Fence, Put, Stored
from feitian_sim.hardware import Daemon, Machine
from feitian_sim.hardware.journal import Journal
from feitian_sim.kernel import Owner, SimulatedError, Simulation
from feitian_sim.kuafu import Endpoint, Identities, IncomingCall, Kuafu

#: Beside what is written: its head in the journal.
_HEAD_BYTES = 64
#: Of a range in a journal's summary.
_RANGE_BYTES = 16
#: A journal with so many records begins anew.
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A record: keys from ``low`` below ``high`` were touched under ``token``; ``key`` was written, or -1."""

    low: int
    high: int
    token: int
    key: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A record that stands for all before it."""

    lows: tuple[int, ...]
    tokens: tuple[int, ...]
    writes: int


class _Store:
    """One service's storage in one life of the process."""

    def __init__(self, keys: int, journal: Journal) -> None:
        self.fenced = FencedKeys(keys)
        self.journal = journal
        self.writes = 0
        self.records = 0
        #: Answers that wait for their records to be durable.
        self.waiting: list[Callable[[], object]] = []
        self.is_lost = journal.is_damaged or not journal.count
        if not self.is_lost:
            # What a crash has torn nobody was told of.
            journal.truncate()
        for record in journal.records():
            self._read(record)

    def _read(self, record: object) -> None:
        self.records += 1
        if isinstance(record, Summary):
            self.fenced.restore(record.lows, record.tokens)
            self.writes = record.writes
        elif isinstance(record, Kept):
            self.fenced.touch(record.low, record.high, record.token)
            self.writes += record.key >= 0


class StoreServer:
    """The storage of all services of a cell, through all its lives. ``takes_ns``: computed for each write."""

    def __init__(self, sim: Simulation, kuafu: Kuafu, identities: Identities, machine: Machine, takes_ns: int) -> None:
        self._sim = sim
        self._kuafu = kuafu
        self._identities = identities
        self._machine = machine
        self._disk = machine.disks[0]
        self._takes_ns = takes_ns
        self.address = f"tcp://{machine.name}:{STORE_PORT}"
        # Services that it is for, and how many keys each has: as it was set up, so every life knows it.
        self._keys: dict[str, int] = {}
        self._stores: dict[str, _Store] = {}
        self._owner: Owner | None = None
        self._is_syncing = False
        self.daemon = Daemon(machine, f"{STORE_ROLE}@{machine.name}", STORE_ROLE, self._boot)
        self.daemon.start()

    def _boot(self, owner: Owner) -> None:
        self._owner = owner
        self._is_syncing = False
        credential = self._identities.module(STORE_ROLE, self._machine.name)
        endpoint: Endpoint = self._kuafu.endpoint(owner, self._machine, STORE_PORT, credential)
        endpoint.serve(Fence, self._come, BE_HEARD_BY_STORE)
        endpoint.serve(Put, self._come, BE_HEARD_BY_STORE)
        self._stores = {app: self._open(app) for app in self._keys}
        for app, store in self._stores.items():
            self._sim.emit(StoreRecovered(app, self._machine.name, store.records, store.is_lost))

    def _open(self, app: str) -> _Store:
        return _Store(self._keys[app], self._disk.journal(f"{STORE_ROLE}.{app}"))

    def keep(self, app: str, keys: int) -> None:
        """Be a service's storage from now on."""
        if app not in self._keys:
            self._keys[app] = keys
            # It is never empty, so that an empty one is one that was lost.
            self._disk.journal(f"{STORE_ROLE}.{app}").found([Summary((0,), (0,), 0)])
            if self.daemon.alive:
                self._stores[app] = self._open(app)

    def writes(self, app: str) -> int:
        """How many writes of a service are kept, all in all: what must not be lost."""
        return self._stores[app].writes

    def fenced(self, app: str) -> FencedKeys:
        """The tokens of a service as this life knows them."""
        return self._stores[app].fenced

    # Writes

    def _come(self, call: IncomingCall) -> None:
        assert self._owner is not None, "it has not been started"
        self._owner.call_later(self._takes_ns, self._touch, call)

    def _touch(self, call: IncomingCall) -> None:
        message: Fence | Put = call.message
        store = self._stores.get(message.app)
        if store is None or store.is_lost:
            call.fail(
                f"the storage has nothing of {message.app}" if store is None else "the storage's journal is damaged"
            )
            return
        if not store.fenced.touch(message.low, message.high, message.token):
            self._sim.emit(WriteFenced(message.app, message.partition, message.worker, message.token))
            call.reply(Stored(False))
            return
        key = message.key if isinstance(message, Put) else -1
        size_bytes = _HEAD_BYTES + (message.wire_bytes if isinstance(message, Put) else 0)
        store.writes += key >= 0
        if self._append(store, Kept(message.low, message.high, message.token, key), size_bytes):
            store.waiting.append(lambda: self._kept(call, key))
            self._sync()
        else:
            call.fail("the disk takes no writes")

    def _append(self, store: _Store, record: object, size_bytes: int) -> bool:
        assert self._owner is not None, "it has not been started"
        try:
            store.journal.append(record, size_bytes, self._owner)
        except SimulatedError:
            return False
        store.records += 1
        return True

    def _sync(self) -> None:
        """Make durable what was appended; what is appended meanwhile waits for the next time."""
        if self._is_syncing:
            return
        stores = [store for store in self._stores.values() if store.waiting]
        if not stores:
            return
        self._is_syncing = True
        answers = [answer for store in stores for answer in store.waiting]
        cuts: list[tuple[Journal, int]] = []
        for store in stores:
            store.waiting = []
            if store.records >= _LONGEST:
                cuts.append((store.journal, store.journal.count))
                lows, tokens = store.fenced.ranges()
                if self._append(store, Summary(lows, tokens, store.writes), _HEAD_BYTES + _RANGE_BYTES * len(lows)):
                    store.records = 1
                else:
                    cuts.pop()
        assert self._owner is not None, "it has not been started"
        # One sync is of the whole disk; each journal looks for itself whether it went well.
        stores[0].journal.sync(self._owner, self._synced, answers, cuts)

    def _synced(self, answers: list[Callable[[], object]], cuts: list[tuple[Journal, int]]) -> None:
        self._is_syncing = False
        for journal, count in cuts:
            journal.cut(count)
        for answer in answers:
            answer()
        self._sync()

    def _kept(self, call: IncomingCall, key: int) -> None:
        message: Fence | Put = call.message
        if self._sim.facts.wants(PartitionStored):
            row = (message.partition, message.worker, message.low, message.high, message.token, key)
            self._sim.emit(PartitionStored(message.app, *row))
        call.reply(Stored(True))
