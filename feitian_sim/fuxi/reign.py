"""One reign: the elected FuxiMaster's deeds, until it dies or is deposed.

It carries out what the core decides. A request waits for one of a few threads and takes processor time, unless its caller
has given up by then; what the core wants to say at one instant is gathered and sent at its end, so that a machine or an
application gets one message for all of it. Hard state is written before anybody is answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from feitian_sim.fuxi.check_facts import GroupCharged
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.facts import Decided, Decisions, MasterReady, UnitsGranted
from feitian_sim.fuxi.hard_records import HardRecord
from feitian_sim.fuxi.hard_state import Writer
from feitian_sim.fuxi.master import Master
from feitian_sim.fuxi.master_effects import Effect, Emit, Keep, Refuse, Reply, Send
from feitian_sim.fuxi.messages import NOT_SERVING, AskStatus, Demand, Ended, News, Register, Submit
from feitian_sim.fuxi.showing import tell_what_waits
from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner, Simulation, Timer
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall

#: Requests that may lead to grants.
_DECIDING = (Demand, Register, Submit, Ended)


class Reign:
    """The elected FuxiMaster's. ``stand_down()`` when Nuwa no longer takes its word."""

    def __init__(
        self,
        sim: Simulation,
        machine: Machine,
        owner: Owner,
        endpoint: Endpoint,
        core: Master,
        writer: Writer,
        config: FuxiConfig,
        elected_ns: int,
        stand_down: Callable[[], object],
    ) -> None:
        self._sim = sim
        self._machine = machine
        self._endpoint = endpoint
        self.core = core
        self._writer = writer
        self._config = config
        self._elected_ns = elected_ns
        self._stand_down = stand_down
        # It ends before its process does when another is elected.
        self._owner = sim.owner(f"fuxi.reign@{machine.name}#{core.books.epoch}")
        self._end_with = self._owner.kill
        owner.on_death(self._end_with)
        self._process = owner
        self._calls: dict[int, tuple[IncomingCall, int]] = {}
        self._tickets = 0
        self._queue: deque[int] = deque()
        self._busy = 0
        self._flushing = False
        self._told_ready = False
        self._wake: Timer | None = None
        self._decided = self._decided_ns = self._longest_ns = 0

    @property
    def epoch(self) -> int:
        """Its number: larger than that of any reign before."""
        return self.core.books.epoch

    @property
    def is_paused(self) -> bool:
        """Whether its process is stopped for a while."""
        return self._process.paused

    def begin(self) -> None:
        """Serve from now on."""
        self.core.books.tell_grants = self._sim.facts.wants(UnitsGranted)
        self.core.books.is_checked = self._sim.facts.wants(GroupCharged)
        self._arm_wake()
        every_ns = self._config.schedule.adjust_every
        self._owner.call_later(every_ns - self._sim.now % every_ns, self._adjust)

    def end(self) -> None:
        """Another may have been elected: leave everything."""
        self._process.forget_death(self._end_with)
        self._owner.kill()
        calls, self._calls = self._calls, {}
        if not self._process.alive:
            # The dead say nothing: who waits for an answer is told by the system.
            return
        for call, _ in calls.values():
            call.fail(NOT_SERVING)

    # Requests

    def serve(self, call: IncomingCall) -> None:
        """A request has arrived: it waits for its turn."""
        self._tickets += 1
        self._calls[self._tickets] = (call, self._sim.now)
        self._queue.append(self._tickets)
        self._work()

    def _work(self) -> None:
        config = self._config
        while self._queue and self._busy < config.decisions_at_once:
            ticket = self._queue.popleft()
            call, _ = self._calls[ticket]
            if call.has_expired:
                # It was sent again meanwhile: who works through what nobody waits for never catches up.
                del self._calls[ticket]
                call.expire()
                continue
            message = call.message
            self._busy += 1
            cost_ns = config.message
            if isinstance(message, _DECIDING):
                cost_ns = config.decision
            elif isinstance(message, News) and message.freed:
                cost_ns = config.offer
            self._machine.cpu.submit(cost_ns, self._owner, self._decide, ticket)

    def _decide(self, ticket: int) -> None:
        self._busy -= 1
        call, arrived_ns = self._calls[ticket]
        message = call.message
        self._note(type(message).__name__, self._sim.now - arrived_ns)
        if isinstance(message, AskStatus) and message.until_ended:
            # Its caller is not left without an answer: it would think the worst.
            left_ns = max(0, call.deadline_ns - self._sim.now - self._config.watch_margin)
            self._owner.call_later(left_ns, self._hurry, ticket, message)
        self.run(self.core.handle(ticket, message, call.subject, self._sim.now))
        self._work()

    def _hurry(self, ticket: int, message: AskStatus) -> None:
        if ticket in self._calls:
            self.run(self.core.hurry(ticket, message))

    def _note(self, request: str, latency_ns: int) -> None:
        self._decided += 1
        self._decided_ns += latency_ns
        self._longest_ns = max(self._longest_ns, latency_ns)
        if self._sim.facts.wants(Decided):
            self._sim.emit(Decided(request, latency_ns))

    def waiting_news(self) -> set[tuple[str, int]]:
        """The news, by machine and number, that have arrived and not had their turn."""
        messages = [call.message for call, _ in self._calls.values()]
        return {(message.machine, message.seq) for message in messages if isinstance(message, News)}

    def sample(self) -> None:
        """Say what was decided since the last time."""
        self._sim.emit(Decisions(self._decided, self._decided_ns, self._longest_ns))
        self._decided = self._decided_ns = self._longest_ns = 0

    # Effects

    def run(self, effects: list[Effect]) -> None:
        """Make the core's effects happen, in order."""
        for effect in effects:
            match effect:
                case Reply() | Refuse():
                    self._answer(effect)
                case Send():
                    self._send(effect)
                case Emit():
                    self._sim.emit(effect.fact)
                case Keep():
                    self._writer.write(effect.record, partial(self._written, effect.record))
        if not self._flushing and self.core.books.has_messages:
            self._flushing = True
            self._owner.call_later(0, self._flush)
        if self.core.settled and not self._told_ready:
            self._told_ready = True
            rebuild_ns = self._sim.now - self._elected_ns
            self._sim.emit(MasterReady(self._machine.name, self.epoch, rebuild_ns, self.core.heard_at_settling))

    def _answer(self, effect: Reply | Refuse) -> None:
        entry = self._calls.pop(effect.ticket, None)
        if entry is None:
            return
        if isinstance(effect, Reply):
            entry[0].reply(effect.message)
        else:
            entry[0].fail(effect.why)

    def _flush(self) -> None:
        self._flushing = False
        self.run(self.core.messages())

    def _send(self, effect: Send) -> None:
        self._endpoint.call(
            effect.address,
            effect.message,
            self._config.call,
            partial(self._ended, effect),
            partial(self._not_answered, effect),
        )

    def _ended(self, effect: Send, reply: object) -> None:
        if self._owner.alive:
            self.run(self.core.answered(effect, reply, self._sim.now))  # type: ignore[arg-type]

    def _not_answered(self, effect: Send, _: CallError) -> None:
        self._owner.call_later(self._config.retry, self._ended, effect, None)

    def _written(self, record: HardRecord, error: str) -> None:
        if not self._owner.alive:
            return
        if not error:
            self.run(self.core.kept(record, self._sim.now))
        elif error == "too-large":
            self.run(self.core.not_kept(record, "its description is too large"))
        else:
            # Its session is over, or nearly: somebody else may have been elected.
            self._stand_down()

    # Time

    def _arm_wake(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
        due_ns = self.core.next_wake_ns(self._sim.now)
        if due_ns is not None:
            self._wake = self._owner.timer(max(0, due_ns - self._sim.now), self._woken)

    def _woken(self) -> None:
        self.run(self.core.wake(self._sim.now))
        self._arm_wake()

    def _adjust(self) -> None:
        self._owner.call_later(self._config.schedule.adjust_every, self._adjust)
        self.run(self.core.adjust(self._sim.now))
        if self.core.books.is_checked and self.core.settled:
            tell_what_waits(self._sim, self.core.books)

    def elide(self, index: int, elided: bool) -> None:
        """A machine is heard without events from now on, or again only with them."""
        self.core.elide(index, elided)
        if not elided:
            self._arm_wake()
