"""Failure domains: what is lost when a rack or a power domain, or two of them, fail for good, and how many are spare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.survey.layout import Layout


@dataclass(frozen=True, slots=True)
class DomainRisk:
    """What ``lost`` simultaneous failures of domains take, counted: P(any loss) and the expected number of chunks."""

    domains: int
    lost: int
    any_loss_ratio: float
    expected_chunks: float

    @property
    def chunks_per_incident(self) -> float:
        """Expected number of lost chunks, given that any is lost."""
        return self.expected_chunks / self.any_loss_ratio if self.any_loss_ratio > 0 else 0.0


def domain_risk(layout: Layout, domain: npt.NDArray[np.int32], lost: int) -> DomainRisk:
    """What one or two domains take that fail together, each (pair) as likely as any other. ``lost``: 1 or 2."""
    names = np.unique(domain[layout.servers])
    count = len(names)
    position = np.zeros(len(domain), dtype=np.int32)
    position[layout.servers] = np.searchsorted(names, domain[layout.servers])
    columns = [position[layout.rows[:, place]] for place in range(layout.replicas)]
    least, most = reduce(np.minimum, columns), reduce(np.maximum, columns)
    alone = least[least == most]
    if lost == 1:
        any_loss = len(np.unique(alone)) / max(count, 1)
        return DomainRisk(count, 1, any_loss, len(alone) / max(count, 1))
    pairs = math.comb(count, 2)
    if not pairs:
        return DomainRisk(count, 2, float(layout.chunks > 0), float(layout.chunks))
    in_two = reduce(np.logical_and, [(column == least) | (column == most) for column in columns]) & (least != most)
    both = least[in_two].astype(np.int64) * count + most[in_two]
    codes = np.unique(both)
    fatal = np.zeros((count, count), dtype=np.bool_)
    fatal[codes // count, codes % count] = True
    single = np.unique(alone)
    fatal[single, :] = fatal[:, single] = True
    fatal = (fatal | fatal.T)[np.triu_indices(count, 1)]
    # A chunk that lies in one domain is lost with each of the pairs in which that domain is.
    expected = (len(both) + len(alone) * (count - 1)) / pairs
    return DomainRisk(count, 2, float(fatal.sum()) / pairs, expected)


def apart_ratio(layout: Layout, domain: npt.NDArray[np.int32]) -> float:
    """Share of the chunks whose copies all lie in different domains; 1 where there is no chunk."""
    if not layout.chunks:
        return 1.0
    where = np.sort(domain[layout.rows], axis=1)
    return float((where[:, 1:] != where[:, :-1]).all(axis=1).mean())


def spare_domains(layout: Layout, domain: npt.NDArray[np.int32]) -> int:
    """Domains beyond those that one chunk needs: how many may fail before a chunk cannot have its copies apart."""
    return len(np.unique(domain[layout.servers])) - layout.replicas
