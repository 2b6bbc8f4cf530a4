"""One operation at a time for each client, drawn or from a script, each told as it begins and ends.

A script's operation begins at its time, or when its client is free: so a script that was made from what a run has drawn
begins every operation when that run did, and goes on meaning something when others are taken out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from feitian_sim.kernel import Simulation
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import Invoked, Returned
from feitian_sim.workloads.history_config import HistoryLoad

#: Ends an operation: its outcome (ok, fail, unknown) and result.
Ended = Callable[[str, str], None]


class Wish(NamedTuple):
    """An operation that a client is to begin."""

    op: str
    key: str
    argument: str


class Doer(Protocol):
    """What a kind of history does with a wish."""

    service: str

    def draw(self, client: int, number: int, op: str, key: str) -> str:
        """The argument of an operation that was drawn."""
        ...

    def do(self, client: int, wish: Wish, ended: Ended) -> None:
        """Begin it; ``ended`` is called once."""
        ...


class Historian:
    """The clients of one load."""

    def __init__(self, context: LoadContext, name: str, config: HistoryLoad, ratios: Any, doer: Doer) -> None:
        self._sim: Simulation = context.sim
        self._name = name
        self._config = config
        self._doer = doer
        self._weights = [(op, weight) for op, weight in ratios.model_dump().items() if weight]
        self._total = sum(weight for _, weight in self._weights)
        self._choices = [context.stream(name, f"client-{one}", "choice") for one in range(config.clients)]
        self._pauses = [context.stream(name, f"client-{one}", "think") for one in range(config.clients)]
        self._begun = [0] * config.clients
        # Operations of each client that count as done.
        self._done = [0] * config.clients
        self._scripts: list[list[Any]] = [[] for _ in range(config.clients)]
        for step in config.script or ():
            self._scripts[step.client].append(step)
        #: Operations begun and ended.
        self.begun = 0
        self.ended = 0

    @property
    def finished(self) -> bool:
        """Whether every client has done what it was to do."""
        if self._config.script is not None:
            return self.begun == self.ended and not any(self._scripts)
        return all(done >= self._config.operations for done in self._done)

    def start(self) -> None:
        """Let all clients begin."""
        for client in range(self._config.clients):
            if self._config.script is None:
                self._sim.call_at(self._config.start, self._pause, client)
            else:
                self._next_scripted(client)

    # Drawn

    def _pause(self, client: int) -> None:
        if self._done[client] < self._config.operations:
            self._sim.call_later(self._config.think.sample(self._pauses[client]), self._next_drawn, client)

    def _next_drawn(self, client: int) -> None:
        choice = self._choices[client]
        draw, which = choice.uniform() * self._total, choice.uniform()
        op = self._weights[-1][0]
        for name, weight in self._weights:
            if draw < weight:
                op = name
                break
            draw -= weight
        key = f"f{int(which * self._config.files)}"
        argument = self._doer.draw(client, self._begun[client], op, key)
        self._begin(client, Wish(op, key, argument), self._pause)

    # Scripted

    def _next_scripted(self, client: int) -> None:
        if self._scripts[client]:
            due_ns = max(self._scripts[client][0].at, self._sim.now)
            self._sim.call_at(due_ns, self._do_scripted, client)

    def _do_scripted(self, client: int) -> None:
        step = self._scripts[client].pop(0)
        self._begin(client, Wish(step.op, step.key, step.argument), self._next_scripted)

    # Both

    def _begin(self, client: int, wish: Wish, then: Callable[[int], None]) -> None:
        number = self._begun[client]
        self._begun[client] += 1
        self.begun += 1
        who = f"{self._name}-{client}"
        wanted = self._sim.facts.wants(Invoked)
        if wanted:
            self._sim.emit(Invoked(self._doer.service, self._name, who, number, wish.key, wish.op, wish.argument))

        def ended(outcome: str, result: str) -> None:
            self.ended += 1
            self._done[client] += outcome == "ok" or not self._config.until_answered
            if wanted:
                self._sim.emit(Returned(self._name, who, number, outcome, result))
            then(client)

        self._doer.do(client, wish, ended)
