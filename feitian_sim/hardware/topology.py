"""Topology: which links lie between two machines, in a tree or a fat tree, and the graph for those who draw it.

Routes are sequences of directed links. In a fat tree the path is chosen by a hash of the two machines and the
flow's number (ECMP), which is the same in every run, among the paths whose links are up: routing converges at once
(milliseconds in a real fabric, far below the time-outs of what runs over it), and the others keep their path.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

import networkx as nx

from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.hardware.links import Links
from feitian_sim.hardware.network_config import FatTreeNetwork, TreeNetwork
from feitian_sim.kernel import ScenarioError
from feitian_sim.kernel.units import bytes_per_s

NIC, RACK, CORE = "nic", "rack", "core"


class Station(Protocol):
    """What the network needs to know of a machine."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def index(self) -> int:
        """Its position among all machines."""

    @property
    def rack(self) -> int:
        """Index of its rack; clients come last."""

    @property
    def rack_name(self) -> str:
        """Name of its rack."""

    @property
    def up(self) -> bool:
        """Whether it runs."""


class Topology:
    """The links of a cluster and the ways through them."""

    def __init__(self, config: ClusterConfig, machines: Sequence[Station], links: Links) -> None:
        self._links = links
        #: Machines, switches and links, for drawing and for other algorithms; capacities in bytes per second.
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        #: Links of each switch, by the switch's name.
        self.switches: dict[str, list[int]] = {}
        #: Both directions of each link that faults can name: ``r3/m12/nic``, ``r3/uplink``.
        self.pairs: dict[str, list[int]] = {}
        self._racks = [machine.rack for machine in machines]
        self._rack_names = list(dict.fromkeys(machine.rack_name for machine in machines))
        self._nic_up: list[int] = []
        self._nic_down: list[int] = []
        for machine in machines:
            client = machine.rack == config.racks
            rate = bytes_per_s(config.client_nic_bps if client else config.machine.nic)
            switch = f"{machine.rack_name}/switch"
            up, down = self._join(f"{machine.name}/nic", machine.name, switch, rate, NIC)
            self._nic_up.append(up)
            self._nic_down.append(down)
        network = config.network
        self._fabric: _Tree | _FatTree = (
            _Tree(self, config, network) if isinstance(network, TreeNetwork) else _FatTree(self, config, network)
        )

    @property
    def has_choice(self) -> bool:
        """Whether there is more than one way between some machines."""
        return isinstance(self._fabric, _FatTree)

    def route(self, source: int, target: int, flow: int = 0) -> tuple[int, ...]:
        """Links from one machine to another, around what is down if there is a way; none within a machine."""
        if source == target:
            return ()
        first, last = self._racks[source], self._racks[target]
        if first == last:
            return self._nic_up[source], self._nic_down[target]
        between = self._fabric.between(first, last, source, target, flow)
        return (self._nic_up[source], *between, self._nic_down[target])

    def between_racks(self, first: int, last: int, flow: int = 0) -> tuple[int, ...]:
        """Links from one rack's switch to another's, for bytes of many machines at once; none within a rack."""
        return () if first == last else self._fabric.between(first, last, -1 - first, -1 - last, flow)

    def _join(
        self, name: str, one: str, other: str, rate: float, link_class: str, pair: str | None = None
    ) -> tuple[int, int]:
        """A link in both directions, up from ``one`` to ``other`` and down; faults call it ``pair``."""
        up = self._links.add(f"{name}/up", rate, link_class)
        down = self._links.add(f"{name}/down", rate, link_class)
        self.pairs.setdefault(pair or name, []).extend((up, down))
        for end in (one, other):
            if end.endswith("switch"):
                self.switches.setdefault(end, []).extend((up, down))
        self.graph.add_edge(one, other, link=up, capacity=rate)
        self.graph.add_edge(other, one, link=down, capacity=rate)
        return up, down


def _uplink_rate(config: ClusterConfig, network: TreeNetwork, rack: int) -> float:
    clients = config.client_config
    if rack == config.racks:
        return bytes_per_s(clients.uplink or config.client_nic_bps * clients.machines)
    if network.uplink is not None:
        return bytes_per_s(network.uplink)
    return bytes_per_s(config.machines_per_rack * config.machine.nic) / network.oversubscription


class _Tree:
    """Every rack's switch on one core."""

    def __init__(self, topology: Topology, config: ClusterConfig, network: TreeNetwork) -> None:
        self._up: list[int] = []
        self._down: list[int] = []
        for rack, name in enumerate(topology._rack_names):
            rate = _uplink_rate(config, network, rack)
            up, down = topology._join(f"{name}/uplink", f"{name}/switch", "core/switch", rate, RACK)
            self._up.append(up)
            self._down.append(down)
        self._core: tuple[int, ...] = ()
        if network.core is not None:
            core = topology._links.add("core", bytes_per_s(network.core), CORE)
            topology.pairs["core"] = [core]
            topology.switches["core/switch"].append(core)
            self._core = (core,)

    def between(self, first: int, last: int, source: int, target: int, flow: int) -> tuple[int, ...]:
        """Links from one rack's switch to another's."""
        return (self._up[first], *self._core, self._down[last])


class _FatTree:
    """Pods of edge and aggregation switches under cores; the clients' switch hangs on every core."""

    def __init__(self, topology: Topology, config: ClusterConfig, network: FatTreeNetwork) -> None:
        half = _half_ports(config, network)
        rate = bytes_per_s(network.link or config.machine.nic)
        self._links = topology._links
        self._half = half
        self._clients = config.racks
        self._edge: dict[tuple[int, int], tuple[int, int]] = {}
        self._agg: dict[tuple[int, int], tuple[int, int]] = {}
        self._client: list[tuple[int, int]] = []
        for rack in range(config.racks):
            name, pod = topology._rack_names[rack], rack // half
            for agg in range(half):
                ends = f"{name}/switch", f"pod{pod}-agg{agg}/switch"
                self._edge[rack, agg] = topology._join(f"{name}/uplink{agg}", *ends, rate, RACK, f"{name}/uplink")
        for pod in range(-(-config.racks // half)):
            for core in range(half * half):
                ends = f"pod{pod}-agg{core // half}/switch", f"core{core}/switch"
                self._agg[pod, core] = topology._join(f"pod{pod}/core{core}", *ends, rate, CORE)
        shared = _uplink_rate(config, TreeNetwork(), config.racks) / (half * half)
        client = topology._rack_names[-1]
        for core in range(half * half):
            ends = f"{client}/switch", f"core{core}/switch"
            self._client.append(topology._join(f"{client}/uplink{core}", *ends, shared, RACK, f"{client}/uplink"))

    def between(self, first: int, last: int, source: int, target: int, flow: int) -> tuple[int, ...]:
        """Links from one rack's switch to another's, by equal-cost multipath."""
        chance = int.from_bytes(blake2b(f"{source}:{target}:{flow}".encode(), digest_size=8).digest(), "big")
        cores = self._half * self._half
        chosen = self._through(first, last, chance % cores)
        if not self._links.any_degraded or self._is_up(chosen):
            return chosen
        others = [self._through(first, last, core) for core in range(cores)]
        living = [way for way in others if self._is_up(way)]
        return living[chance // cores % len(living)] if living else chosen

    def _is_up(self, way: tuple[int, ...]) -> bool:
        return all(self._links.is_up(link) for link in way)

    def _through(self, first: int, last: int, core: int) -> tuple[int, ...]:
        agg = core // self._half
        if self._clients not in (first, last) and first // self._half == last // self._half:
            return self._edge[first, agg][0], self._edge[last, agg][1]
        up = self._way(first, agg, core, 0)
        return (*up, *reversed(self._way(last, agg, core, 1)))

    def _way(self, rack: int, agg: int, core: int, direction: int) -> tuple[int, ...]:
        if rack == self._clients:
            return (self._client[core][direction],)
        return self._edge[rack, agg][direction], self._agg[rack // self._half, core][direction]


def _half_ports(config: ClusterConfig, network: FatTreeNetwork) -> int:
    """Half the ports of a switch: as given, or the smallest that holds all racks. Raises :class:`ScenarioError`."""
    half = 1
    # k pods of k/2 racks, with k/2 machines each.
    while 2 * half * half < config.racks or half < config.machines_per_rack:
        half += 1
    if network.k is None:
        return half
    if network.k < 2 * half:
        raise ScenarioError(
            f"cluster.network.k: a fat tree with k: {network.k} holds {network.k**2 // 2} racks of {network.k // 2} "
            f"machines, not {config.racks} of {config.machines_per_rack}: write k: {2 * half} or leave it out"
        )
    return network.k // 2
