"""What must hold of chunks: their primaries, their acknowledgements, their repair and their end.

They hear what chunk servers, primaries and the active master do, and judge it by what disks were told to hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.invariant import Hears, Invariant

_PANGU = ("pangu",)
Replica = tuple[str, int]


class OnePrimary(Invariant):
    """PG6: one primary for each version of a chunk, that stops in time, and one order of its writes."""

    id = "PG6"
    needs = _PANGU
    claim = "a version of a chunk has one primary, which begins no write after its lease, and one order of writes"

    def __init__(self) -> None:
        super().__init__()
        self._primaries: dict[tuple[int, int], str] = {}
        self._until: dict[tuple[int, int], int] = {}
        self._orders: dict[tuple[int, int, int], tuple[int, str]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Leases, turns, and what disks hold after each write."""
        return {"pangu.lease_taken": self._taken, "pangu.turn_given": self._turn, "pangu.stored": self._stored}

    def _taken(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        key = (fact.chunk, fact.version)
        first = self._primaries.setdefault(key, fact.server)
        if fact.server != first:
            self.broken(now_ns, f"version {fact.version} of chunk {fact.chunk} has two primaries: {first}, {fact.server}")
        self._until[key] = max(fact.until_ns, self._until.get(key, 0))

    def _turn(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        until_ns = self._until.get((fact.chunk, fact.version), 0)
        if now_ns >= until_ns:
            text = f"{fact.server} began a write of chunk {fact.chunk}, version {fact.version}"
            self.broken(now_ns, f"{text}, when its lease had been over for {now_ns - until_ns} ns")

    def _stored(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        key = (fact.chunk, fact.version, fact.length_bytes)
        crc, first = self._orders.setdefault(key, (fact.crc, fact.server))
        if crc != fact.crc:
            where = f"version {fact.version} of chunk {fact.chunk}, up to {fact.length_bytes}"
            self.broken(now_ns, f"{first} and {fact.server} have other writes, or another order of them, in {where}")


class AcknowledgedIsEverywhere(Invariant):
    """PG7: what a primary acknowledges is on the disk of every replica of the version; seals keep all of it."""

    id = "PG7"
    needs = _PANGU
    claim = "a write is acknowledged when every replica of the version has it on its disk, and no seal cuts it off"

    def __init__(self) -> None:
        super().__init__()
        self._replicas: dict[tuple[int, int], tuple[str, ...]] = {}
        self._held: dict[Replica, int] = {}
        self._acknowledged: dict[int, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Leases, disks, acknowledgements, seals."""
        return {
            "pangu.lease_granted": self._granted,
            "pangu.stored": self._stored,
            "pangu.clone_stored": self._copied,
            "pangu.write_committed": self._committed,
            "pangu.chunk_closed": self._closed,
        }

    def _granted(self, now_ns: int, fact: Any) -> None:
        self._replicas[fact.chunk, fact.version] = tuple(fact.servers.split())

    def _stored(self, now_ns: int, fact: Any) -> None:
        self._held[fact.server, fact.chunk] = fact.length_bytes

    def _copied(self, now_ns: int, fact: Any) -> None:
        self._held[fact.server, fact.chunk] = fact.size_bytes

    def _committed(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        for server in self._replicas.get((fact.chunk, fact.version), (fact.server,)):
            held = self._held.get((server, fact.chunk), 0)
            if held < fact.length_bytes:
                text = f"{fact.server} acknowledged chunk {fact.chunk} up to {fact.length_bytes}"
                self.broken(now_ns, f"{text}, of which {server} has {held} on its disk")
        self._acknowledged[fact.chunk] = max(fact.length_bytes, self._acknowledged.get(fact.chunk, 0))

    def _closed(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        least = self._acknowledged.get(fact.chunk, 0)
        if fact.length_bytes < least:
            self.broken(now_ns, f"chunk {fact.chunk} is sealed at {fact.length_bytes}, acknowledged up to {least}")
        for server in fact.servers.split():
            held = self._held.get((server, fact.chunk), 0)
            if held < fact.length_bytes:
                self.broken(now_ns, f"chunk {fact.chunk} is sealed at {fact.length_bytes}, of which {server} has {held}")


class GrantsAreDurable(Invariant):
    """PG5D: the other half of PG5, which is about replicas."""

    id = "PG5D"
    needs = _PANGU
    claim = "nobody is a primary under a version that is not in the masters' log"

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[int, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """The log, and primaries."""
        return {"pangu.record_chosen": self._chosen, "pangu.lease_taken": self._taken}

    def _chosen(self, now_ns: int, fact: Any) -> None:
        if fact.op in ("add", "raise"):
            version = 1 if fact.op == "add" else fact.number
            self._logged[fact.chunk] = max(version, self._logged.get(fact.chunk, 0))

    def _taken(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        logged = self._logged.get(fact.chunk, 0)
        if fact.version > logged:
            text = f"{fact.server} is primary of chunk {fact.chunk} under version {fact.version}"
            self.broken(now_ns, f"{text}; in the log is {logged}")


class GoodCopiesStay(Invariant):
    """PG10, and the half of PG3 that says what may be trimmed; PG8: no chunk of a file is collected."""

    id = "PG10"
    needs = _PANGU
    claim = "masters have a good replica dropped only where enough others are left"

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        # One may have been damaged or lost since the master heard of it.
        self._least = max(1, config.budget.replicas - 1)

    def hears(self) -> Mapping[str, Hears]:
        """Replicas that go."""
        return {"pangu.replica_dropped": self._dropped}

    def _dropped(self, now_ns: int, fact: Any) -> None:
        if not fact.needed or not fact.good:
            return
        self.evaluated += 1
        if fact.others < self._least:
            self.broken(
                now_ns, f"{fact.server} was told to drop a good replica of chunk {fact.chunk}: {fact.others} others"
            )


class RepairKeepsItsPlace(Invariant):
    """PG12: repair takes no more than it may, and begins where least is left."""

    id = "PG12"
    needs = _PANGU
    claim = "repairs keep their limits of bandwidth and number, and those with fewer copies left come first"

    def hears(self) -> Mapping[str, Hears]:
        """Orders, and copies that have arrived."""
        return {"pangu.clone_ordered": self._ordered, "pangu.clone_stored": self._stored}

    def _ordered(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        if max(fact.from_source, fact.into_target) > fact.most_per_server:
            self.broken(now_ns, f"{fact.source} to {fact.target}: more than {fact.most_per_server} clones at a server")
        if fact.running > fact.most_running:
            self.broken(now_ns, f"{fact.running} clones run at once, of at most {fact.most_running}")
        if fact.instead >= 0:
            text = f"chunk {fact.chunk}, with {fact.copies_left} copies left, was repaired"
            self.broken(now_ns, f"{text} before chunk {fact.instead}, which has fewer")

    def _stored(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        # The network counts in whole nanoseconds.
        least_ns = fact.size_bytes * 8 * 1_000_000_000 // fact.most_bps
        if fact.took_ns < least_ns - 1000:
            text = f"{fact.server} copied {fact.size_bytes} bytes of chunk {fact.chunk} in {fact.took_ns} ns"
            self.broken(now_ns, f"{text}, with at most {fact.most_bps} bit/s")


class ScrubFindsDamage(Invariant):
    """PG13."""

    id = "PG13"
    needs = _PANGU
    claim = "what rots or cannot be read is found within one period of scrubbing"

    def __init__(self) -> None:
        super().__init__()
        # Servers whose process runs: since when, and its period.
        self._rounds: dict[str, tuple[int, int]] = {}
        self._damaged: dict[Replica, int] = {}
        # What its server has noticed and serves no more, until it is dropped: more damage is none the worse.
        self._aside: dict[Replica, int] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Damage, rounds, what is found, and the time."""
        return {
            "hardware.disk_damaged": self._hit,
            "hardware.disk_failed": self._disk,
            "hardware.process_ended": self._ended,
            "pangu.scrub_begun": self._begun,
            "pangu.damage_noticed": self._noticed,
            "pangu.replica_dropped": self._gone,
            "pangu.clone_stored": self._gone,
            "hardware.disk_use": self._time,
        }

    def _hit(self, now_ns: int, fact: Any) -> None:
        if fact.damage in ("rot", "sector-error") and fact.what.startswith("chunk "):
            replica = _machine(fact.disk), int(fact.what.split()[1])
            if replica not in self._aside:
                self._damaged.setdefault(replica, now_ns)

    def _disk(self, now_ns: int, fact: Any) -> None:
        for known in (self._damaged, self._aside):
            for replica in [one for one in known if one[0] == fact.machine]:
                del known[replica]

    def _ended(self, now_ns: int, fact: Any) -> None:
        if fact.role == "pangu.chunkserver":
            # What was set aside stays so on its disk.
            self._rounds.pop(fact.machine, None)

    def _begun(self, now_ns: int, fact: Any) -> None:
        self._rounds[fact.server] = (now_ns, fact.every_ns)

    def _noticed(self, now_ns: int, fact: Any) -> None:
        replica = fact.server, fact.chunk
        self._gone(now_ns, fact)
        self._aside[replica] = now_ns

    def _gone(self, now_ns: int, fact: Any) -> None:
        replica = fact.server, fact.chunk
        self._aside.pop(replica, None)
        if self._damaged.pop(replica, None) is not None:
            self.evaluated += 1

    def _time(self, now_ns: int, fact: Any) -> None:
        for (server, chunk), hit_ns in self._damaged.items():
            if server != fact.machine or server not in self._rounds:
                continue
            began_ns, every_ns = self._rounds[server]
            self.evaluated += 1
            if now_ns - max(began_ns, hit_ns) > every_ns:
                self.broken(now_ns, f"chunk {chunk} of {server} is damaged since {hit_ns} ns, and nobody has found it")


def _machine(disk: str) -> str:
    return disk.rpartition("/")[0]


def chunk_invariants(config: CheckConfig) -> list[Invariant]:
    """All of them."""
    return [
        OnePrimary(),
        AcknowledgedIsEverywhere(),
        GrantsAreDurable(),
        GoodCopiesStay(config),
        RepairKeepsItsPlace(),
        ScrubFindsDamage(),
    ]
