"""One line of the table of benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured, in ``unit``, against which yardstick; ``at_least`` or ``at_most`` is the aim."""

    what: str
    value: float
    unit: str
    yardstick: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def aim(self) -> str:
        """The aim in words."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "-" if self.at_most is None else f"<= {self.at_most:g}"

    @property
    def verdict(self) -> str:
        """Whether it is met."""
        if self.at_least is not None:
            return "met" if self.value >= self.at_least else "NOT MET"
        if self.at_most is not None:
            return "met" if self.value <= self.at_most else "NOT MET"
        return ""


def ratio(yardstick: Callable[[], float], ours: Callable[[], float], rounds: int = 5) -> float:
    """How many times as fast as the yardstick: the median over paired rounds of seconds."""
    return median(yardstick() / ours() for _ in range(rounds))
