"""Granting: who gets what is free, event by event.

There are three occasions. A demand arrives: it takes what it finds, at the machines it prefers, then in the racks, then
anywhere; nobody who waits already could have used that, or it would not be free. Something is freed on a machine: it
goes down the locality tree until nobody there can use it. Nobody's turn was taken for a while (the master rebuilt its
books), or a group fell below its maximum: those who wait are served in order of precedence.
"""

from __future__ import annotations

from feitian_sim.fuxi.books import Machine, Unit, total
from feitian_sim.fuxi.free_index import FreeIndex
from feitian_sim.fuxi.ledger import Ledger, Moves
from feitian_sim.fuxi.locality_tree import MACHINE, RACK, LocalityTree
from feitian_sim.fuxi.machine_choice import MachineChoice, chosen
from feitian_sim.fuxi.quota import Group
from feitian_sim.kernel import Stream


class Granting:
    """Hands out what is free; it is told what has changed and left to :meth:`run` once an event is written down."""

    def __init__(
        self, ledger: Ledger, tree: LocalityTree, choice: MachineChoice, stream: Stream, racks: list[int], several: bool
    ) -> None:
        self._ledger = ledger
        self._tree = tree
        self._choice = choice
        self.stream = stream
        self.latest = -1
        self.held = False
        self._several_groups = several
        #: Whether every single grant changes who goes next.
        self._one_by_one = tree.policy.parties != "nothing"
        self._rack_masks = [0] * (max(racks) + 1 if racks else 0)
        for machine, rack in enumerate(racks):
            self._rack_masks[rack] |= 1 << machine
        #: Machines on which something has become free, and groups that have come below their maximum.
        self._machines: dict[Machine, None] = {}
        self._groups: dict[Group, None] = {}

    @property
    def index(self) -> FreeIndex:
        """Free resources, as machine choice policies see them."""
        return self._ledger.index

    def freed(self, machine: Machine) -> None:
        """Something has become free on a machine, or something about it has changed."""
        self._machines[machine] = None

    def eased(self, group: Group) -> None:
        """A group uses less, or may use more."""
        if group.capped:
            group.capped = False
            self._groups[group] = None

    def run(self, moves: Moves) -> None:
        """Offer all that has become free."""
        while self._machines or (self._groups and not self.held):
            if self._machines:
                machine = next(iter(self._machines))
                del self._machines[machine]
                self._fill(machine, moves)
            else:
                only = next(iter(self._groups)) if len(self._groups) == 1 else None
                self._groups.clear()
                self.serve_all(moves, only)

    def serve(self, unit: Unit, moves: Moves, limit: int | None = None) -> int:
        """Grant the unit what it finds, at most ``limit``; how many. It must be settled in the tree afterwards."""
        most = unit.wanted if limit is None else min(unit.wanted, limit)
        room = unit.group.room(unit.shape)
        if room is not None and room < most:
            unit.group.capped = True
            most = room
        candidates = self.index.with_room(unit.shape) & ~unit.avoid
        if most <= 0 or not candidates:
            return 0
        left = most
        for machine in list(unit.machine_wishes) if candidates & unit.wished else ():
            if candidates >> machine & 1:
                candidates, left = self._put(
                    unit, machine, min(left, unit.machine_wishes[machine]), candidates, moves, left
                )
                if not left:
                    return most
        for rack in list(unit.rack_wishes):
            wish = min(left, unit.rack_wishes[rack])
            while wish and candidates & self._rack_masks[rack]:
                before = left
                candidates, left = self._put_somewhere(unit, wish, candidates, self._rack_masks[rack], moves, left)
                wish -= before - left
            if not left:
                return most
        while left and candidates:
            candidates, left = self._put_somewhere(unit, left, candidates, candidates, moves, left)
        return most - left

    def serve_all(self, moves: Moves, group: Group | None = None) -> None:
        """Serve those who wait, in order of precedence."""
        while (unit := self._tree.best_anywhere(self.index.with_room, self._ledger.totals, group)) is not None:
            if not self.serve(unit, moves, self._turn(unit)):
                raise AssertionError(f"{unit.app.name}/{unit.number} found no place where there was one")
            self._tree.settle(unit)

    def grant(self, unit: Unit, machine: Machine, count: int, moves: Moves) -> None:
        """Write a grant down."""
        self._ledger.take(unit, machine, count)
        moves.add(unit, machine.index, count)
        unit.wanted -= count
        self._tree.served(unit, machine.index, count)
        if unit.claimed:
            self.trim_claims(unit)

    def trim_claims(self, unit: Unit) -> None:
        """Keep no more for a unit than it wants."""
        excess = total(unit.claimed) - unit.wanted
        for index in list(unit.claimed):
            if excess <= 0:
                return
            count = min(excess, unit.claimed[index])
            machine = self._ledger.machines[index]
            self._ledger.claim(unit, machine, -count)
            self.freed(machine)
            excess -= count

    def _put_somewhere(
        self, unit: Unit, most: int, candidates: int, among: int, moves: Moves, left: int
    ) -> tuple[int, int]:
        machine = chosen(self._choice, self, candidates & among, unit.shape)
        self.latest = machine
        fit = unit.shape.fit(self.index.free(machine))
        at_once = min(fit, max(1, self._choice.at_once(self, machine, unit.shape, fit)))
        return self._put(unit, machine, min(most, at_once), candidates, moves, left)

    def _put(self, unit: Unit, index: int, most: int, candidates: int, moves: Moves, left: int) -> tuple[int, int]:
        """Grant up to ``most`` on a machine; the candidates and the count that are left."""
        fit = unit.shape.fit(self.index.free(index))
        count = min(most, fit)
        machine = self._ledger.machines[index]
        self.grant(unit, machine, count, moves)
        self._ledger.show(machine)
        return (candidates ^ self.index.bits[index] if count == fit else candidates), left - count

    def _fill(self, machine: Machine, moves: Moves) -> None:
        if machine.up and not machine.closed and not self.held:
            if machine.claims:
                self._redeem(machine, moves)
            bit = self.index.bits[machine.index]
            while (found := self._tree.best_for(machine, bit)) is not None:
                unit, level = found
                self.grant(unit, machine, self._portion(unit, machine, level), moves)
                if not unit.wanted:
                    self._tree.settle(unit)
        self._ledger.show(machine)

    def _portion(self, unit: Unit, machine: Machine, level: int) -> int:
        """How many a unit takes of a machine before others are looked at again."""
        wish = unit.wanted
        if level == MACHINE:
            wish = min(wish, unit.machine_wishes[machine.index])
        elif level == RACK:
            wish = min(wish, unit.rack_wishes[machine.rack])
        room = unit.group.room(unit.shape)
        if room is not None:
            wish = min(wish, room)
        turn = self._turn(unit)
        if turn is not None:
            wish = min(wish, turn)
        return min(wish, unit.shape.fit(machine.open_free()))

    def _turn(self, unit: Unit) -> int | None:
        """How many a unit may be granted before its place among the others has to be found again; None: any number."""
        if self._one_by_one:
            return 1
        if self._several_groups:
            owed = unit.group.owed(unit.shape)
            return owed if owed else None
        return None

    def _redeem(self, machine: Machine, moves: Moves) -> None:
        """Grant what is kept on the machine for units, as far as it has come free."""
        for unit, count in list(machine.claims.items()):
            fit = unit.shape.fit(machine.free)
            room = unit.group.room(unit.shape)
            ready = min(count, fit, unit.wanted) if room is None else min(count, fit, unit.wanted, room)
            if ready:
                self._ledger.claim(unit, machine, -ready)
                self.grant(unit, machine, ready, moves)
                if not unit.wanted:
                    self._tree.settle(unit)
