"""A caller: one process with its credential, the calls that it has made, and what becomes of them.

The half of an endpoint that asks (:mod:`.endpoint` is the whole). A call is noted with its deadline before it leaves, and
ends once: by its answer, by its deadline, or by what the proxy or the operating system says of its peer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from feitian_sim.hardware import Flow, Machine
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu.calls import CallError, PendingCall
from feitian_sim.kuafu.client import Answer, Sent
from feitian_sim.kuafu.envelope import Request
from feitian_sim.kuafu.guard import Credential
from feitian_sim.kuafu.messages import wire_bytes
from feitian_sim.kuafu.reply_table import Once

if TYPE_CHECKING:
    from feitian_sim.kuafu.proxy import Proxy
    from feitian_sim.kuafu.rpc import Kuafu


class Caller:
    """One process that asks others, from ``address``, until it dies."""

    __slots__ = (
        "_kuafu",
        "_pending",
        "_presented",
        "address",
        "credential",
        "incarnation",
        "incarnations",
        "machine",
        "owner",
        "proxy",
    )

    def __init__(self, kuafu: Kuafu, owner: Owner, proxy: Proxy, address: str, credential: Credential) -> None:
        self._kuafu = kuafu
        #: Its machine's, or its own where there are none.
        self.proxy = proxy
        self.owner = owner
        self.machine: Machine = proxy.machine
        #: ``tcp://machine:port``.
        self.address = address
        #: For whom the process speaks.
        self.credential = credential
        # The capability shown for each class of messages whose resource is always the same.
        self._presented: dict[type, object | None] = {}
        self._pending: dict[int, PendingCall] = {}
        #: This process among all that ever were.
        self.incarnation = kuafu.next_incarnation()
        #: Of the processes that have answered what must run at most once, by address.
        self.incarnations: dict[str, int] = {}

    @property
    def alive(self) -> bool:
        """Whether the process that holds it lives."""
        return self.owner.alive

    @property
    def sim(self) -> Simulation:
        """The simulation that it is part of."""
        return self._kuafu.sim

    @property
    def now_ns(self) -> int:
        """The time."""
        return self._kuafu.sim.now

    @property
    def identity(self) -> str:
        """A name that no other process ever has."""
        return f"{self.address}#{self.incarnation}"

    def machine_at(self, address: str) -> Machine:
        """The machine of an address."""
        return self._kuafu.proxy_at(address).machine

    def call(
        self,
        address: str,
        message: object,
        deadline_ns: int,
        on_reply: Callable[[Any], object],
        on_error: Callable[[CallError], object],
        once: Once | None = None,
    ) -> PendingCall:
        """Send ``message``; one of the callbacks gets the end of the call, at the latest ``deadline_ns`` from now."""
        kuafu = self._kuafu
        target = kuafu.proxies_by_address.get(address) or kuafu.proxy_at(address)
        kuafu.last_number = number = kuafu.last_number + 1
        pending = PendingCall(self, number, address, target, on_reply, on_error)
        owner = self.owner
        if not owner.alive:
            return pending
        self._pending[number] = pending
        pending.within_ns = deadline_ns
        pending.deadline = owner.timer(deadline_ns, self._deadline_passed, pending)
        if kuafu.keepalive.troubled:
            kuafu.keepalive.consider(pending)
        size_bytes = wire_bytes(message)
        pending.since_ns = now_ns = kuafu.sim.now
        pending.method = method = kuafu.method_of(type(message))
        method.calls += 1
        method.sent_bytes += size_bytes
        self._send(target, address, number, message, size_bytes, now_ns, now_ns + deadline_ns, once)
        return pending

    def tell(self, address: str, message: object) -> None:
        """Send ``message`` and expect nothing: it arrives once or not at all, and nobody says which."""
        if self.owner.alive:
            kuafu = self._kuafu
            target = kuafu.proxies_by_address.get(address) or kuafu.proxy_at(address)
            size_bytes = wire_bytes(message)
            method = kuafu.method_of(type(message))
            method.told += 1
            method.sent_bytes += size_bytes
            self._send(target, address, 0, message, size_bytes, kuafu.sim.now, 0)

    def _send(
        self,
        target: Proxy,
        address: str,
        number: int,
        message: Any,
        size_bytes: int,
        now_ns: int,
        deadline_ns: int,
        once: Once | None = None,
    ) -> None:
        kuafu, proxy = self._kuafu, self.proxy
        if not proxy.alive or size_bytes > kuafu.largest:
            if number:
                self.owner.call_later(0, self.ended, number, self._cannot_leave(address, size_bytes))
            return
        side = proxy.sides.get(target.index)
        if side is None or side.connection.broken or now_ns - side.last_ns > kuafu.idle_ns:
            side = proxy.side_to(target)
        kind = type(message)
        try:
            capability = self._presented[kind]
        except KeyError:
            capability = self._present(kind, message)
        if self not in side.proofs:
            kuafu.log_in(side, self)
        side.ask(Request(side, self, address, number, message, size_bytes, deadline_ns, capability, once))

    def _present(self, kind: type, message: Any) -> object | None:
        kuafu = self._kuafu
        need = kuafu.needs.get(kind)
        if need is None:
            # Nobody serves it anywhere, so nobody could ask for a capability.
            return None
        capability = kuafu.guard.present(self.credential, need, message)
        if isinstance(need.resource, str):
            self._presented[kind] = capability
        return capability

    def renew(self, credential: Credential) -> None:
        """Speak with another credential from now on."""
        self.credential = credential
        self._presented.clear()

    def _cannot_leave(self, address: str, size_bytes: int) -> CallError:
        if not self.proxy.alive:
            return CallError("reset", address, "the proxy of this machine is down")
        largest = self._kuafu.config.largest
        return CallError("too-large", address, f"the message has {size_bytes} bytes, {largest} is the most")

    def send(self, address: str, message: object, deadline_ns: int) -> Sent:
        """The same call, to be received later: ``reply = yield endpoint.send(...).receive()``."""
        sent = Sent(self)
        self.call(address, message, deadline_ns, sent.arrived, sent.failed)
        return sent

    def ask(self, address: str, message: object, deadline_ns: int) -> Answer:
        """Send and receive: ``reply = yield endpoint.ask(...)``; raises :class:`CallFailed`."""
        return self.send(address, message, deadline_ns).receive()

    def forget(self, pending: PendingCall) -> None:
        """Drop a pending call without telling anybody."""
        if self._pending.pop(pending.number, None) is not None:
            pending.stop_timers()

    def pending_calls(self) -> list[PendingCall]:
        """The calls that this end has made and that have not ended, in order."""
        return list(self._pending.values())

    def returned(self, number: int, message: object, error: CallError | None) -> None:
        """The end of a call has come; of one that has ended before, nobody wants to know."""
        if self.owner.deferred is not None:
            self.owner.run(self.returned, number, message, error)
            return
        pending = self._pending.pop(number, None)
        if pending is None:
            return
        pending.stop_timers()
        method = pending.method
        if error is None:
            method.answered += 1
            method.latency_ns += self._kuafu.sim.now - pending.since_ns
            pending.on_reply(message)
        else:
            method.failed += 1
            pending.on_error(error)

    def ended(self, number: int, error: CallError) -> None:
        """The proxy or the operating system says that there will be no answer."""
        self.returned(number, None, error)

    def streamed(self, number: int, flow: Flow) -> None:
        """The bytes of an answer are on their way here, before the answer itself."""
        pending = self._pending.get(number)
        if pending is not None:
            pending.stream = flow

    def _deadline_passed(self, pending: PendingCall) -> None:
        if pending.moves:
            pending.deadline = self.owner.timer(pending.within_ns, self._deadline_passed, pending)
            return
        self.returned(pending.number, None, CallError("deadline", pending.address))
