"""The FuxiMaster's core: every decision about resources and applications' lives, without clock, disk or network.

Requests, answers to its own messages, and the passing of time come in; effects come out
(:mod:`feitian_sim.fuxi.master_effects`). Who gets what the scheduler decides; its roles here are applications, machines
and who is disabled. A new FuxiMaster starts with the hard state and with all grants held: it rebuilds its books from
Tubos that say Hello and applications' masters that register, while everything runs on; when it has heard from all of
them, or its time for that is over, it starts the masters that nobody has seen and grants again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feitian_sim.fuxi.application import Kinds
from feitian_sim.fuxi.applications import Applications
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.disabling import Disabling
from feitian_sim.fuxi.hard_records import AppRecord, DisabledRecord, EndRecord, HardRecord, Recovered
from feitian_sim.fuxi.machine_keeping import Machines
from feitian_sim.fuxi.master_books import Books
from feitian_sim.fuxi.master_effects import Effect, Refuse, Send
from feitian_sim.fuxi.messages import (
    AskStatus,
    BadMachine,
    Beat,
    Demand,
    Ended,
    Heard,
    Hello,
    News,
    Register,
    Stop,
    Submit,
)
from feitian_sim.fuxi.resources import Vector
from feitian_sim.fuxi.scheduler import Place, Scheduler
from feitian_sim.fuxi.wishes import Wishes
from feitian_sim.pangu.liveness import FailureDetector


class Master:
    """One reign. ``recovered`` is the hard state that it read; ``epoch`` is larger than that of every reign before."""

    def __init__(
        self,
        config: FuxiConfig,
        places: Sequence[Place],
        capacities: Sequence[Vector],
        scheduler: Scheduler,
        kinds: Kinds,
        recovered: Recovered,
        epoch: int,
        now_ns: int,
    ) -> None:
        beat = config.heartbeat
        self._config = config
        self.books = Books(config, places, capacities, scheduler, epoch)
        self.applications = Applications(self.books, kinds, recovered.numbers)
        self.wishes = Wishes(self.books, self.applications)
        detector = FailureDetector(len(places), beat.timeout, beat.scan, now_ns)
        self.machines = Machines(self.books, self.applications, detector)
        self.disabling = Disabling(self.books)
        self._rebuilt_by_ns = now_ns + config.rebuild
        #: Whether its books are as complete as they will be: it grants.
        self.settled = False
        #: Tubos that it had heard by then.
        self.heard_at_settling = 0
        scheduler.hold(True)
        self.books.outcomes = {app: (ok, why) for app, ok, why in recovered.ended}
        for record in recovered.apps:
            self.applications.recover(record, now_ns)
        self.disabling.recover(recovered.disabled)

    # What comes in

    def adopt(self, incarnations: dict[int, tuple[int, int]], now_ns: int) -> list[Effect]:
        """Everybody is known from the start, as at the beginning of a simulation."""
        self.machines.adopt_all(incarnations, now_ns)
        self._settle(now_ns)
        return self.books.take()

    def handle(self, ticket: int, message: Any, subject: str, now_ns: int) -> list[Effect]:
        """A request: what to do about it, the answer included."""
        match message:
            case News():
                self.machines.news(ticket, message, now_ns)
            case Demand():
                self.wishes.demand(ticket, message, now_ns)
            case Beat():
                self.machines.beat(ticket, message, now_ns)
            case Register():
                self.wishes.register(ticket, message, now_ns)
            case Hello():
                self.machines.hello(ticket, message, now_ns)
            case Submit():
                self.applications.submit(ticket, message, subject, now_ns)
            case AskStatus():
                self.applications.status(ticket, message)
            case Ended():
                self.applications.ended(ticket, message)
            case Stop():
                self.applications.stop(ticket, message, now_ns)
            case BadMachine():
                self.disabling.marked(ticket, message, now_ns)
            case _:
                self.books.do(Refuse(ticket, f"the FuxiMaster has no use for a {type(message).__name__}"))
        if not self.settled:
            self._look_whether_rebuilt(now_ns)
        return self.books.take()

    def hurry(self, ticket: int, message: AskStatus) -> list[Effect]:
        """Who asked cannot wait for the end any longer."""
        self.applications.hurry(ticket, message)
        return self.books.take()

    def kept(self, record: HardRecord, now_ns: int) -> list[Effect]:
        """Hard state is written."""
        match record:
            case AppRecord():
                self.applications.submitted(record, now_ns)
            case EndRecord():
                self.applications.end_kept(record, now_ns)
            case DisabledRecord():
                self.disabling.kept(record, now_ns)
        return self.books.take()

    def not_kept(self, record: HardRecord, why: str) -> list[Effect]:
        """Hard state that can never be written."""
        assert isinstance(record, AppRecord), f"{record} was refused: {why}"
        self.applications.not_submitted(record, why)
        return self.books.take()

    def answered(self, sent: Send, reply: Heard | None, now_ns: int) -> list[Effect]:
        """A message of its own has been answered; ``reply`` is None when it has not."""
        heard = reply is not None
        if sent.stream == "grant":
            self._grant_answered(sent, reply)
            return self.books.take()
        machine = self.books.machines[sent.machine]
        match sent.stream:
            case "allow":
                if reply is not None:
                    # One that asks for a Hello has taken nothing.
                    if not reply.resync and machine.allow.heard(sent.message):
                        self.books.tell_machine(sent.machine)
                elif machine.allow.under_way is sent.message and machine.standing == "up":
                    self.books.do(sent)
            case "start":
                self.applications.order_answered(sent.message, sent.machine, heard)
            case "end-master":
                if not heard:
                    self.applications.order_master_end(machine, sent.message)
            case "end-app":
                self.applications.end_answered(machine, sent.app, heard)
        return self.books.take()

    def _grant_answered(self, sent: Send, reply: Heard | None) -> None:
        app = self.books.apps.get(sent.app)
        granted: Any = sent.message
        if app is None or app.grants.under_way is not granted:
            return
        if reply is None:
            # It may have a new master by now, elsewhere.
            if app.registered:
                self.books.do(Send("grant", app.address, sent.message, app=sent.app))
        elif not reply.resync and app.grants.heard(granted):
            self.books.tell_app(sent.app)
        # Otherwise it registers anew, and says what it has heard.

    # What takes time

    def wake(self, now_ns: int) -> list[Effect]:
        """Look for silent machines, and whether the time to rebuild is over."""
        self.machines.look(now_ns)
        if not self.settled:
            self._look_whether_rebuilt(now_ns)
        return self.books.take()

    def adjust(self, now_ns: int) -> list[Effect]:
        """The work of fixed intervals: quota is given back, priorities are enforced, bad machines are disabled."""
        if self.settled:
            self.applications.greet()
            self.books.apply(self.books.scheduler.wake(now_ns), now_ns)
            self.disabling.look(now_ns)
        return self.books.take()

    def next_wake_ns(self, now_ns: int) -> int | None:
        """When to be woken."""
        look_ns = self.machines.next_look_ns(now_ns)
        if self.settled:
            return look_ns
        return self._rebuilt_by_ns if look_ns is None else min(look_ns, self._rebuilt_by_ns)

    def messages(self) -> list[Effect]:
        """What can be sent now; to be asked once after all that happens at an instant."""
        return self.books.messages()

    def elide(self, index: int, elided: bool) -> None:
        """From now on the machine is heard without events, or again only with them."""
        self.machines.elide(index, elided)

    def heard(self, index: int, at_ns: int) -> None:
        """The last of the beats that took no event arrived at ``at_ns``."""
        self.machines.hear(index, at_ns)

    # Rebuilding

    def _look_whether_rebuilt(self, now_ns: int) -> None:
        waiting = self.machines.unheard or any(
            app.state in ("starting", "running") and not app.registered and app.address
            for app in self.books.apps.values()
        )
        if not waiting or now_ns >= self._rebuilt_by_ns:
            self._settle(now_ns)

    def _settle(self, now_ns: int) -> None:
        self.settled = self.applications.settled = True
        books = self.books
        self.heard_at_settling = len(books.machines) - len(self.machines.unheard)
        for app in list(books.apps.values()):
            if app.state == "waiting":
                self.applications.want_master(app, now_ns)
        self.applications.greet()
        books.apply(books.scheduler.hold(False), now_ns)
