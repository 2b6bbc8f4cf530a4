"""``none``: replicas stay where they are."""

from __future__ import annotations

from typing import Literal

from feitian_sim.pangu.rebalance.rebalancer import Move, Rebalancer, Situation


class NoRebalance(Rebalancer):
    """Nothing is moved, and new chunks go where the placement policy says.

    Expected: servers that join stay emptier than the others for as long as nobody writes.
    """

    kind: Literal["none"] = "none"

    def plan(self, situation: Situation) -> list[Move]:
        """No moves."""
        return []

    @property
    def active(self) -> bool:
        """Never."""
        return False
