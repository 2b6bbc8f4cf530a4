"""An endpoint: one process's port, where it is called, and from which it calls (:mod:`.caller`).

Everything is a callback on a slotted object; no process is started for a message. What is served says what it needs, and
the guard is asked in one place before any handler sees a message, so that no server can be written that skips it. A
request is noted as held from the moment it arrives, so that a process that dies with requests in its hands leaves its
proxy somebody to send a reset to; and a process that holds too many bytes is given no more until it has answered some.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from feitian_sim.kernel import Owner
from feitian_sim.kuafu.caller import Caller
from feitian_sim.kuafu.calls import CallError, IncomingCall
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


class Endpoint(Caller):
    """A port of a machine that one process holds until it dies."""

    __slots__ = ("_admits", "_backlog", "_handlers", "_hearers", "_held", "_held_bytes", "_needs", "_once", "_replies")

    def __init__(self, kuafu: Kuafu, owner: Owner, proxy: Proxy, address: str, credential: Credential) -> None:
        super().__init__(kuafu, owner, proxy, address, credential)
        self._handlers: dict[type, Handler] = {}
        self._hearers: dict[type, Hearer] = {}
        self._needs: dict[type, Need] = {}
        # Requests that arrived and are not answered, by the number of the call.
        self._held: dict[int, IncomingCall] = {}
        self._held_bytes = 0
        self._backlog: FairQueue | None = None
        # Whether those that waited are just being let in.
        self._admits = False
        self._once: dict[type, None] = {}
        self._replies: ReplyTable | None = None
        kuafu.guard.hold(self)

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
        elif call.has_expired:
            self.expire(call)
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
        if self._backlog and not self._admits:
            self._admit_more(self._backlog)

    def expire(self, call: IncomingCall) -> None:
        """End a call whose caller has given up: the answer would be thrown away."""
        self._kuafu.method_of(type(call.message)).expired += 1
        self.answer(call, None, CallError("deadline", self.address))

    def _admit_more(self, backlog: FairQueue) -> None:
        """Let in what there is room for. Those that have expired meanwhile end at once, however many: in a loop."""
        self._admits = True
        while backlog and (not self._held_bytes or self._held_bytes + backlog.next_size() <= self._kuafu.config.inbox):
            self._handle(backlog.pop())
        self._admits = False

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
