"""The scheduler of the FuxiMaster: pure, incremental, without a clock (F2, F3, F8).

Every call is one event: a demand changes, processes are gone, a machine comes, goes or is closed. It is written down in
the books and whatever it makes possible is decided at once; the answer is a list of moves. There is no round in which
everything is solved again. Time is told (``now_ns``), draws come from a stream of the caller's, machines are numbers in
the order of ``machines``.

What a call costs depends on what it changes: a few operations on bit sets of machines (:mod:`.free_index`) for a
demand, a look at the heads of the queues of one machine, its rack and the cluster (:mod:`.locality_tree`) for what is
freed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from feitian_sim.fuxi.audit import check_books
from feitian_sim.fuxi.books import App, Move, Place, Unit, total
from feitian_sim.fuxi.fairness import FairnessPolicy, Party
from feitian_sim.fuxi.free_index import Shape
from feitian_sim.fuxi.granting import Granting
from feitian_sim.fuxi.ledger import Ledger, Moves
from feitian_sim.fuxi.locality_tree import LocalityTree
from feitian_sim.fuxi.machine_choice import MachineChoice
from feitian_sim.fuxi.make_room import MakeRoom
from feitian_sim.fuxi.messages import UnitDemand
from feitian_sim.fuxi.preemption import PreemptionPolicy
from feitian_sim.fuxi.quota import DEFAULT, AccessDenied, Group, groups_of
from feitian_sim.fuxi.resources import Dimensions, Vector
from feitian_sim.fuxi.schedule_config import ScheduleConfig, fairness_from, machine_choice_from, preemption_from
from feitian_sim.fuxi.standing import Standing
from feitian_sim.kernel import SimulatedError, Stream

__all__ = ["AccessDenied", "Move", "Place", "Scheduler", "UnitRefused"]


class UnitRefused(SimulatedError):
    """A unit that cannot be kept: it has no vector, or another one than before; says which."""


class Scheduler:
    """The books of all machines and applications, and what follows from each event.

    ``fairness``, ``machine_choice``, ``preemption``: objects of the user's own, in place of what ``config`` names.
    ``stream``: draws for policies that draw.
    """

    def __init__(
        self,
        machines: Sequence[Place],
        dimensions: Dimensions,
        config: ScheduleConfig | None = None,
        *,
        stream: Stream | None = None,
        fairness: FairnessPolicy | None = None,
        machine_choice: MachineChoice | None = None,
        preemption: PreemptionPolicy | None = None,
    ) -> None:
        config = config or ScheduleConfig()
        self.places = tuple(machines)
        self.dimensions = dimensions
        self._indices = {place.name: index for index, place in enumerate(machines)}
        self._rack_numbers = {rack: number for number, rack in enumerate(dict.fromkeys(p.rack for p in machines))}
        racks = [self._rack_numbers[place.rack] for place in machines]
        width = len(dimensions.names)
        self._fairness = fairness or fairness_from(config.fairness)
        self.groups = groups_of(config.groups, width)
        several = len(self.groups) > 1
        self._ledger = Ledger(racks, width)
        self._tree = LocalityTree(racks, self._fairness, several)
        choice = machine_choice or machine_choice_from(config.machine_choice)
        self._granting = Granting(self._ledger, self._tree, choice, stream or Stream(0), racks, several)
        victims = preemption or preemption_from(config.preemption)
        self._make_room = MakeRoom(self._ledger, self._tree, tuple(self.groups.values()), victims)
        self._preempts = config.preempts
        self._apps: dict[str, App] = {}
        self._parties: dict[str, Party] = {}
        self._orders = 0

    # Machines

    def machine_up(self, machine: int, capacity: Vector) -> list[Move]:
        """A machine is there with this capacity, or has another one from now on; what follows at once."""
        books = self._ledger.machines[machine]
        books.up = True
        self._resize(machine, capacity)
        return self._answer(Moves())

    def machine_gone(self, machine: int) -> list[Move]:
        """A machine is lost with all that it ran: negative counts, and what others are granted because of it."""
        books = self._ledger.machines[machine]
        moves = Moves()
        self._drop_claims(machine)
        for unit in list(books.units):
            held = unit.held.get(machine, 0)
            if held:
                moves.add(unit, machine, -held, "machine-gone")
            self._went(unit, machine, held + unit.returning.get(machine, 0))
        books.up = False
        self._resize(machine, self.dimensions.zero)
        return self._answer(moves)

    def close(self, machine: int) -> list[Move]:
        """A machine gets nothing new from now on; what runs there runs on."""
        self._ledger.machines[machine].closed = True
        self._drop_claims(machine)
        self._granting.freed(self._ledger.machines[machine])
        return self._answer(Moves())

    def open(self, machine: int) -> list[Move]:
        """A closed machine may get something again."""
        self._ledger.machines[machine].closed = False
        self._granting.freed(self._ledger.machines[machine])
        return self._answer(Moves())

    # Applications

    def add_app(self, app: str, user: str, group: str = DEFAULT, submitted_ns: int = 0) -> None:
        """An application may ask from now on. Raises AccessDenied. Twice is once."""
        if app in self._apps and not self._apps[app].ended:
            return
        books = self.groups.get(group)
        if books is None:
            raise AccessDenied(f"{app}: there is no quota group {group!r} ({', '.join(self.groups)})")
        if not books.admits(user):
            raise AccessDenied(f"{app}: user {user!r} may not use quota group {group!r}")
        self._add(app, user, books, submitted_ns)

    def remove_app(self, app: str) -> list[Move]:
        """An application has ended: it waits no more; what it holds counts until it is freed."""
        books = self._apps.get(app)
        if books is None:
            return []
        books.ended = True
        for unit in list(books.units.values()):
            unit.wanted = 0
            self._tree.settle(unit)
            self._granting.trim_claims(unit)
            self._forget_if_done(unit)
        if not books.units:
            self._apps.pop(app, None)
        return self._answer(Moves())

    def define(self, app: str, unit: int, vector: Vector, priority: int = 0) -> None:
        """What one of a unit needs, and how urgent it is (larger is more). Raises UnitRefused."""
        known = self._apps[app].units.get(unit)
        if known is None:
            self._define(self._apps[app], unit, vector, priority)
            return
        if vector and vector != known.shape.vector:
            if known.held or known.returning:
                raise UnitRefused(f"{app}: unit {unit} has another vector than what already runs of it")
            self._tree.leave(known)
            self._ledger.index.forget(known.shape)
            known.shape = self._shape(app, unit, vector)
        if priority != known.priority:
            self._tree.leave(known)
            holding = known.group.holding
            held = total(known.held)
            holding[known.priority] = holding.get(known.priority, 0) - held
            holding[priority] = holding.get(priority, 0) + held
            known.priority = priority
        self._tree.settle(known)

    def wants(self, app: str, changes: Sequence[UnitDemand], now_ns: int) -> list[Move]:
        """An application's wishes have changed by these. Raises UnitRefused, KeyError for an unknown application."""
        return self._changed(app, changes, now_ns, False)

    def register(self, app: str, demands: Sequence[UnitDemand], now_ns: int) -> list[Move]:
        """These are all of an application's wishes; what is not named is not wanted. Raises UnitRefused, KeyError."""
        named = [demand.unit for demand in demands]
        others = [UnitDemand(unit, 0, priority=books.priority) for unit, books in self._apps[app].units.items()
                  if unit not in named]  # fmt: skip
        return self._changed(app, [*demands, *others], now_ns, True)

    def freed(self, app: str, unit: int, machine: int, count: int, now_ns: int) -> list[Move]:
        """Processes of a unit are gone from a machine; what they used is offered at once."""
        books = self._apps.get(app)
        of = None if books is None else books.units.get(unit)
        if of is None:
            return []
        self._went(of, machine, count)
        self._granting.freed(self._ledger.machines[machine])
        self._forget_if_done(of)
        return self._answer(Moves())

    # Fail-over and fixed intervals

    def adopt(self, app: str, unit: int, machine: int, count: int, vector: Vector) -> None:
        """So many of a unit run on a machine already; never refused, even for an application that nobody knows."""
        books = self._apps.get(app)
        if books is None:
            books = self._add(app, "", next(iter(self.groups.values())), 0)
            books.ended = True
        of = books.units.get(unit)
        if of is None:
            of = self._define(books, unit, vector, 0)
        place = self._ledger.machines[machine]
        self._ledger.take(of, place, count)
        of.group.excuse()
        place.excused = min(place.free) < 0
        self._ledger.show(place)

    def hold(self, on: bool) -> list[Move]:
        """While held nothing is granted; on release everything that waits is offered what is free."""
        released = self._granting.held and not on
        self._granting.held = on
        moves = Moves()
        if released:
            self._granting.serve_all(moves)
            for machine in self._ledger.machines:
                if machine.claims:
                    self._granting.freed(machine)
        return self._answer(moves)

    def wake(self, now_ns: int) -> list[Move]:
        """The work of fixed intervals: units are taken back for those of higher priority and for groups' minimums."""
        moves = Moves()
        if self._preempts and not self._granting.held:
            for machine in self._make_room.run(moves):
                self._granting.freed(machine)
        return self._answer(moves)

    # Views

    def holdings(self, app: str) -> dict[tuple[int, int], int]:
        """What an application may use: (unit, machine) -> count, without what it was told to give up."""
        books = self._apps.get(app)
        units = books.units.values() if books is not None else ()
        return {(unit.number, machine): count for unit in units for machine, count in unit.held.items()}

    def on_machine(self, machine: int) -> list[tuple[str, int, Vector, int, int]]:
        """What is on a machine: application, unit, vector, how many it may use, how many are returning."""
        return [
            (unit.app.name, unit.number, unit.shape.vector, unit.held.get(machine, 0), unit.returning.get(machine, 0))
            for unit in self._ledger.machines[machine].units
        ]

    def waiting(self) -> Iterator[tuple[str, int, int, int]]:
        """Who waits: application, unit, how many, since when."""
        for unit in self._tree.waiting():
            yield unit.app.name, unit.number, unit.wanted, unit.since_ns

    def standing_on(self, machine: int) -> list[tuple[str, int, str, int]]:
        """Who may stay on a machine: application, unit, quota group, priority."""
        return [
            (unit.app.name, unit.number, unit.group.name, unit.priority)
            for unit in self._ledger.machines[machine].units
            if machine in unit.held
        ]

    def standing(self) -> Standing:
        """How everybody stands now, for oracles."""
        return Standing(self._ledger, self._tree, tuple(self.groups.values()), self._preempts)

    def free(self, machine: int) -> Vector:
        """What may be granted on a machine."""
        return self._ledger.index.free(machine)

    def capacity(self) -> Vector:
        """What all machines have together."""
        return tuple(self._ledger.totals)

    def used(self) -> Vector:
        """What is granted in all, with what is returning."""
        return tuple(sum(column) for column in zip(*(group.used for group in self.groups.values()), strict=True))

    def check(self) -> None:
        """Raises AssertionError when the books do not balance."""
        check_books(self._ledger, self.groups, self._apps, self._tree)

    # Inside

    def _changed(self, app: str, changes: Sequence[UnitDemand], now_ns: int, totals: bool) -> list[Move]:
        books = self._apps[app]
        moves = Moves()
        units = []
        for change in changes:
            unit = books.units.get(change.unit)
            if unit is None:
                unit = self._define(books, change.unit, change.vector, change.priority)
            elif change.vector:
                self.define(app, change.unit, change.vector, change.priority)
            self._wish(unit, change, now_ns, totals)
            units.append(unit)
        if not self._granting.held:
            for unit in sorted(units, key=lambda one: (-one.priority, one.number)):
                self._granting.serve(unit, moves)
        for unit, change in zip(units, changes, strict=True):
            self._tree.settle(unit, totals or bool(change.preferences))
            if unit.claimed:
                self._granting.trim_claims(unit)
        return self._answer(moves)

    def _wish(self, unit: Unit, change: UnitDemand, now_ns: int, totals: bool) -> None:
        before = unit.wanted
        if totals:
            unit.wanted = 0
            unit.forget_wishes()
        unit.wanted = max(0, unit.wanted + change.wanted)
        if unit.wanted and not before:
            self._tree.leave(unit)
            unit.waits_since(now_ns)
        for preference in change.preferences:
            if preference.level == "machine":
                wishes, place = unit.machine_wishes, self._indices.get(preference.name)
            else:
                wishes, place = unit.rack_wishes, self._rack_numbers.get(preference.name)
            if place is not None:
                count = max(0, wishes.get(place, 0) + preference.count)
                wishes[place] = count
                if not count:
                    del wishes[place]
                if wishes is unit.machine_wishes:
                    unit.wish(place, count > 0)
        if change.avoid is not None:
            unit.avoid = 0
            for name in change.avoid:
                index = self._indices.get(name)
                unit.avoid |= 0 if index is None else 1 << index

    def _answer(self, moves: Moves) -> list[Move]:
        self._granting.run(moves)
        return moves.all()

    def _went(self, unit: Unit, machine: int, count: int) -> None:
        if self._ledger.gone(unit, self._ledger.machines[machine], count):
            self._granting.eased(unit.group)
            self._tree.eased(unit)

    def _resize(self, machine: int, capacity: Vector) -> None:
        groups: list[Group] = list(self.groups.values())
        self._ledger.resize(self._ledger.machines[machine], capacity, groups)
        self._tree.resized()
        for group in groups:
            self._granting.eased(group)
        self._granting.freed(self._ledger.machines[machine])

    def _drop_claims(self, machine: int) -> None:
        books = self._ledger.machines[machine]
        for unit, count in list(books.claims.items()):
            self._ledger.claim(unit, books, -count)

    def _add(self, app: str, user: str, group: Group, submitted_ns: int) -> App:
        known = self._apps.get(app)
        if known is not None and known.units:
            # It ended, and what it held is not gone yet: the same application again.
            known.ended = False
            return known
        self._orders += 1
        books = App(app, user, group, self._party(app, user, group), submitted_ns, self._orders)
        self._apps[app] = books
        return books

    def _party(self, app: str, user: str, group: Group) -> Party:
        kind = self._fairness.parties
        if kind == "app":
            return Party(app, [0] * len(group.used), self._ledger.totals)
        name = f"user {user}" if kind == "user" else f"group {group.name}"
        party = self._parties.get(name)
        if party is None:
            used = [0] * len(group.used) if kind == "user" else group.used
            party = self._parties[name] = Party(name, used, self._ledger.totals, group.minimum)
        return party

    def _define(self, app: App, unit: int, vector: Vector, priority: int) -> Unit:
        made = app.units[unit] = Unit(app, unit, self._shape(app.name, unit, vector), priority)
        return made

    def _shape(self, app: str, unit: int, vector: Vector) -> Shape:
        if len(vector) != len(self.dimensions.names) or not any(amount > 0 for amount in vector) or min(vector) < 0:
            raise UnitRefused(f"{app}: unit {unit} needs a vector of {', '.join(self.dimensions.names)}, not {vector}")
        return self._ledger.index.shape(vector)

    def _forget_if_done(self, unit: Unit) -> None:
        """Of an ended application nothing is kept once it holds nothing any more."""
        app = unit.app
        if app.ended and not unit.held and not unit.returning:
            del app.units[unit.number]
            self._ledger.index.forget(unit.shape)
            if not app.units:
                del self._apps[app.name]
