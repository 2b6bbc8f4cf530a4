"""The chunk servers as placement and repair see them: one row each, as far as the master knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class ClusterView:
    """Columns by server index. A server counts once it has registered (``alive``)."""

    def __init__(
        self,
        names: Sequence[str],
        rack: npt.ArrayLike,
        power_domain: npt.ArrayLike,
        capacity_bytes: npt.ArrayLike,
    ) -> None:
        self.names = tuple(names)
        self.rack = np.array(rack, dtype=np.int32)
        self.power_domain = np.array(power_domain, dtype=np.int32)
        self.capacity_bytes = np.array(capacity_bytes, dtype=np.int64)
        self.used_bytes = np.zeros(len(self.names), dtype=np.int64)
        self.alive = np.zeros(len(self.names), dtype=np.bool_)
        #: Whether new replicas may go there: not to a server that is being drained.
        self.accepting = np.ones(len(self.names), dtype=np.bool_)
        #: Clones that each server takes part in now, as target and as source.
        self.clones_in = np.zeros(len(self.names), dtype=np.int32)
        self.clones_out = np.zeros(len(self.names), dtype=np.int32)

    @property
    def count(self) -> int:
        """Servers, dead ones included."""
        return len(self.names)

    def copy(self) -> ClusterView:
        """A view of its own with the same figures, to try things on."""
        twin = ClusterView(self.names, self.rack, self.power_domain, self.capacity_bytes)
        twin.used_bytes[:] = self.used_bytes
        twin.alive[:] = self.alive
        twin.accepting[:] = self.accepting
        twin.clones_in[:] = self.clones_in
        twin.clones_out[:] = self.clones_out
        return twin

    def used_ratio(self) -> npt.NDArray[np.float64]:
        """How full each server is; 1 for one without disks."""
        return self.used_bytes / np.maximum(self.capacity_bytes, 1)

    def candidates(self, exclude: Sequence[int] = (), size_bytes: int = 0) -> Ints:
        """Living servers that accept replicas and have so much free space, ascending, without ``exclude``."""
        usable = self.alive & self.accepting & (self.capacity_bytes - self.used_bytes >= max(size_bytes, 1))
        if len(exclude):
            usable[list(exclude)] = False
        return np.flatnonzero(usable)
