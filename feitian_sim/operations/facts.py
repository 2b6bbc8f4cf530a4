"""What an operator ordered, as a fact."""

from __future__ import annotations

from feitian_sim.kernel import Fact, fact


@fact("operations.ordered")
class Ordered(Fact):
    """The operator gave an order for one machine; what becomes of it is told by the part that carries it out."""

    operation: str
    action: str
    machine: str
