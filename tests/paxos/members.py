"""Members for the random adversary: a replica with its disk, its clock and its state machine, and the driver between.

The disk keeps what was synced; of the rest a machine's crash leaves a random beginning, a killed process all, and the
next incarnation syncs that before it believes it. The clock runs within the bound that the configuration states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from feitian_sim.kernel import MILLISECOND
from feitian_sim.paxos import Replica, Send, Snapshot
from feitian_sim.paxos.records import AcceptedSlots, Base, LearnedSlots

#: Two clocks differ by at most a twenty-fourth over any time: 5 ms over a lease of 120 ms.
CLOCK_DRIFT = 0.02


@dataclass
class Disk:
    """What a member's disk holds; the first ``durable`` records survive anything but its loss."""

    records: list[Any] = field(default_factory=list)
    durable: int = 0
    snapshot: Snapshot | None = None
    # Records before the incarnation that runs now, and how many of all were cut off since.
    before: int = 0
    cut: int = 0

    @property
    def mine_durable(self) -> int:
        """Records of the incarnation that runs now that are durable."""
        return self.durable + self.cut - self.before

    def holds(self, slot: int, value: Any) -> bool:
        """Whether a slot is durable here with this value, last accepted or in a snapshot."""
        if self.snapshot is not None and self.snapshot.index >= slot:
            return True
        last = None
        for record in self.records[: self.durable]:
            if isinstance(record, AcceptedSlots | LearnedSlots):
                if record.first <= slot < record.first + len(record.entries):
                    last = record.entries[slot - record.first].value
            elif isinstance(record, Base):
                last = next((entry.value for number, entry in record.entries if number == slot), last)
        return bool(last == value)


@dataclass
class Member:
    """One member: its disk, its process and its state machine (the commands applied)."""

    number: int
    offset_ns: int = 0
    rate: float = 1.0
    disk: Disk = field(default_factory=Disk)
    replica: Replica | None = None
    state: tuple[Any, ...] = ()
    applied: int = 0
    incarnation: int = 0
    held: list[Send] = field(default_factory=list)
    syncing: bool = False
    pending: dict[Any, Any] = field(default_factory=dict)
    elected: Any = None
    paused_until: int = 0
    # The highest ballot that it has told anybody that it promised or accepted.
    told: Any = (0, -1)

    def clock(self, now_ns: int) -> int:
        """What its clock shows."""
        return self.offset_ns + int(now_ns * self.rate)

    def holds_lease(self, now_ns: int) -> bool:
        """Whether it would answer a read from its own state, if it were asked now."""
        clock_ns = self.clock(now_ns)
        return self.replica is not None and self.replica.lease_until_ns(clock_ns) > clock_ns


__all__ = ["CLOCK_DRIFT", "MILLISECOND", "Disk", "Member"]
