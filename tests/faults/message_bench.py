"""Two racks of machines with calls between them, and faults on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plain_guard import Name, PlainGuard
from pydantic import TypeAdapter

from feitian_sim.faults.config import FaultConfig
from feitian_sim.faults.recording import DeviationRecorder
from feitian_sim.faults.wiring import install
from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import MILLISECOND, SECOND, Fact, Simulation, fact
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall, Kuafu, Need

FAULT: TypeAdapter[Any] = TypeAdapter(FaultConfig)
NEED = Need("call", "test://echo")
CARD = {"machine": "r0/m0"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A request."""

    number: int
    wire_bytes: int = 256


@dataclass(frozen=True, slots=True)
class Note:
    """Something told."""

    number: int
    wire_bytes: int = 256


@fact("test.heard")
class Heard(Fact):
    """A process took something in."""

    machine: str
    what: str


class MessageBench:
    """A server on r1/m0 and one on r0/m1, a caller on r0/m0; ``seen`` is every canonical fact but those of faults."""

    def __init__(self, *faults: dict[str, Any], seed: int = 1) -> None:
        self.sim = Simulation(seed=seed)
        self.datacenter = DataCenter(self.sim, ClusterConfig(racks=2, machines_per_rack=3))
        self.network = self.datacenter.network
        self.kuafu = Kuafu(self.sim, self.datacenter, PlainGuard())
        self.recorder = DeviationRecorder(self.sim)
        self.seen: list[tuple[int, str, tuple[Any, ...]]] = []
        self.dropped: list[str] = []
        self.struck: list[tuple[int, str]] = []
        self.sim.facts.subscribe("*", self._note)
        self.sim.facts.subscribe("hardware.frame_dropped", lambda _, what: self.dropped.append(what.why))
        self.sim.facts.subscribe("faults.started", lambda at, what: self.struck.append((at, what.target)))
        self.ends: list[tuple[int, Any]] = []
        self.servers = [self._server("r1/m0"), self._server("r0/m1")]
        self.caller = self.process("r0/m0", 9000)
        install(self.sim, self.datacenter, [], [FAULT.validate_python(fault) for fault in faults])

    def _note(self, at: int, what: Fact) -> None:
        if what.canonical and not what.kind.startswith("faults."):
            self.seen.append((at, what.kind, type(what).values(what)))

    def process(self, machine: str, port: int) -> Endpoint:
        name = f"{machine}:{port}"
        return self.kuafu.endpoint(self.sim.owner(name), self.datacenter.machine(machine), port, Name(name))

    def _server(self, machine: str) -> Endpoint:
        server = self.process(machine, 7000)

        def serve(call: IncomingCall) -> None:
            self.sim.emit(Heard(machine, repr(call.message)))
            call.reply(call.message)

        server.serve(Ask, serve, NEED)
        server.hear(Note, lambda _, message: self.sim.emit(Heard(machine, repr(message))), NEED)
        return server

    def call(self, number: int, server: int = 0, caller: Endpoint | None = None) -> None:
        caller = caller or self.caller
        caller.call(self.servers[server].address, Ask(number), 100 * SECOND, self._ended, self._ended)

    def _ended(self, end: Any) -> None:
        self.ends.append((self.sim.now, end.kind if isinstance(end, CallError) else end.number))

    @property
    def results(self) -> list[Any]:
        """How calls ended, in order."""
        return [end for _, end in self.ends]

    def heard(self, what: type) -> list[int]:
        """The numbers of the requests or notes that servers took in, in order."""
        texts = [values[1] for _, kind, values in self.seen if kind == "test.heard"]
        return [int(text.split("=")[1].split(",")[0]) for text in texts if text.startswith(what.__name__)]

    def talk(self, count: int = 200, every_ns: int = 10 * MILLISECOND) -> None:
        """Calls and notes to both servers, one after the other."""
        for number in range(count):
            self.sim.call_later(number * every_ns, self.call, number, number % 2)
            self.sim.call_later(number * every_ns, self.tell, number, number % 2)

    def tell(self, number: int, server: int = 0) -> None:
        self.caller.tell(self.servers[server].address, Note(number))

    def run(self, seconds: float) -> None:
        self.sim.run_until(self.sim.now + int(seconds * SECOND))
        self.kuafu.check()
