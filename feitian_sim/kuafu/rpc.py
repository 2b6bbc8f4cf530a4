"""Kuafu on a data centre: who listens where, and the way of a message from machine to machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feitian_sim.hardware import DataCenter, Machine
from feitian_sim.kernel import Owner, SimulatedError, Simulation
from feitian_sim.kuafu.calls import CallError
from feitian_sim.kuafu.config import KuafuConfig
from feitian_sim.kuafu.endpoint import Endpoint
from feitian_sim.kuafu.keepalive import Keepalive
from feitian_sim.kuafu.messages import RESET_BYTES

_SCHEME = "tcp://"


class AddressInUse(SimulatedError):
    """A live process already listens at the port."""


class Kuafu:
    """The calls of one simulation."""

    def __init__(self, sim: Simulation, datacenter: DataCenter, config: KuafuConfig | None = None) -> None:
        self.sim = sim
        self._datacenter = datacenter
        config = config or KuafuConfig()
        #: Processor time to take in one message.
        self.cpu_ns = config.cpu_per_message
        self.keepalive = Keepalive(datacenter.network, config.keepalive)
        datacenter.on_change(self._review)
        self._endpoints: dict[str, Endpoint] = {}
        self._machines: dict[str, Machine] = {}
        self._numbers = 0
        # What has left a process is in the hands of its operating system and of the wire: no death recalls it.
        self._wire = sim.owner("kuafu")
        self._send = datacenter.network.messenger.send

    def endpoint(self, owner: Owner, machine: Machine, port: int) -> Endpoint:
        """Open ``port`` of ``machine`` for a process. Raises :class:`AddressInUse`."""
        address = f"{_SCHEME}{machine.name}:{port}"
        present = self._endpoints.get(address)
        if present is not None and present.alive:
            raise AddressInUse(f"{address} is held by a live process")
        endpoint = Endpoint(self, owner, machine, address)
        self._endpoints[address] = endpoint
        self._machines[address] = machine
        owner.on_death(lambda: self._close(endpoint))
        return endpoint

    def next_number(self) -> int:
        """A number for a new call."""
        self._numbers += 1
        return self._numbers

    def machine_at(self, address: str) -> Machine:
        """The machine of an address."""
        machine = self._machines.get(address)
        if machine is None:
            name, _, port = address.removeprefix(_SCHEME).rpartition(":")
            assert port.isdigit(), f"{address!r} is no address"
            machine = self._machines[address] = self._datacenter.machine(name)
        return machine

    def transmit(
        self, source: Machine, target: Machine, size_bytes: int, deliver: Callable[..., object], *args: Any
    ) -> None:
        """Put one message on the wire; nobody is told when it is lost."""
        self._send(source, target, size_bytes, self._wire, deliver, args)

    def arrive(self, caller: Endpoint, address: str, number: int, message: object) -> None:
        """A request has reached the machine of ``address``."""
        endpoint = self._endpoints.get(address)
        if endpoint is None:
            error = CallError("refused", address)
            self.transmit(self.machine_at(address), caller.machine, RESET_BYTES, caller.ended, number, error)
        else:
            endpoint.receive(caller, number, message)

    def arrive_told(self, sender: str, address: str, message: object) -> None:
        """A told message has reached the machine of ``address``."""
        endpoint = self._endpoints.get(address)
        if endpoint is not None:
            endpoint.receive_told(sender, message)

    def _review(self) -> None:
        # In order of opening: a dict keeps it.
        self.keepalive.review(call for one in list(self._endpoints.values()) for call in one.pending_calls())

    def _close(self, endpoint: Endpoint) -> None:
        if self._endpoints.get(endpoint.address) is endpoint:
            del self._endpoints[endpoint.address]
        endpoint.die()
