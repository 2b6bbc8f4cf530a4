"""The processes of a machine: what its system knows of them, whoever watches them.

Limits and processes are the machine's, not the Tubo's: as control groups and process ids are in a kernel, they outlive
the Tubo that made them, and a Tubo that is started anew finds them here and goes on. They go with the machine. Of each
unit of an application there is ``allowed``, how many processes it may have; ``returning``, how many beyond that were
taken back and are not gone yet; and ``held``, those that are there. ``held`` is never above ``allowed + returning``; what
is left between them is *unused*.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from feitian_sim.fuxi.messages import MasterProcess, Running, StartMaster
from feitian_sim.fuxi.resources import Vector
from feitian_sim.fuxi.worker_messages import Result, WorkerSpec
from feitian_sim.kernel import Owner

#: A process: it waits for an allowance; its package or its start is under way; it runs; it is being ended; it is gone.
WAITING, STARTING, RUNNING, ENDING, GONE = range(5)


class Process:
    """One process of an application, from the asking for it to its end."""

    __slots__ = ("allowed_ns", "app", "asked_ns", "number", "owner", "ready_ns", "state", "unit", "why")

    def __init__(self, app: AppHere, unit: UnitHere, number: int, asked_ns: int) -> None:
        self.app = app
        self.unit = unit
        #: The application's number for a worker; its attempt for a master.
        self.number = number
        self.state = WAITING
        #: While it holds resources.
        self.owner: Owner | None = None
        self.asked_ns = asked_ns
        self.allowed_ns = 0
        self.ready_ns = 0
        #: Why it is being ended; empty while nobody wants it to end.
        self.why = ""


class WorkerProcess(Process):
    """A worker; what it works at is the worker runtime's to know."""

    __slots__ = ("announced", "began_ns", "fetched_ns", "kept", "piece", "queue", "spec")

    def __init__(self, app: AppHere, unit: UnitHere, number: int, spec: WorkerSpec, asked_ns: int) -> None:
        super().__init__(app, unit, number, asked_ns)
        self.spec = spec
        self.fetched_ns = 0
        #: Whether its application's master has been told that it is ready.
        self.announced = False
        #: The work that it is at, None while it is idle, and what it was given besides.
        self.piece: Any = None
        self.began_ns = 0
        self.queue: list[Any] = []
        #: Results that nobody has allowed it to forget, by piece.
        self.kept: dict[Any, Result] = {}


class MasterHere(Process):
    """An application's master."""

    __slots__ = ("address", "start")

    def __init__(self, app: AppHere, unit: UnitHere, start: StartMaster, asked_ns: int) -> None:
        super().__init__(app, unit, start.attempt, asked_ns)
        self.start = start
        self.address = ""


class UnitHere:
    """A unit of an application on this machine."""

    __slots__ = (
        "allowed", "app", "ending", "forgone", "forgone_until_ns", "held", "number", "returning", "revoked", "unused_ns",
        "vector", "waiting",
    )  # fmt: skip

    def __init__(self, app: AppHere, number: int, vector: Vector) -> None:
        self.app = app
        self.number = number
        self.vector = vector
        self.allowed = 0
        self.held = 0
        #: Of those held, how many are being ended.
        self.ending = 0
        self.returning = 0
        #: Of those returning, how many are to be killed when: (time, count), in order of time.
        self.revoked: deque[tuple[int, int]] = deque()
        #: Who waits for an allowance.
        self.waiting: deque[Process] = deque()
        #: Since when something is unused; -1 while nothing is.
        self.unused_ns = -1
        #: Allowances to come that the application has given back already.
        self.forgone = 0
        self.forgone_until_ns = 0

    @property
    def unused(self) -> int:
        """Processes that may be started still."""
        return self.allowed + self.returning - self.held

    @property
    def is_idle(self) -> bool:
        """Whether nothing is there or allowed, and nobody waits for anything."""
        return not (self.allowed or self.held or self.waiting or self.revoked) and self.unused_ns < 0

    def revoke(self, count: int, due_ns: int) -> int:
        """So many are taken back, by ``due_ns``; how many of these are unused, and to be given back at once."""
        revoked = min(count, self.allowed)
        idle = min(revoked, self.unused)
        left = revoked - idle
        if left:
            self.allowed -= left
            self.returning += left
            self.revoked.append((due_ns, left))
        return idle

    def release(self) -> None:
        """One process is gone, and its allowance with it: first one that was taken back."""
        self.held -= 1
        if not self.revoked:
            self.allowed -= 1
            return
        self.returning -= 1
        due_ns, count = self.revoked[0]
        if count > 1:
            self.revoked[0] = (due_ns, count - 1)
        else:
            self.revoked.popleft()


class AppHere:
    """What a machine has of one application."""

    __slots__ = ("address", "attempt", "ended", "gone", "master", "name", "past", "serial", "units", "workers")

    def __init__(self, name: str, serial: int) -> None:
        self.name = name
        #: Its number among those that this machine has heard of, in order.
        self.serial = serial
        #: Of the latest master that has spoken to this machine, and where that is.
        self.attempt = 0
        self.address = ""
        self.units: dict[int, UnitHere] = {}
        #: By number: those that are there or wait.
        self.workers: dict[int, WorkerProcess] = {}
        #: Numbers that have been used: a message that comes late starts nothing twice.
        self.past: dict[int, None] = {}
        self.master: MasterHere | None = None
        #: Whether everything of it is to end.
        self.ended = False
        #: Ends that its master has not been told: (unit, worker or -1, why, unused).
        self.gone: list[tuple[int, int, str, int]] = []

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing here, and waits for nothing."""
        return all(unit.is_idle for unit in self.units.values())

    def unit(self, number: int, vector: Vector) -> UnitHere:
        """A unit, made when it is first heard of."""
        known = self.units.get(number)
        if known is None:
            known = self.units[number] = UnitHere(self, number, vector)
        return known


_by_serial = attrgetter("serial")


class ProcessTable:
    """All applications' processes on one machine."""

    def __init__(self) -> None:
        self.apps: dict[str, AppHere] = {}
        # Those that may have something here. Of the others little is kept but numbers that were used, and there are ever
        # more of them: whoever looks for what is there need not look through these.
        self._live: dict[AppHere, None] = {}
        self._serial = 0
        #: The FuxiMaster that spoke here last, and the last of its numbered allowances.
        self.epoch = 0
        self.heard = 0
        #: Starts of the machine.
        self.boot = 0
        #: While nobody watches: processes that have died by themselves.
        self.unreaped: list[Process] = []
        #: The Tubo, while there is one: told of each process that dies by itself.
        self.watcher: Callable[[Process], object] | None = None

    def clear(self) -> None:
        """The machine has gone down: every process dies with it."""
        apps, self.apps = self.apps, {}
        self._live.clear()
        self.epoch = self.heard = 0
        self.unreaped = []
        self.boot += 1
        for app in apps.values():
            masters = (app.master,) if app.master is not None else ()
            for process in (*masters, *app.workers.values()):
                if process.owner is not None:
                    process.state = GONE
                    process.owner.kill()

    def app(self, name: str) -> AppHere:
        """An application, made when it is first heard of."""
        known = self.apps.get(name)
        if known is None:
            self._serial += 1
            known = self.apps[name] = AppHere(name, self._serial)
        self._live[known] = None
        return known

    @property
    def live(self) -> list[AppHere]:
        """All applications that have anything here, with some that have not, in the order in which they were heard of."""
        return sorted(self._live, key=_by_serial)

    def rest(self, app: AppHere) -> None:
        """Look through an application no more while it has nothing here."""
        if app.is_idle:
            self._live.pop(app, None)

    def forget_if_done(self, app: AppHere) -> None:
        """Of an application that has nothing here any more nothing is kept, once it has ended."""
        if app.ended and not any(unit.allowed or unit.held for unit in app.units.values()):
            self.apps.pop(app.name, None)
            self._live.pop(app, None)

    def own(self, process: Process, owner: Owner) -> None:
        """The process exists from now on, as ``owner``."""
        process.owner = owner
        owner.on_death(lambda: self._died(process))

    def _died(self, process: Process) -> None:
        if process.state in (GONE, ENDING):
            return
        process.state = GONE
        if self.watcher is not None:
            self.watcher(process)
        else:
            self.unreaped.append(process)

    # Views

    def running(self) -> tuple[Running, ...]:
        """What each application may use, and uses."""
        return tuple(
            Running(app.name, unit.number, unit.vector, unit.allowed, unit.held, unit.returning)
            for app in self.apps.values()
            for unit in app.units.values()
            if unit.allowed or unit.held
        )

    def masters(self) -> tuple[MasterProcess, ...]:
        """The masters that run here or are being started."""
        return tuple(
            MasterProcess(app.name, app.master.number, app.master.address)
            for app in self.apps.values()
            if app.master is not None and app.master.state in (WAITING, STARTING, RUNNING)
        )

    def processes(self) -> list[Process]:
        """Every process that holds resources, in order."""
        found: list[Process] = []
        for app in self.apps.values():
            if app.master is not None and app.master.owner is not None:
                found.append(app.master)
            found += [worker for worker in app.workers.values() if worker.owner is not None]
        return found

    def audit(self) -> str:
        """What does not balance; empty when everything does."""
        try:
            self.check()
        except AssertionError as error:
            return str(error)
        return ""

    def check(self) -> None:
        """Raises AssertionError when the books do not balance."""
        for app in self.apps.values():
            assert app in self._live or app.is_idle, f"{app.name} is not looked through, and has something here"
            held: dict[int, int] = {}
            ending: dict[int, int] = {}
            for process in self.processes():
                if process.app is app:
                    number = process.unit.number
                    held[number] = held.get(number, 0) + 1
                    ending[number] = ending.get(number, 0) + (process.state == ENDING)
            for unit in app.units.values():
                name = f"{app.name} unit {unit.number}"
                assert unit.allowed >= 0, f"{name}: {unit.allowed} allowed"
                assert unit.returning == sum(count for _, count in unit.revoked), f"{name}: {unit.returning} returning"
                assert unit.unused >= 0, f"{name}: {unit.held} held of {unit.allowed} and {unit.returning}"
                assert unit.held == held.get(unit.number, 0), f"{name}: {unit.held} held, {held} counted"
                found = ending.get(unit.number, 0)
                assert unit.ending == found, f"{name}: {unit.ending} being ended, {found} counted"
