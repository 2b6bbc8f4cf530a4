"""Bugs in Pangu, of kinds that HDFS, GFS and Ceph have had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from feitian_sim.pangu.commit_log import CommitLog
from feitian_sim.pangu.primary import Primary, Turn
from feitian_sim.pangu.repair import RepairPlanner
from feitian_sim.pangu.replica_keeper import ReplicaKeeper
from feitian_sim.pangu.replica_tracker import ReplicaTracker
from tests.mutants.mutant import Hit, Mutant, Patch

_m = Mutant
_CHUNKS = "scenarios/check/chunks.yaml"
_RETURNS = "scenarios/check/returns.yaml"
_length_for_write = ReplicaKeeper.length_for_write
_good = ReplicaTracker._good


def _older_versions_accepted(patch: Patch, hit: Hit) -> None:
    def length_for_write(self: ReplicaKeeper, chunk: int, version: int) -> int | None:
        replica = self.store.get(chunk)
        if replica is not None and replica.version != version:
            hit()
            return replica.length_bytes
        return _length_for_write(self, chunk, version)

    patch.setattr(ReplicaKeeper, "length_for_write", length_for_write)


def _clones_are_not_asked_again(patch: Patch, hit: Hit) -> None:
    begun: dict[int, dict[int, None]] = {}
    next_clone = RepairPlanner.next_clone

    def once(self: RepairPlanner, now_ns: int, may_repair: Callable[[int], bool]) -> Any:
        clone = next_clone(self, now_ns, lambda chunk: chunk not in begun.get(id(self), {}) and may_repair(chunk))
        if clone is not None:
            # The mark that a clone is under way is never taken back.
            hit()
            begun.setdefault(id(self), {})[clone.chunk] = None
        return clone

    init = RepairPlanner.__init__

    def fresh(self: RepairPlanner, *args: Any, **named: Any) -> None:
        # Identities come again.
        begun.pop(id(self), None)
        init(self, *args, **named)

    patch.setattr(RepairPlanner, "__init__", fresh)
    patch.setattr(RepairPlanner, "next_clone", once)


def _anywhere(patch: Patch, hit: Hit) -> None:
    def target(self: RepairPlanner, holders: tuple[int, ...], length_bytes: int) -> int:
        hit()
        # Whoever is nearest to the source: in its rack, or itself.
        return holders[0]

    patch.setattr(RepairPlanner, "_target", target)


def _acknowledged_before_all(patch: Patch, hit: Hit) -> None:
    def committed(self: Primary, turn: Turn) -> None:
        if turn.failed:
            hit()
            turn.failed.clear()
        _committed(self, turn)

    patch.setattr(Primary, "_committed", committed)


_committed = Primary._committed


def _answers_before_the_log(patch: Patch, hit: Hit) -> None:
    def when_durable(self: CommitLog, say: Callable[[], object]) -> None:
        if self._chosen < self._logged:
            hit()
        if not self._ended:
            say()

    patch.setattr(CommitLog, "when_durable", when_durable)


def _nothing_is_repaired(patch: Patch, hit: Hit) -> None:
    def add(self: RepairPlanner, chunks: Any, now_ns: int) -> None:
        hit()

    patch.setattr(RepairPlanner, "add", add)


def _every_report_is_good(patch: Patch, hit: Hit) -> None:
    def good(self: ReplicaTracker, report: Any) -> Any:
        right = _good(self, report)
        known = report.chunks < self._books.state.chunks.count
        if bool((known & ~right).any()):
            hit()
        return np.asarray(known)

    patch.setattr(ReplicaTracker, "_good", good)


MUTANTS: tuple[Mutant, ...] = (
    _m(
        "PG-01",
        "a replica takes writes of another version",
        "HDFS-7065",
        ("PG5", "PG7", "PG1", "PG2"),
        _older_versions_accepted,
        _CHUNKS,
    ),
    _m(
        "PG-06",
        "a clone that failed is never asked for again",
        "HDFS-5465",
        ("PG3",),
        _clones_are_not_asked_again,
        _CHUNKS,
    ),
    _m(
        "PG-11",
        "repair puts the copy where one is already",
        "HDFS-1480",
        ("PG4", "PG12", "PG3", "G5"),
        _anywhere,
        _CHUNKS,
    ),
    _m(
        "OWN-30",
        "a write is acknowledged though a replica lacks it",
        "GFS, sec. 3.1",
        ("PG7",),
        _acknowledged_before_all,
        _CHUNKS,
    ),
    _m(
        "OWN-31",
        "a master answers before its log is durable",
        "HDFS-2742",
        ("PG5D", "PG1"),
        _answers_before_the_log,
        _CHUNKS,
    ),
    _m("OWN-32", "what is missing is never repaired", "Ceph #14428", ("PG3",), _nothing_is_repaired, _CHUNKS),
    _m(
        "OWN-33",
        "a returning server's stale replicas are taken for good",
        "HDFS-1300",
        ("PG9", "PG3", "PG2"),
        _every_report_is_good,
        _RETURNS,
    ),
)
