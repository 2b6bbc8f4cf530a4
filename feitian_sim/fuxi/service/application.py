"""Services as a kind of application: what a Tubo starts when it is told to start a service's master."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.resources import Vector, fits
from feitian_sim.fuxi.service.cell import ServiceCell
from feitian_sim.fuxi.service.description import ServiceDescription
from feitian_sim.fuxi.service.service_server import ServiceServer
from feitian_sim.kernel import ScenarioError


class ServiceApplication:
    """The kind ``service``."""

    def __init__(self, cell: ServiceCell, machines: Sequence[Vector]) -> None:
        self.cell = cell
        self._machines = tuple(dict.fromkeys(machines))
        #: Masters that run or ran last, by service.
        self.servers: dict[str, ServiceServer] = {}

    def begin(self, host: ApplicationHost) -> None:
        """A service's master has come up."""
        service: ServiceDescription = host.start.description
        server = self.servers[host.start.app] = ServiceServer(host, self.cell, service, _vectors(service, host.config))
        server.start()

    def refusal(self, description: Any, config: FuxiConfig) -> str:
        """Why a service cannot be run in this cell."""
        if not isinstance(description, ServiceDescription):
            return f"a service is a ServiceDescription, not a {type(description).__name__}"
        try:
            vectors = _vectors(description, config)
            for role in description.roles.values():
                self.cell.program(role.program)
            if description.partitions is not None:
                self.cell.policy(description.partitions.hot.kind)
        except ScenarioError as error:
            return str(error)
        for name, vector in zip(description.roles, vectors, strict=True):
            if not any(fits(vector, machine) for machine in self._machines):
                return f"role {name}: no machine has what a worker needs"
        return ""


def _vectors(service: ServiceDescription, config: FuxiConfig) -> tuple[Vector, ...]:
    """What a worker of each role needs. Raises ScenarioError for a resource that the cell does not have."""
    dimensions = config.resources.dimensions
    vectors = []
    for name, role in service.roles.items():
        amounts = role.resources.amounts()
        unknown = [resource for resource in amounts if resource not in dimensions.names]
        if unknown:
            raise ScenarioError(
                f"role {name}: the cell has no resource {unknown[0]}; it has {', '.join(dimensions.names)}"
            )
        vectors.append(dimensions.vector(amounts))
    return tuple(vectors)
