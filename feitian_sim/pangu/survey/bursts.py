"""Bursts: what is lost when so many servers, any of them, fail for good at one time.

A chunk is lost when all its servers are among the F that fail, out of N. Its chance is q = C(F,R)/C(N,R) wherever it
lies, so the expected number of lost chunks is the same for every placement; what differs is how often anything is
lost at all (Cidon et al., Copysets, ATC 2013), and so how much is lost at one time.

P(any loss) is that some copyset in use fails. With S1 the sum of the sets' chances and S2 that of their pairs',
S1 - S2 <= P <= S1 (Bonferroni). Where these lie close together, both are counted and P is exact to their distance.
Elsewhere bursts are drawn by the estimator of Karp and Luby (FOCS 1983), whose relative error does not grow as P
becomes small: P is S1 times the mean of 1/K, where K sets are lost in a burst that takes a set drawn beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.survey.layout import Layout

Ints = npt.NDArray[np.int64]
#: S2 is counted while S1 is below this, and P taken as counted when S2 is less than this share of S1.
_RARE, _CLOSE = 0.1, 0.06
#: Bursts drawn at once, at most, and until half the interval is such a share of the value; the interval is of 95 %.
_BLOCK, _MOST, _NARROW = 256, 4096, 0.01
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class BurstRisk:
    """What a burst of ``failures`` servers takes: P(any loss) with bounds, and the expected number of lost chunks.

    ``counted``: whether the bounds are certain; otherwise they are a 95 % interval from ``trials`` drawn bursts.
    """

    failures: int
    any_loss_ratio: float
    low: float
    high: float
    counted: bool
    trials: int
    expected_chunks: float

    @property
    def chunks_per_incident(self) -> float:
        """Expected number of lost chunks, given that any is lost."""
        return self.expected_chunks / self.any_loss_ratio if self.any_loss_ratio > 0 else 0.0


def subset_chance(servers: int, failures: int, members: int) -> float:
    """The chance that ``members`` given servers are all among ``failures`` of ``servers``: C(F,m)/C(N,m)."""
    if failures < members:
        return 0.0
    return math.prod((failures - i) / (servers - i) for i in range(members))


def burst_risk(layout: Layout, failures: int, stream: Stream) -> BurstRisk:
    """What a burst takes from a layout; draws from ``stream`` only where counting does not settle it.

    Raises ValueError for more failures than servers.
    """
    servers, replicas = len(layout.servers), layout.replicas
    if not 0 <= failures <= servers:
        raise ValueError(f"{failures} of {servers} servers cannot fail")
    chance = subset_chance(servers, failures, replicas)
    expected = layout.chunks * chance
    first = len(layout.codes) * chance
    if failures < replicas or not layout.chunks:
        return BurstRisk(failures, 0.0, 0.0, 0.0, True, 0, 0.0)
    if failures == servers:
        return BurstRisk(failures, 1.0, 1.0, 1.0, True, 0, expected)
    if failures == replicas:
        # No two sets fit into the burst: the chances add up.
        return BurstRisk(failures, first, first, first, True, 0, expected)
    if first <= _RARE:
        second = _pairs_chance(layout, failures)
        if second <= _CLOSE * first:
            # The next term of the series is S2 * S1 / 3 where sets fail independently: 0.2 % at most.
            low = first - second
            return BurstRisk(failures, low, low, first, True, 0, expected)
    return _drawn(layout, failures, stream, expected)


def _pairs_chance(layout: Layout, failures: int) -> float:
    """The sum, over all pairs of copysets in use, of the chance that both fail."""
    replicas, servers = layout.replicas, len(layout.servers)
    # Pairs of sets that have (at least) these servers in common, summed over all groups of so many servers.
    sharing = [math.comb(len(layout.codes), 2)]
    for members in range(1, replicas):
        sharing.append(
            sum(_pairs_alike(_grouped(layout, columns)) for columns in [list(combinations(range(replicas), members))])
        )
    exactly = [0] * replicas
    for members in reversed(range(replicas)):
        more = sum(math.comb(wider, members) * exactly[wider] for wider in range(members + 1, replicas))
        exactly[members] = sharing[members] - more
    return math.fsum(
        count * subset_chance(servers, failures, 2 * replicas - members) for members, count in enumerate(exactly)
    )


def _grouped(layout: Layout, columns: list[tuple[int, ...]]) -> Ints:
    return np.concatenate([layout.encoded(layout.sets[:, list(chosen)]) for chosen in columns])


def _pairs_alike(codes: Ints) -> int:
    """How many pairs of equal numbers there are."""
    ordered = np.sort(codes)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    runs = np.diff(np.r_[starts, len(ordered)])
    return int((runs * (runs - 1) // 2).sum())


def _drawn(layout: Layout, failures: int, stream: Stream, expected: float) -> BurstRisk:
    """By the estimator of Karp and Luby: bursts that hold a set drawn beforehand, each weighed by how many it holds."""
    sets = len(layout.codes)
    first = sets * subset_chance(len(layout.servers), failures, layout.replicas)
    weights = np.zeros(0)
    value, half = 0.0, math.inf
    while len(weights) < _MOST and half > _NARROW * value:
        drawn = (stream.uniforms(_BLOCK) * sets).astype(np.int64)
        bursts = _bursts(layout, failures, stream, layout.sets[drawn])
        weights = np.concatenate([weights, 1.0 / _held(layout, bursts)])
        value = first * float(np.mean(weights))
        half = _Z * first * float(np.std(weights, ddof=1)) / math.sqrt(len(weights))
    low, high = max(0.0, value - half), min(1.0, first, value + half)
    return BurstRisk(failures, min(1.0, value), low, high, False, len(weights), expected)


def _bursts(layout: Layout, failures: int, stream: Stream, sets: Ints) -> Ints:
    """Bursts that take these sets and others at random, each ascending: int64[sets, failures]."""
    chance = np.full((len(sets), layout.view.count), np.inf)
    chance[:, layout.servers] = stream.uniforms(len(sets) * len(layout.servers)).reshape(len(sets), -1)
    np.put_along_axis(chance, sets, -1.0, axis=1)
    return np.sort(np.argpartition(chance, failures - 1, axis=1)[:, :failures], axis=1)


def _held(layout: Layout, bursts: Ints) -> Ints:
    """How many copysets each burst holds."""
    subsets = math.comb(bursts.shape[1], layout.replicas)
    # Looking a subset up costs about as much as looking at sixteen sets in passing, which 64 bursts share.
    if 64 * subsets * 16 < len(layout.codes):
        return np.array([_found(layout, burst) for burst in bursts])
    return np.concatenate([_passed(layout, bursts[first : first + 64]) for first in range(0, len(bursts), 64)])


def _found(layout: Layout, burst: Ints) -> int:
    codes = layout.encoded(burst[_subsets(len(burst), layout.replicas)])
    at = np.minimum(np.searchsorted(layout.codes, codes), len(layout.codes) - 1)
    return int((layout.codes[at] == codes).sum())


@lru_cache(maxsize=8)
def _subsets(members: int, size: int) -> Ints:
    return np.array(list(combinations(range(members), size)))


def _passed(layout: Layout, bursts: Ints) -> Ints:
    """As :func:`_found` for up to 64 bursts at once: a bit for each, and a set is lost where all its servers have it."""
    bits = np.zeros(layout.view.count, dtype=np.uint64)
    for number, burst in enumerate(bursts):
        bits[burst] |= np.uint64(1) << np.uint64(number)
    lost = bits[layout.sets[:, 0]]
    for column in range(1, layout.replicas):
        lost &= bits[layout.sets[:, column]]
    lost = lost[lost != 0]
    return np.array([int((lost >> np.uint64(number) & np.uint64(1)).sum()) for number in range(len(bursts))])
