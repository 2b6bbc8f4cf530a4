"""A whole small cell for tests of services: machines, Nuwa, Fuxi, clients that ask; and what must hold at any instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plain_guard import PlainGuard

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.service.application import ServiceApplication
from feitian_sim.fuxi.service.cell import ServiceCell
from feitian_sim.fuxi.service.client import ServiceClient
from feitian_sim.fuxi.service.description import ServiceDescription
from feitian_sim.fuxi.service.facts import PartitionLoaded, PartitionStored, PartitionUnloaded
from feitian_sim.fuxi.service.service_server import ServiceServer
from feitian_sim.fuxi.wiring import FuxiCell
from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import MILLISECOND, SECOND, FactTables, Simulation
from feitian_sim.kuafu import Kuafu
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.wiring import NuwaCell

KEYS = 6000


def described(**changes: Any) -> ServiceDescription:
    """Four workers, six partitions of six thousand keys."""
    partitions = {"keys": KEYS, "count": 6, "load": "200ms", **changes.pop("partitions", {})}
    server = {"instances": 4, "resources": {"cpu": 2}, **changes.pop("server", {})}
    roles = {"server": server}
    return ServiceDescription.model_validate({"name": "kv", "roles": roles, "partitions": partitions, **changes})


class Owners:
    """Who serves what, by the facts: a key never has two, and what is stored has tokens that only grow."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.served: dict[tuple[int, int], tuple[int, int, int, str]] = {}
        self.log: list[tuple[int, str, int, int, int]] = []
        self.newest = [0] * KEYS
        self.paused: dict[int, None] = {}
        sim.facts.subscribe(PartitionLoaded, self._loaded)
        sim.facts.subscribe(PartitionUnloaded, self._unloaded)
        sim.facts.subscribe(PartitionStored, self._stored)

    def _loaded(self, now_ns: int, fact: Any) -> None:
        for (partition, token), (low, high, worker, _) in self.served.items():
            if worker not in self.paused:
                assert high <= fact.low or fact.high <= low, f"{fact} beside {partition}/{token} of {worker}"
        key = fact.partition, fact.token
        self.served[key] = (fact.low, fact.high, fact.worker, fact.machine)
        self.log.append((now_ns, "loaded", fact.partition, fact.worker, fact.token))

    def _unloaded(self, now_ns: int, fact: Any) -> None:
        del self.served[fact.partition, fact.token]
        self.log.append((now_ns, fact.why, fact.partition, fact.worker, fact.token))

    def _stored(self, _: int, fact: Any) -> None:
        newest = max(self.newest[fact.low : fact.high])
        assert fact.token >= newest, f"{fact} after {newest}"
        self.newest[fact.low : fact.high] = [fact.token] * (fact.high - fact.low)

    def whole(self) -> bool:
        """Whether every key is served."""
        at = 0
        for low, high, _, _ in sorted(self.served.values()):
            if low != at:
                return False
            at = high
        return at == KEYS


class ServiceBench:
    """Four racks of three machines with eight cores, and one service."""

    def __init__(
        self,
        *,
        seed: int = 1,
        service: ServiceDescription | None = None,
        services: dict[str, Any] | None = None,
        fuxi: dict[str, Any] | None = None,
        own: dict[str, object] | None = None,
        asker: int = -1,
    ) -> None:
        self.sim = Simulation(seed=seed)
        self.tables = FactTables(self.sim.facts)
        self.owners = Owners(self.sim)
        cluster = {
            "racks": 4,
            "machines_per_rack": 3,
            "machine": {"cores": 8, "memory": "32GiB", "disks": 2, "disk": "hdd-2tb"},
        }
        self.datacenter = DataCenter(self.sim, ClusterConfig.model_validate(cluster))
        guard = PlainGuard(keep=False)
        self.kuafu = Kuafu(self.sim, self.datacenter, guard)
        self.nuwa = NuwaCell(self.sim, self.datacenter, self.kuafu, guard, NuwaConfig())
        self.config = FuxiConfig.model_validate({"services": services or {}, **(fuxi or {})})
        of = self.datacenter.config.machine
        vector = self.config.resources.capacity(of.cores, of.memory, of.disks)
        self.cell = ServiceCell(self.datacenter, self.kuafu, guard, self.config.services, own)
        self.services = ServiceApplication(self.cell, [vector])
        self.fuxi = FuxiCell(
            self.sim, self.datacenter, self.kuafu, self.nuwa, None, guard, self.config, {"service": self.services}
        )
        machine = self.datacenter.machines[asker]
        self.user = self.fuxi.client(machine, "user")
        owner = self.sim.owner("asker")
        endpoint = self.kuafu.endpoint(owner, machine, 900_000, guard.user("user"))
        self.client = ServiceClient(
            endpoint,
            lambda number: self.nuwa.client(owner, machine, f"asker-{number}"),
            "kv",
            self.config.services.client,
        )
        self.nuwa.start()
        self.service = service or described()
        self.answers: list[Any] = []
        self.sim.call_at(SECOND, self.user.submit, "kv", "service", self.service, self.answers.append)
        self.done = {True: 0, False: 0}
        self.asked = 0

    @property
    def server(self) -> ServiceServer:
        """The service's master of the moment."""
        return self.services.servers["kv"]

    def run(self, seconds: float) -> None:
        """Let time go by."""
        self.sim.run_until(self.sim.now + int(seconds * SECOND))

    def run_until(self, what: Callable[[], bool], *, within_s: float = 120, step_ns: int = 10 * MILLISECOND) -> None:
        """Until something is so."""
        until_ns = self.sim.now + int(within_s * SECOND)
        while not what():
            assert self.sim.now < until_ns, "it never became so"
            self.sim.run_until(self.sim.now + step_ns)

    def up(self) -> None:
        """Until every key is served."""
        self.run_until(self.owners.whole)

    def ask(self, per_s: int, seconds: float, *, low: int = 0, high: int = KEYS, write: bool = True) -> None:
        """Ask for keys from now on, so many a second."""
        count = int(per_s * seconds)
        for number in range(count):
            key = low + (number * 7919) % (high - low)
            self.sim.call_later(int(number * SECOND / per_s), self._ask, key, write)

    def _ask(self, key: int, write: bool) -> None:
        self.asked += 1
        self.client.ask(key, self._ended, write=write)

    def _ended(self, ok: bool, _: int) -> None:
        self.done[ok] += 1

    def worker_of(self, partition: int) -> Any:
        """The row of the partition's worker of the moment."""
        assert self.server.core is not None
        return self.server.core.force.workers[self.server.core.book.rows[partition].worker]

    def process(self, worker: Any) -> Any:
        """The process of a worker on its machine."""
        host = self.fuxi.machines[self.datacenter.machine(worker.machine).index]
        return host.table.apps["kv"].workers[worker.number]

    def table(self, kind: str) -> list[dict[str, Any]]:
        """Facts of a kind, one mapping each."""
        columns = self.tables.columns(kind)
        names = list(columns)
        rows = zip(*(columns[name].tolist() for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]
