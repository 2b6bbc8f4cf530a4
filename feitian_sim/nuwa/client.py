"""The client library: one session with Nuwa, for one process.

Operations are asynchronous: each ends once, with an :class:`~feitian_sim.nuwa.answers.Answer`, or is an event for a
SimPy process (:meth:`NuwaClient.wait`). The session (:mod:`.client_session`) changes the server when one does not
answer; what was asked and not answered is asked there again, with the same numbers, so that nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu import CallError, Endpoint
from feitian_sim.kuafu.client import Answer as Event
from feitian_sim.nuwa.answers import Answer, failed
from feitian_sim.nuwa.client_session import ClientSession, Done
from feitian_sim.nuwa.commands import Change, Create, Delete, Multi, Put
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.facts import NoticeTold, Operation, WatchFired, WatchSet
from feitian_sim.nuwa.messages import Fired, Read, ReadKind, Write
from feitian_sim.nuwa.signs_of_life import SignsOfLife
from feitian_sim.nuwa.watches import Heard, Watch, What

Notice = Callable[[Fired], object]


class Asked:
    """An operation that has not ended."""

    __slots__ = ("done", "message", "op", "path", "since_ns", "tries")

    def __init__(self, message: Write | Read, op: str, path: str, since_ns: int, done: Done) -> None:
        self.message = message
        self.op = op
        self.path = path
        self.since_ns = since_ns
        self.done = done
        #: How often there was no leader for it.
        self.tries = 0


class NuwaClient(ClientSession):
    """One session and what is asked in it. ``addresses``: of the servers; ``first``: the one that is tried first."""

    def __init__(
        self,
        sim: Simulation,
        owner: Owner,
        endpoint: Endpoint,
        addresses: tuple[str, ...],
        config: NuwaConfig,
        signs: SignsOfLife,
        name: str,
        *,
        first: int = 0,
        timeout_ns: int | None = None,
    ) -> None:
        super().__init__(sim, owner, endpoint, addresses, config, signs, name, first=first, timeout_ns=timeout_ns)
        self._sequence = 0
        self._answered = 0
        self._unanswered: dict[int, Asked] = {}
        self._parked: list[Asked] = []
        self._watches: dict[int, tuple[Watch, Heard, Notice]] = {}
        # Watches of which the read that sets them is not answered: they come about where that is answered.
        self._unset: dict[int, None] = {}
        self._watch_number = 0

    # Operations

    def create(self, path: str, value: bytes, done: Done, *, ephemeral: bool = False, sequential: bool = False) -> None:
        """Make a file with a value, or a directory; the answer's value is its path."""
        self._change("create", path, Create(path, value, ephemeral, sequential), done)

    def put(self, path: str, value: bytes, done: Done, *, version: int = -1) -> None:
        """Give a file another value; the answer's value is its version."""
        self._change("put", path, Put(path, value, version), done)

    def delete(self, path: str, done: Done, *, version: int = -1) -> None:
        """Remove a file or an empty directory."""
        self._change("delete", path, Delete(path, version), done)

    def multi(self, changes: tuple[Create | Put | Delete, ...], done: Done) -> None:
        """All of them or none."""
        self._change("multi", changes[0].path if changes else "/", Multi(changes), done)

    def read(
        self,
        kind: ReadKind,
        path: str,
        done: Done,
        *,
        fresh: bool = False,
        watch: Notice | None = None,
        what: What | None = None,
    ) -> None:
        """Read a value (``get``), a :class:`Stat` (``stat``), the names in a directory, or its files with their values.

        ``fresh``: as of now. ``watch(notice)`` is called once when it changes (with ``what="below"``: at each change).
        """
        watched: Watch | None = None
        if watch is not None:
            self._watch_number += 1
            watched = Watch(
                str(self.session),
                self._watch_number,
                path,
                what or ("names" if kind in ("names", "values") else "node"),
            )
            self._watches[watched.number] = (watched, Heard(self._seen_zxid), watch)
            self._unset[watched.number] = None
            if self._sim.facts.wants(WatchSet):
                self._sim.emit(WatchSet(self.name, self.session, watched.number, path, watched.what))
        asked = Read(self.session, kind, path, self._seen_zxid, fresh, watched)
        self._start(Asked(asked, f"fresh {kind}" if fresh else kind, path, self._sim.now, done))

    def wait(self, operation: Callable[..., None], *args: Any, **options: Any) -> Event:
        """An operation as an event: ``answer = yield client.wait(client.create, path, value)``."""
        event = Event(self._sim)
        operation(*args, event.arrived, **options)
        return event

    def _change(self, op: str, path: str, change: Change, done: Done) -> None:
        self._sequence += 1
        asked = Write(self.session, self._sequence, self._answered, change)
        self._start(Asked(asked, op, path, self._sim.now, done))

    def _start(self, asked: Asked) -> None:
        if self.is_over or not self.session:
            self._owner.call_later(0, self._finish, asked, failed(self._seen_zxid, "session-expired"))
        elif self.is_connected:
            self._send(asked)
        else:
            self._parked.append(asked)

    def _send(self, asked: Asked) -> None:
        if isinstance(asked.message, Write):
            self._unanswered[asked.message.sequence] = asked
        server = self.server
        failed_, dropped = partial(self._failed, asked, server), partial(self._dropped, asked)
        done = partial(self._ended, asked, server)
        if isinstance(asked.message, Read):
            done = partial(self._read_here, asked, self._attaches, done)
        self._call(asked.message, done, failed_, dropped)

    def _read_here(self, asked: Asked, attaches: int, done: Done, answer: Answer) -> None:
        """A read is answered. Where the client has left meanwhile, nobody tells the notices that belong before it."""
        if attaches == self._attaches or self.is_over:
            done(answer)
        elif self.is_connected:
            self._send(asked)
        else:
            self._parked.append(asked)

    def _ended(self, asked: Asked, server: int, answer: Answer) -> None:
        if isinstance(asked.message, Write) and asked.message.sequence not in self._unanswered:
            return
        if answer.error == "no-leader" and not self.is_over:
            pause_ns = min(self._config.retry << asked.tries, self._config.longest_retry)
            asked.tries += 1
            self._owner.call_later(pause_ns, self._again, asked)
            return
        if answer.error == "detached" and not self.is_over:
            self._elsewhere(asked, server, None)
            return
        if answer.zxid > self._seen_zxid:
            self._seen_zxid = answer.zxid
        if answer.error == "session-expired":
            self._over("expired")
        self._finish(asked, answer)

    def _again(self, asked: Asked) -> None:
        if isinstance(asked.message, Write) and asked.message.sequence not in self._unanswered:
            # Another server has answered it meanwhile, or it has ended with the session.
            return
        if self.is_over:
            self._finish(asked, failed(self._seen_zxid, "session-expired"))
        elif self.is_connected:
            self._send(asked)
        elif not isinstance(asked.message, Write):
            self._parked.append(asked)

    def _failed(self, asked: Asked, server: int, error: CallError) -> None:
        if error.kind in ("denied", "too-large"):
            self._finish(
                asked, failed(self._seen_zxid, "too-large" if error.kind == "too-large" else "denied", error.text)
            )
            return
        if self.is_over:
            # Writes ended with the session; a read that was under way then ends now.
            if not isinstance(asked.message, Write):
                self._finish(asked, failed(self._seen_zxid, "session-expired"))
            return
        self._elsewhere(asked, server, error)

    def _dropped(self, asked: Asked) -> None:
        """Its answer came, but not the notices before it: writes are asked again with all that are unanswered."""
        if not isinstance(asked.message, Write):
            self._parked.append(asked)

    def _elsewhere(self, asked: Asked, server: int, error: CallError | None) -> None:
        """The server does not answer it: ask again where the client is connected next."""
        if not isinstance(asked.message, Write):
            self._parked.append(asked)
        self._server_lost(server, error)
        if self.is_connected:
            # It is with another server already.
            self._send_parked()

    def _send_parked(self) -> None:
        parked, self._parked = self._parked, []
        for asked in parked:
            self._send(asked)

    def _send_unanswered(self) -> None:
        for asked in list(self._unanswered.values()):
            self._send(asked)

    def _give_up_unfinished(self) -> Callable[[], None]:
        ended = [*self._unanswered.values(), *self._parked]
        self._unanswered.clear()
        self._parked.clear()

        def fail() -> None:
            for asked in ended:
                self._finish(asked, failed(self._seen_zxid, "session-expired"))

        return fail

    def _finish(self, asked: Asked, answer: Answer) -> None:
        message = asked.message
        if isinstance(message, Write):
            self._unanswered.pop(message.sequence, None)
            while self._answered < self._sequence and self._answered + 1 not in self._unanswered:
                self._answered += 1
        elif message.watch is not None:
            self._watch_answered(message.watch, answer)
        if self._sim.facts.wants(Operation):
            self._sim.emit(Operation(self.name, asked.op, asked.path, asked.since_ns, answer.error, answer.zxid))
        asked.done(answer)

    def _watch_answered(self, watch: Watch, answer: Answer) -> None:
        self._unset.pop(watch.number, None)
        entry = self._watches.get(watch.number)
        if entry is None:
            return
        if answer.error in ("", "no-node"):
            entry[1].up_to(answer.zxid)
        else:
            del self._watches[watch.number]

    # Notices

    def _tell(self, fired: Fired) -> None:
        entry = self._watches.get(fired.number)
        if entry is None:
            return
        watch, heard, told = entry
        if fired.zxid > self._seen_zxid:
            self._seen_zxid = fired.zxid
        if watch.what != "below":
            del self._watches[fired.number]
        elif not heard.is_news(fired.path, fired.zxid):
            return
        if self._sim.facts.wants(NoticeTold):
            notice = NoticeTold(self.name, self.session, fired.number, fired.path, fired.kind, fired.zxid)
            self._sim.emit(notice)
        if self._sim.facts.wants(WatchFired):
            self._sim.emit(WatchFired(self.name, fired.path, fired.kind, fired.zxid))
        told(fired)

    def watch_since_before(self, path: str, what: What, told: Notice) -> None:
        """Have a watch that was registered before time 0, at the server to which it is connected."""
        self._watch_number += 1
        watch = Watch(str(self.session), self._watch_number, path, what)
        self._watches[watch.number] = (watch, Heard(1), told)

    def _watch_again(self) -> None:
        for _, heard, _ in self._watches.values():
            heard.attach_again()

    @property
    def watches(self) -> tuple[tuple[Watch, int], ...]:
        """Its watches that are set, each with what it had seen last."""
        return tuple(
            (watch, heard.since_zxid) for watch, heard, _ in self._watches.values() if watch.number not in self._unset
        )
