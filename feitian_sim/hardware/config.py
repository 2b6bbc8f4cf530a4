"""Hardware's part of the scenario: how many machines, of what, and how they hang together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from feitian_sim.hardware.network_config import FatTreeNetwork, TreeNetwork
from feitian_sim.hardware.presets import DISKS, DiskConfig
from feitian_sim.kernel import Bandwidth, Size, StrictModel

__all__ = [
    "ClientMachines",
    "ClusterConfig",
    "DiskConfig",
    "FatTreeNetwork",
    "MachineConfig",
    "PowerConfig",
    "TreeNetwork",
]

_SERVERS_PER_CLIENT = 10
_FEWEST_CLIENTS = 4


class MachineConfig(StrictModel):
    """What each machine of the cluster is made of.

    The defaults are those of the Fuxi test cluster (Zhang et al., VLDB 2014, sec. 5: two six-core processors with
    two threads a core, 96 GB, twelve disks of 2 TB), with a network card of today's usual speed.
    """

    cores: int = Field(
        default=24, ge=1, description="Cores (count); default 24. Source: VLDB 2014, 2 x 6 cores x 2 threads."
    )
    memory: Size = Field(
        default="96GiB",
        validate_default=True,
        gt=0,
        description="Main memory, in size units; default 96GiB. Source: VLDB 2014.",
    )
    disks: int = Field(default=12, ge=0, description="Disks (count); default 12. Source: VLDB 2014.")
    disk: str | DiskConfig = Field(
        default="hdd-2tb",
        description="Model of the disks (no unit): the name of a preset or the figures themselves; default "
        f"hdd-2tb. Source: VLDB 2014. Presets: {', '.join(DISKS)}.",
    )
    nic: Bandwidth = Field(
        default="10Gbit/s",
        validate_default=True,
        gt=0,
        description="Network card, each way, in bandwidth units; default 10Gbit/s. Source: the usual card of "
        "storage machines since about 2015 (the cluster of VLDB 2014 had two of 1 Gbit/s).",
    )

    @field_validator("disk")
    @classmethod
    def _known_disk(cls, value: str | DiskConfig) -> str | DiskConfig:
        if isinstance(value, str) and value not in DISKS:
            raise ValueError(f"no disk is called {value!r} (disks: {', '.join(DISKS)})")
        return value

    @property
    def disk_config(self) -> DiskConfig:
        """The figures of the disk, whether named or given."""
        return DISKS[self.disk] if isinstance(self.disk, str) else self.disk

    @property
    def capacity_bytes(self) -> int:
        """Bytes on all disks of one machine."""
        return self.disks * self.disk_config.capacity


class PowerConfig(StrictModel):
    """Which racks lose their power together."""

    racks_per_domain: int = Field(
        default=1,
        ge=1,
        description="Neighbouring racks on one power feed (count); default 1. Source: the smallest domain, a "
        "rack's own distribution unit; a row on one feed has 10 or more (Dean, LADIS 2009: 500-1000 machines).",
    )


class ClientMachines(StrictModel):
    """Machines that only ask: one more rack, called ``clients``, in no power domain, with no disks."""

    machines: int = Field(
        default=16, ge=1, description="Client machines (count); default 16. Source: GFS, SOSP 2003, sec. 6.1."
    )
    per_server: float | None = Field(
        default=None,
        gt=0,
        description="Client machines for each machine of the cluster (ratio), in place of machines, so that they grow "
        "with it; default none. Source: the question that is asked.",
    )
    nic: Bandwidth | None = Field(
        default=None,
        gt=0,
        description="Network card, each way, in bandwidth units; default none: as the servers have. Source: the "
        "clients of GFS, SOSP 2003, sec. 6.1 were machines of the same kind.",
    )
    uplink: Bandwidth | None = Field(
        default=None,
        gt=0,
        description="From the clients' switch to the core, each way, in bandwidth units; default none: the sum of "
        "their cards. Source: clients stand for many places, so their own rack must not be the bottleneck.",
    )


class CostConfig(StrictModel):
    """Prices, of which the planner has his own: plain numbers in US dollars."""

    machine_usd: float = Field(
        default=6000,
        ge=0,
        description="A machine without its disks (US dollars); default 6000. Source: the order of a two-socket server of "
        "2024; an assumption, state yours.",
    )
    raw_tb_usd: float = Field(
        default=18,
        ge=0,
        description="A raw terabyte of disk (US dollars); default 18. Source: prices of large hard disks in 2024, "
        "14 to 20; an assumption, state yours.",
    )
    life_years: float = Field(
        default=5, gt=0, description="Life of machines and disks (years); default 5. Source: usual depreciation."
    )
    machine_watts: float = Field(
        default=250,
        ge=0,
        description="Power of a machine without its disks (watts); default 250. Source: Barroso et al., The Datacenter "
        "as a Computer, 2018, ch. 4; the order of a two-socket server at middling load.",
    )
    disk_watts: float = Field(
        default=7, ge=0, description="Power of a disk (watts); default 7. Source: data sheets of 3.5 inch hard disks."
    )
    kwh_usd: float = Field(
        default=0.08,
        ge=0,
        description="A kilowatt hour (US dollars); default 0.08. Source: US industrial average 2023; state yours.",
    )
    power_usage_effectiveness: float = Field(
        default=1.5,
        ge=1,
        description="Power of the whole building over that of the machines (ratio); default 1.5. Source: Uptime "
        "Institute's surveys, 2020 to 2023: 1.55 to 1.6 on average, 1.1 to 1.2 in the largest.",
    )
    moved_tb_usd: float = Field(
        default=0,
        ge=0,
        description="What moving a terabyte costs (US dollars); default 0. Source: within one's own network it is paid "
        "for already; state it where it is not.",
    )


class ClusterConfig(StrictModel):
    """The cluster: equal racks of equal machines, a network and power domains."""

    racks: int = Field(ge=1, description="Racks (count); no default. Source: the question that is asked.")
    machines_per_rack: int = Field(
        ge=1, description="Machines in each rack (count); no default. Source: the question that is asked."
    )
    machine: MachineConfig = Field(
        default_factory=MachineConfig,
        description="What each machine is made of (no unit); default: see each key. Source: VLDB 2014, sec. 5.",
    )
    network: Annotated[TreeNetwork | FatTreeNetwork, Field(discriminator="kind")] = Field(
        default_factory=TreeNetwork,
        description="Switches and links (no unit); default: a tree without oversubscription. Source: the "
        "neutral choice, under which the network's core limits nothing.",
    )
    power: PowerConfig = Field(
        default_factory=PowerConfig,
        description="Power domains (no unit); default: each rack its own. Source: see racks_per_domain.",
    )
    costs: CostConfig = Field(
        default_factory=CostConfig, description="Prices (no unit); default: see each. Source: as stated there."
    )
    clients: ClientMachines | None = Field(
        default=None,
        description="Client machines (no unit); default: one for ten machines of the cluster, 4 at least. Source: "
        "chosen so that the clients' cards carry a tenth of what the cluster's could, which loads no test here.",
    )

    @property
    def server_count(self) -> int:
        """Machines without the clients."""
        return self.racks * self.machines_per_rack

    @property
    def client_config(self) -> ClientMachines:
        """The client machines, given or by default."""
        if self.clients is not None and self.clients.per_server is not None:
            machines = max(1, round(self.clients.per_server * self.server_count))
            return self.clients.model_copy(update={"machines": machines})
        if self.clients is not None:
            return self.clients
        return ClientMachines(machines=max(_FEWEST_CLIENTS, self.server_count // _SERVERS_PER_CLIENT))

    @property
    def client_nic_bps(self) -> int:
        """Network card of a client machine."""
        return self.client_config.nic or self.machine.nic

    @property
    def power_domain_count(self) -> int:
        """Power domains; the last may have fewer racks."""
        return -(-self.racks // self.power.racks_per_domain)

    @property
    def capacity_bytes(self) -> int:
        """Bytes on all disks of the cluster."""
        return self.server_count * self.machine.capacity_bytes
