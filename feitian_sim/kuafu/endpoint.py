"""An endpoint: one process's port, from which it calls and where it is called.

Everything is a callback on a slotted object; no process is started for a message. What is served says what it needs, and
the guard is asked in one place before any handler sees a message, so that no server can be written that skips it. A
request is noted as held from the moment it arrives, so that a process that dies with requests in its hands leaves its
proxy somebody to send a reset to; and a process that holds too many bytes is given no more until it has answered some.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from feitian_sim.hardware import Flow, Machine
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu.calls import CallError, IncomingCall, PendingCall
from feitian_sim.kuafu.client import Answer, Sent
from feitian_sim.kuafu.envelope import Request, Response
from feitian_sim.kuafu.facts import AnsweredAgain
from feitian_sim.kuafu.fair_queue import FairQueue
from feitian_sim.kuafu.guard import Credential, Need
from feitian_sim.kuafu.messages import RESET_BYTES, wire_bytes
from feitian_sim.kuafu.reply_table import Once, ReplyTable

if TYPE_CHECKING:
    from feitian_sim.kuafu.proxy import Proxy
    from feitian_sim.kuafu.rpc import Kuafu

Handler = Callable[[IncomingCall], object]
Hearer = Callable[[str, Any], object]


class Endpoint:
    """A port of a machine that one process holds until it dies."""

    __slots__ = (
        "_backlog",
        "_handlers",
        "_hearers",
        "_held",
        "_held_bytes",
        "_kuafu",
        "_needs",
        "_once",
        "_pending",
        "_presented",
        "_replies",
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
        self._handlers: dict[type, Handler] = {}
        self._hearers: dict[type, Hearer] = {}
        self._needs: dict[type, Need] = {}
        # The capability shown for each class of messages whose resource is always the same.
        self._presented: dict[type, object | None] = {}
        self._pending: dict[int, PendingCall] = {}
        # Requests that arrived and are not answered, by the number of the call.
        self._held: dict[int, IncomingCall] = {}
        self._held_bytes = 0
        self._backlog: FairQueue | None = None
        #: This process among all that ever were.
        self.incarnation = kuafu.next_incarnation()
        #: Of the processes that have answered what must run at most once, by address.
        self.incarnations: dict[str, int] = {}
        self._once: dict[type, None] = {}
        self._replies: ReplyTable | None = None
        kuafu.guard.hold(self)

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

    def serve(self, message_class: type, handler: Handler, needs: Need, *, once: bool = False) -> None:
        """Have ``handler(call)`` called for each request of this class that the guard lets through.

        ``once``: a request that comes again under the same id is answered again, and not done again.
        """
        assert message_class not in self._handlers, f"{message_class.__name__} is served twice at {self.address}"
        self._handlers[message_class] = handler
        if once:
            self._once[message_class] = None
            if self._replies is None:
                self._replies = ReplyTable(self.incarnation, self.answer)
        self._need(message_class, needs)

    def hear(self, message_class: type, handler: Hearer, needs: Need) -> None:
        """Have ``handler(sender_address, message)`` called for each told message of this class, if the guard agrees."""
        assert message_class not in self._hearers, f"{message_class.__name__} is heard twice at {self.address}"
        self._hearers[message_class] = handler
        self._need(message_class, needs)

    def _need(self, message_class: type, needs: Need) -> None:
        assert isinstance(needs, Need), f"{message_class.__name__} is served without saying what it needs"
        self._needs[message_class] = needs
        self._kuafu.needs[message_class] = needs

    # As the caller

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

    @property
    def is_calling(self) -> bool:
        """Whether any call that this end has made has not ended."""
        return bool(self._pending)

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

    # As the server of a call

    def receive(self, request: Request) -> None:
        """A message has arrived at the port: ask the guard, then handle it."""
        if self.owner.deferred is not None:
            # It lies in the socket until the process reads on.
            self.owner.run(self.receive, request)
            return
        kuafu, message = self._kuafu, request.message
        kind = type(message)
        need = self._needs.get(kind)
        if need is None:
            if request.number:
                error = CallError("remote", self.address, f"{kind.__name__} is not served here")
                self._end(request, None, error)
            return
        side, caller = request.side, request.caller
        if caller not in side.known:
            reason = kuafu.authenticate(side, caller, self.machine)
            if reason:
                self._deny(request, reason)
                return
        resource = need.resource
        if not isinstance(resource, str):
            resource = resource(message)
        check, subject = kuafu.guard.check, caller.credential.subject
        verdict = check(self.machine.name, subject, request.capability, need.permission, resource)
        if need.also is not None and not verdict.reason:
            also = need.also
            verdict = check(self.machine.name, subject, request.capability, also.permission, also.of(message))
        if verdict.reason:
            self._deny(request, verdict.reason)
        elif verdict.cpu_ns > kuafu.inline_ns:
            self.machine.cpu.submit(verdict.cpu_ns, self.owner, self._admit, request)
        else:
            self._admit(request)

    def _deny(self, request: Request, reason: str) -> None:
        if request.number:
            self._end(request, None, CallError("denied", self.address, reason))

    def _admit(self, request: Request) -> None:
        if not request.number:
            hearer = self._hearers.get(type(request.message))
            if hearer is not None:
                hearer(request.caller.address, request.message)
            return
        if self._held_bytes and self._held_bytes + request.size_bytes > self._kuafu.inbox_bytes:
            if self._backlog is None:
                self._backlog = FairQueue(self._kuafu.config.quantum)
            self._backlog.push(request.side, request.size_bytes, request)
        else:
            self._handle(request)

    def _handle(self, request: Request) -> None:
        call = IncomingCall(self, request)
        self._held[request.number] = call
        self._held_bytes += request.size_bytes
        handler = self._handlers.get(type(request.message))
        if handler is None:
            call.fail(f"{type(request.message).__name__} is only heard here")
        elif request.deadline_ns <= self._kuafu.sim.now:
            # Its caller has given up: the answer would be thrown away.
            self._kuafu.method_of(type(request.message)).expired += 1
            self.answer(call, None, CallError("deadline", self.address))
        elif request.once is None or self._is_new(call, request.once):
            handler(call)

    def _is_new(self, call: IncomingCall, once: Once) -> bool:
        """Whether a request that must not run twice has not run here yet."""
        if self._replies is None or type(call.message) not in self._once:
            return True
        is_new = self._replies.admit(call, once, self._kuafu.sim.now)
        if not is_new and self.sim.facts.wants(AnsweredAgain):
            self.sim.emit(AnsweredAgain(self.address, call.sender))
        return is_new

    def answer(self, call: IncomingCall, message: object, error: CallError | None) -> None:
        """Send the end of a call back to its caller."""
        assert not call.answered, f"{type(call.message).__name__} was answered twice at {self.address}"
        call.answered = True
        request = call.request
        if self._held.pop(request.number, None) is None or not self.owner.alive:
            return
        self._held_bytes -= request.size_bytes
        self._end(request, message, error)
        if request.once is not None and self._replies is not None:
            self._replies.ended(request.once, message, error)
        while self._backlog and (
            not self._held_bytes or self._held_bytes + self._backlog.next_size() <= self._kuafu.config.inbox
        ):
            self._handle(self._backlog.pop())

    def _end(self, request: Request, message: object, error: CallError | None) -> None:
        if not request.side.connection.broken:
            size_bytes = wire_bytes(message) if error is None else RESET_BYTES + len(error.text)
            request.side.other.answer(Response(request, message, error, size_bytes, self.incarnation))

    def die(self) -> None:
        """The process is dead: drop its calls, and reset those of who waits for it."""
        for pending in self._pending.values():
            pending.stop_timers()
        self._pending.clear()
        held = [call.request for call in self._held.values()]
        held += self._backlog.clear() if self._backlog is not None else []
        for call in self._held.values():
            call.answered = True
        self._held.clear()
        self._held_bytes = 0
        if not self.machine.up or not self.proxy.alive:
            return
        for request in held:
            self._end(request, None, CallError("reset", self.address))

    @property
    def held_bytes(self) -> int:
        """Bytes of requests that the process has and has not answered."""
        return self._held_bytes
