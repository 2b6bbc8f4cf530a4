"""What all services of a cell share: their storage, the desks of the machines, their own code."""

from __future__ import annotations

from collections.abc import Mapping

from feitian_sim.fuxi.service.config import ServiceConfig
from feitian_sim.fuxi.service.desk import Desk
from feitian_sim.fuxi.service.hotspot import HOTSPOT, HotspotPolicy
from feitian_sim.fuxi.service.program import RoleProgram
from feitian_sim.fuxi.service.store import StoreServer
from feitian_sim.hardware import Daemon, DataCenter
from feitian_sim.kernel import ScenarioError
from feitian_sim.kuafu import Endpoint, Identities, Kuafu


class ServiceCell:
    """The services' half of a cell. ``own``: objects of users' own classes, by their references."""

    def __init__(
        self,
        datacenter: DataCenter,
        kuafu: Kuafu,
        identities: Identities,
        config: ServiceConfig,
        own: Mapping[str, object] | None = None,
    ) -> None:
        self.config = config
        self._datacenter = datacenter
        self._kuafu = kuafu
        self._identities = identities
        self._own = own if own is not None else {}
        self._storage: StoreServer | None = None
        self._desks: dict[str, Desk] = {}

    def open_storage(self) -> StoreServer:
        """The storage of all services, on the last machine of the cluster. Raises ScenarioError without a disk."""
        if self._storage is None:
            machine = self._datacenter.machines[-1]
            if not machine.disks:
                raise ScenarioError(
                    f"services keep their writes on a disk, and {machine.name} has none: cluster.machine.disks"
                )
            sim, store_ns = self._datacenter.sim, self.config.store
            self._storage = StoreServer(sim, self._kuafu, self._identities, machine, store_ns)
        return self._storage

    @property
    def daemons(self) -> tuple[Daemon, ...]:
        """What faults can reach beside Fuxi's own."""
        return (self._storage.daemon,) if self._storage is not None else ()

    def store(self, app: str, keys: int) -> StoreServer:
        """The storage, set up for a service."""
        storage = self.open_storage()
        storage.keep(app, keys)
        return storage

    def desk(self, endpoint: Endpoint) -> Desk:
        """Where the services' workers on a machine are spoken to: one for each life of its worker runtime."""
        desk = self._desks.get(endpoint.address)
        if desk is None or desk.endpoint is not endpoint:
            desk = self._desks[endpoint.address] = Desk(endpoint)
        return desk

    def policy(self, kind: str) -> HotspotPolicy:
        """A hot-spot policy by its name, or the user's own. Raises ScenarioError for one that is not there."""
        if kind in HOTSPOT:
            return HOTSPOT[kind]()
        own = self._own.get(kind)
        if not isinstance(own, HotspotPolicy):
            raise ScenarioError(f"{kind} is not loaded, or has no relieve(partitions, workers, limits)")
        return own

    def program(self, reference: str) -> RoleProgram | None:
        """A role's own code; None for one without. Raises ScenarioError for one that is not there."""
        if not reference:
            return None
        own = self._own.get(reference)
        if not isinstance(own, RoleProgram):
            raise ScenarioError(f"{reference} is not loaded, or has no compute_ns(request)")
        return own
