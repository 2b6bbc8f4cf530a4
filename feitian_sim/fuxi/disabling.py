"""Machines that nobody is to use: the cluster's blacklist, looked over at fixed intervals. A role of the core.

A machine is bad when several applications have put it on their own blacklists within a while, or its Tubo's score of
health is low. Of the bad ones the worst are disabled, up to a share of the cluster: were there more, the fault would be
elsewhere. A machine comes back when its health does; for its marks, it is tried again after a while.
"""

from __future__ import annotations

from feitian_sim.fuxi.check_facts import DisabledCounted
from feitian_sim.fuxi.facts import MachineDisabled, MachineEnabled
from feitian_sim.fuxi.hard_records import DisabledRecord
from feitian_sim.fuxi.master_books import Books, MachineBook
from feitian_sim.fuxi.master_effects import Keep, Reply
from feitian_sim.fuxi.messages import BadMachine, Heard


class Disabling:
    """Of one FuxiMaster."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._config = books.config.disable
        # What is being written; nothing else is decided meanwhile.
        self._writing = False

    def marked(self, ticket: int, message: BadMachine, now_ns: int) -> None:
        """An application will not use a machine any more."""
        books = self._books
        index = books.index.get(message.machine)
        if index is not None:
            books.machines[index].marks[message.app] = now_ns
        books.do(Reply(ticket, Heard(books.epoch)))

    def recover(self, disabled: tuple[tuple[str, int, str], ...]) -> None:
        """A new FuxiMaster has read who is disabled."""
        for name, since_ns, why in disabled:
            index = self._books.index.get(name)
            if index is not None:
                self._set(self._books.machines[index], since_ns, why)
        self._tell()

    def _tell(self) -> None:
        books = self._books
        names = " ".join(machine.name for machine in books.machines if machine.disabled)
        books.emit(DisabledCounted(books.epoch, names, int(self._config.share * len(books.machines))))

    def look(self, now_ns: int) -> None:
        """Decide anew who is disabled; it counts when it is kept."""
        if self._writing:
            return
        wanted = self._wanted(now_ns)
        now = {machine.index: (machine.disabled_ns, machine.why) for machine in self._books.machines if machine.disabled}
        if wanted != now:
            self._writing = True
            names = self._books.machines
            record = tuple((names[index].name, since_ns, why) for index, (since_ns, why) in wanted.items())
            self._books.do(Keep(DisabledRecord(record)))

    def _wanted(self, now_ns: int) -> dict[int, tuple[int, str]]:
        """Who should be disabled, in the order of the machines: since when, and why."""
        machines = self._books.machines
        stay = {one.index: (one.disabled_ns, one.why) for one in machines if one.disabled and self._stays(one, now_ns)}
        room = int(self._config.share * len(machines)) - len(stay)
        bad = []
        for machine in machines:
            why = "" if machine.disabled else self._badness(machine, now_ns)
            if why:
                bad.append((machine.health, -len(machine.marks), machine.index, why))
        for _, _, index, why in sorted(bad)[: max(0, room)]:
            stay[index] = (now_ns, why)
        return dict(sorted(stay.items()))

    def _badness(self, machine: MachineBook, now_ns: int) -> str:
        config = self._config
        machine.marks = {app: at_ns for app, at_ns in machine.marks.items() if now_ns - at_ns < config.window}
        if machine.health < config.health:
            return "health"
        return "marks" if len(machine.marks) >= config.marks else ""

    def _stays(self, machine: MachineBook, now_ns: int) -> bool:
        if machine.why == "health":
            return machine.health < self._config.health
        return now_ns - machine.disabled_ns < self._config.back_after

    def kept(self, record: DisabledRecord, now_ns: int) -> None:
        """It is kept: from now on it counts."""
        self._writing = False
        books = self._books
        wanted = {books.index[name]: (since_ns, why) for name, since_ns, why in record.machines}
        for machine in books.machines:
            if machine.disabled and machine.index not in wanted:
                books.emit(MachineEnabled(machine.name, machine.why))
                machine.disabled_ns, machine.why = -1, ""
                machine.marks.clear()
                for app in books.apps.values():
                    if app.registered:
                        app.grants.enabled(machine.name)
                        books.tell_app(app.name)
                books.apply(books.scheduler.open(machine.index), now_ns)
        for index, (since_ns, why) in wanted.items():
            machine = books.machines[index]
            if not machine.disabled:
                books.emit(MachineDisabled(machine.name, why))
                self._set(machine, since_ns, why)
                for app in books.apps.values():
                    if app.registered:
                        app.grants.disabled(machine.name)
                        books.tell_app(app.name)
        self._tell()

    def _set(self, machine: MachineBook, since_ns: int, why: str) -> None:
        machine.disabled_ns, machine.why = since_ns, why
        # Closing grants nothing to anybody.
        self._books.scheduler.close(machine.index)
