"""A disk: a FIFO queue for small reads and writes, a volatile cache, links for bulk transfers, and its failures.

Small input and output waits for the one head: positioning (``seek``), then the bytes at the sequential bandwidth.
A write that fits into the cache is taken at once and is lost if the machine crashes before a sync; one that does
not fit goes to the medium together with all that the cache holds. A sync writes the cache back and adds
``sync_latency``; what was written before the sync's turn came is durable when it ends.

Bulk transfers are fluid flows over links of the network (:mod:`feitian_sim.hardware.network`): ``read``, ``write``
and, where one head serves both, ``head``, whose capacity is the larger bandwidth. The queue and the links do not
slow each other: small IO here is logs and metadata, whose share of a disk's time is small; a scenario in which
it is not would see the disk too fast by that share.

Failures: for good (:meth:`Disk.fail`), slow (``slow_factor``, for queue and links alike), a crash of the machine,
and damage to what is stored, which :class:`~feitian_sim.kernel.DiskContents` applies since only it knows what lies
where. IO on a disk that failed never ends, as on a controller that retries for ever; taking space on it is refused.
A disk may also be in trouble while it works (:class:`Trouble`): it hangs, fails single IOs or syncs, is read-only or
full of something else, tears or loses what a crash catches. A process that is told that a sync or a small IO has failed
stops (:meth:`Disk.stop`): after a failed sync what was not durable counts as clean and is lost, so whoever went on would
take for safe what is not (Rebello et al., "Can applications recover from fsync failures?", USENIX ATC 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from feitian_sim.hardware.disk_trouble import Trouble
from feitian_sim.hardware.facts import DiskDamaged, DiskFailed, DiskReplaced, IoFailed
from feitian_sim.hardware.journal import Journal
from feitian_sim.hardware.presets import DiskConfig
from feitian_sim.hardware.service_queue import ServiceQueue
from feitian_sim.kernel import SECOND, DiskContents, Owner, SimulatedError, Simulation
from feitian_sim.kernel.units import bytes_per_s

if TYPE_CHECKING:
    from feitian_sim.hardware.machine import Machine
    from feitian_sim.hardware.network import Network

#: Right before what was written is durable, or right after.
SyncPoint = Literal["before-sync", "after-sync"]
#: For each journal, how far a sync goes: the number of records, and the generation of their numbers.
Covered = dict[str, tuple[int, int]]

#: Classes of a disk's links; the head's class repeats what the other two carry.
READ_LINK = "disk-read"
WRITE_LINK = "disk-write"
HEAD_LINK = "disk-head"


class DiskRefusal(SimulatedError):
    """The disk does not take what is put on it."""


class DiskFull(DiskRefusal):
    """There is less space left than was asked for."""


class DiskBroken(DiskRefusal):
    """The disk has failed for good."""


class DiskReadOnly(DiskRefusal):
    """The disk takes no writes at present."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Something that was put onto a disk, which has it until it loses everything."""

    disk: Disk
    life: int

    @property
    def is_kept(self) -> bool:
        """Whether the disk still has it."""
        return self.life == self.disk.life

    @property
    def is_there(self) -> bool:
        """Whether it can be read now."""
        return self.is_kept and self.disk.works


class Disk:
    """One disk of a machine: ``r3/m12/d0``."""

    def __init__(self, sim: Simulation, network: Network, machine: Machine, index: int, config: DiskConfig) -> None:
        self._sim = sim
        self.network = network
        self.machine = machine
        self.index = index
        self.name = f"{machine.name}/d{index}"
        self.config = config
        #: What is stored here, set by who stores it: told of damage and loss.
        self.contents: DiskContents | None = None
        self.failed = False
        #: How often it has lost everything.
        self.life = 0
        #: What is wrong with it although it works.
        self.trouble = Trouble(self._set_hung)
        self.used_bytes = 0
        self._unsynced_bytes = 0
        self._slow_factor = 1.0
        self._queue = ServiceQueue(sim, 1)
        #: Told right before a sync is durable and right after, before whoever asked for it is: what kills on the spot.
        self.sync_watches: list[Callable[[SyncPoint, Owner], object]] = []
        self._journals: dict[str, Journal] = {}
        self._link_rates = self._add_links()

    def _add_links(self) -> dict[int, float]:
        read = bytes_per_s(self.config.read_bandwidth)
        write = bytes_per_s(self.config.write_bandwidth)
        add = self.network.add_link
        self.read_link = add(f"{self.name}/read", read, READ_LINK)
        self.write_link = add(f"{self.name}/write", write, WRITE_LINK)
        #: The links that a flow from this disk crosses.
        self.read_links: tuple[int, ...] = (self.read_link,)
        #: The links that a flow to this disk crosses.
        self.write_links: tuple[int, ...] = (self.write_link,)
        rates = {self.read_link: read, self.write_link: write}
        if self.config.half_duplex:
            head = add(f"{self.name}/head", max(read, write), HEAD_LINK)
            self.read_links += (head,)
            self.write_links += (head,)
            rates[head] = max(read, write)
        return rates

    # Space

    @property
    def capacity_bytes(self) -> int:
        """Bytes that it can hold."""
        return self.config.capacity

    @property
    def free_bytes(self) -> int:
        """Bytes that it can still take; 0 when it has failed."""
        if self.failed or self.trouble.read_only:
            return 0
        return max(0, self.config.capacity - self.used_bytes - self.trouble.occupied_bytes)

    @property
    def works(self) -> bool:
        """Whether it can serve: it has not failed and its machine is up."""
        return not self.failed and self.machine.up

    def allocate(self, size_bytes: int) -> None:
        """Take space. Raises :class:`DiskRefusal` and then takes none."""
        if self.failed:
            raise DiskBroken(f"{self.name} has failed")
        if self.trouble.read_only:
            raise DiskReadOnly(f"{self.name} is read-only")
        if size_bytes > self.free_bytes:
            raise DiskFull(f"{self.name} has {self.free_bytes} bytes left, not {size_bytes}")
        self.used_bytes += size_bytes
        self.machine.used_bytes += size_bytes

    def deposit(self) -> Deposit:
        """By which who puts something here knows later whether it is still there."""
        return Deposit(self, self.life)

    def release(self, size_bytes: int) -> None:
        """Give space back; on a failed disk there is none to give."""
        if not self.failed:
            assert size_bytes <= self.used_bytes, f"{self.name}: {size_bytes} of {self.used_bytes} bytes released"
            self.used_bytes -= size_bytes
            self.machine.used_bytes -= size_bytes

    def admit(self, size_bytes: int) -> None:
        """Raises :class:`DiskRefusal` if a write of ``size_bytes`` is refused now.

        Journals have their space for good; only what fills the disk up from outside (``disk-full``) takes it away.
        """
        if self.trouble.read_only:
            raise DiskReadOnly(f"{self.name} is read-only")
        if self.trouble.occupied_bytes and size_bytes > self.free_bytes:
            raise DiskFull(f"{self.name} has {self.free_bytes} bytes left, not {size_bytes}")

    # Small reads and writes

    @property
    def unsynced_bytes(self) -> int:
        """Bytes in the volatile cache."""
        return self._unsynced_bytes

    def read(self, size_bytes: int, owner: Owner, callback: Callable[..., object], *args: Any) -> None:
        """Read; ``callback(*args)`` at the end."""
        if self.works:
            service_ns = self.config.seek + _transfer_ns(size_bytes, self.config.read_bandwidth)
            self._queue.submit(service_ns, owner, self._end_io, "read", owner, callback, args)

    def write(self, size_bytes: int, owner: Owner, callback: Callable[..., object] | None = None, *args: Any) -> None:
        """Write, into the cache while it has room; ``callback(*args)`` when the disk has taken it."""
        if not self.works or not owner.alive:
            return
        if self._unsynced_bytes + size_bytes <= self.config.cache:
            self._unsynced_bytes += size_bytes
            if callback is not None:
                owner.call_later(0, callback, *args)
        else:
            ended = (owner, callback or _taken, args)
            self._queue.submit(lambda: self._write_back_ns(size_bytes), owner, self._end_io, "write", *ended)

    def sync(self, owner: Owner, callback: Callable[..., object], *args: Any) -> None:
        """Make durable what was written before; ``callback(*args)`` when it is.

        If that fails, what it would have made durable is lost, and the process of ``owner`` stops.
        """
        if self.works:
            covered: Covered = {}
            job = self._queue.submit(lambda: self._sync_ns(covered), owner, self._synced, covered, owner, callback, args)
            if job is not None:
                # A process that is paused learns of it later; what is on the disk is there.
                job.at_once = True

    def journal(self, name: str) -> Journal:
        """The journal called ``name``: the one that is on the disk, or a new and empty one."""
        if name not in self._journals:
            self._journals[name] = Journal(self, name)
        return self._journals[name]

    def _write_back_ns(self, size_bytes: int) -> int:
        total = self._unsynced_bytes + size_bytes
        self._unsynced_bytes = 0
        return self.config.seek + _transfer_ns(total, self.config.write_bandwidth) if total else 0

    def _sync_ns(self, covered: Covered) -> int:
        journals = self._journals.items()
        covered.update((name, (journal.appended_count, journal.generation)) for name, journal in journals)
        return self._write_back_ns(0) + self.config.sync_latency

    def _synced(self, covered: Covered, owner: Owner, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self.trouble.active and self.trouble.sync_fails():
            for name, (count, generation) in covered.items():
                self._journals[name].lose_unsynced(count, generation)
            self.stop(owner, "sync")
            return
        for watch in list(self.sync_watches):
            watch("before-sync", owner)
            if not self.works:
                return
        for name, (count, generation) in covered.items():
            self._journals[name].settle(count, generation)
        for watch in list(self.sync_watches):
            watch("after-sync", owner)
        owner.run(callback, *args)

    def _end_io(self, what: str, owner: Owner, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self.trouble.active and self.trouble.io_fails():
            self.stop(owner, what)
        else:
            callback(*args)

    def stop(self, owner: Owner, what: str) -> None:
        """An IO of ``owner`` has failed: its process ends at once, and begins again from what is durable."""
        self._sim.emit(IoFailed(self.name, what, owner.name))
        self.machine.fail_stop(owner)

    # What goes wrong

    @property
    def slow_factor(self) -> float:
        """By how much everything takes longer than on a healthy disk."""
        return self._slow_factor

    @slow_factor.setter
    def slow_factor(self, factor: float) -> None:
        assert factor > 0, f"{self.name} cannot be {factor} times slower"
        self._slow_factor = factor
        self._queue.slow_factor = factor
        self._set_links()

    def crash(self) -> None:
        """The machine went down: what waited is dropped, the cache and unsynced journal tails are gone."""
        self._queue.clear()
        self._unsynced_bytes = 0
        for name, journal in self._journals.items():
            journal.crash(self.trouble.tear(name))

    def settle_down(self) -> None:
        """The machine is down and its processes are dead: empty the disk, if it is to be found so."""
        if self.trouble.wipes:
            self.trouble.wipes = False
            self._wipe()

    def wipe(self) -> None:
        """Lose everything, now if its machine is down, else at its next crash; the disk works on."""
        if self.machine.up:
            self.trouble.wipes = True
        else:
            self._wipe()

    def _wipe(self) -> None:
        if self.failed:
            return
        self._empty()
        self._damaged("wiped", "everything")
        if self.contents is not None:
            self.contents.lost()

    def _empty(self) -> None:
        self.life += 1
        self.machine.used_bytes -= self.used_bytes
        self.used_bytes = 0
        self._unsynced_bytes = 0
        for journal in self._journals.values():
            journal.wipe()

    def fail(self, cause: str) -> None:
        """Fail for good, with everything on it. Failing twice is harmless."""
        if self.failed:
            return
        self.failed = True
        self._empty()
        self._queue.clear()
        self._set_links()
        self._sim.emit(DiskFailed(self.name, self.machine.name, self.machine.rack_name, cause))
        if self.contents is not None:
            self.contents.lost()

    def replace(self) -> None:
        """Put a new, empty disk of the same model in the place of a failed one."""
        if self.failed:
            self.failed = False
            self.slow_factor = 1.0
            self._sim.emit(DiskReplaced(self.name))

    def rot(self, uniform: float) -> str | None:
        """Silently change what is stored at quantile ``uniform``; says what, or None when nothing is stored."""
        what = None if self.contents is None or self.failed else self.contents.rot(uniform)
        return self._damaged("rot", what)

    def sector_error(self, uniform: float) -> str | None:
        """Make what is stored at quantile ``uniform`` unreadable; says what, or None when nothing is stored."""
        what = None if self.contents is None or self.failed else self.contents.sector_error(uniform)
        return self._damaged("sector-error", what)

    def durable_records(self) -> list[tuple[Journal, int]]:
        """Every record that is durable, by its journal and its position there."""
        journals = self._journals.values()
        return [(journal, position) for journal in journals for position in range(journal.durable_count)]

    def lose_record(self, uniform: float) -> str | None:
        """Never have written the durable journal record at quantile ``uniform``; says which."""
        records = [] if self.failed else self.durable_records()
        if not records:
            return None
        journal, position = records[int(uniform * len(records))]
        journal.lose(position)
        return self._damaged("lost-write", f"record {journal.cut_count + position} of {journal.name}")

    def damaged(self, damage: str, what: str | None) -> str | None:
        """Tell that stored things were damaged by who knows them; nothing when nothing was."""
        return self._damaged(damage, what)

    def _damaged(self, damage: str, what: str | None) -> str | None:
        if what is not None:
            self._sim.emit(DiskDamaged(self.name, damage, what))
        return what

    def _set_links(self) -> None:
        still = self.failed or self.trouble.hung
        for link, rate in self._link_rates.items():
            self.network.set_capacity(link, 0.0 if still else rate / self._slow_factor)

    def _set_hung(self, hung: bool) -> None:
        self._queue.hold(hung)
        self._set_links()


def _taken() -> None:
    """Nobody waits for it."""


def _transfer_ns(size_bytes: int, rate_bps: int) -> int:
    return size_bytes * 8 * SECOND // rate_bps
