"""A plan in the making: what the servers would use after the moves chosen so far, and which moves still fit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from feitian_sim.pangu.rebalance.rebalancer import Ints, Move, Situation, keeps_rule

Floats = npt.NDArray[np.float64]
#: So many chunks of a server are looked at for one that may go to a given target.
_LOOK_AT_MOST = 64


class Plan:
    """Moves, each checked for the placement rule, room, and what its two servers can move in one interval."""

    def __init__(self, situation: Situation, budget_bytes: int) -> None:
        self._situation = situation
        view = situation.view
        #: The servers after the moves chosen so far.
        self.view = view.copy()
        #: Servers that take part: alive, with disks, not being drained.
        self.members: Ints = np.flatnonzero(view.alive & view.accepting & (view.capacity_bytes > 0))
        #: The moves chosen so far.
        self.moves: list[Move] = []
        self._left_bytes = np.full(view.count, budget_bytes, dtype=np.int64)
        self._chosen: dict[int, None] = {move.chunk: None for move in situation.moves}
        self._chunks: dict[int, list[int]] = {}
        lengths = situation.lengths[situation.lengths > 0]
        self._smallest_bytes = int(lengths.min()) if len(lengths) else 0

    @property
    def mean(self) -> float:
        """How full the members are together: no move changes it."""
        capacity_bytes = int(self.view.capacity_bytes[self.members].sum())
        return int(self.view.used_bytes[self.members].sum()) / max(1, capacity_bytes)

    def ratios(self) -> Floats:
        """How full each server would be; by server, not by member."""
        return self.view.used_ratio()

    def by_ratio(self) -> list[int]:
        """Members, the emptiest first; equally full ones by index."""
        order: list[int] = self.members[np.argsort(self.ratios()[self.members], kind="stable")].tolist()
        return order

    def above_bytes(self, server: int, level: float) -> float:
        """Bytes by which a server is above ``level``; negative when it is below."""
        return float(self.view.used_bytes[server] - level * self.view.capacity_bytes[server])

    def can_give(self, server: int) -> bool:
        """Whether the server could move another chunk in this interval."""
        return bool(self._left_bytes[server] >= max(1, self._smallest_bytes))

    def chunks(self, server: int) -> list[int]:
        """Movable chunks of a server, in an order drawn for this plan."""
        found = self._chunks.get(server)
        if found is None:
            there = self._situation.chunks_on(server)
            found = self._chunks[server] = there[self._situation.stream.permutation(len(there))].tolist()
        return found

    def find(self, source: int, target: int, most_bytes: float = np.inf) -> Move | None:
        """A move from ``source`` to ``target`` of at most so many bytes."""
        if most_bytes < self._smallest_bytes or not (self.can_give(source) and self.can_give(target)):
            return None
        looked_at = 0
        for chunk in self.chunks(source):
            if chunk in self._chosen:
                continue
            looked_at += 1
            if looked_at > _LOOK_AT_MOST:
                return None
            move = self.fitting(chunk, source, target, most_bytes)
            if move is not None:
                return move
        return None

    def fitting(self, chunk: int, source: int, target: int, most_bytes: float = np.inf) -> Move | None:
        """The move of ``chunk``, or None where it may not be made or is of more bytes than that."""
        size_bytes = int(self._situation.lengths[chunk])
        view = self.view
        if chunk in self._chosen or size_bytes > most_bytes:
            return None
        if size_bytes > min(self._left_bytes[source], self._left_bytes[target]):
            return None
        if view.capacity_bytes[target] - view.used_bytes[target] < size_bytes:
            return None
        holders = self._situation.holders(chunk)
        if source not in holders or target in holders:
            return None
        after = [target if server == source else server for server in holders]
        if not keeps_rule(self._situation.policy, view, holders, after):
            return None
        return Move(chunk, source, target, size_bytes)

    def take(self, move: Move) -> None:
        """Choose a move."""
        self.moves.append(move)
        self._chosen[move.chunk] = None
        for server, change in ((move.source, -move.size_bytes), (move.target, move.size_bytes)):
            self.view.used_bytes[server] += change
            self._left_bytes[server] -= move.size_bytes
