"""The network of one data centre: its topology, bulk flows, messages, and what faults do to them.

Machines reach each other when both are up, no partition separates them and every link between is up. Flows whose
machines cannot reach each other stand still; messages between them are lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from feitian_sim.hardware.config import ClusterConfig
from feitian_sim.hardware.facts import SwitchLost, SwitchRestored
from feitian_sim.hardware.fate import Meddler
from feitian_sim.hardware.flows import Flow as Flow
from feitian_sim.hardware.flows import FlowEngine
from feitian_sim.hardware.links import Links
from feitian_sim.hardware.messages import Messenger
from feitian_sim.hardware.topology import Station, Topology
from feitian_sim.kernel import Owner, SimulatedError, Simulation
from feitian_sim.kernel.units import bytes_per_s

#: The classes of which traffic is counted: bytes that crossed a link of it, each direction by itself.
TRAFFIC_CLASSES = ("nic", "rack", "core", "disk-read", "disk-write")


class Keeper(Protocol):
    """Who keeps connections between machines; faults break them."""

    def has_connections(self, over: Callable[[Station, Station], bool]) -> bool:
        """Whether there is any between machines for which ``over(one, other)``."""
        ...

    def break_connections(self, over: Callable[[Station, Station], bool]) -> int:
        """Reset those between machines for which ``over(one, other)``; both ends know. Returns how many."""
        ...

    def forget_connections(self, machine: Station, peers: Callable[[Station], bool]) -> int:
        """Have a machine forget those to such peers, who are not told. Returns how many."""
        ...


class NoSuchLink(SimulatedError):
    """The network has no link or switch of that name."""


class Network:
    """Flows and messages between machines; ``changed`` is called after each change of who reaches whom."""

    def __init__(
        self, sim: Simulation, config: ClusterConfig, machines: Sequence[Station], changed: Callable[[], object]
    ) -> None:
        self.sim = sim
        self.links = Links()
        self.topology = Topology(config, machines, self.links)
        self.latency = config.network.latency
        self._changed = changed
        self._flows = FlowEngine(sim, self.links, config.network.stall_timeout)
        self.messenger = Messenger(self)
        # Of each partition in force: whether it keeps what one machine sends from another, both by index.
        self._partitions: dict[int, Callable[[int, int], bool]] = {}
        # What was found out since the last change: whether there is a way from one machine to another, by index.
        self._connected: dict[tuple[int, int], bool] = {}
        #: Who keeps connections over this network, so that faults can break them.
        self.keepers: list[Keeper] = []
        #: Whether every link carries what it should and nothing is cut off.
        self.is_sound = True
        #: Whether every pair has one way only, so that its own links alone concern a message.
        self.has_one_way = not self.topology.has_choice
        #: Changes of what can be reached and how so far: what was found out holds until the next.
        self.changes = 0
        self._next_token = 0
        self._switches_down: dict[str, None] = {}

    # What models use

    def send(
        self,
        source: Station,
        target: Station,
        size_bytes: int,
        owner: Owner | None,
        deliver: Callable[..., object],
        *args: Any,
    ) -> None:
        """Send a message; ``deliver(*args)`` is called at the target, or never if it is lost."""
        self.messenger.send(source, target, size_bytes, owner, deliver, args)

    def transfer(
        self,
        source: Station,
        target: Station,
        size_bytes: int,
        *,
        via: Sequence[Station] = (),
        disks_read: Sequence[int] = (),
        disks_write: Sequence[int] = (),
        cap_bps: int | None = None,
        weight: float = 1.0,
        owner: Owner | None = None,
        on_done: Callable[[Flow], object],
        on_fail: Callable[[Flow, str], object],
    ) -> Flow:
        """Move bytes from source over ``via`` to target, at one rate all along, and through the disk links given.

        Ends with ``on_done(flow)`` or ``on_fail(flow, reason)``; when the owner dies, with neither.
        """
        assert size_bytes >= 0, size_bytes
        assert weight > 0.0, weight
        assert cap_bps is None or cap_bps > 0, cap_bps
        stops = (source, *via, target)
        path = (*self._way(stops, self._flows.count), *disks_read, *disks_write)
        cap = bytes_per_s(cap_bps) if cap_bps is not None else float("inf")
        blocked = not self._all_connected(stops)
        return self._flows.begin(path, stops, size_bytes, cap, weight, owner, on_done, on_fail, blocked=blocked)

    def transfer_over(
        self,
        links: Sequence[int],
        size_bytes: int,
        *,
        cap_bps: int | None = None,
        weight: float = 1.0,
        owner: Owner | None = None,
        on_done: Callable[[Flow], object],
        on_fail: Callable[[Flow, str], object],
    ) -> Flow:
        """Move bytes over these very links, as many machines' transfers in one: no machine's going down stops it.

        It ends as :meth:`transfer`; a link that is down holds it until it is given up.
        """
        assert size_bytes >= 0, size_bytes
        assert weight > 0.0, weight
        cap = bytes_per_s(cap_bps) if cap_bps is not None else float("inf")
        return self._flows.begin(tuple(links), (), size_bytes, cap, weight, owner, on_done, on_fail, blocked=False)

    def add_link(self, name: str, capacity_bytes_per_s: float, link_class: str) -> int:
        """A link outside the topology, such as a disk's; returns its id."""
        return self.links.add(name, capacity_bytes_per_s, link_class)

    def set_capacity(self, link: int, capacity_bytes_per_s: float) -> None:
        """Change what such a link carries."""
        self.links.set_nominal(link, capacity_bytes_per_s)
        self._flows.solve_all_soon()

    def distance(self, one: Station, other: Station) -> int:
        """0 within a machine, 1 within a rack, 2 between racks."""
        if one.index == other.index:
            return 0
        return 1 if one.rack == other.rack else 2

    def reachable(self, source: Station, target: Station) -> bool:
        """Whether both are up and a message could get from one to the other now."""
        return source.up and target.up and self.connected(source, target)

    def connected(self, source: Station, target: Station) -> bool:
        """Whether partitions, switches and links leave a way from one to the other, whatever the machines do."""
        if not self._partitions and not self.links.any_degraded:
            return True
        pair = (source.index, target.index)
        connected = self._connected.get(pair)
        if connected is None:
            connected = self._connected[pair] = self._find_way(*pair)
        return connected

    def _find_way(self, source: int, target: int) -> bool:
        if any(cuts(source, target) for cuts in self._partitions.values()):
            return False
        return all(self.links.is_up(link) for link in self.topology.route(source, target))

    def impaired(self, source: Station, target: Station) -> bool:
        """Whether messages between the two may be lost, late or slow, in either direction.

        So they may be for all one knows in a run in which single messages are struck.
        """
        if self.messenger.meddler is not None and source is not target:
            return True
        if not self.links.any_degraded:
            return not self._both_ways(source, target)
        there = self.topology.route(source.index, target.index)
        back = self.topology.route(target.index, source.index)
        return any(self.links.is_degraded(link) for link in (*there, *back)) or not self._both_ways(source, target)

    def _both_ways(self, one: Station, other: Station) -> bool:
        return self.connected(one, other) and self.connected(other, one)

    def message_latency_ns(self, source: Station, target: Station, size_bytes: int) -> int:
        """What a message takes on idle cards, without jitter."""
        return self.messenger.latency_ns(source, target, size_bytes)

    def traffic(self) -> dict[str, int]:
        """Bytes that bulk flows have carried over each class of link so far; reading changes nothing."""
        carried = self._flows.carried_bytes()
        return {link_class: carried.get(link_class, 0) for link_class in TRAFFIC_CLASSES}

    # What faults use

    def set_link(
        self, name: str, *, up: bool = True, loss: float = 0.0, delay_ns: int = 0, capacity_factor: float = 1.0
    ) -> None:
        """Set the state of both directions of ``r3/m12/nic``, ``r3/uplink``. Raises :class:`NoSuchLink`."""
        for link in self._named(self.topology.pairs, "link", name):
            self.links.set_state(link, up=up, factor=capacity_factor, loss=loss, delay_ns=delay_ns)
        self._tell()

    def set_switch(self, name: str, up: bool) -> None:
        """Take ``r3/switch`` down with all its links, or up. Raises :class:`NoSuchLink`."""
        links = self._named(self.topology.switches, "switch", name)
        if up is (name not in self._switches_down):
            return
        if up:
            del self._switches_down[name]
        else:
            self._switches_down[name] = None
        for link in links:
            self.links.set_powered(link, up)
        self.sim.emit(SwitchRestored(name) if up else SwitchLost(name))
        self._tell()

    def partition(self, groups: Sequence[Sequence[Station]], *, one_way: bool = False, bystanders: bool = False) -> int:
        """Cut the groups from each other; who is in none is on a side of its own. Returns a token for :meth:`heal`.

        ``one_way``: what a group sends to one after it is lost, while it hears everybody (a card whose sender is dead).
        ``bystanders``: who is in none reaches all, as over another network.
        """
        sides = {machine.index: side for side, group in enumerate(groups) for machine in group}

        def cuts(source: int, target: int) -> bool:
            here, there = sides.get(source, -1), sides.get(target, -1)
            if bystanders and (here < 0 or there < 0):
                return False
            return here != there and (not one_way or here < there)

        return self._cut(cuts)

    def limit_sight(self, sees: Mapping[Station, Sequence[Station]]) -> int:
        """Have each machine of ``sees`` reach, of these machines, only those given. Returns a token for :meth:`heal`."""
        seen = {one.index: {other.index for other in (one, *others)} for one, others in sees.items()}
        return self._cut(lambda source, target: source in seen and target in seen and target not in seen[source])

    def _cut(self, cuts: Callable[[int, int], bool]) -> int:
        token = self._next_token
        self._next_token += 1
        self._partitions[token] = cuts
        self._tell()
        return token

    def heal(self, token: int) -> None:
        """Undo a :meth:`partition` or :meth:`limit_sight`."""
        self._partitions.pop(token, None)
        self._tell()

    def set_clogged(self, name: str, clogged: bool) -> None:
        """Have nothing move over a link, in both directions, and nothing be lost (True); or release it all (False)."""
        for link in self._named(self.topology.pairs, "link", name):
            self.links.set_clogged(link, clogged)
        self._tell()
        if not clogged:
            self.messenger.release()

    def clogged(self, one: Station, other: Station) -> bool:
        """Whether what one sends the other, or the other way round, is held on the way."""
        if not self.links.any_clogged:
            return False
        route = self.topology.route
        here, there = one.index, other.index
        return self.links.is_clogged(route(here, there)) or self.links.is_clogged(route(there, here))

    def crosses(self, one: Station, other: Station, name: str) -> bool:
        """Whether messages between the two pass the link of that name. Raises :class:`NoSuchLink`."""
        return not set(self.links_of(name)).isdisjoint(self.topology.route(one.index, other.index))

    def links_of(self, name: str) -> Sequence[int]:
        """Both directions of a link. Raises :class:`NoSuchLink`."""
        return tuple(self._named(self.topology.pairs, "link", name))

    @property
    def strikes_messages(self) -> bool:
        """Whether single messages may be struck, so that no message between two machines is left out."""
        return self.messenger.meddler is not None

    def meddle(self, meddler: Meddler) -> None:
        """From now on no message is left out, and ``meddler`` says what becomes of each."""
        self.messenger.meddler = meddler
        self._look()

    def recheck(self) -> None:
        """Machines, switches or links went up or down: see which flows can move, and which way."""
        self._flows.recheck(lambda stops: not self._all_connected(stops), self._path_now)

    def _path_now(self, flow: Flow) -> tuple[int, ...]:
        if not self.topology.has_choice:
            return flow.path
        way = self._way(flow.machines, flow.number)
        return (*way, *flow.path[len(way) :])

    def _way(self, stops: Sequence[Station], number: int) -> tuple[int, ...]:
        """The links from stop to stop for the flow of that number."""
        pairs = pairwise(stops)
        return tuple(link for one, other in pairs for link in self.topology.route(one.index, other.index, number))

    def _all_connected(self, stops: Sequence[Station]) -> bool:
        pairs = pairwise(stops)
        return all(stop.up for stop in stops) and all(self._moves(one, other) for one, other in pairs)

    def _moves(self, one: Station, other: Station) -> bool:
        return self._both_ways(one, other) and not self.clogged(one, other)

    def _tell(self) -> None:
        self._look()
        self._changed()

    def _look(self) -> None:
        self._connected.clear()
        self.changes += 1
        self.is_sound = not self._partitions and not self.links.any_degraded

    def _named(self, table: dict[str, list[int]], what: str, name: str) -> list[int]:
        found = table.get(name)
        if found is None:
            raise NoSuchLink(f"no {what} is called {name!r} (for example {next(iter(table))})")
        return found
