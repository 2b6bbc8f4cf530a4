"""How a client's bytes get into a chunk: a turn from the primary, one flow through all replicas, a commit.

The flow is one pipeline client -> primary -> secondaries and into a disk of each, so every hop and every disk
moves the bytes at the same pace, that of the slowest. Only the commit's answer makes them acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import CallFailed, Endpoint
from feitian_sim.kuafu.client import Answer
from feitian_sim.pangu.chunk_messages import CommitWrite, OpenWrite, WriteCommitted, WriteOpened, WriteRefused
from feitian_sim.pangu.content import Extent
from feitian_sim.pangu.messages import Leased

#: Extents for bytes that will stand at this offset: an append learns its place with its turn.
ExtentsAt = Callable[[int], tuple[Extent, ...]]
Pushed = WriteCommitted | WriteRefused


class WritePath:
    """A client's way to write into chunks."""

    def __init__(
        self,
        sim: Simulation,
        endpoint: Endpoint,
        datacenter: DataCenter,
        address_of: Callable[[int], str],
        data_deadline_ns: int,
    ) -> None:
        self._sim = sim
        self._endpoint = endpoint
        self._datacenter = datacenter
        self._address_of = address_of
        self._deadline_ns = data_deadline_ns

    def push(self, target: Leased, length_bytes: int, extents_at: ExtentsAt) -> Generator[Any, Any, Pushed]:
        """Write ``length_bytes`` at the end of the chunk; never raises for what the other side does."""
        primary, *others = (self._address_of(server) for server in target.servers)
        try:
            opened = yield self._endpoint.ask(
                primary, OpenWrite(target.chunk, target.version, length_bytes, tuple(others)), self._deadline_ns
            )
            if not isinstance(opened, WriteOpened):
                refused: WriteRefused = opened
                return refused
            broken = yield self._flow(target, opened, length_bytes)
            if broken is not None:
                return WriteRefused(f"the transfer failed: {broken}", failed=self._out_of_reach(target))
            extents = extents_at(opened.offset_bytes)
            committed: Pushed = yield self._endpoint.ask(primary, CommitWrite(opened.session, extents), self._deadline_ns)
        except CallFailed as error:
            return WriteRefused(str(error), failed=(primary,))
        return committed

    def _flow(self, target: Leased, opened: WriteOpened, length_bytes: int) -> Answer:
        """Push the bytes; the answer is None, or why it failed."""
        answer = Answer(self._sim)
        machines = [self._datacenter.machines[server] for server in target.servers]
        into = tuple(link for disk in opened.disks for link in self._datacenter.disk(disk).write_links)
        self._datacenter.network.transfer(
            self._endpoint.machine,
            machines[-1],
            length_bytes,
            via=tuple(machines[:-1]),
            disks_write=into,
            owner=self._endpoint.owner,
            on_done=lambda _: answer.arrived(None),
            on_fail=lambda _, reason: answer.arrived(reason),
        )
        return answer

    def servers_at(self, target: Leased, addresses: tuple[str, ...]) -> tuple[int, ...]:
        """The servers of a chunk that have these addresses."""
        return tuple(server for server in target.servers if self._address_of(server) in addresses)

    def _out_of_reach(self, target: Leased) -> tuple[str, ...]:
        """Replicas whose connection is broken: what a pipeline's acknowledgements say about who is gone."""
        network, here = self._datacenter.network, self._endpoint.machine
        return tuple(
            self._address_of(server)
            for server in target.servers
            if not network.reachable(here, self._datacenter.machines[server])
        )
