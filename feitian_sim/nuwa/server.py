"""A server of Nuwa on its machine: answers reads from its state, hands writes to the leader, tells watchers.

Each server holds a replica of the log (:mod:`feitian_sim.replog`) and the state that it makes. A client is connected
to one server at a time. Its reads are answered there, never from a state older than it has seen (it says which); a
fresh read is answered by the leader under its lease. Its writes go to the leader by way of its server, carry their
number in the session, and are so done once however often they come. The leader alone judges which sessions are over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint, Identities, IncomingCall, Kuafu
from feitian_sim.nuwa.answers import Answer, failed
from feitian_sim.nuwa.commands import Command, EndSession, OpenSession
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.expiry import Expiry
from feitian_sim.nuwa.facts import CommandApplied, SessionExpired, SessionFounded, StateTold
from feitian_sim.nuwa.messages import (
    Attach,
    Close,
    Fired,
    Forward,
    FreshRead,
    Open,
    Ping,
    Read,
    ReadKind,
    Reply,
    Touch,
    Write,
)
from feitian_sim.nuwa.needs import SERVER_NEEDS
from feitian_sim.nuwa.state import NuwaState
from feitian_sim.nuwa.watches import Watch, WatchTable, changes_below, has_changed
from feitian_sim.nuwa.witness import applied, tree_sum
from feitian_sim.replog import Group, ReplicatedLog

NUWA_PORT = 7200
NUWA_ROLE = "nuwa.server"


class Attached:
    """A client that is connected here: where it is, by which of its connections, and how many notices it was sent."""

    __slots__ = ("address", "attach", "events", "session")

    def __init__(self, session: int, address: str, attach: int = 0) -> None:
        self.session = session
        self.address = address
        self.attach = attach
        self.events = 0


class NuwaServer:
    """One server through all its incarnations."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        kuafu: Kuafu,
        identities: Identities,
        machine: Machine,
        number: int,
        group: Group,
        config: NuwaConfig,
    ) -> None:
        self._sim = sim
        self._datacenter = datacenter
        self._kuafu = kuafu
        self._identities = identities
        self.machine = machine
        self.number = number
        self._group = group
        self._config = config
        #: What was there at time 0.
        self.origin: Any = None
        self.state = NuwaState(config.value_limit)
        self.log: ReplicatedLog | None = None
        self.expiry: Expiry | None = None
        self.watches = WatchTable()
        self.attached: dict[int, Attached] = {}
        self._deleted: dict[str, int] = {}
        # Reads that wait for this server to know as much as their client: (zxid, call).
        self._behind: list[tuple[int, IncomingCall]] = []
        self._expire: Timer | None = None
        #: Told of each change of who leads.
        self.on_turn: Callable[[], object] = _nothing
        self._owner: Owner | None = None
        self._is_watched = False

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"tcp://{self.machine.name}:{NUWA_PORT}"

    @property
    def alive(self) -> bool:
        """Whether its process lives."""
        return self._owner is not None and self._owner.alive

    @property
    def is_paused(self) -> bool:
        """Whether its process is stopped for a while."""
        return self._owner is not None and self._owner.paused

    @property
    def leads(self) -> bool:
        """Whether it is the leader, as far as it knows."""
        return self.alive and self.log is not None and self.log.is_leader

    def boot(self, owner: Owner) -> None:
        """Begin an incarnation."""
        self._owner = owner
        self._is_watched = self._sim.facts.wants(CommandApplied)
        self.state = NuwaState(self._config.value_limit)
        if self.origin is not None:
            self.state.restore(self.origin)
        self.expiry = None
        self.watches = WatchTable()
        self.attached = {}
        self._deleted = {}
        self._behind = []
        self._expire = None
        credential = self._identities.module(NUWA_ROLE, self.machine.name)
        self._endpoint: Endpoint = self._kuafu.endpoint(owner, self.machine, NUWA_PORT, credential)
        handlers: dict[type, Callable[..., object]] = {
            Open: self._open,
            Attach: self._attach,
            Ping: self._ping,
            Close: self._close,
            Read: self._read,
            Write: self._write,
            Forward: self._forwarded,
            FreshRead: self._fresh_read,
            Touch: self._touched,
        }
        for message, handler in handlers.items():
            own = self._of_its_own(handler) if message in (Attach, Ping, Close, Write) else handler
            self._endpoint.serve(message, own, SERVER_NEEDS[message])
        owner.on_death(self._died)
        self.machine.clock.on_change(owner, self.arm_expiry)
        self.log = ReplicatedLog(
            self._sim,
            self._datacenter,
            owner,
            self._endpoint,
            self.machine.disks[-1],
            self._group,
            self.number,
            self,
            self._config.log,
        )
        self.log.on_lead.append(self._leads)
        self.log.on_follow.append(self._follows)
        if self.log.is_leader:
            self._leads(self.log.epoch)

    def _died(self) -> None:
        self.log = None
        self.expiry = None
        self.on_turn()

    # The replicated state, with what follows from each change here

    def apply(self, index: int, command: Any) -> Answer:
        """A command is chosen: apply it, tell watchers, answer who waited for it."""
        answer = self.state.apply(index, command)
        if self._is_watched:
            self._sim.emit(applied(self.number, index, command, answer))
            if isinstance(command, OpenSession) and answer.ok:
                self._sim.emit(SessionFounded(answer.value, command.timeout_ns))
        for change in self.state.take_changes():
            if change.kind == "deleted":
                self._deleted[change.path] = change.zxid
            for watch in self.watches.fired_by(change):
                self._fire(watch, change.path, change.kind, change.zxid)
        if self.expiry is not None and answer.ok:
            if isinstance(command, OpenSession):
                self.expiry.opened(answer.value, command.timeout_ns, self.machine.clock.monotonic_ns)
                self._arm_expiry()
            elif isinstance(command, EndSession):
                self.expiry.ended(command.session)
        if isinstance(command, EndSession) and command.session in self.attached:
            self.watches.forget(str(command.session))
            del self.attached[command.session]
        if self._behind:
            self._answer_behind()
        return answer

    def image(self) -> tuple[Any, int]:
        """For a snapshot; with what is gone, since whoever watched it may come here later."""
        image, size_bytes = self.state.image()
        return (image, dict(self._deleted)), size_bytes + sum(len(path) + 8 for path in self._deleted)

    def restore(self, image: Any) -> None:
        """From a snapshot: whoever watches here looks again, since what changed in between is not known."""
        state, deleted = image
        self.state.restore(state)
        self._deleted = dict(deleted)
        self.tell_state("restored")
        for session in list(self.attached):
            self.watches.forget(str(session))
        self.attached.clear()
        self._answer_behind()
        # Clients whose pings take no events learn of it by a ping.
        self.on_turn()

    def tell_state(self, why: str) -> None:
        """Say to whoever checks it what the state is."""
        if self._is_watched:
            self._sim.emit(StateTold(self.number, self.state.zxid, tree_sum(self.state.tree), why))

    def _fire(self, watch: Watch, path: str, kind: str, zxid: int) -> None:
        client = self.attached.get(int(watch.client))
        if client is not None:
            client.events += 1
            fired = Fired(client.session, client.attach, client.events, watch.number, path, kind, zxid)
            self._endpoint.tell(client.address, fired)

    # Who leads

    def _leads(self, _: int) -> None:
        sessions = ((session.number, session.timeout_ns) for session in self.state.sessions.values())
        self.expiry = Expiry(sessions, self.machine.clock.monotonic_ns)
        self._arm_expiry()
        self.on_turn()

    def _follows(self) -> None:
        self.expiry = None
        self.on_turn()

    def arm_expiry(self) -> None:
        """Signs of life have begun or ceased to be certain, or the clock goes otherwise."""
        if self.expiry is not None:
            self._arm_expiry()

    def _arm_expiry(self) -> None:
        assert self.expiry is not None
        assert self._owner is not None
        due_ns = self.expiry.next_due_ns()
        if self._expire is not None:
            self._expire.cancel()
        if due_ns is not None:
            self._expire = self.machine.clock.timer(self._owner, due_ns, self._expire_silent)

    def _expire_silent(self) -> None:
        if self.expiry is None or self.log is None:
            return
        now_ns = self.machine.clock.monotonic_ns
        for session in self.expiry.overdue(now_ns):
            self._sim.emit(SessionExpired(session, self.expiry.silent_ns(session, now_ns)))
            self.expiry.ended(session)
            self.log.propose(EndSession(session, True), EndSession(session, True).size_bytes, _ignore, _ignore)
        self._arm_expiry()

    def _touched(self, call: IncomingCall) -> None:
        self._confirm(call.message.session, call.reply)

    def _confirm(self, session: int, done: Callable[[Answer], object]) -> None:
        """The leader has heard of the client; it says so only while it certainly leads."""
        if self.log is None or self.expiry is None:
            done(failed(self.state.zxid, "no-leader"))
            return

        def leads() -> None:
            if self.expiry is None or not self.expiry.knows(session):
                done(failed(self.state.zxid, "session-expired"))
                return
            self.expiry.heard(session, self.machine.clock.monotonic_ns)
            done(Answer(self.state.zxid))

        self.log.read(leads, lambda _: done(failed(self.state.zxid, "no-leader")))

    # Sessions

    def _of_its_own(self, handler: Callable[[IncomingCall], object]) -> Callable[[IncomingCall], None]:
        """Let a session be used by who opened it alone: its number is no secret."""

        def handle(call: IncomingCall) -> None:
            session = self.state.sessions.get(call.message.session)
            if session is not None and session.subject and session.subject != call.subject:
                call.reply(Reply(failed(self.state.zxid, "denied", "the session is somebody else's"), 0))
            else:
                handler(call)

        return handle

    def _open(self, call: IncomingCall) -> None:
        asked: Open = call.message
        sender = call.sender

        def opened(answer: Answer) -> None:
            if answer.ok:
                self.attached[answer.value] = Attached(answer.value, sender)
            self._reply(call, answer)

        self._to_leader(OpenSession(asked.owner, asked.nonce, asked.timeout_ns, call.subject), call, opened)

    def _close(self, call: IncomingCall) -> None:
        self._to_leader(EndSession(call.message.session, False), call, lambda answer: self._reply(call, answer))

    def _attach(self, call: IncomingCall) -> None:
        asked: Attach = call.message
        if asked.seen_zxid > self.state.zxid:
            self._behind.append((asked.seen_zxid, call))
            return
        if asked.session not in self.state.sessions:
            self._unknown_session(call, asked.session)
            return
        present = self.attached.get(asked.session)
        if present is not None and present.attach > asked.attach:
            # It came late: the client has left since, and come again.
            self._reply(call, failed(self.state.zxid, "detached"))
            return
        self.attach(asked.session, call.sender, asked.watches, asked.attach)
        self._touch(asked.session, call)

    def attach(self, session: int, address: str, watches: tuple[tuple[Watch, int], ...], number: int = 0) -> None:
        """A client is connected here from now on; what has changed since it saw it last fires at once."""
        self.watches.forget(str(session))
        self.attached[session] = Attached(session, address, number)
        for watch, since_zxid in watches:
            if watch.what == "below":
                self.watches.add(watch)
                for zxid, path, kind in changes_below(self.state.tree, self._deleted, watch.path, since_zxid):
                    self._fire(watch, path, kind, zxid)
            elif has_changed(self.state.tree, self._deleted, watch, since_zxid):
                self._fire(watch, watch.path, "changed", self.state.zxid)
            else:
                self.watches.add(watch)

    def _unknown_session(self, call: IncomingCall, session: int) -> None:
        """This server may be behind: only the leader can say that a session is over."""
        if self.leads:
            self._fresh(lambda: self._attach_or_refuse(call, session), call)
        else:
            self._ask_leader(FreshRead("stat", "/"), call, lambda answer: self._judge_unknown(call, session, answer))

    def _judge_unknown(self, call: IncomingCall, session: int, answer: Answer) -> None:
        if answer.ok and answer.zxid > self.state.zxid:
            self._behind.append((answer.zxid, call))
        elif answer.ok:
            self._attach_or_refuse(call, session)
        else:
            self._reply(call, answer)

    def _attach_or_refuse(self, call: IncomingCall, session: int) -> None:
        """This server knows as much as the leader did: the session is over, or it has become known here meanwhile."""
        if session in self.state.sessions:
            self._attach(call)
        else:
            self._reply(call, failed(self.state.zxid, "session-expired"))

    def _ping(self, call: IncomingCall) -> None:
        session = call.message.session
        if session not in self.attached:
            # Its server was restarted or has been given a snapshot: it must say again what it watches.
            self._reply(call, failed(self.state.zxid, "detached"))
            return
        self._touch(session, call)

    def _touch(self, session: int, call: IncomingCall) -> None:
        """Tell the leader, and the client that it was told: what a server that is cut off says prolongs no lease."""
        if self.leads:
            self._confirm(session, lambda answer: self._reply(call, answer))
        else:
            self._ask_leader(Touch(session), call, lambda answer: self._reply(call, answer))

    # Reads

    def _read(self, call: IncomingCall) -> None:
        self.machine.cpu.submit(self._config.read_cpu, self._endpoint.owner, self._answer_read, call)

    def _answer_read(self, call: IncomingCall) -> None:
        asked: Read = call.message
        if asked.fresh and not self.leads:
            self._ask_leader(FreshRead(asked.kind, asked.path), call, lambda answer: self._reply(call, answer))
        elif asked.fresh:
            self._fresh(lambda: self._reply(call, self._look(asked.kind, asked.path)), call)
        elif asked.session not in self.attached:
            # It was restarted, or has been given a snapshot: what the client watches is not known here, so that it could
            # be shown a change of which it is never told.
            self._reply(call, failed(self.state.zxid, "detached"))
        elif asked.seen_zxid > self.state.zxid:
            self._behind.append((asked.seen_zxid, call))
        else:
            if asked.watch is not None:
                self.watches.add(asked.watch)
            self._reply(call, self._look(asked.kind, asked.path))

    def _look(self, kind: ReadKind, path: str) -> Answer:
        tree, zxid = self.state.tree, self.state.zxid
        match kind:
            case "get":
                return tree.get(path, zxid)
            case "stat":
                return tree.stat(path, zxid)
            case "names":
                return tree.names(path, zxid)
        names = tree.names(path, zxid)
        if not names.ok:
            return names
        files = [name for name in names.value if not name.endswith("/")]
        return Answer(zxid, tuple((name, tree.nodes[path + name].value) for name in files))

    def _answer_behind(self) -> None:
        ready = [call for zxid, call in self._behind if zxid <= self.state.zxid]
        self._behind = [(zxid, call) for zxid, call in self._behind if zxid > self.state.zxid]
        for call in ready:
            if isinstance(call.message, Attach):
                self._attach(call)
            else:
                self._answer_read(call)

    def _fresh(self, say: Callable[[], object], call: IncomingCall) -> None:
        assert self.log is not None
        self.log.read(say, lambda _: self._reply(call, failed(self.state.zxid, "no-leader")))

    def _fresh_read(self, call: IncomingCall) -> None:
        if not self.leads:
            call.reply(failed(self.state.zxid, "no-leader"))
            return
        assert self.log is not None
        asked: FreshRead = call.message
        self.log.read(
            lambda: call.reply(self._look(asked.kind, asked.path)),
            lambda _: call.reply(failed(self.state.zxid, "no-leader")),
        )

    # Writes

    def _write(self, call: IncomingCall) -> None:
        self.machine.cpu.submit(self._config.write_cpu, self._endpoint.owner, self._take_write, call)

    def _take_write(self, call: IncomingCall) -> None:
        asked: Write = call.message
        command = Command(asked.session, asked.sequence, asked.answered, asked.change, self.machine.clock.wall_ns)
        self._to_leader(command, call, lambda answer: self._reply(call, answer))

    def _to_leader(
        self, command: Command | OpenSession | EndSession, call: IncomingCall, done: Callable[[Answer], object]
    ) -> None:
        if self.leads:
            assert self.log is not None
            self.log.propose(command, command.size_bytes, done, lambda _: done(failed(self.state.zxid, "no-leader")))
        else:
            self._ask_leader(Forward(command), call, done)

    def _ask_leader(self, message: object, call: IncomingCall, done: Callable[[Answer], object]) -> None:
        leader = self.log.leader if self.log is not None else None
        if leader is None or leader == self.number:
            done(failed(self.state.zxid, "no-leader"))
            return

        def lost(_: CallError) -> None:
            done(failed(self.state.zxid, "no-leader"))

        left_ns = max(1, call.deadline_ns - self._sim.now)
        self._endpoint.call(self._group.addresses[leader], message, left_ns, done, lost)

    def _forwarded(self, call: IncomingCall) -> None:
        if not self.leads:
            call.reply(failed(self.state.zxid, "no-leader"))
            return
        assert self.log is not None
        command = call.message.command
        self.log.propose(
            command,
            command.size_bytes,
            call.reply,
            lambda _: call.reply(failed(self.state.zxid, "no-leader")),
        )

    def _reply(self, call: IncomingCall, answer: Answer) -> None:
        session = getattr(call.message, "session", 0)
        attached = self.attached.get(session)
        if not call.answered:
            call.reply(Reply(answer, attached.events if attached is not None else 0))


def _ignore(_: object) -> None:
    """An outcome on which nothing here depends."""


def _nothing() -> None:
    """Nobody listens."""
