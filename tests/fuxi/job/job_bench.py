"""A whole small cell for tests of jobs: machines, Nuwa, Pangu, Fuxi, and a client that submits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plain_guard import PlainGuard

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.job.application import JobApplication
from feitian_sim.fuxi.job.config import JobConfig
from feitian_sim.fuxi.job.job_master import JobMaster
from feitian_sim.fuxi.messages import Status
from feitian_sim.fuxi.wiring import FuxiCell
from feitian_sim.hardware import ClusterConfig, DataCenter
from feitian_sim.kernel import SECOND, FactTables, Simulation
from feitian_sim.kuafu import Kuafu
from feitian_sim.nuwa.config import NuwaConfig
from feitian_sim.nuwa.office import ElectedOffice
from feitian_sim.nuwa.wiring import NuwaCell
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.office import ELECTION, SERVICE
from feitian_sim.pangu.wiring import PanguCell


class JobBench:
    """Five racks of four machines with eight cores; every part of the configuration can be set."""

    def __init__(
        self,
        *,
        seed: int = 1,
        racks: int = 5,
        per_rack: int = 4,
        pangu: dict[str, Any] | None = None,
        jobs: dict[str, Any] | None = None,
        machine: dict[str, Any] | None = None,
        fuxi: dict[str, Any] | None = None,
        programs: dict[str, object] | None = None,
        subscribe: Callable[[Simulation], object] = lambda sim: None,
    ) -> None:
        self.sim = Simulation(seed=seed)
        self.tables = FactTables(self.sim.facts)
        subscribe(self.sim)
        cluster = {
            "racks": racks,
            "machines_per_rack": per_rack,
            "machine": {"cores": 8, "memory": "32GiB", "disks": 2, "disk": "hdd-2tb", **(machine or {})},
        }
        self.datacenter = DataCenter(self.sim, ClusterConfig.model_validate(cluster))
        guard = PlainGuard(keep=False)
        self.kuafu = Kuafu(self.sim, self.datacenter, guard)
        self.nuwa = NuwaCell(self.sim, self.datacenter, self.kuafu, guard, NuwaConfig())
        self.pangu: PanguCell | None = None
        if pangu is not None:
            config = PanguConfig.model_validate(pangu)
            office = ElectedOffice(self.sim, self.nuwa, SERVICE, ELECTION, config.election.session)
            self.pangu = PanguCell(self.sim, self.datacenter, self.kuafu, config, office, guard)
            self.pangu.preload()
        self.config = FuxiConfig.model_validate(fuxi or {})
        of = self.datacenter.config.machine
        vector = self.config.resources.capacity(of.cores, of.memory, of.disks)
        self.jobs = JobApplication(self.datacenter, JobConfig.model_validate(jobs or {}), [vector], programs)
        self.fuxi = FuxiCell(
            self.sim, self.datacenter, self.kuafu, self.nuwa, self.pangu, guard, self.config, {"job": self.jobs}
        )
        self.client = self.fuxi.client(self.datacenter.machines[-1], "user")
        self.nuwa.start()
        self.ends: dict[str, Status] = {}

    def submit(self, description: Any, *, at_s: float = 1.0) -> None:
        """Have a job run from a time on."""
        name = description.name

        def ended(status: Any) -> None:
            self.ends[name] = status

        def submitted(_: Any) -> None:
            self.client.end_of(name, ended)

        self.sim.call_at(int(at_s * SECOND), self.client.submit, name, "job", description, submitted)

    def run(self, *names: str, within_s: float = 3600) -> None:
        """Until these jobs have ended."""
        until_ns = self.sim.now + int(within_s * SECOND)
        while not all(name in self.ends for name in names):
            assert self.sim.now < until_ns, f"{names} have not ended: {self.ends}"
            self.sim.run_until(self.sim.now + SECOND)

    def run_until(self, what: Callable[[], bool], *, step_ns: int = SECOND // 100, within_s: float = 600) -> None:
        """Until something is so."""
        until_ns = self.sim.now + int(within_s * SECOND)
        while not what():
            assert self.sim.now < until_ns, "it never became so"
            self.sim.run_until(self.sim.now + step_ns)

    def core(self, name: str) -> JobMaster | None:
        """The core of a job's master of the moment."""
        server = self.jobs.servers.get(name)
        return server.core if server is not None else None

    def kill_master(self, name: str) -> None:
        """Kill a job's master where it runs."""
        self.jobs.servers[name].kill()

    def table(self, kind: str) -> list[dict[str, Any]]:
        """Facts of a kind, one mapping each."""
        columns = self.tables.columns(kind)
        names = list(columns)
        rows = zip(*(columns[name].tolist() for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]
