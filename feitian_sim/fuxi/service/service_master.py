"""The ServiceMaster's decisions: who runs, who has which partition, what is split and moved. Pure; times are its clock's.

A partition changes hands in this order. Its owner lets go: it says so, its Tubo says that it is gone, or its lease and
the margin have run out. Then the book has the new owner and a new token, then the file, and then the new owner hears of
it. A partition that is moved is first left out of what its owner is to hold; that is all that moving is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from feitian_sim.fuxi.service.config import ServiceConfig
from feitian_sim.fuxi.service.description import ServiceDescription
from feitian_sim.fuxi.service.failures import Failures
from feitian_sim.fuxi.service.hotspot import HotspotPolicy, Move, PartitionSight, Split, WorkerSight
from feitian_sim.fuxi.service.messages import Holds, Renew, Renewed
from feitian_sim.fuxi.service.partition_book import PartitionBook
from feitian_sim.fuxi.service.table import NOBODY, Partition, Table
from feitian_sim.fuxi.service.workforce import Effects, HoldOrder, Moved, WasSplit, Worker, Workforce
from feitian_sim.fuxi.worker_messages import WorkerState
from feitian_sim.kernel import SECOND

_NEVER = 1 << 62


class ServiceMaster:
    """One life of a service's master; ``table`` is None for a service without partitions."""

    def __init__(
        self,
        description: ServiceDescription,
        table: Table | None,
        attempt: int,
        config: ServiceConfig,
        policy: HotspotPolicy,
        now_ns: int,
    ) -> None:
        self._config = config
        self._policy = policy
        self._roles = tuple(description.roles.values())
        self._serving = description.serving_role if table is not None else -1
        self._limits = description.partitions.limits() if description.partitions is not None else None
        self.force = Workforce([role.instances for role in self._roles], attempt)
        self.failures = Failures(description.roles, self.force, config)
        if table is not None and table.token:
            self.failures.ran_before()
        self.book = PartitionBook(table or Table(attempt, 0, 0, 0, 0, ()), attempt)
        #: Owners that are no workers any more, and until when they may serve nevertheless.
        self.departed: dict[int, int] = {}
        self._holdings: dict[tuple[int, str], int] = {}
        #: While an earlier life's workers are looked for, nothing is given out.
        self.is_held = False
        self._gathered = False
        self._gather_ns = now_ns + config.gather
        self._look_ns = now_ns + config.look_every
        #: By partition: requests per second, median key, and until when it is left alone.
        self.rates: dict[int, float] = {}
        self._medians: dict[int, int] = {}
        self._settling: dict[int, int] = {}

    @property
    def is_over(self) -> bool:
        """Whether the service has ended."""
        return self.force.is_over

    def take_effects(self) -> Effects:
        """What was decided since the last time."""
        effects, self.force.effects = self.force.effects, Effects()
        return effects

    # The beginning

    def begin(self, now_ns: int) -> None:
        """The first life."""
        self._settle(now_ns)

    def restore(self, holdings: Mapping[tuple[int, str], int], now_ns: int) -> None:
        """A later life: units held by (role, machine). Whoever owns something may serve until a lease has passed.

        Nobody renews now but this master, so no lease is younger than its lock.
        """
        self._holdings = dict(holdings)
        self.is_held = True
        for row in self.book.rows.values():
            if row.worker != NOBODY:
                self.departed[row.worker] = now_ns + self._config.wait_ns

    def adopt(self, machine: str, states: Iterable[WorkerState], now_ns: int) -> None:
        """What a machine says of workers that an earlier life had started."""
        for state in states:
            if state.worker in self.force.workers or not 0 < state.unit <= len(self._roles):
                continue
            self.failures.ran_before()
            worker = self.force.add(state.unit - 1, machine, state.worker)
            # It may have asked the master before at its very end.
            worker.until_ns = self.departed.pop(state.worker, now_ns + self._config.wait_ns)
            worker.ready = True
            if state.piece is None:
                self.force.effects.assigns.append((machine, worker.number, worker.role))
            elif worker.role == self._serving:
                # It must hear where its master is now.
                worker.serves = worker.dirty = True
        self._settle(now_ns)

    def open_up(self, now_ns: int) -> None:
        """Every machine has been heard, or is given up. What is granted and has no worker gets one."""
        self.is_held = False
        for (role, machine), count in self._holdings.items():
            self.force.start(role, machine, max(0, count - len(self.force.on(machine, role))))
        self._holdings.clear()
        self._gathered = True
        self._settle(now_ns)

    # What the FuxiMaster says

    def granted(self, role: int, machine: str, count: int, now_ns: int) -> None:
        """So many units of a role are granted on a machine."""
        self.force.granted(role, machine, count)
        self._settle(now_ns)

    def taken_back(self, role: int, machine: str, count: int, now_ns: int) -> None:
        """So many units are taken back: who has least to lose gives its partitions away, and ends."""
        counts = self.book.counts()
        there = sorted(self.force.on(machine, role), key=lambda one: (counts.get(one.number, 0), -one.number))
        for worker in there[:count]:
            worker.draining = worker.revoked = True
        self._settle(now_ns)

    def lost(self, machine: str, now_ns: int) -> None:
        """A machine has been silent for too long: perhaps it is only cut off, so its leases must run out."""
        for worker in [one for one in self.force.workers.values() if one.machine == machine]:
            self._depart(worker, worker.until_ns)
        for key in [key for key in self._holdings if key[1] == machine]:
            del self._holdings[key]
        self._settle(now_ns)

    def disabled(self, machine: str, now_ns: int) -> None:
        """Nobody should use a machine any more: what it has goes elsewhere."""
        for worker in self.force.workers.values():
            if worker.machine == machine:
                worker.draining = True
        self._settle(now_ns)

    # What Tubos and workers say

    def workers_ready(self, machine: str, role: int, workers: Iterable[int], now_ns: int) -> None:
        """Workers are up and idle."""
        for number in workers:
            worker = self.force.workers.get(number)
            if worker is None and not self.force.of_this_life(number) and number not in self.departed:
                worker = self.force.add(role, machine, number)
            if worker is not None:
                worker.ready = True
                self.failures.came_up(worker.role)
                self.force.effects.assigns.append((machine, number, worker.role))
        self._settle(now_ns)

    def workers_gone(self, machine: str, workers: Iterable[int], why: str, now_ns: int) -> None:
        """Processes are certainly gone, or never came up: what they had is free at once."""
        for number in workers:
            worker = self.force.workers.get(number)
            if worker is not None:
                if why != "revoked":
                    key = machine, worker.role
                    self.force.effects.gone[key] = self.force.effects.gone.get(key, 0) + 1
                self.failures.of_worker(worker.role, why)
                self._depart(worker, 0)
            elif number in self.departed:
                self.departed[number] = 0
        self._settle(now_ns)

    def _depart(self, worker: Worker, until_ns: int) -> None:
        del self.force.workers[worker.number]
        self.departed[worker.number] = until_ns

    def renew(self, message: Renew, now_ns: int) -> Renewed | None:
        """A worker asks whether it may go on, and reports. None: that cannot be said yet."""
        worker = self.force.workers.get(message.worker)
        if worker is None:
            if self.is_held:
                return None
            # One that was given up and is back: its unit is another's by now.
            self.force.effects.revoked.setdefault(message.machine, []).append(message.worker)
            return Renewed(self.book.attempt, 0, 0)
        worker.ready = True
        worker.until_ns = max(worker.until_ns, now_ns + self._config.wait_ns)
        if not worker.serves:
            worker.serves = worker.dirty = True
        self._loads(message)
        self.heard(worker.number, message.holds, now_ns)
        return Renewed(self.book.attempt, worker.sent, self._config.lease)

    def _loads(self, message: Renew) -> None:
        """Of how much its partitions are asked; what is not named is not asked at all."""
        if message.span_ns:
            for partition, _ in message.holds.has:
                self.rates[partition] = 0.0
            for one in message.loads:
                self.rates[one.partition] = one.requests * SECOND / message.span_ns
                self._medians[one.partition] = one.median

    def heard(self, number: int, holds: Holds, now_ns: int) -> None:
        """A worker says what it has: of what it has let go is another's now."""
        worker = self.force.workers.get(number)
        if worker is None:
            return
        worker.has = dict(holds.has)
        if not worker.dirty and holds.number == worker.sent and holds.attempt == self.book.attempt:
            for partition in [one for one in self.book.leaving if self.book.rows[one].worker == number]:
                if partition not in worker.has:
                    self._hand_over(partition, now_ns, "moved")
            # Its lease had run out meanwhile: it has dropped what is its own still.
            worker.dirty = any(worker.has.get(row.partition) != row.token for row in self.book.for_worker(worker.number))
        self._settle(now_ns)

    def hold_again(self, number: int, sent: int, now_ns: int) -> None:
        """A worker did not answer: say it once more."""
        worker = self.force.workers.get(number)
        if worker is not None and worker.sent == sent:
            worker.dirty = True
            self._settle(now_ns)

    # Partitions

    def _candidates(self, now_ns: int) -> list[Worker]:
        return [one for one in self.force.workers.values() if one.serves and not one.draining and one.until_ns > now_ns]

    def _hand_over(self, partition: int, now_ns: int, why: str) -> None:
        """Its owner has let go: it is whom it was meant for's, if that still serves."""
        row = self.book.rows[partition]
        target = self.force.workers.get(self.book.leaving.get(partition, NOBODY))
        if target is not None and target in self._candidates(now_ns):
            self._give(row, target, now_ns, why)
        else:
            self.book.let_go(partition)

    def _give(self, row: Partition, worker: Worker, now_ns: int, why: str) -> None:
        given = self.book.give(row.number, worker.number, worker.machine)
        self._settling[row.number] = now_ns + self._config.settle
        self.force.effects.moved.append(Moved(row.number, row.worker, worker.number, worker.machine, given.token, why))

    def _place(self, now_ns: int) -> None:
        """Give out what is nobody's, to who is asked least, and has fewest."""
        candidates = self._candidates(now_ns)
        if not self._gathered:
            wanted = self._roles[self._serving].instances
            self._gathered = len(candidates) >= wanted or now_ns >= self._gather_ns
        if not self._gathered or not candidates:
            return
        counts, load = self.book.counts(), self._load_of_workers()
        for number in list(self.book.free):
            worker = min(candidates, key=lambda one: (load.get(one.number, 0.0), counts.get(one.number, 0), one.number))
            counts[worker.number] = counts.get(worker.number, 0) + 1
            load[worker.number] = load.get(worker.number, 0.0) + self.rates.get(number, 0.0)
            self._give(self.book.rows[number], worker, now_ns, "placed")

    def _load_of_workers(self) -> dict[int, float]:
        """Requests per second to the partitions of each worker."""
        load: dict[int, float] = {}
        for row in self.book.rows.values():
            load[row.worker] = load.get(row.worker, 0.0) + self.rates.get(row.number, 0.0)
        return load

    def _leave(self, partition: int, target: Worker) -> None:
        """Have its owner let go of a partition that is meant for another."""
        row = self.book.rows[partition]
        self.book.leaving[partition] = target.number
        self.force.workers[row.worker].dirty = True

    def _drain(self, now_ns: int) -> None:
        """Workers that are to end give their partitions away, and end when they have none."""
        for worker in [one for one in self.force.workers.values() if one.draining]:
            rows = self.book.of(worker.number)
            if not rows and not any(row.worker == worker.number for row in self.book.durable.values()):
                self.force.stop(worker)
                continue
            candidates = self._candidates(now_ns)
            counts = self.book.counts()
            for row in rows:
                if candidates and self.book.is_settled(row.number):
                    target = min(candidates, key=lambda one: (counts.get(one.number, 0), one.number))
                    counts[target.number] = counts.get(target.number, 0) + 1
                    self._leave(row.number, target)

    # Time

    def wake(self, now_ns: int) -> None:
        """Leases have run out, or it is time to look for hot spots."""
        if now_ns >= self._look_ns:
            self._look_ns = now_ns + self._config.look_every
            if not self.is_held and self._limits is not None:
                self._relieve(now_ns)
        self._settle(now_ns)

    def next_look_ns(self) -> int:
        """When to call :meth:`wake`, at the latest."""
        owners = {row.worker for row in self.book.rows.values()}
        live = [one.until_ns for one in self.force.workers.values() if one.number in owners and one.until_ns]
        gone = [until_ns for number, until_ns in self.departed.items() if number in owners]
        gather = [] if self._gathered or self._serving < 0 else [self._gather_ns]
        look = [self._look_ns] if self._serving >= 0 else []
        return min((*live, *gone, *gather, *look), default=_NEVER)

    def _expire(self, now_ns: int) -> None:
        """What silent owners had is free once nobody can think it theirs."""
        over = {number for number, until_ns in self.departed.items() if until_ns <= now_ns}
        silent = {one.number for one in self.force.workers.values() if one.until_ns <= now_ns}
        for row in list(self.book.rows.values()):
            if row.worker in over or (row.worker in silent and row.worker != NOBODY):
                self._hand_over(row.number, now_ns, "expired")
        for number in over:
            del self.departed[number]
        for number in silent:
            # When it comes back it is told that it has nothing.
            self.force.workers[number].serves = False

    def _relieve(self, now_ns: int) -> None:
        assert self._limits is not None, "there are partitions"
        for number in [number for number, until_ns in self._settling.items() if until_ns <= now_ns]:
            del self._settling[number]
        candidates = {one.number: one for one in self._candidates(now_ns)}
        load = dict.fromkeys(candidates, 0.0)
        counts = self.book.counts()
        partitions = []
        for row in self.book.rows.values():
            if row.worker not in candidates:
                continue
            rate = self.rates.get(row.number, 0.0)
            load[row.worker] += rate
            if row.number not in self._settling and self.book.is_settled(row.number):
                partitions.append(PartitionSight(row.number, row.worker, rate, row.high - row.low))
        workers = [WorkerSight(number, load[number], counts.get(number, 0)) for number in candidates]
        for step in self._policy.relieve(partitions, workers, self._limits):
            if not self.book.is_settled(step.partition):
                continue
            match step:
                case Split():
                    self._split(step.partition, now_ns)
                case Move():
                    if step.worker in candidates and self.book.rows[step.partition].worker != step.worker:
                        self._leave(step.partition, candidates[step.worker])

    def _split(self, partition: int, now_ns: int) -> None:
        row = self.book.rows[partition]
        if row.high - row.low < 2:
            return
        median = self._medians.get(partition, (row.low + row.high) // 2)
        middle = min(max(median, row.low + 1), row.high - 1)
        first, second = self.book.split(partition, middle)
        half = self.rates.pop(partition, 0.0) / 2
        for one in (first, second):
            self.rates[one.number] = half
            self._settling[one.number] = now_ns + self._config.settle
        self.force.effects.splits.append(
            WasSplit(partition, row.low, middle, row.high, first.number, second.number, row.worker)
        )

    # The file

    def saved(self, now_ns: int) -> None:
        """The table is in Nuwa: those whose rows have changed are told."""
        for number in self.book.saved():
            worker = self.force.workers.get(number)
            if worker is not None:
                worker.dirty = True
        self._settle(now_ns)

    def _settle(self, now_ns: int) -> None:
        """Bring everything into line with what is known now."""
        self._expire(now_ns)
        if not self.is_held:
            self.force.want()
            self._place(now_ns)
            self._drain(now_ns)
        for worker in self.force.workers.values():
            if worker.dirty and worker.serves:
                worker.dirty = False
                worker.sent += 1
                rows = self.book.for_worker(worker.number)
                self.force.effects.holds.append(HoldOrder(worker.number, worker.machine, worker.sent, rows))
