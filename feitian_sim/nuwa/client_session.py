"""A client's session with Nuwa: opened, kept alive, taken from server to server, and at some time over.

The process pings the server to which it is connected. When that does not answer, it attaches at another, and says there
again what it watches; what was asked is the business of :mod:`.client`. It knows until when its session certainly lives
(``lease_until_ns``), and tells its user when it is *suspended* (the servers have been silent for a while) and when the
session is over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint
from feitian_sim.nuwa.answers import Answer
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.facts import ContactMade, SessionLost, SessionOpened
from feitian_sim.nuwa.held_answers import HeldAnswers
from feitian_sim.nuwa.messages import Attach, Close, Fired, Open, Ping, Reply
from feitian_sim.nuwa.needs import CLIENT_NEEDS
from feitian_sim.nuwa.signs_of_life import SignsOfLife
from feitian_sim.nuwa.watches import Watch

Done = Callable[[Answer], object]
_PINGS = 3


def _nothing() -> None:
    """What is not asked again by itself."""


class ClientSession:
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
        self._attaches = 0
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
            self._send_parked()
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
        self._watch_again()
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
            self._send_unanswered()

    def _over(self, why: str) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.is_connected = False
        self._signs.end(self)
        self.hush()
        self._sim.emit(SessionLost(self.name, self.session, why))
        self._heard.release()
        fail_unfinished = self._give_up_unfinished()
        for told in list(self.on_over):
            told()
        fail_unfinished()

    # Calls and notices, in order

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

    def _hear_fired(self, sender: str, fired: Fired) -> None:
        # A server that it has left may not know yet, and counts its notices from another beginning; also the one to which
        # it comes back.
        if fired.session != self.session or self.is_over or fired.attach != self._attaches:
            return
        if sender != self._addresses[self.server]:
            return
        self._heard.take(fired)

    # What the operations and watches of :mod:`.client` have to say

    @property
    def watches(self) -> tuple[tuple[Watch, int], ...]:
        """Its watches that are set, each with what it had seen last."""
        raise NotImplementedError

    def _watch_again(self) -> None:
        """It goes to a server that will say the last changes again."""
        raise NotImplementedError

    def _tell(self, fired: Fired) -> None:
        """A notice has come, in its turn."""
        raise NotImplementedError

    def _send_parked(self) -> None:
        """There is a server again: say what waited for one."""
        raise NotImplementedError

    def _send_unanswered(self) -> None:
        """It is another server: say again what was not answered."""
        raise NotImplementedError

    def _give_up_unfinished(self) -> Callable[[], None]:
        """The session is over: nothing is sent any more. What is returned tells who asked."""
        raise NotImplementedError


def _ignore(_: object) -> None:
    """The end of a call that nothing depends on."""
