"""Machines at the FuxiMaster: in its books, lost, back, and what their Tubos tell. A role of the core.

A Tubo's Hello says what there is on its machine; the books are made to agree with it, together with what has been sent
and not been taken there yet. A machine that was lost is used again when nothing is left on it: what ran there was given
up.
"""

from __future__ import annotations

from feitian_sim.fuxi.applications import Applications
from feitian_sim.fuxi.check_facts import MachineGivenUp, TuboHeard
from feitian_sim.fuxi.facts import MachineBack, MachineLost
from feitian_sim.fuxi.master_books import AppBook, Books, MachineBook, UnitBook
from feitian_sim.fuxi.master_effects import Reply, Send
from feitian_sim.fuxi.messages import Beat, Heard, Hello, News, Running, Welcome
from feitian_sim.fuxi.ports import tubo_at
from feitian_sim.pangu.liveness import FailureDetector


class Machines:
    """All machines of one FuxiMaster."""

    def __init__(self, books: Books, applications: Applications, detector: FailureDetector) -> None:
        self._books = books
        self._applications = applications
        self._detector = detector
        self._heard_ns: dict[int, int] = {}
        #: Machines that the FuxiMaster waits to hear of: none once each has said Hello or been given up.
        self.unheard: dict[int, None] = {machine.index: None for machine in books.machines}

    def adopt_all(self, incarnations: dict[int, tuple[int, int]], now_ns: int) -> None:
        """At the beginning everybody knows everybody: machine -> incarnation of its Tubo, starts of the machine."""
        books = self._books
        for index, (incarnation, boot) in incarnations.items():
            machine = books.machines[index]
            machine.incarnation, machine.boot = incarnation, boot
            machine.standing = "up"
            books.emit(TuboHeard(machine.name, books.epoch))
            books.apply(books.scheduler.machine_up(index, machine.capacity), now_ns)
        self.unheard.clear()

    def hear(self, index: int, at_ns: int) -> None:
        """The machine lives."""
        self._heard_ns[index] = at_ns
        self._detector.heard(index, at_ns)

    # Hello

    def hello(self, ticket: int, message: Hello, now_ns: int) -> None:
        """All about a machine."""
        books = self._books
        machine = books.machines[books.index[message.machine]]
        if message.incarnation < machine.incarnation or self._is_stale(machine, message):
            books.do(Reply(ticket, Welcome(books.epoch, self._known(message), machine.allow.settled)))
            return
        self.hear(machine.index, now_ns)
        self.unheard.pop(machine.index, None)
        rebooted = machine.standing == "up" and message.boot != machine.boot
        machine.incarnation, machine.boot = message.incarnation, message.boot
        machine.health = message.health
        machine.heard = message.seq if message.epoch == books.epoch else 0
        if rebooted:
            self.lose(machine, now_ns)
        if machine.standing == "lost" and (message.running or message.masters):
            # What it has was given up, and is counted by nobody: it must go first.
            books.do(Reply(ticket, Welcome(books.epoch, (), machine.allow.settled)))
            return
        books.do(Reply(ticket, Welcome(books.epoch, self._known(message), machine.allow.settled)))
        if machine.standing == "up":
            self._agree(machine, message, now_ns)
        else:
            self._take_in(machine, message, now_ns)
        books.emit(TuboHeard(machine.name, books.epoch))
        self._masters_of(machine, message, now_ns)
        if machine.allow.under_way is not None:
            # It was refused, for want of this Hello, or is on its way still: twice is once.
            books.do(Send("allow", tubo_at(machine.name), machine.allow.under_way, machine.index))
        books.tell_machine(machine.index)

    def _is_stale(self, machine: MachineBook, message: Hello) -> bool:
        """Whether it was said before what has been heard since."""
        return (
            message.incarnation == machine.incarnation
            and message.epoch == self._books.epoch
            and message.boot == machine.boot
            and message.seq < machine.heard
        )

    def _known(self, message: Hello) -> tuple[str, ...]:
        apps = self._books.apps
        there = [one.app for one in message.running] + [one.app for one in message.masters]
        return tuple(name for name in dict.fromkeys([*there, *message.others]) if name in apps)

    def _take_in(self, machine: MachineBook, message: Hello, now_ns: int) -> None:
        """A machine that was not in the books, with what runs there already."""
        books = self._books
        was_lost = machine.standing == "lost"
        machine.standing = "up"
        machine.capacity = message.capacity
        for one in message.running:
            self._adopt(machine, one, one.allowed + one.returning)
        books.settle_claims(machine)
        moves = books.scheduler.machine_up(machine.index, machine.capacity)
        if was_lost:
            books.emit(MachineBack(machine.name))
        books.apply(moves, now_ns)

    def _adopt(self, machine: MachineBook, one: Running, count: int) -> None:
        if not count:
            return
        books = self._books
        books.scheduler.adopt(one.app, one.unit, machine.index, count, one.vector)
        app = books.apps.get(one.app)
        if app is not None and one.unit and one.unit not in app.units:
            app.units[one.unit] = UnitBook(one.vector, 0)

    def _agree(self, machine: MachineBook, message: Hello, now_ns: int) -> None:
        """Make the books agree with what a Tubo says, and what is on its way there."""
        books = self._books
        if message.epoch == books.epoch:
            machine.allow.heard_up_to(message.heard)
        coming = machine.allow.coming()
        said = {(one.app, one.unit): one for one in message.running}
        counted = {
            (app, unit): held + returning for app, unit, _, held, returning in books.scheduler.on_machine(machine.index)
        }
        for key in dict.fromkeys([*said, *counted]):
            one = said.get(key)
            there = (one.allowed + one.returning if one is not None else 0) + coming.get(key, (0, 0))[0]
            more = there - counted.get(key, 0)
            if more > 0 and one is not None:
                self._adopt(machine, one, more)
            elif more < 0:
                books.apply(books.scheduler.freed(*key, machine.index, -more, now_ns), now_ns)

    def _masters_of(self, machine: MachineBook, message: Hello, now_ns: int) -> None:
        """Which applications' masters are there, and which are not any more."""
        there = {one.app: one.attempt for one in message.masters}
        for one in message.masters:
            self._applications.master_runs(one, machine, now_ns)
        for app in self._mastered(machine):
            if app.ordered and there.get(app.name, -1) < app.attempt:
                self._applications.master_ended(app.name, app.attempt, "gone", now_ns)

    def _mastered(self, machine: MachineBook) -> list[AppBook]:
        return [app for app in self._books.apps.values() if app.machine == machine.index]

    # Beats and news

    def _is_known(self, machine: MachineBook, incarnation: int) -> bool:
        return machine.standing == "up" and machine.incarnation == incarnation

    def beat(self, ticket: int, message: Beat, now_ns: int) -> None:
        """It lives."""
        books = self._books
        machine = books.machines[books.index[message.machine]]
        known = self._is_known(machine, message.incarnation)
        if known:
            self.hear(machine.index, now_ns)
            machine.health = message.health
        books.do(Reply(ticket, Heard(books.epoch, resync=not known)))

    def news(self, ticket: int, message: News, now_ns: int) -> None:
        """What has changed on a machine."""
        books = self._books
        machine = books.machines[books.index[message.machine]]
        known = self._is_known(machine, message.incarnation) and message.epoch == books.epoch
        if not known or message.seq > machine.heard + 1:
            books.do(Reply(ticket, Heard(books.epoch, resync=True)))
            return
        books.do(Reply(ticket, Heard(books.epoch)))
        self.hear(machine.index, now_ns)
        if message.seq <= machine.heard:
            return
        machine.heard = message.seq
        for one in message.freed:
            books.apply(books.scheduler.freed(one.app, one.unit, machine.index, one.count, now_ns), now_ns)
        for name, attempt, why in message.masters_ended:
            self._applications.master_ended(name, attempt, why, now_ns)
        for master in message.masters_started:
            self._applications.master_runs(master, machine, now_ns)

    # Losing machines

    def look(self, now_ns: int) -> None:
        """Machines that were silent for too long are lost."""
        for index in self._detector.silent(now_ns):
            machine = self._books.machines[index]
            self.unheard.pop(index, None)
            if machine.standing != "lost":
                self.lose(machine, now_ns)

    def lose(self, machine: MachineBook, now_ns: int) -> None:
        """A machine is gone with all that ran there."""
        books = self._books
        was_up = machine.standing == "up"
        machine.standing = "lost"
        books.emit(MachineGivenUp(machine.name, books.epoch))
        machine.allow.reset()
        machine.ends.clear()
        if was_up:
            books.emit(MachineLost(machine.name, now_ns - self._heard_ns.get(machine.index, 0)))
        there = dict.fromkeys(app for app, _, _, _, _ in books.scheduler.on_machine(machine.index))
        moves = books.scheduler.machine_gone(machine.index)
        for name in there:
            app = books.apps.get(name)
            if app is not None:
                app.grants.lost(machine.name)
                books.tell_app(name)
        # Before this FuxiMaster has heard of a machine, its applications alone know what they have there.
        books.settle_claims(machine)
        books.apply(moves, now_ns)
        for one in self._mastered(machine):
            self._applications.master_ended(one.name, one.attempt, "machine-lost", now_ns)

    def elide(self, index: int, elided: bool) -> None:
        """From now on the machine is heard without events, or again only with them."""
        self._detector.elide(index, elided)

    def next_look_ns(self, now_ns: int) -> int | None:
        """When to look again."""
        return self._detector.next_look_ns(now_ns)
