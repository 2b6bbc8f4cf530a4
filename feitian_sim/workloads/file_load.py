"""Loads of Pangu clients: ``write``, ``read``, ``append`` and ``mix``, open or closed.

A closed load is N processes, each of which does one operation after another. An open load starts a process for
each arrival, whether or not earlier ones have ended; beyond ``max_in_flight`` arrivals are dropped and counted, so
that an overloaded system shows as drops and not as an endless queue in the simulator's memory. Clients are spread
over the client machines in turn.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from feitian_sim.kernel import SECOND, SimulatedError, Simulation
from feitian_sim.workloads.arrival import Arrivals
from feitian_sim.workloads.cell import FileClient
from feitian_sim.workloads.config import AppendLoad, ReadLoad, WriteLoad
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import OperationDropped
from feitian_sim.workloads.files import Files, OwnFiles
from feitian_sim.workloads.operations import FileLoadConfig, Operations, Planned, part_of
from feitian_sim.workloads.popularity import Chooser

Steps = Generator[Any, Any, None]
#: A client whose operation failed at the very instant waits so long, lest refusals stop the clock.
_BREATH_NS = SECOND


class FileLoad:
    """One load of Pangu clients."""

    def __init__(self, config: FileLoadConfig, name: str) -> None:
        self.config = config
        self.name = name
        self.begun = 0
        self.succeeded = 0
        self.failed = 0
        self.dropped = 0
        self._reported = 0
        self._choosers: dict[str, Chooser] = {}

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._context = context
        self._sim: Simulation = context.sim
        self._cell = context.needed_cell(self.name)
        self._machines = context.datacenter.client_machines
        self._written: OwnFiles = context.own_files(self.name)
        # What others may read over: of a mix the files that it writes.
        appends_alone = isinstance(self.config, AppendLoad)
        self._appended = self._written if appends_alone else OwnFiles(self._sim)
        self._sim.facts.subscribe("pangu.operation", self._note_report)
        over = getattr(self.config, "over", None)
        self._read: Files | None = None if over is None else context.files(self.name, over)
        popularity = getattr(self.config, "popularity", None)
        if popularity is not None:
            self._choosers = {op: Chooser(popularity) for op in ("read", "append")}

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        self._sim.call_at(self.config.start, self._begin)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`: what was asked adds up, and each success was reported by its client."""
        problems = []
        limit = self.config.limit
        if self.in_flight < 0 or (limit is not None and self.begun + self.dropped > limit):
            problems.append(
                f"load {self.name}: {self.begun} begun, {self.succeeded} succeeded, {self.failed} failed, "
                f"{self.dropped} dropped do not add up"
            )
        if self._reported < self.succeeded:
            problems.append(
                f"load {self.name}: {self.succeeded} operations succeeded, but only {self._reported} pangu.operation "
                "facts say so"
            )
        return problems

    def _note_report(self, _time_ns: int, operation: Any) -> None:
        if operation.load == self.name and operation.ok:
            self._reported += 1

    @property
    def in_flight(self) -> int:
        """Operations that have begun and not ended."""
        return self.begun - self.succeeded - self.failed

    def _begin(self) -> None:
        if not isinstance(self.config, (WriteLoad, ReadLoad)) and self._appends():
            self._sim.process(self._make_files(self.config.files))
        clients = self.config.client_count(len(self._context.datacenter.machines))
        if clients is not None:
            for number in range(clients):
                self._sim.process(self._client_loop(number, self.config.ramp * number // clients))
        else:
            self._open()

    def _appends(self) -> bool:
        ratios = getattr(self.config, "ratios", None)
        return ratios is None or bool(ratios.append)

    def _client(self, number: int) -> FileClient:
        machine = self._machines[number % len(self._machines)]
        return self._cell.client(machine, f"{self.name}-{number}", load=self.name)

    def _operations(self, entity: str) -> Operations:
        return Operations(self.config, lambda purpose: self._context.stream(self.name, entity, purpose))

    def _make_files(self, count: int) -> Steps:
        client = self._cell.client(self._machines[0], f"{self.name}-setup", load=self.name)
        for number in range(count):
            path = f"/{self.name}/log-{number}"
            while True:
                began_ns = self._sim.now
                try:
                    yield from client.create(path)
                    break
                except SimulatedError:
                    # Without its file an append load is nothing: a master that is away is waited for.
                    yield self._sim.timeout(_BREATH_NS if self._sim.now == began_ns else 0)
            self._appended.add(path, 0)

    # --- closed -----------------------------------------------------------------------------------

    def _client_loop(self, number: int, after_ns: int) -> Steps:
        if after_ns:
            yield self._sim.timeout(after_ns)
        client = self._client(number)
        operations = self._operations(f"client-{number}")
        think = self.config.think
        pauses = self._context.stream(self.name, f"client-{number}", "think")
        serial = 0
        while self._may_begin():
            planned = operations.next()
            if not self._files_for(planned):
                yield self._waited_for(planned)
                if not self._may_begin():
                    return
            began_ns, failed = self._sim.now, self.failed
            yield from self._operation(client, planned, f"c{number}-{serial}")
            serial += 1
            if self.failed > failed and self._sim.now == began_ns:
                yield self._sim.timeout(_BREATH_NS)
            pause_ns = 0 if think is None else think.sample(pauses)
            if pause_ns:
                yield self._sim.timeout(pause_ns)

    def _may_begin(self) -> bool:
        config = self.config
        in_time = config.stop is None or self._sim.now < config.stop
        return in_time and (config.limit is None or self.begun < config.limit)

    # --- open -------------------------------------------------------------------------------------

    def _open(self) -> None:
        assert self.config.arrival is not None, self.config
        self._arrivals = Arrivals(
            self.config.arrival, self._sim.now, self._context.stream(self.name, "arrivals", "arrival")
        )
        self._open_operations = self._operations("arrivals")
        self._open_clients = [self._client(number) for number in range(len(self._machines))]
        self._schedule_arrival()

    def _schedule_arrival(self) -> None:
        config = self.config
        if config.limit is not None and self._arrivals.number >= config.limit:
            return
        number = self._arrivals.number
        time_ns = self._arrivals.next_ns()
        if config.stop is None or time_ns < config.stop:
            self._sim.call_at(time_ns, self._arrive, number)

    def _arrive(self, number: int) -> None:
        planned = self._open_operations.next()
        why = ""
        if self.in_flight >= self.config.max_in_flight:
            why = f"{self.in_flight} operations were in flight"
        elif not self._files_for(planned):
            why = "there was no file yet"
        if why:
            self.dropped += 1
            self._sim.emit(OperationDropped(self.name, number, planned.op, why))
        else:
            client = self._open_clients[number % len(self._open_clients)]
            self._sim.process(self._operation(client, planned, f"a{number}"))
        self._schedule_arrival()

    # --- one operation ----------------------------------------------------------------------------

    def _operation(self, client: FileClient, planned: Planned, name: str) -> Steps:
        self.begun += 1
        try:
            yield from self._carry_out(client, planned, name)
        except SimulatedError:
            self.failed += 1
        else:
            self.succeeded += 1

    def _carry_out(self, client: FileClient, planned: Planned, name: str) -> Steps:
        if planned.op == "write":
            assert planned.size_bytes is not None, planned
            path = f"/{self.name}/{name}"
            yield from client.write_file(path, planned.size_bytes, getattr(self.config, "write_size", None))
            self._written.add(path, planned.size_bytes)
            return
        files = self._files_of(planned)
        position = self._choosers[planned.op].position(planned.file_uniform, files.count())
        if planned.op == "append":
            assert planned.size_bytes is not None, planned
            yield from client.append(files.path(position), planned.size_bytes)
            return
        offset, length = part_of(planned, files.size_bytes(position))
        yield from client.read_file(files.path(position), offset, length)

    def _files_of(self, planned: Planned) -> Files:
        if planned.op == "append":
            return self._appended
        assert self._read is not None, planned
        return self._read

    def _files_for(self, planned: Planned) -> bool:
        return planned.op == "write" or self._files_of(planned).count() > 0

    def _waited_for(self, planned: Planned) -> Any:
        return self._files_of(planned).more()
