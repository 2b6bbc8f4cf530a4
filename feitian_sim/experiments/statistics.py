"""Statistics over runs: the mean of each metric and its 95 % confidence interval by Student's t.

Runs are independent replications (substreams of one seed), so that their values are a sample. One run has no
interval. A metric that is absent from some runs is averaged over those that have it, and says how many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric over runs: mean, interval (None for one run) and the number of runs that have it."""

    name: str
    unit: str
    value: float
    interval: tuple[float, float] | None
    runs: int


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean, the same on every Python version."""
    return math.fsum(values) / len(values)


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Confidence interval of the mean; None for fewer than two values or values that are not finite."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return None
    centre = mean(values)
    variance = math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)
    if variance == 0:
        return (centre, centre)
    from scipy.stats import t  # over a second of import

    half = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * math.sqrt(variance / len(values))
    return (centre - half, centre + half)


def over_runs(runs: Sequence[Mapping[str, float]], units: Mapping[str, str]) -> list[Estimate]:
    """Each metric of any run, in the order in which the runs name them."""
    names = dict.fromkeys(name for values in runs for name in values)
    return [_estimate(name, units.get(name, ""), [values[name] for values in runs if name in values]) for name in names]


def _estimate(name: str, unit: str, values: list[float]) -> Estimate:
    return Estimate(name, unit, mean(values), interval(values), len(values))


def wilson(hits: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion (JASA 22, 1927); with no hit its upper end is the rule of three's, 3/n."""
    if hits in (0, trials):
        # On one side only: what is as likely as 5 % to have shown no exception in so many trials.
        edge = min(1.0, -math.log(1 - confidence) / trials)
        return (0.0, edge) if hits == 0 else (1.0 - edge, 1.0)
    from scipy.stats import binomtest  # over a second of import

    found = binomtest(hits, trials).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)
