"""What workers of a service that find no package lead to: the end of the service, if it has never come up.

A role is tried again for ever once a worker of it has run, since others live on what it did. Which roles have come up, a
later life of the ServiceMaster cannot know: any sign that the service ever ran counts for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from feitian_sim.fuxi.service.config import ServiceConfig
from feitian_sim.fuxi.service.description import RoleConfig
from feitian_sim.fuxi.service.workforce import Workforce


class Failures:
    """Of one life of a ServiceMaster."""

    def __init__(self, roles: Mapping[str, RoleConfig], force: Workforce, config: ServiceConfig) -> None:
        self._roles = tuple(roles.items())
        self._force = force
        self._config = config
        #: Workers that did not find their package, of each role of which none has come up.
        self._without_package = dict.fromkeys(range(len(self._roles)), 0)

    def came_up(self, role: int) -> None:
        """A worker of a role runs."""
        self._without_package.pop(role, None)

    def ran_before(self) -> None:
        """An earlier life of the master had the service running."""
        self._without_package.clear()

    def of_worker(self, role: int, why: str) -> None:
        """A worker is gone, or never came up."""
        if why != "no-package" or role not in self._without_package:
            return
        self._without_package[role] += 1
        times = self._without_package[role]
        if times >= self._config.attempts:
            name, config = self._roles[role]
            self._force.end(f"role {name} needs package {config.package}, which {times} workers did not find in Pangu")
