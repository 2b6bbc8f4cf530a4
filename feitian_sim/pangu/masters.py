"""The masters of a cell, as the simulation itself sees them: for probes, the operator and what takes no event.

No process of the platform looks here: it finds the active master through Nuwa.
"""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.hardware import Machine
from feitian_sim.pangu.effects import Effect
from feitian_sim.pangu.master import Master
from feitian_sim.pangu.master_log import MasterLog
from feitian_sim.pangu.master_server import MasterServer
from feitian_sim.pangu.records import Record
from feitian_sim.pangu.reign import Reign


class Masters:
    """All masters; ``reign`` is that of the active one: of several that think so, the newest."""

    def __init__(self, servers: Sequence[MasterServer]) -> None:
        self.servers = tuple(servers)

    @property
    def active(self) -> MasterServer | None:
        """The master that serves."""
        reigning = [server for server in self.servers if server.reign is not None]
        return max(reigning, key=_epoch) if reigning else None

    @property
    def reign(self) -> Reign | None:
        """Its reign."""
        active = self.active
        return active.reign if active is not None else None

    @property
    def core(self) -> Master | None:
        """What it decides with; None while no master is active."""
        reign = self.reign
        return reign.core if reign is not None else None

    @property
    def machine(self) -> Machine | None:
        """Where it runs."""
        active = self.active
        return active.machine if active is not None else None

    def durable_records(self) -> Sequence[Record]:
        """The records that are chosen and still on a quorum of the masters' disks: what a next master would recover.

        A record is chosen once a quorum has it durably, so the longest log that any master has applied tells which are;
        what the failure of disks took since is missing in a quorum.
        """
        longest = max((server.records for server in self.servers if server.records is not None), key=_length)
        sound = sum(1 for server in self.servers if not server.disk.failed)
        return longest.records if sound > len(self.servers) // 2 else ()

    def run(self, effects: Sequence[Effect]) -> None:
        """Have the active master carry out what its core has decided."""
        reign = self.reign
        assert reign is not None, "no master is active"
        reign.run(list(effects))


def _length(log: MasterLog) -> int:
    return log.count


def _epoch(server: MasterServer) -> int:
    return server.reign.epoch if server.reign is not None else 0
