"""The operator of a cell: tells the master which servers to add or to empty, and switches machines on and off.

An order reaches the master as soon as one is ready: an operator who is not heard tries again at every heartbeat. A
machine is switched on when the master has been told to expect it, and off only when the master has released it and
those clients that still remember it have been told that it has nothing any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from feitian_sim.hardware import Machine
from feitian_sim.kernel import Simulation
from feitian_sim.pangu.config import PanguConfig
from feitian_sim.pangu.masters import Masters
from feitian_sim.pangu.roster_requests import Action


class Operator:
    """One cell's operator."""

    def __init__(self, sim: Simulation, masters: Masters, machines: Sequence[Machine], config: PanguConfig) -> None:
        self._sim = sim
        self._masters = masters
        self._machines = machines
        self._retry_ns = config.heartbeat.every
        self._linger_ns = config.drain.linger
        self._released: dict[int, None] = {}

    def order(self, machines: Sequence[Machine], action: Action) -> None:
        """Have servers added, drained or decommissioned: all at once, so that none of them takes another's data."""
        core = self._masters.core
        if core is None:
            self._sim.call_later(self._retry_ns, self.order, machines, action)
            return
        self._masters.run(core.operate([machine.index for machine in machines], action, self._sim.now))
        for machine in machines if action == "add" else ():
            self._released.pop(machine.index, None)
            machine.switch_on()

    def release(self, server: int) -> None:
        """The master has no more use for a server that was to be decommissioned."""
        self._released[server] = None
        self._sim.call_later(self._linger_ns, self._switch_off, server)

    def _switch_off(self, server: int) -> None:
        # Whoever was added again in the meantime stays.
        if server in self._released:
            del self._released[server]
            self._machines[server].switch_off("decommissioned")
