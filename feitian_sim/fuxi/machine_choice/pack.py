"""``pack``: the fullest machines first."""

from __future__ import annotations

from typing import Literal

from feitian_sim.fuxi.free_index import Shape, next_machine
from feitian_sim.fuxi.machine_choice.policy import Cluster, MachineChoice


class PackChoice(MachineChoice):
    """The fullest machine that has room, as full as it gets (best fit, to within 1/16 of a machine): leaves whole
    machines free for large units, and loads few disks and links."""

    kind: Literal["pack"] = "pack"

    def choose(self, cluster: Cluster, candidates: int, shape: Shape) -> int:
        """The first among the fullest."""
        for level in cluster.index.levels:
            fullest = candidates & level
            if fullest:
                return next_machine(fullest, 0)
        raise AssertionError("every machine stands on a level")
