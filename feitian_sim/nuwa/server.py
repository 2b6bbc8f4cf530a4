"""A server of Nuwa on its machine: answers reads from its state, hands writes to the leader, tells watchers.

A client is connected to one server at a time. Its reads are answered there, never from a state older than it has seen
(it says which); a fresh read is answered by the leader under its lease. Its writes go to the leader by way of its
server, carry their number in the session, and are so done once however often they come.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.kuafu import CallError, IncomingCall
from feitian_sim.nuwa.answers import Answer, failed
from feitian_sim.nuwa.commands import Command, EndSession, OpenSession
from feitian_sim.nuwa.messages import (
    Attach,
    Close,
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
from feitian_sim.nuwa.replica import Attached, NuwaReplica


class NuwaServer(NuwaReplica):
    """One server through all its incarnations."""

    #: Reads that wait for this server to know as much as their client: (zxid, call).
    _behind: list[tuple[int, IncomingCall]]

    def _serve(self) -> None:
        self._behind = []
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

    def _touched(self, call: IncomingCall) -> None:
        self._confirm(call.message.session, call.reply)

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
        if not self._behind:
            return
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
