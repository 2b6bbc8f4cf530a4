"""What the FuxiMaster knows beside the scheduler's own books, of applications and machines; how moves become messages.

Decisions are the scheduler's; here each of its moves is put into the boxes of those who must hear of it: the machine's
Tubo (what it may run) and the application's master (what it has). The boxes are emptied once an instant, by
:meth:`Books.messages`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from feitian_sim.fuxi.check_facts import Displaced, GroupCharged, amounts_of
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.facts import UnitsGranted
from feitian_sim.fuxi.hard_records import AppRecord
from feitian_sim.fuxi.master_effects import Effect, Emit, Send
from feitian_sim.fuxi.outbox import AllowBox, GrantBox
from feitian_sim.fuxi.ports import tubo_at
from feitian_sim.fuxi.resources import Vector, fits
from feitian_sim.fuxi.scheduler import Move, Place, Scheduler
from feitian_sim.kernel import Fact

#: ``keeping``: its description is being written; ``waiting``: no master runs; ``ending``: its end is being written.
State = Literal["keeping", "waiting", "starting", "running", "ending"]
#: ``unknown``: a new FuxiMaster has not heard of it; ``lost``: whatever is there must be ended before it is used again.
Standing = Literal["unknown", "up", "lost"]


class UnitBook:
    """A unit of an application. ``ledger``: wanted less granted, below nothing when the two have crossed."""

    __slots__ = ("ledger", "priority", "vector")

    def __init__(self, vector: Vector, priority: int) -> None:
        self.vector = vector
        self.priority = priority
        self.ledger = 0


class AppBook:
    """An application that goes on."""

    __slots__ = (
        "address", "asked", "attempt", "avoid", "claims", "failures", "grants", "heard", "machine", "ordered", "record",
        "registered", "since_ns", "state", "units", "watching",
        "wished",
    )  # fmt: skip

    def __init__(self, record: AppRecord, state: State, now_ns: int) -> None:
        self.record = record
        self.state = state
        #: Requests that wait until its description, or its end, is kept.
        self.asked: list[int] = []
        #: Requests that wait for its end.
        self.watching: dict[int, None] = {}
        self.attempt = 0
        #: Where its master is or is to be; -1 while that is open.
        self.machine = -1
        #: Where its master listens, once that is known.
        self.address = ""
        self.registered = False
        #: Whether the scheduler is to find a place for its master.
        self.wished = False
        #: Whether the Tubo has taken the order to start its master.
        self.ordered = False
        #: Since when it waits for a master.
        self.since_ns = now_ns
        #: Masters that have ended, and machines on which one could not be started.
        self.failures = 0
        self.avoid: dict[str, None] = {}
        self.units: dict[int, UnitBook] = {}
        #: Machines that it counts on, of which this FuxiMaster has not heard yet.
        self.claims: dict[int, None] = {}
        self.grants = GrantBox()
        #: The last of its demands.
        self.heard = 0

    @property
    def name(self) -> str:
        """Its name."""
        return self.record.app


class MachineBook:
    """A machine."""

    __slots__ = (
        "allow", "boot", "capacity", "disabled_ns", "ends", "health", "heard", "incarnation", "index", "marks", "name",
        "standing", "why",
    )  # fmt: skip

    def __init__(self, index: int, name: str, capacity: Vector) -> None:
        self.index = index
        self.name = name
        self.capacity = capacity
        self.standing: Standing = "unknown"
        self.incarnation = 0
        self.boot = 0
        #: The last of its news.
        self.heard = 0
        self.health = 100
        #: Since when it is disabled, and why; -1 while it is not.
        self.disabled_ns = -1
        self.why = ""
        #: Applications that have marked it as bad, and when.
        self.marks: dict[str, int] = {}
        self.allow = AllowBox()
        #: Applications of which everything is to be ended here, until the Tubo has taken that.
        self.ends: dict[str, None] = {}

    @property
    def disabled(self) -> bool:
        """Whether nobody is given anything on it."""
        return self.disabled_ns >= 0


class Books:
    """Shared by the roles of one FuxiMaster."""

    def __init__(
        self, config: FuxiConfig, places: Sequence[Place], capacities: Sequence[Vector], scheduler: Scheduler, epoch: int
    ) -> None:
        self.config = config
        self.scheduler = scheduler
        self.epoch = epoch
        self.machines = [
            MachineBook(index, place.name, capacity)
            for index, (place, capacity) in enumerate(zip(places, capacities, strict=True))
        ]
        self.index = {place.name: index for index, place in enumerate(places)}
        self.apps: dict[str, AppBook] = {}
        #: Outcomes of applications that have ended.
        self.outcomes: dict[str, tuple[bool, str]] = {}
        #: Whether anybody wants a fact of each grant.
        self.tell_grants = False
        #: Whether somebody looks at the reasons of moves.
        self.is_checked = False
        #: Told of each machine that is granted to an application for its master.
        self.on_master_granted: Callable[[AppBook, MachineBook, int], object] = _nobody
        self._effects: list[Effect] = []
        self._machines_to_tell: dict[int, None] = {}
        self._apps_to_tell: dict[str, None] = {}

    # Effects

    def do(self, effect: Effect) -> None:
        """Have something done."""
        self._effects.append(effect)

    def emit(self, fact: Fact) -> None:
        """Have a fact published."""
        self._effects.append(Emit(fact))

    def take(self) -> list[Effect]:
        """What is to be done since the last time."""
        effects, self._effects = self._effects, []
        return effects

    # Moves

    def apply(self, moves: Iterable[Move], now_ns: int) -> None:
        """The scheduler has decided: who must hear of it will."""
        for move in moves:
            app = self.apps.get(move.app)
            machine = self.machines[move.machine]
            if app is None or move.why == "machine-gone":
                # Its application has ended; or the machine's loss is told as such.
                continue
            if self.tell_grants:
                self._tell_grant(move, machine, now_ns)
            if self.is_checked:
                self._tell_reason(move, app, machine)
            if move.unit == 0:
                machine.allow.add(move.app, 0, self.config.master_unit, move.count)
                if move.count > 0:
                    self.on_master_granted(app, machine, now_ns)
            else:
                unit = app.units[move.unit]
                machine.allow.add(move.app, move.unit, unit.vector, move.count)
                app.grants.add(move.unit, machine.name, move.count)
                if move.count > 0:
                    unit.ledger -= move.count
                self._apps_to_tell[move.app] = None
            self._machines_to_tell[move.machine] = None

    def _tell_grant(self, move: Move, machine: MachineBook, now_ns: int) -> None:
        waited_ns = now_ns - move.since_ns if move.count > 0 else 0
        why = "" if move.count > 0 else move.why
        self.emit(UnitsGranted(move.app, move.unit, machine.name, move.count, waited_ns, why))

    def _tell_reason(self, move: Move, app: AppBook, machine: MachineBook) -> None:
        if move.count > 0:
            group = self.scheduler.groups[app.record.group]
            vector = self.config.master_unit if move.unit == 0 else app.units[move.unit].vector
            used, most = amounts_of(group.used), amounts_of(group.maximum or ())
            self.emit(GroupCharged(group.name, move.app, move.unit, amounts_of(vector), used, most))
            return
        there = self.scheduler.standing_on(move.machine)
        spared = " ".join(f"{name}:{unit}:{group}:{priority}" for name, unit, group, priority in there)
        priority = app.units[move.unit].priority if move.unit else self.config.application_master.priority
        place = (machine.name, move.app, move.unit, app.record.group)
        self.emit(Displaced(*place, priority, move.why, spared))

    # What was there before this FuxiMaster

    def claimed(self, app: AppBook, machine: MachineBook) -> None:
        """An application counts on units on a machine: that is so, or it has to learn that it is not."""
        if machine.standing == "unknown":
            app.claims[machine.index] = None
            return
        app.claims.pop(machine.index, None)
        there = self.scheduler.on_machine(machine.index)
        if not any(name == app.name and unit for name, unit, _, _, _ in there):
            app.grants.lost(machine.name)
            self.tell_app(app.name)

    def settle_claims(self, machine: MachineBook) -> None:
        """A machine has been heard of, or is lost."""
        for app in self.apps.values():
            if machine.index in app.claims:
                self.claimed(app, machine)

    # Messages

    def tell_machine(self, index: int) -> None:
        """Something is in the machine's box."""
        self._machines_to_tell[index] = None

    def tell_app(self, app: str) -> None:
        """Something is in the application's box."""
        self._apps_to_tell[app] = None

    @property
    def has_messages(self) -> bool:
        """Whether any box may have something for now."""
        return bool(self._machines_to_tell or self._apps_to_tell)

    def messages(self) -> list[Effect]:
        """All that can go now: to each machine and application one message at a time."""
        found: list[Effect] = []
        machines, self._machines_to_tell = self._machines_to_tell, {}
        for index in machines:
            machine = self.machines[index]
            allow = machine.allow.next(self.epoch, self.config.grace) if machine.standing == "up" else None
            if allow is not None:
                found.append(Send("allow", tubo_at(machine.name), allow, index))
        apps, self._apps_to_tell = self._apps_to_tell, {}
        for name in apps:
            app = self.apps.get(name)
            granted = app.grants.next(name, self.epoch) if app is not None and app.registered else None
            if granted is not None:
                assert app is not None, name
                found.append(Send("grant", app.address, granted, app=name))
        return found

    # Questions

    def fits_somewhere(self, vector: Vector) -> bool:
        """Whether any machine, empty, could run one of these."""
        return any(fits(vector, machine.capacity) for machine in self.machines)

    def holdings(self, app: str) -> list[tuple[int, MachineBook, int]]:
        """What an application has: unit, machine, count; without its master's own."""
        held = self.scheduler.holdings(app)
        return [(unit, self.machines[machine], count) for (unit, machine), count in held.items() if unit]


def _nobody(_: AppBook, __: MachineBook, ___: int) -> None:
    """Before the role that hears of it is made."""
