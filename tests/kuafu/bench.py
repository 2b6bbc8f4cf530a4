"""A few machines with processes that call each other, for tests of Kuafu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plain_guard import Name, PlainGuard

from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import SECOND, Owner, Simulation
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall, Kuafu, KuafuConfig, Need

NEED = Need("call", "test://echo")


@dataclass(frozen=True, slots=True)
class Echo:
    """A request that weighs something."""

    number: int
    wire_bytes: int = 256


class Bench:
    """Machines r0/m0 ... r1/m2 with Kuafu between them; ``ends`` collects how calls ended, with the time."""

    def __init__(self, **config: Any) -> None:
        self.sim = Simulation(seed=3)
        self.datacenter = DataCenter(self.sim, ClusterConfig(racks=2, machines_per_rack=3))
        self.guard = PlainGuard()
        self.kuafu = Kuafu(self.sim, self.datacenter, self.guard, KuafuConfig.model_validate(config))
        self.ends: list[tuple[int, Any]] = []
        self.owners: dict[str, Owner] = {}

    def process(self, machine: str, port: int, name: str = "") -> Endpoint:
        """A process at a port."""
        name = name or f"{machine}:{port}"
        owner = self.owners[name] = self.sim.owner(name)
        return self.kuafu.endpoint(owner, self.datacenter.machine(machine), port, Name(name))

    def echo(self, machine: str, port: int = 7000, *, after_ns: int = 0, once: bool = False) -> Endpoint:
        """A server that gives back what it is sent, a little later."""
        server = self.process(machine, port)

        def serve(call: IncomingCall) -> None:
            self.sim.call_later(after_ns, self._reply, call)

        server.serve(Echo, serve, NEED, once=once)
        return server

    @staticmethod
    def _reply(call: IncomingCall) -> None:
        if not call.answered:
            call.reply(call.message)

    def call(self, caller: Endpoint, address: str, message: object, deadline_ns: int = 100 * SECOND) -> None:
        caller.call(address, message, deadline_ns, self.ended, self.ended)

    def ended(self, end: Any) -> None:
        """Note an end."""
        self.ends.append((self.sim.now, end.kind if isinstance(end, CallError) else end))

    @property
    def results(self) -> list[Any]:
        """How calls ended, in order."""
        return [end for _, end in self.ends]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.sim.run_until(self.sim.now + int(seconds * SECOND))
        self.kuafu.check()
