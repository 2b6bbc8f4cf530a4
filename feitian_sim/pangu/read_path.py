"""How a client gets a chunk's bytes: the nearest replica, checked at both ends, and another one if that fails.

Nearest is the same machine, then the same rack, then any, drawn by the client's own stream so that readers
spread; servers that did not answer this client lately come last. The server verifies its checksum before it sends,
the client once more what it has got; a replica that fails either is reported to the master, which has it replaced,
and the read goes on elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from feitian_sim.hardware import DataCenter
from feitian_sim.kernel import Simulation, Stream
from feitian_sim.kuafu import CallFailed, Endpoint
from feitian_sim.pangu.avoidance import Avoidance
from feitian_sim.pangu.chunk_messages import ChunkPulled, PullChunk, PullRefused
from feitian_sim.pangu.content import checksum
from feitian_sim.pangu.messages import ChunkPlace


@dataclass(frozen=True, slots=True)
class Pull:
    """What came of reading a chunk: the bytes, unless no replica could be read, and how many could not."""

    got: ChunkPulled | None
    failed: int
    reason: str = ""


class ReadPath:
    """A client's way to read chunks."""

    def __init__(
        self,
        sim: Simulation,
        endpoint: Endpoint,
        datacenter: DataCenter,
        address_of: Callable[[int], str],
        data_deadline_ns: int,
        stream: Stream,
        avoidance: Avoidance,
        on_damage: Callable[[int, int], object],
    ) -> None:
        self._sim = sim
        self._endpoint = endpoint
        self._datacenter = datacenter
        self._address_of = address_of
        self._deadline_ns = data_deadline_ns
        self._stream = stream
        self._avoidance = avoidance
        # Told (chunk, server) when a replica is bad.
        self._on_damage = on_damage

    def nearest_first(self, servers: Sequence[int]) -> list[int]:
        """The servers by distance; equally far ones in an order drawn for this read."""
        network, here = self._datacenter.network, self._endpoint.machine
        avoided = self._avoidance.avoided(self._sim.now)
        drawn = [(self._stream.uniform(), server) for server in servers]
        keyed = [
            (server in avoided, network.distance(here, self._datacenter.machines[server]), uniform, server)
            for uniform, server in drawn
        ]
        return [server for *_, server in sorted(keyed)]

    def pull(self, source: ChunkPlace, offset_bytes: int, length_bytes: int) -> Generator[Any, Any, Pull]:
        """Read a part of a chunk from the first replica that has it."""
        reason = "no replica is known"
        for failed, server in enumerate(self.nearest_first(source.servers)):
            address = self._address_of(server)
            request = PullChunk(source.chunk, source.version, offset_bytes, length_bytes)
            try:
                reply = yield self._endpoint.ask(address, request, self._deadline_ns)
            except CallFailed as error:
                reason = str(error)
                self._avoidance.failed((server,), self._sim.now)
                continue
            self._avoidance.answered(server)
            if isinstance(reply, ChunkPulled):
                if checksum(reply.extents) == reply.crc:
                    return Pull(reply, failed)
                reason = f"the bytes from {address} do not match their checksum"
                self._on_damage(source.chunk, server)
            else:
                refused: PullRefused = reply
                reason = f"{address}: {refused.reason}"
        return Pull(None, len(source.servers), reason)
