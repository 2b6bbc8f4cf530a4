"""Calling a service (K1, K5): by name or address, balanced over its servers, sent again when that is allowed.

The names are known through a :class:`NameResolver`, which is told of every change; what is known is used at once, and a
call made before anything is known waits for it. Each call keeps one deadline through all its attempts. A call that may
be done twice without harm goes to another server when one fails; any other keeps its server, under one request id.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from feitian_sim.kernel import Stream
from feitian_sim.kuafu.address import NUWA, ServiceName
from feitian_sim.kuafu.balance import BalanceName, Balancer
from feitian_sim.kuafu.calls import CallError
from feitian_sim.kuafu.client import Sent
from feitian_sim.kuafu.endpoint import Endpoint
from feitian_sim.kuafu.reply_table import Once
from feitian_sim.kuafu.retry import NOT_RUN, UNKNOWN, RetryConfig

Replied = Callable[[Any], object]
Failed = Callable[[CallError], object]


class NameResolver(Protocol):
    """Who knows the servers of a cell's services."""

    @property
    def cell(self) -> str:
        """The cell whose names it knows."""
        ...

    def follow(self, service: str, told: Callable[[tuple[str, ...]], object]) -> None:
        """Tell the addresses that are known now, if any are, and those of each change."""
        ...


class Known:
    """A service's servers, once they are known, and the calls that wait until they are."""

    __slots__ = ("addresses", "known", "waiting")

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = ()
        self.known = False
        self.waiting: list[Callable[[], object]] = []

    def told(self, addresses: tuple[str, ...]) -> None:
        """The resolver says so."""
        self.addresses, self.known = addresses, True
        waiting, self.waiting = self.waiting, []
        for go_on in waiting:
            go_on()


class Attempted:
    """One call through all its attempts."""

    __slots__ = (
        "address",
        "attempts",
        "failed",
        "incarnation",
        "message",
        "number",
        "over",
        "repeatable",
        "replied",
        "target",
        "tried",
        "until_ns",
    )

    def __init__(self, target: str, message: object, until_ns: int, replied: Replied, failed: Failed) -> None:
        self.target = target
        self.message = message
        self.until_ns = until_ns
        self.replied = replied
        self.failed = failed
        self.repeatable = False
        self.number = 0
        self.attempts = 0
        self.tried: list[str] = []
        #: The server that it may have run at, which no other may repeat.
        self.address = ""
        #: Of the server as far as it was known when the call was first sent there.
        self.incarnation = 0
        self.over = False


class ServiceCaller:
    """One process's way to services."""

    def __init__(
        self,
        endpoint: Endpoint,
        resolver: NameResolver | None,
        stream: Stream,
        *,
        balance: BalanceName = "round-robin",
        retry: RetryConfig | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._resolver = resolver
        self._stream = stream
        self._retry = retry or RetryConfig()
        self._services: dict[str, Known] = {}
        self.balancer = Balancer(balance, endpoint.machine, endpoint.machine_at)
        self._numbers = 0
        #: Attempts beyond the first.
        self.retries = 0

    def call(
        self,
        target: str,
        message: object,
        deadline_ns: int,
        on_reply: Replied,
        on_error: Failed,
        *,
        repeatable: bool = False,
    ) -> None:
        """Call ``tcp://host:port`` or ``nuwa://cell/service``; one of the callbacks gets the end, by the deadline.

        ``repeatable``: running it twice does no harm; anything else runs at most once.
        """
        asked = Attempted(target, message, self._endpoint.now_ns + deadline_ns, on_reply, on_error)
        asked.repeatable = repeatable
        self._numbers += 1
        asked.number = self._numbers
        self._go(asked)

    def send(self, target: str, message: object, deadline_ns: int, *, repeatable: bool = False) -> Sent:
        """The same, to be received later: ``reply = yield caller.send(...).receive()``."""
        sent = Sent(self._endpoint)
        self.call(target, message, deadline_ns, sent.arrived, sent.failed, repeatable=repeatable)
        return sent

    def _go(self, asked: Attempted) -> None:
        if asked.over:
            return
        if not asked.target.startswith(NUWA):
            self._try(asked, (asked.target,))
            return
        name = ServiceName.parse(asked.target)
        if self._resolver is None or name.cell != self._resolver.cell:
            asked.over = True
            error = CallError("unavailable", asked.target, f"nobody here knows the cell {name.cell}")
            self._endpoint.owner.call_later(0, asked.failed, error)
            return
        service = self._services.get(name.service)
        if service is None:
            service = self._services[name.service] = Known()
            self._resolver.follow(name.service, service.told)
        if service.known:
            self._try(asked, service.addresses)
            return
        service.waiting.append(partial(self._go, asked))
        self._endpoint.owner.call_later(asked.until_ns - self._endpoint.now_ns, self._never_known, asked)

    def _never_known(self, asked: Attempted) -> None:
        if not asked.attempts and not asked.over:
            self._end(asked, CallError("deadline", asked.target, "its servers did not become known in time"))

    def _try(self, asked: Attempted, addresses: tuple[str, ...]) -> None:
        asked.attempts += 1
        if asked.address:
            address = asked.address
        elif addresses:
            address = self.balancer.choose(addresses, asked.tried)
        else:
            self._failed(asked, "", CallError("unavailable", asked.target, "nobody serves under this name"))
            return
        endpoint = self._endpoint
        left_ns = asked.until_ns - endpoint.now_ns
        once = None
        if not asked.repeatable:
            if not asked.address:
                # What other calls learn of the server meanwhile says nothing of where this one may have run.
                asked.incarnation = endpoint.incarnations.get(address, 0)
            once = Once(endpoint.identity, asked.number, asked.until_ns, bool(asked.address), asked.incarnation)
        self.balancer.begins(address)
        endpoint.call(
            address,
            asked.message,
            left_ns,
            partial(self._replied, asked, address),
            partial(self._failed, asked, address),
            once=once,
        )

    def _replied(self, asked: Attempted, address: str, reply: object) -> None:
        self.balancer.ends(address)
        asked.over = True
        asked.replied(reply)

    def _failed(self, asked: Attempted, address: str, error: CallError) -> None:
        if address:
            self.balancer.ends(address)
            asked.tried.append(address)
        if error.kind in UNKNOWN and not asked.repeatable:
            asked.address = address
        if error.kind not in (*NOT_RUN, *UNKNOWN) or asked.attempts >= self._retry.attempts:
            self._end(asked, error)
            return
        pause_ns = self._retry.pause_ns(asked.attempts, self._stream)
        if self._endpoint.now_ns + pause_ns >= asked.until_ns:
            self._end(asked, error)
            return
        self.retries += 1
        self._endpoint.owner.call_later(pause_ns, self._go, asked)

    def _end(self, asked: Attempted, error: CallError) -> None:
        asked.over = True
        asked.failed(error)
