"""What applications' masters want of the FuxiMaster: registered as a whole, then changed by deltas. A role of the core.

Each unit has a ledger: wanted less granted, with its sign, as the application's own link counts it. What is above nothing
is the scheduler's to grant. Grants that were not heard of yet when a master registers anew are taken off what it says
that it wants.
"""

from __future__ import annotations

from feitian_sim.fuxi.applications import Applications
from feitian_sim.fuxi.master_books import AppBook, Books, UnitBook
from feitian_sim.fuxi.master_effects import Refuse, Reply, Send
from feitian_sim.fuxi.messages import Demand, Heard, Holding, Register, Registered, UnitDemand
from feitian_sim.fuxi.scheduler import UnitRefused


class Wishes:
    """Of all applications of one FuxiMaster."""

    def __init__(self, books: Books, applications: Applications) -> None:
        self._books = books
        self._applications = applications

    def register(self, ticket: int, message: Register, now_ns: int) -> None:
        """Everything that it wants."""
        books = self._books
        app = self._applications.speaks(ticket, message.app, message.attempt)
        if app is None:
            return
        again = message.attempt == app.attempt and message.epoch == books.epoch
        if message.attempt > app.attempt or not again:
            app.heard = 0
        if again:
            app.heard = message.seq
            app.grants.heard_up_to(message.heard)
        elif message.epoch == 0:
            # A master that has just begun learns what there is from the answer.
            app.grants.reset()
        self._applications.has_spoken(app, message, now_ns)
        wrong = self._define(app, message.demands)
        if wrong:
            self._applications.end(app, False, wrong)
            books.do(Refuse(ticket, wrong))
            return
        coming = app.grants.coming() if again else {}
        totals = []
        for demand in message.demands:
            unit = app.units[demand.unit]
            unit.ledger = demand.wanted - coming.get(demand.unit, 0)
            totals.append(UnitDemand(demand.unit, max(0, unit.ledger), demand.vector, demand.priority,
                                     demand.preferences, demand.avoid))  # fmt: skip
        app.registered = True
        holdings = () if again else tuple(Holding(u, m.name, count) for u, m, count in books.holdings(app.name))
        disabled = tuple(machine.name for machine in books.machines if machine.disabled)
        books.do(Reply(ticket, Registered(books.epoch, holdings, disabled, app.grants.settled)))
        try:
            moves = books.scheduler.register(app.name, totals, now_ns)
        except UnitRefused as error:
            self._applications.end(app, False, str(error))
            return
        books.apply(moves, now_ns)
        if not again:
            self._look_at_claims(app, message)
        if app.grants.under_way is not None:
            # It asked to register because of this, or has it on its way still: twice is once.
            books.do(Send("grant", app.address, app.grants.under_way, app=app.name))
        books.tell_app(app.name)

    def _look_at_claims(self, app: AppBook, message: Register) -> None:
        """What it counts on from the time of another FuxiMaster: some of it may have gone between the two."""
        for name in dict.fromkeys(one.machine for one in message.holdings):
            index = self._books.index.get(name)
            if index is not None:
                self._books.claimed(app, self._books.machines[index])

    def _define(self, app: AppBook, demands: tuple[UnitDemand, ...]) -> str:
        """Note units that are new; why one can never be granted, or nothing."""
        for demand in demands:
            unit = app.units.get(demand.unit)
            if unit is not None:
                unit.priority = demand.priority
                continue
            if not demand.vector:
                return f"unit {demand.unit} is wanted before it is defined"
            if not self._books.fits_somewhere(demand.vector):
                names = self._books.scheduler.dimensions.names
                need = ", ".join(f"{name} {amount}" for name, amount in zip(names, demand.vector, strict=True))
                return f"no machine could run a unit {demand.unit}: it needs {need}"
            app.units[demand.unit] = UnitBook(demand.vector, demand.priority)
        return ""

    def demand(self, ticket: int, message: Demand, now_ns: int) -> None:
        """How its wishes have changed."""
        books = self._books
        app = self._applications.speaks(ticket, message.app, message.attempt)
        if app is None:
            return
        if not app.registered or message.epoch != books.epoch or message.seq > app.heard + 1:
            books.do(Reply(ticket, Heard(books.epoch, resync=True)))
            return
        books.do(Reply(ticket, Heard(books.epoch)))
        if message.seq <= app.heard:
            return
        app.heard = message.seq
        wrong = self._define(app, message.changes)
        if wrong:
            self._applications.end(app, False, wrong)
            return
        changes = []
        for change in message.changes:
            unit = app.units[change.unit]
            before = max(0, unit.ledger)
            unit.ledger += change.wanted
            wanted = max(0, unit.ledger) - before
            changes.append(
                UnitDemand(change.unit, wanted, change.vector, change.priority, change.preferences, change.avoid)
            )
        try:
            moves = books.scheduler.wants(app.name, changes, now_ns)
        except UnitRefused as error:
            self._applications.end(app, False, str(error))
            return
        books.apply(moves, now_ns)
