"""A Pangu cell on a data centre: masters on their machines, a chunk server on every machine that has disks, clients.

:class:`PanguCell` is the whole; ``preload`` places the dataset and starts the processes. At the beginning everybody
knows everybody: replicas are placed, registered and known to the master without a message.
"""

from __future__ import annotations

import numpy as np

from feitian_sim.hardware import Daemon, DataCenter, Machine
from feitian_sim.hardware.spread import spread_over_racks
from feitian_sim.kernel import Owner, ScenarioError, SimulatedError, Simulation
from feitian_sim.kuafu import Identities, Kuafu
from feitian_sim.pangu import dataset as datasets
from feitian_sim.pangu.bundle_runner import BundleRunner
from feitian_sim.pangu.chunk_server import CHUNK_SERVER_PORT, CHUNK_SERVER_ROLE, ChunkServer, FinderFactory
from feitian_sim.pangu.client import PanguClient
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.content import Extent, dataset_extents
from feitian_sim.pangu.heartbeat import BeatTimes, Heartbeats
from feitian_sim.pangu.ledger import Ledger
from feitian_sim.pangu.master import Master
from feitian_sim.pangu.master_finder import MasterFinder
from feitian_sim.pangu.master_server import MASTER_PORT, MASTER_ROLE, MasterParts, MasterServer
from feitian_sim.pangu.master_state import MasterState
from feitian_sim.pangu.masters import Masters
from feitian_sim.pangu.namespace import dataset_path
from feitian_sim.pangu.office import Office
from feitian_sim.pangu.operator import Operator
from feitian_sim.pangu.placement import PlacementPolicy, placement_from
from feitian_sim.pangu.placement.policy import Servers
from feitian_sim.pangu.rebalance import Rebalancer, rebalancer_from
from feitian_sim.pangu.replica_keeper import ReplicaKeeper
from feitian_sim.pangu.survey.layout import Layout
from feitian_sim.pangu.survey.survey import survey
from feitian_sim.pangu.truth import Truth
from feitian_sim.replog import Group

_FIRST_CLIENT_PORT = 20_000
#: Of clients inside other processes, of which there may be many.
_FIRST_INNER_PORT = 2_000_000


class PanguCell:
    """One Pangu. ``placement`` and ``rebalancer`` are the user's own objects; otherwise the configuration names them."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        kuafu: Kuafu,
        config: PanguConfig,
        office: Office,
        identities: Identities,
        *,
        placement: PlacementPolicy | None = None,
        rebalancer: Rebalancer | None = None,
    ) -> None:
        self._sim = sim
        self._datacenter = datacenter
        self._kuafu = kuafu
        self._config = config
        self._rebalancer = rebalancer if rebalancer is not None else rebalancer_from(config.rebalance)
        chosen: PlacementPolicy = placement if placement is not None else placement_from(config.placement)
        self._policy = self._rebalancer.placement(chosen)
        # Machines that are switched off at the beginning, to be added later.
        self._absent: tuple[int, ...] = ()
        self._dataset = datasets.EMPTY
        self._clients = 0
        self._inner_clients = 0
        self._addresses = [f"tcp://{machine.name}:{CHUNK_SERVER_PORT}" for machine in datacenter.machines]
        self.keepers = {machine.index: ReplicaKeeper(machine) for machine in datacenter.machines}
        self.ledger = Ledger(self._dataset_extents)
        self._office = office
        self._identities = identities
        self.masters = Masters(self._master_servers())
        self._hearing = MasterHearing(sim, datacenter, self.masters, self.keepers, config.heartbeat.every)
        beat = config.heartbeat
        times = BeatTimes(sim, beat.every, beat.scan)
        self.hearts = Heartbeats(sim, times, self._hearing, elide=beat.elide)
        datacenter.on_change(self.hearts.review)
        #: The cell's processes, the masters first.
        self.daemons: list[Daemon] = self._hosted()
        self.operator = Operator(sim, self.masters, datacenter.machines, config)
        self.truth = Truth(sim, self.keepers, self.masters, self._snapshot, self.ledger, config.replicas)
        sim.probes.append(self.truth.sample)
        sim.final_probes.append(self.truth.account)

    def _master_servers(self) -> list[MasterServer]:
        """The masters on their machines, all with the same log."""
        config, datacenter = self._config, self._datacenter
        racks = [[one for one in datacenter.machines if one.rack == rack] for rack in range(datacenter.config.racks)]
        machines = spread_over_racks(racks, config.masters)
        addresses = {number: f"tcp://{machine.name}:{MASTER_PORT}" for number, machine in enumerate(machines)}
        parts = MasterParts(
            config=config,
            group=Group("pangu.masters", addresses, first_leader=0),
            origin=self._snapshot,
            preloaded_chunks=lambda: self._dataset.chunk_count,
            core_of=self._core,
            address_of=self.address_of,
            bundles=BundleRunner(datacenter, self.keepers, config.repair),
            office=self._office,
            identities=self._identities,
            on_turn=lambda: self.hearts.review(),
            before_decision=lambda: self._hearing.catch_up(),
            on_release=lambda server: self.operator.release(server),
        )
        return [
            MasterServer(self._sim, datacenter, self._kuafu, machine, number, parts)
            for number, machine in enumerate(machines)
        ]

    def _hosted(self) -> list[Daemon]:
        daemons = [
            Daemon(server.machine, f"{MASTER_ROLE}-{server.member}", MASTER_ROLE, server.boot)
            for server in self.masters.servers
        ]
        for keeper in self.keepers.values():
            server = ChunkServer(
                self._sim,
                self._datacenter,
                self._kuafu,
                self._config,
                keeper,
                self._identities,
                self.masters,
                self._finder_for(keeper.machine),
                self.hearts,
                self.address_of,
                self._rebalancer.disks,
            )
            name = f"{CHUNK_SERVER_ROLE}@{keeper.machine.name}"
            daemons.append(Daemon(keeper.machine, name, CHUNK_SERVER_ROLE, server.boot))
        return daemons

    def _finder_for(self, machine: Machine) -> FinderFactory:
        """Finders of the master for the processes of a machine."""
        return lambda endpoint, on_move: MasterFinder(endpoint, self._office.directory(machine), on_move)

    def address_of(self, server: int) -> str:
        """Where the chunk server of a machine listens."""
        return self._addresses[server]

    # The beginning

    def preload(self) -> None:
        """Place the dataset and start every process. Raises :class:`ScenarioError` when it cannot be placed."""
        everywhere = self._view()
        everywhere.alive[:] = [machine.up for machine in self._datacenter.machines]
        self._absent = tuple(machine.index for machine in self._datacenter.machines if not machine.up)
        self._dataset, placed = datasets.laid_out(self._sim, everywhere, self._policy, self._config)
        if placed is not None:
            self._fill(placed)
            self._survey(everywhere, placed)
        for daemon in self.daemons:
            daemon.start()
        core = self.masters.core
        assert core is not None
        core.adopt([keeper.used_bytes for keeper in self.keepers.values()])
        if placed is not None:
            core.books.locations.load(0, placed)
        self._hearing.catch_up()

    def _fill(self, placed: Servers) -> None:
        """Put the replicas on the disks of their servers, in one step."""
        lengths = self._dataset.lengths
        try:
            by_server = np.argsort(placed.ravel(), kind="stable")
            ends = np.cumsum(np.bincount(placed.ravel(), minlength=len(self.keepers)))
            for server, keeper in self.keepers.items():
                replicas = by_server[ends[server - 1] if server else 0 : ends[server]]
                keeper.fill(replicas // self._config.replicas, lengths[replicas // self._config.replicas])
        except SimulatedError as error:
            raise ScenarioError(f"the dataset cannot be placed: {error}") from error

    def _survey(self, view: ClusterView, placed: Servers) -> None:
        """Count what the layout is worth, if the scenario asks for it."""
        asked = self._config.survey
        if asked is None:
            return
        layout = Layout(view, placed, self._dataset.lengths)
        found = survey(self._sim, layout, self._policy, self._datacenter.config, self._config, asked)
        for surveyed in found.facts():
            self._sim.facts.emit(surveyed)

    def _snapshot(self) -> MasterState:
        """The master's state before the first record of its log: the dataset's files and chunks."""
        state = MasterState()
        for server in self._absent:
            state.roster.set(server, "absent", 0)
        if self._dataset.chunk_count:
            state.load_dataset(self._dataset.chunks_per_file, self._dataset.lengths)
        return state

    def _core(self, state: MasterState, incarnation: int, now_ns: int) -> Master:
        stream = self._sim.stream
        streams = (stream("pangu.placement"), stream("pangu.placement", "", "repair"), stream("pangu.rebalance"))
        view = self._view()
        return Master(self._config, view, self._policy, state, streams, incarnation, now_ns, self._rebalancer)

    def _view(self) -> ClusterView:
        machines = self._datacenter.machines
        return ClusterView(
            names=tuple(machine.name for machine in machines),
            rack=[machine.rack for machine in machines],
            power_domain=[machine.power_domain for machine in machines],
            capacity_bytes=[keeper.capacity_bytes for keeper in self.keepers.values()],
        )

    def _dataset_extents(self, chunk: int) -> tuple[Extent, ...] | None:
        if chunk >= self._dataset.chunk_count:
            return None
        return dataset_extents(chunk, int(self._dataset.lengths[chunk]))

    # What upper packages use

    def client(self, machine: Machine, name: str, load: str = "") -> PanguClient:
        """A client process on ``machine``; its operations carry the name of the load."""
        port = _FIRST_CLIENT_PORT + self._clients
        self._clients += 1
        return self._client(self._sim.owner(f"pangu.client.{name}"), machine, port, name, load)

    def client_of(self, owner: Owner, machine: Machine, name: str) -> PanguClient:
        """A client that is part of a process, and dies with it."""
        self._inner_clients += 1
        return self._client(owner, machine, _FIRST_INNER_PORT + self._inner_clients, name, "")

    def _client(self, owner: Owner, machine: Machine, port: int, name: str, load: str) -> PanguClient:
        endpoint = self._kuafu.endpoint(owner, machine, port, self._identities.user(name))
        return PanguClient(
            self._sim,
            self._datacenter,
            endpoint,
            self._config,
            name=name,
            load=load,
            finder=MasterFinder(endpoint, self._office.directory(machine)),
            address_of=self.address_of,
            ledger=self.ledger,
        )

    def master_machines(self) -> list[Machine]:
        """Where its masters are."""
        return [server.machine for server in self.masters.servers]

    def dataset_paths(self) -> int:
        """How many files the dataset has."""
        return len(self._dataset.file_sizes)

    def dataset_path(self, number: int) -> str:
        """The path of one file of the dataset."""
        return dataset_path(number)

    def dataset_size_bytes(self, number: int) -> int:
        """The size of one file of the dataset."""
        return int(self._dataset.file_sizes[number])


class MasterHearing:
    """What the master hears without events: elided heartbeats, and what they would have said of disk use."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        masters: Masters,
        keepers: dict[int, ReplicaKeeper],
        every_ns: int,
    ) -> None:
        self._sim = sim
        self._index = {machine.name: machine.index for machine in datacenter.machines}
        self._masters = masters
        self._keepers = keepers
        self._every_ns = every_ns
        self._elided: dict[int, None] = {}
        self._due_ns = 0

    def elide(self, server: str, elided: bool) -> None:
        """From now on the server is heard without events, or again only with them."""
        index = self._index[server]
        if elided:
            self._elided[index] = None
        else:
            self._elided.pop(index, None)
        core = self._masters.core
        if core is not None:
            self._masters.run(core.elide(index, elided, self._sim.now))

    def heard(self, server: str, at_ns: int) -> None:
        """The last of the beats that took no event arrived at ``at_ns``."""
        core = self._masters.core
        if core is not None:
            core.heard(self._index[server], at_ns)

    def catch_up(self) -> None:
        """The master is about to decide: let it know the disk use that elided beats have told since the last time."""
        core = self._masters.core
        if core is None or self._sim.now < self._due_ns:
            return
        self._due_ns = self._sim.now + self._every_ns
        view = core.books.view
        for index in self._elided:
            view.used_bytes[index] = self._keepers[index].machine.used_bytes
