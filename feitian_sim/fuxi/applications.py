"""Applications' life cycle at the FuxiMaster: submitted, started, registered, asking, ended. A role of the core.

An application is known by the name that its client gave it: submitted twice it is one. Its master is a process like any
other, unit 0 of the application, granted by the scheduler; when it ends and the application has not, another is started
under the next attempt. Attempts only grow, also from one FuxiMaster to the next, so that whoever has heard of a later one
can refuse an earlier one.
"""

from __future__ import annotations

from feitian_sim.fuxi.application import Kinds
from feitian_sim.fuxi.check_facts import MasterOrdered
from feitian_sim.fuxi.facts import AppEnded, AppMasterEnded, AppStarted, AppSubmitted
from feitian_sim.fuxi.hard_records import AppRecord, EndRecord
from feitian_sim.fuxi.master_books import AppBook, Books, MachineBook
from feitian_sim.fuxi.master_effects import Keep, Refuse, Reply, Send
from feitian_sim.fuxi.messages import (
    AskStatus,
    EndApp,
    Ended,
    EndMaster,
    Granted,
    Heard,
    MasterProcess,
    Register,
    StartMaster,
    Status,
    Stop,
    Submit,
    Submitted,
    UnitDemand,
)
from feitian_sim.fuxi.ports import tubo_at
from feitian_sim.fuxi.scheduler import AccessDenied
from feitian_sim.kuafu.address import TcpAddress

#: The first attempt of a reign is a multiple of this above the last reign's: nobody need know what that counted up to.
_ATTEMPTS = 1000


class Applications:
    """All applications of one FuxiMaster."""

    def __init__(self, books: Books, kinds: Kinds, submitted: int) -> None:
        self._books = books
        self._kinds = kinds
        self._submitted = submitted
        #: Whether the books are complete: before, nobody can say which application has no master.
        self.settled = False
        books.on_master_granted = self._master_granted

    # Clients

    def submit(self, ticket: int, message: Submit, subject: str, now_ns: int) -> None:
        """Keep it, then run it."""
        books = self._books
        present = books.apps.get(message.app)
        if present is not None and present.state == "keeping":
            present.asked.append(ticket)
        elif present is not None or message.app in books.outcomes:
            books.do(Reply(ticket, Submitted(message.app)))
        else:
            why = self._refusal(message, subject)
            if why:
                books.do(Refuse(ticket, why))
                return
            self._submitted += 1
            record = AppRecord(
                self._submitted,
                message.app,
                message.kind,
                message.user,
                self._group_of(message),
                message.description,
                message.wire_bytes,
                now_ns,
            )
            app = books.apps[message.app] = AppBook(record, "keeping", now_ns)
            app.asked.append(ticket)
            books.do(Keep(record))

    def _refusal(self, message: Submit, subject: str) -> str:
        """Why it cannot be run; empty when it can."""
        if subject.startswith("user:") and subject != f"user:{message.user}":
            return f"{subject} cannot submit in the name of {message.user}"
        if not message.app or "/" in message.app:
            return f"{message.app!r} is no name for an application: it must have letters and no slash"
        kind = self._kinds.get(message.kind)
        if kind is None:
            return f"nobody here runs a {message.kind}: there are {', '.join(self._kinds) or 'no kinds'}"
        try:
            self._books.scheduler.add_app(message.app, message.user, self._group_of(message))
        except AccessDenied as error:
            return str(error)
        self._books.scheduler.remove_app(message.app)
        return kind.refusal(message.description, self._books.config)

    def _group_of(self, message: Submit) -> str:
        """The group that it names, or the first that admits its user."""
        if message.group:
            return message.group
        groups = self._books.scheduler.groups
        return next((name for name, group in groups.items() if group.admits(message.user)), next(iter(groups)))

    def submitted(self, record: AppRecord, now_ns: int) -> None:
        """Its description is kept."""
        books = self._books
        app = books.apps[record.app]
        for ticket in app.asked:
            books.do(Reply(ticket, Submitted(record.app)))
        app.asked.clear()
        books.emit(AppSubmitted(record.app, record.kind, record.user))
        self.add(app)
        self.want_master(app, now_ns)

    def not_submitted(self, record: AppRecord, why: str) -> None:
        """Its description cannot be kept."""
        app = self._books.apps.pop(record.app)
        for ticket in app.asked:
            self._books.do(Refuse(ticket, f"{record.app} cannot be kept: {why}"))

    def recover(self, record: AppRecord, now_ns: int) -> None:
        """A new FuxiMaster has read of it."""
        app = self._books.apps[record.app] = AppBook(record, "waiting", now_ns)
        self.add(app)

    def add(self, app: AppBook) -> None:
        """It may ask from now on."""
        books, record = self._books, app.record
        books.scheduler.add_app(record.app, record.user, record.group, record.submitted_ns)
        books.scheduler.define(record.app, 0, books.config.master_unit, books.config.application_master.priority)
        app.state = "waiting"

    def stop(self, ticket: int, message: Stop, now_ns: int) -> None:
        """A client has it ended."""
        books = self._books
        app = books.apps.get(message.app)
        if app is None:
            books.do(Reply(ticket, Heard(books.epoch)))
        elif app.state == "keeping":
            books.do(Refuse(ticket, f"{message.app} is being submitted just now, try again"))
        else:
            self.end(app, False, "stopped", ticket)

    def status(self, ticket: int, message: AskStatus) -> None:
        """How it is."""
        books = self._books
        app = books.apps.get(message.app)
        if app is not None and message.until_ended:
            app.watching[ticket] = None
        elif app is not None:
            running = app.state in ("running", "ending")
            books.do(Reply(ticket, Status(message.app, "running" if running else "waiting")))
        elif message.app in books.outcomes:
            ok, why = books.outcomes[message.app]
            books.do(Reply(ticket, Status(message.app, "finished" if ok else "failed", why)))
        else:
            books.do(Reply(ticket, Status(message.app, "unknown")))

    def hurry(self, ticket: int, message: AskStatus) -> None:
        """Whoever waits for the end gets an answer now."""
        app = self._books.apps.get(message.app)
        if app is not None:
            app.watching.pop(ticket, None)
        self.status(ticket, AskStatus(message.app))

    # Its master

    def want_master(self, app: AppBook, now_ns: int) -> None:
        """It has no master: ask for a place to run one."""
        books = self._books
        app.state = "waiting"
        app.machine, app.address, app.registered, app.ordered = -1, "", False, False
        app.since_ns = now_ns
        if self.settled:
            # What the master before wanted is void with it.
            app.wished = True
            wish = UnitDemand(0, 1, priority=books.config.application_master.priority, avoid=tuple(app.avoid))
            books.apply(books.scheduler.register(app.name, (wish,), now_ns), now_ns)

    def _has_master(self, app: AppBook, now_ns: int) -> None:
        """It turns out to have one: it need not be granted another."""
        if app.wished:
            app.wished = False
            self._books.apply(self._books.scheduler.wants(app.name, (UnitDemand(0, -1),), now_ns), now_ns)

    def _master_granted(self, app: AppBook, machine: MachineBook, _: int) -> None:
        books = self._books
        app.wished = False
        app.state = "starting"
        app.machine = machine.index
        app.attempt = max(app.attempt, (books.epoch - 1) * _ATTEMPTS) + 1
        books.emit(MasterOrdered(app.name, app.attempt, machine.name, books.epoch))
        self.order_master(app)

    def order_master(self, app: AppBook) -> None:
        """Have its Tubo start it; the same again until that is answered."""
        books, record = self._books, app.record
        order = StartMaster(
            books.epoch,
            record.app,
            app.attempt,
            record.kind,
            record.user,
            record.description,
            books.config.master_unit,
            record.size_bytes,
        )
        address = tubo_at(books.machines[app.machine].name)
        books.do(Send("start", address, order, app.machine, record.app))

    def order_answered(self, message: StartMaster, machine: int, heard: bool) -> None:
        """The Tubo has taken the order, or has not answered."""
        app = self._books.apps.get(message.app)
        if app is None or app.attempt != message.attempt or app.machine != machine or app.state == "ending":
            return
        if heard:
            app.ordered = True
        elif app.state == "starting":
            self.order_master(app)

    def master_runs(self, master: MasterProcess, machine: MachineBook, now_ns: int) -> None:
        """A Tubo says that an application's master runs, or is being started."""
        books = self._books
        app = books.apps.get(master.app)
        if app is None or app.state in ("keeping", "ending"):
            return
        if master.attempt < app.attempt or (master.attempt == app.attempt and app.machine not in (-1, machine.index)):
            self.order_master_end(machine, EndMaster(books.epoch, master.app, master.attempt))
            return
        self._has_master(app, now_ns)
        app.attempt, app.machine, app.ordered = master.attempt, machine.index, True
        if master.address:
            self._now_running(app, master.address, now_ns)
        elif app.state == "waiting":
            app.state = "starting"

    def order_master_end(self, machine: MachineBook, order: EndMaster) -> None:
        """Have a Tubo end a master that has a successor; the same again until that is answered."""
        if machine.standing == "up":
            self._books.do(Send("end-master", tubo_at(machine.name), order, machine.index, order.app))

    def _now_running(self, app: AppBook, address: str, now_ns: int) -> None:
        if app.state != "running" or app.address != address:
            books = self._books
            if app.state == "starting":
                place = books.machines[app.machine].name
                books.emit(AppStarted(app.name, place, app.attempt, now_ns - app.since_ns))
            app.state, app.address = "running", address

    def master_ended(self, name: str, attempt: int, why: str, now_ns: int) -> None:
        """A master is gone; if it was the application's latest, another is started."""
        books = self._books
        app = books.apps.get(name)
        if app is None or attempt != app.attempt or app.state not in ("starting", "running"):
            return
        place = books.machines[app.machine].name
        books.emit(AppMasterEnded(name, place, attempt, why))
        app.failures += 1
        if why == "launch-failed":
            app.avoid[place] = None
        if app.failures >= books.config.application_master.attempts:
            self.end(app, False, f"its master ended {app.failures} times, the last time: {why}", 0)
        else:
            self.want_master(app, now_ns)

    def speaks(self, ticket: int, name: str, attempt: int) -> AppBook | None:
        """The application, if this attempt may speak for it; if not, the request is refused."""
        books = self._books
        app = books.apps.get(name)
        if app is None or app.state in ("keeping", "ending"):
            books.do(Refuse(ticket, f"{name} does not run"))
            return None
        if attempt < app.attempt:
            books.do(Refuse(ticket, f"{name} has had attempt {app.attempt}"))
            return None
        return app

    def has_spoken(self, app: AppBook, message: Register, now_ns: int) -> None:
        """A master registers: one that was not known, perhaps."""
        if message.attempt > app.attempt or app.address != message.address:
            self._has_master(app, now_ns)
            app.attempt = message.attempt
            app.machine = self._books.index.get(TcpAddress.parse(message.address).machine, -1)
            app.ordered = True
        self._now_running(app, message.address, now_ns)

    def greet(self) -> None:
        """Masters of before this reign that have not noticed it learn that it has begun.

        A FuxiMaster may be where the last was: who finds the same address under the office's name has seen no move, and
        who waits has no reason to say anything.
        """
        books = self._books
        for app in books.apps.values():
            if app.state == "running" and not app.registered and app.attempt <= (books.epoch - 1) * _ATTEMPTS:
                books.do(Send("grant", app.address, Granted(app.name, books.epoch, 0, ()), app=app.name))

    # Its end

    def ended(self, ticket: int, message: Ended) -> None:
        """Its master says that it is done."""
        books = self._books
        app = books.apps.get(message.app)
        if app is None:
            # It was noted, and the answer was lost.
            books.do(Reply(ticket, Heard(books.epoch)))
        elif message.attempt < app.attempt:
            books.do(Refuse(ticket, f"{message.app} has had attempt {app.attempt}"))
        else:
            self.end(app, message.ok, message.why, ticket)

    def end(self, app: AppBook, ok: bool, why: str, ticket: int = 0) -> None:
        """It is over, as soon as that is kept; the request that asked for it is answered then."""
        if ticket:
            app.asked.append(ticket)
        if app.state != "ending":
            app.state = "ending"
            self._books.do(Keep(EndRecord(app.record.number, app.name, ok, why)))

    def end_kept(self, record: EndRecord, now_ns: int) -> None:
        """Its end is kept: everything that it has left goes."""
        books = self._books
        app = books.apps.pop(record.app)
        books.outcomes[record.app] = (record.ok, record.why)
        for ticket in app.asked:
            books.do(Reply(ticket, Heard(books.epoch)))
        for ticket in app.watching:
            self.status(ticket, AskStatus(record.app))
        books.emit(AppEnded(record.app, record.ok, record.why, now_ns - app.record.submitted_ns))
        places = dict.fromkeys(machine for _, machine in books.scheduler.holdings(record.app))
        if app.machine >= 0:
            places[app.machine] = None
        books.apply(books.scheduler.remove_app(record.app), now_ns)
        for index in places:
            machine = books.machines[index]
            if machine.standing == "up":
                machine.ends[record.app] = None
                self.order_end(machine, record.app)

    def order_end(self, machine: MachineBook, app: str) -> None:
        """Have a Tubo end everything of an application; the same again until that is answered."""
        books = self._books
        books.do(Send("end-app", tubo_at(machine.name), EndApp(books.epoch, app), machine.index, app))

    def end_answered(self, machine: MachineBook, app: str, heard: bool) -> None:
        """The Tubo has ended it, or has not answered."""
        if app in machine.ends:
            if heard:
                del machine.ends[app]
            else:
                self.order_end(machine, app)
