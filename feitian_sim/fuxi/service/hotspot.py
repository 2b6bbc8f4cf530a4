"""Hot spots: partitions and workers with more requests than they should have, and what is done about them. Pure.

A policy is shown the rate of every partition and every worker that serves, and names at most a few partitions to be split
or moved. Splitting makes a hot range into two that can lie on different workers; moving evens workers out. A partition
of a single key cannot be split, only be given a worker of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class PartitionSight:
    """A partition that is served and may be touched: its requests per second, its worker, how many keys it has."""

    number: int
    worker: int
    per_s: float
    width: int


@dataclass(frozen=True, slots=True)
class WorkerSight:
    """A worker that serves: its requests per second over all its partitions, and how many these are."""

    number: int
    per_s: float
    partitions: int


@dataclass(frozen=True, slots=True)
class HotLimits:
    """What the service's description says of hot spots. ``split_above``, ``move_above``: requests per second of a
    partition, of a worker; ``imbalance``: a worker may have so many times the mean; ``most``: partitions in all."""

    split_above: float
    move_above: float
    imbalance: float
    most: int


@dataclass(frozen=True, slots=True)
class Split:
    """Cut this partition in two."""

    partition: int


@dataclass(frozen=True, slots=True)
class Move:
    """Give this partition to that worker."""

    partition: int
    worker: int


@runtime_checkable
class HotspotPolicy(Protocol):
    """What is done about hot spots."""

    def relieve(
        self, partitions: Sequence[PartitionSight], workers: Sequence[WorkerSight], limits: HotLimits
    ) -> list[Split | Move]:
        """What to do now, each partition at most once."""
        ...


class SplitOrMove:
    """A partition above ``split_above`` is split; a worker above ``move_above`` or far above the mean gives one away.

    What moves is the partition with most requests that leaves the receiver, the least loaded worker, below what the giver
    had: so a move never makes a hotter spot than it cools, and there is an end to them.
    """

    def relieve(
        self, partitions: Sequence[PartitionSight], workers: Sequence[WorkerSight], limits: HotLimits
    ) -> list[Split | Move]:
        """What to do now."""
        steps: list[Split | Move] = []
        room = limits.most - sum(one.partitions for one in workers)
        hot = sorted(partitions, key=lambda one: (-one.per_s, one.number))
        for one in hot:
            if one.per_s > limits.split_above and one.width > 1 and room > 0:
                steps.append(Split(one.number))
                room -= 1
        busy = {step.partition for step in steps}
        movable = [one for one in hot if one.number not in busy and one.per_s > 0]
        load = {one.number: one.per_s for one in workers}
        counts = {one.number: one.partitions for one in workers}
        while (move := self._move(movable, load, counts, limits)) is not None:
            one, least = move
            steps.append(Move(one.number, least))
            movable.remove(one)
            load[one.worker] -= one.per_s
            load[least] += one.per_s
            counts[least] += 1
        return steps

    @staticmethod
    def _move(
        movable: Sequence[PartitionSight], load: Mapping[int, float], counts: Mapping[int, int], limits: HotLimits
    ) -> tuple[PartitionSight, int] | None:
        """The next move from the most loaded worker to the least loaded, if that one has too much."""
        if len(load) < 2:
            return None
        most = max(load, key=lambda number: (load[number], -number))
        least = min(load, key=lambda number: (load[number], counts[number], number))
        mean = sum(load.values()) / len(load)
        if load[most] <= limits.move_above and load[most] <= limits.imbalance * mean:
            return None
        for one in movable:
            if one.worker == most and one.per_s < load[most] - load[least]:
                return one, least
        return None


class LeaveAlone:
    """Nothing is ever split or moved: what hot spots cost is seen beside the others."""

    def relieve(
        self, partitions: Sequence[PartitionSight], workers: Sequence[WorkerSight], limits: HotLimits
    ) -> list[Split | Move]:
        """Nothing."""
        return []


#: By their names in descriptions.
HOTSPOT: Mapping[str, type[HotspotPolicy]] = {"split-or-move": SplitOrMove, "leave-alone": LeaveAlone}
