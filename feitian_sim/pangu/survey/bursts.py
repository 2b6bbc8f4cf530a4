"""Bursts: what is lost when so many servers, any of them, fail for good at one time.

A chunk is lost when all its servers are among the F that fail, out of N. Its chance is q = C(F,R)/C(N,R) wherever it
lies, so the expected number of lost chunks is the same for every placement; what differs is how often anything is
lost at all (Cidon et al., Copysets, ATC 2013), and so how much is lost at one time.

P(any loss) is that some copyset in use fails. With S1 the sum of the sets' chances and S2 that of their pairs',
S1 - S2 <= P <= S1 (Bonferroni). Where these lie close together, both are counted and P is exact to their distance;
elsewhere bursts are drawn, and P carries a Wilson interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.survey.layout import Layout

Ints = npt.NDArray[np.int64]
#: S2 is counted while S1 is below this, and P taken as counted when S2 is less than this share of S1.
_RARE, _CLOSE = 0.1, 0.06
#: Bursts drawn at once, at most, and until the interval is so narrow.
_BLOCK, _MOST, _NARROW = 256, 4096, 0.02
_CONFIDENCE = 0.95


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
    hits = trials = 0
    low, high = 0.0, 1.0
    while trials < _MOST and high - low > _NARROW:
        hits += int(_losses(layout, _bursts(layout, failures, stream, _BLOCK)).sum())
        trials += _BLOCK
        low, high = wilson(hits, trials)
    return BurstRisk(failures, hits / trials, low, high, False, trials, expected)


def wilson(hits: int, trials: int, confidence: float = _CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion (JASA 22, 1927); with no hit its upper end is the rule of three's, 3/n."""
    if hits in (0, trials):
        # On one side only: what is as likely as 5 % to have shown no exception in so many trials.
        edge = min(1.0, -math.log(1 - confidence) / trials)
        return (0.0, edge) if hits == 0 else (1.0 - edge, 1.0)
    from scipy.stats import binomtest  # over a second of import

    found = binomtest(hits, trials).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def _bursts(layout: Layout, failures: int, stream: Stream, count: int) -> Ints:
    """Servers that fail, each burst ascending: int64[count, failures]."""
    drawn = stream.uniforms(count * len(layout.servers)).reshape(count, -1)
    failed = layout.servers[np.argpartition(drawn, failures - 1, axis=1)[:, :failures]]
    return np.sort(failed, axis=1)


def _losses(layout: Layout, bursts: Ints) -> npt.NDArray[np.bool_]:
    """Which bursts hold a whole copyset."""
    subsets = math.comb(bursts.shape[1], layout.replicas)
    # Looking a subset up costs about as much as looking at sixteen sets in passing, which 64 bursts share.
    if 64 * subsets * 16 < len(layout.codes):
        return np.array([_holds(layout, burst) for burst in bursts])
    return np.concatenate([_passed(layout, bursts[first : first + 64]) for first in range(0, len(bursts), 64)])


def _holds(layout: Layout, burst: Ints) -> bool:
    chosen = np.array(list(combinations(range(len(burst)), layout.replicas)))
    codes = layout.encoded(burst[chosen])
    at = np.minimum(np.searchsorted(layout.codes, codes), len(layout.codes) - 1)
    return bool((layout.codes[at] == codes).any())


def _passed(layout: Layout, bursts: Ints) -> npt.NDArray[np.bool_]:
    """As :func:`_holds` for up to 64 bursts at once: a bit for each, and a set is lost where all its servers have it."""
    bits = np.zeros(layout.view.count, dtype=np.uint64)
    for number, burst in enumerate(bursts):
        bits[burst] |= np.uint64(1) << np.uint64(number)
    lost = bits[layout.sets[:, 0]]
    for column in range(1, layout.replicas):
        lost &= bits[layout.sets[:, column]]
    any_lost = int(np.bitwise_or.reduce(lost))
    return np.array([bool(any_lost >> number & 1) for number in range(len(bursts))])
