"""Bulk transfers as fluid flows: each runs at its max-min fair rate until its bytes are through.

A flow crosses links (network cards, uplinks, disks). Whenever flows begin, end or links change, all rates are
solved once for that instant; a flow whose rate changed gets its bytes brought up to date and a new finish time. A
flow that cannot move (a link of it is down, an end is unreachable) stalls and fails after ``stall_timeout``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from feitian_sim.hardware.flow_arrays import NONE
from feitian_sim.hardware.flow_slots import Slots
from feitian_sim.hardware.links import Links
from feitian_sim.kernel import LATE, Owner, Simulation, Timer

#: Below so many flows solving all costs no more than looking for the region; and how many solves to look at nothing.
_MANY_FLOWS, _LONGEST_REST = 16, 255


class Flow:
    """One bulk transfer. ``number`` counts the flows of the simulation."""

    __slots__ = (
        "_engine",
        "_on_done",
        "_on_fail",
        "machines",
        "number",
        "owner",
        "path",
        "size_bytes",
        "slot",
        "stall",
        "start_ns",
    )

    def __init__(
        self,
        engine: FlowEngine,
        number: int,
        path: tuple[int, ...],
        machines: tuple[Any, ...],
        size_bytes: int,
        owner: Owner | None,
        on_done: Callable[[Flow], object],
        on_fail: Callable[[Flow, str], object],
    ) -> None:
        self._engine = engine
        self.number = number
        #: Links between the machines, as they come, then links of disks.
        self.path = path
        #: The machines that it joins, from source to last target.
        self.machines = machines
        self.size_bytes = size_bytes
        self.owner = owner
        self._on_done = on_done
        self._on_fail = on_fail
        self.start_ns = engine.sim.now
        self.slot = -1
        self.stall: Timer | None = None

    @property
    def active(self) -> bool:
        """Whether it has neither ended nor failed."""
        return self.slot >= 0

    @property
    def rate_bytes_per_s(self) -> float:
        """Its present rate."""
        return self._engine.rate_of(self.slot) if self.active else 0.0

    def cancel(self) -> None:
        """End it without a word. Harmless when it has ended.

        A dead owner's flow ends by the death alone: while the owner's generators unwind nothing can be scheduled.
        """
        if self.active and (self.owner is None or self.owner.alive):
            self._engine.drop(self)

    def owner_died(self) -> None:
        """The owner's death ends it."""
        if self.active:
            self._engine.drop(self)

    def tell_done(self) -> None:
        """Tell who started it that all bytes are through."""
        if self.owner is None or self.owner.deferred is None:
            self._on_done(self)
        else:
            self.owner.run(self._on_done, self)

    def tell_failed(self, reason: str) -> None:
        """Tell who started it that it will not end."""
        if self.owner is None or self.owner.deferred is None:
            self._on_fail(self, reason)
        else:
            self.owner.run(self._on_fail, self, reason)


class FlowEngine:
    """All flows of one network, in slots of arrays that the solver reads."""

    def __init__(self, sim: Simulation, links: Links, stall_timeout_ns: int) -> None:
        self.sim = sim
        self._links = links
        self._stall_ns = stall_timeout_ns
        self._flows: dict[int, Flow] = {}
        self._next_number = 0
        self._timer: Timer | None = None
        # Whether a solve at the end of this instant is on its way.
        self._solving = False
        self._stalled: dict[int, Flow] = {}
        self._carried: dict[str, int] = {}
        self._slots = Slots()
        # Slots of flows in the order in which they began, NONE where one has ended, and how much of it is in use.
        self._order = np.zeros(64, dtype=np.int64)
        self._in_order = 0
        # Slots of what began and ended since the last solve.
        self._begun: dict[int, None] = {}
        self._ended: list[int] = []
        self._whole = False
        self._rest = self._pause = 0

    def begin(
        self,
        path: tuple[int, ...],
        machines: tuple[Any, ...],
        size_bytes: int,
        cap_bytes_per_s: float,
        weight: float,
        owner: Owner | None,
        on_done: Callable[[Flow], object],
        on_fail: Callable[[Flow, str], object],
        *,
        blocked: bool,
    ) -> Flow:
        """Start a flow; its rate is solved at the end of this instant."""
        flow = Flow(self, self._next_number, path, machines, size_bytes, owner, on_done, on_fail)
        self._next_number += 1
        if owner is not None and not owner.alive:
            return flow
        flow.slot = self._slots.take(path, float(size_bytes), weight, cap_bytes_per_s, self.sim.now, self._in_order)
        self._flows[flow.slot] = flow
        self._line_up(flow.slot)
        if blocked:
            self._slots.limit(flow.slot, 0.0)
        if owner is not None:
            owner.on_death(flow.owner_died)
        self.solve_soon()
        return flow

    @property
    def count(self) -> int:
        """Flows begun so far: the number of the next."""
        return self._next_number

    def recheck(self, blocked: Callable[[tuple[Any, ...]], bool], path_now: Callable[[Flow], tuple[int, ...]]) -> None:
        """Re-read which flows can move at all and on which path, after a change of who reaches whom."""
        for slot, flow in self._flows.items():
            self._slots.limit(slot, 0.0 if blocked(flow.machines) else float(self._slots.own_cap[slot]))
            path = path_now(flow)
            if path != flow.path:
                flow.path = path
                self._slots.reroute(slot, path)
        self.solve_all_soon()

    def solve_all_soon(self) -> None:
        """Links have changed: solve for all flows at the end of this instant."""
        self._whole = self._slots.must_relist = True
        self.solve_soon()

    def solve_soon(self) -> None:
        """Solve at the end of this instant, once."""
        if (self._flows or self._ended) and not self._solving and not self.sim.gagged:
            self._solving = True
            self.sim.call_with_priority(LATE, 0, self._solve)

    def drop(self, flow: Flow) -> None:
        """Forget a flow that was cancelled or has ended."""
        self._count(self._carried, flow)
        slot, flow.slot = flow.slot, -1
        del self._flows[slot]
        self._order[self._slots.place(slot)] = NONE
        if slot in self._begun:
            del self._begun[slot]
            self._slots.give_back(slot)
        else:
            # The solver must see what it gives up before another flow may have its slot.
            self._ended.append(slot)
        self._calm(flow, slot)
        if flow.owner is not None:
            flow.owner.forget_death(flow.owner_died)
        self.solve_soon()

    def carried_bytes(self) -> dict[str, int]:
        """Bytes carried so far by each class of link; reading changes nothing."""
        carried = dict(self._carried)
        for flow in self._flows.values():
            self._count(carried, flow)
        return carried

    def rate_of(self, slot: int) -> float:
        """Present rate of the flow in a slot, bytes per second."""
        return self._slots.rate(slot)

    def _count(self, carried: dict[str, int], flow: Flow) -> None:
        sent = self._slots.delivered(flow.slot, flow.size_bytes, self.sim.now)
        for link in flow.path:
            link_class = self._links.classes[link]
            carried[link_class] = carried.get(link_class, 0) + sent

    def _line_up(self, slot: int) -> None:
        if self._in_order == len(self._order):
            self._order = np.concatenate([self._order, np.zeros_like(self._order)])
        self._order[self._in_order] = slot
        self._in_order += 1
        self._begun[slot] = None

    def _solve(self) -> None:
        from feitian_sim.hardware import flow_region  # compiled by numba: imported only where flows run

        self._solving = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        slots = self._slots
        whole = self._whole or self._pause > 0
        self._in_order, earliest, still, solved_all = flow_region.update(
            slots.net(self._links.capacity),
            self._order[: self._in_order],
            np.array(list(self._begun), dtype=np.int64),
            np.array(self._ended, dtype=np.int64),
            whole,
            slots.must_relist,
            self.sim.now,
        )
        self._whole = slots.must_relist = False
        self._pace(whole, solved_all)
        for slot in self._ended:
            slots.give_back(slot)
        self._ended.clear()
        self._begun.clear()
        if still or self._stalled:
            self._watch_stalls(self._order[: self._in_order])
        if earliest != flow_region.NEVER:
            self._timer = self.sim.timer(int(earliest) - self.sim.now, self._end_due)

    def _pace(self, whole: bool, solved_all: bool) -> None:
        """Where the region keeps growing into everything, look for one less often."""
        if whole:
            self._pause = max(0, self._pause - 1)
        elif solved_all and self._in_order >= _MANY_FLOWS:
            self._rest = min(_LONGEST_REST, 2 * self._rest + 1)
            self._pause = self._rest
        else:
            self._rest = 0

    def _end_due(self) -> None:
        self._timer = None
        due = self._slots.due(self._order[: self._in_order], self.sim.now)
        for flow in [self._flows[slot] for slot in due]:
            if flow.active:
                self._slots.finish_exactly(flow.slot)
                self.drop(flow)
                flow.tell_done()
        self.solve_soon()

    def _watch_stalls(self, active: npt.NDArray[np.int64]) -> None:
        for slot, flow in list(self._stalled.items()):
            if self._slots.rate(slot) > 0.0:
                self._calm(flow, slot)
        for slot in self._slots.still(active):
            flow = self._flows[slot]
            if flow.stall is None:
                flow.stall = self.sim.timer(self._stall_ns, self._give_up, flow)
                self._stalled[slot] = flow

    def _calm(self, flow: Flow, slot: int) -> None:
        if flow.stall is not None:
            flow.stall.cancel()
            flow.stall = None
            self._stalled.pop(slot, None)

    def _give_up(self, flow: Flow) -> None:
        self.drop(flow)
        flow.tell_failed("stalled")
