"""The names of everything in a cluster that a fault can strike, from the scenario alone.

Pure: computed from the cluster's configuration before anything is built, so that a target that matches nothing is
refused when the scenario is read. The names are those that hardware gives its parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.hardware.links import Links
from feitian_sim.hardware.topology import Topology

CLIENT_RACK = "clients"


@dataclass(frozen=True, slots=True)
class Places:
    """Names by unit, each in the order of the hardware; ``roles`` says which machines run what."""

    racks: tuple[str, ...]
    power_domains: tuple[str, ...]
    machines: tuple[str, ...]
    disks: tuple[str, ...]
    switches: tuple[str, ...]
    links: tuple[str, ...]
    #: Of each rack.
    power_domain_of: Mapping[str, str]
    #: Machines that run each role, each with nothing beside it: a dict for its order and quick look-up.
    roles: Mapping[str, Mapping[str, None]]

    def runs(self, machine: str, role: str) -> bool:
        """Whether ``machine`` runs ``role``."""
        return machine in self.roles.get(role, {})

    def first_of(self, role: str) -> str | None:
        """The first machine that runs ``role``."""
        return next(iter(self.roles.get(role, {})), None)

    @property
    def servers(self) -> tuple[str, ...]:
        """The machines without the clients'."""
        return tuple(machine for machine in self.machines if rack_of(machine) != CLIENT_RACK)


def rack_of(name: str) -> str:
    """The rack in which a machine or disk stands."""
    return name.split("/", 1)[0]


def machine_of(disk: str) -> str:
    """The machine in which a disk is."""
    return disk.rsplit("/", 1)[0]


def places(cluster: ClusterConfig, roles: Mapping[str, Sequence[str]]) -> Places:
    """All names of ``cluster``; ``roles`` maps a role to the machines that run it."""
    racks = tuple(f"r{rack}" for rack in range(cluster.racks))
    servers = tuple(f"{rack}/m{number}" for rack in racks for number in range(cluster.machines_per_rack))
    clients = tuple(f"{CLIENT_RACK}/m{number}" for number in range(cluster.client_config.machines))
    machines = servers + clients
    switches, links = _network_names(cluster, machines)
    domain_size = cluster.power.racks_per_domain
    return Places(
        racks=(*racks, CLIENT_RACK),
        power_domains=tuple(f"p{domain}" for domain in range(cluster.power_domain_count)),
        machines=machines,
        disks=tuple(f"{machine}/d{disk}" for machine in servers for disk in range(cluster.machine.disks)),
        switches=switches,
        links=links,
        power_domain_of={rack: f"p{number // domain_size}" for number, rack in enumerate(racks)},
        roles={role: dict.fromkeys(names) for role, names in roles.items()},
    )


@dataclass(frozen=True, slots=True)
class _Stand:
    """A machine before there is one: what the topology needs to know of it."""

    name: str
    index: int
    rack: int
    rack_name: str
    up: bool = True


@lru_cache(maxsize=8)
def _network_names(cluster: ClusterConfig, machines: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Switches and links as the topology itself names them."""
    stands = []
    for index, name in enumerate(machines):
        rack = rack_of(name)
        stands.append(_Stand(name, index, cluster.racks if rack == CLIENT_RACK else int(rack[1:]), rack))
    topology = Topology(cluster, stands, Links())
    return tuple(topology.switches), tuple(topology.pairs)
