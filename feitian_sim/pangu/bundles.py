"""Repairs in bundles, for simulations of a year (DESIGN rule 5): one per failed server or disk and pair of racks.

Every chunk is planned as always, source and target by load and policy; then all chunks that go from one rack to
another travel as one transfer, at the rate that their share of the cluster's slots would have had, the cost of
dispatching each clone included. What is given up: slots per server are not kept, only the cluster's; chunks of a
bundle are all restored at its end, so the recovery time of the first is overstated and that of the last is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import Stream
from feitian_sim.pangu.books import Books
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.effects import Bundle
from feitian_sim.pangu.facts import Repair
from feitian_sim.pangu.placement.policy import PlacementImpossible, chosen

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Planned:
    """A bundle under way."""

    effect: Bundle
    copies_left: int
    queued_ns: int
    started_ns: int


class Bundler:
    """Turns all that waits into bundles."""

    def __init__(self, books: Books, stream: Stream) -> None:
        self._books = books
        self._stream = stream
        self._running: dict[int, _Planned] = {}
        self._next_number = 0
        # Chunks of running bundles: a second failure must wait for the first repair.
        self._busy: dict[int, None] = {}

    def plan(self, now_ns: int) -> tuple[list[Bundle], list[tuple[int, int]]]:
        """Bundles for what waits now, as far as clone slots are free.

        Beside them the chunks that found no target, with since when each waits; they wait no more unless put back.
        """
        free_slots = self._books.repair.limit - sum(planned.effect.slots for planned in self._running.values())
        if not self._books.repair.queued_count or free_slots < 1:
            return [], []
        groups, unplaced = self._group(self._books.repair.take_all_waiting(now_ns))
        total = sum(len(members) for members in groups.values())
        # A slot moves one chunk at a time, so a bundle has no use for more of them than it has chunks.
        bundles = [
            self._start(key[0], members, min(len(members), free_slots * len(members) / total), now_ns)
            for key, members in groups.items()
        ]
        return bundles, unplaced

    def _group(
        self, waiting: list[tuple[int, int]]
    ) -> tuple[dict[tuple[int, int, int], list[tuple[int, int, int, int]]], list[tuple[int, int]]]:
        """(Chunk, source, target, waiting since) by copies left and pair of racks; and what finds no target."""
        groups: dict[tuple[int, int, int], list[tuple[int, int, int, int]]] = {}
        unplaced: list[tuple[int, int]] = []
        view = self._books.view
        # Space is counted ahead only so that the policy spreads the wave; it is taken when the bundle ends.
        ahead = view.copy()
        for planned in self._running.values():
            np.add.at(ahead.used_bytes, planned.effect.targets, planned.effect.lengths)
        for chunk, queued_ns in waiting:
            if chunk in self._busy:
                continue
            holders = self._books.locations.servers(chunk)
            target = self._target(chunk, holders, ahead)
            if target is None:
                unplaced.append((chunk, queued_ns))
                continue
            source = holders[chunk % len(holders)]
            ahead.used_bytes[target] += int(self._books.state.chunks.lengths[chunk])
            key = (len(holders), int(view.rack[source]), int(view.rack[target]))
            groups.setdefault(key, []).append((chunk, source, target, queued_ns))
        return groups, unplaced

    def done(self, number: int) -> tuple[Bundle, int]:
        """The bundle has ended: give its slots back, and count its space. Also since when its chunks waited."""
        planned = self._running.pop(number)
        for chunk in planned.effect.chunks.tolist():
            self._busy.pop(chunk, None)
        np.add.at(self._books.view.used_bytes, planned.effect.targets, planned.effect.lengths)
        self._last = planned
        return planned.effect, planned.queued_ns

    def fact(self, bundle: Bundle, restored: int) -> Repair:
        """The fact of a bundle that :meth:`done` has just ended."""
        planned = self._last
        names = self._books.view.names
        return Repair(
            chunk=int(bundle.chunks[0]),
            chunks=restored,
            copies_left=planned.copies_left,
            source=names[int(bundle.sources[0])].split("/")[0],
            target=names[int(bundle.targets[0])].split("/")[0],
            size_bytes=int(bundle.lengths.sum()),
            queued_ns=planned.queued_ns,
            started_ns=planned.started_ns,
        )

    def _target(self, chunk: int, holders: tuple[int, ...], view: ClusterView) -> int | None:
        size_bytes = int(self._books.state.chunks.lengths[chunk])
        try:
            (target,) = chosen(self._books.policy, view, 1, self._stream, existing=holders, size_bytes=size_bytes)
        except PlacementImpossible as error:
            self._books.repair.put_off[str(error)] = self._books.repair.put_off.get(str(error), 0) + 1
            return None
        return int(target)

    def _start(self, copies_left: int, members: list[tuple[int, int, int, int]], slots: float, now_ns: int) -> Bundle:
        chunks, sources, targets, queued = (np.array(column, dtype=np.int64) for column in zip(*members, strict=True))
        lengths = self._books.state.chunks.lengths[chunks]
        bundle = Bundle(self._next_number, chunks, sources, targets, lengths, slots)
        self._next_number += 1
        self._running[bundle.number] = _Planned(bundle, copies_left, int(queued.min()), now_ns)
        for chunk in chunks.tolist():
            self._busy[chunk] = None
        return bundle
