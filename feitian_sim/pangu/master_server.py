"""The master on its machine: drives the core, keeps its log, recovers from it.

The core decides (:mod:`feitian_sim.pangu.master`); this process makes its effects happen. A start reads the journal
from the disk, applies every record, and only then serves; before, callers are told that the master is not ready.
Where the replicas are is in no log: the chunk servers tell it when they find that they talk to a new incarnation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from feitian_sim.hardware import Disk, Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall, Kuafu
from feitian_sim.pangu import messages
from feitian_sim.pangu.bundle_runner import BundleRunner
from feitian_sim.pangu.commit_log import CommitLog
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.effects import Bundle, Effect, Emit, Log, Release, Reply, Send, WakeAt
from feitian_sim.pangu.facts import MasterReady, MasterStopped
from feitian_sim.pangu.master import Master
from feitian_sim.pangu.master_state import MasterState

MASTER_PORT = 7000
JOURNAL = "pangu.master"
REQUESTS: tuple[type, ...] = (
    messages.Locate,
    messages.AddChunk,
    messages.SealChunk,
    messages.LeaseLast,
    messages.CreateFile,
    messages.AbandonChunk,
    messages.DeleteFile,
    messages.RenameFile,
    messages.ListDirectory,
    messages.MakeDirectory,
    messages.Heartbeat,
    messages.Holdings,
    messages.ReplicasGone,
    messages.BadReplica,
)

#: Makes a core for a recovered state: (state, incarnation, now) -> Master.
CoreFactory = Callable[[MasterState, int, int], Master]


class MasterServer:
    """The master process through all its incarnations; ``core`` is that of the living one."""

    def __init__(
        self,
        sim: Simulation,
        kuafu: Kuafu,
        machine: Machine,
        config: PanguConfig,
        *,
        snapshot: Callable[[], MasterState],
        core_of: CoreFactory,
        address_of: Callable[[int], str],
        bundles: BundleRunner,
    ) -> None:
        self._sim = sim
        self._kuafu = kuafu
        self.machine = machine
        self._config = config
        # The state as of time 0, before the first record: the preloaded dataset.
        self._snapshot = snapshot
        self._core_of = core_of
        self._address_of = address_of
        self._bundles = bundles
        #: The deciding core; None while there is no master, or it recovers.
        self.core: Master | None = None
        self.incarnation = 0
        #: Called when a master becomes ready, and when it dies.
        self.on_turn: Callable[[], object] = _nothing
        #: Called before each request is decided.
        self.before_decision: Callable[[], object] = _nothing
        #: Called with a server that holds nothing any more, when it was to be decommissioned.
        self.on_release: Callable[[int], object] = _nobody
        self._calls: dict[int, IncomingCall] = {}
        self._tickets = 0
        self._wake: Timer | None = None
        self._wakes_ns = 0

    @property
    def address(self) -> str:
        """Where clients and chunk servers find it."""
        return f"tcp://{self.machine.name}:{MASTER_PORT}"

    @property
    def log_disk(self) -> Disk:
        """The disk of its journal."""
        return self.machine.disks[0]

    def boot(self, owner: Owner) -> None:
        """Begin an incarnation: listen, recover, then serve."""
        self.incarnation += 1
        self._owner = owner
        self._calls = {}
        self._wake = None
        owner.on_death(self._died)
        self._endpoint: Endpoint = self._kuafu.endpoint(owner, self.machine, MASTER_PORT)
        self._log = CommitLog(self.log_disk.journal(JOURNAL), owner)
        for request in REQUESTS:
            self._endpoint.serve(request, self._serve)
        records: list[Any] = list(self.log_disk.journal(JOURNAL).records())
        started_ns = self._sim.now
        if self.incarnation == 1 and not records:
            self._recovered(self._snapshot(), records, started_ns)
            return
        state = self._snapshot()
        size_bytes = sum(record.size_bytes for record in records)
        size_bytes += state.chunks.count * self._config.snapshot_bytes_per_chunk
        self.log_disk.read(size_bytes, owner, self._read, state, records, started_ns)

    def _read(self, state: MasterState, records: list[Any], started_ns: int) -> None:
        cpu_ns = len(records) * self._config.record_cpu
        self.machine.cpu.submit(cpu_ns, self._owner, self._recovered, state, records, started_ns)

    def _recovered(self, state: MasterState, records: list[Any], started_ns: int) -> None:
        for record in records:
            state.apply(record)
        self.core = self._core_of(state, self.incarnation, self._sim.now)
        self._sim.emit(MasterReady(self.machine.name, len(records), self._sim.now - started_ns))
        self.run(self.core.wake(self._sim.now))
        self.on_turn()

    def _died(self) -> None:
        self.core = None
        self._sim.emit(MasterStopped(self.machine.name))
        self.on_turn()

    # Requests

    def _serve(self, call: IncomingCall) -> None:
        if self.core is None:
            call.fail("the master is not ready")
            return
        self.before_decision()
        self._tickets += 1
        self._calls[self._tickets] = call
        self.run(self.core.handle(self._tickets, call.message, self._sim.now))

    # Effects

    def run(self, effects: list[Effect] | tuple[Effect, ...]) -> None:
        """Make the core's effects happen, in order."""
        for effect in effects:
            match effect:
                case Log():
                    self._log.append(effect.record)
                    self.run(effect.then)
                case Emit():
                    self._sim.emit(effect.fact)
                case WakeAt():
                    self._wake_at(effect.time_ns)
                case Reply():
                    self._log.when_durable(partial(self._reply, effect))
                case Send():
                    self._log.when_durable(partial(self._hold, effect))
                case Release():
                    self._log.when_durable(partial(self.on_release, effect.server))
                case Bundle():
                    self._log.when_durable(partial(self._start_bundle, effect))

    def _reply(self, effect: Reply) -> None:
        self._calls.pop(effect.ticket).reply(effect.message)

    def _hold(self, effect: Send) -> None:
        if effect.hold_ns:
            self._owner.call_later(effect.hold_ns, self._send, effect)
        else:
            self._send(effect)

    def _send(self, effect: Send) -> None:
        def ended(reply: object) -> None:
            if self.core is not None:
                answer = None if isinstance(reply, CallError) else reply
                self.run(self.core.answered(effect.server, effect.message, answer, self._sim.now))

        self._endpoint.call(self._address_of(effect.server), effect.message, effect.deadline_ns, ended, ended)

    def _start_bundle(self, effect: Bundle) -> None:
        self._bundles.start(effect, self._owner, self._bundle_done)

    def _bundle_done(self, number: int, failed: dict[int, None]) -> None:
        assert self.core is not None
        self.run(self.core.bundle_done(number, failed, self._sim.now))

    def _wake_at(self, time_ns: int) -> None:
        if self._wake is not None and self._wake.active:
            if self._wakes_ns <= time_ns:
                return
            self._wake.cancel()
        self._wakes_ns = time_ns
        self._wake = self._owner.timer(max(0, time_ns - self._sim.now), self._woken)

    def _woken(self) -> None:
        if self.core is not None:
            self.run(self.core.wake(self._sim.now))


def _nothing() -> None:
    """Nobody listens."""


def _nobody(_: int) -> None:
    """There is no operator."""
