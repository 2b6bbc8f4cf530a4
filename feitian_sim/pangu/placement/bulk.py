"""Drawing the servers of millions of chunks at once, no two of a chunk in one domain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.placement.policy import Ints, PlacementImpossible, Servers

_BLOCK = 1 << 18


def draw_distinct(free: Ints, domain: npt.NDArray[np.integer], count: int, replicas: int, stream: Stream) -> Servers:
    """Rows of servers from ``free``, uniform among rows without two in one domain (rejection).

    ``domain``: by server index. Raises :class:`PlacementImpossible` when there are fewer domains than replicas.
    """
    domains = len(np.unique(domain[free]))
    if domains < replicas:
        raise PlacementImpossible(f"{replicas} replicas need {replicas} distinct places; there are {domains}")
    rows = np.empty((count, replicas), dtype=np.int32)
    for first in range(0, count, _BLOCK):
        block = rows[first : first + _BLOCK]
        left = np.arange(len(block))
        while len(left):
            drawn = stream.uniforms(len(left) * replicas).reshape(len(left), replicas)
            block[left] = free[(drawn * len(free)).astype(np.int64)]
            left = left[_clash(domain[block[left]])]
    return rows


def _clash(domains: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    ordered = np.sort(domains, axis=1)
    result: npt.NDArray[np.bool_] = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    return result
