"""A connection: the one TCP stream between two proxies, shared by all processes of both machines.

It has two sides. Each sends through its machine's proxy (one thread that encodes), the network, and the other proxy (one
thread that takes in); what is lost on the way is sent again, later each time, until the other end counts as gone. Each
side has two accounts of credits: one for what it asks, which comes back with the answers, and one for its answers, which
comes back as they arrive; so no answer ever waits for a question. What finds no credit waits in a fair queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feitian_sim.kuafu.credits import Credits
from feitian_sim.kuafu.envelope import Envelope, Request, Response
from feitian_sim.kuafu.fair_queue import FairQueue

if TYPE_CHECKING:
    from feitian_sim.kuafu.endpoint import Endpoint
    from feitian_sim.kuafu.proxy import Proxy
    from feitian_sim.kuafu.rpc import Kuafu


class Connection:
    """Two sides and the challenge that who speaks on it must answer."""

    __slots__ = ("broken", "nonce", "open", "sides")

    def __init__(self, kuafu: Kuafu, first: Proxy, second: Proxy, nonce: bytes) -> None:
        self.broken = False
        #: Whether the handshake got through.
        self.open = False
        self.nonce = nonce
        one, two = Side(kuafu, self, first, second), Side(kuafu, self, second, first)
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
        "connection",
        "far",
        "known",
        "last_ns",
        "machine",
        "near",
        "other",
        "peer",
        "proofs",
        "ready",
        "waiting_answers",
        "waiting_asked",
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
        self.asked = Credits(kuafu.config.window)
        self.answers = Credits(kuafu.config.window)
        self.waiting_asked: FairQueue | None = None
        self.waiting_answers: FairQueue | None = None
        #: Last use, by which an idle connection is known.
        self.last_ns = kuafu.sim.now
        # Answers to the challenge that local processes have given, and which of them the other end has found right.
        self.proofs: dict[Endpoint, bytes] = {}
        self.known: dict[Endpoint, None] = {}

    # Sending

    def ask(self, request: Request) -> None:
        """Send a request or a note, now or when there is credit."""
        if request.size_bytes > self._kuafu.bulk_above:
            request.credit_bytes = 0
        waiting = self.waiting_asked
        if self.ready and not waiting and self.asked.take(request.credit_bytes):
            self._go(request)
            return
        if waiting is None:
            waiting = self.waiting_asked = FairQueue(self._kuafu.config.quantum)
        waiting.push(request.caller, request.credit_bytes, request)

    def answer(self, response: Response) -> None:
        """Send the end of a call back, now or when there is credit."""
        if response.size_bytes > self._kuafu.bulk_above:
            response.credit_bytes = 0
        waiting = self.waiting_answers
        if self.ready and not waiting and self.answers.take(response.credit_bytes):
            self._go(response)
            return
        if waiting is None:
            waiting = self.waiting_answers = FairQueue(self._kuafu.config.quantum)
        waiting.push(response.request.address, response.credit_bytes, response)

    def go_on(self) -> None:
        """Send what waits, as far as there is credit."""
        if not self.ready:
            return
        for waiting, account in ((self.waiting_asked, self.asked), (self.waiting_answers, self.answers)):
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
        if not self.connection.broken:
            self._go(envelope)

    # Arriving at the other end

    def arrived(self, envelope: Envelope) -> None:
        """An envelope is through the other end's proxy."""
        if self.connection.broken:
            return
        if type(envelope) is Response:
            self._answered(envelope)
            return
        request: Request = envelope  # type: ignore[assignment]
        if request.number:
            self.asked.arrived(request.credit_bytes)
        else:
            self.asked.consumed(request.credit_bytes)
            if self.waiting_asked:
                self.go_on()
        self._kuafu.arrive(request)

    def _answered(self, response: Response) -> None:
        self.answers.consumed(response.credit_bytes)
        if self.waiting_answers:
            self.go_on()
        request = response.request
        side = request.side
        side.asked.answered(request.credit_bytes)
        if side.waiting_asked:
            side.go_on()
        if request.once is not None and response.incarnation:
            request.caller.incarnations[request.address] = response.incarnation
        request.caller.returned(request.number, response.message, response.error)

    @property
    def is_idle(self) -> bool:
        """Whether nothing has used the connection for so long that it has been closed."""
        quiet_ns = self._sim.now - max(self.last_ns, self.other.last_ns)
        return quiet_ns > self._kuafu.config.idle and not self._is_in_use() and not self.other._is_in_use()

    def _is_in_use(self) -> bool:
        """Whether anything is under way, held or waiting on this side."""
        return bool(self.asked.used or self.answers.used or self.waiting_asked or self.waiting_answers)
