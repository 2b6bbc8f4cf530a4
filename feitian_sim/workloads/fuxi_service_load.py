"""A load of requests to a service of Fuxi: closed or open, each to a key, asked again until the key's owner answers.

Client processes share the requests; each keeps a partition table and looks again when it was wrong. Nothing of a request
is a process: a choice of the key, a few callbacks, one fact at its end.
"""

from __future__ import annotations

from functools import partial

from feitian_sim.fuxi.messages import Submitted
from feitian_sim.fuxi.service.client import ServiceClient
from feitian_sim.hardware import Machine
from feitian_sim.kernel import Owner, ScenarioError, Simulation
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.wiring import NuwaCell
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.fuxi_facts import ServiceAccount, ServiceRequest
from feitian_sim.workloads.fuxi_service_config import FuxiServiceLoad
from feitian_sim.workloads.pace import Ended, Pace
from feitian_sim.workloads.popularity import Chooser


class FuxiService:
    """One load: a service, and those who use it."""

    def __init__(self, config: FuxiServiceLoad, name: str) -> None:
        self.config = config
        self.name = name

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        config = self.config
        self._sim: Simulation = context.sim
        fuxi = context.needed_fuxi(self.name)
        nuwa = context.needed_nuwa(self.name)
        services = context.needed_services(self.name)
        of = config.service.partitions
        assert of is not None, "the configuration has looked"
        self._bounds = [of.keys * place // of.count for place in range(of.count + 1)]
        self._chooser = Chooser(config.popularity)
        self._draws = context.stream(self.name, "requests", "key")
        machines = context.datacenter.client_machines or context.datacenter.machines
        self._submitter = fuxi.client(machines[0], config.service.user)
        user = services.identities.user(config.service.user)
        self._clients: list[ServiceClient] = []
        for number in range(config.processes):
            machine = machines[number % len(machines)]
            owner = self._sim.owner(f"load.{self.name}.{number}")
            endpoint = services.kuafu.endpoint(owner, machine, context.ports(1), user)
            session = partial(self._session, nuwa, owner, machine, number)
            self._clients.append(ServiceClient(endpoint, session, config.service.name, fuxi.config.services.client))
        self._pace = Pace.of(context, self.name, self._begin, config)
        self._sim.final_probes.append(self._tell)

    def _session(self, nuwa: NuwaCell, owner: Owner, machine: Machine, number: int, session: int) -> NuwaClient:
        return nuwa.client(owner, machine, f"{self.name}-{number}.{session}", first=number)

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        self._sim.call_at(self.config.start, self._submit)
        self._sim.call_at(self.config.start + self.config.warm, self._pace.start)

    def _submit(self) -> None:
        service = self.config.service
        self._submitter.submit(service.name, "service", service, self._submitted, group=service.group)

    def _submitted(self, answer: object) -> None:
        if not isinstance(answer, Submitted):
            raise ScenarioError(f"load {self.name}: the service {self.config.service.name} is refused: {answer}")

    def _begin(self, worker: int, ended: Ended) -> None:
        config, draws = self.config, self._draws
        place = self._chooser.position(draws.uniform(), len(self._bounds) - 1)
        low, high = self._bounds[place], self._bounds[place + 1]
        key = min(low + int(draws.uniform() * (high - low)), high - 1)
        write = draws.uniform() < config.writes
        done = partial(self._ended, place, write, self._sim.now, ended)
        client = self._clients[worker % len(self._clients)]
        client.ask(key, done, write=write, size_bytes=config.request_size, within_ns=config.deadline)

    def _ended(self, place: int, write: bool, start_ns: int, ended: Ended, ok: bool, tries: int) -> None:
        self._sim.emit(ServiceRequest(self.name, place, write, start_ns, tries, ok))
        ended(ok)

    def _tell(self) -> None:
        pace = self._pace
        retries = sum(client.retries for client in self._clients)
        reads = sum(client.reads for client in self._clients)
        self._sim.emit(ServiceAccount(self.name, pace.begun, pace.succeeded, pace.failed, pace.in_flight, retries, reads))

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        return self._pace.check()
