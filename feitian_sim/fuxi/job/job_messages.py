"""What instances and their JobMaster say to each other beside giving work and results; docstrings say who to whom."""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.fuxi.job.shuffle import Offer
from feitian_sim.fuxi.messages import per_item


@dataclass(frozen=True, slots=True)
class AskOutputs:
    """Instance that reads along a stream to its JobMaster: what is there of an edge's outputs that I do not have?

    ``have``: bit by bit the producers whose output it has. ``gone``: machines that did not have what they should.
    """

    app: str
    task: int
    instance: int
    edge: int
    have: int
    gone: tuple[int, ...] = ()

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.gone), 8) + self.have.bit_length() // 8


@dataclass(frozen=True, slots=True)
class OutputsAre:
    """JobMaster to such an instance: these; ``is_all``: with them it has everything."""

    offer: Offer
    is_all: bool

    @property
    def wire_bytes(self) -> int:
        """Bytes on the wire."""
        return per_item(128, len(self.offer.by_machine()), 16)
