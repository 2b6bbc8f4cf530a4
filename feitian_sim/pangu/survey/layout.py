"""A layout: where each replica of each chunk lies, and the sets of servers that hold all copies of something."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import Servers

Ints = npt.NDArray[np.int64]
#: Partners are marked in a square of flags up to so many servers; beyond, pairs are sorted.
_SQUARE_SERVERS = 20_000


@dataclass(frozen=True)
class Layout:
    """``rows`` int32[chunks, replicas], servers of a chunk; ``lengths`` int64[chunks], bytes of each replica.

    ``view``: the servers, without what the layout puts on them.
    """

    view: ClusterView
    rows: Servers
    lengths: Ints

    @property
    def replicas(self) -> int:
        """Copies of each chunk."""
        return int(self.rows.shape[1])

    @property
    def chunks(self) -> int:
        """Chunks."""
        return len(self.rows)

    @cached_property
    def servers(self) -> Ints:
        """Servers that are there and have disks, ascending."""
        return np.flatnonzero(self.view.alive & (self.view.capacity_bytes > 0))

    @cached_property
    def used_bytes(self) -> Ints:
        """Bytes on each server of the view."""
        # Sums of whole bytes below 2**53, so the floats of bincount are exact.
        weights = self.lengths.astype(np.float64)
        used = np.zeros(self.view.count, dtype=np.int64)
        for place in range(self.replicas):
            used += np.bincount(self.rows[:, place], weights=weights, minlength=self.view.count).astype(np.int64)
        return used

    @cached_property
    def sets(self) -> Ints:
        """The distinct copysets: int64[sets, replicas], servers of each ascending, in order of their codes."""
        return self.decoded(self.codes)

    @cached_property
    def codes(self) -> Ints:
        """One number for each distinct copyset, ascending."""
        codes = np.sort(self.encoded(np.sort(self.rows, axis=1)))
        return codes[np.r_[True, codes[1:] != codes[:-1]]] if len(codes) else codes

    def encoded(self, sets: npt.NDArray[np.integer]) -> Ints:
        """Sets of servers, each ascending, as numbers. Raises ValueError where numbers of 64 bits do not suffice."""
        width = sets.shape[1]
        if self.view.count**width >= 2**63:
            raise ValueError(f"sets of {width} among {self.view.count} servers are too many to be numbered")
        codes = np.zeros(len(sets), dtype=np.int64)
        for column in range(width):
            codes = codes * self.view.count + sets[:, column]
        return codes

    def decoded(self, codes: Ints) -> Ints:
        """The sets of these numbers, of as many servers as there are replicas."""
        sets = np.empty((len(codes), self.replicas), dtype=np.int64)
        left = codes
        for column in reversed(range(self.replicas)):
            left, sets[:, column] = np.divmod(left, self.view.count)
        return sets

    @cached_property
    def scatter_widths(self) -> Ints:
        """With how many others each server with disks shares a chunk (Cidon et al., ATC 2013)."""
        count = self.view.count
        if count > _SQUARE_SERVERS:
            pairs = np.concatenate([self.sets[:, [a, b]] for a in range(self.replicas) for b in range(a)])
            pairs.sort(axis=1)
            codes = np.unique(pairs[:, 0] * count + pairs[:, 1])
            return np.bincount(np.concatenate([codes // count, codes % count]), minlength=count)[self.servers]
        together = np.zeros((count, count), dtype=np.bool_)
        for one in range(self.replicas):
            for other in range(self.replicas):
                if one != other:
                    together[self.sets[:, one], self.sets[:, other]] = True
        widths: Ints = together.sum(axis=1)[self.servers]
        return widths
