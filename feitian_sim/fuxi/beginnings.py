"""Where an application's own code begins: its master's process is up, and gets an endpoint and what it may use."""

from __future__ import annotations

from functools import partial

from feitian_sim.fuxi.application import ApplicationHost
from feitian_sim.fuxi.ports import APPLICATION_ROLE, FIRST_APPLICATION_PORT
from feitian_sim.fuxi.process_table import MasterHere
from feitian_sim.fuxi.tubo_parts import TuboParts
from feitian_sim.hardware import Machine
from feitian_sim.kernel import Simulation


class Beginnings:
    """Of the applications' masters of one machine, each of which has a port of its own."""

    def __init__(self, sim: Simulation, machine: Machine, parts: TuboParts) -> None:
        self._sim = sim
        self._machine = machine
        self._parts = parts
        self._ports = 0

    def begin(self, process: MasterHere) -> None:
        """Hand over to the application's kind."""
        parts, machine, owner = self._parts, self._machine, process.owner
        assert owner is not None, process
        self._ports += 1
        credential = parts.identities.module(APPLICATION_ROLE, machine.name)
        endpoint = parts.kuafu.endpoint(owner, machine, FIRST_APPLICATION_PORT + self._ports, credential)
        process.address = endpoint.address
        pangu = parts.pangu
        host = ApplicationHost(
            self._sim,
            parts.datacenter,
            owner,
            endpoint,
            machine,
            process.start,
            parts.directory(machine),
            partial(parts.nuwa, owner, machine),
            (lambda name: pangu(owner, machine, name)) if pangu is not None else None,
            parts.config,
        )
        # Not before the Tubo has told that it runs.
        owner.call_later(0, parts.kinds[process.start.kind].begin, host)
