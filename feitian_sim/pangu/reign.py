"""A reign: one master's time as the active one, from its election to its fall; drives the core (:mod:`.master`).

The core decides; this makes its effects happen. Its state came from the replicated log and its records go there, and no
answer, command or order to the operator leaves before the records that it may rest on are chosen and no other master can
have been elected (:mod:`.commit_log`). When the reign ends, by death or because another was elected, everything that it
had under way ends with it, and who waits for an answer learns that this master is no longer the one to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from feitian_sim.kernel import Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall
from feitian_sim.pangu.bundle_runner import BundleRunner
from feitian_sim.pangu.check_facts import CloneOrdered
from feitian_sim.pangu.commit_log import CommitLog
from feitian_sim.pangu.effects import Bundle, Effect, Emit, Log, Release, Reply, Send, WakeAt
from feitian_sim.pangu.master import Master
from feitian_sim.pangu.master_told import clone_ordered
from feitian_sim.pangu.messages import CloneChunk

#: What a master that is not the active one answers.
NOT_ACTIVE = "this master is not the active one"


class Reign:
    """The active master's deeds. ``epoch``: its fencing token."""

    def __init__(
        self,
        sim: Simulation,
        core: Master,
        log: CommitLog,
        endpoint: Endpoint,
        address_of: Callable[[int], str],
        bundles: BundleRunner,
        on_release: Callable[[int], object],
    ) -> None:
        self._sim = sim
        self.core = core
        self._log = log
        self._endpoint = endpoint
        self._address_of = address_of
        self._bundles = bundles
        self._on_release = on_release
        # It ends before its process does when another master is elected.
        self._owner = sim.owner(f"pangu.reign@{endpoint.machine.name}#{core.books.incarnation}")
        endpoint.owner.on_death(self._owner.kill)
        self._calls: dict[int, IncomingCall] = {}
        self._tickets = 0
        self._wake: Timer | None = None
        self._wakes_ns = 0

    @property
    def epoch(self) -> int:
        """Larger than that of any master before."""
        return self.core.books.incarnation

    def serve(self, call: IncomingCall) -> None:
        """Decide about a request."""
        self._tickets += 1
        self._calls[self._tickets] = call
        self.run(self.core.handle(self._tickets, call.message, self._sim.now))

    def end(self) -> None:
        """Another master may have been elected: leave everything."""
        self._log.end()
        self._owner.kill()
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.fail(NOT_ACTIVE)

    def run(self, effects: list[Effect] | tuple[Effect, ...]) -> None:
        """Make the core's effects happen, in order."""
        for effect in effects:
            match effect:
                case Log():
                    self._log.append(effect.record)
                    self.run(effect.then)
                case Emit():
                    self._sim.emit(effect.fact)
                case WakeAt():
                    self._wake_at(effect.time_ns)
                case Reply():
                    self._log.when_durable(partial(self._reply, effect))
                case Send():
                    if isinstance(effect.message, CloneChunk) and not effect.message.moving:
                        self._tell_clone(effect.message, effect.server)
                    self._log.when_durable(partial(self._hold, effect))
                case Release():
                    self._log.when_durable(partial(self._on_release, effect.server))
                case Bundle():
                    self._log.when_durable(partial(self._start_bundle, effect))

    def _tell_clone(self, order: CloneChunk, target: int) -> None:
        if self._sim.facts.wants(CloneOrdered):
            self._sim.emit(clone_ordered(self.core.books, order, target))

    def _reply(self, effect: Reply) -> None:
        call = self._calls.pop(effect.ticket, None)
        if call is not None:
            call.reply(effect.message)

    def _hold(self, effect: Send) -> None:
        if effect.hold_ns:
            self._owner.call_later(effect.hold_ns, self._send, effect)
        else:
            self._send(effect)

    def _send(self, effect: Send) -> None:
        def ended(reply: object) -> None:
            if self._owner.alive:
                answer = None if isinstance(reply, CallError) else reply
                self.run(self.core.answered(effect.server, effect.message, answer, self._sim.now))

        self._endpoint.call(self._address_of(effect.server), effect.message, effect.deadline_ns, ended, ended)

    def _start_bundle(self, effect: Bundle) -> None:
        self._bundles.start(effect, self._owner, self._bundle_done)

    def _bundle_done(self, number: int, failed: dict[int, None]) -> None:
        self.run(self.core.bundle_done(number, failed, self._sim.now))

    def _wake_at(self, time_ns: int) -> None:
        if self._wake is not None and self._wake.active:
            if self._wakes_ns <= time_ns:
                return
            self._wake.cancel()
        self._wakes_ns = time_ns
        self._wake = self._owner.timer(max(0, time_ns - self._sim.now), self._woken)

    def _woken(self) -> None:
        self.run(self.core.wake(self._sim.now))
