"""Recording: every message that chance struck in a run, as faults that strike the same by name.

What a shrinker starts from: a random fault becomes a list of single messages, of which it leaves out what does not
matter. The run must have been one of numbered messages (:attr:`NetworkLoss.named` and its like).
"""

from __future__ import annotations

from typing import Any

from feitian_sim.faults.facts import Deviation
from feitian_sim.faults.message_config import NetworkMessage
from feitian_sim.kernel import Simulation


class DeviationRecorder:
    """Listens from before the run; ``deviations`` are in order of time."""

    def __init__(self, sim: Simulation) -> None:
        self.deviations: list[Deviation] = []
        sim.facts.subscribe(Deviation, self._note)

    def _note(self, _: int, deviation: Deviation) -> None:
        self.deviations.append(deviation)

    def messages(self) -> list[NetworkMessage]:
        """The faults that strike these messages in the same way."""
        return [NetworkMessage.model_validate(as_scenario(deviation)) for deviation in self.deviations]


def as_scenario(deviation: Deviation) -> dict[str, Any]:
    """A deviation as an item of a scenario's ``faults``."""
    item: dict[str, Any] = {
        "kind": "network-message",
        "source": deviation.source,
        "target": deviation.target,
        "number": deviation.number,
        "effect": deviation.effect,
    }
    if deviation.delay_ns:
        item["delay"] = f"{deviation.delay_ns}ns"
    return item
