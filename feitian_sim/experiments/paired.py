"""Paired differences: how another variant differs from the baseline where both met the same chance.

Run n of every variant draws the same failures, the same load and the same jitter (common random numbers), so a difference
is taken run by run, and what the runs have in common cancels. Intervals hold for all variants at once: Dunnett's
procedure (JASA 50, 1955) on the paired differences, which have the baseline in common and so correlate by one half.
Quantiles and largest values, whose mean over runs is skewed, have BCa bootstrap intervals (Efron, JASA 82, 1987), with
Bonferroni's correction for several variants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import numpy as np

from feitian_sim.experiments.statistics import CONFIDENCE, interval, mean

Method = Literal["equal", "t", "Dunnett", "BCa", "none"]
#: Fewer runs than these make no bootstrap: their resamples are too few to differ.
_FEWEST_FOR_BOOTSTRAP = 8
_RESAMPLES = 2000
_SKEWED = (".p50", ".p95", ".p99", ".max")


@dataclass(frozen=True, slots=True)
class Difference:
    """A variant less the baseline: the mean of the paired differences and its simultaneous 95 % interval.

    ``low`` and ``high`` are None for fewer than two pairs. ``method`` is how the interval was found.
    """

    value: float
    low: float | None
    high: float | None
    pairs: int
    method: Method

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out zero: the variants differ for all that is known."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def difference(name: str, ours: Sequence[float], baseline: Sequence[float], variants: int) -> Difference:
    """The difference of a metric over pairs of runs, beside ``variants - 1`` other comparisons with this baseline."""
    pairs = [one - other for one, other in zip(ours, baseline, strict=True)]
    value = mean(pairs)
    if len(pairs) < 2 or not all(map(math.isfinite, pairs)):
        return Difference(value, None, None, len(pairs), "none")
    if min(pairs) == max(pairs):
        return Difference(value, value, value, len(pairs), "equal")
    if name.endswith(_SKEWED) and len(pairs) >= _FEWEST_FOR_BOOTSTRAP:
        low_high = bootstrapped(name, pairs, 1 - (1 - CONFIDENCE) / max(1, variants))
        if low_high is not None:
            return Difference(value, *low_high, len(pairs), "BCa")
    error = float(np.std(pairs, ddof=1)) / math.sqrt(len(pairs))
    half = critical_value(variants, len(pairs) - 1) * error
    return Difference(value, value - half, value + half, len(pairs), "t" if variants == 1 else "Dunnett")


def bootstrapped(name: str, values: Sequence[float], confidence: float) -> tuple[float, float] | None:
    """BCa interval of the mean; None where the values are too much alike for it. The draws depend on ``name`` alone."""
    import warnings

    from scipy.stats import bootstrap

    seed = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = bootstrap(
            (np.array(values),),
            np.mean,
            n_resamples=_RESAMPLES,
            confidence_level=confidence,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


@lru_cache(maxsize=256)
def critical_value(variants: int, freedom: int, confidence: float = CONFIDENCE) -> float:
    """Dunnett's two-sided critical value for so many comparisons with one baseline; Student's for one.

    The largest absolute value of ``variants`` t variables of ``freedom`` degrees, correlated by one half each, stays
    below it with the given confidence.
    """
    from scipy.optimize import brentq
    from scipy.stats import multivariate_t, t

    alone = float(t.ppf((1 + confidence) / 2, freedom))
    if variants == 1:
        return alone
    shape = np.full((variants, variants), 0.5) + 0.5 * np.eye(variants)
    law = multivariate_t(shape=shape, df=freedom)
    edge = np.ones(variants)

    def missing(bound: float) -> float:
        inside = law.cdf(bound * edge, lower_limit=-bound * edge, random_state=1, maxpts=20_000 * variants)
        return float(inside) - confidence

    # Bonferroni's bound lies above.
    above = float(t.ppf(1 - (1 - confidence) / (2 * variants), freedom)) * 1.02
    return float(brentq(missing, alone, above, xtol=1e-3))


def interval_of(name: str, values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of one variant's mean: BCa for what is skewed, if there are runs enough, else Student's t."""
    if name.endswith(_SKEWED) and len(values) >= _FEWEST_FOR_BOOTSTRAP and min(values) < max(values):
        found = bootstrapped(name, values, CONFIDENCE)
        if found is not None:
            return found
    return interval(values)


def runs_needed(values: Sequence[float], precision: float) -> int:
    """Runs for which the interval's half width is expected to be ``precision`` of the mean; those there, if it is now.

    Raises ValueError for fewer than two values.
    """
    low_high = interval(values)
    if low_high is None:
        raise ValueError("two runs at least are needed to see how much they vary")
    half, centre = (low_high[1] - low_high[0]) / 2, abs(mean(values))
    if half <= precision * centre:
        return len(values)
    if centre == 0:
        return 2 * len(values)
    return max(len(values) + 1, math.ceil(len(values) * (half / (precision * centre)) ** 2))
