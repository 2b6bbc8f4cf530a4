"""Tubo 土伯, who guards the gate of the underworld: the process that starts, watches and ends processes on its machine.

The thin part: it boots from the machine's process table, says Hello to each new FuxiMaster, carries out what the core
decides, and tells the FuxiMaster and the applications' masters what has become of processes: all of one instant in one
message, and again until it is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.fuxi.beginnings import Beginnings
from feitian_sim.fuxi.check_facts import BooksAudited, MachineOffered, MemoryOverused, amounts_of
from feitian_sim.fuxi.facts import Allowed, TuboAdopted, WorkerReady
from feitian_sim.fuxi.launcher import Launcher
from feitian_sim.fuxi.messages import Allow, Beat, EndApp, EndMaster, Heard, News, StartMaster, Welcome
from feitian_sim.fuxi.needs import BE_HEARD_BY_TUBO
from feitian_sim.fuxi.packages.cache import PackageCache
from feitian_sim.fuxi.ports import TUBO_PORT, TUBO_ROLE
from feitian_sim.fuxi.process_table import (
    ENDING,
    STARTING,
    AppHere,
    MasterHere,
    Process,
    ProcessTable,
    WorkerProcess,
)
from feitian_sim.fuxi.teller import Teller
from feitian_sim.fuxi.tubo import Tubo
from feitian_sim.fuxi.tubo_effects import Effect, Kill, Start, TakenIn, TellApp
from feitian_sim.fuxi.tubo_news import Outgoing
from feitian_sim.fuxi.tubo_parts import TuboParts
from feitian_sim.fuxi.worker_messages import StartWorkers, StopWorkers
from feitian_sim.fuxi.worker_runtime import WorkerRuntime
from feitian_sim.hardware import Daemon, Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall
from feitian_sim.pangu.client import PanguClient
from feitian_sim.pangu.heartbeat import Heartbeats
from feitian_sim.pangu.master_finder import MasterFinder


class TuboServer:
    """The Tubo of one machine through all its incarnations."""

    def __init__(
        self, sim: Simulation, machine: Machine, table: ProcessTable, runtime: WorkerRuntime, parts: TuboParts
    ) -> None:
        self._sim = sim
        self.machine = machine
        self.table = table
        self._runtime = runtime
        self._parts = parts
        self._config = parts.config
        self.hearts: Heartbeats | None = None
        self._owner: Owner | None = None
        self._incarnation = 0
        #: Epoch of the FuxiMaster that knows this incarnation; 0 when none does.
        self.known_to = 0
        self._beginnings = Beginnings(sim, machine, parts)
        self._packages = PackageCache(parts.datacenter, machine, parts.config)
        self.daemon = Daemon(machine, f"{TUBO_ROLE}@{machine.name}", TUBO_ROLE, self._boot)

    def _boot(self, owner: Owner) -> None:
        parts, machine, config = self._parts, self.machine, self._config
        self._owner = owner
        self._incarnation += 1
        self.known_to = 0
        self._registering = False
        self._reporting = False
        self._flushing = False
        self._wake: Timer | None = None
        self._wakes_ns = 0
        self._pangu: PanguClient | None = None
        # Applications whose masters are being told of ends.
        self._telling: dict[str, AppHere] = {}
        self._health = 100
        self.core = Tubo(machine.name, self._incarnation, parts.capacity_of(machine), self.table, config.tubo)
        credential = parts.identities.module(TUBO_ROLE, machine.name)
        self._endpoint: Endpoint = parts.kuafu.endpoint(owner, machine, TUBO_PORT, credential)
        self._packages.serve(self._endpoint, self._pangu_here if parts.pangu is not None else None)
        self._launcher = Launcher(
            self._sim, owner, machine, self.table, self._packages, config, self._up, self._failed, self._gone
        )
        self._serve_orders()
        self._teller = Teller(self._endpoint, self.machine.name, config.call, config.retry)
        self.table.watcher = self._died
        owner.on_death(self._ended)
        if self.hearts is not None:
            self.hearts.start(self)
        self._finder = MasterFinder(self._endpoint, parts.directory(machine), self._moved)
        if self._sim.facts.wants(MachineOffered):
            self._sim.emit(MachineOffered(machine.name, amounts_of(parts.capacity_of(machine))))
        self._adopt()
        epoch = parts.epoch()
        if self._sim.now == 0 and epoch:
            # At the beginning everybody knows everybody.
            self.core.welcome(Welcome(epoch, ()), 0)
            self.known_to = epoch
            if self.hearts is not None:
                self.hearts.answered(self)
        elif self._finder.address:
            self._register()

    def _serve_orders(self) -> None:
        serve = self._endpoint.serve
        start_master = self._order(lambda core, message, now: core.start_master(message, now))
        serve(Allow, self._when_known(self._allow), BE_HEARD_BY_TUBO)
        serve(StartMaster, self._when_known(start_master), BE_HEARD_BY_TUBO)
        serve(EndMaster, self._order(lambda core, message, _: core.end_master(message)), BE_HEARD_BY_TUBO)
        serve(EndApp, self._order(lambda core, message, now: core.end_app(message, now)), BE_HEARD_BY_TUBO)
        serve(StartWorkers, self._order(lambda core, message, now: core.start_workers(message, now)), BE_HEARD_BY_TUBO)
        serve(StopWorkers, self._order(lambda core, message, now: core.stop_workers(message, now)), BE_HEARD_BY_TUBO)

    def _ended(self) -> None:
        self.table.watcher = None
        if self.hearts is not None:
            self.hearts.stop(self)

    def _adopt(self) -> None:
        """Go on with the processes that are there: started, starting or ending."""
        now_ns = self._sim.now
        there = self.table.processes()
        for process in there:
            if process.state == STARTING:
                self._launcher.start(process)
            elif process.state == ENDING:
                self._launcher.kill(process)
            elif isinstance(process, WorkerProcess):
                self.core.due.watch(process, now_ns)
                self._tell_overuse(process)
        unreaped, self.table.unreaped = self.table.unreaped, []
        for process in unreaped:
            self._died(process)
        for app in self.table.apps.values():
            if app.gone:
                self._telling[app.name] = app
        self._run(self.core.wake(now_ns))
        if there:
            masters = sum(isinstance(process, MasterHere) for process in there)
            self._sim.emit(TuboAdopted(self.machine.name, len(there) - masters, masters))

    def _pangu_here(self) -> PanguClient:
        assert self._parts.pangu is not None, "a cell without Pangu has no packages"
        assert self._owner is not None, "it has not been started"
        if self._pangu is None:
            name = f"{TUBO_ROLE}@{self.machine.name}#{self._incarnation}"
            self._pangu = self._parts.pangu(self._owner, self.machine, name)
        return self._pangu

    # Orders

    def _when_known(self, order: Callable[[IncomingCall], None]) -> Callable[[IncomingCall], None]:
        """While a Hello is on its way, which says nothing of it, nothing is allowed or started that it would undo."""

        def ordered(call: IncomingCall) -> None:
            if self.known_to:
                order(call)
            else:
                call.fail("this Tubo says Hello just now")

        return ordered

    def _allow(self, call: IncomingCall) -> None:
        answer, effects = self.core.allow(call.message, self._sim.now)
        call.reply(answer)
        if answer.resync:
            self._register()
        self._run(effects)

    def _order(
        self, decide: Callable[[Tubo, Any, int], tuple[Heard | str, list[Effect]]]
    ) -> Callable[[IncomingCall], None]:
        def ordered(call: IncomingCall) -> None:
            answer, effects = decide(self.core, call.message, self._sim.now)
            if isinstance(answer, str):
                call.fail(answer)
            else:
                call.reply(answer)
            self._run(effects)

        return ordered

    # What the core decides

    def _run(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Start():
                    self._launcher.start(effect.process)
                case Kill():
                    self._launcher.kill(effect.process)
                case TellApp():
                    self._telling[effect.app.name] = effect.app
                case TakenIn():
                    if self._sim.facts.wants(Allowed):
                        self._sim.emit(Allowed(self.machine.name, effect.app, effect.unit, effect.delta))
        due_ns = self.core.due.time_ns
        late = due_ns is not None and (self._wake is None or due_ns < self._wakes_ns)
        if not self._flushing and (late or self._telling or (self.core.news.pending and not self._reporting)):
            self._flushing = True
            assert self._owner is not None, "it has not been started"
            self._owner.call_later(0, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._report()
        if self._telling:
            telling, self._telling = self._telling, {}
            for app in telling.values():
                self._teller.tell(app)
        due_ns = self.core.due.time_ns
        if due_ns is not None and (self._wake is None or due_ns < self._wakes_ns):
            if self._wake is not None:
                self._wake.cancel()
            self._wakes_ns = due_ns
            self._wake = self.later(max(0, due_ns - self._sim.now), self._woken)

    def _woken(self) -> None:
        self._wake = None
        self._run(self.core.wake(self._sim.now))
        if self._sim.facts.wants(BooksAudited):
            self._sim.emit(BooksAudited(f"{TUBO_ROLE}@{self.machine.name}", self.table.audit()))

    # Processes

    def _up(self, process: Process) -> None:
        if process.state != STARTING:
            return
        if isinstance(process, MasterHere):
            self._beginnings.begin(process)
        self._run(self.core.up(process, self._sim.now))
        if isinstance(process, WorkerProcess):
            if self._sim.facts.wants(WorkerReady):
                self._tell_ready(process)
            self._tell_overuse(process)
            self._runtime.ready(process)
        self._look_at_health()

    def _tell_ready(self, process: WorkerProcess) -> None:
        self._sim.emit(
            WorkerReady(
                self.machine.name,
                process.app.name,
                process.unit.number,
                process.number,
                start_ns=process.ready_ns - process.asked_ns,
                waiting_ns=process.allowed_ns - process.asked_ns,
                package_ns=process.fetched_ns - process.allowed_ns,
            )
        )

    def _tell_overuse(self, process: WorkerProcess) -> None:
        if self.core.due.overuses(process) and self._sim.facts.wants(MemoryOverused):
            name = (self.machine.name, process.app.name, process.unit.number, process.number)
            self._sim.emit(MemoryOverused(*name, self.core.due.next_look_ns(self._sim.now)))

    def _failed(self, process: Process, why: str) -> None:
        self._run(self.core.failed(process, why))
        self._look_at_health()

    def _gone(self, process: Process) -> None:
        self._run(self.core.gone(process))

    def _died(self, process: Process) -> None:
        self._launcher.tell_ended(process, "crashed")
        self._run(self.core.died(process))

    # The FuxiMaster

    def _moved(self, _: str) -> None:
        """There is another FuxiMaster: it knows nothing of what is here."""
        if self._sim.now:
            self._unknown()
            self._register()

    def _unknown(self) -> None:
        """No FuxiMaster knows this incarnation: its beats are no longer taken for granted."""
        self.known_to = 0
        if self.hearts is not None:
            self.hearts.doubt(self)

    def _disks(self) -> tuple[int, int]:
        disks = self.machine.disks
        return sum(disk.works and not disk.failed for disk in disks), len(disks)

    def _register(self) -> None:
        if not self._registering:
            self._registering = True
            self._unknown()
            self._finder.call(self.core.hello(*self._disks()), self._config.call, self._welcomed, self._not_heard)

    def _welcomed(self, reply: Welcome) -> None:
        self._registering = False
        if reply.epoch < self.table.epoch:
            return
        self._run(self.core.welcome(reply, self._sim.now))
        self.known_to = reply.epoch
        if self.hearts is not None:
            self.hearts.answered(self)

    def _not_heard(self, _: CallError) -> None:
        # The next beat finds out whether to say it again.
        self._registering = False

    def _report(self) -> None:
        """Tell what has changed."""
        if not self.known_to or self._reporting:
            return
        news = self.core.news.next()
        if news is not None:
            self._reporting = True
            self._finder.call(news, self._config.call, lambda reply: self._reported(news, reply), self._not_reported)

    def _reported(self, news: News, reply: Heard) -> None:
        self._reporting = False
        if reply.resync or reply.epoch != self.known_to:
            self._register()
            return
        self.core.news.heard(news)
        self._report()

    def _not_reported(self, _: CallError) -> None:
        self.later(self._config.retry, self._report_again)

    def _report_again(self) -> None:
        self._reporting = False
        self._report()

    def _look_at_health(self) -> None:
        """A score that has changed is told at once: beats may be elided."""
        score = self.core.health(*self._disks())
        if score != self._health:
            self._health = score
            self.beat()

    @property
    def news(self) -> Outgoing | None:
        """What it has to tell the FuxiMaster, while it lives."""
        return self.core.news if self.alive else None

    @property
    def incarnation_and_boot(self) -> tuple[int, int]:
        """Which life of the Tubo this is, and of the machine."""
        return self._incarnation, self.table.boot

    # Heartbeats

    @property
    def name(self) -> str:
        """Name of its machine."""
        return self.machine.name

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return self._owner is not None and self._owner.alive

    @property
    def is_paused(self) -> bool:
        """Whether its process is stopped for a while."""
        return self._owner is not None and self._owner.paused

    def later(self, delay_ns: int, callback: Callable[..., object], *args: Any) -> Timer:
        """A timer that dies with the process."""
        assert self._owner is not None, "it has not been started"
        return self._owner.timer(delay_ns, callback, *args)

    def beat(self) -> None:
        """One explicit heartbeat; a process that no FuxiMaster knows says Hello instead."""
        if not self.known_to:
            self._register()
            return
        message = Beat(self.machine.name, self._incarnation, self.core.health(*self._disks()))
        self._finder.call(message, self._config.call, self._beat_seen, _nothing)

    def _beat_seen(self, reply: Heard) -> None:
        if reply.resync or reply.epoch != self.known_to:
            self._register()
        elif self.hearts is not None:
            self.hearts.answered(self)

    def heard_by_master(self) -> bool:
        """Whether the FuxiMaster knows this process and a beat would certainly reach it."""
        if self.is_paused or not self.known_to or self.known_to != self._parts.epoch():
            return False
        return self._parts.hears(self.machine, self._finder.address)


def _nothing(_: object) -> None:
    """The end of a call that nothing depends on."""
