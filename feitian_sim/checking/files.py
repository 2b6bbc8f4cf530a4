"""What must hold of Pangu: nothing acknowledged is lost, nothing wrong is read, replicas stand apart and come back.

Most is judged by god's eye: what disks really hold, which the platform tells at the end, compared with what clients were
promised; not by what masters believe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from feitian_sim.checking.chunks import chunk_invariants
from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.file_contents import NothingIsLeftOver, ReadsAreAsWritten, TreeIsTheLog
from feitian_sim.checking.invariant import Hears, Invariant, When

_PANGU = ("pangu",)


class NothingAcknowledgedIsLost(Invariant):
    """PG1: as long as no more disks are lost or damaged than the budget allows; beyond it, loss must be told."""

    id = "PG1"
    needs = _PANGU
    claim = "what was acknowledged is on some disk and in the masters' log, while the budget of lost disks holds"
    when: ClassVar[When] = "end"

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        self._budget = config.budget.disks_lost
        self._lost: dict[str, None] = {}
        self._damaged = 0
        self._told = 0

    def hears(self) -> Mapping[str, Hears]:
        """Disks that are lost, chunks that masters give up, and the account at the end."""
        return {
            "hardware.disk_failed": self._disk,
            "hardware.disk_damaged": self._damage,
            "pangu.chunk_lost": self._given_up,
            "pangu.promises": self._judge,
        }

    def _disk(self, now_ns: int, fact: Any) -> None:
        self._lost[fact.disk] = None

    def _damage(self, now_ns: int, fact: Any) -> None:
        # The replica that was hit may have been the last that was left for a moment.
        self._damaged += 1

    def _given_up(self, now_ns: int, fact: Any) -> None:
        self._told += 1

    def _judge(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if len(self._lost) + self._damaged > self._budget and (self._told or not fact.lost_bytes):
            return
        if fact.lost_metadata or fact.lost_bytes:
            lost = f"{fact.lost_bytes} files with lost bytes, {fact.lost_metadata} with lost names or chunks"
            self.broken(now_ns, f"of {fact.files} files with something acknowledged: {lost}")


class NothingWrongIsRead(Invariant):
    """PG2."""

    id = "PG2"
    needs = _PANGU
    claim = "a read gives the acknowledged bytes or an error, never other bytes"

    def hears(self) -> Mapping[str, Hears]:
        """Reads, and those that went wrong."""
        return {"pangu.wrong_bytes": self._wrong, "pangu.operation": self._ended}

    def _ended(self, now_ns: int, fact: Any) -> None:
        if fact.op == "read":
            self.evaluated += 1

    def _wrong(self, now_ns: int, fact: Any) -> None:
        self.broken(now_ns, f"{fact.client} was given other bytes of chunk {fact.chunk} of {fact.path}")


class ReplicasComeBack(Invariant):
    """PG3: told at the end of a run whose core was healed."""

    id = "PG3"
    needs = _PANGU
    claim = "with a healthy core every chunk has its replicas again, as far as there are servers for them"
    when: ClassVar[When] = "liveness"

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        assert config.liveness is not None
        self._wanted = config.budget.replicas
        self._bound_ns = config.converge
        self._core = frozenset(config.liveness.core)
        self._closed_ns: dict[int, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Chunks as they are closed, and at the end."""
        return {"pangu.chunk_closed": self._closed, "pangu.chunk_told": self._told}

    def _closed(self, now_ns: int, fact: Any) -> None:
        self._closed_ns[fact.chunk] = now_ns

    def _told(self, now_ns: int, fact: Any) -> None:
        if now_ns - self._closed_ns.get(fact.chunk, 0) < self._bound_ns:
            return
        self.evaluated += 1
        holders = fact.holders.split()
        if holders and not fact.promised and self._core.isdisjoint(holders):
            # Nobody can copy it, and nobody was told that it is there: all other replicas went before anything was.
            return
        if len(holders) < min(self._wanted, fact.living_servers):
            where = " ".join(holders) or "nobody"
            self.broken(now_ns, f"chunk {fact.chunk} is held by {where} alone, with {fact.living_servers} servers up")


class ReplicasStandApart(Invariant):
    """PG4."""

    id = "PG4"
    needs = _PANGU
    claim = "no two replicas of a chunk are on one machine, and of three not all in one rack"
    when: ClassVar[When] = "end"

    def hears(self) -> Mapping[str, Hears]:
        """Chunks at the end."""
        return {"pangu.chunk_told": self._told}

    def _told(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        believed = fact.believed.split()
        if len({*believed}) < len(believed):
            self.broken(now_ns, f"chunk {fact.chunk} is twice on one machine: {fact.believed}")
        racks = {name.split("/")[0] for name in believed}
        if len(believed) > 2 and len(racks) == 1:
            self.broken(now_ns, f"chunk {fact.chunk} is in one rack alone: {fact.believed}")


class VersionsOnlyGrow(Invariant):
    """PG5."""

    id = "PG5"
    needs = _PANGU
    claim = "a replica is extended under versions that only grow, and never under one that its chunk has left behind"

    def __init__(self) -> None:
        super().__init__()
        self._versions: dict[tuple[str, int], int] = {}
        self._lengths: dict[tuple[str, int, int], int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """What disks are given."""
        return {"pangu.stored": self._stored}

    def _stored(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        replica = (fact.server, fact.chunk)
        before = self._versions.get(replica, 0)
        if fact.version < before:
            self.broken(now_ns, f"{fact.server} extended chunk {fact.chunk} under version {fact.version} after {before}")
        self._versions[replica] = fact.version
        key = (fact.server, fact.chunk, fact.version)
        if fact.length_bytes <= self._lengths.get(key, 0):
            self.broken(now_ns, f"{fact.server} wrote chunk {fact.chunk} twice up to {fact.length_bytes} bytes")
        self._lengths[key] = fact.length_bytes


class MastersKnowTheTruth(Invariant):
    """PG9: when all has settled."""

    id = "PG9"
    needs = _PANGU
    claim = "with a healthy core, whom the master believes to hold a chunk does hold it"
    when: ClassVar[When] = "liveness"

    def hears(self) -> Mapping[str, Hears]:
        """Chunks at the end."""
        return {"pangu.chunk_told": self._told}

    def _told(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        holders = {*fact.holders.split()}
        wrong = [name for name in fact.believed.split() if name not in holders]
        if wrong and len(wrong) == len(fact.believed.split()):
            self.broken(now_ns, f"of those that the master names for chunk {fact.chunk} nobody holds it: {fact.believed}")


class RoomIsKept(Invariant):
    """PG11."""

    id = "PG11"
    needs = _PANGU
    claim = "no machine stores more than its disks hold"

    def hears(self) -> Mapping[str, Hears]:
        """Samples of use."""
        return {"hardware.disk_use": self._used}

    def _used(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if not 0 <= fact.used_bytes <= fact.capacity_bytes:
            self.broken(now_ns, f"{fact.machine} stores {fact.used_bytes} of {fact.capacity_bytes} bytes")


class FilesAreServedAgain(Invariant):
    """PG8L: the like of NW15."""

    id = "PG8L"
    needs = _PANGU
    claim = "with a healthy core, operations on files that are begun succeed"
    when: ClassVar[When] = "liveness"

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        assert config.liveness is not None
        self._from_ns = config.liveness.after + config.converge
        self._begun: dict[tuple[str, int], str] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Operations on bytes; those on the tree, which may rightly be refused, as their histories tell."""
        return {
            "pangu.operation": self._ended,
            "history.invoked": self._invoked,
            "history.returned": self._returned,
        }

    def _invoked(self, now_ns: int, fact: Any) -> None:
        if fact.service == "pangu" and now_ns >= self._from_ns:
            self._begun[fact.client, fact.number] = f"{fact.op} {fact.key} {fact.argument}".strip()

    def _returned(self, now_ns: int, fact: Any) -> None:
        what = self._begun.pop((fact.client, fact.number), None)
        if what is None:
            return
        self.evaluated += 1
        if fact.outcome != "ok":
            self.broken(now_ns, f"{what} of {fact.client}, begun in a healthy core, failed: {fact.result}")

    def _ended(self, now_ns: int, fact: Any) -> None:
        if fact.start_ns < self._from_ns or fact.op not in ("read", "write", "append"):
            return
        self.evaluated += 1
        if not fact.ok:
            self.broken(now_ns, f"{fact.op} {fact.path} of {fact.client}, begun in a healthy core, failed: {fact.error}")


def pangu_invariants(config: CheckConfig) -> list[Invariant]:
    """All of them."""
    found: list[Invariant] = [
        NothingAcknowledgedIsLost(config),
        NothingWrongIsRead(),
        ReplicasStandApart(),
        VersionsOnlyGrow(),
        RoomIsKept(),
        ReadsAreAsWritten(),
        TreeIsTheLog(),
        *chunk_invariants(config),
    ]
    if config.liveness is not None:
        found += [ReplicasComeBack(config), MastersKnowTheTruth(), FilesAreServedAgain(config), NothingIsLeftOver(config)]
    return found
