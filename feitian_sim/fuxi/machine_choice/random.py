"""``random``: any machine."""

from __future__ import annotations

from typing import Literal

from feitian_sim.fuxi.free_index import Shape, next_machine
from feitian_sim.fuxi.machine_choice.policy import Cluster, MachineChoice


class RandomChoice(MachineChoice):
    """The first machine with room from a drawn one on, a unit at a time: close to uniform while many have room; the
    yardstick of the others."""

    kind: Literal["random"] = "random"

    def choose(self, cluster: Cluster, candidates: int, shape: Shape) -> int:
        """From a drawn place on."""
        return next_machine(candidates, cluster.stream.integer(len(cluster.index.bits)))

    def at_once(self, cluster: Cluster, machine: int, shape: Shape, fit: int) -> int:
        """One, then another draw."""
        return 1
