"""Balance between the disks of one server (P6): replicas go from its fullest disk to its emptiest, one at a time.

New replicas go to the emptiest disk anyway, so disks differ after one was replaced, or when replicas are of different
sizes. No master takes part: which disk of a server holds a replica is the server's own business. A replica is checked,
copied at most at the bandwidth allowed, synced, and only then does the new copy stand for the old one; if the replica
has changed meanwhile, the copy is given up. Source: the disk balancer of HDFS (HDFS-1312).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from feitian_sim.hardware import DataCenter, Disk
from feitian_sim.kernel import Owner, SimulatedError, Simulation
from feitian_sim.pangu.move_facts import DiskMoved
from feitian_sim.pangu.rebalance.rebalancer import DiskBalance
from feitian_sim.pangu.replica_keeper import ReplicaKeeper
from feitian_sim.pangu.replica_store import Replica
from feitian_sim.pangu.replica_writes import ReplicaWrites

#: So many replicas of the fullest disk are looked at for one that may go.
_LOOK_AT_MOST = 32


def fullest_and_emptiest(
    used_bytes: Sequence[int], capacity_bytes: Sequence[int], threshold: float
) -> tuple[int, int, int] | None:
    """Positions of the disks between which to move, and at most how many bytes; None within the threshold.

    More bytes than that would make the emptier of the two the fuller.
    """
    if len(used_bytes) < 2:
        return None
    mean = sum(used_bytes) / max(1, sum(capacity_bytes))
    ratios = [used / max(1, capacity) for used, capacity in zip(used_bytes, capacity_bytes, strict=True)]
    fullest, emptiest = ratios.index(max(ratios)), ratios.index(min(ratios))
    if max(ratios[fullest] - mean, mean - ratios[emptiest]) <= threshold:
        return None
    difference = ratios[fullest] - ratios[emptiest]
    most_bytes = int(difference / (1 / max(1, capacity_bytes[fullest]) + 1 / max(1, capacity_bytes[emptiest])))
    return fullest, emptiest, most_bytes


@dataclass(frozen=True, slots=True)
class _Job:
    chunk: int
    replica: Replica
    source: Disk
    target: Disk
    started_ns: int


class DiskBalancer:
    """The disk balancer of one chunk-server process."""

    def __init__(
        self,
        sim: Simulation,
        datacenter: DataCenter,
        owner: Owner,
        keeper: ReplicaKeeper,
        writes: ReplicaWrites,
        config: DiskBalance,
    ) -> None:
        self._sim = sim
        self._network = datacenter.network
        self._owner = owner
        self._keeper = keeper
        self._writes = writes
        self._config = config
        self._job: _Job | None = None
        owner.on_death(self._give_back)
        phase = sim.stream("pangu.disk_balance", keeper.machine.name).at(0)
        owner.call_later(int(phase * config.interval), self._look)

    def _look(self) -> None:
        self._owner.call_later(self._config.interval, self._look)
        if self._job is None:
            self._next()

    def _next(self) -> None:
        disks = [disk for disk in self._keeper.machine.disks if not disk.failed]
        found = fullest_and_emptiest(
            [disk.used_bytes for disk in disks], [disk.capacity_bytes for disk in disks], self._config.threshold
        )
        if found is None:
            return
        source, target = disks[found[0]], disks[found[1]]
        chosen = self._choose(source, found[2])
        if chosen is None:
            return
        chunk, replica = chosen
        try:
            target.allocate(replica.length_bytes)
        except SimulatedError:
            return
        job = self._job = _Job(chunk, replica, source, target, self._sim.now)
        machine = self._keeper.machine
        self._network.transfer(
            machine,
            machine,
            replica.length_bytes,
            disks_read=source.read_links,
            disks_write=target.write_links,
            cap_bps=self._config.bandwidth,
            owner=self._owner,
            on_done=partial(self._copied, job),
            on_fail=partial(self._failed, job),
        )

    def _choose(self, source: Disk, most_bytes: int) -> tuple[int, Replica] | None:
        """The first replica of the disk that is sound, small enough and not being written."""
        for chunk in self._keeper.store.on_disk(source.index)[:_LOOK_AT_MOST].tolist():
            replica = self._keeper.store.get(chunk)
            if replica is None or not self._keeper.is_intact(chunk, replica.version) or self._writes.is_writing(chunk):
                continue
            if 0 < replica.length_bytes <= most_bytes:
                return chunk, replica
        return None

    def _copied(self, job: _Job, _: object) -> None:
        if self._job is job:
            job.target.sync(self._owner, self._synced, job)

    def _synced(self, job: _Job) -> None:
        if self._job is not job:
            return
        self._job = None
        unchanged = self._keeper.store.get(job.chunk) == job.replica and not self._writes.is_writing(job.chunk)
        if not unchanged:
            job.target.release(job.replica.length_bytes)
            return
        self._keeper.change_disk(job.chunk, job.target)
        size_bytes = job.replica.length_bytes
        server = self._keeper.machine.name
        self._sim.emit(DiskMoved(job.chunk, server, job.source.name, job.target.name, size_bytes, job.started_ns))
        self._next()

    def _failed(self, job: _Job, *_: object) -> None:
        if self._job is job:
            self._give_back()

    def disk_lost(self, disk: Disk) -> None:
        """A disk has failed: a copy from it or to it will not end."""
        if self._job is not None and disk in (self._job.source, self._job.target):
            self._give_back()

    def _give_back(self) -> None:
        if self._job is not None:
            self._job.target.release(self._job.replica.length_bytes)
            self._job = None
