"""The client library: one session with Nuwa, for one process.

Operations are asynchronous: each ends once, with an :class:`~feitian_sim.nuwa.answers.Answer`, or is an event for a
SimPy process (:meth:`NuwaClient.wait`). The library keeps the session alive, changes the server when one does not
answer, says there again what it watches and what it asked, with the same numbers, so that nothing is done twice. It
knows until when its session certainly lives (``lease_until_ns``), and tells its user when it is *suspended* (the
servers have been silent for a while) and when the session is over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint
from feitian_sim.kuafu.client import Answer as Event
from feitian_sim.nuwa.answers import Answer, failed
from feitian_sim.nuwa.commands import Change, Create, Delete, Multi, Put
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.facts import ContactMade, NoticeTold, Operation, SessionLost, SessionOpened, WatchFired, WatchSet
from feitian_sim.nuwa.held_answers import HeldAnswers
from feitian_sim.nuwa.messages import Attach, Close, Fired, Open, Ping, Read, ReadKind, Reply, Write
from feitian_sim.nuwa.needs import CLIENT_NEEDS
from feitian_sim.nuwa.signs_of_life import SignsOfLife
from feitian_sim.nuwa.watches import Heard, Watch, What

Done = Callable[[Answer], object]
Notice = Callable[[Fired], object]
_PINGS = 3


def _nothing() -> None:
    """What is not asked again by itself."""


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


class NuwaClient:
    """One session. ``addresses``: of the servers; ``first``: the one that is tried first."""

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
        self._sim = sim
        self._owner = owner
        self._endpoint = endpoint
        self.machine: Machine = endpoint.machine
        #: Its session's time is measured by the monotonic reading of its machine's clock.
        self._clock = self.machine.clock
        self._addresses = addresses
        self._config = config
        self._signs = signs
        self.name = name
        #: Silence after which its session is over.
        self.timeout_ns = timeout_ns or config.session
        self.ping_ns = self.timeout_ns // _PINGS
        #: The server that it is connected to, or tries.
        self.server = first % len(addresses)
        self.session = 0
        self.is_connected = False
        self.is_over = False
        self._seen_zxid = 0
        self._sequence = 0
        self._answered = 0
        self._unanswered: dict[int, Asked] = {}
        self._parked: list[Asked] = []
        self._watches: dict[int, tuple[Watch, Heard, Notice]] = {}
        # Watches of which the read that sets them is not answered: they come about where that is answered.
        self._unset: dict[int, None] = {}
        self._attaches = 0
        self._watch_number = 0
        self._heard = HeldAnswers(owner, config.request_deadline, self._tell, self._notice_missing)
        self._contact_ns = self._clock.monotonic_ns
        self._ping: Timer | None = None
        self._ping_due_ns = 0
        self._end: Timer | None = None
        self._on_open: list[Callable[[], object]] = []
        #: Called when the session is over, and when it becomes or ceases to be doubtful.
        self.on_over: list[Callable[[], object]] = []
        self.on_suspended: list[Callable[[], object]] = []
        self.on_connected: list[Callable[[], object]] = []
        self._attempts = 0
        endpoint.hear(Fired, self._hear_fired, CLIENT_NEEDS[Fired])
        owner.on_death(self._died)
        self._clock.on_change(owner, self._clock_changed)

    def _died(self) -> None:
        self.is_connected = False
        self._signs.end(self)

    @property
    def address(self) -> str:
        """Where it is told of changes."""
        return self._endpoint.address

    @property
    def is_paused(self) -> bool:
        """Whether its process is stopped for a while."""
        return self._owner.paused

    @property
    def subject(self) -> str:
        """For whom it speaks."""
        return self._endpoint.credential.subject

    @property
    def notices_heard(self) -> int:
        """How many notices of the server that it is connected to it has heard."""
        return self._heard.heard

    # The session

    def open(self, on_open: Callable[[], object]) -> None:
        """Ask for a session; ``on_open()`` when there is one."""
        self._on_open.append(on_open)
        self._try_open()

    def begin(self, session: int, zxid: int) -> None:
        """Have a session that was opened before time 0, known to the server to which it is connected."""
        self.session, self._seen_zxid = session, zxid
        self._contact_ns = self._clock.monotonic_ns
        self._connected()

    def _try_open(self) -> None:
        if not self._owner.alive or self.session:
            return
        asked = Open(self.name, f"{self._endpoint.address}", self.timeout_ns)
        self._call(asked, partial(self._opened, self._clock.monotonic_ns), self._not_opened)

    def _opened(self, sent_ns: int, answer: Answer) -> None:
        if not answer.ok:
            self._not_opened(None)
            return
        if self.session:
            return
        self.session = answer.value
        self._contact_ns = sent_ns
        self._sim.emit(SessionOpened(self.name, self.session))
        self._connected()
        waiting, self._on_open = self._on_open, []
        for told in waiting:
            told()

    def _not_opened(self, _: CallError | None) -> None:
        self.server = (self.server + 1) % len(self._addresses)
        self._owner.call_later(self._config.retry, self._try_open)

    def close(self) -> None:
        """Give the session up."""
        self._signs.end(self)
        if not self.is_over and self.session:
            self._endpoint.call(
                self._addresses[self.server], Close(self.session), self._config.request_deadline, _ignore, _ignore
            )
        self._over("closed")

    @property
    def lease_until_ns(self) -> int:
        """Until when the session certainly lives, by this process's clock; in the past when that is doubtful."""
        if self.is_over or not self.session:
            return self._clock.monotonic_ns
        contact_ns = self._contact_ns
        if self._signs.is_sure(self):
            contact_ns = max(contact_ns, self._signs.last_ns(self) or 0)
        return contact_ns + self.timeout_ns - self.ping_ns // 2

    def _connected(self) -> None:
        was, self.is_connected = self.is_connected, True
        self._arm_ping()
        self._arm_end()
        if not was:
            for told in list(self.on_connected):
                told()
            parked, self._parked = self._parked, []
            for asked in parked:
                self._send(asked)
        self._signs.answered(self)

    def _contact(self, sent_ns: int) -> None:
        if self._sim.facts.wants(ContactMade):
            time_ns = self._clock.until(sent_ns)
            assert time_ns is not None, "a message was sent in the future"
            self._sim.emit(ContactMade(self.session, time_ns))
        if sent_ns > self._contact_ns:
            self._contact_ns = sent_ns

    def _arm_ping(self) -> None:
        if self._ping is not None:
            self._ping.cancel()
        self._ping_due_ns = self._clock.monotonic_ns + self.ping_ns
        self._ping = self._clock.timer(self._owner, self._ping_due_ns, self._send_ping)

    def _send_ping(self) -> None:
        if self.is_over or not self.is_connected:
            return
        sent_ns = self._clock.monotonic_ns
        self._arm_ping()
        server = self.server
        self._endpoint.call(
            self._addresses[server],
            Ping(self.session),
            # Time must be left to try another server.
            min(self._config.request_deadline, self.ping_ns),
            partial(self._pinged, server, sent_ns),
            partial(self._server_lost, server),
        )

    def _pinged(self, server: int, sent_ns: int, reply: Reply) -> None:
        if server != self.server or self.is_over:
            return
        if not reply.answer.ok:
            self._server_lost(server, None)
            return
        self._contact(sent_ns)
        self._arm_end()
        self._heard.after(reply.events, partial(self._signs.answered, self), _nothing)

    def _notice_missing(self) -> None:
        """A notice was lost on the way from the server: another will tell what changed since."""
        self._server_lost(self.server, None)

    def _arm_end(self) -> None:
        """Without contact for the session's time, the session must be taken to be over."""
        if self._end is not None:
            self._end.cancel()
        self._end = self._clock.timer(self._owner, self._contact_ns + self.timeout_ns, self._out_of_touch)

    def _clock_changed(self) -> None:
        """What is due at a reading of the clock is due at another time now."""
        if self._ping is not None and not self.is_over and not self._signs.is_sure(self):
            self._ping.cancel()
            if self.is_connected:
                self._ping = self._clock.timer(self._owner, self._ping_due_ns, self._send_ping)
            self._arm_end()

    def _out_of_touch(self) -> None:
        if self._signs.is_sure(self):
            return
        if self._clock.monotonic_ns - self._contact_ns < self.timeout_ns:
            self._arm_end()
        else:
            self._over("out of touch")

    def hush(self) -> None:
        """Pings take no events from now on."""
        for timer in (self._ping, self._end):
            if timer is not None:
                timer.cancel()

    def wake(self, last_ns: int | None, first_ns: int) -> None:
        """Pings are explicit again; the last that was left out was due at ``last_ns``, or the first is yet to come."""
        if not self._owner.alive or self.is_over:
            return
        if last_ns is not None:
            self._contact(last_ns)
        next_ns = first_ns if last_ns is None else last_ns + self.ping_ns
        self._ping_due_ns = next_ns
        self._ping = self._clock.timer(self._owner, next_ns, self._send_ping)
        self._arm_end()

    def _server_lost(self, server: int, _: CallError | None) -> None:
        """The server does not answer, or does not know this client: go to another."""
        if server != self.server or self.is_over or not self.session:
            return
        if self.is_connected:
            self.is_connected = False
            self._signs.end(self)
            for told in list(self.on_suspended):
                told()
        self._attempts += 1
        self.server = (self.server + 1) % len(self._addresses)
        pause_ns = 0 if self._attempts % len(self._addresses) else self._config.retry
        self._owner.call_later(pause_ns, self._attach)

    def _attach(self) -> None:
        if self.is_over or self.is_connected:
            return
        self._heard.begin_anew()
        self._attaches += 1
        for _, heard, _ in self._watches.values():
            heard.attach_again()
        server, sent_ns = self.server, self._clock.monotonic_ns
        self._call(
            Attach(self.session, self._seen_zxid, self.watches, self._attaches),
            partial(self._attached, server, sent_ns),
            partial(self._server_lost, server),
        )

    def _attached(self, server: int, sent_ns: int, answer: Answer) -> None:
        if server != self.server or self.is_over or self.is_connected:
            return
        if answer.error == "session-expired":
            self._over("expired")
        elif not answer.ok:
            self._server_lost(server, None)
        else:
            self._contact(sent_ns)
            self._attempts = 0
            self._connected()
            for asked in list(self._unanswered.values()):
                self._send(asked)

    def _over(self, why: str) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.is_connected = False
        self._signs.end(self)
        self.hush()
        self._sim.emit(SessionLost(self.name, self.session, why))
        self._heard.release()
        ended = [*self._unanswered.values(), *self._parked]
        self._unanswered.clear()
        self._parked.clear()
        for told in list(self.on_over):
            told()
        for asked in ended:
            self._finish(asked, failed(self._seen_zxid, "session-expired"))

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

    def _call(
        self,
        message: object,
        done: Done,
        failed_: Callable[[CallError], object],
        dropped: Callable[[], object] = _nothing,
    ) -> None:
        """Call the server; its answer is held until the notices that were sent before it are here."""
        server, attaches = self.server, self._attaches

        def arrived(reply: Reply) -> None:
            self._heard.after(reply.events if attaches == self._attaches else 0, partial(done, reply.answer), dropped)

        self._endpoint.call(self._addresses[server], message, self._config.request_deadline, arrived, failed_)

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
            parked, self._parked = self._parked, []
            for one in parked:
                self._send(one)

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

    def _hear_fired(self, sender: str, fired: Fired) -> None:
        # A server that it has left may not know yet, and counts its notices from another beginning; also the one to which
        # it comes back.
        if fired.session != self.session or self.is_over or fired.attach != self._attaches:
            return
        if sender != self._addresses[self.server]:
            return
        self._heard.take(fired)

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

    @property
    def watches(self) -> tuple[tuple[Watch, int], ...]:
        """Its watches that are set, each with what it had seen last."""
        return tuple(
            (watch, heard.since_zxid) for watch, heard, _ in self._watches.values() if watch.number not in self._unset
        )


def _ignore(_: object) -> None:
    """The end of a call that nothing depends on."""
