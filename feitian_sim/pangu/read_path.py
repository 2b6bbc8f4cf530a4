"""How a client gets a chunk's bytes: the nearest replica, checked at both ends, and another one if that fails.

Nearest is the same machine, then the same rack, then any, drawn by the client's own stream so that readers
spread. The server verifies its checksum before it sends, the client once more what it has got; a replica that fails
either is reported to the master, which has it replaced, and the read goes on elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import Stream
from feitian_sim.kuafu import CallFailed, Endpoint
from feitian_sim.pangu.chunk_messages import ChunkPulled, PullChunk, PullRefused
from feitian_sim.pangu.content import checksum
from feitian_sim.pangu.messages import ChunkPlace


@dataclass(frozen=True, slots=True)
class NotRead:
    """No replica could be read; why the last one could not."""

    reason: str


class ReadPath:
    """A client's way to read chunks."""

    def __init__(
        self,
        endpoint: Endpoint,
        datacenter: DataCenter,
        address_of: Callable[[int], str],
        data_deadline_ns: int,
        stream: Stream,
        on_damage: Callable[[int, int], object],
    ) -> None:
        self._endpoint = endpoint
        self._datacenter = datacenter
        self._address_of = address_of
        self._deadline_ns = data_deadline_ns
        self._stream = stream
        # Told (chunk, server) when a replica is bad.
        self._on_damage = on_damage

    def nearest_first(self, servers: Sequence[int]) -> list[int]:
        """The servers by distance; equally far ones in an order drawn for this read."""
        network, here = self._datacenter.network, self._endpoint.machine
        drawn = [(self._stream.uniform(), server) for server in servers]
        keyed = [
            (network.distance(here, self._datacenter.machines[server]), uniform, server) for uniform, server in drawn
        ]
        return [server for _, _, server in sorted(keyed)]

    def pull(
        self, source: ChunkPlace, offset_bytes: int, length_bytes: int
    ) -> Generator[Any, Any, ChunkPulled | NotRead]:
        """Read a part of a chunk from the first replica that has it."""
        reason = "no replica is known"
        for server in self.nearest_first(source.servers):
            address = self._address_of(server)
            request = PullChunk(source.chunk, source.version, offset_bytes, length_bytes)
            try:
                reply = yield self._endpoint.ask(address, request, self._deadline_ns)
            except CallFailed as error:
                reason = str(error)
                continue
            if isinstance(reply, ChunkPulled):
                if checksum(reply.extents) == reply.crc:
                    return reply
                reason = f"the bytes from {address} do not match their checksum"
                self._on_damage(source.chunk, server)
            else:
                refused: PullRefused = reply
                reason = f"{address}: {refused.reason}"
        return NotRead(reason)
