"""The data centre: racks, machines, disks, power domains and the network, made from the scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.hardware.disk import Disk
from feitian_sim.hardware.facts import DiskUse, Traffic
from feitian_sim.hardware.machine import NO_POWER_DOMAIN, Machine
from feitian_sim.hardware.network import Network
from feitian_sim.hardware.power import PowerDomain
from feitian_sim.hardware.rack import Rack
from feitian_sim.kernel import SimulatedError, Simulation

#: The rack of the client machines.
CLIENT_RACK = "clients"

Part = TypeVar("Part")


class NoSuchHardware(SimulatedError):
    """The data centre has nothing of that name."""


class DataCenter:
    """All hardware of one simulation, by index and by name."""

    def __init__(self, sim: Simulation, config: ClusterConfig) -> None:
        self.sim = sim
        self.config = config
        self._listeners: list[Callable[[], object]] = []
        #: Racks of servers, by index; the clients' rack is not among them.
        self.racks: tuple[Rack, ...] = tuple(
            Rack(sim, f"r{index}", index, index // config.power.racks_per_domain) for index in range(config.racks)
        )
        self.client_rack = Rack(sim, CLIENT_RACK, config.racks, NO_POWER_DOMAIN)
        #: Servers, by index.
        self.machines: tuple[Machine, ...] = ()
        for rack in self.racks:
            self.machines += self._fill(rack, len(self.machines), config.machines_per_rack)
        #: Machines that only ask; their indices follow those of the servers.
        self.client_machines = self._fill(self.client_rack, config.server_count, config.client_config.machines)
        self.network = Network(sim, config, (*self.machines, *self.client_machines), self.changed)
        for machine in self.machines:
            machine.disks = tuple(
                Disk(sim, self.network, machine, index, config.machine.disk_config)
                for index in range(config.machine.disks)
            )
        self.power_domains = self._power_domains()
        self._racks_by_name = {rack.name: rack for rack in (*self.racks, self.client_rack)}
        self._machines_by_name = {machine.name: machine for machine in (*self.machines, *self.client_machines)}
        self._disks_by_name = {disk.name: disk for machine in self.machines for disk in machine.disks}
        sim.probes.append(self._emit_traffic)

    def _fill(self, rack: Rack, first: int, count: int) -> tuple[Machine, ...]:
        rack.machines = tuple(
            Machine(
                self.sim,
                f"{rack.name}/m{position}",
                first + position,
                rack.index,
                rack.name,
                self.config.machine.cores,
                rack.power_domain,
                self.changed,
            )
            for position in range(count)
        )
        return rack.machines

    def _power_domains(self) -> tuple[PowerDomain, ...]:
        size = self.config.power.racks_per_domain
        return tuple(
            PowerDomain(index, self.racks[index * size : (index + 1) * size])
            for index in range(self.config.power_domain_count)
        )

    # By name

    def machine(self, name: str) -> Machine:
        """The machine called ``r3/m12`` or ``clients/m0``. Raises :class:`NoSuchHardware`."""
        return _named(self._machines_by_name, "machine", name)

    def disk(self, name: str) -> Disk:
        """The disk called ``r3/m12/d0``. Raises :class:`NoSuchHardware`."""
        return _named(self._disks_by_name, "disk", name)

    def rack(self, name: str) -> Rack:
        """The rack called ``r3`` or ``clients``. Raises :class:`NoSuchHardware`."""
        return _named(self._racks_by_name, "rack", name)

    def power_domain(self, name: str) -> PowerDomain:
        """The power domain called ``p0``. Raises :class:`NoSuchHardware`."""
        return _named({domain.name: domain for domain in self.power_domains}, "power domain", name)

    # Changes and samples

    def on_change(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` after each change of who can reach whom, and how well."""
        self._listeners.append(callback)

    def changed(self) -> None:
        """Have the network look at its flows again, then tell the listeners; called by machines and the network."""
        self.network.recheck()
        for listener in self._listeners:
            listener()

    def emit_disk_use(self) -> None:
        """Publish how full the working disks of each server are, if anybody wants to know."""
        if not self.sim.facts.wants(DiskUse):
            return
        for machine in self.machines:
            working = [disk for disk in machine.disks if not disk.failed]
            used = sum(disk.used_bytes for disk in working)
            self.sim.emit(DiskUse(machine.name, used, sum(disk.capacity_bytes for disk in working)))

    def _emit_traffic(self) -> None:
        if self.sim.facts.wants(Traffic):
            for link_class, carried in sorted(self.network.traffic().items()):
                self.sim.emit(Traffic(link_class, carried))


def _named(parts: Mapping[str, Part], what: str, name: str) -> Part:
    part = parts.get(name)
    if part is None:
        raise NoSuchHardware(f"no {what} is called {name!r} (from {next(iter(parts), 'none')} on)")
    return part
