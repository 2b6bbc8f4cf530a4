"""``round-robin``: one machine after the other."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.fuxi.free_index import Shape, next_machine
from feitian_sim.fuxi.machine_choice.policy import Cluster, MachineChoice


class RoundRobinChoice(MachineChoice):
    """The next machine after the last one chosen that has room, whatever it has free beside."""

    kind: Literal["round-robin"] = "round-robin"
    units: int = Field(
        default=0,
        ge=0,
        description="Units on a machine before the next one's turn (count), 0: as many as fit; default 0. Source: the "
        "fewest messages for a grant.",
    )

    def choose(self, cluster: Cluster, candidates: int, shape: Shape) -> int:
        """The next one."""
        return next_machine(candidates, cluster.latest + 1)

    def at_once(self, cluster: Cluster, machine: int, shape: Shape, fit: int) -> int:
        """``units`` of them."""
        return min(fit, self.units) if self.units else fit
