"""A worker of a service: holds the partitions that it is told to, under its lease, and answers requests to them.

Every request is a few callbacks: it waits for one of the worker's threads, computes, a write goes to the storage under
the partition's token, and it is answered. Before each of these steps the lease is looked at, by the machine's monotonic
clock: a process that was stopped for a while wakes up in the middle of anything.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

from feitian_sim.fuxi.service.cell import ServiceCell
from feitian_sim.fuxi.service.facts import PartitionLoaded, PartitionUnloaded, RequestServed, ServiceLease
from feitian_sim.fuxi.service.held import FENCING, LOADING, SERVING, UNLOADING, HeldPartition, Holding
from feitian_sim.fuxi.service.messages import (
    Answered,
    Fence,
    Hold,
    PartitionLoad,
    Put,
    Renew,
    Renewed,
    Request,
    Row,
    Stored,
)
from feitian_sim.fuxi.service.program import RequestSight, RoleProgram
from feitian_sim.fuxi.work import Done, WorkContext
from feitian_sim.kernel import SECOND, DurationDistribution, Timer
from feitian_sim.kuafu import CallError, IncomingCall

_DONE = Answered(True)
_NOT_HERE = Answered(False, 64)


@dataclass(frozen=True, slots=True)
class ServePlan:
    """What all workers of a serving role share. ``store``: the address of the service's storage."""

    cell: ServiceCell
    store: str
    call_ns: int
    retry_ns: int
    threads: int
    service: DurationDistribution
    program: RoleProgram | None
    load_ns: int
    unload_ns: int


@dataclass(frozen=True, slots=True)
class ServeWork:
    """The work of a worker: to serve until it is stopped. ``plan`` is None for a role that serves no partitions."""

    piece: tuple[str, int]
    plan: ServePlan | None
    master: str

    def start(self, context: WorkContext, done: Done) -> None:
        """Serve from now on; it never ends by itself."""
        if self.plan is not None:
            Serving(self.plan, context, self.master).start()


class Serving:
    """One life of a worker that serves."""

    def __init__(self, plan: ServePlan, context: WorkContext, master: str) -> None:
        self._plan = plan
        self._context = context
        self._sim = context.sim
        #: The worker's process.
        self.owner = context.owner
        self._clock = context.machine.clock
        self._machine = context.machine.name
        self._app = context.app
        self._worker = context.worker
        self._endpoint = context.endpoint
        self._master = master
        self._draws = context.sim.stream("fuxi.service", context.app, f"worker-{context.worker}")
        self.holding = Holding()
        #: By the machine's clock; it serves nothing from then on.
        self._until_ns = 0
        self._has_lease = False
        self._lease_over: Timer | None = None
        self._renewal: Timer | None = None
        self._report_soon = False
        self._reported_ns = self._clock.monotonic_ns
        self._wanted: tuple[Row, ...] = ()
        self._queue: deque[tuple[IncomingCall, HeldPartition, int]] = deque()
        self._free = plan.threads

    def start(self) -> None:
        """Ask for a lease."""
        desk = self._plan.cell.desk(self._endpoint)
        desk.open(self._app, self._worker, self)
        self.owner.on_death(partial(desk.close, self._app, self._worker))
        self.owner.on_death(partial(self._drop_all, "died"))
        self._clock.on_change(self.owner, self._arm_lease)
        self._renew()

    # The lease

    def _in_lease(self) -> bool:
        """Whether the lease runs. One that has run out takes with it all that was held, whoever notices first."""
        if self._has_lease and self._clock.monotonic_ns >= self._until_ns:
            self._has_lease = False
            self._drop_all("lease")
        return self._has_lease

    def _arm_lease(self) -> None:
        if self._lease_over is not None:
            self._lease_over.cancel()
        if self._has_lease:
            self._lease_over = self._clock.timer(self.owner, self._until_ns, self._in_lease)
            if self._sim.facts.wants(ServiceLease):
                until_ns = self._clock.until(self._until_ns)
                self._sim.emit(ServiceLease(self._app, self._worker, self._machine, until_ns or self._sim.now))

    def _drop_all(self, why: str) -> None:
        for held in list(self.holding.all()):
            self._drop(held, why)
        self._wanted = ()

    def _drop(self, held: HeldPartition, why: str) -> None:
        """It is not served any more, from this instant on."""
        if self.holding.remove(held):
            self._sim.emit(PartitionUnloaded(self._app, held.partition, self._worker, self._machine, held.token, why))

    def _renew(self) -> None:
        """Ask to go on, and report."""
        self._report_soon = False
        if self._renewal is not None:
            self._renewal.cancel()
        self._renewal = self.owner.timer(self._plan.cell.config.renew_every, self._renew)
        self._in_lease()
        sent_ns = self._clock.monotonic_ns
        span_ns = sent_ns - self._reported_ns
        loads: tuple[PartitionLoad, ...] = ()
        if span_ns >= SECOND:
            loads, self._reported_ns = self.holding.take_loads(), sent_ns
        else:
            span_ns = 0
        message = Renew(self._app, self._worker, self._machine, self.holding.said(), span_ns, loads)
        answered = partial(self._renewed, sent_ns)
        self._endpoint.call(self._master, message, self._plan.call_ns, partial(self.owner.run, answered), _ignore)

    def _renewed(self, sent_ns: int, reply: Renewed) -> None:
        lapsed = not self._in_lease()
        if reply.attempt < self.holding.attempt:
            # Of a master that has a successor.
            return
        if not reply.lease_ns:
            self._has_lease = False
            self._drop_all("stopped")
            return
        until_ns = sent_ns + reply.lease_ns
        if until_ns <= max(self._until_ns, self._clock.monotonic_ns):
            return
        self._until_ns, self._has_lease = until_ns, True
        self._arm_lease()
        if lapsed and (self.holding.attempt, self.holding.number) >= (reply.attempt, reply.number):
            self._take(self._wanted)
        elif lapsed:
            # What it was told before may be another's by now: only what is newer counts.
            self.holding.hears(reply.attempt, reply.number - 1)
            self._wanted = ()

    def _report(self) -> None:
        """What it has is other than it was: its master is to know at once."""
        if not self._report_soon:
            self._report_soon = True
            self.owner.call_later(0, self._renew)

    # What it is to hold

    def hold(self, call: IncomingCall) -> None:
        """All that it is to have, from now on."""
        message: Hold = call.message
        if self.holding.hears(message.attempt, message.number):
            self._master = message.address
            self._wanted = message.rows
            if self._in_lease():
                self._take(message.rows)
        call.reply(self.holding.said())

    def _take(self, rows: tuple[Row, ...]) -> None:
        """Let go of what is not named, load what is new. Parts of what it serves already need no loading."""
        wanted = {(row.partition, row.token): row for row in rows}
        parted = []
        for held in list(self.holding.all()):
            if (held.partition, held.token) in wanted:
                del wanted[held.partition, held.token]
            elif held.state == SERVING:
                parted.append(held)
            elif held.state != UNLOADING:
                self._drop(held, "moved")
        parts = []
        for row in wanted.values():
            warm = any(held.low <= row.low and row.high <= held.high for held in parted)
            parts.append((row, warm))
        for held in parted:
            if any(warm and held.low <= row.low and row.high <= held.high for row, warm in parts):
                self._drop(held, "split")
            else:
                self._unload(held)
        for row, warm in parts:
            self._load(row, warm)

    def _load(self, row: Row, warm: bool) -> None:
        held = HeldPartition(row, self._sim.now)
        self.holding.add(held)
        if warm:
            self._fence(held)
        else:
            self.owner.call_later(self._plan.load_ns, self._fence, held)

    def _fence(self, held: HeldPartition) -> None:
        """Shut out whoever had it before, then serve."""
        if held.state not in (LOADING, FENCING) or not self._in_lease():
            return
        held.state = FENCING
        message = Fence(self._app, self._worker, held.partition, held.low, held.high, held.token)

        def failed(_: CallError) -> None:
            self.owner.call_later(self._plan.retry_ns, self._fence, held)

        shown = partial(self.owner.run, self._fenced, held)
        self._endpoint.call(self._plan.store, message, self._plan.call_ns, shown, failed)

    def _fenced(self, held: HeldPartition, reply: Stored) -> None:
        if not self._in_lease() or held.state != FENCING:
            return
        if not reply.ok:
            self.holding.remove(held)
            self._report()
            return
        self.holding.serve(held)
        took_ns = self._sim.now - held.since_ns
        row = (held.partition, held.low, held.high, self._worker, self._machine, held.token, took_ns)
        self._sim.emit(PartitionLoaded(self._app, *row))

    def _unload(self, held: HeldPartition) -> None:
        """Take nothing more, and turn away what waits; when what was begun is answered it is let go of."""
        self.holding.close(held)
        waiting, self._queue = self._queue, deque()
        for call, of, came_ns in waiting:
            if of is held:
                self._answer(call, held, came_ns, ok=False)
            else:
                self._queue.append((call, of, came_ns))
        self._unload_if_quiet(held)

    def _unload_if_quiet(self, held: HeldPartition) -> None:
        if not held.in_flight:
            self.owner.call_later(self._plan.unload_ns, self._unloaded, held)

    def _unloaded(self, held: HeldPartition) -> None:
        if held.state == UNLOADING:
            self._drop(held, "moved")
            self._report()

    # Requests

    def request(self, call: IncomingCall) -> None:
        """A client asks."""
        message: Request = call.message
        held = self.holding.of(message.key)
        if held is None or not self._in_lease():
            call.reply(_NOT_HERE)
            return
        held.ask(message.key)
        self._queue.append((call, held, self._sim.now))
        self._next()

    def _next(self) -> None:
        """Give what waits to threads that are free. Nothing is computed for who has given up waiting, or is too late."""
        while self._queue and self._free:
            call, held, came_ns = self._queue.popleft()
            if held.is_here and call.deadline_ns > self._sim.now:
                self._free -= 1
                self._compute(call, held, came_ns)
            else:
                self._answer(call, held, came_ns, ok=False)

    def _compute(self, call: IncomingCall, held: HeldPartition, came_ns: int) -> None:
        message: Request = call.message
        program = self._plan.program
        if program is None:
            takes_ns = int(self._plan.service.sample(self._draws))
        else:
            sight = RequestSight(self._app, held.partition, message.key, message.write, message.wire_bytes)
            takes_ns = program.compute_ns(sight)
        self._context.compute(takes_ns, self._computed, call, held, came_ns)

    def _computed(self, call: IncomingCall, held: HeldPartition, came_ns: int) -> None:
        message: Request = call.message
        self._free += 1
        self._next()
        if not self._in_lease() or not held.is_here:
            self._answer(call, held, came_ns, ok=False)
        elif message.write:
            row = (held.partition, held.low, held.high, held.token, message.key)
            put = Put(self._app, self._worker, *row, message.wire_bytes)
            kept = partial(self.owner.run, self._kept, call, held, came_ns)
            lost = partial(self.owner.run, self._not_kept, call, held, came_ns)
            self._endpoint.call(self._plan.store, put, self._plan.call_ns, kept, lost)
        else:
            self._answer(call, held, came_ns, ok=True)

    def _kept(self, call: IncomingCall, held: HeldPartition, came_ns: int, reply: Stored) -> None:
        if not reply.ok:
            self._drop(held, "fenced")
            self._report()
        # What the storage has taken is done, whoever owns the partition by now.
        self._answer(call, held, came_ns, ok=reply.ok)

    def _not_kept(self, call: IncomingCall, held: HeldPartition, came_ns: int, _: Any) -> None:
        self._answer(call, held, came_ns, ok=False)

    def _answer(self, call: IncomingCall, held: HeldPartition, came_ns: int, *, ok: bool) -> None:
        message: Request = call.message
        if ok and self._sim.facts.wants(RequestServed):
            took_ns = self._sim.now - came_ns
            row = (held.partition, self._worker, held.token, message.key, message.write, took_ns)
            self._sim.emit(RequestServed(self._app, *row))
        call.reply(_DONE if ok else _NOT_HERE)
        held.in_flight -= 1
        if held.state == UNLOADING:
            self._unload_if_quiet(held)


def _ignore(_: CallError) -> None:
    """Whoever does not answer is asked again at the next turn."""
