"""Fuxi on a data centre: FuxiMasters on machines of different racks, a Tubo and a worker runtime on every machine.

At the beginning everybody knows everybody: the first FuxiMaster reigns, every Tubo is in its books and knows it, and not
a message was sent.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from feitian_sim.fuxi.application import Kinds
from feitian_sim.fuxi.client import FuxiClient
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.fairness import FairnessPolicy
from feitian_sim.fuxi.hard_records import Recovered
from feitian_sim.fuxi.hard_state import APPS, DISABLED, ENDED, EPOCH, Shelf
from feitian_sim.fuxi.hearing import Hearing
from feitian_sim.fuxi.hosting import MachineHost
from feitian_sim.fuxi.machine_choice import MachineChoice
from feitian_sim.fuxi.master import Master
from feitian_sim.fuxi.master_server import ELECTION, SERVICE, FuxiMasterParts, FuxiMasterServer
from feitian_sim.fuxi.packages.cache import package_path
from feitian_sim.fuxi.ports import FIRST_CLIENT_PORT
from feitian_sim.fuxi.preemption import PreemptionPolicy
from feitian_sim.fuxi.resources import Vector
from feitian_sim.fuxi.sampling import Sampling
from feitian_sim.fuxi.scheduler import Place, Scheduler
from feitian_sim.fuxi.tubo_parts import TuboParts
from feitian_sim.hardware import Daemon, DataCenter, Machine
from feitian_sim.hardware.spread import spread_over_racks
from feitian_sim.kernel import Owner, Simulation
from feitian_sim.kuafu import Identities, Kuafu
from feitian_sim.nuwa.office import ElectedOffice
from feitian_sim.nuwa.wiring import NuwaCell
from feitian_sim.pangu.heartbeat import BeatTimes, Heartbeats
from feitian_sim.pangu.patience import PanguError
from feitian_sim.pangu.wiring import PanguCell

#: The masters' place in their racks: beside the servers of Nuwa and the masters of other services.
PLACE = 3


class FuxiCell:
    """One Fuxi. ``fairness``, ``machine_choice``, ``preemption``: the user's own objects, else as configured."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        kuafu: Kuafu,
        nuwa: NuwaCell,
        pangu: PanguCell | None,
        identities: Identities,
        config: FuxiConfig,
        kinds: Kinds,
        *,
        fairness: FairnessPolicy | None = None,
        machine_choice: MachineChoice | None = None,
        preemption: PreemptionPolicy | None = None,
    ) -> None:
        self._sim = sim
        self._datacenter = datacenter
        self._kuafu = kuafu
        self._pangu = pangu
        self._identities = identities
        self.config = config
        self._kinds = kinds
        self._policies = (fairness, machine_choice, preemption)
        self._clients = 0
        self._hearts: list[Heartbeats] = []
        self._places = tuple(Place(machine.name, machine.rack_name) for machine in datacenter.machines)
        self._office = ElectedOffice(sim, nuwa, SERVICE, ELECTION, config.session)
        self._prepare_nuwa(nuwa)
        racks = [[one for one in datacenter.machines if one.rack == rack] for rack in range(datacenter.config.racks)]
        parts = FuxiMasterParts(kuafu, identities, config, self._office, Shelf(), self._core, self._turn)
        self.masters = tuple(
            FuxiMasterServer(sim, machine, number, parts)
            for number, machine in enumerate(spread_over_racks(racks, config.masters, PLACE))
        )
        self.hearing = Hearing(datacenter, self.masters)
        self.machines = tuple(self._host(machine, nuwa) for machine in datacenter.machines)
        beat = config.heartbeat
        times = BeatTimes(sim, beat.every, beat.scan, "fuxi.heartbeat")
        hearts = Heartbeats(sim, times, self.hearing, elide=beat.elide)
        self._hearts.append(hearts)
        for host in self.machines:
            host.tubo.hearts = hearts
        datacenter.on_change(hearts.review)
        #: What faults can reach, the masters first.
        self.daemons: tuple[Daemon, ...] = (
            *(master.daemon for master in self.masters),
            *(daemon for host in self.machines for daemon in host.daemons),
        )
        self._start()
        names = config.resources.dimensions.names
        sampling = Sampling(sim, self.hearing, self.machines, names)
        sim.probes.append(sampling.sample)
        sim.final_probes.append(sampling.show_books)

    def _prepare_nuwa(self, nuwa: NuwaCell) -> None:
        for directory in (APPS, ENDED):
            nuwa.make(directory)
        nuwa.make(EPOCH, b"1")
        nuwa.make(DISABLED)

    def _host(self, machine: Machine, nuwa: NuwaCell) -> MachineHost:
        pangu = self._pangu
        parts = TuboParts(
            self._datacenter,
            self._kuafu,
            self._identities,
            self.config,
            self._kinds,
            self.capacity_of,
            self._office.directory,
            nuwa.client,
            pangu.client_of if pangu is not None else None,
            self.hearing.epoch,
            self.hearing.hears,
        )
        return MachineHost(self._sim, machine, parts)

    def _start(self) -> None:
        for master in self.masters:
            master.daemon.start()
        for host in self.machines:
            host.start()
        reign = self.hearing.reign
        if reign is not None:
            known = {host.machine.index: host.tubo.incarnation_and_boot for host in self.machines if host.machine.up}
            reign.run(reign.core.adopt(known, self._sim.now))
        if self._pangu is not None and self.config.packages:
            self._sim.process(self._upload(self._pangu))

    def _upload(self, pangu: PanguCell) -> Generator[Any, Any, None]:
        """Put the declared packages into Pangu, as an operator would."""
        client = pangu.client(self._datacenter.machines[0], "fuxi.packages")
        for name, package in self.config.packages.items():
            for copy in range(package.copies):
                written = False
                while not written:
                    try:
                        yield from client.write_file(package_path(name, copy), package.size)
                        written = True
                    except PanguError:
                        yield self._sim.timeout(self.config.retry)

    # Making masters

    def capacity_of(self, machine: Machine) -> Vector:
        """What a machine offers."""
        of = self._datacenter.config.machine
        return self.config.resources.capacity(machine.cpu.cores, of.memory, len(machine.disks))

    def _scheduler(self) -> Scheduler:
        fairness, machine_choice, preemption = self._policies
        return Scheduler(
            self._places,
            self.config.resources.dimensions,
            self.config.schedule,
            stream=self._sim.stream("fuxi.scheduler"),
            fairness=fairness,
            machine_choice=machine_choice,
            preemption=preemption,
        )

    def _core(self, recovered: Recovered, epoch: int, now_ns: int) -> Master:
        capacities = [self.capacity_of(machine) for machine in self._datacenter.machines]
        return Master(self.config, self._places, capacities, self._scheduler(), self._kinds, recovered, epoch, now_ns)

    def _turn(self) -> None:
        for hearts in self._hearts:
            hearts.review()

    # What upper packages use

    def client(self, machine: Machine, user: str, owner: Owner | None = None) -> FuxiClient:
        """A process of a user's on a machine, which submits applications and hears of their ends."""
        self._clients += 1
        name = f"fuxi.client.{user}#{self._clients}"
        owner = owner or self._sim.owner(name)
        endpoint = self._kuafu.endpoint(owner, machine, FIRST_CLIENT_PORT + self._clients, self._identities.user(user))
        return FuxiClient(endpoint, self._office.directory(machine), user, self.config)

    def known_apps(self) -> Mapping[str, object] | None:
        """Every application that the serving FuxiMaster knows, also ended ones; None while nobody serves."""
        reign = self.hearing.reign
        return {**reign.core.books.apps, **reign.core.books.outcomes} if reign is not None else None

    @property
    def serving_machine(self) -> str | None:
        """Where the elected FuxiMaster is, if there is one."""
        serving = self.hearing.serving
        return serving.machine.name if serving is not None else None
