"""What only oracles want to know of Fuxi: built when somebody checks, and in no digest.

Vectors are amounts in the order of the cell's dimensions, joined by commas.
"""

from __future__ import annotations

from collections.abc import Iterable

from feitian_sim.kernel import Fact, fact


def amounts_of(vector: Iterable[int]) -> str:
    """A vector as these facts have it."""
    return ",".join(map(str, vector))


# Machines, as they are


@fact("fuxi.machine_offered", canonical=False, detail=True)
class MachineOffered(Fact):
    """A Tubo has come up on a machine that offers so much."""

    machine: str
    vector: str


@fact("fuxi.memory_overused", canonical=False, detail=True)
class MemoryOverused(Fact):
    """A process uses more memory than it may; its Tubo will see it at its next look, ``due_ns``."""

    machine: str
    app: str
    unit: int
    worker: int
    due_ns: int


@fact("fuxi.work_begun", canonical=False, detail=True)
class WorkBegun(Fact):
    """A worker has begun a piece of work; of a job, ``task/instance/attempt``."""

    machine: str
    app: str
    unit: int
    worker: int
    piece: str


@fact("fuxi.work_done", canonical=False, detail=True)
class WorkDone(Fact):
    """A worker has ended a piece of work."""

    machine: str
    app: str
    unit: int
    worker: int
    piece: str
    ok: bool


# Packages


@fact("fuxi.piece_stored", canonical=False, detail=True)
class PieceStored(Fact):
    """A piece of a package is on a disk."""

    machine: str
    disk: str
    package: str
    piece: int


@fact("fuxi.package_unpacked", canonical=False, detail=True)
class PackageUnpacked(Fact):
    """A package of so many pieces has been unpacked where it lies."""

    machine: str
    disk: str
    package: str
    pieces: int


@fact("fuxi.package_used", canonical=False, detail=True)
class PackageUsed(Fact):
    """A worker's process begins to run what a package holds."""

    machine: str
    app: str
    unit: int
    worker: int
    package: str


@fact("fuxi.piece_handed_on", canonical=False, detail=True)
class PieceHandedOn(Fact):
    """A machine begins to send a piece of a package to another."""

    machine: str
    package: str
    piece: int


# The FuxiMaster's decisions


@fact("fuxi.tubo_heard", canonical=False, detail=True)
class TuboHeard(Fact):
    """A machine and what runs there are in the books of this reign."""

    machine: str
    epoch: int


@fact("fuxi.machine_given_up", canonical=False, detail=True)
class MachineGivenUp(Fact):
    """This reign counts nothing on a machine any more, whether it had heard of it or not."""

    machine: str
    epoch: int


@fact("fuxi.master_ordered", canonical=False, detail=True)
class MasterOrdered(Fact):
    """A new master of an application is to be started."""

    app: str
    attempt: int
    machine: str
    epoch: int


@fact("fuxi.group_charged", canonical=False, detail=True)
class GroupCharged(Fact):
    """Units were granted; ``used`` by their quota group after that, of at most ``maximum`` (empty: of everything)."""

    group: str
    app: str
    unit: int
    vector: str
    used: str
    maximum: str


@fact("fuxi.displaced", canonical=False, detail=True)
class Displaced(Fact):
    """Units were told to go for others. ``spared``: who may stay there, ``app:unit:group:priority`` each, separated by
    spaces."""

    machine: str
    app: str
    unit: int
    group: str
    priority: int
    why: str
    spared: str


@fact("fuxi.adjusted", canonical=False, detail=True)
class Adjusted(Fact):
    """A FuxiMaster has done its work of a fixed interval, and everything is decided: how all stand follows, first the
    groups, then the machines, then who waits. ``preempts``: whether units are taken back at all."""

    epoch: int
    preempts: bool


@fact("fuxi.group_stands", canonical=False, detail=True)
class GroupStands(Fact):
    """What a quota group uses at such a moment, without what it was told to give up; what is kept free for it besides;
    and what it is sure of."""

    group: str
    stays: str
    claimed: str
    minimum: str


@fact("fuxi.machine_free", canonical=False, detail=True)
class MachineFree(Fact):
    """What anybody may be granted on a machine at such a moment. ``coming``: with what is returning."""

    machine: str
    vector: str
    coming: str


@fact("fuxi.group_holds", canonical=False, detail=True)
class GroupHolds(Fact):
    """What workers of a quota group may keep on a machine at such a moment; masters of applications are no workers."""

    machine: str
    group: str
    vector: str


@fact("fuxi.unit_waits", canonical=False, detail=True)
class UnitWaits(Fact):
    """Who waits at such a moment. ``room``: how many its quota group may be granted; -1: any number. ``avoid``: machines,
    separated by spaces. ``unclaimed``: for how many of them nothing is kept free."""

    app: str
    unit: int
    vector: str
    room: int
    avoid: str
    group: str
    unclaimed: int


@fact("fuxi.disabled_counted", canonical=False, detail=True)
class DisabledCounted(Fact):
    """All machines that are disabled, separated by spaces, and how many may be; when a reign begins and after changes."""

    epoch: int
    machines: str
    most: int


# Books


@fact("fuxi.books_audited", canonical=False, detail=True)
class BooksAudited(Fact):
    """Books were looked through. ``problem``: what does not add up; empty when everything does."""

    whose: str
    problem: str


@fact("fuxi.machine_booked", canonical=False, detail=True)
class MachineBooked(Fact):
    """At the end of a run, of one application's unit on a machine: what the FuxiMaster counts, and what the Tubo does."""

    machine: str
    app: str
    unit: int
    at_master: int
    at_tubo: int
    processes: int
