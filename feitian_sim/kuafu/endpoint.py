"""An endpoint: one process's port, from which it calls and where it is called.

Everything is a callback on a slotted object; no process is started for a message. A request is noted as
held from the moment it arrives at the port, so that a process that dies with requests in its hands (or in the
queue of its processor) leaves its operating system somebody to send a reset to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner
from feitian_sim.kuafu.calls import CallError, IncomingCall, PendingCall
from feitian_sim.kuafu.client import Answer
from feitian_sim.kuafu.messages import RESET_BYTES, wire_bytes

if TYPE_CHECKING:
    from feitian_sim.kuafu.rpc import Kuafu

Handler = Callable[[IncomingCall], object]
Hearer = Callable[[str, Any], object]


class Endpoint:
    """A port of a machine that one process holds until it dies."""

    __slots__ = ("_handlers", "_hearers", "_held", "_kuafu", "_pending", "address", "machine", "owner")

    def __init__(self, kuafu: Kuafu, owner: Owner, machine: Machine, address: str) -> None:
        self._kuafu = kuafu
        self.owner = owner
        self.machine = machine
        #: ``tcp://machine:port``.
        self.address = address
        self._handlers: dict[type, Handler] = {}
        self._hearers: dict[type, Hearer] = {}
        self._pending: dict[int, PendingCall] = {}
        # Requests that arrived and are not answered, by the number of the call.
        self._held: dict[int, IncomingCall] = {}

    @property
    def alive(self) -> bool:
        """Whether the process that holds it lives."""
        return self.owner.alive

    def serve(self, message_class: type, handler: Handler) -> None:
        """Have ``handler(call)`` called for each request of this class."""
        assert message_class not in self._handlers, f"{message_class.__name__} is served twice at {self.address}"
        self._handlers[message_class] = handler

    def call(
        self,
        address: str,
        message: object,
        deadline_ns: int,
        on_reply: Callable[[Any], object],
        on_error: Callable[[CallError], object],
    ) -> PendingCall:
        """Send ``message``; one of the callbacks gets the end of the call, at the latest ``deadline_ns`` from now."""
        target = self._kuafu.machine_at(address)
        pending = PendingCall(self, self._kuafu.next_number(), address, target, on_reply, on_error)
        if not self.owner.alive:
            return pending
        self._pending[pending.number] = pending
        pending.deadline = self.owner.timer(deadline_ns, self._deadline_passed, pending)
        if self._kuafu.keepalive.troubled:
            self._kuafu.keepalive.consider(pending)
        self._kuafu.transmit(
            self.machine, target, wire_bytes(message), self._kuafu.arrive, self, address, pending.number, message
        )
        return pending

    def tell(self, address: str, message: object) -> None:
        """Send ``message`` and expect nothing: it arrives once or not at all, and nobody says which."""
        if self.owner.alive:
            target = self._kuafu.machine_at(address)
            self._kuafu.transmit(
                self.machine, target, wire_bytes(message), self._kuafu.arrive_told, self.address, address, message
            )

    def hear(self, message_class: type, handler: Hearer) -> None:
        """Have ``handler(sender_address, message)`` called for each message of this class that is told."""
        assert message_class not in self._hearers, f"{message_class.__name__} is heard twice at {self.address}"
        self._hearers[message_class] = handler

    def ask(self, address: str, message: object, deadline_ns: int) -> Answer:
        """The same call as an event: ``reply = yield endpoint.ask(...)``; raises :class:`CallFailed`."""
        answer = Answer(self._kuafu.sim)
        self.call(address, message, deadline_ns, answer.arrived, answer.failed)
        return answer

    def forget(self, pending: PendingCall) -> None:
        """Drop a pending call without telling anybody."""
        if self._pending.pop(pending.number, None) is not None:
            pending.stop_timers()

    def pending_calls(self) -> list[PendingCall]:
        """The calls that this end has made and that have not ended, in order."""
        return list(self._pending.values())

    # As the server of a call

    def receive(self, caller: Endpoint, number: int, message: object) -> None:
        """A request has arrived at the port: hold it, charge the processor, then handle it."""
        call = IncomingCall(self, caller, number, message)
        self._held[number] = call
        self.machine.cpu.submit(self._kuafu.cpu_ns, self.owner, self._handle, call)

    def receive_told(self, sender: str, message: object) -> None:
        """A told message has arrived at the port; the processor must take it in first."""
        hearer = self._hearers.get(type(message))
        if hearer is not None:
            self.machine.cpu.submit(self._kuafu.cpu_ns, self.owner, hearer, sender, message)

    def _handle(self, call: IncomingCall) -> None:
        handler = self._handlers.get(type(call.message))
        if handler is None:
            call.fail(f"{type(call.message).__name__} is not served here")
        else:
            handler(call)

    def answer(self, call: IncomingCall, message: object, error: CallError | None) -> None:
        """Send the end of a call back to its caller."""
        assert not call.answered, f"{type(call.message).__name__} was answered twice at {self.address}"
        call.answered = True
        if self._held.pop(call.number, None) is None or not self.owner.alive:
            return
        size_bytes = wire_bytes(message if error is None else error)
        caller = call.caller
        self._kuafu.transmit(self.machine, caller.machine, size_bytes, caller.returned, call.number, message, error)

    def die(self) -> None:
        """The process is dead: drop its calls, and reset the connections of those who wait for it."""
        for pending in self._pending.values():
            pending.stop_timers()
        self._pending.clear()
        held = list(self._held.values())
        self._held.clear()
        if not self.machine.up:
            return
        for call in held:
            call.answered = True
            error = CallError("reset", self.address)
            self._kuafu.transmit(self.machine, call.caller.machine, RESET_BYTES, call.caller.ended, call.number, error)

    # As the caller

    def returned(self, number: int, message: object, error: CallError | None) -> None:
        """An answer has arrived at this machine; the processor must take it in first."""
        if number in self._pending:
            self.machine.cpu.submit(self._kuafu.cpu_ns, self.owner, self._end, number, message, error)

    def ended(self, number: int, error: CallError) -> None:
        """The operating system at the other end, or the one here, says that there will be no answer."""
        self._end(number, None, error)

    def _deadline_passed(self, pending: PendingCall) -> None:
        self._end(pending.number, None, CallError("deadline", pending.address))

    def _end(self, number: int, message: object, error: CallError | None) -> None:
        pending = self._pending.pop(number, None)
        if pending is None:
            return
        pending.stop_timers()
        if error is None:
            pending.on_reply(message)
        else:
            pending.on_error(error)
