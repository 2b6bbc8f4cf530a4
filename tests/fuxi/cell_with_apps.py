"""A whole cell with a tiny kind of application, for tests of Fuxi's resource half.

The application (``Sweep``) wants so many workers, gives each pieces of fixed work until all are done, and ends. It keeps
nothing in Nuwa: a new attempt asks the workers what there is. What it does is what a JobMaster must do, at its smallest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from feitian_sim.fuxi import facts as fuxi_facts
from feitian_sim.fuxi.app_link import AppLink
from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.messages import Heard
from feitian_sim.fuxi.needs import BE_HEARD_BY_APPLICATION
from feitian_sim.fuxi.ports import tubo_at, workers_at
from feitian_sim.fuxi.worker_messages import (
    AskWorkers,
    Assign,
    Forget,
    Results,
    StartWorkers,
    StopWorkers,
    WorkersAre,
    WorkersGone,
    WorkerSpec,
    WorkersReady,
)
from feitian_sim.kernel import SECOND, Fact
from feitian_sim.scenario import build, load_text
from feitian_sim.scenario.wiring import Platform

GIB = 1 << 30
CORE = (1000, GIB, 0)
CALL_NS = 5 * SECOND


@dataclass(frozen=True)
class Sweep:
    """So many pieces of so long, by at most so many workers."""

    pieces: int
    workers: int
    piece_ns: int = 5 * SECOND
    vector: tuple[int, ...] = CORE
    memory_bytes: int = 0
    priority: int = 0
    package: str = ""


class FixedWork:
    """Computes for so long."""

    __slots__ = ("_duration_ns", "piece")

    def __init__(self, piece: int, duration_ns: int) -> None:
        self.piece = piece
        self._duration_ns = duration_ns

    def start(self, context: Any, done: Any) -> None:
        context.compute(self._duration_ns, done, True, "", self.piece)


class SweepMaster:
    """One attempt at a Sweep."""

    def __init__(self, host: ApplicationHost, kind: SweepKind) -> None:
        self.host = host
        self.kind = kind
        self.sweep: Sweep = host.start.description
        self.app, self.attempt = host.start.app, host.start.attempt
        self.todo = dict.fromkeys(range(self.sweep.pieces))
        self.done: dict[int, None] = {}
        #: worker -> (machine, piece or None); None machine never.
        self.workers: dict[int, tuple[str, int | None]] = {}
        self.number = self.attempt * 100_000
        self.log: list[tuple[int, str, str, int]] = []
        self.asking = 0
        serve = host.endpoint.serve
        serve(WorkersReady, self._ready, BE_HEARD_BY_APPLICATION)
        serve(WorkersGone, self._gone, BE_HEARD_BY_APPLICATION)
        serve(Results, self._results, BE_HEARD_BY_APPLICATION)
        times = {"call_ns": host.config.call, "retry_ns": host.config.retry}
        self.link = AppLink(host.sim, host.endpoint, host.directory, self.app, self.attempt, self, **times)
        self.ended = False

    def note(self, what: str, machine: str, count: int) -> None:
        self.log.append((self.host.sim.now, what, machine, count))

    # AppEvents

    def restored(self, holdings: Any) -> None:
        machines = dict.fromkeys(machine for _, machine in holdings)
        self.note("restored", ",".join(machines), sum(holdings.values()))
        self.asking = len(machines)
        for machine in machines:
            self._ask(machine)
        if not machines:
            self._want()

    def _ask(self, machine: str) -> None:
        def again(_: Any) -> None:
            self.host.owner.call_later(SECOND, self._ask, machine)

        message = AskWorkers(self.app, self.attempt, self.host.endpoint.address)
        self.host.endpoint.call(workers_at(machine), message, CALL_NS, self._are, again)

    def _are(self, reply: WorkersAre) -> None:
        self.asking -= 1
        for state in reply.workers:
            self.workers[state.worker] = (reply.machine, state.piece)
            if state.piece is not None:
                self.todo.pop(state.piece, None)
        for result in reply.kept:
            self._finished(result.piece)
        if not self.asking:
            self._want()
            for worker, (_, piece) in list(self.workers.items()):
                if piece is None:
                    self._next(worker)

    def _want(self) -> None:
        left = min(self.sweep.workers, len(self.todo)) - len(self.workers)
        self.link.want(1, max(0, left), vector=self.sweep.vector, priority=self.sweep.priority)

    def granted(self, unit: int, machine: str, count: int) -> None:
        self.note("granted", machine, count)
        workers = tuple(range(self.number, self.number + count))
        self.number += count
        work = []
        for worker in workers:
            self.workers[worker] = (machine, None)
            if self.kind.first and self.todo:
                piece = next(iter(self.todo))
                del self.todo[piece]
                self.workers[worker] = (machine, piece)
                work.append((worker, FixedWork(piece, self.sweep.piece_ns)))
        spec = WorkerSpec(1, self.sweep.vector, self.sweep.package, self.sweep.memory_bytes)
        address = self.host.endpoint.address
        self._start(machine, StartWorkers(self.app, self.attempt, address, spec, workers, tuple(work)))

    def _start(self, machine: str, message: Any) -> None:
        def again(_: Any) -> None:
            if any(worker in self.workers for worker in message.workers):
                self.host.owner.call_later(SECOND, self._start, machine, message)

        self.host.endpoint.call(tubo_at(machine), message, CALL_NS, _nothing, again)

    def taken_back(self, unit: int, machine: str, count: int) -> None:
        self.note("taken_back", machine, count)
        if self.kind.obeys:
            mine = [worker for worker, (where, _) in self.workers.items() if where == machine]
            for worker in mine[-count:]:
                self._stop(worker, counts=False)
        self.link.want(1, count)

    def lost(self, machine: str) -> None:
        self.note("lost", machine, 1)
        for worker in [worker for worker, (where, _) in self.workers.items() if where == machine]:
            self._drop(worker)

    def disabled(self, machine: str) -> None:
        self.note("disabled", machine, 1)

    def enabled(self, machine: str) -> None:
        self.note("enabled", machine, 1)

    # Workers

    def _drop(self, worker: int) -> None:
        """A worker is gone, its piece undone; another is wanted."""
        _, piece = self.workers.pop(worker)
        if piece is not None and piece not in self.done:
            self.todo[piece] = None
        if self.todo and len(self.workers) < self.sweep.workers:
            self.link.want(1, 1)

    def _ready(self, call: Any) -> None:
        call.reply(Heard(0))
        for worker in call.message.workers:
            if worker in self.workers:
                self._next(worker)

    def _next(self, worker: int) -> None:
        machine, piece = self.workers[worker]
        if piece is not None:
            return
        if not self.todo:
            self._stop(worker, counts=True)
            return
        piece = next(iter(self.todo))
        del self.todo[piece]
        self.workers[worker] = (machine, piece)
        work = FixedWork(piece, self.sweep.piece_ns)
        self._assign(machine, Assign(self.app, self.attempt, self.host.endpoint.address, ((worker, work),)))

    def _assign(self, machine: str, message: Any) -> None:
        def again(_: Any) -> None:
            if any(worker in self.workers for worker, _ in message.work):
                self.host.owner.call_later(SECOND, self._assign, machine, message)

        self.host.endpoint.call(workers_at(machine), message, CALL_NS, _nothing, again)

    def _stop(self, worker: int, *, counts: bool) -> None:
        machine, piece = self.workers.pop(worker)
        if piece is not None and piece not in self.done:
            self.todo[piece] = None
        if counts:
            self.link.given_back(1, machine, 1)
        self._tell(tubo_at(machine), StopWorkers(self.app, self.attempt, (worker,)))

    def _tell(self, address: str, message: Any) -> None:
        def again(_: Any) -> None:
            self.host.owner.call_later(SECOND, self._tell, address, message)

        self.host.endpoint.call(address, message, CALL_NS, _nothing, again)

    def _gone(self, call: Any) -> None:
        message: WorkersGone = call.message
        call.reply(Heard(0))
        self.note(f"gone:{message.why}", message.machine, len(message.workers) + message.unused)
        for worker in message.workers:
            if worker in self.workers:
                if message.why != "revoked":
                    self.link.given_back(1, message.machine, 1)
                self._drop(worker)
        if message.unused:
            self.link.given_back(1, message.machine, message.unused)

    def _results(self, call: Any) -> None:
        message: Results = call.message
        call.reply(Heard(0))
        for result in message.results:
            self._finished(result.piece)
            if result.worker in self.workers:
                machine, piece = self.workers[result.worker]
                if piece == result.piece:
                    self.workers[result.worker] = (machine, None)
                    self._next(result.worker)
        if self.kind.forgets:
            pieces = tuple(result.piece for result in message.results)
            self._tell(workers_at(message.machine), Forget(self.app, self.attempt, pieces))

    def _finished(self, piece: int) -> None:
        self.todo.pop(piece, None)
        self.kind.commits.append((self.app, piece, self.attempt))
        self.done[piece] = None
        if len(self.done) == self.sweep.pieces and not self.ended:
            self.ended = True
            self.link.end(True, "")


LONG = Sweep(pieces=200, workers=20, piece_ns=5 * SECOND)


@dataclass
class SweepKind:
    """The kind; ``masters`` are all attempts of all applications, in order."""

    forgets: bool = False
    obeys: bool = True
    #: Whether workers are started with their first piece.
    first: bool = False
    masters: list[SweepMaster] = field(default_factory=list)
    commits: list[tuple[str, int, int]] = field(default_factory=list)

    def begin(self, host: ApplicationHost) -> None:
        self.masters.append(SweepMaster(host, self))

    def refusal(self, description: Any, config: Any) -> str:
        return "" if isinstance(description, Sweep) else "not a sweep"

    def of(self, app: str) -> list[SweepMaster]:
        return [master for master in self.masters if master.app == app]

    def log(self, app: str, what: str = "") -> list[tuple[int, str, str, int]]:
        return [line for master in self.of(app) for line in master.log if line[1].startswith(what)]


class Cell:
    """A platform with Fuxi, what happened in it, and a client."""

    def __init__(
        self,
        *,
        fuxi: str = "{}",
        extra: str = "",
        racks: int = 3,
        machines: int = 4,
        cores: int = 8,
        kinds: type[SweepKind] = SweepKind,
        **kind: Any,
    ) -> None:
        text = (
            f"name: t\nduration: 1h\ncluster: {{racks: {racks}, machines_per_rack: {machines}, "
            f"machine: {{cores: {cores}, disks: 1}}}}\nfuxi: {fuxi}\n{extra}"
        )
        self.kind = kinds(**kind)
        self.platform: Platform = build(load_text(text), kinds={"job": self.kind})
        self.sim = self.platform.sim
        self.fuxi = self.platform.fuxi
        self.facts: list[tuple[int, Fact]] = []
        self.sim.facts.subscribe("*", lambda now, item: self.facts.append((now, item)))
        for detail in (fuxi_facts.ProcessStarted, fuxi_facts.ProcessEnded, fuxi_facts.WorkerReady):
            self.sim.facts.subscribe(detail, lambda now, item: self.facts.append((now, item)))
        self.client = self.fuxi.client(self.platform.datacenter.client_machines[0], "ann")
        self.ends: dict[str, Any] = {}

    def submit(self, app: str, sweep: Any, at_s: float = 0.1, **options: Any) -> None:
        self.sim.call_at(int(at_s * SECOND), self._submit, app, sweep, options)

    def _submit(self, app: str, sweep: Any, options: dict[str, Any]) -> None:
        def submitted(answer: Any) -> None:
            self.ends[f"{app}:submitted"] = answer
            self.client.end_of(app, lambda status: self.ends.setdefault(app, status))

        self.client.submit(app, "job", sweep, submitted, **options)

    def run(self, until_s: float) -> None:
        self.sim.run_until(int(until_s * SECOND))

    def at(self, time_s: float, what: Any, *args: Any) -> None:
        self.sim.call_at(int(time_s * SECOND), what, *args)

    def of(self, kind: type[Fact]) -> list[Any]:
        return [item for _, item in self.facts if isinstance(item, kind)]

    def ended_workers(self, *reasons: str) -> list[fuxi_facts.ProcessEnded]:
        return [item for item in self.of(fuxi_facts.ProcessEnded) if item.unit and item.why in reasons]

    def times_of(self, kind: type[Fact]) -> list[float]:
        return [now / SECOND for now, item in self.facts if isinstance(item, kind)]

    def host(self, machine: str) -> Any:
        return next(host for host in self.fuxi.machines if host.machine.name == machine)

    @property
    def core(self) -> Any:
        return self.fuxi.hearing.reign.core

    def busy_machine(self, app: str) -> str:
        """A machine where workers of the application run, and no FuxiMaster, master of it, or server of Nuwa."""
        taken = {server.machine.name for server in self.platform.nuwa.servers}
        taken |= {master.machine.name for master in self.fuxi.masters}
        taken |= {master.host.machine.name for master in self.kind.of(app)}
        taken |= {server.machine.name for server in self.platform.authority.servers}
        for host in self.fuxi.machines:
            here = host.table.apps.get(app)
            if host.machine.name not in taken and here is not None and here.workers:
                return host.machine.name
        raise AssertionError("no machine with workers alone")

    def all_committed(self, app: str, pieces: int) -> bool:
        return sorted({piece for name, piece, _ in self.kind.commits if name == app}) == list(range(pieces))

    def assert_books_agree(self) -> None:
        """At rest: the FuxiMaster's books, the Tubos' and the processes say the same."""
        scheduler = self.core.books.scheduler
        scheduler.check()
        for host in self.fuxi.machines:
            host.table.check()
            if not host.machine.up:
                continue
            counted = {
                (app, unit): (held, returning)
                for app, unit, _, held, returning in scheduler.on_machine(host.machine.index)
                if held or returning
            }
            there = {(one.app, one.unit): (one.allowed, one.returning) for one in host.table.running()}
            assert counted == there, host.machine.name


def _nothing(_: Any) -> None:
    pass
