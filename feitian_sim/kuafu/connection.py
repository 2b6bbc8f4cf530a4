"""A connection: the one TCP stream between two proxies, shared by all processes of both machines.

It has two sides. Each sends through its machine's proxy (one thread that encodes), the network, and the other proxy (one
thread that takes in); what is lost on the way is sent again, later each time, until the other end counts as gone. Each
side has an account of credits for each process that it asks, which comes back with the answers, and one for its answers,
which comes back as they arrive; so no answer ever waits for a question. What finds no credit waits in a fair queue.

Where single messages are struck, requests and answers keep the order of the stream: what comes early waits for what is
late. A note travels by itself: it may be overtaken and, where a fault makes copies, come more than once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feitian_sim.kuafu.credits import Credits
from feitian_sim.kuafu.envelope import Envelope, Request, Response
from feitian_sim.kuafu.facts import WindowExhausted

if TYPE_CHECKING:
    from feitian_sim.kuafu.caller import Caller
    from feitian_sim.kuafu.proxy import Proxy
    from feitian_sim.kuafu.rpc import Kuafu


class Connection:
    """Two sides and the challenge that who speaks on it must answer."""

    __slots__ = ("broken", "forgotten_by", "nonce", "open", "plain", "sides", "since_ns")

    def __init__(self, kuafu: Kuafu, first: Proxy, second: Proxy, nonce: bytes) -> None:
        self.broken = False
        #: The side at the end that knows nothing of it any more, while the other has not noticed.
        self.forgotten_by: Side | None = None
        #: Whether both ends know it: neither broken nor forgotten.
        self.plain = True
        self.since_ns = kuafu.sim.now
        #: Whether the handshake got through.
        self.open = False
        self.nonce = nonce
        one, two = kuafu.side_class(kuafu, self, first, second), kuafu.side_class(kuafu, self, second, first)
        one.other, two.other = two, one
        #: The side that opened it, and the other.
        self.sides = (one, two)


class Side:
    """One end of a connection, and what it sends."""

    __slots__ = (
        "_kuafu",
        "_sim",
        "answers",
        "asked",
        "bulk",
        "connection",
        "far",
        "known",
        "last_ns",
        "machine",
        "near",
        "other",
        "parked",
        "peer",
        "proofs",
        "ready",
        "sent",
        "taken",
    )

    def __init__(self, kuafu: Kuafu, connection: Connection, near: Proxy, far: Proxy) -> None:
        self._kuafu = kuafu
        self._sim = kuafu.sim
        #: The proxies at this end and at the other, and their machines.
        self.near = near
        self.far = far
        self.connection = connection
        self.machine = near.machine
        self.peer = far.machine
        self.other: Side = self
        #: Whether the handshake is over at this end.
        self.ready = False
        # Of each process that is called over it, by address; and one for all answers.
        self.asked: dict[str, Credits] = {}
        self.bulk: dict[str, Credits] = {}
        self.answers = Credits(kuafu.config.window)
        #: Last use, by which an idle connection is known.
        self.last_ns = kuafu.sim.now
        # Answers to the challenge that local processes have given, and which of them the other end has found right.
        self.proofs: dict[Caller, bytes] = {}
        self.known: dict[Caller, None] = {}
        # Of the stream in this direction: the last number sent, the last taken in, and what came before its turn.
        self.sent = 0
        self.taken = 0
        self.parked: dict[int, Envelope] = {}

    # Sending

    def account_of(self, address: str, *, bulk: bool) -> Credits:
        """The account of a process at the other end."""
        accounts = self.bulk if bulk else self.asked
        account = accounts.get(address)
        if account is None:
            config = self._kuafu.config
            account = accounts[address] = Credits(config.largest if bulk else config.window)
        return account

    def ask(self, request: Request) -> None:
        """Send a request or a note, now or when there is credit."""
        size_bytes = request.size_bytes
        account = self.asked.get(request.address)
        if account is None or size_bytes > self._kuafu.bulk_above:
            account = self.account_of(request.address, bulk=size_bytes > self._kuafu.bulk_above)
        request.account = account
        if self.ready and not account.waiting and account.take(size_bytes):
            self._go(request)
        else:
            account.wait(request.caller, size_bytes, request, self._kuafu.config.quantum)
            if self.ready and self._sim.facts.wants(WindowExhausted):
                self._sim.emit(WindowExhausted(self.machine.name, request.address))

    def answer(self, response: Response) -> None:
        """Send the end of a call back, now or when there is credit."""
        if response.size_bytes > self._kuafu.bulk_above:
            # What was asked for is taken: nobody can be flooded with answers.
            response.credit_bytes = 0
        account = self.answers
        if self.ready and not account.waiting and account.take(response.credit_bytes):
            self._go(response)
        else:
            account.wait(response.request.address, response.credit_bytes, response, self._kuafu.config.quantum)

    def go_on(self) -> None:
        """Send everything that waits, as far as there is credit."""
        for account in (*self.asked.values(), *self.bulk.values(), self.answers):
            if account.waiting:
                self._go_on(account)

    def _go_on(self, account: Credits) -> None:
        waiting = account.waiting
        if not self.ready or waiting is None:
            return
        while waiting and account.take(waiting.next_size()):
            self._go(waiting.pop())

    def _go(self, envelope: Envelope) -> None:
        kuafu = self._kuafu
        self.last_ns = now_ns = self._sim.now
        if envelope.size_bytes > kuafu.bulk_above:
            kuafu.carry_bulk(self, envelope)
            return
        near = self.near
        leaves_ns = now_ns + kuafu.socket_ns
        free_ns = near.free_ns
        near.free_ns = leaves_ns = (free_ns if free_ns > leaves_ns else leaves_ns) + near.send_ns
        if kuafu.messenger.meddler is not None:
            self._go_explicit(envelope, leaves_ns - now_ns)
            return
        kuafu.carry(
            self.machine,
            self.peer,
            envelope.size_bytes,
            leaves_ns - now_ns,
            self.far.take_ns,
            kuafu.socket_ns,
            self.arrived,
            (envelope,),
            self.lost,
        )

    def _go_explicit(self, envelope: Envelope, lead_ns: int) -> None:
        """Send where single messages are struck: a note by itself, all else by its number in the stream."""
        kuafu, size_bytes, take_ns = self._kuafu, envelope.size_bytes, self.far.take_ns
        here, there, args = self.machine, self.peer, (envelope,)
        if type(envelope) is Request and not envelope.number:
            taken_in, copied = self.arrived, self._copied
            kuafu.carry(here, there, size_bytes, lead_ns, take_ns, kuafu.socket_ns, taken_in, args, self.lost, copied)
            return
        if not hasattr(envelope, "sequence"):
            self.sent += 1
            envelope.sequence = self.sent
        kuafu.carry(here, there, size_bytes, lead_ns, take_ns, kuafu.socket_ns, self._in_turn, args, self.lost)

    def lost(self, envelope: Envelope) -> None:
        """The network has lost it: TCP sends it again, until the other end counts as gone."""
        if self.connection.broken:
            return
        pause_ns = self._kuafu.config.retransmit << envelope.tries
        envelope.tries += 1
        if pause_ns > self._kuafu.config.keepalive:
            self._kuafu.give_up(self)
        else:
            self._kuafu.wire.call_later(pause_ns, self._again, envelope)

    def _again(self, envelope: Envelope) -> None:
        if self.connection.plain or not (self.connection.broken or self.connection.forgotten_by is self):
            self._go(envelope)

    # Arriving at the other end

    def arrived(self, envelope: Envelope) -> None:
        """An envelope is through the other end's proxy."""
        if not self.connection.plain and self._is_unheard():
            return
        if type(envelope) is Response:
            self._answered(envelope)
            return
        request: Request = envelope  # type: ignore[assignment]
        account = request.account
        if request.number:
            account.arrived(request.size_bytes)
        else:
            account.consumed(request.size_bytes)
            if account.waiting:
                self._go_on(account)
        self._kuafu.arrive(request)

    def _in_turn(self, envelope: Envelope) -> None:
        """As :meth:`arrived`, for what keeps the order of the stream."""
        parked = self.parked
        parked[envelope.sequence] = envelope
        while self.taken + 1 in parked:
            self.taken += 1
            self.arrived(parked.pop(self.taken))

    def _copied(self, envelope: Envelope) -> None:
        """A copy of a note has arrived: it says the same again, and costs no credit."""
        assert isinstance(envelope, Request), envelope
        if self.connection.plain or not self._is_unheard():
            self._kuafu.arrive(envelope)

    def _is_unheard(self) -> bool:
        """Whether nobody takes in what arrives over a connection that is not plain."""
        if self.connection.broken:
            return True
        if self.connection.forgotten_by is self.other:
            self._kuafu.disown(self)
            return True
        return False

    def _answered(self, response: Response) -> None:
        self.answers.consumed(response.credit_bytes)
        if self.answers.waiting:
            self._go_on(self.answers)
        request = response.request
        account = request.account
        account.answered(request.size_bytes)
        if account.waiting:
            request.side._go_on(account)
        if request.once is not None and response.incarnation:
            request.caller.incarnations[request.address] = response.incarnation
        request.caller.returned(request.number, response.message, response.error)

    @property
    def is_known(self) -> bool:
        """Whether its machine would use this connection."""
        return self.near.sides.get(self.far.index) is self

    @property
    def is_idle(self) -> bool:
        """Whether nothing has used the connection for so long that it has been closed."""
        used_after_ns = self._sim.now - self._kuafu.idle_ns
        if self.last_ns >= used_after_ns or self.other.last_ns >= used_after_ns:
            return False
        return not self._is_in_use() and not self.other._is_in_use()

    def _is_in_use(self) -> bool:
        """Whether anything is under way, held or waiting on this side."""
        accounts = (*self.asked.values(), *self.bulk.values(), self.answers)
        return any(account.used or account.waiting for account in accounts)

    def check(self) -> None:
        """Raise AssertionError when the books of any account do not balance."""
        for account in (*self.asked.values(), *self.bulk.values(), self.answers):
            account.check()
