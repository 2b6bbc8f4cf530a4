"""What oracles are shown of books that are whole: who waits beside what, and what does not add up."""

from __future__ import annotations

from feitian_sim.fuxi.check_facts import (
    Adjusted,
    BooksAudited,
    GroupHolds,
    GroupStands,
    MachineFree,
    UnitWaits,
    amounts_of,
)
from feitian_sim.fuxi.master_books import Books
from feitian_sim.fuxi.ports import MASTER_ROLE
from feitian_sim.kernel import Simulation


def tell_what_waits(sim: Simulation, books: Books) -> None:
    """At a moment at which everything is decided."""
    scheduler = books.scheduler
    problem = ""
    try:
        scheduler.check()
    except AssertionError as error:
        problem = str(error)
    sim.emit(BooksAudited(MASTER_ROLE, problem))
    standing = scheduler.standing()
    sim.emit(Adjusted(books.epoch, standing.preempts))
    waiting = list(standing.waiting())
    if not waiting:
        return
    for group, stays, claimed, minimum in standing.groups():
        sim.emit(GroupStands(group, amounts_of(stays), amounts_of(claimed), amounts_of(minimum)))
    names = [machine.name for machine in books.machines]
    for machine in books.machines:
        if machine.standing == "up" and not machine.disabled:
            free, coming = scheduler.free(machine.index), standing.coming(machine.index)
            sim.emit(MachineFree(machine.name, amounts_of(free), amounts_of(coming)))
            for group, vector in standing.held(machine.index).items():
                sim.emit(GroupHolds(machine.name, group, amounts_of(vector)))
    for one in waiting:
        asked, avoid = amounts_of(one.vector), " ".join(names[index] for index in one.avoid)
        sim.emit(UnitWaits(one.app, one.unit, asked, one.room, avoid, one.group, one.unclaimed))
