"""Where a service's partitions keep their writes: takes nothing under a token older than one it has been shown.

It is the place at which alone exclusion can be enforced (see :mod:`feitian_sim.nuwa.fenced`): a worker that was stopped
between looking at its lease and sending its write goes on later, and is refused here. Partitions are split, so what is
fenced are ranges of keys.
"""

from __future__ import annotations

from bisect import bisect_right

from feitian_sim.fuxi.needs import BE_HEARD_BY_STORE
from feitian_sim.fuxi.service.facts import PartitionStored, WriteFenced
from feitian_sim.fuxi.service.messages import Fence, Put, Stored
from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import Endpoint, IncomingCall


class FencedKeys:
    """The newest token that was shown for each key from 0 below ``keys``."""

    def __init__(self, keys: int) -> None:
        self.keys = keys
        # Ranges: where each begins, and its token.
        self._lows = [0]
        self._tokens = [0]

    def _cut(self, at: int) -> int:
        """The position of the range that begins at ``at``, made if there is none."""
        place = bisect_right(self._lows, at) - 1
        if self._lows[place] != at:
            place += 1
            self._lows.insert(place, at)
            self._tokens.insert(place, self._tokens[place - 1])
        return place

    def newest(self, low: int, high: int) -> int:
        """The newest token of these keys."""
        first = bisect_right(self._lows, low) - 1
        last = bisect_right(self._lows, high - 1)
        return max(self._tokens[first:last])

    def touch(self, low: int, high: int, token: int) -> bool:
        """Work on these keys under a token; False when a newer one was shown for any of them."""
        assert 0 <= low < high <= self.keys, f"{low} to {high} of {self.keys} keys"
        newest = self.newest(low, high)
        if token <= 0 or token < newest:
            return False
        first = self._cut(low)
        last = self._cut(high) if high < self.keys else len(self._lows)
        if last - first > 1 or self._tokens[first] != token:
            self._lows[first:last] = [low]
            self._tokens[first:last] = [token]
        return True


class StoreServer:
    """The storage of one service, at one endpoint; ``takes_ns``: what it takes to keep one write."""

    def __init__(self, sim: Simulation, endpoint: Endpoint, app: str, keys: int, takes_ns: int) -> None:
        self._sim = sim
        self._app = app
        self._takes_ns = takes_ns
        self.address = endpoint.address
        self._owner = endpoint.owner
        self.fenced = FencedKeys(keys)
        #: How many writes each key's last token took, all in all: what must not be lost or doubled.
        self.writes = 0
        endpoint.serve(Fence, self._fence, BE_HEARD_BY_STORE)
        endpoint.serve(Put, self._put, BE_HEARD_BY_STORE)

    def _fence(self, call: IncomingCall) -> None:
        message: Fence = call.message
        self._owner.call_later(self._takes_ns, self._touch, call, message, -1)

    def _put(self, call: IncomingCall) -> None:
        message: Put = call.message
        self._owner.call_later(self._takes_ns, self._touch, call, message, message.key)

    def _touch(self, call: IncomingCall, message: Fence | Put, key: int) -> None:
        ok = self.fenced.touch(message.low, message.high, message.token)
        if not ok:
            self._sim.emit(WriteFenced(self._app, message.partition, message.worker, message.token))
        elif self._sim.facts.wants(PartitionStored):
            row = (message.partition, message.worker, message.low, message.high, message.token, key)
            self._sim.emit(PartitionStored(self._app, *row))
        if ok and key >= 0:
            self.writes += 1
        call.reply(Stored(ok))
