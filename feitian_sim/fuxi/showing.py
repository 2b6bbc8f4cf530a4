"""What oracles are shown of books that are whole: who waits beside what, and what does not add up."""

from __future__ import annotations

from feitian_sim.fuxi.check_facts import BooksAudited, MachineFree, UnitWaits, amounts_of
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
    waiting = list(scheduler.left_waiting())
    if not waiting:
        return
    names = [machine.name for machine in books.machines]
    for machine in books.machines:
        if machine.standing == "up" and not machine.disabled:
            sim.emit(MachineFree(machine.name, amounts_of(scheduler.free(machine.index))))
    for app, unit, vector, room, avoided in waiting:
        sim.emit(UnitWaits(app, unit, amounts_of(vector), room, " ".join(names[index] for index in avoided)))
