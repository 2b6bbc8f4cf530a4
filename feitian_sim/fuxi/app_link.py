"""An application master's way to the FuxiMaster: it registers, asks, is granted, and survives the masters' changes.

What the application wants is kept here as totals and told as changes: all of one instant in one message, and one message
at a time, so that what happens while it is under way goes in the next. A message that is not answered is sent again
under its number. A new FuxiMaster, or one that has missed something, is told everything. So is who has missed something
itself: grants are numbered too.

How the two count. ``wanted`` is what was asked for less what was granted, with its sign: a wish that is taken back may
cross the grant of it, and then ends below nothing at both ends; the link levels that at once, and the application
has one unit more than it wants, which it gives back (:meth:`AppLink.return_unused`). Holdings are what the application
counts as its own; whether it has it the Tubos know, and what is allowed but used by nobody they give back by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from feitian_sim.fuxi.messages import (
    BadMachine,
    Demand,
    Ended,
    Granted,
    Heard,
    Holding,
    Preference,
    Register,
    Registered,
    UnitDemand,
)
from feitian_sim.fuxi.needs import BE_HEARD_BY_APPLICATION
from feitian_sim.fuxi.ports import tubo_at
from feitian_sim.fuxi.resources import Vector
from feitian_sim.fuxi.worker_messages import StopWorkers
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall
from feitian_sim.pangu.master_finder import Directory, MasterFinder


class AppEvents(Protocol):
    """What an application learns from the FuxiMaster."""

    def granted(self, unit: int, machine: str, count: int) -> None:
        """So many units more may run on the machine."""
        ...

    def taken_back(self, unit: int, machine: str, count: int) -> None:
        """So many units are to end on the machine: those that are left after the grace the Tubo kills."""
        ...

    def lost(self, machine: str) -> None:
        """The machine is gone with all that ran there."""
        ...

    def disabled(self, machine: str) -> None:
        """Nobody is given anything on the machine any more; what runs there may run on."""
        ...

    def enabled(self, machine: str) -> None:
        """The machine, which was disabled, may be given something again."""
        ...

    def restored(self, holdings: Mapping[tuple[int, str], int]) -> None:
        """The first registration of this attempt: what the FuxiMaster says an attempt before it held."""
        ...


class _Unit:
    """One unit: its definition, what is wanted of it, and what of that has not been told."""

    __slots__ = ("avoid", "avoid_told", "changed_wanted", "changes", "preferences", "priority", "vector", "wanted")

    def __init__(self, vector: Vector, priority: int) -> None:
        self.vector = vector
        self.priority = priority
        self.wanted = 0
        self.preferences: dict[tuple[Any, str], int] = {}
        self.avoid: tuple[str, ...] | None = None
        self.forget()

    def forget(self) -> None:
        """All of it has been told."""
        self.changed_wanted = 0
        self.changes: dict[tuple[Any, str], int] = {}
        self.avoid_told = True

    def change(self, delta: int, preferences: Iterable[Preference], avoid: tuple[str, ...] | None) -> None:
        """The application wants otherwise."""
        self.wanted += delta
        self.changed_wanted += delta
        for one in preferences:
            key = (one.level, one.name)
            self.preferences[key] = self.preferences.get(key, 0) + one.count
            self.changes[key] = self.changes.get(key, 0) + one.count
        if avoid is not None:
            self.avoid, self.avoid_told = avoid, False

    def granted(self, machine: str, count: int) -> None:
        """So many are granted: less is wanted, also where it was best."""
        self.wanted -= count
        for key in (("machine", machine), ("rack", machine.partition("/")[0])):
            left = self.preferences.get(key, 0) - count
            if left > 0:
                self.preferences[key] = left
            else:
                self.preferences.pop(key, None)

    def told(self, unit: int) -> UnitDemand:
        """What has changed, as a message says it; from now on it is told."""
        preferences = tuple(Preference(level, name, count) for (level, name), count in self.changes.items() if count)
        avoid = None if self.avoid_told else self.avoid
        demand = UnitDemand(unit, self.changed_wanted, self.vector, self.priority, preferences, avoid)
        self.forget()
        return demand

    def total(self, unit: int) -> UnitDemand:
        """All that is wanted."""
        preferences = tuple(Preference(level, name, count) for (level, name), count in self.preferences.items())
        self.forget()
        return UnitDemand(unit, self.wanted, self.vector, self.priority, preferences, self.avoid)


class AppLink:
    """One attempt's link. It serves :class:`Granted` on the endpoint, and lives as long as its process."""

    def __init__(
        self,
        sim: Simulation,
        endpoint: Endpoint,
        directory: Directory,
        app: str,
        attempt: int,
        events: AppEvents,
        *,
        call_ns: int,
        retry_ns: int,
    ) -> None:
        self._sim = sim
        self._endpoint = endpoint
        self._app = app
        self._attempt = attempt
        self._events = events
        self._call_ns = call_ns
        self._retry_ns = retry_ns
        self._units: dict[int, _Unit] = {}
        self._dirty: dict[int, None] = {}
        # Machines that it was told are disabled.
        self._disabled: dict[str, None] = {}
        self._holdings: dict[tuple[int, str], int] = {}
        #: Of the FuxiMaster that it is registered with; 0 before the first.
        self.epoch = 0
        self._registered = False
        self._registering = False
        self._ever_registered = False
        # The last Demand sent, the last Granted heard, both of this epoch.
        self._sent = 0
        self._heard = 0
        self._under_way: Demand | None = None
        self._flushing = False
        self._ended: Ended | None = None
        #: Called after each registration but the first: what ran on a machine that was lost meanwhile is told by nobody.
        self.on_registered: list[Callable[[], object]] = []
        endpoint.serve(Granted, self._granted, BE_HEARD_BY_APPLICATION)
        self._finder = MasterFinder(endpoint, directory, self._moved)
        self._register()

    # What the application says

    @property
    def registered(self) -> bool:
        """Whether a FuxiMaster knows this attempt."""
        return self._registered

    @property
    def holdings(self) -> Mapping[tuple[int, str], int]:
        """Units that the application counts as its own, by unit and machine."""
        return self._holdings

    def wanted(self, unit: int) -> int:
        """How many of a unit are asked for and not granted."""
        known = self._units.get(unit)
        return known.wanted if known is not None else 0

    def want(
        self,
        unit: int,
        delta: int,
        *,
        vector: Vector = (),
        priority: int = 0,
        preferences: Iterable[Preference] = (),
        avoid: tuple[str, ...] | None = None,
    ) -> None:
        """Want so many more (or less, also below what is granted) of a unit from now on.

        ``vector`` and ``priority`` define the unit at its first mention and are ignored later. ``preferences``: changes
        of how many of those wanted would best be where. ``avoid``: the whole list of machines that the application
        does not want any more grants on, whenever it changes.
        """
        known = self._units.get(unit)
        if known is None:
            assert vector, f"unit {unit} of {self._app} is wanted before it is defined"
            assert unit > 0, "unit 0 is the application's master itself"
            known = self._units[unit] = _Unit(vector, priority)
        known.change(delta, preferences, avoid)
        self._dirty[unit] = None
        self._flush_soon()

    def given_back(self, unit: int, machine: str, count: int) -> None:
        """So many units end on a machine by the application's own will, or by themselves.

        To be called for workers that the application told the Tubo to stop, and for those that the Tubo says are gone;
        not for those that end because they were taken back, which :meth:`AppEvents.taken_back` has subtracted.
        """
        left = self._holdings.get((unit, machine), 0) - count
        if left > 0:
            self._holdings[unit, machine] = left
        else:
            self._holdings.pop((unit, machine), None)

    def return_unused(self, unit: int, machine: str, count: int) -> None:
        """Give back granted units for which no worker was started; the Tubo is told until it answers."""
        self.given_back(unit, machine, count)
        self._tell(tubo_at(machine), StopWorkers(self._app, self._attempt, (), ((unit, count),)))

    def bad_machine(self, machine: str, why: str) -> None:
        """The application has put the machine on its own blacklist."""
        self._tell("", BadMachine(self._app, machine, why))

    def end(self, ok: bool, why: str) -> None:
        """The application is done, and keeps nothing. When the FuxiMaster has noted it, all that it has left is ended."""
        if self._ended is None:
            self._ended = Ended(self._app, self._attempt, ok, why)
            self._tell("", self._ended)

    def _tell(self, address: str, message: object) -> None:
        """Say it, to the FuxiMaster or at an address, again and again until it is answered."""

        def failed(error: CallError) -> None:
            # What is not permitted will not be later; whoever fails it otherwise may be coming up, or have a successor.
            if error.kind not in ("denied", "too-large"):
                self._endpoint.owner.call_later(self._retry_ns, self._tell, address, message)

        if address:
            self._endpoint.call(address, message, self._call_ns, _nothing, failed)
        else:
            self._finder.call(message, self._call_ns, _nothing, failed)

    # Registering

    def _moved(self, _: str) -> None:
        """There is another FuxiMaster: it knows nothing of what is wanted here."""
        self._registered = False
        self._under_way = None
        self._register()

    def _register(self) -> None:
        if self._registering or self._ended is not None or not self._finder.address:
            return
        self._registering = True
        self._registered = False
        self._under_way = None
        self._dirty.clear()
        demands = tuple(known.total(unit) for unit, known in self._units.items())
        holdings = tuple(Holding(unit, machine, count) for (unit, machine), count in self._holdings.items())
        message = Register(
            self._app,
            self._attempt,
            self._endpoint.address,
            demands,
            holdings,
            epoch=self.epoch,
            heard=self._heard,
            seq=self._sent,
        )
        self._finder.call(message, self._call_ns, self._now_registered, self._not_registered)

    def _not_registered(self, _: CallError) -> None:
        self._registering = False
        self._endpoint.owner.call_later(self._retry_ns, self._register_if_needed)

    def _register_if_needed(self) -> None:
        if not self._registered:
            self._register()

    def _now_registered(self, reply: Registered) -> None:
        self._registering = False
        if reply.epoch < self.epoch:
            self._not_registered(CallError("remote", self._finder.address, "a deposed FuxiMaster"))
            return
        if reply.epoch > self.epoch:
            self.epoch, self._sent, self._heard = reply.epoch, 0, reply.settled
        self._registered = True
        first, self._ever_registered = not self._ever_registered, True
        if first:
            self._holdings = {(one.unit, one.machine): one.count for one in reply.holdings if one.unit}
            self._events.restored(dict(self._holdings))
        for machine in [one for one in self._disabled if one not in reply.disabled]:
            self._may_use_again(machine)
        for machine in reply.disabled:
            self._may_not_use(machine)
        if not first:
            for told in self.on_registered:
                told()
        self._flush_soon()

    # Demands

    def _flush_soon(self) -> None:
        if self._dirty and not self._flushing:
            self._flushing = True
            self._endpoint.owner.call_later(0, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if not self._registered or self._under_way is not None or not self._dirty or self._ended is not None:
            return
        dirty, self._dirty = self._dirty, {}
        changes = tuple(self._units[unit].told(unit) for unit in dirty)
        self._sent += 1
        self._under_way = Demand(self._app, self._attempt, self.epoch, self._sent, changes)
        self._send_demand(self._under_way)

    def _send_demand(self, demand: Demand) -> None:
        if demand is not self._under_way:
            return

        def failed(_: CallError) -> None:
            self._endpoint.owner.call_later(self._retry_ns, self._send_demand, demand)

        self._finder.call(demand, self._call_ns, lambda reply: self._heard_demand(demand, reply), failed)

    def _heard_demand(self, demand: Demand, reply: Heard) -> None:
        if demand is not self._under_way:
            return
        self._under_way = None
        if reply.resync or reply.epoch != self.epoch:
            self._register()
        else:
            self._flush_soon()

    # Grants

    def _granted(self, call: IncomingCall) -> None:
        message: Granted = call.message
        if message.epoch < self.epoch or (message.epoch == self.epoch and message.seq <= self._heard):
            # One that is deposed without knowing, or the same once more.
            call.reply(Heard(self.epoch))
        elif self._registering:
            call.fail("this master registers just now")
        elif message.epoch > self.epoch or message.seq > self._heard + 1 or not self._registered:
            call.reply(Heard(self.epoch, resync=True))
            self._register()
        else:
            self._heard = message.seq
            call.reply(Heard(self.epoch))
            self._take(message)

    def _may_not_use(self, machine: str) -> None:
        self._disabled[machine] = None
        self._events.disabled(machine)

    def _may_use_again(self, machine: str) -> None:
        if self._disabled.pop(machine, machine) is None:
            self._events.enabled(machine)

    def _take(self, message: Granted) -> None:
        events = self._events
        for machine in message.lost:
            for key in [key for key in self._holdings if key[1] == machine]:
                del self._holdings[key]
            events.lost(machine)
        for machine in message.disabled:
            self._may_not_use(machine)
        for machine in message.enabled:
            self._may_use_again(machine)
        for one in message.grants:
            if one.count < 0:
                self.given_back(one.unit, one.machine, -one.count)
                events.taken_back(one.unit, one.machine, -one.count)
                continue
            key = (one.unit, one.machine)
            self._holdings[key] = self._holdings.get(key, 0) + one.count
            known = self._units.get(one.unit)
            if known is not None:
                known.granted(one.machine, one.count)
                if known.wanted < 0:
                    self.want(one.unit, -known.wanted)
            events.granted(one.unit, one.machine, one.count)


def _nothing(_: object) -> None:
    """The end of a call that nothing depends on."""
