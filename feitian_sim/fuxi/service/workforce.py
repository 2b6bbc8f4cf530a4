"""A service's workers: each role is kept at its number of them, on units that the FuxiMaster grants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from feitian_sim.fuxi.service.messages import Row

#: Numbers of workers of one life of a ServiceMaster.
WORKERS_OF_A_LIFE = 1_000_000


class Worker:
    """One worker, from the order to start it until it is certainly gone. Times are by the master's clock."""

    __slots__ = (
        "dirty", "draining", "has", "machine", "number", "ready", "revoked", "role", "sent", "serves", "until_ns"
    )  # fmt: skip

    def __init__(self, number: int, role: int, machine: str) -> None:
        self.number = number
        self.role = role
        self.machine = machine
        self.ready = False
        #: Whether it has asked for a lease, and serves partitions or could.
        self.serves = False
        #: It may serve until then, as far as anybody can know.
        self.until_ns = 0
        #: It is to end when it has no partition any more; ``revoked``: since its unit was taken back.
        self.draining = False
        self.revoked = False
        #: The number of the last Hold for it, and whether another is needed.
        self.sent = 0
        self.dirty = False
        #: Partitions that it said it has, with their tokens.
        self.has: dict[int, int] = {}


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """Tell a worker all that it is to hold."""

    worker: int
    machine: str
    number: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A partition was given to a worker; ``source`` is who had it before, 0 for nobody."""

    partition: int
    source: int
    worker: int
    machine: str
    token: int
    why: str


@dataclass(frozen=True, slots=True)
class WasSplit:
    """A partition was split at ``middle`` into two."""

    partition: int
    low: int
    middle: int
    high: int
    first: int
    second: int
    worker: int


@dataclass(slots=True)
class Effects:
    """What the ServiceMaster has decided. Keys are (machine, role)."""

    starts: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    stops: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    #: Workers to be ended whose units were taken back, or that nobody knows, by machine.
    revoked: dict[str, list[int]] = field(default_factory=dict)
    gone: dict[tuple[str, int], int] = field(default_factory=dict)
    unused: dict[tuple[str, int], int] = field(default_factory=dict)
    wants: list[tuple[int, int]] = field(default_factory=list)
    #: Workers that are to begin to serve.
    assigns: list[tuple[str, int, int]] = field(default_factory=list)
    holds: list[HoldOrder] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    splits: list[WasSplit] = field(default_factory=list)
    #: Why the service is over; empty while it is not.
    ended: str = ""


class Workforce:
    """The workers of one life (``attempt``) of a ServiceMaster. ``instances``: of each role."""

    def __init__(self, instances: Sequence[int], attempt: int) -> None:
        self._instances = tuple(instances)
        self._last = attempt * WORKERS_OF_A_LIFE
        self._first = self._last
        self._asked = [0] * len(self._instances)
        self.workers: dict[int, Worker] = {}
        self.effects = Effects()
        #: When the service is over, nothing is done any more.
        self.is_over = False

    def end(self, why: str) -> None:
        """The service is over; what is said later counts for nothing."""
        if not self.is_over:
            self.is_over = True
            self.effects.ended = why

    def of_this_life(self, number: int) -> bool:
        """Whether a worker was started by this life of the master."""
        return number > self._first

    def add(self, role: int, machine: str, number: int) -> Worker:
        """A worker is, or will be, on a machine."""
        worker = self.workers[number] = Worker(number, role, machine)
        return worker

    def on(self, machine: str, role: int) -> list[Worker]:
        """The workers of a role on a machine that are to stay."""
        return [one for one in self.workers.values() if one.machine == machine and one.role == role and not one.draining]

    def staying(self, role: int) -> int:
        """Workers of a role that are not to end."""
        return sum(one.role == role and not one.draining for one in self.workers.values())

    def start(self, role: int, machine: str, count: int) -> None:
        """Have so many new workers started."""
        for _ in range(count):
            self._last += 1
            self.add(role, machine, self._last)
            self.effects.starts.setdefault((machine, role), []).append(self._last)

    def granted(self, role: int, machine: str, count: int) -> None:
        """So many units of a role are granted: start what is missing, give back the rest."""
        self._asked[role] = max(0, self._asked[role] - count)
        used = min(count, max(0, self._instances[role] - self.staying(role)))
        self.start(role, machine, used)
        if count > used:
            self.effects.unused[machine, role] = self.effects.unused.get((machine, role), 0) + count - used

    def stop(self, worker: Worker) -> None:
        """Have a worker ended that has no partition any more."""
        del self.workers[worker.number]
        if worker.revoked:
            self.effects.revoked.setdefault(worker.machine, []).append(worker.number)
        else:
            self.effects.stops.setdefault((worker.machine, worker.role), []).append(worker.number)

    def want(self) -> None:
        """Ask for what is missing of each role, or take back what is asked for too much; what is there too much ends."""
        for role, instances in enumerate(self._instances):
            surplus = self.staying(role) - instances
            if surplus > 0:
                # Those that an earlier life had started, and were found late, go on; who began last ends.
                staying = [one for one in self.workers.values() if one.role == role and not one.draining]
                for worker in sorted(staying, key=lambda one: -one.number)[:surplus]:
                    worker.draining = True
            delta = max(0, instances - self.staying(role)) - self._asked[role]
            if delta:
                self._asked[role] += delta
                self.effects.wants.append((role, delta))
