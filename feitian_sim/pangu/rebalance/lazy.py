"""``lazy``: nothing is moved; what is written anyway, or repaired, goes to the emptiest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from feitian_sim.kernel import Ratio, Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.placement.policy import PlacementImpossible, PlacementPolicy, Servers
from feitian_sim.pangu.rebalance.rebalancer import Move, Rebalancer, Situation


class LazyRebalance(Rebalancer):
    """New and repaired replicas go to servers that are more than ``margin`` emptier than all together.

    Source: GFS, SOSP 2003, sec. 4.1 and 4.3 (new replicas on servers with below-average disk use; "gradually fills up a
    new chunkserver rather than instantly swamps it"). Expected: no byte is copied; the imbalance goes as fast as data
    is written; and all writes meet on the few new servers meanwhile, which is what the others are for.
    """

    kind: Literal["lazy"] = "lazy"
    margin: Ratio = Field(
        default=0.05,
        ge=0,
        description="So much emptier than all servers together must a server be to be preferred (a share of its "
        "capacity); default 5%. Source: a few chunks beyond the noise of random placement.",
    )

    def plan(self, situation: Situation) -> list[Move]:
        """No moves."""
        return []

    def placement(self, policy: PlacementPolicy) -> PlacementPolicy:
        """The scenario's policy, asked for the emptier servers first."""
        return EmptierFirst.over(policy, self.margin)

    @property
    def active(self) -> bool:
        """Never: there is nothing to ask for."""
        return False


class EmptierFirst(PlacementPolicy):
    """Another policy, restricted to the emptier servers wherever they can satisfy it."""

    margin: float = 0.05
    _inner: PlacementPolicy = PrivateAttr()

    @classmethod
    def over(cls, inner: PlacementPolicy, margin: float) -> EmptierFirst:
        """This policy over ``inner``."""
        made = cls(margin=margin)
        made._inner = inner
        return made

    def prepare(self, view: ClusterView, replicas: int, stream: Stream) -> None:
        """As the policy below."""
        self._inner.prepare(view, replicas, stream)

    def place(
        self,
        view: ClusterView,
        replicas: int,
        stream: Stream,
        *,
        writer: int | None = None,
        exclude: Sequence[int] = (),
        existing: Sequence[int] = (),
        size_bytes: int = 0,
    ) -> tuple[int, ...]:
        """As many replicas as possible on the emptier servers, the others wherever the policy below puts them."""
        chosen = list(existing)
        fuller = self._fuller(view)
        # Of a new chunk the emptier servers get what the rule leaves them; a policy that wants to choose all replicas
        # at once (copyset) still completes what stands already.
        while fuller and len(chosen) < len(existing) + replicas:
            try:
                (server,) = self._inner.place(
                    view, 1, stream, writer=writer, exclude=(*exclude, *fuller), existing=chosen, size_bytes=size_bytes
                )
            except PlacementImpossible:
                break
            if not self._inner.satisfied(view, [*chosen, server]):
                break
            chosen.append(int(server))
        missing = len(existing) + replicas - len(chosen)
        if missing:
            chosen += self._inner.place(
                view, missing, stream, writer=writer, exclude=exclude, existing=chosen, size_bytes=size_bytes
            )
        return tuple(chosen[len(existing) :])

    def place_many(
        self, view: ClusterView, count: int, replicas: int, stream: Stream, sizes: npt.NDArray[np.int64]
    ) -> Servers:
        """The dataset is placed by the policy below: it is there before anything could be unbalanced."""
        return self._inner.place_many(view, count, replicas, stream, sizes)

    def satisfied(self, view: ClusterView, servers: Sequence[int]) -> bool:
        """As the policy below."""
        return self._inner.satisfied(view, servers)

    def _fuller(self, view: ClusterView) -> list[int]:
        """Servers that are not to be preferred; none when that would leave nobody."""
        members = view.alive & view.accepting & (view.capacity_bytes > 0)
        mean = int(view.used_bytes[members].sum()) / max(1, int(view.capacity_bytes[members].sum()))
        emptier = members & (view.used_ratio() < mean - self.margin)
        return np.flatnonzero(~emptier).tolist() if emptier.any() else []
