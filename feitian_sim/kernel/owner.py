"""Owners: a simulated operating-system process, whose activity ends all at once (DESIGN rule 4).

Timers and SimPy processes belong to an owner. After :meth:`Owner.kill` no timer calls; it ends the generators (their
``finally`` blocks run, but what they try to schedule or send goes nowhere), frees SimPy requests that they
held, and then tells who registered with :meth:`Owner.on_death`: hardware frees by the owner's name what it held.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import PENDING, Condition, Event
from simpy.resources.base import Get, Put
from simpy.resources.resource import Request

from feitian_sim.kernel.timer import Timer

if TYPE_CHECKING:
    from feitian_sim.kernel.simulation import Simulation

ProcessGenerator = Generator[Any, Any, Any]


class Owner:
    """One incarnation of a process: alive until it is killed, never again after."""

    __slots__ = ("_claims", "_deaths", "_processes", "_resumed", "_sim", "alive", "deferred", "name")

    def __init__(self, sim: Simulation, name: str) -> None:
        self._sim = sim
        self.name = name
        self.alive = True
        self._processes: list[simpy.Process] = []
        self._claims: list[Event] = []
        self._deaths: dict[Callable[[], object], None] = {}
        #: What has fallen due while it is paused, in order; None while it runs.
        self.deferred: list[tuple[Callable[..., object], tuple[Any, ...]]] | None = None
        self._resumed: Event | None = None

    def __repr__(self) -> str:
        return f"<Owner {self.name} {'alive' if self.alive else 'dead'}>"

    def call_later(self, delay_ns: int, callback: Callable[..., object], *args: Any) -> None:
        """As :meth:`Simulation.call_later`, but what a dead owner wanted is not called."""
        if self.alive:
            self._sim.call_later(delay_ns, self._call, callback, args)

    def timer(self, delay_ns: int, callback: Callable[..., object], *args: Any) -> Timer:
        """As :meth:`Simulation.timer`, but cancelled when the owner dies; a dead owner gets a dead timer."""
        if not self.alive:
            return Timer(None, (), self)
        return self._sim.timer(delay_ns, callback, *args, owner=self)

    def _call(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self.alive:
            if self.deferred is None:
                callback(*args)
            else:
                self.deferred.append((callback, args))

    def run(self, callback: Callable[..., object], *args: Any) -> None:
        """Do ``callback(*args)`` as this process: now, when it goes on if it is paused, never if it is dead."""
        self._call(callback, args)

    def pause(self) -> None:
        """Stop as on SIGSTOP: from now on what falls due waits. Pausing twice is as once."""
        if self.alive and self.deferred is None:
            self.deferred = []

    def resume(self) -> None:
        """Go on: what fell due meanwhile happens now, in its order, as far as the process lives through it."""
        deferred, self.deferred = self.deferred, None
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.succeed()
        for position, (callback, args) in enumerate(deferred or ()):
            if not self.alive:
                return
            if self.deferred is not None:
                self.deferred[:0] = (deferred or [])[position:]
                return
            callback(*args)

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return self.deferred is not None

    def process(self, generator: ProcessGenerator) -> simpy.Process | None:
        """Run a SimPy process that dies with the owner; None (and nothing runs) when the owner is dead."""
        if not self.alive:
            return None
        process = simpy.Process(self._sim, self._guarded(generator))
        self._processes = [other for other in self._processes if other.is_alive]
        self._processes.append(process)
        return process

    def on_death(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` once, when the owner is killed, in order of registration; at once if it is dead."""
        if self.alive:
            self._deaths[callback] = None
        else:
            callback()

    def forget_death(self, callback: Callable[[], object]) -> None:
        """Take back an :meth:`on_death` that is no longer needed."""
        self._deaths.pop(callback, None)

    def kill(self) -> None:
        """End all activity at once. Killing twice is harmless."""
        if not self.alive:
            return
        self.alive = False
        self.deferred = None
        self._end_processes()
        for claim in self._claims:
            _free(claim)
        self._claims.clear()
        deaths, self._deaths = list(self._deaths), {}
        for callback in deaths:
            callback()

    def _end_processes(self) -> None:
        sim = self._sim
        processes, self._processes = self._processes, []
        was_gagged = sim.gag(True)
        try:
            for process in processes:
                if process is not sim.active_process:
                    _end(process)
        finally:
            sim.gag(was_gagged)

    def _guarded(self, generator: ProcessGenerator) -> ProcessGenerator:
        """Drive ``generator``, note what it claims, and end it if its owner died while it ran."""
        try:
            event = next(generator)
            while True:
                if not self.alive:
                    self._close_gagged(generator)
                    return None
                self._note_claims(event)
                try:
                    value = yield event
                except GeneratorExit:
                    raise
                except BaseException as error:
                    yield from self._awake()
                    event = generator.throw(error)
                else:
                    yield from self._awake()
                    event = generator.send(value)
        except StopIteration as stop:
            return stop.value
        except GeneratorExit:
            _close(generator)
            raise

    def _awake(self) -> ProcessGenerator:
        """Wait until the process runs, if it is paused."""
        while self.deferred is not None:
            if self._resumed is None:
                self._resumed = Event(self._sim)
            yield self._resumed

    def _close_gagged(self, generator: ProcessGenerator) -> None:
        was_gagged = self._sim.gag(True)
        try:
            _close(generator)
        finally:
            self._sim.gag(was_gagged)

    def _note_claims(self, event: Any) -> None:
        parts = event._events if isinstance(event, Condition) else (event,)
        for part in parts:
            if isinstance(part, (Put, Get)):
                self._claims = [claim for claim in self._claims if _held(claim)]
                self._claims.append(part)


def _held(claim: Event) -> bool:
    if not claim.triggered:
        return True
    return isinstance(claim, Request) and claim in claim.resource.users


def _free(claim: Event) -> None:
    if not claim.triggered and isinstance(claim, (Put, Get)):
        # A "with" block of the dying generator may have left the queue already.
        if claim in claim.resource.put_queue or claim in claim.resource.get_queue:
            claim.cancel()
    elif isinstance(claim, Request) and claim in claim.resource.users:
        claim.resource.release(claim)


def _end(process: simpy.Process) -> None:
    target = process.target
    if target is not None and target.callbacks is not None and process._resume in target.callbacks:
        target.callbacks.remove(process._resume)
    _close(process._generator)
    if process._value is PENDING:
        # Nobody may wait for it any more: a dead process neither returns nor fails.
        process._ok = True
        process._value = None
        process.callbacks = None  # type: ignore[assignment]


def _close(generator: Any) -> None:
    try:
        generator.close()
    except RuntimeError:
        # A finally block that yields cannot be waited for: the process is dead.
        pass
    except Exception as error:
        # The exception of a dying process's finally block concerns nobody: there is no one left to catch it.
        del error
