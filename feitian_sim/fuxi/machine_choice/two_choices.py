"""``two-choices``: the emptier of two."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from feitian_sim.fuxi.free_index import Shape, next_machine
from feitian_sim.fuxi.machine_choice.policy import Cluster, MachineChoice


class TwoChoicesChoice(MachineChoice):
    """Of a few machines drawn the one on the highest level of free share (Mitzenmacher, IEEE TPDS 2001; batch
    sampling of Sparrow, SOSP 2013): nearly as even as ``spread`` without looking at all machines."""

    kind: Literal["two-choices"] = "two-choices"
    choices: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Machines drawn for a unit, of which the emptiest is taken (count); default 2. Source: "
        "Mitzenmacher, IEEE TPDS 2001; Sparrow's probe ratio.",
    )

    def choose(self, cluster: Cluster, candidates: int, shape: Shape) -> int:
        """The emptiest of those drawn, the first drawn among equals."""
        count = len(cluster.index.bits)
        drawn = [next_machine(candidates, cluster.stream.integer(count)) for _ in range(self.choices)]
        return max(drawn, key=cluster.index.level)

    def at_once(self, cluster: Cluster, machine: int, shape: Shape, fit: int) -> int:
        """One, then another draw."""
        return 1
