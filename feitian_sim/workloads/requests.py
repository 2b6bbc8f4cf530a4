"""``requests``: open arrivals at one machine's cores, a queue with c servers.

With Poisson arrivals and exponential service this is M/M/c, whose mean wait is known in closed form (Erlang C);
a validation scenario compares.
"""

from __future__ import annotations

from feitian_sim.workloads.arrival import Arrivals
from feitian_sim.workloads.config import RequestsLoad
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import RequestServed


class RequestQueue:
    """One stream of requests; each that was served is a ``hardware.request`` fact."""

    def __init__(self, config: RequestsLoad, name: str) -> None:
        self.config = config
        self.name = name
        self.arrived = 0
        self.served = 0

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._sim = context.sim
        self._machine = context.datacenter.machine(self.config.machine)
        self._owner = context.sim.owner(f"load.{self.name}")
        self._service = context.stream(self.name, "arrivals", "service")
        self._arrivals = Arrivals(
            self.config.arrival, self.config.start, context.stream(self.name, "arrivals", "arrival")
        )

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        self._schedule()

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        if self.served <= self.arrived:
            return []
        return [f"load {self.name}: {self.served} requests served, but only {self.arrived} arrived"]

    def _schedule(self) -> None:
        config = self.config
        if config.limit is not None and self._arrivals.number >= config.limit:
            return
        time_ns = self._arrivals.next_ns()
        if config.stop is None or time_ns < config.stop:
            self._sim.call_at(time_ns, self._arrive)

    def _arrive(self) -> None:
        self.arrived += 1
        service_ns = self.config.service.sample(self._service)
        self._machine.cpu.submit(service_ns, self._owner, self._served, self._sim.now, service_ns)
        self._schedule()

    def _served(self, arrived_ns: int, service_ns: int) -> None:
        self.served += 1
        waited_ns = self._sim.now - arrived_ns - service_ns
        self._sim.emit(RequestServed(self._machine.name, arrived_ns, waited_ns, service_ns))
