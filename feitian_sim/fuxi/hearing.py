"""What the FuxiMaster hears without events, and who serves: as the simulation itself sees it.

No process of the platform looks here: each finds the FuxiMaster through Nuwa. Elided heartbeats
(:mod:`feitian_sim.pangu.heartbeat`) ask here whether a beat would certainly arrive.
"""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.fuxi.master_server import FuxiMasterServer
from feitian_sim.fuxi.reign import Reign
from feitian_sim.hardware import DataCenter, Machine


class Hearing:
    """Of one cell."""

    def __init__(self, datacenter: DataCenter, masters: Sequence[FuxiMasterServer]) -> None:
        self._network = datacenter.network
        self._index = {machine.name: machine.index for machine in datacenter.machines}
        self._masters = masters

    @property
    def serving(self) -> FuxiMasterServer | None:
        """The FuxiMaster that serves: of several that think so, the newest."""
        reigning = [master for master in self._masters if master.reign is not None]
        return max(reigning, key=_epoch) if reigning else None

    @property
    def reign(self) -> Reign | None:
        """Its reign."""
        serving = self.serving
        return serving.reign if serving is not None else None

    def epoch(self) -> int:
        """The number of its reign; 0 while nobody serves."""
        reign = self.reign
        return reign.epoch if reign is not None else 0

    def hears(self, machine: Machine, address: str) -> bool:
        """Whether a beat from a machine to that address would certainly reach the FuxiMaster."""
        serving = self.serving
        if serving is None or serving.reign is None or serving.address != address or serving.reign.is_paused:
            return False
        here, there = machine, serving.machine
        return self._network.reachable(here, there) and not self._network.impaired(here, there)

    def elide(self, server: str, elided: bool) -> None:
        """From now on the machine is heard without events, or again only with them."""
        reign = self.reign
        if reign is not None:
            reign.elide(self._index[server], elided)

    def heard(self, server: str, at_ns: int) -> None:
        """The last of the beats that took no event arrived at ``at_ns``."""
        reign = self.reign
        if reign is not None:
            reign.core.heard(self._index[server], at_ns)


def _epoch(master: FuxiMasterServer) -> int:
    return master.reign.epoch if master.reign is not None else 0
