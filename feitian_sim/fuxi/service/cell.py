"""What all services of a cell share: their storage, the desks of the machines, their own code."""

from __future__ import annotations

from collections.abc import Mapping

from feitian_sim.fuxi.service.config import ServiceConfig
from feitian_sim.fuxi.service.desk import Desk
from feitian_sim.fuxi.service.hotspot import HOTSPOT, HotspotPolicy
from feitian_sim.fuxi.service.program import RoleProgram
from feitian_sim.fuxi.service.store import StoreServer
from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import ScenarioError
from feitian_sim.kuafu import Endpoint, Identities, Kuafu

STORE_ROLE = "fuxi.store"
#: Ports of services' storages, in turn.
FIRST_STORE_PORT = 5_000_000


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
        self._stores: dict[str, StoreServer] = {}
        self._desks: dict[str, Desk] = {}

    def store(self, app: str, keys: int) -> StoreServer:
        """The storage of a service: there once it is first asked for, on a machine beside the cluster."""
        store = self._stores.get(app)
        if store is None:
            machines = self._datacenter.client_machines or self._datacenter.machines
            machine = machines[-1]
            owner = self._datacenter.sim.owner(f"{STORE_ROLE}.{app}")
            port = FIRST_STORE_PORT + len(self._stores)
            credential = self._identities.module(STORE_ROLE, machine.name)
            endpoint = self._kuafu.endpoint(owner, machine, port, credential)
            store = self._stores[app] = StoreServer(self._datacenter.sim, endpoint, app, keys, self.config.store)
        return store

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
