"""Balancing (K5): which of a service's servers a call goes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from feitian_sim.hardware import Machine

BalanceName = Literal["round-robin", "least-outstanding", "local-first"]


class Balancer:
    """One caller's choice. ``machine_of(address)`` says where a server is."""

    def __init__(self, policy: BalanceName, machine: Machine, machine_of: Callable[[str], Machine]) -> None:
        self._policy = policy
        self._machine = machine
        self._machine_of = machine_of
        self._turn = 0
        #: Calls under way, by address.
        self.outstanding: dict[str, int] = {}

    def choose(self, addresses: Sequence[str], shunned: Sequence[str] = ()) -> str:
        """One of ``addresses``, of those that are not ``shunned`` if there are any; there must be one at least."""
        candidates = [one for one in addresses if one not in shunned] or list(addresses)
        if self._policy == "least-outstanding":
            least = min(self.outstanding.get(one, 0) for one in candidates)
            candidates = [one for one in candidates if self.outstanding.get(one, 0) == least]
        elif self._policy == "local-first":
            nearest = min(self._distance(one) for one in candidates)
            candidates = [one for one in candidates if self._distance(one) == nearest]
        self._turn += 1
        return candidates[self._turn % len(candidates)]

    def _distance(self, address: str) -> int:
        """0 on the same machine, 1 in the same rack, 2 elsewhere."""
        machine = self._machine_of(address)
        if machine is self._machine:
            return 0
        return 1 if machine.rack == self._machine.rack else 2

    def begins(self, address: str) -> None:
        """A call to a server is under way."""
        self.outstanding[address] = self.outstanding.get(address, 0) + 1

    def ends(self, address: str) -> None:
        """It is over."""
        left = self.outstanding[address] - 1
        if left:
            self.outstanding[address] = left
        else:
            del self.outstanding[address]
