"""The two sides of one call: what the caller holds, and what the handler gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from feitian_sim.hardware import Flow, Machine
from feitian_sim.kernel import SimulatedError, Timer
from feitian_sim.kuafu.methods import Method

if TYPE_CHECKING:
    from feitian_sim.kuafu.caller import Caller
    from feitian_sim.kuafu.endpoint import Endpoint
    from feitian_sim.kuafu.envelope import Request
    from feitian_sim.kuafu.proxy import Proxy

ErrorKind = Literal["deadline", "refused", "reset", "remote", "denied", "too-large", "unavailable", "uncertain"]


@dataclass(frozen=True, slots=True)
class CallError:
    """Why a call has no answer."""

    kind: ErrorKind
    address: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.kind} by {self.address}" + (f": {self.text}" if self.text else "")


class CallFailed(SimulatedError):
    """Raised in a client process when a call that it waits for fails."""

    def __init__(self, error: CallError) -> None:
        # The one argument is the error itself: SimPy makes a new exception from the arguments of the old one.
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return str(self.error)

    @property
    def kind(self) -> ErrorKind:
        """How it failed: one of the names of ``ErrorKind``."""
        return self.error.kind


#: Of a call that never left.
_UNCOUNTED = Method("")


class PendingCall:
    """A call that has not ended. Exactly one of its callbacks will be called, once, unless it is cancelled."""

    __slots__ = (
        "address",
        "broken",
        "caller",
        "deadline",
        "method",
        "number",
        "on_error",
        "on_reply",
        "peer",
        "proxy",
        "since_ns",
        "stream",
        "suspicion",
        "within_ns",
    )

    def __init__(
        self,
        caller: Caller,
        number: int,
        address: str,
        proxy: Proxy,
        on_reply: Callable[[Any], object],
        on_error: Callable[[CallError], object],
    ) -> None:
        self.caller = caller
        self.number = number
        self.address = address
        #: The other end's proxy, and its machine.
        self.proxy = proxy
        self.peer: Machine = proxy.machine
        self.on_reply = on_reply
        self.on_error = on_error
        self.since_ns = 0
        self.method: Method = _UNCOUNTED
        self.deadline: Timer | None = None
        #: How long the caller waits, and the bytes that come before the answer, if any do.
        self.within_ns = 0
        self.stream: Flow | None = None
        # Keepalive's: runs while the peer is out of reach, and whether the peer's machine has gone down since.
        self.suspicion: Timer | None = None
        self.broken = False

    @property
    def moves(self) -> bool:
        """Whether bytes of the answer arrive now."""
        return self.stream is not None and self.stream.active and self.stream.rate_bytes_per_s > 0

    def stop_timers(self) -> None:
        """The call has ended: nothing is to come of its timers."""
        if self.deadline is not None:
            self.deadline.cancel()
        if self.suspicion is not None:
            self.suspicion.cancel()

    def cancel(self) -> None:
        """Lose interest: neither callback will be called. The other end may still execute the call."""
        self.caller.forget(self)


class IncomingCall:
    """A request at the process that serves it. It is answered once, now or later."""

    __slots__ = ("answered", "message", "request", "server")

    def __init__(self, server: Endpoint, request: Request) -> None:
        self.server = server
        self.request = request
        self.message = request.message
        self.answered = False

    @property
    def sender(self) -> str:
        """Address of the caller."""
        return self.request.caller.address

    @property
    def machine(self) -> Machine:
        """Where the caller is."""
        return self.request.caller.machine

    @property
    def subject(self) -> str:
        """The user or module that the caller has proved to speak for."""
        return self.request.caller.credential.subject

    @property
    def deadline_ns(self) -> int:
        """When the caller gives up: what is asked of others on its behalf needs no answer later than that."""
        return self.request.deadline_ns

    @property
    def has_expired(self) -> bool:
        """Whether the caller has given up."""
        return self.request.deadline_ns <= self.server.sim.now

    def expire(self) -> None:
        """End it unanswered, when the caller has given up before its turn came."""
        self.server.expire(self)

    def streams(self, flow: Flow) -> None:
        """The bytes that the caller wants are on their way to it: from now on its deadline bounds their silence.

        As with a time-out of a socket, which counts from the last byte: whoever shares a disk with many is slow, not
        gone, and what was read so far need not be read again.
        """
        self.request.caller.streamed(self.request.number, flow)

    def reply(self, message: object) -> None:
        """Answer the call."""
        self.server.answer(self, message, None)

    def fail(self, text: str) -> None:
        """Answer that it cannot be done, and why: the caller gets a ``remote`` error."""
        self.server.answer(self, None, CallError("remote", self.server.address, text))
