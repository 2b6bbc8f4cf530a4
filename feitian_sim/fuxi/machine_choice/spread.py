"""``spread``: the emptiest machines first."""

from __future__ import annotations

from typing import Literal

from feitian_sim.fuxi.free_index import LEVELS, Shape, next_machine
from feitian_sim.fuxi.machine_choice.policy import Cluster, MachineChoice


class SpreadChoice(MachineChoice):
    """Machines of the highest level of free share in turn, each down to the next level: the load is even to within
    1/16 of a machine, so that disks, links and failures are shared (worst fit)."""

    kind: Literal["spread"] = "spread"

    def choose(self, cluster: Cluster, candidates: int, shape: Shape) -> int:
        """In turn among the emptiest."""
        for level in reversed(cluster.index.levels):
            emptiest = candidates & level
            if emptiest:
                return next_machine(emptiest, cluster.latest + 1)
        raise AssertionError("every machine stands on a level")

    def at_once(self, cluster: Cluster, machine: int, shape: Shape, fit: int) -> int:
        """As many as take it to the next level."""
        free, capacity = cluster.index.free(machine), cluster.index.capacity(machine)
        floor = cluster.index.level(machine)
        most = fit
        for dimension, amount in shape.needs:
            above = free[dimension] - capacity[dimension] * floor // LEVELS
            most = min(most, above // amount + 1)
        return max(1, most)
