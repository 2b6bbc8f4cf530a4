"""The scheduler's books: applications, their units, machines, and who holds what where.

Every process that a machine runs is counted once in four places: on the machine, with its unit, with its quota group
and with the party whose share the fairness policy watches. A unit that is taken back still counts as used
(*returning*) until its Tubo says that the processes are gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from feitian_sim.fuxi.fairness import Party
from feitian_sim.fuxi.free_index import Shape
from feitian_sim.fuxi.quota import Group
from feitian_sim.fuxi.resources import Vector

#: A unit in a queue: its negated priority, its party's key, its turn, a serial number, and itself.
Entry: TypeAlias = "tuple[int, float, tuple[int, int, int, int], int, Unit]"

Why = Literal["granted", "preempted", "quota", "machine-gone"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a machine stands."""

    name: str
    rack: str


@dataclass(frozen=True, slots=True)
class Move:
    """``count`` units of an application on a machine: granted (positive) or taken back (negative), and why.

    ``since_ns``: since when the unit had been waiting, of a grant.
    """

    app: str
    unit: int
    machine: int
    count: int
    why: Why = "granted"
    since_ns: int = 0


class App:
    """An application: who runs it in which group, and its units by number."""

    __slots__ = ("ended", "group", "name", "order", "party", "submitted_ns", "units", "user")

    def __init__(self, name: str, user: str, group: Group, party: Party, submitted_ns: int, order: int) -> None:
        self.name = name
        self.user = user
        self.group = group
        #: Whose share counts when the fairness policy compares.
        self.party = party
        self.submitted_ns = submitted_ns
        self.order = order
        self.units: dict[int, Unit] = {}
        self.ended = False


class Unit:
    """A kind of process of an application: what one needs, how many more are wanted and where, who has how many.

    Invariant: ``wanted >= 0``; counts in the mappings are positive.
    """

    __slots__ = (
        "app", "avoid", "claimed", "entries", "group", "held", "machine_wishes", "number", "party", "priority",
        "rack_wishes", "returning", "shape", "since_ns", "turn", "wanted", "wished",
    )  # fmt: skip

    def __init__(self, app: App, number: int, shape: Shape, priority: int) -> None:
        self.app = app
        self.group = app.group
        self.party = app.party
        self.number = number
        self.shape = shape
        self.priority = priority
        self.wanted = 0
        #: Since when it has wanted something.
        self.since_ns = 0
        #: Its place among those that wait, all else being equal.
        self.turn = (0, app.submitted_ns, app.order, number)
        #: Preferred machines and racks, with how many would best be there.
        self.machine_wishes: dict[int, int] = {}
        self.rack_wishes: dict[int, int] = {}
        #: The preferred machines, as bits.
        self.wished = 0
        #: Machines that the application does not want, as bits.
        self.avoid = 0
        #: Machine -> how many it may use there.
        self.held: dict[int, int] = {}
        #: Machine -> how many it was told to give up there and has not yet.
        self.returning: dict[int, int] = {}
        #: Machine -> how many are kept free for it there, for which others must go.
        self.claimed: dict[int, int] = {}
        #: Queue -> its present entry there (see ``lanes``).
        self.entries: dict[int, Entry] = {}

    def wish(self, machine: int, still: bool) -> None:
        """A machine is preferred, or is not any more."""
        bit = 1 << machine
        self.wished = self.wished | bit if still else self.wished & ~bit

    def forget_wishes(self) -> None:
        """It does not matter any more where it is granted something."""
        self.machine_wishes.clear()
        self.rack_wishes.clear()
        self.wished = 0

    def waits_since(self, now_ns: int) -> None:
        """It begins to wait."""
        self.since_ns = now_ns
        self.turn = (now_ns, self.app.submitted_ns, self.app.order, self.number)


class Machine:
    """A machine: what it has, what of it is free, and the units that it runs (or ran and that are returning).

    Invariant: ``free = capacity - everything on it``. Claims are kept out of what others are shown.
    """

    __slots__ = ("capacity", "claims", "closed", "excused", "free", "index", "rack", "units", "up")

    def __init__(self, index: int, rack: int, dimensions: int) -> None:
        self.index = index
        self.rack = rack
        self.capacity: Vector = (0,) * dimensions
        self.free: list[int] = [0] * dimensions
        #: Units with something on it, in order of their arrival.
        self.units: dict[Unit, None] = {}
        #: Units for which something is kept free on it, with how many.
        self.claims: dict[Unit, int] = {}
        self.up = False
        self.closed = False
        #: It was full beyond its capacity when it was taken over, and nothing was granted on it since.
        self.excused = False

    def open_free(self) -> Vector:
        """What may be granted to anybody: what is free and not kept for somebody."""
        if not self.claims:
            return tuple(self.free)
        kept = list(self.free)
        for unit, count in self.claims.items():
            for dimension, amount in unit.shape.needs:
                kept[dimension] -= amount * count
        return tuple(kept)


def added(counts: dict[int, int], key: int, count: int) -> None:
    """``counts[key] += count``, without zeros."""
    now = counts.get(key, 0) + count
    if now:
        counts[key] = now
    elif key in counts:
        del counts[key]


def total(counts: Mapping[int, int]) -> int:
    """The sum of the counts."""
    return sum(counts.values())
